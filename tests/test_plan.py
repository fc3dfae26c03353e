"""A plan holds zones, levels and centres, and never changes: moving a unit gives another plan."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import toy
from hypothesis import given, settings
from hypothesis import strategies as st

import zonedesign as zd


def from_labels(labels, problem=None, **options):
    problem = problem or toy.problem()
    return zd.Plan.from_labels(problem.units, problem.times, labels, levels=problem.levels, **options)


def test_units_are_a_frame_on_the_callers_index():
    frame = toy.plan().units
    assert frame.index.equals(toy.frame().index)
    assert frame.index.name == "unit_id"
    assert list(frame.columns) == ["zone", "level", "centre", "minutes", "reach_minutes"]
    assert frame.loc["A6"].tolist() == ["west", "1", "A2", 4.0, 4.0]


def test_zones_are_a_frame_with_what_zones_csv_has():
    frame = toy.plan().zones
    assert list(frame.columns) == [
        "zone",
        "name",
        "level",
        "centre",
        "units",
        "customers",
        "weekly_hours",
        "mean_minutes",
        "max_minutes",
    ]
    assert frame.loc["west"].tolist() == ["west", "Ashby", "1", "A2", 6, 6, 60.0, pytest.approx(7 / 3), 4.0]
    assert frame["customers"].dtype == np.int64


def test_the_longer_way_is_reach_and_the_way_from_the_centre_is_minutes():
    there = toy.minutes()
    there[toy.IDS.index("A1"), toy.IDS.index("A2")] = 7  # from the unit to the centre is slow
    problem = toy.problem(times=zd.TravelTimes.from_matrix(there, toy.IDS))
    row = toy.plan(problem).units.loc["A1"]
    assert (row["minutes"], row["reach_minutes"]) == (2.0, 7.0)


def test_customers_that_are_not_whole_stay_as_they_are_and_unknown_ones_are_none():
    halves = zd.Units.from_frame(toy.frame().assign(customers=0.5), hours="hours", customers="customers")
    assert from_labels(toy.labels(), toy.problem(units=halves, rules=(), level={"customers": None})).zones[
        "customers"
    ].tolist() == [3.0, 3.0]
    nobody = zd.Units.from_frame(toy.frame(), hours="hours")
    zones = from_labels(toy.labels(), toy.problem(units=nobody, rules=(), level={"customers": None})).zones
    assert zones["customers"].isna().all()


def test_a_mean_over_no_hours_is_not_known():
    empty = zd.Units.from_frame(toy.frame().assign(hours=[10.0] * 3 + [0.0] * 9), hours="hours")
    zones = from_labels(toy.labels(), toy.problem(units=empty, rules=(), level={"customers": None})).zones
    assert zones["mean_minutes"].isna().tolist() == [True, False]


@pytest.mark.parametrize("ids", [list(range(100, 112)), [f"{i:03d}" for i in range(12)]])
def test_ids_keep_their_type(ids):
    frame = toy.frame().set_index(pd.Index(ids))
    units = zd.Units.from_frame(frame, hours="hours")
    times = zd.TravelTimes.from_matrix(toy.minutes(), ids)
    plan = zd.Plan.from_labels(units, times, pd.Series(["x"] * 12, index=ids), levels=[zd.Level("1")])
    assert plan.units.index.dtype == pd.Index(ids).dtype
    assert plan.units["centre"].iloc[0] in ids
    assert plan.zones["centre"].iloc[0] in ids


def test_zone_ids_are_level_and_number_in_the_order_of_the_smallest_unit():
    at = {unit: i for i, unit in enumerate(toy.IDS)}
    problem = toy.problem()
    centre_of = np.array([at["B2"] if unit[0] == "B" else at["A2"] for unit in toy.IDS])
    plan = zd.Plan.of(problem.units, problem.times, centre_of, {at["A2"]: "2", at["B2"]: "2"})
    assert plan.units["zone"].loc[["A1", "B1"]].tolist() == ["2-01", "2-02"]
    mixed = zd.Plan.of(problem.units, problem.times, centre_of, {at["A2"]: "2", at["B2"]: "1"})
    assert mixed.zones.index.tolist() == ["1-01", "2-01"]
    assert mixed.zones["centre"].tolist() == ["B2", "A2"]


def test_numbers_order_by_size_and_text_as_text():
    frame = toy.frame().set_index(pd.Index([9, 10, *range(20, 30)]))
    units = zd.Units.from_frame(frame, hours="hours")
    times = zd.TravelTimes.from_matrix(toy.minutes(), frame.index)
    labels = pd.Series(["a", "b"] + ["a"] * 10, index=frame.index)
    plan = zd.Plan.from_labels(units, times, labels, levels=[zd.Level("1")]).renamed()
    assert plan.units["zone"].loc[[9, 10]].tolist() == ["1-01", "1-02"]


def test_plans_are_equal_by_content_and_not_by_names():
    plan = toy.plan()
    renamed = plan.renamed()
    assert renamed.zone_ids == ("1-01", "1-02")
    assert renamed == plan
    assert hash(renamed) == hash(plan)
    assert plan != plan.move("A3", "east")
    assert plan != plan.recentre("west", "A5")
    assert plan != "a plan"


def test_moving_gives_another_plan_and_leaves_this_one():
    plan = toy.plan()
    moved = plan.move("A3", "east")
    assert moved.units.loc["A3", ["zone", "centre", "minutes"]].tolist() == ["east", "B2", 4.0]
    assert plan.units.loc["A3", "zone"] == "west"
    assert plan.move(["A3", "A6"], "east") == plan.move(("A3", "A6"), "east") == moved.move("A6", "east")


def test_a_zone_that_loses_its_centre_gets_the_best_one_and_an_empty_zone_ends():
    plan = toy.plan()
    assert plan.move("A2", "east").zones.loc["west", "centre"] == "A5"
    assert plan.move(list(plan.members("west")), "east").zone_ids == ("east",)


def test_merging_keeps_the_first_zones_id_level_and_centre():
    merged = toy.plan().merge("west", "east")
    assert merged.zones[["zone", "level", "centre", "units"]].to_numpy().tolist() == [["west", "1", "A2", 12]]


def test_splitting_makes_a_new_zone_with_a_free_number_and_its_best_centre():
    split = toy.plan().split("west", ["A1", "A4"])
    assert split.zones.loc["1-01", ["units", "centre"]].tolist() == [2, "A1"]
    assert toy.plan().split("west", "A1", level="3").zones.loc["3-01", "level"] == "3"
    with pytest.raises(zd.DataError, match="1 unit outside zone west: B1; a zone splits into its own units"):
        toy.plan().split("west", ["A1", "B1"])


def test_a_change_drops_what_was_proved():
    proved = toy.plan().with_certificate(zd.Certificate(status=zd.Status.OPTIMAL))
    assert "optimal" in repr(proved)
    assert proved.move("A3", "east").certificate is None
    assert proved.recentre("west", "A1").certificate is None


def test_what_is_not_there_is_named_with_the_nearest():
    with pytest.raises(zd.ScenarioError, match=r"there is no zone 'wst'; did you mean 'west'\?"):
        toy.plan().move("A1", "wst")
    with pytest.raises(zd.DataError, match="no such unit: A11; did you mean 'A1'"):
        toy.plan().move("A11", "west")
    with pytest.raises(zd.DataError, match="no unit is given"):
        toy.plan().move([], "west")
    with pytest.raises(zd.DataError, match="zone west has its centre at B1, which is not one of its units"):
        toy.plan().recentre("west", "B1")


def test_a_missing_centre_is_the_zones_best_and_a_missing_level_the_first_that_fits():
    levels = [zd.Level("1", weekly_hours=(100, 200)), zd.Level("2", weekly_hours=(50, 70)), zd.Level("3")]
    plan = from_labels(toy.labels(), toy.problem(levels=levels))
    assert plan.levels == ("2", "2")
    assert plan.zones["centre"].tolist() == ["B2", "A2"]


def test_a_level_that_no_zone_fits_is_the_nearest():
    levels = [zd.Level("1", weekly_hours=(100, 200)), zd.Level("2", weekly_hours=(10, 50))]
    assert from_labels(toy.labels(), toy.problem(levels=levels)).levels == ("2", "2")


def test_the_best_centre_minds_the_levels_minutes_and_miles():
    # Nearly all hours are in A1, and only A2 and A5 have everything within 4 minutes, or within 1.5 miles.
    heavy = zd.Units.from_frame(toy.frame().assign(hours=[900.0] + [1.0] * 11), hours="hours")
    for limit, centre in (({}, "A1"), ({"max_minutes": 4}, "A2"), ({"max_miles": 1.5}, "A2")):
        problem = toy.problem(units=heavy, rules=(), levels=[zd.Level("1", **limit)])
        assert from_labels(toy.labels(), problem).zones.loc["west", "centre"] == centre


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.drop("A1"), "gives no zone to 1 unit: A1; all need one"),
        (lambda s: s.replace("west", ""), "gives no zone to 6 units"),
        (lambda s: pd.concat([s, s.loc[["A1"]]]), "gives 1 unit twice: A1; each occurs once"),
        (lambda s: pd.concat([s, pd.Series(["west"], index=["A7"])]), "names 1 unit that is not there: A7"),
    ],
)
def test_labels_that_are_not_a_plan_are_refused_by_name(change, message):
    with pytest.raises(zd.DataError, match=message):
        from_labels(change(toy.labels()))


def test_a_level_that_is_not_there_is_named():
    with pytest.raises(zd.DataError, match="zone west has level 'one'; there are 1"):
        from_labels(toy.labels(), level={"west": "one"})


def test_zones_are_named_after_the_place_with_most_hours_and_uniquely():
    names = from_labels(toy.labels()).zones["name"]
    assert names.to_dict() == {"east": "Burton", "west": "Ashby"}
    quarters = pd.Series([unit[0] + ("l" if unit[1] in "123" else "h") for unit in toy.IDS], index=toy.IDS)
    assert from_labels(quarters).zones["name"].tolist() == ["Ashby 1", "Ashby 2", "Burton 1", "Burton 2"]


def test_two_zones_of_one_place_are_told_apart_by_their_next_place():
    frame = toy.frame()
    frame["place"] = "Ashby"
    frame.loc["B3", "place"] = "Croft"
    frame.loc["A1", "place"] = None
    units = zd.Units.from_frame(frame, hours="hours", name="place")
    problem = toy.problem(units=units, rules=(), level={"customers": None})
    assert from_labels(toy.labels(), problem).zones["name"].tolist() == ["Ashby and Croft", "Ashby"]


def test_units_without_a_column_of_names_give_empty_names():
    problem = toy.problem(units=toy.units(name=None))
    assert from_labels(toy.labels(), problem).zones["name"].tolist() == ["", ""]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(toy.IDS), st.sampled_from(["west", "east"])), max_size=12))
def test_however_units_move_every_centre_stays_in_its_zone(moves):
    plan = toy.plan()
    for unit, zone in moves:
        if zone in plan.zone_ids:
            plan = plan.move(unit, zone)
    assert plan.units.loc[plan.zones["centre"], "zone"].tolist() == list(plan.zone_ids)
    assert plan.zones["units"].sum() == 12
