"""Rules: small values that say what must hold of a plan; verify checks them and model writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zonedesign.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from zonedesign.levels import Level


@dataclass(frozen=True)
class Volume:
    """Hours, and customers where a band is given, of every zone of the level lie within the bands."""

    level: str


@dataclass(frozen=True)
class Reach:
    """The longer way between the centre and every unit of its zone is at most the level's `max_minutes`."""

    level: str


@dataclass(frozen=True)
class Diameter:
    """Any two units of a zone with demand are at most the level's `max_minutes_between` apart, the longer way."""

    level: str


@dataclass(frozen=True)
class MaxMiles:
    """No unit's point is farther than the level's `max_miles` from the centre's, in a straight line."""

    level: str


@dataclass(frozen=True)
class ZoneCount:
    """The number of zones of the level lies in its range."""

    level: str


@dataclass(frozen=True)
class HoursShare:
    """The level's share of all hours lies in its range."""

    level: str


@dataclass(frozen=True)
class Character:
    """At least a stated share of a zone's hours lies in units of a stated class."""

    level: str


@dataclass(frozen=True)
class Contiguous:
    """The zone's units are connected in the contiguity graph, at levels that do not opt out."""


@dataclass(frozen=True)
class Together:
    """The units are in one zone."""

    units: tuple[Any, ...]

    def __init__(self, units: Iterable[Any], *more: Any) -> None:
        several = (units, *more) if more or isinstance(units, str) else tuple(units)
        object.__setattr__(self, "units", tuple(several))
        if len(self.units) < 2:
            raise ScenarioError(f"together needs two units or more, not {list(self.units)}")


@dataclass(frozen=True)
class Apart:
    """The two units are in different zones."""

    a: Any
    b: Any

    def __post_init__(self) -> None:
        if self.a == self.b:
            raise ScenarioError(f"apart names {self.a} twice; a unit cannot be apart from itself")


@dataclass(frozen=True)
class CentreAt:
    """The unit is a centre."""

    unit: Any


@dataclass(frozen=True)
class Fixed:
    """The unit is in the zone that has this id in the baseline, or else in the start plan."""

    unit: Any
    zone: str


@dataclass(frozen=True)
class Frozen:
    """The zone of the baseline, or else of the start plan, keeps just its units."""

    zone: str


@dataclass(frozen=True, eq=False)
class NestIn:
    """No zone crosses the border set: all units of a zone have the same code in `border`.

    `border` is a Series or mapping of unit to code, or the name of a column of the units; `joint` are groups of
    codes that count as one.
    """

    border: Mapping[Any, Any] | Any
    name: str = "border"
    joint: tuple[tuple[Any, ...], ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.border, str) and self.name == "border":
            object.__setattr__(self, "name", self.border)


Rule = (
    Volume | Reach | Diameter | MaxMiles | ZoneCount | HoursShare | Character | Contiguous | Together | Apart
    | CentreAt | Fixed | Frozen | NestIn
)  # fmt: skip


def implied(level: Level) -> list[Rule]:
    """Return the rules that a level states by itself, in the order in which they are reported."""
    rules: list[Rule] = [Volume(level.name), Reach(level.name)]
    if level.max_minutes_between is not None:
        rules.append(Diameter(level.name))
    if level.max_miles is not None:
        rules.append(MaxMiles(level.name))
    rules.append(ZoneCount(level.name))
    if level.hours_share is not None:
        rules.append(HoursShare(level.name))
    if level.character is not None:
        rules.append(Character(level.name))
    return rules
