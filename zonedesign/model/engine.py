"""The engine: HiGHS on a stated program, kept alive between rounds; status and bound are read from it."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from zonedesign.errors import SolverError
from zonedesign.model.quiet import AtWork, quiet_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from zonedesign.model.program import Cut, Program

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

HEURISTICS = 0.05
"""The share of its effort that HiGHS usually spends on plans."""
OF_THE_ROOT = ("rins", "rens", "root_reduced_cost", "feasibility_jump")
"""Its ways to plans that take their time at the root, whatever that share."""
LARGE = 20_000
"""Columns above which interior points solve the linear programs that HiGHS has no basis for."""


class Ended(StrEnum):
    """How a run of the engine ended."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    LIMIT = "limit"
    INTERRUPT = "interrupt"


@dataclass(frozen=True, eq=False)
class Solved:
    """What one run found, in the program's scale: a lower `bound` (-inf: none), all columns' `values`.

    `duals` (rows,) are those of a relaxation, None after a whole run or where none are known.
    """

    ended: Ended
    bound: float
    objective: float | None = None
    values: Floats | None = None
    duals: Floats | None = None
    nodes: int = 0


class Engine:
    """A live HiGHS model of a program; between runs rows are added and columns closed, nothing is rebuilt.

    `stop` is asked several times a second while it runs, and ends a run as Ctrl-C does.
    """

    def __init__(
        self,
        program: Program,
        *,
        seed: int = 0,
        threads: int | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> None:
        import highspy  # noqa: PLC0415
        import pulp  # noqa: PLC0415

        self._highspy = highspy
        self.program = program
        # PuLP states the model; gaps of zero are absolute and relative, on the scaled objective.
        solver = pulp.HiGHS(msg=False)
        lp = program.sheet.problem
        lp.solverModel = quiet_engine(
            mip_rel_gap=0.0, mip_abs_gap=0.0, threads=threads or 0, random_seed=seed % 2**31
        )
        solver.buildSolverModel(lp)
        self._model: Any = lp.solverModel
        lp.solverModel = None
        # PuLP keeps the objective's constant to itself; gaps are relative to the whole objective.
        self._model.changeObjectiveOffset(program.constant * program.scale)
        self._set("mip_feasibility_tolerance", program.tolerance)
        self._set("primal_feasibility_tolerance", min(1e-7, program.tolerance))
        self._heard: Callable[[float, float, Floats | None], None] | None = None
        self._asked = stop
        self._stop = False
        self._error: BaseException | None = None
        # HiGHS keeps what it calls for good: were that the engine itself, neither would ever be freed.
        called = weakref.WeakMethod(self._called)

        def tell(*word: Any) -> None:
            method = called()
            if method is not None:
                method(*word)

        self._model.setCallback(tell, None)
        kinds = highspy.cb.HighsCallbackType
        for kind in (
            kinds.kCallbackSimplexInterrupt,
            kinds.kCallbackIpmInterrupt,
            kinds.kCallbackMipInterrupt,
            kinds.kCallbackMipSolution,
        ):
            self._model.startCallback(kind)
        self.base_rows = int(self._model.getNumRow())

    @property
    def rows(self) -> int:
        """The number of rows, cuts included."""
        return int(self._model.getNumRow())

    def add(self, cuts: Sequence[Cut]) -> None:
        """Add cuts as rows."""
        if not cuts:
            return
        lengths = np.array([len(cut.columns) for cut in cuts], dtype=np.int64)
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int32)
        columns = np.concatenate([cut.columns for cut in cuts]).astype(np.int32)
        values = np.concatenate([cut.values for cut in cuts]).astype(np.float64)
        least = np.full(len(cuts), -self._highspy.kHighsInf)
        most = np.array([cut.most for cut in cuts], dtype=np.float64)
        self._checked(self._model.addRows(len(cuts), least, most, len(columns), starts, columns, values))

    def drop(self, rows: Ints) -> None:
        """Delete rows by number; the rows behind them move up."""
        if len(rows):
            self._checked(self._model.deleteRows(len(rows), rows.astype(np.int32)))

    def close(self, columns: Ints) -> None:
        """Hold columns at zero."""
        if len(columns):
            zero = np.zeros(len(columns))
            self._checked(self._model.changeColsBounds(len(columns), columns.astype(np.int32), zero, zero))

    def priced(self, duals: Floats) -> tuple[float, Floats]:
        """Return the Lagrangian of all but the linking rows at `duals`: its constant and every column's cost.

        A dual that its row's open side forbids counts as zero, so that the bound made of these holds for any
        duals.
        """
        lp = self._model.getLp()
        matrix = sparse.csc_array(
            (lp.a_matrix_.value_, lp.a_matrix_.index_, lp.a_matrix_.start_), shape=(lp.num_row_, lp.num_col_)
        )
        side = np.where(duals > 0, np.array(lp.row_lower_), np.array(lp.row_upper_))
        used = np.where(np.isfinite(side) & (np.abs(side) < self._highspy.kHighsInf), duals, 0.0)
        program = self.program
        linking = program.linking
        used[: len(linking)][linking] = 0.0
        constant = float(np.where(used != 0, used * np.where(used != 0, side, 0.0), 0.0).sum())
        constant += program.constant * program.scale
        return constant, np.asarray(np.array(lp.col_cost_) - matrix.T @ used)

    def relax(self, seconds: float) -> Solved:
        """Solve the linear relaxation, from the last basis where there is one."""
        self._set("solve_relaxation", value=True)
        self._set("time_limit", self._until(seconds))
        interrupted = self._run()
        ended = self._ended(interrupted=interrupted)
        if ended is not Ended.OPTIMAL:
            return Solved(ended, np.inf if ended is Ended.INFEASIBLE else -np.inf)
        solution = self._model.getSolution()
        objective = float(self._model.getInfo().objective_function_value)
        return Solved(ended, objective, objective, np.array(solution.col_value), np.array(solution.row_dual))

    def run(
        self,
        seconds: float,
        *,
        gap: float = 0.0,
        nodes: int | None = None,
        start: Floats | None = None,
        below: float = np.inf,
        heuristics: bool = True,
        heard: Callable[[float, float, Floats | None], None] | None = None,
    ) -> Solved:
        """Solve the whole program, from `start` (values of the program's `binaries`) where given.

        Plans that are not below `below` are of no use: where there is no other, it ends as infeasible.
        Without `heuristics` all its time goes to the bound.
        `heard(bound, objective, values)` is called with every plan that the engine meets (values of all
        columns) and now and then in between (None); what it raises is not raised here. Ctrl-C ends the run,
        not the process.
        """
        self._set("solve_relaxation", value=False)
        self._set("mip_rel_gap", float(gap))
        # A little above, so that rounding never cuts off a plan that is below.
        most = below + 1e-6 * max(1.0, abs(below)) if np.isfinite(below) else self._highspy.kHighsInf
        self._set("objective_bound", most)
        self._set("mip_heuristic_effort", HEURISTICS if heuristics else 0.0)
        for each in OF_THE_ROOT:
            self._set(f"mip_heuristic_run_{each}", value=heuristics)
        self._set("mip_lp_solver", "ipm" if int(self._model.getNumCol()) > LARGE else "choose")
        self._set("mip_max_nodes", self._highspy.kHighsIInf if nodes is None else int(nodes))
        if start is not None:
            columns = self.program.binaries
            self._checked(self._model.setSolution(len(columns), columns.astype(np.int32), start))
        self._set("time_limit", self._until(seconds))
        self._heard = heard
        try:
            interrupted = self._run()
        finally:
            self._heard = None
        ended = self._ended(interrupted=interrupted)
        info = self._model.getInfo()
        if ended is Ended.INFEASIBLE:
            return Solved(ended, np.inf, nodes=int(info.mip_node_count))
        found = info.primal_solution_status == int(self._highspy.SolutionStatus.kSolutionStatusFeasible)
        bound, objective = float(info.mip_dual_bound), float(info.objective_function_value)
        values = np.array(self._model.getSolution().col_value) if found else None
        if start is not None and values is not None and not self._is_of(values, objective):
            # Where its presolve alone finds a better plan, HiGHS may return the start's values beside it.
            self._checked(self._model.clearSolver())
            return self.run(seconds, gap=gap, nodes=nodes, below=below, heuristics=heuristics, heard=heard)
        return Solved(
            ended,
            bound if abs(bound) < self._highspy.kHighsInf else -np.inf,
            objective if found else None,
            values,
            nodes=int(info.mip_node_count),
        )

    def _is_of(self, values: Floats, objective: float) -> bool:
        """Return whether these values have this objective, rounding aside."""
        lp = self._model.getLp()
        stated = float(np.array(lp.col_cost_) @ values) + float(lp.offset_)
        return abs(stated - objective) <= 1e-5 * max(1.0, abs(stated), abs(objective))

    def _run(self) -> bool:
        """Run HiGHS in a thread of its own, so that Ctrl-C is heard; return whether it was interrupted."""
        self._stop, self._error = False, None
        at_work, ended = AtWork(self._model), False
        while not ended:
            try:
                ended = at_work.through(0.2)
                self._stop = self._stop or (self._asked is not None and self._asked())
            except KeyboardInterrupt:
                self._stop = True
        if self._error is not None:
            raise self._error
        return self._stop

    def _called(self, kind: Any, _message: str, out: Any, into: Any, _data: Any) -> None:
        try:
            self._listen(kind, out)
        except BaseException as error:  # noqa: BLE001  (raised again when the engine has stopped)
            self._error, self._stop = error, True
        into.user_interrupt = self._stop

    def _listen(self, kind: Any, out: Any) -> None:
        """Tell the listener what the engine found, and how far it is."""
        kinds = self._highspy.cb.HighsCallbackType
        if kind == kinds.kCallbackMipSolution:
            if self._heard is not None:
                self._heard(out.mip_dual_bound, out.objective_function_value, np.array(out.mip_solution))
        elif kind == kinds.kCallbackMipInterrupt and self._heard is not None:
            self._heard(out.mip_dual_bound, out.mip_primal_bound, None)

    def _ended(self, *, interrupted: bool) -> Ended:
        status, of = self._model.getModelStatus(), self._highspy.HighsModelStatus
        if status in (of.kOptimal, of.kModelEmpty):
            return Ended.OPTIMAL
        # No column is unbounded, so this too is a proof.
        if status in (of.kInfeasible, of.kUnboundedOrInfeasible):
            return Ended.INFEASIBLE
        if interrupted or status == of.kInterrupt:
            return Ended.INTERRUPT
        if status in (of.kTimeLimit, of.kIterationLimit, of.kSolutionLimit, of.kUnknown, of.kObjectiveBound):
            return Ended.LIMIT
        raise SolverError(f"HiGHS ended with model status {status.name}")

    def _until(self, seconds: float) -> float:
        """Return the engine's own clock at the limit: it runs on over the runs of one model."""
        return float(self._model.getRunTime()) + max(seconds, 0.0)

    def _set(self, option: str, value: Any) -> None:
        self._checked(self._model.setOptionValue(option, value))

    def _checked(self, status: Any) -> None:
        if status == self._highspy.HighsStatus.kError:
            raise SolverError("HiGHS refused a change of the model")
