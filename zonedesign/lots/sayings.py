"""Sayings: what the figures of lots say, in plain sentences, and what is assumed in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zonedesign.errors import counted
from zonedesign.lots.cascade import NOBODY
from zonedesign.lots.money import WEEKS_A_YEAR
from zonedesign.lots.terms import RESERVE
from zonedesign.lots.viability import ESTABLISHED, UNDER

if TYPE_CHECKING:
    import pandas as pd

    from zonedesign.lots.people import People
    from zonedesign.lots.terms import Terms


MEAN_PACKAGE = 12.0
"""Hours a week of a package where customers are not counted; some 12.4 in West Sussex's table of 2019."""


def enough_says(frame: pd.DataFrame, terms: Terms) -> list[str]:
    """Return where customers are too few, and how many workers are needed."""
    view, said = terms.viability, []
    few = frame.loc[frame["enough_customers"].eq(False), "lot"].tolist()  # noqa: FBT003
    if few:
        some = f"{len(few):,} of {counted(len(frame), 'lot')} {'has' if len(few) == 1 else 'have'}"
        said.append(
            f"{some} fewer customers than a branch at that stage needs "
            f"({view.start_customers:g} to start, {view.established_customers:g} once established)."
        )
    said.append(
        f"Workers needed: {int(frame['workers'].sum()):,} over all lots, at {view.worker_hours:g} h a week "
        "of "
        f"{view.worker_time} time each."
    )
    return said


def buyers_say(frame: pd.DataFrame, terms: Terms) -> list[str]:
    """Return what part of the value is the lots' buyers', where others pay for some hours."""
    value, paid = float(frame["value_a_year"].sum()), float(frame["council_value_a_year"].sum())
    if not value > 0 or value - paid <= 1e-6 * value:
        return []
    who = " and ".join(terms.buyers)
    line = f"Of the first year's value GBP {paid:,.0f} is for hours that are paid for by: {who}. The other "
    line += f"GBP {value - paid:,.0f} is others' to pay, and no part of what the contract costs the council."
    return [line]


def ramp_says(milestones: pd.DataFrame, terms: Terms) -> list[str]:
    """Return how many lots reach each band, and when."""
    said = []
    for what, name in (("start", "the start band"), ("established", "the established band")):
        months = milestones[f"{what}_month"]
        never = int(months.isna().sum())
        there = months.dropna()
        if len(there):
            some = f"{len(there):,} of {counted(len(months), 'lot')} {_is(len(there))}"
            line = (
                f"{some} expected to reach {name} within {terms.months} months, the first in month "
                f"{int(there.min())}, half of these by month {int(there.median())}"
            )
            said.append(f"{line}{f'; {never:,} {_is(never)} not' if never else ''}.")
        else:
            said.append(f"No lot is expected to reach {name} within {terms.months} months.")
    return said


def cascade_says(frame: pd.DataFrame, terms: Terms) -> list[str]:
    """Return what share of referrals reaches the reserve, and what nobody takes."""
    if not terms.cascade:
        return ["No referral cascade is stated, so what reaches the reserve is not known."]
    weight = frame["referrals_a_year"].to_numpy(np.float64)
    if weight.sum() <= 0:
        return ["No referral is expected."]
    reserve, left = (
        float(np.average(frame[name], weights=weight)) for name in ("reserve_share", "not_sourced_share")
    )
    return [
        (
            f"Of {weight.sum():,.0f} referrals expected a year {reserve:.1%} reach the reserve and "
            f"{left:.1%} are taken "
            f"by nobody: {float(frame['not_sourced_hours'].sum()):,.0f} hours a week of a year's new "
            "packages."
        )
    ]


def reserve_says(providers: pd.DataFrame, terms: Terms) -> list[str]:
    """Return the reserve's share of all hours beside its target."""
    if terms.reserve_target is None:
        return []
    share = float(providers.loc[providers["provider"] == RESERVE, "hours_share"].sum())
    side = "over" if share > terms.reserve_target + 1e-9 else "within"
    most = f"{side} its target of {terms.reserve_target:.1%} at most"
    return [f"The reserve may expect {share:.1%} of all hours: {most}."]


def provider_says(providers: pd.DataFrame, terms: Terms) -> list[str]:
    """Return how many providers have enough for a branch over all their lots."""
    real = providers[~providers["provider"].isin(NOBODY)]
    if real.empty:
        return []
    alone = int((real["standing"] == ESTABLISHED).sum())
    more = int((real["branch_standing"] == ESTABLISHED).sum())
    under = int((real["standing"] == UNDER).sum())
    line = (
        f"Over all their lots {_number(alone)} of {counted(len(real), 'provider')} may expect the hours of "
        "an established branch from the council alone"
    )
    line += f", {_number(more)} with what a branch may add" if terms.viability.branch else ""
    return [f"{line}; {_number(under)} {_is(under)} under the start band."]


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _number(number: int) -> str:
    return f"{number:,}" if number else "none"


def failure_says(frame: pd.DataFrame) -> list[str]:
    """Return the failure that leaves most."""
    if frame.empty:
        return []
    worst = frame.iloc[int(frame["left_hours"].to_numpy().argmax())]
    if worst["left_hours"] < 0.5:  # an hour a week or none, as printed
        return ["Whichever provider hands back all that it holds, others in reach could take all of it."]
    return [
        (
            f"If {worst['provider']} hands back {worst['weekly_hours']:,.0f} h a week in "
            f"{counted(int(worst['lots']), 'lot')}, providers in reach could take "
            f"{worst['absorbed_hours']:,.0f} h, and "
            f"{worst['left_hours']:,.0f} h are left to the reserve: no other failure leaves more."
        )
    ]


def notes_of(terms: Terms, people: People | None, frame: pd.DataFrame, draws: int) -> list[str]:
    """Return what is assumed, in words."""
    said = [
        (
            f"A year has {WEEKS_A_YEAR:.2f} weeks. Hours are those of the plan; values leave VAT out unless "
            "they say so."
        ),
        (
            f"Assumed: {terms.turnover:.0%} of packages end within a year, demand changes by "
            f"{terms.growth_a_year:+.1%} "
            f"a year. Bands of the ramp-up hold nine of ten of {draws:,} draws; they know nothing of "
            "whether this holds."
        ),
        (
            f"Assumed: a provider could add {terms.headroom:.0%} of its own hours when another fails, "
            "unless its bid "
            "states a capacity; customers of one lot may go to several."
        ),
    ]
    if terms.cascade:
        said.append(
            "Assumed: each provider accepts a referral with the stated chance, whatever the others answered; "
            "the providers of a role are asked one after the other."
        )
    if terms.floor is not None:
        guesses = [row["item"] for row in terms.floor.rows("") if "assumption" in row["source"].lower()]
        if guesses:
            said.append(f"Assumed in the rate's floor: {', '.join(guesses)}.")
    if frame["customers"].isna().any():
        said.append(
            f"Assumed: packages of {MEAN_PACKAGE:g} hours a week, because customers are not counted. Ramp-up "
            "and referrals rest on it."
        )
    if people is not None:
        said += people.notes
        paid = float(frame["council_hours"].sum() / max(frame["weekly_hours"].sum(), 1e-9))
        if people.council is not None and paid < 1 - 1e-9:
            said.append(
                f"{1 - paid:.1%} of hours are of customers whom the council does not pay for: viability by "
                "council "
                "hours alone, ramp-up and referrals leave them out, hours and values of lots count them."
            )
    return said


def dealt_says(providers: pd.DataFrame, terms: Terms) -> list[str]:
    """Return that placeholders are dealt, where any stands for so many expected providers."""
    waiting = providers["placeholder"] & ~providers["provider"].isin(NOBODY)
    if terms.expected_providers is None or not waiting.any():
        return []
    return [
        (
            f"Assumed: {counted(terms.expected_providers, 'provider')} in all, each in as many lots as the "
            "next; which lots, and whether they lie together, is not known before the award."
        )
    ]
