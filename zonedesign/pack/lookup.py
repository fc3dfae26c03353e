"""The postcode look-up: which lot each postcode is in, and which ones may be in two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from zonedesign import tables
from zonedesign.errors import DataError, counted, listed, require_columns, require_unique

if TYPE_CHECKING:
    from pathlib import Path

    from zonedesign.plan import Plan

NEAR_M = 75.0
"""A postcode has some 15 addresses around its point: so near a boundary it may straddle it."""
FAR_M = 200.0
"""Points outside every unit, in water say, belong to the nearest one within this; farther ones to none."""


def postcode_lots(plan: Plan, path: str | Path | pd.DataFrame, date: str = "") -> pd.DataFrame:
    """Return postcode, lot, unit, straddles, other_lot and date for postcodes in or beside the plan's units.

    The table has postcode, easting and northing, or lon and lat. A postcode straddles where another lot lies
    within `NEAR_M` of its point, or where the table's own code of a unit says another lot than the point
    does. Raises `DataError` for a table without these columns, and for postcodes that occur twice.
    """
    source = "the postcodes" if isinstance(path, pd.DataFrame) else str(getattr(path, "name", path))
    table = path.copy() if isinstance(path, pd.DataFrame) else tables.read_table(path)
    table.columns = [str(name).strip().lower() for name in table.columns]
    require_columns(table.columns, ["postcode"], source)
    table["postcode"] = table["postcode"].astype(str).str.strip().str.upper()
    require_unique(table["postcode"], "postcode", source)
    frame = plan.of_units.frame
    if not isinstance(frame, gpd.GeoDataFrame) or frame.crs is None:
        raise DataError("the units have no outlines with a CRS, so no postcode can be looked up")
    metric = frame.estimate_utm_crs() if frame.crs.is_geographic else frame.crs
    points = _points(table, source).to_crs(metric).to_numpy()
    shapes = np.asarray(shapely.make_valid(frame.geometry.to_crs(metric).to_numpy()), dtype=object)
    unit, away = _nearest(points, shapes)
    inside = away <= FAR_M
    table, points, unit = table[inside].reset_index(drop=True), points[inside], unit[inside]
    other = _other_lot(plan, points, shapes, unit)
    said = _own_code(table, frame.index.name, plan)
    differs = (said >= 0) & (plan.zone[np.maximum(said, 0)] != plan.zone[unit])
    other = np.where(differs, plan.zone[np.maximum(said, 0)], other)
    lots = np.array([*plan.zone_ids, ""], dtype=object)
    found = pd.DataFrame(
        {
            "postcode": table["postcode"],
            "lot": lots[plan.zone[unit]],
            "unit": plan.of_units.ids.astype(str).to_numpy(dtype=object)[unit],
            "straddles": np.where(other >= 0, "yes", ""),
            "other_lot": lots[other],
            "date": date,
        }
    )
    return found.sort_values("postcode", kind="stable").reset_index(drop=True)


def _points(table: pd.DataFrame, source: str) -> gpd.GeoSeries:
    """Return the points of the postcodes; `DataError` where some are without."""
    for x, y, crs in (("easting", "northing", 27700), ("lon", "lat", 4326)):
        if {x, y} <= set(table.columns):
            numbers = table[[x, y]].apply(pd.to_numeric, errors="coerce")
            lost = table["postcode"][~np.isfinite(numbers).all(axis=1)]
            if len(lost):
                raise DataError(
                    f"{source} has no {x} and {y} for {counted(len(lost), 'postcode')}: {listed(lost)}; "
                    "take these rows out, or complete them"
                )
            return gpd.GeoSeries.from_xy(numbers[x], numbers[y], crs=crs)
    raise DataError(f"{source} does not say where postcodes are; give easting and northing, or lon and lat")


def _nearest(points: Any, shapes: Any) -> tuple[np.ndarray[Any, np.dtype[np.int64]], Any]:
    """Return the unit that holds each point, or else the nearest, and how far away it is."""
    tree = shapely.STRtree(shapes)
    (at, unit), away = tree.query_nearest(points, return_distance=True)
    order = np.lexsort((unit, away, at))
    first = np.unique(at[order], return_index=True)[1]
    return unit[order][first].astype(np.int64), away[order][first]


def _other_lot(plan: Plan, points: Any, shapes: Any, unit: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the nearest other lot within `NEAR_M` of each point, -1 where there is none."""
    tree = shapely.STRtree(shapes)
    at, near = tree.query(points, predicate="dwithin", distance=NEAR_M)
    differs = plan.zone[near] != plan.zone[unit[at]]
    at, near = at[differs], near[differs]
    order = np.lexsort((near, shapely.distance(points[at], shapes[near]), at))
    first = np.unique(at[order], return_index=True)[1]
    found = np.full(len(points), -1, dtype=np.int64)
    found[at[order][first]] = plan.zone[near[order][first]]
    return found


def _own_code(table: pd.DataFrame, column: Any, plan: Plan) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the unit that the table itself names for each postcode, -1 where it names none of ours."""
    name = str(column).lower()
    if name not in table.columns:
        return np.full(len(table), -1, dtype=np.int64)
    ids = plan.of_units.ids.astype(str)
    return np.asarray(ids.get_indexer(pd.Index(table[name].astype(str).str.strip())), dtype=np.int64)
