"""Outlines: how many metres of boundary two units share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Shapes = NDArray[Any]

PIECE_M = 25.0
"""Longest piece of outline that is given to one neighbour as a whole."""

SAME_M = 1e-3
"""Corners that agree to the millimetre are the same corner."""

_COS_45 = 0.5**0.5


def shared_m(polygons: Shapes, pairs: Ints, tolerance_m: float) -> Floats:
    """Return the metres of boundary (k,) that each of `pairs` (k, 2), sorted positions of polygons, shares.

    Each piece of an outline belongs to the nearest other unit within the tolerance that it faces (by 45
    degrees or less; several equally near share it), and two units share half the sum of what belongs to the
    other on either outline. The measure is symmetric, needs no common vertices, gives the common edge of
    polygons that fit, and 0 to units that meet at a corner.
    """
    unit, start, end = _segments(polygons)
    length = np.hypot(*(end - start).T)
    twin = _twins(unit, start, end)
    whole = twin >= 0
    loose = np.flatnonzero(~whole)
    piece, other, share = _nearest_units(polygons, unit[loose], start[loose], end[loose], tolerance_m)
    here = np.concatenate([unit[whole], unit[loose][piece]])
    there = np.concatenate([twin[whole], other])
    metres = np.concatenate([length[whole], share])
    n = np.int64(len(polygons))
    known = pairs[:, 0] * n + pairs[:, 1]
    key = np.minimum(here, there) * n + np.maximum(here, there)
    at = np.minimum(np.searchsorted(known, key), max(0, len(known) - 1))
    kept = known[at] == key if len(known) else np.zeros(len(key), dtype=np.bool_)
    halves = np.bincount(at[kept], weights=metres[kept] / 2.0, minlength=len(known))
    return halves.astype(np.float64)


def _segments(polygons: Shapes) -> tuple[Ints, Floats, Floats]:
    """Return the unit (s,), start and end (s, 2) of every segment of every outline, holes included."""
    parts, owner = shapely.get_parts(polygons, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    along = ring[1:] == ring[:-1]
    along &= (corners[1:] != corners[:-1]).any(axis=1)
    unit = owner[part[ring[:-1][along]]].astype(np.int64)
    return unit, corners[:-1][along], corners[1:][along]


def _twins(unit: Ints, start: Floats, end: Floats) -> Ints:
    """Return the other unit (s,) whose outline has the very same segment; -1 where none or several have."""
    corners = np.round(np.column_stack([start, end]) / SAME_M).astype(np.int64)
    turned = (corners[:, 0] > corners[:, 2]) | (
        (corners[:, 0] == corners[:, 2]) & (corners[:, 1] > corners[:, 3])
    )
    corners[turned] = corners[turned][:, [2, 3, 0, 1]]
    order = np.lexsort(corners.T)
    ordered = corners[order]
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    begins = np.flatnonzero(first)
    couples = begins[np.diff(np.append(begins, len(order))) == 2]
    left, right = order[couples], order[couples + 1]
    apart = unit[left] != unit[right]
    left, right = left[apart], right[apart]
    twin = np.full(len(unit), -1, dtype=np.int64)
    twin[left], twin[right] = unit[right], unit[left]
    return twin


def _nearest_units(
    polygons: Shapes, unit: Ints, start: Floats, end: Floats, tolerance_m: float
) -> tuple[Ints, Ints, Floats]:
    """Return (segment, other unit, metres) for every piece of segment with another unit in tolerance."""
    length = np.hypot(*(end - start).T)
    cuts = np.maximum(1, np.ceil(length / PIECE_M)).astype(np.int64)
    segment = np.repeat(np.arange(len(unit)), cuts)
    nth = np.arange(len(segment)) - np.repeat(np.cumsum(cuts) - cuts, cuts)
    share = ((nth + 0.5) / cuts[segment])[:, None]
    middles = shapely.points(start[segment] * (1.0 - share) + end[segment] * share)
    reach = max(tolerance_m, SAME_M)
    piece, other = shapely.STRtree(polygons).query(middles, predicate="dwithin", distance=reach)
    foreign = unit[segment[piece]] != other
    piece, other = piece[foreign], other[foreign]
    across = shapely.get_coordinates(shapely.shortest_line(middles[piece], polygons[other])).reshape(-1, 2, 2)
    across = across[:, 1] - across[:, 0]
    apart = np.hypot(*across.T)
    along = (end - start)[segment[piece]]
    # past a corner the neighbour lies ahead along the outline, not across it
    facing = np.abs((across * along).sum(axis=1)) <= _COS_45 * apart * length[segment[piece]] + SAME_M**2
    least = np.full(len(segment), np.inf)
    np.minimum.at(least, piece, apart)
    near = facing & (apart <= least[piece] + SAME_M)
    piece, other = piece[near], other[near]
    sharers = np.bincount(piece, minlength=len(segment))
    metres = (length / cuts)[segment[piece]] / sharers[piece]
    return segment[piece], other.astype(np.int64), metres
