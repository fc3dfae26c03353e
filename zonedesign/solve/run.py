"""One run of the solver: preflight, bound, construct, improve, certify, verify.

Small problems go to the integer program at once. Others get first drafts around the bound's centres, which
chains of annealing improve while the bound rises; the integer program takes what time is left where it is
small enough to help. Chains, seeds and steps do not depend on the number of threads, so a run that is limited
by work gives the same plan everywhere.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from zonedesign import provenance
from zonedesign.certificate import OPTIMAL_GAP, Certificate, Status, StoppedBy, relative_gap, status_of
from zonedesign.errors import (
    InfeasibleError,
    NoPlanError,
    ScenarioError,
    SolverError,
    counted,
    listed,
    require_number,
)
from zonedesign.plan import Plan
from zonedesign.progress import Progress, silent
from zonedesign.solve import bound as bounding
from zonedesign.solve import certify as certifying
from zonedesign.solve import construct
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.improve import INTERRUPTED, Draft, Search
from zonedesign.solve.preflight import preflight
from zonedesign.verify import verify

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.problem import Problem

log = logging.getLogger(__name__)

CHAINS = 4
"""Chains of annealing in a round: their number is fixed, so that threads do not change what is found."""
HEATS = (1.0, 0.5, 1.5, 0.25)
"""First temperatures of rounds, as multiples of what a typical unit costs."""
LONGEST_ROUND, MOST_MOVES_A_UNIT = 20.0, 20_000
"""Seconds and moves that a chain of one round has at most."""
STALE_ROUNDS = 4
"""Rounds without a better plan after which the integer program takes over, where it may."""
SMALL_UNITS, SMALL_ARCS = 40, 10_000
"""Up to here the integer program alone is the quickest."""
WHOLE_ARCS = 120_000
"""Arcs by level up to which the whole integer program is worth its time after the search."""
FIRST_BOUND_SHARE, BOUND_SHARE = 0.08, 0.12
"""Shares of the time for the first bound, whose centres the drafts need, and for each later one."""
SEARCH_SHARE = 0.5
"""Share of the time that the search has before the integer program takes over."""
WAY_OUT = "widen a band, a count or max_minutes"


def solve(
    problem: Problem,
    *,
    time_limit: float = 300.0,
    gap: float = 0.0,
    seed: int = 0,
    threads: int | None = None,
    work: int | None = None,
    start: Plan | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Return the best plan found for a problem, verified, with its certificate.

    Stops at `time_limit` seconds, at a relative `gap`, or, given `work`, after that many rounds of search
    whatever the time, which makes runs the same byte for byte. `start` is a plan to begin from, broken rules
    and all. Ctrl-C ends with the best plan so far. Raises `InfeasibleError` where no plan exists and that is
    proved, `NoPlanError` where a limit came before any plan.
    """
    require_number("time_limit", time_limit, "a number of seconds above 0", lambda value: value > 0)
    require_number("gap", gap, "a share from 0 to 1", lambda value: 0 <= value <= 1)
    require_number("seed", seed, "a whole number, 0 or more", lambda v: v >= 0 and v % 1 == 0)
    for what, count in (("threads", threads), ("work", work)):
        if count is not None:
            require_number(what, count, "a whole number above 0", lambda v: v >= 1 and v % 1 == 0)
    if start is not None:
        if not isinstance(start, Plan):
            raise ScenarioError(
                f"start is a {type(start).__name__}; it must be a Plan, such as read_plan gives"
            )
        problem = problem.with_(start=start)
    run = _Run(problem, time_limit, gap, seed, threads, work, progress or silent)
    try:
        run.prepare()
        run.began = time.monotonic()
        if run.small:
            run.certify(1.0)
        else:
            run.search(start)
            run.certify(1.0)
    except KeyboardInterrupt:
        run.stopped_by = StoppedBy.INTERRUPT
    return run.finish()


@dataclass(eq=False)
class _Run:
    """What is known so far: the best plan, the best bound, and why it will stop."""

    problem: Problem
    time_limit: float
    gap: float
    seed: int
    threads: int | None
    work: int | None
    progress: Progress
    best: Plan | None = None
    objective: float = math.inf
    bound: float = -math.inf
    stopped_by: StoppedBy | None = None
    details: dict[str, Any] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    possible: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), dtype=np.bool_))
    closed: NDArray[np.bool_] | None = None
    repairer: Search | None = None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    @property
    def small(self) -> bool:
        return len(self.problem.units) <= SMALL_UNITS and int(self.possible.sum()) <= SMALL_ARCS

    def done(self) -> bool:
        """Return whether the gap is reached or time is up; notes which."""
        if self.objective < math.inf:
            left = relative_gap(self.objective, self.bound)
            if left is not None and left <= max(self.gap, OPTIMAL_GAP):
                self.stopped_by = StoppedBy.GAP
                return True
        if self.work is None and self.seconds >= self.time_limit:
            self.stopped_by = StoppedBy.TIME
            return True
        return False

    def prepare(self) -> None:
        """Raise `InfeasibleError` for what is impossible by name, and find the pairs that a plan may use."""
        self.progress("check", None, "looking for what is impossible by name")
        _refuse(preflight(self.problem))
        self.possible = possible_arcs(self.problem)
        held = np.zeros(len(self.problem.units), dtype=np.bool_)
        held[self.problem.arcs.units[self.possible.any(axis=1)]] = True
        if not held.all():
            lost = self.problem.units.ids[~held]
            where = "in no zone that keeps its bands, reach and connection"
            way_out = "exclude them, widen a band, raise max_minutes or add a bridge"
            _refuse([f"{counted(len(lost), 'unit')} can be {where}: {listed(lost)}; {way_out}"])

    # Search: bound, construct, improve.

    def search(self, start: Plan | None) -> None:
        """Raise the bound and improve drafts in rounds until its share of the limit is used."""
        priced = bounding.Priced.of(self.problem, self.possible)
        search = Search.of(self.problem, self.possible)
        self._warm_up(priced, search)
        few, many = _steps_of(priced)
        lagrangian = bounding.lagrangian(
            priced, iterations=many, threads=self.threads, deadline=self._deadline(FIRST_BOUND_SHARE)
        )
        if lagrangian.infeasible:
            _refuse([f"no choice of centres meets the zone counts within bands and reach; {WAY_OUT}"])
        self.bound = max(self.bound, lagrangian.value)
        drafts = construct.drafts(search, lagrangian, number=CHAINS, seed=self.seed)
        if start is not None:
            drafts[0] = search.draft_of(start)
        share = SEARCH_SHARE if self._whole_helps() else 1.0
        pool, moves, stale = drafts, _moves_of(search), 0
        for number in range(10**9):
            if self.done() or (self.work is not None and number >= self.work):
                break
            out_of_share = self.seconds >= share * self.time_limit or stale >= STALE_ROUNDS
            if self.work is None and share < 1 and out_of_share and (self.best is not None or stale >= 9):
                break
            before, began = self.objective, self.seconds
            pool = self._round(search, pool, number, moves, share)
            stale = 0 if self.objective < before - OPTIMAL_GAP * abs(self.objective) else stale + 1
            if self.work is None:
                moves = self._more_moves(search, moves, self.seconds - began, share)
            if not lagrangian.converged and not self.done():
                target = self.objective if self.objective < math.inf else None
                lagrangian = bounding.lagrangian(
                    priced,
                    target=target,
                    start=lagrangian.multipliers,
                    iterations=few,
                    gap=self.gap,
                    threads=self.threads,
                    deadline=self._deadline(self.seconds / self.time_limit + BOUND_SHARE),
                )
                self.bound = max(self.bound, lagrangian.value)
            self._tell("search", number)
        else:
            raise SolverError("the search ended by itself")
        if self.work is not None and self.stopped_by is None:
            self.stopped_by = StoppedBy.WORK
        self.repairer = search
        if self.best is not None:
            self.closed = bounding.closed_by(priced, lagrangian, self.objective, len(self.possible))

    def _warm_up(self, priced: bounding.Priced, search: Search) -> None:
        """Have the kernels compiled, which a first run waits for; the time limit covers solving only."""
        self.progress("search", None, "making the kernels ready (slow the first time only)")
        asleep = time.monotonic()
        first = bounding.lagrangian(priced, iterations=1, threads=1)
        bounding.closed_by(priced, first, math.inf, len(self.possible))
        n = len(self.problem.units)
        search.improve(
            Draft(np.zeros(n, np.int64), np.zeros(1, np.int64), np.zeros(1, np.int64)),
            moves=0,
            seed=0,
            heat=1.0,
        )
        self.began += time.monotonic() - asleep

    def _round(self, search: Search, pool: list[Draft], number: int, moves: int, share: float) -> list[Draft]:
        """Return the chains' drafts after one round, the worst replaced by the best; keeps the best plan."""
        seeds = [(self.seed * 1_000_003 + number * 101 + chain) % (2**31) for chain in range(CHAINS)]
        stop = np.zeros(1, dtype=np.int64)
        left = math.inf if self.work is not None else max(0.05, share * self.time_limit - self.seconds)
        if self.best is None and self.work is None:
            left = max(0.05, self.time_limit - self.seconds)
        timer = None
        if math.isfinite(left):
            timer = threading.Timer(left, lambda: stop.fill(1))
            timer.daemon = True
            timer.start()
        try:
            found = search.improve_all(
                pool,
                moves=moves,
                seeds=seeds,
                heat=HEATS[number % len(HEATS)],
                threads=self.threads,
                stop=stop,
            )
        finally:
            if timer is not None:
                timer.cancel()
        for draft in found:
            self._offer(draft)
        if stop[0] == INTERRUPTED:
            raise KeyboardInterrupt
        kept = [new if new.price <= old.price else old for new, old in zip(found, pool, strict=True)]
        order = sorted(range(CHAINS), key=lambda k: (kept[k].price, k))
        if number % 3 == 2 and math.isfinite(kept[order[0]].price):
            kept[order[-1]] = kept[order[0]]
        return kept

    def _more_moves(self, search: Search, moves: int, took: float, share: float) -> int:
        """Return how many moves the chains of the next round make: long cooling finds what short cannot."""
        seconds = min(LONGEST_ROUND, 0.45 * (share * self.time_limit - self.seconds))
        wanted = moves * max(seconds, 1.0) / max(took, 0.01)
        n = len(search.problem.units)
        most = MOST_MOVES_A_UNIT * n * min(1.0, n / 400)  # few units are soon exhausted
        return int(max(_moves_of(search), min(most, wanted)))

    def _offer(self, draft: Draft) -> None:
        """Keep a draft as the best plan where it is better and passes verification."""
        if math.isfinite(draft.price):
            self._take(self._plan_of(draft))

    def _plan_of(self, draft: Draft) -> Plan:
        names = [level.name for level in self.problem.levels]
        levels = {int(c): names[int(k)] for c, k in zip(draft.centre, draft.level, strict=True)}
        return Plan.of(self.problem.units, self.problem.times, draft.centre[draft.zone], levels)

    def _repaired(self, plan: Plan) -> Plan | None:
        """Return a plan near one of the integer program that breaks rules, or None."""
        if self.repairer is None:
            return None
        moves = _moves_of(self.repairer)
        draft = self.repairer.improve(self.repairer.draft_of(plan), moves=moves, seed=self.seed, heat=0.2)
        if not math.isfinite(draft.price):
            return None
        near = self._plan_of(draft)
        return near if bool(verify(near, self.problem)["passed"].all()) else None

    def _take(self, plan: Plan) -> None:
        objective = self.problem.value(self.problem.terms(plan))
        if not objective < self.objective:
            return
        verdicts = verify(plan, self.problem)
        if not verdicts["passed"].all():
            broken = verdicts.loc[~verdicts["passed"].astype(bool), "rule"].unique()
            log.warning("a plan of the search breaks %s and is not used", listed(broken))
            return
        self.best, self.objective = plan, objective

    # Certify: the whole integer program.

    def _whole_helps(self) -> bool:
        return self.work is None and int(self.possible.sum()) <= WHOLE_ARCS

    def certify(self, share: float) -> None:
        """Give the whole integer program the time that is left, where it is small enough."""
        if self.done() or not (self.small or self._whole_helps()):
            return
        left = math.inf if self.work is not None else max(0.1, share * self.time_limit - self.seconds)
        self.progress("certify", None, "the whole integer program")
        limits = certifying.Limits(
            seconds=0.95 * left,  # the engine looks at the clock late
            gap=self.gap,
            nodes=None if self.work is None else 1000 * self.work,
            seed=self.seed,
            threads=1 if self.work is not None else self.threads,
        )
        outcome = certifying.certify(
            self.problem,
            start=self.best,
            bound=None if math.isinf(self.bound) else self.bound,
            fixed=self.closed,
            limits=limits,
            repair=None if self.repairer is None else self._repaired,
            progress=self.progress,
        )
        if outcome.status is Status.INFEASIBLE and self.best is None:
            _refuse([f"the rules cannot all be met: the whole integer program has no solution; {WAY_OUT}"])
        if outcome.plan is not None:
            self._take(outcome.plan)
        if outcome.bound is not None:
            self.bound = max(self.bound, outcome.bound)
        self.stopped_by = outcome.stopped_by or self.stopped_by
        self.details |= {"rounds_of_cuts": outcome.rounds, "cuts": outcome.cuts, "nodes": outcome.nodes}

    # The end.

    def finish(self) -> Plan:
        """Return the best plan with its certificate; `NoPlanError` where there is none."""
        if self.best is None:
            if self.stopped_by is StoppedBy.INTERRUPT:
                raise NoPlanError(f"interrupted after {self.seconds:.0f} s, before any plan was found")
            known = "" if math.isinf(self.bound) else f" (any plan costs at least {self.bound:.4g})"
            raise NoPlanError(
                f"no plan found in {self.seconds:.0f} s{known}; give it more time, or {WAY_OUT}"
            )
        problem = self.problem
        plan, bound = self.best, min(self.bound, self.objective)
        verdicts = verify(plan, problem)
        status = status_of(self.objective, bound)
        graph = problem.units.contiguity
        certificate = Certificate(
            status=status,
            objective=self.objective,
            terms=problem.terms(plan),
            bound=bound if math.isfinite(bound) else None,
            seconds=self.seconds,
            stopped_by=None if status is Status.OPTIMAL else self.stopped_by,
            seed=self.seed,
            bridges=() if graph is None else graph.bridges,
            inputs=problem.about.inputs,
            versions=provenance.versions(),
            rules=tuple({str(k): v for k, v in row.items()} for row in verdicts.to_dict("records")),
            details=self.details,
        )
        return plan.with_certificate(certificate)

    def _deadline(self, share: float) -> float:
        """Return when a step must end that may go on until this share of the time is used."""
        return math.inf if self.work is not None else self.began + min(1.0, share) * self.time_limit

    def _tell(self, stage: str, number: int) -> None:
        left = relative_gap(self.objective if self.best is not None else None, self.bound)
        said = "no plan yet" if self.best is None else f"objective {self.objective:.4f}"
        proved = "" if left is None else f", gap {left:.2%}"
        share = number / self.work if self.work else min(1.0, self.seconds / self.time_limit)
        self.progress(stage, share, f"{said}, bound {self.bound:.4f}{proved}")


def _steps_of(priced: bounding.Priced) -> tuple[int, int]:
    """Return how many subgradient steps a first or later bound and the main one take: fewer where slow."""
    main = int(min(1500, max(60, 4e8 / max(len(priced.units), 1))))
    return max(30, main // 5), main


def _moves_of(search: Search) -> int:
    """Return how many moves a chain makes in a round: enough to try every unit several hundred times."""
    return min(4_000_000, max(100_000, 800 * len(search.problem.units)))


def _refuse(causes: list[str]) -> None:
    """Raise `InfeasibleError` where there are causes; its line is the first of them."""
    if causes:
        more = f" (and {counted(len(causes) - 1, 'more cause')})" if len(causes) > 1 else ""
        raise InfeasibleError(causes[0] + more, causes)
