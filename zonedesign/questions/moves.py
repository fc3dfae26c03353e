"""Moves: which units change zone from one plan to another, under the matching that keeps most hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from zonedesign.solve._repair import same_zones

if TYPE_CHECKING:
    from zonedesign.plan import Plan
    from zonedesign.problem import Problem


def moves(problem: Problem, before: Plan, after: Plan) -> pd.DataFrame:
    """Return a row for every unit that changes zone, on the units' index, in the order of its zones.

    `from` and `to` are zones of `before` (`to` is empty where the zone is new), `zone` is the unit's zone in
    `after`, with its `weekly_hours` and `customers` (NaN: not known).
    """
    same = same_zones(problem, before, after)
    moved = np.flatnonzero(same[after.zone] != before.zone)
    names = np.array([*before.zone_ids, ""], dtype=object)
    people = problem.units.customers
    frame = pd.DataFrame(
        {
            "from": names[before.zone[moved]],
            "to": names[same[after.zone[moved]]],
            "zone": np.array(after.zone_ids, dtype=object)[after.zone[moved]],
            "weekly_hours": problem.hours[moved],
            "customers": np.nan if people is None else np.asarray(people, dtype=np.float64)[moved],
        },
        index=problem.units.ids[moved],
    )
    return frame.sort_values(["from", "to", "zone"], kind="stable")


def flows(found: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each two zones between which units move: units, hours, customers, most hours first."""
    by_pair = found.assign(units=1).groupby(["from", "to"], sort=True)
    summed = by_pair[["units", "weekly_hours", "customers"]].sum(min_count=1).reset_index()
    return summed.sort_values(["weekly_hours", "units"], ascending=False, kind="stable", ignore_index=True)
