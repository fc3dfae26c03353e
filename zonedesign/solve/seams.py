"""Seams: the best plan that keeps a plan's centres and moves only units near the seams of its zones.

Where bands are narrow, what makes a plan better is often several units that change zone together, which
chains of chance seldom meet. At the seams alone the integer program is small; the centres are chosen anew
after each, and the next seams are those of the better plan.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from zonedesign.solve._account import ROUNDING, Limits
from zonedesign.solve.certify import certify
from zonedesign.solve.standing import SECONDS_TO_LOOK

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem
    from zonedesign.solve.standing import Standing

    Mask = NDArray[np.bool_]

DEPTHS = (1, 2)
"""How many units deep a seam is: first this, and once that brings nothing better, the next."""
SHARE, SHARE_OF_ALL = 0.5, 0.3
"""The most that one program takes of what all have left, and all of one plan of what the run has left."""
MOST_PAIRS = 20_000
"""Pairs of a program up to which it is quick."""


@dataclass(eq=False)
class Beside:
    """Programs at the seams of every best plan, or `once` of the first, on a thread beside the proof.

    The search rests while they are `at_work`, and once a part of the proof is `settled`, until all has ended.
    `looked_at` is the last plan whose seams hold nothing better, and `exact` the last that is known to be the
    best of its centres, which says the same: it only has its centres chosen anew.
    """

    standing: Standing
    recentred: Callable[[Plan], Plan]
    limits: Limits
    once: bool = False
    at_work: threading.Event = field(default_factory=threading.Event)
    settled: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    looked_at: Plan | None = None
    exact: Plan | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def settle(self, plan: Plan, known: bool) -> None:  # noqa: FBT001  (`branch` tells these two)
        """Take the best plan after a part that is settled: from now on the search rests.

        Its seams need no look where it is `known` that no plan with its centres is better.
        """
        if known:
            self.exact = plan
        self.standing.take(plan)
        self.settled.set()
        self._rest()

    def end(self) -> None:
        """Have everything end, and the search go on."""
        self.ended.set()
        self._rest()

    def run(self) -> None:
        """Look for better plans at the seams until all has ended; a failure costs nothing else."""
        standing = self.standing
        try:
            while not self._over():
                plan = standing.best
                if plan is not None and plan is not self.looked_at:
                    self._look(plan)
                if self.once:
                    return
                self.ended.wait(SECONDS_TO_LOOK)
        except Exception as error:  # noqa: BLE001  (the proof goes on, and the certificate tells)
            standing.failed("the programs at the seams", error)

    def _look(self, plan: Plan) -> None:
        """Look for better plans at the seams of one, until those of the best need no look."""
        standing = self.standing
        if plan is self.exact:
            self.looked_at = plan
            standing.take(self.recentred(plan))
            return
        self.at_work.set()
        self._rest()
        try:
            left = min(self.limits.seconds, SHARE_OF_ALL * standing.left)
            limits = replace(self.limits, seconds=left, threads=1, stop=self._done, heard=None, nodes=None)
            better = improved(
                standing.problem, plan, recentred=self.recentred, limits=limits, found=standing.take
            )
        finally:
            self.at_work.clear()
            self._rest()
        # Others may have found one meanwhile that nobody has looked at.
        self.looked_at = better if better is standing.best else plan

    def _over(self) -> bool:
        return self.ended.is_set() or self.standing.done()

    def _done(self) -> bool:
        """Return whether a look has become of no use, or there is no time."""
        return self._over() or self.exact is self.standing.best

    def _rest(self) -> None:
        """Have the search rest or go on, by all that is known now."""
        with self.lock:
            wanted = self.at_work.is_set() or self.settled.is_set()
            self.standing.resting = wanted and not self.ended.is_set()


def improved(
    problem: Problem,
    plan: Plan,
    *,
    recentred: Callable[[Plan], Plan],
    limits: Limits,
    found: Callable[[Plan], object],
) -> Plan:
    """Return a plan that no program at the seams makes better, as far as limits and `MOST_PAIRS` let them.

    `plan` keeps every rule, `recentred` gives such a plan its best centres, and `found` is told every better
    one on the way.
    """
    began, everywhere = time.monotonic(), np.ones(len(plan.zone_ids), dtype=np.bool_)
    for deep in DEPTHS:
        while limits.stop is None or not limits.stop():
            within = pairs_at(problem, plan, everywhere, around=0, deep=deep)
            left = limits.seconds - (time.monotonic() - began)
            if int(within.sum()) > MOST_PAIRS or left <= 0:
                return plan
            share = left if math.isinf(left) else SHARE * left
            outcome = certify(
                problem, start=plan, within=within, limits=replace(limits, seconds=share), placed=True
            )
            before, better = problem.value(problem.terms(plan)), recentred(outcome.plan or plan)
            if not problem.value(problem.terms(better)) < before - ROUNDING * abs(before):
                break
            plan = better
            found(plan)
    return plan


def pairs_at(problem: Problem, plan: Plan, chosen: Mask, *, around: int, deep: int) -> Mask:
    """Return the pairs (arcs, levels) of units with their own centres, and with those beyond a near seam.

    Only zones take part that are `chosen` (k,) or so many zones `around` one; a seam is so many units `deep`.
    """
    arcs, n, k = problem.arcs, len(problem.units), len(plan.zone_ids)
    centre = np.repeat(np.arange(n), np.diff(arcs.indptr))
    zone_at = np.full(n, -1, dtype=np.int64)
    zone_at[plan.centres] = np.arange(k)
    to, own = zone_at[centre], plan.zone[arcs.units]
    near = np.ones(len(to), dtype=np.bool_)
    graph = problem.units.contiguity
    if graph is not None:
        a, b = graph.pairs.T
        ones = np.ones(2 * len(a))
        beside = sparse.csr_array((ones, (np.concatenate([a, b]), np.concatenate([b, a]))), shape=(n, n))
        held = sparse.csr_array((np.ones(n), (np.arange(n), plan.zone)), shape=(n, k))
        of_zones = (held.T @ beside @ held).toarray() > 0
        for _ in range(around):
            chosen = chosen | of_zones[chosen].any(axis=0)
        reached = held
        for _ in range(deep):
            reached = (reached + beside @ reached).sign()
        near = reached.toarray()[arcs.units, to] > 0
    taking = (to >= 0) & near & chosen[to] & chosen[own]
    level_at = np.array([[level.name for level in problem.levels].index(name) for name in plan.levels])
    of_level = level_at[to][:, None] == np.arange(len(problem.levels))
    return np.asarray(((to == own) | taking)[:, None] & (to >= 0)[:, None] & of_level)
