"""Repair: a plan that keeps every rule, near to one that does not."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from zonedesign import measures
from zonedesign.solve._whole import whole_zones
from zonedesign.solve.mending import mended
from zonedesign.solve.rounds import MENDING_HEAT, MENDING_SHARE, moves_of, plan_of
from zonedesign.verify import verify

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem
    from zonedesign.solve.improve import Draft, Search

    Ints = NDArray[np.int64]

TRIES = ((0.1, 4.0, 200), (0.3, 1.0, 400), (1.0, 0.25, 800), (4.0, 0.25, 800))
"""Chains that look for a plan near the start, one after the other: first temperature; what an hour costs that
changes zone, as a multiple of what it costs in travel; and moves a unit."""
LEAST_MOVES = 20_000
MOST_PUT_BACK, MOST_UNITS = 100, 5_000
"""Units that are tried one by one where they were, and units of a problem up to which that is quick."""


def nearest(problem: Problem, search: Search, plan: Plan, seed: int, deadline: float) -> Plan | None:
    """Return a plan that keeps every rule with few hours in other zones than in the start, or None."""
    whole = whole_zones(problem, plan)
    near = mended(problem, whole, seed=seed, deadline=deadline)
    if near is not None:
        return put_back(problem, plan, near)
    draft = search.draft_of(whole)
    for heat, staying, moves in TRIES:
        found = _chain(
            _staying(search, plan, staying),
            draft,
            moves=max(LEAST_MOVES, moves * len(draft.zone)),
            heat=heat,
            seed=seed % 2**31,
            deadline=deadline,
        )
        if math.isfinite(found.price):
            near = plan_of(search, found)
            if verify(near, problem)["passed"].all():
                return put_back(problem, plan, near)
        if time.monotonic() >= deadline:
            break
    return None


def repaired(search: Search, plan: Plan, *, seed: int) -> Plan | None:
    """Return a good plan near one that breaks rules, or None where one chain finds none."""
    whole = search.draft_of(whole_zones(search.problem, plan))
    moves = int(MENDING_SHARE * moves_of(search))
    draft = search.improve(whole, moves=moves, seed=seed, heat=MENDING_HEAT)
    return plan_of(search, draft) if math.isfinite(draft.price) else None


def _staying(search: Search, plan: Plan, worth: float) -> Search:
    """Return the search in which hours that leave the plan's zones are dear; beside, only travel counts."""
    case, minutes = search.case, search.problem.arcs.minutes
    units, pairs = case.units.copy(), case.pairs.copy()
    units["before"] = plan.zone[search.order]
    pairs["cost"] = 0.0
    travel = float(case.weights[0]) or 1.0
    typical = float(minutes.mean()) if len(minutes) else 1.0
    weights = np.array([travel, worth * travel * max(typical, 1e-6), 0.0, 0.0])
    return replace(search, case=case._replace(units=units, pairs=pairs, weights=weights))


def _chain(search: Search, draft: Draft, *, moves: int, heat: float, seed: int, deadline: float) -> Draft:
    """Return what a chain finds until the deadline."""
    stop, timer = np.zeros(1, dtype=np.int64), None
    if math.isfinite(deadline):
        timer = threading.Timer(max(0.0, deadline - time.monotonic()), lambda: stop.fill(1))
        timer.daemon = True
        timer.start()
    try:
        return search.improve(draft, moves=moves, seed=seed, heat=heat, stop=stop)
    finally:
        if timer is not None:
            timer.cancel()


def put_back(problem: Problem, before: Plan, after: Plan) -> Plan:
    """Return the repaired plan with every unit back in its zone, and every centre, that need not have left.

    Units without hours come first: nothing kept them where they were.
    """
    if len(problem.units) > MOST_UNITS:
        return after
    ids, same = problem.units.ids, same_zones(problem, before, after)
    moved = np.flatnonzero(same[after.zone] != before.zone).tolist()
    home = {int(z): after.zone_ids[k] for k, z in enumerate(same) if z >= 0}
    for i in sorted(moved, key=lambda i: (problem.hours[i], i))[:MOST_PUT_BACK]:
        zone = home.get(int(before.zone[i]))
        back = after if zone is None else after.move(ids[i], zone)
        if len(back.zone_ids) == len(after.zone_ids) and verify(back, problem)["passed"].all():
            after = back
    for z, zone in home.items():
        k, centre = after.zone_ids.index(zone), int(before.centres[z])
        if after.centres[k] != centre and after.zone[centre] == k:
            back = after.recentre(zone, ids[centre])
            after = back if verify(back, problem)["passed"].all() else after
    return after.renamed()


def same_zones(problem: Problem, before: Plan, after: Plan) -> Ints:
    """Return which zone of `before` each zone of `after` (k,) goes on, -1 for none."""
    weight = problem.hours + 1e-9 * max(float(problem.hours.max(initial=0.0)), 1.0)
    same = np.full(len(after.zone_ids), -1, dtype=np.int64)
    for zone, was in measures.matched_zones(weight, after.zone, before.zone):
        if (before.zone[after.zone == zone] == was).any():
            same[zone] = was
    return same
