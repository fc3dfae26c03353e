"""Travel times on real roads: those of scipy and networkx, pair by pair, in both directions, and on the cutoff."""

from __future__ import annotations

import math

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

from zonedesign.osm import read_roads
from zonedesign.roads import RoadNetwork
from zonedesign.traveltimes import TravelTimes, travel_times

NO_DOORS = ("motorway", "motorway_link", "ferry")
SLACK = 1e-6
SEEDS = (1, 2, 3, 4)


def standing(roads: RoadNetwork) -> np.ndarray:
    """Nodes that a point may stand at: in the main part, with doors, and no other within a metre."""
    doors = ~np.isin(np.array(roads.class_names)[roads.road_class], NO_DOORS)
    stands = roads.main & np.isin(np.arange(len(roads.x)), [roads.tails[doors], roads.heads[doors]])
    stands[cKDTree(np.column_stack([roads.x, roads.y])).query_pairs(1.0, output_type="ndarray").ravel()] = (
        False
    )
    return np.flatnonzero(stands)


def points(roads: RoadNetwork, nodes: np.ndarray) -> gpd.GeoSeries:
    return gpd.GeoSeries.from_xy(roads.x[nodes], roads.y[nodes], crs=roads.crs, index=nodes)


def chosen(roads: RoadNetwork, count: int, seed: int) -> np.ndarray:
    nodes = standing(roads)
    return np.random.default_rng(seed).choice(nodes, min(count, len(nodes)), replace=False)


def scipy_s(
    roads: RoadNetwork, sources: np.ndarray, targets: np.ndarray, limit: float = math.inf
) -> np.ndarray:
    kept = roads.quickest
    ways = roads.minutes[kept], (roads.tails[kept], roads.heads[kept])
    graph = sparse.csr_array(ways, shape=(len(roads.x), len(roads.x)))
    return csgraph.dijkstra(graph, indices=sources, limit=limit)[:, targets]


def networkx_s(roads: RoadNetwork, sources: np.ndarray, targets: np.ndarray, limit: float) -> np.ndarray:
    graph = nx.MultiDiGraph()
    edges = zip(roads.tails.tolist(), roads.heads.tolist(), roads.minutes.tolist(), strict=True)
    graph.add_weighted_edges_from(edges)
    rows = [nx.single_source_dijkstra_path_length(graph, source, cutoff=limit) for source in sources.tolist()]
    return np.array([[row.get(target, math.inf) for target in targets.tolist()] for row in rows])


def circle(roads: RoadNetwork, seed: int, radius_m: float = 3000.0) -> RoadNetwork:
    """The roads within a circle around one of the nodes; its ids are positions in the whole."""
    centre = np.random.default_rng(seed).choice(np.flatnonzero(roads.main))
    near = np.hypot(roads.x - roads.x[centre], roads.y - roads.y[centre]) <= radius_m
    nodes, edges = roads.to_frames()
    nodes.index = np.arange(len(nodes))
    edges["from"], edges["to"] = roads.tails, roads.heads
    return RoadNetwork.from_frames(
        nodes[near], edges[near[roads.tails] & near[roads.heads]], crs=roads.crs, source=f"circle {seed}"
    )


def assert_equal(times: TravelTimes, expected: np.ndarray) -> None:
    found = times.to_array()
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.fixture(scope="module")
def rutland(geodata) -> RoadNetwork:
    return read_roads(geodata / "rutland" / "roads.osm.pbf")


@pytest.fixture(scope="module")
def se_hampshire(geodata) -> RoadNetwork:
    return read_roads(geodata / "se-hampshire" / "roads.osm.pbf")


@pytest.mark.parametrize("minutes", [0, 2, 7.5, 15, 30, None])
def test_minutes_in_rutland_are_those_of_scipy_within_every_cutoff(rutland, minutes):
    nodes = chosen(rutland, 300, seed=0)
    limit = math.inf if minutes is None else minutes + SLACK
    times = travel_times(rutland, points(rutland, nodes), max_minutes=minutes)
    assert_equal(times, scipy_s(rutland, nodes, nodes, limit))


@pytest.mark.parametrize("profile", ["am-peak", "midday", "evening"])
def test_minutes_at_another_hour_are_those_of_the_roads_at_that_hour(rutland, profile):
    nodes = chosen(rutland, 200, seed=5)
    travel_times(rutland, points(rutland, nodes), max_minutes=10)  # whatever is kept is of the first hour
    driven = rutland.with_profile(profile)
    times = travel_times(driven, points(driven, nodes), max_minutes=20)
    assert_equal(times, scipy_s(driven, nodes, nodes, 20 + SLACK))


def test_minutes_in_rutland_are_those_of_networkx(rutland):
    nodes = chosen(rutland, 60, seed=1)
    times = travel_times(rutland, points(rutland, nodes), max_minutes=12)
    assert_equal(times, networkx_s(rutland, nodes, nodes, 12 + SLACK))


@pytest.mark.parametrize("seed", SEEDS)
def test_minutes_in_a_circle_are_those_of_scipy_and_networkx(se_hampshire, seed):
    roads = circle(se_hampshire, seed)
    nodes = chosen(roads, 250, seed)
    few = nodes[:25]
    times = travel_times(roads, points(roads, nodes))
    assert_equal(times, scipy_s(roads, nodes, nodes))
    assert_equal(
        travel_times(roads, points(roads, few), max_minutes=4), networkx_s(roads, few, few, 4 + SLACK)
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_origins_and_destinations_may_be_different_points(se_hampshire, seed):
    roads = circle(se_hampshire, seed)
    start, end = chosen(roads, 40, seed), chosen(roads, 170, seed + 100)
    times = travel_times(roads, points(roads, start), points(roads, end), max_minutes=6)
    assert_equal(times, scipy_s(roads, start, end, 6 + SLACK))


def test_the_way_there_and_the_way_back_differ_where_roads_are_one_way(se_hampshire):
    nodes = chosen(se_hampshire, 120, seed=2)
    times = travel_times(se_hampshire, points(se_hampshire, nodes), max_minutes=20)
    there = scipy_s(se_hampshire, nodes, nodes, 20 + SLACK)
    assert_equal(times, there)
    both = np.isfinite(there) & np.isfinite(there.T)
    assert (np.abs(there[both] - there.T[both]) > 0.1).sum() > 50
    assert times.between(nodes[0], nodes[0]) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_pair_exactly_on_the_cutoff_is_in_reach_and_one_just_beyond_is_not(se_hampshire, seed):
    roads = circle(se_hampshire, seed)
    nodes = chosen(roads, 80, seed)
    everything = scipy_s(roads, nodes, nodes)
    apart = np.argwhere(np.isfinite(everything) & (everything > 0))
    for row, column in np.random.default_rng(seed).permutation(apart)[:12]:
        exactly = float(everything[row, column])
        on = travel_times(roads, points(roads, nodes), max_minutes=exactly)
        assert on.between(nodes[row], nodes[column]) == pytest.approx(exactly, abs=1e-9)
        assert_equal(on, np.where(everything <= exactly + SLACK, everything, math.inf))
        short = travel_times(roads, points(roads, nodes), max_minutes=exactly - 3 * SLACK)
        assert short.between(nodes[row], nodes[column]) == math.inf


@pytest.mark.parametrize("seed", SEEDS)
def test_no_way_is_shorter_by_a_third_point(se_hampshire, seed):
    roads = circle(se_hampshire, seed)
    nodes = chosen(roads, 90, seed)
    minutes = travel_times(roads, points(roads, nodes)).to_array()
    by_a_third = (minutes[:, :, None] + minutes[None, :, :]).min(axis=1)
    assert (minutes <= by_a_third + 1e-9).all()


def test_the_same_minutes_come_out_at_any_number_of_threads(se_hampshire):
    places = points(se_hampshire, chosen(se_hampshire, 400, seed=3))
    one, several = (travel_times(se_hampshire, places, max_minutes=15, threads=count) for count in (1, 3))
    assert one.indices.tolist() == several.indices.tolist()
    assert one.minutes.tobytes() == several.minutes.tobytes()
