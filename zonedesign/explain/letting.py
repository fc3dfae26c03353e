"""Letting go: dials that are kept or let go, as locks, borders, missing bridges and units left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from zonedesign.contiguity import Contiguity
from zonedesign.errors import DataError, listed
from zonedesign.explain.dials import MAX, Dial
from zonedesign.rules import Apart, CentreAt, Fixed, Frozen, NestIn, Together
from zonedesign.solve._ground import anchor_zone

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem
    from zonedesign.rules import Rule
    from zonedesign.units import Units

    Ints = NDArray[np.int64]

MOST_PARTS = 60
"""Bridges, pairs of codes and units left out are tried one by one up to so many."""


def _dial(
    rule: str, quantity: str, state: Callable[[Problem, float], Problem], key: str, says: str, **more: Any
) -> Dial:
    return Dial(
        rule, None, quantity, MAX, 0.0, 1.0,
        lambda problem, value: state(problem, value) if value >= 1 else problem,
        key, says, whole=True, lets_go=True, **more,
    )  # fmt: skip


# Locks.


def lock_dials(problem: Problem) -> list[Dial]:
    """Return a dial for every lock, which lets it go."""
    return [found for rule in dict.fromkeys(problem.rules) if (found := _lock(problem, rule)) is not None]


def _lock(problem: Problem, rule: Rule) -> Dial | None:
    """Return the dial of a lock, known by what `verify` calls it; None for other rules."""
    ids = problem.units.ids
    units: tuple[Any, ...]
    if isinstance(rule, Together):
        units, key = rule.units, "together"
        quantity, says = f"zones of {_list(units)}", f"units {_list(units)} in one zone"
        waived = f"units {_list(units)} need not be together"
    elif isinstance(rule, Apart):
        units, key = (rule.a, rule.b), "apart"
        quantity, says = f"zones of {_list(units)}", f"units {rule.a} and {rule.b} in different zones"
        waived = f"units {rule.a} and {rule.b} need not be apart"
    elif isinstance(rule, CentreAt):
        units, key = (rule.unit,), "centre_at"
        quantity, says = f"zones with their centre at {rule.unit}", f"a centre at unit {rule.unit}"
        waived = f"unit {rule.unit} need not be a centre"
    elif isinstance(rule, Fixed):
        units, key = (rule.unit,), "fixed"
        centre = ids[anchor_zone(problem, rule.zone)[1]]
        quantity = f"{rule.unit} with the centre of {rule.zone}, {centre}"
        says = f"unit {rule.unit} in the zone of {centre}, the centre of {rule.zone}"
        waived = f"unit {rule.unit} need not stay with {centre}, the centre of {rule.zone}"
    elif isinstance(rule, Frozen):
        units, key = tuple(ids[anchor_zone(problem, rule.zone)[0]]), "frozen"
        quantity, says = f"units that left or joined {rule.zone}", f"zone {rule.zone} as it is"
        waived = f"zone {rule.zone} need not stay as it is"
    else:
        return None

    def state(problem: Problem, _value: float) -> Problem:
        return problem.with_(rules=[each for each in problem.rules if each != rule])

    return _dial(type(rule).__name__, quantity, state, key, says, units=units, waived=waived)


def _list(units: tuple[Any, ...]) -> str:
    return ", ".join(map(str, units))


# Borders.


def border_dials(problem: Problem) -> list[Dial]:
    """Return a dial for every border set that zones nest in, which lets zones cross where units touch."""
    found = []
    rules: list[NestIn] = [rule for rule in problem.all_rules if isinstance(rule, NestIn)]
    for number, rule in enumerate(rules):
        is_authority = problem.units.authority is not None and number == len(rules) - 1
        codes = _codes_of(problem, rule)
        pairs = _touching_codes(problem, problem.nests[number][1], codes)
        if pairs:
            found.append(_border(rule, codes, pairs, len(pairs), is_authority=is_authority))
    return found


def _codes_of(problem: Problem, rule: NestIn) -> dict[Any, Any]:
    """Return the code of every unit, by id, as the border has it."""
    border = problem.units.frame[rule.border] if isinstance(rule.border, str) else pd.Series(rule.border)
    codes = border.reindex(problem.units.ids)
    return dict(zip(problem.units.ids.tolist(), codes.tolist(), strict=True))


def _touching_codes(problem: Problem, numbers: Ints, codes: dict[Any, Any]) -> tuple[tuple[Any, Any], ...]:
    """Return the pairs of codes that a zone would mix first: those whose units touch, else those in reach."""
    graph = problem.units.contiguity
    if graph is not None:
        pairs = graph.pairs
    else:
        arcs = problem.arcs
        pairs = np.column_stack([np.repeat(np.arange(len(numbers)), np.diff(arcs.indptr)), arcs.units])
    across = pairs[numbers[pairs[:, 0]] != numbers[pairs[:, 1]]]
    named = dict(zip(numbers.tolist(), codes.values(), strict=True))
    found = sorted({tuple(sorted((int(numbers[a]), int(numbers[b])))) for a, b in across.tolist()})
    return tuple((named[a], named[b]) for a, b in found)


def _border(
    rule: NestIn, codes: dict[Any, Any], pairs: tuple[tuple[Any, Any], ...], every: int, *, is_authority: bool
) -> Dial:
    def joint_with(problem: Problem, given: tuple[tuple[Any, ...], ...]) -> tuple[tuple[Any, ...], ...]:
        groups = [set(group) for group in given]
        for pair in pairs:
            mixed = [group for group in groups if group & set(pair)]
            groups = [group for group in groups if group not in mixed] + [set(pair).union(*mixed)]
        order = {
            code: place
            for place, code in enumerate(
                dict.fromkeys([*codes.values(), *(code for group in given for code in group)])
            )
        }
        # Units that are left out may take the last of a code with them.
        there = {codes[unit] for unit in problem.units.ids}
        kept = [sorted(group & there, key=lambda code: order[code]) for group in groups]
        return tuple(tuple(group) for group in kept if len(group) > 1)

    def state(problem: Problem, _value: float) -> Problem:
        if is_authority:
            return problem.with_(units=replace(problem.units, joint=joint_with(problem, problem.units.joint)))
        return problem.with_(
            rules=[
                replace(each, joint=joint_with(problem, each.joint))
                if isinstance(each, NestIn) and each.border is rule.border
                else each
                for each in problem.rules
            ]
        )

    def used(plan: Plan) -> tuple[Any, ...]:
        mixed: list[set[Any]] = [set() for _ in plan.zone_ids]
        for zone, unit in zip(plan.zone.tolist(), plan.of_units.ids.tolist(), strict=True):
            mixed[zone].add(codes[unit])
        return tuple(pair for pair in pairs if any(set(pair) <= each for each in mixed))

    def only(parts: tuple[Any, ...]) -> Dial:
        return _border(rule, codes, parts, every, is_authority=is_authority)

    said = listed((f"{a} and {b}" for a, b in pairs), 3)
    across = f"no zone across {rule.name}"
    says = across if len(pairs) == every else f"{across} ({said})"
    return _dial(
        "NestIn", f"codes of {rule.name}", state, "joint" if is_authority else "nest_in", says,
        parts=pairs, only=only, used=used,
    )  # fmt: skip


# Bridges.


def bridge_dial(problem: Problem) -> Dial | None:
    """Return the dial that joins pieces of the map that do not touch, the smallest to its nearest unit first.

    Pieces are within one border; None where each of them is one piece, or no level asks for connected zones.
    """
    graph = problem.units.contiguity
    if graph is None or not any(problem.contiguous):
        return None
    cell = np.zeros(len(problem.units), dtype=np.int64)
    for _, codes in problem.nests:
        cell = pd.factorize(cell * (int(codes.max()) + 1) + codes)[0].astype(np.int64)
    inside = graph.pairs[cell[graph.pairs[:, 0]] == cell[graph.pairs[:, 1]]]
    piece = _pieces(len(cell), inside)
    count, cells = int(piece.max()) + 1, int(cell.max()) + 1
    if not 0 < count - cells <= MOST_PARTS:
        return None
    near = _nearness(problem)
    joins: list[tuple[int, int]] = []
    while True:
        size = np.bincount(piece, minlength=count)
        alone = [p for p in np.unique(piece) if (cell == cell[np.argmax(piece == p)]).sum() > size[p]]
        if not alone:
            break
        small = min(alone, key=lambda p: (size[p], p))
        mine = np.flatnonzero(piece == small)
        others = np.flatnonzero((piece != small) & (cell == cell[mine[0]]))
        apart = near(mine, others)
        a, b = np.unravel_index(int(np.argmin(apart)), apart.shape)
        joins.append((int(mine[a]), int(others[b])))
        piece[piece == small] = piece[others[b]]
    return _bridges(problem, tuple(joins))


def _bridges(problem: Problem, joins: tuple[tuple[int, int], ...]) -> Dial:
    ids = problem.units.ids

    def state(problem: Problem, _value: float) -> Problem:
        graph: Any = problem.units.contiguity
        pairs = [(graph.ids[a], graph.ids[b]) for a, b in graph.pairs]
        new = tuple((ids[a], ids[b]) for a, b in joins if ids[a] in graph.ids and ids[b] in graph.ids)
        wider = Contiguity.from_pairs(graph.ids, [*pairs, *new], (*graph.bridges, *new))
        lengths = np.zeros(len(wider.pairs))
        key = {(int(a), int(b)): metres for (a, b), metres in zip(graph.pairs, graph.boundary_m, strict=True)}
        for k, (a, b) in enumerate(wider.pairs.tolist()):
            lengths[k] = key.get((a, b), 0.0)
        return problem.with_(units=replace(problem.units, contiguity=replace(wider, boundary_m=lengths)))

    def used(plan: Plan) -> tuple[Any, ...]:
        zone = dict(zip(plan.of_units.ids.tolist(), plan.zone.tolist(), strict=True))
        return tuple((a, b) for a, b in joins if zone.get(ids[a], -1) == zone.get(ids[b], -2))

    return _dial(
        "Bridge", "bridges", state, "bridges", "no bridge between parts of the map that do not touch",
        parts=joins, only=lambda parts: _bridges(problem, parts), used=used,
    )  # fmt: skip


def _nearness(problem: Problem) -> Callable[[Ints, Ints], NDArray[np.float64]]:
    """Return a function that says how far each of some units lies from each of others."""
    points: Any = problem.units.points
    if points is None:
        minutes = problem.travel.to_array()
        longer = np.maximum(minutes, minutes.T)
        return lambda a, b: np.asarray(longer[np.ix_(a, b)], dtype=np.float64)
    x, y = points.x.to_numpy(), points.y.to_numpy()
    return lambda a, b: np.asarray(np.hypot(x[a][:, None] - x[b], y[a][:, None] - y[b]), dtype=np.float64)


def _pieces(n: int, pairs: Ints) -> Ints:
    graph = sparse.coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return np.asarray(connected_components(graph.tocsr(), directed=False)[1], dtype=np.int64)


# Units left out.


def off_the_road(problem: Problem) -> Ints:
    """Return the units (positions) that no centre reaches, or that lie too far from any road."""
    lost = np.diff(problem.arcs.indptr) == 0
    snapped, limit = problem.times.snapped_m, problem.times.provenance.get("max_snap_m")
    if snapped is not None and limit is not None:
        lost |= snapped.reindex(problem.units.ids).to_numpy(dtype=np.float64) > limit
    return np.flatnonzero(lost).astype(np.int64)


def exclusion_dial(problem: Problem, stranded: Ints) -> Dial | None:
    """Return the dial that leaves out units that no zone can have; None where locks name them or most are."""
    if any(isinstance(rule, (Fixed, Frozen)) for rule in problem.rules):
        return None
    named: set[Any] = set()
    for rule in problem.rules:
        if isinstance(rule, Together):
            named |= set(rule.units)
        elif isinstance(rule, Apart):
            named |= {rule.a, rule.b}
        elif isinstance(rule, CentreAt):
            named.add(rule.unit)
    units = [int(u) for u in stranded if problem.units.ids[u] not in named]
    if not units or len(units) > len(problem.units) // 2:
        return None
    dial = _exclusion(problem, tuple(units))
    try:
        dial.state(problem, 1.0)
    except DataError:  # a border names a council that no other unit has
        return None
    return dial


def _exclusion(problem: Problem, units: tuple[int, ...]) -> Dial:
    gone = problem.units.ids[list(units)]

    def state(problem: Problem, _value: float) -> Problem:
        return without(problem, gone)

    return _dial(
        "Exclude", "units left out", state, "exclude", f"a zone for {listed(gone)}",
        parts=units, only=lambda parts: _exclusion(problem, parts),
    )  # fmt: skip


def without(problem: Problem, gone: pd.Index[Any]) -> Problem:
    """Return the problem with some units left out on purpose."""
    units = problem.units
    kept = ~units.ids.isin(gone)
    graph = units.contiguity
    if graph is not None:
        place = np.cumsum(kept) - 1
        inside = kept[graph.pairs].all(axis=1)
        ids = units.ids[kept]
        bridges = tuple(pair for pair in graph.bridges if all(unit in ids for unit in pair))
        graph = Contiguity(ids, place[graph.pairs[inside]], graph.boundary_m[inside], bridges)
    left_out = units.frame[~kept]
    excluded = left_out if units.excluded is None else pd.concat([units.excluded, left_out])
    authority = None if units.authority is None else units.authority[kept]
    joint = [[code for code in group if authority is None or code in set(authority)] for group in units.joint]
    smaller = replace(
        units,
        frame=units.frame[kept],
        hours=units.hours[kept],
        customers=None if units.customers is None else units.customers[kept],
        points=None if units.points is None else units.points[kept],
        contiguity=graph,
        authority=authority,
        joint=tuple(tuple(group) for group in joint if len(group) > 1),
        excluded=excluded,
    )
    return problem.with_(units=smaller, rules=[_joined_here(rule, smaller) for rule in problem.rules])


def _joined_here(rule: Rule, units: Units) -> Rule:
    """Return a rule without the joint codes that no unit has any more."""
    if not isinstance(rule, NestIn) or not rule.joint:
        return rule
    border = units.frame[rule.border] if isinstance(rule.border, str) else pd.Series(rule.border)
    there = set(border.reindex(units.ids))
    kept = [tuple(code for code in group if code in there) for group in rule.joint]
    return replace(rule, joint=tuple(group for group in kept if len(group) > 1))
