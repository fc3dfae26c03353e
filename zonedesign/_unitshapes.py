"""The shapes of units: CRS checked, polygons repaired, one point for each, everything counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from zonedesign._roadshape import in_metres, metre_crs
from zonedesign.errors import DataError, counted, listed
from zonedesign.tables import as_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

FAR_M = 1000.0
"""A point farther than this from its own polygon is not a little off: its coordinates are another place's."""

_POLYGONS = ("Polygon", "MultiPolygon")


def metres(shapes: gpd.GeoSeries) -> gpd.GeoSeries:
    """Return shapes in a CRS of metres on the ground: their own where it is, else National Grid or UTM."""
    crs = CRS.from_user_input(shapes.crs)
    if in_metres(crs):
        return shapes
    west, south, east, north = shapes.to_crs(4326).total_bounds
    return shapes.to_crs(metre_crs(np.array([(west + east) / 2]), np.array([(south + north) / 2])))


def require_crs(shapes: gpd.GeoSeries, source: str) -> None:
    """Raise `DataError` where there is no CRS, or where the coordinates are plainly not in it."""
    if shapes.crs is None:
        raise DataError(
            f"{source} has no CRS, so nothing can be measured; save it with one (EPSG:27700 for the "
            "National Grid)"
        )
    bounds = shapes.total_bounds
    if not np.isfinite(bounds).all():
        return
    degrees_like = bool((np.abs(bounds) <= np.array([180.0, 90.0, 180.0, 90.0])).all())
    geographic = CRS.from_user_input(shapes.crs).is_geographic
    box = f"x {bounds[0]:,.6g} to {bounds[2]:,.6g}, y {bounds[1]:,.6g} to {bounds[3]:,.6g}"
    if geographic and not degrees_like:
        raise DataError(
            f"{source} says its CRS is {shapes.crs.to_string()}, in degrees, but its coordinates are none "
            f"({box}); "
            "set the CRS that they are in"
        )
    if not geographic and degrees_like:
        raise DataError(
            f"{source} says its CRS is {shapes.crs.to_string()}, in metres, but its coordinates look like "
            "degrees "
            f"({box}); set EPSG:4326, or reproject the file"
        )


def repaired(frame: gpd.GeoDataFrame, source: str, row: str = "unit") -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return the frame with valid shapes, and a note of what was mended; a polygon keeps its polygon parts.

    Missing shapes are left for the caller. Raises `DataError` for shapes that are neither polygons nor
    points, and for polygons of which nothing is left.
    """
    shapes = frame.geometry
    there = shapes.notna() & ~shapes.is_empty
    kinds = shapes.geom_type
    mixed = there & ~kinds.isin([*_POLYGONS, "Point"])
    parts_only = mixed & (kinds == "GeometryCollection")
    mixed &= ~parts_only
    if mixed.any():
        raise DataError(
            f"{source} has {counted(int(mixed.sum()), row)} that are {kinds[mixed].iloc[0]}s: "
            f"{listed(frame.index[mixed])}; units are polygons"
        )
    flat = shapely.force_2d(shapes.to_numpy())
    broken = there.to_numpy() & (~shapely.is_valid(flat) | parts_only.to_numpy())
    if not broken.any():
        return frame, []
    mended = [_polygons(shape) for shape in shapely.make_valid(flat[broken])]
    lost = frame.index[broken][[shape.is_empty for shape in mended]]
    if len(lost):
        raise DataError(
            f"{source} has {counted(len(lost), 'invalid polygon')} of which no area is left: {listed(lost)}; "
            "draw them again or exclude them"
        )
    flat = flat.copy()
    flat[broken] = mended
    note = (
        f"{source}: {counted(int(broken.sum()), 'invalid polygon')} repaired: {listed(frame.index[broken])}"
    )
    frame = frame.copy()
    frame[shapes.name] = gpd.GeoSeries(flat, index=frame.index, crs=frame.crs)
    return frame, [note]


def _polygons(shape: Any) -> Any:
    """Return the polygon parts of a shape as one, lines and points left out."""
    parts = shapely.get_parts(shape)
    parts = parts[np.isin(shapely.get_type_id(parts), (3, 6))]  # Polygon, MultiPolygon
    return parts[0] if len(parts) == 1 else shapely.union_all(parts)


def are_polygons(shapes: gpd.GeoSeries) -> bool:
    """Return whether every shape is a polygon."""
    return bool(shapes.geom_type.isin(_POLYGONS).all())


def require_shapes(frame: gpd.GeoDataFrame, source: str) -> None:
    """Raise `DataError` naming units without a shape."""
    absent = frame.index[frame.geometry.isna() | frame.geometry.is_empty]
    if len(absent):
        raise DataError(
            f"{source} has {counted(len(absent), 'unit')} without geometry: {listed(absent)}; "
            "give each a shape or exclude it"
        )


def points_of(frame: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return one point per unit that lies in it: the point, or a representative point of its polygon."""
    require_shapes(frame, "the frame")
    return frame.geometry.representative_point()


def stated_points(
    frame: gpd.GeoDataFrame, point: Sequence[str], source: str
) -> tuple[gpd.GeoSeries, list[str]]:
    """Return the points that two columns state, in the frame's CRS, and a note of those outside their unit.

    Raises `DataError` for units without a number there, and where points lie in another place than their
    units.
    """
    x, y = (as_numbers(frame[name], name, source, "unit") for name in point)
    absent = frame.index[~(np.isfinite(x) & np.isfinite(y))]
    if len(absent):
        raise DataError(
            f"{source}: {counted(len(absent), 'unit')} without {point[0]} or {point[1]}: {listed(absent)}; "
            "give each a point, or leave 'point' out for a point inside the polygon"
        )
    points = gpd.GeoSeries(shapely.points(x, y), index=frame.index, crs=frame.crs)
    if not are_polygons(frame.geometry):
        return points, []
    outside = ~frame.geometry.intersects(points).to_numpy()
    if not outside.any():
        return points, []
    far = _distances(frame.geometry[outside], points[outside], source, point)
    astray = frame.index[outside][far > FAR_M]
    if len(astray) * 2 > len(frame):
        raise DataError(
            f"{source}: {len(astray):,} of {len(frame):,} points in {point[0]} and {point[1]} lie more than "
            f"{FAR_M:,.0f} m from their unit; are they in {frame.crs.to_string()}, the CRS of the units?"
        )
    order = np.argsort(-far, kind="stable")
    note = (
        f"{source}: {counted(int(outside.sum()), 'point')} outside the unit's own polygon, by up to "
        f"{far.max():,.0f} m: "
        f"{listed(frame.index[outside][order])}; used as stated"
    )
    return points, [note]


def _distances(shapes: gpd.GeoSeries, points: gpd.GeoSeries, source: str, point: Sequence[str]) -> Any:
    near = metres(shapes)
    placed = points.to_crs(near.crs)
    if not np.isfinite(placed.x + placed.y).all():
        raise DataError(
            f"{source}: {point[0]} and {point[1]} are no places in {shapes.crs.to_string()}, the CRS of "
            "the units; "
            "give them in that CRS"
        )
    return near.distance(placed).to_numpy()


def axis_note(shapes: gpd.GeoSeries, source: str) -> list[str]:
    """Return a note where the units are not in metres and distances are measured in another CRS."""
    crs = CRS.from_user_input(shapes.crs)
    if in_metres(crs):
        return []
    return [f"{source} is in {crs.to_string()}; measured in {metres(shapes).crs.to_string()}"]


def attribute_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame's columns without its geometry."""
    return frame.drop(columns=frame.geometry.name) if isinstance(frame, gpd.GeoDataFrame) else frame
