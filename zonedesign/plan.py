"""A plan: every unit's zone, every zone's level and centre; moving a unit gives another plan."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign import measures
from zonedesign.errors import DataError, ScenarioError, listed, nearest_name
from zonedesign.levels import Level, distance_from, within

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from zonedesign.certificate import Certificate
    from zonedesign.traveltimes import TravelTimes
    from zonedesign.units import Units

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Plan:
    """Zones over units: `zone` (n,) numbers every unit's zone, 0 to k - 1, in the order of `zone_ids`.

    `levels` (k,) are level names, `centres` (k,) positions of the centres among the units. `area` and `times` are the
    units and travel times that the plan is made on. Frames: `units` on the units' own index, `zones` a row per zone.
    Two plans are equal when every unit has the same centre and the same level, whatever the zones are called.
    """

    area: Units = field(repr=False)
    times: TravelTimes = field(repr=False)
    zone: Ints
    zone_ids: tuple[str, ...]
    levels: tuple[str, ...]
    centres: Ints
    certificate: Certificate | None = None

    @classmethod
    def of(cls, area: Units, times: TravelTimes, centre_of: Ints, level_of: Mapping[int, str]) -> Plan:
        """Return the plan in which unit i belongs to the centre at position `centre_of[i]`, with ids `LEVEL-NN`.

        `level_of` maps the position of each centre to its level's name.
        """
        centres, zone = np.unique(centre_of, return_inverse=True)
        levels = tuple(level_of[int(c)] for c in centres)
        return cls(area, times, zone.astype(np.int64), tuple(map(str, centres)), levels, centres).renamed()

    @classmethod
    def from_labels(
        cls,
        area: Units,
        times: TravelTimes,
        zone: pd.Series[Any],
        *,
        levels: Sequence[Level],
        level: Mapping[str, str] | None = None,
        centre: Mapping[str, Any] | None = None,
    ) -> Plan:
        """Return a plan from a Series of zone by unit; what is missing is worked out.

        A missing level is the first whose bands hold, else the nearest; a missing centre is the zone's best. Raises
        `DataError` naming units that are missing, unknown or without zone, and centres outside their zone.
        """
        repeated = zone.index[zone.index.duplicated()]
        if len(repeated):
            raise DataError(f"the plan gives {len(repeated):,} units twice: {listed(repeated)}; each may occur once")
        strange = zone.index.difference(area.ids)
        if len(strange):
            raise DataError(f"the plan names {len(strange):,} units that are not there: {listed(strange)}")
        labels = zone.reindex(area.ids)
        missing = labels.index[labels.isna() | (labels.astype(str) == "")]
        if len(missing):
            raise DataError(f"the plan gives no zone to {len(missing):,} units: {listed(missing)}; every unit needs one")
        codes, names = pd.factorize(labels.astype(str), sort=True)
        zone_ids = tuple(str(name) for name in names)
        zones = codes.astype(np.int64)
        level, centre = level or {}, centre or {}
        chosen = tuple(
            _level_name(z, level.get(z), levels) if level.get(z) else _first_level(area, np.flatnonzero(zones == k), levels)
            for k, z in enumerate(zone_ids)
        )
        limit = {each.name: each.max_minutes for each in levels}
        reach = _Reach(area, times)
        centres = np.array(
            [
                _centre_in(area, np.flatnonzero(zones == k), z, centre[z])
                if centre.get(z) is not None
                else reach.best(np.flatnonzero(zones == k), limit.get(chosen[k]))
                for k, z in enumerate(zone_ids)
            ],
            dtype=np.int64,
        )
        return cls(area, times, zones, zone_ids, chosen, centres)

    # What the plan says, as frames.

    @cached_property
    def units(self) -> pd.DataFrame:
        """Frame on the units' index: `zone`, `level`, `centre`, `minutes` (centre -> unit), `reach_minutes`."""
        minutes, back = _to_and_fro(self.times, self.area, self.centres[self.zone])
        return pd.DataFrame(
            {
                "zone": np.array(self.zone_ids, dtype=object)[self.zone],
                "level": np.array(self.levels, dtype=object)[self.zone],
                "centre": self.area.ids[self.centres[self.zone]],
                "minutes": minutes,
                "reach_minutes": np.maximum(minutes, back),
            },
            index=self.area.ids,
        )

    @cached_property
    def zones(self) -> pd.DataFrame:
        """Frame with a row per zone, in the order of the zones' ids: the columns of `zones.csv`."""
        count = len(self.zone_ids)
        hours = self.area.hours.to_numpy()
        by_unit = self.units
        worst = np.zeros(count)
        np.maximum.at(worst, self.zone, by_unit["reach_minutes"].to_numpy())
        minutes = by_unit["minutes"].to_numpy()
        members = [np.flatnonzero(self.zone == k) for k in range(count)]
        customers = self.area.customers
        return pd.DataFrame(
            {
                "zone": list(self.zone_ids),
                "name": zone_names(self.area, members),
                "level": list(self.levels),
                "centre": self.area.ids[self.centres],
                "units": [len(m) for m in members],
                "customers": None if customers is None else measures.zone_sums(customers.to_numpy(), self.zone, count),
                "weekly_hours": measures.zone_sums(hours, self.zone, count),
                "mean_minutes": [measures.mean_minutes(hours[m], minutes[m]) for m in members],
                "max_minutes": worst,
            },
            index=pd.Index(self.zone_ids),
        )

    def members(self, zone: str) -> pd.Index[Any]:
        """Return the ids of a zone's units."""
        return self.area.ids[self.zone == self._position(zone)]

    # Other plans made from this one.

    def move(self, unit: Any, zone: str) -> Plan:
        """Return the plan with a unit, or several, in another zone; zones left empty end, lost centres are replaced."""
        target = self._position(zone)
        labels = self.zone.copy()
        labels[self._units(unit)] = target
        return self._with(labels)

    def merge(self, zone: str, other: str) -> Plan:
        """Return the plan in which `other`'s units belong to `zone`, which keeps its id, level and centre."""
        target, gone = self._position(zone), self._position(other)
        return self._with(np.where(self.zone == gone, target, self.zone))

    def split(self, zone: str, units: Any, *, level: str | None = None) -> Plan:
        """Return the plan in which some units of a zone are a new zone, at the same level unless said."""
        source = self._position(zone)
        moved = self._units(units)
        outside = moved[self.zone[moved] != source]
        if len(outside):
            raise DataError(f"{len(outside):,} units are not in zone {zone}: {listed(self.area.ids[outside])}")
        name = level or self.levels[source]
        number = 1
        while f"{name}-{number:02d}" in self.zone_ids:
            number += 1
        labels = self.zone.copy()
        labels[moved] = len(self.zone_ids)
        grown = replace(
            self,
            zone_ids=(*self.zone_ids, f"{name}-{number:02d}"),
            levels=(*self.levels, name),
            centres=np.append(self.centres, moved[0]),
        )
        new = grown._with(labels)
        return new.recentre(f"{name}-{number:02d}")

    def recentre(self, zone: str, unit: Any = None) -> Plan:
        """Return the plan with a zone's centre at `unit`, or at the zone's best unit."""
        k = self._position(zone)
        members = np.flatnonzero(self.zone == k)
        centre = _Reach(self.area, self.times).best(members, None) if unit is None else _centre_in(self.area, members, zone, unit)
        centres = self.centres.copy()
        centres[k] = centre
        return replace(self, centres=centres, certificate=None)

    def renamed(self) -> Plan:
        """Return the plan with zone ids `LEVEL-NN`, numbered in each level in the order of their smallest unit id."""
        rank = self.area.id_order
        first = np.full(len(self.zone_ids), len(rank), dtype=np.int64)
        np.minimum.at(first, self.zone, rank)
        # Levels in the order of their names keep zones.csv sorted by zone id.
        order = sorted(range(len(first)), key=lambda k: (self.levels[k], first[k]))
        number: dict[str, int] = {}
        ids = []
        for k in order:
            number[self.levels[k]] = number.get(self.levels[k], 0) + 1
            ids.append(f"{self.levels[k]}-{number[self.levels[k]]:02d}")
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        return replace(
            self,
            zone=place[self.zone],
            zone_ids=tuple(ids),
            levels=tuple(self.levels[k] for k in order),
            centres=self.centres[order],
        )

    def with_certificate(self, certificate: Certificate) -> Plan:
        """Return the plan with what was proved of it."""
        return replace(self, certificate=certificate)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Plan):
            return NotImplemented
        mine, theirs = self._content(), other._content()
        return mine == theirs

    def __hash__(self) -> int:
        return hash(self._content())

    def __repr__(self) -> str:
        per_level = {name: self.levels.count(name) for name in sorted(set(self.levels))}
        zones = ", ".join(f"{number} of level {name}" for name, number in per_level.items())
        proved = "" if self.certificate is None else f", {self.certificate.status}"
        return f"<Plan: {len(self.area):,} units in {len(self.zone_ids):,} zones ({zones}){proved}>"

    def _content(self) -> frozenset[tuple[Any, Any, str]]:
        ids = self.area.ids
        return frozenset(
            (ids[i], ids[self.centres[k]], self.levels[k]) for i, k in enumerate(self.zone)
        )

    def _position(self, zone: str) -> int:
        if zone not in self.zone_ids:
            raise ScenarioError(f"there is no zone '{zone}'{nearest_name(zone, self.zone_ids)}")
        return self.zone_ids.index(zone)

    def _units(self, units: Any) -> Ints:
        several = [units] if isinstance(units, (str, int)) or not hasattr(units, "__iter__") else list(units)
        at = self.area.ids.get_indexer(pd.Index(several))
        if (at < 0).any() or not several:
            raise DataError(f"no such unit: {listed(u for u, a in zip(several, at, strict=True) if a < 0) or 'none given'}")
        return np.asarray(at, dtype=np.int64)

    def _with(self, labels: Ints) -> Plan:
        """Return the plan on new labels: empty zones end, a centre that left its zone is replaced by the best."""
        kept = np.unique(labels)
        zone = np.searchsorted(kept, labels)
        centres = self.centres[kept]
        lost = np.flatnonzero(labels[centres] != kept)
        reach = _Reach(self.area, self.times)
        for k in lost:
            centres[k] = reach.best(np.flatnonzero(zone == k), None)
        return replace(
            self,
            zone=zone,
            zone_ids=tuple(self.zone_ids[k] for k in kept),
            levels=tuple(self.levels[k] for k in kept),
            centres=centres,
            certificate=None,
        )


def zone_names(area: Units, members: Iterable[Ints]) -> list[str]:
    """Return a name for every zone: the place with most of its hours, made unique with the next, or a number.

    Empty where the units have no column of names.
    """
    if area.name_column is None:
        return ["" for _ in members]
    places = area.frame[area.name_column].fillna("").astype(str).str.strip()
    hours = area.hours.to_numpy()
    candidates = []
    for units in members:
        weight = pd.Series(hours[units] + 1e-9, index=places.iloc[units].to_numpy()).groupby(level=0).sum()
        weight = weight[weight.index != ""]
        candidates.append([str(p) for p in weight.sort_index().sort_values(ascending=False, kind="stable").index])
    first = [c[0] if c else "" for c in candidates]
    names = []
    for choice, name in zip(candidates, first, strict=True):
        second = f"{name} and {choice[1]}" if first.count(name) > 1 and len(choice) > 1 else name
        names.append(second)
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(f"{name} {seen[name]}" if names.count(name) > 1 and name else name)
    return unique


def _to_and_fro(times: TravelTimes, area: Units, centres: Ints) -> tuple[Floats, Floats]:
    """Return minutes centre -> unit and unit -> centre for every unit (n,), inf where out of reach."""
    ids = area.ids
    to_unit, to_centre = np.full(len(ids), np.inf), np.full(len(ids), np.inf)
    row = times.origins.get_indexer(ids)
    column = times.destinations.get_indexer(ids)
    for k in range(len(ids)):
        to_unit[k] = _minutes(times, row[centres[k]], column[k])
        to_centre[k] = _minutes(times, row[k], column[centres[k]])
    return to_unit, to_centre


def _minutes(times: TravelTimes, row: int, column: int) -> float:
    if row < 0 or column < 0:
        return float("inf")
    start, end = times.indptr[row], times.indptr[row + 1]
    at = start + np.searchsorted(times.indices[start:end], column)
    return float(times.minutes[at]) if at < end and times.indices[at] == column else float("inf")


class _Reach:
    """Looks up minutes among the units of a zone, to choose its centre."""

    def __init__(self, area: Units, times: TravelTimes) -> None:
        self.area, self.times = area, times

    def best(self, members: Ints, max_minutes: float | None) -> int:
        part = self.times.on(self.area.ids[members]).to_array()
        return measures.best_centre(
            members, self.area.hours.to_numpy(), part, np.maximum(part, part.T), max_minutes, self.area.id_order
        )


def _centre_in(area: Units, members: Ints, zone: str, unit: Any) -> int:
    at = int(area.ids.get_indexer(pd.Index([unit]))[0])
    if at < 0 or at not in members:
        raise DataError(f"zone {zone} has its centre at {unit}, which is not one of its units")
    return at


def _level_name(zone: str, name: Any, levels: Sequence[Level]) -> str:
    known = [level.name for level in levels]
    if str(name) not in known:
        raise DataError(f"zone {zone} has level '{name}'{nearest_name(name, known) or f'; there are {listed(known)}'}")
    return str(name)


def _first_level(area: Units, members: Ints, levels: Sequence[Level]) -> str:
    """Return the first level whose bands hold for a zone, else the one whose bands are nearest in proportion."""
    hours = float(area.hours.to_numpy()[members].sum())
    people = None if area.customers is None else float(area.customers.to_numpy()[members].sum())
    for level in levels:
        if within(hours, level.weekly_hours) and (people is None or within(people, level.customers)):
            return level.name
    return min(levels, key=lambda level: distance_from(hours, level.weekly_hours) / max(hours, 1.0)
               + (0.0 if people is None else distance_from(people, level.customers) / max(people, 1.0))).name
