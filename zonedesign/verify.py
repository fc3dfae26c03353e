"""Verification: every rule of a problem checked on a plan by plain arithmetic.

It shares no code with the rooms that design plans, and it judges any plan, ours or not. Units are looked up
by id, so a plan may lack units of the problem, or hold others, and the rows of `Cover` say so.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign import rules as kinds
from zonedesign.certificate import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zonedesign.levels import Level
    from zonedesign.plan import Plan
    from zonedesign.problem import Problem
    from zonedesign.rules import Rule

    Limit = tuple[float | None, float | None]
    Row = tuple[str, str | None, str | None, str, Limit, float, bool]

COLUMNS = ("rule", "zone", "level", "quantity", "limit", "value", "passed")
SLACK = 1e-6
OPEN: Limit = (None, None)


def verify(plan: Plan, problem: Problem) -> pd.DataFrame:
    """Return a row for every rule, zone and quantity: rule, zone, level, quantity, limit, value and passed.

    `limit` is (min, max), None where open; `zone` and `level` are None where a row is of no zone. A value
    that is not known is NaN, one out of reach is inf. First come the rows that hold for any plan: `Cover`
    (every unit in exactly one zone), `Centre` (a unit of its own zone), `Level` (the problem has that level).
    """
    judged = _Judged(plan, problem)
    rows = [*_cover(judged), *_centres(judged)]
    for rule in problem.all_rules:
        rows += _CHECKS[type(rule)](rule, judged)
    columns = dict(zip(COLUMNS, zip(*rows, strict=True), strict=True))
    frame = pd.DataFrame({name: pd.Series(columns[name], dtype=object) for name in COLUMNS})
    return frame.astype({"rule": str, "quantity": str, "value": np.float64, "passed": bool})


def verdicts_as_rows(verdicts: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the verdicts as JSON holds them: `limit` a list of two, None for open, unknown or infinite."""
    rows = verdicts[list(COLUMNS)].itertuples(index=False)
    return [plain(dict(zip(COLUMNS, row, strict=True))) for row in rows]


def broken(verdicts: pd.DataFrame, most: int = 5) -> str:
    """Return in one line which verdicts fail, the first `most` of them, or nothing where all pass."""
    failed: list[dict[str, Any]] = verdicts[~verdicts["passed"]].to_dict("records")  # type: ignore[assignment]
    texts = []
    for row in failed[:most]:
        of_zone = "" if row["zone"] is None else f" of zone {row['zone']}"
        limit = _limit_text(row["limit"])
        value = "out of reach" if math.isinf(row["value"]) else f"{row['value']:.10g}"
        texts.append(f"{row['rule']}{of_zone}: {row['quantity']} is {value}, {limit}")
    more = f"; and {len(failed) - most:,} more" if len(failed) > most else ""
    return "; ".join(texts) + more


def _limit_text(limit: Limit) -> str:
    low, high = limit
    if low is not None and high is not None:
        return f"must be {low:g}" if low == high else f"must lie in {low:g} to {high:g}"
    if low is not None:
        return f"must be {low:g} or more"
    return "must be finite" if high is None else f"must be {high:g} or less"


class _Judged:
    """A plan taken apart into plain dictionaries and lists, by unit id."""

    def __init__(self, plan: Plan, problem: Problem) -> None:
        self.problem = problem
        self.ids = problem.units.ids.tolist()
        known = set(self.ids)
        named = plan.of_units.ids.tolist()
        self.strange = [unit for unit in named if unit not in known]
        self.zones: list[str] = list(plan.zone_ids)
        self.level_of = dict(zip(self.zones, plan.levels, strict=True))
        self.centre_of = {
            zone: named[at] if 0 <= at < len(named) else None
            for zone, at in zip(self.zones, plan.centres.tolist(), strict=True)
        }
        self.zone_of = {
            unit: self.zones[k]
            for unit, k in zip(named, plan.zone.tolist(), strict=True)
            if unit in known and 0 <= k < len(self.zones)
        }
        self.members: dict[str, list[Any]] = {zone: [] for zone in self.zones}
        for unit in self.ids:
            if unit in self.zone_of:
                self.members[self.zone_of[unit]].append(unit)
        self.levels: dict[str, Level] = {level.name: level for level in problem.levels}
        units = problem.units
        self.hours = dict(zip(self.ids, units.hours.tolist(), strict=True))
        self.customers = (
            None if units.customers is None else dict(zip(self.ids, units.customers, strict=True))
        )
        times = problem.times
        self.row = dict(zip(times.origins.tolist(), range(len(times.origins)), strict=True))
        self.column = dict(zip(times.destinations.tolist(), range(len(times.destinations)), strict=True))

    def of_level(self, name: str) -> list[str]:
        return [zone for zone in self.zones if self.level_of[zone] == name]

    def zone_or_self(self, unit: Any) -> Any:
        """Return the unit's zone; a unit without one counts as a zone of its own."""
        return self.zone_of.get(unit, ("no zone", unit))

    def minutes_from(self, origin: Any, units: list[Any]) -> list[float]:
        """Return minutes from one unit to each of several, inf where out of reach."""
        if origin not in self.row:
            return [math.inf] * len(units)
        times = self.problem.times
        start, end = times.indptr[self.row[origin]], times.indptr[self.row[origin] + 1]
        dense = np.full(len(times.destinations) + 1, np.inf)
        dense[times.indices[start:end]] = times.minutes[start:end]
        found: list[float] = dense[[self.column.get(unit, -1) for unit in units]].tolist()
        return [math.inf if math.isnan(minutes) else minutes for minutes in found]

    def minutes_to(self, units: list[Any], target: Any) -> list[float]:
        """Return minutes from each of several units to one, inf where out of reach."""
        times, column = self.problem.times, self.column.get(target, -1)
        found = []
        for unit in units:
            row = self.row.get(unit)
            span = slice(0, 0) if row is None else slice(times.indptr[row], times.indptr[row + 1])
            stored = times.minutes[span][times.indices[span] == column]
            found.append(float(stored[0]) if len(stored) and not math.isnan(stored[0]) else math.inf)
        return found


def _row(
    rule: str, quantity: str, value: float, limit: Limit, zone: str | None = None, level: str | None = None
) -> Row:
    """Return one verdict, inclusive with the slack; what is infinite never passes, NaN (unknown) does."""
    low, high = limit
    passed = math.isnan(value) or (
        math.isfinite(value)
        and (low is None or value >= low - SLACK)
        and (high is None or value <= high + SLACK)
    )
    return rule, zone, level, quantity, limit, float(value), passed


def _cover(judged: _Judged) -> Iterator[Row]:
    """Every unit is in exactly one zone; each that is not is named in a row of its own."""
    missing = [unit for unit in judged.ids if unit not in judged.zone_of]
    yield _row("Cover", "units without a zone", len(missing), (0, 0))
    yield _row("Cover", "units that the problem does not have", len(judged.strange), (0, 0))
    for unit in missing:
        yield _row("Cover", f"zones of {unit}", 0, (1, 1))


def _centres(judged: _Judged) -> Iterator[Row]:
    """Every zone's centre is one of its units, and its level one of the problem's."""
    for zone in judged.zones:
        centre, level = judged.centre_of[zone], judged.level_of[zone]
        inside = centre is not None and judged.zone_of.get(centre) == zone
        yield _row("Centre", "centre in its zone", inside, (1, 1), zone, level)
        yield _row("Level", "level of the problem", level in judged.levels, (1, 1), zone, level)


def _volume(rule: kinds.Volume, judged: _Judged) -> Iterator[Row]:
    level = judged.levels[rule.level]
    for zone in judged.of_level(rule.level):
        units = judged.members[zone]
        hours = math.fsum(judged.hours[unit] for unit in units)
        yield _row("Volume", "weekly_hours", hours, level.weekly_hours or OPEN, zone, rule.level)
        if judged.customers is not None:
            people = math.fsum(judged.customers[unit] for unit in units)
            yield _row("Volume", "customers", people, level.customers or OPEN, zone, rule.level)


def _reach(rule: kinds.Reach, judged: _Judged) -> Iterator[Row]:
    limit = judged.levels[rule.level].max_minutes
    for zone in judged.of_level(rule.level):
        units, centre = judged.members[zone], judged.centre_of[zone]
        longest = max(
            (*judged.minutes_from(centre, units), *judged.minutes_to(units, centre)), default=math.inf
        )
        yield _row("Reach", "reach_minutes", longest, (None, limit), zone, rule.level)


def _diameter(rule: kinds.Diameter, judged: _Judged) -> Iterator[Row]:
    limit = judged.levels[rule.level].max_minutes_between
    people = judged.customers or {}
    for zone in judged.of_level(rule.level):
        units = [unit for unit in judged.members[zone] if judged.hours[unit] > 0 or people.get(unit, 0) > 0]
        # All ordered pairs, so the longer way of any two is among them; a unit is no distance from itself.
        longest = 0.0
        for unit in units:
            others = [other for other in units if other != unit]
            longest = max(longest, max(judged.minutes_from(unit, others), default=0.0))
        yield _row("Diameter", "minutes_between", longest, (None, limit), zone, rule.level)


def _max_miles(rule: kinds.MaxMiles, judged: _Judged) -> Iterator[Row]:
    points = judged.problem.units.points
    if points is None:
        for zone in judged.of_level(rule.level):
            yield _row(
                "MaxMiles", "miles", math.inf, (None, judged.levels[rule.level].max_miles), zone, rule.level
            )
        return
    if points.crs is not None and points.crs.is_geographic:
        points = points.to_crs(points.estimate_utm_crs())
    metres = 1.0 if points.crs is None else points.crs.axis_info[0].unit_conversion_factor
    place = dict(zip(judged.ids, zip(points.x, points.y, strict=True), strict=True))
    for zone in judged.of_level(rule.level):
        centre = place.get(judged.centre_of[zone])
        longest = max(
            (math.inf if centre is None else math.dist(place[unit], centre) for unit in judged.members[zone]),
            default=math.inf,
        )
        limit = judged.levels[rule.level].max_miles
        yield _row("MaxMiles", "miles", longest * metres / 1609.344, (None, limit), zone, rule.level)


def _zone_count(rule: kinds.ZoneCount, judged: _Judged) -> Iterator[Row]:
    zones = judged.levels[rule.level].zones
    limit = zones if isinstance(zones, tuple) else (zones, zones)
    yield _row("ZoneCount", "zones", len(judged.of_level(rule.level)), limit, None, rule.level)


def _hours_share(rule: kinds.HoursShare, judged: _Judged) -> Iterator[Row]:
    total = math.fsum(judged.hours.values())
    zones = set(judged.of_level(rule.level))
    hours = math.fsum(judged.hours[unit] for unit, zone in judged.zone_of.items() if zone in zones)
    limit = judged.levels[rule.level].hours_share or OPEN
    yield _row("HoursShare", "hours_share", hours / total if total > 0 else math.nan, limit, None, rule.level)


def _character(rule: kinds.Character, judged: _Judged) -> Iterator[Row]:
    """Judge the share of every zone's hours; a zone without hours passes, its value unknown."""
    asked = judged.levels[rule.level].character
    if asked is None:
        return
    classes = tuple(asked.values)
    column = dict(zip(judged.ids, judged.problem.units.frame[asked.column].tolist(), strict=True))
    for zone in judged.of_level(rule.level):
        units = judged.members[zone]
        total = math.fsum(judged.hours[unit] for unit in units)
        meant = math.fsum(judged.hours[unit] for unit in units if column[unit] in classes)
        share = meant / total if total > 0 else math.nan
        yield _row("Character", "character_share", share, (asked.at_least, None), zone, rule.level)


def _contiguous(_rule: kinds.Contiguous, judged: _Judged) -> Iterator[Row]:
    """Count the pieces of every zone by its own search; a level that the problem lacks may not opt out."""
    graph = judged.problem.units.contiguity
    if graph is None:  # the problem was made without a graph, for no level asks for one
        return
    near: dict[Any, list[Any]] = {unit: [] for unit in judged.ids}
    for a, b in graph.pairs.tolist():
        near[judged.ids[a]].append(judged.ids[b])
        near[judged.ids[b]].append(judged.ids[a])
    for zone in judged.zones:
        level = judged.levels.get(judged.level_of[zone])
        if level is not None and not level.contiguous:
            continue
        left, pieces = set(judged.members[zone]), 0
        while left:
            pieces += 1
            front = [left.pop()]
            while front:
                reached = [unit for unit in near[front.pop()] if unit in left]
                left.difference_update(reached)
                front += reached
        yield _row("Contiguous", "pieces", pieces, (None, 1), zone, judged.level_of[zone])


def _together(rule: kinds.Together, judged: _Judged) -> Iterator[Row]:
    zones = {judged.zone_or_self(unit) for unit in rule.units}
    yield _row("Together", f"zones of {', '.join(map(str, rule.units))}", len(zones), (1, 1))


def _apart(rule: kinds.Apart, judged: _Judged) -> Iterator[Row]:
    zones = {judged.zone_or_self(rule.a), judged.zone_or_self(rule.b)}
    yield _row("Apart", f"zones of {rule.a}, {rule.b}", len(zones), (2, 2))


def _centre_at(rule: kinds.CentreAt, judged: _Judged) -> Iterator[Row]:
    zones = [zone for zone, centre in judged.centre_of.items() if centre == rule.unit]
    zone = zones[0] if zones else None
    yield _row(
        "CentreAt",
        f"zones with their centre at {rule.unit}",
        len(zones),
        (1, 1),
        zone,
        judged.level_of.get(zone or ""),
    )


def _anchor(judged: _Judged) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Return the units and the centre of every zone that locks may name."""
    labels, names = judged.problem.anchor_zones or (np.zeros(0, dtype=np.int64), ())
    units: dict[str, list[Any]] = {name: [] for name in names}
    for unit, k in zip(judged.ids, labels.tolist(), strict=True):
        units[names[k]].append(unit)
    centres = judged.problem.anchor_centres
    at = [] if centres is None else centres.tolist()
    return units, {name: judged.ids[i] for name, i in zip(names, at, strict=True)}


def _fixed(rule: kinds.Fixed, judged: _Judged) -> Iterator[Row]:
    centre = _anchor(judged)[1][rule.zone]
    zone = judged.zone_of.get(rule.unit)
    kept = zone is not None and judged.zone_of.get(centre) == zone
    level = None if zone is None else judged.level_of[zone]
    yield _row("Fixed", f"{rule.unit} with the centre of {rule.zone}, {centre}", kept, (1, 1), zone, level)


def _frozen(rule: kinds.Frozen, judged: _Judged) -> Iterator[Row]:
    """Count the units that left the frozen zone or joined it, in the zone that holds most of it."""
    before = set(_anchor(judged)[0][rule.zone])
    most = Counter(judged.zone_of[unit] for unit in before if unit in judged.zone_of).most_common()
    best = max(count for _, count in most) if most else 0
    changes = [(len(before ^ set(judged.members[zone])), zone) for zone, count in most if count == best]
    changed, zone = min(changes, default=(len(before), None))
    level = None if zone is None else judged.level_of[zone]
    yield _row("Frozen", f"units that left or joined {rule.zone}", changed, (0, 0), zone, level)


def _nest_in(rule: kinds.NestIn, judged: _Judged) -> Iterator[Row]:
    border = judged.problem.units.frame[rule.border] if isinstance(rule.border, str) else rule.border
    codes = dict(border.items())
    joint = {code: group[0] for group in rule.joint for code in group}
    for zone in judged.zones:
        crossed = {joint.get(codes[unit], codes[unit]) for unit in judged.members[zone]}
        yield _row("NestIn", f"codes of {rule.name}", len(crossed), (None, 1), zone, judged.level_of[zone])


_CHECKS: dict[type[Rule], Any] = {
    kinds.Volume: _volume,
    kinds.Reach: _reach,
    kinds.Diameter: _diameter,
    kinds.MaxMiles: _max_miles,
    kinds.ZoneCount: _zone_count,
    kinds.HoursShare: _hours_share,
    kinds.Character: _character,
    kinds.Contiguous: _contiguous,
    kinds.Together: _together,
    kinds.Apart: _apart,
    kinds.CentreAt: _centre_at,
    kinds.Fixed: _fixed,
    kinds.Frozen: _frozen,
    kinds.NestIn: _nest_in,
}
