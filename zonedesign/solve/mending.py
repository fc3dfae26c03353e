"""Mending: the fewest hours that change zone at the seams of a plan until it keeps every rule.

Centres stay, and so do all zones but the broken ones and those around them; of these, units near a seam may
join the zone beyond it. That leaves a small integer program, which finds a repair of a few units where chains
of chance would turn over whole neighbourhoods.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.certificate import StoppedBy
from zonedesign.rules import Fixed, Frozen
from zonedesign.solve._account import Limits
from zonedesign.solve.certify import certify
from zonedesign.solve.seams import pairs_at
from zonedesign.verify import verify

if TYPE_CHECKING:
    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

HOPS = ((1, 1), (2, 3))
"""Each try: how many zones around a broken one take part, and how many units deep a seam is."""
SECONDS, SHARE = 20.0, 0.4
"""The most that a try takes, and of what is left."""
NODES = 2_000
"""The most nodes of a try that no deadline ends."""
MOST_PAIRS = 60_000
"""Pairs of a program up to which it is quick."""


def mended(problem: Problem, plan: Plan, *, seed: int = 0, deadline: float = math.inf) -> Plan | None:
    """Return a plan with this one's centres that keeps every rule and moves few hours, or None.

    `plan` is on the problem's units, `deadline` on `time.monotonic`. Fewest hours move among the plans tried.
    """
    verdicts = verify(plan, problem)
    failed = verdicts.loc[~verdicts["passed"], "zone"]
    if failed.isna().any():  # numbers of zones: moving units does not change them
        return None
    broken = np.isin(np.array(plan.zone_ids, dtype=object).astype(str), failed.astype(str))
    if _locks_name_others(problem, plan):
        return None
    objective = replace(problem.objective, travel=0.0, change=1.0, borders=0.0, cut=0.0, baseline=plan)
    asked = problem.with_(objective=objective)
    for around, deep in HOPS:
        within = pairs_at(problem, plan, broken, around=around, deep=deep)
        left = deadline - time.monotonic()
        if int(within.sum()) > MOST_PAIRS or left <= 0:
            return None
        # Without a deadline it ends by work, which is the same on every machine.
        timed = math.isfinite(left)
        limits = Limits(
            seconds=min(SECONDS, SHARE * left) if timed else math.inf,
            nodes=None if timed else NODES,
            seed=seed,
            threads=1,
        )
        outcome = certify(asked, within=within, limits=limits)
        if outcome.stopped_by is StoppedBy.INTERRUPT:
            raise KeyboardInterrupt
        found = outcome.plan
        if found is not None and verify(found, problem)["passed"].all():
            return found
    return None


def _locks_name_others(problem: Problem, plan: Plan) -> bool:
    """Return whether locks name zones of a plan that has its units in others than this one."""
    if not any(isinstance(rule, (Fixed, Frozen)) for rule in problem.all_rules):
        return False
    anchor = problem.anchor_zones
    assert anchor is not None  # noqa: S101  (a problem with such locks has one)
    named = np.array(anchor[1], dtype=object)[anchor[0]]
    return not np.array_equal(named, np.array(plan.zone_ids, dtype=object)[plan.zone])
