"""Tolls: what an hour costs besides at each level, so that levels keep to their shares of all hours.

The rule that a level's hours lie between two ends is priced like that of the units (a Lagrange multiplier a
level): zones pay the toll for every hour, and what hours within the share pay at most is given back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zonedesign.solve._totals import amounts_of

if TYPE_CHECKING:
    from typing import Self

    from zonedesign.problem import Problem

Floats = NDArray[np.float64]

PACE = 10.0
"""How far tolls go, as a multiple of how far prices of units go, an hour, where as many hours are wrong."""


class Prices(NamedTuple):
    """What steps begin from: multipliers of the `units` (n,), and the `toll` (levels,; none: empty)."""

    units: Floats
    toll: Floats = np.zeros(0)


@dataclass(frozen=True, eq=False)
class Shares:
    """The least and most hours that each level may have together, `low` and `high` (levels,)."""

    low: Floats
    high: Floats

    @classmethod
    def of(cls, problem: Problem) -> Self | None:
        """Return the shares that levels state; None where there are none, one level, or no hours."""
        stated = any(level.hours_share is not None for level in problem.levels)
        if not stated or len(problem.levels) == 1 or not problem.hours.sum() > 0:
            return None
        return cls(*amounts_of(problem, shares=True)["h"].share_ends())

    def levied(self, toll: Floats) -> Floats:
        """Return a toll that is not in vain: none on hours without a limit, no reward for any unasked."""
        least = np.where(self.low > 0, -np.inf, 0.0)
        return np.clip(toll, least, np.where(np.isfinite(self.high), np.inf, 0.0))

    def dearest(self, toll: Floats, held: Floats) -> Floats:
        """Return the hours (levels,) within shares that pay most, near those `held` where all pay alike."""
        near = np.clip(held, self.low, self.high)
        return np.where(toll > 0, self.high, np.where(toll < 0, self.low, near))


class Tolls:
    """The `toll` (levels,) of a run of steps, and where it goes; without shares it stays at nothing."""

    def __init__(self, shares: Shares | None, hours: Floats, levels: int, toll: Floats | None = None) -> None:
        given = np.zeros(levels) if toll is None or not len(toll) else toll
        self.shares, self.total = shares, float(hours.sum())
        self.toll = np.zeros(levels) if shares is None else shares.levied(given)
        self.direction, self.slope = np.zeros(levels), np.zeros(levels)

    @property
    def income(self) -> float:
        """What hours within their shares pay at most."""
        if self.shares is None:
            return 0.0
        return float((self.toll * self.shares.dearest(self.toll, np.zeros(len(self.toll)))).sum())

    @property
    def size(self) -> float:
        """The size of what all hours pay, which tells what adding it up may lose."""
        return float(np.abs(self.toll).max(initial=0.0)) * self.total

    def back_to(self, toll: Floats) -> None:
        """Begin again from a toll."""
        self.toll, self.direction = toll, np.zeros(len(toll))

    def look(self, held: Floats) -> None:
        """See by what share of all hours the levels (levels,) hold too many, or too few."""
        if self.shares is not None:
            self.slope = (held - self.shares.dearest(self.toll, held)) / self.total

    def turned(self, back: float) -> float:
        """Turn as prices do, by `back` of the last direction, and return what that adds to the length."""
        self.direction = self.slope - back * self.direction
        return PACE * self.total * float((self.direction**2).sum())

    def step(self, length: float) -> None:
        """Take a step."""
        if self.shares is not None:
            self.toll = self.shares.levied(self.toll + length * PACE * self.direction)
