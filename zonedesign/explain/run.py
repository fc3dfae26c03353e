"""One explanation: whether there is a plan, why not, and the smallest changes that give one."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zonedesign.errors import require_number
from zonedesign.explain.answer import Explanation, Relaxation
from zonedesign.explain.conflict import Known, conflict
from zonedesign.explain.dials import Dial, counts_near, level_dials, shared_dials, stated
from zonedesign.explain.letting import border_dials, bridge_dial, exclusion_dial, lock_dials
from zonedesign.explain.loosen import Loosening
from zonedesign.explain.trials import Trials, Verdict
from zonedesign.explain.words import contradiction, told
from zonedesign.progress import Progress, silent
from zonedesign.solve.preflight import preflight, stranded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

WORKING_SHARE = 0.95
"""Share of the time that trials have; in the rest what was found is put into words."""
FIRST_SHARE = 0.3
"""Share of the time in which a plan, or a proof that there is none, is looked for first."""
MOST_BESIDE, MOST_AT_ALL = 2, 4
"""Changes of one relaxation at most, where a smaller one is known and where none is."""
MOST_FOUND, MOST_COUNTS = 12, 8
LEAST_SECONDS = 0.3
"""Seconds that every change found gets at least, to be made smaller."""
TRIAL_SHARE = 0.02
"""Share of the time that one trial may take."""
SET_SHARE = 0.08
"""Share of the time in which dials that every proof asks for are tried."""
PROOF_ARCS = 30_000
"""Pairs of centre, unit and level up to which the integer program is asked for a proof."""
SETTLING_SHARE, LAST_SHARE = 0.4, 0.1
"""Shares of the time that are kept for finding the least of each change, at first and at last."""
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


@dataclass(frozen=True, eq=False)
class _Candidate:
    """Dials that are enough when turned right out, and the plan that shows it."""

    dials: tuple[Dial, ...]
    plan: Plan


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
    named: bool = False
    dials: list[Dial] = field(default_factory=list)
    candidates: list[_Candidate] = field(default_factory=list)
    unsettled: list[tuple[Dial, ...]] = field(default_factory=list)
    known: Known = field(default_factory=Known)
    conflicts: list[tuple[Dial, ...]] = field(default_factory=list)
    settled: list[_Candidate] = field(default_factory=list)
    relaxations: list[Relaxation] = field(default_factory=list)
    near: tuple[Plan, ...] = ()
    broken: tuple[Plan, ...] = ()
    notes: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Seconds that one trial may take."""
        return max(0.2, TRIAL_SHARE * self.time_limit)

    def judge(self) -> None:
        """Find out whether there is a plan: by name, by proof, by search."""
        self._tell("looking for what is impossible by name")
        self.causes = preflight(self.problem)
        self.named = bool(self.causes)
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
        """Look for changes: those that every proof asks for, or else one by one; then the least of each."""
        self.dials = _dials_of(self.problem)
        self.notes += _unknown_minutes(self.problem)
        small = self.trials.small(self.problem)
        if not small and not self.near:
            self._tell("looking for the plan that breaks least")
            self.near = self.trials.nearest(self.problem, seconds=3 * self.seconds)
        if self.feasible is False:
            self._by_conflicts()
        else:
            self._one_by_one()
        self._shared()
        if self.candidates:
            self._settle(self.trials.left * FIRST_SETTLING)
        self._again()
        if not self.relaxations and not self.candidates:
            self._by_near_plans()
        if not self.relaxations and not self.candidates:
            self._all_at_once()
        self._settle(self.trials.left)

    # Candidates, where it is proved that there is no plan: what every repair must touch.

    def _by_conflicts(self) -> None:
        """Try sets of dials, the smallest sets first, that hit every conflict (Reiter 1987)."""
        waiting: list[tuple[Dial, ...]] = [()]
        seen: set[frozenset[Dial]] = set()
        while (
            waiting
            and len(self.candidates) < MOST_FOUND
            and self.trials.left > SETTLING_SHARE * self.time_limit
        ):
            chosen = waiting.pop(0)
            if frozenset(chosen) in seen or self._is_more_than_enough(chosen):
                continue
            seen.add(frozenset(chosen))
            if chosen and not self._try(chosen).impossible:
                continue
            if len(chosen) < (MOST_BESIDE if self.candidates else MOST_AT_ALL):
                waiting += [(*chosen, dial) for dial in self._conflict(chosen)]

    def _conflict(self, chosen: Sequence[Dial]) -> tuple[Dial, ...]:
        """Return dials of which one at least must be turned beside those chosen."""
        for known in self.conflicts:
            if not set(known) & set(chosen):
                return known
        self._tell("which limits cannot all be met")
        found = conflict(self.trials, self.problem, self.dials, chosen, self.known, seconds=self.seconds)
        if found is None:
            return ()
        dials, certain = found
        if not self.named and not any(set(dials) & set(known) for known in self.conflicts):
            self.causes.append(contradiction(dials, certain=certain))
        self.conflicts.append(dials)
        return dials

    def _shared(self) -> None:
        """Try the travel limits that several levels share, for all of them at once."""
        for dial in shared_dials(self.problem):
            if self.trials.left > SETTLING_SHARE * self.time_limit and not self.feasible:
                self._try((dial,))

    def _again(self) -> None:
        """Try once more, and longer, what was neither enough nor proved too little, few dials first."""
        waiting, self.unsettled = sorted(self.unsettled, key=len), []
        for dials in waiting:
            if self.trials.left < LAST_SHARE * self.time_limit or self.feasible:
                return
            if not self._is_more_than_enough(dials):
                self._try(dials, longer=2.0)

    def _try(self, dials: tuple[Dial, ...], *, longer: float = 1.0) -> Verdict:
        """Try whether some dials turned right out are enough, and note it."""
        self._tell("; ".join(dial.says for dial in dials))
        problem = stated(self.problem, {dial: dial.room for dial in dials})
        fits = len(problem.units) == len(self.problem.units)
        proving = self.feasible is False
        seconds = longer * (SET_SHARE if proving else TRIAL_SHARE) * self.time_limit
        starts = self.near[:1] if fits else ()
        verdict = self.trials.of(problem, seconds=seconds, starts=starts, proving=proving)
        if verdict.plan is None and not verdict.impossible:
            verdict = self._counted(problem, dials, seconds) or verdict
        self.known.note(dials, verdict)
        if verdict.plan is not None:
            self.candidates.append(_Candidate(dials, verdict.plan))
        elif not verdict.impossible:
            self.unsettled.append(dials)
        if fits:
            self.broken += verdict.near
        return verdict

    def _counted(self, problem: Problem, dials: Sequence[Dial], seconds: float) -> Verdict | None:
        """Try numbers of zones one by one, where a dial of zones is turned; None where none has a plan."""
        for dial in dials if not self.trials.small(problem) else ():
            if dial.quantity != "zones":
                continue
            for _, counted in counts_near(problem, dial, MOST_COUNTS):
                verdict = self.trials.of(counted, seconds=seconds / 2)
                if verdict.plan is not None:
                    return verdict
        return None

    def _is_more_than_enough(self, dials: Sequence[Dial]) -> bool:
        """Return whether some of the dials are known to be enough already."""
        return any(set(each.dials) <= set(dials) for each in self.candidates)

    # Candidates, where nothing is proved: every dial by itself, and what near plans break.

    def _one_by_one(self) -> None:
        """Try every dial by itself, first those that near plans ask for."""
        asked = [dial for plan in self.near for dial in self._loosening.needs(plan) or ()]
        for dial in dict.fromkeys([*asked, *self.dials]):
            if self.trials.left < SETTLING_SHARE * self.time_limit or self.feasible:
                return
            verdict = self._try((dial,))
            if verdict.plan is not None and not self._loosening.needs(verdict.plan):
                self._is_feasible(verdict.plan)

    def _is_feasible(self, plan: Plan) -> None:
        """Take note that a plan of a looser problem keeps every rule of the one asked about."""
        self.feasible, self.plan, self.candidates = True, plan, []

    def _by_near_plans(self) -> None:
        """Take what plans ask for that break little: together these changes are enough."""
        sets: dict[frozenset[Dial], Plan] = {}
        for plan in (*self.near, *self.broken):
            needs = self._loosening.needs(plan)
            if needs:
                sets.setdefault(frozenset(needs), plan)
        ranked = sorted(sets.items(), key=lambda each: len(each[0]))
        for dials, plan in ranked[: MOST_FOUND // 2]:
            ordered = tuple(dial for dial in self.dials if dial in dials)
            few = len(dials) <= MOST_AT_ALL or not self.candidates
            if few and not self._is_more_than_enough(ordered):
                self.candidates.append(_Candidate(ordered, plan))

    def _all_at_once(self) -> None:
        """Turn every dial of a small problem, and turn back one after another what is not needed."""
        if not self.trials.small(self.problem):
            return
        for kept in ([dial for dial in self.dials if dial.rule != "Exclude"], list(self.dials)):
            plan = self._with(kept)
            for dial in tuple(kept) if plan is not None else ():
                fewer = self._with([each for each in kept if each is not dial])
                if fewer is not None:
                    plan = fewer
                    kept.remove(dial)
            if plan is not None:
                self.candidates.append(_Candidate(tuple(kept), plan))
                return

    def _with(self, dials: Sequence[Dial]) -> Plan | None:
        """Return a plan with some dials turned right out, or None."""
        turned = {dial: dial.room for dial in dials}
        return self.trials.of(stated(self.problem, turned), seconds=3 * self.seconds).plan

    # The least of each candidate.

    def _settle(self, seconds: float) -> None:
        """Find how little each new candidate needs, in so many seconds, and say it."""
        deadline, until = self.trials.deadline, time.monotonic() + max(seconds, 0.0)
        waiting = sorted((each for each in self.candidates if each not in self.settled), key=self._promise)
        for number, each in enumerate(waiting):
            if self.feasible:
                break
            self._tell("how little is enough of " + "; ".join(dial.says for dial in each.dials))
            share = (until - time.monotonic()) / (len(waiting) - number)
            self.trials.deadline = time.monotonic() + max(LEAST_SECONDS, share)
            self.settled.append(each)
            found = self._loosening.smallest(each.dials, each.plan)
            if found is not None and not found.settings:
                self._is_feasible(found.plan)
            elif found is not None:
                self.relaxations.append(told(self.problem, found))
        self.trials.deadline = deadline

    def _promise(self, candidate: _Candidate) -> tuple[int, float]:
        """Return how soon a candidate is settled: few dials first, and those that its plan turns least."""
        turned = [
            self._loosening.need(dial, candidate.plan) / max(abs(dial.before), 1e-9)
            if not dial.lets_go
            else 0.1
            for dial in candidate.dials
        ]
        return len(candidate.dials), sum(turned)

    @property
    def _loosening(self) -> Loosening:
        hopeless = self.feasible is False
        return Loosening(self.problem, tuple(self.dials), self.trials, self.seconds, hopeless)

    # The end.

    def interrupted(self) -> None:
        """Keep what is known: candidates are said as they stand."""
        self.notes.append("interrupted: more may be found in more time")
        self.trials.deadline = time.monotonic()
        if not self.feasible:
            self._settle(0.0)

    def explanation(self) -> Explanation:
        """Return what is known, relaxations ranked."""
        if self.feasible:
            return Explanation(True, plan=self.plan, seconds=time.monotonic() - self.began)  # noqa: FBT003
        if self.feasible is False and not self.causes:
            self.causes.append("the rules cannot all be met, and time was too short to tell which of them")
        best: dict[str, Relaxation] = {}
        for found in sorted(self.relaxations, key=_rank):
            if not any(_does_no_more(found, other) for other in self.relaxations):
                best.setdefault(found.sentence, found)
        return Explanation(
            self.feasible,
            tuple(self.causes),
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


def _dials_of(problem: Problem) -> list[Dial]:
    """Return every dial of a problem, locks and borders first."""
    others = (bridge_dial(problem), exclusion_dial(problem, stranded(problem)))
    return [
        *lock_dials(problem),
        *border_dials(problem),
        *level_dials(problem),
        *(dial for dial in others if dial is not None),
    ]


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
