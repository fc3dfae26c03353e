"""Locks and borders as sets of units: who moves together, who stays apart, which pairs no plan may join."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.errors import ScenarioError, nearest_name
from zonedesign.rules import Apart, CentreAt, Fixed, Frozen, Together

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Locks:
    """What the locks of a problem ask of its units, as positions.

    `group` (n,) is the first unit of everybody's group: the units of a group are in one zone. `apart` (k, 2)
    are pairs in different zones, `centres` the units that are centres, `frozen` sets that are each exactly
    one zone.
    """

    group: Ints
    apart: Ints
    centres: Ints
    frozen: tuple[Ints, ...]


def locks_of(problem: Problem) -> Locks:
    """Return the locks of a problem; `ScenarioError` for a zone that no baseline or start plan has."""
    place = {unit: k for k, unit in enumerate(problem.units.ids)}
    parent = np.arange(len(problem.units), dtype=np.int64)
    apart: list[tuple[int, int]] = []
    centres: list[int] = []
    frozen: list[Ints] = []
    for rule in problem.all_rules:
        if isinstance(rule, Together):
            _join(parent, [place[unit] for unit in rule.units])
        elif isinstance(rule, Apart):
            apart.append((place[rule.a], place[rule.b]))
        elif isinstance(rule, CentreAt):
            centres.append(place[rule.unit])
        elif isinstance(rule, Fixed):
            _join(parent, [place[rule.unit], _anchor(problem, rule)[1]])
        elif isinstance(rule, Frozen):
            members, _ = _anchor(problem, rule)
            _join(parent, members.tolist())
            frozen.append(members)
    group = np.array([_root(parent, unit) for unit in range(len(parent))], dtype=np.int64)
    return Locks(
        group,
        np.array(apart, dtype=np.int64).reshape(-1, 2),
        np.unique(np.array(centres, dtype=np.int64)),
        tuple(frozen),
    )


def restricted(problem: Problem, locks: Locks, possible: Mask) -> Mask:
    """Return `possible` (arcs, levels) without the pairs that locks and borders forbid, level by level."""
    arcs, n = problem.arcs, len(problem.units)
    centre = np.repeat(np.arange(n), np.diff(arcs.indptr))
    unit = arcs.units
    mask = possible.copy()
    for _, codes in problem.nests:
        mask[codes[centre] != codes[unit]] = False
    for members in locks.frozen:
        inside = np.zeros(n, dtype=bool)
        inside[members] = True
        mask[inside[centre] != inside[unit]] = False
    for a, b in locks.apart:
        same_a, same_b = locks.group == locks.group[a], locks.group == locks.group[b]
        mask[(same_a[centre] & same_b[unit]) | (same_b[centre] & same_a[unit])] = False
    is_centre = np.zeros(n, dtype=bool)
    is_centre[locks.centres] = True
    mask[is_centre[unit] & (unit != centre)] = False
    return _whole_groups(locks, centre, unit, mask)


def gathered(problem: Problem, locks: Locks, possible: Mask) -> tuple[Locks, Mask]:
    """Return locks in which units that only one centre can hold go with it, and what these leave possible.

    `possible` (arcs, levels) is restricted already. What follows from the larger groups is gathered too,
    until nothing more does. Programs are smaller so, above all those of parts whose centres are placed.
    """
    n = len(locks.group)
    centre, unit = np.repeat(np.arange(n), np.diff(problem.arcs.indptr)), problem.arcs.units
    while True:
        used = np.flatnonzero(possible.any(axis=1))
        sole = used[np.bincount(unit[used], minlength=n)[unit[used]] == 1]
        new = sole[locks.group[unit[sole]] != locks.group[centre[sole]]]
        if not len(new):
            return locks, possible
        parent = locks.group.copy()
        for pair in new:
            _join(parent, [int(unit[pair]), int(centre[pair])])
        group = np.array([_root(parent, unit) for unit in range(n)], dtype=np.int64)
        locks = replace(locks, group=group)
        possible = restricted(problem, locks, possible)


def _whole_groups(locks: Locks, centre: Ints, unit: Ints, mask: Mask) -> Mask:
    """Return the mask without pairs of a group that the centre cannot hold whole, nor of lost centres."""
    n = len(locks.group)
    size = np.bincount(locks.group, minlength=n)
    mask = mask.copy()
    if size.max(initial=0) > 1:
        used = np.flatnonzero(mask.any(axis=1))  # mostly few of all arcs
        cell = centre[used] * n + locks.group[unit[used]]
        held_cells, inverse = np.unique(cell, return_inverse=True)
        for level in range(mask.shape[1]):
            held = np.bincount(inverse, weights=mask[used, level], minlength=len(held_cells))
            mask[used, level] &= held[inverse] == size[locks.group[unit[used]]]
    for level in range(mask.shape[1]):
        open_centre = np.zeros(n, dtype=bool)
        open_centre[centre[(centre == unit) & mask[:, level]]] = True
        mask[:, level] &= open_centre[centre]
    return mask


def _anchor(problem: Problem, rule: Fixed | Frozen) -> tuple[Ints, int]:
    """Return the units and the centre of the zone that a rule names in the baseline or the start plan."""
    if problem.anchor_zones is None or problem.anchor_centres is None:
        raise ScenarioError(
            f"{type(rule).__name__} names zone '{rule.zone}', but there is no baseline and no start plan; "
            "give one of the two"
        )
    zone_of, names = problem.anchor_zones
    if str(rule.zone) not in names:
        raise ScenarioError(f"{type(rule).__name__} names zone '{rule.zone}'{nearest_name(rule.zone, names)}")
    number = names.index(str(rule.zone))
    return np.flatnonzero(zone_of == number).astype(np.int64), int(problem.anchor_centres[number])


def _root(parent: Ints, unit: int) -> int:
    while parent[unit] != unit:
        parent[unit] = parent[parent[unit]]
        unit = int(parent[unit])
    return unit


def _join(parent: Ints, units: Iterable[int]) -> None:
    """Put units into one group of the union-find forest; the smallest position is its root."""
    roots = sorted({_root(parent, int(unit)) for unit in units})
    for root in roots[1:]:
        parent[root] = roots[0]
