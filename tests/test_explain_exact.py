"""What is called the least is the least: tiny problems beside every plan there is, and the tally beside plain counting."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import brute
import pytest
from planted import row

import zonedesign as zd
from zonedesign.explain.conflict import Known, conflict
from zonedesign.explain.dials import level_dials, shared_dials, stated
from zonedesign.explain.fewest import beyond, fewer, too_far
from zonedesign.explain.letting import border_dials, bridge_dial, lock_dials
from zonedesign.explain.trials import Trials

LONG = 600.0
"""Seconds that nothing here takes: every trial has its share, also on a machine that is busy."""
SEEDS = (17, 22, 25, 28, 31, 59, 83, 92, 131)
"""Tiny random problems without a plan, whose relaxations touch volumes, travel, shares and locks."""
KEY = {
    "weekly_hours": "weekly_hours",
    "customers": "customers",
    "reach_minutes": "max_minutes",
    "minutes_between": "max_minutes_between",
    "miles": "max_miles",
    "zones": "zones",
    "hours_share": "hours_share",
}
COARSE = 0.011
"""Limits are written with few digits, up to so much of them looser than need be."""


@cache
def explained(seed: int) -> tuple[zd.Problem, zd.Explanation]:
    problem = brute.tiny(seed)
    return problem, zd.explain(problem, time_limit=LONG)


def tighter(problem: zd.Problem, change: zd.explain.Change) -> zd.Problem | None:
    """The relaxed problem with one limit a step nearer to where it was; None where it was no farther away."""
    level = next(each for each in problem.levels if each.name == change.level)
    key = KEY[change.quantity]
    whole = change.quantity in {"customers", "zones"}
    step = 1 if whole else COARSE * max(abs(change.before), abs(change.after)) + 1e-5
    if abs(change.after - change.before) <= step + 1e-9:
        return None
    limit = change.after - step if change.after > change.before else change.after + step
    limit = int(limit) if key == "zones" else limit
    band = getattr(level, key)
    if isinstance(band, tuple):
        limit = (band[0], limit) if change.after > change.before else (limit, band[1])
    changed = replace(level, **{key: limit})
    return problem.with_(levels=[changed if each.name == level.name else each for each in problem.levels])


@pytest.mark.parametrize("seed", SEEDS)
def test_relaxations_have_a_plan_among_all_plans(seed):
    problem, found = explained(seed)
    assert brute.best_objective(problem) is None
    assert found.feasible is False
    assert found.relaxations
    for each in found.relaxations:
        assert brute.best_objective(each.problem) is not None, each


@pytest.mark.parametrize("seed", SEEDS)
def test_no_plan_of_all_needs_less(seed):
    _, found = explained(seed)
    for each in (relaxation for relaxation in found.relaxations if relaxation.least):
        for change in (change for change in each.changes if change.before is not None):
            nearer = tighter(each.problem, change)
            assert nearer is None or brute.best_objective(nearer) is None, (each, change)


def test_no_change_of_several_can_be_left_out():
    several = [
        (problem, each, change)
        for problem, found in map(explained, SEEDS)
        for each in found.relaxations
        if len(each.changes) > 1
        for change in each.changes
        if change.before is not None
    ]
    assert several
    for problem, each, change in several:
        key = KEY[change.quantity]
        before = next(getattr(level, key) for level in problem.levels if level.name == change.level)
        after = next(getattr(level, key) for level in each.problem.levels if level.name == change.level)
        back = before
        if isinstance(before, tuple):
            back = (before[0], after[1]) if change.after < change.before else (after[0], before[1])
        levels = [
            replace(level, **{key: back}) if level.name == change.level else level
            for level in each.problem.levels
        ]
        assert brute.best_objective(each.problem.with_(levels=levels)) is None, (each, change)


# Conflicts.


def test_a_conflict_holds_only_what_it_takes():
    problem = row(zd.CentreAt("b"), zd.Apart("e", "f"), weekly_hours=(10, 40), customers=None, zones=3)
    dials = [*lock_dials(problem), *level_dials(problem)]
    trials = Trials(deadline=float("inf"))
    assert not trials.impossible(problem, seconds=60)
    stuck = problem.with_(rules=[*problem.rules, zd.Together("e", "f")])
    dials = [*lock_dials(stuck), *level_dials(stuck)]
    named, certain = conflict(trials, stuck, dials, (), Known(), seconds=60)
    assert [dial.says for dial in named] == ["units e and f in different zones", "units e, f in one zone"]
    assert certain


def test_there_is_no_conflict_where_there_is_a_plan():
    problem = row()
    assert conflict(Trials(float("inf")), problem, level_dials(problem), (), Known(), seconds=60) is None


# Dials.


def test_a_dial_is_turned_as_far_as_a_plan_needs():
    problem = row(weekly_hours=(35, 40))
    plan = zd.solve(row())
    least = next(
        dial for dial in level_dials(problem) if dial.quantity == "weekly_hours" and dial.side == "min"
    )
    rows = zd.verify(plan, problem)
    broken = rows[~rows["passed"]].to_dict("records")
    assert {least.needed(each) for each in broken if least.decides(each)} == {5.0}
    assert zd.verify(plan, stated(problem, {least: 5.0}))["passed"].all()
    assert not zd.verify(plan, stated(problem, {least: 4.9}))["passed"].all()


@pytest.mark.parametrize(
    ("quantity", "side", "value", "neat"),
    [
        ("weekly_hours", "min", 19.96, 19.96),
        ("weekly_hours", "min", 19.123456, 19.12),
        ("weekly_hours", "max", 41.000000001, 41.0),
        ("weekly_hours", "max", 41.2345678, 41.24),
        ("reach_minutes", "max", 5.37, 5.37),
        ("reach_minutes", "max", 16.372, 16.4),
        ("customers", "min", 1.0, 1.0),
        ("zones", "max", 3.0, 3.0),
    ],
)
def test_a_limit_is_written_with_few_digits_and_never_tighter(quantity, side, value, neat):
    dial = next(each for each in level_dials(row()) if (each.quantity, each.side) == (quantity, side))
    assert dial.neat(value) == pytest.approx(neat, abs=1e-12)


def test_levels_that_share_a_limit_have_it_moved_together():
    two = [
        zd.Level("1", weekly_hours=(20, 40), max_minutes=4),
        zd.Level("2", weekly_hours=(5, 15), max_minutes=4),
    ]
    problem = row().with_(levels=two)
    (shared,) = shared_dials(problem)
    assert shared.subject == "levels 1 and 2"
    assert [level.max_minutes for level in stated(problem, {shared: 6.0}).levels] == [10.0, 10.0]
    assert shared_dials(row()) == []


def test_every_lock_and_border_can_be_let_go():
    problem = row(
        zd.Together("a", "b"), zd.Apart("a", "f"), zd.CentreAt("b"), zd.Fixed("a", "W"), zd.Frozen("E"), zd.NestIn("side"),
        authority="side",
    )  # fmt: skip
    dials = [*lock_dials(problem), *border_dials(problem)]
    assert [dial.rule for dial in dials] == [
        "Together", "Apart", "CentreAt", "Fixed", "Frozen", "NestIn", "NestIn"
    ]  # fmt: skip
    plan = zd.solve(row())
    wrong = plan.move("a", plan.units.loc["f", "zone"]).recentre(plan.units.loc["b", "zone"], "c")
    rows = zd.verify(wrong, problem)
    for broken in rows[~rows["passed"] & ~rows["rule"].isin(["Reach", "Contiguous"])].to_dict("records"):
        dial = next(each for each in dials if each.decides(broken))
        loose = zd.verify(wrong, stated(problem, {dial: dial.room}))
        assert loose[loose["quantity"] == broken["quantity"]]["passed"].all()
    free = stated(problem, {dial: dial.room for dial in dials})
    assert {type(rule).__name__ for rule in free.rules} == {"Contiguous", "NestIn"}
    assert all(len(set(codes)) == 1 for _, codes in free.nests)


def test_a_bridge_joins_a_piece_to_its_nearest_unit():
    problem = row(links=[("a", "b"), ("c", "d"), ("d", "e")])
    dial = bridge_dial(problem)
    ids = problem.units.ids
    assert [(ids[a], ids[b]) for a, b in dial.parts] == [("f", "e"), ("b", "c")]
    joined = stated(problem, {dial: 1.0}).units.contiguity
    assert joined.bridges == (("f", "e"), ("b", "c"))
    assert set(joined.component) == {0}
    assert bridge_dial(row()) is None


# The fewest zones and units.


def test_the_program_finds_the_plan_that_needs_a_limit_least_often():
    problem = row(weekly_hours=(25, 40), zones=(2, 3), max_minutes=10, customers=None)
    dial = next(
        each for each in level_dials(problem) if each.quantity == "weekly_hours" and each.side == "min"
    )
    loose = stated(problem, {dial: 5.0})
    three = zd.Plan.of(loose.units, loose.times, centres_of("aaccee"), dict.fromkeys((0, 2, 4), "1"))
    assert beyond(problem, three) == 3
    found = fewer(Trials(float("inf")), problem, {dial: 5.0}, three, seconds=60)
    assert zd.verify(found, loose)["passed"].all()
    assert beyond(problem, found) == 0


def test_units_out_of_reach_are_counted_one_by_one():
    problem = row(max_minutes=4)
    plan = zd.solve(row())
    assert too_far(problem, plan, "1", "reach_minutes") == (0, 2, 3, 5)
    assert beyond(problem, plan) == 4
    dial = next(each for each in level_dials(problem) if each.quantity == "reach_minutes")
    found = fewer(Trials(float("inf")), problem, {dial: 1.0}, plan, seconds=60)
    assert beyond(problem, found) == 4


def centres_of(text: str):
    import numpy as np

    return np.array(["abcdef".index(letter) for letter in text])
