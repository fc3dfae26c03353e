"""Candidates: sets of dials that are enough when turned right out, and the plans that show it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.explain.conflict import Known, conflict
from zonedesign.explain.dials import Dial, counted_at, level_dials, shared_dials, stated
from zonedesign.explain.letting import border_dials, bridge_dial, exclusion_dial, lock_dials, off_the_road
from zonedesign.explain.loosen import Loosening
from zonedesign.explain.trials import Trials, Verdict
from zonedesign.explain.words import contradiction
from zonedesign.solve.preflight import stranded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

MOST_BESIDE, MOST_AT_ALL = 2, 4
"""Changes of one relaxation at most, where a smaller one is known and where none is."""
MOST_FOUND = 12
TRIAL_SHARE = 0.02
"""Share of the time that one trial may take."""
SET_SHARE = 0.08
"""Share of the time in which dials that every proof asks for are tried."""
SET_SECONDS, SET_MOST = 4.0, 0.2
"""Seconds that they have at least, so that several hundred units are tried for long enough, up to a share."""
SETTLING_SHARE, LAST_SHARE = 0.4, 0.1
"""Shares of the time that are kept for finding the least of each change, at first and at last."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """Dials that are enough when turned right out, and the plan that shows it."""

    dials: tuple[Dial, ...]
    plan: Plan


@dataclass(eq=False)
class Candidates:
    """Looks for candidates of a problem; `found` are those known so far.

    `hopeless` says that the problem is proved to have no plan as it stands, and `named` that the causes are
    known by name already; else `causes` are proofs met on the way. `plan` is a plan of the problem as it
    stands, should one be met. `near` are plans that break little.
    """

    problem: Problem
    trials: Trials
    time_limit: float
    tell: Callable[[str], None]
    hopeless: bool = False
    named: bool = False
    near: tuple[Plan, ...] = ()
    plan: Plan | None = None
    causes: list[str] = field(default_factory=list)
    found: list[Candidate] = field(default_factory=list)
    dials: list[Dial] = field(default_factory=list)
    shared: list[Dial] = field(default_factory=list)
    unsettled: list[tuple[Dial, ...]] = field(default_factory=list)
    known: Known = field(default_factory=Known)
    conflicts: list[tuple[Dial, ...]] = field(default_factory=list)
    too_few: list[tuple[Dial, ...]] = field(default_factory=lambda: [()])
    seen: set[frozenset[Dial]] = field(default_factory=set)
    kept: float = 0.0
    broken: tuple[Plan, ...] = ()

    def __post_init__(self) -> None:
        self.dials = _dials_of(self.problem)
        self.shared = shared_dials(self.problem)

    @property
    def seconds(self) -> float:
        """Seconds that one trial may take."""
        return max(0.2, TRIAL_SHARE * self.time_limit)

    @property
    def loosening(self) -> Loosening:
        """What finds the least turns of the problem's dials."""
        return Loosening(self.problem, tuple(self.dials), self.trials, self.seconds, self.hopeless)

    def look(self) -> None:
        """Try the dials that every proof asks for, the fewest that are enough, or else one by one."""
        if not self.trials.small(self.problem) and not self.near:
            self.tell("looking for the plan that breaks least")
            self.near = self.trials.nearest(self.problem, seconds=3 * self.seconds)
        self.kept = SETTLING_SHARE
        if self.hopeless:
            self._by_conflicts()
        else:
            self._one_by_one()

    def look_further(self) -> None:
        """Try sets of one dial more, and for longer what was neither enough nor proved too little."""
        self.kept = LAST_SHARE
        if self.hopeless:
            self._by_conflicts()
        waiting, self.unsettled = sorted(self.unsettled, key=len), []
        for dials in waiting:
            if self._time_is_up() or self.plan is not None:
                return
            if not self._is_more_than_enough(dials):
                self._try(dials, longer=2.0)

    def _time_is_up(self) -> bool:
        """Return whether what is left of the time is kept for finding the least of each candidate."""
        return self.trials.left <= self.kept * self.time_limit

    # Where it is proved that there is no plan: what every repair must touch.

    def _by_conflicts(self) -> None:
        """Try sets of dials that hit every conflict (Reiter 1987), up to a size of which some are enough."""
        while self.too_few:
            most = MOST_BESIDE if self.found else MOST_AT_ALL
            smaller, self.too_few = self.too_few, []
            for chosen in smaller:
                if len(chosen) >= most:
                    continue
                for dial in self._one_of(chosen):
                    self._widen((*chosen, dial))
            if self.found:
                return

    def _widen(self, chosen: tuple[Dial, ...]) -> None:
        """Try a set of dials, unless it was tried or is more than enough; what is too little is kept."""
        single = frozenset(self._each(chosen))
        if len(self.found) >= MOST_FOUND or self._time_is_up():
            return
        if single in self.seen or self._is_more_than_enough(chosen):
            return
        self.seen.add(single)
        if self._try(chosen).impossible:
            self.too_few.append(chosen)

    def _each(self, dials: Iterable[Dial]) -> tuple[Dial, ...]:
        """Return some dials, one that several levels share as those of each of these levels."""
        single: list[Dial] = []
        for dial in dials:
            single += [each for each in self.dials if dial.covers(each)] if dial.levels else [dial]
        return tuple(dict.fromkeys(single))

    def _one_of(self, chosen: Sequence[Dial]) -> list[Dial]:
        """Return dials of which one at least must be turned beside those chosen, shared ones first."""
        if self._time_is_up():
            return []
        dials = self._conflict(self._each(chosen))
        turned = set(self._each(chosen))
        shared = [
            dial
            for dial in self.shared
            if (single := set(self._each([dial]))) & set(dials) and not single & turned
        ]
        # A limit let go at all levels at once is the likeliest to be enough, and soonest found to be.
        return [*shared, *dials]

    def _conflict(self, chosen: Sequence[Dial]) -> tuple[Dial, ...]:
        """Return dials that leave no plan as they stand, whatever is turned beside those chosen."""
        for known in self.conflicts:
            if not set(known) & set(chosen):
                return known
        self.tell("which limits cannot all be met")
        found = conflict(self.trials, self.problem, self.dials, chosen, self.known, seconds=self.seconds)
        if found is None:
            return ()
        dials, certain = found
        if not self.named and not any(set(dials) & set(known) for known in self.conflicts):
            self.causes.append(contradiction(dials, certain=certain))
        self.conflicts.append(dials)
        return dials

    # Where nothing is proved.

    def _one_by_one(self) -> None:
        """Try every dial by itself, first those that near plans ask for."""
        asked = [dial for plan in self.near for dial in self.loosening.needs(plan) or ()]
        together = [dial for dial in self.shared if set(self._each([dial])) & set(asked)]
        for dial in dict.fromkeys([*asked, *together, *self.dials, *self.shared]):
            if self._time_is_up() or self.plan is not None:
                return
            verdict = self._try((dial,))
            if verdict.plan is not None and not self.loosening.needs(verdict.plan):
                self.is_feasible(verdict.plan)

    def is_feasible(self, plan: Plan) -> None:
        """Take note that a plan of a looser problem keeps every rule of the one asked about.

        Where a cause is named it proves nothing: a unit far from any road is no minutes from itself.
        """
        if not self.hopeless:
            self.plan, self.found = plan, []

    # Where no few dials are found to be enough.

    def add_from_near(self) -> None:
        """Take what plans ask for that break little: together these changes are enough."""
        sets: dict[frozenset[Dial], Plan] = {}
        for plan in (*self.near, *self.broken):
            needs = self.loosening.needs(plan)
            if needs:
                sets.setdefault(frozenset(needs), plan)
        ranked = sorted(sets.items(), key=lambda each: len(each[0]))
        for dials, plan in ranked[: MOST_FOUND // 2]:
            ordered = tuple(dial for dial in self.dials if dial in dials)
            few = len(dials) <= MOST_AT_ALL or not self.found
            if few and not self._is_more_than_enough(ordered):
                self.found.append(Candidate(ordered, plan))

    def add_from_all(self) -> None:
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
                self.found.append(Candidate(tuple(kept), plan))
                return

    def _with(self, dials: Sequence[Dial]) -> Plan | None:
        """Return a plan with some dials turned right out, or None."""
        turned = {dial: dial.room for dial in dials}
        return self.trials.of(stated(self.problem, turned), seconds=3 * self.seconds).plan

    # One trial.

    def _try(self, dials: tuple[Dial, ...], *, longer: float = 1.0) -> Verdict:
        """Try whether some dials turned right out are enough, and note it."""
        if self.known.is_too_little(self._each(dials)):
            return Verdict(impossible=True)
        self.tell("; ".join(dial.says for dial in dials))
        problem = stated(self.problem, {dial: dial.room for dial in dials})
        fits = len(problem.units) == len(self.problem.units)
        share = max(SET_SHARE, min(SET_MOST, SET_SECONDS / self.time_limit))
        seconds = longer * (share if self.hopeless else TRIAL_SHARE) * self.time_limit
        starts = self.near[:1] if fits else ()
        verdict = self.trials.of(problem, seconds=seconds, starts=starts, proving=self.hopeless)
        if verdict.plan is None and not verdict.impossible:
            verdict = self._counted(problem, dials, seconds) or verdict
        self.known.note(self._each(dials), verdict)
        if verdict.plan is not None:
            self.found.append(Candidate(dials, verdict.plan))
        elif not verdict.impossible:
            self.unsettled.append(dials)
        if fits:
            self.broken += verdict.near
        return verdict

    def _counted(self, problem: Problem, dials: Sequence[Dial], seconds: float) -> Verdict | None:
        """Try numbers of zones one by one, where a dial of zones is turned; None where none has a plan."""
        until = time.monotonic() + seconds
        for dial in dials if not self.trials.small(problem) else ():
            turn = step = 1
            while dial.quantity == "zones" and turn <= dial.room and time.monotonic() < until:
                verdict = self.trials.of(counted_at(problem, dial, turn), seconds=seconds / 2)
                if verdict.plan is not None:
                    return verdict
                step = step if verdict.impossible else 2 * step
                turn += step
        return None

    def _is_more_than_enough(self, dials: Sequence[Dial]) -> bool:
        """Return whether some of the dials are known to be enough already."""
        return any(set(each.dials) <= set(dials) for each in self.found)


def _dials_of(problem: Problem) -> list[Dial]:
    """Return every dial of a problem by itself, locks and borders first."""
    nowhere = np.union1d(stranded(problem), off_the_road(problem))
    others = (bridge_dial(problem), exclusion_dial(problem, nowhere))
    return [
        *lock_dials(problem),
        *border_dials(problem),
        *level_dials(problem),
        *(dial for dial in others if dial is not None),
    ]
