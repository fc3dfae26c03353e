"""The verb `stress`: whether a plan will last, in a folder."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zonedesign.cli.amounts import more, natural, positive
from zonedesign.cli.answer import Answer, number, table
from zonedesign.cli.price import files_in
from zonedesign.cli.screen import bar, no_interrupt

if TYPE_CHECKING:
    import pandas as pd

    from zonedesign.problem import Problem
    from zonedesign.questions import Stress
    from zonedesign.scenario import Scenario

HELP = "say whether a plan will last: the chance that each zone leaves its band, and which is first"
MOST_ZONES = 15
"""Zones that are printed, in the order in which they are expected to leave; the folder has them all."""


def options_of(sub: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    sub.add_argument("plan", metavar="PLAN.csv", type=Path, help="table with a zone for every unit")
    sub.add_argument("--scenario", metavar="SCENARIO", type=Path, required=True, help="scenario file (TOML)")
    sub.add_argument("-o", "--out", metavar="OUT", type=Path, required=True, help="folder to write")
    sub.add_argument(
        "--growth",
        metavar="TABLE.csv",
        type=Path,
        help="growth by district: a column that the units have too, growth_percent, years, share_of_demand",
    )
    sub.add_argument(
        "--turnover",
        metavar="F",
        type=_turnover,
        default=0.5,
        help="share of packages that end within a year (default: 0.5)",
    )
    sub.add_argument(
        "--mean-package",
        metavar="H",
        type=_hours,
        default=12.0,
        help="weekly hours of a package where customers are not counted (default: 12)",
    )
    sub.add_argument(
        "--years", metavar="Y", type=_years, nargs="+", default=[1.0, 3.0, 5.0], help="default: 1 3 5"
    )
    sub.add_argument(
        "--slower",
        metavar="F",
        type=more,
        nargs="+",
        default=[0.1, 0.2, 0.3],
        help="how much longer driving takes, as shares (default: 0.1 0.2 0.3)",
    )
    sub.add_argument(
        "--draws", metavar="N", type=positive, default=2000, help="how often chance is drawn (default: 2000)"
    )
    sub.add_argument("--seed", metavar="N", type=natural, default=0, help="seed of the draws (default: 0)")
    sub.add_argument("--threads", metavar="N", type=positive, help="threads at most (default: all)")
    sub.add_argument("--unit", metavar="COLUMN", help="column of unit ids (default: unit)")
    sub.add_argument("--zone", metavar="COLUMN", help="column of zones (default: zone)")
    sub.add_argument("--about", metavar="TEXT", help="what the plan is; printed with the notes")
    sub.add_argument(
        "--start",
        metavar="PLAN.csv",
        type=Path,
        help="plan whose zones locks name, where there is no baseline",
    )


def _turnover(text: str) -> float:
    return _number(text, lambda value: 0 <= value < 1, "a share from 0 up to 1, such as 0.5")


def _hours(text: str) -> float:
    return _number(text, lambda value: value > 0, "a number of hours above 0")


def _years(text: str) -> float:
    return _number(text, lambda value: 0.25 <= value <= 50, "a number of years from 0.25 to 50")


def _number(text: str, holds: Any, wanted: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None
    if not holds(value):
        raise argparse.ArgumentTypeError(f"'{text}' is not {wanted}")
    return value


def run(options: argparse.Namespace) -> Answer:
    """Put a plan under stress and write the folder."""
    from zonedesign.folder import check_folder, read_plan, write_files  # noqa: PLC0415  (help does without)
    from zonedesign.questions import Outlook, stress  # noqa: PLC0415
    from zonedesign.report.stress import stress_files  # noqa: PLC0415
    from zonedesign.scenario import read_scenario  # noqa: PLC0415

    check_folder(options.out)
    with bar(quiet=options.quiet) as tell:
        scenario = read_scenario(options.scenario)
        problem = scenario.problem(tell, start=options.start, judging=True)
        if options.about:
            problem = problem.with_(about=replace(problem.about, notes=(options.about, *problem.about.notes)))
        columns = {"unit": options.unit, "zone": options.zone}
        asked = {what: column for what, column in columns.items() if column is not None}
        plan = read_plan(options.plan, problem, **asked)
        tell("stress", None, f"{options.draws:,} draws")
        outlook = Outlook(
            options.growth, _packages(scenario, problem), options.mean_package, options.turnover
        )
        found = stress(
            plan,
            problem,
            outlook,
            years=options.years,
            slower=options.slower,
            draws=options.draws,
            seed=options.seed,
            threads=options.threads,
        )
        with no_interrupt():
            tell("write", None, str(options.out))
            target = write_files(options.out, stress_files(found, problem), problem)
    return _answer(found, problem, options, target)


def _packages(scenario: Scenario, problem: Problem) -> pd.DataFrame | None:
    """Return the packages of a scenario that has customers, as unit and hours; None where it has totals."""
    from zonedesign.demand import packages_of  # noqa: PLC0415

    demand = scenario.settings.demand
    if demand.customers is None:
        return None
    return packages_of(problem.units, demand.customers, postcodes=demand.postcodes)


def _answer(found: Stress, problem: Problem, options: argparse.Namespace, target: Path) -> Answer:
    about, out = problem.about, options.out
    data = {
        "verb": "stress",
        "folder": str(out),
        "files": files_in(target, out),
        "plan": str(options.plan),
        "scenario": about.name,
        "sketch": about.sketch,
        "years": list(found.years),
        "draws": found.draws,
        "seed": found.seed,
        "assumed": list(found.notes),
        "plan_by_years": found.years_of_plan.to_dict("records"),
        "zones": found.zones.to_dict("records"),
        "chances": found.chances.to_dict("records"),
    }
    rows = found.zones.sort_values("order").to_dict("records")
    heads = ("zone", "hours", *(f"within {year:g} y" for year in found.years), "first", "says")
    cells = [
        (
            str(row["zone"]),
            number(row["weekly_hours"]),
            *(f"{row[f'chance_{year:g}']:.0%}" for year in found.years),
            f"{row['first_chance']:.1%}",
            str(row["says"]),
        )
        for row in rows[:MOST_ZONES]
    ]
    lines = [f"wrote {out}; look at {out / 'stress.html'}"]
    lines += table(heads, cells, range(1, 3 + len(found.years)))
    left = len(rows) - MOST_ZONES
    lines += [f"and {left:,} more, in zones.csv"] if left > 0 else []
    return Answer(data, [*lines, *found.notes], remarks=[f"note: {note}" for note in about.notes])
