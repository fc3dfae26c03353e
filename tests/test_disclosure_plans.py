"""Several plans published together give no small figure away, tried by an attacker who reads all of them."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import toy
from hypothesis import given, settings
from hypothesis import strategies as st

from zonedesign.disclosure import (
    Dominance,
    Policy,
    PPercent,
    Rounding,
    Table,
    attack,
    page,
    publish,
    report,
)
from zonedesign.disclosure.means import tells
from zonedesign.errors import DataError, ScenarioError
from zonedesign.levels import Level

if TYPE_CHECKING:
    from pathlib import Path

LEVELS = [
    Level("1", weekly_hours=(700, 1300), customers=(50, 110)),
    Level("2", weekly_hours=(240, 450), customers=(18, 42)),
    Level("3", weekly_hours=(10, 150), customers=(1, 11)),
]


def demand(customers: dict[str, float], hours: float = 12.0) -> pd.DataFrame:
    people = pd.Series(customers, dtype=float)
    return pd.DataFrame({"customers": people, "weekly_hours": people * hours})


def table(zones: dict[str, str], level: str = "3", hidden: frozenset[str] | None = None) -> Table:
    """A table of one level from `unit: zone`."""
    return Table(pd.Series(zones), dict.fromkeys(zones.values(), level), hidden)


@pytest.fixture
def west_sussex(geodata: Path) -> pd.DataFrame:
    return pd.read_csv(
        geodata / "west-sussex" / "published_areas_2019.csv", dtype={"level": str}, index_col="area_name"
    )


def as_of_2019(areas: pd.DataFrame, hidden: frozenset[str] | None = None) -> Table:
    return Table(pd.Series(areas.index, index=areas.index), areas["level"].to_dict(), hidden)


def test_the_county_s_table_of_2019_as_it_was_published_is_flagged(west_sussex: pd.DataFrame) -> None:
    found = attack(publish({"2019": as_of_2019(west_sussex, frozenset())}, west_sussex, levels=LEVELS))
    given_away = found[~found["safe"] & (found["figure"] == "customers")]
    assert dict(zip(given_away["name"], given_away["low"], strict=True)) == {
        "Chichester Rural South": 2,
        "Mid Sussex Rural South": 1,
        "Chichester Rural West": 4,
    }
    assert (given_away["low"] == given_away["high"]).all()


def test_the_county_s_table_of_2019_is_made_safe_with_four_of_its_35_areas(west_sussex: pd.DataFrame) -> None:
    made = publish({"2019": as_of_2019(west_sussex)}, west_sussex, levels=LEVELS)
    found = attack(made)
    assert found["safe"].all()
    assert set(found["name"]) == {
        "Chichester Rural South",
        "Mid Sussex Rural South",
        "Chichester Rural West",
        "Chichester Rural North",
    }
    assert made.hidden.least
    assert made.frame.loc[made.frame["kind"] != "zone", "customers"].tolist() == [1620, 253, 34, 1907]


def test_the_county_s_table_of_2019_can_be_rounded_in_place_of_hiding(west_sussex: pd.DataFrame) -> None:
    made = publish({"2019": as_of_2019(west_sussex)}, west_sussex, policy=Policy(rounding=Rounding(5)))
    rows = made.frame.set_index("name")
    assert attack(made)["safe"].all()
    assert (rows["customers"] % 5 == 0).all()
    assert rows.loc[rows["kind"] == "zone", "customers"].sum() == rows.loc["All levels", "customers"]
    assert not rows["hidden"].any()


def test_bands_that_everybody_knows_can_make_a_rounding_unsafe_and_it_is_refused(
    west_sussex: pd.DataFrame,
) -> None:
    # Rounded to 0, Level 3's band of 1 to 11 leaves 1 to 4.
    policy = Policy(rounding=Rounding(5, controlled=False))
    with pytest.raises(DataError, match="take a base of 10 or more, or hide figures"):
        publish({"2019": as_of_2019(west_sussex)}, west_sussex, policy=policy, levels=LEVELS)


def test_a_zone_that_two_plans_cut_one_customer_differently_is_not_printed_in_both() -> None:
    people = demand({"a": 30, "b": 1, "c": 40, "d": 50, "e": 60, "f": 45})
    first = {"a": "1", "b": "1", "c": "2", "d": "3", "e": "4", "f": "5"}
    alone = publish({"A": table(first)}, people)
    assert not alone.hidden.figures.any()
    both = publish({"A": table(first), "B": table(first | {"b": "2"})}, people)
    rows = both.frame[both.frame["kind"] == "zone"].set_index(["table", "name"])
    assert rows.loc[[("A", "1"), ("B", "1")], "hidden"].any()
    found = attack(both)
    assert found["safe"].all()
    assert found.loc[found["kind"] == "part", "name"].tolist() == ["A: 1, B: 2"] * 2


def test_what_is_out_already_stays_and_the_second_plan_bears_the_hiding() -> None:
    people = demand({"a": 30, "b": 1, "c": 40, "d": 50, "e": 60, "f": 45})
    first = {"a": "1", "b": "1", "c": "2", "d": "3", "e": "4", "f": "5"}
    made = publish({"old": table(first, hidden=frozenset()), "new": table(first | {"b": "2"})}, people)
    rows = made.frame[made.frame["kind"] == "zone"]
    assert not rows.loc[rows["table"] == "old", "hidden"].any()
    assert attack(made)["safe"].all()


def test_what_is_out_already_and_gives_a_count_away_is_said_and_not_mended() -> None:
    people = demand({"a": 2, "b": 30, "c": 40, "d": 50})
    zones = {unit: unit for unit in "abcd"}
    made = publish({"old": table(zones, hidden=frozenset()), "new": table(zones)}, people)
    told = report(made)
    assert told["attack"]["safe"] is False
    assert told["notes"] == [
        "What is out already (old) gives figures away that nothing hidden now can take back."
    ]


def test_totals_by_border_count_among_what_a_reader_adds_up() -> None:
    people = demand({"a": 3, "b": 30, "c": 40, "d": 50, "e": 20, "f": 25})
    zones = table({"a": "1", "b": "2", "c": "3", "d": "4", "e": "5", "f": "6"})
    borders = {"district": pd.Series({"a": "N", "b": "N", "c": "S", "d": "S", "e": "S", "f": "S"})}
    made = publish({"A": zones}, people, borders=borders)
    rows = made.frame.set_index(["kind", "name"])
    assert attack(made)["safe"].all()
    # N is 33: with zone 2 hidden too, or N itself, it does not give zone 1 back.
    assert rows.loc[("zone", "2"), "hidden"] or rows.loc[("border", "N"), "hidden"]


def test_one_customer_with_most_of_a_zone_s_hours_hides_the_zone() -> None:
    people = demand({"a": 6, "b": 30, "c": 40, "d": 50})
    people.loc["a", "weekly_hours"] = 168 + 5 * 4
    packages = pd.Series([168.0] + [4.0] * 5, index=["a"] * 6)
    zones = table({unit: unit for unit in "abcd"})
    assert not publish({"A": zones}, people).hidden.figures.any()
    made = publish({"A": zones}, people, packages=packages)
    assert made.frame.set_index("name").loc["a", "hidden"]
    found = attack(made).set_index(["name", "figure"])
    assert found.loc[("a", "weekly_hours"), "asked_high"] == 336
    assert found["safe"].all()
    assert report(made)["dominance"] == (
        "(n, k) rule: figures are hidden where one customer has more than 50% of the hours"
    )


def test_the_p_percent_rule_asks_for_what_hides_the_largest_from_the_second_largest() -> None:
    assert PPercent(0.1).needs(np.array([100.0, 50.0, 5.0])) == pytest.approx(160)
    assert Dominance(2, 0.8).needs(np.array([100.0, 50.0, 5.0])) == pytest.approx(187.5)


def test_a_difference_between_plans_that_one_customer_dominates_is_not_given_away() -> None:
    people = demand({"a": 30, "b": 6, "c": 40, "d": 50, "e": 60, "f": 45})
    people.loc["b", "weekly_hours"] = 188
    packages = pd.Series([168.0] + [4.0] * 5, index=["b"] * 6)
    first = {"a": "1", "b": "1", "c": "2", "d": "3", "e": "4", "f": "5"}
    plans = {"A": table(first), "B": table(first | {"b": "2"})}
    assert not publish(plans, people).hidden.figures.any()
    made = publish(plans, people, packages=packages)
    assert made.hidden.figures.any()
    assert attack(made)["safe"].all()


def test_a_published_count_of_residents_sharpens_what_a_reader_knows() -> None:
    people = demand({"a": 4, "b": 2, "c": 2, "d": 30, "e": 40})
    zones = table({unit: unit for unit in "abcde"})
    living = pd.Series({"a": 900, "b": 2, "c": 2, "d": 900, "e": 900})
    free = publish({"A": zones}, people)
    known = publish({"A": zones}, people, residents=living)
    # Two people live in each of b and c: with no other hidden, a would be 4 to 6.
    assert free.frame.set_index("name")["hidden"].tolist()[:5] == [True, True, True, False, False]
    assert known.frame.set_index("name")["hidden"].tolist()[:5] == [True, True, True, True, False]
    assert attack(known)["safe"].all()


def test_hours_modelled_from_a_published_count_are_said_to_be_nobody_s() -> None:
    people = demand({"a": 2, "b": 30, "c": 40, "d": 50})
    living = people["customers"] * 7
    made = publish({"A": table({unit: unit for unit in "abcd"})}, people, residents=living)
    assert "modelled from a published figure" in report(made)["notes"][0]


def test_public_data_do_not_say_which_figures_are_the_small_ones_and_internal_data_do() -> None:
    people = demand({"a": 2, "b": 9, "c": 8, "d": 50})
    made = publish({"A": table({unit: unit for unit in "abcd"})}, people)
    public, internal = report(made), report(made, internal=True)
    assert public["hidden"] == [{"table": "A", "kind": "zone", "name": name} for name in "abc"]
    assert [row["why"].split(":")[0] for row in internal["hidden"]] == ["primary", "secondary", "secondary"]
    assert public["attack"] == {"figures_tried": 6, "given_away": 0, "safe": True}
    assert internal["hours_hidden"] == 19 * 12
    assert len(internal["attack"]["rows"]) == 6
    for data in (public, internal):
        assert json.loads(json.dumps(data, allow_nan=False)) == data


def test_a_page_of_one_plan_says_that_another_is_published_with_it() -> None:
    people = demand({"a": 30, "b": 1, "c": 40, "d": 50, "e": 60, "f": 45})
    first = {"a": "1", "b": "1", "c": "2", "d": "3", "e": "4", "f": "5"}
    made = publish({"A": table(first), "B": table(first | {"b": "2"})}, people)
    said = [line for name in "AB" for line in page(made, name, _zones(made, name)).report]
    assert said
    assert all("or another table published with this one" in line for line in said if "customers" in line)


def _zones(made: object, name: str) -> pd.DataFrame:
    rows = made.frame[(made.frame["table"] == name) & (made.frame["kind"] == "zone")]
    return rows.assign(zone=rows["name"], mean_minutes=5.0).set_index("name")


def test_plans_are_published_as_they_are_with_their_units_demand() -> None:
    problem = toy.problem()
    plan = toy.plan(problem)
    made = publish({"today": plan, "proposed": plan.move("A3", "east")}, levels=problem.levels)
    # The plans differ by a unit of one customer.
    assert made.hidden.figures.any()
    assert attack(made)["safe"].all()


def test_mean_minutes_of_a_zone_of_two_units_would_give_the_hours_of_each_and_are_hidden() -> None:
    policy = Policy(below=5)
    few, people = np.array([40.0, 80.0]), np.array([3.0, 7.0])
    assert tells(few, people, np.array([0.0, 6.0]), policy)
    many = np.full(40, 30.0)
    assert not tells(many, np.full(40, 3.0), np.linspace(0.0, 12.0, 40), policy)


def test_hidden_means_are_empty_and_said_on_the_page_of_a_plan() -> None:
    people = demand({"a": 4, "b": 3, "c": 30, "d": 20})
    given = {"a": 0.0, "b": 6.0, "c": 0.0, "d": 5.0}
    zones = Table(
        pd.Series({"a": "1", "b": "1", "c": "2", "d": "2"}), {"1": "3", "2": "3"}, None, pd.Series(given)
    )
    made = publish({"A": zones}, people)
    shown = page(made, "A", _zones(made, "A"))
    assert shown.zones["customers"].tolist() == [7, 50]
    assert shown.zones["mean_minutes"].isna().tolist() == [True, False]
    assert shown.report == (
        "1 zone: mean minutes are hidden, because they would tell the hours of one small area.",
    )


def test_the_same_tables_are_published_alike_every_time() -> None:
    people = demand(dict(zip("abcdefgh", [3, 8, 1, 30, 12, 7, 2, 60], strict=True)))
    plans = {
        "A": table(dict(zip("abcdefgh", "11223344", strict=True))),
        "B": table(dict(zip("abcdefgh", "12233441", strict=True))),
    }
    first, again = publish(plans, people), publish(plans, people)
    pd.testing.assert_frame_equal(first.frame, again.frame)


def test_roundings_of_two_plans_add_up_and_agree_where_their_zones_are_the_same() -> None:
    people = demand({"a": 13, "b": 2, "c": 41, "d": 57, "e": 66, "f": 48})
    first = {"a": "1", "b": "1", "c": "2", "d": "3", "e": "4", "f": "5"}
    plans = {"A": table(first), "B": table(first | {"b": "2"})}
    made = publish(plans, people, policy=Policy(rounding=Rounding(10)))
    rows = made.frame.set_index(["table", "name"])
    for name in plans:
        zones = rows[(rows.index.get_level_values(0) == name) & (rows["kind"] == "zone")]
        assert zones["customers"].sum() == rows.loc[(name, "All levels"), "customers"]
    assert rows.loc[("A", "3"), "customers"] == rows.loc[("B", "3"), "customers"]
    assert attack(made)["safe"].all()


def test_what_does_not_fit_together_is_refused_by_name() -> None:
    people = demand({"a": 3, "b": 9})
    with pytest.raises(DataError, match="table 'A' has 1 unit without demand: c"):
        publish({"A": table({"a": "1", "c": "2"})}, people)
    with pytest.raises(DataError, match="table 'A' gives no level to 1 zone: 2"):
        publish({"A": Table(pd.Series({"a": "1", "b": "2"}), {"1": "3"})}, people)
    with pytest.raises(ScenarioError, match="no table to publish"):
        publish({}, people)
    with pytest.raises(ScenarioError, match="a base is a whole number, 2 or more"):
        Rounding(1)
    with pytest.raises(ScenarioError, match="share between 0 and 1"):
        Dominance(1, 1.5)


counts = st.lists(st.integers(0, 30), min_size=4, max_size=12)


@settings(max_examples=25, deadline=None)
@given(counts, st.data())
def test_whatever_two_plans_with_levels_are_published_the_reader_fails(
    people: list[int], data: st.DataObject
) -> None:
    units = [f"u{k}" for k in range(len(people))]
    extra = data.draw(st.lists(st.integers(0, 20), min_size=len(units), max_size=len(units)))
    frame = demand(dict(zip(units, people, strict=True)))
    frame["weekly_hours"] += np.array(extra, dtype=float)
    tables = {}
    for name in "AB":
        zone = data.draw(st.lists(st.sampled_from("12345"), min_size=len(units), max_size=len(units)))
        level = {z: data.draw(st.sampled_from("123")) for z in sorted(set(zone))}
        tables[name] = Table(pd.Series(zone, index=units), level)
    made = publish(tables, frame)
    assert attack(made)["safe"].all()
    small = made.figures.small
    assert (made.hidden.figures | ~small).all()


@settings(max_examples=25, deadline=None)
@given(counts, st.integers(0, 5))
def test_whatever_is_rounded_stays_beside_what_it_was_and_is_not_told_more_closely_than_asked(
    people: list[int], seed: int
) -> None:
    frame = demand({f"u{k}": count for k, count in enumerate(people)})
    zones = table({unit: f"z{k // 2}" for k, unit in enumerate(frame.index)})
    made = publish({"A": zones}, frame, policy=Policy(rounding=Rounding(10, seed=seed)))
    true = made.figures.value["customers"]
    assert (np.abs(made.printed["customers"] - true) < 10).all()
    assert attack(made)["safe"].all()
    assert list(itertools.chain(made.frame["customers"] % 10)) == [0.0] * len(made.frame)
