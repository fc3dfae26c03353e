"""What a run has come to: kept by search and proof together, whatever fails on the way."""

from __future__ import annotations

import importlib
import math
import time

import pandas as pd
import pytest
import toy

import zonedesign as zd
from zonedesign.certificate import StoppedBy
from zonedesign.progress import silent
from zonedesign.solve.standing import Standing

run = importlib.import_module("zonedesign.solve.run")
prove = importlib.import_module("zonedesign.solve.prove")
improve = importlib.import_module("zonedesign.solve.improve")


def grid() -> zd.Problem:
    """Thirty-six units in four zones; the bound knows nothing of cut boundary and cannot prove the best."""
    frame, near, minutes = toy.squares(6)
    return zd.Problem(
        zd.Units.from_frame(frame, hours="hours", contiguity=near),
        zd.TravelTimes.from_matrix(minutes, frame.index),
        levels=[zd.Level("1", weekly_hours=(30, 100), zones=4)],
        rules=[zd.Contiguous()],
        objective=zd.Objective(cut=0.5),
    )


def standing(problem: zd.Problem, **changes: object) -> Standing:
    return Standing(
        **{"problem": problem, "time_limit": 60.0, "gap": 0.0, "work": None, "progress": silent} | changes
    )


def broken(problem: zd.Problem) -> zd.Plan:
    """All units in one zone, which no band of the toy allows."""
    everywhere = pd.Series("1-01", index=problem.units.ids)
    return zd.Plan.from_labels(problem.units, problem.times, everywhere, levels=problem.levels)


def test_a_plan_that_breaks_a_rule_is_never_kept():
    problem = toy.problem()
    here = standing(problem)
    assert not here.take(broken(problem))
    assert here.best is None


def test_only_a_better_plan_takes_the_place_of_the_best():
    problem = toy.problem()
    here = standing(problem)
    assert here.take(toy.plan(problem))
    assert not here.take(toy.plan(problem))


def test_a_lower_bound_never_takes_the_place_of_a_higher():
    here = standing(toy.problem())
    here.raise_bound(2.0)
    here.raise_bound(1.0)
    assert here.bound == 2.0


def test_reaching_the_gap_ends_a_run_and_is_noted():
    problem = toy.problem()
    here = standing(problem, gap=0.5)
    here.take(toy.plan(problem))
    assert not here.done()
    here.raise_bound(here.objective * 0.6)
    assert here.done()
    assert here.stopped_by is StoppedBy.GAP


def test_time_that_is_up_ends_a_run_and_is_noted():
    here = standing(toy.problem(), began=time.monotonic() - 61)
    assert here.done()
    assert here.stopped_by is StoppedBy.TIME


def test_work_knows_no_time():
    here = standing(toy.problem(), began=time.monotonic() - 61, work=3)
    assert not here.done()
    assert math.isinf(here.left)


@pytest.fixture
def by_search(monkeypatch):
    """Small problems go the way of large ones."""
    monkeypatch.setattr(run, "SMALL_UNITS", -1)


def fail(*_: object, **__: object) -> None:
    raise MemoryError("no room left")


def test_a_proof_that_fails_costs_no_plan_and_is_told(by_search, monkeypatch):
    monkeypatch.setattr(prove.Proof, "settle", fail)
    monkeypatch.setattr(prove.Proof, "rise", fail)
    plan = zd.solve(grid(), time_limit=30, gap=0.9, threads=2)
    assert plan.certificate.details["failures"] == ["the proof failed: MemoryError: no room left"]
    assert zd.verify(plan, grid())["passed"].all()


def test_a_chain_that_fails_costs_the_others_nothing(by_search, monkeypatch):
    whole = improve.Search.improve

    def sometimes(self, draft, **options):
        if options["moves"] > 0 and options["seed"] % 2:
            fail()
        return whole(self, draft, **options)

    monkeypatch.setattr(improve.Search, "improve", sometimes)
    plan = zd.solve(grid(), work=1, threads=2)
    assert "a chain of the search failed: MemoryError: no room left" in plan.certificate.details["failures"]


def test_a_search_that_fails_after_a_plan_was_found_keeps_the_plan(by_search, monkeypatch):
    problem = grid()
    start = zd.solve(problem, work=1)
    monkeypatch.setattr(run.Rounds, "run", fail)
    plan = zd.solve(problem, time_limit=5, threads=1, start=start)
    assert plan.certificate.details["failures"] == ["the search failed: MemoryError: no room left"]


def test_where_everything_fails_the_failure_is_raised(by_search, monkeypatch):
    monkeypatch.setattr(run.Rounds, "run", fail)
    with pytest.raises(MemoryError, match="no room left"):
        zd.solve(grid(), time_limit=5, threads=1)
