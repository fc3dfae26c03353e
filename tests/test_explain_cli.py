"""`zonedesign explain`, and what `solve` says of the way out: lines, JSON and exit codes."""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING

import pytest
from tiny_county import squares, write_tiny

from zonedesign.cli import main
from zonedesign.cli.explanations import with_repairs
from zonedesign.explain import Explanation

if TYPE_CHECKING:
    from pathlib import Path

EXPLAIN = import_module("zonedesign.explain")
SIX = {"zones = 4": "zones = 6"}
"""Six zones of at least 30 hours, of the 160 there are."""


def test_the_impossible_is_explained_with_causes_and_repairs(tmp_path: Path, capsys) -> None:
    assert main(["explain", str(write_tiny(tmp_path, changes=SIX))]) == 3
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[:2] == ["Tiny", "no plan can exist: 1 cause"]
    assert lines[2].startswith(
        "- all units together have 160 h, and the fewest zones allowed (6 of level 1) need 180; ask"
    )
    assert "1. Level 1 needs 5 zones instead of 6" in lines
    assert "   level 1: zones = [5, 6]" in lines
    assert printed.err.splitlines()[-1].startswith("error: no plan can exist: all units together have 160 h")


def test_an_explanation_is_one_json_object(tmp_path: Path, capsys) -> None:
    scenario = write_tiny(tmp_path, changes=SIX)
    assert main(["explain", str(scenario), "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert (found["verb"], found["scenario"], found["feasible"]) == ("explain", str(scenario), False)
    assert len(found["causes"]) == 1
    change = found["relaxations"][0]["changes"][0]
    assert (change["rule"], change["level"], change["before"], change["after"]) == (
        "ZoneCount",
        "1",
        6.0,
        5.0,
    )
    assert found["relaxations"][0]["least"] is True


def test_a_scenario_with_a_plan_is_done(tmp_path: Path, capsys) -> None:
    assert main(["explain", str(write_tiny(tmp_path))]) == 0
    assert capsys.readouterr().out.splitlines() == ["Tiny", "a plan exists: there is nothing to explain"]


def test_what_could_not_be_told_is_exit_4(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(EXPLAIN, "explain", lambda _problem, **_: Explanation(None, seconds=9.0))
    assert main(["explain", str(write_tiny(tmp_path)), "--time-limit", "9"]) == 4
    printed = capsys.readouterr()
    assert "no change of the rules was found in time that gives a plan" in printed.out
    assert printed.err.splitlines()[-1] == (
        "error: neither a plan nor a proof that there is none was found in 9 s: a plan may exist"
    )


def test_the_options_reach_the_work(tmp_path: Path, capsys, monkeypatch) -> None:
    asked = {}
    monkeypatch.setattr(
        EXPLAIN, "explain", lambda _problem, **given: asked.update(given) or Explanation(feasible=True)
    )
    scenario = str(write_tiny(tmp_path))
    assert main(["explain", scenario, "--time-limit", "7", "--seed", "3", "--threads", "1"]) == 0
    assert callable(asked.pop("progress"))
    assert asked == {"time_limit": 7.0, "seed": 3, "threads": 1}
    assert main(["explain", scenario, "--time-limit", "0"]) == 2


def test_travel_times_go_farther_than_the_limit_that_is_explained(tmp_path: Path, capsys) -> None:
    assert (
        main(["explain", str(write_tiny(tmp_path, changes={"max_minutes = 15": "max_minutes = 1.5"}))]) == 3
    )
    lines = capsys.readouterr().out.splitlines()
    assert any(
        line.startswith("1. Level 1 needs 1.9") and "minutes instead of 1.5" in line for line in lines
    ), lines


def test_a_solve_that_proves_there_is_no_plan_says_what_gives_one(tmp_path: Path, capsys) -> None:
    out = tmp_path / "zones"
    assert main(["solve", str(write_tiny(tmp_path, changes=SIX)), "-o", str(out)]) == 3
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("- all units together have 160 h")
    assert lines[1] == "with any one of these there is a plan, the smallest change first:"
    assert lines[2:4] == ["1. Level 1 needs 5 zones instead of 6", "   level 1: zones = [5, 6]"]
    assert lines[-1].startswith("error: no plan can exist")
    assert not out.exists()


def test_a_solve_s_json_has_causes_and_relaxations(tmp_path: Path, capsys) -> None:
    units = squares(hours=[60.0] + [7.0] * 15)
    assert main(["solve", str(write_tiny(tmp_path, units=units)), "-o", str(tmp_path / "z"), "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert (found["verb"], found["exit"]) == ("solve", 3)
    assert "u00 (60 h and 2 customers)" in found["causes"][0]
    first = found["relaxations"][0]["changes"][0]
    assert (first["quantity"], first["before"], first["after"]) == ("weekly_hours", 50.0, 67.0)


@pytest.mark.parametrize("found", [None, Explanation(None)])
def test_a_solve_without_repairs_still_ends_in_its_error(found) -> None:
    answer = with_repairs(["too few hours"], found)
    assert answer.code == 3
    assert answer.error.splitlines()[0] == "- too few hours"
    assert answer.error.splitlines()[-1] == "error: no plan can exist: too few hours"
    assert answer.data["relaxations"] == []
