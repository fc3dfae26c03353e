"""What touches what: the contiguity graph of the units, its components and its bridges."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from scipy import sparse
from scipy.sparse import csgraph

from zonedesign._outlines import shared_m
from zonedesign._roadshape import in_metres, metre_crs
from zonedesign.errors import DataError, ScenarioError, counted, listed, require_columns, require_unique

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


_IN_PIECES = "the units are in"


@dataclass(frozen=True, eq=False, repr=False)
class Contiguity:
    """An undirected graph over the units: which two are neighbours.

    `pairs` is (k, 2) positions into `ids`, smaller first, sorted, without repeats or loops; `boundary_m` (k,)
    is the length in metres that a pair shares (zero where it only touches, or where no geometry is known);
    `bridges` are the pairs of ids that were joined on purpose, in the order joined; `notes` say in plain
    words what was joined and what still stands apart.
    """

    ids: pd.Index[Any]
    pairs: Ints
    boundary_m: Floats
    bridges: tuple[tuple[Any, Any], ...] = ()
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def from_pairs(
        cls,
        ids: pd.Index[Any],
        pairs: Iterable[tuple[Any, Any]],
        bridges: tuple[tuple[Any, Any], ...] = (),
    ) -> Contiguity:
        """Return the graph of `pairs` of ids; loops are dropped, repeats and reversals count once.

        Raises `DataError` for an id that is not in `ids`.
        """
        try:
            couples = [(a, b) for a, b in pairs]
        except ValueError:
            raise DataError("contiguity is not made of pairs of ids; give two ids in each") from None
        ends = pd.Index([a for a, _ in couples]), pd.Index([b for _, b in couples])
        if not couples:
            return cls(ids, np.zeros((0, 2), dtype=np.int64), np.zeros(0), bridges)
        left, right = (ids.get_indexer(end) for end in ends)
        strangers = [*ends[0][left < 0], *ends[1][right < 0]]
        if strangers:
            raise DataError(
                f"contiguity names {len(set(strangers)):,} ids that are no unit: "
                f"{listed(dict.fromkeys(strangers))}"
            )
        both = np.column_stack([np.minimum(left, right), np.maximum(left, right)]).astype(np.int64)
        both = np.unique(both[both[:, 0] != both[:, 1]], axis=0)
        return cls(ids, both, np.zeros(len(both)), bridges)

    @classmethod
    def from_graph(cls, ids: pd.Index[Any], graph: Any) -> Contiguity:
        """Return the caller's graph: a `Contiguity`, a libpysal `Graph` or `W`, a networkx graph, or pairs.

        Raises `DataError` for an id that is not in `ids`, and for something that is none of these.
        """
        if isinstance(graph, Contiguity):
            return graph
        if hasattr(graph, "adjacency"):  # networkx has a method of that name, libpysal's Graph a Series
            # an isolate of libpysal's is a loop of weight 0: loops go, a neighbour of weight 0 stays
            edges = graph.edges() if callable(graph.adjacency) else graph.adjacency.index
            return cls.from_pairs(ids, ((edge[0], edge[1]) for edge in edges))
        if isinstance(getattr(graph, "neighbors", None), dict):  # libpysal W
            return cls.from_pairs(ids, ((a, b) for a, near in graph.neighbors.items() for b in near))
        try:
            return cls.from_pairs(ids, graph)
        except TypeError:
            raise DataError(
                f"contiguity is a {type(graph).__name__}; give a libpysal Graph or W, a networkx graph, or "
                "pairs of ids"
            ) from None

    @cached_property
    def csr(self) -> tuple[Ints, Ints, Floats]:
        """The graph both ways: `indptr` (n + 1,), `neighbours` (2k,) and `boundary_m` (2k,), rows sorted."""
        heads = np.concatenate([self.pairs[:, 0], self.pairs[:, 1]])
        tails = np.concatenate([self.pairs[:, 1], self.pairs[:, 0]])
        lengths = np.concatenate([self.boundary_m, self.boundary_m])
        order = np.lexsort((tails, heads))
        indptr = np.zeros(len(self.ids) + 1, dtype=np.int64)
        np.cumsum(np.bincount(heads, minlength=len(self.ids)), out=indptr[1:])
        return indptr, tails[order], lengths[order]

    @cached_property
    def component(self) -> Ints:
        """The component of every unit (n,), numbered from 0 in the order of their first unit."""
        return _pieces(len(self.ids), self.pairs)

    def __repr__(self) -> str:
        parts = int(self.component.max(initial=-1)) + 1
        degree = np.bincount(self.pairs.ravel(), minlength=len(self.ids))
        return (
            f"<Contiguity: {len(self.ids):,} units, {len(self.pairs):,} pairs, {parts:,} components, "
            f"{int((degree == 0).sum()):,} isolates, {len(self.bridges):,} bridges>"
        )


def touching(shapes: gpd.GeoSeries, *, tolerance_m: float = 30.0, bridges: Any = "nearest") -> Contiguity:
    """Return which units touch: polygons within `tolerance_m` of each other, corners included.

    `boundary_m` is what a pair shares of its outlines (see `_outlines.shared_m`). `bridges` then joins what
    is in pieces: see `bridged`. Degrees are projected; measures are metres. Raises `DataError` for units
    without a CRS, a shape or an area, and for ids that repeat; `ScenarioError` for a negative tolerance.
    """
    if not 0 <= tolerance_m < math.inf:
        raise ScenarioError(f"the contiguity tolerance is {tolerance_m} m; give 0 or more")
    require_unique(shapes.index, "unit id", "the units")
    polygons = _polygons(shapes)
    left, right = shapely.STRtree(polygons).query(polygons, predicate="dwithin", distance=tolerance_m)
    pairs = np.column_stack([left, right]).astype(np.int64)[left < right]
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    graph = Contiguity(shapes.index, pairs, shared_m(polygons, pairs, tolerance_m))
    return _bridged(graph, polygons, bridges)


def bridged(graph: Contiguity, shapes: gpd.GeoSeries, bridges: Any = "nearest") -> Contiguity:
    """Return the graph with its pieces joined on purpose, each bridge recorded and said in `notes`.

    "nearest": the smallest piece first (by units, ties by smallest id) is joined to its nearest unit of
    another piece (distance between polygons, ties by ids), until there is one piece. Pairs of ids: just
    these. "none": none. Raises `DataError` for ids that are no unit, `ScenarioError` for another word.
    """
    if not graph.ids.equals(shapes.index):
        raise DataError("the shapes are not on the ids of the contiguity graph, in their order")
    told = tuple(note for note in graph.notes if not note.startswith(_IN_PIECES))
    return _bridged(replace(graph, notes=told), _polygons(shapes), bridges)


def joined_by_road(
    graph: Contiguity, shapes: gpd.GeoSeries, nodes: pd.DataFrame, edges: pd.DataFrame, *, crs: Any = None
) -> Contiguity:
    """Return the graph with units joined too where a road leads from one to the other through no third unit.

    `nodes` (by node id: `x`, `y` in `crs`, else in the frame's own CRS or the shapes') and `edges` (`from`,
    `to`, any direction) are what `RoadNetwork.to_frames` gives. A node is in the unit whose polygon holds it.
    Two units are joined by an edge from one to the other, and by roads outside all units (a bridge, a coast
    road beyond a generalised outline) that lead to both. Raises `DataError` for missing columns and edges to
    unknown nodes.
    """
    if not graph.ids.equals(shapes.index):
        raise DataError("the shapes are not on the ids of the contiguity graph, in their order")
    require_columns(nodes.columns, ("x", "y"), "the road nodes")
    require_columns(edges.columns, ("from", "to"), "the road edges")
    ends = [nodes.index.get_indexer(pd.Index(edges[side])) for side in ("from", "to")]
    strange = (ends[0] < 0) | (ends[1] < 0)
    if strange.any():
        raise DataError(
            f"{counted(int(strange.sum()), 'road edge')} of {len(edges):,} lead to nodes that are not there"
        )
    unit = _unit_of(shapes, nodes, crs)
    tails, heads = unit[ends[0]], unit[ends[1]]
    direct = np.column_stack([tails, heads])[(tails >= 0) & (heads >= 0) & (tails != heads)]
    outside = np.column_stack(ends)[(tails < 0) & (heads < 0)]
    piece = _pieces(len(nodes), outside)
    brink = (tails < 0) != (heads < 0)
    road = np.where(tails < 0, ends[0], ends[1])[brink]
    meets = np.unique(np.column_stack([piece[road], np.maximum(tails, heads)[brink]]), axis=0)
    around = [np.zeros((0, 2), dtype=np.int64)]
    groups = np.split(meets[:, 1], np.flatnonzero(np.diff(meets[:, 0])) + 1)
    for units in groups:
        one, two = np.triu_indices(len(units), k=1)
        around.append(np.column_stack([units[one], units[two]]))
    found, added = _with_pairs(graph, np.vstack([direct, *around]))
    several = [len(units) for units in groups if len(units) > 1]
    note = f"{counted(added, 'pair')} of units that do not touch joined by road"
    if several:
        note += (
            f"; {counted(len(several), 'road')} outside all units lead to several (at most {max(several):,})"
        )
    return replace(found, notes=(*graph.notes, note))


def components(graph: Contiguity, members: Ints) -> Ints:
    """Return the piece (m,) that each of `members` (positions, no repeats) is in when only they are there.

    Pieces are numbered from 0 in the order of their first member.
    """
    indptr, neighbours, _ = graph.csr
    place = {int(unit): at for at, unit in enumerate(members)}
    label = np.full(len(place), -1, dtype=np.int64)
    found = 0
    for start, first in enumerate(place):
        if label[start] >= 0:
            continue
        label[start], stack = found, [first]
        while stack:
            unit = stack.pop()
            for other in neighbours[indptr[unit] : indptr[unit + 1]].tolist():
                at = place.get(other)
                if at is not None and label[at] < 0:
                    label[at] = found
                    stack.append(other)
        found += 1
    return label


def is_connected(graph: Contiguity, members: Ints) -> bool:
    """Return whether `members` (positions) hang together by themselves; none or one do."""
    return int(components(graph, members).max(initial=0)) == 0


def _pieces(n: int, pairs: Ints) -> Ints:
    """Return the component (n,) of everything that `pairs` join, numbered in the order of their firsts."""
    ends = pairs[:, 0], pairs[:, 1]
    table = sparse.coo_array((np.ones(len(pairs), dtype=np.int32), ends), shape=(n, n)).tocsr()
    _, label = csgraph.connected_components(table, directed=False)
    _, first, again = np.unique(label, return_index=True, return_inverse=True)
    number = np.empty(len(first), dtype=np.int64)
    number[np.argsort(first)] = np.arange(len(first))
    ordered: Ints = number[again]
    return ordered


def _with_pairs(graph: Contiguity, pairs: Ints) -> tuple[Contiguity, int]:
    """Return the graph with `pairs` of positions added, in any order or twice, and how many were new."""
    n = np.int64(len(graph.ids))
    old = graph.pairs[:, 0] * n + graph.pairs[:, 1]
    new = np.setdiff1d(pairs.min(axis=1) * n + pairs.max(axis=1), old)
    keys = np.concatenate([old, new])
    lengths = np.concatenate([graph.boundary_m, np.zeros(len(new))])
    order = np.argsort(keys, kind="stable")
    both = np.column_stack([keys[order] // n, keys[order] % n])
    return replace(graph, pairs=both, boundary_m=lengths[order]), len(new)


def _polygons(shapes: gpd.GeoSeries) -> NDArray[Any]:
    """Return the valid polygons of the units in metres, or raise `DataError`."""
    absent = shapes.index[shapes.isna() | shapes.is_empty]
    if len(absent):
        raise DataError(
            f"{counted(len(absent), 'unit')} without geometry: {listed(absent)}; "
            "give each a shape or exclude it"
        )
    if shapes.crs is None:
        raise DataError("the units' shapes have no CRS; set the one they are in with set_crs(...)")
    flat = shapes.index[shapely.get_dimensions(shapes.to_numpy()) < 2]
    if len(flat):
        raise DataError(
            f"{counted(len(flat), 'unit')} without an area, only points or lines: {listed(flat)}; "
            "give polygons, or contiguity= with a graph or pairs of ids"
        )
    if not in_metres(CRS.from_user_input(shapes.crs)):
        west, south, east, north = shapes.to_crs(4326).total_bounds
        shapes = shapes.to_crs(metre_crs(np.array([west, east]), np.array([south, north])))
    polygons: NDArray[Any] = shapes.to_numpy().copy()
    broken = ~shapely.is_valid(polygons)
    polygons[broken] = shapely.make_valid(polygons[broken])
    return polygons


def _unit_of(shapes: gpd.GeoSeries, nodes: pd.DataFrame, crs: Any) -> Ints:
    """Return the position (n,) of the unit that holds each road node, -1 outside; of several, the first."""
    import geopandas as gpd  # noqa: PLC0415  (only here)

    own = crs or getattr(nodes, "crs", None) or shapes.crs
    places = gpd.GeoSeries.from_xy(nodes["x"], nodes["y"], index=nodes.index, crs=own).to_crs(shapes.crs)
    polygons = shapes.to_numpy()
    holder, node = shapely.STRtree(places.to_numpy()).query(polygons, predicate="intersects")
    unit = np.full(len(nodes), len(polygons), dtype=np.int64)
    np.minimum.at(unit, node, holder)
    unit[unit == len(polygons)] = -1
    return unit


def _bridged(graph: Contiguity, polygons: NDArray[Any], bridges: Any) -> Contiguity:
    """Return what `bridged` says, for polygons in metres."""
    if isinstance(bridges, str):
        if bridges not in {"nearest", "none"}:
            raise ScenarioError(f"bridges = '{bridges}'; give 'nearest', 'none' or pairs of ids")
        if bridges == "nearest":
            return _nearest_bridges(graph, polygons)
    else:
        graph = _stated_bridges(graph, polygons, bridges)
    parts = np.bincount(graph.component)
    if len(parts) > 1:
        sizes = listed((f"{size:,}" for size in sorted(parts, reverse=True)), 8)
        note = f"{_IN_PIECES} {len(parts):,} pieces, of {sizes} units"
        graph = replace(graph, notes=(*graph.notes, note))
    return graph


def _stated_bridges(graph: Contiguity, polygons: NDArray[Any], bridges: Iterable[Any]) -> Contiguity:
    """Return the graph with stated pairs of ids joined; those that touch anyway are noted."""
    couples = [tuple(pair) for pair in bridges]
    if any(len(pair) != 2 or pair[0] == pair[1] for pair in couples):
        raise DataError("bridges are pairs of different ids, two in each")
    Contiguity.from_pairs(graph.ids, couples)  # raises for ids that are no unit
    for a, b in couples:
        one, two = graph.ids.get_indexer(pd.Index([a, b]))
        joined, added = _with_pairs(graph, np.array([[one, two]], dtype=np.int64))
        if added:
            gap = float(shapely.distance(polygons[one], polygons[two]))
            note = f"{a} is joined to {b} by a stated bridge of {gap:,.0f} m"
            graph = replace(joined, bridges=(*graph.bridges, (a, b)), notes=(*graph.notes, note))
        else:
            graph = replace(
                graph, notes=(*graph.notes, f"the stated bridge {a} to {b} joins units that touch anyway")
            )
    return graph


def _nearest_bridges(graph: Contiguity, polygons: NDArray[Any]) -> Contiguity:
    """Return the graph in one piece: the smallest is joined to its nearest unit outside, and again."""
    rank = _rank(graph.ids)
    label = graph.component.copy()
    pairs, bridges, notes = [], [], []
    while label.max(initial=0) > 0:
        numbers, at, sizes = np.unique(label, return_inverse=True, return_counts=True)
        least = np.full(len(numbers), len(rank))
        np.minimum.at(least, at, rank)
        smallest = np.lexsort((least, sizes))[0]
        inside, beyond = np.flatnonzero(at == smallest), np.flatnonzero(at != smallest)
        (mine, other), gap = shapely.STRtree(polygons[beyond]).query_nearest(
            polygons[inside], return_distance=True
        )
        nearest = np.flatnonzero(gap <= gap.min() + 1e-6)
        one, two = inside[mine[nearest]], beyond[other[nearest]]
        best = np.lexsort((rank[two], rank[one]))[0]
        a, b = one[best], two[best]
        pairs.append((a, b))
        bridges.append((graph.ids[a], graph.ids[b]))
        notes.append(
            f"{graph.ids[a]}, of a piece of {counted(len(inside), 'unit')}, is joined to {graph.ids[b]}, "
            f"the nearest beyond it, by a bridge of {gap.min():,.0f} m"
        )
        label[inside] = label[b]
        label = np.unique(label, return_inverse=True)[1]
    if not pairs:
        return graph
    joined, _ = _with_pairs(graph, np.array(pairs, dtype=np.int64))
    return replace(joined, bridges=(*graph.bridges, *bridges), notes=(*graph.notes, *notes))


def _rank(ids: pd.Index[Any]) -> Ints:
    """Return the rank (n,) of every id: numbers by size, everything else as text."""
    keys = ids.to_numpy() if pd.api.types.is_numeric_dtype(ids.dtype) else np.array([str(i) for i in ids])
    rank = np.empty(len(ids), dtype=np.int64)
    rank[np.argsort(keys, kind="stable")] = np.arange(len(ids))
    return rank
