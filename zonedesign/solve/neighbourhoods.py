"""Neighbourhoods: a few zones next to each other that the search improves while all others stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zonedesign.solve.improve import Draft, Search

    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int64]

FEWEST, MOST = 5, 12
"""Zones of a neighbourhood. Fewer leave the levels and numbers of zones as they are, which is what a long
chain over the whole map has settled already; more cool no better than the whole map does."""


def neighbourhood(
    search: Search, draft: Draft, random: np.random.Generator, among: Flags | None = None
) -> Flags:
    """Return the units (n,) of some neighbouring zones, gathered by chance around one unit's.

    Only zones of the units `among` (n,), which are whole zones, are in it.
    """
    count = int(draft.zone.max()) + 1
    outside = np.zeros(count, dtype=np.bool_)
    starts = np.arange(len(draft.zone))
    if among is not None:
        outside[draft.zone[~among]] = True
        starts = np.flatnonzero(among)
    count -= int(outside.sum())
    fewest, most = min(FEWEST, max(2, count // 2)), min(MOST, count)
    wanted = int(random.integers(min(fewest, most), most + 1))
    first = int(draft.zone[starts[random.integers(len(starts))]])
    chosen = np.zeros(len(outside), dtype=np.bool_)
    chosen[first] = True
    odds = np.zeros(len(outside))
    newest = first
    for _ in range(wanted - 1):
        odds += _touching(search, draft.zone, newest, len(outside))
        odds[chosen | outside] = 0.0
        total = odds.sum()
        if total <= 0:
            near = _nearest(search, draft, first, chosen | outside)
            if near is None:
                break
            newest = near
        else:
            newest = int(random.choice(len(odds), p=odds / total))
        chosen[newest] = True
    return np.asarray(chosen[draft.zone])


def _touching(search: Search, zone: Ints, newest: int, count: int) -> Ints:
    """Return how many pairs of neighbouring units a zone shares with each (count,)."""
    graph = search.problem.units.contiguity
    if graph is None:
        return np.zeros(count, dtype=np.int64)
    indptr, near, _ = graph.csr
    beyond = [zone[near[indptr[unit] : indptr[unit + 1]]] for unit in np.flatnonzero(zone == newest)]
    return np.bincount(np.concatenate(beyond), minlength=count)


def _nearest(search: Search, draft: Draft, first: int, barred: Flags) -> int | None:
    """Return the zone nearest to the first by minutes that is not barred, None where all are."""
    others = np.flatnonzero(~barred)
    if not len(others):
        return None
    centre = np.full(len(others), draft.centre[first])
    return int(others[np.argmin(search.minutes(draft.centre[others], centre))])


def parts_of(search: Search, draft: Draft, number: int, random: np.random.Generator) -> list[Flags]:
    """Return the units (n,) of each of so many parts of the map: whole zones, near each other."""
    order = np.argsort(search.rank[draft.centre], kind="stable")  # numbers follow places
    order = np.roll(order, int(random.integers(len(order))))
    return [np.isin(draft.zone, part) for part in np.array_split(order, number)]


def united(drafts: Sequence[Draft], parts: Sequence[Flags]) -> Draft:
    """Return the draft that takes from each what it made of its part of the map; its price is not known."""
    first = np.cumsum([0, *(len(draft.level) for draft in drafts)])
    zone = np.empty(len(parts[0]), dtype=np.int64)
    for draft, part, start in zip(drafts, parts, first, strict=False):
        zone[part] = draft.zone[part] + start
    used, packed = np.unique(zone, return_inverse=True)
    level = np.concatenate([draft.level for draft in drafts])[used]
    centre = np.concatenate([draft.centre for draft in drafts])[used]
    return type(drafts[0])(packed.astype(np.int64), level, centre)
