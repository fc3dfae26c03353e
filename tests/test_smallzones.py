"""Small zones: all of a level's possible zones, each once, and a bound that knows them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import brute
import networkx as nx
import numpy as np
import pytest  # noqa: TC002  (hypothesis reads the annotations)
import toy
from hypothesis import given, settings
from hypothesis import strategies as st

from zonedesign.solve import smallzones
from zonedesign.solve._smallzones import connected_sets
from zonedesign.solve.bound import Priced, closed_by, lagrangian
from zonedesign.solve.fixing import possible_arcs

EVERYTHING = np.array([np.inf, np.inf])


def sets_of(graph: nx.Graph, hours, most, limit=10_000):
    n = len(graph)
    near = [sorted(graph[unit]) for unit in range(n)]
    indptr = np.cumsum([0, *map(len, near)]).astype(np.int64)
    flat = np.array([other for row in near for other in row], dtype=np.int64)
    first, members = connected_sets(
        indptr, flat, np.ones(n, dtype=bool), np.asarray(hours, dtype=float), np.zeros(n), most, limit
    )
    return [tuple(sorted(members[a:b].tolist())) for a, b in itertools.pairwise(first)]


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_every_connected_set_within_the_band_is_found_once(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    graph = nx.gnp_random_graph(n, float(rng.random()), seed=int(seed))
    hours = rng.integers(0, 6, n)
    most = int(rng.integers(1, 15))
    expected = [
        some
        for size in range(1, n + 1)
        for some in itertools.combinations(range(n), size)
        if hours[list(some)].sum() <= most and nx.is_connected(graph.subgraph(some))
    ]
    assert sorted(sets_of(graph, hours, np.array([most, np.inf]))) == sorted(expected)


def test_too_many_sets_are_none():
    graph = nx.complete_graph(8)
    assert len(sets_of(graph, np.ones(8), EVERYTHING)) == 255
    assert sets_of(graph, np.ones(8), EVERYTHING, limit=254) == []


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_knowing_the_small_zones_only_raises_the_bound_and_never_above_the_optimum(seed):
    problem = brute.tiny(seed)
    best = brute.best_objective(problem)
    if best is None:
        return
    priced = Priced.of(problem, possible_arcs(problem))
    without = replace(priced, small=tuple(None for _ in priced.small))
    blind = lagrangian(without, threads=1, iterations=150)
    if blind.infeasible:
        return
    knowing = lagrangian(priced, threads=1, iterations=150, start=blind.prices)
    assert blind.value - 1e-9 <= knowing.value <= best + 1e-9


def test_levels_that_need_not_be_connected_are_not_written_out():
    problem = toy.problem(level={"weekly_hours": (50, 70), "max_minutes": None})
    priced = Priced.of(problem, possible_arcs(problem))
    assert all(zones is not None for zones in priced.small)
    loose = problem.with_(rules=[])
    assert Priced.of(loose, possible_arcs(loose)).small == (None,)


def test_arcs_of_zones_that_cannot_be_in_a_better_plan_are_closed():
    problem = toy.problem(level={"weekly_hours": (50, 70), "max_minutes": None})
    priced = Priced.of(problem, possible_arcs(problem))
    bound = lagrangian(priced, threads=1, iterations=150)
    closed = closed_by(priced, bound, bound.value * 1.001, len(problem.arcs.units))
    assert 0.5 < closed.mean() < 1.0


def test_more_sets_than_are_kept_leave_the_level_to_knapsacks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(smallzones, "MOST_SETS", 3)
    problem = toy.problem(level={"weekly_hours": (50, 70), "max_minutes": None})
    assert Priced.of(problem, possible_arcs(problem)).small == (None,)
