"""Combine: the zones of all drafts so far, and the cheapest plan that can be put together from them.

Drafts that began apart are good in different parts of the map. Where their zones have borders in common, the
best parts of each make a plan together (set partitioning over zones that were met: as restricted masters of
column generation do).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from zonedesign.model.choice import choose
from zonedesign.solve.improve import Draft

if TYPE_CHECKING:
    from collections.abc import Callable

    from zonedesign.solve.improve import Search

MOST_UNITS, MOST_ZONES = 5_000, 20_000
"""Units and zones up to which plans are put together: a choice takes seconds at most."""


@dataclass(eq=False)
class ZonesMet:
    """Zones that drafts without broken rules have had, each with its level, centre and cost."""

    search: Search
    zones: dict[tuple[bytes, int], tuple[int, float]] = field(default_factory=dict)
    chosen_from: int = 0

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
        keys = sorted(self.zones)
        units = [np.frombuffer(each, dtype=np.int32) for each, _ in keys]
        ends = np.cumsum([0, *map(len, units)])
        n, levels = len(self.search.problem.units), self.search.case.levels
        holds = sparse.csc_array((np.ones(ends[-1]), np.concatenate(units), ends), shape=(n, len(units)))
        kind = np.array([level for _, level in keys], dtype=np.int64)
        cost = np.array([self.zones[key][1] for key in keys])
        counts = np.column_stack([levels["least"], np.minimum(levels["most"], n)]).astype(np.int64)
        solved = choose(holds, kind, cost, counts, seconds=seconds, seed=seed, stop=stop)
        if solved.values is None:
            return None
        taken = np.flatnonzero(solved.values > 0.5)
        zone = np.zeros(n, dtype=np.int64)
        for z, k in enumerate(taken):
            zone[units[k]] = z
        centre = np.array([self.zones[keys[k]][0] for k in taken], dtype=np.int64)
        draft = Draft(zone, kind[taken], centre)
        return self.search.improve(draft, moves=0, seed=0, heat=0.0)  # which tells its price
