"""One run of the solver: preflight, bound, construct, improve, certify, verify.

Small problems go to the integer program at once. Others get first drafts around the bound's centres, which
chains of annealing improve while, beside them on a thread of its own, the bound rises and the integer program
closes in where it is small enough to help. Chains, seeds and steps do not depend on the number of threads, so
a run that is limited by work gives the same plan everywhere.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zonedesign import provenance
from zonedesign.certificate import Certificate, Status, StoppedBy, status_of
from zonedesign.errors import (
    InfeasibleError,
    NoPlanError,
    ScenarioError,
    counted,
    listed,
    require_number,
)
from zonedesign.interrupts import heeded, noticed, undisturbed
from zonedesign.plan import Plan
from zonedesign.progress import Progress, silent
from zonedesign.solve import branching, cheapzones, construct, cuts, relaxing
from zonedesign.solve.bound import Priced, closed_by, lagrangian
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.improve import Search
from zonedesign.solve.preflight import preflight
from zonedesign.solve.prove import WAY_OUT, Proof
from zonedesign.solve.rounds import CHAINS, Rounds, warmed_up
from zonedesign.solve.standing import Standing
from zonedesign.solve.start import begin, from_baseline
from zonedesign.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from zonedesign.problem import Problem
    from zonedesign.solve.improve import Draft

log = logging.getLogger(__name__)

SMALL_UNITS, SMALL_ARCS = 40, 10_000
"""Up to here the integer program alone is the quickest."""
START_SHARE = 0.25
"""Share of the time that the repair of a start plan may take."""
FIRST_BOUND_SHARE, FIRST_BOUND_SHARE_OF_FEW = 0.1, 0.08
"""Share of the time for the first bound, whose centres the drafts need; few zones soon have better ones from
their parts."""
WRITING_SHARE, RISING_SHARE, SEARCH_SHARE, RISING_AGAIN_SHARE = 0.3, 0.25, 0.5, 0.6
"""With one thread: shares of the time that the bound, the search and the bound again have before the integer
program."""
RISING_SHARE_OF_FEW = 0.12
"""Share of the time after which few zones leave the bound of the whole for that of parts."""
SECONDS_TO_STOP = 2.0
"""How long the end of a run waits for the proof beside it to stop."""


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
    whatever the time, which makes runs the same byte for byte. `start` is a plan to begin from: repaired
    first where it breaks rules, and never made worse where it keeps them. Ctrl-C ends with the best plan so
    far. Raises `InfeasibleError` where no plan exists and that is proved, `NoPlanError` where a limit came
    before any plan.
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
    standing = Standing(problem, time_limit, gap, work, progress or silent)
    run = _Run(standing, seed, threads or os.cpu_count() or 1)
    try:
        with noticed() as standing.interrupted:
            with heeded():
                run.prepare()
            standing.began = time.monotonic()
            start = run.begin(start)
            if run.small:
                run.prove_alone()
            else:
                run.search(start)
    except KeyboardInterrupt:
        standing.stopped_by = StoppedBy.INTERRUPT
    except Exception as error:
        if standing.best is None:
            raise
        # A failure on the way does not cost a plan that is already there.
        standing.failed("the search", error)
    return run.finish()


@dataclass(eq=False)
class _Run:
    """What stays the same through one run."""

    standing: Standing
    seed: int
    threads: int
    possible: NDArray[np.bool_] | None = None

    @property
    def problem(self) -> Problem:
        return self.standing.problem

    @property
    def small(self) -> bool:
        assert self.possible is not None  # noqa: S101
        return len(self.problem.units) <= SMALL_UNITS and int(self.possible.sum()) <= SMALL_ARCS

    def prepare(self) -> None:
        """Raise `InfeasibleError` for what is impossible by name, and find the pairs that a plan may use."""
        self.standing.progress("check", None, "looking for what is impossible by name")
        _refuse(preflight(self.problem))
        self.possible = possible_arcs(self.problem)
        held = np.zeros(len(self.problem.units), dtype=np.bool_)
        held[self.problem.arcs.units[self.possible.any(axis=1)]] = True
        if not held.all():
            lost = self.problem.units.ids[~held]
            where = "in no zone that keeps its bands, reach and connection"
            way_out = "exclude them, widen a band, raise max_minutes or add a bridge"
            _refuse([f"{counted(len(lost), 'unit')} can be {where}: {listed(lost)}; {way_out}"])

    def begin(self, start: Plan | None) -> Plan | None:
        """Return the start plan or the baseline, repaired where it breaks rules: the best plan so far."""
        standing = self.standing
        assert self.possible is not None  # noqa: S101
        given = from_baseline(self.problem) if start is None else start
        if given is None:
            return None
        standing.progress("start", None, "the plan to start from, and what it breaks")
        deadline = standing.deadline(START_SHARE)
        begun = begin(self.problem, given, self.possible, seed=self.seed, deadline=deadline)
        standing.began += begun.waited
        if start is not None:
            standing.details["repairs"] = list(begun.repairs)
        if begun.keeps:
            standing.take(begun.plan)
        return begun.plan

    def prove_alone(self) -> None:
        """Choose among all zones, or give the integer program all the time: both are quick on few units."""
        assert self.possible is not None  # noqa: S101
        threads = 1 if self.standing.work is not None else self.threads
        priced = Priced.of(self.problem, self.possible)
        proof = Proof(self.standing, self.possible, priced, seed=self.seed, threads=threads, writers=threads)
        proof.write_out()
        if not self.standing.done():
            proof.certify()

    def search(self, start: Plan | None) -> None:
        """Improve drafts in rounds while the bound rises, side by side where there are two threads."""
        standing, problem = self.standing, self.problem
        assert self.possible is not None  # noqa: S101
        priced, search = Priced.of(problem, self.possible), Search.of(problem, self.possible)
        self._warm_up(priced, search)
        proof = Proof(standing, self.possible, priced, seed=self.seed, threads=self.threads, search=search)
        lagrangian_ = proof.first(FIRST_BOUND_SHARE_OF_FEW if proof.few else FIRST_BOUND_SHARE)
        if standing.done():
            return
        drafts = construct.drafts(search, lagrangian_, number=CHAINS, seed=self.seed)
        if start is not None:
            drafts[0] = search.draft_of(start)

        def afresh(number: int) -> Draft:
            latest = proof.bound or lagrangian_  # the proof beside has better prices by then
            return construct.drafts(search, latest, number=3, seed=self.seed + 1 + number)[number % 3]

        own = 0 if start is None and len(lagrangian_.centres) else None
        rounds = Rounds(standing, search, drafts, self.seed, self.threads, afresh, own)
        if standing.work is not None:
            rounds.run(1.0, leave=False)
            proof.rise(1.0)
        elif self.threads == 1:
            proof.write_out(WRITING_SHARE)
            proof.rise(RISING_SHARE)
            if proof.whole or proof.hoped:
                rounds.run(SEARCH_SHARE, leave=True, give_up=proof.whole)
                proof.rise(RISING_AGAIN_SHARE)
            proof.settle()
            rounds.run(1.0, leave=False)
        else:
            proof.threads, proof.writers = 1, self.threads
            rounds.threads = self.threads - 1
            with self._beside(proof, rounds):
                rounds.run(1.0, leave=False)

    @contextmanager
    def _beside(self, proof: Proof, rounds: Rounds) -> Iterator[None]:
        """Have the bound proved on a thread of its own; a failure there costs no plan."""
        standing = self.standing

        def prove() -> None:
            try:
                proof.write_out()
                proof.rise(RISING_SHARE_OF_FEW if proof.few else 1.0)
                proof.settle()
                if proof.hoped and standing.best is None:
                    rounds.threads = self.threads
                    standing.wait_for_plan()
                    rounds.threads = self.threads - 1
                proof.rise(1.0)
            except KeyboardInterrupt:  # from whoever listens to progress
                standing.stopped_by = StoppedBy.INTERRUPT
                standing.halt()
            except Exception as error:  # noqa: BLE001  (the search goes on, and the certificate tells)
                standing.failed("the proof", error)
            rounds.threads = self.threads

        thread = threading.Thread(target=prove, name="proof", daemon=True)
        thread.start()
        try:
            yield
        finally:
            standing.halt()
            thread.join(SECONDS_TO_STOP)

    def _warm_up(self, priced: Priced, search: Search) -> None:
        """Have the kernels compiled, which a first run waits for; the time limit covers solving only."""
        assert self.possible is not None  # noqa: S101
        self.standing.progress("search", None, "making the kernels ready (slow the first time only)")
        asleep = time.monotonic()
        with undisturbed():
            first = lagrangian(priced, iterations=1, threads=1)
            closed_by(priced, first, math.inf, len(self.possible))
            warmed_up(search)
            construct.ready()
            if self.problem.units.contiguity is not None:
                cuts.ready()
            if cheapzones.suits(self.problem):
                cheapzones.ready()
            if branching.suits(self.problem, priced):
                relaxing.ready()
        self.standing.began += time.monotonic() - asleep

    def finish(self) -> Plan:
        """Return the best plan with its certificate, or raise why there is none."""
        standing, problem = self.standing, self.problem
        # A proof that is slow to stop may still find something: that comes too late for the certificate.
        plan, objective, bound = standing.settled()
        if plan is None:
            _refuse(standing.causes)
            if standing.stopped_by is StoppedBy.INTERRUPT:
                raise NoPlanError(f"interrupted after {standing.seconds:.0f} s, before any plan was found")
            known = (
                ""
                if math.isinf(standing.bound) or standing.bound <= 0
                else f" (any plan costs at least {standing.bound:.4g})"
            )
            failed = "".join(f"; {trouble}" for trouble in standing.troubles)
            raise NoPlanError(
                f"no plan found in {standing.seconds:.0f} s{known}; give it more time, or {WAY_OUT}{failed}"
            )
        bound = min(bound, objective)
        verdicts = verify(plan, problem)
        status = status_of(objective, bound)
        graph = problem.units.contiguity
        if standing.troubles:
            standing.details["failures"] = list(standing.troubles)
        certificate = Certificate(
            status=status,
            objective=objective,
            terms=problem.terms(plan),
            bound=bound if math.isfinite(bound) else None,
            seconds=standing.seconds,
            stopped_by=None if status is Status.OPTIMAL else standing.stopped_by,
            seed=self.seed,
            bridges=() if graph is None else graph.bridges,
            inputs=problem.about.inputs,
            versions=provenance.versions(),
            rules=tuple({str(k): v for k, v in row.items()} for row in verdicts.to_dict("records")),
            details=standing.details,
        )
        return plan.with_certificate(certificate)


def _refuse(causes: list[str]) -> None:
    """Raise `InfeasibleError` where there are causes; its line is the first of them."""
    if causes:
        more = f" (and {counted(len(causes) - 1, 'more cause')})" if len(causes) > 1 else ""
        raise InfeasibleError(causes[0] + more, causes)
