"""The award: the bids that are best by the stated method under the caps, found by integer programming."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from zonedesign.errors import ScenarioError, SolverError, counted, require_number
from zonedesign.lots.bids import Bid, Bids, bids_of
from zonedesign.lots.method import method_says
from zonedesign.lots.money import WEEKS_A_YEAR
from zonedesign.lots.seats import role_shares, roles_of
from zonedesign.lots.terms import HOURS, AwardRules, Terms
from zonedesign.model.award import Offers

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from zonedesign.lots.run import Lots

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]

MOST_NAMES = 20
"""How many names one step of the last tie rule tells apart; more take further steps."""


@dataclass(frozen=True)
class Option:
    """A bid in one role: it wins all its lots in that role, or none."""

    bid: Bid
    role: str


@dataclass(frozen=True, eq=False)
class Contest:
    """What bids compete for: lots with their hours, seats by lot and role, and what each seat counts.

    `hours` (lots,) a week; `seats[lot][role]` how many; `share[lot][role]` of a lot's hours for one of them;
    `counts` (lots,) what a lot counts, adding up to 1.
    """

    bids: Bids
    lots: tuple[str, ...]
    levels: tuple[str, ...]
    hours: Floats
    seats: Mapping[str, Mapping[str, int]]
    share: Mapping[str, Mapping[str, float]]
    counts: Floats
    terms: Terms

    @cached_property
    def options(self) -> tuple[Option, ...]:
        """Every way in which a bid that can win may win."""
        found = []
        for bid in self.bids.bids:
            if bid.why_not:
                continue
            first = self.seats[bid.lots[0]]
            roles = (
                [bid.role]
                if bid.role
                else [r for r in first if all(r in self.seats[lot] for lot in bid.lots)]
            )
            found += [Option(bid, role) for role in roles]
        return tuple(found)

    @cached_property
    def place(self) -> dict[str, int]:
        """The number of every lot."""
        return {lot: k for k, lot in enumerate(self.lots)}

    def weight(self, lot: str, role: str) -> float:
        """Return what a seat counts: its lot's part, whole for the first role, half for the next."""
        return float(self.counts[self.place[lot]]) / (1 + list(self.seats[lot]).index(role))

    def figure(self, column: str | None) -> Floats:
        """Return the weighted sum of a column of the bids for every option; None counts seats."""
        found = np.zeros(len(self.options))
        for k, option in enumerate(self.options):
            for lot, row in zip(option.bid.lots, option.bid.rows, strict=True):
                value = 1.0 if column is None else self.bids.value(row, column)
                found[k] += self.weight(lot, option.role) * (0.0 if np.isnan(value) else value)
        return found

    @cached_property
    def taken_hours(self) -> Floats:
        """Expected hours a week of every option."""
        return np.array(
            [
                sum(self.share[lot][option.role] * self.hours[self.place[lot]] for lot in option.bid.lots)
                for option in self.options
            ]
        ).reshape(len(self.options))

    def offers(self, *, caps: bool, seconds: float) -> Offers:
        """Return the options with their limits; without `caps`, those that the council sets are left out."""
        offers, terms = Offers(len(self.options), seconds), self.terms
        by_seat: dict[tuple[str, str], list[int]] = {}
        by_place: dict[tuple[str, str], list[int]] = {}
        by_name: dict[str, list[tuple[int, float]]] = {}
        for k, option in enumerate(self.options):
            for name, part in self.bids.names(option.bid.provider).items():
                by_name.setdefault(name, []).append((k, part))
                for lot in option.bid.lots:
                    by_place.setdefault((lot, name), []).append(k)
            for lot in option.bid.lots:
                by_seat.setdefault((lot, option.role), []).append(k)
        for (lot, role), mine in by_seat.items():
            offers.limit(mine, 1.0, most=self.seats[lot][role])
        for mine in by_place.values():
            offers.limit(mine, 1.0, most=1.0)
        total = float(self.hours.sum())
        for provider, counting in by_name.items():
            mine = [k for k, _ in counting]
            lots = np.array([len(self.options[k].bid.lots) for k in mine], dtype=np.float64)
            hours = self.taken_hours[mine] * np.array([part for _, part in counting])
            # Hours as shares of all keep the rows of one size.
            scale = max(total, 1e-300)
            if provider in self.bids.capacity:
                offers.limit(mine, hours / scale, most=self.bids.capacity[provider] / scale + 1e-9)
            if provider in self.bids.cap:
                offers.limit(mine, lots, most=self.bids.cap[provider])
            if not caps:
                continue
            if terms.cap is not None:
                offers.limit(mine, lots, most=terms.cap)
            for level, cap in terms.cap_by_level.items():
                offers.limit(mine, [self._at_level(k, level) for k in mine], most=cap)
            if terms.cap_hours_share is not None:
                offers.limit(mine, hours / scale, most=terms.cap_hours_share + 1e-9)
        return offers

    def _at_level(self, option: int, level: str) -> float:
        return float(sum(self.levels[self.place[lot]] == level for lot in self.options[option].bid.lots))

    def by_name(self) -> list[Floats]:
        """Return the figures of the last tie rule: names in order, seat by seat; single bids first."""
        names = sorted({option.bid.provider for option in self.options}, key=lambda n: (n.casefold(), n))
        found = []
        for lot in self.lots:
            for role in self.seats[lot]:
                mine = [k for k, o in enumerate(self.options) if o.role == role and lot in o.bid.lots]
                here = sorted({self.options[k].bid.provider for k in mine}, key=names.index)
                for first in range(0, len(here), MOST_NAMES):
                    figure = np.zeros(len(self.options))
                    for k in mine:
                        at = here.index(self.options[k].bid.provider) - first
                        figure[k] = 2.0**-at if 0 <= at < MOST_NAMES else 0.0
                    found.append(figure)
        found.append(np.array([-float(bool(option.bid.combination)) for option in self.options]))
        return found


@dataclass(frozen=True, eq=False)
class Chosen:
    """What the program chose: the options `taken`, and what was found out about them."""

    taken: Bools
    figures: Mapping[str, float]
    without_caps: Mapping[str, float] | None
    tied: bool
    unique: bool
    capped: bool


@dataclass(frozen=True, eq=False, repr=False)
class Award:
    """Who wins what, and why.

    `award` has a row for every seat of every lot, filled or not; `bids` one for every bid and lot with its
    score and what became of it; `providers` what each wins beside its limits. `figures` are the objective's:
    seats filled, score, quality and price, each weighted, and the cost a year; `without_caps` the same where
    the council's caps are left out, None where it sets none. `tied` says whether another award was as good
    before the tie rule, `unique` whether none is after it. `method` is what would have to be published.
    """

    award: pd.DataFrame
    bids: pd.DataFrame
    providers: pd.DataFrame
    figures: Mapping[str, float]
    without_caps: Mapping[str, float] | None
    tied: bool
    unique: bool
    method: tuple[str, ...]
    says: tuple[str, ...]
    capacity: Mapping[str, float] = field(default_factory=dict)

    @property
    def allocation(self) -> pd.DataFrame:
        """Who holds which role in which lot, for `zd.lots`."""
        won = self.award[self.award["provider"] != ""]
        return won[["lot", "role", "provider"]].reset_index(drop=True)

    def __repr__(self) -> str:
        filled = int((self.award["provider"] != "").sum())
        return (
            f"<Award: {filled:,} of {counted(len(self.award), 'seat')}, score {self.figures['score']:,.2f}>"
        )


def award(
    bids: Any, lots: Lots, rules: AwardRules | None = None, *, caps: bool = True, time_limit: float = 60.0
) -> Award:
    """Return the award that is best by the stated method under the caps, proved so.

    First as many seats as possible are filled, then the score is highest, then the tie rules decide. `bids`
    is a frame or a file of `provider`, `lot`, `price` and `quality` (or `score`), and where given `capacity`
    (hours a week), `combination` (rows of one provider and name win together or not at all), `role`, `cap`
    (the most lots that the provider takes) and `members` (of a consortium). Without `caps` the council's own
    are left out. Raises `DataError` for bids that cannot be read, and `NoPlanError` where the best is not
    proved in time.
    """
    from zonedesign.lots.reasons import told  # noqa: PLC0415  (it tells of what is made here)

    require_number("time_limit", time_limit, "seconds above 0", lambda v: v > 0)
    rules = rules or lots.terms.award
    contest = contest_of(bids, lots, rules)
    offers = contest.offers(caps=caps, seconds=time_limit)
    main = [contest.figure(None), contest.figure("score")]
    ties = [_signed(contest, name) for name in rules.ties]
    taken = offers.best(*main, *ties)
    tied = offers.other(taken, *main)
    unique = not tied or not offers.other(taken, *main, *ties)
    if not unique:
        taken = offers.best(*main, *ties, *contest.by_name())
        unique = not offers.other(taken, *main, *ties, *contest.by_name())
    _check(contest, taken, caps=caps)
    without = None
    limited = bool(lots.terms.cap or lots.terms.cap_by_level or lots.terms.cap_hours_share)
    if caps and limited:
        free = contest.offers(caps=False, seconds=time_limit).best(*main, *ties)
        without = figures_of(contest, free)
    found = Chosen(taken, figures_of(contest, taken), without, tied=tied, unique=unique, capped=caps)
    return told(contest, found, method_says(rules, contest.terms, capped=limited and caps), lots)


def _signed(contest: Contest, name: str) -> Floats:
    figure = contest.figure(name)
    return -figure if name == "price" else figure


def contest_of(bids: Any, lots: Lots, rules: AwardRules) -> Contest:
    """Return what bids compete for on the lots of a plan."""
    levels = {level.name: level for level in lots.problem.levels}
    ids, of_level = lots.plan.zone_ids, lots.plan.levels
    seats = {lot: roles_of(levels.get(level)) for lot, level in zip(ids, of_level, strict=True)}
    if not any(seats.values()):
        raise ScenarioError(
            "no level has providers to award; state levels.providers, such as { lead = 1, secondary = 1 }"
        )
    shares = {}
    for lot, level in zip(ids, of_level, strict=True):
        whole = role_shares(levels.get(level), lots.terms)
        shares[lot] = {role: whole.get(role, 0.0) / number for role, number in seats[lot].items()}
    hours = lots.plan.zones["weekly_hours"].to_numpy(np.float64)
    open_lots = np.array([bool(seats[lot]) for lot in ids])
    counted_as = hours * open_lots if rules.count_lots == HOURS else open_lots.astype(np.float64)
    total = float(counted_as.sum())
    counts = counted_as / total if total > 0 else open_lots / max(1, open_lots.sum())
    return Contest(bids_of(bids, seats, rules), ids, of_level, hours, seats, shares, counts, lots.terms)


def figures_of(contest: Contest, taken: Bools) -> dict[str, float]:
    """Return the figures of a choice, added up anew."""
    cost = 0.0
    for k in np.flatnonzero(taken):
        option = contest.options[k]
        for lot, row in zip(option.bid.lots, option.bid.rows, strict=True):
            hours = contest.share[lot][option.role] * contest.hours[contest.place[lot]] * WEEKS_A_YEAR
            cost += float(hours) * contest.bids.value(row, "price")
    whole = {name: float(contest.figure(column) @ taken) for name, column in _FIGURES.items()}
    seats = sum(len(contest.options[k].bid.lots) for k in np.flatnonzero(taken))
    return {"seats": float(seats), **whole, "cost_a_year": cost}


_FIGURES = {"filled": None, "score": "score", "quality": "quality", "price": "price"}


def _check(contest: Contest, taken: Bools, *, caps: bool) -> None:
    """Check a choice by plain counting; `SolverError` where it breaks a limit."""
    seats: dict[tuple[str, str], int] = {}
    held: dict[str, list[str]] = {}
    hours: dict[str, float] = {}
    for k in np.flatnonzero(taken):
        option = contest.options[k]
        for lot in option.bid.lots:
            seats[lot, option.role] = seats.get((lot, option.role), 0) + 1
        for name, part in contest.bids.names(option.bid.provider).items():
            held.setdefault(name, []).extend(option.bid.lots)
            hours[name] = hours.get(name, 0.0) + part * contest.taken_hours[k]
    terms, bad = contest.terms, []
    bad += [f"{lot} {role}" for (lot, role), many in seats.items() if many > contest.seats[lot][role]]
    for provider, lots in held.items():
        bad += [provider] if len(set(lots)) < len(lots) else []
        bad += [provider] if hours[provider] > contest.bids.capacity.get(provider, np.inf) + 1e-3 else []
        bad += [provider] if len(lots) > contest.bids.cap.get(provider, len(lots)) else []
        if caps:
            bad += [provider] if len(lots) > (terms.cap or len(lots)) else []
            for level, cap in terms.cap_by_level.items():
                bad += (
                    [provider]
                    if sum(contest.levels[contest.place[lot]] == level for lot in lots) > cap
                    else []
                )
            most = terms.cap_hours_share
            bad += (
                [provider] if most is not None and hours[provider] > most * contest.hours.sum() + 1e-3 else []
            )
    if bad:
        raise SolverError(f"the award found breaks limits and is not given: {', '.join(dict.fromkeys(bad))}")
