"""The verb `frontier`: how little need change from today's plan, in a folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zonedesign.cli.answer import Answer, number, table
from zonedesign.cli.price import add_search, figure, files_in
from zonedesign.cli.screen import bar, no_interrupt

if TYPE_CHECKING:
    from zonedesign.problem import Problem
    from zonedesign.questions import Frontier

HELP = "say how little need change: the best plan for each share of hours that may change zone"
MOST_MOVES = 12
"""Moves of a repair that are printed; the folder has them all."""


def options_of(sub: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    sub.add_argument("scenario", metavar="SCENARIO", type=Path, help="scenario file (TOML)")
    sub.add_argument("-o", "--out", metavar="OUT", type=Path, required=True, help="folder to write")
    sub.add_argument(
        "--baseline",
        metavar="PLAN.csv",
        type=Path,
        help="the plan in force today (default: objective.baseline of the scenario)",
    )
    sub.add_argument(
        "--shares",
        metavar="F",
        type=_cap,
        nargs="+",
        help="shares of hours that may change zone (default: 0 0.02 0.05 0.1 0.2)",
    )
    sub.add_argument("--unit", metavar="COLUMN", help="column of unit ids of the baseline (default: unit)")
    sub.add_argument("--zone", metavar="COLUMN", help="column of zones of the baseline (default: zone)")
    add_search(sub)


def _cap(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a share from 0 up to 1, such as 0.05 for 5 per cent"
        )
    return value


def run(options: argparse.Namespace) -> Answer:
    """Look for the frontier of a scenario and write the folder."""
    from zonedesign.folder import check_folder, read_plan, write_files  # noqa: PLC0415  (help does without)
    from zonedesign.questions import frontier  # noqa: PLC0415
    from zonedesign.questions.frontier import SHARES  # noqa: PLC0415
    from zonedesign.report.frontier import frontier_files  # noqa: PLC0415
    from zonedesign.scenario import read_scenario  # noqa: PLC0415

    check_folder(options.out)
    with bar(quiet=options.quiet) as tell:
        problem = read_scenario(options.scenario).problem(tell, judging=True)
        today = None
        if options.baseline is not None:
            columns = {"unit": options.unit, "zone": options.zone}
            asked = {what: column for what, column in columns.items() if column is not None}
            today = read_plan(options.baseline, problem, **asked)
        found = frontier(
            problem,
            today,
            shares=options.shares or SHARES,
            time_limit=options.time_limit,
            seed=options.seed,
            threads=options.threads,
            progress=tell,
        )
        with no_interrupt():
            tell("write", None, str(options.out))
            target = write_files(options.out, frontier_files(found, problem), problem)
    return _answer(found, problem, options.out, target)


def _answer(found: Frontier, problem: Problem, out: Path, target: Path) -> Answer:
    from zonedesign.report.frontier import repair_sentence  # noqa: PLC0415

    about, repair = problem.about, found.repair
    moved = None if repair is None else repair.moves.rename_axis("unit").reset_index()
    data = {
        "verb": "frontier",
        "folder": str(out),
        "files": files_in(target, out),
        "scenario": about.name,
        "sketch": about.sketch,
        "seconds": found.seconds,
        "seed": found.seed,
        "points": found.points.to_dict("records"),
        "broken": list(found.broken),
        "repair": None
        if repair is None or moved is None
        else {
            "moved": repair.moved,
            "bound": repair.bound,
            "weekly_hours": repair.weekly_hours,
            "units": len(moved),
            "moves": moved.to_dict("records"),
        },
    }
    lines = [f"wrote {out}; look at {out / 'frontier.html'}"]
    heads = ("may change", "objective", "bound", "gap", "mean minutes", "hours moved", "units", "")
    lines += table(heads, [_cells(row) for row in found.points.to_dict("records")], range(1, 7))
    if found.broken:
        lines += [f"today's plan breaks the rules in {len(found.broken)} places:", *found.broken[:MOST_MOVES]]
        lines.append(repair_sentence(found))
    if moved is not None:
        rows = moved.to_dict("records")
        shown = [
            (str(row["unit"]), str(row["from"]), str(row["to"]) or "a new zone", number(row["weekly_hours"]))
            for row in rows[:MOST_MOVES]
        ]
        lines += table(("unit", "from", "to", "hours"), shown, (3,))
        more = len(rows) - MOST_MOVES
        lines += [f"and {more:,} more, in repair-moves.csv"] if more > 0 else []
    return Answer(data, lines, remarks=[f"note: {note}" for note in about.notes])


def _cells(row: Any) -> tuple[str, ...]:
    share = "anything" if row["share"] >= 1 else f"{row['share'] * 100:.4g} %"
    gap = row["gap"]
    return (
        share,
        figure(row["objective"]),
        figure(row["bound"]),
        "" if gap is None or gap != gap else f"{gap:.2%}",  # noqa: PLR0124  (NaN)
        figure(row["mean_minutes"], 3),
        figure(row["hours_moved"], 1),
        "" if row["status"] != "found" else f"{row['units_moved']:,}",
        "" if row["status"] == "found" else row["status"],
    )
