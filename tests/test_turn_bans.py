"""Turns that an extract forbids: which three nodes each restriction means, and which are left out openly."""

from __future__ import annotations

import pytest
from test_osm import osm

from zonedesign.osm import read_roads

# A crossroads: 1 in the middle, 2 west, 3 east, 4 north, 5 south; way 1x leads from 1 to x.
PLACES = {
    1: (-0.73, 52.67),
    2: (-0.731, 52.67),
    3: (-0.729, 52.67),
    4: (-0.73, 52.671),
    5: (-0.73, 52.669),
}
ARMS = [(10 + arm, [1, arm], {"highway": "primary"}) for arm in (2, 3, 4, 5)]


@pytest.fixture
def banned(tmp_path):
    """Read a crossroads with one restriction, a mapping of tags, and give its banned turns by node id."""

    def read(tags, members, ways=ARMS, profile="free-flow"):
        drawn = "".join(f'<member type="{kind}" ref="{ref}" role="{role}"/>' for kind, ref, role in members)
        drawn += "".join(f'<tag k="{k}" v="{v}"/>' for k, v in ({"type": "restriction"} | tags).items())
        text = osm(*ways, nodes=PLACES).replace(
            "</osm>", f'<relation id="1" version="1">{drawn}</relation></osm>'
        )
        path = tmp_path / "roads.osm"
        path.write_text(text, encoding="utf-8")
        roads = read_roads(path, profile=profile)
        return [tuple(turn) for turn in roads.node_ids[roads.banned_turns].tolist()], roads.counts

    return read


def turn(start, via, end):
    return [("way", start, "from"), ("node", via, "via"), ("way", end, "to")]


@pytest.mark.parametrize("key", ["restriction", "restriction:motorcar", "restriction:motor_vehicle"])
@pytest.mark.parametrize("value", ["no_left_turn", "no_right_turn", "no_straight_on", "no_entry", "no_exit"])
def test_a_ban_is_the_node_before_the_junction_and_the_node_after(banned, key, value):
    turns, counts = banned({key: value}, turn(12, 1, 14))
    assert turns == [(2, 1, 4)]
    assert (counts["turn bans read"], counts["turns banned"]) == (1, 1)


@pytest.mark.parametrize("value", ["only_left_turn", "only_right_turn", "only_straight_on"])
def test_an_only_turn_bans_every_other_way_out(banned, value):
    turns, _ = banned({"restriction": value}, turn(12, 1, 13))
    assert turns == [(2, 1, 2), (2, 1, 4), (2, 1, 5)]


def test_a_u_turn_is_banned_on_the_road_itself(banned):
    assert banned({"restriction": "no_u_turn"}, turn(12, 1, 12))[0] == [(2, 1, 2)]
    through = [(10, [2, 1, 3], {"highway": "primary"}), *ARMS[2:]]
    assert banned({"restriction": "no_u_turn"}, turn(10, 1, 10), ways=through)[0] == [(2, 1, 2), (3, 1, 3)]


def test_no_entry_may_come_from_several_roads(banned):
    turns, _ = banned({"restriction": "no_entry"}, [*turn(12, 1, 14), ("way", 15, "from")])
    assert turns == [(2, 1, 4), (5, 1, 4)]


@pytest.mark.parametrize(
    ("tags", "members", "count"),
    [
        (
            {"restriction": "no_left_turn", "except": "psv;motorcar"},
            turn(12, 1, 14),
            "turn bans that except cars left out",
        ),
        (
            {"restriction:hgv": "no_left_turn", "restriction:conditional": "no_left_turn @ (08:00-09:00)"},
            turn(12, 1, 14),
            "turn bans at certain hours or for others than cars left out",
        ),
        (
            {"restriction": "no_left_turn", "hour_on": "08:00"},
            turn(12, 1, 14),
            "turn bans at certain hours or for others than cars left out",
        ),
        (
            {"restriction": "no_u_turn"},
            [("way", 12, "from"), ("way", 13, "via"), ("way", 14, "to")],
            "turn bans by way of a road left out",
        ),
        ({"restriction": "no_thing"}, turn(12, 1, 14), "turn bans not understood left out"),
        ({"restriction": "no_left_turn"}, turn(12, 1, 14)[:2], "turn bans not understood left out"),
        ({"restriction": "no_left_turn"}, turn(12, 1, 99), "turn bans on roads that are not here left out"),
        ({"restriction": "no_left_turn"}, turn(12, 77, 14), "turn bans on roads that are not here left out"),
    ],
)
def test_what_is_no_ban_for_cars_at_all_hours_is_left_out_and_counted(banned, tags, members, count):
    turns, counts = banned(tags, members)
    assert turns == []
    assert counts[count] == 1


def test_a_bus_is_no_car(banned):
    assert banned({"restriction": "no_left_turn", "except": "bus"}, turn(12, 1, 14))[0] == [(2, 1, 4)]


def test_a_road_that_runs_on_through_the_junction_does_not_say_which_side_is_meant(banned):
    through = [(10, [2, 1, 3], {"highway": "primary"}), *ARMS[2:]]
    turns, counts = banned({"restriction": "no_left_turn"}, turn(10, 1, 14), ways=through)
    assert turns == []
    assert counts["turn bans on a road that runs on through the junction left out"] == 1
    one_way = [(10, [2, 1, 3], {"highway": "primary", "oneway": "yes"}), *ARMS[2:]]
    assert banned({"restriction": "no_left_turn"}, turn(10, 1, 14), ways=one_way)[0] == [(2, 1, 4)]


def test_bans_are_for_cars(banned):
    turns, counts = banned({"restriction": "no_left_turn"}, turn(12, 1, 14), profile="walking")
    assert turns == []
    assert counts.get("turns banned", 0) == 0


def test_the_three_bans_of_rutland_are_between_neighbours(geodata):
    roads = read_roads(geodata / "rutland" / "roads.osm.pbf")
    joined = set(zip(roads.tails.tolist(), roads.heads.tolist(), strict=True))
    assert roads.banned_turns.dtype == "int32"
    assert roads.node_ids[roads.banned_turns].tolist() == [
        [8275227677, 8275227706, 8275340122],
        [8275227681, 8275227703, 8275227676],
        [8275227705, 8275227706, 8275227678],
    ]
    for start, via, end in roads.banned_turns.tolist():
        assert {(start, via), (via, end)} <= joined
    assert roads.with_profile("am-peak").banned_turns is roads.banned_turns
