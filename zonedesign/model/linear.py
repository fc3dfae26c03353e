"""Linear: one linear program, asked for the end of one goal after another from where the last one ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zonedesign.errors import SolverError
from zonedesign.model.quiet import AtWork, quiet_engine

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    Floats = NDArray[np.float64]


class Linear:
    """A live HiGHS program: low <= rows @ x <= high (m,), 0 <= x <= most (n,)."""

    def __init__(self, rows: sparse.csr_array, low: Floats, high: Floats, most: Floats) -> None:
        import highspy  # noqa: PLC0415

        self._highspy = highspy
        self._engine: Any = quiet_engine(threads=1, presolve="off")
        lp: Any = highspy.HighsLp()
        lp.num_row_, lp.num_col_ = rows.shape
        lp.row_lower_, lp.row_upper_ = low, high
        lp.col_lower_, lp.col_upper_, lp.col_cost_ = np.zeros(len(most)), most, np.zeros(len(most))
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_, lp.a_matrix_.index_ = rows.indptr, rows.indices
        lp.a_matrix_.value_ = rows.data
        if self._engine.passModel(lp) == highspy.HighsStatus.kError:
            raise SolverError("HiGHS refused the program")
        self._columns = np.arange(len(most), dtype=np.int32)

    def furthest(self, goal: Floats) -> tuple[float, Floats, Floats]:
        """Return the most that goal @ x can be, where (n,), and how it moves with each row's end (m,).

        Raises `SolverError` where HiGHS gives no answer; rows that contradict one another have none.
        """
        self._engine.changeColsCost(len(goal), self._columns, -goal)
        AtWork(self._engine).through()
        status = self._engine.getModelStatus()
        if status != self._highspy.HighsModelStatus.kOptimal:
            raise SolverError(f"a linear program ended without an answer: {status.name}")
        found = self._engine.getSolution()
        point = np.array(found.col_value)
        return float(goal @ point), point, -np.array(found.row_dual)
