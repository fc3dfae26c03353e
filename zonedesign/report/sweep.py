"""The page of a sweep: one chart of all runs with their bounds, and the table beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zonedesign.errors import counted, listed
from zonedesign.maps.words import UNKNOWN, number
from zonedesign.report.chart import Interval, intervals
from zonedesign.report.skeleton import rendered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WITH_PLAN = ("optimal", "feasible")
WORDS = {
    "optimal": "proved best",
    "feasible": "a plan",
    "infeasible": "no plan can exist",
    "unknown": "no plan found in its limits",
    "failed": "failed",
    "not run": "not run yet",
}
TERMS = {
    "mean_minutes": "mean minutes",
    "moved": "share of hours moved",
    "crossing": "share of hours across a border",
    "boundary": "share of boundary cut",
}


def page(title: str, rows: Sequence[Mapping[str, Any]], about: Sequence[str]) -> str:
    """Return the page of a sweep as one HTML file.

    `rows` are the runs as JSON has them (`sweep.rows.Row.as_dict`); `about` are sentences on how they ran.
    """
    planned = [row for row in rows if row["status"] in WITH_PLAN]
    alike, label = _objective(planned)
    lines = [Interval(row["name"], row["objective"], row["bound"], _under(row)) for row in rows]
    says = _in_words(rows, label)
    context = {
        "byline": _byline(rows),
        "chart": intervals(
            lines, label=label, title="What each run costs, and the best that is possible", says=says
        ),
        "label": label,
        "sketch": any(row["sketch"] for row in rows),
        "alike": alike,
        "rows": [_cells(row) for row in rows],
        "several": len({row["scenario"] for row in rows}) > 1,
        "why_not": [row for row in rows if row["causes"] or row["error"]],
        "borders": _borders(rows),
        "about": about,
    }
    return rendered("sweep.html", title, "what if", context)


def _objective(rows: Sequence[Mapping[str, Any]]) -> tuple[bool, str]:
    """Return whether all runs weigh their terms alike, and what the axis measures."""
    weighed = {
        tuple((term, row["weights"][term]) for term in TERMS if row["weights"].get(term)) for row in rows
    }
    if weighed <= {(("mean_minutes", 1.0),)}:
        return True, "mean minutes from the centre, weighted by hours"
    (only,) = weighed if len(weighed) == 1 else ((),)
    terms = " + ".join(f"{w:g} x {TERMS.get(term, term)}" for term, w in only)
    return len(weighed) == 1, f"objective: {terms}" if terms else "objective, each run by its own weights"


def _under(row: Mapping[str, Any]) -> str:
    """Return what stands under a run's bar."""
    status = row["status"]
    if status == "infeasible":
        return f"{WORDS[status]}, seen {row['proved']}"
    if status not in WITH_PLAN:
        return str(WORDS.get(status, status))
    if status == "optimal":
        return f"{number(row['objective'], 2)}, proved best"
    if row["bound"] is None:
        return f"{number(row['objective'], 2)}, no bound"
    least = f"best possible {number(row['bound'], 2)} or more"
    return f"{number(row['objective'], 2)}, {least}: gap {row['gap']:.1%}"


def _byline(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return how the runs ended, in one sentence."""
    said = []
    for status, words in (("infeasible", "can have no plan"), ("unknown", "found none in its limits"),
                          ("failed", "failed"), ("not run", "not run yet")):  # fmt: skip
        number_of = sum(row["status"] == status for row in rows)
        if number_of:
            said.append(f"{number_of:,} {words}")
    planned = sum(row["status"] in WITH_PLAN for row in rows)
    return f"{counted(len(rows), 'run')}: {'; '.join([f'{planned:,} with a plan', *said])}."


def _in_words(rows: Sequence[Mapping[str, Any]], label: str) -> str:
    """Return what the chart shows, for who does not see it."""
    planned = sorted((row for row in rows if row["status"] in WITH_PLAN), key=lambda row: row["objective"])
    if not planned:
        return "No run has a plan, so there is nothing to compare."
    best = listed((f"{row['name']}: {_under(row)}" for row in planned), 30)
    none = [row["name"] for row in rows if row["status"] == "infeasible"]
    without = f" No plan can exist for {listed(none, 20)}." if none else ""
    return f"Axis: {label}. From the least: {best}.{without}"


def _cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run as the cells of the table."""
    planned, zones = row["status"] in WITH_PLAN, row["zones"]
    gap = row["gap"]
    return {
        "name": row["name"],
        "scenario": row["scenario"],
        "settings": row["settings"] if row["settings"] != row["name"] else "",
        "folder": row["run"],
        "planned": planned,
        "status": WORDS.get(row["status"], row["status"]),
        "objective": number(row["objective"], 3),
        "mean": number(row["terms"].get("mean_minutes"), 2),
        "bound": number(row["bound"], 3),
        "gap": UNKNOWN if gap is None else f"{gap:.1%}",
        "zones": " + ".join(f"{count}" for count in zones.values()) or UNKNOWN,
        "worst": number(row["worst_minutes"], 1),
        "seconds": number(row["seconds"], 0),
        "taken_from": row["taken_from"],
        "broken": "none" if row["broken"] == 0 else UNKNOWN,
    }


def _borders(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Return what was said of borders before solving, each once, with the runs that it was said of."""
    said: dict[str, list[str]] = {}
    for row in rows:
        for line in row["said"]:
            said.setdefault(line, []).append(row["name"])
    by_runs: dict[str, list[str]] = {}
    for line, names in said.items():
        by_runs.setdefault(listed(names, 8), []).append(line)
    return list(by_runs.items())
