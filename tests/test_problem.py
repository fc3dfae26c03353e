"""A problem is checked once when made, and says what contradicts itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import toy

import zonedesign as zd


def test_rules_are_those_of_the_levels_then_the_added_ones_then_the_councils():
    problem = toy.problem(
        zd.Contiguous(), zd.Volume("1"), zd.Contiguous(), units=toy.units(authority="council")
    )
    names = [type(rule).__name__ for rule in problem.all_rules]
    assert names == ["Volume", "Reach", "ZoneCount", "Contiguous", "NestIn"]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: toy.problem(levels=[]), zd.ScenarioError, "needs one level at least"),
        (lambda: toy.problem(levels=[zd.Level("1"), zd.Level("1")]), zd.DataError, "1 duplicate level name: 1"),
        (lambda: toy.problem(units=toy.units(customers=None)), zd.DataError, "level 1 has a customers band but the units have no customers"),
        (lambda: toy.problem(units=toy.units(contiguity=None)), zd.DataError, "needs contiguity and its units have no graph"),
        (lambda: toy.problem(level={"character": zd.CharacterShare("ruk", "Urban", 0.5)}), zd.DataError, "no column 'ruk'; did you mean 'ruc'"),
        (lambda: toy.problem(zd.Volume("7")), zd.ScenarioError, "Volume names level '7'; the problem has 1"),
        (lambda: toy.problem(zd.Together("A1", "A9")), zd.DataError, "Together names 1 unit that is not there: A9"),
        (lambda: toy.problem(zd.Contiguous), zd.ScenarioError, "which is no rule"),
        (lambda: toy.problem(zd.NestIn("councl")), zd.DataError, "no column 'councl' to nest in; did you mean 'council'"),
        (lambda: toy.problem(zd.NestIn({"A1": 1})), zd.DataError, "border: 11 units without a code"),
        (lambda: toy.problem(zd.NestIn("council", joint=(("A", "C"),))), zd.DataError, "joint names C, which no unit has"),
        (lambda: toy.problem(zd.Frozen("west")), zd.ScenarioError, "there is no plan to find it in"),
        (lambda: toy.problem(zd.Fixed("A1", "wst"), start=toy.labels()), zd.ScenarioError, "'wst', which is not in the baseline; did you mean 'west'"),
        (lambda: toy.problem(start=toy.labels().drop("A1"), rules=(zd.Frozen("west"),)), zd.DataError, "the start plan gives no zone to 1 unit: A1"),
        (lambda: zd.Objective(travel=-1), zd.ScenarioError, "objective travel is -1"),
        (lambda: zd.Objective(travel="1"), zd.ScenarioError, "objective travel is '1'"),
        (lambda: zd.Objective(change=1), zd.ScenarioError, "objective change needs a baseline"),
        (lambda: zd.Objective(borders=1), zd.ScenarioError, "objective borders needs a border"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused_in_one_line(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_units_without_travel_times_are_named():
    times = zd.TravelTimes.from_matrix(toy.minutes()[:11, :11], toy.IDS[:11])
    with pytest.raises(zd.DataError, match="no travel times for 1 of 12 units: B6"):
        toy.problem(times=times)


def test_a_limit_beyond_the_cutoff_of_the_travel_times_is_refused():
    from dataclasses import replace

    short = replace(zd.TravelTimes.from_matrix(toy.minutes(), toy.IDS), max_minutes=15.0)
    toy.problem(times=short, level={"max_minutes": 15})
    with pytest.raises(zd.DataError, match="max_minutes is 20 and the travel times stop at 15 minutes"):
        toy.problem(times=short, level={"max_minutes": 20})


def test_contiguity_is_asked_only_of_levels_that_do_not_opt_out():
    levels = [zd.Level("1"), zd.Level("3", contiguous=False)]
    assert toy.problem(levels=levels).contiguous == (True, False)
    assert toy.problem(zd.Volume("1"), levels=levels).contiguous == (False, False)
    toy.problem(levels=[zd.Level("3", contiguous=False)], units=toy.units(contiguity=None))


def test_the_anchor_is_the_baseline_or_else_the_start_plan():
    start, baseline = toy.plan(), toy.labels().replace({"west": "w", "east": "e"})
    assert toy.problem(start=start).anchor_zones[1] == ("east", "west")
    both = toy.problem(start=start, objective=zd.Objective(change=1, baseline=baseline))
    assert both.anchor_zones[1] == ("e", "w")
    assert toy.problem().anchor_zones is None
    assert toy.problem().anchor_centres is None


def test_the_centre_of_an_anchor_zone_is_stated_by_a_plan_and_else_the_best():
    moved = toy.plan().recentre("west", "A4")
    ids = np.array(toy.IDS)
    assert ids[toy.problem(start=moved).anchor_centres].tolist() == ["B2", "A4"]
    assert ids[toy.problem(start=toy.labels()).anchor_centres].tolist() == ["B2", "A2"]


def test_a_baseline_may_name_excluded_units_but_no_strange_ones():
    extra = pd.concat([toy.labels(), pd.Series(["west"], index=["A7"])])
    with pytest.raises(zd.DataError, match="the baseline names 1 unit that is not there: A7"):
        _ = toy.problem(objective=zd.Objective(baseline=extra)).baseline_zones
    from dataclasses import replace

    units = replace(toy.units(), excluded=toy.frame().iloc[:1].set_axis(["A7"]))
    assert toy.problem(units=units, objective=zd.Objective(baseline=extra)).baseline_zones is not None


def test_arcs_are_the_pairs_that_reach_and_miles_of_some_level_allow():
    problem = toy.problem(levels=[zd.Level("1", max_minutes=2), zd.Level("2", max_miles=2.0)])
    arcs = problem.arcs
    row = slice(arcs.indptr[0], arcs.indptr[1])  # from A1
    assert [toy.IDS[i] for i in arcs.units[row]] == ["A1", "A2", "A3", "A4", "A5"]
    assert arcs.allowed[row].tolist() == [
        [True, True],
        [True, True],
        [False, True],
        [True, True],
        [False, True],
    ]
    assert arcs.reach_minutes[row].tolist() == [0, 2, 4, 2, 4]


def test_an_arc_needs_both_ways():
    one_way = toy.minutes()
    one_way[1:, 0] = np.inf
    arcs = toy.problem(
        times=zd.TravelTimes.from_matrix(one_way, toy.IDS), rules=(), level={"max_minutes": None}
    ).arcs
    assert arcs.units[: arcs.indptr[1]].tolist() == [0]


def test_the_terms_of_a_plan_are_told_before_weighting():
    baseline = toy.labels()
    baseline["A3"] = "east"
    goal = zd.Objective(change=2, borders=1, cut=1, baseline=baseline, border="council")
    problem = toy.problem(objective=goal)
    terms = problem.terms(toy.plan())
    assert terms == {
        "mean_minutes": pytest.approx(7 / 3),
        "moved": pytest.approx(1 / 12),
        "crossing": 0.0,
        "boundary": pytest.approx(2 / 16),
    }
    assert problem.value(terms) == pytest.approx(7 / 3 + 2 / 12 + 2 / 16)


def test_terms_do_not_mind_the_order_of_the_units():
    problem = toy.problem(objective=zd.Objective(change=1, baseline=toy.labels()))
    backwards = toy.frame().iloc[::-1]
    units = zd.Units.from_frame(backwards, hours="hours")
    plan = zd.Plan.from_labels(units, problem.times, toy.labels(), levels=[zd.Level("1")])
    assert problem.terms(plan) == problem.terms(toy.plan())


def test_a_term_without_weight_counts_nothing():
    assert toy.problem(objective=zd.Objective(travel=0)).value({"mean_minutes": float("inf")}) == 0


def test_another_problem_is_made_from_this_one():
    problem = toy.problem()
    assert problem.with_(rules=()).all_rules == problem.all_rules[:3]
    assert repr(problem) == "<Problem: Zones, 12 units, levels 1, 4 rules>"
