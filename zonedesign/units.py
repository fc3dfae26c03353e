"""Units: the indivisible small areas, with their demand, one point each, and what touches what."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from zonedesign import _unitshapes as shaping
from zonedesign import contiguity as graphs
from zonedesign import tables
from zonedesign._unitshapes import points_of
from zonedesign.contiguity import Contiguity
from zonedesign.errors import (
    DataError,
    ScenarioError,
    counted,
    listed,
    nearest_name,
    require_columns,
    require_unique,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

NO_HOURS = "no hours were given: every unit has 0"


@dataclass(frozen=True, eq=False, repr=False)
class Units:
    """The small areas that zones are made of.

    `frame` is the caller's frame, index and geometry kept; `hours` (weekly hours, float) and `customers`
    (persons, or None where not known) are on its index, and so are `points` (a GeoSeries in the frame's CRS,
    or None without geometry) and `authority` (the commissioning council, or None). `joint` are groups of
    authorities that may share a zone; `name_column` is the column zone names are made from; `excluded` are
    the rows left out on purpose; `notes` say in plain words what was repaired, moved or counted on the way
    in.
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
        touching = (
            "no contiguity" if self.contiguity is None else f"{len(self.contiguity.pairs):,} neighbours"
        )
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
        """Return units from a frame whose index is the ids, with or without geometry; the frame is kept.

        `hours`, `customers`, `authority` and `name` are columns. `contiguity` is a `Contiguity`, a libpysal
        `Graph` or `W`, a networkx graph, or pairs of ids. Raises `DataError` for missing columns, ids that
        repeat, and demand that is negative, not a number or not finite.
        """
        require_columns(
            frame.columns, [c for c in (hours, customers, authority, name) if c], "the units' frame"
        )
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


def read_units(  # noqa: PLR0913  (the contract of section 9: one call from a file to units)
    path: str | Path,
    *,
    id: str,  # noqa: A002  (the scenario's word)
    hours: str | None = None,
    customers: str | None = None,
    layer: str | None = None,
    point: Sequence[str] | None = None,
    name: str | None = None,
    attributes: Iterable[str | Path] = (),
    authority: str | None = None,
    joint: Iterable[Sequence[Any]] = (),
    contiguity: Literal["boundary", "road"] | None = "boundary",
    contiguity_tolerance_m: float = 30.0,
    bridges: str | Iterable[Sequence[Any]] = "nearest",
    exclude: Iterable[Any] = (),
) -> Units:
    """Return the units in a file that GDAL reads, in its order, indexed by column `id`; text ids stay text.

    `attributes` are tables of more columns, joined by id. `hours`, `customers`, `authority` and `name` are
    columns; `point` is the pair of columns with each unit's point, in the units' CRS, else a representative
    point is used. Units touch within `contiguity_tolerance_m`; `bridges` join what does not hang together
    ("nearest", "none" or pairs of ids). With "road" nothing is bridged yet: `contiguity.joined_by_road` and
    `bridged` follow once there are roads. What was repaired, moved or counted is in the units' `notes`, what
    was left out on purpose (`exclude`) in `excluded`.

    Raises `DataError` for a missing file, layer or column, ids that are missing, twice or unknown, units
    without shape, point or demand, a CRS that is absent or wrong, and tables that contradict the units.
    """
    path = Path(path)
    source = path.name
    frame = tables.read_layer(path, layer)
    require_columns(frame.columns, [id], source)
    if frame.empty:
        raise DataError(f"{source} has no rows, so there are no units; is it the right layer?")
    ids = tables.text_ids(frame[id])
    require_unique(ids, "id", source)
    frame = frame.drop(columns=id).set_index(pd.Index(ids, name=id))
    notes: list[str] = []
    for table in attributes:
        frame, joined = _joined(frame, Path(table))
        notes += joined
    require_columns(
        attribute_columns(frame),
        [c for c in (hours, customers, authority, name, *(point or ())) if c],
        " with ".join([source, *(Path(table).name for table in attributes)]),
    )
    shaping.require_crs(frame.geometry, source)
    frame, mended = shaping.repaired(frame, source)
    left_out = frame.index.isin(tables.require_ids(exclude, frame.index, "exclude"))
    if left_out.all():
        raise DataError(
            f"exclude names all {len(frame):,} units of {source}; nothing is left to design zones of"
        )
    frame, excluded = frame[~left_out], frame[left_out]
    shaping.require_shapes(frame, source)
    points, moved = shaping.stated_points(frame, point, source) if point else (points_of(frame), [])
    notes += [*shaping.axis_note(frame.geometry, source), *mended, *moved]
    if len(excluded):
        notes.append(f"{counted(len(excluded), 'unit')} left out on purpose: {listed(excluded.index, 20)}")
    if hours is None:
        notes.append(NO_HOURS)
    graph = None
    if contiguity is not None:
        graph, linked = _touching(frame, contiguity, contiguity_tolerance_m, bridges)
        notes += linked
    return Units(
        frame=frame,
        hours=pd.Series(0.0, index=frame.index) if hours is None else _numbers(frame[hours], hours),
        customers=None if customers is None else _numbers(frame[customers], customers),
        points=points,
        contiguity=graph,
        authority=None if authority is None else _authorities(frame[authority], joint, source),
        joint=tuple(tuple(group) for group in joint),
        name_column=name,
        excluded=excluded if len(excluded) else None,
        notes=tuple(notes),
    )


def attribute_columns(frame: pd.DataFrame) -> list[str]:
    """Return the names of a frame's columns, its geometry left out."""
    shape = frame.geometry.name if isinstance(frame, gpd.GeoDataFrame) else None
    return [str(column) for column in frame.columns if column != shape]


def _joined(frame: gpd.GeoDataFrame, path: Path) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return the units with a table's columns, and notes of ids that have no counterpart.

    A column that the units have too must agree; where only one side has a value, that one counts.
    """
    table = tables.read_table(path)
    source, id_name = path.name, str(frame.index.name)
    require_columns(table.columns, [id_name], source)
    require_unique(tables.text_ids(table[id_name]), f"'{id_name}'", source)
    table.index = pd.Index(tables.as_ids(table[id_name], frame.index))
    table = table.drop(columns=[id_name, *table.columns.intersection([frame.geometry.name])])
    notes = []
    strange = table.index[~table.index.isin(frame.index)]
    if len(strange) == len(table):
        raise DataError(
            f"no '{id_name}' of {source} is a unit (first: {listed(strange, 1)}; "
            f"a unit: {frame.index[0]}); is it the table of these units?"
        )
    if len(strange):
        notes.append(f"{source}: {counted(len(strange), 'id')} that no unit has: {listed(strange)}; not used")
    missing = frame.index[~frame.index.isin(table.index)]
    if len(missing):
        notes.append(f"{source}: no row for {counted(len(missing), 'unit')}: {listed(missing)}")
    table = table.reindex(frame.index)
    for column in table.columns:
        if column not in frame.columns:
            continue
        differ = _contradictions(frame[column], table[column])
        if len(differ):
            raise DataError(
                f"{source} and the units disagree on '{column}' in {counted(len(differ), 'unit')}: "
                f"{listed(differ)}; "
                "correct one of them, or leave the column out of one"
            )
        ours = frame[column]
        if ours.isna().any():
            ours = ours.astype(object).where(ours.notna(), table[column]).infer_objects()
        table[column] = ours
    known = [column for column in frame.columns if column not in table.columns]
    return gpd.GeoDataFrame(pd.concat([frame[known], table], axis=1), geometry=frame.geometry.name), notes


def _contradictions(ours: pd.Series[Any], theirs: pd.Series[Any]) -> pd.Index[Any]:
    """Return the ids where both have a value and the values differ, numbers by more than rounding."""
    both = ours.notna() & theirs.notna()
    a, b = ours[both], theirs[both]
    numbers = pd.to_numeric(a, errors="coerce"), pd.to_numeric(b, errors="coerce")
    left, right = (each.to_numpy(np.float64) for each in numbers)
    same = np.isclose(left, right, rtol=1e-9, atol=1e-9)
    as_text = a.astype(str).str.strip().to_numpy() == b.astype(str).str.strip().to_numpy()
    differ: pd.Index[Any] = a.index[~(same | as_text)]
    return differ


def joins_of(bridges: str | Iterable[Sequence[Any]], ids: pd.Index[Any]) -> str | list[tuple[Any, Any]]:
    """Return bridges as `contiguity` takes them: a word, or pairs in the type of the units' ids."""
    if isinstance(bridges, str):
        return bridges
    pairs = [tables.require_ids(pair, ids, "bridges") for pair in bridges]
    if any(len(pair) != 2 for pair in pairs):
        raise ScenarioError("bridges are pairs of ids, two in each")
    return [(a, b) for a, b in pairs]


def _touching(
    frame: gpd.GeoDataFrame, contiguity: str, tolerance_m: float, bridges: str | Iterable[Sequence[Any]]
) -> tuple[Contiguity | None, list[str]]:
    """Return the contiguity graph of the included units, and a note where there can be none."""
    if contiguity not in {"boundary", "road"}:
        raise ScenarioError(f"contiguity is '{contiguity}'; it is 'boundary' or 'road'")
    joins = joins_of(bridges, frame.index)
    if not shaping.are_polygons(frame.geometry):
        return None, ["the units are points, so what touches is not known: there is no contiguity graph"]
    joins = "none" if contiguity == "road" else joins  # roads may join what would need a bridge
    return graphs.touching(frame.geometry, tolerance_m=tolerance_m, bridges=joins), []


def _authorities(column: pd.Series[Any], joint: Iterable[Sequence[Any]], source: str) -> pd.Series[Any]:
    """Return the council of every unit; `DataError` for units without one and groups of no council."""
    absent = column.index[column.isna() | (column.astype(str).str.strip() == "")]
    if len(absent):
        raise DataError(
            f"{source}: {counted(len(absent), 'unit')} without '{column.name}': {listed(absent)}; "
            "zones never mix two, so every unit needs one"
        )
    known = list(dict.fromkeys(column))
    for council in (each for group in joint for each in group):
        if council not in known:
            raise DataError(
                f"joint names '{council}', which commissions no unit{nearest_name(council, known)}"
            )
    return column


def _numbers(column: pd.Series[Any], what: str) -> pd.Series[float]:
    """Return a column as float64, or raise `DataError` naming the rows that hold no number."""
    values = pd.to_numeric(column, errors="coerce").astype(np.float64)
    wrong = column.index[values.isna()]
    if len(wrong):
        raise DataError(
            f"{what} is not a number in {counted(len(wrong), 'unit')}: {listed(wrong)}; write 0 where "
            "there is none"
        )
    return values


def _require_demand(series: pd.Series[float], what: str) -> None:
    """Raise `DataError` naming the units whose demand is negative, infinite or absent."""
    wrong = series.index[~(np.isfinite(series.to_numpy()) & (series.to_numpy() >= 0))]
    if len(wrong):
        raise DataError(
            f"{what} is negative or not finite in {counted(len(wrong), 'unit')}: {listed(wrong)}; it must "
            "be 0 or more"
        )
