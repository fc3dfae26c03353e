"""A sweep: every run kept as it ends, gone on with where it stopped, and told in one table."""

from __future__ import annotations

import json
import shutil
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import toy
from tiny_county import quarters, squares, write_tiny

import zonedesign as zd
from zonedesign.certificate import StoppedBy
from zonedesign.cli import main
from zonedesign.errors import NoPlanError, ScenarioError, SolverError
from zonedesign.sweep import Options, read_variants, sweep_scenarios
from zonedesign.sweep.kept import identity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WORK = import_module("zonedesign.sweep.work")
MINUTES = ["levels.1.max_minutes=8,9"]


def by_hand(problem: zd.Problem, **options: Any) -> zd.Plan:
    """The solver's stand-in: four quarters, with a bound."""
    zone = quarters().set_index("unit")["zone"]
    plan = zd.Plan.from_labels(problem.units, problem.times, zone, levels=problem.levels)
    terms = problem.terms(plan)
    proved = zd.Certificate(
        zd.Status.FEASIBLE, problem.value(terms), terms, 0.5, 1.5, StoppedBy.TIME, options["seed"]
    )
    return plan.with_certificate(proved)


@pytest.fixture
def solved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have plans made by hand; the list names the problems that were solved."""
    names: list[str] = []

    def design(problem: zd.Problem, **options: Any) -> zd.Plan:
        names.append(problem.about.name)
        return by_hand(problem, **options)

    monkeypatch.setattr(WORK, "solve", design)
    return names


def failing(monkeypatch: pytest.MonkeyPatch, at: str, error: Callable[[], BaseException]) -> None:
    def design(problem: zd.Problem, **options: Any) -> zd.Plan:
        if problem.about.name.endswith(at):
            raise error()
        return by_hand(problem, **options)

    monkeypatch.setattr(WORK, "solve", design)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny(tmp_path)


def table_of(out: Path) -> pd.DataFrame:
    return pd.read_csv(out / "sweep.csv", index_col="name")


def run(tiny: Path, *sets: str, out: str = "out", **options: Any) -> Any:
    return sweep_scenarios(
        read_variants([tiny], sets or MINUTES), tiny.parent / out, Options(**options), jobs=1
    )


# The folder.


@pytest.mark.usefixtures("solved")
def test_each_run_has_a_folder_and_the_sweep_a_table_a_page_and_a_manifest(tiny: Path) -> None:
    found = run(tiny)
    out = tiny.parent / "out"
    assert sorted(each.name for each in out.iterdir()) == ["manifest.json", "runs", "sweep.csv", "sweep.html"]
    assert sorted(each.name for each in (out / "runs").iterdir()) == [
        "max-minutes-8-at-level-1",
        "max-minutes-9-at-level-1",
    ]
    assert {"plan.csv", "zones.csv", "certificate.json", "manifest.json", "review.html", "scenario.toml", "run.json"} <= {
        each.name for each in (out / "runs" / "max-minutes-8-at-level-1").iterdir()
    }  # fmt: skip
    assert list(found.plans) == ["max_minutes 8 at level 1", "max_minutes 9 at level 1"]


@pytest.mark.usefixtures("solved")
def test_the_table_tells_every_run(tiny: Path) -> None:
    found = run(tiny)
    row = table_of(tiny.parent / "out").loc["max_minutes 8 at level 1"]
    assert row["status"] == "feasible"
    assert row["settings"] == "max_minutes 8 at level 1"
    assert row["bound"] == 0.5
    assert row["objective"] == row["mean_minutes"]
    assert row["gap"] == pytest.approx((row["objective"] - 0.5) / row["objective"])
    assert (row["zones"], row["zones_1"], row["broken"]) == (4, 4, 0)
    assert row["worst_minutes"] == found.plans["max_minutes 8 at level 1"].units["reach_minutes"].max()
    assert bool(row["sketch_roads"])
    assert found.table.loc["max_minutes 8 at level 1", "objective"] == row["objective"]


@pytest.mark.usefixtures("solved")
def test_the_certificate_of_a_run_is_of_its_own_inputs_and_of_no_other_scenario(tiny: Path) -> None:
    run(tiny)
    runs = tiny.parent / "out" / "runs"
    inputs = [
        json.loads((runs / f"max-minutes-{m}-at-level-1" / "certificate.json").read_text())["inputs"]
        for m in (8, 9)
    ]
    assert {"tiny.toml", "units.gpkg"} <= set(inputs[0])
    assert inputs[0] != inputs[1]
    assert "what if: max_minutes 8 at level 1" in inputs[0]


@pytest.mark.usefixtures("solved")
def test_other_verbs_go_on_with_a_run_s_scenario(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tiny)
    folder = tiny.parent / "out" / "runs" / "max-minutes-8-at-level-1"
    assert main(["verify", str(folder / "plan.csv"), "--scenario", str(folder / "scenario.toml")]) == 0
    assert "max_minutes 8 at level 1" in capsys.readouterr().out


@pytest.mark.usefixtures("solved")
def test_units_that_runs_share_are_read_once(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    building = import_module("zonedesign.scenario.building")
    read, times = [], []

    def counted(what: list[int], of: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *given, **options: (what.append(1), of(*given, **options))[1]

    monkeypatch.setattr(building, "read_units", counted(read, building.read_units))
    monkeypatch.setattr(building, "travel_times", counted(times, building.travel_times))
    run(tiny, "levels.1.max_minutes=8,9", "levels.1.zones=4,[3, 5]")
    assert len(read) == 1
    assert len(times) == 2  # one for each limit


# Going on.


def test_what_is_done_is_not_done_again(tiny: Path, solved: list[str]) -> None:
    first = run(tiny)
    assert len(solved) == 2
    again = run(tiny)
    assert len(solved) == 2
    assert [row.objective for row in again.rows] == [row.objective for row in first.rows]


def test_a_value_more_is_the_only_run_that_is_done(tiny: Path, solved: list[str]) -> None:
    run(tiny)
    found = run(tiny, "levels.1.max_minutes=8,9,10")
    assert solved[2:] == ["Tiny: max_minutes 10 at level 1"]
    assert len(table_of(tiny.parent / "out")) == len(found.rows) == 3


def test_a_lost_run_is_done_again_and_the_others_are_not(tiny: Path, solved: list[str]) -> None:
    run(tiny)
    (tiny.parent / "out" / "runs" / "max-minutes-9-at-level-1" / "plan.csv").unlink()
    run(tiny)
    assert solved[2:] == ["Tiny: max_minutes 9 at level 1"]


def test_another_option_or_another_byte_of_the_data_is_another_run(tiny: Path, solved: list[str]) -> None:
    run(tiny)
    run(tiny, seed=7)
    assert len(solved) == 4
    squares(people=[3] * 16).to_file(tiny.parent / "units.gpkg", driver="GPKG")
    run(tiny, seed=7)
    assert len(solved) == 6


def test_a_comment_in_the_scenario_or_another_place_of_the_files_changes_nothing(
    tiny: Path, tmp_path: Path
) -> None:
    (before,) = read_variants([tiny])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(tmp_path / "units.gpkg", elsewhere)
    other = elsewhere / "tiny.toml"
    other.write_text("# A word.\n" + tiny.read_text(encoding="utf-8"), encoding="utf-8")
    (after,) = read_variants([other])
    assert identity(before, Options()) == identity(after, Options())
    assert identity(before, Options()) != identity(before, Options(seed=1))


def test_a_run_that_fails_is_a_row_with_its_error_and_is_tried_again(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, "8 at level 1", lambda: SolverError("the engine failed"))
    found = run(tiny)
    assert [row.status for row in found.rows] == ["failed", "feasible"]
    assert table_of(tiny.parent / "out")["error"].iloc[0] == "the engine failed"
    assert not (tiny.parent / "out" / "runs" / "max-minutes-8-at-level-1").exists()
    monkeypatch.setattr(WORK, "solve", by_hand)
    assert [row.status for row in run(tiny).rows] == ["feasible", "feasible"]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (KeyError("oops"), "unexpected KeyError: 'oops'"),
        (MemoryError(), "too little memory for this run"),
        (OSError(5, "Input/output error", "x"), "cannot read or write x: Input/output error"),
    ],
)
def test_whatever_goes_wrong_in_one_run_is_one_line(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, says: str
) -> None:
    failing(monkeypatch, "8 at level 1", lambda: error)
    found = run(tiny)
    assert found.rows[0].error.startswith(says)
    assert found.rows[1].has_plan


def test_a_plan_that_breaks_a_rule_is_never_kept(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WORK, "solve", by_hand)
    found = run(tiny, "locks.apart=[['u00', 'u01']]")
    assert found.rows[0].status == "failed"
    assert found.rows[0].error.startswith("the plan found breaks rules and is not kept: ")
    assert found.plans == {}


def test_ctrl_c_ends_with_what_is_done_and_the_same_call_goes_on(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, "9 at level 1", KeyboardInterrupt)
    found = run(tiny)
    assert [row.status for row in found.rows] == ["feasible", "not run"]
    assert not found.complete
    assert table_of(tiny.parent / "out")["status"].tolist() == ["feasible", "not run"]
    monkeypatch.setattr(WORK, "solve", by_hand)
    assert run(tiny).complete


@pytest.mark.parametrize("before_any_plan", [True, False])
def test_a_run_that_ctrl_c_cut_short_is_not_taken_for_done(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, *, before_any_plan: bool
) -> None:
    def design(problem: zd.Problem, **options: Any) -> zd.Plan:
        if before_any_plan:
            raise NoPlanError("interrupted after 1 s, before any plan was found")
        plan = by_hand(problem, **options)
        terms = plan.certificate.terms
        cut = zd.Certificate(zd.Status.FEASIBLE, 1.0, terms, stopped_by=StoppedBy.INTERRUPT)
        return plan.with_certificate(cut)

    monkeypatch.setattr(WORK, "solve", design)
    assert [row.status for row in run(tiny).rows] == ["not run", "not run"]
    assert not (tiny.parent / "out").exists()


def test_what_is_impossible_by_name_is_kept_with_its_causes_and_never_solved(
    tiny: Path, solved: list[str]
) -> None:
    found = run(tiny, "levels.1.weekly_hours=[30, 50],[500, 900]")
    assert [row.status for row in found.rows] == ["feasible", "infeasible"]
    assert len(solved) == 1
    folder = tiny.parent / "out" / "runs" / found.rows[1].run
    told = json.loads((folder / "infeasible.json").read_text(encoding="utf-8"))
    assert told["proved"] == "before solving"
    assert told["causes"] == list(found.rows[1].causes)
    run(tiny, "levels.1.weekly_hours=[30, 50],[500, 900]")
    assert len(solved) == 1


def test_nothing_found_in_time_is_an_answer_too(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, "level 1", lambda: NoPlanError("no plan found in 1 s; give it more time"))
    found = run(tiny)
    assert [row.status for row in found.rows] == ["unknown", "unknown"]
    assert found.rows[0].error == "no plan found in 1 s; give it more time"


# Whose folder it is.


@pytest.mark.parametrize("name", ["thesis.docx", "plan.csv"])
def test_a_folder_with_somebody_s_file_is_refused(tiny: Path, solved: list[str], name: str) -> None:
    out = tiny.parent / "out"
    out.mkdir()
    (out / name).write_text("years of work")
    with pytest.raises(ScenarioError, match=f"holds 1 file that no sweep wrote: {name}"):
        run(tiny)
    assert solved == []


@pytest.mark.usefixtures("solved")
def test_a_run_s_folder_with_somebody_s_file_is_left_alone(tiny: Path) -> None:
    run(tiny)
    mine = tiny.parent / "out" / "runs" / "max-minutes-8-at-level-1" / "notes.txt"
    mine.write_text("mine")
    found = run(tiny, seed=3)
    assert found.rows[0].status == "failed"
    assert "notes.txt" in found.rows[0].error
    assert mine.read_text() == "mine"


def test_a_file_is_no_folder(tiny: Path) -> None:
    with pytest.raises(ScenarioError, match=r"tiny\.toml is a file"):
        run(tiny, out="tiny.toml")


@pytest.mark.usefixtures("solved")
def test_names_that_are_the_same_letters_or_a_device_have_folders_of_their_own(tmp_path: Path) -> None:
    write_tiny(tmp_path)
    path = tmp_path / "what-if.toml"
    path.write_text(
        '[sweep]\nbase = "tiny.toml"\nwith_base = false\n'
        '[[variant]]\nname = "A/B"\nlevels.max_minutes = 8\n[[variant]]\nname = "a b"\nlevels.max_minutes = 9\n'
        '[[variant]]\nname = "NUL"\nlevels.max_minutes = 10\n[[variant]]\nname = "../.."\nlevels.max_minutes = 11\n',
        encoding="utf-8",
    )
    sweep_scenarios(read_variants([path]), tmp_path / "out", jobs=1)
    assert sorted(each.name for each in (tmp_path / "out" / "runs").iterdir()) == [
        "a-b",
        "a-b-2",
        "run",
        "run-nul",
    ]


@pytest.mark.usefixtures("solved")
def test_names_that_a_spreadsheet_would_run_are_text_in_the_table(tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path, changes={'name = "Tiny"': 'name = "=1+1"'})
    sweep_scenarios(read_variants([tiny]), tmp_path / "out", jobs=1)
    assert "'=1+1" in (tmp_path / "out" / "sweep.csv").read_text(encoding="utf-8")


# One run's plan in another.


def test_a_better_plan_of_a_tighter_run_serves_the_looser_one_too(tmp_path: Path) -> None:
    line = [f"1-0{1 + k // 4}" for k in range(16)]  # four rows of four: longer ways than the quarters

    def design(problem: zd.Problem, **options: Any) -> zd.Plan:
        plan = by_hand(problem, **options)
        if problem.levels[0].max_minutes == 8:
            return plan
        zone = pd.Series(line, index=problem.units.ids)
        worse = zd.Plan.from_labels(problem.units, problem.times, zone, levels=problem.levels)
        return worse.with_certificate(plan.certificate)

    tiny = write_tiny(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WORK, "solve", design)
        found = run(tiny)
    tight, loose = found.rows
    assert loose.objective == tight.objective
    assert loose.taken_from == "max_minutes 8 at level 1"
    assert tight.taken_from is None
    kept = pd.read_csv(tmp_path / "out" / "runs" / loose.run / "plan.csv", dtype=str)
    assert kept["zone"].tolist() == quarters()["zone"].tolist()
    told = json.loads((tmp_path / "out" / "runs" / loose.run / "certificate.json").read_text())
    assert told["details"]["taken_from"] == "max_minutes 8 at level 1"
    assert (told["objective"], told["bound"]) == (loose.objective, 0.5)


def test_a_plan_of_an_earlier_sweep_serves_a_run_that_found_none(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WORK, "solve", by_hand)
    run(tiny, "levels.1.max_minutes=8")
    failing(monkeypatch, "level 1", lambda: NoPlanError("no plan found in 1 s"))
    found = run(tiny, "levels.1.max_minutes=8,9")
    assert [row.status for row in found.rows] == ["feasible", "feasible"]
    assert found.rows[1].taken_from == "max_minutes 8 at level 1"
    assert found.rows[1].bound is None


# In Python.


def test_problems_in_python_are_solved_and_told_in_one_frame() -> None:
    problems = {
        "as it is": toy.problem(),
        "nearer": toy.problem(level={"max_minutes": 6}),
        "never": toy.problem(level={"weekly_hours": (500, 600)}),
    }
    found = zd.sweep(problems, jobs=1, time_limit=20)
    assert found.table["status"].tolist() == ["optimal", "optimal", "infeasible"]
    assert found.table["objective"].tolist()[:2] == pytest.approx(
        [found.table["bound"].iloc[0]] * 2, rel=1e-6
    )
    assert found.table["proved"].fillna("").tolist() == ["", "", "before solving"]
    assert set(found.plans) == {"as it is", "nearer"}
    assert zd.verify(found.plans["nearer"], problems["nearer"])["passed"].all()
    assert repr(found) == "<Sweep: 3 runs, 2 with a plan, 1 that can have none>"


def test_plans_are_on_the_caller_s_own_units() -> None:
    problem = toy.problem()
    found = zd.sweep({"one": problem}, jobs=1, time_limit=20)
    assert found.plans["one"].of_units is problem.units
    assert np.isclose(found.table["objective"].iloc[0], problem.value(problem.terms(found.plans["one"])))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"jobs": 0}, "jobs is 0"),
        ({"time_limit": 0}, "time_limit is 0"),
        ({"gap": 2}, "gap is 2"),
        ({"seed": -1}, "seed is -1"),
        ({"work": 0}, "work is 0"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        zd.sweep({"one": toy.problem()}, **options)


# On the command line.


@pytest.mark.usefixtures("solved")
def test_the_verb_tells_every_run_and_writes_the_folder(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tiny.parent / "out"
    assert main(["sweep", str(tiny), "--set", MINUTES[0], "-o", str(out), "--jobs", "1"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == f"wrote {out}: sweep.csv, sweep.html, and a folder for each run in runs"
    assert printed[3].startswith("max_minutes 8 at level 1  feasible")


def test_what_is_impossible_is_said_before_the_first_run_is_solved(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []

    def design(problem: zd.Problem, **options: Any) -> zd.Plan:
        said.append(capsys.readouterr().err)
        return by_hand(problem, **options)

    monkeypatch.setattr(WORK, "solve", design)
    sets = "levels.1.weekly_hours=[30, 50],[500, 900]"
    assert main(["sweep", str(tiny), "--set", sets, "-o", str(tiny.parent / "out"), "--jobs", "1"]) == 0
    assert said[0].startswith("weekly_hours 500 to 900 at level 1: ")


@pytest.mark.usefixtures("solved")
def test_the_verb_prints_one_json_object(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tiny.parent / "out")
    assert main(["sweep", str(tiny), "--set", MINUTES[0], "-o", out, "--jobs", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verb"] == "sweep"
    assert found["complete"] is True
    assert [row["zones"] for row in found["runs"]] == [{"1": 4}, {"1": 4}]


def test_check_says_what_can_be_said_before_and_writes_nothing(
    tiny: Path, solved: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    sets = "levels.1.weekly_hours=[30, 50],[500, 900]"
    assert main(["sweep", str(tiny), "--set", sets, "--check"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "weekly_hours 30 to 50 at level 1: nothing seen against a plan"
    assert printed[1] == "weekly_hours 500 to 900 at level 1: no plan can exist"
    assert solved == []
    assert main(["sweep", str(tiny), "--set", "levels.1.weekly_hours=[500, 900]", "--check"]) == 3
    assert sorted(each.name for each in tiny.parent.iterdir()) == ["tiny.toml", "units.gpkg"]


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("--set levels.1.zone=3 -o out", 2, "error: --set: unknown key 'levels.zone' of level '1'"),
        ("", 2, "error: sweep needs -o OUT"),
        ("--set locks.nest_in={path='absent.csv',id='x'} -o out", 2, "error: locks.nest_in absent.csv (x): "),
    ],
)
def test_what_cannot_be_done_is_one_line_and_no_folder(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str, code: int, says: str
) -> None:  # fmt: skip
    monkeypatch.chdir(tiny.parent)
    assert main(["sweep", str(tiny), *line.split()]) == code
    assert capsys.readouterr().err.splitlines()[-1].startswith(says)
    assert not (tiny.parent / "out").exists()


def test_ctrl_c_before_anything_is_done_is_exit_4(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(monkeypatch, "level 1", KeyboardInterrupt)
    out = str(tiny.parent / "out")
    assert main(["sweep", str(tiny), "--set", MINUTES[0], "-o", out, "--jobs", "1"]) == 4
    assert capsys.readouterr().err.splitlines()[-1] == "error: stopped before any run was done"
