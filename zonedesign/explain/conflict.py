"""Conflicts: the fewest limits that together leave no plan, proved by letting go of all others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zonedesign.explain.dials import Dial, stated
from zonedesign.explain.trials import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from zonedesign.explain.trials import Trials
    from zonedesign.problem import Problem


@dataclass(frozen=True, eq=False)
class Known:
    """Sets of dials that are known to be enough, or proved too little, when turned right out."""

    enough: list[frozenset[Dial]] = field(default_factory=list)
    too_little: list[frozenset[Dial]] = field(default_factory=list)

    def note(self, dials: Iterable[Dial], verdict: Verdict) -> None:
        """Remember what a trial came to."""
        if verdict.plan is not None:
            self.enough.append(frozenset(dials))
        elif verdict.impossible:
            self.too_little.append(frozenset(dials))

    def is_enough(self, dials: Iterable[Dial]) -> bool:
        """Return whether some of the dials are known to be enough."""
        return any(each <= frozenset(dials) for each in self.enough)

    def is_too_little(self, dials: Iterable[Dial]) -> bool:
        """Return whether these dials and more are proved to be too little."""
        return any(each >= frozenset(dials) for each in self.too_little)


def conflict(
    trials: Trials,
    problem: Problem,
    dials: Sequence[Dial],
    turned: Sequence[Dial],
    known: Known,
    *,
    seconds: float,
) -> tuple[tuple[Dial, ...], bool] | None:
    """Return dials that leave no plan as they stand, though all others are turned right out.

    `turned` are dials that are turned already. Every dial is let go in turn, and stays so where there is
    still no plan (a deletion filter: Chinneck and Dravnieks 1991), so that none of those left is innocent.
    The second value says whether a plan was found without each of them. None where it is not proved that
    there is no plan.
    """
    loose = list(turned)
    base = _out(problem, loose)
    # What is quick to prove is proved quickly for every dial.
    quick = not trials.small(problem) and trials.impossible(base, seconds=seconds, priced=False)
    if not quick and not known.is_too_little(loose) and not trials.impossible(base, seconds=seconds):
        return None
    kept: list[Dial] = []
    certain = True
    for dial in dials:
        wider = [*loose, dial]
        if dial in loose:
            continue
        if known.is_enough(wider) or trials.left <= 0:
            kept.append(dial)
            certain &= trials.left > 0
            continue
        if not known.is_too_little(wider):
            if trials.small(problem):
                verdict = trials.of(_out(problem, wider), seconds=seconds)
            else:
                impossible = trials.impossible(_out(problem, wider), seconds=seconds, priced=not quick)
                verdict = Verdict(impossible=impossible)
            known.note(wider, verdict)
            if not verdict.impossible:
                kept.append(dial)
                certain &= verdict.plan is not None
                continue
        loose = wider
    return tuple(kept), certain


def _out(problem: Problem, dials: Sequence[Dial]) -> Problem:
    """Return the problem with some dials turned right out."""
    return stated(problem, {dial: dial.room for dial in dials})
