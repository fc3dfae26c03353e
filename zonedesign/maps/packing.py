"""Packing: travel times and shapes made small enough to stand inside a page that is e-mailed.

Minutes are whole numbers of a fine grid, a millionth of a minute where they fit. Row after row, each is told
as what it adds to a guess: as much longer or shorter than in the row above as its neighbour to the left was.
Roads make nearly every guess right to the last place, so a county's millions of pairs take few megabytes.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from zonedesign._graphs import spread
from zonedesign.levels import SLACK

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import NDArray

    from zonedesign.traveltimes import TravelTimes

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

EXACT_PAIRS = 200_000
"""Up to so many pairs minutes stand as they are, to the last bit: 450 units that all reach each other."""
SQUEEZE = 7
"""How hard deflate tries: the last two steps would take eight times as long for 4 % less."""
MOST = 2**29
"""Grid numbers stay below this, so that what one adds to its guess fits in four bytes."""
SCALES = (1_000_000, 100_000, 10_000, 1000, 100, 10, 1)


def packed(content: bytes) -> str:
    """Return bytes as raw deflate in base64."""
    squeeze = zlib.compressobj(SQUEEZE, zlib.DEFLATED, -15)
    return base64.b64encode(squeeze.compress(content) + squeeze.flush()).decode("ascii")


def packed_json(data: Any) -> str:
    """Return plain data as packed JSON."""
    return packed(json.dumps(data, separators=(",", ":"), allow_nan=False).encode("utf-8"))


def packed_times(times: TravelTimes, ids: pd.Index[Any], limits: Iterable[float]) -> dict[str, Any]:
    """Return the minutes among units for a page, as plain data with two packed texts.

    `present` packs a bit for every pair (rows are origins, padded to bytes), `minutes` a plane for every byte
    of the present pairs' numbers. With `scale` 0 these are float64, little-endian; else what a grid number of
    at most `most` adds to its guess, zigzag. No comparison of a minute with one of the `limits` (and the
    slack) comes out another way than with the minute itself. `selves`: an absent way to itself takes no time.
    """
    start, end, minutes = _square(times, ids)
    n = len(ids)
    mask = np.zeros((n, n), dtype=bool)
    mask[start, end] = True
    grid = None if len(minutes) <= EXACT_PAIRS else on_grid(minutes, limits)
    if grid is None:
        scale, planes = 0, minutes.astype("<f8").view(np.uint8).reshape(-1, 8).T
    else:
        scale = grid[0]
        added = _beyond_guess(grid[1], np.bincount(start, minlength=n), end)
        zigzag = ((added << 1) ^ (added >> 63)).astype("<u4")
        wide = zigzag.view(np.uint8).reshape(-1, 4).T
        planes = wide[: max(1, (int(zigzag.max(initial=0)).bit_length() + 7) // 8)]
    return {
        "units": n,
        "pairs": len(minutes),
        "scale": scale,
        "most": 0 if grid is None else int(grid[1].max()),
        "planes": len(planes),
        "present": packed(np.packbits(mask, axis=1).tobytes()),
        "minutes": packed(np.ascontiguousarray(planes).tobytes()),
        "selves": times.ways is None and times.snapped_m is None,
    }


def on_grid(minutes: Floats, limits: Iterable[float]) -> tuple[int, Ints] | None:
    """Return (scale, numbers) with `numbers / scale` near the minutes, on the same side of every limit.

    Each number is the nearest unless that lies across a limit, and then the next on the minute's own side.
    None where no grid is fine enough to tell two of the limits apart.
    """
    ends = np.unique([limit + SLACK for limit in limits])
    side = np.searchsorted(ends, minutes)
    for scale in SCALES:
        if minutes.max(initial=0.0) * scale >= MOST:
            continue
        nearest = np.rint(minutes * scale)
        there = np.searchsorted(ends, nearest / scale)
        numbers = nearest + np.sign(side - there)
        if (np.searchsorted(ends, numbers / scale) == side).all() and (numbers >= 0).all():
            return scale, numbers.astype(np.int64)
        return None  # a coarser grid tells limits apart even less
    return None


def _beyond_guess(numbers: Ints, counts: Ints, end: Ints) -> Ints:
    """Return what every number adds to its guess from the row above and the number to its left.

    Where a pair is absent the guess stands in its place, held between nothing and the largest number.
    """
    n, most = len(counts), int(numbers.max(initial=0))
    above = np.zeros(n, dtype=np.int64)
    places = np.split(np.arange(len(numbers)), np.cumsum(counts)[:-1])
    added = np.empty(len(numbers), dtype=np.int64)
    for at in places:
        columns = end[at]
        longer = numbers[at] - above[columns]
        added[at] = np.diff(longer, prepend=0)
        present = np.zeros(n, dtype=np.int64)
        present[columns] = 1
        carried = np.concatenate([[0], longer])[np.cumsum(present)]
        above = np.clip(above + carried, 0, most)
    return added


def _square(times: TravelTimes, ids: pd.Index[Any]) -> tuple[Ints, Ints, Floats]:
    """Return (from, to, minutes) of all finite pairs among units, sorted: the table itself, nothing added."""
    rows, columns = (np.asarray(e.get_indexer(ids)) for e in (times.origins, times.destinations))
    place = np.full(len(times.destinations), -1, dtype=np.int64)
    place[columns] = np.arange(len(ids))
    at, start = spread(times.indptr, rows)
    end, minutes = place[times.indices[at]], times.minutes[at]
    keep = (end >= 0) & np.isfinite(minutes)
    start, end, minutes = start[keep], end[keep], minutes[keep]
    places = start * len(ids) + end
    if not (np.diff(places) > 0).all():  # as a rule they are in order: sorting millions takes a second
        order = np.argsort(places, kind="stable")
        start, end, minutes = start[order], end[order], minutes[order]
    return start, end, np.asarray(minutes, dtype=np.float64)


def packed_shapes(shapes: NDArray[np.object_], origin: tuple[float, float], decimals: int) -> list[Any]:
    """Return shapes as nested lists of whole numbers: parts, their rings, and in a ring x, y, then steps.

    A part is a polygon's rings, or one line; numbers are units of the last decimal of a degree.
    """
    parts, of_shape = shapely.get_parts(shapes, return_index=True)
    rings, of_part = _rings(parts)
    xy, of_ring = shapely.get_coordinates(rings, return_index=True)
    whole = np.rint((xy - np.array(origin)) * 10**decimals).astype(np.int64)
    first = np.diff(of_ring, prepend=-1) > 0
    steps = np.where(first[:, None], whole, np.diff(whole, axis=0, prepend=whole[:1])).ravel().tolist()
    ends = (2 * np.cumsum(np.bincount(of_ring, minlength=len(rings)))).tolist()
    by_part: list[list[list[int]]] = [[] for _ in parts]
    for start, end, part in zip([0, *ends], ends, of_part.tolist(), strict=False):
        by_part[part].append(steps[start:end])
    by_shape: list[Any] = [[] for _ in shapes]
    for made, shape in zip(by_part, of_shape.tolist(), strict=True):
        by_shape[shape].append(made)
    return by_shape


def _rings(parts: NDArray[np.object_]) -> tuple[NDArray[np.object_], Ints]:
    """Return the rings of polygons, and other parts as they are, each with the number of its part."""
    areas = shapely.get_dimensions(parts) == 2
    rings, of_area = shapely.get_rings(parts[areas], return_index=True)
    every = np.concatenate([rings, parts[~areas]])
    of_part = np.concatenate([np.flatnonzero(areas)[of_area], np.flatnonzero(~areas)])
    order = np.argsort(of_part, kind="stable")
    return every[order], of_part[order]
