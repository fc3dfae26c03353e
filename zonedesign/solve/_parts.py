"""Parts of the map in branching: plans whose centres are shared out, and pairs near their bound."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.solve.closing import Near

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.solve._cuttable import Cuts
    from zonedesign.solve.bound import Bound, Priced

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]


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
    """Plans whose centres are shared out among cells, each with its open pairs, its prices and its cuts."""

    bound: float
    number: int
    cells: list[tuple[Ints, int]] = field(compare=False)
    priced: Priced = field(compare=False)
    prices: Floats = field(compare=False)
    cuts: Cuts | None = field(compare=False, default=None)
    placed: Placed | None = field(compare=False, default=None)

    @property
    def divisible(self) -> bool:
        """Whether some centre is still open."""
        return any(len(centres) > count for centres, count in self.cells)
