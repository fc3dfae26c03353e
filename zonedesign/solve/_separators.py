"""Kernels of separators: the least of units that parts two places of the map."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zonedesign.compiled import compiled, inner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.contiguity import Contiguity

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

FREE = 1 << 60
"""Room of a unit through which everything passes: more than any flow."""


class Graph(NamedTuple):
    """Neighbours of every unit as rows, and for each entry the place of the same pair the other way."""

    indptr: Ints
    near: Ints
    back: Ints


def graph_of(contiguity: Contiguity) -> Graph:
    """Return the neighbours of every unit as kernels see them."""
    indptr, near, _ = contiguity.csr
    unit = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    back = np.empty(len(near), dtype=np.int64)
    back[np.lexsort((unit, near))] = np.arange(len(near))
    return Graph(indptr, near.astype(np.int64), back)


def no_graph(n: int) -> Graph:
    """Return a graph of so many units without neighbours."""
    nothing = np.zeros(0, dtype=np.int64)
    return Graph(np.zeros(n + 1, dtype=np.int64), nothing, nothing)


@inner
def least_between(graph: Graph, room: Ints, source: Mask, sink: Mask, most: int) -> tuple[Ints, int]:
    """Return the units of least room together that part two places, nearest to the first, and their room.

    `room` (n,) is below 0 where nothing is at all, and `FREE` where everything passes, as in both places:
    such units are never in it. Gives up where more than `most` is needed, which the room tells (minimum cut
    by augmenting paths, units split in two: Ford and Fulkerson 1956, Menger 1927).
    """
    n = len(room)
    through, flow = np.zeros(n, np.int64), np.zeros(len(graph.near), np.int64)
    # States: u is the way into a unit, n + u the way out of it; `by` is the edge that led there.
    before, by = np.empty(2 * n, np.int64), np.empty(2 * n, np.int64)
    queue, total = np.empty(2 * n, np.int64), 0
    while True:
        before[:] = -2
        head, tail, end = 0, 0, -1
        for u in range(n):
            if source[u]:
                before[n + u] = -1
                queue[tail] = n + u
                tail += 1
        while head < tail and end < 0:
            at = queue[head]
            head += 1
            if at >= n:
                u = at - n
                if through[u] > 0 and before[u] == -2:
                    before[u] = at
                    queue[tail] = u
                    tail += 1
                for e in range(graph.indptr[u], graph.indptr[u + 1]):
                    v = graph.near[e]
                    if room[v] >= 0 and not source[v] and before[v] == -2:
                        before[v], by[v] = at, e
                        if sink[v]:
                            end = v
                            break
                        queue[tail] = v
                        tail += 1
            else:
                u = at
                if through[u] < room[u] and before[n + u] == -2:
                    before[n + u] = at
                    queue[tail] = n + u
                    tail += 1
                for e in range(graph.indptr[u], graph.indptr[u + 1]):
                    v = graph.near[e]
                    if flow[graph.back[e]] > 0 and before[n + v] == -2:
                        before[n + v], by[n + v] = at, e
                        queue[tail] = n + v
                        tail += 1
        if end < 0:
            cut, held = np.empty(n, np.int64), 0
            for u in range(n):
                if before[u] != -2 and before[n + u] == -2:
                    cut[held] = u
                    held += 1
            return cut[:held], total
        more, at = FREE, end
        while before[at] != -1:
            last = before[at]
            if at >= n and at - n == last:
                more = min(more, room[last] - through[last])
            elif last >= n and last - n == at:
                more = min(more, through[at])
            elif at >= n:
                more = min(more, flow[graph.back[by[at]]])
            at = last
        total += more
        if total > most:
            return queue[:0].copy(), total
        at = end
        while before[at] != -1:
            last = before[at]
            if at >= n and at - n == last:
                through[last] += more
            elif last >= n and last - n == at:
                through[at] -= more
            elif at >= n:
                flow[graph.back[by[at]]] -= more
            else:
                flow[by[at]] += more
            at = last


@compiled
def vertex_cut(graph: Graph, room: Ints, ends: tuple[int, int], most: int) -> tuple[Ints, int]:
    """Return what `least_between` does for two units."""
    source, sink = np.zeros(len(room), np.bool_), np.zeros(len(room), np.bool_)
    source[ends[0]], sink[ends[1]] = True, True
    room = room.copy()
    room[ends[1]] = FREE
    return least_between(graph, room, source, sink, most)
