"""Kernels of written-out zones: every connected set of few units within a band, as bits of two numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zonedesign.compiled import compiled, inner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

WORD = 62
"""Bits of a whole number that are used; a set of units is the bits of two, `low` and `high`."""


class Ground(NamedTuple):
    """What zones are made of: neighbours of every unit as bits (n, 2), weights (n,), the band (2,).

    `cost` (n, n) is what unit i adds to a zone of centre j (inf: not allowed); `rest` (2,) the fewest and
    most other zones of the same band that the other units are made into, -1 where that is not known.
    """

    near: Ints
    weight: Floats
    band: Floats
    cost: Floats
    rest: Ints


@inner
def _lowest(low: int, high: int) -> int:
    """Return the position of the lowest bit that is set."""
    at, bits = 0, low
    if bits == 0:
        at, bits = WORD, high
    while bits & 0xFFFF == 0:
        bits >>= 16
        at += 16
    while bits & 1 == 0:
        bits >>= 1
        at += 1
    return at


@inner
def _bit(at: int) -> tuple[int, int]:
    """Return the bit of a unit."""
    if at < WORD:
        return 1 << at, 0
    return 0, 1 << (at - WORD)


@inner
def _without_lowest(low: int, high: int) -> tuple[int, int]:
    """Return the bits without the lowest."""
    if low != 0:
        return low & (low - 1), high
    return low, high & (high - 1)


@inner
def _weight_of(weight: Floats, low: int, high: int) -> float:
    """Return what a set weighs."""
    total = 0.0
    while low | high != 0:
        total += weight[_lowest(low, high)]
        low, high = _without_lowest(low, high)
    return total


@inner
def _spread(near: Ints, low: int, high: int) -> tuple[int, int]:
    """Return the units that are connected with the first of a set within it."""
    if low != 0:
        found_low, found_high = low & -low, 0
    else:
        found_low, found_high = 0, high & -high
    edge_low, edge_high = found_low, found_high
    while edge_low | edge_high != 0:
        at = _lowest(edge_low, edge_high)
        edge_low, edge_high = _without_lowest(edge_low, edge_high)
        more_low = near[at, 0] & low & ~found_low
        more_high = near[at, 1] & high & ~found_high
        found_low |= more_low
        found_high |= more_high
        edge_low |= more_low
        edge_high |= more_high
    return found_low, found_high


@inner
def _rest_can_be_zones(ground: Ground, low: int, high: int) -> bool:
    """Return whether the rest can be so many whole zones, by the totals of its connected pieces."""
    band, least_zones, most_zones = ground.band, 0, 0
    while low | high != 0:
        piece_low, piece_high = _spread(ground.near, low, high)
        low &= ~piece_low
        high &= ~piece_high
        total = _weight_of(ground.weight, piece_low, piece_high)
        # A sum in another order differs in its last digits.
        total_low, total_high = total * (1 - 1e-12), total * (1 + 1e-12)
        few = max(1, int(np.ceil(total_low / band[1]))) if np.isfinite(band[1]) else 1
        many = int(np.floor(total_high / band[0])) if band[0] > 0 else 1_000_000
        if few > many:
            return False
        least_zones += few
        most_zones += many
    fits: bool = least_zones <= ground.rest[1] and most_zones >= ground.rest[0]
    return fits


@inner
def _best_centre(cost: Floats, low: int, high: int) -> tuple[int, float]:
    """Return the centre of a set whose travel adds least to the objective, and how much; -1: none may."""
    best, least = -1, np.inf
    centres_low, centres_high = low, high
    while centres_low | centres_high != 0:
        c = _lowest(centres_low, centres_high)
        centres_low, centres_high = _without_lowest(centres_low, centres_high)
        added, units_low, units_high = 0.0, low, high
        while units_low | units_high != 0 and added < least:
            added += cost[c, _lowest(units_low, units_high)]
            units_low, units_high = _without_lowest(units_low, units_high)
        if added < least:
            best, least = c, added
    return best, least


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
        root_low, root_high = _bit(root)
        if allowed_low & root_low == 0 and allowed_high & root_high == 0:
            continue
        allowed_low &= ~root_low
        allowed_high &= ~root_high
        taken[0, 0], taken[0, 1] = root_low, root_high
        closed[0, 0], closed[0, 1] = near[root, 0] | root_low, near[root, 1] | root_high
        choice[0, 0], choice[0, 1] = near[root, 0] & allowed_low, near[root, 1] & allowed_high
        holds[0] = weight[root]
        reach[0] = weight[root] + _weight_of(weight, allowed_low, allowed_high)
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
                    fits = ground.rest[0] < 0 or _rest_can_be_zones(
                        ground, every_low ^ low, every_high ^ high
                    )
                    c, least = _best_centre(ground.cost, low, high) if fits else (-1, np.inf)
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
            at = _lowest(choice[depth, 0], choice[depth, 1])
            at_low, at_high = _bit(at)
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
