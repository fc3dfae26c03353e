"""What preflight says is impossible is impossible, is said by name, and what is possible passes."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from zonedesign.errors import ScenarioError
from zonedesign.levels import CharacterShare, Level
from zonedesign.problem import Objective, Problem
from zonedesign.rules import Apart, CentreAt, Contiguous, Fixed, Frozen, NestIn, Together
from zonedesign.solve.preflight import preflight
from zonedesign.traveltimes import TravelTimes
from zonedesign.units import Units


def row_of_units(
    hours: list[float],
    levels: list[Level],
    *,
    rules: list[Any] | None = None,
    links: list[tuple[str, str]] | None = None,
    minutes_apart: float = 5.0,
    customers: list[float] | None = None,
    columns: dict[str, list[Any]] | None = None,
    baseline: dict[str, str] | None = None,
) -> Problem:
    """Units a, b, c, ... along one road, `minutes_apart` from each other, each touching the next unless `links` are given."""
    ids = [chr(ord("a") + k) for k in range(len(hours))]
    frame = pd.DataFrame({"h": hours, **(columns or {})}, index=pd.Index(ids))
    if customers is not None:
        frame["c"] = customers
    graph = list(itertools.pairwise(ids)) if links is None else links
    units = Units.from_frame(
        frame,
        hours="h",
        customers=None if customers is None else "c",
        contiguity=graph,
        authority="authority" if "authority" in frame else None,
    )
    place = np.arange(len(ids)) * minutes_apart
    times = TravelTimes.from_matrix(np.abs(place[:, None] - place[None, :]), ids)
    objective = Objective(baseline=None if baseline is None else pd.Series(baseline))
    return Problem(units, times, levels, [Contiguous(), *(rules or [])], objective)


def only_cause(problem: Problem) -> str:
    causes = preflight(problem)
    assert len(causes) == 1, causes
    return causes[0]


# Units.


def test_a_unit_above_every_band_is_named_with_its_hours() -> None:
    problem = row_of_units([10, 95, 10], [Level("1", weekly_hours=(5, 60)), Level("2", weekly_hours=(1, 20))])
    cause = only_cause(problem)
    assert cause.startswith("1 unit has more than any zone may have: b (95 h)")
    assert cause.endswith("raise a band, split or exclude it")


def test_a_unit_may_be_above_one_band_by_hours_and_another_by_customers() -> None:
    levels = [Level("1", weekly_hours=(5, 20)), Level("2", customers=(1, 3))]
    cause = preflight(row_of_units([10, 30, 10], levels, customers=[2, 5, 2]))[0]
    assert "b (30 h and 5 customers)" in cause


def test_a_unit_that_reaches_no_other_and_is_too_small_alone_is_named() -> None:
    problem = row_of_units([10, 10, 10, 10, 2], [Level("1", weekly_hours=(8, 60), max_minutes=6)])
    minutes = np.abs(np.subtract.outer(np.arange(5.0), np.arange(5.0))) * 5
    minutes[4, :4] = minutes[:4, 4] = 40.0
    problem = problem.with_(times=TravelTimes.from_matrix(minutes, problem.units.ids))
    cause = only_cause(problem)
    assert cause.startswith("1 unit reaches no unit that could share a zone with it")
    assert "e (2 h)" in cause
    assert cause.endswith("raise max_minutes, add a road or exclude it")


def test_a_unit_off_the_road_is_named_with_its_distance() -> None:
    problem = row_of_units([10, 10, 10], [Level("1", weekly_hours=(1, 60))])
    times = TravelTimes(
        problem.units.ids,
        problem.units.ids,
        np.array([0, 2, 4, 4]),
        np.array([0, 1, 0, 1]),
        np.array([0.0, 5.0, 5.0, 0.0]),
        provenance={"max_snap_m": 1000.0},
        snapped_m=pd.Series([3.0, 8.0, 2700.0], index=problem.units.ids),
    )
    cause = only_cause(problem.with_(times=times))
    assert cause == (
        "1 unit lies more than 1,000 m from the road network, so no centre reaches it: c (2,700 m); "
        "exclude it, or add a road or raise max_snap_m"
    )
    beyond = replace(times, provenance={"max_snap_m": 1000.0, "beyond_file": ["c"]})
    cause = only_cause(problem.with_(times=beyond))
    assert cause.endswith("; exclude it, or take a larger extract of roads")


def test_a_village_that_can_gather_too_little_is_named_with_the_most_there_is() -> None:
    levels = [Level("1", weekly_hours=(40, 100), max_minutes=5)]
    minutes = np.array([[0, 4, 9, 9], [4, 0, 4, 9], [9, 4, 0, 5], [9, 9, 5, 0]], dtype=float)
    problem = row_of_units([30, 20, 12, 20], levels, links=[("a", "b"), ("c", "d"), ("a", "d")])
    cause = only_cause(problem.with_(times=TravelTimes.from_matrix(minutes, problem.units.ids)))
    assert cause.startswith(
        "2 units with no zone in reach that has enough hours: c (at most 32 h of the 40 that level 1"
    )
    assert "lower a band's minimum" in cause


def test_contiguity_limits_what_a_centre_gathers() -> None:
    levels = [Level("1", weekly_hours=(30, 100), max_minutes=10)]
    assert preflight(row_of_units([10] * 6, levels)) == []
    # c reaches a and e, but b and d, through which it would have them, belong to others.
    problem = row_of_units(
        [10] * 6, levels, links=[("a", "b"), ("c", "d"), ("e", "f"), ("d", "e"), ("b", "f")]
    )
    assert preflight(problem) != []


def test_a_level_that_need_not_be_connected_gathers_across_gaps() -> None:
    level = Level("3", weekly_hours=(30, 100), contiguous=False)
    assert preflight(row_of_units([10, 10, 10], [level], links=[])) == []


# Totals and counts.


def test_too_few_hours_for_the_fewest_zones() -> None:
    cause = only_cause(row_of_units([10] * 5, [Level("1", weekly_hours=(20, 30), zones=3)]))
    assert cause == (
        "all units together have 50 h, and the fewest zones allowed (3 of level 1) need 60; "
        "ask for fewer zones or lower a band's minimum"
    )


def test_too_many_customers_for_the_most_zones() -> None:
    level = Level("1", customers=(1, 12), zones=(1, 3))
    cause = only_cause(row_of_units([10] * 5, [level], customers=[8] * 5))
    assert "40 customers" in cause
    assert "3 of level 1) hold 36" in cause


def test_a_total_in_the_gap_between_counts_is_said_with_both_sides() -> None:
    cause = only_cause(row_of_units([7] * 5, [Level("1", weekly_hours=(20, 22))]))
    assert "35 h" in cause
    assert "1 of level 1 hold at most 22, and 2 of level 1 need at least 40" in cause


def test_hours_and_customers_that_fit_alone_but_not_together() -> None:
    level = Level("1", weekly_hours=(20, 25), customers=(4, 5))
    cause = only_cause(row_of_units([10] * 10, [level], customers=[1] * 10))
    assert cause.startswith("no numbers of zones hold 100 h and 10 customers at once")
    assert preflight(row_of_units([10] * 10, [Level("1", weekly_hours=(20, 25))])) == []


def test_more_zones_than_units() -> None:
    cause = only_cause(row_of_units([10, 10], [Level("1", zones=2), Level("2", zones=1)]))
    assert cause.startswith("the levels need at least 3 zones and there are 2 units")


def test_shares_of_hours_that_cannot_add_up() -> None:
    levels = [Level("1", hours_share=(0.7, 0.9)), Level("2", hours_share=(0.4, 0.5))]
    assert "minima of the levels' hours_share add up to 1.1" in only_cause(row_of_units([10] * 4, levels))
    levels = [Level("1", hours_share=(0.1, 0.3)), Level("2", hours_share=(0.2, 0.5))]
    assert "maxima of the levels' hours_share add up to 0.8" in only_cause(row_of_units([10] * 4, levels))


def test_shares_of_no_hours_at_all_are_no_rule() -> None:
    assert preflight(row_of_units([0, 0], [Level("1", hours_share=(0.1, 0.3))])) == []


def test_a_share_that_the_zones_of_a_level_cannot_hold() -> None:
    levels = [
        Level("1", weekly_hours=(10, 20), zones=1, hours_share=(0.8, 1.0)),
        Level("2", weekly_hours=(1, 30)),
    ]
    assert "shares of hours" in only_cause(row_of_units([10] * 5, levels))


def test_a_level_whose_zones_are_all_forbidden_is_no_level() -> None:
    assert preflight(row_of_units([10], [Level("1", zones=0)])) == [
        "every level is limited to 0 zones, so no unit can be in one; give a level zones"
    ]


# Parts of the map.


def test_a_part_with_too_few_hours_is_named_with_the_way_out() -> None:
    links = [("a", "b"), ("b", "c"), ("d", "e")]
    cause = only_cause(row_of_units([30, 30, 30, 3, 4], [Level("1", weekly_hours=(10, 60))], links=links))
    assert cause.startswith("2 units cut off from all others have together 7 h")
    assert "d, e" in cause
    assert "bridge" in cause


def test_a_part_whose_hours_fall_in_the_gap_between_levels() -> None:
    links = [("a", "b"), ("c", "d"), ("d", "e")]
    levels = [Level("1", weekly_hours=(70, 130)), Level("2", weekly_hours=(25, 30))]
    cause = only_cause(row_of_units([20, 20, 40, 30, 30], levels, links=links))
    assert cause == (
        "2 units cut off from all others have together 40 h, which no allowed zones can hold: a, b, "
        "with level 1 70 to 130 h, level 2 25 to 30 h; add a bridge, exclude them or widen a band"
    )


def test_two_parts_each_possible_but_not_with_one_zone_between_them() -> None:
    links = [("a", "b"), ("c", "d")]
    problem = row_of_units([10] * 4, [Level("1", zones=(1, 1))], links=links)
    cause = only_cause(problem)
    assert cause.startswith("the map has 2 parts that no zone may cross and the levels allow 1 zone")


def test_parts_that_need_more_zones_of_a_level_than_there_are() -> None:
    links = [("a", "b"), ("c", "d"), ("e", "f")]
    levels = [Level("1", weekly_hours=(19, 21), zones=2), Level("2", weekly_hours=(5, 9), zones=(1, 4))]
    causes = preflight(row_of_units([10, 10, 10, 10, 10, 10], levels, links=links))
    assert causes


def test_each_authority_must_make_zones_by_itself() -> None:
    columns = {"authority": ["Portsmouth"] * 2 + ["Hampshire"] * 3}
    problem = row_of_units([10, 10, 30, 30, 40], [Level("1", weekly_hours=(40, 60))], columns=columns)
    cause = only_cause(problem)
    assert cause.startswith(
        "2 units of authority Portsmouth have together 20 h, which no allowed zones can hold: a, b"
    )
    assert cause.endswith("widen a band or declare joint authorities")


def test_joint_authorities_count_as_one() -> None:
    problem = row_of_units(
        [10, 10, 30, 30, 20],
        [Level("1", weekly_hours=(40, 60))],
        columns={"authority": ["P", "P", "H", "H", "H"]},
    )
    joint = Units(
        problem.units.frame,
        problem.units.hours,
        contiguity=problem.units.contiguity,
        authority=problem.units.authority,
        joint=(("P", "H"),),
    )
    assert preflight(problem.with_(units=joint)) == []


# Levels.


def test_a_character_that_no_unit_has() -> None:
    level = Level("1", zones=2, character=CharacterShare("ruc", ("Urban",), 0.5))
    causes = preflight(row_of_units([10] * 4, [level], columns={"ruc": ["Rural"] * 4}))
    assert any("where ruc is Urban, and no unit is" in cause for cause in causes)


def test_a_level_that_no_centre_can_have() -> None:
    levels = [Level("1", weekly_hours=(60, 90), max_minutes=4, zones=1), Level("2", weekly_hours=(5, 50))]
    cause = only_cause(row_of_units([20] * 6, levels))
    assert cause.startswith("level 1 must have 1 zone but no unit can be the centre of one")


# Locks.


def test_units_together_across_a_border() -> None:
    columns = {"lad": ["x", "x", "y", "y"]}
    rules = [NestIn("lad"), Together("b", "c")]
    cause = only_cause(row_of_units([10] * 4, [Level("1")], rules=rules, columns=columns))
    assert cause == (
        "b, c are locked together, but no zone may cross lad: they lie in x and y; take the lock away or join the two"
    )


def test_units_together_above_every_band() -> None:
    problem = row_of_units([30, 30, 30], [Level("1", weekly_hours=(1, 50))], rules=[Together("a", "b")])
    cause = only_cause(problem)
    assert cause.startswith("a, b are locked together and have 60 h, more than any zone may have")


def test_units_together_farther_apart_than_any_centre_reaches() -> None:
    problem = row_of_units([10] * 6, [Level("1", max_minutes=10)], rules=[Together("a", "f")])
    assert "a, f are locked together and no centre reaches all of them" in only_cause(problem)


def test_units_apart_and_together() -> None:
    problem = row_of_units(
        [10] * 4, [Level("1")], rules=[Together("a", "b"), Together("b", "c"), Apart("a", "c")]
    )
    assert only_cause(problem).startswith("a and c are locked apart, and other locks put them into one zone")


def test_two_centres_in_one_zone() -> None:
    problem = row_of_units([10] * 4, [Level("1")], rules=[CentreAt("a"), CentreAt("b"), Together("a", "b")])
    assert only_cause(problem).startswith(
        "a, b must each be a centre, and other locks put them into one zone"
    )


def test_a_centre_around_which_no_zone_can_be() -> None:
    level = Level("1", weekly_hours=(50, 90), max_minutes=10)
    problem = row_of_units([10] * 6, [level], rules=[CentreAt("a")])
    assert only_cause(problem).startswith("a must be a centre, and no zone around it meets any level")


def test_more_centres_than_zones() -> None:
    rules = [CentreAt("a"), CentreAt("b"), CentreAt("c")]
    cause = only_cause(row_of_units([10] * 4, [Level("1", zones=2)], rules=rules))
    assert cause.startswith("3 units must be centres and the levels allow 2 zones: a, b, c")


def test_a_frozen_zone_outside_every_band() -> None:
    baseline = dict(zip("abcd", ["N", "N", "S", "S"], strict=True))
    problem = row_of_units(
        [20, 20, 5, 5], [Level("1", weekly_hours=(10, 30))], rules=[Frozen("N")], baseline=baseline
    )
    assert only_cause(problem).startswith("zone N is frozen and has 40 h, outside every level's band")


def test_a_frozen_zone_that_is_not_connected() -> None:
    baseline = dict(zip("abcd", ["N", "S", "N", "S"], strict=True))
    problem = row_of_units([10] * 4, [Level("1")], rules=[Frozen("N")], baseline=baseline)
    assert "zone N is frozen and its 2 units are not connected" in " ".join(preflight(problem))


def test_a_frozen_zone_takes_its_units_from_the_others() -> None:
    baseline = dict(zip("abcde", ["W", "M", "M", "M", "E"], strict=True))
    problem = row_of_units([5, 10, 10, 10, 30], [Level("1", weekly_hours=(20, 40))], baseline=baseline)
    assert preflight(problem) == []
    cause = preflight(problem.with_(rules=[*problem.rules, Frozen("M")]))
    assert any("a" in c and "5 h" in c for c in cause)


@pytest.mark.parametrize("rule", [Frozen("north"), Fixed("a", "north")])
def test_a_lock_to_a_zone_that_is_not_there_is_refused(rule: Any) -> None:
    baseline = dict(zip("abc", ["North", "North", "South"], strict=True))
    with pytest.raises(ScenarioError, match=r"'north'.* did you mean 'North'\?"):
        preflight(row_of_units([10] * 3, [Level("1")], rules=[rule], baseline=baseline))


def test_a_lock_to_a_zone_without_any_baseline_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"'1-01'.*baseline"):
        preflight(row_of_units([10] * 3, [Level("1")], rules=[Frozen("1-01")]))


# All at once, and never by mistake.


def test_causes_of_different_kinds_are_all_named() -> None:
    links = [("a", "b"), ("b", "c"), ("c", "d"), ("e", "f")]
    rules = [Together("a", "b"), Apart("a", "b")]
    problem = row_of_units(
        [10, 10, 95, 10, 1, 1], [Level("1", weekly_hours=(8, 60))], rules=rules, links=links
    )
    causes = preflight(problem)
    assert len(causes) == 3, causes
    for cause, words in zip(causes, ["c (95 h)", "2 units cut off", "locked apart"], strict=True):
        assert words in cause


def test_many_alike_units_are_one_sentence() -> None:
    problem = row_of_units([2] * 12, [Level("1", weekly_hours=(8, 60), max_minutes=1)])
    cause = only_cause(problem)
    assert cause.startswith("12 units reach no unit")
    assert "and 7 more" in cause


def test_parts_that_only_reach_divides_are_not_sent_to_build_a_bridge():
    problem = row_of_units([2, 2, 20], [Level("1", weekly_hours=(5, 30), max_minutes=8)])
    minutes = [[0, 5, 50], [5, 0, 45], [50, 45, 0]]
    problem = problem.with_(times=TravelTimes.from_matrix(np.array(minutes, dtype=float), list("abc")))
    cause = only_cause(problem)
    assert "2 units out of reach of all others have together 4 h" in cause
    assert "raise max_minutes" in cause
    assert "bridge" not in cause


def test_parts_that_the_map_divides_may_be_joined_by_a_bridge():
    level = Level("1", weekly_hours=(5, 30), max_minutes=80)
    cause = only_cause(row_of_units([2, 2, 20], [level], links=[("a", "b")]))
    assert "2 units cut off from all others have together 4 h" in cause
    assert "add a bridge" in cause
