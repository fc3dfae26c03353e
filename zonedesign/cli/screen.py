"""Standard output and error: streams that never fail on a letter, logs, and the progress bar."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from zonedesign.errors import counted
from zonedesign.progress import silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from zonedesign.progress import Progress

LOGGER = "zonedesign"


def lenient_streams() -> None:
    """Let a console that lacks a letter show it escaped, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """Write a line to standard output."""
    sys.stdout.write(f"{text}\n")


def remark(text: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"{text}\n")


def error_line(text: str) -> str:
    """Return the one line that an error ends with."""
    return f"error: {' '.join(text.split()) or 'something failed and does not say what; see --verbose'}"


def impossible(causes: Sequence[str]) -> str:
    """Return the last line that causes end with, the first of them said in full."""
    more = f" (and {counted(len(causes) - 1, 'more cause')})" if len(causes) > 1 else ""
    return f"no plan can exist{more}: {causes[0]}"


def as_json(data: Mapping[str, Any]) -> str:
    """Return one JSON object that any console can print: ASCII, and null for what is not a finite number."""
    from zonedesign.certificate import plain  # noqa: PLC0415  (it brings the nouns; --version does without)

    return json.dumps(plain(dict(data)), indent=2, allow_nan=False)


def close_output() -> None:
    """Let nothing more be written to a standard output whose reader has gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())
    finally:
        os.close(nowhere)


class _ToStandardError(logging.Handler):
    """Writes to the standard error of the moment, which a progress bar may stand in for."""

    def emit(self, record: logging.LogRecord) -> None:
        remark(self.format(record))


@contextmanager
def logs(*, quiet: bool, verbose: bool) -> Iterator[None]:
    """Send the package's logs to standard error, and leave logging as it was found."""
    logger = logging.getLogger(LOGGER)
    handler = _ToStandardError()
    handler.setFormatter(
        logging.Formatter("%(levelname)s %(name)s: %(message)s" if verbose else "%(message)s")
    )
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if verbose else logging.ERROR if quiet else logging.WARNING)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]


@contextmanager
def no_interrupt() -> Iterator[None]:
    """Have Ctrl-C wait while what was found is written: a second one, out of impatience, must not lose it."""
    if threading.current_thread() is not threading.main_thread():  # where no signal arrives
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def bar(*, quiet: bool) -> Iterator[Progress]:
    """Give a progress callable: a bar on standard error where that is a terminal, else a silent one."""
    if quiet or not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415
    from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn  # noqa: PLC0415
    from rich.progress import Progress as Bars  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        shown: tuple[str, TaskID] | None = None

        def tell(stage: str, share: float | None, message: str) -> None:
            # A bar of known length cannot become one of unknown length again, so each stage has its own.
            nonlocal shown
            if shown is None or shown[0] != stage:
                if shown is not None:
                    bars.remove_task(shown[1])
                shown = stage, bars.add_task(escape(stage), total=None, note="")
            if share is not None:
                bars.update(shown[1], total=1.0, completed=share)
            bars.update(shown[1], note=escape(message))

        yield tell
