"""Kernels of relax-and-cut: the bound of a part of the map, with connection priced where zones fall apart.

A cut says that of a cell's zones none holds a unit beyond a separator without a unit of it (a,b-separators:
Fischetti et al. 2017, Oehrlein and Haunert 2017), summed over the centres on the other side (`_cuttable`). It
is priced as the units are (Lucena 2005), which only changes what pairs cost: what is left is a knapsack a
centre still.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zonedesign.compiled import compiled, inner
from zonedesign.solve._cuttable import (
    HERE,
    WIDEST,
    Cuts,
    Table,
    add_cut,
    kept_cuts,
    list_prices,
    new_table,
    take_over,
    tilt,
    untilt,
)
from zonedesign.solve._pricing import Rows, new_shelf, price_zone, stock, wanted
from zonedesign.solve._separators import FREE, Graph, least_between

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

ROUNDING = 1e-13
"""What adding up may lose, as a share of what is added up."""
EVERY = 4
"""Steps from one look for cuts to the next."""
PIECES = 3
"""Stray pieces of a zone that are cut off in one look, the heaviest first."""


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
    table: Table, graph: Graph, usable: Mask, idle: Mask, cell: int, centre: int, held: Floats, hours: Floats
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
                add_cut(table, graph, usable, cell, seed, separator)


@inner
def _usable(rows: Rows, cell_of: Ints, count: int) -> Mask:
    """Return which units (cells, n) some zone of each cell can hold; those without hours go with any."""
    usable = np.zeros((count, len(rows.demand)), np.bool_)
    for j in range(len(cell_of)):
        if cell_of[j] >= 0:
            for k in range(rows.indptr[j], rows.indptr[j + 1]):
                usable[cell_of[j], rows.units[k]] = True
    for u in range(len(rows.demand)):
        if not rows.demand[u] > 0:
            usable[:, u] = True
    return usable


@inner
def _slopes(
    table: Table, cell_of: Ints, chosen: Ints, shares: Floats, turn: Floats, slopes: Floats
) -> tuple[float, float]:
    """Write into `slopes` (cuts, n) by how much zones (shares (zones, n)) break each cut at each unit beyond.

    Where a price is zero and would fall, it is 0. Returns its product with the last direction, and that
    direction's with itself.
    """
    along, turned = 0.0, 0.0
    for b in range(table.held[0]):
        units = table.beyond[b, : table.beyond_held[b]]
        for u in units:
            slopes[b, u] = 0.0
        for z in range(len(chosen)):
            if table.cell[b] != cell_of[chosen[z]] or table.side[b, chosen[z]] != HERE:
                continue
            behind = 0.0
            for k in range(table.separator_held[b]):
                behind += shares[z, table.separator[b, k]]
            for u in units:
                slopes[b, u] += shares[z, u] - behind
        for u in units:
            if slopes[b, u] < 0 and table.price[b, u] <= 0:
                slopes[b, u] = 0.0
            along += slopes[b, u] * turn[b, u]
            turned += turn[b, u] * turn[b, u]
    return along, turned


@inner
def _turn(table: Table, slopes: Floats, memory: float, hours: Floats, turn: Floats) -> float:
    """Turn the direction of the cuts' prices to their slopes, and return its square weighted by hours."""
    norm = 0.0
    for b in range(table.held[0]):
        for u in table.beyond[b, : table.beyond_held[b]]:
            turn[b, u] = slopes[b, u] + memory * turn[b, u]
            if turn[b, u] < 0 and table.price[b, u] <= 0:
                turn[b, u] = 0.0
            norm += turn[b, u] * turn[b, u] * hours[u]
    return norm


@inner
def _move(table: Table, turn: Floats, stride: float, hours: Floats) -> None:
    """Move the cuts' prices, none below zero."""
    for b in range(table.held[0]):
        for u in table.beyond[b, : table.beyond_held[b]]:
            if turn[b, u] != 0:
                table.price[b, u] = max(0.0, table.price[b, u] + stride * turn[b, u] * hours[u])
    list_prices(table)


@compiled
def relax_and_cut(
    rows: Rows,
    graph: Graph,
    cells: tuple[Ints, Ints],
    start: tuple[Floats, Cuts],
    target: tuple[float, float],
    pace: tuple[int, int, int],
    stop: Ints,
) -> Relaxed:
    """Return the best bound of plans with so many centres in each cell, by subgradient steps.

    `rows` are the part's arcs, of one level; `cells` every centre's cell (n,), -1 for none, and their counts;
    `start` prices (n,) and cuts to begin with; `target` the objective of the best plan known, and the bound
    at which the part is of no use; `pace` how many steps, those without a better bound after which they
    shorten, and how many cuts at most: none where zones need not be connected. A `stop` (1,) that is not
    0 ends it after a step. What is returned is proved whatever the prices. A step costs the arcs, the cuts
    times n, and for every centre the priced units of its cell's cuts.
    """
    (cell_of, counts), (first, cuts), (goal, enough), (steps, patience, most) = cells, start, target, pace
    n = len(rows.demand)
    hours, demand = rows.demand, rows.demand > 0
    usable = _usable(rows, cell_of, len(counts))
    table = new_table(max(most, 1), n)
    if most > 0:
        take_over(table, graph, usable, cuts)
        list_prices(table)
    prices, tilted, shelf = first.copy(), first.copy(), new_shelf(rows)
    turn_units, turn_cuts = np.zeros(n), np.zeros(table.price.shape)
    slopes = np.zeros(table.price.shape)
    best, best_prices, best_cuts, best_held = -np.inf, prices.copy(), table.price.copy(), 0
    best_worth, best_chosen = np.full(n, np.inf), np.zeros(0, np.int64)
    nothing, worth = np.zeros(0), np.full(n, np.inf)
    shares, slope = np.zeros((counts.sum(), n)), np.zeros(n)
    theta, stale = 1.0, 0
    for step in range(steps):
        tilted[:] = prices
        for j in range(n):
            worth[j] = np.inf
            if cell_of[j] < 0 or rows.own[j] < 0:
                continue
            tilt(table, cell_of[j], j, tilted)
            stock(rows, tilted, j, wanted(rows, j), shelf)
            worth[j], last = price_zone(rows, tilted, j, 0, shelf, nothing)
            untilt(table, cell_of[j], prices, tilted)
            rows.bar[j] = max(0.0, last)
        chosen, total = _choose(worth, cell_of, counts)
        value, size = total, 0.0
        for u in range(n):
            if demand[u]:
                value += prices[u]
                size += abs(prices[u])
        for b in range(table.held[0]):
            size += table.total[b] * (1 + table.separator_held[b]) * len(chosen)
        value -= ROUNDING * size
        stale = 0 if value > best + 1e-5 * abs(value) else stale + 1
        if value > best:
            best, best_held = value, table.held[0]
            best_prices[:], best_worth[:], best_chosen = prices, worth, chosen
            best_cuts[:] = table.price
        if not np.isfinite(value) or best >= enough or step == steps - 1 or stop[0] != 0:
            break
        if stale >= patience:
            theta, stale = 0.8 * theta, 0
            prices[:] = best_prices
            table.price[:] = best_cuts
            list_prices(table)
            turn_units[:] = 0.0
            turn_cuts[:] = 0.0
            continue
        shares[:] = 0.0
        for z in range(len(chosen)):
            tilt(table, cell_of[chosen[z]], chosen[z], tilted)
            stock(rows, tilted, chosen[z], wanted(rows, chosen[z]), shelf)
            price_zone(rows, tilted, chosen[z], 0, shelf, shares[z])
            untilt(table, cell_of[chosen[z]], prices, tilted)
        if most > 0 and step % EVERY == 1:
            for z in range(len(chosen)):
                _look(table, graph, usable, ~demand, cell_of[chosen[z]], chosen[z], shares[z], hours)
        for u in range(n):
            slope[u] = 1.0 if demand[u] else 0.0
        for z in range(len(chosen)):
            for u in range(n):
                slope[u] -= shares[z, u]
        along, turned = _slopes(table, cell_of, chosen, shares, turn_cuts, slopes)
        along += (slope * turn_units).sum()
        turned += (turn_units * turn_units).sum()
        # Camerini, Fratta and Maffioli (1975): a direction that remembers the last one does not zigzag.
        memory = -1.5 * along / turned if along < 0 and turned > 0 else 0.0
        turn_units = slope + memory * turn_units
        norm = (turn_units * turn_units * hours).sum() + _turn(table, slopes, memory, hours, turn_cuts)
        if norm <= 1e-15:
            break
        stride = theta * (goal - value) / norm
        prices += stride * turn_units * hours
        _move(table, turn_cuts, stride, hours)
    table.price[:] = best_cuts
    table.held[0] = best_held
    list_prices(table)
    cost, none = rows.cost.copy(), np.zeros(n)
    tilted[:] = none
    for j in range(n):
        if cell_of[j] >= 0:
            tilt(table, cell_of[j], j, tilted)
            for k in range(rows.indptr[j], rows.indptr[j + 1]):
                cost[k] -= tilted[rows.units[k]]
            untilt(table, cell_of[j], none, tilted)
    return Relaxed(best, best_prices, best_worth, cost, best_chosen, kept_cuts(table))
