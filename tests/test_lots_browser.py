"""The page of lots in a real browser: nothing fetched, for everyone, on a phone, names of bidders as text."""

from __future__ import annotations

import pandas as pd
import pytest
import toy

import zonedesign as zd
from zonedesign.lots import Floor, FloorLine, Rate, Step, Terms, Viability
from zonedesign.report.lots import lots_page

pytestmark = pytest.mark.browser

HOSTILE = (
    "</title><script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">{{7*7}}"
)


def made(name: str = "Toyshire", bidder: str = "Ash") -> str:
    """The page of the toy plan with every part that it may have."""
    problem = toy.problem(level={"providers": {"lead": 1, "secondary": 1}}, about=zd.About(name=name))
    terms = Terms(
        cap=1,
        rate=Rate(hourly=20.0),
        floor=Floor(12.0, travel_share=0.2, lines=(FloorLine(name, "pay", 0.1, "assumption"),)),
        viability=Viability(branch={"private": 0.3}),
        cascade=(Step("lead", 0.8, 4), Step("reserve", 0.5, 24)),
    )
    plan = toy.plan(problem)
    found = zd.lots(plan, problem, terms, draws=100)
    rows = [(bidder, "west", 20.0, 80), (bidder, "east", 20.0, 80), ("Birch", "west", 19.0, 70)]
    won = zd.award(pd.DataFrame(rows, columns=["provider", "lot", "price", "quality"]), found)
    return lots_page(zd.lots(plan, problem, terms, allocation=won, draws=100), won)


def test_the_page_is_accessible_in_light_and_dark(show):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    for scheme in ("light", "dark"):
        tab = show(made(), color_scheme=scheme)
        found = axe.Axe().run(tab)
        assert found.violations_count == 0, found.generate_report()


def test_the_reserve_is_no_provider_that_awaits_an_award_and_the_floor_adds_up(show):
    tab = show(made())
    reserve = tab.get_by_role("row").filter(has=tab.get_by_role("rowheader", name="reserve", exact=True))
    assert "not awarded" not in reserve.first.text_content()
    # 12 + a fifth of travel, and a tenth of the 14.40 paid.
    assert tab.get_by_role("row", name="The floor all").locator("strong").text_content() == "15.84"


def test_the_page_fits_a_phone(show):
    tab = show(made(), width=320)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 320


def test_names_from_data_are_text(show):
    tab = show(made(HOSTILE, bidder=HOSTILE))
    assert tab.title().startswith("</title><script>")
    assert tab.locator("table").get_by_text("{{7*7}}").count() >= 1
    assert tab.locator("img").count() == 0


def test_the_chart_has_a_text_and_the_page_says_that_it_is_internal(show):
    tab = show(made())
    assert tab.get_by_text("Exact figures: not for publication").count() == 1
    assert "under 150 h a week" in tab.locator("svg.bars desc").text_content()


def test_the_award_and_its_method_stand_on_the_page(show):
    tab = show(made())
    assert tab.get_by_role("heading", name="The award").count() == 1
    assert tab.get_by_text("each step is proved best before the next is taken").count() == 1
    assert tab.get_by_role("row", name="east lead Ash").count() == 1
