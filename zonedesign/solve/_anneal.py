"""Kernel of the search: simulated annealing over connected zones, with shifts, exchanges and recombinations.

Shifts move one unit across a boundary, exchanges two; a recombination joins two neighbouring zones and cuts a random spanning tree of
them anew (DeFord, Duchin and Solomon 2021), which also lets levels, and where counts are open the number of zones, change. Penalties
follow how long their rules stay broken (Gendreau, Hertz and Laporte 1994: strategic oscillation).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from zonedesign.solve._moves import (
    add,
    breaks,
    cut_change,
    holds_without,
    links_change,
    outside,
    pick_centre,
    price_of,
    price_with,
    price_without,
    recount,
    remove,
    share_breaks,
    total_price,
)

LINK, KINDS = 4, 7
FREE, RECOUNT_EVERY = -1, 200_000


@njit(cache=True, nogil=True)
def shift(case, state, i, z, penalty):
    """Move a unit to another zone, with all sums; centres follow."""
    source = state.zone[i]
    state.links[0] += links_change(case, state, i, z)
    state.cut[0] += cut_change(case, state, i, z)
    remove(case, state, i)
    add(case, state, i, z)
    pick_centre(case, state, source, penalty)
    pick_centre(case, state, z, penalty)


@njit(cache=True, nogil=True)
def shift_price(case, state, i, z, penalty):
    """Return by how much the price changes when a unit goes to zone z."""
    source = state.zone[i]
    change = price_without(case, state, i, penalty) - price_of(case, state, source, penalty)
    change += price_with(case, state, i, z, penalty) - price_of(case, state, z, penalty)
    change += cut_change(case, state, i, z)
    if case.link_ptr[i + 1] > case.link_ptr[i]:
        change += penalty[LINK] * links_change(case, state, i, z)
    if state.level[source] != state.level[z]:
        before = share_breaks(case, state.level_hours, penalty)
        state.level_hours[state.level[source]] -= case.hours[i]
        state.level_hours[state.level[z]] += case.hours[i]
        change += share_breaks(case, state.level_hours, penalty) - before
        state.level_hours[state.level[source]] += case.hours[i]
        state.level_hours[state.level[z]] -= case.hours[i]
    return change


@njit(cache=True, nogil=True)
def other_zone(case, state, i):
    """Return a zone that the unit might go to: a random neighbour's, or -1."""
    degree = case.indptr[i + 1] - case.indptr[i]
    if degree == 0 or case.fixed[i]:
        return FREE
    j = case.near[case.indptr[i] + np.random.randint(degree)]  # noqa: NPY002
    z = state.zone[j]
    if z == state.zone[i] or case.fixed[j] or case.nest[j] != case.nest[i]:
        return FREE
    return z


@njit(cache=True, nogil=True)
def any_zone(case, state, i):
    """Return any zone whose level need not be connected and that could reach the unit, or -1."""
    z = np.random.randint(state.size.shape[0])  # noqa: NPY002
    if state.size[z] == 0 or z == state.zone[i] or case.fixed[i] or not case.loose[state.level[z]]:
        return FREE
    j = state.centre[z]
    if j < 0 or case.fixed[j] or case.nest[j] != case.nest[i]:
        return FREE
    return z


@njit(cache=True, nogil=True)
def accepted(change, heat):
    """Return whether a change of price is taken at this temperature (Metropolis 1953)."""
    return change <= 0 or (heat > 0 and np.random.random() < np.exp(-change / heat))  # noqa: NPY002


@njit(cache=True, nogil=True)
def set_level(case, state, z, level, penalty):
    """Give a zone another level, and work out what its reach and sums are there."""
    state.used[state.level[z]] -= 1
    state.used[level] += 1
    units = state.member[z, : state.size[z]].copy()
    for k in range(units.shape[0]):
        remove(case, state, units[k])
    state.level[z] = level
    for k in range(units.shape[0]):
        add(case, state, units[k], z)
    if units.shape[0] > 0:
        pick_centre(case, state, z, penalty)


@njit(cache=True, nogil=True)
def grow_tree(case, state, a, b, units, parent, tree):
    """Grow a random spanning tree over two zones into `units` (order) and `parent`; return how many units it holds."""
    root = state.member[a, np.random.randint(state.size[a])]  # noqa: NPY002
    stamp = state.stamp
    n = stamp.shape[0] - 1
    stamp[n] += 2
    mark = stamp[n]
    count, edges = 0, 0
    parent[root] = -1
    unit = root
    while True:
        stamp[unit] = mark
        units[count] = unit
        count += 1
        for k in range(case.indptr[unit], case.indptr[unit + 1]):
            j = case.near[k]
            if (state.zone[j] == a or state.zone[j] == b) and stamp[j] != mark and edges < tree.shape[0]:
                tree[edges, 0] = unit
                tree[edges, 1] = j
                edges += 1
        unit = -1
        while edges > 0:
            pick = np.random.randint(edges)  # noqa: NPY002
            start, end = tree[pick, 0], tree[pick, 1]
            edges -= 1
            tree[pick, 0], tree[pick, 1] = tree[edges, 0], tree[edges, 1]
            if stamp[end] != mark:
                parent[end] = start
                unit = end
                break
        if unit < 0:
            return count


@njit(cache=True, nogil=True)
def counts_allow(case, state, out_a, out_b, in_a, in_b):
    """Return whether zone counts stay in range when zones of levels `out` give way to zones of levels `in` (-1: none)."""
    for level in range(case.low.shape[0]):
        change = int(in_a == level) + int(in_b == level) - int(out_a == level) - int(out_b == level)
        number = state.used[level] + change
        if change < 0 and number < case.least[level]:
            return False
        if change > 0 and number > case.most[level]:
            return False
    return True


@njit(cache=True, nogil=True)
def band_breaks(case, hours, customers, level, penalty):
    """Return what hours and customers outside a level's bands cost."""
    return penalty[0] * outside(hours, case.low[level], case.high[level]) + penalty[2] * outside(
        customers, case.few[level], case.many[level]
    )


@njit(cache=True, nogil=True)
def recombine(case, state, a, b, penalty, heat, room):
    """Join zones a and b (b may be a free slot: a is split), cut them anew, keep the result where it is accepted.

    Returns the change of price, 0 where nothing came of it.
    """
    units, parent, tree, hours, customers, side = room
    out_b = state.level[b] if state.size[b] > 0 else -1
    out_a = state.level[a]
    total_units = state.size[a] + state.size[b]
    if total_units < 2 or grow_tree(case, state, a, b, units, parent, tree) != total_units:
        return 0.0
    for k in range(total_units):
        unit = units[k]
        hours[unit], customers[unit] = case.hours[unit], case.customers[unit]
    for k in range(total_units - 1, 0, -1):
        unit = units[k]
        hours[parent[unit]] += hours[unit]
        customers[parent[unit]] += customers[unit]
    all_hours, all_customers = hours[units[0]], customers[units[0]]
    now = band_breaks(case, state.hours[a], state.customers[a], out_a, penalty)
    if out_b >= 0:
        now += band_breaks(case, state.hours[b], state.customers[b], out_b, penalty)
    levels = case.low.shape[0]
    seen, cut, level_1, level_2 = 0, -1, -1, -1
    for one in range(levels):
        for two in range(levels):
            if not counts_allow(case, state, out_a, out_b, one, two):
                continue
            for k in range(1, total_units):
                unit = units[k]
                cost = band_breaks(case, hours[unit], customers[unit], one, penalty)
                if cost > now + heat:
                    continue
                cost += band_breaks(
                    case, all_hours - hours[unit], all_customers - customers[unit], two, penalty
                )
                if cost > now + heat:
                    continue
                seen += 1
                if np.random.randint(seen) == 0:  # noqa: NPY002
                    cut, level_1, level_2 = unit, one, two
    if cut < 0:
        return 0.0
    stay = 0  # how many units keep their zone if the cut side becomes a, less if it becomes b
    for k in range(total_units):
        unit = units[k]
        side[unit] = unit == cut or (k > 0 and side[parent[unit]])
        stay += 1 if side[unit] == (state.zone[unit] == a) else -1
    cut_is_a = stay >= 0
    before = _pair_price(case, state, a, b, penalty)
    for k in range(total_units):
        units[total_units + k] = state.zone[units[k]]
    _lay(case, state, a, b, units, side, total_units, cut_is_a, level_1, level_2, penalty)
    change = _pair_price(case, state, a, b, penalty) - before
    if accepted(change, heat):
        return change
    _restore(case, state, a, b, units, total_units, out_a, out_b, penalty)
    return 0.0


@njit(cache=True, nogil=True)
def _pair_price(case, state, a, b, penalty):
    cost = state.cut[0] + penalty[LINK] * state.links[0] + share_breaks(case, state.level_hours, penalty)
    if state.size[a] > 0:
        cost += price_of(case, state, a, penalty)
    if state.size[b] > 0:
        cost += price_of(case, state, b, penalty)
    return cost


@njit(cache=True, nogil=True)
def _send(case, state, i, z):
    """Move a unit with its sums, leaving centres for later."""
    if state.zone[i] != z:
        state.links[0] += links_change(case, state, i, z)
        state.cut[0] += cut_change(case, state, i, z)
        remove(case, state, i)
        add(case, state, i, z)


@njit(cache=True, nogil=True)
def _lay(case, state, a, b, units, side, count, cut_is_a, level_1, level_2, penalty):
    """Lay the cut side in one zone and the rest in the other, at their levels."""
    if state.size[b] == 0:
        state.used[level_2 if cut_is_a else level_1] += 1
        state.level[b] = level_2 if cut_is_a else level_1
    for k in range(count):
        _send(case, state, units[k], a if side[units[k]] == cut_is_a else b)
    _relevel(case, state, a, level_1 if cut_is_a else level_2, penalty)
    _relevel(case, state, b, level_2 if cut_is_a else level_1, penalty)


@njit(cache=True, nogil=True)
def _relevel(case, state, z, level, penalty):
    if state.level[z] != level:
        set_level(case, state, z, level, penalty)
    else:
        pick_centre(case, state, z, penalty)


@njit(cache=True, nogil=True)
def _restore(case, state, a, b, units, count, level_a, level_b, penalty):
    """Put the units of two zones back to where `units[count:]` says they were."""
    for k in range(count):
        _send(case, state, units[k], units[count + k])
    _relevel(case, state, a, level_a, penalty)
    if level_b >= 0:
        _relevel(case, state, b, level_b, penalty)
    else:
        state.used[state.level[b]] -= 1


@njit(cache=True, nogil=True)
def unite(case, state, a, b, penalty, heat, room):
    """Join zones a and b at whatever level serves best, where counts allow; return the change of price, 0 if refused."""
    units = room[0]
    level_a, level_b = state.level[a], state.level[b]
    hours, customers = state.hours[a] + state.hours[b], state.customers[a] + state.customers[b]
    best, chosen = np.inf, -1
    scattered = case.loose[level_a] or case.loose[level_b]
    for level in range(case.low.shape[0]):
        if (case.loose[level] or not scattered) and counts_allow(case, state, level_a, level_b, level, -1):
            cost = band_breaks(case, hours, customers, level, penalty)
            if cost < best:
                best, chosen = cost, level
    if chosen < 0:
        return 0.0
    count = state.size[a] + state.size[b]
    before = _pair_price(case, state, a, b, penalty)
    for k in range(state.size[a]):
        units[k] = state.member[a, k]
    for k in range(state.size[b]):
        units[state.size[a] + k] = state.member[b, k]
    for k in range(count):
        units[count + k] = state.zone[units[k]]
    for k in range(count):
        _send(case, state, units[k], a)
    state.used[level_b] -= 1
    _relevel(case, state, a, chosen, penalty)
    change = _pair_price(case, state, a, b, penalty) - before
    if accepted(change, heat):
        return change
    state.used[level_b] += 1
    _restore(case, state, a, b, units, count, level_a, level_b, penalty)
    return 0.0


@njit(cache=True, nogil=True)
def exchange(case, state, i, penalty, heat):
    """Move a unit to a neighbouring zone and another unit out of that zone, as one move; return the change of price."""
    source, target = state.zone[i], other_zone(case, state, i)
    if target < 0 or state.size[source] < 2 or not holds_without(case, state, i):
        return 0.0
    first = shift_price(case, state, i, target, penalty)
    shift(case, state, i, target, penalty)
    for _ in range(3):
        j = state.member[target, np.random.randint(state.size[target])]  # noqa: NPY002
        back = other_zone(case, state, j)
        if j == i or back < 0 or state.size[target] < 2:
            continue
        change = first + shift_price(case, state, j, back, penalty)
        if accepted(change, heat) and holds_without(case, state, j):
            shift(case, state, j, back, penalty)
            return change
    if not accepted(first, heat):
        shift(case, state, i, source, penalty)
        return 0.0
    return first


@njit(cache=True, nogil=True)
def anneal(case, state, penalty, seed, moves, heats, share_of_large, best):
    """Search from a state; return the best price without broken rules (inf if none), its labels and levels in `best`.

    `heats` is (first, last) temperature in hour-minutes; `best` is (zone (n,), level (Z,), centre (Z,), price (1,)).
    """
    np.random.seed(seed)  # noqa: NPY002  (numba's generator belongs to this thread)
    n, slots = state.zone.shape[0], state.size.shape[0]
    room = (
        np.empty(2 * n, np.int32),
        np.empty(n, np.int32),
        np.empty((case.near.shape[0] + 1, 2), np.int32),
        np.empty(n),
        np.empty(n),
        np.zeros(n, np.bool_),
    )
    recount(case, state, penalty)
    price = total_price(case, state, penalty)
    found = np.zeros(KINDS)
    cooling = (heats[1] / heats[0]) ** (1.0 / max(1, moves)) if heats[0] > 0 else 1.0
    heat = heats[0]
    any_loose = case.loose.any()
    open_counts = False
    for level in range(case.low.shape[0]):
        open_counts = open_counts or case.most[level] > case.least[level]
    period = max(2_000, 4 * n)
    for move in range(moves):
        heat *= cooling
        dice = np.random.random()  # noqa: NPY002
        i = np.random.randint(n)  # noqa: NPY002
        change = 0.0
        if dice < share_of_large:
            j = other_zone(case, state, i)
            if j >= 0:
                a = state.zone[i]
                kind = np.random.random()  # noqa: NPY002
                if open_counts and kind < 0.15:
                    change = unite(case, state, a, j, penalty, heat, room)
                elif open_counts and kind < 0.4:
                    for z in range(slots):
                        if state.size[z] == 0:
                            change = recombine(case, state, a, z, penalty, heat, room)
                            break
                else:
                    change = recombine(case, state, a, j, penalty, heat, room)
        elif dice < 0.15:
            change = exchange(case, state, i, penalty, heat)
        else:
            z = any_zone(case, state, i) if any_loose and dice < 0.3 else other_zone(case, state, i)
            if z >= 0 and state.size[state.zone[i]] > 1:
                change = shift_price(case, state, i, z, penalty)
                if accepted(change, heat) and holds_without(case, state, i):
                    shift(case, state, i, z, penalty)
                else:
                    change = 0.0
        price += change
        if change != 0.0 and price < best[3][0] - 1e-7 * abs(price) and breaks(case, state, found):
            best[0][:] = state.zone
            best[1][:] = state.level
            best[2][:] = state.centre
            best[3][0] = price
        if move % period == period - 1:
            breaks(case, state, found)
            for kind in range(KINDS):
                penalty[kind] *= 1.2 if found[kind] > 0 else 0.93
                penalty[kind] = min(max(penalty[kind], penalty[KINDS + kind]), penalty[2 * KINDS + kind])
            if (move // period) % 20 == 0:
                recount(case, state, penalty)
            price = total_price(case, state, penalty)
    return best[3][0]
