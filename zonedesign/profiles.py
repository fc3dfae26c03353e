"""Profiles: how quickly roads are driven, walked or cycled, and the minutes on an edge that follow.

The figures, each with its source, stand in `_figures`; `profile_table` shows them. Councils can replace
every one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign import _figures
from zonedesign._figures import JUNCTIONS, MODES, ROAD_CLASSES
from zonedesign.errors import DataError, ScenarioError, counted, listed, nearest_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign._figures import Pair

    Floats = NDArray[np.float64]

__all__ = [
    "CAR_CLASSES", "JUNCTIONS", "MODES", "MPH", "ROAD_CLASSES", "Profile", "edge_minutes", "profile",
    "profile_names", "profile_table", "speed_codes",
]  # fmt: skip

MPH = 1.609344
"""Kilometres an hour in a mile an hour."""

RESTRICTED_KPH = 30 * MPH
"""The limit of a street with lamps in Great Britain; signs say otherwise where it is otherwise."""

CAR_CLASSES = tuple(_figures.CAR)
"""What a car drives on; `ROAD_CLASSES` are these and the paths of walkers and cyclists."""

_NAMED = {**dict.fromkeys(_figures.SHARES, "car"), "walking": "foot", "cycling": "cycle"}
_BASES = {"car": "free-flow", "foot": "walking", "cycle": "cycling"}
_TRAVELLERS = {"car": "cars", "foot": "walkers", "cycle": "cyclists"}

# What a figure may be: the widest that a factor from 0.1 to 3 makes of a speed from 1 to 200 km/h, and so on.
_SPEED, _SHARE, _FACTOR, _CAP, _SECONDS = (0.1, 600.0), (0.05, 5.0), (0.1, 3.0), (0.01, 6.0), (0.0, 300.0)
_TABLE_KEYS = (
    "name", "base", "mode", "speeds", "shares", "factor", "maxspeed_factor", "junction_seconds",
    "turn_seconds",
)  # fmt: skip
_GIVEN = "as given"


@dataclass(frozen=True)
class Profile:
    """How quickly roads are driven (or walked, or cycled: `mode`): a name and its tables.

    `speeds_kph` is by road class, (built up, rural), without traffic; `shares` is the part of that speed
    which the time of day leaves, in the same shape; `junction_seconds` is by `JUNCTIONS`, without
    traffic, and is stretched as the edge is; `turn_seconds`, by `straight`, `left`, `right` and `u_turn`,
    is what a turn costs beside the junction, where turn delays are asked for. A posted limit times
    `maxspeed_factor` is the most that a car drives under it. `sources` says where the figures are from.
    """

    name: str
    speeds_kph: Mapping[str, Pair]
    shares: Mapping[str, Pair]
    junction_seconds: Mapping[str, float]
    maxspeed_factor: float = _figures.MAXSPEED_FACTOR
    mode: str = "car"
    turn_seconds: Mapping[str, float] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def to_table(self) -> dict[str, Any]:
        """Return the table that `profile` reads back to an equal profile: a scenario's `[roads] profile`."""
        speeds, shares = (
            {kind: {"built_up": pair[0], "rural": pair[1]} for kind, pair in figures.items()}
            for figures in (self.speeds_kph, self.shares)
        )
        return {
            "name": self.name,
            "mode": self.mode,
            "maxspeed_factor": self.maxspeed_factor,
            "speeds": speeds,
            "shares": shares,
            "junction_seconds": dict(self.junction_seconds),
            "turn_seconds": dict(self.turn_seconds),
        }


def profile_names() -> tuple[str, ...]:
    """Return the names of the profiles that come with zonedesign."""
    return tuple(_NAMED)


def profile(name: str | Mapping[str, Any] | Profile) -> Profile:
    """Return the profile of that name, or the one that a table describes.

    A table is a mapping with any of `name`, `base` (a named profile; free-flow, walking or cycling unless
    said), `mode` (car, foot or cycle; the base's), `speeds` ({class: km/h} or {class: {built_up: km/h, rural:
    km/h}}; a speed that is stated is the speed driven, whatever the base's time of day, unless its share is
    stated too), `shares` (the same shape; the part of the speed that traffic leaves), `factor` (multiplies
    every speed), `maxspeed_factor`, `junction_seconds` (a number or by kind) and `turn_seconds` (likewise).

    Raises `ScenarioError` for an unknown name, key, class or kind, and for a figure that cannot be.
    """
    if isinstance(name, Profile):
        return name
    if isinstance(name, Mapping):
        return _from_table(name)
    if name not in _NAMED:
        raise ScenarioError(
            f"no speed profile '{name}'{nearest_name(name, _NAMED)}; there are {listed(_NAMED, 9)}"
        )
    mode = _NAMED[name]
    rows = {"car": _figures.CAR, "foot": _figures.FOOT, "cycle": _figures.CYCLE}[mode]
    shares, sources = {}, {"maxspeed_factor": _figures.MAXSPEED_SOURCE}
    for kind, (*_, source) in rows.items():
        shares[kind], hours = _figures.share_of(name if mode == "car" else "free-flow", kind)
        sources[kind] = f"{source}; share of it: {hours}" if hours else source
    junctions, turns = _figures.JUNCTION_SECONDS[mode], _figures.TURN_SECONDS[mode]
    sources |= {kind: source for kind, (_, source) in [*junctions.items(), *turns.items()]}
    return Profile(
        name,
        {kind: (built_up, rural) for kind, (built_up, rural, _) in rows.items()},
        shares,
        {kind: seconds for kind, (seconds, _) in junctions.items()},
        mode=mode,
        turn_seconds={turn: seconds for turn, (seconds, _) in turns.items()},
        sources=sources,
    )


def profile_table(name: str | Mapping[str, Any] | Profile) -> pd.DataFrame:
    """Return the figures of a profile, a row each, with `what`, `built_up`, `rural`, `unit` and `source`.

    Indexed by road class (the speed driven at that time of day, km/h), kind of junction and turn (seconds,
    before traffic stretches them), and `maxspeed_factor` (of a car: the share of a posted limit).
    """
    speeds = profile(name)
    rows: list[tuple[Any, ...]] = [
        (kind, "road class", *np.multiply(pair, speeds.shares[kind]).tolist(), "km/h")
        for kind, pair in speeds.speeds_kph.items()
    ]
    rows += [(kind, "junction", cost, cost, "seconds") for kind, cost in speeds.junction_seconds.items()]
    rows += [(turn, "turn", cost, cost, "seconds") for turn, cost in speeds.turn_seconds.items()]
    if speeds.mode == "car":
        cap = speeds.maxspeed_factor
        rows.append(("maxspeed_factor", "limit", cap, cap, "share of the limit"))
    table = pd.DataFrame(rows, columns=["figure", "what", "built_up", "rural", "unit"]).set_index("figure")
    table["source"] = [speeds.sources.get(figure, _GIVEN) for figure in table.index]
    return table


def _from_table(table: Mapping[str, Any]) -> Profile:
    _known(table, _TABLE_KEYS, "key", "a speed profile")
    base = _base(table)
    factor = _figure(table.get("factor", 1.0), "factor", *_FACTOR)
    speeds, shares, sources = dict(base.speeds_kph), dict(base.shares), dict(base.sources)
    stated, kept = (_by_class(table, key) for key in ("speeds", "shares"))
    for kind, value in stated.items():
        speeds[kind] = _pair(value, f"speeds of {kind}", f"speed of {kind}", "km/h", _SPEED)
        shares[kind] = (1.0, 1.0)
        sources[kind] = _GIVEN
    for kind, value in kept.items():
        if kind not in speeds:
            raise ScenarioError(f"shares of {kind} come without a speed of it; give both")
        shares[kind] = _pair(value, f"shares of {kind}", f"share of {kind}", "speed", _SHARE)
        speed = sources.get(kind, _GIVEN).partition("; share of it")[0]
        sources[kind] = speed if speed == _GIVEN else f"{speed}; share of it: {_GIVEN}"
    if factor != 1.0:
        for kind, pair in speeds.items():
            speeds[kind] = (
                _figure(pair[0] * factor, f"the factor makes the speed of {kind}", *_SPEED),
                _figure(pair[1] * factor, f"the factor makes the speed of {kind}", *_SPEED),
            )
            sources[kind] = f"{sources.get(kind, _GIVEN)}; times {factor:g}"
    junctions = _seconds(table, "junction_seconds", base.junction_seconds, sources)
    turns = _seconds(table, "turn_seconds", base.turn_seconds, sources)
    if "maxspeed_factor" in table:
        sources["maxspeed_factor"] = _GIVEN
    # the cap under a limit moves with every speed, or a factor would not reach roads whose limit is known
    cap = _figure(table.get("maxspeed_factor", base.maxspeed_factor), "maxspeed_factor", *_CAP)
    changed = any(key in table for key in _TABLE_KEYS[3:])
    return Profile(
        str(table.get("name", f"{base.name}, changed" if changed else base.name)),
        speeds, shares, junctions, _figure(cap * factor, "maxspeed_factor", *_CAP),
        mode=base.mode, turn_seconds=turns, sources=sources,
    )  # fmt: skip


def _base(table: Mapping[str, Any]) -> Profile:
    """Return the named profile that a table changes; its mode is the table's, where that states one."""
    mode = table.get("mode", "car")
    if mode not in MODES:
        raise ScenarioError(f"no mode '{mode}'{nearest_name(mode, MODES)}; there are {listed(MODES, 9)}")
    name = table.get("base", _BASES[mode])
    if not isinstance(name, str):
        raise ScenarioError(f"the base of a speed profile is the name of one: {listed(_NAMED, 9)}")
    base = profile(name)
    if "mode" in table and base.mode != mode:
        raise ScenarioError(
            f"the base '{base.name}' is for {_TRAVELLERS[base.mode]}, the mode is {mode}; "
            f"leave out one of the two, or take base = '{_BASES[mode]}'"
        )
    return base


def _by_class(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    stated = table.get(key, {})
    if not isinstance(stated, Mapping):
        what = "its km/h" if key == "speeds" else "the share of its speed"
        raise ScenarioError(f"{key} of a profile are a table: a road class and {what}")
    _known(stated, ROAD_CLASSES, "road class", key)
    return stated


def _seconds(
    table: Mapping[str, Any], key: str, base: Mapping[str, float], sources: dict[str, str]
) -> dict[str, float]:
    given = table.get(key, {})
    if not isinstance(given, Mapping):
        given = dict.fromkeys(base, given)
    known = JUNCTIONS[1:] if key == "junction_seconds" else tuple(base)
    _known(given, known, "kind of junction" if key == "junction_seconds" else "turn", key)
    for kind in given:
        sources[kind] = _GIVEN
    return {**base, **{kind: _figure(value, f"{key} of {kind}", *_SECONDS) for kind, value in given.items()}}


def _pair(value: object, what: str, each: str, unit: str, between: tuple[float, float]) -> Pair:
    if isinstance(value, Mapping):
        _known(value, ("built_up", "rural"), "key", f"the {what}")
        if len(value) < 2:
            raise ScenarioError(f"the {what} need built_up and rural, or a single number of {unit} for both")
        return (
            _figure(value["built_up"], f"built_up {each}", *between),
            _figure(value["rural"], f"rural {each}", *between),
        )
    figure = _figure(value, each, *between)
    return figure, figure


def _known(
    table: Mapping[Any, Any], names: Mapping[str, Any] | tuple[str, ...], what: str, where: str
) -> None:
    for key in table:
        if key not in names:
            raise ScenarioError(
                f"unknown {what} '{key}' in {where}{nearest_name(key, names)}; known are {listed(names, 30)}"
            )


def _figure(value: object, what: str, least: float, most: float) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not least <= float(value) <= most:  # type: ignore[arg-type]
        raise ScenarioError(f"{what} is {value!r}; it must be a number from {least:g} to {most:g}")
    return float(value)  # type: ignore[arg-type]


def speed_codes(
    road_class: NDArray[np.integer[Any]], maxspeed_kph: Floats, built_up: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """Return the row (m,) of the tables that `edge_minutes` looks figures up in: it depends on no profile.

    A road is driven at the built-up speed of its class where it is built up and no limit above 30 mph is
    posted, else at the rural one; its share of that goes by where it stands.
    """
    open_road = ~built_up | (maxspeed_kph > RESTRICTED_KPH + 0.5)  # NaN compares as False
    codes: NDArray[np.intp] = road_class.astype(np.intp) * 4 + open_road * 2 + ~built_up
    return codes


def edge_minutes(
    speeds: Profile,
    class_names: tuple[str, ...],
    *,
    codes: NDArray[np.intp],
    length_m: Floats,
    maxspeed_kph: Floats,
    junction: NDArray[np.int8],
) -> tuple[Floats, Floats]:
    """Return minutes (m,) on every edge, the junction at its end included, and the junction's part of them.

    `codes` are those of `speed_codes`. A car never goes at more than the posted limit (NaN: none known) times
    the profile's factor. Raises `DataError` for a class that the profile has no speed for.
    """
    known = [kind in speeds.speeds_kph for kind in class_names]
    if not all(known):
        _refuse_strangers(speeds, class_names, known, codes)
    none = (1.0, 1.0)
    kph = np.array([speeds.speeds_kph.get(name, none)[i] for name in class_names for i in (0, 0, 1, 1)])
    kept = np.array([speeds.shares.get(name, none)[i] for name in class_names for i in (0, 1, 0, 1)])
    pace = kph[codes]
    if speeds.mode == "car":
        np.fmin(pace, maxspeed_kph * speeds.maxspeed_factor, out=pace)
    share = kept[codes]
    wait = np.array([speeds.junction_seconds.get(kind, 0.0) / 60.0 for kind in JUNCTIONS])[junction]
    minutes: Floats = length_m / pace
    minutes *= 0.06
    minutes += wait
    minutes /= share
    wait /= share
    return minutes, wait


def _refuse_strangers(
    speeds: Profile, class_names: tuple[str, ...], known: list[bool], codes: NDArray[np.intp]
) -> None:
    used = np.bincount(codes >> 2, minlength=len(class_names)) > 0
    strangers = [kind for kind, ours, here in zip(class_names, known, used, strict=True) if here and not ours]
    if strangers:
        raise DataError(
            f"edges have {counted(len(strangers), 'road class')} that '{speeds.name}' has no speed for: "
            f"{listed(strangers)}{nearest_name(strangers[0], tuple(speeds.speeds_kph))}; "
            "give the profile speeds for them, leave the edges out, or give minutes"
        )
