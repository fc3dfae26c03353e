"""Shortest paths over roads, many to many: elimination once, then a climb and a sweep by eights.

Nodes are eliminated one by one, fewest neighbours first, each leaving behind the paths through it as edges
between its neighbours (shortest paths as elimination: Carré 1971; minimum degree: Rose 1972). What a node was
joined to when it went are its *upper* edges; all lead to later nodes, its ancestors in the elimination tree.
Every shortest path then climbs upper edges from its origin and descends upper edges to its destination, so
that an origin needs one climb of its own ancestors and one sweep down the ancestors of all destinations
(customisable contraction hierarchies: Dibbelt, Strasser and Wagner 2016; the sweep: Delling, Goldberg and
Werneck 2011). No queue and no cutoff is involved, so every minute is exact to rounding, and the same at any
number of threads. Roads suit this: 90,000 nodes leave 168,000 upper edges, 37 at most on one node.

Machine code is kept in the user's cache folder; with ZONEDESIGN_NO_CACHE set, or where the folder cannot be
written, it is compiled anew in each process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
import numpy as np

from zonedesign.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Nodes = NDArray[np.int32]
    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

LANES = 8
"""Origins that one sweep serves together: eight float64 are one line of the processor's cache."""

Function = TypeVar("Function", bound=Callable[..., Any])


def _inlined(function: Function) -> Function:
    """Return a function that is written out where it is called: passing arrays costs more than it does."""
    return cast("Function", numba.njit(inline="always")(function))


@compiled
def both_ways(indptr: Ints, heads: Nodes, minutes: Floats) -> tuple[Ints, Ints, Nodes, Floats, Floats]:
    """Return what each node is joined to: `start`, `length` (n,); and by place `near`, `to`, `back`.

    `to` is minutes to the neighbour and `back` minutes from it, by the quickest of parallel edges, inf where
    there is none; loops are left out.
    """
    n = len(indptr) - 1
    start = np.zeros(n + 1, np.int64)
    for u in range(n):
        for edge in range(indptr[u], indptr[u + 1]):
            if heads[edge] != u:
                start[u + 1] += 1
                start[heads[edge] + 1] += 1
    for u in range(n):
        start[u + 1] += start[u]
    near, to, back = np.empty(start[n], np.int32), np.empty(start[n]), np.empty(start[n])
    length = np.zeros(n, np.int64)
    for u in range(n):
        for edge in range(indptr[u], indptr[u + 1]):
            v = heads[edge]
            if v != u:
                here, there = start[u] + length[u], start[v] + length[v]
                near[here], to[here], back[here] = v, minutes[edge], np.inf
                near[there], to[there], back[there] = u, np.inf, minutes[edge]
                length[u] += 1
                length[v] += 1
    seen = np.full(n, -1, np.int64)
    for u in range(n):  # several edges to one neighbour become one
        kept = start[u]
        for place in range(start[u], start[u] + length[u]):
            v = near[place]
            first = seen[v]
            if first >= start[u]:
                to[first], back[first] = min(to[first], to[place]), min(back[first], back[place])
            else:
                seen[v] = kept
                near[kept], to[kept], back[kept] = v, to[place], back[place]
                kept += 1
        length[u] = kept - start[u]
    return start, length, near, to, back


@_inlined
def _unlink(node: int, key: int, queue: Ints, chain: Ints) -> None:
    """Take a node out of the queue of those with `key` neighbours.

    `queue` is (n + 1, 2), the first and last node of each queue; `chain` (n, 2), the node before and after
    each node; -1 is none.
    """
    previous, following = chain[node, 0], chain[node, 1]
    if previous >= 0:
        chain[previous, 1] = following
    else:
        queue[key, 0] = following
    if following >= 0:
        chain[following, 0] = previous
    else:
        queue[key, 1] = previous


@_inlined
def _append(node: int, key: int, queue: Ints, chain: Ints) -> None:
    """Put a node at the end of the queue of those with `key` neighbours."""
    last = queue[key, 1]
    chain[node, 0], chain[node, 1] = last, -1
    if last >= 0:
        chain[last, 1] = node
    else:
        queue[key, 0] = node
    queue[key, 1] = node


@compiled
def _grown(near: Nodes, to: Floats, back: Floats, size: int) -> tuple[Nodes, Floats, Floats]:
    """Return the three columns with room for `size` places."""
    more_near, more_to, more_back = np.empty(size, np.int32), np.empty(size), np.empty(size)
    for place in range(len(near)):
        more_near[place], more_to[place], more_back[place] = near[place], to[place], back[place]
    return more_near, more_to, more_back


@_inlined
def _join(  # noqa: PLR0913, PLR0917  (written out in its one caller)
    a: int, i: int, gone: int, start: Ints, length: Ints, near: Nodes, to: Floats, back: Floats, slot: Ints
) -> None:
    """Replace node `gone` among the neighbours of `a` by paths through it to its other neighbours.

    `i` is the place of `a` among the neighbours of `gone`, `slot` scratch that is all -1. Neighbours that no
    finite path joins are made neighbours too: the tree needs it.
    """
    base, count = start[a], length[a]
    k = 0
    while k < count:
        v = near[base + k]
        if v == gone:
            count -= 1
            last = base + count
            near[base + k], to[base + k], back[base + k] = near[last], to[last], back[last]
        else:
            slot[v] = k
            k += 1
    old = count
    inward, outward = back[i], to[i]
    for other in range(start[gone], start[gone] + length[gone]):
        if other == i:
            continue
        v = near[other]
        go, come, k = inward + to[other], back[other] + outward, slot[v]
        if k >= 0:
            if go < to[base + k]:  # noqa: PLR1730  (min() asks after NaN)
                to[base + k] = go
            if come < back[base + k]:  # noqa: PLR1730
                back[base + k] = come
        else:
            near[base + count], to[base + count], back[base + count] = v, go, come
            count += 1
    for k in range(old):
        slot[near[base + k]] = -1
    length[a] = count


@compiled
def eliminate(
    start: Ints, length: Ints, near: Nodes, to: Floats, back: Floats
) -> tuple[Nodes, Ints, Nodes, Floats, Floats, Nodes]:
    """Return the upper edges that are left when all nodes are gone; the arrays of `both_ways` are used up.

    Returns `rank` (n,), when each node went; and numbered by rank: `indptr` (n + 1,), `upper`, `up` (minutes
    to the later node), `down` (from it), and `parent` (n,), the first to go of the upper nodes, -1 for none.
    """
    n = len(length)
    room, order, slot = np.diff(start), np.empty(n, np.int64), np.full(n, -1, np.int64)
    queue, chain = np.full((n + 1, 2), -1, np.int64), np.full((n, 2), -1, np.int64)
    for u in range(n):
        _append(u, length[u], queue, chain)
    end, fewest = start[n], 0
    for step in range(n):
        while queue[fewest, 0] < 0:
            fewest += 1
        x = queue[fewest, 0]
        _unlink(x, fewest, queue, chain)
        order[step] = x
        for i in range(start[x], start[x] + length[x]):
            a = near[i]
            count = length[a]
            if count + length[x] > room[a]:  # move to the end, with space to spare
                room[a] = (count + length[x]) * 3 // 2 + 4
                if end + room[a] > len(near):
                    near, to, back = _grown(near, to, back, 2 * (end + room[a]))
                for k in range(count):
                    old, new = start[a] + k, end + k
                    near[new], to[new], back[new] = near[old], to[old], back[old]
                start[a] = end
                end += room[a]
            _join(a, i, x, start, length, near, to, back, slot)
            # to the back of its queue: a chain then loses every other node first, which keeps the tree low
            _unlink(a, count, queue, chain)
            _append(a, length[a], queue, chain)
            fewest = min(fewest, length[a])
    return _upper_edges(order, start, length, near, to, back)


@compiled
def _upper_edges(
    order: Ints, start: Ints, length: Ints, near: Nodes, to: Floats, back: Floats
) -> tuple[Nodes, Ints, Nodes, Floats, Floats, Nodes]:
    """Return the upper edges numbered by rank, as `eliminate` says."""
    n = len(order)
    rank = np.empty(n, np.int32)
    indptr = np.zeros(n + 1, np.int64)
    for i in range(n):
        rank[order[i]] = i
        indptr[i + 1] = indptr[i] + length[order[i]]
    upper, parent = np.empty(indptr[n], np.int32), np.full(n, -1, np.int32)
    up, down = np.empty(indptr[n]), np.empty(indptr[n])
    for i in range(n):
        for k in range(length[order[i]]):
            old, new = start[order[i]] + k, indptr[i] + k
            node = rank[near[old]]
            upper[new], up[new], down[new] = node, to[old], back[old]
            if parent[i] < 0 or node < parent[i]:
                parent[i] = node
    return rank, indptr, upper, up, down, parent


@compiled
def descent(
    parent: Nodes, indptr: Ints, upper: Nodes, down: Floats, destinations: Nodes
) -> tuple[Nodes, Ints, Nodes, Floats]:
    """Return the part of the upper edges that a sweep to `destinations` (ranks) needs, latest node first.

    Returns `place` (n,), the position of each rank in the sweep, -1 where it is not needed; and by that
    position `indptr`, `upper` and `down`.
    """
    place = np.full(len(parent), -1, np.int32)
    nodes = edges = 0
    for destination in destinations:
        v = destination
        while v >= 0 and place[v] < 0:
            place[v] = 0
            nodes += 1
            edges += indptr[v + 1] - indptr[v]
            v = parent[v]
    swept, above, minutes = np.zeros(nodes + 1, np.int64), np.empty(edges, np.int32), np.empty(edges)
    i = k = 0
    for v in range(len(parent) - 1, -1, -1):
        if place[v] == 0:
            place[v] = i
            for edge in range(indptr[v], indptr[v + 1]):
                above[k], minutes[k] = place[upper[edge]], down[edge]
                k += 1
            i += 1
            swept[i] = k
    return place, swept, above, minutes


@compiled
def sweep(origins: Nodes, targets: Nodes, tree: tuple[Any, ...], way_down: tuple[Any, ...]) -> Floats:
    """Return minutes (origins, targets), inf where there is no path.

    `origins` are ranks, `targets` positions in the sweep; `tree` is (parent, indptr, upper, up) of
    `eliminate` and `way_down` is what `descent` returns.
    """
    parent, indptr, upper, up = tree
    place, swept, above, down = way_down
    found = np.empty((len(origins), len(targets)))
    climb = np.full(len(parent), np.inf)
    minutes = np.empty((len(swept) - 1, LANES))
    for first in range(0, len(origins), LANES):
        lanes = min(LANES, len(origins) - first)
        minutes[:] = np.inf
        for lane in range(lanes):
            v = origins[first + lane]
            climb[v] = 0.0
            while v >= 0:
                here = climb[v]
                climb[v] = np.inf
                if place[v] >= 0:
                    minutes[place[v], lane] = here
                for edge in range(indptr[v], indptr[v + 1]):
                    climb[upper[edge]] = min(climb[upper[edge]], here + up[edge])
                v = parent[v]
        for i in range(len(swept) - 1):
            for edge in range(swept[i], swept[i + 1]):
                node, cost = above[edge], down[edge]
                for lane in range(LANES):
                    through = minutes[node, lane] + cost
                    # min() asks after NaN and keeps the processor from doing all lanes at once
                    minutes[i, lane] = through if through < minutes[i, lane] else minutes[i, lane]  # noqa: FURB136
        for lane in range(lanes):
            for j in range(len(targets)):
                found[first + lane, j] = minutes[targets[j], lane]
    return found


@compiled
def within(found: Floats, column: Ints, limit: float) -> tuple[Ints, Ints, Floats]:
    """Return what is at most `limit`, by rows: how many in each, the positions in `column`, the minutes.

    `column` (points,) says which column of `found` each point reads.
    """
    counts = np.zeros(len(found), np.int64)
    for row in range(len(found)):
        for j in range(len(column)):
            if found[row, column[j]] <= limit:
                counts[row] += 1
    indices, minutes = np.empty(counts.sum(), np.int64), np.empty(counts.sum())
    k = 0
    for row in range(len(found)):
        for j in range(len(column)):
            if found[row, column[j]] <= limit:
                indices[k], minutes[k] = j, found[row, column[j]]
                k += 1
    return counts, indices, minutes
