"""Reduced costs: which columns no plan better than a known one can use, from the duals of the relaxation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.model import Program

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


def closed_by(program: Program, constant: float, cost: Floats, objective: float) -> tuple[float, Ints]:
    """Return a lower bound, and the columns `x` and `y` that no plan below `objective` uses, as it is scaled.

    The rows but those that tie units to centres are relaxed into `constant` and `cost` (columns,); what is
    left falls apart by centre, and a column is closed where the bound with it exceeds the objective
    (Lagrangian fixing: Validi, Buchanan and Lykhovyd 2022, after Mulvey and Beck 1984).
    """
    n, levels = program.y.shape
    used = np.flatnonzero(program.x >= 0)
    _, first = np.unique(program.x[used], return_index=True)
    arcs = used[first]  # one for each column, though locked units share theirs
    centre = program.centre[arcs]
    own = np.full(n, -1, dtype=np.int64)
    selves = used[program.centre[used] == program.unit[used]]
    own[program.centre[selves]] = program.x[selves]
    own_cost = np.where(own >= 0, cost[own], 0.0)
    tied = program.x[arcs] != own[centre]
    drawn = np.where(tied, np.minimum(0.0, cost[program.x[arcs]]), 0.0)

    worth = np.full((n, levels), np.inf)
    for level in range(levels):
        fits = program.possible[arcs, level]
        held = np.bincount(centre[fits], weights=drawn[fits], minlength=n)
        mark = program.y[:, level]
        extra = 0.0 if levels == 1 else np.where(mark >= 0, cost[mark], 0.0)
        worth[:, level] = np.where(mark >= 0, own_cost + extra + held, np.inf)
    best = worth.min(axis=1)
    chosen = np.minimum(0.0, best)

    others = np.ones(len(cost), dtype=bool)
    others[program.x[used]] = others[program.y[program.y >= 0]] = False
    free = float(np.minimum(0.0, cost[others] * program.sheet.most[others]).sum())
    bound = constant + free + float(chosen[np.isfinite(chosen)].sum())
    allowance = 1e-7 * max(1.0, abs(objective))

    with_level = bound - chosen[:, None] + worth
    close_y = (program.y >= 0) & (with_level > objective + allowance)
    at_best = np.where(program.possible[arcs], with_level[centre], np.inf).min(axis=1)
    at_best += np.where(tied, np.maximum(0.0, cost[program.x[arcs]]), 0.0)
    close_x = at_best > objective + allowance
    return bound, np.unique(np.concatenate([program.x[arcs][close_x], program.y[close_y]]))
