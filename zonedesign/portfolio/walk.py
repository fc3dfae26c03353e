"""Walk: chains that leave a good plan for another, over disturbed minutes and back to true ones.

Noising (Charon and Hudry 1993): a chain on minutes that are a little wrong ends in another good plan, where
one on the true minutes would stay.
"""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.solve._tiles import rows_of, scaled
from zonedesign.solve.improve import INTERRUPTED
from zonedesign.solve.rounds import plan_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zonedesign.plan import Plan
    from zonedesign.solve.improve import Draft, Search

    Ints = NDArray[np.int64]

log = logging.getLogger(__name__)

MOVES, LEAST_MOVES = 200, 5_000
"""Moves a unit on disturbed minutes, as many on true ones, and how many at least."""
AWAY_HEAT, BACK_HEAT = 1.0, 0.25
MOST_BYTES = 500_000_000
"""Up to here another table of minutes for each chain is worth its room; beyond, boundaries are disturbed."""


@dataclass(frozen=True, eq=False)
class Walk:
    """A search that wanders from one good plan to another."""

    search: Search

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
        away = self._disturbed(noise, dice).improve(start, moves=moves, seed=first, heat=AWAY_HEAT, stop=stop)
        there = self.search.improve(away, moves=1, seed=second, heat=0.0, stop=stop)
        return there, self.search.improve(there, moves=moves, seed=second, heat=BACK_HEAT, stop=stop)

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
