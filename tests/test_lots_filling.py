"""How lots fill, and what changes hands: beside exact formulas, and customers counted by hand."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import toy
from hypothesis import given, settings
from hypothesis import strategies as st
from lots_world import row

import zonedesign as zd
from zonedesign.lots import Rate, Terms
from zonedesign.lots.rampup import Lot, drawn, expected

MILE = toy.MILE


# Ramp-up.


def test_with_new_customers_only_a_lot_fills_as_the_formula_says():
    plan, problem = row([1200.0], customers=[100])
    found = zd.lots(plan, problem, Terms(turnover=0.5, growth_a_year=0.1, months=24), draws=100)
    by_month = found.rampup.set_index("month")["expected_hours"]
    # After a year demand is 110 customers and half of today's 100 packages still run elsewhere: 60 x 12 h.
    assert by_month[0] == 0
    assert by_month[12] == pytest.approx(60 * 12)
    # After two years 121 - 25 = 96.
    assert by_month[24] == pytest.approx(96 * 12)


def test_the_month_of_a_band_is_the_first_in_which_expected_hours_are_enough():
    plan, problem = row([1200.0], customers=[100])
    found = zd.lots(plan, problem, Terms(turnover=0.5, months=24), draws=400)
    reached = found.milestones.iloc[0]
    # 1,200 x (1 - 0.5 ^ (m / 12)) is 134.9 in month 2, 190.9 in month 3; and 738 in month 16, 750.5 in month 17.
    assert reached["start_month"] == 3
    assert reached["established_month"] == 17
    assert reached["start_month_low"] <= 3 <= reached["start_month_high"]
    assert reached["start_chance"] == 1.0


def test_a_band_that_is_not_reached_in_the_months_looked_at_is_not_known():
    plan, problem = row([120.0], customers=[10])
    reached = zd.lots(plan, problem, Terms(months=12), draws=100).milestones.iloc[0]
    assert np.isnan(reached["established_month"])
    assert reached["established_chance"] == 0.0


def test_with_all_packages_transferred_a_lot_begins_full_and_stays_so():
    plan, problem = row([1200.0], customers=[100])
    found = zd.lots(plan, problem, Terms(existing="transfer"), draws=400)
    hours = found.rampup["expected_hours"]
    assert hours.tolist() == pytest.approx([1200.0] * len(hours))
    assert found.milestones["established_month"].tolist() == [0.0]


@settings(max_examples=25, deadline=None)
@given(
    customers=st.integers(5, 60),
    turnover=st.sampled_from([0.0, 0.2, 0.5, 0.8]),
    growth=st.sampled_from([-0.1, 0.0, 0.15]),
    moved=st.booleans(),
)
def test_draws_agree_with_the_exact_mean(customers, turnover, growth, moved):
    terms = Terms(turnover=turnover, growth_a_year=growth, months=24)
    packages = np.array([4.0, 8.0, 24.0])
    mine = np.resize(packages, customers) if moved else np.zeros(0)
    lot = Lot("a", float(customers), packages, mine, 12.0 * customers)
    hours, people = drawn(lot, terms, 3000, np.random.default_rng(7))
    mean = expected(float(customers), float(len(mine)), terms, 24)
    error = people.std(axis=0) / np.sqrt(3000)
    assert (np.abs(people.mean(axis=0) - mean) <= 5 * error + 1e-9).all()
    if moved:
        assert hours[:, 0] == pytest.approx(np.full(3000, mine.sum()))


def test_the_same_seed_gives_the_same_draws_and_one_lot_s_do_not_depend_on_the_next():
    terms = Terms(months=12)
    one = zd.lots(*row([600.0], customers=[50]), terms, draws=200, seed=3).rampup
    two = zd.lots(*row([600.0, 90.0], customers=[50, 9]), terms, draws=200, seed=3).rampup
    pd.testing.assert_frame_equal(one, two[two["lot"] == "a"].reset_index(drop=True))
    other = zd.lots(*row([600.0], customers=[50]), terms, draws=200, seed=4).rampup
    assert not one["low_hours"].equals(other["low_hours"])


def test_the_band_holds_nine_draws_in_ten():
    plan, problem = row([600.0], customers=[50])
    last = zd.lots(plan, problem, Terms(months=12), draws=4000, seed=1).rampup.iloc[-1]
    assert last["low_hours"] < last["expected_hours"] < last["high_hours"]
    # About 25 packages of 12 h, Poisson: 25 +/- 1.645 x 5, so some 200 to 400 h.
    assert 180 <= last["low_hours"] <= 220
    assert 380 <= last["high_hours"] <= 420


# Customers, counted by lot and provider.


def people(*rows: tuple[int, float, str, str]) -> pd.DataFrame:
    """Customers as (square of the toy world, hours, provider, funding)."""
    table = pd.DataFrame(rows, columns=["square", "weekly_hours", "provider", "funding"])
    at = [toy.PLACES[square] for square in table["square"]]
    table["easting"] = [toy.X + (x + 0.5) * MILE for x, _ in at]
    table["northing"] = [toy.Y + (y + 0.5) * MILE for _, y in at]
    table["id"] = [f"C{k}" for k in range(len(table))]
    return table.drop(columns="square")


# West has squares 0, 1, 2, 6, 7, 8 and east the others; place Ashby is west, Burton east.
TODAY = people(
    (0, 10, "Ash", "council"), (1, 20, "Ash", "council"), (3, 30, "Ash", "council"),
    (2, 5, "Birch", "nhs"), (4, 15, "Birch", "council"), (5, 25, "", "self"),
)  # fmt: skip


def toy_lots(terms: Terms, **more) -> zd.Lots:
    problem = toy.problem(level={"providers": {"lead": 1}})
    return zd.lots(toy.plan(problem), problem, terms, customers=TODAY, draws=100, **more)


def test_packages_are_counted_by_lot_and_by_who_holds_them_today():
    found = toy_lots(Terms()).transition
    by = found.set_index(["lot", "provider"])
    assert by.loc[("west", "Ash"), "customers"] == 2
    assert by.loc[("west", "Ash"), "weekly_hours"] == 30
    assert by.loc[("east", "not stated"), "customers"] == 1
    assert by.loc[("west", "Ash"), "share_of_lot"] == pytest.approx(30 / 35)
    assert found["customers"].sum() == 6


def test_where_existing_customers_stay_nobody_changes_provider():
    found = toy_lots(Terms(), allocation={"west": "Cedar", "east": "Cedar"})
    assert found.transition["in_scope"].sum() == 0
    assert found.transition["change_customers"].sum() == 0
    assert any("existing packages stay where they are: 0 in scope" in line for line in found.says)


def test_where_all_transfer_those_change_whose_provider_wins_no_place_there():
    found = toy_lots(Terms(existing="transfer"), allocation={"west": "Ash", "east": "Cedar"}).transition
    change = found.set_index(["lot", "provider"])["change_customers"].to_dict()
    # The NHS's package in west and the self-funder's in east are not the council's to let.
    assert change == {
        ("west", "Ash"): 0, ("west", "Birch"): 0, ("east", "Ash"): 1, ("east", "Birch"): 1, ("east", "not stated"): 0,
    }  # fmt: skip


def test_before_the_award_customers_may_change_and_it_is_not_said_that_they_do():
    found = toy_lots(Terms(existing="transfer")).transition
    assert found["change_customers"].sum() == 0
    assert found["may_change_customers"].sum() == 4


def test_only_packages_of_those_who_do_not_join_are_in_scope_where_some_transfer():
    terms = Terms(existing="some", not_joining=("Birch", "Nobody"))
    found = toy_lots(terms, allocation={"west": "Ash", "east": "Ash"})
    assert found.transition.groupby("provider")["in_scope"].sum().to_dict() == {
        "Ash": 0,
        "Birch": 1,
        "not stated": 0,
    }
    assert "Named as not joining, and holding no package: Nobody." in found.says
    # Birch's 15 h in east are moved at once; its 5 h in west are the NHS's, and not the council's to let.
    first = found.rampup[found.rampup["month"] == 0].set_index("lot")["expected_hours"]
    assert first["east"] > 0
    assert first["west"] == 0


def test_a_package_is_let_by_who_buys_it_alone_or_jointly():
    terms = Terms(existing="transfer", rate=Rate(hourly=20.0))
    alone, jointly = toy_lots(terms), toy_lots(replace(terms, buyers=("council", "nhs")))
    assert alone.transition["in_scope"].sum() == 4
    assert jointly.transition["in_scope"].sum() == 5
    # West: 30 of 35 h are the council's; with the NHS's 5 h all are.
    assert jointly.lots.set_index("lot")["council_hours"]["west"] == pytest.approx(60)
    values = alone.lots.set_index("lot")
    assert values["council_value_a_year"]["west"] == pytest.approx(values["value_a_year"]["west"] * 30 / 35)
    assert any(
        line.startswith("Of the first year's value GBP ") and "is others' to pay" in line
        for line in alone.says
    )


def test_a_lot_fills_with_the_packages_that_the_council_buys():
    found = toy_lots(Terms(existing="transfer", turnover=0.0, months=1))
    first = found.rampup[found.rampup["month"] == 0].set_index("lot")["expected_hours"]
    assert first.to_dict() == pytest.approx(found.lots.set_index("lot")["council_hours"].to_dict())


def test_a_round_is_split_where_a_provider_s_zone_of_today_lies_in_two_lots():
    today = pd.Series(dict.fromkeys(toy.IDS, "all"))
    today["A1"] = "corner"
    problem = toy.problem(level={"providers": {"lead": 1}}, objective=zd.Objective(baseline=today))
    found = zd.lots(toy.plan(problem), problem, Terms(), customers=TODAY, draws=100)
    ash = found.transition.set_index(["lot", "provider"]).loc[("west", "Ash")]
    # Ash has A1 in zone corner, and A2 and B1 in zone all, which two lots share.
    assert ash["rounds"] == 2
    assert ash["rounds_split"] == 1


def test_the_tupe_question_gets_facts_and_no_answer():
    said = toy_lots(Terms(existing="transfer")).says[-1]
    assert "depends on facts that are not here" in said
    assert "does not answer it" in said


def test_hours_that_the_council_does_not_pay_for_are_no_council_hours():
    found = toy_lots(Terms())
    # West: 5 of 35 h are the NHS's, so 30 / 35 of the plan's 60 h; east: 45 of 70 h are the council's.
    assert found.lots.set_index("lot")["council_hours"].to_dict() == pytest.approx(
        {"east": 60 * 45 / 70, "west": 60 * 30 / 35}
    )
    assert found.lots["branch_hours"].tolist() == pytest.approx([60.0, 60.0])


def test_no_row_of_a_customer_is_kept():
    found = toy_lots(Terms())
    for name in ("lots", "providers", "seats", "transition", "rampup"):
        frame = getattr(found, name)
        assert not isinstance(frame, gpd.GeoDataFrame)
        assert not set(frame.astype(str).to_numpy().ravel()) & set(TODAY["id"])


def test_customers_who_live_nowhere_in_the_plan_are_refused():
    far = TODAY.assign(easting=0.0, northing=0.0)
    problem = toy.problem()
    with pytest.raises(zd.DataError, match="no customer lives in a unit of the plan"):
        zd.lots(toy.plan(problem), problem, customers=far, draws=100)
