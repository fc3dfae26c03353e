"""Pins: zones of the plan in hand that must stay as they are, as rules that name units and no plan.

`Frozen` and `Fixed` name zones of the scenario's baseline or start plan, and a plan in hand is neither. So a
locked zone is written with rules that mean the same: its units together, nobody else's with them, its centre
a centre. The scenario's own locks are written anew in this way too, since the plan that they name changes
once solving starts from the plan in hand.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign import measures
from zonedesign.errors import ScenarioError, listed, nearest_name
from zonedesign.rules import CentreAt, Fixed, Frozen, NestIn, Rule, Together
from zonedesign.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

LOCKED = "locked zones"
"""What a row of `verify` calls the border around locked zones."""


def pinned(problem: Problem, plan: Plan, locked: Sequence[str]) -> tuple[Rule, ...]:
    """Return the problem's rules with these zones of `plan` locked, none of them naming a plan.

    `plan` may lack units. Raises `ScenarioError` for a zone that it does not have.
    """
    strange = [zone for zone in locked if zone not in plan.zone_ids]
    if strange:
        raise ScenarioError(
            f"the plan has no zone {listed(strange)} to lock{nearest_name(strange[0], plan.zone_ids)}"
        )
    members = {zone: plan.members(zone).tolist() for zone in dict.fromkeys(locked)}
    rules: list[Rule] = [rule for rule in problem.rules if not isinstance(rule, (Fixed, Frozen))]
    rules += _anchored(problem)
    rules += _kept_whole(problem, members, LOCKED)
    centre_of = dict(zip(plan.zone_ids, plan.of_units.ids[plan.centres].tolist(), strict=True))
    rules += [CentreAt(centre_of[zone]) for zone, units in members.items() if centre_of[zone] in units]
    return tuple(dict.fromkeys(rules))


def _anchored(problem: Problem) -> list[Rule]:
    """Return the scenario's `Fixed` and `Frozen` as rules on units alone."""
    anchor, centres = problem.anchor_zones, problem.anchor_centres
    if anchor is None or centres is None:
        return []
    zone, names = anchor
    ids = problem.units.ids
    rules: list[Rule] = []
    for rule in problem.rules:
        if isinstance(rule, Fixed):
            centre = ids[centres[names.index(rule.zone)]]
            rules += [Together(rule.unit, centre)] if rule.unit != centre else []
    frozen = {
        rule.zone: ids[zone == names.index(rule.zone)].tolist()
        for rule in problem.rules
        if isinstance(rule, Frozen)
    }
    return rules + _kept_whole(problem, frozen, "frozen zones")


def _kept_whole(problem: Problem, members: Mapping[str, Sequence[Any]], name: str) -> list[Rule]:
    """Return rules by which each group of units is exactly the units of one zone."""
    if not members:
        return []
    rules: list[Rule] = [Together(units) for units in members.values() if len(units) > 1]
    code = {unit: f"zone {zone}" for zone, units in members.items() for unit in units}
    codes = pd.Series(
        [code.get(unit, "") for unit in problem.units.ids], index=problem.units.ids, dtype=object
    )
    return [*rules, NestIn(codes, name=name)]


def named_after(plan: Plan, before: Plan, problem: Problem, locked: Iterable[str] = ()) -> Plan:
    """Return a plan whose zones have the names, and locked ones the levels, that they have in `before`.

    Zones are matched one to one so that most hours stay; what has no match, or another level, gets the next
    free name of its level.
    """
    ids = problem.units.ids
    was = pd.Series(before.zone, index=before.of_units.ids).reindex(ids)
    known = was.notna().to_numpy()
    hours = problem.hours[known] + 1e-9
    pairs = measures.matched_zones(hours, plan.zone[known], was[known].to_numpy().astype(np.int64))
    names: dict[int, str] = {}
    levels = list(plan.levels)
    for mine, theirs in pairs:
        same = known & (plan.zone == mine)
        if not (was[same] == theirs).any():
            continue
        zone = before.zone_ids[theirs]
        if zone in set(locked):
            levels[mine] = before.levels[theirs]
        if levels[mine] == before.levels[theirs]:
            names[mine] = zone
    if levels != list(plan.levels) and not _keeps(replace(plan, levels=tuple(levels)), problem):
        levels = list(plan.levels)
    taken = set(names.values()) | set(before.zone_ids)
    for k in range(len(plan.zone_ids)):
        if k not in names:
            names[k] = next(name for name in _numbered(levels[k]) if name not in taken)
            taken.add(names[k])
    called = tuple(names[k] for k in range(len(plan.zone_ids)))
    return replace(plan, zone_ids=called, levels=tuple(levels))


def _keeps(plan: Plan, problem: Problem) -> bool:
    return bool(verify(plan, problem)["passed"].all())


def _numbered(level: str) -> Iterable[str]:
    return (f"{level}-{number:02d}" for number in range(1, 1_000_000))
