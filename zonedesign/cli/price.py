"""The verb `price`: what each choice of a scenario costs, in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from zonedesign.cli.amounts import natural, positive, seconds
from zonedesign.cli.answer import Answer, number, table
from zonedesign.cli.screen import bar, no_interrupt

if TYPE_CHECKING:
    import argparse

    from zonedesign.problem import Problem
    from zonedesign.questions import Price

HELP = "say what each choice costs: a lock, a border, a limit of a level"


def options_of(sub: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    sub.add_argument("scenario", metavar="SCENARIO", type=Path, help="scenario file (TOML)")
    sub.add_argument("-o", "--out", metavar="OUT", type=Path, required=True, help="folder to write")
    sub.add_argument(
        "--of",
        metavar="CHOICE",
        nargs="+",
        help="choices by name, such as 1.max_minutes, or by pattern, such as '1.*' (default: all)",
    )
    sub.add_argument(
        "--start",
        metavar="PLAN.csv",
        type=Path,
        help="plan to start from; without a baseline, locks name its zones",
    )
    add_search(sub)


def add_search(sub: argparse.ArgumentParser) -> None:
    """Add the options of a search: time, seed and threads."""
    sub.add_argument(
        "--time-limit",
        metavar="S",
        type=seconds,
        default=300.0,
        help="seconds of solving at most, all together (default: 300)",
    )
    sub.add_argument("--seed", metavar="N", type=natural, default=0, help="seed of the search (default: 0)")
    sub.add_argument("--threads", metavar="N", type=positive, help="threads at most (default: all)")


def run(options: argparse.Namespace) -> Answer:
    """Price the choices of a scenario and write the folder."""
    from zonedesign.folder import check_folder, write_files  # noqa: PLC0415  (help does without)
    from zonedesign.plan import Plan  # noqa: PLC0415
    from zonedesign.questions import price  # noqa: PLC0415
    from zonedesign.report.price import price_files  # noqa: PLC0415
    from zonedesign.scenario import read_scenario  # noqa: PLC0415

    check_folder(options.out)
    with bar(quiet=options.quiet) as tell:
        # Travel times go farther than the rules ask, so that there is something to drop limits for.
        problem = read_scenario(options.scenario).problem(tell, start=options.start, judging=True)
        found = price(
            problem,
            of=options.of,
            time_limit=options.time_limit,
            seed=options.seed,
            threads=options.threads,
            start=problem.start if isinstance(problem.start, Plan) else None,
            progress=tell,
        )
        with no_interrupt():
            tell("write", None, str(options.out))
            target = write_files(options.out, price_files(found, problem), problem)
    return _answer(found, problem, options.out, target)


def _answer(found: Price, problem: Problem, out: Path, target: Path) -> Answer:
    about = problem.about
    data = {
        "verb": "price",
        "folder": str(out),
        "files": files_in(target, out),
        "scenario": about.name,
        "sketch": about.sketch,
        "seconds": found.seconds,
        "seed": found.seed,
        "causes": list(found.causes),
        "prices": found.prices.to_dict("records"),
    }
    lines = [f"wrote {out}; look at {out / 'price.html'}"]
    lines += [f"with all choices no plan can exist: {cause}" for cause in found.causes]
    rows = found.prices.sort_values("price", ascending=False, kind="stable", na_position="last")
    heads = ("choice", "price", "at least", "at most", "with", "bound", "without", "bound", "")
    lines += table(heads, [_cells(row) for row in rows.to_dict("records")], range(1, 8))
    return Answer(data, lines, remarks=[f"note: {note}" for note in about.notes])


def _cells(row: Any) -> tuple[str, ...]:
    names = (
        "price", "price_low", "price_high",
        "objective_with", "bound_with", "objective_without", "bound_without",
    )  # fmt: skip
    status = "" if row["status"] == "priced" else row["status"]
    return (row["choice"], *(figure(row[name]) for name in names), status)


def figure(value: Any, digits: int = 4) -> str:
    """Return a figure for people, a blank where it is not known."""
    return "" if value is None or value != value else number(value, digits)  # noqa: PLR0124  (NaN)


def files_in(target: Path, out: Path) -> list[str]:
    """Return the files of a folder that was written, by the name that it was asked for by."""
    inside = sorted(each.relative_to(target) for each in target.rglob("*") if each.is_file())
    return [str(out / each) for each in inside]
