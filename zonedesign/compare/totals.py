"""Totals: each plan, each of its levels and each rule in a row."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from zonedesign.compare.frames import framed
from zonedesign.compare.pairs import moved_units
from zonedesign.compare.sides import mean_of, people_of, worst_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from zonedesign.compare.sides import Side
    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]

PLANS = (
    "plan", "zones", "units", "units_without_zone", "strange_units", "customers", "weekly_hours",
    "objective", "mean_minutes", "moved_from_baseline", "crossing", "boundary", "max_minutes",
    "units_moved", "customers_moved", "hours_moved", "share_moved", "checks", "broken", "broken_rules",
)  # fmt: skip
LEVELS = (
    "plan", "level", "zones", "units", "customers", "weekly_hours", "hours_share",
    "mean_minutes", "max_minutes", "least_zone_hours", "most_zone_hours",
)  # fmt: skip
RULES = ("plan", "rule", "level", "checks", "broken", "in_zones")


def plans_frame(sides: Sequence[Side], matches: Sequence[Ints], problem: Problem) -> pd.DataFrame:
    """Return a row for each plan; what moved is against the first."""
    hours, people = problem.hours, people_of(problem)
    every = float(hours.sum())
    rows = []
    for side, match in zip(sides, matches, strict=True):
        inside, moved = side.zone >= 0, moved_units(sides[0], side, match)
        failed = side.verdicts[~side.verdicts["passed"]]
        rows.append(
            {
                "plan": side.name,
                "zones": len(side.zone_ids),
                "units": int(inside.sum()),
                "units_without_zone": int((~inside).sum()),
                "strange_units": len(side.strange),
                "customers": people[inside].sum(),
                "weekly_hours": float(hours[inside].sum()),
                "objective": side.objective,
                "mean_minutes": side.terms["mean_minutes"],
                "moved_from_baseline": side.terms.get("moved", np.nan),
                "crossing": side.terms.get("crossing", np.nan),
                "boundary": side.terms.get("boundary", np.nan),
                "max_minutes": worst_of(side.reach_minutes),
                "units_moved": int(moved.sum()),
                "customers_moved": people[moved].sum(),
                "hours_moved": float(hours[moved].sum()),
                "share_moved": float(hours[moved].sum()) / every if every > 0 else 0.0,
                "checks": len(side.verdicts),
                "broken": len(failed),
                "broken_rules": ", ".join(f"{rule} {n}" for rule, n in Counter(failed["rule"]).items()),
            }
        )
    return framed(rows, PLANS, people)


def levels_frame(sides: Sequence[Side], problem: Problem) -> pd.DataFrame:
    """Return a row for each plan and level, the problem's levels first, then those that only a plan has."""
    hours, people = problem.hours, people_of(problem)
    every = float(hours.sum())
    known = [level.name for level in problem.levels]
    rows: list[dict[str, Any]] = []
    for side in sides:
        for level in [*known, *sorted(set(side.levels) - set(known))]:
            of_level = [k for k, name in enumerate(side.levels) if name == level]
            inside = np.isin(side.zone, of_level)
            by_zone = [float(hours[side.zone == k].sum()) for k in of_level]
            weekly = float(hours[inside].sum())
            rows.append(
                {
                    "plan": side.name,
                    "level": level,
                    "zones": len(of_level),
                    "units": int(inside.sum()),
                    "customers": people[inside].sum(),
                    "weekly_hours": weekly,
                    "hours_share": weekly / every if every > 0 else np.nan,
                    "mean_minutes": mean_of(hours[inside], side.minutes[inside]),
                    "max_minutes": worst_of(side.reach_minutes[inside]),
                    "least_zone_hours": min(by_zone, default=np.nan),
                    "most_zone_hours": max(by_zone, default=np.nan),
                }
            )
    return framed(rows, LEVELS, people)


def rules_frame(sides: Sequence[Side]) -> pd.DataFrame:
    """Return a row for each plan, rule and level: how many checks, how many broken, in which zones."""
    rows = []
    for side in sides:
        found: dict[tuple[str, str | None], list[Any]] = {}
        for rule, level, zone, passed in zip(
            *(side.verdicts[name].tolist() for name in ("rule", "level", "zone", "passed")), strict=True
        ):
            found.setdefault((rule, level), []).append((zone, passed))
        for (rule, level), checks in found.items():
            failed = [zone for zone, passed in checks if not passed]
            rows.append(
                {
                    "plan": side.name,
                    "rule": rule,
                    "level": level,
                    "checks": len(checks),
                    "broken": len(failed),
                    "in_zones": ", ".join(dict.fromkeys(zone for zone in failed if zone is not None)),
                }
            )
    return framed(rows, RULES)
