"""Ramp-up: how hours in a lot grow from new customers, month by month, with a band from random draws.

Packages end at random, a share of them every month; new ones begin at random, just so many that the expected
number follows growth (the immigration-death process). A provider of a new lot begins with the packages that
are transferred, none if existing customers stay, and gets the new ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zonedesign.lots.terms import Terms

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

MONTHS = 12
LOW, HIGH = 0.05, 0.95
"""Bands hold nine cases in ten."""
AT_ONCE = 2_000_000
"""Packages that are drawn at once, so that memory stays bounded."""


def stays(terms: Terms) -> float:
    """Return the share of packages that still run a month later."""
    return float((1.0 - terms.turnover) ** (1.0 / MONTHS))


def demand(today: float, terms: Terms, months: int) -> Floats:
    """Return what demand of `today` is at the end of each month (months + 1,), today first."""
    return np.asarray(today * (1.0 + terms.growth_a_year) ** (np.arange(months + 1) / MONTHS))


def arrivals(today: float, terms: Terms, months: int) -> Floats:
    """Return how many new packages begin in each month (months,), on average."""
    course = demand(today, terms, months)
    return np.asarray(np.maximum(0.0, course[1:] - stays(terms) * course[:-1]))


def expected(today: float, moved: float, terms: Terms, months: int) -> Floats:
    """Return what the lot's new providers hold at the end of each month (months + 1,), on average.

    `today` is what the lot has now, `moved` the part of it that is transferred at once.
    """
    kept = stays(terms) ** np.arange(months + 1)
    held = np.zeros(months + 1)
    for month, new in enumerate(arrivals(today, terms, months), start=1):
        held[month] = held[month - 1] * stays(terms) + new
    return np.asarray(moved * kept + held)


@dataclass(frozen=True, eq=False)
class Lot:
    """What a lot fills from: customers today, hours of packages to draw from, and of those moved."""

    lot: str
    customers: float
    packages: Floats
    transferred: Floats
    weekly_hours: float

    @property
    def mean(self) -> float:
        """Hours of a package."""
        return float(self.packages.mean()) if len(self.packages) else 0.0


def drawn(lot: Lot, terms: Terms, draws: int, dice: np.random.Generator) -> tuple[Floats, Ints]:
    """Return hours and customers that the lot's providers hold (draws, months + 1)."""
    months = terms.months
    new = arrivals(lot.customers, terms, months) if len(lot.packages) else np.zeros(months)
    block = max(1, min(draws, int(AT_ONCE / max(1.0, new.sum() + len(lot.transferred)))))
    parts = [_block(lot, terms, new, min(block, draws - first), dice) for first in range(0, draws, block)]
    return np.concatenate([each[0] for each in parts]), np.concatenate([each[1] for each in parts])


def _block(lot: Lot, terms: Terms, new: Floats, draws: int, dice: np.random.Generator) -> tuple[Floats, Ints]:
    months = len(new)
    width = months + 2  # one cell more, for what ends beyond the last month
    come = dice.poisson(new, (draws, months))
    begin = np.repeat(np.tile(np.arange(1, months + 1), draws), come.ravel())
    row = np.repeat(np.arange(draws), come.sum(axis=1))
    worth = lot.packages[dice.integers(0, max(1, len(lot.packages)), len(row))] if len(row) else np.zeros(0)
    many = len(lot.transferred)
    begin = np.concatenate([begin, np.zeros(draws * many, dtype=np.int64)])
    row = np.concatenate([row, np.repeat(np.arange(draws), many)])
    worth = np.concatenate([worth, np.tile(lot.transferred, draws)])
    leave = 1.0 - stays(terms)
    runs = dice.geometric(leave, len(row)) if leave > 0 else np.full(len(row), width, dtype=np.int64)
    end = np.minimum(begin + runs, width - 1)
    cells = draws * width
    hours = np.bincount(row * width + begin, worth, cells) - np.bincount(row * width + end, worth, cells)
    people = np.bincount(row * width + begin, minlength=cells) - np.bincount(
        row * width + end, minlength=cells
    )
    shape = (draws, width)
    return (
        np.cumsum(hours.reshape(shape), axis=1)[:, :-1],
        np.cumsum(people.reshape(shape), axis=1)[:, :-1].astype(np.int64),
    )


def ramp_up(lots: Sequence[Lot], terms: Terms, *, draws: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return hours by month and lot, and the month in which each lot reaches the start and established bands.

    Every lot draws from a stream of its own, so that its draws do not depend on the others.
    """
    by_month, reached = [], []
    for place, lot in enumerate(lots):
        hours, _ = drawn(lot, terms, draws, np.random.default_rng([seed, place]))
        hours = np.maximum(hours, 0.0)  # sums that should be 0 may be a hair below
        low, high = np.quantile(hours, [LOW, HIGH], axis=0)
        share = float(lot.transferred.sum()) if len(lot.transferred) else 0.0
        means = expected(lot.customers, 0.0, terms, terms.months) * lot.mean
        means = means + share * stays(terms) ** np.arange(terms.months + 1)
        by_month.append(
            pd.DataFrame(
                {
                    "lot": lot.lot,
                    "month": np.arange(terms.months + 1),
                    "expected_hours": means,
                    "low_hours": low,
                    "high_hours": high,
                }
            )
        )
        view = terms.viability
        start = _reached("start", hours, means, view.start_hours[0])
        established = _reached("established", hours, means, view.established_hours[0])
        reached.append({"lot": lot.lot, **start, **established})
    return pd.concat(by_month, ignore_index=True), pd.DataFrame(reached)


def _reached(what: str, hours: Floats, means: Floats, least: float) -> dict[str, float]:
    """Return the month in which hours are first enough: expected and in the draws, and their share."""
    enough = hours >= least - 1e-9
    ever = enough.any(axis=1)
    month = np.where(ever, enough.argmax(axis=1), np.inf)
    # A quantile of months is one of them; infinite ones, never within the horizon, are not known.
    low, high = (float(np.quantile(month, q, method="higher")) for q in (LOW, HIGH))
    on_average = np.flatnonzero(means >= least - 1e-9)
    return {
        f"{what}_month": float(on_average[0]) if len(on_average) else np.nan,
        f"{what}_month_low": low if np.isfinite(low) else np.nan,
        f"{what}_month_high": high if np.isfinite(high) else np.nan,
        f"{what}_chance": float(ever.mean()),
    }
