"""Routes: the way that a travel time stands for, as a line, its length, and minutes by class of road."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from zonedesign._manytomany import graph_of
from zonedesign.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign._graphs import Graph
    from zonedesign.roads import RoadNetwork
    from zonedesign.snapping import Snapping

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ways:
    """What travel times were measured on: the roads, where both ends meet them, and whether turns count."""

    roads: RoadNetwork
    starts: Snapping
    ends: Snapping
    turn_delays: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Route:
    """The quickest way from one point to another.

    By stretch, in the order driven: `edges` (positions in the roads' edges), the part of each that is driven,
    `begun` to `ended` (0 to 1), and `edge_minutes`, junctions and turns included. `access_minutes` is
    what the way to the road and parking add.
    """

    origin: Any
    destination: Any
    roads: RoadNetwork
    edges: Ints
    begun: Floats
    ended: Floats
    edge_minutes: Floats
    access_minutes: float = 0.0

    @cached_property
    def edge_m(self) -> Floats:
        """Metres driven on each edge."""
        metres: Floats = self.roads.length_m[self.edges] * (self.ended - self.begun)
        return metres

    @property
    def length_m(self) -> float:
        """Metres driven."""
        return float(self.edge_m.sum())

    @property
    def minutes(self) -> float:
        """Minutes in all, access and parking included where the travel times have them."""
        return float(self.edge_minutes.sum()) + self.access_minutes

    @cached_property
    def by_class(self) -> pd.Series[float]:
        """Minutes by class of road, most first; `access` is the way to the road and parking."""
        names = np.array(self.roads.class_names, dtype=object)[self.roads.road_class[self.edges]]
        found = pd.Series(self.edge_minutes, index=pd.Index(names, name="road_class"), name="minutes")
        found = found.groupby(level=0).sum().sort_values(ascending=False, kind="stable")
        if self.access_minutes:
            found["access"] = self.access_minutes
        return found

    @cached_property
    def line(self) -> shapely.LineString:
        """The way as a line in the roads' CRS; where both ends are one place, a line of no length."""
        return shapely.LineString(self._places(np.arange(len(self.edges))))

    def _places(self, stretches: Ints) -> Floats:
        """Return the corners (k, 2) of consecutive stretches."""
        places = np.column_stack([self.roads.x, self.roads.y])
        edges = self.edges[stretches]
        tail, head = places[self.roads.tails[edges]], places[self.roads.heads[edges]]
        if not len(edges):
            return np.zeros((2, 2))
        first = tail[:1] + self.begun[stretches[:1], None] * (head[:1] - tail[:1])
        return np.concatenate([first, tail + self.ended[stretches, None] * (head - tail)])

    def to_frame(self) -> gpd.GeoDataFrame:
        """Return a row for each stretch of one class: `road_class`, `length_m`, `minutes`, geometry.

        The way to the road and parking have no line, and no row: they are `access_minutes`.
        """
        code = self.roads.road_class[self.edges]
        cuts = np.flatnonzero(np.diff(code)) + 1
        pieces = [piece for piece in np.split(np.arange(len(code)), cuts) if len(piece)]
        return gpd.GeoDataFrame(
            {
                "road_class": [self.roads.class_names[code[piece[0]]] for piece in pieces],
                "length_m": [float(self.edge_m[piece].sum()) for piece in pieces],
                "minutes": [float(self.edge_minutes[piece].sum()) for piece in pieces],
            },
            geometry=[shapely.LineString(self._places(piece)) for piece in pieces],
            crs=self.roads.crs,
        )

    def __repr__(self) -> str:
        return (
            f"<Route: {self.origin} to {self.destination}, {self.length_m / 1000:,.1f} km, "
            f"{self.minutes:.1f} minutes>"
        )


def route(ways: Ways, origin: Any, destination: Any, *, limit: float = np.inf) -> Route:
    """Return the quickest way between two points by their ids; it is known to take at most `limit`.

    Raises `DataError` where there is none, or a point is too far from the roads.
    """
    starts, ends = ways.starts, ways.ends
    row, column = cast("int", starts.ids.get_loc(origin)), cast("int", ends.ids.get_loc(destination))
    for snapped, at in ((starts, row), (ends, column)):
        if snapped.nodes[at] < 0 and snapped.edges[at] < 0:
            raise DataError(
                f"{snapped.ids[at]} is {snapped.distance_m[at]:,.0f} m from roads in {ways.roads.source}, "
                f"farther than {snapped.max_snap_m:,g} m: no route leads there"
            )
    graph = graph_of(ways.roads, turn_delays=ways.turn_delays)
    stretches = _quickest(graph, (_one(starts, row), _one(ends, column)), limit)
    if stretches is None:
        raise DataError(
            f"no way leads from {origin} to {destination} on the roads of {ways.roads.source}; "
            "is one of them in a part that is cut off?"
        )
    edges, begun, ended, minutes = (np.array(column) for column in zip(*stretches, strict=True))
    return Route(origin, destination, ways.roads, edges.astype(np.int64), begun, ended, minutes)


def _one(snapped: Snapping, at: int) -> Snapping:
    """Return where one point alone meets the roads."""
    return snapped.take(np.array([at]))


Stretch = tuple[int, float, float, float]


def _quickest(graph: Graph, points: tuple[Snapping, Snapping], limit: float) -> list[Stretch] | None:
    """Return (edge, begun, ended, minutes) of the quickest way from one point to another."""
    from zonedesign._kernels import settle  # noqa: PLC0415  (brings numba)

    start, end = points
    out, inward, along = graph.ways_out(start), graph.ways_in(end), graph.beside(start, end)
    minutes = np.full(len(graph.indptr) - 1, np.inf)
    np.minimum.at(minutes, out.nodes, out.minutes)
    came = np.full(len(minutes), -1, dtype=np.int64)
    settle((graph.indptr, graph.heads, graph.minutes), minutes, came, limit)
    total = minutes[inward.nodes] + inward.minutes
    last = int(np.argmin(total)) if len(total) else -1
    if len(along.nodes) and (last < 0 or along.minutes.min() <= total[last]):
        k = int(np.argmin(along.minutes))
        edge = int(along.edges[k])
        if edge < 0:
            return _standing(graph, start)
        return [(edge, _share(start, edge), _share(end, edge), float(along.minutes[k]))]
    if last < 0 or not np.isfinite(total[last]):
        return None
    node, found = int(inward.nodes[last]), list[Stretch]()
    if inward.edges[last] >= 0:
        edge = int(inward.edges[last])
        found.append((edge, 0.0, _share(end, edge), float(inward.minutes[last])))
    while came[node] >= 0:
        step = int(came[node])
        found.append((int(graph.edges[step]), 0.0, 1.0, float(graph.minutes[step])))
        node = int(np.searchsorted(graph.indptr, step, side="right")) - 1
    first = int(np.flatnonzero((out.nodes == node) & (out.minutes == minutes[node]))[0])
    if out.edges[first] >= 0:
        edge = int(out.edges[first])
        found.append((edge, _share(start, edge), 1.0, float(out.minutes[first])))
    return found[::-1] or _standing(graph, start)


def _share(point: Snapping, edge: int) -> float:
    """Return how far along an edge a point stands; one at a node stands at the end of every edge into it."""
    if point.nodes[0] >= 0:
        return 1.0
    return float(point.shares[0] if edge == point.edges[0] else 1.0 - point.shares[0])


def _standing(graph: Graph, point: Snapping) -> list[Stretch]:
    """Return the way from a node to itself: no part of an edge there."""
    node = int(point.nodes[0])
    heads = np.flatnonzero(graph.roads.heads == node)
    if len(heads):
        return [(int(heads[0]), 1.0, 1.0, 0.0)]
    return [(int(graph.roads.indptr[node]), 0.0, 0.0, 0.0)]
