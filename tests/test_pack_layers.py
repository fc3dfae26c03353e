"""Lots for a GIS: a GeoPackage by the standard's rules, GeoJSON as RFC 7946 has it, KML of closed rings."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KML = "{http://www.opengis.net/kml/2.2}"


@pytest.fixture(scope="module")
def file(pack: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{pack / 'lots.gpkg'}?mode=ro", uri=True)) as opened:
        yield opened


def asked(file: sqlite3.Connection, question: str) -> list[Any]:
    return [row[0] if len(row) == 1 else row for row in file.execute(question)]


def test_the_geopackage_says_what_it_is_and_is_sound(file: sqlite3.Connection) -> None:
    assert asked(file, "PRAGMA application_id") == [0x47504B47]  # GPKG
    assert asked(file, "PRAGMA integrity_check") == ["ok"]
    assert asked(file, "PRAGMA foreign_key_check") == []


def test_the_geopackage_lists_its_tables_with_times_to_the_thousandth(file: sqlite3.Connection) -> None:
    rows = asked(file, "SELECT table_name, data_type, last_change FROM gpkg_contents ORDER BY 1")
    assert [row[:2] for row in rows] == [
        ("layer_styles", "attributes"), ("lots", "features"), ("units", "features"),
    ]  # fmt: skip
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row[2]) for row in rows)


def test_layers_have_one_kind_of_shape_on_the_british_grid_and_an_index(file: sqlite3.Connection) -> None:
    columns = "table_name, column_name, geometry_type_name, srs_id, z, m"
    rows = asked(file, f"SELECT {columns} FROM gpkg_geometry_columns ORDER BY 1")  # noqa: S608
    assert [row[0] for row in rows] == ["lots", "units"]
    assert {row[3:] for row in rows} == {(27700, 0, 0)}
    assert 27700 in asked(file, "SELECT srs_id FROM gpkg_spatial_ref_sys")
    assert (
        asked(file, "SELECT count(*) FROM lots") == asked(file, "SELECT count(*) FROM rtree_lots_geom") == [4]
    )


def test_geojson_is_plain_and_its_holes_run_clockwise(pack: Path) -> None:
    told = json.loads((pack / "lots.geojson").read_text())
    assert told["type"] == "FeatureCollection"
    assert "crs" not in told
    assert [set(each) for each in told["features"]] == [{"type", "id", "properties", "geometry"}] * 4
    for feature in told["features"]:
        shape = shapely.geometry.shape(feature["geometry"])
        assert shape.is_valid
        rings = [ring for part in shapely.get_parts(shape) for ring in part.interiors]
        assert not any(ring.is_ccw for ring in rings)


def test_kml_has_a_placemark_a_lot_with_closed_rings_of_longitude_and_latitude(pack: Path) -> None:
    root = ET.parse(pack / "lots.kml").getroot()  # noqa: S314  (our own file)
    marks = list(root.iter(f"{KML}Placemark"))
    ids = [mark.get("id", "") for mark in marks]
    assert len(set(ids)) == len(ids) == 4
    assert all(re.fullmatch(r"[A-Za-z_][\w.-]*", each) for each in ids)
    for ring in root.iter(f"{KML}coordinates"):
        spots = [tuple(map(float, spot.split(","))) for spot in str(ring.text).split()]
        assert spots[0] == spots[-1]
        assert len(spots) >= 4
        assert all(-8 < lon < 2 and 49 < lat < 61 for lon, lat in spots)
