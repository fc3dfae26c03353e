"""Dials: every limit of a problem that may be loosened by itself, and the problem with it loosened."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zonedesign import measures
from zonedesign.levels import SLACK

if TYPE_CHECKING:
    from zonedesign.levels import Level
    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

MIN, MAX = "min", "max"


@dataclass(frozen=True, eq=False)
class Dial:
    """One limit that may be loosened; of a lock, a border or a connection, 0 keeps it and 1 lets it go.

    `rule`, `level` and `quantity` are those of the rows of `verify` that it decides (a level of None: of
    every level, or of those in `levels`), `side` the end of the limit, `units` those that a lock names.
    `before` is where it stands and `loosest` what lets everything pass. `key` is what the scenario calls it,
    `says` what it asks, in words, and `waived` that a lock asks it no more. A dial of several `parts`
    (bridges, borders of two councils, units left out) can be narrowed by `only`, and `used` says which parts
    a plan makes use of.
    """

    rule: str
    level: str | None
    quantity: str
    side: str
    before: float
    loosest: float
    state: Callable[[Problem, float], Problem] = field(repr=False)
    key: str
    says: str
    waived: str = ""
    whole: bool = False
    lets_go: bool = False
    units: tuple[Any, ...] = ()
    levels: tuple[str, ...] = ()
    parts: tuple[Any, ...] = ()
    only: Callable[[tuple[Any, ...]], Dial] | None = field(default=None, repr=False)
    used: Callable[[Plan], tuple[Any, ...]] | None = field(default=None, repr=False)

    @property
    def room(self) -> float:
        """How far the dial can be turned."""
        return self.turned(self.loosest)

    def turned(self, value: float) -> float:
        """Return how far a value is looser than where the dial stands, 0 where it is not."""
        return max(0.0, value - self.before if self.side == MAX else self.before - value)

    def at(self, turn: float) -> float:
        """Return the value of the dial so far loosened."""
        return self.before + turn if self.side == MAX else self.before - turn

    def decides(self, row: Mapping[str, Any]) -> bool:
        """Return whether a verdict is one that this dial decides."""
        if row["rule"] != self.rule or row["quantity"] != self.quantity:
            return False
        if self.levels:
            return row["level"] in self.levels
        return self.level is None or row["level"] == self.level

    def covers(self, other: Dial) -> bool:
        """Return whether another dial is that of one of the levels that share this one."""
        return (other.rule, other.quantity) == (self.rule, self.quantity) and other.level in self.levels

    @property
    def subject(self) -> str:
        """The level, or the levels, whose limit it is."""
        several = f"{', '.join(self.levels[:-1])} and {self.levels[-1]}" if self.levels else ""
        return f"levels {several}" if several else f"level {self.level}"

    def needed(self, row: Mapping[str, Any]) -> float:
        """Return how far a broken verdict needs this dial turned, 0 where it is for another dial."""
        if self.lets_go:
            return self.room
        value = float(row["value"])
        return self.turned(value) if self.turned(value) > SLACK / 2 else 0.0

    def neat(self, value: float) -> float:
        """Return a value with few digits that is no tighter, for people to write down."""
        if self.whole:
            return float(math.ceil(value - SLACK) if self.side == MAX else math.floor(value + SLACK))
        size = max(abs(self.before), abs(value), 1e-9)
        fine = 1000.0 if self.quantity in {"weekly_hours", "customers"} else 100.0
        step = 10.0 ** math.floor(math.log10(size / fine))
        for digits in range(13):
            grid = 10.0**digits
            up = self.side == MAX
            # A limit is met within its slack, so rounding in the last digits is no reason to go further.
            rounded = (
                math.ceil((value - 0.9 * SLACK) * grid) if up else math.floor((value + 0.9 * SLACK) * grid)
            )
            if abs(rounded / grid - value) <= step:
                return min(self.loosest, rounded / grid) if up else max(self.loosest, rounded / grid)
        return value


Settings = Mapping[Dial, float]
"""How far each of some dials is turned."""


def stated(problem: Problem, settings: Settings) -> Problem:
    """Return the problem with some dials turned."""
    for dial, turn in settings.items():
        problem = dial.state(problem, dial.at(turn))
    return problem


def level_dials(problem: Problem) -> list[Dial]:
    """Return the dials of all that levels limit: volumes, travel, counts, shares, character, connection."""
    total = float(problem.hours.sum())
    people = None if problem.customers is None else float(problem.customers.sum())
    whole = problem.customers is not None and bool((problem.customers % 1 == 0).all())
    found: list[Dial] = []
    for k, level in enumerate(problem.levels):
        if level.zone_range[1] == 0:
            found += _ends(level, "zones", "ZoneCount", "zones", float(len(problem.units)), whole=True)
            continue
        if level.character is not None:
            found.append(_character(level))
        found += _ends(level, "hours_share", "HoursShare", "hours_share", 1.0)
        found += [
            _far(problem, key, getattr(level, key), (level.name,))
            for key in _FAR
            if getattr(level, key) is not None
        ]
        if people is not None:
            found += _ends(level, "customers", "Volume", "customers", people, whole=whole)
        found += _ends(level, "weekly_hours", "Volume", "weekly_hours", total)
        found += _ends(level, "zones", "ZoneCount", "zones", float(len(problem.units)), whole=True)
        if problem.contiguous[k]:
            found.append(_connection(level))
    return [dial for dial in found if dial.room > SLACK]


def with_level(problem: Problem, name: str, **changes: Any) -> Problem:
    """Return the problem with one level changed."""
    return problem.with_(
        levels=[replace(level, **changes) if level.name == name else level for level in problem.levels]
    )


def counted_at(problem: Problem, dial: Dial, turn: float) -> Problem:
    """Return the problem with exactly so many zones of a level as a dial of zones stands at, turned so far.

    A search that is told how many zones to make finds them sooner than one that may make any number.
    """
    count = max(0, round(dial.at(turn)))
    return with_level(problem, str(dial.level), zones=(count, count))


def level_of(problem: Problem, name: str) -> Level:
    """Return the level of a name."""
    return next(level for level in problem.levels if level.name == name)


_UNIT = {"weekly_hours": " h a zone", "customers": " customers a zone", "zones": " zones", "hours_share": ""}


def _ends(
    level: Level, key: str, rule: str, quantity: str, most: float, *, whole: bool = False
) -> list[Dial]:
    """Return the dials of both ends of a band, as far as they are stated."""
    band: Any = level.zones if key == "zones" else getattr(level, key)
    low, high = band or (None, None)
    name, found = level.name, []
    for side, end, limit in ((MIN, low, 0.0), (MAX, high, most)):
        if end is None:
            continue
        least = "at least" if side == MIN else "at most"
        amount = f"{end:.3%}".replace(".000%", "%") if key == "hours_share" else f"{end:,.6g}"
        what = f"{amount} of all hours" if key == "hours_share" else f"{amount}{_UNIT[key]}"

        def state(problem: Problem, value: float, side: str = side) -> Problem:
            now: Any = getattr(level_of(problem, name), key) or (None, None)
            number: Any = round(value) if key == "zones" else value
            changed = (number, now[1]) if side == MIN else (now[0], number)
            return with_level(problem, name, **{key: changed})

        found.append(
            Dial(
                rule, name, quantity, side, float(end), limit, state, key,
                f"level {name}: {least} {what}", whole=whole,
            )
        )  # fmt: skip
    return found


_FAR = {
    "max_miles": ("MaxMiles", "miles", "within {:g} miles of the centre"),
    "max_minutes_between": ("Diameter", "minutes_between", "any two units within {:g} minutes"),
    "max_minutes": ("Reach", "reach_minutes", "within {:g} minutes of the centre"),
}


def shared_dials(problem: Problem) -> list[Dial]:
    """Return the dials of travel limits that several levels share, turned for all of them at once."""
    usable = [level for level in problem.levels if level.zone_range[1] != 0]
    found = []
    for key in _FAR:
        limits = [getattr(level, key) for level in usable]
        for limit in dict.fromkeys(limits):
            names = tuple(level.name for level in usable if getattr(level, key) == limit)
            if limit is not None and len(names) > 1:
                found.append(_far(problem, key, limit, names))
    return [dial for dial in found if dial.room > SLACK]


def _far(problem: Problem, key: str, limit: float, names: tuple[str, ...]) -> Dial:
    """Return the dial of how far apart units may be, at one level or at several."""
    rule, quantity, words = _FAR[key]
    if key == "max_miles":
        most = _widest_miles(problem)
    else:
        most = float(problem.travel.minutes.max(initial=0.0))
        most = max(most, problem.times.max_minutes) if math.isfinite(problem.times.max_minutes) else most

    def state(problem: Problem, value: float) -> Problem:
        for name in names:
            problem = with_level(problem, name, **{key: value})
        return problem

    several = len(names) > 1
    who = f"levels {', '.join(names)}" if several else f"level {names[0]}"
    return Dial(
        rule, None if several else names[0], quantity, MAX, limit, most, state, key,
        f"{who}: {words.format(limit)}", levels=names if several else (),
    )  # fmt: skip


def _widest_miles(problem: Problem) -> float:
    """Return a distance that no two units pass, in miles: across the box around all points."""
    points: Any = problem.units.points
    if points.crs is not None and points.crs.is_geographic:
        points = points.to_crs(points.estimate_utm_crs())
    metres = 1.0 if points.crs is None else float(points.crs.axis_info[0].unit_conversion_factor)
    x, y = points.x.to_numpy(), points.y.to_numpy()
    return float(np.hypot(np.ptp(x), np.ptp(y)) * metres / measures.METRES_PER_MILE) + 0.01


def _character(level: Level) -> Dial:
    asked: Any = level.character

    def state(problem: Problem, value: float) -> Problem:
        now: Any = level_of(problem, level.name).character
        return with_level(problem, level.name, character=replace(now, at_least=max(0.0, value)))

    where = f"{asked.column} is {', '.join(map(str, asked.values))}"
    says = f"level {level.name}: at least {asked.at_least:.3g} of a zone's hours where {where}"
    return Dial(
        "Character", level.name, "character_share", MIN, asked.at_least, 0.0, state, "character", says
    )


def _connection(level: Level) -> Dial:
    def state(problem: Problem, value: float) -> Problem:
        return with_level(problem, level.name, contiguous=False) if value >= 1 else problem

    says = f"level {level.name}: zones connected"
    return Dial(
        "Contiguous", level.name, "pieces", MAX, 0.0, 1.0, state, "contiguous", says, whole=True, lets_go=True
    )
