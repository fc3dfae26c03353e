"""Lots: what a plan means for who provides, lot by lot and provider by provider, as frames and sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign.errors import DataError, counted, require_number
from zonedesign.lots import sayings
from zonedesign.lots.cascade import NOBODY, cascade_frame
from zonedesign.lots.failure import failure_frame
from zonedesign.lots.money import WEEKS_A_YEAR, ceilings_say, floor_frame, money_frame, money_says
from zonedesign.lots.people import council_share, people_of
from zonedesign.lots.rampup import Lot, ramp_up
from zonedesign.lots.rates import at_level
from zonedesign.lots.seats import Seat, roles_of, seats_frame, seats_of
from zonedesign.lots.terms import RESERVE, Terms
from zonedesign.lots.transition import in_scope, transition_frame, transition_says
from zonedesign.lots.viability import branch_hours, judged, sentences, standing, workers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zonedesign.lots.people import People
    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

    Floats = NDArray[np.float64]

MOST_DRAWS = 100_000


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
    terms.require_roles(role for level in problem.levels for role in roles_of(level))
    people = None
    if customers is not None:
        table, postcodes = customers if isinstance(customers, tuple) else (customers, None)
        people = people_of(plan, problem, table, postcodes, terms.buyers)
    seats = seats_of(plan, problem.levels, terms, getattr(allocation, "allocation", allocation))
    money = money_frame(plan, terms)
    frame = _lots_frame(plan, problem, terms, people, money)
    filling = _filling(plan, people, terms)
    rampup, milestones = ramp_up(filling, terms, draws=draws, seed=seed)
    transition = transition_frame(people, plan, problem, seats, terms)
    levels = {level.name: level for level in problem.levels}
    roles = [roles_of(levels.get(level)) for level in plan.levels]
    cascade = cascade_frame(filling, plan.levels, roles, terms, draws=draws, seed=seed)
    failure = failure_frame(seats, plan, problem, terms, getattr(allocation, "capacity", None))
    providers = _providers_frame(seats, frame, terms)
    says = [
        *sentences(
            plan.levels,
            frame["council_hours"].tolist(),
            frame["branch_hours"].tolist(),
            terms.viability,
            let=[name for name, level in levels.items() if roles_of(level)],
        ),
        *sayings.provider_says(providers, terms),
        *sayings.enough_says(frame, terms),
        *money_says(money, terms),
        *sayings.buyers_say(frame, terms),
        *ceilings_say(money, terms),
        *sayings.ramp_says(milestones, terms),
        *sayings.cascade_says(cascade, terms),
        *sayings.reserve_says(providers, terms),
        *sayings.failure_says(failure),
        *transition_says(transition, people, problem, terms),
    ]
    return Lots(
        plan, problem, terms, frame, providers, seats_frame(seats),
        floor_frame(list(dict.fromkeys(plan.levels)), terms),
        rampup, milestones, transition, failure, cascade,
        tuple(says),
        (*sayings.notes_of(terms, people, frame, draws), *sayings.dealt_says(providers, terms)),
        draws, seed,
    )  # fmt: skip


def _customers(plan: Plan) -> list[float]:
    """Return customers by lot; where they are not counted, hours make packages of 12 h a week."""
    zones = plan.zones
    if plan.of_units.customers is None:
        return [float(hours) / sayings.MEAN_PACKAGE for hours in zones["weekly_hours"]]
    return [float(each) for each in zones["customers"]]


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
    share = council_share(people, len(hours))
    view = judged(frame.assign(council_hours=hours * share), terms.viability, terms.floor)
    return pd.concat([frame, view, money], axis=1).assign(
        council_value_a_year=money["value_a_year"].to_numpy() * share
    )


def _filling(plan: Plan, people: People | None, terms: Terms) -> list[Lot]:
    """Return what each lot fills from: the packages of the lots' buyers, alike where they are not known."""
    scope = in_scope(people, terms)
    count = len(plan.zone_ids)
    hours = plan.zones["weekly_hours"].to_numpy(np.float64) * council_share(people, count)
    customers = np.array(_customers(plan)) * council_share(people, count, of_customers=True)
    found = []
    for k, number in enumerate(customers.tolist()):
        weekly = float(hours[k])
        mean = weekly / number if number > 0 else 0.0
        packages = np.array([mean]) if number > 0 else np.zeros(0)
        moved = (
            np.full(round(number), mean) if people is None and terms.existing == "transfer" else np.zeros(0)
        )
        if people is not None and scope is not None and number > 0:
            mine = people.lot == k
            if people.council is not None:
                mine = mine & people.council
            own = people.hours[mine]
            if len(own) and own.sum() > 0:
                # The plan's hours and customers may have grown since the table was drawn up.
                packages = own * (mean / float(own.mean()))
                moved = people.hours[mine & scope] * (weekly / float(own.sum()))
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
                           "council_hours", "value_a_year", "council_value_a_year", "value_term")
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
