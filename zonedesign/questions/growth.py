"""Growth: how demand is expected to change, from a table by district."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign import tables
from zonedesign.errors import DataError, counted, listed, nearest_name, require_columns, require_unique

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.units import Units

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

FIGURES = ("growth_percent", "years", "share_of_demand", "source")
"""Columns of a table of growth beside the one of codes."""
OTHERS = "*"
"""The code that stands for all that the table does not name."""


@dataclass(frozen=True, eq=False)
class Growth:
    """Classes of growth, and the class of every unit (n,).

    Demand of class c after t years is 1 + share[c] ((1 + growth[c]) ** (t / years[c]) - 1) times today's: a
    share of it grows evenly, compounding, so that after `years` it is 1 + growth times what it was; the rest
    stays. `names` are the codes.
    """

    of_unit: Ints
    growth: Floats
    years: Floats
    share: Floats
    names: tuple[str, ...]

    def factors(self, times: Floats) -> Floats:
        """Return today's demand's multiple (classes, times) at times in years."""
        rate = (1.0 + self.growth)[:, None] ** (times[None, :] / self.years[:, None])
        found: Floats = 1.0 + self.share[:, None] * (rate - 1.0)
        return found

    @property
    def still(self) -> Growth:
        """The same classes without any growth."""
        return Growth(self.of_unit, np.zeros_like(self.growth), self.years, self.share, self.names)


def no_growth(units: Units) -> Growth:
    """Return growth of nothing."""
    one = np.ones(1)
    return Growth(np.zeros(len(units), dtype=np.int64), np.zeros(1), one, one, ("everywhere",))


def growth_of(units: Units, table: Any) -> Growth:
    """Return the growth that a table states, a frame or a file; None is no growth.

    The table has one column that the units have too (a district, say), with its codes, and `growth_percent`:
    56 is 56 % more. `years` is the time that takes, 1 unless given: growth a year. `share_of_demand` is the
    part of demand that grows so, 1 unless given; a `source` is read over. A code `*` stands for all others.
    Raises `DataError` for columns or codes that are not there.
    """
    if table is None:
        return no_growth(units)
    source = "the table of growth" if isinstance(table, pd.DataFrame) else Path(table).name
    rows = table.copy() if isinstance(table, pd.DataFrame) else tables.read_table(table)
    require_columns(rows.columns, ["growth_percent"], source)
    columns = [name for name in map(str, rows.columns) if name not in FIGURES]
    known = [name for name in columns if name in units.frame.columns]
    if len(known) != 1:
        have = listed(units.frame.columns, 8)
        named = f"has {listed(columns)}" if columns else "has none"
        raise DataError(
            f"{source} needs one column of codes that the units have too, and {named}; units have {have}"
        )
    codes = [tables.as_text(code) for code in rows[known[0]]]
    require_unique(codes, f"{known[0]}", source)
    figures = {
        "growth_percent": _figures(rows, "growth_percent", 0.0, -100.0, source),
        "years": _figures(rows, "years", 1.0, 0.0, source),
        "share_of_demand": _figures(rows, "share_of_demand", 1.0, 0.0, source),
    }
    if (figures["years"] <= 0).any() or (figures["share_of_demand"] > 1).any():
        raise DataError(f"{source}: years must be above 0, and share_of_demand from 0 to 1")
    place = {code: k for k, code in enumerate(codes)}
    of_unit = [place.get(tables.as_text(code), place.get(OTHERS, -1)) for code in units.frame[known[0]]]
    lost = [code for code, at in zip(units.frame[known[0]], of_unit, strict=True) if at < 0]
    if lost:
        absent = list(dict.fromkeys(lost))
        raise DataError(
            f"{source} has no growth for {counted(len(absent), 'code')} of '{known[0]}': {listed(absent)}"
            f"{nearest_name(absent[0], codes)}; add them, or a row '{OTHERS}' for all others"
        )
    return Growth(
        np.array(of_unit, dtype=np.int64),
        figures["growth_percent"] / 100.0,
        figures["years"],
        figures["share_of_demand"],
        tuple(str(code) for code in codes),
    )


def _figures(rows: pd.DataFrame, name: str, usual: float, least: float, source: str) -> Floats:
    """Return a column of numbers, the usual where it is absent; `DataError` names rows without a number."""
    if name not in rows.columns:
        return np.full(len(rows), usual)
    values = np.asarray(tables.as_numbers(rows[name], name, source), dtype=np.float64)
    wrong = [k + 1 for k, value in enumerate(values) if not (math.isfinite(value) and value >= least)]
    if wrong:
        raise DataError(
            f"{source}: {name} is missing or below {least:g} in {counted(len(wrong), 'row')}: {listed(wrong)}"
        )
    return values
