"""Trials: whether a problem has a plan, by proof where it is small, by proof or search where it is large."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.certificate import Status, StoppedBy
from zonedesign.solve import bound as bounding
from zonedesign.solve import construct
from zonedesign.solve._account import Limits
from zonedesign.solve.certify import certify
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.improve import INTERRUPTED, Draft, Search
from zonedesign.solve.payable import unpayable
from zonedesign.solve.preflight import ruled_out
from zonedesign.solve.rounds import plan_of, warmed_up
from zonedesign.solve.run import SMALL_UNITS
from zonedesign.verify import verify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem
    from zonedesign.solve.tolls import Prices

CHAINS, DRAFTS = 2, 4
"""Chains of a round, whatever the number of threads, and first drafts that they begin from in turn."""
HEATS = (0.3, 1.0, 0.5, 1.5)
"""First temperatures of rounds, in multiples of what a typical unit costs: gentle first, starts are near."""
MOVES_A_UNIT = 200
"""Moves of a chain in the first round; later rounds double them, up to `MOST` times as many."""
MOST, MOST_ROUNDS = 16, 1000
STEPS = 60
"""Subgradient steps towards centres for first drafts."""
LONGEST_PROOF = 5.0
"""Seconds that prices are looked for at most, each time."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """What a trial came to: a plan, or proof that there is none, or plans that break little."""

    plan: Plan | None = None
    impossible: bool = False
    near: tuple[Plan, ...] = ()


@dataclass(eq=False)
class Trials:
    """Tries problems until `deadline` (on `time.monotonic`); every plan that it returns passes `verify`."""

    deadline: float
    seed: int = 0
    threads: int | None = None
    number: int = 0
    prices: Prices | None = None
    drafts: list[Draft] = field(default_factory=list)

    @property
    def left(self) -> float:
        """Seconds left."""
        return self.deadline - time.monotonic()

    def small(self, problem: Problem) -> bool:
        """Return whether the whole integer program settles a problem at once."""
        return len(problem.units) <= SMALL_UNITS

    def warm_up(self, problem: Problem) -> None:
        """Have kernels compiled and libraries loaded, which a first run waits for; no limit covers that.

        Leaves first drafts behind, for `nearest` to begin from.
        """
        asleep = time.monotonic()
        possible, n = problem.arcs.allowed.copy(), len(problem.units)
        none = np.zeros(0, dtype=np.int64)
        unknown = bounding.Bound(-math.inf, np.zeros(n), np.full((n, 1), np.inf), none, none)
        search = Search.of(problem, possible)
        self.drafts = construct.drafts(search, unknown, number=CHAINS, seed=self.seed)
        warmed_up(search)
        unpayable(problem, possible, steps=1, threads=1)
        self.deadline += time.monotonic() - asleep

    def impossible(self, problem: Problem, *, seconds: float, priced: bool = True) -> bool:
        """Return whether it is proved that the problem has no plan, without any search for one.

        For a small problem False means that it has one, unless `seconds` were too few to tell. Without
        `priced`, only what is quick to prove of a large one is looked at.
        """
        if self.small(problem):
            return self.of(problem, seconds=seconds).impossible
        if ruled_out(problem):
            return True
        possible = possible_arcs(problem)
        return not _held(problem, possible).all() or (priced and self._unpayable(problem, possible))

    def _unpayable(self, problem: Problem, possible: NDArray[np.bool_]) -> bool:
        """Return whether prices prove that there is no plan; prices that do are kept for the next time."""
        kept, shape = self.prices, (len(problem.units), len(problem.levels))
        fits = kept is not None and (len(kept.units), len(kept.toll)) == shape
        prices = unpayable(
            problem,
            possible,
            start=kept if fits else None,
            threads=self.threads,
            deadline=min(self.deadline, time.monotonic() + LONGEST_PROOF),
        )
        self.prices = self.prices if prices is None else prices
        return prices is not None

    def of(
        self, problem: Problem, *, seconds: float, starts: Sequence[Plan] = (), proving: bool = True
    ) -> Verdict:
        """Return what a trial of at most so many seconds comes to, from `starts`, and from drafts where few.

        Without `proving`, a large problem is only searched.
        """
        self.number += 1
        # First by name: the integer program knows nothing of units that lie too far from any road.
        if ruled_out(problem):
            return Verdict(impossible=True)
        if self.small(problem):
            return self.by_program(problem, seconds=seconds)
        until = min(self.deadline, time.monotonic() + seconds)
        possible = possible_arcs(problem)
        if not _held(problem, possible).all() or (proving and self._unpayable(problem, possible)):
            return Verdict(impossible=True)
        return self._by_search(problem, possible, until, starts)

    def nearest(self, problem: Problem, *, seconds: float) -> tuple[Plan, ...]:
        """Return the plans that a search ends with that sees every pair in reach, of no use to a plan or not.

        For a problem without a plan: what is proved of its pairs would hide which rules stand in the way.
        """
        until = min(self.deadline, time.monotonic() + seconds)
        search = Search.of(problem, problem.arcs.allowed.copy())
        return self._improved(search, self.drafts, until).near

    def mended(self, tight: Problem, plan: Plan, *, rounds: int = 3) -> list[Plan]:
        """Return what a search for a plan of the tight problem ends with, from one that breaks it."""
        search = Search.of(tight, tight.arcs.allowed.copy())
        draft, found = search.draft_of(plan), []
        for number in range(rounds):
            if self.left <= 0:
                break
            self.number += 1
            moves = MOVES_A_UNIT * len(tight.units) * 2**number
            found += [
                plan_of(search, each)
                for each in self._round(
                    search, [draft] * CHAINS, moves, self._seeds(number), HEATS[0], self.deadline
                )
            ]
        return found

    def by_program(self, problem: Problem, *, seconds: float) -> Verdict:
        """Return what the whole integer program comes to, which is final unless time runs out."""
        left = min(seconds, self.left)
        if left <= 0:
            return Verdict()
        # Any plan is within a gap of one of a bound that is not negative: the first found will do.
        outcome = certify(problem, limits=Limits(seconds=left, gap=1.0, seed=self.seed, threads=1))
        if outcome.stopped_by is StoppedBy.INTERRUPT:
            raise KeyboardInterrupt
        if outcome.status is Status.INFEASIBLE:
            return Verdict(impossible=True)
        if outcome.plan is None or not holds(outcome.plan, problem):
            return Verdict()
        return Verdict(outcome.plan)

    # Chains of annealing.

    def _by_search(
        self, problem: Problem, possible: NDArray[np.bool_], until: float, starts: Sequence[Plan]
    ) -> Verdict:
        search = Search.of(problem, possible)
        drafts = [search.draft_of(plan) for plan in starts]
        if len(drafts) < CHAINS:
            priced = bounding.Priced.of(problem, possible)
            bound = bounding.lagrangian(priced, iterations=STEPS, threads=self.threads, deadline=until)
            drafts += construct.drafts(search, bound, number=DRAFTS, seed=self.seed)
        return self._improved(search, drafts, until)

    def _improved(self, search: Search, drafts: list[Draft], until: float) -> Verdict:
        """Return what chains from some drafts come to, one round at least.

        A chain finds a plan soon or hardly ever: all drafts have a short one before any has a longer one.
        """
        pool, moves = list(drafts), MOVES_A_UNIT * len(search.problem.units)
        for number in range(MOST_ROUNDS):
            picked = [(CHAINS * number + k) % len(pool) for k in range(CHAINS)]
            heat = HEATS[number % len(HEATS)]
            found = self._round(search, [pool[k] for k in picked], moves, self._seeds(number), heat, until)
            for place, draft in zip(picked, found, strict=True):
                pool[place] = draft
                plan = plan_of(search, draft) if math.isfinite(draft.price) else None
                if plan is not None and holds(plan, search.problem):
                    return Verdict(plan)
            if time.monotonic() >= until:
                break
            if CHAINS * (number + 1) % max(len(pool), CHAINS) < CHAINS:
                moves = min(2 * moves, MOST * MOVES_A_UNIT * len(search.problem.units))
        return Verdict(near=tuple(plan_of(search, pool[k]) for k in dict.fromkeys(picked)))

    def _seeds(self, number: int) -> list[int]:
        first = self.seed * 1_000_003 + self.number * 7919 + number * 101
        return [(first + k) % 2**31 for k in range(CHAINS)]

    def _round(
        self, search: Search, drafts: list[Draft], moves: int, seeds: list[int], heat: float, until: float
    ) -> list[Draft]:
        stop = np.zeros(1, dtype=np.int64)
        timer = threading.Timer(max(0.05, until - time.monotonic()), lambda: stop.fill(1))
        timer.daemon = True
        timer.start()
        try:
            found = search.improve_all(
                drafts,
                moves=moves,
                seeds=seeds,
                heat=heat,
                enough=math.inf,  # any plan will do
                threads=self.threads,
                stop=stop,
            )
        finally:
            timer.cancel()
        if stop[0] == INTERRUPTED:
            raise KeyboardInterrupt
        return found


def holds(plan: Plan, problem: Problem) -> bool:
    """Return whether a plan keeps every rule."""
    return bool(verify(plan, problem)["passed"].all())


def _held(problem: Problem, possible: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which units (n,) some pair is left for."""
    held = np.zeros(len(problem.units), dtype=np.bool_)
    held[problem.arcs.units[possible.any(axis=1)]] = True
    return held
