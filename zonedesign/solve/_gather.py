"""What a centre can gather: the largest zone that it could lead at each level, and whom it could hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from zonedesign.levels import SLACK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.levels import Band
    from zonedesign.solve._ground import Ground

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

ROUNDING = 2 * SLACK
"""Twice the slack of a band: what the order of a sum can change is never called a broken band."""


def short_of(value: float, band: Band | None) -> bool:
    """Return whether `value` is surely below the band."""
    return band is not None and band[0] is not None and value < band[0] - ROUNDING


def above(values: Floats, band: Band | None) -> Bools:
    """Return whether each value is surely above the band."""
    if band is None or band[1] is None:
        return np.zeros(len(values), dtype=bool)
    return np.asarray(values > band[1] + ROUNDING)


@dataclass(frozen=True, eq=False)
class Gathering:
    """Looks up, and remembers, the largest zones that centres can lead.

    The largest zone of a centre at a level is everything that reach, miles, borders, locks and contiguity
    let it have: every zone that it leads lies inside, and lacks whatever the largest lacks. `worded` says
    that ways out are to be found for causes.
    """

    ground: Ground
    worded: bool = True
    item_hours: Floats = field(init=False)
    item_people: Floats | None = field(init=False)
    graph: Any = field(init=False, default=None)
    _known: dict[tuple[int, int], Ints] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problem, item = self.ground.problem, self.ground.item
        object.__setattr__(self, "item_hours", np.bincount(item, weights=problem.hours))
        people = problem.customers
        object.__setattr__(self, "item_people", None if people is None else np.bincount(item, weights=people))
        graph = problem.units.contiguity
        if graph is not None:
            n, (a, b) = len(problem.units), graph.pairs.T
            both = np.concatenate([a, b]), np.concatenate([b, a])
            table = sparse.csr_array((np.ones(2 * len(a), dtype=np.int8), both), shape=(n, n))
            object.__setattr__(self, "graph", table)

    def centres_near(self, unit: int) -> Ints:
        """Return the units that could be centres of a unit's zone, the nearest first."""
        arcs = self.ground.problem.arcs
        span = slice(arcs.indptr[unit], arcs.indptr[unit + 1])
        near = arcs.units[span]
        order = np.argsort(arcs.reach_minutes[span], kind="stable")
        return np.asarray(near[order][self.ground.piece[near[order]] == self.ground.piece[unit]])

    def largest(self, centre: int, level: int) -> Ints:
        """Return the largest zone (positions, ascending) that a centre could lead; empty for none."""
        key = (centre, level)
        if key not in self._known:
            self._known[key] = self._grow(centre, level)
        return self._known[key]

    def _grow(self, centre: int, level: int) -> Ints:
        ground = self.ground
        problem, arcs = ground.problem, ground.problem.arcs
        span = slice(arcs.indptr[centre], arcs.indptr[centre + 1])
        keep = arcs.allowed[span, level] & (ground.piece[arcs.units[span]] == ground.piece[centre])
        between = problem.levels[level].max_minutes_between
        if between is not None and problem.hours[centre] > 0:
            keep &= (arcs.reach_minutes[span] <= between + ROUNDING) | (problem.hours[arcs.units[span]] <= 0)
        zone: Ints = arcs.units[span][keep]
        while True:
            size = len(zone)
            here = np.bincount(ground.item[zone], minlength=len(ground.item_size))
            zone = zone[here[ground.item[zone]] == ground.item_size[ground.item[zone]]]
            if centre not in zone:
                return zone[:0]
            if problem.contiguous[level] and self.graph is not None:
                part = connected_components(self.graph[zone][:, zone], directed=False)[1]
                zone = zone[part == part[np.searchsorted(zone, centre)]]
            if len(zone) == size:
                break
        return zone

    def holds(self, centre: int, level: int) -> Ints:
        """Return the units (positions) that some zone of this centre and level could have; empty for none."""
        ground, problem = self.ground, self.ground.problem
        band = problem.levels[level]
        zone = self.largest(centre, level)
        if not len(zone) or short_of(float(problem.hours[zone].sum()), band.weekly_hours):
            return zone[:0]
        if problem.customers is not None and short_of(float(problem.customers[zone].sum()), band.customers):
            return zone[:0]
        whole = ground.frozen[centre] >= 0
        if whole and len(zone) < int((ground.frozen == ground.frozen[centre]).sum()):
            return zone[:0]
        other = ground.item[zone] != ground.item[centre]
        fits = np.ones(len(zone), dtype=bool)
        for sums, limit in ((self.item_hours, band.weekly_hours), (self.item_people, band.customers)):
            if sums is not None:
                fits &= ~above(sums[ground.item[zone]] * other + sums[ground.item[centre]], limit)
        fits &= self._in_character(zone, centre, level)
        return zone[fits]

    def _in_character(self, zone: Ints, centre: int, level: int) -> Bools:
        """Return which units of `zone` can share one with the centre and keep the level's character."""
        problem, item = self.ground.problem, self.ground.item
        asked = problem.levels[level].character
        if asked is None:
            return np.ones(len(zone), dtype=bool)
        of_class = problem.units.frame[asked.column].isin(asked.values).to_numpy()
        outside = np.bincount(item, weights=np.where(of_class, 0.0, problem.hours))
        within = float(problem.hours[zone][of_class[zone]].sum())
        other = item[zone] != item[centre]
        must = outside[item[zone]] * other + outside[item[centre]]
        return np.asarray(within >= (asked.at_least - ROUNDING) * (within + must) - ROUNDING)

    def coverage(self) -> Bools:
        """Return whether each unit (n,) can be in some zone at all."""
        ground, n = self.ground, len(self.ground.item)
        covered = np.zeros(n, dtype=bool)
        for unit in range(n):
            if covered[unit]:
                continue
            for centre in self.centres_near(unit):
                for level in ground.usable:
                    covered[self.holds(int(centre), level)] = True
                if covered[unit]:
                    break
        return covered

    def covers(self, unit: int) -> bool:
        """Return whether a unit can be in some zone at all."""
        return any(
            unit in self.holds(int(centre), level)
            for centre in self.centres_near(unit)
            for level in self.ground.usable
        )

    def leads(self, level: int, least: int) -> int:
        """Return how many units can be the centre of a zone of a level; counting ends at `least`."""
        able = 0
        for centre in range(len(self.ground.item)):
            if able >= least:
                break
            able += int(centre in self.holds(centre, level))
        return able

    def most_gathered(self, unit: int, level: int) -> tuple[float, int]:
        """Return the most hours that a zone with this unit could have, and its centre; or (0, -1)."""
        best, where = 0.0, -1
        for centre in self.centres_near(unit):
            zone = self.largest(int(centre), level)
            if unit in zone:
                hours = float(self.ground.problem.hours[zone].sum())
                if hours > best or where < 0:
                    best, where = hours, int(centre)
        return best, where
