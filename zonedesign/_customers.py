"""The customers' table: read, checked row by row, named by id and never by place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from zonedesign import tables
from zonedesign.errors import DataError, counted, listed, require_columns, require_unique

COLUMNS = (
    "id", "weekly_hours", "easting", "northing", "lon", "lat", "postcode", "client_group", "visits_per_week",
    "minutes_per_visit", "carers_per_visit", "time_critical", "funding", "provider",
)  # fmt: skip
FUNDING = ("council", "nhs", "self")
_YES, _NO = ("yes", "y", "true", "t", "1", "1.0"), ("no", "n", "false", "f", "0", "0.0", "")
_DISAGREE = 0.05
"""Hours and visits that differ by more than this share are counted: one of the two is out of date."""


@dataclass(frozen=True, eq=False, repr=False)
class Customers:
    """Customers by id: `weekly_hours` (float) and what else the table gave, checked. `source` is the file.

    Frames hold people's homes: they stay in memory, and only sums by unit leave it.
    """

    frame: pd.DataFrame
    source: str
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        hours = self.frame["weekly_hours"].sum()
        return f"<Customers: {len(self.frame):,} of {self.source}, {hours:,.1f} hours/week>"


def read_customers(table: str | Path | pd.DataFrame) -> Customers:
    """Return the customers of a table, or of a frame with the same columns.

    `weekly_hours` may be empty where visits_per_week and minutes_per_visit (and carers_per_visit, 1 unless
    said) are given: hours = visits x minutes x carers / 60. Raises `DataError` for absent columns, and naming
    the rows whose id is missing or twice, or whose figures are negative, missing or text.
    """
    source = "the customers" if isinstance(table, pd.DataFrame) else Path(table).name
    rows = table.copy() if isinstance(table, pd.DataFrame) else tables.read_table(table)
    rows.columns = [known_name(name) for name in rows.columns]
    if "id" not in rows.columns and rows.index.name is not None:
        rows = rows.reset_index().rename(columns={rows.index.name: "id"})
    require_columns(rows.columns, ["id"], source)
    twice = rows.columns[rows.columns.duplicated()]
    if len(twice):
        raise DataError(f"{source} has the column '{twice[0]}' twice; keep one")
    ids = tables.text_ids(rows["id"])
    require_unique(ids, "customer id", source)
    if rows.empty:
        raise DataError(f"{source} has no customers; it needs a row for each")
    frame = rows.drop(columns="id").set_index(pd.Index(ids, name="id"))
    for name, least in (("visits_per_week", 0.0), ("minutes_per_visit", 0.0), ("carers_per_visit", 1.0)):
        if name in frame.columns:
            frame[name] = _figures(frame[name], name, source, least)
    frame["weekly_hours"], notes = _hours(frame, source)
    if "time_critical" in frame.columns:
        frame["time_critical"] = _flags(frame["time_critical"], source)
    if "funding" in frame.columns:
        frame["funding"] = _funding(frame["funding"], source)
    return Customers(frame, source, tuple(notes))


def known_name(name: Any) -> str:
    """Return the contract's name where a column is that name in other letters or with blanks around it."""
    plain = str(name).strip()
    return plain.lower() if plain.lower() in COLUMNS else plain


def _figures(column: pd.Series[Any], name: str, source: str, least: float) -> pd.Series[float]:
    values = tables.as_numbers(column, name, source)
    wrong = values.index[(values < least) | np.isinf(values)]
    if len(wrong):
        raise DataError(
            f"{source}: {name} is below {least:g} or infinite in {counted(len(wrong), 'row')}: "
            f"{listed(wrong)}; "
            "correct these rows"
        )
    return values


def _hours(frame: pd.DataFrame, source: str) -> tuple[pd.Series[float], list[str]]:
    """Return weekly hours as stated, or else from the visits, and notes of how many are which."""
    from_visits = None
    if {"visits_per_week", "minutes_per_visit"} <= set(frame.columns):
        carers = frame["carers_per_visit"].fillna(1.0) if "carers_per_visit" in frame.columns else 1.0
        from_visits = frame["visits_per_week"] * frame["minutes_per_visit"] * carers / 60.0
    if "weekly_hours" not in frame.columns and from_visits is None:
        require_columns(frame.columns, ["weekly_hours"], source)
    if "weekly_hours" in frame.columns:
        stated = tables.as_numbers(frame["weekly_hours"], "weekly_hours", source)
    else:
        stated = pd.Series(np.nan, index=frame.index)
    negative = stated.index[(stated < 0) | np.isinf(stated)]
    if len(negative):
        raise DataError(
            f"{source}: weekly_hours is negative or infinite in {counted(len(negative), 'row')}: "
            f"{listed(negative)}; "
            "correct these rows"
        )
    hours = stated if from_visits is None else stated.fillna(from_visits)
    missing = hours.index[hours.isna()]
    if len(missing):
        raise DataError(
            f"{source}: weekly_hours is missing in {counted(len(missing), 'row')}: {listed(missing)}; "
            "give hours, or visits_per_week and minutes_per_visit"
        )
    notes = []
    if from_visits is not None:
        filled = int(stated.isna().sum())
        if filled:
            notes.append(f"{source}: hours of {counted(filled, 'customer')} worked out from visits")
        differ = int(((stated - from_visits).abs() > _DISAGREE * stated.clip(lower=1.0)).sum())
        if differ:
            notes.append(
                f"{source}: weekly_hours and visits differ by more than {_DISAGREE:.0%} for "
                f"{counted(differ, 'customer')}; weekly_hours counts"
            )
    return hours.astype(np.float64), notes


def _flags(column: pd.Series[Any], source: str) -> pd.Series[bool]:
    text = column.fillna("").astype(str).str.strip().str.lower()
    wrong = column.index[~text.isin([*_YES, *_NO])]
    if len(wrong):
        raise DataError(
            f"{source}: time_critical is neither yes nor no in {counted(len(wrong), 'row')}: {listed(wrong)}"
        )
    return text.isin(_YES)


def _funding(column: pd.Series[Any], source: str) -> pd.Series[Any]:
    text = column.fillna("").astype(str).str.strip().str.lower()
    wrong = column.index[~text.isin([*FUNDING, ""])]
    if len(wrong):
        raise DataError(
            f"{source}: funding is none of {', '.join(FUNDING)} in {counted(len(wrong), 'row')}: "
            f"{listed(wrong)}"
        )
    return text.where(text != "", None)
