"""Simplified graphs are unsimplified when they are read: vertices of geometries are nodes again."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import networkx as nx
import numpy as np
import osmnx as ox
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiLineString, Point

from zonedesign.osm import read_roads
from zonedesign.profiles import JUNCTIONS
from zonedesign.traveltimes import travel_times

# A road round three sides of a field, and one straight north:
#
#     (0, 500) ------- (1000, 500)       C (1000, 1000)
#        |                  |            |
#     A (0, 0)         B (1000, 0) ------+
AT = {"a": (0, 0), "b": (1000, 0), "c": (1000, 1000)}
BEND = [(0, 0), (0, 500), (1000, 500), (1000, 0)]


def placed(points):
    return [(400_000.0 + x, 100_000.0 + y) for x, y in points]


def line(points):
    return LineString(placed(points))


def graph_of(*edges, crs="EPSG:27700", kind=nx.MultiDiGraph):
    """A graph of (from, to, geometry, more); nodes A, B, C are 1, 2, 3."""
    graph = kind(crs=crs)
    for number, place in enumerate(placed(AT.values()), start=1):
        graph.add_node(number, x=place[0], y=place[1])
    for tail, head, shape, more in edges:
        given_shape = {} if shape is None else {"geometry": shape}
        length = {} if shape is None else {"length": shape.length}
        graph.add_edge(
            tail, head, **{"highway": "residential", "oneway": False, **length, **given_shape, **more}
        )
    return graph


def both_ways(a, b, points, **more):
    return (a, b, line(points), more), (b, a, line(points[::-1]), more)


def field(**options):
    return graph_of(*both_ways(1, 2, BEND), *both_ways(2, 3, [AT["b"], AT["c"]]), **options)


def at(**points):
    return gpd.GeoSeries([Point(*placed([place])[0]) for place in points.values()], list(points), crs=27700)


def ends_of(roads):
    return sorted(
        zip(roads.node_ids[roads.tails].tolist(), roads.node_ids[roads.heads].tolist(), strict=True)
    )


def test_a_house_beside_a_bend_stands_on_the_bend_and_not_on_its_chord():
    times = travel_times(read_roads(field()), at(house=(500, 505), a=AT["a"], c=AT["c"]))
    assert times.snapped_m["house"] == pytest.approx(5.0)
    assert times.between("a", "house") == pytest.approx(times.between("a", "c") / 3, abs=0.1)


def test_the_line_of_a_route_is_as_long_as_the_route():
    route = travel_times(read_roads(field()), at(a=AT["a"], c=AT["c"])).route("a", "c")
    assert route.line.length == pytest.approx(3000.0)
    assert route.length_m == pytest.approx(3000.0)


def test_both_directions_of_a_road_go_by_the_same_new_nodes_numbered_below_zero():
    roads = read_roads(field())
    assert ends_of(roads) == [(-2, -1), (-2, 2), (-1, -2), (-1, 1), (1, -1), (2, -2), (2, 3), (3, 2)]
    assert roads.counts["edges split at the vertices of their geometry"] == 2
    assert roads.counts["nodes made at vertices of geometries"] == 2
    assert roads.km == pytest.approx(3.0)


def test_new_ids_are_below_those_that_are_taken():
    graph = nx.relabel_nodes(field(), {1: -7})
    assert sorted(read_roads(graph).node_ids.tolist()) == [-9, -8, -7, 2, 3]


def test_length_and_minutes_are_shared_out_and_the_junction_is_at_the_end():
    graph = graph_of(
        (1, 2, line(BEND), {"length": 4000.0, "oneway": True}), *both_ways(2, 3, [AT["b"], AT["c"]])
    )
    graph.nodes[2]["highway"] = "traffic_signals"
    roads = read_roads(graph)
    tails = roads.node_ids[roads.tails]
    parts = [int(np.flatnonzero(tails == node)[0]) for node in (1, -1, -2)]
    assert roads.length_m[parts].tolist() == pytest.approx([1000.0, 2000.0, 1000.0])
    assert [JUNCTIONS[code] for code in roads.junction[parts]] == ["none", "none", "signals"]
    for node in graph.edges:
        graph.edges[node].pop("geometry", None)
    chord = read_roads(graph)
    assert roads.minutes[parts].sum() == pytest.approx(chord.minutes[0], rel=1e-12)
    assert roads.junction_minutes[parts].sum() == chord.junction_minutes[0] > 0


def test_the_minutes_of_a_ferry_are_shared_by_length():
    ferry = {"highway": None, "route": "ferry", "motorcar": "yes", "duration": "00:20"}
    graph = graph_of((1, 2, line(BEND), ferry), *both_ways(2, 3, [AT["b"], AT["c"]]))
    roads = read_roads(graph, ferries=True)
    assert sorted(roads.given_minutes[~np.isnan(roads.given_minutes)]) == pytest.approx([5.0, 5.0, 10.0])


def test_parallel_roads_of_other_shapes_keep_their_own_nodes():
    other = [(0, 0), (500, -300), (1000, 0)]
    roads = read_roads(graph_of(*both_ways(1, 2, BEND), *both_ways(1, 2, other)))
    assert roads.counts["nodes made at vertices of geometries"] == 3
    times = travel_times(roads, at(north=(500, 505), south=(500, -310)))
    assert times.snapped_m.tolist() == pytest.approx([5.0, 10.0])


def test_a_geometry_may_run_either_way_along_its_edge():
    turned = graph_of((1, 2, line(BEND[::-1]), {}), (2, 1, line(BEND), {}))
    expected = read_roads(graph_of(*both_ways(1, 2, BEND)))
    pd.testing.assert_frame_equal(read_roads(turned).to_frames()[1], expected.to_frames()[1])


def test_an_undirected_graph_and_a_walker_share_the_vertices_of_both_ways():
    lane = (1, 2, line(BEND), {"oneway": True})
    walked = read_roads(graph_of(lane), profile="walking")
    undirected = read_roads(graph_of((1, 2, line(BEND), {}), kind=nx.MultiGraph))
    for roads in (walked, undirected):
        assert ends_of(roads) == [(-2, -1), (-2, 2), (-1, -2), (-1, 1), (1, -1), (2, -2)]


def test_a_loop_road_is_kept_where_its_geometry_leads_round():
    ring = [AT["b"], (1300, 0), (1300, -300), (1000, -300), AT["b"]]
    stub = both_ways(1, 2, [AT["a"], AT["b"]])
    roads = read_roads(graph_of(*stub, *both_ways(2, 2, ring)))
    assert roads.counts.get("self-loops left out", 0) == 0
    assert len(roads.heads) == 2 + 8
    assert travel_times(roads, at(house=(1310, -150), a=AT["a"])).snapped_m["house"] == pytest.approx(10.0)
    bare = read_roads(graph_of(*stub, (2, 2, None, {"length": 1200.0})))
    assert (bare.counts["self-loops left out"], len(bare.heads)) == (1, 2)


@pytest.mark.parametrize(
    "shape",
    [
        line([(0, 90), (500, 90), (1000, 90)]),
        "LINESTRING (1 2",
        MultiLineString([placed(BEND)]),
        LineString(),
    ],
    ids=["elsewhere", "no text of a line", "several lines", "empty"],
)
def test_a_geometry_that_is_none_of_its_edge_is_counted_and_the_edge_kept_straight(shape):
    stub = both_ways(2, 3, [AT["b"], AT["c"]])
    roads = read_roads(graph_of((1, 2, line(BEND), {"geometry": shape, "length": 2000.0}), *stub))
    assert roads.node_ids.tolist() == [1, 2, 3]
    assert roads.counts["geometries that do not join their edge's nodes, taken as straight"] == 1
    assert roads.length_m.max() == 2000.0


def test_vertices_in_one_place_make_one_node():
    shape = line([AT["a"], AT["a"], (500, 500), (500, 500), (500.001, 500), AT["b"], AT["b"]])
    roads = read_roads(graph_of((1, 2, shape, {}), (2, 1, shape.reverse(), {})))
    assert ends_of(roads) == [(-1, 1), (-1, 2), (1, -1), (2, -1)]


def degrees():
    """The field as OSMnx holds it, in degrees."""
    return ox.project_graph(field(), to_crs="EPSG:4326")


def test_graph_graphml_and_frames_are_split_alike(tmp_path):
    graph = degrees()
    ox.save_graphml(graph, tmp_path / "field.graphml")
    nodes, edges = ox.graph_to_gdfs(graph)
    expected = read_roads(graph)
    assert len(expected.node_ids) == 5
    for source in (tmp_path / "field.graphml", (nodes, edges), (nodes, edges.to_crs(27700))):
        for ours, theirs in zip(read_roads(source).to_frames(), expected.to_frames(), strict=True):
            pd.testing.assert_frame_equal(ours, theirs)


def winding():
    """A town of winding streets, unsimplified: crossroads of a grid, and three bends on the way to the next."""
    random, graph = np.random.default_rng(4), nx.MultiDiGraph(crs="EPSG:4326")
    places = {(i, j): np.array([-0.73 + 0.01 * i, 52.60 + 0.006 * j]) for i in range(4) for j in range(4)}
    number = {key: at for at, key in enumerate(places)}
    for key, place in places.items():
        graph.add_node(number[key], x=place[0], y=place[1])
    for (i, j), place in places.items():
        for other in ((i + 1, j), (i, j + 1)):
            if other not in places:
                continue
            way = [number[i, j]]
            for share in (0.25, 0.5, 0.75):
                bend = place * (1 - share) + places[other] * share + random.normal(0, 0.0008, 2)
                way.append(graph.number_of_nodes())
                graph.add_node(way[-1], x=bend[0], y=bend[1])
            way.append(number[other])
            kind = "primary" if j == 1 == other[1] else "residential"
            for u, v in [*pairwise(way), *pairwise(way[::-1])]:
                graph.add_edge(u, v, highway=kind, oneway=False, osmid=way[1], reversed=u > v)
    return ox.distance.add_edge_lengths(graph)


def test_times_on_a_simplified_graph_are_those_on_the_graph_as_it_was():
    whole = winding()
    simple = ox.simplify_graph(whole)
    assert len(simple) == 12  # the grid's corners are bends too
    random = np.random.default_rng(5)
    points = gpd.GeoSeries.from_xy(
        random.uniform(-0.73, -0.70, 40), random.uniform(52.60, 52.618, 40), crs=4326
    )
    found, expected = (travel_times(read_roads(graph), points) for graph in (simple, whole))
    assert found.snapped_m.to_numpy() == pytest.approx(expected.snapped_m.to_numpy(), abs=1e-6)
    assert found.to_array() == pytest.approx(expected.to_array(), rel=1e-3)  # lengths: of pieces, or of all


def test_a_graph_that_is_not_simplified_is_read_as_it_is():
    roads = read_roads(winding())
    assert (roads.node_ids >= 0).all()
    assert "nodes made at vertices of geometries" not in roads.counts


COORDINATE = st.integers(-20, 20).map(lambda step: 50.0 * step)
EDGE = st.tuples(
    st.integers(1, 3), st.integers(1, 3), st.lists(st.tuples(COORDINATE, COORDINATE), max_size=4),
    st.sampled_from(["primary", "residential", "unclassified"]), st.booleans(), st.floats(0, 5000),
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(edges=st.lists(EDGE.filter(lambda edge: edge[0] != edge[1]), min_size=1, max_size=7))
def test_splitting_changes_no_minute_and_no_metre_between_the_graph_s_own_nodes(edges):
    curved, straight = nx.MultiDiGraph(crs="EPSG:27700"), nx.MultiDiGraph(crs="EPSG:27700")
    for graph in (curved, straight):
        for number, place in enumerate(placed(AT.values()), start=1):
            graph.add_node(number, x=place[0], y=place[1], highway="traffic_signals" if number == 2 else None)
    own = list(AT.values())
    seen = set()
    for tail, head, bends, kind, oneway, length in edges:
        if (min(tail, head), max(tail, head), frozenset(bends)) in seen:
            continue  # one road described twice is one place, as in the file that the graph came from
        seen.add((min(tail, head), max(tail, head), frozenset(bends)))
        points = [own[tail - 1], *bends, own[head - 1]]
        about = {"highway": kind, "oneway": oneway, "length": length}
        for u, v, shape in [(tail, head, points), (head, tail, points[::-1])][: 1 if oneway else 2]:
            curved.add_edge(u, v, geometry=line(shape), **about)
            straight.add_edge(u, v, **about)
    ours, theirs = read_roads(curved), read_roads(straight)
    assert ours.minutes.sum() == pytest.approx(theirs.minutes.sum())
    assert ours.junction_minutes.sum() == pytest.approx(theirs.junction_minutes.sum())
    assert ours.length_m.sum() == pytest.approx(theirs.length_m.sum())
    assert ours.counts["edges"] == len(ours.heads) >= theirs.counts["edges"]
    assert shortest(ours, theirs.node_ids) == pytest.approx(shortest(theirs, theirs.node_ids))


def shortest(roads, ids):
    """Minutes between nodes by their ids, over the quickest of parallel edges."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(ids)
    ends = zip(roads.node_ids[roads.tails], roads.node_ids[roads.heads], roads.minutes, strict=True)
    graph.add_weighted_edges_from(ends)
    found = dict(nx.all_pairs_dijkstra_path_length(graph))
    return [found[a].get(b, np.inf) for a in ids for b in ids]
