"""Lots' tables: the CSVs and the workbook of lots and of an award, and what every column means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zonedesign._plantables import as_csv
from zonedesign.provenance import now
from zonedesign.workbook import Notes, workbook_bytes

if TYPE_CHECKING:
    import pandas as pd

    from zonedesign.lots import Award, Lots

_BAND = "nine in ten cases are between low and high"
_EXPECTED = "what its places may expect of their lots"

MEANINGS: dict[str, dict[str, str]] = {
    "lots": {
        "lot": "the lot: a zone of the plan",
        "name": "its name",
        "level": "its level",
        "structure": "how many providers of each role; behind every lot stands the reserve",
        "units": "units of the lot",
        "customers": "people cared for; empty where not known",
        "weekly_hours": "care hours a week",
        "hours_a_year": "the same in a year of 365 days",
        "guaranteed_hours": "hours a week that are guaranteed, a stated share",
        "spot_hours": "hours a week bought one at a time beside the lots, a stated share",
        "other_hours": "hours a week neither guaranteed nor bought so",
        "workers": "workers needed, whole ones, at the stated hours a week each",
        "council_hours": "hours a week of customers whom the council pays for, or another buyer of the lots; "
        "all, where that is not known",
        "standing": "where council hours alone stand: under the start, can start, established",
        "short_of_established": "hours a week that council hours lack of the established band",
        "branch_hours": "hours a week with what a branch may add from others (private, NHS), as stated",
        "branch_standing": "where these stand",
        "enough_customers": "whether customers are as many as a branch at its stage needs",
        "base_rate": "pounds for an hour, before what adds to it",
        "rural_share": "share of hours paid the rural enhancement",
        "complex_share": "share of hours paid the enhancement for complex care",
        "unsocial_share": "share of hours paid the enhancement for unsocial hours",
        "rate": "pounds for an hour on average, enhancements counted, VAT not",
        "rate_with_vat": "the same with VAT",
        "value_a_year": "forecast: hours a year x rate, in the first year, VAT not counted",
        "value_a_year_with_vat": "the same with VAT",
        "council_value_a_year": "of value_a_year, for the hours that the council pays for",
        "value_term": "forecast over the term, as rates rise and hours grow, VAT not counted",
        "value_term_with_vat": "the same with VAT",
        "value_extension": "forecast of the extension, VAT not counted",
        "value_by_results_a_year": "of the first year's value, paid by results",
        "rate_floor": "pounds an hour costs at the least: the lines of the sheet floor, added up",
        "rate_over_floor": "rate - floor: under 0, the rate does not pay for the hour",
        "wage_floor": "the minimum wage and its stated margin",
        "rate_over_wage_floor": "rate - that",
    },
    "providers": {
        "provider": "the provider; before the award a placeholder, such as lead of 1-01",
        "placeholder": "whether it stands for who wins the place",
        "lots": "lots in which it has a place",
        "lot_ids": "which",
        "roles": "how many places of each role",
        "customers": f"customers, {_EXPECTED}",
        "weekly_hours": f"hours a week, {_EXPECTED}; over all rows they are those of the lots",
        "hours_a_year": "the same in a year",
        "guaranteed_hours": "of these, guaranteed, hours a week",
        "spot_hours": "of these, bought one at a time, hours a week",
        "other_hours": "of these, neither, hours a week",
        "council_hours": "of these, of customers whom the council pays for, hours a week",
        "value_a_year": "forecast value in the first year, VAT not counted",
        "council_value_a_year": "of this, for the hours that the council pays for",
        "value_term": "forecast value over the term, VAT not counted",
        "hours_share": "its hours / all hours",
        "workers": "workers needed over all its lots",
        "standing": "where council hours over all its lots stand",
        "branch_hours": "hours a week with what a branch may add from others",
        "branch_standing": "where these stand",
        "over_cap": "which caps it breaks; empty where none",
    },
    "seats": {
        "lot": "the lot",
        "level": "its level",
        "role": "the role",
        "provider": "who holds it",
        "placeholder": "whether the provider stands for who wins the place",
        "share": "share of the lot's hours that the place may expect",
    },
    "floor": {
        "level": "the level: travel may differ",
        "item": "what an hour of care costs",
        "basis": "what the amount counts on: an hour paid, pay, a contact hour, the cost of all lines above",
        "amount": "the amount: pounds, or a share",
        "pounds": "pounds for an hour of contact; the lines of a level add up to its floor",
        "source": "where the figure is from; assumption where from nowhere",
    },
    "rampup": {
        "lot": "the lot",
        "month": "months since the start",
        "expected_hours": "hours a week that the lot's new providers hold then, of those that the council "
        "pays for: the exact mean",
        "low_hours": f"the same in draws; {_BAND}",
        "high_hours": f"the same in draws; {_BAND}",
    },
    "milestones": {
        "lot": "the lot",
        **{
            f"{what}_{key}": words.format(name)
            for what, name in (("start", "start band"), ("established", "established band"))
            for key, words in (
                (
                    "month",
                    "month in which expected hours first reach the {}; empty: not in the months looked at",
                ),
                ("month_low", "the same in draws: one in twenty is there by then"),
                (
                    "month_high",
                    "the same in draws: nineteen in twenty are; empty: not in the months looked at",
                ),
                ("chance", "share of draws that ever reach the {} in the months looked at"),
            )
        },
    },
    "transition": {
        "lot": "the lot",
        "level": "its level",
        "provider": "who holds packages there today",
        "customers": "how many",
        "weekly_hours": "their hours a week",
        "in_scope": "of these customers, those whose packages are let with the lot",
        "change_customers": "of these, those who change provider: today's has no place in the lot",
        "change_hours": "their hours a week",
        "may_change_customers": "of those in scope, who may change: some place in the lot is not awarded",
        "share_of_lot": "the provider's hours / all hours of the lot",
        "workers": "its hours there in workers, at the stated hours a week each",
        "rounds": "rounds of the provider in the lot: its customers in one zone of the baseline, or one "
        "place",
        "rounds_split": "of these, rounds with customers in other lots too",
    },
    "failure": {
        "provider": "who hands back all it holds",
        "placeholder": "whether it stands for who wins the place",
        "lots": "lots that it holds",
        "lot_ids": "which",
        "customers": "customers in them that are its own",
        "weekly_hours": "hours a week handed back",
        "absorbed_hours": "of these, the most that others in reach could take within caps and headroom",
        "absorbed_by": "one way to do so: who takes how many",
        "takers_in_reach": "providers with a place in the same lot or one beside it",
        "left_hours": "hours a week left for the reserve",
        "left_share": "these / hours handed back",
        "left_lots": "the lots in which they are left",
    },
    "cascade": {
        "lot": "the lot",
        "level": "its level",
        "steps": "who is asked, in this order",
        "referrals_a_year": "new packages expected in the first year",
        "reserve_share": "share of referrals that reaches the reserve, the exact mean",
        "reserve_share_low": f"the same in one year; {_BAND}",
        "reserve_share_high": f"the same in one year; {_BAND}",
        "not_sourced_share": "share of referrals that nobody takes, the exact mean",
        "not_sourced_share_low": f"the same in one year; {_BAND}",
        "not_sourced_share_high": f"the same in one year; {_BAND}",
        "not_sourced_hours": "hours a week of a year's new packages that nobody takes, the exact mean",
        "not_sourced_hours_low": f"the same in one year; {_BAND}",
        "not_sourced_hours_high": f"the same in one year; {_BAND}",
        "mean_response_hours": "hours until somebody accepts, or nobody is left to ask, on average",
    },
}
"""What every column of the frames of lots means, in the order in which columns are written."""

AWARD_MEANINGS: dict[str, dict[str, str]] = {
    "award": {
        "lot": "the lot",
        "level": "its level",
        "role": "the role that the place has",
        "place": "number of the place in its role",
        "provider": "who wins it; empty where nobody does",
        "bid": "by which bid",
        "combination": "the name of the combination, where the bid is of several lots together",
        "price": "its price, pounds for an hour",
        "quality": "its quality",
        "score": "its score, rounded as published",
        "weekly_hours": "hours a week that the place may expect",
        "value_a_year": "hours a year x price",
        "rate_floor": "what an hour costs at the least, pounds",
        "under_floor": "whether the price is under that; empty where not known",
        "why": "why it wins, or why the place stays empty",
    },
    "bids_judged": {
        "bid": "the bid",
        "provider": "whose",
        "lot": "the lot; a combined bid has a row for each of its lots",
        "combination": "the name of the combination",
        "price": "its price",
        "quality": "its quality",
        "score": "its score, rounded as published; empty where it cannot win",
        "won": "the role that it wins; empty where it does not",
        "why_not": "why it does not",
    },
    "winners": {
        "provider": "the bidder",
        "bids": "its bids",
        "lots": "lots that it wins",
        "lot_ids": "which",
        "weekly_hours": "hours a week that it may expect",
        "hours_share": "these / all hours",
        "value_a_year": "hours a year x prices",
        "capacity": "hours a week that it can take, as it says; empty where it does not",
        "own_cap": "the most lots that it takes, as it says; empty where it does not",
        "members": "who stands behind it, where it is a consortium",
    },
}
"""What every column of the frames of an award means."""


def frames_of(found: Lots, won: Award | None = None) -> dict[str, pd.DataFrame]:
    """Return the frames by name as they are written, those of an award last, without unknown columns."""
    frames = {name: _of(getattr(found, name), columns) for name, columns in MEANINGS.items()}
    if won is not None:
        every = {"award": won.award, "bids_judged": won.bids, "winners": won.providers}
        frames |= {name: _of(frame, AWARD_MEANINGS[name]) for name, frame in every.items()}
    return frames


def _of(frame: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    return frame[[name for name in columns if name in frame.columns]].reset_index(drop=True)


def lots_files(found: Lots, won: Award | None = None) -> dict[str, str | bytes]:
    """Return every table as a CSV, all as one workbook, and the method of an award as text."""
    frames = frames_of(found, won)
    files: dict[str, str | bytes] = {}
    for name, frame in frames.items():
        rows = zip(*(frame[column].tolist() for column in frame), strict=True)
        files[f"{name}.csv"] = as_csv(frame.columns, rows)
    about = found.problem.about
    said = [
        "Internal: exact figures, not for publication.",
        f"{about.name}, made {now():%d %B %Y}.",
        *(["Sketch roads: minutes are not by road."] if about.sketch else []),
        *found.says,
        *([] if won is None else [*won.says, *won.method]),
        *found.notes,
        *(f"{what}: {line}" for what, line in about.sources),
        "Empty: not known.",
    ]
    notes = Notes(f"Lots and providers: {about.name}", said, MEANINGS | AWARD_MEANINGS)
    files["lots.xlsx"] = workbook_bytes(frames, notes)
    if won is not None:
        files["method.txt"] = "".join(f"{n}. {line}\n" for n, line in enumerate(won.method, start=1))
    return files


def lots_facts(found: Lots, won: Award | None = None) -> dict[str, Any]:
    """Return what `--json` prints: all frames as rows, the ramp-up aside, with what they say."""
    facts: dict[str, Any] = {"says": list(found.says), "notes": list(found.notes)}
    facts |= {"draws": found.draws, "seed": found.seed}
    for name, frame in frames_of(found, won).items():
        if name != "rampup":
            facts[name] = frame.to_dict("records")
    if won is not None:
        facts["award_figures"] = dict(won.figures)
        facts["award_without_caps"] = None if won.without_caps is None else dict(won.without_caps)
        facts |= {"tied": won.tied, "unique": won.unique}
        facts |= {"method": list(won.method), "award_says": list(won.says)}
    return facts
