"""How many zones of each level can hold a given demand: exact arithmetic on counts and bands."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.levels import SLACK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zonedesign.levels import Band

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

MOST_ROWS = 2_000_000
"""Beyond so many combinations the question is left to the solver: nothing is claimed."""


@dataclass(frozen=True, eq=False)
class Amount:
    """A demand to hold: its `total`, each level's band for one zone, and each level's share of the total."""

    total: float
    bands: tuple[Band | None, ...]
    shares: tuple[Band | None, ...] = ()

    def ends(self) -> tuple[Floats, Floats]:
        """Return the least and most of one zone of every level (L,), slack included; open tops hold all."""
        low = [0.0 if b is None or b[0] is None else max(0.0, b[0] - SLACK) for b in self.bands]
        high = [self.roof if b is None or b[1] is None else b[1] + SLACK for b in self.bands]
        return np.array(low), np.array(high)

    @property
    def roof(self) -> float:
        """More than the total: what a zone without a maximum can hold."""
        return self.total + 1.0

    def share_ends(self) -> tuple[Floats, Floats]:
        """Return the least and most that all zones of every level may hold together (L,)."""
        shares = self.shares or (None,) * len(self.bands)
        low = [0.0 if b is None or b[0] is None else (b[0] - SLACK) * self.total for b in shares]
        high = [math.inf if b is None or b[1] is None else (b[1] + SLACK) * self.total for b in shares]
        return np.array(low), np.array(high)


@dataclass(frozen=True, eq=False)
class Counts:
    """Count vectors that hold a demand: rows `others` (m, L), and `low` to `high` zones at `axis`."""

    others: Ints
    axis: int
    low: Ints
    high: Ints

    def __bool__(self) -> bool:
        return len(self.low) > 0


def most_zones(amounts: Sequence[Amount], most: Sequence[int | None], units: int) -> Ints:
    """Return how many zones of each level there can be (L,), by its range, the units and the demand."""
    limit = np.array([units if m is None else min(m, units) for m in most], dtype=np.int64)
    for amount in amounts:
        low, _ = amount.ends()
        used = low > 0
        room = np.floor((amount.total + _tolerance(amount)) / np.where(used, low, 1.0))
        limit = np.where(used, np.minimum(limit, room.astype(np.int64)), limit)
    return limit


def count_vectors(
    amounts: Sequence[Amount], ranges: Sequence[tuple[int, int | None]], units: int, least: int = 1
) -> Counts | None:
    """Return every vector of zones by level that can hold the amounts, or None where they are too many.

    A vector k can hold a total T when sum k x min <= T <= sum k x max, and its zones are between `least` and
    `units` in all; these are necessary conditions, so an empty answer is a proof and others are not.
    """
    top = most_zones(amounts, [high for _, high in ranges], units)
    floor = np.array([low for low, _ in ranges], dtype=np.int64)
    if (floor > top).any():
        return Counts(np.zeros((0, len(top)), dtype=np.int64), 0, *np.zeros((2, 0), dtype=np.int64))
    axis = int(np.argmax(top - floor))
    spans = [
        np.arange(f, t + 1) if k != axis else np.zeros(1, dtype=np.int64)
        for k, (f, t) in enumerate(zip(floor, top, strict=True))
    ]
    if math.prod(len(span) for span in spans) > MOST_ROWS:
        return None
    others = np.stack([grid.ravel() for grid in np.meshgrid(*spans, indexing="ij")], axis=1).astype(np.int64)
    inside = others.sum(axis=1)
    low = np.maximum(floor[axis], least - inside)
    high = np.minimum(top[axis], units - inside)
    for amount in amounts:
        least_k, most_k = _interval(amount, others, axis)
        low, high = np.maximum(low, least_k), np.minimum(high, most_k)
    keep = low <= high
    return Counts(others[keep], axis, low[keep].astype(np.int64), high[keep].astype(np.int64))


def _interval(amount: Amount, others: Ints, axis: int) -> tuple[Floats, Floats]:
    """Return the least and most zones at `axis` (m,) with which each row can hold the amount."""
    low, high = amount.ends()
    share_low, share_high = amount.share_ends()
    tolerance = _tolerance(amount)
    floors, roofs = np.maximum(others * low, share_low), np.minimum(others * high, share_high)
    possible = np.ones(len(others), dtype=bool)
    for k in range(len(low)):
        if k != axis:
            possible &= floors[:, k] <= roofs[:, k] + tolerance
    floors[:, axis] = roofs[:, axis] = 0.0
    left_most, left_least = amount.total - floors.sum(axis=1), amount.total - roofs.sum(axis=1)
    # The level at `axis` holds S, max(k x low, share) <= S <= min(k x high, share), and what others leave.
    must, may = np.maximum(left_least, share_low[axis]), np.minimum(left_most, share_high[axis])
    possible &= (left_most >= share_low[axis] - tolerance) & (left_least <= share_high[axis] + tolerance)
    possible &= left_most >= -tolerance
    least_k = (
        np.ceil((must - tolerance) / high[axis])
        if high[axis] > 0
        else np.where(must > tolerance, np.inf, 0.0)
    )
    most_k = np.floor((may + tolerance) / low[axis]) if low[axis] > 0 else np.full(len(others), np.inf)
    return np.where(possible, np.maximum(least_k, 0.0), 1.0), np.where(possible, most_k, 0.0)


def can_add_up(pieces: Sequence[Counts], ranges: Sequence[tuple[int, int | None]]) -> bool:
    """Return False when no choice of a count vector for each piece meets the ranges; True if unknown."""
    cap = np.array([low if high is None else high for low, high in ranges], dtype=np.int64)
    is_open = np.array([high is None for _, high in ranges])
    reached = np.zeros((1, len(cap)), dtype=np.int64)
    for piece in pieces:
        vectors = _capped(piece, cap, is_open)
        if vectors is None or len(reached) * len(vectors) > MOST_ROWS:
            return True
        sums = (reached[:, None, :] + vectors[None, :, :]).reshape(-1, len(cap))
        sums[:, is_open] = np.minimum(sums[:, is_open], cap[is_open])
        reached = np.unique(sums[(sums <= cap).all(axis=1)], axis=0)
    least = np.array([low for low, _ in ranges], dtype=np.int64)
    return bool((reached >= least).all(axis=1).any())


def _capped(piece: Counts, cap: Ints, is_open: NDArray[np.bool_]) -> Ints | None:
    """Return a piece's count vectors, each once; levels without a maximum count to their minimum."""
    low, high = piece.low, piece.high
    if is_open[piece.axis]:
        low, high = np.minimum(low, cap[piece.axis]), np.minimum(high, cap[piece.axis])
    others = piece.others.copy()
    others[:, is_open] = np.minimum(others[:, is_open], cap[is_open])
    rows = np.unique(np.column_stack([others, low, high]), axis=0)
    many = rows[:, -1] - rows[:, -2] + 1
    if many.sum() > MOST_ROWS:
        return None
    every = np.repeat(rows[:, :-2], many, axis=0)
    step = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    every[:, piece.axis] = np.repeat(rows[:, -2], many) + step
    return np.unique(every, axis=0)


def nearest_totals(
    amount: Amount, ranges: Sequence[tuple[int, int | None]], units: int
) -> tuple[tuple[float, Ints] | None, tuple[float, Ints] | None]:
    """Return the largest total below and the smallest above that zones can hold, with their counts."""
    low, high = amount.ends()
    top = [
        min(units, math.ceil(amount.total / max(a, 1e-9)) + 1 if m is None else m)
        for a, (_, m) in zip(low, ranges, strict=True)
    ]
    spans = [np.arange(f, max(f, t) + 1) for (f, _), t in zip(ranges, top, strict=True)]
    if math.prod(len(span) for span in spans) > MOST_ROWS:
        return None, None
    rows = np.stack([grid.ravel() for grid in np.meshgrid(*spans, indexing="ij")], axis=1).astype(np.int64)
    rows = rows[(rows.sum(axis=1) >= 1) & (rows.sum(axis=1) <= units)]
    least, most = rows @ low, rows @ high
    below, above = np.flatnonzero(most < amount.total), np.flatnonzero(least > amount.total)
    under = below[np.argmax(most[below])] if len(below) else None
    over = above[np.argmin(least[above])] if len(above) else None
    return (
        None if under is None else (float(most[under]), rows[under]),
        None if over is None else (float(least[over]), rows[over]),
    )


def _tolerance(amount: Amount) -> float:
    """Return the rounding that sums of the amount may carry."""
    return 1e-9 * max(1.0, amount.total)
