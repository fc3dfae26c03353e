"""The review map in a real browser: nothing fetched, no error, usable by keyboard, on a phone and by everyone."""

from __future__ import annotations

import pytest
import toy

import zonedesign as zd
from zonedesign.maps import page

pytestmark = pytest.mark.browser

HOSTILE = "</script><script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">{{7*7}}`${1}"


def toy_page(**options: object) -> str:
    problem = toy.problem(about=zd.About(name="Toyshire"))
    roads = zd.sketch_roads(problem.units.points)
    return page(toy.plan(problem), problem, roads=roads, **options)


def test_the_page_has_its_title_its_zones_their_labels_and_a_scale_in_both_measures(show) -> None:
    tab = show(toy_page())
    assert tab.title() == "Toyshire \N{EN DASH} zone map (internal)"
    assert tab.locator("#zones tbody tr").count() == 2
    assert tab.locator(".label b").all_inner_texts() == ["east", "west"]
    assert all(label.is_visible() for label in tab.locator(".label b").all())
    assert tab.locator(".leaflet-control-scale-line").count() == 2


def test_choosing_a_zone_by_keyboard_marks_it_and_brings_it_into_view(show) -> None:
    tab = show(toy_page())
    tab.locator("#zones tbody button").nth(1).focus()
    tab.keyboard.press("Enter")
    assert tab.inner_text("#said") == "west Ashby is marked on the map."
    assert tab.locator("#zones tr[aria-current]").get_attribute("data-k") == "1"


def test_a_level_is_switched_off_and_on_by_keyboard(show) -> None:
    tab = show(toy_page())
    box = tab.get_by_label("Level 1")
    box.focus()
    tab.keyboard.press("Space")
    assert tab.locator(".label").count() == 0
    tab.keyboard.press("Space")
    assert tab.locator(".label").count() == 2


def test_pointing_at_a_zone_and_at_a_unit_tells_their_figures(show) -> None:
    tab = show(toy_page())
    frame = tab.locator("#map-frame").bounding_box()
    tab.mouse.move(frame["x"] + frame["width"] / 2 - 120, frame["y"] + frame["height"] / 2 + 20)
    assert "west Ashby" in tab.inner_text(".leaflet-tooltip")
    tab.get_by_label("Unit outlines").check()
    tab.mouse.move(frame["x"] + frame["width"] / 2 - 125, frame["y"] + frame["height"] / 2 + 25)
    tab.get_by_text("Minutes from the centre", exact=True).wait_for()


def test_the_table_sorts_by_what_is_clicked_and_says_so(show) -> None:
    tab = show(toy_page())
    head = tab.locator("#zones thead th").first
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert tab.locator("#zones .zone-id").all_inner_texts() == ["west", "east"]


@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_nothing_scrolls_sideways_at_any_width(show, width: int) -> None:
    tab = show(toy_page(), width, 844)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_everything_that_is_clicked_is_24_pixels_or_more(show) -> None:
    tab = show(toy_page(), 390, 844)
    sizes = tab.evaluate("""() => [...document.querySelectorAll("button, #layers label, .leaflet-control-zoom a")]
        .filter(each => each.checkVisibility())
        .map(each => each.getBoundingClientRect()).map(box => Math.min(box.width, box.height))""")
    assert min(sizes) >= 24


def test_hostile_names_are_shown_and_never_run(show) -> None:
    area = zd.Units.from_frame(toy.frame().assign(place=HOSTILE), hours="hours", customers="customers",
                               contiguity=toy.neighbours(), name="place")  # fmt: skip
    problem = toy.problem(
        units=area, about=zd.About(name=HOSTILE, notes=(HOSTILE,), sources=((HOSTILE, HOSTILE),))
    )
    tab = show(page(toy.plan(problem), problem))
    tab.locator("#zones tbody button").first.click()
    tab.mouse.move(400, 500)
    assert tab.title() == f"{HOSTILE} \N{EN DASH} zone map (internal)"
    assert tab.inner_text("h1") == HOSTILE
    assert tab.locator("img").count() == 0


def test_a_public_page_offers_no_units(show) -> None:
    tab = show(toy_page(public=True))
    assert tab.get_by_label("Unit outlines").count() == 0
    assert tab.evaluate("JSON.parse(document.getElementById('data').textContent).units") is None


def test_a_page_without_map_still_sorts(show) -> None:
    frame = toy.frame().drop(columns="geometry")
    problem = toy.problem(
        units=zd.Units.from_frame(frame, hours="hours", customers="customers", contiguity=toy.neighbours())
    )
    tab = show(page(toy.plan(problem), problem))
    tab.locator("#zones thead button").first.click()
    assert tab.locator("#zones .zone-id").all_inner_texts() == ["west", "east"]


def test_the_page_prints_with_the_whole_map_on_it(show) -> None:
    tab = show(toy_page())
    tab.emulate_media(media="print")
    tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert tab.locator("#map-frame").bounding_box()["width"] == 680
    assert not tab.locator(".bar").is_visible()


@pytest.mark.parametrize("width", [390, 1440])
def test_the_accessibility_rules_of_wcag_2_2_aa_find_nothing(show, width: int) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    tab = show(toy_page(), width, 844)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = axe.Axe().run(tab, options={"runOnly": tags}).response["violations"]
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found] == []
