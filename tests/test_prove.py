"""The bound beside the search: prices that settled on what was hoped for begin anew once there is a plan."""

from __future__ import annotations

import importlib
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import toy

import zonedesign as zd
from zonedesign.certificate import StoppedBy
from zonedesign.progress import silent
from zonedesign.solve import seams
from zonedesign.solve._account import Limits
from zonedesign.solve.bound import Bound, Priced, lagrangian
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Callable

prove = importlib.import_module("zonedesign.solve.prove")


def grid(zones: int | tuple[int, int] = (5, 7)) -> zd.Problem:
    """Sixty-four units in some six zones; cut boundary keeps the bound well below every plan."""
    frame, near, minutes = toy.squares(8)
    return zd.Problem(
        zd.Units.from_frame(frame, hours="hours", contiguity=near),
        zd.TravelTimes.from_matrix(minutes, frame.index),
        levels=[zd.Level("1", weekly_hours=(30, 120), zones=zones)],
        rules=[zd.Contiguous()],
        objective=zd.Objective(cut=0.5),
    )


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each run of steps began from the first prices."""
    found = []

    def noted(priced: Priced, **options: Any) -> Bound:
        found.append(options["start"] is None)
        return lagrangian(priced, **options)

    monkeypatch.setattr(prove, "lagrangian", noted)
    return found


def settled(work: int | None = None, meanwhile: Callable[[], None] = lambda: None) -> Any:
    """Return a proof whose prices settled before the plan that it has now."""
    problem = grid()
    plan = zd.solve(problem, work=1)
    standing = Standing(problem, 600.0, 0.0, work, silent)
    possible = possible_arcs(problem)
    proof = prove.Proof(standing, possible, Priced.of(problem, possible))
    proof.first(1.0)
    assert proof.hoped
    meanwhile()
    assert standing.take(plan)
    return proof


@pytest.mark.parametrize("work", [None, 1])
def test_prices_that_settled_without_a_plan_begin_anew_once_there_is_one(starts, work):
    proof = settled(work, starts.clear)
    proof.rise(1.0)
    assert starts.count(True) == 1


def test_prices_begin_anew_only_once(starts):
    proof = settled()
    proof.rise(1.0)
    starts.clear()
    proof.rise(1.0)
    assert starts == [False]


@pytest.mark.parametrize("work", [None, 1])
def test_prices_that_settled_do_not_begin_anew_without_a_plan(starts, work):
    proof = settled(work)
    proof.standing.best = None
    starts.clear()
    proof.rise(1.0)
    assert not any(starts)


def test_prices_whose_new_beginning_was_cut_short_begin_anew_again(monkeypatch):
    proof = settled()

    def cut_short(priced: Priced, **options: Any) -> Bound:
        if options["start"] is None:
            proof.standing.began -= 500.0  # time passes
            options["iterations"] = 1
        return lagrangian(priced, **options)

    monkeypatch.setattr(prove, "lagrangian", cut_short)
    proof.rise(0.5)
    assert proof.hoped


def test_prices_that_begin_anew_and_come_to_less_leave_the_better_ones(monkeypatch):
    proof = settled()
    before = proof.bound.value

    def worse(priced: Priced, **options: Any) -> Bound:
        found = lagrangian(priced, **options)
        return replace(found, value=found.value - 1.0) if options["start"] is None else found

    monkeypatch.setattr(prove, "lagrangian", worse)
    proof.rise(1.0)
    assert proof.bound.value >= before
    assert proof.standing.bound >= before


def test_few_zones_do_not_begin_anew():
    problem = grid(zones=6)
    possible = possible_arcs(problem)
    proof = prove.Proof(Standing(problem, 600.0, 0.0, None, silent), possible, Priced.of(problem, possible))
    assert proof.first(1.0).converged
    assert not proof.hoped


def test_whoever_waits_for_a_plan_goes_on_once_there_is_one():
    problem = grid()
    plan = zd.solve(problem, work=1)
    standing = Standing(problem, 600.0, 0.0, None, silent)
    waiting = threading.Thread(target=standing.wait_for_plan, daemon=True)
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    standing.take(plan)
    waiting.join(60)
    assert not waiting.is_alive()


def test_whoever_waits_for_a_plan_goes_on_when_the_run_ends():
    standing = Standing(grid(), 0.3, 0.0, None, silent)
    standing.wait_for_plan()
    assert standing.best is None
    assert standing.stopped_by is StoppedBy.TIME


def few() -> zd.Problem:
    frame, near, minutes = toy.squares(8)
    total = float(frame["hours"].sum())
    return zd.Problem(
        zd.Units.from_frame(frame, hours="hours", contiguity=near),
        zd.TravelTimes.from_matrix(minutes, frame.index),
        levels=[zd.Level("1", weekly_hours=(0.32 * total, 0.35 * total), zones=3)],
        rules=[zd.Contiguous()],
    )


def beside(problem: zd.Problem, plan: zd.Plan, **options: Any) -> tuple[seams.Beside, Standing]:
    standing = Standing(problem, 600.0, 0.0, None, silent)
    standing.take(plan)
    return seams.Beside(standing, lambda each: each, Limits(), **options), standing


@pytest.fixture(scope="module")
def plans() -> tuple[zd.Problem, zd.Plan, zd.Plan]:
    """A problem of few zones with a good plan, and one with another centre that is worse."""
    problem = few()
    good = zd.solve(problem, work=1)
    other = next(i for i in np.flatnonzero(good.zone == 0) if i != good.centres[0])
    centre = np.where(good.zone == 0, other, good.centres[good.zone])
    return problem, good, zd.Plan.of(problem.units, problem.times, centre, {int(j): "1" for j in set(centre)})


def test_programs_at_the_seams_that_fail_cost_nothing(plans, monkeypatch):
    problem, _, worse = plans

    def fails(*_: object, **__: object) -> None:
        raise ValueError("a planted failure")

    monkeypatch.setattr(seams, "improved", fails)
    at_seams, standing = beside(problem, worse)
    at_seams.run()
    assert standing.troubles == ["the programs at the seams failed: ValueError: a planted failure"]
    assert not standing.resting
    assert not at_seams.at_work.is_set()
    assert standing.best is worse


def test_better_plans_at_the_seams_are_taken_while_the_search_rests(plans, monkeypatch):
    problem, good, worse = plans
    at_seams, standing = beside(problem, worse, once=True)
    rested = []

    def improved(_: zd.Problem, plan: zd.Plan, *, found: Callable[[zd.Plan], object], **__: Any) -> zd.Plan:
        assert plan is worse
        rested.append(standing.resting)
        found(good)
        return good

    monkeypatch.setattr(seams, "improved", improved)
    at_seams.run()
    assert rested == [True]
    assert not standing.resting
    assert standing.best is good


def test_the_seams_of_a_plan_that_others_find_meanwhile_are_looked_at_too(plans, monkeypatch):
    problem, good, worse = plans
    at_seams, standing = beside(problem, worse)
    looked = []

    def improved(_: zd.Problem, plan: zd.Plan, **__: Any) -> zd.Plan:
        looked.append(plan)
        if plan is worse:
            standing.take(good)
        else:
            at_seams.end()
        return plan

    monkeypatch.setattr(seams, "improved", improved)
    at_seams.run()
    assert looked == [worse, good]


@pytest.mark.parametrize("known", [True, False])
def test_seams_of_a_plan_known_to_be_the_best_of_its_centres_need_no_look(plans, known, monkeypatch):
    problem, good, worse = plans
    at_seams, standing = beside(problem, worse)
    looked, stopped = [], []

    def improved(_: zd.Problem, plan: zd.Plan, *, limits: Limits, **__: Any) -> zd.Plan:
        looked.append(plan)
        if plan is worse:
            at_seams.settle(good, known)
            stopped.append(limits.stop())
        else:
            at_seams.end()
        return plan

    def recentred(plan: zd.Plan) -> zd.Plan:
        at_seams.end()
        return plan

    monkeypatch.setattr(seams, "improved", improved)
    at_seams.recentred = recentred
    at_seams.run()
    assert standing.best is good
    assert stopped == [known]
    assert looked == ([worse] if known else [worse, good])


def test_a_plan_that_is_the_best_of_its_centres_has_them_chosen_anew(plans):
    problem, good, worse = plans
    at_seams, standing = beside(problem, worse, once=True)
    at_seams.recentred = {worse: good}.get
    at_seams.settle(worse, known=True)
    at_seams.run()
    assert standing.best is good


def test_the_search_goes_on_where_the_parts_fail_while_seams_are_at_work(plans, monkeypatch):
    problem, good, worse = plans
    possible, began = possible_arcs(problem), threading.Event()
    standing = Standing(problem, 600.0, 0.0, None, silent)
    standing.take(worse)
    proof = prove.Proof(standing, possible, Priced.of(problem, possible), writers=2)

    def improved(_: zd.Problem, plan: zd.Plan, *, limits: Limits, **__: Any) -> zd.Plan:
        began.set()
        while not limits.stop():
            threading.Event().wait(0.01)
        return plan

    def branch(*_: object, found: Callable[[zd.Plan, bool], None], **__: object) -> None:
        assert began.wait(60)
        found(good, False)  # noqa: FBT003
        assert standing.resting
        raise RuntimeError("a planted failure")

    monkeypatch.setattr(seams, "improved", improved)
    monkeypatch.setattr(prove, "branch", branch)
    with pytest.raises(RuntimeError, match="planted"):
        proof._branched(None)
    assert not standing.resting
    assert standing.best is good
