"""Units: the indivisible small areas, with their demand, one point each, and what touches what."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign.contiguity import Contiguity
from zonedesign.errors import DataError, counted, listed, require_columns, require_unique

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, repr=False)
class Units:
    """The small areas that zones are made of.

    `frame` is the caller's frame, index and geometry kept; `hours` (weekly hours, float) and `customers` (persons,
    or None where not known) are on its index, and so are `points` (a GeoSeries in the frame's CRS, or None without
    geometry) and `authority` (the commissioning council, or None). `joint` are groups of authorities that may share
    a zone; `name_column` is the column zone names are made from; `excluded` are the rows left out on purpose;
    `notes` say in plain words what was repaired, moved or counted on the way in.
    """

    frame: pd.DataFrame | gpd.GeoDataFrame
    hours: pd.Series[float]
    customers: pd.Series[float] | None = None
    points: gpd.GeoSeries | None = None
    contiguity: Contiguity | None = None
    authority: pd.Series[Any] | None = None
    joint: tuple[tuple[Any, ...], ...] = ()
    name_column: str | None = None
    excluded: gpd.GeoDataFrame | pd.DataFrame | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_unique(self.frame.index, "unit id", "the units")
        if self.frame.empty:
            raise DataError("there are no units; a problem needs one at least")
        for series, what in ((self.hours, "hours"), (self.customers, "customers")):
            if series is not None:
                _require_demand(series, what)
        if self.contiguity is not None and not self.contiguity.ids.equals(self.frame.index):
            raise DataError("the contiguity graph is not on the units' ids, in their order")

    @property
    def ids(self) -> pd.Index[Any]:
        """The unit ids, in the caller's order and type."""
        return self.frame.index

    @cached_property
    def id_order(self) -> NDArray[np.int64]:
        """The rank of every unit (n,) by id: numbers by size, everything else as text; breaks all ties."""
        ids = self.ids
        keys = ids.to_numpy() if pd.api.types.is_numeric_dtype(ids.dtype) else np.array([str(i) for i in ids])
        rank = np.empty(len(ids), dtype=np.int64)
        rank[np.argsort(keys, kind="stable")] = np.arange(len(ids))
        return rank

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        people = "" if self.customers is None else f", {self.customers.sum():,.0f} customers"
        touching = "no contiguity" if self.contiguity is None else f"{len(self.contiguity.pairs):,} neighbours"
        return f"<Units: {len(self):,} units, {self.hours.sum():,.1f} hours/week{people}, {touching}>"

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame | gpd.GeoDataFrame,
        *,
        hours: str,
        customers: str | None = None,
        contiguity: Any = None,
        authority: str | None = None,
        name: str | None = None,
    ) -> Units:
        """Return units from a frame whose index is the ids, with or without geometry; the frame is kept as given.

        `hours`, `customers`, `authority` and `name` are columns. `contiguity` is a `Contiguity`, a libpysal `Graph`
        or `W`, a networkx graph, or pairs of ids. Raises `DataError` for missing columns, ids that repeat, and
        demand that is negative, not a number or not finite.
        """
        require_columns(frame.columns, [c for c in (hours, customers, authority, name) if c], "the units' frame")
        points = None
        if hasattr(frame, "geometry") and hasattr(frame, "crs"):
            points = points_of(frame)
        return cls(
            frame=frame,
            hours=_numbers(frame[hours], hours),
            customers=None if customers is None else _numbers(frame[customers], customers),
            points=points,
            contiguity=None if contiguity is None else Contiguity.from_graph(frame.index, contiguity),
            authority=None if authority is None else frame[authority],
            name_column=name,
        )


def points_of(frame: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return one point per unit that lies in it: the point itself, or a representative point of its polygon."""
    shapes = frame.geometry
    absent = frame.index[shapes.isna() | shapes.is_empty]
    if len(absent):
        raise DataError(f"{counted(len(absent), 'unit')} without geometry: {listed(absent)}; give each a shape or exclude it")
    return shapes.representative_point()


def _numbers(column: pd.Series[Any], what: str) -> pd.Series[float]:
    """Return a column as float64, or raise `DataError` naming the rows that hold no number."""
    values = pd.to_numeric(column, errors="coerce").astype(np.float64)
    wrong = column.index[values.isna()]
    if len(wrong):
        raise DataError(f"{what} is not a number in {counted(len(wrong), 'unit')}: {listed(wrong)}; write 0 where there is none")
    return values


def _require_demand(series: pd.Series[float], what: str) -> None:
    """Raise `DataError` naming the units whose demand is negative, infinite or absent."""
    wrong = series.index[~(np.isfinite(series.to_numpy()) & (series.to_numpy() >= 0))]
    if len(wrong):
        raise DataError(f"{what} is negative or not finite in {counted(len(wrong), 'unit')}: {listed(wrong)}; it must be 0 or more")
