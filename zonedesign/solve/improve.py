"""Improve: seeded chains of simulated annealing over connected zones, side by side on threads."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zonedesign import measures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem
    from zonedesign.solve._state import Case, State

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

INTERRUPTED = 2
LARGE_SHARE = 0.1
"""Share of moves that recombine two zones."""


@dataclass(frozen=True, eq=False)
class Draft:
    """A plan in numbers: zone (n,) of every unit, level (k,) and centre (k,) of every zone, and its price.

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
    case: Case
    slots: int
    typical: float

    @classmethod
    def of(cls, problem: Problem, possible: NDArray[np.bool_]) -> Search:
        """Return the search over a problem; `possible` is (arcs, levels), from `fixing.possible_arcs`."""
        from zonedesign.solve._case import case_of  # noqa: PLC0415  (numba is slow to import)

        case, weights, minutes = case_of(problem, possible), problem.objective, problem.arcs.minutes
        mean = float(minutes.mean()) if len(minutes) else 0.0
        typical = weights.travel * mean + 0.1 * (weights.change + weights.borders + weights.cut)
        slots = int(min(len(problem.units), case.levels["most"].sum())) + 1
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
        """Return the drafts improved, each by one chain of `moves` from its own seed, on threads.

        Chains end early once `stop[0]` is not 0. When the caller is interrupted they end too, what they have
        found is returned all the same, and `stop[0]` is `INTERRUPTED`.
        """
        stop = np.zeros(1, dtype=np.int64) if stop is None else stop

        def chain(pair: tuple[Draft, int]) -> Draft:
            return self.improve(pair[0], moves=moves, seed=pair[1], heat=heat, stop=stop)

        with ThreadPoolExecutor(max_workers=threads or os.cpu_count() or 1) as pool:
            running = [pool.submit(chain, pair) for pair in zip(drafts, seeds, strict=True)]
            try:
                wait(running)
            except KeyboardInterrupt:
                stop.fill(INTERRUPTED)
            return [each.result() for each in running]

    def improve(self, draft: Draft, *, moves: int, seed: int, heat: float, stop: Ints | None = None) -> Draft:
        """Return the best draft without broken rules that one chain finds from `draft`, or else its last.

        `heat` is the first temperature as a multiple of what one typical unit costs.
        """
        from zonedesign.solve import _anneal  # noqa: PLC0415

        stop = np.zeros(1, dtype=np.int64) if stop is None else stop
        state = self._state_of(draft)
        typical = self._typical_minutes(draft)
        per_unit = max(float(self.case.units["hours"].mean()), 1e-12) * typical
        levels = self.case.levels
        used = np.bincount(draft.level[np.unique(draft.zone)], minlength=len(levels))
        course = _anneal.Course(
            seed=seed,
            moves=moves,
            first_heat=heat * per_unit,
            last_heat=0.01 * heat * per_unit,
            large=LARGE_SHARE,
            open_counts=bool(((levels["most"] > levels["least"]) | (used != levels["least"])).any()),
            any_loose=bool(levels["loose"].any()),
        )
        best = _anneal.Best(
            draft.zone.copy(),
            state.zones["level"].copy(),
            state.zones["centre"].copy(),
            np.array([math.inf]),
        )
        _anneal.anneal(self.case, state, self._penalties(typical), course, best, stop)
        if math.isinf(best.price[0]):
            return _packed(state.units["zone"], state.zones["level"], state.zones["centre"], math.inf)
        return _packed(best.zone, best.level, best.centre, float(best.price[0]))

    def draft_of(self, plan: Plan) -> Draft:
        """Return a plan as a draft to start from."""
        names = [level.name for level in self.problem.levels]
        return Draft(
            plan.zone.copy(), np.array([names.index(level) for level in plan.levels]), plan.centres.copy()
        )

    def _typical_minutes(self, draft: Draft) -> float:
        """Return what an hour costs in the draft, in minutes; never so little that nothing would move."""
        minutes = self.case.minutes[np.arange(len(draft.zone)), draft.centre[draft.zone]]
        weight = self.case.weights[0] * measures.mean_minutes(
            self.case.units["hours"], minutes.astype(np.float64)
        )
        return float(max(weight, 0.1 * self.typical))

    def _penalties(self, typical: float) -> Floats:
        """Return first, least and most penalties (3 x kinds,): hour-minutes a broken hour, unit or pair."""
        case = self.case
        hours, people = (
            max(float(case.units["hours"].sum()), 1e-9),
            max(float(case.units["customers"].sum()), 1e-9),
        )
        unit = typical * hours / len(case.units)
        first = np.array(
            [2 * typical, 2 * unit, 2 * typical * hours / people, unit, 4 * unit, typical, 2 * typical]
        )
        return np.concatenate([first, 0.05 * first, 200 * first])

    def _state_of(self, draft: Draft) -> State:
        from zonedesign.solve import _state  # noqa: PLC0415

        n, case = len(draft.zone), self.case
        slots = max(self.slots, len(draft.level))  # a start plan may have more zones than counts allow
        units = np.zeros(n, dtype=_state.STATE_UNIT)
        units["zone"] = draft.zone
        zones = np.zeros(slots, dtype=_state.STATE_ZONE)
        zones["level"][: len(draft.level)] = draft.level
        zones["centre"] = zones["match"] = -1
        if case.weights[1] > 0:
            for zone, before in measures.matched_zones(case.units["hours"], draft.zone, case.units["before"]):
                zones["match"][zone] = before
        return _state.State(
            units=units,
            zones=zones,
            levels=np.zeros(len(case.levels), dtype=_state.STATE_LEVEL),
            member=np.zeros((slots, n), dtype=np.int32),
            by_border=np.zeros((slots, int(case.units["border"].max(initial=0)) + 1)),
            by_before=np.zeros((slots, int(case.units["before"].max(initial=0)) + 1)),
            sums=np.zeros(1, dtype=_state.STATE_SUMS),
            stack=np.zeros(n + 1, dtype=np.int64),
        )


def _packed(zone: Ints, level: Ints, centre: Ints, price: float) -> Draft:
    """Return a draft whose zones are numbered without holes."""
    used, packed = np.unique(zone, return_inverse=True)
    return Draft(packed.astype(np.int64), level[used].copy(), centre[used].copy(), price)
