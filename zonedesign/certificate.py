"""The certificate: what a solve proved about its plan, as data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from numbers import Integral, Real
from typing import Any

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

    `terms` are the objective's terms before weighting; `seconds` is solving only; `bridges` are pairs of unit
    ids in the order joined; `inputs` maps each input to its SHA-256; `rules` are the verdicts of `verify`.
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
        """Return the certificate as JSON holds it, in the order in which it is written."""
        facts: dict[str, Any] = {
            "status": str(self.status),
            "objective": self.objective,
            "terms": self.terms,
            "bound": self.bound,
            "gap": self.gap,
            "seconds": self.seconds,
            "stopped_by": None if self.stopped_by is None else str(self.stopped_by),
            "seed": self.seed,
            "bridges": self.bridges,
            "inputs": self.inputs,
            "versions": self.versions,
            "details": self.details,
            "rules": self.rules,
        }
        return {name: plain(value) for name, value in facts.items()}


def plain(value: Any) -> Any:
    """Return `value` as JSON holds it: any library's numbers as Python's, NaN and infinite as None."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # numpy's own booleans
        return plain(value.item())
    if isinstance(value, Iterable):
        return [plain(each) for each in value]
    return str(value)


def relative_gap(objective: float | None, bound: float | None) -> float | None:
    """Return (objective - bound) / objective; zero where both are zero, None where either is unknown."""
    if objective is None or bound is None or not math.isfinite(objective) or not math.isfinite(bound):
        return None
    if objective <= 0:
        return 0.0 if objective - bound <= OPTIMAL_GAP else None
    return max(0.0, (objective - bound) / objective)


def status_of(objective: float | None, bound: float | None) -> Status:
    """Return `optimal` if and only if the gap is at most 1e-6, else `feasible`; `unknown` without a plan."""
    if objective is None:
        return Status.UNKNOWN
    gap = relative_gap(objective, bound)
    return Status.OPTIMAL if gap is not None and gap <= OPTIMAL_GAP else Status.FEASIBLE
