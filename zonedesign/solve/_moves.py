"""Prices of the search: what a plan costs, and by how much a move would change that, exactly.

Costs are in hour-minutes: the objective times all hours. A broken rule costs a penalty, so that the search
may pass through plans that are not allowed on its way to better ones; only a plan without penalties is ever
kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zonedesign.compiled import inner
from zonedesign.solve._state import REACH, cut_change, links_change

if TYPE_CHECKING:
    from zonedesign.solve._state import Case, Floats, State

VOLUME, PEOPLE, CLASH, LINK, SHARE, URBAN, KINDS = 0, 2, 3, 4, 5, 6, 7
"""Places of the penalties, with `REACH` 1: hours and customers outside a band, pairs too far apart, links,
shares of a level, character. Zone counts go with links; moves that would leave their range are refused."""


class Held(NamedTuple):
    """What a zone holds, as far as its own rules ask; fields as in `STATE_ZONE`."""

    hours: float
    customers: float
    urban: float
    far: int
    clashes: int
    wanted: int


@inner
def above(value: float, limit: float) -> float:
    """Return how far a value is above a limit, 0 where it is not."""
    return value - limit if value > limit else 0.0


@inner
def outside(value: float, low: float, high: float) -> float:
    """Return how far a value lies outside its band."""
    if value < low - 1e-6:
        return low - value
    if value > high + 1e-6:
        return value - high
    return 0.0


@inner
def zone_breaks(case: Case, held: Held, level: int, penalty: Floats) -> float:
    """Return what a zone's broken rules cost."""
    cost: float = penalty[VOLUME] * outside(held.hours, case.levels[level].low, case.levels[level].high)
    cost += penalty[PEOPLE] * outside(held.customers, case.levels[level].few, case.levels[level].many)
    cost += penalty[REACH] * held.far + penalty[CLASH] * held.clashes
    if held.wanted > 1:
        cost += penalty[LINK] * (held.wanted - 1)
    share = case.levels[level].character
    if share > 0:
        cost += penalty[URBAN] * above(share * held.hours - held.urban - 1e-6 * held.hours, 0.0)
    return cost


@inner
def share_breaks(case: Case, state: State, penalty: Floats) -> float:
    """Return what levels cost whose share of all hours is out of range."""
    total = 0.0
    for level in range(case.levels.shape[0]):
        total += outside(
            state.levels[level].hours, case.levels[level].share_low, case.levels[level].share_high
        )
    cost: float = penalty[SHARE] * total
    return cost


@inner
def _side_terms(case: Case, state: State, z: int, i: int, sign: float) -> float:
    """Return what a zone costs for borders and change, were unit i in it (sign 1) or gone (-1).

    Sign 0 asks for the zone as it stands.
    """
    cost, hours_i = 0.0, case.units[i].hours
    if case.weights[2] > 0:
        most = 0.0
        for code in range(state.by_border.shape[1]):
            value = state.by_border[z, code]
            if code == case.units[i].border:
                value += sign * hours_i
            most = max(most, value)
        cost += case.weights[2] * (state.zones[z].hours + sign * hours_i - most)
    match = state.zones[z].match
    if case.weights[1] > 0 and match >= 0:
        kept = state.by_before[z, match]
        if case.units[i].before == match:
            kept += sign * hours_i
        cost -= case.weights[1] * kept
    return cost


@inner
def price_of(case: Case, state: State, z: int, penalty: Floats) -> float:
    """Return what a zone costs as it stands, with its penalties."""
    zone = state.zones[z]
    held = Held(zone.hours, zone.customers, zone.urban, zone.far, zone.clashes, zone.wanted)
    cost: float = case.weights[0] * zone.travel + zone_breaks(case, held, zone.level, penalty)
    return cost + _side_terms(case, state, z, 0, 0.0)


@inner
def price_without(case: Case, state: State, i: int, penalty: Floats) -> float:
    """Return what the unit's zone would cost without it, with the best centre of the rest."""
    z, unit = state.units[i].zone, case.units[i]
    zone = state.zones[z]
    bit = np.uint8(1 << zone.level)
    wanted = zone.wanted - unit.wanted
    best, far, clashes = np.inf, 0, zone.clashes
    scale, reach_cost = case.weights[0], penalty[REACH]
    for k in range(zone.size):
        j = state.member[z, k]
        if j == i or (wanted > 0 and not case.units[j].wanted):
            continue
        beyond = state.units[j].beyond - (0 if case.allowed[i, j] & bit else 1)
        value = scale * (state.units[j].to_all - unit.hours * case.minutes[i, j]) + reach_cost * beyond
        if value < best:
            best, far = value, beyond
    if case.conflict.shape[0] > 1:
        for k in range(zone.size):
            if case.conflict[i, state.member[z, k]] & bit:
                clashes -= 1
    urban = zone.urban - case.urban[zone.level, i]
    held = Held(zone.hours - unit.hours, zone.customers - unit.customers, urban, far, clashes, wanted)
    # `best` holds what reach costs; `zone_breaks` counts it again.
    cost: float = (best - reach_cost * far) + zone_breaks(case, held, zone.level, penalty)
    return cost + _side_terms(case, state, z, i, -1.0)


@inner
def price_with(case: Case, state: State, i: int, z: int, penalty: Floats) -> float:
    """Return what a zone would cost with a unit of another zone, with the best centre of all."""
    zone, unit = state.zones[z], case.units[i]
    bit = np.uint8(1 << zone.level)
    wanted = zone.wanted + unit.wanted
    best, far, clashes = np.inf, 0, zone.clashes
    scale, reach_cost = case.weights[0], penalty[REACH]
    own, own_far = 0.0, 0
    for k in range(zone.size):
        j = state.member[z, k]
        own += case.units[j].hours * case.minutes[j, i]
        if not case.allowed[j, i] & bit:
            own_far += 1
        if wanted > 0 and not case.units[j].wanted:
            continue
        beyond = state.units[j].beyond + (0 if case.allowed[i, j] & bit else 1)
        value = scale * (state.units[j].to_all + unit.hours * case.minutes[i, j]) + reach_cost * beyond
        if value < best:
            best, far = value, beyond
    if case.conflict.shape[0] > 1:
        for k in range(zone.size):
            if case.conflict[i, state.member[z, k]] & bit:
                clashes += 1
    if not case.allowed[i, i] & bit:
        own_far += 1
    if wanted == 0 or unit.wanted:
        value = scale * own + reach_cost * own_far
        if value < best:
            best, far = value, own_far
    urban = zone.urban + case.urban[zone.level, i]
    held = Held(zone.hours + unit.hours, zone.customers + unit.customers, urban, far, clashes, wanted)
    cost: float = (best - reach_cost * far) + zone_breaks(case, held, zone.level, penalty)
    return cost + _side_terms(case, state, z, i, 1.0)


@inner
def shift_price(case: Case, state: State, i: int, z: int, penalty: Floats) -> float:
    """Return by how much the price changes when a unit goes to zone z."""
    source = state.units[i].zone
    change = price_without(case, state, i, penalty) - price_of(case, state, source, penalty)
    change += price_with(case, state, i, z, penalty) - price_of(case, state, z, penalty)
    change += cut_change(case, state, i, z)
    if case.link_ptr[i + 1] > case.link_ptr[i]:
        change += penalty[LINK] * links_change(case, state, i, z)
    if state.zones[source].level != state.zones[z].level:
        giver, taker = state.levels[state.zones[source].level], state.levels[state.zones[z].level]
        before = share_breaks(case, state, penalty)
        giver.hours -= case.units[i].hours
        taker.hours += case.units[i].hours
        change += share_breaks(case, state, penalty) - before
        giver.hours += case.units[i].hours
        taker.hours -= case.units[i].hours
    return change


@inner
def total_price(case: Case, state: State, penalty: Floats) -> float:
    """Return what the whole plan costs, with penalties."""
    cost: float = state.sums[0].cut + penalty[LINK] * state.sums[0].links + share_breaks(case, state, penalty)
    for z in range(state.zones.shape[0]):
        if state.zones[z].size > 0:
            cost += price_of(case, state, z, penalty)
    return cost


@inner
def breaks(case: Case, state: State, found: Floats) -> bool:
    """Fill `found` (kinds,) with how much of each kind of rule is broken; return whether nothing is."""
    for kind in range(KINDS):
        found[kind] = 0.0
    found[LINK] = state.sums[0].links
    for level in range(case.levels.shape[0]):
        asked, here = case.levels[level], state.levels[level]
        found[SHARE] += outside(here.hours, asked.share_low, asked.share_high)
        found[LINK] += above(asked.least, here.used) + above(here.used, asked.most)
    for z in range(state.zones.shape[0]):
        zone = state.zones[z]
        if zone.size == 0:
            continue
        asked = case.levels[zone.level]
        found[VOLUME] += outside(zone.hours, asked.low, asked.high)
        found[PEOPLE] += outside(zone.customers, asked.few, asked.many)
        found[REACH] += zone.far
        found[CLASH] += zone.clashes
        found[LINK] += above(zone.wanted, 1)
        found[URBAN] += above(asked.character * zone.hours - zone.urban - 1e-9, 0.0)
    whole = True
    for kind in range(KINDS):
        whole = whole and found[kind] == 0.0
    return whole


@inner
def holds_without(case: Case, state: State, i: int) -> bool:
    """Return whether the unit's zone stays connected without it, where it must be."""
    z = state.units[i].zone
    if case.levels[state.zones[z].level].loose or state.zones[z].size <= 2:
        return True
    first, wanted = -1, 0
    state.sums[0].mark += 2
    mark = state.sums[0].mark  # mark - 1: a neighbour to be found; mark: seen
    for k in range(case.indptr[i], case.indptr[i + 1]):
        j = case.pairs[k].to
        if state.units[j].zone == z:
            state.units[j].stamp = mark - 1
            wanted += 1
            first = j
    if wanted == 0:
        return False
    if wanted == 1:
        return True
    found, top = 1, 1
    state.units[i].stamp = mark
    state.units[first].stamp = mark
    state.stack[0] = first
    while top > 0:
        top -= 1
        unit = state.stack[top]
        for k in range(case.indptr[unit], case.indptr[unit + 1]):
            j = case.pairs[k].to
            if state.units[j].zone != z or state.units[j].stamp == mark:
                continue
            if state.units[j].stamp == mark - 1:
                found += 1
                if found == wanted:
                    return True
            state.units[j].stamp = mark
            state.stack[top] = j
            top += 1
    return False


@inner
def accepted(change: float, heat: float) -> bool:
    """Return whether a change of price is taken at this temperature (Metropolis et al. 1953)."""
    return change <= 0 or (heat > 0 and np.random.random() < np.exp(-change / heat))  # noqa: NPY002
