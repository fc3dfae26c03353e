"""Publication: what may be printed of several plans of the same customers, and what a reader makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign.disclosure.asking import Ask, asks_of, meets, reader_of
from zonedesign.disclosure.figures import Figures, Table, lay_out
from zonedesign.disclosure.hiding import Hidden, hide
from zonedesign.disclosure.policy import Policy
from zonedesign.disclosure.rounded import ranges, rounded
from zonedesign.errors import DataError, counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from zonedesign.disclosure.policy import Rounding
    from zonedesign.disclosure.reader import Reader
    from zonedesign.levels import Level
    from zonedesign.plan import Plan

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

DRAWS = 25
"""How often chance is tried anew where a rounding gives a figure away."""


@dataclass(frozen=True, eq=False, repr=False)
class Publication:
    """Tables that may be printed together.

    `printed` are the figures (f,) to print by quantity, NaN where hidden. `figures` and `hidden` are the true
    figures and how the choice was made: they are not for printing.
    """

    tables: Mapping[str, Table]
    policy: Policy
    levels: tuple[Level, ...]
    printed: Mapping[str, Floats]
    figures: Figures = field(repr=False)
    hidden: Hidden = field(repr=False)
    demand: pd.DataFrame = field(repr=False)
    packages: bool = False
    residents: bool = False

    def __repr__(self) -> str:
        gone = int(self.hidden.figures.sum())
        tables, figures = counted(len(self.tables), "table"), counted(len(self.figures.covers), "figure")
        return f"<Publication: {tables}, {figures}, {gone:,} hidden>"

    @property
    def frame(self) -> pd.DataFrame:
        """A row for every figure and where it stands: table, kind, name, level, figures or NaN, hidden."""
        rows = [
            (e.table, e.kind, e.name, e.level, *(float(v[e.figure]) for v in self.printed.values()),
             bool(self.hidden.figures[e.figure]))
            for e in self.figures.entries
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=["table", "kind", "name", "level", *self.printed, "hidden"])


def publish(
    tables: Mapping[str, Table | Plan],
    demand: pd.DataFrame | None = None,
    *,
    policy: Policy | None = None,
    levels: Sequence[Level] = (),
    borders: Mapping[str, pd.Series[Any]] | None = None,
    packages: pd.Series[float] | None = None,
    residents: pd.Series[float] | None = None,
) -> Publication:
    """Return what may be printed of several plans' tables of the same customers, all read together.

    `tables` are Plans or `Table`s by name; `demand` has `weekly_hours` and `customers` by unit (the first
    plan's unless given). Totals are printed for every level, overall, and for each of `borders` (unit to
    code). `packages` are the hours of every customer, on the index of units: for the dominance rule.
    `residents` is a published count of people by unit that no number of customers can exceed. Raises
    `DataError` where tables and demand do not fit, or no rounding is safe.
    """
    policy = policy or Policy()
    made = {name: table if isinstance(table, Table) else Table.of(table) for name, table in tables.items()}
    if demand is None:
        demand = _demand_of(tables)
    figures = lay_out(
        made, demand, policy, levels=levels, borders=borders, packages=packages, residents=residents
    )
    asks = asks_of(figures, policy)
    nothing = Hidden(np.zeros(len(figures.covers), dtype=bool), asks, {q: {} for q in asks})
    plain = Publication(
        made, policy, tuple(levels), figures.value, figures, nothing, demand,
        packages=packages is not None, residents=residents is not None,
    )  # fmt: skip
    if policy.rounding is not None:
        return _rounded(plain, policy.rounding)
    hidden = hide(figures, made, policy)
    printed = {q: np.where(hidden.figures, np.nan, value) for q, value in figures.value.items()}
    return replace(plain, printed=printed, hidden=hidden)


def attack_all(published: Publication) -> pd.DataFrame:
    """Return what a reader can narrow every figure to that is hidden, small or dominated: a row a quantity.

    `table`, `kind` and `name` say where it stands (a part between tables has kind `part`, and names the zone
    of every table that it lies in), `low` and `high` what he reaches, `asked_width` and `asked_high` the
    protection asked, `safe` whether he fails. Exact: two programs a row, in whole numbers where they are.
    The frame says which figures are small, so it is not for publication.
    """
    figures, rows = published.figures, []
    place = {entry.figure: entry for entry in reversed(figures.entries)}
    for quantity in figures.quantities:
        reader, hidden = _reader(published, quantity)
        lowered = published.hidden.lowered[quantity]
        for k, last in enumerate(published.hidden.asks[quantity]):
            ask = lowered.get(k, last)
            if ask.figure >= 0 and not (published.hidden.figures | figures.must)[ask.figure]:
                continue
            low, high = (reader.end(ask.goal, hidden, sign)[0] for sign in (-1.0, 1.0))
            if not meets(ask, low, high):
                ask = _but_for_bands(published, ask)
            if ask.figure >= 0:
                entry = place[ask.figure]
                where = (entry.table, entry.kind, entry.name)
            else:
                where = ("", "part", part_name(published, ask.atom))
            rows.append((*where, quantity, low, high, ask.width, ask.high, meets(ask, low, high)))
    columns = ["table", "kind", "name", "figure", "low", "high", "asked_width", "asked_high", "safe"]
    return pd.DataFrame(rows, columns=columns).astype({"safe": bool})


def part_name(published: Publication, atom: int) -> str:
    """Return the zones that a part between tables lies in."""
    unit = published.figures.units[int(np.flatnonzero(published.figures.atom_of == atom)[0])]
    zones = [(name, table.zone.get(unit)) for name, table in published.tables.items()]
    return ", ".join(f"{name}: {zone}" for name, zone in zones if isinstance(zone, str) or zone == zone)  # noqa: PLR0124


def _reader(published: Publication, quantity: str) -> tuple[Reader, Flags]:
    """Return the reader of what is printed of a quantity, and which figures he does not see exactly."""
    figures, rounding = published.figures, published.policy.rounding
    reader = reader_of(figures, quantity, published.policy)
    if rounding is None:
        return reader, published.hidden.figures
    low, high = ranges(figures, published.printed, rounding)[quantity]
    seen = replace(
        reader, floor=np.maximum(low, reader.floor), ceiling=np.minimum(high, reader.ceiling), kept={}
    )
    return seen, np.ones(len(low), dtype=bool)


def _but_for_bands(published: Publication, ask: Ask) -> Ask:
    """Return an ask lowered to what is left where no figure is printed at all: bands and census alone."""
    figures = published.figures
    reader = reader_of(figures, ask.quantity, published.policy)
    nothing = np.any([figures.value[q] > 0 for q in figures.quantities], axis=0)
    if published.policy.rounding is not None:
        nothing[:] = True
    low, high = (reader.end(ask.goal, nothing, sign)[0] for sign in (-1.0, 1.0))
    return replace(ask, width=min(ask.width, high - low), high=min(ask.high, high))


def _rounded(plain: Publication, rounding: Rounding) -> Publication:
    """Return the tables rounded, by the first chance of the dice that gives nothing away."""
    figures, unsafe = plain.figures, 0
    for draw in range(DRAWS if rounding.controlled else 1):
        made = replace(plain, printed=rounded(figures, rounding, draw))
        unsafe = int((~attack_all(made)["safe"]).sum())
        if not unsafe:
            return made
    raise DataError(
        f"rounded to base {rounding.base}, {counted(unsafe, 'figure')} can still be told too closely; "
        f"take a base of {2 * rounding.base} or more, or hide figures in place of rounding"
    )


def _demand_of(tables: Mapping[str, Any]) -> pd.DataFrame:
    """Return the demand of the first plan's units, which every plan here must share."""
    plans = [table for table in tables.values() if not isinstance(table, Table)]
    if not plans:
        raise DataError("the tables have no demand; give a frame of weekly_hours and customers by unit")
    units = plans[0].of_units
    return pd.DataFrame({"weekly_hours": units.hours, "customers": units.customers}, index=units.ids)
