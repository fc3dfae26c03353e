"""Reasons: what became of every bid and every seat, and what the caps cost, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign.errors import counted, listed
from zonedesign.lots.awarding import Award
from zonedesign.lots.money import WEEKS_A_YEAR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from zonedesign.lots.awarding import Chosen, Contest
    from zonedesign.lots.bids import Bid
    from zonedesign.lots.run import Lots

    Bools = NDArray[np.bool_]

AWARD_COLUMNS = (
    "lot", "level", "role", "place", "provider", "bid", "combination", "price", "quality", "score",
    "weekly_hours", "value_a_year", "rate_floor", "under_floor", "why",
)  # fmt: skip
PROVIDER_COLUMNS = ("provider", "bids", "lots", "lot_ids", "weekly_hours", "hours_share", "value_a_year",
                    "capacity", "own_cap", "members")  # fmt: skip
NEAR = 1e-9


def told(contest: Contest, found: Chosen, method: tuple[str, ...], lots: Lots) -> Award:
    """Return the award with its frames and sentences."""
    won = _Won(contest, found.taken, capped=found.capped)
    floors = dict(zip(lots.lots["lot"], lots.lots["rate_floor"], strict=True))
    frame = _award_frame(contest, won, floors)
    return Award(
        frame,
        _bids_frame(contest, won),
        _providers_frame(contest, won),
        found.figures,
        found.without_caps,
        found.tied,
        found.unique,
        method,
        tuple(_says(contest, frame, found)),
        dict(contest.bids.capacity),
    )


class _Won:
    """What was won: by seat the option and row, by provider its lots and hours."""

    def __init__(self, contest: Contest, taken: Bools, *, capped: bool) -> None:
        self.contest, self.capped = contest, capped
        self.taken: list[int] = np.flatnonzero(taken).tolist()
        self.seats: dict[tuple[str, str], list[tuple[int, int]]] = {}
        self.lots: dict[str, list[str]] = {}
        self.held: dict[str, list[str]] = {}
        self.hours: dict[str, float] = {}
        self.roles: dict[str, str] = {}
        for k in self.taken:
            option = contest.options[k]
            self.roles[option.bid.name] = option.role
            self.lots.setdefault(option.bid.provider, []).extend(option.bid.lots)
            for name in contest.bids.names(option.bid.provider):
                self.held.setdefault(name, []).extend(option.bid.lots)
            self.hours[option.bid.provider] = (
                self.hours.get(option.bid.provider, 0.0) + contest.taken_hours[k]
            )
            for lot, row in zip(option.bid.lots, option.bid.rows, strict=True):
                self.seats.setdefault((lot, option.role), []).append((k, row))

    def score(self, row: int) -> float:
        return self.contest.bids.value(row, "score")

    def least(self, lot: str, role: str) -> float:
        """Return the lowest score that wins a role in a lot, minus infinity where a place is free."""
        won = self.seats.get((lot, role), [])
        if len(won) < self.contest.seats[lot][role]:
            return -np.inf
        return min(self.score(row) for _, row in won)

    def holds(self, bid: Bid, lot: str) -> bool:
        """Return whether the provider of a bid, or a member of it, has a place in a lot."""
        return any(lot in self.held.get(name, []) for name in self.contest.bids.names(bid.provider))

    def barred(self, bid: Bid, role: str | None = None) -> str:
        """Return which limit its provider would break by winning this bid beside its other lots, if any.

        Or which one a member would. What it wins in the bid's own lots would make way. Without a role, the
        one with least hours counts.
        """
        for name, part in self.contest.bids.names(bid.provider).items():
            why = self._barred(bid, role, name, part)
            if why:
                return why if name == bid.provider else f"its member {name}: {why}"
        return ""

    def _barred(self, bid: Bid, role: str | None, name: str, part: float) -> str:
        contest, terms = self.contest, self.contest.terms
        parts = {k: contest.bids.names(contest.options[k].bid.provider).get(name, 0.0) for k in self.taken}
        kept = [k for k in self.taken if parts[k] and not set(contest.options[k].bid.lots) & set(bid.lots)]
        mine = [lot for k in kept for lot in contest.options[k].bid.lots]
        more = bid.lots
        said = f"wins {listed(mine, 9)}" if mine else "wins nothing else"
        extra = [
            float(contest.taken_hours[k])
            for k, option in enumerate(contest.options)
            if option.bid is bid and role in (None, option.role)
        ]
        hours = float(sum(parts[k] * contest.taken_hours[k] for k in kept)) + part * min(extra, default=0.0)
        capacity = contest.bids.capacity.get(name)
        if capacity is not None and hours > capacity + 1e-6:
            return f"its capacity of {capacity:,.10g} h is too little for {hours:,.1f} h; it {said}"
        own = contest.bids.cap.get(name)
        if own is not None and len(mine) + len(more) > own:
            return f"the provider takes {counted(own, 'lot')} at most; it {said}"
        if not self.capped:
            return ""
        if terms.cap is not None and len(mine) + len(more) > terms.cap:
            return f"the cap of {counted(terms.cap, 'lot')}; it {said}"
        for level, cap in terms.cap_by_level.items():
            many = sum(contest.levels[contest.place[lot]] == level for lot in [*mine, *more])
            if many > cap:
                return f"the cap of {counted(cap, 'lot')} of level {level}; it {said}"
        most, total = terms.cap_hours_share, float(contest.hours.sum())
        if most is not None and hours > most * total + 1e-6:
            return f"the cap of {most:.1%} of all hours; it {said}"
        return ""


def _award_frame(contest: Contest, won: _Won, floors: Mapping[str, float]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for lot, level in zip(contest.lots, contest.levels, strict=True):
        for role, number in contest.seats[lot].items():
            held = won.seats.get((lot, role), [])
            share = contest.share[lot][role]
            hours = share * float(contest.hours[contest.place[lot]])
            for place in range(number):
                row: dict[str, Any] = dict.fromkeys(AWARD_COLUMNS)
                row |= dict.fromkeys(("provider", "bid", "combination"), "")
                row |= {"lot": lot, "level": level, "role": role, "place": place + 1}
                row |= {"weekly_hours": hours, "rate_floor": floors.get(lot, np.nan)}
                if place < len(held):
                    option, at = held[place]
                    bid, price = contest.options[option].bid, contest.bids.value(at, "price")
                    under = price < floors.get(lot, np.nan) - NEAR
                    row |= {
                        "provider": bid.provider, "bid": bid.name, "combination": bid.combination,
                        "price": price, "quality": contest.bids.value(at, "quality"), "score": won.score(at),
                        "value_a_year": hours * WEEKS_A_YEAR * price, "under_floor": under,
                        "why": _why_won(contest, won, lot, role, at),
                    }  # fmt: skip
                    if under:
                        row["why"] += "; its price is under the rate's floor: ask how it is made up"
                else:
                    row["why"] = _why_empty(contest, won, lot, role)
                rows.append(row)
    frame = pd.DataFrame(rows, columns=list(AWARD_COLUMNS))
    for name in ("price", "quality", "score", "value_a_year", "rate_floor"):
        frame[name] = frame[name].astype(np.float64)
    return frame


def _rivals(contest: Contest, lot: str, role: str) -> list[tuple[int, Bid]]:
    """Return the rows and bids that compete for a role in a lot, best score first."""
    found = [
        (row, option.bid)
        for option in contest.options
        if option.role == role
        for there, row in zip(option.bid.lots, option.bid.rows, strict=True)
        if there == lot
    ]
    return sorted(found, key=lambda each: -contest.bids.value(each[0], "score"))


def _why_won(contest: Contest, won: _Won, lot: str, role: str, at: int) -> str:
    """Return why a bid wins: the best score, or who scores as much and is kept out by what.

    Who holds an earlier role in the lot, or another place of this one, is no rival for it.
    """
    mine, roles = won.score(at), list(contest.seats[lot])
    settled: set[str] = set()
    later: dict[str, str] = {}
    for each in roles:
        for option, _ in won.seats.get((lot, each), []):
            names = contest.bids.names(contest.options[option].bid.provider)
            if roles.index(each) <= roles.index(role):
                settled |= set(names)
            else:
                later |= dict.fromkeys(names, each)
    rivals = [
        (row, bid)
        for row, bid in _rivals(contest, lot, role)
        if not settled & set(contest.bids.names(bid.provider))
    ]
    above = next(((row, bid) for row, bid in rivals if won.score(row) > mine + NEAR), None)
    if above is not None:
        row, bid = above
        told = f"{bid.name} scores {won.score(row):g}, and "
        if bid.provider in later:
            why = won.barred(bid, role) or "otherwise other places would be filled worse"
            return f"{told}is {later[bid.provider]} here: as {role}, {why}"
        return f"{told}is kept out: {_kept_out(won, bid, role)}"
    level = next((bid for row, bid in rivals if abs(won.score(row) - mine) <= NEAR), None)
    if level is not None:
        barred = won.barred(level, role)
        why = f"that is kept out: {barred}" if barred else "the tie rule decides"
        return f"same score as {level.name}; {why}"
    return "best score" if role == roles[0] else "best score of those left"


def _kept_out(won: _Won, bid: Bid, role: str | None = None) -> str:
    """Return what keeps a bid out that scores more than the one that wins."""
    barred = won.barred(bid, role)
    if barred:
        return barred
    if any(won.holds(bid, lot) for lot in bid.lots):
        if not any(lot in won.lots.get(bid.provider, []) for lot in bid.lots):
            return (
                "one of its members, or a consortium of it, has a place there, which is better on the whole"
            )
        return "its provider wins there by another bid, which is better on the whole"
    if bid.combination:
        return "all its lots together score less than the award, or fill fewer places"
    return "with it, other places would be filled worse, or not at all"


def _why_empty(contest: Contest, won: _Won, lot: str, role: str) -> str:
    """Return why nobody wins a place."""
    there = [bid for bid in contest.bids.bids if lot in bid.lots and bid.role in ("", role)]
    if not there:
        return "no bid"
    able = [bid for bid in there if not bid.why_not]
    if not able:
        return f"no bid can win: {there[0].name}: {there[0].why_not}"
    open_ones = [bid for bid in able if not won.holds(bid, lot)]
    if not open_ones:
        return f"all who bid hold another place in the lot: {counted(len(able), 'bid')}"
    return "; ".join(f"{bid.name}: {_kept_out(won, bid, role)}" for bid in open_ones[:3])


def _bids_frame(contest: Contest, won: _Won) -> pd.DataFrame:
    """Return the bids with what became of each."""
    rows = []
    for bid in contest.bids.bids:
        role = won.roles.get(bid.name)
        why = "" if role is not None else _why_lost(contest, won, bid)
        for lot, row in zip(bid.lots, bid.rows, strict=True):
            figures = {name: contest.bids.value(row, name) for name in ("price", "quality", "score")}
            rows.append(
                {"bid": bid.name, "provider": bid.provider, "lot": lot, "combination": bid.combination,
                 **figures, "won": role or "", "why_not": why}
            )  # fmt: skip
    return pd.DataFrame(rows)


def _why_lost(contest: Contest, won: _Won, bid: Bid) -> str:
    if bid.why_not:
        return f"cannot win: {bid.why_not}"
    roles = [option.role for option in contest.options if option.bid is bid]
    if not roles:
        return "cannot win: its lots have no role in common"
    ahead = []
    for lot, row in zip(bid.lots, bid.rows, strict=True):
        mine = won.score(row)
        ahead.append([won.least(lot, role) - mine for role in roles])
    behind = np.array(ahead)  # lots, roles: by how much the last winner is ahead
    if (behind > NEAR).any(axis=0).all() and not bid.combination:
        return "others score more in the lot"
    if (behind > NEAR).any(axis=0).all():
        return "others score more in some of its lots, and it wins all or none"
    barred = won.barred(bid)
    if barred or (behind < -NEAR).any():
        return f"kept out: {barred or _kept_out(won, bid)}"
    return "same score as the winner; the tie rule decides"


def _providers_frame(contest: Contest, won: _Won) -> pd.DataFrame:
    table = contest.bids.table
    total = float(contest.hours.sum())
    rows = []
    for provider in dict.fromkeys(table["provider"]):
        lots = won.lots.get(provider, [])
        hours = won.hours.get(provider, 0.0)
        value = 0.0
        for (lot, role), seats in won.seats.items():
            for option, row in seats:
                if contest.options[option].bid.provider == provider:
                    weekly = contest.share[lot][role] * float(contest.hours[contest.place[lot]])
                    value += weekly * WEEKS_A_YEAR * contest.bids.value(row, "price")
        rows.append(
            {
                "provider": provider,
                "bids": sum(bid.provider == provider for bid in contest.bids.bids),
                "lots": len(lots),
                "lot_ids": ", ".join(sorted(lots, key=contest.place.__getitem__)),
                "weekly_hours": hours,
                "hours_share": hours / total if total > 0 else np.nan,
                "value_a_year": value,
                "capacity": contest.bids.capacity.get(provider, np.nan),
                "own_cap": contest.bids.cap.get(provider, np.nan),
                "members": "; ".join(contest.bids.members.get(provider, ())),
            }
        )
    return pd.DataFrame(rows, columns=list(PROVIDER_COLUMNS))


def _says(contest: Contest, frame: pd.DataFrame, found: Chosen) -> list[str]:
    figures, without = found.figures, found.without_caps
    won = frame["provider"] != ""
    said = [
        (
            f"{int(won.sum()):,} of {counted(len(frame), 'place')} in "
            f"{counted(frame['lot'].nunique(), 'lot')} are "
            f"awarded to {counted(frame.loc[won, 'provider'].nunique(), 'provider')}; score "
            f"{figures['score']:,.4f}, "
            "proved the highest of all awards that fill as many."
        )
    ]
    empty = frame[~won]
    none = empty.loc[empty["why"] == "no bid", "lot"].unique()
    if len(none):
        said.append(f"No bid for a place in {counted(len(none), 'lot')}: {listed(none, 12)}.")
    if len(empty) > int((empty["why"] == "no bid").sum()):
        lots = empty.loc[empty["why"] != "no bid", "lot"].unique()
        said.append(
            f"Places are left empty though there were bids in {counted(len(lots), 'lot')}: "
            f"{listed(lots, 12)}."
        )
    terms = contest.terms
    if not found.capped and (terms.cap or terms.cap_by_level or terms.cap_hours_share):
        said.append("The council's caps are left out, to see what they do: this is no award under its terms.")
    if without is not None:
        said.append(_price_of_caps(figures, without))
    if not found.tied:
        said.append("No other award is as good.")
    elif found.unique:
        said.append(
            "Another award has the same score; the tie rule decides, and after it no other is as good."
        )
    else:
        said.append(
            "Awards remain equal after every tie rule: they give the same places to the same providers by "
            "other bids."
        )
    under = frame.loc[frame["under_floor"].eq(True), "lot"].unique()  # noqa: FBT003
    if len(under):
        said.append(
            f"The winning price is under the rate's floor in {counted(len(under), 'lot')}: "
            f"{listed(under, 12)}; an "
            "abnormally low tender may be disregarded only after the supplier was asked."
        )
    lost = [bid for bid in contest.bids.bids if bid.why_not]
    if lost:
        said.append(
            f"{counted(len(lost), 'bid')} cannot win: {listed((f'{b.name} ({b.why_not})' for b in lost), 5)}."
        )
    return said


def _price_of_caps(figures: Mapping[str, float], without: Mapping[str, float]) -> str:
    """Return what the caps cost: both awards are proved best."""
    score = without["score"] - figures["score"]
    cost = figures["cost_a_year"] - without["cost_a_year"]
    seats = without["seats"] - figures["seats"]
    if abs(score) <= 1e-6 and abs(seats) < 0.5:
        return "The caps cost nothing: the best award without them scores the same."
    said = f"The caps cost {score:,.4f} points of score ({without['score']:,.4f} without them)"
    if cost == cost:  # noqa: PLR0124  (prices may not be known)
        said += f", and GBP {cost:,.0f} a year" if cost >= 0 else f", and save GBP {-cost:,.0f} a year"
    if abs(seats) >= 0.5:
        said += f"; {abs(seats):,.0f} {'more' if seats > 0 else 'fewer'} places would be filled"
    return f"{said}. Both awards are proved best."
