"""Closing in: the integer program on the few pairs that plans near the bound use, and ever more of them.

An aim is set a little above the bound. Pairs that no plan below the aim uses are closed by the reduced costs
of the bound (Lagrangian fixing, Validi, Buchanan and Lykhovyd 2022), which leaves a small program; it finds
the best plan below the aim, or proves that there is none, and then the aim is the bound. The next aim lets in
twice as many pairs beyond the one that every unit needs. Unlike fixing against a known plan this does not
wait for a good one, or for any.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.certificate import Status, relative_gap
from zonedesign.progress import silent
from zonedesign.solve._account import ROUNDING, Limits, Outcome
from zonedesign.solve.bound import closed_by
from zonedesign.solve.certify import certify

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem
    from zonedesign.progress import Progress
    from zonedesign.solve.bound import Bound, Priced

    Mask = NDArray[np.bool_]

FIRST_PAIRS, MOST_PAIRS = 1000, 24_000
"""Pairs of centre, unit and level beyond one for each unit in the first program, and pairs in all in the
largest worth its time."""
RAISES, HALVINGS = 24, 10
"""Steps upwards and between in the search for the aim that lets in so many pairs."""


@dataclass(frozen=True, eq=False)
class Near:
    """Which pairs plans near the bound use: the problem as the bound sees it, and the bound's prices."""

    problem: Problem
    priced: Priced
    bound: Bound
    possible: Mask

    @property
    def within(self) -> Mask | None:
        """The only pairs (arcs, levels) that plans meant here use, None for any."""
        return None

    def open(self, aim: float) -> Mask:
        """Return the pairs (arcs, levels) that a plan below `aim` may use."""
        if not np.isfinite(aim):
            return self.possible
        arcs, n = self.problem.arcs, len(self.problem.units)
        left = self.possible & ~closed_by(self.priced, self.bound, aim, len(self.possible))
        # The bound knows nothing of units without hours: they go with their centre.
        centre = np.repeat(np.arange(n), np.diff(arcs.indptr))
        stands = np.zeros((n, left.shape[1]), dtype=np.bool_)
        own = centre == arcs.units
        stands[centre[own]] = left[own]
        return np.asarray(left & stands[centre])

    def pairs(self, aim: float) -> int:
        """Return how many pairs a plan below `aim` may use."""
        return int(self.open(aim).sum())

    def aim_of(self, pairs: int, most: float) -> float:
        """Return the highest aim, at most `most`, that lets in so many pairs; the bound where none does."""
        if self.pairs(most) <= pairs:
            return most
        low, step = self.bound.value, max(abs(self.bound.value), 1e-9) * 1e-6
        for _ in range(RAISES):
            if low + step >= most or self.pairs(low + step) > pairs:
                break
            low, step = low + step, 4 * step
        else:
            return low
        high = min(low + step, most)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.pairs(middle) <= pairs else (low, middle)
        return low


def close_in(
    near: Near,
    *,
    start: Plan | None = None,
    limits: Limits | None = None,
    pairs: tuple[int, int] = (FIRST_PAIRS, MOST_PAIRS),
    repair: Callable[[Plan], Plan | None] | None = None,
    progress: Progress = silent,
    known: Callable[[], Plan | None] | None = None,
    placed: bool = False,
) -> Outcome:
    """Solve the problem from its bound upwards, and say what is proved.

    `start` is a plan that passes `verify`, `known` asks for a better one, found by others meanwhile. `pairs`
    are how many the first program has beyond one for each unit, and how many are the most in all. Ends
    without a proof where more would be needed (`settled` is false then, and `stopped_by` None), or by its
    limits. `placed` goes to `certify`.
    """
    limits = limits or Limits()
    began, beyond, one_each = time.monotonic(), pairs[0], len(near.problem.units)
    best = start
    objective = None if start is None else near.problem.value(near.problem.terms(start))
    bound, found = near.bound.value, Outcome(Status.UNKNOWN)
    while True:
        other = None if known is None else known()
        if other is not None:
            value = near.problem.value(near.problem.terms(other))
            if objective is None or value < objective:
                best, objective = other, value
        most = np.inf if objective is None else objective
        if objective is not None and bound >= most - ROUNDING * abs(most):
            return replace(
                found,
                status=Status.OPTIMAL,
                plan=best,
                objective=objective,
                bound=objective,
                stopped_by=None,
                settled=True,
            )
        aim = near.aim_of(min(one_each + beyond, pairs[1]), most)
        if aim > bound + ROUNDING * abs(bound):
            left = replace(
                limits,
                seconds=max(0.0, limits.seconds - (time.monotonic() - began)),
                nodes=None if limits.nodes is None else limits.nodes - found.nodes,
            )
            each = certify(
                near.problem,
                start=best,
                bound=bound,
                fixed=~near.open(aim),
                within=near.within,
                aim=aim,
                limits=left,
                repair=repair,
                progress=progress,
                placed=placed,
            )
            found = replace(
                each,
                rounds=found.rounds + each.rounds,
                cuts=found.cuts + each.cuts,
                nodes=found.nodes + each.nodes,
                seconds=time.monotonic() - began,
            )
            best, objective = each.plan, each.objective
            bound = max(bound, -np.inf if each.bound is None else each.bound)
            if limits.heard is not None:
                limits.heard(bound)
            gap = relative_gap(objective, bound)
            proved = each.status in (Status.OPTIMAL, Status.INFEASIBLE)
            if proved or not each.settled or (gap is not None and gap <= limits.gap):
                return found
        beyond *= 2
        if one_each + beyond > pairs[1] and near.pairs(np.inf if objective is None else objective) > pairs[1]:
            return replace(found, plan=best, objective=objective, settled=False)
