"""How the causes of impossibility are said: demand, bands and units in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zonedesign.errors import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from zonedesign.levels import Band
    from zonedesign.problem import Problem


def number(value: float) -> str:
    """Return a number for people: whole above 100, else with a decimal where it has one."""
    short = round(value, 1)
    return f"{short:,.0f}" if abs(short) >= 100 or short.is_integer() else f"{short:,.1f}"


def them(count: int) -> str:
    """Return `it` or `them`."""
    return "it" if count == 1 else "them"


def amount(problem: Problem, hours: float, people: float | None) -> str:
    """Return demand in words: hours a week, and customers where they count for a band."""
    text = f"{number(hours)} h"
    if people is None or not any(level.customers is not None for level in problem.levels):
        return text
    return f"{text} and {number(people)} customers"


def band(limit: Band | None) -> str:
    """Return a band in words."""
    low, high = limit or (None, None)
    if low is None and high is None:
        return "any"
    if low is None:
        return f"at most {high:,.6g}"
    if high is None:
        return f"at least {low:,.6g}"
    return f"{low:,.6g} to {high:,.6g}" if low != high else f"just {low:,.6g}"


def bands_in_words(problem: Problem, levels: Iterable[int]) -> str:
    """Return the volume bands of some levels: `level 1 700 to 1,300 h; level 2 ...`."""
    said = []
    for k in levels:
        level = problem.levels[k]
        limits = [f"{band(level.weekly_hours)} h"] if level.weekly_hours is not None else []
        limits += [f"{band(level.customers)} customers"] if level.customers is not None else []
        said.append(f"level {level.name} {' and '.join(limits) or 'any volume'}")
    return ", ".join(said)


def level_names(problem: Problem, levels: Iterable[int]) -> str:
    """Return some levels with their bands and limits."""
    said = []
    for k in levels:
        level = problem.levels[k]
        limits = [bands_in_words(problem, [k])]
        limits += [f"within {level.max_minutes:g} minutes"] if level.max_minutes is not None else []
        limits += (
            [f"within {level.max_miles:g} mile{'' if level.max_miles == 1 else 's'}"]
            if level.max_miles is not None
            else []
        )
        if level.character is not None:
            asked = level.character
            limits.append(f"{asked.at_least:.0%} of hours where {asked.column} is {listed(asked.values)}")
        said.append(", ".join(limits))
    return "; ".join(said)


def zones_in_words(problem: Problem, counts: Iterable[int]) -> str:
    """Return counts by level: `20 of level 1 and 9 of level 2`."""
    said = [f"{int(k)} of level {level.name}" for k, level in zip(counts, problem.levels, strict=True) if k]
    return " and ".join(said) or "no zones"


def units_in_words(
    problem: Problem, units: Iterable[int], each: Mapping[int, str] | None = None, *, most: int = 5
) -> str:
    """Return ids for a message, each with what is said of it in brackets, the first `most` of them."""
    said = []
    for unit in units:
        note = (each or {}).get(int(unit))
        said.append(f"{problem.units.ids[unit]} ({note})" if note else f"{problem.units.ids[unit]}")
    return listed(said, most)
