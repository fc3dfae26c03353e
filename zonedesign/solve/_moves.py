"""Prices of the search: what a plan costs, and by how much a move would change that, exactly.

Costs are in hour-minutes: the objective times all hours. A broken rule costs a penalty, so that the search
may pass through plans that are not allowed on its way to better ones; only a plan without penalties is ever
kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zonedesign.compiled import lean
from zonedesign.solve._state import REACH, cut_change, links_change, pick_centre

if TYPE_CHECKING:
    from zonedesign.solve._state import Case, Floats, State

NOBODY = -1
"""No unit."""
FEW = 24
"""Units up to which a zone that gets a unit is priced with the centre there too. In larger zones a unit at
the border is hardly the best centre, and to know that takes a look at every pair."""
VOLUME, PEOPLE, CLASH, LINK, SHARE, URBAN, COUNT, KINDS = 0, 2, 3, 4, 5, 6, 7, 8
"""Places of the penalties, with `REACH` 1: hours and customers outside a band, pairs too far apart, links,
shares of a level, character, zones too many or too few."""


class Held(NamedTuple):
    """What a zone holds, as far as its own rules ask; fields as in `STATE_ZONE`."""

    hours: float
    customers: float
    urban: float
    far: int
    clashes: int
    wanted: int


@lean
def above(value: float, limit: float) -> float:
    """Return how far a value is above a limit, 0 where it is not."""
    return value - limit if value > limit else 0.0


@lean
def outside(value: float, low: float, high: float) -> float:
    """Return how far a value lies outside its band."""
    if value < low - 1e-6:
        return low - value
    if value > high + 1e-6:
        return value - high
    return 0.0


@lean
def zone_breaks(case: Case, held: Held, level: int, penalty: Floats) -> float:
    """Return what a zone's broken rules cost."""
    cost: float = penalty[VOLUME] * outside(held.hours, case.levels[level].low, case.levels[level].high)
    cost += penalty[PEOPLE] * outside(held.customers, case.levels[level].few, case.levels[level].many)
    cost += penalty[REACH] * held.far + penalty[CLASH] * held.clashes
    if held.wanted > 1:
        cost += penalty[LINK] * (held.wanted - 1)
    share = case.levels[level].character
    if share > 0:
        cost += penalty[URBAN] * above(share * held.hours - held.urban - 5e-7 * held.hours, 0.0)
    return cost


@lean
def share_breaks(case: Case, state: State, penalty: Floats) -> float:
    """Return what levels cost whose share of all hours is out of range."""
    total = 0.0
    for level in range(case.levels.shape[0]):
        total += outside(
            state.levels[level].hours, case.levels[level].share_low, case.levels[level].share_high
        )
    cost: float = penalty[SHARE] * total
    return cost


@lean
def count_breaks(case: Case, state: State) -> float:
    """Return by how many zones levels are out of their range."""
    total = 0.0
    for level in range(case.levels.shape[0]):
        asked, used = case.levels[level], state.levels[level].used
        total += above(asked.least, used) + above(used, asked.most)
    return total


@lean
def _side_terms(case: Case, state: State, z: int, plus: int, minus: int) -> float:
    """Return what a zone costs for borders and change, were one unit in it and another gone (or `NOBODY`)."""
    cost = 0.0
    if case.weights[2] > 0:
        most, hours = 0.0, state.zones[z].hours
        if plus >= 0:
            hours += case.units[plus].hours
        if minus >= 0:
            hours -= case.units[minus].hours
        for code in range(state.sums[0].before_at):
            value = state.by_code[z, code]
            if plus >= 0 and code == case.units[plus].border:
                value += case.units[plus].hours
            if minus >= 0 and code == case.units[minus].border:
                value -= case.units[minus].hours
            most = max(most, value)
        cost += case.weights[2] * (hours - most)
    match = state.zones[z].match
    if case.weights[1] > 0 and match >= 0:
        kept = state.by_code[z, state.sums[0].before_at + match]
        if plus >= 0 and case.units[plus].before == match:
            kept += case.units[plus].hours
        if minus >= 0 and case.units[minus].before == match:
            kept -= case.units[minus].hours
        cost -= case.weights[1] * kept
    return cost


@lean
def held_by(state: State, z: int) -> Held:
    """Return what a zone holds as it stands."""
    zone = state.zones[z]
    return Held(zone.hours, zone.customers, zone.urban, zone.far, zone.clashes, zone.wanted)


@lean
def price_of(case: Case, state: State, z: int, penalty: Floats) -> float:
    """Return what a zone costs as it stands, with its penalties."""
    zone = state.zones[z]
    cost: float = case.weights[0] * zone.travel + zone_breaks(case, held_by(state, z), zone.level, penalty)
    return cost + _side_terms(case, state, z, NOBODY, NOBODY)


@lean
def _clashes(case: Case, state: State, z: int, i: int, but: int) -> int:
    """Return how many units of a zone, one left out, are too far from a unit."""
    zone, found = state.zones[z], 0
    clash = case.levels[zone.level].clash
    if not case.units[i].demand:
        return 0
    for p in range(zone.first, zone.first + zone.size):
        j = state.members[p].unit
        if j == but:
            continue
        if j != i and case.units[j].demand:
            bits = case.table[case.tile[i >> 6, j >> 6] + ((i & 63) << 6) + (j & 63)].bits
            found += (bits >> clash) & 1
    return found


@lean
def changed_price(case: Case, state: State, z: int, plus: int, minus: int, penalty: Floats) -> float:
    """Return what a zone would cost with a unit more and another gone (or `NOBODY`), its centre chosen anew.

    Centres that could not be better are passed over unseen: a unit more costs nothing less than before, and
    a unit gone can save no more than its way to the farthest centre.
    """
    zone = state.zones[z]
    level, wanted = zone.level, zone.wanted
    scale, reach_cost = case.weights[0], penalty[REACH]
    hours, customers, urban = zone.hours, zone.customers, zone.urban
    more, less, near_saves, far_saves = 0.0, 0.0, 0.0, 0.0
    more_at, less_at = 0, 0
    if plus >= 0:
        unit = case.units[plus]
        more, more_at = scale * unit.hours, plus
        wanted += unit.wanted
        hours += unit.hours
        customers += unit.customers
        if (unit.classes >> level) & 1:
            urban += unit.hours
    if minus >= 0:
        unit = case.units[minus]
        less, less_at = scale * unit.hours, minus
        wanted -= unit.wanted
        hours -= unit.hours
        customers -= unit.customers
        if (unit.classes >> level) & 1:
            urban -= unit.hours
        near_saves, far_saves = less * unit.longest, less * case.table[0].minutes + reach_cost
    best, far = np.inf, 0
    first, end = zone.first, zone.first + zone.size
    p = state.units[zone.centre].place if zone.centre >= 0 else first
    for turn in range(first - 1, end):  # the centre of now first: it leaves few others to look at
        if turn >= first:
            p = turn
        member = state.members[p]
        beyond = member.beyond
        value = scale * member.to_all
        if value + reach_cost * beyond - (near_saves if beyond == 0 else far_saves) >= best:
            continue
        j = member.unit
        if j == minus or (wanted > 0 and not case.units[j].wanted):
            continue
        if plus >= 0:
            pair = case.table[case.tile[more_at >> 6, j >> 6] + ((more_at & 63) << 6) + (j & 63)]
            value += more * pair.minutes
            if not (pair.bits >> level) & 1:
                beyond += 1
        if minus >= 0:
            pair = case.table[case.tile[less_at >> 6, j >> 6] + ((less_at & 63) << 6) + (j & 63)]
            value -= less * pair.minutes
            if not (pair.bits >> level) & 1:
                beyond -= 1
        if value + reach_cost * beyond < best:
            best, far = value + reach_cost * beyond, beyond
    if plus >= 0 and (
        (zone.size <= FEW and wanted == 0) or (wanted > 0 and case.units[plus].wanted) or best == np.inf
    ):
        pair = case.table[case.tile[more_at >> 6, more_at >> 6] + (more_at & 63) * 65]
        own, own_far = case.units[plus].hours * pair.minutes, 0
        if not (pair.bits >> level) & 1:
            own_far += 1
        for p in range(first, end):
            j = state.members[p].unit
            if j == minus:
                continue
            pair = case.table[case.tile[j >> 6, more_at >> 6] + ((j & 63) << 6) + (more_at & 63)]
            own += case.units[j].hours * pair.minutes
            if not (pair.bits >> level) & 1:
                own_far += 1
        if scale * own + reach_cost * own_far < best:
            best, far = scale * own + reach_cost * own_far, own_far
    clashes = zone.clashes
    if case.levels[level].clash > 0:
        if plus >= 0:
            clashes += _clashes(case, state, z, plus, minus)
        if minus >= 0:
            clashes -= _clashes(case, state, z, minus, NOBODY)
    held = Held(hours, customers, urban, far, clashes, wanted)
    # `best` holds what reach costs; `zone_breaks` counts it again.
    cost: float = (best - reach_cost * far) + zone_breaks(case, held, level, penalty)
    return cost + _side_terms(case, state, z, plus, minus)


@lean
def _give(case: Case, state: State, i: int, source: int, z: int) -> None:
    """Count a unit's hours for another zone's level."""
    state.levels[state.zones[source].level].hours -= case.units[i].hours
    state.levels[state.zones[z].level].hours += case.units[i].hours


@lean
def shift_price(case: Case, state: State, i: int, z: int, j: int, back: int, penalty: Floats) -> float:
    """Return by how much the price changes when unit i goes to zone z and j from there to `back`, if anybody.

    Never less than it does in truth; more only where a new centre that was passed over is better.
    """
    source: int = state.units[i].zone
    change: float = cut_change(case, state, i, z)
    broken = links_change(case, state, i, z)
    shares = share_breaks(case, state, penalty)
    _give(case, state, i, source, z)
    if j >= 0:
        state.units[i].zone = z
        change += cut_change(case, state, j, back)
        broken += links_change(case, state, j, back)
        state.units[i].zone = source
        _give(case, state, j, z, back)
    change += penalty[LINK] * broken + share_breaks(case, state, penalty) - shares
    if j >= 0:
        _give(case, state, j, back, z)
    _give(case, state, i, z, source)
    for turn in range(3):  # one call of what is large: compiled code grows with every place that calls it
        zone, plus, minus = source, j if back == source else NOBODY, i
        if turn == 1:
            zone, plus, minus = z, i, j
        elif turn == 2:
            if j < 0 or back == source:
                break
            zone, plus, minus = back, j, NOBODY
        change += changed_price(case, state, zone, plus, minus, penalty)
        change -= price_of(case, state, zone, penalty)
    return change


@lean
def settle(case: Case, state: State, z: int, penalty: Floats) -> None:
    """Give a zone its best centre, and list it where it breaks a rule of its own."""
    zone, sums, ill = state.zones[z], state.sums[0], False
    pick_centre(case, state, z, penalty)
    if zone.size > 0:
        ill = zone_breaks(case, held_by(state, z), zone.level, penalty) > 0
    if ill and zone.listed < 0:
        zone.listed = sums.broken
        state.lists[sums.broken_at + sums.broken] = z
        sums.broken += 1
    elif not ill and zone.listed >= 0:
        sums.broken -= 1
        last = state.lists[sums.broken_at + sums.broken]
        state.lists[sums.broken_at + zone.listed] = last
        state.zones[last].listed = zone.listed
        zone.listed = -1


@lean
def whole(case: Case, state: State) -> bool:
    """Return whether no rule is broken."""
    if state.sums[0].broken > 0 or state.sums[0].links > 0:
        return False
    for level in range(case.levels.shape[0]):
        asked, here = case.levels[level], state.levels[level]
        if outside(here.hours, asked.share_low, asked.share_high) > 0:
            return False
    return count_breaks(case, state) == 0


@lean
def total_price(case: Case, state: State, penalty: Floats) -> float:
    """Return what the whole plan costs, with penalties."""
    cost: float = state.sums[0].cut + penalty[LINK] * state.sums[0].links + share_breaks(case, state, penalty)
    cost += penalty[COUNT] * count_breaks(case, state)
    for z in range(state.zones.shape[0]):
        if state.zones[z].size > 0:
            cost += price_of(case, state, z, penalty)
    return cost


@lean
def breaks(case: Case, state: State, found: Floats) -> None:
    """Fill `found` (kinds,) with how much of each kind of rule is broken."""
    for kind in range(KINDS):
        found[kind] = 0.0
    found[LINK] = state.sums[0].links
    for level in range(case.levels.shape[0]):
        asked, here = case.levels[level], state.levels[level]
        found[SHARE] += outside(here.hours, asked.share_low, asked.share_high)
    found[COUNT] = count_breaks(case, state)
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
        found[URBAN] += above(asked.character * zone.hours - zone.urban - 5e-7 * zone.hours, 0.0)


@lean
def holds_without(case: Case, state: State, i: int) -> bool:
    """Return whether the unit's zone stays connected without it, where it must be."""
    z = state.units[i].zone
    if case.levels[state.zones[z].level].loose or state.zones[z].size <= 2:
        return True
    first, wanted = -1, 0
    state.sums[0].mark += 2
    mark = state.sums[0].mark  # mark - 1: a neighbour to be found; mark: seen
    for k in range(case.units[i].pairs_from, case.units[i].pairs_to):
        j = case.pairs[k].to
        if state.units[j].zone == z:
            state.units[j].stamp = mark - 1
            wanted += 1
            first = j
    if wanted == 0:
        return False
    if wanted == 1:
        return True
    found, at, end = 1, 0, 1
    state.units[i].stamp = mark
    state.units[first].stamp = mark
    state.lists[0] = first
    while at < end:  # in the order found: neighbours of a unit are mostly near each other
        unit = state.lists[at]
        at += 1
        for k in range(case.units[unit].pairs_from, case.units[unit].pairs_to):
            j = case.pairs[k].to
            if state.units[j].zone != z or state.units[j].stamp == mark:
                continue
            if state.units[j].stamp == mark - 1:
                found += 1
                if found == wanted:
                    return True
            state.units[j].stamp = mark
            state.lists[end] = j
            end += 1
    return False


@lean
def accepted(change: float, heat: float) -> bool:
    """Return whether a change of price is taken at this temperature (Metropolis et al. 1953)."""
    return change <= 0 or (heat > 0 and np.random.random() < np.exp(-change / heat))  # noqa: NPY002


@lean
def most_accepted(heat: float) -> float:
    """Return the most that a change of price may be this time, by the same odds as `accepted`."""
    most: float = -heat * np.log(1.0 - np.random.random())  # noqa: NPY002
    return most
