"""The referral cascade: what share of referrals each role takes, and what nobody takes.

The providers of a role are asked one after the other, each accepting with the same chance, whatever the
others answered. So a role of n providers leaves (1 - accepts)^n of what reaches it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign.lots.rampup import arrivals
from zonedesign.lots.rates import at_level
from zonedesign.lots.terms import RESERVE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zonedesign.lots.terms import Step, Terms

NOT_SOURCED = "not sourced"
"""What stands in a role's and a provider's place where nobody takes the hours."""
COLUMNS = (
    "lot", "level", "steps", "referrals_a_year", "reserve_share", "reserve_share_low", "reserve_share_high",
    "not_sourced_share", "not_sourced_share_low", "not_sourced_share_high", "not_sourced_hours",
    "not_sourced_hours_low", "not_sourced_hours_high", "mean_response_hours",
)  # fmt: skip
LOW, HIGH = 0.05, 0.95
"""Bands hold nine cases in ten."""


@dataclass(frozen=True)
class Asked:
    """One role in the cascade of a lot: the share that reaches it and that it takes, and hours of waiting."""

    role: str
    reaches: float
    takes: float
    waits: float


def asked(cascade: Sequence[Step], roles: Mapping[str, int], level: str) -> list[Asked]:
    """Return what each step gets and takes in a lot of a level; roles that the lot lacks are passed over.

    The reserve stands behind every lot, and is asked once. `waits` are hours of response spent in the step,
    over all referrals: the exact mean.
    """
    found, left = [], 1.0
    for step in cascade:
        number = 1 if step.role == RESERVE else roles.get(step.role, 0)
        if not number:
            continue
        accepts = at_level(step.accepts, level)
        none = (1.0 - accepts) ** number
        # Providers are asked until one accepts: a geometric number of them, cut off at n.
        asks = (1.0 - none) / accepts if accepts > 0 else float(number)
        found.append(Asked(step.role, left, left * (1.0 - none), left * asks * step.response_hours))
        left *= none
    return found


def taken_by_role(cascade: Sequence[Step], roles: Mapping[str, int], level: str) -> dict[str, float]:
    """Return the share of hours that each role takes, and what is not sourced; they add up to 1."""
    found = {each.role: each.takes for each in asked(cascade, roles, level)}
    found = {**dict.fromkeys(roles, 0.0), **found}
    found[NOT_SOURCED] = max(0.0, 1.0 - sum(found.values()))
    return found


def cascade_frame(
    lots: Sequence[tuple[str, str]], customers: Sequence[float], hours: Sequence[float],
    roles: Sequence[Mapping[str, int]], terms: Terms,
) -> pd.DataFrame:  # fmt: skip
    """Return a row for every lot (its id and level): referrals, what reaches the reserve, what is left.

    Shares are exact means; their bands are of a binomial number of that year's referrals, those of hours of a
    Poisson number of packages of the lot's mean size.
    """
    from scipy.stats import poisson  # noqa: PLC0415  (it is slow to load, and reading scenarios does without)

    rows: list[dict[str, Any]] = []
    if not terms.cascade:
        return pd.DataFrame(columns=list(COLUMNS))
    for (lot, level), people, weekly, of_lot in zip(lots, customers, hours, roles, strict=True):
        steps = asked(terms.cascade, of_lot, level)
        referrals = float(arrivals(people, terms, 12).sum())
        mean = weekly / people if people > 0 else 0.0
        reserve = next((each.reaches for each in steps if each.role == RESERVE), 0.0)
        left = max(0.0, 1.0 - sum(each.takes for each in steps))
        number = max(1, round(referrals))
        reserve_band, left_band = (_binomial(number, share) for share in (reserve, left))
        low, high = (
            float(poisson.ppf(q, referrals * left)) if referrals * left > 0 else 0.0 for q in (LOW, HIGH)
        )
        rows.append(
            {
                "lot": lot,
                "level": level,
                "steps": ", then ".join(each.role for each in steps),
                "referrals_a_year": referrals,
                "reserve_share": reserve,
                "reserve_share_low": reserve_band[0],
                "reserve_share_high": reserve_band[1],
                "not_sourced_share": left,
                "not_sourced_share_low": left_band[0],
                "not_sourced_share_high": left_band[1],
                "not_sourced_hours": referrals * left * mean,
                "not_sourced_hours_low": low * mean,
                "not_sourced_hours_high": high * mean,
                "mean_response_hours": sum(each.waits for each in steps),
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _binomial(number: int, share: float) -> tuple[float, float]:
    from scipy.stats import binom  # noqa: PLC0415

    low, high = binom.ppf([LOW, HIGH], number, np.clip(share, 0.0, 1.0)) / number
    return float(low), float(high)
