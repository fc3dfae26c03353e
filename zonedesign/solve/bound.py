"""A proven lower bound of the whole problem: the Lagrangian of the assignment model.

Every unit must be in one zone; that rule is priced (one multiplier a unit) and the rest falls apart into one fractional knapsack for
every centre and level, and a choice of centres under the zone counts (Hess 1965 model; Held, Wolfe and Crowder 1974 for the
subgradient; the relaxation of capacitated p-median problems by Christofides and Beasley 1982). Contiguity, customers, and every other rule are
relaxed, non-negative terms of the objective are dropped: the bound stays valid, only weaker.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

FAR = 1e30


@dataclass(frozen=True, eq=False)
class Bound:
    """A lower bound of the objective and what comes with it.

    `value` is proved; `multipliers` (n,) are the prices of the units that prove it; `worth` (n, levels) is the least that a zone with that
    centre and level adds to it (inf where impossible); `centres` and `levels` are the zones chosen at these prices.
    `infeasible` is true where the choice of centres itself is impossible.
    """

    value: float
    multipliers: Floats
    worth: Floats
    centres: Ints
    levels: Ints
    infeasible: bool = False


@dataclass(frozen=True, eq=False)
class Priced:
    """The problem as the bound sees it: arcs with possible (centre, unit, level), costs in hour-minutes / all hours."""

    indptr: Ints
    units: NDArray[np.int32]
    cost: Floats
    allowed: NDArray[np.bool_]
    hours: Floats
    low: Floats
    high: Floats
    least: Ints
    most: Ints

    @classmethod
    def of(cls, problem: Problem, possible: Bools) -> Priced:
        """Return the arrays of a problem; `possible` is (arcs, levels), from `fixing.possible_arcs`."""
        arcs, hours, n = problem.arcs, problem.hours, len(problem.units)
        total = float(hours.sum())
        rows = np.repeat(np.arange(n), np.diff(arcs.indptr))
        # A unit without hours costs nothing wherever it is: leaving it out relaxes its rules, and that is allowed.
        keep = possible.any(axis=1) & ((hours[arcs.units] > 0) | (arcs.units == rows))
        indptr = np.zeros(n + 1, dtype=np.int64)
        np.cumsum(np.bincount(rows[keep], minlength=n), out=indptr[1:])
        units = arcs.units[keep]
        cost = problem.objective.travel * hours[units] * arcs.minutes[keep] / (total or 1.0)
        low, high, least, most = [], [], [], []
        for level in problem.levels:
            lo, hi = level.weekly_hours or (None, None)
            low.append(0.0 if lo is None else max(0.0, lo - 1e-6))
            high.append(math.inf if hi is None else hi + 1e-6)
            few, many = level.zone_range
            room = n if low[-1] <= 0 else min(n, int((total + 1e-6) / low[-1]))
            least.append(few)
            most.append(room if many is None else min(many, room))
        return cls(
            indptr, units.astype(np.int32), cost, possible[keep], hours,
            np.array(low), np.array(high), np.array(least), np.array(most),
        )  # fmt: skip


def lagrangian(
    priced: Priced,
    *,
    target: float | None = None,
    start: Floats | None = None,
    iterations: int = 400,
    stop: Callable[[], bool] | None = None,
    deadline: float = math.inf,
    gap: float = 0.0,
) -> Bound:
    """Return the best bound found by subgradient steps, from `start` multipliers where given.

    `target` is the objective of a known plan, which sets the steps and ends the work within `gap`; `deadline` is on `time.monotonic`.
    """
    from zonedesign.solve import _pricing  # noqa: PLC0415  (numba is slow to import)

    n, count = len(priced.hours), len(priced.low)
    prices = _first_prices(priced) if start is None else start.copy()
    order = np.full(len(priced.units), -1, dtype=np.int32)
    best = Bound(-math.inf, prices, np.full((n, count), np.inf), np.zeros(0, np.int64), np.zeros(0, np.int64))
    theta, stale, direction = 1.0, 0, np.zeros(n)
    priced_units = priced.hours > 0
    for step in range(iterations):
        worth = _pricing.worth_of_centres(
            priced.indptr, priced.units, priced.cost, priced.allowed, priced.hours, prices, priced.low, priced.high, order
        )
        chosen = choose_centres(worth, priced.least, priced.most)
        if chosen is None:
            return Bound(math.inf, prices, worth, np.zeros(0, np.int64), np.zeros(0, np.int64), infeasible=True)
        centres, levels, total = chosen
        value = float(prices[priced_units].sum()) + total
        if value > best.value:
            stale = stale if value < best.value + 1e-5 * abs(value) else 0
            best = Bound(value, prices.copy(), worth, centres, levels)
        else:
            stale += 1
        goal = target if target is not None else best.value + 0.05 * abs(best.value) + 1e-9
        if goal - best.value <= max(gap, 1e-9) * abs(goal):
            break
        if stale >= 30:
            theta, stale, prices = 0.8 * theta, 0, best.multipliers.copy()
            direction[:] = 0.0
            if theta < 1e-3:
                break
            continue
        cover = _pricing.cover_of(
            priced.indptr, priced.units, priced.cost, priced.allowed, priced.hours, prices, priced.low, priced.high,
            order, centres, levels,
        )  # fmt: skip
        slope = np.where(priced_units, 1.0 - cover, 0.0)
        # Camerini, Fratta and Maffioli (1975): a direction that remembers the last one does not zigzag.
        turn = float(slope @ direction)
        size = float(direction @ direction)
        direction = slope - (1.5 * turn / size * direction if turn < 0 and size > 0 else 0.0)
        # Multipliers are of the size of hours: steps in proportion to them serve big and small units alike.
        norm = float(((direction**2) * priced.hours).sum())
        if norm <= 1e-15:
            break
        prices = prices + theta * (goal - value) / norm * direction * priced.hours
        if time.monotonic() > deadline or (stop is not None and step % 8 == 0 and stop()):
            break
    return best


def _first_prices(priced: Priced) -> Floats:
    """Return first multipliers: what every unit costs from the centre that is some 15th nearest to it."""
    n = len(priced.hours)
    rows = np.repeat(np.arange(n), np.diff(priced.indptr))
    order = np.lexsort((priced.cost, priced.units))
    units = priced.units[order]
    begin = np.searchsorted(units, np.arange(n))
    end = np.searchsorted(units, np.arange(n), side="right")
    zones = max(1, int(priced.least.sum()) or 1)
    at = np.minimum(begin + max(1, n // (2 * zones)), np.maximum(end - 1, 0))
    del rows
    return np.where(end > begin, priced.cost[order][np.minimum(at, max(len(order) - 1, 0))], 0.0) if len(order) else np.zeros(n)


def choose_centres(worth: Floats, least: Ints, most: Ints) -> tuple[Ints, Ints, float] | None:
    """Return (centres, levels, total worth) of the cheapest choice of centres under the zone counts, or None.

    A centre has one level; level l is used between `least[l]` and `most[l]` times. An assignment problem between centres and
    places, of which `most - least` of each level may stay empty at no cost; only the best few centres of a level can matter.
    """
    n, count = worth.shape
    places = [(level, required) for level in range(count) for required in _places(least[level], most[level], worth[:, level])]
    few: set[int] = set()
    need = len(places)
    for level in range(count):
        finite = np.flatnonzero(np.isfinite(worth[:, level]))
        best = finite[np.argsort(worth[finite, level], kind="stable")][:need]
        few.update(int(c) for c in best)
    candidates = np.array(sorted(few), dtype=np.int64)
    if need == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), 0.0
    optional = [k for k, (_, required) in enumerate(places) if not required]
    table = np.full((len(candidates) + len(optional), need), FAR)
    for k, (level, _) in enumerate(places):
        column = worth[candidates, level]
        table[: len(candidates), k] = np.where(np.isfinite(column), column, FAR)
    for spare, k in enumerate(optional):
        table[len(candidates) + spare, k] = 0.0
    if table.shape[0] < need:
        return None
    rows, columns = linear_sum_assignment(table)
    if (table[rows, columns] >= FAR / 2).any():
        return None
    used = rows < len(candidates)
    total = float(table[rows, columns].sum())
    levels = np.array([places[k][0] for k in columns[used]], dtype=np.int64)
    return candidates[rows[used]], levels, total


def _places(least: int, most: int, worth: Floats) -> list[bool]:
    """Return one entry a zone that a level may have: whether it must; optional ones only while they pay."""
    paying = int((worth < 0).sum())
    return [True] * int(least) + [False] * max(0, min(int(most), paying) - int(least))
