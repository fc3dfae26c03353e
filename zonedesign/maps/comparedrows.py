"""Rows of the comparison page: every table of it as texts ready to print."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from zonedesign.compare.groups import DISTRICT, RURALITY
from zonedesign.errors import counted
from zonedesign.maps.words import UNKNOWN, level_limits, level_name, minutes, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zonedesign.compare import Comparison

RULES = {
    "Cover": "every unit in exactly one zone",
    "Centre": "the centre in its own zone",
    "Level": "a level of the scenario",
    "Volume": "hours and customers of a zone within the bands",
    "Reach": "minutes to and from the centre",
    "Diameter": "minutes between any two units",
    "MaxMiles": "miles from the centre",
    "ZoneCount": "how many zones",
    "HoursShare": "share of all hours",
    "Character": "share of a zone's hours in the stated class",
    "Contiguous": "zones in one piece",
    "Together": "units locked together",
    "Apart": "units kept apart",
    "CentreAt": "a centre at a stated unit",
    "Fixed": "a unit kept in its zone",
    "Frozen": "a zone kept as it is",
    "NestIn": "zones that cross no border",
}
"""Every rule in a few plain words."""

_REST = "*"
_MINUS = "\N{MINUS SIGN}"
_BAR = 60.0
"""Half the width of a bar of change, in pixels."""
_TOTALS = (
    ("zones", "Zones", 0),
    ("units", "Units with a zone", 0),
    ("customers", "Customers", 0),
    ("weekly_hours", "Hours a week", 0),
    ("objective", "Objective", 4),
    ("mean_minutes", "Mean minutes from the centre, weighted by hours", 2),
    ("moved_from_baseline", "Share of hours that change zone from the baseline", None),
    ("crossing", "Share of hours across a border", None),
    ("boundary", "Share of boundary that is cut", None),
    ("max_minutes", "Worst minutes, the longer way", 1),
)


def total_rows(found: Comparison) -> list[dict[str, Any]]:
    """Return the totals: a row for each figure with a cell for each plan, and its change from the first."""
    table = found.plans
    rows = []
    for name, what, decimals in _TOTALS:
        values = [float(value) for value in table[name]]
        if all(math.isnan(value) for value in values):
            continue
        shown = [_figure(value, decimals) for value in values]
        changes = ["", *(_change(value - values[0], decimals) for value in values[1:])]
        rows.append({"what": what, "cells": list(zip(shown, changes, strict=True))})
    records = table.to_dict("records")
    moved = [UNKNOWN] + [
        f"{row['hours_moved']:,.0f} hours ({_percent(row['share_moved'])})" for row in records[1:]
    ]
    more = [""] + [
        f"{counted(row['units_moved'], 'unit')}{_people(row['customers_moved'], ', ')}" for row in records[1:]
    ]
    rows.append({"what": f"Changes zone from {found.names[0]}", "cells": list(zip(moved, more, strict=True))})
    broken = [f"{row['broken']:,} of {row['checks']:,}" if row["broken"] else "none" for row in records]
    rows.append({"what": "Checks of the rules broken", "cells": [(text, "") for text in broken]})
    return rows


def level_rows(found: Comparison) -> list[dict[str, Any]]:
    """Return the levels: for each its name, its limits, and a row for each plan."""
    limits = {level.name: level_limits(level) for level in found.problem.levels}
    rows: dict[str, list[dict[str, str]]] = {}
    for row in found.levels.to_dict("records"):
        rows.setdefault(str(row["level"]), []).append(
            {
                "plan": str(row["plan"]),
                "zones": number(row["zones"]),
                "customers": number(row["customers"]),
                "hours": number(row["weekly_hours"]),
                "share": _percent(row["hours_share"]),
                "mean": _figure(row["mean_minutes"], 2),
                "worst": minutes(row["max_minutes"], found.problem.times.max_minutes),
                "least": number(row["least_zone_hours"]),
                "most": number(row["most_zone_hours"]),
            }
        )
    return [
        {"level": level_name(name), "limits": limits.get(name, "not in the scenario"), "plans": plans}
        for name, plans in rows.items()
    ]


def rule_rows(found: Comparison) -> list[dict[str, Any]]:
    """Return how rules came out in every plan: what is broken level by level, then all else rule by rule."""
    table = found.rules.assign(
        level=[level if isinstance(level, str) else "" for level in found.rules["level"]]
    )
    trouble = {
        (rule, level)
        for rule, level, n in zip(table["rule"], table["level"], table["broken"], strict=True)
        if n
    }
    shown: dict[tuple[str, str], dict[str, list[Any]]] = {
        key: {} for key in _in_order(table) if key in trouble
    }
    for row in table.to_dict("records"):
        key = (str(row["rule"]), str(row["level"]))
        shown.setdefault(key if key in trouble else (key[0], _REST), {}).setdefault(row["plan"], []).append(
            row
        )
    rows = []
    for (rule, level), by_plan in shown.items():
        where = level_name(level) if level else "the plan"
        if level == _REST:
            levels = {row["level"] for of_plan in by_plan.values() for row in of_plan}
            where = (
                "the plan"
                if levels == {""}
                else "other levels"
                if any(r == rule for r, _ in trouble)
                else "all levels"
            )
        cells = [_verdict(by_plan.get(name, [])) for name in found.names]
        rows.append({"rule": rule, "says": RULES.get(rule, ""), "where": where, "cells": cells})
    return rows


def _in_order(table: Any) -> list[tuple[str, str]]:
    """Return the rules and levels of a frame, each where it first occurs."""
    return list(dict.fromkeys(zip(table["rule"], table["level"], strict=True)))


def _verdict(rows: list[Any]) -> dict[str, Any]:
    checks, broken = sum(row["checks"] for row in rows), sum(row["broken"] for row in rows)
    if not rows:
        return {"broken": False, "says": UNKNOWN, "zones": ""}
    if not broken:
        return {"broken": False, "says": f"met ({checks:,})", "zones": ""}
    return {"broken": True, "says": f"{broken:,} of {checks:,} broken", "zones": rows[0]["in_zones"]}


def summary(found: Comparison) -> str:
    """Return in a few sentences what changes from the first plan to the second."""
    first, second = found.plans.to_dict("records")
    status = found.zones["status"].tolist()
    told = (
        ("same units", "with the same units"),
        ("changed", "changed"),
        ("new", "new"),
        ("closed", "closed"),
    )
    zones = ", ".join(f"{status.count(what):,} {words}" for what, words in told if what in status)
    if not second["units_moved"]:
        moved = "No unit changes zone."
    else:
        people = _people(second["customers_moved"], " with ")
        moved = (
            f"{counted(second['units_moved'], 'unit')}{people}, {second['hours_moved']:,.0f} hours a week "
            f"({_percent(second['share_moved'])}), change{'s' * (second['units_moved'] == 1)} zone."
        )
    means = [_figure(row["mean_minutes"], 2) for row in (first, second)]
    said = f"{moved} Zones: {zones}. Mean minutes {means[0]}, then {means[1]}."
    if not first["broken"] + second["broken"]:
        return f"{said} Both meet all rules."
    broken = [
        f"{row['broken']:,} of {row['checks']:,}" if row["broken"] else "none" for row in (first, second)
    ]
    return f"{said} Checks of the rules broken: {broken[0]}, then {broken[1]}."


def zone_rows(found: Comparison) -> list[dict[str, Any]]:
    """Return the zones of two plans, matched, new and closed, with the numbers that the map knows them by."""
    here = [dict(zip(side.zone_ids, range(len(side.zone_ids)), strict=True)) for side in found.sides]
    cutoff = found.problem.times.max_minutes
    rows = []
    for row in found.zones.to_dict("records"):
        a, b = row["from_zone"], row["to_zone"]
        both = a is not None and b is not None
        note = {"new": "most hours from", "closed": "most hours to"}.get(row["status"], "")
        level = (
            ""
            if not both or row["from_level"] == row["to_level"]
            else (f"{level_name(row['from_level'])}, then {level_name(row['to_level'])}")
        )
        rows.append(
            {
                "a": -1 if a is None else here[0][a],
                "b": -1 if b is None else here[1][b],
                "from": a, "from_name": row["from_name"] or "",
                "to": b, "to_name": row["to_name"] or "",
                "status": row["status"],
                "note": f"{note} {row['mostly']}" if note and row["mostly"] else level,
                "hours_before": number(row["from_hours"]) if a is not None else UNKNOWN,
                "hours_after": number(row["to_hours"]) if b is not None else UNKNOWN,
                "common": number(row["hours_in_common"]) if both else UNKNOWN,
                "kept": _percent(row["share_kept"]) if both else UNKNOWN,
                "mean_before": _figure(row["from_mean_minutes"], 1),
                "mean_after": _figure(row["to_mean_minutes"], 1),
                "worst_before": minutes(row["from_max_minutes"], cutoff),
                "worst_after": minutes(row["to_max_minutes"], cutoff),
            }
        )  # fmt: skip
    return rows


def move_rows(found: Comparison) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the realignment list of two plans, and its sum."""
    here = [dict(zip(side.zone_ids, range(len(side.zone_ids)), strict=True)) for side in found.sides]
    rows = [
        {
            "a": here[0].get(row["from_zone"], -1),
            "b": here[1].get(row["to_zone"], -1),
            "from": row["from_zone"] or "no zone",
            "from_name": row["from_name"] or "",
            "to": row["to_zone"] or "no zone",
            "to_name": row["to_name"] or "",
            "units": number(row["units"]),
            "customers": number(row["customers"]),
            "hours": number(row["weekly_hours"], 1),
            "mean_before": _figure(row["mean_minutes_before"], 1),
            "mean_after": _figure(row["mean_minutes_after"], 1),
            "change": _change(row["change"], 1),
        }
        for row in found.realignment.to_dict("records")
    ]
    every = found.realignment
    return rows, {
        "units": number(every["units"].sum()),
        "customers": number(every["customers"].sum() if found.problem.customers is not None else None),
        "hours": number(every["weekly_hours"].sum(), 1),
    }


def group_tables(found: Comparison) -> list[dict[str, Any]]:
    """Return a table for each group that minutes are told by, with a bar for every change."""
    tables = []
    cutoff = found.problem.times.max_minutes
    known = found.minutes_by["change"]
    longest = float(known[known.abs() < math.inf].abs().max()) if len(known) else 0.0
    for by in dict.fromkeys(found.minutes_by["by"]):
        rows = found.minutes_by[found.minutes_by["by"] == by].to_dict("records")
        tables.append(
            {
                "by": heading(str(by)),
                "rows": [
                    {
                        "value": "not stated" if row["value"] is None else str(row["value"]),
                        "hours": number(row["weekly_hours"]),
                        "share": _percent(row["hours_share"]),
                        "moved": number(row["hours_moved"]),
                        "before": _figure(row["mean_minutes_before"], 2),
                        "after": _figure(row["mean_minutes_after"], 2),
                        "change": _change(row["change"], 2),
                        "bar": _bar(float(row["change"]), longest),
                        "worst_before": minutes(row["max_minutes_before"], cutoff),
                        "worst_after": minutes(row["max_minutes_after"], cutoff),
                    }
                    for row in rows
                ],
            }
        )
    return tables


def heading(by: str) -> str:
    """Return what a column is, in words, where its name says it."""
    for patterns, what in ((RURALITY, "Rural or urban"), (DISTRICT, "District")):
        if any(re.fullmatch(pattern, by.strip().lower()) for pattern in patterns):
            return f"{what} ({by})"
    return by


def _bar(change: float, longest: float) -> dict[str, Any] | None:
    """Return where a bar begins, how wide it is and which way it goes, in pixels; None without one."""
    if not math.isfinite(change) or not longest or math.isnan(longest):
        return None
    wide = round(_BAR * abs(change) / longest, 1)
    return {"x": round(_BAR if change > 0 else _BAR - wide, 1), "wide": wide, "longer": change > 0}


def _people(value: float, before: str) -> str:
    return "" if math.isnan(value) else f"{before}{counted(round(value), 'customer')}"


def _figure(value: float, decimals: int | None) -> str:
    if decimals is None:
        return UNKNOWN if math.isnan(value) else _percent(value)
    return number(value, decimals)


def _percent(share: float) -> str:
    return UNKNOWN if math.isnan(share) else f"{100 * share:.1f} %"


def _change(value: float, decimals: int | None) -> str:
    """Return a difference with its sign; nothing where it is not known, `no change` where it is none."""
    if math.isnan(value):
        return ""
    if math.isinf(value):
        return "out of reach"
    text = f"{abs(100 * value):.1f} points" if decimals is None else f"{abs(value):,.{decimals}f}"
    if not re.search(r"[1-9]", text):
        return "no change"
    return f"{'+' if value > 0 else _MINUS}{text}"


def names_in_order(names: Sequence[str]) -> str:
    """Return names as a list in a sentence."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
