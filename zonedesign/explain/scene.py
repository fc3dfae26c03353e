"""Scenes: where a plan makes use of what was loosened: its zones, its units, and what people call them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign.errors import counted
from zonedesign.explain.fewest import too_far
from zonedesign.names import zone_names
from zonedesign.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from zonedesign.explain.dials import Dial
    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

SMALL_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
MOST_NAMED = 3
MOST_ZONES = 100
"""Zones up to which all of a plan's have names of their own; among more, only those that are spoken of."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A plan beside the problem as it was asked (`problem`), and with only its locks let go (`tight`)."""

    problem: Problem
    tight: Problem
    plan: Plan

    @cached_property
    def broken(self) -> list[dict[str, Any]]:
        """What the plan breaks of the problem as it was asked, as far as that has the same units."""
        return (
            self._broken(self.problem)
            if len(self.problem.units) == len(self.plan.of_units)
            else self.strained
        )

    @cached_property
    def strained(self) -> list[dict[str, Any]]:
        """What the plan breaks of the limits as they were."""
        return self._broken(self.tight)

    def _broken(self, problem: Problem) -> list[dict[str, Any]]:
        verdicts = verify(self.plan, problem)
        rows: list[dict[str, Any]] = verdicts[~verdicts["passed"]].to_dict("records")  # type: ignore[assignment]
        return rows

    def zones(self, dial: Dial) -> tuple[str, ...]:
        """Return the zones that are beyond a dial's limit as it was."""
        rows = self.broken if dial.lets_go else self.strained
        of_dial = (row for row in rows if dial.decides(row) and dial.needed(row) > 0)
        return tuple(str(row["zone"]) for row in of_dial if row["zone"] is not None)

    def zones_of(self, units: Iterable[Any]) -> tuple[str, ...]:
        """Return the zones of some units, each once."""
        ids = self.plan.of_units.ids
        at = ids.get_indexer(pd.Index(list(units), dtype=ids.dtype))
        return tuple(dict.fromkeys(self.plan.zone_ids[self.plan.zone[k]] for k in at if k >= 0))

    def far(self, dial: Dial) -> tuple[int, ...]:
        """Return the positions of the units that are beyond a dial's minutes or miles."""
        levels = dial.levels or (str(dial.level),)
        found = (too_far(self.tight, self.plan, level, dial.quantity) for level in levels)
        return tuple(sorted(unit for each in found for unit in each))

    def around(self, zones: Sequence[str]) -> str:
        """Return what zones are called: their places, or their centres where no place has a name."""
        plan = self.plan
        at = [plan.zone_ids.index(zone) for zone in zones]
        return several([self._names.get(k) or str(plan.of_units.ids[plan.centres[k]]) for k in at])

    def near(self, units: Sequence[int]) -> str:
        """Return where units are: the names of their places, or their ids."""
        whole = self.plan.of_units
        names = [zone_names(whole, [np.array([unit], dtype=np.int64)])[0] for unit in units[:MOST_ZONES]]
        return several(
            list(dict.fromkeys(n or str(whole.ids[u]) for n, u in zip(names, units, strict=False)))
        )

    def hours(self, units: Iterable[Any]) -> float:
        """Return the share of all hours that some units have; of all units where there are no hours."""
        hours = self.plan.of_units.hours
        members = hours.index.isin(list(units))
        total = float(hours.sum())
        held = float(hours[members].sum())
        return held / total if total > 0 and held > 0 else float(members.sum()) / len(hours)

    def members(self, zones: Iterable[str]) -> list[Any]:
        """Return the units of some zones."""
        wanted = [self.plan.zone_ids.index(zone) for zone in zones]
        return list(self.plan.of_units.ids[np.isin(self.plan.zone, wanted)])

    @cached_property
    def _names(self) -> dict[int, str]:
        plan = self.plan
        spoken = range(len(plan.zone_ids))
        if len(spoken) > MOST_ZONES:
            return {}
        names = zone_names(plan.of_units, [np.flatnonzero(plan.zone == k) for k in spoken])
        return dict(zip(spoken, names, strict=True))


def several(names: Sequence[str]) -> str:
    """Return names in a row: `a, b and c`, the first few of many; where one holds an `and`: `a and b; c`."""
    shown = list(names[:MOST_NAMED])
    if len(names) > len(shown):
        shown.append(f"{len(names) - len(shown):,} more")
    if any(" and " in name for name in shown):
        return "; ".join(shown)
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def number(count: int, noun: str) -> str:
    """Return `one zone`, `three units`, `12 units`."""
    if count < len(SMALL_NUMBERS):
        return f"{SMALL_NUMBERS[count]} {noun}{'' if count == 1 else 's'}"
    return counted(count, noun)
