"""Matrices of other engines: their marks for no route are out of reach, counted and reported; zeros are real."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import zonedesign as zd
from zonedesign.errors import DataError
from zonedesign.traveltimes import TravelTimes

if TYPE_CHECKING:
    from pathlib import Path

INF = math.inf


def long(*rows: tuple[Any, Any, Any], names: tuple[str, str, str] = ("origin", "destination", "minutes")):
    return pd.DataFrame(rows, columns=list(names))


# Matrices.


def test_osrm_writes_seconds_and_null_where_there_is_no_route():
    times = TravelTimes.from_matrix(
        [[0, 90.5, None], [60, 0, 30], [None, 3600, 0]], list("abc"), seconds=True
    )
    assert times.to_array().tolist() == [[0, 90.5 / 60, INF], [1, 0, 0.5], [INF, 60, 0]]
    assert times.provenance["out_of_reach"] == {"null": 2}


def test_r5py_writes_nan_and_networkx_inf():
    times = TravelTimes.from_matrix(np.array([[0, np.nan], [np.inf, 0]]), [1, 2])
    assert times.to_array().tolist() == [[0, INF], [INF, 0]]
    assert times.provenance["out_of_reach"] == {"NaN": 1, "inf": 1}


@pytest.mark.parametrize(
    ("marker", "kind"),
    [
        (4294967.295, "4294967.295"),
        (float(np.float32(4294967.295)), "4294967.295"),
        (4294967295, "4294967295"),
        (float(np.float32(4294967295)), "4294967295"),
        (2147483647, "2147483647"),
        (float(np.float32(2147483647)), "2147483647"),
    ],
)
@pytest.mark.parametrize("seconds", [False, True])
def test_the_marker_of_an_engine_is_out_of_reach_and_said_aloud(marker, kind, seconds, caplog):
    with caplog.at_level(logging.WARNING):
        times = TravelTimes.from_matrix([[0, marker], [3, 0]], ["a", "b"], seconds=seconds)
    assert times.between("a", "b") == INF
    assert times.between("b", "a") == (0.05 if seconds else 3)
    assert times.provenance["out_of_reach"] == {f"marker {kind}": 1}
    assert f"1 pair of 4 out of reach (marker {kind})" in caplog.text


@pytest.mark.parametrize("near", [4294967.2, 4294967.0, 4294968.0, 4294967294.0, 2147483646.0, 2147483649.0])
def test_a_figure_beside_a_marker_is_none_but_a_month_on_the_road_is_doubted_aloud(near, caplog):
    times = TravelTimes.from_matrix([[0, near], [3, 0]], ["a", "b"])
    assert times.between("a", "b") == near
    assert times.provenance["out_of_reach"] == {}
    assert "1 pair of more than a month" in caplog.text


@pytest.mark.parametrize("kind", [np.float32, np.int64, np.uint32])
def test_markers_are_seen_in_any_type_of_number(kind):
    table = np.array([[0, 4294967295], [2, 0]]).astype(kind)
    assert TravelTimes.from_matrix(table, ["a", "b"]).to_array().tolist() == [[0, INF], [2, 0]]


def test_nan_and_inf_are_reported_quietly(caplog):
    with caplog.at_level(logging.INFO):
        TravelTimes.from_matrix([[0, np.nan], [INF, 0]], ["a", "b"])
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO"]


def test_zeros_are_travel_times_unless_they_are_said_to_be_no_route():
    table = np.array([[0.0, 0.0], [5.0, 0.0]])
    assert TravelTimes.from_matrix(table, ["a", "b"]).between("a", "b") == 0
    times = TravelTimes.from_matrix(table, ["a", "b"], zero_is_unreachable=True)
    assert times.to_array().tolist() == [[0, INF], [5, 0]]
    assert times.provenance["out_of_reach"] == {"zero": 1}
    assert table.tolist() == [[0, 0], [5, 0]]


def test_zero_from_a_place_to_itself_stays_where_destinations_are_other_places_too():
    times = TravelTimes.from_matrix([[0, 0, 1]], ["a"], ["x", "a", "y"], zero_is_unreachable=True)
    assert times.to_array().tolist() == [[INF, 0, 1]]


def test_a_sparse_matrix_counts_what_it_does_not_store():
    table = sparse.coo_array(([7.0, np.nan], ([0, 1], [1, 2])), shape=(3, 3))
    times = TravelTimes.from_matrix(table, list("abc"))
    assert times.to_array().tolist() == [[0, 7, INF], [INF, 0, INF], [INF, INF, 0]]
    assert times.provenance["out_of_reach"] == {"NaN": 1, "not stored": 4}


def test_what_is_masked_is_out_of_reach():
    table = np.ma.masked_equal([[0, 9], [2, 0]], 9)
    assert TravelTimes.from_matrix(table, ["a", "b"]).to_array().tolist() == [[0, INF], [2, 0]]


def test_a_frame_labelled_in_another_order_is_refused_rather_than_shuffled():
    frame = pd.DataFrame([[0, 1], [2, 0]], index=["a", "b"], columns=["a", "b"])
    assert TravelTimes.from_matrix(frame, ["a", "b"]).between("a", "b") == 1
    assert TravelTimes.from_matrix(frame, ["x", "y"]).between("x", "y") == 1
    with pytest.raises(
        DataError, match="rows of the matrix of minutes are the ids in another order; give matr"
    ):
        TravelTimes.from_matrix(frame, ["b", "a"])


@pytest.mark.parametrize(
    ("matrix", "says"),
    [
        ([[0, "far"], [1, 0]], "does not hold numbers only"),
        ([[0, 1], [1]], "rows of different lengths"),
        ([[0, 1]], r"is \(1, 2\); 2 x 2 ids need \(2, 2\)"),
        ([[0, -1], [1, 0]], "1 travel times are negative, first a to b: -1.0"),
    ],
)
def test_what_is_no_matrix_of_minutes_is_refused(matrix, says):
    with pytest.raises(DataError, match=says):
        TravelTimes.from_matrix(matrix, ["a", "b"])


def test_what_else_is_known_of_a_matrix_is_kept():
    assert TravelTimes.from_matrix([[0]], ["a"], source="OSRM", year=2026).provenance == {
        "source": "OSRM", "out_of_reach": {}, "year": 2026,
    }  # fmt: skip


# Long tables.


@pytest.mark.parametrize(
    "names",
    [
        ("origin", "destination", "minutes"),
        ("from", "to", "minutes"),
        ("from_id", "to_id", "travel_time"),
        ("Origin", "Destination", "Minutes"),
        ("source", "destination", "weight"),
    ],
)
def test_the_columns_of_a_long_table_are_found_by_name(names):
    times = TravelTimes.from_frame(long(("a", "b", 3.0), ("b", "a", 4.0), names=names))
    assert times.to_array().tolist() == [[0, 3], [4, 0]]


def test_columns_with_other_names_are_said():
    frame = long(("a", "b", 120), ("b", "a", None), names=("von", "nach", "sek"))
    with pytest.raises(
        DataError, match="no column of the origin: it has von, nach, sek; say origin='column'"
    ):
        TravelTimes.from_frame(frame)
    times = TravelTimes.from_frame(frame, origin="von", destination="nach", minutes="sek", seconds=True)
    assert times.to_array().tolist() == [[0, 2], [INF, 0]]
    with pytest.raises(DataError, match="has no column 'sec'; did you mean 'sek'"):
        TravelTimes.from_frame(frame, origin="von", destination="nach", minutes="sec")


def test_durations_are_not_taken_for_minutes():
    frame = long(("a", "b", 120), names=("from", "to", "duration"))
    with pytest.raises(
        DataError, match="has 'duration'; if these are seconds say seconds=True, else minutes="
    ):
        TravelTimes.from_frame(frame)
    assert TravelTimes.from_frame(frame, ids=["a", "b"], seconds=True).between("a", "b") == 2


def test_two_columns_that_may_be_the_minutes_are_asked_about():
    frame = long(("a", "b", 1)).rename(columns={"minutes": "weight"}).assign(travel_time=2)
    with pytest.raises(DataError, match="has weight, travel_time, each of which may be the minutes"):
        TravelTimes.from_frame(frame)
    assert TravelTimes.from_frame(frame, minutes="travel_time").between("a", "b") == 2


def test_the_names_of_our_own_tables_come_before_those_of_others():
    frame = long(("a", "b", 1)).assign(source="OSRM", travel_time=2, weight=3, to="c")
    assert TravelTimes.from_frame(frame, ids=["a", "b"]).to_array().tolist() == [[0, 1], [INF, 0]]


def test_with_ids_a_table_is_square_on_them_and_absent_pairs_are_out_of_reach():
    times = TravelTimes.from_frame(long(("b", "a", 4)), ids=pd.Index(["a", "b", "c"], name="unit"))
    assert times.to_array().tolist() == [[0, INF, INF], [4, 0, INF], [INF, INF, 0]]
    assert times.origins.name == "unit"
    assert times.provenance == {"source": "table", "out_of_reach": {"no row": 5}}


def test_rows_of_other_ids_are_named():
    with pytest.raises(DataError, match="2 rows of 1 origin not among the ids: q; leave them out, or give"):
        TravelTimes.from_frame(long(("a", "b", 4), ("q", "a", 1), ("q", "b", 1)), ids=["a", "b"])


def test_origins_and_destinations_that_differ_stay_two_sets():
    times = TravelTimes.from_frame(long(("a", "x", 4), ("b", "x", 5), ("a", "y", 0)))
    assert times.origins.tolist() == ["a", "b"]
    assert times.destinations.tolist() == ["x", "y"]
    assert times.to_array().tolist() == [[4, 0], [5, INF]]


def test_where_an_engine_left_rows_out_the_ids_are_one_set_all_the_same():
    times = TravelTimes.from_frame(long(("a", "b", 1), ("b", "a", 2), ("d", "a", 3)))
    assert times.origins.tolist() == times.destinations.tolist() == ["a", "b", "d"]
    assert times.on(pd.Index(["d", "a"])).to_array().tolist() == [[0, 3], [INF, 0]]


def test_the_square_part_of_a_table_of_two_sets_has_zeros_from_each_point_to_itself():
    times = TravelTimes.from_matrix(np.array([[7.0, INF, 1.0], [2.0, INF, INF]]), ["a", "b"], ["c", "b", "a"])
    assert times.on(pd.Index(["a", "b"])).to_array().tolist() == [[1, INF], [INF, 0]]


def test_a_marker_divided_by_sixty_is_a_marker():
    times = TravelTimes.from_matrix(np.array([[0.0, 2147483647 / 60], [4294967.295 / 60, 0.0]]), ["a", "b"])
    assert times.to_array().tolist() == [[0, INF], [INF, 0]]


def test_lengths_of_time_are_refused_with_the_way_to_minutes():
    frame = long(("a", "b", 1)).assign(minutes=pd.to_timedelta([1], unit="min"))
    with pytest.raises(DataError, match=r"timedelta.*total_seconds\(\) / 60"):
        TravelTimes.from_frame(frame)


def test_a_pair_that_stands_twice_is_refused_unless_it_says_the_same():
    rows = [("a", "b", 4.0), ("b", "a", 4.0), ("a", "b", 4.0)]
    assert TravelTimes.from_frame(long(*rows)).between("a", "b") == 4
    with pytest.raises(DataError, match="1 pair twice, with different minutes: a to b; keep one row of each"):
        TravelTimes.from_frame(long(*rows, ("a", "b", 5.0)))
    assert TravelTimes.from_frame(long(*rows, ("b", "b", np.nan), ("b", "b", np.nan))).between("b", "b") == 0


def test_rows_without_an_id_are_counted():
    with pytest.raises(DataError, match="1 row without 'destination'; every row needs one"):
        TravelTimes.from_frame(long(("a", None, 4), ("a", "a", 4)))


def test_markers_and_zeros_in_a_long_table_are_as_in_a_matrix():
    frame = long(("a", "b", 4294967.295), ("b", "a", 0), ("a", "a", 0), ("b", "b", 0))
    times = TravelTimes.from_frame(frame, zero_is_unreachable=True)
    assert times.to_array().tolist() == [[0, INF], [INF, 0]]
    assert times.provenance["out_of_reach"] == {"marker 4294967.295": 1, "zero": 1}


# Round trips.

MINUTES = st.one_of(st.just(INF), st.just(0.0), st.floats(0, 1000))


@st.composite
def tables(draw: st.DrawFn) -> TravelTimes:
    ids = draw(
        st.one_of(
            st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=6, unique=True),
            st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=6, unique=True),
        )
    )
    n = len(ids)
    table = np.array(draw(st.lists(st.lists(MINUTES, min_size=n, max_size=n), min_size=n, max_size=n)))
    np.fill_diagonal(table, 0.0)
    return TravelTimes.from_matrix(table, pd.Index(ids, name="unit"), note="é", limits=[1, None])


@settings(max_examples=60, deadline=None)
@given(times=tables())
def test_a_long_table_gives_back_the_times_that_it_came_from(times):
    back = TravelTimes.from_frame(times.to_frame(), ids=times.origins)
    assert back.to_array().tobytes() == times.to_array().tobytes()
    assert back.origins.equals(times.origins)
    alone = TravelTimes.from_frame(times.to_frame())
    assert alone.to_array().tobytes() == times.to_array().tobytes()


@settings(max_examples=40, deadline=None)
@given(times=tables())
def test_a_sparse_matrix_gives_back_the_times_that_it_came_from(times):
    n = len(times.origins)
    table = sparse.csr_array((times.minutes, times.indices, times.indptr), shape=(n, n))
    back = TravelTimes.from_matrix(table, times.origins)
    assert back.to_array().tobytes() == times.to_array().tobytes()


@settings(max_examples=40, deadline=None)
@given(times=tables())
def test_a_parquet_file_gives_back_the_times_with_ids_cutoff_and_provenance(times, tmp_path_factory):
    path = times.to_parquet(tmp_path_factory.mktemp("times") / "t.parquet")
    back = TravelTimes.from_parquet(path)
    assert back.to_array().tobytes() == times.to_array().tobytes()
    pd.testing.assert_index_equal(back.origins, times.origins)
    assert back.max_minutes == times.max_minutes
    assert dict(back.provenance) == dict(times.provenance)


# Files.


def test_a_parquet_file_is_a_table_that_anything_reads(tmp_path: Path):
    times = TravelTimes.from_matrix([[0, 2.5], [INF, 0]], ["a", "b"])
    path = times.to_parquet(tmp_path / "t.parquet")
    frame = pd.read_parquet(path)
    assert frame.astype({"origin": object, "destination": object}).to_numpy().tolist() == [
        ["a", "a", 0], ["a", "b", 2.5], ["b", "b", 0],
    ]  # fmt: skip
    assert [each.name for each in tmp_path.iterdir()] == ["t.parquet"]


def test_destinations_that_are_other_places_survive_a_file_also_where_none_is_in_reach(tmp_path: Path):
    times = TravelTimes.from_matrix([[INF, 2], [INF, 3]], [1, 2], ["x", "y"])
    back = TravelTimes.from_parquet(times.to_parquet(tmp_path / "t.parquet"))
    assert back.to_array().tolist() == [[INF, 2], [INF, 3]]
    assert back.destinations.tolist() == ["x", "y"]
    empty = TravelTimes.from_matrix([[INF]], [1], [2])
    assert TravelTimes.from_parquet(empty.to_parquet(tmp_path / "e.parquet")).to_array().tolist() == [[INF]]


def test_a_file_of_another_kind_is_refused_with_the_way_out(tmp_path: Path):
    with pytest.raises(DataError, match="there is no file"):
        TravelTimes.from_parquet(tmp_path / "none.parquet")
    long(("a", "b", 1)).to_parquet(tmp_path / "theirs.parquet")
    with pytest.raises(DataError, match=r"theirs\.parquet was not written by TravelTimes\.to_parquet"):
        TravelTimes.from_parquet(tmp_path / "theirs.parquet")
    path = TravelTimes.from_matrix([[0]], ["a"]).to_parquet(tmp_path / "t.parquet")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"t.parquet cannot be read: .*; write it again"):
        TravelTimes.from_parquet(path)


def test_ids_that_a_file_cannot_give_back_are_refused(tmp_path: Path):
    dates = TravelTimes.from_matrix([[0]], pd.Index([pd.Timestamp("2026-01-01")]))
    with pytest.raises(DataError, match="cannot be kept in a file; use text or numbers"):
        dates.to_parquet(tmp_path / "t.parquet")
    mixed = TravelTimes.from_matrix([[0, 1], [1, 0]], pd.Index(["a", 1], dtype=object))
    with pytest.raises(DataError, match="ids of several types"):
        mixed.to_parquet(tmp_path / "t.parquet")
    assert list(tmp_path.iterdir()) == []


# Out of reach.


def test_points_that_reach_nothing_or_that_nothing_reaches_are_listed_with_the_reason():
    table = [[0, 1, 9, INF], [INF, 0, 2, INF], [INF, INF, 0, INF], [INF, INF, INF, 0]]
    found = TravelTimes.from_matrix(table, list("abcd")).out_of_reach()
    assert found.index.tolist() == ["a", "c", "d"]
    assert found.to_numpy().tolist() == [[2, 0, "no way in"], [0, 2, "no way out"], [0, 0, "cut off"]]
    assert found.columns.tolist() == ["reaches", "reached_by", "reason"]


def test_nothing_is_out_of_reach_where_all_is_in_it():
    assert TravelTimes.from_matrix([[0, 1], [1, 0]], ["a", "b"]).out_of_reach().empty
    assert TravelTimes.from_matrix([[0]], ["a"]).out_of_reach().empty


def test_the_repr_says_what_share_of_pairs_is_in_reach():
    times = zd.TravelTimes.from_matrix([[0, 1], [INF, 0]], ["a", "b"], source="OSRM")
    assert repr(times) == "<TravelTimes: 2 x 2, 3 pairs in reach (75.0%), no cutoff, OSRM>"
