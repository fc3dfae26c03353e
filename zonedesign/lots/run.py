"""Lots: what a plan means for who provides, lot by lot and provider by provider, as frames and sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign.errors import DataError, counted, require_number
from zonedesign.lots.cascade import NOT_SOURCED, cascade_frame
from zonedesign.lots.failure import failure_frame
from zonedesign.lots.money import WEEKS_A_YEAR, floor_frame, money_frame, money_says
from zonedesign.lots.people import council_share, people_of
from zonedesign.lots.rampup import Lot, ramp_up
from zonedesign.lots.rates import at_level
from zonedesign.lots.seats import Seat, roles_of, seats_frame, seats_of
from zonedesign.lots.terms import RESERVE, Terms
from zonedesign.lots.transition import in_scope, transition_frame, transition_says
from zonedesign.lots.viability import ESTABLISHED, UNDER, branch_hours, judged, sentences, standing, workers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zonedesign.lots.people import People
    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

    Floats = NDArray[np.float64]

MOST_DRAWS = 100_000
NOBODY = (RESERVE, NOT_SOURCED)


@dataclass(frozen=True, eq=False, repr=False)
class Lots:
    """What a plan means for procurement, as frames.

    `lots` has a row for every lot: hours, values, floor, workers, viability. `providers` has one for every
    provider over all its lots, placeholders where nothing is awarded, and the reserve; its hours add up to
    those of the lots. `seats` says who holds which role where; `floor` the lines of the rate's floor;
    `rampup` hours by month and lot, `milestones` the months in which bands are reached; `transition` packages
    by lot and provider of today; `failure` what each provider would hand back; `cascade` what referrals reach
    the reserve. `says` are plain sentences made from the figures, `notes` what is assumed.
    """

    plan: Plan
    problem: Problem
    terms: Terms
    lots: pd.DataFrame
    providers: pd.DataFrame
    seats: pd.DataFrame
    floor: pd.DataFrame
    rampup: pd.DataFrame
    milestones: pd.DataFrame
    transition: pd.DataFrame
    failure: pd.DataFrame
    cascade: pd.DataFrame
    says: tuple[str, ...]
    notes: tuple[str, ...]
    draws: int
    seed: int

    def __repr__(self) -> str:
        named = int((~self.providers["placeholder"]).sum())
        hours = float(self.lots["weekly_hours"].sum())
        return (
            f"<Lots: {counted(len(self.lots), 'lot')}, {hours:,.1f} hours/week, "
            f"{counted(named, 'provider')} named>"
        )


def lots(
    plan: Plan,
    problem: Problem,
    terms: Terms | None = None,
    *,
    allocation: Any = None,
    customers: Any = None,
    draws: int = 2000,
    seed: int = 0,
) -> Lots:
    """Return what a plan's lots are worth, whom they keep busy, how they fill, and what happens if one fails.

    `allocation` says who holds which lot: a frame of lot, role and provider, a table lot -> provider or
    lot -> role -> providers, or an `Award`; without it placeholders stand for who wins. `customers` is the
    table of customers (a file, a frame, or a pair of it and the postcodes'), for who pays, who provides today
    and how large packages are; nothing of it is kept but totals. The same seed gives the same draws. Raises
    `DataError` and `ScenarioError` for what does not fit the plan.
    """
    require_number(
        "draws", draws, "a whole number from 100 up", lambda v: 100 <= v <= MOST_DRAWS and v % 1 == 0
    )
    require_number("seed", seed, "a whole number, 0 or more", lambda v: v >= 0 and v % 1 == 0)
    if not plan.of_units.ids.isin(problem.units.ids).all():
        raise DataError("the plan is not on the problem's units; read it with the problem's scenario")
    terms = terms or Terms()
    terms.require_levels([level.name for level in problem.levels])
    people = None
    if customers is not None:
        table, postcodes = customers if isinstance(customers, tuple) else (customers, None)
        people = people_of(plan, problem, table, postcodes)
    seats = seats_of(plan, problem.levels, terms, getattr(allocation, "allocation", allocation))
    money = money_frame(plan, terms)
    frame = _lots_frame(plan, problem, terms, people, money)
    rampup, milestones = ramp_up(_filling(plan, people, terms), terms, draws=draws, seed=seed)
    transition = transition_frame(people, plan, problem, seats, terms)
    levels = {level.name: level for level in problem.levels}
    roles = [roles_of(levels.get(level)) for level in plan.levels]
    heads = list(zip(plan.zone_ids, plan.levels, strict=True))
    cascade = cascade_frame(heads, _customers(plan), frame["weekly_hours"].tolist(), roles, terms)
    failure = failure_frame(seats, plan, problem, terms, getattr(allocation, "capacity", None))
    providers = _providers_frame(seats, frame, terms)
    says = [
        *sentences(
            plan.levels, frame["council_hours"].tolist(), frame["branch_hours"].tolist(), terms.viability
        ),
        *_enough_says(frame, terms),
        *money_says(money, terms),
        *_ramp_says(milestones, terms),
        *_cascade_says(cascade, terms),
        *_failure_says(failure),
        *_provider_says(providers, terms),
        *transition_says(transition, people, problem, terms),
    ]
    return Lots(
        plan, problem, terms, frame, providers, seats_frame(seats),
        floor_frame(list(dict.fromkeys(plan.levels)), terms),
        rampup, milestones, transition, failure, cascade,
        tuple(says), tuple(_notes(terms, people, frame, draws)), draws, seed,
    )  # fmt: skip


def _customers(plan: Plan) -> list[float]:
    """Return customers by lot; where they are not counted, hours make packages of 12 h a week."""
    zones = plan.zones
    if plan.of_units.customers is None:
        return [float(hours) / MEAN_PACKAGE for hours in zones["weekly_hours"]]
    return [float(each) for each in zones["customers"]]


MEAN_PACKAGE = 12.0
"""Hours a week of a package where customers are not counted; some 12.4 in West Sussex's table of 2019."""


def _lots_frame(
    plan: Plan, problem: Problem, terms: Terms, people: People | None, money: pd.DataFrame
) -> pd.DataFrame:
    zones = plan.zones[["zone", "name", "level", "units", "customers", "weekly_hours"]]
    frame = zones.rename(columns={"zone": "lot"})
    levels = {level.name: level for level in problem.levels}
    told = []
    for level in plan.levels:
        roles = roles_of(levels.get(level))
        told.append(", ".join(f"{number} {role}" for role, number in roles.items()) or RESERVE)
    frame.insert(3, "structure", told)
    hours = frame["weekly_hours"].to_numpy(np.float64)
    frame["hours_a_year"] = hours * WEEKS_A_YEAR
    for name, shares in (("guaranteed", terms.guaranteed), ("spot", terms.spot)):
        frame[f"{name}_hours"] = hours * np.array([at_level(shares, level) for level in plan.levels])
    frame["other_hours"] = hours - frame["guaranteed_hours"] - frame["spot_hours"]
    if (frame["other_hours"] < -1e-9).any():
        raise DataError(
            "lots: guaranteed and spot hours are more than a lot has; they are shares of its hours"
        )
    council = hours * council_share(people, len(hours))
    view = judged(frame.assign(council_hours=council), terms.viability, terms.floor)
    return pd.concat([frame, view, money], axis=1)


def _filling(plan: Plan, people: People | None, terms: Terms) -> list[Lot]:
    """Return what each lot fills from; packages are its own, or alike where customers are not known."""
    zones, scope = plan.zones, in_scope(people, terms)
    found = []
    for k, number in enumerate(_customers(plan)):
        weekly = float(zones["weekly_hours"].iloc[k])
        mean = weekly / number if number > 0 else 0.0
        packages = np.array([mean]) if number > 0 else np.zeros(0)
        moved = (
            np.full(round(number), mean) if people is None and terms.existing == "transfer" else np.zeros(0)
        )
        if people is not None and scope is not None and number > 0:
            mine = people.lot == k
            own = people.hours[mine]
            if len(own) and own.sum() > 0:
                # The plan's hours may have grown since the table was drawn up.
                packages = own * (mean / float(own.mean()))
                moved = people.hours[mine & scope] * (mean / float(own.mean()))
        found.append(Lot(plan.zone_ids[k], number, packages, moved, weekly))
    return found


def _providers_frame(seats: Sequence[Seat], frame: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """Return a row for every provider, in the order of their first seat, the reserve and nobody last."""
    by_lot = frame.set_index("lot")
    known = {lot: by_lot.loc[lot] for lot in by_lot.index}
    people = pd.to_numeric(by_lot["customers"], errors="coerce")
    total = float(by_lot["weekly_hours"].sum())
    names = list(dict.fromkeys(seat.provider for seat in seats))
    names = [*(n for n in names if n not in NOBODY), *(n for n in NOBODY if n in names)]
    rows: list[dict[str, Any]] = []
    for name in names:
        mine = [seat for seat in seats if seat.provider == name]
        sums: dict[str, float] = {
            column: float(sum(seat.share * known[seat.lot][column] for seat in mine))
            for column in ("weekly_hours", "hours_a_year", "guaranteed_hours", "spot_hours", "other_hours",
                           "council_hours", "value_a_year", "value_term")
        }  # fmt: skip
        hours, council = sums["weekly_hours"], sums["council_hours"]
        more = branch_hours(hours, council, terms.viability)
        lot_ids = list(dict.fromkeys(seat.lot for seat in mine))
        travel = 0.0
        if terms.floor is not None and hours > 0:
            by_seat = [
                seat.share * known[seat.lot]["weekly_hours"] * at_level(terms.floor.travel_share, seat.level)
                for seat in mine
            ]
            travel = float(sum(by_seat)) / hours
        rows.append(
            {
                "provider": name,
                "placeholder": all(seat.placeholder for seat in mine),
                "lots": len(lot_ids),
                "lot_ids": ", ".join(lot_ids),
                "roles": _roles(mine),
                "customers": float(sum(seat.share * people[seat.lot] for seat in mine)),
                **sums,
                "hours_share": hours / total if total > 0 else np.nan,
                "workers": workers(hours, terms.viability, travel),
                "standing": "" if name in NOBODY else standing(council, terms.viability),
                "branch_hours": more,
                "branch_standing": "" if name in NOBODY else standing(more, terms.viability),
                "over_cap": "" if name in NOBODY else _over_cap(mine, lot_ids, hours, total, terms),
            }
        )
    return pd.DataFrame(rows)


def _roles(mine: Sequence[Seat]) -> str:
    """Return how often a provider holds each role, such as '2 lead, 1 secondary'."""
    each = [seat.role for seat in mine]
    return ", ".join(f"{each.count(role)} {role}" for role in dict.fromkeys(each))


def _over_cap(mine: Sequence[Seat], lot_ids: Sequence[str], hours: float, total: float, terms: Terms) -> str:
    """Return which caps a provider breaks, in words, empty where none."""
    said = []
    if terms.cap is not None and len(lot_ids) > terms.cap:
        said.append(f"{len(lot_ids)} lots, cap {terms.cap}")
    for level, cap in terms.cap_by_level.items():
        many = len({seat.lot for seat in mine if seat.level == level})
        if many > cap:
            said.append(f"{many} lots of level {level}, cap {cap}")
    if terms.cap_hours_share is not None and total > 0 and hours > terms.cap_hours_share * total + 1e-6:
        said.append(f"{hours / total:.1%} of hours, cap {terms.cap_hours_share:.1%}")
    return "; ".join(said)


# Sentences.


def _enough_says(frame: pd.DataFrame, terms: Terms) -> list[str]:
    view, said = terms.viability, []
    few = frame.loc[frame["enough_customers"].eq(False), "lot"].tolist()  # noqa: FBT003
    if few:
        said.append(
            f"{len(few):,} of {len(frame):,} lots have fewer customers than a branch at their stage needs "
            f"({view.start_customers:g} to start, {view.established_customers:g} once established)."
        )
    said.append(
        f"Workers needed: {int(frame['workers'].sum()):,} over all lots, at {view.worker_hours:g} h a week "
        "of "
        f"{view.worker_time} time each."
    )
    return said


def _ramp_says(milestones: pd.DataFrame, terms: Terms) -> list[str]:
    said = []
    for what, name in (("start", "the start band"), ("established", "the established band")):
        months = milestones[f"{what}_month"]
        never = int(months.isna().sum())
        there = months.dropna()
        if len(there):
            line = (
                f"{len(there):,} of {len(months):,} lots are expected to reach {name} within {terms.months} "
                f"months, the first in month {int(there.min())}, half of these by month {int(there.median())}"
            )
            said.append(f"{line}{f'; {never:,} are not' if never else ''}.")
        else:
            said.append(f"No lot is expected to reach {name} within {terms.months} months.")
    return said


def _cascade_says(frame: pd.DataFrame, terms: Terms) -> list[str]:
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


def _provider_says(providers: pd.DataFrame, terms: Terms) -> list[str]:
    """Return how many providers have enough for a branch over all their lots."""
    real = providers[~providers["provider"].isin(NOBODY)]
    if real.empty:
        return []
    alone = int((real["standing"] == ESTABLISHED).sum())
    more = int((real["branch_standing"] == ESTABLISHED).sum())
    under = int((real["standing"] == UNDER).sum())
    line = f"Over all its lots {alone:,} of {counted(len(real), 'provider')} may expect the hours of an"
    line += " established branch from the council alone"
    line += f", {more:,} with what a branch may add" if terms.viability.branch else ""
    return [f"{line}; {under:,} are under the start band."]


def _failure_says(frame: pd.DataFrame) -> list[str]:
    if frame.empty:
        return []
    worst = frame.iloc[int(frame["left_hours"].to_numpy().argmax())]
    return [
        (
            f"If {worst['provider']} hands back {worst['weekly_hours']:,.0f} h a week in "
            f"{counted(int(worst['lots']), 'lot')}, providers in reach could take "
            f"{worst['absorbed_hours']:,.0f} h, and "
            f"{worst['left_hours']:,.0f} h are left to the reserve: no other failure leaves more."
        )
    ]


def _notes(terms: Terms, people: People | None, frame: pd.DataFrame, draws: int) -> list[str]:
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
    if people is not None:
        said += people.notes
        paid = float(frame["council_hours"].sum() / max(frame["weekly_hours"].sum(), 1e-9))
        if people.council is not None and paid < 1 - 1e-9:
            said.append(
                f"{1 - paid:.1%} of hours are of customers whom the council does not pay for: viability by "
                "council "
                "hours alone leaves them out, values count them."
            )
    return said
