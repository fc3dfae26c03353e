"""The model: rules as rows, and the engine's own status, bound and gap."""

from __future__ import annotations

import itertools

import brute
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zonedesign import rules as kinds
from zonedesign.errors import ScenarioError
from zonedesign.levels import Level
from zonedesign.model import Ended, Engine, locks_of, restricted, state
from zonedesign.model import engine as engine_room
from zonedesign.model import program as programs
from zonedesign.problem import Objective, Problem
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.reduced import closed_by
from zonedesign.traveltimes import TravelTimes
from zonedesign.units import Units


def line(
    hours: list[float], *levels: Level, rules: tuple[kinds.Rule, ...] = (), **changes: object
) -> Problem:
    """Units a, b, c, ... in a row, a minute from one to the next."""
    ids = list("abcdefghij"[: len(hours)])
    frame = pd.DataFrame({"hours": hours}, index=pd.Index(ids))
    at = np.arange(len(ids), dtype=float)
    units = Units.from_frame(frame, hours="hours", contiguity=list(itertools.pairwise(ids)))
    times = TravelTimes.from_matrix(np.abs(at[:, None] - at), ids)
    return Problem(units, times, levels=levels, rules=rules, **changes)


def solved(problem: Problem) -> tuple[np.ndarray, float]:
    program = state(problem)
    found = Engine(program, threads=1).run(30)
    assert found.ended is Ended.OPTIMAL
    return program.read(found.values)[0], program.unscaled(found.objective)


def test_units_go_to_the_centres_that_serve_them_best():
    centre_of, objective = solved(line([1, 1, 1, 1, 1, 1], Level("1", weekly_hours=(3, 3))))
    assert centre_of.tolist() == [1, 1, 1, 4, 4, 4]
    assert objective == pytest.approx(4 / 6)


def test_a_level_is_chosen_by_what_the_zone_holds():
    levels = Level("big", weekly_hours=(4, 9)), Level("small", weekly_hours=(1, 2))
    program = state(line([3, 3, 1], *levels, rules=(kinds.Apart("b", "c"),)))
    found = Engine(program, threads=1).run(30)
    _, level_of = program.read(found.values)
    assert level_of.tolist() == [0, 0, 1]


def test_the_relaxation_knows_no_zone_between_the_bands_of_two_levels():
    # Half a big zone and half a small one would hold 5 to 7.
    levels = Level("big", weekly_hours=(9, 12)), Level("small", weekly_hours=(1, 2))
    program = state(line([3, 3], *levels))
    assert Engine(program, threads=1).relax(30).ended is Ended.INFEASIBLE


def test_bound_and_objective_are_read_unscaled():
    problem = line([5, 2, 7, 1, 3], Level("1", weekly_hours=(5, 10)))
    program = state(problem)
    found = Engine(program, threads=1).run(30)
    assert found.bound == pytest.approx(found.objective)
    assert program.scaled(program.unscaled(found.objective)) == pytest.approx(found.objective)


def test_no_time_means_a_limit_and_no_plan():
    program = state(line([5, 2, 7, 1, 3, 6, 2, 4], Level("1", weekly_hours=(5, 10))))
    found = Engine(program, threads=1).run(0.0)
    assert found.ended is Ended.LIMIT
    assert found.values is None  # noqa: PD011  (no frame)
    assert found.objective is None


def test_an_impossible_program_is_infeasible_with_an_infinite_bound():
    found = Engine(state(line([5, 5, 5], Level("1", weekly_hours=(6, 9)))), threads=1).run(30)
    assert found.ended is Ended.INFEASIBLE
    assert found.bound == np.inf


def test_a_unit_without_a_possible_centre_is_homeless():
    problem = line([5, 5, 5], Level("1", weekly_hours=(6, 9)))
    assert state(problem, possible_arcs(problem)).homeless.tolist() == [0, 1, 2]


def test_a_start_is_taken_and_bettered():
    problem = line([1, 1, 1, 1], Level("1", weekly_hours=(2, 2)))
    program = state(problem)
    start = program.values(np.array([0, 0, 3, 3]), np.zeros(4, dtype=np.int64))
    assert start is not None
    found = Engine(program, threads=1).run(30, start=start)
    assert program.unscaled(found.objective) == pytest.approx(0.5)


def test_values_of_a_plan_beyond_the_possible_pairs_are_none():
    problem = line([1, 1, 1], Level("1", max_minutes=1))
    assert state(problem).values(np.array([0, 0, 0]), np.zeros(3, dtype=np.int64)) is None


@pytest.mark.parametrize("heuristics", [True, False])
def test_interior_points_and_no_heuristics_come_to_the_same_optimum(monkeypatch, heuristics):
    monkeypatch.setattr(engine_room, "LARGE", 0)
    for seed in range(30):
        program = state(brute.tiny(seed))
        usual, other = Engine(program, threads=1).run(30), Engine(program, threads=1)
        found = other.run(30, heuristics=heuristics)
        assert other._model.getOptionValue("mip_lp_solver")[1] == "ipm"
        assert found.ended is usual.ended
        assert found.bound == pytest.approx(usual.bound, rel=1e-6, abs=1e-6)


def test_closed_columns_stay_empty():
    problem = line([1, 1, 1], Level("1", zones=1))
    program = state(problem)
    engine = Engine(program, threads=1)
    engine.close(program.y[1])
    found = engine.run(30)
    assert program.read(found.values)[0].tolist() in ([0, 0, 0], [2, 2, 2])


def test_locked_units_share_a_column():
    problem = line([1, 1, 1, 1], Level("1"), rules=(kinds.Together(("a", "c")),))
    program = state(problem)
    column = {
        (int(j), int(i)): int(x) for j, i, x in zip(program.centre, program.unit, program.x, strict=True)
    }
    assert column[1, 0] == column[1, 2]
    assert column[1, 0] != column[1, 3]


def test_units_that_only_one_centre_can_hold_share_its_column():
    problem = line([1, 1, 1, 1], Level("1"))
    centre = np.repeat(np.arange(4), np.diff(problem.arcs.indptr))
    # Unit a goes with b only, which is a centre then and in no zone of c.
    possible = problem.arcs.allowed & ((problem.arcs.units != 0) | (centre == 1))[:, None]
    program = state(problem, possible)
    column = {
        (int(j), int(i)): int(x) for j, i, x in zip(program.centre, program.unit, program.x, strict=True)
    }
    assert column[1, 0] == column[1, 1] >= 0
    assert column[2, 1] == column[3, 1] == -1
    assert len({column[j, 2] for j in (1, 2, 3)} - {-1, column[1, 1]}) == 3


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9), share=st.floats(0.0, 0.6), flow=st.booleans())
def test_certain_units_leave_the_optimum_as_it_is(seed, share, flow):
    problem, dice = brute.tiny(seed), np.random.default_rng(seed)
    whole = state(problem, flow=flow)
    found = Engine(whole, threads=1).run(30)
    if found.objective is None or len(whole.homeless):
        return
    # The pairs of a plan stay, and most others go: many units are certain then.
    centre_of, level_of = whole.read(found.values)
    kept = dice.random(whole.possible.shape) < share
    used = centre_of[whole.unit] == whole.centre
    kept[used, level_of[whole.unit[used]]] = True
    objectives = []
    for gather in (programs.gathered, lambda _problem, locks, possible: (locks, possible)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(programs, "gathered", gather)
            program = state(problem, whole.possible & kept, flow=flow)
        objective = Engine(program, threads=1).run(30).objective
        objectives.append(program.unscaled(objective))
    assert objectives[0] == pytest.approx(objectives[1], abs=1e-6)


def test_frozen_zones_lose_every_pair_across_their_edge():
    today = pd.Series(["x", "x", "y", "y"], index=list("abcd"))
    problem = line([1, 1, 1, 1], Level("1"), rules=(kinds.Frozen("x"),), objective=Objective(baseline=today))
    mask = restricted(problem, locks_of(problem), problem.arcs.allowed)[:, 0]
    centre = np.repeat(np.arange(4), np.diff(problem.arcs.indptr))
    pairs = {(int(j), int(i)) for j, i in zip(centre[mask], problem.arcs.units[mask], strict=True)}
    assert {(j, i) for j, i in pairs if (j < 2) != (i < 2)} == set()


def test_a_lock_on_a_zone_that_nobody_has_names_the_nearest():
    today = pd.Series(["west", "west", "east", "east"], index=list("abcd"))
    with pytest.raises(ScenarioError, match="wset"):
        locks_of(
            line([1, 1, 1, 1], Level("1"), rules=(kinds.Frozen("wset"),), objective=Objective(baseline=today))
        )


def test_the_model_is_stated_in_pulp_with_names_in_our_order():
    program = state(line([1, 1, 1], Level("1"), Level("2")))
    names = [column.name for column in program.sheet.problem.variables()]
    assert len(names) == program.sheet.width
    assert names == sorted(names)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_prices_bound_every_plan_and_close_none_that_is_as_good(seed):
    problem = brute.tiny(seed)
    best = brute.best_objective(problem)
    program = state(problem, possible_arcs(problem))
    engine = Engine(program, threads=1)
    relaxed = engine.relax(30)
    if best is None or relaxed.duals is None:
        return
    constant, cost = engine.priced(relaxed.duals)
    bound, closed = closed_by(program, constant, cost, program.scaled(best))
    assert program.unscaled(bound) <= best + 1e-6
    engine.close(closed)
    again = engine.run(30)
    assert program.unscaled(again.bound) <= best + 1e-6
