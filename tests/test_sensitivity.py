"""Traffic: which units leave reach where driving takes longer, worked out by hand on the toy world."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import toy
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_county import write_plan, write_tiny

import zonedesign as zd
from zonedesign.cli import main

# `west` is centred at A2: A1, A3 and A5 are 2 minutes away, A4 and A6 4; `east` at B2 likewise.


def asked(*slower: float, level: dict[str, object] | None = None, **changes: object) -> zd.TrafficSensitivity:
    problem = toy.problem(level=level, **changes)
    return zd.traffic_sensitivity(toy.plan(problem), problem, slower or (0.1, 0.2, 0.3))


def test_units_leave_where_their_way_grows_beyond_the_limit():
    found = asked(level={"max_minutes": 4.6}).units
    assert found.columns.tolist() == [
        "zone", "level", "reach_minutes", "max_minutes", "+10%", "+20%", "+30%", "leaves_at", "spare",
    ]  # fmt: skip
    corner = found.loc["A4"]  # 4 minutes: 4.4, 4.8 and 5.2
    assert corner[["+10%", "+20%", "+30%"]].tolist() == [False, True, True]
    assert corner["leaves_at"] == 0.2
    assert corner["spare"] == pytest.approx(0.15)
    assert math.isnan(found.loc["A1", "leaves_at"])
    assert found.loc["A1", "spare"] == pytest.approx(1.3)
    assert found.loc["A2", "spare"] == math.inf  # the centre is driven to by nobody
    assert found.index.tolist() == toy.IDS


def test_exactly_on_the_limit_is_still_in_reach():
    found = asked(0.15, 0.25, level={"max_minutes": 5}).units
    assert found.loc["A4", ["+15%", "+25%"]].tolist() == [False, False]


def test_a_unit_beyond_reach_already_leaves_at_nought():
    found = asked(level={"max_minutes": 3})
    assert found.units.loc["A4", "leaves_at"] == 0
    assert found.units.loc["A4", "spare"] == pytest.approx(-0.25)
    assert found.levels[found.levels["slower"] == 0]["units"].tolist() == [4]


def test_a_level_without_a_limit_loses_nobody():
    found = asked(level={"max_minutes": None}).units
    assert found["leaves_at"].isna().all()
    assert found["spare"].isna().all()


def test_what_leaves_is_summed_by_zone_and_level():
    found = asked(level={"max_minutes": 4.6})
    assert found.levels["pairs"].isna().all()
    assert found.levels.drop(columns="pairs").to_dict("list") == {
        "slower": [0, 0.1, 0.2, 0.3], "level": ["1"] * 4, "units": [0, 0, 4, 4],
        "weekly_hours": [0, 0, 40, 40], "customers": [0, 0, 4, 4],
    }  # fmt: skip
    assert found.zones[found.zones["slower"] == 0.2][["zone", "level", "units"]].to_numpy().tolist() == [
        ["east", "1", 2],
        ["west", "1", 2],
    ]


def test_pairs_too_far_apart_are_counted_where_a_level_limits_them():
    found = asked(level={"max_minutes": 8, "max_minutes_between": 6.5})
    # In each zone A1 to A6 and A3 to A4, 6 minutes, are the farthest apart: 6.6 at +10 %.
    assert found.levels["pairs"].tolist() == [0, 4, 4, 4]
    assert found.zones[found.zones["slower"] == 0.1]["pairs"].tolist() == [2, 2]


def test_the_longer_way_counts():
    minutes = toy.minutes()
    minutes[toy.IDS.index("A6"), toy.IDS.index("A2")] = 4.4
    found = asked(level={"max_minutes": 4.6}, times=zd.TravelTimes.from_matrix(minutes, toy.IDS)).units
    assert found.loc["A6", "leaves_at"] == 0.1
    assert found.loc["A4", "leaves_at"] == 0.2


def test_access_and_parking_do_not_grow():
    times = zd.TravelTimes.from_matrix(toy.minutes() + 2.0 * ~np.eye(12, dtype=bool), toy.IDS)
    ids = pd.Index(toy.IDS)
    fixed = (pd.Series(0.5, index=ids), pd.Series(1.5, index=ids))
    found = asked(level={"max_minutes": 6.6}, times=replace(times, fixed_minutes=fixed)).units
    assert found.loc["A4", "leaves_at"] == 0.2  # 4 driven and 2 fixed: 6.4, 6.8
    assert found.loc["A4", "spare"] == pytest.approx(0.15)
    assert asked(level={"max_minutes": 6.6}, times=times).units.loc["A4", "leaves_at"] == 0.2  # 6: 6.6, 7.2
    assert asked(0.1, level={"max_minutes": 6.5}, times=times).units.loc["A4", "leaves_at"] == 0.1


def test_a_unit_that_no_way_leads_to_is_beyond_reach_whatever_the_limit():
    minutes = toy.minutes()
    minutes[:, toy.IDS.index("A6")] = math.inf
    times = zd.TravelTimes.from_matrix(minutes, toy.IDS)
    assert asked(level={"max_minutes": None}, times=times).units.loc["A6", "leaves_at"] == 0


def test_without_customers_their_number_is_not_known():
    found = asked(level={"customers": None}, units=toy.units(customers=None))
    assert found.levels["customers"].isna().all()


@settings(max_examples=30, deadline=None)
@given(share=st.floats(0.01, 3), limit=st.floats(0, 20))
def test_a_factor_on_every_minute_gives_what_times_that_much_longer_give(share, limit):
    found = asked(share, level={"max_minutes": limit}).units
    slower = zd.TravelTimes.from_matrix(toy.minutes() * (1 + share), toy.IDS)
    problem = toy.problem(level={"max_minutes": limit}, times=slower)
    reach = toy.plan(problem).units["reach_minutes"]
    assert found.iloc[:, 4].tolist() == (reach > limit + 1e-6).tolist()


@pytest.mark.parametrize("slower", [[], [0.0], [-0.1], [math.nan], ["a tenth"]])
def test_shares_that_cannot_be_are_refused(slower):
    problem = toy.problem()
    with pytest.raises(zd.ScenarioError, match="slower is"):
        zd.traffic_sensitivity(toy.plan(problem), problem, slower)


def test_shares_are_taken_in_their_order_and_once():
    assert asked(0.3, 0.1, 0.3).slower == (0.1, 0.3)
    assert (
        repr(asked(0.25, level={"max_minutes": 4.6}))
        == "<TrafficSensitivity: 12 units, beyond reach at +25% 4>"
    )


# The verb.


def test_the_verb_names_the_units_and_sums_them(tmp_path, capsys):
    scenario = write_tiny(tmp_path, changes={"max_minutes = 15": "max_minutes = 3"})
    code = main(["traffic", str(write_plan(tmp_path)), "--scenario", str(scenario), "--slower", "0.2", "0.4"])
    printed = capsys.readouterr().out
    assert code == 0
    assert "plan-given.csv on Tiny, sketch roads" in printed
    assert "leaves at" in printed
    assert "+40%" in printed
    assert printed.rstrip().split("\n")[-1].endswith("of 16 beyond reach at +40%")


def test_the_verb_s_json_has_levels_zones_and_units(tmp_path, capsys):
    scenario = write_tiny(tmp_path, changes={"max_minutes = 15": "max_minutes = 2"})
    plan = write_plan(tmp_path)
    assert main(["traffic", str(plan), "--scenario", str(scenario), "--slower", "0.1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["slower"] == [0.1]
    assert [row["slower"] for row in told["levels"]] == [0.0, 0.1]
    # One square across takes 1.95 minutes, 2.145 at +10 %; across the corner 2.76.
    assert [(row["units"], row["weekly_hours"], row["customers"]) for row in told["levels"]] == [
        (4, 40.0, 8.0),
        (12, 120.0, 24.0),
    ]
    assert sorted({row["leaves_at"] for row in told["units"]}) == [0.0, 0.1]
    assert told["levels"][0]["pairs"] is None


def test_a_share_that_is_none_is_a_usage_error(tmp_path, capsys):
    code = main(["traffic", "p.csv", "--scenario", "s.toml", "--slower", "10%"])
    assert code == 2
    assert "'10%' is not a number" in capsys.readouterr().err
