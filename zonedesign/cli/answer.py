"""What a verb answers: data for `--json`, lines for people, and the exit code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

DONE, BROKEN, BAD_INPUT, INFEASIBLE, NO_PLAN = range(5)
"""Exit codes."""


@dataclass(frozen=True)
class Answer:
    """`data` is printed as one JSON object, `lines` as text; `remarks` go to standard error, unless quiet.

    An `error` is the last line of standard error.
    """

    data: Mapping[str, Any]
    lines: Sequence[str]
    code: int = DONE
    remarks: Sequence[str] = field(default=())
    error: str | None = None


def number(value: float, digits: int = 1) -> str:
    """Return a number for people: thousands separated, no decimals that say nothing."""
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def limit(band: Sequence[float | None], digits: int = 3) -> str:
    """Return a rule's limit in words, empty where it is open at both ends."""
    low, high = band
    if low is None and high is None:
        return ""
    if low is None:
        return f"at most {number(high or 0.0, digits)}"
    if high is None:
        return f"at least {number(low, digits)}"
    return number(low, digits) if low == high else f"{number(low, digits)} to {number(high, digits)}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> list[str]:
    """Return lines of aligned columns under their heads, those numbered in `right` set to the right."""
    cells = [list(heads), *[list(row) for row in rows]]
    wide = [max(len(row[k]) for row in cells) for k in range(len(heads))]
    to_right = set(right)
    lines = []
    for row in cells:
        parts = [
            text.rjust(w) if k in to_right else text.ljust(w)
            for k, (text, w) in enumerate(zip(row, wide, strict=True))
        ]
        lines.append("  ".join(parts).rstrip())
    return [lines[0], "  ".join("-" * w for w in wide), *lines[1:]]
