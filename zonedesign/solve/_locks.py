"""Locks against each other and against the rules: what a commissioner asked for that cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from zonedesign.errors import counted
from zonedesign.levels import within
from zonedesign.rules import Apart
from zonedesign.solve._gather import ROUNDING
from zonedesign.solve._ground import code_names, positions
from zonedesign.solve._remedies import farther, out_of_it
from zonedesign.solve._words import amount, bands_in_words, level_names, units_in_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from zonedesign.solve._gather import Gathering
    from zonedesign.solve._ground import Ground

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]


def lock_causes(gathering: Gathering, covered: Bools) -> list[str]:
    """Return the locks that contradict one another, the borders, the levels or the reach."""
    parts = gathering.ground
    causes = [_torn(gathering, what, units) for what, units in parts.torn]
    causes += _apart(parts)
    causes += _centres(gathering, covered)
    causes += [
        _frozen(gathering, k) for k in range(len(parts.frozen_names)) if not covered[parts.frozen == k].any()
    ]
    for item in np.flatnonzero(parts.item_size > 1):
        units = np.flatnonzero(parts.item == item)
        if parts.frozen[units[0]] < 0 and not covered[units].any():
            causes.append(_too_much_together(gathering, units))
    return causes


def _torn(gathering: Gathering, what: str, units: Ints) -> str:
    """Return why units that a lock puts into one zone lie in different parts of the map."""
    parts = gathering.ground
    problem = parts.problem
    said = f"{units_in_words(problem, units)} are locked {what}"
    for k, (name, codes) in enumerate(problem.nests):
        if len(np.unique(codes[units])) > 1:
            names = code_names(problem, k)
            sides = " and ".join(dict.fromkeys(names[c] for c in codes[units]))
            return (
                f"{said}, but no zone may cross {name}: they lie in {sides}; take the lock away or join the "
                "two"
            )
    if len(np.unique(parts.frozen[units])) > 1:
        zone = parts.frozen_names[int(parts.frozen[units].max())]
        return f"{said}, but zone {zone} is frozen with only some of them; take one of the locks away"
    far = farther(gathering, lambda looser: len(np.unique(looser.ground.piece[units])) == 1)
    ways = out_of_it("take the lock away", "add a bridge", far)
    return f"{said}, but no chain of neighbours within reach leads from one to the other; {ways}"


def _apart(parts: Ground) -> list[str]:
    """Return units that are locked apart and yet tied into one zone."""
    causes = []
    for rule in parts.problem.all_rules:
        if isinstance(rule, Apart):
            a, b = (positions(parts.problem, [unit])[0] for unit in (rule.a, rule.b))
            if parts.item[a] == parts.item[b]:
                causes.append(
                    f"{rule.a} and {rule.b} are locked apart, and other locks put them into one zone; take "
                    "one of the locks away"
                )
    return causes


def _centres(gathering: Gathering, covered: Bools) -> list[str]:
    """Return units that are to be centres and cannot be, or not all of them."""
    parts = gathering.ground
    problem, causes = parts.problem, []
    items = parts.item[parts.forced_centres]
    for item in np.unique(items):
        rivals = parts.forced_centres[items == item]
        if len(rivals) > 1:
            causes.append(
                f"{units_in_words(problem, rivals)} must each be a centre, and other locks put them into "
                "one zone; take one of the locks away"
            )
    for unit in parts.forced_centres:
        able = any(unit in gathering.holds(int(unit), k) for k in parts.usable)
        if covered[unit] and not able:
            far = farther(gathering, _leading(int(unit)))
            ways = out_of_it("choose another centre", "widen a band", far)
            causes.append(
                f"{problem.units.ids[unit]} must be a centre, and no zone around it meets any level "
                f"({level_names(problem, parts.usable)}); {ways}"
            )
    most = [level.zone_range[1] for level in problem.levels]
    if None not in most and sum(m or 0 for m in most) < len(parts.forced_centres):
        causes.append(
            f"{counted(len(parts.forced_centres), 'unit')} must be centres and the levels allow "
            f"{counted(sum(m or 0 for m in most), 'zone')}: "
            f"{units_in_words(problem, parts.forced_centres)}; name fewer or allow more zones"
        )
    return causes


def _frozen(gathering: Gathering, k: int) -> str:
    """Return why a frozen zone can be a zone of no level."""
    parts = gathering.ground
    problem, units = parts.problem, np.flatnonzero(parts.frozen == k)
    hours = float(problem.hours[units].sum())
    people = None if problem.customers is None else float(problem.customers[units].sum())
    said = f"zone {parts.frozen_names[k]} is frozen"
    out = f"take the lock away, or {{}}, with {bands_in_words(problem, parts.usable)}"
    for n, (name, codes) in enumerate(problem.nests):
        if len(np.unique(codes[units])) > 1:
            sides = " and ".join(dict.fromkeys(code_names(problem, n)[c] for c in codes[units]))
            return f"{said} and crosses {name}: {sides}; take the lock away or join the two"
    fitting = [
        level
        for level in (problem.levels[j] for j in parts.usable)
        if within(hours, level.weekly_hours) and (people is None or within(people, level.customers))
    ]
    if not fitting:
        return (
            f"{said} and has {amount(problem, hours, people)}, outside every level's band; "
            f"{out.format('widen a band')}"
        )
    if parts.contiguous_everywhere and problem.units.contiguity is not None and not _connected(parts, units):
        return (
            f"{said} and its {counted(len(units), 'unit')} are not connected; take the lock away, or add a "
            "bridge"
        )
    way = " or ".join(farther(gathering, lambda looser: looser.covers(int(units[0])))) or "widen a band"
    return f"{said} and has no centre from which all its units are in reach; {out.format(way)}"


def _too_much_together(gathering: Gathering, units: Ints) -> str:
    """Return why units that are locked together fit into no zone."""
    parts = gathering.ground
    problem = parts.problem
    hours = float(problem.hours[units].sum())
    people = None if problem.customers is None else float(problem.customers[units].sum())
    said = f"{units_in_words(problem, units)} are locked together"
    over = []
    for k in parts.usable:
        level = problem.levels[k]
        heavy = (
            level.weekly_hours is not None
            and level.weekly_hours[1] is not None
            and hours > level.weekly_hours[1] + ROUNDING
        )
        many = (
            people is not None
            and level.customers is not None
            and level.customers[1] is not None
            and people > level.customers[1] + ROUNDING
        )
        over.append(heavy or many)
    if all(over):
        return (
            f"{said} and have {amount(problem, hours, people)}, more than any zone may have, with "
            f"{bands_in_words(problem, parts.usable)}; "
            "take the lock away or raise a band"
        )
    seen = any(
        set(units.tolist()) <= set(gathering.largest(int(c), k).tolist())
        for c in gathering.centres_near(int(units[0]))
        for k in parts.usable
    )
    if not seen:
        ways = out_of_it(
            "take the lock away", farther(gathering, lambda looser: looser.covers(int(units[0])))
        )
        return f"{said} and no centre reaches all of them ({level_names(problem, parts.usable)}); {ways}"
    return (
        f"{said} and no zone that holds all of them meets any level ({level_names(problem, parts.usable)}); "
        "take the lock away or widen a band"
    )


def _leading(unit: int) -> Callable[[Gathering], bool]:
    """Return whether a unit can be a centre, as a question to a looser problem."""
    return lambda looser: any(unit in looser.holds(unit, k) for k in looser.ground.usable)


def _connected(parts: Ground, units: Ints) -> bool:
    graph = parts.problem.units.contiguity
    if graph is None:
        return False
    inside = np.isin(graph.pairs, units).all(axis=1)
    pairs = np.searchsorted(units, graph.pairs[inside])
    table = sparse.coo_array(
        (np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(units), len(units))
    )
    return int(connected_components(table.tocsr(), directed=False)[0]) == 1
