"""Certify: the whole integer program in rounds, until its bound meets a plan."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.certificate import StoppedBy
from zonedesign.errors import SolverError
from zonedesign.model import Ended, Engine, Program, state
from zonedesign.plan import Plan
from zonedesign.progress import silent
from zonedesign.solve._account import Account, Limits, Outcome
from zonedesign.solve.cuts import Ground, cuts_of, fractional_cuts
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.reduced import closed_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from zonedesign.model import Cut
    from zonedesign.problem import Problem
    from zonedesign.progress import Progress

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

__all__ = ["Limits", "Outcome", "certify"]

log = logging.getLogger(__name__)

RELAXATIONS, PLACED_RELAXATIONS = 40, 200
"""Rounds of cuts on the relaxation, at most, and where centres are placed, so that each is quick."""
PATIENCE, PLACED_PATIENCE = 1, 10
"""Rounds on the relaxation in a row that bring next to nothing, after which they end."""
RELAXING_SHARE = 0.5
"""The share of the time that rounds on the relaxation may take."""
FLOW_AFTER, FLOW_SOON = 10, 3
"""Rounds of cuts on whole plans before connection is written as flows instead, where that is small enough,
and where centres are placed, so that flows run over few units."""
FLOW_COLUMNS = 150_000
LARGE = 30_000
"""Columns above which a program of several levels goes to the engine at once, for its bound alone: the cuts
that it finds in bands do more than rounds on the relaxation, and plans are others' work."""


def certify(  # noqa: PLR0913
    problem: Problem,
    *,
    start: Plan | None = None,
    bound: float | None = None,
    fixed: Mask | None = None,
    aim: float = np.inf,
    limits: Limits | None = None,
    repair: Callable[[Plan], Plan | None] | None = None,
    progress: Progress = silent,
    most_moved: float | None = None,
    within: Mask | None = None,
    placed: bool = False,
    rounds: bool = True,
) -> Outcome:
    """Solve the whole integer program, contiguity and diameter by cuts in rounds, and say what is proved.

    `start` is a plan that passes `verify`; `bound` a bound already proved; `fixed` (arcs,) or (arcs, levels)
    marks pairs of `problem.arcs` that no plan uses which is better than both `start` and `aim`; without
    either it means nothing. Plans that are not below `aim` are of no use: the work is done where the bound
    gets there. With `within` (arcs, levels), the plans are those that use no other pairs, and what is proved
    is proved of these. With `most_moved`, the plans are those in which at most that share of hours leaves the
    baseline's zones, `start` among them. `repair` may turn an assignment whose zones are broken into a plan
    that passes `verify`. Where centres are `placed`, the relaxation has more cuts and is rounded off, and
    connection is soon written as flows; without `rounds` there is the relaxation alone. A time limit or
    Ctrl-C ends with the best plan so far and its bound.
    """
    account = Account(problem, limits or Limits(), time.monotonic(), aim=aim)
    if start is not None:
        account.best, account.objective = start, problem.value(problem.terms(start))
    if bound is not None:
        account.bound = bound
    search = _Search(account, progress, repair, most_moved, placed)
    try:
        search.prepare(fixed, within)
        if not account.ended() and not search.large:
            search.relax()
        while rounds and not account.ended():
            search.round()
    except KeyboardInterrupt:
        account.stopped_by = StoppedBy.INTERRUPT
    return account.outcome()


@dataclass(eq=False)
class _Search:
    """One certification under way: its account, and the program with its cuts."""

    account: Account
    progress: Progress
    repair: Callable[[Plan], Plan | None] | None
    most_moved: float | None = None
    placed: bool = False
    prices: tuple[float, Floats] | None = None
    flows: bool = False
    cutting_off: bool = True
    known: dict[tuple[bytes, bytes], Cut] = field(default_factory=dict)
    met: list[tuple[Ints, Ints]] = field(default_factory=list)
    last_word: float = 0.0

    # Preparing.

    @property
    def large(self) -> bool:
        """Whether the program is too large for anything but the engine."""
        return len(self.account.problem.levels) > 1 and self.program.sheet.width > LARGE

    def prepare(self, fixed: Mask | None, within: Mask | None) -> None:
        """State the program on the pairs that are possible and may still be in a better plan."""
        problem = self.account.problem
        if fixed is not None and np.isfinite(self.account.worth):
            left = ~np.broadcast_to(
                fixed[:, None] if fixed.ndim == 1 else fixed, (len(fixed), len(problem.levels))
            )
            within = left if within is None else left & within
            self.account.closed()
        self.mask = possible_arcs(problem, within)
        self._state(flow=False)
        if len(self.program.homeless):
            self.account.no_plan()

    def _state(self, *, flow: bool) -> None:
        self.flows = flow
        self.program: Program = state(self.account.problem, self.mask, flow=flow, most_moved=self.most_moved)
        self.ground = Ground(self.program)
        limits = self.account.limits
        self.engine = Engine(self.program, seed=limits.seed, threads=limits.threads, stop=limits.stop)
        self.closed = np.zeros(0, dtype=np.int64)

    # The relaxation.

    def relax(self) -> None:
        """Add cuts that the relaxation breaks, close columns by its duals, drop the cuts that do not bind."""
        until = self.account.began + self.account.limits.seconds * RELAXING_SHARE
        most, patience = (PLACED_RELAXATIONS, PLACED_PATIENCE) if self.placed else (RELAXATIONS, PATIENCE)
        highest, stale = -np.inf, 0
        values = duals = None
        for _ in range(most):
            solved = self.engine.relax(min(until, self.account.deadline) - time.monotonic())
            if solved.ended is Ended.INFEASIBLE:
                self.account.no_plan()
                return
            if solved.values is None or solved.duals is None:
                self.account.note_stop(solved)
                break
            values, duals = solved.values, solved.duals
            self._close(duals)
            new = fractional_cuts(self.ground, solved.values)
            found = float(solved.objective or 0.0)
            self._say(f"relaxation: bound {self.account.bound:.6g}, {len(new)} new cuts")
            stale = 0 if found - highest > 1e-5 * max(1.0, abs(found)) else stale + 1
            highest = max(highest, found)
            if self.account.ended() or not new or stale >= patience or time.monotonic() > until:
                break
            self._add(new)
        if duals is not None and values is not None:
            self._round_off(values)
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
        bound, columns = closed_by(self.program, constant, cost, self.program.scaled(self.account.worth))
        self.account.raise_bound(self.program.unscaled(bound))
        if len(columns):
            self.account.closed()
            self.closed = np.union1d(self.closed, columns)
            self.engine.close(columns)

    def _round_off(self, values: Floats) -> None:
        """Keep what `repair` makes of the relaxation, each unit in the zone that has most of it."""
        # Where centres are not placed a unit's zone may have lost its own.
        if not self.placed or self.repair is None or self.account.ended():
            return
        repaired = self.repair(self._plan(*self.program.read(values)))
        if repaired is not None:
            self.account.offer(repaired)
            self._narrow()

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
        account, limits = self.account, self.account.limits
        soon = account.rounds >= (FLOW_SOON if self.placed else FLOW_AFTER)
        if soon and not self.flows and self._flow_is_small():
            self._with_flows()
        account.rounds += 1
        self.met = []
        if self.cutting_off:
            account.closed()
        solved = self.engine.run(
            account.deadline - time.monotonic(),
            gap=limits.gap * (1 - 1e-9),
            nodes=None if limits.nodes is None else limits.nodes - account.nodes,
            start=self._start(),
            below=self.program.scaled(account.worth) if self.cutting_off else np.inf,
            heuristics=not self.large or account.best is None,
            heard=self._heard,
        )
        self.account.nodes += solved.nodes
        if solved.ended is Ended.INFEASIBLE:
            self.account.no_plan()
            return
        self.account.raise_bound(self.program.unscaled(solved.bound))
        whole = False
        if solved.values is not None:
            self.met.append(self.program.read(solved.values))
            whole = not cuts_of(self.ground, *self.met[-1])
        new = self._judge()
        self._narrow()
        self._add(new)
        self._say(f"round {self.account.rounds}: bound {self.account.bound:.6g}, {len(new)} new cuts")
        if solved.ended is not Ended.OPTIMAL:
            self.account.note_stop(solved)
        elif self.account.settled or new:
            return
        elif self.cutting_off:
            self.cutting_off = False  # what it returned proves less than it should
        elif whole:
            self.account.finished = True
        else:
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
                self.account.offer(self._plan(centre_of, level_of))
        if broken is not None and self.repair is not None and not self.account.ended():
            repaired = self.repair(self._plan(*broken))
            if repaired is not None:
                self.account.offer(repaired)
        return [cut for key, cut in found.items() if key not in self.known]

    def _with_flows(self) -> None:
        """State the program again with connection as flows, for problems with hardly a plan."""
        rounds = self.account.rounds
        log.info("certify: %s rounds of cuts did not end; connection is written as flows", rounds)
        cuts, closed = list(self.known.values()), self.closed
        self._state(flow=True)
        self.engine.add(cuts)
        self.engine.close(closed)
        self.closed, self.prices = closed, None

    def _flow_is_small(self) -> bool:
        graph = self.account.problem.units.contiguity
        if graph is None or not any(self.account.problem.contiguous):
            return False
        degree = np.bincount(graph.pairs.ravel(), minlength=len(self.account.problem.units))
        return int(degree[self.program.unit[self.program.x >= 0]].sum()) <= FLOW_COLUMNS

    def _heard(self, bound: float, _objective: float, values: Floats | None) -> None:
        """Take note of a plan that the engine meets; runs in the engine's thread."""
        if values is not None:
            self.met.append(self.program.read(values))
        elif np.isfinite(bound) and time.monotonic() - self.last_word > 1.0:
            self.account.raise_bound(self.program.unscaled(bound))
            self.account.tell()
            self._say(f"round {self.account.rounds}: bound {self.account.bound:.6g}")

    # Plans and cuts.

    def _plan(self, centre_of: Ints, level_of: Ints) -> Plan:
        names = {int(j): self.account.problem.levels[int(level_of[j])].name for j in np.unique(centre_of)}
        return Plan.of(self.account.problem.units, self.account.problem.times, centre_of, names)

    def _start(self) -> Floats | None:
        """Return the best plan as values of the program's binaries; None where it is not of this program."""
        best, program = self.account.best, self.program
        if best is None:
            return None
        names = [level.name for level in self.account.problem.levels]
        level_of = np.array([names.index(level) for level in best.levels], dtype=np.int64)[best.zone]
        start = program.values(best.centres[best.zone], level_of)
        if start is None or start[np.isin(program.binaries, self.closed)].any():
            return None
        return start

    def _add(self, cuts: Iterable[Cut]) -> None:
        fresh = {_key(cut): cut for cut in cuts}
        fresh = {key: cut for key, cut in fresh.items() if key not in self.known}
        self.engine.add(list(fresh.values()))
        self.known.update(fresh)
        self.account.cuts += len(fresh)

    def _say(self, message: str) -> None:
        self.last_word = time.monotonic()
        best = "no plan yet" if self.account.objective is None else f"best {self.account.objective:.6g}"
        log.info("certify: %s; %s", message, best)
        self.progress("certify", None, f"{message}; {best}")


def _key(cut: Cut) -> tuple[bytes, bytes]:
    return cut.columns.tobytes(), cut.values.tobytes()
