"""Choice: zones that are all written out, and the plan among them that costs least."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from zonedesign.errors import SolverError
from zonedesign.model.engine import Ended, Solved
from zonedesign.model.quiet import AtWork, quiet_engine

if TYPE_CHECKING:
    from collections.abc import Callable

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

AIM = 1e4
"""The size that costs are scaled to, so that the engine's absolute tolerances mean nothing to them."""
FIRST_ZONES = 500
"""Zones in the first program, those nearest to the relaxation; each later one has four times as many."""
ENOUGH = 1e-6
"""What duals may be off by, on costs of the size of `AIM`."""
AT_ONCE = 4_000
"""Zones that the relaxation takes in at a time, those that its duals want most (column generation)."""


class Totals(NamedTuple):
    """What `each` zone (zones,) has; `ends` (levels, 2): the least and most that a level's have together."""

    each: Floats
    ends: Floats

    @property
    def size(self) -> float:
        """What a zone has on average: totals are counted in it, so that the engine's tolerances suit them."""
        some = self.each[self.each > 0]
        return float(some.mean()) if len(some) else 1.0


class Columns(NamedTuple):
    """Zones to choose from.

    `holds` (units, zones) says which unit is in which zone, `kind` (zones,) is its level, `counts`
    (levels, 2) the fewest and most zones of each, `totals` the least and most that they have together.
    """

    holds: sparse.csc_array
    kind: Ints
    cost: Floats
    counts: Ints
    totals: Totals | None = None


def choose(
    columns: Columns,
    *,
    seconds: float,
    seed: int = 0,
    stop: Callable[[], bool] | None = None,
    nodes: int | None = None,
) -> Solved:
    """Return which columns cover every row once at the least cost, as `values` of 0 and 1 (set partitioning).

    The linear relaxation comes first; then only zones near it are tried, and ever more. `stop` is asked
    between steps; each time that zones are tried ends after so many `nodes`, wherever it runs.
    """
    began = time.monotonic()
    cost = columns.cost
    if not len(cost):
        return Solved(Ended.INFEASIBLE, np.inf)
    scale = AIM / max(float(np.abs(cost).max(initial=0.0)), 1e-300)
    every = _Zones(columns._replace(cost=cost * scale), seed)
    relaxed = _relaxed(every, began + seconds, stop)
    if relaxed.ended is not Ended.OPTIMAL:
        return relaxed
    assert relaxed.duals is not None  # noqa: S101
    reduced = every.reduced(relaxed.duals)
    bound, size, least = relaxed.bound, FIRST_ZONES, np.inf
    best: Floats | None = None
    order = np.sort(reduced)
    while True:
        # A zone whose reduced cost is above this is in no plan below the aim.
        above = min(np.inf if size >= len(order) else float(order[size]), least - relaxed.bound)
        aim = relaxed.bound + above
        kept = np.flatnonzero(reduced <= above + 1e-6)
        left = seconds - (time.monotonic() - began)
        if left <= 0 or (stop is not None and stop()):
            break
        tried = _Model(every, kept).whole(left, stop, nodes)
        if tried.values is not None and tried.objective is not None and tried.objective < least:
            least, best = tried.objective, np.zeros(len(cost))
            best[kept] = tried.values
        bound = max(bound, min(aim, tried.bound))
        if tried.ended is Ended.LIMIT:
            break
        if best is not None and least <= aim + 1e-9 * abs(least):
            return Solved(Ended.OPTIMAL, least / scale, least / scale, best)
        if size >= len(order) and best is None:
            return Solved(Ended.INFEASIBLE, np.inf)
        size *= 4
    return Solved(Ended.LIMIT, bound / scale, None if best is None else least / scale, best)


@dataclass(frozen=True, eq=False)
class _Zones:
    """All zones as columns: a row for every unit, one for every level, and one for its total."""

    columns: Columns
    seed: int

    @property
    def cost(self) -> Floats:
        return self.columns.cost

    @cached_property
    def rows(self) -> sparse.csc_array:
        holds, kind, _, counts, totals = self.columns
        zones, levels = holds.shape[1], len(counts)
        of_level = sparse.csc_array((np.ones(zones), (kind, np.arange(zones))), shape=(levels, zones))
        rows = [holds, of_level]
        if totals is not None:
            rows.append(of_level * (totals.each / totals.size))
        return sparse.csc_array(sparse.vstack(rows))

    @property
    def ends(self) -> tuple[Floats, Floats]:
        """The least and the most of every row."""
        holds, _, _, counts, totals = self.columns
        ends = [np.ones((holds.shape[0], 2)), counts]
        if totals is not None:
            ends.append(totals.ends / totals.size)
        return tuple(np.concatenate(ends).T.astype(np.float64))

    def reduced(self, duals: Floats, cost: Floats | None = None) -> Floats:
        """Return what every zone costs at these duals."""
        return np.asarray((self.cost if cost is None else cost) - self.rows.T @ duals)


def _relaxed(every: _Zones, until: float, stop: Callable[[], bool] | None) -> Solved:
    """Return the linear relaxation over all zones, of which it takes in those that its duals want.

    First what no zone covers is brought down to nothing, or proved to remain; then the cost.
    """
    lower, upper = every.ends
    taken = np.zeros(len(every.cost), dtype=np.bool_)
    taken[np.argsort(every.cost, kind="stable")[:AT_ONCE]] = True
    for first in (True, False):
        cost = np.zeros(len(every.cost)) if first else every.cost
        while True:
            left = until - time.monotonic()
            if left <= 0 or (stop is not None and stop()):
                return Solved(Ended.LIMIT, -np.inf)
            kept = np.flatnonzero(taken)
            found = _Model(every, kept, covered=not first).duals(left, stop)
            if found is None:
                return Solved(Ended.LIMIT, -np.inf)
            # What the duals prove counts, not what the engine says of itself; no zone is taken twice.
            # A dual on an end that is infinite proves nothing.
            side = np.where(found > 0, lower, upper)
            duals, side = np.where(np.isfinite(side), [found, side], 0.0)
            reduced = every.reduced(duals, cost)
            value = float(duals @ side + np.minimum(reduced, 0.0).sum())
            if first and value > ENOUGH:
                return Solved(Ended.INFEASIBLE, np.inf)
            wanted = np.flatnonzero((reduced < -ENOUGH) & ~taken)
            if not len(wanted):
                break
            taken[wanted[np.argsort(reduced[wanted], kind="stable")[:AT_ONCE]]] = True
    return Solved(Ended.OPTIMAL, value, value, duals=duals)


class _Model:
    """Some of the zones in HiGHS; unless they are `covered`, units may stay alone, at a cost of one each."""

    def __init__(self, every: _Zones, kept: Ints, *, covered: bool = True) -> None:
        import highspy  # noqa: PLC0415

        self._highspy = highspy
        rows, cost = every.rows[:, kept], every.cost[kept]
        if not covered:
            height = rows.shape[0]
            apart = sparse.hstack([rows, sparse.eye_array(height), -sparse.eye_array(height)])
            rows, cost = sparse.csc_array(apart), np.concatenate([np.zeros(len(kept)), np.ones(2 * height)])
        zones = rows.shape[1]
        lp: Any = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = zones, rows.shape[0]
        lp.col_cost_ = cost
        lp.col_lower_, lp.col_upper_ = np.zeros(zones), np.where(np.arange(zones) < len(kept), 1.0, np.inf)
        lp.row_lower_, lp.row_upper_ = every.ends
        lp.a_matrix_.start_ = rows.indptr.astype(np.int32)
        lp.a_matrix_.index_ = rows.indices.astype(np.int32)
        lp.a_matrix_.value_ = rows.data.astype(np.float64)
        lp.integrality_ = [highspy.HighsVarType.kInteger] * zones
        self._model: Any = quiet_engine(
            stoppable=True, random_seed=every.seed % 2**31, threads=1, mip_rel_gap=0.0, mip_abs_gap=0.0
        )
        if self._model.passModel(lp) == highspy.HighsStatus.kError:
            raise SolverError("HiGHS refused the zones that were written out")

    def duals(self, seconds: float, stop: Callable[[], bool] | None = None) -> Floats | None:
        """Return the duals of the linear relaxation, None where time is up."""
        self._model.setOptionValue("solve_relaxation", True)  # noqa: FBT003
        if self._run(seconds, stop) is Ended.LIMIT:
            return None
        return np.array(self._model.getSolution().row_dual)

    def whole(self, seconds: float, stop: Callable[[], bool] | None, nodes: int | None) -> Solved:
        """Return the whole program's plan and bound, or those after so many nodes."""
        if nodes is not None:
            self._model.setOptionValue("mip_max_nodes", nodes)
        ended = self._run(seconds, stop)
        info = self._model.getInfo()
        if ended is Ended.INFEASIBLE:
            return Solved(ended, np.inf)
        found = info.primal_solution_status == int(self._highspy.SolutionStatus.kSolutionStatusFeasible)
        values = np.round(np.array(self._model.getSolution().col_value)) if found else None
        objective = None if values is None else float(np.array(self._model.getLp().col_cost_) @ values)
        bound = float(info.mip_dual_bound)
        return Solved(ended, bound if np.isfinite(bound) else -np.inf, objective, values)

    def _run(self, seconds: float, stop: Callable[[], bool] | None) -> Ended:
        of = self._highspy.HighsModelStatus
        self._model.setOptionValue("time_limit", max(seconds, 0.0))
        AtWork(self._model).to_the_end(stop)
        status = self._model.getModelStatus()
        if status in (of.kOptimal, of.kModelEmpty):
            return Ended.OPTIMAL
        if status in (of.kInfeasible, of.kUnboundedOrInfeasible):
            return Ended.INFEASIBLE
        return Ended.LIMIT
