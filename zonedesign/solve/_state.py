"""State of the search: the problem and a plan in the making as arrays and records, with sums kept up to date.

These kernels, and those that call them, keep to loops and comparisons: numba compiles array methods, `max`
and slices through layers of its own, and they took a third of the time that the first use of a machine waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zonedesign.compiled import inner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bits = NDArray[np.uint8]
    Records = NDArray[np.void]


class Case(NamedTuple):
    """The problem as the kernels see it; n units, L levels. Nothing here changes.

    `minutes` (n, n) is [unit, centre], capped where out of reach; `allowed` and `conflict` (n, n) have bit l
    set where level l allows the unit with that centre, and where it forbids the two in one zone ((1, 1) where
    no level does); `urban` (L, n) are hours that count for the level's character; `units` and `levels` are
    records of `CASE_UNIT` and `CASE_LEVEL`; `pairs` are contiguity rows by `indptr`, records of `CASE_PAIR`,
    `links` rows by `link_ptr` of units that must be together (weight 1) or apart (-1), records of
    `CASE_LINK`; `weights` are those of travel, change and borders.
    """

    minutes: NDArray[np.float32]
    allowed: Bits
    conflict: Bits
    urban: Floats
    units: Records
    indptr: Ints
    pairs: Records
    link_ptr: Ints
    links: Records
    levels: Records
    weights: Floats


class State(NamedTuple):
    """A plan in the making, with slots for zones, of which those with `size` 0 are free.

    `units`, `zones`, `levels` and `sums` (one row) are records of the `STATE_` types below; `member` (slots,
    n) lists every zone's units; `by_border` and `by_before` (slots, codes) are hours by code of the border
    and by zone of the baseline; `stack` (n + 1,) is room for searches.
    """

    units: Records
    zones: Records
    levels: Records
    member: NDArray[np.int32]
    by_border: Floats
    by_before: Floats
    sums: Records
    stack: Ints


def _record(floats: str, whole: str) -> np.dtype[np.void]:
    return np.dtype([(name, "f8") for name in floats.split()] + [(name, "i8") for name in whole.split()])


# Records, not one array a field: a kernel compiles in a fraction of the time with few arguments, and what is
# read together lies together.
CASE_UNIT = _record("hours customers", "nest border before wanted fixed")
CASE_PAIR = _record("cost", "to")
CASE_LINK = _record("", "to weight")
CASE_LEVEL = _record("low high few many share_low share_high character", "loose least most")
STATE_UNIT = _record("to_all", "zone place beyond stamp")
"""`to_all`: hour-minutes to the rest of its zone, were the unit its centre; `beyond`: how many of its zone it
could not reach then; `place`: where it stands among its zone's members; `stamp`: mark of the last search."""
STATE_ZONE = _record("hours customers urban travel", "size level centre far clashes wanted match")
"""`far`: units out of the centre's reach; `clashes`: pairs too far apart; `wanted`: units that must be
centres; `match`: the zone of the baseline that it continues, or -1."""
STATE_LEVEL = _record("hours", "used")
STATE_SUMS = _record("cut", "links mark")

REACH = 1
"""Place of the penalty for units out of reach; `_moves` lists them all."""


@inner
def remove(case: Case, state: State, i: int) -> None:
    """Take a unit out of its zone's lists and sums; the zone's centre is not looked at."""
    unit = state.units[i]
    z, hours = unit.zone, case.units[i].hours
    zone = state.zones[z]
    bit = np.uint8(1 << zone.level)
    for k in range(zone.size):
        j = state.member[z, k]
        state.units[j].to_all -= hours * case.minutes[i, j]
        if not case.allowed[i, j] & bit:
            state.units[j].beyond -= 1
        if case.conflict.shape[0] > 1 and case.conflict[i, j] & bit:
            zone.clashes -= 1
    last = state.member[z, zone.size - 1]
    state.member[z, unit.place] = last
    state.units[last].place = unit.place
    zone.size -= 1
    _count(case, state, i, z, -1)
    unit.zone = -1


@inner
def add(case: Case, state: State, i: int, z: int) -> None:
    """Put a unit into a zone's lists and sums; the zone's centre is not looked at."""
    unit, zone, hours = state.units[i], state.zones[z], case.units[i].hours
    bit = np.uint8(1 << zone.level)
    unit.to_all = 0.0
    unit.beyond = 0
    for k in range(zone.size):
        j = state.member[z, k]
        state.units[j].to_all += hours * case.minutes[i, j]
        unit.to_all += case.units[j].hours * case.minutes[j, i]
        if not case.allowed[i, j] & bit:
            state.units[j].beyond += 1
        if not case.allowed[j, i] & bit:
            unit.beyond += 1
        if case.conflict.shape[0] > 1 and case.conflict[i, j] & bit:
            zone.clashes += 1
    if not case.allowed[i, i] & bit:
        unit.beyond += 1
    state.member[z, zone.size] = i
    unit.place = zone.size
    zone.size += 1
    unit.zone = z
    _count(case, state, i, z, 1)


@inner
def _count(case: Case, state: State, i: int, z: int, sign: int) -> None:
    """Add a unit to a zone's sums (sign 1) or take it off (-1)."""
    unit, zone = case.units[i], state.zones[z]
    hours = sign * unit.hours
    zone.hours += hours
    zone.customers += sign * unit.customers
    zone.urban += sign * case.urban[zone.level, i]
    zone.wanted += sign * unit.wanted
    state.levels[zone.level].hours += hours
    state.by_border[z, unit.border] += hours
    state.by_before[z, unit.before] += hours


@inner
def send(case: Case, state: State, i: int, z: int) -> None:
    """Move a unit to a zone with all sums, links and cut boundary too; centres are left for later."""
    if state.units[i].zone != z:
        state.sums[0].links += links_change(case, state, i, z)
        state.sums[0].cut += cut_change(case, state, i, z)
        remove(case, state, i)
        add(case, state, i, z)


@inner
def links_change(case: Case, state: State, i: int, target: int) -> int:
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
def cut_change(case: Case, state: State, i: int, target: int) -> float:
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
def pick_centre(case: Case, state: State, z: int, penalty: Floats) -> None:
    """Give a zone the centre that costs least: travel, and units out of reach."""
    best, chosen, travel, far = np.inf, -1, 0.0, 0
    only = state.zones[z].wanted > 0
    for k in range(state.zones[z].size):
        j = state.member[z, k]
        if only and not case.units[j].wanted:
            continue
        value = case.weights[0] * state.units[j].to_all + penalty[REACH] * state.units[j].beyond
        # Ties by number: which unit stands first among the members depends on the moves that led here.
        if value < best or (value == best and j < chosen):
            best, chosen, travel, far = value, j, state.units[j].to_all, state.units[j].beyond
    state.zones[z].centre = chosen
    state.zones[z].travel = travel
    state.zones[z].far = far


@inner
def set_level(case: Case, state: State, z: int, level: int) -> None:
    """Give a zone another level, with what its reach and sums are there; its centre is left for later."""
    state.levels[state.zones[z].level].used -= 1
    state.levels[level].used += 1
    size = state.zones[z].size
    for k in range(size):
        state.stack[k] = state.member[z, k]
    for k in range(size):
        remove(case, state, state.stack[k])
    state.zones[z].level = level
    for k in range(size):
        add(case, state, state.stack[k], z)


@inner
def recount(case: Case, state: State, penalty: Floats) -> None:
    """Work every zone out anew from `zone`, `level` and `match`: no rounding error outlives a call."""
    n, slots = state.units.shape[0], state.zones.shape[0]
    for z in range(slots):
        zone = state.zones[z]
        zone.size = zone.clashes = zone.wanted = zone.far = 0
        zone.hours = zone.customers = zone.urban = zone.travel = 0.0
        zone.centre = -1
        for code in range(state.by_border.shape[1]):
            state.by_border[z, code] = 0.0
        for code in range(state.by_before.shape[1]):
            state.by_before[z, code] = 0.0
    for level in range(state.levels.shape[0]):
        state.levels[level].hours = 0.0
        state.levels[level].used = 0
    for i in range(n):
        add(case, state, i, state.units[i].zone)
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
