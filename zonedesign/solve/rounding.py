"""Rounding off: plans from relaxations whose centres are placed, each mended by a chain.

Where connection costs much, as around an inlet, a relaxation with its cuts shows what chains of the search
hardly ever find. Centres are those of the best plan, or those that the parts of the lowest bounds choose.
Every unit goes to the zone that has most of it, and a chain makes that a plan, whose centres may be others
again (location and allocation in turn: Hess et al. 1965).
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.solve._parts import Part, near_placed, placed
from zonedesign.solve.certify import certify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from zonedesign.plan import Plan
    from zonedesign.progress import Progress
    from zonedesign.solve._account import Limits
    from zonedesign.solve.closing import Near

SHARE, IN_VAIN = 0.2, 6
"""Share of the time of all threads after which no other part begins, and of what is left that one may take;
and tries in a row that end it by bringing nothing."""
SECONDS_TO_LOOK = 1.0
"""Seconds until parts are looked at again of which all were tried."""


@dataclass(eq=False)
class Rounding:
    """What is rounded off, and how often that was in vain.

    `take` keeps a plan where it is the best and returns whether it is. One part at a time is `at_work`, for
    which nobody waits once all has `ended`.
    """

    near: Near
    limits: Limits
    repair: Callable[[Plan], Plan | None] | None
    progress: Progress
    take: Callable[[Plan | None], bool]
    seconds: float = 0.0
    in_vain: int = 0
    mends: int = 0
    tried: set[frozenset[int]] = field(default_factory=set)
    not_before: float = 0.0
    at_work: Part | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    def due(self, seconds: float, threads: int) -> bool:
        """Return whether it is time for a part, so many seconds after all began on so many threads."""
        if self.repair is None or self.at_work is not None or self.in_vain >= IN_VAIN or self.ended.is_set():
            return False
        return self.seconds <= SHARE * threads * seconds and time.monotonic() >= self.not_before

    def part(self, best: Plan, parts: Iterable[Part], objective: float, enough: float) -> Part | None:
        """Return a part with centres placed that were not tried: the best plan's, or such as parts choose."""
        n = len(self.near.problem.units)
        looked_at = [(best.centres, self.near.bound.value, self.near.priced)]
        looked_at += [(each.chosen, each.bound, each.priced) for each in parts if each.chosen is not None]
        for centres, bound, priced in looked_at:
            chosen = frozenset(centres.tolist())
            if chosen in self.tried or not bound < enough:
                continue
            self.tried.add(chosen)
            centre = np.repeat(np.arange(n), np.diff(priced.indptr))
            own = priced.only(np.isin(centre, centres))
            cells = [(centres[k : k + 1], 1) for k in range(len(centres))]
            found = placed(Part(bound, 0, cells, own, np.zeros(n)), own, objective, enough)
            if found is not None:
                return found
        self.not_before = time.monotonic() + SECONDS_TO_LOOK
        return None

    def off(self, part: Part, best: Plan, objective: float, seconds: float) -> None:
        """Round off the relaxation of a part, and have the plan taken that it is mended to."""
        near, began, mends = near_placed(self.near, part), time.monotonic(), self.mends
        seconds = SHARE * max(0.0, seconds)
        certify(
            near.problem,
            start=best,
            bound=part.bound,
            fixed=~near.open(objective),
            within=near.within,
            aim=objective,
            limits=replace(self.limits, seconds=seconds, threads=1, heard=None, stop=self._stop),
            repair=self.mended,
            progress=self.progress,
            placed=True,
            rounds=False,
        )
        self.seconds += time.monotonic() - began
        if self.mends == mends:
            self.in_vain += 1

    def _stop(self) -> bool:
        return self.ended.is_set() or (self.limits.stop is not None and self.limits.stop())

    def mended(self, plan: Plan) -> Plan | None:
        """Return what a plan that breaks rules is mended to; None where it is not."""
        self.mends += 1
        found = None if self.repair is None else self.repair(plan)
        self.in_vain = 0 if self.take(found) else self.in_vain + 1
        return found
