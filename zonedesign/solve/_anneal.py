"""Kernel of the search: simulated annealing over connected zones, with shifts, exchanges and recombinations.

Shifts move one unit across a boundary, exchanges two; a recombination joins two neighbouring zones and cuts a
random spanning tree of them anew (DeFord, Duchin and Solomon 2021), which also lets levels, and where counts
are open the number of zones, change. Penalties follow how long their rules stay broken (Gendreau, Hertz and
Laporte 1994: strategic oscillation).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zonedesign.compiled import compiled, inner
from zonedesign.solve._moves import KINDS, accepted, breaks, holds_without, shift_price, total_price
from zonedesign.solve._recombine import new_room, recombine, unite
from zonedesign.solve._state import pick_centre, recount, send

if TYPE_CHECKING:
    from zonedesign.solve._recombine import Room
    from zonedesign.solve._state import Case, Floats, Ints, State

FREE = -1
"""No zone."""


class Course(NamedTuple):
    """How a chain runs: seed, moves, first and last temperature in hour-minutes, share of large moves.

    `open_counts` says whether the number of zones may change, `any_loose` whether some level need not be
    connected.
    """

    seed: int
    moves: int
    first_heat: float
    last_heat: float
    large: float
    open_counts: bool
    any_loose: bool


class Best(NamedTuple):
    """The best plan so far without broken rules: zone (n,), level, centre (slots,), price (1,) or inf."""

    zone: Ints
    level: Ints
    centre: Ints
    price: Floats


@inner
def shift(case: Case, state: State, i: int, z: int, penalty: Floats) -> None:
    """Move a unit to another zone, with all sums; centres follow."""
    source = state.units[i].zone
    send(case, state, i, z)
    pick_centre(case, state, source, penalty)
    pick_centre(case, state, z, penalty)


@inner
def _other_zone(case: Case, state: State, i: int) -> int:
    """Return a zone that the unit might go to: a random neighbour's, or -1."""
    unit, degree = case.units[i], case.indptr[i + 1] - case.indptr[i]
    if degree == 0 or unit.fixed:
        return FREE
    j = case.pairs[case.indptr[i] + np.random.randint(degree)].to  # noqa: NPY002
    z: int = state.units[j].zone
    if z == state.units[i].zone or case.units[j].fixed or case.units[j].nest != unit.nest:
        return FREE
    return z


@inner
def _any_zone(case: Case, state: State, i: int) -> int:
    """Return any zone whose level need not be connected and that could hold the unit, or -1."""
    z = np.random.randint(state.zones.shape[0])  # noqa: NPY002
    zone, unit = state.zones[z], case.units[i]
    if zone.size == 0 or z == state.units[i].zone or unit.fixed or not case.levels[zone.level].loose:
        return FREE
    j = zone.centre
    if j < 0 or case.units[j].fixed or case.units[j].nest != unit.nest:
        return FREE
    return z


@inner
def _free_slot(state: State) -> int:
    """Return the first slot without a zone, or -1."""
    for z in range(state.zones.shape[0]):
        if state.zones[z].size == 0:
            return z
    return FREE


@inner
def _exchange(case: Case, state: State, i: int, penalty: Floats, heat: float) -> float:
    """Move a unit to a neighbouring zone and another out of that one at once; return the change of price."""
    source, target = state.units[i].zone, _other_zone(case, state, i)
    if target < 0 or state.zones[source].size < 2 or not holds_without(case, state, i):
        return 0.0
    first = shift_price(case, state, i, target, penalty)
    shift(case, state, i, target, penalty)
    mover, to, change = -1, source, 0.0
    for _ in range(3):
        j = state.member[target, np.random.randint(state.zones[target].size)]  # noqa: NPY002
        back = _other_zone(case, state, j)
        if j == i or back < 0 or state.zones[target].size < 2:
            continue
        change = first + shift_price(case, state, j, back, penalty)
        if accepted(change, heat) and holds_without(case, state, j):
            mover, to = j, back
            break
    if mover < 0:
        if accepted(first, heat):
            return first
        mover, change = i, 0.0
    shift(case, state, mover, to, penalty)
    return change


@inner
def _large_move(
    case: Case, state: State, i: int, penalty: Floats, heat: float, room: Room, course: Course
) -> float:
    """Recombine a unit's zone with a neighbour; where counts are open, also split it or unite the two."""
    a, b = state.units[i].zone, _other_zone(case, state, i)
    kind = np.random.random()  # noqa: NPY002
    split = course.open_counts and kind < 0.3 and not case.units[i].fixed
    if split:
        b = _free_slot(state)
    if b < 0:
        return 0.0
    if course.open_counts and kind < 0.5 and not split:
        return unite(case, state, a, b, penalty, heat, room)
    return recombine(case, state, a, b, penalty, heat, room)


@inner
def _keep(state: State, best: Best, price: float) -> None:
    """Note the state as the best plan."""
    for i in range(state.units.shape[0]):
        best.zone[i] = state.units[i].zone
    for z in range(state.zones.shape[0]):
        best.level[z] = state.zones[z].level
        best.centre[z] = state.zones[z].centre
    best.price[0] = price


@inner
def _oscillate(found: Floats, penalty: Floats) -> None:
    """Raise penalties of rules that are broken and lower the others; `penalty` holds now, least and most."""
    for kind in range(KINDS):
        value = penalty[kind] * (1.2 if found[kind] > 0 else 0.93)
        least, most = penalty[KINDS + kind], penalty[2 * KINDS + kind]
        value = max(value, least)
        penalty[kind] = min(value, most)


@compiled
def anneal(case: Case, state: State, penalty: Floats, course: Course, best: Best, stop: Ints) -> None:
    """Search from a state, and leave in `best` the best plan without broken rules.

    `penalty` (3 x kinds,) changes on the way; a `stop` (1,) that is not 0 ends the search early.
    """
    np.random.seed(course.seed)  # noqa: NPY002  (numba's generator belongs to this thread)
    n = state.units.shape[0]
    room = new_room(n, case.pairs.shape[0])
    recount(case, state, penalty)
    price = total_price(case, state, penalty)
    found = np.zeros(KINDS)
    heat, cooling = course.first_heat, 1.0
    if heat > 0:
        cooling = (course.last_heat / heat) ** (1.0 / (max(1, course.moves)))
    period = 4 * n if n > 500 else 2_000
    for move in range(course.moves):
        if move % 64 == 0 and stop[0] != 0:
            break
        heat *= cooling
        dice = np.random.random()  # noqa: NPY002
        i = np.random.randint(n)  # noqa: NPY002
        change = 0.0
        if dice < course.large:
            change = _large_move(case, state, i, penalty, heat, room, course)
        elif dice < 0.15:
            change = _exchange(case, state, i, penalty, heat)
        else:
            z = _any_zone(case, state, i) if course.any_loose and dice < 0.3 else _other_zone(case, state, i)
            if z >= 0 and state.zones[state.units[i].zone].size > 1:
                change = shift_price(case, state, i, z, penalty)
                if accepted(change, heat) and holds_without(case, state, i):
                    shift(case, state, i, z, penalty)
                else:
                    change = 0.0
        price += change
        better = (change != 0.0 or move == 0) and price < best.price[0] - 1e-7 * abs(price)
        if better and breaks(case, state, found):
            _keep(state, best, price)
        if move % period == period - 1:
            breaks(case, state, found)
            _oscillate(found, penalty)
            if (move // period) % 20 == 0:
                recount(case, state, penalty)
            price = total_price(case, state, penalty)
