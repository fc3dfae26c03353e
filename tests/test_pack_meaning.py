"""What a pack says of its lots' hours: worked out from the printed figures alone, and the worst said first."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pandas as pd

import zonedesign as zd
from zonedesign.lots import Floor, Terms, Viability
from zonedesign.pack.meaning import meaning, meant

LEAD, RESERVE = zd.Level("2", providers={"lead": 1}), zd.Level("3")


def material(hours: list[float], levels: list[str], terms: Terms | None = None, **more: Any) -> Any:
    """What is read of a pack's material."""
    of_level = {"2": LEAD, "3": RESERVE}
    rows = [
        {"lot": f"{k}", "level": level, "weekly_hours": each, **meant(each, of_level[level], terms)}
        for k, (each, level) in enumerate(zip(hours, levels, strict=True))
    ]
    lots = pd.DataFrame(rows).assign(value_a_year=math.nan, value_a_year_with_vat=math.nan)
    return SimpleNamespace(lots=lots.assign(**more), levels=of_level, stated=terms)


def test_a_lot_s_year_and_workers_come_from_its_printed_hours() -> None:
    # 392 x 365 / 7 = 20,440; 392 / 30 = 13.1.
    assert meant(392.0, LEAD, None) == {"hours_a_year": 20_440.0, "workers": 14.0, "viability": "can start"}
    assert meant(92.0, RESERVE, None)["viability"] == "reserve"


def test_workers_whose_week_is_paid_time_travel_too() -> None:
    terms = Terms(floor=Floor(12.0, travel_share=0.2), viability=Viability(worker_time="paid"))
    assert meant(300.0, LEAD, terms)["workers"] == 12  # 360 / 30


def test_withheld_hours_say_nothing_else_of_the_lot() -> None:
    found = meant(math.nan, LEAD, None)
    assert math.isnan(found["hours_a_year"])
    assert math.isnan(found["workers"])
    assert found["viability"] == ""
    said = meaning(material([300.0, math.nan], ["2", "2"]))
    assert "Lots whose hours are withheld are not counted here." in said
    assert any(line.startswith("Workers needed in lots whose hours are published: 10,") for line in said)


def test_the_page_says_first_that_every_lot_of_a_level_is_under_the_established_band() -> None:
    said = meaning(material([100.0, 228.0, 454.0], ["3", "2", "2"], Terms(guaranteed={"2": 0.25})))
    assert said[0] == (
        "Both lots of level 2 are under 750 h a week (the established band) by the hours of this schedule alone."
    )
    assert "Of a lot's hours are guaranteed: Level 2, 25%. No other volume is promised." in said


def test_values_stand_with_and_without_vat() -> None:
    said = meaning(material([300.0], ["2"], value_a_year=391_000.0, value_a_year_with_vat=469_000.0))
    assert said[-1].startswith("Forecast value a year of the lots: £391,000 without VAT and £469,000 with it")
