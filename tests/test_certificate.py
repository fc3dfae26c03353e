"""A certificate says what is proved, and no more."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zonedesign.certificate import Certificate, Status, StoppedBy, plain, relative_gap, status_of


@pytest.mark.parametrize(
    ("objective", "bound", "gap"),
    [
        (4.0, 3.0, 0.25),
        (4.0, 4.0, 0.0),
        (4.0, 4.5, 0.0),
        (0.0, 0.0, 0.0),
        (4.0, None, None),
        (None, 3.0, None),
        (4.0, -math.inf, None),
        (4.0, math.nan, None),
        (math.inf, 3.0, None),
    ],
)
def test_the_gap_is_what_the_bound_leaves_open(objective, bound, gap):
    assert relative_gap(objective, bound) == gap


@settings(deadline=None)
@given(st.floats(1e-3, 1e6), st.floats(0, 1.2))
def test_a_plan_is_optimal_just_where_its_gap_is_a_millionth_or_less(objective, share):
    bound = objective * share
    optimal = status_of(objective, bound) is Status.OPTIMAL
    assert optimal == ((objective - bound) / objective <= 1e-6)


def test_without_bound_a_plan_is_feasible_and_without_plan_nothing_is_known():
    assert status_of(4.0, None) is Status.FEASIBLE
    assert status_of(None, 3.0) is Status.UNKNOWN


def test_a_certificate_is_json_without_nan():
    made = Certificate(
        status=Status.FEASIBLE,
        objective=np.float64(4.0),
        terms={"mean_minutes": np.float64(4.0), "moved": math.nan},
        bound=3.0,
        stopped_by=StoppedBy.TIME,
        seed=np.int64(7),
        bridges=(("E1", "E2"),),
        rules=({"rule": "Reach", "limit": (None, 15), "value": math.inf, "passed": np.False_},),
    )
    read = json.loads(json.dumps(made.as_dict(), allow_nan=False))
    assert list(read)[:9] == [
        "status",
        "objective",
        "terms",
        "bound",
        "gap",
        "seconds",
        "stopped_by",
        "seed",
        "bridges",
    ]
    assert read["gap"] == 0.25
    assert read["terms"] == {"mean_minutes": 4.0, "moved": None}
    assert read["bridges"] == [["E1", "E2"]]
    assert read["rules"] == [{"rule": "Reach", "limit": [None, 15], "value": None, "passed": False}]


def test_a_bound_that_is_not_finite_is_no_bound():
    read = Certificate(status=Status.FEASIBLE, objective=4.0, bound=-math.inf).as_dict()
    assert (read["bound"], read["gap"]) == (None, None)


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda s: st.lists(s) | st.dictionaries(st.text(), s),
    )
)
def test_anything_becomes_plain_data(value):
    json.dumps(plain(value), allow_nan=False)
