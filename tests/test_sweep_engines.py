"""Where runs happen: beside this process and on a Dask cluster, with nobody's row sent there."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import toy
from tiny_county import squares, write_tiny

import zonedesign as zd
from zonedesign.errors import ScenarioError
from zonedesign.sweep import Options, read_variants, sweep_scenarios
from zonedesign.sweep.engines import outcomes
from zonedesign.sweep.run import problem_of
from zonedesign.sweep.sent import sent

if TYPE_CHECKING:
    from collections.abc import Iterator

ENGINES = import_module("zonedesign.sweep.engines")
QUICK = Options(time_limit=20)


def three() -> dict[str, zd.Problem]:
    return {
        "as it is": toy.problem(),
        "nearer": toy.problem(level={"max_minutes": 6}),
        "apart": toy.problem(zd.Contiguous(), zd.Apart("A1", "A2")),
    }


def objectives(found: dict[str, Any]) -> dict[str, float]:
    return {name: outcome.certificate.objective for name, outcome in found.items()}


# What is sent.


def people(folder: Path) -> tuple[Path, pd.DataFrame]:
    """The tiny county with 32 customers, two in each unit, whose ids and points nothing else has."""
    rng = np.random.default_rng(5)
    rows = []
    for k in range(16):
        for twin in range(2):
            east, north = 450_000 + 1000 * (k % 4), 110_000 + 1000 * (k // 4)
            rows.append(
                {
                    "id": f"PERSON-{k:02d}{twin}",
                    "weekly_hours": 5.0,
                    "easting": east + float(rng.uniform(100, 900)),
                    "northing": north + float(rng.uniform(100, 900)),
                    "client_group": "secret-group",
                    "visits_per_week": 7,
                }
            )
    customers = pd.DataFrame(rows)
    customers.to_csv(folder / "clients.csv", index=False)
    scenario = write_tiny(
        folder,
        units=squares(postcode_of_office=["SECRET-CELL"] * 16),
        changes={'hours_column = "hours"\ncustomers_column = "people"': 'customers = "clients.csv"'},
    )
    return scenario, customers


def test_no_row_of_a_customer_is_in_what_is_sent(tmp_path: Path) -> None:
    scenario, customers = people(tmp_path)
    (variant,) = read_variants([scenario])
    problem = problem_of(variant, {})
    assert problem.units.customers.tolist() == [2.0] * 16
    payload = pickle.dumps(sent(problem))
    for column in ("id", "client_group"):
        assert not [text for text in customers[column] if text.encode() in payload]
    for column in ("easting", "northing"):
        figures = customers[column].to_numpy(dtype=np.float64)
        assert not [figure for figure in figures if np.float64(figure).tobytes() in payload]
        assert not [figure for figure in figures if f"{figure:.3f}".encode() in payload]
    assert b"SECRET-CELL" not in payload
    assert b"clients.csv" not in payload
    assert str(tmp_path).encode() not in payload


def test_what_is_sent_is_small_and_its_plans_are_the_same(tmp_path: Path) -> None:
    scenario, _ = people(tmp_path)
    (variant,) = read_variants([scenario])
    problem = problem_of(variant, {})
    there = sent(problem)
    assert list(there.units.frame.columns) == ["unit"]
    assert there.times.ways is None
    assert there.about.roads is None
    here, away = (zd.solve(each, work=3, threads=1) for each in (problem, there))
    assert here == away
    assert here.certificate.bound == away.certificate.bound


def test_every_rule_goes_along() -> None:
    area = toy.units(authority="council")
    labels = toy.labels()
    problem = toy.problem(
        zd.Contiguous(),
        zd.NestIn("council"),
        zd.NestIn(pd.Series({unit: unit[0] for unit in toy.IDS}), name="halves"),
        zd.Fixed("A1", "west"),
        zd.Together(["A1", "A2"]),
        units=area,
        level={"character": zd.CharacterShare("ruc", ("Urban",), 0.5), "max_miles": 5},
        objective=zd.Objective(change=0.5, borders=0.1, baseline=labels, border="council"),
    )
    there = sent(problem)
    plan = toy.plan(problem)
    same = zd.Plan(there.units, there.times, plan.zone, plan.zone_ids, plan.levels, plan.centres)
    columns = ["rule", "zone", "level", "quantity", "value", "passed"]
    pd.testing.assert_frame_equal(zd.verify(plan, problem)[columns], zd.verify(same, there)[columns])
    assert there.terms(same) == problem.terms(plan)


@pytest.mark.parametrize("as_baseline", [True, False])
def test_a_plan_to_start_from_or_stay_near_goes_along_without_its_shapes(*, as_baseline: bool) -> None:
    base = toy.problem()
    plan = toy.plan(base)
    problem = (
        base.with_(objective=zd.Objective(change=1.0, baseline=plan))
        if as_baseline
        else base.with_(start=plan)
    )
    there = sent(problem)
    given = there.objective.baseline if as_baseline else there.start
    assert given == plan
    assert list(given.of_units.frame.columns) == ["unit"]
    assert there.anchor_centres.tolist() == problem.anchor_centres.tolist()


# Beside this process.


def test_runs_in_processes_beside_this_one_end_as_here() -> None:
    here = objectives(dict(outcomes(three(), QUICK, jobs=1, dask=None)))
    beside = objectives(dict(outcomes(three(), QUICK, jobs=2, dask=None)))
    assert here == pytest.approx(beside)
    assert list(here) == ["as it is", "nearer", "apart"]


class Deadly(str):
    """A name that ends the process which reads it."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (9,)


def test_a_process_that_dies_takes_only_its_own_run_with_it() -> None:
    problems = three() | {"deadly": toy.problem(about=zd.About(name=Deadly("deadly")))}
    found = dict(outcomes(problems, QUICK, jobs=2, dask=None))
    assert found["deadly"].status == "failed"
    assert found["deadly"].error.startswith("the process of this run ended before it did")
    assert {found[name].status for name in three()} == {"optimal"}


ENDLESS = """
import sys, time
from zonedesign.sweep import Options, read_variants, sweep_scenarios

if __name__ == "__main__":
    variants = read_variants([sys.argv[1]], ["levels.1.max_minutes=8,9,10"])
    print("begun", flush=True)
    found = sweep_scenarios(variants, sys.argv[2], Options(time_limit=600), jobs=2,
                            progress=lambda stage, share, said: print(stage, flush=True))
    print([row.status for row in found.rows], found.complete, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent as a signal")
def test_processes_beside_this_one_are_deaf_to_ctrl_c_from_their_first_line(tmp_path: Path) -> None:
    script = tmp_path / "masks.py"
    script.write_text(
        "import signal\n"
        "from joblib import Parallel, delayed\n"
        "from zonedesign.sweep.engines import _interrupts_held\n"
        "def deaf():\n"
        "    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])\n"
        "if __name__ == '__main__':\n"
        "    with _interrupts_held():\n"
        "        found = Parallel(n_jobs=2)(delayed(deaf)() for _ in range(4))\n"
        "    print(found, deaf())\n",
        encoding="utf-8",
    )
    ended = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=True
    )
    assert ended.stdout == "[True, True, True, True] False\n"


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent as a signal")
@pytest.mark.parametrize("seconds", [0.5, 2.0])
def test_ctrl_c_ends_runs_in_other_processes_within_seconds_and_without_a_trace(
    tmp_path: Path, seconds: float
) -> None:
    frame = squares(hours=list(np.random.default_rng(0).integers(8, 13, 16).astype(float)))
    tiny = write_tiny(tmp_path, units=frame, changes={"weekly_hours = [30, 50]": "weekly_hours = [30, 55]"})
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(script), str(tiny), str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        for line in process.stdout:
            if line.strip() == "read":
                break
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert out.strip().splitlines()[-1].endswith(("False", "True"))


@pytest.mark.skipif(os.name == "nt", reason="a process on Windows does not learn that its parent is gone")
def test_a_sweep_that_is_killed_leaves_no_process_at_work(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(
        "import os, sys, time\n"
        "from joblib import Parallel, delayed\n"
        "from zonedesign.sweep.work import leave_with_parent\n"
        "def work(k):\n"
        "    leave_with_parent()\n"
        "    open(os.path.join(sys.argv[1], str(os.getpid())), 'w').close()\n"
        "    time.sleep(300)\n"
        "if __name__ == '__main__':\n"
        "    Parallel(n_jobs=2)(delayed(work)(k) for k in range(2))\n",
        encoding="utf-8",
    )
    seen = tmp_path / "seen"
    seen.mkdir()
    with subprocess.Popen([sys.executable, str(script), str(seen)], start_new_session=True) as process:
        deadline = time.monotonic() + 120
        while len(list(seen.iterdir())) < 2 and time.monotonic() < deadline:
            time.sleep(0.2)
        process.kill()
    workers = [int(each.name) for each in seen.iterdir()]
    assert len(workers) == 2
    while any(map(_runs, workers)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not any(map(_runs, workers))


def _runs(process: int) -> bool:
    """Whether a process is at work: there, and not merely waiting to be taken note of."""
    try:
        state = (Path("/proc") / str(process) / "stat").read_text(encoding="utf-8")
    except OSError:
        return _answers(process) and not Path("/proc/self").exists()
    return state.rpartition(")")[2].split()[0] not in {"Z", "X"}


def _answers(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError:
        return False
    return True


# On a cluster.


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """A scheduler with one worker, both in this process."""
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None, protocol="tcp"
    ) as made:
        yield made.scheduler_address


def test_runs_on_a_cluster_end_as_here(cluster: str) -> None:
    here = objectives(dict(outcomes(three(), QUICK, jobs=1, dask=None)))
    there = objectives(dict(outcomes(three(), QUICK, jobs=None, dask=cluster)))
    assert here == pytest.approx(there)


def test_a_sweep_of_scenarios_runs_on_a_cluster(cluster: str, tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path)
    variants = read_variants([tiny], ["levels.1.max_minutes=8,9"])
    found = sweep_scenarios(variants, tmp_path / "out", Options(work=1), dask=cluster)
    assert all(row.has_plan for row in found.rows)
    assert (tmp_path / "out" / "runs" / found.rows[0].run / "plan.csv").is_file()


def test_an_address_that_does_not_answer_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="distributed is not installed")
    monkeypatch.setattr(ENGINES, "SECONDS_TO_ANSWER", 1)
    with pytest.raises(ScenarioError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9 \("):
        zd.sweep({"one": toy.problem()}, dask="tcp://127.0.0.1:9")


def test_an_address_that_is_none_is_one_line() -> None:
    pytest.importorskip("distributed", reason="distributed is not installed")
    with pytest.raises(ScenarioError, match="no Dask scheduler answers at nonsense"):
        zd.sweep({"one": toy.problem()}, dask="nonsense")


def test_without_the_package_the_way_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(ENGINES, "import_module", absent)
    with pytest.raises(ScenarioError, match=r"pip install 'zonedesign\[dask\]', or leave --dask out"):
        zd.sweep({"one": toy.problem()}, dask="tcp://127.0.0.1:8786")


def test_a_cluster_with_another_version_is_refused(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = {**ENGINES.versions(), "zonedesign": "9.9"}
    client = ENGINES._client(cluster)
    try:
        client.run = lambda _: {"tcp://w": {"zonedesign": "0.0.1"}}
        monkeypatch.setattr(ENGINES, "versions", lambda: ours)
        with pytest.raises(
            ScenarioError, match=r"have zonedesign 0\.0\.1 and here it is 9\.9; install the same"
        ):
            ENGINES._require_workers(client, cluster)
    finally:
        client.close()
