"""Writing: what to put in the scenario so that it says what a dial was turned to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zonedesign.explain.dials import Dial, level_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zonedesign.problem import Problem


def written(dial: Dial, loose: Problem) -> str:
    """Return the scenario's key and value for a dial as it is turned in the loose problem."""
    if dial.rule == "Contiguous":
        return f"level {dial.level}: contiguous = false"
    if not dial.lets_go:
        return f"{dial.subject}: {_of_level(loose, dial)}"
    if dial.rule == "Bridge":
        graph: Any = loose.units.contiguity
        return f"units: bridges = [{', '.join(_list(pair) for pair in graph.bridges)}]"
    if dial.rule == "Exclude":
        excluded: Any = loose.units.excluded
        return f"units: exclude = {_list(excluded.index)}"
    if dial.key == "joint":
        return f"units: joint = [{', '.join(_list(group) for group in loose.units.joint)}]"
    if dial.rule == "NestIn":
        name = dial.quantity.removeprefix("codes of ")
        sides = "; ".join(f"{a} and {b}" for a, b in dial.parts)
        return f"locks: leave nest_in out, or give one code in {name} to {sides}"
    if dial.key == "frozen":
        return f'locks: frozen, without "{dial.quantity.removeprefix("units that left or joined ")}"'
    return f"locks: {dial.key}, without {_list(dial.units)}"


def _of_level(problem: Problem, dial: Dial) -> str:
    value: Any = getattr(level_of(problem, dial.levels[0] if dial.levels else str(dial.level)), dial.key)
    if dial.key == "character":
        wanted = _list(value.values)
        least = f"{value.at_least:.10g}"
        return f'character = {{ column = "{value.column}", values = {wanted}, at_least = {least} }}'
    if not isinstance(value, tuple):
        return f"{dial.key} = {value:.10g}"
    low, high = value
    if low is not None and low == high:
        return f"{dial.key} = {low:.10g}"
    return f"{dial.key} = [{low or 0:.10g}, {'inf' if high is None else f'{high:.10g}'}]"


def _list(items: Iterable[Any]) -> str:
    """Return texts as a TOML array."""
    return "[" + ", ".join(f'"{item}"' for item in items) + "]"
