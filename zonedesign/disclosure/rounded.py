"""Rounded: every figure to a multiple of a base, so that zones add up to their totals where that is asked.

Controlled rounding to one of the two multiples beside each figure, zero-restricted (Cox, Journal of the
American Statistical Association 82, 1987). Zones of two plans and their totals make a network, so a way
always exists; with three plans or more it is looked for, and refused where there is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from zonedesign.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from zonedesign.disclosure.figures import Entry, Figures
    from zonedesign.disclosure.policy import Rounding

    Floats = NDArray[np.float64]


def rounded(figures: Figures, rounding: Rounding, draw: int) -> dict[str, Floats]:
    """Return the rounded figures (f,) by quantity; another `draw` is another chance."""
    if not rounding.controlled:
        return {
            q: np.floor(value / rounding.base_of(q) + 0.5) * rounding.base_of(q)
            for q, value in figures.value.items()
        }
    sums = _sums(figures)
    return {
        q: _controlled(value, sums, rounding.base_of(q), np.random.default_rng([rounding.seed, draw, k]))
        for k, (q, value) in enumerate(figures.value.items())
    }


def ranges(
    figures: Figures, values: Mapping[str, Floats], rounding: Rounding
) -> dict[str, tuple[Floats, Floats]]:
    """Return, by quantity, the least and the most (f,) that a figure can be, given how it is rounded."""
    found = {}
    for quantity, value in values.items():
        base = rounding.base_of(quantity)
        whole = figures.whole_numbers(quantity)
        if rounding.controlled:
            # A multiple stays itself, so whole numbers lie less than a base away; other numbers nearly so.
            reach = base - 1.0 if whole else base
            low, high = value - reach, value + reach
        else:
            low, high = value - base / 2, value + base / 2
            if whole:
                low, high = np.ceil(low), np.ceil(high) - 1.0
        found[quantity] = (np.maximum(low, 0.0), high)
    return found


def _sums(figures: Figures) -> list[tuple[int, list[int]]]:
    """Return which figures add up to which: levels to their table's total, zones to their level's."""
    found: dict[tuple[int, tuple[int, ...]], None] = {}
    tables = dict.fromkeys(entry.table for entry in figures.entries)
    for table in tables:
        places = [entry for entry in figures.entries if entry.table == table]
        levels = [entry for entry in places if entry.kind == "level"]
        for level in levels:
            _add(found, level, [z for z in places if z.kind == "zone" and z.level == level.level])
        for total in places:
            if total.kind == "total":
                _add(found, total, levels)
    return [(total, list(parts)) for total, parts in found]


def _add(found: dict[tuple[int, tuple[int, ...]], None], total: Entry, parts: list[Entry]) -> None:
    numbers = tuple(part.figure for part in parts)
    if numbers != (total.figure,):
        found[total.figure, numbers] = None


def _controlled(
    value: Floats, sums: list[tuple[int, list[int]]], base: float, dice: np.random.Generator
) -> Floats:
    """Return figures at one of the two multiples beside each that add up, those nearer the likelier."""
    share = value / base
    low = np.floor(share + 1e-9)
    high = np.where(share - low < 1e-9, low, low + 1.0)
    matrix = np.zeros((len(sums), len(value)))
    for row, (total, parts) in enumerate(sums):
        matrix[row, parts] += 1.0
        matrix[row, total] -= 1.0
    # Going up costs little where much is left above the multiple below; chance does the rest.
    cost = dice.random(len(value)) - (share - low)
    rows = [LinearConstraint(sparse.csr_array(matrix), 0, 0)] if sums else []
    answer = milp(cost, integrality=np.ones(len(value)), bounds=Bounds(low, high), constraints=rows)
    if answer.x is None:
        raise DataError(
            "these tables have no rounding in which all of them add up to their totals; "
            "publish fewer together, or let them be rounded without adding up"
        )
    found: Floats = np.round(answer.x) * base
    return found
