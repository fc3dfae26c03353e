"""Branching: where zones are few, their centres are looked for in ever smaller parts of the map.

What keeps the bound of few large zones from their plans is mostly where the centres are: relaxed, a zone has
a share of many. A part of the map that holds so many centres is cut in two, in every way that its centres can
be shared out; in each the Lagrangian bound begins at the prices of the whole, cuts for connection are priced
beside the units (`relaxing`), and pairs that no better plan uses are closed (Validi, Buchanan and Lykhovyd
2022). Where every centre is placed, hours are priced instead of units, which needs a price a zone only, and
the integer program finishes on the few pairs that are left.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zonedesign.certificate import Status, StoppedBy, status_of
from zonedesign.progress import silent
from zonedesign.solve._account import ROUNDING, Limits, Outcome
from zonedesign.solve._parts import Part, Waiting, near_placed, placed
from zonedesign.solve.bound import closed_by, lagrangian
from zonedesign.solve.choosing import Cells
from zonedesign.solve.closing import close_in
from zonedesign.solve.halves import Halves
from zonedesign.solve.relaxing import PATIENCE, Relaxing, shared_out
from zonedesign.solve.rounding import Rounding
from zonedesign.solve.standing import SECONDS_TO_LOOK
from zonedesign.solve.tolls import Prices
from zonedesign.solve.written import is_plain, watching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem
    from zonedesign.progress import Progress
    from zonedesign.solve.bound import Priced
    from zonedesign.solve.closing import Near

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

log = logging.getLogger(__name__)

MOST_ZONES, MOST_PLAIN, MOST_PAIRS = 8, 20, 40_000_000
"""Zones, zones where the bound sees all that is asked for, and pairs times zones, which is what the first
division makes, up to which this is worth its time and 3 GB."""
STEPS, PLACED_STEPS, WIDE_STEPS, WIDE = 50, 100, 25, 60_000
"""Steps of the bound of each part, of one whose centres are placed, and of one with more pairs than these,
which is divided again whatever they show."""
OVERTAKEN = 0.1
"""Share of what a part's bound lacks by which a better plan makes it worth to begin its program again."""
FIRST_PAIRS = 150
"""Pairs beyond one for each unit in the first integer program of all."""
LOOKED_AT = 10
"""Parts of the lowest bounds that are looked at for one to be rounded off."""


def suits(problem: Problem, priced: Priced) -> bool:
    """Return whether a problem has one level of few zones, so many and no others."""
    least, most = problem.levels[0].zone_range
    if len(problem.levels) > 1 or least * len(priced.units) > MOST_PAIRS:
        return False
    return least == most is not None and 1 < least <= (MOST_PLAIN if is_plain(problem) else MOST_ZONES)


def noted(what: str, error: Exception) -> None:
    """Take note of a failure that costs no result."""
    log.warning("%s failed and is left out: %s", what, error, exc_info=error)


def branch(  # noqa: PLR0913
    near: Near,
    *,
    start: Plan | None = None,
    limits: Limits | None = None,
    repair: Callable[[Plan], Plan | None] | None = None,
    progress: Progress = silent,
    known: Callable[[], Plan | None] | None = None,
    found: Callable[[Plan, bool], None] | None = None,
    others: Callable[[], int] = lambda: 0,
    failed: Callable[[str, Exception], None] = noted,
) -> Outcome:
    """Return the best plan of a problem that `suits`, and what is proved.

    `start` is a plan that passes `verify`, `known` asks for a better one, found by others meanwhile, and
    `found` is told the best after every part that is settled, and whether that part is of its centres, so
    that no plan with these is better. `others` are how many threads of `limits` somebody else has in use,
    which are left alone.
    """
    limits, left_alone = limits or Limits(), threading.Event()

    def stop() -> bool:
        return left_alone.is_set() or (limits.stop is not None and limits.stop())

    with ThreadPoolExecutor(limits.threads or 1) as pool:
        own = replace(limits, stop=stop)
        tree = _Tree(
            near,
            own,
            repair,
            progress,
            known or (lambda: None),
            found,
            others,
            failed,
            time.monotonic(),
            pool,
        )
        with watching(tree.ended, tree.flag):
            try:
                tree.take(start)
                tree.told = start
                tree.grow()
            except BaseException:
                left_alone.set()  # else the pool would wait for workers until their time is up
                tree.flag[0] = 1
                tree.save()
                raise
        return tree.outcome()


@dataclass(eq=False)
class _Tree:
    """All parts that may still hold a better plan: those that wait and those `at_work`."""

    near: Near
    limits: Limits
    repair: Callable[[Plan], Plan | None] | None
    progress: Progress
    known: Callable[[], Plan | None]
    found: Callable[[Plan, bool], None] | None
    others: Callable[[], int]
    failed: Callable[[str, Exception], None]
    began: float
    pool: ThreadPoolExecutor
    best: Plan | None = None
    told: Plan | None = None
    objective: float = np.inf
    waiting: Waiting = field(default_factory=Waiting)
    at_work: dict[Future[Any], Part] = field(default_factory=dict)
    bound: float = -np.inf
    made: int = 0
    programs: Outcome = field(default_factory=lambda: Outcome(Status.UNKNOWN))
    stopped_by: StoppedBy | None = None
    full: bool = False
    rounding: Rounding = field(init=False)
    relaxing: Relaxing = field(init=False)
    halves: Halves = field(init=False)
    lock: threading.Lock = field(default_factory=threading.Lock)
    flag: Ints = field(default_factory=lambda: np.zeros(1, dtype=np.int64))

    def __post_init__(self) -> None:
        self.rounding = Rounding(self.near, self.limits, self.repair, self.progress, self.take)
        self.relaxing = Relaxing(self.near.problem, self.flag)
        self.halves = Halves(self.near.problem)

    @property
    def left(self) -> float:
        """Seconds until the time is up."""
        return self.limits.seconds - (time.monotonic() - self.began)

    def take(self, plan: Plan | None) -> bool:
        """Keep a plan where it is the best, and return whether it is."""
        if plan is None or plan is self.best:
            return plan is not None
        value = self.near.problem.value(self.near.problem.terms(plan))
        with self.lock:
            if value < self.objective:
                self.best, self.objective = plan, value
        return plan is self.best

    @property
    def enough(self) -> float:
        """What a part's bound has to reach for it to be of no use."""
        if not np.isfinite(self.objective):
            return np.inf
        return self.objective - max(self.limits.gap, ROUNDING) * abs(self.objective)

    def ended(self) -> bool:
        """Return whether time is up or somebody says stop."""
        if self.limits.stop is not None and self.limits.stop():
            self.stopped_by = StoppedBy.INTERRUPT
        elif self.left <= 0:
            self.stopped_by = StoppedBy.TIME
        return self.stopped_by is not None

    def grow(self) -> None:
        """Divide the parts of the lowest bounds, or finish them, until none is below the best plan."""
        problem = self.near.problem
        centres = np.unique(np.repeat(np.arange(len(problem.units)), np.diff(self.near.priced.indptr)))
        count, bound = problem.levels[0].zone_range[0], self.near.bound
        first = Part(bound.value, 0, [(centres, count)], self.near.priced, bound.multipliers)
        self.bound = first.bound
        self.waiting.keep(first if first.divisible else self._placed(first, first.priced))
        while not self.ended():
            self.take(self.known())
            self._raise_to(self._lowest())
            while len(self.at_work) < max(1, (self.limits.threads or 1) - self.others()) and self._begin():
                pass
            nothing_else = all(part is self.rounding.at_work for part in self.at_work.values())
            if nothing_else and self._lowest() >= self.enough:
                self.rounding.ended.set()
            if not self.at_work:
                self.full = self._lowest() < self.enough
                break
            self._hear(FIRST_COMPLETED, SECONDS_TO_LOOK)  # threads that others had in use may be free by then
        self._hear(ALL_COMPLETED)
        self._raise_to(self._lowest())
        if self.full:
            log.info("branching: %d parts are left, which is all that memory holds", self.count)

    @property
    def count(self) -> int:
        """How many parts are left."""
        return len(self.waiting) + len(self.at_work) - (self.rounding.at_work is not None)

    def _lowest(self) -> float:
        """Return the lowest bound of all parts that are left, inf where none is."""
        at_work = [part for part in self.at_work.values() if part is not self.rounding.at_work]
        return min((part.bound for part in (*self.waiting.tops(), *at_work)), default=np.inf)

    def _begin(self) -> bool:
        """Put a thread to work on what comes next; return whether there was anything."""
        threads = max(1, (self.limits.threads or 1) - self.others())
        if self.best is not None and self.rounding.due(time.monotonic() - self.began, threads):
            lowest = self.waiting.lowest(LOOKED_AT)
            part = self.rounding.part(self.best, lowest, self.objective, self.enough)
            if part is not None:
                self.rounding.at_work = part
                work = self.pool.submit(self.rounding.off, part, self.best, self.objective, self.left)
                self.at_work[work] = part
                return True
        part = self._next()
        if part is None:
            return False
        way = self._bounded if part.placed is None else self._finished
        self.at_work[self.pool.submit(way, part)] = part
        return True

    def _next(self) -> Part | None:
        """Return the part that comes next: new ones for their bound, then that of the lowest bound.

        That is divided while it can be. Until a program has ended only one is begun, as soon as there is one:
        its plan closes most others. Without any plan nothing is divided beside it, for nothing is closed.
        """
        waiting, first = self.waiting, self.programs.seconds == 0.0
        programs = [part for part in self.at_work.values() if part.placed is not None]
        beside = first and any(part is not self.rounding.at_work for part in programs)
        if beside and np.isinf(self.objective):
            return None
        while not waiting.new:
            part = waiting.take(self.enough, beside=beside, first=first)
            if part is None or part.placed is not None:
                return part
            waiting.new.extend(self._divided(part))
        return waiting.new.popleft()

    def _hear(self, when: str, seconds: float | None = None) -> None:
        """Wait for threads that are at work, at most so long, and take in what they have done."""
        failures = []
        for done in wait(self.at_work, timeout=seconds, return_when=when).done:
            part, failure = self.at_work.pop(done), done.exception()
            if part is self.rounding.at_work:
                self.rounding.at_work = None
                if isinstance(failure, Exception):  # the proof needs none of it
                    self.rounding.ended.set()
                    self.failed("rounding off a relaxation", failure)
            elif failure is not None:  # what the others found counts all the same
                failures.append(failure)
                self.waiting.keep(part)
            elif part.placed is None:
                bounded = done.result()
                self.waiting.keep(part if bounded is None and self.ended() else bounded)
            else:
                self._settle(part, done.result())
        if failures:
            raise failures[0]

    def _settle(self, part: Part, outcome: Outcome) -> None:
        """Take in what the integer program of a part has shown."""
        self.programs = _together(self.programs, outcome)
        self.take(outcome.plan)
        if outcome.settled:
            self._tell(part)
        else:
            self.stopped_by = outcome.stopped_by or StoppedBy.TIME
            self.waiting.keep(part)
        self.progress("certify", None, f"{self.count} parts of the map, bound {self.bound:.6g}")

    def save(self) -> None:
        """Take in what threads have found that were told to stop, and tell the best plan where nobody has."""
        for done in wait(self.at_work).done:
            if done.exception() is None and isinstance(done.result(), Outcome):
                self.take(done.result().plan)
        if self.best is not self.told:
            self._tell()

    def _raise_to(self, lowest: float) -> None:
        """Raise the bound to the lowest of the parts that are left."""
        # With a gap asked for, parts that may hold a plan as much better were left above what is enough.
        most = self.objective if self.limits.gap <= ROUNDING else self.enough
        self.bound = max(self.bound, min(lowest, most))
        if self.limits.heard is not None and np.isfinite(self.bound):
            self.limits.heard(self.bound)

    # Parts.

    def _divided(self, part: Part) -> Iterator[Part]:
        """Yield parts in which one cell is cut in two, its centres shared out in every way."""
        at = self.halves.widest(part.cells)
        others = [cell for k, cell in enumerate(part.cells) if k != at]
        for halves in self.halves.shares(part.cells[at]):
            self.made += 1
            cuts = None if part.cuts is None else shared_out(part.cuts, at, len(others), len(halves))
            yield Part(part.bound, self.made, [*others, *halves], part.priced, part.prices, cuts)

    def _bounded(self, part: Part) -> Part | None:
        """Return a part with its own bound and without pairs that are of no use; None where it is of none."""
        if self.ended():
            return None
        n = len(self.near.problem.units)
        of = np.full(n, -1, dtype=np.int64)
        for k, (centres, _) in enumerate(part.cells):
            of[centres] = k
        cells = Cells(of, np.array([count for _, count in part.cells], dtype=np.int64))
        centre = np.repeat(np.arange(n), np.diff(part.priced.indptr))
        priced = part.priced.only(of[centre] >= 0)
        target = self.objective if np.isfinite(self.objective) else None
        cuts = part.cuts
        # The kernel needs a plan to aim at; zones that are all written out are connected as they are.
        if target is not None and all(zones is None for zones in priced.small):
            wide = len(priced.units) > WIDE
            steps = PLACED_STEPS if not part.divisible else WIDE_STEPS if wide else STEPS
            found, tilted, cuts = self.relaxing.bound(part, priced, cells, (target, self.enough), steps)
            cost = tilted.cost
        elif part.divisible:
            found = lagrangian(
                priced, target=target, start=Prices(part.prices), iterations=STEPS, cells=cells,
                gap=self.limits.gap, threads=1, patience=PATIENCE,
                deadline=self.began + self.limits.seconds, stop=self.limits.stop,
            )  # fmt: skip
            cost = priced.cost
        else:
            return self._placed(part, priced)
        bound = max(part.bound, found.value)
        if found.infeasible or bound >= self.enough:
            return None
        if not part.divisible:
            return self._placed(replace(part, bound=bound), replace(priced, cost=cost))
        if target is not None:
            closed = closed_by(replace(priced, cost=cost), found, target, len(self.near.possible), cells)[
                priced.arcs
            ]
            priced = priced.only(~closed[:, 0])
        standing = priced.standing
        kept = [(centres[standing[centres]], count) for centres, count in part.cells]
        if any(len(centres) < count for centres, count in kept):
            return None
        left = Part(bound, part.number, kept, priced, found.multipliers, cuts, chosen=found.centres)
        return left if left.divisible else self._placed(left, priced)

    def _placed(self, part: Part, priced: Priced) -> Part | None:
        """Return a part whose centres are placed, its bound and open pairs; None where it is of no use."""
        return placed(part, priced, self.objective, self.enough)

    def _finished(self, part: Part) -> Outcome:
        """Settle a part; begin again on fewer pairs where a plan is found meanwhile that closes many."""
        left: Part | None = part
        made = Outcome(Status.UNKNOWN, settled=True)
        while left is not None:
            most, bound = self.objective, left.bound

            def overtaken(most: float = most, bound: float = bound) -> bool:
                self.take(self.known())
                return most - self.objective > OVERTAKEN * (most - bound) or (
                    np.isinf(most) and np.isfinite(self.objective)
                )

            outcome = self._programmed(left, overtaken)
            made = _together(made, outcome)
            if outcome.settled or self.ended() or not overtaken():
                return made
            self.take(outcome.plan)
            left = self._placed(left, left.priced)
        return replace(made, settled=True, stopped_by=None)

    def _tell(self, settled: Part | None = None) -> None:
        """Tell the best plan, and whether the part that is settled shows it to be the best of its centres."""
        self.told = self.best
        if self.found is not None and self.best is not None:
            centres = None if settled is None or self.limits.gap > ROUNDING else settled.centres
            self.found(self.best, centres == set(self.best.centres.tolist()))

    def _programmed(self, part: Part, overtaken: Callable[[], bool]) -> Outcome:
        """Let the integer program settle a part, until it is overtaken by a better plan."""
        first, most = self.programs.seconds == 0.0, len(self.near.possible)

        def stop() -> bool:
            return overtaken() or (self.limits.stop is not None and self.limits.stop())

        return close_in(
            near_placed(self.near, part),
            start=self.best,
            limits=replace(self.limits, seconds=max(0.0, self.left), threads=1, heard=None, stop=stop),
            # A plan of a program is good; before there is one, few pairs near the bound may be enough.
            pairs=(FIRST_PAIRS if first or np.isinf(self.objective) else most, most),
            # A plan of the first closes most other parts; these end in less time than a chain takes.
            repair=self.repair if first else None,
            progress=self.progress,
            known=self.known,
            placed=True,
        )

    def outcome(self) -> Outcome:
        """Return what was found and proved."""
        objective = self.objective if np.isfinite(self.objective) else None
        infeasible = objective is None and not self.count and self.stopped_by is None
        bound = self.bound if np.isfinite(self.bound) else None
        status = Status.INFEASIBLE if infeasible else status_of(objective, bound)
        done = status in (Status.OPTIMAL, Status.INFEASIBLE)
        return replace(
            self.programs,
            status=status,
            plan=self.best,
            objective=objective,
            bound=None if infeasible else bound,
            stopped_by=None if done else self.stopped_by,
            seconds=time.monotonic() - self.began,
            settled=not self.full,
        )


def _together(before: Outcome, each: Outcome) -> Outcome:
    """Return an outcome with what was done before it counted in."""
    return replace(
        each,
        rounds=before.rounds + each.rounds,
        cuts=before.cuts + each.cuts,
        nodes=before.nodes + each.nodes,
        seconds=before.seconds + each.seconds,
    )
