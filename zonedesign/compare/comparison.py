"""The comparison: any number of plans of one problem, the first being what the others are compared with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign.compare.groups import groups_of, minutes_by
from zonedesign.compare.pairs import matching, moves_frame, realignment_frame, zones_frame
from zonedesign.compare.sides import remarks, side_of
from zonedesign.compare.totals import levels_frame, plans_frame, rules_frame
from zonedesign.errors import ScenarioError, counted, nearest_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from zonedesign.compare.groups import Groups
    from zonedesign.compare.sides import Side
    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

FRAMES = ("plans", "levels", "rules", "zones", "moves", "realignment", "minutes_by")


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """What differs between plans; the column `plan` of every frame says which plan a row is of.

    Of every plan: `plans` (objective, each of its terms, minutes, zones, what moved from the first plan,
    rules broken), `levels` and `rules`. Of every plan but the first, compared with it: `zones` (matched one
    to one so that most hours stay, new and closed ones), `moves` (every unit, on the units' own index),
    `realignment` (zone -> zone, moved units only) and `minutes_by` (minutes before and after by rurality,
    district and what was asked for). `notes` say what a plan lacks, or has that the problem lacks. Unknown is
    NaN or None, out of reach is inf; hours are a week's.
    """

    names: tuple[str, ...]
    plans: pd.DataFrame
    levels: pd.DataFrame
    rules: pd.DataFrame
    zones: pd.DataFrame
    moves: pd.DataFrame
    realignment: pd.DataFrame
    minutes_by: pd.DataFrame
    notes: tuple[str, ...]
    sides: tuple[Side, ...] = field(repr=False)
    problem: Problem = field(repr=False)
    groups: Groups = field(repr=False)

    @property
    def verdicts(self) -> dict[str, pd.DataFrame]:
        """Every verdict of `verify` by plan."""
        return {side.name: side.verdicts.copy() for side in self.sides}

    def between(self, before: str, after: str) -> Comparison:
        """Return the comparison of two of the plans, `before` being the first."""
        for name in (before, after):
            if name not in self.names:
                raise ScenarioError(f"there is no plan '{name}'{nearest_name(name, self.names)}")
        chosen = [self.sides[self.names.index(name)] for name in (before, after)]
        return _made(chosen, self.problem, self.groups)

    def match(self) -> NDArray[np.int64]:
        """Return the first plan's zone that each zone of the second is matched with, -1 where it is new."""
        return matching(self.sides[0], self.sides[1], self.problem.hours)

    def __repr__(self) -> str:
        lines = [f"<Comparison of {counted(len(self.names), 'plan')} of {self.problem.about.name}"]
        for row in self.plans.to_dict("records"):
            mean = "unknown" if np.isnan(row["mean_minutes"]) else f"{row['mean_minutes']:.2f}"
            broken = (
                f"{row['broken']:,} of {row['checks']:,} checks broken" if row["broken"] else "all rules met"
            )
            moved = "" if row["plan"] == self.names[0] else f", {row['share_moved']:.1%} of hours move"
            lines.append(
                f"  {row['plan']}: {counted(row['zones'], 'zone')}, mean minutes {mean}{moved}, {broken}"
            )
        return "\n".join(lines) + ">"


def compare(plans: Mapping[str, Plan], problem: Problem, *, by: Any = None) -> Comparison:
    """Return what differs between plans by name, the first being what the others are compared with.

    Any plan will do: units that it lacks, and units, zones and levels that the problem lacks, are said in
    `notes`. Minutes and rules are the problem's, for all plans alike. `by` names columns of the units, or
    maps names to columns, Series or mappings of unit to value, by which minutes are told besides. Raises
    `ScenarioError` for fewer than two plans, `DataError` for what is no plan of the problem's units.
    """
    if len(plans) < 2:
        raise ScenarioError(f"{counted(len(plans), 'plan')} to compare; give two or more")
    groups = groups_of(problem, by)
    return _made([side_of(str(name), plan, problem) for name, plan in plans.items()], problem, groups)


def _made(sides: Sequence[Side], problem: Problem, groups: Groups) -> Comparison:
    first = sides[0]
    matches = [matching(first, side, problem.hours) for side in sides]
    others = list(zip(sides[1:], matches[1:], strict=True))

    def each(frame: Callable[..., pd.DataFrame], *more: Any) -> pd.DataFrame:
        found = [frame(first, side, match, problem, *more) for side, match in others]
        filled = [one for one in found if len(one)] or found[:1]
        return pd.concat(filled, ignore_index=frame is not moves_frame)

    return Comparison(
        names=tuple(side.name for side in sides),
        plans=plans_frame(sides, matches, problem),
        levels=levels_frame(sides, problem),
        rules=rules_frame(sides),
        zones=each(zones_frame),
        moves=each(moves_frame),
        realignment=each(realignment_frame),
        minutes_by=each(minutes_by, groups),
        notes=tuple(note for side in sides for note in remarks(side, problem)),
        sides=tuple(sides),
        problem=problem,
        groups=groups,
    )
