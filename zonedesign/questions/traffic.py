"""Traffic: which units of a plan leave reach where driving takes longer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign import measures
from zonedesign.errors import DataError, ScenarioError, counted, listed, require_number
from zonedesign.levels import SLACK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem
    from zonedesign.traveltimes import TravelTimes

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

NOW = 0.0
"""Driving as the travel times have it."""


@dataclass(frozen=True, eq=False, repr=False)
class TrafficSensitivity:
    """What leaves reach where driving takes longer, by shares `slower` (0.1: a tenth longer).

    `units`, on the units' index: `zone`, `level`, `reach_minutes`, `max_minutes` (NaN: none), a column of
    True and False for each share (`+10%`) that says whether the unit is beyond reach then, `leaves_at` (the
    first of these shares, 0 where it is beyond reach already, NaN where it stays) and `spare` (how much
    longer driving may take, as a share, before it leaves; negative where it is beyond already).

    `zones` and `levels`, a row for each share and zone or level, the share 0 first: `units`, `weekly_hours`
    and `customers` (NA: not known) beyond reach, and `pairs` of units with demand farther apart than the
    level's `max_minutes_between` (NA where it has none).
    """

    slower: tuple[float, ...]
    units: pd.DataFrame
    zones: pd.DataFrame
    levels: pd.DataFrame

    def __repr__(self) -> str:
        gone = [f"{label} {int(self.units[label].sum()):,}" for label in map(label_of, self.slower)]
        return f"<TrafficSensitivity: {counted(len(self.units), 'unit')}, beyond reach at {', '.join(gone)}>"


def traffic_sensitivity(
    plan: Plan, problem: Problem, slower: Sequence[float] = (0.1, 0.2, 0.3)
) -> TrafficSensitivity:
    """Return which units of a plan leave reach where all driving takes longer by the shares `slower`.

    Roads that are all slower by one factor leave every quickest way the quickest, and make it longer by just
    that factor: nothing is searched again. What access and parking add (`times.fixed_minutes`) stays as it
    is. Raises `ScenarioError` for shares that are not above 0, `DataError` for a plan of other units.
    """
    shares = tuple(sorted(dict.fromkeys(slower)))
    if not shares:
        raise ScenarioError("slower is empty; give one share at least, such as 0.1 for a tenth longer")
    for share in shares:
        require_number("slower", share, "shares above 0, such as 0.1 for a tenth longer", lambda s: s > 0)
    strange = plan.of_units.ids.difference(problem.units.ids)
    if len(strange):
        raise DataError(
            f"the plan has {counted(len(strange), 'unit')} that the problem does not have: {listed(strange)}"
        )
    limits = {level.name: level.max_minutes for level in problem.levels}
    driven, fixed = _both_ways(plan, problem.times)
    frame = plan.units[["zone", "level", "reach_minutes"]].copy()
    frame["max_minutes"] = [_or_nan(limits.get(name)) for name in frame["level"]]
    most = frame["max_minutes"].to_numpy(dtype=np.float64)
    beyond = {share: _beyond(driven, fixed, most, share) for share in (NOW, *shares)}
    for share in shares:
        frame[label_of(share)] = beyond[share]
    frame["leaves_at"] = np.select(list(beyond.values()), list(beyond), default=math.nan)
    frame["spare"] = _spare(driven, fixed, most)
    pairs = _pairs_beyond(plan, problem, tuple(beyond))
    zones = _summary(plan, beyond, pairs, np.array(plan.zone_ids, dtype=object)[plan.zone], "zone")
    levels = _summary(plan, beyond, pairs, frame["level"].to_numpy(dtype=object), "level")
    level_of = dict(zip(plan.zone_ids, plan.levels, strict=True))
    zones.insert(2, "level", [level_of[zone] for zone in zones["zone"]])
    return TrafficSensitivity(shares, frame, zones, levels)


def label_of(share: float) -> str:
    """Return the column of a share: `+10%`."""
    return f"+{share * 100:.10g}%"


def _or_nan(limit: float | None) -> float:
    return math.nan if limit is None else limit


def _both_ways(plan: Plan, times: TravelTimes) -> tuple[Floats, Floats]:
    """Return minutes driven, and fixed, of every unit from its centre and to it: two arrays (2, n)."""
    ids, centres = plan.of_units.ids, plan.of_units.ids[plan.centres[plan.zone]]
    starts, ends = centres.append(ids), ids.append(centres)
    table = (times.indptr, times.indices, times.minutes)
    total = measures.looked_up(
        *table,
        np.asarray(times.origins.get_indexer(starts), dtype=np.int64),
        np.asarray(times.destinations.get_indexer(ends), dtype=np.int64),
    )
    fixed = _fixed(times, starts, ends)
    return np.maximum(total - fixed, 0.0).reshape(2, -1), fixed.reshape(2, -1)


def _fixed(times: TravelTimes, starts: pd.Index[Any], ends: pd.Index[Any]) -> Floats:
    """Return what access and parking add to each pair; nothing from a unit to itself."""
    if times.fixed_minutes is None:
        return np.zeros(len(starts))
    leaving, arriving = times.fixed_minutes
    minutes = leaving.reindex(starts).to_numpy() + arriving.reindex(ends).to_numpy()
    return np.where(starts == ends, 0.0, minutes)


def _beyond(driven: Floats, fixed: Floats, most: Floats, share: float) -> NDArray[np.bool_]:
    """Return which units (n,) are beyond reach; one that no way leads to or from is, whatever the limit."""
    reach = (driven * (1.0 + share) + fixed).max(axis=0)
    found: NDArray[np.bool_] = (reach > most + SLACK) | np.isinf(reach)
    return found


def _spare(driven: Floats, fixed: Floats, most: Floats) -> Floats:
    """Return by how much longer driving may take, as a share: inf where none is driven, NaN without limit."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ways = np.where(driven > 0, (most - fixed) / driven - 1.0, np.where(fixed <= most, np.inf, -1.0))
    spare: Floats = np.where(np.isnan(most), np.nan, ways.min(axis=0))
    return spare


def _pairs_beyond(plan: Plan, problem: Problem, shares: tuple[float, ...]) -> dict[tuple[str, float], int]:
    """Return, for zones whose level limits it, how many pairs with demand are too far apart at each share."""
    limits = {level.name: level.max_minutes_between for level in problem.levels}
    needed = plan.of_units.hours.to_numpy() > 0
    if plan.of_units.customers is not None:
        needed |= plan.of_units.customers.to_numpy() > 0
    counts: dict[tuple[str, float], int] = {}
    for k, (zone, level) in enumerate(zip(plan.zone_ids, plan.levels, strict=True)):
        most = limits.get(level)
        if most is None:
            continue
        ids = plan.of_units.ids[np.flatnonzero((plan.zone == k) & needed)]
        total = problem.times.on(ids).to_array()
        at = np.arange(len(ids))
        fixed = _fixed(problem.times, ids[np.repeat(at, len(at))], ids[np.tile(at, len(at))])
        fixed = fixed.reshape(total.shape)
        for share in shares:
            minutes = (total - fixed) * (1.0 + share) + fixed
            too_far = np.maximum(minutes, minutes.T) > most + SLACK
            counts[zone, share] = int(np.triu(too_far, 1).sum())
    return counts


def _summary(
    plan: Plan,
    beyond: dict[float, NDArray[np.bool_]],
    pairs: dict[tuple[str, float], int],
    group: NDArray[np.object_],
    name: str,
) -> pd.DataFrame:
    """Return what is beyond reach at each share, a row for each zone or level."""
    people = plan.of_units.customers
    of_zone = dict(zip(plan.zone_ids, plan.zone_ids if name == "zone" else plan.levels, strict=True))
    rows = []
    for share, gone in beyond.items():
        for each in sorted(set(group)):
            out = gone & (group == each)
            counted_pairs = [n for (zone, at), n in pairs.items() if at == share and of_zone[zone] == each]
            rows.append(
                {
                    "slower": share,
                    name: each,
                    "units": int(out.sum()),
                    "weekly_hours": float(plan.of_units.hours.to_numpy()[out].sum()),
                    "customers": math.nan if people is None else float(people.to_numpy()[out].sum()),
                    "pairs": sum(counted_pairs) if counted_pairs else None,
                }
            )
    found = pd.DataFrame(rows)
    return found.astype({"pairs": "Int64"})
