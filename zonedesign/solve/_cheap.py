"""Kernels of cheap zones: the connected sets around a centre that cost little at given prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zonedesign.compiled import compiled, lean
from zonedesign.solve._bits import (
    WORD,
    Ground,
    best_centre,
    bit,
    can_be_zones,
    lowest,
    spread,
    touched,
    weight_of,
    without_lowest,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

LOOSE = 1e-12
"""What sums in another order may differ by, as a share."""


@lean
def _translated(to: Ints, low: int, high: int) -> tuple[int, int]:
    """Return a set with other numbers for its units."""
    found_low, found_high = 0, 0
    while low | high != 0:
        bit_low, bit_high = bit(to[lowest(low, high)])
        low, high = without_lowest(low, high)
        found_low |= bit_low
        found_high |= bit_high
    return found_low, found_high


@lean
def _at_least(
    value: Floats, weight: Floats, low: int, high: int, need: float, room: float
) -> tuple[float, int, int]:
    """Return the least that units of a set add, in fractions until the band is filled, and those too heavy.

    Units are numbered by value for weight, so that this is the fractional knapsack of Dantzig (1957).
    """
    added, held, heavy_low, heavy_high = 0.0, 0.0, 0, 0
    while low | high != 0:
        at = lowest(low, high)
        low, high = without_lowest(low, high)
        w, v = weight[at], value[at]
        if w > room:
            bit_low, bit_high = bit(at)
            heavy_low |= bit_low
            heavy_high |= bit_high
            continue
        if w == 0:  # fills no band, so it comes where it gains
            added += min(v, 0.0)
            continue
        end = room if v < 0 else need
        if held >= end:
            return added, heavy_low, heavy_high
        if held + w <= end:
            held += w
            added += v
        else:
            return added + v * (end - held) / w, heavy_low, heavy_high
    return added if held >= need * (1 - LOOSE) else np.inf, heavy_low, heavy_high


@compiled
def cheap_zones(
    ground: Ground,
    centre: int,
    value: Floats,
    most: float,
    most_steps: int,
    keep: int,
    cheapest: bool,  # noqa: FBT001
    stop: Ints,
) -> tuple[Ints, Floats, int]:
    """Return connected sets around a centre within the band that are worth at most `most`; and the steps.

    `value` (n,) is what every unit adds (inf: not allowed). Branches on the units beside a set, the dearest
    for their weight last, and leaves where the band cannot be filled below `most`. Sets are (zones, 2); with
    `cheapest`, the search is for the cheapest, of which at least half of `keep` are returned. Otherwise it
    gives up where there are more than `keep`. More steps than `most_steps` tell that it gave up, as it does
    once `stop[0]` is not 0.
    """
    n, band = len(value), ground.band
    order = np.argsort(value / np.maximum(ground.weight, 1e-300), kind="mergesort")
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    near, weight, worth = np.empty((n, 2), np.int64), ground.weight[order], value[order]
    allowed_low, allowed_high = 0, 0
    for k in range(n):
        near[k, 0], near[k, 1] = _translated(rank, ground.near[order[k], 0], ground.near[order[k], 1])
        if np.isfinite(worth[k]):
            bit_low, bit_high = bit(k)
            allowed_low |= bit_low
            allowed_high |= bit_high
    every_low, every_high = (1 << min(n, WORD)) - 1, (1 << max(0, n - WORD)) - 1
    keep = max(keep, 2)
    room = min(keep, 1024)
    sets, values, count = np.empty((room, 2), np.int64), np.empty(room), 0
    # A branch is a set, what it may grow into, its weight and worth, and whether something was cut off.
    branch, held = np.empty((2 * n + 4, 5), np.int64), np.empty((2 * n + 4, 2))
    first_low, first_high = bit(rank[centre])
    branch[0] = first_low, first_high, allowed_low, allowed_high, 1
    held[0] = weight[rank[centre]], worth[rank[centre]]
    top, steps = 1, 0
    if not np.isfinite(held[0, 1]) or held[0, 0] > band[1]:
        top = 0
    if top and held[0, 0] >= band[0] and held[0, 1] <= most:
        own_low, own_high = bit(centre)
        rest = ground.rest
        if rest[0] < 0 or can_be_zones(ground, every_low ^ own_low, every_high ^ own_high, rest[0], rest[1]):
            sets[0] = own_low, own_high
            values[0], count = held[0, 1], 1
    while top > 0:
        top -= 1
        steps += 1
        if steps > most_steps or (steps & 4095 == 0 and stop[0] != 0):
            return sets[:count].copy(), values[:count].copy(), most_steps + 1
        low, high, may_low, may_high = branch[top, 0], branch[top, 1], branch[top, 2], branch[top, 3]
        w, v = held[top]
        need, left = band[0] - w, band[1] * (1 + LOOSE) - w
        beside_low, beside_high, cut_off = may_low & ~low, may_high & ~high, branch[top, 4] != 0
        while True:
            added, heavy_low, heavy_high = _at_least(worth, weight, beside_low, beside_high, need, left)
            if v + added > most or (heavy_low | heavy_high == 0 and not cut_off):
                break
            # What is too heavy, or connected only through that or what was left out, can be no part of it.
            cut_off = False
            may_low &= ~heavy_low
            may_high &= ~heavy_high
            may_low, may_high = spread(near, low, high, may_low, may_high)
            before_low, before_high = beside_low, beside_high
            beside_low, beside_high = may_low & ~low, may_high & ~high
            if before_low == beside_low and before_high == beside_high:
                break
        if v + added > most:
            continue
        side_low, side_high = touched(near, low, high)
        side_low &= may_low & ~low
        side_high &= may_high & ~high
        if side_low | side_high == 0:
            continue
        at = lowest(side_low, side_high)
        bit_low, bit_high = bit(at)
        branch[top] = low, high, may_low & ~bit_low, may_high & ~bit_high, 1
        held[top] = w, v
        top += 1
        w, v = w + weight[at], v + worth[at]
        if w > band[1] * (1 + LOOSE):
            continue
        low |= bit_low
        high |= bit_high
        branch[top] = low, high, may_low, may_high, 0
        held[top] = w, v
        top += 1
        if v > most or w < band[0] * (1 - LOOSE):
            continue
        own_low, own_high = _translated(order, low, high)
        exact = weight_of(ground.weight, own_low, own_high)
        if exact < band[0] or exact > band[1]:
            continue
        rest = ground.rest
        if rest[0] >= 0 and not can_be_zones(
            ground, every_low ^ own_low, every_high ^ own_high, rest[0], rest[1]
        ):
            continue
        if count == room and room < keep:
            sets = np.concatenate((sets, np.empty((min(room, keep - room), 2), np.int64)))
            values = np.concatenate((values, np.empty(min(room, keep - room))))
            room = len(sets)
        if count == room:
            if not cheapest:
                return sets[:count].copy(), values[:count].copy(), most_steps + 1
            better = np.argsort(values)[: keep // 2]
            count = len(better)
            sets[:count], values[:count] = sets[better], values[better]
            most = min(most, values[count - 1])
        sets[count] = own_low, own_high
        values[count] = v
        count += 1
    return sets[:count].copy(), values[:count].copy(), steps


@compiled
def centred(cost: Floats, sets: Ints) -> tuple[Ints, Floats]:
    """Return the best centre of every set (zones, 2), and what it costs."""
    centre, added = np.empty(len(sets), np.int64), np.empty(len(sets))
    for k in range(len(sets)):
        centre[k], added[k] = best_centre(cost, sets[k, 0], sets[k, 1])
    return centre, added
