"""The page of lots: what they are worth, whom they keep alive, how they fill, and who wins them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from zonedesign._lotstables import lots_files
from zonedesign.errors import counted
from zonedesign.lots.cascade import NOBODY
from zonedesign.lots.terms import RESERVE
from zonedesign.maps.words import UNKNOWN, number, percent
from zonedesign.report.bands import Bar, bars
from zonedesign.report.skeleton import rendered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zonedesign.lots import Award, Lots

MOST_LOTS = 15
"""Lots of one provider that the page names one by one."""
MOST_PROVIDERS = 60
"""Providers that the page lists; the table in the folder has all."""


def lots_folder(found: Lots, won: Award | None = None) -> dict[str, str | bytes]:
    """Return the files of a folder of lots: the page, every table, and a workbook of them."""
    return {"lots.html": lots_page(found, won), **lots_files(found, won)}


def lots_page(found: Lots, won: Award | None = None) -> str:
    """Return the page of lots as one HTML file."""
    view, about = found.terms.viability, found.problem.about
    rows = [{str(k): v for k, v in row.items()} for row in found.lots.to_dict("records")]
    lines = [
        Bar(
            f"{row['lot']} {row['name']}",
            row["council_hours"],
            row["branch_hours"],
            f"{number(row['council_hours'], 0)} h",
        )
        for row in rows
    ]
    marks = [(view.start_hours[0], "start"), (view.established_hours[0], "established")]
    says = " ".join(line for line in found.says if line.endswith(("alone.", "over it.", "under it.")))
    providers = found.providers.head(MOST_PROVIDERS)
    context = {
        "byline": f"{counted(len(rows), 'lot')}, {number(found.lots['weekly_hours'].sum(), 0)} hours a week.",
        "sketch": about.sketch,
        "chart": bars(
            lines, marks, label="hours a week", title="Hours of each lot against what keeps a branch alive",
            says=says,
        ),
        "branch": bool(view.branch),
        "guaranteed": bool((found.lots["guaranteed_hours"] > 0).any()),
        "term": "the term of 1 year" if found.terms.term_years == 1 else f"{found.terms.term_years:g} years",
        "today": [_holder(row) for row in _by_holder(found.transition).to_dict("records")],
        "says": found.says,
        "notes": [*found.notes, *about.notes],
        "sources": about.sources,
        "priced": bool(found.lots["value_a_year"].notna().any()),
        "floored": bool(found.lots["rate_floor"].notna().any()),
        "lots": [_lot(row) for row in rows],
        "milestones": [_milestone(row, found.terms.months) for row in found.milestones.to_dict("records")],
        "cascade": [_referrals(row) for row in found.cascade.to_dict("records")],
        "providers": [_provider(row) for row in providers.to_dict("records")],
        "more_providers": len(found.providers) - len(providers),
        "failure": [_failure(row) for row in _worst(found.failure).to_dict("records")],
        "floor": _floor(found.floor),
        "floors": _floors(found.floor),
        "award": None if won is None else _award(won),
        "months": found.terms.months,
    }  # fmt: skip
    return rendered("lots.html", about.name, "lots and providers", context)


def _lot(row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "lot": row["lot"],
        "name": row["name"],
        "level": str(row["level"]),
        "structure": row["structure"],
        "customers": number(row["customers"]),
        "hours": number(row["weekly_hours"], 0),
        "guaranteed": number(row["guaranteed_hours"], 0),
        "workers": number(row["workers"]),
        "standing": row["standing"] if row["structure"] != RESERVE else "the reserve's",
        "branch_standing": row["branch_standing"] if row["structure"] != RESERVE else "the reserve's",
        "rate": number(row["rate"], 2),
        "floor": number(row["rate_floor"], 2),
        "value": number(row["value_a_year"], 0),
        "with_vat": number(row["value_a_year_with_vat"], 0),
        "value_term": number(row["value_term"], 0),
    }


def _milestone(row: Mapping[Any, Any], months: int) -> dict[str, str]:
    cells = {"lot": str(row["lot"])}
    for what in ("start", "established"):
        low, high = (_month(row[f"{what}_month_{end}"], months) for end in ("low", "high"))
        cells[what] = _month(row[f"{what}_month"], months)
        cells[f"{what}_band"] = low if low == high else f"{low} to {high}"
        cells[f"{what}_chance"] = _chance(row[f"{what}_chance"])
    return cells


def _month(value: float, months: int) -> str:
    return f"after {months}" if pd.isna(value) else f"{value:.0f}"


def _chance(share: float) -> str:
    """Return a share of draws, in whole per cent; almost never is not never."""
    if 0 < share < 0.01:
        return "under 1 %"
    return "over 99 %" if 0.99 < share < 1 else f"{100 * share:.0f} %"


def _referrals(row: Mapping[Any, Any]) -> dict[str, str]:
    def band(name: str) -> str:
        return f"{100 * row[f'{name}_low']:.0f} to {100 * row[f'{name}_high']:.0f} %"

    hours = f"{number(row['not_sourced_hours_low'], 0)} to {number(row['not_sourced_hours_high'], 0)}"
    return {
        "lot": str(row["lot"]),
        "steps": str(row["steps"]) or "nobody",
        "referrals": number(row["referrals_a_year"], 0),
        "reserve": percent(row["reserve_share"]),
        "reserve_band": band("reserve_share"),
        "left": percent(row["not_sourced_share"]),
        "left_band": band("not_sourced_share"),
        "hours": number(row["not_sourced_hours"], 1),
        "hours_band": hours,
        "response": number(row["mean_response_hours"], 1),
    }


def _provider(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "provider": row["provider"],
        "placeholder": row["placeholder"] and row["provider"] not in NOBODY,
        "roles": "" if row["provider"] in NOBODY else row["roles"],
        "lot_ids": row["lot_ids"] if row["lots"] <= MOST_LOTS else f"{row['lots']:,} lots",
        "lots": number(row["lots"]),
        "hours": number(row["weekly_hours"], 0),
        "share": percent(row["hours_share"]),
        "value": number(row["value_a_year"], 0),
        "workers": number(row["workers"]),
        "standing": row["standing"] or UNKNOWN,
        "over_cap": row["over_cap"],
    }


def _by_holder(frame: pd.DataFrame) -> pd.DataFrame:
    """Return packages of today by who holds them, most hours first."""
    sums = frame.assign(lots=1, split=frame["rounds_split"] > 0).groupby("provider", as_index=False)
    columns = ["lots", "customers", "weekly_hours", "workers", "in_scope", "change_customers"]
    columns += ["may_change_customers", "split"]
    found = sums[columns].sum().assign(known=not frame["rounds_split"].isna().any())
    return found.sort_values("weekly_hours", ascending=False, kind="stable").head(MOST_PROVIDERS)


def _holder(row: Mapping[Any, Any]) -> dict[str, str]:
    return {
        "provider": str(row["provider"]),
        "lots": number(row["lots"]),
        "customers": number(row["customers"]),
        "hours": number(row["weekly_hours"], 0),
        "workers": number(row["workers"], 0),
        "scope": number(row["in_scope"]),
        "change": number(row["change_customers"]),
        "may": number(row["may_change_customers"]),
        "split": number(row["split"]) if row["known"] else UNKNOWN,
    }


def _worst(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the failures that leave most, most first."""
    return frame.sort_values("left_hours", ascending=False, kind="stable").head(12)


def _failure(row: Mapping[Any, Any]) -> dict[str, str]:
    return {
        "provider": str(row["provider"]),
        "lot_ids": str(row["lot_ids"]),
        "customers": number(row["customers"], 0),
        "hours": number(row["weekly_hours"], 0),
        "absorbed": number(row["absorbed_hours"], 0),
        "takers": number(row["takers_in_reach"]),
        "left": number(row["left_hours"], 0),
        "share": percent(row["left_share"]),
    }


def _floor(frame: pd.DataFrame) -> list[dict[str, str]]:
    """Return the lines of the floor, once where they are the same at every level."""
    lines = [_line(row) for row in frame.to_dict("records")]
    levels = list(dict.fromkeys(line["level"] for line in lines))
    by_level = [[line | {"level": "all"} for line in lines if line["level"] == level] for level in levels]
    return by_level[0] if by_level and all(each == by_level[0] for each in by_level) else lines


def _floors(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Return what the lines of each level add up to, once where all are alike."""
    sums = frame.groupby("level", sort=False)["pounds"].sum().astype(float)
    shown = [(str(level), f"{pounds:,.2f}") for level, pounds in sums.items()]
    return [("all", shown[0][1])] if len({line["level"] for line in _floor(frame)}) == 1 else shown


def _line(row: Mapping[Any, Any]) -> dict[str, str]:
    amount = row["amount"]
    shown = f"{amount:.2%}" if row["basis"] in ("pay", "cost") else f"{amount:,.2f}"
    return {
        "level": str(row["level"]),
        "item": str(row["item"]),
        "basis": str(row["basis"]),
        "amount": shown,
        "pounds": f"{row['pounds']:,.2f}",
        "source": str(row["source"]),
    }


def _award(won: Award) -> dict[str, Any]:
    return {
        "says": won.says,
        "method": won.method,
        "rows": [
            {
                "lot": row["lot"],
                "role": row["role"],
                "provider": row["provider"] or "nobody",
                "price": number(row["price"], 2),
                "quality": number(row["quality"], 1),
                "score": number(row["score"], 2),
                "why": row["why"],
            }
            for row in won.award.to_dict("records")
        ],
    }
