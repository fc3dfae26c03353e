"""The material of a pack: every lot's figures, units, boundary and places, worked out once for all files."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from zonedesign.disclosure import Policy, attack, page, publish, report
from zonedesign.errors import DataError, ScenarioError, counted, listed
from zonedesign.maps.sheets import Sheets
from zonedesign.pack.boundary import Side, described, sides
from zonedesign.pack.meaning import meant
from zonedesign.provenance import today
from zonedesign.verify import verify

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from zonedesign.disclosure import Publication, Published, Table
    from zonedesign.levels import Level
    from zonedesign.lots.terms import Terms
    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

DEFINITIVE = "The list of unit codes is definitive. Map and postcodes are guides."
MOST_PLACES = 8
TABLE = "lots"
"""What the pack's own table is called among those that are published together."""


@dataclass(frozen=True, eq=False)
class Material:
    """What the files of a pack are made from; `published` has the figures that may be printed.

    `withheld` says what is hidden, why, and how an attack on it ends, as data; `postcodes` is the look-up
    (postcode, lot, unit, straddles), or None; `money` the frame of `lots.money` by lot, or None where no rate
    is stated; `terms` how lots are let, or None where nobody says for how long, and `stated` the same in any
    case; `inputs` the SHA-256 of files besides the problem's own.
    """

    plan: Plan
    problem: Problem
    internal: bool
    published: Published
    sheets: Sheets
    sides: list[list[Side]]
    withheld: dict[str, Any] = field(default_factory=dict)
    postcodes: pd.DataFrame | None = None
    money: pd.DataFrame | None = None
    terms: Terms | None = None
    stated: Terms | None = None
    version: str = "1"
    settings: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, str | None] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Who may see it: `internal` or `public`."""
        return "internal" if self.internal else "public"

    @property
    def title(self) -> str:
        """What the pack is about."""
        return self.problem.about.name

    @property
    def date(self) -> dt.date:
        """The day to print."""
        return today()

    @cached_property
    def day(self) -> str:
        """The day to print, in words."""
        return f"{self.date.day} {self.date:%B %Y}"

    @cached_property
    def levels(self) -> dict[str, Level]:
        """The levels by name."""
        return {level.name: level for level in self.problem.levels}

    @cached_property
    def sources(self) -> list[str]:
        """The licence lines to print, each once."""
        return list(dict.fromkeys(line for _, line in self.problem.about.sources))

    @cached_property
    def lots(self) -> pd.DataFrame:
        """Return a row a lot: lot, name, level, providers, bands, figures that may be printed, places, sheet.

        Figures that are not for printing are empty (NaN). `hours_low` to `customers_high` are the bands.
        """
        rows = []
        for k, row in enumerate(self.published.zones.to_dict("records")):
            level = self.levels.get(str(row["level"]))
            hours = (None, None) if level is None or level.weekly_hours is None else level.weekly_hours
            people = (None, None) if level is None or level.customers is None else level.customers
            rows.append(
                {
                    "lot": str(row["zone"]),
                    "name": str(row["name"]),
                    "level": str(row["level"]),
                    "providers": providers(level),
                    "hours_low": hours[0],
                    "hours_high": hours[1],
                    "weekly_hours": self._figure(row, "weekly_hours"),
                    "customers_low": people[0],
                    "customers_high": people[1],
                    "customers": self._figure(row, "customers"),
                    **meant(self._figure(row, "weekly_hours"), level, self.stated),
                    "value_a_year": self.value(k, "value_a_year"),
                    "value_a_year_with_vat": self.value(k, "value_a_year_with_vat"),
                    "value_term": math.nan if self.terms is None else self.value(k, "value_term"),
                    "units": int(row["units"]),
                    "places": "; ".join(self.places[k]),
                    "adjoining": "; ".join(self.sheets.adjoining(k)),
                    "sheet": self.sheet_names[k],
                }
            )
        return pd.DataFrame(rows)

    @cached_property
    def sheet_names(self) -> list[str]:
        """The file of every lot's sheet: its id, with what a file system refuses taken out."""
        plain = [re.sub(r"[^\w.-]+", "_", zone).strip("._") or "lot" for zone in self.plan.zone_ids]
        taken = {"overview": 1}
        names = []
        for each in plain:
            taken[each.lower()] = taken.get(each.lower(), 0) + 1
            number = taken[each.lower()]
            names.append(f"maps/{each}.pdf" if number == 1 else f"maps/{each}_{number}.pdf")
        return names

    def _figure(self, row: dict[Any, Any], name: str) -> float:
        given = row.get(name)
        value = math.nan if given is None else float(given)
        return value if self.internal or math.isnan(value) else float(round(value))

    def value(self, k: int, name: str) -> float:
        """Return a value of the lot at position `k`, a column of `money`, in pounds; NaN where withheld.

        A value goes with its hours, for whoever has one has the other: in public it is that of the hours as
        they are printed, in whole thousands.
        """
        printed = self._figure(self.published.zones.iloc[k].to_dict(), "weekly_hours")
        if self.money is None or math.isnan(printed):
            return math.nan
        value = float(self.money[name].iloc[k])
        hours = float(self.plan.zones["weekly_hours"].iloc[k])
        return value if self.internal or not hours else float(round(value * printed / hours, -3))

    @cached_property
    def units(self) -> pd.DataFrame:
        """Return a row a unit, by lot and then by unit: unit, name, lot, level. This is what a lot is."""
        plan = self.plan
        names = self._unit_names()
        rows = [
            (str(plan.of_units.ids[at]), names[at], plan.zone_ids[k], plan.levels[k])
            for k in range(len(plan.zone_ids))
            for at in self.sheets.members(k)
        ]
        return pd.DataFrame(rows, columns=["unit", "name", "lot", "level"])

    def _unit_names(self) -> list[str]:
        units = self.plan.of_units
        if units.name_column is None:
            return [""] * len(units)
        named = units.frame[units.name_column]
        return ["" if pd.isna(name) else str(name) for name in named]

    @cached_property
    def places(self) -> list[list[str]]:
        """Return the places inside every lot, the most important first."""
        table = self.sheets.background.places
        points = shapely.points(table[["x", "y"]].to_numpy(dtype=np.float64)) if len(table) else []
        tree = shapely.STRtree(points)
        found = []
        for shape in self.sheets.shapes.zones:
            at = np.sort(tree.query(shape, predicate="contains"))
            found.append(list(dict.fromkeys(table["name"].iloc[at]))[:MOST_PLACES])
        return found

    @cached_property
    def boundaries(self) -> list[str]:
        """Return every lot's boundary in words."""
        return [described(each) for each in self.sides]

    @cached_property
    def checks(self) -> tuple[int, int]:
        """Return how many checks of the rules are met, and how many there are."""
        verdicts = verify(self.plan, self.problem)
        return int(verdicts["passed"].sum()), len(verdicts)


def gather(
    plan: Plan,
    problem: Problem,
    *,
    internal: bool = False,
    earlier: Mapping[str, Table] | None = None,
    **more: Any,
) -> Material:
    """Return the material of a plan's pack.

    `earlier` are tables that are out already: nothing printed now may give figures away together with them.
    `more` are the `landmarks` of an extract, and `postcodes`, `money`, `terms`, `stated` and `inputs` as in
    `Material`.
    Raises `DataError` where the plan is not on the problem's units, or what is out already cannot be made
    safe.
    """
    if not plan.of_units.ids.equals(problem.units.ids):
        raise DataError("the plan is not on the problem's units; read it with the problem's scenario")
    start, end = (problem.about.publish.get(f"contract_{which}") for which in ("start", "end"))
    if start and end and end <= start:
        raise ScenarioError(f"publish.contract_end is {end}, not after contract_start, which is {start}")
    publication = _publication(plan, problem, internal, earlier or {})
    landmarks = more.pop("landmarks", None)
    sheets = Sheets.of(plan, landmarks, problem.about.roads)
    return Material(
        plan,
        problem,
        internal,
        # No mean minutes are in a pack, so none need be withheld.
        page(publication, TABLE, plan.zones.drop(columns="mean_minutes")),
        sheets,
        sides(sheets, None if landmarks is None else landmarks.ways),
        withheld=report(publication, internal=internal),
        version=str(problem.about.publish.get("version") or "1"),
        settings=dict(problem.about.publish),
        **more,
    )


def _publication(
    plan: Plan,
    problem: Problem,
    internal: bool,  # noqa: FBT001
    earlier: Mapping[str, Table],
) -> Publication:
    """Return what may be printed of the lots; nothing is withheld where the pack is internal."""
    if internal:
        policy = Policy(below=0, dominance=None)
        return publish({TABLE: plan}, policy=policy, levels=problem.levels)
    about = problem.about
    policy = Policy.stated(about.publish, plan.of_units.hours)
    if policy.rounding is not None and earlier:
        raise ScenarioError(
            f"publish.round_to cannot be kept beside what is out already ({listed(earlier)}), whose figures "
            "are not to change; leave it out, so that figures are withheld in its place"
        )
    packages = None if about.packages is None else about.packages()
    found = publish({TABLE: plan, **earlier}, policy=policy, levels=problem.levels, packages=packages)
    tried = attack(found)
    given = tried[~tried["safe"]]
    if len(given):
        raise DataError(
            f"what is out already ({listed(earlier)}) gives {counted(len(given), 'figure')} away together "
            "with these lots, whatever is withheld now; withdraw it, or make the pack --internal"
        )
    return found


def providers(level: Level | None) -> str:
    """Return a level's provider structure in words: `1 lead, 1 secondary`."""
    if level is None:
        return ""
    return ", ".join(f"{number} {role}" for role, number in level.providers.items() if number)
