"""Solving: plans that verify, bounds that hold, and an honest end of every run."""

from __future__ import annotations

import importlib
import threading

import brute
import numpy as np
import pandas as pd
import pytest
import toy

import zonedesign as zd
from zonedesign import rules as kinds
from zonedesign.certificate import OPTIMAL_GAP, Status, StoppedBy
from zonedesign.problem import Objective, Problem

run = importlib.import_module("zonedesign.solve.run")  # zonedesign.solve is the function
prove = importlib.import_module("zonedesign.solve.prove")

FEASIBLE = [7, 8, 9, 10, 12, 16, 21, 24, 27, 30]
"""Seeds of `brute.tiny` that have a plan."""


@pytest.fixture
def by_search(monkeypatch):
    """Small problems go the way of large ones: the search and the bound alone."""
    monkeypatch.setattr(run, "SMALL_UNITS", -1)
    monkeypatch.setattr(prove, "WHOLE_ARCS", -1)
    monkeypatch.setattr(prove, "CLOSING_UNITS", -1)


@pytest.fixture(params=["search", "whole"])
def either_way(request):
    """Once by the search alone, once by the integer program alone."""
    if request.param == "search":
        request.getfixturevalue("by_search")
    return request.param


def grid(side: int = 6, *, cut: float = 0.5) -> Problem:
    """Square of units with random hours of 1 to 9, a minute to a neighbour's point, in four zones.

    The bound knows nothing of cut boundary: while it counts, the search cannot prove that a plan is the best.
    """
    frame, near, minutes = toy.squares(side)
    return Problem(
        zd.Units.from_frame(frame, hours="hours", contiguity=near),
        zd.TravelTimes.from_matrix(minutes, frame.index),
        levels=[zd.Level("1", weekly_hours=(30, 100), zones=4)],
        rules=[kinds.Contiguous()],
        objective=Objective(cut=cut),
    )


def check(plan: zd.Plan, problem: Problem) -> None:
    """What holds of every plan that a run gives."""
    told = plan.certificate
    assert zd.verify(plan, problem)["passed"].all()
    assert told.objective == pytest.approx(problem.value(problem.terms(plan)))
    assert told.bound is None or told.bound <= told.objective
    optimal = told.gap is not None and told.gap <= OPTIMAL_GAP
    assert (told.status is Status.OPTIMAL) == optimal
    assert told.status in {Status.OPTIMAL, Status.FEASIBLE}
    assert (told.stopped_by is None) == optimal


def outcome(problem: Problem, **options) -> zd.Plan | str:
    try:
        return zd.solve(problem, **options)
    except zd.InfeasibleError:
        return "infeasible"
    except zd.NoPlanError:
        return "no plan"


def test_search_is_never_better_than_the_optimum_and_nearly_always_as_good(by_search):
    found = 0
    for seed in FEASIBLE:
        problem = brute.tiny(seed)
        best = brute.best_objective(problem)
        plan = outcome(problem, work=1, seed=seed)
        assert plan != "infeasible"
        if plan != "no plan":
            check(plan, problem)
            assert plan.certificate.objective >= best - 1e-9
            assert plan.certificate.bound is None or plan.certificate.bound <= best + 1e-9
            found += plan.certificate.objective <= best + 1e-7
    assert found >= 8


def test_search_makes_no_plan_where_there_is_none(by_search):
    none = [seed for seed in range(40) if brute.best_objective(brute.tiny(seed)) is None][:8]
    assert {outcome(brute.tiny(seed), work=1) for seed in none} <= {"infeasible", "no plan"}


def test_small_problems_are_solved_to_the_optimum():
    for seed in range(20):
        problem = brute.tiny(seed)
        best = brute.best_objective(problem)
        plan = outcome(problem, time_limit=60)
        if best is None:
            assert plan == "infeasible"
        else:
            check(plan, problem)
            assert plan.certificate.status is Status.OPTIMAL
            assert plan.certificate.objective == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("problem", [grid(), brute.tiny(16)], ids=["grid", "tiny"])
def test_threads_do_not_change_a_run_limited_by_work(by_search, monkeypatch, problem):
    monkeypatch.setattr(importlib.import_module("zonedesign.solve.bound"), "WORTH_A_THREAD", 3)
    one, two = (zd.solve(problem, work=1, seed=3, threads=threads) for threads in (1, 2))
    assert one == two
    assert one.zones.equals(two.zones)
    assert one.certificate.objective == two.certificate.objective
    assert one.certificate.bound == two.certificate.bound


def test_work_ends_a_run_and_says_so(by_search):
    problem = grid()
    plan = zd.solve(problem, work=1)
    check(plan, problem)
    assert plan.certificate.stopped_by is StoppedBy.WORK


def test_time_ends_a_run_and_says_so(by_search):
    problem = grid()
    plan = zd.solve(problem, time_limit=1.0)
    check(plan, problem)
    assert plan.certificate.stopped_by is StoppedBy.TIME


def test_gap_ends_a_run_and_says_so(by_search):
    problem = grid()
    plan = zd.solve(problem, gap=0.5, work=1000)
    check(plan, problem)
    assert plan.certificate.gap <= 0.5
    assert plan.certificate.stopped_by is StoppedBy.GAP


def test_interrupt_ends_with_the_best_plan_so_far(by_search):
    def stop(stage, share, message):
        if message.startswith("objective"):
            raise KeyboardInterrupt

    problem = grid()
    plan = zd.solve(problem, work=1000, progress=stop)
    check(plan, problem)
    assert plan.certificate.stopped_by is StoppedBy.INTERRUPT


def test_interrupt_before_any_plan_is_no_plan(either_way):
    def stop(stage, share, message):
        if stage != "check":
            raise KeyboardInterrupt

    with pytest.raises(zd.NoPlanError, match="interrupted after"):
        zd.solve(grid(), work=1, progress=stop)


def whole_and_half_hours(rules):
    """Whole and half hours never fall between 4.6 and 4.9."""
    frame = pd.DataFrame({"hours": [1.0] * 8 + [1.5]}, index=[f"u{i}" for i in range(9)])
    return Problem(
        zd.Units.from_frame(frame, hours="hours", contiguity=[(f"u{i}", f"u{i + 1}") for i in range(8)]),
        zd.TravelTimes.from_matrix(np.abs(np.subtract.outer(np.arange(9), np.arange(9.0))), frame.index),
        levels=[zd.Level("1", weekly_hours=(4.6, 4.9), zones=2)],
        rules=rules,
    )


def test_no_plan_within_the_limit_is_said(by_search):
    # Where zones need not be connected the bound shares units out and cannot tell; a limit of time may leave
    # the proof beside the search enough of it.
    with pytest.raises(zd.NoPlanError, match="give it more time"):
        zd.solve(whole_and_half_hours([]), work=1)


def test_the_bound_proves_that_no_connected_zones_fill_the_band(by_search):
    with pytest.raises(zd.InfeasibleError, match="no choice of centres"):
        zd.solve(whole_and_half_hours([kinds.Contiguous()]), time_limit=5)


@pytest.mark.parametrize("limits", [{"time_limit": 0}, {"time_limit": -1}, {"gap": -0.1}, {"work": 0}])
def test_limits_that_are_none_are_refused(limits):
    with pytest.raises(zd.ScenarioError, match="must be"):
        zd.solve(toy.problem(), **limits)


def test_impossible_counts_are_refused_by_name(either_way):
    with pytest.raises(zd.InfeasibleError) as caught:
        zd.solve(toy.problem(level={"weekly_hours": None, "customers": None, "zones": 13}))
    assert "12 units" in str(caught.value)


def test_one_unit_is_one_zone(either_way):
    frame = pd.DataFrame({"hours": [5.0]}, index=["only"])
    units = zd.Units.from_frame(frame, hours="hours")
    problem = Problem(units, zd.TravelTimes.from_matrix(np.zeros((1, 1)), ["only"]), levels=[zd.Level("1")])
    plan = zd.solve(problem, work=1)
    check(plan, problem)
    assert plan.certificate.objective == 0.0
    assert plan.certificate.status is Status.OPTIMAL


def test_one_zone_holds_everything(either_way):
    problem = toy.problem(level={"weekly_hours": None, "customers": None, "zones": 1})
    plan = zd.solve(problem, work=1)
    check(plan, problem)
    assert len(plan.zones) == 1
    # From a middle unit, along its row 4, 2, 0, 2, 4 and 6 minutes, along the other row 2 more each: 48 of 12 units.
    assert plan.certificate.objective == pytest.approx(48 / 12)


def test_as_many_zones_as_units_cost_nothing(either_way):
    problem = toy.problem(level={"weekly_hours": None, "customers": None, "zones": 12})
    plan = zd.solve(problem, work=1)
    check(plan, problem)
    assert plan.certificate.objective == 0.0


@pytest.mark.parametrize("idle", [0.3, 1.0])
def test_units_without_hours_have_a_zone_too(either_way, idle):
    frame = toy.frame()
    frame.loc[frame.index[: round(12 * idle)], "hours"] = 0.0
    units = zd.Units.from_frame(frame, hours="hours", customers="customers", contiguity=toy.neighbours())
    problem = toy.problem(units=units, level={"weekly_hours": None, "customers": (1, 11)})
    plan = zd.solve(problem, work=1)
    check(plan, problem)
    assert len(plan.units) == 12
    if idle == 1.0:
        assert plan.certificate.objective == 0.0


def test_units_at_one_point_are_divided(either_way):
    frame = toy.frame()
    frame["geometry"] = frame.geometry.iloc[0]
    units = zd.Units.from_frame(frame, hours="hours", customers="customers", contiguity=toy.neighbours())
    times = zd.TravelTimes.from_matrix(np.zeros((12, 12)), toy.IDS)
    problem = toy.problem(units=units, times=times)
    plan = zd.solve(problem, work=1)
    check(plan, problem)
    assert plan.certificate.objective == 0.0
    assert plan.zones["weekly_hours"].tolist() == pytest.approx([60, 60], abs=10)


def test_map_in_pieces_has_zones_in_each(either_way):
    pieces = [pair for pair in toy.neighbours() if pair[0][0] == pair[1][0]]
    problem = toy.problem(units=toy.units(contiguity=pieces))
    plan = zd.solve(problem, work=1)
    check(plan, problem)
    assert plan.certificate.objective == pytest.approx(14 / 6)
    assert sorted("".join(sorted({unit[0] for unit in plan.members(zone)})) for zone in plan.zone_ids) == [
        "A",
        "B",
    ]


def test_islands_share_zones_where_they_need_not_be_connected(either_way):
    problem = toy.problem(units=toy.units(contiguity=[("A1", "A2")]), level={"contiguous": False})
    plan = zd.solve(problem, work=1)
    check(plan, problem)
    assert plan.certificate.objective == pytest.approx(14 / 6)


def test_rules_that_need_no_graph_are_solved_without_one(either_way):
    problem = toy.problem(units=toy.units(contiguity=None), rules=())
    problem = Problem(problem.units, problem.times, levels=problem.levels)
    plan = zd.solve(problem, work=1)
    check(plan, problem)
    assert plan.certificate.objective == pytest.approx(14 / 6)


def test_bound_of_a_large_problem_is_close(by_search):
    plan = zd.solve(grid(cut=0.0), work=2)
    assert plan.certificate.gap < 0.02


def test_start_plan_is_never_made_worse(by_search):
    problem = grid()
    first = zd.solve(problem, work=1, seed=1)
    again = zd.solve(problem, work=1, seed=2, start=first)
    check(again, problem)
    assert again.certificate.objective <= first.certificate.objective + 1e-9


@pytest.mark.parametrize("zones", ["unlike", "many"])
def test_start_plan_may_break_every_rule(either_way, zones):
    labels = pd.Series(["west", *["east"] * 11] if zones == "unlike" else toy.IDS, index=toy.IDS)
    problem = toy.problem()
    start = zd.Plan.from_labels(problem.units, problem.times, labels, levels=problem.levels)
    assert not zd.verify(start, problem)["passed"].all()
    plan = zd.solve(problem, work=1, start=start)
    check(plan, problem)


def test_locks_name_zones_of_the_start_plan(either_way):
    problem = toy.problem(
        kinds.Contiguous(),
        kinds.Frozen("west"),
        objective=Objective(baseline=toy.labels()),
        level={"weekly_hours": (20, 70), "customers": (2, 7), "zones": 3},
    )
    plan = zd.solve(problem, work=1)
    check(plan, problem)
    assert sorted(plan.members(plan.units.loc["A1", "zone"])) == ["A1", "A2", "A3", "A4", "A5", "A6"]


def test_problem_is_not_changed_and_no_thread_is_left(by_search):
    problem = grid()
    hours = problem.hours.copy()
    before = threading.active_count()
    zd.solve(problem, work=1)
    assert (problem.hours == hours).all()
    assert threading.active_count() == before


def test_progress_tells_stages_shares_and_figures(by_search):
    told = []
    zd.solve(grid(), work=2, progress=lambda *each: told.append(each))
    assert {stage for stage, _, _ in told} == {"check", "search"}
    assert all(share is None or 0 <= share <= 1 for _, share, _ in told)
    assert "gap" in told[-1][2]
