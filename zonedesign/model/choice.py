"""Choice: zones that are all written out, and the plan among them that costs least."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from zonedesign.errors import SolverError
from zonedesign.model.engine import Ended, Solved

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

AIM = 1e4
"""The size that costs are scaled to, so that the engine's absolute tolerances mean nothing to them."""
FIRST_ZONES = 500
"""Zones in the first program, those nearest to the relaxation; each later one has four times as many."""


def choose(
    holds: sparse.csc_array,
    kind: Ints,
    cost: Floats,
    counts: Ints,
    *,
    seconds: float,
    seed: int = 0,
    stop: Callable[[], bool] | None = None,
) -> Solved:
    """Return which columns cover every row once at the least cost, as `values` of 0 and 1 (set partitioning).

    `holds` (units, zones) says which unit is in which zone, `kind` (zones,) is its level, `counts`
    (levels, 2) the fewest and most zones of each. The linear relaxation comes first; then only zones near it
    are tried, and ever more. `stop` is asked between steps.
    """
    began = time.monotonic()
    if not holds.shape[1]:
        return Solved(Ended.INFEASIBLE, np.inf)
    scale = AIM / max(float(np.abs(cost).max(initial=0.0)), 1e-300)
    model = _Model(holds, kind, cost * scale, counts, seed)
    relaxed = model.relax(seconds)
    if relaxed is None or relaxed.ended is not Ended.OPTIMAL:
        return Solved(Ended.LIMIT, -np.inf) if relaxed is None else relaxed
    assert relaxed.duals is not None  # noqa: S101
    reduced = cost * scale - model.rows.T @ relaxed.duals
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
        tried = _Model(holds[:, kept], kind[kept], cost[kept] * scale, counts, seed).whole(left)
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


class _Model:
    """One set partitioning model in HiGHS: a row for every unit, and one for every level."""

    def __init__(self, holds: sparse.csc_array, kind: Ints, cost: Floats, counts: Ints, seed: int) -> None:
        import highspy  # noqa: PLC0415

        self._highspy = highspy
        n, zones = holds.shape
        levels = len(counts)
        of_level = sparse.csc_array((np.ones(zones), (kind, np.arange(zones))), shape=(levels, zones))
        self.rows = sparse.csc_array(sparse.vstack([holds, of_level]))
        lp: Any = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = zones, n + levels
        lp.col_cost_ = cost
        lp.col_lower_, lp.col_upper_ = np.zeros(zones), np.ones(zones)
        lp.row_lower_ = np.concatenate([np.ones(n), counts[:, 0].astype(np.float64)])
        lp.row_upper_ = np.concatenate([np.ones(n), counts[:, 1].astype(np.float64)])
        lp.a_matrix_.start_ = self.rows.indptr.astype(np.int32)
        lp.a_matrix_.index_ = self.rows.indices.astype(np.int32)
        lp.a_matrix_.value_ = self.rows.data.astype(np.float64)
        lp.integrality_ = [highspy.HighsVarType.kInteger] * zones
        made: Any = highspy.Highs
        self._model: Any = made()
        for option, value in (
            ("output_flag", False), ("random_seed", seed % 2**31), ("threads", 1),
            ("mip_rel_gap", 0.0), ("mip_abs_gap", 0.0),
        ):  # fmt: skip
            self._model.setOptionValue(option, value)
        if self._model.passModel(lp) == highspy.HighsStatus.kError:
            raise SolverError("HiGHS refused the zones that were written out")

    def relax(self, seconds: float) -> Solved | None:
        """Return the linear relaxation with its duals, None where time is up."""
        self._model.setOptionValue("solve_relaxation", True)  # noqa: FBT003
        ended = self._run(seconds)
        if ended is Ended.LIMIT:
            return None
        if ended is Ended.INFEASIBLE:
            return Solved(ended, np.inf)
        duals = np.array(self._model.getSolution().row_dual)
        # What the duals prove counts, not what the engine says of itself.
        lower, upper = np.array(self._model.getLp().row_lower_), np.array(self._model.getLp().row_upper_)
        reduced = np.array(self._model.getLp().col_cost_) - self.rows.T @ duals
        side = np.where(duals > 0, lower, upper)
        bound = float(duals @ side + np.minimum(reduced, 0.0).sum())
        return Solved(ended, bound, bound, duals=duals)

    def whole(self, seconds: float) -> Solved:
        """Return the whole program's plan and bound."""
        ended = self._run(seconds)
        info = self._model.getInfo()
        if ended is Ended.INFEASIBLE:
            return Solved(ended, np.inf)
        found = info.primal_solution_status == int(self._highspy.SolutionStatus.kSolutionStatusFeasible)
        values = np.round(np.array(self._model.getSolution().col_value)) if found else None
        objective = None if values is None else float(np.array(self._model.getLp().col_cost_) @ values)
        bound = float(info.mip_dual_bound)
        return Solved(ended, bound if np.isfinite(bound) else -np.inf, objective, values)

    def _run(self, seconds: float) -> Ended:
        of = self._highspy.HighsModelStatus
        self._model.setOptionValue("time_limit", max(seconds, 0.0))
        failed: list[BaseException] = []

        def work() -> None:
            try:
                self._model.run()
                # The next thread starts a scheduler of its own.
                self._highspy.Highs.resetGlobalScheduler(False)  # noqa: FBT003
            except BaseException as error:  # noqa: BLE001  (raised again below)
                failed.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]
        status = self._model.getModelStatus()
        if status in (of.kOptimal, of.kModelEmpty):
            return Ended.OPTIMAL
        if status in (of.kInfeasible, of.kUnboundedOrInfeasible):
            return Ended.INFEASIBLE
        return Ended.LIMIT
