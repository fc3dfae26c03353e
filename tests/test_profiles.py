"""Speeds by road class and time of day, and the minutes that follow from them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonedesign.errors import ScenarioError
from zonedesign.profiles import JUNCTIONS, MPH, ROAD_CLASSES, Profile, edge_minutes, profile, profile_names


def minutes(
    speeds: Profile,
    kind: str,
    *,
    built_up: bool = False,
    limit_kph: float = np.nan,
    junction: str = "none",
    length_m: float = 1000.0,
) -> float:
    return float(
        edge_minutes(
            speeds,
            (kind,),
            road_class=np.array([0]),
            length_m=np.array([length_m]),
            maxspeed_kph=np.array([limit_kph]),
            built_up=np.array([built_up]),
            junction=np.array([JUNCTIONS.index(junction)], dtype=np.int8),
        )[0]
    )


def test_the_five_times_of_day_are_there():
    assert profile_names() == ("free-flow", "am-peak", "midday", "pm-peak", "evening")


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_has_a_speed_and_a_share_for_every_class(name):
    speeds = profile(name)
    assert speeds.name == name
    assert set(speeds.speeds_kph) == set(speeds.shares) == set(ROAD_CLASSES)
    assert all(5 <= kph <= 115 for pair in speeds.speeds_kph.values() for kph in pair)
    assert all(built_up <= rural for built_up, rural in speeds.speeds_kph.values())


def test_an_unknown_profile_is_refused_with_the_nearest_name():
    with pytest.raises(ScenarioError, match=r"no speed profile 'am-pek'; did you mean 'am-peak'\?"):
        profile("am-pek")


def test_a_kilometre_of_rural_primary_road_takes_what_its_speed_says():
    assert minutes(profile("free-flow"), "primary") == pytest.approx(60 / 76)
    assert minutes(profile("free-flow"), "primary", built_up=True) == pytest.approx(60 / 44)


def test_a_limit_caps_the_speed_at_the_share_of_it_that_is_driven():
    assert minutes(profile("free-flow"), "primary", built_up=True, limit_kph=20 * MPH) == pytest.approx(
        60 / (20 * MPH * 0.9)
    )


def test_a_40_mph_road_through_a_town_is_driven_faster_than_a_30_mph_one():
    free = profile("free-flow")
    thirty = minutes(free, "primary", built_up=True, limit_kph=30 * MPH)
    forty = minutes(free, "primary", built_up=True, limit_kph=40 * MPH)
    assert thirty == pytest.approx(60 / (30 * MPH * 0.9))
    assert forty == pytest.approx(60 / (40 * MPH * 0.9))


def test_the_national_limit_on_a_lane_does_not_make_it_a_fast_road():
    assert minutes(profile("free-flow"), "unclassified", limit_kph=60 * MPH) == pytest.approx(60 / 50)


def test_signals_cost_seconds_and_the_peak_stretches_them():
    free = minutes(profile("free-flow"), "primary", built_up=True, junction="signals", length_m=0.0)
    peak = minutes(profile("am-peak"), "primary", built_up=True, junction="signals", length_m=0.0)
    assert free == pytest.approx(7.5 / 60)
    assert peak == pytest.approx(7.5 / 60 / 0.58)


def test_peaks_are_slower_than_midday_and_midday_than_the_evening():
    times = {name: minutes(profile(name), "secondary", built_up=True) for name in profile_names()}
    assert times["free-flow"] < times["evening"] < times["midday"] < times["am-peak"] < times["pm-peak"]


def test_motorways_are_slowed_less_than_town_streets():
    am = profile("am-peak")
    assert am.shares["motorway"] == (0.80, 0.80)
    assert am.shares["primary"] == (0.58, 0.73)


def test_a_table_changes_what_it_states_and_keeps_the_rest():
    table = {"name": "ours", "base": "am-peak", "speeds": {"primary": {"built_up": 20, "rural": 60}}}
    ours = profile(table)
    assert ours.name == "ours"
    assert minutes(ours, "primary", built_up=True) == pytest.approx(
        3.0
    )  # the speed stated is the speed driven
    assert minutes(ours, "primary") == pytest.approx(1.0)
    assert minutes(ours, "tertiary") == minutes(profile("am-peak"), "tertiary")


def test_a_single_number_stands_for_built_up_and_rural():
    assert profile({"speeds": {"tertiary": 30}}).speeds_kph["tertiary"] == (30.0, 30.0)


def test_a_factor_moves_every_speed_posted_limits_included():
    quick, slow = profile("free-flow"), profile({"factor": 0.5})
    assert minutes(slow, "primary") == pytest.approx(2 * minutes(quick, "primary"))
    limited = {"built_up": True, "limit_kph": 20 * MPH}
    assert minutes(slow, "primary", **limited) == pytest.approx(2 * minutes(quick, "primary", **limited))


def test_junction_seconds_may_be_one_number_or_by_kind():
    assert set(profile({"junction_seconds": 0}).junction_seconds.values()) == {0.0}
    assert profile({"junction_seconds": {"signals": 20}}).junction_seconds["signals"] == 20.0


def test_a_table_without_a_name_says_what_it_was_made_from():
    assert profile({"base": "midday", "factor": 0.9}).name == "midday, changed"
    assert profile({"base": "midday"}).name == "midday"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"speed": {"primary": 30}}, "unknown key 'speed' in a speed profile; did you mean 'speeds'?"),
        ({"speeds": {"primry": 30}}, "unknown road class 'primry' in speeds; did you mean 'primary'?"),
        ({"speeds": {"primary": {"town": 30}}}, "unknown key 'town'"),
        ({"speeds": {"primary": {"rural": 30}}}, "need built_up and rural"),
        ({"speeds": {"primary": 0}}, "must be a number from 1 to 200"),
        ({"speeds": {"primary": "fast"}}, "must be a number"),
        ({"speeds": {"primary": True}}, "must be a number"),
        ({"speeds": {"primary": float("nan")}}, "must be a number"),
        ({"speeds": 30}, "speeds of a profile are a table"),
        ({"factor": -1}, "factor is -1"),
        ({"maxspeed_factor": 9}, "maxspeed_factor is 9"),
        ({"junction_seconds": {"light": 3}}, "unknown kind of junction 'light'"),
        ({"junction_seconds": -3}, "must be a number from 0 to 300"),
        ({"base": "noon"}, "no speed profile 'noon'"),
        ({"base": {}}, "the base of a speed profile is the name of one"),
    ],
)
def test_a_wrong_table_is_refused_by_name(table, message):
    with pytest.raises(ScenarioError, match=message.replace("?", r"\?")):
        profile(table)


def test_a_profile_is_its_own_profile():
    midday = profile("midday")
    assert profile(midday) is midday


@given(
    st.sampled_from(ROAD_CLASSES),
    st.booleans(),
    st.one_of(st.just(np.nan), st.floats(5, 130)),
    st.sampled_from(JUNCTIONS),
    st.floats(0, 5000),
    st.sampled_from(profile_names()),
)
def test_minutes_are_finite_and_never_below_free_flow(kind, built_up, limit, junction, length, name):
    given_edge = {"built_up": built_up, "limit_kph": limit, "junction": junction, "length_m": length}
    free = minutes(profile("free-flow"), kind, **given_edge)
    assert 0.0 <= free <= minutes(profile(name), kind, **given_edge) < np.inf
