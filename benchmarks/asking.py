"""What a peer of solving is asked, and its labels judged roughly, to choose among its own.

Labels (n,) number every unit's zone, with nothing said of levels and centres.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import zonedesign as zd

    Ints = np.ndarray[Any, np.dtype[np.int64]]
    Floats = np.ndarray[Any, np.dtype[np.float64]]
    Judged = tuple[int, float]

SLACK = 1e-6
DENSE = 6_000
"""Units up to which minutes are kept as one table."""


@dataclass(frozen=True, eq=False)
class Asked:
    """What a peer is asked: the problem (with minutes beyond its limits), places (n, 2) or None, zones, time.

    `keep` takes labels that are better than those before; `threads` is what it may use. A peer of one core is
    timed by the processor's work for it, so that what else the machine does costs it nothing.
    """

    problem: zd.Problem
    places: Floats | None
    zones: int
    seconds: float
    threads: int
    keep: Callable[[Ints], None]
    clock: Callable[[], float]
    began: float

    @property
    def spent(self) -> float:
        """Seconds since it began."""
        return self.clock() - self.began

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.seconds - self.spent

    @cached_property
    def pairs(self) -> Ints:
        """Units that touch (m, 2)."""
        graph = self.problem.units.contiguity
        return np.zeros((0, 2), dtype=np.int64) if graph is None else graph.pairs

    @cached_property
    def rules(self) -> Rules:
        """The problem's rules, to score labels by."""
        return Rules(self.problem)


def most_zones(problem: zd.Problem) -> int:
    """Return how many zones counts and hours allow: more zones mean fewer minutes, so peers get as many.

    Every level has the least of its share of all hours and of its count, and what is left goes where zones
    are smallest. A level without floor and count has its least count, or one zone.
    """
    total, most = float(problem.hours.sum()), 0
    levels = sorted(problem.levels, key=_floor)
    least = [_least_hours(level, total) for level in levels]
    left = total - sum(least)
    for level, own in zip(levels, least, strict=True):
        few, many = level.zone_range
        floor, high = _floor(level), (level.hours_share or (None, None))[1]
        if floor <= 0:
            most += max(few, 1) if many is None else many
            continue
        room = math.inf if many is None else many * floor
        hours = max(own, min(total * (1.0 if high is None else high), room, own + left))
        left -= hours - own
        fits = int((hours + 1e-6) // floor)
        most += max(few, fits if many is None else min(many, fits))
    return min(most, len(problem.units))


def _least_hours(level: zd.Level, total: float) -> float:
    """Return the least hours that a level takes by its share and its count."""
    low = (level.hours_share or (None, None))[0] or 0.0
    return max(total * low, level.zone_range[0] * _floor(level))


def _floor(level: zd.Level) -> float:
    """Return the least hours of a level's zone, 0 where nothing says."""
    return (level.weekly_hours or (None,))[0] or 0.0


class Rules:
    """Labels judged quickly by rough arithmetic, to choose among a peer's own; `verify` has the last word."""

    def __init__(self, problem: zd.Problem) -> None:
        from zonedesign.levels import distance_from

        self.problem, self.beyond = problem, distance_from
        times, n = problem.travel, len(problem.units)
        rows = np.repeat(np.arange(n), np.diff(times.indptr))
        self.far = 2.0 * float(times.minutes.max(initial=1.0))
        self.dense: Floats | None = None
        if n <= DENSE:
            self.dense = np.full((n, n), np.inf)
            self.dense[rows, times.indices] = times.minutes
        self.customers = np.zeros(n) if problem.customers is None else problem.customers

    def minutes(self, members: Ints) -> Floats:
        """Return minutes between units (m, m), inf where not known."""
        if self.dense is not None:
            return self.dense[np.ix_(members, members)]
        table, times = self.problem.travel, np.full((len(members), len(members)), np.inf)
        place = np.full(len(self.problem.units), -1)
        place[members] = np.arange(len(members))
        for row, unit in enumerate(members):
            span = slice(table.indptr[unit], table.indptr[unit + 1])
            at = place[table.indices[span]]
            times[row, at[at >= 0]] = table.minutes[span][at >= 0]
        return times

    def level(self, members: Ints) -> tuple[int, int]:
        """Return the first level whose bands hold, else the nearest, and 1 if out of band, else 0."""
        hours = float(self.problem.hours[members].sum())
        people = float(self.customers[members].sum())
        away = [
            (self.beyond(hours, level.weekly_hours), self.beyond(people, level.customers))
            for level in self.problem.levels
        ]
        nearest = min(range(len(away)), key=away.__getitem__)
        return nearest, int(max(away[nearest]) > SLACK)

    def zone(self, members: Ints) -> tuple[float, int, int]:
        """Return a zone's hours x minutes from its best centre, the checks that it breaks, and its level."""
        level, out_of_band = self.level(members)
        limit = self.problem.levels[level].max_minutes or math.inf
        minutes = self.minutes(members)
        reach = np.maximum(minutes, minutes.T)
        beyond = (~np.isfinite(reach) | (reach > limit + SLACK)).sum(axis=1)
        cost = np.minimum(minutes, self.far) @ self.problem.hours[members]
        best = np.lexsort((cost, beyond))[0]
        return float(cost[best]), int(beyond[best]) + out_of_band, level

    def sum_up(self, zones: Iterable[tuple[float, int, int]]) -> Judged:
        """Return how many checks zones break together, connection aside, and their mean minutes."""
        costs, each, levels = zip(*zones, strict=True)
        broken = sum(each)
        for k, level in enumerate(self.problem.levels):
            low, high = level.zone_range
            count = levels.count(k)
            broken += max(0, low - count, 0 if high is None else count - high)
        return broken, sum(costs) / float(self.problem.hours.sum())

    def judge(self, labels: Ints, pairs: Ints) -> Judged:
        """Return how many checks labels break, zones in pieces among them, and their mean minutes."""
        order = np.argsort(labels, kind="stable")
        groups = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
        broken, minutes = self.sum_up(self.zone(members) for members in groups)
        if any(self.problem.contiguous):
            inside = pairs[labels[pairs[:, 0]] == labels[pairs[:, 1]]]
            links = np.ones(len(inside)), (inside[:, 0], inside[:, 1])
            table = sparse.coo_array(links, shape=(len(labels),) * 2)
            broken += csgraph.connected_components(table, directed=False)[0] - len(groups)
        return broken, minutes


def best_of(asked: Asked, found: Iterable[Sequence[int] | Ints]) -> int:
    """Keep the best of several labels (fewest checks broken, then fewest minutes); return how many came.

    It ends with them, with the time, or where the watch interrupts the peer.
    """
    best, number = (math.inf, math.inf), 0
    with contextlib.suppress(KeyboardInterrupt):
        for each in found:
            labels = np.unique(np.asarray(each), return_inverse=True)[1].astype(np.int64)
            judged = asked.rules.judge(labels, asked.pairs)
            number += 1
            if judged < best:
                best = judged
                asked.keep(labels)
            if asked.left <= 0:
                break
    return number
