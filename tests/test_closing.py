"""Closing in: the integer program on the pairs near the bound proves what the whole one would."""

from __future__ import annotations

import brute
import numpy as np
import pytest
import toy
from hypothesis import given, settings
from hypothesis import strategies as st

import zonedesign as zd
from zonedesign.certificate import Status, StoppedBy
from zonedesign.solve.bound import Priced, lagrangian
from zonedesign.solve.certify import Limits, certify
from zonedesign.solve.closing import Near, close_in
from zonedesign.solve.fixing import possible_arcs
from zonedesign.verify import verify


def near_of(problem: zd.Problem, *, steps: int = 60) -> Near | None:
    """The problem and its bound after so many steps; None where the bound alone proves that there is no plan."""
    possible = possible_arcs(problem)
    priced = Priced.of(problem, possible)
    bound = lagrangian(priced, iterations=steps, threads=1)
    return None if bound.infeasible else Near(problem, priced, bound, possible)


def grid(side: int = 6) -> zd.Problem:
    """Square of units to be four zones of 42 to 47 hours."""
    frame, near, minutes = toy.squares(side, 1)
    return zd.Problem(
        zd.Units.from_frame(frame, hours="hours", contiguity=near),
        zd.TravelTimes.from_matrix(minutes, frame.index),
        levels=[zd.Level("1", weekly_hours=(42, 47), zones=4)],
        rules=[zd.Contiguous()],
    )


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9), first=st.integers(1, 40), steps=st.integers(1, 60))
def test_optimum_and_infeasibility_are_those_of_trying_every_plan(seed, first, steps):
    problem = brute.tiny(seed)
    near, best = near_of(problem, steps=steps), brute.best_objective(problem)
    if near is None:
        assert best is None
        return
    outcome = close_in(near, limits=Limits(threads=1), pairs=(first, 10**9))
    if best is None:
        assert outcome.status is Status.INFEASIBLE
    else:
        assert outcome.status is Status.OPTIMAL
        assert outcome.objective == pytest.approx(best, rel=1e-6, abs=1e-6)
        assert verify(outcome.plan, problem)["passed"].all()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9), share=st.floats(0.5, 1.5))
def test_an_aim_leaves_out_no_plan_below_it(seed, share):
    problem = brute.tiny(seed)
    near, best = near_of(problem), brute.best_objective(problem)
    if near is None or best is None:
        return
    aim = near.bound.value + share * (best - near.bound.value)
    outcome = certify(problem, fixed=~near.open(aim), aim=aim, limits=Limits(threads=1))
    assert outcome.settled
    if outcome.objective is not None:
        assert outcome.objective >= best - 1e-6 * max(1.0, abs(best))
    assert outcome.bound is None or outcome.bound <= best + 1e-6 * max(1.0, abs(best))
    if best < aim - 1e-6 * max(1.0, abs(best)):
        assert outcome.objective == pytest.approx(best, rel=1e-6, abs=1e-6)
    else:
        assert outcome.bound >= aim - 1e-6 * max(1.0, abs(aim))


def test_more_pairs_are_open_the_higher_the_aim():
    near = near_of(grid())
    counts = [near.pairs(near.bound.value * (1 + share)) for share in (0.001, 0.02, 0.1, 1.0)]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1] <= near.pairs(np.inf)


def test_the_aim_for_so_many_pairs_lets_in_no_more():
    near = near_of(grid())
    for pairs in (80, 150, 300):
        aim = near.aim_of(pairs, np.inf)
        assert aim == near.bound.value or near.pairs(aim) <= pairs


def test_small_steps_reach_the_optimum_of_the_whole_program():
    problem = grid()
    outcome = close_in(near_of(problem), limits=Limits(threads=1), pairs=(60, 10**9))
    assert outcome.status is Status.OPTIMAL
    assert outcome.objective == pytest.approx(certify(problem, limits=Limits(threads=1)).objective, rel=1e-9)


@pytest.mark.parametrize(("first", "sizes"), [(4, [40, 44, 52, 68]), (9, [45, 54, 72, 108])])
def test_every_program_has_twice_the_pairs_beyond_one_for_each_unit(first, sizes, monkeypatch):
    problem, asked = grid(), []
    aim_of = Near.aim_of

    def noted(near: Near, pairs: int, most: float) -> float:
        asked.append(pairs)
        return aim_of(near, pairs, most)

    monkeypatch.setattr(Near, "aim_of", noted)
    close_in(near_of(problem), limits=Limits(threads=1), pairs=(first, 10**9))
    assert len(problem.units) == 36
    assert asked[:4] == sizes


def test_a_start_that_is_optimal_is_kept_and_proved():
    problem = grid()
    known = certify(problem, limits=Limits(threads=1))
    outcome = close_in(near_of(problem), start=known.plan, limits=Limits(threads=1))
    assert outcome.status is Status.OPTIMAL
    assert outcome.objective == pytest.approx(known.objective, rel=1e-9)


def test_no_program_larger_than_allowed_is_solved():
    near = near_of(grid())
    outcome = close_in(near, limits=Limits(threads=1), pairs=(1, 2))
    assert outcome.plan is None
    assert not outcome.settled
    assert outcome.stopped_by is None
    assert outcome.rounds == 0


def test_time_that_is_up_says_so():
    outcome = close_in(near_of(grid()), limits=Limits(seconds=0.0, threads=1))
    assert outcome.stopped_by is StoppedBy.TIME
