"""A plan: every unit's zone, every zone's level and centre; moving a unit gives another plan."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign import measures
from zonedesign.errors import DataError, ScenarioError, counted, listed, nearest_name, that_are
from zonedesign.levels import SLACK, Level, distance_from, within
from zonedesign.names import zone_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from zonedesign.certificate import Certificate
    from zonedesign.traveltimes import TravelTimes
    from zonedesign.units import Units

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Plan:
    """Zones over units: `zone` (n,) numbers every unit's zone, 0 to k - 1, in the order of `zone_ids`.

    `levels` (k,) are level names, `centres` (k,) positions of the centres among the units. `of_units` and
    `times` are the units and travel times that the plan is made on. Frames: `units` on the units' index,
    `zones` a row per zone. Two plans are equal when every unit has the same centre and the same level,
    whatever the zones are called.
    """

    of_units: Units = field(repr=False)
    times: TravelTimes = field(repr=False)
    zone: Ints
    zone_ids: tuple[str, ...]
    levels: tuple[str, ...]
    centres: Ints
    certificate: Certificate | None = None

    def __post_init__(self) -> None:
        for name in ("zone", "centres"):  # the plan's own, so that nobody's later writing changes it
            own = np.array(getattr(self, name), dtype=np.int64)
            own.flags.writeable = False
            object.__setattr__(self, name, own)

    @classmethod
    def of(cls, units: Units, times: TravelTimes, centre_of: Ints, level_of: Mapping[int, str]) -> Plan:
        """Return the plan in which unit i has its centre at position `centre_of[i]`, with ids `LEVEL-NN`.

        `level_of` maps the position of each centre to its level's name.
        """
        centres, zone = np.unique(centre_of, return_inverse=True)
        levels = tuple(level_of[int(c)] for c in centres)
        return cls(units, times, zone.astype(np.int64), tuple(map(str, centres)), levels, centres).renamed()

    @classmethod
    def from_labels(
        cls,
        units: Units,
        times: TravelTimes,
        zone: pd.Series[Any],
        *,
        levels: Sequence[Level],
        level: Mapping[str, str] | None = None,
        centre: Mapping[str, Any] | None = None,
    ) -> Plan:
        """Return a plan from a Series of zone by unit; what is missing is worked out.

        A missing level is the first whose bands hold, else the nearest; a missing centre is the zone's best.
        Raises `DataError` naming units that are missing, unknown or without zone, and centres outside
        their zone.
        """
        repeated = zone.index[zone.index.duplicated()].unique()
        if len(repeated):
            raise DataError(
                f"the plan gives {counted(len(repeated), 'unit')} twice: {listed(repeated)}; each occurs once"
            )
        strange = zone.index[units.ids.get_indexer(zone.index) < 0]
        if len(strange):
            raise DataError(
                f"the plan names {that_are(len(strange), 'unit', 'not there')}: {listed(strange)}"
                f"{nearest_name(strange[0], units.ids)}"
            )
        labels = zone.reindex(units.ids)
        missing = labels.index[labels.isna() | (labels.astype(str).str.strip() == "")]
        if len(missing):
            raise DataError(
                f"the plan gives no zone to {counted(len(missing), 'unit')}: {listed(missing)}; all need one"
            )
        codes, names = pd.factorize(labels.astype(str).to_numpy(dtype=object), sort=True)
        zones = codes.astype(np.int64)
        level, centre = level or {}, centre or {}
        by_name = {each.name: each for each in levels}
        chosen, centres = [], []
        for k, z in enumerate(map(str, names)):
            members = np.flatnonzero(zones == k)
            stated, at = level.get(z), centre.get(z)
            name = _level_name(z, stated, levels) if _given(stated) else _first_level(units, members, levels)
            chosen.append(name)
            centres.append(
                _centre_in(units, members, z, at)
                if _given(at)
                else _best(units, times, members, by_name[name])
            )
        return cls(
            units, times, zones, tuple(map(str, names)), tuple(chosen), np.array(centres, dtype=np.int64)
        )

    # What the plan says, as frames.

    @property
    def units(self) -> pd.DataFrame:
        """Frame on the units' index: zone, level, centre, minutes (centre -> unit) and reach_minutes."""
        return self._units_frame.copy()

    @property
    def zones(self) -> pd.DataFrame:
        """Frame with a row per zone, in the order of the zones' ids: the columns of `zones.csv`."""
        return self._zones_frame.copy()

    @cached_property
    def _units_frame(self) -> pd.DataFrame:
        minutes, back = _to_and_fro(self.times, self.of_units, self.centres[self.zone])
        return pd.DataFrame(
            {
                "zone": np.array(self.zone_ids, dtype=object)[self.zone],
                "level": np.array(self.levels, dtype=object)[self.zone],
                "centre": self.of_units.ids[self.centres[self.zone]],
                "minutes": minutes,
                "reach_minutes": np.maximum(minutes, back),
            },
            index=self.of_units.ids,
        )

    @cached_property
    def _zones_frame(self) -> pd.DataFrame:
        count = len(self.zone_ids)
        hours = np.asarray(self.of_units.hours, dtype=np.float64)
        by_unit = self._units_frame
        worst = np.zeros(count)
        np.maximum.at(worst, self.zone, by_unit["reach_minutes"].to_numpy())
        minutes = np.asarray(by_unit["minutes"], dtype=np.float64)
        members = [np.flatnonzero(self.zone == k) for k in range(count)]
        return pd.DataFrame(
            {
                "zone": list(self.zone_ids),
                "name": zone_names(self.of_units, members),
                "level": list(self.levels),
                "centre": self.of_units.ids[self.centres],
                "units": [len(m) for m in members],
                "customers": self._customers(),
                "weekly_hours": measures.zone_sums(hours, self.zone, count),
                # A mean over no hours is not known, and not zero either.
                "mean_minutes": [
                    measures.mean_minutes(hours[m], minutes[m]) if hours[m].sum() > 0 else np.nan
                    for m in members
                ],
                "max_minutes": worst,
            },
            index=pd.Index(self.zone_ids),
        )

    def _customers(self) -> Any:
        """Return customers by zone, as whole numbers where they are; None where not known."""
        if self.of_units.customers is None:
            return None
        people = np.asarray(self.of_units.customers, dtype=np.float64)
        sums = measures.zone_sums(people, self.zone, len(self.zone_ids))
        return sums.astype(np.int64) if (people == np.floor(people)).all() else sums

    def members(self, zone: str) -> pd.Index[Any]:
        """Return the ids of a zone's units."""
        chosen: pd.Index[Any] = self.of_units.ids[self.zone == self._position(zone)]
        return chosen

    # Other plans made from this one.

    def move(self, unit: Any, zone: str) -> Plan:
        """Return the plan with a unit, or several, in another zone.

        A zone left empty ends; a zone that loses its centre gets the one with least hours x minutes.
        """
        target = self._position(zone)
        labels = self.zone.copy()
        labels[self._units(unit)] = target
        return _relabelled(self, labels)

    def merge(self, zone: str, other: str) -> Plan:
        """Return the plan in which `other`'s units belong to `zone`, which keeps its id, level and centre."""
        target, gone = self._position(zone), self._position(other)
        return _relabelled(self, np.where(self.zone == gone, target, self.zone))

    def split(self, zone: str, units: Any, *, level: str | None = None) -> Plan:
        """Return the plan in which some units of a zone are a new zone, at the same level unless said."""
        source = self._position(zone)
        moved = self._units(units)
        outside = moved[self.zone[moved] != source]
        if len(outside):
            raise DataError(
                f"{counted(len(outside), 'unit')} outside zone {zone}: {listed(self.of_units.ids[outside])}; "
                "a zone splits into its own units"
            )
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
        return _relabelled(grown, labels).recentre(f"{name}-{number:02d}")

    def recentre(self, zone: str, unit: Any = None) -> Plan:
        """Return the plan with a zone's centre at `unit`, or at the zone's best unit."""
        k = self._position(zone)
        members = np.flatnonzero(self.zone == k)
        centre = (
            _best(self.of_units, self.times, members)
            if unit is None
            else _centre_in(self.of_units, members, zone, unit)
        )
        centres = self.centres.copy()
        centres[k] = centre
        return replace(self, centres=centres, certificate=None)

    def renamed(self) -> Plan:
        """Return the plan with ids `LEVEL-NN`, numbered by level in the order of their smallest unit id."""
        rank = self.of_units.id_order
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
        return f"<Plan: {len(self.of_units):,} units in {len(self.zone_ids):,} zones ({zones}){proved}>"

    def _content(self) -> frozenset[tuple[Any, Any, str]]:
        ids = self.of_units.ids.tolist()
        centre = [ids[at] for at in self.centres]
        return frozenset((unit, centre[k], self.levels[k]) for unit, k in zip(ids, self.zone, strict=True))

    def _position(self, zone: str) -> int:
        if zone not in self.zone_ids:
            raise ScenarioError(f"there is no zone '{zone}'{nearest_name(zone, self.zone_ids)}")
        return self.zone_ids.index(zone)

    def _units(self, units: Any) -> Ints:
        alone = isinstance(units, str) or not hasattr(units, "__iter__")
        several = [units] if alone else list(units)
        at = self.of_units.ids.get_indexer(pd.Index(several))
        strange = [u for u, a in zip(several, at, strict=True) if a < 0]
        if strange:
            raise DataError(f"no such unit: {listed(strange)}{nearest_name(strange[0], self.of_units.ids)}")
        if not several:
            raise DataError("no unit is given; name one at least")
        return np.asarray(at, dtype=np.int64)


def _relabelled(plan: Plan, labels: Ints) -> Plan:
    """Return the plan on new labels: empty zones end, a centre that left its zone is replaced by the best."""
    kept = np.unique(labels)
    zone = np.searchsorted(kept, labels)
    centres = plan.centres[kept]
    for k in np.flatnonzero(labels[centres] != kept):
        centres[k] = _best(plan.of_units, plan.times, np.flatnonzero(zone == k))
    return replace(
        plan,
        zone=zone,
        zone_ids=tuple(plan.zone_ids[k] for k in kept),
        levels=tuple(plan.levels[k] for k in kept),
        centres=centres,
        certificate=None,
    )


def _to_and_fro(times: TravelTimes, units: Units, centres: Ints) -> tuple[Floats, Floats]:
    """Return minutes centre -> unit and unit -> centre for every unit (n,), inf where out of reach."""
    row = np.asarray(times.origins.get_indexer(units.ids), dtype=np.int64)
    column = np.asarray(times.destinations.get_indexer(units.ids), dtype=np.int64)
    table = (times.indptr, times.indices, times.minutes)
    there = measures.looked_up(*table, row[centres], column)
    return there, measures.looked_up(*table, row, column[centres])


def _best(units: Units, times: TravelTimes, members: Ints, level: Level | None = None) -> int:
    """Return the position of a zone's best centre; a unit beyond the level's miles counts as out of reach."""
    minutes = times.on(units.ids[members]).to_array()
    reach = np.maximum(minutes, minutes.T)
    if level is not None and level.max_miles is not None and units.points is not None:
        at = np.arange(len(members))
        start, end = np.repeat(at, len(at)), np.tile(at, len(at))
        miles = measures.miles_between(units.points.iloc[members], start, end).reshape(reach.shape)
        reach = np.where(miles <= level.max_miles + SLACK, reach, np.inf)
    limit = None if level is None else level.max_minutes
    hours = np.asarray(units.hours, dtype=np.float64)
    return measures.best_centre(members, hours, minutes, reach, limit, units.id_order)


def _centre_in(units: Units, members: Ints, zone: str, unit: Any) -> int:
    at = int(units.ids.get_indexer(pd.Index([unit]))[0])
    if at < 0 or at not in members:
        raise DataError(f"zone {zone} has its centre at {unit}, which is not one of its units")
    return at


def _level_name(zone: str, name: Any, levels: Sequence[Level]) -> str:
    known = [level.name for level in levels]
    if str(name) not in known:
        raise DataError(
            f"zone {zone} has level '{name}'{nearest_name(name, known) or f'; there are {listed(known)}'}"
        )
    return str(name)


def _first_level(units: Units, members: Ints, levels: Sequence[Level]) -> str:
    """Return the first level whose bands hold for a zone, else the nearest by hours, then by customers."""
    hours = float(units.hours.to_numpy()[members].sum())
    people = None if units.customers is None else float(units.customers.to_numpy()[members].sum())

    def away(level: Level) -> tuple[float, float]:
        by_people = 0.0 if people is None else distance_from(people, level.customers)
        return distance_from(hours, level.weekly_hours), by_people

    for level in levels:
        if within(hours, level.weekly_hours) and (people is None or within(people, level.customers)):
            return level.name
    return min(levels, key=away).name


def _given(value: Any) -> bool:
    """Return whether a level or centre is stated: not None, NaN or empty."""
    return not (pd.isna(value) or str(value).strip() == "")
