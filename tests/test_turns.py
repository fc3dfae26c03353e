"""Turn delays: every turn counts by its angle, turning back is for dead ends and junctions, bans are kept."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zonedesign.roads import RoadNetwork
from zonedesign.traveltimes import travel_times

# A crossroads: 0 in the middle; 1 south, 2 west, 3 north, 4 east of it, each a minute away.
PLACES = pd.DataFrame({"x": [500.0, 500.0, 0.0, 500.0, 1000.0], "y": [500.0, 0.0, 500.0, 1000.0, 500.0]})
ARMS = [(0, arm) for arm in (1, 2, 3, 4)] + [(arm, 0) for arm in (1, 2, 3, 4)]
LEFT, RIGHT, BACK = 2 / 60, 5 / 60, 20 / 60


def network(edges, places=PLACES):
    return RoadNetwork.from_frames(
        places, pd.DataFrame(edges, columns=["from", "to"]).assign(minutes=1.0), crs=27700
    )


def at(roads, *nodes):
    return gpd.GeoSeries.from_xy(roads.x[list(nodes)], roads.y[list(nodes)], crs=27700, index=list(nodes))


def test_turning_right_costs_more_than_left_and_straight_on_nothing():
    roads = network(ARMS)
    times = travel_times(roads, at(roads, 1, 2, 3, 4), turn_delays=True)
    assert times.between(1, 2) == pytest.approx(2.0 + LEFT)
    assert times.between(1, 3) == 2.0
    assert times.between(1, 4) == pytest.approx(2.0 + RIGHT)
    assert times.between(4, 1) == pytest.approx(2.0 + LEFT)
    assert times.between(1, 1) == 0.0


def test_without_asking_turns_cost_nothing():
    roads = network(ARMS)
    assert travel_times(roads, at(roads, 1, 4)).between(1, 4) == 2.0


def test_a_banned_turn_is_driven_round_by_turning_back_elsewhere():
    roads = replace(network(ARMS), banned_turns=np.array([[1, 0, 4]], dtype=np.int32))
    free = travel_times(network(ARMS), at(roads, 1, 4), turn_delays=True)
    times = travel_times(roads, at(roads, 1, 4), turn_delays=True)
    # straight on, back in the dead end to the north, and then left
    assert times.between(1, 4) == pytest.approx(4.0 + BACK + LEFT)
    assert times.between(4, 1) == free.between(4, 1)


def test_nobody_turns_back_in_the_middle_of_a_road():
    # the point stands half way along 0 to 1; from there to the south one may start, but not turn and come back
    places = pd.DataFrame({"x": [0.0, 1000.0, 2000.0], "y": [0.0, 0.0, 0.0]})
    roads = network([(0, 1), (1, 0), (1, 2), (2, 1)], places)
    points = gpd.GeoSeries.from_xy([500.0, 1500.0, 0.0], [0.0, 0.0, 0.0], crs=27700, index=["a", "b", "west"])
    times = travel_times(roads, points, turn_delays=True)
    assert times.between("a", "b") == pytest.approx(1.0)
    assert times.between("a", "west") == pytest.approx(0.5)


def test_turn_times_are_never_shorter_than_those_without_turns():
    rng = np.random.default_rng(5)
    places = pd.DataFrame(rng.random((60, 2)) * 5000.0, columns=["x", "y"])
    table = pd.DataFrame(rng.integers(0, 60, (200, 2)), columns=["from", "to"]).assign(
        minutes=rng.random(200)
    )
    roads = RoadNetwork.from_frames(places, table, crs=27700)
    points = gpd.GeoSeries.from_xy(*(rng.random((2, 40)) * 5000.0), crs=27700)
    plain = travel_times(roads, points).to_array()
    turning = travel_times(roads, points, turn_delays=True).to_array()
    assert (turning >= plain - 1e-12).all()
    assert np.isfinite(turning).sum() > 200


def by_networkx(roads):
    """Minutes between all nodes on a graph of turns that is written down anew."""
    pairs = [(int(a), int(b)) for a, b in zip(roads.tails, roads.heads, strict=True)]
    neighbours = [
        {b if a == node else a for a, b in pairs if node in (a, b) and a != b} for node in range(len(roads.x))
    ]
    graph: nx.DiGraph = nx.DiGraph()
    graph.add_nodes_from(range(len(pairs)))
    for i, (a, via) in enumerate(pairs):
        onward = [k for k, (x, y) in enumerate(pairs) if x == via and y not in (via, a)]
        for k, (x, y) in enumerate(pairs):
            if x != via or via in {y, a}:
                continue
            back = y == a
            if back and onward and len(neighbours[via]) == 2:
                continue
            seconds = 0.0
            if back:
                seconds = 20.0
            elif len(neighbours[via]) > 2:
                before = np.arctan2(roads.y[via] - roads.y[a], roads.x[via] - roads.x[a])
                after = np.arctan2(roads.y[y] - roads.y[via], roads.x[y] - roads.x[via])
                right = np.degrees((before - after + np.pi) % (2 * np.pi) - np.pi)
                seconds = min(max(abs(right) - 30, 0) / 60, 1) * (5 if right > 0 else 2)
            graph.add_edge(i, k, weight=roads.minutes[i] + seconds / 60)
    n = len(roads.x)
    found = np.where(np.eye(n, dtype=bool), 0.0, np.inf)
    for i, (a, first) in enumerate(pairs):
        if a == first:
            continue
        for k, minutes in nx.single_source_dijkstra_path_length(graph, i).items():
            b = pairs[k][1]
            if pairs[k][0] != b:
                found[a, b] = min(found[a, b], minutes + roads.minutes[k])
    return found


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_minutes_equal_those_of_networkx_on_a_graph_of_turns(seed):
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 9)), int(rng.integers(1, 25))
    places = pd.DataFrame(rng.permutation(1000)[: 2 * n].reshape(n, 2) * 10.0, columns=["x", "y"])
    table = pd.DataFrame(rng.integers(0, n, (m, 2)), columns=["from", "to"]).assign(minutes=rng.random(m))
    roads = RoadNetwork.from_frames(places, table, crs=27700)
    found = travel_times(roads, at(roads, *range(n)), turn_delays=True).to_array()
    np.testing.assert_allclose(found, by_networkx(roads), rtol=1e-9, atol=1e-9)


def test_what_turns_cost_can_be_stated_in_a_profile():
    table = pd.DataFrame(ARMS, columns=["from", "to"]).assign(road_class="residential")
    roads = RoadNetwork.from_frames(PLACES, table, crs=27700, profile={"turn_seconds": {"right": 60}})
    plain, turning = (travel_times(roads, at(roads, 1, 4), turn_delays=turns) for turns in (False, True))
    assert turning.between(1, 4) - plain.between(1, 4) == pytest.approx(1.0)
    assert turning.between(4, 1) - plain.between(4, 1) == pytest.approx(2 / 60)
