"""Kernels of sets of units as the bits of two numbers: what they touch, weigh and cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba.cpython.unsafe.numbers import trailing_zeros

from zonedesign.compiled import lean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

WORD = 62
"""Bits of a whole number that are used; a set of units is the bits of two, `low` and `high`."""


_zeros: Any = trailing_zeros
"""The processor's own instruction for the number of zeros below the lowest bit."""


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


@lean
def lowest(low: int, high: int) -> int:
    """Return the position of the lowest bit that is set."""
    at: int = _zeros(low) if low != 0 else WORD + _zeros(high)
    return at


@lean
def bit(at: int) -> tuple[int, int]:
    """Return the bit of a unit."""
    if at < WORD:
        return 1 << at, 0
    return 0, 1 << (at - WORD)


@lean
def without_lowest(low: int, high: int) -> tuple[int, int]:
    """Return the bits without the lowest."""
    if low != 0:
        return low & (low - 1), high
    return low, high & (high - 1)


@lean
def weight_of(weight: Floats, low: int, high: int) -> float:
    """Return what a set weighs."""
    total = 0.0
    while low | high != 0:
        total += weight[lowest(low, high)]
        low, high = without_lowest(low, high)
    return total


@lean
def touched(near: Ints, low: int, high: int) -> tuple[int, int]:
    """Return all neighbours of a set's units, some of which may be in it."""
    found_low, found_high = 0, 0
    while low | high != 0:
        at = lowest(low, high)
        low, high = without_lowest(low, high)
        found_low |= near[at, 0]
        found_high |= near[at, 1]
    return found_low, found_high


@lean
def spread(near: Ints, seed_low: int, seed_high: int, low: int, high: int) -> tuple[int, int]:
    """Return the units of a set that are connected with some of its units within it."""
    found_low, found_high = seed_low, seed_high
    edge_low, edge_high = seed_low, seed_high
    while edge_low | edge_high != 0:
        at = lowest(edge_low, edge_high)
        edge_low, edge_high = without_lowest(edge_low, edge_high)
        more_low = near[at, 0] & low & ~found_low
        more_high = near[at, 1] & high & ~found_high
        found_low |= more_low
        found_high |= more_high
        edge_low |= more_low
        edge_high |= more_high
    return found_low, found_high


@lean
def first_of(low: int, high: int) -> tuple[int, int]:
    """Return the lowest bit that is set, as a set."""
    if low != 0:
        return low & -low, 0
    return 0, high & -high


@lean
def can_be_zones(ground: Ground, low: int, high: int, fewest: int, most: int) -> bool:
    """Return whether units can be so many whole zones, by the totals of their connected pieces."""
    band, least_zones, most_zones = ground.band, 0, 0
    while low | high != 0:
        seed_low, seed_high = first_of(low, high)
        piece_low, piece_high = spread(ground.near, seed_low, seed_high, low, high)
        low &= ~piece_low
        high &= ~piece_high
        total = weight_of(ground.weight, piece_low, piece_high)
        # A sum in another order differs in its last digits.
        total_low, total_high = total * (1 - 1e-12), total * (1 + 1e-12)
        few = max(1, int(np.ceil(total_low / band[1]))) if np.isfinite(band[1]) else 1
        many = int(np.floor(total_high / band[0])) if band[0] > 0 else 1_000_000
        if few > many:
            return False
        least_zones += few
        most_zones += many
    fits: bool = least_zones <= most and most_zones >= fewest
    return fits


@lean
def best_centre(cost: Floats, low: int, high: int) -> tuple[int, float]:
    """Return the centre of a set whose travel adds least to the objective, and how much; -1: none may."""
    best, least = -1, np.inf
    centres_low, centres_high = low, high
    while centres_low | centres_high != 0:
        c = lowest(centres_low, centres_high)
        centres_low, centres_high = without_lowest(centres_low, centres_high)
        added, units_low, units_high = 0.0, low, high
        while units_low | units_high != 0 and added < least:
            added += cost[c, lowest(units_low, units_high)]
            units_low, units_high = without_lowest(units_low, units_high)
        if added < least:
            best, least = c, added
    return best, least
