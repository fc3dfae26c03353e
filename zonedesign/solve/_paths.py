"""Paths by weight: which units a connected zone of a centre could hold, compiled."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.compiled import compiled, inner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]


@compiled
def within_weight(
    indptr: Ints, units: Ints, usable: Mask, near_indptr: Ints, near: Ints, weight: Floats, most: float
) -> Mask:
    """Return which arcs (arcs,) have a path of usable units from the centre that weighs at most `most`.

    `indptr` and `units` are the arcs as rows by centre, `near_indptr` and `near` the neighbours of every
    unit; both ends of a path count (Dijkstra 1959, weights on the nodes).
    """
    n = len(indptr) - 1
    found = np.zeros(len(units), dtype=np.bool_)
    position = np.full(n, -1, dtype=np.int64)
    sum_to = np.full(n, np.inf)
    for j in range(n):
        holds_itself = False
        for arc in range(indptr[j], indptr[j + 1]):
            if usable[arc]:
                position[units[arc]] = arc
                holds_itself = holds_itself or units[arc] == j
        if holds_itself and weight[j] <= most:
            sum_to[j] = weight[j]
            heap = [(weight[j], j)]
            while len(heap) > 0:
                total, i = heapq.heappop(heap)
                if total > sum_to[i]:
                    continue
                found[position[i]] = True
                for k in range(near_indptr[i], near_indptr[i + 1]):
                    other = near[k]
                    longer = total + weight[other]
                    if position[other] >= 0 and longer < sum_to[other] and longer <= most:
                        sum_to[other] = longer
                        heapq.heappush(heap, (longer, other))
        for arc in range(indptr[j], indptr[j + 1]):
            position[units[arc]] = -1
            sum_to[units[arc]] = np.inf
    return found


@inner
def _weight_between(
    near_indptr: Ints, near: Ints, usable: Mask, ends: tuple[int, int], weight: Floats, most: float
) -> float:
    """Return the least weight of a path of usable units between two, inf beyond `most`."""
    sum_to = np.full(len(weight), np.inf)
    sum_to[ends[0]] = weight[ends[0]]
    heap = [(weight[ends[0]], ends[0])]
    while len(heap) > 0:
        total, i = heapq.heappop(heap)
        if i == ends[1]:
            return float(total)
        if total > sum_to[i]:
            continue
        for k in range(near_indptr[i], near_indptr[i + 1]):
            other = near[k]
            longer = total + weight[other]
            if usable[other] and longer < sum_to[other] and longer <= most:
                sum_to[other] = longer
                heapq.heappush(heap, (longer, other))
    return np.inf


@compiled
def needed(
    near_indptr: Ints,
    near: Ints,
    usable: Mask,
    separator: Ints,
    ends: tuple[int, int],
    weight: Floats,
    most: float,
) -> Mask:
    """Return which units of a separator are needed to keep all paths up to `most` from going past it.

    `usable` (n,) are the units that paths may use. One unit after the other is opened, and stays open where
    no path between the ends is light enough then.
    """
    usable = usable.copy()
    usable[separator] = False
    kept = np.ones(len(separator), dtype=np.bool_)
    for k in range(len(separator)):
        usable[separator[k]] = True
        if _weight_between(near_indptr, near, usable, ends, weight, most) <= most:
            usable[separator[k]] = False
        else:
            kept[k] = False
    return kept
