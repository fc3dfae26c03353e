"""Certify: the whole integer program in rounds, until its bound meets a plan."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.certificate import Status, StoppedBy, relative_gap, status_of
from zonedesign.errors import SolverError
from zonedesign.model import Ended, Engine, Program, state
from zonedesign.plan import Plan
from zonedesign.progress import silent
from zonedesign.solve.cuts import Ground, cuts_of, fractional_cuts
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.reduced import closed_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from zonedesign.model import Cut, Solved
    from zonedesign.problem import Problem
    from zonedesign.progress import Progress

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

log = logging.getLogger(__name__)

RELAXATIONS = 40
"""Rounds of cuts on the relaxation, at most."""
RELAXING_SHARE = 0.5
"""The share of the time that rounds on the relaxation may take."""
FLOW_AFTER = 10
"""Rounds of cuts on whole plans before connection is written as flows instead, where that is small enough."""
FLOW_COLUMNS = 150_000
ROUNDING = 1e-9
"""Relative differences that are nothing but rounding."""


@dataclass(frozen=True)
class Limits:
    """When to stop: `seconds`, a relative `gap`, a number of `nodes` of all rounds (the work limit)."""

    seconds: float = 300.0
    gap: float = 0.0
    nodes: int | None = None
    seed: int = 0
    threads: int | None = None


@dataclass(frozen=True, eq=False)
class Outcome:
    """What certifying came to; `bound` holds for the whole problem, however the rounds ended.

    `plan` is None where none was found, `status` then `infeasible` (proved) or `unknown`.
    """

    status: Status
    plan: Plan | None = None
    objective: float | None = None
    bound: float | None = None
    stopped_by: StoppedBy | None = None
    rounds: int = 0
    cuts: int = 0
    nodes: int = 0
    seconds: float = 0.0

    @property
    def gap(self) -> float | None:
        """The relative gap, or None where there is no plan or no bound."""
        return relative_gap(self.objective, self.bound)


def certify(
    problem: Problem,
    *,
    start: Plan | None = None,
    bound: float | None = None,
    fixed: Mask | None = None,
    limits: Limits | None = None,
    repair: Callable[[Plan], Plan | None] | None = None,
    progress: Progress = silent,
) -> Outcome:
    """Solve the whole integer program, contiguity and diameter by cuts in rounds, and say what is proved.

    `start` is a plan that passes `verify`; `bound` a bound already proved; `fixed` (arcs,) or (arcs, levels)
    marks pairs of `problem.arcs` that no plan better than `start` uses. `repair` may turn an assignment whose
    zones are broken into a plan that passes `verify`. A time limit or Ctrl-C ends with the best plan so far
    and its bound.
    """
    search = _Search(problem, limits or Limits(), progress, repair, time.monotonic())
    if start is not None:
        search.best, search.objective = start, problem.value(problem.terms(start))
    if bound is not None:
        search.bound = bound
    try:
        search.prepare(fixed)
        if not search.ended():
            search.relax()
        while not search.ended():
            search.round()
    except KeyboardInterrupt:
        search.stopped_by = StoppedBy.INTERRUPT
    return search.outcome()


@dataclass(eq=False)
class _Search:
    """One certification under way: the best plan, the bound, and the program with its cuts."""

    problem: Problem
    limits: Limits
    progress: Progress
    repair: Callable[[Plan], Plan | None] | None
    began: float
    best: Plan | None = None
    objective: float | None = None
    bound: float = -np.inf
    stopped_by: StoppedBy | None = None
    infeasible: bool = False
    finished: bool = False
    narrowed: bool = False
    prices: tuple[float, Floats] | None = None
    rounds: int = 0
    cuts: int = 0
    nodes: int = 0
    flows: bool = False
    known: dict[tuple[bytes, bytes], Cut] = field(default_factory=dict)
    met: list[tuple[Ints, Ints]] = field(default_factory=list)
    last_word: float = 0.0

    # Preparing.

    def prepare(self, fixed: Mask | None) -> None:
        """State the program on the pairs that are possible and may still be in a better plan."""
        mask = possible_arcs(self.problem)
        if fixed is not None and self.best is not None:
            closed = np.broadcast_to(fixed[:, None] if fixed.ndim == 1 else fixed, mask.shape)
            mask &= ~closed | self._own_arcs(self.best)[:, None]
            self.narrowed = True
        self.mask = mask
        self._state(flow=False)
        if len(self.program.homeless):
            self._no_plan()

    def _state(self, *, flow: bool) -> None:
        self.flows = flow
        self.program: Program = state(self.problem, self.mask, flow=flow)
        self.ground = Ground(self.program)
        self.engine = Engine(self.program, seed=self.limits.seed, threads=self.limits.threads)
        self.closed = np.zeros(0, dtype=np.int64)

    def _own_arcs(self, plan: Plan) -> Mask:
        """Return which arcs (arcs,) a plan uses: they stay open, so that it can start the engine."""
        arcs = self.problem.arcs
        centre = np.repeat(np.arange(len(plan.zone)), np.diff(arcs.indptr))
        return np.asarray(plan.centres[plan.zone][arcs.units] == centre)

    # The relaxation.

    def relax(self) -> None:
        """Add cuts that the relaxation breaks, close columns by its duals, drop the cuts that do not bind."""
        until = self.began + self.limits.seconds * RELAXING_SHARE
        previous, duals = -np.inf, None
        for _ in range(RELAXATIONS):
            solved = self.engine.relax(min(until, self._deadline) - time.monotonic())
            if solved.ended is Ended.INFEASIBLE:
                self._no_plan()
                return
            if solved.values is None or solved.duals is None:
                self._note_stop(solved)
                break
            duals = solved.duals
            self._close(duals)
            new = fractional_cuts(self.ground, solved.values)
            found = float(solved.objective or 0.0)
            self._say(f"relaxation: bound {self.bound:.6g}, {len(new)} new cuts")
            gained = found - previous > 1e-5 * max(1.0, abs(found))
            previous = found
            if self.ended() or not new or not gained or time.monotonic() > until:
                break
            self._add(new)
        if duals is not None:
            self._drop_slack(duals)

    def _close(self, duals: Floats) -> None:
        """Raise the bound by the relaxation's duals, and close what no better plan than the best can use."""
        self.prices = self.engine.priced(duals)
        self._narrow()

    def _narrow(self) -> None:
        """Close what the last prices of the relaxation allow against the best plan."""
        if self.prices is None:
            return
        constant, cost = self.prices
        aim = np.inf if self.objective is None else self.program.scaled(self.objective)
        bound, columns = closed_by(self.program, constant, cost, aim)
        self._raise_bound(self.program.unscaled(bound))
        if self.best is not None:
            keep = self._start()
            columns = columns if keep is None else np.setdiff1d(columns, self.program.binaries[keep > 0])
            self.narrowed |= bool(len(columns))
            self.closed = np.union1d(self.closed, columns)
            self.engine.close(columns)

    def _drop_slack(self, duals: Floats) -> None:
        """Drop cuts whose dual is zero: the rounds bring back what they need."""
        cuts = list(self.known.items())
        slack = [k for k in range(len(cuts)) if self.engine.base_rows + k < len(duals)
                 and abs(duals[self.engine.base_rows + k]) < 1e-9]  # fmt: skip
        self.engine.drop(self.engine.base_rows + np.array(slack, dtype=np.int64))
        for k in slack:
            del self.known[cuts[k][0]]

    # The rounds.

    def round(self) -> None:
        """Solve the whole program with the cuts so far; add cuts for every broken plan that was met."""
        if self.rounds == FLOW_AFTER and not self.flows and self._flow_is_small():
            self._with_flows()
        self.rounds += 1
        self.met = []
        limits, left = self.limits, None if self.limits.nodes is None else self.limits.nodes - self.nodes
        solved = self.engine.run(
            self._deadline - time.monotonic(),
            gap=limits.gap * (1 - 1e-9),
            nodes=left,
            start=self._start(),
            heard=self._heard,
        )
        self.nodes += solved.nodes
        if solved.ended is Ended.INFEASIBLE:
            self._no_plan()
            return
        self._raise_bound(self.program.unscaled(solved.bound))
        whole = False
        if solved.values is not None:
            self.met.append(self.program.read(solved.values))
            whole = not cuts_of(self.ground, *self.met[-1])
        new = self._judge()
        self._narrow()
        self._add(new)
        self._say(f"round {self.rounds}: bound {self.bound:.6g}, {len(new)} new cuts")
        if solved.ended is not Ended.OPTIMAL:
            self._note_stop(solved)
        elif whole:
            self.finished = True
        elif not new:
            raise SolverError(
                "the rounds of cuts do not move on: HiGHS returned a plan that its own rows forbid"
            )

    def _judge(self) -> list[Cut]:
        """Keep the plans met that hold; return cuts for the others, and let `repair` try the last."""
        found: dict[tuple[bytes, bytes], Cut] = {}
        broken: tuple[Ints, Ints] | None = None
        for centre_of, level_of in self.met:
            cuts = cuts_of(self.ground, centre_of, level_of)
            if cuts:
                broken = (centre_of, level_of)
                found.update((_key(cut), cut) for cut in cuts)
            else:
                self._offer(self._plan(centre_of, level_of))
        if broken is not None and self.repair is not None and not self.ended():
            repaired = self.repair(self._plan(*broken))
            if repaired is not None:
                self._offer(repaired)
        return [cut for key, cut in found.items() if key not in self.known]

    def _with_flows(self) -> None:
        """State the program again with connection as flows, for problems with hardly a plan."""
        log.info("certify: %s rounds of cuts did not end; connection is written as flows", self.rounds)
        cuts, closed = list(self.known.values()), self.closed
        self._state(flow=True)
        self.engine.add(cuts)
        self.engine.close(closed)
        self.closed, self.prices = closed, None

    def _flow_is_small(self) -> bool:
        graph = self.problem.units.contiguity
        if graph is None or not any(self.problem.contiguous):
            return False
        degree = np.bincount(graph.pairs.ravel(), minlength=len(self.problem.units))
        return int(degree[self.program.unit[self.program.x >= 0]].sum()) <= FLOW_COLUMNS

    def _heard(self, bound: float, _objective: float, values: Floats | None) -> None:
        """Take note of a plan that the engine meets; runs in the engine's thread."""
        if values is not None:
            self.met.append(self.program.read(values))
        elif np.isfinite(bound) and time.monotonic() - self.last_word > 1.0:
            self._say(f"round {self.rounds}: bound {max(self.bound, self.program.unscaled(bound)):.6g}")

    # Keeping account.

    @property
    def _deadline(self) -> float:
        return self.began + self.limits.seconds

    def _plan(self, centre_of: Ints, level_of: Ints) -> Plan:
        names = {int(j): self.problem.levels[int(level_of[j])].name for j in np.unique(centre_of)}
        return Plan.of(self.problem.units, self.problem.times, centre_of, names)

    def _offer(self, plan: Plan) -> None:
        """Keep a plan if it is the best so far."""
        objective = self.problem.value(self.problem.terms(plan))
        if self.objective is None or objective < self.objective:
            self.best, self.objective = plan, objective

    def _start(self) -> Floats | None:
        """Return the best plan as values of the program's binaries; None where it is not of this program."""
        if self.best is None:
            return None
        names = [level.name for level in self.problem.levels]
        level_of = np.array([names.index(level) for level in self.best.levels], dtype=np.int64)[
            self.best.zone
        ]
        return self.program.values(self.best.centres[self.best.zone], level_of)

    def _add(self, cuts: Iterable[Cut]) -> None:
        fresh = {_key(cut): cut for cut in cuts}
        fresh = {key: cut for key, cut in fresh.items() if key not in self.known}
        self.engine.add(list(fresh.values()))
        self.known.update(fresh)
        self.cuts += len(fresh)

    def _raise_bound(self, bound: float) -> None:
        # What was closed against the best plan bounds only plans better than it.
        if self.narrowed and self.objective is not None:
            bound = min(bound, self.objective)
        self.bound = max(self.bound, bound)

    def _no_plan(self) -> None:
        """Take note that the program has no plan: none at all, or none better than the best."""
        self.finished = True
        if self.objective is None:
            self.infeasible = True
        elif self.narrowed:
            self.bound = max(self.bound, self.objective)
        else:
            raise SolverError(
                "HiGHS proved that there is no plan although one is known; please report this scenario"
            )

    def _note_stop(self, solved: Solved) -> None:
        if solved.ended is Ended.INTERRUPT:
            self.stopped_by = StoppedBy.INTERRUPT
        elif (
            time.monotonic() < self._deadline
            and self.limits.nodes is not None
            and self.nodes >= self.limits.nodes
        ):
            self.stopped_by = StoppedBy.WORK

    def ended(self) -> bool:
        """Return whether there is nothing left to do or nothing left to do it with."""
        gap = relative_gap(self.objective, self._finite_bound)
        if (
            self.finished
            or self.stopped_by is not None
            or (gap is not None and gap <= max(self.limits.gap, ROUNDING))
        ):
            return True
        if self.limits.nodes is not None and self.nodes >= self.limits.nodes:
            self.stopped_by = StoppedBy.WORK
        elif time.monotonic() >= self._deadline:
            self.stopped_by = StoppedBy.TIME
        return self.stopped_by is not None

    @property
    def _finite_bound(self) -> float | None:
        if not np.isfinite(self.bound):
            return None
        # Rounding in the last digits must not put the bound above the plan.
        return self.bound if self.objective is None else min(self.bound, self.objective)

    def _say(self, message: str) -> None:
        self.last_word = time.monotonic()
        best = "no plan yet" if self.objective is None else f"best {self.objective:.6g}"
        log.info("certify: %s; %s", message, best)
        self.progress("certify", None, f"{message}; {best}")

    def outcome(self) -> Outcome:
        """Return what was found and proved."""
        status = Status.INFEASIBLE if self.infeasible else status_of(self.objective, self._finite_bound)
        settled = status in (Status.OPTIMAL, Status.INFEASIBLE)
        gap = relative_gap(self.objective, self._finite_bound)
        by_gap = gap is not None and gap <= self.limits.gap
        return Outcome(
            status,
            self.best,
            self.objective,
            None if self.infeasible else self._finite_bound,
            None if settled else StoppedBy.GAP if by_gap else self.stopped_by,
            self.rounds,
            self.cuts,
            self.nodes,
            time.monotonic() - self.began,
        )


def _key(cut: Cut) -> tuple[bytes, bytes]:
    return cut.columns.tobytes(), cut.values.tobytes()
