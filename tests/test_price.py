"""Price: what choices cost, beside every plan of tiny problems, and how the choices are named."""

from __future__ import annotations

import importlib
import math
from dataclasses import replace

import pytest
import toy
from every_plan import EveryPlan
from hypothesis import given
from tiny_problems import Recipe, examples, problem_of, recipes

import zonedesign as zd
from zonedesign.certificate import StoppedBy
from zonedesign.questions import price
from zonedesign.questions.choices import choices, pinned
from zonedesign.questions.price import BLOCKED, IMPOSSIBLE, PRICED

NEAR = 1e-5


def cost(problem: zd.Problem, *of: str) -> dict[str, object]:
    """The only row of the prices of one choice."""
    (row,) = price(problem, of=of, time_limit=20).prices.to_dict("records")
    return row


def least(problem: zd.Problem) -> float:
    best = EveryPlan(problem).best
    return math.inf if best is None else best


@examples(20)
@given(recipes(least=2, most=5))
def test_every_choice_costs_what_every_plan_says(recipe):
    problem = problem_of(recipe)
    every = choices(pinned(problem))
    if not every:
        return
    base, without = least(problem), {choice.name: least(choice.without) for choice in every}
    if math.isinf(base) and all(map(math.isinf, without.values())):
        return
    found = price(problem, time_limit=60)
    assert found.prices["choice"].tolist() == list(without)
    for row in found.prices.to_dict("records"):
        other = without[row["choice"]]
        if math.isinf(other):
            assert row["status"] == IMPOSSIBLE
        elif math.isinf(base):
            assert row["status"] == BLOCKED
        else:
            assert row["status"] == PRICED
            slack = NEAR * max(1.0, base)
            assert row["price_low"] - slack <= base - other <= row["price_high"] + slack
            assert row["price"] == pytest.approx(base - other, abs=slack)
            assert 0 <= row["price_low"] <= row["price"] <= row["price_high"]


def test_a_lock_costs_what_it_keeps_apart():
    # The best two zones are the halves, 2.333 minutes; with A1 a centre the west is served from its corner.
    problem = toy.problem(zd.Contiguous(), zd.CentreAt("A1"))
    row = cost(problem, "centre_at A1")
    assert row["kind"] == "lock"
    assert row["says"] == "a centre at A1"
    assert row["price"] > 0
    assert row["price_low"] == pytest.approx(row["price"])
    assert row["price_high"] == pytest.approx(row["price"])
    assert row["objective_with"] == pytest.approx(row["mean_minutes_with"])


def test_a_limit_that_binds_nobody_costs_nothing():
    assert cost(toy.problem(), "1.max_minutes")["price"] == pytest.approx(0, abs=1e-9)


def test_a_rule_that_leaves_no_plan_is_said_to_rule_out_every_plan():
    problem = toy.problem(zd.Contiguous(), zd.Together("A1", "B3"), level={"max_minutes": 4})
    found = price(problem, of=["together*", "1.zones"], time_limit=20)
    assert found.prices["status"].tolist() == [BLOCKED, IMPOSSIBLE]
    assert found.prices["price"].isna().all()
    assert found.causes
    assert found.plan is None
    assert zd.verify(found.plans["together A1,B3"], toy.problem(level={"max_minutes": 4}))["passed"].all()


def test_the_price_of_a_term_is_the_objective_with_it_and_without():
    goal = zd.Objective(borders=3.0, border="ruc")
    row = cost(toy.problem(objective=goal), "borders")
    assert row["kind"] == "price"
    assert row["crossing_with"] <= row["crossing_without"]
    assert row["objective_without"] == pytest.approx(row["mean_minutes_without"])
    assert row["price"] >= 0


def test_an_authority_is_a_border_with_a_price():
    halves = toy.units(authority="council")
    row = cost(toy.problem(units=halves), "authority")
    assert row["kind"] == "border"
    assert row["price"] == pytest.approx(0, abs=1e-9)


def test_locks_still_name_the_zones_of_the_start_plan_while_better_ones_are_tried():
    start = toy.plan()
    problem = toy.problem(zd.Contiguous(), zd.Frozen("west"), start=start)
    row = cost(problem, "frozen west")
    assert row["says"] == "zone west stays as it is"
    assert row["price"] == pytest.approx(0, abs=1e-9)


def test_all_choices_are_priced_unless_some_are_named():
    names = [choice.name for choice in choices(toy.problem(zd.Contiguous(), zd.Apart("A1", "B1")))]
    assert names == [
        "apart A1,B1", "1.weekly_hours", "1.customers", "1.max_minutes", "1.zones", "1.contiguous",
    ]  # fmt: skip
    assert [choice.name for choice in choices(toy.problem(), ["1.m*", "1.zones"])] == [
        "1.max_minutes",
        "1.zones",
    ]


def test_a_name_that_is_no_choice_is_refused_with_the_nearest():
    with pytest.raises(
        zd.ScenarioError, match=r"no choice '1\.hours' to price; did you mean '1\.weekly_hours'"
    ):
        price(toy.problem(), of=["1.hours"], time_limit=1)


def test_nothing_to_price_is_said():
    level = zd.Level("1", contiguous=False)
    problem = zd.Problem(toy.units(), zd.TravelTimes.from_matrix(toy.minutes(), toy.IDS), levels=[level])
    with pytest.raises(zd.ScenarioError, match="nothing to price"):
        price(problem, time_limit=1)


def test_a_start_plan_does_not_hide_a_plan_that_costs_nothing():
    # HiGHS returned the start's values beside the objective of the plan that its presolve had found.
    problem = problem_of(Recipe(3, 3, frozenset({"character"}), "wild", 131072))
    start = zd.solve(problem, time_limit=10)
    free = next(choice.without for choice in choices(problem) if choice.name == "L1.character")
    found = zd.solve(free, time_limit=10, start=start)
    assert found.certificate.objective == pytest.approx(least(free), abs=1e-9)
    assert found.certificate.status == "optimal"


def test_an_interrupt_ends_with_what_is_known(monkeypatch):
    room = importlib.import_module("zonedesign.questions.price")
    problem, calls = toy.problem(zd.Contiguous(), zd.CentreAt("A1")), []

    def interrupted(asked: zd.Problem, **options: object) -> zd.Plan:
        calls.append(asked)
        plan = zd.solve(asked, time_limit=10)
        return plan.with_certificate(replace(plan.certificate, stopped_by=StoppedBy.INTERRUPT))

    monkeypatch.setattr(room, "solve", interrupted)
    found = price(problem, time_limit=30).prices
    assert len(calls) == 1
    assert (found["price"] == 0).all()  # nothing better is known
    assert (found["price_low"] == 0).all()
    assert found["price_high"].tolist() == found["objective_with"].tolist()


def test_progress_is_told_and_the_answer_says_what_is_dearest():
    said = []
    found = price(
        toy.problem(zd.Contiguous(), zd.CentreAt("A1")),
        of=["centre_at*"],
        time_limit=10,
        progress=lambda stage, _share, words: said.append((stage, words)),
    )
    assert said[:2] == [("price", "the problem as it stands"), ("price", "without centre_at A1")]
    assert repr(found) == "<Price: 1 choice, 1 priced, dearest centre_at A1>"
