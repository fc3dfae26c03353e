"""Carried over: a plan that one run found may keep the rules of another, and be better there than its own.

Runs are searched apart and differ in how far each search came. Without this, a looser limit could look dearer
than a tighter one whose plan it allows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from zonedesign.certificate import Certificate, Status, StoppedBy, status_of
from zonedesign.errors import ZoneDesignError
from zonedesign.plan import Plan
from zonedesign.verify import verify

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from zonedesign.problem import Problem

BETTER = 1e-6
"""By how much, of the objective, a plan must be better than a run's own."""


@dataclass(frozen=True, eq=False)
class Zones:
    """A plan away from its problem: the zone of every unit, and the level and centre of every zone."""

    zone: pd.Series[Any]
    level: Mapping[str, str]
    centre: Mapping[str, Any]

    @classmethod
    def of(cls, plan: Plan) -> Zones:
        """Return the zones of a plan."""
        ids = plan.of_units.ids
        return cls(
            plan.units["zone"],
            dict(zip(plan.zone_ids, plan.levels, strict=True)),
            dict(zip(plan.zone_ids, ids[plan.centres], strict=True)),
        )

    @classmethod
    def of_labels(cls, labels: pd.DataFrame) -> Zones:
        """Return the zones in a frame of zone, level and centre by unit, as `read_labels` gives it."""
        firsts = labels.drop_duplicates("zone").set_index("zone")
        names = [str(zone) for zone in firsts.index]
        level, centre = firsts["level"].tolist(), firsts["centre"].tolist()
        return cls(
            labels["zone"], dict(zip(names, level, strict=True)), dict(zip(names, centre, strict=True))
        )

    def on(self, problem: Problem) -> Plan | None:
        """Return the plan of these zones on a problem, None where it has other units or other levels."""
        known = {level.name for level in problem.levels}
        ids = problem.units.ids
        if len(self.zone) != len(ids) or not self.zone.index.isin(ids).all():
            return None
        if not known.issuperset(self.level.values()):
            return None
        try:
            plan = Plan.from_labels(
                problem.units,
                problem.times,
                self.zone,
                levels=problem.levels,
                level=self.level,
                centre=self.centre,
            )
        except ZoneDesignError:
            return None
        return plan.renamed()


def better(problem: Problem, own: Plan | None, others: Mapping[str, Zones]) -> tuple[Plan, str] | None:
    """Return the best of other runs' plans that keeps a problem's rules and beats its own, and whose it is.

    It carries the bound that was proved here, and what that makes of its gap.
    """
    proved = None if own is None else own.certificate
    least = float("inf") if own is None else problem.value(problem.terms(own)) * (1 - BETTER)
    found = []
    for name, zones in others.items():
        plan = zones.on(problem)
        if plan is not None:
            value = problem.value(problem.terms(plan))
            if value < least:
                found.append((value, name, plan))
    for value, name, plan in sorted(found, key=lambda each: each[:2]):
        if verify(plan, problem)["passed"].all():
            bound = None if proved is None or proved.bound is None else min(proved.bound, value)
            begun = proved or Certificate(Status.FEASIBLE, stopped_by=StoppedBy.TIME)
            status = status_of(value, bound)
            certificate = replace(
                begun,
                status=status,
                stopped_by=None if status is Status.OPTIMAL else begun.stopped_by,
                objective=value,
                terms=problem.terms(plan),
                bound=bound,
                rules=(),
                details={**begun.details, "taken_from": name},
            )
            return plan.with_certificate(certificate), name
    return None
