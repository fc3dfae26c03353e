"""Volumes, shares and characters: demand as rows, with the slack that bands have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zonedesign.levels import SLACK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zonedesign.levels import Band
    from zonedesign.model.program import Program
    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

LARGEST = 1e3
"""Rows of demand are scaled to coefficients of this size at most."""
GRID = 1e-4
"""Demand and bands that are multiples of this need no slack: nothing can lie within it."""
LOOSE, TIGHT = 1e-6, 1e-8
"""The engine's tolerance, usually and where rows carry a slack."""
CLEAR = 20.0
"""A slack is at least so many tolerances: HiGHS's presolve goes wrong where the two are of one size."""


def write_volumes(draft: Program) -> None:
    """Write the bands: what a zone holds at a level lies between the least and the most of that level."""
    for weight, bands in _demands(draft.problem):
        factor = scale_of_rows(weight)
        slack = _slack_of(weight, bands)
        close = 2 * max(SLACK, slack)
        for j, level in zip(*np.nonzero(draft.y >= 0), strict=True):
            row = arcs_of(draft, int(j))
            row = row[draft.z[row, level] >= 0]
            columns, number = np.unique(draft.z[row, level], return_inverse=True)
            held = np.bincount(number, weights=weight[draft.unit[row]]).astype(np.float64)
            low, high = _ends([bands[level]], float(held.sum()), slack)
            mark = draft.y[j, [level]]
            both = [*columns, *mark]
            if low[0] > 0:
                ends = _settled(columns, held, mark, low, close, upper=False)
                draft.sheet.row(both, np.concatenate([held, -ends]) * factor, least=0.0)
            if high[0] < held.sum():
                ends = _settled(columns, held, mark, high, close, upper=True)
                draft.sheet.row(both, np.concatenate([held, -ends]) * factor, most=0.0)


def _settled(columns: Ints, held: Floats, marks: Ints, ends: Floats, close: float, *, upper: bool) -> Floats:
    """Return the ends of bands, moved where the centre's own demand is as `close` to one in the same column.

    What is left of the two is of the size of the engine's tolerance, and the engine goes astray on it; no
    whole plan tells the difference, for it has another unit with demand in the zone or it has not.
    """
    settled = ends.copy()
    for k, mark in enumerate(marks):
        own = columns == mark
        if not own.any():
            continue
        left = float(held[own][0]) - float(ends[k])
        others = held[~own]
        smallest = float(others[others > 0].min(initial=np.inf))
        if -close < left < 0 and smallest > -left and (upper or np.isfinite(smallest)):
            settled[k] = held[own][0] + (0.0 if upper else smallest)
        elif not upper and 0 <= left < close:
            settled[k] = held[own][0]
    return settled


def _demands(problem: Problem) -> list[tuple[Floats, list[Band | None]]]:
    """Return each demand that some level has a band for, with the bands of all levels."""
    found = [(problem.hours, [level.weekly_hours for level in problem.levels])]
    if problem.customers is not None:
        found.append((problem.customers, [level.customers for level in problem.levels]))
    return [(weight, bands) for weight, bands in found if any(bands)]


def _slack_of(weight: Floats, bands: Sequence[Band | None]) -> float:
    """Return what bands are widened by: the slack, or as little more as the engine can tell apart.

    Rows must never forbid what the rules allow. What they allow beyond it is cut off when it is met.
    """
    return max(SLACK, CLEAR * TIGHT / scale_of_rows(weight)) if _off_grid(weight, bands) else 0.0


def _off_grid(weight: Floats, bands: Sequence[Band | None]) -> bool:
    """Return whether a sum of the weights may lie within the slack of a band's end without lying on it."""
    ends = [end for band in bands if band for end in band if end is not None]
    steps = np.concatenate([weight, ends]) / GRID
    return bool((np.abs(steps - np.round(steps)) > 1e-6).any())


def tolerance_of(problem: Problem) -> float:
    """Return what the engine may be off by in a row: little where they have a slack or tiny demand."""
    demands = _demands(problem)
    if any(level.character is not None for level in problem.levels):
        demands.append((problem.hours, []))
    for weight, bands in demands:
        scaled = weight[weight > 0] * scale_of_rows(weight)
        if _off_grid(weight, bands) or scaled.min(initial=np.inf) < CLEAR * LOOSE:
            return TIGHT
    return LOOSE


def scale_of_rows(weight: Floats) -> float:
    """Return a power of two that brings the largest weight between 1 and `LARGEST`; 1 where it lies there."""
    largest = float(weight.max(initial=0.0))
    if largest > LARGEST:
        return 2.0 ** -int(np.ceil(np.log2(largest / LARGEST)))
    return 2.0 ** int(np.ceil(-np.log2(largest))) if 0 < largest < 1 else 1.0


def _ends(bands: Sequence[Band | None], everything: float, slack: float) -> tuple[Floats, Floats]:
    """Return least and most for the bands, with the slack; an open end is 0 or everything there is."""
    low = [max(0.0, (band[0] or 0.0) - slack) if band else 0.0 for band in bands]
    high = [band[1] + slack if band and band[1] is not None else everything for band in bands]
    return np.array(low), np.minimum(np.array(high, dtype=np.float64), everything)


def arcs_of(draft: Program, j: int) -> Ints:
    """Return the arcs of a centre that have a column."""
    indptr = draft.problem.arcs.indptr
    span = np.arange(indptr[j], indptr[j + 1])
    return np.asarray(span[draft.x[span] >= 0])


def write_character(draft: Program, k: int) -> None:
    """Write the least share of a zone's hours in units of the level's class, waived at any other level."""
    problem = draft.problem
    character: Any = problem.levels[k].character
    of_class = problem.units.frame[character.column].isin(character.values).to_numpy()
    hours = problem.hours * scale_of_rows(problem.hours)
    usual = float(np.median(hours[hours > 0])) if (hours > 0).any() else 0.0
    slack = max(SLACK, CLEAR * draft.tolerance / usual) if usual > 0 else SLACK
    worth = (of_class - (character.at_least - slack)) * hours
    for j in np.flatnonzero(draft.y[:, k] >= 0):
        row = arcs_of(draft, int(j))
        value = worth[draft.unit[row]]
        others = [mark for level, mark in enumerate(draft.y[j]) if mark >= 0 and level != k]
        waiver = float(-value[value < 0].sum())
        draft.sheet.row([*draft.x[row], *others], [*value, *(waiver for _ in others)], least=0.0)


def write_shares(draft: Program) -> None:
    """Write each level's share of all hours, over a column for the hours of every centre at every level."""
    problem = draft.problem
    factor = scale_of_rows(problem.hours)
    total = float(problem.hours.sum())
    slack = max(SLACK, CLEAR * draft.tolerance / (total * factor)) if total > 0 else SLACK
    by_hours = _slack_of(problem.hours, [level.weekly_hours for level in problem.levels])
    at_level: list[list[int]] = [[] for _ in problem.levels]
    for j in range(len(draft.y)):
        row = arcs_of(draft, j)
        held = problem.hours[draft.unit[row]] * factor
        marks = np.flatnonzero(draft.y[j] >= 0)
        bands = [problem.levels[int(level)].weekly_hours for level in marks]
        low, high = _ends(bands, float(held.sum()) / factor, by_hours)
        parts = []
        for level, least, most in zip(marks, low * factor, high * factor, strict=True):
            part = draft.sheet.column(f"h_{j}_{level}", most=float(held.sum()))
            draft.sheet.row([part, draft.y[j, level]], [1.0, -most], most=0.0)
            draft.sheet.row([part, draft.y[j, level]], [1.0, -least], least=0.0)
            at_level[level].append(part)
            parts.append(part)
        if parts:
            draft.sheet.row([*draft.x[row], *parts], [*held, *(-1.0 for _ in parts)], least=0.0, most=0.0)
    for each, parts in zip(problem.levels, at_level, strict=True):
        if each.hours_share is not None and total > 0:
            low_share, high_share = each.hours_share
            least = ((low_share or 0.0) - slack) * total * factor
            most = ((1.0 if high_share is None else high_share) + slack) * total * factor
            draft.sheet.row(parts, np.ones(len(parts)), least=least, most=most)
