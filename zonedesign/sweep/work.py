"""Work: one run of a sweep, wherever it happens: a problem in, plain arrays out, and no exceptions."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from zonedesign.certificate import Status, StoppedBy
from zonedesign.errors import (
    InfeasibleError,
    NoPlanError,
    ScenarioError,
    ZoneDesignError,
    require_number,
)
from zonedesign.plan import Plan
from zonedesign.solve import solve

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zonedesign.certificate import Certificate
    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]

log = logging.getLogger(__name__)

SECONDS_TO_FOLLOW = 1.0
FAILED = "failed"
"""The status of a run that gave neither a plan nor a proof, for a reason of its own."""


@dataclass(frozen=True)
class Options:
    """How every run of a sweep is solved; the words are those of `solve`."""

    time_limit: float = 300.0
    gap: float = 0.0
    seed: int = 0
    work: int | None = None

    def __post_init__(self) -> None:
        require_number("time_limit", self.time_limit, "a number of seconds above 0", lambda v: v > 0)
        require_number("gap", self.gap, "a share from 0 to 1", lambda v: 0 <= v <= 1)
        require_number("seed", self.seed, "a whole number, 0 or more", lambda v: v >= 0 and v % 1 == 0)
        if self.work is not None:
            require_number("work", self.work, "a whole number above 0", lambda v: v >= 1 and v % 1 == 0)


@dataclass(frozen=True, eq=False)
class Outcome:
    """How one run ended: its `status`, a plan as arrays where there is one, else the causes or the error."""

    status: str
    zone: Ints | None = None
    zone_ids: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    centres: Ints | None = None
    certificate: Certificate | None = None
    causes: tuple[str, ...] = ()
    error: str = ""
    seconds: float = 0.0

    def plan_on(self, problem: Problem) -> Plan | None:
        """Return the plan on the units of a problem, or None where the run gave none."""
        if self.zone is None or self.centres is None:
            return None
        return Plan(
            problem.units,
            problem.times,
            self.zone,
            self.zone_ids,
            self.levels,
            self.centres,
            certificate=self.certificate,
        )


def run(problem: Problem, options: Options, threads: int) -> Outcome:
    """Return how the run of a problem ended; only Ctrl-C comes out as an exception."""
    began = time.monotonic()
    try:
        plan = solve(
            problem,
            time_limit=options.time_limit,
            gap=options.gap,
            seed=options.seed,
            threads=threads,
            work=options.work,
            start=problem.start if isinstance(problem.start, Plan) else None,
        )
    except InfeasibleError as error:
        return Outcome(str(Status.INFEASIBLE), causes=tuple(error.causes), seconds=time.monotonic() - began)
    except NoPlanError as error:
        if str(error).startswith("interrupted"):  # so `solve` says where Ctrl-C came before any plan
            raise KeyboardInterrupt from error
        return Outcome(str(Status.UNKNOWN), error=str(error), seconds=time.monotonic() - began)
    except Exception as error:  # noqa: BLE001  (whatever it is, the other runs go on)
        return failed(error, time.monotonic() - began)
    proved = plan.certificate
    if proved is not None and proved.stopped_by is StoppedBy.INTERRUPT:
        raise KeyboardInterrupt
    return Outcome(
        str(Status.FEASIBLE if proved is None else proved.status),
        plan.zone,
        plan.zone_ids,
        plan.levels,
        plan.centres,
        certificate=proved,
        seconds=time.monotonic() - began if proved is None else proved.seconds,
    )


def failed(error: BaseException, seconds: float = 0.0) -> Outcome:
    """Return the outcome that an error is, in one line."""
    log.debug("a run failed", exc_info=error)
    line = " ".join(str(error).split())
    if isinstance(error, OSError) and not isinstance(error, ZoneDesignError):
        where = f"{error.filename}: " if error.filename else ""
        line = f"cannot read or write {where}{error.strerror or line}"
    elif isinstance(error, MemoryError):
        line = "too little memory for this run; do fewer at once (--jobs), or use larger units"
    elif not isinstance(error, ZoneDesignError):
        line = f"unexpected {type(error).__name__}: {line}"
    return Outcome(FAILED, error=line, seconds=seconds)


def run_elsewhere(problem: Problem, options: Options, threads: int) -> Outcome:
    """Return what `run` does in a process of its own: Ctrl-C is for the process that started it."""
    if multiprocessing.parent_process() is not None and _in_main_thread():
        with suppress(ValueError, OSError):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return run(problem, options, threads or _share_of_cores())
    except KeyboardInterrupt:
        return failed(ScenarioError("interrupted where it ran"))


@cache
def leave_with_parent() -> None:
    """Have this process end soon after the one that started it, even where that was killed.

    Once a process; Windows does not say that a parent is gone, and joblib ends idle processes by itself.
    """
    if os.name != "nt":
        threading.Thread(target=_follow, args=(os.getppid(),), name="follow", daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(SECONDS_TO_FOLLOW)
    os._exit(1)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _share_of_cores() -> int:
    """Return how many threads a run has on a Dask worker: its cores, shared by the runs it does at once."""
    from distributed import get_worker  # noqa: PLC0415  (optional)

    at_once = int(get_worker().state.nthreads)
    return max(1, (os.cpu_count() or 1) // max(1, at_once))
