"""Levels decide themselves: how many zones of which level and where, with every rule there is, both ways."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import toy
from tiny_problems import by_search

import zonedesign as zd
from zonedesign.certificate import Status

IDS = list("abcdefgh")
TOWN = zd.Level("town", weekly_hours=(40, 100))
VILLAGE = zd.Level("village", weekly_hours=(3, 10))


@pytest.fixture(params=["search", "whole"])
def solved(request, monkeypatch):
    """Solve once by the search, with the integer program after it, once by the integer program alone."""
    if request.param == "search":
        by_search(monkeypatch, whole=True)

    def solved(problem: zd.Problem) -> zd.Plan:
        plan = zd.solve(problem, time_limit=60, threads=1)
        assert zd.verify(plan, problem)["passed"].all()
        assert plan.certificate.status is Status.OPTIMAL
        return plan

    return solved


def valley(*levels: zd.Level, **weights: float) -> zd.Problem:
    """Two towns of 50 hours, a and h, and between them six hamlets of 2, a minute from one to the next."""
    frame = pd.DataFrame({"hours": [50.0, 2, 2, 2, 2, 2, 2, 50]}, index=IDS)
    minutes = np.abs(np.subtract.outer(np.arange(8.0), np.arange(8.0)))
    return zd.Problem(
        zd.Units.from_frame(frame, hours="hours", contiguity=list(itertools.pairwise(IDS))),
        zd.TravelTimes.from_matrix(minutes, IDS),
        levels=levels,
        rules=[zd.Contiguous()],
        objective=zd.Objective(**weights),
    )


def zones_of(plan: zd.Plan) -> list[tuple[str, str]]:
    """Return every zone as its level and its units in a word, in the order of the row."""
    found = [
        (level, "".join(plan.members(zone))) for zone, level in zip(plan.zone_ids, plan.levels, strict=True)
    ]
    return sorted(found, key=lambda each: each[1])


def test_open_counts_give_as_many_zones_as_serve_best(solved):
    # A hamlet is too small alone: in three pairs, half of them travel a minute, 6 of 112 hour-minutes in all.
    plan = solved(valley(TOWN, VILLAGE))
    assert zones_of(plan) == [
        ("town", "a"),
        ("village", "bc"),
        ("village", "de"),
        ("village", "fg"),
        ("town", "h"),
    ]
    assert plan.certificate.objective == pytest.approx(6 / 112)


def test_a_share_of_hours_decides_how_many_zones_a_level_has(solved):
    # At most 5.6 hours in villages: one pair, in the middle, and two hamlets a minute and two from either town.
    plan = solved(valley(TOWN, replace(VILLAGE, hours_share=(0, 0.05))))
    assert zones_of(plan) == [("town", "abc"), ("village", "de"), ("town", "fgh")]
    assert plan.certificate.objective == pytest.approx(14 / 112)


def test_a_range_of_counts_is_used_to_its_end_where_that_serves_best(solved):
    plan = solved(valley(TOWN, replace(VILLAGE, zones=(1, 2))))
    assert plan.levels.count("village") == 2
    assert plan.certificate.objective == pytest.approx(8 / 112)


def test_fewer_zones_are_chosen_where_cutting_costs_and_each_term_is_told(solved):
    # A cut costs 1 / 7, three hamlets at a town 2 x (1 + 2 + 3) of 112: two zones, halved in the middle.
    plan = solved(valley(TOWN, VILLAGE, cut=1.0))
    assert zones_of(plan) == [("town", "abcd"), ("town", "efgh")]
    assert plan.certificate.terms == {
        "mean_minutes": pytest.approx(24 / 112),
        "boundary": pytest.approx(1 / 7),
    }
    assert plan.certificate.objective == pytest.approx(24 / 112 + 1 / 7)


def test_every_term_is_told_on_its_own_whatever_it_weighs(solved):
    today = pd.Series(["west"] * 4 + ["east"] * 4, index=IDS)
    bank = pd.Series(["left"] * 3 + ["right"] * 5, index=IDS)
    weighed = {"travel": 1.0, "change": 0.5, "borders": 0.25, "cut": 0.01, "baseline": today, "border": bank}
    plan = solved(valley(TOWN, VILLAGE, **weighed))
    terms = plan.certificate.terms
    assert set(terms) == {"mean_minutes", "moved", "crossing", "boundary"}
    weights = {"mean_minutes": 1.0, "moved": 0.5, "crossing": 0.25, "boundary": 0.01}
    assert plan.certificate.objective == pytest.approx(
        sum(weights[term] * value for term, value in terms.items())
    )


def test_every_rule_there_is_holds_together(solved):
    locks = (
        zd.Contiguous(), zd.Together("A1", "A2"), zd.Apart("A1", "B1"), zd.CentreAt("A2"), zd.Fixed("A1", "west"),
        zd.Frozen("west"), zd.NestIn("council"),
    )  # fmt: skip
    just_right = {
        "weekly_hours": (60, 60),
        "customers": (6, 6),
        "max_minutes": 4,
        "max_minutes_between": 6,
        "max_miles": 1.5,
        "hours_share": (1, 1),
        "character": zd.CharacterShare("ruc", "Urban", 0.5),
    }
    problem = toy.problem(*locks, level=just_right, start=toy.plan())
    assert {type(rule).__name__ for rule in problem.all_rules} == {
        "Volume", "Reach", "Diameter", "MaxMiles", "ZoneCount", "HoursShare", "Character", "Contiguous", "Together",
        "Apart", "CentreAt", "Fixed", "Frozen", "NestIn",
    }  # fmt: skip
    plan = solved(problem)
    assert plan.certificate.objective == pytest.approx(14 / 6)


def test_a_level_without_any_limit_makes_every_unit_a_zone(solved):
    plan = solved(valley(zd.Level("any")))
    assert len(plan.zone_ids) == 8
    assert plan.certificate.objective == 0.0
