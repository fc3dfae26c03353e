"""Jobs: one piece of solving at a time, in a process of its own, with progress and a way to stop it."""

from __future__ import annotations

import json
import multiprocessing
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from zonedesign.errors import ScenarioError
from zonedesign.studio.worker import Work, work

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

SECONDS_TO_STOP = 30.0
"""How long a job that was told to stop may take to hand over its best plan, before it is ended."""

RUNNING = "running"


class BusyError(ScenarioError):
    """Another job runs; one at a time."""


@dataclass(frozen=True)
class Job:
    """A job as it stands: `state` is running, done, cancelled, infeasible, failed or crashed.

    `facts` is what the worker told last: stage, share, objective, bound, gap; at the end the result.
    """

    number: int
    kind: str
    state: str
    began: float
    seconds: float
    facts: Mapping[str, Any] = field(default_factory=dict)
    stopping: bool = False


class Jobs:
    """The one job that runs, or the last one that did. Its methods may be called from any thread."""

    def __init__(self, *, target: Callable[[Connection, Work], None] = work) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._job: Job | None = None
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._listener: threading.Thread | None = None
        self.changes = 0
        """Counts what there was to tell; whoever waits looks whether it has grown."""

    @property
    def job(self) -> Job | None:
        """The job that runs, or the last that did."""
        with self._lock:
            return self._job

    @property
    def running(self) -> bool:
        """Whether a job runs."""
        job = self.job
        return job is not None and job.state == RUNNING

    def start(
        self, order: Work, *, number: int, found: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> Job:
        """Start a job; `found` gets its result before anybody reads it, and what it returns is added.

        Raises `BusyError` while another runs.
        """
        with self._lock:
            if self._job is not None and self._job.state == RUNNING:
                raise BusyError("one job runs already; wait for it, or stop it first")
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            process = context.Process(target=self._target, args=(theirs, order), name="solving", daemon=True)
            process.start()
            theirs.close()  # so that the end of the process is the end of the pipe
            self._job = Job(number, order.kind, RUNNING, time.monotonic(), order.seconds)
            self._process, self._pipe = process, ours
            self._listener = threading.Thread(
                target=self._listen, args=(process, ours, found), name="job", daemon=True
            )
            self._listener.start()
            self.changes += 1
            return self._job

    def stop(self) -> None:
        """Have the job end with the best it has; nothing where none runs."""
        with self._lock:
            if self._job is None or self._job.state != RUNNING or self._pipe is None or self._job.stopping:
                return
            self._job = replace(self._job, stopping=True)
            self.changes += 1
            try:
                self._pipe.send_bytes(b"stop")
            except OSError:  # it has just ended; the listener tells
                return
            late = threading.Timer(SECONDS_TO_STOP, self._end, args=(self._process,))
            late.daemon = True
            late.start()

    def close(self, seconds: float) -> None:
        """Stop the job, wait so long for what it has, and end its process."""
        self.stop()
        if self._listener is not None:
            self._listener.join(seconds)
        self._end(self._process)
        if self._listener is not None:
            self._listener.join(5.0)

    @staticmethod
    def _end(process: BaseProcess | None) -> None:
        if process is not None and process.is_alive():
            process.kill()

    def _listen(
        self,
        process: BaseProcess,
        pipe: Connection,
        found: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    ) -> None:
        """Take in what the worker tells until it ends."""
        last: dict[str, Any] = {"state": RUNNING}
        try:
            while last["state"] == RUNNING:
                last = json.loads(pipe.recv_bytes())
                if last["state"] == RUNNING:
                    self._tell(last)
        except (EOFError, OSError, ValueError):
            last = {}
        if not last:
            process.join(5.0)
            last = self._crashed(process)
        else:
            try:
                last = {**last, **found(last)}
            except Exception as error:  # noqa: BLE001  (the studio goes on, and tells)
                last = {"state": "failed", "said": f"what it found could not be kept: {error}"}
        pipe.close()
        process.join(5.0)
        self._end(process)
        self._tell(last)

    def _crashed(self, process: BaseProcess) -> dict[str, Any]:
        job = self.job
        if job is not None and job.stopping:
            return {"state": "cancelled", "said": "it was ended before it had anything to show"}
        code = process.exitcode
        return {
            "state": "crashed",
            "said": f"solving ended unexpectedly (exit code {code}; perhaps memory ran out). Your plan and "
            "all that was saved are as they were; try again, with less time or more zones locked",
        }

    def _tell(self, facts: Mapping[str, Any]) -> None:
        with self._lock:
            if self._job is not None:
                known = {**self._job.facts, **facts}
                self._job = replace(self._job, state=str(facts["state"]), facts=known)
            self.changes += 1
