"""Transition: which packages would change provider, counted by lot and by who holds them today.

It lists facts for the question whether staff transfer with the work (TUPE), and does not answer it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign.lots.cascade import NOT_SOURCED
from zonedesign.lots.people import NO_PROVIDER
from zonedesign.lots.terms import RESERVE, SOME, STAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zonedesign.lots.people import People
    from zonedesign.lots.seats import Seat
    from zonedesign.lots.terms import Terms
    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

COLUMNS = (
    "lot", "level", "provider", "customers", "weekly_hours", "in_scope", "change_customers", "change_hours",
    "may_change_customers", "share_of_lot", "workers", "rounds", "rounds_split",
)  # fmt: skip


def in_scope(people: People | None, terms: Terms) -> Bools | None:
    """Return which customers' packages are let with the lots (c,), None where customers are not known.

    A package that another pays for is not the council's to let.
    """
    if people is None:
        return None
    paid = np.ones(len(people.hours), dtype=np.bool_) if people.council is None else people.council
    if terms.existing == STAY or (terms.existing == SOME and people.provider is None):
        return np.zeros(len(people.hours), dtype=np.bool_)
    if terms.existing == SOME and people.provider is not None:
        return np.asarray(paid & np.isin(people.provider.astype(str), terms.not_joining))
    return paid


def transition_frame(
    people: People | None, plan: Plan, problem: Problem, seats: Sequence[Seat], terms: Terms
) -> pd.DataFrame:
    """Return a row for every lot and provider of today: what it holds there, and what would change hands.

    A package in scope changes provider where its provider wins no place in the lot; where some place is not
    awarded yet, it may change. A round is taken as the customers of one provider in one zone of the baseline,
    or in one named place where there is no baseline; it is split where they lie in several lots.
    """
    if people is None or people.provider is None:
        return pd.DataFrame(columns=list(COLUMNS))
    scope = in_scope(people, terms)
    assert scope is not None  # noqa: S101
    winners = [
        {seat.provider for seat in seats if seat.lot == lot and not seat.placeholder} for lot in plan.zone_ids
    ]
    open_lots = {seat.lot for seat in seats if seat.placeholder and seat.role not in (RESERVE, NOT_SOURCED)}
    names, who = np.unique(people.provider.astype(str), return_inverse=True)
    rounds = _rounds(people, plan, problem, who)
    split = _split(rounds, people.lot)
    totals = np.bincount(people.lot, weights=people.hours, minlength=len(plan.zone_ids))
    rows: list[dict[str, Any]] = []
    for k, (lot, level) in enumerate(zip(plan.zone_ids, plan.levels, strict=True)):
        for p in np.unique(who[people.lot == k]):
            mine = (people.lot == k) & (who == p)
            hours = people.hours[mine]
            moving = mine & scope
            keeps = names[p] in winners[k]
            known = not keeps and lot not in open_lots
            rows.append(
                {
                    "lot": lot,
                    "level": level,
                    "provider": names[p],
                    "customers": int(mine.sum()),
                    "weekly_hours": float(hours.sum()),
                    "in_scope": int(moving.sum()),
                    "change_customers": int(moving.sum()) if known else 0,
                    "change_hours": float(people.hours[moving].sum()) if known else 0.0,
                    "may_change_customers": 0 if keeps or known else int(moving.sum()),
                    "share_of_lot": float(hours.sum() / totals[k]) if totals[k] > 0 else np.nan,
                    "workers": float(hours.sum() / terms.viability.worker_hours),
                    "rounds": np.nan if rounds is None else float(len(np.unique(rounds[mine]))),
                    "rounds_split": np.nan if split is None or rounds is None
                    else float(np.isin(np.unique(rounds[mine]), split).sum()),
                }
            )  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rounds(people: People, plan: Plan, problem: Problem, who: Ints) -> Ints | None:
    """Return the round of every customer (c,), None where there is nothing to tell rounds by."""
    at = problem.units.ids.get_indexer(plan.of_units.ids)[people.unit]
    if problem.baseline_zones is not None:
        place = problem.baseline_zones[0][at]
    elif plan.of_units.name_column is not None:
        named = plan.of_units.frame[plan.of_units.name_column].astype(str)
        place = np.asarray(pd.factorize(named)[0], dtype=np.int64)[people.unit]
    else:
        return None
    return np.asarray(who * (int(place.max(initial=0)) + 1) + place, dtype=np.int64)


def _split(rounds: Ints | None, lot: Ints) -> Ints | None:
    """Return the rounds whose customers lie in several lots."""
    if rounds is None:
        return None
    pairs = np.unique(np.column_stack([rounds, lot]), axis=0)
    which, times = np.unique(pairs[:, 0], return_counts=True)
    return np.asarray(which[times > 1], dtype=np.int64)


def transition_says(frame: pd.DataFrame, people: People | None, problem: Problem, terms: Terms) -> list[str]:
    """Return the facts for the TUPE question, as sentences, and what they leave open."""
    if people is None:
        return ["Who holds packages today is not known: no table of customers is given."]
    if people.provider is None:
        return ["Who holds packages today is not known: the customers' table has no column provider."]
    named = people.provider.astype(str)
    holders = sorted(set(named) - {NO_PROVIDER})
    scope = in_scope(people, terms)
    assert scope is not None  # noqa: S101
    way = {
        STAY: "stay where they are",
        SOME: f"of {len(terms.not_joining):,} providers are let with the lots",
    }
    kind = "zone of the baseline" if problem.baseline_zones is not None else "place"
    said = [
        (
            f"{len(holders):,} providers hold {len(named):,} packages today; existing packages "
            f"{way.get(terms.existing, 'are all let with the lots')}: {int(scope.sum()):,} in scope."
        ),
    ]
    strange = [name for name in terms.not_joining if name not in holders]
    if strange:
        said.append(f"Named as not joining, and holding no package: {', '.join(strange)}.")
    sure, may = int(frame["change_customers"].sum()), int(frame["may_change_customers"].sum())
    if scope.any():
        said.append(
            f"{sure:,} customers would change provider, and {may:,} more may, until all lots are awarded."
        )
    if not frame["rounds"].isna().any():
        cut = frame.loc[frame["rounds_split"] > 0, "provider"].nunique()
        said.append(
            f"A provider's customers in one {kind} are taken as a round: {cut:,} of {len(holders):,} "
            "providers "
            "have a round that lies in several lots."
        )
    said.append(
        "Whether staff transfer with the work (TUPE) depends on facts that are not here, such as who is "
        "assigned "
        "to what; this lists facts and does not answer it."
    )
    return said
