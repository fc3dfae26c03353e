"""Viability: whether hours are enough for a branch, in figures and in plain sentences made from them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from zonedesign.errors import listed
from zonedesign.lots.rates import at_level

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from zonedesign.lots.rates import Floor
    from zonedesign.lots.terms import Viability

BY_COUNCIL = "by council hours alone"
UNDER, STARTED, ESTABLISHED = "under the start", "can start", "established"
_WORDS = (
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)


def standing(hours: float, viability: Viability) -> str:
    """Return where so many hours a week stand: under the start, enough to start, or established.

    Each band counts from its lower end: 150 h of 150 to 175 are enough to start.
    """
    if hours >= viability.established_hours[0] - 1e-9:
        return ESTABLISHED
    return STARTED if hours >= viability.start_hours[0] - 1e-9 else UNDER


def branch_hours(hours: float, council: float, viability: Viability) -> float:
    """Return hours with what a branch may add from others, a share of the council's own.

    Hours of the lot that the council does not pay for count among those of others, not twice.
    """
    return max(hours, council * (1.0 + sum(viability.branch.values())))


def workers(hours: float, viability: Viability, travel_share: float = 0.0) -> int:
    """Return how many workers so many hours of care a week need, whole ones.

    Where a worker's hours are paid time, the travel between visits counts too.
    """
    paid = hours * (1.0 + travel_share) if viability.worker_time == "paid" else hours
    return math.ceil(paid / viability.worker_hours - 1e-9)


def judged(table: pd.DataFrame, viability: Viability, floor: Floor | None = None) -> pd.DataFrame:
    """Return the viability of areas, on their index.

    `table` has `level` and `weekly_hours`, and where known `customers` and `council_hours`.

    It stands alone, so that a published table can be judged without boundaries.
    """
    travel = {} if floor is None else floor.travel_share
    rows: list[dict[str, Any]] = []
    for row in table.to_dict("records"):
        hours = float(row["weekly_hours"])
        council = float(row.get("council_hours", hours))
        more = branch_hours(hours, council, viability)
        people = row.get("customers")
        rows.append(
            {
                "workers": workers(hours, viability, at_level(travel, str(row["level"]))),
                "council_hours": council,
                "standing": standing(council, viability),
                "short_of_established": max(0.0, viability.established_hours[0] - council),
                "branch_hours": more,
                "branch_standing": standing(more, viability),
                "enough_customers": _enough(people, council, viability),
            }
        )
    return pd.DataFrame(rows, index=table.index)


def _enough(people: Any, council: float, viability: Viability) -> bool | None:
    """Return whether customers are as many as a branch at that stage needs, None where not known."""
    if people is None or people != people:  # noqa: PLR0124  (NaN is not itself)
        return None
    stage = standing(council, viability)
    least = viability.established_customers if stage == ESTABLISHED else viability.start_customers
    return bool(float(people) >= least - 1e-9)


def sentences(
    levels: Sequence[str],
    council: Sequence[float],
    more: Sequence[float],
    viability: Viability,
    noun: str = "lot",
    let: Collection[str] | None = None,
    by: str = BY_COUNCIL,
) -> list[str]:
    """Return what the figures say of each level, in plain words, the level that fares worst first.

    `let` names the levels that have a provider of their own, all where it is not given. Those without one
    come last, for no branch is to live on their lots alone. `by` says which hours these are.
    """
    least = viability.established_hours[0]

    def rank(level: str) -> tuple[bool, float]:
        mine = [hours < least - 1e-9 for hours, each in zip(council, levels, strict=True) if each == level]
        return let is not None and level not in let, -sum(mine) / len(mine)

    said = []
    for level in sorted(dict.fromkeys(levels), key=rank):
        mine = [k for k, each in enumerate(levels) if each == level]
        if let is not None and level not in let:
            said.append(_reserved(level, [council[k] for k in mine], noun))
        else:
            of_level = [council[k] for k in mine], [more[k] for k in mine]
            said += _of_level(level, *of_level, viability, (noun, by))
    return said


def _of_level(
    level: str,
    council: Sequence[float],
    more: Sequence[float],
    viability: Viability,
    words: tuple[str, str],
) -> list[str]:
    """Return how many are under each band; a band that the lower one implies is not said."""
    said, (noun, by) = [], words
    bands = (("established", viability.established_hours[0]), ("start", viability.start_hours[0]))
    under_start = sum(hours < bands[1][1] - 1e-9 for hours in council)
    for name, least in bands:
        short = [k for k, hours in enumerate(council) if hours < least - 1e-9]
        if (name == "start" and not short) or (name == "established" and under_start == len(council)):
            continue
        line = (
            f"{_of(len(short), len(council), level, noun)} under {least:,.10g} h a week (the {name} band) "
            f"{by}"
        )
        if short and viability.branch:
            names = listed([f"{what} {share:.0%}" for what, share in viability.branch.items()])
            over = sum(more[k] >= least - 1e-9 for k in short)
            line += f"; with the hours that a branch may add ({names}) {_over(over, len(short))}"
        said.append(f"{line}.")
    return said


def _over(number: int, every: int) -> str:
    """Return 'it is over it', 'none of them is over it', 'all of them are over it'."""
    if every == 1:
        return "it is over it" if number else "it is still under it"
    if number == every:
        return f"{'both' if every == 2 else 'all'} of them are over it"
    return f"{_word(number) if number else 'none'} of them {'are' if number > 1 else 'is'} over it"


def _reserved(level: str, council: Sequence[float], noun: str) -> str:
    """Return what is said of a level without a provider of its own."""
    every, least, most = len(council), min(council), max(council)
    hours = f"{least:,.0f} h" if round(least) == round(most) else f"{least:,.0f} to {most:,.0f} h"
    lots = f"the one {noun}" if every == 1 else f"the {_word(every)} {noun}s"
    each, verb, them = ("", "is", "it") if every == 1 else (" each", "are", "them")
    return (
        f"Level {level} has no provider of its own: {lots} of it, of {hours} a week{each}, {verb} the "
        f"reserve's, and no branch is to live on {them}."
    )


def _of(number: int, every: int, level: str, noun: str) -> str:
    """Return 'All nine lots of level 2 are', 'Three of 20 ...', 'None of ...'."""
    of_level = f"level {level}"
    if every == 1:
        return f"The one {noun} of {of_level} is{'' if number else ' not'}"
    if number == every == 2:
        return f"Both {noun}s of {of_level} are"
    if number == every:
        return f"All {_word(every)} {noun}s of {of_level} are"
    if not number:
        return f"None of the {_word(every)} {noun}s of {of_level} is"
    verb = "are" if number > 1 else "is"
    return f"{_word(number).capitalize()} of the {_word(every)} {noun}s of {of_level} {verb}"


def _word(number: int) -> str:
    return _WORDS[number] if number < len(_WORDS) else f"{number:,}"
