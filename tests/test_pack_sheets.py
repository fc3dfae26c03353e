"""Map sheets: true scale, a legend of what is on the map, quiet backgrounds, pages that list every unit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import packed
import pytest
import shapely
import tiny_county

import zonedesign as zd
from zonedesign.maps.paper import SCALES, Frame
from zonedesign.maps.sheets import Sheets
from zonedesign.osm.landmarks import Landmarks
from zonedesign.pack import gather
from zonedesign.pack.boundary import sides
from zonedesign.pack.sheets import lot_pdf, pages_of

if TYPE_CHECKING:
    from pathlib import Path


def tiny(folder: Path, **columns: Any) -> tuple[zd.Plan, zd.Problem]:
    path = tiny_county.write_tiny(folder, units=tiny_county.squares(**columns))
    problem = zd.read_scenario(path).problem()
    labels = tiny_county.quarters().set_index("unit")["zone"]
    return zd.Plan.from_labels(problem.units, problem.times, labels, levels=problem.levels), problem


def landmarks(*ways: tuple[str, str, str, list[tuple[float, float]]], places: Any = ()) -> Landmarks:
    """Ways as (name, ref, kind, points) and places as (name, kind, x, y), all on the British grid."""
    lines = gpd.GeoDataFrame(
        {
            "name": [w[0] for w in ways], "ref": [w[1] for w in ways], "kind": [w[2] for w in ways],
            "geometry": [shapely.LineString(w[3]) for w in ways],
        },
        crs=27700,
    )  # fmt: skip
    spots = gpd.GeoDataFrame(
        {
            "name": [p[0] for p in places], "kind": [p[1] for p in places],
            "geometry": [shapely.Point(p[2:]) for p in places],
        },
        crs=27700,
    )  # fmt: skip
    water = gpd.GeoDataFrame({"name": []}, geometry=[], crs=27700)
    return Landmarks(spots.to_crs(4326), water.to_crs(4326), lines.to_crs(4326))


@pytest.mark.parametrize("across_m", [900.0, 2_000.0, 33_333.0, 180_000.0])
def test_a_frame_is_of_a_common_scale_and_no_larger_one_would_do(across_m: float) -> None:
    frame = Frame.around((0.0, 0.0, across_m, across_m / 2), 186.0, 150.0)
    assert frame.scale in SCALES
    on_paper = across_m * 1000 / frame.scale
    assert on_paper <= 186.0 * 0.92 + 1e-9
    larger = SCALES[SCALES.index(frame.scale) - 1]
    assert across_m * 1000 / larger > 186.0 * 0.92


def test_a_kilometre_of_ground_is_as_long_on_the_printed_page_as_its_scale_says(tmp_path: Path) -> None:
    """The sheet says 1:15,000: its picture is 186 mm wide, and each 2 km lot 133.3 mm of it."""
    plan, problem = tiny(tmp_path)
    sheet = tmp_path / "sheet.pdf"
    sheet.write_bytes(lot_pdf(gather(plan, problem), 0))
    picture = Sheets.of(plan).lot(0, 186.0, 150.0)
    assert "1:15,000 on A4" in packed.words_of(sheet)
    assert picture.svg.startswith('<svg xmlns="http://www.w3.org/2000/svg" width="186mm" height="150mm"')
    outline = max(re.findall(r'<path d="([^"]+Z)" fill="none" stroke="#1c2a33"', picture.svg), key=len)
    x = [float(a) for a in re.findall(r"[ML]([\d.]+) ", outline)]
    assert max(x) - min(x) == pytest.approx(2000 * 1000 / 15_000, abs=0.1)


def test_the_bar_is_as_long_as_it_says(tmp_path: Path) -> None:
    plan, _ = tiny(tmp_path)
    svg = Sheets.of(plan).lot(0, 186.0, 150.0).svg
    bar = re.search(r'v1\.4h([\d.]+)v-1\.4M[^"]*h([\d.]+)v1\.4" fill="none"', svg)
    said = re.findall(r">([\d.,]+) (m|km|miles?)</text>", svg)
    assert bar is not None
    metres = {"m": 1.0, "km": 1000.0, "mile": 1609.344, "miles": 1609.344}
    told = [float(n.replace(",", "")) * metres[unit] * 1000 / 15_000 for n, unit in said]
    assert [float(bar[1]), float(bar[2])] == pytest.approx(told, abs=0.01)


def test_a_legend_names_what_its_map_shows_and_nothing_else(tmp_path: Path) -> None:
    plan, _ = tiny(tmp_path)
    plain = Sheets.of(plan).lot(0, 186.0, 150.0)
    road = landmarks(("High Street", "A27", "primary", [(450_000, 110_900), (452_000, 110_900)]))
    beside = Sheets.of(plan, road)
    assert plain.shows == ("beyond",)
    assert beside.lot(0, 186.0, 150.0).shows == ("main road", "beyond")
    assert "main road" not in beside.lot(3, 186.0, 150.0).shows


def test_towns_are_written_before_hamlets_and_no_two_labels_overlap(tmp_path: Path) -> None:
    plan, _ = tiny(tmp_path)
    at = [("Hamlet", "hamlet", 451_000, 111_030), ("Town", "town", 451_000, 111_000)]
    svg = Sheets.of(plan, landmarks(places=at)).lot(0, 186.0, 150.0).svg
    assert ">Town<" in svg
    assert ">Hamlet<" not in svg


def test_census_numbers_are_no_names_of_places(tmp_path: Path) -> None:
    """`Chichester 001C` is a small area of statistics, not a place that a map could show."""
    names = [f"Chichester {k:03d}C" for k in range(16)]
    frame = tiny_county.squares().rename(columns={"place": "lsoa11nm"}).assign(lsoa11nm=names)
    path = tiny_county.write_tiny(tmp_path, changes={'name = "place"\n': 'name = "lsoa11nm"\n'}, units=frame)
    problem = zd.read_scenario(path).problem()
    labels = tiny_county.quarters().set_index("unit")["zone"]
    plan = zd.Plan.from_labels(problem.units, problem.times, labels, levels=problem.levels)
    assert len(Sheets.of(plan).background.places) == 0
    assert plan.zones["name"].tolist()[0] == "Chichester 1"


def test_a_boundary_follows_a_road_beside_it_but_none_that_it_crosses(tmp_path: Path) -> None:
    plan, _ = tiny(tmp_path)
    ways = landmarks(
        ("", "A27", "primary", [(450_000, 112_005), (452_000, 112_005)]),
        ("Cross Lane", "", "tertiary", [(451_000, 109_000), (451_000, 115_000)]),
        ("Shore", "", "coastline", [(450_000, 109_940), (454_000, 109_940)]),
    )
    first = sides(Sheets.of(plan, ways), ways.ways)[0]
    follows = {side.beside: dict(side.follows) for side in first}
    assert follows["1-03"] == {"the A27": pytest.approx(2.0, abs=0.1)}
    assert follows["1-02"] == {}
    assert follows[""]["the coast"] == pytest.approx(2.0, abs=0.2)
    assert sum("Cross Lane" in each for each in follows.values()) == 0


def test_a_lot_of_very_many_units_lists_them_in_their_order_page_by_page(tmp_path: Path) -> None:
    """500 units: 392 on the first page of codes, 7 columns of 56, and the rest on the next."""
    units = [[k, f"E{k:05d}", ""] for k in range(1, 501)]
    pages = pages_of(units, across=7)
    assert [sum(len(column) for column in page) for page in pages] == [392, 108]
    assert [unit for page in pages for column in page for unit in column] == units
    assert max(len(column) for page in pages for column in page) == 56


def test_numbers_on_the_map_are_those_of_the_list(tmp_path: Path) -> None:
    plan, _ = tiny(tmp_path)
    sheets = Sheets.of(plan)
    ids = [str(plan.of_units.ids[k]) for k in sheets.members(0)]
    assert ids == ["u00", "u01", "u04", "u05"]
    svg = sheets.lot(0, 186.0, 150.0).svg
    found = {
        int(text): (float(x), float(y))
        for x, y, text in re.findall(
            r'<text x="([\d.]+)" y="([\d.]+)" font-size="2\.2"[^>]*>(\d)</text>', svg
        )
    }
    assert sorted(found) == [1, 2, 3, 4]
    spots = np.array([found[k] for k in (1, 2, 3, 4)])
    assert spots[1][0] > spots[0][0]
    assert spots[2][1] < spots[0][1]
