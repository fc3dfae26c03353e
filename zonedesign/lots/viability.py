"""Viability: whether hours are enough for a branch, in figures and in plain sentences made from them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from zonedesign.errors import listed
from zonedesign.lots.rates import at_level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zonedesign.lots.rates import Floor
    from zonedesign.lots.terms import Viability

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


def sentences(levels: Sequence[str], council: Sequence[float], more: Sequence[float], viability: Viability,
              noun: str = "lot") -> list[str]:  # fmt: skip
    """Return what the figures say of each level, in plain words."""
    established, start = viability.established_hours[0], viability.start_hours[0]
    said = []
    for level in dict.fromkeys(levels):
        mine = [k for k, each in enumerate(levels) if each == level]
        for least, what in ((established, "established"), (start, "start")):
            short = [k for k in mine if council[k] < least - 1e-9]
            if what == "start" and not short:
                continue
            with_others = [k for k in short if more[k] >= least - 1e-9]
            band = "the established band" if what == "established" else "the start band"
            who = _of(len(short), len(mine), level, noun)
            line = f"{who} under {least:,.10g} h a week ({band}) by council hours alone"
            if short and viability.branch:
                names = listed([f"{name} {share:.0%}" for name, share in viability.branch.items()])
                line += (
                    f"; with the hours that a branch may add ({names}) "
                    f"{_word(len(with_others)) if with_others else 'none'} of "
                    f"{'them' if len(short) > 1 else 'it'} {'are' if len(with_others) > 1 else 'is'} over it"
                    if len(short) > 1
                    else f"; with the hours that a branch may add ({names}) it is "
                    f"{'over' if with_others else 'still under'} it"
                )
            said.append(f"{line}.")
    return said


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
