"""The page and the tables of prices: what each choice costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from zonedesign._plantables import as_csv, plan_csv
from zonedesign.errors import counted
from zonedesign.maps.words import UNKNOWN, number, percent
from zonedesign.report.chart import Interval, intervals
from zonedesign.report.skeleton import rendered
from zonedesign.workbook import Notes, workbook_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zonedesign.problem import Problem
    from zonedesign.questions import Price

TERMS = {
    "mean_minutes": "Mean minutes",
    "moved": "Share of hours moved",
    "crossing": "Share of hours across a border",
    "boundary": "Share of boundary cut",
}
MEANING = {
    "choice": "the choice: a lock, a border, a price of the objective, or a limit of a level",
    "kind": "lock, border, price or limit",
    "says": "what the choice asks",
    "status": "priced; or why it has no price",
    "price": "objective with the choice less objective without, of the best plans found",
    "price_low": "what the price is at least, proved",
    "price_high": "what the price is at most, proved",
    "objective_with": "objective of the best plan found with all choices",
    "bound_with": "no plan with all choices has a lower objective, proved",
    "objective_without": "objective of the best plan found without this choice",
    "bound_without": "no plan without this choice has a lower objective, proved",
}


def price_files(found: Price, problem: Problem) -> dict[str, str | bytes]:
    """Return the files of a folder of prices: page, tables, workbook, and the best plans."""
    frame = found.prices
    meaning = MEANING | {
        f"{term}_{side}": f"{name.lower()}, {side} the choice"
        for term, name in TERMS.items()
        for side in ("with", "without")
    }
    notes = Notes(f"{problem.about.name}: what each choice costs", _sentences(found), {"prices": meaning})
    files: dict[str, str | bytes] = {
        "price.html": price_page(found, problem),
        "prices.csv": frame_csv(frame),
        "price.xlsx": workbook_bytes({"prices": frame}, notes),
    }
    if found.plan is not None:
        files["plan.csv"] = plan_csv(found.plan)
    for place, choice in enumerate(frame["choice"], start=1):
        if choice in found.plans:
            files[f"plans/without-{place:02d}.csv"] = plan_csv(found.plans[choice])
    return files


def frame_csv(frame: pd.DataFrame) -> str:
    """Return a frame as CSV, without its index."""
    return as_csv(list(map(str, frame.columns)), frame.itertuples(index=False))


def price_page(found: Price, problem: Problem) -> str:
    """Return the page of prices as one HTML file, dearest first."""
    frame = found.prices.sort_values("price", ascending=False, kind="stable", na_position="last")
    records = [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]
    terms = [term for term in TERMS if f"{term}_with" in frame]
    lines = [
        Interval(row["choice"], row["price"], row["price_low"], _under(row), row["price_high"])
        for row in records
        if pd.notna(row["price"])
    ]
    label = _unit(problem)
    says = _in_words(records)
    context = {
        "byline": " ".join(_sentences(found)),
        "chart": intervals(lines, label=label, title="What each choice costs", says=says) if lines else "",
        "says": says,
        "terms": [TERMS[term] for term in terms],
        "rows": [_cells(row, terms) for row in records],
        "causes": found.causes,
        "notes": [*problem.about.notes],
        "sources": problem.about.sources,
    }
    return rendered("price.html", problem.about.name, "what choices cost", context)


def _unit(problem: Problem) -> str:
    goal = problem.objective
    alone = goal.travel == 1 and not (goal.change or goal.borders or goal.cut)
    return "mean minutes from the centre, weighted by hours" if alone else "objective"


def _sentences(found: Price) -> list[str]:
    done = found.prices["status"] == "priced"
    said = [f"{counted(int(done.sum()), 'choice')} of {len(done)} priced in {found.seconds:,.0f} seconds."]
    rows = found.prices[done]
    sure, none = int((rows["price_low"] > 1e-9).sum()), int((rows["price_high"] <= 1e-9).sum())
    said.append(f"Proved to cost something: {sure}; proved to cost nothing: {none}.")
    if found.causes:
        said.append("With all choices no plan can exist.")
    return said


def _under(row: Mapping[str, Any]) -> str:
    price, low, high = (number(row[name], 3) for name in ("price", "price_low", "price_high"))
    return f"{price}, proved between {low} and {high}"


def _in_words(records: list[dict[str, Any]]) -> str:
    said = [f"{row['choice']}: {_under(row)}" for row in records if pd.notna(row["price"])]
    return f"Dearest first. {'; '.join(said[:12])}." if said else "No choice could be priced."


def _cells(row: Mapping[str, Any], terms: list[str]) -> dict[str, Any]:
    def figure(name: str, decimals: int = 3) -> str:
        value = row.get(name)
        return UNKNOWN if value is None or pd.isna(value) else number(value, decimals)

    cells = []
    for term in terms:
        for side in ("with", "without"):
            value: Any = row.get(f"{term}_{side}")
            known = value is not None and pd.notna(value)
            cells.append(
                UNKNOWN if not known else number(value, 2) if term == "mean_minutes" else percent(value)
            )
    return {
        "choice": row["choice"],
        "says": row["says"],
        "status": "" if row["status"] == "priced" else row["status"],
        "price": figure("price"),
        "low": figure("price_low"),
        "high": figure("price_high"),
        "with": figure("objective_with"),
        "bound_with": figure("bound_with"),
        "without": figure("objective_without"),
        "bound_without": figure("bound_without"),
        "terms": cells,
    }
