"""Speeds by road class and time of day, and the minutes that follow from them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonedesign.errors import ScenarioError
from zonedesign.profiles import (
    CAR_CLASSES,
    JUNCTIONS,
    MPH,
    ROAD_CLASSES,
    Profile,
    edge_minutes,
    profile,
    profile_names,
    profile_table,
    speed_codes,
)

CAR_PROFILES = ("free-flow", "am-peak", "midday", "pm-peak", "evening")


def minutes(
    speeds: Profile,
    kind: str,
    *,
    built_up: bool = False,
    limit_kph: float = np.nan,
    junction: str = "none",
    length_m: float = 1000.0,
) -> float:
    whole, waited = edge_minutes(
        speeds,
        (kind,),
        codes=speed_codes(np.array([0]), np.array([limit_kph]), np.array([built_up])),
        length_m=np.array([length_m]),
        maxspeed_kph=np.array([limit_kph]),
        junction=np.array([JUNCTIONS.index(junction)], dtype=np.int8),
    )
    assert 0.0 <= waited[0] <= whole[0]
    return float(whole[0])


def test_the_five_times_of_day_are_there_and_walking_and_cycling():
    assert profile_names() == (*CAR_PROFILES, "walking", "cycling")
    assert [profile(name).mode for name in profile_names()] == ["car"] * 5 + ["foot", "cycle"]


@pytest.mark.parametrize("name", CAR_PROFILES)
def test_every_profile_has_a_speed_and_a_share_for_every_class(name):
    speeds = profile(name)
    assert speeds.name == name
    assert set(speeds.speeds_kph) == set(speeds.shares) == set(CAR_CLASSES)
    assert all(5 <= kph <= 115 for pair in speeds.speeds_kph.values() for kph in pair)
    assert all(built_up <= rural for built_up, rural in speeds.speeds_kph.values())


@pytest.mark.parametrize(("name", "kph"), [("walking", 4.8), ("cycling", 16.0)])
def test_walkers_and_cyclists_have_one_speed_in_town_and_country_and_none_above_it(name, kph):
    speeds = profile(name)
    assert set(speeds.speeds_kph) == set(ROAD_CLASSES)
    assert all(pair[0] == pair[1] <= kph for kind, pair in speeds.speeds_kph.items() if kind != "ferry")
    assert minutes(speeds, "residential", built_up=True) == pytest.approx(60 / kph)
    assert minutes(speeds, "primary", limit_kph=3.0) == pytest.approx(60 / kph)  # limits are for cars


def test_steps_are_slower_and_walkers_wait_at_signals_and_crossings_only():
    walking = profile("walking")
    assert minutes(walking, "steps") == pytest.approx(60 / 2.4)
    waits = {kind: minutes(walking, "footway", junction=kind, length_m=0.0) * 60 for kind in JUNCTIONS}
    assert waits == pytest.approx(
        {"none": 0, "equal": 0, "roundabout": 0, "give_way": 0, "signals": 5, "crossing": 2}
    )


@pytest.mark.parametrize("name", profile_names())
def test_every_figure_names_its_source_or_says_that_it_is_our_choice(name):
    table = profile_table(name)
    assert list(table.columns) == ["what", "built_up", "rural", "unit", "source"]
    said = table["source"].str.contains("our choice|DfT|OSRM|Webster")
    assert said.all(), table.index[~said].tolist()


def test_the_table_of_a_profile_shows_the_speeds_driven_at_that_time_of_day():
    table = profile_table("am-peak")
    assert table.loc["primary", ["built_up", "rural"]].tolist() == pytest.approx([44 * 0.58, 76 * 0.73])
    assert table.loc["signals", ["built_up", "unit"]].tolist() == [7.5, "seconds"]
    assert table.loc["maxspeed_factor", "rural"] == 0.9
    assert "maxspeed_factor" not in profile_table("walking").index


def test_the_table_says_which_figures_the_user_gave():
    table = profile_table({"base": "am-peak", "speeds": {"motorway": 90}, "shares": {"primary": 0.5}})
    assert table.loc["motorway", "source"] == "as given"
    assert table.loc["primary", "source"].endswith("; share of it: as given")
    assert table.loc["primary", "rural"] == pytest.approx(38.0)


@given(
    st.sampled_from(profile_names()),
    st.floats(0.1, 3.0),
    st.dictionaries(st.sampled_from(CAR_CLASSES), st.floats(1, 190), max_size=3),
    st.dictionaries(st.sampled_from(CAR_CLASSES), st.floats(0.05, 5), max_size=3),
    st.floats(0, 300),
)
def test_the_table_of_any_profile_reads_back_to_an_equal_profile(base, factor, speeds, shares, seconds):
    table = {"base": base, "factor": factor, "speeds": speeds, "shares": shares, "junction_seconds": seconds}
    made = profile(table)
    assert profile(made.to_table()) == made
    assert profile(made) is made


def test_a_share_may_be_stated_beside_the_speed_that_it_is_of():
    ours = profile({"speeds": {"primary": 60}, "shares": {"primary": {"built_up": 0.5, "rural": 1}}})
    assert minutes(ours, "primary", built_up=True) == pytest.approx(2.0)
    assert minutes(ours, "primary") == pytest.approx(1.0)


def test_a_mode_takes_the_profile_of_that_mode_for_its_base():
    ours = profile({"mode": "foot", "speeds": {"footway": 4}})
    assert (ours.mode, ours.name) == ("foot", "walking, changed")
    assert minutes(ours, "footway") == pytest.approx(15.0)
    assert minutes(ours, "path") == pytest.approx(12.5)


def test_a_turn_to_the_right_costs_a_car_more_than_one_to_the_left():
    assert profile("free-flow").turn_seconds == {"straight": 0.0, "left": 2.0, "right": 5.0, "u_turn": 20.0}
    assert profile({"turn_seconds": {"right": 9}}).turn_seconds["right"] == 9.0
    assert set(profile("cycling").turn_seconds.values()) == {0.0}


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
    times = {name: minutes(profile(name), "secondary", built_up=True) for name in CAR_PROFILES}
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
        ({"speeds": {"primary": 0}}, "must be a number from 0.1 to 600"),
        ({"speeds": {"primary": "fast"}}, "must be a number"),
        ({"speeds": {"primary": True}}, "must be a number"),
        ({"speeds": {"primary": float("nan")}}, "must be a number"),
        ({"speeds": 30}, "speeds of a profile are a table"),
        ({"shares": 0.9}, "shares of a profile are a table"),
        ({"shares": {"primary": 0}}, "share of primary is 0; it must be a number from 0.05 to 5"),
        ({"shares": {"primary": {"rural": 0.8}}}, "shares of primary need built_up and rural"),
        ({"shares": {"footway": 0.8}}, "shares of footway come without a speed of it"),
        ({"speeds": {"primary": 600}, "factor": 2}, "the factor makes the speed of primary is 1200"),
        ({"turn_seconds": {"rigth": 3}}, "unknown turn 'rigth' in turn_seconds; did you mean 'right'?"),
        ({"mode": "bus"}, "no mode 'bus'"),
        ({"mode": "foot", "base": "am-peak"}, "the base 'am-peak' is for cars, the mode is foot"),
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
    st.sampled_from(CAR_CLASSES),
    st.booleans(),
    st.one_of(st.just(np.nan), st.floats(5, 130)),
    st.sampled_from(JUNCTIONS),
    st.floats(0, 5000),
    st.sampled_from(CAR_PROFILES),
)
def test_minutes_are_finite_and_never_below_free_flow(kind, built_up, limit, junction, length, name):
    given_edge = {"built_up": built_up, "limit_kph": limit, "junction": junction, "length_m": length}
    free = minutes(profile("free-flow"), kind, **given_edge)
    assert 0.0 <= free <= minutes(profile(name), kind, **given_edge) < np.inf
