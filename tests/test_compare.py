"""Comparing plans: zones matched, what moves, who pays, and sums that tie out for any plans."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import toy
from hypothesis import given, settings
from hypothesis import strategies as st

import zonedesign as zd
from zonedesign import measures
from zonedesign._comparisontables import MEANINGS, comparison_csvs, frame_of


def moved(problem: zd.Problem) -> zd.Plan:
    """The toy plan with A3 and A6, 20 hours, in the east: its bands are broken then."""
    return toy.plan(problem).move(["A3", "A6"], "east")


def labelled(problem: zd.Problem, labels: dict[str, str]) -> zd.Plan:
    """A plan of any labels; units without one are left out of it."""
    kept = [unit for unit in toy.IDS if unit in labels]
    area = (
        toy.units()
        if len(kept) == len(toy.IDS)
        else zd.Units.from_frame(toy.frame().loc[kept], hours="hours")
    )
    return zd.Plan.from_labels(area, problem.times, pd.Series(labels)[kept], levels=problem.levels)


def compared(**options: object) -> zd.Comparison:
    problem = toy.problem()
    return zd.compare({"today": toy.plan(problem), "proposed": moved(problem)}, problem, **options)


def row_of(frame: pd.DataFrame, **wanted: object) -> dict[str, object]:
    for name, value in wanted.items():
        frame = frame[frame[name] == value]
    (row,) = frame.to_dict("records")
    return row


def test_totals_have_the_objective_its_terms_minutes_what_moved_and_what_is_broken() -> None:
    row = row_of(compared().plans, plan="proposed")
    assert (row["zones"], row["units"], row["customers"], row["weekly_hours"]) == (2, 12, 12, 120)
    assert row["objective"] == row["mean_minutes"] == pytest.approx((40 * 2 + 80 * 3) / 120)
    assert row["boundary"] == 0.125
    assert (row["units_moved"], row["customers_moved"], row["hours_moved"]) == (2, 2, 20)
    assert row["share_moved"] == pytest.approx(1 / 6)
    assert (row["checks"], row["broken"], row["broken_rules"]) == (15, 4, "Volume 4")


def test_totals_are_those_of_the_problem_and_of_verify() -> None:
    problem = toy.problem(objective=zd.Objective(change=2.0, cut=3.0, baseline=toy.labels()))
    plan = moved(problem)
    row = row_of(zd.compare({"today": toy.plan(problem), "proposed": plan}, problem).plans, plan="proposed")
    terms = problem.terms(plan)
    told = {
        "mean_minutes": row["mean_minutes"],
        "moved": row["moved_from_baseline"],
        "boundary": row["boundary"],
    }
    assert told == terms
    assert row["objective"] == problem.value(terms)
    assert row["broken"] == (~zd.verify(plan, problem)["passed"]).sum()


def test_levels_have_their_zones_hours_minutes_and_smallest_and_largest_zone() -> None:
    row = row_of(compared().levels, plan="proposed", level="1")
    assert (row["zones"], row["units"], row["weekly_hours"], row["hours_share"]) == (2, 12, 120, 1)
    assert (row["least_zone_hours"], row["most_zone_hours"], row["max_minutes"]) == (40, 80, 6)


def test_rules_say_how_many_checks_are_broken_and_in_which_zones() -> None:
    found = compared()
    assert row_of(found.rules, plan="today", rule="Volume")["broken"] == 0
    row = row_of(found.rules, plan="proposed", rule="Volume")
    assert (row["level"], row["checks"], row["broken"], row["in_zones"]) == ("1", 4, 4, "east, west")
    assert found.verdicts["proposed"].equals(zd.verify(moved(toy.problem()), toy.problem()))


def test_zones_are_matched_whatever_they_are_called() -> None:
    problem = toy.problem()
    renamed = labelled(
        problem, {unit: "west" if zone == "east" else "east" for unit, zone in toy.labels().items()}
    )
    found = zd.compare({"today": toy.plan(problem), "renamed": renamed}, problem)
    pairs = list(zip(found.zones["from_zone"], found.zones["to_zone"], found.zones["status"], strict=True))
    assert pairs == [("east", "west", "same units"), ("west", "east", "same units")]
    assert not found.moves["moved"].any()
    assert found.realignment.empty


def test_a_matched_zone_tells_what_it_keeps() -> None:
    row = row_of(compared().zones, from_zone="west")
    assert (row["to_zone"], row["status"], row["from_name"], row["to_name"]) == (
        "west",
        "changed",
        "Ashby",
        "Ashby",
    )
    assert (row["from_hours"], row["to_hours"], row["hours_in_common"]) == (60, 40, 40)
    assert (row["share_kept"], row["share_of_new"]) == (pytest.approx(2 / 3), 1)


def test_new_and_closed_zones_say_where_most_of_their_hours_were_or_went() -> None:
    problem = toy.problem()
    today = toy.plan(problem)
    split = today.split("east", ["B3", "B6"])
    there = zd.compare({"today": today, "split": split}, problem).zones
    back = zd.compare({"split": split, "today": today}, problem).zones
    new, closed = row_of(there, status="new"), row_of(back, status="closed")
    assert (new["from_zone"], new["to_zone"], new["mostly"], new["from_hours"], new["to_hours"]) == (
        None,
        "1-01",
        "east",
        0,
        20,
    )
    assert (closed["from_zone"], closed["to_zone"], closed["mostly"], closed["to_hours"]) == (
        "1-01",
        None,
        "east",
        0,
    )


def test_every_unit_has_its_zones_and_minutes_before_and_after() -> None:
    moves = compared().moves
    assert moves.index.equals(toy.frame().index)
    assert moves.loc["A6"].to_dict() == {
        "plan": "proposed", "from_zone": "west", "from_level": "1", "to_zone": "east", "to_level": "1",
        "moved": True, "customers": 1, "weekly_hours": 10.0, "minutes_before": 4.0, "minutes_after": 6.0, "change": 2.0,
    }  # fmt: skip
    assert moves[moves["moved"]].index.tolist() == ["A3", "A6"]


def test_ids_keep_the_caller_s_type() -> None:
    frame = toy.frame().set_index(pd.Index(range(100, 112), name="number"))
    number = dict(zip(toy.IDS, frame.index, strict=True))
    pairs = [(number[a], number[b]) for a, b in toy.neighbours()]
    area = zd.Units.from_frame(frame, hours="hours", customers="customers", contiguity=pairs)
    problem = toy.problem(units=area, times=zd.TravelTimes.from_matrix(toy.minutes(), frame.index))
    labels = pd.Series(toy.labels().to_numpy(), frame.index)
    plan = zd.Plan.from_labels(area, problem.times, labels, levels=problem.levels)
    found = zd.compare({"a": plan, "b": plan.move(102, "east")}, problem)
    assert found.moves.index.equals(frame.index)
    assert comparison_csvs(found)["moves.csv"].splitlines()[3].startswith("b,102,west,1,east,1,1,1,10.0,")


def test_the_realignment_list_says_which_way_units_customers_and_hours_go() -> None:
    (row,) = compared().realignment.to_dict("records")
    assert (row["from_zone"], row["from_name"], row["to_zone"], row["to_name"]) == (
        "west",
        "Ashby",
        "east",
        "Burton",
    )
    assert (row["units"], row["customers"], row["weekly_hours"]) == (2, 2, 20)
    assert (row["mean_minutes_before"], row["mean_minutes_after"], row["change"]) == (3, 5, 2)


def test_minutes_are_told_by_a_column_asked_for() -> None:
    rural = row_of(compared(by="ruc").minutes_by, by="ruc", value="Rural")
    urban = row_of(compared(by=["ruc"]).minutes_by, by="ruc", value="Urban")
    assert (rural["mean_minutes_before"], rural["mean_minutes_after"], rural["change"]) == (3, 4, 1)
    assert (rural["max_minutes_before"], rural["max_minutes_after"], rural["hours_moved"]) == (4, 6, 20)
    assert (urban["weekly_hours"], urban["change"], urban["hours_moved"]) == (80, 0, 0)


def test_minutes_are_told_by_any_border_asked_for_and_units_outside_are_a_group_too() -> None:
    border = pd.Series(dict.fromkeys(toy.IDS[:6], "north"))
    table = compared(by={"parish": border}).minutes_by
    table = table[table["by"] == "parish"]
    assert list(zip(table["by"], table["value"], table["weekly_hours"], strict=True)) == [
        ("parish", "north", 60), ("parish", None, 60)
    ]  # fmt: skip


@pytest.mark.parametrize("column", ["ruc11", "RUC21", "lad_name", "LAD23NM", "district"])
def test_rurality_and_district_are_told_without_asking(column: str) -> None:
    area = zd.Units.from_frame(
        toy.frame().rename(columns={"ruc": column}), hours="hours", contiguity=toy.neighbours()
    )
    problem = toy.problem(units=area, level={"customers": None})
    found = zd.compare({"a": toy.plan(problem), "b": toy.plan(problem)}, problem)
    assert found.minutes_by["by"].tolist() == [column, column]
    assert found.minutes_by["customers"].isna().all()


def test_the_borders_of_rules_and_objective_are_told_without_asking_and_none_twice() -> None:
    rules = [zd.Contiguous(), zd.NestIn("council", name="council")]
    objective = zd.Objective(borders=1.0, border="place")
    problem = toy.problem(*rules, units=toy.units(authority="council"), objective=objective)
    found = zd.compare({"a": toy.plan(problem), "b": moved(problem)}, problem)
    assert list(dict.fromkeys(found.minutes_by["by"])) == ["ruc", "council", "place"]


def test_three_plans_are_compared_with_the_first_and_any_two_with_each_other() -> None:
    problem = toy.problem()
    today = toy.plan(problem)
    plans = {"today": today, "b": moved(problem), "c": today.move("B1", "west")}
    found = zd.compare(plans, problem)
    assert found.plans["hours_moved"].tolist() == [0, 20, 10]
    assert found.moves["plan"].tolist() == ["b"] * 12 + ["c"] * 12
    assert found.between("b", "c").plans["hours_moved"].tolist() == [0, 30]
    assert repr(found).splitlines()[0] == "<Comparison of 3 plans of Zones"
    assert "b: 2 zones, mean minutes 2.67, 16.7% of hours move, 4 of 15 checks broken" in repr(found)
    with pytest.raises(zd.ScenarioError, match="there is no plan 'd'"):
        found.between("b", "d")


def test_a_plan_may_lack_units_and_that_is_said() -> None:
    problem = toy.problem()
    part = labelled(problem, {unit: zone for unit, zone in toy.labels().items() if unit != "B6"})
    found = zd.compare({"today": toy.plan(problem), "part": part}, problem)
    row = row_of(found.plans, plan="part")
    assert (row["units"], row["units_without_zone"], row["weekly_hours"], row["hours_moved"]) == (
        11,
        1,
        110,
        10,
    )
    assert math.isnan(row["objective"])
    assert row_of(found.realignment, from_zone="east")["to_zone"] is None
    assert np.isnan(found.moves.loc["B6", "minutes_after"])
    assert (
        "part: 1 unit without zone: B6; minutes are of the others, and there is no objective" in found.notes
    )


def test_minutes_by_group_are_of_units_that_both_plans_cover_so_that_a_change_is_one() -> None:
    problem = toy.problem()
    part = labelled(problem, {unit: zone for unit, zone in toy.labels().items() if unit != "B6"})
    found = zd.compare({"today": toy.plan(problem), "part": part}, problem, by="ruc")
    rural = row_of(found.minutes_by, value="Rural")
    assert rural["units"] == 4
    assert (rural["mean_minutes_before"], rural["change"]) == (pytest.approx((2 + 2 + 4) / 3), 0)


def test_a_plan_may_hold_units_zones_and_levels_that_the_problem_lacks() -> None:
    problem = toy.problem()
    frame = pd.concat([toy.frame(), toy.frame().iloc[:1].set_axis(["Z9"])])
    times = zd.TravelTimes.from_matrix(np.pad(toy.minutes(), (0, 1)), frame.index)
    labels = pd.concat([toy.labels(), pd.Series({"Z9": "far"})])
    levels = [*problem.levels, zd.Level("village", weekly_hours=(0, 20))]
    strange = zd.Plan.from_labels(zd.Units.from_frame(frame, hours="hours"), times, labels, levels=levels)
    found = zd.compare({"today": toy.plan(problem), "strange": strange}, problem)
    assert row_of(found.plans, plan="strange")["strange_units"] == 1
    assert not found.moves["moved"].any()
    assert row_of(found.zones, to_zone="far")["to_hours"] == 0
    assert found.levels["level"].tolist() == ["1", "1", "village"]
    assert found.notes[:3] == (
        "strange: 1 unit that is not in the problem, left out: Z9",
        "strange: levels that the problem lacks, with no limits to judge: village",
        "strange: 1 zone without any unit here: far",
    )


def test_a_unit_out_of_reach_is_infinitely_far_and_nothing_fails() -> None:
    minutes = toy.minutes()
    minutes[:, 5] = minutes[5, :] = np.inf
    minutes[5, 5] = 0
    problem = toy.problem(times=zd.TravelTimes.from_matrix(minutes, toy.IDS))
    found = zd.compare({"today": toy.plan(problem), "proposed": moved(problem)}, problem, by="ruc")
    assert found.moves.loc["B3", "minutes_after"] == np.inf
    assert np.isnan(found.moves.loc["B3", "change"])
    assert row_of(found.plans, plan="today")["mean_minutes"] == np.inf
    assert row_of(found.minutes_by, value="Urban")["mean_minutes_before"] < np.inf


def test_units_without_hours_are_matched_by_number() -> None:
    area = zd.Units.from_frame(toy.frame().assign(hours=0.0), hours="hours", contiguity=toy.neighbours())
    problem = toy.problem(units=area, level={"weekly_hours": None, "customers": None})
    found = zd.compare({"a": toy.plan(problem), "b": moved(problem)}, problem, by="ruc")
    assert found.moves[found.moves["moved"]].index.tolist() == ["A3", "A6"]
    assert found.plans["share_moved"].tolist() == [0, 0]
    assert found.minutes_by["mean_minutes_after"].isna().all()


def test_customers_that_are_not_known_are_known_in_no_sum() -> None:
    area = zd.Units.from_frame(toy.frame(), hours="hours", contiguity=toy.neighbours())
    problem = toy.problem(units=area, level={"customers": None})
    today = toy.plan(problem)
    found = zd.compare(
        {"today": today, "same": today, "split": today.split("east", ["B3"])}, problem, by="ruc"
    )
    tables = (found.plans, found.levels, found.zones, found.moves, found.realignment, found.minutes_by)
    people = [table[name] for table in tables for name in table if "customers" in name]
    assert len(people) == 8
    assert all(column.isna().all() for column in people)


@pytest.mark.parametrize(
    ("plans", "message"),
    [
        ({"today": None}, "1 plan to compare; give two or more"),
        ({"today": "today.csv", "b": None}, "today is a str and no Plan; read it with read_plan"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(plans: dict[str, object], message: str) -> None:
    with pytest.raises((zd.ScenarioError, zd.DataError), match=message):
        zd.compare(plans, toy.problem())


def test_a_plan_of_quite_other_units_is_refused() -> None:
    problem = toy.problem()
    other = toy.square_of(zd.Level("1"))
    plan = zd.Plan.from_labels(other.units, other.times, pd.Series("a", other.units.ids), levels=other.levels)
    with pytest.raises(zd.DataError, match="b has no unit of the problem: it has 0-0, 0-1, 0-2 and 6 more"):
        zd.compare({"a": toy.plan(problem), "b": plan}, problem)


def test_a_column_that_is_not_there_is_named_with_the_nearest() -> None:
    with pytest.raises(zd.DataError, match="no column 'rurality'"):
        compared(by="rurality")
    with pytest.raises(zd.DataError, match="did you mean 'council'"):
        compared(by=["councils"])


def test_every_column_is_defined_in_the_order_written() -> None:
    found = compared(by="ruc")
    for name, meanings in MEANINGS.items():
        assert list(frame_of(found, name).columns) == list(meanings)
        assert set(getattr(found, name).columns) | ({"unit"} if name == "moves" else set()) == set(meanings)


# Sums tie out, whatever the plans: any labels at all, units missing, empty zones.

ZONES = st.sampled_from(["a", "b", "c", "west", None])
LABELS = st.lists(ZONES, min_size=12, max_size=12).filter(any)
HOURS = st.lists(st.sampled_from([0.0, 1.0, 2.5, 10.0]), min_size=12, max_size=12)


@settings(max_examples=60, deadline=None)
@given(LABELS, LABELS, HOURS)
def test_sums_tie_out_for_any_two_plans(
    before: list[str | None], after: list[str | None], hours: list[float]
) -> None:
    area = zd.Units.from_frame(
        toy.frame().assign(hours=hours), hours="hours", customers="customers", contiguity=toy.neighbours()
    )
    problem = toy.problem(units=area)
    plans = {
        name: labelled(problem, {u: z for u, z in zip(toy.IDS, labels, strict=True) if z is not None})
        for name, labels in (("before", before), ("after", after))
    }
    found = zd.compare(plans, problem, by=["ruc", "council"])
    total = row_of(found.plans, plan="after")
    moves = found.moves[found.moves["moved"]]
    for table in (found.realignment, moves):
        assert table["weekly_hours"].sum() == pytest.approx(total["hours_moved"])
        assert table["customers"].sum() == total["customers_moved"]
    assert found.realignment["units"].sum() == len(moves) == total["units_moved"]
    for by in ("ruc", "council"):
        group = found.minutes_by[found.minutes_by["by"] == by]
        assert group["weekly_hours"].sum() == pytest.approx(sum(hours))
        assert group["hours_moved"].sum() == pytest.approx(total["hours_moved"])
    zones = found.zones
    assert zones["to_hours"].sum() == pytest.approx(total["weekly_hours"])
    assert zones["from_hours"].sum() == pytest.approx(row_of(found.plans, plan="before")["weekly_hours"])
    assert zones["hours_in_common"].sum() == pytest.approx(
        found.moves[~found.moves["moved"] & found.moves["to_zone"].notna()]["weekly_hours"].sum()
    )
    for _, level in found.levels.groupby("plan"):
        assert level["hours_share"].fillna(0).sum() <= 1 + 1e-9


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from("abc"), min_size=12, max_size=12),
    st.lists(st.sampled_from("abcd"), min_size=12, max_size=12),
    HOURS,
)
def test_the_share_moved_is_that_of_the_objective(
    before: list[str], after: list[str], hours: list[float]
) -> None:
    area = zd.Units.from_frame(toy.frame().assign(hours=hours), hours="hours", contiguity=toy.neighbours())
    problem = toy.problem(units=area, level={"customers": None})
    plans = {
        name: zd.Plan.from_labels(area, problem.times, pd.Series(labels, toy.IDS), levels=problem.levels)
        for name, labels in (("before", before), ("after", after))
    }
    found = zd.compare(plans, problem)
    asked = measures.moved_share(problem.hours, plans["after"].zone, plans["before"].zone)
    assert found.plans["share_moved"].iloc[1] == pytest.approx(asked)
    assert zd.compare({"a": plans["before"], "b": plans["before"]}, problem).plans["units_moved"].sum() == 0
