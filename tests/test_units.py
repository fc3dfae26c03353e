"""Units: what files become, and what is refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
from shapely.geometry import LineString, Point, Polygon, box

from zonedesign import tables
from zonedesign.errors import DataError, ScenarioError
from zonedesign.units import read_units

if TYPE_CHECKING:
    from pathlib import Path

EAST, NORTH = 450_000.0, 100_000.0


def squares(columns: int = 4, rows: int = 3, side: float = 1000.0) -> gpd.GeoDataFrame:
    """A sheet of squares in the National Grid, U00, U01, ... row by row from the south-west."""
    shapes = [
        box(EAST + c * side, NORTH + r * side, EAST + (c + 1) * side, NORTH + (r + 1) * side)
        for r in range(rows)
        for c in range(columns)
    ]
    count = len(shapes)
    return gpd.GeoDataFrame(
        {
            "code": [f"U{k:02d}" for k in range(count)],
            "weekly_hours": np.arange(count) + 10.0,
            "customers": np.arange(count) + 1,
            "px": [s.centroid.x + 100.0 for s in shapes],
            "py": [s.centroid.y for s in shapes],
            "council": ["East" if k % columns >= columns / 2 else "West" for k in range(count)],
        },
        geometry=shapes,
        crs=27700,
    )


def written(frame: gpd.GeoDataFrame, folder: Path, name: str = "units.gpkg") -> Path:
    path = folder / name
    frame.to_file(path)
    return path


def test_units_keep_the_order_of_the_file_and_are_indexed_by_their_id(tmp_path):
    frame = squares().iloc[::-1]
    units = read_units(written(frame, tmp_path), id="code", hours="weekly_hours", customers="customers")
    assert list(units.ids) == [f"U{k:02d}" for k in reversed(range(12))]
    assert units.ids.name == "code"
    assert units.hours["U03"] == 13.0
    assert units.customers["U03"] == 4.0
    assert units.frame.crs.to_epsg() == 27700


@pytest.mark.parametrize("name", ["units.gpkg", "units.geojson", "units.shp", "units.fgb"])
def test_units_are_read_from_whatever_gdal_reads(tmp_path, name):
    frame = squares().rename(columns={"weekly_hours": "hours"})[["code", "hours", "geometry"]]
    if name.endswith("geojson"):
        frame = frame.to_crs(4326)
    units = read_units(written(frame, tmp_path, name), id="code", hours="hours", contiguity=None)
    assert units.hours.to_dict() == {f"U{k:02d}": k + 10.0 for k in range(12)}


def test_text_ids_keep_their_leading_zeros_and_whole_numbers_stay_numbers(tmp_path):
    text = squares().assign(code=[f"{k:03d}" for k in range(12)])
    assert read_units(written(text, tmp_path, "a.gpkg"), id="code", contiguity=None).ids[7] == "007"
    whole = squares().assign(code=np.arange(12))
    ids = read_units(written(whole, tmp_path, "b.gpkg"), id="code", contiguity=None, exclude=["3"]).ids
    assert ids.dtype == np.int64
    assert 3 not in ids


def test_units_that_touch_are_neighbours(tmp_path):
    units = read_units(written(squares(), tmp_path), id="code")
    pairs = {(units.ids[a], units.ids[b]) for a, b in units.contiguity.pairs}
    assert ("U00", "U01") in pairs
    assert ("U00", "U05") in pairs  # corners count
    assert ("U00", "U02") not in pairs


def test_excluded_units_take_no_part_in_contiguity_and_are_kept_for_the_outputs(tmp_path):
    path = written(squares(columns=3, rows=1), tmp_path)
    units = read_units(path, id="code", exclude=["U01"], bridges="none")
    assert list(units.ids) == ["U00", "U02"]
    assert list(units.excluded.index) == ["U01"]
    assert len(units.contiguity.pairs) == 0
    assert "1 unit left out on purpose: U01" in units.notes


def test_an_unknown_excluded_id_is_named_with_the_nearest(tmp_path):
    with pytest.raises(DataError, match="exclude names 1 id that no unit has: U001; did you mean 'U0"):
        read_units(written(squares(), tmp_path), id="code", exclude=["U001"])


def test_everything_may_not_be_excluded(tmp_path):
    with pytest.raises(DataError, match="exclude names all 12 units"):
        read_units(written(squares(), tmp_path), id="code", exclude=list(squares()["code"]))


def test_points_come_from_two_columns_or_lie_inside(tmp_path):
    path = written(squares(), tmp_path)
    stated = read_units(path, id="code", point=["px", "py"], contiguity=None)
    assert stated.points["U00"].coords[0] == (EAST + 600.0, NORTH + 500.0)
    inside = read_units(path, id="code", contiguity=None)
    assert inside.points.within(inside.frame.geometry).all()


def test_a_unit_without_a_point_is_named(tmp_path):
    frame = squares()
    frame.loc[4, "px"] = np.nan
    with pytest.raises(DataError, match="1 unit without px or py: U04"):
        read_units(written(frame, tmp_path), id="code", point=["px", "py"])


def test_points_outside_their_polygon_are_counted_and_kept(tmp_path):
    frame = squares()
    frame.loc[0, "px"] = EAST - 75.0
    units = read_units(written(frame, tmp_path), id="code", point=["px", "py"], contiguity=None)
    assert units.points["U00"].x == EAST - 75.0
    assert any("1 point outside the unit's own polygon, by up to 75 m: U00" in note for note in units.notes)


def test_points_of_another_place_are_refused(tmp_path):
    frame = squares()
    frame["px"], frame["py"] = -1.1, 50.8
    with pytest.raises(DataError, match="12 of 12 points in px and py lie more than 1,000 m from their unit"):
        read_units(written(frame, tmp_path), id="code", point=["px", "py"])


def test_attributes_are_joined_by_id_and_what_has_no_counterpart_is_counted(tmp_path):
    frame = squares()[["code", "geometry"]]
    (tmp_path / "more.csv").write_text(
        "code,weekly_hours\nU99,5\n" + "".join(f"U{k:02d},{k}.5\n" for k in range(12))
    )
    units = read_units(
        written(frame, tmp_path),
        id="code",
        attributes=[tmp_path / "more.csv"],
        hours="weekly_hours",
        contiguity=None,
    )
    assert units.hours["U11"] == 11.5
    assert "more.csv: 1 id that no unit has: U99; not used" in units.notes


def test_a_unit_missing_from_the_table_of_demand_is_refused_by_name(tmp_path):
    (tmp_path / "more.csv").write_text("code,h\n" + "".join(f"U{k:02d},{k}\n" for k in range(11)))
    with pytest.raises(DataError, match="h is not a number in 1 unit: U11"):
        read_units(
            written(squares(), tmp_path),
            id="code",
            attributes=[tmp_path / "more.csv"],
            hours="h",
            contiguity=None,
        )


def test_a_column_that_both_have_must_agree(tmp_path):
    (tmp_path / "more.csv").write_text("code,weekly_hours\nU02,12.0000000001\nU03,99\n")
    with pytest.raises(DataError, match=r"more.csv and the units disagree on 'weekly_hours' in 1 unit: U03"):
        read_units(written(squares(), tmp_path), id="code", attributes=[tmp_path / "more.csv"])


def test_a_table_of_other_units_is_refused(tmp_path):
    (tmp_path / "more.csv").write_text("code,h\nE1,1\nE2,2\n")
    with pytest.raises(DataError, match=r"no 'code' of more.csv is a unit"):
        read_units(written(squares(), tmp_path), id="code", attributes=[tmp_path / "more.csv"])


def test_a_duplicate_id_in_a_table_is_named(tmp_path):
    (tmp_path / "more.csv").write_text("code,h\nU01,1\nU01,2\n")
    with pytest.raises(DataError, match="1 duplicate 'code': U01"):
        read_units(written(squares(), tmp_path), id="code", attributes=[tmp_path / "more.csv"])


def test_duplicate_and_missing_ids_are_named(tmp_path):
    twice = squares()
    twice.loc[1, "code"] = "U00"
    with pytest.raises(DataError, match="1 duplicate id: U00"):
        read_units(written(twice, tmp_path, "a.gpkg"), id="code")
    absent = squares()
    absent.loc[1, "code"] = None
    with pytest.raises(DataError, match="1 row without id"):
        read_units(written(absent, tmp_path, "b.gpkg"), id="code")


def test_a_missing_file_column_or_layer_is_named_with_the_nearest(tmp_path):
    path = written(squares(), tmp_path)
    with pytest.raises(DataError, match=r"there is no file .*unit.gpkg; did you mean 'units.gpkg'"):
        read_units(tmp_path / "unit.gpkg", id="code")
    with pytest.raises(DataError, match=r"units.gpkg has no column 'cod'; did you mean 'code'"):
        read_units(path, id="cod")
    with pytest.raises(DataError, match=r"no column 'hours'.* 'weekly_hours'"):
        read_units(path, id="code", hours="hours")
    with pytest.raises(DataError, match="has no layer 'unit'; did you mean 'units'"):
        read_units(path, id="code", layer="unit")


def test_a_file_that_is_no_map_is_refused_in_one_line(tmp_path):
    (tmp_path / "units.gpkg").write_bytes(b"not a geopackage")
    with pytest.raises(DataError, match=r"units.gpkg cannot be read") as caught:
        read_units(tmp_path / "units.gpkg", id="code")
    assert "\n" not in str(caught.value)


def test_several_layers_need_one_to_be_named(tmp_path):
    path = written(squares(), tmp_path)
    squares().to_file(path, layer="other")
    with pytest.raises(DataError, match="has 2 layers: units, other; name one"):
        read_units(path, id="code")
    assert len(read_units(path, id="code", layer="other", contiguity=None)) == 12


def test_a_unit_without_geometry_is_named_unless_it_is_excluded(tmp_path):
    frame = squares()
    frame.loc[5, "geometry"] = None
    path = written(frame, tmp_path)
    with pytest.raises(DataError, match="1 unit without geometry: U05; give each a shape or exclude it"):
        read_units(path, id="code")
    assert len(read_units(path, id="code", exclude=["U05"], contiguity=None)) == 11


def test_invalid_polygons_are_repaired_and_counted(tmp_path):
    frame = squares()
    bow_tie = Polygon([(EAST, NORTH), (EAST + 900, NORTH + 900), (EAST + 900, NORTH), (EAST, NORTH + 900)])
    frame.loc[0, "geometry"] = bow_tie
    units = read_units(written(frame, tmp_path), id="code", contiguity=None)
    assert units.frame.geometry.is_valid.all()
    assert units.frame.geometry["U00"].area == pytest.approx(900 * 900 / 2)
    assert "units.gpkg: 1 invalid polygon repaired: U00" in units.notes


def test_a_polygon_without_any_area_is_refused(tmp_path):
    frame = squares()
    frame.loc[0, "geometry"] = Polygon([(EAST, NORTH), (EAST + 900, NORTH), (EAST, NORTH)])
    with pytest.raises(DataError, match="1 invalid polygon of which no area is left: U00"):
        read_units(written(frame, tmp_path), id="code")


def test_lines_are_no_units(tmp_path):
    frame = squares()
    frame["geometry"] = [LineString([(EAST, NORTH), (EAST + k + 1, NORTH)]) for k in range(12)]
    with pytest.raises(DataError, match="12 units that are LineStrings"):
        read_units(written(frame, tmp_path), id="code")


def test_units_without_a_crs_are_refused(tmp_path):
    squares()[["code", "geometry"]].to_file(tmp_path / "units.shp")
    (tmp_path / "units.prj").unlink()
    with pytest.raises(DataError, match=r"units.shp has no CRS"):
        read_units(tmp_path / "units.shp", id="code")


def test_coordinates_that_are_not_in_the_crs_are_refused(tmp_path):
    degrees = squares().to_crs(4326).set_crs(27700, allow_override=True)
    with pytest.raises(DataError, match="EPSG:27700, in metres, but its coordinates look like degrees"):
        read_units(written(degrees, tmp_path, "a.gpkg"), id="code")
    metres = squares().set_crs(4326, allow_override=True)
    with pytest.raises(DataError, match="EPSG:4326, in degrees, but its coordinates are none"):
        read_units(written(metres, tmp_path, "b.gpkg"), id="code")


def test_units_in_degrees_are_measured_in_metres_and_that_is_said(tmp_path):
    units = read_units(written(squares().to_crs(4326), tmp_path), id="code")
    same = read_units(written(squares(), tmp_path, "metres.gpkg"), id="code")
    assert units.frame.crs.to_epsg() == 4326
    assert units.contiguity.pairs.tolist() == same.contiguity.pairs.tolist()
    assert "units.gpkg is in EPSG:4326; measured in EPSG:27700" in units.notes


def test_points_as_units_have_no_contiguity_and_that_is_said(tmp_path):
    frame = squares().assign(geometry=[Point(EAST + k * 500, NORTH) for k in range(12)])
    units = read_units(written(frame, tmp_path), id="code")
    assert units.contiguity is None
    assert any("there is no contiguity graph" in note for note in units.notes)


def test_authority_must_be_there_for_every_unit_and_joint_groups_must_name_councils(tmp_path):
    path = written(squares(), tmp_path)
    units = read_units(path, id="code", authority="council", joint=[["West", "East"]], contiguity=None)
    assert units.authority["U00"] == "West"
    assert units.joint == (("West", "East"),)
    with pytest.raises(DataError, match="joint names 'Wset', which commissions no unit; did you mean 'West'"):
        read_units(path, id="code", authority="council", joint=[["Wset", "East"]], contiguity=None)
    gap = squares()
    gap.loc[2, "council"] = None
    with pytest.raises(DataError, match="1 unit without 'council': U02"):
        read_units(written(gap, tmp_path, "b.gpkg"), id="code", authority="council", contiguity=None)


def test_bridges_name_units_and_come_in_pairs(tmp_path):
    path = written(squares(), tmp_path)
    with pytest.raises(DataError, match="bridges names 1 id that no unit has: X"):
        read_units(path, id="code", bridges=[["U00", "X"]])
    with pytest.raises(ScenarioError, match="bridges are pairs"):
        read_units(path, id="code", bridges=[["U00"]])


def test_a_table_keeps_codes_with_leading_zeros_as_text(tmp_path):
    (tmp_path / "t.csv").write_text("a,b,c,d\n001,1,1.5,\n002, 2 ,x,\n", encoding="utf-8-sig")
    table = tables.read_table(tmp_path / "t.csv")
    assert table["a"].tolist() == ["001", "002"]
    assert table["b"].tolist() == [1, 2]
    assert table["c"].tolist() == ["1.5", "x"]
    assert table["d"].isna().all()


@pytest.mark.parametrize(
    ("content", "says"), [("", "is empty"), ("a,b\n1,2,3\n", "cannot be read as a table")]
)
def test_a_broken_table_is_refused_in_one_line(tmp_path, content, says):
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(DataError, match=f"t.csv {says}") as caught:
        tables.read_table(tmp_path / "t.csv")
    assert "\n" not in str(caught.value)


def test_a_spreadsheet_is_a_table(tmp_path):
    rows = pd.DataFrame({"code": ["U00", "U01"], "h": [1.5, 2.5]})
    pyogrio.write_dataframe(rows, tmp_path / "t.xlsx", driver="XLSX")
    assert tables.read_table(tmp_path / "t.xlsx").to_dict("list") == rows.to_dict("list")


def test_the_real_areas_read_with_their_known_totals(geodata):
    units = read_units(
        geodata / "west-sussex" / "lsoa.gpkg",
        id="lsoa11cd",
        hours="weekly_hours",
        customers="customers",
        point=["point_easting", "point_northing"],
        attributes=[geodata / "west-sussex" / "demand_lsoa.csv"],
        authority="authority",
        contiguity=None,
    )
    assert len(units) == 505
    assert units.hours.sum() == pytest.approx(23572, abs=0.01)
    assert units.customers.sum() == 1907
