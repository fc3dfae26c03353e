"""Prove: the bound raised beside the search, by prices first, then by the integer program."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from zonedesign.certificate import Status, StoppedBy
from zonedesign.errors import SolverError
from zonedesign.solve import closing, seams
from zonedesign.solve._account import Limits, Outcome
from zonedesign.solve._repair import repaired
from zonedesign.solve.bound import Bound, Priced, closed_by, lagrangian
from zonedesign.solve.branching import branch, suits
from zonedesign.solve.certify import certify
from zonedesign.solve.cheapzones import choose_cheap_zones
from zonedesign.solve.rounds import plan_of
from zonedesign.solve.written import choose_zones
from zonedesign.verify import broken, verify

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zonedesign.plan import Plan
    from zonedesign.solve.improve import Search
    from zonedesign.solve.standing import Standing

WHOLE_ARCS = 120_000
"""Arcs by level up to which the whole integer program is worth its time after the search."""
CLOSING_UNITS = 1_000
"""Units up to which the integer program near the bound is worth its time."""
LEFT_PAIRS = 150_000
"""Pairs that better plans may use up to which the whole integer program has what is left of the time."""
SOON_PAIRS, FEW_PAIRS = 80_000, 6_000
"""With several levels and up to so many pairs left, the whole comes after programs of so few near the bound:
the cuts that the engine finds in bands then do more than closing in."""
FEW_ARCS, MANY_ARCS = 4e8, 2e9
"""Arcs that the steps of the first bound visit: few where work is the limit, or where zones are few and soon
have better prices from their parts; many elsewhere, as drafts around centres of prices that are not yet
settled are much worse. Time ends those steps too, where it is the limit."""
WORTH_RISING = 1e-4
"""Share by which steps have to raise the bound for others to follow."""
NO_CHOICE = "no choice of centres meets the zone counts within bands and reach"
NO_SOLUTION = "the rules cannot all be met: the whole integer program has no solution"
WAY_OUT = "widen a band, a count or max_minutes"
ENGINE_SHARE = 0.95
"""Share of what is left that the engine is told to use: it looks at the clock late."""


@dataclass(eq=False)
class Proof:
    """The proof of one run: what is possible, its prices so far, and the search that mends broken plans.

    `hoped` is whether the prices settled while no plan said how high the bound may rise.
    """

    standing: Standing
    possible: NDArray[np.bool_]
    priced: Priced
    bound: Bound | None = None
    hoped: bool = False
    seed: int = 0
    threads: int = 1
    writers: int = 1
    search: Search | None = None

    @property
    def whole(self) -> bool:
        """Whether the integer program is worth its time at all."""
        if self.standing.work is not None:
            return False
        return (
            self.few
            or int(self.possible.sum()) <= WHOLE_ARCS
            or len(self.standing.problem.units) <= CLOSING_UNITS
        )

    @property
    def few(self) -> bool:
        """Whether the zones are so few that their centres are looked for part by part."""
        return suits(self.standing.problem, self.priced)

    def first(self, share: float) -> Bound:
        """Raise the first bound, whose centres the first drafts need."""
        visits = FEW_ARCS if self.few or self.standing.work is not None else MANY_ARCS
        steps = int(min(1500, max(60, visits / max(len(self.priced.units), 1))))
        self._rise(steps, share)
        assert self.bound is not None  # noqa: S101
        return self.bound

    def rise(self, share: float) -> None:
        """Raise the bound by its prices until that brings nothing more, or a share of the time is used."""
        if self.bound is None or not self._rising(share):
            return
        if self.standing.work is not None:  # nothing but steps limits those runs
            anew = self.hoped and self.standing.best is not None
            if anew or not self.bound.converged:
                self._rise(1_000, share, anew=anew)
            return
        rose = math.inf
        # Steps that have become too short to help may do so again from full length.
        while rose > WORTH_RISING and self._rising(share):
            rose = self._rise(20_000, share)
        if self.hoped and self.standing.best is not None and self._rising(share):
            self._rise(20_000, share, anew=True)
            self.hoped = not self._rising(share)  # cut short: another time

    def _rising(self, share: float) -> bool:
        """Return whether there is a bound that may still rise."""
        standing, bound = self.standing, self.bound
        in_time = time.monotonic() < standing.deadline(share)
        return in_time and bound is not None and not bound.infeasible and not standing.done()

    def _rise(self, steps: int, share: float, *, anew: bool = False) -> float:
        """Take steps from the best prices, or `anew`: return by what share of it the bound rose.

        Prices that settled on what was hoped for may have been led astray.
        """
        standing, before = self.standing, self.bound
        found = lagrangian(
            self.priced,
            target=lambda: standing.objective if standing.best is not None else None,
            start=None if before is None or anew else before.prices,
            iterations=steps,
            gap=standing.gap,
            threads=self.threads,
            deadline=standing.deadline(share),
            stop=standing.done if standing.work is None else None,
            heard=standing.raise_bound,
        )
        if found.infeasible and standing.best is None:
            standing.causes.append(f"{NO_CHOICE}; {WAY_OUT}")
        elif not found.infeasible:
            standing.raise_bound(found.value)
        # Few zones soon have better prices from their parts.
        self.hoped = self.hoped or (found.converged and standing.best is None and not self.few)
        if before is None or found.infeasible or found.value >= before.value:
            self.bound = found
        return math.inf if before is None else (found.value - before.value) / (abs(found.value) or 1.0)

    def write_out(self, share: float = 1.0) -> None:
        """Choose among all zones there are, or all that cost little, in a share of the time that is left."""
        standing = self.standing

        def within() -> Limits:
            return replace(self._limits(), seconds=share * self._limits().seconds)

        def learn(outcome: Outcome | None) -> None:
            # A share that is used up is no end of the run.
            if outcome is not None:
                self._learn(replace(outcome, stopped_by=None) if share < 1.0 else outcome)

        if not standing.done():
            learn(choose_zones(standing.problem, self.possible, limits=within()))
        if not standing.done():
            learn(
                choose_cheap_zones(
                    standing.problem,
                    self.possible,
                    limits=replace(within(), threads=self.writers),
                    known=lambda: None if standing.best is None else standing.objective,
                )
            )

    def settle(self) -> None:
        """Let the integer program close in on the best plan from the bound upwards, as far as it helps."""
        standing = self.standing
        if standing.done() or not self.whole or self.bound is None:
            return
        standing.progress("certify", None, "the integer program near the bound")
        near = closing.Near(standing.problem, self.priced, self.bound, self.possible)
        if self.few:
            outcome = self._branched(near)
        else:
            soon = len(standing.problem.levels) > 1 and near.pairs(self._worth) <= SOON_PAIRS
            outcome = closing.close_in(
                near,
                start=standing.best,
                limits=self._limits(),
                pairs=(closing.FIRST_PAIRS, FEW_PAIRS if soon else closing.MOST_PAIRS),
                repair=self._repaired,
                progress=standing.progress,
                known=lambda: standing.best,
            )
        self._learn(outcome)
        if not standing.done() and not outcome.settled and near.pairs(self._worth) <= LEFT_PAIRS:
            self.certify()

    @property
    def _worth(self) -> float:
        """The objective that a plan has to be below."""
        return math.inf if self.standing.best is None else self.standing.objective

    def _branched(self, near: closing.Near) -> Outcome:
        """Look for the centres part by part, and beside that for better plans at the seams of the best."""
        standing, limits = self.standing, self._limits()
        beside = seams.Beside(standing, self._recentred, limits, once=self.writers == 1)
        with ThreadPoolExecutor(1) as pool:
            try:
                at_seams = pool.submit(beside.run)
                if beside.once:
                    at_seams.result()
                return branch(
                    near,
                    start=standing.best,
                    limits=replace(self._limits(), threads=self.writers),
                    repair=self._repaired,
                    progress=standing.progress,
                    known=lambda: standing.best,
                    found=beside.settle,
                    others=lambda: int(beside.at_work.is_set()),
                    failed=standing.failed,
                )
            finally:
                beside.end()

    def _recentred(self, plan: Plan) -> Plan:
        """Return a plan that keeps every rule with its best centres."""
        search = self.search
        assert search is not None  # noqa: S101  (whoever settles has one)
        draft = search.improve(search.draft_of(plan), moves=0, seed=0, heat=0.0)
        return plan_of(search, draft) if math.isfinite(draft.price) else plan

    def certify(self) -> None:
        """Give the whole integer program the time that is left."""
        standing = self.standing
        fixed = None
        if self.bound is not None and standing.best is not None:
            fixed = closed_by(self.priced, self.bound, standing.objective, len(self.possible))
        standing.progress("certify", None, "the whole integer program")
        outcome = certify(
            standing.problem,
            start=standing.best,
            bound=None if math.isinf(standing.bound) else standing.bound,
            fixed=fixed,
            limits=self._limits(),
            repair=self._repaired,
            progress=standing.progress,
        )
        self._learn(outcome)

    def _limits(self) -> Limits:
        standing = self.standing
        return Limits(
            seconds=ENGINE_SHARE * standing.left,
            gap=standing.gap,
            nodes=None if standing.work is None else 1000 * standing.work,
            seed=self.seed,
            threads=self.threads,
            stop=standing.done,
            heard=standing.raise_bound,
        )

    def _repaired(self, plan: Plan) -> Plan | None:
        """Return a plan near one of the integer program that breaks rules, or None."""
        near = None if self.search is None else repaired(self.search, plan, seed=self.seed)
        if near is None or not bool(verify(near, self.standing.problem)["passed"].all()):
            return None
        self.standing.take(near)  # at once: others may go on from it, or close what it makes useless
        return near

    def _learn(self, outcome: Outcome) -> None:
        """Take over what the integer program found and proved."""
        standing = self.standing
        if outcome.status is Status.INFEASIBLE and standing.best is None:
            standing.causes.append(f"{NO_SOLUTION}; {WAY_OUT}")
        if outcome.plan is not None:
            wrong = broken(verify(outcome.plan, standing.problem)) if standing.best is None else ""
            if wrong:
                raise SolverError(
                    f"the integer program gave no proper plan: {wrong}; please report this scenario"
                )
            standing.take(outcome.plan)
        if outcome.bound is not None:
            standing.raise_bound(outcome.bound)
        if outcome.stopped_by is not None and outcome.stopped_by is not StoppedBy.INTERRUPT:
            standing.stopped_by = outcome.stopped_by
        counts = {"rounds_of_cuts": outcome.rounds, "cuts": outcome.cuts, "nodes": outcome.nodes}
        for what, count in counts.items():
            standing.details[what] = standing.details.get(what, 0) + count
