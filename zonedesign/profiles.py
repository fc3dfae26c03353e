"""Speeds by road class, built-up or rural, and time of day; what junctions cost; minutes on an edge.

Where the figures come from --------------------------- *Free flow.* Cars that nothing holds up average
close to the limit on 30 mph roads and motorways and about 50 mph on single carriageways under the
national limit (Department for Transport, DfT, "Vehicle speed compliance statistics for Great Britain",
2016 to 2022, measured away from bends, hills and junctions); 60 and 70 mph are the national limits. Whole
local A roads of England run at 36 mph in free flow, junctions included: 25.3 mph on average less a delay
of 43.1 s a mile (DfT, "Travel time measures for the Strategic Road Network and local A roads: April 2018
to March 2019"). The table lies between the two, and follows the order of the classes in the car profiles
of OSRM (85 km/h trunk, 65 primary, 55 secondary, 40 tertiary, 25 residential) for what DfT does not
measure.

*Time of day.* DfT's delays on local A roads in 2019: 46.2 s a mile on weekdays from 10:00 to 16:00 and
some 7 s more in the morning peak, on a free flow of 99.2 s a mile: shares of 0.68 and 0.65 of the
free-flow speed. Urban A roads lose 1.64 times the mean (75.5 s against 45.9 s, 2016), so the share is
lower when built up and higher when rural. The strategic network keeps 0.85 of the speed at its limits
(59.0 mph, 9.4 s a mile). Minor roads are not measured: half the delay of main roads is our choice, and so
are the evening (after 19:00) and the split of the afternoon peak.

*Junctions.* Signals: Webster's uniform delay (Road Research Technical Paper 39, 1958) C (1 - g)^2 / 2
with a cycle C of 60 s, half of it green (g), is 7.5 s. Giving way: slowing from 30 mph to a crawl or a
stop and back at 1.5 m/s2 loses 3 to 9 s. Where equal roads meet, and on entering a roundabout, less.
Councils can replace every figure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zonedesign.errors import ScenarioError, listed, nearest_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

Pair = tuple[float, float]
"""A figure when built up, and when rural."""

MPH = 1.609344
"""Kilometres an hour in a mile an hour."""

RESTRICTED_KPH = 30 * MPH
"""The limit of a street with lamps in Great Britain; signs say otherwise where it is otherwise."""

JUNCTIONS = ("none", "equal", "roundabout", "give_way", "signals")
"""What an edge ends in; the position is the code that networks store."""

FREE_FLOW_KPH: dict[str, Pair] = {  # class: (built up, rural); from the most to the least important
    "motorway": (108.0, 108.0),
    "motorway_link": (72.0, 80.0),
    "trunk": (64.0, 92.0),
    "trunk_link": (48.0, 64.0),
    "primary": (44.0, 76.0),
    "primary_link": (40.0, 56.0),
    "secondary": (42.0, 68.0),
    "secondary_link": (38.0, 52.0),
    "tertiary": (40.0, 60.0),
    "tertiary_link": (36.0, 48.0),
    "unclassified": (34.0, 50.0),
    "residential": (32.0, 40.0),
    "living_street": (16.0, 16.0),
    "road": (30.0, 45.0),  # of a class nobody has recorded yet
    "ferry": (15.0, 15.0),  # where no duration is recorded; asked for by name only
}

ROAD_CLASSES = tuple(FREE_FLOW_KPH)

# Share of the free-flow speed that is kept: strategic, then main and minor roads as (built up, rural).
_SHARES: dict[str, tuple[float, Pair, Pair]] = {
    "free-flow": (1.00, (1.00, 1.00), (1.00, 1.00)),
    "am-peak": (0.80, (0.58, 0.73), (0.73, 0.84)),
    "midday": (0.85, (0.62, 0.75), (0.77, 0.86)),
    "pm-peak": (0.79, (0.57, 0.72), (0.73, 0.84)),
    "evening": (0.95, (0.80, 0.88), (0.89, 0.94)),
}
_STRATEGIC = ("motorway", "motorway_link", "trunk", "trunk_link")
_MAIN = ("primary", "primary_link", "secondary", "secondary_link")
_UNHURRIED = ("living_street", "ferry")  # traffic does not slow what is slow already

_JUNCTION_SECONDS = {"equal": 2.0, "roundabout": 3.0, "give_way": 5.0, "signals": 7.5}
_MAXSPEED_FACTOR = 0.9
_TABLE_KEYS = ("name", "base", "speeds", "factor", "maxspeed_factor", "junction_seconds")


@dataclass(frozen=True)
class Profile:
    """How quickly roads are driven: a name and its tables.

    `speeds_kph` is by road class, (built up, rural), without traffic; `shares` is the part of that speed
    which the time of day leaves, in the same shape; `junction_seconds` is by `JUNCTIONS`, without
    traffic, and is stretched as the edge is. A posted limit times `maxspeed_factor` is the most that is
    driven under it.
    """

    name: str
    speeds_kph: Mapping[str, Pair]
    shares: Mapping[str, Pair]
    junction_seconds: Mapping[str, float]
    maxspeed_factor: float = _MAXSPEED_FACTOR


def profile_names() -> tuple[str, ...]:
    """Return the names of the profiles that come with zonedesign."""
    return tuple(_SHARES)


def profile(name: str | Mapping[str, Any] | Profile) -> Profile:
    """Return the profile of that name, or the one that a table describes.

    A table is a mapping with any of `name`, `base` (a named profile, free-flow unless said), `speeds`
    ({class: km/h} or {class: {built_up: km/h, rural: km/h}}; a speed that is stated is the speed driven,
    whatever the base's time of day), `factor` (multiplies every speed), `maxspeed_factor` and
    `junction_seconds` (a number or by kind).

    Raises `ScenarioError` for an unknown name, key, class or kind, and for a figure that cannot be.
    """
    if isinstance(name, Profile):
        return name
    if isinstance(name, Mapping):
        return _from_table(name)
    if name not in _SHARES:
        raise ScenarioError(
            f"no speed profile '{name}'{nearest_name(name, _SHARES)}; there are {listed(_SHARES, 9)}"
        )
    strategic, main, minor = _SHARES[name]
    shares: dict[str, Pair] = {}
    for kind in ROAD_CLASSES:
        if kind in _UNHURRIED:
            shares[kind] = (1.0, 1.0)
        elif kind in _STRATEGIC:
            shares[kind] = (strategic, strategic)
        else:
            shares[kind] = main if kind in _MAIN else minor
    return Profile(name, dict(FREE_FLOW_KPH), shares, dict(_JUNCTION_SECONDS))


def _from_table(table: Mapping[str, Any]) -> Profile:
    _known(table, _TABLE_KEYS, "key", "a speed profile")
    base_name = table.get("base", "free-flow")
    if not isinstance(base_name, str):
        raise ScenarioError(f"the base of a speed profile is the name of one: {listed(_SHARES, 9)}")
    base = profile(base_name)
    factor = _figure(table.get("factor", 1.0), "factor", 0.1, 3.0)
    speeds, shares = dict(base.speeds_kph), dict(base.shares)
    stated = table.get("speeds", {})
    if not isinstance(stated, Mapping):
        raise ScenarioError("speeds of a profile are a table: a road class and its km/h")
    _known(stated, ROAD_CLASSES, "road class", "speeds")
    for kind, value in stated.items():
        speeds[kind] = _pair(value, kind)
        shares[kind] = (1.0, 1.0)
    speeds = {kind: (pair[0] * factor, pair[1] * factor) for kind, pair in speeds.items()}
    junctions = dict(base.junction_seconds)
    given = table.get("junction_seconds", {})
    if not isinstance(given, Mapping):
        given = dict.fromkeys(junctions, given)
    _known(given, junctions, "kind of junction", "junction_seconds")
    for kind, value in given.items():
        junctions[kind] = _figure(value, f"junction_seconds of {kind}", 0.0, 300.0)
    changed = any(key in table for key in _TABLE_KEYS[2:])
    return Profile(
        str(table.get("name", f"{base.name}, changed" if changed else base.name)),
        speeds,
        shares,
        junctions,
        # the cap under a limit moves with every speed, or a factor would not reach roads whose limit is known
        _figure(table.get("maxspeed_factor", base.maxspeed_factor), "maxspeed_factor", 0.1, 2.0) * factor,
    )


def _pair(value: object, kind: str) -> Pair:
    if isinstance(value, Mapping):
        _known(value, ("built_up", "rural"), "key", f"the speeds of {kind}")
        if len(value) < 2:
            raise ScenarioError(
                f"the speeds of {kind} need built_up and rural, or a single number of km/h for both"
            )
        return (
            _figure(value["built_up"], f"built_up speed of {kind}", 1.0, 200.0),
            _figure(value["rural"], f"rural speed of {kind}", 1.0, 200.0),
        )
    speed = _figure(value, f"speed of {kind}", 1.0, 200.0)
    return speed, speed


def _known(
    table: Mapping[Any, Any], names: Mapping[str, Any] | tuple[str, ...], what: str, where: str
) -> None:
    for key in table:
        if key not in names:
            raise ScenarioError(
                f"unknown {what} '{key}' in {where}{nearest_name(key, names)}; known are {listed(names, 20)}"
            )


def _figure(value: object, what: str, least: float, most: float) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not least <= float(value) <= most:  # type: ignore[arg-type]
        raise ScenarioError(f"{what} is {value!r}; it must be a number from {least:g} to {most:g}")
    return float(value)  # type: ignore[arg-type]


def edge_minutes(
    speeds: Profile,
    class_names: tuple[str, ...],
    *,
    road_class: NDArray[np.integer[Any]],
    length_m: NDArray[np.float64],
    maxspeed_kph: NDArray[np.float64],
    built_up: NDArray[np.bool_],
    junction: NDArray[np.int8],
) -> NDArray[np.float64]:
    """Return the minutes on every edge (m,), the junction at its end included.

    A road is driven at the built-up speed of its class where it is built up and no limit above 30 mph is
    posted, else at the rural one; never at more than the posted limit (NaN: none known) times the
    profile's factor.
    """
    open_road = ~built_up | (maxspeed_kph > RESTRICTED_KPH + 0.5)  # NaN compares as False
    table = np.array([speeds.speeds_kph[name] for name in class_names], dtype=np.float64).reshape(-1, 2)
    shares = np.array([speeds.shares[name] for name in class_names], dtype=np.float64).reshape(-1, 2)
    kph = np.fmin(table[road_class, open_road.astype(np.intp)], maxspeed_kph * speeds.maxspeed_factor)
    seconds = np.array([speeds.junction_seconds.get(kind, 0.0) for kind in JUNCTIONS])[junction]
    free: NDArray[np.float64] = length_m / kph * 0.06 + seconds / 60.0
    driven: NDArray[np.float64] = free / shares[road_class, (~built_up).astype(np.intp)]
    return driven
