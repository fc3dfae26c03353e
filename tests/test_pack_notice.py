"""The notice of a pack: valid by the standard's rules, with a contract's value and period, not a year's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import ocds_rules
import pytest
import tiny_county

import zonedesign as zd
from zonedesign.cli import main
from zonedesign.pack import gather
from zonedesign.pack.notice import ocds
from zonedesign.scenario.packing import material_of

if TYPE_CHECKING:
    from pathlib import Path

RATE = "\n[lots.rate]\nhourly = 20.0\n"


def notice_of(folder: Path, more: str) -> dict[str, Any]:
    """The release package of the tiny county's quarters under a scenario with `more` at its end."""
    path = tiny_county.write_tiny(folder)
    path.write_text(path.read_text() + more)
    scenario = zd.read_scenario(path)
    problem = scenario.problem()
    labels = tiny_county.quarters().set_index("unit")["zone"]
    plan = zd.Plan.from_labels(problem.units, problem.times, labels, levels=problem.levels)
    found: dict[str, Any] = json.loads(ocds(gather(plan, problem, **material_of(scenario, plan))))
    return found


def first_lot(package: dict[str, Any]) -> dict[str, Any]:
    lot: dict[str, Any] = package["releases"][0]["tender"]["lots"][0]
    return lot


def test_the_notice_of_a_pack_keeps_every_rule_of_the_standard(pack: Path) -> None:
    assert ocds_rules.faults(json.loads((pack / "lots.ocds.json").read_text())) == []


def test_a_notice_of_which_little_is_known_keeps_them_too(tmp_path: Path) -> None:
    assert ocds_rules.faults(notice_of(tmp_path, "")) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"publishedDate": "2026-11-28"}, ".publishedDate is '2026-11-28', no date"),
        ({"releases": []}, ".releases is no list with something in it"),
        ({"made_by": "us"}, ".made_by is in no schema"),
    ],
)
def test_the_rules_find_faults(pack: Path, change: dict[str, Any], fault: str) -> None:
    package = json.loads((pack / "lots.ocds.json").read_text()) | change
    assert fault in ocds_rules.faults(package)


def test_a_value_is_that_of_the_whole_term_with_what_may_be_added(tmp_path: Path) -> None:
    """40 h a week at 20 pounds are 41,714 a year: 4 years 166,857 and the extension's year 41,714."""
    terms = "[lots]\nterm_years = 4\nextension_years = 1\ncap = 2\n" + RATE
    package = notice_of(tmp_path, terms)
    tender = package["releases"][0]["tender"]
    assert first_lot(package)["value"] == {"amount": 209000.0, "currency": "GBP"}
    assert tender["description"].endswith(
        "Values are forecasts over 4 years and an extension of 1 year, without VAT."
    )
    assert tender["lotDetails"] == {"maximumLotsAwardedPerSupplier": 2}
    assert ocds_rules.faults(package) == []


def test_without_a_term_there_is_no_value_of_a_contract(tmp_path: Path) -> None:
    package = notice_of(tmp_path, RATE)
    assert "value" not in first_lot(package)
    assert "contractPeriod" not in first_lot(package)


def test_the_period_comes_from_the_term_where_no_end_is_stated(tmp_path: Path) -> None:
    more = "[publish]\ncontract_start = 2027-04-01\n[lots]\nterm_years = 4\nextension_years = 2\n"
    assert first_lot(notice_of(tmp_path, more))["contractPeriod"] == {
        "startDate": "2027-04-01T00:00:00Z", "endDate": "2031-03-31T23:59:59Z",
        "maxExtentDate": "2033-03-31T23:59:59Z", "durationInDays": 1461,
    }  # fmt: skip


def test_a_term_without_dates_is_a_duration(tmp_path: Path) -> None:
    assert first_lot(notice_of(tmp_path, "[lots]\nterm_years = 2\n"))["contractPeriod"] == {
        "durationInDays": 730
    }


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            "[publish]\ncontract_start = 2027-04-01\ncontract_end = 2031-03-31\n[lots]\nterm_years = 3\n",
            "publish.contract_start to contract_end are 4 years, and lots.term_years is 3; make them agree",
        ),
        (
            '[publish]\nregion = "Hampshire"\n',
            "publish.region is 'Hampshire'; it must be a code of NUTS or ITL",
        ),
        ('[publish]\nocid = "04a1b2"\n', "publish.ocid is '04a1b2'; it must be an identifier such as ocds-"),
    ],
)
def test_what_the_notice_cannot_say_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str, said: str
) -> None:
    path = tiny_county.write_tiny(tmp_path)
    path.write_text(path.read_text() + more)
    plan = tiny_county.write_plan(tmp_path)
    out = tmp_path / "out"
    assert main(["pack", str(plan), "--scenario", str(path), "-o", str(out), "-q"]) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_the_public_manifest_names_every_input_and_no_figure_of_what_is_left_out(tmp_path: Path) -> None:
    """A note on units left out says what care they take with them: that is for inside."""
    changes = {'id = "id"': 'id = "id"\nexclude = ["u15"]', "zones = 4": "zones = [1, 4]"}
    path = tiny_county.write_tiny(tmp_path, changes=changes)
    plan = tiny_county.write_plan(tmp_path, tiny_county.quarters().iloc[:15])
    said = {}
    for kind, more in (("public", []), ("internal", ["--internal"])):
        out = tmp_path / kind
        assert main(["pack", str(plan), "--scenario", str(path), "-o", str(out), "-q", *more]) == 0
        said[kind] = json.loads((out / "manifest.json").read_text())
    assert {"tiny.toml", "units.gpkg"} <= set(said["public"]["inputs"])
    assert any(name.endswith("plan-given.csv") for name in said["public"]["inputs"])
    assert not any("hours a week" in note for note in said["public"]["notes"])
    assert any("hours a week" in note for note in said["internal"]["notes"])
