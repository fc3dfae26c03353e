"""Elastic rows: how few zones, or units, need a limit that was loosened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zonedesign.levels import SLACK
from zonedesign.model.volumes import arcs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zonedesign.model.program import Program

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Tight:
    """A limit as it was before it was loosened: of the level at position `level`, at one `side` (min or max).

    `quantity` is as `verify` names it: weekly_hours, customers and character_share are of zones,
    reach_minutes and miles of units.
    """

    level: int
    quantity: str
    side: str
    limit: float


def count_beyond(program: Program, limits: Sequence[Tight]) -> None:
    """Make the program's objective the number of zones and units beyond some limits, and nothing else.

    The program is that of the problem with the limits loosened and with an objective of nothing.
    """
    for tight in limits:
        if tight.quantity in {"reach_minutes", "miles"}:
            _count_units(program, tight)
        else:
            _count_zones(program, tight)
    program.sheet.finish(1.0)


def _count_zones(program: Program, tight: Tight) -> None:
    """Count the zones of a level that hold too little or too much, by one column for every centre."""
    worth, limit = _demand(program, tight)
    sign = 1.0 if tight.side == "min" else -1.0
    for j in np.flatnonzero(program.y[:, tight.level] >= 0):
        row = arcs_of(program, int(j))
        held = sign * worth[program.unit[row]]
        others = [mark for k, mark in enumerate(program.y[j]) if mark >= 0 and k != tight.level]
        # What a zone may be short of at most: then the row says nothing.
        free = max(0.0, sign * limit) + float(-held[held < 0].sum())
        beyond = program.sheet.column(f"e_{j}_{tight.level}", cost=1.0, whole=True)
        columns = [*program.x[row], beyond, program.y[j, tight.level], *others]
        values = [*held, free, -sign * limit, *(free for _ in others)]
        program.sheet.row(columns, values, least=-SLACK)


def _demand(program: Program, tight: Tight) -> tuple[Floats, float]:
    """Return what every unit (n,) counts towards a limit, and the limit on its sum."""
    problem = program.problem
    if tight.quantity == "weekly_hours":
        return problem.hours, tight.limit
    if tight.quantity == "customers":
        people: Any = problem.customers
        return people, tight.limit
    asked: Any = problem.levels[tight.level].character
    of_class = problem.units.frame[asked.column].isin(asked.values).to_numpy()
    return (of_class - tight.limit) * problem.hours, 0.0


def _count_units(program: Program, tight: Tight) -> None:
    """Count the units of a level that lie too far from their centres, by a column for every such pair."""
    problem = program.problem
    far = problem.arcs.reach_minutes
    if tight.quantity == "miles":
        far = problem.miles(program.centre, program.unit)
    beyond = (far > tight.limit + SLACK) & program.possible[:, tight.level] & (program.x >= 0)
    for arc in np.flatnonzero(beyond):
        mark = program.y[program.centre[arc], tight.level]
        if mark < 0:
            continue
        if program.possible.shape[1] == 1:
            program.sheet.charge([program.x[arc]], [1.0])
            continue
        over = program.sheet.column(f"e_{arc}_{tight.level}", cost=1.0)
        program.sheet.row([program.x[arc], mark, over], [1.0, 1.0, -1.0], most=1.0)
