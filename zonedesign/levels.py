"""Levels: a volume band, a travel limit, how many zones, and who provides."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, field
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from zonedesign.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Mapping

SLACK = 1e-6
"""Bands are inclusive at both ends, compared with this absolute slack."""

Band = tuple[float | None, float | None]
"""(min, max), inclusive; None is open."""


@dataclass(frozen=True)
class CharacterShare:
    """At least the share `at_least` of a zone's hours lies in units whose `column` is one of `values`."""

    column: str
    values: tuple[Any, ...]
    at_least: float

    def __post_init__(self) -> None:
        given: Any = self.values  # one text is one value, not its letters
        object.__setattr__(self, "values", (given,) if isinstance(given, str) else tuple(given))
        if not self.values:
            raise ScenarioError(f"character of column '{self.column}' needs at least one value")
        if not _is_number(self.at_least) or not 0 <= self.at_least <= 1:
            raise ScenarioError(f"character's at_least is {self.at_least!r}; it is a share between 0 and 1")


@dataclass(frozen=True)
class Level:
    """One level of zones; everything but the name is optional, and what is not stated is not limited.

    `weekly_hours` and `customers` are (min, max) for each zone; `max_minutes` bounds the longer way between
    the centre and any unit; `max_minutes_between` any two units with demand; `max_miles` the straight line
    from the centre; `zones` is a number or (min, max); `hours_share` is (min, max) of all hours, 0 to 1.
    `providers` is how many of each role a lot of this level has. Raises `ScenarioError` for what cannot be.
    """

    name: str
    _: KW_ONLY
    weekly_hours: Band | None = None
    customers: Band | None = None
    max_minutes: float | None = None
    max_minutes_between: float | None = None
    max_miles: float | None = None
    zones: int | tuple[int | None, int | None] | None = None
    hours_share: Band | None = None
    character: CharacterShare | None = None
    contiguous: bool = True
    providers: Mapping[str, int] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not str(self.name).strip():
            raise ScenarioError("a level needs a name")
        settle = object.__setattr__
        settle(self, "name", str(self.name))
        for what in ("weekly_hours", "customers", "hours_share"):
            settle(self, what, self._band(what, getattr(self, what)))
        settle(self, "zones", self._count(self.zones))
        if self.hours_share is not None and any(end is not None and end > 1 for end in self.hours_share):
            raise ScenarioError(
                f"{self._says('hours_share', self.hours_share)}; it is a share between 0 and 1"
            )
        for what in ("max_minutes", "max_minutes_between", "max_miles"):
            settle(self, what, self._limit(what, getattr(self, what)))
        character: Any = self.character
        if isinstance(character, dict):
            settle(self, "character", CharacterShare(**character))
        settle(self, "providers", dict(self.providers))
        for role, number in self.providers.items():
            if not _is_whole(number) or number < 0:
                raise ScenarioError(f"{self._says(f'providers {role}', number)}; it must be a whole number")

    def _says(self, what: str, value: Any) -> str:
        return f"level {self.name}: {what} is {list(value) if isinstance(value, tuple) else value!r}"

    def _limit(self, what: str, value: Any) -> float | None:
        """Return an upper limit as a number, None where it is open or infinite."""
        if value is None:
            return None
        if not _is_number(value) or not value >= 0:
            raise ScenarioError(f"{self._says(what, value)}; it must be a number that is not negative")
        return None if math.isinf(value) else float(value)

    def _band(self, what: str, band: Any) -> Band | None:
        """Return `band` as a pair, None for open ends; `ScenarioError` says what is wrong with it."""
        if band is None:
            return None
        try:
            low, high = band
        except (TypeError, ValueError):
            raise ScenarioError(f"{self._says(what, band)}; it must be [min, max]") from None
        low = None if low is None or (_is_number(low) and low == -math.inf) else low
        high = None if high is None or (_is_number(high) and high == math.inf) else high
        for end in (low, high):
            if end is not None and not (_is_number(end) and 0 <= end < math.inf):
                raise ScenarioError(
                    f"{self._says(what, tuple(band))}; both ends must be numbers that are not negative"
                )
        if low is None and high is None:
            return None
        if low is not None and high is not None and low > high:
            raise ScenarioError(
                f"level {self.name}: {what} has min {low} > max {high}; write the smaller number first"
            )
        return (low, high)

    def _count(self, zones: Any) -> Band | None:
        """Return how many zones as a pair of whole numbers, one number being both ends."""
        band = self._band("zones", (zones, zones) if _is_number(zones) else zones)
        for end in band or ():
            if end is not None and not _is_whole(end):
                raise ScenarioError(f"{self._says('zones', zones)}; zones are counted in whole numbers")
        return band

    @property
    def zone_range(self) -> tuple[int, int | None]:
        """How many zones of this level there may be: (min, max), max None for any number."""
        low, high = self.zones if isinstance(self.zones, tuple) else (self.zones, self.zones)
        return int(low or 0), None if high is None else int(high)


def within(value: float, band: Band | None) -> bool:
    """Return whether `value` lies in `band`, inclusive with the slack; an absent band holds everything."""
    if band is None:
        return True
    low, high = band
    return (low is None or value >= low - SLACK) and (high is None or value <= high + SLACK)


def distance_from(value: float, band: Band | None) -> float:
    """Return how far `value` lies outside `band`, zero inside."""
    if band is None:
        return 0.0
    low, high = band
    return max(0.0, (low - value) if low is not None else 0.0, (value - high) if high is not None else 0.0)


def _is_number(value: Any) -> bool:
    """Return whether `value` is a number, numpy's too, True and False aside."""
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
