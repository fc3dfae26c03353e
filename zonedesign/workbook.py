"""Workbooks: frames as sheets of a spreadsheet, with a sheet of notes that defines every column.

Text stays text: a cell that begins with `=`, `+`, `-` or `@` is no formula. The same frames give the same
bytes on the same day, or at the same SOURCE_DATE_EPOCH.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from zonedesign.errors import DataError, ScenarioError, listed
from zonedesign.provenance import now

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NOTES = "notes"
MOST_ROWS, MOST_LETTERS = 1_048_575, 32_767
"""What a sheet and a cell can hold, the line of names aside."""

_FORMATS = (
    (r"share\w*|\w+_share|gap", "0.0%"),
    (r"(\w+_)?hours(_\w+)?|\w+_h", "#,##0.0"),
    (r"(\w+_)?minutes(_\w+)?|change|miles", "0.00"),
    (r"(\w+_)?(rate|floor|price|pounds)(_\w+)?", "#,##0.00"),
    (r"(\w+_)?value_\w+", "#,##0"),
    (r"objective|crossing|boundary|bound|\w*baseline", "0.0000"),
)
_FORBIDDEN = re.compile(r"[\[\]:*?/\\]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_WIDEST = 60


@dataclass(frozen=True)
class Notes:
    """What the sheet of notes says: a title, sentences, and by sheet the meaning of each of its columns."""

    title: str
    sentences: Sequence[str]
    columns: Mapping[str, Mapping[str, str]]
    kind: str = "internal"


def write_workbook(path: str | Path, sheets: Mapping[str, pd.DataFrame], notes: Notes) -> Path:
    """Write frames as the sheets of an .xlsx file and return where it is; arguments as `workbook_bytes`."""
    target = Path(path)
    try:
        target.write_bytes(workbook_bytes(sheets, notes))
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}; choose another place") from error
    return target


def workbook_bytes(sheets: Mapping[str, pd.DataFrame], notes: Notes) -> bytes:
    """Return an .xlsx file with a sheet of notes first and then one for each frame, without its index.

    Column names are frozen at the top, numbers have formats by the names of their columns (a share is a
    percentage), unknown cells are empty, `out of reach` stands for infinite. Raises `ScenarioError` for a
    sheet's name that a spreadsheet refuses, a column without a meaning, and more rows than a sheet holds.
    """
    from openpyxl import Workbook  # noqa: PLC0415  (only where a workbook is written)

    _check(sheets, notes)
    book = Workbook()
    first = book.active
    first.title = NOTES
    _notes_sheet(first, sheets, notes)
    for name, frame in sheets.items():
        sheet = book.create_sheet(name)
        _frame_sheet(sheet, frame)
        _for_print(sheet, notes)
    _for_print(first, notes)
    day = now().replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    facts = book.properties
    facts.creator, facts.title, facts.category = "zonedesign", _clean(notes.title), notes.kind
    facts.created = facts.modified = day
    raw = io.BytesIO()
    book.save(raw)
    return _settled(raw.getvalue(), f"{day:%Y-%m-%dT%H:%M:%SZ}")


def _check(sheets: Mapping[str, pd.DataFrame], notes: Notes) -> None:
    for name, frame in sheets.items():
        if not name.strip() or len(name) > 31 or _FORBIDDEN.search(name) or name.lower() == NOTES:
            raise ScenarioError(f"'{name}' is no name for a sheet; use up to 31 letters without []:*?/\\")
        if len(frame) > MOST_ROWS:
            raise ScenarioError(
                f"sheet {name} would have {len(frame):,} rows and a sheet holds {MOST_ROWS:,}; use the CSV"
            )
        unsaid = [column for column in frame.columns if column not in notes.columns.get(name, {})]
        if unsaid:
            raise ScenarioError(f"sheet {name} has columns without a meaning: {listed(unsaid)}; define each")


def _notes_sheet(sheet: Any, sheets: Mapping[str, pd.DataFrame], notes: Notes) -> None:
    from openpyxl.styles import Alignment, Font  # noqa: PLC0415

    bold, wrapped = Font(bold=True), Alignment(wrap_text=True, vertical="top")
    rows: list[tuple[str, ...]] = [(notes.title,), *((sentence,) for sentence in notes.sentences), ()]
    for at, row in enumerate(rows, start=1):
        for text in row:
            _put(sheet, at, 1, text)
            sheet.merge_cells(start_row=at, end_row=at, start_column=1, end_column=3)
            sheet.cell(at, 1).alignment = wrapped
            sheet.row_dimensions[at].height = 15 * max(1, math.ceil(len(text) / 110))
    sheet.cell(1, 1).font = Font(bold=True, size=14)
    sheet.row_dimensions[1].height = 22
    at = len(rows) + 1
    for place, text in enumerate(("sheet", "column", "what it means"), start=1):
        _put(sheet, at, place, text)
        sheet.cell(at, place).font = bold
    for name, frame in sheets.items():
        for column in map(str, frame.columns):
            at += 1
            for place, text in enumerate((name, column, notes.columns[name][column]), start=1):
                _put(sheet, at, place, text)
                sheet.cell(at, place).alignment = wrapped
    for letter, width in (("A", 16), ("B", 24), ("C", 90)):
        sheet.column_dimensions[letter].width = width


def _frame_sheet(sheet: Any, frame: pd.DataFrame) -> None:
    from openpyxl.styles import Alignment, Font  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    for column, name in enumerate(frame.columns, start=1):
        values = frame[name].tolist()
        head = _put(sheet, 1, column, name)
        number = pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name])
        head.font = Font(bold=True)
        head.alignment = Alignment(wrap_text=True, vertical="top", horizontal="right" if number else "left")
        shown = _format(str(name), frame[name])
        for row, value in enumerate(values, start=2):
            cell = _put(sheet, row, column, value)
            if cell is not None and shown is not None:
                cell.number_format = shown
                cell.alignment = Alignment(horizontal="right")
        sheet.column_dimensions[get_column_letter(column)].width = _width(str(name), values, numeric=number)
    sheet.freeze_panes = "A2"
    if len(frame):
        sheet.auto_filter.ref = sheet.dimensions


def _put(sheet: Any, row: int, column: int, value: Any) -> Any:
    """Set a cell, text as text whatever it begins with; return it, or None where nothing is known."""
    plain = _plain(value)
    if plain is None:
        return None
    cell = sheet.cell(row, column)
    cell.value = plain
    if isinstance(plain, str):
        cell.data_type = "s"  # openpyxl takes a leading = for a formula and #N/A for an error
        cell.quotePrefix = plain.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    return cell


def _plain(value: Any) -> str | int | float | bool | None:
    if value is None or value is pd.NA or (isinstance(value, Real) and math.isnan(value)):
        return None
    if isinstance(value, bool):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else "out of reach"
    return _clean(str(value))


def _clean(text: str) -> str:
    """Return text without what no spreadsheet can hold: control signs become the replacement sign."""
    return _CONTROL.sub("\ufffd", text)[:MOST_LETTERS]


def _format(name: str, values: pd.Series[Any]) -> str | None:
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return None
    if pd.api.types.is_integer_dtype(values):
        return "#,##0"
    # A form such as #,##0.## would leave whole numbers with a point behind them.
    known = values.dropna()
    plain = "#,##0" if (known % 1 == 0).all() else "#,##0.00"
    return next((form for pattern, form in _FORMATS if re.fullmatch(pattern, name)), plain)


def _width(name: str, values: Iterable[Any], *, numeric: bool) -> float:
    longest = 8 if numeric else max((len(str(value)) for value in values if value is not None), default=0)
    words = max(len(word) for word in re.split(r"(?<=_)|\s", name))
    return float(min(max(longest, len(name) if len(name) <= 14 else words, 6) + 3, _WIDEST))


def _for_print(sheet: Any, notes: Notes) -> None:
    """Have every printed page say what it is, and whose eyes it is for."""
    mark = "Internal: exact figures, not for publication" if notes.kind == "internal" else notes.kind
    sheet.oddHeader.left.text = mark
    sheet.oddFooter.right.text = "&P of &N"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = None if sheet.title == NOTES else "1:1"


def _settled(raw: bytes, stamp: str) -> bytes:
    """Return the file with fixed dates: its parts at the beginning of zip's time, itself at `stamp`."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            data = old.read(part)
            if part.filename == "docProps/core.xml":
                data = re.sub(
                    rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*", rb"\g<1>" + stamp.encode(), data
                )
            entry = zipfile.ZipInfo(part.filename, _EPOCH)
            entry.compress_type, entry.create_system, entry.external_attr = (
                zipfile.ZIP_DEFLATED,
                3,
                0o600 << 16,
            )
            new.writestr(entry, data)
    return made.getvalue()
