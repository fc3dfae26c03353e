"""Quiet background of printed maps: water, roads, built-up land and the names of places, in metres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from zonedesign.maps.background import _undirected
from zonedesign.names import has_census_names

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyproj import CRS

    from zonedesign.maps.drawing import Drawing
    from zonedesign.maps.paper import Frame
    from zonedesign.maps.shapes import Ground
    from zonedesign.plan import Plan

WATER = "#d3e0e7"
_ROADS = {  # class: colour, width in millimetres at 1:25,000, which grows less at other scales
    "motorway": ("#7d878e", 0.9), "trunk": ("#868f96", 0.75), "primary": ("#8f989e", 0.65),
    "secondary": ("#9ca5aa", 0.5), "tertiary": ("#aab2b7", 0.38), "railway": ("#b9bfc3", 0.2),
}  # fmt: skip
_MINOR = "#c3cace", 0.2
_LEGEND = {
    "main road": ("motorway", "trunk", "primary"),
    "other road": ("secondary", "tertiary"),
    "railway": ("railway",),
}
MINOR_UP_TO = 60_000
"""The smallest scale, as one in so many, that shows residential streets and lanes."""
_SIZES = {"city": 4.6, "town": 3.9, "suburb": 2.9, "village": 2.7, "island": 2.7, "hamlet": 2.2}
"""Height of the type for a place, in millimetres; other kinds are not printed."""
_URBAN = ("urban", "a1", "b1", "c1", "c2")
"""How urban classes begin: in words, and as the codes of 2011."""
NEAR_M = 1_500.0
"""Roads and places farther than this from every lot are not printed: nothing is known of the land there."""


@dataclass(frozen=True, eq=False)
class Quiet:
    """What is drawn under the lots: `places` has name, kind, x and y, the most important first."""

    water: NDArray[np.object_]
    rivers: NDArray[np.object_]
    roads: dict[str, NDArray[np.object_]]
    minor: NDArray[np.object_]
    built_up: NDArray[np.object_]
    places: pd.DataFrame

    def draw_land(self, drawing: Drawing) -> None:
        """Add built-up land and water, which lie below everything else."""
        drawing.shapes(self.built_up, fill="#1c2a33", fill_opacity=0.07)
        drawing.shapes(self.water, fill=WATER)
        drawing.shapes(self.rivers, fill="none", stroke="#a9c0cc", stroke_width=0.35, stroke_linecap="round")

    def draw_roads(self, drawing: Drawing) -> None:
        """Add the roads that the scale has room for, minor ones first."""
        scale = drawing.frame.scale
        thinner = (25_000 / max(scale, 25_000)) ** 0.45
        look = {"fill": "none", "stroke_linecap": "round", "stroke_linejoin": "round"}
        if scale <= MINOR_UP_TO:
            drawing.shapes(self.minor, stroke=_MINOR[0], stroke_width=round(_MINOR[1] * thinner, 3), **look)
        for kind, (colour, width) in reversed(_ROADS.items()):
            if kind == "tertiary" and scale > 2 * MINOR_UP_TO:
                continue
            lines = self.roads.get(kind)
            if lines is not None:
                drawing.shapes(lines, stroke=colour, stroke_width=round(width * thinner, 3), **look)

    def seen(self, frame: Frame) -> list[str]:
        """Return which kinds of background a window shows, for its legend."""
        scale, box = frame.scale, frame.box
        there = {"built up": self.built_up, "water": np.concatenate([self.water, self.rivers])}
        for what, kinds in _LEGEND.items():
            drawn = [k for k in kinds if k in self.roads and (k != "tertiary" or scale <= 2 * MINOR_UP_TO)]
            lines = [self.roads[k] for k in drawn]
            if what == "other road" and scale <= MINOR_UP_TO:
                lines.append(self.minor)
            there[what] = np.concatenate([np.array([], dtype=object), *lines])
        return [what for what, shapes in there.items() if len(shapes) and _within(shapes, box)]

    def draw_places(self, drawing: Drawing, most: int, larger: float = 1.0) -> None:
        """Add the names of places that find room, `most` of them at most."""
        west, south, east, north = drawing.frame.box
        here = self.places[self.places["x"].between(west, east) & self.places["y"].between(south, north)]
        spots = drawing.frame.mm(here[["x", "y"]].to_numpy())
        put = 0
        for name, kind, (x, y) in zip(here["name"], here["kind"], spots, strict=True):
            size = _SIZES[kind] * larger
            style: dict[str, Any] = {"font_weight": 600 if size > 3 * larger else 400, "fill": "#3c4850"}
            put += drawing.text(x, y, name, size, **style)
            if put >= most:
                return


def _within(shapes: NDArray[np.object_], box: tuple[float, float, float, float]) -> bool:
    return bool((~shapely.is_empty(shapely.clip_by_rect(shapes, *box))).any())


def quiet(plan: Plan, shapes: Ground, landmarks: Any, roads: Any) -> Quiet:
    """Return the background in metres, from `Landmarks` and a `RoadNetwork`, where there are any."""
    none, metric = np.array([], dtype=object), shapes.metric
    land = shapely.union_all([*shapes.zones, *shapes.excluded]).buffer(NEAR_M).simplify(NEAR_M / 20)
    shapely.prepare(land)
    water, rivers, by_class, places = none, none, {}, _own_places(plan, metric)
    if landmarks is not None:
        water = np.asarray(landmarks.water.geometry.to_crs(metric).to_numpy(), dtype=object)
        ways = landmarks.ways.to_crs(metric)
        kinds = ways["kind"].to_numpy()
        lines = ways.geometry.to_numpy()
        near = shapely.intersects(land, lines)
        lines, kinds = shapely.intersection(lines[near], land), kinds[near]
        rivers = np.asarray(lines[np.isin(kinds, ("river", "canal", "coastline"))], dtype=object)
        by_class = {kind: np.asarray(lines[kinds == kind], dtype=object) for kind in _ROADS}
        if len(landmarks.places):
            known = landmarks.places.to_crs(metric)
            places = _places(known[shapely.contains(land, known.geometry.to_numpy())])
    minor = _minor(roads, metric)
    minor = minor[shapely.contains(land, minor)]
    return Quiet(water, rivers, by_class, minor, _built_up(plan, metric), places)


def _places(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    kinds = list(_SIZES)
    known = frame[frame["kind"].isin(kinds)]
    table = pd.DataFrame(
        {"name": known["name"], "kind": known["kind"], "x": known.geometry.x, "y": known.geometry.y}
    )
    order = table["kind"].map(kinds.index)
    table = table.assign(order=order).sort_values(["order", "name", "x"], kind="stable")
    return table.drop(columns="order").drop_duplicates(["name", "kind"]).reset_index(drop=True)


def _own_places(plan: Plan, metric: CRS) -> pd.DataFrame:
    """Return the places that the units' own names tell, where no landmarks do: the larger, the more hours."""
    units = plan.of_units
    if units.name_column is None or units.points is None or has_census_names(units):
        return pd.DataFrame({"name": [], "kind": [], "x": [], "y": []})
    points = units.points.to_crs(metric)
    names = units.frame[units.name_column].astype(object)
    known = (names.notna() & (names.astype(str).str.strip() != "")).to_numpy()
    weight = units.hours.to_numpy() + 1e-9
    table = pd.DataFrame(
        {
            "name": names.astype(str).str.strip(),
            "hours": weight,
            "x": points.x * weight,
            "y": points.y * weight,
        }
    )[known]
    sums = table.groupby("name", sort=True).sum()
    sums[["x", "y"]] = sums[["x", "y"]].div(sums["hours"], axis=0)
    sums = sums.sort_values("hours", ascending=False, kind="stable")
    cuts = [0.0, 0.3, 0.6, 0.85]
    share = sums["hours"].cumsum().sub(sums["hours"]).div(sums["hours"].sum())
    kinds = ["town", "suburb", "village", "hamlet"]
    sums["kind"] = [kinds[int(np.searchsorted(cuts, s, side="right")) - 1] for s in share]
    return sums.reset_index()[["name", "kind", "x", "y"]]


def _minor(roads: Any, metric: CRS) -> NDArray[np.object_]:
    """Return the roads of no larger class as lines; sketched ones are no roads and are not printed."""
    none = np.array([], dtype=object)
    if roads is None or roads.sketch or roads.crs is None or not len(roads.heads):
        return none
    start, end, _ = _undirected(roads)
    points = gpd.GeoSeries.from_xy(roads.x, roads.y, crs=roads.crs).to_crs(metric)
    xy = np.column_stack([points.x.to_numpy(), points.y.to_numpy()])
    lines = shapely.linestrings(np.stack([xy[start], xy[end]], axis=1))
    return np.asarray(shapely.get_parts(shapely.line_merge(shapely.multilinestrings(lines))), dtype=object)


def _built_up(plan: Plan, metric: CRS) -> NDArray[np.object_]:
    """Return the units that an urban-rural class calls urban, where they have such a column."""
    frame = plan.of_units.frame
    likely = ("ruc", "rural_urban", "urban")
    column = next((name for name in frame.columns if str(name).lower().startswith(likely)), None)
    if column is None:
        return np.array([], dtype=object)
    said = frame[column].astype(str).str.strip().str.lower()
    urban = said.str.startswith(_URBAN).to_numpy()
    return np.asarray(shapely.make_valid(frame.geometry.to_crs(metric).to_numpy()[urban]), dtype=object)
