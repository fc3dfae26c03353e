"""Coarse: units in groups tell the same of a plan as the units do, and what is better for groups is for units."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import toy
from hypothesis import given, settings
from hypothesis import strategies as st

import zonedesign as zd
from zonedesign.problem import Objective
from zonedesign.rules import Together
from zonedesign.solve import coarse
from zonedesign.solve.construct import grown
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.improve import Draft, Search
from zonedesign.solve.rounds import plan_of
from zonedesign.verify import verify

if TYPE_CHECKING:
    from collections.abc import Sequence


def uneven(
    seed: int, *, side: int = 9, reach: float | None = 4.5, rules: Sequence[object] = ()
) -> zd.Problem:
    """A square of two levels whose ways there and back differ; some units have no hours."""
    dice = np.random.default_rng(seed)
    frame, near, minutes = toy.squares(side)
    minutes *= dice.uniform(0.7, 1.0, minutes.shape)
    frame = pd.DataFrame({"hours": dice.integers(0, 5, len(frame)).astype(float)}, index=frame.index)
    total = float(frame["hours"].sum())
    levels = [
        zd.Level("1", weekly_hours=(0.2 * total, 0.5 * total), zones=(1, 3), max_minutes=reach),
        zd.Level(
            "2",
            weekly_hours=(0.05 * total, 0.25 * total),
            zones=(0, 4),
            max_minutes=0.9 * reach if reach else None,
        ),
    ]
    units = zd.Units.from_frame(frame, hours="hours", contiguity=near)
    times = zd.TravelTimes.from_matrix(minutes, frame.index)
    return zd.Problem(units, times, levels=levels, rules=[zd.Contiguous(), *rules])


def searching(problem: zd.Problem) -> Search:
    return Search.of(problem, possible_arcs(problem))


def first_draft(search: Search, seed: int) -> Draft:
    centres = np.random.default_rng(seed).choice(len(search.order), 4, replace=False)
    return search.improve(grown(search, centres), moves=20_000, seed=seed, heat=1.0)


def test_groups_are_connected_small_and_of_one_zone():
    search = searching(uneven(1))
    draft = first_draft(search, 1)
    made = coarse.coarsened(search, draft, np.random.default_rng(1))
    graph = nx.Graph(search.problem.units.contiguity.pairs.tolist())
    for group in range(int(made.group.max()) + 1):
        units = np.flatnonzero(made.group == group)
        assert 1 <= len(units) <= coarse.GROUP
        assert nx.is_connected(graph.subgraph(units.tolist()))
        assert len(set(draft.zone[units])) == 1
        assert made.middle[group] in units
    assert set(draft.centre) <= set(made.middle)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_draft_costs_in_groups_what_it_costs_in_units(seed):
    search = searching(uneven(seed))
    draft = first_draft(search, seed)
    if math.isinf(draft.price):
        return
    made = coarse.coarsened(search, draft, np.random.default_rng(seed))
    again = made.search.improve(made.draft, moves=0, seed=0, heat=0.0)
    # Centres are middles of groups only, of which that of the zone is one.
    assert again.price == pytest.approx(draft.price, rel=1e-5)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_draft_of_groups_that_keeps_the_rules_is_a_plan_of_units_that_does(seed):
    search = searching(uneven(seed))
    draft = first_draft(search, seed)
    made = coarse.coarsened(search, draft, np.random.default_rng(seed))
    found = made.search.improve(made.draft, moves=5_000, seed=seed, heat=1.0)
    if math.isinf(found.price):
        return
    fine = search.improve(made.fine(found), moves=0, seed=0, heat=0.0)
    assert fine.price <= found.price * (1 + 1e-5)
    assert verify(plan_of(search, fine), search.problem)["passed"].all()


def test_what_is_improved_in_groups_is_never_worse_and_the_same_again():
    search = searching(uneven(3))
    start = first_draft(search, 3)
    first, again = (coarse.improve(search, start, moves=20_000, seed=7, heat=0.3) for _ in range(2))
    assert first.price <= start.price < math.inf
    assert (first.zone == again.zone).all()


def test_a_draft_that_breaks_rules_is_mended_in_groups():
    search = searching(uneven(3))
    start = grown(search, np.array([30, 40, 60]))
    assert math.isinf(start.price)
    assert math.isfinite(coarse.improve(search, start, moves=20_000, seed=7, heat=1.0).price)


def test_who_is_told_to_stop_makes_no_groups(monkeypatch):
    search = searching(uneven(3))
    start = grown(search, np.array([30, 40, 60]))
    monkeypatch.setattr(coarse, "coarsened", None)
    assert coarse.improve(search, start, moves=20_000, seed=7, heat=1.0, stop=np.ones(1, np.int64)) is start


def test_the_baseline_of_units_is_nothing_to_groups():
    problem = uneven(3)
    search = searching(problem)
    draft = first_draft(search, 3)
    again = searching(problem.with_(objective=Objective(baseline=plan_of(search, draft))))
    assert coarse.suits(again, Draft(draft.zone, draft.level[:1], draft.centre))
    assert len(coarse.coarsened(again, draft, np.random.default_rng(0)).middle) > 0


def test_only_large_zones_of_plain_problems_are_worth_groups():
    search = searching(uneven(1))
    few, many = np.zeros(2, dtype=np.int64), np.zeros(4, dtype=np.int64)
    zone = np.zeros(81, dtype=np.int64)
    assert coarse.suits(search, Draft(zone, few, few))
    assert not coarse.suits(search, Draft(zone, many, many))
    ids = search.problem.units.ids
    locked = searching(uneven(1, rules=[Together((ids[1], ids[2]))]))
    assert not coarse.suits(locked, Draft(zone, few, few))


def test_groups_that_weigh_more_than_a_band_is_wide_are_not_worth_making():
    frame, near, minutes = toy.squares(9)
    total, mean = frame["hours"].sum(), frame["hours"].mean()
    two, zone = np.zeros(2, dtype=np.int64), np.zeros(81, dtype=np.int64)
    for width, worth in ((4.9 * mean, False), (5.1 * mean, True)):
        level = zd.Level("1", weekly_hours=((total - width) / 2, (total + width) / 2), zones=2)
        problem = zd.Problem(
            zd.Units.from_frame(frame, hours="hours", contiguity=near),
            zd.TravelTimes.from_matrix(minutes, frame.index),
            levels=[level],
            rules=[zd.Contiguous()],
        )
        assert coarse.suits(searching(problem), Draft(zone, two, two)) == worth


def test_runs_limited_by_work_are_the_same_with_any_number_of_threads(monkeypatch):
    called, improve = [], coarse.improve
    monkeypatch.setattr(coarse, "improve", lambda *a, **k: called.append(1) or improve(*a, **k))
    frame, near, minutes = toy.squares(11)
    problem = zd.Problem(
        zd.Units.from_frame(frame, hours="hours", contiguity=near),
        zd.TravelTimes.from_matrix(minutes, frame.index),
        levels=[zd.Level("1", weekly_hours=(100, 400), zones=(2, 4))],
        rules=[zd.Contiguous()],
    )
    first, again = (zd.solve(problem, work=2, threads=threads, seed=4) for threads in (1, 2))
    assert called
    assert (first.zone == again.zone).all()
    assert (first.centres == again.centres).all()
