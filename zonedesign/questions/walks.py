"""Walks: better plans near known ones, where change has a price."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.solve.improve import INTERRUPTED, Search
from zonedesign.solve.rounds import plan_of, warmed_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

    from numpy.typing import NDArray

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

MOVES_A_UNIT = 400
"""Moves of one chain, for each unit of the problem."""
HEATS = ((True, 0.25), (True, 0.1), (False, 0.1), (True, 0.4))
"""Chains of one round: over one neighbourhood after another or over the whole map, and how hot."""


@dataclass(frozen=True, eq=False)
class Walks:
    """The search of `solve`, begun from plans, with another weight of change each time."""

    search: Search

    @classmethod
    def of(cls, problem: Problem, possible: NDArray[np.bool_]) -> Self:
        """Return the walks over a problem with a baseline, their kernels compiled."""
        priced = problem.with_(objective=replace(problem.objective, change=1.0))
        search = Search.of(priced, possible)
        warmed_up(search)
        return cls(search)

    def near(
        self, starts: Sequence[tuple[Plan, float]], weight: float, seed: int, threads: int | None, end: float
    ) -> Iterator[tuple[Plan, float]]:
        """Give better and better plans by `objective + weight * moved`, with that value, until `end`.

        `starts` are plans that keep every rule, each with its value.
        """
        goal = self.search.problem.objective
        weights = np.array([goal.travel, weight, goal.borders, goal.cut])
        search = replace(self.search, case=self.search.case._replace(weights=weights))
        total = search.total_hours
        drafts = [replace(search.draft_of(plan), price=value * total) for plan, value in starts]
        best, turn = min(draft.price for draft in drafts), 0
        stop = np.zeros(1, dtype=np.int64)
        timer = threading.Timer(max(0.0, end - time.monotonic()), lambda: stop.fill(1))
        timer.daemon = True
        timer.start()
        try:
            while not stop[0]:
                begun = [drafts[k % len(drafts)] for k in range(len(HEATS))]
                found = search.improve_all(
                    begun,
                    moves=MOVES_A_UNIT * len(search.order),
                    seeds=[seed + 1000 * turn + k for k in range(len(HEATS))],
                    heat=[heat for _, heat in HEATS],
                    ways=[search.improve_nearby if nearby else search.improve for nearby, _ in HEATS],
                    threads=threads,
                    stop=stop,
                )
                if stop[0] == INTERRUPTED:
                    raise KeyboardInterrupt
                turn += 1
                first = min(found, key=lambda draft: draft.price)
                if first.price < best - 1e-9 * abs(best):
                    best, drafts = first.price, [first, *drafts[:1]]
                    yield plan_of(search, first), first.price / total
        finally:
            timer.cancel()
