"""Snapping: where points meet the roads, at a node or part of the way along an edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from scipy.spatial import cKDTree

from zonedesign._roadcolumns import quickest
from zonedesign.errors import DataError, counted
from zonedesign.roads import coordinates

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    from zonedesign.roads import RoadNetwork

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

SAME_PLACE_M = 0.5
"""A point no farther than this from a node is that node."""

NO_DOORS = ("motorway", "motorway_link", "ferry")
"""Classes of road that nobody's door opens on: a point stands at the nearest other road."""


@dataclass(frozen=True, eq=False, repr=False)
class Snapping:
    """Where k points meet the roads.

    `nodes` (k,) are positions of nodes, -1 for a point that stands along an edge: then `edges` (k,) is the
    quickest edge that it stands on, `backs` (k,) the quickest the other way (-1: one-way), and `shares` (k,)
    the part of `edges` that lies behind it, from its tail. All are -1 beyond `max_snap_m`. `distance_m` (k,)
    is the straight line from the point to the road, also where that is beyond the limit; `ids` (k,) is the
    index of the points.
    """

    nodes: Ints
    edges: Ints
    backs: Ints
    shares: Floats
    distance_m: Floats
    ids: pd.Index[Any]
    max_snap_m: float

    @property
    def lost(self) -> pd.Index[Any]:
        """The ids of the points that no road is near enough to."""
        return self.ids[(self.nodes < 0) & (self.edges < 0)]

    def take(self, at: Ints) -> Snapping:
        """Return the points at these positions only."""
        return Snapping(
            self.nodes[at], self.edges[at], self.backs[at], self.shares[at],
            self.distance_m[at], self.ids[at], self.max_snap_m,
        )  # fmt: skip

    def __repr__(self) -> str:
        found = (self.nodes >= 0) | (self.edges >= 0)
        worst = self.distance_m[found].max(initial=0.0)
        return (
            f"<Snapping: {counted(len(self.ids), 'point')}, "
            f"{len(self.lost):,} beyond {self.max_snap_m:,g} m, farthest snapped {worst:,.0f} m>"
        )


def snap(
    roads: RoadNetwork, points: gpd.GeoSeries, max_snap_m: float = 1000.0, *, fragments: bool = False
) -> Snapping:
    """Return where each point, in any CRS, meets the nearest road of the main part.

    A point within 0.5 m of a node is that node, at no distance; any other stands where the straight line to
    the nearest edge meets it, motorways, their links and ferries aside. With `fragments` a point may also be
    a node outside the main part, where it lies within 0.5 m of one and of none in the main part.

    Raises `DataError` for points without a CRS or a place, and for a network without nodes.
    """
    x, y, _ = coordinates(points, roads.crs)
    if not len(roads.node_ids):
        raise DataError(f"{roads.source} has no nodes to snap points to")
    nodes, distance = _nearest(roads, x, y, main=True)
    edges, backs, shares = np.full(len(x), -1), np.full(len(x), -1), np.zeros(len(x))
    if fragments and not roads.main.all():
        other, farther = _nearest(roads, x, y, main=False)
        there = (farther <= SAME_PLACE_M) & (distance > SAME_PLACE_M)
        nodes, distance = np.where(there, other, nodes), np.where(there, farther, distance)
    here = distance <= SAME_PLACE_M
    distance[here] = 0.0
    if not here.all() and len(_stretches(roads)[0]):
        away = np.flatnonzero(~here)
        found = _nearest_edges(roads, x[away], y[away])
        nodes[away], edges[away], backs[away], shares[away], distance[away] = found
    lost = distance > max_snap_m
    nodes[lost] = edges[lost] = backs[lost] = -1
    return Snapping(nodes, edges, backs, shares, distance, points.index, float(max_snap_m))


def _nearest(roads: RoadNetwork, x: Floats, y: Floats, *, main: bool) -> tuple[Ints, Floats]:
    """Return the nearest node to each place, in the main part or out of it, and how far it is."""
    key = f"nodes, main {main}"
    if key not in roads.shape:
        among = np.flatnonzero(roads.main == main)
        places = np.column_stack([roads.x, roads.y])[among]
        roads.shape[key] = among, cKDTree(places, balanced_tree=False, compact_nodes=False)
    among, tree = roads.shape[key]
    distance, place = tree.query(np.column_stack([x, y]))
    return among[np.minimum(place, len(among) - 1)], np.asarray(distance, dtype=np.float64)


def _stretches(roads: RoadNetwork) -> tuple[Ints, Ints, shapely.STRtree]:
    """Return the pairs of nodes (low, high) that a door may open between, and a tree of their lines."""
    if "stretches" not in roads.shape:
        tails, heads = roads.tails.astype(np.int64), roads.heads.astype(np.int64)
        usable = roads.main[tails] & roads.main[heads]
        usable &= (roads.x[tails] != roads.x[heads]) | (roads.y[tails] != roads.y[heads])
        open_ones = usable & _with_doors(roads)
        chosen = np.flatnonzero(open_ones if open_ones.any() else usable)
        low, high = np.minimum(tails, heads)[chosen], np.maximum(tails, heads)[chosen]
        pairs = np.unique(low * len(roads.node_ids) + high)
        low, high = pairs // len(roads.node_ids), pairs % len(roads.node_ids)
        ends = np.stack([np.column_stack([roads.x, roads.y])[side] for side in (low, high)], axis=1)
        roads.shape["stretches"] = low, high, shapely.STRtree(shapely.linestrings(ends))
    found: tuple[Ints, Ints, shapely.STRtree] = roads.shape["stretches"]
    return found


def _nearest_edges(roads: RoadNetwork, x: Floats, y: Floats) -> tuple[Ints, Ints, Ints, Floats, Floats]:
    """Return `nodes`, `edges`, `backs`, `shares` and `distance_m` of points that are no node."""
    low, high, tree = _stretches(roads)
    point, line = tree.query_nearest(shapely.points(x, y))
    order = np.lexsort((line, point))  # of lines equally near, the first
    point, line = point[order], line[order]
    line = line[np.concatenate([[True], point[1:] != point[:-1]])]
    a, b = low[line], high[line]
    run_x, run_y = roads.x[b] - roads.x[a], roads.y[b] - roads.y[a]
    along = ((x - roads.x[a]) * run_x + (y - roads.y[a]) * run_y) / (run_x**2 + run_y**2)
    along = np.clip(along, 0.0, 1.0)
    distance = np.hypot(x - roads.x[a] - along * run_x, y - roads.y[a] - along * run_y)
    length = np.hypot(run_x, run_y)
    nodes = np.where(along * length <= SAME_PLACE_M, a, np.where((1 - along) * length <= SAME_PLACE_M, b, -1))
    there, back = _edge_between(roads, a, b), _edge_between(roads, b, a)
    one_way_back = there < 0
    edges, backs = np.where(one_way_back, back, there), np.where(one_way_back, -1, back)
    shares = np.where(one_way_back, 1.0 - along, along)
    at_node = nodes >= 0
    edges[at_node] = backs[at_node] = -1
    return nodes, edges, backs, np.where(at_node, 0.0, shares), distance


def _with_doors(roads: RoadNetwork) -> NDArray[np.bool_]:
    """Return which edges (m,) are of a class that doors open on."""
    codes = [code for code, name in enumerate(roads.class_names) if name not in NO_DOORS]
    found: NDArray[np.bool_] = np.isin(roads.road_class, codes)
    return found


def _edge_between(roads: RoadNetwork, tail: Ints, head: Ints) -> Ints:
    """Return the quickest edge with doors between each two nodes, else of any class; -1: none."""
    with_doors = _with_doors(roads)
    found = _quickest_of(roads, np.flatnonzero(with_doors), tail, head)
    other = _quickest_of(roads, np.flatnonzero(~with_doors), tail, head)
    return np.where(found >= 0, found, other)


def _quickest_of(roads: RoadNetwork, edges: Ints, tail: Ints, head: Ints) -> Ints:
    """Return the quickest of these edges from each tail to each head, -1 where there is none."""
    if not len(edges):
        return np.full(len(tail), -1)
    quick = edges[quickest(roads.tails[edges], roads.heads[edges], roads.minutes[edges])]
    key = roads.tails[quick].astype(np.int64) * len(roads.node_ids) + roads.heads[quick]
    wanted = tail * len(roads.node_ids) + head
    at = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    return np.where(key[at] == wanted, quick[at], -1)
