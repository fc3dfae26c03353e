"""The referral cascade: what share of referrals each role takes, and what nobody takes.

The providers of a role are asked one after the other, each accepting with the same chance, whatever the
others answered. So a role of n providers leaves (1 - accepts)^n of what reaches it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign.lots.rampup import AT_ONCE, HIGH, LOW, arrivals
from zonedesign.lots.rates import at_level
from zonedesign.lots.terms import RESERVE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from zonedesign.lots.rampup import Lot
    from zonedesign.lots.terms import Step, Terms

    Floats = NDArray[np.float64]

NOT_SOURCED = "not sourced"
"""What stands in a role's and a provider's place where nobody takes the hours."""
NOBODY = (RESERVE, NOT_SOURCED)
"""Who is no provider: the reserve, and nobody at all."""
COLUMNS = (
    "lot", "level", "steps", "referrals_a_year", "reserve_share", "reserve_share_low", "reserve_share_high",
    "not_sourced_share", "not_sourced_share_low", "not_sourced_share_high", "not_sourced_hours",
    "not_sourced_hours_low", "not_sourced_hours_high", "mean_response_hours",
)  # fmt: skip


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
    lots: Sequence[Lot], levels: Sequence[str], roles: Sequence[Mapping[str, int]], terms: Terms,
    *, draws: int, seed: int,
) -> pd.DataFrame:  # fmt: skip
    """Return a row for every lot: referrals, what reaches the reserve, what is left.

    Shares are exact means; their bands are of a binomial number of that year's referrals, those of hours of
    draws of a Poisson number of the lot's own packages.
    """
    rows: list[dict[str, Any]] = []
    if not terms.cascade:
        return pd.DataFrame(columns=list(COLUMNS))
    for place, (lot, level, of_lot) in enumerate(zip(lots, levels, roles, strict=True)):
        steps = asked(terms.cascade, of_lot, level)
        referrals = float(arrivals(lot.customers, terms, 12).sum())
        reserve = next((each.reaches for each in steps if each.role == RESERVE), 0.0)
        left = max(0.0, 1.0 - sum(each.takes for each in steps))
        number = max(1, round(referrals))
        reserve_band, left_band = (_binomial(number, share) for share in (reserve, left))
        dice = np.random.default_rng([seed, place, 1])
        low, high = np.quantile(_hours_drawn(lot, referrals * left, draws, dice), [LOW, HIGH])
        rows.append(
            {
                "lot": lot.lot,
                "level": level,
                "steps": ", then ".join(each.role for each in steps),
                "referrals_a_year": referrals,
                "reserve_share": reserve,
                "reserve_share_low": reserve_band[0],
                "reserve_share_high": reserve_band[1],
                "not_sourced_share": left,
                "not_sourced_share_low": left_band[0],
                "not_sourced_share_high": left_band[1],
                "not_sourced_hours": referrals * left * lot.mean,
                "not_sourced_hours_low": float(low),
                "not_sourced_hours_high": float(high),
                "mean_response_hours": sum(each.waits for each in steps),
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _hours_drawn(lot: Lot, number: float, draws: int, dice: np.random.Generator) -> Floats:
    """Return hours of a Poisson number of a lot's packages (draws,)."""
    many = dice.poisson(number, draws) if len(lot.packages) else np.zeros(draws, dtype=np.int64)
    found = np.zeros(draws)
    block = max(1, int(AT_ONCE / max(1.0, number)))
    for first in range(0, draws, block):
        part = many[first : first + block]
        worth = dice.choice(lot.packages, int(part.sum())) if part.any() else np.zeros(0)
        whose = np.repeat(np.arange(len(part)), part)
        found[first : first + block] = np.bincount(whose, weights=worth, minlength=len(part))
    return found


def _binomial(number: int, share: float) -> tuple[float, float]:
    from scipy.stats import binom  # noqa: PLC0415

    low, high = binom.ppf([LOW, HIGH], number, np.clip(share, 0.0, 1.0)) / number
    return float(low), float(high)
