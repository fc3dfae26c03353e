"""Where roads leave the data: which nodes are marked, and which ends of roads are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from test_osm import osm

from zonedesign.osm import read_roads

PRIMARY = (10, [1, 2, 3], {"highway": "primary"})
# joins node 3 to itself by way of 4 and 5, so that the primary road ends at node 1 only
LOOP = (11, [3, 4, 5, 3], {"highway": "residential"})


@pytest.fixture
def cut(tmp_path):
    """Read an OSM file, and give the ids of the nodes where roads leave it."""

    def read(text, **options):
        path = tmp_path / "roads.osm"
        path.write_text(text, encoding="utf-8")
        roads = read_roads(path, **options)
        assert roads.cut.shape == roads.x.shape
        assert roads.counts["nodes where roads leave the data"] == roads.cut.sum()
        return roads.node_ids[roads.cut].tolist()

    return read


def test_a_road_goes_on_where_its_next_node_is_not_in_the_file(cut):
    assert cut(osm((10, [1, 2, 99, 5, 6], {"highway": "residential"}))) == [2, 5]


def test_a_main_road_that_ends_leaves_the_data_and_a_street_does_not(cut):
    assert cut(osm(PRIMARY, LOOP)) == [1]
    assert cut(osm((10, [1, 2, 3], {"highway": "unclassified"}), LOOP)) == []


@pytest.mark.parametrize(
    "tags", [{"noexit": "yes"}, {"highway": "turning_circle"}, {"highway": "turning_loop"}]
)
def test_an_end_that_is_meant_is_not_marked(cut, tags):
    assert cut(osm(PRIMARY, LOOP, node_tags={1: tags})) == []


@pytest.mark.parametrize(
    "tags", [{"route": "ferry"}, {"highway": "footway"}, {"highway": "residential", "access": "private"}]
)
def test_an_end_where_a_way_that_is_left_out_begins_is_not_marked(cut, tags):
    assert cut(osm(PRIMARY, LOOP, (12, [1, 6], tags))) == []


def test_a_bollard_does_not_make_a_road_leave_the_data(cut):
    text = osm((10, [1, 2, 3, 4], {"highway": "primary"}), node_tags={2: {"barrier": "bollard"}})
    assert cut(text) == [4]


def test_any_road_that_ends_at_the_edge_of_the_box_leaves_the_data(cut):
    text = osm((10, [1, 2, 3], {"highway": "residential"}))
    box = '<bounds minlat="52.60" minlon="-0.7295" maxlat="52.70" maxlon="-0.60"/>'
    assert cut(text.replace('<osm version="0.6">', f'<osm version="0.6">{box}')) == [1]


def test_a_gap_in_the_midst_of_roads_is_no_edge_of_the_data(cut):
    """A main road ends in a grid of streets 1 km apart and 10 km wide: the grid's rim is far from it."""
    side, step = 11, (0.0147, 0.0090)
    nodes = {
        100 + side * i + j: (-0.80 + step[0] * i, 52.60 + step[1] * j)
        for i in range(side)
        for j in range(side)
    }
    nodes |= {1: (-0.80 + step[0] * 5.5, 52.60 + step[1] * 5.0)}
    streets = [
        (20 + i, [100 + side * i + j for j in range(side)], {"highway": "residential"}) for i in range(side)
    ]
    streets += [
        (40 + j, [100 + side * i + j for i in range(side)], {"highway": "residential"}) for j in range(side)
    ]
    inner = 100 + side * 5 + 5
    assert cut(osm(*streets, (10, [1, inner], {"highway": "primary"}), nodes=nodes)) == []
    nodes[2] = (-0.82, 52.60)
    assert cut(osm(*streets, (10, [2, 100], {"highway": "primary"}), nodes=nodes)) == [2]


def test_roads_leave_south_east_hampshire_at_its_clipped_edges_and_not_at_the_sea(geodata):
    roads = read_roads(geodata / "se-hampshire" / "roads.osm.pbf")
    x, y = roads.x[roads.cut], roads.y[roads.cut]
    assert 25 <= len(x) <= 60
    assert (np.hypot(x - 485_644, y - 93_730) < 100).any()  # the road to Selsey
    seafront = (x > 455_000) & (x < 476_000) & (y > 96_000) & (y < 105_000)
    assert not seafront.any()  # Gosport, Portsmouth and Hayling
    mainland = y > 97_000
    edge = (x < 449_000) | (x > 484_500) | (y > 124_000)
    assert edge[mainland].mean() > 0.9


def test_roads_leave_rutland_all_round(geodata):
    roads = read_roads(geodata / "rutland" / "roads.osm.pbf")
    x, y = roads.x[roads.cut], roads.y[roads.cut]
    quarters = np.arctan2(y - roads.y.mean(), x - roads.x.mean()) // (np.pi / 2)
    assert 20 <= len(x) <= 45
    assert sorted(set(quarters)) == [-2, -1, 0, 1]
    assert roads.with_profile("am-peak").cut is roads.cut
