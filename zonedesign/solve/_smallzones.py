"""Kernels of small zones: every connected set of units that a level with a small band can make a zone of.

The sets are found by extension (Wernicke 2006: ESU): each starts at its first unit, and grows only by
neighbours that no unit taken before it has, so that it is met once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zonedesign.compiled import compiled, inner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Nodes = NDArray[np.int32]
    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]


@compiled
def connected_sets(
    indptr: Ints, near: Ints, usable: Flags, hours: Floats, customers: Floats, most: Floats, limit: int
) -> tuple[Ints, Nodes]:
    """Return all connected sets of usable units with at most `most` (hours, customers), as rows of units.

    `indptr` (n + 1,) and `near` are the units' neighbours. Returns no rows at all where there are more than
    `limit` sets, or sets of more units than can be told apart by then.
    """
    n, deepest = len(indptr) - 1, 64
    first, members = np.zeros(limit + 2, np.int64), np.empty(8 * limit + deepest, np.int32)
    seen = np.zeros(n, np.int32)  # at which depth a unit came next to the set, 0: not yet
    taken, choices = np.empty(deepest, np.int32), np.empty((deepest, n), np.int32)
    left, sums = np.zeros(deepest, np.int64), np.zeros((deepest, 2))
    found, none = 0, (np.zeros(1, np.int64), np.zeros(0, np.int32))
    for root in range(n):
        if not usable[root] or hours[root] > most[0] or customers[root] > most[1]:
            continue
        depth, unit = 0, root
        while depth >= 0:
            if unit >= 0:  # it has just been taken
                taken[depth] = unit
                above = depth - 1
                sums[depth, 0] = hours[unit] + (sums[above, 0] if depth else 0.0)
                sums[depth, 1] = customers[unit] + (sums[above, 1] if depth else 0.0)
                left[depth] = 0
                if depth:
                    for k in range(left[above]):
                        choices[depth, k] = choices[above, k]
                    left[depth] = left[above]
                else:
                    seen[unit] = 1
                for k in range(indptr[unit], indptr[unit + 1]):
                    other = near[k]
                    if seen[other] == 0:
                        seen[other] = depth + 1
                        if other > root and usable[other]:
                            choices[depth, left[depth]] = other
                            left[depth] += 1
                if found == limit or first[found] + depth >= 8 * limit:
                    return none
                for k in range(depth + 1):
                    members[first[found] + k] = taken[k]
                found += 1
                first[found] = first[found - 1] + depth + 1
            unit = -1
            if left[depth]:
                left[depth] -= 1
                other = choices[depth, left[depth]]
                more_hours, more_customers = sums[depth, 0] + hours[other], sums[depth, 1] + customers[other]
                if more_hours <= most[0] and more_customers <= most[1]:
                    if depth + 1 == deepest:
                        return none
                    depth, unit = depth + 1, other
                continue
            for k in range(indptr[taken[depth]], indptr[taken[depth] + 1]):
                if seen[near[k]] == depth + 1:
                    seen[near[k]] = 0
            if depth == 0:
                seen[root] = 0
            depth -= 1
    return first[: found + 1].copy(), members[: first[found]].copy()


@inner
def _arc(indptr: Ints, units: Nodes, centre: int, unit: int) -> int:
    """Return the arc from a centre to a unit, -1 where there is none; rows are ascending."""
    low, high = indptr[centre], indptr[centre + 1]
    while low < high:
        middle = (low + high) >> 1
        if units[middle] < unit:
            low = middle + 1
        else:
            high = middle
    return low if low < indptr[centre + 1] and units[low] == unit else -1


@compiled
def centred(  # noqa: PLR0913, PLR0917
    first: Ints,
    members: Nodes,
    indptr: Ints,
    units: Nodes,
    cost: Floats,
    allowed: Flags,
    hours: Floats,
    customers: Floats,
    least: Floats,
) -> tuple[Nodes, Nodes, Floats]:
    """Return every set with every centre that holds it: `which` set, `centre`, and what its travel adds.

    Sets below `least` (hours, customers) are no zones. Arcs are rows by centre: `indptr`, `units`, `cost` and
    `allowed` at this level. A unit without hours needs no arc: that relaxes its rules, and is allowed.
    """
    which, centre = np.empty(len(members), np.int32), np.empty(len(members), np.int32)
    added = np.empty(len(members))
    count = 0
    for row in range(len(first) - 1):
        total = people = 0.0
        for k in range(first[row], first[row + 1]):
            total += hours[members[k]]
            people += customers[members[k]]
        if total < least[0] or people < least[1]:
            continue
        for c in range(first[row], first[row + 1]):
            sum_of, holds = 0.0, True
            for k in range(first[row], first[row + 1]):
                if hours[members[k]] == 0.0 and k != c:
                    continue
                arc = _arc(indptr, units, members[c], members[k])
                if arc < 0 or not allowed[arc]:
                    holds = False
                    break
                sum_of += cost[arc]
            if holds:
                which[count], centre[count], added[count] = row, members[c], sum_of
                count += 1
    return which[:count].copy(), centre[:count].copy(), added[:count].copy()


@compiled
def best_sets(
    first: Ints, members: Nodes, which: Nodes, centre: Nodes, added: Floats, prices: Floats
) -> tuple[Floats, Ints]:
    """Return (n,): the least that a zone of each centre adds at these prices, inf for none; and its set."""
    worth, best = np.full(len(prices), np.inf), np.full(len(prices), -1, np.int64)
    priced = np.zeros(len(first) - 1)
    for row in range(len(first) - 1):
        for k in range(first[row], first[row + 1]):
            priced[row] += prices[members[k]]
    for pair in range(len(which)):
        value = added[pair] - priced[which[pair]]
        if value < worth[centre[pair]]:
            worth[centre[pair]], best[centre[pair]] = value, which[pair]
    return worth, best


@compiled
def open_arcs(  # noqa: PLR0913, PLR0917
    first: Ints,
    members: Nodes,
    which: Nodes,
    centre: Nodes,
    added: Floats,
    prices: Floats,
    room: Floats,
    indptr: Ints,
    units: Nodes,
) -> Flags:
    """Return which arcs a zone uses that adds no more than its centre has `room` (n,) for."""
    found = np.zeros(len(units), np.bool_)
    for pair in range(len(which)):
        value, row = added[pair], which[pair]
        for k in range(first[row], first[row + 1]):
            value -= prices[members[k]]
        if value <= room[centre[pair]]:
            for k in range(first[row], first[row + 1]):
                arc = _arc(indptr, units, centre[pair], members[k])
                if arc >= 0:
                    found[arc] = True
    return found
