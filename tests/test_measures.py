"""Measures of a plan, against values worked out by hand and against plain loops."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from zonedesign import measures

HOURS = np.array([10.0, 20.0, 30.0, 40.0])


def test_mean_minutes_is_weighted_by_hours():
    assert measures.mean_minutes(HOURS, np.array([1.0, 2.0, 3.0, 4.0])) == 3.0


def test_units_without_hours_do_not_weigh_even_out_of_reach():
    assert measures.mean_minutes(np.array([0.0, 2.0]), np.array([np.inf, 5.0])) == 5.0
    assert measures.mean_minutes(np.zeros(2), np.array([1.0, 5.0])) == 0.0


def test_moved_is_the_share_outside_the_best_matching():
    before = np.array([0, 0, 1, 1])
    assert measures.moved_share(HOURS, np.array([0, 0, 1, 1]), before) == 0.0
    assert measures.moved_share(HOURS, np.array([1, 1, 0, 0]), before) == 0.0
    assert measures.moved_share(HOURS, np.array([0, 1, 1, 1]), before) == 0.2
    assert measures.moved_share(HOURS, np.array([0, 1, 2, 2]), before) == pytest.approx(0.1)


@settings(deadline=None)
@given(st.permutations(range(5)), st.lists(st.integers(0, 4), min_size=12, max_size=12))
def test_new_names_for_the_same_zones_move_nothing(names, zone):
    zone = np.array(zone)
    assert measures.moved_share(np.linspace(0.1, 7, 12), np.array(names)[zone], zone) == 0.0


def test_crossing_is_the_minority_side_of_a_border():
    zone = np.array([0, 0, 1, 1])
    assert measures.crossing_share(HOURS, zone, np.array([5, 5, 6, 6])) == 0.0
    assert measures.crossing_share(HOURS, zone, np.array([0, 1, 1, 1])) == 0.1


def test_boundary_is_cut_length_over_all_length_or_counts_pairs_where_no_length_is_known():
    pairs, zone = np.array([[0, 1], [1, 2], [2, 3]]), np.array([0, 0, 1, 1])
    assert measures.boundary_share(pairs, np.array([100.0, 300.0, 200.0]), zone) == 0.5
    assert measures.boundary_share(pairs, np.zeros(3), zone) == pytest.approx(1 / 3)
    assert measures.boundary_share(pairs[:0], np.zeros(0), zone) == 0.0


def test_the_best_centre_reaches_most_then_travels_least_then_has_the_smallest_id():
    hours, rank = np.ones(3), np.array([2, 1, 0])
    line = np.abs(np.subtract.outer(np.arange(3.0), np.arange(3.0)))
    everyone = np.arange(3)
    assert measures.best_centre(everyone, hours, line, line, None, rank) == 1
    assert measures.best_centre(everyone, np.array([9.0, 1, 1]), line, line, None, rank) == 0
    assert measures.best_centre(everyone, np.array([9.0, 1, 1]), line, line, 1.0, rank) == 1
    assert measures.best_centre(everyone, np.zeros(3), line, line, None, rank) == 2


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_minutes_are_looked_up_as_a_dense_table_says(seed):
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(1, 9, 2)
    dense = np.where(rng.random((rows, columns)) < 0.5, rng.integers(0, 9, (rows, columns)), np.inf)
    at, to = np.nonzero(np.isfinite(dense))
    table = sparse.csr_array((dense[at, to] + 1, (at, to)), shape=dense.shape)
    i, j = rng.integers(-1, rows, 30), rng.integers(-1, columns, 30)
    found = measures.looked_up(
        table.indptr.astype(np.int64), table.indices.astype(np.int64), table.data - 1, i, j
    )
    expected = np.where((i < 0) | (j < 0), np.inf, dense[i, j])
    np.testing.assert_array_equal(found, expected)


def test_miles_are_straight_whatever_the_unit_of_the_crs():
    mile = gpd.GeoSeries.from_xy([400000, 400000 + 1609.344], [100000, 100000], crs=27700)
    a, b = np.array([0]), np.array([1])
    assert measures.miles_between(mile, a, b)[0] == pytest.approx(1)
    assert measures.miles_between(mile.to_crs(4326), a, b)[0] == pytest.approx(1, rel=1e-3)
    feet = gpd.GeoSeries.from_xy([0, 5280], [0, 0], crs=2272)  # US survey feet
    assert measures.miles_between(feet, a, b)[0] == pytest.approx(1, rel=1e-5)
