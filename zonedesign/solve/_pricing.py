"""Kernels of the bound: a fractional knapsack for every centre and level."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zonedesign.compiled import compiled, inner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Indices = NDArray[np.int32]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]


class Rows(NamedTuple):
    """Possible arcs as rows by centre; n units, L levels.

    `indptr` (n + 1,); `units`, `cost`, `allowed` (arcs, L) by arc; `hours` (n,); `low` and `high` (L,) are
    bands of hours; `order` (arcs,) remembers within each row how it was sorted last, -1 at first.
    """

    indptr: Ints
    units: Indices
    cost: Floats
    allowed: Bools
    hours: Floats
    low: Floats
    high: Floats
    order: Indices


@inner
def _sort_row(rows: Rows, prices: Floats, centre: int) -> None:
    """Sort one centre's arcs by reduced cost an hour into `order`, starting from the order of last time."""
    begin, order = rows.indptr[centre], rows.order
    size = rows.indptr[centre + 1] - begin
    ratio = np.empty(size)
    for k in range(size):
        unit = rows.units[begin + k]
        hours = rows.hours[unit]
        ratio[k] = (rows.cost[begin + k] - prices[unit]) / hours if hours > 0 else 1e300
    # Prices change little from step to step: insertion is quickest, unless the row proves far from sorted.
    shifts, most = 0, 12 * size
    if order[begin] < 0:
        shifts = most + 1
    for k in range(1, size):
        if shifts > most:
            break
        item = order[begin + k]
        key = ratio[item]
        at = k - 1
        while at >= 0 and ratio[order[begin + at]] > key:
            order[begin + at + 1] = order[begin + at]
            at -= 1
            shifts += 1
        order[begin + at + 1] = item
    if shifts > most:
        fresh = np.argsort(ratio)
        for k in range(size):
            order[begin + k] = fresh[k]


@inner
def _fill(rows: Rows, prices: Floats, centre: int, level: int, cover: Floats) -> tuple[float, float]:
    """Return the least worth of a zone at `centre` (itself, then arcs by ratio), and of an hour in it.

    That of an hour is the ratio of the last arc that went in, in part or against its will. Adds to `cover`
    (n,) when it is not empty.
    """
    begin, end = rows.indptr[centre], rows.indptr[centre + 1]
    low, high, hours = rows.low[level], rows.high[level], rows.hours
    own = -1
    for k in range(begin, end):
        if rows.units[k] == centre:
            own = k
            break
    if own < 0 or not rows.allowed[own, level]:
        return np.inf, 0.0
    used = hours[centre]
    if used > high:
        return np.inf, 0.0
    keep = cover.shape[0] > 0
    last = 0.0
    worth = rows.cost[own] - (prices[centre] if hours[centre] > 0 else 0.0)
    if keep and hours[centre] > 0:
        cover[centre] += 1.0
    for m in range(begin, end):
        k = begin + rows.order[m]
        unit = rows.units[k]
        if k == own or not rows.allowed[k, level] or hours[unit] <= 0:
            continue
        gain = rows.cost[k] - prices[unit]
        if gain >= 0 and used >= low:
            break
        room = high - used if gain < 0 else low - used
        if room <= 0:
            break
        share = min(1.0, room / hours[unit])
        if share < 1.0 or gain > 0:
            last = gain / hours[unit]
        worth += share * gain
        used += share * hours[unit]
        if keep:
            cover[unit] += share
    if used < low - 1e-9:
        return np.inf, 0.0
    return worth, last


@compiled
def worth_of_centres(rows: Rows, prices: Floats, first: int, last: int, worth: Floats) -> None:
    """Fill `worth` (n, L) for centres `first` to `last`: the least that a zone adds to the bound, or inf.

    Rows are apart, so that several threads may each fill some.
    """
    nothing = np.zeros(0)
    for centre in range(first, last):
        if rows.indptr[centre + 1] > rows.indptr[centre]:
            _sort_row(rows, prices, centre)
        for level in range(rows.low.shape[0]):
            worth[centre, level] = _fill(rows, prices, centre, level, nothing)[0]


@compiled
def cover_of(rows: Rows, prices: Floats, centres: Ints, levels: Ints) -> Floats:
    """Return (n,): how often the chosen zones hold each unit, in fractions."""
    cover = np.zeros(rows.hours.shape[0])
    for z in range(centres.shape[0]):
        _fill(rows, prices, centres[z], levels[z], cover)
    return cover


@compiled
def closed_arcs(rows: Rows, prices: Floats, with_centre: Floats, target: float, closed: Bools) -> None:
    """Mark in `closed` (arcs, L) what no plan below `target` uses.

    `with_centre` (n, L) bounds every plan that has a zone with that centre and level.
    """
    nothing = np.zeros(0)
    for centre in range(rows.indptr.shape[0] - 1):
        begin, end = rows.indptr[centre], rows.indptr[centre + 1]
        for level in range(rows.low.shape[0]):
            if not with_centre[centre, level] < target:
                closed[begin:end, level] = True
                continue
            last = _fill(rows, prices, centre, level, nothing)[1]
            for k in range(begin, end):
                unit = rows.units[k]
                hours = rows.hours[unit]
                if unit != centre and hours > 0:
                    extra = rows.cost[k] - prices[unit] - last * hours
                    if extra > 0 and with_centre[centre, level] + extra > target:
                        closed[k, level] = True
