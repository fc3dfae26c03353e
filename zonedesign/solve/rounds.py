"""Rounds of search: chains of annealing over the whole map first, then over neighbourhoods in turn."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.certificate import OPTIMAL_GAP, StoppedBy
from zonedesign.interrupts import undisturbed
from zonedesign.plan import Plan
from zonedesign.solve import coarse
from zonedesign.solve.combine import ZonesMet
from zonedesign.solve.improve import INTERRUPTED, MOVES_A_UNIT, NEARBY_HEAT, Draft, Search
from zonedesign.solve.neighbourhoods import parts_of, united

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from zonedesign.solve.standing import Standing

CHAINS = 4
"""Drafts that are improved; with a work limit in every round, so that threads change nothing."""
HEATS = (1.0, 0.5, 1.5, 0.25)
"""First temperatures of chains over the whole map, as multiples of what a typical unit costs."""
SLOWER, SLOWEST = 2.0, 5
"""How much longer every chain over the whole map is than the one that failed before, and how often."""
MOST_MOVES, MOVES_A_SECOND = 4_000_000, 12_000
"""Moves of a chain at most, and for each second of the limit in those over the whole map that seek a plan: on
maps of more than 5,000 units these may take a tenth of the time."""
LOOKS = 6
"""How often every zone has been in a neighbourhood, on average, before a draft counts as settled. One
round in groups to its end is enough, for it looks at all zones."""
WORTH_A_LOOK = 2e-4
"""What a draft has to gain, as a share, to be looked at all over again."""
MENDING_HEAT, MENDING_SHARE = 0.2, 0.5
"""First temperature of a chain that mends a good plan without regard to what changes, and what share of a
first chain's moves it has."""
SHARED_FROM = 30
"""Zones a thread from which several threads work on the same draft."""
OWN_TRIES = 3
"""Chains that the draft around the bound's own centres has before others, where zones are so many: theirs are
worse by more than any chain in time mends."""
STALE_ROUNDS = 40
"""Rounds without a better plan after which the search leaves the rest of the time to the integer program."""
SECONDS_TO_COMBINE = 10.0
"""The most that choosing among the zones of all drafts may take; mending what they make comes on top."""
SECONDS_A_WORD = 1.0
"""Seconds between two reports of progress."""
REST = 0.1
"""Seconds that the search sleeps at a time while it rests."""


@dataclass(eq=False)
class Rounds:
    """The search under way: drafts, and how often each was looked at since it last became better.

    `afresh(number)` gives another first draft, for the place of one that has settled. `own` is the place of
    the draft around the bound's own centres, None where there is none any more, `replaced` how many drafts
    without broken rules had others put in their places.
    """

    standing: Standing
    search: Search
    pool: list[Draft]
    seed: int
    threads: int
    afresh: Callable[[int], Draft]
    own: int | None = None
    number: int = 0
    replaced: int = 0
    met: ZonesMet = field(init=False)
    looked: list[int] = field(default_factory=list)
    tried: list[int] = field(default_factory=list)
    last_word: float = field(default=-math.inf)

    def __post_init__(self) -> None:
        self.met = ZonesMet(self.search)

    def run(self, share: float, *, leave: bool, give_up: bool = False) -> None:
        """Search until all is done; `leave` when the share of time is used or nothing better comes.

        Without a plan only those leave that `give_up`.
        """
        self.looked = self.looked or [0] * len(self.pool)
        self.tried = self.tried or [0] * len(self.pool)
        self._run(share, leave=leave, give_up=give_up)
        self._tell(last=True)

    def _run(self, share: float, *, leave: bool, give_up: bool) -> None:
        standing, stale = self.standing, 0
        while not standing.done() and (standing.work is None or self.number < standing.work):
            over = standing.seconds >= share * standing.time_limit or stale >= STALE_ROUNDS
            tried_enough = give_up and stale > 2 * STALE_ROUNDS
            if leave and over and (standing.best is not None or tried_enough):
                return
            if standing.resting:
                time.sleep(REST)
                self._tell()
                continue
            before = standing.objective
            self._round(share if standing.best is not None or give_up else 1.0)
            stale = 0 if standing.objective < before - OPTIMAL_GAP * abs(before) else stale + 1
            self.number += 1
        if standing.work is not None and standing.stopped_by is None:
            standing.stopped_by = StoppedBy.WORK

    def _round(self, share: float) -> None:
        """Improve drafts by one chain each: over the whole map while they break rules, else nearby."""
        if self.standing.work is None:
            self._adopt()
        picked = self._picked()
        parts = self._parts(picked)
        nearby = [math.isfinite(self.pool[k].price) for k in picked]
        grouped = [parts is None and coarse.suits(self.search, self.pool[k]) for k in picked]
        spans = [None] * len(picked) if parts is None else parts
        found, stopped = self._chains(
            [self.pool[k] for k in picked],
            share,
            moves=self._moves(picked),
            heat=[
                NEARBY_HEAT if each else HEATS[(self.tried[k] + k) % len(HEATS)]
                for k, each in zip(picked, nearby, strict=True)
            ],
            ways=[self._way(*each) for each in zip(picked, grouped, spans, strict=True)],
        )
        if parts is not None:
            picked, found = picked[:1], [self._united(found, parts)]
        for draft in found:
            self._offer(draft)
        if stopped == INTERRUPTED:
            raise KeyboardInterrupt
        for place, draft, by_groups in zip(picked, found, grouped, strict=False):
            self._return(place, draft, all_looked_at=by_groups and not stopped)
        if any(map(self._settled, picked)):
            self._leave(share)

    def _chains(
        self,
        drafts: list[Draft],
        share: float,
        *,
        moves: int,
        heat: float | list[float],
        ways: list[Callable[..., Draft]] | None = None,
    ) -> tuple[list[Draft], int]:
        """Return drafts improved by `Search.improve_all`, and what stopped their chains early, or 0."""
        standing, stop = self.standing, np.zeros(1, dtype=np.int64)

        def waiting() -> None:
            if standing.done() or standing.resting or time.monotonic() > standing.deadline(share):
                stop.fill(1)
            self._tell()

        found = self.search.improve_all(
            drafts,
            moves=moves,
            seeds=[(self.seed * 1_000_003 + self.number * 101 + k) % (2**31) for k in range(len(drafts))],
            heat=heat,
            ways=ways,
            enough=standing.enough * self.search.total_hours,
            threads=self.threads,
            stop=stop,
            waiting=waiting,
            failed=standing.failed,
        )
        return found, int(stop[0])

    def _way(
        self,
        place: int,
        grouped: bool,  # noqa: FBT001
        part: NDArray[np.bool_] | None,
    ) -> Callable[..., Draft]:
        """Return what improves a draft: the whole while it breaks rules, then nearby; or first in groups."""
        if grouped:
            return partial(coarse.improve, self.search)
        if not math.isfinite(self.pool[place].price):
            return self.search.improve
        return partial(self.search.improve_nearby, among=part)

    def _adopt(self) -> None:
        """Put the best plan into the place of the worst draft, where others have found it."""
        standing = self.standing
        least = min(draft.price for draft in self.pool)
        if standing.best is None or not standing.objective * self.search.total_hours < least * (
            1 - OPTIMAL_GAP
        ):
            return
        self._take_in(self.search.improve(self.search.draft_of(standing.best), moves=0, seed=0, heat=0.0))

    def _picked(self) -> list[int]:
        """Return the places of the drafts to improve: the best that has not settled first.

        With a work limit all of them; a draft with many zones occupies all threads, each on its part.
        """
        places = range(len(self.pool))
        if self.standing.work is not None:
            return list(places)
        threads = max(self.threads, 1)

        def turns(k: int) -> int:
            own = k == self.own and self._many(self.pool[k], threads)
            return max(0, self.tried[k] - OWN_TRIES + 1) if own else self.tried[k]

        order = sorted(places, key=lambda k: (self._settled(k), self.pool[k].price, turns(k), k))
        best = self.pool[order[0]]
        if math.isfinite(best.price) and self._many(best, threads):
            return order[:1] * threads
        return order[:threads]

    @staticmethod
    def _many(draft: Draft, threads: int) -> bool:
        return len(draft.level) >= SHARED_FROM * threads

    def _parts(self, picked: list[int]) -> list[NDArray[np.bool_]] | None:
        """Return each chain's part of the map, where all work on the same draft."""
        if len(picked) < 2 or picked[0] != picked[1]:
            return None
        random = np.random.default_rng(self.number)
        return parts_of(self.search, self.pool[picked[0]], len(picked), random)

    def _united(self, found: list[Draft], parts: list[NDArray[np.bool_]]) -> Draft:
        """Return one draft of what each chain made of its part, or the best of them.

        Each kept the counts and shares of levels by itself; together they may miss them.
        """
        both = self.search.improve(united(found, parts), moves=0, seed=0, heat=0.0)
        return min([both, *found], key=lambda draft: draft.price)

    def _moves(self, picked: list[int]) -> int:
        """Return how many moves this round's chains make: over the whole map ever more while that fails."""
        tried = min((self.tried[k] for k in picked), default=0)
        most = MOST_MOVES
        if self.standing.work is None and not any(math.isfinite(self.pool[k].price) for k in picked):
            most = max(most, int(MOVES_A_SECOND * self.standing.time_limit))
        return int(moves_of(self.search, most) * SLOWER ** min(tried, SLOWEST))

    def _settled(self, place: int) -> bool:
        """Return whether a draft has been looked at all over since it last became better."""
        draft = self.pool[place]
        return math.isfinite(draft.price) and self.looked[place] >= LOOKS * len(draft.zone)

    def _return(self, place: int, draft: Draft, *, all_looked_at: bool) -> None:
        """Put a draft back in its place, after a round that has looked at all its zones or at some."""
        before = self.pool[place].price
        if draft.price < before or not math.isfinite(before):
            self.pool[place] = draft
            self.tried[place] = 0 if math.isfinite(draft.price) else self.tried[place] + 1
        if draft.price <= before * (1 - WORTH_A_LOOK):
            self.looked[place] = 0
        elif all_looked_at:
            self.looked[place] = LOOKS * len(draft.zone)
        else:
            self.looked[place] += moves_of(self.search) // MOVES_A_UNIT
        if math.isfinite(draft.price):
            self.met.add(draft)

    def _leave(self, share: float) -> None:
        """Put plans together once drafts have settled, and others in their places unless they are best.

        A draft that was best when it settled stays until another settles and there is a better one.
        """
        if self.standing.done() or self.standing.resting:
            return
        self._combine(share)
        if self.standing.done():
            return
        best = min(range(len(self.pool)), key=lambda k: (self.pool[k].price, k))
        for place in range(len(self.pool)):
            if self._settled(place) and place != best:
                self._replace(place, self.afresh(self.number * len(self.pool) + place))

    def _replace(self, place: int, draft: Draft) -> None:
        """Put another draft into a place."""
        self.replaced += math.isfinite(self.pool[place].price)
        self.pool[place] = draft
        self.looked[place] = self.tried[place] = 0
        if place == self.own:
            self.own = None

    def _combine(self, share: float) -> None:
        """Put plans together from the zones of all drafts; the best takes the place of the worst draft."""
        standing = self.standing
        seconds = math.inf if standing.work is not None else min(SECONDS_TO_COMBINE, standing.left)
        stop = None if standing.work is not None else standing.done
        until = time.monotonic() + seconds
        draft = self.met.best(seconds=seconds / 2, seed=self.seed, stop=stop)
        if draft is not None:
            self._take_in(draft)
        # One draft alone has nothing to put together.
        if standing.done() or self.replaced + sum(math.isfinite(each.price) for each in self.pool) < 2:
            return
        self._mend(self.met.nearly(seconds=until - time.monotonic(), seed=self.seed, stop=stop), share)

    def _mend(self, drafts: list[Draft], share: float) -> None:
        """Mend drafts of zones that nearly fit together."""
        moves = int(MENDING_SHARE * moves_of(self.search))
        found, stopped = self._chains(drafts, share, moves=moves, heat=MENDING_HEAT) if drafts else ([], 0)
        for draft in sorted(found, key=lambda each: each.price):
            if math.isfinite(draft.price):
                self.met.add(draft)
                self._take_in(draft)
        if stopped == INTERRUPTED:
            raise KeyboardInterrupt
        if not stopped:
            self.met.fitted_from = len(self.met.zones)

    def _take_in(self, draft: Draft) -> None:
        """Put a draft that is better than all into the place of the worst."""
        if draft.price < min(each.price for each in self.pool) * (1 - OPTIMAL_GAP):
            place = max(range(len(self.pool)), key=lambda k: (self.pool[k].price, k))
            self._replace(place, draft)
            self._offer(draft)

    def _offer(self, draft: Draft) -> None:
        """Have a draft kept as the best plan where it is better and passes verification."""
        if math.isfinite(draft.price):
            self.standing.take(plan_of(self.search, draft))

    def _tell(self, *, last: bool = False) -> None:
        if last or time.monotonic() - self.last_word >= SECONDS_A_WORD:
            self.last_word = time.monotonic()
            work = self.standing.work
            self.standing.tell("search", self.number / work if work else None)


def moves_of(search: Search, most: int = MOST_MOVES) -> int:
    """Return how many moves a first chain makes: enough to try every unit several hundred times."""
    return min(most, max(100_000, 800 * len(search.problem.units)))


def plan_of(search: Search, draft: Draft) -> Plan:
    """Return a draft as a plan."""
    problem = search.problem
    names = [level.name for level in problem.levels]
    levels = {int(c): names[int(k)] for c, k in zip(draft.centre, draft.level, strict=True)}
    return Plan.of(problem.units, problem.times, draft.centre[draft.zone], levels)


def warmed_up(search: Search) -> None:
    """Have the kernels compiled, which a first run waits for."""
    n = len(search.problem.units)
    empty = Draft(np.zeros(n, np.int64), np.zeros(1, np.int64), np.zeros(1, np.int64))
    with undisturbed():
        search.improve(empty, moves=0, seed=0, heat=1.0)
