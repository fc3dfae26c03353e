"""The verb `studio`: serves the editable map on this machine, or removes what a studio kept."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from zonedesign.cli.answer import Answer
from zonedesign.cli.screen import bar, remark
from zonedesign.errors import ScenarioError, counted

if TYPE_CHECKING:
    from zonedesign.studio.desk import Desk

HELP = "serve the editable map on this machine: zones designed anew, rules changed, plans saved and compared"
TOKEN = "ZONEDESIGN_STUDIO_TOKEN"  # noqa: S105  (the name of a variable)
"""The environment variable that holds the token, where it is to stay off the command line."""


def options_of(sub: argparse.ArgumentParser) -> None:
    """Add the options of `studio`."""
    sub.add_argument("scenario", metavar="SCENARIO", type=Path, nargs="?", help="scenario file (TOML)")
    sub.add_argument(
        "--start",
        metavar="PLAN.csv",
        type=Path,
        help="plan to begin with (default: the baseline, or else one that is designed)",
    )
    sub.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    sub.add_argument(
        "--port", metavar="N", type=_port, default=8765, help="port, 0 for any that is free (default: 8765)"
    )
    sub.add_argument(
        "--store",
        metavar="FILE",
        type=Path,
        help="file that plans are kept in (default: beside the scenario, its name ending in .studio.sqlite)",
    )
    sub.add_argument(
        "--token", metavar="TOKEN", help=f"what lets a browser in (default: ${TOKEN}, or else made up)"
    )
    sub.add_argument("--no-browser", action="store_true", help="open no browser; the address is printed")
    sub.add_argument(
        "--purge", metavar="FILE", type=Path, help="remove a store and everything in it, and end"
    )


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port from 0 to 65535")
    return int(text)


def run(options: argparse.Namespace) -> Answer:
    """Serve the studio until Ctrl-C, or purge a store."""
    if options.purge is not None:
        if options.scenario is not None:
            raise ScenarioError("--purge stands alone: zonedesign studio --purge FILE")
        return _purge(options.purge)
    if options.scenario is None:
        raise ScenarioError("studio needs a SCENARIO to serve, or --purge FILE to remove what one kept")
    return _serve(options)


def _purge(path: Path) -> Answer:
    from zonedesign.studio.store import purge  # noqa: PLC0415

    gone = [str(file) for file in purge(path)]
    data = {"verb": "studio", "purged": gone}
    return Answer(
        data, [f"removed {counted(len(gone), 'file')}: {', '.join(gone)}; what they held was overwritten"]
    )


def _serve(options: argparse.Namespace) -> Answer:
    from zonedesign.studio.app import KEPT, Studio  # noqa: PLC0415
    from zonedesign.studio.security import Gate, is_loopback, require_bind  # noqa: PLC0415
    from zonedesign.studio.serving import address_of, listen, serve  # noqa: PLC0415

    token = options.token or os.environ.get(TOKEN) or None
    require_bind(options.host, token)
    sock = listen(options.host, options.port)
    try:
        desk, said = _desk(options)
    except BaseException:
        sock.close()
        raise
    studio = Studio(desk, Gate(options.host, token))
    address = address_of(sock, options.host)
    # The token stands in the fragment, which no browser sends and no log holds.
    entry = address if token else f"{address}#token={studio.gate.token}"
    said += [KEPT.format(store=desk.store.path)]
    if not is_loopback(options.host):
        said.append("others on the network can reach it, and what they send is not encrypted")

    def ready() -> None:
        if not options.quiet:
            for line in said:
                remark(f"note: {line}")
        remark(f"studio: {entry} (Ctrl-C ends it)")

    opened = None if options.no_browser else f"{address}#token={studio.gate.ticket()}"
    serve(studio, sock, opened=opened, ready=ready)
    data = {"verb": "studio", "address": address, "store": str(desk.store.path)}
    return Answer(data, [f"the studio has ended; plans are in {desk.store.path}"])


def _desk(options: argparse.Namespace) -> tuple[Desk, list[str]]:
    """Return the desk with the plan in hand, as it was left, and what there is to say of it."""
    from zonedesign.studio.desk import open_desk  # noqa: PLC0415

    store = options.store or options.scenario.with_name(f"{options.scenario.stem}.studio.sqlite")
    with bar(quiet=options.quiet) as tell:
        return open_desk(options.scenario, store, start=options.start, tell=tell)
