"""Stress: chances beside those worked out by hand, error bars, and the same draws at any number of threads."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import toy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

import zonedesign as zd
from zonedesign.questions import Outlook, stress
from zonedesign.questions.chance import wilson
from zonedesign.questions.draws import Course, Packages, drawn
from zonedesign.questions.growth import growth_of
from zonedesign.questions.stress import BOTH, CUSTOMERS, GROWTH


def asked(outlook: Outlook | None = None, *, level: dict[str, object] | None = None, **options: object):
    problem = toy.problem(level=level)
    return stress(toy.plan(problem), problem, outlook, **options)


def doubling(**more: object) -> pd.DataFrame:
    """Growth of 100 % for the A side within ten years, none elsewhere."""
    return pd.DataFrame({"council": ["A", "*"], "growth_percent": [100.0, 0.0], "years": [10, 10], **more})


def row(found, zone: str, years: float, cause: str) -> dict[str, object]:
    rows = found.chances
    (only,) = rows[(rows.zone == zone) & (rows.years == years) & (rows.cause == cause)].to_dict("records")
    return only


# Error bars.


@pytest.mark.parametrize(
    ("hits", "draws", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_the_interval_is_wilson_s(hits, draws, low, high):
    # Tables of Newcombe (1998, Statistics in Medicine 17): 81 of 263 is 0.2553 to 0.3662.
    found = wilson(hits, draws)
    assert found[0] == pytest.approx(low, abs=5e-5)
    assert found[1] == pytest.approx(high, abs=5e-5)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_stays_within_nothing_and_all(case):
    hits, draws = case
    low, high = wilson(hits, draws)
    assert 0 <= low <= hits / draws <= high <= 1
    assert low < high


# Growth.


def test_growth_compounds_evenly_over_its_years():
    growth = growth_of(toy.units(), doubling())
    factors = growth.factors(np.array([0.0, 5.0, 10.0]))
    assert factors[0] == pytest.approx([1.0, math.sqrt(2.0), 2.0])
    assert factors[1] == pytest.approx([1.0, 1.0, 1.0])
    assert growth.of_unit.tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]


def test_growth_applies_to_its_share_of_demand():
    # Essex: 156 % over 20 years among people who hold 52 % of packages.
    table = pd.DataFrame(
        {"council": ["*"], "growth_percent": [156], "years": [20], "share_of_demand": [0.52]}
    )
    factors = growth_of(toy.units(), table).factors(np.array([20.0]))
    assert factors[0, 0] == pytest.approx(1 + 0.52 * 1.56)


def test_growth_without_years_is_a_year_s():
    table = pd.DataFrame({"council": ["A", "B"], "growth_percent": [10, 0]})
    assert growth_of(toy.units(), table).factors(np.array([2.0]))[0, 0] == pytest.approx(1.21)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"council": ["A"], "growth_percent": [5]}, "no growth for 1 code of 'council': B"),
        ({"council": ["A", "B"], "growth": [5, 5]}, "no column 'growth_percent'"),
        ({"county": ["A", "B"], "growth_percent": [5, 5]}, "needs one column of codes"),
        ({"council": ["A", "A"], "growth_percent": [5, 5]}, "duplicate council"),
        ({"council": ["A", "B"], "growth_percent": [5, -101]}, "below -100 in 1 row: 2"),
        ({"council": ["A", "B"], "growth_percent": [5, 5], "years": [1, 0]}, "years must be above 0"),
        ({"council": ["A", "B"], "growth_percent": [5, "much"]}, "not a number"),
    ],
)
def test_a_table_of_growth_that_cannot_be_read_is_refused(table, words):
    with pytest.raises(zd.DataError, match=words):
        asked(Outlook(growth=pd.DataFrame(table)), draws=100)


def test_expected_growth_alone_is_certain_and_comes_when_it_comes():
    # West has 60 hours and a band to 70: it doubles in ten years, so it is beyond after 10 log2(7/6) = 2.22.
    found = asked(Outlook(growth=doubling()), years=(2, 3), draws=100)
    early, late = row(found, "west", 2, GROWTH), row(found, "west", 3, GROWTH)
    assert (early["chance"], late["chance"]) == (0.0, 1.0)
    assert (late["low"], late["high"]) == (1.0, 1.0)
    assert late["hours_above"] == 1.0
    assert row(found, "east", 3, GROWTH)["chance"] == 0.0


# Chance.


def still() -> object:
    return growth_of(toy.units(), pd.DataFrame({"council": ["*"], "growth_percent": [0.0]}))


def test_in_the_long_run_the_number_of_packages_is_poisson():
    zone = Packages(np.full(20, 10.0), np.ones(20), np.ones(20), np.zeros(20, dtype=np.int64))
    (found,) = drawn([zone], Course.of(still(), 0.95, 40), 4000, (1,), 1)
    last = found[:, -1, 1]
    assert last.mean() == pytest.approx(20, abs=0.3)
    assert last.var() == pytest.approx(20, rel=0.08)
    assert found[:, -1, 0] == pytest.approx(10 * last)
    assert (last <= 12).mean() == pytest.approx(poisson.cdf(12, 20), abs=0.01)


@pytest.mark.parametrize(
    "hours", [[7.0] * 12, [3.5, 7.0, 10.5, 14.0, 21.0, 1.0, 2.0, 28.0, 5.0, 9.0, 4.0, 6.0]]
)
def test_packages_alike_and_unlike_have_the_moments_of_coming_and_going(hours):
    # After t, of today's each stays with s = (1 - turnover) ** t; as many begin as ended, Poisson.
    sizes = np.array(hours)
    zone = Packages(sizes, np.ones(12), np.ones(12), np.zeros(12, dtype=np.int64))
    (found,) = drawn([zone], Course.of(still(), 0.4, 8), 20_000, (2,), 2)
    stay = 0.6**2
    assert found[:, 0, 0] == pytest.approx(sizes.sum())
    assert found[:, -1, 0].mean() == pytest.approx(sizes.sum(), rel=0.01)
    variance = (sizes**2).sum() * (stay * (1 - stay) + (1 - stay))
    assert found[:, -1, 0].var() == pytest.approx(variance, rel=0.05)
    assert found[:, -1, 1].mean() == pytest.approx(12, rel=0.01)


def test_demand_that_shrinks_ends_packages_and_begins_none():
    table = pd.DataFrame({"council": ["*"], "growth_percent": [-90.0], "years": [1]})
    growth = growth_of(toy.units(), table)
    zone = Packages(np.full(30, 1.0), np.ones(30), np.ones(30), np.zeros(30, dtype=np.int64))
    (found,) = drawn([zone], Course.of(growth, 0.0, 4), 2000, (3,), 1)
    assert found[:, -1, 1].mean() == pytest.approx(3.0, abs=0.15)
    assert (np.diff(found[:, :, 1], axis=1) <= 0).all()


def test_without_any_turnover_nothing_changes():
    found = asked(Outlook(turnover=0.0), draws=100)
    assert (found.chances.loc[found.chances.cause == CUSTOMERS, "chance"] == 0).all()
    assert found.zones["first_side"].tolist() == ["", ""]
    assert (
        found.zones["says"]
        .iloc[0]
        .startswith("In no draw outside its band within 5 years (the chance is 4 %")
    )


def test_the_chance_to_leave_a_band_is_that_of_coming_and_going():
    # Six customers of ten hours, all of whom are others after long: outside 5 to 7 as Poisson(6) is.
    found = asked(Outlook(turnover=0.999), years=(5,), draws=4000)
    then = row(found, "west", 5, CUSTOMERS)["outside_then"]
    assert then == pytest.approx(1 - poisson.cdf(7, 6) + poisson.cdf(4, 6), abs=0.025)


def test_packages_that_are_given_are_drawn_from():
    packages = pd.DataFrame({"unit": toy.IDS, "weekly_hours": [10.0] * 12})
    same = asked(Outlook(packages=packages), draws=400, seed=3)
    assert "bootstrap" in " ".join(same.notes)
    # One package of most of the hours beside small ones: with it, or without, the zone is out of its band.
    uneven = [49.0 if unit in ("A1", "B1") else 2.2 for unit in toy.IDS]
    frame = toy.frame().assign(hours=uneven)
    units = zd.Units.from_frame(frame, hours="hours", customers="customers", contiguity=toy.neighbours())
    problem = toy.problem(units=units, level={"customers": None})
    table = pd.DataFrame({"unit": toy.IDS, "weekly_hours": uneven})
    found = stress(toy.plan(problem), problem, Outlook(packages=table, turnover=0.9), draws=400, seed=3)
    # Each of six is drawn with the same chance, and about six are: 49 hours exactly once in about 0.37 of draws.
    assert row(found, "west", 5, CUSTOMERS)["outside_then"] == pytest.approx(0.63, abs=0.08)


def test_packages_of_units_that_are_not_there_are_refused():
    with pytest.raises(zd.DataError, match="1 unit that are not there: Z9"):
        asked(Outlook(packages=pd.DataFrame({"unit": ["Z9"], "weekly_hours": [1.0]})), draws=100)
    with pytest.raises(zd.DataError, match="packages leave 11 units with hours empty"):
        asked(Outlook(packages=pd.DataFrame({"unit": ["A1"], "weekly_hours": [1.0]})), draws=100)


# What is told.


def test_the_same_seed_gives_the_same_at_any_number_of_threads():
    outlook = Outlook(growth=doubling())
    one, two = (asked(outlook, draws=300, seed=7, threads=n) for n in (1, 2))
    pd.testing.assert_frame_equal(one.chances, two.chances)
    pd.testing.assert_frame_equal(one.zones, two.zones)
    other = asked(outlook, draws=300, seed=8)
    assert not other.chances["chance"].equals(one.chances["chance"])


def test_every_zone_year_and_cause_has_its_row():
    found = asked(draws=100, years=(1, 3), slower=(0.2,))
    assert len(found.chances) == 2 * 2 * 4
    assert sorted(found.chances["cause"].unique()) == [CUSTOMERS, GROWTH, BOTH, "traffic +20%"]
    assert (found.chances["low"] <= found.chances["chance"]).all()
    assert (found.chances["chance"] <= found.chances["high"]).all()


def test_chances_only_grow_with_the_years():
    found = asked(Outlook(growth=doubling()), draws=500, years=(1, 3, 5)).zones
    assert (found["chance_1"] <= found["chance_3"]).all()
    assert (found["chance_3"] <= found["chance_5"]).all()


def test_the_zone_that_grows_is_the_first_to_fail():
    found = asked(Outlook(growth=doubling(), turnover=0.05), draws=1000, level={"customers": None})
    west = found.zones.loc["west"]
    assert west["order"] == 1
    assert west["first_chance"] > found.zones.loc["east", "first_chance"]
    assert west["first_side"] == "hours_above"
    assert 0 < west["median_years"] <= 5
    assert "most often with too many hours" in west["says"]


def test_first_failures_add_up_to_any_failure():
    found = asked(draws=500)
    assert found.zones["first_chance"].sum() == pytest.approx(found.years_of_plan["chance"].iloc[-1])


def test_a_zone_outside_today_is_said_to_be():
    found = asked(level={"weekly_hours": (65, 70)}, draws=100)
    assert found.zones["outside_today"].tolist() == [True, True]
    assert found.zones["says"].iloc[0].startswith("Outside its band today: too few hours.")
    assert row(found, "west", 1, BOTH)["chance"] == 1.0


def test_slower_traffic_takes_zones_out_of_reach_for_certain():
    # The corners are 4 minutes away: 4.8 at +20 %.
    found = asked(level={"max_minutes": 4.6}, draws=100)
    assert row(found, "west", 1, "traffic +10%")["chance"] == 0.0
    slow = row(found, "west", 5, "traffic +20%")
    assert (slow["chance"], slow["low"], slow["high"], slow["reach"]) == (1.0, 1.0, 1.0, 1.0)
    assert found.zones["traffic_leaves_at"].tolist() == [0.2, 0.2]
    assert found.zones["says"].iloc[0].endswith("Part of it is out of reach where driving takes 20 % longer.")


def test_customers_that_are_not_counted_are_packages_of_the_stated_mean():
    problem = toy.problem(units=toy.units(customers=None), level={"customers": None})
    found = stress(toy.plan(problem), problem, Outlook(mean_package=30.0), draws=200)
    assert "about 30 hours a week" in " ".join(found.notes)
    # Two packages of 30 hours: one more or less is outside 50 to 70.
    assert row(found, "west", 5, CUSTOMERS)["chance"] > 0.9


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"draws": 50}, "draws is 50"),
        ({"years": (0.1,)}, "years is 0.1"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_what_cannot_be_asked_is_refused(options, words):
    with pytest.raises(zd.ScenarioError, match=words):
        asked(**options)


@pytest.mark.parametrize(("name", "value"), [("turnover", 1.0), ("turnover", -0.1), ("mean_package", 0.0)])
def test_an_outlook_that_cannot_be_is_refused(name, value):
    with pytest.raises(zd.ScenarioError, match=name):
        Outlook(**{name: value})


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), turnover=st.floats(0.0, 0.99), percent=st.floats(-50, 200))
def test_hours_are_never_negative_and_customers_are_whole(seed, turnover, percent):
    table = pd.DataFrame({"council": ["*"], "growth_percent": [percent], "years": [5]})
    growth = growth_of(toy.units(), table)
    zone = Packages(np.array([3.0, 5.0, 9.0]), np.ones(3), np.ones(3), np.zeros(3, dtype=np.int64))
    (found,) = drawn([zone], Course.of(growth, turnover, 12), 50, (seed,), 1)
    assert (found >= -1e-9).all()
    assert found[..., 1] == pytest.approx(np.round(found[..., 1]))
