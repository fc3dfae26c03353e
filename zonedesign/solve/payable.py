"""Prices that no plan can pay: a proof, without any search, that bands, reach and counts leave no plan.

Every unit is given a price, and a zone is worth the prices of its units. Where the prices of all units come
to more than as many zones as the counts allow can be worth, no plan covers all units (Farkas' lemma on the
assignment model, by the subgradient steps of the bound with an objective of nothing).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.solve.bound import Priced, lagrangian
from zonedesign.solve.tolls import Prices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.problem import Problem

    Bools = NDArray[np.bool_]

STEPS = 120
MOST_CHOICES = 150_000
"""Units times zones up to which a choice of centres is quick; where counts are open, it is not."""
AIM, SURE = 0.01, 1e-6
"""Prices come to about 1. Steps end once they pass what zones are worth by `AIM`; `SURE` of them is proof."""


def unpayable(
    problem: Problem,
    possible: Bools,
    *,
    start: Prices | None = None,
    steps: int = STEPS,
    threads: int | None = None,
    deadline: float = math.inf,
) -> Prices | None:
    """Return prices that no plan can pay, which proves that there is none; else None.

    `possible` is (arcs, levels), from `fixing.possible_arcs`; `start` are prices that proved a problem like
    this one impossible. None proves nothing.
    """
    nothing = replace(problem.objective, travel=0.0, change=0.0, borders=0.0, cut=0.0)
    priced = Priced.of(problem.with_(objective=nothing), possible)
    if len(problem.units) * int(priced.most.sum()) > MOST_CHOICES:
        return None
    total = float(priced.demand.sum())
    if total <= 0:
        return None
    first = Prices(priced.demand / total) if start is None else start
    found = lagrangian(priced, target=AIM, start=first, iterations=steps, threads=threads, deadline=deadline)
    if found.infeasible:
        return found.prices
    size = float(np.abs(found.multipliers).sum() + np.abs(found.toll).max(initial=0.0) * total)
    return found.prices if found.value > SURE * max(size, 1e-3) else None
