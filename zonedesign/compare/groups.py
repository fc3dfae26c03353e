"""Groups: who pays for the average, by rurality, by district and by any border asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign.compare.frames import framed
from zonedesign.compare.pairs import changed, moved_units
from zonedesign.compare.sides import mean_of, people_of, worst_of
from zonedesign.errors import require_columns
from zonedesign.rules import NestIn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zonedesign.compare.sides import Side
    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]
    Groups = dict[str, NDArray[np.object_]]

MINUTES_BY = (
    "plan", "by", "value", "units", "customers", "weekly_hours", "hours_share",
    "mean_minutes_before", "mean_minutes_after", "change", "max_minutes_before", "max_minutes_after",
    "hours_moved",
)  # fmt: skip

RURALITY = (
    r"ruc\d*",
    r"ruc\d*_?(class|name|nm)",
    r"rural_?urban\w*|urban_?rural\w*|rurality",
    r"ruc\d*_?(code|cd)",
)
DISTRICT = (
    r"lad\d*_?(name|nm)",
    r"district(_?(name|nm))?",
    r"local_authority(_name)?",
    r"lad\d*_?(code|cd)?",
)
"""Names of columns that hold a unit's rural or urban class, and its district, the likeliest first."""


def groups_of(problem: Problem, by: Any = None) -> Groups:
    """Return the value of every unit (n,) by name of group, None where a unit has none.

    Rurality and district where the units have columns of such names, the borders of the problem's rules and
    objective, and what `by` asks for: a column, several, or a mapping of name to column, Series or mapping by
    unit. Raises `DataError` for a column that is not there.
    """
    frame, ids = problem.units.frame, problem.units.ids
    asked: dict[str, Any] = {}
    for patterns in (RURALITY, DISTRICT):
        column = _column(frame, patterns)
        if column is not None:
            asked[column] = column
    asked |= {rule.name: rule.border for rule in problem.all_rules if isinstance(rule, NestIn)}
    if problem.objective.border is not None:
        border = problem.objective.border
        asked[border if isinstance(border, str) else "objective's border"] = border
    wanted = _asked(by)
    asked |= wanted
    require_columns(
        frame.columns, [each for each in asked.values() if isinstance(each, str)], "the units' frame"
    )
    found: Groups = {}
    for name, border in asked.items():
        values = frame[border] if isinstance(border, str) else pd.Series(border)
        values = values.reindex(ids).astype(object)
        told = values.where(values.notna(), None).to_numpy(dtype=object)
        # A border that tells units apart by the very values of a column is told once.
        if name in wanted or not any(np.array_equal(told, other) for other in found.values()):
            found[name] = told
    return found


def minutes_by(before: Side, after: Side, match: Ints, problem: Problem, groups: Groups) -> pd.DataFrame:
    """Return minutes before and after for every value of every group; units without one come last."""
    hours, people = problem.hours, people_of(problem)
    moved, every = moved_units(before, after, match), float(hours.sum())
    # Minutes of units that both plans cover, so that a change is a change and no loss of units.
    partial = np.isnan(before.minutes) | np.isnan(after.minutes)
    minutes = [np.where(partial, np.nan, side.minutes) for side in (before, after)]
    reach = [np.where(partial, np.nan, side.reach_minutes) for side in (before, after)]
    rows = []
    for name, values in groups.items():
        for value in _in_order(values):
            units = np.flatnonzero([each == value for each in values])
            first, then = (mean_of(hours[units], known[units]) for known in minutes)
            weekly = float(hours[units].sum())
            rows.append(
                {
                    "plan": after.name,
                    "by": name,
                    "value": value,
                    "units": len(units),
                    "customers": people[units].sum(),
                    "weekly_hours": weekly,
                    "hours_share": weekly / every if every > 0 else np.nan,
                    "mean_minutes_before": first,
                    "mean_minutes_after": then,
                    "change": changed(first, then),
                    "max_minutes_before": worst_of(reach[0][units]),
                    "max_minutes_after": worst_of(reach[1][units]),
                    "hours_moved": float(hours[units][moved[units]].sum()),
                }
            )
    return framed(rows, MINUTES_BY, people)


def _asked(by: Any) -> dict[str, Any]:
    if by is None:
        return {}
    if isinstance(by, str):
        return {by: by}
    if isinstance(by, Mapping):
        return {str(name): border for name, border in by.items()}
    several: Sequence[str] = by
    return {str(name): str(name) for name in several}


def _column(frame: pd.DataFrame, patterns: Sequence[str]) -> str | None:
    for pattern in patterns:
        for column in frame.columns:
            if re.fullmatch(pattern, str(column).strip().lower()) and frame[column].notna().any():
                return str(column)
    return None


def _in_order(values: NDArray[np.object_]) -> list[Any]:
    """Return the values, numbers by size and everything else as text, None last."""
    known = [each for each in dict.fromkeys(values.tolist()) if each is not None]
    try:
        known.sort()
    except TypeError:
        known.sort(key=str)
    return [*known, None] if any(each is None for each in values) else known
