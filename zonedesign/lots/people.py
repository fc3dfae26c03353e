"""People: customers by lot and by the provider who holds their package today, as totals only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign._customers import Customers, read_customers
from zonedesign._placing import place
from zonedesign.errors import DataError, counted
from zonedesign.lots.terms import COUNCIL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

NO_PROVIDER = "not stated"
"""The provider of packages whose row names none."""


@dataclass(frozen=True, eq=False, repr=False)
class People:
    """Customers in memory: hours (c,), the position of each one's unit and lot, and who holds the package.

    `provider` and `council` (whether the council pays, or another buyer of the lots) are None where the table
    does not say. Nothing here is written anywhere: rooms above see totals by lot and provider.
    """

    hours: Floats
    unit: Ints
    lot: Ints
    provider: NDArray[Any] | None
    council: NDArray[np.bool_] | None
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<People: {len(self.hours):,} customers>"


def people_of(
    plan: Plan,
    problem: Problem,
    customers: str | Path | pd.DataFrame | Customers,
    postcodes: str | Path | pd.DataFrame | None = None,
    buyers: Sequence[str] = (COUNCIL,),
) -> People:
    """Return the customers who live in the plan's units; `DataError` where none does.

    Who names no `funding` is the council's. `buyers` are those whose packages are let.
    """
    table = customers if isinstance(customers, Customers) else read_customers(customers)
    where = place(table, problem.units, postcodes)
    at = plan.of_units.ids.get_indexer(pd.Index(where.unit.tolist(), dtype=plan.of_units.ids.dtype))
    inside = at >= 0
    if not inside.any():
        raise DataError(f"{table.source}: no customer lives in a unit of the plan; are they of this county?")
    frame = table.frame[inside]
    notes = []
    if not inside.all():
        notes.append(
            f"{table.source}: {counted(int((~inside).sum()), 'customer')} outside the plan, not counted"
        )
    provider = council = None
    if "provider" in frame.columns:
        named = frame["provider"].astype(object).where(frame["provider"].notna(), "")
        text = named.astype(str).str.strip()
        provider = text.where(text != "", NO_PROVIDER).to_numpy(dtype=object)
    if "funding" in frame.columns:
        council = frame["funding"].fillna(COUNCIL).isin(buyers).to_numpy(dtype=np.bool_)
    unit = np.asarray(at[inside], dtype=np.int64)
    hours = frame["weekly_hours"].to_numpy(np.float64)
    return People(hours, unit, plan.zone[unit], provider, council, tuple(notes))


def council_share(people: People | None, lots: int, *, of_customers: bool = False) -> Floats:
    """Return the share of each lot's hours that the council pays (lots,), 1 where that is not known.

    Or of its customers.
    """
    if people is None or people.council is None:
        return np.ones(lots)
    worth = np.ones(len(people.hours)) if of_customers else people.hours
    every = np.bincount(people.lot, weights=worth, minlength=lots)
    paid = np.bincount(people.lot, weights=worth * people.council, minlength=lots)
    return np.where(every > 0, paid / np.where(every > 0, every, 1.0), 1.0)
