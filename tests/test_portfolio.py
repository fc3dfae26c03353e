"""Portfolios: plans that are good, verified and unlike one another, and how surely units share a zone."""

from __future__ import annotations

import importlib
import itertools
import logging

import brute
import numpy as np
import pandas as pd
import pytest
import toy
from hypothesis import given, settings
from hypothesis import strategies as st

import zonedesign as zd
from zonedesign import measures
from zonedesign import rules as kinds
from zonedesign.certificate import Status, StoppedBy
from zonedesign.portfolio.choose import Apart, distance
from zonedesign.portfolio.kept import Portfolio
from zonedesign.problem import Problem

gather = importlib.import_module("zonedesign.portfolio.gather")
walk = importlib.import_module("zonedesign.portfolio.walk")

WITHIN = 0.5
SEVERAL = [10, 45, 62, 71, 82, 86, 104, 178, 199, 246]
"""Seeds of `brute.tiny` with several plans within half of the best."""


def grid(side: int = 4, zones: int = 3) -> Problem:
    """Square of units with random hours of 1 to 9, a minute to a neighbour's point."""
    frame, near, minutes = toy.squares(side)
    return Problem(
        zd.Units.from_frame(frame, hours="hours", contiguity=near),
        zd.TravelTimes.from_matrix(minutes, frame.index),
        levels=[zd.Level("1", weekly_hours=(10, 50), zones=zones)],
        rules=[kinds.Contiguous()],
    )


@pytest.fixture
def by_search(monkeypatch):
    """Small problems go the way of large ones."""
    monkeypatch.setattr(gather, "every_plan", lambda *_: None)


def good_divisions(problem: Problem, within: float) -> dict[frozenset, float]:
    """Every division into zones whose best plan is within the share of the best, by plain enumeration."""
    world, found = brute._World(problem), {}
    for blocks in brute.partitions(list(range(len(problem.units)))):
        if not world.blocks_allowed(blocks):
            continue
        options = [world.options(tuple(block)) for block in blocks]
        values = [
            sum(cost for _, cost in chosen)
            for chosen in itertools.product(*options)
            if world.counts_hold(blocks, [level for level, _ in chosen])
        ]
        if values:
            division = frozenset(map(frozenset, blocks))
            found[division] = world.terms_of_blocks(blocks) + min(values)
    best = min(found.values())
    return {division: value for division, value in found.items() if value <= (1 + within) * best + 1e-9}


def moved(hours: np.ndarray, one: frozenset, other: frozenset) -> float:
    """Share of hours in different zones, trying every matching."""
    mine, theirs = sorted(map(sorted, one)), sorted(map(sorted, other))
    size = max(len(mine), len(theirs))
    kept = [
        [sum(hours[i] for i in set(a) & set(b)) for b in theirs] + [0.0] * (size - len(theirs)) for a in mine
    ]
    kept += [[0.0] * size] * (size - len(mine))
    most = max(sum(kept[r][c] for r, c in enumerate(p)) for p in itertools.permutations(range(size)))
    return 1 - most / hours.sum() if hours.sum() else 0.0


def division_of(zone: np.ndarray) -> frozenset:
    return frozenset(frozenset(np.flatnonzero(zone == k).tolist()) for k in np.unique(zone))


def most_apart(hours: np.ndarray, good: dict[frozenset, float], best: frozenset, apart: float) -> int:
    """The size of the largest set of divisions pairwise apart that holds `best`."""
    others = [each for each in good if each != best and moved(hours, best, each) >= apart - 1e-9]
    for size in range(min(len(others), 3), 0, -1):
        for some in itertools.combinations(others, size):
            if all(moved(hours, a, b) >= apart - 1e-9 for a, b in itertools.combinations(some, 2)):
                return 1 + size
    return 1


# What is returned.


@pytest.mark.parametrize("seed", SEVERAL)
def test_tiny_problems_have_exactly_the_plans_that_trying_everything_finds(seed):
    problem, hours = brute.tiny(seed), brute.tiny(seed).hours
    good = good_divisions(problem, WITHIN)
    assert len(good) > 1
    found = zd.portfolio(problem, 4, within=WITHIN, apart=0.1, time_limit=30)
    assert found.complete
    assert found.met == len(good)
    divisions = [division_of(plan.zone) for plan in found.plans]
    assert [good[each] for each in divisions] == pytest.approx(found.summary["objective"].tolist(), abs=1e-7)
    assert found.summary["objective"].iloc[0] == pytest.approx(min(good.values()), abs=1e-7)
    for a, b in itertools.combinations(divisions, 2):
        assert moved(hours, a, b) >= 0.1 - 1e-9
    assert len(found.plans) == most_apart(hours, good, divisions[0], 0.1)


def check(found: Portfolio, problem: Problem) -> None:
    """What holds of every portfolio."""
    best = found.plans[0].certificate.objective
    for plan in found.plans:
        told = plan.certificate
        assert zd.verify(plan, problem)["passed"].all()
        assert told.objective == pytest.approx(problem.value(problem.terms(plan)))
        assert best <= told.objective <= (1 + found.within) * best + 1e-9
        assert found.bound is None or told.bound == pytest.approx(min(found.bound, told.objective))
        assert (told.status is Status.OPTIMAL) == (told.gap is not None and told.gap <= 1e-6)
        assert (told.stopped_by is None) == (told.status is Status.OPTIMAL)
    between = found.distances.to_numpy()
    assert (between == between.T).all()
    assert (between[np.triu_indices(len(between), 1)] >= found.apart - 1e-9).all()
    assert 1 <= len(found.plans) <= min(found.asked, found.counted)
    assert found.counted <= found.met
    assert found.counted_apart == pytest.approx(found.apart / 5)


def test_searched_plans_are_good_verified_and_apart(by_search):
    problem = grid(6, 4)
    found = zd.portfolio(problem, 3, within=0.1, work=4)
    check(found, problem)
    assert len(found.plans) == 3
    assert not found.complete
    assert found.stopped_by is StoppedBy.WORK


def test_search_meets_the_best_plan_and_many_others_that_there_are(monkeypatch):
    problem = grid(3, 2)
    whole = zd.portfolio(problem, 4, within=0.1, work=8)
    monkeypatch.setattr(gather, "every_plan", lambda *_: None)
    searched = zd.portfolio(problem, 4, within=0.1, work=8)
    check(searched, problem)
    assert searched.summary["objective"].iloc[0] == pytest.approx(whole.summary["objective"].iloc[0])
    assert 0.3 * whole.met <= searched.met <= whole.met


def test_fewer_plans_than_asked_are_said_and_never_made_up(caplog):
    caplog.set_level(logging.INFO, "zonedesign")
    found = zd.portfolio(toy.problem(), 4, within=0.0, apart=0.4, time_limit=30)
    # Any two of the optimal plans share more than 0.6 of the hours: A3 and A6 are as near to B2 as B1 and B4.
    assert repr(found) == (
        "<Portfolio: 1 plan of 4 asked, within 0 of the best and 0.4 apart; exactly 7 good plans met, "
        "7 of them counted>"
    )
    assert "1 plan of 4 found" in caplog.text


def apart_by(table: dict[tuple[int, int], float], least: float) -> Apart:
    """Plans whose distances are given."""
    several = Apart(np.ones(1), [np.zeros(1, dtype=np.int64)] * 4, least)
    several._known.update(table)
    return several


def test_chosen_plans_are_those_farthest_from_one_another():
    table = {(0, 1): 0.2, (0, 2): 0.3, (0, 3): 0.4, (1, 2): 0.25, (1, 3): 0.3, (2, 3): 0.2}
    assert apart_by(table, 0.2).chosen(1) == [0]
    assert apart_by(table, 0.2).chosen(2) == [0, 3]
    assert apart_by(table, 0.2).chosen(3) == [0, 1, 3]  # 2 is 0.2 from 3 and 1 is 0.2 from 0: the better one
    assert apart_by(table, 0.2).chosen(9) == [0, 1, 2, 3]


def test_a_plan_farthest_from_the_best_does_not_keep_two_others_out():
    table = {(0, 1): 0.2, (0, 2): 0.2, (0, 3): 0.3, (1, 2): 0.2, (1, 3): 0.1, (2, 3): 0.1}
    assert apart_by(table, 0.2).chosen(3) == [0, 1, 2]
    assert apart_by(table, 0.2).chosen(2) == [0, 3]


def test_plans_count_where_they_are_unlike_all_that_count_before():
    zones = [
        np.array(z) for z in ([0, 0, 1, 1, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1, 1, 1])
    ]
    several = Apart(np.ones(8), [zones[0]], 0.25)
    assert not several.add_if_apart(zones[1])  # one hour of eight
    assert several.add_if_apart(zones[2])
    assert not several.add_if_apart(zones[2])
    assert len(several.zones) == 2


def test_the_best_plan_is_never_worse_than_the_start(by_search):
    problem = grid(6, 4)
    start = zd.solve(problem, work=2)
    found = zd.portfolio(problem, 2, within=0.3, work=1, start=start)
    assert found.plans[0].certificate.objective <= start.certificate.objective + 1e-9


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_do_not_change_a_portfolio_limited_by_work(by_search, threads):
    one, other = (zd.portfolio(grid(5), 4, within=0.1, work=3, seed=5, threads=t) for t in (1, threads))
    assert one.plans == other.plans
    assert (one.zones == other.zones).all()
    assert one.summary.equals(other.summary)
    assert one.steadiness.equals(other.steadiness)


def test_one_unit_has_one_plan():
    frame = pd.DataFrame({"hours": [5.0]}, index=["only"])
    units = zd.Units.from_frame(frame, hours="hours")
    problem = Problem(units, zd.TravelTimes.from_matrix(np.zeros((1, 1)), ["only"]), levels=[zd.Level("1")])
    found = zd.portfolio(problem, 3, time_limit=10)
    check(found, problem)
    assert found.complete
    assert found.steadiness.to_dict("records") == [
        {"zone": "1-01", "same_zone": 1.0, "with_mates": 1.0, "next_zone": None, "next_share": 0.0}
    ]
    assert found.together.empty


def test_no_plan_at_all_is_infeasible():
    with pytest.raises(zd.InfeasibleError):
        zd.portfolio(toy.problem(level={"weekly_hours": (70, 80)}), time_limit=10)


@pytest.mark.parametrize(
    "wrong", [{"n": 0}, {"n": 1.5}, {"within": -0.1}, {"apart": 0}, {"apart": 1.1}, {"time_limit": 0}]
)
def test_numbers_that_make_no_sense_are_refused(wrong):
    with pytest.raises(zd.ScenarioError, match="must be"):
        zd.portfolio(toy.problem(), **wrong)


# Interrupts and failures.


def test_interrupt_ends_with_the_plans_so_far(by_search):
    def stop(stage, share, message):
        if stage == "portfolio":
            raise KeyboardInterrupt

    problem = grid(5)
    found = zd.portfolio(problem, 2, within=0.2, work=50, progress=stop)
    check(found, problem)
    assert found.stopped_by is StoppedBy.INTERRUPT


def test_interrupt_of_the_first_search_ends_everything(monkeypatch):
    problem = toy.problem()
    plan = zd.solve(problem, work=1)
    told = zd.Certificate(
        Status.FEASIBLE, plan.certificate.objective, bound=1.0, stopped_by=StoppedBy.INTERRUPT
    )
    monkeypatch.setattr(gather, "solve", lambda *_, **__: plan.with_certificate(told))
    found = zd.portfolio(problem, 3, time_limit=60)
    assert len(found.plans) == found.met == 1
    assert found.plans[0].certificate.stopped_by is StoppedBy.INTERRUPT


def test_a_chain_that_fails_is_left_out(by_search, monkeypatch, caplog):
    tour = walk.Walk.tour

    def failing(self, start, seed, noise, stop):
        if seed % 2:
            raise MemoryError("no room")
        return tour(self, start, seed, noise, stop)

    monkeypatch.setattr(walk.Walk, "tour", failing)
    problem = grid(5)
    found = zd.portfolio(problem, 2, within=0.2, work=3)
    check(found, problem)
    assert "a chain of the portfolio failed and is left out: MemoryError('no room')" in caplog.text


# Figures.


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=12))
def test_distance_is_the_share_that_moves_under_the_best_matching(units):
    one, other = (pd.factorize(np.array([unit[k] for unit in units]))[0] for k in (0, 1))
    hours = np.array([float(unit[2]) for unit in units])
    assert distance(hours, one, other) == pytest.approx(measures.moved_share(hours, one, other), abs=1e-12)
    assert distance(hours, one, other) == pytest.approx(distance(hours, other, one), abs=1e-12)
    assert distance(hours, one, one) == 0.0


def by_hand() -> Portfolio:
    """The toy plan, one with A3 on the east side, one with A3 and A6 there, and one with B1 on the west side."""
    west = [unit[0] == "A" for unit in toy.IDS]
    zones = np.array([[1 if w else 0 for w in west]] * 4)
    zones[1, toy.IDS.index("A3")] = 0
    zones[2, [toy.IDS.index("A3"), toy.IDS.index("A6")]] = 0
    zones[3, toy.IDS.index("B1")] = 1
    return told_of(toy.plan(), zones)


def told_of(plan: zd.Plan, zones: np.ndarray) -> Portfolio:
    """A portfolio of one plan, with the zones of the good plans it counts."""
    certificate = zd.Certificate(Status.FEASIBLE, 2.0, bound=1.9, stopped_by=StoppedBy.TIME)
    return Portfolio(
        plans=(plan.with_certificate(certificate),),
        asked=1,
        within=0.02,
        apart=0.05,
        bound=1.9,
        zones=zones,
        met=9,
        complete=False,
        seconds=1.0,
        stopped_by=StoppedBy.TIME,
        seed=0,
    )


def test_steadiness_is_the_share_of_good_plans_that_leave_a_unit_where_it_is():
    found = by_hand().steadiness
    assert found["same_zone"].to_dict() == {
        **dict.fromkeys(toy.IDS, 1.0), "A3": 0.5, "A6": 0.75, "B1": 0.75,
    }  # fmt: skip
    assert found.loc["A3", ["zone", "next_zone", "next_share"]].tolist() == ["west", "east", 0.5]
    assert found.loc["A1", ["zone", "next_zone", "next_share"]].tolist() == ["west", None, 0.0]
    # A1 with its five mates of 10 hours each: A3 is with it in two plans of four, A6 in three, others in all.
    assert found.loc["A1", "with_mates"] == pytest.approx((3 * 1.0 + 0.5 + 0.75) / 5)
    assert found.index.equals(toy.units().ids)


def test_together_counts_good_plans_for_pairs_that_ever_meet():
    pairs = by_hand().together.set_index(["unit", "other"])["share"]
    assert pairs["A1", "A2"] == 1.0
    assert pairs["A3", "A6"] == 0.75
    assert pairs["A3", "B1"] == 0.75
    assert ("A1", "B2") not in pairs.index
    assert ("A2", "A1") not in pairs.index


def test_neighbours_that_never_meet_are_told_where_asked_for():
    pairs = by_hand().neighbours()
    assert len(pairs) == len(toy.neighbours())
    share = pairs.set_index(["unit", "other"])["share"]
    assert share["A3", "B1"] == 0.75
    assert share["A6", "B4"] == 0.25
    assert (
        share >= by_hand().together.set_index(["unit", "other"])["share"].reindex(share.index).fillna(0)
    ).all()


def test_frames_of_a_portfolio_are_the_caller_s_own():
    found = by_hand()
    for name in ("together", "steadiness"):
        frame = getattr(found, name)
        frame.iloc[:, -1] = 0.123
        assert not getattr(found, name).iloc[:, -1].eq(0.123).any()


def test_zones_without_hours_keep_their_units():
    frame = toy.frame()
    frame.loc[[unit for unit in toy.IDS if unit[0] == "A"], "hours"] = 0.0
    units = zd.Units.from_frame(frame, hours="hours", customers="customers", contiguity=toy.neighbours())
    problem = toy.problem(units=units, level={"weekly_hours": None})
    plan = toy.plan(problem)
    found = told_of(plan, np.array([plan.zone, 1 - plan.zone]))
    assert found.steadiness["same_zone"].eq(1.0).all()
    assert found.steadiness["with_mates"].to_numpy() == pytest.approx(1.0)
