"""Endings: an interrupt or a failure on the way ends with the best plan so far, its certificate and what happened."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
import toy
from numba.core.event import Listener, install_listener
from tiny_county import write_tiny

import zonedesign as zd
from zonedesign import compiled
from zonedesign import rules as kinds
from zonedesign.certificate import Status, StoppedBy
from zonedesign.interrupts import heeded, noticed, undisturbed
from zonedesign.problem import Objective, Problem
from zonedesign.solve.improve import Search

bound = importlib.import_module("zonedesign.solve.bound")
engine = importlib.import_module("zonedesign.model.engine")
run = importlib.import_module("zonedesign.solve.run")


def grid(side: int = 7, zones: int = 4, band: tuple[float, float] = (40, 100)) -> Problem:
    """A square of units whose bound cannot meet its plans: it knows nothing of cut boundary."""
    frame, near, minutes = toy.squares(side)
    return Problem(
        zd.Units.from_frame(frame, hours="hours", contiguity=near),
        zd.TravelTimes.from_matrix(minutes, frame.index),
        levels=[zd.Level("1", weekly_hours=band, zones=zones)],
        rules=[kinds.Contiguous()],
        objective=Objective(cut=2.0),
    )


def check(plan: zd.Plan, problem: Problem) -> None:
    told = plan.certificate
    assert zd.verify(plan, problem)["passed"].all()
    assert told.objective == pytest.approx(problem.value(problem.terms(plan)))
    assert (told.stopped_by is None) == (told.status is Status.OPTIMAL)


def fails_after(times: int, method: Any, *, every: int = 1) -> Any:
    """The method, that fails from the call after so many on: at each, or at every second, third ..."""
    calls = itertools.count()

    def failing(*given: Any, **options: Any) -> Any:
        call = next(calls) - times
        if call >= 0 and call % every == 0:
            raise MemoryError("no room")
        return method(*given, **options)

    return failing


# Failures.


def test_a_chain_that_fails_is_told_and_the_others_go_on(monkeypatch, caplog) -> None:
    monkeypatch.setattr(Search, "improve", fails_after(2, Search.improve, every=3))
    problem = grid()
    plan = zd.solve(problem, work=2)
    check(plan, problem)
    assert "no room" in caplog.text
    assert "MemoryError" in json.dumps(plan.certificate.as_dict()["details"])


def test_a_search_that_fails_altogether_does_not_lose_the_best_plan(monkeypatch) -> None:
    monkeypatch.setattr(Search, "improve", fails_after(5, Search.improve))
    problem = grid()
    plan = zd.solve(problem, work=3)
    check(plan, problem)
    assert "MemoryError" in json.dumps(plan.certificate.as_dict()["details"])


def test_a_bound_that_fails_does_not_lose_the_best_plan(monkeypatch) -> None:
    monkeypatch.setattr(bound, "lagrangian", fails_after(2, bound.lagrangian))
    problem = grid()
    plan = zd.solve(problem, time_limit=4.0)
    check(plan, problem)


def test_an_integer_program_that_fails_does_not_lose_the_best_plan(monkeypatch) -> None:
    monkeypatch.setattr(engine.Engine, "relax", fails_after(0, engine.Engine.relax))
    monkeypatch.setattr(engine.Engine, "run", fails_after(0, engine.Engine.run))
    problem = grid()
    plan = zd.solve(problem, time_limit=4.0)
    check(plan, problem)


def test_an_integer_program_that_fails_later_keeps_the_plans_it_had_met(monkeypatch) -> None:
    monkeypatch.setattr(run, "SMALL_UNITS", 60)
    monkeypatch.setattr(engine.Engine, "run", fails_after(1, engine.Engine.run))
    problem = grid()
    start = zd.solve(problem, work=1)
    plan = zd.solve(problem, time_limit=20.0, start=start)
    check(plan, problem)
    assert plan.certificate.objective <= start.certificate.objective


def test_a_failure_before_any_plan_is_not_hidden(monkeypatch) -> None:
    monkeypatch.setattr(Search, "improve", fails_after(0, Search.improve))
    monkeypatch.setattr(engine.Engine, "relax", fails_after(0, engine.Engine.relax))
    monkeypatch.setattr(engine.Engine, "run", fails_after(0, engine.Engine.run))
    with pytest.raises((MemoryError, zd.SolverError, zd.NoPlanError)):
        zd.solve(grid(), time_limit=2.0)


# Interrupts.


@pytest.mark.parametrize("last", [1, 2])
def test_a_progress_callback_may_interrupt_at_any_time(last: int) -> None:
    heard = itertools.count(1)

    def stop(stage: str, share: float | None, message: str) -> None:
        if re.search(r"(objective|best) \d", message) and next(heard) >= last:
            raise KeyboardInterrupt

    problem = grid(8)
    plan = zd.solve(problem, time_limit=60, progress=stop)
    check(plan, problem)
    assert plan.certificate.stopped_by is StoppedBy.INTERRUPT or plan.certificate.status is Status.OPTIMAL
    assert next(heard) > last


def test_a_progress_callback_may_interrupt_from_the_proof_too() -> None:
    known = []

    def stop(stage: str, share: float | None, message: str) -> None:
        known.extend(re.findall(r"objective \d", message))
        if stage == "certify" and known:
            raise KeyboardInterrupt

    problem = grid(8, 5, (55, 75))  # which takes the integer program more than a minute
    plan = zd.solve(problem, time_limit=60, threads=2, progress=stop)
    check(plan, problem)
    assert plan.certificate.stopped_by is StoppedBy.INTERRUPT


DRIVER = """
import contextlib, sys
from zonedesign.cli import main, verbs

@contextlib.contextmanager
def bar(*, quiet):
    yield lambda stage, share, message: print(stage, message, file=sys.stderr, flush=True)

verbs.bar = bar
sys.exit(main(sys.argv[1:]))
"""
SCENARIO = """
name = "Square"
[units]
path = "units.gpkg"
id = "id"
[demand]
hours_column = "hours"
[roads]
sketch = true
[[levels]]
name = "1"
weekly_hours = [75, 90]
zones = 5
[objective]
cut = 4.0
"""


def interrupted(folder: Path, command: list[str], heard: str) -> tuple[int, str, str]:
    """Run a command, send it Ctrl-C when it says something, and return its exit code and both outputs."""
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        said = []
        for line in running.stderr:
            said.append(line)
            if re.search(heard, line):
                running.send_signal(signal.SIGINT)
                break
        out, rest = running.communicate(timeout=300)
        return running.returncode, out, "".join([*said, rest])


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signal to one process")
def test_ctrl_c_ends_the_command_with_the_best_plan_so_far(tmp_path: Path) -> None:
    frame, _, _ = toy.squares(9)
    places = [tuple(map(int, unit.split("-"))) for unit in frame.index]
    shapes = [shapely.box(1000 * x, 1000 * y, 1000 * x + 1000, 1000 * y + 1000) for x, y in places]
    gpd.GeoDataFrame({"id": frame.index, "hours": frame["hours"]}, geometry=shapes, crs=27700).to_file(
        tmp_path / "units.gpkg", driver="GPKG"
    )
    (tmp_path / "square.toml").write_text(SCENARIO, encoding="utf-8")
    command = ["solve", str(tmp_path / "square.toml"), "-o", str(tmp_path / "out"), "--time-limit", "90"]
    code, out, said = interrupted(tmp_path, command, r"(objective|best) \d")
    assert code == 0, said
    assert "stopped by interrupt" in out
    proved = json.loads((tmp_path / "out" / "certificate.json").read_text(encoding="utf-8"))
    assert proved["stopped_by"] == "interrupt"
    assert proved["bound"] <= proved["objective"]
    assert all(row["passed"] for row in proved["rules"])
    assert (tmp_path / "out" / "review.html").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signal to one process")
@pytest.mark.parametrize("verb", ["solve", "portfolio"])
def test_ctrl_c_while_plans_are_written_waits_for_them(tmp_path: Path, verb: str) -> None:
    command = [verb, str(write_tiny(tmp_path)), "-o", str(tmp_path / "out"), "--work", "1"]
    code, out, said = interrupted(tmp_path, command, r"^write ")
    assert code == 0, said
    assert "wrote" in out
    assert (tmp_path / "out" / "manifest.json").exists()


def test_an_interrupt_while_kernels_compile_waits_and_is_raised_then():
    went_on = []

    def compiling() -> None:
        with undisturbed():
            signal.raise_signal(signal.SIGINT)
            went_on.append(True)

    with pytest.raises(KeyboardInterrupt):
        compiling()
    assert went_on == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_while_a_kernel_compiles_another_is_raised_when_both_are_ready(monkeypatch):
    monkeypatch.setattr(compiled, "_CACHE", None)
    within = compiled.compiled(lambda x: x + 1)
    around = compiled.compiled(lambda x: 2 * within(x))

    class Interrupting(Listener):
        def on_start(self, event: Any) -> None:
            if event.data["dispatcher"] is within:
                signal.raise_signal(signal.SIGINT)

        def on_end(self, event: Any) -> None:
            pass

    with install_listener("numba:compile", Interrupting()), pytest.raises(KeyboardInterrupt):
        around(1)
    assert len(around.signatures) == len(within.signatures) == 1
    assert around(1) == 4


def test_an_interrupt_that_was_swallowed_on_the_way_is_raised_at_the_end():
    went_on = []

    def reading() -> None:
        with heeded():
            with contextlib.suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
            went_on.append(True)

    with pytest.raises(KeyboardInterrupt):
        reading()
    assert went_on == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def swallowed() -> None:
    """A Ctrl-C that comes where Python loses it: while a module is being imported, say."""
    with contextlib.suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_an_interrupt_that_was_swallowed_is_noticed_and_not_raised_again():
    with noticed() as interrupted:
        before = interrupted()
        swallowed()
        assert (before, interrupted()) == (False, True)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_from_before_is_noticed_within_what_was_begun_then():
    with noticed():
        swallowed()
        with noticed() as interrupted:
            assert interrupted()
    with noticed() as interrupted:
        assert not interrupted()


def test_a_run_whose_interrupt_was_swallowed_stops_all_the_same():
    came = []

    def heard(stage: str, share: float | None, message: str) -> None:
        if "objective" in message and not came:
            came.append(message)
            swallowed()

    plan = zd.solve(grid(), time_limit=60, threads=2, progress=heard)
    assert plan.certificate is not None
    assert plan.certificate.stopped_by is StoppedBy.INTERRUPT


def test_the_command_ends_with_its_own_exit_code_where_an_interrupt_came_while_code_was_made(tmp_path: Path):
    (tmp_path / "sitecustomize.py").write_text(
        "from zonedesign.cli import verbs\nverbs.RUN['verify'] = lambda _: exec('raise KeyboardInterrupt')\n",
        encoding="utf-8",
    )
    run = [sys.executable, "-m", "zonedesign.cli", "verify", "plan.csv", "--scenario", "some.toml"]
    ended = subprocess.run(
        run, check=False, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(tmp_path)}
    )
    assert (ended.returncode, ended.stderr.splitlines()[-1:]) == (
        4, ["error: stopped before there was anything to show"]
    )  # fmt: skip


def test_who_ignores_ctrl_c_goes_on_ignoring_it():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with heeded():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


STILL_AT_WORK = """
import highspy
import numpy as np
from zonedesign.model.quiet import AtWork, quiet_engine

rows, columns = 5, 40
weights = np.random.default_rng(0).integers(1, 100, (rows, columns)).astype(float)
lp = highspy.HighsLp()
lp.num_col_, lp.num_row_ = columns, rows
lp.col_cost_, lp.col_lower_, lp.col_upper_ = np.zeros(columns), np.zeros(columns), np.ones(columns)
lp.row_lower_ = lp.row_upper_ = np.floor(weights.sum(axis=1) / 2)
lp.a_matrix_.start_ = np.arange(0, rows * columns + 1, rows).astype(np.int32)
lp.a_matrix_.index_ = np.tile(np.arange(rows), columns).astype(np.int32)
lp.a_matrix_.value_ = weights.T.ravel()
lp.integrality_ = [highspy.HighsVarType.kInteger] * columns
engine = quiet_engine(time_limit=2.0, threads=1)
engine.passModel(lp)
print(AtWork(engine).through(0.1))
"""


def test_a_process_ends_properly_while_highs_is_still_at_work():
    ended = subprocess.run([sys.executable, "-c", STILL_AT_WORK], capture_output=True, text=True, check=False)
    assert ended.stdout.strip() == "False"
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_command_that_has_said_all_does_not_wait_for_highs(tmp_path: Path):
    # HiGHS would go on for an hour, and Python waits a minute for it: the exit code tells which came first.
    work = STILL_AT_WORK.replace("time_limit=2.0", "time_limit=3600.0").replace("print(", "_ = (")
    (tmp_path / "sitecustomize.py").write_text(
        f"from zonedesign.cli import verbs\nwork = {work!r}\n"
        "verbs.RUN['verify'] = lambda _: (exec(work, {}), exec('raise KeyboardInterrupt'))\n"
        "import zonedesign.model.quiet as quiet, os\n"
        "quiet.atexit.unregister(quiet._wait_for_the_last)\n"
        "quiet.atexit.register(os._exit, 99)\n",
        encoding="utf-8",
    )
    run = [sys.executable, "-m", "zonedesign.cli", "verify", "plan.csv", "--scenario", "some.toml"]
    ended = subprocess.run(
        run, check=False, capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert (ended.returncode, ended.stderr.splitlines()[-1:]) == (
        4, ["error: stopped before there was anything to show"]
    )  # fmt: skip


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
def test_a_standard_output_that_is_full_is_one_line(tmp_path: Path):
    with FULL.open("w", encoding="utf-8") as full:
        run = [sys.executable, "-m", "zonedesign.cli", "example", str(tmp_path / "county")]
        ended = subprocess.run(run, check=False, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith("error: cannot write to standard output: No space left")


def test_a_certificate_tells_of_the_plan_that_it_goes_with(monkeypatch):
    # A proof that is slow to stop finds a better plan while the certificate is being made.
    seen, usual = [], run.verify

    def late(plan: Any, problem: Any) -> Any:
        seen.append(plan)
        standings[0].objective = 0.0
        return usual(plan, problem)

    standings: list[Any] = []
    standing_of = run.Standing
    monkeypatch.setattr(run, "Standing", lambda *given: standings.append(standing_of(*given)) or standings[0])
    monkeypatch.setattr(run, "verify", late)
    problem = grid()
    plan = zd.solve(problem, time_limit=2, threads=1, work=1)
    assert len(seen) == 1
    assert plan.certificate is not None
    assert plan.certificate.objective == problem.value(problem.terms(plan)) > 0


def test_an_interrupt_of_an_earlier_run_is_nothing_to_the_next():
    def first() -> None:
        with noticed():
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        first()
    with noticed() as interrupted:
        assert not interrupted()
