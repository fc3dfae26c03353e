"""The verbs: each reads its files, does one thing, and returns what to print.

Other rooms are imported where a verb needs them, so that help and usage errors are quick.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zonedesign.cli import compare, frontier, lots, pack, price, stress, studio, sweep
from zonedesign.cli.answer import INFEASIBLE, Answer
from zonedesign.cli.explanations import AFTER_SOLVE, explained, with_repairs
from zonedesign.cli.portfolios import portfolio_answer
from zonedesign.cli.reports import certificate_lines, check_lines, solved, traffic_answer, verdict_answer
from zonedesign.cli.screen import bar, error_line, impossible, no_interrupt
from zonedesign.errors import (
    DataError,
    InfeasibleError,
    NoPlanError,
    ScenarioError,
    SolverError,
    counted,
)
from zonedesign.interrupts import heeded

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from zonedesign.problem import Problem
    from zonedesign.progress import Progress


def example(options: argparse.Namespace) -> Answer:
    """Write the example county."""
    from zonedesign.examples import WHAT_IF, write_example  # noqa: PLC0415

    with bar(quiet=options.quiet) as tell:
        tell("example", None, "a county is drawn")
        files = write_example(options.folder)
    what_if = options.folder / WHAT_IF
    every = [path for path in files if path.suffix == ".toml" and path != what_if]
    scenarios = [path for path in every if path.parent.name != "systems"]
    systems = [path for path in every if path.parent.name == "systems"]
    data = {"verb": "example", "folder": str(options.folder), "files": [str(path) for path in files]}
    lines = [f"wrote {counted(len(files), 'file')} to {options.folder}; the scenarios are:"]
    lines += [f"  {path}" for path in scenarios]
    told = f"{counted(len(systems), 'scenario')} of how councils let their lots"
    lines += [f"  {systems[0].parent}: {told}"] if systems else []
    lines += [f"next: zonedesign solve {scenarios[0]} -o zones"] if scenarios else []
    lines += [f"then: zonedesign sweep {what_if} -o what-if"] if what_if in files else []
    return Answer({**data, "scenarios": [str(path) for path in [*scenarios, *systems]]}, lines)


def check(options: argparse.Namespace) -> Answer:
    """Read a scenario and everything it names, and say what lines up and what does not."""
    from zonedesign.scenario import read_scenario  # noqa: PLC0415

    with bar(quiet=options.quiet) as tell:
        scenario = read_scenario(options.scenario)
        findings = scenario.check(tell, problem=scenario.problem(tell, start=options.start))
    faults = [finding.says for finding in findings if finding.state == "fault"]
    data = {
        "verb": "check",
        "scenario": str(options.scenario),
        "name": scenario.name,
        "possible": not faults,
        "causes": faults,
        "findings": [finding.to_dict() for finding in findings],
    }
    lines = check_lines(scenario.name, findings)
    if not faults:
        return Answer(data, lines)
    return Answer(data, lines, INFEASIBLE, error=error_line(impossible(faults)))


def solve(options: argparse.Namespace) -> Answer:
    """Design the zones of a scenario and write them to a folder."""
    from zonedesign.folder import check_folder, write_folder  # noqa: PLC0415
    from zonedesign.maps import page  # noqa: PLC0415
    from zonedesign.plan import Plan  # noqa: PLC0415
    from zonedesign.solve import solve as design  # noqa: PLC0415
    from zonedesign.verify import broken, verify  # noqa: PLC0415

    check_folder(options.out)
    with bar(quiet=options.quiet) as tell:
        problem = _problem(options, tell)
        try:
            plan = design(
                problem,
                time_limit=options.time_limit,
                gap=options.gap,
                seed=options.seed,
                threads=options.threads,
                work=options.work,
                start=problem.start if isinstance(problem.start, Plan) else None,
                progress=tell,
            )
        except InfeasibleError as error:
            return _why_not(options, error, tell)
        with no_interrupt():
            tell("verify", None, "every rule, every zone")
            verdicts = verify(plan, problem)
            if not verdicts["passed"].all():
                raise SolverError(f"the plan found breaks rules and is not written: {broken(verdicts)}")
            tell("write", None, str(options.out))
            review = page(plan, problem, roads=problem.about.roads)
            write_folder(options.out, plan, problem, review_html=review)
    written = ("plan.csv", "zones.csv", "plan.gpkg", "certificate.json")
    files = ", ".join(name for name in written if (options.out / name).exists())
    lines = [f"wrote {options.out}: {files}; look at {options.out / 'review.html'}"]
    lines += certificate_lines(plan, verdicts)
    return Answer(solved(plan, verdicts, options.out), lines, remarks=_notes(problem))


def _why_not(options: argparse.Namespace, error: InfeasibleError, tell: Progress) -> Answer:
    """Return why there is no plan, and what would give one; travel times go beyond the limits for that."""
    from zonedesign.explain import explain as look  # noqa: PLC0415

    found = None
    with contextlib.suppress(KeyboardInterrupt, NoPlanError, SolverError):
        problem = _problem(options, tell, judging=True)
        found = look(
            problem,
            time_limit=min(AFTER_SOLVE, options.time_limit),
            seed=options.seed,
            threads=options.threads,
            progress=tell,
        )
    return with_repairs(error.causes, found)


def explain(options: argparse.Namespace) -> Answer:
    """Say why a scenario has no plan, and which smallest changes give one."""
    from zonedesign.explain import explain as look  # noqa: PLC0415

    with bar(quiet=options.quiet) as tell:
        # Travel times go farther than the rules ask, so that it shows how much farther would do.
        problem = _problem(options, tell, judging=True)
        found = look(
            problem,
            time_limit=options.time_limit,
            seed=options.seed,
            threads=options.threads,
            progress=tell,
        )
    return explained(found, str(options.scenario), problem.about.name, _notes(problem))


def portfolio(options: argparse.Namespace) -> Answer:
    """Design several good plans of a scenario that differ, and write them to a folder."""
    from zonedesign.folder import check_folder, write_portfolio  # noqa: PLC0415
    from zonedesign.maps import page  # noqa: PLC0415
    from zonedesign.plan import Plan  # noqa: PLC0415
    from zonedesign.portfolio import portfolio as gather  # noqa: PLC0415

    check_folder(options.out)
    with bar(quiet=options.quiet) as tell:
        problem = _problem(options, tell)
        try:
            found = gather(
                problem,
                options.plans,
                within=options.within,
                apart=options.apart,
                time_limit=options.time_limit,
                seed=options.seed,
                threads=options.threads,
                work=options.work,
                start=problem.start if isinstance(problem.start, Plan) else None,
                progress=tell,
            )
        except InfeasibleError as error:
            return _why_not(options, error, tell)
        with no_interrupt():
            tell("write", None, str(options.out))
            review = page(found.plans[0], problem, roads=problem.about.roads, portfolio=found)
            write_portfolio(options.out, found, problem, review_html=review)
    return portfolio_answer(found, options.out, _notes(problem))


def verify(options: argparse.Namespace) -> Answer:
    """Judge a plan by every rule of a scenario; a broken rule or a missing unit is exit 1."""
    from zonedesign.verify import verify as judge  # noqa: PLC0415

    with bar(quiet=options.quiet) as tell:
        problem = _problem(options, tell, judging=True)
        plan = _read_plan(options.plan, problem, unit=options.unit, zone=options.zone, partial=True)
        tell("verify", None, "every rule, every zone")
        verdicts = judge(plan, problem)
    answer = verdict_answer(plan, problem, verdicts, str(options.plan))
    return replace(answer, remarks=[*answer.remarks, *_notes(problem)])


def map_(options: argparse.Namespace) -> Answer:
    """Write the review map of a plan as one page, or the page in which the plan is edited."""
    from zonedesign.folder import certificate_beside  # noqa: PLC0415
    from zonedesign.maps import edit_page, page  # noqa: PLC0415

    if options.edit and options.public:
        raise ScenarioError(
            "--edit and --public exclude each other: on a page that can be edited a single move would give a "
            "count of customers away; leave one out"
        )
    _require_page(options)
    with bar(quiet=options.quiet) as tell:
        problem = _problem(options, tell, judging=True)
        plan = _read_plan(
            options.plan, problem, unit=options.unit, zone=options.zone, partial=options.edit or None
        )
        proved = certificate_beside(options.plan, problem)
        if proved is not None:
            plan = plan.with_certificate(proved)
        tell("map", None, options.out.name)
        if options.edit:
            html = edit_page(plan, problem, roads=problem.about.roads)
        else:
            html = page(plan, problem, roads=problem.about.roads, public=options.public)
        _write_page(options.out, html)
    kind = "public" if options.public else "internal"
    data = {"verb": "map", "file": str(options.out), "kind": kind, "zones": len(plan.zone_ids)}
    said = f"wrote {options.out}: {kind}, {counted(len(plan.zone_ids), 'zone')}"
    return Answer(data, [said], remarks=_notes(problem))


def traffic(options: argparse.Namespace) -> Answer:
    """Say which units of a plan leave reach where driving takes longer."""
    from zonedesign.questions import traffic_sensitivity  # noqa: PLC0415

    with bar(quiet=options.quiet) as tell:
        problem = _problem(options, tell, judging=True)
        plan = _read_plan(options.plan, problem, unit=options.unit, zone=options.zone, partial=True)
        found = traffic_sensitivity(plan, problem, options.slower)
    return traffic_answer(found, problem, str(options.plan), _notes(problem))


def roads(options: argparse.Namespace) -> Answer:
    """Fetch the roads of a place and write them to a file."""
    from zonedesign.osm import read_roads, save_place  # noqa: PLC0415

    with bar(quiet=options.quiet) as tell, _no_plotting_files():
        tell("roads", None, options.place)
        path = save_place(options.place, options.out, mode=options.mode)
        network = read_roads(path, profile={"mode": options.mode})
    figures = {"nodes": len(network.node_ids), "edges": len(network.heads)}
    data = {
        "verb": "roads", "place": options.place, "file": str(path),
        "mode": network.mode, "profile": network.profile, **figures,
    }  # fmt: skip
    said = f"{figures['nodes']:,} nodes, {figures['edges']:,} edges, speeds {network.profile}"
    return Answer(data, [f"wrote {path}: {said}", network.attribution or ""])


RUN: dict[str, Callable[[argparse.Namespace], Answer]] = {
    "example": example,
    "check": check,
    "solve": solve,
    "portfolio": portfolio,
    "sweep": sweep.run,
    "explain": explain,
    "verify": verify,
    "compare": compare.run,
    "map": map_,
    "pack": pack.run,
    "lots": lots.run,
    "studio": studio.run,
    "price": price.run,
    "frontier": frontier.run,
    "stress": stress.run,
    "traffic": traffic,
    "roads": roads,
}
"""What runs for each verb."""


def _problem(options: argparse.Namespace, tell: Progress, *, judging: bool = False) -> Problem:
    from zonedesign.scenario import read_scenario  # noqa: PLC0415

    with heeded():
        problem = read_scenario(options.scenario).problem(tell, start=options.start, judging=judging)
    said = getattr(options, "about", None)
    if not said:
        return problem
    about = replace(problem.about, notes=(said, *problem.about.notes))
    return problem.with_(about=about)


def _read_plan(path: Path, problem: Problem, **options: Any) -> Any:
    from zonedesign.folder import read_plan  # noqa: PLC0415

    return read_plan(path, problem, **{name: value for name, value in options.items() if value is not None})


def _notes(problem: Problem) -> list[str]:
    """Return what was repaired, moved or counted on the way in, for standard error."""
    return [f"note: {note}" for note in problem.about.notes]


@contextlib.contextmanager
def _no_plotting_files() -> Iterator[None]:
    """Keep matplotlib, which OSMnx brings where it is installed, from writing to the user's home folder."""
    name = "MPLCONFIGDIR"
    if name in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ[name] = folder
        try:
            yield
        finally:
            del os.environ[name]


def _require_page(options: argparse.Namespace) -> None:
    """Refuse a name for the page that would overwrite what is no page, before any work."""
    out: Path = options.out
    if out.suffix.lower() not in {".html", ".htm"}:
        raise ScenarioError(f"{out.name} is no name for a page; end it in .html")
    if not out.parent.is_dir():
        raise DataError(f"there is no folder {out.parent} to write {out.name} to; make it first")
    if out.is_dir():
        raise DataError(f"{out} is a folder; name a file to write the page to")


def _write_page(out: Path, html: str) -> None:
    """Write the page beside its name and then put it there, so that no half of one is ever seen."""
    part = out.with_name(f".{out.name}.part")
    try:
        part.write_text(html, encoding="utf-8", newline="\n")
        part.replace(out)
    except OSError as error:
        raise DataError(f"cannot write {out}: {error.strerror or error}; nothing was changed") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
