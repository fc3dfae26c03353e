"""Why not: planted causes are the ones blamed, alone and together, and every relaxation is proved by solving again."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
import toy
from planted import IDS, row

import zonedesign as zd
from zonedesign.explain import Change
from zonedesign.explain.candidates import Candidates
from zonedesign.explain.dials import level_dials
from zonedesign.explain.letting import bridge_dial, exclusion_dial
from zonedesign.explain.run import _Run
from zonedesign.explain.trials import Trials
from zonedesign.explain.words import contradiction
from zonedesign.levels import CharacterShare
from zonedesign.progress import silent

LONG = 600.0
"""Seconds that nothing here takes: every trial has its share, also on a machine that is busy."""
URBAN = CharacterShare("ruc", ("Urban",), 0.5)
GAPPED = [("a", "b"), ("d", "e"), ("e", "f")]
"""Links without those of c."""

ALONE = {
    "least hours": (lambda: row(weekly_hours=(35, 40)), "Volume", "weekly_hours", 30.0),
    "most hours": (lambda: row(weekly_hours=(20, 25)), "Volume", "weekly_hours", 30.0),
    "least customers": (lambda: row(customers=(4, 6)), "Volume", "customers", 3.0),
    "most customers": (lambda: row(customers=(1, 2), weekly_hours=(30, 40)), "Volume", "customers", 3.0),
    "minutes": (lambda: row(max_minutes=4), "Reach", "reach_minutes", 5.0),
    "minutes between": (
        lambda: row(max_minutes_between=8, weekly_hours=(30, 40)),
        "Diameter",
        "minutes_between",
        10.0,
    ),
    "miles": (lambda: row(max_miles=0.5), "MaxMiles", "miles", 1.0),
    "too many zones": (lambda: row(zones=4), "ZoneCount", "zones", 3.0),
    "too few zones": (lambda: row(zones=1), "ZoneCount", "zones", 2.0),
    "share of hours": (lambda: row(hours_share=(0, 0.9)), "HoursShare", "hours_share", 1.0),
    "character": (lambda: row(character=URBAN), "Character", "character_share", 0.333),
    "a gap in the map": (lambda: row(links=GAPPED), "Bridge", "bridges", None),
    "together": (lambda: row(zd.Together("a", "f")), "Together", "zones of a, f", None),
    "apart": (lambda: row(zd.Apart("a", "b")), "Apart", "zones of a, b", None),
    "a centre": (lambda: row(zd.CentreAt("a")), "CentreAt", "zones with their centre at a", None),
    "fixed": (lambda: row(zd.Fixed("a", "E")), "Fixed", "a with the centre of E, e", None),
    "frozen": (lambda: row(zd.Frozen("W")), "Frozen", "units that left or joined W", None),
    "a border": (
        lambda: row(zd.NestIn("side"), weekly_hours=(30, 40)),
        "NestIn",
        "codes of side",
        None,
    ),
    "authorities": (
        lambda: row(authority="side", weekly_hours=(30, 40)),
        "NestIn",
        "codes of authority",
        None,
    ),
}
TOGETHER = {
    "hours and minutes": (lambda: row(weekly_hours=(35, 40), max_minutes=4), {"Volume", "Reach"}),
    "hours and customers": (
        lambda: row(weekly_hours=(20, 25), customers=(4, 6)),
        {"Volume"},
    ),
    "a lock and miles": (lambda: row(zd.Together("a", "f"), max_miles=0.5), {"Together", "MaxMiles"}),
    "a gap and a lock": (
        lambda: row(zd.Apart("d", "e"), links=GAPPED, weekly_hours=(30, 40)),
        {"Bridge", "Apart"},
    ),
}


@cache
def explained(name: str) -> tuple[zd.Problem, zd.Explanation]:
    problem = (ALONE | TOGETHER)[name][0]()
    return problem, zd.explain(problem, time_limit=LONG)


@pytest.mark.parametrize("name", ALONE)
def test_a_planted_cause_is_the_one_blamed_first(name):
    _, rule, quantity, after = ALONE[name]
    _, found = explained(name)
    assert found.feasible is False
    assert found.causes
    first = found.relaxations[0]
    assert [(each.rule, each.quantity) for each in first.changes] == [(rule, quantity)]
    assert first.after == (None if after is None else pytest.approx(after))
    assert first.least


@pytest.mark.parametrize("name", TOGETHER)
def test_causes_planted_together_are_all_blamed_and_no_other(name):
    _, found = explained(name)
    assert found.feasible is False
    assert {each.rule for each in found.relaxations[0].changes} == TOGETHER[name][1]
    assert all(len(each.changes) > 1 for each in found.relaxations)


@pytest.mark.parametrize("name", ALONE)
def test_every_relaxation_has_a_plan_when_solved_again(name):
    _, found = explained(name)
    for each in found.relaxations:
        assert zd.verify(each.plan, each.problem)["passed"].all()
        again = zd.solve(each.problem, time_limit=60, gap=1.0)
        assert zd.verify(again, each.problem)["passed"].all()


@pytest.mark.parametrize("name", ["together", "apart", "a centre", "fixed", "frozen"])
def test_a_lock_that_cannot_be_kept_is_named_by_every_cause(name):
    _, found = explained(name)
    lock = {"together": "a, f", "apart": "a and b", "a centre": "unit a", "fixed": "a, e", "frozen": "W"}
    assert all(lock[name] in cause for cause in found.causes)


@pytest.mark.parametrize(
    ("name", "innocent"),
    [
        ("miles", "max_minutes"),
        ("character", "widen a band"),
        ("minutes between", "of the centre"),
        ("a border", "minutes"),
        ("authorities", "minutes"),
        ("apart", "minutes"),
        ("together", "hours"),
    ],
)
def test_no_cause_names_a_rule_that_has_no_part_in_it(name, innocent):
    _, found = explained(name)
    assert [cause for cause in found.causes if innocent in cause] == []


def test_rules_that_contradict_one_another_are_named_together():
    _, found = explained("a centre")
    assert list(found.causes) == [
        (
            "these 3 rules cannot all be met, though without any one of them the others can be: a centre at "
            "unit a; level 1: within 5 minutes of the centre; level 1: at most 2 zones"
        )
    ]


def test_sentences_have_numbers_and_places():
    _, hours = explained("least hours")
    assert hours.relaxations[0].sentence == (
        "Level 1 needs a minimum of 30 h instead of 35 h in two zones around b and e"
    )
    _, minutes = explained("minutes")
    assert minutes.relaxations[0].sentence == (
        "Level 1 needs 5 minutes instead of 4 for four units near a, c, d and 1 more"
    )
    _, both = explained("hours and customers")
    assert both.relaxations[0].sentence == (
        "Level 1 needs a maximum of 30 h instead of 25 h and a minimum of 3 customers instead of 4 in two zones "
        "around b and e"
    )
    _, parts = explained("hours and minutes")
    assert parts.relaxations[0].sentence == (
        "Level 1 needs a minimum of 30 h instead of 35 h in two zones around b and e, and 5 minutes instead of "
        "4 for four units near a, c, d and 1 more"
    )


def test_zones_are_called_by_their_places():
    found = zd.explain(toy.problem(level={"weekly_hours": (61, 70)}), time_limit=LONG)
    assert "in two zones around Ashby and Burton" in found.relaxations[0].sentence


def test_what_to_write_in_the_scenario_stands_beside_each_change():
    written = {name: explained(name)[1].relaxations[0].changes[0].setting for name in ALONE}
    assert written["least hours"] == "level 1: weekly_hours = [30, 40]"
    assert written["minutes"] == "level 1: max_minutes = 5"
    assert written["too many zones"] == "level 1: zones = [3, 4]"
    assert written["character"].endswith('values = ["Urban"], at_least = 0.333 }')
    assert written["a gap in the map"] == 'units: bridges = [["b", "c"]]'
    assert written["authorities"] == 'units: joint = [["w", "e"]]'
    assert written["together"] == 'locks: together, without ["a", "f"]'
    assert written["frozen"] == 'locks: frozen, without "W"'


def test_relaxations_are_ranked_by_size():
    _, found = explained("a centre")
    sizes = [each.size for each in found.relaxations]
    assert sizes == sorted(sizes)
    assert [each.rule for each in found.relaxations] == ["CentreAt", "ZoneCount", "Reach"]


def test_leaving_people_out_is_the_last_resort():
    _, found = explained("a gap in the map")
    assert [each.rule for each in found.relaxations][-1] == "Exclude"
    last = found.relaxations[-1]
    assert last.changes[0].units == ("c",)
    assert list(last.plan.units.index) == ["a", "b", "d", "e", "f"]


def test_units_off_the_road_are_left_out_though_each_could_be_a_zone_alone():
    problem = row(weekly_hours=(10, 40), customers=(1, 4), zones=(2, 3))
    metres = pd.Series([0.0] * 5 + [2_000.0], index=IDS)
    times = replace(problem.times, snapped_m=metres, provenance={"max_snap_m": 1_000.0})
    found = zd.explain(problem.with_(times=times), time_limit=LONG)
    assert found.feasible is False
    assert found.causes[0].startswith("1 unit lies more than 1,000 m from the road network")
    assert [each.sentence for each in found.relaxations] == ["One unit left out: f"]


# Two levels that share a limit.


def two_levels(**level: object) -> zd.Problem:
    """The row with a zone of each of two levels."""
    bands = {"weekly_hours": (20, 40), "zones": 1, "max_minutes": 4} | level
    return row().with_(levels=[zd.Level(name, **bands) for name in "12"])


def test_a_limit_that_levels_share_is_blamed_once():
    found = zd.explain(two_levels(weekly_hours=(30, 40)), time_limit=LONG)
    assert [each.sentence for each in found.relaxations if each.rule == "Reach"] == [
        "Levels 1 and 2 need 5 minutes instead of 4 for four units near a, c, d and 1 more"
    ]


def test_a_limit_that_levels_share_is_blamed_together_with_another():
    problem = two_levels(weekly_hours=(35, 40))
    found = zd.explain(problem, time_limit=LONG)
    blamed = [
        {(each.rule, each.level, each.quantity) for each in relaxation.changes}
        for relaxation in found.relaxations
    ]
    assert any(("Reach", None, "reach_minutes") in each and len(each) == 2 for each in blamed), blamed


# How changes are looked for, and which are said.


def test_every_single_change_is_tried_before_any_two(monkeypatch):
    sizes = []
    tried = Candidates._try

    def noted(self, dials, **options):
        sizes.append(len(dials))
        return tried(self, dials, **options)

    monkeypatch.setattr(Candidates, "_try", noted)
    zd.explain(row(weekly_hours=(35, 40), max_minutes=4), time_limit=LONG)
    assert 2 in sizes
    assert sizes == sorted(sizes)


def test_a_limit_that_moves_many_times_itself_is_no_answer_beside_a_smaller_change():
    problem, found = explained("a centre")
    small, large = found.relaxations[0], replace(found.relaxations[1], size=29.0)
    run = _Run(problem, 60.0, Trials(float("inf")), silent, feasible=False)
    run.relaxations = [large, small]
    assert run.explanation().relaxations == (small,)
    run.relaxations = [large]
    assert run.explanation().relaxations == (large,)


def test_a_cause_says_what_it_is_sure_of():
    problem = row(links=GAPPED)
    minutes, *others = level_dials(problem)
    bridge = bridge_dial(problem)
    left_out = exclusion_dial(problem, np.array([2]))
    says = minutes.says
    assert contradiction([minutes], certain=True) == f"no plan meets this, whatever else is allowed: {says}"
    assert contradiction([minutes], certain=False) == f"no plan meets this: {says}"
    assert contradiction([minutes, bridge], certain=True) == (
        f"no plan meets this without a bridge, whatever else is allowed: {says}"
    )
    assert (
        contradiction([minutes, left_out], certain=False) == f"no plan meets this with every unit in: {says}"
    )
    assert contradiction([minutes, others[0]], certain=False) == (
        "these 2 rules cannot all be met, though not each of them need have a part in it: "
        f"{says}; {others[0].says}"
    )
    assert contradiction([left_out], certain=True).endswith("units must be left out, or data corrected")


def test_a_problem_with_a_plan_blames_nothing():
    problem = row()
    found = zd.explain(problem)
    assert found.feasible is True
    assert zd.verify(found.plan, problem)["passed"].all()
    assert (found.causes, found.relaxations, found.notes) == ((), (), ())
    assert str(found) == "a plan exists: there is nothing to explain"


def test_what_time_was_too_short_to_tell_is_not_claimed():
    found = zd.explain(row(zd.Apart("a", "b")), time_limit=1e-9)
    assert found.feasible is None
    assert found.causes == ()
    assert found.verdict == "neither a plan nor a proof that there is none was found in 0 s: a plan may exist"


def test_an_interrupt_ends_with_what_is_known(monkeypatch):
    def stop(_run):
        raise KeyboardInterrupt

    monkeypatch.setattr(Candidates, "look_further", stop)
    found = zd.explain(row(zones=4), time_limit=LONG)
    assert found.feasible is False
    assert found.relaxations[0].rule == "ZoneCount"
    assert found.notes[-1].startswith("interrupted")


def test_travel_times_that_stop_at_the_limit_are_said_to_hide_what_is_beyond():
    problem = row(max_minutes=4)
    minutes = problem.times.to_array()
    short = zd.TravelTimes.from_matrix(np.where(minutes <= 4, minutes, np.inf), IDS)
    found = zd.explain(problem.with_(times=replace(short, max_minutes=4.0)), time_limit=LONG)
    assert list(found.notes) == [
        (
            "level 1: travel times stop at 4 minutes, so nothing is known of a longer max_minutes; "
            "compute them with a larger max_minutes"
        )
    ]
    assert "Reach" not in {change.rule for each in found.relaxations for change in each.changes}


def test_the_frame_has_a_row_for_every_change():
    _, found = explained("hours and minutes")
    frame = found.to_frame()
    assert frame["rank"].tolist() == [1, 1]
    assert frame["rule"].tolist() == ["Volume", "Reach"]
    assert frame[["before", "after"]].to_numpy().tolist() == [[35.0, 30.0], [4.0, 5.0]]
    assert frame["least"].tolist() == [True, True]
    assert zd.explain(row()).to_frame().empty


def test_an_explanation_prints_as_numbered_sentences():
    _, found = explained("too few zones")
    lines = str(found).splitlines()
    assert lines[0] == f"no plan can exist: {len(found.causes)} causes"
    assert lines[1].startswith("- all units together have 60 h")
    assert "1. Level 1 needs 2 zones instead of 1" in lines
    assert repr(found) == str(found)
    assert repr(found.relaxations[0]) == "<Relaxation: Level 1 needs 2 zones instead of 1>"


def test_data_hold_what_is_said():
    _, found = explained("minutes")
    data = found.as_dict()
    assert data["feasible"] is False
    change = data["relaxations"][0]["changes"][0]
    assert (change["rule"], change["level"], change["before"], change["after"]) == ("Reach", "1", 4.0, 5.0)
    assert change["units"] == ["a", "c", "d", "f"]
    assert isinstance(found.relaxations[0].changes[0], Change)


@pytest.mark.parametrize("options", [{"time_limit": 0}, {"seed": -1}, {"threads": 0}])
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(zd.ScenarioError):
        zd.explain(row(), **options)
