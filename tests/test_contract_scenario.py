"""The scenario's contract, tried from outside: every key, strictly, and what it does to the problem."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from test_bad_input import osm
from tiny_county import IDS, squares, write_tiny

import zonedesign as zd
from zonedesign.cli import main

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = 'hours_column = "hours"\ncustomers_column = "people"'
BANDS = "weekly_hours = [30, 50]\ncustomers = [4, 12]\nmax_minutes = 15\nzones = 4"
CENTRES = [(450_500 + 1000 * (k % 4), 110_500 + 1000 * (k // 4)) for k in range(16)]


def write(folder: Path, *, more="", changes=None, units=None, **files: str) -> Path:
    """Write the tiny county with changes, more tables at its end, and tables as CSV by name."""
    scenario = write_tiny(folder, changes=changes, units=units)
    scenario.write_text(scenario.read_text(encoding="utf-8") + more, encoding="utf-8")
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return scenario


def problem(folder: Path, **options) -> zd.Problem:
    return zd.read_scenario(write(folder, **options)).problem()


def table(columns: str, rows) -> str:
    return "\n".join([columns, *(",".join(map(str, row)) for row in rows)]) + "\n"


def refused(folder: Path, capsys, code: int = 2, **options) -> str:
    """Solve, and return the one line that says why not; nothing is written."""
    scenario = write(folder, **options)
    before = sorted(folder.iterdir())
    assert main(["solve", str(scenario), "-o", str(folder / "zones"), "--time-limit", "20"]) == code
    said = capsys.readouterr().err
    assert "Traceback" not in said
    last = said.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert "unexpected" not in last
    assert sorted(folder.iterdir()) == before
    return last


# Strictness.


@pytest.mark.parametrize(
    ("after", "line", "nearest"),
    [
        ("[units]", 'idd = "x"', "id"),
        ("[units]", "contiguity_tolerance = 3", "contiguity_tolerance_m"),
        ("[demand]", 'hour_column = "x"', "hours_column"),
        ("[demand]", 'growth = { colum = "council", by = { North = 1.0 } }', "column"),
        ("[roads]", "sketh = true", "sketch"),
        ("[[levels]]", "max_minute = 5", "max_minutes"),
        ("[[levels]]", 'character = { colum = "x", values = ["a"], at_least = 0.5 }', "column"),
        ("", "[objective]\ntravle = 1", "travel"),
        ("", '[objective]\nborder = { path = "x", idd = "y" }', "id"),
        ("", '[locks]\nfrozn = ["x"]', "frozen"),
        ("", '[locks]\nnest_in = { path = "x", id = "y", lyr = "z" }', "layer"),
        ("", "[publish]\nsupress_below = 5", "suppress_below"),
        ("", '[level]\nname = "x"', "levels"),
    ],
)
def test_an_unknown_key_at_any_depth_is_refused_with_the_nearest(tmp_path, capsys, after, line, nearest):
    changes = {after: f"{after}\n{line}"} if after else None
    said = refused(tmp_path, capsys, changes=changes, more="" if after else f"\n{line}\n")
    assert "unknown key" in said
    assert f"did you mean '{nearest}'?" in said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("zones = 4", 'zones = "4"'),
        ("zones = 4", "zones = 4.5"),
        ("zones = 4", "zones = [5, 4]"),
        ("zones = 4", "zones = 100"),
        ("zones = 4", "zones = true"),
        ("[30, 50]", "[50, 30]"),
        ("[30, 50]", "30"),
        ("[4, 12]", "[-4, 12]"),
        ("max_minutes = 15", "max_minutes = nan"),
        ("max_minutes = 15", "max_minutes = -1"),
        ("max_minutes = 15", "hours_share = [80, 90]"),
        ("max_minutes = 15", 'contiguous = "no"'),
        ("sketch = true", "sketch = false"),
        ("sketch = true", 'sketch = true\npath = "x.osm"'),
        ('id = "id"', "id = 5"),
        ('hours_column = "hours"', 'hours_column = "hourz"'),
        ('name = "place"', 'exclude = ["zz"]'),
        ('name = "place"', 'bridges = [["u00", "zz"]]'),
        ('name = "place"', 'point = ["x", "y"]'),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path, capsys, old, new):
    assert len(refused(tmp_path, capsys, changes={old: new})) > 30


def test_a_scenario_extends_another_by_paths_of_its_own(tmp_path):
    write(tmp_path)
    child = tmp_path / "sub" / "child.toml"
    child.parent.mkdir()
    child.write_text(
        'extends = "../tiny.toml"\nname = "Child"\n[objective]\ntravel = 2.0\n', encoding="utf-8"
    )
    found = zd.read_scenario(child).problem()
    assert (found.about.name, found.objective.travel, len(found.units)) == ("Child", 2.0, 16)
    assert list(found.about.inputs) == ["child.toml", "../tiny.toml", "../units.gpkg"]


# Demand.


def test_totals_are_unrounded_hours_and_whole_customers_by_largest_remainder(tmp_path):
    found = problem(
        tmp_path,
        changes={COLUMNS: 'total_hours = 100\ntotal_customers = 20\nspread_by = "pop"'},
        units=squares(pop=[2, 1, 1] + [2] * 13),
    ).units
    assert found.customers.sum() == 20
    shares = {unit: 20 * pop / 30 for unit, pop in zip(IDS, [2, 1, 1] + [2] * 13, strict=True)}
    assert all(math.floor(shares[u]) <= n <= math.ceil(shares[u]) for u, n in found.customers.items())


def test_ties_of_customers_go_to_the_smallest_ids(tmp_path):
    changes = {COLUMNS: 'total_hours = 100\ntotal_customers = 20\nspread_by = "people"'}
    assert problem(tmp_path, changes=changes).units.customers.tolist() == [2] * 4 + [1] * 12


def test_customers_are_counted_where_they_live_each_once(tmp_path):
    rows = [(f"c{k}", 5 + k % 3, *CENTRES[k % 16]) for k in range(48)] + [("edge", 4, 451_000, 111_000)]
    found = problem(
        tmp_path,
        changes={COLUMNS: 'customers = "clients.csv"'},
        clients=table("id,weekly_hours,easting,northing", rows),
    ).units
    assert found.customers.sum() == 49
    assert found.hours.sum() == sum(row[1] for row in rows)
    assert found.customers.min() == 3


def test_customers_may_be_known_by_postcode(tmp_path):
    found = problem(
        tmp_path,
        changes={COLUMNS: 'customers = "clients.csv"\npostcodes = "codes.csv"', BANDS: "zones = 4"},
        clients="id,weekly_hours,postcode\na,5,po11aa\nb,6, PO1  1AB \n",
        codes=table("postcode,easting,northing", [("PO1 1AA", *CENTRES[0]), ("PO1 1AB", *CENTRES[1])]),
    ).units
    assert found.hours.tolist()[:3] == [5, 6, 0]


@pytest.mark.parametrize(
    "row", ["x,-1,450500,110500", "x,,450500,110500", "x,abc,450500,110500", "c1,5,450500,110500", "x,5,,"]
)
def test_a_customer_that_cannot_be_counted_is_named(tmp_path, capsys, row):
    rows = [(f"c{k}", 10, *CENTRES[k % 16]) for k in range(16)]
    text = table("id,weekly_hours,easting,northing", rows) + row + "\n"
    said = refused(tmp_path, capsys, changes={COLUMNS: 'customers = "clients.csv"'}, clients=text)
    assert "clients.csv" in said
    assert row.split(",")[0] in said


@pytest.mark.parametrize(
    ("growth", "hours"),
    [("1.5", 240), ('"g"', 320), ('{ column = "council", by = { North = 2.0, South = 1.0 } }', 240)],
)
def test_demand_grows_by_a_factor_a_column_or_a_border(tmp_path, growth, hours):
    found = problem(tmp_path, changes={COLUMNS: f"{COLUMNS}\ngrowth = {growth}"}, units=squares(g=[2.0] * 16))
    assert found.hours.sum() == pytest.approx(hours)


# Roads.


def off_the_road(folder: Path, units: int) -> dict:
    """Options of a county with roads of its own, some of whose units have their point far from all of them."""
    frame = squares()
    frame["x"], frame["y"] = zip(*CENTRES, strict=True)
    for k in range(units):
        frame.loc[15 - k, ["x", "y"]] = [456_500, 116_500 + 10 * k]
    (folder / "roads.osm").write_text(osm(-1.286, 50.888), encoding="utf-8")
    return {
        "units": frame,
        "changes": {
            "sketch = true": 'path = "roads.osm"',
            'name = "place"': 'point = ["x", "y"]',
            BANDS: "zones = [1, 16]",
        },
    }


def test_units_far_from_every_road_are_named_with_the_way_out(tmp_path, capsys):
    said = refused(tmp_path, capsys, 3, **off_the_road(tmp_path, 7))
    assert all(unit in said for unit in IDS[-7:])
    assert "exclude" in said


def test_roads_near_under_half_of_the_units_are_bad_input(tmp_path, capsys):
    (tmp_path / "roads.osm").write_text(osm(-1.238, 50.888), encoding="utf-8")
    said = refused(tmp_path, capsys, changes={"sketch = true": 'path = "roads.osm"'})
    assert "roads.osm" in said
    assert re.search(r"of 16", said)


def test_sketch_roads_are_said_on_every_output(tmp_path):
    scenario = write(tmp_path)
    out = tmp_path / "zones"
    assert main(["solve", str(scenario), "-o", str(out), "--time-limit", "20"]) == 0
    assert "sketch roads" in (out / "review.html").read_text(encoding="utf-8").lower()
    assert '"sketch": true' in (out / "manifest.json").read_text(encoding="utf-8")
    times = zd.read_scenario(scenario).problem().times
    assert times.between("u00", "u01") == pytest.approx(1.3 * 1000 / 40_000 * 60)


# Rules and objective.


def test_everything_a_level_can_state_is_verified(tmp_path):
    level = (
        "max_minutes_between = 20\nmax_miles = 3\nhours_share = [0.5, 1]\nproviders = { lead = 1 }\n"
        'character = { column = "ruc11", values = ["Urban"], at_least = 0.25 }'
    )
    units = squares(ruc11=["Urban" if k < 8 else "Rural" for k in range(16)])
    found = problem(tmp_path, units=units, changes={"zones = 4": f"zones = 4\n{level}"})
    verdicts = zd.verify(zd.solve(found, time_limit=20), found)
    assert verdicts["passed"].all()
    kinds = {"Volume", "Reach", "Diameter", "MaxMiles", "ZoneCount", "HoursShare", "Character", "Contiguous"}
    assert kinds <= set(verdicts["rule"])


def test_zones_never_mix_two_councils_unless_they_are_joint(tmp_path, capsys):
    council = 'name = "place"\nauthority = "council"'
    found = problem(tmp_path, changes={'name = "place"': council, "zones = 4": "zones = [1, 5]"})
    plan = zd.solve(found, time_limit=20)
    mixed = pd.crosstab(plan.units["zone"], found.units.authority)
    assert ((mixed > 0).sum(axis=1) == 1).all()
    said = refused(tmp_path, capsys, changes={'name = "place"': f'{council}\njoint = [["North", "Soth"]]'})
    assert "did you mean 'South'?" in said


def test_each_term_of_the_objective_is_reported(tmp_path):
    found = problem(
        tmp_path,
        more='\n[objective]\nchange = 0.2\nborders = 0.1\ncut = 0.05\nbaseline = "today.csv"\n'
        'border = { path = "pcn.csv", id = "pcn" }\n',
        today=table("unit,zone", [(unit, f"z{k // 4}") for k, unit in enumerate(IDS)]),
        pcn=table("id,pcn", [(unit, f"p{k % 2}") for k, unit in enumerate(IDS)]),
    )
    proved = zd.solve(found, time_limit=20).certificate
    weights = {"mean_minutes": 1.0, "moved": 0.2, "crossing": 0.1, "boundary": 0.05}
    assert set(proved.terms) == set(weights)
    total = sum(weights[name] * value for name, value in proved.terms.items())
    assert proved.objective == pytest.approx(total, abs=1e-9)
    assert {"today.csv", "pcn.csv"} <= set(found.about.inputs)


def test_what_is_impossible_is_exit_3_and_writes_nothing(tmp_path, capsys):
    assert "180" in refused(tmp_path, capsys, 3, changes={"[30, 50]": "[45, 50]"})
