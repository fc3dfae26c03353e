"""Written out: where units are few, every possible zone is made, and the plan is a choice among them.

Connection, bands and reach then hold of themselves, so that it settles what rounds of cuts are slow at: few
units with hardly a plan, or none (Maine's 16 counties have one).
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from zonedesign.certificate import Status, StoppedBy, status_of
from zonedesign.levels import SLACK
from zonedesign.model import Ended, locks_of
from zonedesign.model.choice import Columns, choose
from zonedesign.plan import Plan
from zonedesign.solve._account import Limits, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from zonedesign.problem import Problem
    from zonedesign.solve._bits import Ground

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

MOST_UNITS = 124
"""Units up to which zones are written out: a set of them is the bits of two numbers."""
MOST_SETS = 6_000_000
"""Connected sets that are looked at, at most: some three seconds."""
MOST_ZONES = 1_500_000
"""Zones among which a choice is made, at most: some 150 MB."""


def choose_zones(problem: Problem, possible: Mask, *, limits: Limits | None = None) -> Outcome | None:
    """Return the best plan by choosing among all zones there are, or None where they cannot be written out.

    `possible` is (arcs, levels), from `fixing.possible_arcs`. None too where more than bands, reach, counts
    and connection is asked for, or the objective has other terms than travel.
    """
    limits = limits or Limits()
    began, n = time.monotonic(), len(problem.units)
    if n > MOST_UNITS or not is_plain(problem):
        return None
    sets, kinds, centres, costs = [], [], [], []
    steps = MOST_SETS
    for level in range(len(problem.levels)):
        found = _zones_of(problem, possible, level, steps, limits.stop)
        if found is None:
            return None
        steps -= found[3]
        sets.append(found[0])
        centres.append(found[1])
        costs.append(found[2])
        kinds.append(np.full(len(found[0]), level, dtype=np.int64))
    bits, kind = np.concatenate(sets), np.concatenate(kinds)
    centre, cost = np.concatenate(centres), np.concatenate(costs)
    inside = held(bits, n)
    counts = np.array([count_of(level.zone_range, n) for level in problem.levels], dtype=np.int64)
    left = limits.seconds - (time.monotonic() - began)
    solved = choose(Columns(inside, kind, cost, counts), seconds=left, seed=limits.seed, stop=limits.stop)
    seconds = time.monotonic() - began
    if solved.ended is Ended.INFEASIBLE:
        return Outcome(Status.INFEASIBLE, seconds=seconds, settled=True)
    bound = solved.bound if np.isfinite(solved.bound) else None
    stopped = limits.stop is not None and limits.stop()
    stopped_by = StoppedBy.INTERRUPT if stopped else StoppedBy.TIME
    if solved.values is None:
        return Outcome(Status.UNKNOWN, bound=bound, stopped_by=stopped_by, seconds=seconds)
    taken = np.flatnonzero(solved.values > 0.5)
    plan = plan_of(problem, inside[:, taken].toarray(), centre[taken], kind[taken])
    objective = problem.value(problem.terms(plan))
    done = solved.ended is Ended.OPTIMAL
    # The choice adds up costs in another order than a plan does.
    bound = objective if done else None if bound is None else min(bound, objective)
    status = status_of(objective, bound)
    return Outcome(
        status, plan, objective, bound, None if done else stopped_by, seconds=seconds, settled=done
    )


def is_plain(problem: Problem) -> bool:
    """Return whether nothing is asked for but bands of hours, reach, counts and connection."""
    weights, locks, n = problem.objective, locks_of(problem), len(problem.units)
    return (
        all(problem.contiguous)
        and not (weights.change or weights.borders or weights.cut)
        and not (len(locks.apart) or len(locks.centres) or locks.frozen or problem.nests)
        and bool((locks.group == np.arange(n)).all())
        and all(
            level.customers is None
            and level.character is None
            and level.hours_share is None
            and level.max_minutes_between is None
            for level in problem.levels
        )
    )


def count_of(zones: tuple[int, int | None], n: int) -> tuple[int, int]:
    """Return the fewest and most zones of a level on so many units."""
    return zones[0], n if zones[1] is None else min(zones[1], n)


def _zones_of(
    problem: Problem, possible: Mask, level: int, steps: int, stop: Callable[[], bool] | None = None
) -> tuple[Ints, Ints, Floats, int] | None:
    """Return every zone of a level as bits, its centre, what it adds to the objective; and the sets met."""
    from zonedesign.solve._written import zones_within  # noqa: PLC0415  (numba is slow to import)

    ground, arcs = ground_of(problem, possible, level), problem.arcs
    usable = np.zeros(2, dtype=np.int64)
    for unit in np.unique(arcs.units[possible[:, level]]):
        usable |= _bits(int(unit))
    flag = np.zeros(1, dtype=np.int64)
    with watching(stop, flag):
        sets, centres, added, met = zones_within(ground, usable, steps, MOST_ZONES, flag)
    return None if met >= steps else (sets, centres, added, met)


def ground_of(problem: Problem, possible: Mask, level: int) -> Ground:
    """Return what zones of a level are made of; costs are what they add to the objective."""
    from zonedesign.solve._bits import Ground  # noqa: PLC0415

    n, arcs, hours = len(problem.units), problem.arcs, problem.hours
    low, high = problem.levels[level].weekly_hours or (None, None)
    band = np.array([0.0 if low is None else low - SLACK, np.inf if high is None else high + SLACK])
    centre = np.repeat(np.arange(n), np.diff(arcs.indptr))
    total = float(hours.sum())
    cost = np.full((n, n), np.inf)
    usable = possible[:, level]
    share = problem.objective.travel * hours[arcs.units] * arcs.minutes / (total or 1.0)
    cost[centre[usable], arcs.units[usable]] = share[usable]
    cost[~np.isfinite(np.diag(cost))] = np.inf
    graph = problem.units.contiguity
    assert graph is not None  # noqa: S101  (the problem was checked when made)
    near = np.zeros((n, 2), dtype=np.int64)
    for a, b in graph.pairs:
        near[a] |= _bits(int(b))
        near[b] |= _bits(int(a))
    rest = np.array([-1, -1], dtype=np.int64)
    if len(problem.levels) == 1:
        few, many = count_of(problem.levels[0].zone_range, n)
        rest[:] = max(0, few - 1), max(0, many - 1)
    return Ground(near, hours, band, cost, rest)


@contextmanager
def watching(stop: Callable[[], bool] | None, flag: Ints) -> Iterator[None]:
    """Ask now and then whether to stop, and raise the flag then."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.2):
            if stop is not None and stop():
                flag[0] = 1

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _bits(unit: int) -> Ints:
    """Return the bit of a unit in two numbers."""
    from zonedesign.solve._bits import WORD  # noqa: PLC0415

    return np.array([1 << unit, 0] if unit < WORD else [0, 1 << (unit - WORD)], dtype=np.int64)


def held(sets: Ints, n: int) -> sparse.csc_array:
    """Return which unit is in which set (n, sets)."""
    from zonedesign.solve._bits import WORD  # noqa: PLC0415

    rows, columns = [], []
    for unit in range(n):
        inside = np.flatnonzero((sets[:, unit // WORD] >> (unit % WORD)) & 1).astype(np.int32)
        columns.append(inside)
        rows.append(np.full(len(inside), unit, dtype=np.int32))
    cells = np.concatenate(rows), np.concatenate(columns)
    found = sparse.coo_array((np.ones(len(cells[0])), cells), shape=(n, len(sets)))
    return sparse.csc_array(found)


def plan_of(problem: Problem, inside: Ints, centre: Ints, kind: Ints) -> Plan:
    """Return zones as a plan; `inside` (units, zones) says which unit is in which."""
    zone = inside.argmax(axis=1)
    names = {int(c): problem.levels[int(k)].name for c, k in zip(centre, kind, strict=True)}
    return Plan.of(problem.units, problem.times, centre[zone], names)
