"""Standing: the best plan and the best bound so far, shared by the search and the proof beside it."""

from __future__ import annotations

import logging
import math
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zonedesign.certificate import OPTIMAL_GAP, StoppedBy, relative_gap
from zonedesign.errors import listed
from zonedesign.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem
    from zonedesign.progress import Progress

log = logging.getLogger(__name__)

SECONDS_TO_LOOK = 0.1
"""Seconds between two looks at whether there is a plan."""


@dataclass(eq=False)
class Standing:
    """What a run has come to: a plan that passes `verify`, a bound, and whether to go on.

    `causes` say why there is no plan, where that is proved; `troubles` are failures on the way that cost no
    result. While the proof, or programs beside it, want its threads the search is `resting`. `interrupted`
    tells of a Ctrl-C that something swallowed. Its methods may be called from any thread.
    """

    problem: Problem
    time_limit: float
    gap: float
    work: int | None
    progress: Progress
    best: Plan | None = None
    objective: float = math.inf
    bound: float = -math.inf
    stopped_by: StoppedBy | None = None
    causes: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    resting: bool = False
    interrupted: Callable[[], bool] = lambda: False
    _halted: threading.Event = field(default_factory=threading.Event)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def seconds(self) -> float:
        """Seconds since solving began."""
        return time.monotonic() - self.began

    @property
    def left(self) -> float:
        """Seconds of the time limit that are left; no end where work is what limits."""
        return math.inf if self.work is not None else max(0.0, self.time_limit - self.seconds)

    def deadline(self, share: float) -> float:
        """Return when a step must end that may go on until this share of the time is used."""
        return math.inf if self.work is not None else self.began + min(1.0, share) * self.time_limit

    @property
    def enough(self) -> float:
        """The objective that would meet the gap asked for, by the bound so far."""
        gap = max(self.gap, OPTIMAL_GAP)
        return -math.inf if self.bound <= 0 or gap >= 1 else self.bound / (1.0 - gap)

    def halt(self) -> None:
        """Have everybody stop."""
        self._halted.set()

    def done(self) -> bool:
        """Return whether the gap is reached, time is up or nothing can be found; notes which."""
        with self._lock:
            if self.causes or self._halted.is_set():
                return True
            left = relative_gap(self.objective, self.bound) if self.best is not None else None
            if left is not None and left <= max(self.gap, OPTIMAL_GAP):
                self.stopped_by = StoppedBy.GAP
                return True
            if self.interrupted():
                self.stopped_by = StoppedBy.INTERRUPT
                return True
            if self.left <= 0:
                self.stopped_by = StoppedBy.TIME
                return True
            return False

    def take(self, plan: Plan) -> bool:
        """Keep a plan where it is better than the best and passes verification; return whether it was."""
        objective = self.problem.value(self.problem.terms(plan))
        if not objective < self.objective:
            return False
        verdicts = verify(plan, self.problem)
        if not verdicts["passed"].all():
            broken = verdicts.loc[~verdicts["passed"].astype(bool), "rule"].unique()
            log.warning("a plan that was found breaks %s and is not used", listed(broken))
            return False
        with self._lock:
            if objective < self.objective:
                self.best, self.objective = plan, objective
                return True
            return False

    def wait_for_plan(self) -> None:
        """Wait until there is a plan, or nobody goes on."""
        while self.best is None and not self.done():
            self._halted.wait(SECONDS_TO_LOOK)

    def raise_bound(self, value: float) -> None:
        """Keep a bound where it is better."""
        with self._lock:
            self.bound = max(self.bound, value)

    def settled(self) -> tuple[Plan | None, float, float]:
        """Return the best plan, its objective and the bound as they stand together, whatever comes later."""
        with self._lock:
            return self.best, self.objective, self.bound

    def failed(self, what: str, error: Exception) -> None:
        """Take note of a failure that costs no result: what is known stays, and the others go on."""
        log.warning("%s failed and is left out: %s", what, error, exc_info=error)
        with self._lock:
            self.troubles.append(f"{what} failed: {type(error).__name__}: {error}")

    def tell(self, stage: str, share: float | None = None) -> None:
        """Report objective, bound and gap."""
        left = relative_gap(self.objective if self.best is not None else None, self.bound)
        said = "no plan yet" if self.best is None else f"objective {self.objective:.4f}"
        proved = "" if left is None else f", gap {left:.2%}"
        if share is None:
            share = min(1.0, self.seconds / self.time_limit)
        known = "no bound yet" if math.isinf(self.bound) else f"bound {self.bound:.4f}"
        self.progress(stage, share, f"{said}, {known}{proved}")
