"""Preflight: what makes a problem impossible by name, before any solver runs.

Every cause is proved: a unit, a part of the map, a lock or a level that no plan whatever can satisfy.
An empty answer proves nothing; what is left is the solver's to decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zonedesign.errors import counted, listed
from zonedesign.solve._gather import ROUNDING, Gathering, above
from zonedesign.solve._ground import ground
from zonedesign.solve._locks import lock_causes
from zonedesign.solve._totals import piece_causes, total_causes
from zonedesign.solve._words import amount, bands_in_words, level_names, them, units_in_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]


def preflight(problem: Problem) -> list[str]:
    """Return one sentence for each cause that makes the problem impossible, with the way out.

    Every sentence is a proof; no sentence proves nothing.
    """
    parts = ground(problem)
    if not parts.usable:
        return ["every level is limited to 0 zones, so no unit can be in one; give a level zones"]
    gathering = Gathering(parts)
    covered = gathering.coverage()
    # Items of several units, frozen zones among them, are locks and are explained as such.
    left = np.flatnonzero(~covered & (parts.item_size[parts.item] == 1))
    causes: list[str] = []
    for kind in (_off_the_road, _too_large, _alone):
        left = kind(gathering, left, causes)
    totals = total_causes(parts)
    unsaid = covered.copy()
    unsaid[left] = True
    pieces, said = piece_causes(parts, unsaid, together=not totals)
    causes += pieces
    left = np.setdiff1d(left, said)
    for kind in (_too_little, _unfit):
        left = kind(gathering, left, causes)
    causes += lock_causes(gathering, covered)
    causes += level_causes(gathering)
    return list(dict.fromkeys(causes + totals))


# Each kind says what it finds among the units left, and returns those that it leaves.


def _off_the_road(gathering: Gathering, left: Ints, causes: list[str]) -> Ints:
    """Say which units no centre reaches, not even they themselves, or lie too far from any road."""
    problem = gathering.ground.problem
    lost = np.diff(problem.arcs.indptr) == 0
    snapped, limit = problem.times.snapped_m, problem.times.provenance.get("max_snap_m")
    known, where = {}, ("is near no road", "are near no road")
    if snapped is not None:
        metres = snapped.reindex(problem.units.ids).to_numpy(dtype=np.float64)
        if limit is not None:
            # A unit far from all roads reaches nothing, though a point is no minutes from itself.
            lost |= metres > limit
            if (metres[lost] > limit).all():
                said = f"more than {limit:,g} m from the road network"
                where = (f"lies {said}", f"lie {said}")
        known = {int(u): f"{metres[u]:,.0f} m" for u in np.flatnonzero(lost & np.isfinite(metres))}
    found = np.flatnonzero(lost)
    if len(found):
        it = them(len(found))
        beyond = set(problem.times.provenance.get("beyond_file", ()))
        leaves = beyond >= set(problem.units.ids[found].tolist())
        way_out = "take a larger extract of roads" if leaves else "add a road or raise max_snap_m"
        causes.append(
            f"{counted(len(found), 'unit')} {where[len(found) > 1]}, so no centre reaches {it}: "
            f"{units_in_words(problem, found, known, most=20)}; exclude {it}, or {way_out}"
        )
    return np.setdiff1d(left, found)


def _too_large(gathering: Gathering, left: Ints, causes: list[str]) -> Ints:
    """Say which units have more hours or customers by themselves than any level allows."""
    parts = gathering.ground
    problem, people = parts.problem, parts.problem.customers
    over = np.ones(len(left), dtype=bool)
    for level in (problem.levels[k] for k in parts.usable):
        heavy = above(problem.hours[left], level.weekly_hours)
        over &= heavy if people is None else heavy | above(people[left], level.customers)
    found = left[over]
    if len(found):
        own = {
            int(u): amount(problem, float(problem.hours[u]), None if people is None else float(people[u]))
            for u in found
        }
        causes.append(
            f"{counted(len(found), 'unit')} {'has' if len(found) == 1 else 'have each'} more than any zone "
            f"may have: {units_in_words(problem, found, own)}, with {bands_in_words(problem, parts.usable)}; "
            f"raise a band, split or exclude {them(len(found))}"
        )
    return left[~over]


def _alone(gathering: Gathering, left: Ints, causes: list[str]) -> Ints:
    """Say which units can share a zone with no other, whichever the centre, and cannot be a zone alone."""
    parts = gathering.ground
    problem, size = parts.problem, np.bincount(parts.piece)
    alone = np.array([len(gathering.centres_near(int(u))) <= 1 for u in left], dtype=bool)
    alone |= size[parts.piece[left]] == 1
    found = left[alone]
    touching = _degree(problem)[found] > 0
    for units, why, out in (
        (found[touching], "reach no unit", "raise max_minutes, add a road"),
        (found[~touching], "touch no unit", "add a bridge"),
    ):
        if not len(units):
            continue
        verb = why.replace("reach", "reaches", 1).replace("touch", "touches", 1) if len(units) == 1 else why
        own = {int(u): amount(problem, float(problem.hours[u]), None) for u in units}
        causes.append(
            f"{counted(len(units), 'unit')} {verb} that could share a zone with {them(len(units))}, "
            "and cannot be a zone alone: "
            f"{units_in_words(problem, units, own)}, with {bands_in_words(problem, parts.usable)}; "
            f"{out} or exclude {them(len(units))}"
        )
    return np.asarray(left[~alone])


def _degree(problem: Problem) -> Ints:
    """Return how many neighbours every unit has (n,); one where there is no graph to ask."""
    graph = problem.units.contiguity
    if graph is None or not all(problem.contiguous):
        return np.ones(len(problem.units), dtype=np.int64)
    return np.bincount(graph.pairs.ravel(), minlength=len(problem.units))


def _too_little(gathering: Gathering, left: Ints, causes: list[str]) -> Ints:
    """Say around which units no centre gathers the least hours of any level."""
    parts = gathering.ground
    problem = parts.problem
    lows = {k: (problem.levels[k].weekly_hours or (None,))[0] or 0.0 for k in parts.usable}
    most = {}
    for unit in left.tolist():
        by_level = {k: gathering.most_gathered(unit, k) for k in parts.usable}
        if any(by_level[k][0] >= lows[k] - ROUNDING for k in parts.usable):
            continue
        # The level that comes nearest to its minimum says most about the unit.
        k = min(parts.usable, key=lambda k: lows[k] - by_level[k][0])
        hours, centre = by_level[k]
        around = f" around {problem.units.ids[centre]}" if centre not in (-1, unit) else ""
        needs = f"of the {lows[k]:,.6g} that level {problem.levels[k].name} needs"
        most[unit] = f"at most {amount(problem, hours, None)}{around} {needs}"
    if most:
        causes.append(
            f"{counted(len(most), 'unit')} with no zone in reach that has enough hours: "
            f"{units_in_words(problem, most, most)}; raise max_minutes, lower a band's minimum, "
            f"add a road or a bridge, or exclude {them(len(most))}"
        )
    return np.setdiff1d(left, list(most))


def _unfit(gathering: Gathering, left: Ints, causes: list[str]) -> Ints:
    """Say which units are left that no zone of any level can have, for several reasons at once."""
    problem = gathering.ground.problem
    if len(left):
        causes.append(
            f"{counted(len(left), 'unit')} can be in no zone of any level, whichever the centre: "
            f"{units_in_words(problem, left)}, with {level_names(problem, gathering.ground.usable)}; "
            f"widen a band, raise max_minutes or exclude {them(len(left))}"
        )
    return left[:0]


def level_causes(gathering: Gathering) -> list[str]:
    """Return why levels that must have zones cannot have so many."""
    parts = gathering.ground
    problem = parts.problem
    causes = []
    for k in parts.usable:
        level = problem.levels[k]
        least, able = level.zone_range[0], 0
        for centre in range(len(problem.units)):
            if able >= least:
                break
            able += int(centre in gathering.holds(centre, k))
        if able >= least:
            continue
        asked = level.character
        if asked is not None and not problem.units.frame[asked.column].isin(asked.values).any():
            causes.append(
                f"level {level.name} must have {counted(least, 'zone')} with {asked.at_least:.0%} of hours "
                f"where {asked.column} is {listed(asked.values)}, and no unit is; correct the values or "
                "leave character out"
            )
            continue
        who = f"only {counted(able, 'unit')}" if able else "no unit"
        causes.append(
            f"level {level.name} must have {counted(least, 'zone')} but {who} can be the centre of one "
            f"({level_names(problem, [k])}); widen its bands, raise max_minutes or ask for fewer zones"
        )
    return causes
