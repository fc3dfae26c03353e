"""Frontier: plans under caps on change beside every plan of tiny problems, and what is proved of them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from every_plan import EveryPlan, choices
from hypothesis import given
from hypothesis import strategies as st
from tiny_problems import examples, problem_of, recipes

import zonedesign as zd
from zonedesign.questions import frontier
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
    return EveryPlan(free).values, EveryPlan(only).apart[choices(n, levels).partition]


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
    scan.deadline = 0.0
    scan.raise_bounds()
    for share in SHARES:
        least = least_under(values, moved, share)
        assert scan.bound(share) <= least + 1e-6 * max(1.0, least if math.isfinite(least) else 1.0)
