"""Kernels of written-out zones: every connected set of few units within a band."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zonedesign.compiled import compiled
from zonedesign.solve._bits import WORD, Ground, best_centre, bit, can_be_zones, lowest, weight_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


@compiled
def zones_within(
    ground: Ground, usable: Ints, most_steps: int, most_zones: int, stop: Ints
) -> tuple[Ints, Ints, Floats, int]:
    """Return every connected set of usable units in the band, its best centre, what it adds; and the steps.

    Sets are (zones, 2), `usable` (2,) bits. They are found by extension (Wernicke 2006). Gives up, with no
    sets and `most_steps` steps, where there are more steps or zones, or once `stop[0]` is not 0.
    """
    near, weight, band = ground.near, ground.weight, ground.band
    n = len(near)
    every_low = (1 << min(n, WORD)) - 1
    every_high = (1 << max(0, n - WORD)) - 1
    room = 1024
    sets, centre, added = np.empty((room, 2), np.int64), np.empty(room, np.int64), np.empty(room)
    count, steps = 0, 0
    taken, choice, closed = (
        np.empty((n + 1, 2), np.int64),
        np.empty((n + 1, 2), np.int64),
        np.empty((n + 1, 2), np.int64),
    )
    holds, reach = np.empty(n + 1), np.empty(n + 1)
    allowed_low, allowed_high = usable[0] & every_low, usable[1] & every_high
    for root in range(n):
        root_low, root_high = bit(root)
        if allowed_low & root_low == 0 and allowed_high & root_high == 0:
            continue
        allowed_low &= ~root_low
        allowed_high &= ~root_high
        taken[0, 0], taken[0, 1] = root_low, root_high
        closed[0, 0], closed[0, 1] = near[root, 0] | root_low, near[root, 1] | root_high
        choice[0, 0], choice[0, 1] = near[root, 0] & allowed_low, near[root, 1] & allowed_high
        holds[0] = weight[root]
        reach[0] = weight[root] + weight_of(weight, allowed_low, allowed_high)
        depth, fresh = 0, holds[0] <= band[1]
        if not fresh:
            continue
        while depth >= 0:
            if fresh:
                steps += 1
                if steps >= most_steps or (steps & 4095 == 0 and stop[0] != 0):
                    return sets[:0].copy(), centre[:0].copy(), added[:0].copy(), most_steps
                if holds[depth] >= band[0] and holds[depth] <= band[1]:
                    low, high = taken[depth, 0], taken[depth, 1]
                    fits = ground.rest[0] < 0 or can_be_zones(
                        ground, every_low ^ low, every_high ^ high, ground.rest[0], ground.rest[1]
                    )
                    c, least = best_centre(ground.cost, low, high) if fits else (-1, np.inf)
                    if c >= 0:
                        if count == most_zones:
                            return sets[:0].copy(), centre[:0].copy(), added[:0].copy(), most_steps
                        if count == room:
                            room *= 2
                            sets = np.concatenate((sets, np.empty((count, 2), np.int64)))
                            centre = np.concatenate((centre, np.empty(count, np.int64)))
                            added = np.concatenate((added, np.empty(count)))
                        sets[count, 0], sets[count, 1], centre[count], added[count] = low, high, c, least
                        count += 1
            fresh = False
            # What is left within reach cannot fill the band any more; the allowance keeps this a proof.
            if choice[depth, 0] | choice[depth, 1] == 0 or reach[depth] < band[0] * (1 - 1e-9):
                depth -= 1
                continue
            at = lowest(choice[depth, 0], choice[depth, 1])
            at_low, at_high = bit(at)
            choice[depth, 0] &= ~at_low
            choice[depth, 1] &= ~at_high
            reach[depth] -= weight[at]
            if holds[depth] + weight[at] <= band[1] * (1 + 1e-12):
                below = depth + 1
                taken[below, 0] = taken[depth, 0] | at_low
                taken[below, 1] = taken[depth, 1] | at_high
                choice[below, 0] = choice[depth, 0] | (near[at, 0] & allowed_low & ~closed[depth, 0])
                choice[below, 1] = choice[depth, 1] | (near[at, 1] & allowed_high & ~closed[depth, 1])
                closed[below, 0] = closed[depth, 0] | near[at, 0] | at_low
                closed[below, 1] = closed[depth, 1] | near[at, 1] | at_high
                holds[below] = holds[depth] + weight[at]
                reach[below] = reach[depth] + weight[at]
                depth, fresh = below, True
    return sets[:count].copy(), centre[:count].copy(), added[:count].copy(), steps
