"""The error tree and the sentences that errors are made of."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from zonedesign.errors import (
    DataError,
    InfeasibleError,
    NoPlanError,
    ScenarioError,
    SolverError,
    ZoneDesignError,
    counted,
    listed,
    nearest_name,
    require_columns,
    require_unique,
)


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (DataError, ValueError),
        (ScenarioError, ValueError),
        (SolverError, RuntimeError),
        (NoPlanError, Exception),
    ],
)
def test_every_error_is_ours_and_the_builtin_that_a_stranger_would_catch(error, builtin):
    assert issubclass(error, ZoneDesignError)
    assert issubclass(error, builtin)


def test_an_infeasible_problem_carries_its_causes():
    assert InfeasibleError("no plan", ["unit X is above every band"]).causes == (
        "unit X is above every band",
    )
    assert InfeasibleError("no plan").causes == ("no plan",)


def test_a_message_is_one_line_whatever_the_data_are_called():
    assert str(DataError("unit A\nB\r\nC is wrong")) == "unit A B C is wrong"


def test_a_list_in_a_message_says_how_many_more():
    assert listed([1, 2, 3]) == "1, 2, 3"
    assert listed(range(1200), 2) == "0, 1 and 1,198 more"


def test_numbers_agree_with_their_noun():
    assert [counted(n, "unit") for n in (0, 1, 1200)] == ["0 units", "1 unit", "1,200 units"]


def test_the_nearest_known_name_is_offered_and_nothing_where_none_is_near():
    assert nearest_name("max_minuts", ["max_minutes", "zones"]) == "; did you mean 'max_minutes'?"
    assert nearest_name("xyz", ["max_minutes"]) == ""


def test_a_missing_column_is_named_with_the_nearest_or_with_what_there_is():
    with pytest.raises(DataError, match=r"plan.csv has no column 'zone'; did you mean 'zones'\?"):
        require_columns(["unit", "zones"], ["unit", "zone"], "plan.csv")
    with pytest.raises(DataError, match="it has a, b"):
        require_columns(["a", "b"], ["zone"], "plan.csv")


@pytest.mark.parametrize("nothing", [None, "", float("nan"), pd.NA, pd.NaT, np.nan])
def test_a_row_without_id_is_counted(nothing):
    with pytest.raises(DataError, match="the file has 1 row without id"):
        require_unique(["a", nothing], "id", "the file")


def test_repeated_ids_are_named_once_each():
    with pytest.raises(DataError, match="2 duplicate ids: a, b; each may occur once"):
        require_unique(["a", "b", "a", "b", "a", "c"], "id", "the file")
