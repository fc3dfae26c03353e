"""The lots for a GIS: a GeoPackage that opens styled, GeoJSON in WGS 84, and KML."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import pandas as pd
import shapely

from zonedesign._geopackage import finish, units_style, write_layers, zones_style
from zonedesign.pack.material import DEFINITIVE

if TYPE_CHECKING:
    from pathlib import Path

    from zonedesign.pack.material import Material

DECIMALS = 6
"""Of a degree: a tenth of a metre."""
_KML = "http://www.opengis.net/kml/2.2"


def lots_layer(material: Material) -> gpd.GeoDataFrame:
    """Return the schedule with each lot's units as one shape, in the units' CRS."""
    plan = material.plan
    shapes = plan.of_units.frame.geometry.to_numpy()
    whole = [shapely.union_all(shapes[plan.zone == k]) for k in range(len(plan.zone_ids))]
    return gpd.GeoDataFrame(_told(material), geometry=whole, crs=plan.of_units.frame.crs)


def write_geopackage(path: Path, material: Material) -> None:
    """Write the layers `lots` and `units`, and how QGIS is to draw them; OSError where the disk refuses."""
    plan = material.plan
    units = material.units
    at = plan.of_units.ids.astype(str).get_indexer(pd.Index(units["unit"]))
    shapes = plan.of_units.frame.geometry.to_numpy()[at]
    layers = {
        "units": gpd.GeoDataFrame(units, geometry=shapes, crs=plan.of_units.frame.crs),
        "lots": lots_layer(material),
    }
    write_layers(path, layers, f"{material.kind.capitalize()}. {material.title}. {DEFINITIVE}")
    levels = sorted(set(plan.levels))
    styles = {"units": units_style(), "lots": zones_style(levels, "lot")}
    finish(path, {name: len(layer) for name, layer in layers.items()}, styles)


def geojson(material: Material) -> str:
    """Return the lots as GeoJSON (RFC 7946): WGS 84, exterior rings anticlockwise."""
    layer = lots_layer(material)
    shapes = _degrees(layer)
    rows = layer.drop(columns="geometry").to_dict("records")
    features = [
        {
            "type": "Feature",
            "id": row["lot"],
            "properties": {name: _plain(value) for name, value in row.items()},
            "geometry": json.loads(shapely.to_geojson(shape)),
        }
        for row, shape in zip(rows, shapes, strict=True)
    ]
    whole = {"type": "FeatureCollection", "name": material.title, "features": features}
    return json.dumps(whole, ensure_ascii=False, allow_nan=False) + "\n"


def kml(material: Material) -> str:
    """Return the lots as KML 2.2, each a placemark with its figures."""
    ET.register_namespace("", _KML)
    root = ET.Element(f"{{{_KML}}}kml")
    document = ET.SubElement(root, f"{{{_KML}}}Document")
    _child(document, "name", material.title)
    _child(document, "description", DEFINITIVE)
    style = ET.SubElement(document, f"{{{_KML}}}Style", id="lot")
    line = ET.SubElement(style, f"{{{_KML}}}LineStyle")
    _child(line, "color", "ff332a1c")
    _child(line, "width", "2")
    _child(ET.SubElement(style, f"{{{_KML}}}PolyStyle"), "color", "33cc8a3a")
    layer = lots_layer(material)
    shapes = _degrees(layer)
    for row, shape in zip(layer.drop(columns="geometry").to_dict("records"), shapes, strict=True):
        mark = ET.SubElement(document, f"{{{_KML}}}Placemark", id=f"lot-{row['lot']}")
        _child(mark, "name", f"{row['lot']} {row['name']}".strip())
        _child(mark, "styleUrl", "#lot")
        data = ET.SubElement(mark, f"{{{_KML}}}ExtendedData")
        for name, value in row.items():
            if _plain(value) is not None:
                field = ET.SubElement(data, f"{{{_KML}}}Data", name=str(name))
                _child(field, "value", str(_plain(value)))
        _shape(mark, shape)
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _told(material: Material) -> Any:
    """Return the schedule without what only a reader of the pack can follow."""
    return material.lots.drop(columns="sheet")


def _degrees(layer: gpd.GeoDataFrame) -> Any:
    turned = layer.geometry.to_crs(4326).to_numpy()
    return shapely.orient_polygons(shapely.transform(turned, lambda xy: xy.round(DECIMALS)))


def _plain(value: Any) -> Any:
    """Return a cell as JSON holds it: None for what is not known, whole numbers without decimals."""
    if value is None or value != value:  # noqa: PLR0124  (NaN is not itself)
        return None
    number = getattr(value, "item", lambda: value)()
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _child(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, f"{{{_KML}}}{tag}").text = text


def _shape(parent: ET.Element, shape: Any) -> None:
    several = ET.SubElement(parent, f"{{{_KML}}}MultiGeometry")
    for part in shapely.get_parts(shape):
        polygon = ET.SubElement(several, f"{{{_KML}}}Polygon")
        for tag, ring in (
            ("outerBoundaryIs", part.exterior),
            *(("innerBoundaryIs", r) for r in part.interiors),
        ):
            rings = ET.SubElement(ET.SubElement(polygon, f"{{{_KML}}}{tag}"), f"{{{_KML}}}LinearRing")
            _child(rings, "coordinates", " ".join(f"{x},{y}" for x, y in ring.coords))
