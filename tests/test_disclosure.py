"""What is published of a plan gives no small zone away, tried with the reader's own arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from zonedesign.disclosure import attack, protection, suppress
from zonedesign.errors import ScenarioError
from zonedesign.levels import Level

if TYPE_CHECKING:
    from pathlib import Path


def frame(rows: list[tuple[str, float | None, float]]) -> pd.DataFrame:
    """Zones as `plan.zones` has them, from (level, customers, hours)."""
    names = [f"{level}-{k:02d}" for k, (level, _, _) in enumerate(rows, 1)]
    return pd.DataFrame(
        {
            "zone": names,
            "level": [level for level, _, _ in rows],
            "customers": [customers for _, customers, _ in rows],
            "weekly_hours": [hours for _, _, hours in rows],
            "mean_minutes": 7.0,
            "max_minutes": 14.0,
        },
        index=pd.Index(names),
    )


@pytest.fixture
def west_sussex(geodata: Path) -> pd.DataFrame:
    areas = pd.read_csv(geodata / "west-sussex" / "published_areas_2019.csv", dtype={"level": str})
    rows = zip(areas["level"], areas["customers"], areas["weekly_hours"], strict=True)
    return frame([(level, float(customers), float(hours)) for level, customers, hours in rows])


def test_zones_with_fewer_than_five_customers_lose_customers_hours_and_mean_minutes_but_keep_worst_minutes() -> (
    None
):
    page = suppress(frame([("3", 2, 29), ("3", 1, 8), ("3", 4, 26), ("3", 11, 109)]), 5)
    hidden = page.zones.loc[["3-01", "3-02", "3-03"]]
    assert hidden[["customers", "weekly_hours", "mean_minutes"]].isna().all(axis=None)
    assert list(hidden["max_minutes"]) == [14.0, 14.0, 14.0]
    assert page.zones.loc["3-04", "customers"] == 11


def test_the_county_s_own_table_is_published_without_its_areas_of_one_two_and_four_customers(
    west_sussex: pd.DataFrame,
) -> None:
    page = suppress(west_sussex, 5)
    assert set(west_sussex.loc[page.zones["hidden"] != "", "customers"]) >= {1.0, 2.0, 4.0}
    assert page.total["customers"] == 1907
    assert page.total["weekly_hours"] == 23572
    for figure in ("customers", "weekly_hours"):
        ends = attack(page, figure)
        assert (ends["high"] - ends["low"] >= protection(page, figure)).all()
    assert list(protection(page, "customers").unique()) == [4.0]
    assert list(protection(page, "weekly_hours").unique()) == [48.0]


def test_a_reader_with_a_solver_of_his_own_finds_the_same_intervals(west_sussex: pd.DataFrame) -> None:
    page = suppress(west_sussex, 5)
    third = page.zones[page.zones["level"] == "3"]
    gone = third[third["customers"].isna()]
    rest = page.levels.loc["3", "customers"] - third["customers"].sum()
    highest = -linprog(
        [-1.0] + [0.0] * (len(gone) - 1), A_eq=[[1.0] * len(gone)], b_eq=[rest], bounds=(1, None)
    ).fun
    assert attack(page, "customers").loc[gone.index[0], "high"] == pytest.approx(highest)


def test_one_small_zone_takes_partners_with_it_so_that_its_level_s_total_does_not_give_it_back() -> None:
    page = suppress(frame([("1", 60, 700), ("3", 3, 30), ("3", 9, 90), ("3", 8, 100), ("3", 20, 240)]), 5)
    assert list(page.zones["hidden"]) == ["", "small", "partner", "partner", ""]
    assert page.levels.loc["3", "customers"] == 40


def test_two_hidden_zones_are_not_enough_because_the_provider_of_one_could_work_out_the_other() -> None:
    page = suppress(frame([("3", 4, 40), ("3", 4, 44), ("3", 30, 300), ("3", 40, 400)]), 5)
    assert (page.zones["hidden"] != "").sum() == 3


def test_three_zones_of_one_customer_each_do_not_stand_behind_a_total_of_three() -> None:
    page = suppress(frame([("3", 1, 10), ("3", 1, 12), ("3", 1, 9), ("3", 9, 90), ("1", 60, 700)]), 5)
    assert (page.zones["hidden"] == "partner").sum() == 1


def test_a_level_with_one_small_zone_alone_loses_its_total_and_so_does_another_level() -> None:
    rows = [
        ("1", 60, 700),
        ("1", 70, 800),
        ("1", 80, 900),
        ("3", 3, 30),
        ("2", 20, 240),
        ("2", 30, 300),
        ("2", 25, 250),
    ]
    page = suppress(frame(rows), 5)
    assert list(page.levels.index[page.levels["hidden"]]) == ["3", "2"]
    assert page.levels.loc["1", "customers"] == 210
    assert page.total["customers"] == 288


def test_a_plan_of_one_small_zone_says_nothing_in_figures_at_all() -> None:
    page = suppress(frame([("3", 3, 30)]), 5)
    assert np.isnan(page.total["customers"])
    assert np.isnan(page.levels.loc["3", "weekly_hours"])


def test_zero_customers_are_printed_for_there_is_nobody_to_find() -> None:
    page = suppress(frame([("3", 0, 0), ("3", 9, 90)]), 5)
    assert list(page.zones["customers"]) == [0, 9]


def test_hours_without_a_customer_are_hidden_like_a_customer() -> None:
    page = suppress(frame([("3", 0, 6), ("3", 9, 90), ("3", 9, 91), ("3", 12, 120)]), 5)
    assert np.isnan(page.zones.loc["3-01", "weekly_hours"])


def test_where_customers_are_not_counted_hours_under_sixty_are_hidden() -> None:
    page = suppress(frame([("3", None, 59), ("3", None, 60), ("3", None, 200), ("3", None, 300)]), 5)
    assert page.figures == ("weekly_hours",)
    assert np.isnan(page.zones.loc["3-01", "weekly_hours"])
    assert page.zones.loc["3-04", "weekly_hours"] == 300


def test_bands_that_anybody_can_read_are_held_against_the_hidden_figures() -> None:
    rows = [("3", 2, 29), ("3", 1, 11), ("3", 4, 26), ("3", 8, 98), ("3", 11, 109)]
    band = Level("3", weekly_hours=(10, 150), customers=(1, 11))
    page = suppress(frame(rows), 5, levels=[band])
    ends = attack(page, "weekly_hours")
    assert (ends["low"] >= 10).all()
    assert (ends["high"] - ends["low"] >= 48).all()
    assert (page.zones["hidden"] == "partner").sum() == 1


def test_a_threshold_of_none_hides_nothing() -> None:
    zones = frame([("3", 1, 8)])
    assert list(suppress(zones, 0).zones["customers"]) == [1]


def test_a_negative_threshold_is_refused() -> None:
    with pytest.raises(ScenarioError, match="suppress_below is -1"):
        suppress(frame([("3", 1, 8)]), -1)


def test_the_report_names_no_figure_of_a_zone_and_not_which_zones_are_the_small_ones() -> None:
    page = suppress(frame([("1", 60, 700), ("3", 3, 30), ("3", 9, 90), ("3", 8, 100), ("3", 20, 240)]), 5)
    (said,) = page.report
    assert said == (
        "3 zones: customers, hours and mean minutes are hidden, because there are fewer than 5 customers, "
        "or because a total would give such a zone away."
    )


def test_the_frame_that_was_given_is_not_changed() -> None:
    zones = frame([("3", 1, 8), ("3", 9, 90), ("3", 9, 91), ("3", 9, 92)])
    before = zones.copy()
    suppress(zones, 5)
    pd.testing.assert_frame_equal(zones, before)


zone = st.tuples(st.sampled_from("123"), st.integers(0, 40), st.integers(0, 30).map(float))


@settings(max_examples=40, deadline=None)
@given(st.lists(zone, min_size=1, max_size=12))
def test_whatever_the_table_every_hidden_figure_keeps_its_protection(
    rows: list[tuple[str, int, float]],
) -> None:
    page = suppress(frame([(level, n, n * 12 + more) for level, n, more in rows]), 5)
    small = [0 < n < 5 or (n == 0 and more > 0) for _, n, more in rows]
    assert page.zones.loc[small, "customers"].isna().all()
    if (page.zones["hidden"] != "").any():
        for figure in page.figures:
            ends = attack(page, figure)
            assert (ends["high"] - ends["low"] >= protection(page, figure) - 1e-6).all()
