"""Cheap zones: where units are few, the best plan is put together from the zones that cost least at prices.

The linear program over all connected zones has a bound far above that of assignments: its prices come from
column generation (Mehrotra, Johnson and Nemhauser 1998), with zones that a search around every centre finds.
A plan that costs so much more than the bound has, but for one, only zones that cost at most half of that more
than their prices: these are written out, ever more of them, and put together.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.certificate import Status, StoppedBy, status_of
from zonedesign.levels import SLACK
from zonedesign.model import Ended
from zonedesign.model.choice import Columns, choose
from zonedesign.model.master import Master
from zonedesign.solve._account import ROUNDING, Limits, Outcome
from zonedesign.solve.bound import Priced, lagrangian
from zonedesign.solve.choosing import cheapest
from zonedesign.solve.written import MOST_UNITS, count_of, ground_of, held, is_plain, plan_of, watching

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from zonedesign.problem import Problem
    from zonedesign.solve._bits import Ground

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

log = logging.getLogger(__name__)

AIM = 1e6
"""The size that the dearest plan is scaled to, so that absolute tolerances mean nothing to it."""
FIRST_STEPS = 20_000
"""Steps of the first searches around a centre; later ones have more, until none leaves a cheap zone out."""
FIRST_ZONES, ZONES_AT_ONCE = 200, 20
"""Zones of each centre in the first linear program, and how many come in at a time."""
NEAR_BOUND = 0.3
"""How far above the bound, as a share of it, the first zones may cost."""
NOTHING = 1e-9
"""What counts as no gain, as a share of what all plans cost at most."""
CLOSE = 1e-4
"""How close, as a share, the proved bound comes to the linear program before it is left at that."""
FIRST_GAP, WIDER = 0.01, 1.6
"""The first gap that zones are written out for, as a share of the bound, and how much wider the next is."""
MOST_UNITS_A_ZONE = 13
"""Units to a zone up to which this is the quicker way: with more of them, zones are too many to search."""
FEW_ZONES = 8
"""Zones of a plan up to which they are put together by trying."""
MOST_STEPS = 100_000_000
"""Steps of all searches for prices, at most; beyond, the integer program is given the time."""
MOST_ZONES = 1_500_000
"""Zones of all centres that are written out at most: some 1.2 GB while they are put together."""
DEARER, ALONE = 100.0, 1e8
"""How much dearer it becomes for a unit to stay alone, and up to what, as a multiple of the dearest plan."""


def choose_cheap_zones(
    problem: Problem,
    possible: Mask,
    *,
    limits: Limits | None = None,
    known: Callable[[], float | None] | None = None,
) -> Outcome | None:
    """Return the best plan from the zones that cost least, or None where a problem does not suit this.

    `possible` is (arcs, levels), from `fixing.possible_arcs`; `known` asks for the objective of the best plan
    that others found: where no plan is below it, that is proved by the bound, without a plan. Plain is a
    problem of one level with bands of hours, reach, counts and connection, and travel alone as objective.
    """
    limits = limits or Limits()
    if not suits(problem):
        return None
    began = time.monotonic()
    until = began + limits.seconds

    def stop() -> bool:
        return time.monotonic() > until or (limits.stop is not None and limits.stop())

    flag = np.zeros(1, dtype=np.int64)
    with watching(stop, flag), ThreadPoolExecutor(limits.threads or 1) as pool:
        try:
            work = _Work.of(problem, possible, limits, pool, flag, until)
            sets, bound = work.solve(known or (lambda: None))
        except BaseException:
            flag[0] = 1  # else the pool would wait for kernels that nobody told to stop
            raise
    seconds = time.monotonic() - began
    if bound > work.ceiling * (1 + ROUNDING):
        return Outcome(Status.INFEASIBLE, seconds=seconds, settled=True)
    told = bound / work.scale if np.isfinite(bound) else None
    stopped_by = None
    if flag[0]:
        stopped_by = StoppedBy.INTERRUPT if limits.stop is not None and limits.stop() else StoppedBy.TIME
    if sets is None:
        return Outcome(Status.UNKNOWN, bound=told, stopped_by=stopped_by, seconds=seconds)
    inside = held(sets, len(problem.units))
    centre, _ = work.centred(sets)
    plan = plan_of(problem, inside.toarray(), centre, np.zeros(len(sets), dtype=np.int64))
    objective = problem.value(problem.terms(plan))
    # Costs are added up here in another order than a plan adds them.
    told = None if told is None else objective if told >= objective * (1 - ROUNDING) else told
    return Outcome(
        status_of(objective, told), plan, objective, told, stopped_by, seconds=seconds, settled=True
    )


def suits(problem: Problem) -> bool:
    """Return whether a problem is plain and its zones few and small enough."""
    n = len(problem.units)
    if n > MOST_UNITS or len(problem.levels) > 1 or not is_plain(problem):
        return False
    return n <= MOST_UNITS_A_ZONE * _counts(problem)[1]


def _counts(problem: Problem) -> tuple[int, int]:
    """Return the fewest and most zones that a plan can have."""
    least, most = count_of(problem.levels[0].zone_range, len(problem.units))
    low = (problem.levels[0].weekly_hours or (None, None))[0] or 0.0
    room = int((float(problem.hours.sum()) + SLACK) / (low - SLACK)) if low > 1 else most
    return least, min(most, room)


def ready() -> None:
    """Have the kernels compiled, on two units."""
    from zonedesign.solve._bits import Ground  # noqa: PLC0415  (numba is slow to import)
    from zonedesign.solve._cheap import centred, cheap_zones  # noqa: PLC0415
    from zonedesign.solve._cover import Cheap, cheapest_cover  # noqa: PLC0415

    ones, few, flag = np.ones(2), np.array([0, 1]), np.zeros(1, dtype=np.int64)
    ground = Ground(np.array([[2, 0], [1, 0]]), ones, np.array([1.0, 1.0]), np.eye(2), np.array([1, 1]))
    sets, _, _ = cheap_zones(ground, 0, ones, 9.0, 9, 9, True, flag)  # noqa: FBT003
    centred(ground.cost, sets)
    cheap = Cheap(sets, np.zeros(1), np.array([0, 1, 1]), few[:1], few, ones, 0.0)
    cheapest_cover(ground, cheap, few, 1.0, flag)


@dataclass(eq=False)
class _Work:
    """The zones of one problem: what they are made of, the linear program over those made, and its prices."""

    ground: Ground
    counts: tuple[int, int]
    scale: float
    ceiling: float
    master: Master
    limits: Limits
    pool: ThreadPoolExecutor
    flag: Ints
    until: float
    start: Floats | None
    near: float
    made: set[tuple[int, int]] = field(default_factory=set)
    bound: float = -np.inf
    steps_left: int = MOST_STEPS

    @classmethod
    def of(
        cls,
        problem: Problem,
        possible: Mask,
        limits: Limits,
        pool: ThreadPoolExecutor,
        flag: Ints,
        until: float,
    ) -> _Work:
        """Return the work on a problem, costs scaled, with first prices."""
        ground, n = ground_of(problem, possible, 0), len(problem.units)
        dearest = np.where(np.isfinite(ground.cost), ground.cost, 0.0).max(axis=0).sum()
        scale = AIM / max(float(dearest), 1e-300)
        first = lagrangian(
            Priced.of(problem, possible), iterations=1500, threads=1, deadline=until, stop=limits.stop
        )
        counts = _counts(problem)
        worth = np.sort(first.worth[:, 0])
        near = worth[min(n, max(1, counts[0])) - 1] + NEAR_BOUND * abs(first.value)
        work = cls(
            ground._replace(cost=ground.cost * scale), counts, scale, AIM, Master(n, counts, AIM),
            limits, pool, flag, until, None if first.infeasible else first.multipliers * scale, near * scale,
        )  # fmt: skip
        work.bound = np.inf if first.infeasible else first.value * scale
        return work

    def solve(self, known: Callable[[], float | None]) -> tuple[Ints | None, float]:
        """Return the sets of the best plan, None where there is none below what is known; and the bound."""
        if self.start is None:
            return None, np.inf
        prices = self._prices()
        if prices is None or self.bound > self.ceiling * (1 + ROUNDING):
            return None, self.bound
        of_units, mean = prices
        base = float(of_units.sum()) + mean * (self.counts[0] if mean > 0 else self.counts[1])
        gap = FIRST_GAP * max(base, NOTHING * self.ceiling)
        while not self.flag[0]:
            best = known()
            best = self.ceiling if best is None else min(best * self.scale, self.ceiling)
            gap = min(gap, best * (1 + ROUNDING) - base + NOTHING * self.ceiling)
            zones = self._zones(of_units, mean + (gap / 2 if self.few else gap))
            if zones is None:
                break
            together = self._put_together if self.few else self._chosen
            found = together(zones, of_units, mean, gap)
            if found is None:
                break
            sets, cost = found
            log.info("cheap zones: %s within %.2f %% of the bound", len(zones), 100 * gap / max(base, 1e-300))
            self._raise(base + cost)
            if len(sets):
                return sets, self.bound
            if base + gap >= best:
                # No plan is cheaper than what is known; or there is none at all.
                return None, max(self.bound, best) if best < self.ceiling else np.inf
            gap *= WIDER
        return None, self.bound

    @property
    def few(self) -> bool:
        """Whether a plan has so few zones that trying them in turn is quicker than an integer program."""
        return self.counts[1] <= FEW_ZONES

    # Prices.

    def _prices(self) -> tuple[Floats, float] | None:
        """Return prices of units, and the least that a zone costs above them; None where time is up."""
        assert self.start is not None  # noqa: S101
        steps, alone = FIRST_STEPS, AIM
        self._take(
            [each[:2] for each in self._around(self.start, self.near, FIRST_STEPS, FIRST_ZONES)], FIRST_ZONES
        )
        while not self.flag[0] and self.steps_left > 0:
            solved = self.master.duals(self.until - time.monotonic(), lambda: bool(self.flag[0]))
            if solved is None:
                return None
            duals, stays_alone = solved
            prices, mean = duals[:-1], float(duals[-1])
            worth = self._around(prices, mean - NOTHING * self.ceiling, steps, 2 * FIRST_ZONES)
            if self.flag[0]:
                return None
            every = all(each[2] <= steps for each in worth)
            new = self._take([each[:2] for each in worth], ZONES_AT_ONCE)
            if every:
                # Zones between this and the mean were not looked for.
                nothing = mean - NOTHING * self.ceiling
                least = np.array([each[1].min(initial=nothing) for each in worth])
                value = float(prices.sum()) + cheapest(least, *self.counts)
                self._raise(value)
                program = float(prices.sum()) + mean * (self.counts[0] if mean > 0 else self.counts[1])
                if not stays_alone and (not new or program - value <= CLOSE * abs(program)):
                    return prices, float(least.min(initial=nothing))
                if self.bound > self.ceiling * (1 + ROUNDING):
                    return None
                if not new:
                    alone *= DEARER
                    if alone > ALONE * AIM:
                        return None
                    self.master.dearer(alone)
            elif new < len(worth):
                steps *= 3 if new else 10
        return None

    def _around(
        self, prices: Floats, most: float, steps: int, keep: int, *, cheapest_only: bool = True
    ) -> list[tuple[Ints, Floats, int]]:
        """Return for every centre the zones found that are worth at most `most`, what they are, and steps."""
        from zonedesign.solve._cheap import cheap_zones  # noqa: PLC0415  (numba is slow to import)

        written = 0

        def around(centre: int) -> tuple[Ints, Floats, int]:
            nonlocal written
            value = self.ground.cost[centre] - prices
            at_most = min(steps, max(0, self.steps_left)) if cheapest_only else steps
            room = keep if cheapest_only else keep - written
            if room < 2:
                return np.empty((0, 2), dtype=np.int64), np.empty(0), steps + 1
            found: tuple[Ints, Floats, int] = cheap_zones(
                self.ground, centre, value, most, at_most, room, cheapest_only, self.flag
            )
            written += len(found[0])
            self.steps_left -= found[2] if cheapest_only else 0
            return found if found[2] <= at_most else (*found[:2], steps + 1)

        centres = np.flatnonzero(np.isfinite(np.diag(self.ground.cost)))
        return list(self.pool.map(around, centres.tolist()))

    def _take(self, worth: list[tuple[Ints, Floats]], most: int) -> int:
        """Take the cheapest zones of every centre into the linear program; return how many are new."""
        sets = []
        for found, values in worth:
            for low, high in found[np.argsort(values, kind="stable")[:most]].tolist():
                if (low, high) not in self.made:
                    self.made.add((low, high))
                    sets.append((low, high))
        if sets:
            new = np.array(sets, dtype=np.int64)
            self.master.add(held(new, len(self.ground.weight)), self.centred(new)[1])
        return len(sets)

    def centred(self, sets: Ints) -> tuple[Ints, Floats]:
        """Return the best centre of every set, and what it costs."""
        from zonedesign.solve._cheap import centred  # noqa: PLC0415

        found: tuple[Ints, Floats] = centred(self.ground.cost, sets)
        return found

    def _raise(self, bound: float) -> None:
        self.bound = max(self.bound, bound)
        if self.limits.heard is not None and self.bound <= self.ceiling:
            self.limits.heard(self.bound / self.scale)

    # Plans.

    def _zones(self, prices: Floats, most: float) -> Ints | None:
        """Return all zones that are worth at most `most`, None where they are too many or time is up."""
        found = self._around(prices, most, 2**62, MOST_ZONES, cheapest_only=False)
        if any(each[2] > 2**62 for each in found):
            return None
        return np.unique(np.concatenate([each[0] for each in found]), axis=0)

    def _put_together(
        self, zones: Ints, prices: Floats, mean: float, gap: float
    ) -> tuple[Ints, float] | None:
        """Return the zones of the cheapest plan within the gap, and what it costs above the bound.

        No zones and the gap where there is no plan; None where time is up.
        """
        from zonedesign.solve._cover import Cheap, cheapest_cover  # noqa: PLC0415

        n = len(prices)
        inside = held(zones, n)
        extra = np.maximum(0.0, self.centred(zones)[1] - inside.T @ prices - mean)
        # Every unit's zones, the cheapest first; units in few zones come first.
        cells = inside.tocoo()
        order = np.lexsort((extra[cells.col], cells.row))
        listed = cells.col[order].astype(np.int64)
        first = np.searchsorted(cells.row[order], np.arange(n + 1))
        rare = np.argsort(np.diff(first), kind="stable")
        cheap = Cheap(zones, extra, first, listed, rare, prices, mean)
        best, sets = gap, zones[:0]
        for number in range(self.counts[0], self.counts[1] + 1):
            # Each zone beyond those that the bound counts costs the mean besides.
            more = (number - (self.counts[0] if mean > 0 else self.counts[1])) * mean
            if more >= best:
                continue
            counts = np.array([number, number], dtype=np.int64)
            # On a thread of the pool, where Ctrl-C does not break into compiled code.
            covering = self.pool.submit(cheapest_cover, self.ground, cheap, counts, best - more, self.flag)
            found, cost, steps = covering.result()
            if steps < 0:
                return None
            if len(found):
                best, sets = cost + more, found
        return sets, best

    def _chosen(self, zones: Ints, prices: Floats, mean: float, gap: float) -> tuple[Ints, float] | None:
        """Return the same of the integer program, which has to be given all zones within the gap."""
        base = float(prices.sum()) + mean * (self.counts[0] if mean > 0 else self.counts[1])
        one = np.zeros(len(zones), dtype=np.int64)
        solved = choose(
            Columns(held(zones, len(prices)), one, self.centred(zones)[1], np.array([self.counts])),
            seconds=self.until - time.monotonic(),
            seed=self.limits.seed,
            stop=lambda: bool(self.flag[0]),
        )
        if solved.ended is Ended.OPTIMAL and solved.values is not None and solved.bound - base <= gap:
            return zones[solved.values > 0.5], solved.bound - base
        return None if solved.ended is Ended.LIMIT else (zones[:0], gap)
