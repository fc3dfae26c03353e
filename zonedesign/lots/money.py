"""Money: what lots are worth at the rate, with what adds to it, beside the floor and the ceiling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign.errors import DataError, counted, listed, nearest_name
from zonedesign.lots.rates import at_level, years_value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.lots.rates import Enhancement
    from zonedesign.lots.terms import Terms
    from zonedesign.plan import Plan

    Floats = NDArray[np.float64]

WEEKS_A_YEAR = 365 / 7


def enhanced_shares(plan: Plan, terms: Terms) -> dict[str, Floats]:
    """Return the share of every lot's hours (lots,) that each enhancement is paid for."""
    return {name: _share(plan, each) for name, each in terms.rate.enhancements.items()}


def _share(plan: Plan, each: Enhancement) -> Floats:
    if each.hours is not None:
        return np.array([at_level(each.hours, level) for level in plan.levels])
    frame = plan.of_units.frame
    if each.column not in frame.columns:
        raise DataError(
            f"lots: the units have no column '{each.column}' to tell an enhancement by"
            f"{nearest_name(each.column, frame.columns)}"
        )
    inside = frame[each.column].isin(each.values).to_numpy(dtype=np.float64)
    hours = np.asarray(plan.of_units.hours, dtype=np.float64)
    count = len(plan.zone_ids)
    every = np.bincount(plan.zone, weights=hours, minlength=count)
    held = np.bincount(plan.zone, weights=hours * inside, minlength=count)
    return np.where(every > 0, held / np.where(every > 0, every, 1.0), 0.0)


def money_frame(plan: Plan, terms: Terms) -> pd.DataFrame:
    """Return rates and values of every lot: unknown (NaN) where no rate is stated for it.

    Raises `DataError` where a rate is stated for a lot that the plan has not.
    """
    rate, term = terms.rate, terms.term_years
    strange = [lot for lot in rate.by_lot if lot not in plan.zone_ids]
    if strange:
        raise DataError(
            f"lots: rate.by_lot names {counted(len(strange), 'lot')} that the plan has not: {listed(strange)}"
            f"{nearest_name(strange[0], plan.zone_ids)}"
        )
    hours = plan.zones["weekly_hours"].to_numpy(np.float64)
    shares = enhanced_shares(plan, terms)
    rows: list[dict[str, Any]] = []
    for k, (lot, level) in enumerate(zip(plan.zone_ids, plan.levels, strict=True)):
        base = rate.of(lot, level)
        plain = np.nan if base is None else float(base)
        added = sum(shares[name][k] * each.adds for name, each in rate.enhancements.items())
        paid = plain * (1.0 + added)
        year = hours[k] * WEEKS_A_YEAR * paid
        whole = years_value(year, term, rate.rises, terms.growth_a_year)
        longer = years_value(year, terms.extension_years, rate.rises, terms.growth_a_year, term)
        floor = np.nan if terms.floor is None else terms.floor.pounds(level)
        of_wage = np.nan if terms.floor is None or terms.floor.of_wage is None else terms.floor.of_wage
        rows.append(
            {
                "base_rate": plain,
                **{f"{name}_share": float(share[k]) for name, share in shares.items()},
                "rate": paid,
                "rate_with_vat": paid * (1 + rate.vat),
                "value_a_year": year,
                "value_a_year_with_vat": year * (1 + rate.vat),
                "value_term": whole,
                "value_term_with_vat": whole * (1 + rate.vat),
                "value_extension": longer,
                "value_by_results_a_year": np.nan if terms.results is None else year * terms.results.share,
                "rate_floor": floor,
                "rate_over_floor": paid - floor,
                "wage_floor": of_wage,
                "rate_over_wage_floor": paid - of_wage,
            }
        )
    return pd.DataFrame(rows, index=pd.Index(plan.zone_ids))


def floor_frame(levels: list[str], terms: Terms) -> pd.DataFrame:
    """Return the lines of the rate's floor by level, each with its source; they add up to the floor."""
    columns = ["level", "item", "basis", "amount", "pounds", "source"]
    if terms.floor is None:
        return pd.DataFrame(columns=columns)
    rows = [{"level": level, **row} for level in levels for row in terms.floor.rows(level)]
    return pd.DataFrame(rows, columns=columns)


def money_says(money: pd.DataFrame, terms: Terms) -> list[str]:
    """Return what the values say: the forecast, the ceiling apart from it, lots under the floor."""
    said = []
    unknown = int(money["value_a_year"].isna().sum())
    if unknown == len(money):
        return ["No rate is stated, so no value is known; state lots.rate.hourly."]
    if unknown:
        some = f"{unknown:,} of {counted(len(money), 'lot')} {'has' if unknown == 1 else 'have'}"
        said.append(f"{some} no rate: values in all are those of the others.")
    forecast, longer = (float(money[name].sum()) for name in ("value_term", "value_extension"))
    line = f"Forecast value: {_pounds(float(money['value_a_year'].sum()))} in the first year, "
    line += f"{_pounds(forecast)} over {_years(terms.term_years)}"
    if terms.extension_years:
        line += f", and {_pounds(longer)} more in an extension of {_years(terms.extension_years)}"
    said.append(f"{line}, VAT not counted.")
    if terms.results is not None:
        by_results = float(money["value_by_results_a_year"].sum())
        parts = ", ".join(
            f"{_pounds(by_results * part)} for {what}" for what, part in terms.results.parts.items()
        )
        said.append(
            f"Paid by results: {terms.results.share:.0%} of the rate, {_pounds(by_results)} a year"
            f"{f': {parts}' if parts else ''}."
        )
    for column, what in (
        ("rate_over_floor", "the floor"),
        ("rate_over_wage_floor", "the minimum wage and its margin"),
    ):
        known = money[column].dropna()
        under = known.index[known < -1e-9].tolist()
        if len(known):
            lots = f"{len(under):,} of {len(money):,} lots" if under else "no lot"
            said.append(f"The rate is under {what} in {lots}.")
    return said


def ceilings_say(money: pd.DataFrame, terms: Terms) -> list[str]:
    """Return how the ceiling, the authority to spend and a year's extension stand beside the forecast."""
    if money["value_a_year"].isna().all():
        return []
    forecast, longer = (float(money[name].sum()) for name in ("value_term", "value_extension"))
    every = forecast + longer
    beside = [
        ("The framework's ceiling", terms.ceiling, every, "what is forecast with the extension"),
        ("The authority to spend", terms.authority, every, "what is forecast with the extension"),
    ]
    if terms.extension_years:
        a_year = longer / terms.extension_years
        what = "what a year of the extension is forecast at"
        beside.append(("The most for a year's extension,", terms.extension_ceiling_a_year, a_year, what))
    said = []
    for name, most, value, what in beside:
        if most is not None:
            side = "leaves" if most >= value else "is too low by"
            of = "" if name.endswith(",") else " of"
            comma = "," if name.endswith(",") else ""
            said.append(
                f"{name}{of} {_pounds(most)}{comma} is no forecast: it {side} {_pounds(abs(most - value))} "
                f"beside {what}, {_pounds(value)}."
            )
    return said


def _years(years: float) -> str:
    return "1 year" if years == 1 else f"{years:g} years"


def _pounds(value: float) -> str:
    return f"GBP {value / 1e6:,.2f}m" if abs(value) >= 1e6 else f"GBP {value:,.0f}"
