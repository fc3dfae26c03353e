"""Demand: weekly hours and customers of every unit, from customers, from columns or from totals."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign import tables
from zonedesign._customers import Customers, read_customers
from zonedesign._placing import Places, place
from zonedesign.errors import DataError, ScenarioError, counted, listed, nearest_name, require_columns
from zonedesign.units import NO_HOURS, Units, attribute_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOG = logging.getLogger(__name__)

UNPLACED_SHARE = 0.01
"""More than this share of customers, or of their hours, in no unit is refused."""

Growth = float | str | Mapping[str, Any] | None
"""A factor, a column of factors, or a table by border: `{column, by: {code: factor}}` or `{column, path}`."""


def from_columns(units: Units, *, hours: str, customers: str | None = None, growth: Growth = None) -> Units:
    """Return the units with the demand that stands in their columns.

    Raises `DataError` for columns that are absent, and naming the units whose demand is missing, text or
    negative.
    """
    require_columns(attribute_columns(units.frame), [c for c in (hours, customers) if c], "the units' table")
    found = _demand(units.frame[hours], hours)
    people = None if customers is None else _demand(units.frame[customers], customers)
    notes = []
    if units.excluded is not None:
        gone, lost = pd.to_numeric(units.excluded[hours], errors="coerce"), None
        if customers is not None:
            lost = float(pd.to_numeric(units.excluded[customers], errors="coerce").sum())
        notes.append(_left_out(len(gone), float(gone.sum()), lost))
    return _with(units, found, people, growth, notes)


def from_totals(
    units: Units,
    *,
    total_hours: float,
    spread_by: str,
    total_customers: int | None = None,
    growth: Growth = None,
) -> Units:
    """Return the units with `total_hours * column / column.sum()`, unrounded, and customers whole.

    Customers go by largest remainder, ties by unit id. Totals are the whole file's: units left out on purpose
    take their part with them, and a note says how much. Raises `DataError` for a column that is absent,
    negative or all zero.
    """
    require_columns(attribute_columns(units.frame), [spread_by], "the units' table")
    everyone = units.frame[spread_by]
    if units.excluded is not None:
        everyone = pd.concat([everyone, units.excluded[spread_by]])
    weights = _demand(everyone, spread_by)
    total = float(weights.sum())
    if total <= 0:
        raise DataError(
            f"'{spread_by}' is 0 in every unit, so nothing can be spread by it; choose another column"
        )
    hours = total_hours * weights / total
    people = None
    if total_customers is not None:
        whole = largest_remainder(total_customers, weights.to_numpy(np.float64), _ranks(weights.index))
        people = pd.Series(whole.astype(np.float64), index=weights.index)
    notes = [f"{total_hours:,g} hours a week spread over the units by '{spread_by}'"]
    if units.excluded is not None:
        gone = units.excluded.index
        notes.append(
            _left_out(len(gone), float(hours[gone].sum()), None if people is None else people[gone].sum())
        )
        hours, people = hours[units.ids], None if people is None else people[units.ids]
    return _with(units, hours, people, growth, notes)


def from_customers(
    units: Units,
    customers: str | Path | pd.DataFrame | Customers,
    *,
    postcodes: str | Path | pd.DataFrame | None = None,
    growth: Growth = None,
) -> Units:
    """Return the units with the hours and number of the customers who live in each; only sums are kept.

    A point belongs to the unit that holds it, or else to the nearest within 100 m. Customers in units left
    out on purpose are counted; customers in no unit, or with an unknown postcode, are counted and named in
    the log. Raises `DataError` where these are beyond 1 % of customers or of hours, and for rows that cannot
    be read.
    """
    people = customers if isinstance(customers, Customers) else read_customers(customers)
    places = place(people, units, postcodes)
    _require_placed(people, places)
    inside = places.unit.isin(units.ids)
    table = people.frame[inside]
    at = units.ids.get_indexer(pd.Index(places.unit[inside]))
    hours = _summed(table["weekly_hours"], at, units)
    number = _summed(pd.Series(1.0, index=table.index), at, units)
    notes = [*people.notes, *places.notes]
    if units.excluded is not None:
        gone = people.frame.loc[places.unit.isin(units.excluded.index), "weekly_hours"]
        notes.append(_left_out(len(units.excluded), float(gone.sum()), len(gone)))
    if "visits_per_week" in table and "visits_per_week" not in units.frame.columns:
        visits = _summed(table["visits_per_week"].fillna(0.0), at, units) * growth_factors(units, growth)
        units = replace(units, frame=units.frame.assign(visits_per_week=visits))
        if silent := int(table["visits_per_week"].isna().sum()):
            notes.append(
                f"{people.source}: {counted(silent, 'customer')} without visits_per_week, 0 of the visits"
            )
    return _with(units, hours, number, growth, notes)


def packages_of(
    units: Units, customers: str | Path | pd.DataFrame | Customers, *, postcodes: Any = None
) -> pd.DataFrame:
    """Return a row for each customer in a unit, with its `unit` and `weekly_hours`: no id, no place, no more.

    Customers who are in no unit, or in one left out on purpose, are left out; `from_customers` names them.
    """
    people = customers if isinstance(customers, Customers) else read_customers(customers)
    unit = place(people, units, postcodes).unit
    inside = unit.isin(units.ids)
    table = pd.DataFrame({"unit": unit[inside], "weekly_hours": people.frame.loc[inside, "weekly_hours"]})
    # In the order of units and hours, which is that of no list of people.
    return table.sort_values(["unit", "weekly_hours"], kind="stable", ignore_index=True)


def packages_later(
    units: Units, customers: str | Path | None, postcodes: str | Path | None = None
) -> Callable[[], pd.Series[float]] | None:
    """Return what reads customers' hours on the index of units, once it is called; None without customers.

    Where hours grow, each customer's grow as those of the unit do.
    """
    if customers is None:
        return None

    @cache
    def read() -> pd.Series[float]:
        rows = packages_of(units, customers, postcodes=postcodes).set_index("unit")["weekly_hours"]
        now = rows.groupby(level=0).sum()
        grown: pd.Series[float] = rows * (units.hours.reindex(now.index) / now).reindex(rows.index)
        return grown

    return read


def _summed(values: pd.Series[float], at: NDArray[np.int64], units: Units) -> pd.Series[float]:
    """Return the sum of customers' values in each unit; `at` are the units' positions."""
    weights = values.to_numpy(np.float64)
    return pd.Series(np.bincount(at, weights=weights, minlength=len(units)), index=units.ids)


def largest_remainder(
    total: int, weights: NDArray[np.floating[Any]], rank: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return whole numbers (n,) that add up to `total`, in proportion to `weights`; ties by lowest `rank`.

    The Hare quota, or Hamilton's method. Weights are 0 or more, and not all 0 unless `total` is.
    """
    if total == 0:
        return np.zeros(len(weights), dtype=np.int64)
    quota = total * (weights / weights.sum())
    # a hair below a whole number is that number: 3 x (1 / 3) must not depend on rounding
    whole: NDArray[np.int64] = np.floor(quota + 1e-9).astype(np.int64)
    remainder = np.round(quota - whole, 9)
    order = np.lexsort((rank, -remainder))
    whole[order[: int(total - whole.sum())]] += 1
    return whole


def growth_factors(units: Units, growth: Growth) -> pd.Series[float]:
    """Return the factor by which each unit's demand grows.

    Raises `DataError` for a column or code that is not there, and `ScenarioError` for a factor below 0.
    """
    if growth is None:
        return pd.Series(1.0, index=units.ids)
    if isinstance(growth, str):
        require_columns(attribute_columns(units.frame), [growth], "the units' table")
        return _demand(units.frame[growth], growth)
    if isinstance(growth, Mapping):
        return _by_border(units, growth)
    return pd.Series(_factor(growth, "growth"), index=units.ids)


def _by_border(units: Units, growth: Mapping[str, Any]) -> pd.Series[float]:
    if "column" not in growth or ("by" in growth) == ("path" in growth):
        raise ScenarioError("growth by border needs column, and either by or path")
    column = str(growth["column"])
    require_columns(attribute_columns(units.frame), [column], "the units' table")
    codes = units.frame[column]
    if "path" in growth:
        source = Path(growth["path"]).name
        table = tables.read_table(growth["path"])
        require_columns(table.columns, [column, "growth"], source)
        factors = dict(zip(tables.as_ids(table[column], pd.Index(codes)), table["growth"], strict=True))
    else:
        source = "growth.by"
        factors = dict(growth["by"])
        factors = dict(zip(tables.as_ids(factors, pd.Index(codes)), factors.values(), strict=True))
    absent = [code for code in dict.fromkeys(codes) if code not in factors]
    if absent:
        raise DataError(
            f"{source} has no growth for {counted(len(absent), 'code')} of '{column}': {listed(absent)}"
            f"{nearest_name(absent[0], factors)}; write 1.0 where nothing grows"
        )
    known = {code: _factor(value, f"growth of {code}") for code, value in factors.items()}
    return codes.map(known).astype(np.float64)


def _factor(value: Any, what: str) -> float:
    good = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not good or not math.isfinite(float(value)) or float(value) < 0:
        raise ScenarioError(f"{what} is {value!r}; it is a factor of 0 or more (1.14 for 14 % more)")
    return float(value)


def _with(
    units: Units,
    hours: pd.Series[float],
    customers: pd.Series[float] | None,
    growth: Growth,
    notes: list[str],
) -> Units:
    """Return the units with this demand, grown: hours in proportion, whole customers again whole.

    Customers who were whole numbers are shared out by largest remainder, of their grown total to the nearest
    one.
    """
    if growth is not None:
        factors = growth_factors(units, growth)
        before = float(hours.sum())
        hours = hours * factors
        if customers is not None:
            grown = customers * factors
            if (customers == np.floor(customers)).all():
                total = math.floor(float(grown.sum()) + 0.5)
                customers = pd.Series(
                    largest_remainder(total, grown.to_numpy(np.float64), units.id_order).astype(np.float64),
                    index=grown.index,
                )
            else:
                customers = grown
        notes = [*notes, f"growth: hours a week from {before:,.1f} to {float(hours.sum()):,.1f}"]
    kept = tuple(note for note in units.notes if note != NO_HOURS)
    return replace(
        units,
        hours=hours.rename("hours").reindex(units.ids),
        customers=None if customers is None else customers.rename("customers").reindex(units.ids),
        notes=(*kept, *notes),
    )


def _demand(column: pd.Series[Any], what: str) -> pd.Series[float]:
    """Return a column as float64; `DataError` names units where it is missing, text, infinite or negative."""
    values = tables.as_numbers(column, what, "the units", "unit")
    for wrong, fault in (
        (values.isna(), "missing"),
        (np.isinf(values), "infinite"),
        (values < 0, "negative"),
    ):
        if wrong.any():
            named = column.index[wrong]
            raise DataError(
                f"{what} is {fault} in {counted(len(named), 'unit')}: {listed(named)}; "
                "write 0 where there is none, or exclude the unit"
            )
    return values


def _ranks(ids: pd.Index[Any]) -> NDArray[np.int64]:
    keys = ids.to_numpy() if pd.api.types.is_numeric_dtype(ids.dtype) else np.array([str(i) for i in ids])
    rank = np.empty(len(ids), dtype=np.int64)
    rank[np.argsort(keys, kind="stable")] = np.arange(len(ids))
    return rank


def _left_out(units: int, hours: float, customers: float | None) -> str:
    people = "" if customers is None else f" and {counted(int(customers), 'customer')}"
    return (
        f"the {counted(units, 'unit')} left out on purpose take {hours:,.1f} hours a week{people} with them"
    )


def _require_placed(people: Customers, places: Places) -> None:
    """Log the customers that are in no unit by id; `DataError` where they are too many to leave out."""
    lost = places.unplaced
    if lost.empty:
        return
    hours = people.frame["weekly_hours"]
    share = len(lost) / len(hours)
    hours_share = float(hours[lost.index].sum() / hours.sum()) if hours.sum() > 0 else 0.0
    reasons = "; ".join(
        f"{counted(len(group), 'customer')} {reason}: {listed(group.index, 20)}"
        for reason, group in lost.groupby(lost)
    )
    if share > UNPLACED_SHARE or hours_share > UNPLACED_SHARE:
        raise DataError(
            f"{people.source}: {reasons}; that is {share:.1%} of customers and {hours_share:.1%} of "
            "hours, and more "
            f"than {UNPLACED_SHARE:.0%} cannot be left out: correct the rows, or add the units they live in"
        )
    LOG.warning("%s: left out: %s", people.source, reasons)
