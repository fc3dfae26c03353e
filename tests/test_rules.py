"""Rules are small values: equal by what they say, and refused where they say nothing."""

from __future__ import annotations

import pytest

import zonedesign as zd
from zonedesign.rules import implied


def test_a_rule_equals_another_that_says_the_same():
    assert zd.Volume("1") == zd.Volume(1)
    assert zd.Volume("1") != zd.Reach("1")
    assert len({zd.Contiguous(), zd.Contiguous()}) == 1


def test_units_together_come_as_one_list_or_one_by_one():
    assert zd.Together(["a", "b"]) == zd.Together("a", "b") == zd.Together(("a", "b", "a"))
    assert zd.Together(1, 2).units == (1, 2)


@pytest.mark.parametrize("units", [["a"], "ab", [], 5, ["a", "a"]])
def test_one_unit_is_not_together_with_anything(units):
    with pytest.raises(zd.ScenarioError, match="together needs two units or more"):
        zd.Together(units)


def test_a_unit_cannot_be_apart_from_itself():
    with pytest.raises(zd.ScenarioError, match="apart names a twice"):
        zd.Apart("a", "a")


def test_a_border_has_the_name_of_its_column():
    assert zd.NestIn("lad_code").name == "lad_code"
    assert zd.NestIn({"a": 1}).name == "border"


def test_a_code_belongs_to_one_joint_group():
    with pytest.raises(zd.ScenarioError, match="council: B in more than one joint group"):
        zd.NestIn("council", joint=(("A", "B"), ("B", "C")))


def test_a_level_implies_volume_reach_count_and_what_else_it_states():
    assert implied(zd.Level("1")) == [zd.Volume("1"), zd.Reach("1"), zd.ZoneCount("1")]
    everything = zd.Level(
        "1",
        max_minutes_between=30,
        max_miles=7,
        hours_share=(0, 1),
        character=zd.CharacterShare("ruc", ("Urban",), 0.5),
    )
    assert [type(rule).__name__ for rule in implied(everything)] == [
        "Volume",
        "Reach",
        "Diameter",
        "MaxMiles",
        "ZoneCount",
        "HoursShare",
        "Character",
    ]
