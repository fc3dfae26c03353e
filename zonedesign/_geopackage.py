"""The GeoPackage: units, zones and centres as layers that open styled in QGIS."""

from __future__ import annotations

import sqlite3
import warnings
from contextlib import closing
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pandas as pd

from zonedesign.provenance import now

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import geopandas as gpd

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#7f7f7f")
"""One for each level, told apart with any kind of colour vision (Okabe and Ito 2008)."""

_STYLES = """
CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
  f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
  useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME
)"""


def has_shapes(problem: Problem) -> bool:
    """Return whether the units have geometry to write."""
    return hasattr(problem.units.frame, "geometry") and problem.units.points is not None


def write_geopackage(path: Path, plan: Plan, problem: Problem) -> None:
    """Write the layers `units`, `zones` and `centres`, and how QGIS is to draw them.

    Excluded units are in `units` with an empty zone. Raises OSError where the file is not what was written.
    """
    from pyogrio.errors import DataLayerError, DataSourceError  # noqa: PLC0415  (only where shapes are written)

    layers = {
        "units": units_layer(plan, problem),
        "zones": zones_layer(plan),
        "centres": centres_layer(plan),
    }
    try:
        write_layers(path, layers, f"Internal: exact figures, not for publication. {problem.about.name}")
        styles = {
            "units": units_style(),
            "zones": zones_style(sorted(set(plan.levels))),
            "centres": _centres_style(),
        }
        finish(path, {name: len(layer) for name, layer in layers.items()}, styles)
    except (DataSourceError, DataLayerError, sqlite3.Error) as error:
        raise OSError(f"{path.name}: {error}") from error


def write_layers(path: Path, layers: Mapping[str, gpd.GeoDataFrame], description: str) -> None:
    """Write layers by name to a GeoPackage, each with a description."""
    for name, layer in layers.items():
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="'crs' was not provided", category=UserWarning)
            layer.to_file(path, layer=name, driver="GPKG", engine="pyogrio", DESCRIPTION=description)


def units_layer(plan: Plan, problem: Problem) -> gpd.GeoDataFrame:
    """Return a row per unit, excluded ones last and without zone, with its shape."""
    import geopandas as gpd  # noqa: PLC0415

    frame, by_unit = problem.units.frame, plan.units.reindex(problem.units.ids)
    columns: dict[str, Any] = {"unit": [str(each) for each in problem.units.ids]}
    named = problem.units.name_column
    if named is not None:
        columns["name"] = frame[named].astype(object).where(frame[named].notna(), None).to_numpy()
    for name in ("zone", "level"):
        columns[name] = by_unit[name].to_numpy(dtype=object)
    columns["centre"] = [str(each) for each in by_unit["centre"]]
    for name in ("minutes", "reach_minutes"):
        columns[name] = by_unit[name].to_numpy()
    columns["weekly_hours"] = problem.hours
    if problem.customers is not None:
        columns["customers"] = problem.customers
    layer = gpd.GeoDataFrame(columns, geometry=frame.geometry.to_numpy(), crs=frame.crs)
    out = problem.units.excluded
    if out is None or not len(out) or not hasattr(out, "geometry"):
        return layer
    shapes = out.geometry if out.crs == frame.crs else out.geometry.to_crs(frame.crs)
    excluded = pd.DataFrame({"unit": [str(each) for each in out.index]})
    if named is not None and named in out:
        excluded["name"] = out[named].astype(object).where(out[named].notna(), None).to_numpy()
    rows = pd.concat([pd.DataFrame(layer.drop(columns="geometry")), excluded], ignore_index=True)
    both = [*frame.geometry.to_numpy(), *shapes.to_numpy()]
    return gpd.GeoDataFrame(rows.reindex(columns=list(columns)), geometry=both, crs=frame.crs)


def zones_layer(plan: Plan) -> gpd.GeoDataFrame:
    """Return what `zones.csv` has, with the units of each zone as one shape."""
    import geopandas as gpd  # noqa: PLC0415
    import shapely  # noqa: PLC0415

    frame = plan.of_units.frame
    shapes = frame.geometry.to_numpy()
    dissolved = [shapely.union_all(shapes[plan.zone == k]) for k in range(len(plan.zone_ids))]
    columns: dict[str, Any] = {str(name): column.to_numpy() for name, column in plan.zones.items()}
    columns["centre"] = [str(each) for each in columns["centre"]]
    if plan.of_units.customers is None:
        del columns["customers"]
    return gpd.GeoDataFrame(columns, geometry=dissolved, crs=frame.crs)


def centres_layer(plan: Plan) -> gpd.GeoDataFrame:
    """Return the point of every zone's centre."""
    import geopandas as gpd  # noqa: PLC0415

    points = plan.of_units.points
    if points is None:
        raise ValueError("the units have no points")
    columns: dict[str, Any] = {name: plan.zones[name].to_numpy() for name in ("zone", "name", "level")}
    columns["centre"] = [str(each) for each in plan.zones["centre"]]
    return gpd.GeoDataFrame(columns, geometry=points.iloc[plan.centres].to_numpy(), crs=points.crs)


def finish(path: Path, rows: dict[str, int], styles: dict[str, str]) -> None:
    """Add the styles of layers and the date, and make sure that every row has reached the disk."""
    # The standard asks for thousandths of a second.
    stamp = now().strftime("%Y-%m-%dT%H:%M:%S.000Z")
    with closing(sqlite3.connect(path)) as file, file:
        for layer, expected in rows.items():
            found = file.execute(f'SELECT count(*) FROM "{layer}"').fetchone()[0]  # noqa: S608  (our own names)
            if found != expected:
                raise OSError(f"{path.name}: layer {layer} has {found:,} of {expected:,} rows")
        file.execute(_STYLES)
        for layer, style in styles.items():
            file.execute(
                "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, "
                "styleName, styleQML, styleSLD, useAsDefault, description, owner, ui, update_time) "
                "VALUES ('', '', ?, 'geom', ?, ?, '', 1, 'zonedesign', '', NULL, ?)",
                (layer, layer, style, stamp),
            )
        file.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description) "
            "VALUES ('layer_styles', 'attributes', 'layer_styles', '')"
        )
        file.execute("UPDATE gpkg_contents SET last_change = ?", (stamp,))


# Styles, as QGIS writes them (QML). Properties are written the plain old way, which every version 3 reads.


def units_style() -> str:
    """Return thin outlines and nothing else."""
    outline = {"color": "255,255,255,0", "style": "no", "outline_color": "#9a9a9a", "outline_width": "0.1"}
    return _qml(2, _single("fill", "SimpleFill", outline))


def _centres_style() -> str:
    dot = {
        "name": "circle",
        "color": "#1a1a1a",
        "outline_color": "#ffffff",
        "outline_width": "0.4",
        "size": "3",
    }
    return _qml(0, _single("marker", "SimpleMarker", dot))


def zones_style(levels: list[str], label: str = "zone") -> str:
    """Return zones coloured by level, white casing between them, and the column `label` as labels."""
    renderer = ET.Element("renderer-v2", type="categorizedSymbol", attr="level", enableorderby="0")
    categories, symbols = ET.SubElement(renderer, "categories"), ET.SubElement(renderer, "symbols")
    for number, level in enumerate(levels):
        ET.SubElement(
            categories,
            "category",
            symbol=str(number),
            value=level,
            label=f"Level {level}",
            render="true",
            type="string",
        )
        fill = {
            "color": COLOURS[number % len(COLOURS)],
            "style": "solid",
            "outline_color": "#ffffff",
            "outline_width": "0.8",
        }
        _symbol(symbols, str(number), "fill", "SimpleFill", fill, alpha="0.55")
    labels = ET.Element("labeling", type="simple")
    text = ET.SubElement(ET.SubElement(labels, "settings"), "text-style")
    for key, value in {
        "fieldName": label,
        "isExpression": "0",
        "fontSize": "9",
        "fontSizeUnit": "Point",
        "textColor": "26,26,26,255",
        "fontWeight": "75",
    }.items():
        text.set(key, value)
    ET.SubElement(text, "text-buffer", bufferDraw="1", bufferSize="0.8", bufferColor="255,255,255,255")
    return _qml(2, renderer, labels)


def _single(kind: str, drawn: str, properties: dict[str, str]) -> ET.Element:
    renderer = ET.Element("renderer-v2", type="singleSymbol", enableorderby="0")
    _symbol(ET.SubElement(renderer, "symbols"), "0", kind, drawn, properties)
    return renderer


def _symbol(
    symbols: ET.Element, name: str, kind: str, drawn: str, properties: dict[str, str], alpha: str = "1"
) -> None:
    symbol = ET.SubElement(symbols, "symbol", name=name, type=kind, alpha=alpha, clip_to_extent="1")
    layer = ET.SubElement(symbol, "layer", {"class": drawn, "enabled": "1", "locked": "0", "pass": "0"})
    for key, value in properties.items():
        ET.SubElement(layer, "prop", k=key, v=value)


def _qml(geometry: int, renderer: ET.Element, labels: ET.Element | None = None) -> str:
    root = ET.Element("qgis", version="3.28.0", styleCategories="Symbology|Labeling")
    root.set("labelsEnabled", "0" if labels is None else "1")
    root.append(renderer)
    if labels is not None:
        root.append(labels)
    ET.SubElement(root, "layerGeometryType").text = str(geometry)
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ET.tostring(
        root, encoding="unicode"
    )
