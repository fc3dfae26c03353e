"""Parts of the map in branching: plans whose centres are shared out, and pairs near their bound."""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.model.transport import transport
from zonedesign.solve.bound import Bound
from zonedesign.solve.closing import Near

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.solve._cuttable import Cuts
    from zonedesign.solve.bound import Priced

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]


MOST_KEPT = 50_000_000
"""Pairs of all parts together that are kept at most: some 2 GB."""


@dataclass(frozen=True, eq=False)
class Placed:
    """What is known of plans whose centres are all placed: the bound, and what every pair adds (arcs,)."""

    bound: Bound
    extra: Floats


@dataclass(frozen=True, eq=False)
class NearPlaced(Near):
    """Pairs near the bound of plans with given centres; `possible` are those of units without hours."""

    extra: Floats

    @property
    def within(self) -> Mask:
        """The pairs (arcs, levels) that plans with these centres have at all."""
        return self.open(np.inf)

    def open(self, aim: float) -> Mask:
        """Return the pairs (arcs, levels) that a plan below `aim` may use."""
        found = self.possible.copy()
        room = aim - self.bound.value + 1e-9 * abs(self.bound.value)
        found[self.priced.arcs[self.extra <= room]] = True
        return found


@dataclass(order=True)
class Part:
    """Plans whose centres are shared out among cells, each with its open pairs, its prices and its cuts.

    `chosen` are the centres at these prices.
    """

    bound: float
    number: int
    cells: list[tuple[Ints, int]] = field(compare=False)
    priced: Priced = field(compare=False)
    prices: Floats = field(compare=False)
    cuts: Cuts | None = field(compare=False, default=None)
    placed: Placed | None = field(compare=False, default=None)
    chosen: Ints | None = field(compare=False, default=None)

    @property
    def centres(self) -> set[int]:
        """All centres that are open."""
        return {int(centre) for centres, _ in self.cells for centre in centres}

    @property
    def divisible(self) -> bool:
        """Whether some centre is still open."""
        return any(len(centres) > count for centres, count in self.cells)


@dataclass(eq=False)
class Waiting:
    """The parts that wait, by what comes next: `new` ones for their bound, others for their turn.

    Those that are `wide` are divided then, those that are `ready`, with all centres placed, go to a program;
    each is a heap by the bounds. `kept` are the pairs of both together.
    """

    new: deque[Part] = field(default_factory=deque)
    wide: list[Part] = field(default_factory=list)
    ready: list[Part] = field(default_factory=list)
    kept: int = 0

    def __len__(self) -> int:
        """How many wait."""
        return len(self.new) + len(self.wide) + len(self.ready)

    def tops(self) -> list[Part]:
        """Return parts among which is that of the lowest bound of all that wait."""
        return [*self.new, *self.wide[:1], *self.ready[:1]]

    def lowest(self, count: int) -> list[Part]:
        """Return the parts of the lowest bounds, so many at most."""
        return heapq.nsmallest(count, [*self.wide, *self.ready])

    def keep(self, part: Part | None) -> None:
        """Keep a part that is of use until its turn comes."""
        if part is None:
            return
        if part.placed is None and not part.divisible:  # it has its bound to come still
            self.new.append(part)
            return
        heapq.heappush(self.wide if part.divisible else self.ready, part)
        self.kept += len(part.priced.units)

    def take(self, enough: float, *, beside: bool, first: bool) -> Part | None:
        """Return the part of the lowest bound, which waits no longer; None where none is below `enough`.

        One that is ready comes `first` where that is said, and none comes `beside` a program that has to be
        alone. Where memory is full, none is taken to be divided.
        """
        if self.kept > MOST_KEPT:
            self._forget(enough)
        heaps = [[] if beside else self.ready, [] if self.kept > MOST_KEPT else self.wide]
        of_use = [heap for heap in heaps if heap and heap[0].bound < enough]
        if not of_use:
            return None
        heap = of_use[0] if first else min(of_use, key=lambda each: each[0])
        part = heapq.heappop(heap)
        self.kept -= len(part.priced.units)
        return part

    def _forget(self, enough: float) -> None:
        """Forget the parts that are of no use since a better plan was found."""
        for heap in (self.wide, self.ready):
            heap[:] = [part for part in heap if part.bound < enough]
            heapq.heapify(heap)
        self.kept = sum(len(part.priced.units) for part in (*self.wide, *self.ready))


def near_placed(near: Near, part: Part) -> NearPlaced:
    """Return which pairs plans near the bound of a part use whose centres are placed."""
    assert part.placed is not None  # noqa: S101
    arcs = near.problem.arcs
    centre = np.repeat(np.arange(len(near.problem.units)), np.diff(arcs.indptr))
    # The bound knows nothing of units without hours: they go with their centre.
    free = near.possible & part.priced.standing[centre][:, None]
    free[near.priced.arcs] = False
    return NearPlaced(near.problem, part.priced, part.placed.bound, free, part.placed.extra)


def placed(part: Part, priced: Priced, objective: float, enough: float) -> Part | None:
    """Return a part whose centres are placed, its bound and open pairs; None where its bound is `enough`.

    `objective` is that of the best plan, inf while there is none.
    """
    from zonedesign.solve._pricing import few_at  # noqa: PLC0415  (numba is slow to import)

    n = len(priced.demand)
    own = np.flatnonzero(priced.standing)
    place = np.full(n, -1, dtype=np.int64)
    place[own] = np.arange(len(own))
    centre = np.repeat(np.arange(n), np.diff(priced.indptr))
    cost = np.full((n, len(own)), np.inf)
    cost[priced.units, place[centre]] = priced.cost
    cost[priced.demand == 0] = 0.0
    band = np.array([float(priced.low[0]), float(priced.high[0])])
    price = transport(cost, own, priced.demand, (band[0], band[1]))
    if price is None:
        return None
    value, worth = few_at(cost, own, priced.demand, band, price)
    bound = max(part.bound, value)
    if not bound < enough:
        return None
    extra = priced.cost + price[place[centre]] * priced.demand[priced.units] - worth[priced.units]
    kept = np.ones(len(extra), dtype=np.bool_)
    if np.isfinite(objective):
        kept = ~(extra > objective - value + 1e-9 * abs(value))
    kept |= centre == priced.units
    found = Bound(value, worth, np.zeros((n, 1)), own, np.zeros(len(own), np.int64))
    return replace(
        part, bound=bound, priced=priced.only(kept), prices=worth, placed=Placed(found, extra[kept])
    )
