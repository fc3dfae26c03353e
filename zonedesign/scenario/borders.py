"""Borders and the baseline of a scenario: what code, and what zone today, each unit has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign import tables
from zonedesign._placing import NEAR, SHARED, holding
from zonedesign._unitshapes import repaired, require_crs
from zonedesign.errors import (
    DataError,
    ScenarioError,
    counted,
    listed,
    nearest_name,
    require_columns,
    require_unique,
)
from zonedesign.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zonedesign.levels import Level
    from zonedesign.scenario.settings import BorderTable, LocksTable
    from zonedesign.traveltimes import TravelTimes
    from zonedesign.units import Units


def border_of(border: BorderTable | str, units: Units, what: str, notes: list[str]) -> pd.Series[Any]:
    """Return the code of every unit: a column's, a table's, or that of the polygon with its point.

    Adds notes of units placed by nearness or in several polygons. Raises `DataError` naming units without a
    code.
    """
    if isinstance(border, str):
        require_columns(units.frame.columns, [border], f"{what}: the units")
        return units.frame[border]
    source = Path(border.path).name
    if _is_table(border.path):
        codes = _from_table(border, units, source, notes)
    else:
        codes = _from_polygons(border, units, source, notes)
    absent = codes.index[codes.isna()]
    if len(absent):
        raise DataError(
            f"{source}: {counted(len(absent), 'unit')} in no '{border.id}': {listed(absent)}; "
            "a border set covers every unit, so complete it or exclude these"
        )
    return codes


def _is_table(path: str) -> bool:
    return Path(path).suffix.lower() in {".csv", ".tsv", ".txt", ".xlsx", ".ods"}


def _from_table(border: BorderTable, units: Units, source: str, notes: list[str]) -> pd.Series[Any]:
    id_name = str(units.ids.name)
    table = tables.read_table(border.path, border.layer)
    require_columns(table.columns, [id_name, border.id], source)
    require_unique(table[id_name], f"'{id_name}'", source)
    table.index = pd.Index(tables.as_ids(table[id_name], units.ids))
    notes += _strange(table.index, units, source)
    return table[border.id].reindex(units.ids)


def _from_polygons(border: BorderTable, units: Units, source: str, notes: list[str]) -> pd.Series[Any]:
    frame = tables.read_layer(border.path, border.layer)
    require_columns(frame.columns, [border.id], source)
    frame = frame[frame.geometry.notna() & ~frame.geometry.is_empty & frame[border.id].notna()]
    if frame.empty:
        raise DataError(f"{source} has no polygon with a '{border.id}'; a border set needs them")
    require_crs(frame.geometry, source)
    frame, mended = repaired(frame.set_index(border.id, drop=False), source, "polygon")
    notes += mended
    if units.points is None:
        raise DataError(f"{source}: the units have no points to look up in its polygons")
    at, how = holding(units.points, frame.geometry)
    several, near = int((how == SHARED).sum()), int((how == NEAR).sum())
    if several:
        notes.append(f"{source}: {counted(several, 'unit')} in more than one '{border.id}'; the first counts")
    if near:
        notes.append(f"{source}: {counted(near, 'unit')} just outside every '{border.id}', given the nearest")
    codes = frame[border.id].to_numpy(dtype=object)[np.maximum(at, 0)]
    codes[at < 0] = None
    return pd.Series(codes, index=units.ids, name=border.id)


@dataclass(frozen=True, eq=False)
class Baseline:
    """The zones in force today: `zone` by unit (text), and stated centres by zone."""

    zone: pd.Series[Any]
    centre: dict[str, Any]

    def on(self, units: Units, times: TravelTimes, levels: Sequence[Level]) -> Plan | pd.Series[Any]:
        """Return a plan where today's centres are stated, else just the zones."""
        if not self.centre:
            return self.zone
        return Plan.from_labels(units, times, self.zone, levels=levels, centre=self.centre)


def baseline_of(path: str, units: Units, locks: LocksTable, notes: list[str]) -> Baseline:
    """Return the baseline in a table of `unit` (or the units' id) and `zone`, with `centre` where it has one.

    Raises `DataError` naming units without a zone or twice, and `ScenarioError` for locks on zones that are
    not there.
    """
    source = Path(path).name
    table = tables.read_table(path)
    column = "unit" if "unit" in table.columns else str(units.ids.name)
    require_columns(table.columns, ["unit" if column not in table.columns else column, "zone"], source)
    table.index = pd.Index(tables.as_ids(table[column], units.ids))
    require_unique(table.index, "unit", source)
    notes += _strange(table.index, units, source)
    zone = table["zone"].map(tables.as_text).reindex(units.ids)
    absent = zone.index[zone.isna()]
    if len(absent):
        raise DataError(
            f"{source} gives no zone to {counted(len(absent), 'unit')}: {listed(absent)}; a baseline covers "
            "every unit"
        )
    known = sorted(set(zone))
    for what, named in (("fixed", locks.fixed.values()), ("frozen", locks.frozen)):
        for each in named:
            if str(each) not in known:
                raise ScenarioError(
                    f"locks.{what} names zone '{each}', which {source} does not "
                    f"have{nearest_name(each, known)}"
                )
    centre: dict[str, Any] = {}
    if "centre" in table.columns:
        stated = table.loc[table["centre"].notna()]
        at = tables.as_ids(stated["centre"], units.ids)
        centre = {tables.as_text(z): c for z, c in zip(stated["zone"], at, strict=True) if c in units.ids}
    return Baseline(zone, centre)


def _strange(ids: pd.Index[Any], units: Units, source: str) -> list[str]:
    """Return a note of ids in a table that are no unit, nor one that was left out on purpose."""
    known = units.ids if units.excluded is None else units.ids.append(units.excluded.index)
    strange = ids[~ids.isin(known)]
    if not len(strange):
        return []
    return [f"{source}: {counted(len(strange), 'id')} that no unit has: {listed(strange)}; not used"]
