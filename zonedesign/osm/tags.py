"""What OSM tags say to a car: class, access, direction, speed limit, built-up or not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from zonedesign.profiles import CAR_CLASSES, MPH, ROAD_CLASSES

if TYPE_CHECKING:
    from collections.abc import Mapping

    Tags = Mapping[str, str]

CLASS_CODE = {name: code for code, name in enumerate(CAR_CLASSES) if name != "ferry"}
"""The highways that are drivable for this purpose; no service roads, tracks, busways or paths."""

FERRY = ROAD_CLASSES.index("ferry")

# From the most to the least particular to a car; the first that is there decides (OSM wiki, "Key:access").
_ACCESS_KEYS = ("motorcar", "motor_vehicle", "vehicle", "access")
_PRIVATE = frozenset({"private", "permit"})
_CLOSED = frozenset(
    {
        "no",
        "agricultural",
        "forestry",
        "emergency",
        "military",
        "bus",
        "psv",
        "taxi",
        "hgv",
        "bicycle",
        "foot",
    }
)
_BARRIERS = frozenset(
    {
        "bollard",
        "block",
        "jersey_barrier",
        "cycle_barrier",
        "log",
        "debris",
        "stile",
        "kissing_gate",
        "turnstile",
    }
    | {"motorcycle_barrier", "horse_stile", "sump_buster", "bus_trap", "planter", "fence", "wall", "hedge"}
)

MOTOR_ONEWAYS = ("oneway:motorcar", "oneway:motor_vehicle")
"""One-way tags that say nothing to a bicycle."""

_FORWARD = frozenset({"yes", "true", "1"})
_BACKWARD = frozenset({"-1", "reverse"})
_BOTH = frozenset({"no", "false", "0", "alternating"})

_LIMIT = re.compile(r"(\d+(?:\.\d+)?)\s*(mph|mp/h|km/?h|kph|kmh)?", re.IGNORECASE)
# The limits of Great Britain by name (Highway Code, rule 124); a car's, in mph.
_NAMED_MPH = {
    "motorway": 70.0,
    "nsl_dual": 70.0,
    "dual": 70.0,
    "nsl_single": 60.0,
    "single": 60.0,
    "rural": 60.0,
    "nsl_restricted": 30.0,
    "restricted": 30.0,
    "urban": 30.0,
    "zone20": 20.0,
    "zone:20": 20.0,
    "zone30": 30.0,
    "zone:30": 30.0,
}
_NAMED = re.compile(r"(?:gb|uk|gb-[a-z]{3})[:_](?:nsl:)?(.+)")
_WALK_KPH = 6.0
_SPEED_RANGE_KPH = (3.0, 150.0)
_BUILT_UP_MPH = 40.0


def access(tags: Tags) -> str:
    """Return `open`, `private` or `closed` to a car: the most particular access tag decides.

    `destination`, `permissive`, `designated`, `delivery`, `customers`, `residents` are open: a care
    worker has business there. Of several values, the most open counts.
    """
    for key in _ACCESS_KEYS:
        value = tags.get(key)
        if value is None:
            continue
        values = {part.strip().lower() for part in value.split(";")}
        if values <= _CLOSED:
            return "closed"
        return "private" if values <= _CLOSED | _PRIVATE else "open"
    return "open"


def barrier_closes(tags: Tags) -> str:
    """Return `closed`, `private` or `open` for a node: what it does to a road that passes through it."""
    barrier = tags.get("barrier")
    if barrier is None:
        return "open"
    if any(key in tags for key in _ACCESS_KEYS):
        return access(tags)
    return "closed" if barrier in _BARRIERS else "open"


def ferry_access(tags: Tags) -> str:
    """Return `open` for a ferry that says it takes cars, else `closed`: most small ones take people only."""
    for key in _ACCESS_KEYS[:3]:
        value = tags.get(key)
        if value is not None:
            return "open" if value in {"yes", "designated", "permissive", "destination"} else "closed"
    return "closed"


def direction(tags: Tags, kind: str) -> tuple[bool, bool, str | None]:
    """Return whether a car may go along the way, and against it, and what is odd about that.

    Motorways, their links and roundabouts are one-way unless they say otherwise. Odd are `reversible`
    (neither direction can be relied on) and `unknown` (a value that is not understood, taken as if
    absent).
    """
    odd = None
    for key in (*MOTOR_ONEWAYS, "oneway:vehicle", "oneway"):
        value = tags.get(key)
        if value is None:
            continue
        value = value.strip().lower()
        if value in _FORWARD:
            return True, False, odd
        if value in _BACKWARD:
            return False, True, odd
        if value in _BOTH:
            return True, True, odd
        if value == "reversible":
            return False, False, "reversible"
        odd = "unknown"
    implied = kind in {"motorway", "motorway_link"} or roundabout(tags)
    return True, not implied, odd


def roundabout(tags: Tags) -> bool:
    """Return whether the way goes round a roundabout."""
    return tags.get("junction") in {"roundabout", "circular"}


def limit_kph(text: str, kind: str = "primary", *, dual: bool = False) -> float | None:
    """Return the speed limit that a tag states in km/h; infinite for `none`, None where it is not understood.

    Bare numbers are km/h (OSM wiki, "Key:maxspeed"). Of several values the lowest counts. `national`
    depends on the road: 70 mph on motorways and dual carriageways, else 60.
    """
    found = [
        _one_limit(part.strip().lower(), kind, dual) for part in re.split(r"[;,|]", text) if part.strip()
    ]
    known = [value for value in found if value is not None]
    return min(known) if known and len(known) == len(found) else None


def _one_limit(text: str, kind: str, dual: bool) -> float | None:  # noqa: FBT001
    if text in {"none", "unlimited"}:
        return float("inf")
    if text == "walk":
        return _WALK_KPH
    if text in {"national", "nsl", "gb:national", "uk:national", "gb:nsl", "uk:nsl"}:
        return (70.0 if dual or kind.startswith("motorway") else 60.0) * MPH
    match = _LIMIT.fullmatch(text)
    if match:
        value = float(match[1]) * (MPH if (match[2] or "").lower() in {"mph", "mp/h"} else 1.0)
        return value if _SPEED_RANGE_KPH[0] <= value <= _SPEED_RANGE_KPH[1] else None
    named = _NAMED.fullmatch(text)
    mph = _NAMED_MPH.get(named[1] if named else text)
    return None if mph is None else mph * MPH


def limits(tags: Tags, kind: str) -> tuple[float | None, float | None, bool]:
    """Return the limit along the way, and against it, in km/h, and whether one of the tags is not understood.

    `maxspeed:forward` and `maxspeed:backward` come before `maxspeed`; where all are silent,
    `maxspeed:type`, `source:maxspeed` and `zone:maxspeed` may name the limit. `none` is no limit, which
    is as good as not knowing.
    """
    dual = "dual" in (tags.get("maxspeed:type", "") + tags.get("source:maxspeed", "")) or (
        tags.get("dual_carriageway") == "yes"
    )
    junk = False
    stated: dict[str, float | None] = {}
    for key in ("maxspeed", "maxspeed:forward", "maxspeed:backward"):
        text = tags.get(key)
        stated[key] = None if text is None else limit_kph(text, kind, dual=dual)
        junk |= text is not None and stated[key] is None
    general = stated["maxspeed"]
    if general is None:
        hints = (tags.get(key) for key in ("maxspeed:type", "source:maxspeed", "zone:maxspeed"))
        general = next((v for v in (limit_kph(t, kind) for t in hints if t) if v is not None), None)
    along, against = (
        general if stated[key] is None else stated[key] for key in ("maxspeed:forward", "maxspeed:backward")
    )
    return along, against, junk


def built_up(tags: Tags, limit: float | None) -> bool | None:
    """Return whether the road is built up, as far as its tags say so; None where they are silent.

    A limit of 40 mph or less makes a road built up (the Department for Transport's definition); else
    street lamps, a pavement or houses along it do.
    """
    if limit is not None and limit != float("inf"):
        return limit <= _BUILT_UP_MPH * MPH + 0.5
    if tags.get("highway") in {"residential", "living_street"}:
        return None if tags.get("lit") == "no" else True
    if tags.get("lit") == "yes" or tags.get("abutters") in {"residential", "retail", "commercial", "mixed"}:
        return True
    return True if tags.get("sidewalk") in {"both", "left", "right", "separate"} else None


def duration_minutes(text: str | None) -> float | None:
    """Return the minutes that a ferry's `duration` states (`20`, `00:20`, `PT20M`), else None."""
    if not text:
        return None
    clock = re.fullmatch(r"(\d+):(\d{2})(?::(\d{2}))?", text.strip())
    if clock:
        return int(clock[1]) * 60.0 + int(clock[2]) + int(clock[3] or 0) / 60.0
    spelt = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?", text.strip())
    if spelt and (spelt[1] or spelt[2]):
        return int(spelt[1] or 0) * 60.0 + int(spelt[2] or 0)
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text.strip()) else None
