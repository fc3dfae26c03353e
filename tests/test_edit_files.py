"""Files of the editing page: the plan and the log saved, a plan opened, and what is no plan refused in words."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import toy
from edit_pages import choose, show, toy_page, zone_of

import zonedesign as zd
from zonedesign.folder import read_plan
from zonedesign.maps import edit_page

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["show"]
pytestmark = pytest.mark.browser


def saved(tab: Any, button: str) -> tuple[str, str]:
    with tab.expect_download() as waiting:
        tab.locator(button).press("Enter")
    return waiting.value.suggested_filename, waiting.value.path().read_text(encoding="utf-8")


def test_the_plan_that_is_saved_is_one_that_zonedesign_reads(show, tmp_path: Path):
    problem = toy.problem()
    tab = show(edit_page(toy.plan(problem), problem))
    tab.evaluate("zonedesignEdit.edit.move(['B1', 'B4'], 'west', '')")
    name, text = saved(tab, "#save-plan")
    assert name == "plan.csv"
    (tmp_path / name).write_text(text, encoding="utf-8")
    expected = toy.plan(problem).move(["B1", "B4"], "west")
    assert read_plan(tmp_path / name, problem) == expected


def test_the_saved_plan_is_that_of_python_byte_for_byte(show):
    from zonedesign._plantables import plan_csv

    problem = toy.problem(times=zd.TravelTimes.from_matrix(toy.minutes() / 3e5, toy.IDS))
    tab = show(edit_page(toy.plan(problem), problem))
    assert tab.evaluate("zonedesignEdit.csv()") == plan_csv(toy.plan(problem))


def test_the_log_tells_every_change_with_time_and_reason_and_no_cell_runs(show):
    tab = show(toy_page())
    choose(tab, "B1")
    tab.locator("#move-to").select_option("west")
    tab.get_by_label("Reason").fill('=HYPERLINK("http://x"), "quoted"')
    tab.locator("#move").press("Enter")
    tab.locator("#undo").press("Enter")
    name, text = saved(tab, "#save-log")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert name == "changes.csv"
    assert [row["change"] for row in rows] == [
        "Moved 1 unit to zone west",
        "Undone: Moved 1 unit to zone west",
    ]
    assert rows[0]["reason"] == '\'=HYPERLINK("http://x"), "quoted"'
    assert rows[0]["units"] == "B1"
    assert float(rows[0]["objective"]) == 2.5
    assert rows[0]["time"].endswith("Z")


def opened(tab: Any, text: str) -> None:
    tab.locator("#open-plan").set_input_files(
        {"name": "theirs.csv", "mimeType": "text/csv", "buffer": text.encode()}
    )


def as_csv(**changes: str | None) -> str:
    rows = dict.fromkeys(toy.IDS, "all") | changes
    return "unit,zone\n" + "".join(f"{unit},{zone}\n" for unit, zone in rows.items() if zone is not None)


def test_a_plan_is_opened_and_that_is_one_step(show):
    tab = show(toy_page())
    opened(tab, as_csv())
    tab.get_by_text("Opened theirs.csv", exact=True).wait_for()
    assert {row["zone"] for row in tab.evaluate("zonedesignEdit.plan()")} == {"all"}
    tab.locator("#undo").press("Enter")
    assert {row["zone"] for row in tab.evaluate("zonedesignEdit.plan()")} == {"east", "west"}


def test_units_left_out_on_purpose_are_left_out_of_a_plan_that_is_opened_and_named(show):
    units = zd.Units(**{**toy.units().__dict__, "excluded": pd.DataFrame(index=["X1"])})
    problem = toy.problem(units=units)
    tab = show(edit_page(toy.plan(problem), problem))
    opened(tab, as_csv(X1="all"))
    tab.get_by_text("Opened theirs.csv; left out, for they are excluded: X1", exact=True).wait_for()


@pytest.mark.parametrize(
    "text",
    [
        as_csv(Q1="x", Q2="x"),
        as_csv() + "A1,all\nB1,other\n",
        as_csv() + ",all\n",
        "unit,zones\nA1,x\n",
        "",
        as_csv().replace("all", ""),
        "unit,zone,level\n" + "".join(f"{unit},z,{k % 2}\n" for k, unit in enumerate(toy.IDS)),
        "unit,zone,centre\n" + "".join(f"{unit},z,Q7\n" for unit in toy.IDS),
        as_csv(A1=None, A2=None),
    ],
    ids=[
        "unknown",
        "twice",
        "no unit",
        "no column",
        "empty",
        "no zone",
        "two levels",
        "no centre",
        "missing",
    ],
)
def test_what_is_no_plan_is_refused_in_the_words_of_read_plan(show, tmp_path: Path, text):
    problem = toy.problem()
    tab = show(edit_page(toy.plan(problem), problem))
    before = tab.evaluate("zonedesignEdit.csv()")
    (tmp_path / "theirs.csv").write_text(text, encoding="utf-8")
    with pytest.raises(zd.DataError) as refused:
        read_plan(tmp_path / "theirs.csv", problem)
    opened(tab, text)
    tab.locator("#open-said:not(:empty)").wait_for()
    assert tab.inner_text("#open-said") == str(refused.value)
    assert tab.evaluate("zonedesignEdit.csv()") == before


def test_a_plan_that_lacks_units_is_opened_all_the_same_where_one_says_so(show):
    tab = show(toy_page())
    opened(tab, as_csv(A1=None, A2=None))
    tab.get_by_role("button", name="Open it with these units in no zone").press("Enter")
    assert zone_of(tab, "A1") is None
    assert zone_of(tab, "B1") == "all"


def test_ids_that_look_like_formulas_come_back_as_they_were(show):
    frame = toy.frame().rename(index={"A1": "=A1", "B1": "-B1", "A4": "+44 7"})
    near = [
        tuple({"A1": "=A1", "B1": "-B1", "A4": "+44 7"}.get(u, u) for u in pair) for pair in toy.neighbours()
    ]
    units = zd.Units.from_frame(frame, hours="hours", customers="customers", contiguity=near)
    problem = toy.problem(units=units, times=zd.TravelTimes.from_matrix(toy.minutes(), units.ids))
    labels = pd.Series(["@a" if k < 6 else "=b" for k in range(12)], index=units.ids)
    plan = zd.Plan.from_labels(units, problem.times, labels, levels=problem.levels)
    tab = show(edit_page(plan, problem))
    text = tab.evaluate("zonedesignEdit.csv()")
    assert text.splitlines()[1].startswith("'=A1,'@a,1,")
    assert tab.evaluate(
        "text => files.readPlan(text, 'plan.csv').map(row => [row.unit, row.zone])", text
    ) == [[str(unit), zone] for unit, zone in labels.items()]
