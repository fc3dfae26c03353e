"""Combine: the zones of all drafts so far, and the cheapest plan that can be put together from them.

Drafts that began apart are good in different parts of the map. Where their zones have borders in common, the
best parts of each make a plan together (set partitioning over zones that were met: as restricted masters of
column generation do). Where they nearly have, a few units are in two zones or in none, and chains mend that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from zonedesign.model.choice import Columns, Totals, choose
from zonedesign.solve._whole import whole_plan
from zonedesign.solve.improve import Draft

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from numpy.typing import NDArray

    from zonedesign.solve.improve import Search

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

MOST_UNITS, MOST_ZONES = 5_000, 20_000
"""Units and zones up to which plans are put together: a choice takes seconds at most."""
MOST_TO_FIT = 5_000
"""Zones up to which those that nearly fit together are looked for, which is slower."""
MOST_NODES = 2_000
"""Nodes of a choice, which has to end where no time limits it, too: narrow shares may take for ever."""
MISFITS = (10.0, 5.0, 3.0)
"""What an hour costs that no zone holds, or two do, as multiples of what one costs in the best draft: a few
units out of place that a chain mends, and ever more."""
CHOSEN = 0.5
"""Values above this are 1, the others 0."""
LEAST_HOURS = 0.02
"""What a unit counts as out of place at least, as a share of the mean: those without hours count too."""


@dataclass(eq=False)
class ZonesMet:
    """Zones that drafts without broken rules have had, each with its level, centre and cost.

    `least` is what the cheapest of the drafts costs. `chosen_from` and `fitted_from` are how many zones there
    were when `best` last chose, and when what `nearly` chose was mended.
    """

    search: Search
    zones: dict[tuple[bytes, int], tuple[int, float]] = field(default_factory=dict)
    least: float = math.inf
    chosen_from: int = 0
    fitted_from: int = 0

    @property
    def useful(self) -> bool:
        """Whether costs of zones add up to those of plans, at a size that allows a choice."""
        weights = self.search.problem.objective
        return len(self.search.problem.units) <= MOST_UNITS and not (
            weights.change or weights.borders or weights.cut
        )

    def add(self, draft: Draft) -> None:
        """Keep the zones of a draft."""
        if not self.useful or len(self.zones) >= MOST_ZONES:
            return
        minutes = self.search.minutes(np.arange(len(draft.zone)), draft.centre[draft.zone])
        travel = np.bincount(draft.zone, weights=self.search.problem.hours * minutes)
        self.least = min(self.least, float(travel.sum()))
        order = np.argsort(draft.zone, kind="stable").astype(np.int32)
        parts = np.split(order, np.cumsum(np.bincount(draft.zone))[:-1])
        for z, units in enumerate(parts):
            kept = self.zones.get((units.tobytes(), int(draft.level[z])))
            if kept is None or travel[z] < kept[1]:
                self.zones[units.tobytes(), int(draft.level[z])] = int(draft.centre[z]), float(travel[z])

    def best(self, *, seconds: float, seed: int, stop: Callable[[], bool] | None = None) -> Draft | None:
        """Return the cheapest draft made of zones kept, None where nothing was added since the last."""
        if not self.useful or len(self.zones) == self.chosen_from:
            return None
        self.chosen_from = len(self.zones)
        met = _Met.of(self)
        solved = choose(met.columns, seconds=seconds, seed=seed, stop=stop, nodes=MOST_NODES)
        if solved.values is None:
            return None
        taken = np.flatnonzero(solved.values > CHOSEN)
        zone = np.zeros(met.columns.holds.shape[0], dtype=np.int64)
        for z, k in enumerate(taken):
            zone[met.units[k]] = z
        # A chain of no moves tells its price.
        return self.search.improve(
            Draft(zone, met.columns.kind[taken], met.centre[taken]), moves=0, seed=0, heat=0.0
        )

    def nearly(self, *, seconds: float, seed: int, stop: Callable[[], bool] | None = None) -> list[Draft]:
        """Return drafts of zones kept that nearly fit together, whose bands and reach are to be mended.

        One for each of `MISFITS` at which some unit is out of place, none where nothing was added since the
        last were mended. Units in two zones go to the nearer centre, those in none to the nearest of all;
        then zones are made whole, and take their best centres.
        """
        new = self.fitted_from < len(self.zones) <= MOST_TO_FIT
        if not self.useful or not new or not 0 < self.least < math.inf:
            return []
        met, hours = _Met.of(self), self.search.problem.hours
        typical = self.least / self.search.total_hours * np.maximum(hours, LEAST_HOURS * hours.mean())
        found: dict[bytes, Draft] = {}
        for misfit in MISFITS:
            columns = met.with_misfits(misfit * typical)
            solved = choose(columns, seconds=seconds / len(MISFITS), seed=seed, stop=stop, nodes=MOST_NODES)
            # A choice that was ended early may be worse than the draft that is there.
            if solved.values is None or solved.objective is None or solved.objective > self.least:
                continue
            taken, out = np.split(solved.values > CHOSEN, [len(met.columns.cost)])
            if out.any() and taken.tobytes() not in found:
                found[taken.tobytes()] = self._fitted(met, np.flatnonzero(taken))
        return list(found.values())

    def _fitted(self, met: _Met, taken: Ints) -> Draft:
        """Return the draft of some zones that nearly fit together."""
        n = met.columns.holds.shape[0]
        zone, least = np.full(n, -1, dtype=np.int64), np.full(n, np.inf)
        for z, k in enumerate(taken):
            units = met.units[k]
            minutes = self.search.minutes(units, np.full(len(units), met.centre[k]))
            nearer = minutes < least[units]
            zone[units[nearer]], least[units[nearer]] = z, minutes[nearer]
        alone = np.flatnonzero(zone < 0)
        pairs = np.repeat(alone, len(taken)), np.tile(met.centre[taken], len(alone))
        zone[alone] = self.search.minutes(*pairs).reshape(len(alone), len(taken)).argmin(axis=1)
        return self.search.draft_of(whole_plan(self.search.problem, zone, met.columns.kind[taken]))


@dataclass(frozen=True, eq=False)
class _Met:
    """Zones met as `columns` of a choice, with each one's units and its centre."""

    columns: Columns
    units: list[Ints]
    centre: Ints

    @classmethod
    def of(cls, met: ZonesMet) -> Self:
        keys, n = sorted(met.zones), len(met.search.problem.units)
        units = [np.frombuffer(each, dtype=np.int32).astype(np.int64) for each, _ in keys]
        ends = np.cumsum([0, *map(len, units)])
        levels = met.search.case.levels
        shares = np.column_stack([levels["share_low"], levels["share_high"]]).astype(np.float64)
        stated = bool((shares[:, 0] > 0).any() or np.isfinite(shares[:, 1]).any())
        holds = sparse.csc_array((np.ones(ends[-1]), np.concatenate(units), ends), shape=(n, len(units)))
        columns = Columns(
            holds=holds,
            kind=np.array([level for _, level in keys], dtype=np.int64),
            cost=np.array([met.zones[key][1] for key in keys]),
            counts=np.column_stack([levels["least"], np.minimum(levels["most"], n)]).astype(np.int64),
            totals=Totals(np.asarray(met.search.problem.hours @ holds), shares) if stated else None,
        )
        return cls(columns, units, np.array([met.zones[key][0] for key in keys], dtype=np.int64))

    def with_misfits(self, cost: Floats) -> Columns:
        """Return the columns and those of units that no zone holds, or two do, at a cost (n,) each.

        Their hours count for the levels that have them: twice, or not at all.
        """
        n, (holds, kind, costs, counts, totals) = len(cost), self.columns
        one = sparse.eye_array(n, format="csc")
        if totals is not None:
            each, ends = totals
            totals = Totals(np.append(each, np.zeros(2 * n)), np.vstack([ends, [[-np.inf, np.inf]]]))
        return Columns(
            sparse.csc_array(sparse.hstack([holds, one, -one])),
            np.append(kind, np.full(2 * n, len(counts))),
            np.concatenate([costs, cost, cost]),
            np.vstack([counts, [[0, 2 * n]]]),
            totals,
        )
