"""The Python contract as a stranger would try it: frames in, frames out, nothing changed on the way."""

from __future__ import annotations

import copy
import json
import math
import subprocess
import sys
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import toy
from scipy import sparse

import zonedesign as zd
from zonedesign.certificate import Status

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 4
COLUMNS_OF_UNITS = ["zone", "level", "centre", "minutes", "reach_minutes"]
COLUMNS_OF_ZONES = [
    "zone", "name", "level", "centre", "units", "customers", "weekly_hours", "mean_minutes", "max_minutes",
]  # fmt: skip


IMPORTING = """
import sys, os, logging
before = dict(os.environ), list(logging.root.handlers)
import zonedesign
assert (dict(os.environ), logging.root.handlers) == before
heavy = {'numpy', 'pandas', 'geopandas', 'folium', 'matplotlib', 'highspy', 'numba', 'pulp'}
print(sorted(heavy & set(sys.modules)))
"""


def square(
    ids=range(SIDE * SIDE), *, hours=1.0, customers=None, contiguous=True
) -> tuple[zd.Units, zd.TravelTimes]:
    """Sixteen units in a square, one minute from each to the next."""
    names = list(ids)
    side = math.isqrt(len(names))
    frame = pd.DataFrame({"hours": hours}, index=pd.Index(names))
    if customers is not None:
        frame["customers"] = customers
    at = {(i, j): names[i * side + j] for i in range(side) for j in range(side)}
    graph = nx.relabel_nodes(nx.grid_2d_graph(side, side), at)
    units = zd.Units.from_frame(
        frame,
        hours="hours",
        customers=None if customers is None else "customers",
        contiguity=graph if contiguous else None,
    )
    xy = np.array(list(at), dtype=float)
    return units, zd.TravelTimes.from_matrix(np.abs(xy[:, None] - xy[None]).sum(axis=2), frame.index)


def solved(units, times, *rules, **level) -> tuple[zd.Plan, zd.Problem]:
    problem = zd.Problem(units, times, levels=[zd.Level("1", **level)], rules=rules)
    return zd.solve(problem, time_limit=30), problem


# Importing.


def test_importing_names_things_and_does_nothing_else():
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            IMPORTING,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "[]"


# Plans.


def test_a_plan_is_on_the_callers_own_ids_and_their_type():
    units, times = square(range(100, 116))
    plan, _ = solved(units, times, zd.Contiguous(), weekly_hours=(4, 4), zones=4)
    assert list(plan.units.columns) == COLUMNS_OF_UNITS
    assert list(plan.zones.columns) == COLUMNS_OF_ZONES
    pd.testing.assert_index_equal(plan.units.index, units.ids)
    assert plan.units["centre"].dtype == units.ids.dtype
    assert plan.zones["centre"].dtype == units.ids.dtype
    assert plan.zones["zone"].tolist() == ["1-01", "1-02", "1-03", "1-04"]
    smallest = [plan.members(zone).min() for zone in plan.zones["zone"]]
    assert smallest == sorted(smallest)


def test_ids_of_every_kind_are_kept():
    ids = ["a", 1, "007", 7.5, ("t", 1), "ü", "<b>", "=1", "x\ny"]
    units, times = square(ids)
    plan, problem = solved(units, times, zd.Contiguous(), zones=3)
    assert plan.units.index.tolist() == ids
    assert zd.verify(plan, problem)["passed"].all()


def test_frames_that_a_plan_gives_are_the_callers_to_change():
    plan = toy.plan()
    units, zones = plan.units, plan.zones
    units["zone"] = "elsewhere"
    zones["name"] = "another"
    assert set(plan.units["zone"]) == {"west", "east"}
    assert plan.zones["name"].tolist() == ["Burton", "Ashby"]


def test_the_arrays_of_a_plan_cannot_be_written():
    plan = toy.plan()
    with pytest.raises(ValueError, match="read-only"):
        plan.zone[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        plan.centres[0] = 1


def test_a_plan_does_not_follow_the_arrays_it_was_made_from():
    plan = toy.plan()
    zone = plan.zone.copy()
    other = zd.Plan(plan.of_units, plan.times, zone, plan.zone_ids, plan.levels, plan.centres)
    zone[:] = 0
    assert other == plan


def test_moving_merging_and_splitting_leave_the_plan_as_it_was():
    plan = toy.plan()
    before = plan.units
    moved = plan.move("A3", "east")
    assert moved.units.loc["A3", "zone"] == "east"
    assert moved != plan
    assert moved.move("A3", "west") == plan
    assert plan.merge("west", "east").zone_ids == ("west",)
    assert len(plan.split("west", ["A1", "A4"]).zone_ids) == 3
    assert plan.recentre("west", "A1").units.loc["A2", "centre"] == "A1"
    pd.testing.assert_frame_equal(plan.units, before)


def test_plans_are_equal_by_content_whatever_zones_are_called():
    problem = toy.problem()
    called = toy.labels().replace({"west": "q", "east": "b"})
    other = zd.Plan.from_labels(
        problem.units, problem.times, called, levels=problem.levels, centre={"q": "A2", "b": "B2"}
    )
    assert other == toy.plan()
    assert hash(other) == hash(toy.plan())


# Edges of what can be asked.


def test_one_unit_is_a_plan():
    units = zd.Units.from_frame(pd.DataFrame({"h": [3.0]}, index=["x"]), hours="h", contiguity=[])
    plan, _ = solved(units, zd.TravelTimes.from_matrix([[0]], ["x"]), zd.Contiguous(), zones=1)
    assert (plan.certificate.status, plan.certificate.objective, plan.certificate.gap) == ("optimal", 0, 0)


def test_as_many_zones_as_units_take_no_minutes():
    plan, _ = solved(*square(), zd.Contiguous(), zones=16)
    assert plan.certificate.status is Status.OPTIMAL
    assert plan.certificate.objective == 0


def test_units_without_hours_are_in_zones_too():
    units, times = square(hours=[1, 0, 0, 1] * 4)
    plan, problem = solved(units, times, zd.Contiguous(), weekly_hours=(3, 5), zones=2)
    assert len(plan.units) == 16
    assert zd.verify(plan, problem)["passed"].all()


def test_hours_of_nothing_but_zero_are_solved_and_written_as_json():
    plan, _ = solved(*square(hours=0.0), zd.Contiguous(), zones=3)
    assert plan.certificate.objective == 0
    json.dumps(plan.certificate.as_dict(), allow_nan=False)


def test_customers_that_are_not_given_are_not_known():
    plan, _ = solved(*square(), zones=3)
    assert plan.zones["customers"].isna().all()
    with pytest.raises(zd.DataError, match="customers"):
        zd.Problem(*square(), levels=[zd.Level("1", customers=(1, 9))])


def test_contiguity_that_is_asked_for_and_not_there_is_refused():
    units, times = square(contiguous=False)
    with pytest.raises(zd.DataError, match="contiguity"):
        zd.Problem(units, times, levels=[zd.Level("1", zones=3)], rules=[zd.Contiguous()])
    assert zd.solve(zd.Problem(units, times, levels=[zd.Level("1", zones=3)])).certificate.gap == 0


def test_a_capacitated_p_median_has_customers_as_its_capacity():
    units, times = square(customers=[1, 2, 3, 4] * 4)
    plan, _ = solved(units, times, customers=(0, 14), zones=3)
    assert plan.certificate.status is Status.OPTIMAL
    assert plan.certificate.objective * 16 == pytest.approx(18.0)
    assert plan.zones["customers"].max() <= 14


# Travel times.


def test_minutes_from_a_matrix_keep_zeros_and_leave_out_what_is_not_finite():
    table = np.array([[np.nan, 1, np.inf], [0, 0, np.nan], [2, 0.25, 0]])
    wanted = np.array([[0, 1, np.inf], [0, 0, np.inf], [2, 0.25, 0]])
    for matrix in (table, table.tolist(), pd.DataFrame(table), sparse.csr_array(table)):
        found = zd.TravelTimes.from_matrix(matrix, ["a", "b", "c"])
        stored = wanted if not sparse.issparse(matrix) else np.where(wanted == 0, np.inf, wanted)
        np.fill_diagonal(stored, 0)
        np.testing.assert_array_equal(found.to_array(), stored)
    assert found.between("a", "c") == math.inf


def test_zeros_that_a_sparse_matrix_stores_are_minutes():
    matrix = sparse.csr_array((np.array([1.0, 0.0]), (np.array([0, 1]), np.array([1, 0]))), shape=(3, 3))
    found = zd.TravelTimes.from_matrix(matrix, ["a", "b", "c"]).to_array()
    np.testing.assert_array_equal(found, [[0, 1, np.inf], [0, 0, np.inf], [np.inf, np.inf, 0]])


@pytest.mark.parametrize("matrix", [[["x", "y"], ["z", "w"]], [[0, 1]], [[0, -1], [1, 0]], np.zeros(2)])
def test_a_matrix_that_holds_no_minutes_is_refused(matrix):
    with pytest.raises(zd.DataError):
        zd.TravelTimes.from_matrix(matrix, ["a", "b"])


def test_frames_of_a_network_make_the_same_network():
    roads = zd.sketch_roads(toy.units().points)
    points = toy.units().points
    again = zd.read_roads(roads.to_frames())
    np.testing.assert_array_equal(
        zd.travel_times(again, points).to_array(), zd.travel_times(roads, points).to_array()
    )


def test_points_may_be_in_any_crs_and_keep_their_index():
    points = toy.units().points
    roads = zd.sketch_roads(points)
    plain, turned = (zd.travel_times(roads, each, max_minutes=10) for each in (points, points.to_crs(4326)))
    pd.testing.assert_index_equal(turned.origins, points.index)
    np.testing.assert_array_equal(plain.to_array(), turned.to_array())


# Objective, rules and certificate.


def test_every_term_is_reported_and_they_add_up():
    goal = zd.Objective(
        change=0.2, borders=0.1, cut=0.05, baseline=toy.labels().replace({"east": "b"}), border="ruc"
    )
    certificate = zd.solve(toy.problem(objective=goal), time_limit=30).certificate
    terms = certificate.terms
    assert list(terms) == ["mean_minutes", "moved", "crossing", "boundary"]
    total = terms["mean_minutes"] + 0.2 * terms["moved"] + 0.1 * terms["crossing"] + 0.05 * terms["boundary"]
    assert certificate.objective == pytest.approx(total, abs=1e-12)


def test_optimal_is_said_just_where_the_gap_is_closed():
    certificate = zd.solve(toy.problem(), time_limit=30).certificate
    assert (certificate.status is Status.OPTIMAL) == (certificate.gap <= 1e-6)
    assert certificate.bound <= certificate.objective
    assert certificate.stopped_by is None
    assert json.loads(json.dumps(certificate.as_dict(), allow_nan=False))["status"] == "optimal"


@pytest.mark.parametrize(
    "rule", [zd.Together([0, 1]), zd.Apart(0, 1), zd.CentreAt(0), zd.NestIn(dict.fromkeys(range(16), "a"))]
)
def test_every_lock_is_kept(rule):
    plan, problem = solved(*square(), zd.Contiguous(), rule, weekly_hours=(2, 6), zones=4)
    verdicts = zd.verify(plan, problem)
    assert verdicts["passed"].all()
    assert type(rule).__name__ in set(verdicts["rule"])


def test_frozen_zones_of_the_start_plan_stay():
    first = toy.plan()
    problem = toy.problem(zd.Contiguous(), zd.Frozen("west"), start=first)
    plan = zd.solve(problem, start=first, time_limit=30)
    assert set(plan.members(plan.units.loc["A1", "zone"])) == set(first.members("west"))


def test_a_level_may_opt_out_of_contiguity():
    lines = [(3 * r + c, 3 * r + c + 1) for r in range(3) for c in range(2)]
    frame = pd.DataFrame({"h": [1.0] * 9})
    units = zd.Units.from_frame(frame, hours="h", contiguity=lines)
    _, times = square(range(9))
    one = zd.Level("a", zones=1, weekly_hours=(3, 3))
    two = {"zones": 1, "weekly_hours": (6, 6)}
    scattered = [one, zd.Level("b", contiguous=False, **two)]
    plan = zd.solve(zd.Problem(units, times, levels=scattered, rules=[zd.Contiguous()]), time_limit=30)
    assert plan.zones["units"].tolist() == [3, 6]
    with pytest.raises(zd.InfeasibleError) as refused:
        zd.solve(zd.Problem(units, times, levels=[one, zd.Level("b", **two)], rules=[zd.Contiguous()]))
    assert refused.value.causes


# Nothing that goes in is changed.


def test_no_call_changes_what_it_is_given(tmp_path: Path):
    frame, matrix, before = toy.frame(), toy.minutes(), toy.labels()
    kept = copy.deepcopy((frame, matrix, before))
    units = zd.Units.from_frame(
        frame, hours="hours", customers="customers", contiguity=toy.neighbours(), name="place"
    )
    goal = zd.Objective(change=0.1, baseline=before, borders=0.1, border="ruc")
    times = zd.TravelTimes.from_matrix(matrix, toy.IDS)
    level = zd.Level("1", zones=2, max_minutes=8)
    problem = zd.Problem(units, times, levels=[level], rules=[zd.Contiguous()], objective=goal)
    plan = zd.solve(problem, time_limit=30)
    zd.verify(plan, problem)
    zd.review_map(plan, problem)
    zd.write_folder(tmp_path / "zones", plan, problem)
    assert zd.read_plan(tmp_path / "zones", problem) == plan
    assert frame.equals(kept[0])
    assert list(frame.columns) == list(kept[0].columns)
    assert frame.index.name == kept[0].index.name
    np.testing.assert_array_equal(matrix, kept[1])
    pd.testing.assert_series_equal(before, kept[2])
