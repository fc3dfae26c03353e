"""Elimination: the same minutes whatever the graph, the numbering, and how much of it is left as a core."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse import csgraph

from zonedesign import _elimination as elimination
from zonedesign._manytomany import prepared
from zonedesign.roads import RoadNetwork
from zonedesign.traveltimes import travel_times


def network(tails, heads, minutes, nodes):
    places = pd.DataFrame({"x": 400_000.0 + 100.0 * np.arange(nodes), "y": 100_000.0})
    return RoadNetwork.from_frames(
        places, pd.DataFrame({"from": tails, "to": heads, "minutes": minutes}), crs=27700
    )


def everywhere(nodes):
    return gpd.GeoSeries.from_xy(400_000.0 + 100.0 * np.arange(nodes), np.full(nodes, 100_000.0), crs=27700)


def by_scipy(roads):
    quick, n = roads.quickest, len(roads.node_ids)
    ends = roads.tails[quick], roads.heads[quick]
    return csgraph.dijkstra(sparse.csr_array((roads.minutes[quick], ends), shape=(n, n)))


def random_network(seed, nodes, edges):
    rng = np.random.default_rng(seed)
    minutes = rng.choice([0.0, 0.5, 1.0, 3.0], edges) + rng.random(edges) * rng.integers(0, 2, edges)
    return network(*rng.integers(0, nodes, (2, edges)), minutes, nodes)


def test_ancestors_come_first_and_every_branch_is_in_one_piece():
    ready = prepared(random_network(3, 200, 500))
    assert ready.core == 0
    for node, parent in enumerate(ready.parent):
        above = ready.upper[ready.indptr[node] : ready.indptr[node + 1]]
        assert parent == (above.max() if len(above) else -1)
        assert parent < 0 or parent < node < ready.after[node] <= ready.after[parent]
        ancestors, at = set(), parent
        while at >= 0:
            ancestors.add(at)
            at = ready.parent[at]
        assert set(above.tolist()) <= ancestors


@pytest.mark.parametrize("left", [0, 1, 3])
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), cutoff=st.sampled_from([None, 0.5, 1.0, 2.5, 6.0]))
def test_a_core_that_is_left_changes_no_minutes(left, seed, cutoff):
    rng = np.random.default_rng(seed)
    nodes = int(rng.integers(2, 40))
    roads = random_network(seed, nodes, int(rng.integers(1, 5 * nodes)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(elimination, "WORK_ALWAYS", 0)
        patch.setattr(elimination, "WORK_PER_NODE", -1)
        patch.setattr(elimination, "CORE_NEIGHBOURS", left)
        found = travel_times(roads, everywhere(nodes), max_minutes=cutoff).to_array()
        assert prepared(roads).core > 0 or nodes < 8 or left
    expected = by_scipy(roads)
    expected[expected > (np.inf if cutoff is None else cutoff + 1e-6)] = np.inf
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_a_graph_unfit_for_elimination_keeps_a_core_and_its_minutes():
    rng = np.random.default_rng(0)
    nodes = 3000
    tails = np.concatenate([rng.permutation(nodes) for _ in range(3)])
    heads = np.concatenate([rng.permutation(nodes) for _ in range(3)])
    roads = network(tails, heads, rng.random(len(tails)), nodes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(elimination, "WORK_ALWAYS", 100_000)
        ready = prepared(roads)
    assert 500 < ready.core < 2500
    points = everywhere(nodes).iloc[::100]
    found = travel_times(roads, points, max_minutes=3).to_array()
    expected = by_scipy(roads)[::100, ::100]
    expected[expected > 3 + 1e-6] = np.inf
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_the_elimination_is_used_again_for_other_minutes_on_the_same_roads():
    places = pd.DataFrame({"x": 100.0 * np.arange(4), "y": 0.0})
    table = pd.DataFrame({"from": [0, 1, 2, 3], "to": [1, 2, 3, 0], "road_class": "primary"})
    roads = RoadNetwork.from_frames(places, table, crs=27700)
    slower = roads.with_profile("am-peak")
    here = gpd.GeoSeries.from_xy([0.0, 300.0], [0.0, 0.0], crs=27700)
    quick, slow = travel_times(roads, here), travel_times(slower, here)
    assert prepared(slower).upper is prepared(roads).upper
    assert slow.between(0, 1) > quick.between(0, 1)
    np.testing.assert_allclose(slow.to_array(), by_scipy(slower)[np.ix_([0, 3], [0, 3])])


def test_a_network_with_other_minutes_forgets_what_was_kept_of_the_first():
    roads = random_network(1, 30, 90)
    points = everywhere(30)
    first = travel_times(roads, points).to_array()
    np.testing.assert_allclose(
        travel_times(replace(roads, minutes=roads.minutes * 2), points).to_array(), first * 2
    )
    np.testing.assert_allclose(travel_times(roads, points).to_array(), first)
    turned = replace(roads, x=roads.x[::-1].copy())
    np.testing.assert_allclose(travel_times(turned, points).to_array(), first[::-1, ::-1])


def test_the_arrays_of_a_network_cannot_be_written_to():
    roads = random_network(1, 30, 90)
    with pytest.raises(ValueError, match="read-only"):
        roads.minutes[:] = 0.0


def test_arrays_that_a_network_was_made_from_stay_as_they_were():
    minutes = np.ones(90)
    replace(random_network(1, 30, 90), minutes=minutes)
    minutes[:] = 2.0
