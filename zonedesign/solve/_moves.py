"""Kernels of the search: zones kept as lists of units, changed one move at a time, every move priced exactly.

Costs are in hour-minutes: the objective times all hours. A broken rule costs a penalty, so that the search may pass through
plans that are not allowed on its way to better ones; only a plan without penalties is ever kept.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit


class Case(NamedTuple):
    """The problem as the kernels see it; n units, L levels. Nothing here changes."""

    minutes: Any  # (n, n) float32: [i, j] from centre j to unit i, capped where out of reach
    allowed: Any  # (n, n) uint8: bit l set where level l allows unit i with centre j
    conflict: Any  # (n, n) uint8, or (1, 1): bit l set where level l forbids i and k in one zone
    hours: Any  # (n,)
    customers: Any  # (n,)
    urban: Any  # (L, n) hours that count for the level's character
    nest: Any  # (n,) zones never mix two codes
    indptr: Any  # contiguity
    near: Any
    edge: Any  # cost in hour-minutes of cutting each contiguity pair
    link_ptr: Any  # pairs that must be together (weight 1) or apart (-1)
    link_to: Any
    link_weight: Any
    wanted: Any  # (n,) bool: must be a centre
    fixed: Any  # (n,) bool: frozen, never moves
    border: Any  # (n,) code of the border to follow
    before: Any  # (n,) zone in the baseline
    low: Any  # (L,) weekly hours
    high: Any
    few: Any  # (L,) customers
    many: Any
    share: Any  # (L, 2) hours of all zones of the level
    character: Any  # (L,) least share of hours, 0 for none
    loose: Any  # (L,) bool: zones need not be connected
    least: Any  # (L,) zones
    most: Any
    weights: Any  # travel, change, borders


class State(NamedTuple):
    """A plan in the making; Z zone slots, of which those with `size` 0 are free."""

    zone: Any  # (n,)
    member: Any  # (Z, n) int32
    place: Any  # (n,) position of the unit in its zone's list
    size: Any  # (Z,)
    level: Any  # (Z,)
    centre: Any  # (Z,)
    hours: Any  # (Z,)
    customers: Any  # (Z,)
    urban: Any  # (Z,) counting hours for the zone's own level
    to_all: Any  # (n,) hour-minutes to the rest of its zone, were the unit its centre
    beyond: Any  # (n,) units of its zone that it could not reach, were it its centre
    clashes: Any  # (Z,) pairs of units too far apart
    wanted: Any  # (Z,) units that must be centres
    travel: Any  # (Z,) hour-minutes from the centre
    far: Any  # (Z,) units out of the centre's reach
    by_border: Any  # (Z, codes) hours
    by_before: Any  # (Z, zones before) hours
    match: Any  # (Z,) the zone before that this one continues, or -1
    used: Any  # (L,) zones of the level
    level_hours: Any  # (L,)
    links: Any  # (1,) links broken
    cut: Any  # (1,) hour-minutes of cut boundary
    stamp: Any  # (n + 1,) marks of the connectivity search, the last one being the latest mark
    stack: Any  # (n,)


VOLUME, REACH, PEOPLE, CLASH, LINK, SHARE, URBAN, KINDS = 0, 1, 2, 3, 4, 5, 6, 7


@njit(cache=True, nogil=True)
def outside(value, low, high):
    """Return how far a value lies outside its band."""
    if value < low - 1e-6:
        return low - value
    if value > high + 1e-6:
        return value - high
    return 0.0


@njit(cache=True, nogil=True)
def zone_breaks(case, hours, customers, urban, level, far, clashes, wanted, penalty):
    """Return what a zone's broken rules cost."""
    cost = penalty[VOLUME] * outside(hours, case.low[level], case.high[level])
    cost += penalty[PEOPLE] * outside(customers, case.few[level], case.many[level])
    cost += penalty[REACH] * far + penalty[CLASH] * clashes
    if wanted > 1:
        cost += penalty[LINK] * (wanted - 1)
    if case.character[level] > 0:
        cost += penalty[URBAN] * max(0.0, case.character[level] * hours - urban - 1e-6 * hours)
    return cost


@njit(cache=True, nogil=True)
def share_breaks(case, level_hours, penalty):
    """Return what levels cost whose share of all hours is out of range."""
    cost = 0.0
    for level in range(case.low.shape[0]):
        cost += outside(level_hours[level], case.share[level, 0], case.share[level, 1])
    return penalty[SHARE] * cost


@njit(cache=True, nogil=True)
def side_terms(case, state, z):
    """Return what a zone adds to the objective for borders and change."""
    cost = 0.0
    if case.weights[2] > 0:
        cost += case.weights[2] * (state.hours[z] - state.by_border[z].max())
    if case.weights[1] > 0 and state.match[z] >= 0:
        cost -= case.weights[1] * state.by_before[z, state.match[z]]
    return cost


@njit(cache=True, nogil=True)
def pick_centre(case, state, z, penalty):
    """Give a zone the centre that costs least: travel, and units out of reach."""
    best, chosen, travel, far = np.inf, -1, 0.0, 0
    only = state.wanted[z] > 0
    for k in range(state.size[z]):
        j = state.member[z, k]
        if only and not case.wanted[j]:
            continue
        value = case.weights[0] * state.to_all[j] + penalty[REACH] * state.beyond[j]
        if value < best or (value == best and j < chosen):
            best, chosen, travel, far = value, j, state.to_all[j], state.beyond[j]
    state.centre[z] = chosen
    state.travel[z] = travel
    state.far[z] = far


@njit(cache=True, nogil=True)
def price_of(case, state, z, penalty):
    """Return what a zone costs as it stands, with its penalties."""
    return (
        case.weights[0] * state.travel[z]
        + zone_breaks(
            case,
            state.hours[z],
            state.customers[z],
            state.urban[z],
            state.level[z],
            state.far[z],
            state.clashes[z],
            state.wanted[z],
            penalty,
        )
        + side_terms(case, state, z)
    )


@njit(cache=True, nogil=True)
def price_without(case, state, i, penalty):
    """Return what the unit's zone would cost without it, with the best centre of the rest."""
    z = state.zone[i]
    level = state.level[z]
    bit = np.uint8(1 << level)
    only = state.wanted[z] - case.wanted[i] > 0
    best, far = np.inf, 0
    clashes = state.clashes[z]
    hours_i = case.hours[i]
    scale, reach_cost = case.weights[0], penalty[REACH]
    for k in range(state.size[z]):
        j = state.member[z, k]
        if j == i or (only and not case.wanted[j]):
            continue
        beyond = state.beyond[j] - (0 if case.allowed[i, j] & bit else 1)
        value = scale * (state.to_all[j] - hours_i * case.minutes[i, j]) + reach_cost * beyond
        if value < best:
            best, far = value, beyond
    if case.conflict.shape[0] > 1:
        for k in range(state.size[z]):
            j = state.member[z, k]
            if case.conflict[i, j] & bit:
                clashes -= 1
    urban = state.urban[z] - case.urban[level, i]
    cost = (best - reach_cost * far) + zone_breaks(
        case, state.hours[z] - hours_i, state.customers[z] - case.customers[i], urban, level, far, clashes,
        state.wanted[z] - case.wanted[i], penalty,
    )  # fmt: skip
    return cost + side_after(case, state, i, z, -1.0)


@njit(cache=True, nogil=True)
def price_with(case, state, i, z, penalty):
    """Return what a zone would cost with a unit of another zone, with the best centre of all."""
    level = state.level[z]
    bit = np.uint8(1 << level)
    only = state.wanted[z] + case.wanted[i] > 0
    best, far = np.inf, 0
    clashes = state.clashes[z]
    hours_i = case.hours[i]
    scale, reach_cost = case.weights[0], penalty[REACH]
    own, own_far = 0.0, 0
    for k in range(state.size[z]):
        j = state.member[z, k]
        own += case.hours[j] * case.minutes[j, i]
        if not case.allowed[j, i] & bit:
            own_far += 1
        if only and not case.wanted[j]:
            continue
        beyond = state.beyond[j] + (0 if case.allowed[i, j] & bit else 1)
        value = scale * (state.to_all[j] + hours_i * case.minutes[i, j]) + reach_cost * beyond
        if value < best:
            best, far = value, beyond
    if case.conflict.shape[0] > 1:
        for k in range(state.size[z]):
            j = state.member[z, k]
            if case.conflict[i, j] & bit:
                clashes += 1
    if not case.allowed[i, i] & bit:
        own_far += 1
    if not only or case.wanted[i]:
        value = scale * own + reach_cost * own_far
        if value < best:
            best, far = value, own_far
    urban = state.urban[z] + case.urban[level, i]
    cost = (best - reach_cost * far) + zone_breaks(
        case, state.hours[z] + hours_i, state.customers[z] + case.customers[i], urban, level, far, clashes,
        state.wanted[z] + case.wanted[i], penalty,
    )  # fmt: skip
    return cost + side_after(case, state, i, z, 1.0)


@njit(cache=True, nogil=True)
def side_after(case, state, i, z, sign):
    """Return what a zone would add for borders and change, were the unit there (sign 1) or gone (-1)."""
    cost, hours_i = 0.0, case.hours[i]
    if case.weights[2] > 0:
        most = 0.0
        for code in range(state.by_border.shape[1]):
            value = state.by_border[z, code] + (sign * hours_i if code == case.border[i] else 0.0)
            most = max(most, value)
        cost += case.weights[2] * (state.hours[z] + sign * hours_i - most)
    if case.weights[1] > 0 and state.match[z] >= 0:
        kept = state.by_before[z, state.match[z]] + (
            sign * hours_i if case.before[i] == state.match[z] else 0.0
        )
        cost -= case.weights[1] * kept
    return cost


@njit(cache=True, nogil=True)
def links_change(case, state, i, target):
    """Return how many more links are broken when the unit goes to the target zone."""
    change = 0
    for k in range(case.link_ptr[i], case.link_ptr[i + 1]):
        other = state.zone[case.link_to[k]]
        was, will = other == state.zone[i], other == target
        if case.link_weight[k] > 0:
            change += int(was) - int(will)
        else:
            change += int(will) - int(was)
    return change


@njit(cache=True, nogil=True)
def cut_change(case, state, i, target):
    """Return the change in the cost of cut boundary when the unit goes to the target zone."""
    change = 0.0
    for k in range(case.indptr[i], case.indptr[i + 1]):
        other = state.zone[case.near[k]]
        if other == state.zone[i]:
            change += case.edge[k]
        elif other == target:
            change -= case.edge[k]
    return change


@njit(cache=True, nogil=True)
def holds_without(case, state, i):
    """Return whether the unit's zone stays connected without it."""
    z = state.zone[i]
    if case.loose[state.level[z]] or state.size[z] <= 2:
        return True
    first, wanted = -1, 0
    stamp = state.stamp
    n = stamp.shape[0] - 1
    stamp[n] += 2
    mark = stamp[n]  # mark - 1: a neighbour to be found; mark: seen
    for k in range(case.indptr[i], case.indptr[i + 1]):
        j = case.near[k]
        if state.zone[j] == z:
            stamp[j] = mark - 1
            wanted += 1
            first = j
    if wanted == 0:
        return False
    if wanted == 1:
        return True
    found, top = 1, 1
    stamp[i] = mark
    stamp[first] = mark
    state.stack[0] = first
    while top > 0:
        top -= 1
        unit = state.stack[top]
        for k in range(case.indptr[unit], case.indptr[unit + 1]):
            j = case.near[k]
            if state.zone[j] != z or stamp[j] == mark:
                continue
            if stamp[j] == mark - 1:
                found += 1
                if found == wanted:
                    return True
            stamp[j] = mark
            state.stack[top] = j
            top += 1
    return False


@njit(cache=True, nogil=True)
def remove(case, state, i):
    """Take a unit out of its zone's lists and sums; the zone's centre is not looked at."""
    z = state.zone[i]
    bit = np.uint8(1 << state.level[z])
    for k in range(state.size[z]):
        j = state.member[z, k]
        state.to_all[j] -= case.hours[i] * case.minutes[i, j]
        if not case.allowed[i, j] & bit:
            state.beyond[j] -= 1
        if case.conflict.shape[0] > 1 and case.conflict[i, j] & bit:
            state.clashes[z] -= 1
    last = state.member[z, state.size[z] - 1]
    state.member[z, state.place[i]] = last
    state.place[last] = state.place[i]
    state.size[z] -= 1
    _count(case, state, i, z, -1)
    state.zone[i] = -1


@njit(cache=True, nogil=True)
def add(case, state, i, z):
    """Put a unit into a zone's lists and sums; the zone's centre is not looked at."""
    bit = np.uint8(1 << state.level[z])
    state.to_all[i] = 0.0
    state.beyond[i] = 0
    for k in range(state.size[z]):
        j = state.member[z, k]
        state.to_all[j] += case.hours[i] * case.minutes[i, j]
        state.to_all[i] += case.hours[j] * case.minutes[j, i]
        if not case.allowed[i, j] & bit:
            state.beyond[j] += 1
        if not case.allowed[j, i] & bit:
            state.beyond[i] += 1
        if case.conflict.shape[0] > 1 and case.conflict[i, j] & bit:
            state.clashes[z] += 1
    if not case.allowed[i, i] & bit:
        state.beyond[i] += 1
    state.member[z, state.size[z]] = i
    state.place[i] = state.size[z]
    state.size[z] += 1
    state.zone[i] = z
    _count(case, state, i, z, 1)


@njit(cache=True, nogil=True)
def _count(case, state, i, z, sign):
    """Add a unit to a zone's sums (sign 1) or take it off (-1)."""
    state.hours[z] += sign * case.hours[i]
    state.customers[z] += sign * case.customers[i]
    state.urban[z] += sign * case.urban[state.level[z], i]
    state.wanted[z] += sign * case.wanted[i]
    state.level_hours[state.level[z]] += sign * case.hours[i]
    state.by_border[z, case.border[i]] += sign * case.hours[i]
    state.by_before[z, case.before[i]] += sign * case.hours[i]


@njit(cache=True, nogil=True)
def recount(case, state, penalty):
    """Work every zone out anew from `zone`, `level` and `match`: no rounding error outlives a call."""
    n, slots = state.zone.shape[0], state.size.shape[0]
    labels = state.zone.copy()
    for z in range(slots):
        state.size[z] = 0
        state.hours[z] = state.customers[z] = state.urban[z] = state.travel[z] = 0.0
        state.clashes[z] = state.wanted[z] = state.far[z] = 0
        state.centre[z] = -1
    state.by_border[:] = 0.0
    state.by_before[:] = 0.0
    state.level_hours[:] = 0.0
    state.used[:] = 0
    for i in range(n):
        add(case, state, i, labels[i])
    for z in range(slots):
        if state.size[z] > 0:
            state.used[state.level[z]] += 1
            pick_centre(case, state, z, penalty)
    broken, cut = 0, 0.0
    for i in range(n):
        for k in range(case.link_ptr[i], case.link_ptr[i + 1]):
            same = state.zone[case.link_to[k]] == state.zone[i]
            if same == (case.link_weight[k] < 0) and case.link_to[k] > i:
                broken += 1
        for k in range(case.indptr[i], case.indptr[i + 1]):
            if case.near[k] > i and state.zone[case.near[k]] != state.zone[i]:
                cut += case.edge[k]
    state.links[0] = broken
    state.cut[0] = cut


@njit(cache=True, nogil=True)
def total_price(case, state, penalty):
    """Return what the whole plan costs, with penalties."""
    cost = state.cut[0] + penalty[LINK] * state.links[0] + share_breaks(case, state.level_hours, penalty)
    for z in range(state.size.shape[0]):
        if state.size[z] > 0:
            cost += price_of(case, state, z, penalty)
    return cost


@njit(cache=True, nogil=True)
def breaks(case, state, found):
    """Fill `found` (kinds,) with how much of each kind of rule is broken; return whether nothing is."""
    found[:] = 0.0
    found[LINK] = state.links[0]
    for level in range(case.low.shape[0]):
        found[SHARE] += outside(state.level_hours[level], case.share[level, 0], case.share[level, 1])
        found[LINK] += max(0, case.least[level] - state.used[level], state.used[level] - case.most[level])
    for z in range(state.size.shape[0]):
        if state.size[z] == 0:
            continue
        level = state.level[z]
        found[VOLUME] += outside(state.hours[z], case.low[level], case.high[level])
        found[PEOPLE] += outside(state.customers[z], case.few[level], case.many[level])
        found[REACH] += state.far[z]
        found[CLASH] += state.clashes[z]
        found[LINK] += max(0, state.wanted[z] - 1)
        found[URBAN] += max(0.0, case.character[level] * state.hours[z] - state.urban[z] - 1e-9)
    return found.sum() == 0.0
