"""Jobs of the studio: what is locked stays, what is found is kept, a stop gives the best so far, a crash loses nothing."""

from __future__ import annotations

import json
import os
import threading
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from studio_desk import client, lines, studio
from tiny_county import IDS

import zonedesign as zd
from zonedesign.errors import NoPlanError
from zonedesign.studio import settings, worker
from zonedesign.studio.jobs import BusyError, Jobs
from zonedesign.studio.lines import plan_of
from zonedesign.studio.worker import Work, figures_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from multiprocessing.connection import Connection

SECONDS = 60.0


def crashes(pipe: Connection, _: Work) -> None:
    pipe.send_bytes(json.dumps({"state": "running", "said": "here"}).encode())
    os._exit(9)


def waits(pipe: Connection, _: Work) -> None:
    """Works until it is told to stop, then hands over what it has."""
    pipe.send_bytes(json.dumps({"state": "running", "stage": "search", "objective": 2.5}).encode())
    assert pipe.recv_bytes() == b"stop"
    pipe.send_bytes(
        json.dumps({"state": "done", "stopped": True, "rows": [["u00", "a", "1", "u00"]]}).encode()
    )


def lies(pipe: Connection, _: Work) -> None:
    pipe.send_bytes(b"\xff no JSON")


def deaf(pipe: Connection, _: Work) -> None:
    pipe.send_bytes(json.dumps({"state": "running"}).encode())
    time.sleep(600)


def until(holds: Callable[[], Any]) -> Any:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        found = holds()
        if found:
            return found
        time.sleep(0.02)
    pytest.fail("it did not come to that in time")


def nothing(_: Mapping[str, Any]) -> Mapping[str, Any]:
    return {}


@pytest.fixture
def jobs(request):
    made = Jobs(target=request.param)
    yield made
    made.close(5)


ORDER: Any = Work("finish", None, ())  # type: ignore[arg-type]


@pytest.mark.parametrize("jobs", [crashes], indirect=True)
def test_a_crash_of_the_worker_is_told_and_another_job_may_follow(jobs):
    jobs.start(ORDER, number=1, found=nothing)
    until(lambda: not jobs.running)
    assert jobs.job.state == "crashed"
    assert "exit code 9" in jobs.job.facts["said"]
    assert "all that was saved are as they were" in jobs.job.facts["said"]
    assert jobs.start(ORDER, number=2, found=nothing).number == 2
    until(lambda: not jobs.running)


@pytest.mark.parametrize("jobs", [lies], indirect=True)
def test_a_worker_that_says_nonsense_is_one_that_broke_off(jobs):
    jobs.start(ORDER, number=1, found=nothing)
    until(lambda: not jobs.running)
    assert jobs.job.state == "crashed"


@pytest.mark.parametrize("jobs", [waits], indirect=True)
def test_a_stop_gives_what_there_is_and_a_second_job_waits_for_it(jobs):
    kept: list[Any] = []

    def keep(facts: Mapping[str, Any]) -> Mapping[str, Any]:
        kept.append((facts["rows"], jobs.job.state))
        return {"plan": 7}

    jobs.start(ORDER, number=1, found=keep)
    until(lambda: jobs.job.facts.get("objective") == 2.5)
    with pytest.raises(BusyError, match="one job runs already; wait for it, or stop it first"):
        jobs.start(ORDER, number=2, found=keep)
    jobs.stop()
    jobs.stop()
    until(lambda: not jobs.running)
    assert kept == [([["u00", "a", "1", "u00"]], "running")]  # kept before anybody hears of it
    assert (jobs.job.state, jobs.job.facts["plan"], jobs.job.facts["stopped"]) == ("done", 7, True)


@pytest.mark.parametrize("jobs", [waits], indirect=True)
def test_what_cannot_be_kept_is_told(jobs):
    def fails(_: Mapping[str, Any]) -> Mapping[str, Any]:
        raise zd.DataError("the disk is full")

    jobs.start(ORDER, number=1, found=fails)
    until(lambda: jobs.job.facts)
    jobs.stop()
    until(lambda: not jobs.running)
    assert jobs.job.state == "failed"
    assert jobs.job.facts["said"] == "what it found could not be kept: the disk is full"


@pytest.mark.parametrize("jobs", [deaf], indirect=True)
def test_a_worker_that_does_not_hear_is_ended(jobs, monkeypatch):
    monkeypatch.setattr("zonedesign.studio.jobs.SECONDS_TO_STOP", 0.2)
    jobs.start(ORDER, number=1, found=nothing)
    until(lambda: jobs.job.facts)
    jobs.stop()
    until(lambda: not jobs.running)
    assert jobs.job.state == "cancelled"


@pytest.mark.parametrize("jobs", [waits], indirect=True)
def test_no_process_and_no_thread_is_left_behind(jobs):
    jobs.start(ORDER, number=1, found=nothing)
    until(lambda: jobs.job.facts)
    process = jobs._process
    jobs.close(10)
    assert not process.is_alive()
    assert [thread.name for thread in threading.enumerate() if thread.name == "job"] == []


def test_figures_are_read_from_words_of_progress():
    assert figures_in("objective 2.6649, bound -0.5, gap 2.98%") == {
        "objective": 2.6649, "bound": -0.5, "gap": pytest.approx(0.0298),
    }  # fmt: skip
    assert figures_in("looking") == {}


# The worker itself, on the county of sixteen squares.


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with studio(tmp_path_factory.mktemp("county")) as made:
        yield made


def done(served: Any, **order: Any) -> dict[str, Any]:
    asks = client(served)
    answer = asks.post("/api/job", json={"seconds": 20, "locked": [], **order})
    assert answer.status_code == 202, answer.text
    return until(lambda: (job := asks.get("/api/state").json()["job"])["state"] != "running" and job)


def rows_found(served: Any, job: dict[str, Any]) -> list[Any]:
    return client(served).get(f"/api/plans/{job['plan']}").json()["rows"]


def in_zone(rows: list[Any], zone: str) -> list[str]:
    return [row[0] for row in rows if row[1] == zone]


def test_finishing_leaves_locked_zones_as_they_are_and_keeps_every_rule(served):
    # 1-01 is an L that no optimum has: u00, u01, u04, u08 instead of the square.
    order = lines(u05=None, u08="1-01", u09=None, u12=None, u13=None, u06=None)
    job = done(served, kind="finish", rows=order, locked=["1-01"])
    assert job["state"] == "done", job
    rows = rows_found(served, job)
    assert in_zone(rows, "1-01") == ["u00", "u01", "u04", "u08"]
    assert [row[0] for row in rows] == IDS
    problem = served.desk.setting.problem
    assert zd.verify(plan_of([tuple(row) for row in rows], problem), problem)["passed"].all()
    assert job["before"]["without_zone"] == 5
    assert (job["after"]["without_zone"], job["after"]["broken"]) == (0, 0)
    assert job["certificate"]["bound"] <= job["certificate"]["objective"]


def test_a_repair_moves_the_fewest_hours_and_names_zones_as_they_were(served):
    # Two units of 1-01 went to 1-02, which has 60 hours now, more than 50; one back is enough.
    job = done(served, kind="repair", rows=lines(u01="1-02", u05="1-02"))
    assert job["state"] == "done", job
    assert job["after"]["broken"] == 0
    rows = rows_found(served, job)
    before = {line["unit"]: line["zone"] for line in lines(u01="1-02", u05="1-02")}
    moved = [row[0] for row in rows if row[1] != before[row[0]]]
    assert len(moved) == 1
    assert job["certificate"]["objective"] == pytest.approx(10 / 160)
    assert {row[1] for row in rows} == {"1-01", "1-02", "1-03", "1-04"}


def test_a_repair_is_looked_for_near_the_plans_before(served):
    asks = client(served)
    version = asks.get("/api/state").json()["version"]
    asks.put("/api/working", json={"rows": lines(u05=None), "label": "open", "after": version})
    known = served.desk.near()
    assert [row[1] for row in known[0]] == [line["zone"] for line in lines()]
    assert known[-2][5] == ("u05", None, None, None)  # one that lacks a unit is no repair, and does no harm
    job = done(served, kind="repair", rows=lines(u01="1-02", u05="1-02"))
    assert job["certificate"]["gap"] == pytest.approx(0.0, abs=1e-9)


def test_there_is_nothing_to_repair_where_every_rule_holds(served):
    job = done(served, kind="repair", rows=lines())
    assert (job["state"], job["said"]) == ("done", "every rule holds already: there is nothing to repair")
    assert "plan" not in job


def test_what_locks_make_impossible_is_told_with_its_causes(served):
    order = lines(u01="1-02", u05="1-02")
    job = done(served, kind="finish", rows=order, locked=["1-02"])
    assert job["state"] == "infeasible"
    assert job["causes"]
    assert "plan" not in job
    told = done(served, kind="explain", rows=order, locked=["1-02"])
    assert (told["state"], told["feasible"]) == ("done", False)
    assert told["lines"]


def test_where_a_plan_is_known_that_keeps_every_rule_there_is_nothing_to_explain(served, monkeypatch):
    monkeypatch.setattr(
        import_module("zonedesign.explain"), "explain", lambda *_, **__: pytest.fail("it was looked for")
    )
    told = in_this_process(served, lines())
    assert told["lines"] == ["there is a plan: the one in hand keeps every rule"]
    told = in_this_process(served, lines(u01="1-02", u05="1-02"), locked=["1-04"])
    assert told["feasible"]
    assert told["lines"][0].startswith("there is a plan: one of those kept or of the last steps keeps")


def test_where_nothing_is_found_in_time_the_nearest_plan_known_is_handed_over(served, monkeypatch):
    def finds_nothing(*_: object, **__: object) -> None:
        raise NoPlanError("no plan found in 20 s")

    monkeypatch.setattr(import_module("zonedesign.solve"), "solve", finds_nothing)
    told = in_this_process(served, lines(u01="1-02", u05="1-02"), locked=["1-04"], kind="finish")
    assert [row[1] for row in told["rows"]] == [line["zone"] for line in lines()]
    assert told["note"].startswith("Nothing was found in time")
    assert told["certificate"]["objective"] > 0
    with pytest.raises(NoPlanError):
        in_this_process(served, lines(u01="1-02", u05="1-02"), locked=["1-02"], kind="finish")


def in_this_process(served, order, locked=(), kind="explain"):
    """Do a job without a worker; the one plan known is the plan that keeps every rule."""
    rows, known = (served.desk.lines([settings.Line(**line) for line in each]) for each in (order, lines()))
    problem = served.desk.setting.problem
    return worker._done(Work(kind, problem, rows, locked=tuple(locked), known=[known]), lambda *_: None)


def test_a_zone_that_the_plan_lacks_is_refused_before_anything_starts(served):
    answer = client(served).post("/api/job", json={"kind": "finish", "rows": lines(), "locked": ["1-0l"]})
    assert answer.status_code == 400
    assert "has no zone 1-0l to lock" in answer.json()["error"]


def test_what_a_job_found_has_its_name_its_reason_and_its_figures(served):
    job = done(served, kind="finish", rows=lines(), locked=["1-03"])
    (kept,) = [each for each in client(served).get("/api/state").json()["plans"] if each["id"] == job["plan"]]
    assert kept["name"].startswith("Finished ")
    assert kept["origin"] == "found"
    assert kept["reason"] == "finish, 20 s at most; locked: 1-03"
    assert kept["about"]["figures"]["broken"] == 0
