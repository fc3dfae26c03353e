"""The page and the tables of a frontier: how little need change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from zonedesign._plantables import plan_csv
from zonedesign.errors import counted
from zonedesign.maps.words import UNKNOWN, number, percent
from zonedesign.questions.moves import flows
from zonedesign.report.curve import curve
from zonedesign.report.price import frame_csv
from zonedesign.report.skeleton import rendered
from zonedesign.workbook import Notes, workbook_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zonedesign.problem import Problem
    from zonedesign.questions import Frontier

ANY = 1.0
POINTS = {
    "share": "the share of hours that may change zone from today's plan; 1: any",
    "status": "found; impossible (proved); unknown: none was found in time",
    "objective": "objective of the best plan found, without its price of change",
    "bound": "no plan under this cap has a lower objective, proved",
    "gap": "how far the plan can be from the best at most, as a share",
    "moved": "the share of hours that changes zone in this plan",
    "hours_moved": "weekly hours that change zone",
    "units_moved": "units that change zone",
    "mean_minutes": "mean minutes from the centre, weighted by hours",
    "crossing": "share of hours on the minority side of a border",
    "boundary": "share of internal boundary that is cut",
}
MOVES = {
    "unit": "the unit",
    "from": "its zone today",
    "to": "today's zone that its new zone goes on; empty where that is new",
    "zone": "its zone in the plan file",
    "weekly_hours": "hours a week",
    "customers": "customers; empty: not known",
}


def cap_name(share: float) -> str:
    """Return the end of a file's name for a cap: `05`, `2.5`, `any`."""
    return "any" if share >= ANY else f"{share * 100:.6g}".rjust(2, "0")


def frontier_files(found: Frontier, problem: Problem) -> dict[str, str | bytes]:
    """Return the files of a folder of a frontier: page, tables, workbook, and each plan with its moves."""
    sheets = {"frontier": found.points}
    columns = {"frontier": POINTS}
    files: dict[str, str | bytes] = {"frontier.html": frontier_page(found, problem)}
    files["frontier.csv"] = frame_csv(found.points)
    for share, plan in found.plans.items():
        name = cap_name(share)
        files[f"plan-{name}.csv"] = plan_csv(plan)
        files[f"moves-{name}.csv"] = frame_csv(_with_unit(found.moves(share, problem)))
    if found.repair is not None:
        listed = _with_unit(found.repair.moves)
        files |= {"repair.csv": plan_csv(found.repair.plan), "repair-moves.csv": frame_csv(listed)}
        sheets["repair"], columns["repair"] = listed, MOVES
    title = f"{problem.about.name}: how little need change"
    files["frontier.xlsx"] = workbook_bytes(sheets, Notes(title, _sentences(found), columns))
    return files


def _with_unit(moves: pd.DataFrame) -> pd.DataFrame:
    return moves.rename_axis("unit").reset_index()


def frontier_page(found: Frontier, problem: Problem) -> str:
    """Return the page of a frontier as one HTML file."""
    records = [{str(k): v for k, v in row.items()} for row in found.points.to_dict("records")]
    capped = [row for row in records if row["share"] < ANY]
    plans = [(row["moved"], row["objective"]) for row in records if row["status"] == "found"]
    if found.repair is not None:
        plans.append((found.repair.moved, problem.value(problem.terms(found.repair.plan))))
    bounds = [(row["share"], _known(row["bound"])) for row in capped]
    free = max((moved for moved, _ in plans), default=0.0)
    if not bounds or free > bounds[-1][0]:  # beyond the last cap the bound of any change holds
        bounds.append((free, _known(records[-1]["bound"])))
    says = _in_words(records)
    alone = problem.objective.travel == 1 and not (problem.objective.borders or problem.objective.cut)
    unit = "mean minutes from the centre" if alone else "objective"
    repair = found.repair
    context = {
        "byline": " ".join(_sentences(found)),
        "chart": curve(
            plans,
            bounds,
            labels=("share of hours that may change zone", unit),
            title="The best plan for each share of hours that may change zone",
            says=says,
        ),
        "says": says,
        "rows": [_cells(row) for row in [*capped, *records[len(capped) :]]],
        "broken": list(found.broken),
        "repair_says": repair_sentence(found),
        "flows": [] if repair is None else [_flow(row) for row in flows(repair.moves).to_dict("records")],
        "notes": [*problem.about.notes],
        "sources": problem.about.sources,
    }
    return rendered("frontier.html", problem.about.name, "how little need change", context)


def _known(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _sentences(found: Frontier) -> list[str]:
    said = []
    if found.broken:
        said.append(f"Today's plan breaks the rules in {counted(len(found.broken), 'place')}.")
        said.append(repair_sentence(found))
    else:
        said.append("Today's plan keeps every rule.")
    return [*said, f"Plans were sought for {found.seconds:,.0f} seconds."]


def repair_sentence(found: Frontier) -> str:
    """Return what the smallest repair moves, and what any repair must."""
    repair = found.repair
    if repair is None:
        return "No plan that keeps every rule was found near it." if found.broken else ""
    proved = (
        "no repair moves less: proved"
        if repair.moved - repair.bound <= 1e-6
        else f"any repair moves {percent(repair.bound)} of the hours at least: proved"
    )
    return (
        f"The smallest repair found moves {counted(len(repair.moves), 'unit')} with "
        f"{number(repair.weekly_hours, 1)} hours a week, {percent(repair.moved)} of all; {proved}."
    )


def _in_words(records: list[dict[str, Any]]) -> str:
    said = []
    for row in records:
        cap = "any change" if row["share"] >= ANY else f"at most {row['share'] * 100:.4g} % of hours"
        if row["status"] == "found":
            said.append(
                f"{cap}: {number(row['objective'], 3)}, {number(row['bound'], 3)} or more is possible"
            )
        else:
            said.append(f"{cap}: {_why(row)}")
    return "; ".join(said) + "."


def _why(row: Mapping[str, Any]) -> str:
    if row["status"] == "impossible":
        return "no plan that keeps every rule exists, proved"
    return f"no plan found in time (none costs less than {number(row['bound'], 3)})"


def _cells(row: Mapping[str, Any]) -> dict[str, Any]:
    name, any_ = cap_name(row["share"]), row["share"] >= ANY
    cells: dict[str, Any] = {
        "cap": "Anything" if any_ else f"{row['share'] * 100:.4g} %",
        "found": row["status"] == "found",
        "says": f"{_why(row).capitalize()}.",
    }
    if cells["found"]:
        gap = row["gap"]
        cells |= {
            "objective": number(row["objective"], 3),
            "bound": number(row["bound"], 3),
            "gap": UNKNOWN if gap is None or pd.isna(gap) else percent(gap),
            "mean": number(row["mean_minutes"], 2),
            "hours": number(row["hours_moved"], 1),
            "share": percent(row["moved"]),
            "units": number(row["units_moved"]),
            "plan": f"plan-{name}.csv",
            "moves": f"moves-{name}.csv",
        }
    return cells


def _flow(row: Mapping[Any, Any]) -> dict[str, str]:
    return {
        "from": str(row["from"]),
        "to": str(row["to"]) or "a new zone",
        "units": number(row["units"]),
        "hours": number(row["weekly_hours"], 1),
        "customers": number(row["customers"]),
    }
