"""Rounds of search: chains of annealing, cooling more slowly from round to round."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.certificate import OPTIMAL_GAP, StoppedBy
from zonedesign.plan import Plan
from zonedesign.solve.improve import INTERRUPTED, Draft, Search

if TYPE_CHECKING:
    from zonedesign.solve.standing import Standing

CHAINS = 4
"""Drafts that are improved; with a work limit in every round, so that threads change nothing."""
HEATS = (1.0, 0.5, 1.5, 0.25)
"""First temperatures of rounds, as multiples of what a typical unit costs."""
SLOWER = 2.0
"""How much longer every round is than the one before: slow cooling finds what quick cooling cannot."""
STALE_ROUNDS = 4
"""Rounds without a better plan after which the search leaves the rest of the time to the integer program."""
SECONDS_A_WORD = 1.0
"""Seconds between two reports of progress."""


@dataclass(eq=False)
class Rounds:
    """The search under way: drafts, and how long the next round is to be."""

    standing: Standing
    search: Search
    pool: list[Draft]
    seed: int
    threads: int
    number: int = 0
    moves: int = 0
    last_word: float = field(default=-math.inf)

    def run(self, share: float, *, leave: bool) -> None:
        """Search until all is done or the share of time is used; `leave` early where nothing better comes."""
        self._run(share, leave=leave)
        self._tell(last=True)

    def _run(self, share: float, *, leave: bool) -> None:
        standing, stale = self.standing, 0
        self.moves = moves_of(self.search)
        while not standing.done() and (standing.work is None or self.number < standing.work):
            over = standing.seconds >= share * standing.time_limit or stale >= STALE_ROUNDS
            if leave and over and (standing.best is not None or stale > 2 * STALE_ROUNDS):
                return
            before = standing.objective
            self._round(share if standing.best is not None or leave else 1.0)
            stale = 0 if standing.objective < before - OPTIMAL_GAP * abs(before) else stale + 1
            self.number += 1
        if standing.work is not None and standing.stopped_by is None:
            standing.stopped_by = StoppedBy.WORK

    def _round(self, share: float) -> None:
        """Improve drafts by one chain each; the best replace the worst now and then."""
        standing, number = self.standing, self.number
        first = standing.best is None or standing.work is not None or number == 0
        chains = CHAINS if first else max(self.threads, 1)
        picked = [(number + k) % CHAINS for k in range(chains)]
        stop, began = np.zeros(1, dtype=np.int64), time.monotonic()

        def waiting() -> None:
            if standing.done() or time.monotonic() > standing.deadline(share):
                stop.fill(1)
            self._tell()

        found = self.search.improve_all(
            [self.pool[k] for k in picked],
            moves=self.moves,
            seeds=[(self.seed * 1_000_003 + number * 101 + k) % (2**31) for k in range(chains)],
            heat=[HEATS[(number + k) % len(HEATS)] for k in range(chains)],
            enough=standing.enough * self.search.total_hours,
            threads=self.threads,
            stop=stop,
            waiting=waiting,
            failed=standing.failed,
        )
        for draft in found:
            self._offer(draft)
        if stop[0] == INTERRUPTED:
            raise KeyboardInterrupt
        for place, draft in zip(picked, found, strict=True):
            if draft.price <= self.pool[place].price:
                self.pool[place] = draft
        if number % 3 == 2:
            self._renew()
        if standing.work is None:
            self._lengthen(share, time.monotonic() - began, chains)

    def _renew(self) -> None:
        """Put the best plan known, whoever found it, in the place of the worst draft."""
        order = sorted(range(CHAINS), key=lambda k: (self.pool[k].price, k))
        best = self.pool[order[0]]
        if self.standing.work is None and self.standing.best is not None:
            plan = self.standing.best
            if self.standing.objective * self.search.total_hours < best.price * (1 - OPTIMAL_GAP):
                best = self.search.draft_of(plan)
        elif not math.isfinite(best.price):
            return
        self.pool[order[-1]] = best

    def _lengthen(self, share: float, took: float, chains: int) -> None:
        """Set how many moves the next round's chains make; the last round takes all that is left."""
        standing = self.standing
        a_move = max(took, 1e-3) * self.threads / (chains * self.moves)
        left = min(standing.deadline(share) - time.monotonic(), standing.left)
        wanted = SLOWER * self.moves
        if standing.best is not None and left < 1.6 * SLOWER * wanted * a_move:
            wanted = 0.97 * left / a_move
        self.moves = int(max(moves_of(self.search) // 4, wanted))

    def _offer(self, draft: Draft) -> None:
        """Have a draft kept as the best plan where it is better and passes verification."""
        if math.isfinite(draft.price):
            self.standing.take(plan_of(self.search, draft))

    def _tell(self, *, last: bool = False) -> None:
        if last or time.monotonic() - self.last_word >= SECONDS_A_WORD:
            self.last_word = time.monotonic()
            work = self.standing.work
            self.standing.tell("search", self.number / work if work else None)


def moves_of(search: Search) -> int:
    """Return how many moves a first chain makes: enough to try every unit several hundred times."""
    return min(4_000_000, max(100_000, 800 * len(search.problem.units)))


def plan_of(search: Search, draft: Draft) -> Plan:
    """Return a draft as a plan."""
    problem = search.problem
    names = [level.name for level in problem.levels]
    levels = {int(c): names[int(k)] for c, k in zip(draft.centre, draft.level, strict=True)}
    return Plan.of(problem.units, problem.times, draft.centre[draft.zone], levels)


def repaired(search: Search, plan: Plan, *, seed: int) -> Plan | None:
    """Return a plan near one that breaks rules, or None where one chain finds none."""
    draft = search.improve(search.draft_of(plan), moves=moves_of(search), seed=seed, heat=0.2)
    return plan_of(search, draft) if math.isfinite(draft.price) else None


def warmed_up(search: Search) -> None:
    """Have the kernels compiled, which a first run waits for."""
    n = len(search.problem.units)
    empty = Draft(np.zeros(n, np.int64), np.zeros(1, np.int64), np.zeros(1, np.int64))
    search.improve(empty, moves=0, seed=0, heat=1.0)
