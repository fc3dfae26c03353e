"""Frontier: how little need change, the best plan for each share of hours that may change zone."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from zonedesign.certificate import StoppedBy, relative_gap
from zonedesign.errors import InfeasibleError, NoPlanError, ScenarioError, counted, require_number
from zonedesign.plan import Plan
from zonedesign.progress import Progress, silent
from zonedesign.questions.moves import moves
from zonedesign.questions.scan import LITTLE, Scan
from zonedesign.rules import Fixed, Frozen
from zonedesign.solve import solve
from zonedesign.solve._repair import put_back
from zonedesign.solve.mending import mended
from zonedesign.solve.preflight import preflight
from zonedesign.solve.start import broken_rules, completed
from zonedesign.verify import verify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zonedesign.problem import Problem

SHARES = (0.0, 0.02, 0.05, 0.1, 0.2)
"""Shares of hours that may change zone, unless said."""
REPAIR_SHARE, FREE_SHARE = 0.2, 0.25
"""Shares of the time for the smallest repair of a plan that breaks rules, and for the plan free to change."""
WALK_SHARE = 0.05
"""Share of the time for walks towards a smaller repair."""
LEAST_SHARE = 0.03
"""Share of the time for a bound of what a repair must move, by prices."""


@dataclass(frozen=True, eq=False)
class Repair:
    """The smallest repair that was found of a plan that breaks rules.

    `plan` keeps every rule; `moved` is the share of hours that change zone, `bound` the least share in any
    plan that keeps the rules, proved; `moves` has a row for each unit that changes zone. Among repairs that
    move as many hours, units that need not move were put back one by one.
    """

    plan: Plan
    moved: float
    bound: float
    moves: pd.DataFrame = field(repr=False)

    @property
    def weekly_hours(self) -> float:
        """The hours that change zone."""
        return self.moved * float(self.plan.of_units.hours.sum())


@dataclass(frozen=True, eq=False, repr=False)
class Frontier:
    """The best plans under caps on the share of hours that change zone from today's plan.

    `points` has a row for each cap, and last one for any change (`share` 1): `status` (`found`, `impossible`
    where that is proved, `unknown`), `objective` without its price of change, `bound` (no plan under the cap
    costs less) and `gap`, `moved`, `hours_moved`, `units_moved`, and the objective's terms. `plans` are the
    plans found, by cap. `today` is the plan in force, `broken` what it breaks, in words; then `repair` is the
    smallest repair found, None where none was found or none is needed.
    """

    points: pd.DataFrame
    plans: dict[float, Plan]
    today: Plan
    broken: tuple[str, ...]
    repair: Repair | None
    seconds: float = 0.0
    seed: int = 0

    def __repr__(self) -> str:
        found = ", ".join(f"{share:.3g}: {value:.4g}" for share, value in self._values())
        return f"<Frontier: {counted(len(self.plans), 'plan')} by share of hours moved: {found or 'none'}>"

    def _values(self) -> list[tuple[float, float]]:
        kept = self.points[self.points["status"] == "found"]
        return list(zip(kept["share"], kept["objective"], strict=True))

    def moves(self, share: float, problem: Problem) -> pd.DataFrame:
        """Return the units that change zone from today to the plan of a cap, a row for each."""
        return moves(problem, self.today, self.plans[share])


def frontier(
    problem: Problem,
    baseline: Any = None,
    *,
    shares: Sequence[float] = SHARES,
    time_limit: float = 300.0,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Frontier:
    """Return the best plans found where at most so many hours change zone from `baseline`, with bounds.

    `baseline` is a Plan, or a Series or mapping of unit to zone; unless said the objective's. What is
    compared is the objective without its price of change. Every plan keeps all rules; a plan under one cap
    counts under every larger one. Where the baseline breaks rules, the smallest repair is sought first.
    Raises `InfeasibleError` where no plan exists at all, `NoPlanError` where none was found in time.
    """
    require_number("time_limit", time_limit, "a number of seconds above 0", lambda value: value > 0)
    caps = _caps(shares)
    tell = progress or silent
    began = time.monotonic()
    asked = _asked(problem, baseline)
    today = _today(asked)
    causes = preflight(asked)
    if causes:
        raise InfeasibleError(causes[0], causes)
    scan = Scan(
        asked,
        caps,
        began + time_limit,
        seed,
        threads,
        lambda said: tell("frontier", _done(scan, began), said),
    )
    verdicts = verify(today, asked)
    broken = tuple(broken_rules(verdicts))
    first = scan.offer(today)
    if first is not None:
        centred = _recentred(asked, today)
        scan.offer(centred)
    else:
        _repair(scan, today, time_limit)
    _free(scan, time_limit)
    if scan.small:
        scan.settle()
    else:
        scan.scan(today)
    scan.raise_bounds()
    repair = None if first is not None else _repaired(scan, today)
    return _told(scan, today, broken, repair, time.monotonic() - began)


def smallest_repair(
    problem: Problem,
    baseline: Any,
    *,
    known: Sequence[Plan] = (),
    time_limit: float = 60.0,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Repair:
    """Return the smallest repair found of a plan that breaks rules, with a bound of what must move at least.

    `known` are plans that may be near, such as those that the baseline was edited from; any will do. Raises
    `InfeasibleError` where no plan exists at all, `NoPlanError` where none was found in time.
    """
    tell = progress or silent
    began = time.monotonic()
    asked = _asked(problem, baseline)
    today = _today(asked)
    causes = preflight(asked)
    if causes:
        raise InfeasibleError(causes[0], causes)

    def say(said: str) -> None:
        known = f": objective {scan.closest().moved:.6f}, bound {scan.least_moved:.6f}" if scan.kept else ""
        tell("repair", _done(scan, began), f"{said}{known}")

    scan = Scan(asked, (0.0,), began + time_limit, seed, threads, say)
    for plan in known:
        scan.offer(plan)
    alone = REPAIR_SHARE + 2 * WALK_SHARE + LEAST_SHARE
    _repair(scan, today, time_limit / alone, progress)
    found = _repaired(scan, today)
    if found is None:
        raise NoPlanError("no repair was found in time; give it more, or ask why there is no plan")
    return found


def _done(scan: Scan, began: float) -> float:
    return min(1.0, (time.monotonic() - began) / max(scan.deadline - began, 1e-9))


def _caps(shares: Sequence[float]) -> tuple[float, ...]:
    for share in shares:
        require_number("shares", share, "shares of hours from 0 to 1, such as 0.05", lambda s: 0 <= s <= 1)
    caps = tuple(sorted({float(share) for share in shares if share < 1}))
    if not caps:
        raise ScenarioError("shares is empty; give one share of hours below 1 at least, such as 0.05")
    return caps


def _asked(problem: Problem, baseline: Any) -> Problem:
    """Return the problem with this baseline and no price of change."""
    own = problem.objective.baseline
    if baseline is None:
        if own is None:
            raise ScenarioError(
                "there is no plan in force to change from; give baseline, or objective.baseline in a scenario"
            )
        baseline = own
    asked = problem.with_(objective=replace(problem.objective, change=0.0, baseline=baseline))
    locked = any(isinstance(rule, (Fixed, Frozen)) for rule in problem.rules)
    if locked and baseline is not own and _names(problem) != _names(asked):
        raise ScenarioError(
            "locks name zones of another plan than the baseline; make it the objective's baseline too"
        )
    return asked


def _names(problem: Problem) -> list[str]:
    """Return the anchor zone of every unit, by name."""
    anchor = problem.anchor_zones
    return [] if anchor is None else [anchor[1][k] for k in anchor[0]]


def _today(problem: Problem) -> Plan:
    """Return the baseline as a plan on the problem's units."""
    given, zones = problem.objective.baseline, problem.baseline_zones
    assert zones is not None  # noqa: S101
    if isinstance(given, Plan):
        return completed(problem, given)[0]
    labels = pd.Series([zones[1][k] for k in zones[0]], index=problem.units.ids, dtype=object)
    return Plan.from_labels(problem.units, problem.times, labels, levels=problem.levels)


def _recentred(problem: Problem, today: Plan) -> Plan:
    """Return today's zones with the centres that serve them best."""
    labels = today.units["zone"]
    level = dict(zip(today.zone_ids, today.levels, strict=True))
    return Plan.from_labels(problem.units, problem.times, labels, levels=problem.levels, level=level)


def _repair(scan: Scan, today: Plan, time_limit: float, progress: Progress | None = None) -> None:
    """Look for the smallest repair of a plan that breaks rules, and for what must move at least."""
    problem = scan.problem
    scan.tell("the smallest repair of today's plan")
    only = replace(problem.objective, travel=0.0, change=1.0, borders=0.0, cut=0.0)
    try:
        near = mended(problem, today, seed=scan.seed, deadline=scan.deadline)
    except KeyboardInterrupt:
        scan.heed(StoppedBy.INTERRUPT)
        return
    if near is not None:
        scan.offer(near)
    try:
        plan = solve(
            problem.with_(objective=only),
            time_limit=REPAIR_SHARE * time_limit,
            seed=scan.seed,
            threads=scan.threads,
            start=today if near is None else near,
            progress=progress,
        )
    except NoPlanError:
        return
    if plan.certificate is not None:
        scan.heed(plan.certificate.stopped_by)
    if plan.certificate is not None and plan.certificate.bound is not None:
        scan.least_moved = max(scan.least_moved, plan.certificate.bound)
    scan.offer(plan)
    scan.offer(_recentred(problem, plan))
    if not scan.small:
        # Where hours that move are dear and travel counts a little, repairs shrink further.
        scan.recombine(None, WALK_SHARE * time_limit, today)
        scan.walk(scan.dear(), WALK_SHARE * time_limit)
        if scan.closest().moved - scan.least_moved > LITTLE:
            scan.least(LEAST_SHARE * time_limit)


def _repaired(scan: Scan, today: Plan) -> Repair | None:
    """Return the smallest repair known, with units that need not have moved put back one by one."""
    if not scan.kept:
        return None
    problem = scan.problem
    scan.offer(put_back(problem, today, scan.closest().plan))
    found = scan.closest(by_units=lambda plan: len(moves(problem, today, plan)))
    bound = min(scan.least_moved, found.moved)
    return Repair(found.plan, found.moved, bound, moves(problem, today, found.plan))


def _free(scan: Scan, time_limit: float) -> None:
    """Look for the best plan where any change is allowed: the frontier's end, and a bound of all of it."""
    scan.tell("the best plan where anything may change")
    if scan.kept and scan.left <= 0:  # interrupted
        return
    if scan.weigh(0.0, FREE_SHARE * time_limit) is None and not scan.kept:
        raise NoPlanError(
            f"no plan that keeps every rule was found in {FREE_SHARE * time_limit:.0f} s, and today's breaks "
            "some; give it more time, or see what explain says"
        )


def _told(
    scan: Scan, today: Plan, broken: tuple[str, ...], repair: Repair | None, seconds: float
) -> Frontier:
    problem, rows, plans = scan.problem, [], {}
    total = float(problem.hours.sum())
    for share in (*scan.shares, 1.0):
        best, bound = scan.best(share), scan.bound(share)
        row: dict[str, Any] = {"share": share, "status": "found" if best else "unknown"}
        if best is None and math.isinf(bound):
            row["status"] = "impossible"
        if best is not None:
            plans[share] = best.plan
            bound = min(bound, best.value)
            row |= {
                "objective": best.value,
                "moved": best.moved,
                "hours_moved": best.moved * total,
                "units_moved": len(moves(problem, today, best.plan)),
                "gap": relative_gap(best.value, bound),
                **problem.terms(best.plan),
            }
        rows.append(row | {"bound": bound if math.isfinite(bound) else math.nan})
    columns = ["share", "status", "objective", "bound", "gap", "moved", "hours_moved", "units_moved"]
    frame = pd.DataFrame(rows)
    terms = [name for name in frame.columns if name not in columns]
    frame = frame.reindex(columns=[*columns, *terms]).astype({"units_moved": "Int64"})
    return Frontier(frame, plans, today, broken, repair, seconds, scan.seed)
