"""Kernels of covering: cheap zones put together so that every unit is in one, at the least cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zonedesign.compiled import compiled, lean
from zonedesign.solve._bits import (
    WORD,
    Ground,
    best_centre,
    bit,
    can_be_zones,
    lowest,
    touched,
    weight_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

PLAIN, GROWING, GROWN = 0, 1, 2
"""The odd zone has not begun, is being put together, and stands."""


@lean
def _odd_one_adds(ground: Ground, prices: Floats, mean: float, low: int, high: int) -> float:
    """Return what the odd zone costs above its prices, inf where it is no zone."""
    weight = weight_of(ground.weight, low, high)
    if weight < ground.band[0] or weight > ground.band[1]:
        return np.inf
    _, added = best_centre(ground.cost, low, high)
    return max(0.0, added - mean - weight_of(prices, low, high))


class Cheap(NamedTuple):
    """Zones by what they cost above the `prices` (n,) of their units and `mean`: `extra` (zones,), 0 or more.

    `sets` (zones, 2) are their units, `listed` from `first[i]` to `first[i + 1]` those that hold unit i,
    cheapest first; units are covered in `order`.
    """

    sets: Ints
    extra: Floats
    first: Ints
    listed: Ints
    order: Ints
    prices: Floats
    mean: float


@compiled
def cheapest_cover(
    ground: Ground, cheap: Cheap, counts: Ints, most: float, stop: Ints
) -> tuple[Ints, float, int]:
    """Return zones that hold every unit once at the least extra cost, below `most`; that cost; and the steps.

    All zones that cost at most half of `most` must be among the cheap ones: then one zone of a plan, the odd
    one, may cost more, and is grown where nothing is listed that fits. Zones are (zones, 2), none where there
    is no such plan; `counts` (2,) are their fewest and most. Steps are negative where it gave up, because
    `stop[0]` is not 0.
    """
    sets, extra, first, listed, prices = cheap.sets, cheap.extra, cheap.first, cheap.listed, cheap.prices
    n, half = len(prices), most / 2
    every_low, every_high = (1 << min(n, WORD)) - 1, (1 << max(0, n - WORD)) - 1
    depth_room = 2 * n + 3
    covered, odd = np.zeros((depth_room, 2), np.int64), np.zeros((depth_room, 2), np.int64)
    used, mode, zones = np.zeros(depth_room), np.zeros(depth_room, np.int64), np.zeros(depth_room, np.int64)
    unit, place = np.zeros(depth_room, np.int64), np.zeros(depth_room, np.int64)
    made, found = np.zeros((n + 1, 2), np.int64), np.zeros((0, 2), np.int64)
    d, fresh, steps = 0, True, 0
    while d >= 0:
        if fresh:
            fresh = False
            steps += 1
            if steps & 1023 == 0 and stop[0] != 0:
                return found, most, -steps
            low, high = covered[d]
            if mode[d] == GROWING:
                side_low, side_high = touched(ground.near, odd[d, 0], odd[d, 1])
                side_low &= ~(low | odd[d, 0]) & every_low
                side_high &= ~(high | odd[d, 1]) & every_high
                if side_low | side_high != 0:
                    unit[d] = lowest(side_low, side_high)
                    place[d] = first[unit[d]]
                    continue
                used[d] += _odd_one_adds(ground, prices, cheap.mean, odd[d, 0], odd[d, 1])
                if used[d] >= most:
                    d -= 1
                    continue
                low, high = low | odd[d, 0], high | odd[d, 1]
                covered[d], made[zones[d]] = (low, high), odd[d]
                zones[d] += 1
                mode[d] = GROWN
            left_low, left_high = every_low & ~low, every_high & ~high
            if left_low | left_high == 0:
                if zones[d] >= counts[0] and zones[d] <= counts[1]:
                    most, found = used[d], made[: zones[d]].copy()
                d -= 1
                continue
            fewest, largest = counts[0] - zones[d], counts[1] - zones[d]
            if not can_be_zones(ground, left_low, left_high, fewest, largest):
                d -= 1
                continue
            for at in cheap.order:
                bit_low, bit_high = bit(at)
                if (bit_low & left_low) | (bit_high & left_high) != 0:
                    unit[d] = at
                    break
            place[d] = first[unit[d]]
        limit = most - half if mode[d] == GROWING else most
        low, high = covered[d, 0] | odd[d, 0], covered[d, 1] | odd[d, 1]
        taken = -1
        for k in range(place[d], first[unit[d] + 1]):
            j = listed[k]
            if used[d] + extra[j] >= limit:
                break
            if (sets[j, 0] & low) | (sets[j, 1] & high) == 0:
                taken, place[d] = j, k + 1
                break
        if taken >= 0:
            d += 1
            covered[d] = covered[d - 1, 0] | sets[taken, 0], covered[d - 1, 1] | sets[taken, 1]
            odd[d], mode[d], used[d] = odd[d - 1], mode[d - 1], used[d - 1] + extra[taken]
            zones[d] = zones[d - 1] + 1
            made[zones[d - 1]] = sets[taken]
            fresh = True
            continue
        # Nothing listed is left: the unit is in the odd zone, or this is no way.
        bit_low, bit_high = bit(unit[d])
        odd_low, odd_high = odd[d, 0] | bit_low, odd[d, 1] | bit_high
        fits = (
            mode[d] != GROWN
            and used[d] < most - half
            and weight_of(ground.weight, odd_low, odd_high) <= ground.band[1]
        )
        if not fits:
            d -= 1
            continue
        odd[d], mode[d] = (odd_low, odd_high), GROWING
        fresh = True
    return found, most, steps
