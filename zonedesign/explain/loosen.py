"""Loosening: the smallest turn of dials with which there is a plan, and the plan that proves it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zonedesign.explain.dials import Dial, Settings, counted_at, stated
from zonedesign.explain.fewest import fewer
from zonedesign.explain.trials import Verdict, holds
from zonedesign.verify import verify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zonedesign.explain.trials import Trials
    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

EXACT = 1e-5
"""A limit is the least when none nearer by this share of it has a plan."""
NEAR = 0.01
"""Where nothing is proved, a turn within this share of one without a plan is near enough."""
HALVINGS = 5
MOST_TRIALS = 40
"""Trials of one dial at most, where each is a proof."""
FIRST_STEP, LAST_STEP = 0.6, 0.04
"""Shares of what is left to gain that a search tries to gain at once, at first and at last."""


@dataclass(frozen=True, eq=False)
class Loosened:
    """Dials turned so far that `plan` keeps every rule of `problem`; `least`: proved, nothing less does."""

    settings: Settings
    problem: Problem
    plan: Plan
    least: bool


@dataclass(frozen=True, eq=False)
class Loosening:
    """Looks for the smallest turns of a problem's dials, by trials of at most `seconds` each.

    `hopeless` says that the problem is proved to have no plan as it stands.
    """

    problem: Problem
    dials: tuple[Dial, ...]
    trials: Trials
    seconds: float
    hopeless: bool = False

    def needs(self, plan: Plan) -> dict[Dial, float] | None:
        """Return how far dials must be turned for a plan to keep every rule; None where no turn is enough."""
        found: dict[Dial, float] = {}
        for row in _broken(plan, self.problem):
            turns = {dial: dial.needed(row) for dial in self.dials if dial.decides(row)}
            dial = max(turns, key=lambda each: turns[each], default=None)
            if dial is None or not 0 < turns[dial] <= dial.room + 1e-6:
                return None
            found[dial] = max(found.get(dial, 0.0), turns[dial])
        return found

    def smallest(self, dials: Sequence[Dial], plan: Plan) -> Loosened | None:
        """Return dials turned as little as is found, one after another; None where `plan` breaks other rules.

        `plan` has them turned right out.
        """
        turned: dict[Dial, float] = {dial: dial.room for dial in dials}
        least = True
        for dial in dials:
            if dial.parts:
                narrow, plan, proved = self._narrowed(dial, turned, plan)
                turned = {narrow if each is dial else each: turn for each, turn in turned.items()}
            else:
                turned[dial], plan, proved = self._turned(dial, turned, plan)
            least &= proved
        turned = {dial: turn for dial, turn in turned.items() if turn > 0}
        problem = stated(self.problem, turned)
        if not holds(plan, problem):
            return None
        plan = fewer(self.trials, self.problem, turned, plan, seconds=self.seconds)
        return Loosened(turned, problem, plan, least)

    def _turned(self, dial: Dial, settings: Settings, plan: Plan) -> tuple[float, Plan, bool]:
        """Return the least turn of a dial while others stay, its plan, and whether it is proved."""
        base = stated(self.problem, {each: turn for each, turn in settings.items() if each is not dial})
        course = _Course(self, dial, base, bare=len(settings) == 1)
        high = course.need(plan)
        if high <= 0 or dial.lets_go:
            return high, plan, high <= 0 or course.proved(0.0)
        fine = 1.0 if dial.whole else EXACT * max(abs(dial.before), abs(dial.at(high)), 1e-9)
        if self.trials.small(base):
            high, plan = course.by_proof(high, plan, fine)
        elif dial.quantity == "zones":
            high, plan = course.by_count(high, plan)
        else:
            high, plan = course.by_search(high, plan, fine)
        return dial.turned(dial.neat(dial.at(high))), plan, high <= fine or course.proved(high - fine)

    def need(self, dial: Dial, plan: Plan, problem: Problem | None = None) -> float:
        """Return how far a plan needs a dial turned, on the problem or another one."""
        rows = _broken(plan, problem or self.problem)
        return max((dial.needed(row) for row in rows if dial.decides(row)), default=0.0)

    def _narrowed(self, dial: Dial, settings: Settings, plan: Plan) -> tuple[Dial, Plan, bool]:
        """Return a dial of several parts with as few of them as are found to be enough, and the plan."""
        base = stated(self.problem, {each: turn for each, turn in settings.items() if each is not dial})
        only: Any = dial.only
        course, proved = _Course(self, dial, base, bare=len(settings) == 1), True

        def tried(parts: tuple[Any, ...]) -> Plan | None:
            nonlocal proved
            starts = [] if dial.rule == "Exclude" else [plan]
            verdict = self.trials.of(only(parts).state(base, 1.0), seconds=self.seconds, starts=starts)
            proved &= verdict.impossible or verdict.plan is not None
            return verdict.plan

        used = dial.parts if dial.used is None else dial.used(plan)
        parts = used or dial.parts
        if len(parts) > 1 and len(dial.parts) <= MOST_TRIALS:
            for part in dial.parts:
                found = tried((part,))
                if found is not None:
                    return only((part,)), found, course.proved(0.0)
            for part in parts if len(parts) > 2 else ():
                rest = tuple(each for each in parts if each != part)
                found = tried(rest) if len(rest) > 1 else None
                if found is not None:
                    plan, parts = found, rest
        else:
            proved &= len(parts) == 1
        return only(parts), plan, proved and course.proved(0.0)


def _broken(plan: Plan, problem: Problem) -> list[dict[str, Any]]:
    verdicts = verify(plan, problem)
    rows: list[dict[str, Any]] = verdicts[~verdicts["passed"]].to_dict("records")  # type: ignore[assignment]
    return rows


@dataclass(frozen=True, eq=False)
class _Course:
    """The way to the least turn of one dial, on a problem in which all others stay where they are.

    `bare` says that there are no others.
    """

    loosening: Loosening
    dial: Dial
    base: Problem
    bare: bool

    def at(self, turn: float) -> Problem:
        """Return the problem with the dial turned so far."""
        return self.dial.state(self.base, self.dial.at(turn))

    def need(self, plan: Plan) -> float:
        """Return how far a plan needs the dial turned."""
        return self.loosening.need(self.dial, plan, self.base)

    def proved(self, turn: float) -> bool:
        """Return whether it is proved that so far is not far enough."""
        if turn <= 0 and self.bare and self.loosening.hopeless:
            return True
        return self.loosening.trials.impossible(self.at(turn), seconds=self.loosening.seconds)

    def tried(self, turn: float, starts: Sequence[Plan], seconds: float) -> Verdict:
        """Return what a trial comes to with the dial turned so far."""
        return self.loosening.trials.of(self.at(turn), seconds=seconds, starts=starts, proving=False)

    def by_proof(self, high: float, plan: Plan, fine: float) -> tuple[float, Plan]:
        """Close in on the least turn from both sides, each trial being final."""
        low, trials = 0.0, self.loosening.trials
        for number in range(MOST_TRIALS):
            if high - low <= fine * (1 + 1e-9) or trials.left <= 0:
                break
            # Half-way closes in; just short of the best so far is what proves it.
            target = high - fine if number % 2 else min(high - fine, low + (high - low) / 2)
            target = max(low, float(int(target)) if self.dial.whole else target)
            found = self.tried(target, (), self.loosening.seconds).plan
            if found is None:
                low = target
            else:
                plan, high = found, self.need(found)
        return high, plan

    def by_count(self, high: float, plan: Plan) -> tuple[float, Plan]:
        """Try numbers of zones from the nearest on, in steps that grow, then halve near one with a plan."""
        low, step = 0, 1
        while high - low > 1 and self.loosening.trials.left > 0:
            turn = low + min(step, round(high - low) // 2)
            counted = counted_at(self.base, self.dial, turn)
            verdict = self.loosening.trials.of(counted, seconds=2 * self.loosening.seconds)
            if verdict.plan is not None:
                high, plan = float(turn), verdict.plan
            else:
                # A number that is proved to be wrong costs little, so the next one is tried.
                low, step = turn, step if verdict.impossible else 2 * step
        return high, plan

    def by_search(self, high: float, plan: Plan, fine: float) -> tuple[float, Plan]:
        """Tighten step by step from what has a plan towards what is proved to have none.

        Each step begins with the plan before, and with what the last step without one ended with. Where none
        is found, steps get smaller and searches longer.
        """
        trials, seconds, share = self.loosening.trials, self.loosening.seconds, FIRST_STEP
        near: tuple[Plan, ...] = ()
        floor, target = self._floor(high, fine) if self.proved(0.0) else (0.0, 0.0)
        while trials.left > 0 and share >= LAST_STEP and high - floor > max(fine, NEAR * high):
            target = math.floor(target) if self.dial.whole else target
            verdict = self.tried(max(target, floor), [plan, *(near or (plan,))], seconds)
            if verdict.plan is None:
                share, seconds, near = share / 2, 1.5 * seconds, verdict.near[:1]
            for found in verdict.near if verdict.plan is None else (verdict.plan,):
                # What breaks the limit asked for may still do with less than is known to be enough.
                need = self.need(found)
                if need < high and holds(found, self.at(need)):
                    plan, high = found, need
            target = high - share * (high - floor)
        return high, plan

    def _floor(self, high: float, fine: float) -> tuple[float, float]:
        """Return a turn that is proved to be too little, and one that is not: where the search begins."""
        low, first = 0.0, high
        for _ in range(HALVINGS):
            middle = low + (first - low) / 2
            middle = float(int(middle)) if self.dial.whole else middle
            if self.loosening.trials.left <= 0 or first - low <= fine or middle <= low:
                break
            low, first = (middle, first) if self.proved(middle) else (low, middle)
        return low, first
