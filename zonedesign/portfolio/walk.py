"""Walk: chains that leave a good plan for another: some zones drawn anew, on minutes that are a little wrong.

A chain from a good plan on the true minutes would end where it began. So some neighbouring zones are ruined
first (ruin and recreate: Schrimpf et al. 2000), and minutes are disturbed (noising: Charon and Hudry 1993).
"""

from __future__ import annotations

import heapq
import logging
import os
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.solve._tiles import rows_of, scaled
from zonedesign.solve.improve import INTERRUPTED, Draft
from zonedesign.solve.rounds import plan_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zonedesign.plan import Plan
    from zonedesign.solve.improve import Search

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

log = logging.getLogger(__name__)

MOVES, LEAST_MOVES = 100, 5_000
"""Moves a unit on disturbed minutes, as many on true ones, and how many at least."""
HEAT = 0.3
MOST_RUINED = 12
"""Zones drawn anew, at most; nor more than a third of them, but for the two that it takes."""
MOST_BYTES = 150_000_000
"""Up to here another table of minutes for each of four chains is worth its room; beyond, boundaries are
disturbed."""


@dataclass(frozen=True, eq=False)
class Walk:
    """A search that wanders from one good plan to another, `most_ruined` zones of it at most drawn anew."""

    search: Search
    most_ruined: int = MOST_RUINED

    def tours(
        self,
        starts: Sequence[Draft],
        seeds: Sequence[int],
        noises: Sequence[float],
        *,
        threads: int | None,
        stop: Ints,
    ) -> list[tuple[Draft, Draft]]:
        """Return what a chain from every start meets, side by side on threads.

        Chains end early once `stop[0]` is not 0. When the caller is interrupted they end too, and `stop[0]`
        is `INTERRUPTED`. A chain that fails is logged and left out; the others go on.
        """
        found = []
        with ThreadPoolExecutor(max_workers=threads or os.cpu_count() or 1) as pool:
            running = [
                pool.submit(self.tour, start, seed, noise, stop)
                for start, seed, noise in zip(starts, seeds, noises, strict=True)
            ]
            try:
                wait(running)
            except KeyboardInterrupt:
                stop.fill(INTERRUPTED)
            for each in running:
                try:
                    found.append(each.result())
                except Exception as error:  # noqa: BLE001  (the plans that are there must not be lost)
                    log.warning("a chain of the portfolio failed and is left out: %r", error)
        return found

    def tour(self, start: Draft, seed: int, noise: float, stop: Ints) -> tuple[Draft, Draft]:
        """Return the drafts that a chain ends in on disturbed minutes, centres put right, and on true ones.

        The first may be a little dearer for every boundary that might as well lie elsewhere, which the second
        is not: both kinds of plan are good ones.
        """
        dice = np.random.default_rng(seed)
        moves = max(LEAST_MOVES, MOVES * len(start.zone))
        first, second = (int(each) for each in dice.integers(2**31, size=2))
        begun, wrong = self.ruined(start, dice), self._disturbed(noise, dice)
        away = wrong.improve(begun, moves=moves, seed=first, heat=HEAT, stop=stop)
        there = self.search.improve(away, moves=1, seed=second, heat=0.0, stop=stop)
        return there, self.search.improve(there, moves=moves, seed=second, heat=HEAT, stop=stop)

    def ruined(self, draft: Draft, dice: np.random.Generator) -> Draft:
        """Return a draft with some neighbouring zones drawn anew, grown at random from units drawn by chance.

        As many zones as before, on the same units; their levels go by their hours, as they did.
        """
        case, order = self.search.case, self.search.order
        units, near, row = case.units, case.pairs["to"], rows_of(case)
        zone, count = draft.zone[order], len(draft.level)
        free = np.bincount(zone, weights=units["fixed"], minlength=count) == 0
        beside = np.unique(zone[row] * count + zone[near])
        chosen = [int(zone[dice.integers(len(zone))])]
        wanted = int(dice.integers(2, max(3, min(self.most_ruined, count // 3) + 1)))
        nest = np.zeros(count, dtype=np.int64)
        nest[zone] = units["nest"]
        while len(chosen) < wanted:
            ring = np.unique(beside[np.isin(beside // count, chosen)] % count)
            ring = ring[free[ring] & (nest[ring] == nest[chosen[0]]) & ~np.isin(ring, chosen)]
            if not len(ring):
                break
            chosen.append(int(dice.choice(ring)))
        inside = np.isin(zone, chosen)
        if len(chosen) < 2 or not free[chosen].all():
            return draft
        anew = _grown(inside, row, near, dice, len(chosen))
        redrawn = np.where(anew >= 0, np.array(chosen)[anew], zone)
        if len(np.unique(redrawn)) < count:
            return draft
        level, ruined = draft.level.copy(), np.array(chosen)
        was, now = (
            np.bincount(each, weights=units["hours"], minlength=count)[ruined] for each in (zone, redrawn)
        )
        level[ruined[np.argsort(now, kind="stable")]] = draft.level[ruined[np.argsort(was, kind="stable")]]
        return Draft(redrawn[self.search.rank], level, draft.centre)

    def _disturbed(self, noise: float, dice: np.random.Generator) -> Search:
        """Return the search with every centre's minutes longer or shorter, or boundaries that cost more.

        Boundaries, where minutes count nothing or are too many to have twice.
        """
        search = self.search
        case, n = search.case, len(search.problem.units)
        if case.weights[0] > 0 and case.table.nbytes <= MOST_BYTES:
            factors = np.exp(noise * dice.standard_normal(n)).astype(np.float32)
            return replace(search, case=scaled(case, factors))
        row = rows_of(case)
        to = case.pairs["to"]
        _, both = np.unique(np.minimum(row, to) * n + np.maximum(row, to), return_inverse=True)
        size = noise * search.typical * float(case.units["hours"].mean())
        pairs = case.pairs.copy()
        pairs["cost"] += size * dice.exponential(size=int(both.max(initial=-1)) + 1)[both]
        weights = np.append(case.weights[:3], 1.0)  # boundaries count, whatever the objective says
        return replace(search, case=case._replace(pairs=pairs, weights=weights))

    def plan_of(self, draft: Draft) -> Plan:
        """Return a draft as a plan."""
        return plan_of(self.search, draft)


def _grown(inside: Mask, row: Ints, near: Ints, dice: np.random.Generator, number: int) -> Ints:
    """Return which of `number` zones every unit (n,) inside belongs to, -1 for others and those not reached.

    They grow at once from units drawn by chance, along pairs of neighbours of random length.
    """
    zone = np.full(len(inside), -1, dtype=np.int64)
    both = inside[row] & inside[near]
    begin = np.searchsorted(row[both], np.arange(len(inside) + 1))
    to = near[both]
    seeds = dice.choice(np.flatnonzero(inside), size=number, replace=False)
    heap = [(0.0, int(unit), z) for z, unit in enumerate(seeds)]
    while heap:
        length, unit, z = heapq.heappop(heap)
        if zone[unit] >= 0:
            continue
        zone[unit] = z
        for other in to[begin[unit] : begin[unit + 1]].tolist():
            if zone[other] < 0:
                heapq.heappush(heap, (length + dice.exponential(), other, z))
    return zone
