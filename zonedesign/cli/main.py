"""The door: arguments in, a verb run, its answer printed, an exit code out."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, NoReturn

from zonedesign.cli import screen, verbs
from zonedesign.cli.answer import BAD_INPUT, INFEASIBLE, NO_PLAN, Answer
from zonedesign.cli.options import UsageError, parse
from zonedesign.errors import InfeasibleError, NoPlanError, SolverError, ZoneDesignError
from zonedesign.interrupts import noticed
from zonedesign.provenance import NO_CACHE

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line, by default the process's own, and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    screen.lenient_streams()
    wants_json = "--json" in arguments
    try:
        options = parse(arguments)
    except UsageError as error:
        screen.remark(error.usage.rstrip())
        return _tell(_failed("usage", BAD_INPUT, str(error)), wants_json=wants_json, quiet=False)
    except SystemExit as done:  # help and version
        return int(done.code or 0)
    with (
        screen.logs(quiet=options.quiet, verbose=options.verbose),
        _without_cache() if options.no_cache else nullcontext(),
    ):
        return _tell(_answer(options), wants_json=wants_json, quiet=options.quiet)


def command() -> NoReturn:
    """Run the process's own command line, and end the process with its exit code."""
    code = main()
    engines = sys.modules.get("zonedesign.model.quiet")  # loaded only where something was solved
    if engines is not None and engines.at_work():
        # All is written and said. HiGHS that was told to stop may take a minute to come to a place where it
        # can, and nobody waits for what it would still find.
        sys.stdout.flush()
        os._exit(code)
    # Python remembers a Ctrl-C that came while code was made, as for a dataclass, and would end with the
    # signal instead of our exit code. The next code that is made lets it forget.
    exec("")  # noqa: S102
    sys.exit(code)


@contextmanager
def _without_cache() -> Iterator[None]:
    """Keep compiled code and travel times in memory only, then leave the environment as it was."""
    before = os.environ.get(NO_CACHE)
    os.environ[NO_CACHE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[NO_CACHE]
        else:
            os.environ[NO_CACHE] = before


def _answer(options: argparse.Namespace) -> Answer:
    """Return what the verb answers, or what its failure means; nothing but that reaches the user."""
    try:
        with noticed():
            return verbs.RUN[options.verb](options)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  (a user sees one line; the rest on request)
        if options.verbose:
            traceback.print_exception(error, file=sys.stderr)
        return _meaning(options.verb, error, verbose=options.verbose)


def _meaning(verb: str, error: BaseException, *, verbose: bool) -> Answer:
    """Return the answer that a failure is: its exit code and its one line."""
    if isinstance(error, InfeasibleError):
        return _failed(verb, INFEASIBLE, screen.impossible(error.causes), error.causes)
    if isinstance(error, (NoPlanError, SolverError)):
        return _failed(verb, NO_PLAN, str(error))
    if isinstance(error, KeyboardInterrupt):
        return _failed(verb, NO_PLAN, "stopped before there was anything to show")
    if isinstance(error, MemoryError):
        return _failed(verb, NO_PLAN, "this machine has too little memory for the problem; use larger units")
    if isinstance(error, ZoneDesignError):
        return _failed(verb, BAD_INPUT, str(error))
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return _failed(verb, BAD_INPUT, f"cannot read or write {where}{error.strerror or error}")
    hint = "" if verbose else "; run it again with --verbose and report what it prints"
    return _failed(verb, BAD_INPUT, f"unexpected {type(error).__name__}: {error}{hint}")


def _failed(verb: str, code: int, message: str, causes: Sequence[str] = ()) -> Answer:
    """Return the answer that an error is, each cause a line of its own before the last."""
    line = " ".join(message.split())
    data = {"verb": verb, "exit": code, "error": line, "causes": list(causes)}
    several = [f"- {' '.join(cause.split())}" for cause in causes]
    return Answer(data, (), code, error="\n".join([*several, screen.error_line(line)]))


def _tell(answer: Answer, *, wants_json: bool, quiet: bool) -> int:
    """Print an answer and return its exit code, also where nobody reads it to the end."""
    try:
        if wants_json:
            screen.say(screen.as_json(answer.data))
        for line in () if wants_json else answer.lines:
            screen.say(line)
        sys.stdout.flush()
    except BrokenPipeError:
        screen.close_output()
    except OSError as error:  # a full disk, say
        screen.close_output()
        screen.remark(screen.error_line(f"cannot write to standard output: {error.strerror or error}"))
        return BAD_INPUT
    for remark in () if quiet else answer.remarks:
        screen.remark(remark)
    if answer.error is not None:
        screen.remark(answer.error)
    sys.stderr.flush()
    return answer.code
