"""The verbs price, frontier and stress: folders, tables, `--json`, and input that is refused."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest
from openpyxl import load_workbook
from tiny_county import IDS, quarters, write_plan, write_tiny

from zonedesign.cli import main
from zonedesign.demand import packages_of
from zonedesign.units import read_units

FORMULA = "=1+1"


def json_of(capsys, *arguments: object) -> dict[str, object]:
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def today() -> pd.DataFrame:
    """A plan in force that is out of band: one zone has lost a unit to another."""
    plan = quarters()
    plan.loc[plan["unit"].isin(["u01", "u05"]), "zone"] = "1-02"
    return plan


# Price.


def test_price_writes_a_folder_and_prints_the_dearest_first(tmp_path, capsys):
    scenario = write_tiny(tmp_path, changes={"zones = 4": 'zones = 4\n[locks]\ncentre_at = ["u00"]\n'})
    out = tmp_path / "prices"
    told = json_of(
        capsys, "price", scenario, "-o", out, "--of", "centre_at*", "1.weekly_hours", "--time-limit", 8
    )
    names = {path.name for path in out.iterdir()}
    assert {"price.html", "prices.csv", "price.xlsx", "plan.csv", "plans", "manifest.json"} == names
    prices = pd.read_csv(out / "prices.csv")
    assert prices["choice"].tolist() == ["centre_at u00", "1.weekly_hours"]
    assert (prices["price_low"] <= prices["price"]).all()
    assert (prices["price"] <= prices["price_high"]).all()
    assert [row["choice"] for row in told["prices"]] == prices["choice"].tolist()
    assert told["verb"] == "price"
    assert str(out / "plans" / "without-01.csv") in told["files"]
    assert load_workbook(out / "price.xlsx").sheetnames == ["notes", "prices"]


def test_price_names_the_choices_that_there_are(tmp_path, capsys):
    code = main(["price", str(write_tiny(tmp_path)), "-o", str(tmp_path / "out"), "--of", "1.minutes"])
    assert code == 2
    last = capsys.readouterr().err.rstrip().splitlines()[-1]
    assert last == "error: there is no choice '1.minutes' to price; did you mean '1.max_minutes'?"
    assert not (tmp_path / "out").exists()


# Frontier.


def test_frontier_repairs_a_plan_that_is_out_of_band(tmp_path, capsys):
    scenario, plan = write_tiny(tmp_path), write_plan(tmp_path, today())
    out = tmp_path / "frontier"
    told = json_of(
        capsys, "frontier", scenario, "--baseline", plan, "-o", out, "--shares", 0, 0.3, "--time-limit", 12
    )
    assert len(told["broken"]) == 2  # 20 hours are too few, 60 too many
    # One unit of ten hours mends both.
    assert told["repair"]["weekly_hours"] == pytest.approx(10.0)
    assert told["repair"]["bound"] == pytest.approx(told["repair"]["moved"])
    (moved,) = told["repair"]["moves"]
    assert (moved["from"], moved["to"]) == ("1-02", "1-01")
    points = {row["share"]: row for row in told["points"]}
    assert points[0.0]["status"] == "impossible"
    assert points[0.3]["status"] == "found"
    assert points[0.3]["moved"] <= 0.3
    assert {"frontier.html", "frontier.csv", "frontier.xlsx", "repair.csv", "repair-moves.csv"} < {
        path.name for path in out.iterdir()
    }
    assert main(["verify", str(out / "plan-30.csv"), "--scenario", str(scenario)]) == 0
    assert main(["verify", str(out / "repair.csv"), "--scenario", str(scenario)]) == 0


def test_frontier_keeps_a_plan_that_meets_the_rules_where_nothing_may_move(tmp_path, capsys):
    scenario, plan = write_tiny(tmp_path), write_plan(tmp_path)
    out = tmp_path / "frontier"
    assert (
        main([
            "frontier", str(scenario), "--baseline", str(plan), "-o", str(out), "--shares", "0",
            "--time-limit", "6",
        ])
        == 0
    )  # fmt: skip
    assert "0 %" in capsys.readouterr().out
    kept = pd.read_csv(out / "plan-00.csv").set_index("unit")["zone"]
    was = quarters().set_index("unit")["zone"]
    assert pd.crosstab(kept, was).gt(0).to_numpy().sum() == 4
    assert "Today's plan keeps every rule." in (out / "frontier.html").read_text(encoding="utf-8").replace(
        "&#39;", "'"
    )


def test_frontier_without_a_plan_in_force_is_refused(tmp_path, capsys):
    assert main(["frontier", str(write_tiny(tmp_path)), "-o", str(tmp_path / "out")]) == 2
    assert "no plan in force to change from" in capsys.readouterr().err


def test_frontier_takes_shares_below_one(tmp_path, capsys):
    assert main(["frontier", "s.toml", "-o", "out", "--shares", "5"]) == 2
    assert "'5' is not a share from 0 up to 1" in capsys.readouterr().err


# Stress.


def test_stress_writes_a_folder_with_every_zone_year_and_cause(tmp_path, capsys):
    scenario, plan = write_tiny(tmp_path), write_plan(tmp_path)
    table = tmp_path / "growth.csv"
    table.write_text("council,growth_percent,years,share_of_demand\nNorth,150,20,0.52\n*,0,20,1\n")
    out = tmp_path / "stress"
    told = json_of(
        capsys, "stress", plan, "--scenario", scenario, "-o", out, "--growth", table, "--draws", 200
    )
    assert {path.name for path in out.iterdir()} == {
        "stress.html", "zones.csv", "chances.csv", "years.csv", "stress.xlsx", "manifest.json",
    }  # fmt: skip
    assert len(told["zones"]) == 4
    assert len(told["chances"]) == 4 * 3 * 6
    assert "North +150 % of 52 % of demand over 20 years" in told["assumed"][0]
    grown = {row["zone"]: row["expected_hours"] for row in told["zones"]}
    assert grown["1-01"] == pytest.approx(40.0)  # South
    assert grown["1-03"] > 45.0


def test_stress_is_the_same_again_byte_for_byte(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1750000000")
    scenario, plan = write_tiny(tmp_path), write_plan(tmp_path)
    for name, threads in (("one", "1"), ("two", "2")):
        out = str(tmp_path / name)
        code = main(
            [
                "stress",
                str(plan),
                "--scenario",
                str(scenario),
                "-o",
                out,
                "--draws",
                "300",
                "--threads",
                threads,
            ]
        )
        assert code == 0
    for file in sorted((tmp_path / "one").iterdir()):
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name


def test_no_text_of_the_data_runs_on_the_page_or_in_a_spreadsheet(tmp_path):
    hostile = ["<script>alert(1)</script>" if k < 8 else FORMULA for k in range(16)]
    from tiny_county import squares

    scenario = write_tiny(tmp_path, units=squares(place=hostile))
    out = tmp_path / "stress"
    plan = write_plan(tmp_path)
    assert main(["stress", str(plan), "--scenario", str(scenario), "-o", str(out), "--draws", "100"]) == 0
    assert "<script" not in (out / "stress.html").read_text(encoding="utf-8")
    assert not re.search(r"(^|,)=", (out / "zones.csv").read_text(encoding="utf-8"), flags=re.MULTILINE)
    for sheet in load_workbook(out / "stress.xlsx"):
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--turnover", "1", "'1' is not a share from 0 up to 1"),
        ("--mean-package", "0", "'0' is not a number of hours above 0"),
        ("--years", "0.1", "'0.1' is not a number of years"),
        ("--years", "soon", "'soon' is not a number"),
    ],
)
def test_amounts_that_cannot_be_are_usage_errors(capsys, option, value, words):
    assert main(["stress", "p.csv", "--scenario", "s.toml", "-o", "out", option, value]) == 2
    assert words in capsys.readouterr().err


def test_packages_are_units_and_hours_and_nothing_else(tmp_path):
    write_tiny(tmp_path)
    units = read_units(tmp_path / "units.gpkg", id="id")
    people = pd.DataFrame(
        {
            "id": ["x", "y", "z"], "weekly_hours": [7.0, 3.5, 14.0],
            "easting": [450_500, 451_500, 450_500], "northing": [110_500, 110_500, 110_500],
        }
    )  # fmt: skip
    found = packages_of(units, people)
    assert found.columns.tolist() == ["unit", "weekly_hours"]
    assert found.to_numpy().tolist() == [["u00", 7.0], ["u00", 14.0], ["u01", 3.5]]
    assert IDS[0] == "u00"
