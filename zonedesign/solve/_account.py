"""Account: the best plan of a certification, what is proved beside it, and why it stopped."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.certificate import Status, StoppedBy, relative_gap, status_of
from zonedesign.errors import SolverError
from zonedesign.model import Ended

if TYPE_CHECKING:
    from collections.abc import Callable

    from zonedesign.model import Solved
    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

ROUNDING = 1e-9
"""Relative differences that are nothing but rounding."""


@dataclass(frozen=True)
class Limits:
    """When to stop: `seconds`, a relative `gap`, a number of `nodes` of all rounds (the work limit).

    `stop` is asked now and then, from any thread, and ends the work as an interrupt does; `heard` is told the
    bound as it rises.
    """

    seconds: float = 300.0
    gap: float = 0.0
    nodes: int | None = None
    seed: int = 0
    threads: int | None = None
    stop: Callable[[], bool] | None = None
    heard: Callable[[float], None] | None = None


@dataclass(frozen=True, eq=False)
class Outcome:
    """What certifying came to; `bound` holds for the whole problem, however the rounds ended.

    `plan` is None where none was found, `status` then `infeasible` (proved) or `unknown`. `settled` says that
    nothing was left to do: no plan below the aim is unknown.
    """

    status: Status
    plan: Plan | None = None
    objective: float | None = None
    bound: float | None = None
    stopped_by: StoppedBy | None = None
    rounds: int = 0
    cuts: int = 0
    nodes: int = 0
    seconds: float = 0.0
    settled: bool = False

    @property
    def gap(self) -> float | None:
        """The relative gap, or None where there is no plan or no bound."""
        return relative_gap(self.objective, self.bound)


@dataclass(eq=False)
class Account:
    """The best plan and the bound while they change.

    `aim` is what the program still knows of: what was closed leaves no plan below it out, so that a bound of
    the program holds for the problem up to there and no further.
    """

    problem: Problem
    limits: Limits
    began: float
    best: Plan | None = None
    objective: float | None = None
    bound: float = -np.inf
    aim: float = np.inf
    stopped_by: StoppedBy | None = None
    infeasible: bool = False
    finished: bool = False
    rounds: int = 0
    cuts: int = 0
    nodes: int = 0

    @property
    def deadline(self) -> float:
        """When the time is up, on `time.monotonic`."""
        return self.began + self.limits.seconds

    @property
    def worth(self) -> float:
        """The objective that a plan must stay below to be of use: the best plan's or the aim."""
        return self.aim if self.objective is None else min(self.aim, self.objective)

    def offer(self, plan: Plan) -> None:
        """Keep a plan if it is the best so far."""
        objective = self.problem.value(self.problem.terms(plan))
        if self.objective is None or objective < self.objective:
            self.best, self.objective = plan, objective

    def closed(self) -> None:
        """Take note that pairs were closed which no plan below `worth` uses."""
        self.aim = self.worth

    def raise_bound(self, bound: float) -> None:
        """Raise the bound to one of the program."""
        self.bound = max(self.bound, min(bound, self.aim))

    def tell(self) -> None:
        """Tell whoever listens the bound."""
        if self.limits.heard is not None and self.finite_bound is not None:
            self.limits.heard(self.finite_bound)

    def no_plan(self) -> None:
        """Take note that the program has no plan: none at all, or none below the aim."""
        self.finished = True
        if np.isfinite(self.aim):
            self.bound = max(self.bound, self.aim)
        elif self.objective is None:
            self.infeasible = True
        else:
            raise SolverError(
                "HiGHS proved that there is no plan although one is known; please report this scenario"
            )

    def note_stop(self, solved: Solved) -> None:
        """Take note of why a run of the engine stopped early."""
        if solved.ended is Ended.INTERRUPT:
            self.stopped_by = StoppedBy.INTERRUPT
        elif (
            time.monotonic() < self.deadline
            and self.limits.nodes is not None
            and self.nodes >= self.limits.nodes
        ):
            self.stopped_by = StoppedBy.WORK

    def ended(self) -> bool:
        """Return whether there is nothing left to do or nothing left to do it with."""
        if self.finished or self.stopped_by is not None or self.settled:
            return True
        if self.limits.stop is not None and self.limits.stop():
            self.stopped_by = StoppedBy.INTERRUPT
            return True
        if self.limits.nodes is not None and self.nodes >= self.limits.nodes:
            self.stopped_by = StoppedBy.WORK
        elif time.monotonic() >= self.deadline:
            self.stopped_by = StoppedBy.TIME
        return self.stopped_by is not None

    @property
    def settled(self) -> bool:
        """Whether the gap is reached, or everything below the aim is known."""
        gap = relative_gap(self.objective, self.finite_bound)
        near = max(self.limits.gap, ROUNDING)
        by_aim = np.isfinite(self.aim) and self.bound >= self.aim - ROUNDING * abs(self.aim)
        return self.finished or by_aim or (gap is not None and gap <= near)

    @property
    def finite_bound(self) -> float | None:
        """The bound, None where there is none."""
        if not np.isfinite(self.bound):
            return None
        # Rounding in the last digits must not put the bound above the plan.
        return self.bound if self.objective is None else min(self.bound, self.objective)

    def outcome(self) -> Outcome:
        """Return what was found and proved."""
        status = Status.INFEASIBLE if self.infeasible else status_of(self.objective, self.finite_bound)
        done = status in (Status.OPTIMAL, Status.INFEASIBLE)
        gap = relative_gap(self.objective, self.finite_bound)
        by_gap = gap is not None and gap <= self.limits.gap
        return Outcome(
            status,
            self.best,
            self.objective,
            None if self.infeasible else self.finite_bound,
            None if done else StoppedBy.GAP if by_gap else self.stopped_by,
            self.rounds,
            self.cuts,
            self.nodes,
            time.monotonic() - self.began,
            self.settled,
        )
