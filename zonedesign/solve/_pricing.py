"""Kernels of the bound: a fractional knapsack for every centre and level."""

from __future__ import annotations

import numpy as np
from numba import njit, prange


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def _fill(centre, level, begin, end, units, cost, allowed, hours, prices, low, high, order, cover):
    """Return the least worth of a zone at `centre`: itself, then arcs by ratio; adds to `cover` when it is not empty."""
    own = -1
    for k in range(begin, end):
        if units[k] == centre:
            own = k
            break
    if own < 0 or not allowed[own, level]:
        return np.inf
    used = hours[centre]
    if used > high:
        return np.inf
    keep = cover.shape[0] > 0
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
        worth += share * gain
        used += share * hours[unit]
        if keep:
            cover[unit] += share
    if used < low - 1e-9:
        return np.inf
    return worth


@njit(cache=True, nogil=True, parallel=True)
def worth_of_centres(indptr, units, cost, allowed, hours, prices, low, high, order):
    """Return (n, levels): the least that a zone with this centre and level adds to the Lagrangian, inf if it cannot be."""
    n, levels = indptr.shape[0] - 1, low.shape[0]
    worth = np.full((n, levels), np.inf)
    nothing = np.zeros(0)
    for centre in prange(n):
        begin, end = indptr[centre], indptr[centre + 1]
        if end > begin:
            ratio = np.empty(end - begin)
            _sorted_row(begin, end, units, cost, hours, prices, order, ratio)
            for level in range(levels):
                worth[centre, level] = _fill(
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
    return worth


@njit(cache=True, nogil=True)
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
