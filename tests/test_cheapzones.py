"""Cheap zones: the best plan from zones that cost little at prices is the best of all."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import toy
from every_plan import EveryPlan
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import zonedesign as zd
from zonedesign.certificate import Status
from zonedesign.solve import cheapzones
from zonedesign.solve._cheap import cheap_zones
from zonedesign.solve.cheapzones import choose_cheap_zones
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.written import Limits, choose_zones, ground_of
from zonedesign.verify import verify

EVERY, CHEAPEST = False, True


def chosen(problem: zd.Problem, *, known: float | None = None, **limits: float):
    """What choosing among the cheap zones comes to."""
    return choose_cheap_zones(
        problem, possible_arcs(problem), limits=Limits(threads=1, **limits), known=lambda: known
    )


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    low=st.integers(0, 20),
    width=st.integers(0, 12),
    zones=st.sampled_from([1, 2, 3, (1, 4), (0, 9)]),
    reach=st.sampled_from([None, 1.5, 2.5]),
    nothing=st.integers(0, 3),
)
def test_optimum_and_infeasibility_are_those_of_trying_every_plan(seed, low, width, zones, reach, nothing):
    level = zd.Level("1", weekly_hours=(low, low + width), zones=zones, max_minutes=reach)
    problem = toy.square_of(level, seed=seed, most=6, nothing=nothing)
    best, outcome = EveryPlan(problem).best, chosen(problem)
    if outcome is None:  # no zone has enough hours: that is said before
        assert best is None
    elif best is None:
        assert outcome.status is Status.INFEASIBLE
    else:
        assert outcome.status is Status.OPTIMAL
        assert outcome.objective == pytest.approx(best, rel=1e-9, abs=1e-9)
        assert verify(outcome.plan, problem)["passed"].all()


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    low=st.integers(8, 24),
    width=st.integers(1, 6),
    steps=st.sampled_from([40, 20_000]),
)
def test_it_agrees_with_choosing_among_all_zones(seed, low, width, steps):
    problem = toy.square_of(zd.Level("1", weekly_hours=(low, low + width)), side=5, seed=seed, most=22)
    every = choose_zones(problem, possible_arcs(problem), limits=Limits(threads=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cheapzones, "FIRST_STEPS", steps)
        outcome = chosen(problem)
    assert outcome.status is every.status
    assert outcome.objective == (
        None if every.objective is None else pytest.approx(every.objective, rel=1e-9)
    )


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), low=st.integers(8, 20), width=st.integers(1, 6), nothing=st.integers(1, 5))
def test_units_without_hours_go_where_they_cost_least(seed, low, width, nothing):
    level = zd.Level("1", weekly_hours=(low, low + width))
    problem = toy.square_of(level, side=5, seed=seed, most=20, nothing=nothing)
    every = choose_zones(problem, possible_arcs(problem), limits=Limits(threads=1))
    outcome = chosen(problem)
    assert outcome.status is every.status
    if every.objective is not None:
        assert outcome.objective == pytest.approx(every.objective, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), low=st.integers(0, 9), width=st.integers(6, 20))
def test_open_counts_choose_by_what_a_whole_plan_costs(seed, low, width):
    problem = toy.square_of(zd.Level("1", weekly_hours=(low, low + width), zones=(2, 4)), seed=seed, most=6)
    best, outcome = EveryPlan(problem).best, chosen(problem)
    assume(outcome is not None)
    assert outcome.objective == (None if best is None else pytest.approx(best, rel=1e-9))


def test_zones_of_all_centres_together_are_limited(monkeypatch):
    monkeypatch.setattr(cheapzones, "MOST_ZONES", 30)
    outcome = chosen(toy.square_of(zd.Level("1", weekly_hours=(18, 30)), side=5, seed=1), seconds=20)
    assert (outcome.status, outcome.plan) == (Status.UNKNOWN, None)


def test_a_plan_that_is_known_to_be_best_is_proved_so():
    problem = toy.square_of(zd.Level("1", weekly_hours=(25, 31), zones=(3, 4)), side=5, seed=5)
    best = chosen(problem).objective
    assert chosen(problem, known=best).bound == pytest.approx(best, rel=1e-8)
    assert chosen(problem, known=2 * best).objective == pytest.approx(best, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6), low=st.integers(1, 20), width=st.integers(0, 10), share=st.floats(0.0, 1.0)
)
def test_the_search_around_a_centre_finds_every_connected_set_that_is_worth_it(seed, low, width, share):
    problem = toy.square_of(zd.Level("1", weekly_hours=(low, low + width)), seed=seed)
    ground = ground_of(problem, possible_arcs(problem), 0)._replace(rest=np.array([-1, -1]))
    dice, n = np.random.default_rng(seed), len(problem.units)
    prices = dice.uniform(0, ground.cost[0].max(initial=1.0, where=np.isfinite(ground.cost[0])), n)
    value, hours = ground.cost[0] - prices, problem.hours
    most = float(np.quantile(value[np.isfinite(value)], share)) if np.isfinite(value).any() else 0.0
    pairs = problem.units.contiguity.pairs
    expected = set()
    for size in range(n):
        for others in itertools.combinations(range(1, n), size):
            units = [0, *others]
            joined = {0}
            for _ in units:
                joined |= {int(b) for a, b in [*pairs, *pairs[:, ::-1]] if a in joined and b in units}
            fits = low - 1e-6 <= hours[units].sum() <= low + width + 1e-6
            if len(joined) == len(units) and fits and value[units].sum() <= most:
                expected.add(sum(1 << u for u in units))
    sets, values, steps = cheap_zones(ground, 0, value, most, 10**9, 10**6, EVERY, np.zeros(1, np.int64))
    assert steps <= 10**9
    assert len(sets) == len(expected)
    assert set(sets[:, 0].tolist()) == expected
    for (bits, _), worth in zip(sets.tolist(), values, strict=True):
        assert worth == pytest.approx(value[[u for u in range(n) if bits >> u & 1]].sum(), abs=1e-9)


def test_only_the_cheapest_are_kept_where_room_is_small():
    problem = toy.square_of(zd.Level("1", weekly_hours=(5, 30)), seed=3)
    ground, flag = ground_of(problem, possible_arcs(problem), 0), np.zeros(1, np.int64)
    every = cheap_zones(ground, 4, ground.cost[4] - 0.5, np.inf, 10**9, 10**6, EVERY, flag)
    few = cheap_zones(ground, 4, ground.cost[4] - 0.5, np.inf, 10**9, 8, CHEAPEST, flag)
    assert len(every[0]) > 8
    assert np.sort(few[1])[:4] == pytest.approx(np.sort(every[1])[:4])


def test_too_many_sets_and_too_many_steps_are_told():
    problem = toy.square_of(zd.Level("1", weekly_hours=(5, 30)), seed=3)
    ground, flag = ground_of(problem, possible_arcs(problem), 0), np.zeros(1, np.int64)
    assert cheap_zones(ground, 4, ground.cost[4], np.inf, 10**9, 3, EVERY, flag)[2] == 10**9 + 1
    assert cheap_zones(ground, 4, ground.cost[4], np.inf, 5, 99, EVERY, flag)[2] == 6


@pytest.mark.parametrize(("side", "seed", "most", "zones"), [(9, 2, 66, (10, 20)), (5, 1, 25, 5)])
def test_few_zones_are_tried_and_many_chosen_in_one_number_or_two(side, seed, most, zones):
    level = zd.Level("1", weekly_hours=(24, 30), zones=zones)
    problem = toy.square_of(level, side=side, seed=seed, most=most)
    outcome = chosen(problem, seconds=60)
    assert outcome.status is Status.OPTIMAL
    assert verify(outcome.plan, problem)["passed"].all()


def test_other_rules_and_large_zones_are_left_to_others():
    level = zd.Level("1", weekly_hours=(10, 20))
    assert chosen(toy.square_of(level, side=12, most=125)) is None
    assert chosen(toy.square_of(level, zd.Level("2", weekly_hours=(5, 9)))) is None
    assert chosen(toy.square_of(zd.Level("1", weekly_hours=(10, 20), contiguous=False))) is None
    assert chosen(toy.square_of(level, rules=[zd.CentreAt(toy.square_of(level).units.ids[0])])) is None
    assert chosen(toy.square_of(zd.Level("1", zones=2), side=6)) is None


def test_no_time_gives_no_plan_and_no_proof():
    outcome = chosen(toy.square_of(zd.Level("1", weekly_hours=(10, 20))), seconds=0.0)
    assert outcome.plan is None
    assert outcome.status is Status.UNKNOWN


def test_the_bound_is_told_as_it_rises_and_stays_below_the_optimum():
    problem, told = toy.square_of(zd.Level("1", weekly_hours=(14, 20)), side=5, seed=1), []
    outcome = choose_cheap_zones(problem, possible_arcs(problem), limits=Limits(threads=1, heard=told.append))
    assert max(told) <= outcome.objective * (1 + 1e-9)
