"""Travel times: exact, within the cutoff, on the caller's ids, and absent where out of reach."""

from __future__ import annotations

import logging
import math
import subprocess
import sys

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse import csgraph

from zonedesign.errors import DataError, ScenarioError
from zonedesign.osm import read_roads
from zonedesign.roads import RoadNetwork
from zonedesign.snapping import Snapping, snap
from zonedesign.traveltimes import TravelTimes, travel_times, with_access

# ids    1 --2-- 2 --3-> 3 --4-- 4     and 5 --1-- 6 by themselves; 2 to 3 is one way, and 3 leads to 1 in 10 minutes
ROADS = [
    (1, 2, 2.0),
    (2, 1, 2.0),
    (2, 3, 3.0),
    (3, 4, 4.0),
    (4, 3, 4.0),
    (3, 1, 10.0),
    (5, 6, 1.0),
    (6, 5, 1.0),
]


def network(edges: list[tuple[int, int, float]], nodes: int) -> RoadNetwork:
    """Nodes 1, 2, ... stand on a line, a kilometre apart."""
    places = pd.DataFrame(
        {"x": 400_000.0 + 1000.0 * np.arange(nodes), "y": 100_000.0}, index=np.arange(1, nodes + 1)
    )
    table = pd.DataFrame(edges, columns=["from", "to", "minutes"]).astype(
        {"from": int, "to": int, "minutes": float}
    )
    return RoadNetwork.from_frames(places, table.assign(road_class="residential"), crs=27700)


def at(*nodes: int, aside_m: float = 0.0, ids: list[object] | None = None) -> gpd.GeoSeries:
    """Points at nodes of the line, that far beside it."""
    names = [f"P{node}" for node in nodes] if ids is None else ids
    return gpd.GeoSeries.from_xy(
        [399_000.0 + 1000.0 * node for node in nodes],
        [100_000.0 + aside_m] * len(nodes),
        index=names,
        crs=27700,
    )


@pytest.fixture(scope="module")
def line() -> RoadNetwork:
    return network(ROADS, 6)


def test_minutes_are_those_of_the_quickest_way_in_each_direction(line: RoadNetwork) -> None:
    times = travel_times(line, at(1, 2, 3, 4))
    assert times.to_array().tolist() == [[0, 2, 5, 9], [2, 0, 3, 7], [10, 12, 0, 4], [14, 16, 4, 0]]


def test_the_cutoff_counts_in_and_what_is_beyond_it_is_absent(line: RoadNetwork) -> None:
    times = travel_times(line, at(1, 2, 3, 4), max_minutes=5)
    assert times.to_array().tolist() == [
        [0, 2, 5, math.inf], [2, 0, 3, math.inf], [math.inf, math.inf, 0, 4], [math.inf, math.inf, 4, 0],
    ]  # fmt: skip
    assert len(times.minutes) == 10
    assert len(travel_times(line, at(1, 2, 3, 4), max_minutes=4.99).minutes) == 9


def test_a_pair_without_a_way_is_out_of_reach_without_any_cutoff(line: RoadNetwork) -> None:
    times = travel_times(line, at(1, 5, 6))
    assert times.between("P1", "P5") == math.inf
    assert times.between("P5", "P6") == 1.0
    assert times.to_frame()["minutes"].tolist() == [0, 0, 1, 1, 0]


def test_ids_of_any_type_are_kept_in_their_order(line: RoadNetwork) -> None:
    times = travel_times(line, at(3, 1, 2, ids=[30, 10, 20]))
    assert times.origins.tolist() == times.destinations.tolist() == [30, 10, 20]
    assert times.between(10, 30) == 5.0


def test_points_at_one_node_are_zero_minutes_apart_and_that_zero_is_stored(line: RoadNetwork) -> None:
    times = travel_times(line, at(1, 1, 2, ids=["a", "b", "c"]), max_minutes=0)
    assert times.to_frame().to_numpy().tolist() == [
        ["a", "a", 0], ["a", "b", 0], ["b", "a", 0], ["b", "b", 0], ["c", "c", 0],
    ]  # fmt: skip


def test_destinations_may_be_other_points_with_ids_of_their_own(line: RoadNetwork) -> None:
    times = travel_times(line, at(4, 1), at(2, 3, 3, ids=["P4", "y", "z"], aside_m=20.0))
    assert times.to_array().tolist() == [[16, 4, 4], [2, 5, 5]]
    assert times.snapped_m is not None
    assert times.snapped_m.tolist() == [0, 0]
    assert times.destinations_snapped_m is not None
    assert times.destinations_snapped_m.to_dict() == {"P4": 20.0, "y": 20.0, "z": 20.0}


def test_points_in_degrees_give_the_same_minutes(line: RoadNetwork) -> None:
    points = at(1, 2, 3, 4)
    there = travel_times(line, points.to_crs(4326)).to_array()
    assert there.tolist() == travel_times(line, points).to_array().tolist()


def test_a_frame_of_points_is_taken_by_its_geometry_and_nothing_is_changed(line: RoadNetwork) -> None:
    frame = gpd.GeoDataFrame({"hours": [1, 2]}, index=["P1", "P2"], geometry=at(1, 2))
    before = frame.copy()
    assert travel_times(line, frame).between("P1", "P2") == 2.0
    pd.testing.assert_frame_equal(frame, before)


def test_a_point_far_from_roads_is_named_counted_and_reaches_only_itself(
    line: RoadNetwork, caplog: pytest.LogCaptureFixture
) -> None:
    points = pd.concat([at(1, 2), at(3, aside_m=1500.0), at(4)])
    with caplog.at_level(logging.WARNING):
        times = travel_times(line, points)
    assert times.to_array()[2].tolist() == [math.inf, math.inf, 0, math.inf]
    assert times.to_array()[:, 2].tolist() == [math.inf, math.inf, 0, math.inf]
    assert times.between("P1", "P4") == 9.0
    assert times.provenance["beyond_snap"] == ["P3"]
    assert times.snapped_m is not None
    assert times.snapped_m["P3"] == 1500.0
    assert "1 point not within 1,000 m" in caplog.text
    assert "P3" in caplog.text
    assert travel_times(line, points, max_snap_m=1500).between("P3", "P4") == 4.0


def test_a_road_file_of_another_place_is_refused(line: RoadNetwork) -> None:
    points = pd.concat([at(1), at(2, 3, aside_m=50_000.0)])
    with pytest.raises(
        DataError, match=r"1 of 3 points lie within 1,000 m .*P2, P3; is it a road file of another place"
    ):
        travel_times(line, points)
    with pytest.raises(DataError, match="0 of 1 destination lie"):
        travel_times(line, at(1), at(2, aside_m=50_000.0))


def test_half_the_points_near_a_road_are_enough(line: RoadNetwork) -> None:
    assert len(travel_times(line, pd.concat([at(1), at(2, aside_m=50_000.0)])).minutes) == 2


def test_what_cannot_be_is_refused_by_name(line: RoadNetwork) -> None:
    with pytest.raises(ScenarioError, match="max_minutes is -1"):
        travel_times(line, at(1), max_minutes=-1)
    with pytest.raises(ScenarioError, match="max_minutes is nan"):
        travel_times(line, at(1), max_minutes=math.nan)
    with pytest.raises(ScenarioError, match="threads is 0"):
        travel_times(line, at(1), threads=0)
    with pytest.raises(DataError, match="duplicate point id: x"):
        travel_times(line, at(1, 2, ids=["x", "x"]))
    with pytest.raises(DataError, match="no CRS"):
        travel_times(line, at(1).set_crs(None, allow_override=True))
    with pytest.raises(DataError, match="no points"):
        travel_times(line, at())


def test_provenance_says_where_the_minutes_come_from(line: RoadNetwork) -> None:
    told = travel_times(line, at(1, 2), max_minutes=30).provenance
    assert {key: told[key] for key in ("source", "sha256", "profile", "sketch", "max_minutes", "beyond_snap")} == {
        "source": "frames", "sha256": None, "profile": "free-flow", "sketch": False, "max_minutes": 30, "beyond_snap": [],
    }  # fmt: skip
    assert travel_times(line, at(1, 2)).provenance["max_minutes"] is None


def test_progress_rises_to_the_whole(line: RoadNetwork) -> None:
    shares: list[float] = []
    travel_times(line, at(1, 2, 3), progress=lambda _stage, share, _message: shares.append(share or 0.0))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def random_roads(seed: int, nodes: int, edges: int) -> RoadNetwork:
    rng = np.random.default_rng(seed)
    table = np.column_stack([rng.integers(1, nodes + 1, (edges, 2)), rng.random(edges)])
    return network([(int(a), int(b), float(m)) for a, b, m in table], nodes)


def test_the_number_of_threads_changes_nothing() -> None:
    roads = random_roads(7, 300, 900)
    points = at(*range(1, 301))
    one, three = (travel_times(roads, points, max_minutes=1.5, threads=threads) for threads in (1, 3))
    assert one.indptr.tobytes() == three.indptr.tobytes()
    assert one.indices.tobytes() == three.indices.tobytes()
    assert one.minutes.tobytes() == three.minutes.tobytes()


def reference(roads: RoadNetwork) -> tuple[np.ndarray, np.ndarray]:
    """Minutes between all nodes by networkx (parallel edges and all) and by scipy (the quickest of parallels)."""
    graph: nx.MultiDiGraph = nx.MultiDiGraph()
    graph.add_nodes_from(range(len(roads.node_ids)))
    graph.add_weighted_edges_from(
        zip(roads.tails.tolist(), roads.heads.tolist(), roads.minutes.tolist(), strict=True)
    )
    by_networkx = np.full((len(graph), len(graph)), np.inf)
    for start, found in nx.all_pairs_dijkstra_path_length(graph):
        by_networkx[start, list(found)] = list(found.values())
    quick = roads.quickest
    ends = roads.tails[quick], roads.heads[quick]
    table = sparse.csr_array((roads.minutes[quick], ends), shape=by_networkx.shape)
    return by_networkx, csgraph.dijkstra(table)


@st.composite
def any_roads(draw: st.DrawFn) -> RoadNetwork:
    """One-way, parallel, looping and disconnected edges, some of no length."""
    nodes = draw(st.integers(1, 9))
    node = st.integers(1, nodes)
    minutes = st.one_of(st.sampled_from([0.0, 1.0, 2.5]), st.floats(0.001, 30.0))
    return network(draw(st.lists(st.tuples(node, node, minutes), min_size=1, max_size=25)), nodes)


@settings(max_examples=120, deadline=None)
@given(roads=any_roads(), data=st.data())
def test_minutes_equal_those_of_networkx_and_scipy_on_any_roads(
    roads: RoadNetwork, data: st.DataObject
) -> None:
    by_networkx, by_scipy = reference(roads)
    points = at(*range(1, len(roads.node_ids) + 1))
    np.testing.assert_allclose(travel_times(roads, points).to_array(), by_networkx, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(by_networkx, by_scipy, rtol=1e-12, atol=1e-12)
    cutoff = data.draw(
        st.sampled_from(sorted(by_networkx[np.isfinite(by_networkx)]))
    )  # exactly on a travel time
    within = np.where(by_networkx <= cutoff + 1e-6, by_networkx, np.inf)
    found = travel_times(roads, points, max_minutes=float(cutoff)).to_array()
    np.testing.assert_allclose(found, within, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("nodes", "edges"), [(40, 60), (60, 240), (30, 800)])
def test_minutes_equal_those_of_scipy_on_larger_and_denser_roads(nodes: int, edges: int) -> None:
    roads = random_roads(nodes, nodes, edges)
    found = travel_times(roads, at(*range(1, nodes + 1))).to_array()
    np.testing.assert_allclose(found, reference(roads)[1], rtol=1e-12)


def split_at(roads: RoadNetwork, places: Snapping) -> tuple[sparse.csr_array, np.ndarray]:
    """The roads with every point made a node of its own on its edge, and those nodes, -1 for a lost point."""
    driven = roads.minutes - roads.junction_minutes
    n, quick = len(roads.node_ids), roads.quickest
    best = {
        (int(a), int(b)): float(m)
        for a, b, m in zip(roads.tails[quick], roads.heads[quick], roads.minutes[quick], strict=True)
    }
    nodes, standing = places.nodes.copy(), {}
    for at in np.flatnonzero(places.edges >= 0):
        nodes[at] = n
        n += 1
        for edge, share in (
            (places.edges[at], places.shares[at]),
            (places.backs[at], 1.0 - places.shares[at]),
        ):
            if edge >= 0:
                standing.setdefault(int(edge), []).append((float(share), int(nodes[at])))
    for edge, stops in standing.items():
        before, here = 0.0, int(roads.tails[edge])
        for share, node in sorted(stops):
            best[here, node] = (share - before) * driven[edge]
            before, here = share, node
        best[here, int(roads.heads[edge])] = (1.0 - before) * driven[edge] + roads.junction_minutes[edge]
    ends, minutes = np.array(list(best)).T, np.array(list(best.values()))
    return sparse.csr_array((minutes, (ends[0], ends[1])), shape=(n, n)), nodes


def test_real_roads_give_the_minutes_of_scipy_with_every_point_a_node_on_its_road(geodata) -> None:
    roads = read_roads(geodata / "se-hampshire" / "roads.osm.pbf")
    units = gpd.read_file(geodata / "se-hampshire" / "lsoa.gpkg").set_index("lsoa11cd")
    points = gpd.GeoSeries.from_xy(
        units["point_easting"], units["point_northing"], crs=27700, index=units.index
    )
    times = travel_times(roads, points, max_minutes=15)
    assert times.provenance["beyond_snap"] == ["E01031523", "E01031528"]  # Selsey, whose road leaves the file
    places = snap(roads, points)
    assert (places.edges >= 0).sum() > 300
    table, nodes = split_at(roads, places)
    near = np.flatnonzero(nodes >= 0)
    expected = csgraph.dijkstra(table, indices=nodes[near[::40]])[:, nodes[near]]
    expected[expected > 15 + 1e-6] = np.inf
    np.testing.assert_allclose(times.to_array()[near[::40]][:, near], expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_points_along_edges_have_the_minutes_of_scipy_on_roads_split_there(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 12))
    places = pd.DataFrame(rng.random((n, 2)) * 3000.0, columns=["x", "y"])
    table = pd.DataFrame(rng.integers(0, n, (3 * n, 2)), columns=["from", "to"])
    table["road_class"] = rng.choice(["primary", "residential"], len(table))
    roads = RoadNetwork.from_frames(places, table, crs=27700)
    points = gpd.GeoSeries.from_xy(*(rng.random((2, 12)) * 3000.0), crs=27700)
    found = travel_times(roads, points, max_snap_m=5000).to_array()
    table, nodes = split_at(roads, snap(roads, points, 5000))
    expected = csgraph.dijkstra(table, indices=nodes)[:, nodes]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_access_and_parking_add_to_every_pair_but_a_unit_and_itself(line: RoadNetwork) -> None:
    times = travel_times(line, at(1, 2, 3, aside_m=100.0), max_minutes=8)
    longer = with_access(times, access_kph=6.0, parking_minutes=2.0)  # 100 m on foot: 1 minute, at both ends
    assert longer.to_array().tolist() == [[0, 6, math.inf], [6, 0, 7], [math.inf, math.inf, 0]]
    assert longer.provenance["access_kph"] == 6.0
    assert times.between("P1", "P3") == 5.0
    assert with_access(times).to_array().tolist() == times.to_array().tolist()


def test_access_that_cannot_be_is_refused(line: RoadNetwork) -> None:
    times = travel_times(line, at(1, 2))
    with pytest.raises(ScenarioError, match="access_kph = 0"):
        with_access(times, access_kph=0)
    with pytest.raises(ScenarioError, match="parking_minutes = -1"):
        with_access(times, parking_minutes=-1)
    with pytest.raises(DataError, match="do not come from roads"):
        with_access(TravelTimes.from_matrix(np.zeros((1, 1)), ["a"]), access_kph=5)


def test_a_matrix_keeps_zeros_and_leaves_out_nan_and_inf() -> None:
    times = TravelTimes.from_matrix(
        np.array([[np.nan, 0.0, np.inf], [1.0, 0.5, np.nan], [0.0, 0.0, np.inf]]), list("abc")
    )
    assert times.to_array().tolist() == [[0, 0, math.inf], [1, 0.5, math.inf], [0, 0, 0]]


def test_a_sparse_matrix_keeps_stored_zeros_and_what_it_does_not_store_is_out_of_reach() -> None:
    table = sparse.csr_array((np.array([0.0, 7.0]), np.array([1, 0]), np.array([0, 1, 2])), shape=(2, 2))
    assert TravelTimes.from_matrix(table, [1, 2]).to_array().tolist() == [[0, 0], [7, 0]]
    empty = sparse.csr_array(np.zeros((2, 2)))
    assert TravelTimes.from_matrix(empty, [1, 2]).to_array().tolist() == [[0, math.inf], [math.inf, 0]]


@pytest.mark.parametrize("wrong", [-1.0, -math.inf])
def test_a_matrix_with_negative_minutes_is_refused(wrong: float) -> None:
    with pytest.raises(DataError, match="1 travel times are negative, first a to b"):
        TravelTimes.from_matrix(np.array([[0.0, wrong], [1.0, 0.0]]), ["a", "b"])


def test_the_part_on_some_ids_is_in_their_order_and_unknown_ids_are_named(line: RoadNetwork) -> None:
    times = travel_times(line, at(1, 2, 3, 4), max_minutes=5)
    part = times.on(pd.Index(["P3", "P1"]))
    assert part.to_array().tolist() == [[0, math.inf], [5, 0]]
    assert part.max_minutes == 5
    with pytest.raises(DataError, match="1 of 2 units: Q"):
        times.on(pd.Index(["P1", "Q"]))


def test_importing_travel_times_does_not_import_numba() -> None:
    code = "import sys, zonedesign.traveltimes; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_machine_code_is_kept_in_the_users_cache_folder_and_not_beside_the_source() -> None:
    from zonedesign import _kernels
    from zonedesign.provenance import cache_folder

    kept = getattr(_kernels.within, "stats").cache_path  # noqa: B009
    assert kept is None or kept.startswith(str(cache_folder()))
