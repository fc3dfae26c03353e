"""What a portfolio keeps: good plans within bounded memory, and none lost to failures, interrupts or order."""

from __future__ import annotations

import importlib
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import toy
from tiny_county import quarters, write_plan, write_tiny

import zonedesign as zd
from zonedesign import measures
from zonedesign.certificate import StoppedBy
from zonedesign.cli import main
from zonedesign.cli.portfolios import portfolio_answer
from zonedesign.portfolio.choose import Apart
from zonedesign.portfolio.kept import Portfolio
from zonedesign.portfolio.met import Met

gather = importlib.import_module("zonedesign.portfolio.gather")
choose = importlib.import_module("zonedesign.portfolio.choose")
met = importlib.import_module("zonedesign.portfolio.met")
walk = importlib.import_module("zonedesign.portfolio.walk")


@pytest.fixture
def by_search(monkeypatch):
    """Small problems go the way of large ones."""
    monkeypatch.setattr(gather, "every_plan", lambda *_: None)


def lenient() -> zd.Problem:
    """The toy county, whose two zones may have almost any hours."""
    return toy.problem(level={"weekly_hours": (10, 110), "customers": (1, 11), "max_minutes": 60})


def with_east(problem: zd.Problem, *units: str) -> zd.Plan:
    """The toy plan with more units in the east: the more of them, the dearer."""
    return toy.plan(problem).move(list(units), "east") if units else toy.plan(problem)


# Memory.


def test_beyond_what_memory_is_given_the_dearest_plans_are_forgotten_and_still_told_of(monkeypatch):
    monkeypatch.setattr(met, "MOST_BYTES", 0)
    monkeypatch.setattr(met, "LEAST_KEPT", 2)
    problem = lenient()
    found = Met(problem, within=5.0)
    plans = [
        with_east(problem),
        with_east(problem, "A3"),
        with_east(problem, "A3", "A6"),
        with_east(problem, "A6"),
    ]
    assert [found.offer(plan) for plan in plans] == [True] * 4
    assert len(found) == 4
    value = {problem.value(problem.terms(plan)) for plan in plans}
    assert [objective for objective, _ in found.ranked()] == pytest.approx(sorted(value)[:2])
    assert found.offer(plans[2])  # known, and not a fifth
    assert len(found) == 4


def test_a_better_best_plan_leaves_only_what_is_good_beside_it():
    problem = lenient()
    found = Met(problem, within=0.0)
    dear, best = with_east(problem, "A3", "A6", "A2"), with_east(problem)
    assert found.offer(dear)
    assert found.offer(best)
    assert [plan for _, plan in found.ranked()] == [best]
    assert found.holds(best.zone)
    assert not found.holds(dear.zone)
    assert not found.offer(dear)


def test_plans_that_break_a_rule_are_never_met():
    problem = toy.problem()
    found = Met(problem, within=5.0)
    assert not found.offer(with_east(problem, "A3", "A6"))
    assert found.ranked() == []


def test_plans_are_kept_without_the_frames_they_have_worked_out():
    problem = lenient()
    plan = with_east(problem)
    found = Met(problem, within=0.0)
    assert found.offer(plan)
    assert not [name for name in vars(found.ranked()[0][1]) if name.endswith("_frame")]


def test_so_many_plans_are_counted_and_no_more(by_search, monkeypatch):
    monkeypatch.setattr(gather, "MOST_COUNTED", 3)
    found = zd.portfolio(lenient(), 2, within=5.0, work=6)
    assert found.met > 3
    assert 2 <= found.counted <= 3 + len(found.plans)


def test_searches_for_plans_apart_compare_fewer_the_more_units_there_are(monkeypatch):
    compared = []
    monkeypatch.setattr(Apart, "holds", lambda _self, a, b: compared.append((a, b)) or False)
    several = Apart(np.ones(4), [np.array([0, 0, 1, 1])] * 50, 0.5)
    assert several.chosen(3) == [0]
    monkeypatch.setattr(choose, "MOST_UNITS_COMPARED", 4 * 10**2)
    before = len(compared)
    assert several.chosen(3) == [0]
    assert len(compared) - before == 9
    assert before == 49


def test_steadiness_is_what_counting_unit_by_unit_gives():
    problem, dice = toy.problem(), np.random.default_rng(5)
    plan = toy.plan(problem)
    zones = np.array([pd.factorize(dice.integers(0, 4, len(toy.IDS)))[0] for _ in range(7)])
    frame = told_of(plan, zones).steadiness
    hours = problem.hours + 1e-9 * problem.hours.max()
    for i, unit in enumerate(toy.IDS):
        seen = []
        for zone in zones:
            was = dict(measures.matched_zones(hours, zone, plan.zone))
            seen.append(was.get(int(zone[i])))
        assert frame.loc[unit, "same_zone"] == pytest.approx(seen.count(plan.zone[i]) / 7)
        other = 1 - plan.zone[i]
        assert frame.loc[unit, "next_share"] == pytest.approx(seen.count(other) / 7)
        assert frame.loc[unit, "next_zone"] == (plan.zone_ids[other] if other in seen else None)


def told_of(plan: zd.Plan, zones: np.ndarray) -> Portfolio:
    certificate = zd.Certificate(zd.Status.FEASIBLE, 2.0, bound=1.9, stopped_by=StoppedBy.TIME)
    return Portfolio(
        plans=(plan.with_certificate(certificate),), asked=1, within=0.02, apart=0.05, bound=1.9, zones=zones,
        met=9, complete=False, seconds=1.0, stopped_by=StoppedBy.TIME, seed=0,
    )  # fmt: skip


# Nothing is lost.


def test_a_failure_of_the_search_for_more_costs_no_plan(by_search, monkeypatch, caplog):
    def failing(*_, **__):
        raise MemoryError("no room")

    monkeypatch.setattr(walk.Walk, "plan_of", failing)
    found = zd.portfolio(lenient(), 3, within=0.2, work=2)
    assert len(found.plans) == 1
    told = found.plans[0].certificate.details["failures"]
    assert told == ["the search for more plans failed: MemoryError: no room"]
    assert "the search for more plans failed and ends" in caplog.text


@pytest.mark.parametrize("moment", ["possible_arcs", "every_plan", "warmed_up"])
def test_an_interrupt_at_any_moment_ends_with_the_plans_so_far(monkeypatch, moment):
    if moment == "warmed_up":
        monkeypatch.setattr(gather, "every_plan", lambda *_: None)

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(gather, moment, stop)
    found = zd.portfolio(lenient(), 3, work=2)
    assert len(found.plans) == 1
    assert found.stopped_by is StoppedBy.INTERRUPT


def test_an_interrupt_while_plans_are_chosen_does_not_lose_them(monkeypatch):
    left, chosen = [1, 1], Apart.chosen

    def impatient(self, number):
        if left:
            left.pop()
            raise KeyboardInterrupt
        return chosen(self, number)

    monkeypatch.setattr(Apart, "chosen", impatient)
    found = zd.portfolio(toy.problem(), 2, work=1)
    assert found.plans
    assert found.stopped_by is StoppedBy.INTERRUPT


def test_progress_tells_objective_bound_and_gap(by_search):
    told: list[str] = []
    zd.portfolio(
        lenient(), 2, within=0.2, work=2, progress=lambda stage, _, said: told.append(f"{stage}: {said}")
    )
    assert re.fullmatch(r"portfolio: objective [\d.]+, bound [\d.]+, gap [\d.]+%, \d+ good", told[-1]), told[
        -1
    ]


# Start plans.


def test_a_start_plan_with_its_units_in_another_order_counts(by_search, monkeypatch):
    monkeypatch.setattr(walk.Walk, "tours", lambda *_, **__: [])
    problem = lenient()
    start = with_east(problem, "A3")
    turned = zd.Units.from_frame(toy.frame().iloc[::-1], hours="hours", customers="customers")
    labels = start.units["zone"]
    other = zd.Plan.from_labels(turned, problem.times, labels, levels=problem.levels)
    monkeypatch.setattr(gather, "solve", lambda *_, **__: zd.solve(problem, work=1))
    found = zd.portfolio(problem, 2, within=5.0, work=1, start=other)
    assert found.met == 2
    assert 0.0 in [measures.moved_share(problem.hours, plan.zone, start.zone) for plan in found.plans]


def test_repairs_of_a_start_plan_are_printed_with_a_portfolio(tmp_path, capsys):
    scenario, plan = write_tiny(tmp_path), write_plan(tmp_path, quarters().assign(zone="1-01"))
    command = ["portfolio", str(scenario), "-o", str(tmp_path / "out"), "--work", "1", "--start", str(plan)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert (
        "start      broken at the start: Volume of zone 1-01 (level 1), weekly_hours 160 where 50" in printed
    )
    assert "           repaired: " in printed
    assert re.search(r"^bound [\d.]+; [\d.,]+ seconds", printed, re.MULTILINE)


@pytest.mark.parametrize(
    ("met_", "counted", "complete", "said"),
    [
        (1, 1, True, "there is exactly 1 good plan"),
        (1, 1, False, "the search met 1 good plan"),
        (3, 1, False, "the search met 3 good plans, less than 1.0% of the hours apart; one is counted"),
        (9, 2, True, "there are exactly 9 good plans; 2 of them, 1.0% of the hours apart, are counted"),
    ],
)
def test_how_many_plans_are_good_is_said_as_it_is(met_, counted, complete, said, tmp_path):
    plan = toy.plan()
    zones = np.array([plan.zone, 1 - plan.zone])[:counted]
    found = replace(told_of(plan, zones), met=met_, complete=complete, asked=2)
    lines = portfolio_answer(found, tmp_path, []).lines
    assert said in lines
    assert any(
        ("or give it more time" in line) == (not complete) for line in lines if "no more were found" in line
    )


def test_a_portfolio_is_never_made_of_a_start_that_breaks_rules(by_search):
    problem = toy.problem()
    found = zd.portfolio(problem, 3, within=5.0, work=1, start=with_east(problem, "A3", "A6"))
    assert all(zd.verify(plan, problem)["passed"].all() for plan in found.plans)


# How far chains go.


def test_chains_that_meet_no_plan_draw_fewer_zones_anew_and_leave_the_noise():
    noise, ruined = gather._adapted(0.1, 12.0, 0, 0)
    assert (noise, ruined) == (0.1, pytest.approx(9.6))
    for _ in range(20):
        noise, ruined = gather._adapted(noise, ruined, 1, 1)
    assert ruined == 2.0
    assert noise == gather.MOST_NOISE


def test_plans_too_dear_are_met_with_less_noise():
    noise, ruined = gather._adapted(0.1, 12.0, 4, 1)
    assert (noise, ruined) == (pytest.approx(0.08), 12.0)


def test_so_many_zones_are_drawn_anew_at_most(by_search, monkeypatch):
    seen = []
    tours = walk.Walk.tours

    def noted(self, starts, *rest, **named):
        seen.append(self.most_ruined)
        return [] if len(seen) < 3 else tours(self, starts, *rest, **named)

    monkeypatch.setattr(walk.Walk, "tours", noted)
    zd.portfolio(lenient(), 2, within=0.2, work=4)
    assert seen[:3] == [12, 9, 7]
