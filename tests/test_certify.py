"""Certifying: the plan, the bound and the proof that the whole integer program gives."""

from __future__ import annotations

import _thread
import threading
from typing import TYPE_CHECKING

import brute
import numpy as np
import pandas as pd
import pytest
import toy
from hypothesis import given, settings
from hypothesis import strategies as st

from zonedesign import rules as kinds
from zonedesign.certificate import Status, StoppedBy
from zonedesign.levels import Level
from zonedesign.model import Ended, Engine, state
from zonedesign.problem import Problem
from zonedesign.solve import certify as room
from zonedesign.solve.certify import Limits, certify
from zonedesign.solve.cuts import Ground, cuts_of, fractional_cuts
from zonedesign.solve.fixing import possible_arcs
from zonedesign.traveltimes import TravelTimes
from zonedesign.units import Units
from zonedesign.verify import verify

if TYPE_CHECKING:
    from zonedesign.plan import Plan


def grid(side: int, *levels: Level, seed: int = 1, contiguous: bool = True) -> Problem:
    """Square of units with random hours of 1 to 9, a minute to a neighbour's point."""
    frame, near, minutes = toy.squares(side, seed)
    return Problem(
        Units.from_frame(frame, hours="hours", contiguity=near),
        TravelTimes.from_matrix(minutes, frame.index),
        levels=levels,
        rules=[kinds.Contiguous()] if contiguous else [],
    )


@settings(max_examples=250, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_optimum_and_infeasibility_are_those_of_trying_every_plan(seed):
    problem = brute.tiny(seed)
    best = brute.best_objective(problem)
    outcome = certify(problem, limits=Limits(threads=1))
    if best is None:
        assert outcome.status is Status.INFEASIBLE
        assert outcome.plan is None
    else:
        assert outcome.status is Status.OPTIMAL
        assert outcome.objective == pytest.approx(best, rel=1e-6, abs=1e-6)
        assert outcome.bound <= outcome.objective
        assert verify(outcome.plan, problem)["passed"].all()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_possible_arcs_keep_every_pair_of_the_best_plan(seed):
    problem = brute.tiny(seed)
    outcome = certify(problem, limits=Limits(threads=1))
    mask = possible_arcs(problem)
    assert (mask <= problem.arcs.allowed).all()
    if outcome.plan is not None:
        assert len(certify(problem, start=outcome.plan, limits=Limits(threads=1)).plan.zone) == len(
            problem.units
        )
        used = state(problem, mask).values(
            outcome.plan.centres[outcome.plan.zone], _levels(problem, outcome.plan)
        )
        assert used is not None


def _levels(problem: Problem, plan: Plan) -> np.ndarray:
    names = [level.name for level in problem.levels]
    return np.array([names.index(level) for level in plan.levels])[plan.zone]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_flows_in_the_program_reach_the_same_plan_as_cuts_in_rounds(seed):
    problem = brute.tiny(seed)
    best = brute.best_objective(problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "FLOW_AFTER", 0)
        outcome = certify(problem, limits=Limits(threads=1))
    assert (outcome.objective is None) == (best is None)
    if best is not None:
        assert outcome.objective == pytest.approx(best, rel=1e-6, abs=1e-6)


def test_connected_zones_cost_no_less_than_loose_ones():
    level = Level("1", weekly_hours=(42, 47), zones=4)
    loose = certify(grid(6, level, contiguous=False), limits=Limits(threads=1))
    tied = certify(grid(6, level), limits=Limits(threads=1))
    assert loose.status is tied.status is Status.OPTIMAL
    assert tied.objective >= loose.objective - 1e-9
    assert verify(tied.plan, grid(6, level))["passed"].all()


def test_same_seed_gives_the_same_plan_at_any_number_of_threads():
    problem = grid(3, Level("1", weekly_hours=(10, 20)))
    one, two = (certify(problem, limits=Limits(threads=threads, seed=7)) for threads in (1, 2))
    assert one.plan == two.plan


def test_time_limit_without_a_plan_says_so_and_gives_none():
    outcome = certify(grid(6, Level("1", weekly_hours=(42, 47), zones=4)), limits=Limits(seconds=0.0))
    assert outcome.plan is None
    assert outcome.objective is None
    assert outcome.status is Status.UNKNOWN
    assert outcome.stopped_by is StoppedBy.TIME
    assert outcome.gap is None


def test_time_limit_with_a_start_gives_the_start_back():
    problem = grid(6, Level("1", weekly_hours=(42, 47), zones=4))
    known = certify(problem, limits=Limits(threads=1))
    outcome = certify(problem, start=known.plan, limits=Limits(seconds=0.0))
    assert outcome.plan is known.plan
    assert outcome.status is Status.FEASIBLE
    assert outcome.stopped_by is StoppedBy.TIME


def test_a_node_limit_stops_by_work_with_a_bound():
    problem = grid(5, Level("1", weekly_hours=(38, 39.5)), seed=5)
    outcome = certify(problem, limits=Limits(nodes=1, threads=1))
    assert outcome.stopped_by is StoppedBy.WORK
    assert outcome.bound is not None
    assert outcome.plan is None or outcome.gap > 0


def test_a_wider_gap_stops_by_gap_and_keeps_its_promise():
    problem = grid(6, Level("1", weekly_hours=(42, 47), zones=4))
    outcome = certify(problem, limits=Limits(gap=0.5, threads=1))
    assert outcome.gap <= 0.5
    if outcome.status is not Status.OPTIMAL:
        assert outcome.stopped_by is StoppedBy.GAP


def test_a_start_that_is_optimal_is_proved_and_kept():
    problem = grid(3, Level("1", weekly_hours=(10, 20)))
    first = certify(problem, limits=Limits(threads=1))
    again = certify(problem, start=first.plan, limits=Limits(threads=1))
    assert again.status is Status.OPTIMAL
    assert again.objective == pytest.approx(first.objective, rel=1e-9)


def test_pairs_fixed_against_a_plan_leave_its_proof_whole():
    problem = grid(3, Level("1", weekly_hours=(10, 20)))
    first = certify(problem, limits=Limits(threads=1))
    nothing_better = np.ones(len(problem.arcs.units), dtype=bool)
    outcome = certify(problem, start=first.plan, fixed=nothing_better, limits=Limits(threads=1))
    assert outcome.plan is first.plan
    assert outcome.status is Status.OPTIMAL
    assert outcome.bound <= outcome.objective


def test_a_repair_that_helps_is_kept_as_the_best_plan():
    problem = grid(6, Level("1", weekly_hours=(42, 47), zones=4))
    known = certify(problem, limits=Limits(threads=1)).plan
    asked = []

    def repair(plan: Plan) -> Plan:
        asked.append(plan)
        return known

    outcome = certify(problem, repair=repair, limits=Limits(threads=1))
    assert outcome.status is Status.OPTIMAL
    assert not asked or not verify(asked[0], problem)["passed"].all()


def test_progress_hears_bound_and_best():
    told = []
    certify(grid(3, Level("1", weekly_hours=(10, 20))), progress=lambda *word: told.append(word))
    assert told[-1][0] == "certify"
    assert "bound" in told[-1][2]


def test_an_interrupt_gives_the_best_plan_so_far():
    problem = grid(6, Level("1", weekly_hours=(42, 47), zones=4))
    known = certify(problem, limits=Limits(threads=1)).plan

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    outcome = certify(problem, start=known, progress=stop)
    assert outcome.stopped_by is StoppedBy.INTERRUPT
    assert outcome.plan is known


def test_ctrl_c_while_the_engine_runs_ends_the_run_and_not_the_process():
    engine = Engine(state(grid(7, Level("1", weekly_hours=(38, 39.5)))), threads=1)
    pressed = []

    def press(*_: object) -> None:
        if not pressed:
            pressed.append(True)
            _thread.interrupt_main()

    assert engine.run(60, heard=press).ended is Ended.INTERRUPT


def test_certify_works_away_from_the_main_thread():
    found = []
    problem = grid(3, Level("1", weekly_hours=(10, 20)))
    thread = threading.Thread(target=lambda: found.append(certify(problem)))
    thread.start()
    thread.join()
    assert found[0].status is Status.OPTIMAL


def test_hours_on_the_way_prove_a_pair_impossible():
    frame = pd.DataFrame({"hours": [5.0, 9.0, 5.0, 1.0]}, index=list("abcd"))
    units = Units.from_frame(frame, hours="hours", contiguity=[("a", "b"), ("b", "c"), ("c", "d")])
    times = TravelTimes.from_matrix(np.ones((4, 4)) - np.eye(4), frame.index)
    problem = Problem(units, times, levels=[Level("1", weekly_hours=(5, 14))], rules=[kinds.Contiguous()])
    mask = possible_arcs(problem)
    centre = np.repeat(np.arange(4), np.diff(problem.arcs.indptr))
    pairs = {(int(j), int(i)) for j, i, on in zip(centre, problem.arcs.units, mask[:, 0], strict=True) if on}
    assert (0, 2) not in pairs  # b lies between: 19 hours
    assert (0, 1) in pairs
    assert (2, 3) in pairs


def test_a_unit_above_every_band_is_proved_without_a_round():
    frame = pd.DataFrame({"hours": [50.0, 1.0]}, index=list("ab"))
    units = Units.from_frame(frame, hours="hours", contiguity=[("a", "b")])
    times = TravelTimes.from_matrix(np.zeros((2, 2)), frame.index)
    outcome = certify(Problem(units, times, levels=[Level("1", weekly_hours=(0, 40))]))
    assert outcome.status is Status.INFEASIBLE
    assert outcome.rounds == 0


def test_bands_hold_to_the_slack_and_no_further():
    frame = pd.DataFrame({"hours": [1.0, 1.0 - 5e-7]}, index=list("ab"))
    units = Units.from_frame(frame, hours="hours")
    times = TravelTimes.from_matrix(np.zeros((2, 2)), frame.index)
    within = certify(Problem(units, times, levels=[Level("1", weekly_hours=(1, 1), zones=2)]))
    assert within.status is Status.OPTIMAL
    beyond = frame.assign(hours=[1.0, 1.0 - 2.5e-6])
    units = Units.from_frame(beyond, hours="hours")
    without = certify(Problem(units, times, levels=[Level("1", weekly_hours=(1, 1), zones=2)]))
    assert without.status is Status.INFEASIBLE


def broken_by(cut, point):
    return (
        sum(value * point[column] for column, value in zip(cut.columns, cut.values, strict=True)) - cut.most
    )


@pytest.mark.parametrize("seed", range(4))
def test_cuts_forbid_broken_plans_and_never_a_whole_one(seed):
    problem = grid(
        4, Level("1", weekly_hours=(15, 40)), Level("2", weekly_hours=(0, 20), contiguous=False), seed=seed
    )
    program = state(problem, possible_arcs(problem))
    ground = Ground(program)
    dice = np.random.default_rng(seed)
    whole = certify(problem, limits=Limits(threads=1)).plan
    values = program.values(whole.centres[whole.zone], _levels(problem, whole))
    point = np.zeros(program.sheet.width)
    point[program.binaries] = values
    for _ in range(20):
        centres = dice.choice(16, 3, replace=False)
        centre_of = centres[dice.integers(0, 3, 16)]
        centre_of[centres] = centres
        cuts = cuts_of(ground, centre_of, np.zeros(16, dtype=np.int64))
        for cut in cuts:
            assert broken_by(cut, point) <= 1e-9
    fraction = dice.random(program.sheet.width)
    for cut in fractional_cuts(ground, fraction):
        assert broken_by(cut, fraction) > 0
        assert broken_by(cut, point) <= 1e-9
