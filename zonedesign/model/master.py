"""Master: the linear program over the zones made so far, whose duals price the next ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zonedesign.errors import SolverError
from zonedesign.model.quiet import AtWork, quiet_engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from scipy import sparse

    Floats = NDArray[np.float64]


class Master:
    """A live HiGHS program: every unit in one zone, so many zones, at the least cost (set partitioning).

    `most` is the cost of a unit that stays alone, or of a zone too few, which `dearer` raises.
    """

    def __init__(self, units: int, counts: tuple[int, int], most: float) -> None:
        import highspy  # noqa: PLC0415

        self._highspy = highspy
        self._model: Any = quiet_engine(stoppable=True, threads=1)
        self._alone = units + 2
        ones, end = np.ones(units), self._highspy.kHighsInf
        self._checked(
            self._model.addRows(
                units + 1, np.append(ones, counts[0]), np.append(ones, counts[1]), 0,
                np.zeros(units + 1, dtype=np.int32), np.zeros(0, dtype=np.int32), np.zeros(0),
            )
        )  # fmt: skip
        rows = np.append(np.arange(units + 1), units).astype(np.int32)
        values = np.append(np.ones(units + 1), -1.0)
        starts = np.arange(self._alone, dtype=np.int32)
        self._checked(
            self._model.addCols(
                self._alone, np.full(self._alone, most), np.zeros(self._alone), np.full(self._alone, end),
                self._alone, starts, rows, values,
            )
        )  # fmt: skip

    def add(self, holds: sparse.csc_array, cost: Floats) -> None:
        """Add zones as columns; `holds` (units, zones) says which unit is in which."""
        new = len(cost)
        lengths = np.diff(holds.indptr)
        units = self._alone - 2
        # The last row counts zones.
        starts = (holds.indptr[:-1] + np.arange(new)).astype(np.int32)
        rows = np.insert(holds.indices, holds.indptr[1:], units).astype(np.int32)
        self._checked(
            self._model.addCols(
                new, cost, np.zeros(new), np.full(new, self._highspy.kHighsInf),
                int(lengths.sum()) + new, starts, rows, np.ones(len(rows)),
            )
        )  # fmt: skip

    def dearer(self, most: float) -> None:
        """Raise the cost of units that stay alone."""
        columns = np.arange(self._alone, dtype=np.int32)
        self._checked(self._model.changeColsCost(self._alone, columns, np.full(self._alone, most)))

    def duals(self, seconds: float, stop: Callable[[], bool] | None = None) -> tuple[Floats, bool] | None:
        """Return the duals of units and of the count, and whether units stay alone; None where time is up."""
        self._model.setOptionValue("time_limit", float(self._model.getRunTime()) + max(seconds, 0.0))
        AtWork(self._model).to_the_end(stop)
        if self._model.getModelStatus() != self._highspy.HighsModelStatus.kOptimal:
            return None
        solution = self._model.getSolution()
        alone = float(np.array(solution.col_value)[: self._alone].sum()) > 1e-7
        return np.array(solution.row_dual), alone

    def _checked(self, status: Any) -> None:
        if status == self._highspy.HighsStatus.kError:
            raise SolverError("HiGHS refused a change of the model")
