"""The studio's answers: the plan in hand, plans kept, rules set, files, comparisons, progress as it is told."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from studio_desk import client, lines, studio
from tiny_county import IDS, write_plan

import zonedesign as zd
from zonedesign.studio.app import STEPS
from zonedesign.studio.desk import open_desk

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def served(tmp_path) -> Iterator[Any]:
    with studio(tmp_path) as made:
        yield made


@pytest.fixture
def asks(served: Any) -> Any:
    return client(served)


def levels(asks: Any, **changes: Any) -> dict[str, Any]:
    (level,) = asks.get("/api/state").json()["rules"]["levels"]
    return {"levels": [level | changes], "profile": None}


def test_the_page_holds_the_plan_begun_with_and_is_drawn_once_for_each_setting(served, asks):
    drawn: list[Any] = []
    plain = served._page
    served._page = lambda *given: drawn.append(given) or plain(*given)
    assert "4 zones" in asks.get("/").text
    asks.get("/")
    assert len(drawn) == 1
    assert asks.post("/api/rules", json=levels(asks, weekly_hours=[10, 60])).status_code == 200
    asks.get("/")
    assert len(drawn) == 2
    assert drawn[1][1].levels[0].weekly_hours == (10, 60)


def test_the_page_says_what_is_kept_and_for_how_long(asks):
    page = asks.get("/").text
    assert f"the newest {STEPS:,} steps of editing" in page
    assert "zonedesign studio --purge tiny.studio.sqlite" in page


def test_the_page_that_is_served_is_the_one_to_edit_with_the_studio_s_script(tmp_path):
    from zonedesign.studio.app import edit_page

    with studio(tmp_path, page=edit_page) as made:
        answer = client(made).get("/")
    assert "window.zonedesignEdit = api" in answer.text
    assert "The studio: keeps every edit" in answer.text
    assert "connect-src 'self'" in answer.headers["content-security-policy"]


def test_every_edit_is_a_step_that_can_be_gone_back_to(asks):
    first = asks.get("/api/state").json()
    assert [step["label"] for step in first["steps"]] == ["Began with plan-given.csv"]
    edit = {"rows": lines(u05="1-02"), "label": "Moved u05", "reason": "the river", "locked": ["1-03"]}
    answer = asks.put("/api/working", json={**edit, "after": first["version"]})
    assert answer.json()["version"] == first["version"] + 1
    now = asks.get("/api/state").json()
    assert now["rows"][5] == ["u05", "1-02", None, None]
    assert now["locked"] == ["1-03"]
    assert (now["steps"][0]["label"], now["steps"][0]["reason"]) == ("Moved u05", "the river")
    assert asks.get(f"/api/steps/{first['version']}").json()["rows"] == first["rows"]
    assert asks.get("/api/steps/999").status_code == 400


def test_a_plan_edited_from_an_older_one_is_refused(asks):
    version = asks.get("/api/state").json()["version"]
    edit = {"rows": lines(u05="1-02"), "label": "one"}
    asks.put("/api/working", json={**edit, "after": version})
    answer = asks.put("/api/working", json={**edit, "after": version, "label": "two"})
    assert answer.status_code == 409
    assert "changed in another window" in answer.json()["error"]


def test_plans_are_saved_with_their_figures_read_and_deleted(asks):
    answer = asks.post(
        "/api/plans", json={"name": " Rivers ", "reason": "why", "rows": lines(u05="1-02", u01="1-02")}
    )
    assert answer.status_code == 201
    number = answer.json()["id"]
    found = asks.get(f"/api/plans/{number}").json()
    assert (found["name"], found["reason"], found["origin"]) == ("Rivers", "why", "saved")
    figures = found["about"]["figures"]
    assert figures["broken"] == 2  # 20 hours are too few and 60 too many
    assert "hours" in figures["breaks"]
    assert figures["moved_from_start"] == pytest.approx(20 / 160)
    assert found["about"]["rules"]["levels"][0]["weekly_hours"] == [30, 50]
    assert asks.post("/api/plans", json={"name": "RIVERS", "rows": lines()}).status_code == 400
    assert asks.delete(f"/api/plans/{number}").status_code == 204
    assert asks.get(f"/api/plans/{number}").status_code == 400


@pytest.mark.parametrize("path", ["/api/plans/", "/api/steps/"])
@pytest.mark.parametrize("number", ["7", "9" * 19, "9" * 400])
def test_a_number_that_no_plan_or_step_has_is_refused_however_long(asks, path, number):
    answer = asks.get(path + number)
    assert answer.status_code == 400
    assert "load the page again" in answer.json()["error"] or "newest" in answer.json()["error"]


def test_rules_are_checked_as_a_scenario_s_are_and_nothing_changes_where_they_are_wrong(served, asks):
    before = served.desk.setting
    for wrong, said in (
        ({"weekly_hours": [50, 30]}, "weekly_hours"),
        ({"max_minute": 5}, "max_minutes"),
        ({"name": "2"}, "keep their names"),
        ({"zones": 0}, "zones"),
        ({"max_minutes": "x"}, "max_minutes"),
    ):
        answer = asks.post("/api/rules", json=levels(asks, **wrong))
        assert answer.status_code == 400
        assert said in answer.json()["error"]
    assert asks.post("/api/rules", json=levels(asks) | {"profile": "rush"}).status_code == 400
    assert served.desk.setting is before


def test_rules_set_here_are_there_when_the_studio_is_opened_again_until_the_file_has_others(tmp_path):
    with studio(tmp_path) as made:
        asks = client(made)
        assert asks.post("/api/rules", json=levels(asks, weekly_hours=[10, 90])).json()["as_in_file"] is False
    scenario = tmp_path / "tiny.toml"
    desk, said = open_desk(scenario, tmp_path / "tiny.studio.sqlite")
    assert said == ["levels and profile are as they were set in the studio"]
    assert desk.setting.problem.levels[0].weekly_hours == (10, 90)
    desk.store.close()
    scenario.write_text(scenario.read_text().replace("[30, 50]", "[20, 60]"))
    desk, said = open_desk(scenario, tmp_path / "tiny.studio.sqlite")
    assert "has other levels than when they were changed" in said[0]
    assert desk.setting.problem.levels[0].weekly_hours == (20, 60)
    desk.store.close()


def test_without_a_plan_to_begin_with_one_is_designed_and_said(tmp_path):
    with studio(tmp_path, start=False) as made:
        state = client(made).get("/api/state").json()
        assert [row[0] for row in state["rows"]] == IDS
        assert made.desk.figures(made.desk.rows("working")[1])["broken"] == 0


def test_where_no_plan_can_exist_all_units_begin_in_one_zone(tmp_path):
    from tiny_county import write_tiny

    scenario = write_tiny(tmp_path, changes={"zones = 4": "zones = 9"})
    desk, (said,) = open_desk(scenario, tmp_path / "s.sqlite")
    assert said.startswith("no plan was found to begin with")
    assert {row[1] for row in desk.rows("working")[1]} == {"all"}
    desk.store.close()


def test_the_studio_goes_on_where_it_was_left(tmp_path):
    with studio(tmp_path) as made:
        asks = client(made)
        version = asks.get("/api/state").json()["version"]
        asks.put("/api/working", json={"rows": lines(u05="1-02"), "label": "x", "after": version})
    desk, _ = open_desk(tmp_path / "tiny.toml", tmp_path / "tiny.studio.sqlite")
    assert desk.rows("working")[1][5][1] == "1-02"
    assert desk.rows("start")[1][5][1] == "1-01"
    desk.store.close()


@pytest.mark.parametrize(
    "name", ["plan.csv", "zones.csv", "plan.gpkg", "certificate.json", "folder.zip", "pack.zip"]
)
def test_every_file_comes_with_its_name_and_type(asks, name):
    answer = asks.get(f"/download/working/{name}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    data = answer.content
    if name == "plan.csv":
        assert [row["unit"] for row in csv.DictReader(io.StringIO(data.decode()))] == IDS
    if name == "certificate.json":
        told = json.loads(data)
        assert told["bound"] is None
        assert all(row["passed"] for row in told["rules"])
    if name == "folder.zip":
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
        assert {"zones/plan.csv", "zones/manifest.json", "zones/review.html"} <= set(names)
    if name == "pack.zip":
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
        assert {"pack/index.html", "pack/maps/1-01.pdf", "pack/lots.csv", "pack/disclosure.json"} <= set(
            names
        )


def test_files_that_need_a_whole_plan_or_kept_rules_say_so(asks):
    version = asks.get("/api/state").json()["version"]
    edit = {"rows": lines(u05=None), "label": "x", "after": version}
    version = asks.put("/api/working", json=edit).json()["version"]
    assert "1 unit has no zone" in asks.get("/download/working/zones.csv").json()["error"]
    assert "u05" in asks.get("/download/working/edit.html").text  # there units may be in no zone
    assert asks.get("/download/working/plan.csv").text.splitlines()[6].startswith("u05,")
    asks.put("/api/working", json={"rows": lines(u05="1-02", u01="1-02"), "label": "x", "after": version})
    for name in ("folder.zip", "pack.zip"):
        answer = asks.get(f"/download/working/{name}")
        assert answer.status_code == 400
        assert "keeps every rule" in answer.json()["error"]
    told = json.loads(asks.get("/download/working/certificate.json").content)
    assert not all(row["passed"] for row in told["rules"])


def test_two_plans_are_set_side_by_side(asks):
    number = asks.post("/api/plans", json={"name": "<i>Other</i>", "rows": lines(u05="1-02")}).json()["id"]
    found = asks.post("/api/compare", json={"a": "start", "b": number}).json()
    assert found["names"] == ["The plan begun with", "<i>Other</i>"]
    assert [(move["from_zone"], move["to_zone"], move["units"]) for move in found["moves"]] == [
        ("1-01", "1-02", 1)
    ]
    assert "same plan twice" in asks.post("/api/compare", json={"a": "start", "b": "start"}).json()["error"]
    page = asks.get(f"/compare/start/{number}")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<i>Other</i>" not in page.text


def test_progress_is_told_whenever_it_changes_and_ends_with_the_studio(served):
    async def first_words() -> list[bytes]:
        stream = served._telling()
        found = [await anext(stream)]
        served.closing = True
        return found + [word async for word in stream]

    assert asyncio.run(first_words()) == [b"data: null\n\n"]


def test_rules_wait_while_a_job_runs(served, asks, monkeypatch):
    monkeypatch.setattr(type(served.jobs), "running", property(lambda _: True))
    answer = asks.post("/api/rules", json=levels(asks))
    assert answer.status_code == 409
    assert "a job runs with the rules as they are" in answer.json()["error"]


def test_a_store_of_another_scenario_s_units_is_refused(tmp_path):
    from tiny_county import squares, write_tiny

    with studio(tmp_path):
        pass
    other = tmp_path / "other"
    other.mkdir()
    scenario = write_tiny(other, units=squares(id=[f"x{k:02d}" for k in range(16)]))
    with pytest.raises(zd.ScenarioError, match="holds plans of other units"):
        open_desk(scenario, tmp_path / "tiny.studio.sqlite")
    assert write_plan(tmp_path).exists()
