"""Kernels of the bound: a fractional knapsack for every centre and level."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zonedesign.compiled import compiled, inner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Indices = NDArray[np.int32]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]


class Rows(NamedTuple):
    """Possible arcs as rows by centre; n units, L levels.

    `indptr` (n + 1,); `units`, `cost`, `allowed` (arcs, L) by arc; `own` (n,) is the arc from each centre to
    itself, -1 where there is none; `demand` (n,) is hours, or customers where bands are of these alone; `low`
    and `high` (L,) are bands of it; `bar` (n,) remembers up to which reduced cost an hour each centre's arcs
    were wanted last; `toll` (L,) is what an hour costs besides at each level. (An hour is one of the demand.)
    """

    indptr: Ints
    units: Indices
    cost: Floats
    allowed: Bools
    own: Ints
    demand: Floats
    low: Floats
    high: Floats
    bar: Floats
    toll: Floats


class Shelf(NamedTuple):
    """One centre's arcs that a zone may want, in no order; room for the longest row.

    `arcs` are places in the rows, `ratio` what an hour costs, `hours` of the unit; `held` (1,) is how many
    stand there.
    """

    arcs: Ints
    ratio: Floats
    hours: Floats
    held: Ints


@inner
def new_shelf(rows: Rows) -> Shelf:
    """Return room for the arcs of one centre."""
    most = 1
    for centre in range(rows.indptr.shape[0] - 1):
        size = rows.indptr[centre + 1] - rows.indptr[centre]
        most = max(most, size)
    return Shelf(np.empty(most, np.int64), np.empty(most), np.empty(most), np.zeros(1, np.int64))


@inner
def wanted(rows: Rows, centre: int) -> float:
    """Return up to which reduced cost an hour a zone may want arcs of a centre: all that pay, and some."""
    bar: float = 1.1 * rows.bar[centre]
    for level in range(rows.toll.shape[0]):
        bar = max(bar, -rows.toll[level])
    return bar


@inner
def stock(rows: Rows, prices: Floats, centre: int, bar: float, shelf: Shelf) -> None:
    """Put one centre's arcs up to a reduced cost an hour on the shelf; itself is not among them."""
    held = 0
    for k in range(rows.indptr[centre], rows.indptr[centre + 1]):
        unit = rows.units[k]
        hours = rows.demand[unit]
        gain = rows.cost[k] - prices[unit]
        if gain <= bar * hours and hours > 0 and unit != centre:
            shelf.arcs[held] = k
            shelf.ratio[held] = gain / hours
            shelf.hours[held] = hours
            held += 1
    shelf.held[0] = held


@inner
def _swap(shelf: Shelf, a: int, b: int) -> None:
    """Have two arcs of the shelf change places."""
    shelf.arcs[a], shelf.arcs[b] = shelf.arcs[b], shelf.arcs[a]
    shelf.ratio[a], shelf.ratio[b] = shelf.ratio[b], shelf.ratio[a]
    shelf.hours[a], shelf.hours[b] = shelf.hours[b], shelf.hours[a]


@inner
def _paying(rows: Rows, level: int, shelf: Shelf) -> tuple[int, int, float]:
    """Bring arcs that pay to the front and those not allowed to the end: return both places, and hours."""
    toll, front, at, end, hours = rows.toll[level], 0, 0, shelf.held[0], 0.0
    while at < end:
        if not rows.allowed[shelf.arcs[at], level]:
            end -= 1
            _swap(shelf, at, end)
            continue
        if shelf.ratio[at] + toll < 0:
            hours += shelf.hours[at]
            _swap(shelf, at, front)
            front += 1
        at += 1
    return front, end, hours


@inner
def _cheapest(shelf: Shelf, begin: int, end: int, need: float) -> tuple[int, float]:
    """Bring the cheapest arcs that hold so many hours to the front of a span, the last of them at its place.

    Returns that place and the hours before it; `end` and all hours where all are too few. (The weighted
    median of Balas and Zemel 1980: halves of halves are looked at, none is put in order.)
    """
    held = 0.0
    while begin < end:
        a, b, c = shelf.ratio[begin], shelf.ratio[(begin + end) // 2], shelf.ratio[end - 1]
        pivot = max(min(a, b), min(max(a, b), c))
        below, at, above, cheaper, same = begin, begin, end, 0.0, 0.0
        while at < above:
            ratio = shelf.ratio[at]
            if ratio < pivot:
                cheaper += shelf.hours[at]
                _swap(shelf, at, below)
                below += 1
                at += 1
            elif ratio > pivot:
                above -= 1
                _swap(shelf, at, above)
            else:
                same += shelf.hours[at]
                at += 1
        if held + cheaper >= need:
            end = below
            continue
        held += cheaper
        if held + same >= need:
            for m in range(below, above):
                if held + shelf.hours[m] >= need:
                    return m, held
                held += shelf.hours[m]
            return above - 1, held - shelf.hours[above - 1]  # but for rounding, the last would have been it
        held += same
        begin = above
    return end, held


@inner
def _fill(
    rows: Rows, prices: Floats, centre: int, level: int, shelf: Shelf, cover: Floats
) -> tuple[float, float, float]:
    """Return the least worth of a zone at `centre`, what its last hour costs, and the hours it still lacks.

    It holds the centre, then the cheapest arcs of the shelf: those that pay as far as there is room, others
    as far as the band asks for them. The last hour's cost, without toll, is the ratio of the last arc that
    went in, in part or against its will. Adds to `cover` (n,) when that is not empty.
    """
    low, high, hours, toll = rows.low[level], rows.high[level], rows.demand, rows.toll[level]
    own = rows.own[centre]
    used = hours[centre]
    if own < 0 or not rows.allowed[own, level] or used > high:
        return np.inf, 0.0, 0.0
    keep = cover.shape[0] > 0
    worth, last = rows.cost[own] - (prices[centre] if used > 0 else 0.0) + toll * used, -toll
    whole, end, paid = _paying(rows, level, shelf)
    share = 0.0
    if used + paid > high:
        end = whole
        whole, before = _cheapest(shelf, 0, end, high - used)
        used += before
        share = (high - used) / shelf.hours[whole] if whole < end else 0.0
    elif used + paid < low:
        whole, before = _cheapest(shelf, whole, end, low - used - paid)
        used += paid + before
        share = (low - used) / shelf.hours[whole] if whole < end else 0.0
    else:
        used += paid
    for m in range(whole):
        worth += (shelf.ratio[m] + toll) * shelf.hours[m]
    if share > 0:
        last = shelf.ratio[whole]
        worth += share * (last + toll) * shelf.hours[whole]
        used += share * shelf.hours[whole]
    if keep:
        if hours[centre] > 0:
            cover[centre] += 1.0
        for m in range(whole):
            cover[rows.units[shelf.arcs[m]]] += 1.0
        if share > 0:
            cover[rows.units[shelf.arcs[whole]]] += share
    return worth, last, max(0.0, low - used - 1e-9)


@inner
def price_zone(
    rows: Rows, prices: Floats, centre: int, level: int, shelf: Shelf, cover: Floats
) -> tuple[float, float]:
    """Return worth (inf where there is none) and last hour's cost, restocking a shelf that is short."""
    worth, last, lacking = _fill(rows, prices, centre, level, shelf, cover[:0])
    if lacking > 0:
        if shelf.held[0] + 1 < rows.indptr[centre + 1] - rows.indptr[centre]:
            stock(rows, prices, centre, np.inf, shelf)
            worth, last, lacking = _fill(rows, prices, centre, level, shelf, cover[:0])
        if lacking > 0:
            return np.inf, 0.0
    if cover.shape[0] > 0:
        _fill(rows, prices, centre, level, shelf, cover)
    return worth, last


@compiled
def worth_of_centres(rows: Rows, prices: Floats, first: int, last: int, worth: Floats) -> None:
    """Fill `worth` (n, L) for centres `first` to `last`: the least that a zone adds to the bound, or inf.

    Rows are apart, so that several threads may each fill some. Most zones want only the arcs that pay, and
    some beyond where their band asks for more: those of last time, and a little more, are looked at.
    """
    shelf, nothing = new_shelf(rows), np.zeros(0)
    for centre in range(first, last):
        if rows.indptr[centre + 1] == rows.indptr[centre]:
            for level in range(rows.low.shape[0]):
                worth[centre, level] = np.inf
            continue
        stock(rows, prices, centre, wanted(rows, centre), shelf)
        bar = 0.0
        for level in range(rows.low.shape[0]):
            value, dearest = price_zone(rows, prices, centre, level, shelf, nothing)
            worth[centre, level] = value
            bar = max(bar, dearest)
        rows.bar[centre] = bar


@compiled
def cover_of(rows: Rows, prices: Floats, centres: Ints, levels: Ints) -> Floats:
    """Return (n,): how often the chosen zones hold each unit, in fractions."""
    shelf, cover = new_shelf(rows), np.zeros(rows.demand.shape[0])
    for z in range(centres.shape[0]):
        stock(rows, prices, centres[z], wanted(rows, centres[z]), shelf)
        price_zone(rows, prices, centres[z], levels[z], shelf, cover)
    return cover


@compiled
def closed_arcs(rows: Rows, prices: Floats, with_centre: Floats, target: float, closed: Bools) -> None:
    """Mark in `closed` (arcs, L) what no plan below `target` uses.

    `with_centre` (n, L) bounds every plan that has a zone with that centre and level.
    """
    shelf, nothing = new_shelf(rows), np.zeros(0)
    for centre in range(rows.indptr.shape[0] - 1):
        begin, end = rows.indptr[centre], rows.indptr[centre + 1]
        stock(rows, prices, centre, wanted(rows, centre), shelf)
        for level in range(rows.low.shape[0]):
            if not with_centre[centre, level] < target:
                closed[begin:end, level] = True
                continue
            last = price_zone(rows, prices, centre, level, shelf, nothing)[1]
            for k in range(begin, end):
                unit = rows.units[k]
                hours = rows.demand[unit]
                if unit != centre and hours > 0:
                    extra = rows.cost[k] - prices[unit] - last * hours
                    if extra > 0 and with_centre[centre, level] + extra > target:
                        closed[k, level] = True


@compiled
def few_at(cost: Floats, own: Ints, hours: Floats, band: Floats, price: Floats) -> tuple[float, Floats]:
    """Return a bound of plans with given centres, and what units are worth (n,).

    `cost` (n, centres) is what a unit adds to a zone (inf: not allowed), `own` (centres,) are the centres'
    own units. Not the units' rule is priced here but the band of hours, `price` (centres,) an hour; each unit
    then goes where it is cheapest.
    """
    n, count = cost.shape
    zone_of, worth, value = np.full(n, -1), np.zeros(n), 0.0
    for z in range(count):
        zone_of[own[z]] = z
        value -= price[z] * band[1] if price[z] > 0 else (price[z] * band[0] if price[z] < 0 else 0.0)
    for i in range(n):
        at, least = zone_of[i], np.inf
        if at >= 0:
            least = cost[i, at] + price[at] * hours[i]
        else:
            for z in range(count):
                there = cost[i, z] + price[z] * hours[i]
                least = min(least, there)
        value += least
        worth[i] = least
    return value, worth
