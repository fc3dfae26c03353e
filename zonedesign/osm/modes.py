"""What OSM tags say to a car, to a walker and to a cyclist: who may use a way, in which direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zonedesign.osm import tags as osm_tags
from zonedesign.profiles import ROAD_CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Tags = Mapping[str, str]

_CODES = {name: code for code, name in enumerate(ROAD_CLASSES) if name != "ferry"}
_CODES["byway"] = _CODES["track"]  # what tracks open to all traffic were called before 2010

# From the most to the least particular; the first that is there decides (OSM wiki, "Key:access").
_FOOT_KEYS = ("foot", "access")
_CYCLE_KEYS = ("bicycle", "vehicle", "access")
_PRIVATE = frozenset({"private", "permit"})
_SHUT = frozenset({"no", "agricultural", "forestry", "emergency", "military", "bus", "psv", "taxi", "hgv"})
# a bicycle that must be pushed is a walker's, and quicker parked
_SHUT_TO_CYCLES = _SHUT | {"dismount", "foot", "horse"}
_SHUT_TO_WALKERS = _SHUT | {"bicycle", "horse", "vehicle", "motor_vehicle", "motorcar"}
_FAST = frozenset({"motorway", "motorway_link"})
_WALKERS_OWN = frozenset({"footway", "pedestrian", "path", "steps"})
"""Where nobody cycles unless a tag opens it; bridleways are open (Countryside Act 1968, section 30)."""

_WALLS = frozenset({"fence", "wall", "hedge"})
_PATHS = frozenset({"cycleway", "bridleway", "pedestrian", "footway", "path", "steps"})
PATHS_READ = "footways, cycleways and other paths in the data"
"""What they are counted as, open or not, where roads are read for walkers or cyclists."""
_STILES = _WALLS | {
    "stile", "kissing_gate", "turnstile", "full-height_turnstile", "horse_stile", "log", "debris",
}  # fmt: skip

_YES, _BACKWARD, _NO = (
    frozenset({"yes", "true", "1"}),
    frozenset({"-1", "reverse"}),
    frozenset({"no", "false", "0"}),
)


@dataclass(frozen=True)
class Traveller:
    """One who travels: `codes` of the highways for them, and what tags say to them.

    `access`, `barrier` and `ferry` answer `open`, `private` or `closed`; `direction` whether one may go along
    the way, and against it, and what is odd about that.
    """

    mode: str
    who: str
    codes: Mapping[str, int]
    access: Callable[[Tags], str]
    direction: Callable[[Tags, str], tuple[bool, bool, str | None]]
    barrier: Callable[[Tags], str]
    ferry: Callable[[Tags], str]

    @property
    def drives(self) -> bool:
        """Whether it is a car: limits, built-up places, give-way lines and banned turns are for cars."""
        return self.mode == "car"


def traveller(mode: str) -> Traveller:
    """Return the traveller of a mode: car, foot or cycle."""
    return {"car": _CAR, "foot": _WALKER, "cycle": _CYCLIST}[mode]


def is_path(highway: Iterable[str]) -> bool:
    """Return whether one of the values of `highway` is a path, which files of car roads alone do not hold."""
    return not _PATHS.isdisjoint(highway)


def _stated(tags: Tags, keys: tuple[str, ...], shut: frozenset[str]) -> str | None:
    """Return what the most particular access tag says; of several values the most open counts."""
    for key in keys:
        value = tags.get(key)
        if value is None:
            continue
        values = {part.strip().lower() for part in value.split(";")}
        if values <= shut:
            return "closed"
        return "private" if values <= shut | _PRIVATE else "open"
    return None


def _kinds(tags: Tags) -> set[str]:
    return set(tags.get("highway", "").split(";"))


def _walker_access(tags: Tags) -> str:
    """Open unless tags say otherwise; motorways never, motor roads only where `foot` opens them."""
    if _kinds(tags) & _FAST or (tags.get("motorroad") == "yes" and "foot" not in tags):
        return "closed"
    return _stated(tags, _FOOT_KEYS, _SHUT_TO_WALKERS) or "open"


def _cyclist_access(tags: Tags) -> str:
    """Open on roads, tracks, cycleways, bridleways; on walkers' paths only where `bicycle` opens them."""
    kinds = _kinds(tags)
    if kinds & _FAST or "steps" in kinds or (tags.get("motorroad") == "yes" and "bicycle" not in tags):
        return "closed"
    keys = _CYCLE_KEYS[:1] if kinds & _WALKERS_OWN else _CYCLE_KEYS
    return _stated(tags, keys, _SHUT_TO_CYCLES) or ("closed" if kinds & _WALKERS_OWN else "open")


def _walker_direction(tags: Tags, _kind: str) -> tuple[bool, bool, str | None]:
    return _one_way(tags, "oneway:foot") or (True, True, None)


def _cyclist_direction(tags: Tags, kind: str) -> tuple[bool, bool, str | None]:
    """Return the directions: `oneway:bicycle` first, then lanes against the traffic, then the road's own."""
    own = _one_way(tags, "oneway:bicycle")
    if own is not None:
        return own
    lanes = (tags.get(key, "") for key in ("cycleway", "cycleway:left", "cycleway:right", "cycleway:both"))
    lanes_back = (tags.get(f"cycleway:{side}:oneway", "") for side in ("left", "right", "both"))
    if any(lane.startswith("opposite") for lane in lanes) or any(way in {"-1", "no"} for way in lanes_back):
        return True, True, None
    return osm_tags.direction(
        {key: value for key, value in tags.items() if key not in osm_tags.MOTOR_ONEWAYS}, kind
    )


def _one_way(tags: Tags, key: str) -> tuple[bool, bool, str | None] | None:
    value = tags.get(key, "").strip().lower()
    if value in _YES:
        return True, False, None
    if value in _BACKWARD:
        return False, True, None
    return (True, True, None) if value in _NO else None


def _walker_barrier(tags: Tags) -> str:
    said = _stated(tags, _FOOT_KEYS, _SHUT_TO_WALKERS)
    return said or ("closed" if tags.get("barrier") in _WALLS else "open")


def _cyclist_barrier(tags: Tags) -> str:
    said = _stated(tags, _CYCLE_KEYS, _SHUT_TO_CYCLES - {"dismount"})
    return said or ("closed" if tags.get("barrier") in _STILES else "open")


def _walker_ferry(tags: Tags) -> str:
    return _stated(tags, _FOOT_KEYS, _SHUT_TO_WALKERS) or "open"


def _cyclist_ferry(tags: Tags) -> str:
    return _stated(tags, _CYCLE_KEYS, _SHUT_TO_CYCLES - {"dismount"}) or "open"


_CAR = Traveller(
    "car", "cars", osm_tags.CLASS_CODE,
    osm_tags.access, osm_tags.direction, osm_tags.barrier_closes, osm_tags.ferry_access,
)  # fmt: skip
_WALKER = Traveller(
    "foot", "walkers", _CODES, _walker_access, _walker_direction, _walker_barrier, _walker_ferry
)
_CYCLIST = Traveller(
    "cycle", "cyclists", _CODES, _cyclist_access, _cyclist_direction, _cyclist_barrier, _cyclist_ferry
)
