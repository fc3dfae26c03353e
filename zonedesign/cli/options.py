"""The options of every verb, and usage errors whose last line begins with `error:`."""

from __future__ import annotations

import argparse
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from zonedesign._figures import MODES
from zonedesign.cli import compare, frontier, lots, pack, price, stress, studio, sweep
from zonedesign.cli.amounts import more, natural, positive, seconds, share, some
from zonedesign.errors import nearest_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HELP = {
    "example": "write the example county: data and scenarios, ready to solve",
    "check": "read everything, say what lines up and what does not, change nothing",
    "solve": "design the zones and write them to a folder",
    "portfolio": "design several good plans that differ, and say how sure each unit is of its zone",
    "sweep": sweep.HELP,
    "explain": "say why there is no plan, and which smallest changes give one",
    "verify": "judge any plan: every rule, every zone, limit, value, verdict",
    "compare": compare.HELP,
    "map": "write the review map of a plan",
    "pack": pack.HELP,
    "lots": lots.HELP,
    "studio": studio.HELP,
    "price": price.HELP,
    "frontier": frontier.HELP,
    "stress": stress.HELP,
    "traffic": "say which units leave reach where driving takes longer",
    "roads": "fetch the roads of a place from OpenStreetMap into a file",
}
"""Every verb, and what it does."""


class UsageError(Exception):
    """The command line was not understood; `usage` says how it is written."""

    def __init__(self, message: str, usage: str) -> None:
        super().__init__(message)
        self.usage = usage


class _Parser(argparse.ArgumentParser):
    """A parser that raises instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, self.format_usage())


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options in `arguments`, `verb` among them.

    Raises `UsageError`, and SystemExit once help or the version is printed.
    """
    parser = _Parser(
        prog="zonedesign",
        description="Designs home-care zones for English councils, with travel times, proof and maps.",
        epilog="Exit codes: 0 done; 1 a rule is broken or a unit missing (verify); 2 usage or bad input; "
        "3 proved infeasible; 4 stopped without a plan.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"zonedesign {_version()}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=_Parser)
    for verb, add in _VERBS.items():
        sub = verbs.add_parser(
            verb, help=HELP[verb], description=f"{HELP[verb].capitalize()}.", allow_abbrev=False
        )
        add(sub)
        sub.add_argument("--json", action="store_true", help="print one JSON object to standard output")
        sub.add_argument(
            "--no-cache",
            action="store_true",
            help="use no cache folder: keep no compiled code and no travel times, and take none from it",
        )
        loud = sub.add_mutually_exclusive_group()
        loud.add_argument("-q", "--quiet", action="store_true", help="no progress, no notes, only errors")
        loud.add_argument("-v", "--verbose", action="store_true", help="logs, and tracebacks of failures")
    stranger = next((word for word in arguments if not word.startswith("-")), None)
    if stranger is not None and stranger not in _VERBS:
        hint = nearest_name(stranger, _VERBS) or f"; there are {', '.join(_VERBS)}"
        raise UsageError(f"there is no verb '{stranger}'{hint}", parser.format_usage())
    return parser.parse_args(list(arguments))


def _version() -> str:
    try:
        return metadata.version("zonedesign")
    except metadata.PackageNotFoundError:
        return "(not installed)"


def _example(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("folder", metavar="DIR", type=Path, help="new or empty folder to write to")


def _check(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("scenario", metavar="SCENARIO", type=Path, help="scenario file (TOML)")
    _start(sub)


def _start(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--start",
        metavar="PLAN.csv",
        type=Path,
        help="plan to start from; without a baseline, locks name its zones",
    )


def _solve(sub: argparse.ArgumentParser) -> None:
    _design(sub, limit=300)
    sub.add_argument(
        "--gap", metavar="F", type=share, default=0.0, help="stop at this gap, such as 0.01 (default: 0)"
    )


def _explain(sub: argparse.ArgumentParser) -> None:
    _check(sub)
    sub.add_argument(
        "--time-limit", metavar="S", type=seconds, default=60.0, help="seconds of work at most (default: 60)"
    )
    sub.add_argument("--seed", metavar="N", type=natural, default=0, help="seed of the search (default: 0)")
    sub.add_argument("--threads", metavar="N", type=positive, help="threads at most (default: all)")


def _portfolio(sub: argparse.ArgumentParser) -> None:
    _design(sub, limit=120)
    sub.add_argument(
        "-n", "--plans", metavar="N", type=positive, default=5, help="plans at most (default: 5)"
    )
    sub.add_argument(
        "--within",
        metavar="F",
        type=share,
        default=0.02,
        help="how much worse than the best a plan may be, as a share (default: 0.02)",
    )
    sub.add_argument(
        "--apart",
        metavar="F",
        type=some,
        default=0.05,
        help="least share of hours in different zones between any two plans (default: 0.05)",
    )


def _design(sub: argparse.ArgumentParser, *, limit: int) -> None:
    _check(sub)
    sub.add_argument("-o", "--out", metavar="OUT", type=Path, required=True, help="folder to write")
    sub.add_argument(
        "--time-limit",
        metavar="S",
        type=seconds,
        default=float(limit),
        help=f"seconds of solving at most (default: {limit})",
    )
    sub.add_argument("--seed", metavar="N", type=natural, default=0, help="seed of the search (default: 0)")
    sub.add_argument("--threads", metavar="N", type=positive, help="threads at most (default: all)")
    sub.add_argument(
        "--work", metavar="N", type=positive, help="stop after so much work; repeats on any machine"
    )


def _plan(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("plan", metavar="PLAN.csv", type=Path, help="table with a zone for every unit")
    sub.add_argument("--scenario", metavar="SCENARIO", type=Path, required=True, help="scenario file (TOML)")
    sub.add_argument("--unit", metavar="COLUMN", help="column of unit ids (default: unit)")
    sub.add_argument("--zone", metavar="COLUMN", help="column of zones (default: zone)")
    sub.add_argument("--about", metavar="TEXT", help="what the plan is; printed with the notes")
    _start(sub)


def _map(sub: argparse.ArgumentParser) -> None:
    _plan(sub)
    sub.add_argument("-o", "--out", metavar="FILE.html", type=Path, required=True, help="page to write")
    sub.add_argument("--public", action="store_true", help="zone figures only, suppressed as [publish] says")
    sub.add_argument("--edit", action="store_true", help="a page to try other boundaries in; internal")


def _traffic(sub: argparse.ArgumentParser) -> None:
    _plan(sub)
    sub.add_argument(
        "--slower",
        metavar="F",
        type=more,
        nargs="+",
        default=[0.1, 0.2, 0.3],
        help="how much longer driving takes, as shares (default: 0.1 0.2 0.3)",
    )


def _roads(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "place", metavar="PLACE", help="a name that OpenStreetMap knows, such as 'Rutland, England'"
    )
    sub.add_argument("-o", "--out", metavar="FILE", type=Path, required=True, help="GraphML file to write")
    sub.add_argument(
        "--mode",
        choices=MODES,
        default="car",
        help="who uses the roads: with foot and cycle, paths and service roads too (default: car)",
    )


_VERBS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "example": _example,
    "check": _check,
    "solve": _solve,
    "portfolio": _portfolio,
    "sweep": sweep.options_of,
    "explain": _explain,
    "verify": _plan,
    "compare": compare.options_of,
    "map": _map,
    "pack": pack.options_of,
    "lots": lots.options_of,
    "studio": studio.options_of,
    "price": price.options_of,
    "frontier": frontier.options_of,
    "stress": stress.options_of,
    "traffic": _traffic,
    "roads": _roads,
}
