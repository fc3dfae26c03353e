"""Demand: hours and customers of every unit, from customers, columns or totals; nothing left out in silence."""

from __future__ import annotations

import logging
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from zonedesign import demand
from zonedesign._customers import read_customers
from zonedesign.errors import DataError, ScenarioError
from zonedesign.units import NO_HOURS, Units, points_of

EAST, NORTH = 450_000.0, 100_000.0


def row_of_units(count: int = 4, excluded: tuple[str, ...] = ()) -> Units:
    """Squares of 1 km in a row, A, B, C, ...: `old` people, `town` and a column of hours."""
    frame = gpd.GeoDataFrame(
        {
            "old": [10.0, 20.0, 30.0, 40.0][:count],
            "hours": [1.5, 2.5, 0.0, 4.0][:count],
            "people": [1, 2, 0, 4][:count],
            "town": ["Adur", "Adur", "Arun", "Arun"][:count],
        },
        index=pd.Index(list("ABCD")[:count], name="code"),
        geometry=[box(EAST + k * 1000, NORTH, EAST + (k + 1) * 1000, NORTH + 1000) for k in range(count)],
        crs=27700,
    )
    out = frame.index.isin(excluded)
    return Units(
        frame=frame[~out],
        hours=pd.Series(0.0, index=frame.index[~out]),
        points=points_of(frame[~out]),
        excluded=frame[out] if out.any() else None,
        notes=(NO_HOURS,),
    )


def customers(count: int = 8, **columns: object) -> pd.DataFrame:
    """Customers of 10 h in the middle of A, B, C, D, A, ...; ids with leading zeros."""
    table = pd.DataFrame(
        {
            "id": [f"{k:04d}" for k in range(count)],
            "weekly_hours": 10.0,
            "easting": [EAST + 500 + 1000 * (k % 4) for k in range(count)],
            "northing": NORTH + 500,
        }
    )
    return table.assign(**columns)


# Columns.


def test_columns_are_taken_as_they_are():
    units = demand.from_columns(row_of_units(), hours="hours", customers="people")
    assert units.hours.to_dict() == {"A": 1.5, "B": 2.5, "C": 0.0, "D": 4.0}
    assert units.customers.to_dict() == {"A": 1, "B": 2, "C": 0, "D": 4}
    assert units.notes == ()


def test_without_a_column_of_customers_none_are_known():
    assert demand.from_columns(row_of_units(), hours="hours").customers is None


@pytest.mark.parametrize(
    ("value", "fault"),
    [(-1.0, "negative"), (None, "missing"), (np.inf, "infinite"), ("many", "not a number")],
)
def test_hours_that_are_no_hours_are_refused_naming_the_unit(value, fault):
    units = row_of_units()
    frame = units.frame.assign(hours=pd.Series([1.0, value, 1.0, 1.0], index=units.ids, dtype=object))
    with pytest.raises(DataError, match=f"hours is {fault} in 1 unit: B"):
        demand.from_columns(replace(units, frame=frame), hours="hours")


def test_a_column_that_is_not_there_is_refused_with_the_nearest():
    with pytest.raises(DataError, match="no column 'hour'; did you mean 'hours'"):
        demand.from_columns(row_of_units(), hours="hour")


# Totals.


def test_totals_are_spread_unrounded_and_customers_whole():
    units = demand.from_totals(row_of_units(), total_hours=1000, spread_by="old", total_customers=7)
    assert units.hours.to_dict() == {"A": 100.0, "B": 200.0, "C": 300.0, "D": 400.0}
    # quotas 0.7, 1.4, 2.1, 2.8: floors 0, 1, 2, 2 and the two largest remainders, of D and A, get one more
    assert units.customers.to_dict() == {"A": 1, "B": 1, "C": 2, "D": 3}


def test_units_left_out_take_their_part_of_the_totals_with_them():
    units = demand.from_totals(
        row_of_units(excluded=("D",)), total_hours=1000, spread_by="old", total_customers=10
    )
    assert units.hours.to_dict() == {"A": 100.0, "B": 200.0, "C": 300.0}
    assert "the 1 unit left out on purpose take 400.0 hours a week and 4 customers with them" in units.notes


def test_nothing_can_be_spread_by_a_column_of_zeros():
    units = row_of_units()
    with pytest.raises(DataError, match="'old' is 0 in every unit"):
        demand.from_totals(replace(units, frame=units.frame.assign(old=0)), total_hours=10, spread_by="old")


def test_ties_of_the_largest_remainder_go_by_unit_id():
    assert demand.largest_remainder(2, np.ones(3), np.array([2, 0, 1])).tolist() == [0, 1, 1]


@given(
    weights=st.lists(st.floats(0, 1e6), min_size=1, max_size=40).filter(lambda w: sum(w) > 1e-3),
    total=st.integers(0, 5000),
)
def test_largest_remainder_adds_up_and_stays_within_one_of_the_quota(weights, total):
    array = np.array(weights)
    whole = demand.largest_remainder(total, array, np.arange(len(array)))
    assert whole.sum() == total
    assert (np.abs(whole - total * array / array.sum()) < 1 + 1e-6).all()


# Growth.


def test_growth_scales_hours_and_keeps_customers_whole():
    units = demand.from_columns(row_of_units(), hours="hours", customers="people", growth=1.2)
    assert units.hours.sum() == pytest.approx(9.6)
    assert units.customers.sum() == 8  # 7 x 1.2 = 8.4
    assert (units.customers == units.customers.round()).all()
    assert "growth: hours a week from 8.0 to 9.6" in units.notes


def test_growth_is_by_column_or_by_border(tmp_path):
    by = {"column": "town", "by": {"Adur": 2.0, "Arun": 1.0}}
    units = demand.from_columns(row_of_units(), hours="hours", growth=by)
    assert units.hours.to_dict() == {"A": 3.0, "B": 5.0, "C": 0.0, "D": 4.0}
    (tmp_path / "g.csv").write_text("town,growth\nAdur,2\nArun,1\nHove,3\n")
    table = {"column": "town", "path": tmp_path / "g.csv"}
    assert demand.from_columns(row_of_units(), hours="hours", growth=table).hours.equals(units.hours)
    column = demand.from_columns(row_of_units(), hours="hours", growth="old")
    assert column.hours["A"] == 15.0


def test_growth_by_border_covers_every_code():
    with pytest.raises(
        DataError, match=r"growth.by has no growth for 1 code of 'town': Arun; did you mean 'Aru'"
    ):
        demand.from_columns(
            row_of_units(), hours="hours", growth={"column": "town", "by": {"Adur": 1, "Aru": 1}}
        )
    with pytest.raises(ScenarioError, match="growth is -1"):
        demand.from_columns(row_of_units(), hours="hours", growth=-1)


# Customers.


def test_customers_are_summed_in_the_unit_that_holds_them():
    units = demand.from_customers(row_of_units(), customers(9))
    assert units.hours.to_dict() == {"A": 30.0, "B": 20.0, "C": 20.0, "D": 20.0}
    assert units.customers.to_dict() == {"A": 3, "B": 2, "C": 2, "D": 2}
    assert NO_HOURS not in units.notes


def test_customers_may_come_in_degrees():
    at = gpd.GeoSeries(gpd.points_from_xy([EAST + 1500], [NORTH + 500]), crs=27700).to_crs(4326)
    table = pd.DataFrame({"id": ["1"], "weekly_hours": [3.0], "lon": at.x, "lat": at.y})
    assert demand.from_customers(row_of_units(), table).hours["B"] == 3.0


def test_no_point_of_a_customer_is_kept():
    units = demand.from_customers(row_of_units(), customers())
    assert set(units.frame.columns) == {"old", "hours", "people", "town", "geometry"}
    assert len(units.frame) == 4


def test_a_customer_just_outside_counts_in_the_nearest_unit_and_is_counted():
    units = demand.from_customers(row_of_units(), customers(4, northing=[NORTH - 99.0, *[NORTH + 500.0] * 3]))
    assert units.customers["A"] == 1
    assert any("1 customer outside every unit but within 100 m of one" in note for note in units.notes)


def test_a_customer_on_a_boundary_counts_once_in_the_first_unit():
    units = demand.from_customers(row_of_units(), customers(1, easting=EAST + 1000))
    assert units.customers.to_dict() == {"A": 1, "B": 0, "C": 0, "D": 0}


def test_up_to_one_percent_outside_is_left_out_counted_and_named_in_the_log(caplog):
    table = customers(200)
    table.loc[7, "northing"] += 50_000
    with caplog.at_level(logging.WARNING):
        units = demand.from_customers(row_of_units(), table)
    assert units.customers.sum() == 199
    assert any("1 customer outside every unit, left out" in note for note in units.notes)
    assert "0007" in caplog.text
    assert not any("0007" in note for note in units.notes)


@pytest.mark.parametrize("hours", [10.0, 500.0])
def test_more_than_one_percent_of_customers_or_of_hours_outside_is_refused(hours):
    table = customers(200)
    count = 3 if hours == 10.0 else 1
    table.loc[: count - 1, "northing"] += 50_000
    table.loc[: count - 1, "weekly_hours"] = hours
    with pytest.raises(DataError, match=rf"{count} customers? outside every unit: 0000") as caught:
        demand.from_customers(row_of_units(), table)
    assert "150500" not in str(caught.value)  # ids are named, never coordinates


def test_postcodes_are_looked_up_however_they_are_written():
    table = pd.DataFrame({"id": ["1", "2"], "weekly_hours": [1.0, 2.0], "postcode": ["bn11 1aa", "BN111AB "]})
    codes = pd.DataFrame(
        {"Postcode": ["BN11 1AA", "BN11 1AB"], "easting": [EAST + 500, EAST + 3500], "northing": NORTH + 1}
    )
    units = demand.from_customers(row_of_units(), table, postcodes=codes)
    assert units.hours.to_dict() == {"A": 1.0, "B": 0.0, "C": 0.0, "D": 2.0}


def test_a_directory_of_postcodes_may_name_the_unit():
    table = pd.DataFrame({"id": ["1"], "weekly_hours": [1.0], "postcode": ["BN11 1AA"]})
    codes = pd.DataFrame({"postcode": ["BN11 1AA"], "code": ["C"]})
    assert demand.from_customers(row_of_units(), table, postcodes=codes).hours["C"] == 1.0


def test_unknown_postcodes_are_refused_beyond_one_percent():
    table = pd.DataFrame({"id": ["1", "2"], "weekly_hours": 1.0, "postcode": ["BN11 1AA", "ZZ1 1ZZ"]})
    codes = pd.DataFrame({"postcode": ["BN11 1AA"], "code": ["C"]})
    with pytest.raises(DataError, match="1 customer with an unknown postcode: 2"):
        demand.from_customers(row_of_units(), table, postcodes=codes)


def test_customers_by_postcode_need_a_table_of_postcodes():
    table = pd.DataFrame({"id": ["1"], "weekly_hours": 1.0, "postcode": ["BN11 1AA"]})
    with pytest.raises(DataError, match=r"name one as demand.postcodes"):
        demand.from_customers(row_of_units(), table)


def test_customers_in_units_left_out_are_counted_and_no_reason_to_refuse():
    units = demand.from_customers(row_of_units(excluded=("D",)), customers(8))
    assert units.customers.sum() == 6
    assert "the 1 unit left out on purpose take 20.0 hours a week and 2 customers with them" in units.notes


def test_customers_without_a_place_or_with_impossible_coordinates_are_counted_not_lost():
    table = pd.DataFrame(
        {"id": ["1", "2", "3"], "weekly_hours": 1.0, "lon": [450_000.0, np.nan, -1.2], "lat": 50.8}
    )
    with pytest.raises(DataError, match=r"outside every unit: 1.* customer without a place: 2"):
        demand.from_customers(row_of_units(), table)


def test_a_table_of_customers_may_name_the_unit():
    table = pd.DataFrame({"id": ["1"], "weekly_hours": [2.0], "code": ["B"]})
    assert demand.from_customers(row_of_units(), table).hours["B"] == 2.0


def test_a_table_that_does_not_say_where_people_live_is_refused():
    with pytest.raises(DataError, match="does not say where customers live"):
        demand.from_customers(row_of_units(), pd.DataFrame({"id": ["1"], "weekly_hours": [1.0]}))


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("weekly_hours", -1, "weekly_hours is negative or infinite in 1 row: 0002"),
        ("weekly_hours", None, "weekly_hours is missing in 1 row: 0002"),
        ("weekly_hours", "ten", "weekly_hours is not a number in 1 row: 0002"),
        ("visits_per_week", -3, "visits_per_week is below 0 or infinite in 1 row: 0002"),
        ("carers_per_visit", 0, "carers_per_visit is below 1 or infinite in 1 row: 0002"),
        ("time_critical", "perhaps", "time_critical is neither yes nor no in 1 row: 0002"),
        ("funding", "charity", "funding is none of council, nhs, self in 1 row: 0002"),
        ("id", "0001", "1 duplicate customer id: 0001"),
        ("id", None, "1 row without customer id"),
        ("easting", "here", "easting is not a number in 1 row: 0002"),
    ],
)
def test_a_row_that_cannot_be_is_named_by_its_id(column, value, says):
    table = customers(4, visits_per_week=7, carers_per_visit=1, time_critical="no", funding="council").astype(
        object
    )
    table.loc[2, column] = value
    with pytest.raises(DataError, match=says):
        demand.from_customers(row_of_units(), table)


def test_hours_follow_from_visits_where_they_are_not_stated():
    table = customers(
        4, visits_per_week=[14, 7, 7, 7], minutes_per_visit=30, carers_per_visit=[2, 1, 1, None]
    )
    table["weekly_hours"] = [np.nan, 3.5, 3.5, 3.5]
    units = demand.from_customers(row_of_units(), table)
    assert units.hours["A"] == 14.0  # 14 visits x 30 minutes x 2 carers
    assert units.frame["visits_per_week"].to_dict() == {"A": 14, "B": 7, "C": 7, "D": 7}
    assert any("hours of 1 customer worked out from visits" in note for note in units.notes)


def test_visits_grow_with_the_hours_and_missing_ones_are_counted():
    table = customers(4, visits_per_week=[10, None, 5, 5])
    units = demand.from_customers(row_of_units(), table, growth=2)
    assert units.frame["visits_per_week"].to_dict() == {"A": 20, "B": 0, "C": 10, "D": 10}
    assert any("1 customer without visits_per_week" in note for note in units.notes)


def test_hours_and_visits_that_differ_are_counted():
    table = customers(4, visits_per_week=7, minutes_per_visit=30)
    assert any("differ by more than 5% for 4 customers" in note for note in read_customers(table).notes)


def test_the_customers_table_is_not_changed():
    table = customers()
    before = table.copy()
    demand.from_customers(row_of_units(), table)
    pd.testing.assert_frame_equal(table, before)


def test_a_file_of_customers_keeps_ids_as_text(tmp_path):
    customers(4).to_csv(tmp_path / "clients.csv", index=False)
    people = read_customers(tmp_path / "clients.csv")
    assert list(people.frame.index) == ["0000", "0001", "0002", "0003"]
    assert repr(people) == "<Customers: 4 of clients.csv, 40.0 hours/week>"


def test_real_postcodes_fall_in_the_units_that_their_directory_says(geodata):
    from zonedesign.units import read_units

    folder = geodata / "se-hampshire"
    units = read_units(folder / "lsoa.gpkg", id="lsoa11cd", contiguity=None)
    codes = pd.read_csv(folder / "postcodes.csv").sample(3000, random_state=7)
    table = pd.DataFrame({"id": codes["postcode"], "weekly_hours": 1.0, "postcode": codes["postcode"]})
    stated = demand.from_customers(units, table, postcodes=folder / "postcodes.csv")
    by_point = demand.from_customers(units, table, postcodes=codes.drop(columns="lsoa11cd"))
    assert stated.customers.sum() == 3000
    assert by_point.customers.sum() >= 2970
    assert (
        stated.customers - by_point.customers
    ).abs().sum() <= 0.02 * 3000  # outlines of LSOAs and OAs differ
