"""Levels say what they limit, and refuse what cannot be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zonedesign.errors import ScenarioError
from zonedesign.levels import CharacterShare, Level, distance_from, within

numbers = st.floats(0, 1e6)


def test_what_is_not_stated_is_not_limited():
    level = Level("1")
    assert (level.weekly_hours, level.customers, level.max_minutes, level.zone_range) == (
        None,
        None,
        None,
        (0, None),
    )


@pytest.mark.parametrize("zones", [20, np.int64(20), (20, 20), [20, 20]])
def test_a_number_of_zones_is_a_range_of_one(zones):
    assert Level("1", zones=zones).zone_range == (20, 20)


def test_infinite_ends_are_open():
    assert Level("1", weekly_hours=(-math.inf, 5)).weekly_hours == (None, 5)
    assert Level("1", weekly_hours=(3, math.inf)).weekly_hours == (3, None)
    assert Level("1", customers=(None, None)).customers is None
    assert Level("1", max_minutes=math.inf).max_minutes is None


def test_a_band_may_come_as_a_list_and_a_name_as_a_number():
    assert Level(1, weekly_hours=[1, 2]) == Level("1", weekly_hours=(1, 2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"weekly_hours": (1300, 700)},
            "level 1: weekly_hours has min 1300 > max 700; write the smaller number first",
        ),
        ({"weekly_hours": (-1, 700)}, "both ends must be numbers that are not negative"),
        ({"weekly_hours": (math.nan, 700)}, "both ends must be numbers"),
        ({"weekly_hours": (math.inf, None)}, "both ends must be numbers"),
        ({"weekly_hours": ("a", 7)}, "both ends must be numbers"),
        ({"weekly_hours": 700}, r"weekly_hours is 700; it must be \[min, max\]"),
        ({"customers": (1, 2, 3)}, r"it must be \[min, max\]"),
        ({"zones": True}, r"zones is True; it must be \[min, max\]"),
        ({"zones": 2.5}, "zones are counted in whole numbers"),
        ({"hours_share": (0.5, 85)}, r"hours_share is \[0.5, 85\]; it is a share between 0 and 1"),
        ({"max_minutes": -1}, "max_minutes is -1; it must be a number that is not negative"),
        ({"max_minutes": "15"}, "max_minutes is '15'; it must be a number"),
        ({"max_miles": math.nan}, "max_miles is nan"),
        ({"providers": {"lead": 1.5}}, "providers lead is 1.5; it must be a whole number"),
        ({"character": {"column": "ruc", "values": [], "at_least": 0.5}}, "needs at least one value"),
        ({"character": {"column": "ruc", "values": ["U"], "at_least": 50}}, "at_least is 50; it is a share"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(options, message):
    with pytest.raises(ScenarioError, match=message):
        Level("1", **options)


def test_a_level_needs_a_name():
    with pytest.raises(ScenarioError, match="a level needs a name"):
        Level(" ")


def test_one_text_is_one_class_and_not_its_letters():
    assert CharacterShare("ruc11", "Urban", 0.5).values == ("Urban",)


def test_the_callers_providers_are_not_shared():
    mine = {"lead": 1}
    level = Level("1", providers=mine)
    mine["lead"] = 2
    assert level.providers == {"lead": 1}


@pytest.mark.parametrize(
    ("value", "holds"),
    [(700, True), (1300, True), (700 - 9e-7, True), (1300 + 9e-7, True), (699.99, False), (1300.01, False)],
)
def test_bands_are_inclusive_with_a_slack_of_a_millionth(value, holds):
    assert within(value, (700, 1300)) is holds


@settings(deadline=None)
@given(numbers, numbers, numbers)
def test_a_value_is_in_a_band_just_where_it_lies_no_slack_outside(a, b, value):
    band = (min(a, b), max(a, b))
    assert within(value, band) == (distance_from(value, band) <= 1e-6 or within(value, band))
    assert distance_from(value, None) == 0.0
    assert within(value, (None, None))
