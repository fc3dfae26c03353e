"""The bound: never above the optimum, and what it closes no better plan uses."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import brute
import numpy as np
import pytest
import toy
from every_plan import EveryPlan
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from tiny_problems import examples, problem_of, recipes

import zonedesign as zd
from zonedesign.solve import bound as room
from zonedesign.solve.bound import Priced, closed_by, lagrangian
from zonedesign.solve.certify import Limits, certify
from zonedesign.solve.choosing import choose_centres, choose_many
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.payable import unpayable
from zonedesign.solve.tolls import Prices

SEEDS = st.integers(0, 10**9)


def bounded(problem, **options):
    priced = Priced.of(problem, possible_arcs(problem))
    return priced, lagrangian(priced, threads=1, **{"iterations": 150} | options)


@settings(max_examples=120, deadline=None)
@given(seed=SEEDS)
def test_bound_is_never_above_the_optimum(seed):
    problem = brute.tiny(seed)
    best = brute.best_objective(problem)
    _, bound = bounded(problem)
    if best is not None:
        assert not bound.infeasible
        assert bound.value <= best + 1e-9


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_bound_stays_valid_when_steered_by_a_target(seed):
    problem = brute.tiny(seed)
    best = brute.best_objective(problem)
    if best is not None:
        _, bound = bounded(problem, target=best)
        assert bound.value <= best + 1e-9


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_closed_arcs_are_in_no_optimal_plan_that_beats_the_target(seed):
    problem = brute.tiny(seed)
    plan = certify(problem, limits=Limits(threads=1)).plan
    if plan is None:
        return
    arcs, n = problem.arcs, len(problem.units)
    priced, bound = bounded(problem)
    target = problem.value(problem.terms(plan)) * 1.001 + 1e-6
    closed = closed_by(priced, bound, target, len(arcs.units))
    centre_of = plan.centres[plan.zone]
    names = [level.name for level in problem.levels]
    level_of = np.array([names.index(level) for level in plan.levels])[plan.zone]
    rows = np.repeat(np.arange(n), np.diff(arcs.indptr))
    used = centre_of[arcs.units] == rows
    assert used.sum() == n
    assert not closed[used, level_of[arcs.units[used]]].any()


def test_a_target_just_above_the_bound_closes_something():
    problem = toy.problem(level={"weekly_hours": (50, 70), "max_minutes": None})
    priced, bound = bounded(problem)
    near = closed_by(priced, bound, bound.value * 1.001, len(problem.arcs.units))
    far = closed_by(priced, bound, math.inf, len(problem.arcs.units))
    assert near.any()
    assert (far <= near).all()


def test_bound_of_the_toy_is_its_optimum():
    # Six units of ten hours around a centre: 0, 2, 2, 2, 4 and 4 minutes make a mean of 14 / 6.
    _, bound = bounded(toy.problem(), iterations=400, target=14 / 6)
    assert bound.value == pytest.approx(14 / 6, rel=1e-3)
    assert bound.value <= 14 / 6 + 1e-9


def test_counts_that_no_centres_meet_are_infeasible():
    # Thirteen zones of twelve units; a band that not even all hours fill.
    assert bounded(toy.problem(level={"weekly_hours": None, "zones": 13}))[1].infeasible
    assert bounded(toy.problem(level={"weekly_hours": (130, 140), "zones": (1, 2)}))[1].infeasible


def test_bound_starts_again_from_its_own_multipliers():
    problem = toy.problem()
    priced, first = bounded(problem, iterations=40)
    again = lagrangian(priced, start=first.prices, iterations=40, threads=1)
    assert again.value >= first.value


def test_bound_ends_when_told_to():
    _, bound = bounded(toy.problem(), iterations=10**9, stop=lambda: True)
    assert math.isfinite(bound.value)
    _, bound = bounded(toy.problem(), iterations=10**9, deadline=-math.inf)
    assert math.isfinite(bound.value)


def test_threads_do_not_change_the_bound(monkeypatch):
    priced = Priced.of(brute.tiny(5), possible_arcs(brute.tiny(5)))
    alone = lagrangian(priced, iterations=60, threads=1)
    monkeypatch.setattr(room, "WORTH_A_THREAD", 2)
    together = lagrangian(priced, iterations=60, threads=2)
    assert together.value == alone.value
    assert (together.multipliers == alone.multipliers).all()


def some_worths(data):
    """A few centres' worth at one level or two, the counts asked for, and the least total that meets them."""
    n, count = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 2))
    one = st.one_of(st.just(math.inf), st.integers(-6, 6).map(float))
    worth = np.array(data.draw(st.lists(one, min_size=n * count, max_size=n * count))).reshape(n, count)
    least = np.array(data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count)))
    most = least + np.array(data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count)))
    best = math.inf
    for levels in itertools.product(range(-1, count), repeat=n):  # -1: no zone there
        if all(least[k] <= levels.count(k) <= most[k] for k in range(count)):
            best = min(best, sum(worth[j, k] for j, k in enumerate(levels) if k >= 0))
    return worth, least, most, best


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_chosen_centres_are_the_cheapest_choice(data):
    worth, least, most, best = some_worths(data)
    count = worth.shape[1]
    found = choose_centres(worth, least, most)
    if math.isinf(best):
        assert found is None
    else:
        centres, levels, total = found
        assert total == pytest.approx(best)
        assert total == pytest.approx(worth[centres, levels].sum())
        assert len(set(centres.tolist())) == len(centres)
        assert (np.bincount(levels, minlength=count) >= least).all()
        assert (np.bincount(levels, minlength=count) <= most).all()


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_many_centres_chosen_by_prices_total_no_more_than_the_cheapest_choice(data):
    worth, least, most, best = some_worths(data)
    found = choose_many(worth, least, most)
    if math.isfinite(best):
        assert found is not None
        assert found[2] <= best + 1e-9


def test_many_centres_chosen_by_prices_are_as_good_as_those_assigned():
    dice = np.random.default_rng(0)
    worth = dice.normal(1, 1, (600, 1)) + dice.normal(0, 0.3, (600, 3))
    worth[dice.random(worth.shape) < 0.2] = np.inf
    counts = np.array([60, 40, 20])
    for least, most in ((counts, counts), (counts // 2, 2 * counts)):
        assigned = choose_centres(worth, least, most)
        priced = choose_many(worth, least, most)
        assert priced[2] == pytest.approx(assigned[2], rel=1e-9)
        assert len(priced[0]) == pytest.approx(len(assigned[0]), abs=3)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_worth_of_a_centre_is_a_linear_program(seed):
    problem = brute.tiny(seed)
    dice = np.random.default_rng(seed)
    priced = Priced.of(problem, possible_arcs(problem))
    if not len(priced.units):
        return
    n = len(priced.demand)
    priced = replace(priced, small=tuple(None for _ in priced.small))  # those are whole sets, not shares
    with room._Pricing(priced, 1) as pricing:
        for _ in range(3):  # the second and third time from what was wanted last
            prices = dice.normal(0.3, 1.0, n) * priced.demand / max(priced.demand.sum(), 1.0) * 5
            toll = dice.choice([0.0, -0.5, 2.0], len(priced.low))
            worth = pricing.worth(prices, toll)
            for j, k in itertools.product(range(n), range(len(priced.low))):
                expected = by_linear_program(priced, prices - toll[k] * priced.demand, j, k)
                assert worth[j, k] == pytest.approx(expected, abs=1e-9)
                if math.isfinite(expected):
                    held = pricing.cover(prices, np.array([j]), np.array([k]))
                    assert (held >= 0).all()
                    assert (held <= 1 + 1e-12).all()
                    assert priced.low[k] - 1e-6 <= held @ priced.demand <= priced.high[k] + 1e-6


def by_linear_program(priced: Priced, prices: np.ndarray, j: int, k: int) -> float:
    """Least worth of a zone with centre j and level k: the centre itself, any shares of the others."""
    here = [a for a in range(priced.indptr[j], priced.indptr[j + 1]) if priced.allowed[a, k]]
    own = [a for a in here if priced.units[a] == j]
    if not own:
        return math.inf
    paid = np.where(priced.demand > 0, prices, 0.0)
    others = [a for a in here if a not in own]
    gains = [priced.cost[a] - paid[priced.units[a]] for a in others]
    hours = [priced.demand[priced.units[a]] for a in others]
    base, held = priced.cost[own[0]] - paid[j], priced.demand[j]
    if not others:
        fits = priced.low[k] - 1e-9 <= held <= priced.high[k]
        return base if fits else math.inf
    rows, limits = [[-h for h in hours]], [held - priced.low[k]]
    if math.isfinite(priced.high[k]):
        rows.append(hours)
        limits.append(priced.high[k] - held)
    solved = linprog(gains, A_ub=rows, b_ub=limits, bounds=(0, 1))
    if solved.status == 2:
        return math.inf
    return base + solved.fun


@st.composite
def shared(draw):
    """A recipe of several levels with shares of all hours."""
    recipe = draw(recipes(least=2))
    return replace(recipe, levels=max(2, recipe.levels), traits=recipe.traits | {"share"})


@st.composite
def by_customers(draw):
    """A recipe with bands of customers and none of hours."""
    recipe = draw(recipes(least=2))
    return replace(recipe, traits=(recipe.traits | {"customers"}) - {"hours"})


@examples(400)
@given(recipe=st.one_of(shared(), by_customers()))
def test_bound_is_never_above_the_optimum_of_any_rules_and_closes_nothing_of_it(recipe):
    problem = problem_of(recipe)
    every = EveryPlan(problem)
    if every.best is None:
        return
    priced, bound = bounded(problem, iterations=60)
    near = 1e-9 * max(1.0, abs(every.best))
    assert not bound.infeasible
    assert bound.value <= every.best + near
    closed = closed_by(priced, bound, every.best + near, len(problem.arcs.units))
    rows = np.repeat(np.arange(len(problem.units)), np.diff(problem.arcs.indptr))
    of_best = every.least_with[rows, problem.arcs.units] <= every.best + near
    assert not (closed & of_best).any()
    assert unpayable(problem, possible_arcs(problem), threads=1) is None


def hamlets(share):
    """Twelve units of 10 h, two minutes apart: zones of level 1 are single units, those of level 2 are not."""
    return toy.problem(levels=[
        zd.Level("1", weekly_hours=(10, 10), hours_share=share), zd.Level("2", weekly_hours=(60, 60))
    ])  # fmt: skip


@pytest.mark.parametrize(("share", "least"), [((0, 1), 0), ((0, 0.5), 7 / 6), ((0, 0), 14 / 6), (None, 0)])
def test_a_share_of_hours_is_in_the_bound(share, least):
    # The six units of a zone of 60 h are 0, 2, 2, 2, 4 and 4 minutes from its centre, 10 h of 120 h each.
    _, bound = bounded(hamlets(share))
    assert bound.value == pytest.approx(least, abs=0.01)


def test_shares_say_how_many_zones_there_can_be():
    priced, _ = bounded(hamlets((0.25, 0.5)))
    assert (priced.least.tolist(), priced.most.tolist()) == ([3, 0], [6, 2])


def test_bands_of_customers_are_in_the_bound_where_there_are_none_of_hours():
    level = {"weekly_hours": None, "customers": (6, 6), "zones": None}
    _, bound = bounded(toy.problem(level=level))
    assert bound.value == pytest.approx(14 / 6, abs=0.01)
    _, loose = bounded(toy.problem(level=level | {"customers": None}))
    assert loose.value == pytest.approx(0, abs=1e-9)


def test_a_bound_of_shares_starts_again_where_it_ended():
    levels = zd.Level("1", weekly_hours=(10, 30), hours_share=(0, 0.5)), zd.Level("2", weekly_hours=(60, 60))
    priced, first = bounded(toy.problem(levels=levels))
    assert first.toll[0] > 0
    again = lagrangian(priced, start=first.prices, iterations=1, threads=1)
    assert again.value == pytest.approx(first.value, rel=1e-9)
    untolled = lagrangian(priced, start=Prices(first.multipliers), iterations=1, threads=1)
    assert untolled.value < first.value


def test_a_share_that_no_zone_can_hold_is_infeasible_at_once():
    levels = zd.Level("1", weekly_hours=(None, 0), hours_share=(0.5, 1)), zd.Level("2")
    priced, bound = bounded(toy.problem(levels=levels))
    assert priced.least.tolist() == [13, 0]
    assert bound.infeasible
