"""Every plan of a tiny problem, judged by the plain meaning of each rule: the least objective, and who can use what.

It reads a problem's nouns (hours, minutes, pairs, levels, rules) and nothing that designs, bounds or verifies plans.
Sets of units are numbers whose bits are the units: a table has a row for each of the 2^n sets.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from zonedesign import rules as kinds
from zonedesign.plan import Plan

if TYPE_CHECKING:
    import pandas as pd

    from zonedesign.problem import Problem

SLACK = 1e-6
MILE = 1609.344


@dataclass(frozen=True)
class EveryPlan:
    """All plans of a problem of up to seven units."""

    problem: Problem

    # What the problem says, as plain numbers.

    @cached_property
    def n(self) -> int:
        return len(self.problem.units)

    @cached_property
    def ids(self) -> list[Any]:
        return self.problem.units.frame.index.tolist()

    @cached_property
    def inside(self) -> np.ndarray:
        """Which units (2^n, n) each set holds."""
        return (np.arange(2**self.n)[:, None] >> np.arange(self.n)) & 1 == 1

    @cached_property
    def hours(self) -> np.ndarray:
        return self.problem.units.hours.to_numpy()

    @cached_property
    def customers(self) -> np.ndarray:
        people = self.problem.units.customers
        return np.zeros(self.n) if people is None else people.to_numpy()

    @cached_property
    def minutes(self) -> np.ndarray:
        """Minutes (n, n) from row to column."""
        table = self.problem.times.to_frame()
        found = np.full((self.n, self.n), np.inf)
        for origin, destination, minutes in table.itertuples(index=False):
            found[self.ids.index(origin), self.ids.index(destination)] = minutes
        return found

    @cached_property
    def longer(self) -> np.ndarray:
        return np.maximum(self.minutes, self.minutes.T)

    @cached_property
    def pairs(self) -> np.ndarray:
        graph = self.problem.units.contiguity
        return np.zeros((0, 2), dtype=int) if graph is None else graph.pairs

    @cached_property
    def connected(self) -> np.ndarray:
        """Which sets (2^n,) hang together."""
        near = [0] * self.n
        for a, b in self.pairs.tolist():
            near[a] |= 1 << b
            near[b] |= 1 << a
        found = np.zeros(2**self.n, dtype=bool)
        for some in range(1, 2**self.n):
            seen, front = 0, some & -some
            while front:
                seen |= front
                beside = 0
                for i in range(self.n):
                    if front >> i & 1:
                        beside |= near[i]
                front = beside & some & ~seen
            found[some] = seen == some
        return found

    # What each rule says of one zone: tables (2^n, levels, n) of set, level and centre.

    @cached_property
    def holds(self) -> dict[str, np.ndarray]:
        """For the name of every rule: of which zones it holds; counts and shares are in `values`."""
        found: dict[str, np.ndarray] = {}
        everywhere = np.ones((2**self.n, len(self.problem.levels), self.n), dtype=bool)
        asks = any(isinstance(rule, kinds.Contiguous) for rule in self.problem.rules)
        for k, level in enumerate(self.problem.levels):
            self._set(found, "Volume", k, _between(self.inside @ self.hours, level.weekly_hours))
            self._set(found, "Volume", k, _between(self.inside @ self.customers, level.customers))
            limit = math.inf if level.max_minutes is None else level.max_minutes + SLACK
            self._set(found, "Reach", k, ~self._any_beyond(~np.isfinite(self.longer) | (self.longer > limit)))
            if level.max_miles is not None:
                self._set(found, "MaxMiles", k, ~self._any_beyond(self._miles() > level.max_miles + SLACK))
            if level.max_minutes_between is not None:
                self._set(found, "Diameter", k, self._near_each_other(level.max_minutes_between))
            if level.character is not None:
                meant = self.problem.units.frame[level.character.column].isin(list(level.character.values))
                share = self.inside @ (self.hours * meant.to_numpy()), self.inside @ self.hours
                enough = share[0] >= (level.character.at_least - SLACK) * share[1] - 1e-12
                self._set(found, "Character", k, enough | (share[1] <= 0))
            if asks:
                anything = np.ones(2**self.n, dtype=bool)
                self._set(found, "Contiguous", k, self.connected if level.contiguous else anything)
        for rule in self.problem.rules:
            table = self._of_lock(rule)
            if table is not None:
                name = type(rule).__name__
                found[name] = found.get(name, everywhere) & table
        if self.problem.units.authority is not None:
            one = self._of_one_code(self.problem.units.authority, self.problem.units.joint)
            found["NestIn"] = found.get("NestIn", everywhere) & one
        return found

    def _set(self, found: dict[str, np.ndarray], name: str, level: int, table: np.ndarray) -> None:
        shape = 2**self.n, len(self.problem.levels), self.n
        found.setdefault(name, np.ones(shape, dtype=bool))[:, level] &= table.reshape(2**self.n, -1)

    def _any_beyond(self, beyond: np.ndarray) -> np.ndarray:
        """Return for which (set, centre) some unit of the set is beyond what the centre serves."""
        return self.inside.astype(int) @ beyond.T.astype(int) > 0

    def _miles(self) -> np.ndarray:
        points = self.problem.units.points
        x, y = points.x.to_numpy(), points.y.to_numpy()
        return np.hypot(x[:, None] - x, y[:, None] - y) / MILE

    def _near_each_other(self, most: float) -> np.ndarray:
        busy = (self.hours > 0) | (self.customers > 0)
        far = (self.longer > most + SLACK) & busy[:, None] & busy
        far &= ~np.eye(self.n, dtype=bool)
        some = self.inside.astype(int)
        return ((some @ far.astype(int)) * some).sum(axis=1) == 0

    def _of_lock(self, rule: kinds.Rule) -> np.ndarray | None:
        """Return which zones keep a lock, as a table that `holds` can take; None for what is no lock."""
        sets, at = np.arange(2**self.n), self.ids.index
        if isinstance(rule, kinds.Together):
            return _all_or_none(self.inside[:, [at(unit) for unit in rule.units]])
        if isinstance(rule, kinds.Apart):
            return ~(self.inside[:, at(rule.a)] & self.inside[:, at(rule.b)])[:, None, None]
        if isinstance(rule, kinds.CentreAt):
            own = np.arange(self.n) == at(rule.unit)
            return ~self.inside[:, at(rule.unit)][:, None, None] | own
        if isinstance(rule, kinds.Fixed):
            return _all_or_none(self.inside[:, [at(rule.unit), self.anchor_centre(rule.zone)]])
        if isinstance(rule, kinds.Frozen):
            frozen = sum(1 << i for i, zone in enumerate(self.anchor) if zone == rule.zone)
            return ((sets == frozen) | (sets & frozen == 0))[:, None, None]
        if isinstance(rule, kinds.NestIn):
            return self._of_one_code(rule.border, rule.joint)
        return None

    def _of_one_code(self, border: Any, joint: Any) -> np.ndarray:
        border = self.problem.units.frame[border] if isinstance(border, str) else border
        codes = [
            next((group[0] for group in joint if border[unit] in group), border[unit]) for unit in self.ids
        ]
        other = np.array([[a != b for b in codes] for a in codes])
        some = self.inside.astype(int)
        return (((some @ other.astype(int)) * some).sum(axis=1) == 0)[:, None, None]

    # The zones of the baseline, or else of the start plan.

    @cached_property
    def anchor(self) -> list[str]:
        given = self.problem.objective.baseline
        return self._zones_of(self.problem.start if given is None else given)

    def _zones_of(self, plan: Any) -> list[str]:
        if isinstance(plan, Plan):
            plan = plan.units["zone"]
        return [str(plan[unit]) for unit in self.ids]

    def anchor_centre(self, zone: str) -> int:
        """Return the stated centre of an anchor's zone, or else the unit that serves it best."""
        given = self.problem.objective.baseline
        given = self.problem.start if given is None else given
        if isinstance(given, Plan):
            return self.ids.index(given.zones.loc[zone, "centre"])
        members = [i for i, name in enumerate(self.anchor) if name == zone]
        hours, people = sum(self.hours[i] for i in members), sum(self.customers[i] for i in members)

        def off(value: float, band: Any) -> float:
            low, high = band or (None, None)
            return max(0.0, (low or 0.0) - value, value - (math.inf if high is None else high))

        def outside(level: Any) -> tuple[float, float]:
            return off(hours, level.weekly_hours), off(people, level.customers)

        fit = [level for level in self.problem.levels if max(outside(level)) <= SLACK]
        level = fit[0] if fit else min(self.problem.levels, key=outside)

        def serves(centre: int) -> tuple[float, float, Any]:
            most = math.inf if level.max_minutes is None else level.max_minutes + SLACK
            lost = ~np.isfinite(self.longer[centre]) | (self.longer[centre] > most)
            if level.max_miles is not None:
                lost |= self._miles()[centre] > level.max_miles + SLACK
            travel = math.fsum(self.hours[i] * self.minutes[centre, i] for i in members if self.hours[i] > 0)
            return int(lost[members].sum()), travel, self.ids[centre]

        return min(members, key=serves)

    # Whole plans: every partition with every choice of levels; centres are each zone's own affair.

    @cached_property
    def travel(self) -> np.ndarray:
        """What a zone of every set and centre (2^n, n) adds by travel, weighted."""
        way = np.where(self.hours > 0, self.hours * np.where(self.hours > 0, self.minutes, 0.0), 0.0)
        with np.errstate(invalid="ignore"):
            table = np.where(self.inside[:, None, :], way[None], 0.0).sum(axis=2)
        total = self.hours.sum()
        weight = self.problem.objective.travel
        return table * weight / total if total > 0 and weight else np.zeros_like(table)

    @cached_property
    def costs(self) -> np.ndarray:
        """What a zone of every set, level and centre adds (2^n, levels, n), inf where a rule forbids it."""
        fine = np.broadcast_to(self.inside[:, None, :], (2**self.n, len(self.problem.levels), self.n)).copy()
        for table in self.holds.values():
            fine &= table
        return np.where(fine, self.travel[:, None, :], np.inf)

    @cached_property
    def apart(self) -> np.ndarray:
        """What every partition adds by change, borders and cut."""
        goal, parts, total = self.problem.objective, partitions(self.n), self.hours.sum()
        zone_of, added = parts.zone_of, np.zeros(len(parts.sets))
        if goal.cut and len(self.pairs):
            lengths = self.problem.units.contiguity.boundary_m
            lengths = lengths if lengths.sum() > 0 else np.ones(len(lengths))
            a, b = self.pairs.T
            added += goal.cut * ((zone_of[:, a] != zone_of[:, b]) * lengths).sum(axis=1) / lengths.sum()
        if goal.borders and total > 0:
            border = self.problem.units.frame[goal.border] if isinstance(goal.border, str) else goal.border
            codes = np.array([str(border[unit]) for unit in self.ids])
            by_code = [self.inside @ (self.hours * (codes == code)) for code in sorted(set(codes))]
            added += goal.borders * (1 - np.max(by_code, axis=0)[parts.sets].sum(axis=1) / total)
        if goal.change and total > 0:
            before = np.array(self._zones_of(goal.baseline))
            kept = [self.inside @ (self.hours * (before == name)) for name in sorted(set(before))]
            added += goal.change * (1 - self._most_kept(np.array(kept), parts.sets) / total)
        return added

    @staticmethod
    def _most_kept(kept: np.ndarray, sets: np.ndarray) -> np.ndarray:
        """Return the most hours kept in a partition by giving each old zone to one new zone at most."""
        old = len(kept)
        most = np.full((len(sets), 2**old), -np.inf)  # by the old zones that are given away already
        most[:, 0] = 0.0
        for column in sets.T:
            after = most.copy()  # this zone takes no old one
            for given in range(2**old):
                for zone in range(old):
                    if not given >> zone & 1:
                        to = given | 1 << zone
                        after[:, to] = np.maximum(after[:, to], most[:, given] + kept[zone][column])
            most = after
        return most.max(axis=1)

    @cached_property
    def values(self) -> np.ndarray:
        """The least objective of every partition with levels, inf where a rule forbids it."""
        count = len(self.problem.levels)
        every = choices(self.n, count)
        best = np.append(self.costs.min(axis=2), np.zeros((1, count)), axis=0)  # no zone adds nothing
        value = self.apart[every.partition] + best[every.sets, every.levels].sum(axis=1)
        held = np.append(self.inside @ self.hours, 0.0)[every.sets]
        total = self.hours.sum()
        for k, level in enumerate(self.problem.levels):
            low, high = level.zones if isinstance(level.zones, tuple) else (level.zones, level.zones)
            zones = ((every.levels == k) & (every.sets < 2**self.n)).sum(axis=1)
            value[(zones < (low or 0)) | (zones > (math.inf if high is None else high))] = np.inf
            if level.hours_share is not None and total > 0:
                share = np.where(every.levels == k, held, 0.0).sum(axis=1) / total
                value[~_between(share, level.hours_share)] = np.inf
        return value

    @cached_property
    def best(self) -> float | None:
        """The least objective of all plans, None where there is none."""
        least = float(self.values.min())
        return None if math.isinf(least) else least

    @cached_property
    def least_with(self) -> np.ndarray:
        """The least objective of a plan that has a unit in a zone of a centre and level (n, n, levels), else inf."""
        count = len(self.problem.levels)
        every = choices(self.n, count)
        best = self.costs.min(axis=2)
        of_zone = np.full((2**self.n + 1, count), np.inf)
        for column in range(self.n):
            np.minimum.at(of_zone, (every.sets[:, column], every.levels[:, column]), self.values)
        found = np.full((self.n, self.n, count), np.inf)  # centre, unit, level
        with np.errstate(invalid="ignore"):
            by_centre = of_zone[:-1, :, None] - best[:, :, None] + self.costs
        by_centre[~np.isfinite(self.costs)] = np.inf
        for i in range(self.n):
            found[:, i] = by_centre[self.inside[:, i]].min(axis=0).T
        return found

    # One plan.

    def broken(self, zone: np.ndarray, levels: np.ndarray, centres: np.ndarray) -> set[str]:
        """Return the names of the rules that a plan breaks: zone (n,) of units, levels and centres (k,) of zones."""
        found = set()
        sets = [sum(1 << int(i) for i in np.flatnonzero(zone == z)) for z in range(len(levels))]
        for name, table in self.holds.items():
            full = np.broadcast_to(table, self.costs.shape)
            if not all(full[s, k, j] for s, k, j in zip(sets, levels, centres, strict=True)):
                found.add(name)
        total = self.hours.sum()
        for k, level in enumerate(self.problem.levels):
            low, high = level.zones if isinstance(level.zones, tuple) else (level.zones, level.zones)
            if not (low or 0) <= (levels == k).sum() <= (math.inf if high is None else high):
                found.add("ZoneCount")
            share = self.hours[levels[zone] == k].sum() / total if total > 0 else 0.0
            if level.hours_share is not None and total > 0 and not _between(share, level.hours_share):
                found.add("HoursShare")
        return found

    def value_of(self, plan: Plan) -> float:
        """Return the objective of a plan, whatever rules it breaks."""
        parts = partitions(self.n)
        labels = np.unique(plan.zone, return_inverse=True)[1]
        same = (labels[:, None] == labels)[None]
        at = int(
            np.flatnonzero(
                (same == (parts.zone_of[:, :, None] == parts.zone_of[:, None, :])).all(axis=(1, 2))
            )[0]
        )
        sets = [sum(1 << int(i) for i in np.flatnonzero(plan.zone == z)) for z in range(len(plan.levels))]
        return float(self.apart[at] + sum(self.travel[s, j] for s, j in zip(sets, plan.centres, strict=True)))


def _between(value: Any, band: Any) -> Any:
    low, high = band or (None, None)
    return (value >= (-math.inf if low is None else low - SLACK)) & (
        value <= (math.inf if high is None else high + SLACK)
    )


def _all_or_none(inside: np.ndarray) -> np.ndarray:
    return (inside.all(axis=1) | ~inside.any(axis=1))[:, None, None]


@dataclass(frozen=True)
class Partitions:
    """All ways to share n units out: sets (p, n), 2^n where there are no more zones, and zone_of (p, n)."""

    sets: np.ndarray
    zone_of: np.ndarray


@cache
def partitions(n: int) -> Partitions:
    """Return all partitions of n units: unit i joins a zone that an earlier one has begun, or begins one."""
    rows = [[0]]
    for _ in range(1, n):
        rows = [[*row, z] for row in rows for z in range(max(row) + 2)]
    zone_of = np.array(rows)
    bits = 1 << np.arange(n)
    sets = np.stack([((zone_of == z) * bits).sum(axis=1) for z in range(n)], axis=1)
    return Partitions(sets, zone_of)


@dataclass(frozen=True)
class Choices:
    """All partitions with all levels: `partition` (c,), `sets` and `levels` (c, n), 2^n and 0 beyond the last zone."""

    partition: np.ndarray
    sets: np.ndarray
    levels: np.ndarray


@cache
def choices(n: int, count: int) -> Choices:
    """Return all choices of zones and of their levels."""
    parts = partitions(n)
    zones = parts.zone_of.max(axis=1) + 1
    partition, sets, levels = [], [], []
    for k in range(1, n + 1):
        mine = np.flatnonzero(zones == k)
        combos = np.array(list(itertools.product(range(count), repeat=k)))
        padded = np.pad(combos, ((0, 0), (0, n - k)))
        of_mine = np.where(np.arange(n) < k, parts.sets[mine], 2**n)
        partition.append(np.repeat(mine, len(combos)))
        sets.append(np.repeat(of_mine, len(combos), axis=0))
        levels.append(np.tile(padded, (len(mine), 1)))
    return Choices(*(np.concatenate(each) for each in (partition, sets, levels)))


def names_broken(verdicts: pd.DataFrame) -> set[str]:
    """Return the names of the rules with a verdict that is not passed."""
    return set(verdicts.loc[~verdicts["passed"].astype(bool), "rule"])
