"""Kernel of the search: simulated annealing over connected zones, with shifts, exchanges and recombinations.

Shifts move one unit across a boundary, exchanges two; a recombination joins two neighbouring zones and cuts a
random spanning tree of them anew (DeFord, Duchin and Solomon 2021), which also lets levels, and where counts
are open the number of zones, change. Penalties follow how long their rules stay broken (Gendreau, Hertz and
Laporte 1994: strategic oscillation).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zonedesign.compiled import compiled, lean
from zonedesign.solve._moves import (
    KINDS,
    NOBODY,
    accepted,
    breaks,
    holds_without,
    price_of,
    settle,
    shift_price,
    total_price,
    whole,
)
from zonedesign.solve._recombine import new_room, pair_price, recombine, unite
from zonedesign.solve._state import REACH, recount, send

if TYPE_CHECKING:
    from zonedesign.solve._recombine import Room
    from zonedesign.solve._state import Case, Floats, Ints, State

FREE = -1
"""No zone."""
EXCHANGES, SCATTERED, AT_BROKEN = 0.34, 0.45, 0.2
"""Shares of moves below which a throw is an exchange, or goes to a zone that need not be connected; and share
of moves that begin near a zone that breaks a rule, while there is one."""


class Course(NamedTuple):
    """How a chain runs: seed, moves, first and last temperature in hour-minutes, and share of large moves.

    `enough` is a price that is good enough to end; `period` are the moves between two looks at what is
    broken; `open_counts` says whether the number of zones may change, `any_loose` whether some level need not
    be connected.
    """

    seed: int
    moves: int
    first_heat: float
    last_heat: float
    large: float
    enough: float
    period: int
    open_counts: bool
    any_loose: bool


class Best(NamedTuple):
    """The best plan so far without broken rules: zone (n,), level, centre (slots,), price (1,) or inf."""

    zone: Ints
    level: Ints
    centre: Ints
    price: Floats


@lean
def _other_zone(case: Case, state: State, i: int) -> int:
    """Return a zone that the unit might go to: that of a neighbour, from a random one on, or -1."""
    unit = case.units[i]
    begin, degree = unit.pairs_from, unit.pairs_to - unit.pairs_from
    if degree == 0 or unit.fixed:
        return FREE
    own, start = state.units[i].zone, np.random.randint(degree)  # noqa: NPY002
    for k in range(degree):
        at = start + k
        if at >= degree:
            at -= degree
        j = case.pairs[begin + at].to
        z: int = state.units[j].zone
        if z != own:
            return z if not case.units[j].fixed and case.units[j].nest == unit.nest else FREE
    return FREE


@lean
def _some_unit(case: Case, state: State, among: Ints) -> int:
    """Return one of the units by chance, more often one in or near a zone that breaks a rule."""
    i: int = among[np.random.randint(among.shape[0])]  # noqa: NPY002
    sums = state.sums[0]
    if sums.broken == 0 or np.random.random() >= AT_BROKEN:  # noqa: NPY002
        return i
    zone = state.zones[state.lists[sums.broken_at + np.random.randint(sums.broken)]]  # noqa: NPY002
    i = state.members[zone.first + np.random.randint(zone.size)].unit  # noqa: NPY002
    for _ in range(np.random.randint(4)):  # noqa: NPY002
        degree = case.units[i].pairs_to - case.units[i].pairs_from
        if degree > 0:
            i = case.pairs[case.units[i].pairs_from + np.random.randint(degree)].to  # noqa: NPY002
    return i


@lean
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


@lean
def _free_slot(state: State) -> int:
    """Return the first slot without a zone, or -1."""
    for z in range(state.zones.shape[0]):
        if state.zones[z].size == 0:
            return z
    return FREE


@lean
def _touches(case: Case, state: State, i: int, z: int) -> bool:
    """Return whether a unit has a neighbour in a zone."""
    for k in range(case.units[i].pairs_from, case.units[i].pairs_to):
        if state.units[case.pairs[k].to].zone == z:
            return True
    return False


@lean
def _small_move(
    case: Case, state: State, i: int, z: int, penalty: Floats, heat: float, partner: int
) -> float:
    """Move a unit to a zone, and its partner, if any, out of there; return the change of price."""
    source, back = state.units[i].zone, FREE
    if partner >= 0:
        back = _other_zone(case, state, partner)
    if (back if partner >= 0 else z) < 0 or (state.zones[source].size < 2 and back != source):
        return 0.0
    if not accepted(shift_price(case, state, i, z, partner, back, penalty), heat):
        return 0.0
    if not holds_without(case, state, i):
        return 0.0
    third = back if back != source else FREE
    before = pair_price(case, state, source, z, penalty)
    if third >= 0:
        before += price_of(case, state, third, penalty)
    send(case, state, i, z)
    if partner >= 0:
        # The neighbour that joined it to its new zone may be the one that has just left there.
        if _touches(case, state, partner, back) and holds_without(case, state, partner):
            send(case, state, partner, back)
        else:
            send(case, state, i, source)
    settle(case, state, source, penalty)
    settle(case, state, z, penalty)
    after = 0.0
    if third >= 0:
        settle(case, state, third, penalty)
        after = price_of(case, state, third, penalty)
    return after + pair_price(case, state, source, z, penalty) - before


@lean
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


@lean
def _keep(state: State, best: Best, price: float) -> None:
    """Note the state as the best plan: what has changed since the last."""
    sums = state.sums[0]
    for k in range(sums.moved):
        i = state.lists[sums.moved_at + k]
        best.zone[i] = state.units[i].zone
        state.units[i].moved = 0
    for k in range(sums.settled):
        z = state.lists[sums.settled_at + k]
        best.level[z] = state.zones[z].level
        best.centre[z] = state.zones[z].centre
        state.zones[z].settled = 0
    sums.moved = sums.settled = 0
    best.price[0] = price


@lean
def _oscillate(found: Floats, penalty: Floats) -> None:
    """Raise penalties of rules that are broken and lower the others; `penalty` holds now, least and most."""
    for kind in range(KINDS):
        value = penalty[kind] * (1.2 if found[kind] > 0 else 0.93)
        least, most = penalty[KINDS + kind], penalty[2 * KINDS + kind]
        value = max(value, least)
        penalty[kind] = min(value, most)


@compiled
def anneal(
    case: Case, state: State, penalty: Floats, course: Course, best: Best, among: Ints, stop: Ints
) -> None:
    """Search from a state, and leave in `best` the best plan without broken rules.

    Moves begin at one of the units `among`. `penalty` (3 x kinds,) changes on the way; a `stop` (1,) that is
    not 0 ends the search early.
    """
    np.random.seed(course.seed)  # noqa: NPY002  (numba's generator belongs to this thread)
    room, firm = new_room(state.units.shape[0], case.pairs.shape[0]), penalty.copy()
    firm[:KINDS] = penalty[2 * KINDS :]
    hours = 0.0
    for i in range(case.units.shape[0]):
        hours += case.units[i].hours
    # No minutes saved are worth a unit out of reach, however light it is.
    firm[REACH] = max(firm[REACH], case.weights[0] * hours * case.table[0].minutes + 1.0)
    _anneal(case, state, penalty, course, best, among, stop, room, np.zeros(KINDS), firm)


@lean
def _anneal(  # noqa: PLR0913, PLR0917
    case: Case,
    state: State,
    penalty: Floats,
    course: Course,
    best: Best,
    among: Ints,
    stop: Ints,
    room: Room,
    found: Floats,
    firm: Floats,
) -> None:
    """Run a chain; `found` (kinds,) is room for what is broken.

    Zones that nothing moves have their centres chosen with `firm` penalties: a centre that saves minutes and
    breaks a rule would spoil the plan for good.
    """
    price = 0.0
    heat, cooling = course.first_heat, 1.0
    if heat > 0:
        cooling = (course.last_heat / heat) ** (1.0 / (max(1, course.moves)))
    for move in range(course.moves + 1):
        if move % course.period == 0:
            if move > 0:
                breaks(case, state, found)
                _oscillate(found, penalty)
            if move % (20 * course.period) == 0:
                recount(case, state)
                for z in range(state.zones.shape[0]):
                    settle(case, state, z, firm)
            price = total_price(case, state, penalty)
        if move == 0 and whole(case, state):
            _keep(state, best, price)
            if price <= course.enough:
                break
        if move == course.moves or (move % 64 == 0 and stop[0] != 0):
            break
        heat *= cooling
        dice = np.random.random()  # noqa: NPY002
        i = _some_unit(case, state, among)
        change = 0.0
        if dice < course.large:
            change = _large_move(case, state, i, penalty, heat, room, course)
        else:
            scattered = course.any_loose and EXCHANGES <= dice < SCATTERED
            z = _any_zone(case, state, i) if scattered else _other_zone(case, state, i)
            if z >= 0:
                partner = NOBODY
                if dice < EXCHANGES:
                    zone = state.zones[z]
                    partner = state.members[zone.first + np.random.randint(zone.size)].unit  # noqa: NPY002
                change = _small_move(case, state, i, z, penalty, heat, partner)
        price += change
        if change != 0.0 and price < best.price[0] - 1e-7 * abs(price) and whole(case, state):
            _keep(state, best, price)
            if price <= course.enough:
                break
