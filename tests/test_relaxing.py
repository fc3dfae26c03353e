"""Relaxing: separators are the least there are, and cuts with prices leave every connected plan its cost."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
import toy
from hypothesis import example, given, settings
from hypothesis import strategies as st

import zonedesign as zd
from zonedesign.solve._cuttable import Cuts
from zonedesign.solve._parts import Part
from zonedesign.solve._separators import FREE, graph_of, vertex_cut
from zonedesign.solve.bound import Bound, Priced, lagrangian
from zonedesign.solve.certify import Limits, certify
from zonedesign.solve.choosing import Cells
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.relaxing import Relaxing, shared_out


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_least_separator_is_that_of_networkx(seed):
    dice = np.random.default_rng(seed)
    problem = toy.square_of(zd.Level("1", zones=1), side=4)
    contiguity = problem.units.contiguity
    room = dice.choice([-1, 0, 1, 2, 5, FREE], 16, p=[0.1, 0.2, 0.2, 0.2, 0.2, 0.1])
    one, other = dice.choice(16, 2, replace=False)
    room[[one, other]] = FREE
    flow = nx.DiGraph()
    for a, b in contiguity.pairs.tolist():
        if room[a] >= 0 and room[b] >= 0:
            flow.add_edge((a, "out"), (b, "in"))
            flow.add_edge((b, "out"), (a, "in"))
    for u in np.flatnonzero(room >= 0).tolist():
        flow.add_edge((u, "in"), (u, "out"), **({} if room[u] == FREE else {"capacity": int(room[u])}))
    found, least = vertex_cut(graph_of(contiguity), room, (int(one), int(other)), 100)
    try:
        expected = nx.minimum_cut_value(flow, (one, "out"), (other, "in"))
    except nx.NetworkXUnbounded:
        assert least > 100
        return
    assert least == expected == room[found].sum()
    left = nx.Graph(contiguity.pairs.tolist())
    left.remove_nodes_from([u for u in range(16) if room[u] < 0 or u in found])
    assert not nx.has_path(left, one, other)


def test_a_separator_is_given_up_where_it_is_wider_than_asked_for():
    graph = graph_of(toy.square_of(zd.Level("1", zones=1), side=4).units.contiguity)
    room = np.ones(16, dtype=np.int64)
    assert sorted(vertex_cut(graph, room, (0, 15), 2)[0].tolist()) == [1, 4]
    assert vertex_cut(graph, room, (0, 15), 1)[1] > 1


def scattered(seed: int, nothing: int = 0) -> zd.Problem:
    """Sixteen units whose points lie elsewhere than where they touch: near ones are not connected."""
    square = toy.square_of(zd.Level("1", zones=2), side=4, seed=seed, nothing=nothing)
    xy = np.random.default_rng(seed).uniform(0, 4, (16, 2))
    minutes = np.hypot(*(xy[:, None] - xy).transpose(2, 0, 1))
    total = float(square.hours.sum())
    level = zd.Level("1", weekly_hours=(0.3 * total, 0.7 * total), zones=2)
    times = zd.TravelTimes.from_matrix(minutes, square.units.ids)
    return zd.Problem(square.units, times, levels=[level], rules=[zd.Contiguous()])


def priced_of(problem: zd.Problem) -> Priced:
    """The pairs of a problem, without the zones that could be written out."""
    return replace(Priced.of(problem, possible_arcs(problem)), small=())


def relaxed(problem: zd.Problem, cells: Cells, goal: float) -> tuple[Bound, Priced, Cuts]:
    priced = priced_of(problem)
    part = Part(-np.inf, 0, [], priced, lagrangian(priced, target=goal, threads=1).multipliers)
    return Relaxing(problem).bound(part, priced, cells, (goal, goal), 300)


def test_cuts_raise_the_bound_where_connection_is_what_costs():
    problem, one = scattered(1), Cells(np.zeros(16, dtype=np.int64), np.array([2]))
    best = certify(problem, limits=Limits(threads=1)).objective
    without = lagrangian(priced_of(problem), target=best, threads=1)
    bound, _, cuts = relaxed(problem, one, best)
    assert best == pytest.approx(1.1264, abs=1e-4)
    # Where subgradient steps end differs in the third digit from one processor to another.
    assert without.value == pytest.approx(0.923, abs=5e-3)
    assert bound.value == pytest.approx(0.957, abs=5e-3)
    assert len(cuts.cell) > 0


def test_who_is_told_to_stop_returns_what_one_step_proved():
    problem, one = scattered(1), Cells(np.zeros(16, dtype=np.int64), np.array([2]))
    priced = priced_of(problem)
    part = Part(-np.inf, 0, [], priced, np.zeros(16))
    ends = [
        Relaxing(problem, np.array([stop])).bound(part, priced, one, (1.1264, 1.1264), steps)[0].value
        for stop, steps in ((1, 300), (0, 1), (0, 300))
    ]
    assert ends[0] == ends[1] < ends[2]


def test_without_the_rule_of_connection_nothing_is_cut():
    problem, one = scattered(1).with_(rules=[]), Cells(np.zeros(16, dtype=np.int64), np.array([2]))
    priced, (bound, tilted, cuts) = priced_of(problem), relaxed(problem, one, 1.0)
    assert len(cuts.cell) == 0
    np.testing.assert_array_equal(tilted.cost, priced.cost)
    assert bound.value == pytest.approx(lagrangian(priced, target=1.0, threads=1).value, rel=1e-2)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), nothing=st.integers(0, 3), above=st.floats(1.0, 1.5))
@example(seed=70891, nothing=3, above=1.0)
def test_with_the_prices_of_cuts_no_connected_plan_costs_more_than_it_does(seed, nothing, above):
    dice, problem = np.random.default_rng(seed), scattered(seed, nothing)
    best = certify(problem, limits=Limits(threads=1))
    if best.plan is None:
        return
    cells, goal = Cells(dice.integers(0, 2, 16), np.array([1, 1])), above * best.objective
    cells.of[best.plan.centres] = [0, 1]
    priced, (bound, tilted, cuts) = priced_of(problem), relaxed(problem, cells, goal)
    assert bound.value <= best.objective * (1 + 1e-9)
    assert not costs_more(problem, priced, tilted, cells, dice)
    # A half of the first cell comes last, as in branching, and some pairs that the plan does not use are closed.
    half = Cells(np.where(cells.of == 1, 0, np.where(dice.random(16) < 0.5, 1, -1)), cells.counts)
    half.of[best.plan.centres] = [1, 0]
    rows = np.repeat(np.arange(16), np.diff(priced.indptr))
    used = best.plan.centres[best.plan.zone][priced.units] == rows
    left = priced.only(
        (half.of[rows] >= 0) & (used | (rows == priced.units) | (dice.random(len(rows)) < 0.8))
    )
    part = Part(-np.inf, 0, [], left, bound.multipliers, shared_out(cuts, 0, others=1, halves=1))
    bound, tilted, _ = Relaxing(problem).bound(part, left, half, (goal, goal), 50)
    assert bound.value <= best.objective * (1 + 1e-9)
    assert not costs_more(problem, left, tilted, half, dice)


def costs_more(
    problem: zd.Problem, priced: Priced, tilted: Priced, cells: Cells, dice: np.random.Generator
) -> list[tuple[float, float]]:
    """Costs with and without the prices of cuts, where they raise those of a random connected plan of two zones."""
    around = nx.Graph(problem.units.contiguity.pairs.tolist())
    rows = np.repeat(np.arange(16), np.diff(priced.indptr))
    found = []
    for _ in range(40):
        one, other = (int(dice.choice(np.flatnonzero(cells.of == cell))) for cell in (0, 1))
        nx.set_edge_attributes(around, {edge: dice.random() for edge in around.edges}, "weight")
        tree = nx.minimum_spanning_tree(around)
        path = nx.shortest_path(tree, one, other)
        cut = int(dice.integers(1, len(path)))
        tree.remove_edge(path[cut - 1], path[cut])
        centre_of = np.full(16, other)
        centre_of[list(nx.node_connected_component(tree, one))] = one
        used = centre_of[priced.units] == rows
        if (problem.hours[priced.units[used]] > 0).sum() < (problem.hours > 0).sum():  # it uses a closed pair
            continue
        with_cuts, without = tilted.cost[used].sum(), priced.cost[used].sum()
        if with_cuts > without + 1e-9:
            found.append((with_cuts, without))
    return found


def test_a_part_in_two_halves_keeps_its_cuts_in_both():
    ends = np.array([0, 2, 3, 3])
    cuts = Cuts(
        np.array([0, 1, 2]), np.array([7, 8, 9]), ends, np.array([1, 2, 3]), np.array([0, 1, 3, 4]),
        np.array([7, 8, 6, 9]), np.array([0.1, 0.2, 0.3, 0.4]),
    )  # fmt: skip
    found = shared_out(cuts, 1, others=2, halves=2)
    assert found.cell.tolist() == [0, 1, 2, 3]
    assert found.seed.tolist() == [7, 9, 8, 8]
    assert found.separator_ends.tolist() == [0, 2, 2, 3, 4]
    assert found.separator.tolist() == [1, 2, 3, 3]
    assert found.priced.tolist() == [7, 9, 8, 6, 8, 6]
    assert found.price.tolist() == [0.1, 0.4, 0.2, 0.3, 0.2, 0.3]
