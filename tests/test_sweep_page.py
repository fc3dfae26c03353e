"""The page of a sweep: one chart that needs no colour, the table beside it, and nothing fetched or run."""

from __future__ import annotations

import re
from typing import Any

import pytest

from zonedesign.report.chart import Interval, intervals
from zonedesign.report.sweep import page
from zonedesign.sweep.rows import Row

HOSTILE = "</svg></title><script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">{{7*7}}"
TRAVEL = {"mean_minutes": 1.0, "moved": 0.0, "crossing": 0.0, "boundary": 0.0}


def planned(name: str, objective: float, bound: float | None, **more: Any) -> Row:
    facts = {
        "scenario": "Toyshire",
        "status": "feasible",
        "objective": objective,
        "terms": {"mean_minutes": objective, "boundary": 0.3},
        "weights": TRAVEL,
        "bound": bound,
        "gap": None if bound is None else (objective - bound) / objective,
        "zones": {"1": 20, "2": 9, "3": 6},
        "worst_minutes": 14.4,
        "seconds": 40.0,
        "broken": 0,
        "run": "a-run",
        "sketch": True,
    }
    return Row(name, **(facts | more))


def rows() -> list[Row]:
    cause = "2 units have each more than any zone may have"
    return [
        planned("As it stands", 3.3284, 3.0678),
        planned("Districts followed exactly", 3.9015, 3.2507, settings="locks.nest_in districts.gpkg (lad_code)"),
        planned("No bound", 3.5, None),
        planned("Best", 3.2, 3.2, status="optimal", gap=0.0, taken_from="As it stands"),
        Row("PCNs followed exactly", "Toyshire", status="infeasible", proved="before solving", causes=(cause,),
            said=("5 of 20 areas of pcn cannot be one connected zone, being in pieces: U03364 (9 + 4 + 1 units)",)),
        Row("15 minutes between any two customers", "Toyshire", status="unknown", error="no plan found in 40 s"),
        Row("Elsewhere", "Toyshire", status="failed", error="there is no file absent.csv"),
        Row("Later", "Toyshire"),
    ]  # fmt: skip


def shown(*given: Row, title: str = "Toyshire") -> str:
    return page(title, [row.as_dict() for row in (given or rows())], ["Every run had 40 seconds at most."])


def bars(svg: str) -> list[tuple[float, float]]:
    """Where every bar begins and how wide it is, in per cent."""
    found = re.findall(r'class="interval" x="([\d.]+)%" y="[\d.]+" width="([\d.]+)%"', svg)
    return [(float(begin), float(width)) for begin, width in found]


# The chart.


def test_a_bar_goes_from_what_is_proved_to_what_was_found() -> None:
    lines = [Interval("a", 4.0, 2.0, ""), Interval("b", 3.0, 2.0, ""), Interval("c", 4.0, 4.0, "")]
    (first, wide), (second, half), (third, none) = bars(intervals(lines, label="x", title="t", says="s"))
    assert first == second
    assert wide == pytest.approx(2 * half, abs=0.02)
    assert third == pytest.approx(first + wide, abs=0.02)
    assert none == 0


def test_an_axis_has_round_figures_and_holds_everything() -> None:
    svg = intervals([Interval("a", 3.9015, 3.0678, "")], label="x", title="t", says="s")
    assert re.findall(r'anchor="middle">([\d.,]+)<', svg) == ["3", "3.5", "4"]
    assert all(0 <= begin <= begin + width <= 100 for begin, width in bars(svg))


@pytest.mark.parametrize("value", [0.0, 1e-9, 2.0, 1e9])
def test_one_figure_alone_is_a_chart_too(value: float) -> None:
    svg = intervals([Interval("a", value, value, "")], label="x", title="t", says="s")
    assert "nan" not in svg
    assert len(bars(svg)) == 1


def test_lines_without_figures_are_words_only() -> None:
    svg = intervals([Interval("a", None, None, "no plan can exist")], label="x", title="t", says="s")
    assert bars(svg) == []
    assert "no plan can exist" in svg


def test_names_are_cut_to_two_lines_and_escaped() -> None:
    svg = intervals([Interval("<b> " * 60, 1.0, 0.5, "")], label="x", title="t", says="s")
    assert "<b>" not in svg
    assert svg.count('class="name"') == 2
    assert "\N{HORIZONTAL ELLIPSIS}" in svg


# The page.


def test_runs_weighed_differently_are_said_not_to_compare() -> None:
    other = planned("Cut", 3.0, 2.0, weights={**TRAVEL, "boundary": 0.5})
    assert "their bars do not compare" in shown(planned("As it stands", 3.3, 3.0), other)
    assert "their bars do not compare" not in shown()


def test_the_same_weights_of_several_terms_are_named_on_the_axis() -> None:
    weights = {**TRAVEL, "boundary": 0.5}
    source = shown(planned("a", 3.3, 3.0, weights=weights), planned("b", 3.1, 3.0, weights=weights))
    assert "1 x mean minutes + 0.5 x share of boundary cut" in source.replace("\n", " ")


def test_the_same_runs_make_the_same_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert shown() == shown()
    assert "14 November 2023" in shown()


# In a browser.


@pytest.mark.browser
def test_the_page_has_one_chart_with_its_words_and_a_row_for_every_run(show: Any) -> None:
    tab = show(shown())
    assert tab.title() == "Toyshire \N{EN DASH} what if (internal)"
    chart = tab.get_by_role("img", name="What each run costs, and the best that is possible")
    assert chart.count() == 1
    assert "Best: 3.20, proved best" in chart.locator("desc").inner_html()
    assert tab.locator("tbody tr").count() == 8
    cells = tab.locator("tbody tr").nth(0).locator("th, td").all_inner_texts()
    assert cells == [
        "As it stands",
        "a plan",
        "3.328",
        "3.068",
        "7.8%",
        "3.33",
        "14.4",
        "20 + 9 + 6",
        "none",
        "40",
    ]
    assert tab.get_by_text("sketch roads").is_visible()
    assert tab.get_by_text("U03364 (9 + 4 + 1 units)").is_visible()


@pytest.mark.browser
def test_the_map_of_a_run_is_a_link_away_and_a_run_without_plan_has_none(show: Any) -> None:
    tab = show(shown())
    assert tab.get_by_role("link", name="As it stands").get_attribute("href") == "runs/a-run/review.html"
    assert tab.get_by_role("link", name="PCNs followed exactly").count() == 0


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_nothing_scrolls_sideways_and_no_bar_leaves_the_chart_at_any_width(show: Any, width: int) -> None:
    tab = show(shown(), width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    frame = tab.locator("svg.chart").bounding_box()
    for each in tab.locator("svg.chart .interval, svg.chart .dot, svg.chart text").all():
        box = each.bounding_box()
        assert box["x"] >= frame["x"] - 8
        assert box["x"] + box["width"] <= max(frame["x"] + frame["width"], width) + 1


@pytest.mark.browser
def test_hostile_names_are_shown_and_never_run(show: Any) -> None:
    tab = show(shown(planned(HOSTILE, 3.0, 2.0, settings=HOSTILE), Row(HOSTILE, causes=(HOSTILE,), error=HOSTILE),
                     title=HOSTILE))  # fmt: skip
    assert tab.title() == f"{HOSTILE} \N{EN DASH} what if (internal)"
    assert tab.inner_text("h1") == f"{HOSTILE}: what if"
    assert tab.locator("img, script").count() == 0


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_the_accessibility_rules_of_wcag_2_2_aa_find_nothing(show: Any, width: int, scheme: str) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    tab = show(shown(), width, color_scheme=scheme)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = axe.Axe().run(tab, options={"runOnly": tags}).response["violations"]
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found] == []
