"""Award: which offers to take, each whole or not at all, as an integer program solved step by step.

A step maximises one figure among all choices that are best by the steps before it (lexicographic order), so
that a stated order of criteria is kept exactly and no weight between them need be guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from zonedesign.errors import NoPlanError, SolverError
from zonedesign.model.quiet import AtWork, quiet_engine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SLACK = 1e-6
"""Choices nearer than this, on figures scaled to a largest of 100, are equal."""
LARGEST = 100.0


@dataclass(eq=False)
class Offers:
    """Offers as columns of 0 and 1, and rows of limits over them."""

    count: int
    seconds: float = 60.0
    _columns: list[Floats] = field(default_factory=list)
    _values: list[Floats] = field(default_factory=list)
    _least: list[float] = field(default_factory=list)
    _most: list[float] = field(default_factory=list)

    def limit(self, columns: Any, values: Any, *, least: float = -np.inf, most: float = np.inf) -> None:
        """Add a row; rows that bind nothing are left out."""
        at = np.asarray(columns, dtype=np.int64)
        weights = np.broadcast_to(np.asarray(values, dtype=np.float64), at.shape)
        if len(at):
            self._columns.append(at.astype(np.float64))
            self._values.append(np.array(weights))
            self._least.append(least)
            self._most.append(most)

    def copy(self) -> Offers:
        """Return the same offers under the same limits, to which others can be added."""
        return Offers(
            self.count, self.seconds, [*self._columns], [*self._values], [*self._least], [*self._most]
        )

    def best(self, *figures: Floats) -> NDArray[np.bool_]:
        """Return the choice that is best by the figures in their order, proved so.

        Raises `NoPlanError` where the engine does not end in time.
        """
        held = self.copy()
        taken = np.zeros(self.count, dtype=np.bool_)
        for figure in figures:
            largest = float(np.abs(figure).max(initial=0.0))
            if largest <= 0.0 or not self.count:
                continue
            scaled = figure * (LARGEST / largest)
            taken = held.solved(scaled)
            held.limit(np.arange(self.count), scaled, least=float(scaled @ taken) - SLACK)
        return taken

    def other(self, taken: NDArray[np.bool_], *figures: Floats) -> bool:
        """Return whether another choice is as good as `taken` by all the figures."""
        if not self.count:
            return False
        held = self.copy()
        for figure in figures:
            largest = float(np.abs(figure).max(initial=0.0))
            if largest > 0.0:
                scaled = figure * (LARGEST / largest)
                held.limit(np.arange(self.count), scaled, least=float(scaled @ taken) - SLACK)
        # At least one offer is taken that was not, or left that was.
        held.limit(np.arange(self.count), np.where(taken, -1.0, 1.0), least=1.0 - float(taken.sum()))
        return held.possible()

    def possible(self) -> bool:
        """Return whether any choice keeps all limits."""
        if not self.count:
            return all(low <= 0 <= high for low, high in zip(self._least, self._most, strict=True))
        return self._run(np.zeros(self.count)) is not None

    def solved(self, worth: Floats) -> NDArray[np.bool_]:
        """Return the choice that is worth most; `SolverError` where there is none."""
        found = self._run(worth)
        if found is None:
            raise SolverError("no choice of offers keeps the limits, and to take none always should")
        return found

    def _run(self, worth: Floats) -> NDArray[np.bool_] | None:
        import highspy  # noqa: PLC0415

        lp: Any = highspy.HighsLp()
        rows = len(self._columns)
        lp.num_col_, lp.num_row_ = self.count, rows
        lp.sense_ = highspy.ObjSense.kMaximize
        lp.col_cost_ = np.asarray(worth, dtype=np.float64)
        lp.col_lower_, lp.col_upper_ = np.zeros(self.count), np.ones(self.count)
        lp.row_lower_, lp.row_upper_ = np.array(self._least), np.array(self._most)
        row = np.repeat(np.arange(rows), [len(each) for each in self._columns])
        column = np.concatenate(self._columns).astype(np.int64) if rows else np.zeros(0, dtype=np.int64)
        value = np.concatenate(self._values) if rows else np.zeros(0)
        matrix = sparse.csc_array((value, (row, column)), shape=(rows, self.count))
        lp.a_matrix_.start_ = matrix.indptr.astype(np.int32)
        lp.a_matrix_.index_ = matrix.indices.astype(np.int32)
        lp.a_matrix_.value_ = matrix.data.astype(np.float64)
        lp.integrality_ = [highspy.HighsVarType.kInteger] * self.count
        engine = quiet_engine(
            threads=1, random_seed=0, time_limit=self.seconds, mip_rel_gap=0.0, mip_abs_gap=0.0,
            mip_feasibility_tolerance=1e-9, primal_feasibility_tolerance=1e-9,
        )  # fmt: skip
        if engine.passModel(lp) == highspy.HighsStatus.kError:
            raise SolverError("HiGHS refused the offers")
        AtWork(engine).through()
        of, status = highspy.HighsModelStatus, engine.getModelStatus()
        if status in (of.kInfeasible, of.kUnboundedOrInfeasible):
            return None
        if status not in (of.kOptimal, of.kModelEmpty):
            raise NoPlanError(
                f"the best choice among {self.count:,} offers was not proved in {self.seconds:g} s; give it "
                "more time, or fewer combination bids"
            )
        taken: NDArray[np.bool_] = np.array(engine.getSolution().col_value) > 0.5
        return taken
