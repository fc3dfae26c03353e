"""The problem: units, travel times, levels, rules and objective, checked once when made."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign import measures
from zonedesign.errors import (
    DataError,
    ScenarioError,
    counted,
    listed,
    nearest_name,
    require_unique,
    that_are,
)
from zonedesign.levels import SLACK
from zonedesign.plan import Plan
from zonedesign.rules import Apart, CentreAt, Contiguous, Fixed, Frozen, NestIn, Rule, Together, implied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from zonedesign.levels import Level
    from zonedesign.traveltimes import TravelTimes
    from zonedesign.units import Units

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Objective:
    """What a plan minimises: `travel * mean_minutes + change * moved + borders * crossing + cut * boundary`.

    `baseline` is a Plan on the same units, or a Series or mapping of unit to zone; `border` a Series or
    mapping of unit to code, or the name of a column of the units.
    """

    travel: float = 1.0
    change: float = 0.0
    borders: float = 0.0
    cut: float = 0.0
    baseline: Any = None
    border: Any = None

    def __post_init__(self) -> None:
        for what in ("travel", "change", "borders", "cut"):
            weight = getattr(self, what)
            if not (isinstance(weight, (int, float, np.number)) and math.isfinite(weight) and weight >= 0):
                raise ScenarioError(
                    f"objective {what} is {weight!r}; a weight is a number that is not negative"
                )
        if self.change and self.baseline is None:
            raise ScenarioError("objective change needs a baseline: the plan in force today")
        if self.borders and self.border is None:
            raise ScenarioError("objective borders needs a border: the boundary set to follow")


@dataclass(frozen=True, eq=False)
class About:
    """What a page says of where a plan comes from; nothing here changes a plan.

    `sources` are (what, licence line) to print, `inputs` file name -> SHA-256, `notes` what was repaired or
    counted, `roads` a RoadNetwork for the map's background, `publish` the `[publish]` table. `packages` gives
    customers' own hours on the index of units when it is called, for what public pages must withhold.
    """

    name: str = "Zones"
    sources: tuple[tuple[str, str], ...] = ()
    inputs: Mapping[str, str | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    sketch: bool = False
    roads: Any = None
    publish: Mapping[str, Any] = field(default_factory=dict)
    packages: Callable[[], pd.Series[float]] | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class Arcs:
    """Every (centre, unit) pair that some level allows, as rows by centre: the only pairs a plan may use.

    Row j holds `units[indptr[j]:indptr[j + 1]]` (positions, ascending; j itself among them), `minutes`
    centre -> unit and `reach_minutes`, the longer way. `allowed` is (pairs, levels): whether the level's
    reach and miles allow the pair.
    """

    indptr: Ints
    units: Ints
    minutes: Floats
    reach_minutes: Floats
    allowed: NDArray[np.bool_]


@dataclass(frozen=True, eq=False, repr=False)
class Problem:
    """Everything a plan is designed from, checked when made.

    Levels imply `Volume`, `Reach`, `ZoneCount` and what else they state; `rules` adds. The anchor is the plan
    whose zones `Fixed` and `Frozen` name: the objective's baseline, or else `start`. Raises `DataError` or
    `ScenarioError` for what contradicts itself.
    """

    units: Units
    times: TravelTimes
    levels: Sequence[Level]
    rules: Sequence[Rule] = ()
    objective: Objective = field(default_factory=Objective)
    about: About = field(default_factory=About)
    start: Plan | pd.Series[Any] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", tuple(self.levels))
        object.__setattr__(self, "rules", tuple(self.rules))
        if not self.levels:
            raise ScenarioError("a problem needs one level at least")
        require_unique([level.name for level in self.levels], "level name", "the problem")
        for level in self.levels:
            self._check_level(level)
        without = self.units.ids[
            (self.times.origins.get_indexer(self.units.ids) < 0)
            | (self.times.destinations.get_indexer(self.units.ids) < 0)
        ]
        if len(without):
            raise DataError(
                f"no travel times for {len(without):,} of {counted(len(self.units), 'unit')}: "
                f"{listed(without)}; compute them for the same points"
            )
        asked = any(isinstance(rule, Contiguous) for rule in self.rules)
        needs_graph = asked and any(level.contiguous for level in self.levels)
        if (needs_graph or self.objective.cut) and self.units.contiguity is None:
            raise DataError(
                "this problem needs contiguity and its units have no graph; give contiguity= to the units"
            )
        for rule in self.all_rules:
            self._check(rule)

    def _check_level(self, level: Level) -> None:
        """Raise `DataError` where a level states what the units or the travel times cannot tell."""
        if level.customers is not None and self.units.customers is None:
            raise DataError(f"level {level.name} has a customers band but the units have no customers")
        if level.max_miles is not None and self.units.points is None:
            raise DataError(f"level {level.name} has max_miles but the units have no points")
        columns = self.units.frame.columns
        if level.character is not None and level.character.column not in columns:
            raise DataError(
                f"level {level.name}: the units have no column '{level.character.column}'"
                f"{nearest_name(level.character.column, columns)}"
            )
        for what in ("max_minutes", "max_minutes_between"):
            limit = getattr(level, what)
            if limit is not None and limit > self.times.max_minutes + SLACK:
                raise DataError(
                    f"level {level.name}: {what} is {limit:g} and the travel times stop at "
                    f"{self.times.max_minutes:g} minutes; compute them with max_minutes={limit:g}"
                )

    def _check(self, rule: Rule) -> None:
        """Raise `DataError` or `ScenarioError` where a rule names what is not there."""
        if not isinstance(rule, Rule):
            raise ScenarioError(f"rules hold {rule!r}, which is no rule; write one such as Contiguous()")
        level = getattr(rule, "level", None)
        names = [each.name for each in self.levels]
        if level is not None and level not in names:
            hint = nearest_name(level, names) or f"; the problem has {listed(names)}"
            raise ScenarioError(f"{type(rule).__name__} names level '{level}'{hint}")
        named: tuple[Any, ...] = ()
        if isinstance(rule, Together):
            named = rule.units
        elif isinstance(rule, Apart):
            named = (rule.a, rule.b)
        elif isinstance(rule, (CentreAt, Fixed)):
            named = (rule.unit,)
        elif isinstance(rule, NestIn):
            self.border_codes(rule.border, rule.name, rule.joint)
        strange = [unit for unit in named if unit not in self.units.ids]
        if strange:
            raise DataError(
                f"{type(rule).__name__} names {that_are(len(strange), 'unit', 'not there')}: "
                f"{listed(strange)}{nearest_name(strange[0], self.units.ids)}"
            )
        if isinstance(rule, (Fixed, Frozen)):
            zones = () if self.anchor_zones is None else self.anchor_zones[1]
            if not zones:
                raise ScenarioError(
                    f"{type(rule).__name__} names zone '{rule.zone}' and there is no plan to find it in; "
                    "give the objective a baseline, or a start plan"
                )
            if rule.zone not in zones:
                hint = nearest_name(rule.zone, zones) or f"; there are {listed(zones)}"
                raise ScenarioError(
                    f"{type(rule).__name__} names zone '{rule.zone}', which is not in the baseline{hint}"
                )

    def __repr__(self) -> str:
        levels = ", ".join(level.name for level in self.levels)
        return (
            f"<Problem: {self.about.name}, {counted(len(self.units), 'unit')}, levels {levels}, "
            f"{counted(len(self.all_rules), 'rule')}>"
        )

    # Rules.

    @cached_property
    def all_rules(self) -> tuple[Rule, ...]:
        """Every rule of the problem, implied and added, in the order in which `verify` reports them."""
        every: list[Rule] = [rule for level in self.levels for rule in implied(level)]
        every += [rule for rule in dict.fromkeys(self.rules) if rule not in every]
        if self.units.authority is not None:
            every.append(NestIn(self.units.authority, name="authority", joint=self.units.joint))
        return tuple(every)

    @cached_property
    def contiguous(self) -> tuple[bool, ...]:
        """Whether zones of each level must be connected."""
        asked = any(isinstance(rule, Contiguous) for rule in self.rules)
        return tuple(asked and level.contiguous for level in self.levels)

    def border_codes(self, border: Any, name: str, joint: Sequence[Sequence[Any]] = ()) -> Ints:
        """Return the code of every unit (n,) as numbers; codes in one joint group count as one.

        Raises `DataError` for a column that is not there and for units without a code.
        """
        if isinstance(border, str):
            if border not in self.units.frame.columns:
                raise DataError(
                    f"the units have no column '{border}' to nest in"
                    f"{nearest_name(border, self.units.frame.columns)}"
                )
            border = self.units.frame[border]
        codes = pd.Series(border).reindex(self.units.ids)
        missing = codes.index[codes.isna()]
        if len(missing):
            raise DataError(
                f"{name}: {counted(len(missing), 'unit')} without a code: {listed(missing)}; all need one"
            )
        together = {code: group[0] for group in joint for code in group}
        strange = [code for code in together if code not in set(codes)]
        if strange:
            raise DataError(
                f"joint names {listed(strange)}, which no unit has as its {name}"
                f"{nearest_name(strange[0], codes.unique())}"
            )
        return pd.factorize(codes.map(lambda code: together.get(code, code)))[0].astype(np.int64)

    @cached_property
    def nests(self) -> tuple[tuple[str, Ints], ...]:
        """Every border set that zones nest in: its name and the code of every unit (n,)."""
        return tuple(
            (rule.name, self.border_codes(rule.border, rule.name, rule.joint))
            for rule in self.all_rules
            if isinstance(rule, NestIn)
        )

    # Numbers, in the units' order.

    @cached_property
    def hours(self) -> Floats:
        """Weekly hours of every unit (n,)."""
        return np.asarray(self.units.hours, dtype=np.float64)

    @cached_property
    def customers(self) -> Floats | None:
        """Customers of every unit (n,), or None."""
        return None if self.units.customers is None else np.asarray(self.units.customers, dtype=np.float64)

    @cached_property
    def travel(self) -> TravelTimes:
        """The travel times on the units, in their order; `DataError` where the times lack units."""
        return self.times.on(self.units.ids)

    @cached_property
    def arcs(self) -> Arcs:
        """Every (centre, unit) pair with both ways finite that reach and miles of some level allow."""
        times, n = self.travel, len(self.units)
        rows = np.repeat(np.arange(n), np.diff(times.indptr))
        key = rows * n + times.indices  # ascending, for rows and columns are sorted
        back_key = times.indices * n + rows
        at = np.searchsorted(key, back_key)
        at_safe = np.minimum(at, max(len(key) - 1, 0))
        both = key[at_safe] == back_key if len(key) else np.zeros(0, dtype=bool)
        reach = np.maximum(times.minutes, times.minutes[at_safe]) if len(key) else times.minutes
        allowed = np.zeros((len(key), len(self.levels)), dtype=bool)
        for k, level in enumerate(self.levels):
            allowed[:, k] = both if level.max_minutes is None else both & (reach <= level.max_minutes + SLACK)
            if level.max_miles is not None:
                allowed[:, k] &= self.miles(rows, times.indices) <= level.max_miles + SLACK
        keep = allowed.any(axis=1)
        indptr = np.zeros(n + 1, dtype=np.int64)
        np.cumsum(np.bincount(rows[keep], minlength=n), out=indptr[1:])
        return Arcs(indptr, times.indices[keep], times.minutes[keep], reach[keep], allowed[keep])

    def miles(self, a: Ints, b: Ints) -> Floats:
        """Return straight-line miles between units at positions `a` and `b`, in the points' projected CRS."""
        if self.units.points is None:
            raise DataError("the units have no points to measure miles between")
        return measures.miles_between(self.units.points, a, b)

    # The plans that a problem names.

    @cached_property
    def baseline_zones(self) -> tuple[Ints, tuple[str, ...]] | None:
        """The objective's baseline as the number of every unit's zone (n,) and the zones' ids, or None."""
        return self._zones_of(self.objective.baseline, "the baseline")

    @cached_property
    def anchor_zones(self) -> tuple[Ints, tuple[str, ...]] | None:
        """The zones that `Fixed` and `Frozen` name, of the baseline or else the start plan, or None."""
        return self.baseline_zones or self._zones_of(self.start, "the start plan")

    @cached_property
    def anchor_centres(self) -> Ints | None:
        """The position of the centre of every anchor zone (k,), in the order of `anchor_zones`, or None.

        It is the stated centre where the anchor is a Plan and that unit is in the zone here, else the best.
        """
        anchor = self.anchor_zones
        if anchor is None:
            return None
        given = self.start if self.objective.baseline is None else self.objective.baseline
        stated = {}
        if isinstance(given, Plan):
            centres = given.of_units.ids[given.centres]
            at = self.units.ids.get_indexer(centres)
            stated = {
                zone: centre
                for zone, centre, i in zip(given.zone_ids, centres, at.tolist(), strict=True)
                if i >= 0 and anchor[1][anchor[0][i]] == zone
            }
        labels = pd.Series(np.array(anchor[1], dtype=object)[anchor[0]], index=self.units.ids)
        return Plan.from_labels(self.units, self.times, labels, levels=self.levels, centre=stated).centres

    @cached_property
    def border(self) -> Ints | None:
        """The objective's border as the code of every unit (n,), or None."""
        given = self.objective.border
        return None if given is None else self.border_codes(given, "the objective's border")

    def _zones_of(self, plan: Any, what: str) -> tuple[Ints, tuple[str, ...]] | None:
        if plan is None:
            return None
        labels = _labels(plan)
        left_out = [] if self.units.excluded is None else self.units.excluded.index
        strange = labels.index.difference(self.units.ids).difference(left_out)
        if len(strange):
            raise DataError(
                f"{what} names {that_are(len(strange), 'unit', 'not there')}: {listed(strange)}"
                f"{nearest_name(strange[0], self.units.ids)}"
            )
        labels = labels.reindex(self.units.ids)
        missing = labels.index[labels.isna()]
        if len(missing):
            raise DataError(f"{what} gives no zone to {counted(len(missing), 'unit')}: {listed(missing)}")
        codes, names = pd.factorize(labels.astype(str).to_numpy(dtype=object), sort=True)
        return codes.astype(np.int64), tuple(str(name) for name in names)

    def with_(self, **changes: Any) -> Problem:
        """Return the problem with some of its parts replaced."""
        changed = replace(self, **changes)
        # What does not change is not worked out again.
        stays = [] if {"units", "times"} & changes.keys() else ["travel"]
        stays += ["arcs"] if stays and "levels" not in changes else []
        changed.__dict__.update({name: self.__dict__[name] for name in stays if name in self.__dict__})
        return changed

    def terms(self, plan: Plan) -> dict[str, float]:
        """Return the objective's terms of a plan, before weighting: mean_minutes, moved, crossing, boundary.

        Terms that the problem cannot tell (no baseline, no border, no graph) are left out.
        """
        minutes = plan.units["minutes"].reindex(self.units.ids)
        found = {"mean_minutes": measures.mean_minutes(self.hours, np.asarray(minutes, dtype=np.float64))}
        zone = pd.factorize(_labels(plan).reindex(self.units.ids))[0].astype(np.int64)
        if (zone < 0).any():
            raise DataError(
                f"the plan gives no zone to {counted(int((zone < 0).sum()), 'unit')} of the problem"
            )
        if self.baseline_zones is not None:
            found["moved"] = measures.moved_share(self.hours, zone, self.baseline_zones[0])
        if self.border is not None:
            found["crossing"] = measures.crossing_share(self.hours, zone, self.border)
        if self.units.contiguity is not None:
            graph = self.units.contiguity
            found["boundary"] = measures.boundary_share(graph.pairs, graph.boundary_m, zone)
        return found

    def value(self, terms: Mapping[str, float]) -> float:
        """Return the objective of the terms; a term of weight zero counts nothing, however large."""
        goal = self.objective
        weighted = (
            (goal.travel, "mean_minutes"),
            (goal.change, "moved"),
            (goal.borders, "crossing"),
            (goal.cut, "boundary"),
        )
        return sum(weight * terms.get(term, 0.0) for weight, term in weighted if weight)


def _labels(plan: Any) -> pd.Series[Any]:
    """Return the zone of every unit of a Plan, a Series or a mapping of unit to zone."""
    if isinstance(plan, Plan):
        return pd.Series(
            np.array(plan.zone_ids, dtype=object)[plan.zone], index=plan.of_units.ids, dtype=object
        )
    return pd.Series(plan)
