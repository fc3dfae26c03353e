"""Kernels of written-out zones: every connected set of few units within a band, as bits of one number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zonedesign.compiled import compiled, inner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

MOST_UNITS = 62
"""A set of units is the bits of one whole number."""


@inner
def _lowest(bits: int) -> int:
    """Return the position of the lowest bit that is set."""
    at = 0
    while bits & 0xFFFF == 0:
        bits >>= 16
        at += 16
    while bits & 1 == 0:
        bits >>= 1
        at += 1
    return at


@inner
def _spread(near: Ints, start: int, allowed: int) -> int:
    """Return the bits that are connected with `start` within `allowed`."""
    found = edge = start
    while edge != 0:
        at = _lowest(edge)
        edge &= edge - 1
        more = near[at] & allowed & ~found
        found |= more
        edge |= more
    return found


@inner
def _rest_can_be_zones(near: Ints, weight: Floats, band: Floats, rest: int, fewest: int, most: int) -> bool:
    """Return whether the rest can be so many whole zones, by the totals of its connected pieces."""
    least_zones = most_zones = 0
    while rest != 0:
        piece = _spread(near, rest & -rest, rest)
        rest &= ~piece
        total, bits = 0.0, piece
        while bits != 0:
            total += weight[_lowest(bits)]
            bits &= bits - 1
        # A sum in another order differs in its last digits.
        total_low, total_high = total * (1 - 1e-12), total * (1 + 1e-12)
        few = max(1, int(np.ceil(total_low / band[1]))) if np.isfinite(band[1]) else 1
        many = int(np.floor(total_high / band[0])) if band[0] > 0 else 1_000_000
        if few > many:
            return False
        least_zones += few
        most_zones += many
    return least_zones <= most and most_zones >= fewest


@inner
def _best_centre(cost: Floats, bits: int) -> tuple[int, float]:
    """Return the centre of a set whose travel adds least to the objective, and how much; -1: none may."""
    best, least = -1, np.inf
    centres = bits
    while centres != 0:
        c = _lowest(centres)
        centres &= centres - 1
        added, units = 0.0, bits
        while units != 0 and added < least:
            added += cost[c, _lowest(units)]
            units &= units - 1
        if added < least:
            best, least = c, added
    return best, least


@compiled
def zones_within(
    near: Ints, usable: int, weight: Floats, band: Floats, rest: Ints, cost: Floats, most_steps: int
) -> tuple[Ints, Ints, Floats, int]:
    """Return every connected set of usable units in the band, its best centre, what it adds; and the steps.

    `near` (n,) are the neighbours of every unit as bits, `cost` (n, n) what unit i adds to a zone of centre j
    (inf: not allowed). `rest` (2,) are the fewest and most other zones of the same band that the other units
    are made into, -1 where that is not known. The sets are found by extension (Wernicke 2006). Gives up, with
    no sets and `most_steps` steps, where there are more.
    """
    n = len(near)
    every = (1 << n) - 1
    room = 1024
    sets, centre, added = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room)
    count, steps = 0, 0
    taken, choice, closed = np.empty(4 * n, np.int64), np.empty(4 * n, np.int64), np.empty(4 * n, np.int64)
    holds, reach = np.empty(4 * n), np.empty(4 * n)
    for root in range(n):
        if usable >> root & 1 == 0:
            continue
        allowed = usable & (every ^ ((1 << (root + 1)) - 1))
        total = weight[root]
        bits = allowed
        while bits != 0:
            total += weight[_lowest(bits)]
            bits &= bits - 1
        taken[0], closed[0] = 1 << root, near[root] | 1 << root
        choice[0], holds[0], reach[0] = near[root] & allowed, weight[root], total
        depth, fresh = 0, True
        while depth >= 0:
            if fresh:
                steps += 1
                if steps >= most_steps:
                    return sets[:0].copy(), centre[:0].copy(), added[:0].copy(), most_steps
                if holds[depth] >= band[0] and holds[depth] <= band[1]:
                    bits = taken[depth]
                    fits = rest[0] < 0 or _rest_can_be_zones(
                        near, weight, band, every ^ bits, rest[0], rest[1]
                    )
                    if fits:
                        c, least = _best_centre(cost, bits)
                        if c >= 0:
                            if count == room:
                                room *= 2
                                sets = np.concatenate((sets, np.empty(count, np.int64)))
                                centre = np.concatenate((centre, np.empty(count, np.int64)))
                                added = np.concatenate((added, np.empty(count)))
                            sets[count], centre[count], added[count] = bits, c, least
                            count += 1
            fresh = False
            # What is left within reach cannot fill the band any more; the allowance keeps this a proof.
            if choice[depth] == 0 or reach[depth] < band[0] * (1 - 1e-9):
                depth -= 1
                continue
            at = _lowest(choice[depth])
            choice[depth] &= choice[depth] - 1
            reach[depth] -= weight[at]
            if holds[depth] + weight[at] <= band[1] * (1 + 1e-12):
                taken[depth + 1] = taken[depth] | 1 << at
                choice[depth + 1] = choice[depth] | (near[at] & allowed & ~closed[depth])
                closed[depth + 1] = closed[depth] | near[at] | 1 << at
                holds[depth + 1] = holds[depth] + weight[at]
                reach[depth + 1] = reach[depth] + weight[at]
                depth, fresh = depth + 1, True
    return sets[:count].copy(), centre[:count].copy(), added[:count].copy(), steps
