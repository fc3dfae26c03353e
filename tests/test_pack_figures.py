"""One plan, one set of figures: every file of a pack is read back and says the same of the same lots."""

from __future__ import annotations

import hashlib
import html
import json
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import openpyxl
import packed
import pytest
import tiny_county

if TYPE_CHECKING:
    from pathlib import Path

RATE = packed.PUBLISH + "\n[lots.rate]\nhourly = 20.0\n"
# Hours and customers of the four quarters, told apart by every figure; what a year at 20 pounds is worth, to
# the thousand (36 x 365 / 7 x 20 = 37,543), and what the four years of the contract are.
HOURS = {"1-01": 36, "1-02": 40, "1-03": 44, "1-04": 48}
PEOPLE = {"1-01": 8, "1-02": 9, "1-03": 10, "1-04": 12}
VALUE = {"1-01": 38_000, "1-02": 42_000, "1-03": 46_000, "1-04": 50_000}
TERM = {"1-01": 150_000, "1-02": 167_000, "1-03": 184_000, "1-04": 200_000}
LOTS = list(HOURS)
Told = dict[str, tuple[float, float, float]]
WANTED: Told = {lot: (HOURS[lot], PEOPLE[lot], VALUE[lot]) for lot in LOTS}
KML = "{http://www.opengis.net/kml/2.2}"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack whose four lots have figures of their own."""
    quarter = [tiny_county.quarters()["zone"][k] for k in range(16)]
    first = {lot: quarter.index(lot) for lot in LOTS}
    people = [PEOPLE[lot] - 6 if k == first[lot] else 2 for k, lot in enumerate(quarter)]
    units = tiny_county.squares(hours=[HOURS[lot] / 4 for lot in quarter], people=people)
    return packed.folder_of(tmp_path_factory.mktemp("told"), publish=RATE, units=units)


def number(text: str) -> float:
    return float(re.sub(r"[£,]", "", text))


def of_csv(pack: Path) -> Told:
    return {
        row["lot"]: (number(row["weekly_hours"]), number(row["customers"]), number(row["value_a_year"]))
        for row in packed.rows(pack / "lots.csv")
    }


def of_workbook(pack: Path) -> Told:
    head, *rows = openpyxl.load_workbook(pack / "lots.xlsx")["lots"].iter_rows(values_only=True)
    at = [head.index(name) for name in ("weekly_hours", "customers", "value_a_year")]
    return {str(row[0]): tuple(row[k] for k in at) for row in rows}  # type: ignore[misc]


def of_geopackage(pack: Path) -> Told:
    layer = gpd.read_file(pack / "lots.gpkg", layer="lots").set_index("lot")
    return {
        str(lot): (row["weekly_hours"], row["customers"], row["value_a_year"])
        for lot, row in layer.iterrows()
    }


def of_geojson(pack: Path) -> Told:
    found = [each["properties"] for each in json.loads((pack / "lots.geojson").read_text())["features"]]
    return {row["lot"]: (row["weekly_hours"], row["customers"], row["value_a_year"]) for row in found}


def of_kml(pack: Path) -> Told:
    found = {}
    for mark in ET.parse(pack / "lots.kml").getroot().iter(f"{KML}Placemark"):  # noqa: S314  (our own file)
        data = {each.get("name"): each.findtext(f"{KML}value", "") for each in mark.iter(f"{KML}Data")}
        found[data["lot"]] = tuple(number(data[n]) for n in ("weekly_hours", "customers", "value_a_year"))
    return found  # type: ignore[return-value]


def of_page(pack: Path) -> Told:
    text = (pack / "index.html").read_text()
    table = text[text.index('<table id="lots">') : text.index("</table>", text.index('<table id="lots">'))]
    heads = [re.sub(r"<[^>]+>", "", each) for each in re.findall(r"<th scope=\"col\".*?</th>", table)]
    found = {}
    for line in re.findall(r"<tr><th scope=\"row\".*?</tr>", table, re.DOTALL):
        cells = [
            html.unescape(re.sub(r"<[^>]+>", "", c))
            for c in re.findall(r"<t[hd].*?</t[hd]>", line, re.DOTALL)
        ]
        row = dict(zip(heads, cells, strict=True))
        about = text[text.index(f"<h3>Lot {row['Lot']}") :]
        value = re.search(r"Forecast value a year</dt><dd>(.*?)</dd>", about)
        assert value is not None
        found[row["Lot"]] = (number(row["Hours now"]), number(row["Customers"]), number(value[1]))
    return found


def of_sheets(pack: Path) -> Told:
    found = {}
    for lot in LOTS:
        said = packed.words_of(pack / f"maps/{lot}.pdf")
        asked = (r"Hours a week now ([\d,]+)", r"Customers now ([\d,]+)", r"Value a year £([\d,]+)")
        found[lot] = tuple(number(re.search(each, said)[1]) for each in asked)  # type: ignore[index]
    return found  # type: ignore[return-value]


@pytest.mark.parametrize("read", [of_csv, of_workbook, of_geopackage, of_geojson, of_kml, of_page, of_sheets])
def test_every_file_has_the_figures_of_the_same_lots(told: Path, read: Any) -> None:
    assert read(told) == WANTED


def test_the_notice_has_the_values_of_the_term(told: Path) -> None:
    tender = json.loads((told / "lots.ocds.json").read_text())["releases"][0]["tender"]
    assert {lot["id"]: lot["value"]["amount"] for lot in tender["lots"]} == TERM
    assert tender["value"]["amount"] == sum(TERM.values())


def units_of(pack: Path) -> dict[str, str]:
    return {row["unit"]: row["lot"] for row in packed.rows(pack / "units.csv")}


def units_in_the_book(pack: Path) -> dict[str, str]:
    head, *rows = openpyxl.load_workbook(pack / "lots.xlsx")["units"].iter_rows(values_only=True)
    return {str(row[head.index("unit")]): str(row[head.index("lot")]) for row in rows}


def units_in_the_layer(pack: Path) -> dict[str, str]:
    layer = gpd.read_file(pack / "lots.gpkg", layer="units")
    return dict(zip(layer["unit"], layer["lot"], strict=True))


def units_on_the_page(pack: Path) -> dict[str, str]:
    text = (pack / "index.html").read_text()
    parts = re.findall(r"<h3>Lot (\S+?):.*?<ol class=\"codes\">(.*?)</ol>", text, re.DOTALL)
    return {unit: lot for lot, codes in parts for unit in re.findall(r"<li>(\w+)", codes)}


def units_on_the_sheets(pack: Path) -> dict[str, str]:
    said = {lot: packed.words_of(pack / f"maps/{lot}.pdf") for lot in LOTS}
    return {unit: lot for lot in LOTS for unit in set(re.findall(r"\bu\d\d\b", said[lot]))}


@pytest.mark.parametrize(
    "read", [units_of, units_in_the_book, units_in_the_layer, units_on_the_page, units_on_the_sheets]
)
def test_every_file_has_every_unit_in_the_same_lot(told: Path, read: Any) -> None:
    assert read(told) == tiny_county.quarters().set_index("unit")["zone"].to_dict()


def test_the_overview_lists_every_lot_with_its_sheet_and_file(told: Path) -> None:
    said = packed.words_of(told / "maps/overview.pdf")
    for number_, lot in enumerate(LOTS, start=2):
        assert re.search(rf"{lot} (West|East)ham \d Level 1 4 {number_} maps/{lot}\.pdf", said), lot


def test_the_method_states_the_totals_and_the_fingerprint_of_the_list_of_units(told: Path) -> None:
    said = packed.words_of(told / "method.pdf")
    assert "168 hours of care a week for 39 customers" in said
    mark = hashlib.sha256((told / "units.csv").read_bytes()).hexdigest()
    assert mark in said.replace(" ", "")


def test_the_postcodes_are_alike_in_the_table_the_book_and_the_search(told: Path) -> None:
    table = packed.rows(told / "postcodes.csv")
    head, *rows = openpyxl.load_workbook(told / "lots.xlsx")["postcodes"].iter_rows(values_only=True)
    assert [{n: c or "" for n, c in zip(head, row, strict=True)} for row in rows] == table
    data = re.search(
        r'<script type="application/json" id="data">(.*?)</script>', (told / "index.html").read_text()
    )
    assert data is not None
    known = json.loads(data[1])
    for row in table:
        outward, inward = row["postcode"].split()
        lots = [known["lots"][k][0] for k in known["postcodes"][outward][inward]]
        assert lots == [each for each in (row["lot"], row["other_lot"]) if each]


def test_the_manifest_has_the_hash_of_every_other_file(told: Path) -> None:
    files = json.loads((told / "manifest.json").read_text())["files"]
    there = {each.relative_to(told).as_posix(): each for each in told.rglob("*") if each.is_file()}
    del there["manifest.json"]
    assert {name: hashlib.sha256(each.read_bytes()).hexdigest() for name, each in there.items()} == {
        name: told_["sha256"] for name, told_ in files.items()
    }
