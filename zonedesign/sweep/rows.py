"""Rows: what a sweep found, a row for every run, and the sweep as a whole."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign.certificate import Status, plain, relative_gap
from zonedesign.errors import counted
from zonedesign.sweep.work import FAILED, Outcome

if TYPE_CHECKING:
    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

NOT_RUN = "not run"
"""The status of a run that the sweep was stopped before."""
BEFORE, BY_SOLVING = "before solving", "by solving"
TERMS = ("mean_minutes", "moved", "crossing", "boundary")
SETTLED = tuple(
    str(status) for status in (Status.OPTIMAL, Status.FEASIBLE, Status.INFEASIBLE, Status.UNKNOWN)
)
"""What is an answer to the settings of a run, and not asked again; a failure is."""


@dataclass(frozen=True)
class Row:
    """How one run ended.

    `settings` says what was varied; `said` is what was said of its borders before solving; `causes` why no
    plan can exist, and `proved` whether that was seen before solving or by it; `weights` are the objective's.
    `zones` is how many there are of each level, `worst_minutes` the longest way between a centre and a unit,
    `broken` the checks of the rules that fail: none, in any plan that is kept. `run` is its folder's name;
    `sketch` says that minutes are those of sketch roads, and `taken_from` which other run's plan it is, where
    that keeps this run's rules too and is better than its own.
    """

    name: str
    scenario: str = ""
    settings: str = ""
    status: str = NOT_RUN
    objective: float | None = None
    terms: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    bound: float | None = None
    gap: float | None = None
    stopped_by: str | None = None
    zones: Mapping[str, int] = field(default_factory=dict)
    worst_minutes: float | None = None
    seconds: float | None = None
    broken: int | None = None
    proved: str | None = None
    causes: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    error: str = ""
    run: str = ""
    sketch: bool = False
    taken_from: str | None = None

    @property
    def settled(self) -> bool:
        """Whether the run has its answer: a plan, a proof that none exists, or neither in its limits."""
        return self.status in SETTLED

    @property
    def has_plan(self) -> bool:
        """Whether the run ended with a plan."""
        return self.status in {str(Status.OPTIMAL), str(Status.FEASIBLE)}

    def as_dict(self) -> dict[str, Any]:
        """Return the row as JSON holds it."""
        found: dict[str, Any] = plain(asdict(self))
        return found

    @classmethod
    def of_dict(cls, facts: Mapping[str, Any]) -> Row:
        """Return the row that `as_dict` gave; TypeError, KeyError or ValueError for anything else."""
        known = {each.name for each in fields(cls)}
        if not set(facts) <= known:
            raise KeyError(min(set(facts) - known))
        row = cls(**{**facts, "causes": tuple(facts["causes"]), "said": tuple(facts["said"])})
        if row.status not in SETTLED or not all(
            isinstance(each, Mapping) for each in (row.terms, row.weights, row.zones)
        ):
            raise ValueError(row.status)
        return row

    def flat(self) -> dict[str, Any]:
        """Return the row as a line of a table: a column for each term and each level."""
        return {
            "run": self.run,
            "scenario": self.scenario,
            "name": self.name,
            "settings": self.settings,
            "status": self.status,
            "objective": self.objective,
            **{term: self.terms.get(term) for term in TERMS},
            "bound": self.bound,
            "gap": self.gap,
            "stopped_by": self.stopped_by,
            "zones": sum(self.zones.values()) if self.zones else None,
            **{f"zones_{level}": number for level, number in self.zones.items()},
            "worst_minutes": self.worst_minutes,
            "seconds": self.seconds,
            "broken": self.broken,
            "sketch_roads": self.sketch,
            "taken_from": self.taken_from,
            "proved": self.proved,
            "causes": " | ".join(self.causes) or None,
            "said": " | ".join(self.said) or None,
            "error": self.error or None,
        }


def weights_of(problem: Problem) -> dict[str, float]:
    """Return the weights of the objective, by term."""
    goal = problem.objective
    return dict(zip(TERMS, (goal.travel, goal.change, goal.borders, goal.cut), strict=True))


def facts_of(outcome: Outcome, plan: Plan | None, problem: Problem) -> dict[str, Any]:
    """Return what a row says of how its run ended, to put into it."""
    facts: dict[str, Any] = {
        "status": outcome.status,
        "seconds": outcome.seconds,
        "weights": weights_of(problem),
        "error": outcome.error,
    }
    if outcome.status == Status.INFEASIBLE:
        facts |= {"causes": outcome.causes, "proved": BY_SOLVING}
    if plan is None:
        return facts
    proved, terms = plan.certificate, problem.terms(plan)
    objective = problem.value(terms)
    bound = None if proved is None else proved.bound
    worst = float(np.asarray(plan.units["reach_minutes"], dtype=np.float64).max(initial=0.0))
    return {
        **facts,
        "objective": objective,
        "terms": terms,
        "bound": bound,
        "gap": relative_gap(objective, bound),
        "stopped_by": None if proved is None or proved.stopped_by is None else str(proved.stopped_by),
        "zones": {level.name: plan.levels.count(level.name) for level in problem.levels},
        "worst_minutes": worst if math.isfinite(worst) else None,
        "broken": 0,
    }


@dataclass(frozen=True, eq=False, repr=False)
class Sweep:
    """What many runs found: a row each, the plans by name, and whether all were done.

    `plans` holds those of runs that were solved now; those of a folder that was there before are in it.
    """

    rows: tuple[Row, ...]
    plans: Mapping[str, Plan] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every run was done or failed; not after Ctrl-C."""
        return all(row.status != NOT_RUN for row in self.rows)

    @property
    def table(self) -> pd.DataFrame:
        """Frame with a row per run, on their names: settings, status, objective, terms, bound, gap, zones."""
        lines = [row.flat() for row in self.rows]
        frame = pd.DataFrame(lines, columns=columns_of(lines))
        return frame.set_index(pd.Index(frame.pop("name"), name="name")).drop(columns="run")

    def __repr__(self) -> str:
        plans = sum(row.has_plan for row in self.rows)
        none = sum(row.status == Status.INFEASIBLE for row in self.rows)
        failed = sum(row.status == FAILED for row in self.rows)
        more = f", {failed:,} failed" if failed else ""
        left = "" if self.complete else f", {sum(row.status == NOT_RUN for row in self.rows):,} not run"
        runs = counted(len(self.rows), "run")
        return f"<Sweep: {runs}, {plans:,} with a plan, {none:,} that can have none{more}{left}>"


def columns_of(lines: list[dict[str, Any]]) -> list[str]:
    """Return the columns of lines in their order, those of levels that only some have among the others."""
    fixed = list(Row(name="").flat())
    levels = dict.fromkeys(name for line in lines for name in line if name not in fixed)
    at = fixed.index("zones") + 1
    return [*fixed[:at], *levels, *fixed[at:]]
