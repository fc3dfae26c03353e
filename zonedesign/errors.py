"""The error tree, and the checks that raise it.

::

    ZoneDesignError
    ├── DataError (ValueError)        the data do not say what the problem needs
    ├── ScenarioError (ValueError)    the scenario file, or a call, asks for something that cannot be
    ├── InfeasibleError               no plan exists, and that is proved; `causes` says why
    ├── NoPlanError                   a limit was reached before any plan was found
    └── SolverError (RuntimeError)    the engine failed, or its answer did not pass verification

Every message is one line: what, how many, which, and the way out.
"""

from __future__ import annotations

import difflib
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


class ZoneDesignError(Exception):
    """Anything that zonedesign refuses to do, with the reason in one line."""

    def __str__(self) -> str:
        # Names from data may hold line breaks, and the command line promises a last line that says it all.
        return " ".join(super().__str__().splitlines())


class DataError(ZoneDesignError, ValueError):
    """Input data are missing, contradictory or unusable."""


class ScenarioError(ZoneDesignError, ValueError):
    """A scenario or an argument asks for something that cannot be."""


class InfeasibleError(ZoneDesignError):
    """No plan meets the rules, and that is proved.

    `causes` holds one sentence for every cause that was found by name.
    """

    def __init__(self, message: str, causes: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.causes: tuple[str, ...] = tuple(causes) or (message,)


class NoPlanError(ZoneDesignError):
    """A time or work limit was reached and no plan had been found; none is known not to exist."""


class SolverError(ZoneDesignError, RuntimeError):
    """The engine failed, or what it returned does not pass verification."""


def listed(items: Iterable[Any], most: int = 5) -> str:
    """Return `items` as text for a message: the first `most`, then how many more."""
    names = [str(item) for item in items]
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"


def counted(number: int, noun: str) -> str:
    """Return `1 unit`, `2 units`, `1,200 units`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def that_are(number: int, noun: str, what: str) -> str:
    """Return `1 unit that is not there`, `2 units that are not there`."""
    return f"{counted(number, noun)} that {'is' if number == 1 else 'are'} {what}"


def nearest_name(name: object, known: Iterable[object]) -> str:
    """Return `; did you mean 'x'?` for the known name nearest to `name`, or nothing."""
    close = difflib.get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else ""


def require_columns(columns: Iterable[object], wanted: Iterable[str], source: str) -> None:
    """Raise `DataError` naming the first wanted column that is absent, with the nearest present."""
    present = [str(column) for column in columns]
    for name in wanted:
        if name not in present:
            hint = nearest_name(name, present) or f"; it has {listed(present, 8)}"
            raise DataError(f"{source} has no column '{name}'{hint}")


def require_unique(ids: Iterable[Any], what: str, source: str) -> None:
    """Raise `DataError` naming ids that are missing or occur more than once."""
    seen: set[Any] = set()
    twice: dict[Any, None] = {}
    missing = 0
    for item in ids:
        if _is_missing(item):
            missing += 1
        elif item in seen:
            twice[item] = None
        seen.add(item)
    if missing:
        raise DataError(f"{source} has {counted(missing, 'row')} without {what}; every row needs one")
    if twice:
        raise DataError(
            f"{source} has {counted(len(twice), f'duplicate {what}')}: {listed(twice)}; each may occur once"
        )


def _is_missing(item: Any) -> bool:
    """Return whether an id is None, empty, NaN, NaT or NA."""
    try:
        return item is None or bool(item == "") or not bool(item == item)  # noqa: PLR0124  (NaN is not itself)
    except TypeError:  # NA compares as NA, which is neither true nor false
        return True


def require_number(what: str, value: Any, wanted: str, holds: Callable[[Any], bool]) -> None:
    """Raise `ScenarioError` where `value` is no finite number or `holds` denies it; `wanted` is words."""
    try:
        right = not isinstance(value, (bool, str)) and math.isfinite(value) and holds(value)
    except TypeError:
        right = False
    if not right:
        raise ScenarioError(f"{what} is {value!r}; it must be {wanted}")
