"""Fewest: once a limit is loosened, the plan in which the fewest zones or units need it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.errors import SolverError
from zonedesign.explain.dials import Settings, stated
from zonedesign.explain.trials import holds
from zonedesign.levels import SLACK
from zonedesign.model import Ended, Engine, state
from zonedesign.model.elastic import Tight, count_beyond
from zonedesign.plan import Plan
from zonedesign.solve.cuts import Ground, cuts_of
from zonedesign.solve.fixing import possible_arcs
from zonedesign.verify import verify

if TYPE_CHECKING:
    from zonedesign.explain.dials import Dial
    from zonedesign.explain.trials import Trials
    from zonedesign.problem import Problem

COUNTED = ("weekly_hours", "customers", "character_share", "reach_minutes", "miles")
"""What the integer program can count."""
ROUNDS = 30


def fewer(trials: Trials, problem: Problem, settings: Settings, plan: Plan, *, seconds: float) -> Plan:
    """Return a plan that keeps every rule with the dials turned, in as few places as `plan` or fewer."""
    dials = [dial for dial in settings if not dial.lets_go]
    if not dials or trials.left <= 0:
        return plan
    loose = stated(problem, settings)
    # Dials that change the units or what they touch stay turned: only limits are counted.
    tight = stated(problem, {dial: turn for dial, turn in settings.items() if dial.lets_go})
    places = beyond(tight, plan)
    if places <= 1:
        return plan
    found: list[Plan | None]
    if trials.small(problem):
        found = [_by_program(loose, settings, plan, seconds=min(seconds, trials.left))]
    else:
        found = [each for each in trials.mended(tight, plan) if holds(each, loose)]
    for each in found:
        if each is not None and beyond(tight, each) < places:
            plan, places = each, beyond(tight, each)
    return plan


def beyond(problem: Problem, plan: Plan) -> int:
    """Return in how many zones, or for how many units where these are too far, a plan breaks rules."""
    verdicts = verify(plan, problem)
    broken = verdicts[~verdicts["passed"]]
    of_zones = ~broken["rule"].isin(["Reach", "MaxMiles"])
    units = {
        unit
        for level in problem.levels
        for quantity in ("reach_minutes", "miles")
        for unit in too_far(problem, plan, level.name, quantity)
    }
    return int(of_zones.sum()) + len(units)


def too_far(problem: Problem, plan: Plan, level: str, quantity: str) -> tuple[int, ...]:
    """Return the positions of a plan's units at a level that lie beyond its minutes or miles."""
    asked = next(each for each in problem.levels if each.name == level)
    here = np.flatnonzero(np.array([each == level for each in plan.levels])[plan.zone])
    if quantity == "miles":
        limit = asked.max_miles
        far = problem.miles(here, plan.centres[plan.zone[here]]) if limit is not None else here
    else:
        limit = asked.max_minutes
        far = plan.units["reach_minutes"].to_numpy(dtype=np.float64)[here]
    return () if limit is None else tuple(here[far > limit + SLACK].tolist())


def _by_program(problem: Problem, settings: Settings, plan: Plan, *, seconds: float) -> Plan | None:
    """Return the plan that needs the dials in the fewest places, by the integer program with flows."""
    names = [level.name for level in problem.levels]
    limits = [each for dial in settings if dial.quantity in COUNTED for each in _tight(dial, names)]
    if not limits:
        return None
    until = time.monotonic() + seconds
    goal = replace(problem.objective, travel=0.0, change=0.0, borders=0.0, cut=0.0)
    program = state(problem.with_(objective=goal), possible_arcs(problem), flow=True)
    level_of = np.array([names.index(level) for level in plan.levels], dtype=np.int64)[plan.zone]
    start = program.values(plan.centres[plan.zone], level_of)
    count_beyond(program, limits)
    ground, engine = Ground(program), Engine(program, threads=1)
    for _ in range(ROUNDS):
        try:
            solved = engine.run(until - time.monotonic(), start=start)
        except SolverError:  # the plan at hand is proof enough without this
            return None
        if solved.ended is Ended.INTERRUPT:
            raise KeyboardInterrupt
        if solved.values is None:
            return None
        centre_of, at_level = program.read(solved.values)
        cuts = cuts_of(ground, centre_of, at_level)
        if not cuts:
            chosen: dict[int, str] = {int(j): names[int(at_level[j])] for j in np.unique(centre_of)}
            found = Plan.of(problem.units, problem.times, centre_of, chosen)
            return found if holds(found, problem) else None
        if solved.ended is not Ended.OPTIMAL:
            return None
        engine.add(cuts)
    return None


def _tight(dial: Dial, names: list[str]) -> list[Tight]:
    levels = dial.levels or (str(dial.level),)
    return [Tight(names.index(level), dial.quantity, dial.side, dial.before) for level in levels]
