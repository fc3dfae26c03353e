"""The objective's terms as columns and costs: travel, change, borders, cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.model.program import Program

    Ints = NDArray[np.int64]


def write_travel(draft: Program) -> float:
    """Charge every arc its share of the mean minutes; return the constant part, none."""
    problem = draft.problem
    total = float(problem.hours.sum())
    used = np.flatnonzero(draft.x >= 0)
    if total > 0 and problem.objective.travel > 0:
        cost = problem.objective.travel * problem.hours[draft.unit[used]] * problem.arcs.minutes[used] / total
        draft.sheet.charge(draft.x[used], cost)
    return 0.0


def write_change(draft: Program, most_moved: float | None = None) -> float:
    """Write the hours kept under a one-to-one matching with the baseline's zones; return the constant part.

    A column for every centre and old zone that match; an hour is kept where unit, centre and match agree.
    With the units' columns whole the matching is an assignment problem, so its columns need not be. With
    `most_moved`, a row holds the share of hours that change zone down to that.
    """
    weight, given = draft.problem.objective.change, draft.problem.baseline_zones
    total = float(draft.problem.hours.sum())
    if (not weight and most_moved is None) or given is None or total <= 0:
        return 0.0
    match, kept = _write_kept(draft, given[0], weight, "m")
    if most_moved is not None:
        # Some matching keeps so many hours just where the best one does: the row leaves no such plan out.
        shares = [hours / total for hours in kept.values()]
        draft.sheet.row(list(kept), shares, least=1.0 - most_moved)
    for zone in range(len(given[1])):
        columns = [column for (_, old), column in match.items() if old == zone]
        if columns:
            draft.sheet.row(columns, np.ones(len(columns)), most=1.0)
    return weight


def write_borders(draft: Program) -> float:
    """Write the hours on the majority side of the border in every zone; return the constant part."""
    weight, codes = draft.problem.objective.borders, draft.problem.border
    if not weight or codes is None or draft.problem.hours.sum() <= 0:
        return 0.0
    _write_kept(draft, codes, weight, "b")
    return weight


def _write_kept(
    draft: Program, codes: Ints, weight: float, letter: str
) -> tuple[dict[tuple[int, int], int], dict[int, float]]:
    """Write that every centre has one code, and pay for hours of units with the code of their centre.

    Returns the column of every (centre, code), and the hours that every column of what is kept stands for.
    """
    problem, sheet = draft.problem, draft.sheet
    total = float(problem.hours.sum())
    used = np.flatnonzero((draft.x >= 0) & (problem.hours[draft.unit] > 0))
    code_of: dict[tuple[int, int], int] = {}
    kept: dict[tuple[int, int], float] = {}
    for arc in used:
        j, code = int(draft.centre[arc]), int(codes[draft.unit[arc]])
        if (j, code) not in code_of:
            code_of[j, code] = sheet.column(f"{letter}_{j}_{code}")
        at = (int(draft.x[arc]), code_of[j, code])
        kept[at] = kept.get(at, 0.0) + float(problem.hours[draft.unit[arc]])
    by_centre: dict[int, list[int]] = {}
    for (j, _), column in code_of.items():
        by_centre.setdefault(j, []).append(column)
    own = {
        int(draft.centre[a]): int(draft.x[a])
        for a in np.flatnonzero((draft.centre == draft.unit) & (draft.x >= 0))
    }
    for j, columns in by_centre.items():
        sheet.row([*columns, own[j]], [*np.ones(len(columns)), -1.0], most=0.0)
    held: dict[int, float] = {}
    for (x, column), hours in kept.items():
        both = sheet.column(f"{letter}k_{x}", cost=-weight * hours / total)
        sheet.row([both, x], [1.0, -1.0], most=0.0)
        sheet.row([both, column], [1.0, -1.0], most=0.0)
        held[both] = hours
    return code_of, held


def write_cut(draft: Program) -> float:
    """Write which neighbours share a centre, and pay for their boundary; return the constant part."""
    problem, sheet = draft.problem, draft.sheet
    weight, graph = problem.objective.cut, problem.units.contiguity
    if not weight or graph is None or not len(graph.pairs):
        return 0.0
    lengths = graph.boundary_m if graph.boundary_m.sum() > 0 else np.ones(len(graph.pairs))
    share = lengths / lengths.sum()
    column_of = {
        (int(draft.centre[arc]), int(draft.unit[arc])): int(draft.x[arc])
        for arc in np.flatnonzero(draft.x >= 0)
    }
    centres: dict[int, list[int]] = {}
    for j, i in column_of:
        centres.setdefault(i, []).append(j)
    for (a, b), part in zip(graph.pairs.tolist(), share.tolist(), strict=True):
        for j in centres.get(a, []):
            if part > 0 and (j, b) in column_of:
                both = sheet.column(f"s_{j}_{a}_{b}", cost=-weight * part)
                sheet.row([both, column_of[j, a]], [1.0, -1.0], most=0.0)
                sheet.row([both, column_of[j, b]], [1.0, -1.0], most=0.0)
    return weight
