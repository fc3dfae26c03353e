"""What the command line shows: streams, progress, logs, numbers, tables, and its documentation."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny_county import write_plan, write_tiny

from zonedesign.cli import main
from zonedesign.cli.answer import limit, number, table
from zonedesign.cli.options import HELP, UsageError, parse
from zonedesign.cli.screen import bar

DOCS = Path(__file__).resolve().parents[1] / "docs" / "cli.md"


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny(tmp_path)


def one_object(text: str) -> dict[str, Any]:
    """The one JSON object that `text` is, without NaN or infinity."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    found = json.loads(text, parse_constant=refuse)
    assert isinstance(found, dict)
    return found


# Streams.


def test_nothing_but_the_object_goes_to_standard_output(tiny: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "zonedesign.cli", "check", str(tiny), "--json", "--verbose"],
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert one_object(done.stdout)["name"] == "Tiny"


def test_an_engine_that_runs_says_nothing_on_standard_output(tiny: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "zonedesign.cli",
        "solve",
        str(tiny),
        "-o",
        str(tmp_path / "out"),
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, check=False, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert one_object(done.stdout)["status"] == "optimal"


def test_a_console_without_the_letters_shows_them_escaped(tmp_path: Path) -> None:
    scenario = write_tiny(tmp_path, changes={'"Tiny"': '"Tiny \u2013 T\u0177ny"'})
    done = subprocess.run(
        [sys.executable, "-m", "zonedesign.cli", "check", str(scenario)],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == b"Tiny \\u2013 T\\u0177ny"


@pytest.mark.skipif(os.name == "nt", reason="pipes end differently on Windows")
def test_a_reader_that_leaves_early_is_no_error(tiny: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "zonedesign.cli",
        "verify",
        str(write_plan(tiny.parent)),
        "--scenario",
        str(tiny),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        err = process.stderr.read() if process.stderr else b""
        assert process.wait(60) == 0
    assert all(line.startswith(b"note: ") for line in err.splitlines())


def test_progress_is_a_bar_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, quiet, drawn in (
        (Terminal(), False, True),
        (io.StringIO(), False, False),
        (Terminal(), True, False),
    ):
        monkeypatch.setattr(sys, "stderr", stream)
        with bar(quiet=quiet) as tell:
            tell("roads [bold]", None, "a file")
            tell("minutes", 0.5, "half of them")
        assert bool(stream.getvalue()) is drawn


def test_logging_is_left_as_it_was_found(tiny: Path) -> None:
    logger = logging.getLogger("zonedesign")
    before = logger.level, logger.propagate, list(logger.handlers)
    main(["check", str(tiny), "--verbose"])
    assert (logger.level, logger.propagate, list(logger.handlers)) == before


# Words and numbers.


def test_numbers_for_people() -> None:
    assert [number(1234.5), number(40.0), number(0.25, 3), number(1335.0)] == [
        "1,234.5",
        "40",
        "0.25",
        "1,335",
    ]
    assert [limit((700, 1300)), limit((None, 15)), limit((5, None)), limit((4, 4)), limit((None, None))] == [
        "700 to 1,300",
        "at most 15",
        "at least 5",
        "4",
        "",
    ]


def test_tables_line_up() -> None:
    assert table(("name", "h"), [("a", "1,335"), ("bcdef", "9")], (1,)) == [
        "name       h",
        "-----  -----",
        "a      1,335",
        "bcdef      9",
    ]


# The documentation.


def commands() -> list[list[str]]:
    """Every zonedesign command in a code block of the page."""
    blocks = re.findall(
        r"^```(?:sh|console)\n(.*?)^```", DOCS.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("zonedesign ")]


def test_every_documented_command_exists() -> None:
    found = commands()
    assert len(found) >= len(HELP)
    for command in found:
        try:
            parse(command)
        except UsageError as error:
            pytest.fail(f"{command}: {error}")


def test_every_verb_and_every_option_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert set(HELP) <= {command[0] for command in commands()}
    for option in ("--time-limit", "--gap", "--seed", "--threads", "--work", "--start", "--unit", "--zone", "--public",
                   "--json", "--quiet", "--verbose", "--version"):  # fmt: skip
        assert option in text, option
