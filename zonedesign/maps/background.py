"""Background: the roads as a few quiet lines, merged, simplified and cut to the map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from zonedesign.maps.shapes import in_degrees

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zonedesign.maps.shapes import Shapes

_MAIN = ("motorway", "trunk", "primary")
_THROUGH = ("secondary", "tertiary")
MOST_VERTICES = 80_000
"""Vertices of all lines together: what keeps the page small and the map fluid."""


@dataclass(frozen=True, eq=False)
class RoadClass:
    """One kind of line: its `name`, `colour`, `width` in pixels and the lines, in degrees."""

    name: str
    colour: str
    width: float
    lines: Any


def road_lines(roads: Any, shapes: Shapes) -> list[RoadClass]:
    """Return the roads near the zones by kind, minor ones first; these are left out where too many."""
    if roads is None or roads.crs is None or not len(roads.heads):
        return []
    start, end, kind = _undirected(roads)
    xy = _display_xy(roads, shapes)
    west, south, east, north = shapely.total_bounds(
        gpd.GeoSeries([shapely.box(*shapes.bounds)], crs=4326).to_crs(shapes.metric).to_numpy()
    )
    margin = 0.03 * max(east - west, north - south)
    box = (west - margin, south - margin, east + margin, north + margin)
    if roads.sketch:
        drawn = _merged(xy, start, end, box, 0.0)
        return [RoadClass("sketch", "#5f6b73", 0.8, _degrees(drawn, shapes))]
    styles = [
        (2, "other", "#8a949b", 0.6, 1.5),
        (1, "through", "#6b757c", 1.1, 1.0),
        (0, "main", "#4a545b", 2.0, 1.0),
    ]
    made, spent = [], 0
    for number, name, colour, width, coarse in reversed(styles):
        of_kind = kind == number
        drawn = _merged(xy, start[of_kind], end[of_kind], box, coarse * shapes.detail_m)
        spent += int(shapely.get_num_coordinates(drawn).sum())
        if len(drawn) and spent <= MOST_VERTICES:
            made.append(RoadClass(name, colour, width, _degrees(drawn, shapes)))
    return made[::-1]


def _undirected(roads: Any) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return each stretch once: its ends and its kind (0 main, 1 through, 2 other), the least winning."""
    tails = np.repeat(np.arange(len(roads.indptr) - 1), np.diff(roads.indptr))
    heads = np.asarray(roads.heads, dtype=np.int64)
    kind = _kinds(roads.class_names)[np.asarray(roads.road_class, dtype=np.int64)]
    low, high = np.minimum(tails, heads), np.maximum(tails, heads)
    order = np.lexsort((kind, high, low))
    low, high, kind = low[order], high[order], kind[order]
    first = np.ones(len(low), dtype=bool)
    first[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    return low[first], high[first], kind[first]


def _kinds(names: Sequence[str]) -> NDArray[np.int64]:
    base = [str(name).removesuffix("_link") for name in names]
    return np.array([0 if n in _MAIN else 1 if n in _THROUGH else 2 for n in base], dtype=np.int64)


def _display_xy(roads: Any, shapes: Shapes) -> NDArray[np.float64]:
    points = gpd.GeoSeries.from_xy(roads.x, roads.y, crs=roads.crs).to_crs(shapes.metric)
    return np.column_stack([points.x.to_numpy(), points.y.to_numpy()])


def _merged(
    xy: NDArray[np.float64],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    box: tuple[float, float, float, float],
    tolerance: float,
) -> NDArray[np.object_]:
    """Return stretches joined into long lines, cut to the box and simplified, as an array of lines."""
    if not len(start):
        return np.array([], dtype=object)
    pieces = shapely.linestrings(np.stack([xy[start], xy[end]], axis=1))
    long = shapely.line_merge(shapely.clip_by_rect(shapely.multilinestrings(pieces), *box))
    lines: NDArray[np.object_] = np.asarray(
        shapely.get_parts(shapely.simplify(long, tolerance, preserve_topology=False))
    )
    kept: NDArray[np.object_] = lines[shapely.length(lines) > 0]
    return kept


def _degrees(lines: NDArray[np.object_], shapes: Shapes) -> Any:
    return in_degrees([shapely.multilinestrings(list(lines))], shapes.metric, shapes.decimals)[0]
