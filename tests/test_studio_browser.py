"""The studio end to end in headless Chromium: open, edit, lock, finish, save, reload, compare, download."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from edit_pages import choose, zone_of
from tiny_county import IDS, write_plan, write_tiny

from zonedesign.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.browser


def serve(folder: Path, *more: str) -> tuple[subprocess.Popen[str], str]:
    """Start a studio on any free port; return the process, and the address it printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "zonedesign.cli", "studio", str(folder / "tiny.toml"), "--port", "0", "--no-browser", *more],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        found = re.match(r"studio: (\S+)", line)
        if found:
            return process, found[1]
    raise AssertionError("it ended before it said where it is")


def end(process: subprocess.Popen[str]) -> int:
    if os.name == "posix":
        process.send_signal(signal.SIGINT)
    else:
        process.kill()
    process.communicate(timeout=60)
    return process.returncode


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("county")
    write_tiny(made)
    write_plan(made)
    return made


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    process, found = serve(folder, "--start", str(folder / "plan-given.csv"))
    yield found
    assert end(process) == 0


@pytest.fixture
def tab(browser: Any, address: str) -> Iterator[Any]:
    """The studio's page; at the end nothing was complained of and nobody else was asked."""
    wrong: list[str] = []
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, reduced_motion="reduce", accept_downloads=True
    )
    page = context.new_page()
    page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    here = address.partition("#")[0]
    page.on(
        "request",
        lambda asked: None if asked.url.startswith((here, "blob:", "data:")) else wrong.append(asked.url),
    )
    page.wrong = wrong
    page.goto(address)
    ready(page)
    yield page
    context.close()
    assert wrong == []


def ready(page: Any) -> None:
    page.wait_for_selector("html[data-studio=ready]", timeout=60_000)


def until(page: Any, holds: str) -> None:
    """Wait until something holds on the page, looked at from outside: its policy lets nothing be evaluated."""
    for _ in range(600):
        with suppress(Exception):  # while it loads anew
            if page.evaluate(holds):
                return
        page.wait_for_timeout(50)
    pytest.fail(f"it did not come to this in time: {holds}")


def kept(page: Any) -> None:
    """Wait until the page says that the last change is on the disk."""
    until(page, "document.getElementById('studio-kept').textContent.startsWith('Every change is kept')")


def move(page: Any, unit: str, zone: str) -> None:
    page.evaluate("([unit, zone]) => zonedesignEdit.edit.move([unit], zone, 'tried')", [unit, zone])
    kept(page)


def test_the_token_leaves_the_address_as_soon_as_it_is_used(tab, address):
    assert "token" in address
    assert tab.url == address.partition("#")[0]


def test_a_browser_without_the_token_meets_the_door(browser, address):
    page = browser.new_page()
    page.goto(address.partition("#")[0])
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Open the studio").click()
    page.get_by_text("that is not the token").wait_for()
    assert "Tiny" not in page.content()
    page.get_by_label("Token").fill(address.partition("token=")[2])
    page.get_by_role("button", name="Open the studio").click()
    ready(page)
    page.close()


def test_an_edit_is_kept_and_there_after_a_reload_with_its_reason_and_locks(tab):
    choose(tab, "u05")
    move(tab, "u05", "1-02")
    tab.evaluate("zonedesignEdit.edit.lock('1-04', true, '')")
    kept(tab)
    until(tab, "document.querySelector('#studio-steps').textContent.includes('Moved 1 unit to zone 1-02')")
    tab.reload()
    ready(tab)
    assert zone_of(tab, "u05") == "1-02"
    assert tab.evaluate("zonedesignEdit.locks().zones") == ["1-04"]
    assert "tried" in tab.locator("#studio-steps").inner_text()


def test_what_is_not_locked_is_finished_and_taken_only_when_asked_for(tab):
    tab.evaluate("zonedesignEdit.edit.takeOut(['u00', 'u01'], 'open')")
    if "1-04" not in tab.evaluate("zonedesignEdit.locks().zones"):
        tab.evaluate("zonedesignEdit.edit.lock('1-04', true, '')")
    kept(tab)
    locked = [row for row in tab.evaluate("zonedesignEdit.plan()") if row["zone"] == "1-04"]
    tab.locator("#studio-seconds").select_option("20")
    tab.locator("#studio-finish").click()
    tab.locator("#studio-use").wait_for(timeout=60_000)
    assert zone_of(tab, "u00") is None  # still mine
    assert "Finish this for me: done" in tab.locator("#studio-outcome").inner_text()
    tab.locator("#studio-use").click()
    until(tab, "document.getElementById('studio-outcome').textContent === ''")
    kept(tab)
    assert tab.evaluate("zonedesignEdit.figures().broken") == []
    assert [row for row in tab.evaluate("zonedesignEdit.plan()") if row["zone"] == "1-04"] == locked
    tab.evaluate("zonedesignEdit.undo()")
    kept(tab)
    assert zone_of(tab, "u00") is None


def test_the_way_of_a_new_user_from_what_breaks_to_a_plan_that_verify_accepts(tab, folder, capsys):
    back_to_the_start(tab)
    for unit, zone in {"u00": "1-02", "u01": "1-02", "u05": "1-02", "u03": "1-01", "u07": "1-01"}.items():
        tab.get_by_role("button", name="Clear").click()
        choose(tab, unit)
        tab.locator("#move-to").select_option(zone)
        tab.locator("#reason").fill("tried")
        tab.locator("#move").click()
    broken = tab.locator("#broken li")
    assert broken.count() == int(tab.locator("#head-facts dd").last.inner_text().split()[0])
    broken.first.get_by_role("button", name="Show me").click()
    for zone in ("1-03", "1-04"):
        tab.get_by_role("button", name=f"Lock {zone}").click()
    kept(tab)
    tab.get_by_role("button", name="Why is there no plan?").click()
    tab.get_by_text("there is a plan: one of those kept or of the last steps").wait_for(timeout=60_000)
    stay = [row for row in tab.evaluate("zonedesignEdit.plan()") if row["zone"] in ("1-03", "1-04")]
    tab.locator("#studio-seconds").select_option("20")
    tab.get_by_role("button", name="Finish this for me").click()
    tab.get_by_role("button", name="Use this plan").click(timeout=60_000)
    until(tab, "document.getElementById('studio-outcome').textContent === ''")
    kept(tab)
    tab.locator("#studio-compare-a").select_option("start")
    tab.locator("#studio-compare-b").select_option("working")
    tab.get_by_role("button", name="Show what differs").click()
    tab.get_by_text("What differs", exact=True).wait_for()
    assert [row for row in tab.evaluate("zonedesignEdit.plan()") if row["zone"] in ("1-03", "1-04")] == stay
    with tab.expect_download() as got:
        tab.get_by_role("button", name="Save plan.csv").click()
    plan = folder / "finished.csv"
    got.value.save_as(plan)
    capsys.readouterr()
    assert main(["verify", str(plan), "--scenario", str(folder / "tiny.toml"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["value"] for row in told["rules"]] == [
        row["value"] for row in tab.evaluate("zonedesignEdit.verdicts()")
    ]


def test_a_repair_says_how_few_hours_move(tab):
    back_to_the_start(tab)
    move(tab, "u01", "1-02")
    move(tab, "u05", "1-02")
    tab.locator("#studio-seconds").select_option("20")
    tab.locator("#studio-repair").click()
    tab.locator("#studio-use").wait_for(timeout=60_000)
    said = tab.locator("#studio-outcome").inner_text()
    assert "Repair with the fewest changes: done" in said
    assert "6.3 % of the hours move; proved: no plan that keeps every rule moves fewer." in said
    tab.locator("#studio-use").click()
    until(tab, "document.getElementById('studio-outcome').textContent === ''")
    kept(tab)
    assert tab.evaluate("zonedesignEdit.figures().broken") == []
    assert [zone_of(tab, unit) for unit in ("u01", "u05")].count("1-02") == 1


def back_to_the_start(page: Any) -> None:
    page.evaluate(
        "() => { const edit = zonedesignEdit; edit.locks().zones.forEach((zone) => edit.edit.lock(zone, false, ''));"
        " edit.setPlan(edit.plan().map((row, k) => ({ ...row, zone: `1-0${1 + Math.floor((k % 4) / 2) + 2 * Math.floor(k / 8)}`,"
        " level: '1', centre: null })), 'All as it was'); }"
    )
    kept(page)


def test_plans_are_saved_opened_compared_and_deleted(tab):
    back_to_the_start(tab)
    tab.locator("#studio-name").fill("<b>Today & tomorrow</b>")
    tab.locator("#studio-reason").fill("as it is")
    tab.get_by_role("button", name="Save this plan").click()
    tab.get_by_role("button", name="Open <b>Today & tomorrow</b>").wait_for()
    move(tab, "u05", "1-02")
    tab.locator("#studio-compare-a").select_option(label="<b>Today & tomorrow</b>")
    tab.locator("#studio-compare-b").select_option("working")
    tab.locator("#studio-compare").click()
    tab.get_by_text("6.3 % of the hours change zone, 1 unit.").wait_for()
    with tab.context.expect_page() as opened:
        tab.get_by_role("link", name="Both maps side by side").click()
    opened.value.wait_for_load_state()
    assert "Today & tomorrow" in opened.value.locator("body").inner_text()
    opened.value.close()
    tab.get_by_role("button", name="Open <b>Today & tomorrow</b>").click()
    until(
        tab,
        "document.querySelector('#studio-steps').textContent.includes('Opened \"<b>Today & tomorrow</b>\"')",
    )
    assert zone_of(tab, "u05") == "1-01"
    tab.get_by_role("button", name="Delete <b>Today & tomorrow</b>").click()
    tab.get_by_role("button", name="Delete <b>Today & tomorrow</b> for good?").click()
    tab.get_by_text("is deleted").first.wait_for()
    assert (
        "Today & tomorrow" not in tab.locator("#studio-plans .studio-list").inner_text()
        if tab.locator("#studio-plans .studio-list").count()
        else True
    )


def test_a_download_is_the_plan_in_hand_and_a_refusal_is_read_on_the_page(tab):
    back_to_the_start(tab)
    move(tab, "u05", "1-02")
    with tab.expect_download() as got:
        tab.get_by_role("button", name="plan.csv of the plan in hand").click()
    rows = list(csv.DictReader(io.StringIO(got.value.path().read_text(encoding="utf-8"))))
    assert [row["unit"] for row in rows] == IDS
    assert rows[5]["zone"] == "1-02"
    tab.evaluate("zonedesignEdit.edit.move(['u00', 'u01'], '1-02', '')")
    kept(tab)
    tab.get_by_role("button", name="folder.zip of the plan in hand").click()
    tab.get_by_text("made only of a plan that keeps every rule").first.wait_for()
    tab.wrong[:] = [said for said in tab.wrong if "400" not in said]  # the refusal, in the console's words


def test_levels_are_changed_and_the_plan_in_hand_is_judged_by_them(tab):
    back_to_the_start(tab)
    tab.get_by_label("Level 1, Weekly hours, most").fill("35")
    tab.get_by_role("button", name="Apply, and judge the plan by these").click()
    until(
        tab,
        "document.documentElement.dataset.studio === 'ready' && zonedesignEdit.figures().broken.length === 4",
    )
    ready(tab)
    assert len(tab.evaluate("zonedesignEdit.figures().broken")) == 4
    assert "Changed here" in tab.locator("#studio-rules").inner_text()
    tab.get_by_label("Level 1, Weekly hours, most").fill("20")
    tab.get_by_role("button", name="Apply, and judge the plan by these").click()
    tab.get_by_text("weekly_hours").first.wait_for()
    tab.wrong[:] = [said for said in tab.wrong if "400" not in said]
    tab.get_by_label("Level 1, Weekly hours, most").fill("50")
    tab.get_by_role("button", name="Apply, and judge the plan by these").click()
    tab.get_by_text("As tiny.toml has them").wait_for()
    ready(tab)
    assert tab.evaluate("zonedesignEdit.figures().broken") == []


def test_a_second_window_that_comes_late_is_told_and_overwrites_nothing(tab):
    back_to_the_start(tab)
    other = tab.context.new_page()
    other.goto(tab.url)
    ready(other)
    move(other, "u05", "1-02")
    tab.evaluate("zonedesignEdit.edit.move(['u06'], '1-01', '')")
    tab.get_by_text("changed in another window meanwhile").wait_for()
    tab.wrong[:] = [said for said in tab.wrong if "409" not in said]
    tab.evaluate("window.onbeforeunload = null")
    other.reload()
    ready(other)
    assert (zone_of(other, "u05"), zone_of(other, "u06")) == ("1-02", "1-02")
    other.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_the_panels_are_accessible_and_fit(tab, scheme, width):
    axe_core = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-core is not installed"
    )
    tab.set_viewport_size({"width": width, "height": 900})
    tab.emulate_media(color_scheme=scheme)
    # Tables out of view have no sizes to judge.
    tab.add_style_tag(content=".scroll { content-visibility: visible !important; }")
    tab.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    found = axe_core.Axe().run(
        tab, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    )
    assert [
        (each["id"], each["nodes"][0]["html"], each["nodes"][0]["failureSummary"])
        for each in found.response["violations"]
    ] == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    small = tab.evaluate(
        "[...document.querySelectorAll('#panels button, #panels select, #panels input, #panels summary')].filter((each) => each.offsetParent)"
        ".filter((each) => { const box = (each.closest('label') ?? each).getBoundingClientRect(); return box.height < 24 || box.width < 24; }).map((each) => each.outerHTML)"
    )
    assert small == []


def test_what_the_page_called_kept_is_there_after_the_studio_was_killed(browser, tmp_path):
    write_tiny(tmp_path)
    process, first = serve(tmp_path, "--start", str(write_plan(tmp_path)))
    page = browser.new_page()
    page.goto(first)
    ready(page)
    move(page, "u05", "1-02")
    process.kill()
    process.communicate()
    page.evaluate("zonedesignEdit.edit.move(['u06'], '1-01', '')")
    page.get_by_text("Not kept: the studio does not answer").wait_for()
    page.close(run_before_unload=False)
    process, second = serve(tmp_path)
    page = browser.new_page()
    page.goto(second)
    ready(page)
    assert (zone_of(page, "u05"), zone_of(page, "u06")) == ("1-02", "1-02")
    page.close()
    assert end(process) == 0
