"""Kernels of cuts: the cuts for connection that a part of the map has, with their prices, in one table.

A cut says that of a cell's zones none holds a unit beyond a separator without a unit of it, summed over the
centres on the other side. Its price makes units beyond dearer for these centres and the separator's cheaper,
so that a connected plan costs as much as without it, or less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zonedesign.compiled import inner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.solve._separators import Graph

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bytes = NDArray[np.uint8]
    Mask = NDArray[np.bool_]

WIDEST = 12
"""Units in a separator, at most: wide ones say little."""
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


class Table(NamedTuple):
    """All cuts in one table: `held` (1,) are in use, `cell` and `seed` (cuts,) as in `Cuts`.

    `side` (cuts, n) is where units lie, `price` (cuts, n) what each costs beyond, `total` (cuts,) their sum.
    `beyond` (cuts, n) lists the units beyond, the first `beyond_held` (cuts,) of a row; `active` those with a
    price and `separator` the units of the separator in the same way.
    """

    held: Ints
    cell: Ints
    seed: Ints
    side: Bytes
    price: Floats
    total: Floats
    beyond: Ints
    beyond_held: Ints
    active: Ints
    active_held: Ints
    separator: Ints
    separator_held: Ints


@inner
def new_table(most: int, n: int) -> Table:
    return Table(
        np.zeros(1, np.int64),
        np.zeros(most, np.int64),
        np.zeros(most, np.int64),
        np.zeros((most, n), np.uint8),
        np.zeros((most, n)),
        np.zeros(most),
        np.empty((most, n), np.int64),
        np.zeros(most, np.int64),
        np.empty((most, n), np.int64),
        np.zeros(most, np.int64),
        np.zeros((most, WIDEST), np.int64),
        np.zeros(most, np.int64),
    )


@inner
def add_cut(table: Table, graph: Graph, usable: Mask, cell: int, seed: int, separator: Ints) -> int:
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
    table.side[b, seed] = BEYOND
    table.beyond[b, 0], held, seen = seed, 1, 0
    while seen < held:
        u = table.beyond[b, seen]
        seen += 1
        for e in range(graph.indptr[u], graph.indptr[u + 1]):
            v = graph.near[e]
            if usable[cell, v] and table.side[b, v] == HERE:
                table.side[b, v] = BEYOND
                table.beyond[b, held] = v
                held += 1
    table.beyond_held[b] = held
    return b


@inner
def list_prices(table: Table) -> None:
    """Have the lists and totals follow the prices."""
    for b in range(table.held[0]):
        held, total = 0, 0.0
        for k in range(table.beyond_held[b]):
            u = table.beyond[b, k]
            if table.price[b, u] > 0:
                table.active[b, held] = u
                total += table.price[b, u]
                held += 1
        table.active_held[b], table.total[b] = held, total


@inner
def tilt(table: Table, cell: int, centre: int, prices: Floats) -> None:
    """Take the cuts' prices that a zone of a centre pays off the prices of its units (n,)."""
    for b in range(table.held[0]):
        if table.cell[b] == cell and table.side[b, centre] == HERE and table.total[b] > 0:
            for k in range(table.active_held[b]):
                prices[table.active[b, k]] -= table.price[b, table.active[b, k]]
            for k in range(table.separator_held[b]):
                prices[table.separator[b, k]] += table.total[b]


@inner
def untilt(table: Table, cell: int, prices: Floats, tilted: Floats) -> None:
    """Have `tilted` prices (n,) be those without the cuts' again."""
    for b in range(table.held[0]):
        if table.cell[b] == cell and table.total[b] > 0:
            for k in range(table.active_held[b]):
                tilted[table.active[b, k]] = prices[table.active[b, k]]
            for k in range(table.separator_held[b]):
                tilted[table.separator[b, k]] = prices[table.separator[b, k]]


@inner
def kept_cuts(table: Table) -> Cuts:
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
def take_over(table: Table, graph: Graph, usable: Mask, cuts: Cuts) -> None:
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
        b = add_cut(table, graph, usable, cell, seed, separator)
        if b < 0:
            continue
        for m in range(len(priced)):
            if table.side[b, priced[m]] == BEYOND:
                table.price[b, priced[m]] = price[m]
