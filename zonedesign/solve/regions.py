"""Regions: a few neighbouring zones that the search improves together while all others stay as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.solve.improve import Draft, Search

    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int64]

FEWEST, MOST = 5, 12
"""Zones of a region. Fewer leave the levels and numbers of zones as they are, which is what a long chain over
the whole map has settled already; more cool no better than the whole map does."""


def region(search: Search, draft: Draft, random: np.random.Generator) -> Flags:
    """Return the units (n,) of some neighbouring zones, gathered by chance around one unit's."""
    count = int(draft.zone.max()) + 1
    fewest, most = min(FEWEST, max(2, count // 2)), min(MOST, count)
    wanted = int(random.integers(min(fewest, most), most + 1))
    first = int(draft.zone[random.integers(len(draft.zone))])
    chosen = np.zeros(count, dtype=np.bool_)
    chosen[first] = True
    touching = _touching(search, draft.zone, count)
    odds = np.zeros(count)
    newest = first
    for _ in range(wanted - 1):
        row = slice(touching.indptr[newest], touching.indptr[newest + 1])
        np.add.at(odds, touching.indices[row], touching.data[row])
        odds[chosen] = 0.0
        total = odds.sum()
        if total <= 0:
            near = _nearest(search, draft, first, chosen)
            if near is None:
                break
            newest = near
        else:
            newest = int(random.choice(count, p=odds / total))
        chosen[newest] = True
    return np.asarray(chosen[draft.zone])


def _touching(search: Search, zone: Ints, count: int) -> sparse.csr_array:
    """Return how many pairs of neighbouring units every two zones share (count, count)."""
    graph = search.problem.units.contiguity
    if graph is None:
        return sparse.csr_array((count, count))
    a, b = zone[graph.pairs[:, 0]], zone[graph.pairs[:, 1]]
    apart = a != b
    ends = np.concatenate([a[apart], b[apart]]), np.concatenate([b[apart], a[apart]])
    found = sparse.coo_array((np.ones(len(ends[0])), ends), shape=(count, count)).tocsr()
    found.sum_duplicates()
    return found


def _nearest(search: Search, draft: Draft, first: int, chosen: Flags) -> int | None:
    """Return the zone nearest to the first by minutes that is not chosen: where none is, no neighbour."""
    others = np.flatnonzero(~chosen)
    if not len(others):
        return None
    centre = np.full(len(others), draft.centre[first])
    return int(others[np.argmin(search.minutes(draft.centre[others], centre))])
