"""Tiles: whatever the order and the reach, they hold what a table of all pairs would."""

from __future__ import annotations

import itertools
from dataclasses import replace

import brute
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zonedesign as zd
from zonedesign.solve._tiles import SIDE, by_place, pairs_of, scaled, spans, tiled
from zonedesign.solve.fixing import has_demand, possible_arcs
from zonedesign.solve.improve import Search


def scattered(n: int, *, reach: float, seed: int, between: float | None = None) -> zd.Problem:
    """Units strewn over a square, minutes one way a little longer than the other, a path from one to the next."""
    dice = np.random.default_rng(seed)
    x, y = dice.uniform(0, 10_000, (2, n))
    minutes = np.hypot(x[:, None] - x, y[:, None] - y) / 500 * dice.uniform(1, 1.2, (n, n))
    np.fill_diagonal(minutes, 0.0)
    minutes[minutes > reach] = np.inf
    ids = pd.Index([f"U{k:04d}" for k in range(n)])
    frame = gpd.GeoDataFrame(
        {"hours": dice.integers(0, 3, n) * 5.0}, geometry=gpd.points_from_xy(x, y), index=ids, crs=27700
    )
    units = zd.Units.from_frame(frame, hours="hours", contiguity=list(itertools.pairwise(ids)))
    times = zd.TravelTimes.from_matrix(minutes, ids=ids)
    levels = [zd.Level("1", max_minutes=reach / 2), zd.Level("2", max_minutes_between=between)]
    return zd.Problem(units, times, levels=levels, rules=[zd.Contiguous()])


def search_of(problem: zd.Problem) -> Search:
    return Search.of(problem, possible_arcs(problem))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 300), reach=st.floats(0.5, 20), tight=st.booleans())
def test_every_pair_reads_as_in_a_table_of_all(seed, n, reach, tight):
    problem = scattered(n, reach=reach, seed=seed, between=reach / 3 if tight else None)
    possible, arcs = possible_arcs(problem), problem.arcs
    search = Search.of(problem, possible)
    centre = np.repeat(np.arange(n), np.diff(arcs.indptr))
    minutes = np.full((n, n), 1.5 * arcs.minutes.max() + 1e-6, dtype=np.float32)
    minutes[arcs.units, centre] = arcs.minutes
    allowed = np.zeros((n, n, 2), dtype=bool)
    allowed[arcs.units, centre] = possible
    table = problem.travel.to_array()
    demand = has_demand(problem)
    forbidden = (np.maximum(table, table.T) > reach / 3 + 1e-6) & demand & demand[:, None] & tight
    every = pairs_of(search.case, search.rank[:, None], search.rank)
    assert (every["minutes"] == minutes).all()
    assert (((every["bits"][..., None] >> np.arange(2)) & 1 > 0) == allowed).all()
    clash, units = search.case.levels["clash"][1], search.case.units["demand"][search.rank] > 0
    told = ((every["bits"] >> clash) & 1 > 0) & units & units[:, None] & (clash > 0)
    apart = ~np.eye(n, dtype=bool)
    assert (told == forbidden)[apart].all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_every_problem_reads_as_in_a_table_of_all(seed):
    problem = brute.tiny(seed)
    search, arcs, n = search_of(problem), problem.arcs, len(problem.units)
    centre = np.repeat(np.arange(n), np.diff(arcs.indptr))
    minutes = np.full((n, n), 1.5 * arcs.minutes.max(initial=0.0) + 1e-6, dtype=np.float32)
    minutes[arcs.units, centre] = arcs.minutes
    assert (pairs_of(search.case, search.rank[:, None], search.rank)["minutes"] == minutes).all()
    assert (search.minutes(arcs.units, centre) == arcs.minutes.astype(np.float32)).all()


def test_tiles_that_nothing_reaches_are_not_kept():
    search = search_of(scattered(2_000, reach=1.0, seed=1))
    assert len(search.case.table) < 0.25 * 2_000**2


def test_units_near_each_other_have_numbers_near_each_other():
    problem = scattered(2_000, reach=1.0, seed=2)
    order = by_place(problem)
    assert sorted(order.tolist()) == list(range(2_000))
    x, y = problem.units.points.x.to_numpy()[order], problem.units.points.y.to_numpy()[order]
    step = np.hypot(np.diff(x), np.diff(y))
    assert np.median(step) < 300  # 10 km across; units in any order are some 5 km apart


def test_units_without_points_are_ordered_by_their_graph():
    ids = pd.Index([f"U{k:03d}" for k in range(100)])
    path = np.random.default_rng(3).permutation(100)
    units = zd.Units.from_frame(
        pd.DataFrame({"hours": 1.0}, index=ids),
        hours="hours",
        contiguity=list(itertools.pairwise(ids[path])),
    )
    times = zd.TravelTimes.from_matrix(np.ones((100, 100)), ids=ids)
    problem = zd.Problem(units, times, levels=[zd.Level("1", zones=2)], rules=[zd.Contiguous()])
    assert by_place(problem).tolist() in (path.tolist(), path[::-1].tolist())


def test_one_unit_has_one_tile_beside_that_of_pairs_out_of_reach():
    tile, size = tiled(1, iter([(np.array([0]), np.array([0]))]))
    assert tile.tolist() == [[SIDE * SIDE]]
    assert size == 2 * SIDE * SIDE


@pytest.mark.parametrize("rows", [[], [0, 0, 0], [3_000_000, 3_000_000, 3_000_000, 0, 9_000_000]])
def test_pieces_of_a_table_cover_every_row_once(rows):
    indptr = np.concatenate([[0], np.cumsum(rows)]).astype(np.int64)
    pieces = list(spans(indptr))
    assert [first for first, *_ in pieces] == [0, *(last for _, last, *_ in pieces)][: len(pieces)]
    assert sum(end - begin for *_, begin, end in pieces) == indptr[-1]
    assert not pieces or pieces[-1][1] == len(rows)


def test_scaled_minutes_are_true_ones_times_their_centres_factor():
    search = search_of(scattered(150, reach=8.0, seed=4))
    factors, every = np.linspace(0.5, 2.0, 150), np.arange(150)
    away = replace(search, case=scaled(search.case, factors[search.order].astype(np.float32)))
    arcs = search.problem.arcs
    centre = np.repeat(every, np.diff(arcs.indptr))
    expected = search.minutes(arcs.units, centre) * factors[centre]
    assert away.minutes(arcs.units, centre) == pytest.approx(expected, rel=1e-6)
    assert (away.case.units["longest"] >= search.case.units["longest"]).all()
