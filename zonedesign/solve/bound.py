"""A proven lower bound of the whole problem: the Lagrangian of the assignment model.

Every unit must be in one zone; that rule is priced (one multiplier a unit) and the rest falls apart into one
fractional knapsack for every centre and level, and a choice of centres under the zone counts (Hess 1965
model; Held, Wolfe and Crowder 1974 for the subgradient; the relaxation of capacitated p-median problems by
Christofides and Beasley 1982). The levels' shares of all hours are priced too (`tolls`). Contiguity,
customers, and every other rule are relaxed, but for levels whose zones are so small that all of them are
written out (`smallzones`), and non-negative terms of the objective are dropped: the bound stays valid, only
weaker.
"""

from __future__ import annotations

import math
import os
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.solve._steps import Steps
from zonedesign.solve.choosing import Cells, cheapest, choose_centres
from zonedesign.solve.smallzones import small_zones
from zonedesign.solve.tolls import Prices, Shares, Tolls

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from numpy.typing import NDArray

    from zonedesign.levels import Band
    from zonedesign.problem import Problem
    from zonedesign.solve._pricing import Rows
    from zonedesign.solve.smallzones import SmallZones

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

NEARLY = 0.005
"""How far below the best value, as a share, prices still choose centres worth trying."""
PATIENCE, HOPING = 30, 15
"""Steps without a better bound after which they shorten, with a plan to aim at and without."""
ROUNDING = 1e-13
"""What adding up may lose, as a share of what is added up."""
BEYOND = 1e-6
"""How far above what any plan costs a bound proves that there is none, as a share of what is added up."""
WORTH_A_THREAD = 100_000
"""Arcs below which a second thread costs more than it brings."""


@dataclass(frozen=True, eq=False)
class Bound:
    """A lower bound of the objective and what comes with it.

    `value` is proved; `multipliers` (n,) are the prices of the units that prove it, `toll` (levels,) what an
    hour costs besides at each level (none: empty); `worth` (n, levels) is the least that a zone with that
    centre and level adds to it (inf where impossible); `centres` and `levels` are the zones chosen at these
    prices, `others` some chosen at prices nearly as good. `infeasible` is true where no choice of centres is
    possible or the value is beyond what any plan costs, `converged` where more steps would not raise the
    value.
    """

    value: float
    multipliers: Floats
    worth: Floats
    centres: Ints
    levels: Ints
    infeasible: bool = False
    converged: bool = False
    others: tuple[tuple[Ints, Ints], ...] = ()
    toll: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def prices(self) -> Prices:
        """What other steps begin from."""
        return Prices(self.multipliers, self.toll)


@dataclass(frozen=True, eq=False)
class Priced:
    """The problem as the bound sees it: possible arcs as rows by centre, and what they cost.

    `arcs` are their places in `problem.arcs`, `least` and `most` zone counts, `small` all zones of the levels
    that have few (None: others), `shares` the hours that each level may have (none stated: None), `hours`
    (n,) those of the units; the rest is as in `_pricing.Rows`.
    """

    arcs: Ints
    indptr: Ints
    units: NDArray[np.int32]
    cost: Floats
    allowed: NDArray[np.bool_]
    demand: Floats
    low: Floats
    high: Floats
    least: Ints
    most: Ints
    hours: Floats
    small: tuple[SmallZones | None, ...] = ()
    shares: Shares | None = None

    @classmethod
    def of(cls, problem: Problem, possible: Bools) -> Priced:
        """Return the arrays of a problem; `possible` is (arcs, levels), from `fixing.possible_arcs`."""
        arcs, hours, n = problem.arcs, problem.hours, len(problem.units)
        demand, bands, by_hours = _banded(problem)
        total = float(demand.sum())
        rows = np.repeat(np.arange(n), np.diff(arcs.indptr))
        # A unit without demand fills no band: leaving it out relaxes its rules, and that is allowed.
        keep = possible.any(axis=1) & ((demand[arcs.units] > 0) | (arcs.units == rows))
        indptr = np.zeros(n + 1, dtype=np.int64)
        np.cumsum(np.bincount(rows[keep], minlength=n), out=indptr[1:])
        units = arcs.units[keep]
        cost = problem.objective.travel * hours[units] * arcs.minutes[keep] / (float(hours.sum()) or 1.0)
        low, high, least, most = [], [], [], []
        shares = Shares.of(problem) if by_hours else None
        for k, level in enumerate(problem.levels):
            lo, hi = bands[k] or (None, None)
            low.append(0.0 if lo is None else max(0.0, lo - 1e-6))
            high.append(math.inf if hi is None else hi + 1e-6)
            few, many = level.zone_range
            has, may = (0.0, total) if shares is None else (shares.low[k], min(total, shares.high[k]))
            room = n if low[-1] <= 0 else min(n, int((may + 1e-6) / low[-1]))
            # More zones than units say that there is no plan; how many more does not matter.
            least.append(max(few, min(n + 1, math.ceil((has - 1e-6) / high[-1]))))
            most.append(room if many is None else min(many, room))
        stated = cls(
            np.flatnonzero(keep), indptr, units.astype(np.int32), cost, possible[keep], demand,
            np.array(low), np.array(high), np.array(least), np.array(most), hours, shares=shares,
        )  # fmt: skip
        small = (small_zones(problem, stated, level) for level in range(len(problem.levels)))
        return replace(stated, small=tuple(small))

    @property
    def standing(self) -> Bools:
        """Which centres (n,) have an arc to themselves."""
        return _own_arcs(self) >= 0

    def rows(self) -> Rows:
        """Return the same as kernels see it."""
        from zonedesign.solve._pricing import Rows  # noqa: PLC0415  (numba is slow to import)

        return Rows(
            self.indptr,
            self.units,
            self.cost,
            self.allowed,
            _own_arcs(self),
            self.demand,
            self.low,
            self.high,
            bar=np.zeros(len(self.demand)),
            toll=np.zeros(len(self.low)),
        )

    def only(self, kept: Bools) -> Priced:
        """Return the same with some of its arcs (arcs,), and none of a centre that loses its own."""
        n = len(self.demand)
        rows = np.repeat(np.arange(n), np.diff(self.indptr))
        stands = np.zeros(n, dtype=np.bool_)
        stands[rows[kept & (rows == self.units)]] = True
        kept = kept & stands[rows]
        indptr = np.zeros(n + 1, dtype=np.int64)
        np.cumsum(np.bincount(rows[kept], minlength=n), out=indptr[1:])
        return replace(
            self, arcs=self.arcs[kept], indptr=indptr, units=self.units[kept], cost=self.cost[kept],
            allowed=self.allowed[kept],
        )  # fmt: skip


def lagrangian(  # noqa: PLR0913
    priced: Priced,
    *,
    target: float | Callable[[], float | None] | None = None,
    start: Prices | None = None,
    iterations: int = 400,
    stop: Callable[[], bool] | None = None,
    deadline: float = math.inf,
    gap: float = 0.0,
    threads: int | None = None,
    heard: Callable[[float], None] | None = None,
    cells: Cells | None = None,
    patience: int = PATIENCE,
) -> Bound:
    """Return the best bound found by subgradient steps, from `start` where given.

    `target` is the objective of the best known plan, or asks for it, which sets the steps and ends the work
    within `gap`; `deadline` is on `time.monotonic`; `heard` is told the bound now and then. With `cells`, the
    bound is that of plans of one level with so many centres in each.
    """
    n, count, demand = len(priced.demand), len(priced.low), priced.demand > 0
    steps = Steps(priced, start)
    nothing, none = np.full((n, count), np.inf), np.zeros(0, dtype=np.int64)
    best = Bound(-math.inf, steps.prices, nothing, none, none, toll=steps.tolls.toll)
    if (priced.least > priced.most).any() or priced.least.sum() > n:
        return replace(best, value=math.inf, infeasible=True)
    ceiling = _dearest(priced)
    trail: deque[tuple[Ints, Ints]] = deque(maxlen=60)
    with _Pricing(priced, threads) as pricing:
        for step in range(iterations):
            prices, tolls = steps.prices, steps.tolls
            worth = pricing.worth(prices, tolls.toll)
            chosen = cells.choose(worth) if cells else choose_centres(worth, priced.least, priced.most)
            if chosen is None:
                return replace(best, value=math.inf, worth=worth, infeasible=True)
            centres, levels, total = chosen
            size = float(np.abs(prices[demand]).sum()) + tolls.size
            # Sums of large prices of either sign lose their last digits: what is told stays below them.
            value = float(prices[demand].sum()) - tolls.income + total - ROUNDING * size
            here = Bound(value, prices.copy(), worth, centres, levels, toll=tolls.toll)
            if value > ceiling + BEYOND * (ceiling + size):
                return replace(here, value=math.inf, infeasible=True)
            steps.look(value, best.value)
            known = target() if callable(target) else target
            if step % 5 == 0 and value > best.value - NEARLY * abs(best.value):
                trail.append((centres, levels))
            best = here if value > best.value else best
            goal = known if known is not None else best.value + steps.hope
            if heard is not None and step % 8 == 0:
                heard(best.value)
            out_of_time = time.monotonic() > deadline or (stop is not None and step % 8 == 0 and stop())
            if out_of_time or goal - best.value <= max(gap, 1e-9) * abs(goal):
                break
            if steps.stale >= (HOPING if known is None else patience):
                goes_on = steps.shorter(best, hoping=known is None)
            else:
                slope = np.where(demand, 1.0 - pricing.cover(prices, centres, levels), 0.0)
                if priced.shares is not None:
                    tolls.look(pricing.held(prices, centres, levels))
                goes_on = steps.take(slope, goal - value)
            if not goes_on:
                return replace(best, converged=True, others=tuple(trail))
    return replace(best, others=tuple(trail))


class _Pricing:
    """Prices centres at given multipliers, on threads where that pays; remembers which arcs were wanted."""

    def __init__(self, priced: Priced, threads: int | None) -> None:
        from zonedesign.solve import _pricing  # noqa: PLC0415  (numba is slow to import)

        workers = threads or os.cpu_count() or 1
        self.kernels = _pricing
        self.priced = priced
        self.rows = priced.rows()
        self.sets: dict[int, Ints] = {}
        n, arcs = len(priced.demand), len(priced.units)
        pieces = max(1, min(workers, arcs // WORTH_A_THREAD + 1))
        # Rows of equal numbers of arcs, not of centres: the towns' rows are the long ones.
        edges = np.searchsorted(priced.indptr, np.linspace(0, arcs, pieces + 1)[1:-1])
        self.spans = list(zip([0, *edges.tolist()], [*edges.tolist(), n], strict=True))
        self.pool = ThreadPoolExecutor(max_workers=pieces) if pieces > 1 else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.pool is not None:
            self.pool.shutdown()

    def worth(self, prices: Floats, toll: Floats) -> Floats:
        """Return (n, levels): the least that a zone of this centre and level adds, inf where it cannot be.

        The `toll` holds until another is given.
        """
        self.rows.toll[:] = toll
        found = np.full((len(self.priced.demand), len(self.priced.low)), np.inf)

        def fill(span: tuple[int, int]) -> None:
            self.kernels.worth_of_centres(self.rows, prices, *span, found)

        for _ in self.pool.map(fill, self.spans) if self.pool else map(fill, self.spans):
            pass
        for level, zones in self.small:
            found[:, level], self.sets[level] = zones.worth(self._at(level, prices))
        return found

    @property
    def small(self) -> list[tuple[int, SmallZones]]:
        """The levels whose zones are all written out, with these."""
        return [(level, zones) for level, zones in enumerate(self.priced.small) if zones is not None]

    def _at(self, level: int, prices: Floats) -> Floats:
        """Return what units with demand are worth to a level, its toll paid; others' rule is not priced."""
        demand = self.priced.demand
        return np.where(demand > 0, prices - self.rows.toll[level] * demand, 0.0)

    def cover(self, prices: Floats, centres: Ints, levels: Ints) -> Floats:
        """Return (n,): how often the zones that `worth` last found hold each unit, in fractions."""
        whole = np.isin(levels, [level for level, _ in self.small])
        cover = self.kernels.cover_of(self.rows, prices, centres[~whole], levels[~whole])
        for level, zones in self.small:
            for centre in centres[levels == level]:
                cover[zones.units_of(int(self.sets[level][centre]))] += 1.0
        return cover

    def held(self, prices: Floats, centres: Ints, levels: Ints) -> Floats:
        """Return (levels,): the hours that these zones hold at each level."""
        found = np.zeros(len(self.priced.low))
        for level in range(len(found)):
            mine = levels == level
            found[level] = self.cover(prices, centres[mine], levels[mine]) @ self.priced.demand
        return found

    def closed(self, prices: Floats, with_centre: Floats, target: float) -> Bools:
        """Return (arcs, levels): what no plan below `target` uses."""
        found = np.zeros((len(self.priced.units), len(self.priced.low)), dtype=np.bool_)
        self.kernels.closed_arcs(self.rows, prices, with_centre, target, found)
        for level, zones in self.small:
            own, _ = zones.worth(self._at(level, prices))
            known = np.isfinite(own) & np.isfinite(with_centre[:, level])
            room = np.full(len(own), -np.inf)
            room[known] = target - (with_centre[known, level] - own[known]) + 1e-9 * abs(target)
            found[:, level] = ~zones.open_arcs(self._at(level, prices), room, self.priced)
        return found


def _banded(problem: Problem) -> tuple[Floats, list[Band | None], bool]:
    """Return the demand (n,) that bands are of, every level's band, and whether they are of hours.

    Where any level has a band of hours, bands of customers are left out: two would not be a knapsack.
    """
    levels, customers = problem.levels, problem.customers
    of_hours = any(level.weekly_hours is not None for level in levels)
    if of_hours or customers is None or all(level.customers is None for level in levels):
        return problem.hours, [level.weekly_hours for level in levels], True
    demand = customers.copy()
    demand.setflags(write=False)  # as hours are, which numba takes for another kind
    return demand, [level.customers for level in levels], False


def _own_arcs(priced: Priced) -> Ints:
    """Return the place (n,) of the arc from every centre to itself, -1 where there is none."""
    n = len(priced.demand)
    rows = np.repeat(np.arange(n), np.diff(priced.indptr))
    found = np.full(n, -1, dtype=np.int64)
    itself = np.flatnonzero(priced.units == rows)
    found[rows[itself]] = itself
    return found


def _dearest(priced: Priced) -> float:
    """Return what all units cost at most, each from the farthest centre that may serve it."""
    most = np.zeros(len(priced.demand))
    np.maximum.at(most, priced.units, priced.cost)
    return float(most.sum())


def closed_by(priced: Priced, bound: Bound, target: float, arcs: int, cells: Cells | None = None) -> Bools:
    """Return which of all `arcs` (arcs, levels) no plan better than `target` uses, by reduced costs.

    A plan with a zone at centre j and level l costs at least the multipliers, the other levels at their
    cheapest, and this zone with one zone less of its level (Lagrangian fixing, as Validi, Buchanan and
    Lykhovyd 2022 use it).
    """
    worth, count = bound.worth, len(priced.low)
    prices = bound.multipliers[priced.demand > 0]
    tolls = Tolls(priced.shares, priced.demand, count, bound.toll)
    size = float(np.abs(prices).sum()) + tolls.size
    base = float(prices.sum()) - tolls.income - ROUNDING * size
    with_centre = np.full_like(worth, np.inf)
    if cells is not None:
        with_centre[:, 0] = base + cells.with_centre(worth)
    else:
        alone = [cheapest(worth[:, k], int(priced.least[k]), int(priced.most[k])) for k in range(count)]
        fewer = [
            cheapest(worth[:, k], max(0, int(priced.least[k]) - 1), max(0, int(priced.most[k]) - 1))
            for k in range(count)
        ]
        for k in range(count):
            with_centre[:, k] = base + sum(alone[m] for m in range(count) if m != k) + fewer[k] + worth[:, k]
    closed = np.zeros((arcs, count), dtype=np.bool_)
    with _Pricing(priced, 1) as pricing:
        pricing.worth(bound.multipliers, tolls.toll)
        closed[priced.arcs] = pricing.closed(bound.multipliers, with_centre, target)
    return closed
