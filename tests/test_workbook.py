"""Workbooks: frames as sheets, nothing of them a formula, every column defined, and the same bytes again."""

from __future__ import annotations

import io
import time
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zonedesign as zd
from zonedesign.workbook import Notes, workbook_bytes, write_workbook

if TYPE_CHECKING:
    from pathlib import Path

FRAME = pd.DataFrame(
    {
        "zone": ["1-01", "=1+1", None],
        "units": [1200, 2, 3],
        "weekly_hours": [700.25, np.nan, np.inf],
        "hours_share": [0.5, 0.25, 0.25],
        "moved": [True, False, True],
    }
)
NOTES = Notes("Zones", ["Internal."], {"zones": {name: f"what {name} means" for name in FRAME}})


def opened(raw: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(raw))


def test_a_sheet_has_the_frame_under_frozen_names() -> None:
    sheet = opened(workbook_bytes({"zones": FRAME}, NOTES))["zones"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows == [
        ["zone", "units", "weekly_hours", "hours_share", "moved"],
        ["1-01", 1200, 700.25, 0.5, True],
        ["=1+1", 2, None, 0.25, False],
        [None, 3, "out of reach", 0.25, True],
    ]
    assert sheet.freeze_panes == "A2"


def test_numbers_have_formats_by_what_they_are() -> None:
    sheet = opened(workbook_bytes({"zones": FRAME}, NOTES))["zones"]
    assert [cell.number_format for cell in sheet[2]] == ["General", "#,##0", "#,##0.0", "0.0%", "General"]


def test_the_first_sheet_defines_every_column() -> None:
    book = opened(workbook_bytes({"zones": FRAME}, NOTES))
    assert book.sheetnames == ["notes", "zones"]
    rows = [[cell.value for cell in row] for row in book["notes"].iter_rows()]
    assert rows[0][0] == "Zones"
    assert rows[1][0] == "Internal."
    assert ["zones", "weekly_hours", "what weekly_hours means"] in rows


def test_every_printed_page_says_that_it_is_internal() -> None:
    for sheet in opened(workbook_bytes({"zones": FRAME}, NOTES)):
        assert sheet.oddHeader.left.text == "Internal: exact figures, not for publication"


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1, max_size=20).filter(lambda text: text.strip()))
def test_no_text_is_ever_a_formula_nor_an_error(text: str) -> None:
    for lead in ("=", "+", "-", "@", "#N/A", "\t=", ""):
        frame = pd.DataFrame({f"{lead}{text}": [f"{lead}{text}"]})
        notes = Notes(f"{lead}{text}", [f"{lead}{text}"], {"s": {f"{lead}{text}": f"{lead}{text}"}})
        raw = workbook_bytes({"s": frame}, notes)
        for part in ("xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"):
            xml = zipfile.ZipFile(io.BytesIO(raw)).read(part)
            assert b"<f>" not in xml
            assert b"<f " not in xml
            assert b't="e"' not in xml


def test_signs_that_no_spreadsheet_holds_are_replaced() -> None:
    frame = pd.DataFrame({"zone": ["a\x00b\x1bc", "x" * 40_000]})
    sheet = opened(workbook_bytes({"s": frame}, Notes("n", [], {"s": {"zone": "z"}})))["s"]
    assert sheet["A2"].value == "a\ufffdb\ufffdc"
    assert len(sheet["A3"].value) == 32_767


def test_the_same_frames_make_the_same_bytes_whenever_they_are_written(monkeypatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    before = workbook_bytes({"zones": FRAME}, NOTES)
    monkeypatch.setattr(time, "time", lambda: 1_900_000_000.0)
    assert workbook_bytes({"zones": FRAME}, NOTES) == before
    facts = opened(before).properties
    assert str(facts.created) == str(facts.modified) == "2023-11-14 00:00:00"
    assert {part.date_time for part in zipfile.ZipFile(io.BytesIO(before)).infolist()} == {
        (1980, 1, 1, 0, 0, 0)
    }


@pytest.mark.parametrize(
    ("sheets", "message"),
    [
        ({"a/b": FRAME}, "'a/b' is no name for a sheet; use up to 31 letters without"),
        ({"Notes": FRAME}, "'Notes' is no name for a sheet"),
        ({"zones": FRAME.assign(extra=1)}, "sheet zones has columns without a meaning: extra; define each"),
    ],
)
def test_what_makes_no_sheet_is_refused_in_one_line(sheets: dict[str, pd.DataFrame], message: str) -> None:
    with pytest.raises(zd.ScenarioError, match=message):
        workbook_bytes(sheets, NOTES)


def test_it_is_written_to_a_file(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "zones.xlsx", {"zones": FRAME}, NOTES)
    assert openpyxl.load_workbook(path)["zones"]["A2"].value == "1-01"
    with pytest.raises(zd.DataError, match="choose another place"):
        write_workbook(tmp_path / "nowhere" / "zones.xlsx", {"zones": FRAME}, NOTES)


def test_whole_numbers_have_no_point_behind_them_and_pounds_have_pence() -> None:
    frame = pd.DataFrame(
        {
            "score": [12.0, np.nan],
            "quality": [7.5, np.inf],
            "rate": [25.0, 26.5],
            "value_a_year": [1e6, 2.5e6],
        }
    )
    notes = Notes("Rates", [], {"rates": dict.fromkeys(frame.columns, "a figure")})
    sheet = opened(workbook_bytes({"rates": frame}, notes))["rates"]
    assert [cell.number_format for cell in sheet[2]] == ["#,##0", "#,##0.00", "#,##0.00", "#,##0"]
