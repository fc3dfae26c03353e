"""The verb `lots`: what a plan means for who provides, and who wins what, in a folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zonedesign.cli.amounts import natural, positive, seconds
from zonedesign.cli.answer import Answer, number, table
from zonedesign.cli.screen import bar, no_interrupt

if TYPE_CHECKING:
    import argparse

    from zonedesign.lots import Award, Lots
    from zonedesign.scenario import Scenario

HELP = "say what the lots of a plan are worth, how they fill and who can hold them; award bids"


def options_of(sub: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    sub.add_argument("plan", metavar="PLAN.csv", type=Path, help="table with a zone for every unit")
    sub.add_argument("--scenario", metavar="SCENARIO", type=Path, required=True, help="scenario file (TOML)")
    sub.add_argument("-o", "--out", metavar="OUT", type=Path, required=True, help="folder to write")
    who = sub.add_mutually_exclusive_group()
    who.add_argument(
        "--bids", metavar="BIDS.csv", type=Path, help="bids to award: provider, lot, price, quality, ..."
    )
    who.add_argument(
        "--allocation", metavar="FILE", type=Path, help="who holds which lot: lot, role, provider"
    )
    sub.add_argument(
        "--no-caps", action="store_true", help="award without the council's caps, to see what they do"
    )
    sub.add_argument("--unit", metavar="COLUMN", help="column of unit ids (default: unit)")
    sub.add_argument("--zone", metavar="COLUMN", help="column of zones (default: zone)")
    sub.add_argument("--about", metavar="TEXT", help="what the plan is; printed with the notes")
    sub.add_argument(
        "--start", metavar="PLAN.csv", type=Path, help="plan whose zones locks name, without a baseline"
    )
    sub.add_argument(
        "--draws",
        metavar="N",
        type=positive,
        default=2000,
        help="random draws of the ramp-up (default: 2000)",
    )
    sub.add_argument("--seed", metavar="N", type=natural, default=0, help="seed of the draws (default: 0)")
    sub.add_argument(
        "--time-limit", metavar="S", type=seconds, default=60.0,
        help="seconds at most for each step of the award (default: 60)",
    )  # fmt: skip


def run(options: argparse.Namespace) -> Answer:
    """Work out the lots of a plan, award bids where there are any, and write the folder."""
    from zonedesign.folder import check_folder, read_plan, write_files  # noqa: PLC0415  (help does without)
    from zonedesign.lots import award, lots  # noqa: PLC0415
    from zonedesign.report.lots import lots_folder  # noqa: PLC0415
    from zonedesign.scenario import read_scenario  # noqa: PLC0415
    from zonedesign.tables import read_table  # noqa: PLC0415

    check_folder(options.out)
    with bar(quiet=options.quiet) as tell:
        scenario = read_scenario(options.scenario)
        problem = scenario.problem(tell, start=options.start, judging=True)
        if options.about:
            about = replace(problem.about, notes=(options.about, *problem.about.notes))
            problem = problem.with_(about=about)
        columns = {name: getattr(options, name) for name in ("unit", "zone") if getattr(options, name)}
        plan = read_plan(options.plan, problem, **columns)
        tell("lots", None, f"{len(plan.zone_ids):,} lots")
        settled: dict[str, Any] = {
            "customers": _customers(scenario), "draws": options.draws, "seed": options.seed
        }  # fmt: skip
        held: Any = None if options.allocation is None else read_table(options.allocation)
        found = lots(plan, problem, scenario.terms, allocation=held, **settled)
        won = None
        if options.bids is not None:
            tell("award", None, options.bids.name)
            won = award(options.bids, found, caps=not options.no_caps, time_limit=options.time_limit)
            found = lots(plan, problem, scenario.terms, allocation=won, **settled)
        with no_interrupt():
            tell("write", None, str(options.out))
            target = write_files(options.out, lots_folder(found, won), problem)
    return _answer(found, won, options.out, sorted(each.name for each in target.iterdir()))


def _customers(scenario: Scenario) -> Any:
    """Return the scenario's table of customers, with its postcodes, or None."""
    stated = scenario.settings.demand
    return None if stated.customers is None else (stated.customers, stated.postcodes)


def _answer(found: Lots, won: Award | None, out: Path, files: list[str]) -> Answer:
    from zonedesign._lotstables import lots_facts  # noqa: PLC0415

    about = found.problem.about
    data = {
        "verb": "lots",
        "folder": str(out),
        "files": [str(out / name) for name in files],
        "scenario": about.name,
        "sketch": about.sketch,
        **lots_facts(found, won),
    }
    lines = [f"wrote {out}: {', '.join(files)}; look at {out / 'lots.html'}"]
    lines.append(f"{about.name}{', sketch roads' if about.sketch else ''}:")
    lines += _level_lines(found)
    lines += [f"- {line}" for line in found.says]
    if won is not None:
        lines += ["the award:", *(f"- {line}" for line in won.says)]
    return Answer(data, lines, remarks=[f"note: {note}" for note in (*found.notes, *about.notes)])


def _level_lines(found: Lots) -> list[str]:
    """Return a line for every level."""
    heads = ("level", "lots", "providers of a lot", "hours", "workers", "value a year", "rate", "floor")
    rows = []
    for level, part in found.lots.groupby("level", sort=False):
        hours = part["weekly_hours"].sum()
        rows.append(
            (
                str(level),
                number(len(part)),
                str(part["structure"].iloc[0]),
                number(hours, 0),
                number(part["workers"].sum()),
                _pounds(part["value_a_year"].sum(min_count=len(part)), 0),
                _pounds((part["rate"] * part["weekly_hours"]).sum(min_count=len(part)) / max(hours, 1e-9), 2),
                _pounds(part["rate_floor"].iloc[0], 2),
            )
        )
    return table(heads, rows, (1, 3, 4, 5, 6, 7))


def _pounds(value: float, digits: int) -> str:
    return "unknown" if value != value else f"{value:,.{digits}f}"  # noqa: PLR0124  (NaN is not itself)
