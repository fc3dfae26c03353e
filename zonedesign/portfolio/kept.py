"""Kept: good plans that differ, with how far they are apart and how surely units share a zone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from zonedesign import measures
from zonedesign.errors import DataError, counted
from zonedesign.portfolio.choose import COUNTED, distance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.certificate import StoppedBy
    from zonedesign.plan import Plan

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Portfolio:
    """Several plans of one problem, each good, each unlike the others.

    `plans` are verified, best first, each with its certificate, the gap from the best proved `bound`; there
    may be fewer than were `asked` for. A plan is good where its objective is at most `1 + within` times the
    best one found; any two of `plans` differ in the share `apart` of the hours at least. `zones` (counted,
    n) are those of the good plans that `together` and `steadiness` count, each once: `plans`, and
    the others met that are at least a fifth of `apart` from these and from one another. `met` is how many
    different good plans were met in all, `complete` whether these are all there are.
    """

    plans: tuple[Plan, ...]
    asked: int
    within: float
    apart: float
    bound: float | None
    zones: Ints
    met: int
    complete: bool
    seconds: float
    stopped_by: StoppedBy | None
    seed: int

    @property
    def counted(self) -> int:
        """How many good plans `together` and `steadiness` count."""
        return len(self.zones)

    @property
    def counted_apart(self) -> float:
        """The least share of hours in different zones between any two plans that count."""
        return COUNTED * self.apart

    def __repr__(self) -> str:
        least = "exactly " if self.complete else ""
        return (
            f"<Portfolio: {counted(len(self.plans), 'plan')} of {self.asked} asked, within {self.within:.3g} "
            f"of the best and {self.apart:.3g} apart; {least}{counted(self.met, 'good plan')} met, "
            f"{self.counted:,} of them counted>"
        )

    @cached_property
    def _hours(self) -> Floats:
        return np.asarray(self.plans[0].of_units.hours, dtype=np.float64)

    @property
    def summary(self) -> pd.DataFrame:
        """Frame with a row per plan, numbered from 1: objective, above_best and from_best (shares), gap."""
        rows = []
        best = _objective(self.plans[0])
        for plan in self.plans:
            objective = _objective(plan)
            rows.append(
                {
                    "objective": objective,
                    "above_best": objective / best - 1 if best > 0 else 0.0,
                    "gap": None if plan.certificate is None else plan.certificate.gap,
                    "from_best": distance(self._hours, plan.zone, self.plans[0].zone),
                }
            )
        return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="plan"))

    @property
    def distances(self) -> pd.DataFrame:
        """Square frame over the plans, numbered from 1: the share of hours in different zones.

        Zones of two plans are matched one to one so that most hours stay.
        """
        found = np.array(
            [
                [0.0 if a is b else distance(self._hours, a.zone, b.zone) for b in self.plans]
                for a in self.plans
            ]
        )
        found = np.minimum(found, found.T)  # the last digits depend on which of the two comes first
        number = pd.RangeIndex(1, len(self.plans) + 1, name="plan")
        return pd.DataFrame(found, index=number, columns=number)

    @property
    def together(self) -> pd.DataFrame:
        """Frame of pairs: unit, other, share of the good plans in which both are in one zone.

        Each pair that ever is in one zone occurs once, the unit that comes first in the units first.
        """
        return self._together.copy()

    @cached_property
    def _together(self) -> pd.DataFrame:
        n = self.zones.shape[1]
        inside = []
        for zone in self.zones:
            ones = (np.ones(n, dtype=np.int32), (np.arange(n), zone))
            inside.append(sparse.csr_array(ones, shape=(n, int(zone.max()) + 1)))
        held = sparse.hstack(inside, format="csr")
        pairs = sparse.coo_array(sparse.triu(held @ held.T, k=1))
        order = np.lexsort((pairs.col, pairs.row))
        return self._pairs_frame(pairs.row[order], pairs.col[order], pairs.data[order] / self.counted)

    def neighbours(self) -> pd.DataFrame:
        """Return the frame of `together` for pairs of neighbours only, those that never meet included."""
        graph = self.plans[0].of_units.contiguity
        pairs = np.zeros((0, 2), dtype=np.int64) if graph is None else np.sort(graph.pairs, axis=1)
        share = np.zeros(len(pairs))
        for zone in self.zones:
            share += zone[pairs[:, 0]] == zone[pairs[:, 1]]
        return self._pairs_frame(pairs[:, 0], pairs[:, 1], share / self.counted)

    def _pairs_frame(self, one: Any, other: Any, share: Any) -> pd.DataFrame:
        ids = self.plans[0].of_units.ids
        return pd.DataFrame({"unit": ids[one], "other": ids[other], "share": np.asarray(share, dtype=float)})

    @property
    def steadiness(self) -> pd.DataFrame:
        """Frame on the units' index: how surely each unit stays where the best plan has it.

        It is `steadiness_of` the best plan, which is itself one of the good plans.
        """
        return self._steadiness.copy()

    @cached_property
    def _steadiness(self) -> pd.DataFrame:
        return self.steadiness_of(self.plans[0])

    def steadiness_of(self, plan: Plan) -> pd.DataFrame:
        """Return how surely each unit stays where a plan has it, as a frame on the units' index.

        `zone` is its zone in the plan. `same_zone` is the share of good plans in which it is in that zone:
        the zones of every good plan are matched one to one with those of the plan, so that most hours stay.
        `with_mates` is the mean, weighted by hours, of its `together` with the other units of that zone; 1
        where it is alone. `next_zone` is the zone of the plan that it is in most often besides, None where
        there is none, and `next_share` how often. `DataError` for a plan on other units.
        """
        if not plan.of_units.ids.equals(self.plans[0].of_units.ids):
            raise DataError("the plan is not on the portfolio's units; take one of the same problem")
        count, zones = plan.zone.shape[0], len(plan.zone_ids)
        # A touch of weight for everyone lets zones without hours be matched by their units.
        weight = self._hours + 1e-9 * max(float(self._hours.max(initial=0.0)), 1.0)
        mates = np.zeros(count)
        at = np.arange(count)
        alone = np.bincount(plan.zone, minlength=zones)[plan.zone] == 1
        held = np.bincount(plan.zone, weights=weight, minlength=zones)[plan.zone] - weight
        seen = []  # a number for every unit and the zone that it is in, plan after plan
        for zone in self.zones:
            was = np.full(int(zone.max()) + 1, -1, dtype=np.int64)
            for here, before in measures.matched_zones(weight, zone, plan.zone):
                was[here] = before
            known = was[zone] >= 0
            seen.append(at[known] * zones + was[zone][known])
            both = zone * zones + plan.zone
            shared = np.bincount(both, weights=weight)[both] - weight
            mates += np.where(alone, 1.0, np.clip(shared / np.where(alone, 1.0, held), 0.0, 1.0))
        # Only what was seen takes room: a table of all units and zones has no end in a large country.
        found, often = np.unique(np.concatenate(seen), return_counts=True)
        unit, within = found // zones, found % zones
        own = within == plan.zone[unit]
        same, next_share, following = np.zeros(count), np.zeros(count), np.full(count, -1)
        same[unit[own]] = often[own] / self.counted
        unit, within, often = unit[~own], within[~own], often[~own]
        order = np.lexsort((within, -often, unit))
        first = order[np.unique(unit[order], return_index=True)[1]]
        next_share[unit[first]] = often[first] / self.counted
        following[unit[first]] = within[first]
        names = np.array([*plan.zone_ids, None], dtype=object)  # the last for units that are in no other
        return pd.DataFrame(
            {
                "zone": names[plan.zone],
                "same_zone": same,
                "with_mates": mates / self.counted,
                "next_zone": pd.Series(names[following], plan.of_units.ids, dtype=object),
                "next_share": next_share,
            },
            index=plan.of_units.ids,
        )


def _objective(plan: Plan) -> float:
    proved = plan.certificate
    return float("nan") if proved is None or proved.objective is None else proved.objective
