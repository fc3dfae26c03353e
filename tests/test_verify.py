"""Verification sees every rule broken, zone by zone, in any plan."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import toy
from hypothesis import given, settings
from hypothesis import strategies as st

import zonedesign as zd
from zonedesign.verify import broken, verdicts_as_rows, verify

URBAN = zd.CharacterShare("ruc", "Urban", 0.5)


def rows(verdicts, rule):
    """The verdicts of one rule as (zone, quantity, limit, value, passed)."""
    found = verdicts[verdicts["rule"] == rule]
    return [
        tuple(row) for row in found[["zone", "quantity", "limit", "value", "passed"]].itertuples(index=False)
    ]


def failing(plan, problem):
    verdicts = verify(plan, problem)
    return set(verdicts.loc[~verdicts["passed"], "rule"])


def test_verdicts_are_a_row_for_every_rule_zone_and_quantity():
    verdicts = verify(toy.plan(), toy.problem())
    assert list(verdicts.columns) == ["rule", "zone", "level", "quantity", "limit", "value", "passed"]
    assert verdicts["passed"].dtype == bool
    assert [tuple(row) for row in verdicts.itertuples(index=False)] == [
        ("Cover", None, None, "units without a zone", (0, 0), 0.0, True),
        ("Cover", None, None, "units that the problem does not have", (0, 0), 0.0, True),
        ("Centre", "east", "1", "centre in its zone", (1, 1), 1.0, True),
        ("Level", "east", "1", "level of the problem", (1, 1), 1.0, True),
        ("Centre", "west", "1", "centre in its zone", (1, 1), 1.0, True),
        ("Level", "west", "1", "level of the problem", (1, 1), 1.0, True),
        ("Volume", "east", "1", "weekly_hours", (50, 70), 60.0, True),
        ("Volume", "east", "1", "customers", (5, 7), 6.0, True),
        ("Volume", "west", "1", "weekly_hours", (50, 70), 60.0, True),
        ("Volume", "west", "1", "customers", (5, 7), 6.0, True),
        ("Reach", "east", "1", "reach_minutes", (None, 8.0), 4.0, True),
        ("Reach", "west", "1", "reach_minutes", (None, 8.0), 4.0, True),
        ("ZoneCount", None, "1", "zones", (2, 2), 2.0, True),
        ("Contiguous", "east", "1", "pieces", (None, 1), 1.0, True),
        ("Contiguous", "west", "1", "pieces", (None, 1), 1.0, True),
    ]


def test_verdicts_are_json_without_nan_and_open_ends_are_null():
    cut = toy.minutes()
    cut[0, :] = np.inf
    problem = toy.problem(times=zd.TravelTimes.from_matrix(cut, toy.IDS), level={"max_minutes": None})
    read = json.loads(json.dumps(verdicts_as_rows(verify(toy.plan(problem), problem)), allow_nan=False))
    assert {
        "rule": "Reach",
        "zone": "west",
        "level": "1",
        "quantity": "reach_minutes",
        "limit": [None, None],
        "value": None,
        "passed": False,
    } in read


def test_what_fails_is_said_in_one_line():
    problem = toy.problem(level={"weekly_hours": (65, 70), "max_minutes": 3})
    assert broken(verify(toy.plan(), problem), 2) == (
        "Volume of zone east: weekly_hours is 60, must lie in 65 to 70; "
        "Volume of zone west: weekly_hours is 60, must lie in 65 to 70; and 2 more"
    )
    assert broken(verify(toy.plan(), toy.problem())) == ""


@pytest.mark.parametrize("low", [60.0, 60 + 9e-7])
def test_bands_are_inclusive_with_a_slack_of_a_millionth(low):
    assert "Volume" not in failing(toy.plan(), toy.problem(level={"weekly_hours": (low, 70)}))
    assert "Volume" in failing(toy.plan(), toy.problem(level={"weekly_hours": (low + 2e-6, 70)}))


def test_reach_is_the_longer_way():
    slow_back = toy.minutes()
    slow_back[toy.IDS.index("A1"), toy.IDS.index("A2")] = 9
    problem = toy.problem(times=zd.TravelTimes.from_matrix(slow_back, toy.IDS))
    assert rows(verify(toy.plan(problem), problem), "Reach")[1] == (
        "west",
        "reach_minutes",
        (None, 8.0),
        9.0,
        False,
    )


def test_a_unit_that_cannot_be_reached_fails_even_without_a_limit():
    cut = toy.minutes()
    cut[0, 1] = np.nan
    problem = toy.problem(times=zd.TravelTimes.from_matrix(cut, toy.IDS), level={"max_minutes": None})
    assert rows(verify(toy.plan(problem), problem), "Reach") == [
        ("east", "reach_minutes", (None, None), 4.0, True),
        ("west", "reach_minutes", (None, None), math.inf, False),
    ]


def test_a_diameter_counts_only_units_with_demand():
    frame = toy.frame()
    frame.loc[["A1", "A4"], ["hours", "customers"]] = 0
    units = zd.Units.from_frame(frame, hours="hours", customers="customers")
    level = {"max_minutes_between": 4, "weekly_hours": None, "customers": None}
    found = rows(verify(toy.plan(), toy.problem(units=units, rules=(), level=level)), "Diameter")
    assert found == [
        ("east", "minutes_between", (None, 4.0), 6.0, False),
        ("west", "minutes_between", (None, 4.0), 4.0, True),
    ]
    frame.loc["A1", "customers"] = 1  # customers without hours are demand too
    units = zd.Units.from_frame(frame, hours="hours", customers="customers")
    found = rows(verify(toy.plan(), toy.problem(units=units, rules=(), level=level)), "Diameter")
    assert found[1] == ("west", "minutes_between", (None, 4.0), 6.0, False)


def test_a_diameter_is_the_longer_way():
    slow = toy.minutes()
    slow[toy.IDS.index("A6"), toy.IDS.index("A1")] = 20
    problem = toy.problem(times=zd.TravelTimes.from_matrix(slow, toy.IDS), level={"max_minutes_between": 6})
    assert [row[3] for row in rows(verify(toy.plan(problem), problem), "Diameter")] == [6.0, 20.0]


def test_miles_are_straight_from_the_centre():
    found = rows(verify(toy.plan(), toy.problem(level={"max_miles": 1.4})), "MaxMiles")
    assert [(row[3], row[4]) for row in found] == [(pytest.approx(2**0.5), False)] * 2
    assert "MaxMiles" not in failing(toy.plan(), toy.problem(level={"max_miles": 2**0.5}))


def test_zones_and_hours_of_a_level_are_counted_over_the_plan():
    levels = [
        zd.Level("1", zones=(1, 3), hours_share=(0.5, 0.6)),
        zd.Level("2", zones=1, hours_share=(0.6, 1)),
    ]
    verdicts = verify(replace(toy.plan(), levels=("1", "2")), toy.problem(levels=levels))
    assert rows(verdicts, "ZoneCount") == [
        (None, "zones", (1, 3), 1.0, True),
        (None, "zones", (1, 1), 1.0, True),
    ]
    assert rows(verdicts, "HoursShare") == [
        (None, "hours_share", (0.5, 0.6), 0.5, True),
        (None, "hours_share", (0.6, 1), 0.5, False),
    ]


def test_character_is_a_share_of_the_zones_hours():
    assert [
        row[3:] for row in rows(verify(toy.plan(), toy.problem(level={"character": URBAN})), "Character")
    ] == [(pytest.approx(2 / 3), True)] * 2
    rural = replace(URBAN, values=("Rural",))
    assert failing(toy.plan(), toy.problem(level={"character": rural})) == {"Character"}


def test_a_zone_without_hours_has_no_character_and_passes():
    frame = toy.frame()
    frame["hours"] = [10.0 if unit[0] == "B" else 0.0 for unit in toy.IDS]
    level = {"weekly_hours": None, "customers": None, "character": URBAN}
    problem = toy.problem(units=zd.Units.from_frame(frame, hours="hours"), rules=(), level=level)
    _, quantity, _, value, passed = rows(verify(toy.plan(), problem), "Character")[1]
    assert (quantity, math.isnan(value), passed) == ("character_share", True, True)


def test_pieces_are_counted_and_a_level_may_opt_out():
    plan = toy.plan().move("A3", "east").move("A6", "east").move("B2", "west")
    verdicts = verify(plan, toy.problem(level={"weekly_hours": None, "customers": None}))
    assert rows(verdicts, "Contiguous") == [
        ("east", "pieces", (None, 1), 1.0, True),
        ("west", "pieces", (None, 1), 2.0, False),
    ]
    assert rows(verify(plan, toy.problem(level={"contiguous": False})), "Contiguous") == []
    assert rows(verify(plan, toy.problem(zd.Volume("1"))), "Contiguous") == []


@pytest.mark.parametrize(
    ("rule", "kept", "broken_by"),
    [
        (zd.Together("A1", "A2", "A3"), (1, True), lambda p: p.move("A3", "east")),
        (zd.Apart("A3", "B1"), (2, True), lambda p: p.move("A3", "east")),
        (zd.CentreAt("A2"), (1, True), lambda p: p.recentre("west", "A1")),
        (zd.Fixed("A3", "west"), (1, True), lambda p: p.move("A3", "east")),
        (zd.Frozen("west"), (0, True), lambda p: p.move("B1", "west")),
        (zd.NestIn("council"), (1, True), lambda p: p.move("A3", "east")),
    ],
)
def test_locks_and_borders_hold_and_are_seen_to_break(rule, kept, broken_by):
    problem = toy.problem(rule, start=toy.plan(), level={"weekly_hours": None, "customers": None})
    name = type(rule).__name__
    assert {row[3:] for row in rows(verify(toy.plan(), problem), name)} == {kept}
    assert failing(broken_by(toy.plan()), problem) == {name}


def test_a_unit_is_fixed_to_the_zone_that_holds_the_anchors_centre_whatever_it_is_called():
    problem = toy.problem(zd.Fixed("A3", "west"), start=toy.plan().recentre("west", "A1"))
    assert failing(toy.plan().renamed(), problem) == set()
    assert "Fixed" in failing(toy.plan().move("A1", "east"), problem)


def test_a_frozen_zone_counts_units_that_left_or_joined():
    problem = toy.problem(zd.Frozen("west"), start=toy.labels())
    plan = toy.plan().move("A3", "east").move("B4", "west")
    assert rows(verify(plan, problem), "Frozen") == [
        ("west", "units that left or joined west", (0, 0), 2.0, False)
    ]


def test_councils_that_let_jointly_count_as_one():
    units = toy.units(authority="council")
    plan = toy.plan().move("A3", "east")
    assert "NestIn" in failing(plan, toy.problem(units=units))
    joint = replace(units, joint=(("A", "B"),))
    assert "NestIn" not in failing(plan, toy.problem(units=joint))


def test_missing_units_are_named_and_fail_without_an_exception():
    problem = toy.problem(zd.Contiguous(), zd.Together("A1", "A2"))
    there = toy.frame().drop(["A1", "B6"])
    units = zd.Units.from_frame(there, hours="hours", customers="customers")
    labels = toy.labels().drop(["A1", "B6"])
    plan = zd.Plan.from_labels(units, problem.times, labels, levels=problem.levels)
    assert rows(verify(plan, problem), "Cover") == [
        (None, "units without a zone", (0, 0), 2.0, False),
        (None, "units that the problem does not have", (0, 0), 0.0, True),
        (None, "zones of A1", (1, 1), 0.0, False),
        (None, "zones of B6", (1, 1), 0.0, False),
    ]
    assert failing(plan, problem) == {"Cover", "Together"}


def test_units_that_the_problem_does_not_have_fail():
    smaller = toy.problem(
        units=zd.Units.from_frame(toy.frame().drop("B6"), hours="hours", customers="customers"), rules=()
    )
    assert failing(toy.plan(), smaller) == {"Cover"}


def test_a_centre_outside_its_zone_and_an_unknown_level_fail():
    plan = replace(toy.plan(), centres=np.array([3, 3]), levels=("1", "9"))
    verdicts = verify(plan, toy.problem())
    assert rows(verdicts, "Centre")[1] == ("west", "centre in its zone", (1, 1), 0.0, False)
    assert rows(verdicts, "Level")[1] == ("west", "level of the problem", (1, 1), 0.0, False)
    assert rows(verdicts, "ZoneCount")[0][3:] == (1.0, False)


def test_the_order_of_the_units_does_not_matter():
    problem = toy.problem(zd.Contiguous(), zd.NestIn("council"), level={"max_miles": 7})
    order = np.random.default_rng(1).permutation(12)
    units = zd.Units.from_frame(toy.frame().iloc[order], hours="hours", customers="customers")
    plan = zd.Plan.from_labels(units, problem.times, toy.labels(), levels=problem.levels)
    pd.testing.assert_frame_equal(verify(plan, problem), verify(toy.plan(), problem))


# The council's own table of 35 areas (engagement slides, August 2019): level, customers, weekly hours.
PUBLISHED = [
    *((1, *pair) for pair in (
        (113, 1206), (110, 1335), (63, 867), (101, 1222), (54, 819), (71, 871), (68, 1143), (83, 1062), (50, 731), (61, 901),
        (54, 737), (61, 752), (100, 1215), (76, 878), (92, 1079), (74, 863), (95, 1208), (107, 1102), (113, 1209), (74, 921),
    )),
    *((2, *pair) for pair in (
        (25, 295), (37, 449), (27, 359), (31, 297), (27, 346), (18, 228), (28, 358), (42, 454), (18, 242),
    )),
    *((3, *pair) for pair in ((2, 29), (11, 109), (1, 8), (8, 98), (8, 153), (4, 26))),
]  # fmt: skip


def test_the_published_table_breaks_the_published_words_in_seven_places_and_in_no_other():
    ids = [f"area {i:02d}" for i in range(35)]
    frame = pd.DataFrame(PUBLISHED, columns=["level", "customers", "hours"], index=ids)
    assert frame[["customers", "hours"]].sum().tolist() == [1907, 23572]
    units = zd.Units.from_frame(frame, hours="hours", customers="customers")
    times = zd.TravelTimes.from_matrix(np.zeros((35, 35)), ids)
    levels = [
        zd.Level("1", weekly_hours=(700, 1300), customers=(50, 110), zones=20),
        zd.Level("2", weekly_hours=(240, 450), customers=(18, 42), zones=9),
        zd.Level("3", weekly_hours=(10, 150), customers=(1, 11), zones=6),
    ]
    problem = zd.Problem(units, times, levels)
    plan = zd.Plan.from_labels(
        units,
        times,
        pd.Series(ids, ids),
        levels=levels,
        level=dict(zip(ids, frame["level"].astype(str), strict=True)),
    )
    verdicts = verify(plan, problem)
    seen = [(row.quantity, row.value, row.limit) for row in verdicts[~verdicts["passed"]].itertuples()]
    assert sorted(seen) == [
        ("customers", 113.0, (50, 110)),
        ("customers", 113.0, (50, 110)),
        ("weekly_hours", 8.0, (10, 150)),
        ("weekly_hours", 153.0, (10, 150)),
        ("weekly_hours", 228.0, (240, 450)),
        ("weekly_hours", 454.0, (240, 450)),
        ("weekly_hours", 1335.0, (700, 1300)),
    ]


# A rule, what it needs of the level, and a mutation that breaks just that rule by its own definition.
ALL_LOCKS = (
    zd.Contiguous(), zd.Together("A1", "A2"), zd.Apart("A1", "B1"), zd.CentreAt("A2"), zd.Fixed("A1", "west"),
    zd.Frozen("west"), zd.NestIn("council"),
)  # fmt: skip
ALL_BANDS = {
    "max_minutes_between": 6,
    "max_miles": 1.5,
    "hours_share": (1, 1),
    "character": URBAN,
    "max_minutes": 4,
    "weekly_hours": (60, 60),
    "customers": (6, 6),
}


def test_the_toy_plan_meets_every_rule_there_is():
    problem = toy.problem(*ALL_LOCKS, level=ALL_BANDS, start=toy.plan())
    assert {type(rule).__name__ for rule in problem.all_rules} == {
        "Volume", "Reach", "Diameter", "MaxMiles", "ZoneCount", "HoursShare", "Character", "Contiguous", "Together",
        "Apart", "CentreAt", "Fixed", "Frozen", "NestIn",
    }  # fmt: skip
    assert failing(toy.plan(), problem) == set()


@pytest.mark.parametrize(
    ("caught", "level", "rules", "break_it"),
    [
        ("Volume", {"weekly_hours": (51, 70)}, (), lambda p: p.move("A3", "east")),
        ("Volume", {"customers": (6, 6)}, (), lambda p: p.move("A3", "east")),
        ("Reach", {"max_minutes": 4}, (), lambda p: p.recentre("west", "A1")),
        ("Diameter", {"max_minutes_between": 6}, (), lambda p: p.move("B1", "west")),
        ("MaxMiles", {"max_miles": 1.5}, (), lambda p: p.recentre("west", "A4")),
        ("ZoneCount", {"zones": 2}, (), lambda p: p.split("west", ["A1", "A4"])),
        ("HoursShare", {"hours_share": (1, 1)}, (), lambda p: replace(p, levels=("1", "2"))),
        ("Character", {"character": URBAN}, (), lambda p: p.split("west", ["A3", "A6"])),
        ("Contiguous", {}, (zd.Contiguous(),), lambda p: p.move("A1", "east")),
        ("Centre", {}, (), lambda p: replace(p, centres=p.centres[::-1].copy())),
        ("Level", {}, (), lambda p: replace(p, levels=("1", "nine"))),
    ],
)
def test_a_broken_rule_is_caught(caught, level, rules, break_it):
    bare = {"weekly_hours": None, "customers": None, "max_minutes": None, "zones": None} | level
    problem = toy.problem(levels=[zd.Level("1", **bare), zd.Level("2")], rules=rules)
    plan = zd.Plan.from_labels(
        problem.units,
        problem.times,
        toy.labels(),
        levels=problem.levels[:1],
        centre={"west": "A2", "east": "B2"},
    )
    assert failing(plan, problem) == set()
    assert failing(break_it(plan), problem) == {caught}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_any_change_to_a_plan_that_is_just_right_is_caught(seed):
    # Every band of this problem holds with no room at all, so whatever is changed breaks something.
    problem = toy.problem(*ALL_LOCKS, level=ALL_BANDS, start=toy.plan())
    plan, draw = toy.plan(), random.Random(seed)  # noqa: S311
    for _ in range(draw.randint(1, 4)):
        unit, zone = draw.choice(toy.IDS), draw.choice(plan.zone_ids)
        change = draw.choice(["move", "recentre", "level"])
        if change == "move":
            plan = plan.move(unit, zone)
        elif change == "recentre" and unit in plan.members(zone):
            plan = plan.recentre(zone, unit)
        elif change == "level":
            plan = replace(plan, levels=("other", *plan.levels[1:]))
    verdicts = verify(plan, problem)
    same = plan.units["zone"].map(dict(zip(plan.zone_ids, plan.levels, strict=True))).eq("1").all() and {
        frozenset(plan.members(zone)) for zone in plan.zone_ids
    } == {frozenset(toy.plan().members(zone)) for zone in ("east", "west")}
    reach = plan.units["reach_minutes"].max() <= 4 and "A2" in set(plan.zones["centre"])
    assert verdicts["passed"].all() == (same and reach)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_random_plans_are_judged_as_networkx_and_numpy_judge_them(seed):
    import networkx as nx

    rng = np.random.default_rng(seed)
    minutes = rng.integers(1, 20, (12, 12)).astype(float)
    minutes[rng.random((12, 12)) < 0.1] = np.inf
    np.fill_diagonal(minutes, 0)
    problem = toy.problem(
        times=zd.TravelTimes.from_matrix(minutes, toy.IDS),
        level={"max_minutes": 15, "max_minutes_between": 15, "max_miles": 3},
    )
    zone = pd.Series([f"z{k}" for k in rng.integers(0, 3, 12)], index=toy.IDS)
    plan = zd.Plan.from_labels(problem.units, problem.times, zone, levels=problem.levels)
    verdicts = verify(plan, problem).set_index(["rule", "zone", "quantity"])["value"]
    graph = nx.Graph(toy.neighbours())
    graph.add_nodes_from(toy.IDS)
    longer = np.maximum(minutes, minutes.T)
    for z, centre in plan.zones["centre"].items():
        members = list(plan.members(z))
        at = [toy.IDS.index(unit) for unit in members]
        here = toy.IDS.index(centre)
        xy = np.array(toy.PLACES)
        assert verdicts["Contiguous", z, "pieces"] == nx.number_connected_components(graph.subgraph(members))
        assert verdicts["Reach", z, "reach_minutes"] == longer[here, at].max()
        assert verdicts["Diameter", z, "minutes_between"] == longer[np.ix_(at, at)].max()
        assert verdicts["MaxMiles", z, "miles"] == pytest.approx(np.hypot(*(xy[at] - xy[here]).T).max())
        assert verdicts["Volume", z, "weekly_hours"] == 10 * len(members)


def test_todays_health_footprints_are_judged_on_real_data(geodata):
    import geopandas as gpd
    from shapely import STRtree

    frame = gpd.read_file(geodata / "west-sussex" / "lsoa.gpkg").set_index("lsoa11cd")
    today = pd.read_csv(geodata / "west-sussex" / "lsoa_to_pcn_2022.csv").set_index("lsoa11cd")["pcn_code"]
    tree = STRtree(frame.geometry.to_numpy())
    pairs = tree.query(frame.geometry.to_numpy(), predicate="touches").T
    edges = [(frame.index[a], frame.index[b]) for a, b in pairs if a < b]
    units = zd.Units.from_frame(frame, hours="pop_75_plus", contiguity=edges)
    xy = np.column_stack([frame["point_easting"], frame["point_northing"]])
    minutes = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1)) / 667
    problem = zd.Problem(
        units, zd.TravelTimes.from_matrix(minutes, frame.index), [zd.Level("1")], rules=[zd.Contiguous()]
    )
    plan = zd.Plan.from_labels(units, problem.times, today, levels=problem.levels)
    verdicts = verify(plan, problem)
    pieces = verdicts[verdicts["rule"] == "Contiguous"]
    assert len(pieces) == 20
    assert pieces.loc[~pieces["passed"], "zone"].tolist() == [
        "U03364",
        "U04748",
        "U14816",
        "U33451",
        "U96386",
    ]
    assert pieces.loc[~pieces["passed"], "value"].tolist() == [3, 2, 3, 3, 2]
