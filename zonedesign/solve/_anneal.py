"""Kernel of the search: simulated annealing over connected zones, with shifts, exchanges and recombinations.

Shifts move one unit across a boundary, exchanges two; a recombination joins two neighbouring zones and cuts a random spanning tree of
them anew (DeFord, Duchin and Solomon 2021), which also lets levels, and where counts are open the number of zones, change. Penalties
follow how long their rules stay broken (Gendreau, Hertz and Laporte 1994: strategic oscillation).
"""

from __future__ import annotations

import numpy as np

from zonedesign.compiled import compiled, inner

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


@inner
def shift(case, state, i, z, penalty):
    """Move a unit to another zone, with all sums; centres follow."""
    source = state.units[i].zone
    state.sums[0].links += links_change(case, state, i, z)
    state.sums[0].cut += cut_change(case, state, i, z)
    remove(case, state, i)
    add(case, state, i, z)
    pick_centre(case, state, source, penalty)
    pick_centre(case, state, z, penalty)


@inner
def shift_price(case, state, i, z, penalty):
    """Return by how much the price changes when a unit goes to zone z."""
    source = state.units[i].zone
    change = price_without(case, state, i, penalty) - price_of(case, state, source, penalty)
    change += price_with(case, state, i, z, penalty) - price_of(case, state, z, penalty)
    change += cut_change(case, state, i, z)
    if case.link_ptr[i + 1] > case.link_ptr[i]:
        change += penalty[LINK] * links_change(case, state, i, z)
    if state.zones[source].level != state.zones[z].level:
        before = share_breaks(case, state, penalty)
        state.levels[state.zones[source].level].hours -= case.units[i].hours
        state.levels[state.zones[z].level].hours += case.units[i].hours
        change += share_breaks(case, state, penalty) - before
        state.levels[state.zones[source].level].hours += case.units[i].hours
        state.levels[state.zones[z].level].hours -= case.units[i].hours
    return change


@inner
def other_zone(case, state, i):
    """Return a zone that the unit might go to: a random neighbour's, or -1."""
    degree = case.indptr[i + 1] - case.indptr[i]
    if degree == 0 or case.units[i].fixed:
        return FREE
    j = case.pairs[case.indptr[i] + np.random.randint(degree)].to  # noqa: NPY002
    z = state.units[j].zone
    if z == state.units[i].zone or case.units[j].fixed or case.units[j].nest != case.units[i].nest:
        return FREE
    return z


@inner
def any_zone(case, state, i):
    """Return any zone whose level need not be connected and that could reach the unit, or -1."""
    z = np.random.randint(state.zones.shape[0])  # noqa: NPY002
    if (
        state.zones[z].size == 0
        or z == state.units[i].zone
        or case.units[i].fixed
        or not case.levels[state.zones[z].level].loose
    ):
        return FREE
    j = state.zones[z].centre
    if j < 0 or case.units[j].fixed or case.units[j].nest != case.units[i].nest:
        return FREE
    return z


@inner
def accepted(change, heat):
    """Return whether a change of price is taken at this temperature (Metropolis 1953)."""
    return change <= 0 or (heat > 0 and np.random.random() < np.exp(-change / heat))  # noqa: NPY002


@inner
def set_level(case, state, z, level, penalty):
    """Give a zone another level, and work out what its reach and sums are there."""
    state.levels[state.zones[z].level].used -= 1
    state.levels[level].used += 1
    units = state.member[z, : state.zones[z].size].copy()
    for k in range(units.shape[0]):
        remove(case, state, units[k])
    state.zones[z].level = level
    for k in range(units.shape[0]):
        add(case, state, units[k], z)
    if units.shape[0] > 0:
        pick_centre(case, state, z, penalty)


@inner
def grow_tree(case, state, a, b, units, parent, tree):
    """Grow a random spanning tree over two zones into `units` (order) and `parent`; return how many units it holds."""
    root = state.member[a, np.random.randint(state.zones[a].size)]  # noqa: NPY002
    state.sums[0].mark += 2
    mark = state.sums[0].mark
    count, edges = 0, 0
    parent[root] = -1
    unit = root
    while True:
        state.units[unit].stamp = mark
        units[count] = unit
        count += 1
        for k in range(case.indptr[unit], case.indptr[unit + 1]):
            j = case.pairs[k].to
            if (
                (state.units[j].zone == a or state.units[j].zone == b)
                and state.units[j].stamp != mark
                and edges < tree.shape[0]
            ):
                tree[edges, 0] = unit
                tree[edges, 1] = j
                edges += 1
        unit = -1
        while edges > 0:
            pick = np.random.randint(edges)  # noqa: NPY002
            start, end = tree[pick, 0], tree[pick, 1]
            edges -= 1
            tree[pick, 0], tree[pick, 1] = tree[edges, 0], tree[edges, 1]
            if state.units[end].stamp != mark:
                parent[end] = start
                unit = end
                break
        if unit < 0:
            return count


@inner
def counts_allow(case, state, out_a, out_b, in_a, in_b):
    """Return whether zone counts stay in range when zones of levels `out` give way to zones of levels `in` (-1: none)."""
    for level in range(case.levels.shape[0]):
        change = int(in_a == level) + int(in_b == level) - int(out_a == level) - int(out_b == level)
        number = state.levels[level].used + change
        if change < 0 and number < case.levels[level].least:
            return False
        if change > 0 and number > case.levels[level].most:
            return False
    return True


@inner
def band_breaks(case, hours, customers, level, penalty):
    """Return what hours and customers outside a level's bands cost."""
    return penalty[0] * outside(hours, case.levels[level].low, case.levels[level].high) + penalty[
        2
    ] * outside(customers, case.levels[level].few, case.levels[level].many)


@inner
def recombine(case, state, a, b, penalty, heat, room):
    """Join zones a and b (b may be a free slot: a is split), cut them anew, keep the result where it is accepted.

    Returns the change of price, 0 where nothing came of it.
    """
    units, parent, tree, hours, customers, side = room
    out_b = state.zones[b].level if state.zones[b].size > 0 else -1
    out_a = state.zones[a].level
    total_units = state.zones[a].size + state.zones[b].size
    if total_units < 2 or grow_tree(case, state, a, b, units, parent, tree) != total_units:
        return 0.0
    for k in range(total_units):
        unit = units[k]
        hours[unit], customers[unit] = case.units[unit].hours, case.units[unit].customers
    for k in range(total_units - 1, 0, -1):
        unit = units[k]
        hours[parent[unit]] += hours[unit]
        customers[parent[unit]] += customers[unit]
    all_hours, all_customers = hours[units[0]], customers[units[0]]
    now = band_breaks(case, state.zones[a].hours, state.zones[a].customers, out_a, penalty)
    if out_b >= 0:
        now += band_breaks(case, state.zones[b].hours, state.zones[b].customers, out_b, penalty)
    levels = case.levels.shape[0]
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
        stay += 1 if side[unit] == (state.units[unit].zone == a) else -1
    cut_is_a = stay >= 0
    before = _pair_price(case, state, a, b, penalty)
    for k in range(total_units):
        units[total_units + k] = state.units[units[k]].zone
    _lay(case, state, a, b, units, side, total_units, cut_is_a, level_1, level_2, penalty)
    change = _pair_price(case, state, a, b, penalty) - before
    if accepted(change, heat):
        return change
    _restore(case, state, a, b, units, total_units, out_a, out_b, penalty)
    return 0.0


@inner
def _pair_price(case, state, a, b, penalty):
    cost = state.sums[0].cut + penalty[LINK] * state.sums[0].links + share_breaks(case, state, penalty)
    if state.zones[a].size > 0:
        cost += price_of(case, state, a, penalty)
    if state.zones[b].size > 0:
        cost += price_of(case, state, b, penalty)
    return cost


@inner
def _send(case, state, i, z):
    """Move a unit with its sums, leaving centres for later."""
    if state.units[i].zone != z:
        state.sums[0].links += links_change(case, state, i, z)
        state.sums[0].cut += cut_change(case, state, i, z)
        remove(case, state, i)
        add(case, state, i, z)


@inner
def _lay(case, state, a, b, units, side, count, cut_is_a, level_1, level_2, penalty):
    """Lay the cut side in one zone and the rest in the other, at their levels."""
    if state.zones[b].size == 0:
        state.levels[level_2 if cut_is_a else level_1].used += 1
        state.zones[b].level = level_2 if cut_is_a else level_1
    for k in range(count):
        _send(case, state, units[k], a if side[units[k]] == cut_is_a else b)
    _relevel(case, state, a, level_1 if cut_is_a else level_2, penalty)
    _relevel(case, state, b, level_2 if cut_is_a else level_1, penalty)


@inner
def _relevel(case, state, z, level, penalty):
    if state.zones[z].level != level:
        set_level(case, state, z, level, penalty)
    else:
        pick_centre(case, state, z, penalty)


@inner
def _restore(case, state, a, b, units, count, level_a, level_b, penalty):
    """Put the units of two zones back to where `units[count:]` says they were."""
    for k in range(count):
        _send(case, state, units[k], units[count + k])
    _relevel(case, state, a, level_a, penalty)
    if level_b >= 0:
        _relevel(case, state, b, level_b, penalty)
    else:
        state.levels[state.zones[b].level].used -= 1


@inner
def unite(case, state, a, b, penalty, heat, room):
    """Join zones a and b at whatever level serves best, where counts allow; return the change of price, 0 if refused."""
    units = room[0]
    level_a, level_b = state.zones[a].level, state.zones[b].level
    hours, customers = (
        state.zones[a].hours + state.zones[b].hours,
        state.zones[a].customers + state.zones[b].customers,
    )
    best, chosen = np.inf, -1
    scattered = case.levels[level_a].loose or case.levels[level_b].loose
    for level in range(case.levels.shape[0]):
        if (case.levels[level].loose or not scattered) and counts_allow(
            case, state, level_a, level_b, level, -1
        ):
            cost = band_breaks(case, hours, customers, level, penalty)
            if cost < best:
                best, chosen = cost, level
    if chosen < 0:
        return 0.0
    count = state.zones[a].size + state.zones[b].size
    before = _pair_price(case, state, a, b, penalty)
    for k in range(state.zones[a].size):
        units[k] = state.member[a, k]
    for k in range(state.zones[b].size):
        units[state.zones[a].size + k] = state.member[b, k]
    for k in range(count):
        units[count + k] = state.units[units[k]].zone
    for k in range(count):
        _send(case, state, units[k], a)
    state.levels[level_b].used -= 1
    _relevel(case, state, a, chosen, penalty)
    change = _pair_price(case, state, a, b, penalty) - before
    if accepted(change, heat):
        return change
    state.levels[level_b].used += 1
    _restore(case, state, a, b, units, count, level_a, level_b, penalty)
    return 0.0


@inner
def exchange(case, state, i, penalty, heat):
    """Move a unit to a neighbouring zone and another unit out of that zone, as one move; return the change of price."""
    source, target = state.units[i].zone, other_zone(case, state, i)
    if target < 0 or state.zones[source].size < 2 or not holds_without(case, state, i):
        return 0.0
    first = shift_price(case, state, i, target, penalty)
    shift(case, state, i, target, penalty)
    for _ in range(3):
        j = state.member[target, np.random.randint(state.zones[target].size)]  # noqa: NPY002
        back = other_zone(case, state, j)
        if j == i or back < 0 or state.zones[target].size < 2:
            continue
        change = first + shift_price(case, state, j, back, penalty)
        if accepted(change, heat) and holds_without(case, state, j):
            shift(case, state, j, back, penalty)
            return change
    if not accepted(first, heat):
        shift(case, state, i, source, penalty)
        return 0.0
    return first


@compiled
def anneal(case, state, penalty, seed, moves, heats, share_of_large, best, stop):
    """Search from a state; return the best price without broken rules (inf if none), its labels and levels in `best`.

    `heats` is (first, last) temperature in hour-minutes; `best` is (zone (n,), level (Z,), centre (Z,), price (1,)); a
    `stop` (1,) that is not 0 ends it early.
    """
    np.random.seed(seed)  # noqa: NPY002  (numba's generator belongs to this thread)
    n, slots = state.units.shape[0], state.zones.shape[0]
    room = (
        np.empty(2 * n, np.int32),
        np.empty(n, np.int32),
        np.empty((case.pairs.shape[0] + 1, 2), np.int32),
        np.empty(n),
        np.empty(n),
        np.zeros(n, np.bool_),
    )
    recount(case, state, penalty)
    price = total_price(case, state, penalty)
    found = np.zeros(KINDS)
    cooling = (heats[1] / heats[0]) ** (1.0 / max(1, moves)) if heats[0] > 0 else 1.0
    heat = heats[0]
    any_loose = case.levels.loose.max() > 0
    open_counts = False
    for level in range(case.levels.shape[0]):
        used = state.levels[level].used
        open_counts = (
            open_counts
            or case.levels[level].most > case.levels[level].least
            or used != case.levels[level].least
        )
    period = max(2_000, 4 * n)
    for move in range(moves):
        if move % 64 == 0 and stop[0] != 0:
            break
        heat *= cooling
        dice = np.random.random()  # noqa: NPY002
        i = np.random.randint(n)  # noqa: NPY002
        change = 0.0
        if dice < share_of_large:
            a, b = state.units[i].zone, other_zone(case, state, i)
            kind = np.random.random()  # noqa: NPY002
            if open_counts and kind < 0.3 and not case.units[i].fixed:
                for z in range(slots):
                    if state.zones[z].size == 0:
                        change = recombine(case, state, a, z, penalty, heat, room)
                        break
            elif b >= 0 and open_counts and kind < 0.5:
                change = unite(case, state, a, b, penalty, heat, room)
            elif b >= 0:
                change = recombine(case, state, a, b, penalty, heat, room)
        elif dice < 0.15:
            change = exchange(case, state, i, penalty, heat)
        else:
            z = any_zone(case, state, i) if any_loose and dice < 0.3 else other_zone(case, state, i)
            if z >= 0 and state.zones[state.units[i].zone].size > 1:
                change = shift_price(case, state, i, z, penalty)
                if accepted(change, heat) and holds_without(case, state, i):
                    shift(case, state, i, z, penalty)
                else:
                    change = 0.0
        price += change
        if (change != 0.0 or move == 0) and price < best[3][0] - 1e-7 * abs(price) and breaks(case, state, found):
            best[0][:] = state.units.zone
            best[1][:] = state.zones.level
            best[2][:] = state.zones.centre
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
