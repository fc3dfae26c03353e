"""Whole: what chains of the search never mend, made right before them: connection, borders, frozen zones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from zonedesign import measures
from zonedesign.model import locks_of
from zonedesign.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]


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


def whole_plan(problem: Problem, zone: Ints, level: Ints) -> Plan:
    """Return the plan of the zones (n,) that units are in, made whole; `level` (k,) is each one's."""
    names = [each.name for each in problem.levels]
    plan = Plan.from_labels(
        problem.units,
        problem.times,
        pd.Series([str(z) for z in zone.tolist()], index=problem.units.ids),
        levels=problem.levels,
        level={str(z): names[int(level[z])] for z in np.unique(zone).tolist()},
    )
    return whole_zones(problem, plan)


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
