"""The comparison page's words, rows and pairs, without a browser."""

from __future__ import annotations

import math
import re

import pytest
import toy

import zonedesign as zd
from zonedesign.maps import compare_page
from zonedesign.maps import comparedrows as rows


def compared(**options: object) -> zd.Comparison:
    problem = toy.problem()
    today = toy.plan(problem)
    return zd.compare({"today": today, "proposed": today.move(["A3", "A6"], "east")}, problem, **options)


def test_the_summary_says_what_moves_which_zones_change_and_what_is_broken() -> None:
    assert rows.summary(compared()) == (
        "2 units with 2 customers, 20 hours a week (16.7 %), change zone. Zones: 2 changed. Mean minutes 2.33, "
        "then 2.67. Checks of the rules broken: none, then 4 of 15."
    )


def test_the_summary_of_a_plan_with_itself_says_that_nothing_moves() -> None:
    problem = toy.problem()
    found = zd.compare({"a": toy.plan(problem), "b": toy.plan(problem)}, problem)
    assert rows.summary(found) == (
        "No unit changes zone. Zones: 2 with the same units. Mean minutes 2.33, then 2.33. Both meet all rules."
    )


def test_totals_leave_out_terms_that_nobody_can_tell() -> None:
    told = [row["what"] for row in rows.total_rows(compared())]
    assert told == [
        "Zones",
        "Units with a zone",
        "Customers",
        "Hours a week",
        "Objective",
        "Mean minutes from the centre, weighted by hours",
        "Share of boundary that is cut",
        "Worst minutes, the longer way",
        "Changes zone from today",
        "Checks of the rules broken",
    ]


def test_what_is_broken_comes_first_level_by_level_and_all_else_rule_by_rule() -> None:
    told = [(row["rule"], row["where"], row["cells"][1]["says"]) for row in rows.rule_rows(compared())]
    assert told[:3] == [
        ("Volume", "Level 1", "4 of 4 broken"),
        ("Cover", "the plan", "met (2)"),
        ("Centre", "all levels", "met (2)"),
    ]


def test_bars_are_as_long_as_their_change_and_go_its_way() -> None:
    (table,) = rows.group_tables(compared(by="ruc"))[:1]
    assert table["by"] == "Rural or urban (ruc)"
    rural, urban = table["rows"]
    assert (rural["change"], rural["bar"]) == ("+1.00", {"x": 60.0, "wide": 60.0, "longer": True})
    assert (urban["change"], urban["bar"]["wide"]) == ("no change", 0)


def test_minutes_out_of_reach_have_no_bar_and_are_said_in_words() -> None:
    minutes = toy.minutes()
    minutes[:, 2] = minutes[2, :] = math.inf
    problem = toy.problem(times=zd.TravelTimes.from_matrix(minutes, toy.IDS))
    plan = toy.plan(problem)
    found = zd.compare({"a": plan, "b": plan.move("A1", "east")}, problem, by="ruc")
    rural = rows.group_tables(found)[0]["rows"][0]
    assert (rural["before"], rural["change"], rural["bar"], rural["worst_after"]) == (
        "out of reach",
        "",
        None,
        "out of reach",
    )
    assert "out of reach" in compare_page(found)


@pytest.mark.parametrize(("number", "pairs"), [(2, 1), (3, 3), (5, 10), (6, 5)])
def test_up_to_five_plans_any_two_stand_side_by_side_else_each_with_the_first(
    number: int, pairs: int
) -> None:
    problem = toy.problem()
    plans = {f"plan {k}": toy.plan(problem).move(toy.IDS[2 * (k % 2)], "east") for k in range(number)}
    page = compare_page(zd.compare(plans, problem))
    assert len(re.findall(r'<p class="summary"', page)) == pairs


def test_the_page_has_no_address_to_fetch_from_and_forbids_fetching() -> None:
    page = compare_page(compared())
    assert "default-src 'none'" in page
    page = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)  # Leaflet's names its own licence
    assert re.findall(r'(?:src|href)="(?!#|data:)', page) == []
    assert re.findall(r"url\((?!#)[^)]*\)", page) == []


def test_more_plans_than_one_may_break_rules_or_lack_levels_and_the_page_is_made() -> None:
    problem = toy.problem()
    plan = toy.plan(problem)
    other = zd.Plan(plan.of_units, plan.times, plan.zone, plan.zone_ids, ("village", "1"), plan.centres)
    found = zd.compare({"today": plan, "other": other}, problem)
    assert "not in the scenario" in compare_page(found)
    assert ("Level", "village", "1 of 1 broken") in [
        (row["rule"], row["where"], row["cells"][1]["says"]) for row in rows.rule_rows(found)
    ]
