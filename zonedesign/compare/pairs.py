"""Two plans: zones matched one to one, what moves between them, and the realignment list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign import measures
from zonedesign.compare.frames import TEXT, framed
from zonedesign.compare.sides import mean_of, people_of, worst_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.compare.sides import Side
    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

ZONES = (
    "plan", "status", "from_zone", "from_name", "from_level", "to_zone", "to_name", "to_level",
    "from_units", "to_units", "units_in_common", "from_customers", "to_customers",
    "from_hours", "to_hours", "hours_in_common", "share_kept", "share_of_new",
    "from_mean_minutes", "to_mean_minutes", "from_max_minutes", "to_max_minutes", "mostly",
)  # fmt: skip
MOVES = (
    "plan", "from_zone", "from_level", "to_zone", "to_level", "moved", "customers", "weekly_hours",
    "minutes_before", "minutes_after", "change",
)  # fmt: skip
REALIGNMENT = (
    "plan", "from_zone", "from_name", "to_zone", "to_name", "units", "customers", "weekly_hours",
    "mean_minutes_before", "mean_minutes_after", "change",
)  # fmt: skip

_NO_ZONE, _NEW_ZONE = -1, -2


_NO_FIGURES = {
    "zone": None, "name": None, "level": None, "units": 0, "customers": 0, "hours": 0.0,
    "mean_minutes": np.nan, "max_minutes": np.nan,
}  # fmt: skip
"""What a zone has that is not there."""


def matching(before: Side, after: Side, hours: Floats) -> Ints:
    """Return the zone before (k,) that each zone after is matched with, -1 where it is new.

    One to one, so that most hours stay; of matchings that are equal in hours the one that keeps most units.
    A pair without a unit in common is none.
    """
    match = np.full(len(after.zone_ids), -1, dtype=np.int64)
    both = (before.zone >= 0) & (after.zone >= 0)
    if not both.any():
        return match
    now, was = after.zone[both], before.zone[both]
    # So little beside the hours that it only decides where these are equal, or zero.
    little = max(float(hours[both].sum()), 1.0) * 1e-9 / len(now)
    met = set(zip(now.tolist(), was.tolist(), strict=True))
    for mine, theirs in measures.matched_zones(hours[both] + little, now, was):
        if (mine, theirs) in met:
            match[mine] = theirs
    return match


def moved_units(before: Side, after: Side, match: Ints) -> NDArray[np.bool_]:
    """Return which units (n,) change zone under a matching; to gain a zone or lose it is a change too."""
    was = np.append(np.where(match < 0, _NEW_ZONE, match), _NO_ZONE)[after.zone]
    moved: NDArray[np.bool_] = was != before.zone
    return moved


def moves_frame(before: Side, after: Side, match: Ints, problem: Problem) -> pd.DataFrame:
    """Return a row for every unit, on the units' index: its zones, whether it moves, its minutes."""
    columns: dict[str, Any] = {
        "plan": np.full(len(before.zone), after.name, dtype=object),
        "from_zone": before.zone_of_units(),
        "from_level": before.level_of_units(),
        "to_zone": after.zone_of_units(),
        "to_level": after.level_of_units(),
        "moved": moved_units(before, after, match),
        "customers": people_of(problem),
        "weekly_hours": problem.hours,
        "minutes_before": before.minutes,
        "minutes_after": after.minutes,
        "change": changed(before.minutes, after.minutes),
    }
    typed = {
        name: pd.Series(columns[name], problem.units.ids, dtype=object if name in TEXT else None)
        for name in MOVES
    }
    return pd.DataFrame(typed, index=problem.units.ids)


def realignment_frame(before: Side, after: Side, match: Ints, problem: Problem) -> pd.DataFrame:
    """Return a row for every zone -> zone that units move along, most hours first."""
    moved = moved_units(before, after, match)
    ways: dict[tuple[int, int], list[int]] = {}
    for i in np.flatnonzero(moved).tolist():
        ways.setdefault((int(before.zone[i]), int(after.zone[i])), []).append(i)
    hours, people = problem.hours, people_of(problem)
    rows = []
    for (a, b), units in ways.items():
        first, then = (
            mean_of(hours[units], before.minutes[units]),
            mean_of(hours[units], after.minutes[units]),
        )
        rows.append(
            {
                "plan": after.name,
                "from_zone": before.zone_ids[a] if a >= 0 else None,
                "from_name": before.zone_names[a] if a >= 0 else None,
                "to_zone": after.zone_ids[b] if b >= 0 else None,
                "to_name": after.zone_names[b] if b >= 0 else None,
                "units": len(units),
                "customers": people[units].sum(),
                "weekly_hours": float(hours[units].sum()),
                "mean_minutes_before": first,
                "mean_minutes_after": then,
                "change": changed(first, then),
            }
        )
    rows.sort(
        key=lambda row: (-row["weekly_hours"], -row["units"], str(row["from_zone"]), str(row["to_zone"]))
    )
    return framed(rows, REALIGNMENT, people)


def zones_frame(before: Side, after: Side, match: Ints, problem: Problem) -> pd.DataFrame:
    """Return a row for every matched pair of zones, then new and closed ones.

    `mostly` is, for a new zone, where most of its hours were before; for a closed one, where they went.
    """
    was, now = _figures(before, problem), _figures(after, problem)
    shared_hours, shared_units = _shared(before, after, problem.hours)
    partner = {int(theirs): mine for mine, theirs in enumerate(match) if theirs >= 0}
    pairs: list[tuple[int | None, int | None]] = [
        *((a, partner[a]) for a in sorted(partner)),
        *((None, b) for b in np.flatnonzero(match < 0).tolist()),
        *((a, None) for a in range(len(before.zone_ids)) if a not in partner),
    ]
    rows = []
    for a, b in pairs:
        row: dict[str, Any] = {"plan": after.name, "status": "new" if a is None else "closed", "mostly": None}
        row |= {f"from_{name}": _NO_FIGURES[name] if a is None else values[a] for name, values in was.items()}
        row |= {f"to_{name}": _NO_FIGURES[name] if b is None else values[b] for name, values in now.items()}
        hours, units = (0.0, 0) if a is None or b is None else (shared_hours[b, a], int(shared_units[b, a]))
        row |= {"units_in_common": units, "hours_in_common": float(hours)}
        row["share_kept"] = _share(hours, row["from_hours"])
        row["share_of_new"] = _share(hours, row["to_hours"])
        if a is not None and b is not None:
            same = units == row["from_units"] == row["to_units"]
            row["status"] = "same units" if same else "changed"
        elif a is None:
            row["mostly"] = _most(shared_hours[b, :], shared_units[b, :], before.zone_ids)
        else:
            row["mostly"] = _most(shared_hours[:, a], shared_units[:, a], after.zone_ids)
        rows.append(row)
    return framed(rows, ZONES, people_of(problem))


def changed(before: Any, after: Any) -> Any:
    """Return after - before; NaN where either is not known or both are out of reach."""
    with np.errstate(invalid="ignore"):
        return np.subtract(after, before)


def _shared(before: Side, after: Side, hours: Floats) -> tuple[Floats, Floats]:
    """Return hours and units in common as tables (zones after, zones before), empty zones too."""
    shape = len(after.zone_ids), len(before.zone_ids)
    both = (before.zone >= 0) & (after.zone >= 0)
    tables = np.zeros(shape), np.zeros(shape)
    for table, weight in zip(tables, (hours, np.ones(len(hours))), strict=True):
        np.add.at(table, (after.zone[both], before.zone[both]), weight[both])
    return tables


def _figures(side: Side, problem: Problem) -> dict[str, list[Any]]:
    """Return id, name, level and figures of every zone of a plan."""
    members = [np.flatnonzero(side.zone == k) for k in range(len(side.zone_ids))]
    hours, people = problem.hours, people_of(problem)
    return {
        "zone": list(side.zone_ids),
        "name": list(side.zone_names),
        "level": list(side.levels),
        "units": [len(m) for m in members],
        "customers": [people[m].sum() for m in members],
        "hours": [float(hours[m].sum()) for m in members],
        "mean_minutes": [mean_of(hours[m], side.minutes[m]) for m in members],
        "max_minutes": [worst_of(side.reach_minutes[m]) for m in members],
    }


def _share(part: float, whole: float) -> float:
    return part / whole if whole else np.nan


def _most(hours: Floats, units: Floats, ids: tuple[str, ...]) -> str | None:
    """Return the zone with most hours, then most units; None where no unit is in any."""
    if not len(ids) or not units.any():
        return None
    return ids[int(np.lexsort((-units, -hours))[0])]
