"""State of the search: the problem and a plan in the making as arrays and records, with sums kept up to date.

These kernels, and those that call them, keep to loops and comparisons: numba compiles array methods, `max`
and slices through layers of its own, and they took a third of the time that the first use of a machine waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zonedesign.compiled import lean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Indices = NDArray[np.int32]
    Records = NDArray[np.void]


class Case(NamedTuple):
    """The problem as the kernels see it; n units. Nothing here changes.

    Units are numbered by place. `table` has a record of `CASE_TABLE` for every pair, [unit, centre], in tiles
    of 64 by 64 (see `_tiles`); `tile` (side, side) says where each begins, and 0 stands for all pairs out of
    reach. `units` and `levels` are records of `CASE_UNIT` and `CASE_LEVEL`; `pairs` are contiguity, records
    of `CASE_PAIR`, `links` units that must be together (weight 1) or apart (-1), records of `CASE_LINK`, both
    as rows by unit; `weights` are those of travel, change, borders and cut.
    """

    tile: Indices
    table: Records
    units: Records
    pairs: Records
    links: Records
    levels: Records
    weights: Floats


class State(NamedTuple):
    """A plan in the making, with slots for zones, of which those with `size` 0 are free.

    `units`, `zones`, `levels`, `members` and `sums` (one row) are records of the `STATE_` types below; a
    zone's members are `size` rows of `members` from its `first` on, which has `room` for more. `lists` holds
    four: room for searches (n + 1,), the units moved (n,) and the zones settled (slots,) since the best plan
    was noted, and the zones that break rules of their own (slots,). `by_code` (slots, codes) are hours by
    code of the border, then by zone of the baseline.
    """

    units: Records
    zones: Records
    levels: Records
    members: Records
    lists: Indices
    by_code: Floats
    sums: Records


def _record(**fields: str) -> np.dtype[np.void]:
    return np.dtype([(name, kind) for kind, names in fields.items() for name in names.split()])


# Records, not one array a field: every array is seven numbers that each call hands on, so that kernels with
# few are quicker to compile and to run; and what is read together lies together.
CASE_TABLE = _record(f4="minutes", i4="bits")
"""Minutes, capped where out of reach; bit l is set where level l allows the unit with that centre, and bit
`clash` of the level where it forbids the two in one zone, if both have demand."""
WIDE_TABLE = _record(f8="minutes", i8="bits")
"""The same for more levels than have room there."""
CASE_UNIT = _record(
    f8="hours customers",
    f4="longest",
    i4="nest border before wanted fixed demand classes pairs_from pairs_to links_from links_to",
)
"""`longest`: minutes to the farthest centre that any level allows; `classes`: bit l is set where its hours
count for the character of level l."""
CASE_PAIR = _record(f8="cost", i8="to")
CASE_LINK = _record(i8="to weight")
CASE_LEVEL = _record(f8="low high few many share_low share_high character", i8="loose least most clash")
STATE_UNIT = _record(i8="zone place stamp moved")
"""`place`: where it stands among all members; `stamp`: mark of the last search; `moved`: it is listed."""
STATE_ZONE = _record(
    f8="hours customers urban travel",
    i8="size level centre far clashes wanted match first room listed settled",
)
"""`far`: units out of the centre's reach; `clashes`: pairs too far apart; `wanted`: units that must be
centres; `match`: the zone of the baseline that it continues, or -1; `listed`: its place among the broken
zones, or -1; `settled`: it is listed."""
STATE_LEVEL = _record(f8="hours", i8="used")
STATE_MEMBER = _record(f8="to_all", i4="unit beyond")
"""`to_all`: hour-minutes to the rest of its zone, were the unit its centre; `beyond`: how many of its zone it
could not reach then."""
STATE_SUMS = _record(
    f8="cut", i8="links mark broken moved settled end most moved_at settled_at broken_at before_at"
)
"""`end` and `most`: where rows of `members` begin that no zone has, and that none may have: those are room to
lay others aside; `.._at`: where lists begin, and in `by_code` the zones of the baseline."""

REACH = 1
"""Place of the penalty for units out of reach; `_moves` lists them all."""


def members_room(units: int, slots: int) -> int:
    """Return how many rows of `members` zones may have: laid out anew, they leave room for more than one."""
    return 4 * units + 16 * slots + 64


@lean
def remove(case: Case, state: State, i: int) -> None:
    """Take a unit out of its zone's lists and sums; the zone's centre is not looked at."""
    unit = state.units[i]
    z, hours, row = unit.zone, case.units[i].hours, (i & 63) << 6
    zone = state.zones[z]
    level, first, last = zone.level, zone.first, zone.first + zone.size - 1
    clash = case.levels[level].clash if case.units[i].demand else 0
    for p in range(first, last + 1):
        j = state.members[p].unit
        pair = case.table[case.tile[i >> 6, j >> 6] + row + (j & 63)]
        state.members[p].to_all -= hours * pair.minutes
        if not (pair.bits >> level) & 1:
            state.members[p].beyond -= 1
        if clash > 0 and (pair.bits >> clash) & 1 and case.units[j].demand and j != i:
            zone.clashes -= 1
    place, other = unit.place, state.members[last].unit
    state.members[place].unit = other
    state.members[place].to_all = state.members[last].to_all
    state.members[place].beyond = state.members[last].beyond
    state.units[other].place = place
    zone.size -= 1
    _count(case, state, i, z, -1)
    unit.zone = -1


@lean
def add(case: Case, state: State, i: int, z: int) -> None:
    """Put a unit into a zone's lists and sums; the zone's centre is not looked at."""
    unit, zone, hours, row = state.units[i], state.zones[z], case.units[i].hours, (i & 63) << 6
    if zone.size == zone.room:
        _make_room(state, z)
    level, first, end = zone.level, zone.first, zone.first + zone.size
    clash = case.levels[level].clash if case.units[i].demand else 0
    own = case.table[case.tile[i >> 6, i >> 6] + row + (i & 63)]
    to_all, beyond = hours * own.minutes, 0
    if not (own.bits >> level) & 1:
        beyond = 1
    for p in range(first, end):
        j = state.members[p].unit
        pair = case.table[case.tile[i >> 6, j >> 6] + row + (j & 63)]
        back = case.table[case.tile[j >> 6, i >> 6] + ((j & 63) << 6) + (i & 63)]
        state.members[p].to_all += hours * pair.minutes
        to_all += case.units[j].hours * back.minutes
        if not (pair.bits >> level) & 1:
            state.members[p].beyond += 1
        if not (back.bits >> level) & 1:
            beyond += 1
        if clash > 0 and (pair.bits >> clash) & 1 and case.units[j].demand:
            zone.clashes += 1
    state.members[end].unit = i
    state.members[end].to_all = to_all
    state.members[end].beyond = beyond
    unit.place = end
    zone.size += 1
    unit.zone = z
    _count(case, state, i, z, 1)


@lean
def _copy(state: State, source: int, target: int) -> None:
    """Copy a row of the members, and note where its unit is now."""
    member = state.members[source]
    state.members[target].unit = member.unit
    state.members[target].to_all = member.to_all
    state.members[target].beyond = member.beyond
    state.units[member.unit].place = target


@lean
def _make_room(state: State, z: int) -> None:
    """Give a zone whose rows are full new ones behind all others; where these are used up, all zones."""
    zone, sums = state.zones[z], state.sums[0]
    room = 2 * zone.size + 8
    if sums.end + room <= sums.most:
        for k in range(zone.size):
            _copy(state, zone.first + k, sums.end + k)
        zone.first, zone.room = sums.end, room
        sums.end += room
        return
    aside = sums.most
    for other in range(state.zones.shape[0]):
        for k in range(state.zones[other].size):
            _copy(state, state.zones[other].first + k, aside)
            aside += 1
    lay_out(state)
    aside = sums.most
    for other in range(state.zones.shape[0]):
        for k in range(state.zones[other].size):
            _copy(state, aside, state.zones[other].first + k)
            aside += 1


@lean
def lay_out(state: State) -> None:
    """Give all zones rows for their members, by their size and half as many more."""
    end = 0
    for z in range(state.zones.shape[0]):
        zone = state.zones[z]
        zone.first, zone.room = end, zone.size + zone.size // 2 + 8
        end += zone.room
    state.sums[0].end = end


@lean
def _count(case: Case, state: State, i: int, z: int, sign: int) -> None:
    """Add a unit to a zone's sums (sign 1) or take it off (-1)."""
    unit, zone = case.units[i], state.zones[z]
    hours = sign * unit.hours
    zone.hours += hours
    zone.customers += sign * unit.customers
    if (unit.classes >> zone.level) & 1:
        zone.urban += hours
    zone.wanted += sign * unit.wanted
    state.levels[zone.level].hours += hours
    state.by_code[z, unit.border] += hours
    state.by_code[z, state.sums[0].before_at + unit.before] += hours


@lean
def send(case: Case, state: State, i: int, z: int) -> None:
    """Move a unit to a zone with all sums, links and cut boundary too; centres are left for later."""
    unit, sums = state.units[i], state.sums[0]
    if unit.zone != z:
        sums.links += links_change(case, state, i, z)
        sums.cut += cut_change(case, state, i, z)
        remove(case, state, i)
        add(case, state, i, z)
        if not unit.moved:
            unit.moved = 1
            state.lists[sums.moved_at + sums.moved] = i
            sums.moved += 1


@lean
def links_change(case: Case, state: State, i: int, target: int) -> int:
    """Return how many more links are broken when the unit goes to the target zone."""
    change = 0
    for k in range(case.units[i].links_from, case.units[i].links_to):
        other = state.units[case.links[k].to].zone
        was, will = other == state.units[i].zone, other == target
        if case.links[k].weight > 0:
            change += int(was) - int(will)
        else:
            change += int(will) - int(was)
    return change


@lean
def cut_change(case: Case, state: State, i: int, target: int) -> float:
    """Return the change in the cost of cut boundary when the unit goes to the target zone."""
    change = 0.0
    if case.weights[3] <= 0:
        return change
    for k in range(case.units[i].pairs_from, case.units[i].pairs_to):
        other = state.units[case.pairs[k].to].zone
        if other == state.units[i].zone:
            change += case.pairs[k].cost
        elif other == target:
            change -= case.pairs[k].cost
    return change


@lean
def pick_centre(case: Case, state: State, z: int, penalty: Floats) -> None:
    """Give a zone the centre that costs least: travel, and units out of reach."""
    zone = state.zones[z]
    best, chosen, travel, far = np.inf, -1, 0.0, 0
    only = zone.wanted > 0
    scale, reach_cost = case.weights[0], penalty[REACH]
    for p in range(zone.first, zone.first + zone.size):
        member = state.members[p]
        value = scale * member.to_all + reach_cost * member.beyond
        if value > best:
            continue
        j = member.unit
        if only and not case.units[j].wanted:
            continue
        # Ties by number: which unit stands first among the members depends on the moves that led here.
        if value < best or j < chosen:
            best, chosen, travel, far = value, j, member.to_all, member.beyond
    zone.centre = chosen
    zone.travel = travel
    zone.far = far
    if not zone.settled:
        zone.settled = 1
        state.lists[state.sums[0].settled_at + state.sums[0].settled] = z
        state.sums[0].settled += 1


@lean
def set_level(case: Case, state: State, z: int, level: int) -> None:
    """Give a zone another level, with what its reach and sums are there; its centre is left for later."""
    zone = state.zones[z]
    state.levels[zone.level].used -= 1
    state.levels[level].used += 1
    size = zone.size
    for k in range(size):
        state.lists[k] = state.members[zone.first + k].unit
    for k in range(size):
        remove(case, state, state.lists[k])
    zone.level = level
    for k in range(size):
        add(case, state, state.lists[k], z)


@lean
def recount(case: Case, state: State) -> None:
    """Work every zone out anew from `zone`, `level` and `match`: no rounding error outlives a call.

    Centres are left for later.
    """
    n, slots = state.units.shape[0], state.zones.shape[0]
    for z in range(slots):
        zone = state.zones[z]
        zone.size = 0
    for i in range(n):
        state.zones[state.units[i].zone].size += 1
    lay_out(state)
    for z in range(slots):
        zone = state.zones[z]
        zone.size = zone.clashes = zone.wanted = zone.far = 0
        zone.hours = zone.customers = zone.urban = zone.travel = 0.0
        zone.centre = -1
        for code in range(state.by_code.shape[1]):
            state.by_code[z, code] = 0.0
    for level in range(state.levels.shape[0]):
        state.levels[level].hours = 0.0
        state.levels[level].used = 0
    for i in range(n):
        add(case, state, i, state.units[i].zone)
    for z in range(slots):
        if state.zones[z].size > 0:
            state.levels[state.zones[z].level].used += 1
    broken, cut = 0, 0.0
    for i in range(n):
        for k in range(case.units[i].links_from, case.units[i].links_to):
            same = state.units[case.links[k].to].zone == state.units[i].zone
            if same == (case.links[k].weight < 0) and case.links[k].to > i:
                broken += 1
        for k in range(case.units[i].pairs_from, case.units[i].pairs_to):
            if case.pairs[k].to > i and state.units[case.pairs[k].to].zone != state.units[i].zone:
                cut += case.pairs[k].cost
    state.sums[0].links = broken
    state.sums[0].cut = cut
