"""One linear program, asked again and again, gives what a fresh one gives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog

from zonedesign.errors import SolverError
from zonedesign.model.linear import Linear


def test_one_goal_after_another_has_the_ends_of_a_program_of_its_own() -> None:
    dice = np.random.default_rng(0)
    rows = (dice.random((6, 12)) < 0.4).astype(float)
    inside = dice.integers(0, 9, 12).astype(float)
    high, most = rows @ inside, np.full(12, 20.0)
    program = Linear(sparse.csr_array(rows), high - 3, high, most)
    for goal in dice.normal(size=(8, 12)):
        value, point, _ = program.furthest(goal)
        fresh = linprog(
            -goal, A_ub=np.vstack([rows, -rows]), b_ub=np.concatenate([high, 3 - high]), bounds=[(0, 20)] * 12
        )
        assert value == pytest.approx(-fresh.fun)
        assert (rows @ point <= high + 1e-6).all()


def test_pulls_are_what_a_row_s_end_is_worth() -> None:
    program = Linear(sparse.csr_array([[1.0, 1.0]]), np.array([4.0]), np.array([4.0]), np.array([9.0, 9.0]))
    value, _, pulls = program.furthest(np.array([3.0, 1.0]))
    assert (value, pulls.tolist()) == (12.0, [3.0])


def test_rows_that_contradict_one_another_are_an_error() -> None:
    program = Linear(
        sparse.csr_array([[1.0], [1.0]]), np.array([1.0, 3.0]), np.array([1.0, 3.0]), np.ones(1) * 9
    )
    with pytest.raises(SolverError, match="without an answer"):
        program.furthest(np.ones(1))
