"""Portfolios told: the layer of the review map, the folder, and the verb of the command line."""

from __future__ import annotations

import csv
import html
import json
import re
import shutil
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import toy
from tiny_county import quarters, write_plan, write_tiny

import zonedesign as zd
from zonedesign.certificate import Certificate, Status, StoppedBy
from zonedesign.cli import main
from zonedesign.folder import write_portfolio
from zonedesign.maps import page, steady
from zonedesign.portfolio.kept import Portfolio

if TYPE_CHECKING:
    from pathlib import Path

GATHER = import_module("zonedesign.portfolio.gather")
HOSTILE = "</script><script>alert(1)</script>{{ 7*7 }}"


def found_of(plan: zd.Plan, zones: np.ndarray, **changes: Any) -> Portfolio:
    told = Certificate(Status.FEASIBLE, 2.5, {"mean_minutes": 2.5}, 2.0, 1.0, StoppedBy.TIME, 7)
    parts = {
        "plans": (plan.with_certificate(told),), "asked": 3, "within": 0.02, "apart": 0.05, "bound": 2.0,
        "zones": zones, "met": 9, "complete": False, "seconds": 1.0, "stopped_by": StoppedBy.TIME, "seed": 7,
    }  # fmt: skip
    return Portfolio(**parts | changes)


@pytest.fixture(scope="module")
def toys() -> tuple[zd.Plan, zd.Problem, Portfolio]:
    """The toy plan, and four good plans of which two have A3 on the other side."""
    problem = toy.problem()
    plan = toy.plan(problem)
    zones = np.array([plan.zone] * 4)
    zones[2:, toy.IDS.index("A3")] = plan.zone[toy.IDS.index("B1")]
    return plan, problem, found_of(plan, zones)


def data_of(source: str) -> dict[str, Any]:
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', source, re.DOTALL)[1]
    )


def text_of(source: str) -> str:
    body = re.sub(r"<script.*?</script>|<svg.*?</svg>", "", source[source.index("<body") :], flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body)))


# The map.


def test_units_say_in_which_share_of_good_plans_they_are_where_the_map_has_them(toys) -> None:
    plan, problem, found = toys
    units = {unit[0]: unit for unit in data_of(page(plan, problem, portfolio=found))["units"]}
    assert units["A3"][7:] == ["50 %", "east (50 %)"]
    assert units["A1"][7:] == ["100 %", ""]


def test_the_legend_says_what_good_plans_are_and_how_many(toys) -> None:
    plan, problem, found = toys
    said = text_of(page(plan, problem, portfolio=found))
    assert "In the same zone in N % of good plans" in page(plan, problem, portfolio=found)
    assert "95 % or more 80 to 95 % 60 to 80 % 40 to 60 % under 40 %" in said
    assert "4 good plans are counted: of the plans that the search met" in said
    assert (
        "at most 2 % worse than the best one found, and any two of them have 1 % or more of the hours" in said
    )


def test_the_legend_says_that_colours_mean_nothing_but_those_of_the_layer(toys) -> None:
    plan, problem, found = toys
    said = "Colours only set neighbouring zones apart and mean nothing else"
    assert f"{said}, but for the shades explained below." in text_of(page(plan, problem, portfolio=found))
    assert f"{said}." in text_of(page(plan, problem))


def test_a_complete_portfolio_and_one_of_a_single_plan_say_so(toys) -> None:
    plan, problem, _ = toys
    alone = found_of(plan, np.array([plan.zone]), complete=True)
    said = text_of(page(plan, problem, portfolio=alone))
    assert "1 good plan is counted: of all the plans there are" in said
    assert "any two" not in said


def test_without_a_portfolio_the_page_knows_nothing_of_it(toys) -> None:
    plan, problem, _ = toys
    made = page(plan, problem)
    assert len(data_of(made)["units"][0]) == 7
    assert "good plans" not in text_of(made)


def test_a_public_map_never_has_the_layer(toys) -> None:
    plan, problem, found = toys
    with pytest.raises(zd.ScenarioError, match="leave the portfolio out"):
        page(plan, problem, public=True, portfolio=found)


def test_a_portfolio_of_other_units_is_refused(toys) -> None:
    plan, problem, _ = toys
    renamed = toy.frame().rename(index=lambda unit: f"x{unit}")
    units = zd.Units.from_frame(renamed, hours="hours", customers="customers")
    labels = toy.labels().rename(index=lambda unit: f"x{unit}")
    times = zd.TravelTimes.from_matrix(toy.minutes(), renamed.index)
    other = zd.Plan.from_labels(units, times, labels, levels=problem.levels)
    with pytest.raises(zd.DataError, match="not on the plan's units"):
        page(plan, problem, portfolio=found_of(other, np.array([other.zone])))


def test_the_layer_is_the_same_bytes_again_and_loads_nothing(toys) -> None:
    plan, problem, found = toys
    made = page(plan, problem, portfolio=found)
    assert made == page(plan, problem, portfolio=found)
    assert re.search(r"<(?:script|img|iframe)[^>]+src=|@import|\burl\((?!#)", made) is None


def test_names_of_zones_in_the_layer_are_text() -> None:
    problem = toy.problem()
    labels = toy.labels().replace({"east": HOSTILE})
    plan = zd.Plan.from_labels(problem.units, problem.times, labels, levels=problem.levels)
    zones = np.array([plan.zone] * 2)
    zones[1, toy.IDS.index("A3")] = plan.zone[toy.IDS.index("B1")]
    made = page(plan, problem, portfolio=found_of(plan, zones))
    assert "<script>alert(1)" not in made
    assert {unit[0]: unit for unit in data_of(made)["units"]}["A3"][8] == f"{HOSTILE} (50 %)"


@pytest.mark.parametrize(
    ("share", "words", "colour"),
    [(1.0, "100 %", 0), (0.996, "over 99 %", 0), (0.97, "97 %", 0), (0.95, "95 %", 0), (0.94, "94 %", 1), (0.6, "60 %", 2),
     (0.4, "40 %", 3), (0.2, "20 %", 4), (0.001, "under 1 %", 4), (0.0, "0 %", 4)],
)  # fmt: skip
def test_shares_have_a_shade_and_words(share: float, words: str, colour: int) -> None:
    shades = ["#f2f0f7", "#cbc9e2", "#9e9ac8", "#756bb1", "#54278f"]
    assert steady.percent(share) == words
    assert steady.shade(share) == shades[colour]


@pytest.mark.browser
def test_pointing_at_a_shaded_unit_tells_its_share(toys, tmp_path: Path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    browser = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
    if browser is None:
        pytest.skip("no browser found: install chromium or google-chrome to try the pages")
    plan, problem, found = toys
    file = tmp_path / "page.html"
    file.write_text(page(plan, problem, portfolio=found), encoding="utf-8")
    with sync_api.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        tab = chromium.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
        wrong: list[str] = []
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.goto(file.as_uri())
        frame = tab.locator("#map-frame").bounding_box()
        tab.mouse.move(frame["x"] + frame["width"] / 2 - 20, frame["y"] + frame["height"] / 2 - 20)
        told = tab.inner_text(".leaflet-tooltip")
        box = tab.get_by_label("In the same zone in N % of good plans")
        assert box.is_checked()
        box.uncheck()
        chromium.close()
    assert "A3" in told
    assert re.search(r"In this zone in good plans\s+50 %", told)
    assert re.search(r"Otherwise most often in\s+east \(50 %\)", told)
    assert wrong == []


# The folder.


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_folder_has_every_plan_with_its_certificate_and_the_shares(toys, tmp_path: Path) -> None:
    plan, problem, found = toys
    out = write_portfolio(tmp_path / "out", found, problem, review_html="<p>map</p>")
    assert sorted(path.name for path in out.iterdir()) == [
        "certificate-1.json", "manifest.json", "plan-1.csv", "portfolio.json", "review.html", "steadiness.csv",
        "together.csv",
    ]  # fmt: skip
    facts = json.loads((out / "portfolio.json").read_text(encoding="utf-8"))
    assert facts["asked"] == 3
    assert facts["found"] == 1
    assert (facts["good_plans_met"], facts["good_plans_counted"], facts["complete"]) == (9, 4, False)
    assert facts["plans"][0]["plan"] == "plan-1.csv"
    assert json.loads((out / "certificate-1.json").read_text(encoding="utf-8"))["bound"] == 2.0
    steadiness = {row["unit"]: row for row in read(out / "steadiness.csv")}
    assert steadiness["A3"] == {
        "unit": "A3", "zone": "west", "same_zone": "0.5", "with_mates": "0.5", "next_zone": "east",
        "next_share": "0.5",
    }  # fmt: skip
    assert steadiness["A1"]["next_zone"] == ""
    assert {"unit": "A3", "other": "B1", "share": "0.5"} in read(out / "together.csv")
    assert zd.read_plan(out / "plan-1.csv", problem) == plan


def test_a_plan_that_breaks_a_rule_is_not_written(toys, tmp_path: Path) -> None:
    plan, problem, _ = toys
    wrong = plan.move("A3", "east").move("A6", "east")
    with pytest.raises(zd.SolverError, match="is not written"):
        write_portfolio(tmp_path / "out", found_of(wrong, np.array([wrong.zone])), problem)
    assert not (tmp_path / "out").exists()


def test_a_folder_of_somebody_else_is_refused(toys, tmp_path: Path) -> None:
    _, problem, found = toys
    (tmp_path / "theirs.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(zd.ScenarioError, match="did not write it"):
        write_portfolio(tmp_path, found, problem)


# The command line.


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The solver's stand-in, the plan of four quarters, from which chains go on."""

    def given(problem: zd.Problem, **_: Any) -> zd.Plan:
        zone = quarters().set_index("unit")["zone"]
        plan = zd.Plan.from_labels(problem.units, problem.times, zone, levels=problem.levels)
        terms = problem.terms(plan)
        told = Certificate(Status.FEASIBLE, problem.value(terms), terms, 0.5, 1.5, StoppedBy.TIME, 7)
        return plan.with_certificate(told)

    monkeypatch.setattr(GATHER, "solve", given)
    monkeypatch.setattr(GATHER, "every_plan", lambda *_: None)


def test_the_verb_writes_the_folder_and_says_what_was_found(quick, tmp_path: Path, capsys) -> None:
    scenario = write_tiny(tmp_path)
    command = ["portfolio", str(scenario), "-o", str(tmp_path / "out"), "-n", "2", "--within", "0.1"]
    assert main([*command, "--work", "1", "--seed", "3", "--threads", "1"]) == 0
    out = capsys.readouterr().out
    assert "plan-1.csv" in out
    assert "2 plans of 2 asked, at most 10.00% above the best and 5.0% of the hours apart" in out
    assert (tmp_path / "out" / "plan-2.csv").exists()
    assert "good plans" in text_of((tmp_path / "out" / "review.html").read_text(encoding="utf-8"))


def test_the_verb_answers_as_json_and_says_where_fewer_were_found(quick, tmp_path: Path, capsys) -> None:
    scenario = write_tiny(tmp_path)
    command = ["portfolio", str(scenario), "-o", str(tmp_path / "out"), "--plans", "4", "--within", "0"]
    assert main([*command, "--apart", "0.9", "--work", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["verb"], told["asked"], told["found"]) == ("portfolio", 4, 1)
    assert told["plans"][0]["above_best"] == 0.0
    assert main([*command, "--apart", "0.9", "--work", "1"]) == 0
    assert "1 plan of 4 asked" in capsys.readouterr().out


def test_each_plan_of_a_portfolio_keeps_its_certificate_on_a_map(quick, tmp_path: Path, capsys) -> None:
    scenario, out = write_tiny(tmp_path), tmp_path / "out"
    assert main(["portfolio", str(scenario), "-o", str(out), "--within", "0.1", "--work", "1"]) == 0
    for name in ("plan-1.csv", "plan-2.csv"):
        made = tmp_path / "map.html"
        assert main(["map", str(out / name), "--scenario", str(scenario), "-o", str(made)]) == 0
        assert "No certificate came with the plan" not in made.read_text(encoding="utf-8")
    changed = (out / "plan-1.csv").read_text(encoding="utf-8").replace("1-01", "1-09")
    (out / "plan-1.csv").write_text(changed, encoding="utf-8")
    assert main(["map", str(out / "plan-1.csv"), "--scenario", str(scenario), "-o", str(made)]) == 0
    assert "No certificate came with the plan" in made.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "wrong", [["-n", "0"], ["--within", "1"], ["--apart", "0"], ["--apart", "1.5"], ["--work", "0"]]
)
def test_options_that_make_no_sense_are_usage_errors(wrong: list[str], tmp_path: Path, capsys) -> None:
    assert main(["portfolio", str(write_tiny(tmp_path)), "-o", str(tmp_path / "out"), *wrong]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: ")
    assert not (tmp_path / "out").exists()


def test_a_start_plan_that_is_good_counts_among_the_plans(
    quick, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys
) -> None:
    monkeypatch.setattr(import_module("zonedesign.portfolio.walk").Walk, "tours", lambda *_, **__: [])
    strips = quarters().assign(zone=[f"1-0{1 + k % 4}" for k in range(16)])
    scenario, start = write_tiny(tmp_path), write_plan(tmp_path, strips)
    command = [
        "portfolio",
        str(scenario),
        "-o",
        str(tmp_path / "out"),
        "--within",
        "0.9",
        "--start",
        str(start),
    ]
    assert main([*command, "--work", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["found"], told["good_plans_met"]) == (2, 2)
    assert [row["zone"] for row in read(tmp_path / "out" / "plan-2.csv")] == strips["zone"].tolist()
