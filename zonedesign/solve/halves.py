"""Halves: where branching cuts a part of the map in two, and how its centres can be shared out then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Cell = tuple[Ints, int]

NO_ARC = 1e12
"""Minutes where there is no arc."""


@dataclass(frozen=True, eq=False)
class Halves:
    """How the cells of one problem are cut: groups of centres, each with how many of them stand."""

    problem: Problem

    def widest(self, cells: list[Cell]) -> int:
        """Return the place of the cell whose centres lie farthest apart, times how many stand in it.

        A bound mixes the centres of a cell, and the farther apart they are the more cutting it saves.
        """
        spread = {
            k: self.poles(centres)[2] * count
            for k, (centres, count) in enumerate(cells)
            if len(centres) > count
        }
        return max(spread, key=spread.__getitem__)

    def shares(self, cell: Cell) -> list[list[Cell]]:
        """Return every way in which a cell's centres can stand in its halves, those with none left out."""
        centres, count = cell
        one, other = self.halves(centres, *self.poles(centres)[:2])
        return [
            [(half, number) for half, number in ((one, here), (other, count - here)) if number]
            for here in range(count + 1)
            if here <= len(one) and count - here <= len(other)
        ]

    def poles(self, centres: Ints) -> tuple[int, int, float]:
        """Return two of the centres that lie far apart, and how far."""
        first = centres[self._minutes(int(centres[0]), centres).argmax()]
        from_first = self._minutes(int(first), centres)
        return int(first), int(centres[from_first.argmax()]), float(from_first.max())

    def halves(self, centres: Ints, first: int, second: int) -> tuple[Ints, Ints]:
        """Return centres in two groups, those nearer to the first and those that are not."""
        nearer = self._minutes(first, centres) < self._minutes(second, centres)
        if nearer.all() or not nearer.any():  # one half would be empty: all lie in one place
            nearer = np.arange(len(centres)) < len(centres) // 2
        return centres[nearer], centres[~nearer]

    def _minutes(self, centre: int, units: Ints) -> Floats:
        """Return minutes from a centre to units, a lot where there is no arc."""
        arcs = self.problem.arcs
        row = slice(arcs.indptr[centre], arcs.indptr[centre + 1])
        away = np.full(len(self.problem.units), NO_ARC)
        away[arcs.units[row]] = arcs.minutes[row]
        return away[units]
