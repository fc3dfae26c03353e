"""Problems from scenarios: units, demand, roads, times, rules and locks, and what check says of them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box
from sixteen import BASE, EAST, NORTH, changed, on_roads, osm, scenario, write_squares

from zonedesign.errors import DataError, ScenarioError
from zonedesign.plan import Plan
from zonedesign.rules import Apart, CentreAt, Contiguous, Fixed, Frozen, NestIn, Together
from zonedesign.scenario import read_scenario
from zonedesign.scenario.findings import findings

if TYPE_CHECKING:
    from pathlib import Path

SECOND = '\n[[levels]]\nname = "2"\nweekly_hours = [10, 30]\nzones = [0, 3]\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_squares(tmp_path)


# The problem.


def test_a_problem_has_units_times_levels_and_contiguity(folder):
    problem = read_scenario(scenario(folder)).problem()
    assert problem.hours.sum() == 160
    assert problem.customers.sum() == 16
    assert problem.rules[0] == Contiguous()
    assert problem.times.max_minutes == 15
    # one square across on sketch roads: 1.3 km at 40 km/h
    assert problem.times.between("U00", "U01") == pytest.approx(1.3 / 40 * 60)
    assert problem.about.sketch
    assert any("sketch roads" in note for note in problem.about.notes)
    assert problem.about.publish["suppress_below"] == 5


def test_zones_are_named_after_a_column_of_places_where_none_is_named(folder):
    squares = gpd.read_file(folder / "units.gpkg")
    numbered = [f"Westham 00{k % 9}A" for k in range(len(squares))]
    squares.assign(lsoa11nm=numbered).to_file(folder / "units.gpkg")
    problem = read_scenario(scenario(folder)).problem()
    assert problem.units.name_column == "lsoa11nm"
    assert any("zones are named after 'lsoa11nm' of the units" in note for note in problem.about.notes)
    zones = Plan.from_labels(
        problem.units, problem.times, pd.Series("z", index=problem.units.ids), levels=problem.levels
    ).zones
    assert zones["name"].tolist() == ["Westham"]


def test_what_minutes_include_is_said_in_the_notes(folder):
    text = changed("sketch = true", "sketch = true\nturn_delays = true\naccess_kph = 5\nparking_minutes = 2")
    notes = " ".join(read_scenario(scenario(folder, text)).problem().about.notes)
    assert "the time that turning takes" in notes
    assert "between point and road at 5 km/h" in notes
    assert "2 for parking" in notes


def test_about_has_the_hash_of_every_file_read(folder):
    path = scenario(folder)
    inputs = read_scenario(path).problem().about.inputs
    assert inputs["s.toml"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert set(inputs) == {"s.toml", "units.gpkg"}


def test_a_level_without_a_travel_limit_needs_every_time(folder):
    problem = read_scenario(scenario(folder, changed("max_minutes = 15", ""))).problem()
    assert np.isinf(problem.times.max_minutes)
    assert len(problem.times.minutes) == 256


def test_minutes_between_units_of_a_zone_widen_the_cutoff(folder):
    text = changed("max_minutes = 15", "max_minutes = 15\nmax_minutes_between = 28")
    assert read_scenario(scenario(folder, text)).problem().times.max_minutes == 28


def test_parking_is_added_once_to_every_way_but_none_to_itself(folder):
    problem = read_scenario(
        scenario(folder, changed("sketch = true", "sketch = true\nparking_minutes = 2"))
    ).problem()
    assert problem.times.between("U00", "U01") == pytest.approx(1.3 / 40 * 60 + 2)
    assert problem.times.between("U00", "U00") == 0
    assert any("2 for parking" in note for note in problem.about.notes)


def test_locks_become_rules_in_the_units_own_ids(folder):
    (folder / "today.csv").write_text(
        "unit,zone\n" + "".join(f"U{k:02d},{'A' if k < 8 else 'B'}\n" for k in range(16))
    )
    locks = """
[objective]
baseline = "today.csv"
change = 0.2
border = "council"
borders = 0.1
[locks]
together = [["U00", "U01"]]
apart = [["U00", "U15"]]
centre_at = ["U05"]
fixed = { U03 = "A" }
frozen = ["B"]
"""
    problem = read_scenario(scenario(folder, BASE + locks)).problem()
    assert problem.rules == (
        Contiguous(), Together(["U00", "U01"]), Apart("U00", "U15"), CentreAt("U05"), Fixed("U03", "A"), Frozen("B"),
    )  # fmt: skip
    assert problem.baseline_zones[1] == ("A", "B")
    assert problem.border.tolist() == [0, 0, 1, 1] * 4


def test_a_baseline_with_centres_is_a_plan(folder):
    rows = "".join(f"U{k:02d},{'A' if k < 8 else 'B'},{'U06' if k < 8 else 'U09'}\n" for k in range(16))
    (folder / "today.csv").write_text("unit,zone,centre\n" + rows)
    problem = read_scenario(scenario(folder, BASE + '[objective]\nbaseline = "today.csv"\n')).problem()
    plan = problem.objective.baseline
    assert plan.zones["centre"].tolist() == ["U06", "U09"]


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        ('[locks]\ncentre_at = ["U5"]', "locks.centre_at names 1 id that no unit has: U5; did you mean"),
        (
            '[locks]\nfixed = { U03 = "C" }\n[objective]\nbaseline = "today.csv"',
            "locks.fixed names zone 'C', which today.csv",
        ),
        ('[objective]\nbaseline = "gaps.csv"', "gaps.csv gives no zone to 15 units: U01"),
        ('[objective]\nbaseline = "no.csv"', "there is no file .*no.csv"),
        ('[locks]\nnest_in = { path = "half.gpkg", id = "b" }', "half.gpkg: 8 units in no 'b': U08"),
        ('[locks]\nnest_in = { path = "half.gpkg", id = "c" }', "half.gpkg has no column 'c'"),
    ],
)
def test_locks_and_borders_that_do_not_fit_are_named(folder, tables, says):
    (folder / "today.csv").write_text("unit,zone\n" + "".join(f"U{k:02d},A\n" for k in range(16)))
    (folder / "gaps.csv").write_text("unit,zone\nU00,A\n")
    half = box(EAST, NORTH, EAST + 4000, NORTH + 2000)
    gpd.GeoDataFrame({"b": ["South"]}, geometry=[half], crs=27700).to_file(folder / "half.gpkg")
    with pytest.raises((DataError, ScenarioError), match=says):
        read_scenario(scenario(folder, BASE + tables)).problem()


def test_a_border_of_polygons_or_of_codes_gives_every_unit_its_code(folder):
    shapes = [box(EAST, NORTH + k * 2000, EAST + 4000, NORTH + (k + 1) * 2000) for k in range(2)]
    gpd.GeoDataFrame({"b": ["South", "North"]}, geometry=shapes, crs=27700).to_file(folder / "half.gpkg")
    (folder / "pcn.csv").write_text("code,pcn\n" + "".join(f"U{k:02d},{k % 2}\n" for k in range(16)))
    nests = '[locks]\nnest_in = [{ path = "half.gpkg", id = "b" }, { path = "pcn.csv", id = "pcn" }]\n'
    problem = read_scenario(scenario(folder, BASE + nests)).problem()
    south, pcn = (rule for rule in problem.rules if isinstance(rule, NestIn))
    assert south.border.tolist() == ["South"] * 8 + ["North"] * 8
    assert pcn.border.tolist() == [0, 1] * 8


def test_a_lock_on_a_unit_left_out_is_refused(folder):
    text = changed('id = "code"', 'id = "code"\nexclude = ["U05"]') + '[locks]\ncentre_at = ["U05"]'
    with pytest.raises(DataError, match=r"locks.centre_at names U05, which units.exclude leaves out"):
        read_scenario(scenario(folder, text)).problem()


def test_whole_number_ids_may_be_written_either_way(folder):
    frame = gpd.read_file(folder / "units.gpkg").assign(code=range(100, 116))
    frame.to_file(folder / "units.gpkg")
    text = changed('id = "code"', 'id = "code"\nexclude = ["115"]') + '[locks]\ntogether = [["100", 101]]'
    problem = read_scenario(scenario(folder, text)).problem()
    assert Together([100, 101]) in problem.rules
    assert 115 not in problem.units.ids


def test_more_zones_than_units_cannot_add_up(folder):
    with pytest.raises(
        ScenarioError, match=r"s.toml: levels.zones ask for 17 zones or more, and there are only 16 units"
    ):
        read_scenario(scenario(folder, changed("zones = [2, 4]", "zones = 17"))).problem()


def test_a_band_of_customers_needs_customers(folder):
    text = changed('customers_column = "customers"', "").replace("zones = [2, 4]", "customers = [1, 5]")
    with pytest.raises(
        DataError, match=r"s.toml: level 1 has a band of customers, .*demand.customers_column"
    ):
        read_scenario(scenario(folder, text)).problem()


def test_customers_totals_and_growth_come_from_the_scenario(folder):
    (folder / "clients.csv").write_text(f"id,weekly_hours,easting,northing\n01,5,{EAST + 1},{NORTH + 1}\n")
    demand = 'hours_column = "weekly_hours"\ncustomers_column = "customers"'
    problem = read_scenario(scenario(folder, changed(demand, 'customers = "clients.csv"'))).problem()
    assert problem.hours.tolist() == [5.0] + [0.0] * 15
    totals = 'total_hours = 320\nspread_by = "customers"\ntotal_customers = 32\ngrowth = 1.5'
    problem = read_scenario(scenario(folder, changed(demand, totals))).problem()
    assert problem.hours.tolist() == [30.0] * 16
    assert problem.customers.tolist() == [3.0] * 16


# Roads from a file.


def test_access_to_the_road_is_added_at_both_ends_where_it_is_asked_for(folder):
    osm(folder)
    plain = read_scenario(scenario(folder, on_roads())).problem()
    walked = read_scenario(scenario(folder, on_roads("access_kph = 5"))).problem()
    # points lie 100 m south of the road: twice 100 m at 5 km/h are 2.4 minutes
    gain = walked.times.between("U00", "U01") - plain.times.between("U00", "U01")
    assert gain == pytest.approx(2 * 0.1 / 5 * 60, abs=0.05)
    assert not plain.about.sketch
    assert "roads.osm" in plain.about.inputs


def test_roads_join_units_that_do_not_touch_before_any_bridge_is_made(folder):
    osm(folder)
    away = gpd.read_file(folder / "units.gpkg")
    small = away.geometry.buffer(-100)  # 200 m apart: nothing touches, but roads run along the rows
    away.set_geometry(small).to_file(folder / "units.gpkg")
    graph = (
        read_scenario(scenario(folder, on_roads().replace('"code"', '"code"\ncontiguity = "road"')))
        .problem()
        .units.contiguity
    )
    pairs = {(graph.ids[a], graph.ids[b]) for a, b in graph.pairs}
    assert {("U00", "U01"), ("U00", "U04")} <= pairs
    assert ("U01", "U05") not in pairs
    assert graph.bridges == ()
    bridged = read_scenario(scenario(folder, on_roads())).problem().units.contiguity
    assert len(bridged.bridges) == 15


def test_attribution_lines_are_the_roads_own_or_those_that_are_stated(folder):
    osm(folder)
    more = 'attribution = "© FOSM"\n[publish]\nsources = ["© Crown copyright"]'
    sources = read_scenario(scenario(folder, on_roads(more))).problem().about.sources
    assert sources == (("units.gpkg", "© Crown copyright"), ("roads.osm", "© FOSM"))
    assert "OpenStreetMap" in read_scenario(scenario(folder, on_roads())).problem().about.sources[0][1]


def test_units_far_from_every_road_stay_and_are_named_with_the_way_out(folder):
    osm(folder, reach=3)
    problem = read_scenario(scenario(folder, on_roads("max_snap_m = 500"))).problem()
    assert len(problem.units) == 16
    assert any(
        "4 units farther than 500 m" in note and "exclude them" in note for note in problem.about.notes
    )


def test_a_unit_whose_road_leaves_the_file_is_told_from_those_that_no_road_is_near(folder):
    osm(folder, reach=3)
    roads = (folder / "roads.osm").read_text(encoding="utf-8")
    south = '<nd ref="3"/><tag'  # the first row's road goes on east, to a node that is not there
    (folder / "roads.osm").write_text(roads.replace(south, south.replace("<tag", '<nd ref="99"/><tag'), 1))
    scene = read_scenario(scenario(folder, on_roads("max_snap_m = 500")))
    off = [note for note in scene.problem().about.notes if "farther than 500 m" in note]
    assert [note.split(" ")[0] for note in off] == ["1", "3"]
    assert "U03 (" in off[0]
    assert off[0].endswith("; the road to it leaves the file: take a larger extract, or exclude it")
    assert off[1].endswith("; exclude them, or raise roads.max_snap_m")
    (snapping,) = [each for each in scene.check() if each.subject == "snapping"]
    assert snapping.figures["beyond_file"] == ["U03"]


def test_roads_without_a_path_are_noted_where_they_are_walked(folder):
    osm(folder)
    walked = read_scenario(scenario(folder, on_roads('profile = "walking"')))
    noted = [each for each in walked.check() if "no footways or cycleways in roads.osm" in each.says]
    assert [(each.subject, each.state) for each in noted] == [("notes", "note")]
    driven = read_scenario(scenario(folder, on_roads())).problem()
    assert not any("footways" in note for note in driven.about.notes)


def test_roads_of_another_place_are_refused(folder):
    osm(folder, reach=1)
    with pytest.raises(DataError, match=r"4 of 16 units lie within 500 m .*another place"):
        read_scenario(scenario(folder, on_roads("max_snap_m = 500"))).problem()


def test_progress_is_told_stage_by_stage(folder):
    stages: list[str] = []
    read_scenario(scenario(folder)).problem(lambda stage, _share, _message: stages.append(stage))
    assert list(dict.fromkeys(stages)) == ["units", "rules", "roads", "travel times", "problem"]


# Check.


def test_check_says_what_lines_up_as_plain_data(folder):
    found = read_scenario(scenario(folder)).check()
    by_subject = {each.subject: each for each in found}
    assert by_subject["units"].figures["units"] == 16
    assert by_subject["demand"].figures["weekly_hours"] == 160.0
    assert by_subject["demand"].figures["customers"] == 16.0
    assert by_subject["contiguity"].figures["components"] == [16]
    assert by_subject["roads"].figures["sketch"] is True
    assert by_subject["reach"].figures["max_minutes"] == 15.0
    assert by_subject["level 1"].says == "2 to 4 zones, 40 to 100 hours a week, at most 15 minutes"
    json.dumps([each.to_dict() for each in found])


@pytest.mark.parametrize(
    ("levels", "says", "minutes", "miles"),
    [
        ("max_minutes = 5\nmax_minutes_between = 40", " within 5 minutes (", 5.0, None),
        ("max_minutes = 5\nmax_miles = 2", " within 5 minutes and 2 miles (", 5.0, 2.0),
        ("", " units (", None, None),
        ("max_miles = 2", " within 2 miles (", None, 2.0),
        (f"max_minutes = 5{SECOND}max_minutes = 9", " within 9 minutes (", 9.0, None),
        (
            f"max_minutes = 5\nmax_miles = 7{SECOND}max_minutes = 9\nmax_miles = 2",
            " within 5 minutes and 7 miles, or 9 minutes and 2 miles (",
            9.0,
            7.0,
        ),
        (f"max_minutes = 5{SECOND}", " units (", None, None),
    ],
)
def test_reach_is_said_with_the_limits_that_it_is_counted_by(folder, levels, says, minutes, miles):
    text = changed("max_minutes = 15\nzones = [2, 4]", f"zones = [2, 4]\n{levels}")
    problem = read_scenario(scenario(folder, text)).problem()
    (reach,) = [each for each in findings(problem) if each.subject == "reach"]
    assert says in reach.says
    assert (reach.figures["max_minutes"], reach.figures["max_miles"]) == (minutes, miles)
    assert reach.figures["pairs"] == len(problem.arcs.units)
    assert reach.figures["share_of_pairs"] == len(problem.arcs.units) / 256


def test_check_names_what_makes_a_plan_impossible(folder):
    found = read_scenario(scenario(folder, changed("[40, 100]", "[40, 5]".replace("40, 5", "1, 5")))).check()
    assert any(each.state == "fault" and "U00" in each.says for each in found)


CASES = (
    ("se-hampshire-authorities", 428, 16_975.98, 1_374, 2),
    ("west-sussex-lsoa", 505, 23_572.0, 1_907, 0),
    ("west-sussex-oa", 2_645, 23_572.0, 1_907, 0),
)


@pytest.mark.parametrize(("name", "units", "hours", "customers", "bridges"), CASES)
def test_the_real_cases_become_problems_with_their_known_totals(
    geodata, name, units, hours, customers, bridges
):
    path = geodata.parent / "cases" / f"{name}.toml"
    if not path.is_file():
        pytest.skip(f"no case {path.name} beside the real data")
    problem = read_scenario(path).problem()
    assert len(problem.units) == units
    assert problem.hours.sum() == pytest.approx(hours, abs=0.01)
    assert problem.customers.sum() == customers
    assert len(problem.units.contiguity.bridges) == bridges
    assert problem.units.contiguity.component.max() == 0
    assert problem.about.sketch is name.startswith("west")


def test_every_real_case_is_read(geodata):
    paths = sorted((geodata.parent / "cases").glob("*.toml"))
    if not paths:
        pytest.skip("no cases beside the real data")
    assert all(read_scenario(path).levels for path in paths)
