"""Cropping: a neighbourhood of a draft as a search of its own, whose every step costs what it has in units.

Zones outside stay as they are, so that all they ask can be taken off: their number and hours of a level from
its counts and shares, their zones of the baseline from those to be matched. A move then costs the same as on
the whole map, and looks at what is broken take no longer on a map as large as a country.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zonedesign import measures
from zonedesign.solve._tiles import BITS, SIDE, pairs_of, place_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.solve._state import Case, Indices, Ints, Records
    from zonedesign.solve.improve import Draft, Search


MOST_UNITS = 1_000
"""Units up to which all pairs of a neighbourhood are laid out: 8 MB, and some more on the way."""


@dataclass(frozen=True, eq=False)
class Cropped:
    """A neighbourhood: the search over its units, its own draft, and where they come from.

    Of `search` only chains speak of the neighbourhood: its problem and totals are those of the whole map.
    `units` (m,) are the positions of its units in the problem, `whole` is the draft of all. The price of
    `draft` is what the neighbourhood adds to that of the whole; `match` (k,) is the zone of the baseline that
    each of its zones continues on the whole map, -1 for none, None where that is not asked.
    """

    search: Search
    draft: Draft
    units: Ints
    whole: Draft
    match: Ints | None

    def improved(self, *, moves: int, seed: int, heat: float, enough: float, stop: Ints | None) -> Draft:
        """Return the draft of all with the neighbourhood improved by one chain (`Search.improve`)."""
        found = self.search.improve(
            self.draft,
            moves=moves,
            seed=seed,
            heat=heat,
            enough=enough - self.whole.price + self.draft.price,
            stop=stop,
            within=np.ones(len(self.units), dtype=np.bool_),
            match=self.match,
        )
        if self.match is None and math.isfinite(found.price):
            # What a chain adds up move by move was once seen to be more than its plan costs.
            found = self.search.improve(found, moves=0, seed=0, heat=0.0)
        return self.pasted(found) if found.price < self.draft.price else self.whole

    def pasted(self, draft: Draft) -> Draft:
        """Return the draft of all with the neighbourhood as in `draft`."""
        whole, count = self.whole, len(self.whole.level)
        zone = whole.zone.copy()
        zone[self.units] = draft.zone + count
        used = np.zeros(count + len(draft.level), dtype=np.bool_)
        used[zone] = True
        packed = np.cumsum(used) - 1
        return replace(
            whole,
            zone=packed[zone],
            level=np.concatenate([whole.level, draft.level])[used],
            centre=np.concatenate([whole.centre, self.units[draft.centre]])[used],
            price=whole.price - self.draft.price + draft.price,
        )


def suits(within: NDArray[np.bool_]) -> bool:
    """Return whether the neighbourhood of these units (n,) is small enough to be laid out."""
    return int(within.sum()) <= MOST_UNITS


def cropped(search: Search, draft: Draft, within: NDArray[np.bool_]) -> Cropped:
    """Return the neighbourhood of the units `within` (n,), which are whole zones of a draft that is whole."""
    case = search.case
    numbers = np.flatnonzero(within[search.order])
    units = search.order[numbers]
    here, zone = np.unique(draft.zone[units], return_inverse=True)
    outside = np.ones(len(draft.level), dtype=np.bool_)
    outside[here] = False
    records = case.units[numbers]
    records["border"] = np.unique(records["border"], return_inverse=True)[1]
    tile, table = _table(case, numbers)
    levels = _levels(search, draft, outside)
    match = _matched(search, draft, records, here)
    part = case._replace(
        tile=tile,
        table=table,
        pairs=_rows(case.pairs, records, "pairs", numbers),
        links=_rows(case.links, records, "links", numbers),
        units=records,
        levels=levels,
    )
    place = np.arange(len(numbers))
    slots = min(len(numbers), max(len(here), int(levels["most"].sum())) + 2) + 1
    found = replace(search, case=part, order=place, rank=place, slots=slots)
    own = replace(
        draft,
        zone=zone.astype(np.int64),
        level=draft.level[here],
        centre=np.searchsorted(numbers, search.rank[draft.centre[here]]),
    )
    # Without moves zones keep their numbers, which `match` goes by.
    priced = found.improve(own, moves=0, seed=0, heat=0.0, match=match)
    return Cropped(found, priced, units, draft, match)


def _table(case: Case, numbers: Ints) -> tuple[Indices, Records]:
    """Return minutes and bits of all pairs of these units as tiles, of which the first is nobody's."""
    side = -(-len(numbers) // SIDE)
    tile = (1 + np.arange(side * side, dtype=np.int32).reshape(side, side)) << (2 * BITS)
    table = np.full((side * side + 1) << (2 * BITS), case.table[0], dtype=case.table.dtype)
    place = np.arange(len(numbers))
    table[place_of(tile, place[:, None], place)] = pairs_of(case, numbers[:, None], numbers)
    return tile, table


def _rows(rows: Records, units: Records, what: str, numbers: Ints) -> Records:
    """Return the rows of these units that lead to others of them; `units` are told anew where theirs are."""
    begin, degree = units[f"{what}_from"].copy(), units[f"{what}_to"] - units[f"{what}_from"]
    unit = np.repeat(np.arange(len(numbers)), degree)
    found: Records = rows[np.arange(len(unit)) + np.repeat(begin - (np.cumsum(degree) - degree), degree)]
    to = np.minimum(np.searchsorted(numbers, found["to"]), len(numbers) - 1)
    inside = numbers[to] == found["to"]
    found = found[inside]
    found["to"] = to[inside]
    ends = np.cumsum(np.bincount(unit[inside], minlength=len(numbers)))
    units[f"{what}_to"] = ends
    units[f"{what}_from"] = np.concatenate([[0], ends[:-1]])
    return found


def _levels(search: Search, draft: Draft, outside: NDArray[np.bool_]) -> Records:
    """Return the levels with the counts and shares that zones outside leave."""
    levels = search.case.levels.copy()
    used = np.bincount(draft.level[outside], minlength=len(levels))
    by_zone = np.bincount(draft.zone, weights=search.problem.hours, minlength=len(outside))
    hours = np.bincount(draft.level[outside], weights=by_zone[outside], minlength=len(levels))
    for count in ("least", "most"):
        levels[count] = np.maximum(levels[count] - used, 0)
    for share in ("share_low", "share_high"):
        levels[share] -= hours
    return levels


def _matched(search: Search, draft: Draft, records: Records, here: Ints) -> Ints | None:
    """Return the zone of the baseline that each zone `here` continues on the whole map, -1 for none.

    Zones of the baseline get numbers of their own, which the records are told.
    """
    if search.case.weights[1] <= 0:
        return None
    case = search.case
    matched = np.full(len(draft.level), -1, dtype=np.int64)
    for zone, before in measures.matched_zones(
        case.units["hours"], draft.zone[search.order], case.units["before"]
    ):
        matched[zone] = before
    known, records["before"] = np.unique(records["before"], return_inverse=True)
    place = np.minimum(np.searchsorted(known, matched[here]), len(known) - 1)
    return np.where(known[place] == matched[here], place, -1)
