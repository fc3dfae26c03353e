"""One sweep: every variant read and judged before any is solved, then all solved, each kept when it ends."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from zonedesign.certificate import Status, plain
from zonedesign.errors import DataError, ScenarioError, SolverError, ZoneDesignError, counted
from zonedesign.progress import Progress, silent
from zonedesign.provenance import sha256_of
from zonedesign.scenario.building import build
from zonedesign.solve.preflight import preflight
from zonedesign.sweep.borders import areas, border_lines
from zonedesign.sweep.carried import Zones, better
from zonedesign.sweep.engines import outcomes, require_cluster
from zonedesign.sweep.kept import Kept
from zonedesign.sweep.rows import BEFORE, Row, Sweep, facts_of, weights_of
from zonedesign.sweep.work import FAILED, Options, Outcome, failed
from zonedesign.verify import broken, verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem
    from zonedesign.sweep.variants import Variant

log = logging.getLogger(__name__)


def sweep(
    problems: Mapping[str, Problem],
    *,
    time_limit: float = 300.0,
    gap: float = 0.0,
    seed: int = 0,
    work: int | None = None,
    jobs: int | None = None,
    dask: str | None = None,
    progress: Progress | None = None,
) -> Sweep:
    """Return what solving many problems found: a row for each, and the plans by name.

    `jobs` are runs at once, by default as many as there are cores, which they share; with `dask`, the address
    of a scheduler, they run on that cluster, and only totals by unit and minutes are sent. The other options
    are those of `solve`. Each plan is verified here. A run that fails is a row with its error. Ctrl-C ends
    with what is done. Raises `ScenarioError` for options that cannot be, and a cluster that does not answer.
    """
    options = Options(time_limit, gap, seed, work)
    _require_jobs(jobs)
    if dask is not None:
        require_cluster(dask)
    tell = progress or silent
    found = _Found([Row(str(name)) for name in problems])
    named = {str(name): problem for name, problem in problems.items()}
    try:
        for name, problem in named.items():
            tell("check", None, name)
            found.judge(name, problem)
        left = {name: problem for name, problem in named.items() if not found.rows[name].settled}
        for name, outcome in outcomes(left, options, jobs=jobs, dask=dask):
            row, plan = _ended(found.rows[name], outcome, named[name])
            found.take(row, plan)
            tell("runs", found.share(), name)
        for row, plan in _carried(found, named, dict(found.plans)):
            found.take(row, plan)
    except KeyboardInterrupt:
        pass
    return found.sweep()


def sweep_scenarios(
    variants: Sequence[Variant],
    out: str | Path,
    options: Options | None = None,
    *,
    jobs: int | None = None,
    dask: str | None = None,
    progress: Progress | None = None,
) -> Sweep:
    """Solve every variant, keep each in the folder `out` as it ends, and return what was found.

    What is in the folder already, for the same inputs and options, is not done again; a run that failed is.
    Ctrl-C ends with what is done, and the same call goes on from there. Raises `ScenarioError` for a folder
    that is not a sweep's and a cluster that does not answer, `DataError` where the disk refuses.
    """
    _require_jobs(jobs)
    tell, kept = progress or silent, Kept(out, variants, options or Options())
    found = _Found([Row(each.name, each.of, each.settings) for each in variants])
    by_name = {variant.name: variant for variant in variants}
    for name, variant in by_name.items():
        row = kept.done(variant)
        if row is not None:
            found.take(replace(row, name=name, scenario=variant.of, settings=variant.settings))
    pending = [variant for variant in variants if not found.rows[variant.name].settled]
    if dask is not None and pending:
        require_cluster(dask)
    try:
        problems = _prepared(pending, found, kept, tell)
        left = {name: problem for name, problem in problems.items() if not found.rows[name].settled}
        tell("runs", found.share(), f"{counted(len(left), 'run')} to solve")
        for name, outcome in outcomes(left, kept.options, jobs=jobs, dask=dask):
            row, plan = _ended(found.rows[name], outcome, problems[name])
            if row.settled:
                row, plan = _put(kept, row, by_name[name], problems[name], plan)
            found.take(row, plan)
            kept.tell(found.listed())
            tell("runs", found.share(), name)
        if problems:
            tell("compare", None, "whether one run's plan serves another better")
            _carry_kept(found, kept, by_name, problems)
    except KeyboardInterrupt:
        pass
    if any(row.settled for row in found.listed()):
        kept.tell(found.listed())
    return found.sweep()


@dataclass(frozen=True)
class Said:
    """What is said of a variant before solving: of its borders, why no plan can exist, or what failed."""

    name: str
    settings: str
    borders: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    error: str = ""

    @property
    def possible(self) -> bool:
        """Whether nothing was seen that rules a plan out."""
        return not self.causes and not self.error


def check_scenarios(variants: Sequence[Variant], progress: Progress | None = None) -> list[Said]:
    """Return what is said of every variant before solving; nothing is solved or written."""
    tell = progress or silent
    known: dict[str, Any] = {}
    found: list[Said] = []
    for variant in variants:
        tell("check", None, variant.name)
        try:
            problem = problem_of(variant, known)
            lines, causes = border_lines(areas(problem)), preflight(problem)
        except (ZoneDesignError, OSError) as error:
            found.append(Said(variant.name, variant.settings, error=failed(error).error))
        else:
            found.append(Said(variant.name, variant.settings, tuple(lines), tuple(causes)))
    return found


def problem_of(variant: Variant, known: dict[str, Any], progress: Progress | None = None) -> Problem:
    """Return the problem of a variant, which says in its inputs what was varied; `known` is read once."""
    scenario = variant.scenario
    problem = build(scenario.files, scenario.name, scenario.settings, scenario.levels, progress, known=known)
    inputs = {**problem.about.inputs, **{path.name: sha256_of(path) for path in variant.files}}
    notes = problem.about.notes
    if variant.settings:
        # The files are those of the scenario as it stands, and what is proved here is not proved of that.
        inputs[f"what if: {variant.settings}"] = _hash(scenario.settings.model_dump())
        notes = (f"what if: {variant.settings}; otherwise {variant.of}", *notes)
    return problem.with_(about=replace(problem.about, inputs=inputs, notes=notes))


@dataclass
class _Found:
    """What was found so far, in the order of the runs."""

    begun: list[Row]
    rows: dict[str, Row] = field(init=False)
    plans: dict[str, Plan] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rows = {row.name: row for row in self.begun}

    def take(self, row: Row, plan: Plan | None = None) -> None:
        self.rows[row.name] = row
        if plan is not None:
            self.plans[row.name] = plan

    def judge(self, name: str, problem: Problem) -> None:
        """Say of a problem what can be said before it is solved."""
        began = time.monotonic()
        causes = tuple(preflight(problem))
        row = replace(
            self.rows[name],
            said=tuple(border_lines(areas(problem))),
            weights=weights_of(problem),
            sketch=problem.about.sketch,
        )
        if causes:
            seconds = time.monotonic() - began
            row = replace(row, status=str(Status.INFEASIBLE), causes=causes, proved=BEFORE, seconds=seconds)
        self.take(row)

    def listed(self) -> list[Row]:
        return list(self.rows.values())

    def share(self) -> float:
        return sum(row.settled or row.status == FAILED for row in self.listed()) / len(self.rows)

    def sweep(self) -> Sweep:
        return Sweep(tuple(self.listed()), dict(self.plans))


def _prepared(variants: Iterable[Variant], found: _Found, kept: Kept, tell: Progress) -> dict[str, Problem]:
    """Return the problems of variants, all of them read and judged before the first is solved."""
    known: dict[str, Any] = {}
    problems = {}
    for variant in variants:
        name = variant.name
        tell("read", None, name)
        try:
            problem = problem_of(variant, known, tell)
            found.judge(name, problem)
            for line in (*found.rows[name].said, *found.rows[name].causes):
                log.warning("%s: %s", name, line)
        except Exception as error:  # noqa: BLE001  (what is wrong with one scenario does not stop the others)
            outcome = failed(error)
            found.take(replace(found.rows[name], status=outcome.status, error=outcome.error))
            continue
        if found.rows[name].settled:
            found.take(kept.keep(found.rows[name], variant, None, None))
            kept.tell(found.listed())
        else:
            problems[name] = problem
    return problems


def _ended(row: Row, outcome: Outcome, problem: Problem) -> tuple[Row, Plan | None]:
    """Return the row of a run that ended, and its plan, verified here; one that breaks a rule failed."""
    try:
        plan = outcome.plan_on(problem)
        if plan is not None:
            verdicts = verify(plan, problem)
            if not verdicts["passed"].all():
                error = SolverError(f"the plan found breaks rules and is not kept: {broken(verdicts)}")
                outcome, plan = failed(error, outcome.seconds), None
        return replace(row, **facts_of(outcome, plan, problem)), plan
    except Exception as fault:  # noqa: BLE001  (as above)
        return replace(row, **facts_of(failed(fault, outcome.seconds), None, problem)), None


def _carried(
    found: _Found, problems: Mapping[str, Problem], plans: Mapping[str, Plan]
) -> Iterable[tuple[Row, Plan]]:
    """Give the row and the plan of every run that another run's plan serves better than its own."""
    zones = {name: Zones.of(plan) for name, plan in plans.items()}
    for name, problem in problems.items():
        row = found.rows[name]
        if row.status not in {str(Status.FEASIBLE), str(Status.UNKNOWN)}:
            continue
        others = {other: each for other, each in zones.items() if other != name}
        taken = better(problem, plans.get(name), others)
        if taken is not None:
            plan, whose = taken
            outcome = Outcome(
                str(Status.FEASIBLE if plan.certificate is None else plan.certificate.status),
                certificate=plan.certificate,
                seconds=row.seconds or 0.0,
            )
            yield replace(row, **facts_of(outcome, plan, problem), taken_from=whose), plan


def _carry_kept(
    found: _Found, kept: Kept, variants: Mapping[str, Variant], problems: Mapping[str, Problem]
) -> None:
    """Let every run have the plan that serves it best, those that were in the folder before among them."""
    known: dict[str, Any] = {}
    every, plans = dict(problems), dict(found.plans)
    for name, variant in variants.items():
        row = found.rows[name]
        if name not in every and (row.has_plan or row.status == Status.UNKNOWN):
            every[name] = problem_of(variant, known)
            plan = kept.plan_of(variant, every[name]) if row.has_plan else None
            if plan is not None:
                plans[name] = plan
    for row, plan in _carried(found, every, plans):
        found.take(*_put(kept, row, variants[row.name], every[row.name], plan))


def _put(
    kept: Kept, row: Row, variant: Variant, problem: Problem, plan: Plan | None
) -> tuple[Row, Plan | None]:
    """Return a run's row and plan once they are kept; where only this one cannot be, it failed."""
    try:
        return kept.keep(row, variant, problem, plan), plan
    except DataError:  # the disk refuses, and will refuse the next
        raise
    except Exception as error:  # noqa: BLE001  (as above)
        return replace(row, **facts_of(failed(error), None, problem)), None


def _require_jobs(jobs: int | None) -> None:
    if jobs is not None and (not isinstance(jobs, int) or jobs < 1):
        raise ScenarioError(f"jobs is {jobs!r}; {counted(1, 'run')} at once is the least")


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(plain(value), sort_keys=True).encode()).hexdigest()
