"""Improve: seeded chains of simulated annealing over connected zones, side by side on threads."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign import measures
from zonedesign.errors import ScenarioError
from zonedesign.rules import Apart, CentreAt, Fixed, Frozen, Together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

KINDS = 7


@dataclass(frozen=True, eq=False)
class Draft:
    """A plan in numbers: zone (n,) of every unit, level (k,) and centre (k,) of every zone, and its objective.

    `price` is inf while rules are broken.
    """

    zone: Ints
    level: Ints
    centre: Ints
    price: float = math.inf


@dataclass(frozen=True, eq=False)
class Search:
    """A problem made ready for the search: its arrays, its scale and its room for zones."""

    problem: Problem
    case: Any
    slots: int
    typical: float

    @classmethod
    def of(cls, problem: Problem, possible: NDArray[np.bool_]) -> Search:
        """Return the search over a problem; `possible` is (arcs, levels), from `fixing.possible_arcs`."""
        from zonedesign.solve._moves import Case  # noqa: PLC0415  (numba is slow to import)

        n, levels, arcs = len(problem.units), problem.levels, problem.arcs
        hours, total = problem.hours, float(problem.hours.sum()) or 1.0
        centre = np.repeat(np.arange(n), np.diff(arcs.indptr))
        cap = 1.5 * float(arcs.minutes.max(initial=0.0)) + 1e-6
        minutes = np.full((n, n), cap, dtype=np.float32)
        minutes[arcs.units, centre] = arcs.minutes
        allowed = np.zeros((n, n), dtype=np.uint8)
        for k in range(len(levels)):
            allowed[arcs.units, centre] |= np.where(possible[:, k], 1 << k, 0).astype(np.uint8)
        codes = np.zeros(n, dtype=np.int64)
        for _, nest in problem.nests:
            codes = pd.factorize(codes * (int(nest.max()) + 1) + nest)[0].astype(np.int64)
        graph = problem.units.contiguity
        if graph is None:
            rows, columns = np.nonzero(allowed | allowed.T)
            keep = rows != columns
            indptr = np.zeros(n + 1, dtype=np.int64)
            np.cumsum(np.bincount(rows[keep], minlength=n), out=indptr[1:])
            near, lengths = columns[keep], np.zeros(int(keep.sum()))
        else:
            indptr, near, lengths = graph.csr
            if lengths.sum() <= 0:
                lengths = np.ones(len(lengths))
        weights = problem.objective
        edge = weights.cut * total * lengths / max(float(lengths.sum()) / 2, 1e-12)
        link_ptr, link_to, link_weight = _links(problem)
        few = [(lv.customers or (None, None))[0] for lv in levels]
        many = [(lv.customers or (None, None))[1] for lv in levels]
        bands = [lv.weekly_hours or (None, None) for lv in levels]
        shares = [lv.hours_share or (None, None) for lv in levels]
        low = np.array([b[0] or 0.0 for b in bands], dtype=np.float64)
        most = np.array([n if lv.zone_range[1] is None else lv.zone_range[1] for lv in levels], dtype=np.int64)
        most = np.minimum(most, np.where(low > 0, (total / np.maximum(low, 1e-9)).astype(np.int64) + 1, n))
        wanted = np.zeros(n, dtype=np.bool_)
        for rule in problem.rules:
            if isinstance(rule, CentreAt):
                wanted[problem.units.ids.get_loc(rule.unit)] = True
        case = Case(
            minutes=minutes,
            allowed=allowed,
            conflict=_conflicts(problem),
            hours=hours,
            customers=np.zeros(n) if problem.customers is None else problem.customers,
            urban=np.array([_urban(problem, k) for k in range(len(levels))]),
            nest=codes,
            indptr=indptr.astype(np.int64),
            near=near.astype(np.int32),
            edge=edge,
            link_ptr=link_ptr,
            link_to=link_to,
            link_weight=link_weight,
            wanted=wanted,
            fixed=_frozen(problem),
            border=np.zeros(n, np.int64) if problem.border is None else problem.border,
            before=np.zeros(n, np.int64) if problem.baseline_zones is None else problem.baseline_zones[0],
            low=low,
            high=np.array([math.inf if b[1] is None else b[1] for b in bands]),
            few=np.array([0.0 if x is None else x for x in few], dtype=np.float64),
            many=np.array([math.inf if x is None else x for x in many], dtype=np.float64),
            share=np.array(
                [(0.0 if s[0] is None else s[0] * total, math.inf if s[1] is None else s[1] * total) for s in shares]
            ),
            character=np.array([0.0 if lv.character is None else lv.character.at_least for lv in levels]),
            loose=np.array([not c for c in problem.contiguous]),
            least=np.array([lv.zone_range[0] for lv in levels], dtype=np.int64),
            most=most,
            weights=np.array([weights.travel, weights.change, weights.borders]),
        )
        slots = int(min(n, most.sum())) + 1
        return cls(problem, case, slots, cap)

    def best_of(self, drafts: Sequence[Draft], *, moves: int, seeds: Sequence[int], heat: float, threads: int | None = None) -> list[Draft]:
        """Return the drafts improved, each by one chain of `moves` from its own seed, on as many threads as asked."""
        workers = threads or os.cpu_count() or 1
        with ThreadPoolExecutor(max_workers=workers) as pool:
            return list(pool.map(lambda pair: self.improve(pair[0], moves=moves, seed=pair[1], heat=heat), zip(drafts, seeds, strict=True)))

    def improve(self, draft: Draft, *, moves: int, seed: int, heat: float) -> Draft:
        """Return the best draft without broken rules that one chain finds from `draft`, or where there is none its last.

        `heat` is the first temperature as a multiple of what one typical unit costs.
        """
        from zonedesign.solve import _anneal  # noqa: PLC0415

        state = self._state(draft)
        per_unit = max(float(self.case.hours.mean()), 1e-12) * self._typical_minutes(draft)
        penalty = self._penalties(self._typical_minutes(draft))
        best = (draft.zone.copy(), state.level.copy(), state.centre.copy(), np.array([math.inf]))
        _anneal.anneal(self.case, state, penalty, seed, moves, (heat * per_unit, 0.01 * heat * per_unit), 0.02, best)
        if math.isinf(best[3][0]):
            return _packed(state.zone, state.level, state.centre, math.inf)
        return _packed(best[0], best[1], best[2], float(best[3][0]))

    def _typical_minutes(self, draft: Draft) -> float:
        minutes = self.case.minutes[np.arange(len(draft.zone)), draft.centre[draft.zone]]
        weight = self.case.weights[0] * measures.mean_minutes(self.case.hours, minutes.astype(np.float64))
        return max(weight, 1e-6 * self.typical, 1e-9)

    def _penalties(self, typical: float) -> Floats:
        """Return first, least and most penalties (3 x kinds), in hour-minutes for one broken hour, unit or pair."""
        case = self.case
        hours, people = max(float(case.hours.sum()), 1e-9), max(float(case.customers.sum()), 1e-9)
        unit = typical * hours / len(case.hours)
        first = np.array([2 * typical, 2 * unit, 2 * typical * hours / people, unit, 4 * unit, typical, 2 * typical])
        return np.concatenate([first, 0.05 * first, 200 * first])

    def _state(self, draft: Draft) -> Any:
        from zonedesign.solve._moves import State  # noqa: PLC0415

        n, z, case = len(draft.zone), self.slots, self.case
        level = np.zeros(z, dtype=np.int64)
        level[: len(draft.level)] = draft.level
        match = np.full(z, -1, dtype=np.int64)
        if case.weights[1] > 0:
            for zone, before in measures.matched_zones(case.hours, draft.zone, case.before):
                match[zone] = before
        return State(
            zone=draft.zone.astype(np.int64).copy(),
            member=np.zeros((z, n), dtype=np.int32),
            place=np.zeros(n, dtype=np.int64),
            size=np.zeros(z, dtype=np.int64),
            level=level,
            centre=np.full(z, -1, dtype=np.int64),
            hours=np.zeros(z),
            customers=np.zeros(z),
            urban=np.zeros(z),
            to_all=np.zeros(n),
            beyond=np.zeros(n, dtype=np.int64),
            clashes=np.zeros(z, dtype=np.int64),
            wanted=np.zeros(z, dtype=np.int64),
            travel=np.zeros(z),
            far=np.zeros(z, dtype=np.int64),
            by_border=np.zeros((z, int(case.border.max(initial=0)) + 1)),
            by_before=np.zeros((z, int(case.before.max(initial=0)) + 1)),
            match=match,
            used=np.zeros(len(case.low), dtype=np.int64),
            level_hours=np.zeros(len(case.low)),
            links=np.zeros(1, dtype=np.int64),
            cut=np.zeros(1),
            stamp=np.zeros(n + 1, dtype=np.int64),
            stack=np.zeros(n + 1, dtype=np.int64),
        )


def _packed(zone: Ints, level: Ints, centre: Ints, price: float) -> Draft:
    """Return a draft whose zones are numbered without holes."""
    used, packed = np.unique(zone, return_inverse=True)
    return Draft(packed.astype(np.int64), level[used].copy(), centre[used].copy(), price)


def _urban(problem: Problem, level: int) -> Floats:
    """Return the hours of every unit that count for a level's character."""
    character = problem.levels[level].character
    if character is None:
        return np.zeros(len(problem.units))
    inside = problem.units.frame[character.column].isin(character.values).to_numpy()
    return np.where(inside, problem.hours, 0.0)


def _conflicts(problem: Problem) -> NDArray[np.uint8]:
    """Return which pairs of units with demand each level forbids, as bits (n, n), or (1, 1) where no level does."""
    if all(level.max_minutes_between is None for level in problem.levels):
        return np.zeros((1, 1), dtype=np.uint8)
    table = problem.travel.to_array()
    longer = np.maximum(table, table.T)
    demand = problem.hours > 0 if problem.customers is None else (problem.hours > 0) | (problem.customers > 0)
    bits = np.zeros(longer.shape, dtype=np.uint8)
    for k, level in enumerate(problem.levels):
        if level.max_minutes_between is not None:
            bits[longer > level.max_minutes_between + 1e-6] |= 1 << k
    bits[~demand, :] = 0
    bits[:, ~demand] = 0
    return bits


def _links(problem: Problem) -> tuple[Ints, Ints, Ints]:
    """Return pairs of units that must be together (1) or apart (-1), both ways, as CSR."""
    at = problem.units.ids.get_loc
    pairs: list[tuple[int, int, int]] = []
    for rule in problem.rules:
        if isinstance(rule, Together):
            pairs += [(at(a), at(b), 1) for a, b in zip(rule.units, rule.units[1:], strict=False)]
        elif isinstance(rule, Apart):
            pairs.append((at(rule.a), at(rule.b), -1))
        elif isinstance(rule, Fixed):
            if problem.anchor_zones is None:
                raise ScenarioError(f"fixed names zone '{rule.zone}' but there is no baseline or start plan")
            zone = problem.anchor_zones[1].index(rule.zone)
            centre = int(problem.anchor_centres[zone])
            if centre != at(rule.unit):
                pairs.append((at(rule.unit), centre, 1))
    both = sorted({(a, b, w) for a, b, w in pairs} | {(b, a, w) for a, b, w in pairs})
    table = np.array(both, dtype=np.int64).reshape(-1, 3)
    indptr = np.zeros(len(problem.units) + 1, dtype=np.int64)
    np.cumsum(np.bincount(table[:, 0], minlength=len(problem.units)), out=indptr[1:])
    return indptr, table[:, 1].copy(), table[:, 2].copy()


def _frozen(problem: Problem) -> NDArray[np.bool_]:
    """Return which units belong to zones that keep just their units."""
    fixed = np.zeros(len(problem.units), dtype=np.bool_)
    for rule in problem.rules:
        if isinstance(rule, Frozen):
            if problem.anchor_zones is None:
                raise ScenarioError(f"frozen names zone '{rule.zone}' but there is no baseline or start plan")
            labels, names = problem.anchor_zones
            fixed |= labels == names.index(rule.zone)
    return fixed
