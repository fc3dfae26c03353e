"""The certificate: what a solve proved about its plan, as data."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

OPTIMAL_GAP = 1e-6


class Status(StrEnum):
    """How far a solve came."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNKNOWN = "unknown"


class StoppedBy(StrEnum):
    """What ended a solve that did not prove its plan optimal."""

    GAP = "gap"
    TIME = "time"
    WORK = "work"
    INTERRUPT = "interrupt"


@dataclass(frozen=True)
class Certificate:
    """What is proved of a plan: `bound` <= `objective`, `gap` = (objective - bound) / objective.

    `terms` are the objective's terms before weighting; `seconds` is solving only; `bridges` are pairs of unit ids in
    the order joined; `inputs` maps each input to its SHA-256; `rules` are the verdicts of `verify`, row by row.
    """

    status: Status
    objective: float | None = None
    terms: Mapping[str, float] = field(default_factory=dict)
    bound: float | None = None
    seconds: float = 0.0
    stopped_by: StoppedBy | None = None
    seed: int | None = None
    bridges: tuple[tuple[Any, Any], ...] = ()
    inputs: Mapping[str, str | None] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Mapping[str, Any], ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def gap(self) -> float | None:
        """The relative gap, at least 0; None where there is no bound or no objective."""
        return relative_gap(self.objective, self.bound)

    def as_dict(self) -> dict[str, Any]:
        """Return the certificate as plain data in the order in which it is written, without NaN."""
        plain = asdict(self)
        plain["status"] = str(self.status)
        plain["stopped_by"] = None if self.stopped_by is None else str(self.stopped_by)
        plain["bridges"] = [list(pair) for pair in self.bridges]
        order = ["status", "objective", "terms", "bound", "gap", "seconds", "stopped_by", "seed", "bridges"]
        plain["gap"] = self.gap
        return {key: plain[key] for key in [*order, "inputs", "versions", "details", "rules"]}


def relative_gap(objective: float | None, bound: float | None) -> float | None:
    """Return (objective - bound) / objective; zero where both are zero, None where either is unknown."""
    if objective is None or bound is None or not math.isfinite(bound):
        return None
    if objective <= 0:
        return 0.0 if objective - bound <= OPTIMAL_GAP else None
    return max(0.0, (objective - bound) / objective)


def status_of(objective: float | None, bound: float | None) -> Status:
    """Return `optimal` if and only if the gap is at most 1e-6, `feasible` for any other plan, else `unknown`."""
    if objective is None:
        return Status.UNKNOWN
    gap = relative_gap(objective, bound)
    return Status.OPTIMAL if gap is not None and gap <= OPTIMAL_GAP else Status.FEASIBLE
