"""Kernels of the bound: a fractional knapsack for every centre and level."""

from __future__ import annotations

import numpy as np

from zonedesign.compiled import compiled, inner


@inner
def _sorted_row(begin, end, units, cost, hours, prices, order, ratio):
    """Sort one centre's arcs by reduced cost an hour into `order`, starting from the order of last time."""
    size = end - begin
    for k in range(size):
        unit = units[begin + k]
        ratio[k] = (cost[begin + k] - prices[unit]) / hours[unit] if hours[unit] > 0 else 1e300
    if order[begin] < 0:
        fresh = np.argsort(ratio[:size])
        for k in range(size):
            order[begin + k] = fresh[k]
        return
    shifts = 0
    for k in range(1, size):
        item = order[begin + k]
        key = ratio[item]
        at = k - 1
        while at >= 0 and ratio[order[begin + at]] > key:
            order[begin + at + 1] = order[begin + at]
            at -= 1
            shifts += 1
        order[begin + at + 1] = item
        if shifts > 12 * size:  # too far from sorted for insertion
            fresh = np.argsort(ratio[:size])
            for m in range(size):
                order[begin + m] = fresh[m]
            return


@inner
def _fill(centre, level, begin, end, units, cost, allowed, hours, prices, low, high, order, cover):
    """Return the least worth of a zone at `centre` (itself, then arcs by ratio) and the price of an hour that is best there.

    Adds to `cover` when it is not empty.
    """
    own = -1
    for k in range(begin, end):
        if units[k] == centre:
            own = k
            break
    if own < 0 or not allowed[own, level]:
        return np.inf, 0.0
    used = hours[centre]
    if used > high:
        return np.inf, 0.0
    keep = cover.shape[0] > 0
    last = 0.0
    worth = cost[own] - (prices[centre] if hours[centre] > 0 else 0.0)
    if keep and hours[centre] > 0:
        cover[centre] += 1.0
    for m in range(begin, end):
        k = begin + order[m]
        unit = units[k]
        if k == own or not allowed[k, level] or hours[unit] <= 0:
            continue
        gain = cost[k] - prices[unit]
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
def worth_of_centres(first, last, indptr, units, cost, allowed, hours, prices, low, high, order, worth):
    """Fill `worth` (n, levels) for centres `first` to `last`: the least that a zone adds to the Lagrangian, inf if it cannot be.

    Rows are apart, so that several threads may each fill some.
    """
    nothing = np.zeros(0)
    for centre in range(first, last):
        begin, end = indptr[centre], indptr[centre + 1]
        for level in range(low.shape[0]):
            worth[centre, level] = np.inf
        if end > begin:
            ratio = np.empty(end - begin)
            _sorted_row(begin, end, units, cost, hours, prices, order, ratio)
            for level in range(low.shape[0]):
                worth[centre, level], _ = _fill(
                    centre,
                    level,
                    begin,
                    end,
                    units,
                    cost,
                    allowed,
                    hours,
                    prices,
                    low[level],
                    high[level],
                    order,
                    nothing,
                )


@compiled
def cover_of(indptr, units, cost, allowed, hours, prices, low, high, order, centres, levels):
    """Return (n,): how often the chosen zones hold each unit, in fractions."""
    cover = np.zeros(hours.shape[0])
    for z in range(centres.shape[0]):
        centre, level = centres[z], levels[z]
        _fill(
            centre,
            level,
            indptr[centre],
            indptr[centre + 1],
            units,
            cost,
            allowed,
            hours,
            prices,
            low[level],
            high[level],
            order,
            cover,
        )
    return cover


@compiled
def closed_arcs(indptr, units, cost, allowed, hours, prices, low, high, order, with_centre, target, closed):
    """Mark in `closed` (arcs, levels) what no plan below `target` uses; `with_centre` (n, levels) bounds a plan with that zone."""
    nothing = np.zeros(0)
    for centre in range(indptr.shape[0] - 1):
        begin, end = indptr[centre], indptr[centre + 1]
        for level in range(low.shape[0]):
            if not with_centre[centre, level] < target:
                closed[begin:end, level] = True
                continue
            _, last = _fill(
                centre,
                level,
                begin,
                end,
                units,
                cost,
                allowed,
                hours,
                prices,
                low[level],
                high[level],
                order,
                nothing,
            )
            for k in range(begin, end):
                unit = units[k]
                if unit != centre and hours[unit] > 0:
                    extra = cost[k] - prices[unit] - last * hours[unit]
                    if extra > 0 and with_centre[centre, level] + extra > target:
                        closed[k, level] = True
