"""Remedies: which travel limit stands in the way, so that none is to be raised that binds nowhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zonedesign.levels import SLACK
from zonedesign.solve._gather import Gathering
from zonedesign.solve._ground import ground

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zonedesign.problem import Problem

MOST_TESTED = 5_000
"""Units up to which limits are tried; of a larger problem every limit that it has is named."""
LIMITS = ("max_minutes", "max_miles", "max_minutes_between")
BANDS = ("weekly_hours", "customers")


def farther(gathering: Gathering, helps: Callable[[Gathering], bool]) -> list[str]:
    """Return which travel limits to raise, such as `raise max_minutes`: those that by themselves can help.

    `helps` says of the problem without a limit whether the cause is gone. Where the travel times stop at the
    limit, what is beyond is not known: the limit is named where no other is found to help.
    """
    problem = gathering.ground.problem
    stated = _stated(gathering, LIMITS)
    if not stated or not gathering.worded or len(problem.units) > MOST_TESTED:
        return [f"raise {what}" for what in stated]
    known = [what for what in stated if what == "max_miles" or not _ends_at_limit(problem, what)]
    helpful = [what for what in known if helps(_without(problem, (what,)))]
    if helpful:
        return [f"raise {what}" for what in helpful]
    unknown = [what for what in stated if what not in known]
    if unknown:
        return [f"raise {what}" for what in unknown]
    return [f"raise {' and '.join(stated)}"] if len(stated) > 1 and helps(_without(problem, stated)) else []


def wider(gathering: Gathering, helps: Callable[[Gathering], bool], band: str) -> list[str]:
    """Return whether to widen a `band`, or to ask for less of a character, as far as either can help."""
    problem = gathering.ground.problem
    ways = ((band, BANDS), ("lower the share that character asks", ("character",)))
    asked = [(words, stated) for words, what in ways if (stated := _stated(gathering, what))]
    if len(asked) < 2 or not gathering.worded or len(problem.units) > MOST_TESTED:
        return [words for words, _ in asked]
    return [words for words, stated in asked if helps(_without(problem, stated))]


def _stated(gathering: Gathering, limits: Sequence[str]) -> list[str]:
    """Return which of some limits a level has that may have zones."""
    usable = [gathering.ground.problem.levels[k] for k in gathering.ground.usable]
    return [what for what in limits if any(getattr(level, what) is not None for level in usable)]


def out_of_it(*ways: str | Sequence[str]) -> str:
    """Return ways out in one phrase: `a, b or c`."""
    every = [way for each in ways for way in ([each] if isinstance(each, str) else each)]
    if not every:
        return "change the rules"
    return every[0] if len(every) == 1 else f"{', '.join(every[:-1])} or {every[-1]}"


def _ends_at_limit(problem: Problem, what: str) -> bool:
    """Return whether the travel times stop where a level's limit does."""
    limits = [getattr(level, what) for level in problem.levels]
    return any(limit is not None and limit >= problem.times.max_minutes - SLACK for limit in limits)


def _without(problem: Problem, limits: Sequence[str]) -> Gathering:
    nothing: dict[str, Any] = dict.fromkeys(limits)
    return Gathering(ground(problem.with_(levels=[replace(level, **nothing) for level in problem.levels])))
