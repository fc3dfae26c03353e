"""Construct: seeded first drafts, zones grown along the contiguity graph around chosen centres."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from zonedesign.errors import DataError
from zonedesign.solve._tiles import pairs_of
from zonedesign.solve.improve import Draft

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.problem import Problem
    from zonedesign.solve.bound import Bound
    from zonedesign.solve.improve import Search

    Ints = NDArray[np.int64]


def drafts(search: Search, bound: Bound, *, number: int, seed: int) -> list[Draft]:
    """Return `number` first drafts, around the bound's own centres, k-means, and centres drawn by chance.

    They are connected and respect borders; bands and reach are left to the search.
    """
    problem = search.problem
    random = np.random.default_rng(seed)
    own = [(bound.centres, bound.levels)] if len(bound.centres) else []
    if own:  # early prices, where counts are open, may have chosen no zone at all
        others = [each for each in bound.others if len(each[0])]
        own += [others[int(k)] for k in random.permutation(len(others))[: max(0, number - 2)]]
    levels = bound.levels if own else _some_levels(search)
    found = []
    for k in range(number):
        if k < len(own):
            centres, levels = search.rank[own[k][0]], own[k][1]
        elif k % 2 == 0 or problem.units.points is None:
            centres = _spread_out(search, len(levels), random)
        else:
            centres = search.rank[_k_means(problem, len(levels), int(random.integers(2**31)))]
        draft = _grown(search, _everywhere(search, centres))
        draft = _gathered(search, _with_levels(search, draft, levels))
        found.append(search.as_draft(draft.zone, draft.level, draft.centre))
    return found


def grown(search: Search, centres: Ints) -> Draft:
    """Return the draft in which every unit joins the centre that the growing zones reach it from first.

    All zones grow at once, by minutes from their centre, along contiguity and inside borders (a shortest-path
    forest, so that zones are connected). Levels are all the first.
    """
    draft = _grown(search, search.rank[centres])
    return search.as_draft(draft.zone, draft.level, draft.centre)


# From here on units have the numbers that the search gives them.


def _grown(search: Search, centres: Ints) -> Draft:
    case, n = search.case, len(search.problem.units)
    zone = np.full(n, -1, dtype=np.int64)
    begin, end, to = case.units["pairs_from"], case.units["pairs_to"], case.pairs["to"]
    nest, fixed = case.units["nest"], case.units["fixed"]
    heap = [(0.0, z, int(c)) for z, c in enumerate(centres)]
    heapq.heapify(heap)
    while heap:
        _, z, unit = heapq.heappop(heap)
        if zone[unit] >= 0:
            continue
        zone[unit] = z
        near = to[begin[unit] : end[unit]]
        near = near[(zone[near] < 0) & (nest[near] == nest[unit]) & (fixed[near] == fixed[unit])]
        if len(near):
            minutes = pairs_of(case, near, centres[z])["minutes"].tolist()
            for other, cost in zip(near.tolist(), minutes, strict=True):
                heapq.heappush(heap, (cost, z, other))
    for unit in centres[fixed[centres] > 0]:
        zone[fixed == fixed[unit]] = zone[unit]  # a frozen zone stays whole, connected or not
    return Draft(zone, np.zeros(len(centres), dtype=np.int64), np.asarray(centres, dtype=np.int64))


def _everywhere(search: Search, centres: Ints) -> Ints:
    """Return the centres with one added in every piece of the map that has none; frozen zones have one each.

    Where that makes too many, the pieces that have most centres for their hours give up theirs.
    """
    piece = _pieces(search)
    hours = search.case.units["hours"]
    chosen = list(dict.fromkeys(int(c) for c in centres))
    wanted = np.flatnonzero(search.case.units["wanted"])
    chosen = [int(w) for w in wanted] + [c for c in chosen if c not in set(wanted.tolist())]
    for frozen in np.unique(piece[search.case.units["fixed"] > 0]):
        chosen = [c for c in chosen if piece[c] != frozen]
    for each in range(int(piece.max()) + 1):
        if not any(piece[c] == each for c in chosen):
            inside = np.flatnonzero(piece == each)
            chosen.append(int(inside[np.argmax(hours[inside])]))
    kept = set(wanted.tolist())
    while len(chosen) > max(len(centres), 1):
        count = np.bincount(piece[chosen], minlength=int(piece.max()) + 1)
        load = np.bincount(piece, weights=hours) / np.maximum(count, 1)
        spare = [c for c in chosen if count[piece[c]] > 1 and c not in kept]
        if not spare:
            break
        chosen.remove(min(spare, key=lambda c: (load[piece[c]], c)))
    return np.array(chosen, dtype=np.int64)


def _pieces(search: Search) -> Ints:
    """Return the number of every unit's piece (n,): connected, inside one border, frozen zones apart."""
    case, n = search.case, len(search.rank)
    nest, frozen = case.units["nest"], case.units["fixed"]
    start, end = np.repeat(np.arange(n), case.units["pairs_to"] - case.units["pairs_from"]), case.pairs["to"]
    same = (nest[start] == nest[end]) & (frozen[start] == frozen[end])
    held = np.flatnonzero(frozen)
    _, first = np.unique(frozen[held], return_index=True)
    heads = held[first][
        np.searchsorted(frozen[held][first], frozen[held])
    ]  # a frozen zone is one, connected or not
    start, end = np.concatenate([start[same], heads]), np.concatenate([end[same], held])
    graph = sparse.coo_array((np.ones(len(start), dtype=np.int8), (start, end)), shape=(n, n))
    return np.asarray(csgraph.connected_components(graph, directed=False)[1], dtype=np.int64)


def _with_levels(search: Search, draft: Draft, levels: Ints) -> Draft:
    """Return the draft with levels dealt out: zones with most hours get the levels with the highest bands."""
    k = len(draft.level)
    hours = np.bincount(draft.zone, weights=search.case.units["hours"], minlength=k)
    bands = search.case.levels
    height = np.where(np.isfinite(bands["high"]), bands["high"], 1e18) + bands["low"]
    dealt = sorted((int(level) for level in levels), key=lambda level: -height[level])
    dealt = (dealt + [dealt[-1]] * k)[:k] if dealt else [0] * k
    level = np.empty(k, dtype=np.int64)
    level[np.argsort(-hours, kind="stable")] = dealt
    return Draft(draft.zone, level, draft.centre)


def _gathered(search: Search, draft: Draft) -> Draft:
    """Return the draft with zones joined that are not neighbours, where counts allow fewer than there are.

    Only a level that need not be connected may have such zones, and moves of the search join neighbours only:
    an archipelago would keep a zone for every island. The smallest joins the zone nearest by minutes.
    """
    case, zone, level = search.case, draft.zone.copy(), draft.level.copy()
    loose = np.flatnonzero(case.levels["loose"])
    most = min(len(zone), int(case.levels["most"].sum()))
    frozen = case.units["fixed"][draft.centre] > 0
    nest, count = case.units["nest"][draft.centre], len(draft.level)
    if not len(loose) or count <= most:
        return draft
    free = ~frozen
    while int(free.sum() + frozen.sum()) > most:
        hours = np.bincount(zone, weights=case.units["hours"], minlength=count)
        partners = np.bincount(nest[free], minlength=int(nest.max()) + 1) > 1
        small = np.flatnonzero(free & partners[nest])
        if not len(small):
            break
        giver = small[np.argmin(hours[small])]
        near = np.flatnonzero(free & (nest == nest[giver]) & (np.arange(count) != giver))
        away = pairs_of(case, draft.centre[giver], draft.centre[near])["minutes"]
        taker = near[np.argmin(away)]
        zone[zone == giver] = taker
        free[giver] = False
        if not case.levels["loose"][level[taker]]:
            level[taker] = loose[0]
    used, packed = np.unique(zone, return_inverse=True)
    return Draft(packed.astype(np.int64), level[used], draft.centre[used])


def _some_levels(search: Search) -> Ints:
    """Return levels for a first draft where the bound chose none: the least counts, then by hours."""
    levels = search.case.levels
    chosen = [k for k, level in enumerate(levels) for _ in range(int(level["least"]))]
    hours = float(search.case.units["hours"].sum())
    for k, level in enumerate(levels):
        middle = (
            (level["low"] + level["high"]) / 2 if np.isfinite(level["high"]) else max(level["low"], hours)
        )
        while (
            len([c for c in chosen if c == k]) < level["most"]
            and sum(levels[c]["low"] for c in chosen) + middle <= hours
        ):
            chosen.append(k)
            if len(chosen) >= len(search.problem.units):
                break
    return np.array(chosen or [0], dtype=np.int64)


def ready() -> None:
    """Import what first drafts need and is slow to import, which no time limit should count."""
    import sklearn.cluster  # noqa: F401, PLC0415


def _k_means(problem: Problem, number: int, seed: int) -> Ints:
    """Return the units nearest to the centres of k-means over the units' points, weighted by hours."""
    from scipy.spatial import cKDTree  # noqa: PLC0415
    from sklearn.cluster import KMeans  # noqa: PLC0415  (slow to import)

    points = problem.units.points
    if points is None:
        raise DataError("k-means needs units with points")
    where = np.column_stack([points.x, points.y])
    number = min(number, len(np.unique(where, axis=0)))
    weights = problem.hours + 1e-6 * max(float(problem.hours.mean()), 1.0)
    clusters = KMeans(n_clusters=number, n_init=1, random_state=seed).fit(where, sample_weight=weights)
    return np.unique(cKDTree(where).query(clusters.cluster_centers_)[1]).astype(np.int64)


def _spread_out(search: Search, number: int, random: np.random.Generator) -> Ints:
    """Return centres drawn far apart, with odds by hours x minutes to the nearest before (k-means++)."""
    case, everybody = search.case, np.arange(len(search.rank))
    hours = case.units["hours"] + 1e-9

    def minutes(centre: int) -> NDArray[np.float64]:
        return pairs_of(case, everybody, centre)["minutes"].astype(np.float64)

    first = int(random.choice(len(hours), p=hours / hours.sum()))
    chosen, nearest = [first], minutes(first)
    for _ in range(number - 1):
        odds = hours * nearest
        odds[chosen] = 0.0
        if odds.sum() <= 0:
            break
        chosen.append(int(random.choice(len(hours), p=odds / odds.sum())))
        nearest = np.minimum(nearest, minutes(chosen[-1]))
    return np.array(chosen, dtype=np.int64)
