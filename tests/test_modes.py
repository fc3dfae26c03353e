"""Walking and cycling: which ways of an OSM file they use, in which direction, and how long they take."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from test_osm import BOTH_WAYS, PLACES, links, osm

from zonedesign.errors import DataError, ScenarioError
from zonedesign.osm import no_paths, read_roads
from zonedesign.profiles import JUNCTIONS

MAIN = (9, [4, 5], {"highway": "residential"})


@pytest.fixture
def read(tmp_path):
    """Write an OSM file and read what one may walk or cycle on."""

    def read_text(text, profile, **options):
        path = tmp_path / "roads.osm"
        path.write_text(text, encoding="utf-8")
        return read_roads(path, profile=profile, **options)

    return read_text


@pytest.mark.parametrize(
    ("tags", "walked", "cycled"),
    [
        ({"highway": "footway"}, True, False),
        ({"highway": "pedestrian"}, True, False),
        ({"highway": "path"}, True, False),
        ({"highway": "steps"}, True, False),
        ({"highway": "cycleway"}, True, True),
        ({"highway": "bridleway"}, True, True),
        ({"highway": "track"}, True, True),
        ({"highway": "byway"}, True, True),
        ({"highway": "service"}, True, True),
        ({"highway": "residential"}, True, True),
        ({"highway": "trunk"}, True, True),
        ({"highway": "motorway"}, False, False),
        ({"highway": "motorway_link", "foot": "yes", "bicycle": "yes"}, False, False),
        ({"highway": "construction"}, False, False),
        ({"highway": "trunk", "foot": "no"}, False, True),
        ({"highway": "trunk", "bicycle": "no"}, True, False),
        ({"highway": "trunk", "motorroad": "yes"}, False, False),
        ({"highway": "path", "bicycle": "designated"}, True, True),
        ({"highway": "footway", "bicycle": "yes"}, True, True),
        ({"highway": "footway", "bicycle": "dismount"}, True, False),
        ({"highway": "steps", "bicycle": "yes"}, True, False),
        ({"highway": "footway", "access": "private"}, False, False),
        ({"highway": "footway", "foot": "private"}, False, False),
        ({"highway": "track", "access": "no", "foot": "yes"}, True, False),
        ({"highway": "track", "access": "agricultural"}, False, False),
        ({"highway": "track", "motor_vehicle": "no"}, True, True),
        ({"highway": "track", "vehicle": "no"}, True, False),
        ({"highway": "track", "vehicle": "no", "bicycle": "permissive"}, True, True),
        ({"highway": "service", "access": "customers"}, True, True),
        ({"highway": "cycleway", "foot": "no"}, False, True),
        ({"highway": "footway", "foot": "designated;no"}, True, False),
    ],
)
def test_who_may_use_a_way(read, tags, walked, cycled):
    text = osm(MAIN, (10, [1, 2], tags))
    assert ((1, 2) in links(read(text, "walking"))) is walked
    assert ((1, 2) in links(read(text, "cycling"))) is cycled


@pytest.mark.parametrize(
    ("tags", "walked", "cycled"),
    [
        ({"oneway": "yes"}, BOTH_WAYS, [(1, 2)]),
        ({"oneway": "-1"}, BOTH_WAYS, [(2, 1)]),
        ({"junction": "roundabout"}, BOTH_WAYS, [(1, 2)]),
        ({"oneway": "yes", "oneway:foot": "yes"}, [(1, 2)], [(1, 2)]),
        ({"oneway:foot": "-1"}, [(2, 1)], BOTH_WAYS),
        ({"oneway": "yes", "oneway:bicycle": "no"}, BOTH_WAYS, BOTH_WAYS),
        ({"oneway:bicycle": "yes"}, BOTH_WAYS, [(1, 2)]),
        ({"oneway": "yes", "cycleway": "opposite"}, BOTH_WAYS, BOTH_WAYS),
        ({"oneway": "yes", "cycleway:right": "opposite_lane"}, BOTH_WAYS, BOTH_WAYS),
        ({"oneway": "yes", "cycleway:left:oneway": "-1"}, BOTH_WAYS, BOTH_WAYS),
        ({"oneway": "yes", "cycleway": "lane"}, BOTH_WAYS, [(1, 2)]),
        ({"oneway:motor_vehicle": "yes"}, BOTH_WAYS, BOTH_WAYS),
        ({"oneway:vehicle": "yes"}, BOTH_WAYS, [(1, 2)]),
    ],
)
def test_one_way_roads_bind_cyclists_but_for_lanes_against_the_traffic(read, tags, walked, cycled):
    text = osm((10, [1, 2], {"highway": "residential", **tags}))
    assert links(read(text, "walking")) == walked
    assert links(read(text, "cycling")) == cycled


def test_minutes_follow_from_the_length_and_the_speed_whatever_limit_and_town(read):
    text = osm(
        (10, [1, 2], {"highway": "residential", "maxspeed": "20 mph", "lit": "yes"}),
        (11, [2, 3], {"highway": "steps"}),
        (12, [3, 4], {"highway": "track"}),
    )
    walk, cycle = read(text, "walking"), read(text, "cycling")
    assert (walk.length_m / walk.minutes * 0.06).round(6).tolist() == [4.8, 4.8, 2.4, 2.4, 4.8, 4.8]
    assert (cycle.length_m / cycle.minutes * 0.06).round(6).tolist() == [16.0, 16.0, 12.0, 12.0]
    assert np.isnan(walk.maxspeed_kph).all()
    assert not walk.built_up.any()


def test_walkers_wait_at_signals_and_crossings_and_nowhere_else(read):
    text = osm(
        (10, [1, 2, 3, 4], {"highway": "residential"}),
        (11, [4, 5], {"highway": "primary"}),
        (12, [4, 6], {"highway": "footway"}),
        node_tags={
            1: {"highway": "traffic_signals"},
            2: {"highway": "crossing"},
            3: {"highway": "crossing", "crossing": "traffic_signals"},
            4: {"highway": "mini_roundabout"},
        },
    )
    walk = read(text, "walking")
    met = {
        int(walk.node_ids[head]): JUNCTIONS[kind]
        for head, kind in zip(walk.heads, walk.junction, strict=True)
    }
    assert met == {1: "signals", 2: "crossing", 3: "signals", 4: "none", 5: "none", 6: "none"}
    into = walk.node_ids[walk.heads]
    assert walk.junction_minutes[into == 1].tolist() == pytest.approx([5 / 60])
    assert walk.junction_minutes[into == 2].tolist() == pytest.approx([2 / 60] * 2)


@pytest.mark.parametrize(
    ("barrier", "walked", "cycled"),
    [
        ({"barrier": "bollard"}, True, True),
        ({"barrier": "gate"}, True, True),
        ({"barrier": "stile"}, True, False),
        ({"barrier": "kissing_gate"}, True, False),
        ({"barrier": "kissing_gate", "bicycle": "yes"}, True, True),
        ({"barrier": "wall"}, False, False),
        ({"barrier": "gate", "access": "private"}, False, False),
        ({"barrier": "gate", "access": "private", "foot": "yes"}, True, False),
        ({"barrier": "gate", "motor_vehicle": "private"}, True, True),
    ],
)
def test_what_a_barrier_closes(read, barrier, walked, cycled):
    text = osm(MAIN, (10, [1, 2, 3], {"highway": "track"}), node_tags={2: barrier})
    assert ((1, 2) in links(read(text, "walking"))) is walked
    assert ((1, 2) in links(read(text, "cycling"))) is cycled


def test_what_is_left_out_is_counted_by_who_may_not_use_it(read):
    text = osm(
        MAIN,
        (10, [1, 2], {"highway": "trunk", "foot": "no", "bicycle": "no"}),
        (11, [1, 2], {"highway": "proposed"}),
        (12, [1, 2], {"highway": "footway", "access": "private"}),
        (13, [1, 2, 3, 1], {"highway": "pedestrian", "area": "yes"}),
        (14, [1, 2], {"route": "ferry"}),
    )
    counts = read(text, "walking").counts
    expected = {
        "roads closed to walkers left out": 1,
        "ways that are no way for walkers left out": 1,
        "private roads left out": 1,
        "areas kept as the way round them": 1,
        "ferries left out": 1,
        "roads read": 2,
    }
    assert {name: counts[name] for name in expected} == expected
    assert read(text, "cycling").counts["roads closed to cyclists left out"] == 3


def test_private_paths_and_ferries_are_kept_where_asked_for(read):
    text = osm(
        MAIN,
        (10, [1, 2], {"highway": "footway", "foot": "private"}),
        (11, [2, 3], {"route": "ferry", "duration": "00:08"}),
        (12, [3, 6], {"route": "ferry", "foot": "no"}),
    )
    roads = read(text, "walking", private=True, ferries=True)
    assert links(roads) == [(1, 2), (2, 1), (2, 3), (3, 2), (4, 5), (5, 4)]
    assert roads.minutes.max() == pytest.approx(8.0)
    assert roads.counts["ferries that take no walkers left out"] == 1


def test_roads_read_for_cars_are_not_walked_and_the_message_says_what_to_do(read):
    text = osm((10, [1, 2], {"highway": "residential"}))
    with pytest.raises(
        ScenarioError, match=r"was read for cars.*'walking' is for walkers.*read the file again"
    ):
        read(text, "free-flow").with_profile("walking")
    with pytest.raises(ScenarioError, match=r"was read for walkers.*'am-peak' is for cars"):
        read(text, "walking").with_profile("am-peak")


def test_roads_read_for_walkers_take_another_profile_for_walkers(read):
    roads = read(osm((10, [1, 2], {"highway": "footway"})), "walking")
    slow = roads.with_profile({"mode": "foot", "speeds": {"footway": 2.4}})
    assert (slow.minutes / roads.minutes).tolist() == pytest.approx([2.0, 2.0])
    assert (roads.mode, slow.mode, repr(roads).endswith("walking>")) == ("foot", "foot", True)


def test_a_file_without_a_way_for_them_is_refused(read):
    with pytest.raises(DataError, match="no way for cyclists; 1 other way"):
        read(osm((10, [1, 2], {"highway": "steps"})), "cycling")


@pytest.mark.parametrize("profile", ["walking", "cycling"])
def test_a_file_that_holds_no_path_is_said_to_hold_car_roads_only(read, caplog, profile):
    roads = read(osm(MAIN, (10, [1, 2], {"highway": "service"})), profile)
    assert roads.counts["footways, cycleways and other paths in the data"] == 0
    assert no_paths(roads).startswith("no footways or cycleways in roads.osm: it may hold car roads only; ")
    assert no_paths(roads).endswith(f"--mode {roads.mode}'")
    assert caplog.messages == [no_paths(roads)]


def test_a_path_speaks_for_a_file_of_all_ways_even_where_it_is_closed(read, caplog):
    roads = read(osm(MAIN, (10, [1, 2], {"highway": "footway", "foot": "private"})), "cycling")
    assert roads.counts["footways, cycleways and other paths in the data"] == 1
    assert no_paths(roads) is None
    assert no_paths(read(osm(MAIN), "free-flow")) is None  # a car needs none
    assert caplog.messages == []


def test_a_graph_of_car_roads_is_told_from_one_of_all_ways(caplog):
    graph = drive_graph()
    assert no_paths(read_roads(graph, profile="walking")) is None
    graph.remove_edges_from([(2, 3), (3, 2)])
    assert "car roads only" in no_paths(read_roads(graph, profile="walking"))
    assert len(caplog.messages) == 1


def drive_graph():
    """A one-way street and a path both ways, as OSMnx makes them."""
    graph = nx.MultiDiGraph(crs="epsg:4326")
    for key in (1, 2, 3):
        graph.add_node(key, x=PLACES[key][0], y=PLACES[key][1])
    graph.nodes[2]["highway"] = "crossing"
    graph.add_edge(1, 2, 0, highway="residential", length=68.0, oneway=True, reversed=False)
    graph.add_edge(2, 3, 0, highway="path", length=80.0, oneway=False, reversed=False)
    graph.add_edge(3, 2, 0, highway="path", length=80.0, oneway=False, reversed=True)
    return graph


def test_walkers_go_both_ways_along_the_one_way_edges_of_a_graph():
    walk = read_roads(drive_graph(), profile="walking")
    assert links(walk) == [(1, 2), (2, 1), (2, 3), (3, 2)]
    assert walk.counts["one-way edges taken both ways"] == 1
    assert walk.minutes[0] == pytest.approx((0.068 / 4.8 + 2 / 3600) * 60)
    assert links(read_roads(drive_graph(), profile="cycling")) == [(1, 2)]
    assert links(read_roads(drive_graph())) == [(1, 2)]


def test_cyclists_go_against_the_traffic_of_a_graph_where_tags_let_them():
    graph = drive_graph()
    graph.edges[1, 2, 0]["oneway:bicycle"] = "no"
    assert links(read_roads(graph, profile="cycling")) == BOTH_WAYS


def test_frames_of_paths_are_walked():
    nodes = pd.DataFrame({"x": [465000.0, 465480.0], "y": [1e5, 1e5]})
    edges = pd.DataFrame({"from": [0], "to": [1], "road_class": ["footway"]})
    roads = read_roads((nodes, edges), profile="walking", crs=27700)
    assert roads.minutes.tolist() == pytest.approx([6.0])
    assert roads.with_profile("cycling").minutes.tolist() == pytest.approx([0.48 / 12 * 60])


def test_more_of_rutland_can_be_walked_than_cycled_and_cycled_than_driven(geodata):
    path = geodata / "rutland" / "roads.osm.pbf"
    walk, cycle, drive = (read_roads(path, profile=name) for name in ("walking", "cycling", "free-flow"))
    assert [int(roads.main.sum()) for roads in (walk, cycle, drive)] == [39_576, 32_958, 16_430]
    assert walk.length_m.sum() / walk.minutes.sum() * 0.06 == pytest.approx(4.8, abs=0.05)
