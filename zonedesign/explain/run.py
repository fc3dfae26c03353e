"""One explanation: whether there is a plan, why not, and the smallest changes that give one."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zonedesign.errors import require_number
from zonedesign.explain.answer import Explanation, Relaxation
from zonedesign.explain.candidates import Candidate, Candidates
from zonedesign.explain.trials import Trials
from zonedesign.explain.words import told
from zonedesign.progress import Progress, silent
from zonedesign.solve.preflight import preflight

if TYPE_CHECKING:
    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

WORKING_SHARE = 0.9
"""Share of the time that trials have; in the rest what was found is put into words."""
FIRST_SHARE = 0.3
"""Share of the time in which a plan, or a proof that there is none, is looked for first."""
LEAST_SECONDS = 0.3
"""Seconds that every change found gets at least, to be made smaller."""
PROOF_ARCS = 30_000
"""Pairs of centre, unit and level up to which the integer program is asked for a proof."""
LARGEST = 10.0
"""A limit that moves by so many times itself is no answer where a smaller change is enough."""
FIRST_SETTLING = 0.7
"""Share of the time left in which the first changes are made as small as they can be."""


def explain(
    problem: Problem,
    *,
    time_limit: float = 60.0,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Explanation:
    """Return why a problem has no plan, and the smallest changes that give one, each proved by a plan.

    Small problems (up to 40 units) are settled by the integer program: their relaxations are proved to be the
    least. Others are searched, and what is not proved is not called the least. Where there is a plan, that is
    all that is said. Ctrl-C, or `time_limit` seconds, end with what is known by then.
    """
    require_number("time_limit", time_limit, "a number of seconds above 0", lambda value: value > 0)
    require_number("seed", seed, "a whole number, 0 or more", lambda v: v >= 0 and v % 1 == 0)
    if threads is not None:
        require_number("threads", threads, "a whole number above 0", lambda v: v >= 1 and v % 1 == 0)
    trials = Trials(time.monotonic() + WORKING_SHARE * time_limit, seed, threads)
    run = _Run(problem, time_limit, trials, progress or silent)
    try:
        run.judge()
        if not run.feasible:
            run.repair()
    except KeyboardInterrupt:
        run.interrupted()
    return run.explanation()


@dataclass(eq=False)
class _Run:
    """What is known so far."""

    problem: Problem
    time_limit: float
    trials: Trials
    progress: Progress
    feasible: bool | None = None
    plan: Plan | None = None
    causes: list[str] = field(default_factory=list)
    candidates: Candidates | None = None
    settled: list[Candidate] = field(default_factory=list)
    relaxations: list[Relaxation] = field(default_factory=list)
    near: tuple[Plan, ...] = ()
    notes: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def judge(self) -> None:
        """Find out whether there is a plan: by name, by proof, by search."""
        self._tell("looking for what is impossible by name")
        self.causes = preflight(self.problem)
        small = self.trials.small(self.problem)
        if not small:
            self.trials.warm_up(self.problem)
        if self.causes:
            self.feasible = False
            return
        self._tell("looking for a plan")
        verdict = self.trials.of(self.problem, seconds=(0.7 if small else FIRST_SHARE) * self.time_limit)
        if verdict.plan is not None:
            self.feasible, self.plan = True, verdict.plan
        elif verdict.impossible:
            self.feasible = False
        else:
            self._prove()
        self.near = verdict.near

    def _prove(self) -> None:
        """Ask the whole integer program whether there is a plan, where it is small enough to answer."""
        if int(self.problem.arcs.allowed.sum()) > PROOF_ARCS:
            return
        self._tell("the whole integer program")
        verdict = self.trials.by_program(self.problem, seconds=FIRST_SHARE * self.time_limit)
        if verdict.plan is not None:
            self.feasible, self.plan = True, verdict.plan
        elif verdict.impossible:
            self.feasible = False

    def repair(self) -> None:
        """Look for changes that are enough, and for the least of each."""
        self.notes += _unknown_minutes(self.problem)
        candidates = self.candidates = Candidates(
            self.problem,
            self.trials,
            self.time_limit,
            self._tell,
            hopeless=self.feasible is False,
            named=bool(self.causes),
            near=self.near,
        )
        candidates.look()
        if candidates.found:
            self._settle(self.trials.left * FIRST_SETTLING)
        candidates.look_further()
        for last_resort in (candidates.add_from_near, candidates.add_from_all):
            if not self.relaxations and not candidates.found and candidates.plan is None:
                last_resort()
        self._settle(self.trials.left)

    # The least of each candidate.

    def _settle(self, seconds: float) -> None:
        """Find how little each new candidate needs, in so many seconds, and say it."""
        candidates = self.candidates
        if candidates is None:
            return
        deadline, until = self.trials.deadline, time.monotonic() + max(seconds, 0.0)
        waiting = sorted((each for each in candidates.found if each not in self.settled), key=self._promise)
        for number, each in enumerate(waiting):
            if candidates.plan is not None:
                break
            self._tell("how little is enough of " + "; ".join(dial.says for dial in each.dials))
            share = (until - time.monotonic()) / (len(waiting) - number)
            self.trials.deadline = time.monotonic() + max(LEAST_SECONDS, share)
            self.settled.append(each)
            found = candidates.loosening.smallest(each.dials, each.plan)
            if found is not None and not found.settings:
                candidates.is_feasible(found.plan)
            elif found is not None:
                self.relaxations.append(told(self.problem, found))
        self.trials.deadline = deadline

    def _promise(self, candidate: Candidate) -> tuple[int, float]:
        """Return how soon a candidate is settled: few dials first, and those that its plan turns least."""
        assert self.candidates is not None  # noqa: S101  (they hold this candidate)
        loosening = self.candidates.loosening
        turned = [
            loosening.need(dial, candidate.plan) / max(abs(dial.before), 1e-9) if not dial.lets_go else 0.1
            for dial in candidate.dials
        ]
        return len(candidate.dials), sum(turned)

    # The end.

    def interrupted(self) -> None:
        """Keep what is known: candidates are said as they stand."""
        self.notes.append("interrupted: more may be found in more time")
        self.trials.deadline = time.monotonic()
        if not self.feasible:
            self._settle(0.0)

    def explanation(self) -> Explanation:
        """Return what is known, relaxations ranked."""
        met = None if self.candidates is None else self.candidates.plan
        plan = self.plan if met is None else met
        if plan is not None:
            return Explanation(True, plan=plan, seconds=time.monotonic() - self.began)  # noqa: FBT003
        causes = [*self.causes, *(() if self.candidates is None else self.candidates.causes)]
        if self.feasible is False and not causes:
            causes = ["the rules cannot all be met, and time was too short to tell which of them"]
        best: dict[str, Relaxation] = {}
        for found in sorted(self.relaxations, key=_rank):
            far_larger = bool(best) and found.size > LARGEST
            if not far_larger and not any(_does_no_more(found, other) for other in self.relaxations):
                best.setdefault(found.sentence, found)
        return Explanation(
            self.feasible,
            tuple(causes),
            tuple(best.values()),
            notes=tuple(self.notes),
            seconds=time.monotonic() - self.began,
        )

    def _tell(self, message: str) -> None:
        share = min(1.0, (time.monotonic() - self.began) / self.time_limit)
        self.progress("explain", share, message)


def _rank(found: Relaxation) -> tuple[float, int, str]:
    """Return the order of relaxations: by size, then by how many zones and units they concern."""
    return found.size, sum(len(each.zones) + len(each.units) for each in found.changes), found.sentence


def _does_no_more(found: Relaxation, other: Relaxation) -> bool:
    """Return whether a limit that several levels share moves as far as one level's alone has to."""
    if len(found.changes) > 1 or len(other.changes) > 1:
        return False
    several, alone = found.changes[0], other.changes[0]
    if several.level is not None or alone.level is None or several.after is None or alone.after is None:
        return False
    return several.quantity == alone.quantity and several.after >= alone.after


def _unknown_minutes(problem: Problem) -> list[str]:
    """Return notes of travel limits that the travel times are too short to look beyond."""
    most = problem.times.max_minutes
    return [
        f"level {level.name}: travel times stop at {most:g} minutes, so nothing is known of a longer {what}; "
        "compute them with a larger max_minutes"
        for level in problem.levels
        for what in ("max_minutes", "max_minutes_between")
        if (getattr(level, what) or 0.0) >= most
    ]
