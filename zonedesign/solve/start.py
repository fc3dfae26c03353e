"""Start: a plan to begin from, completed and repaired where it breaks rules, with every repair listed."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign.errors import counted, listed, that_are
from zonedesign.plan import Plan
from zonedesign.solve._repair import nearest, same_zones
from zonedesign.solve._whole import join_beside, whole_zones
from zonedesign.solve.improve import Search
from zonedesign.solve.rounds import warmed_up
from zonedesign.verify import verify

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Begun:
    """A start plan made fit for use: on the problem's own units, its levels the problem's.

    `keeps` says whether `plan` keeps every rule; `repairs` are sentences on what was broken and what was
    changed; `waited` are seconds in which kernels were compiled.
    """

    plan: Plan
    keeps: bool
    repairs: tuple[str, ...] = ()
    waited: float = 0.0


def begin(
    problem: Problem,
    given: Plan,
    possible: NDArray[np.bool_],
    *,
    seed: int = 0,
    deadline: float = math.inf,
) -> Begun:
    """Return a start plan as it was where it keeps every rule, else repaired, near to it where that works.

    `possible` is (arcs, levels), from `fixing.possible_arcs`; `deadline` is on `time.monotonic`.
    """
    plan, said = completed(problem, given)
    verdicts = verify(plan, problem)
    if verdicts["passed"].all():
        return Begun(plan, keeps=True, repairs=tuple(said))
    said += broken_rules(verdicts)
    search = Search.of(problem, possible)
    asleep = time.monotonic()
    warmed_up(search)
    waited = time.monotonic() - asleep
    near = nearest(problem, search, plan, seed, deadline + waited)
    if near is None:
        said.append("no plan that keeps every rule was found near it; the search began from it all the same")
        return Begun(whole_zones(problem, plan), keeps=False, repairs=tuple(said), waited=waited)
    return Begun(near, keeps=True, repairs=(*said, *changes(problem, plan, near)), waited=waited)


def from_baseline(problem: Problem) -> Plan | None:
    """Return the baseline as a plan to begin from where change from it counts, else None.

    Where change is dear the best plan is near the baseline, and hardly any chain from elsewhere gets there.
    """
    given, zones = problem.objective.baseline, problem.baseline_zones
    if not problem.objective.change or zones is None:
        return None
    if isinstance(given, Plan):
        return given
    labels = pd.Series(np.array(zones[1], dtype=object)[zones[0]], index=problem.units.ids, dtype=object)
    return Plan.from_labels(problem.units, problem.times, labels, levels=problem.levels)


# What a plan lacks.


def completed(problem: Problem, given: Plan) -> tuple[Plan, list[str]]:
    """Return a plan on exactly the problem's units, with its levels and centres inside; and what was done.

    Units without a zone join the zone of the neighbour that is nearest to them, or else the zone whose centre
    is. A level that the problem lacks becomes the one whose bands fit, a centre outside its zone the best.
    """
    ids, said = problem.units.ids, []
    labels = pd.Series(
        np.array(given.zone_ids, dtype=object)[given.zone], index=given.of_units.ids, dtype=object
    )
    strange = labels.index.difference(ids, sort=False)
    if len(strange):
        said.append(f"{that_are(len(strange), 'unit', 'no unit of the problem')} left out: {listed(strange)}")
    labels = labels.reindex(ids)
    at = ids.get_indexer(given.of_units.ids[given.centres]).tolist()
    centres = dict(zip(given.zone_ids, at, strict=True))
    missing = np.flatnonzero(labels.isna())
    if len(missing):
        join_beside(problem, labels, missing, centres)
        joined = listed(f"{ids[int(i)]} ({labels.iloc[i]})" for i in missing)
        said.append(f"{counted(len(missing), 'unit')} without a zone joined one near by: {joined}")
    levels = dict(zip(given.zone_ids, given.levels, strict=True))
    names = {level.name for level in problem.levels}
    held = set(labels)
    inside = {z: ids[j] for z, j in centres.items() if j >= 0 and labels.iloc[j] == z}
    plan = Plan.from_labels(
        problem.units,
        problem.times,
        labels,
        levels=problem.levels,
        level={z: name for z, name in levels.items() if name in names and z in held},
        centre={z: centre for z, centre in inside.items() if z in held},
    )
    for z, name, centre in zip(plan.zone_ids, plan.levels, plan.centres, strict=True):
        if levels[z] not in names:
            said.append(
                f"zone {z} had level '{levels[z]}', which the problem lacks; it begins at level {name}"
            )
        if z not in inside:
            said.append(f"zone {z} had its centre outside; it begins with {ids[centre]}")
    return plan, said


# What it breaks.


def broken_rules(verdicts: pd.DataFrame) -> list[str]:
    """Return a sentence for every verdict that failed: the rule, the zone, the value and by how much."""
    said = []
    for row in verdicts[~verdicts["passed"]].to_dict("records"):
        of_zone = "" if row["zone"] is None else f" of zone {row['zone']}"
        at_level = "" if row["level"] is None else f" (level {row['level']})"
        said.append(f"broken at the start: {row['rule']}{of_zone}{at_level}, {row['quantity']} {_off(row)}")
    return said


def _off(row: dict[Any, Any]) -> str:
    """Return a value and how far it is from what is allowed."""
    value, (low, high) = row["value"], row["limit"]
    if math.isinf(value):
        return "out of reach"
    if low is not None and value < low:
        return f"{value:,.6g} where {low:,.6g} is the least: {low - value:,.4g} too little"
    if high is not None and value > high:
        return f"{value:,.6g} where {high:,.6g} is the most: {value - high:,.4g} too much"
    return f"{value:,.6g}"


# What a repair changed.


def changes(problem: Problem, before: Plan, after: Plan) -> list[str]:
    """Return what a repair changed: units, zones, levels and centres, by the names of the start's zones."""
    same, ids, said = same_zones(problem, before, after), problem.units.ids, []
    moved = np.flatnonzero(same[after.zone] != before.zone)
    if len(moved):
        total = float(problem.hours.sum())
        share = f" ({problem.hours[moved].sum() / total:.1%} of the hours)" if total > 0 else ""
        to = [before.zone_ids[same[k]] if same[k] >= 0 else "a new zone" for k in after.zone[moved]]
        which = listed(
            f"{ids[i]} ({before.zone_ids[before.zone[i]]} to {zone})"
            for i, zone in zip(moved.tolist(), to, strict=True)
        )
        said.append(f"repaired: {counted(len(moved), 'unit')}{share} moved to other zones: {which}")
    ended = [zone for k, zone in enumerate(before.zone_ids) if k not in set(same.tolist())]
    if ended:
        said.append(f"repaired: {counted(len(ended), 'zone')} ended: {listed(ended)}")
    new = int((same < 0).sum())
    if new:
        said.append(f"repaired: {counted(new, 'zone')} made anew")
    kept = [(k, int(z)) for k, z in enumerate(same) if z >= 0]
    levels = [
        f"{before.zone_ids[z]} (level {before.levels[z]} to {after.levels[k]})"
        for k, z in kept
        if after.levels[k] != before.levels[z]
    ]
    if levels:
        said.append(f"repaired: {counted(len(levels), 'zone')} at another level: {listed(levels)}")
    centres = [
        f"{before.zone_ids[z]} ({ids[int(before.centres[z])]} to {ids[int(after.centres[k])]})"
        for k, z in kept
        if after.centres[k] != before.centres[z]
    ]
    if centres:
        said.append(f"repaired: {counted(len(centres), 'zone')} with another centre: {listed(centres)}")
    return said
