"""The command line: what each verb prints, where it prints it, and the exit code."""

from __future__ import annotations

import json
import re
import shlex
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from tiny_county import quarters, squares, write_plan, write_tiny

from zonedesign.certificate import Certificate, Status, StoppedBy
from zonedesign.cli import main
from zonedesign.cli.options import HELP, parse
from zonedesign.errors import NoPlanError, SolverError
from zonedesign.plan import Plan

if TYPE_CHECKING:
    from pathlib import Path

    from zonedesign.problem import Problem

SOLVE = import_module("zonedesign.solve")  # the room: as an attribute of the package the verb stands


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny(tmp_path)


def given(problem: Problem, **_: Any) -> Plan:
    """The solver's stand-in: the plan of four quarters, with a certificate."""
    zone = quarters().set_index("unit")["zone"]
    plan = Plan.from_labels(problem.units, problem.times, zone, levels=problem.levels)
    terms = problem.terms(plan)
    certificate = Certificate(
        Status.FEASIBLE,
        problem.value(terms),
        terms,
        0.5,
        1.5,
        StoppedBy.TIME,
        7,
        inputs=problem.about.inputs,
    )
    return plan.with_certificate(certificate)


@pytest.fixture
def solved_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SOLVE, "solve", given)


def one_object(text: str) -> dict[str, Any]:
    """The one JSON object that `text` is, without NaN or infinity."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    found = json.loads(text, parse_constant=refuse)
    assert isinstance(found, dict)
    return found


# Usage.


def test_version_and_help_are_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("zonedesign ")
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    for verb in HELP:
        assert verb in printed
        assert main([verb, "--help"]) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "error: the following arguments are required: VERB"),
        (["slove", "x.toml"], "error: there is no verb 'slove'; did you mean 'solve'?"),
        (["solve", "x.toml"], "error: the following arguments are required: -o/--out"),
        (
            ["solve", "x.toml", "-o", "out", "--gap", "2"],
            "error: argument --gap: '2' is not a share from 0 up to 1",
        ),
        (["solve", "x.toml", "-o", "out", "--gap", "nan"], "error: argument --gap: 'nan' is not a share"),
        (
            ["solve", "x.toml", "-o", "out", "--time-limit", "0"],
            "error: argument --time-limit: '0' is not a number of",
        ),
        (
            ["solve", "x.toml", "-o", "out", "--time-limit", "soon"],
            "error: argument --time-limit: 'soon' is not a number",
        ),
        (
            ["solve", "x.toml", "-o", "out", "--threads", "0"],
            "error: argument --threads: '0' is not a whole number from 1",
        ),
        (["solve", "x.toml", "-o", "out", "--seed", "-1"], "error: argument --seed: "),
        (["check", "x.toml", "--frobnicate"], "error: unrecognized arguments: --frobnicate"),
        (
            ["check", "x.toml", "-q", "-v"],
            "error: argument -v/--verbose: not allowed with argument -q/--quiet",
        ),
    ],
)
def test_usage_errors_are_exit_2_and_end_in_one_error_line(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[-1].startswith(says)


def test_a_usage_error_is_one_object_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--json"]) == 2
    assert one_object(capsys.readouterr().out)["exit"] == 2


def test_the_defaults_of_solve() -> None:
    options = parse(["solve", "s.toml", "-o", "out"])
    assert (options.time_limit, options.gap, options.seed, options.threads, options.work, options.start) == (
        300.0,
        0.0,
        0,
        None,
        None,
        None,
    )


# check.


def test_check_says_what_lines_up_and_writes_nothing(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(tiny.parent.iterdir())
    assert main(["check", str(tiny)]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[0] == "Tiny"
    assert "16 units" in printed
    assert "160.0 hours a week, 32 customers" in printed
    assert printed.splitlines()[-1] == "nothing seen that rules a plan out"
    assert sorted(tiny.parent.iterdir()) == before


def test_check_is_one_json_object(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tiny), "--json"]) == 0
    found = one_object(capsys.readouterr().out)
    assert found["verb"] == "check"
    assert found["possible"] is True
    assert found["causes"] == []
    assert {"units", "demand", "reach"} <= {each["subject"] for each in found["findings"]}


def test_check_of_the_impossible_is_exit_3_with_each_cause(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = write_tiny(tmp_path, units=squares(hours=[95.0] + [5.0] * 15))
    assert main(["check", str(scenario)]) == 3
    printed = capsys.readouterr()
    assert "FAULT" in printed.out
    assert printed.err.splitlines()[-1].startswith(
        "error: no plan can exist: 1 unit has more than any zone may have: u00"
    )


# solve.


@pytest.mark.usefixtures("solved_by_hand")
def test_solve_writes_the_folder_and_says_where_in_at_most_eight_lines(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tiny.parent / "zones"
    assert main(["solve", str(tiny), "-o", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 8
    assert lines[0].startswith(f"wrote {out}: ")
    assert lines[1:5] == [
        "status     feasible",
        f"objective  {lines[2].split()[1]} {lines[2].split(maxsplit=2)[2]}",
        f"bound      0.5, gap {lines[3].split()[-1]}",
        "seconds    1.5, stopped by time",
    ]
    assert lines[5].startswith("zones      4 of level 1; all ")
    names = {"plan.csv", "zones.csv", "plan.gpkg", "certificate.json", "review.html", "manifest.json"}
    assert names <= {path.name for path in out.iterdir()}
    assert pd.read_csv(out / "plan.csv", dtype=str)["zone"].tolist() == quarters()["zone"].tolist()


@pytest.mark.usefixtures("solved_by_hand")
def test_solve_is_one_json_object(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", str(tiny), "-o", str(tiny.parent / "zones"), "--json"]) == 0
    found = one_object(capsys.readouterr().out)
    assert found["status"] == "feasible"
    assert found["stopped_by"] == "time"
    assert found["bound"] == 0.5
    assert found["zones_by_level"] == {"1": 4}
    assert [zone["zone"] for zone in found["zones"]] == ["1-01", "1-02", "1-03", "1-04"]
    assert found["broken"] == 0


def test_solve_hands_on_what_was_asked(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def design(problem: Problem, **options: Any) -> Plan:
        asked.update(options)
        return given(problem)

    monkeypatch.setattr(SOLVE, "solve", design)
    start = write_plan(tiny.parent)
    line = (
        f"-o {tiny.parent / 'zones'} --time-limit 9 --gap 0.01 --seed 3 --threads 1 --work 50 --start {start}"
    )
    assert main(["solve", str(tiny), *shlex.split(line)]) == 0
    plan = asked.pop("start")
    assert plan.units["zone"].tolist() == quarters()["zone"].tolist()
    assert callable(asked.pop("progress"))
    assert asked == {"time_limit": 9.0, "gap": 0.01, "seed": 3, "threads": 1, "work": 50}


def test_solve_of_the_impossible_is_exit_3_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    units = squares(hours=[95.0, 95.0] + [1.0] * 14)
    scenario = write_tiny(tmp_path, units=units, changes={"zones = 4": "zones = 6"})
    out = tmp_path / "zones"
    assert main(["solve", str(scenario), "-o", str(out), "--json"]) == 3
    printed = capsys.readouterr()
    found = one_object(printed.out)
    assert found["exit"] == 3
    assert (
        "2 units have each more than any zone may have: u00 (95 h and 2 customers), u01" in found["causes"][0]
    )
    lines = printed.err.splitlines()
    assert lines[-1].startswith("error: no plan can exist")
    assert [line for line in lines if line.startswith("- ")] == [f"- {cause}" for cause in found["causes"]]
    assert not out.exists()


@pytest.mark.parametrize(
    ("raised", "code", "says"),
    [
        (
            NoPlanError("no plan in 1 second; allow more time"),
            4,
            "error: no plan in 1 second; allow more time",
        ),
        (SolverError("the engine failed"), 4, "error: the engine failed"),
        (KeyboardInterrupt(), 4, "error: stopped before there was anything to show"),
        (MemoryError(), 4, "error: this machine has too little memory"),
        (
            OSError(28, "No space left on device", "x"),
            2,
            "error: cannot read or write x: No space left on device",
        ),
        (KeyError("oops"), 2, "error: unexpected KeyError: 'oops'; run it again with --verbose"),
    ],
)
def test_every_failure_is_one_line_without_a_traceback_and_without_a_folder(
    raised: BaseException,
    code: int,
    says: str,
    tiny: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise raised

    monkeypatch.setattr(SOLVE, "solve", fail)
    assert main(["solve", str(tiny), "-o", str(tiny.parent / "zones")]) == code
    err = capsys.readouterr().err
    assert err.splitlines()[-1].startswith(says)
    assert "Traceback" not in err
    assert not (tiny.parent / "zones").exists()


def test_the_traceback_shows_when_it_is_asked_for(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise KeyError("oops")

    monkeypatch.setattr(SOLVE, "solve", fail)
    assert main(["solve", str(tiny), "-o", str(tiny.parent / "zones"), "--verbose"]) == 2
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.splitlines()[-1] == "error: unexpected KeyError: 'oops'"


def test_a_plan_that_breaks_a_rule_is_never_written(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def design(problem: Problem, **_: Any) -> Plan:
        return given(problem).move("u00", "1-04")

    monkeypatch.setattr(SOLVE, "solve", design)
    assert main(["solve", str(tiny), "-o", str(tiny.parent / "zones")]) == 4
    assert "breaks rules and is not written" in capsys.readouterr().err.splitlines()[-1]
    assert not (tiny.parent / "zones").exists()


def test_the_path_from_scenario_to_a_verified_plan(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tiny.parent / "zones"
    assert main(["solve", str(tiny), "-o", str(out), "--json"]) == 0
    found = one_object(capsys.readouterr().out)
    assert found["status"] == "optimal"
    assert found["gap"] <= 1e-6
    assert main(["verify", str(out / "plan.csv"), "--scenario", str(tiny)]) == 0
    again = tiny.parent / "again"
    assert (
        main(["solve", str(tiny), "-o", str(again), "--start", str(out / "plan.csv"), "--threads", "1"]) == 0
    )
    assert main(["solve", str(tiny), "-o", str(out)]) == 0  # our own folder is replaced


# verify.


def test_verify_of_a_good_plan_prints_every_check(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(write_plan(tiny.parent)), "--scenario", str(tiny)]) == 0
    printed = capsys.readouterr()
    assert all(line.startswith("note: ") for line in printed.err.splitlines())
    lines = printed.out.splitlines()
    assert lines[1].split() == ["verdict", "rule", "level", "zone", "quantity", "value", "limit"]
    assert "BROKEN" not in printed.out
    assert re.search(r"ok +Volume +1 +1-01 +weekly_hours +40 +30 to 50$", printed.out, re.MULTILINE)
    assert re.search(r"^all \d+ checks passed, 4 zones$", lines[-1])


def test_verify_marks_what_is_broken_first_and_is_exit_1(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = quarters()
    plan.loc[plan["unit"].isin(["u00", "u01"]), "zone"] = "1-04"
    assert main(["verify", str(write_plan(tiny.parent, plan)), "--scenario", str(tiny)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].startswith("BROKEN")
    assert re.search(r"^BROKEN +Volume +1 +1-01 +weekly_hours +20 +30 to 50$", "\n".join(lines), re.MULTILINE)
    verdicts = [line.split()[0] for line in lines[3:-1]]
    assert verdicts == sorted(verdicts)
    assert "broken in 2 zones of 4; 0 units missing" in lines[-1]


def test_verify_of_a_plan_that_lacks_a_unit_is_exit_1_and_names_it(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = write_plan(tiny.parent, quarters().iloc[1:])
    assert main(["verify", str(plan), "--scenario", str(tiny), "--json"]) == 1
    found = one_object(capsys.readouterr().out)
    assert found["missing_units"] == 1
    assert any("u00" in row["quantity"] and not row["passed"] for row in found["rules"])


def test_verify_as_json_gives_every_rule_zone_and_quantity(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(write_plan(tiny.parent)), "--scenario", str(tiny), "--json"]) == 0
    found = one_object(capsys.readouterr().out)
    assert found["passed"] is True
    rows = {(row["rule"], row["zone"], row["quantity"]): row for row in found["rules"]}
    assert rows["Volume", "1-01", "weekly_hours"] == {
        "rule": "Volume",
        "zone": "1-01",
        "level": "1",
        "quantity": "weekly_hours",
        "limit": [30, 50],
        "value": 40.0,
        "passed": True,
    }
    assert rows["Reach", "1-01", "reach_minutes"]["limit"] == [None, 15]


def test_verify_reads_plans_with_columns_of_other_names(tiny: Path) -> None:
    plan = quarters().rename(columns={"unit": "lsoa", "zone": "pcn"})
    arguments = [
        "verify",
        str(write_plan(tiny.parent, plan)),
        "--scenario",
        str(tiny),
        "--unit",
        "lsoa",
        "--zone",
        "pcn",
    ]
    assert main(arguments) == 0


# map.


@pytest.mark.parametrize("public", [False, True])
def test_map_writes_one_page(public: bool, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: FBT001
    out = tiny.parent / "map.html"
    extra = ["--public"] if public else []
    assert (
        main(["map", str(write_plan(tiny.parent)), "--scenario", str(tiny), "-o", str(out), *extra, "--json"])
        == 0
    )
    found = one_object(capsys.readouterr().out)
    assert found["kind"] == ("public" if public else "internal")
    assert "<html" in out.read_text(encoding="utf-8")[:2000].lower()


# example and roads.


def test_example_names_what_it_wrote_and_what_is_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = [tmp_path / "c" / "scenarios" / "west-sussex.toml", tmp_path / "c" / "geodata" / "units.gpkg"]
    monkeypatch.setattr("zonedesign.examples.write_example", lambda _: made)
    assert main(["example", str(tmp_path / "c")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"wrote 2 files to {tmp_path / 'c'}; the scenarios are:"
    assert lines[-1] == f"next: zonedesign solve {made[0]} -o zones"


def test_roads_of_a_nameless_place_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["roads", " ", "-o", str(tmp_path / "roads.graphml")]) == 2
    assert (
        capsys.readouterr().err.splitlines()[-1].startswith("error: the place to fetch roads of has no name")
    )
    assert list(tmp_path.iterdir()) == []
