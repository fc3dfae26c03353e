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

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

LARGE_SHARE = 0.05
"""Share of moves that recombine two zones."""


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
        from zonedesign.solve import _moves  # noqa: PLC0415  (numba is slow to import)

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
        link_ptr, links = _links(problem)
        units = np.zeros(n, dtype=_moves.CASE_UNIT)
        units["hours"] = hours
        units["customers"] = 0.0 if problem.customers is None else problem.customers
        units["nest"] = codes
        units["border"] = 0 if problem.border is None else problem.border
        units["before"] = 0 if problem.baseline_zones is None else problem.baseline_zones[0]
        units["fixed"] = _frozen(problem)
        for rule in problem.rules:
            if isinstance(rule, CentreAt):
                units["wanted"][problem.units.ids.get_loc(rule.unit)] = 1
        pairs = np.zeros(len(near), dtype=_moves.CASE_PAIR)
        pairs["to"], pairs["cost"] = near, edge
        case = _moves.Case(
            minutes=minutes,
            allowed=allowed,
            conflict=_conflicts(problem),
            urban=np.array([_urban(problem, k) for k in range(len(levels))]),
            units=units,
            indptr=indptr.astype(np.int64),
            pairs=pairs,
            link_ptr=link_ptr,
            links=links,
            levels=_levels(problem, total),
            weights=np.array([weights.travel, weights.change, weights.borders]),
        )
        slots = int(min(n, case.levels["most"].sum())) + 1
        mean = float(arcs.minutes.mean()) if len(arcs.minutes) else 0.0
        typical = weights.travel * mean + 0.1 * (weights.change + weights.borders + weights.cut)
        return cls(problem, case, slots, typical or 1.0)

    def improve_all(
        self,
        drafts: Sequence[Draft],
        *,
        moves: int,
        seeds: Sequence[int],
        heat: float,
        threads: int | None = None,
        stop: Ints | None = None,
    ) -> list[Draft]:
        """Return the drafts improved, each by one chain of `moves` from its own seed, on as many threads as asked.

        Chains end early once `stop[0]` is not 0, and so they do when the caller is interrupted.
        """
        stop = np.zeros(1, dtype=np.int64) if stop is None else stop

        def chain(pair: tuple[Draft, int]) -> Draft:
            return self.improve(pair[0], moves=moves, seed=pair[1], heat=heat, stop=stop)

        with ThreadPoolExecutor(max_workers=threads or os.cpu_count() or 1) as pool:
            try:
                return list(pool.map(chain, zip(drafts, seeds, strict=True)))
            except BaseException:
                stop.fill(1)
                raise

    def improve(self, draft: Draft, *, moves: int, seed: int, heat: float, stop: Ints | None = None) -> Draft:
        """Return the best draft without broken rules that one chain finds from `draft`, or where there is none its last.

        `heat` is the first temperature as a multiple of what one typical unit costs.
        """
        from zonedesign.solve import _anneal  # noqa: PLC0415

        stop = np.zeros(1, dtype=np.int64) if stop is None else stop
        state = self._state(draft)
        typical = self._typical_minutes(draft)
        per_unit = max(float(self.case.units["hours"].mean()), 1e-12) * typical
        heats = (heat * per_unit, 0.01 * heat * per_unit)
        best = (draft.zone.copy(), state.zones["level"].copy(), state.zones["centre"].copy(), np.array([math.inf]))
        _anneal.anneal(self.case, state, self._penalties(typical), seed, moves, heats, LARGE_SHARE, best, stop)
        if math.isinf(best[3][0]):
            return _packed(state.units["zone"], state.zones["level"], state.zones["centre"], math.inf)
        return _packed(best[0], best[1], best[2], float(best[3][0]))

    def draft_of(self, plan: Plan) -> Draft:
        """Return a plan as a draft to start from."""
        names = [level.name for level in self.problem.levels]
        return Draft(plan.zone.copy(), np.array([names.index(level) for level in plan.levels]), plan.centres.copy())

    def _typical_minutes(self, draft: Draft) -> float:
        """Return what an hour costs in the draft, in minutes; never so little that nothing would move."""
        minutes = self.case.minutes[np.arange(len(draft.zone)), draft.centre[draft.zone]]
        weight = self.case.weights[0] * measures.mean_minutes(self.case.units["hours"], minutes.astype(np.float64))
        return float(max(weight, 0.1 * self.typical))

    def _penalties(self, typical: float) -> Floats:
        """Return first, least and most penalties (3 x kinds), in hour-minutes for one broken hour, unit or pair."""
        case = self.case
        hours, people = max(float(case.units["hours"].sum()), 1e-9), max(float(case.units["customers"].sum()), 1e-9)
        unit = typical * hours / len(case.units)
        first = np.array([2 * typical, 2 * unit, 2 * typical * hours / people, unit, 4 * unit, typical, 2 * typical])
        return np.concatenate([first, 0.05 * first, 200 * first])

    def _state(self, draft: Draft) -> Any:
        from zonedesign.solve import _moves  # noqa: PLC0415

        n, slots, case = len(draft.zone), self.slots, self.case
        units = np.zeros(n, dtype=_moves.STATE_UNIT)
        units["zone"] = draft.zone
        zones = np.zeros(slots, dtype=_moves.STATE_ZONE)
        zones["level"][: len(draft.level)] = draft.level
        zones["centre"] = zones["match"] = -1
        if case.weights[1] > 0:
            for zone, before in measures.matched_zones(case.units["hours"], draft.zone, case.units["before"]):
                zones["match"][zone] = before
        return _moves.State(
            units=units,
            zones=zones,
            levels=np.zeros(len(case.levels), dtype=_moves.STATE_LEVEL),
            member=np.zeros((slots, n), dtype=np.int32),
            by_border=np.zeros((slots, int(case.units["border"].max(initial=0)) + 1)),
            by_before=np.zeros((slots, int(case.units["before"].max(initial=0)) + 1)),
            sums=np.zeros(1, dtype=_moves.STATE_SUMS),
            stack=np.zeros(n + 1, dtype=np.int64),
        )


def _levels(problem: Problem, total: float) -> NDArray[Any]:
    """Return bands, shares (in hours) and counts of every level as records; what is open is 0 and infinite."""
    from zonedesign.solve import _moves  # noqa: PLC0415

    n = len(problem.units)
    records = np.zeros(len(problem.levels), dtype=_moves.CASE_LEVEL)
    for record, level, contiguous in zip(records, problem.levels, problem.contiguous, strict=True):
        record["low"], record["high"] = _open(level.weekly_hours)
        record["few"], record["many"] = _open(level.customers)
        share_low, share_high = _open(level.hours_share)
        record["share_low"], record["share_high"] = share_low * total, share_high * total
        record["character"] = 0.0 if level.character is None else level.character.at_least
        record["loose"] = not contiguous
        least, most = level.zone_range
        room = n if record["low"] <= 0 else int(total / record["low"]) + 1
        record["least"], record["most"] = least, min(n, room if most is None else most, max(room, least))
    return records


def _open(band: tuple[float | None, float | None] | None) -> tuple[float, float]:
    low, high = band or (None, None)
    return 0.0 if low is None else low, math.inf if high is None else high


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


def _links(problem: Problem) -> tuple[Ints, NDArray[Any]]:
    """Return pairs of units that must be together (1) or apart (-1), both ways, as rows by unit."""
    from zonedesign.solve import _moves  # noqa: PLC0415

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
    links = np.zeros(len(table), dtype=_moves.CASE_LINK)
    links["to"], links["weight"] = table[:, 1], table[:, 2]
    return indptr, links


def _frozen(problem: Problem) -> Ints:
    """Return the number, from 1, of the frozen zone that every unit (n,) belongs to, 0 for none."""
    fixed = np.zeros(len(problem.units), dtype=np.int64)
    for number, rule in enumerate((r for r in problem.rules if isinstance(r, Frozen)), start=1):
        if problem.anchor_zones is None:
            raise ScenarioError(f"frozen names zone '{rule.zone}' but there is no baseline or start plan")
        labels, names = problem.anchor_zones
        fixed[labels == names.index(rule.zone)] = number
    return fixed
