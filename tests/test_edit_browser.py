"""The editing page in a real browser: by pointer and by keyboard, undone, locked, saved, opened, read by everyone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import tiny_county
import toy
from edit_pages import choose, show, toy_page, zone_of

import zonedesign as zd
from zonedesign.maps import edit_page

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["show"]
pytestmark = pytest.mark.browser

HOSTILE = "</script><script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">{{7*7}}`${1}"


def spot(tab: Any, unit: str) -> tuple[float, float]:
    """Where a unit's point lies on the screen."""
    frame = tab.locator("#map").bounding_box()
    at = tab.evaluate(
        "unit => { const at = chart.map.latLngToContainerPoint(chart.spots[data.ids.indexOf(unit)]); return [at.x, at.y + 14]; }",
        unit,
    )
    return frame["x"] + at[0], frame["y"] + at[1]


def said(tab: Any) -> str:
    return tab.inner_text("#said")


# Selecting.


def test_a_click_on_the_map_selects_a_unit_and_another_click_with_shift_adds_one(show):
    tab = show(toy_page())
    tab.mouse.click(*spot(tab, "A1"))
    tab.keyboard.down("Shift")
    tab.mouse.click(*spot(tab, "B6"))
    tab.keyboard.up("Shift")
    assert tab.evaluate("zonedesignEdit.selection()") == ["A1", "B6"]
    assert tab.inner_text("#selected") == "2 units: 20.0 hours a week, 2 customers, in west, east."


def test_the_map_is_worked_by_keyboard_with_a_cross(show):
    tab = show(toy_page())
    tab.locator("#map").focus()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Shift+Tab")  # as a keyboard comes to it, so that the cross is seen
    assert tab.locator("#cross").is_visible()
    tab.evaluate(
        "chart.map.setView(chart.spots[data.ids.indexOf('A5')], chart.map.getZoom(), {animate: false})"
    )
    tab.keyboard.press("Enter")
    assert tab.evaluate("zonedesignEdit.selection()") == ["A5"]
    tab.evaluate(
        "chart.map.setView(chart.spots[data.ids.indexOf('B5')], chart.map.getZoom(), {animate: false})"
    )
    tab.keyboard.press("Shift+Enter")
    assert tab.evaluate("zonedesignEdit.selection()") == ["A5", "B5"]
    tab.keyboard.press("Escape")
    assert tab.evaluate("zonedesignEdit.selection()") == []


@pytest.mark.parametrize("held", [True, False], ids=["drawn", "by two clicks"])
def test_a_box_selects_the_units_whose_points_lie_in_it(show, held):
    tab = show(toy_page())
    tab.get_by_label("Box").check()
    (x, y), (u, v) = spot(tab, "A1"), spot(tab, "A5")
    tab.mouse.move(x - 20, y - 40)
    tab.mouse.down()
    if not held:
        tab.mouse.up()
    tab.mouse.move(u + 20, v + 20, steps=5)
    if not held:
        tab.mouse.down()
    tab.mouse.up()
    assert tab.evaluate("zonedesignEdit.selection()") == ["A1", "A2", "A4", "A5"]


def test_a_lasso_selects_the_units_whose_points_it_goes_round(show):
    tab = show(toy_page())
    tab.get_by_label("Lasso").check()
    (x, y), (u, v) = spot(tab, "B1"), spot(tab, "B3")
    tab.mouse.move(x - 20, y - 40)
    tab.mouse.down()
    for to in [(u + 20, v - 40), (u + 20, v + 10), (x - 20, y + 10)]:
        tab.mouse.move(*to, steps=6)
    tab.mouse.up()
    assert tab.evaluate("zonedesignEdit.selection()") == ["B1", "B2", "B3"]


def test_a_lasso_drawn_corner_by_corner_closes_on_its_first_point(show):
    tab = show(toy_page())
    tab.get_by_label("Lasso").check()
    (x, y), (u, v) = spot(tab, "B1"), spot(tab, "B3")
    for to in [(x - 20, y - 40), (u + 20, v - 40), (u + 20, v + 10), (x - 20, y + 10), (x - 20, y - 40)]:
        tab.mouse.click(*to)
    assert tab.evaluate("zonedesignEdit.selection()") == ["B1", "B2", "B3"]


def test_all_of_one_value_of_a_column_are_selected_without_a_pointer(show):
    tab = show(toy_page())
    tab.get_by_label("All of one").select_option("council")
    tab.get_by_label("Value").select_option("B")
    tab.locator("#by-column").press("Enter")
    assert tab.evaluate("zonedesignEdit.selection()") == ["B1", "B2", "B3", "B4", "B5", "B6"]


def test_all_of_this_ward_is_what_stands_ready_once_a_unit_is_selected(show):
    tab = show(toy_page())
    tab.get_by_label("All of one").select_option("ruc")
    choose(tab, "A3")
    assert tab.get_by_label("Value").input_value() == "Rural"
    tab.locator("#by-column").press("Enter")
    assert tab.evaluate("zonedesignEdit.selection()") == ["A3", "B3", "A6", "B6"]


def test_units_are_selected_by_their_codes_and_strange_codes_are_named(show):
    tab = show(toy_page())
    tab.get_by_label("Codes").fill("A1, A2\nQ9")
    tab.locator("#by-codes").press("Enter")
    assert tab.evaluate("zonedesignEdit.selection()") == ["A1", "A2"]
    assert said(tab) == "2 units selected; 1 code of no unit: Q9."


def test_neighbours_are_added_to_the_selection(show):
    tab = show(toy_page())
    choose(tab, "A1")
    tab.locator("#neighbours").press("Enter")
    assert tab.evaluate("zonedesignEdit.selection()") == ["A1", "A2", "A4"]


def test_the_list_of_units_is_searched_and_all_it_lists_are_selected(show):
    tab = show(toy_page())
    tab.get_by_label("Containing").fill("b")  # Ashby and Burton both
    tab.get_by_label("In", exact=True).select_option("east Burton")
    tab.locator("#all-listed").press("Enter")
    assert len(tab.evaluate("zonedesignEdit.selection()")) == 6


# Editing.


def test_units_move_and_every_figure_follows_at_once(show):
    tab = show(toy_page())
    choose(tab, "B1")
    tab.get_by_label("Move to").select_option("west Ashby")
    tab.get_by_label("Reason").fill("the bridge is shut")
    tab.locator("#move").press("Enter")
    assert said(tab) == "Moved 1 unit to zone west. Objective 2.500, +0.167. 0 rules broken."
    assert [cell.strip() for cell in tab.locator("#facts tbody tr").nth(0).inner_text().split("\t")] == [
        "Objective", "", "2.3333", "2.5000", "+0.1667",
    ]  # fmt: skip
    row = tab.locator("#zones tr[data-zone=west]").inner_text().replace("\n", " ")
    assert "7 +1" in row
    assert "70 +10" in row
    assert tab.evaluate("zonedesignEdit.log()[0].reason") == "the bridge is shut"
    assert tab.get_by_label("Reason").input_value() == ""


def test_a_broken_rule_is_listed_and_shown_where_it_is(show):
    tab = show(toy_page())
    tab.evaluate("zonedesignEdit.edit.move(['B3'], 'west', '')")
    line = tab.locator("#broken li").filter(has_text="Contiguous")
    assert (
        line.locator("span").inner_text() == "Zone west Ashby: Contiguous (pieces) is 2; allowed is up to 1"
    )
    assert tab.locator(".alarm").count() == 1
    before = tab.evaluate("chart.map.getZoom()")
    line.get_by_role("button", name="Show me").press("Enter")
    assert "1 unit marked on the map: B3 Burton." in said(tab)
    assert tab.evaluate("chart.map.getZoom()") > before
    line.get_by_role("button", name="Select").press("Enter")
    assert tab.evaluate("zonedesignEdit.selection()") == ["B3"]


def test_a_unit_taken_out_of_its_zone_is_always_in_view_and_the_objective_is_not_known(show):
    tab = show(toy_page())
    choose(tab, "A1")
    tab.locator("#take-out").press("Enter")
    assert zone_of(tab, "A1") is None
    assert tab.locator(".alarm").count() == 1
    lines = tab.locator("#broken li span").all_inner_texts()
    assert lines[0] == "The plan: Cover (units without a zone) is 1; allowed is 0"
    assert tab.evaluate("zonedesignEdit.figures().objective") is None
    assert "not known while units are in no zone" in said(tab)


def test_a_zone_whose_centre_leaves_gets_its_best(show):
    tab = show(toy_page())
    tab.evaluate("zonedesignEdit.edit.move(['B2'], 'west', '')")
    centres = {row["zone"]: row["centre"] for row in tab.evaluate("zonedesignEdit.plan()")}
    assert centres == {"west": "A2", "east": "B5"}


def test_a_zone_is_made_split_merged_levelled_and_centred_by_keyboard(show):
    tab = show(toy_page())
    choose(tab, "A1", "A4")
    tab.locator("#make").press("Enter")
    assert zone_of(tab, "A1") == "1-01"
    tab.locator("#clear").press("Enter")
    tab.locator("#zone").select_option("east")
    tab.locator("#split").press("Enter")
    assert len(tab.evaluate("zonedesignEdit.figures().zones")) == 4
    tab.locator("#zone").select_option("1-01")
    tab.locator("#merge-into").select_option("west")
    tab.locator("#merge").press("Enter")
    assert zone_of(tab, "A1") == "west"
    choose(tab, "A1")
    tab.locator("#centre").press("Enter")
    assert tab.evaluate("zonedesignEdit.plan()[0].centre") == "A1"
    tab.locator("#best").press("Enter")
    assert tab.evaluate("zonedesignEdit.plan()[0].centre") == "A2"


def test_a_zone_s_level_is_set(show):
    levels = [zd.Level("1", max_minutes=8), zd.Level("2", max_minutes=20)]
    problem = toy.problem(levels=levels)
    tab = show(edit_page(toy.plan(problem), problem))
    tab.locator("#zone").select_option("west")
    tab.locator("#level").select_option("2")
    tab.locator("#relevel").press("Enter")
    assert tab.evaluate("zonedesignEdit.plan()[0].level") == "2"


def test_a_locked_zone_is_not_changed_by_any_verb_and_says_so(show):
    tab = show(toy_page())
    tab.get_by_role("button", name="Lock west").press("Enter")
    assert tab.evaluate("zonedesignEdit.locks()") == {"zones": ["west"]}
    before = tab.evaluate("zonedesignEdit.plan()")
    choose(tab, "B1")
    tab.locator("#move-to").select_option("west")
    tab.locator("#move").press("Enter")
    assert said(tab) == "Nothing was changed: zone west is locked; unlock it first."
    for call in ["move(['A1'], 'east')", "takeOut(['A1'])", "make(['A1', 'B1'], '1')", "split('west', ['A1'])",
                 "merge('west', 'east')", "merge('east', 'west')", "recentre('west', 'A1')"]:  # fmt: skip
        tried = f"try {{ zonedesignEdit.edit.{call}; 'changed' }} catch (error) {{ error.message }}"
        assert "locked" in tab.evaluate(tried)
    rows = [{"unit": row["unit"], "zone": "all", "level": "1", "centre": None} for row in before]
    assert tab.evaluate("rows => zonedesignEdit.setPlan(rows, 'from elsewhere')", rows) is False
    assert tab.evaluate("zonedesignEdit.plan()") == before
    tab.get_by_role("button", name="Lock west").press("Enter")
    tab.locator("#move").press("Enter")
    assert zone_of(tab, "B1") == "west"


def test_every_step_is_undone_and_done_again(show):
    tab = show(toy_page())
    first = tab.evaluate("zonedesignEdit.csv()")
    for call in ["move(['A1'], 'east')", "split('east', [])", "lock('west', true)", "merge('east', '1-01')"]:
        tab.evaluate(f"zonedesignEdit.edit.{call}")
    last = tab.evaluate("zonedesignEdit.csv()")
    for _ in range(4):
        tab.keyboard.press("Control+z")
    assert tab.evaluate("zonedesignEdit.csv()") == first
    assert tab.evaluate("zonedesignEdit.locks()") == {"zones": []}
    tab.locator("#undo").press("Enter")
    assert said(tab) == "There is nothing to undo."
    for _ in range(4):
        tab.locator("#redo").press("Enter")
    assert tab.evaluate("zonedesignEdit.csv()") == last
    assert tab.evaluate("zonedesignEdit.log().length") == 12


# For everyone.

STATES = {
    "at first": "",
    "with units selected": "zonedesignEdit.select(['A1', 'B1'])",
    "broken, unassigned and locked": """zonedesignEdit.edit.move(['B3'], 'west', 'why'); zonedesignEdit.edit.takeOut(['A1'], '');
        zonedesignEdit.edit.lock('east', true, ''); document.querySelector('details').open = true;
        zonedesignEdit.panel('mine', 'A panel').textContent = 'text'; document.querySelector('#broken button').click();""",
    "after a file was refused": "document.getElementById('open-said').textContent = 'theirs.csv names 2 units'; document.getElementById('open-anyway').hidden = false",
}


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_the_accessibility_rules_of_wcag_2_2_aa_find_nothing_in_any_state(show, width, look):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    tab = show(toy_page(), width, 844, color_scheme=look)
    for state, script in STATES.items():
        tab.evaluate(f"() => {{ {script} }}")
        found = axe.Axe().run(tab, options={"runOnly": tags}).response["violations"]
        assert [(state, rule["id"], rule["nodes"][0]["html"]) for rule in found] == []


@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_nothing_scrolls_sideways_at_any_width_in_any_state(show, width):
    tab = show(toy_page(), width, 844)
    for script in STATES.values():
        tab.evaluate(f"() => {{ {script} }}")
        assert tab.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [1100, 1280])
def test_the_table_of_zones_shows_all_its_columns_where_it_stands_beside_the_map(show, width):
    names = {"west": "Wanderbury West", "east": "Thistlefield East"}
    frame = toy.frame()
    units = zd.Units.from_frame(
        frame.assign(place=[names["west"] if k % 2 else names["east"] for k in range(len(frame))]),
        hours="hours", customers="customers", contiguity=toy.neighbours(), name="place",
    )  # fmt: skip
    problem = toy.problem(units=units)
    tab = show(edit_page(toy.plan(problem), problem), width)
    tab.locator("#zones").scroll_into_view_if_needed()
    assert tab.evaluate(
        "(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)(document.querySelector('#zones').closest('.scroll'))"
    )


@pytest.mark.parametrize("width", [320, 1440])
def test_everything_that_is_clicked_is_24_pixels_or_more(show, width):
    tab = show(toy_page(), width, 844)
    tab.evaluate(f"() => {{ {STATES['broken, unassigned and locked']} }}")
    small = tab.evaluate("""() => [...document.querySelectorAll("button, select, textarea, summary, label.tick, .modes label, .tick-cell, .leaflet-control-zoom a, input[type=text], input[type=search], input[type=file]")]
        .filter(each => each.checkVisibility())
        .filter(each => { const box = each.getBoundingClientRect(); return Math.min(box.width, box.height) < 24; })
        .map(each => each.outerHTML.slice(0, 90))""")
    assert small == []


def test_the_focus_stays_where_it_was_after_an_edit(show):
    tab = show(toy_page())
    tab.get_by_role("button", name="Lock east").focus()
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.getAttribute('aria-label')") == "Lock east"
    assert tab.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"


def test_hostile_names_ids_and_columns_are_shown_and_never_run(show):
    frame = toy.frame().assign(place=HOSTILE, council=HOSTILE).rename(index={"A1": HOSTILE})
    near = [tuple(HOSTILE if u == "A1" else u for u in pair) for pair in toy.neighbours()]
    units = zd.Units.from_frame(frame, hours="hours", customers="customers", contiguity=near, name="place")
    problem = toy.problem(
        units=units, times=zd.TravelTimes.from_matrix(toy.minutes(), units.ids),
        levels=[zd.Level(HOSTILE)], about=zd.About(name=HOSTILE, notes=(HOSTILE,), sources=((HOSTILE, HOSTILE),)),
    )  # fmt: skip
    labels = pd.Series([HOSTILE if k < 6 else "east" for k in range(12)], index=units.ids)
    plan = zd.Plan.from_labels(units, problem.times, labels, levels=problem.levels)
    tab = show(edit_page(plan, problem, studio={"script": "", "note": HOSTILE}))
    tab.locator("#column").select_option("council")
    tab.locator("#by-column").click()
    tab.locator("#reason").fill(HOSTILE)
    tab.evaluate("text => zonedesignEdit.edit.takeOut([text], text)", HOSTILE)
    tab.locator("#broken button").first.click()
    tab.mouse.move(*spot(tab, "A5"))
    tab.locator("#zones tbody button").first.click()
    assert tab.title() == f"{HOSTILE} \N{EN DASH} try boundaries (internal)"
    assert tab.locator("img").count() == 0


def test_a_page_without_map_does_everything_in_its_tables(show):
    units = zd.Units.from_frame(toy.frame().drop(columns="geometry"), hours="hours", customers="customers",
                                contiguity=toy.neighbours())  # fmt: skip
    problem = toy.problem(units=units)
    tab = show(edit_page(toy.plan(problem), problem))
    choose(tab, "B1")
    tab.locator("#move-to").select_option("west")
    tab.locator("#move").press("Enter")
    assert zone_of(tab, "B1") == "west"
    tab.evaluate("zonedesignEdit.edit.takeOut(['A1'], '')")
    tab.locator("#broken button").first.click()


def test_a_browser_that_cannot_unpack_is_told_which_can(show, browser, tmp_path: Path):
    file = tmp_path / "old.html"
    file.write_text(toy_page(), encoding="utf-8")
    tab = browser.new_page()
    tab.add_init_script("delete window.DecompressionStream")
    tab.goto(file.as_uri())
    tab.locator("#failed:not([hidden])").wait_for()
    assert tab.inner_text("#failed").startswith("This browser is too old to unpack the travel times")
    assert not tab.locator("#work").is_visible()
    tab.close()


def test_the_page_prints_its_kind_its_map_and_its_figures_and_no_controls(show):
    tab = show(toy_page())
    tab.emulate_media(media="print")
    tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert tab.get_by_text("Internal.", exact=True).is_visible()
    assert tab.locator("#zones").is_visible()
    assert tab.locator("#map-frame").bounding_box()["width"] == 680
    assert not tab.locator("#card").is_visible()
    assert not tab.locator("#save-plan").is_visible()


# For the studio.


def test_the_studio_s_script_runs_when_the_page_is_ready_with_its_data_and_panels(show):
    script = """
      const edit = window.zonedesignEdit, seen = [];
      edit.panel("studio", "Have it designed").textContent = `${data.studio.token} ${edit.plan().length}`;
      edit.on("change", () => seen.push(edit.figures().objective));
      edit.say("ready");
      edit.setPlan(edit.plan().map((row) => ({ ...row, zone: "all", centre: null })), "Designed", "asked for");
      window.seen = seen;
    """
    problem = toy.problem()
    tab = show(edit_page(toy.plan(problem), problem, studio={"script": script, "token": "t0"}))
    assert tab.inner_text("#panel-studio .panel-body") == "t0 12"
    assert tab.inner_text("#panel-studio h2") == "Have it designed"
    assert len(tab.evaluate("window.seen")) == 1
    assert tab.evaluate("zonedesignEdit.log()[0].what") == "Designed"


def test_the_page_of_the_tiny_county_opens_from_the_command_line(show, tmp_path: Path):
    from zonedesign.cli import main

    scenario, out = tiny_county.write_tiny(tmp_path), tmp_path / "edit.html"
    assert (
        main(
            [
                "map",
                str(tiny_county.write_plan(tmp_path)),
                "--scenario",
                str(scenario),
                "-o",
                str(out),
                "--edit",
                "-q",
            ]
        )
        == 0
    )
    tab = show(out.read_text(encoding="utf-8"))
    assert tab.evaluate("zonedesignEdit.figures().zones.length") == 4
    assert tab.locator(".mark").inner_text() == "sketch roads"
