"""Gather: the best plan first, then others as good, until time or work end or nothing new is met."""

from __future__ import annotations

import logging
import math
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from zonedesign import provenance
from zonedesign.certificate import Certificate, Status, StoppedBy, status_of
from zonedesign.errors import counted, require_number
from zonedesign.portfolio.choose import COUNTED, Apart
from zonedesign.portfolio.every import every_plan
from zonedesign.portfolio.kept import Portfolio
from zonedesign.portfolio.walk import Walk
from zonedesign.progress import Progress, silent
from zonedesign.solve import solve
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.improve import INTERRUPTED, Search
from zonedesign.solve.rounds import warmed_up
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
"""How far minutes are disturbed: more while most chains meet good plans, less while few do."""
SPREAD = (0.5, 0.8, 1.2, 2.0)
"""How far those of each chain in a round are, as multiples of that."""
STALE_ROUNDS = 40
"""Rounds without a plan unlike all others after which there seem to be none."""
ROUNDING = 1e-9


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
    tell = progress or silent
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
    gather = _Gather(problem, best, within, apart, seed, tell)
    if gather.stopped_by is not StoppedBy.INTERRUPT:
        try:
            gather.offer(start)
            gather.everything()
            if not gather.complete:
                gather.wander(time_limit, threads, work)
        except KeyboardInterrupt:
            gather.stopped_by = StoppedBy.INTERRUPT
    return gather.finish(n)


@dataclass(eq=False)
class _Gather:
    """The good plans met so far, one for every division into zones."""

    problem: Problem
    first: Plan
    within: float
    apart: float
    seed: int
    tell: Progress
    met: dict[bytes, tuple[float, Plan]] = field(default_factory=dict)
    counted: Apart | None = None
    best: float = math.inf
    complete: bool = False
    stopped_by: StoppedBy | None = None

    def __post_init__(self) -> None:
        self.proved = self.first.certificate or Certificate(Status.UNKNOWN)
        self.seconds_before = self.proved.seconds
        self.began = time.monotonic()
        if self.proved.stopped_by is StoppedBy.INTERRUPT:
            self.stopped_by = StoppedBy.INTERRUPT
        self.possible = possible_arcs(self.problem)
        self.offer(self.first)

    @property
    def seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.began

    @property
    def most(self) -> float:
        """The objective that a good plan has at most."""
        return (1 + self.within) * self.best + ROUNDING * max(1.0, abs(self.best))

    def offer(self, plan: Plan | None) -> bool:
        """Take note of a plan where it is good and passes verification; return whether it is good."""
        if plan is None or not plan.area.ids.equals(self.problem.units.ids):
            return False
        objective = self.problem.value(self.problem.terms(plan))
        if not objective <= self.most:
            return False
        key = pd.factorize(plan.zone)[0].astype(np.int32).tobytes()
        if key in self.met and self.met[key][0] <= objective:
            return True
        if not verify(plan, self.problem)["passed"].all():
            return False
        self.met[key] = (objective, plan)
        if objective < self.best:
            self.best = objective
            before = len(self.met)
            self.met = {k: each for k, each in self.met.items() if each[0] <= self.most}
            if len(self.met) < before:
                self.counted = None  # some of them are not good any more
        return True

    def ranked(self) -> list[tuple[float, Plan]]:
        """Return objective and plan, the best first; ties in the order of their zones."""
        return [self.met[key] for key in sorted(self.met, key=lambda key: (self.met[key][0], key))]

    def everything(self) -> None:
        """Meet all good plans, where zones are few enough to write out."""
        found = every_plan(self.problem, self.possible, self.most)
        if found is None:
            return
        for plan in found:
            self.offer(plan)
        self.complete = True

    def wander(self, time_limit: float, threads: int | None, work: int | None) -> None:
        """Send chains from good plans to others, round after round."""
        walk = Walk(Search.of(self.problem, self.possible))
        asleep = time.monotonic()
        warmed_up(walk.search)
        self.began += time.monotonic() - asleep
        noise, stale = FIRST_NOISE, 0
        for number in range(10**9 if work is None else work):
            if work is None and (self.seconds >= time_limit or stale >= STALE_ROUNDS):
                self.stopped_by = StoppedBy.TIME if self.seconds >= time_limit else None
                return
            left = math.inf if work is not None else max(0.05, time_limit - self.seconds)
            there, back = self._round(walk, number, noise, threads, left)
            # What came back first, for the best plan says what is good.
            home, good = ([plan for plan in came if self.offer(plan)] for came in (back, there))
            stale = 0 if self._count([*home, *good]) else stale + 1
            step = NOISE_STEP if 2 * len(good) >= CHAINS else 1 / NOISE_STEP
            noise = min(MOST_NOISE, max(LEAST_NOISE, noise * step))
            share = number / work if work else min(1.0, self.seconds / time_limit)
            said = f"{counted(len(self.met), 'good plan')}, best {self.best:.4f}"
            self.tell("portfolio", share, said)
        self.stopped_by = StoppedBy.WORK

    def _round(
        self, walk: Walk, number: int, noise: float, threads: int | None, left: float
    ) -> tuple[list[Plan], list[Plan]]:
        """Return the plans that a round of chains meets away and back, each from a good plan by chance."""
        ranked = self.ranked()
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
                self.offer(plan)
            raise KeyboardInterrupt
        return there, back

    def _count(self, plans: list[Plan]) -> int:
        """Count the plans that are unlike all counted before, and return how many these are."""
        if self.counted is None:
            self.counted = Apart(self.problem.hours, [], COUNTED * self.apart)
            plans = [plan for _, plan in self.ranked()]
        before = len(self.counted.zones)
        for plan in plans:
            self.counted.add_if_apart(plan.zone)
        return len(self.counted.zones) - before

    # The end.

    def finish(self, n: int) -> Portfolio:
        """Return the plans that are most unlike one another, with their certificates."""
        ranked = self.ranked()
        self._count([])
        chosen = Apart(self.problem.hours, [plan.zone for _, plan in ranked], self.apart).chosen(n)
        kept = Apart(self.problem.hours, [ranked[k][1].zone for k in chosen], COUNTED * self.apart)
        for zone in [] if self.counted is None else self.counted.zones:
            kept.add_if_apart(zone)
        bound = self.proved.bound
        found = Portfolio(
            plans=tuple(self._certified(*ranked[k], number) for number, k in enumerate(chosen)),
            asked=int(n),
            within=self.within,
            apart=self.apart,
            bound=None if bound is None else min(bound, self.best),
            zones=np.array(kept.zones, dtype=np.int64),
            met=len(ranked),
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
        beside = {"plan": number + 1, "within": self.within, "apart": self.apart, "best_objective": self.best}
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
            details={**proved.details, "portfolio": beside},
        )
        return plan.with_certificate(certificate)
