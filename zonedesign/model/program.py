"""The program: assignment, levels, volumes, counts, shares and characters as rows over binary columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.model.flow import write_flows
from zonedesign.model.locks import Locks, gathered, locks_of, restricted
from zonedesign.model.sheet import Sheet
from zonedesign.model.terms import write_borders, write_change, write_cut, write_travel
from zonedesign.model.volumes import arcs_of, tolerance_of, write_character, write_shares, write_volumes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

AIM = 1e4
"""The size that the objective is scaled to, so that the engine's absolute tolerances mean nothing to it."""


@dataclass(frozen=True, eq=False)
class Cut:
    """A row that the rounds add: the sum of `values` times `columns` is at most `most`."""

    columns: Ints
    values: Floats
    most: float


@dataclass(frozen=True, eq=False)
class Program:
    """The integer program of a problem, stated in PuLP (`sheet`), and where its columns are.

    `possible` is (arcs, levels): the pairs that have a column, and the levels at which they may be used;
    `centre` and `unit` are (arcs,) positions. `x` (arcs,) is the column of every arc, `y` (n, levels) of
    every centre and level and `z` (arcs, levels) of every arc at one level, -1 where there is none; with one
    level all three are the same. Units that are locked together share columns, and those that only one
    centre can hold share that centre's. The objective is `program objective / scale + constant`. `linking`
    says of every row whether it only ties a unit's column to its centre's. `homeless` are units that no
    centre can hold: with one there is no plan. `tolerance` is what the engine may be off by in a row.
    """

    problem: Problem
    sheet: Sheet
    possible: Mask
    centre: Ints
    unit: Ints
    x: Ints
    y: Ints
    z: Ints
    scale: float
    constant: float
    linking: Mask
    homeless: Ints
    tolerance: float

    @property
    def binaries(self) -> Ints:
        """The columns that must be whole; all others follow from them."""
        every = np.concatenate([of[of >= 0] for of in (self.x, self.y, self.z)])
        return np.unique(every)

    def unscaled(self, value: float) -> float:
        """Return the problem's objective for an objective of the program."""
        return value / self.scale

    def scaled(self, value: float) -> float:
        """Return the program's objective for an objective of the problem."""
        return value * self.scale

    def values(self, centre_of: Ints, level_of: Ints) -> Floats | None:
        """Return a plan as values of `binaries`, in their order; None where it needs one that is not there.

        `centre_of` (n,) is every unit's centre, `level_of` (n,) the number of every unit's level.
        """
        on = np.zeros(self.sheet.width)
        chosen = np.flatnonzero(centre_of[self.unit] == self.centre)
        fits = chosen[self.possible[chosen, level_of[self.unit[chosen]]]]
        if len(fits) < len(centre_of):
            return None
        on[self.x[fits]] = on[self.z[fits, level_of[self.unit[fits]]]] = 1.0
        centres = np.unique(centre_of)
        on[self.y[centres, level_of[centres]]] = 1.0
        return np.asarray(on[self.binaries])

    def read(self, values: Floats) -> tuple[Ints, Ints]:
        """Return (centre, level) of every unit (n,) from the values of all columns, each at its largest."""
        n = len(self.problem.units)
        used = np.flatnonzero(self.x >= 0)
        centre, unit = self.centre[used], self.unit[used]
        order = np.lexsort((-centre, values[self.x[used]]))  # the last to write a unit has its largest value
        centre_of = np.full(n, -1, dtype=np.int64)
        centre_of[unit[order]] = centre[order]
        marks = np.where(self.y >= 0, values[self.y], -1.0)
        return centre_of, np.asarray(marks.argmax(axis=1))[centre_of]


def state(
    problem: Problem,
    possible: Mask | None = None,
    *,
    flow: bool = False,
    most_moved: float | None = None,
) -> Program:
    """Return the program of a problem on the `possible` pairs (arcs, levels), unless said all within reach.

    With `flow`, zones are connected by flows in the program itself; without, by cuts that the caller adds.
    With `most_moved`, its plans are those in which at most that share of hours leaves the baseline's zones.
    """
    locks = locks_of(problem)
    mask = restricted(problem, locks, problem.arcs.allowed if possible is None else possible)
    locks, mask = gathered(problem, locks, mask)
    sheet = Sheet()
    arcs, n = problem.arcs, len(problem.units)
    centre = np.repeat(np.arange(n), np.diff(arcs.indptr))
    x = _unit_columns(sheet, locks, centre, arcs.units, mask)
    y = _level_columns(sheet, n, centre, arcs.units, x, mask)
    homeless = np.setdiff1d(np.arange(n), arcs.units[x >= 0])
    z = _columns_by_level(sheet, centre, arcs.units, x, y, mask)
    linking = _write_assignment(sheet, locks, centre, arcs.units, x, y, z)
    draft = Program(
        problem, sheet, mask, centre, arcs.units, x, y, z, 1.0, 0.0, linking, homeless, tolerance_of(problem)
    )
    write_volumes(draft)
    _write_counts(draft)
    for level in range(len(problem.levels)):
        if problem.levels[level].character is not None:
            write_character(draft, level)
    if any(level.hours_share is not None for level in problem.levels):
        write_shares(draft)
    _write_locks(draft, locks)
    if flow:
        write_flows(draft)
    constant = write_travel(draft) + write_change(draft, most_moved) + write_borders(draft) + write_cut(draft)
    scale = _scale_of(problem, x)
    sheet.finish(scale)
    flags = np.zeros(sheet.height, dtype=bool)
    flags[: len(linking)] = linking
    return Program(
        problem, sheet, mask, centre, arcs.units, x, y, z, scale, constant, flags, homeless, draft.tolerance
    )


def _unit_columns(sheet: Sheet, locks: Locks, centre: Ints, unit: Ints, mask: Mask) -> Ints:
    """Return the column of every arc (arcs,); units that are locked together share theirs."""
    n = len(locks.group)
    x = np.full(len(unit), -1, dtype=np.int64)
    used = np.flatnonzero(mask.any(axis=1))
    cells, number = np.unique(centre[used] * n + locks.group[unit[used]], return_inverse=True)
    first = sheet.width
    for cell in cells:
        sheet.column(f"x_{cell // n}_{cell % n}", whole=True)
    x[used] = first + number
    return x


def _level_columns(sheet: Sheet, n: int, centre: Ints, unit: Ints, x: Ints, mask: Mask) -> Ints:
    """Return the column of every centre and level (n, levels); with one level the centre's own serves."""
    levels = mask.shape[1]
    y = np.full((n, levels), -1, dtype=np.int64)
    for arc in np.flatnonzero(centre == unit):
        j = int(centre[arc])
        for level in np.flatnonzero(mask[arc]):
            y[j, level] = x[arc] if levels == 1 else sheet.column(f"y_{j}_{level}", whole=True)
    return y


def _columns_by_level(sheet: Sheet, centre: Ints, unit: Ints, x: Ints, y: Ints, mask: Mask) -> Ints:
    """Return the columns of every arc at every level (arcs, levels): `x` itself where there is but one.

    With them the bands of a zone are those of one level, not something between the bands of several: the
    relaxation is far closer.
    """
    z = np.full(mask.shape, -1, dtype=np.int64)
    used = np.flatnonzero(x >= 0)  # mostly few of all arcs
    selves = used[centre[used] == unit[used]]
    alone = used[mask[used].sum(axis=1) == 1]
    z[alone] = np.where(mask[alone], x[alone][:, None], -1)
    own = np.full(len(y), -1, dtype=np.int64)
    own[centre[selves]] = x[selves]
    with_centre = used[x[used] == own[centre[used]]]
    z[with_centre] = np.where(mask[with_centre], y[centre[with_centre]], -1)
    left = mask & (x >= 0)[:, None]
    left[alone] = left[with_centre] = False
    known: dict[tuple[int, int], int] = {}  # units that are locked together share these as well
    for arc, k in zip(*np.nonzero(left), strict=True):
        key = int(x[arc]), int(k)
        if key not in known:
            known[key] = sheet.column(f"z_{centre[arc]}_{unit[arc]}_{k}", whole=True)
        z[arc, k] = known[key]
    return z


def _write_assignment(
    sheet: Sheet, locks: Locks, centre: Ints, unit: Ints, x: Ints, y: Ints, z: Ints
) -> Mask:
    """Write one zone a unit, one level a centre, no unit without its centre; return which rows link."""
    linking: list[bool] = []
    used = np.flatnonzero(x >= 0)
    by_unit = used[np.argsort(unit[used], kind="stable")]
    starts = np.searchsorted(unit[by_unit], np.arange(len(locks.group) + 1))
    for i in np.flatnonzero(locks.group == np.arange(len(locks.group))):
        columns = x[by_unit[starts[i] : starts[i + 1]]]
        if len(columns):
            sheet.row(columns, np.ones(len(columns)), least=1.0, most=1.0)
            linking.append(False)
    own = np.full(len(locks.group), -1, dtype=np.int64)
    own[centre[used[centre[used] == unit[used]]]] = x[used[centre[used] == unit[used]]]
    levels_of = (y >= 0).sum(axis=1)
    if y.shape[1] > 1:
        for j in np.flatnonzero(own >= 0):
            marks = y[j][y[j] >= 0]
            sheet.row([*marks, own[j]], [*np.ones(len(marks)), -1.0], least=0.0, most=0.0)
            linking.append(True)
    tied = used[x[used] != own[centre[used]]]
    _, first = np.unique(x[tied], return_index=True)
    for arc in tied[np.sort(first)]:
        levels = np.flatnonzero(z[arc] >= 0)
        j = centre[arc]
        if len(levels) == 1:
            mark = own[j] if levels_of[j] == 1 else y[j, levels[0]]
            sheet.row([x[arc], mark], [1.0, -1.0], most=0.0)
            linking.append(True)
            continue
        for k in levels:
            sheet.row([z[arc, k], y[j, k]], [1.0, -1.0], most=0.0)
        parts = z[arc, levels]
        sheet.row([*parts, x[arc]], [*np.ones(len(parts)), -1.0], least=0.0, most=0.0)
        linking += [False] * (sheet.height - len(linking))
    return np.array(linking, dtype=bool)


def _write_counts(draft: Program) -> None:
    """Write how many zones of each level there may be."""
    for k, level in enumerate(draft.problem.levels):
        marks = draft.y[:, k][draft.y[:, k] >= 0]
        low, high = level.zone_range
        if low > 0 or (high is not None and high < len(marks)):
            draft.sheet.row(
                marks, np.ones(len(marks)), least=float(low), most=None if high is None else float(high)
            )


def _write_locks(draft: Program, locks: Locks) -> None:
    """Write that locked centres are centres, and that units that stay apart do not share one."""
    for unit in locks.centres:
        own = draft.x[(draft.centre == unit) & (draft.unit == unit) & (draft.x >= 0)]
        draft.sheet.row(own, np.ones(len(own)), least=1.0)
    for a, b in locks.apart:
        for j in range(len(draft.y)):
            row = arcs_of(draft, j)
            both = draft.x[row[(draft.unit[row] == a) | (draft.unit[row] == b)]]
            if len(both) > 1:
                own = draft.x[row[draft.unit[row] == j]]
                draft.sheet.row([*both, *own], [1.0, 1.0, -1.0], most=0.0)


def _scale_of(problem: Problem, x: Ints) -> float:
    """Return a power of two that brings a usual objective to `AIM`."""
    weights, used = problem.objective, x >= 0
    hours = problem.hours[problem.arcs.units[used]]
    minutes = problem.arcs.minutes[used]
    usual = float((hours * minutes).sum() / hours.sum()) if hours.sum() > 0 else 0.0
    size = weights.travel * usual / 2 + weights.change + weights.borders + weights.cut
    return 2.0 ** round(float(np.log2(AIM / size))) if size > 0 else 1.0
