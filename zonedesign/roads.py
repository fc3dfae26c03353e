"""The road network: nodes, and directed edges with minutes."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pyproj import CRS

from zonedesign import _roadshape
from zonedesign._roadcolumns import EdgeColumns, NodeColumns, no_turns, quickest
from zonedesign._roadframes import read_edges, read_nodes
from zonedesign.errors import DataError, ScenarioError, counted, listed
from zonedesign.profiles import Profile, edge_minutes, speed_codes
from zonedesign.profiles import profile as named_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import geopandas as gpd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, repr=False)
class RoadNetwork:
    """A directed road network, by outgoing edge: the edges of node i are `indptr[i]` up to `indptr[i + 1]`.

    Nodes: `node_ids`, `x`, `y` (n,), in metres in `crs`, and `cut`: where a road goes on outside the data.
    Edges (m,), sorted by tail and head: `heads`, `minutes` (all that the edge takes, the junction at its end
    included), `junction_minutes` (that junction's part of them), `length_m`, `road_class` (positions in
    `class_names`). Parallel edges are all kept, in the order they came in. `banned_turns` (k, 3) are node
    positions (from, via, to). What `with_profile` needs: `maxspeed_kph` (NaN: none known), `built_up`,
    `junction` (positions in `profiles.JUNCTIONS`) and `given_minutes` (NaN where the profile says; else
    minutes that came with the data). `mode` is who uses these roads (car, foot, cycle), `any_mode` whether
    profiles of others fit too, `speeds` the profile itself. `counts` says what was read, dropped and
    repaired. `shape` keeps what other rooms work out from nodes and edges alone, for this network and those
    that `with_profile` makes of it; `kept`, what depends on minutes too. Arrays cannot be written to.
    """

    node_ids: NDArray[np.int64]
    x: Floats
    y: Floats
    crs: CRS
    indptr: NDArray[np.int64]
    heads: NDArray[np.int32]
    minutes: Floats
    junction_minutes: Floats
    length_m: Floats
    road_class: NDArray[np.int16]
    class_names: tuple[str, ...]
    maxspeed_kph: Floats
    built_up: Flags
    junction: NDArray[np.int8]
    given_minutes: Floats
    cut: Flags
    banned_turns: NDArray[np.int32] = field(default_factory=no_turns)
    source: str = "frames"
    sha256: str | None = None
    attribution: str | None = None
    profile: str = "free-flow"
    mode: str = "car"
    any_mode: bool = False
    speeds: Profile | None = None
    sketch: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    shape: dict[str, Any] = field(init=False, default_factory=dict)
    kept: dict[str, Any] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Keep every array from being written to, for what is kept of it would no longer be true."""
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, np.ndarray) and value.flags.writeable:
                view = value.view()
                view.setflags(write=False)
                object.__setattr__(self, each.name, view)

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
        degrees are projected; a column `cut` may say where roads leave the data. `edges` has `from` and `to`,
        one row per direction of travel, unless a column `oneway` says otherwise: then a row without it
        (false) counts both ways. `length_m` is the straight line unless given; `minutes`, where given, are
        taken as they are, else worked out from `road_class`, `maxspeed_kph` and `built_up` (the last two
        optional) by the profile, of any mode.

        Raises `DataError` for a missing column, ids that are missing, twice or unknown, and figures that are
        negative, missing or no number.
        """
        table, crs = read_nodes(nodes, crs)
        cut = table["cut"].to_numpy() if "cut" in table else None
        x, y, metric = _roadshape.to_metres(table["x"].to_numpy(), table["y"].to_numpy(), crs)
        columns, class_names, counts = read_edges(edges, table.index, x, y)
        return assemble(
            NodeColumns(table.index.to_numpy(np.int64), x, y, metric, cut),
            EdgeColumns(**columns),
            class_names,
            profile,
            source=source,
            attribution=attribution,
            any_mode=True,
            counts=counts,
        )

    def with_profile(self, name_or_table: str | Mapping[str, Any] | Profile) -> RoadNetwork:
        """Return the same roads driven at other speeds; minutes that came with the data stay as they are.

        Nodes and edges are those of this network, in the same order. Raises `ScenarioError` for an unknown
        profile, for one of another mode, and where every minute came with the data.
        """
        if self.sketch or (len(self.heads) and not np.isnan(self.given_minutes).any()):
            kind = "a sketch" if self.sketch else "given with its minutes"
            raise ScenarioError(
                f"the network is {kind}, so no speed profile can change it; read it without minutes"
            )
        speeds = named_profile(name_or_table)
        if speeds.mode != self.mode and not self.any_mode:
            who = {"car": "cars", "foot": "walkers", "cycle": "cyclists"}
            raise ScenarioError(
                f"{self.source} was read for {who[self.mode]}, and the profile '{speeds.name}' is for "
                f"{who[speeds.mode]}, who use other roads; read the file again with that profile"
            )
        return self.at_speeds(speeds)

    def at_speeds(self, speeds: Profile) -> RoadNetwork:
        """Return the network with the minutes that these speeds make, whatever their mode."""
        given = self.given_minutes
        told = ~np.isnan(given)
        if len(given) and told.all():
            minutes, waited = given, np.zeros(len(given))
        else:
            codes = self._once("speed codes", speed_codes, self.road_class, self.maxspeed_kph, self.built_up)
            minutes, waited = edge_minutes(
                speeds,
                self.class_names,
                codes=codes,
                length_m=self.length_m,
                maxspeed_kph=self.maxspeed_kph,
                junction=self.junction,
            )
            if told.any():
                minutes[told], waited[told] = given[told], 0.0
        like = replace(
            self,
            minutes=minutes,
            junction_minutes=waited,
            profile=speeds.name,
            mode=speeds.mode,
            speeds=speeds,
        )
        object.__setattr__(like, "shape", self.shape)
        return like

    def _once(self, name: str, work_out: Callable[..., Any], *of: Any) -> Any:
        """Return what was worked out of the shape before, on this network or its likes, else work it out."""
        if name not in self.shape:
            self.shape[name] = work_out(*of)
        return self.shape[name]

    @property
    def tails(self) -> NDArray[np.int32]:
        """The node position (m,) that each edge starts from."""
        tails: NDArray[np.int32] = self._once(
            "tails",
            lambda: np.repeat(np.arange(len(self.node_ids), dtype=np.int32), np.diff(self.indptr)),
        )
        return tails

    @cached_property
    def quickest(self) -> Flags:
        """Which edges (m,) are the quickest from their tail to their head, one a pair."""
        return quickest(self.tails, self.heads, self.minutes)

    @property
    def main(self) -> Flags:
        """Which nodes (n,) are in the largest strongly connected part: any of them reaches any other."""
        main: Flags = self._once(
            "main",
            lambda: _roadshape.largest(
                _roadshape.parts(len(self.node_ids), self.tails, self.heads, "strong")
            ),
        )
        return main

    @property
    def km(self) -> float:
        """The length of road in km; a road that is driven both ways counts once."""
        return float(self._once("km", self._length_km))

    def _length_km(self) -> float:
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


def assemble(
    nodes: NodeColumns,
    edges: EdgeColumns,
    class_names: tuple[str, ...],
    profile: str | Mapping[str, Any] | Profile,
    *,
    counts: Mapping[str, int] | None = None,
    **about: Any,
) -> RoadNetwork:
    """Return the network of these columns: edges sorted, minutes worked out, parts and parallels counted.

    `about` is what else a `RoadNetwork` knows of itself: `source`, `sha256`, `attribution`, `sketch`,
    `any_mode`.
    """
    n, m = len(nodes.node_ids), len(edges.tails)
    network = RoadNetwork(
        nodes.node_ids, nodes.x, nodes.y, nodes.crs,
        **edges.in_order(n), minutes=np.zeros(m), junction_minutes=np.zeros(m), class_names=class_names,
        cut=np.zeros(n, dtype=np.bool_) if nodes.cut is None else nodes.cut,
        banned_turns=nodes.banned_turns, **about,
    ).at_speeds(named_profile(profile))  # fmt: skip
    joined = _roadshape.parts(n, network.tails, network.heads, "weak")
    told = dict(counts or {})
    told["nodes"], told["edges"] = n, m
    told["parallel edges, slower than another"] = int((~network.quickest).sum())
    told["connected pieces"] = len(np.unique(joined))
    told["nodes outside the largest connected piece"] = n - int(_roadshape.largest(joined).sum())
    told["nodes outside the main part (reachable both ways)"] = n - int(network.main.sum())
    told["nodes where roads leave the data"] = int(network.cut.sum())
    object.__setattr__(network, "counts", told)  # a copy would forget the shape
    return network


def coordinates(points: gpd.GeoSeries, crs: CRS | None) -> tuple[Floats, Floats, CRS]:
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
    x, y, crs = coordinates(points, None)
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
