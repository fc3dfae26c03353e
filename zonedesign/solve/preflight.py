"""Preflight: what makes a problem impossible by name, before any solver runs.

Every cause is proved: a unit, a part of the map, a lock or a level that no plan whatever can satisfy.
An empty answer proves nothing; what is left is the solver's to decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zonedesign.errors import counted, listed
from zonedesign.rules import Apart, CentreAt, Fixed, Frozen, Together
from zonedesign.solve._gather import ROUNDING, Gathering, above
from zonedesign.solve._ground import ground
from zonedesign.solve._locks import lock_causes
from zonedesign.solve._remedies import farther, out_of_it, wider
from zonedesign.solve._totals import piece_causes, total_causes
from zonedesign.solve._words import amount, bands_in_words, level_names, them, units_in_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

LOCKS = (Together, Apart, CentreAt, Fixed, Frozen)
ASKED = 5
"""Units of a cause that are asked whether a longer limit would help."""


def preflight(problem: Problem) -> list[str]:
    """Return one sentence for each cause that makes the problem impossible, with the way out.

    Every sentence is a proof; no sentence proves nothing.
    """
    return _looked_at(problem)[0]


def stranded(problem: Problem) -> Ints:
    """Return the units (positions) that causes name because no zone can have them; locks aside."""
    return _looked_at(problem)[1]


def ruled_out(problem: Problem) -> bool:
    """Return whether there is any cause, without looking for the ways out of it."""
    return bool(_looked_at(problem, worded=False)[0])


def _looked_at(problem: Problem, *, worded: bool = True) -> tuple[list[str], Ints]:
    """Return the causes, and the units that some of them name."""
    parts = ground(problem)
    if not parts.usable:
        none = np.zeros(0, dtype=np.int64)
        return ["every level is limited to 0 zones, so no unit can be in one; give a level zones"], none
    gathering = Gathering(parts, worded=worded)
    covered = gathering.coverage()
    locks = lock_causes(gathering, covered)
    if locks:
        # What follows from a lock that cannot be kept is no cause of its own: the rest is judged without.
        rules = [rule for rule in problem.rules if not isinstance(rule, LOCKS)]
        gathering = Gathering(ground(problem.with_(rules=rules)), worded=worded)
        covered = gathering.coverage()
    others, named = _beside_locks(gathering, covered)
    return list(dict.fromkeys(others + locks)), named


def _beside_locks(gathering: Gathering, covered: Bools) -> tuple[list[str], Ints]:
    """Return the causes that are no lock's own, and the units that some of them name."""
    parts = gathering.ground
    # Items of several units, frozen zones among them, are locks and are explained as such.
    left = np.flatnonzero(~covered & (parts.item_size[parts.item] == 1))
    named = left
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
    return causes + level_causes(gathering) + totals, np.union1d(named, said)


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
    for units, why in ((found[touching], "reach no unit"), (found[~touching], "touch no unit")):
        if not len(units):
            continue
        way = [*farther(gathering, _covering(units)), "add a road"]
        out = out_of_it(way if why.startswith("reach") else "add a bridge", f"exclude {them(len(units))}")
        verb = why.replace("reach", "reaches", 1).replace("touch", "touches", 1) if len(units) == 1 else why
        own = {int(u): amount(problem, float(problem.hours[u]), None) for u in units}
        causes.append(
            f"{counted(len(units), 'unit')} {verb} that could share a zone with {them(len(units))}, "
            "and cannot be a zone alone: "
            f"{units_in_words(problem, units, own)}, with {bands_in_words(problem, parts.usable)}; {out}"
        )
    return np.asarray(left[~alone])


def _covering(units: Ints | list[int]) -> Callable[[Gathering], bool]:
    """Return whether one of the first of some units can be in a zone, as a question to a looser problem."""
    return lambda looser: any(looser.covers(int(unit)) for unit in units[:ASKED])


def _leading(level: int, least: int) -> Callable[[Gathering], bool]:
    """Return whether a level can have so many zones, as a question to a looser problem."""
    return lambda looser: looser.leads(level, least) >= least


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
        ways = [*farther(gathering, _covering(list(most))), "lower a band's minimum"]
        causes.append(
            f"{counted(len(most), 'unit')} with no zone in reach that has enough hours: "
            f"{units_in_words(problem, most, most)}; {', '.join(ways)}, "
            f"add a road or a bridge, or exclude {them(len(most))}"
        )
    return np.setdiff1d(left, list(most))


def _unfit(gathering: Gathering, left: Ints, causes: list[str]) -> Ints:
    """Say which units are left that no zone of any level can have, for several reasons at once."""
    problem = gathering.ground.problem
    if len(left):
        helps = _covering(left)
        far = farther(gathering, helps)
        ways = out_of_it(wider(gathering, helps, "widen a band"), far, f"exclude {them(len(left))}")
        causes.append(
            f"{counted(len(left), 'unit')} can be in no zone of any level, whichever the centre: "
            f"{units_in_words(problem, left)}, with {level_names(problem, gathering.ground.usable)}; {ways}"
        )
    return left[:0]


def level_causes(gathering: Gathering) -> list[str]:
    """Return why levels that must have zones cannot have so many."""
    parts = gathering.ground
    problem = parts.problem
    causes = []
    for k in parts.usable:
        level = problem.levels[k]
        least = level.zone_range[0]
        able = gathering.leads(k, least)
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
        helps = _leading(k, least)
        bands = wider(gathering, helps, "widen its bands")
        ways = out_of_it(bands, farther(gathering, helps), "ask for fewer zones")
        who = f"only {counted(able, 'unit')}" if able else "no unit"
        causes.append(
            f"level {level.name} must have {counted(least, 'zone')} but {who} can be the centre of one "
            f"({level_names(problem, [k])}); {ways}"
        )
    return causes
