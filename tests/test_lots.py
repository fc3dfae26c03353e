"""Lots: what each is worth, whom it keeps alive, who may expect what; figures worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import toy
from hypothesis import given, settings
from hypothesis import strategies as st
from lots_world import row

import zonedesign as zd
from zonedesign.lots import Enhancement, Floor, FloorLine, Rate, Results, Step, Terms, Viability, judged
from zonedesign.lots.rates import years_value
from zonedesign.lots.viability import sentences, standing, workers

QUOTED = Path(__file__).resolve().parents[1] / "geodata" / "published_areas_2019.csv"
LEAD_AND_RESERVE = (Step("lead", 0.8, 4), Step("secondary", 0.5, 8), Step("reserve", 0.6, 24))


def told(hours, terms=None, **more):
    plan, problem = row(hours, **{k: more.pop(k) for k in ("levels", "providers", "customers") if k in more})
    return zd.lots(plan, problem, terms, draws=100, **more)


def toy_customers(hours):
    """Customers of the first square of the toy world, and one of the last."""
    rows = [(toy.X + 0.5 * toy.MILE, toy.Y + 0.5 * toy.MILE, each) for each in hours]
    table = pd.DataFrame(rows, columns=["easting", "northing", "weekly_hours"])
    x, y = toy.PLACES[5]
    table.loc[len(table)] = [toy.X + (x + 0.5) * toy.MILE, toy.Y + (y + 0.5) * toy.MILE, 10.0]
    return table.assign(id=[f"C{k}" for k in range(len(table))])


# The table of 2019.


def test_all_nine_level_2_areas_of_2019_are_under_750_hours_by_council_hours_alone():
    table = pd.read_csv(QUOTED)
    view = judged(table, Viability())
    level_2 = view[table["level"] == 2]
    assert (level_2["standing"] == "can start").all()  # 228 to 454 h
    said = sentences([str(each) for each in table["level"]], view["council_hours"].tolist(),
                     view["branch_hours"].tolist(), Viability(), "area")  # fmt: skip
    assert said[0] == (  # before the areas of level 1, of which only some are
        "All nine areas of level 2 are under 750 h a week (the established band) by council hours alone."
    )


def test_a_level_of_the_reserve_alone_is_said_last_and_judged_as_no_branch():
    said = told([1200.0, 300.0, 40.0], levels=["1", "2", "3"], providers={"2": {"lead": 1}}).says
    assert said[0].startswith("The one lot of level 2 is under 750 h a week (the established band)")
    assert said[1].startswith("The one lot of level 1 is not under 750 h")
    assert said[2] == (
        "Level 3 has no provider of its own: the one lot of it, of 40 h a week, is the reserve's, and no branch "
        "is to live on it."
    )


def test_a_level_all_under_the_start_is_said_once():
    said = sentences(["2"] * 2, [100.0, 90.0], [160.0, 150.0], Viability(branch={"private": 0.6}))
    assert " ".join(said) == (
        "Both lots of level 2 are under 150 h a week (the start band) by council hours alone; with the hours "
        "that a branch may add (private 60%) both of them are over it."
    )


def test_private_and_nhs_hours_do_not_save_any_level_2_area_of_2019():
    table = pd.read_csv(QUOTED)
    view = judged(table, Viability(branch={"private": 0.3, "NHS": 0.1}))
    # The largest has 454 h: 454 x 1.4 = 635.6, under 750.
    assert view.loc[table["level"] == 2, "branch_hours"].max() == pytest.approx(635.6)
    said = sentences(["2"] * 9, [300.0] * 9, [420.0] * 9, Viability(branch={"private": 0.3, "NHS": 0.1}))
    assert said[0].endswith(
        "with the hours that a branch may add (private 30%, NHS 10%) none of them is over it."
    )


def test_workers_of_2019_are_whole_and_enough():
    table = pd.read_csv(QUOTED)
    view = judged(table, Viability())
    by_name = dict(zip(table["area_name"], view["workers"], strict=True))
    assert by_name["Bognor West"] == 45  # 1,335 / 30 = 44.5
    assert by_name["Shoreham"] == 41  # 1,208 / 30 = 40.3
    assert by_name["Mid Sussex Rural South"] == 1  # 8 / 30


def test_the_start_band_counts_from_its_lower_end():
    assert [standing(h, Viability()) for h in (149.9, 150, 749.9, 750)] == [
        "under the start", "can start", "can start", "established",
    ]  # fmt: skip


def test_a_worker_s_paid_week_counts_travel():
    # 300 h of care and a fifth of travel: 360 h paid, 12 workers of 30 h.
    assert workers(300, Viability(worker_time="paid"), 0.2) == 12
    assert workers(300, Viability(), 0.2) == 10


# Money.


def test_a_lot_s_value_is_its_hours_a_year_at_the_rate():
    found = told([70.0], Terms(rate=Rate(hourly=20.0, vat=0.2)))
    # 70 h x 365 / 7 = 3,650 h a year, at 20 pounds.
    assert found.lots["hours_a_year"].tolist() == pytest.approx([3650.0])
    assert found.lots["value_a_year"].tolist() == pytest.approx([73_000.0])
    assert found.lots["value_a_year_with_vat"].tolist() == pytest.approx([87_600.0])


def test_enhancements_are_paid_for_their_share_of_the_hours():
    problem = toy.problem(level={"providers": {"lead": 1}})
    rate = Rate(
        hourly=20.0,
        rural=Enhancement(0.3, column="ruc", values=("Rural",)),  # 2 of 6 units, alike: a third of the hours
        complex=Enhancement(0.5, hours=0.2),
        unsocial=Enhancement(0.1, hours={"1": 0.5}),
    )
    found = zd.lots(toy.plan(problem), problem, Terms(rate=rate), draws=100)
    # 20 x (1 + 0.3 / 3 + 0.5 x 0.2 + 0.1 x 0.5) = 20 x 1.25
    assert found.lots["rate"].tolist() == pytest.approx([25.0, 25.0])


def test_a_lot_s_own_rate_goes_before_its_level_s_and_the_county_s():
    terms = Terms(rate=Rate(hourly=20.0, by_level={"2": 22.0}, by_lot={"c": 30.0}))
    found = told([10, 10, 10], terms, levels=["1", "2", "2"])
    assert found.lots["rate"].tolist() == [20.0, 22.0, 30.0]


def test_rates_rise_each_year_and_part_of_a_year_counts_as_such():
    # 100, then 110, then half of 121.
    assert years_value(100.0, 2.5, 0.1) == pytest.approx(100 + 110 + 60.5)
    # An extension of a year after two and a half: the other half of 121, then half of 133.1.
    assert years_value(100.0, 1.0, 0.1, begin=2.5) == pytest.approx(60.5 + 66.55)


def test_the_floor_adds_up_line_by_line_and_each_line_names_its_source():
    floor = Floor(
        10.0,
        source="GOV.UK",
        travel_share=0.25,
        lines=(
            FloorLine("Holiday pay", "pay", 0.2, "assumption"),
            FloorLine("Office", "contact hour", 3.0, "the council's survey"),
            FloorLine("Surplus", "cost", 0.1, "assumption"),
        ),
    )
    found = told([10.0], Terms(floor=floor, rate=Rate(hourly=19.0)))
    # 10 + 2.50 travel + 0.2 x 12.50 + 3 = 18; and a tenth of that: 19.80
    assert found.floor["pounds"].tolist() == pytest.approx([10.0, 2.5, 2.5, 3.0, 1.8])
    assert found.lots["rate_floor"].tolist() == pytest.approx([19.8])
    assert found.lots["rate_over_floor"].tolist() == pytest.approx([-0.8])
    assert "The rate is under the floor in 1 of 1 lots." in found.says
    assert "Assumed in the rate's floor: Holiday pay, Surplus." in found.notes


def test_the_minimum_wage_and_its_margin_are_a_floor_of_their_own():
    found = told([10.0], Terms(floor=Floor(12.0, margin=0.2), rate=Rate(hourly=15.0)))
    assert found.lots["rate_over_wage_floor"].tolist() == pytest.approx([0.6])  # 15 - 14.40


def test_the_ceiling_stands_apart_from_the_forecast():
    terms = Terms(term_years=2, extension_years=1, ceiling=300_000, rate=Rate(hourly=20.0))
    said = " ".join(told([70.0], terms).says)
    # 73,000 a year: 146,000 in two years, 73,000 in the third; 300,000 - 219,000.
    assert "GBP 146,000 over 2 years, and GBP 73,000 more in an extension of 1 year" in said
    assert "it leaves GBP 81,000 beside what is forecast with the extension" in said


def test_the_authority_to_spend_and_a_year_s_extension_stand_apart_too():
    terms = Terms(
        term_years=2, extension_years=1, authority=200_000, extension_ceiling_a_year=80_000,
        rate=Rate(hourly=20.0),
    )  # fmt: skip
    said = " ".join(told([70.0], terms).says)
    assert "The authority to spend of GBP 200,000 is no forecast: it is too low by GBP 19,000" in said
    assert "The most for a year's extension, GBP 80,000, is no forecast: it leaves GBP 7,000" in said


def test_payment_by_results_is_split_as_stated():
    results = Results(0.1, {"personal outcomes": 0.5, "reduced demand": 0.5})
    said = " ".join(told([70.0], Terms(results=results, rate=Rate(hourly=20.0))).says)
    assert "GBP 7,300 a year: GBP 3,650 for personal outcomes, GBP 3,650 for reduced demand" in said


def test_without_a_rate_values_are_unknown_and_that_is_said():
    found = told([70.0])
    assert found.lots["value_a_year"].isna().all()
    assert "No rate is stated, so no value is known; state lots.rate.hourly." in found.says


# Providers.


def test_guaranteed_and_other_hours_make_up_the_lot():
    found = told([100, 50], Terms(guaranteed={"1": 0.5}, spot=0.2), levels=["1", "2"])
    assert found.lots["guaranteed_hours"].tolist() == [50.0, 0.0]
    assert found.lots["other_hours"].tolist() == pytest.approx([30.0, 40.0])


def test_a_provider_s_hours_are_summed_over_all_its_lots():
    terms = Terms(shares={"lead": 0.7, "secondary": 0.2})
    held = {"a": {"lead": "Ash", "secondary": "Birch"}, "b": {"lead": "Ash"}}
    found = told([100, 50], terms, allocation=held).providers.set_index("provider")
    assert found.loc["Ash", "weekly_hours"] == pytest.approx(105)  # 70 and 35
    assert found.loc["Ash", "lot_ids"] == "a, b"
    assert found.loc["Birch", "weekly_hours"] == pytest.approx(20)
    assert found.loc["secondary of b", "weekly_hours"] == pytest.approx(10)  # nobody named yet
    assert found.loc["reserve", "weekly_hours"] == pytest.approx(15)


def test_a_level_without_providers_is_the_reserve_s_alone():
    found = told([30.0], levels=["3"])
    assert found.lots["structure"].tolist() == ["reserve"]
    assert found.providers["provider"].tolist() == ["reserve"]


def test_the_same_providers_stand_in_every_lot_where_stated():
    terms = Terms(shares={"main": 0.6}, same_providers=True)
    found = told([100, 50], terms, providers={"1": {"main": 3}}).providers.set_index("provider")
    assert found.loc["main 2", "weekly_hours"] == pytest.approx(30)  # a fifth of 150


def test_so_many_providers_as_are_expected_share_the_places_of_all_lots():
    terms = Terms(expected_providers=2, cap=2)
    found = told([100, 50, 30], terms, providers={"1": {"lead": 1}}).providers.set_index("provider")
    # The largest lot to one, the next two to who holds least: 100 h, and 50 + 30.
    assert found["lot_ids"].to_dict() == {"provider 1": "a", "provider 2": "b, c"}
    assert found["weekly_hours"].tolist() == [100.0, 80.0]


def test_that_placeholders_are_dealt_is_said_until_all_places_are_held():
    terms = Terms(expected_providers=2)
    open_, held = (
        told([100.0], terms, allocation=each) for each in (None, {"a": {"lead": "A", "secondary": "B"}})
    )
    assert any(note.startswith("Assumed: 2 providers in all") for note in open_.notes)
    assert not any("in all, each in as many lots" in note for note in held.notes)


def test_expected_providers_hold_no_two_places_of_a_lot_and_about_as_many_lots_each():
    found = told([90.0, 80, 70, 60, 50], Terms(expected_providers=3)).seats
    assert not found.duplicated(["lot", "provider"]).any()
    assert sorted(found.groupby("provider")["lot"].nunique()) == [3, 3, 4]


def test_places_left_by_an_award_are_dealt_however_many_won():
    terms = Terms(expected_providers=1, cap=1)
    found = told([100.0, 50.0], terms, allocation={"a": {"lead": "Ash"}}).seats
    # Three places are left, and one lot at most for each.
    assert sorted(found.loc[found["placeholder"], "provider"]) == ["provider 1", "provider 2", "provider 3"]


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        (Terms(expected_providers=1), "expected_providers is 1, and lot a has 2 places to fill"),
        (
            Terms(expected_providers=2, cap=1),
            "2 expected providers, 1 lot at most each, hold 2 places, and there are 4",
        ),
    ],
)
def test_too_few_expected_providers_are_refused(terms, says):
    with pytest.raises(zd.ScenarioError, match=says):
        told([10.0, 10.0], terms)


def test_the_reserve_stands_beside_its_target():
    terms = Terms(shares={"lead": 0.7, "secondary": 0.2}, reserve_target=0.05)
    said = told([100.0], terms).says
    assert "The reserve may expect 10.0% of all hours: over its target of 5.0% at most." in said


def test_a_provider_over_its_cap_is_told():
    held = {"a": "Ash", "b": "Ash"}
    found = told([100, 50], Terms(cap=1), allocation=held).providers.set_index("provider")
    assert found.loc["Ash", "over_cap"] == "2 lots, cap 1"


@settings(max_examples=60, deadline=None)
@given(
    hours=st.lists(st.integers(0, 2000), min_size=1, max_size=6),
    shares=st.dictionaries(
        st.sampled_from(["lead", "secondary"]), st.sampled_from([0.0, 0.2, 0.5]), max_size=2
    ),
    cascade=st.booleans(),
    named=st.booleans(),
)
def test_lots_add_up_to_the_plan_and_providers_to_the_lots(hours, shares, cascade, named):
    plan, problem = row([float(h) for h in hours], customers=[h // 10 for h in hours])
    terms = Terms(
        shares=shares, cascade=LEAD_AND_RESERVE if cascade else (), rate=Rate(hourly=20.0), guaranteed=0.3
    )
    held = {"a": {"lead": "Ash"}} if named else None
    found = zd.lots(plan, problem, terms, allocation=held, draws=100)
    total = float(plan.zones["weekly_hours"].sum())
    assert found.lots["weekly_hours"].sum() == pytest.approx(total)
    assert found.providers["weekly_hours"].sum() == pytest.approx(total)
    assert found.providers["customers"].sum() == pytest.approx(float(plan.zones["customers"].sum()))
    assert found.providers["value_a_year"].sum() == pytest.approx(float(found.lots["value_a_year"].sum()))
    by_lot = found.seats.groupby("lot")["share"].sum()
    assert np.allclose(by_lot, 1.0)


def test_an_allocation_that_names_no_lot_is_refused_with_the_nearest():
    with pytest.raises(zd.DataError, match=r"the allocation names lot 'aa'; did you mean 'a'\?"):
        told([10.0], allocation={"aa": "Ash"})


def test_more_providers_than_places_are_refused():
    with pytest.raises(zd.DataError, match="gives lot a 2 providers as lead: Ash, Birch; level 1 has 1"):
        told([10.0], allocation={"a": {"lead": ["Ash", "Birch"]}})


def test_shares_of_a_level_s_roles_that_are_more_than_its_hours_are_refused():
    with pytest.raises(zd.ScenarioError, match=r"roles of level 1 add up to 1\.3"):
        told([10.0], Terms(shares={"lead": 0.8, "secondary": 0.5}))


# The referral cascade.


def test_the_cascade_s_means_are_exact():
    found = told([120.0], Terms(cascade=LEAD_AND_RESERVE), customers=[10])
    cascade = found.cascade.iloc[0]
    # The lead leaves 0.2, the secondary half of it: 0.1 reaches the reserve, which leaves 0.4 of that.
    assert cascade["reserve_share"] == pytest.approx(0.1)
    assert cascade["not_sourced_share"] == pytest.approx(0.04)
    assert cascade["mean_response_hours"] == pytest.approx(4 + 0.2 * 8 + 0.1 * 24)
    assert cascade["steps"] == "lead, then secondary, then reserve"


def test_the_providers_of_a_role_are_asked_one_after_the_other():
    terms = Terms(cascade=(Step("framework", 0.5, 2.0), Step("reserve", 0.0, 0.0)))
    found = told([10.0], terms, providers={"1": {"framework": 3}}, customers=[1]).cascade.iloc[0]
    assert found["reserve_share"] == pytest.approx(0.125)  # 0.5 x 0.5 x 0.5
    assert found["mean_response_hours"] == pytest.approx(2 * (1 + 0.5 + 0.25))


def test_without_growth_as_many_are_referred_as_leave():
    found = told([120.0], Terms(cascade=LEAD_AND_RESERVE, turnover=0.5), customers=[10]).cascade.iloc[0]
    # Each month 1 - 0.5 ^ (1 / 12) = 5.61 % of ten leave, and as many come: 6.74 a year.
    assert found["referrals_a_year"] == pytest.approx(12 * 10 * (1 - 0.5 ** (1 / 12)))
    assert found["not_sourced_hours"] == pytest.approx(found["referrals_a_year"] * 0.04 * 12)


def test_the_band_holds_the_mean_and_is_within_0_and_1():
    found = told([1200.0], Terms(cascade=LEAD_AND_RESERVE), customers=[100]).cascade.iloc[0]
    assert 0 <= found["reserve_share_low"] <= 0.1 <= found["reserve_share_high"] <= 1
    assert found["not_sourced_hours_low"] <= found["not_sourced_hours"] <= found["not_sourced_hours_high"]


def test_the_band_of_hours_knows_that_packages_differ():
    table = toy_customers([4.0] * 9 + [64.0])
    problem = toy.problem(level={"providers": {"lead": 1}})
    terms = Terms(cascade=(Step("lead", 0.0), Step("reserve", 0.0)))
    wide = zd.lots(toy.plan(problem), problem, terms, customers=table).cascade
    plain = zd.lots(toy.plan(problem), problem, terms).cascade
    assert wide["not_sourced_hours"].tolist() == pytest.approx(plain["not_sourced_hours"].tolist())
    west = [each.set_index("lot").loc["west"] for each in (wide, plain)]
    spans = [each["not_sourced_hours_high"] - each["not_sourced_hours_low"] for each in west]
    assert spans[0] > 1.5 * spans[1]


def test_a_level_that_lacks_a_role_passes_it_over():
    terms = Terms(cascade=LEAD_AND_RESERVE)
    found = told([30.0], terms, levels=["3"], customers=[3]).cascade.iloc[0]
    assert found["steps"] == "reserve"
    assert found["reserve_share"] == 1.0


# Failure.


def test_a_failing_provider_s_hours_go_to_those_in_reach_as_far_as_their_headroom():
    terms = Terms(shares={"lead": 1.0}, headroom=0.5)
    held = {"a": "Ash", "b": "Birch", "c": "Cedar", "d": "Dale"}
    found = told([100, 40, 60, 900], terms, providers={"1": {"lead": 1}}, allocation=held)
    failure = found.failure.set_index("provider")
    # a touches b alone, whose headroom is 20 h; d is out of reach however large it is.
    assert failure.loc["Ash", "absorbed_hours"] == pytest.approx(20)
    assert failure.loc["Ash", "left_hours"] == pytest.approx(80)
    # b's 40 h are less than the headroom of a (50 h) and c (30 h).
    assert failure.loc["Birch", "left_hours"] == pytest.approx(0)
    assert failure.loc["Birch", "takers_in_reach"] == 2


def test_a_cap_keeps_takers_from_entering_another_lot():
    terms = Terms(shares={"lead": 1.0}, headroom=0.5, cap=1)
    held = {"a": "Ash", "b": "Birch"}
    failure = told([100, 100], terms, providers={"1": {"lead": 1}}, allocation=held).failure
    assert failure["absorbed_hours"].tolist() == [0.0, 0.0]


def test_who_is_in_the_lot_already_may_take_more_of_it_under_the_cap():
    terms = Terms(shares={"lead": 0.5, "secondary": 0.5}, headroom=0.5, cap=1)
    held = {"a": {"lead": "Ash", "secondary": "Birch"}}
    failure = told([100.0], terms, allocation=held).failure.set_index("provider")
    assert failure.loc["Ash", "absorbed_hours"] == pytest.approx(25)  # half of Birch's 50 h
    assert failure.loc["Ash", "absorbed_by"] == "Birch: 25.0 h"


# Values refuse what cannot be.


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Terms(cap=0), "cap is 0; it must be a whole number of lots from 1 up"),
        (lambda: Terms(turnover=1.0), "turnover is 1.0; it must be a share from 0 up to 1"),
        (lambda: Terms(existing="some"), "existing = 'some' and not_joining go together"),
        (lambda: Terms(cascade=(Step("reserve", 0.5), Step("lead", 0.5))), "each role once, and the reserve last"),
        (lambda: Rate(hourly=-1), "rate (hourly) is -1; it must be pounds above 0"),
        (lambda: Enhancement(0.1), "needs either hours"),
        (lambda: FloorLine("x", "wages", 1.0, "y"), "the basis of 'x' is 'wages'; it is 'pay', 'contact hour' or"),
        (lambda: FloorLine("x", "pay", 1.0, " "), "has no source; write 'assumption' for a guess"),
        (lambda: Results(0.1, {"a": 0.3}), "parts of results add up to 0.3; they make 1"),
        (lambda: Viability(start_hours=(200, 100)), "write [min, max], the smaller first"),
        (lambda: Viability(start_hours=(800, 900)), "established at no fewer hours than it starts"),
        (lambda: Step("", 0.5), "has no role"),
        (lambda: Terms(buyers=("county",)), "buyers are ['county']; name one at least of council, nhs, self"),
        (lambda: Terms(expected_providers=7, same_providers=True), "say two things of who holds places"),
        (lambda: Terms(authority=0), "authority is 0; it must be pounds above 0"),
    ],
)  # fmt: skip
def test_terms_that_cannot_be_are_refused_in_words(make, says):
    with pytest.raises(zd.ScenarioError) as refused:
        make()
    assert says in str(refused.value)


def test_a_table_by_level_that_names_no_level_is_refused():
    with pytest.raises(zd.ScenarioError, match="lots: guaranteed names level '7'; there are 1"):
        told([10.0], Terms(guaranteed={"7": 0.5}))


@pytest.mark.parametrize(
    "terms", [Terms(shares={"leed": 0.5}), Terms(cascade=(Step("leed", 0.5), Step("reserve", 0.5)))]
)
def test_a_role_that_no_level_has_is_refused_with_the_nearest(terms):
    with pytest.raises(
        zd.ScenarioError, match=r"the role 'leed', and no level has it; did you mean 'lead'\?"
    ):
        told([10.0], terms)


def test_a_rate_for_a_lot_that_is_not_there_is_refused():
    with pytest.raises(
        zd.DataError, match=r"by_lot names 1 lot that the plan has not: aa; did you mean 'a'\?"
    ):
        told([10.0], Terms(rate=Rate(by_lot={"aa": 20.0})))


def test_a_failure_that_leaves_nothing_is_said_so():
    terms = Terms(shares={"lead": 0.5, "secondary": 0.5}, headroom=1.0)
    assert any("others in reach could take all of it" in line for line in told([100.0], terms).says)


def test_the_plan_is_not_changed_and_the_repr_says_what_it_is():
    found = told([100.0, 50.0], allocation={"a": "Ash"})
    assert repr(found) == "<Lots: 2 lots, 150.0 hours/week, 1 provider named>"
    assert math.isclose(float(found.plan.zones["weekly_hours"].sum()), 150)
