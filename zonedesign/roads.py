"""The road network: nodes, directed edges with minutes, and snapping points to it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pyproj import CRS
from scipy.spatial import cKDTree

from zonedesign import _roadshape
from zonedesign._roadframes import read_edges, read_nodes
from zonedesign.errors import DataError, ScenarioError, counted, listed
from zonedesign.profiles import Profile, edge_minutes
from zonedesign.profiles import profile as named_profile

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    from numpy.typing import NDArray

    Ints = NDArray[np.integer[Any]]
    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

SAME_PLACE_M = 0.5
"""A point no farther than this from a node is that node."""


@dataclass(frozen=True, eq=False, repr=False)
class RoadNetwork:
    """A directed road network, by outgoing edge: the edges of node i are `indptr[i]` up to `indptr[i + 1]`.

    Nodes: `node_ids`, `x`, `y` (n,), in metres in `crs`. Edges (m,), sorted by tail, head and minutes:
    `heads`, `minutes` (every cost on the edge, the junction at its end included), `length_m`,
    `road_class` (positions in `class_names`). Parallel edges are all kept; the quickest comes first. What
    `with_profile` needs: `maxspeed_kph` (NaN: none known), `built_up`, `junction` (positions in
    `profiles.JUNCTIONS`) and `given_minutes` (NaN where the profile says; else minutes that came with the
    data). `counts` says what was read, dropped and repaired.
    """

    node_ids: NDArray[np.int64]
    x: Floats
    y: Floats
    crs: CRS
    indptr: NDArray[np.int64]
    heads: NDArray[np.int32]
    minutes: Floats
    length_m: Floats
    road_class: NDArray[np.int16]
    class_names: tuple[str, ...]
    maxspeed_kph: Floats
    built_up: Flags
    junction: NDArray[np.int8]
    given_minutes: Floats
    source: str = "frames"
    sha256: str | None = None
    attribution: str | None = None
    profile: str = "free-flow"
    sketch: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_frames(
        cls,
        nodes: pd.DataFrame,
        edges: pd.DataFrame,
        *,
        crs: Any = None,
        profile: str | Mapping[str, Any] | Profile = "free-flow",
        source: str = "frames",
        attribution: str | None = None,
    ) -> RoadNetwork:
        """Return the network of two frames, in the shape that `to_frames` gives.

        `nodes` is indexed by whole-number node id, with `x` and `y` in `crs` (or the frame's own CRS);
        degrees are projected. `edges` has `from` and `to`, one row per direction of travel, unless a
        column `oneway` says otherwise: then a row without it (false) counts both ways. `length_m` is the
        straight line unless given; `minutes`, where given, are taken as they are, else worked out from
        `road_class`, `maxspeed_kph` and `built_up` (the last two optional) by the profile.

        Raises `DataError` for a missing column, ids that are missing, twice or unknown, and figures that are
        negative, missing or no number.
        """
        table, crs = read_nodes(nodes, crs)
        x, y, metric = _roadshape.to_metres(table["x"].to_numpy(), table["y"].to_numpy(), crs)
        columns, class_names, counts = read_edges(edges, table.index, x, y)
        return assemble(
            NodeColumns(table.index.to_numpy(np.int64), x, y, metric),
            EdgeColumns(**columns),
            class_names,
            profile,
            source=source,
            attribution=attribution,
            counts=counts,
        )

    def with_profile(self, name_or_table: str | Mapping[str, Any] | Profile) -> RoadNetwork:
        """Return the same roads driven at other speeds; minutes that came with the data stay as they are.

        Raises `ScenarioError` for an unknown profile, and where every minute came with the data.
        """
        if self.sketch or (len(self.heads) and not np.isnan(self.given_minutes).any()):
            kind = "a sketch" if self.sketch else "given with its minutes"
            raise ScenarioError(
                f"the network is {kind}, so no speed profile can change it; read it without minutes"
            )
        columns = EdgeColumns(
            self.tails, self.heads, self.length_m, self.road_class,
            self.maxspeed_kph, self.built_up, self.junction, self.given_minutes,
        )  # fmt: skip
        speeds = named_profile(name_or_table)
        return replace(
            self, **_sorted(len(self.node_ids), columns, self.class_names, speeds), profile=speeds.name
        )

    @cached_property
    def tails(self) -> NDArray[np.int32]:
        """The node position (m,) that each edge starts from."""
        return np.repeat(np.arange(len(self.node_ids), dtype=np.int32), np.diff(self.indptr))

    @cached_property
    def quickest(self) -> Flags:
        """Which edges (m,) are the quickest from their tail to their head; the rest are slower parallels."""
        first = np.ones(len(self.heads), dtype=np.bool_)
        first[1:] = (self.tails[1:] != self.tails[:-1]) | (self.heads[1:] != self.heads[:-1])
        return first

    @cached_property
    def main(self) -> Flags:
        """Which nodes (n,) are in the largest strongly connected part: any of them reaches any other."""
        return _roadshape.largest(_roadshape.parts(len(self.node_ids), self.tails, self.heads, "strong"))

    @cached_property
    def km(self) -> float:
        """The length of road in km; a road that is driven both ways counts once."""
        low, high = np.minimum(self.tails, self.heads), np.maximum(self.tails, self.heads)
        road = np.column_stack([low, high, np.round(self.length_m * 1000.0).astype(np.int64)])
        _, once = np.unique(road, axis=0, return_index=True)
        return float(self.length_m[once].sum() / 1000.0)

    def to_frames(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return (nodes, edges): nodes by node id with `x`, `y`; one row of edges per direction of travel.

        The columns of edges are `from`, `to` (node ids), `minutes`, `length_m` and `road_class`. The CRS of
        the nodes stands in their `attrs`.
        """
        nodes = pd.DataFrame({"x": self.x, "y": self.y}, index=pd.Index(self.node_ids, name="node"))
        nodes.attrs["crs"] = self.crs.to_string()
        edges = pd.DataFrame(
            {
                "from": self.node_ids[self.tails],
                "to": self.node_ids[self.heads],
                "minutes": self.minutes,
                "length_m": self.length_m,
                "road_class": np.array(self.class_names, dtype=object)[self.road_class],
            }
        )
        return nodes, edges

    def __repr__(self) -> str:
        kind = "sketch roads" if self.sketch else self.profile
        return (
            f"<RoadNetwork: {counted(len(self.node_ids), 'node')}, {counted(len(self.heads), 'edge')}, "
            f"{self.km:,.0f} km, {self.source}, {kind}>"
        )


@dataclass(frozen=True, eq=False)
class NodeColumns:
    """The nodes of a network to be: ids and places in metres in `crs`."""

    node_ids: NDArray[np.int64]
    x: Floats
    y: Floats
    crs: CRS


@dataclass(frozen=True, eq=False)
class EdgeColumns:
    """The edges of a network to be, in any order; the columns are those of `RoadNetwork`."""

    tails: Ints
    heads: Ints
    length_m: Floats
    road_class: Ints
    maxspeed_kph: Floats
    built_up: Flags
    junction: NDArray[np.int8]
    given_minutes: Floats


def assemble(
    nodes: NodeColumns,
    edges: EdgeColumns,
    class_names: tuple[str, ...],
    profile: str | Mapping[str, Any] | Profile,
    *,
    counts: Mapping[str, int] | None = None,
    **about: Any,
) -> RoadNetwork:
    """Return the network of these columns: minutes worked out, edges sorted, parts and parallels counted.

    `about` is what else a `RoadNetwork` knows of itself: `source`, `sha256`, `attribution`, `sketch`.
    """
    speeds = named_profile(profile)
    n = len(nodes.node_ids)
    network = RoadNetwork(
        nodes.node_ids, nodes.x, nodes.y, nodes.crs,
        **_sorted(n, edges, class_names, speeds), class_names=class_names, profile=speeds.name, **about,
    )  # fmt: skip
    joined = _roadshape.parts(n, network.tails, network.heads, "weak")
    told = dict(counts or {})
    told["nodes"], told["edges"] = n, len(network.heads)
    told["parallel edges, slower than another"] = int((~network.quickest).sum())
    told["connected pieces"] = len(np.unique(joined))
    told["nodes outside the largest connected piece"] = n - int(_roadshape.largest(joined).sum())
    told["nodes outside the main part (reachable both ways)"] = n - int(network.main.sum())
    return replace(network, counts=told)


def _sorted(nodes: int, edges: EdgeColumns, class_names: tuple[str, ...], speeds: Profile) -> dict[str, Any]:
    minutes = edges.given_minutes
    open_ones = np.isnan(minutes)
    if open_ones.any():
        worked_out = edge_minutes(
            speeds,
            class_names,
            road_class=edges.road_class,
            length_m=edges.length_m,
            maxspeed_kph=edges.maxspeed_kph,
            built_up=edges.built_up,
            junction=edges.junction,
        )
        minutes = np.where(open_ones, worked_out, minutes)
    order = np.lexsort((minutes, edges.heads, edges.tails))
    indptr = np.zeros(nodes + 1, dtype=np.int64)
    np.cumsum(np.bincount(edges.tails, minlength=nodes), out=indptr[1:])
    return {
        "indptr": indptr,
        "heads": edges.heads[order].astype(np.int32),
        "minutes": minutes[order],
        "length_m": edges.length_m[order],
        "road_class": edges.road_class[order].astype(np.int16),
        "maxspeed_kph": edges.maxspeed_kph[order],
        "built_up": edges.built_up[order],
        "junction": edges.junction[order],
        "given_minutes": edges.given_minutes[order],
    }


@dataclass(frozen=True, eq=False, repr=False)
class Snapping:
    """Where points meet the roads: `nodes` (k,) are positions in the network, -1 beyond `max_snap_m`.

    `distance_m` (k,) is the straight line from the point to the nearest node of the main part, also where
    that is beyond the limit; `ids` (k,) is the index of the points.
    """

    nodes: NDArray[np.int64]
    distance_m: Floats
    ids: pd.Index[Any]
    max_snap_m: float

    @property
    def lost(self) -> pd.Index[Any]:
        """The ids of the points that no road is near enough to."""
        return self.ids[self.nodes < 0]

    def __repr__(self) -> str:
        worst = self.distance_m[self.nodes >= 0].max(initial=0.0)
        return (
            f"<Snapping: {counted(len(self.ids), 'point')}, "
            f"{len(self.lost):,} beyond {self.max_snap_m:,g} m, farthest snapped {worst:,.0f} m>"
        )


def snap(
    roads: RoadNetwork, points: gpd.GeoSeries, max_snap_m: float = 1000.0, *, fragments: bool = False
) -> Snapping:
    """Return the nearest node of the main part for each point, in any CRS.

    A point within 0.5 m of a node is that node, at no distance.
    With `fragments` a point may also be a node outside the main part, where it lies within 0.5 m of one
    and of none in the main part.

    Raises `DataError` for points without a CRS or a place, and for a network without nodes.
    """
    x, y, _ = _coordinates(points, roads.crs)
    if not len(roads.node_ids):
        raise DataError(f"{roads.source} has no nodes to snap points to")
    main = np.flatnonzero(roads.main)
    nodes, distance = _nearest(roads, main, x, y)
    if fragments and len(main) < len(roads.node_ids):
        other, farther = _nearest(roads, np.flatnonzero(~roads.main), x, y)
        there = (farther <= SAME_PLACE_M) & (distance > SAME_PLACE_M)
        nodes, distance = np.where(there, other, nodes), np.where(there, farther, distance)
    distance = np.where(distance <= SAME_PLACE_M, 0.0, distance)
    return Snapping(np.where(distance <= max_snap_m, nodes, -1), distance, points.index, float(max_snap_m))


def _nearest(
    roads: RoadNetwork, among: NDArray[np.int64], x: Floats, y: Floats
) -> tuple[NDArray[np.int64], Floats]:
    distance, place = cKDTree(np.column_stack([roads.x, roads.y])[among]).query(np.column_stack([x, y]))
    return among[np.minimum(place, len(among) - 1)], np.asarray(distance, dtype=np.float64)


def _coordinates(points: gpd.GeoSeries, crs: CRS | None) -> tuple[Floats, Floats, CRS]:
    """Return the points in `crs`; without one, in their own where it is in metres, else in one that suits."""
    points = points.geometry  # of a frame as well
    if points.crs is None:
        raise DataError("the points have no CRS; set the one they are in with points.set_crs(...)")
    empty = (points.isna() | points.is_empty).to_numpy()
    if empty.any():
        raise DataError(
            f"{counted(int(empty.sum()), 'point')} without a place: {listed(points.index[empty])}"
        )
    shapes = points.geom_type.to_numpy() != "Point"
    if shapes.any():
        raise DataError(
            f"{int(shapes.sum()):,} of {len(points):,} points are other shapes: "
            f"{listed(points.index[shapes])}; take their representative_point()"
        )
    if crs is None:
        crs = CRS.from_user_input(points.crs)
        if not _roadshape.in_metres(crs):
            degrees = points.to_crs(4326)
            crs = _roadshape.metre_crs(degrees.x.to_numpy(), degrees.y.to_numpy())
    placed = points.to_crs(crs)
    x, y = placed.x.to_numpy(np.float64), placed.y.to_numpy(np.float64)
    nowhere = ~np.isfinite(x + y)
    if nowhere.any():
        raise DataError(
            f"{counted(int(nowhere.sum()), 'point')} with no place in {crs.to_string()}: "
            f"{listed(points.index[nowhere])}; are they in the CRS that they say?"
        )
    return x, y, crs


def sketch_roads(points: gpd.GeoSeries) -> RoadNetwork:
    """Return roads sketched between the points: Delaunay edges both ways, 1.3 x the straight line at 40 km/h.

    Nodes are numbered in the order of the points. Points in one place are joined by edges of no length;
    points on one line, in their order along it. Raises `DataError` for points without a CRS or a place,
    or none at all.
    """
    if not len(points):
        raise DataError("no points to sketch roads between")
    x, y, crs = _coordinates(points, None)
    pairs, twins = _roadshape.sketch_pairs(x, y)
    tails, heads = np.concatenate([pairs, pairs[:, ::-1]]).T
    length_m = _roadshape.SKETCH_DETOUR * np.hypot(x[tails] - x[heads], y[tails] - y[heads])
    m = len(tails)
    edges = EdgeColumns(
        tails, heads, length_m, np.zeros(m, dtype=np.int16), np.full(m, np.nan), np.zeros(m, dtype=np.bool_),
        np.zeros(m, dtype=np.int8), length_m / _roadshape.SKETCH_KPH * 0.06,
    )  # fmt: skip
    nodes = NodeColumns(np.arange(len(x), dtype=np.int64), x, y, crs)
    counts = {"points in the place of another": twins}
    return assemble(nodes, edges, ("sketch",), "free-flow", source="sketch", sketch=True, counts=counts)
