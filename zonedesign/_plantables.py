"""Plan tables: `plan.csv` and `zones.csv` written, and any table of units and zones read back as a plan.

Text that a spreadsheet would run as a formula (it begins with `=`, `+`, `-`, `@`, a tab or a line break, and
is no number) gets an apostrophe before it, and reading takes it away again: ids come back as they were.
"""

from __future__ import annotations

import csv
import io
import logging
import math
from dataclasses import replace
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign.errors import (
    DataError,
    counted,
    listed,
    nearest_name,
    require_columns,
    require_unique,
    that_are,
)
from zonedesign.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zonedesign.problem import Problem
    from zonedesign.units import Units

log = logging.getLogger(__name__)

PLAN_COLUMNS = ("unit", "zone", "level", "centre", "minutes", "reach_minutes")
ZONE_COLUMNS = (
    "zone",
    "name",
    "level",
    "centre",
    "units",
    "customers",
    "weekly_hours",
    "mean_minutes",
    "max_minutes",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def plan_csv(plan: Plan) -> str:
    """Return `plan.csv`: a line per unit in the units' order, numbers unrounded, ids as text."""
    frame = plan.units
    columns = [frame[name].tolist() for name in PLAN_COLUMNS[1:]]
    return as_csv(PLAN_COLUMNS, zip(frame.index.tolist(), *columns, strict=True))


def zones_csv(plan: Plan) -> str:
    """Return `zones.csv`: a line per zone in the order of the zones' ids; what is not known is empty."""
    frame = plan.zones
    return as_csv(ZONE_COLUMNS, zip(*(frame[name].tolist() for name in ZONE_COLUMNS), strict=True))


def read_plan(
    path: str | Path, problem: Problem, *, unit: str = "unit", zone: str = "zone", partial: bool = False
) -> Plan:
    """Return the plan in a CSV file, or in an output folder; the columns `level` and `centre` are optional.

    A missing centre is the zone's best, a missing level the first whose bands hold, else the nearest. Levels
    that the problem lacks and centres outside their zone are kept, for `verify` to judge. Excluded units are
    left out and logged. Raises `DataError` for a file that is no such table, unknown or repeated units, two
    levels or centres in one zone, and for units without zone unless `partial`: then the plan holds the others
    only, and `verify` names those that are missing.
    """
    return _plan_in(read_labels(path, problem.units, unit=unit, zone=zone), problem, path, partial=partial)


def plan_of_rows(rows: pd.DataFrame, problem: Problem, *, source: str, partial: bool = False) -> Plan:
    """Return the plan in rows of text: `unit` and `zone`, with `level` and `centre` where known, else empty.

    It is judged as `read_plan` does; `source` names the rows in what is raised.
    """
    where = Path(source)
    return _plan_in(_labels_in(rows, problem.units, where, "unit", "zone"), problem, where, partial=partial)


def _plan_in(table: pd.DataFrame, problem: Problem, path: str | Path, *, partial: bool) -> Plan:
    """Return the plan in a frame of zone, level and centre by unit."""
    units = problem.units
    missing = units.ids.difference(table.index, sort=False)
    if len(missing) and partial:
        units = _part(units, table.index)
    by_zone = table.groupby("zone", sort=True)
    levels = {str(name): _only(group["level"], name, path) for name, group in by_zone}
    centres = {str(name): _only(group["centre"], name, path) for name, group in by_zone}
    names = {level.name for level in problem.levels}
    home = table["zone"].to_dict()
    lost = [z for z, centre in centres.items() if centre is not None and centre not in home]
    if lost:
        log.warning("%s: the centre has no zone itself in %s; the best unit is taken", path, listed(lost))
    plan = Plan.from_labels(
        units,
        problem.times,
        table["zone"],
        levels=problem.levels,
        level={z: level for z, level in levels.items() if level in names},
        centre={z: centre for z, centre in centres.items() if centre is not None and home.get(centre) == z},
    )
    # What the file states is judged, not mended: an unknown level, a centre in another zone.
    stated = [z for z in plan.zone_ids if centres[z] is not None and centres[z] in home]
    at = plan.centres.copy()
    for z in stated:
        at[plan.zone_ids.index(z)] = int(units.ids.get_indexer(pd.Index([centres[z]]))[0])
    chosen = tuple(levels[z] or level for z, level in zip(plan.zone_ids, plan.levels, strict=True))
    return replace(plan, levels=chosen, centres=at)


def read_labels(path: str | Path, units: Units, *, unit: str = "unit", zone: str = "zone") -> pd.DataFrame:
    """Return zone, level and centre (None where not stated) of the units in a CSV file, on the units' ids.

    Units without zone are not in the frame; excluded ones are left out and logged. Raises as `read_plan`.
    """
    path = Path(path)
    path = path / "plan.csv" if path.is_dir() else path
    return _labels_in(_read(path), units, path, unit, zone)


def _labels_in(rows: pd.DataFrame, units: Units, path: Path, unit: str, zone: str) -> pd.DataFrame:
    """Return zone, level and centre by unit of rows whose every cell is text."""
    require_columns(rows.columns, (unit, zone), path.name)
    known = {str(each): each for each in units.ids.tolist()}
    texts = rows[unit].str.strip().tolist()
    ids = [_id_of(text, known) for text in texts]
    require_unique([t if i is None else i for i, t in zip(ids, texts, strict=True)], unit, path.name)
    left_out = set() if units.excluded is None else {str(each) for each in units.excluded.index}
    unknown = [text for i, text in zip(ids, texts, strict=True) if i is None]
    strange = [text for text in unknown if text not in left_out]
    if strange:
        raise DataError(
            f"{path.name} names {that_are(len(strange), 'unit', 'not there')}: {listed(strange)}"
            f"{nearest_name(strange[0], known)}"
        )
    if unknown:
        log.warning("%s: %s excluded, left out: %s", path, counted(len(unknown), "unit"), listed(unknown))
    nothing = [None] * len(rows)
    found: dict[str, list[Any]] = {
        "zone": [_text(text) for text in rows[zone]],
        "level": [_text(text) for text in rows["level"]] if "level" in rows else nothing,
        "centre": _centres(rows["centre"], known, left_out, path) if "centre" in rows else nothing,
    }
    keep = [i for i, z in enumerate(found["zone"]) if z and ids[i] is not None]
    if not keep:
        raise DataError(f"{path.name} gives no unit a zone; it needs '{unit}' and '{zone}' for each unit")
    at = units.ids.get_indexer(pd.Index([ids[i] for i in keep]))
    columns = {name: [values[i] for i in keep] for name, values in found.items()}
    return pd.DataFrame(columns, index=units.ids[at], dtype=object)


def as_csv(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return a table as CSV: numbers unrounded, what is not known empty, nothing that a spreadsheet runs."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    """Return a value as a cell: numbers to the last digit, text that no spreadsheet runs, else empty."""
    if value is None or value is pd.NA:
        return ""
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return repr(float(value)) if math.isfinite(value) else ""
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text


def _text(cell: str) -> str | None:
    """Return a cell's text as it was before it was made safe; None where it is empty."""
    text = cell.strip()
    return (text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text) or None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _id_of(cell: str, known: dict[str, Any]) -> Any:
    """Return the id that a cell names, in its own type, or None; a number may have gained a decimal point."""
    for text in (cell, cell.strip(), _text(cell) or "", cell.strip().removesuffix(".0")):
        if text in known:
            return known[text]
    return None


def _centres(cells: Iterable[str], known: dict[str, Any], left_out: set[str], path: Path) -> list[Any]:
    """Return the centres in their ids' own type, None where none is stated or it is a unit left out."""
    texts = [cell.strip() for cell in cells]
    centres = [_id_of(text, known) if text else None for text in texts]
    lost = {text for text, centre in zip(texts, centres, strict=True) if text and centre is None}
    strange = sorted(lost - left_out)
    if strange:
        raise DataError(
            f"{path.name} has {that_are(len(strange), 'centre', 'no unit')}: {listed(strange)}"
            f"{nearest_name(strange[0], known)}"
        )
    if lost:
        log.warning("%s: centres at units left out: %s; the best unit is taken", path, listed(sorted(lost)))
    return centres


def _read(path: Path) -> pd.DataFrame:
    """Return the rows of a CSV file, every cell as text."""
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False)
    except FileNotFoundError:
        raise DataError(f"there is no file {path}; a plan is a CSV with the columns unit and zone") from None
    except UnicodeDecodeError:
        raise DataError(f"{path.name} is not UTF-8; save it as 'CSV UTF-8'") from None
    except pd.errors.EmptyDataError:
        raise DataError(
            f"{path.name} is empty; a plan is a CSV with the columns unit and zone, and a row for each unit"
        ) from None
    except (pd.errors.ParserError, pd.errors.ParserWarning, OSError) as error:
        raise DataError(
            f"{path.name} cannot be read as a table: {error}; a plan is a CSV with the columns unit and zone"
        ) from None


def _only(values: pd.Series[Any], zone: Any, path: str | Path) -> Any:
    """Return the one level or centre that a zone's rows state, None where none does."""
    stated = list(dict.fromkeys(value for value in values if value is not None))
    if len(stated) > 1:
        raise DataError(
            f"{Path(path).name}: zone {zone} has {len(stated)} {values.name}s: {listed(stated)}; it has one"
        )
    return stated[0] if stated else None


def _part(units: Units, ids: pd.Index[Any]) -> Units:
    """Return some of the units, in their order, without what they touch."""
    keep = np.flatnonzero(units.ids.isin(ids))
    return replace(
        units,
        frame=units.frame.iloc[keep],
        hours=units.hours.iloc[keep],
        customers=None if units.customers is None else units.customers.iloc[keep],
        points=None if units.points is None else units.points.iloc[keep],
        authority=None if units.authority is None else units.authority.iloc[keep],
        contiguity=None,
    )
