"""Start plans: kept where they keep every rule, completed and repaired where not, and every repair is told."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_county import quarters, write_plan, write_tiny

import zonedesign as zd
from zonedesign import rules as kinds
from zonedesign.cli import main
from zonedesign.problem import Problem
from zonedesign.solve._whole import whole_zones
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.start import Begun, begin

run = importlib.import_module("zonedesign.solve.run")


def begun(problem: Problem, plan: zd.Plan) -> Begun:
    return begin(problem, plan, possible_arcs(problem))


def labelled(problem: Problem, labels: pd.Series, **stated: Any) -> zd.Plan:
    return zd.Plan.from_labels(problem.units, problem.times, labels, levels=problem.levels, **stated)


def grid(side: int = 6) -> Problem:
    frame, near, minutes = toy.squares(side)
    return Problem(
        zd.Units.from_frame(frame, hours="hours", contiguity=near),
        zd.TravelTimes.from_matrix(minutes, frame.index),
        levels=[zd.Level("1", weekly_hours=(30, 100), zones=4)],
        rules=[kinds.Contiguous()],
    )


# A start that needs nothing.


def test_a_plan_that_keeps_every_rule_is_left_as_it_is() -> None:
    problem = toy.problem()
    found = begun(problem, toy.plan(problem))
    assert found.keeps
    assert found.plan == toy.plan(problem)
    assert found.plan.zone_ids == ("east", "west")
    assert found.repairs == ()


# What a plan lacks.


def test_units_that_the_plan_lacks_join_a_neighbour_and_are_named() -> None:
    problem = toy.problem(level={"zones": (1, 12)})
    ids = [unit for unit in toy.IDS if unit not in ("A1", "B6")]
    units = zd.Units.from_frame(toy.frame().loc[ids], hours="hours", customers="customers")
    part = zd.Plan.from_labels(units, problem.times, toy.labels()[ids], levels=problem.levels)
    found = begun(problem, part)
    assert found.plan.units["zone"].to_dict() == toy.labels().to_dict()
    assert found.repairs == ("2 units without a zone joined one near by: A1 (west), B6 (east)",)
    assert found.keeps


def test_units_that_no_neighbour_reaches_join_the_nearest_centre() -> None:
    problem = toy.problem(units=toy.units(contiguity=None), rules=())
    problem = Problem(problem.units, problem.times, levels=problem.levels)
    ids = [unit for unit in toy.IDS if unit != "B6"]
    units = zd.Units.from_frame(toy.frame().loc[ids], hours="hours", customers="customers")
    part = zd.Plan.from_labels(units, problem.times, toy.labels()[ids], levels=problem.levels)
    found = begun(problem, part)
    assert found.plan.units["zone"].to_dict() == toy.labels().to_dict()


def test_units_that_the_problem_lacks_are_left_out_and_named() -> None:
    problem = toy.problem()
    frame = pd.concat([toy.frame(), toy.frame().iloc[[0]].rename(index={"A1": "Z9"})])
    units = zd.Units.from_frame(frame, hours="hours", customers="customers")
    labels = pd.concat([toy.labels(), pd.Series({"Z9": "east"})])
    table = np.pad(toy.minutes(), (0, 1), constant_values=9.0)
    times = zd.TravelTimes.from_matrix(table, frame.index)
    found = begun(problem, zd.Plan.from_labels(units, times, labels, levels=problem.levels))
    assert found.plan.units["zone"].to_dict() == toy.labels().to_dict()
    assert found.repairs == ("1 unit that is no unit of the problem left out: Z9",)


def test_a_level_that_the_problem_lacks_becomes_the_one_that_fits() -> None:
    problem = toy.problem()
    found = begun(problem, replace(toy.plan(problem), levels=("9", "1")))
    assert found.plan.levels == ("1", "1")
    assert found.repairs == ("zone east had level '9', which the problem lacks; it begins at level 1",)


def test_a_centre_in_another_zone_becomes_the_best_of_its_own() -> None:
    problem = toy.problem()
    plan = replace(toy.plan(problem), centres=np.array([toy.IDS.index("A1"), toy.IDS.index("A2")]))
    found = begun(problem, plan)
    assert found.plan.zones["centre"].tolist() == ["B2", "A2"]
    assert found.repairs == ("zone east had its centre outside; it begins with B2",)


# What it breaks, and the repair.


def test_a_broken_band_is_told_with_how_much_and_which_units_moved() -> None:
    problem = toy.problem()
    lopsided = toy.plan(problem).move(["A3", "A6"], "east")
    found = begun(problem, lopsided)
    assert found.keeps
    assert zd.verify(found.plan, problem)["passed"].all()
    told = list(found.repairs)
    assert told[:2] == [
        "broken at the start: Volume of zone east (level 1), weekly_hours 80 where 70 is the most: 10 too much",
        "broken at the start: Volume of zone east (level 1), customers 8 where 7 is the most: 1 too much",
    ]
    assert told[2] == "broken at the start: Volume of zone west (level 1), weekly_hours 40 where 50 is the least: 10 too little"  # fmt: skip
    (moved,) = [said for said in told if "moved to other zones" in said]
    assert moved.startswith("repaired: 1 unit (8.3% of the hours) moved to other zones: ")
    assert moved.endswith("(east to west)")


def test_too_few_zones_are_made_more_and_told() -> None:
    problem = toy.problem()
    found = begun(problem, labelled(problem, pd.Series("all", index=toy.IDS)))
    assert found.keeps
    assert (
        "broken at the start: ZoneCount (level 1), zones 1 where 2 is the least: 1 too little"
        in found.repairs
    )
    assert "repaired: 1 zone made anew" in found.repairs
    assert any("moved to other zones" in said and "(all to a new zone)" in said for said in found.repairs)


def test_too_many_zones_are_made_fewer_and_told() -> None:
    problem = toy.problem()
    thirds = pd.Series({unit: f"{int(unit[1]) % 3}{unit[0]}" for unit in toy.IDS})
    found = begun(problem, labelled(problem, thirds))
    assert found.keeps
    assert any(said.startswith("repaired: 4 zones ended: ") for said in found.repairs)


def test_repairs_stay_near_the_start() -> None:
    problem = grid()
    start = zd.solve(problem, work=1)
    wrong = start
    for unit, zone in (("0-0", start.zone_ids[3]), ("5-5", start.zone_ids[0]), ("2-3", start.zone_ids[1])):
        wrong = wrong.move(unit, zone)
    found = begun(problem, wrong)
    assert found.keeps
    same = found.plan.renamed().units["zone"] == start.renamed().units["zone"]
    assert (~same).sum() <= 3


def test_what_only_breaks_connection_is_joined_to_what_lies_beside_it() -> None:
    problem = toy.problem(level={"weekly_hours": (40, 80), "customers": (4, 8)})
    wrong = toy.plan(problem).move("A1", "east")
    whole = whole_zones(problem, wrong)
    assert whole.units["zone"].to_dict() == toy.labels().to_dict()
    found = begun(problem, wrong)
    assert "broken at the start: Contiguous of zone east (level 1), pieces 2 where 1 is the most: 1 too much" in found.repairs  # fmt: skip
    assert found.plan.units["zone"].nunique() == 2


def test_a_zone_that_crosses_a_border_is_divided_along_it() -> None:
    problem = toy.problem(kinds.Contiguous(), kinds.NestIn("council"))
    wrong = toy.plan(problem).move(["A3", "A6"], "east").move("B3", "west")
    whole = whole_zones(problem, wrong)
    assert whole.units["zone"].groupby(lambda unit: unit[0]).nunique().to_dict() == {"A": 1, "B": 1}
    assert begun(problem, wrong).keeps


def test_frozen_zones_are_made_whole_before_anything_else() -> None:
    problem = toy.problem(
        kinds.Contiguous(),
        kinds.Frozen("west"),
        objective=zd.Objective(baseline=toy.labels()),
        level={"weekly_hours": (20, 70), "customers": (2, 7), "zones": (2, 3)},
    )
    wrong = toy.plan(problem).move(["A3", "A6"], "east")
    found = begun(problem, wrong)
    assert found.keeps
    west = found.plan.units.loc["A1", "zone"]
    assert sorted(found.plan.members(west)) == ["A1", "A2", "A3", "A4", "A5", "A6"]


def test_pieces_of_a_level_that_need_not_be_connected_stay() -> None:
    problem = toy.problem(level={"contiguous": False, "weekly_hours": (40, 80), "customers": (4, 8)})
    apart = toy.plan(problem).move("A1", "east")
    assert whole_zones(problem, apart).units["zone"].to_dict() == apart.units["zone"].to_dict()


def test_where_no_plan_is_found_that_is_told() -> None:
    problem = toy.problem(level={"max_minutes": 2})  # neighbours only, and the zones would need six units
    found = begun(problem, toy.plan(problem))
    assert not found.keeps
    assert (
        found.repairs[-1]
        == "no plan that keeps every rule was found near it; the search began from it all the same"
    )
    assert any("Reach of zone west (level 1), reach_minutes 4 where 2 is the most: 2 too much" in said for said in found.repairs)  # fmt: skip


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 3), min_size=12, max_size=12))
def test_any_labels_at_all_make_a_start(zones: list[int]) -> None:
    problem = toy.problem(kinds.Contiguous(), kinds.Apart("A1", "B6"))
    start = labelled(problem, pd.Series([f"z{zone}" for zone in zones], index=toy.IDS))
    found = begun(problem, start)
    kept = bool(zd.verify(start, problem)["passed"].all())
    assert kept == (found.repairs == ())
    assert found.plan.of_units.ids.equals(problem.units.ids)
    assert found.keeps == bool(zd.verify(found.plan, problem)["passed"].all())
    assert found.keeps


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(0, 3), min_size=12, max_size=12))
def test_any_labels_make_a_start_that_leaves_frozen_zones_and_borders_alone(zones: list[int]) -> None:
    problem = toy.problem(
        kinds.Contiguous(),
        kinds.Frozen("west"),
        kinds.NestIn("council"),
        objective=zd.Objective(baseline=toy.labels()),
        level={"weekly_hours": (20, 70), "customers": (2, 7), "zones": (2, 3)},
    )
    start = labelled(problem, pd.Series([f"z{zone}" for zone in zones], index=toy.IDS))
    found = begun(problem, start)
    assert found.keeps
    assert zd.verify(found.plan, problem)["passed"].all()


# In a run of the solver.


@pytest.fixture(params=["search", "whole"])
def either_way(request, monkeypatch):
    """Once by the search alone, once by the integer program alone."""
    if request.param == "search":
        monkeypatch.setattr(run, "SMALL_UNITS", -1)


def test_a_good_start_is_never_made_worse_however_short_the_time(either_way) -> None:
    problem = grid(5)
    start = zd.solve(problem, work=1)
    plan = zd.solve(problem, time_limit=1e-6, start=start)
    assert plan.certificate.objective <= start.certificate.objective + 1e-12
    assert plan.certificate.details["repairs"] == []


def test_repairs_stand_in_the_certificate(either_way) -> None:
    problem = toy.problem()
    plan = zd.solve(problem, work=1, start=toy.plan(problem).move(["A3", "A6"], "east"))
    assert zd.verify(plan, problem)["passed"].all()
    told = plan.certificate.as_dict()["details"]["repairs"]
    assert told[0].startswith("broken at the start: Volume of zone east")
    assert told[-1].startswith("repaired: ")


def test_the_command_line_prints_repairs_and_the_certificate_holds_them(tmp_path, capsys) -> None:
    scenario, plan = write_tiny(tmp_path), write_plan(tmp_path, quarters().assign(zone="1-01"))
    command = ["solve", str(scenario), "-o", str(tmp_path / "out"), "--work", "1", "--start", str(plan)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert (
        "start      broken at the start: Volume of zone 1-01 (level 1), weekly_hours 160 where 50" in printed
    )
    assert "           repaired: " in printed
    proved = json.loads((tmp_path / "out" / "certificate.json").read_text(encoding="utf-8"))
    assert any(said.startswith("repaired: ") for said in proved["details"]["repairs"])


def test_many_broken_rules_are_counted_on_the_screen(tmp_path, capsys) -> None:
    scenario = write_tiny(tmp_path)
    plan = write_plan(tmp_path, quarters().assign(zone=[f"1-{k:02d}" for k in range(16)]))
    command = ["solve", str(scenario), "-o", str(tmp_path / "out"), "--work", "1", "--start", str(plan)]
    assert main(command) == 0
    assert "           and 28 more broken at the start, in the certificate" in capsys.readouterr().out


def test_a_start_plan_that_lacks_units_is_completed_and_that_is_printed(tmp_path, capsys) -> None:
    scenario, plan = write_tiny(tmp_path), write_plan(tmp_path, quarters().iloc[2:])
    command = ["solve", str(scenario), "-o", str(tmp_path / "out"), "--work", "1", "--start", str(plan)]
    assert main(command) == 0
    assert "start      2 units without a zone joined one near by: " in capsys.readouterr().out
