"""Roads read from OSM extracts and from frames."""

from __future__ import annotations

import bz2
import gzip

import numpy as np
import pandas as pd
import pytest

from zonedesign.errors import DataError, ScenarioError
from zonedesign.osm import read_roads
from zonedesign.profiles import JUNCTIONS, MPH

# Six nodes on a line going east from Oakham, some 68 m apart.
PLACES = {i: (-0.7300 + 0.001 * i, 52.67) for i in range(1, 7)}


def osm(*ways, nodes=PLACES, node_tags=None, ways_first=False):
    """An OSM XML file: `ways` are (id, refs, tags)."""
    drawn = []
    for key, (lon, lat) in nodes.items():
        inner = "".join(f'<tag k="{k}" v="{v}"/>' for k, v in (node_tags or {}).get(key, {}).items())
        drawn.append(f'<node id="{key}" version="1" lat="{lat}" lon="{lon}">{inner}</node>')
    lines = []
    for key, refs, tags in ways:
        inner = "".join(f'<nd ref="{ref}"/>' for ref in refs)
        inner += "".join(f'<tag k="{k}" v="{v}"/>' for k, v in tags.items())
        lines.append(f'<way id="{key}" version="1">{inner}</way>')
    body = "".join(lines + drawn if ways_first else drawn + lines)
    return f'<?xml version="1.0" encoding="UTF-8"?><osm version="0.6">{body}</osm>'


@pytest.fixture
def read(tmp_path):
    """Write an OSM file and read its roads."""

    def read_text(text, name="roads.osm", **options):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return read_roads(path, **options)

    return read_text


def links(roads):
    _, edges = roads.to_frames()
    return sorted(map(tuple, edges[["from", "to"]].to_numpy().tolist()))


BOTH_WAYS = [(1, 2), (2, 1)]


def test_a_road_is_read_both_ways_with_its_length_on_the_ground(read):
    roads = read(osm((10, [1, 2, 3], {"highway": "primary"})))
    assert links(roads) == [(1, 2), (2, 1), (2, 3), (3, 2)]
    assert roads.crs.to_epsg() == 27700
    assert roads.length_m[0] == pytest.approx(67.6, abs=0.1)
    assert roads.attribution == "© OpenStreetMap contributors"
    assert roads.source == "roads.osm"
    assert len(roads.sha256) == 64


@pytest.mark.parametrize("ways_first", [False, True])
def test_negative_ids_and_unsorted_files_are_read_alike(read, ways_first):
    nodes = {-5: PLACES[1], 7: PLACES[2], -1: PLACES[3]}
    text = osm((-10, [-5, 7, -1], {"highway": "tertiary"}), nodes=nodes, ways_first=ways_first)
    assert links(read(text)) == [(-5, 7), (-1, 7), (7, -5), (7, -1)]


@pytest.mark.parametrize(("ending", "pack"), [(".osm.gz", gzip.compress), (".osm.bz2", bz2.compress)])
def test_packed_files_are_read_and_truncated_ones_refused(tmp_path, ending, pack):
    packed = pack(osm((10, [1, 2], {"highway": "primary"})).encode())
    whole, cut = tmp_path / f"whole{ending}", tmp_path / f"cut{ending}"
    whole.write_bytes(packed)
    cut.write_bytes(packed[: len(packed) // 2])
    assert links(read_roads(whole)) == BOTH_WAYS
    with pytest.raises(DataError, match="cannot be read to its end"):
        read_roads(cut)


def test_a_pbf_file_is_read_and_a_truncated_one_refused(tmp_path):
    import osmium

    whole, cut = tmp_path / "whole.osm.pbf", tmp_path / "cut.osm.pbf"
    with osmium.SimpleWriter(str(whole)) as writer:
        for key, place in PLACES.items():
            writer.add_node(osmium.osm.mutable.Node(id=key, location=place))
        writer.add_way(osmium.osm.mutable.Way(id=10, nodes=[1, 2], tags={"highway": "primary"}))
    assert links(read_roads(whole)) == BOTH_WAYS
    cut.write_bytes(whole.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"cut.osm.pbf cannot be read to its end .*truncated") as error:
        read_roads(cut)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"oneway": "yes"}, [(1, 2)]),
        ({"oneway": "true"}, [(1, 2)]),
        ({"oneway": "1"}, [(1, 2)]),
        ({"oneway": "-1"}, [(2, 1)]),
        ({"oneway": "reverse"}, [(2, 1)]),
        ({"oneway": "no"}, BOTH_WAYS),
        ({"oneway": "alternating"}, BOTH_WAYS),
        ({"oneway": "perhaps"}, BOTH_WAYS),
        ({"highway": "motorway"}, [(1, 2)]),
        ({"highway": "motorway_link"}, [(1, 2)]),
        ({"highway": "motorway", "oneway": "no"}, BOTH_WAYS),
        ({"highway": "trunk"}, BOTH_WAYS),
        ({"junction": "roundabout"}, [(1, 2)]),
        ({"junction": "circular"}, [(1, 2)]),
        ({"junction": "roundabout", "oneway": "-1"}, [(2, 1)]),
        ({"oneway": "yes", "oneway:motor_vehicle": "no"}, BOTH_WAYS),
    ],
)
def test_the_direction_of_travel(read, tags, expected):
    assert links(read(osm((10, [1, 2], {"highway": "primary", **tags})))) == expected


@pytest.mark.parametrize(
    ("tags", "kept"),
    [
        ({}, True),
        ({"access": "no"}, False),
        ({"access": "private"}, False),
        ({"access": "destination"}, True),
        ({"access": "permissive"}, True),
        ({"motor_vehicle": "designated"}, True),
        ({"motorcar": "no"}, False),
        ({"vehicle": "no"}, False),
        ({"motor_vehicle": "private"}, False),
        ({"access": "no", "motor_vehicle": "yes"}, True),
        ({"access": "no", "bus": "yes"}, False),
        ({"access": "no", "motor_vehicle:conditional": "yes @ (19:00-07:00)"}, False),
        ({"motor_vehicle": "no", "motorcar": "yes"}, True),
        ({"motor_vehicle": "yes", "motorcar": "no"}, False),
        ({"vehicle": "yes", "motor_vehicle": "agricultural;forestry"}, False),
        ({"motor_vehicle": "agricultural;destination"}, True),
        ({"highway": "service"}, False),
        ({"highway": "track"}, False),
        ({"highway": "busway"}, False),
        ({"highway": "footway"}, False),
        ({"highway": "construction"}, False),
        ({"highway": "living_street"}, True),
        ({"highway": "road"}, True),
        ({"highway": "tertiary_link"}, True),
        ({"oneway": "reversible"}, False),
        ({"area": "yes"}, False),
    ],
)
def test_what_a_car_may_use(read, tags, kept):
    text = osm((9, [4, 5], {"highway": "primary"}), (10, [1, 2], {"highway": "primary", **tags}))
    assert ((1, 2) in links(read(text))) is kept


def test_private_roads_are_kept_where_asked_for(read):
    text = osm(
        (10, [1, 2], {"highway": "residential", "access": "private"}), (9, [4, 5], {"highway": "primary"})
    )
    assert read(text).counts["private roads left out"] == 1
    assert links(read(text, private=True)) == [*BOTH_WAYS, (4, 5), (5, 4)]


def test_everything_left_out_or_repaired_is_counted(read):
    text = osm(
        (1, [1, 2, 2, 3], {"highway": "primary", "maxspeed": "fast"}),
        (2, [3, 99, 4], {"highway": "primary", "oneway": "perhaps"}),
        (3, [5, 6], {"highway": "secondary", "motor_vehicle:conditional": "no @ (08:00-09:00)"}),
        (4, [1, 2], {"highway": "service"}),
        (5, [1, 2], {"highway": "primary", "access": "no"}),
        (6, [1, 6], {"route": "ferry"}),
        (7, [1, 2], {"highway": "primary", "oneway": "reversible"}),
        (3, [5, 6], {"highway": "secondary"}),
        nodes=PLACES | {7: PLACES[1]},
    )
    counts = read(text).counts
    expected = {
        "roads read": 3,
        "ways that are no drivable road left out": 1,
        "roads closed to cars left out": 1,
        "ferries left out": 1,
        "reversible roads left out": 1,
        "roads given more than once, read once": 1,
        "roads open at certain hours only, kept": 1,
        "one-way tags not understood": 1,
        "speed limits not understood": 1,
        "road nodes that are not in the file": 1,
        "stretches of road without a node left out": 2,
        "self-loops left out": 1,
        "connected pieces": 2,
        "nodes outside the largest connected piece": 2,
        "nodes": 5,
        "edges": 6,
    }
    assert {name: counts[name] for name in expected} == expected


def test_nodes_in_one_place_are_joined_by_an_edge_of_no_length(read):
    nodes = {1: PLACES[1], 2: PLACES[1], 3: PLACES[3]}
    roads = read(osm((10, [1, 2, 3], {"highway": "primary"}), nodes=nodes))
    assert roads.counts["stretches of no length kept"] == 1
    assert roads.length_m.min() == 0.0
    assert roads.main.all()


def test_parallel_roads_are_kept_in_their_order_and_the_quickest_counts(read):
    roads = read(osm((10, [1, 2], {"highway": "residential"}), (11, [1, 2], {"highway": "primary"})))
    _, edges = roads.to_frames()
    assert edges["road_class"].tolist() == ["residential", "primary"] * 2
    assert roads.quickest.tolist() == [False, True] * 2


def test_ferries_take_cars_only_where_they_say_so_and_only_where_asked_for(read):
    text = osm(
        (10, [1, 2], {"highway": "primary"}),
        (11, [2, 3], {"route": "ferry", "motor_vehicle": "yes", "duration": "00:12"}),
        (12, [3, 4], {"route": "ferry", "foot": "yes"}),
    )
    assert links(read(text)) == BOTH_WAYS
    roads = read(text, ferries=True)
    assert links(roads) == [*BOTH_WAYS, (2, 3), (3, 2)]
    assert roads.minutes.max() == pytest.approx(12.0)
    assert roads.with_profile("am-peak").minutes.max() == pytest.approx(12.0)
    assert roads.counts["ferries that take no cars left out"] == 1


def test_a_bollard_closes_a_road_but_not_a_junction(read):
    ways = [(10, [1, 2, 3, 4], {"highway": "residential"})]
    bollard = {2: {"barrier": "bollard"}}
    assert links(read(osm(*ways, node_tags=bollard))) == [(3, 4), (4, 3)]
    assert (1, 2) in links(read(osm(*ways, node_tags={2: {"barrier": "gate"}})))
    assert (1, 2) in links(read(osm(*ways, node_tags={2: {"barrier": "bollard", "motor_vehicle": "yes"}})))
    meeting = osm(*ways, (11, [2, 5], {"highway": "residential"}), node_tags=bollard)
    assert read(meeting).counts["barriers where roads meet, taken as open"] == 1


def test_a_limit_in_one_direction_counts_in_that_direction(read):
    tags = {"highway": "primary", "maxspeed": "60 mph", "maxspeed:backward": "30 mph"}
    roads = read(osm((10, [1, 2], tags)))
    assert roads.maxspeed_kph.tolist() == pytest.approx([60 * MPH, 30 * MPH])
    assert roads.built_up.tolist() == [True, True]


def test_silent_streets_are_built_up_and_a_silent_lane_in_the_open_is_not(read):
    nodes = PLACES | {11: (-0.60, 52.60), 12: (-0.60, 52.61)}
    text = osm(
        (10, [1, 2], {"highway": "residential"}),
        (11, [2, 3], {"highway": "residential"}),
        (12, [2, 4], {"highway": "tertiary"}),
        (13, [11, 12], {"highway": "tertiary"}),
        nodes=nodes,
    )
    roads = read(text)
    tertiary = np.array(roads.class_names)[roads.road_class] == "tertiary"
    in_town = roads.x[roads.tails] < roads.x.mean()
    assert roads.built_up[tertiary & in_town].all()
    assert not roads.built_up[tertiary & ~in_town].any()


def test_signals_and_roundabouts_are_found_at_the_end_of_the_edge(read):
    text = osm(
        (10, [1, 2, 3], {"highway": "primary"}),
        (11, [3, 4, 5, 3], {"highway": "primary", "junction": "roundabout"}),
        node_tags={2: {"highway": "traffic_signals"}},
    )
    roads = read(text)
    found = {
        (int(a), int(b)): JUNCTIONS[code]
        for a, b, code in zip(
            roads.node_ids[roads.tails], roads.node_ids[roads.heads], roads.junction, strict=True
        )
    }
    assert found[1, 2] == found[3, 2] == "signals"
    assert found[2, 3] == "roundabout"
    assert found[5, 3] == found[3, 4] == found[2, 1] == "none"


def test_a_profile_by_name_or_table_gives_the_minutes(read):
    text = osm((10, [1, 2], {"highway": "primary", "maxspeed": "60 mph"}))
    free = read(text)
    assert free.minutes[0] == pytest.approx(free.length_m[0] / 76 * 0.06)
    assert read(text, profile={"speeds": {"primary": 38}}).minutes[0] == pytest.approx(2 * free.minutes[0])
    assert read(text, profile="am-peak").profile == "am-peak"
    with pytest.raises(ScenarioError, match="did you mean 'midday'"):
        read(text, profile="middy")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.osm.pbf", b"", "empty.osm.pbf is empty"),
        ("junk.osm.pbf", b"no roads here " * 50, "cannot be read to its end"),
        ("cut.osm", osm((1, [1, 2], {"highway": "primary"})).encode()[:-40], "cannot be read to its end"),
        ("page.osm", b"<html></html>", "cannot be read to its end"),
        ("none.osm", osm((1, [1, 2], {"highway": "path"})).encode(), "no drivable road; 1 other way"),
        ("bare.osm", osm().encode(), "no drivable road"),
        (
            "lost.osm",
            osm((1, [1, 2], {"highway": "primary"}), nodes={}).encode(),
            "none has two of its nodes",
        ),
        ("roads.shp", b"x", "no kind of road file"),
        ("cut.graphml", b"<graphml><graph>", "cannot be read as GraphML"),
        ("cut.graphml.gz", gzip.compress(b"<graphml/>" * 99, mtime=0)[:-20], "cannot be read as GraphML"),
        (
            "none.graphml",
            b"<graphml xmlns='http://graphml.graphdrawing.org/xmlns'/>",
            "cannot be read as GraphML",
        ),
    ],
)
def test_a_bad_file_is_refused_in_one_line_that_names_it(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        read_roads(path)
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_endings_may_be_in_capitals(read):
    assert links(read(osm((10, [1, 2], {"highway": "primary"})), name="ROADS.OSM")) == BOTH_WAYS
    assert links(read(osm((10, [1, 2], {"highway": "primary"})), name="roads.osm.xml")) == BOTH_WAYS


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"no such file: .*nowhere\.osm\.pbf"):
        read_roads(tmp_path / "nowhere.osm.pbf")
    with pytest.raises(DataError, match="is a folder"):
        read_roads(str(tmp_path))


def test_a_source_or_a_place_is_needed_and_not_both():
    for arguments in ({}, {"source": "a.osm", "place": "Rutland"}):
        with pytest.raises(ScenarioError, match="one of the two"):
            read_roads(**arguments)
    with pytest.raises(DataError, match="cannot read roads from a int"):
        read_roads(7)


def test_the_crs_may_be_chosen_and_must_be_in_metres(read):
    text = osm((10, [1, 2], {"highway": "primary"}))
    assert read(text, crs="EPSG:32630").crs.to_epsg() == 32630
    for crs, message in (("EPSG:4326", "not a CRS in metres"), ("EPSG:nix", "no such CRS")):
        with pytest.raises(DataError, match=message):
            read(text, crs=crs)


def test_frames_are_read_as_given(read):
    first = read(osm((10, [1, 2, 3], {"highway": "primary"})))
    again = read_roads(first.to_frames(), crs=first.crs)
    pd.testing.assert_frame_equal(again.to_frames()[1], first.to_frames()[1])
    with pytest.raises(DataError, match="frames of roads come as two"):
        read_roads((first.to_frames()[0],))


def test_the_main_part_of_rutland_is_within_two_percent_of_its_count(geodata):
    roads = read_roads(geodata / "rutland" / "roads.osm.pbf")
    assert roads.main.sum() == 16_430
    assert abs(roads.main.sum() / 16_585 - 1) < 0.02
    assert roads.crs.to_epsg() == 27700


def test_the_main_part_of_south_east_hampshire_is_as_counted(geodata):
    roads = read_roads(geodata / "se-hampshire" / "roads.osm.pbf")
    mainland = roads.counts["nodes"] - roads.counts["nodes outside the largest connected piece"]
    assert abs(mainland / 76_104 - 1) < 0.01
    assert abs(roads.main.sum() / 76_104 - 1) < 0.02
    assert roads.main.sum() == 75_641
