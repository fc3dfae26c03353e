"""Gather: the best plan first, then others as good, until time or work end or nothing new is met."""

from __future__ import annotations

import logging
import math
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from zonedesign import provenance
from zonedesign.certificate import Certificate, Status, StoppedBy, relative_gap, status_of
from zonedesign.errors import counted, require_number
from zonedesign.portfolio.choose import COUNTED, Apart
from zonedesign.portfolio.every import every_plan
from zonedesign.portfolio.kept import Portfolio
from zonedesign.portfolio.met import Met
from zonedesign.portfolio.walk import MOST_RUINED, Walk
from zonedesign.progress import Progress, silent
from zonedesign.solve import solve
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.improve import INTERRUPTED, Search
from zonedesign.solve.rounds import warmed_up
from zonedesign.solve.start import completed
from zonedesign.verify import verify

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]

log = logging.getLogger(__name__)

BEST_SHARE = 0.4
"""Share of the time for the best plan; what is left is for others, which may be better yet."""
CHAINS = 4
"""Chains in a round: their number is fixed, so that threads do not change what is found."""
FIRST_NOISE, LEAST_NOISE, MOST_NOISE, NOISE_STEP = 0.1, 0.01, 2.0, 1.25
"""How far minutes are disturbed: more while most plans that chains meet are good, less while few are."""
SPREAD = (0.5, 0.8, 1.2, 2.0)
"""How far those of each chain in a round are, as multiples of that."""
STALE_ROUNDS = 40
"""Rounds without a plan unlike all others after which there seem to be none."""
MOST_COUNTED, MOST_RETRIED = 1000, 300
"""Plans that are counted at most, for more would change no share; and those that are looked at again for
counting when a better best plan leaves fewer good."""


def portfolio(  # noqa: PLR0913  (what solve takes, and what makes plans good and unlike)
    problem: Problem,
    n: int = 5,
    *,
    within: float = 0.02,
    apart: float = 0.05,
    time_limit: float = 120.0,
    seed: int = 0,
    threads: int | None = None,
    work: int | None = None,
    start: Plan | None = None,
    progress: Progress | None = None,
) -> Portfolio:
    """Return at most `n` verified plans, unlike one another, none much worse than the best.

    Each has an objective of at most `1 + within` times the best found, and any two differ in `apart` of the
    hours at least, under the one-to-one matching of zones that keeps most. The best plan is sought for a part
    of `time_limit`, in seconds, the others in the rest; tiny problems are searched whole. With `work`, so
    many rounds of each, whatever the time: the same plans, byte for byte, at any number of threads. Ctrl-C
    ends with what there is. Raises what `solve` raises where there is no plan at all.
    """
    require_number("n", n, "a whole number above 0", lambda v: v >= 1 and v % 1 == 0)
    require_number("within", within, "a share from 0 up", lambda v: v >= 0)
    require_number("apart", apart, "a share above 0 and at most 1", lambda v: 0 < v <= 1)
    require_number("time_limit", time_limit, "a number of seconds above 0", lambda v: v > 0)
    best = solve(
        problem,
        time_limit=BEST_SHARE * time_limit,
        seed=seed,
        threads=threads,
        work=work,
        start=start,
        progress=progress,
    )
    if start is not None:
        problem = problem.with_(start=start)
    gather = _Gather(problem, best, Met(problem, within), apart, seed, progress or silent)
    try:
        gather.run(start, time_limit, threads, work)
    except KeyboardInterrupt:
        gather.stopped_by = StoppedBy.INTERRUPT
    except Exception as error:  # noqa: BLE001  (the plans that are there must not be lost)
        gather.failed(error)
    while True:
        try:
            return gather.finish(n)
        except KeyboardInterrupt:  # one more, out of impatience, must not lose them either
            gather.stopped_by = StoppedBy.INTERRUPT


@dataclass(eq=False)
class _Gather:
    """One search for good plans that differ, from the first of them on."""

    problem: Problem
    first: Plan
    met: Met
    apart: float
    seed: int
    tell: Progress
    counted: Apart | None = None
    complete: bool = False
    stopped_by: StoppedBy | None = None
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.proved = self.first.certificate or Certificate(Status.UNKNOWN)
        self.seconds_before = self.proved.seconds
        self.began = time.monotonic()
        if self.proved.stopped_by is StoppedBy.INTERRUPT:
            self.stopped_by = StoppedBy.INTERRUPT

    @property
    def seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.began

    @property
    def bound(self) -> float | None:
        """What no plan is better than; a rounding may put the best plan a digit below."""
        return None if self.proved.bound is None else min(self.proved.bound, self.met.best)

    def run(self, start: Plan | None, time_limit: float, threads: int | None, work: int | None) -> None:
        """Meet good plans: all that exist, where zones can be written out, else as many as chains come by."""
        self.met.offer(self.first)
        if self.stopped_by is StoppedBy.INTERRUPT:
            return
        if start is not None:
            self.met.offer(completed(self.problem, start)[0])
        possible = possible_arcs(self.problem)
        found = every_plan(self.problem, possible, self.met.most)
        if found is None:
            self.wander(possible, time_limit, threads, work)
            return
        for plan in found:
            self.met.offer(plan)
        self.complete = True

    def failed(self, error: Exception) -> None:
        """Take note of a failure, which ends the search and costs no plan that is there."""
        log.warning("the search for more plans failed and ends: %s", error, exc_info=error)
        self.failures.append(f"the search for more plans failed: {type(error).__name__}: {error}")

    def wander(
        self, possible: NDArray[np.bool_], time_limit: float, threads: int | None, work: int | None
    ) -> None:
        """Send chains from good plans to others, round after round."""
        walk = Walk(Search.of(self.problem, possible))
        asleep = time.monotonic()
        warmed_up(walk.search)
        self.began += time.monotonic() - asleep
        noise, ruined, stale = FIRST_NOISE, float(MOST_RUINED), 0
        for number in range(10**9 if work is None else work):
            if work is None and (self.seconds >= time_limit or stale >= STALE_ROUNDS):
                self.stopped_by = StoppedBy.TIME if self.seconds >= time_limit else None
                return
            left = math.inf if work is not None else max(0.05, time_limit - self.seconds)
            there, back = self._round(replace(walk, most_ruined=int(ruined)), number, noise, threads, left)
            # What came back first, for the best plan says what is good.
            home, good = ([plan for plan in came if self.met.offer(plan)] for came in (back, there))
            stale = 0 if self._count([*home, *good]) or self._full else stale + 1
            noise, ruined = _adapted(noise, ruined, len(there), len(good))
            share = (number + 1) / work if work else min(1.0, self.seconds / time_limit)
            self.tell("portfolio", share, self._standing())
        self.stopped_by = StoppedBy.WORK

    def _standing(self) -> str:
        """Return how far the search is: the best plan's objective, bound and gap, and how many are good."""
        best, bound = self.met.best, self.bound
        left = relative_gap(best, bound)
        proved = "no bound" if bound is None else f"bound {bound:.4f}"
        gap = "" if left is None else f", gap {left:.2%}"
        return f"objective {best:.4f}, {proved}{gap}, {len(self.met):,} good"  # a line of 80 letters holds it

    def _round(
        self, walk: Walk, number: int, noise: float, threads: int | None, left: float
    ) -> tuple[list[Plan], list[Plan]]:
        """Return the plans that a round of chains meets away and back, each from a good plan by chance."""
        ranked = self.met.ranked()
        dice = np.random.default_rng([self.seed, number])
        starts = [walk.search.draft_of(ranked[int(dice.integers(len(ranked)))][1]) for _ in range(CHAINS)]
        seeds = [int(dice.integers(2**31)) for _ in range(CHAINS)]
        stop = np.zeros(1, dtype=np.int64)
        timer = None
        if math.isfinite(left):
            timer = threading.Timer(left, lambda: stop.fill(1))
            timer.daemon = True
            timer.start()
        try:
            noises = [noise * share for share in SPREAD]
            drafts = walk.tours(starts, seeds, noises, threads=threads, stop=stop)
        finally:
            if timer is not None:
                timer.cancel()
        there, back = (
            [walk.plan_of(pair[side]) for pair in drafts if math.isfinite(pair[side].price)]
            for side in (0, 1)
        )
        if stop[0] == INTERRUPTED:
            for plan in (*back, *there):
                self.met.offer(plan)
            raise KeyboardInterrupt
        return there, back

    @property
    def _most_counted(self) -> int:
        return min(MOST_COUNTED, self.met.most_kept)

    @property
    def _full(self) -> bool:
        return self.counted is not None and len(self.counted.zones) >= self._most_counted

    def _count(self, plans: list[Plan]) -> int:
        """Count the plans that are unlike all counted before, and return how many these are."""
        before = [] if self.counted is None else self.counted.zones
        still = [zone for zone in before if self.met.holds(zone)]
        if self.counted is None or len(still) < len(before):  # a better plan: some are not good any more
            self.counted = Apart(self.problem.hours, still, COUNTED * self.apart)
            plans = [plan for _, plan in self.met.ranked()[:MOST_RETRIED]]
        for plan in plans:
            if self._full:
                break
            self.counted.add_if_apart(plan.zone)
        return max(0, len(self.counted.zones) - len(still))

    # The end.

    def finish(self, n: int) -> Portfolio:
        """Return the plans that are most unlike one another, with their certificates."""
        if not len(self.met):  # interrupted before the first was noted
            self.met.offer(self.first)
        ranked = self.met.ranked()
        self._count([])
        zones = [] if self.counted is None else self.counted.zones
        chosen = Apart(self.problem.hours, [plan.zone for _, plan in ranked], self.apart).chosen(n)
        kept = Apart(self.problem.hours, [ranked[k][1].zone for k in chosen], COUNTED * self.apart)
        # Those counted are unlike one another already.
        others = [zone for zone in zones if kept.is_apart(zone)]
        found = Portfolio(
            plans=tuple(self._certified(*ranked[k], number) for number, k in enumerate(chosen)),
            asked=int(n),
            within=self.met.within,
            apart=self.apart,
            bound=self.bound,
            zones=np.array([*kept.zones, *others], dtype=np.int64),
            met=len(self.met),
            complete=self.complete,
            seconds=self.seconds,
            stopped_by=self.stopped_by,
            seed=self.seed,
        )
        if len(found.plans) < n:
            log.info("%s of %s found: %r", counted(len(found.plans), "plan"), n, found)
        return found

    def _certified(self, objective: float, plan: Plan, number: int) -> Plan:
        """Return a plan with its certificate: the bound holds for all plans, so each has its own gap."""
        problem, proved = self.problem, self.proved
        bound = None if proved.bound is None else min(proved.bound, objective)
        status = status_of(objective, bound)
        verdicts = verify(plan, problem)
        graph = problem.units.contiguity
        beside = {
            "plan": number + 1,
            "within": self.met.within,
            "apart": self.apart,
            "best_objective": self.met.best,
        }
        details = {**proved.details, "portfolio": beside}
        if self.failures:
            details["failures"] = [*proved.details.get("failures", ()), *self.failures]
        certificate = Certificate(
            status=status,
            objective=objective,
            terms=problem.terms(plan),
            bound=bound,
            seconds=self.seconds,
            stopped_by=None
            if status is Status.OPTIMAL
            else self.stopped_by or self.proved.stopped_by or StoppedBy.GAP,
            seed=self.seed,
            bridges=() if graph is None else graph.bridges,
            inputs=problem.about.inputs,
            versions=provenance.versions(),
            rules=tuple({str(k): v for k, v in row.items()} for row in verdicts.to_dict("records")),
            details=details,
        )
        return plan.with_certificate(certificate)


def _adapted(noise: float, ruined: float, whole: int, good: int) -> tuple[float, float]:
    """Return how far minutes are disturbed next, and how many zones are drawn anew at most.

    Plans too dear ask for less noise. Chains that meet no plan at all ask for fewer zones drawn anew, and say
    nothing of noise: where rules are tight, hardly any would be left, and every chain end where it began.
    """
    if whole:
        step = NOISE_STEP if 2 * good >= whole else 1 / NOISE_STEP
        noise = min(MOST_NOISE, max(LEAST_NOISE, noise * step))
    step = NOISE_STEP if 2 * whole >= CHAINS else 1 / NOISE_STEP
    return noise, min(float(MOST_RUINED), max(2.0, ruined * step))
