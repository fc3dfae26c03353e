"""Tables of all pairs of units, kept as tiles: only where some pair is within reach.

Units that are near each other have numbers near each other (along a Hilbert curve through their points, or by
bandwidth of the graph where there are none), so that what a unit can reach lies in few tiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from zonedesign.problem import Problem
    from zonedesign.solve._state import Case, Records

    Ints = NDArray[np.int64]
    Indices = NDArray[np.int32]
    Floats = NDArray[np.float64]

SIDE = 64
"""Units along the side of a tile; kernels write it as shifts by `BITS`."""
BITS = 6
STEP = 4_000_000
"""Pairs that are put into tiles at a time."""


def by_place(problem: Problem) -> Ints:
    """Return the positions of the units (n,) in an order that keeps near ones together."""
    units, n = problem.units, len(problem.units)
    if n <= SIDE:
        return np.arange(n, dtype=np.int64)
    if units.points is not None:
        x, y = units.points.x.to_numpy(), units.points.y.to_numpy()
        if np.isfinite(x).all() and np.isfinite(y).all():
            return np.argsort(_along_curve(x, y), kind="stable").astype(np.int64)
    if units.contiguity is not None:
        from scipy import sparse  # noqa: PLC0415

        indptr, near, _ = units.contiguity.csr
        graph = sparse.csr_array((np.ones(len(near)), near, indptr), shape=(n, n))
        order = sparse.csgraph.reverse_cuthill_mckee(sparse.csr_matrix(graph), symmetric_mode=True)
        return np.asarray(order, dtype=np.int64)
    return np.arange(n, dtype=np.int64)


def _along_curve(x: Floats, y: Floats, bits: int = 16) -> Ints:
    """Return how far along a Hilbert curve through their square every point (n,) lies."""
    size = max(float(np.ptp(x)), float(np.ptp(y))) or 1.0
    most = (1 << bits) - 1
    across = np.minimum((x - x.min()) / size * most, most).astype(np.int64)
    up = np.minimum((y - y.min()) / size * most, most).astype(np.int64)
    along = np.zeros(len(x), dtype=np.int64)
    for bit in range(bits - 1, -1, -1):
        right, upper = (across >> bit) & 1, (up >> bit) & 1
        along += (1 << (2 * bit)) * ((3 * right) ^ upper)
        turned = (upper == 0) & (right == 1)
        across, up = np.where(turned, most - across, across), np.where(turned, most - up, up)
        across, up = np.where(upper == 0, up, across), np.where(upper == 0, across, up)
    return along


def tiled(n: int, groups: Iterator[tuple[Ints, Ints]]) -> tuple[Indices, int]:
    """Return where in the table every tile (side, side) begins, and how many pairs the table has.

    `groups` yields pairs of units, by row and column; the first tile stands for all that hold none of them.
    """
    side = max(1, -(-n // SIDE))
    held = np.zeros((side, side), dtype=np.bool_)
    for rows, columns in groups:
        held[rows >> BITS, columns >> BITS] = True
    tile = np.where(held, np.cumsum(held.ravel()).reshape(side, side) << (2 * BITS), 0)
    return tile.astype(np.int32), (int(held.sum()) + 1) << (2 * BITS)


def place_of(tile: Indices, rows: Ints, columns: Ints) -> Ints:
    """Return where in the table pairs stand; `rows` and `columns` are arrays that numpy can broadcast."""
    begin: Ints = tile[rows >> BITS, columns >> BITS].astype(np.int64)
    begin += ((rows & (SIDE - 1)) << BITS) + (columns & (SIDE - 1))
    return begin


def pairs_of(case: Case, rows: Any, columns: Any) -> Records:
    """Return the records of pairs, [unit, centre], by the numbers that the search gives units."""
    found: Records = case.table[place_of(case.tile, np.asarray(rows), np.asarray(columns))]
    return found


def spans(indptr: Ints) -> Iterator[tuple[int, int, int, int]]:
    """Yield rows of a sparse table in pieces: first and last row, first and last entry."""
    first, n = 0, len(indptr) - 1
    while first < n:
        last = int(np.searchsorted(indptr, indptr[first] + STEP, side="right")) - 1
        last = min(n, max(last, first + 1))
        yield first, last, int(indptr[first]), int(indptr[last])
        first = last


def rows_of(case: Case) -> Ints:
    """Return the unit (pairs,) in whose row every pair of neighbours stands."""
    begin, end = case.units["pairs_from"], case.units["pairs_to"]
    return np.repeat(np.arange(len(case.units)), end - begin)


def scaled(case: Case, factors: NDArray[np.float32]) -> Case:
    """Return the case with the minutes to every centre times its factor (n,)."""
    table, wide = case.table.copy(), np.ones(case.tile.shape[1] << BITS, dtype=np.float32)
    wide[: len(factors)] = factors
    minutes = table["minutes"]
    for row, column in np.argwhere(case.tile > 0).tolist():
        begin = int(case.tile[row, column])
        minutes[begin : begin + SIDE * SIDE] *= np.tile(wide[column << BITS : (column + 1) << BITS], SIDE)
    units = case.units.copy()
    units["longest"] *= factors.max(initial=1.0)  # no unit's farthest centre is farther
    return case._replace(table=table, units=units)
