"""Kernels of relax-and-cut: the bound of a part of the map, with connection priced where zones fall apart.

A cut says that of a cell's zones none holds a unit beyond a separator without a unit of it (a,b-separators:
Fischetti et al. 2017, Oehrlein and Haunert 2017), summed over the centres on the other side. It is priced as
the units are (Lucena 2005), which only changes what pairs cost: what is left is a knapsack a centre still.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zonedesign.compiled import compiled, inner
from zonedesign.solve._pricing import Rows, _new_shelf, _price, _stock
from zonedesign.solve._separators import FREE, Graph, least_between

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bytes = NDArray[np.uint8]
    Mask = NDArray[np.bool_]

ROUNDING = 1e-13
"""What adding up may lose, as a share of what is added up."""
EVERY = 4
"""Steps from one look for cuts to the next."""
WIDEST = 12
"""Units in a separator, at most: wide ones say little."""
PIECES = 3
"""Stray pieces of a zone that are cut off in one look, the heaviest first."""
HERE, BEYOND, SEPARATOR = 0, 1, 2
"""Where a unit lies by a cut: on the centres' side, beyond the separator, in it."""


class Cuts(NamedTuple):
    """Cuts with their prices: `cell` (cuts,), and `seed` (cuts,), a unit beyond the separator.

    `separator` and `priced` with `price` are rows one after the other, which end at `..._ends` (cuts + 1,):
    the separator's units, and the units beyond it that have a price. Only units with hours are in separators.
    """

    cell: Ints
    seed: Ints
    separator_ends: Ints
    separator: Ints
    priced_ends: Ints
    priced: Ints
    price: Floats


class Relaxed(NamedTuple):
    """What relax-and-cut found: bound, prices (n,), worth of centres (n,), tilted costs (arcs,), cuts.

    `chosen` are the centres at these prices; the bound is inf where no choice of centres is possible.
    """

    value: float
    prices: Floats
    worth: Floats
    cost: Floats
    chosen: Ints
    cuts: Cuts


class _Table(NamedTuple):
    """All cuts in one table: `held` (1,) are in use, `cell` and `seed` (cuts,) as in `Cuts`.

    `side` (cuts, n) is where units lie, `price` (cuts, n) what each costs beyond, `total` (cuts,) their sum.
    `active` (cuts, n) lists the units with a price, the first `active_held` (cuts,) of a row, and `separator`
    the units of the separator in the same way.
    """

    held: Ints
    cell: Ints
    seed: Ints
    side: Bytes
    price: Floats
    total: Floats
    active: Ints
    active_held: Ints
    separator: Ints
    separator_held: Ints


@inner
def _new_table(most: int, n: int) -> _Table:
    return _Table(
        np.zeros(1, np.int64),
        np.zeros(most, np.int64),
        np.zeros(most, np.int64),
        np.zeros((most, n), np.uint8),
        np.zeros((most, n)),
        np.zeros(most),
        np.zeros((most, n), np.int64),
        np.zeros(most, np.int64),
        np.zeros((most, WIDEST), np.int64),
        np.zeros(most, np.int64),
    )


@inner
def _add(table: _Table, graph: Graph, usable: Mask, cell: int, seed: int, separator: Ints) -> int:
    """Put a cut into the table and return its number, -1 where it is there already or there is no room."""
    for b in range(table.held[0]):
        if table.cell[b] == cell and table.separator_held[b] == len(separator):
            differs = table.side[b, seed] != BEYOND
            for s in separator:
                differs = differs or table.side[b, s] != SEPARATOR
            if not differs:
                return -1
    b = int(table.held[0])
    if b == len(table.cell):
        return -1
    table.held[0] += 1
    table.cell[b], table.seed[b] = cell, seed
    table.separator_held[b] = len(separator)
    for k, s in enumerate(separator):
        table.side[b, s] = SEPARATOR
        table.separator[b, k] = s
    stack = [seed]
    table.side[b, seed] = BEYOND
    while len(stack) > 0:
        u = stack.pop()
        for e in range(graph.indptr[u], graph.indptr[u + 1]):
            v = graph.near[e]
            if usable[cell, v] and table.side[b, v] == HERE:
                table.side[b, v] = BEYOND
                stack.append(v)
    return b


@inner
def _list_prices(table: _Table) -> None:
    """Have the lists and totals follow the prices."""
    for b in range(table.held[0]):
        held, total = 0, 0.0
        for u in range(table.price.shape[1]):
            if table.price[b, u] > 0:
                table.active[b, held] = u
                total += table.price[b, u]
                held += 1
        table.active_held[b], table.total[b] = held, total


@inner
def _tilt(rows: Rows, base: Floats, table: _Table, cell: int, centre: int, tilt: Floats) -> None:
    """Write into `rows.cost` what the arcs of a centre cost with the cuts' prices; `tilt` (n,) is zero."""
    for b in range(table.held[0]):
        if table.cell[b] == cell and table.side[b, centre] == HERE and table.total[b] > 0:
            for k in range(table.active_held[b]):
                tilt[table.active[b, k]] += table.price[b, table.active[b, k]]
            for k in range(table.separator_held[b]):
                tilt[table.separator[b, k]] -= table.total[b]
    for k in range(rows.indptr[centre], rows.indptr[centre + 1]):
        rows.cost[k] = base[k] + tilt[rows.units[k]]
    for b in range(table.held[0]):
        if table.cell[b] == cell:
            for k in range(table.active_held[b]):
                tilt[table.active[b, k]] = 0.0
            for k in range(table.separator_held[b]):
                tilt[table.separator[b, k]] = 0.0


@inner
def _choose(worth: Floats, cell_of: Ints, counts: Ints) -> tuple[Ints, float]:
    """Return the cheapest centres, so many in each cell, and their total; none and inf where too few are."""
    chosen, held, total = np.empty(counts.sum(), np.int64), 0, 0.0
    taken = np.zeros(len(worth), np.bool_)
    for cell in range(len(counts)):
        for _ in range(counts[cell]):
            best, least = -1, np.inf
            for j in range(len(worth)):
                if cell_of[j] == cell and worth[j] < least and not taken[j]:
                    best, least = j, worth[j]
            if best < 0:
                return chosen[:0], np.inf
            taken[best] = True
            chosen[held] = best
            held += 1
            total += least
    return chosen, total


@inner
def _pieces(graph: Graph, inside: Mask) -> tuple[Ints, int]:
    """Return the number (n,) of the connected piece that every unit inside belongs to, -1 elsewhere."""
    piece, count = np.full(len(inside), -1), 0
    stack = [0]  # so that numba sees what it holds
    stack.pop()
    for first in range(len(inside)):
        if not inside[first] or piece[first] >= 0:
            continue
        piece[first] = count
        stack.append(first)
        while len(stack) > 0:
            u = stack.pop()
            for e in range(graph.indptr[u], graph.indptr[u + 1]):
                v = graph.near[e]
                if inside[v] and piece[v] < 0:
                    piece[v] = count
                    stack.append(v)
        count += 1
    return piece, count


@inner
def _look(
    table: _Table, graph: Graph, usable: Mask, idle: Mask, cell: int, centre: int, held: Floats, hours: Floats
) -> None:
    """Add cuts for what a zone (shares (n,)) holds apart from its centre's own piece."""
    inside = (held > 0.5) | idle
    inside[centre] = True
    piece, count = _pieces(graph, inside)
    if count == 1:
        return
    weight = np.zeros(count)
    for u in range(len(piece)):
        if piece[u] >= 0:
            weight[piece[u]] += hours[u]
    home = piece[centre]
    weight[home] = 0.0
    # Only units with hours stand in separators: others have no arc, and a cut without it would be wrong.
    room = np.where(inside, FREE, np.where(usable[cell], 1, -1))
    for _ in range(PIECES):
        worst = int(np.argmax(weight))
        if weight[worst] <= 0:
            return
        weight[worst] = 0.0
        seed = -1
        for u in range(len(piece)):
            if piece[u] == worst and (seed < 0 or hours[u] > hours[seed]):
                seed = u
        for one, other in ((worst, home), (home, worst)):
            separator, wide = least_between(graph, room, piece == one, piece == other, WIDEST)
            if wide <= WIDEST:
                _add(table, graph, usable, cell, seed, separator)


@inner
def _kept(table: _Table) -> Cuts:
    """Return the cuts that have a price."""
    count, separators, priced = 0, 0, 0
    for b in range(table.held[0]):
        if table.total[b] > 0:
            count += 1
            separators += table.separator_held[b]
            priced += table.active_held[b]
    cuts = Cuts(
        np.empty(count, np.int64), np.empty(count, np.int64), np.zeros(count + 1, np.int64),
        np.empty(separators, np.int64), np.zeros(count + 1, np.int64), np.empty(priced, np.int64),
        np.empty(priced),
    )  # fmt: skip
    at, s, p = 0, 0, 0
    for b in range(table.held[0]):
        if not table.total[b] > 0:
            continue
        cuts.cell[at], cuts.seed[at] = table.cell[b], table.seed[b]
        for k in range(table.separator_held[b]):
            cuts.separator[s] = table.separator[b, k]
            s += 1
        for k in range(table.active_held[b]):
            cuts.priced[p] = table.active[b, k]
            cuts.price[p] = table.price[b, table.active[b, k]]
            p += 1
        at += 1
        cuts.separator_ends[at], cuts.priced_ends[at] = s, p
    return cuts


@inner
def _taken_over(table: _Table, graph: Graph, usable: Mask, cuts: Cuts) -> None:
    """Put cuts of a larger part into the table, with the prices of units that are beyond them here."""
    for k in range(len(cuts.cell)):
        cell, seed = cuts.cell[k], cuts.seed[k]
        priced = cuts.priced[cuts.priced_ends[k] : cuts.priced_ends[k + 1]]
        price = cuts.price[cuts.priced_ends[k] : cuts.priced_ends[k + 1]]
        if not usable[cell, seed]:
            seed, dearest = -1, 0.0
            for m in range(len(priced)):
                if usable[cell, priced[m]] and price[m] > dearest:
                    seed, dearest = priced[m], price[m]
            if seed < 0:
                continue
        separator = cuts.separator[cuts.separator_ends[k] : cuts.separator_ends[k + 1]]
        b = _add(table, graph, usable, cell, seed, separator)
        if b < 0:
            continue
        for m in range(len(priced)):
            if table.side[b, priced[m]] == BEYOND:
                table.price[b, priced[m]] = price[m]


@compiled
def relax_and_cut(
    rows: Rows,
    graph: Graph,
    cells: tuple[Ints, Ints],
    start: tuple[Floats, Cuts],
    target: tuple[float, float],
    pace: tuple[int, int, int],
) -> Relaxed:
    """Return the best bound of plans with so many centres in each cell, by subgradient steps.

    `rows` are the part's arcs, of one level; `cells` every centre's cell (n,), -1 for none, and their counts;
    `start` prices (n,) and cuts to begin with; `target` the objective of the best plan known, and the bound
    at which the part is of no use; `pace` how many steps, those without a better bound after which they
    shorten, and how many cuts at most: none where zones need not be connected. What is returned is proved
    whatever the prices. A step costs the arcs,
    the cuts times n, and for every centre the priced units of its cell's cuts.
    """
    (cell_of, counts), (first, cuts), (goal, enough), (steps, patience, most) = cells, start, target, pace
    n, count, base = len(rows.hours), len(counts), rows.cost
    hours, demand = rows.hours, rows.hours > 0
    rows = Rows(
        rows.indptr, rows.units, base.copy(), rows.allowed, rows.own, hours, rows.low, rows.high, rows.bar
    )
    usable = np.zeros((count, n), np.bool_)
    for j in range(n):
        if cell_of[j] >= 0:
            for k in range(rows.indptr[j], rows.indptr[j + 1]):
                usable[cell_of[j], rows.units[k]] = True
    for u in range(n):
        if not demand[u]:
            usable[:, u] = True
    table = _new_table(max(most, 1), n)
    if most > 0:
        _taken_over(table, graph, usable, cuts)
        _list_prices(table)
    prices, tilt, shelf = first.copy(), np.zeros(n), _new_shelf(rows)
    turn_units, turn_cuts = np.zeros(n), np.zeros(table.price.shape)
    slope_cuts = np.zeros(table.price.shape)
    best, best_prices, best_cuts, best_held = -np.inf, prices.copy(), table.price.copy(), 0
    best_worth, best_chosen = np.full(n, np.inf), np.zeros(0, np.int64)
    nothing, worth = np.zeros(0), np.full(n, np.inf)
    held = np.zeros((counts.sum(), n))
    theta, stale = 1.0, 0
    for step in range(steps):
        for j in range(n):
            worth[j] = np.inf
            if cell_of[j] < 0 or rows.own[j] < 0:
                continue
            _tilt(rows, base, table, cell_of[j], j, tilt)
            _stock(rows, prices, j, 1.1 * rows.bar[j], shelf)
            worth[j], last = _price(rows, prices, j, 0, shelf, nothing)
            rows.bar[j] = max(0.0, last)
        chosen, total = _choose(worth, cell_of, counts)
        value, size = total, 0.0
        for u in range(n):
            if demand[u]:
                value += prices[u]
                size += abs(prices[u])
        value -= ROUNDING * size
        stale = 0 if value > best + 1e-5 * abs(value) else stale + 1
        if value > best:
            best, best_held = value, table.held[0]
            best_prices[:], best_worth[:], best_chosen = prices, worth, chosen
            best_cuts[:] = table.price
        if not np.isfinite(value) or best >= enough or step == steps - 1:
            break
        if stale >= patience:
            theta, stale = 0.8 * theta, 0
            prices[:] = best_prices
            table.price[:] = best_cuts
            _list_prices(table)
            turn_units[:] = 0.0
            turn_cuts[:] = 0.0
            continue
        held[:] = 0.0
        for z in range(len(chosen)):
            _stock(rows, prices, chosen[z], 1.1 * rows.bar[chosen[z]], shelf)
            _price(rows, prices, chosen[z], 0, shelf, held[z])
        if most > 0 and step % EVERY == 1:
            for z in range(len(chosen)):
                _look(table, graph, usable, ~demand, cell_of[chosen[z]], chosen[z], held[z], hours)
        slope = np.where(demand, 1.0 - held.sum(axis=0), 0.0)
        along, turned = (slope * turn_units).sum(), (turn_units * turn_units).sum()
        for b in range(table.held[0]):
            slope_cuts[b] = 0.0
            for z in range(len(chosen)):
                if table.cell[b] != cell_of[chosen[z]] or table.side[b, chosen[z]] != HERE:
                    continue
                behind = 0.0
                for k in range(table.separator_held[b]):
                    behind += held[z, table.separator[b, k]]
                for u in range(n):
                    if table.side[b, u] == BEYOND:
                        slope_cuts[b, u] += held[z, u] - behind
            for u in range(n):
                if slope_cuts[b, u] < 0 and table.price[b, u] <= 0:
                    slope_cuts[b, u] = 0.0
                along += slope_cuts[b, u] * turn_cuts[b, u]
                turned += turn_cuts[b, u] * turn_cuts[b, u]
        # Camerini, Fratta and Maffioli (1975): a direction that remembers the last one does not zigzag.
        memory = -1.5 * along / turned if along < 0 and turned > 0 else 0.0
        turn_units = slope + memory * turn_units
        norm = (turn_units * turn_units * hours).sum()
        for b in range(table.held[0]):
            for u in range(n):
                turn_cuts[b, u] = slope_cuts[b, u] + memory * turn_cuts[b, u]
                if turn_cuts[b, u] < 0 and table.price[b, u] <= 0:
                    turn_cuts[b, u] = 0.0
                norm += turn_cuts[b, u] * turn_cuts[b, u] * hours[u]
        if norm <= 1e-15:
            break
        stride = theta * (goal - value) / norm
        prices += stride * turn_units * hours
        for b in range(table.held[0]):
            for u in range(n):
                if turn_cuts[b, u] != 0:
                    table.price[b, u] = max(0.0, table.price[b, u] + stride * turn_cuts[b, u] * hours[u])
        _list_prices(table)
    table.price[:] = best_cuts
    table.held[0] = best_held
    _list_prices(table)
    for j in range(n):
        if cell_of[j] >= 0:
            _tilt(rows, base, table, cell_of[j], j, tilt)
    return Relaxed(best, best_prices, best_worth, rows.cost, best_chosen, _kept(table))
