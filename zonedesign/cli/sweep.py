"""The verb `sweep`: many scenarios solved side by side, or only what can be said of them before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from zonedesign.cli.amounts import natural, positive, seconds, share
from zonedesign.cli.answer import INFEASIBLE, Answer, number, table
from zonedesign.cli.screen import bar, error_line, impossible
from zonedesign.errors import NoPlanError, ScenarioError, counted

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from zonedesign.sweep import Row, Said, Sweep

HELP = "solve many scenarios side by side: what if a limit, a border or a count were another"
SEVERAL = "scenario files, or sweep files with [[variant]] tables (TOML)"
UNKNOWN = "-"


def options_of(sub: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    sub.add_argument("scenarios", metavar="SCENARIO", type=Path, nargs="+", help=SEVERAL)
    sub.add_argument(
        "--set",
        metavar="KEY=VALUE[,VALUE...]",
        action="append",
        default=[],
        dest="sets",
        help="a run for each value of a key, such as levels.1.max_minutes=12,15,20; several make a grid",
    )
    sub.add_argument("-o", "--out", metavar="OUT", type=Path, help="folder to write, or to go on with")
    sub.add_argument(
        "--check", action="store_true", help="only say what can be said before solving, and write nothing"
    )
    sub.add_argument(
        "--jobs", metavar="N", type=positive, help="runs at once; they share the cores (default: all)"
    )
    sub.add_argument(
        "--dask", metavar="ADDRESS", help="run on this Dask cluster; no customer's row goes there"
    )
    sub.add_argument(
        "--time-limit",
        metavar="S",
        type=seconds,
        default=300.0,
        help="seconds of solving at most, each run (default: 300)",
    )
    sub.add_argument(
        "--gap", metavar="F", type=share, default=0.0, help="stop a run at this gap (default: 0)"
    )
    sub.add_argument("--seed", metavar="N", type=natural, default=0, help="seed of the search (default: 0)")
    sub.add_argument(
        "--work", metavar="N", type=positive, help="stop a run after so much work; repeats on any machine"
    )


def run(options: argparse.Namespace) -> Answer:
    """Solve the variants and keep them in a folder, or say what can be said of them before."""
    from zonedesign.sweep import Options, check_scenarios, read_variants, sweep_scenarios  # noqa: PLC0415

    variants = read_variants(options.scenarios, options.sets)
    if options.check:
        with bar(quiet=options.quiet) as tell:
            return _checked(check_scenarios(variants, tell))
    if options.out is None:
        raise ScenarioError("sweep needs -o OUT, the folder to write; --check only says what it would run")
    chosen = Options(options.time_limit, options.gap, options.seed, options.work)
    with bar(quiet=options.quiet) as tell:
        found = sweep_scenarios(
            variants, options.out, chosen, jobs=options.jobs, dask=options.dask, progress=tell
        )
    if not any(row.settled for row in found.rows):
        _nothing(found.rows)
    return _swept(found, options.out)


def _nothing(rows: Sequence[Row]) -> None:
    """Raise why no run has its answer: the first failure, or Ctrl-C."""
    failed = [row for row in rows if row.error]
    if failed:
        more = f" (and {counted(len(failed) - 1, 'more run')} failed)" if len(failed) > 1 else ""
        raise ScenarioError(f"{failed[0].name}: {failed[0].error}{more}")
    raise NoPlanError("stopped before any run was done")


def _swept(found: Sweep, out: Path) -> Answer:
    """Return what a sweep found: a line for each run, then what has no plan and why."""
    rows = found.rows
    data = {
        "verb": "sweep",
        "folder": str(out),
        "complete": found.complete,
        "runs": [row.as_dict() for row in rows],
    }
    heads = ("run", "status", "objective", "bound", "gap", "zones", "worst minutes", "seconds")
    cells = [
        (
            row.name,
            row.status,
            _figure(row.objective, 4),
            _figure(row.bound, 4),
            UNKNOWN if row.gap is None else f"{row.gap:.2%}",
            " + ".join(str(count) for count in row.zones.values()) or UNKNOWN,
            _figure(row.worst_minutes, 1),
            _figure(row.seconds, 0),
        )
        for row in rows
    ]
    lines = [f"wrote {out}: sweep.csv, sweep.html, and a folder for each run in runs"]
    lines += table(heads, cells, (2, 3, 4, 5, 6, 7))
    lines += _said_once((row.name, row.said) for row in rows)
    for row in rows:
        lines += [f"{row.name}: {cause}" for cause in row.causes]
        lines += [f"{row.name}: {row.status}: {row.error}"] if row.error else []
    remarks = []
    left = [row.name for row in rows if not row.settled]
    if left:
        remarks.append(f"note: {counted(len(left), 'run')} to be done; the same command goes on from here")
    return Answer(data, lines, remarks=remarks)


def _checked(found: Sequence[Said]) -> Answer:
    """Return what is said before solving; exit 3 where no variant can have a plan."""
    data = {
        "verb": "sweep",
        "check": True,
        "runs": [
            {
                "name": said.name,
                "settings": said.settings,
                "possible": said.possible,
                "borders": list(said.borders),
                "causes": list(said.causes),
                "error": said.error,
            }
            for said in found
        ],
    }
    lines = []
    for said in found:
        state = (
            "failed" if said.error else "no plan can exist" if said.causes else "nothing seen against a plan"
        )
        lines += [f"{said.name}: {state}"]
        lines += [f"  {line}" for line in (*said.borders, *said.causes, *filter(None, [said.error]))]
    if any(said.possible for said in found):
        return Answer(data, lines)
    causes = [cause for said in found for cause in said.causes]
    if causes:
        return Answer(data, lines, INFEASIBLE, error=error_line(impossible(causes)))
    raise ScenarioError(f"{found[0].name}: {found[0].error}")


def _said_once(said: Any) -> list[str]:
    """Return what was said of borders, each once, with the first run that it was said of."""
    first: dict[str, str] = {}
    for name, lines in said:
        for line in lines:
            first.setdefault(line, name)
    return [f"{name}: {line}" for line, name in first.items()]


def _figure(value: float | None, digits: int) -> str:
    return UNKNOWN if value is None else number(value, digits)
