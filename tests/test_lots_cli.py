"""The table `[lots]`, the verb `lots` and its folder, and the systems of the public record."""

from __future__ import annotations

import json
import tomllib
from io import BytesIO
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from tiny_county import write_plan, write_tiny

import zonedesign as zd
from zonedesign.cli import main
from zonedesign.examples import SYSTEMS

CHECKOUT = Path(__file__).resolve().parents[1]
PROVIDERS = {"zones = 4": "zones = 4\nproviders = { lead = 1, secondary = 1 }"}
LOTS = """
[lots]
cap = 2

[lots.rate]
hourly = 20.0

[lots.floor]
minimum_wage = 10.0
travel_share = 0.2

[[lots.floor.lines]]
item = "=Holiday pay"
basis = "pay"
amount = 0.1
source = "assumption"

[[lots.cascade]]
role = "lead"
accepts = 0.8

[[lots.cascade]]
role = "reserve"
accepts = 0.5
"""
BIDS = """provider,lot,price,quality
Ash,1-01,20,80
Ash,1-02,20,80
Ash,1-03,20,80
=Birch,1-01,21,70
=Birch,1-03,21,70
=Birch,1-04,9,70
"""


@pytest.fixture
def county(tmp_path):
    path = write_tiny(tmp_path, changes=PROVIDERS)
    path.write_text(path.read_text(encoding="utf-8") + LOTS, encoding="utf-8")
    return tmp_path


def run(county, *more: str) -> tuple[int, Path]:
    out = county / "out"
    plan = write_plan(county)
    code = main(
        ["lots", str(plan), "--scenario", str(county / "tiny.toml"), "-o", str(out), "--draws", "200", *more]
    )
    return code, out


def bids_in(county, text: str = BIDS) -> str:
    path = county / "bids.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


# The scenario.


def test_a_scenario_states_the_terms(county):
    terms = zd.read_scenario(county / "tiny.toml").terms
    assert terms.cap == 2
    assert terms.rate.hourly == 20.0
    assert [step.role for step in terms.cascade] == ["lead", "reserve"]
    assert terms.floor is not None
    assert terms.floor.pounds("1") == pytest.approx(13.2)  # 10 + 2 + 0.1 x 12


def test_a_scenario_without_the_table_has_terms_that_state_nothing(tmp_path):
    assert zd.read_scenario(write_tiny(tmp_path)).terms == zd.Terms()


def test_extends_merges_the_table_key_by_key(county):
    (county / "more.toml").write_text(
        'extends = "tiny.toml"\n[lots]\ncap = 3\n[lots.rate]\nvat = 0.0\n', encoding="utf-8"
    )
    terms = zd.read_scenario(county / "more.toml").terms
    assert (terms.cap, terms.rate.hourly, terms.rate.vat, len(terms.cascade)) == (3, 20.0, 0.0, 2)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("cap = 2", "capp = 2", "unknown key 'lots.capp'; did you mean 'cap'?"),
        ("hourly = 20.0", "hourley = 20.0", "unknown key 'lots.rate.hourley'; did you mean 'hourly'?"),
        ("cap = 2", "cap = 0", "lots.cap is 0; it must be a whole number of lots, 1 or more"),
        ("cap = 2", 'cap = "2"', "lots.cap is '2'; it must be a whole number of lots, 1 or more"),
        (
            'basis = "pay"',
            'basis = "wages"',
            "lots.floor.lines.basis is 'wages'; it must be 'pay', 'contact hour' or",
        ),
        ('source = "assumption"', "", "'lots.floor.lines.source' is missing"),
        ("cap = 2", 'cap = 2\nexisting = "some"', "existing = 'some' and not_joining go together"),
        ("cap = 2", 'cap = 2\nguaranteed = { "9" = 0.5 }', "guaranteed names level '9'; there are 1"),
        ("hourly = 20.0", "hourly = 20.0\nrural = { adds = 0.1 }", "an enhancement needs either hours"),
    ],
)
def test_a_fault_in_the_table_is_named_by_file_and_key(county, old, new, says):
    path = county / "tiny.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(zd.ScenarioError) as refused:
        zd.read_scenario(path)
    assert str(refused.value).startswith("tiny.toml: ")
    assert says in str(refused.value)


# The verb.


def test_the_folder_has_every_table_a_workbook_a_page_and_a_manifest(county, capsys):
    code, out = run(county)
    assert code == 0
    assert sorted(each.name for each in out.iterdir()) == [
        "cascade.csv", "failure.csv", "floor.csv", "lots.csv", "lots.html", "lots.xlsx", "manifest.json",
        "milestones.csv", "providers.csv", "rampup.csv", "seats.csv", "transition.csv",
    ]  # fmt: skip
    lots = pd.read_csv(out / "lots.csv")
    assert lots["weekly_hours"].tolist() == [40.0] * 4
    assert lots["value_a_year"].tolist() == pytest.approx([40 * 365 / 7 * 20] * 4)
    assert json.loads((out / "manifest.json").read_text(encoding="utf-8"))["kind"] == "internal"
    assert "All four lots of level 1 are under 150 h a week (the start band)" in capsys.readouterr().out


def test_bids_are_awarded_and_the_award_is_written_with_its_method(county, capsys):
    code, out = run(county, "--bids", bids_in(county))
    assert code == 0
    award = pd.read_csv(out / "award.csv", keep_default_na=False)
    # 1-04 is Birch's alone. Of 1-01 and 1-03 each may lead one under the cap, at the same score: "=" is before "A".
    leads = award[award["role"] == "lead"].set_index("lot")["provider"].to_dict()
    assert leads == {"1-01": "'=Birch", "1-02": "Ash", "1-03": "Ash", "1-04": "'=Birch"}
    assert "ask how it is made up" in award["why"].tolist()[6]  # 9 pounds, and the floor is 13.20
    assert (
        (out / "method.txt").read_text(encoding="utf-8").startswith("1. Each bid for a lot scores 0.4 x 100")
    )
    providers = pd.read_csv(out / "providers.csv")
    assert "Ash" in providers["provider"].tolist()
    assert "the award:" in capsys.readouterr().out


def test_an_award_is_read_back_as_an_allocation(county):
    _, out = run(county, "--bids", bids_in(county))
    first = pd.read_csv(out / "providers.csv").set_index("provider")["weekly_hours"]
    (county / "award.csv").write_bytes((out / "award.csv").read_bytes())
    code, out = run(county, "--allocation", str(county / "award.csv"))
    again = pd.read_csv(out / "providers.csv").set_index("provider")["weekly_hours"]
    assert code == 0
    assert again["Ash"] == first["Ash"]


def test_json_is_one_object_with_the_figures(county, capsys):
    code, _ = run(county, "--bids", bids_in(county), "--json")
    data = json.loads(capsys.readouterr().out)
    assert code == 0
    assert data["verb"] == "lots"
    assert [row["lot"] for row in data["lots"]] == ["1-01", "1-02", "1-03", "1-04"]
    assert data["award_without_caps"]["score"] >= data["award_figures"]["score"] - 1e-9
    assert data["method"]


def test_the_same_inputs_give_the_same_bytes(county, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1565136000")
    _, out = run(county, "--bids", bids_in(county))
    first = {each.name: each.read_bytes() for each in out.iterdir()}
    _, out = run(county, "--bids", bids_in(county))
    assert {each.name: each.read_bytes() for each in out.iterdir()} == first


def test_no_text_of_a_file_is_a_formula_in_a_spreadsheet(county):
    _, out = run(county, "--bids", bids_in(county))
    assert "'=Birch" in (out / "winners.csv").read_text(encoding="utf-8")
    assert "'=Holiday pay" in (out / "floor.csv").read_text(encoding="utf-8")
    book = openpyxl.load_workbook(BytesIO((out / "lots.xlsx").read_bytes()))
    cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line]
    assert any(cell.value == "=Birch" for cell in cells)
    assert not any(cell.data_type == "f" for cell in cells)


def test_every_column_of_the_workbook_has_a_meaning(county):
    _, out = run(county, "--bids", bids_in(county))
    book = openpyxl.load_workbook(out / "lots.xlsx")
    assert book.sheetnames[0] == "notes"
    told = {(line[0].value, line[1].value) for line in book["notes"].iter_rows(max_col=2)}
    for name in book.sheetnames[1:]:
        heads = [cell.value for cell in book[name][1]]
        assert {(name, head) for head in heads} <= told


def test_bids_that_cannot_be_read_end_with_2_and_write_nothing(county, capsys):
    code, out = run(county, "--bids", bids_in(county, "provider,lot,price,quality\nAsh,1-99,20,80\n"))
    assert code == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last == "error: bids.csv: 1 row for a lot that is not there: 1-99; did you mean '1-04'?"
    assert not out.exists()


# The systems of the public record.


@pytest.mark.parametrize("name", SYSTEMS, ids=lambda name: Path(name).stem)
def test_a_system_is_a_scenario_whose_roles_its_terms_know(name):
    scenario = zd.read_scenario(CHECKOUT / name)
    roles = {role for level in scenario.levels for role in level.providers} | {"reserve"}
    assert {step.role for step in scenario.terms.cascade} <= roles
    assert set(scenario.terms.shares) <= roles
    assert any(level.providers for level in scenario.levels)


def test_the_systems_are_those_in_their_folder():
    files = sorted(path.name for path in (CHECKOUT / "scenarios" / "systems").glob("*.toml"))
    assert files == sorted(Path(name).name for name in SYSTEMS)


def test_every_system_is_in_the_table_with_its_figures():
    page = (CHECKOUT / "docs" / "systems.md").read_text(encoding="utf-8")
    for name in SYSTEMS:
        assert f"`{Path(name).name}`" in page


def test_the_figures_of_the_record_stand_in_the_scenarios():
    def read(name: str) -> zd.Terms:
        return zd.read_scenario(CHECKOUT / "scenarios" / "systems" / f"{name}.toml").terms

    hampshire, reablement = read("hampshire-2014"), read("hampshire-2014-reablement")
    assert (hampshire.ceiling, hampshire.term_years, hampshire.extension_years) == (585e6, 4, 3)
    assert (hampshire.authority, hampshire.extension_ceiling_a_year) == (410e6, 47.23e6)
    expected = [read(name).expected_providers for name in ("somerset-blocks", "brighton-and-hove", "kent")]
    assert expected == [7, 8, 26]
    assert read("essex-2020-uttlesford").buyers == ("council", "nhs")
    assert reablement.floor is not None
    assert reablement.floor.margin == 0.2
    assert reablement.results is not None
    assert (reablement.results.share, set(reablement.results.parts.values())) == (0.1, {0.5})
    # 14 % in two years.
    assert (1 + read("west-sussex-2019").growth_a_year) ** 2 == pytest.approx(1.14, abs=5e-5)
    assert (read("essex-2020-tendring").guaranteed, read("essex-2020-tendring").spot) == (0.5, 0.4)
    assert dict(read("coventry").shares) == {"main": 0.6, "framework": 0.25, "village": 0.6}


@pytest.mark.parametrize("name", SYSTEMS, ids=lambda name: Path(name).stem)
def test_every_figure_of_a_system_is_marked_as_the_record_s_fitted_or_assumed(name):
    text = (CHECKOUT / name).read_text(encoding="utf-8")
    if name.endswith("assumed.toml"):
        assert "All of them are ASSUMPTIONS" in text
        return
    assert "# The record's: " in text
    levels = tomllib.loads(text).get("levels", [])
    figures = [
        line
        for line in text.splitlines()
        if line.startswith(("zones", "weekly_hours", "providers", "cap", "accepts", "expected_providers"))
    ]
    assert len(figures) >= len(levels)
    for line in figures:
        assert any(word in line for word in ("record's", "fitted", "assumption")), line
