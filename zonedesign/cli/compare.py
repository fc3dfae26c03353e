"""The verb `compare`: any number of plans of one scenario side by side, in a folder."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zonedesign.cli.answer import Answer, number, table
from zonedesign.cli.screen import bar, no_interrupt
from zonedesign.errors import ScenarioError, counted, listed

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from zonedesign.compare import Comparison

HELP = "set plans side by side: what moves, what it costs, who pays for the average"
PLAN = "plan"
MOST_ROWS = 12
"""Lines of the realignment list and of minutes by group that are printed; the folder has them all."""


def options_of(sub: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    sub.add_argument(
        "plans",
        metavar="PLAN.csv",
        type=Path,
        nargs="+",
        help="two plans or more; the first is compared with",
    )
    sub.add_argument("--scenario", metavar="SCENARIO", type=Path, required=True, help="scenario file (TOML)")
    sub.add_argument("-o", "--out", metavar="OUT", type=Path, required=True, help="folder to write")
    sub.add_argument(
        "--names",
        metavar="NAME",
        nargs="+",
        help="what to call the plans, in their order (default: their files)",
    )
    sub.add_argument(
        "--by", metavar="COLUMN", nargs="+", help="columns of the units to tell minutes by, besides the usual"
    )
    sub.add_argument(
        "--unit", metavar="COLUMN", help="column of unit ids, in plans that have it (default: unit)"
    )
    sub.add_argument(
        "--zone", metavar="COLUMN", help="column of zones, in plans that have it (default: zone)"
    )
    sub.add_argument("--about", metavar="TEXT", help="what the plans are; printed with the notes")
    sub.add_argument(
        "--start",
        metavar="PLAN.csv",
        type=Path,
        help="plan whose zones locks name, where there is no baseline",
    )


def run(options: argparse.Namespace) -> Answer:
    """Compare plans and write the folder; a plan that breaks rules is compared all the same."""
    from zonedesign.compare import compare  # noqa: PLC0415  (help and usage errors do without)
    from zonedesign.folder import check_folder, read_plan, write_comparison  # noqa: PLC0415
    from zonedesign.maps import compare_page  # noqa: PLC0415
    from zonedesign.scenario import read_scenario  # noqa: PLC0415

    names = _names(options.plans, options.names)
    check_folder(options.out)
    with bar(quiet=options.quiet) as tell:
        problem = read_scenario(options.scenario).problem(tell, start=options.start, judging=True)
        if options.about:
            problem = problem.with_(about=replace(problem.about, notes=(options.about, *problem.about.notes)))
        plans = {}
        for name, path in zip(names, options.plans, strict=True):
            tell("plans", None, name)
            columns = _columns(path, {"unit": options.unit, "zone": options.zone})
            plans[name] = read_plan(path, problem, partial=True, **columns)
        tell("compare", None, counted(len(plans), "plan"))
        found = compare(plans, problem, by=options.by)
        tell("write", None, str(options.out))
        page = compare_page(found)
        with no_interrupt():
            target = write_comparison(options.out, found, compare_html=page)
    return _answer(found, options.out, sorted(each.name for each in target.iterdir()))


def _names(plans: Sequence[Path], given: Sequence[str] | None) -> list[str]:
    """Return what to call each plan: as given, else its file or folder, made distinct by folder or number."""
    if len(plans) < 2:
        raise ScenarioError(f"{counted(len(plans), 'plan')} to compare; give two or more")
    if given is not None:
        names = [" ".join(name.split()) for name in given]
        twice = [name for name, times in Counter(names).items() if times > 1]
        if len(names) != len(plans):
            raise ScenarioError(
                f"{counted(len(names), 'name')} for {counted(len(plans), 'plan')}; give one for each"
            )
        if twice or not all(names):
            raise ScenarioError(f"names must differ and say something; not {listed(twice) or 'an empty one'}")
        return names
    short = [_short(path) for path in plans]
    longer = [
        name if short.count(name) == 1 or not path.parent.name else f"{path.parent.name}/{name}"
        for name, path in zip(short, plans, strict=True)
    ]
    unique: list[str] = []
    for name in longer:
        another = 1
        while (said := name if another == 1 else f"{name} {another}") in unique:
            another += 1
        unique.append(said)
    return unique


def _short(path: Path) -> str:
    """Return a file's name without its ending; an output folder's plan is called after the folder."""
    if path.is_dir() or path.stem != PLAN:
        return path.resolve().name if path.is_dir() else path.stem
    return path.resolve().parent.name or PLAN


def _columns(path: Path, asked: Mapping[str, str | None]) -> dict[str, str]:
    """Return the columns to read a plan by: what was asked for where it has that, else the usual ones."""
    wanted = {usual: column for usual, column in asked.items() if column is not None}
    file = path / f"{PLAN}.csv" if path.is_dir() else path
    try:
        with file.open(encoding="utf-8-sig", newline="") as rows:
            heads = next(csv.reader(rows), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return wanted  # reading the plan says what is wrong with the file
    return {
        usual: usual if column not in heads and usual in heads else column for usual, column in wanted.items()
    }


def _answer(found: Comparison, out: Path, files: Sequence[str]) -> Answer:
    from zonedesign._comparisontables import comparison_facts  # noqa: PLC0415

    about = found.problem.about
    data = {
        "verb": "compare",
        "folder": str(out),
        "files": [str(out / name) for name in files],
        "scenario": about.name,
        "sketch": about.sketch,
        **comparison_facts(found),
    }
    page = out / "compare.html"
    lines = [f"wrote {out}: {', '.join(files)}; look at {page}" if page.exists() else f"wrote {out}"]
    lines.append(f"{about.name}{', sketch roads' if about.sketch else ''}; compared with {found.names[0]}:")
    lines += _plan_lines(found)
    lines += [note for note in found.notes if not note.endswith("of the rules broken")]
    for row in found.plans.to_dict("records"):
        said = f"{row['broken']:,} of {row['checks']:,} checks broken: {row['broken_rules']}"
        lines.append(f"{row['plan']}: {said if row['broken'] else 'all rules met'}")
    for name in found.names[1:]:
        lines += ["", *_moved_lines(found, name), "", *_minutes_lines(found, name)]
    return Answer(data, lines, remarks=[f"note: {note}" for note in about.notes])


def _plan_lines(found: Comparison) -> list[str]:
    heads = ("plan", "zones", "objective", "mean minutes", "worst", "units moved", "hours moved", "share")
    rows = [
        (
            row["plan"],
            number(row["zones"]),
            _figure(row["objective"], 4),
            _figure(row["mean_minutes"], 2),
            _figure(row["max_minutes"], 1),
            number(row["units_moved"]),
            number(row["hours_moved"]),
            f"{row['share_moved']:.1%}",
        )
        for row in found.plans.to_dict("records")
    ]
    return table(heads, rows, range(1, len(heads)))


def _moved_lines(found: Comparison, name: str) -> list[str]:
    moved = found.realignment[found.realignment["plan"] == name].to_dict("records")
    zones = found.zones[found.zones["plan"] == name]["status"].tolist()
    counts = ", ".join(
        f"{zones.count(status)} {status}" for status in ("same units", "changed", "new", "closed")
    )
    if not moved:
        return [f"{name}: zones {counts}; nothing moves"]
    heads = ("from", "to", "units", "customers", "hours", "mean minutes", "then")
    rows = [
        (
            row["from_zone"] or "no zone",
            row["to_zone"] or "no zone",
            number(row["units"]),
            _figure(row["customers"], 0),
            number(row["weekly_hours"]),
            _figure(row["mean_minutes_before"], 2),
            _figure(row["mean_minutes_after"], 2),
        )
        for row in moved[:MOST_ROWS]
    ]
    more = [f"and {len(moved) - MOST_ROWS:,} more, in realignment.csv"] if len(moved) > MOST_ROWS else []
    return [f"{name}: zones {counts}; what moves:", *table(heads, rows, range(2, len(heads))), *more]


def _minutes_lines(found: Comparison, name: str) -> list[str]:
    groups = found.minutes_by[found.minutes_by["plan"] == name].to_dict("records")
    if not groups:
        return [
            f"{name}: the units have no rurality, district or border to tell minutes by; name one with --by"
        ]
    heads = ("by", "value", "hours", "mean minutes", "then", "change", "worst", "then")
    rows = [
        (
            row["by"],
            "not stated" if row["value"] is None else str(row["value"]),
            number(row["weekly_hours"]),
            _figure(row["mean_minutes_before"], 2),
            _figure(row["mean_minutes_after"], 2),
            _change(row["change"]),
            _figure(row["max_minutes_before"], 1),
            _figure(row["max_minutes_after"], 1),
        )
        for row in groups[:MOST_ROWS]
    ]
    more = [f"and {len(groups) - MOST_ROWS:,} more, in minutes_by.csv"] if len(groups) > MOST_ROWS else []
    return [f"{name}: who pays for the average:", *table(heads, rows, range(2, len(heads))), *more]


def _figure(value: Any, digits: int) -> str:
    if value != value:  # noqa: PLR0124  (NaN is not itself)
        return "unknown"
    return "out of reach" if value == float("inf") else number(value, digits)


def _change(value: float) -> str:
    return _figure(value, 2) if value != value or value in (0, float("inf")) else f"{value:+.2f}"  # noqa: PLR0124
