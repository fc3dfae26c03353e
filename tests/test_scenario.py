"""Scenarios: a strict file, faults named by file and key, and a problem with everything that it needs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sixteen import BASE, changed, scenario, write_squares

from zonedesign.errors import ScenarioError
from zonedesign.scenario import read_scenario
from zonedesign.scenario.settings import MEANS, TABLES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_squares(tmp_path)


# Reading.


def test_a_scenario_says_its_name_levels_and_file(folder):
    read = read_scenario(scenario(folder))
    assert read.name == "Sixteen squares"
    assert read.levels[0].weekly_hours == (40, 100)
    assert read.levels[0].zone_range == (2, 4)
    assert repr(read) == "<Scenario: Sixteen squares, levels 1, s.toml>"


def test_without_a_name_the_file_gives_it(folder):
    assert read_scenario(scenario(folder, changed('name = "Sixteen squares"', ""))).name == "s"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            'path = "units.gpkg"',
            'pth = "units.gpkg"',
            r"s.toml: unknown key 'units.pth'; did you mean 'path'\?",
        ),
        ("[roads]", "[road]", r"s.toml: unknown key 'road'; did you mean 'roads'\?"),
        (
            "max_minutes = 15",
            "max_minute = 15",
            r"unknown key 'levels.max_minute' of level '1'; did you mean 'max_minutes'",
        ),
        (
            "sketch = true",
            "sketch = true\nexclude = []",
            r"unknown key 'roads.exclude'; 'exclude' belongs in \[units\]",
        ),
        ('id = "code"', "", "'units.id' is missing; units needs the name of a column"),
        ("[roads]\nsketch = true", "", "'roads' is missing"),
        ('id = "code"', "id = 5", "units.id is 5; it must be the name of a column, in quotes"),
        ('id = "code"', 'id = "code"\npoint = ["x"]', r"units.point is \['x'\]; it must be two columns"),
        (
            'id = "code"',
            'id = "code"\ncontiguity = "touch"',
            "units.contiguity is 'touch'; it must be 'boundary' or 'road'",
        ),
        (
            'id = "code"',
            'id = "code"\nbridges = "far"',
            "units.bridges is 'far'; it must be 'nearest', 'none' or pairs",
        ),
        ("sketch = true", "sketch = 1", "roads.sketch is 1; it must be true or false"),
        ("sketch = true", "sketch = false", r"\[roads\] has neither a path nor sketch"),
        ("sketch = true", 'sketch = true\npath = "r.osm"', r"\[roads\] has both path and sketch"),
        (
            "sketch = true",
            'sketch = true\nprofile = "am-peek"',
            "roads.profile: no speed profile 'am-peek'; did you mean 'am-peak'",
        ),
        (
            "sketch = true",
            "sketch = true\nmax_snap_m = 0",
            "roads.max_snap_m is 0; it must be a number above 0",
        ),
        ("[40, 100]", "[100, 40]", "levels: level 1: weekly_hours has min 100.* > max 40"),
        ("[40, 100]", "[40]", r"levels.weekly_hours of level '1' is \[40\]; it must be \[min, max\]"),
        ("[40, 100]", '["40", 100]', "levels.weekly_hours of level '1' is '40'"),
        ("[40, 100]", "[-5, 100]", "both ends must be numbers that are not negative"),
        ("zones = [2, 4]", "zones = 2.5", "levels.zones of level '1' is 2.5; it must be a whole number"),
        ("zones = [2, 4]", "zones = [4, 2]", "zones has min 4 > max 2"),
        ("zones = [2, 4]", "zones = 0", "levels.zones allow no zone at all"),
        (
            "max_minutes = 15",
            "max_minutes = -1",
            "levels.max_minutes of level '1' is -1; it must be a number, 0 or more",
        ),
        ("max_minutes = 15", "max_minutes = nan", "levels.max_minutes of level '1' is nan"),
        (
            "max_minutes = 15",
            "hours_share = [0.1, 0.5]",
            "levels.hours_share of 1 level add up to 0.1 to 0.5",
        ),
        ("max_minutes = 15", '[[levels]]\nname = "1"', "levels.name '1' stands 2 times"),
        ('hours_column = "weekly_hours"', "", "demand.customers_column goes|no demand"),
        (
            'hours_column = "weekly_hours"',
            'hours_column = "h"\ncustomers = "c.csv"',
            "both customers and hours_column",
        ),
        (
            'hours_column = "weekly_hours"',
            'hours_column = "h"\nspread_by = "x"',
            "demand.spread_by goes with total_hours",
        ),
        (
            'hours_column = "weekly_hours"\ncustomers_column = "customers"',
            "total_hours = 10",
            "'demand.spread_by' is missing",
        ),
        (
            'customers_column = "customers"',
            'growth = { column = "a" }',
            "demand.growth needs either by or path",
        ),
        ('customers_column = "customers"', "growth = -0.5", "demand.growth is -0.5; it must be a factor"),
        ("[roads]", "[objective]\nchange = 0.2\n[roads]", "objective.change needs objective.baseline"),
        ("[roads]", "[objective]\nborders = 0.2\n[roads]", "objective.borders needs objective.border"),
        ("[roads]", '[locks]\ntogether = [["U00"]]\n[roads]', "locks.together is 'U00'|locks.together is"),
        (
            "[roads]",
            "[publish]\nsuppress_below = 0\n[roads]",
            "publish.suppress_below is 0; it must be a whole number",
        ),
    ],
)
def test_a_fault_is_named_by_file_and_key(folder, old, new, says):
    with pytest.raises(ScenarioError, match=says) as caught:
        read_scenario(scenario(folder, changed(old, new)))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("s.toml: ")


def test_a_file_that_is_missing_or_no_toml_is_refused(folder):
    scenario(folder, name="east.toml")
    with pytest.raises(
        ScenarioError, match=r"there is no scenario file .*eats.toml; did you mean 'east.toml'"
    ):
        read_scenario(folder / "eats.toml")
    with pytest.raises(ScenarioError, match=r"s.toml: not a TOML file: .*line 1"):
        read_scenario(scenario(folder, "name = x y"))


def test_every_key_has_words_for_what_it_must_be():
    for table, model in TABLES.items():
        for key in model.model_fields:
            assert (f"{table}.{key}" if table else key) in MEANS


@given(key=st.text(st.characters(codec="ascii", categories=["L"]), min_size=1, max_size=12))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_unknown_key_is_ever_let_through(folder, key):
    known = {name for model in TABLES.values() for name in model.model_fields}
    text = f"{key}x = 1\n{BASE}"
    assert f"{key}x" not in known
    with pytest.raises(ScenarioError, match=f"unknown key '{key}x'"):
        read_scenario(scenario(folder, text))


# Extends.


def test_a_scenario_extends_another_key_by_key_and_replaces_lists(folder):
    scenario(folder, BASE, "base.toml")
    text = 'extends = "base.toml"\nname = "More"\n[units]\nexclude = ["U00"]\n[[levels]]\nname = "9"\n'
    read = read_scenario(scenario(folder, text))
    assert read.name == "More"
    assert read.settings.units.id == "code"
    assert read.settings.units.exclude == ["U00"]
    assert [level.name for level in read.levels] == ["9"]
    assert [path.name for path in read.files] == ["s.toml", "base.toml"]


def test_paths_are_relative_to_the_file_that_names_them(folder):
    scenario(folder, BASE, "base.toml")
    read = read_scenario(scenario(folder, 'extends = "../base.toml"\n', "deep/s.toml"))
    assert Path(read.settings.units.path).resolve() == (folder / "units.gpkg").resolve()
    problem = read.problem()
    assert set(problem.about.inputs) == {"s.toml", "../base.toml", "../units.gpkg"}


def test_another_way_to_state_demand_or_roads_takes_the_place_of_the_base(folder):
    scenario(folder, BASE, "base.toml")
    text = 'extends = "base.toml"\n[demand]\ntotal_hours = 320\nspread_by = "customers"\n[roads]\npath = "r.osm.pbf"\n'
    read = read_scenario(scenario(folder, text))
    assert read.settings.demand.hours_column is None
    assert read.settings.roads.sketch is False


def test_extends_in_a_circle_is_refused(folder):
    scenario(folder, 'extends = "b.toml"', "a.toml")
    scenario(folder, 'extends = "a.toml"', "b.toml")
    with pytest.raises(ScenarioError, match=r"extends goes in a circle: a.toml -> b.toml -> a.toml"):
        read_scenario(folder / "a.toml")


def test_a_fault_in_the_base_names_the_base(folder):
    scenario(folder, changed("max_minutes = 15", "max_minutes = -1"), "base.toml")
    with pytest.raises(ScenarioError, match=r"^base.toml: levels.max_minutes"):
        read_scenario(scenario(folder, 'extends = "base.toml"'))
    with pytest.raises(ScenarioError, match=r"s2.toml extends .*bse.toml, but there is no scenario file"):
        read_scenario(scenario(folder, 'extends = "bse.toml"', "s2.toml"))
