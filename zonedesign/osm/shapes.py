"""Geometries of simplified edges: their vertices as nodes, and the pieces between these as edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from zonedesign import _roadshape
from zonedesign._roadcolumns import Pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from pyproj import CRS

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

JOINS_M = 1.0
"""A geometry whose ends lie no farther than this from the nodes of its edge is the edge's."""

_CELLS = 100.0  # to a metre: vertices within a centimetre are one
_LINES = (1, 2)  # what shapely numbers LineString and LinearRing


@dataclass(frozen=True, eq=False)
class _Runs:
    """Vertices (v,) of edges that their geometries join, in the direction of travel, ends included.

    `edge` (v,) is which edge each is of, `first` and `last` (v,) whether it is the edge's tail or head.
    """

    edge: Ints
    x: Floats
    y: Floats
    first: Flags
    last: Flags


def lines_of(shapes: Iterable[Any]) -> tuple[NDArray[Any], Flags]:
    """Return the lines of `geometry` values, None where there is none, and which values are no line (m,)."""
    given = list(shapes)
    lines = np.full(len(given), None, dtype=object)
    blank = np.ones(len(given), dtype=np.bool_)
    for at, shape in enumerate(given):
        if shape is None or shape == "" or (isinstance(shape, float) and np.isnan(shape)):
            continue
        blank[at] = False
        if isinstance(shape, str):
            lines[at] = shapely.from_wkt(shape, on_invalid="ignore")
        elif isinstance(shape, shapely.Geometry):
            lines[at] = shape
    lines[~np.isin(shapely.get_type_id(lines), _LINES)] = None
    numbers, of = shapely.get_coordinates(lines, return_index=True)
    lines[of[~np.isfinite(numbers).all(axis=1)]] = None
    lines[shapely.get_num_coordinates(lines) < 2] = None
    return lines, ~blank & shapely.is_missing(lines)


def goes_round(shape: Any) -> bool:
    """Return whether a `geometry` value leads away from where it begins, as that of a loop road does."""
    (line,), _ = lines_of([shape])
    return line is not None and len(np.unique(shapely.get_coordinates(line), axis=0)) > 1


def pieces(
    lines: NDArray[Any],
    turned: Sequence[bool] | Flags,
    ends: tuple[Ints, Ints],
    places: tuple[Floats, Floats],
    crs: tuple[CRS, CRS],
) -> tuple[Pieces | None, Flags]:
    """Return the pieces that the vertices of `lines` (m,) cut edges into, and which lines join no ends (m,).

    `ends` are tails and heads, `places` the nodes' in metres, `crs` those of the lines and of the places. A
    line may run either way along its edge: its ends tell which, and `turned` (m,) where they do not. Edges
    whose vertices are the same, in either direction, share nodes, as two directions of one road do; no
    others. None where there is nothing to cut. An edge from a node to itself is left out unless its line
    leads round.
    """
    runs, astray = _runs(lines, np.asarray(turned, dtype=np.bool_), ends, places, crs)
    inner = ~(runs.first | runs.last)
    loops = ends[0] == ends[1]
    if not inner.any() and not loops.any():
        return None, astray
    nodes, new = _numbered(runs, inner, ends, len(places[0]))
    step = np.flatnonzero(~runs.last)  # each vertex but the last begins a piece
    metres = np.hypot(runs.x[step + 1] - runs.x[step], runs.y[step + 1] - runs.y[step])
    edge = runs.edge[step]
    whole = np.bincount(edge, weights=metres, minlength=len(lines))[edge]
    alone = np.bincount(edge, minlength=len(lines))[edge] == 1
    share = np.where(alone, 1.0, metres / np.where(alone, 1.0, whole))
    tails, heads = nodes[step], nodes[step + 1]
    bare = np.setdiff1d(np.arange(len(lines)), edge)
    edge, tails, heads, share = (
        np.concatenate(both)
        for both in (
            (edge, bare), (tails, ends[0][bare]), (heads, ends[1][bare]), (share, np.ones(len(bare)))
        )
    )  # fmt: skip
    order = np.argsort(edge, kind="stable")
    order = order[tails[order] != heads[order]]
    cut = Pieces(edge[order], tails[order], heads[order], share[order], runs.x[new], runs.y[new])
    return cut, astray


def _runs(
    lines: NDArray[Any],
    turned: Flags,
    ends: tuple[Ints, Ints],
    places: tuple[Floats, Floats],
    crs: tuple[CRS, CRS],
) -> tuple[_Runs, Flags]:
    """Return the vertices of the edges that their lines join, and which lines join none."""
    (tails, heads), (px, py) = ends, places
    numbers, of = shapely.get_coordinates(lines, return_index=True)
    x, y = numbers.T
    if len(x):
        x, y, _ = _roadshape.to_metres(x, y, *crs)
    size = np.bincount(of, minlength=len(lines))
    at = np.flatnonzero(size)
    start = (np.cumsum(size) - size)[at]
    stop = start + size[at] - 1

    def apart(vertex: Ints, node: Ints) -> Floats:
        return np.asarray(np.hypot(x[vertex] - px[node], y[vertex] - py[node]))

    along = np.maximum(apart(start, tails[at]), apart(stop, heads[at]))
    against = np.maximum(apart(stop, tails[at]), apart(start, heads[at]))
    joined = np.minimum(along, against) <= JOINS_M
    astray = np.zeros(len(lines), dtype=np.bool_)
    astray[at[~joined]] = True
    flip = ((against < along) | ((against == along) & turned[at]))[joined]
    at, start, stop = at[joined], start[joined], stop[joined]
    own = np.repeat(np.arange(len(at)), size[at])
    rank = np.arange(len(own)) - np.repeat(np.cumsum(size[at]) - size[at], size[at])
    source = np.where(flip[own], stop[own] - rank, start[own] + rank)
    edge, x, y = at[own], x[source], y[source]
    first, last = rank == 0, rank == size[edge] - 1
    for where, node in ((first, tails), (last, heads)):
        x[where], y[where] = px[node[edge[where]]], py[node[edge[where]]]
    keep = _distinct(_cells(x, y), first, last)
    return _Runs(edge[keep], x[keep], y[keep], first[keep], last[keep]), astray


def _cells(x: Floats, y: Floats) -> Ints:
    return np.round(np.column_stack([x, y]) * _CELLS).astype(np.int64)


def _distinct(cells: Ints, first: Flags, last: Flags) -> Flags:
    """Return which vertices to keep: of those in one place one after another one, of an edge's ends both."""
    keep = np.ones(len(cells), dtype=np.bool_)
    keep[1:] = (cells[1:] != cells[:-1]).any(axis=1)
    keep |= first
    run = np.maximum.accumulate(np.where(keep, np.arange(len(keep)), 0))  # where each one's place begins
    head = np.flatnonzero(last & ~keep)
    keep[run[head]] = first[run[head]]
    keep[head] = True
    return keep


def _numbered(runs: _Runs, inner: Flags, ends: tuple[Ints, Ints], known: int) -> tuple[Ints, Ints]:
    """Return the nodes (v,) at the vertices, new ones from `known` on, and the vertex of each new node."""
    tails, heads = ends
    nodes = np.where(runs.first, tails[runs.edge], heads[runs.edge])
    between = np.flatnonzero(inner)
    edges, start, size = np.unique(runs.edge[between], return_index=True, return_counts=True)
    cells = _cells(runs.x, runs.y)
    seen: dict[tuple[int, int, bytes], int] = {}
    new: list[Ints] = []
    count = known
    for a, b, begin, many in zip(
        tails[edges].tolist(), heads[edges].tolist(), start.tolist(), size.tolist(), strict=True
    ):
        own = between[begin : begin + many]
        there, back = cells[own].tobytes(), cells[own[::-1]].tobytes()
        if a > b or (a == b and back < there):  # one name for both directions
            own, there = own[::-1], back
        key = min(a, b), max(a, b), there
        if key not in seen:
            seen[key], count = count, count + many
            new.append(own)
        nodes[own] = seen[key] + np.arange(many)
    return nodes, np.concatenate(new) if new else np.zeros(0, dtype=np.int64)
