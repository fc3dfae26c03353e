"""Improve: seeded chains of simulated annealing over connected zones, side by side on threads."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from zonedesign import measures
from zonedesign.solve import cropping
from zonedesign.solve._tiles import pairs_of
from zonedesign.solve.neighbourhoods import neighbourhood

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem
    from zonedesign.solve._state import Case, State

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

INTERRUPTED = 2
SECONDS_TO_WAIT = 0.2
"""How often the caller has a word while chains run."""
MOVES_A_UNIT = 1000
"""Moves of a chain over a neighbourhood, for each of its units."""
NEARBY_HEAT = 0.3
"""First temperature of a chain over a neighbourhood, as a multiple of what a typical unit costs."""
PERIOD, PERIOD_NEARBY = 2_000, 150
"""Moves between two looks at what is broken, over the whole map at least and over a neighbourhood: penalties
of short chains have to follow quickly."""
FIXED = 1
"""What marks a unit that stays in its zone; zones that stay whole have numbers from here on."""
LARGE_SHARE = 0.3
"""Share of moves that recombine two zones."""


@dataclass(frozen=True, eq=False)
class Draft:
    """A plan in numbers: zone (n,) of every unit, level (k,) and centre (k,) of every zone, and its price.

    `price` is the objective times all hours, inf while rules are broken.
    """

    zone: Ints
    level: Ints
    centre: Ints
    price: float = math.inf


@dataclass(frozen=True, eq=False)
class Search:
    """A problem made ready for the search: its arrays, its scale and its room for zones.

    The kernels number units by place: `rank` (n,) has the number of every unit of the problem, `order` (n,)
    the way back. Drafts are in the problem's order.
    """

    problem: Problem
    case: Case
    order: Ints
    rank: Ints
    slots: int
    typical: float

    @classmethod
    def of(cls, problem: Problem, possible: NDArray[np.bool_]) -> Search:
        """Return the search over a problem; `possible` is (arcs, levels), from `fixing.possible_arcs`."""
        from zonedesign.solve._case import case_of  # noqa: PLC0415  (numba is slow to import)

        case, order = case_of(problem, possible)
        weights, minutes = problem.objective, problem.arcs.minutes
        mean = float(minutes.mean()) if len(minutes) else 0.0
        typical = weights.travel * mean + 0.1 * (weights.change + weights.borders + weights.cut)
        most = int(case.levels["most"].sum())
        slots = min(len(problem.units), most + most // 50 + 2) + 1  # more, at a price, while the search is on
        return cls(problem, case, order, np.argsort(order), slots, typical or 1.0)

    def improve_all(  # noqa: PLR0913
        self,
        drafts: Sequence[Draft],
        *,
        moves: int,
        seeds: Sequence[int],
        heat: float | Sequence[float],
        ways: Sequence[Callable[..., Draft]] | None = None,
        enough: float = -math.inf,
        threads: int | None = None,
        stop: Ints | None = None,
        waiting: Callable[[], None] | None = None,
        failed: Callable[[str, Exception], None] | None = None,
    ) -> list[Draft]:
        """Return the drafts improved, each by one chain of `moves` from its own seed, on threads.

        `heat` is one for all or one each, and `ways` are what each is improved by, such as `improve` (the
        default) and `improve_nearby`. Chains end early at a price of `enough`, or once `stop[0]` is not 0;
        `waiting` is called several times a second meanwhile. When the caller is interrupted they end too,
        what they have found is returned all the same, and `stop[0]` is `INTERRUPTED`. A chain that fails
        leaves its draft as it was and costs the others nothing where `failed` takes note of it.
        """
        stop = np.zeros(1, dtype=np.int64) if stop is None else stop
        heats = [heat] * len(drafts) if isinstance(heat, float | int) else heat
        ways = ways or [self.improve] * len(drafts)
        with ThreadPoolExecutor(max_workers=threads or os.cpu_count() or 1) as pool:
            running = [
                pool.submit(way, draft, moves=moves, seed=seed, heat=each, enough=enough, stop=stop)
                for way, draft, seed, each in zip(ways, drafts, seeds, heats, strict=True)
            ]
            try:
                while wait(running, timeout=SECONDS_TO_WAIT).not_done:
                    if waiting is not None:
                        waiting()
            except KeyboardInterrupt:
                stop.fill(INTERRUPTED)
            except BaseException:
                stop.fill(1)
                raise
            found = []
            for draft, each in zip(drafts, running, strict=True):
                error = each.exception()
                if error is not None and (failed is None or not isinstance(error, Exception)):
                    raise error
                if error is not None and failed is not None:
                    failed("a chain of the search", error)
                found.append(draft if error is not None else each.result())
            return found

    def improve_nearby(
        self,
        draft: Draft,
        *,
        moves: int,
        seed: int,
        heat: float,
        enough: float = -math.inf,
        stop: Ints | None = None,
        among: NDArray[np.bool_] | None = None,
    ) -> Draft:
        """Return the draft improved by short chains over one neighbourhood after another, `moves` in all.

        Each neighbourhood is a few zones next to each other (`neighbourhoods`), of the units `among` (n,)
        where given, which are whole zones; what a chain finds is kept where it is better.
        """
        random = np.random.default_rng(seed)
        while moves > 0 and draft.price > enough and (stop is None or stop[0] == 0):
            within = neighbourhood(self, draft, random, among)
            share = min(moves, MOVES_A_UNIT * int(within.sum()))
            part = cropping.cropped(self, draft, within) if cropping.suits(within) else None
            whole = partial(self.improve, draft, within=within)
            chain = whole if part is None or math.isinf(part.draft.price) else part.improved
            seed = int(random.integers(2**31))
            found = chain(moves=share, seed=seed, heat=heat, enough=enough, stop=stop)
            draft = min(draft, found, key=lambda each: each.price)
            moves -= share
        return self._priced(draft)

    def _priced(self, draft: Draft) -> Draft:
        """Return a draft with its price by the best matching with a baseline, where there is one.

        Chains match zones once, at their beginning: what they told may be more than it is.
        """
        if self.case.weights[1] <= 0 or math.isinf(draft.price):
            return draft
        return self.improve(draft, moves=0, seed=0, heat=0.0)

    @property
    def total_hours(self) -> float:
        """All hours, 1 where there are none: prices are objectives times these."""
        return float(self.problem.hours.sum()) or 1.0

    def improve(
        self,
        draft: Draft,
        *,
        moves: int,
        seed: int,
        heat: float,
        enough: float = -math.inf,
        stop: Ints | None = None,
        within: NDArray[np.bool_] | None = None,
        match: Ints | None = None,
    ) -> Draft:
        """Return the best draft without broken rules that one chain finds from `draft`, or else its last.

        `heat` is the first temperature as a multiple of what one typical unit costs. Only the units `within`
        (n,) move, which are whole zones of the draft; all others stay as they are. `match` (k,) is the zone
        of the baseline that every zone continues, -1 for none, where it is not to be found.
        """
        from zonedesign.solve import _anneal  # noqa: PLC0415

        stop = np.zeros(1, dtype=np.int64) if stop is None else stop
        case, among = self._within(within)
        state = self._state_of(draft, match)
        typical = self._typical_minutes(draft)
        per_unit = max(float(self.case.units["hours"].mean()), 1e-12) * typical
        levels = self.case.levels
        used = np.bincount(draft.level[np.unique(draft.zone)], minlength=len(levels))
        # Kernels count hours that keep their zone, prices those that do not.
        all_moved = float(case.weights[1] * case.units["hours"].sum())
        course = _anneal.Course(
            seed=seed,
            moves=moves,
            first_heat=heat * per_unit,
            last_heat=0.01 * heat * per_unit,
            large=LARGE_SHARE,
            enough=enough - all_moved,
            period=max(PERIOD, 4 * len(among)) if within is None else PERIOD_NEARBY,
            open_counts=bool(((levels["most"] > levels["least"]) | (used != levels["least"])).any()),
            any_loose=bool(levels["loose"].any()),
        )
        best = _anneal.Best(
            state.units["zone"].copy(),
            state.zones["level"].copy(),
            state.zones["centre"].copy(),
            np.array([math.inf]),
        )
        _anneal.anneal(case, state, self._penalties(typical), course, best, among, stop)
        if math.isinf(best.price[0]):
            zones = state.zones
            return self.as_draft(state.units["zone"], zones["level"], zones["centre"], math.inf)
        found = self.as_draft(best.zone, best.level, best.centre, float(best.price[0]) + all_moved)
        return self._priced(found) if moves > 0 and match is None else found

    def _within(self, within: NDArray[np.bool_] | None) -> tuple[Case, Ints]:
        """Return the case in which only these units may move, and their numbers."""
        if within is None:
            return self.case, np.arange(len(self.order))
        units, inside = self.case.units.copy(), within[self.order]
        units["fixed"][~inside] = FIXED
        return self.case._replace(units=units), np.flatnonzero(inside)

    def minutes(self, units: Ints, centres: Ints) -> NDArray[np.float32]:
        """Return minutes to units from centres, as the search sees them, by positions in the problem."""
        found: NDArray[np.float32] = pairs_of(self.case, self.rank[units], self.rank[centres])["minutes"]
        return found

    def as_draft(self, zone: Ints, level: Ints, centre: Ints, price: float = math.inf) -> Draft:
        """Return a draft from what the kernels hold, whose zones are numbered without holes."""
        used, packed = np.unique(zone[self.rank], return_inverse=True)
        return Draft(packed.astype(np.int64), level[used].copy(), self.order[centre[used]], price)

    def draft_of(self, plan: Plan) -> Draft:
        """Return a plan as a draft to start from."""
        names = [level.name for level in self.problem.levels]
        return Draft(
            plan.zone.copy(), np.array([names.index(level) for level in plan.levels]), plan.centres.copy()
        )

    def _typical_minutes(self, draft: Draft) -> float:
        """Return what an hour costs in the draft, in minutes; never so little that nothing would move."""
        minutes = self.minutes(np.arange(len(draft.zone)), draft.centre[draft.zone])
        hours = self.case.units["hours"][self.rank]
        weight = self.case.weights[0] * measures.mean_minutes(hours, minutes.astype(np.float64))
        return float(max(weight, 0.1 * self.typical))

    def _penalties(self, typical: float) -> Floats:
        """Return first, least and most penalties (3 x kinds,): hour-minutes a broken hour, unit or pair."""
        case = self.case
        hours, people = (
            max(float(case.units["hours"].sum()), 1e-9),
            max(float(case.units["customers"].sum()), 1e-9),
        )
        unit = typical * hours / len(case.units)
        by_hours, by_people = 2 * typical, 2 * typical * hours / people
        first = np.array([by_hours, 2 * unit, by_people, unit, 4 * unit, typical, 2 * typical, 4 * unit])
        return np.concatenate([first, 0.05 * first, 200 * first])

    def _state_of(self, draft: Draft, match: Ints | None = None) -> State:
        from zonedesign.solve import _state  # noqa: PLC0415

        n, case = len(draft.zone), self.case
        slots = max(self.slots, len(draft.level))  # a start plan may have more zones than counts allow
        units = np.zeros(n, dtype=_state.STATE_UNIT)
        units["zone"] = draft.zone[self.order]
        zones = np.zeros(slots, dtype=_state.STATE_ZONE)
        zones["level"][: len(draft.level)] = draft.level
        zones["centre"] = zones["match"] = zones["listed"] = -1
        if match is not None:
            zones["match"][: len(match)] = match
        elif case.weights[1] > 0:
            for zone, before in measures.matched_zones(
                case.units["hours"], units["zone"], case.units["before"]
            ):
                zones["match"][zone] = before
        sums = np.zeros(1, dtype=_state.STATE_SUMS)
        sums["most"] = _state.members_room(n, slots)
        sums["moved_at"], sums["settled_at"], sums["broken_at"] = n + 1, 2 * n + 1, 2 * n + 1 + slots
        sums["before_at"] = borders = int(case.units["border"].max(initial=0)) + 1
        return _state.State(
            units=units,
            zones=zones,
            levels=np.zeros(len(case.levels), dtype=_state.STATE_LEVEL),
            members=np.zeros(int(sums["most"][0]) + n, dtype=_state.STATE_MEMBER),
            lists=np.zeros(2 * n + 1 + 2 * slots, dtype=np.int32),
            by_code=np.zeros((slots, borders + int(case.units["before"].max(initial=0)) + 1)),
            sums=sums,
        )
