"""Coarse: a draft's units put together in small groups, so that the search moves several at a time.

Where zones have many units, what makes a plan better is seldom one of them at its edge, and chains over all
take long. Groups are of one zone, connected, and begin anew from every draft, as in multilevel partitioning
(Sanders and Schulz 2011: iterated cycles). A coarse plan that keeps the rules is one of the units that does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from zonedesign.problem import Objective, Problem
from zonedesign.rules import Contiguous
from zonedesign.solve._tiles import pairs_of, place_of
from zonedesign.solve.improve import NEARBY_HEAT, Draft, Search
from zonedesign.solve.written import is_plain
from zonedesign.traveltimes import TravelTimes
from zonedesign.units import Units

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

LARGE_ZONES, MOST_UNITS = 30, 10_000
"""Units a zone from which groups are worth their making, and units up to which all pairs of groups may be
laid out: 300 MB for each thread."""
GROUP = 5
"""Units of a group at most."""
HEAT = 1.0
"""First temperature of a chain over groups, as a multiple of what a typical unit costs."""


@dataclass(frozen=True, eq=False)
class Coarse:
    """A draft of groups: the search over them, the group of every unit (n,), and their middles (groups,)."""

    search: Search
    draft: Draft
    group: Ints
    middle: Ints

    def fine(self, draft: Draft) -> Draft:
        """Return a draft of groups as one of units, whose price is not known."""
        return Draft(draft.zone[self.group], draft.level, self.middle[draft.centre])


def suits(search: Search, draft: Draft) -> bool:
    """Return whether zones are large, bands wide, and nothing is asked for that groups could not tell."""
    large = LARGE_ZONES * len(draft.level) <= len(draft.zone) <= MOST_UNITS
    levels = search.case.levels
    narrowest = float((levels["high"] - levels["low"]).min())
    # Where a group weighs more than a band is wide, a chain over groups keeps no rule and only takes time.
    wide = GROUP * float(search.problem.hours.mean()) <= narrowest
    return large and wide and is_plain(search.problem)


def improve(
    search: Search,
    draft: Draft,
    *,
    moves: int,
    seed: int,
    heat: float,
    enough: float = -math.inf,
    stop: Ints | None = None,
) -> Draft:
    """Return the draft improved by a chain over groups of its units, then by chains over the units.

    Takes what `Search.improve` takes. While rules are broken, `heat` is that of chains over the whole map.
    Afterwards it is that of neighbourhoods, and groups begin at `HEAT`.
    """
    if stop is not None and stop[0] != 0:
        return draft
    random, kept = np.random.default_rng(seed), math.isfinite(draft.price)
    seeds = [int(each) for each in random.integers(2**31, size=2)]
    made = coarsened(search, draft, random)
    found = made.search.improve(
        made.draft, moves=moves, seed=seeds[0], heat=HEAT if kept else heat, enough=enough, stop=stop
    )
    if found.price < draft.price or not kept:
        fine = search.improve(made.fine(found), moves=0, seed=0, heat=0.0)
        draft = fine if not kept else min(draft, fine, key=lambda each: each.price)
    if math.isfinite(draft.price):
        heat = heat if kept else NEARBY_HEAT
        # Half as many: the chain over groups has looked at every zone as well.
        return search.improve_nearby(
            draft, moves=moves // 2, seed=seeds[1], heat=heat, enough=enough, stop=stop
        )
    return search.improve(draft, moves=moves, seed=seeds[1], heat=heat, enough=enough, stop=stop)


def coarsened(search: Search, draft: Draft, random: np.random.Generator) -> Coarse:
    """Return a draft with its units in groups, drawn anew by chance; each stands where its middle is."""
    group = _groups(search, draft, random)
    order = np.argsort(group, kind="stable")
    count = int(group.max()) + 1
    first = np.searchsorted(group[order], np.arange(count))
    middle = _middles(search, draft, order, first)
    hours = search.problem.hours
    weight = np.add.reduceat(hours[order], first)
    # Groups without hours are as near as their units are on average.
    share = np.where(weight[group] > 0, hours, 1.0)
    share /= np.add.reduceat(share[order], first)[group]
    minutes, bits = np.empty((count, count)), np.empty((count, count), dtype=np.int64)
    everybody, levels = search.rank[order], len(search.problem.levels)
    for k, unit in enumerate(search.rank[middle].tolist()):
        pairs = pairs_of(search.case, everybody, unit)
        minutes[k] = np.add.reduceat(pairs["minutes"] * share[order], first)
        bits[k] = np.bitwise_and.reduceat(pairs["bits"].astype(np.int64), first)
    within = (bits & ((1 << levels) - 1)) > 0
    # A pair is one of a problem where both ways are; which of them may be used is told apart from that.
    problem = _problem(search, group, weight, np.where(within | within.T, minutes, np.inf))
    arcs = problem.arcs
    centre = np.repeat(np.arange(count), np.diff(arcs.indptr))
    possible = (bits[centre, arcs.units][:, None] >> np.arange(levels)) & 1 > 0
    found = Search.of(problem, possible)
    # What the units of a group are from its own middle, which no table of travel times can say.
    own = place_of(found.case.tile, found.rank, found.rank)
    found.case.table["minutes"][own] = np.diag(minutes)
    place = np.full(len(draft.zone), -1)
    place[middle] = np.arange(count)
    start = Draft(draft.zone[order[first]], draft.level, place[draft.centre], draft.price)
    return Coarse(found, start, group, middle)


def _groups(search: Search, draft: Draft, random: np.random.Generator) -> Ints:
    """Return the group (n,) of every unit: connected units of one zone."""
    graph = search.problem.units.contiguity
    assert graph is not None  # noqa: S101  (plain problems are connected)
    indptr, near, _ = graph.csr
    zone, group, count = draft.zone.tolist(), [-1] * len(draft.zone), 0
    for first in random.permutation(len(zone)).tolist():
        if group[first] >= 0:
            continue
        group[first], members = count, [first]
        for unit in members:
            for other in near[indptr[unit] : indptr[unit + 1]].tolist():
                if group[other] < 0 and zone[other] == zone[first] and len(members) < GROUP:
                    group[other] = count
                    members.append(other)
        count += 1
    return np.array(group, dtype=np.int64)


def _middles(search: Search, draft: Draft, order: Ints, first: Ints) -> Ints:
    """Return the unit that stands for each group: its zone's centre, or the one nearest to the others."""
    hours, centres = search.problem.hours, np.zeros(len(order), dtype=np.bool_)
    centres[draft.centre] = True
    found = np.empty(len(first), dtype=np.int64)
    for k, units in enumerate(np.split(order, first[1:])):
        if centres[units].any():
            found[k] = units[centres[units]][0]
            continue
        a, b = np.repeat(units, len(units)), np.tile(units, len(units))
        away = search.minutes(b, a).reshape(len(units), len(units)) @ (hours[units] + 1e-9)
        found[k] = units[away.argmin()]
    return found


def _problem(search: Search, group: Ints, hours: Floats, minutes: Floats) -> Problem:
    """Return the problem of groups, with the levels, rules and objective of that of units."""
    problem, count = search.problem, len(hours)
    graph = problem.units.contiguity
    assert graph is not None  # noqa: S101
    pairs = np.sort(group[graph.pairs], axis=1)
    pairs = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
    frame = pd.DataFrame({"hours": hours}, index=pd.RangeIndex(count))
    units = Units.from_frame(frame, hours="hours", contiguity=[tuple(pair) for pair in pairs.tolist()])
    times = TravelTimes.from_matrix(minutes, ids=frame.index)
    levels = [replace(level, max_minutes=None, max_miles=None) for level in problem.levels]
    return Problem(
        units,
        times,
        levels=levels,
        rules=[Contiguous()],
        objective=Objective(travel=problem.objective.travel),
    )
