"""Customers to units: by the table's own unit id, by point in polygon, or by postcode."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from zonedesign import tables
from zonedesign._customers import Customers, known_name
from zonedesign._unitshapes import are_polygons, metres
from zonedesign.errors import DataError, counted, require_columns, require_unique

if TYPE_CHECKING:
    from zonedesign.units import Units

NEAR_M = 100.0
"""A point outside every polygon belongs to the nearest within this: polygons are generalised, coasts most."""

HELD, SHARED, NEAR = 1, 2, 3
"""How a shape holds a point: alone, as the first of several, or as the nearest."""

OUTSIDE = "outside every unit"
STRANGE = "with an unknown postcode"
NOWHERE = "without a place"


@dataclass(frozen=True, eq=False)
class Places:
    """Where customers live: `unit` by customer id (None where in none), and the reason where it is none."""

    unit: pd.Series[Any]
    unplaced: pd.Series[Any]
    notes: tuple[str, ...] = ()


def place(people: Customers, units: Units, postcodes: str | Path | pd.DataFrame | None = None) -> Places:
    """Return the unit of every customer: included or left out on purpose, or none with the reason.

    What a row gives first counts: coordinates, then the postcode, then the unit's id. Raises `DataError`
    where the table has no column that says where people live, and where postcodes have no table.
    """
    frame, source = people.frame, people.source
    id_name = str(units.ids.name)
    columns = set(frame.columns)
    located = any({x, y} <= columns for x, y, _ in tables.PLACES)
    if not located and "postcode" not in columns and id_name not in columns:
        raise DataError(
            f"{source} does not say where customers live; give easting and northing, lon and lat, or postcode"
        )
    ids, shapes = _everywhere(units)
    unit = pd.Series(None, index=frame.index, dtype=object)
    reason = pd.Series(NOWHERE, index=frame.index, dtype=object)
    how = np.zeros(len(frame), dtype=np.int64)
    if located:
        points = tables.points_in(frame, source)
        there = points.notna().to_numpy()
        at, how[there] = holding(points[there], shapes)
        unit[there] = _named(ids, at)
        reason[there] = OUTSIDE
    open_rows = (reason == NOWHERE).to_numpy()
    if open_rows.any() and "postcode" in columns:
        wanted = open_rows & _tidy(frame["postcode"]).notna().to_numpy()
        if wanted.any() and postcodes is None:
            raise DataError(
                f"{source}: {counted(int(wanted.sum()), 'customer')} by postcode only, and there is no "
                "table of "
                "postcodes; name one as demand.postcodes (postcode, easting, northing)"
            )
        if wanted.any() and postcodes is not None:
            found, held, why = _by_postcode(
                _tidy(frame["postcode"][wanted]), postcodes, (ids, shapes), id_name
            )
            unit[wanted], how[wanted], reason[wanted] = found, held, why
    open_rows = (reason == NOWHERE).to_numpy()
    if open_rows.any() and id_name in columns:
        stated = frame[id_name][open_rows]
        named = pd.Series(tables.as_ids(stated, ids), index=stated.index, dtype=object)
        unit[open_rows] = named.where(named.isin(ids), None)
        reason[open_rows] = np.where(stated.isna(), NOWHERE, OUTSIDE)
    return _told(unit, reason, how, source)


def _told(unit: pd.Series[Any], reason: pd.Series[Any], how: Any, source: str) -> Places:
    unplaced = reason[unit.isna()]
    notes = []
    close, shared = int((how == NEAR).sum()), int((how == SHARED).sum())
    if shared:
        notes.append(
            f"{source}: {counted(shared, 'customer')} on a boundary or where units overlap, counted in "
            "the first"
        )
    if close:
        notes.append(
            f"{source}: {counted(close, 'customer')} outside every unit but within {NEAR_M:g} m of one, "
            "counted in the nearest"
        )
    for why, group in unplaced.groupby(unplaced):
        notes.append(f"{source}: {counted(len(group), 'customer')} {why}, left out (the log names them)")
    return Places(unit, unplaced, tuple(notes))


def holding(points: gpd.GeoSeries, shapes: gpd.GeoSeries) -> tuple[Any, Any]:
    """Return the position of the shape that holds each point, -1 for none, and how: `HELD`, `SHARED`, `NEAR`.

    A point on a boundary, or in several shapes, is in the first of them; outside all, the nearest within
    100 m counts.
    """
    flat = metres(shapes)
    if not are_polygons(flat):
        raise DataError("the shapes are no polygons, so none of them holds a point; give polygons")
    tree = shapely.STRtree(flat.to_numpy())
    placed = points.to_crs(flat.crs).to_numpy()
    at = np.full(len(placed), len(flat), dtype=np.int64)
    one, shape = tree.query(placed, predicate="intersects")
    np.minimum.at(at, one, shape)
    how = np.minimum(np.bincount(one, minlength=len(placed)), SHARED)
    outside = np.flatnonzero(at == len(flat))
    one, shape = tree.query_nearest(placed[outside], max_distance=NEAR_M)
    np.minimum.at(at, outside[one], shape)
    how[outside[one]] = NEAR
    return np.where(at == len(flat), -1, at), how


def _everywhere(units: Units) -> tuple[pd.Index[Any], gpd.GeoSeries]:
    """Return ids and shapes of all units, those left out on purpose after the others."""
    if not isinstance(units.frame, gpd.GeoDataFrame):
        raise DataError(
            "the units have no geometry, so where customers live cannot be matched; give polygons"
        )
    shapes = units.frame.geometry
    if isinstance(units.excluded, gpd.GeoDataFrame):
        drawn = units.excluded.geometry
        shapes = pd.concat([shapes, drawn[drawn.notna() & ~drawn.is_empty]])
    return shapes.index, shapes


def _named(ids: pd.Index[Any], at: Any) -> Any:
    named = ids.to_numpy(dtype=object)[np.maximum(at, 0)]
    named[at < 0] = None
    return named


def _tidy(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return postcodes as capitals without blanks, None where empty."""
    text = column.astype(object).where(column.notna(), "").astype(str)
    text = text.str.upper().str.replace(r"\s+", "", regex=True)
    return text.astype(object).where(text != "", None)


def _by_postcode(
    wanted: pd.Series[Any],
    postcodes: str | Path | pd.DataFrame,
    units: tuple[pd.Index[Any], gpd.GeoSeries],
    id_name: str,
) -> tuple[Any, Any, Any]:
    """Return unit, how it holds the point, and the reason where there is none, for each postcode.

    A column with the units' ids counts before the postcode's point, for it is what the directory says.
    """
    ids, shapes = units
    source = "the postcodes" if isinstance(postcodes, pd.DataFrame) else Path(postcodes).name
    table = postcodes if isinstance(postcodes, pd.DataFrame) else tables.read_table(postcodes)
    table = table.rename(columns=known_name)
    require_columns(table.columns, ["postcode"], source)
    table = table.set_index(_tidy(table["postcode"]))
    table = table[table.index.isin(wanted)]
    require_unique(table.index, "postcode", source)
    row = table.reindex(wanted)
    unit = np.full(len(wanted), None, dtype=object)
    how = np.zeros(len(wanted), dtype=np.int64)
    if id_name in table.columns:
        stated = pd.Series(tables.as_ids(row[id_name], ids), dtype=object)
        unit = stated.where(stated.isin(ids), None).to_numpy(dtype=object)
    open_rows = pd.isna(unit)
    if any({x, y} <= set(table.columns) for x, y, _ in tables.PLACES):
        points = tables.points_in(row.reset_index(drop=True), source)
        there = open_rows & points.notna().to_numpy()
        if there.any():
            at, how[there] = holding(points[there], shapes)
            unit[there] = _named(ids, at)
    elif id_name not in table.columns:
        raise DataError(f"{source} needs easting and northing, lon and lat, or the units' id '{id_name}'")
    return unit, how, np.where(wanted.isin(table.index), OUTSIDE, STRANGE)
