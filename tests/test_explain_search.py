"""Why not, where there are too many units for the integer program: what is proved without search, and what is found by it."""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING

import pytest
import toy

import zonedesign as zd
from zonedesign.explain.trials import Trials
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.payable import unpayable

if TYPE_CHECKING:
    from zonedesign.solve.tolls import Prices

SIDE = 7
"""49 units: more than the integer program is asked about at once."""


@cache
def square(*rules: object, **level: object) -> zd.Problem:
    """Four zones of about a quarter of the hours in a square of units a minute apart."""
    frame, near, minutes = toy.squares(SIDE)
    quarter = float(frame["hours"].sum()) / 4
    bands = {"weekly_hours": (0.8 * quarter, 1.2 * quarter), "max_minutes": 5, "zones": 4} | level
    return zd.Problem(
        zd.Units.from_frame(frame, hours="hours", contiguity=near),
        zd.TravelTimes.from_matrix(minutes, frame.index),
        levels=[zd.Level("1", **bands)],
        rules=[zd.Contiguous(), *rules],
    )


FAR = zd.Together("0-0", "6-6")
PLANTED = {
    "a lock": ((FAR,), {"max_minutes": 4}, "Together", None),
    "minutes": ((), {"max_minutes": 2}, "Reach", 2.24),
    "zones": ((), {"weekly_hours": (55, 64), "zones": 6}, "ZoneCount", 4.0),
}


@pytest.fixture(autouse=True)
def _by_its_own_clock(monkeypatch):
    """Time limits are those of the processor, so that a busy machine finds the same."""
    monkeypatch.setattr(time, "monotonic", time.process_time)


@cache
def explained(name: str) -> tuple[zd.Problem, zd.Explanation]:
    rules, level, _, _ = PLANTED[name]
    problem = square(*rules, **level)
    return problem, zd.explain(problem, time_limit=3, threads=1)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_cause_is_blamed(name):
    _, found = explained(name)
    _, _, rule, after = PLANTED[name]
    assert found.feasible is False
    assert found.causes
    blamed = [each for each in found.relaxations if each.rule == rule and len(each.changes) == 1]
    assert [each.after for each in blamed] == [after]


@pytest.mark.parametrize("name", PLANTED)
def test_every_relaxation_is_proved_by_its_plan(name):
    problem, found = explained(name)
    for each in found.relaxations:
        assert zd.verify(each.plan, each.problem)["passed"].all()
        assert not zd.verify(each.plan, problem)["passed"].all()


def test_what_is_not_proved_to_be_the_least_is_not_called_so():
    both = {each.least for name in PLANTED for each in explained(name)[1].relaxations}
    assert both == {True, False}
    for name in PLANTED:
        for each in explained(name)[1].relaxations:
            assert each.sentence.endswith("; that is enough, and less may be") is not each.least


def test_a_problem_with_a_plan_is_found_to_have_one():
    problem = square()
    found = zd.explain(problem, time_limit=30, threads=1)
    assert found.feasible is True
    assert zd.verify(found.plan, problem)["passed"].all()


def test_the_same_seed_gives_the_same_first_drafts():
    problem = square(max_minutes=2)
    both = []
    for _ in range(2):
        trials = Trials(float("inf"), seed=3, threads=1)
        trials.warm_up(problem)
        both.append([draft.zone.tolist() for draft in trials.drafts])
    assert both[0] == both[1]


# Prices that no plan can pay.


def prices_of(problem: zd.Problem) -> Prices | None:
    return unpayable(problem, possible_arcs(problem), threads=1)


def test_prices_prove_that_reach_bands_and_counts_leave_no_plan():
    problem = square(max_minutes=2)
    prices = prices_of(problem)
    assert prices is not None
    assert prices.units.shape == (SIDE * SIDE,)
    assert unpayable(problem, possible_arcs(problem), start=prices, steps=1, threads=1) is not None


def test_no_prices_are_claimed_where_there_is_a_plan():
    assert prices_of(square()) is None
    for seed in range(6):
        frame, near, minutes = toy.squares(4, seed=seed)
        units = zd.Units.from_frame(frame, hours="hours", contiguity=near)
        halves = frame["hours"].groupby([unit[0] in "01" for unit in frame.index]).sum()
        level = zd.Level("1", weekly_hours=(halves.min(), halves.max()), max_minutes=4, zones=2)
        times = zd.TravelTimes.from_matrix(minutes, frame.index)
        assert prices_of(zd.Problem(units, times, levels=[level], rules=[zd.Contiguous()])) is None


def test_prices_are_not_asked_for_where_there_are_no_hours():
    problem = square()
    empty = problem.units.frame.assign(hours=0.0)
    units = zd.Units.from_frame(empty, hours="hours", contiguity=problem.units.contiguity)
    bare = zd.Problem(
        units, problem.times, levels=[zd.Level("1", max_minutes=2, zones=2)], rules=[zd.Contiguous()]
    )
    assert prices_of(bare) is None
