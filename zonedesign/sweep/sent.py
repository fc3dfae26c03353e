"""What is sent to where a run is solved: totals by unit and travel times, as arrays, and nobody's row.

A problem in memory may hold whatever its caller's frame holds, shapes, roads and attributions. None of that
decides a plan. What does is copied here, piece by piece, into a problem that holds nothing else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from zonedesign.contiguity import Contiguity
from zonedesign.plan import Plan
from zonedesign.problem import About, Problem
from zonedesign.rules import NestIn, Rule
from zonedesign.traveltimes import TravelTimes
from zonedesign.units import Units

if TYPE_CHECKING:
    from collections.abc import Iterable

TOLD = ("max_snap_m", "beyond_file", "beyond_snap")
"""What the search for causes asks of where the minutes come from."""


def sent(problem: Problem) -> Problem:
    """Return a problem with the same plans and the same bound, that holds totals by unit and minutes only."""
    columns = dict.fromkeys(level.character.column for level in problem.levels if level.character is not None)
    units = _units(problem.units, columns)
    times = _times(problem.times, units.ids)
    goal = problem.objective
    baseline = None if goal.baseline is None else _anchor(goal.baseline, problem, columns)
    border = None if problem.border is None else pd.Series(problem.border, index=units.ids)
    start = problem.start
    return Problem(
        units=units,
        times=times,
        levels=problem.levels,
        rules=[_rule(rule, problem) for rule in problem.rules],
        objective=replace(goal, baseline=baseline, border=border),
        about=About(name=problem.about.name),
        start=None if start is None else _anchor(start, problem, columns),
    )


def _units(units: Units, columns: Iterable[str]) -> Units:
    """Return units with totals, points and neighbours, and of their frame the columns that rules read."""
    ids, graph = units.ids, units.contiguity
    points = None
    if units.points is not None:
        points = gpd.GeoSeries.from_xy(units.points.x, units.points.y, index=ids, crs=units.points.crs)
    # A frame without columns counts as empty, so there is always one.
    read = {"unit": ids, **{name: units.frame[name].to_numpy() for name in columns}}
    return Units(
        frame=pd.DataFrame(read, index=ids),
        hours=pd.Series(np.asarray(units.hours, dtype=np.float64), index=ids),
        customers=_totals(units.customers, ids),
        points=points,
        contiguity=None if graph is None else Contiguity(ids, graph.pairs, graph.boundary_m, graph.bridges),
        authority=None if units.authority is None else pd.Series(units.authority.to_numpy(), index=ids),
        joint=units.joint,
    )


def _totals(figures: pd.Series[float] | None, ids: pd.Index[Any]) -> pd.Series[float] | None:
    return None if figures is None else pd.Series(np.asarray(figures, dtype=np.float64), index=ids)


def _times(times: TravelTimes, ids: pd.Index[Any]) -> TravelTimes:
    """Return the minutes between the units, without the ways that they go."""
    part = times.on(ids)
    snapped = times.snapped_m
    return TravelTimes(
        ids,
        ids,
        part.indptr,
        part.indices,
        part.minutes,
        max_minutes=times.max_minutes,
        provenance={name: times.provenance[name] for name in TOLD if name in times.provenance},
        snapped_m=None if snapped is None else snapped.reindex(ids),
    )


def _anchor(plan: Any, problem: Problem, columns: Iterable[str]) -> Any:
    """Return a baseline or start plan on units with totals only, or its zones by unit."""
    if isinstance(plan, Plan):
        units = _units(plan.of_units, [name for name in columns if name in plan.of_units.frame.columns])
        return replace(plan, of_units=units, times=_times(plan.times, units.ids), certificate=None)
    return pd.Series(plan).reindex(problem.units.ids)


def _rule(rule: Rule, problem: Problem) -> Rule:
    """Return a rule; a border as the code of every unit."""
    if not isinstance(rule, NestIn):
        return rule
    border: Any = problem.units.frame[rule.border] if isinstance(rule.border, str) else rule.border
    codes = pd.Series(border).reindex(problem.units.ids)
    return NestIn(pd.Series(codes.to_numpy(), index=problem.units.ids), name=rule.name, joint=rule.joint)
