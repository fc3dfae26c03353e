"""Levels: a volume band, a travel limit, how many zones, and who provides."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, field
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
        values = (self.values,) if isinstance(self.values, str) else tuple(self.values)
        object.__setattr__(self, "values", values)
        if not values:
            raise ScenarioError(f"character of column '{self.column}' needs at least one value")
        if not 0 <= self.at_least <= 1:
            raise ScenarioError(f"character's at_least is {self.at_least}; it is a share between 0 and 1")


@dataclass(frozen=True)
class Level:
    """One level of zones; everything but the name is optional, and what is not stated is not limited.

    `weekly_hours` and `customers` are (min, max) for each zone; `max_minutes` bounds the longer way between
    the centre and any unit; `max_minutes_between` any two units with demand; `max_miles` the straight line
    from the centre; `zones` is a number or (min, max); `hours_share` is (min, max) of all hours, 0 to 1.
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
        object.__setattr__(self, "name", str(self.name))
        for what in ("weekly_hours", "customers", "hours_share"):
            object.__setattr__(self, what, self._band(what, getattr(self, what)))
        zones = self.zones
        if isinstance(zones, int):
            zones = (zones, zones)
        object.__setattr__(self, "zones", self._band("zones", zones))
        if self.hours_share is not None and max(v for v in self.hours_share if v is not None) > 1:
            raise ScenarioError(f"level {self.name}: hours_share is {self.hours_share}; it is a share between 0 and 1")
        for what in ("max_minutes", "max_minutes_between", "max_miles"):
            value = getattr(self, what)
            if value is not None and not (value >= 0 and math.isfinite(value)):
                raise ScenarioError(f"level {self.name}: {what} is {value}; it must be a number that is not negative")
        if isinstance(self.character, dict):
            object.__setattr__(self, "character", CharacterShare(**self.character))

    def _band(self, what: str, band: Any) -> Any:
        """Return `band` as a pair, None for open ends, or raise `ScenarioError` saying what is wrong with it."""
        if band is None:
            return None
        try:
            low, high = band
        except (TypeError, ValueError):
            raise ScenarioError(f"level {self.name}: {what} is {band!r}; it must be [min, max]") from None
        low, high = (None if end is None or end in (math.inf, -math.inf) else end for end in (low, high))
        for end in (low, high):
            if end is not None and (isinstance(end, (bool, str)) or not end >= 0):
                raise ScenarioError(f"level {self.name}: {what} is {list(band)}; both ends must be numbers that are not negative")
        if low is None and high is None:
            return None
        if low is not None and high is not None and low > high:
            raise ScenarioError(f"level {self.name}: {what} has min {low} > max {high}; write the smaller number first")
        return (low, high)

    @property
    def zone_range(self) -> tuple[int, int | None]:
        """How many zones of this level there may be: (min, max), max None for any number."""
        if self.zones is None:
            return 0, None
        low, high = self.zones  # type: ignore[misc]  (normalised to a pair when made)
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
