"""The comparison page in a real browser: maps that move together, everything by keyboard, nothing fetched."""

from __future__ import annotations

import pytest
import toy
from test_maps_browser import HOSTILE

import zonedesign as zd
from zonedesign.maps import compare_page

pytestmark = pytest.mark.browser

AXE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EXTENT = """() => ["left", "right"].map(side => {
    const map = document.querySelector(`#map-${side}`), at = map.getBoundingClientRect();
    const boxes = [...map.querySelectorAll(".leaflet-zones-pane path")].map(path => path.getBoundingClientRect());
    return [Math.max(...boxes.map(box => box.right)) - at.x, Math.min(...boxes.map(box => box.top)) - at.y].map(Math.round);
})"""
"""Where all zones together end on each map, to the right and above, in pixels from the map's corner."""


def plans(problem: zd.Problem, number: int = 2) -> dict[str, zd.Plan]:
    today = toy.plan(problem)
    every = {
        "today": today,
        "proposed": today.move(["A3", "A6"], "east"),
        "split": today.split("east", ["B3", "B6"]),
    }
    return dict(list(every.items())[:number])


def toy_page(number: int = 2, **changes: object) -> str:
    problem = toy.problem(about=zd.About(name="Toyshire"), **changes)
    return compare_page(zd.compare(plans(problem, number), problem, by="council"))


def middle(tab: object, side: str, dx: float = 0, dy: float = 0) -> tuple[float, float]:
    box = tab.locator(f"#map-{side}").bounding_box()
    return box["x"] + box["width"] / 2 + dx, box["y"] + box["height"] / 2 + dy


def test_the_page_says_what_is_compared_and_that_it_is_internal(show) -> None:
    tab = show(toy_page())
    assert tab.title() == "Toyshire \N{EN DASH} plans compared (internal)"
    assert tab.inner_text(".kind") == "Internal. Exact figures: not for publication."
    assert [tab.inner_text(f"#{side}-name") for side in ("left", "right")] == ["today", "proposed"]
    assert "2 units with 2 customers, 20 hours a week (16.7 %), change zone." in tab.inner_text(".summary")
    assert tab.locator("#map-left .label b").all_inner_texts() == ["east", "west"]


def test_matched_zones_have_one_colour_and_moved_units_a_hatching(show) -> None:
    tab = show(toy_page())
    fills = "side => [...document.querySelectorAll(`#map-${side} .leaflet-zones-pane path`)].map(path => path.getAttribute('fill'))"
    left, right = (tab.evaluate(fills, side) for side in ("left", "right"))
    assert left == right
    assert len(set(left)) == 2
    assert tab.locator("#map-right .leaflet-moved-pane path").first.get_attribute("fill") == "url(#moved)"


def test_both_maps_move_and_zoom_together(show) -> None:
    tab = show(toy_page())
    before = tab.evaluate(EXTENT)[0]
    tab.locator("#map-right .leaflet-control-zoom-in").click()
    tab.locator("#map-left").focus()
    tab.keyboard.press("ArrowRight")
    tab.wait_for_timeout(400)
    left, right = tab.evaluate(EXTENT)
    assert left == right
    assert left != before


def test_the_unit_pointed_at_shows_on_both_maps_with_its_figures(show) -> None:
    tab = show(toy_page())
    tab.mouse.move(*middle(tab, "left", -20, -20))
    assert tab.locator(".unit-tip strong").all_inner_texts() == ["west Ashby", "east Burton"]
    assert "A3 Ashby" in tab.inner_text("#pointed")
    assert "1 customer, 10.0 hours a week; changes zone" in tab.inner_text("#pointed")
    tab.mouse.move(5, 5)
    assert tab.locator(".unit-tip").count() == 0


def test_a_unit_is_found_by_keyboard_and_let_go(show) -> None:
    tab = show(toy_page())
    tab.get_by_label("Find a unit").fill("b1")
    tab.keyboard.press("Enter")
    assert tab.inner_text("#said") == "B1 Burton: east Burton, then east Burton."
    assert tab.locator(".unit-tip").count() == 2
    tab.get_by_label("Find a unit").fill("nothing")
    tab.keyboard.press("Enter")
    assert tab.inner_text("#said") == "No unit has 'nothing' in its id or name."
    tab.keyboard.press("Escape")
    assert tab.locator(".unit-tip").count() == 0


def test_a_row_of_the_realignment_list_marks_its_units_on_both_maps(show) -> None:
    tab = show(toy_page())
    tab.locator(".moves button").first.focus()
    tab.keyboard.press("Enter")
    assert tab.locator(".moves tr[aria-current]").count() == 1
    assert tab.inner_text("#said") == "The units of this row are marked on both maps."
    assert [tab.locator(f"#map-{side} .leaflet-marks-pane path").count() for side in ("left", "right")] == [
        2,
        2,
    ]


def test_what_is_drawn_is_switched_by_keyboard(show) -> None:
    tab = show(toy_page())
    tab.get_by_label("Mark what moves").press("Space")
    tab.get_by_label("Zone names").press("Space")
    assert tab.locator(".leaflet-moved-pane path").count() == 0
    assert tab.locator(".label").count() == 0


def test_of_three_plans_any_two_are_shown_side_by_side_with_their_tables(show) -> None:
    tab = show(toy_page(3))
    choice = tab.get_by_label("Show side by side")
    assert choice.locator("option").all_inner_texts() == [
        "today and proposed",
        "today and split",
        "proposed and split",
    ]
    choice.select_option("proposed and split")
    assert [tab.inner_text(f"#{side}-name") for side in ("left", "right")] == ["proposed", "split"]
    assert tab.locator("h2:visible").all_inner_texts().count("What moves from proposed to split") == 1
    assert "1-01" in tab.locator("#map-right .label b").all_inner_texts()


def test_units_without_zone_are_drawn_as_such(show) -> None:
    problem = toy.problem()
    today = toy.plan(problem)
    kept = toy.frame().drop(index="B6")
    labels = toy.labels().drop("B6")
    part = zd.Plan.from_labels(
        zd.Units.from_frame(kept, hours="hours"), problem.times, labels, levels=problem.levels
    )
    tab = show(compare_page(zd.compare({"today": today, "part": part}, problem)))
    assert tab.locator("#map-right path[fill='url(#no-zone)']").count() == 1
    assert tab.locator("#map-left path[fill='url(#no-zone)']").count() == 0
    assert "No zone in this plan" in tab.inner_text(".key")


def test_units_that_are_points_are_found_under_the_pointer(show) -> None:
    frame = toy.frame()
    area = zd.Units.from_frame(
        frame.set_geometry(frame.geometry.centroid),
        hours="hours",
        customers="customers",
        contiguity=toy.neighbours(),
    )
    tab = show(toy_page(units=area))
    tab.locator("#unit").fill("A3")
    tab.keyboard.press("Enter")
    tab.mouse.move(*middle(tab, "right"))
    assert tab.locator("#pointed strong").inner_text() == "A3"


def test_without_shapes_the_tables_stand_alone(show) -> None:
    frame = toy.frame().drop(columns="geometry")
    area = zd.Units.from_frame(frame, hours="hours", customers="customers", contiguity=toy.neighbours())
    tab = show(toy_page(3, units=area))
    tab.get_by_label("Show side by side").select_option("today and split")
    assert tab.locator("h2:visible").all_inner_texts().count("What moves from today to split") == 1
    assert tab.locator("tbody button").count() == 0


@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_nothing_scrolls_sideways_at_any_width(show, width: int) -> None:
    tab = show(toy_page(3), width, 844)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_everything_that_is_clicked_is_24_pixels_or_more(show) -> None:
    tab = show(toy_page(3), 390, 844)
    sizes = tab.evaluate("""() => [...document.querySelectorAll("button, select, .tick, input[type=text], .leaflet-control-zoom a, summary")]
        .filter(each => each.checkVisibility())
        .map(each => each.getBoundingClientRect()).map(box => Math.min(box.width, box.height))""")
    assert min(sizes) >= 24


def test_hostile_names_are_shown_and_never_run(show) -> None:
    frame = (
        toy.frame().assign(place=HOSTILE, council=HOSTILE).set_axis([f"{unit}{HOSTILE}" for unit in toy.IDS])
    )
    area = zd.Units.from_frame(frame, hours="hours", customers="customers", name="place")
    times = zd.TravelTimes.from_matrix(toy.minutes(), frame.index)
    levels = [zd.Level(HOSTILE, weekly_hours=(50, 70))]
    about = zd.About(name=HOSTILE, notes=(HOSTILE,), sources=((HOSTILE, HOSTILE),))
    problem = zd.Problem(area, times, levels=levels, about=about)
    labels = pd_labels(frame.index)
    plan = zd.Plan.from_labels(area, times, labels, levels=levels)
    other = plan.move(frame.index[2], f"east{HOSTILE}")
    tab = show(compare_page(zd.compare({HOSTILE: plan, f"b{HOSTILE}": other}, problem, by="council")))
    tab.mouse.move(*middle(tab, "left", -20, -20))
    tab.get_by_label("Find a unit").fill(HOSTILE)
    tab.keyboard.press("Enter")
    tab.locator(".moves button").first.click()
    assert tab.title() == f"{HOSTILE} \N{EN DASH} plans compared (internal)"
    assert tab.inner_text("#left-name") == HOSTILE
    assert tab.locator("img").count() == 0


def pd_labels(index: object) -> object:
    return toy.labels().set_axis(index) + HOSTILE


def test_the_page_prints_with_both_maps_whole_and_marked_internal(show) -> None:
    tab = show(toy_page())
    tab.emulate_media(media="print")
    tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    boxes = [tab.locator(f"#map-{side}").bounding_box() for side in ("left", "right")]
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["width"] == boxes[1]["width"] == pytest.approx(493)
    assert tab.locator(".kind").is_visible()
    assert not tab.locator(".bar").is_visible()


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1440, "light"), (1440, "dark")])
def test_the_accessibility_rules_of_wcag_2_2_aa_find_nothing(show, width: int, scheme: str) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    tab = show(toy_page(3), width, 844)
    tab.emulate_media(color_scheme=scheme)
    tab.locator(".moves button").first.click()
    tab.get_by_label("Find a unit").fill("A3")
    tab.keyboard.press("Enter")
    found = axe.Axe().run(tab, options={"runOnly": AXE}).response["violations"]
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found] == []
