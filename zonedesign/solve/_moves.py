"""Kernels of the search: zones kept as lists of units, changed one move at a time, every move priced exactly.

Costs are in hour-minutes: the objective times all hours. A broken rule costs a penalty, so that the search may pass through
plans that are not allowed on its way to better ones; only a plan without penalties is ever kept.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from zonedesign.compiled import inner


class Case(NamedTuple):
    """The problem as the kernels see it; n units, L levels. Nothing here changes.

    `minutes` (n, n) float32 is [unit, centre], capped where out of reach; `allowed` and `conflict` (n, n) uint8 have bit l set where
    level l allows the unit with that centre, and where it forbids the two in one zone ((1, 1) where no level does); `urban` (L, n)
    are hours that count for the level's character; `pairs` are contiguity rows by `indptr`, `links` rows by `link_ptr` of units that must be
    together (weight 1) or apart (-1); `weights` are those of travel, change and borders.
    """

    minutes: Any
    allowed: Any
    conflict: Any
    urban: Any
    units: Any
    indptr: Any
    pairs: Any
    link_ptr: Any
    links: Any
    levels: Any
    weights: Any


class State(NamedTuple):
    """A plan in the making, with slots for zones, of which those with `size` 0 are free.

    `member` (slots, n) int32 lists every zone's units; `by_border` and `by_before` (slots, codes) are hours by code of the border and by
    zone of the baseline; `sums` has one row; `stack` (n + 1,) is room for searches.
    """

    units: Any
    zones: Any
    levels: Any
    member: Any
    by_border: Any
    by_before: Any
    sums: Any
    stack: Any


# Records, not one array a field: a kernel compiles in a fraction of the time with few arguments, and what is read together lies together.
CASE_UNIT = np.dtype(
    [
        ("hours", "f8"),
        ("customers", "f8"),
        ("nest", "i8"),
        ("border", "i8"),
        ("before", "i8"),
        ("wanted", "i8"),
        ("fixed", "i8"),
    ]
)
CASE_PAIR = np.dtype([("cost", "f8"), ("to", "i8")])
CASE_LINK = np.dtype([("to", "i8"), ("weight", "i8")])
CASE_LEVEL = np.dtype(
    [("low", "f8"), ("high", "f8"), ("few", "f8"), ("many", "f8"), ("share_low", "f8"), ("share_high", "f8"), ("character", "f8"),
     ("loose", "i8"), ("least", "i8"), ("most", "i8")]
)  # fmt: skip
STATE_UNIT = np.dtype([("to_all", "f8"), ("zone", "i8"), ("place", "i8"), ("beyond", "i8"), ("stamp", "i8")])
"""`to_all`: hour-minutes to the rest of its zone, were the unit its centre; `beyond`: how many of its zone it could not reach then."""
STATE_ZONE = np.dtype(
    [("hours", "f8"), ("customers", "f8"), ("urban", "f8"), ("travel", "f8"), ("size", "i8"), ("level", "i8"), ("centre", "i8"),
     ("far", "i8"), ("clashes", "i8"), ("wanted", "i8"), ("match", "i8")]
)  # fmt: skip
STATE_LEVEL = np.dtype([("hours", "f8"), ("used", "i8")])
STATE_SUMS = np.dtype([("cut", "f8"), ("links", "i8"), ("mark", "i8")])

VOLUME, REACH, PEOPLE, CLASH, LINK, SHARE, URBAN, KINDS = 0, 1, 2, 3, 4, 5, 6, 7


@inner
def outside(value, low, high):
    """Return how far a value lies outside its band."""
    if value < low - 1e-6:
        return low - value
    if value > high + 1e-6:
        return value - high
    return 0.0


@inner
def zone_breaks(case, hours, customers, urban, level, far, clashes, wanted, penalty):
    """Return what a zone's broken rules cost."""
    cost = penalty[VOLUME] * outside(hours, case.levels[level].low, case.levels[level].high)
    cost += penalty[PEOPLE] * outside(customers, case.levels[level].few, case.levels[level].many)
    cost += penalty[REACH] * far + penalty[CLASH] * clashes
    if wanted > 1:
        cost += penalty[LINK] * (wanted - 1)
    if case.levels[level].character > 0:
        cost += penalty[URBAN] * max(0.0, case.levels[level].character * hours - urban - 1e-6 * hours)
    return cost


@inner
def share_breaks(case, state, penalty):
    """Return what levels cost whose share of all hours is out of range."""
    cost = 0.0
    for level in range(case.levels.shape[0]):
        cost += outside(
            state.levels[level].hours, case.levels[level].share_low, case.levels[level].share_high
        )
    return penalty[SHARE] * cost


@inner
def side_terms(case, state, z):
    """Return what a zone adds to the objective for borders and change."""
    cost = 0.0
    if case.weights[2] > 0:
        cost += case.weights[2] * (state.zones[z].hours - state.by_border[z].max())
    if case.weights[1] > 0 and state.zones[z].match >= 0:
        cost -= case.weights[1] * state.by_before[z, state.zones[z].match]
    return cost


@inner
def pick_centre(case, state, z, penalty):
    """Give a zone the centre that costs least: travel, and units out of reach."""
    best, chosen, travel, far = np.inf, -1, 0.0, 0
    only = state.zones[z].wanted > 0
    for k in range(state.zones[z].size):
        j = state.member[z, k]
        if only and not case.units[j].wanted:
            continue
        value = case.weights[0] * state.units[j].to_all + penalty[REACH] * state.units[j].beyond
        if value < best or (value == best and j < chosen):
            best, chosen, travel, far = value, j, state.units[j].to_all, state.units[j].beyond
    state.zones[z].centre = chosen
    state.zones[z].travel = travel
    state.zones[z].far = far


@inner
def price_of(case, state, z, penalty):
    """Return what a zone costs as it stands, with its penalties."""
    return (
        case.weights[0] * state.zones[z].travel
        + zone_breaks(
            case,
            state.zones[z].hours,
            state.zones[z].customers,
            state.zones[z].urban,
            state.zones[z].level,
            state.zones[z].far,
            state.zones[z].clashes,
            state.zones[z].wanted,
            penalty,
        )
        + side_terms(case, state, z)
    )


@inner
def price_without(case, state, i, penalty):
    """Return what the unit's zone would cost without it, with the best centre of the rest."""
    z = state.units[i].zone
    level = state.zones[z].level
    bit = np.uint8(1 << level)
    only = state.zones[z].wanted - case.units[i].wanted > 0
    best, far = np.inf, 0
    clashes = state.zones[z].clashes
    hours_i = case.units[i].hours
    scale, reach_cost = case.weights[0], penalty[REACH]
    for k in range(state.zones[z].size):
        j = state.member[z, k]
        if j == i or (only and not case.units[j].wanted):
            continue
        beyond = state.units[j].beyond - (0 if case.allowed[i, j] & bit else 1)
        value = scale * (state.units[j].to_all - hours_i * case.minutes[i, j]) + reach_cost * beyond
        if value < best:
            best, far = value, beyond
    if case.conflict.shape[0] > 1:
        for k in range(state.zones[z].size):
            j = state.member[z, k]
            if case.conflict[i, j] & bit:
                clashes -= 1
    urban = state.zones[z].urban - case.urban[level, i]
    cost = (best - reach_cost * far) + zone_breaks(
        case, state.zones[z].hours - hours_i, state.zones[z].customers - case.units[i].customers, urban, level, far, clashes,
        state.zones[z].wanted - case.units[i].wanted, penalty,
    )  # fmt: skip
    return cost + side_after(case, state, i, z, -1.0)


@inner
def price_with(case, state, i, z, penalty):
    """Return what a zone would cost with a unit of another zone, with the best centre of all."""
    level = state.zones[z].level
    bit = np.uint8(1 << level)
    only = state.zones[z].wanted + case.units[i].wanted > 0
    best, far = np.inf, 0
    clashes = state.zones[z].clashes
    hours_i = case.units[i].hours
    scale, reach_cost = case.weights[0], penalty[REACH]
    own, own_far = 0.0, 0
    for k in range(state.zones[z].size):
        j = state.member[z, k]
        own += case.units[j].hours * case.minutes[j, i]
        if not case.allowed[j, i] & bit:
            own_far += 1
        if only and not case.units[j].wanted:
            continue
        beyond = state.units[j].beyond + (0 if case.allowed[i, j] & bit else 1)
        value = scale * (state.units[j].to_all + hours_i * case.minutes[i, j]) + reach_cost * beyond
        if value < best:
            best, far = value, beyond
    if case.conflict.shape[0] > 1:
        for k in range(state.zones[z].size):
            j = state.member[z, k]
            if case.conflict[i, j] & bit:
                clashes += 1
    if not case.allowed[i, i] & bit:
        own_far += 1
    if not only or case.units[i].wanted:
        value = scale * own + reach_cost * own_far
        if value < best:
            best, far = value, own_far
    urban = state.zones[z].urban + case.urban[level, i]
    cost = (best - reach_cost * far) + zone_breaks(
        case, state.zones[z].hours + hours_i, state.zones[z].customers + case.units[i].customers, urban, level, far, clashes,
        state.zones[z].wanted + case.units[i].wanted, penalty,
    )  # fmt: skip
    return cost + side_after(case, state, i, z, 1.0)


@inner
def side_after(case, state, i, z, sign):
    """Return what a zone would add for borders and change, were the unit there (sign 1) or gone (-1)."""
    cost, hours_i = 0.0, case.units[i].hours
    if case.weights[2] > 0:
        most = 0.0
        for code in range(state.by_border.shape[1]):
            value = state.by_border[z, code] + (sign * hours_i if code == case.units[i].border else 0.0)
            most = max(most, value)
        cost += case.weights[2] * (state.zones[z].hours + sign * hours_i - most)
    if case.weights[1] > 0 and state.zones[z].match >= 0:
        kept = state.by_before[z, state.zones[z].match] + (
            sign * hours_i if case.units[i].before == state.zones[z].match else 0.0
        )
        cost -= case.weights[1] * kept
    return cost


@inner
def links_change(case, state, i, target):
    """Return how many more links are broken when the unit goes to the target zone."""
    change = 0
    for k in range(case.link_ptr[i], case.link_ptr[i + 1]):
        other = state.units[case.links[k].to].zone
        was, will = other == state.units[i].zone, other == target
        if case.links[k].weight > 0:
            change += int(was) - int(will)
        else:
            change += int(will) - int(was)
    return change


@inner
def cut_change(case, state, i, target):
    """Return the change in the cost of cut boundary when the unit goes to the target zone."""
    change = 0.0
    for k in range(case.indptr[i], case.indptr[i + 1]):
        other = state.units[case.pairs[k].to].zone
        if other == state.units[i].zone:
            change += case.pairs[k].cost
        elif other == target:
            change -= case.pairs[k].cost
    return change


@inner
def holds_without(case, state, i):
    """Return whether the unit's zone stays connected without it."""
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
def remove(case, state, i):
    """Take a unit out of its zone's lists and sums; the zone's centre is not looked at."""
    z = state.units[i].zone
    bit = np.uint8(1 << state.zones[z].level)
    for k in range(state.zones[z].size):
        j = state.member[z, k]
        state.units[j].to_all -= case.units[i].hours * case.minutes[i, j]
        if not case.allowed[i, j] & bit:
            state.units[j].beyond -= 1
        if case.conflict.shape[0] > 1 and case.conflict[i, j] & bit:
            state.zones[z].clashes -= 1
    last = state.member[z, state.zones[z].size - 1]
    state.member[z, state.units[i].place] = last
    state.units[last].place = state.units[i].place
    state.zones[z].size -= 1
    _count(case, state, i, z, -1)
    state.units[i].zone = -1


@inner
def add(case, state, i, z):
    """Put a unit into a zone's lists and sums; the zone's centre is not looked at."""
    bit = np.uint8(1 << state.zones[z].level)
    state.units[i].to_all = 0.0
    state.units[i].beyond = 0
    for k in range(state.zones[z].size):
        j = state.member[z, k]
        state.units[j].to_all += case.units[i].hours * case.minutes[i, j]
        state.units[i].to_all += case.units[j].hours * case.minutes[j, i]
        if not case.allowed[i, j] & bit:
            state.units[j].beyond += 1
        if not case.allowed[j, i] & bit:
            state.units[i].beyond += 1
        if case.conflict.shape[0] > 1 and case.conflict[i, j] & bit:
            state.zones[z].clashes += 1
    if not case.allowed[i, i] & bit:
        state.units[i].beyond += 1
    state.member[z, state.zones[z].size] = i
    state.units[i].place = state.zones[z].size
    state.zones[z].size += 1
    state.units[i].zone = z
    _count(case, state, i, z, 1)


@inner
def _count(case, state, i, z, sign):
    """Add a unit to a zone's sums (sign 1) or take it off (-1)."""
    state.zones[z].hours += sign * case.units[i].hours
    state.zones[z].customers += sign * case.units[i].customers
    state.zones[z].urban += sign * case.urban[state.zones[z].level, i]
    state.zones[z].wanted += sign * case.units[i].wanted
    state.levels[state.zones[z].level].hours += sign * case.units[i].hours
    state.by_border[z, case.units[i].border] += sign * case.units[i].hours
    state.by_before[z, case.units[i].before] += sign * case.units[i].hours


@inner
def recount(case, state, penalty):
    """Work every zone out anew from `zone`, `level` and `match`: no rounding error outlives a call."""
    n, slots = state.units.shape[0], state.zones.shape[0]
    labels = state.units.zone.copy()
    for z in range(slots):
        state.zones[z].size = 0
        state.zones[z].hours = state.zones[z].customers = state.zones[z].urban = state.zones[z].travel = 0.0
        state.zones[z].clashes = state.zones[z].wanted = state.zones[z].far = 0
        state.zones[z].centre = -1
    state.by_border[:] = 0.0
    state.by_before[:] = 0.0
    for level in range(state.levels.shape[0]):
        state.levels[level].hours = 0.0
        state.levels[level].used = 0
    for i in range(n):
        add(case, state, i, labels[i])
    for z in range(slots):
        if state.zones[z].size > 0:
            state.levels[state.zones[z].level].used += 1
            pick_centre(case, state, z, penalty)
    broken, cut = 0, 0.0
    for i in range(n):
        for k in range(case.link_ptr[i], case.link_ptr[i + 1]):
            same = state.units[case.links[k].to].zone == state.units[i].zone
            if same == (case.links[k].weight < 0) and case.links[k].to > i:
                broken += 1
        for k in range(case.indptr[i], case.indptr[i + 1]):
            if case.pairs[k].to > i and state.units[case.pairs[k].to].zone != state.units[i].zone:
                cut += case.pairs[k].cost
    state.sums[0].links = broken
    state.sums[0].cut = cut


@inner
def total_price(case, state, penalty):
    """Return what the whole plan costs, with penalties."""
    cost = state.sums[0].cut + penalty[LINK] * state.sums[0].links + share_breaks(case, state, penalty)
    for z in range(state.zones.shape[0]):
        if state.zones[z].size > 0:
            cost += price_of(case, state, z, penalty)
    return cost


@inner
def breaks(case, state, found):
    """Fill `found` (kinds,) with how much of each kind of rule is broken; return whether nothing is."""
    found[:] = 0.0
    found[LINK] = state.sums[0].links
    for level in range(case.levels.shape[0]):
        found[SHARE] += outside(
            state.levels[level].hours, case.levels[level].share_low, case.levels[level].share_high
        )
        found[LINK] += max(
            0,
            case.levels[level].least - state.levels[level].used,
            state.levels[level].used - case.levels[level].most,
        )
    for z in range(state.zones.shape[0]):
        if state.zones[z].size == 0:
            continue
        level = state.zones[z].level
        found[VOLUME] += outside(state.zones[z].hours, case.levels[level].low, case.levels[level].high)
        found[PEOPLE] += outside(state.zones[z].customers, case.levels[level].few, case.levels[level].many)
        found[REACH] += state.zones[z].far
        found[CLASH] += state.zones[z].clashes
        found[LINK] += max(0, state.zones[z].wanted - 1)
        found[URBAN] += max(
            0.0, case.levels[level].character * state.zones[z].hours - state.zones[z].urban - 1e-9
        )
    return found.sum() == 0.0
