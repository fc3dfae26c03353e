"""Sentences: what a stress test says of a zone, and what it takes for granted, in plain English."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from zonedesign.errors import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from zonedesign.questions.growth import Growth
    from zonedesign.questions.stress import Outlook

WAYS = {
    "hours_below": "too few hours",
    "hours_above": "too many hours",
    "customers_below": "too few customers",
    "customers_above": "too many customers",
}


def percent(share: float) -> str:
    """Return a share in whole per cent; what is not quite none or all says so."""
    if 0 < share < 0.005:
        return "under 1 %"
    if 0.995 < share < 1:
        return "over 99 %"
    return f"{share * 100:.0f} %"


def odds(chance: float, low: float, high: float) -> str:
    """Return a chance with its error bar, where rounding leaves one to see."""
    said, least, most = map(percent, (chance, low, high))
    return said if least == most else f"{said} ({least} to {most})"


def zone_says(row: Mapping[str, Any], years: tuple[float, ...]) -> str:
    """Return a sentence or two on a zone of `Stress.zones`."""
    last = years[-1]
    time = "a year" if last == 1 else f"{last:g} years"
    end = f"{last:g}"
    chance, low, high = row[f"chance_{end}"], row[f"low_{end}"], row[f"high_{end}"]
    if row["outside_today"]:
        said = [f"Outside its band today: {WAYS.get(row['first_side'], 'demand')}."]
    elif chance <= 0:
        said = [f"In no draw outside its band within {time} (the chance is {percent(high)} at most)."]
    else:
        way = WAYS[row["first_side"]]
        bar = odds(chance, low, high)
        said = [f"Within {time} outside its band with a chance of {bar}, most often with {way}."]
        if not math.isnan(row["median_years"]):
            said.append(f"As likely as not it is outside after {after(row['median_years'])}.")
    at = row["traffic_leaves_at"]
    if at == 0:
        said.append("Part of it is out of reach as traffic is.")
    elif not math.isnan(at):
        said.append(f"Part of it is out of reach where driving takes {percent(at)} longer.")
    return " ".join(said)


def after(years: float) -> str:
    """Return a time from today in words: quarters of a year."""
    if years <= 0:
        return "no time at all"
    if years < 1:
        months = round(years * 12)
        return f"{months} months"
    return "a year" if years == 1 else f"{years:g} years"


def assumptions(outlook: Outlook, growth: Growth, draws: int) -> Iterator[str]:
    """Return what a stress test takes for granted."""
    if outlook.growth is None:
        yield "Demand is not expected to grow: no table of growth was given."
    else:
        shown = []
        for name, rate, years, share in zip(
            growth.names, growth.growth, growth.years, growth.share, strict=True
        ):
            part = "" if share == 1 else f" of {percent(float(share))} of demand"
            span = "a year" if years == 1 else f"over {years:g} years"
            shown.append(f"{'all others' if name == '*' else name} {rate * 100:+.4g} %{part} {span}")
        yield f"Growth, compounding evenly: {listed(shown, 30)}."
    if outlook.packages is not None:
        yield "New packages have the hours of one of the zone's own, drawn at random (bootstrap of packages)."
    else:
        yield (
            "Packages are not known one by one: all of a zone's are taken to be alike (where customers are "
            f"not counted, about {outlook.mean_package:g} hours a week), which makes chance look somewhat "
            "smaller than it is."
        )
    yield (
        f"{percent(outlook.turnover)} of packages end within a year, an assumption; new ones begin at "
        "random, as many as growth asks for. Zones are looked at once a quarter."
    )
    yield (
        f"{draws:,} draws. Intervals are those of the draws alone (Wilson, 95 %): that growth comes out "
        "otherwise than assumed is not in them."
    )
