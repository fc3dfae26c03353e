"""The problem: units, travel times, levels, rules and objective, checked once when made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign import measures
from zonedesign.errors import DataError, ScenarioError, counted, listed, nearest_name, require_unique
from zonedesign.rules import (
    Apart,
    CentreAt,
    Contiguous,
    Fixed,
    Frozen,
    NestIn,
    Rule,
    Together,
    implied,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zonedesign.levels import Level
    from zonedesign.plan import Plan
    from zonedesign.traveltimes import TravelTimes
    from zonedesign.units import Units

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

METRES_PER_MILE = 1609.344


@dataclass(frozen=True, eq=False)
class Objective:
    """What a plan minimises: `travel * mean_minutes + change * moved + borders * crossing + cut * boundary`.

    `baseline` is a Plan on the same units, or a Series or mapping of unit to zone; `border` a Series or mapping of unit
    to code, or the name of a column of the units.
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
            if not (np.isfinite(weight) and weight >= 0):
                raise ScenarioError(f"objective {what} is {weight}; a weight is a number that is not negative")
        if self.change and self.baseline is None:
            raise ScenarioError("objective change needs a baseline: the plan in force today")
        if self.borders and self.border is None:
            raise ScenarioError("objective borders needs a border: the boundary set to follow")


@dataclass(frozen=True, eq=False)
class About:
    """What a page says of where a plan comes from; nothing here changes a plan.

    `sources` are (what, licence line) to print, `inputs` file name -> SHA-256, `notes` what was repaired or counted,
    `roads` a RoadNetwork for the map's background, `publish` the `[publish]` table.
    """

    name: str = "Zones"
    sources: tuple[tuple[str, str], ...] = ()
    inputs: Mapping[str, str | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    sketch: bool = False
    roads: Any = None
    publish: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Arcs:
    """Every (centre, unit) pair that some level allows, as rows by centre: the only pairs a plan may use.

    Row j holds `units[indptr[j]:indptr[j + 1]]` (positions, ascending; j itself among them), `minutes` centre -> unit and
    `reach_minutes`, the longer way. `allowed` is (pairs, levels): whether the level's reach and miles allow the pair.
    """

    indptr: Ints
    units: Ints
    minutes: Floats
    reach_minutes: Floats
    allowed: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Problem:
    """Everything a plan is designed from. Checked when made; `DataError` or `ScenarioError` says what is wrong.

    Levels imply `Volume`, `Reach`, `ZoneCount` and what else they state; `rules` adds. `anchor` is the plan whose zones
    `Fixed` and `Frozen` name: the objective's baseline, or else the start plan.
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
            if level.customers is not None and self.units.customers is None:
                raise DataError(f"level {level.name} has a customers band but the units have no customers")
            if level.max_miles is not None and self.units.points is None:
                raise DataError(f"level {level.name} has max_miles but the units have no points")
            if level.character is not None and level.character.column not in self.units.frame.columns:
                raise DataError(
                    f"level {level.name}: the units have no column '{level.character.column}'"
                    f"{nearest_name(level.character.column, self.units.frame.columns)}"
                )
        needs_graph = any(isinstance(rule, Contiguous) for rule in self.rules) and any(
            level.contiguous for level in self.levels
        )
        if (needs_graph or self.objective.cut) and self.units.contiguity is None:
            raise DataError("this problem needs contiguity and its units have no graph; give contiguity= to the units")
        for rule in self.rules:
            self._check(rule)

    def _check(self, rule: Rule) -> None:
        """Raise `DataError` or `ScenarioError` where a rule names what is not there."""
        level = getattr(rule, "level", None)
        names = [each.name for each in self.levels]
        if level is not None and level not in names:
            raise ScenarioError(f"{type(rule).__name__} names level '{level}'{nearest_name(level, names)}")
        named: tuple[Any, ...] = ()
        if isinstance(rule, Together):
            named = rule.units
        elif isinstance(rule, Apart):
            named = (rule.a, rule.b)
        elif isinstance(rule, (CentreAt, Fixed)):
            named = (rule.unit,)
        elif isinstance(rule, NestIn):
            self.border_codes(rule.border, rule.name)
        strange = [unit for unit in named if unit not in self.units.ids]
        if strange:
            raise DataError(f"{type(rule).__name__} names {counted(len(strange), 'unit')} that are not there: {listed(strange)}")

    # Rules.

    @cached_property
    def all_rules(self) -> tuple[Rule, ...]:
        """Every rule of the problem, implied and added, in the order in which `verify` reports them."""
        every: list[Rule] = [rule for level in self.levels for rule in implied(level)]
        every += [rule for rule in self.rules if rule not in every]
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
                    f"the units have no column '{border}' to nest in{nearest_name(border, self.units.frame.columns)}"
                )
            border = self.units.frame[border]
        codes = pd.Series(border).reindex(self.units.ids)
        missing = codes.index[codes.isna()]
        if len(missing):
            raise DataError(f"{name}: {counted(len(missing), 'unit')} without a code: {listed(missing)}")
        together = {code: group[0] for group in joint for code in group}
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
        return self.units.hours.to_numpy(dtype=np.float64)

    @cached_property
    def customers(self) -> Floats | None:
        """Customers of every unit (n,), or None."""
        return None if self.units.customers is None else self.units.customers.to_numpy(dtype=np.float64)

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
            allowed[:, k] = both if level.max_minutes is None else both & (reach <= level.max_minutes + 1e-6)
            if level.max_miles is not None:
                allowed[:, k] &= self.miles(rows, times.indices) <= level.max_miles + 1e-6
        keep = allowed.any(axis=1)
        indptr = np.zeros(n + 1, dtype=np.int64)
        np.cumsum(np.bincount(rows[keep], minlength=n), out=indptr[1:])
        return Arcs(indptr, times.indices[keep], times.minutes[keep], reach[keep], allowed[keep])

    def miles(self, a: Ints, b: Ints) -> Floats:
        """Return straight-line miles between units at positions `a` and `b`, in the points' projected CRS."""
        points = self.units.points
        if points is None:
            raise DataError("the units have no points to measure miles between")
        if points.crs is not None and points.crs.is_geographic:
            points = points.to_crs(points.estimate_utm_crs())
        x, y = points.x.to_numpy(), points.y.to_numpy()
        return np.asarray(np.hypot(x[a] - x[b], y[a] - y[b]) / METRES_PER_MILE)

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
    def border(self) -> Ints | None:
        """The objective's border as the code of every unit (n,), or None."""
        given = self.objective.border
        return None if given is None else self.border_codes(given, "the objective's border")

    def _zones_of(self, plan: Any, what: str) -> tuple[Ints, tuple[str, ...]] | None:
        if plan is None:
            return None
        labels = plan.units["zone"] if hasattr(plan, "zone_ids") else pd.Series(plan)
        labels = labels.reindex(self.units.ids)
        missing = labels.index[labels.isna()]
        if len(missing):
            raise DataError(f"{what} gives no zone to {counted(len(missing), 'unit')}: {listed(missing)}")
        codes, names = pd.factorize(labels.astype(str), sort=True)
        return codes.astype(np.int64), tuple(str(name) for name in names)

    def with_(self, **changes: Any) -> Problem:
        """Return the problem with some of its parts replaced."""
        return replace(self, **changes)

    def terms(self, plan: Plan) -> dict[str, float]:
        """Return the objective's terms of a plan, before weighting: mean_minutes, moved, crossing, boundary."""
        minutes = plan.units["minutes"].reindex(self.units.ids).to_numpy()
        found = {"mean_minutes": measures.mean_minutes(self.hours, minutes)}
        zone = plan.zone
        if self.baseline_zones is not None:
            found["moved"] = measures.moved_share(self.hours, zone, self.baseline_zones[0])
        if self.border is not None:
            found["crossing"] = measures.crossing_share(self.hours, zone, self.border)
        if self.units.contiguity is not None:
            graph = self.units.contiguity
            found["boundary"] = measures.boundary_share(graph.pairs, graph.boundary_m, zone)
        return found

    def value(self, terms: Mapping[str, float]) -> float:
        """Return the objective of the terms."""
        weights = self.objective
        return (
            weights.travel * terms["mean_minutes"]
            + weights.change * terms.get("moved", 0.0)
            + weights.borders * terms.get("crossing", 0.0)
            + weights.cut * terms.get("boundary", 0.0)
        )
