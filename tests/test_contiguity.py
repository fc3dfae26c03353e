"""Contiguity: what touches, how much boundary is shared, what is in pieces and how it is joined."""

from __future__ import annotations

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from libpysal.graph import Graph
from libpysal.weights import W
from shapely import affinity
from shapely.geometry import LineString, Point, Polygon, box

from zonedesign.contiguity import Contiguity, bridged, components, is_connected, joined_by_road, touching
from zonedesign.errors import DataError, ScenarioError

IDS = pd.Index(["a", "b", "c", "d"])


def units(crs: object = 27700, **shapes: object) -> gpd.GeoSeries:
    return gpd.GeoSeries(shapes, crs=crs)


def square(column: float, row: float = 0.0, side: float = 1000.0) -> Polygon:
    """A square of a kilometre in the National Grid, by column and row."""
    x, y = 450_000 + 1000 * column, 100_000 + 1000 * row
    return box(x, y, x + side, y + side)


def named(graph: Contiguity) -> list[tuple[object, object]]:
    return [(graph.ids[a], graph.ids[b]) for a, b in graph.pairs]


def test_units_touch_along_an_edge_and_at_a_corner() -> None:
    graph = touching(
        units(a=square(0), b=square(1), c=square(0, 1), d=square(3)), tolerance_m=0, bridges="none"
    )
    assert named(graph) == [("a", "b"), ("a", "c"), ("b", "c")]
    assert graph.boundary_m == pytest.approx([1000, 1000, 0], abs=1e-6)


def test_units_within_the_tolerance_touch_and_share_the_boundary_that_faces() -> None:
    shapes = units(a=square(0), b=square(1.03), c=square(2.0604))
    assert named(touching(shapes, tolerance_m=30, bridges="none")) == [("a", "b")]
    assert touching(shapes, tolerance_m=30, bridges="none").boundary_m == pytest.approx([1000], rel=0.03)
    assert named(touching(shapes, tolerance_m=31, bridges="none")) == [("a", "b"), ("b", "c")]


def test_a_shared_boundary_without_common_corners_has_its_length() -> None:
    left = Polygon(
        [(450_000, 100_000), (451_000, 100_000), (451_000, 100_301), (451_000, 101_000), (450_000, 101_000)]
    )
    wavy = [(451_000 + (10 if k % 2 else -10), 101_000 - 100 * k) for k in range(11)]
    right = Polygon([(452_000, 100_000), (452_000, 101_000), *wavy])
    graph = touching(units(a=left, b=right, c=square(2)), bridges="none")
    assert graph.boundary_m == pytest.approx([1010, 1000], rel=0.03)


def test_a_unit_inside_another_shares_its_whole_outline() -> None:
    hole = square(0.25, 0.25, 500)
    graph = touching(units(a=square(0).difference(hole), b=hole), bridges="none")
    assert graph.boundary_m == pytest.approx([2000], rel=1e-9)


def test_degrees_are_measured_in_metres() -> None:
    metres = units(a=square(0), b=square(1), c=square(3))
    graph = touching(metres.to_crs(4326))
    assert graph.boundary_m == pytest.approx([1000, 0], rel=1e-3)
    assert graph.bridges == (("c", "b"),)
    web = touching(metres.to_crs(3857), bridges="none")
    assert web.boundary_m == pytest.approx([1000], rel=1e-3)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), tolerance=st.sampled_from([0.0, 5.0, 30.0]))
def test_the_graph_does_not_depend_on_the_order_of_the_units(seed: int, tolerance: float) -> None:
    rng = np.random.default_rng(seed)
    shapes = gpd.GeoSeries(
        {
            f"u{i}": affinity.rotate(
                square(*rng.integers(0, 5, 2), side=900 + 200 * rng.random()), 5 * rng.random()
            )
            for i in range(12)
        },
        crs=27700,
    )
    order = rng.permutation(12)
    graph, other = (
        touching(shapes, tolerance_m=tolerance),
        touching(shapes.iloc[order], tolerance_m=tolerance),
    )
    expected = {frozenset(pair): m for pair, m in zip(named(graph), graph.boundary_m, strict=True)}
    found = {frozenset(pair): m for pair, m in zip(named(other), other.boundary_m, strict=True)}
    assert found.keys() == expected.keys()
    assert [found[pair] for pair in expected] == pytest.approx(list(expected.values()), abs=1e-6)
    assert graph.bridges == other.bridges
    assert set(graph.component) == {0}
    lengths = shapes.length.to_numpy()
    shared = np.bincount(graph.pairs.ravel(), weights=np.repeat(graph.boundary_m, 2), minlength=12)
    assert (graph.boundary_m >= 0).all()
    assert shared.sum() <= lengths.sum() + 1e-6


def test_invalid_polygons_still_touch() -> None:
    bow = Polygon([(451_000, 100_000), (452_000, 101_000), (452_000, 100_000), (451_000, 101_000)])
    assert named(touching(units(a=square(0), b=bow), bridges="none")) == [("a", "b")]


def test_the_smallest_piece_is_joined_first_to_its_nearest_unit() -> None:
    shapes = units(m1=square(0), m2=square(1), m3=square(2), p1=square(3.5), p2=square(4.5), z=square(5.9))
    graph = touching(shapes)
    assert graph.bridges == (
        ("z", "p2"),
        ("m3", "p1"),
    )  # z first; then two pieces of three, the smallest id first
    assert (
        graph.notes[0]
        == "z, of a piece of 1 unit, is joined to p2, the nearest beyond it, by a bridge of 400 m"
    )
    assert set(graph.component) == {0}
    assert graph.boundary_m[graph.boundary_m == 0].size == 2


def test_pieces_and_distances_that_tie_go_by_id() -> None:
    graph = touching(units(b=square(2), a=square(0), c=square(4)))
    assert graph.bridges == (("a", "b"), ("c", "b"))
    by_number = touching(gpd.GeoSeries([square(2), square(0), square(4)], index=[10, 9, 2], crs=27700))
    assert by_number.bridges == ((2, 10), (9, 10))


def test_stated_bridges_are_applied_openly() -> None:
    graph = touching(
        units(a=square(0), b=square(1), c=square(3), d=square(5)), bridges=[("c", "a"), ("b", "a")]
    )
    assert graph.bridges == (("c", "a"),)
    assert graph.notes == (
        "c is joined to a by a stated bridge of 2,000 m",
        "the stated bridge b to a joins units that touch anyway",
        "the units are in 2 pieces, of 3, 1 units",
    )


def test_no_bridges_leave_the_pieces_and_say_so() -> None:
    graph = touching(units(a=square(0), b=square(3)), bridges="none")
    assert graph.bridges == ()
    assert graph.notes == ("the units are in 2 pieces, of 1, 1 units",)
    assert bridged(graph, units(a=square(0), b=square(3))).notes == (
        "a, of a piece of 1 unit, is joined to b, the nearest beyond it, by a bridge of 2,000 m",
    )


def test_bridges_that_cannot_be_are_refused() -> None:
    shapes = units(a=square(0), b=square(3))
    with pytest.raises(DataError, match="1 ids that are no unit: q"):
        touching(shapes, bridges=[("a", "q")])
    with pytest.raises(DataError, match="pairs of different ids"):
        touching(shapes, bridges=[("a", "a")])
    with pytest.raises(ScenarioError, match="bridges = 'near'"):
        touching(shapes, bridges="near")


def test_shapes_that_cannot_touch_are_refused_with_the_way_out() -> None:
    with pytest.raises(
        DataError, match=r"2 units without an area, only points or lines: a, b; .*contiguity= with a graph"
    ):
        touching(units(a=Point(0, 0), b=LineString([(0, 0), (1, 1)]), c=square(0)))
    with pytest.raises(DataError, match="1 unit without geometry: b"):
        touching(units(a=square(0), b=None))
    with pytest.raises(DataError, match="no CRS"):
        touching(units(crs=None, a=square(0)))
    with pytest.raises(ScenarioError, match="tolerance is -1 m"):
        touching(units(a=square(0)), tolerance_m=-1)


def test_the_shapes_are_not_changed() -> None:
    shapes = units(a=square(0), b=square(1))
    before = shapes.copy()
    touching(shapes)
    pd.testing.assert_series_equal(shapes, before)


def nodes(**columns: float) -> pd.DataFrame:
    """Road nodes 1, 2, ... halfway up the bottom row, at these columns."""
    x = [450_000 + 1000 * column for column in columns.values()]
    return pd.DataFrame({"x": x, "y": 100_500.0}, index=range(1, len(x) + 1))


def edges(*ways: tuple[int, int]) -> pd.DataFrame:
    return pd.DataFrame(ways, columns=["from", "to"])


def test_a_road_over_water_joins_the_units_at_its_ends() -> None:
    shapes = units(a=square(0), b=square(3))
    graph = touching(shapes, bridges="none")
    road = nodes(start=0.5, pier=1.5, span=2.5, end=3.5)
    joined = joined_by_road(graph, shapes, road, edges((1, 2), (2, 3), (4, 3)))
    assert named(joined) == [("a", "b")]
    assert joined.bridges == ()
    assert joined.notes[-1].startswith(
        "1 pair of units that do not touch joined by road; 1 road outside all units"
    )
    assert named(joined_by_road(graph, shapes, road, edges((1, 2), (3, 4)))) == []
    assert named(joined_by_road(graph, shapes, road, edges((4, 1)))) == [("a", "b")]


def test_a_road_through_a_third_unit_joins_only_neighbours_on_it() -> None:
    shapes = units(a=square(0), b=square(2), c=square(4))
    graph = touching(shapes, bridges="none")
    road = nodes(a=0.5, water=1.5, b=2.5, more=3.5, c=4.5)
    assert named(joined_by_road(graph, shapes, road, edges((1, 2), (2, 3), (3, 4), (4, 5)))) == [
        ("a", "b"),
        ("b", "c"),
    ]


def test_a_road_outside_all_units_joins_every_two_that_it_leads_to() -> None:
    shapes = units(a=square(0), b=square(2), c=square(4))
    graph = touching(shapes, bridges="none")
    road = nodes(a=0.5, b=2.5, c=4.5, coast=6.5)
    joined = joined_by_road(graph, shapes, road, edges((1, 4), (2, 4), (4, 3)))
    assert named(joined) == [("a", "b"), ("a", "c"), ("b", "c")]


def test_roads_in_another_crs_are_placed_in_the_units_own() -> None:
    shapes = units(a=square(0), b=square(3))
    road = nodes(start=0.5, end=3.5)
    joined = joined_by_road(
        touching(shapes, bridges="none"), shapes.to_crs(4326), road, edges((1, 2)), crs=27700
    )
    assert named(joined) == [("a", "b")]


def test_roads_to_unknown_nodes_are_refused() -> None:
    shapes = units(a=square(0))
    with pytest.raises(DataError, match="1 road edge of 1 lead to nodes that are not there"):
        joined_by_road(touching(shapes), shapes, nodes(a=0.5), edges((1, 9)))
    with pytest.raises(DataError, match="no column 'to'"):
        joined_by_road(touching(shapes), shapes, nodes(a=0.5), pd.DataFrame({"from": [1]}))


def test_graphs_of_all_kinds_are_taken() -> None:
    expected = [("a", "b"), ("b", "c")]
    adjacency = pd.Series(
        [1, 1, 1, 1, 0],
        index=pd.MultiIndex.from_tuples(
            [("a", "b"), ("b", "a"), ("b", "c"), ("c", "b"), ("d", "d")], names=["focal", "neighbor"]
        ),
        name="weight",
    )
    weights = W({"a": ["b"], "b": ["a", "c"], "c": ["b"], "d": []}, silence_warnings=True)
    graph = nx.Graph(expected)
    graph.add_node("d")
    for given_graph in (
        Graph(adjacency),
        weights,
        graph,
        nx.DiGraph(expected),
        expected,
        np.array(expected),
        iter(expected),
    ):
        assert named(Contiguity.from_graph(IDS, given_graph)) == expected
    taken = Contiguity.from_graph(IDS, expected)
    assert Contiguity.from_graph(IDS, taken) is taken


def test_a_libpysal_neighbour_of_weight_zero_is_a_neighbour() -> None:
    graph = Graph.from_arrays(["a", "b"], ["b", "a"], [0, 0])
    assert named(Contiguity.from_graph(IDS, graph)) == [("a", "b")]


def test_pairs_count_once_either_way_round_and_loops_go() -> None:
    graph = Contiguity.from_pairs(IDS, [("b", "a"), ("a", "b"), ("c", "c")])
    assert named(graph) == [("a", "b")]
    assert repr(graph) == "<Contiguity: 4 units, 1 pairs, 3 components, 2 isolates, 0 bridges>"


def test_strange_graphs_are_refused() -> None:
    with pytest.raises(DataError, match="1 ids that are no unit: x"):
        Contiguity.from_graph(IDS, [("a", "x")])
    with pytest.raises(DataError, match="contiguity is a int"):
        Contiguity.from_graph(IDS, 3)
    with pytest.raises(DataError, match="not made of pairs"):
        Contiguity.from_graph(IDS, [("a", "b", "c")])


def test_components_are_numbered_in_the_order_of_their_first_unit() -> None:
    graph = Contiguity.from_pairs(IDS, [("a", "c"), ("b", "d")])
    assert graph.component.tolist() == [0, 1, 0, 1]
    assert Contiguity.from_pairs(IDS, []).component.tolist() == [0, 1, 2, 3]


def test_members_hang_together_by_themselves_or_fall_into_pieces() -> None:
    graph = Contiguity.from_pairs(IDS, [("a", "b"), ("b", "c"), ("c", "d")])
    assert components(graph, np.array([3, 0, 2])).tolist() == [0, 1, 0]
    assert not is_connected(graph, np.array([0, 2]))
    assert is_connected(graph, np.array([2, 0, 1]))
    assert is_connected(graph, np.array([3]))
    assert is_connected(graph, np.array([], dtype=np.int64))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_pieces_are_those_of_networkx(data: st.DataObject) -> None:
    unit = st.integers(0, 11)
    pairs = data.draw(st.lists(st.tuples(unit, unit), max_size=20))
    members = np.array(data.draw(st.lists(unit, unique=True, min_size=1)))
    graph = Contiguity.from_pairs(pd.Index(range(12)), pairs)
    label = components(graph, members)
    expected = nx.Graph(pairs)
    expected.add_nodes_from(range(12))
    parts = {frozenset(part) for part in nx.connected_components(expected.subgraph(members.tolist()))}
    assert {frozenset(members[label == piece].tolist()) for piece in set(label.tolist())} == parts


def sizes(graph: Contiguity) -> list[int]:
    return sorted(np.bincount(graph.component).tolist(), reverse=True)


def read(geodata, county: str, layer: str) -> gpd.GeoSeries:
    return gpd.read_file(geodata / county / f"{layer}.gpkg").set_index(f"{layer}11cd").geometry


def test_south_east_hampshire_hangs_on_two_bridges(geodata) -> None:
    shapes = read(geodata, "se-hampshire", "lsoa")
    edges_only = touching(shapes, tolerance_m=0, bridges="none")
    graph = touching(shapes)
    assert sizes(edges_only) == [410, 11, 9]
    assert len(graph.pairs) - 2 - int((edges_only.boundary_m > 0).sum()) == 43
    assert [sorted(bridge) for bridge in graph.bridges] == [
        ["E01031476", "E01031542"],
        ["E01022943", "E01022954"],
    ]
    assert "a bridge of 418 m" in graph.notes[0]  # the Witterings, across Chichester Harbour
    assert "a bridge of 275 m" in graph.notes[1]  # Hayling Island
    assert sizes(graph) == [430]


@pytest.mark.parametrize(
    ("county", "layer", "edges_only", "within"),
    [
        ("se-hampshire", "oa", [2077, 59, 45, 3], [2080, 59, 45]),
        ("west-sussex", "lsoa", [505], [505]),
        ("west-sussex", "oa", [2642, 3], [2645]),
        ("rutland", "oa", [116], [116]),
    ],
)
def test_real_counties_are_in_the_pieces_that_their_sources_count(
    geodata, county: str, layer: str, edges_only: list[int], within: list[int]
) -> None:
    shapes = read(geodata, county, layer)
    assert sizes(touching(shapes, tolerance_m=0, bridges="none")) == edges_only
    graph = touching(shapes, bridges="none")
    assert sizes(graph) == within
    assert graph.boundary_m.sum() * 2 < shapes.length.sum()
