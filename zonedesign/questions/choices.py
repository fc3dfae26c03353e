"""Choices: every rule and term of a problem that could be left out, and the problem without it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from zonedesign.errors import ScenarioError, listed, nearest_name
from zonedesign.rules import Apart, CentreAt, Contiguous, Fixed, Frozen, NestIn, Together

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from zonedesign.levels import Band, Level
    from zonedesign.problem import Problem
    from zonedesign.rules import Rule

LIMITS = {
    "weekly_hours": "hours a week",
    "customers": "customers",
    "max_minutes": "minutes from the centre",
    "max_minutes_between": "minutes between any two units",
    "max_miles": "miles from the centre",
    "zones": "the number of zones",
    "hours_share": "the share of all hours",
    "character": "the character of its zones",
}
"""What a level may limit, and what that is called."""
TERMS = {
    "change": "hours that change zone",
    "borders": "hours across a border",
    "cut": "boundary that is cut",
}


@dataclass(frozen=True, eq=False)
class Choice:
    """One choice that a commissioner made: its `name`, its `kind`, what it asks, and the problem without.

    Every plan of the problem is a plan of the one `without`, and costs no more there.
    """

    name: str
    kind: str
    says: str
    without: Problem = field(repr=False)


def pinned(problem: Problem) -> Problem:
    """Return the problem whose locks still name the zones of its start plan when it is begun from another."""
    if problem.objective.baseline is not None or problem.start is None:
        return problem
    if not any(isinstance(rule, (Fixed, Frozen)) for rule in problem.rules):
        return problem
    return problem.with_(objective=replace(problem.objective, baseline=problem.start))


def choices(problem: Problem, of: Sequence[str] | None = None) -> list[Choice]:
    """Return the choices of a problem: its locks, its borders and prices, and every limit of every level.

    `of` are names, or patterns with `*`; all unless said. Raises `ScenarioError` for a name that is none.
    """
    every = [*_locks(problem), *_borders(problem), *_terms(problem), *_limits(problem), *_connection(problem)]
    if of is None:
        return every
    names = [choice.name for choice in every]
    for pattern in of:
        if not any(fnmatchcase(name, pattern) for name in names):
            hint = nearest_name(pattern, names) or f"; there are {listed(names, 12)}"
            raise ScenarioError(f"there is no choice '{pattern}' to price{hint}")
    return [choice for choice in every if any(fnmatchcase(choice.name, pattern) for pattern in of)]


def _without(problem: Problem, rule: Rule) -> Problem:
    return problem.with_(rules=[each for each in problem.rules if each != rule])


def _locks(problem: Problem) -> Iterator[Choice]:
    for rule in dict.fromkeys(problem.rules):
        named = _lock(rule)
        if named is not None:
            yield Choice(named[0], "lock", named[1], _without(problem, rule))


def _lock(rule: Rule) -> tuple[str, str] | None:
    """Return the name of a lock and what it asks; None for other rules."""
    if isinstance(rule, Together):
        return f"together {','.join(map(str, rule.units))}", f"{listed(rule.units, 8)} in one zone"
    if isinstance(rule, Apart):
        return f"apart {rule.a},{rule.b}", f"{rule.a} and {rule.b} in different zones"
    if isinstance(rule, CentreAt):
        return f"centre_at {rule.unit}", f"a centre at {rule.unit}"
    if isinstance(rule, Fixed):
        return f"fixed {rule.unit}", f"{rule.unit} stays with the centre of {rule.zone}"
    if isinstance(rule, Frozen):
        return f"frozen {rule.zone}", f"zone {rule.zone} stays as it is"
    return None


def _borders(problem: Problem) -> Iterator[Choice]:
    for rule in dict.fromkeys(problem.rules):
        if isinstance(rule, NestIn):
            yield Choice(
                f"nest_in {rule.name}", "border", f"no zone crosses {rule.name}", _without(problem, rule)
            )
    units = problem.units
    if units.authority is not None and units.authority.nunique() > 1:
        free = problem.with_(units=replace(units, authority=None, joint=()))
        yield Choice("authority", "border", "no zone mixes authorities, joint ones aside", free)


def _terms(problem: Problem) -> Iterator[Choice]:
    for term, what in TERMS.items():
        weight = getattr(problem.objective, term)
        if weight:
            goal = replace(problem.objective, **{term: 0.0})
            says = f"{what} cost {weight:g} in the objective"
            yield Choice(term, "price", says, problem.with_(objective=goal))


def _limits(problem: Problem) -> Iterator[Choice]:
    for level in problem.levels:
        for limit, what in LIMITS.items():
            if getattr(level, limit) is not None:
                says = f"level {level.name}: {what} {_limit_says(level, limit)}"
                yield Choice(f"{level.name}.{limit}", "limit", says, _with_level(problem, level, limit, None))


def _limit_says(level: Level, limit: str) -> str:
    value = getattr(level, limit)
    if limit == "character":
        return f"{value.at_least:.0%} or more of hours in {listed(value.values)}"
    if limit == "zones":
        low, high = level.zone_range
        return _band((low, high)) if low != high else f"{low:,}"
    return _band(value) if isinstance(value, tuple) else f"{value:g} at most"


def _band(band: Band) -> str:
    low, high = band
    if low is None or (low == 0 and high is not None):
        return f"{high:,g} at most"
    return f"{low:,g} or more" if high is None else f"{low:,g} to {high:,g}"


def _with_level(problem: Problem, level: Level, limit: str, value: Any) -> Problem:
    changes: dict[str, Any] = {limit: value}
    levels = [replace(each, **changes) if each is level else each for each in problem.levels]
    rules = _ROWS_OF.get(limit)
    # A rule that was listed by itself, too, would still be checked, with nothing to check.
    kept = [rule for rule in problem.rules if not _is_of(rule, rules, level)]
    return problem.with_(levels=levels, rules=kept)


_ROWS_OF = {
    "max_minutes_between": "Diameter",
    "max_miles": "MaxMiles",
    "hours_share": "HoursShare",
    "character": "Character",
}
"""Rules that say nothing once their limit is gone."""


def _is_of(rule: Rule, name: str | None, level: Level) -> bool:
    return type(rule).__name__ == name and getattr(rule, "level", None) == level.name


def _connection(problem: Problem) -> Iterator[Choice]:
    if not any(isinstance(rule, Contiguous) for rule in problem.rules):
        return
    asked = [level for level in problem.levels if level.contiguous]
    for level in asked:
        says = f"level {level.name}: zones are connected"
        yield Choice(
            f"{level.name}.contiguous", "limit", says, _with_level(problem, level, "contiguous", value=False)
        )
    if len(asked) > 1:
        yield Choice(
            "contiguous", "limit", "zones of all levels are connected", _without(problem, Contiguous())
        )
