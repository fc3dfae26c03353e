"""Repair: a plan that keeps every rule, near to one that does not."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from zonedesign import measures
from zonedesign.model import locks_of
from zonedesign.plan import Plan
from zonedesign.solve.mending import mended
from zonedesign.solve.rounds import moves_of, plan_of
from zonedesign.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from zonedesign.problem import Problem
    from zonedesign.solve.improve import Draft, Search

    Ints = NDArray[np.int64]

TRIES = ((0.1, 4.0, 200), (0.3, 1.0, 400), (1.0, 0.25, 800), (4.0, 0.25, 800))
"""Chains that look for a plan near the start, one after the other: first temperature; what an hour costs that
changes zone, as a multiple of what it costs in travel; and moves a unit."""
LEAST_MOVES = 20_000
MENDING_HEAT, MENDING_SHARE = 0.2, 0.5
"""First temperature of the one chain that mends a good plan without regard to what changes, and what share of
a first chain's moves it has."""
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


def whole_zones(problem: Problem, plan: Plan) -> Plan:
    """Return a plan whose zones keep what chains never mend: connection, borders and frozen zones.

    Of a zone in parts the one with most hours stays; another is a zone of its own where the level has room
    for one of its hours, or where nothing else can be, and else its units join the zones beside them.
    """
    locks, levels = locks_of(problem), {level.name: level for level in problem.levels}
    loose = {level.name for level, asked in zip(problem.levels, problem.contiguous, strict=True) if not asked}
    kind = np.zeros(len(plan.zone), dtype=np.int64)  # units of two kinds are never in one zone
    for _, codes in problem.nests:
        kind = pd.factorize(kind * (int(codes.max(initial=0)) + 1) + codes)[0].astype(np.int64)
    held = plan.zone.copy()
    for number, members in enumerate(locks.frozen, start=1):
        kind[members] = -number
        held[members] = np.bincount(held[members]).argmax()
    part = _parts(problem, plan, held, kind, loose)
    hours = np.bincount(part, weights=problem.hours)
    zone = pd.Series(np.array(plan.zone_ids, dtype=object)[held], index=problem.units.ids, dtype=object)
    level = dict(zip(plan.zone_ids, plan.levels, strict=True))
    room = {
        name: (np.inf if each.zone_range[1] is None else each.zone_range[1]) - plan.levels.count(name)
        for name, each in levels.items()
    }
    freed = []
    for k, z in enumerate(plan.zone_ids):
        of_zone = np.unique(part[held == k])
        if not len(of_zone):  # all its units are frozen elsewhere
            continue
        most = max(of_zone, key=lambda each: (hours[each], -each))
        least = (levels[level[z]].weekly_hours or (0.0, None))[0] or np.inf
        for each in (int(other) for other in of_zone if other != most):
            members = np.flatnonzero(part == each)
            if kind[members[0]] < 0 or (hours[each] >= least and room[level[z]] > 0):
                room[level[z]] -= 1
                name = f"{z}, part {each}"
                zone.iloc[members], level[name] = name, level[z]
            else:
                zone.iloc[members] = None
                freed += members.tolist()
    join_beside(problem, zone, np.array(freed, dtype=np.int64), {}, kind)
    for i in freed:
        if zone.iloc[i] is None:  # nothing of its kind is beside it
            name = f"{plan.zone_ids[held[i]]}, part {part[i]}"
            zone.iloc[i], level[name] = name, plan.levels[held[i]]
    whole = Plan.from_labels(problem.units, problem.times, zone, levels=problem.levels, level=level)
    return _no_more(problem, whole, kind)


def _no_more(problem: Problem, plan: Plan, kind: Ints) -> Plan:
    """Return a plan with the smallest zones joined to a neighbour until there are no more than levels allow.

    Chains would join two only where that is cheaper, and what counts ask for has no price there.
    """
    most = [level.zone_range[1] for level in problem.levels]
    graph = problem.units.contiguity
    while None not in most and len(plan.zone_ids) > sum(each or 0 for each in most):
        hours = np.bincount(plan.zone, weights=problem.hours, minlength=len(plan.zone_ids))
        of_kind = np.zeros(len(plan.zone_ids), dtype=np.int64)
        of_kind[plan.zone] = kind
        if graph is None:
            every = np.arange(len(of_kind))
            ends = np.column_stack([np.repeat(every, len(every)), np.tile(every, len(every))])
        else:
            ends = plan.zone[graph.pairs]
        ends = np.concatenate([ends, ends[:, ::-1]])
        fits = (ends[:, 0] != ends[:, 1]) & (of_kind[ends[:, 0]] == of_kind[ends[:, 1]])
        ends = ends[fits & (of_kind[ends[:, 0]] >= 0)]
        if not len(ends):
            break
        giver, taker = min(ends.tolist(), key=lambda pair: (hours[pair[0]], hours[pair[1]], pair))
        plan = plan.merge(plan.zone_ids[taker], plan.zone_ids[giver])
    return plan


def _parts(problem: Problem, plan: Plan, held: Ints, kind: Ints, loose: set[str]) -> Ints:
    """Return the number of every unit's part (n,): one zone, one kind, connected where it must be."""
    n, graph = len(plan.zone), problem.units.contiguity
    label = pd.factorize(held * (int(kind.max()) - int(kind.min()) + 1) + kind - kind.min())[0]
    if graph is None:
        return np.asarray(label, dtype=np.int64)
    apart = ~np.isin(np.array(plan.levels, dtype=object)[held].astype(str), sorted(loose)) & (kind >= 0)
    a, b = graph.pairs.T
    keep = (label[a] == label[b]) & apart[a]
    touching = sparse.coo_array((np.ones(int(keep.sum())), (a[keep], b[keep])), shape=(n, n))
    piece = connected_components(touching.tocsr(), directed=False)[1]
    return np.asarray(pd.factorize(label * (n + 1) + np.where(apart, piece, n))[0], dtype=np.int64)


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


def join_beside(
    problem: Problem, zone: pd.Series[Any], units: Ints, centres: dict[str, int], kind: Ints | None = None
) -> None:
    """Give units that have no zone one, in place: that of the neighbour nearest by minutes, in turn.

    Those that no neighbour with a zone is reached from join the nearest of the `centres`, if there are any.
    Where `kind` (n,) is given, units join their own kind only, and none with a negative one.
    """
    left, table = set(units.tolist()), problem.travel
    beside = _minutes_to_neighbours(problem, left)
    if kind is not None:
        beside = {i: {j: m for j, m in near.items() if kind[j] == kind[i] >= 0} for i, near in beside.items()}
    while left:
        reach = {
            i: min((m, j) for j, m in beside[i].items() if j not in left)
            for i in sorted(left)
            if any(j not in left for j in beside[i])
        }
        if not reach:
            break
        for i, (_, j) in reach.items():
            zone.iloc[i] = zone.iloc[j]
        left -= set(reach)
    known = [(z, j) for z, j in centres.items() if j >= 0]
    for i in sorted(left) if centres else ():
        row = np.array([j for _, j in known], dtype=np.int64)
        there = measures.looked_up(table.indptr, table.indices, table.minutes, row, np.full(len(row), i))
        zone.iloc[i] = known[int(there.argmin())][0] if known else next(iter(centres))


def _minutes_to_neighbours(problem: Problem, units: Iterable[int]) -> dict[int, dict[int, float]]:
    """Return for some units each neighbour and the minutes from it, inf where out of reach."""
    graph, table = problem.units.contiguity, problem.travel
    if graph is None:
        return {i: {} for i in units}
    indptr, near, _ = graph.csr
    found = {}
    for i in units:
        beside = near[indptr[i] : indptr[i + 1]]
        row = beside.astype(np.int64)
        there = measures.looked_up(table.indptr, table.indices, table.minutes, row, np.full(len(row), i))
        found[i] = dict(zip(row.tolist(), there.tolist(), strict=True))
    return found
