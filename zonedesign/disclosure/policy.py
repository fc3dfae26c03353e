"""The policy: what counts as disclosure, and how wide a reader's doubt must stay."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zonedesign.errors import ScenarioError, counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

HOURS_A_CUSTOMER = 12.0
"""Weekly hours that stand for one customer where none are counted (West Sussex 2019: 23,572 / 1,907)."""

LEAST_HIDDEN = 3
"""Hidden zones behind any sum that is printed: with two, whoever knows one could work out the other."""

FIGURES = ("customers", "weekly_hours")


@dataclass(frozen=True)
class Dominance:
    """The (n, k) rule: `customers` of a zone (n) may hold no more than the share `share` (k) of its hours."""

    customers: int = 1
    share: float = 0.5

    def __post_init__(self) -> None:
        if self.customers < 1 or not 0 < self.share < 1:
            raise ScenarioError(
                f"dominance is ({self.customers}, {self.share:g}); it is a number of customers, 1 or more, "
                "and a share between 0 and 1"
            )

    def needs(self, packages: Floats) -> float:
        """Return the hours that a total must reach to hide these customers' hours, largest first."""
        return float(packages[: self.customers].sum()) / self.share

    @property
    def reason(self) -> str:
        """Why hours are hidden, as part of a sentence."""
        who = "one customer has" if self.customers == 1 else f"{counted(self.customers, 'customer')} have"
        return f"{who} more than {self.share:.0%} of the hours"

    def __str__(self) -> str:
        return f"(n, k) rule: figures are hidden where {self.reason}"


@dataclass(frozen=True)
class PPercent:
    """The p % rule: the second largest customer may not be able to tell the largest within the share `p`.

    A total is sensitive where what is left of it without the two largest is less than `p` of the largest.
    """

    p: float = 0.1

    def __post_init__(self) -> None:
        if not self.p > 0:
            raise ScenarioError(f"p is {self.p:g}; it is a share above 0, such as 0.1 for 10 %")

    def needs(self, packages: Floats) -> float:
        """Return the hours that a total must reach to hide these customers' hours, largest first."""
        first = float(packages[0]) if len(packages) else 0.0
        second = float(packages[1]) if len(packages) > 1 else 0.0
        return first * (1 + self.p) + second

    @property
    def reason(self) -> str:
        """Why hours are hidden, as part of a sentence."""
        return f"one customer's hours could be told within {self.p:.0%} by another"

    def __str__(self) -> str:
        return f"p % rule: figures are hidden where {self.reason}"


@dataclass(frozen=True)
class Rounding:
    """Figures to a multiple of `base` customers and `hours_base` hours (12 for each of `base`, unless said).

    Controlled: every figure goes to one of the two multiples beside it, by chance, so that zones add up to
    their totals. Otherwise each goes to the nearest by itself, and totals do not add up. `seed` draws the
    chance: whoever has it could undo the rounding, so it is not for publication.
    """

    base: int = 5
    hours_base: float | None = None
    controlled: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.base < 2 or (self.hours_base is not None and not self.hours_base > 0):
            raise ScenarioError(f"rounding to base {self.base}: a base is a whole number, 2 or more")

    def base_of(self, figure: str) -> float:
        """Return the base of a figure."""
        if figure == "customers":
            return float(self.base)
        return HOURS_A_CUSTOMER * self.base if self.hours_base is None else float(self.hours_base)

    def __str__(self) -> str:
        how = (
            "up or down by chance so that zones add up to totals"
            if self.controlled
            else "each to the nearest, so that zones need not add up to totals"
        )
        return (
            f"customers are rounded to multiples of {self.base}, hours to multiples of "
            f"{self.base_of('weekly_hours'):g}, {how}"
        )


@dataclass(frozen=True)
class Policy:
    """What is asked of a publication.

    `below` is the threshold: figures of 1 to `below` - 1 customers are hidden, and nobody may be able to
    tell that a figure is one of these. `dominance` guards hours where customers' packages are given.
    `rounding` takes the place of hiding. Raises `ScenarioError` for a negative threshold.
    """

    below: int = 5
    dominance: Dominance | PPercent | None = Dominance()
    rounding: Rounding | None = None

    def __post_init__(self) -> None:
        if self.below < 0:
            raise ScenarioError(
                f"suppress_below is {self.below}; it is a number of customers that is not negative"
            )

    @classmethod
    def stated(cls, publish: Mapping[str, Any], hours: pd.Series[float]) -> Policy:
        """Return the policy that a scenario's `[publish]` states; `hours` of units, which nobody else has.

        They seed the chance of rounding, so that the same data are always rounded alike.
        """
        below = int(publish.get("suppress_below") or 5)
        base, hours_base = publish.get("round_to"), publish.get("round_hours_to")
        if base is None:
            return cls(below=below)
        seed = int.from_bytes(hashlib.sha256(hours.to_numpy("<f8").tobytes()).digest()[:8], "little")
        return cls(below=below, rounding=Rounding(int(base), hours_base, seed=seed))

    def width(self, figure: str) -> float:
        """Return the protection interval: how wide the range must be that a reader can narrow a figure to."""
        return max(0, self.below - 1) * (HOURS_A_CUSTOMER if figure == "weekly_hours" else 1.0)

    def least(self, figure: str) -> float:
        """Return the threshold in units of a figure: customers, or 12 hours for each."""
        return self.below * (HOURS_A_CUSTOMER if figure == "weekly_hours" else 1.0)


def no_end(value: float | None, end: float) -> float:
    """Return `value`, or `end` where it is open."""
    return end if value is None or math.isnan(value) else float(value)
