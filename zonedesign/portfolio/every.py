"""Every plan: where zones are few enough to write out, all divisions into them that are good enough."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.levels import SLACK, within
from zonedesign.model import locks_of
from zonedesign.plan import Plan
from zonedesign.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from zonedesign.levels import Band
    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

MOST_UNITS = 40
MOST_SETS, MOST_STEPS, MOST_PLANS = 60_000, 200_000, 500
"""Sets of units looked at, steps of the search through them, and plans, before it is left to chance."""
ROUNDING = 1e-9


class _TooManyError(Exception):
    """There is more to write out than is worth its time."""


@dataclass(frozen=True)
class _Zone:
    """A zone that some plan may have: its units as bits, level, best centre, and the least it costs."""

    bits: int
    level: int
    centre: int
    cost: float


def every_plan(problem: Problem, possible: Mask, most: float) -> list[Plan] | None:
    """Return all plans with an objective of at most `most`, one for every division of the units into zones.

    Each has the levels and centres that cost least. `possible` is (arcs, levels), from
    `fixing.possible_arcs`. None where there is too much to write out.
    """
    if len(problem.units) > MOST_UNITS:
        return None
    try:
        zones = _zones(problem, possible)
        return _Cover(problem, zones, most).plans()
    except _TooManyError:
        return None


def _zones(problem: Problem, possible: Mask) -> list[_Zone]:
    """Return every zone that keeps the rules of its level, with the centre that serves it for least."""
    n, arcs = len(problem.units), problem.arcs
    centre = np.repeat(np.arange(n), np.diff(arcs.indptr))
    total = float(problem.hours.sum()) or 1.0
    near = _neighbours(problem)
    group = locks_of(problem).group
    groups = [_bits(np.flatnonzero(group == g)) for g in np.unique(group) if (group == g).sum() > 1]
    found: list[_Zone] = []
    looked = 0
    for k, contiguous in enumerate(problem.contiguous):
        best: dict[int, tuple[float, int]] = {}
        rules = _Rules(problem, k)
        for j in range(n):
            here = np.flatnonzero((centre == j) & possible[:, k])
            units = arcs.units[here]
            if j not in units:
                continue
            allowed = _bits(units)
            work = [0.0] * n
            for i, minutes in zip(units.tolist(), arcs.minutes[here].tolist(), strict=True):
                work[i] = rules.hours[i] * minutes
            step = near if contiguous else [allowed] * n
            for bits in _grown(j, allowed, step, rules):
                looked += 1
                if looked > MOST_SETS:
                    raise _TooManyError
                if any(0 < bits & g < g for g in groups):
                    continue
                if not rules.hold(bits):
                    continue
                cost = sum(work[i] for i in _units(bits)) / total
                if bits not in best or (cost, j) < best[bits]:
                    best[bits] = (cost, j)
        travel = problem.objective.travel
        found += [
            _Zone(bits, k, j, travel * cost + _other_terms(problem, bits)) for bits, (cost, j) in best.items()
        ]
    return found


class _Rules:
    """What one level asks of a zone by itself, reach and connection aside."""

    def __init__(self, problem: Problem, k: int) -> None:
        self.level = level = problem.levels[k]
        n = len(problem.units)
        people = np.zeros(n) if problem.customers is None else problem.customers
        self.hours, self.people = problem.hours.tolist(), people.tolist()
        self.most_hours = _end(level.weekly_hours)
        self.most_people = _end(level.customers)
        self.far = [0] * n
        if level.max_minutes_between is not None:
            table = problem.travel.to_array()
            busy = (problem.hours > 0) | (people > 0)
            far = np.maximum(table, table.T) > level.max_minutes_between + SLACK
            far &= busy[:, None] & busy[None, :]
            np.fill_diagonal(far, val=False)
            self.far = [_bits(np.flatnonzero(row)) for row in far]
        self.of_class: Mask | None = None
        if level.character is not None:
            column = problem.units.frame[level.character.column]
            self.of_class = column.isin(level.character.values).to_numpy()

    def hold(self, bits: int) -> bool:
        """Return whether a zone of these units keeps the level's bands and character."""
        members = _units(bits)
        hours = sum(self.hours[i] for i in members)
        people = sum(self.people[i] for i in members)
        if not (within(hours, self.level.weekly_hours) and within(people, self.level.customers)):
            return False
        asked = self.level.character
        if asked is None or self.of_class is None or hours <= 0:
            return True
        inside = sum(self.hours[i] for i in members if self.of_class[i])
        return bool(inside / hours >= asked.at_least - SLACK)


def _end(band: Band | None) -> float:
    """Return the most that a band holds, with the slack and room for rounding."""
    return np.inf if band is None or band[1] is None else band[1] + SLACK + ROUNDING


def _grown(start: int, allowed: int, near: list[int], rules: _Rules) -> Iterator[int]:
    """Yield every set of allowed units that holds `start` and is connected by `near`, each once.

    A unit that was tried is barred from what comes after it (extension: Wernicke 2006).
    """
    hours, people = rules.hours, rules.people
    stack = [(1 << start, near[start] & allowed & ~(1 << start), 0, hours[start], people[start])]
    while stack:
        bits, front, barred, held, cared = stack.pop()
        yield bits
        open_ = front & ~barred
        while open_:
            bit = open_ & -open_
            open_ ^= bit
            unit = bit.bit_length() - 1
            more = held + hours[unit], cared + people[unit]
            if more[0] <= rules.most_hours and more[1] <= rules.most_people and not rules.far[unit] & bits:
                grown = bits | bit
                stack.append((grown, (front | near[unit]) & allowed & ~grown, barred, *more))
            barred |= bit


def _neighbours(problem: Problem) -> list[int]:
    n, graph = len(problem.units), problem.units.contiguity
    near = [0] * n
    if graph is not None:
        for a, b in graph.pairs.tolist():
            near[a] |= 1 << b
            near[b] |= 1 << a
    return near


def _other_terms(problem: Problem, bits: int) -> float:
    """Return what a zone adds to the other terms of the objective, of change the least that it may."""
    goal, n = problem.objective, len(problem.units)
    inside = np.zeros(n, dtype=bool)
    inside[_units(bits)] = True
    hours, total, cost = problem.hours, float(problem.hours.sum()), 0.0
    graph = problem.units.contiguity
    if goal.cut and graph is not None and len(graph.pairs):
        lengths = graph.boundary_m if graph.boundary_m.sum() > 0 else np.ones(len(graph.pairs))
        ends = inside[graph.pairs[:, 0]] != inside[graph.pairs[:, 1]]
        cost += goal.cut * float(lengths[ends].sum()) / 2 / float(lengths.sum())
    if total > 0:
        before = None if problem.baseline_zones is None else problem.baseline_zones[0]
        for weight, codes in ((goal.borders, problem.border), (goal.change, before)):
            if weight and codes is not None:
                by_code = np.bincount(codes[inside], weights=hours[inside])
                cost += weight * float(by_code.sum() - by_code.max(initial=0.0)) / total
    return cost


@dataclass(eq=False)
class _Cover:
    """The search for sets of zones that hold every unit once, by the first unit that has none yet."""

    problem: Problem
    zones: list[_Zone]
    most: float
    steps: int = 0
    found: dict[frozenset[int], tuple[float, Plan]] = field(default_factory=dict)

    def plans(self) -> list[Plan]:
        """Return all plans that cost at most `most`, the best first."""
        n = len(self.problem.units)
        self.everyone = (1 << n) - 1
        price = _prices(self.zones, n)
        self.allowance = self.most + ROUNDING * max(1.0, abs(self.most))
        over = [zone.cost - float(price[_units(zone.bits)].sum()) for zone in self.zones]
        self.by_first: list[list[tuple[float, _Zone]]] = [[] for _ in range(n)]
        for extra, zone in sorted(zip(over, self.zones, strict=True), key=lambda pair: pair[0]):
            first = (zone.bits & -zone.bits).bit_length() - 1
            self.by_first[first].append((extra, zone))
        self.room = [level.zone_range[1] for level in self.problem.levels]
        self._extend([], 0, float(price.sum()))
        ranked = sorted(self.found.values(), key=lambda each: each[0])
        return [plan for _, plan in ranked]

    def _extend(self, chosen: list[_Zone], covered: int, cost: float) -> None:
        """Try every zone for the first unit without one; `cost` is a bound on what is chosen and to come."""
        if covered == self.everyone:
            self._keep(chosen)
            return
        free = self.everyone & ~covered
        for extra, zone in self.by_first[(free & -free).bit_length() - 1]:
            if cost + extra > self.allowance:
                break
            self.steps += 1
            if self.steps > MOST_STEPS:
                raise _TooManyError
            room = self.room[zone.level]
            if zone.bits & covered or (
                room is not None and sum(each.level == zone.level for each in chosen) >= room
            ):
                continue
            self._extend([*chosen, zone], covered | zone.bits, cost + extra)

    def _keep(self, chosen: list[_Zone]) -> None:
        problem, key = self.problem, frozenset(zone.bits for zone in chosen)
        centre_of = np.zeros(len(problem.units), dtype=np.int64)
        for zone in chosen:
            centre_of[_units(zone.bits)] = zone.centre
        names = {zone.centre: problem.levels[zone.level].name for zone in chosen}
        plan = Plan.of(problem.units, problem.times, centre_of, names)
        objective = problem.value(problem.terms(plan))
        if objective > self.allowance or (key in self.found and self.found[key][0] <= objective):
            return
        if verify(plan, problem)["passed"].all():
            self.found[key] = (objective, plan)
            if len(self.found) > MOST_PLANS:
                raise _TooManyError


def _prices(zones: list[_Zone], n: int) -> Floats:
    """Return prices (n,) of units that add up to no more than it costs in any zone (dual ascent)."""
    price = np.zeros(n)
    if not zones:
        return price
    inside = np.zeros((len(zones), n), dtype=bool)
    for row, zone in zip(inside, zones, strict=True):
        row[_units(zone.bits)] = True
    slack = np.array([zone.cost for zone in zones])
    size = inside.sum(axis=1)
    for share in (0.5, 0.5, 0.5, 1.0):
        for i in range(n):
            own = slack[inside[:, i]] / (1.0 if share == 1.0 else size[inside[:, i]])
            rise = max(0.0, share * float(own.min(initial=np.inf))) if len(own) else 0.0
            price[i] += rise
            slack[inside[:, i]] -= rise
    return price


def _bits(units: Ints) -> int:
    return sum(1 << int(unit) for unit in units)


def _units(bits: int) -> list[int]:
    """Return the positions of the bits that are set, ascending."""
    found = []
    while bits:
        bit = bits & -bits
        found.append(bit.bit_length() - 1)
        bits ^= bit
    return found
