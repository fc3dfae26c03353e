"""Snapping: a point stands where it is nearest to a road, at a node or along an edge."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point, Polygon

from zonedesign.errors import DataError
from zonedesign.roads import RoadNetwork, sketch_roads
from zonedesign.snapping import snap


def network(edges, *, classes=None, nodes=3):
    """Nodes 0, 1, 2, ... stand 100 m apart on a line to the east; every edge takes a minute."""
    places = pd.DataFrame({"x": 465_000.0 + 100.0 * np.arange(nodes), "y": 100_000.0}, index=range(nodes))
    table = pd.DataFrame(edges, columns=["from", "to"]).assign(minutes=1.0)
    table["road_class"] = "residential" if classes is None else classes
    return RoadNetwork.from_frames(places, table, crs=27700)


def points(*places, crs=27700, index=None):
    return gpd.GeoSeries([Point(*place) for place in places], crs=crs, index=index)


BOTH = [(0, 1), (1, 0), (1, 2), (2, 1)]


def test_a_point_beside_a_road_stands_along_its_edge():
    roads = network(BOTH)
    found = snap(roads, points((465_025, 100_004)))
    assert found.nodes.tolist() == [-1]
    edge, back = int(found.edges[0]), int(found.backs[0])
    assert (roads.tails[edge], roads.heads[edge]) == (0, 1)
    assert (roads.tails[back], roads.heads[back]) == (1, 0)
    assert found.shares.tolist() == [0.25]
    assert found.distance_m.tolist() == [4.0]


def test_on_a_one_way_road_there_is_no_way_back():
    roads = network([(1, 0), (0, 2), (2, 1)])
    places = points((465_025, 100_004))
    found = snap(roads, places)
    edge = int(found.edges[0])
    assert found.backs.tolist() == [-1]
    assert {int(roads.tails[edge]), int(roads.heads[edge])} in ({0, 1}, {0, 2})


def test_a_point_within_half_a_metre_of_a_node_is_that_node():
    found = snap(network(BOTH), points((465_100.4, 100_000), (465_100.6, 100_000)))
    assert found.nodes.tolist() == [1, -1]
    assert found.distance_m.tolist() == [0.0, 0.0]
    assert found.shares[1] == pytest.approx(0.006)


def test_a_point_whose_foot_is_at_the_end_of_an_edge_stands_at_the_node():
    found = snap(network(BOTH), points((464_990, 100_000), (465_100.3, 100_010)))
    assert found.nodes.tolist() == [0, 1]
    assert found.distance_m.tolist() == pytest.approx([10.0, 10.0])


def test_a_point_snaps_to_the_main_part_only():
    found = snap(network([(0, 1), (1, 0), (2, 1)]), points((465_190, 100_003), index=["a"]))
    assert found.nodes.tolist() == [1]
    assert found.distance_m[0] == pytest.approx(np.hypot(90, 3))


def test_a_point_on_a_fragment_is_that_node_where_fragments_are_asked_for():
    roads = network([(0, 1), (1, 0), (2, 1)])
    here = points((465_200.3, 100_000), (465_200.6, 100_000))
    assert snap(roads, here, fragments=True).nodes.tolist() == [2, 1]
    assert snap(roads, here).nodes.tolist() == [1, 1]


def test_no_door_opens_on_a_motorway():
    roads = network(BOTH, classes=["motorway", "motorway", "residential", "residential"])
    found = snap(roads, points((465_050, 100_001), (465_000.2, 100_000)))
    assert found.nodes.tolist() == [1, 0]  # the second is the motorway's own node
    assert found.distance_m[0] == pytest.approx(np.hypot(50, 1))


def test_where_all_roads_are_motorways_points_stand_on_them():
    found = snap(network(BOTH, classes="motorway"), points((465_050, 100_001)))
    assert found.shares.tolist() == [0.5]


def test_of_parallel_edges_a_point_stands_on_the_quickest():
    places = pd.DataFrame({"x": [0.0, 100.0], "y": 0.0}, index=[0, 1])
    table = pd.DataFrame({"from": [0, 0, 1], "to": [1, 1, 0], "minutes": [3.0, 2.0, 5.0]})
    roads = RoadNetwork.from_frames(places, table, crs=27700)
    found = snap(roads, points((50, 1)))
    assert roads.minutes[found.edges[0]] == 2.0
    assert roads.minutes[found.backs[0]] == 5.0


def test_points_beyond_the_limit_are_named_with_their_distance():
    found = snap(network(BOTH), points((465_150, 101_000), (465_150, 101_000.01), index=["near", "far"]))
    assert (found.edges >= 0).tolist() == [True, False]
    assert found.lost.tolist() == ["far"]
    assert found.distance_m[1] == pytest.approx(1000.01)
    assert "2 points, 1 beyond 1,000 m" in repr(found)


def test_points_may_come_in_any_crs():
    here = points((465_130, 100_000), index=[9])
    assert snap(network(BOTH), here.to_crs(4326)).shares.tolist() == pytest.approx([0.3], abs=1e-4)
    assert snap(network(BOTH), here.to_crs(4326).to_frame("geometry")).ids.tolist() == [9]


def test_a_network_without_edges_has_nodes_to_stand_at():
    places = pd.DataFrame({"x": [0.0, 100.0], "y": 0.0}, index=[0, 1])
    roads = RoadNetwork.from_frames(
        places, pd.DataFrame({"from": [1], "to": [1], "minutes": [1.0]}), crs=27700
    )
    assert snap(roads, points((10, 0))).nodes.tolist() == [0]


@pytest.mark.parametrize(
    ("series", "message"),
    [
        (points((0, 0), crs=None), "the points have no CRS"),
        (gpd.GeoSeries([Point(), None], index=["p", "q"], crs=27700), "2 points without a place: p, q"),
        (gpd.GeoSeries([Polygon([(0, 0), (1, 0), (1, 1)])], crs=27700), "1 of 1 points are other shapes"),
    ],
)
@pytest.mark.parametrize("takes", [lambda places: snap(network(BOTH), places), sketch_roads])
def test_points_without_a_place_are_refused(series, message, takes):
    with pytest.raises(DataError, match=message):
        takes(series)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_distance_is_that_to_the_nearest_edge_by_shapely(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 9))
    places = pd.DataFrame(rng.random((n, 2)) * 1000.0, columns=["x", "y"])
    ring = pd.DataFrame({"from": range(n), "to": [*range(1, n), 0], "minutes": 1.0})  # all in one main part
    roads = RoadNetwork.from_frames(places, ring, crs=27700)
    spots = points(*(rng.random((5, 2)) * 1200.0 - 100.0))
    lines = shapely.linestrings(places.to_numpy()[np.column_stack([ring["from"], ring["to"]])])
    found = snap(roads, spots)
    expected = shapely.distance(np.asarray(spots)[:, None], lines[None, :]).min(axis=1)
    np.testing.assert_allclose(found.distance_m, expected, atol=0.51)
    on = found.edges >= 0
    tail, head = (places.to_numpy()[side[found.edges[on]]] for side in (roads.tails, roads.heads))
    foot = tail + found.shares[on, None] * (head - tail)
    np.testing.assert_allclose(
        np.hypot(*(foot - np.column_stack([spots.x, spots.y])[on]).T), expected[on], atol=1e-6
    )
