"""The tender pack: every file says the same of the same lots, and the whole can be made again."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import geopandas as gpd
import openpyxl
import pandas as pd
import pypdf
import pytest
import shapely
import tiny_county
from packed import PUBLISH, folder_of, rows, words_of

import zonedesign as zd
from zonedesign.cli import main
from zonedesign.pack import gather, read_published, write_pack
from zonedesign.pack.lookup import postcode_lots

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "disclosure.json", "index.html", "lots.csv", "lots.geojson", "lots.gpkg", "lots.kml", "lots.ocds.json",
    "lots.xlsx", "manifest.json", "maps/1-01.pdf", "maps/1-02.pdf", "maps/1-03.pdf", "maps/1-04.pdf",
    "maps/overview.pdf", "method.pdf", "postcodes.csv", "units.csv",
}  # fmt: skip


def test_the_pack_has_every_file(pack: Path) -> None:
    assert {each.relative_to(pack).as_posix() for each in pack.rglob("*") if each.is_file()} == FILES


def test_the_manifest_names_every_file_and_says_that_the_pack_is_public(pack: Path) -> None:
    manifest = json.loads((pack / "manifest.json").read_text())
    assert set(manifest["files"]) == FILES - {"manifest.json"}
    assert manifest["kind"] == "public"


def test_the_schedule_has_a_row_for_every_lot(pack: Path) -> None:
    first = rows(pack / "lots.csv")[0]
    assert first == {
        "lot": "1-01", "name": "Westham 1", "level": "1", "providers": "", "hours_low": "30", "hours_high": "50",
        "weekly_hours": "40", "customers_low": "4", "customers_high": "12", "customers": "8",
        "hours_a_year": "2086", "workers": "2", "viability": "reserve", "value_a_year": "",
        "value_a_year_with_vat": "", "value_term": "", "units": "4", "places": "Westham", "adjoining": "1-02; 1-03; 1-04",
        "sheet": "maps/1-01.pdf",
    }  # fmt: skip


def test_every_unit_is_in_exactly_one_lot(pack: Path) -> None:
    units = rows(pack / "units.csv")
    assert sorted(row["unit"] for row in units) == tiny_county.IDS
    assert {row["lot"] for row in units if row["unit"] in ("u00", "u01", "u04", "u05")} == {"1-01"}


def test_all_files_tell_the_same_lots(pack: Path) -> None:
    lots = [row["lot"] for row in rows(pack / "lots.csv")]
    book = openpyxl.load_workbook(pack / "lots.xlsx")
    geojson = json.loads((pack / "lots.geojson").read_text())
    notice = json.loads((pack / "lots.ocds.json").read_text())["releases"][0]["tender"]
    kml = ET.parse(pack / "lots.kml").getroot()  # noqa: S314  (our own file)
    marks = kml.iter("{http://www.opengis.net/kml/2.2}Placemark")
    assert [cell.value for cell in book["lots"]["A"]][1:] == lots
    assert [feature["properties"]["lot"] for feature in geojson["features"]] == lots
    assert gpd.read_file(pack / "lots.gpkg", layer="lots")["lot"].tolist() == lots
    assert [mark.get("id") for mark in marks] == [f"lot-{lot}" for lot in lots]
    assert [lot["id"] for lot in notice["lots"]] == lots


@pytest.mark.parametrize("lot", ["1-01", "1-02", "1-03", "1-04"])
def test_a_sheet_lists_every_unit_of_its_lot_and_says_what_is_definitive(pack: Path, lot: str) -> None:
    said = words_of(pack / f"maps/{lot}.pdf")
    here = [row["unit"] for row in rows(pack / "units.csv") if row["lot"] == lot]
    assert [unit for unit in here if unit not in said] == []
    assert "The list of unit codes is definitive. Map and postcodes are guides." in said
    assert f"Lot {lot}" in said


def test_a_sheet_is_one_page_of_a4_tagged_in_english_and_titled(pack: Path) -> None:
    sheet = pypdf.PdfReader(pack / "maps/1-01.pdf")
    assert [tuple(round(float(x)) for x in page.mediabox[2:]) for page in sheet.pages] == [(595, 842)]
    assert bool(sheet.trailer["/Root"]["/MarkInfo"]["/Marked"])
    assert str(sheet.trailer["/Root"]["/Lang"]) == "en-GB"
    assert sheet.metadata.title == "Lot 1-01: Tiny"
    assert sheet.metadata.author == "Tiny Council"


def test_every_font_of_a_sheet_is_embedded(pack: Path) -> None:
    fonts = [
        font["/DescendantFonts"][0]["/FontDescriptor"]
        for page in pypdf.PdfReader(pack / "maps/1-01.pdf").pages
        for font in page["/Resources"]["/Font"].values()
    ]
    assert fonts
    assert all("/FontFile2" in font or "/FontFile3" in font for font in fonts)


def test_the_overview_is_a3_with_a_page_of_contents(pack: Path) -> None:
    overview = pypdf.PdfReader(pack / "maps/overview.pdf")
    assert [sorted(round(float(x)) for x in page.mediabox[2:]) for page in overview.pages] == [
        [842, 1191]
    ] * 2
    assert "Westham 1" in overview.pages[1].extract_text()


def test_a_postcode_at_a_boundary_straddles_and_one_far_away_is_left_out(pack: Path) -> None:
    assert rows(pack / "postcodes.csv") == [
        {"postcode": "TE1 1AA", "lot": "1-01", "unit": "u00", "straddles": "", "other_lot": "", "date": "2026-08-31"},
        {"postcode": "TE1 1AB", "lot": "1-01", "unit": "u01", "straddles": "yes", "other_lot": "1-02", "date": "2026-08-31"},
        {"postcode": "TE1 1AC", "lot": "1-04", "unit": "u15", "straddles": "", "other_lot": "", "date": "2026-08-31"},
    ]  # fmt: skip


def test_the_notice_has_what_the_standard_asks_of_a_lot(pack: Path) -> None:
    release = json.loads((pack / "lots.ocds.json").read_text())["releases"][0]
    lot, item = release["tender"]["lots"][0], release["tender"]["items"][0]
    assert lot["title"] == "Lot 1-01: Westham 1"
    assert lot["contractPeriod"] == {
        "startDate": "2027-04-01T00:00:00Z", "endDate": "2031-03-31T23:59:59Z", "durationInDays": 1461
    }  # fmt: skip
    assert item["relatedLot"] == "1-01"
    assert item["classification"]["id"] == "85312000"
    assert item["deliveryAddress"] == {"region": "UKJ3", "countryName": "United Kingdom"}


def test_the_geopackage_opens_styled(pack: Path) -> None:
    with closing(sqlite3.connect(pack / "lots.gpkg")) as file:
        styled = file.execute("SELECT f_table_name, useAsDefault FROM layer_styles ORDER BY 1").fetchall()
    assert styled == [("lots", 1), ("units", 1)]


def test_geojson_is_in_degrees_with_its_rings_anticlockwise(pack: Path) -> None:
    shapes = [
        shapely.geometry.shape(feature["geometry"])
        for feature in json.loads((pack / "lots.geojson").read_text())["features"]
    ]
    assert all(-8 < shape.bounds[0] < 2 and 49 < shape.bounds[1] < 61 for shape in shapes)
    assert all(part.exterior.is_ccw for shape in shapes for part in shapely.get_parts(shape))


def test_the_statement_of_method_marks_its_drafts(pack: Path) -> None:
    said = words_of(pack / "method.pdf")
    assert said.upper().count("DRAFT FOR LEGAL CHECK") == 3
    assert "section 18" in said
    assert "section 12" in said
    assert "All 27 checks are met." in said


def test_the_same_day_gives_the_same_bytes_in_another_process_with_another_hash_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    first, second = folder_of(tmp_path), tmp_path / "again"
    asked = ["pack", tmp_path / "plan.csv", "--scenario", tmp_path / "tiny.toml", "-o", second, "-q"]
    other = os.environ | {"PYTHONHASHSEED": "7", "NUMBA_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-m", "zonedesign.cli", *map(str, asked)], env=other, check=True)
    differ = [name for name in sorted(FILES) if (first / name).read_bytes() != (second / name).read_bytes()]
    assert differ == []


def test_a_public_pack_withholds_small_counts_with_their_hours(tmp_path: Path) -> None:
    publish = PUBLISH + "suppress_below = 9\n"
    out = folder_of(tmp_path, publish=publish)
    assert {(row["customers"], row["weekly_hours"]) for row in rows(out / "lots.csv")} == {("", "")}
    assert json.loads((out / "disclosure.json").read_text())["kind"] == "public"


def test_an_internal_pack_is_exact_and_says_that_it_is_not_for_publication(tmp_path: Path) -> None:
    out = folder_of(tmp_path, "--internal", publish=PUBLISH + "suppress_below = 9\n")
    assert {(row["customers"], row["weekly_hours"]) for row in rows(out / "lots.csv")} == {("8", "40")}
    assert "Internal: not for publication" in words_of(out / "maps/1-01.pdf")
    assert json.loads((out / "manifest.json").read_text())["kind"] == "internal"


def test_plans_to_compare_are_named_in_the_statement_of_method(tmp_path: Path) -> None:
    halves = tiny_county.quarters().assign(zone=["w" if k % 4 < 2 else "e" for k in range(16)])
    halves.to_csv(tmp_path / "halves.csv", index=False)
    out = folder_of(tmp_path, "--compared", f"in two halves={tmp_path / 'halves.csv'}")
    assert "in two halves" in words_of(out / "method.pdf")


def test_a_plan_that_breaks_a_rule_gets_no_pack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tiny_county.write_tiny(tmp_path)
    tiny_county.quarters().assign(zone="1-01").to_csv(tmp_path / "plan.csv", index=False)
    code = main(
        ["pack", str(tmp_path / "plan.csv"), "--scenario", str(path), "-o", str(tmp_path / "out"), "-q"]
    )
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert (code, (tmp_path / "out").exists()) == (4, False)
    assert last.startswith("error: the plan breaks rules, so no pack is made of it: Volume of zone 1-01")


def test_contracts_that_end_before_they_begin_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tiny_county.write_tiny(tmp_path)
    path.write_text(path.read_text() + "[publish]\ncontract_start = 2027-04-01\ncontract_end = 2026-03-31\n")
    tiny_county.quarters().to_csv(tmp_path / "plan.csv", index=False)
    code = main(
        ["pack", str(tmp_path / "plan.csv"), "--scenario", str(path), "-o", str(tmp_path / "out"), "-q"]
    )
    assert code == 2
    assert (
        "publish.contract_end is 2026-03-31, not after contract_start, which is 2027-04-01"
        in capsys.readouterr().err
    )


def test_hostile_names_stay_text_in_every_file(tmp_path: Path) -> None:
    hostile = '=cmd|"</script><img src=x>#show "\\'
    problem = tiny_problem(tmp_path, place=[hostile] * 16)
    material = gather(tiny_plan(problem), problem)
    out = write_pack(tmp_path / "pack", material)
    page = (out / "index.html").read_text()
    assert "<img" not in page
    assert page.count("</script>") == 2
    assert "'=cmd" in (out / "units.csv").read_text()
    assert "#show" in words_of(out / "maps/1-01.pdf")


def tiny_problem(folder: Path, changes: dict[str, str] | None = None, **columns: object) -> zd.Problem:
    path = tiny_county.write_tiny(folder, changes=changes, units=tiny_county.squares(**columns))
    return zd.read_scenario(path).problem()


def tiny_plan(problem: zd.Problem) -> zd.Plan:
    labels = tiny_county.quarters().set_index("unit")["zone"]
    return zd.Plan.from_labels(problem.units, problem.times, labels, levels=problem.levels)


def test_postcodes_without_a_place_are_refused_by_name(tmp_path: Path) -> None:
    problem = tiny_problem(tmp_path)
    table = pd.DataFrame(
        {"postcode": ["TE1 1AA", "TE1 1AB"], "easting": [450500, None], "northing": [110500, 1]}
    )
    with pytest.raises(zd.DataError, match="no easting and northing for 1 postcode: TE1 1AB"):
        postcode_lots(tiny_plan(problem), table)


def test_the_boundary_is_told_clockwise_from_the_north(tmp_path: Path) -> None:
    problem = tiny_problem(tmp_path)
    said = gather(tiny_plan(problem), problem).boundaries[0]
    assert said.startswith("Clockwise from the north: from the north-west to the north-east lot 1-03 (")
    assert "from the north-east to the south-east lot 1-02 (" in said
    assert "from the south-east to the north-west the edge of the whole area (" in said


def test_two_packs_together_give_no_small_count_away(tmp_path: Path) -> None:
    """Unit u05 changes lots: hours of one customer would be the difference of two printed figures."""
    people = [12] * 16
    people[5], people[4] = 1, 23
    wide = {
        "weekly_hours = [30, 50]": "weekly_hours = [0, 4000]",
        "customers = [4, 12]": "customers = [0, 400]",
    }
    problem = tiny_problem(tmp_path, wide, people=people, hours=[12.0 * each for each in people])
    first = tiny_plan(problem)
    earlier = write_pack(tmp_path / "first", gather(first, problem))
    moved = first.move("u05", "1-02")
    alone = gather(moved, problem).lots
    together = gather(moved, problem, earlier={"first": read_published(earlier, problem.units)}).lots
    assert alone["customers"].notna().all()
    assert together["customers"].isna().any()


def test_of_an_earlier_pack_only_its_own_hidden_figures_count_as_hidden(tmp_path: Path) -> None:
    problem = tiny_problem(tmp_path)
    folder = write_pack(tmp_path / "first", gather(tiny_plan(problem), problem))
    told = json.loads((folder / "disclosure.json").read_text())
    told["hidden"] = [
        {"table": "lots", "kind": "zone", "name": "1-01"},
        {"table": "first", "kind": "zone", "name": "1-02"},
    ]
    (folder / "disclosure.json").write_text(json.dumps(told))
    assert read_published(folder, problem.units).hidden == {"1-01"}


def test_a_folder_that_is_no_pack_is_not_read_as_published(tmp_path: Path) -> None:
    problem = tiny_problem(tmp_path)
    with pytest.raises(zd.DataError, match="is no pack of ours"):
        read_published(tmp_path, problem.units)
