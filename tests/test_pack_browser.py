"""The pack's page in a real browser: accessible as it is and on a phone, and a postcode finds its lot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.browser


@pytest.fixture
def open_page(pack: Path, show: Callable[..., Any]) -> Callable[..., Any]:
    source = (pack / "index.html").read_text(encoding="utf-8")
    return lambda width=1280, **options: show(source, width, **options)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_nothing_is_found_against_wcag_2_2_aa(open_page: Callable[..., Any], width: int, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    tab = open_page(width, color_scheme=scheme)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = axe.run(tab, options={"runOnly": {"type": "tag", "values": tags}})
    assert [each["id"] for each in found.response["violations"]] == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("te1 1aa", "TE1 1AA is in lot 1-01 Westham 1."),
        (
            "TE11AB",
            (
                "TE1 1AB is in lot 1-01 Westham 1, at the boundary with 1-02 Eastham 1: some of its addresses may be "
                "there. The unit codes decide."
            ),
        ),
        ("TE9 9ZZ", "TE9 9ZZ is not in the look-up: it is outside the area, or newer than the list."),
        ("TE1", "Give a whole postcode, such as PO9 1AA."),
    ],
)
def test_a_postcode_finds_its_lot(open_page: Callable[..., Any], asked: str, said: str) -> None:
    tab = open_page()
    tab.get_by_label("Which lot is a postcode in?").fill(asked)
    tab.get_by_role("button", name="Find").press("Enter")
    assert tab.locator("#answer").inner_text() == said


def test_the_answer_leads_to_the_lot_in_words(open_page: Callable[..., Any]) -> None:
    tab = open_page()
    tab.get_by_label("Which lot is a postcode in?").fill("TE1 1AC")
    tab.keyboard.press("Enter")
    tab.locator("#answer a").click()
    assert tab.evaluate("document.activeElement.closest('.lot').querySelector('h3').textContent") == (
        "Lot 1-04: Eastham 2"
    )


def test_nothing_is_wider_than_a_phone(open_page: Callable[..., Any]) -> None:
    tab = open_page(390)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
