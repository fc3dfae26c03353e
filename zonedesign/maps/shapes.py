"""Shapes: the units' and zones' outlines for display, simplified together, in longitude and latitude."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyproj import CRS

    from zonedesign.plan import Plan


@dataclass(frozen=True, eq=False)
class Shapes:
    """What is drawn, in longitude and latitude.

    `zones` are (k,) outlines, `labels` (k, 2) longitude and latitude inside them, `room_m` (k,) the radius of
    the circle that fits there; `units` (n,) outlines, or points where `as_points`; `points` (n, 2) theirs.
    `metric` is the CRS in metres, `bounds` west, south, east, north; `detail_m` how much was smoothed, and
    `decimals` of a degree are kept (5, a metre, for a county).
    """

    zones: NDArray[np.object_]
    labels: NDArray[np.float64]
    room_m: NDArray[np.float64]
    units: NDArray[np.object_]
    points: NDArray[np.float64]
    excluded: NDArray[np.object_]
    as_points: bool
    metric: CRS
    bounds: tuple[float, float, float, float]
    detail_m: float
    decimals: int


@dataclass(frozen=True, eq=False)
class Ground:
    """What is drawn, in metres of the CRS `metric`: as `Shapes` has it, and `labels` as points (k, 2)."""

    zones: NDArray[np.object_]
    labels: NDArray[np.float64]
    room_m: NDArray[np.float64]
    units: NDArray[np.object_]
    points: NDArray[np.object_]
    excluded: NDArray[np.object_]
    as_points: bool
    metric: CRS
    detail_m: float


def ground(plan: Plan, *, most_detail_m: float = 30.0) -> Ground | None:
    """Return the plan's shapes in metres, smoothed; None where the units have no geometry or no CRS.

    `detail_m` is a 4,000th of the way across, and `most_detail_m` at most.
    """
    frame = plan.of_units.frame
    if not isinstance(frame, gpd.GeoDataFrame) or frame.crs is None or plan.of_units.points is None:
        return None
    metric = frame.estimate_utm_crs() if frame.crs.is_geographic else frame.crs
    given = np.asarray(shapely.make_valid(frame.geometry.to_crs(metric).to_numpy()))
    points = np.asarray(plan.of_units.points.to_crs(metric).to_numpy())
    excluded = _left_out(plan, metric)
    as_points = bool((shapely.get_dimensions(given) < 2).any())
    west, south, east, north = shapely.total_bounds(given)
    across = max(float(np.hypot(east - west, north - south)), 1e-3)
    detail = min(across / 4000, most_detail_m)
    areas = _around(points) if as_points else _simplified(_polygons(given), detail)
    zones = _dissolved(areas, points, plan, excluded, detail / 8)
    circles = shapely.maximum_inscribed_circle([_largest(z) for z in zones], tolerance=detail)
    return Ground(
        zones=zones,
        labels=shapely.get_coordinates(circles)[::2],
        room_m=shapely.length(circles),
        units=areas,
        points=points,
        excluded=excluded if as_points else _simplified(_polygons(excluded), detail),
        as_points=as_points,
        metric=metric,
        detail_m=detail,
    )


def display(plan: Plan) -> Shapes | None:
    """Return the plan's shapes for display, or None where the units have no geometry or no CRS."""
    found = ground(plan)
    if found is None:
        return None
    decimals = int(np.clip(np.ceil(-np.log10(found.detail_m / 5 / 111_000)), 5, 9))
    drawn = np.concatenate([found.zones, found.excluded])

    def degrees(metres: Any) -> NDArray[np.object_]:
        return in_degrees(metres, found.metric, decimals)

    return Shapes(
        zones=degrees(found.zones),
        labels=shapely.get_coordinates(degrees(shapely.points(found.labels))),
        room_m=found.room_m,
        units=degrees(found.points if found.as_points else found.units),
        points=shapely.get_coordinates(degrees(found.points)),
        excluded=degrees(found.excluded),
        as_points=found.as_points,
        metric=found.metric,
        bounds=tuple(float(v) for v in shapely.total_bounds(degrees(shapely.envelope(drawn)))),  # type: ignore[arg-type]
        detail_m=found.detail_m,
        decimals=decimals,
    )


def features(shapes: NDArray[np.object_], numbers: Any = None) -> dict[str, Any]:
    """Return shapes as GeoJSON, whose one property `k` is a number; text never goes this way."""
    numbers = range(len(shapes)) if numbers is None else numbers
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": str(k),
                "properties": {"k": int(k)},
                "geometry": shapely.geometry.mapping(s),
            }
            for k, s in zip(numbers, shapes, strict=True)
        ],
    }


def _left_out(plan: Plan, metric: CRS) -> NDArray[np.object_]:
    gone = plan.of_units.excluded
    if not isinstance(gone, gpd.GeoDataFrame) or gone.crs is None or gone.empty:
        return np.array([], dtype=object)
    shapes = gone.geometry[~(gone.geometry.isna() | gone.geometry.is_empty)].to_crs(metric)
    return np.asarray(shapely.make_valid(shapes.to_numpy()))


def _polygons(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the polygon parts of every shape: repairing may leave lines behind."""
    kept = [
        s if s.geom_type in ("Polygon", "MultiPolygon")
        else shapely.multipolygons(
            [p for p in shapely.get_parts(shapely.get_parts(s)) if p.geom_type == "Polygon"]
        )
        for s in shapes
    ]  # fmt: skip
    return np.array(kept, dtype=object)


def _simplified(areas: NDArray[np.object_], detail: float) -> NDArray[np.object_]:
    """Return areas with fewer vertices, their boundaries still shared; one that would vanish stays."""
    if not len(areas):
        return areas
    plain = shapely.make_valid(shapely.coverage_simplify(areas, detail))
    return np.where(shapely.area(plain) > 0, _polygons(plain), areas)


def _around(points: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the area nearest to each point, within a hull drawn around them all (Voronoi)."""
    hull = shapely.convex_hull(shapely.union_all(points))
    reach = max(float(np.sqrt(max(hull.area, 1.0) / len(points))), 50.0)
    hull = shapely.buffer(hull, reach)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.union_all(points), extend_to=hull))
    tree = shapely.STRtree(cells)
    at = tree.nearest(points)
    return np.asarray(shapely.intersection(cells[at], hull))


def _dissolved(
    areas: NDArray[np.object_],
    points: NDArray[np.object_],
    plan: Plan,
    left_out: NDArray[np.object_],
    crack: float,
) -> NDArray[np.object_]:
    """Return every zone as one shape: cracks between units closed, holes kept where a unit lies in them."""
    others = np.concatenate([points, [shape.representative_point() for shape in left_out]])
    tree = shapely.STRtree(others)
    made = []
    for k in range(len(plan.zone_ids)):
        whole = shapely.union_all(areas[plan.zone == k])
        whole = whole.buffer(crack, join_style="mitre").buffer(-crack, join_style="mitre")
        parts = []
        for part in shapely.get_parts(whole):
            rings = [ring for ring in part.interiors if len(tree.query(shapely.polygons(ring), "contains"))]
            parts.append(shapely.Polygon(part.exterior, rings))
        made.append(shapely.multipolygons(parts) if len(parts) > 1 else parts[0])
    return np.array(made, dtype=object)


def _largest(zone: Any) -> Any:
    return max(shapely.get_parts(zone), key=lambda part: part.area)


def in_degrees(shapes: Any, metric: CRS, decimals: int) -> NDArray[np.object_]:
    """Return shapes in longitude and latitude, rounded."""
    turned = gpd.GeoSeries(list(shapes), crs=metric).to_crs(4326).to_numpy()
    return np.asarray(shapely.transform(turned, lambda xy: xy.round(decimals)))
