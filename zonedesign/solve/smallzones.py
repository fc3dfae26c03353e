"""Small zones: a level whose band only a few units fill has all its possible zones written out.

What a zone of such a level adds to the bound is then exact, with its connection, its whole units and its
customers, where a fractional knapsack would fill bands with parts of far-off units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.problem import Problem
    from zonedesign.solve.bound import Priced

    Ints = NDArray[np.int64]
    Nodes = NDArray[np.int32]
    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

MOST_SETS = 150_000
"""Connected sets up to which a level's zones are written out: some 10 MB."""
SLACK = 1e-6


@dataclass(frozen=True, eq=False)
class SmallZones:
    """All zones that a level can have: sets of units as rows (`first`, `members`), each with its centres.

    By pair of set and centre: `which` set, `centre`, and what its travel adds to the objective.
    """

    first: Ints
    members: Nodes
    which: Nodes
    centre: Nodes
    added: Floats

    def worth(self, prices: Floats) -> tuple[Floats, Ints]:
        """Return (n,): the least that a zone of each centre adds, inf where there is none, and its set."""
        from zonedesign.solve import _smallzones  # noqa: PLC0415  (numba is slow to import)

        worth, best = _smallzones.best_sets(
            self.first, self.members, self.which, self.centre, self.added, prices
        )
        return worth, best

    def units_of(self, number: int) -> Nodes:
        """Return the units of a set."""
        return self.members[self.first[number] : self.first[number + 1]]

    def open_arcs(self, prices: Floats, room: Floats, priced: Priced) -> Flags:
        """Return which of the arcs a zone uses that adds at most `room` (n,) of its centre."""
        from zonedesign.solve import _smallzones  # noqa: PLC0415

        sets = self.first, self.members, self.which, self.centre, self.added
        found: Flags = _smallzones.open_arcs(*sets, prices, room, priced.indptr, priced.units)
        return found


def small_zones(problem: Problem, priced: Priced, level: int) -> SmallZones | None:
    """Return all zones of a level, or None where they are too many, or need not be connected."""
    from zonedesign.solve import _smallzones  # noqa: PLC0415

    # Where `priced` is by customers, no level has a band of hours, and these only say which units have arcs.
    graph, hours = problem.units.contiguity, priced.demand
    if graph is None or not problem.contiguous[level]:
        return None
    hour_band, people_band = (
        (0.0 if low is None else low - SLACK, np.inf if high is None else high + SLACK)
        for low, high in (
            problem.levels[level].weekly_hours or (None, None),
            problem.levels[level].customers or (None, None),
        )
    )
    people = problem.units.customers
    customers = np.zeros(len(hours)) if people is None else np.asarray(people, dtype=np.float64)
    usable = np.zeros(len(hours), dtype=np.bool_)
    usable[priced.units[priced.allowed[:, level]]] = True
    usable |= hours == 0  # these may join two others, and no arc is kept of them
    most = np.array([hour_band[1], people_band[1]])
    if not np.isfinite(most).any():
        return None
    n = len(hours)
    ends = np.concatenate([graph.pairs, graph.pairs[:, ::-1]]).astype(np.int64)
    ends = ends[np.argsort(ends[:, 0], kind="stable")]
    indptr = np.searchsorted(ends[:, 0], np.arange(n + 1))
    near = np.ascontiguousarray(ends[:, 1])
    first, members = _smallzones.connected_sets(indptr, near, usable, hours, customers, most, MOST_SETS)
    if len(first) == 1:
        return None
    least = np.array([hour_band[0], people_band[0]])
    allowed = np.ascontiguousarray(priced.allowed[:, level])
    pairs = _smallzones.centred(
        first, members, priced.indptr, priced.units, priced.cost, allowed, hours, customers, least
    )
    return SmallZones(first, members, *pairs)
