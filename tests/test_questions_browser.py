"""The pages of price, frontier and stress in a real browser: nothing fetched, for everyone, on a phone."""

from __future__ import annotations

import pandas as pd
import pytest
import toy

import zonedesign as zd
from zonedesign.questions import Frontier, Price, Repair
from zonedesign.questions.moves import moves
from zonedesign.report.frontier import frontier_page
from zonedesign.report.price import price_page
from zonedesign.report.stress import stress_page

pytestmark = pytest.mark.browser

HOSTILE = (
    "</title><script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">{{7*7}}"
)


def problem(name: str = "Toyshire") -> zd.Problem:
    baseline = toy.labels()
    return toy.problem(about=zd.About(name=name), objective=zd.Objective(baseline=baseline))


def stressed(name: str = "Toyshire") -> str:
    of = problem(name)
    growth = pd.DataFrame({"council": ["A", "*"], "growth_percent": [90.0, 0.0], "years": [10, 10]})
    return stress_page(zd.stress(toy.plan(of), of, zd.Outlook(growth=growth), draws=200), of)


def prices(name: str = "Toyshire") -> str:
    row = {"kind": "lock", "says": "a centre at A1", "status": "priced"}
    values = dict.fromkeys(("objective_with", "bound_with", "mean_minutes_with"), 2.7)
    values |= dict.fromkeys(("objective_without", "bound_without", "mean_minutes_without"), 2.3)
    frame = pd.DataFrame(
        [
            {"choice": "centre_at A1", **row, "price": 0.4, "price_low": 0.3, "price_high": 0.5, **values},
            {"choice": "1.zones", **row, "status": "unknown"},
        ]
    )
    return price_page(Price(frame, toy.plan(), {}, seconds=3.0), problem(name))


def changes(name: str = "Toyshire") -> str:
    of = problem(name)
    today = toy.plan(of)
    other = today.move("A3", "east")
    rows = [
        {"share": 0.0, "status": "impossible"},
        {"share": 0.1, "status": "found", "objective": 2.6, "bound": 2.5, "gap": 0.04, "moved": 0.08,
         "hours_moved": 10.0, "units_moved": 1, "mean_minutes": 2.6},
        {"share": 1.0, "status": "found", "objective": 2.4, "bound": 2.4, "gap": 0.0, "moved": 0.3,
         "hours_moved": 36.0, "units_moved": 4, "mean_minutes": 2.4},
    ]  # fmt: skip
    frame = pd.DataFrame(rows).astype({"units_moved": "Int64"})
    repair = Repair(other, 1 / 12, 0.05, moves(of, today, other))
    return frontier_page(
        Frontier(frame, {0.1: other, 1.0: other}, today, ("broken at the start: Volume",), repair, 5.0), of
    )


PAGES = {"price": prices, "frontier": changes, "stress": stressed}


@pytest.mark.parametrize("made", PAGES.values(), ids=PAGES)
def test_pages_are_accessible_in_light_and_dark(show, made):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    for scheme in ("light", "dark"):
        tab = show(made(), color_scheme=scheme)
        found = axe.Axe().run(tab)
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("made", PAGES.values(), ids=PAGES)
def test_pages_fit_a_phone(show, made):
    tab = show(made(), width=320)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("made", PAGES.values(), ids=PAGES)
def test_names_from_data_are_text(show, made):
    tab = show(made(HOSTILE))
    assert tab.title().startswith("</title><script>")
    assert tab.locator("h1").inner_text().startswith("</title><script>")


@pytest.mark.parametrize("made", PAGES.values(), ids=PAGES)
def test_the_chart_has_a_text_and_the_page_says_that_it_is_internal(show, made):
    tab = show(made())
    assert tab.locator("svg.chart desc").text_content()
    assert tab.locator(".kind").inner_text().startswith("Internal.")
    assert tab.locator("svg.chart .dot").count() > 0


def test_the_frontier_says_what_is_proved_and_lists_the_moves_of_the_repair(show):
    tab = show(changes())
    words = tab.locator("main").inner_text()
    assert "No plan that keeps every rule exists, proved." in words
    assert (
        "moves 1 unit with 10.0 hours a week, 8.3 % of all; any repair moves 5.0 % of the hours at least"
        in words
    )
    assert tab.locator("table").nth(1).locator("tbody tr").all_inner_texts() == ["west\teast\t1\t10.0\t1"]


def test_the_dearest_choice_comes_first_and_what_is_not_known_is_said(show):
    tab = show(prices())
    rows = tab.locator("tbody tr").all_inner_texts()
    assert rows[0].startswith("centre_at A1")
    assert "unknown" in rows[1]
