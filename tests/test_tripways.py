"""What calibration rests on: factors fitted to minutes by group, and a search graph with nobody merely passing."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zonedesign._robustfit import robust
from zonedesign._tripways import GROUPS, groups_of, without_passing
from zonedesign.profiles import profile


@settings(max_examples=25, deadline=None)
@given(
    factors=st.lists(st.floats(0.6, 2.0), min_size=5, max_size=5),
    scale=st.floats(0.7, 1.5),
    seed=st.integers(0, 10_000),
)
def test_factors_follow_the_scale_of_the_trips_and_not_their_order(factors, scale, seed):
    rng = np.random.default_rng(seed)
    spent = np.column_stack([rng.gamma(1.0, 5.0, (200, 5)) + 0.2, np.zeros(200)])
    observed = spent[:, :5] @ factors * np.exp(rng.normal(0, 0.05, 200))
    observed[:20] *= 4.0
    free = np.ones(5, dtype=bool)
    found = robust(spent, observed, free)
    assert found.factors == pytest.approx(factors, rel=0.12)
    assert robust(spent, observed * scale, free).factors == pytest.approx(found.factors * scale, rel=1e-3)
    mixed = rng.permutation(200)
    assert robust(spent[mixed], observed[mixed], free).factors == pytest.approx(found.factors, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    edges=st.lists(
        st.tuples(st.integers(0, 11), st.integers(0, 11), st.integers(0, 9), st.integers(0, 9)), max_size=40
    ),
    factor=st.floats(0.2, 5.0),
)
def test_nodes_merely_passed_change_no_way_between_the_others(edges, factor):
    table = np.array(edges, dtype=np.int64).reshape(-1, 4)
    kept = np.arange(12) % 3 == 0
    left = without_passing(12, table[:, 0], table[:, 1], table[:, 2:].astype(float), kept)

    def distances(tails, heads, minutes) -> dict:
        graph = nx.MultiDiGraph()
        graph.add_nodes_from(range(12))
        priced = minutes @ [1.0, factor]
        graph.add_weighted_edges_from(zip(tails.tolist(), heads.tolist(), priced.tolist(), strict=True))
        found = dict(nx.all_pairs_dijkstra_path_length(graph))
        return {(a, b): found[a].get(b, np.inf) for a in range(0, 12, 3) for b in range(0, 12, 3)}

    whole = distances(table[:, 0], table[:, 1], table[:, 2:].astype(float))
    assert distances(*left) == pytest.approx(whole)


def test_roads_of_a_group_have_one_share_at_every_time_of_day():
    for name in ("am-peak", "midday", "pm-peak", "evening"):
        shares: dict[int, set[float]] = {}
        for kind, pair in profile(name).shares.items():
            for group, share in zip(groups_of(kind), pair, strict=True):
                shares.setdefault(group, set()).add(share)
        assert [len(shares[group]) for group in range(len(GROUPS))] == [1, 1, 1, 1, 1]
