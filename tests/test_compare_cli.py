"""The verb `compare`: a folder with page, workbook and tables, written whole or not at all."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import openpyxl
import pandas as pd
import pytest
import tiny_county

from zonedesign.cli import main

if TYPE_CHECKING:
    from pathlib import Path

FILES = [
    "compare.html", "compare.xlsx", "levels.csv", "manifest.json", "minutes_by.csv", "moves.csv",
    "plans.csv", "realignment.csv", "rules.csv", "zones.csv",
]  # fmt: skip


@pytest.fixture
def county(tmp_path: Path) -> Path:
    """The tiny county, with `today.csv` as the quarters and `new.csv` with u01 in its neighbour's zone."""
    tiny_county.write_tiny(tmp_path)
    today = tiny_county.quarters()
    today.to_csv(tmp_path / "today.csv", index=False)
    today.assign(zone=today["zone"].where(today["unit"] != "u01", "1-02")).to_csv(
        tmp_path / "new.csv", index=False
    )
    return tmp_path


def run(county: Path, *more: str, plans: tuple[str, ...] = ("today.csv", "new.csv")) -> int:
    files = [str(county / plan) for plan in plans]
    return main(
        ["compare", *files, "--scenario", str(county / "tiny.toml"), "-o", str(county / "out"), *more]
    )


def test_the_folder_has_page_workbook_tables_and_manifest(county: Path, capsys) -> None:
    assert run(county) == 0
    out = county / "out"
    assert sorted(path.name for path in out.iterdir()) == FILES
    told = capsys.readouterr().out
    assert "Tiny, sketch roads; compared with today:" in told
    assert "new: zones 2 same units, 2 changed, 0 new, 0 closed; what moves:" in told
    assert "new: all rules met" in told
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["made_by"], manifest["kind"], sorted(manifest["files"])) == (
        "zonedesign", "internal", [name for name in FILES if name != "manifest.json"]
    )  # fmt: skip
    moves = pd.read_csv(out / "moves.csv", dtype=str)
    assert moves.loc[moves["moved"] == "1", ["unit", "from_zone", "to_zone"]].to_numpy().tolist() == [
        ["u01", "1-01", "1-02"]
    ]


def test_the_workbook_has_a_sheet_for_each_table_and_notes(county: Path) -> None:
    assert run(county) == 0
    out = county / "out"
    book = openpyxl.load_workbook(out / "compare.xlsx")
    assert book.sheetnames == [
        "notes",
        "plans",
        "levels",
        "rules",
        "zones",
        "moves",
        "realignment",
        "minutes_by",
    ]
    for name in book.sheetnames[1:]:
        written = pd.read_csv(out / f"{name}.csv", dtype=str)
        heads = [cell.value for cell in book[name][1]]
        assert heads == list(written.columns)
        assert book[name].max_row == len(written) + 1


def test_a_plan_that_breaks_rules_is_compared_and_that_is_said(county: Path, capsys) -> None:
    one = tiny_county.quarters().assign(zone="all")
    one.to_csv(county / "one.csv", index=False)
    assert run(county, plans=("today.csv", "one.csv")) == 0
    assert "one: 3 of 9 checks broken: Volume 2, ZoneCount 1" in capsys.readouterr().out


def test_a_plan_in_part_is_compared_and_that_is_said(county: Path, capsys) -> None:
    tiny_county.quarters().iloc[:-1].to_csv(county / "part.csv", index=False)
    assert run(county, plans=("today.csv", "part.csv")) == 0
    assert "part: 1 unit without zone: u15" in capsys.readouterr().out


def test_json_prints_the_tables_with_the_units_that_move_only(county: Path, capsys) -> None:
    assert run(county, "--json", "--by", "council") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verb"] == "compare"
    assert told["names"] == ["today", "new"]
    assert [row["unit"] for row in told["moves"]] == ["u01"]
    assert {row["by"] for row in told["minutes_by"]} == {"council"}
    assert told["plans"][1]["share_moved"] == pytest.approx(1 / 16)
    assert told["plans"][0]["moved_from_baseline"] is None


def test_plans_are_called_after_their_files_and_made_distinct(county: Path, capsys) -> None:
    for folder in ("a", "b"):
        (county / folder).mkdir()
        for name in ("plan.csv", "draft.csv"):
            (county / folder / name).write_bytes((county / "today.csv").read_bytes())
    plans = ("a/plan.csv", "b", "a/draft.csv", "b/draft.csv", "today.csv", "today.csv")
    assert run(county, "--json", plans=plans) == 0
    folder = county.name
    names = ["a", "b", "a/draft", "b/draft", f"{folder}/today", f"{folder}/today 2"]
    assert json.loads(capsys.readouterr().out)["names"] == names


def test_names_are_given_in_the_plans_order(county: Path, capsys) -> None:
    assert run(county, "--json", "--names", "In force", "Proposed") == 0
    assert json.loads(capsys.readouterr().out)["names"] == ["In force", "Proposed"]


def test_columns_named_are_used_in_the_plans_that_have_them(county: Path) -> None:
    other = tiny_county.quarters().set_axis(["oa", "area"], axis=1)
    other.to_csv(county / "other.csv", index=False)
    assert run(county, "--unit", "oa", "--zone", "area", plans=("other.csv", "today.csv")) == 0


def test_the_same_plans_make_the_same_bytes(county: Path, monkeypatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert run(county) == 0
    first = {name: (county / "out" / name).read_bytes() for name in FILES}
    assert run(county) == 0
    assert {name: (county / "out" / name).read_bytes() for name in FILES} == first


@pytest.mark.parametrize(
    ("more", "plans", "message"),
    [
        ((), ("today.csv",), "1 plan to compare; give two or more"),
        (("--names", "a"), ("today.csv", "new.csv"), "1 name for 2 plans; give one for each"),
        (("--names", "a", "a"), ("today.csv", "new.csv"), "names must differ and say something; not a"),
        (("--by", "counsil"), ("today.csv", "new.csv"), "has no column 'counsil'; did you mean 'council'?"),
        ((), ("today.csv", "nowhere.csv"), "there is no file"),
        (("--unit", "oa"), ("today.csv", "odd.csv"), "odd.csv has no column 'oa'"),
    ],
)
def test_bad_input_is_exit_2_with_one_line_and_no_folder(
    county: Path, capsys, more: tuple[str, ...], plans: tuple[str, ...], message: str
) -> None:
    (county / "odd.csv").write_text("id,zone\nu00,1\n", encoding="utf-8")
    assert run(county, *more, plans=plans) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not (county / "out").exists()


def test_a_folder_that_is_not_ours_is_refused_and_kept(county: Path, capsys) -> None:
    (county / "out").mkdir()
    (county / "out" / "mine.txt").write_text("mine", encoding="utf-8")
    assert run(county) == 2
    assert "zonedesign did not write it" in capsys.readouterr().err
    assert [path.name for path in (county / "out").iterdir()] == ["mine.txt"]


def test_no_text_of_the_data_becomes_a_formula_or_markup(tmp_path: Path) -> None:
    bad = '=HYPERLINK("http://x","y")</script><b>&'
    units = tiny_county.squares(place=[bad] * 16)
    tiny_county.write_tiny(tmp_path, units=units)
    plan = tiny_county.quarters().replace({"zone": {"1-01": bad}})
    plan.to_csv(tmp_path / "today.csv", index=False)
    tiny_county.quarters().to_csv(tmp_path / "new.csv", index=False)
    assert run(tmp_path, "--by", "place", "--names", bad, "+1") == 0
    page = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert bad not in page
    book = openpyxl.load_workbook(io.BytesIO((tmp_path / "out" / "compare.xlsx").read_bytes()))
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds
    assert "e" not in kinds
    for name in ("plans.csv", "zones.csv", "moves.csv"):
        cells = pd.read_csv(tmp_path / "out" / name, dtype=str, keep_default_na=False).to_numpy().ravel()
        assert not [cell for cell in cells if cell.startswith(("=", "@"))]
