"""A side: one plan laid on the units of a problem, with what it lacks and how the rules judge it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zonedesign import measures
from zonedesign.errors import DataError, counted, listed, that_are
from zonedesign.names import zone_names
from zonedesign.plan import Plan
from zonedesign.verify import verify

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Side:
    """A plan as the problem sees it.

    `zone` (n,) numbers the zone of every unit of the problem in the order of `zone_ids`, -1 where the plan
    gives it none. `minutes` (centre -> unit) and `reach_minutes` (the longer way) are the problem's own, NaN
    without zone, inf out of reach. `strange` are units that the problem lacks; `objective` is NaN and `terms`
    hold the mean alone where units have no zone.
    """

    name: str
    zone: Ints
    zone_ids: tuple[str, ...]
    zone_names: tuple[str, ...]
    levels: tuple[str, ...]
    centres: Ints
    minutes: Floats
    reach_minutes: Floats
    strange: pd.Index[Any]
    verdicts: pd.DataFrame
    objective: float
    terms: Mapping[str, float]

    @property
    def without_zone(self) -> Ints:
        """Positions of the units that have no zone."""
        return np.flatnonzero(self.zone < 0)

    def zone_of_units(self) -> NDArray[np.object_]:
        """Return the zone's id of every unit (n,), None where it has none."""
        return _named(self.zone_ids, self.zone)

    def level_of_units(self) -> NDArray[np.object_]:
        """Return the level of every unit's zone (n,), None where it has none."""
        return _named(self.levels, self.zone)


def side_of(name: str, plan: Any, problem: Problem) -> Side:
    """Return a plan laid on a problem; `DataError` for what is no plan, or has no unit of the problem."""
    if not isinstance(plan, Plan):
        raise DataError(
            f"{name} is a {type(plan).__name__} and no Plan; read it with read_plan, or make it with "
            "Plan.from_labels"
        )
    ids = problem.units.ids
    at = plan.of_units.ids.get_indexer(ids)
    if (at < 0).all():
        raise DataError(
            f"{name} has no unit of the problem: it has {listed(plan.of_units.ids, 3)}, and the problem "
            f"{listed(ids, 3)}; read it with the problem's scenario"
        )
    count = len(plan.zone_ids)
    zone = np.where(at >= 0, plan.zone[np.maximum(at, 0)], -1)
    zone = np.where((zone >= 0) & (zone < count), zone, -1).astype(np.int64)
    inside = (plan.centres >= 0) & (plan.centres < len(plan.of_units))
    centres = ids.get_indexer(plan.of_units.ids[np.where(inside, plan.centres, 0)])
    centres = np.where(inside, centres, -1).astype(np.int64)
    minutes, back = _to_and_fro(problem, zone, centres)
    objective, terms = _objective(problem, plan, zone, centres, minutes)
    return Side(
        name=name,
        zone=zone,
        zone_ids=plan.zone_ids,
        zone_names=tuple(zone_names(problem.units, [np.flatnonzero(zone == k) for k in range(count)])),
        levels=plan.levels,
        centres=centres,
        minutes=minutes,
        reach_minutes=np.maximum(minutes, back),
        strange=plan.of_units.ids[ids.get_indexer(plan.of_units.ids) < 0],
        verdicts=verify(plan, problem),
        objective=objective,
        terms=terms,
    )


def remarks(side: Side, problem: Problem) -> list[str]:
    """Return what a reader must know of a plan that is not like the problem, as sentences."""
    said = []
    missing = problem.units.ids[side.without_zone]
    if len(missing):
        said.append(
            f"{side.name}: {counted(len(missing), 'unit')} without zone: {listed(missing)}; minutes are of "
            "the others, and there is no objective"
        )
    if len(side.strange):
        what = that_are(len(side.strange), "unit", "not in the problem")
        said.append(f"{side.name}: {what}, left out: {listed(side.strange)}")
    known = {level.name for level in problem.levels}
    odd = sorted({level for level in side.levels if level not in known})
    if odd:
        said.append(f"{side.name}: levels that the problem lacks, with no limits to judge: {listed(odd)}")
    empty = [zone for k, zone in enumerate(side.zone_ids) if not (side.zone == k).any()]
    if empty:
        said.append(f"{side.name}: {counted(len(empty), 'zone')} without any unit here: {listed(empty)}")
    broken = int((~side.verdicts["passed"]).sum())
    if broken:
        said.append(f"{side.name}: {broken:,} of {counted(len(side.verdicts), 'check')} of the rules broken")
    return said


def _named(names: tuple[str, ...], zone: Ints) -> NDArray[np.object_]:
    return np.array([*names, None], dtype=object)[zone]  # -1 is the last, which is None


def _to_and_fro(problem: Problem, zone: Ints, centres: Ints) -> tuple[Floats, Floats]:
    """Return minutes centre -> unit and unit -> centre (n,): NaN without zone, inf out of reach."""
    times, ids = problem.times, problem.units.ids
    row = np.asarray(times.origins.get_indexer(ids), dtype=np.int64)
    column = np.asarray(times.destinations.get_indexer(ids), dtype=np.int64)
    centre = np.append(centres, -1)[zone]
    start, end = np.append(row, -1)[centre], np.append(column, -1)[centre]
    table = (times.indptr, times.indices, times.minutes)
    there, back = measures.looked_up(*table, start, column), measures.looked_up(*table, row, end)
    return np.where(zone < 0, np.nan, there), np.where(zone < 0, np.nan, back)


def _objective(
    problem: Problem, plan: Plan, zone: Ints, centres: Ints, minutes: Floats
) -> tuple[float, dict[str, float]]:
    """Return the objective and its terms; NaN, and the mean of what has a zone, for a plan in part."""
    if (zone < 0).any() or (centres[zone] < 0).any():
        return math.nan, {"mean_minutes": mean_of(problem.hours, minutes)}
    laid = Plan(problem.units, problem.times, zone, plan.zone_ids, plan.levels, np.maximum(centres, 0))
    terms = problem.terms(laid)
    return problem.value(terms), terms


def mean_of(hours: Floats, minutes: Floats) -> float:
    """Return mean minutes weighted by hours, of what has minutes; NaN where that has no hours."""
    used = (hours > 0) & ~np.isnan(minutes)
    return measures.mean_minutes(hours[used], minutes[used]) if used.any() else math.nan


def worst_of(minutes: Floats) -> float:
    """Return the most minutes, NaN where there are none."""
    known = minutes[~np.isnan(minutes)]
    return float(known.max()) if len(known) else math.nan


def people_of(problem: Problem) -> NDArray[Any]:
    """Return customers of every unit (n,), as whole numbers where they are; NaN where not known."""
    people = problem.customers
    if people is None:
        return np.full(len(problem.units), np.nan)
    return people.astype(np.int64) if (people == np.floor(people)).all() else people
