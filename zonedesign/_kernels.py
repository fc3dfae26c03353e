"""Shortest paths, many to many within a limit: a climb and a sweep by eights over an eliminated graph.

Every shortest path climbs upper edges from its origin and descends upper edges to its destination, by way of
the core where there is one (`_elimination`). An origin so needs one climb of its own ancestors and one sweep
down the ancestors of all destinations (PHAST: Delling, Goldberg, Nowatzyk and Werneck 2011; restricted to
targets: Delling, Goldberg and Werneck 2011). Eight origins that lie near one another are swept together, and
a branch that none of them can enter within the limit is stepped over, for all ways into a branch lead through
the upper nodes of its root: the work is that of what is near, not of the whole network. Minutes within the
limit are exact to rounding, and the same at any number of threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zonedesign.compiled import compiled, inner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Nodes = NDArray[np.int32]
    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Lists = tuple[Ints, Ints, Floats]  # by row: `indptr`, what, and minutes

LANES = 8
"""Origins that one sweep serves together: eight float64 are one line of the processor's cache."""


@compiled
def descent(
    tree: tuple[Any, ...], upper: tuple[Any, ...], ends: Lists
) -> tuple[Nodes, Ints, Nodes, Floats, Nodes, Ints, Ints, Floats]:
    """Return the part of the upper edges that a sweep to the destinations needs, in the order of the sweep.

    `tree` is (core, parent, after), `upper` (indptr, upper, down), and `ends` lists for every destination the
    nodes that lead to it, and the minutes from there. Returns `at`, the nodes; by them `indptr`, `above`
    (positions in `at`), `down` and `after` (the first position behind the branch); and the destinations that
    each of them leads to, as `indptr`, destinations, minutes.
    """
    core, parent, after = tree
    indptr, above, down = upper
    first, nodes, minutes = ends
    place = np.full(len(parent), -1, np.int32)
    count, edges = core, 0
    for x in range(core):
        place[x] = 0
    for v in nodes:
        while v >= 0 and place[v] < 0:
            place[v] = 0
            count += 1
            edges += indptr[v + 1] - indptr[v]
            v = parent[v]  # noqa: PLW2901
    at, behind = np.empty(count, np.int32), np.empty(count, np.int32)
    swept, through, along = np.zeros(count + 1, np.int64), np.empty(edges, np.int32), np.empty(edges)
    i = k = 0
    for v in range(len(parent)):
        if place[v] < 0:
            continue
        place[v], at[i] = i, v
        if v >= core:
            for edge in range(indptr[v], indptr[v + 1]):
                through[k], along[k] = place[above[edge]], down[edge]
                k += 1
        i += 1
        swept[i] = k
    j = count
    for i in range(count - 1, -1, -1):  # the first kept node from `after` on, seen from behind
        behind[i] = i + 1 if i == count - 1 else behind[i + 1]
        if at[i] < core:
            behind[i] = i + 1
            continue
        j = i + 1
        while j < count and at[j] < after[at[i]]:
            j = behind[j]
        behind[i] = j
    doors = np.zeros(count + 1, np.int64)
    for v in nodes:
        doors[place[v] + 1] += 1
    for i in range(count):
        doors[i + 1] += doors[i]
    free, who, extra = doors.copy(), np.empty(len(nodes), np.int64), np.empty(len(nodes))
    for destination in range(len(first) - 1):
        for k in range(first[destination], first[destination + 1]):
            i = place[nodes[k]]
            who[free[i]], extra[free[i]] = destination, minutes[k]
            free[i] += 1
    return at, swept, through, along, behind, doors, who, extra


@inner
def _ancestors(starts: Lists, origins: Ints, tree: tuple[Any, ...], local: Nodes, chain: Nodes) -> int:
    """Fill `chain` with the core and the ancestors of the origins, deepest first; return how many they are.

    `local` (n,) becomes the place of each in `chain`; it comes in all -1, but for the core.
    """
    parent: Nodes = tree[1]
    first, nodes, _ = starts
    core: int = tree[0]
    count = core
    for origin in origins:
        for k in range(first[origin], first[origin + 1]):
            v = nodes[k]
            while v >= 0 and local[v] < 0:
                local[v] = 0
                chain[count] = v
                count += 1
                v = parent[v]
    ordered = np.sort(chain[core:count])
    for i in range(len(ordered)):
        chain[count - 1 - i] = ordered[i]
    for i in range(core, count):
        local[chain[i]] = i
    return count


@inner
def _climb(
    starts: Lists, origins: Ints, core: int, upper: tuple[Any, ...], local: Nodes, chain: Nodes
) -> Floats:
    """Return minutes from the origins to the nodes in `chain`, (nodes, LANES), by upper edges alone."""
    indptr, above, up = upper
    first, nodes, minutes = starts
    climbed = np.full((len(chain), LANES), np.inf)
    for lane in range(len(origins)):
        for k in range(first[origins[lane]], first[origins[lane] + 1]):
            i = local[nodes[k]]
            climbed[i, lane] = min(climbed[i, lane], minutes[k])
    for i in range(core, len(chain)):
        for edge in range(indptr[chain[i]], indptr[chain[i] + 1]):
            to, step = local[above[edge]], up[edge]
            for lane in range(LANES):
                through = climbed[i, lane] + step
                # min() asks after NaN and keeps the processor from doing all lanes at once
                climbed[to, lane] = through if through < climbed[to, lane] else climbed[to, lane]  # noqa: FURB136
    return climbed


@inner
def _longer(numbers: Floats, nodes: Nodes, size: int) -> tuple[Floats, Nodes]:
    """Return the two columns with room for `size` entries."""
    more_numbers, more_nodes = np.empty(size), np.empty(size, np.int32)
    for i in range(len(numbers)):
        more_numbers[i], more_nodes[i] = numbers[i], nodes[i]
    return more_numbers, more_nodes


@inner
def _push(heap: Floats, which: Nodes, size: int, key: float, node: int) -> int:
    """Put a node in the heap (of `size`) under its key, and return the new size."""
    i = size
    while i > 0:
        parent = (i - 1) >> 1
        if heap[parent] <= key:
            break
        heap[i], which[i] = heap[parent], which[parent]
        i = parent
    heap[i], which[i] = key, node
    return size + 1


@inner
def _pop(heap: Floats, which: Nodes, size: int) -> int:
    """Take the first entry out of the heap, and return the new size."""
    size -= 1
    key, node = heap[size], which[size]
    i = 0
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= key:
            break
        heap[i], which[i] = heap[child], which[child]
        i = child
    heap[i], which[i] = key, node
    return size


@compiled
def settle(edges: tuple[Ints, Nodes, Floats], minutes: Floats, came: Ints, limit: float) -> None:
    """Lower `minutes` (n,) to those of the shortest paths on from where they are finite (Dijkstra 1959).

    `edges` is (indptr, heads, minutes) by tail; `came` (n,) becomes the edge that each node is reached by.
    What is beyond `limit` is left as it is.
    """
    indptr, heads, along = edges
    heap, which, size = np.empty(64), np.empty(64, np.int32), 0
    for node in range(len(minutes)):
        if minutes[node] <= limit:
            if size == len(heap):
                heap, which = _longer(heap, which, 2 * size)
            size = _push(heap, which, size, minutes[node], node)
    while size > 0:
        here, node = heap[0], which[0]
        size = _pop(heap, which, size)
        if here > minutes[node]:
            continue
        for edge in range(indptr[node], indptr[node + 1]):
            there, to = here + along[edge], heads[edge]
            if there < minutes[to] and there <= limit:
                minutes[to], came[to] = there, edge
                if size == len(heap):
                    heap, which = _longer(heap, which, 2 * size)
                size = _push(heap, which, size, there, to)


@inner
def _sweep(  # noqa: PLR0913, PLR0917  (a part of `within`)
    way: tuple[Any, ...],
    core: int,
    local: Nodes,
    climbed: Floats,
    minutes: Floats,
    near: NDArray[np.bool_],
    limit: float,
    found: Floats,
    seen: NDArray[np.bool_],
) -> None:
    """Bring minutes down to the destinations: `found` (destinations, LANES), valid where `seen`."""
    at, swept, through, along, after, doors, who, extra = way
    i = 0
    while i < len(at):
        row = local[at[i]]
        entered = row >= 0
        if not entered:
            for edge in range(swept[i], swept[i + 1]):
                if near[through[edge]]:
                    entered = True
                    break
            if not entered:  # no way into this branch is within the limit
                i = after[i]
                continue
        if row >= 0:
            for lane in range(LANES):
                minutes[i, lane] = climbed[row, lane]
        else:
            for lane in range(LANES):
                minutes[i, lane] = np.inf
        if i >= core:
            for edge in range(swept[i], swept[i + 1]):
                node, step = through[edge], along[edge]
                if near[node]:
                    for lane in range(LANES):
                        there = minutes[node, lane] + step
                        minutes[i, lane] = there if there < minutes[i, lane] else minutes[i, lane]  # noqa: FURB136
        least = np.inf
        for lane in range(LANES):
            least = minutes[i, lane] if minutes[i, lane] < least else least  # noqa: FURB136
        near[i] = least <= limit
        if near[i]:
            for k in range(doors[i], doors[i + 1]):
                j, step = who[k], extra[k]
                if not seen[j]:
                    seen[j] = True
                    for lane in range(LANES):
                        found[j, lane] = minutes[i, lane] + step
                else:
                    for lane in range(LANES):
                        there = minutes[i, lane] + step
                        found[j, lane] = there if there < found[j, lane] else found[j, lane]  # noqa: FURB136
        i += 1


@compiled
def within(  # noqa: PLR0913, PLR0917  (tuples keep it to what it needs)
    starts: Lists,
    chosen: Ints,
    tree: tuple[Any, ...],
    upper: tuple[Any, ...],
    core_edges: tuple[Ints, Nodes, Floats],
    way: tuple[Any, ...],
    beside: Lists,
    destinations: int,
    limit: float,
) -> tuple[Ints, Nodes, Floats]:
    """Return what the chosen origins reach within the limit, by rows: counts, destinations, minutes.

    `starts` lists for every origin the nodes that it can be at, and after how many minutes; `tree` is (core,
    parent, after), `upper` (indptr, upper, up), `core_edges` those of the core, `way` what `descent` returns.
    `beside` lists for every origin the destinations that it reaches without passing a node, and the minutes.
    """
    core, parent, _ = tree
    local, chain = np.full(len(parent), -1, np.int32), np.empty(len(parent), np.int32)
    for x in range(core):
        local[x] = chain[x] = x
    along, came = np.empty(core), np.empty(core, np.int64)
    minutes, near = np.empty((len(way[0]), LANES)), np.empty(len(way[0]), np.bool_)
    found, seen = np.empty((destinations, LANES)), np.zeros(destinations, np.bool_)
    counts, total = np.zeros(len(chosen), np.int64), 0
    indices, reached = np.empty(1024, np.int32), np.empty(1024)
    for block in range(0, len(chosen), LANES):
        origins = chosen[block : block + LANES]
        count = _ancestors(starts, origins, tree, local, chain)
        climbed = _climb(starts, origins, core, upper, local, chain[:count])
        if core:
            for lane in range(len(origins)):
                along[:] = climbed[:core, lane]
                settle(core_edges, along, came, limit)
                climbed[:core, lane] = along
        _sweep(way, core, local, climbed, minutes, near, limit, found, seen)
        for i in range(core, count):
            local[chain[i]] = -1
        for lane in range(len(origins)):
            for k in range(beside[0][origins[lane]], beside[0][origins[lane] + 1]):
                j = beside[1][k]
                if not seen[j]:
                    seen[j] = True
                    found[j] = np.inf
                found[j, lane] = min(found[j, lane], beside[2][k])
        some = np.flatnonzero(seen)
        if total + LANES * len(some) > len(indices):
            reached, indices = _longer(reached, indices, 2 * total + LANES * len(some))
        for lane in range(len(origins)):
            before = total
            for j in some:
                if found[j, lane] <= limit:
                    indices[total], reached[total] = j, found[j, lane]
                    total += 1
            counts[block + lane] = total - before
        seen[some] = False
    return counts, indices[:total], reached[:total]


@compiled
def gathered(indptr: Ints, indices: Nodes, minutes: Floats, rows: Ints) -> tuple[Ints, Ints, Floats]:
    """Return the chosen rows of a sparse table, in their order."""
    bounds = np.zeros(len(rows) + 1, np.int64)
    for i in range(len(rows)):
        bounds[i + 1] = bounds[i] + indptr[rows[i] + 1] - indptr[rows[i]]
    which, told = np.empty(bounds[-1], np.int64), np.empty(bounds[-1])
    for i in range(len(rows)):
        k = bounds[i]
        for place in range(indptr[rows[i]], indptr[rows[i] + 1]):
            which[k], told[k] = indices[place], minutes[place]
            k += 1
    return bounds, which, told
