"""Seats: who holds which role in which lot, and what share of its hours each may expect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from zonedesign.errors import DataError, ScenarioError, counted, listed, nearest_name, require_columns
from zonedesign.lots.cascade import NOT_SOURCED, taken_by_role
from zonedesign.lots.terms import RESERVE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zonedesign.levels import Level
    from zonedesign.lots.terms import Terms
    from zonedesign.plan import Plan

COLUMNS = ("lot", "level", "role", "provider", "placeholder", "share")


@dataclass(frozen=True)
class Seat:
    """A place to provide in a lot; `share` is of the lot's hours. A placeholder stands for who wins it."""

    lot: str
    level: str
    role: str
    provider: str
    placeholder: bool
    share: float


def roles_of(level: Level | None) -> dict[str, int]:
    """Return how many providers of each role a lot of a level has, the reserve aside."""
    if level is None:
        return {}
    return {role: number for role, number in level.providers.items() if number and role != RESERVE}


def role_shares(level: Level | None, terms: Terms) -> dict[str, float]:
    """Return the share of a lot's hours that each role may expect, the reserve and what is not sourced too.

    Shares as stated; or else what each step of the cascade takes; or else all providers alike. They add up
    to 1.
    """
    roles = roles_of(level)
    if terms.shares:
        found = {role: terms.shares.get(role, 0.0) for role in roles}
        if sum(found.values()) > 1 + 1e-9:
            level_name = "" if level is None else level.name
            raise ScenarioError(
                f"lots: shares of the roles of level {level_name} add up to {sum(found.values()):g}; a lot's "
                "hours are 1 in all"
            )
        found[RESERVE] = max(0.0, 1.0 - sum(found.values()))
        return found
    if terms.cascade:
        return taken_by_role(terms.cascade, roles, "" if level is None else level.name)
    many = sum(roles.values())
    return {role: number / many for role, number in roles.items()} if many else {RESERVE: 1.0}


def seats_of(plan: Plan, levels: Sequence[Level], terms: Terms, allocation: Any = None) -> list[Seat]:
    """Return every seat of every lot: those that `allocation` names, placeholders for the others.

    Raises `DataError` for an allocation that names what is not there.
    """
    by_name = {level.name: level for level in levels}
    named = _allocated(allocation, plan, by_name)
    seats: list[Seat] = []
    for lot, of_level in zip(plan.zone_ids, plan.levels, strict=True):
        level = by_name.get(of_level)
        roles, shares = roles_of(level), role_shares(level, terms)
        for role, number in roles.items():
            each = shares.pop(role, 0.0) / number
            held = named.get((lot, role), [])
            seats += [Seat(lot, of_level, role, provider, placeholder=False, share=each) for provider in held]
            for place in range(len(held) + 1, number + 1):
                who = role if number == 1 else f"{role} {place}"
                provider = who if terms.same_providers else f"{who} of {lot}"
                seats.append(Seat(lot, of_level, role, provider, placeholder=True, share=each))
        for role in (RESERVE, NOT_SOURCED):
            rest = shares.pop(role, 0.0)
            if rest > 0:
                seats.append(Seat(lot, of_level, role, role, placeholder=True, share=rest))
    return seats if terms.expected_providers is None else _dealt(seats, plan, terms)


def _dealt(seats: Sequence[Seat], plan: Plan, terms: Terms) -> list[Seat]:
    """Return the seats with so many placeholders as providers are expected, each in as many lots as the next.

    The largest lots are dealt first, each to those who hold fewest lots, and of these fewest hours: so no two
    differ by more than one lot. Raises `ScenarioError` where they are too few for a lot, or for the cap.
    """
    named = {seat.provider for seat in seats if not seat.placeholder}
    count = int(terms.expected_providers or 0) - len(named)
    hours = dict(zip(plan.zone_ids, plan.zones["weekly_hours"].tolist(), strict=True))
    places: dict[str, list[int]] = {}
    for k, seat in enumerate(seats):
        if seat.placeholder and seat.role not in (RESERVE, NOT_SOURCED):
            places.setdefault(seat.lot, []).append(k)
    if not places:
        return list(seats)
    most_lot = max(places, key=lambda lot: len(places[lot]))
    most, every = len(places[most_lot]), sum(map(len, places.values()))
    if named:  # who won is known: places that are left are for as many more as they need
        count = max(count, most, -(-every // (terms.cap or every)))
    if count < most:
        raise ScenarioError(
            f"lots: expected_providers is {count}, and lot {most_lot} has {counted(most, 'place')} to fill; "
            "state more, or none"
        )
    if terms.cap is not None and every > count * terms.cap:
        raise ScenarioError(
            f"lots: {counted(count, 'expected provider')}, {counted(terms.cap, 'lot')} at most each, hold "
            f"{count * terms.cap:,} places, and there are {every:,}; state more or a higher cap"
        )
    held, load, dealt = [0] * count, [0.0] * count, list(seats)
    for lot in sorted(places, key=lambda each: -hours[each]):
        order = sorted(range(count), key=lambda n: (held[n], load[n], n))
        for k, n in zip(places[lot], order, strict=False):
            held[n] += 1
            load[n] += seats[k].share * hours[lot]
            dealt[k] = replace(seats[k], provider=f"provider {n + 1}")
    return dealt


def seats_frame(seats: Sequence[Seat]) -> pd.DataFrame:
    """Return the seats as rows."""
    return pd.DataFrame([[getattr(seat, name) for name in COLUMNS] for seat in seats], columns=list(COLUMNS))


def _allocated(allocation: Any, plan: Plan, levels: Mapping[str, Level]) -> dict[tuple[str, str], list[str]]:
    """Return providers by lot and role, checked."""
    found: dict[tuple[str, str], list[str]] = {}
    for lot, role, provider in _rows(allocation, plan, levels):
        if lot not in plan.zone_ids:
            raise DataError(f"the allocation names lot '{lot}'{nearest_name(lot, plan.zone_ids)}")
        of_level = plan.levels[plan.zone_ids.index(lot)]
        roles = roles_of(levels.get(of_level))
        if role not in roles:
            raise DataError(
                f"the allocation gives {provider} the role '{role}' in lot {lot}, and level {of_level} has "
                f"{listed(roles) if roles else 'no provider but the reserve'}"
            )
        held = found.setdefault((lot, role), [])
        held.append(provider)
        if len(held) > roles[role]:
            raise DataError(
                f"the allocation gives lot {lot} {counted(len(held), 'provider')} as {role}: {listed(held)}; "
                f"level {of_level} has {roles[role]}"
            )
        everyone = [each for (there, _), names in found.items() if there == lot for each in names]
        if everyone.count(provider) > 1:
            raise DataError(f"the allocation gives {provider} two places in lot {lot}; one is enough")
    return found


def _rows(allocation: Any, plan: Plan, levels: Mapping[str, Level]) -> list[tuple[str, str, str]]:
    """Return (lot, role, provider) of a frame, or of lot -> provider, or lot -> role -> providers."""
    if allocation is None:
        return []
    if isinstance(allocation, pd.DataFrame):
        require_columns(allocation.columns, ["lot", "role", "provider"], "the allocation")
        table = allocation[["lot", "role", "provider"]].dropna().astype(str)
        return [(row[0].strip(), row[1].strip(), row[2].strip()) for row in table.itertuples(index=False)]
    if not isinstance(allocation, Mapping):
        raise ScenarioError("an allocation is a frame of lot, role and provider, or a table by lot")
    found: list[tuple[str, str, str]] = []
    for lot, given in allocation.items():
        if isinstance(given, Mapping):
            for role, names in given.items():
                several = [names] if isinstance(names, str) else list(names)
                found += [(str(lot), str(role), str(name)) for name in several]
            continue
        at = plan.zone_ids.index(str(lot)) if str(lot) in plan.zone_ids else -1
        roles = roles_of(levels.get(plan.levels[at])) if at >= 0 else {}
        found.append((str(lot), next(iter(roles), "lead"), str(given)))
    return found
