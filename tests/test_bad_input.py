"""Bad input: one line that names the thing and the way out, exit 2, nothing written; the impossible is exit 3."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import shapely
from tiny_county import IDS, quarters, squares, write_plan, write_tiny

from zonedesign.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd

CUSTOMERS = {'hours_column = "hours"\ncustomers_column = "people"': 'customers = "clients.csv"'}
POSTCODES = {
    'hours_column = "hours"\ncustomers_column = "people"': 'customers = "clients.csv"\npostcodes = "postcodes.csv"'
}
ROADS = {"sketch = true": 'path = "roads.osm"'}
BANDS = "weekly_hours = [30, 50]\ncustomers = [4, 12]\nmax_minutes = 15\nzones = 4\n"


def refused(
    scenario: Path, capsys: pytest.CaptureFixture[str], code: int = 2, *, also_check: bool = True
) -> str:
    """The error with which `solve` and `check` refuse a scenario; `solve` writes nothing."""
    before = sorted(scenario.parent.rglob("*"))
    assert main(["solve", str(scenario), "-o", str(scenario.parent / "zones")]) == code
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert said.out == ""
    assert sorted(scenario.parent.rglob("*")) == before
    last = said.err.splitlines()[-1]
    assert last.startswith("error: ")
    if also_check:
        assert main(["check", str(scenario)]) == code
        assert capsys.readouterr().err.splitlines()[-1] == last
    return last.removeprefix("error: ")


def clients(count: int = 160) -> pd.DataFrame:
    """Ten customers at each unit's point."""
    k = np.arange(count) % 16
    return pd.DataFrame(
        {
            "id": [f"c{i:03d}" for i in range(count)],
            "weekly_hours": 1.0,
            "easting": 1000 * (k % 4) + 450_500,
            "northing": 1000 * (k // 4) + 110_500,
        }
    )


def osm(x: float, y: float, count: int = 16) -> str:
    """A grid of roads as OSM XML, in degrees from (x, y)."""
    side = round(count**0.5)
    nodes = [
        f'<node id="{i + 1}" lon="{x + 0.014 * (i % side)}" lat="{y + 0.009 * (i // side)}"/>'
        for i in range(count)
    ]
    lines = [range(r * side, (r + 1) * side) for r in range(side)] + [
        range(c, count, side) for c in range(side)
    ]
    ways = []
    for n, line in enumerate(lines):
        refs = "".join(f'<nd ref="{i + 1}"/>' for i in line)
        ways.append(f'<way id="{n + 1}">{refs}<tag k="highway" v="residential"/></way>')
    return f'<?xml version="1.0"?><osm version="0.6">{"".join(nodes)}{"".join(ways)}</osm>'


# The scenario file.


def test_a_scenario_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tiny(tmp_path)
    assert "there is no scenario file" in refused(tmp_path / "tony.toml", capsys)


def test_a_scenario_that_is_no_toml(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text("name = Tiny", encoding="utf-8")
    assert "tiny.toml: not a TOML file" in refused(path, capsys)


@pytest.mark.parametrize(
    ("old", "new", "pattern"),
    [
        (
            "max_minutes = 15",
            "max_minuts = 15",
            r"tiny\.toml: unknown key 'levels\.max_minuts'.*'max_minutes'",
        ),
        ("[roads]", "[raods]", r"tiny\.toml: unknown key 'raods'.*'roads'"),
        ("zones = 4", "zones = [5, 2]", r"level 1: zones has min 5 > max 2; write the smaller number first"),
        (
            "weekly_hours = [30, 50]",
            "weekly_hours = [50, 30]",
            r"level 1: weekly_hours has min 50.* > max 30",
        ),
        ("weekly_hours = [30, 50]", 'weekly_hours = "some"', r"tiny\.toml: .*levels\.weekly_hours"),
        ("max_minutes = 15", "max_minutes = -1", r"tiny\.toml: .*levels\.max_minutes"),
        ("zones = 4", "zones = 17", r"levels\.zones ask for 17 zones or more.*16 units"),
        (
            'path = "units.gpkg"',
            'path = "unit.gpkg"',
            r"there is no file .*unit\.gpkg; did you mean '.*units\.gpkg'\?",
        ),
        ('hours_column = "hours"', 'hours_column = "hour"', r"no column 'hour'; did you mean 'hours'\?"),
        ('id = "id"', 'id = "lsoa11cd"', r"units\.gpkg has no column 'lsoa11cd'; it has "),
        ("sketch = true", 'path = "roads.osm.pbf"', r"no such file: .*roads\.osm\.pbf"),
        ('customers_column = "people"\n', "", r"level 1 has a band of customers, and \[demand\] gives none"),
    ],
)
def test_a_scenario_that_asks_for_what_cannot_be(
    old: str, new: str, pattern: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(write_tiny(tmp_path, changes={old: new}), capsys)
    assert re.search(pattern, said), said


# Units.


def without_shape() -> gpd.GeoDataFrame:
    units = squares()
    units.loc[3, "geometry"] = None
    return units


@pytest.mark.parametrize(
    ("units", "pattern"),
    [
        (lambda: squares(id=[*IDS[:15], "u03"]), r"units\.gpkg has 1 duplicate .*u03"),
        (lambda: squares(id=[None, *IDS[1:]]), r"units\.gpkg has 1 row without .*id.*; every row needs one"),
        (without_shape, r"units\.gpkg has 1 unit without geometry: u03; give each a shape or exclude it"),
        (lambda: squares().set_crs(None, allow_override=True), r"units\.gpkg has no CRS.*EPSG:27700"),
        (
            lambda: squares().to_crs(4326).set_crs(27700, allow_override=True),
            r"units\.gpkg says its CRS is EPSG:27700, in metres, but its coordinates look like degrees",
        ),
        (
            lambda: squares().set_crs(4326, allow_override=True),
            r"units\.gpkg says its CRS is EPSG:4326, in degrees",
        ),
        (lambda: squares(hours=[-5.0] + [10.0] * 15), r"hours.* is negative.* 1 unit: u00"),
        (lambda: squares(hours=[np.nan, np.nan] + [10.0] * 14), r"hours.* 2 units: u00, u01.*0"),
        (lambda: squares(hours=["many"] + ["10"] * 15), r"hours.* not a number.* u00"),
        (lambda: squares(people=[-1] + [2] * 15), r"people.* is negative.* 1 unit: u00"),
    ],
)
def test_units_that_do_not_say_what_is_needed(
    units: Callable[[], gpd.GeoDataFrame], pattern: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(write_tiny(tmp_path, units=units()), capsys)
    assert re.search(pattern, said), said


def test_invalid_polygons_are_repaired_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    units = squares()
    x, y = 450_000, 110_000
    bow = [(x, y), (x + 1000, y), (x + 1000, y + 1000), (x, y + 1000), (x + 100, y - 50), (x, y)]
    units.loc[0, "geometry"] = shapely.Polygon(bow)
    assert not units.geometry[0].is_valid
    assert main(["check", str(write_tiny(tmp_path, units=units))]) == 0
    assert re.search(r"1 invalid polygon.*repaired|repaired 1 invalid polygon", capsys.readouterr().out)


def test_units_in_degrees_are_measured_in_metres(tmp_path: Path) -> None:
    assert main(["check", str(write_tiny(tmp_path, units=squares().to_crs(4326)))]) == 0


# Customers.


def test_customers_outside_every_unit_are_counted_and_beyond_one_per_cent_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = write_tiny(tmp_path, changes={**CUSTOMERS, BANDS: "zones = 4\n"})
    table = clients()
    table.loc[7, "easting"] = 400_000
    table.to_csv(tmp_path / "clients.csv", index=False)
    assert main(["check", str(scenario)]) == 0
    said_of_one = capsys.readouterr()
    assert "c007" in said_of_one.out + said_of_one.err
    table.loc[[8, 9], "easting"] = 400_000
    table.to_csv(tmp_path / "clients.csv", index=False)
    said = refused(scenario, capsys)
    assert "clients.csv" in said
    assert "3 customers" in said
    assert "more than 1% cannot be left out" in said


def test_unknown_postcodes_are_named_and_beyond_one_per_cent_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = write_tiny(tmp_path, changes={**POSTCODES, BANDS: "zones = 4\n"})
    places = clients(16)
    postcodes = [f"AB1 {k}CD" for k in range(10)] + [f"AB2 {k}CD" for k in range(6)]
    pd.DataFrame(
        {"postcode": postcodes, "easting": places["easting"], "northing": places["northing"]}
    ).to_csv(tmp_path / "postcodes.csv", index=False)
    table = pd.DataFrame({"id": [f"c{i}" for i in range(48)], "weekly_hours": 1.0, "postcode": postcodes * 3})
    table.loc[5, "postcode"] = "ZZ9 9ZZ"
    table.to_csv(tmp_path / "clients.csv", index=False)
    said = refused(scenario, capsys)
    assert "clients.csv" in said
    assert "cannot be left out" in said


@pytest.mark.parametrize(
    ("hours", "pattern"), [("-3", "negative"), ("", "missing"), ("lots", "not a number")]
)
def test_hours_of_customers_that_are_no_hours(
    hours: str, pattern: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = write_tiny(tmp_path, changes={**CUSTOMERS, BANDS: "zones = 4\n"})
    table = clients().astype({"weekly_hours": object})
    table.loc[4, "weekly_hours"] = hours
    table.to_csv(tmp_path / "clients.csv", index=False)
    said = refused(scenario, capsys)
    assert "clients.csv: weekly_hours" in said
    assert pattern in said
    assert "c004" in said


# Roads.


def test_a_road_file_that_is_truncated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = osm(-1.286, 50.888)
    (tmp_path / "roads.osm").write_text(text[: len(text) // 2], encoding="utf-8")
    said = refused(write_tiny(tmp_path, changes=ROADS), capsys)
    assert "roads.osm cannot be read to its end" in said
    assert "fetch it again" in said


def test_a_road_file_that_is_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "roads.osm").write_bytes(b"")
    assert "roads.osm is empty; fetch it again" in refused(write_tiny(tmp_path, changes=ROADS), capsys)


def test_a_road_file_without_roads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "roads.osm").write_text('<?xml version="1.0"?><osm version="0.6"></osm>', encoding="utf-8")
    assert "roads.osm has no drivable road" in refused(write_tiny(tmp_path, changes=ROADS), capsys)


def test_a_road_file_of_another_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "roads.osm").write_text(osm(0.5, 52.0), encoding="utf-8")
    said = refused(write_tiny(tmp_path, changes=ROADS), capsys)
    assert "roads.osm" in said
    assert "16" in said


def test_a_road_file_of_the_place_is_taken(tmp_path: Path) -> None:
    (tmp_path / "roads.osm").write_text(osm(-1.286, 50.888), encoding="utf-8")
    assert main(["check", str(write_tiny(tmp_path, changes=ROADS))]) == 0


# Places to write to.


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = write_tiny(tmp_path)
    out = tmp_path / "letters"
    out.mkdir()
    (out / "dear.txt").write_text("mine", encoding="utf-8")
    assert main(["solve", str(scenario), "-o", str(out)]) == 2
    assert "letters" in capsys.readouterr().err.splitlines()[-1]
    assert [path.name for path in out.iterdir()] == ["dear.txt"]


def test_a_folder_beneath_a_file_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = write_tiny(tmp_path)
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main(["solve", str(scenario), "-o", str(tmp_path / "file" / "zones")]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: ")


@pytest.mark.skipif(
    os.name == "nt" or (hasattr(os, "geteuid") and os.geteuid() == 0), reason="this user may write anywhere"
)
def test_a_folder_that_may_not_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = write_tiny(tmp_path)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    assert main(["solve", str(scenario), "-o", str(closed / "zones")]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: ")


@pytest.mark.parametrize(
    ("name", "says"),
    [("map.pdf", "map.pdf is no name for a page; end it in .html"), ("no/map.html", "there is no folder")],
)
def test_a_page_that_cannot_be_written_there(
    name: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = write_tiny(tmp_path)
    plan = write_plan(tmp_path)
    assert main(["map", str(plan), "--scenario", str(scenario), "-o", str(tmp_path / name)]) == 2
    assert says in capsys.readouterr().err.splitlines()[-1]


def test_a_disk_that_fills_up_leaves_no_half_of_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario, plan, out = write_tiny(tmp_path), write_plan(tmp_path), tmp_path / "map.html"
    out.write_text("<html>the page from before</html>", encoding="utf-8")
    whole = Path.write_text

    def full(self: Path, data: str, **options: str) -> int:
        if self.name.endswith(".part"):
            whole(self, data[:100], **options)
            raise OSError(28, "No space left on device")
        return whole(self, data, **options)

    monkeypatch.setattr(Path, "write_text", full)
    assert main(["map", str(plan), "--scenario", str(scenario), "-o", str(out)]) == 2
    assert "No space left on device; nothing was changed" in capsys.readouterr().err.splitlines()[-1]
    assert out.read_text(encoding="utf-8") == "<html>the page from before</html>"
    assert not list(tmp_path.glob(".map*"))


def test_a_disk_that_fills_up_leaves_no_half_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zonedesign.folder.write_geopackage", full)
    said = refused(write_tiny(tmp_path), capsys, also_check=False)
    assert "No space left on device; nothing there was changed" in said


# Plans.


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (quarters().rename(columns={"zone": "zoen"}), "has no column 'zone'; did you mean 'zoen'?"),
        (pd.concat([quarters(), quarters().iloc[:1]]), "u00"),
        (quarters().replace({"unit": {"u00": "u99"}}), "u99"),
    ],
)
def test_a_plan_that_is_no_plan_of_these_units(
    plan: pd.DataFrame, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = write_tiny(tmp_path)
    assert main(["verify", str(write_plan(tmp_path, plan)), "--scenario", str(scenario)]) == 2
    assert says in capsys.readouterr().err.splitlines()[-1]


def test_a_plan_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(tmp_path / "p.csv"), "--scenario", str(write_tiny(tmp_path))]) == 2
    assert "p.csv" in capsys.readouterr().err.splitlines()[-1]


# What is proved impossible, by name: exit 3.


def test_a_unit_above_every_band_is_exit_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(write_tiny(tmp_path, units=squares(hours=[60.0] + [7.0] * 15)), capsys, 3)
    assert "u00 (60 h and 2 customers)" in said
    assert "exclude it" in said


def test_a_part_with_too_few_hours_is_exit_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    units = squares()
    units.loc[[3, 7], "geometry"] = units.geometry[[3, 7]].translate(5000)
    scenario = write_tiny(tmp_path, units=units, changes={'name = "place"': 'bridges = "none"'})
    said = refused(scenario, capsys, 3)
    assert "u03, u07" in said
    assert "20 h" in said
    assert "bridge" in said


def test_a_unit_that_no_centre_reaches_is_exit_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    units = squares()
    units.loc[15, "geometry"] = (
        units.geometry[15].buffer(0).union(shapely.box(456_000, 116_000, 457_000, 117_000))
    )
    units["x"], units["y"] = units.geometry.centroid.x, units.geometry.centroid.y
    units.loc[15, ["x", "y"]] = [456_500, 116_500]
    (tmp_path / "roads.osm").write_text(osm(-1.286, 50.888), encoding="utf-8")
    scenario = write_tiny(tmp_path, units=units, changes={**ROADS, 'name = "place"': 'point = ["x", "y"]'})
    said = refused(scenario, capsys, 3)
    assert re.search(r"1 unit lies more than 1,000 m from the road network.*u15 \([\d,]+ m\)", said), said
    assert "exclude it" in said


def test_counts_against_totals_are_exit_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(write_tiny(tmp_path, changes={"zones = 4": "zones = 6"}), capsys, 3)
    assert "all units together have 160 h, and the fewest zones allowed (6 of level 1) need 180" in said
