"""What is tied together and what is kept apart: items that share a zone, pieces that no zone crosses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from zonedesign.errors import ScenarioError
from zonedesign.rules import CentreAt, Fixed, Frozen, NestIn, Together

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ground:
    """A problem's units, grouped.

    `item` (n,) numbers the units that must share a zone, `piece` (n,) the parts that no zone crosses,
    `cell` (n,) the parts that borders and frozen zones alone make, `frozen` (n,) the frozen zone of a unit
    or -1, `usable` the levels that may have a zone, `torn` the locks whose units lie in different pieces
    (left out of `item`).
    """

    problem: Problem
    usable: tuple[int, ...]
    item: Ints
    piece: Ints
    cell: Ints
    frozen: Ints
    frozen_names: tuple[str, ...]
    torn: tuple[tuple[str, Ints], ...]

    @cached_property
    def item_size(self) -> Ints:
        """Units of every item."""
        return np.bincount(self.item)

    @cached_property
    def contiguous_everywhere(self) -> bool:
        """Whether every level that may have a zone asks for connected zones."""
        return all(self.problem.contiguous[k] for k in self.usable)

    @cached_property
    def forced_centres(self) -> Ints:
        """Positions of the units that must be centres, each once."""
        return positions(
            self.problem, [rule.unit for rule in self.problem.all_rules if isinstance(rule, CentreAt)]
        )


def ground(problem: Problem) -> Ground:
    """Return the items and pieces of a problem."""
    usable = tuple(k for k, level in enumerate(problem.levels) if level.zone_range[1] != 0)
    n = len(problem.units)
    frozen, names = _frozen(problem)
    cell = _numbered([codes for _, codes in problem.nests] + [frozen], n)
    piece = _pieces(problem, usable, cell, frozen)
    ties = tied(problem)
    torn = tuple((what, units) for what, units in ties if len(np.unique(piece[units])) > 1)
    pairs = [np.flatnonzero(frozen == k) for k in range(len(names))]
    pairs += [units for what, units in ties if len(np.unique(piece[units])) == 1]
    item = _components(
        n,
        np.concatenate([np.column_stack([u[:-1], u[1:]]) for u in pairs])
        if pairs
        else np.zeros((0, 2), dtype=np.int64),
    )
    return Ground(problem, usable, item, piece, cell, frozen, names, torn)


def tied(problem: Problem) -> list[tuple[str, Ints]]:
    """Return every lock that puts units into one zone, as (what it is, positions)."""
    ties = []
    for rule in problem.all_rules:
        if isinstance(rule, Together):
            ties.append(("together", positions(problem, rule.units)))
        elif isinstance(rule, Fixed):
            centre = problem.units.ids[anchor_zone(problem, rule.zone)[1]]
            ties.append((f"to zone {rule.zone}", positions(problem, [rule.unit, centre])))
    return [(what, units) for what, units in ties if len(units) > 1]


def positions(problem: Problem, units: Any) -> Ints:
    """Return the positions of some units, ascending and without repeats."""
    return np.unique(
        problem.units.ids.get_indexer(pd.Index(list(units), dtype=problem.units.ids.dtype)).astype(np.int64)
    )


def anchor_zone(problem: Problem, zone: str) -> tuple[Ints, int]:
    """Return the units and the centre of a zone of the anchor plan, which is known to be there."""
    anchor, centres = problem.anchor_zones, problem.anchor_centres
    if anchor is None or centres is None:
        raise ScenarioError(f"a lock names zone '{zone}' and there is no plan to find it in; give a baseline")
    number = anchor[1].index(zone)
    return np.flatnonzero(anchor[0] == number).astype(np.int64), int(centres[number])


def code_names(problem: Problem, nest: int) -> list[str]:
    """Return what the codes of the `nest`-th border set are called, in the order of their numbers."""
    rule = [each for each in problem.all_rules if isinstance(each, NestIn)][nest]
    border = problem.units.frame[rule.border] if isinstance(rule.border, str) else pd.Series(rule.border)
    codes = problem.nests[nest][1]
    values = border.reindex(problem.units.ids).to_numpy()
    names = []
    for code in range(int(codes.max(initial=-1)) + 1):
        here = pd.unique(pd.Series(values[codes == code]).astype(str))
        names.append(" and ".join(here))
    return names


def _frozen(problem: Problem) -> tuple[Ints, tuple[str, ...]]:
    """Return the number of every unit's frozen zone (n,), -1 for none, and the zones' names."""
    frozen = np.full(len(problem.units), -1, dtype=np.int64)
    names = tuple(dict.fromkeys(rule.zone for rule in problem.all_rules if isinstance(rule, Frozen)))
    for k, name in enumerate(names):
        frozen[anchor_zone(problem, name)[0]] = k
    return frozen, names


def _pieces(problem: Problem, usable: tuple[int, ...], cell: Ints, frozen: Ints) -> Ints:
    """Return the parts (n,) that no zone crosses: by borders, then reach and contiguity in turn."""
    n = len(cell)
    arcs = problem.arcs
    rows = np.repeat(np.arange(n), np.diff(arcs.indptr))
    used = arcs.allowed[:, list(usable)].any(axis=1) if usable else np.zeros(len(rows), dtype=bool)
    links = [np.column_stack([rows[used], arcs.units[used]])]
    if problem.units.contiguity is not None and all(problem.contiguous[k] for k in usable):
        links.append(problem.units.contiguity.pairs)
    piece = cell
    while True:
        parts = [_components(n, pairs[piece[pairs[:, 0]] == piece[pairs[:, 1]]]) for pairs in links]
        finer = _numbered([piece, *parts], n)
        if finer.max(initial=-1) == piece.max(initial=-1):
            break
        piece = finer
    # A frozen zone that is not connected is a cause of its own, not several pieces.
    return _numbered([np.where(frozen >= 0, -1 - frozen, piece)], n)


def _components(n: int, pairs: Ints) -> Ints:
    """Return the component of every unit (n,) in the graph of `pairs` (k, 2)."""
    graph = sparse.coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return np.asarray(connected_components(graph.tocsr(), directed=False)[1], dtype=np.int64)


def _numbered(labels: list[Ints], n: int) -> Ints:
    """Return one number for every combination of labels (n,), from 0 in the order of first appearance."""
    if not labels:
        return np.zeros(n, dtype=np.int64)
    return pd.factorize(pd.MultiIndex.from_arrays([*labels, np.zeros(n)]))[0].astype(np.int64)
