"""A proven lower bound where change counts: the Lagrangian with zones told apart by where they come from.

The bound of `bound` drops what change costs, for that depends on a whole plan: on which old zone each new
one is matched with. Here a zone is priced by centre, level and the old zone it is matched with. Dropped is
only that two zones may not be matched with the same old one: then no more hours count as moved than move,
and the bound stays valid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.solve.bound import Priced, lagrangian
from zonedesign.solve.tolls import Prices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

MOST_ARCS = 6_000_000
"""Arcs of all rows, about, up to which a centre's zone is matched with every old zone in reach one by one.
Beyond, only with those that have most hours there, and with all others at once: that keeps the hours of all
of them, so it is no dearer than any."""


@dataclass(frozen=True, eq=False)
class Moving:
    """A problem priced for travel and change together.

    Rows are pairs of a centre and an origin. They stand behind the n units, as if they were units without
    hours: `_pricing` gives every row a unit of its own, and the centre itself is one unit of the row among
    others, which it may even lack. That too only lowers the bound.
    """

    priced: Priced
    travel: Floats
    moves: Floats
    plain: Priced

    @classmethod
    def of(cls, problem: Problem, possible: Bools) -> Moving:
        """Return the rows of a problem with a baseline; `possible` is (arcs, levels), of `possible_arcs`."""
        base = Priced.of(problem.with_(objective=replace(problem.objective, travel=1.0)), possible)
        assert problem.baseline_zones is not None  # noqa: S101  (who asks for a bound of change has one)
        origin, n = problem.baseline_zones[0], len(problem.units)
        share = problem.hours / (float(problem.hours.sum()) or 1.0)
        units, costs, moves, allowed, sizes = [], [], [], [], [0] * n
        most = max(2, MOST_ARCS // max(len(base.units), 1))
        for centre in np.flatnonzero(base.standing):
            span = slice(base.indptr[centre], base.indptr[centre + 1])
            members, cost = base.units[span], base.cost[span]
            own = np.flatnonzero(members == centre)[:1]
            for kept in _origins(origin[members], share[members], most):
                # The row's own unit comes first; then the centre's arcs, those of units without hours too.
                units.append(np.append(len(sizes), members))
                costs.append(np.append(0.0, cost))
                moves.append(np.append(0.0, np.where(kept, 0.0, share[members])))
                allowed.append(np.concatenate([base.allowed[span][own], base.allowed[span]]))
                sizes.append(len(members) + 1)
        priced = replace(
            base,
            arcs=np.zeros(sum(sizes), dtype=np.int64),
            indptr=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            units=np.concatenate([*units, np.zeros(0)]).astype(np.int32),
            cost=np.concatenate([*costs, np.zeros(0)]),
            allowed=np.concatenate([*allowed, np.zeros((0, len(problem.levels)), dtype=np.bool_)]),
            demand=np.append(base.demand, np.zeros(len(sizes) - n)),
            hours=np.append(base.hours, np.zeros(len(sizes) - n)),
            small=(),
        )
        return cls(priced, priced.cost, np.concatenate([*moves, np.zeros(0)]), base)

    def first_prices(self, travel: float, target: float | None, deadline: float) -> Prices:
        """Return prices to begin from, those of the bound that knows nothing of change, which is quick."""
        plain = replace(self.plain, cost=travel * self.plain.cost)
        found = lagrangian(plain, target=target, iterations=600, deadline=deadline, threads=1)
        prices = np.zeros(len(self.priced.hours))
        prices[: len(plain.hours)] = found.multipliers
        return Prices(prices, found.toll)

    def bound(
        self,
        travel: float,
        change: float,
        *,
        target: float | None = None,
        start: Prices | None = None,
        iterations: int = 300,
        deadline: float = math.inf,
        threads: int | None = 1,
    ) -> tuple[float, Prices]:
        """Return what `travel * mean minutes + change * moved` is at least in any plan, and its prices.

        inf where there is no plan. `target` is the best known value, `start` are prices to begin from.
        """
        priced = replace(self.priced, cost=travel * self.travel + change * self.moves)
        found = lagrangian(
            priced, target=target, start=start, iterations=iterations, deadline=deadline, threads=threads
        )
        if found.infeasible:
            return math.inf, found.prices
        # Nothing that is summed is negative, so a plan costs nothing at least.
        return max(0.0, found.value), found.prices


def _origins(origin: Ints, share: Floats, most: int) -> list[Bools]:
    """Return, for each origin that a zone may be matched with, which of its members (m,) would stay."""
    hours = np.bincount(origin, weights=share)
    codes = np.flatnonzero(hours > 0)
    codes = codes[np.argsort(-hours[codes], kind="stable")]
    kept = [origin == code for code in codes[:most]]
    if len(codes) > most:
        kept.append(np.isin(origin, codes[most:]))
    return kept or [np.ones(len(origin), dtype=np.bool_)]


def least_unmoved(problem: Problem, possible: Bools) -> float:
    """Return what mean minutes are at least where no hour changes zone; inf: there is no such plan.

    Where nothing moves under a one-to-one matching, every old zone with hours has its hours in one new zone,
    and that has no other hours. So each is served from one centre, at a level whose band of hours holds them:
    the cheapest centre by itself is a bound of every plan.
    """
    assert problem.baseline_zones is not None  # noqa: S101
    arcs, hours, n = problem.arcs, problem.hours, len(problem.units)
    origin, total = problem.baseline_zones[0], float(problem.hours.sum())
    if total <= 0:
        return 0.0
    centre = np.repeat(np.arange(n), np.diff(arcs.indptr))
    busy = hours[arcs.units] > 0
    zones = int(origin.max()) + 1
    needed = np.bincount(origin[hours > 0], minlength=zones)
    held = np.bincount(origin, weights=hours, minlength=zones)
    least = np.where(needed > 0, np.inf, 0.0)
    for k, level in enumerate(problem.levels):
        used = busy & possible[:, k]
        cell = centre[used] * zones + origin[arcs.units[used]]
        count = np.bincount(cell, minlength=n * zones).reshape(n, zones)
        way = hours[arcs.units[used]] * arcs.minutes[used] / total
        cost = np.bincount(cell, weights=way, minlength=n * zones).reshape(n, zones)
        low, high = level.weekly_hours or (None, None)
        slack = 1e-6 + 1e-9 * held
        fits = (held >= (low or 0.0) - slack) & (held <= (math.inf if high is None else high) + slack)
        best = np.where((count == needed) & fits, cost, np.inf).min(axis=0)
        least = np.where(needed > 0, np.minimum(least, best), least)
    return float(least.sum())


def least_by_bands(problem: Problem) -> float:
    """Return the share of hours that moves at least in any plan, by bands of hours and zone counts alone.

    Let an old zone B of h hours go on as the new zone Z. What leaves B moves, and so does what joins Z; of
    all old zones together neither is more than all that moves. With a band of [low, high] for Z, low - h must
    join or h - high must leave. A zone that does not go on loses all its hours, a new zone gains all of its
    own. The least of the larger sum, over all ways in which zones can go on at the levels' numbers of zones,
    is a linear program once ways may be mixed. inf: no numbers of zones fit.
    """
    from scipy.optimize import linprog  # noqa: PLC0415

    assert problem.baseline_zones is not None  # noqa: S101
    origin, names = problem.baseline_zones
    total, old, levels = float(problem.hours.sum()), len(names), problem.levels
    if total <= 0:
        return 0.0
    held = np.bincount(origin, weights=problem.hours, minlength=old)
    ends = [level.weekly_hours or (None, None) for level in levels]
    low = np.array([0.0 if end[0] is None else max(0.0, end[0] - 1e-6) for end in ends])
    high = np.array([math.inf if end[1] is None else end[1] + 1e-6 for end in ends])
    # Columns: every old zone at every level, then ended; new zones of every level; all that moves, last.
    ways = len(levels) + 1
    joins = np.zeros((old, ways))
    leaves = np.zeros((old, ways))
    joins[:, :-1] = np.maximum(0.0, low - held[:, None])
    leaves[:, :-1] = np.maximum(0.0, held[:, None] - high)
    leaves[:, -1] = held
    moving = np.array([
        np.concatenate([joins.ravel(), low, [-1.0]]),
        np.concatenate([leaves.ravel(), np.zeros(len(levels)), [-1.0]]),
    ])  # fmt: skip
    once = np.zeros((old, moving.shape[1]))
    for zone in range(old):
        once[zone, zone * ways : (zone + 1) * ways] = 1.0
    rows, most = [*moving], [0.0, 0.0]
    for k, level in enumerate(levels):
        count = np.zeros(moving.shape[1])
        count[k : old * ways : ways] = 1.0
        count[old * ways + k] = 1.0
        least, many = level.zone_range
        rows.append(-count)
        most.append(-float(least))
        if many is not None:
            rows.append(count)
            most.append(float(many))
    goal = np.zeros(moving.shape[1])
    goal[-1] = 1.0
    answer = linprog(goal, A_ub=np.array(rows), b_ub=most, A_eq=once, b_eq=np.ones(old), method="highs")
    if answer.status == 2:  # proved: no such numbers
        return math.inf
    return max(0.0, float(answer.fun) / total * (1 - 1e-9)) if answer.status == 0 else 0.0
