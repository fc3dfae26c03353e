"""The road network: its shape, its frames, its main part, other profiles, and sketches."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pandas.testing import assert_frame_equal
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from shapely.geometry import Point

from zonedesign import _roadshape
from zonedesign.errors import DataError, ScenarioError
from zonedesign.profiles import JUNCTIONS, ROAD_CLASSES
from zonedesign.roads import RoadNetwork, sketch_roads


def frames(edges, places=None):
    """Nodes 0, 1, 2 ... 100 m apart in a row near Portsmouth, and edges as (from, to, minutes)."""
    table = pd.DataFrame(edges, columns=["from", "to", "minutes"])
    count = int(table[["from", "to"]].max().max()) + 1
    places = places or [(465000.0 + 100.0 * i, 100000.0) for i in range(count)]
    return pd.DataFrame(places, columns=["x", "y"]), table


def network(edges, places=None, **more):
    return RoadNetwork.from_frames(*frames(edges, places), crs="EPSG:27700", **more)


def points(*places, index=None, crs=27700):
    return gpd.GeoSeries([Point(*place) for place in places], index=index, crs=crs)


def test_edges_are_sorted_by_tail_and_head_and_parallels_stay_in_their_order():
    roads = network([(1, 0, 5), (0, 2, 1), (0, 1, 4), (0, 1, 3)])
    assert roads.indptr.tolist() == [0, 3, 4, 4]
    assert roads.heads.tolist() == [1, 1, 2, 0]
    assert roads.minutes.tolist() == [4.0, 3.0, 1.0, 5.0]
    assert roads.tails.tolist() == [0, 0, 0, 1]


def test_the_arrays_have_the_types_that_other_rooms_rely_on():
    roads = network([(0, 1, 3), (1, 0, 3)])
    assert (roads.node_ids.dtype, roads.indptr.dtype, roads.heads.dtype) == (np.int64, np.int64, np.int32)
    assert (roads.minutes.dtype, roads.length_m.dtype, roads.x.dtype) == (np.float64,) * 3
    assert roads.main.dtype == np.bool_
    assert roads.crs.to_epsg() == 27700


def test_parallel_roads_are_kept_and_the_quickest_counts():
    roads = network([(0, 1, 5), (0, 1, 3), (1, 0, 8)])
    assert roads.minutes.tolist() == [5.0, 3.0, 8.0]
    assert roads.quickest.tolist() == [False, True, True]
    assert roads.counts["parallel edges, slower than another"] == 1


def test_of_parallel_roads_that_take_equally_long_the_first_counts():
    assert network([(0, 1, 5), (0, 1, 3), (0, 1, 3), (1, 0, 3)]).quickest.tolist() == [
        False, True, False, True,
    ]  # fmt: skip


def profiled(rows, **more):
    """A network whose minutes follow from (from, to, class, built up), a kilometre each."""
    nodes, edges = frames([(a, b, 0) for a, b, *_ in rows])
    edges = edges.drop(columns="minutes").assign(
        road_class=[kind for _, _, kind, _ in rows], built_up=[town for *_, town in rows], length_m=1000.0
    )
    return RoadNetwork.from_frames(nodes, edges, crs=27700, **more)


def test_another_profile_changes_minutes_and_nothing_of_the_shape():
    roads = profiled([(0, 1, "primary", False), (0, 1, "motorway", True), (1, 0, "tertiary", False)])
    slow = roads.with_profile({"speeds": {"motorway": 10}})
    for name in ("indptr", "heads", "tails", "length_m", "road_class", "maxspeed_kph", "junction", "cut"):
        assert getattr(slow, name) is getattr(roads, name)
    assert roads.quickest.tolist() == [False, True, True]
    assert slow.quickest.tolist() == [True, False, True]
    assert slow.minutes.tolist() == pytest.approx([60 / 76, 6.0, 1.0])


def test_what_depends_on_the_shape_is_shared_and_what_depends_on_minutes_is_not():
    roads = profiled([(0, 1, "primary", False), (1, 0, "primary", False)])
    slow = roads.with_profile("am-peak")
    assert slow.shape is roads.shape
    assert slow.kept is not roads.kept
    assert slow.with_profile("free-flow").shape is roads.shape
    assert profiled([(0, 1, "primary", False)]).shape is not roads.shape


def test_with_profile_gives_what_reading_with_that_profile_gives():
    rows = [
        (0, 1, "primary", True),
        (1, 0, "primary", False),
        (1, 2, "residential", True),
        (2, 1, "tertiary", False),
    ]
    fresh, changed = profiled(rows, profile="pm-peak"), profiled(rows).with_profile("pm-peak")
    assert changed.minutes.tolist() == fresh.minutes.tolist()
    assert changed.junction_minutes.tolist() == fresh.junction_minutes.tolist()
    assert changed.speeds == fresh.speeds


def test_roads_leave_the_data_of_frames_where_a_column_says_so():
    nodes, edges = frames([(0, 1, 3), (1, 0, 3)])
    assert RoadNetwork.from_frames(nodes, edges, crs=27700).cut.tolist() == [False, False]
    told = RoadNetwork.from_frames(nodes.assign(cut=[False, True]), edges, crs=27700)
    assert told.cut.tolist() == [False, True]
    assert told.counts["nodes where roads leave the data"] == 1


def test_frames_hold_no_banned_turns():
    assert network([(0, 1, 3)]).banned_turns.shape == (0, 3)


def test_a_class_that_the_profile_has_no_speed_for_is_refused_by_name():
    with pytest.raises(DataError, match="1 road class that 'free-flow' has no speed for: footway"):
        profiled([(0, 1, "footway", True)])
    assert profiled([(0, 1, "footway", True)], profile="walking").minutes.tolist() == [12.5]


def test_frames_may_be_walked_and_driven():
    roads = profiled([(0, 1, "primary", False)])
    assert roads.with_profile("walking").minutes.tolist() == [12.5]
    assert roads.with_profile("walking").mode == "foot"
    assert roads.with_profile("walking").with_profile("free-flow").mode == "car"


def test_frames_go_out_as_they_came_in():
    roads = network([(0, 1, 3), (0, 1, 4), (1, 2, 0), (2, 0, 9)])
    nodes, edges = roads.to_frames()
    assert list(nodes.columns) == ["x", "y"]
    assert list(edges.columns) == ["from", "to", "minutes", "length_m", "road_class"]
    again = RoadNetwork.from_frames(nodes, edges, crs=roads.crs)
    assert_frame_equal(again.to_frames()[1], edges)
    assert_frame_equal(again.to_frames()[0], nodes)


def test_large_and_negative_node_ids_survive():
    big = 2**62 + 1
    nodes = pd.DataFrame({"x": [465000.0, 465100.0], "y": [1e5, 1e5]}, index=[-7, big])
    edges = pd.DataFrame({"from": [-7], "to": [big], "minutes": [1.0]})
    roads = RoadNetwork.from_frames(nodes, edges, crs=27700)
    assert roads.to_frames()[1][["from", "to"]].to_numpy().tolist() == [[-7, big]]


def test_inputs_are_not_changed():
    nodes, edges = frames([(0, 1, 3), (1, 0, 3)])
    before = nodes.copy(), edges.copy()
    RoadNetwork.from_frames(nodes, edges, crs=27700)
    assert_frame_equal(nodes, before[0])
    assert_frame_equal(edges, before[1])


def test_without_minutes_they_follow_from_length_class_and_limit():
    nodes, edges = frames([(0, 1, 0), (1, 0, 0)])
    edges = edges.drop(columns="minutes").assign(
        road_class="primary", length_m=1000.0, built_up=[False, True], maxspeed_kph=[np.nan, 30.0]
    )
    roads = RoadNetwork.from_frames(nodes, edges, crs=27700)
    assert roads.minutes.tolist() == pytest.approx([60 / 76, 60 / 27])
    slower = roads.with_profile("am-peak")
    assert slower.minutes.tolist() == pytest.approx([60 / 76 / 0.73, 60 / 27 / 0.58])
    assert (roads.profile, slower.profile) == ("free-flow", "am-peak")
    assert roads.minutes[0] == pytest.approx(60 / 76)  # the first is as it was


def test_a_oneway_column_makes_the_other_rows_count_both_ways():
    nodes, edges = frames([(0, 1, 3), (1, 2, 4)])
    roads = RoadNetwork.from_frames(nodes, edges.assign(oneway=[True, False]), crs=27700)
    _, out = roads.to_frames()
    assert out[["from", "to", "minutes"]].to_numpy().tolist() == [[0, 1, 3], [1, 2, 4], [2, 1, 4]]
    assert roads.counts["rows counted both ways"] == 1


def test_lengths_are_the_straight_line_unless_given():
    assert network([(0, 1, 3), (2, 0, 3)]).length_m.tolist() == [100.0, 200.0]


def test_degrees_are_projected_to_the_national_grid():
    nodes = pd.DataFrame({"x": [-1.09, -1.08], "y": [50.80, 50.80]})
    edges = pd.DataFrame({"from": [0], "to": [1], "minutes": [1.0]})
    roads = RoadNetwork.from_frames(nodes, edges, crs=4326)
    assert roads.crs.to_epsg() == 27700
    assert roads.x[0] == pytest.approx(464_210, abs=50)
    assert roads.length_m[0] == pytest.approx(705, abs=5)


@pytest.mark.parametrize(
    ("lon", "lat", "epsg"),
    [
        (-1.1, 50.8, 27700),  # Portsmouth
        (1.3, 51.1, 27700),  # Dover
        (-6.2, 55.75, 27700),  # Islay
        (-5.7, 50.1, 27700),  # Land's End
        (-5.93, 54.6, 32630),  # Belfast
        (-6.26, 53.35, 32629),  # Dublin
        (1.6, 50.72, 32631),  # Boulogne
        (-0.57, -33.0, 32730),
        (2.35, 48.85, 32631),  # Paris
    ],
)
def test_the_crs_suits_the_place(lon, lat, epsg):
    assert _roadshape.metre_crs(np.array([lon]), np.array([lat])).to_epsg() == epsg


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda n, e: (n, e.drop(columns="to")), "edges has no column 'to'"),
        (lambda n, e: (n.drop(columns="y"), e), "nodes has no column 'y'"),
        (lambda n, e: (n, e.drop(columns="minutes")), "edges without minutes has no column 'road_class'"),
        (lambda n, e: (n, e.assign(minutes=-1.0)), "minutes of edges: 2 rows below zero, first -1 at 0"),
        (
            lambda n, e: (n, e.assign(minutes=["3", "soon"])),
            "minutes of edges: 1 row without a finite number",
        ),
        (lambda n, e: (n, e.assign(minutes=np.nan)), "minutes of edges: 2 rows without a finite number"),
        (lambda n, e: (n, e.assign(length_m=np.inf)), "length_m of edges: 2 rows without a finite number"),
        (lambda n, e: (n, e.assign(to=[77, 0])), "1 id not among the nodes: 77"),
        (lambda n, e: (n, e.assign(to=["a", 0])), "1 node id not a whole number: a"),
        (lambda n, e: (n.set_axis(["a", "b"]), e), "2 node ids not a whole number: a, b"),
        (lambda n, e: (n.set_axis([0, 0]), e), "duplicate node id"),
        (lambda n, e: (n.assign(x=np.nan), e), "x of nodes: 2 rows without a finite number"),
        (lambda n, e: (n.iloc[:0], e), "nodes are empty"),
        (lambda n, e: (n, e.iloc[:0]), "edges are empty"),
        (lambda n, e: (n, e.drop(columns="minutes").assign(road_class="primry")), "did you mean 'primary'"),
    ],
)
def test_bad_frames_are_refused_by_name(change, message):
    nodes, edges = change(*frames([(0, 1, 3), (1, 0, 3)]))
    with pytest.raises(DataError, match=message):
        RoadNetwork.from_frames(nodes, edges, crs=27700)


def test_frames_without_a_crs_are_refused():
    with pytest.raises(DataError, match="nodes have no CRS"):
        RoadNetwork.from_frames(*frames([(0, 1, 3)]))


def test_metres_that_are_called_degrees_are_refused():
    with pytest.raises(DataError, match="coordinates are not degrees"):
        RoadNetwork.from_frames(*frames([(0, 1, 3)]), crs=4326)


def test_minutes_that_were_given_take_no_profile():
    with pytest.raises(ScenarioError, match="given with its minutes"):
        network([(0, 1, 3), (1, 0, 3)]).with_profile("am-peak")


def test_the_main_part_is_the_largest_that_can_be_driven_there_and_back():
    roads = network([(0, 1, 0), (1, 2, 0), (2, 0, 0), (2, 3, 1), (4, 5, 1), (5, 4, 1)])
    assert roads.main.tolist() == [True, True, True, False, False, False]
    assert roads.counts["connected pieces"] == 2
    assert roads.counts["nodes outside the largest connected piece"] == 2
    assert roads.counts["nodes outside the main part (reachable both ways)"] == 3


def test_the_repr_counts_nodes_edges_and_km_and_names_the_source():
    roads = network([(0, 1, 3), (1, 0, 3), (1, 2, 1)], source="mine")
    assert repr(roads) == "<RoadNetwork: 3 nodes, 3 edges, 0 km, mine, free-flow>"
    assert roads.km == pytest.approx(0.2)  # a road both ways is one road


def test_where_roads_of_one_class_meet_all_slow_down_and_elsewhere_the_minor_one():
    kinds = {"primary": ROAD_CLASSES.index("primary"), "residential": ROAD_CLASSES.index("residential")}
    spokes, hub = np.array([0, 1, 2]), np.array([3, 3, 3])
    tails, heads = np.concatenate([spokes, hub]), np.concatenate([hub, spokes])
    same = _roadshape.junction_codes(4, tails, heads, np.full(6, kinds["residential"]))
    assert [JUNCTIONS[code] for code in same] == ["equal"] * 3 + ["none"] * 3
    mixed = np.tile([kinds["primary"], kinds["primary"], kinds["residential"]], 2)
    unequal = _roadshape.junction_codes(4, tails, heads, mixed)
    assert [JUNCTIONS[code] for code in unequal] == ["none", "none", "give_way", "none", "none", "none"]


def test_a_slip_road_off_a_motorway_delays_nobody():
    motorway, slip = 0, 1
    codes = _roadshape.junction_codes(
        4, np.array([0, 1, 1]), np.array([1, 2, 3]), np.array([motorway, motorway, slip])
    )
    assert codes.tolist() == [0, 0, 0]


def test_a_sketch_joins_neighbours_both_ways_at_40_kph():
    roads = sketch_roads(points((0, 0), (3000, 0), (0, 4000), index=["a", "b", "c"]))
    _, edges = roads.to_frames()
    assert roads.sketch
    assert len(edges) == 6
    leg = edges[(edges["from"] == 0) & (edges["to"] == 1)].iloc[0]
    assert leg["length_m"] == pytest.approx(3900)
    assert leg["minutes"] == pytest.approx(3.9 / 40 * 60)
    assert "sketch roads" in repr(roads)


@pytest.mark.parametrize(
    ("places", "links"),
    [
        ([(5, 5)], []),
        ([(0, 0), (10, 0)], [(0, 1)]),
        ([(20, 0), (0, 0), (10, 0)], [(0, 2), (1, 2)]),  # on a line, in their order along it
        ([(5, 5), (5, 5)], [(0, 1)]),
        ([(5, 5), (5, 5), (5, 5)], [(0, 1), (0, 2)]),
        ([(0, 0), (10, 0), (10, 0)], [(0, 1), (1, 2)]),
    ],
)
def test_a_sketch_copes_with_few_collinear_and_identical_points(places, links):
    roads = sketch_roads(points(*places))
    _, edges = roads.to_frames()
    both = sorted(links + [(b, a) for a, b in links])
    assert [tuple(row) for row in edges[["from", "to"]].to_numpy()] == both
    assert roads.main.all()


def test_points_in_one_place_are_no_minutes_apart_and_counted():
    roads = sketch_roads(points((0, 0), (1000, 0), (1000, 0)))
    assert roads.minutes[(roads.tails == 1) & (roads.heads == 2)].tolist() == [0.0]
    assert roads.counts["points in the place of another"] == 1


def test_a_sketch_of_degrees_is_in_metres():
    roads = sketch_roads(points((-1.09, 50.80), (-1.08, 50.80), crs=4326))
    assert roads.crs.to_epsg() == 27700
    assert roads.length_m[0] == pytest.approx(1.3 * 705, abs=7)


def test_a_sketch_takes_no_profile_and_no_missing_points():
    roads = sketch_roads(points((0, 0), (1000, 0)))
    with pytest.raises(ScenarioError, match="a sketch"):
        roads.with_profile("am-peak")
    with pytest.raises(DataError, match="no points to sketch"):
        sketch_roads(points())


@settings(max_examples=60, deadline=None)
@given(arrays(np.int64, st.tuples(st.integers(1, 25), st.just(2)), elements=st.integers(0, 6)))
def test_a_sketch_of_any_points_is_connected(places):
    roads = sketch_roads(points(*(100.0 * places)))
    assert roads.main.all()
    assert np.allclose(
        roads.length_m,
        1.3
        * np.hypot(roads.x[roads.tails] - roads.x[roads.heads], roads.y[roads.tails] - roads.y[roads.heads]),
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(0, 9)), min_size=1, max_size=40))
def test_the_quickest_edges_are_the_shortest_paths_and_the_main_part_is_scipys(edges):
    roads = network(edges)
    n = len(roads.node_ids)
    best: dict[tuple[int, int], float] = {}
    for a, b, minutes in edges:
        best[a, b] = min(best.get((a, b), np.inf), minutes)
    kept = roads.quickest
    rows = zip(roads.tails[kept], roads.heads[kept], roads.minutes[kept], strict=True)
    assert {(int(a), int(b)): float(minutes) for a, b, minutes in rows} == best
    ones = csr_matrix((np.ones(len(edges)), ([e[0] for e in edges], [e[1] for e in edges])), shape=(n, n))
    _, label = connected_components(ones, connection="strong")
    assert roads.main.sum() == np.bincount(label).max()
    assert len(set(label[roads.main])) == 1
    # all ways out of the main part and back are finite
    graph = csr_matrix((roads.minutes[kept] + 1, (roads.tails[kept], roads.heads[kept])), shape=(n, n))
    inside = np.flatnonzero(roads.main)
    assert np.isfinite(dijkstra(graph, indices=inside)[:, inside]).all()
