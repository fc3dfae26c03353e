"""Elimination: what is left of a graph when its nodes go one by one, and minutes on what is left.

Nodes are eliminated fewest neighbours first, each leaving its neighbours joined to one another (shortest
paths as elimination: Carré 1971; minimum degree: Rose 1972). What a node was joined to when it went are its
*upper* nodes; all go later, and are its ancestors in the elimination tree. Roads suit this: 89,000 nodes
leave 166,000 upper edges, 36 at most on one node. A graph that does not (a grid, a random one) is eliminated
in part: what is left is its *core*. None of this asks for minutes: it holds for any traffic, and `customise`
puts minutes on it (customisable contraction hierarchies: Dibbelt, Strasser and Wagner 2016).

Nodes are numbered core first, then every tree from its root down with each branch in one piece, so that the
nodes under a node follow it, and a branch can be stepped over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zonedesign.compiled import compiled, inner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Nodes = NDArray[np.int32]
    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

WORK_PER_NODE = 300
"""How many pairs of neighbours may be looked at for each node, before a graph counts as unfit.

Roads need some 6, a square grid of 90,000 nodes 5,800, and its cost then outgrows its use.
"""

WORK_ALWAYS = 20_000_000
"""What any graph may cost: a tenth of a second."""

CORE_NEIGHBOURS = 10
"""In an unfit graph, nodes with more neighbours than this stay in the core."""


@compiled
def neighbours(indptr: Ints, heads: Nodes) -> tuple[Ints, Ints, Nodes]:
    """Return what each node is joined to, either way: `start`, `length` (n,), `near` by place."""
    n = len(indptr) - 1
    start = np.zeros(n + 1, np.int64)
    for u in range(n):
        for edge in range(indptr[u], indptr[u + 1]):
            if heads[edge] != u:
                start[u + 1] += 1
                start[heads[edge] + 1] += 1
    for u in range(n):
        start[u + 1] += start[u]
    near, length = np.empty(start[n], np.int32), np.zeros(n, np.int64)
    for u in range(n):
        for edge in range(indptr[u], indptr[u + 1]):
            v = heads[edge]
            if v != u:
                near[start[u] + length[u]] = v
                near[start[v] + length[v]] = u
                length[u] += 1
                length[v] += 1
    seen = np.full(n, -1, np.int64)
    for u in range(n):  # several edges to one neighbour become one
        kept = start[u]
        for place in range(start[u], start[u] + length[u]):
            v = near[place]
            if seen[v] != u:
                seen[v] = u
                near[kept] = v
                kept += 1
        length[u] = kept - start[u]
    return start, length, near


@inner
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


@inner
def _append(node: int, key: int, queue: Ints, chain: Ints) -> None:
    """Put a node at the end of the queue of those with `key` neighbours."""
    last = queue[key, 1]
    chain[node, 0], chain[node, 1] = last, -1
    if last >= 0:
        chain[last, 1] = node
    else:
        queue[key, 0] = node
    queue[key, 1] = node


@inner
def _grown(near: Nodes, size: int) -> Nodes:
    """Return the column with room for `size` places."""
    more = np.empty(size, np.int32)
    for place in range(len(near)):
        more[place] = near[place]
    return more


@inner
def _join(a: int, gone: int, start: Ints, length: Ints, near: Nodes, slot: Ints) -> None:
    """Replace node `gone` among the neighbours of `a` by its other neighbours; `slot` is scratch, all -1."""
    base, count = start[a], length[a]
    k = 0
    while k < count:
        v = near[base + k]
        if v == gone:
            count -= 1
            near[base + k] = near[base + count]
        else:
            slot[v] = k
            k += 1
    old = count
    for other in range(start[gone], start[gone] + length[gone]):
        v = near[other]
        if v != a and slot[v] < 0:
            near[base + count] = v
            count += 1
    for k in range(old):
        slot[near[base + k]] = -1
    length[a] = count


@compiled
def eliminate(
    start: Ints, length: Ints, near: Nodes, most: int, work: float
) -> tuple[int, Nodes, Nodes, Nodes, Ints, Nodes]:
    """Return the elimination of a graph as `neighbours` gives it; its arrays are used up.

    It ends when all nodes left have more than `most` neighbours, or more than `work` pairs were looked at.

    Returns `core`, how many nodes are in the core; `number` (n,), the new number of each node; and by new
    number `parent` (n,), the deepest of the upper nodes outside the core, -1 for none; `after` (n,), the
    first number behind its branch; `indptr` (n + 1,) and `upper`, the upper nodes of each node, ascending (in
    the core: its neighbours with smaller numbers).
    """
    n = len(length)
    room, order, slot = np.empty(n, np.int64), np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    queue, chain = np.full((n + 1, 2), -1, np.int64), np.full((n, 2), -1, np.int64)
    for u in range(n):
        room[u] = start[u + 1] - start[u]
        _append(u, length[u], queue, chain)
    end, fewest, gone = start[n], 0, 0
    while gone < n:
        while queue[fewest, 0] < 0:
            fewest += 1
        work -= fewest * fewest
        if fewest > most or work < 0:
            break
        x = queue[fewest, 0]
        _unlink(x, fewest, queue, chain)
        order[gone] = x
        gone += 1
        for i in range(start[x], start[x] + length[x]):
            a = near[i]
            count = length[a]
            if count + length[x] > room[a]:  # move to the end, with space to spare
                room[a] = (count + length[x]) * 3 // 2 + 4
                if end + room[a] > len(near):
                    near = _grown(near, 2 * (end + room[a]))
                for k in range(count):
                    near[end + k] = near[start[a] + k]
                start[a] = end
                end += room[a]
            _join(a, x, start, length, near, slot)
            # to the back of its queue: a chain then loses every other node first, which keeps the tree low
            _unlink(a, count, queue, chain)
            _append(a, length[a], queue, chain)
            fewest = min(fewest, length[a])
    return _numbered(order, gone, start, length, near)


@inner
def _numbered(
    order: Ints, gone: int, start: Ints, length: Ints, near: Nodes
) -> tuple[int, Nodes, Nodes, Nodes, Ints, Nodes]:
    """Return what `eliminate` says, from the nodes in the order in which they went."""
    n = len(length)
    core = n - gone
    rank = np.full(n, n, np.int64)  # when a node went; n in the core
    for i in range(gone):
        rank[order[i]] = i
    above, size = np.full(n, -1, np.int64), np.ones(n, np.int64)  # by node: its parent, and its branch
    for i in range(gone):
        x = order[i]
        first = n
        for place in range(start[x], start[x] + length[x]):
            if rank[near[place]] < first:
                first, above[x] = rank[near[place]], near[place]
        if above[x] >= 0:
            size[above[x]] += size[x]
    number, free = np.empty(n, np.int32), np.empty(n, np.int64)
    following = 0
    for u in range(n):
        if rank[u] == n:
            number[u] = following
            following += 1
    for i in range(gone - 1, -1, -1):  # parents come before their children
        x = order[i]
        if above[x] >= 0:
            number[x] = free[above[x]]
            free[above[x]] += size[x]
        else:
            number[x] = following
            following += size[x]
        free[x] = number[x] + 1
    parent, after = np.full(n, -1, np.int32), np.empty(n, np.int32)
    indptr = np.zeros(n + 1, np.int64)
    for u in range(n):
        x = number[u]
        after[x] = x + size[u]
        if above[u] >= 0:
            parent[x] = number[above[u]]
        for place in range(start[u], start[u] + length[u]):
            if rank[u] < n or number[near[place]] < x:
                indptr[x + 1] += 1
    for x in range(n):
        indptr[x + 1] += indptr[x]
    upper = np.empty(indptr[n], np.int32)
    for u in range(n):
        first = end = indptr[number[u]]
        for place in range(start[u], start[u] + length[u]):
            v = number[near[place]]
            if rank[u] < n or v < number[u]:
                k = end
                while k > first and upper[k - 1] > v:
                    upper[k] = upper[k - 1]
                    k -= 1
                upper[k] = v
                end += 1
    return core, number, parent, after, indptr, upper


@inner
def _place(upper: Nodes, low: int, high: int, node: int) -> int:
    """Return where a node stands in an ascending part of `upper`."""
    while low < high:
        middle = (low + high) >> 1
        if upper[middle] < node:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def slots(edges: Ints, heads: Nodes, number: Nodes, indptr: Ints, upper: Nodes) -> Nodes:
    """Return where the minutes of each edge go: twice the place in `upper`, + 1 if it leads down; -1: a loop.

    `edges` (n + 1,) and `heads` are the graph, node by node.
    """
    found = np.full(len(heads), -1, np.int32)
    for u in range(len(edges) - 1):
        for edge in range(edges[u], edges[u + 1]):
            x, y = number[u], number[heads[edge]]
            if x > y:
                found[edge] = 2 * _place(upper, indptr[x], indptr[x + 1], y)
            elif y > x:
                found[edge] = 2 * _place(upper, indptr[y], indptr[y + 1], x) + 1
    return found


@compiled
def customise(slot: Nodes, minutes: Floats, core: int, indptr: Ints, upper: Nodes) -> tuple[Floats, Floats]:
    """Return minutes along the upper edges: `up`, to the upper node, and `down`, from it; inf for no way.

    They are the least over all paths through nodes that went before both ends.
    """
    up, down = np.full(len(upper), np.inf), np.full(len(upper), np.inf)
    for edge in range(len(slot)):
        place = slot[edge] >> 1
        if slot[edge] < 0:
            continue
        if slot[edge] & 1:
            down[place] = min(down[place], minutes[edge])
        else:
            up[place] = min(up[place], minutes[edge])
    for x in range(len(indptr) - 2, core - 1, -1):
        for i in range(indptr[x] + 1, indptr[x + 1]):
            a = upper[i]
            k = indptr[a]
            for j in range(indptr[x], i):
                b = upper[j]
                while upper[k] < b:
                    k += 1
                up[k] = min(up[k], down[i] + up[j])
                down[k] = min(down[k], down[j] + up[i])
    return up, down


@compiled
def core_edges(core: int, indptr: Ints, upper: Nodes, up: Floats, down: Floats) -> tuple[Ints, Nodes, Floats]:
    """Return the edges of the core, both ways, by tail: `start` (core + 1,), heads, minutes."""
    start = np.zeros(core + 1, np.int64)
    for x in range(core):
        for k in range(indptr[x], indptr[x + 1]):
            start[x + 1] += up[k] < np.inf
            start[upper[k] + 1] += down[k] < np.inf
    for x in range(core):
        start[x + 1] += start[x]
    heads, minutes, free = np.empty(start[core], np.int32), np.empty(start[core]), start.copy()
    for x in range(core):
        for k in range(indptr[x], indptr[x + 1]):
            y = upper[k]
            if up[k] < np.inf:
                heads[free[x]], minutes[free[x]] = y, up[k]
                free[x] += 1
            if down[k] < np.inf:
                heads[free[y]], minutes[free[y]] = x, down[k]
                free[y] += 1
    return start, heads, minutes
