"""Transport: units to given centres within a band of hours, as a linear program, for its prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zonedesign.errors import SolverError
from zonedesign.model.quiet import AtWork, quiet_engine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

AIM = 1e4
"""The size that the dearest plan is scaled to, so that absolute tolerances mean nothing to it."""


def transport(cost: Floats, own: Ints, hours: Floats, band: tuple[float, float]) -> Floats | None:
    """Return what an hour more is worth in the zone of every centre, None where there is no way.

    `cost` (n, centres) is what a unit adds to a zone (inf: not allowed), `own` (centres,) are the centres'
    own units, which stay with them.
    """
    import highspy  # noqa: PLC0415

    n, count = cost.shape
    allowed = np.isfinite(cost)
    allowed[own] = False
    allowed[own, np.arange(count)] = np.isfinite(cost[own, np.arange(count)])
    unit, zone = np.nonzero(allowed)
    # Prices of cuts may make costs negative.
    scale = AIM / max(float(np.where(allowed, np.abs(cost), 0.0).max(axis=1).sum()), 1e-300)
    # Hours as shares of the mean zone's keep the rows of one size.
    size = max(float(hours.sum()) / count, 1e-300)
    lp: Any = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(unit), n + count
    lp.col_cost_ = cost[unit, zone] * scale
    lp.col_lower_, lp.col_upper_ = np.zeros(len(unit)), np.ones(len(unit))
    lp.row_lower_ = np.concatenate([np.ones(n), np.full(count, band[0] / size)])
    lp.row_upper_ = np.concatenate([np.ones(n), np.full(count, band[1] / size)])
    lp.a_matrix_.start_ = np.arange(0, 2 * len(unit) + 1, 2).astype(np.int32)
    lp.a_matrix_.index_ = np.column_stack([unit, n + zone]).ravel().astype(np.int32)
    lp.a_matrix_.value_ = np.column_stack([np.ones(len(unit)), hours[unit] / size]).ravel()
    engine = quiet_engine(stoppable=True, threads=1)
    if engine.passModel(lp) == highspy.HighsStatus.kError:
        raise SolverError("HiGHS refused a transport problem")
    AtWork(engine).to_the_end()
    of, status = highspy.HighsModelStatus, engine.getModelStatus()
    if status in (of.kInfeasible, of.kUnboundedOrInfeasible):
        return None
    if status != of.kOptimal:
        return np.zeros(count)  # which proves less, and nothing that is wrong
    return np.asarray(-np.array(engine.getSolution().row_dual)[n:] / scale / size)
