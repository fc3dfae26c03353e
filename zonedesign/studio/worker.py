"""The worker: a process of its own that solves, so that the studio answers meanwhile and survives a crash.

It is started afresh for every job. What it is to do is handed over when it starts; from then on only JSON
goes through the pipe: progress and the result out, "stop" in. It ends by itself when the studio is gone.
"""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign import measures
from zonedesign.certificate import plain, relative_gap
from zonedesign.errors import InfeasibleError, NoPlanError, ZoneDesignError
from zonedesign.studio.lines import plan_of, rows_of
from zonedesign.studio.pins import named_after, pinned
from zonedesign.verify import verify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem
    from zonedesign.studio.store import Row

SECONDS_BETWEEN = 0.2
"""The least time between two words of progress."""
_FIGURES = {
    "objective": re.compile(r"objective (-?[\d.]+)"),
    "bound": re.compile(r"bound (-?[\d.]+)"),
    "gap": re.compile(r"gap ([\d.]+)%"),
}


@dataclass(frozen=True)
class Work:
    """A job: what to do with which plan of which problem, what stays, and for how long at most.

    `known` are plans that may be near one that is sought, such as those before the last edits.
    """

    kind: str
    problem: Problem
    rows: Sequence[Row]
    locked: tuple[str, ...] = ()
    seconds: float = 60.0
    threads: int | None = None
    known: Sequence[Sequence[Row]] = ()


def work(pipe: Connection, job: Work) -> None:
    """Do a job and send what came of it; this is where the process begins."""
    stop = _Stop()
    stop.listen(pipe)
    tell = _Telling(pipe)
    try:
        found = _done(job, tell)
    except InfeasibleError as error:
        found = {"state": "infeasible", "causes": list(error.causes), "said": error.causes[0]}
    except NoPlanError as error:
        found = {"state": "cancelled" if stop.asked else "failed", "said": str(error)}
    except KeyboardInterrupt:
        found = {"state": "cancelled", "said": "stopped before there was anything to show"}
    except MemoryError:
        found = {"state": "failed", "said": "this machine has too little memory for it"}
    except ZoneDesignError as error:
        found = {"state": "failed", "said": str(error)}
    except Exception as error:  # noqa: BLE001  (the studio tells it in one line)
        found = {"state": "failed", "said": f"unexpected {type(error).__name__}: {error}"}
    stop.over = True
    found["stopped"] = stop.asked
    tell.send(found)


def _done(job: Work, tell: _Telling) -> dict[str, Any]:
    problem = job.problem
    plan = plan_of(job.rows, problem)
    rules = pinned(problem, plan, job.locked)
    asked = problem.with_(rules=rules)
    if job.kind == "explain":
        return _explained(asked, plan, job, tell)
    if job.kind == "repair":
        if verify(plan, asked)["passed"].all():
            return {"state": "done", "said": "every rule holds already: there is nothing to repair"}
        return _repaired(asked, plan, job, tell)
    return _solved(asked, plan, job, tell)


def _solved(asked: Problem, plan: Plan, job: Work, tell: _Telling) -> dict[str, Any]:
    from zonedesign.solve import solve  # noqa: PLC0415  (solving is slow to import)

    try:
        found = solve(asked, time_limit=job.seconds, start=plan, threads=job.threads, progress=tell)
    except NoPlanError:
        known = _nearest_known(asked, plan, job)
        if known is None:
            raise
        terms = asked.terms(known)
        return {
            "state": "done",
            "rows": rows_of(named_after(known, plan, job.problem, job.locked)),
            "certificate": {"status": "feasible", "objective": asked.value(terms), "terms": terms},
            "note": "Nothing was found in time. Of the plans kept and the last steps this is the nearest to "
            "yours that keeps every rule and what is locked.",
        }
    facts = {} if found.certificate is None else found.certificate.as_dict()
    keep = ("status", "objective", "bound", "gap", "seconds", "stopped_by", "terms")
    return {
        "state": "done",
        "rows": rows_of(named_after(found, plan, job.problem, job.locked)),
        "certificate": {name: facts.get(name) for name in keep},
        "repairs": list(facts.get("details", {}).get("repairs", ())),
    }


def _nearest_known(asked: Problem, plan: Plan, job: Work) -> Plan | None:
    """Return the plan, of those known, that keeps every rule and has fewest hours in another zone."""
    ids = asked.units.ids
    was = pd.Series(plan.zone, index=plan.of_units.ids).reindex(ids)
    placed = was.notna().to_numpy()
    hours, before = asked.hours[placed], was[placed].to_numpy().astype(np.int64)
    known = [plan_of(rows, job.problem) for rows in job.known]
    whole = [each for each in known if verify(each, asked)["passed"].all()]
    return min(
        whole,
        key=lambda each: measures.moved_share(hours, np.asarray(each.zone)[placed], before),
        default=None,
    )


def _repaired(asked: Problem, plan: Plan, job: Work, tell: _Telling) -> dict[str, Any]:
    """Return the plan that keeps every rule and moves fewest hours out of their zone of `plan`."""
    from zonedesign.questions import smallest_repair  # noqa: PLC0415  (solving is slow to import)
    from zonedesign.solve.start import completed  # noqa: PLC0415

    today = completed(asked, plan)[0]
    found = smallest_repair(
        asked,
        today,
        known=[plan_of(rows, job.problem) for rows in job.known],
        time_limit=job.seconds,
        threads=job.threads,
        progress=tell,
    )
    return {
        "state": "done",
        "rows": rows_of(named_after(found.plan, plan, job.problem, job.locked)),
        "certificate": {
            "objective": found.moved,
            "bound": found.bound,
            "gap": relative_gap(found.moved, found.bound),
        },
    }


def _explained(asked: Problem, plan: Plan, job: Work, tell: _Telling) -> dict[str, Any]:
    """Return why there is no plan; where one is known that keeps every rule, that is said at once."""
    from zonedesign.explain import explain  # noqa: PLC0415

    if verify(plan, asked)["passed"].all():
        return _there_is("there is a plan: the one in hand keeps every rule")
    if any(verify(plan_of(rows, job.problem), asked)["passed"].all() for rows in job.known):
        return _there_is(
            "there is a plan: one of those kept or of the last steps keeps every rule; a repair finds it"
        )
    told = explain(asked, time_limit=job.seconds, threads=job.threads, progress=tell)
    return {"state": "done", "said": told.verdict, "lines": list(told.lines()), "feasible": told.feasible}


def _there_is(said: str) -> dict[str, Any]:
    return {"state": "done", "said": said, "lines": [said], "feasible": True}


class _Telling:
    """Progress, as the solver calls it, sent as JSON: not more often than anybody can read."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._lock = pipe, threading.Lock()
        self._stage, self._at = "", 0.0

    def __call__(self, stage: str, share: float | None, message: str) -> None:
        """Tell how far it is; dropped where the last word was just now."""
        now = time.monotonic()
        if stage == self._stage and now - self._at < SECONDS_BETWEEN:
            return
        self._stage, self._at = stage, now
        self.send(
            {"state": "running", "stage": stage, "share": share, "said": message, **figures_in(message)}
        )

    def send(self, facts: dict[str, Any]) -> None:
        """Send facts; where the studio is gone there is nobody to tell."""
        with self._lock:
            try:
                self._pipe.send_bytes(json.dumps(plain(facts)).encode())
            except (OSError, ValueError):
                os._exit(1)


def figures_in(message: str) -> dict[str, float]:
    """Return objective, bound and gap that a word of progress names."""
    found = {}
    for name, pattern in _FIGURES.items():
        hit = pattern.search(message)
        if hit is not None:
            found[name] = float(hit.group(1)) / (100.0 if name == "gap" else 1.0)
    return found


class _Stop:
    """Has solving end with the best so far when the studio says so: as Ctrl-C does, and once only."""

    def __init__(self) -> None:
        self.asked = self.over = False

    def listen(self, pipe: Connection) -> None:
        """Wait for "stop" beside the work."""
        signal.signal(signal.SIGINT, self._interrupted)

        def wait() -> None:
            try:
                while pipe.recv_bytes() != b"stop":
                    pass
            except (EOFError, OSError):
                os._exit(1)  # the studio is gone, and so is whoever would want the plan
            if not self.over:
                _interrupt()

        threading.Thread(target=wait, name="stop", daemon=True).start()

    def _interrupted(self, *_: Any) -> None:
        if not self.asked and not self.over:
            self.asked = True
            raise KeyboardInterrupt


def _interrupt() -> None:
    """Interrupt the main thread as Ctrl-C does, out of a wait too where the system can."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        import _thread  # noqa: PLC0415  (Windows)

        _thread.interrupt_main()
