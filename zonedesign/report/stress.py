"""The page and the tables of a stress test: whether a plan will last."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pandas as pd

from zonedesign.errors import counted
from zonedesign.maps.words import UNKNOWN, level_name, number
from zonedesign.provenance import today
from zonedesign.questions.sentences import after, odds, percent
from zonedesign.report.chart import Interval, intervals
from zonedesign.report.price import frame_csv
from zonedesign.report.skeleton import rendered
from zonedesign.workbook import Notes, workbook_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zonedesign.problem import Problem
    from zonedesign.questions import Stress

CHANCES = {
    "zone": "the zone",
    "level": "its level",
    "years": "within so many years from today",
    "cause": "growth: expected demand alone; customers: chance alone; both; or slower traffic",
    "chance": "outside at the end of some quarter by then, as a share of draws",
    "low": "lower end of the error bar of the draws (Wilson, 95 %)",
    "high": "upper end of that error bar",
    "outside_then": "outside just then, as a share of draws",
    "hours_below": "by then with too few hours",
    "hours_above": "by then with too many hours",
    "customers_below": "by then with too few customers",
    "customers_above": "by then with too many customers",
    "reach": "some of it out of reach: 1 or 0",
}
ZONES = {
    "zone": "the zone",
    "name": "its name",
    "level": "its level",
    "units": "units",
    "weekly_hours": "hours a week today",
    "customers": "customers today",
    "least_hours": "the band's least hours",
    "most_hours": "the band's most hours",
    "least_customers": "the band's least customers",
    "most_customers": "the band's most customers",
    "expected_hours": "hours a week that growth alone would bring at the end of the years asked",
    "outside_today": "whether it is outside its band today",
    "first_side": "the way by which it leaves first in most draws",
    "first_chance": "the chance that it is the first zone of all to leave",
    "first_low": "lower end of the error bar of that",
    "first_high": "upper end of the error bar of that",
    "median_years": "as likely as not outside after so many years; empty: not within those asked",
    "order": "the order in which zones are expected to leave, by mean time inside",
    "traffic_leaves_at": "the least share asked by which driving must slow for some to be out of reach",
    "says": "in words",
}
PLAN = {
    "years": "within so many years from today",
    "chance": "some zone has been outside by then, as a share of draws",
    "low": "lower end of the error bar",
    "high": "upper end of the error bar",
    "zones_by_then": "zones that have been outside by then, on average",
    "zones_outside_then": "zones that are outside just then, on average",
}


def stress_files(found: Stress, problem: Problem) -> dict[str, str | bytes]:
    """Return the files of a folder of a stress test: page, tables and workbook."""
    sheets = {"zones": found.zones, "chances": found.chances, "years": found.years_of_plan}
    years = {
        f"{what}_{year:g}": f"{words} within {year:g} years"
        for year in found.years
        for what, words in (
            ("chance", "chance to have been outside"),
            ("low", "lower end of its error bar"),
            ("high", "upper end of its error bar"),
        )
    }
    columns = {"zones": ZONES | years, "chances": CHANCES, "years": PLAN}
    notes = Notes(f"{problem.about.name}: will it last?", [*_sentences(found), *found.notes], columns)
    return {
        "stress.html": stress_page(found, problem),
        **{f"{name}.csv": frame_csv(frame) for name, frame in sheets.items()},
        "stress.xlsx": workbook_bytes(sheets, notes),
    }


def stress_page(found: Stress, problem: Problem) -> str:
    """Return the page of a stress test as one HTML file."""
    rows = [
        {str(k): v for k, v in row.items()} for row in found.zones.sort_values("order").to_dict("records")
    ]
    last = f"{found.years[-1]:g}"
    likely = sorted(rows, key=lambda row: -row[f"chance_{last}"])
    lines = [
        Interval(
            f"{row['zone']} {row['name']}".strip(),
            row[f"chance_{last}"] * 100,
            row[f"low_{last}"] * 100,
            odds(row[f"chance_{last}"], row[f"low_{last}"], row[f"high_{last}"]),
            row[f"high_{last}"] * 100,
        )
        for row in likely
    ]
    says = "; ".join(f"{line.name}: {line.says}" for line in lines[:12])
    context = {
        "byline": " ".join(_sentences(found)),
        "horizon": after(found.years[-1]),
        "chart": intervals(
            lines,
            label="per cent of draws",
            title=f"The chance to leave its band within {after(found.years[-1])}",
            says=f"Likeliest first. {says}.",
        ),
        "says": "Chances with their error bars (95 %).",
        "years": [f"Within {after(year)}" for year in found.years],
        "rows": [_cells(row, found.years) for row in rows],
        "plan_rows": [_plan_cells(row) for row in found.years_of_plan.to_dict("records")],
        "traffic": [_traffic_cells(row) for row in found.traffic.levels.to_dict("records")],
        "assumed": found.notes,
        "notes": [*problem.about.notes],
        "sources": problem.about.sources,
    }
    return rendered("stress.html", problem.about.name, "will it last", context)


def _sentences(found: Stress) -> list[str]:
    last = found.years_of_plan.iloc[-1]
    rows = found.zones.sort_values("first_chance", ascending=False)
    first = rows.iloc[0]
    bar = odds(last["chance"], last["low"], last["high"])
    then = f"{number(last['zones_outside_then'], 1)} of {counted(len(rows), 'zone')} are outside then"
    within = f"Within {after(found.years[-1])}"
    said = [f"{within} some zone is outside its band with a chance of {bar}; {then}, on average."]
    outside = int(found.zones["outside_today"].sum())
    if outside:
        said.append(f"{counted(outside, 'zone')} outside today already.")
    if first["first_chance"] > 0:
        bar = odds(first["first_chance"], first["first_low"], first["first_high"])
        said.append(f"Likeliest to be the first is {first['zone']}, with a chance of {bar}.")
    return said


def _cells(row: Mapping[str, Any], years: tuple[float, ...]) -> dict[str, Any]:
    return {
        "zone": row["zone"],
        "name": row["name"],
        "level": level_name(str(row["level"])),
        "hours": number(row["weekly_hours"]),
        "band": _band(row["least_hours"], row["most_hours"]),
        "expected": number(row["expected_hours"]),
        "chances": [
            _two(row[f"chance_{year:g}"], row[f"low_{year:g}"], row[f"high_{year:g}"]) for year in years
        ],
        "first": _two(row["first_chance"], row["first_low"], row["first_high"]),
        "by": when(row),
        "says": row["says"],
    }


def _two(chance: float, low: float, high: float) -> tuple[str, str]:
    """Return a chance and its error bar, each on a line of its own."""
    said = odds(chance, low, high)
    return percent(chance), said.partition(" (")[2].rstrip(")")


def _band(low: Any, high: Any) -> str:
    if pd.isna(low) and pd.isna(high):
        return UNKNOWN
    if pd.isna(low):
        return f"to {high:,g}"
    return f"from {low:,g}" if pd.isna(high) else f"{low:,g} to {high:,g}"


def when(row: Mapping[str, Any]) -> str:
    """Return the month in which a zone is as likely outside as not, counted from today."""
    if row["outside_today"]:
        return "today"
    years = row["median_years"]
    if pd.isna(years):
        return "later"
    month = today() + dt.timedelta(days=round(365.25 * years))
    return month.strftime("%B %Y")


def _plan_cells(row: Mapping[Any, Any]) -> dict[str, str]:
    return {
        "years": after(row["years"]),
        "chance": odds(row["chance"], row["low"], row["high"]),
        "by_then": number(row["zones_by_then"], 1),
        "then": number(row["zones_outside_then"], 1),
    }


def _traffic_cells(row: Mapping[Any, Any]) -> dict[str, str]:
    return {
        "slower": f"{row['slower'] * 100:+.4g} %" if row["slower"] else "as it is",
        "level": level_name(str(row["level"])),
        "units": number(row["units"]),
        "hours": number(row["weekly_hours"], 1),
        "customers": number(row["customers"]),
    }
