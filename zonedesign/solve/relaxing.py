"""Relaxing: the bound of a part of the map, with cuts for connection priced beside its units."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.solve.bound import Bound

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.problem import Problem
    from zonedesign.solve._cuttable import Cuts
    from zonedesign.solve._parts import Part
    from zonedesign.solve._separators import Graph
    from zonedesign.solve.bound import Priced
    from zonedesign.solve.choosing import Cells

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

PATIENCE = 20
"""Steps without a better bound after which they shorten."""
MOST_CUTS = 80
"""Cuts of one part at most, those of the part that it was divided from among them."""


@dataclass(frozen=True, eq=False)
class Relaxing:
    """What the bounds of all parts of one problem look up; a `stop` (1,) that is not 0 ends each early."""

    problem: Problem
    stop: Ints = field(default_factory=lambda: np.zeros(1, dtype=np.int64))

    @cached_property
    def graph(self) -> Graph | None:
        """The neighbours of every unit, where zones must be connected."""
        from zonedesign.solve._separators import graph_of  # noqa: PLC0415  (numba is slow to import)

        contiguity = self.problem.units.contiguity
        return None if contiguity is None or not self.problem.contiguous[0] else graph_of(contiguity)

    def bound(
        self, part: Part, priced: Priced, cells: Cells, target: tuple[float, float], steps: int
    ) -> tuple[Bound, Priced, Cuts]:
        """Return a part's bound, what its pairs cost with the cuts' prices, and the cuts.

        `target` is the objective of the best plan and the bound at which the part is of no use. With the
        cuts' prices every plan costs as much as without them, or less: all that is proved at those costs
        holds.
        """
        from zonedesign.solve._relaxcut import relax_and_cut  # noqa: PLC0415  (numba is slow to import)
        from zonedesign.solve._separators import no_graph  # noqa: PLC0415

        graph = self.graph
        found = relax_and_cut(
            priced.rows(),
            no_graph(len(priced.demand)) if graph is None else graph,
            (cells.of, cells.counts),
            (part.prices, no_cuts() if part.cuts is None else part.cuts),
            target,
            (steps, PATIENCE, 0 if graph is None else MOST_CUTS),
            self.stop,
        )
        bound = Bound(
            found.value, found.prices, found.worth[:, None], found.chosen,
            np.zeros(len(found.chosen), dtype=np.int64), infeasible=found.value == np.inf,
        )  # fmt: skip
        return bound, replace(priced, cost=found.cost), found.cuts


def ready() -> None:
    """Have the kernels compiled that only this uses."""
    from zonedesign.solve._pricing import Rows, few_at  # noqa: PLC0415  (numba is slow to import)
    from zonedesign.solve._relaxcut import relax_and_cut  # noqa: PLC0415
    from zonedesign.solve._separators import no_graph  # noqa: PLC0415

    few_at(np.zeros((2, 1)), np.zeros(1, dtype=np.int64), np.ones(2), np.array([0.0, 2.0]), np.zeros(1))
    own, ends, hours = np.zeros(1, dtype=np.int64), np.array([0, 1]), np.ones(1)
    hours.setflags(write=False)  # as those of a problem are, which numba takes for another kind
    rows = Rows(
        ends, own.astype(np.int32), np.zeros(1), np.ones((1, 1), dtype=np.bool_), own, hours,
        np.zeros(1), np.ones(1), np.zeros(1), np.zeros(1),
    )  # fmt: skip
    relax_and_cut(
        rows, no_graph(1), (own, np.ones(1, dtype=np.int64)), (np.zeros(1), no_cuts()), (1.0, 1.0), (1, 1, 1),
        np.zeros(1, dtype=np.int64),
    )  # fmt: skip


def no_cuts() -> Cuts:
    """Return no cuts at all."""
    from zonedesign.solve._cuttable import Cuts  # noqa: PLC0415  (numba is slow to import)

    none, end = np.zeros(0, dtype=np.int64), np.zeros(1, dtype=np.int64)
    return Cuts(none, none, end, none, end, none, np.zeros(0))


def shared_out(cuts: Cuts, cell: int, others: int, halves: int) -> Cuts:
    """Return a part's cuts where a cell was divided: `others` cells stay before its `halves`.

    A cut summed over the centres of a cell holds for those of every half.
    """
    of_it, rest = np.flatnonzero(cuts.cell == cell), np.flatnonzero(cuts.cell != cell)
    chosen = np.concatenate([rest, *[of_it] * halves])
    cells = np.concatenate(
        [
            cuts.cell[rest] - (cuts.cell[rest] > cell),
            np.repeat(np.arange(others, others + halves), len(of_it)),
        ]
    )
    separators, separator_ends = _rows(cuts.separator_ends, chosen)
    priced, priced_ends = _rows(cuts.priced_ends, chosen)
    return type(cuts)(
        cells, cuts.seed[chosen], separator_ends, cuts.separator[separators],
        priced_ends, cuts.priced[priced], cuts.price[priced],
    )  # fmt: skip


def _rows(ends: Ints, chosen: Ints) -> tuple[Ints, Ints]:
    """Return the places of the entries of some rows, one row after the other, and where each row ends."""
    places = [np.arange(ends[k], ends[k + 1]) for k in chosen]
    found = np.zeros(len(chosen) + 1, dtype=np.int64)
    np.cumsum([len(each) for each in places], out=found[1:])
    return np.concatenate([np.zeros(0, dtype=np.int64), *places]), found
