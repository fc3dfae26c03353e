"""The output folder: what is in it, how a plan is read back, and that it is written whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import json
import logging
import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import toy
from hypothesis import given, settings
from hypothesis import strategies as st

import zonedesign as zd
from zonedesign import _plantables, swap
from zonedesign.folder import check_folder, read_labels, read_plan, write_folder

ABOUT = zd.About("Toy county", sources=(("Units", "Made up, 2026"),), inputs={"toy.gpkg": "abc"})


@pytest.fixture
def problem():
    excluded = toy.frame().iloc[:1].set_axis(["A0"])
    return toy.problem(units=replace(toy.units(), excluded=excluded), about=ABOUT)


@pytest.fixture
def plan(problem):
    return toy.plan(problem).renamed()


@pytest.fixture
def out(tmp_path, plan, problem):
    return write_folder(tmp_path / "out", plan, problem, review_html="<!doctype html>")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def beside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.parent.iterdir())


# What is in it.


def test_the_folder_holds_the_files_that_the_contract_names(out):
    assert sorted(contents(out)) == [
        "certificate.json",
        "manifest.json",
        "plan.csv",
        "plan.gpkg",
        "review.html",
        "zones.csv",
    ]


def test_plan_csv_has_a_line_per_unit_with_the_longer_way_last(out):
    lines = (out / "plan.csv").read_bytes().decode().split("\n")
    assert lines[0] == "unit,zone,level,centre,minutes,reach_minutes"
    assert lines[1] == "A1,1-01,1,A2,2.0,2.0"
    assert len(lines) == 14
    assert lines[-1] == ""
    assert "\r" not in "".join(lines)


def test_zones_csv_has_a_line_per_zone(out):
    assert (out / "zones.csv").read_text() == (
        "zone,name,level,centre,units,customers,weekly_hours,mean_minutes,max_minutes\n"
        "1-01,Ashby,1,A2,6,6,60.0,2.3333333333333335,4.0\n"
        "1-02,Burton,1,B2,6,6,60.0,2.3333333333333335,4.0\n"
    )


def test_what_is_not_known_is_empty(tmp_path):
    frame = toy.frame().assign(hours=[10.0 if unit[0] == "B" else 0.0 for unit in toy.IDS])
    units = zd.Units.from_frame(frame, hours="hours")
    problem = toy.problem(units=units, rules=(), levels=[zd.Level("1")])
    out = write_folder(tmp_path / "out", toy.plan(problem).renamed(), problem)
    assert (out / "zones.csv").read_text().split("\n")[1] == "1-01,,1,A2,6,,0.0,,4.0"


def test_the_geopackage_has_styled_layers_and_excluded_units_without_zone(out):
    units = gpd.read_file(out / "plan.gpkg", layer="units")
    assert units["unit"].tolist() == [*toy.IDS, "A0"]
    assert units["zone"].isna().tolist() == [False] * 12 + [True]
    assert units["weekly_hours"].iloc[0] == 10
    zones = gpd.read_file(out / "plan.gpkg", layer="zones").set_index("zone")
    assert zones.geometry.area.tolist() == pytest.approx([6 * toy.MILE**2] * 2)
    assert zones["customers"].tolist() == [6, 6]
    centres = gpd.read_file(out / "plan.gpkg", layer="centres")
    assert centres["centre"].tolist() == ["A2", "B2"]
    assert centres.crs == zones.crs == 27700
    assert centres.set_index("zone").within(zones.geometry).all()
    with sqlite3.connect(out / "plan.gpkg") as file:
        styles = file.execute("SELECT f_table_name, styleQML FROM layer_styles WHERE useAsDefault").fetchall()
        told = file.execute("SELECT description FROM gpkg_contents WHERE table_name = 'zones'").fetchone()[0]
    file.close()
    assert [name for name, _ in styles] == ["units", "zones", "centres"]
    assert all(ET.fromstring(qml.split("\n", 1)[1]).tag == "qgis" for _, qml in styles)  # noqa: S314  (our own)
    assert told.startswith("Internal")


def test_excluded_units_of_another_crs_are_drawn_where_they_are(tmp_path, problem, plan):
    problem = problem.with_(units=replace(problem.units, excluded=problem.units.excluded.to_crs(4326)))
    out = write_folder(tmp_path / "out", plan, problem)
    shape = gpd.read_file(out / "plan.gpkg", layer="units").geometry.iloc[-1]
    assert shape.symmetric_difference(toy.frame().geometry.iloc[0]).area < 100  # of 2.6 km2


def test_units_without_shapes_give_a_folder_without_geopackage(tmp_path):
    units = zd.Units.from_frame(pd.DataFrame(toy.frame().drop(columns="geometry")), hours="hours")
    problem = toy.problem(units=units, rules=(), levels=[zd.Level("1")])
    out = write_folder(tmp_path / "out", toy.plan(problem), problem)
    assert sorted(contents(out)) == ["certificate.json", "manifest.json", "plan.csv", "zones.csv"]


def test_the_certificate_holds_every_verdict(out):
    read = json.loads((out / "certificate.json").read_text())
    assert list(read) == [
        "status", "objective", "terms", "bound", "gap", "seconds", "stopped_by", "seed", "bridges", "inputs", "versions",
        "details", "rules",
    ]  # fmt: skip
    assert (read["status"], read["bound"], read["gap"]) == ("feasible", None, None)
    assert read["objective"] == pytest.approx(7 / 3)
    assert read["inputs"] == {"toy.gpkg": "abc"}
    assert len(read["rules"]) == 15
    assert all(row["passed"] for row in read["rules"])
    assert set(read["rules"][0]) == {"rule", "zone", "level", "quantity", "limit", "value", "passed"}


def test_what_a_solve_proved_is_kept(tmp_path, plan, problem):
    proved = zd.Certificate(status=zd.Status.FEASIBLE, objective=2.5, bound=2.0, seed=7)
    out = write_folder(tmp_path / "out", plan.with_certificate(proved), problem)
    read = json.loads((out / "certificate.json").read_text())
    assert (read["objective"], read["bound"], read["gap"], read["seed"]) == (2.5, 2.0, 0.2, 7)
    assert len(read["rules"]) == 15


def test_the_manifest_says_what_is_there_and_for_whom(out, monkeypatch, tmp_path, plan, problem):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1565136000")
    out = write_folder(out, plan, problem, extra={"notes.txt": "Read me"})
    read = json.loads((out / "manifest.json").read_text())
    assert (read["made_by"], read["kind"], read["date"], read["name"]) == (
        "zonedesign",
        "internal",
        "2019-08-07",
        "Toy county",
    )
    assert read["sources"] == [["Units", "Made up, 2026"]]
    for name, bytes_ in contents(out).items():
        if name != "manifest.json":
            assert read["files"][name] == {"sha256": hashlib.sha256(bytes_).hexdigest(), "bytes": len(bytes_)}
    assert sorted(read["files"]) == ["certificate.json", "notes.txt", "plan.csv", "plan.gpkg", "zones.csv"]


def test_the_same_plan_gives_the_same_tables_byte_for_byte(out, tmp_path, plan, problem):
    again = write_folder(tmp_path / "again", plan, problem)
    for name in ("plan.csv", "zones.csv"):
        assert (again / name).read_bytes() == (out / name).read_bytes()


def test_nothing_is_written_that_fails_verification(tmp_path, plan, problem):
    with pytest.raises(
        zd.SolverError, match="the plan fails 2 checks and is not written: Volume of zone 1-01"
    ):
        write_folder(tmp_path / "out", plan.move("A3", "1-02"), toy.problem(level={"weekly_hours": (55, 65)}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["plan.csv", "../x", "a/b", "..", ""])
def test_extra_files_have_names_of_their_own(tmp_path, plan, problem, name):
    with pytest.raises(zd.ScenarioError, match="extra files need names of their own"):
        write_folder(tmp_path / "out", plan, problem, extra={name: "x"})


# Text that a spreadsheet would run.


def test_no_cell_is_a_formula_and_every_id_comes_back(tmp_path):
    ids = ["=1+1", "-5", "+A", "@x", "'q", "-x", *(f"u{i}" for i in range(6))]
    frame = toy.frame().assign(place='=HYPERLINK("http://x")').set_index(pd.Index(ids))
    units = zd.Units.from_frame(frame, hours="hours", name="place")
    problem = zd.Problem(units, zd.TravelTimes.from_matrix(toy.minutes(), ids), [zd.Level("=L")])
    plan = zd.Plan.from_labels(units, problem.times, pd.Series("=z", index=ids), levels=problem.levels)
    out = write_folder(tmp_path / "out", plan, problem)
    for name in ("plan.csv", "zones.csv"):
        with (out / name).open(newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert not [cell for cell in cells if cell[:1] in ("=", "+", "@", "-") and cell != "-5"]
    back = read_plan(out / "plan.csv", problem)
    assert back == plan
    assert back.zone_ids == ("=z",)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r\n"), min_size=1))
def test_any_text_survives_a_cell(text):
    cell = _plantables._cell(text)
    assert cell[:1] not in ("=", "@", "\t")
    assert _plantables._text(cell) == (text.strip() or None) or text.startswith("'") or text != text.strip()


@settings(deadline=None)
@given(st.floats())
def test_numbers_are_unrounded_and_never_nan(value):
    cell = _plantables._cell(value)
    assert cell == "" if not np.isfinite(value) else float(cell) == value


# Reading a plan.


def write(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "today.csv"
    path.write_text(text, encoding=encoding)
    return path


TODAY = "unit,zone\n" + "".join(f"{unit},{'west' if unit[0] == 'A' else 'east'}\n" for unit in toy.IDS)


def test_a_plan_that_we_wrote_reads_back_as_it_was(out, plan, problem):
    assert read_plan(out / "plan.csv", problem) == plan
    assert read_plan(out, problem).zone_ids == plan.zone_ids


def test_a_plan_needs_unit_and_zone_only(tmp_path, problem):
    plan = read_plan(write(tmp_path, TODAY), problem)
    assert plan == toy.plan(problem)
    assert plan.zone_ids == ("east", "west")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_columns_may_have_other_names(tmp_path, problem, encoding):
    text = TODAY.replace("unit,zone", "lsoa11cd,pcn_code")
    assert read_plan(write(tmp_path, text, encoding), problem, unit="lsoa11cd", zone="pcn_code").zone_ids == (
        "east",
        "west",
    )


def test_ids_are_matched_to_the_type_of_the_index(tmp_path):
    frame = toy.frame().set_index(pd.Index(range(12)))
    units = zd.Units.from_frame(frame, hours="hours")
    problem = zd.Problem(units, zd.TravelTimes.from_matrix(toy.minutes(), range(12)), [zd.Level("1")])
    rows = "".join(f" {i}.0 ,{i % 2},5\n" if i % 2 else f"{i},{i % 2},4\n" for i in range(12))
    plan = read_plan(write(tmp_path, "unit,zone,centre\n" + rows), problem)
    assert plan.units.index.dtype == np.int64
    assert plan.zones["centre"].to_dict() == {"0": 4, "1": 5}


def test_codes_keep_their_leading_zeros_and_levels_their_text(tmp_path, problem):
    text = TODAY.replace("zone\n", "zone,level\n").replace("west\n", "01,1\n").replace("east\n", "1,1\n")
    assert read_plan(write(tmp_path, text), problem).zone_ids == ("01", "1")


def test_a_level_or_centre_stated_on_one_row_of_a_zone_counts_for_all(tmp_path, problem):
    text = TODAY.replace("zone\n", "zone,level,centre\n").replace("A1,west\n", "A1,west,1,A4\n")
    text = text.replace("west\n", "west,,\n").replace("east\n", "east,,\n")
    assert read_plan(write(tmp_path, text), problem).zones["centre"].to_dict() == {"east": "B2", "west": "A4"}


def test_what_a_file_states_is_judged_and_not_mended(tmp_path, problem):
    text = (
        TODAY.replace("zone\n", "zone,level,centre\n")
        .replace("west\n", "west,nine,B1\n")
        .replace("east\n", "east,1,B2\n")
    )
    plan = read_plan(write(tmp_path, text), problem)
    assert plan.levels == ("1", "nine")
    verdicts = zd.verify(plan, problem)
    assert {"Centre", "Level"} <= set(verdicts.loc[~verdicts["passed"], "rule"])


def test_missing_units_are_refused_or_left_for_verify_to_name(tmp_path, problem):
    path = write(tmp_path, TODAY.replace("A1,west\n", "").replace("B6,east", "B6,"))
    with pytest.raises(zd.DataError, match="gives no zone to 2 units: A1, B6"):
        read_plan(path, problem)
    verdicts = zd.verify(read_plan(path, problem, partial=True), problem)
    assert verdicts.loc[~verdicts["passed"], "quantity"].tolist() == [
        "units without a zone",
        "zones of A1",
        "zones of B6",
    ]


def test_a_missing_unit_may_have_been_a_centre(tmp_path, problem, caplog):
    text = (
        TODAY.replace("zone\n", "zone,centre\n").replace("west\n", "west,A1\n").replace("east\n", "east,B2\n")
    )
    plan = read_plan(write(tmp_path, text.replace("A1,west,A1\n", "")), problem, partial=True)
    assert plan.zones.loc["west", "centre"] == "A5"
    assert "the centre has no zone itself in west; the best unit is taken" in caplog.text


def test_excluded_units_are_left_out_openly(tmp_path, problem, caplog):
    text = (
        (TODAY + "A0,west\n")
        .replace("zone\n", "zone,centre\n")
        .replace("west\n", "west,A0\n")
        .replace("east\n", "east,\n")
    )
    with caplog.at_level(logging.WARNING):
        plan = read_plan(write(tmp_path, text), problem)
    assert plan == toy.plan(problem)
    assert "1 unit excluded, left out: A0" in caplog.text
    assert "centres at units left out: A0" in caplog.text


def test_labels_are_read_without_a_problem(tmp_path):
    frame = read_labels(write(tmp_path, TODAY.replace("B6,east\n", "")), toy.units())
    assert frame["zone"].to_dict() == toy.labels().drop("B6").to_dict()
    assert frame["level"].isna().all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "today.csv is empty; a plan is a CSV with the columns unit and zone, and a row for each unit"),
        ("unit,zon\nA1,x\n", "has no column 'zone'; did you mean 'zon'"),
        ("unit,zone\n", "gives no unit a zone"),
        (TODAY + "A7,west\n", "names 1 unit that is not there: A7; did you mean 'A6'|names 1 unit"),
        (TODAY + "A1,west\n", "1 duplicate unit: A1"),
        (TODAY + ",west\n", "1 row without unit"),
        ("unit,zone,level\nA1,x,1\nA2,x,2\n", "zone x has 2 levels: 1, 2"),
        ("unit,zone,centre\nA1,x,A1\nA2,x,A2\n", "zone x has 2 centres: A1, A2"),
        ("unit,zone,centre\nA1,x,Q\n", "1 centre that is no unit: Q"),
    ],
)
def test_a_table_that_is_no_plan_is_refused_in_one_line(tmp_path, problem, text, message):
    with pytest.raises(zd.DataError, match=message) as error:
        read_plan(write(tmp_path, text), problem, partial=True)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path, problem):
    with pytest.raises(zd.DataError, match="there is no file"):
        read_plan(tmp_path / "none.csv", problem)
    with pytest.raises(zd.DataError, match=r"today\.csv is not UTF-8"):
        read_plan(write(tmp_path, TODAY + "Ü,é\n", "utf-16"), problem)


# Whose folder it is.


def test_our_own_folder_is_replaced_whole(out, plan, problem):
    assert (out / "review.html").exists()
    write_folder(out, plan, problem)
    assert not (out / "review.html").exists()
    assert beside(out) == ["out"]


def test_a_new_folder_may_be_deep_and_an_empty_one_may_be_there(tmp_path, plan, problem):
    assert (write_folder(tmp_path / "a" / "b", plan, problem) / "plan.csv").exists()
    (tmp_path / "empty").mkdir()
    assert (write_folder(tmp_path / "empty", plan, problem) / "plan.csv").exists()


def test_a_folder_that_is_not_ours_is_refused_before_any_work(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(zd.ScenarioError, match="exists and zonedesign did not write it"):
        check_folder(tmp_path)
    for text in ("not json", "[]", '{"made_by": "someone"}'):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(zd.ScenarioError, match="zonedesign did not write it"):
            check_folder(tmp_path)


def test_a_file_of_yours_in_our_folder_is_not_deleted(out, plan, problem):
    (out / "minutes of the meeting.docx").write_text("mine")
    with pytest.raises(
        zd.ScenarioError, match=r"1 file that zonedesign did not write: minutes of the meeting\.docx"
    ):
        write_folder(out, plan, problem)
    assert (out / "minutes of the meeting.docx").exists()


def test_what_qgis_leaves_behind_does_not_stop_the_next_run(out, plan, problem):
    (out / "plan.gpkg-wal").write_text("")
    write_folder(out, plan, problem)
    assert "plan.gpkg-wal" not in contents(out)


def test_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(zd.ScenarioError, match="is a file; name a folder to write"):
        check_folder(tmp_path / "out")
    with pytest.raises(zd.ScenarioError, match="choose another place"):
        check_folder(tmp_path / "out" / "deeper")


def test_a_place_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(zd.ScenarioError, match="Permission denied; choose another place"):
        check_folder(tmp_path / "out")


def test_a_check_changes_nothing(tmp_path):
    assert check_folder(tmp_path / "a" / "out") == (tmp_path / "a" / "out").resolve()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_to_our_folder_stays_a_link(out, plan, problem):
    link = out.with_name("link")
    link.symlink_to(out, target_is_directory=True)
    write_folder(link, plan, problem, extra={"new.txt": "x"})
    assert link.is_symlink()
    assert (out / "new.txt").exists()


# Whole or not at all.


@pytest.mark.parametrize("nth", range(12))
@pytest.mark.parametrize("there", [True, False])
def test_a_disk_that_fills_up_at_any_write_leaves_what_was_there(
    tmp_path, plan, problem, monkeypatch, nth, there
):
    out = tmp_path / "deep" / "out"
    if there:
        write_folder(out, plan, problem, review_html="old")
    before = contents(out) if there else None
    calls = {"left": nth}

    def full(function):
        def write(*args, **kwargs):
            calls["left"] -= 1
            if calls["left"] == -1:
                raise OSError(28, "No space left on device")
            return function(*args, **kwargs)

        return write

    with monkeypatch.context() as patch:
        for owner, name in ((Path, "write_bytes"), (os, "fsync"), (sqlite3, "connect")):
            patch.setattr(owner, name, full(getattr(owner, name)))
        with pytest.raises(zd.DataError, match="No space left on device; nothing there was changed") as error:
            write_folder(out, plan, problem, review_html="new")
    assert "\n" not in str(error.value)
    if there:
        assert contents(out) == before
        assert beside(out) == ["out"]
    else:
        assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="the limit on a file's size is POSIX")
def test_a_geopackage_that_does_not_fit_is_noticed(tmp_path):
    script = """
import resource, sys, toy
from zonedesign.folder import write_folder
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
problem = toy.problem()
try:
    write_folder(sys.argv[1], toy.plan(problem), problem)
except Exception as error:
    print(type(error).__name__, error)
"""
    done = run(script, tmp_path / "out")
    assert done.stdout.startswith("DataError cannot write")
    assert list(tmp_path.iterdir()) == []


def run(script, *arguments):
    here = str(Path(__file__).parent)
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": here},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


# Runs the writing of a new folder over an old one again and again, each time in a process of its own that ends
# without a word at one file operation later than the last, until one comes through.
KILLED = """
import hashlib, json, os, sys, warnings
from pathlib import Path
import geopandas, pyogrio, toy
import zonedesign as zd
from zonedesign import swap
from zonedesign.folder import write_folder

warnings.simplefilter("ignore")
out = Path(sys.argv[1])
if sys.argv[2] == "no exchange":
    swap._exchange = lambda a, b: False
    units = zd.Units.from_frame(toy.frame().drop(columns="geometry"), hours="hours")  # quicker to write
    problem = toy.problem(units=units, rules=(), levels=[zd.Level("1")])
else:
    problem = toy.problem()
plan = toy.plan(problem).renamed()
TOUCHES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree", "ctypes.dlsym", "sqlite3.connect"}

def attempt(kill_at):
    seen = 0
    def hook(event, arguments):
        nonlocal seen
        if event in TOUCHES and str(out.parent) in str(arguments) or event == "ctypes.dlsym":
            seen += 1
            if seen == kill_at:
                os._exit(9)
    sys.addaudithook(hook)
    write_folder(out, plan, problem, review_html=f"new {kill_at}")
    os._exit(0)

write_folder(out, plan, problem, review_html="old 0")
pages, kill_at, code = [], 0, None
while code != 0:
    kill_at += 1
    child = os.fork()
    if child == 0:
        attempt(kill_at)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if not out.exists():
        pages.append("moved aside")
        swap.recover(out)
    manifest = json.loads((out / "manifest.json").read_text())
    for name, facts in manifest["files"].items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == facts["sha256"], name
    assert sorted(manifest["files"]) == sorted({p.name for p in out.iterdir()} - {"manifest.json"})
    pages.append((out / "review.html").read_text())
print(json.dumps({"attempts": kill_at, "pages": pages, "beside": sorted(p.name for p in out.parent.iterdir())}))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that split")
@pytest.mark.parametrize("way", ["exchange", "no exchange"])
def test_a_kill_at_any_file_operation_leaves_the_old_folder_or_the_new_one(tmp_path, way):
    done = run(KILLED, tmp_path / "out", way)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["attempts"] > 20
    assert told["pages"][0] == "old 0"
    assert told["pages"][-1] == f"new {told['attempts']}"
    assert told["beside"] == ["out"]  # the last run has cleared up after all the others
    if way == "exchange" and sys.platform == "linux":
        assert "moved aside" not in told["pages"]


def test_a_folder_moved_aside_by_a_killed_run_is_put_back(out, caplog):
    out.rename(out.with_name(".out.zonedesign-old-1-abcd"))
    check_folder(out)
    assert (out / "plan.csv").exists()
    assert "the folder from before is back" in caplog.text


def test_a_swap_that_fails_half_way_is_undone(out, plan, problem, monkeypatch):
    monkeypatch.setattr(swap, "_exchange", lambda *_: False)
    rename, before = Path.rename, contents(out)

    def fails_into_place(path, target):
        if Path(target) == out and ".zonedesign-new-" in path.name:
            raise PermissionError(13, "in use")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fails_into_place)
    with pytest.raises(zd.DataError, match="in use; nothing there was changed"):
        write_folder(out, plan, problem)
    assert contents(out) == before
    assert beside(out) == ["out"]


def test_a_run_that_is_still_writing_is_left_alone(out, plan, problem):
    other = out.with_name(f".out.zonedesign-new-{os.getppid()}-abcd")
    other.mkdir()
    write_folder(out, plan, problem)
    assert other.exists() == (os.name != "nt")


def test_ctrl_c_while_writing_leaves_nothing_behind(tmp_path, plan, problem, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("zonedesign.folder.write_geopackage", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_folder(tmp_path / "deep" / "out", plan, problem)
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(["west", "east", "north"]), min_size=12, max_size=12))
def test_any_plan_survives_its_table(tmp_path_factory, zones):
    problem = toy.problem(levels=[zd.Level("1")])
    labels = pd.Series(zones, index=toy.IDS)
    plan = zd.Plan.from_labels(problem.units, problem.times, labels, levels=problem.levels)
    path = tmp_path_factory.mktemp("plan") / "plan.csv"
    path.write_text(_plantables.plan_csv(plan), newline="")
    assert read_plan(path, problem) == plan
