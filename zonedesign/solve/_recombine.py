"""Large moves of the search: two zones joined and cut anew along a random tree, one split, two made one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zonedesign.compiled import inner, lean
from zonedesign.solve._moves import (
    COUNT,
    LINK,
    PEOPLE,
    VOLUME,
    Held,
    above,
    count_breaks,
    most_accepted,
    outside,
    price_of,
    settle,
    share_breaks,
    zone_breaks,
)
from zonedesign.solve._state import REACH, send, set_level

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.solve._state import Case, Floats, State

    Indices = NDArray[np.int32]


FEW = 16
"""Units up to which every unit of a side is tried as its centre."""
LOOKS = 40
"""Centres that are tried for a larger side."""


class Room(NamedTuple):
    """Room for large moves, made once a chain; n units.

    `units` (n,) are those of both zones, in the order in which the tree was grown; `before` and `after` (n,)
    their zones in that order; `parent`, `hours`, `customers` and `side` (n,) are by unit: its parent in the
    tree, what hangs below it, and whether it is on the cut side; `one` (n,) are the units of one side;
    `edges` (pairs, 2) are those that may grow the tree.
    """

    units: Indices
    before: Indices
    after: Indices
    parent: Indices
    hours: Floats
    customers: Floats
    side: NDArray[np.bool_]
    one: Indices
    edges: Indices


class Shape(NamedTuple):
    """Two zones and their levels, -1 for a zone that is not there."""

    a: int
    b: int
    level_a: int
    level_b: int


@inner
def new_room(units: int, pairs: int) -> Room:
    """Return room for problems of so many units and contiguity pairs."""
    return Room(
        np.empty(units, np.int32),
        np.empty(units, np.int32),
        np.empty(units, np.int32),
        np.empty(units, np.int32),
        np.empty(units),
        np.empty(units),
        np.empty(units, np.bool_),
        np.empty(units, np.int32),
        np.empty((pairs + 1, 2), np.int32),
    )


@lean
def _grow_tree(case: Case, state: State, a: int, b: int, room: Room) -> int:
    """Grow a random spanning tree over two zones into `room`; return how many units it holds."""
    units, parent, edges = room.units, room.parent, room.edges
    unit = state.members[state.zones[a].first + np.random.randint(state.zones[a].size)].unit  # noqa: NPY002
    state.sums[0].mark += 2
    mark = state.sums[0].mark
    count, waiting = 0, 0
    parent[unit] = -1
    while True:
        state.units[unit].stamp = mark
        units[count] = unit
        count += 1
        for k in range(case.units[unit].pairs_from, case.units[unit].pairs_to):
            j = case.pairs[k].to
            inside = state.units[j].zone == a or state.units[j].zone == b
            if inside and state.units[j].stamp != mark and waiting < edges.shape[0]:
                edges[waiting, 0] = unit
                edges[waiting, 1] = j
                waiting += 1
        unit = -1
        while waiting > 0:
            pick = np.random.randint(waiting)  # noqa: NPY002
            start, end = edges[pick, 0], edges[pick, 1]
            waiting -= 1
            edges[pick, 0], edges[pick, 1] = edges[waiting, 0], edges[waiting, 1]
            if state.units[end].stamp != mark:
                parent[end] = start
                unit = end
                break
        if unit < 0:
            return count


@lean
def _counts_change(case: Case, state: State, now: Shape, level_a: int, level_b: int) -> float:
    """Return by how many zones more levels are out of range when two zones get other levels (-1: none)."""
    total = 0.0
    for level in range(case.levels.shape[0]):
        change = int(level_a == level) + int(level_b == level)
        change -= int(now.level_a == level) + int(now.level_b == level)
        if change != 0:
            asked, used = case.levels[level], state.levels[level].used
            total += above(asked.least, used + change) + above(used + change, asked.most)
            total -= above(asked.least, used) + above(used, asked.most)
    return total


@lean
def _band_breaks(case: Case, hours: float, customers: float, level: int, penalty: Floats) -> float:
    """Return what hours and customers outside a level's bands cost."""
    asked = case.levels[level]
    cost: float = penalty[VOLUME] * outside(hours, asked.low, asked.high)
    cost += penalty[PEOPLE] * outside(customers, asked.few, asked.many)
    return cost


@lean
def _cut(case: Case, state: State, now: Shape, count: int, penalty: Floats, heat: float, room: Room) -> Shape:
    """Cut the tree by chance where bands are not broken much more than now.

    In the shape that comes back, `a` is the unit below the cut, -1 where there is none, and the levels are
    those of the side below and of the rest.
    """
    units, hours, customers = room.units, room.hours, room.customers
    for k in range(count):
        unit = units[k]
        hours[unit], customers[unit] = case.units[unit].hours, case.units[unit].customers
    for k in range(count - 1, 0, -1):
        unit = units[k]
        hours[room.parent[unit]] += hours[unit]
        customers[room.parent[unit]] += customers[unit]
    all_hours, all_customers = hours[units[0]], customers[units[0]]
    a, b = state.zones[now.a], state.zones[now.b]
    limit = _band_breaks(case, a.hours, a.customers, now.level_a, penalty)
    if now.level_b >= 0:
        limit += _band_breaks(case, b.hours, b.customers, now.level_b, penalty)
    limit += heat
    seen, cut, level_cut, level_rest = 0, -1, -1, -1
    for one in range(case.levels.shape[0]):
        for two in range(case.levels.shape[0]):
            fixed = penalty[COUNT] * _counts_change(case, state, now, one, two)
            if fixed > limit:
                continue
            for k in range(1, count):
                unit = units[k]
                cost = fixed + _band_breaks(case, hours[unit], customers[unit], one, penalty)
                if cost > limit:
                    continue
                cost += _band_breaks(
                    case, all_hours - hours[unit], all_customers - customers[unit], two, penalty
                )
                if cost > limit:
                    continue
                seen += 1  # each of those seen is kept with the same odds, without a list of them
                if np.random.randint(seen) == 0:  # noqa: NPY002
                    cut, level_cut, level_rest = unit, one, two
    return Shape(cut, -1, level_cut, level_rest)


@lean
def recombine(case: Case, state: State, a: int, b: int, penalty: Floats, heat: float, room: Room) -> float:
    """Join zones a and b, cut them anew, keep that if accepted; return the change of price, 0 if refused.

    b may be a free slot: then a is split.
    """
    now = Shape(a, b, state.zones[a].level, state.zones[b].level if state.zones[b].size > 0 else -1)
    count = state.zones[a].size + state.zones[b].size
    if count < 2 or _grow_tree(case, state, a, b, room) != count:
        return 0.0
    cut = _cut(case, state, now, count, penalty, heat, room)
    if cut.a < 0:
        return 0.0
    stay = 0  # how many units keep their zone if the cut side becomes a, less if it becomes b
    for k in range(count):
        unit = room.units[k]
        room.side[unit] = unit == cut.a or (k > 0 and room.side[room.parent[unit]])
        stay += 1 if room.side[unit] == (state.units[unit].zone == a) else -1
    cut_is_a = stay >= 0
    for k in range(count):
        room.after[k] = a if room.side[room.units[k]] == cut_is_a else b
    level_a, level_b = (cut.level_a, cut.level_b) if cut_is_a else (cut.level_b, cut.level_a)
    return _try(case, state, now, Shape(a, b, level_a, level_b), count, penalty, heat, room)


@lean
def unite(case: Case, state: State, a: int, b: int, penalty: Floats, heat: float, room: Room) -> float:
    """Make one zone of a and b, at whatever level serves best; return the change of price, 0 if refused."""
    zone_a, zone_b = state.zones[a], state.zones[b]
    now = Shape(a, b, zone_a.level, zone_b.level)
    hours, customers = zone_a.hours + zone_b.hours, zone_a.customers + zone_b.customers
    best, chosen = np.inf, -1
    scattered = case.levels[now.level_a].loose or case.levels[now.level_b].loose
    for level in range(case.levels.shape[0]):
        if case.levels[level].loose or not scattered:
            cost = _band_breaks(case, hours, customers, level, penalty)
            cost += penalty[COUNT] * _counts_change(case, state, now, level, -1)
            if cost < best:
                best, chosen = cost, level
    if chosen < 0:
        return 0.0
    count = zone_a.size + zone_b.size
    for k in range(count):
        p = zone_a.first + k if k < zone_a.size else zone_b.first + k - zone_a.size
        room.units[k] = state.members[p].unit
        room.after[k] = a
    return _try(case, state, now, Shape(a, b, chosen, -1), count, penalty, heat, room)


@lean
def _try(
    case: Case,
    state: State,
    now: Shape,
    then: Shape,
    count: int,
    penalty: Floats,
    heat: float,
    room: Room,
) -> float:
    """Lay the room's units as `then` and `room.after` say, and back if that is refused; return the change."""
    before, limit = pair_price(case, state, now.a, now.b, penalty), most_accepted(heat)
    if not _promises(case, state, now, then, count, penalty, before + limit, room):
        return 0.0
    for k in range(count):
        room.before[k] = state.units[room.units[k]].zone
    change, shape, zones = 0.0, then, room.after
    for turn in range(2):  # one call of what is large: compiled code grows with every place that calls it
        _lay(case, state, shape, count, zones, penalty, room)
        if turn == 0:
            change = pair_price(case, state, now.a, now.b, penalty) - before
            if change <= limit:
                return change
            shape, zones = now, room.before
    return 0.0


@lean
def _promises(
    case: Case,
    state: State,
    now: Shape,
    then: Shape,
    count: int,
    penalty: Floats,
    limit: float,
    room: Room,
) -> bool:
    """Return whether the two zones laid as `room.after` says may cost `limit` or less.

    What takes a look at both zones at once (links, cut, shares, borders, change) is counted at its least.
    """
    goal = case.weights
    cost = -goal[1] * (state.zones[now.a].hours + state.zones[now.b].hours)
    out = count_breaks(case, state) + _counts_change(case, state, now, then.level_a, then.level_b)
    cost += penalty[COUNT] * out
    for turn in range(2):
        z, level = (then.a, then.level_a) if turn == 0 else (then.b, then.level_b)
        if level >= 0:
            cost += _side_price(case, state, z, level, count, penalty, limit - cost, room)
        if cost > limit:
            return False
    return True


@lean
def _side_price(
    case: Case, state: State, z: int, level: int, count: int, penalty: Floats, limit: float, room: Room
) -> float:
    """Return what a zone of the room's units costs at a level with a good centre, inf where above `limit`.

    Small ones try every centre; others begin with those of now and go to better neighbours.
    """
    size, hours, customers, urban, wanted = 0, 0.0, 0.0, 0.0, 0
    for k in range(count):
        if room.after[k] == z:
            i = room.units[k]
            room.one[size] = i
            size += 1
            hours += case.units[i].hours
            customers += case.units[i].customers
            if (case.units[i].classes >> level) & 1:
                urban += case.units[i].hours
            wanted += case.units[i].wanted
    if size == 0:
        return np.inf
    fixed = zone_breaks(case, Held(hours, customers, urban, 0, 0, wanted), level, penalty)
    if fixed > limit:
        return np.inf
    state.sums[0].mark += 2
    mark = state.sums[0].mark
    for k in range(size):
        state.units[room.one[k]].stamp = mark
    best, at = limit - fixed, -1
    if size <= FEW or wanted > 0:
        for k in range(size):
            if wanted == 0 or case.units[room.one[k]].wanted:
                value = _centre_price(case, room.one[k], level, size, penalty, best, room)
                if value <= best:
                    best, at = value, k
        return fixed + best if at >= 0 else np.inf
    # The first look knows no limit: neighbours may be better than where it begins.
    best, at = np.inf, -1
    for turn in range(3):
        if turn < 2:
            i = state.zones[state.units[room.one[0]].zone].centre if turn == 0 else room.one[size // 2]
            if turn == 0 and (i < 0 or state.units[i].stamp != mark):
                continue
        else:
            i = room.one[np.random.randint(size)]  # noqa: NPY002
        value = _centre_price(case, i, level, size, penalty, best, room)
        if value < best:
            best, at = value, i
    looks = 0
    while at >= 0 and looks < LOOKS:
        begin = at
        for k in range(case.units[begin].pairs_from, case.units[begin].pairs_to):
            j = case.pairs[k].to
            if state.units[j].stamp != mark or looks >= LOOKS:
                continue
            state.units[j].stamp = mark - 1  # once is enough
            looks += 1
            value = _centre_price(case, j, level, size, penalty, best, room)
            if value < best:
                best, at = value, j
        if at == begin:
            break
    return fixed + best


@lean
def _centre_price(
    case: Case, centre: int, level: int, size: int, penalty: Floats, limit: float, room: Room
) -> float:
    """Return what travel and reach of the units in `room.one` cost from a centre, inf once above `limit`."""
    cost, scale, reach_cost, column = 0.0, case.weights[0], penalty[REACH], centre & 63
    for k in range(size):
        i = room.one[k]
        pair = case.table[case.tile[i >> 6, centre >> 6] + ((i & 63) << 6) + column]
        cost += scale * case.units[i].hours * pair.minutes
        if not (pair.bits >> level) & 1:
            cost += reach_cost
        if cost > limit:
            return np.inf
    return cost


@lean
def pair_price(case: Case, state: State, a: int, b: int, penalty: Floats) -> float:
    """Return all of the price that may change with two zones."""
    cost: float = state.sums[0].cut + penalty[LINK] * state.sums[0].links + share_breaks(case, state, penalty)
    cost += penalty[COUNT] * count_breaks(case, state)
    if state.zones[a].size > 0:
        cost += price_of(case, state, a, penalty)
    if state.zones[b].size > 0:
        cost += price_of(case, state, b, penalty)
    return cost


@lean
def _lay(
    case: Case, state: State, shape: Shape, count: int, zones: Indices, penalty: Floats, room: Room
) -> None:
    """Send the room's units to `zones` (count,) and give these levels and centres; zone b may come or go."""
    a, b, level_b = shape.a, shape.b, shape.level_b
    if level_b >= 0 and state.zones[b].size == 0:
        state.levels[level_b].used += 1
        state.zones[b].level = level_b
    for k in range(count):
        send(case, state, room.units[k], zones[k])
    _relevel(case, state, a, shape.level_a, penalty)
    if level_b >= 0:
        _relevel(case, state, b, level_b, penalty)
    else:
        state.levels[state.zones[b].level].used -= 1
        settle(case, state, b, penalty)


@lean
def _relevel(case: Case, state: State, z: int, level: int, penalty: Floats) -> None:
    """Give a zone its level where it has another, and a centre."""
    if state.zones[z].level != level:
        set_level(case, state, z, level)
    settle(case, state, z, penalty)
