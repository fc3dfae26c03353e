"""Zones written out: choosing among all of them is trying every plan."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import toy
from every_plan import EveryPlan
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linprog

import zonedesign as zd
from zonedesign.certificate import Status
from zonedesign.model import Ended, choice
from zonedesign.model.choice import Columns, Totals, choose
from zonedesign.solve.certify import Limits, certify
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.written import choose_zones
from zonedesign.verify import verify


def chosen(problem: zd.Problem, **limits: float):
    """What choosing among all zones comes to."""
    return choose_zones(problem, possible_arcs(problem), limits=Limits(threads=1, **limits))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    low=st.integers(0, 20),
    width=st.integers(0, 12),
    zones=st.sampled_from([2, 3, (1, 4), (0, 9)]),
    reach=st.sampled_from([None, 1.5, 2.5]),
    other=st.booleans(),
)
def test_optimum_and_infeasibility_are_those_of_trying_every_plan(seed, low, width, zones, reach, other):
    levels = [zd.Level("1", weekly_hours=(low, low + width), zones=zones, max_minutes=reach)]
    if other:
        levels.append(zd.Level("2", weekly_hours=(0, 8), zones=(0, 2), max_minutes=1.5))
    problem = toy.square_of(*levels, seed=seed, most=6)
    best, outcome = EveryPlan(problem).best, chosen(problem)
    if best is None:
        assert outcome.status is Status.INFEASIBLE
    else:
        assert outcome.status is Status.OPTIMAL
        assert outcome.objective == pytest.approx(best, rel=1e-9, abs=1e-9)
        assert verify(outcome.plan, problem)["passed"].all()


def test_it_agrees_with_the_integer_program_on_more_units():
    problem = toy.square_of(zd.Level("1", weekly_hours=(25, 31), zones=(3, 4)), side=5, seed=5)
    outcome = chosen(problem)
    assert outcome.status is Status.OPTIMAL
    assert outcome.objective == pytest.approx(certify(problem, limits=Limits(threads=1)).objective, rel=1e-9)


def test_units_without_hours_or_in_two_pieces_are_placed_too():
    frame = pd.DataFrame({"hours": [3.0, 0.0, 3.0, 4.0, 2.0]}, index=list("abcde"))
    units = zd.Units.from_frame(frame, hours="hours", contiguity=[("a", "b"), ("b", "c"), ("d", "e")])
    times = zd.TravelTimes.from_matrix(np.ones((5, 5)) - np.eye(5), frame.index)
    level = zd.Level("1", weekly_hours=(6, 6), zones=2)
    outcome = chosen(zd.Problem(units, times, levels=[level], rules=[zd.Contiguous()]))
    assert outcome.status is Status.OPTIMAL
    assert {frozenset(zone) for zone in outcome.plan.units.groupby("zone").groups.values()} == {
        frozenset("abc"),
        frozenset("de"),
    }


def test_what_it_cannot_write_out_is_left_to_others():
    level = zd.Level("1", weekly_hours=(10, 20))
    assert chosen(toy.square_of(level, side=12, most=125)) is None
    loose = zd.Level("1", weekly_hours=(10, 20), contiguous=False)
    assert chosen(toy.square_of(loose)) is None
    plain = toy.square_of(level)
    for rule in (zd.CentreAt(plain.units.ids[0]), zd.Apart(*plain.units.ids[:2])):
        assert chosen(plain.with_(rules=[zd.Contiguous(), rule])) is None


def test_no_time_gives_no_plan_and_no_proof():
    outcome = chosen(toy.square_of(zd.Level("1", weekly_hours=(10, 20))), seconds=0.0)
    assert outcome.plan is None
    assert outcome.status is Status.UNKNOWN


def test_the_cheapest_cover_is_chosen_under_the_counts():
    holds = sparse.csc_array(np.array([[1, 0, 1, 1.0], [0, 1, 1, 0], [0, 1, 1, 0]]))
    kind, cost = np.array([0, 0, 1, 1]), np.array([2.0, 2.0, 3.0, 1.0])
    free = choose(Columns(holds, kind, cost, np.array([[0, 3], [0, 3]])), seconds=10)
    assert free.objective == pytest.approx(3.0)
    first = choose(Columns(holds, kind, cost, np.array([[2, 2], [0, 3]])), seconds=10)
    assert list(first.values) == [1, 1, 0, 0]
    none = choose(Columns(holds, kind, cost, np.array([[3, 3], [0, 3]])), seconds=10)
    assert none.ended is Ended.INFEASIBLE


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_few_zones_at_a_time_choose_as_all_at_once_do(seed):
    dice = np.random.default_rng(seed)
    holds = sparse.csc_array((dice.random((6, 40)) < 0.35).astype(float))
    kind, cost, counts = np.zeros(40, np.int64), dice.integers(1, 30, 40).astype(float), np.array([[0, 6]])
    whole = choose(Columns(holds, kind, cost, counts), seconds=10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zonedesign.model.choice.FIRST_ZONES", 2)
        steps = choose(Columns(holds, kind, cost, counts), seconds=10)
    assert steps.ended is whole.ended
    assert steps.objective == pytest.approx(whole.objective) if whole.objective else steps.objective is None


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_levels_keep_to_their_totals_at_the_least_cost_of_all(seed):
    dice = np.random.default_rng(seed)
    holds = (dice.random((5, 12)) < 0.4).astype(float)
    holds[:, :3] = np.array([[1, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 1]]).T  # some plan there is
    kind, cost = dice.integers(0, 2, 12), dice.integers(1, 30, 12).astype(float)
    each = dice.integers(1, 9, 5) @ holds
    ends = np.array([[dice.integers(0, 12), np.inf], [-np.inf, dice.integers(5, 25)]])
    taken = np.array(list(itertools.product([0, 1], repeat=12)))
    held = np.column_stack([taken[:, kind == level] @ each[kind == level] for level in (0, 1)])
    good = (taken @ holds.T == 1).all(axis=1) & ((held >= ends[:, 0]) & (held <= ends[:, 1])).all(axis=1)
    least = (taken[good] @ cost).min(initial=np.inf)
    counts = np.array([[0, 5], [0, 5]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zonedesign.model.choice.FIRST_ZONES", 2)
        patch.setattr("zonedesign.model.choice.AT_ONCE", 3)
        solved = choose(Columns(sparse.csc_array(holds), kind, cost, counts, Totals(each, ends)), seconds=10)
    assert (solved.ended is Ended.INFEASIBLE) == np.isinf(least)
    if good.any():
        assert solved.objective == pytest.approx(least)
        assert tuple(solved.values) in {tuple(each) for each in taken[good]}


def narrow(units: int) -> Columns:
    """Zones of two to six units in a row, of either level; the first has half of all hours to the fifth of one."""
    dice = np.random.default_rng(0)
    hours = dice.integers(1, 1000, units).astype(float)
    spans = [(a, b) for a in range(units) for b in range(a + 2, min(units, a + 6) + 1)]
    holds = np.array([[a <= u < b for a, b in spans] * 2 for u in range(units)]).astype(float)
    kind, half = np.repeat([0, 1], len(spans)), hours.sum() / 2
    totals = Totals(hours @ holds, np.array([[half - 0.2, half + 0.2], [0, np.inf]]))
    cost = dice.random(2 * len(spans))
    return Columns(sparse.csc_array(holds), kind, cost, np.array([[0, units]] * 2), totals)


def test_a_choice_ends_after_so_many_nodes():
    columns = narrow(40)
    once, again = (choose(columns, seconds=600.0, nodes=1) for _ in range(2))
    assert once.ended is Ended.LIMIT
    assert (once.objective, once.bound) == (again.objective, again.bound)


@pytest.mark.parametrize("seed", range(20))
def test_the_relaxation_under_totals_is_that_of_the_whole_program(monkeypatch, seed):
    monkeypatch.setattr(choice, "AT_ONCE", 3)
    columns = narrow(12)
    cost, totals = np.random.default_rng(seed).random(len(columns.cost)), columns.totals
    found = choice._relaxed(choice._Zones(columns._replace(cost=cost), 0), np.inf, None)
    first = totals.each * (columns.kind == 0)
    whole = linprog(
        cost,
        A_eq=columns.holds,
        b_eq=np.ones(12),
        A_ub=np.vstack([first, -first]),
        b_ub=totals.ends[0, ::-1] * [1, -1],
    )
    assert found.bound == pytest.approx(whole.fun)
