"""Rules: small values that say what must hold of a plan; verify checks them and model writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zonedesign.errors import ScenarioError, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from zonedesign.levels import Level


@dataclass(frozen=True)
class _OfLevel:
    level: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", str(self.level))


@dataclass(frozen=True)
class Volume(_OfLevel):
    """Hours, and customers where a band is given, of every zone of the level lie within the bands."""


@dataclass(frozen=True)
class Reach(_OfLevel):
    """The longer way between the centre and every unit of its zone is at most the level's `max_minutes`."""


@dataclass(frozen=True)
class Diameter(_OfLevel):
    """Any two units of a zone with demand are at most `max_minutes_between` apart, the longer way."""


@dataclass(frozen=True)
class MaxMiles(_OfLevel):
    """No unit's point is farther than the level's `max_miles` from the centre's, in a straight line."""


@dataclass(frozen=True)
class ZoneCount(_OfLevel):
    """The number of zones of the level lies in its range."""


@dataclass(frozen=True)
class HoursShare(_OfLevel):
    """The level's share of all hours lies in its range."""


@dataclass(frozen=True)
class Character(_OfLevel):
    """At least a stated share of a zone's hours lies in units of a stated class."""


@dataclass(frozen=True)
class Contiguous:
    """The zone's units are connected in the contiguity graph, at levels that do not opt out."""


@dataclass(frozen=True)
class Together:
    """The units are in one zone."""

    units: tuple[Any, ...]

    def __init__(self, units: Iterable[Any], *more: Any) -> None:
        alone = bool(more) or isinstance(units, str) or not hasattr(units, "__iter__")
        several = dict.fromkeys((units, *more) if alone else units)
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
    """The unit's zone also holds the centre of this zone of the baseline, or else of the start plan."""

    unit: Any
    zone: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "zone", str(self.zone))


@dataclass(frozen=True)
class Frozen:
    """The units of this zone of the baseline, or else of the start plan, are just the units of one zone."""

    zone: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "zone", str(self.zone))


@dataclass(frozen=True, eq=False)
class NestIn:
    """No zone crosses the border set: all units of a zone have the same code in `border`.

    `border` is a Series or mapping of unit to code, or the name of a column of the units; `joint` are groups
    of codes that count as one.
    """

    border: Mapping[Any, Any] | Any
    name: str = "border"
    joint: tuple[tuple[Any, ...], ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.border, str) and self.name == "border":
            object.__setattr__(self, "name", self.border)
        object.__setattr__(self, "joint", tuple(tuple(group) for group in self.joint))
        codes = [code for group in self.joint for code in dict.fromkeys(group)]
        twice = [code for code in dict.fromkeys(codes) if codes.count(code) > 1]
        if twice:
            raise ScenarioError(
                f"{self.name}: {listed(twice)} in more than one joint group; write one group of them all"
            )


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
