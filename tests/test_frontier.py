"""Frontier: plans under caps on change beside every plan of tiny problems, and what is proved of them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import toy
from every_plan import EveryPlan, choices
from hypothesis import given
from hypothesis import strategies as st
from tiny_problems import examples, problem_of, recipes

import zonedesign as zd
from zonedesign.questions import frontier
from zonedesign.questions.moves import flows, moves
from zonedesign.questions.scan import Scan
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.moving import Moving, least_by_bands, least_unmoved

SHARES = (0.0, 0.1, 0.25, 0.5)
SLACK = 1e-6


def with_change(recipe):
    """A problem with a baseline, whatever else it has."""
    return problem_of(replace(recipe, traits=recipe.traits | {"change"}))


def truth(problem: zd.Problem) -> tuple[np.ndarray, np.ndarray]:
    """The objective without change, and the share moved, of every plan of a tiny problem; inf: breaks rules."""
    goal = problem.objective
    free = problem.with_(objective=replace(goal, change=0.0))
    only = problem.with_(objective=replace(goal, travel=0.0, change=1.0, borders=0.0, cut=0.0))
    n, levels = len(problem.units), len(problem.levels)
    return EveryPlan(free).values, EveryPlan(only).apart[choices(n, levels).partition]  # noqa: PD011


def least_under(values: np.ndarray, moved: np.ndarray, share: float) -> float:
    return float(values[moved <= share + SLACK].min(initial=math.inf))


# Against every plan.


@examples(60)
@given(recipes(least=2, most=5))
def test_caps_are_settled_as_every_plan_says(recipe):
    problem = with_change(recipe)
    values, moved = truth(problem)
    if math.isinf(values.min()):
        with pytest.raises(zd.InfeasibleError):
            frontier(problem, shares=SHARES, time_limit=20)
        return
    found = frontier(problem, shares=SHARES, time_limit=20)
    for row in found.points.to_dict("records"):
        least = least_under(values, moved, row["share"])
        if math.isinf(least):
            assert row["status"] == "impossible"
            continue
        assert row["status"] == "found"
        assert row["objective"] == pytest.approx(least, rel=1e-5, abs=1e-6)
        assert row["bound"] <= least + 1e-6 * max(1.0, least)
        assert row["moved"] <= row["share"] + SLACK
        assert zd.verify(found.plans[row["share"]], problem)["passed"].all()
    if found.repair is not None:
        assert found.repair.moved == pytest.approx(moved[np.isfinite(values)].min(), abs=1e-6)
        assert found.repair.bound <= found.repair.moved


@examples(60)
@given(recipes(least=2, most=5), st.floats(0.0, 30.0))
def test_the_bound_with_origins_is_below_every_plan(recipe, weight):
    problem = with_change(recipe)
    values, moved = truth(problem.with_(objective=replace(problem.objective, borders=0.0, cut=0.0)))
    least = float((values + weight * moved).min())
    if math.isinf(least):
        return
    moving = Moving.of(problem, possible_arcs(problem))
    value, _ = moving.bound(problem.objective.travel, weight, target=least, iterations=60)
    assert value <= least + 1e-6 * max(1.0, least)


@examples(60)
@given(recipes(least=2, most=5))
def test_what_nothing_moved_costs_is_below_every_plan_that_moves_nothing(recipe):
    problem = with_change(recipe)
    problem = problem.with_(objective=replace(problem.objective, travel=1.0, borders=0.0, cut=0.0))
    values, moved = truth(problem)
    assert least_unmoved(problem, possible_arcs(problem)) <= least_under(values, moved, -SLACK + 1e-12) + 1e-6


@examples(60)
@given(recipes(least=2, most=5))
def test_what_bands_and_counts_ask_to_move_is_below_every_plan(recipe):
    problem = with_change(recipe)
    values, moved = truth(problem)
    least = float(moved[np.isfinite(values)].min(initial=math.inf))
    assert least_by_bands(problem) <= least + 1e-6


@examples(25)
@given(recipes(least=3, most=5, luck=("planted",)))
def test_lines_of_the_search_bound_every_cap(recipe):
    problem = with_change(recipe)
    values, moved = truth(problem)
    if math.isinf(values.min()):
        return
    asked = problem.with_(objective=replace(problem.objective, change=0.0))
    scan = Scan(asked, SHARES, math.inf, 0, 1)
    scan.weigh(0.0, 2.0)
    scan.weigh(3.0, 2.0)
    scan.raise_bounds()
    for share in SHARES:
        least = least_under(values, moved, share)
        assert scan.bound(share) <= least + 1e-6 * max(1.0, least if math.isfinite(least) else 1.0)


# By search, as large problems go.


def halves_and_a_rest() -> tuple[zd.Problem, pd.Series]:
    """Sixteen units in three zones, and a plan in force that keeps every rule but is not the best."""
    problem = toy.square_of(zd.Level("1", weekly_hours=(15, 45), zones=3, max_minutes=4), side=4, seed=3)
    labels = ["w" if unit[0] in "01" else "n" if unit[0] == "2" else "e" for unit in problem.units.ids]
    return problem, pd.Series(labels, index=problem.units.ids)


def test_by_search_plans_and_bounds_are_on_either_side_of_what_is_settled(monkeypatch):
    problem, before = halves_and_a_rest()
    settled = frontier(problem, before, shares=SHARES, time_limit=20).points.set_index("share")
    monkeypatch.setattr(Scan, "small", property(lambda _self: False))
    found = frontier(problem, before, shares=SHARES, time_limit=12, threads=1)
    rows = found.points.set_index("share")
    for share in (*SHARES, 1.0):
        if settled.loc[share, "status"] != "found":
            continue
        assert rows.loc[share, "bound"] <= settled.loc[share, "objective"] + SLACK
        assert rows.loc[share, "objective"] >= settled.loc[share, "bound"] - SLACK
        assert rows.loc[share, "moved"] <= share + SLACK
        assert zd.verify(found.plans[share], problem)["passed"].all()
    assert rows["objective"].dropna().is_monotonic_decreasing
    assert rows["bound"].dropna().is_monotonic_decreasing


def test_a_repair_found_by_search_keeps_the_rules_and_moves_no_less_than_is_proved(monkeypatch):
    problem, before = halves_and_a_rest()
    before.loc[[unit for unit in before.index if unit[0] == "2"]] = "e"  # two zones, where three are asked
    monkeypatch.setattr(Scan, "small", property(lambda _self: False))
    found = frontier(problem, before, shares=(0.5,), time_limit=10, threads=1)
    assert found.broken
    assert found.repair is not None
    assert 0 < found.repair.bound <= found.repair.moved
    assert zd.verify(found.repair.plan, problem)["passed"].all()
    assert found.repair.moves["weekly_hours"].sum() == pytest.approx(found.repair.weekly_hours)


# What is asked.


def test_a_plan_in_force_is_needed():
    with pytest.raises(zd.ScenarioError, match="no plan in force to change from"):
        frontier(toy.problem(), time_limit=1)


@pytest.mark.parametrize("shares", [(), (1.0,), (-0.1,), (5,)])
def test_shares_that_cannot_be_are_refused(shares):
    with pytest.raises(zd.ScenarioError, match="shares is"):
        frontier(toy.problem(), toy.labels(), shares=shares, time_limit=1)


def test_locks_of_another_plan_than_the_baseline_are_refused():
    problem = toy.problem(zd.Contiguous(), zd.Frozen("west"), start=toy.plan())
    other = toy.labels().where(toy.labels() == "west", "other")
    with pytest.raises(zd.ScenarioError, match="locks name zones of another plan"):
        frontier(problem, other, time_limit=1)


def test_where_nothing_may_move_the_plan_in_force_stays_with_its_best_centres():
    problem = toy.problem()
    corner = zd.Plan.from_labels(
        problem.units, problem.times, toy.labels(), levels=problem.levels, centre={"west": "A1", "east": "B1"}
    )
    found = frontier(problem, corner, shares=(0.0,), time_limit=8)
    row = found.points.iloc[0]
    assert row["moved"] == 0
    assert row["objective"] == pytest.approx(row["bound"])
    assert set(found.plans[0.0].zones["centre"]) <= {"A2", "A5", "B2", "B5"}
    assert found.moves(0.0, problem).empty
    assert found.repair is None


def test_moves_name_the_zones_of_today():
    problem = toy.problem()
    today = toy.plan(problem)
    found = moves(problem, today, today.move("A3", "east").renamed())
    assert found.to_dict("index") == {
        "A3": {"from": "west", "to": "east", "zone": "1-02", "weekly_hours": 10.0, "customers": 1.0}
    }
    split = moves(problem, today, today.split("west", ["A1", "A4"]).renamed())
    assert sorted(split["to"]) == ["", ""]
    assert flows(split).to_dict("list") == {
        "from": ["west"], "to": [""], "units": [2], "weekly_hours": [20.0], "customers": [2.0],
    }  # fmt: skip
