"""Met: the good plans that a portfolio has met so far, the best of them kept within bounded memory."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from zonedesign.verify import verify

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]

MOST_BYTES = 200_000_000
"""What the zones and centres of all plans kept may take."""
BYTES_A_UNIT = 16
LEAST_KEPT = 50
"""Plans that are kept however many units they have."""
ROUNDING = 1e-9


@dataclass(eq=False)
class Met:
    """The good plans of a problem met so far, one for every division into zones.

    A plan is good where it passes verification and its objective is at most `1 + within` times the best one
    met. Beyond so many as memory is bounded to, the dearest are forgotten, and still counted.
    """

    problem: Problem
    within: float
    best: float = math.inf
    _objective: dict[bytes, float] = field(default_factory=dict)
    _plan: dict[bytes, Plan] = field(default_factory=dict)

    @property
    def most(self) -> float:
        """The objective that a good plan has at most."""
        return (1 + self.within) * self.best + ROUNDING * max(1.0, abs(self.best))

    @property
    def most_kept(self) -> int:
        """How many plans are kept at most."""
        return max(LEAST_KEPT, MOST_BYTES // (BYTES_A_UNIT * len(self.problem.units)))

    def __len__(self) -> int:
        """Return how many different good plans were met, those forgotten included."""
        return len(self._objective)

    def offer(self, plan: Plan) -> bool:
        """Take note of a plan on the problem's units where it is good, and return whether it is."""
        objective = self.problem.value(self.problem.terms(plan))
        if not objective <= self.most:
            return False
        key = _key(plan.zone)
        if self._objective.get(key, math.inf) <= objective:
            return True
        if not verify(plan, self.problem)["passed"].all():
            return False
        self._objective[key] = objective
        # A plan of its own, without the frames that the other has worked out by now.
        self._plan[key] = replace(plan)
        if objective < self.best:
            self.best = objective
            self._objective = {k: value for k, value in self._objective.items() if value <= self.most}
            self._plan = {k: each for k, each in self._plan.items() if k in self._objective}
        if len(self._plan) > self.most_kept:
            del self._plan[max(self._plan, key=lambda k: (self._objective[k], k))]
        return True

    def holds(self, zone: Ints) -> bool:
        """Return whether a division met is good still, now that a better plan may have been met."""
        return _key(zone) in self._objective

    def ranked(self) -> list[tuple[float, Plan]]:
        """Return objective and plan of those kept, the best first; ties always in the same order."""
        # An interrupt may have come between two of the lines that note a plan.
        good = {k: self._objective.get(k, math.inf) for k in self._plan}
        order = sorted((value, k) for k, value in good.items() if value <= self.most)
        return [(value, self._plan[k]) for value, k in order]


def _key(zone: Ints) -> bytes:
    """Return what tells one division into zones (n,) from another, whatever zones are called."""
    return blake2b(pd.factorize(zone)[0].astype(np.int32).tobytes(), digest_size=16).digest()
