"""Edges of the data: where roads outside the file may be quicker than those inside, said by name."""

from __future__ import annotations

import re
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zonedesign._edges_of_data import across, doubts_said, in_doubt, with_doubts
from zonedesign.roads import RoadNetwork
from zonedesign.scenario.findings import findings
from zonedesign.traveltimes import TravelTimes, travel_times

INF = np.inf

# Six nodes in a row, a kilometre apart, 5 minutes each way between neighbours; roads leave at the ends, 1 and 6.
#
#     ... 1 --5-- 2 --5-- 3 --5-- 4 --5-- 5 --5-- 6 ...


def row(*cut: int) -> RoadNetwork:
    nodes = pd.DataFrame({"x": 400_000.0 + 1000.0 * np.arange(6), "y": 100_000.0}, index=np.arange(1, 7))
    pairs = [(a, a + 1) for a in range(1, 6)]
    edges = pd.DataFrame([*pairs, *[(b, a) for a, b in pairs]], columns=["from", "to"])
    roads = RoadNetwork.from_frames(
        nodes, edges.assign(minutes=5.0, road_class="residential"), crs=27700, source="some/roads.osm.pbf"
    )
    return replace(roads, cut=np.isin(np.arange(1, 7), cut))


def at(*nodes: int) -> gpd.GeoSeries:
    return gpd.GeoSeries.from_xy(
        [399_000.0 + 1000.0 * node for node in nodes],
        [100_000.0] * len(nodes),
        index=[f"P{n}" for n in nodes],
        crs=27700,
    )


def told(
    roads: RoadNetwork, points: gpd.GeoSeries, within: float | None = None, **limits: float
) -> TravelTimes:
    return with_doubts(travel_times(roads, points, **limits), roads, points, within=within)


def test_a_way_from_one_cut_road_to_another_may_be_quicker_than_the_way_inside():
    about = told(row(1, 6), at(1, 3, 6)).provenance
    # P1 to P6: 25 minutes inside, 2.7 at 70 mph outside. P3 to P6: 15 inside, 10 + 2.7 by P1. P1 to P3 likewise:
    # 10 inside, and 2.7 + 15 by P6.
    assert about["cut_nodes"] == 2
    assert about["doubtful_pairs"] == 4
    assert about["doubtful"] == ["P6", "P1", "P3"]


def test_a_single_cut_road_puts_nothing_in_doubt():
    about = told(row(6), at(1, 3, 6)).provenance
    assert (about["cut_nodes"], about["doubtful_pairs"], about["doubtful"]) == (1, 0, [])
    assert doubts_said(told(row(6), at(1, 3, 6))) is None


def test_roads_that_are_cut_off_nowhere_put_nothing_in_doubt():
    assert told(row(), at(1, 6)).provenance["doubtful_pairs"] == 0


def test_roads_that_reach_the_cutoff_beyond_the_units_put_nothing_in_doubt():
    assert told(row(1, 6), at(3, 4), within=5, max_minutes=5).provenance["doubtful_pairs"] == 0


def test_a_pair_out_of_reach_is_in_doubt_where_it_may_be_within_the_cutoff():
    about = told(row(1, 6), at(2, 5), within=13, max_minutes=13).provenance
    assert about["doubtful_pairs"] == 2  # 15 minutes inside, 5 + 2.7 + 5 outside
    assert told(row(1, 6), at(2, 5), within=12, max_minutes=12).provenance["doubtful_pairs"] == 0


def test_what_is_longer_than_any_rule_asks_is_not_in_doubt_where_times_go_farther():
    assert told(row(1, 6), at(2, 5), within=12, max_minutes=36).provenance["doubtful_pairs"] == 0
    assert told(row(1, 6), at(2, 5), within=13, max_minutes=36).provenance["doubtful_pairs"] == 2


def test_it_is_said_with_names_and_the_way_out():
    said = doubts_said(told(row(1, 6), at(1, 3, 6), within=20, max_minutes=20))
    assert said == (
        "4 of 6 pairs of units (66.7%) may be quicker than their minutes say, over roads beyond the edge of "
        "roads.osm.pbf, which cuts off 2 roads; 3 units in such pairs, the most affected first: P6, P1, P3; "
        "take a larger extract: 20 minutes beyond the units"
    )


def test_the_times_themselves_stay_as_they_are():
    roads, points = row(1, 6), at(1, 3, 6)
    assert told(roads, points).to_array().tolist() == travel_times(roads, points).to_array().tolist()


def test_units_without_a_road_near_are_in_no_doubt_of_this_kind():
    points = pd.concat([at(1, 6), at(3).translate(0, 5000).set_axis(["far"])])
    about = told(row(1, 6), points).provenance
    assert about["doubtful"] == ["P1", "P6"]


def test_a_unit_off_the_roads_is_beyond_the_file_where_a_road_to_it_leaves_there():
    points = pd.concat(
        [at(2, 5), at(6).translate(1500, 500).set_axis(["on"]), at(3).translate(0, 1500).set_axis(["off"])]
    )
    found = told(row(6), points).provenance
    assert found["beyond_snap"] == ["on", "off"]
    assert found["beyond_file"] == ["on"]
    assert told(row(), points).provenance["beyond_file"] == []
    assert told(row(1), points).provenance["beyond_file"] == []


@pytest.mark.parametrize(("west", "leads"), [(1400, True), (1600, False)])
def test_a_cut_road_up_to_a_quarter_farther_than_the_nearest_road_leads_to_the_unit(west, leads):
    points = pd.concat([at(2, 3), at(6).translate(-west, 2000).set_axis(["far"])])
    found = told(row(6), points)
    assert found.snapped_m["far"] == pytest.approx(2000.0)  # to the cut node it is 2,441 m, and 2,561 m
    assert found.provenance["beyond_file"] == (["far"] if leads else [])


def test_outside_no_car_is_taken_to_be_slower_than_the_national_limit():
    roads = row(1, 6)
    minutes = across(roads, np.array([0, 5]))
    assert minutes[0, 1] == pytest.approx(5 / (70 * 1.609344) * 60)
    assert np.isinf(np.diag(minutes)).all()
    walked = across(replace(roads, mode="foot"), np.array([0, 5]))
    assert walked[0, 1] == pytest.approx(25.0)  # as fast as the fastest road inside: 12 km/h


MINUTES = st.one_of(st.just(INF), st.floats(0, 60))


@settings(max_examples=80, deadline=None)
@given(
    sizes=st.tuples(st.integers(1, 7), st.integers(1, 4)),
    data=st.data(),
    within=st.sampled_from([None, 10.0]),
)
def test_the_pairs_in_doubt_are_those_of_trying_every_way_out_and_back(sizes, data, within):
    n, k = sizes

    def table(rows: int, columns: int) -> np.ndarray:
        values = data.draw(st.lists(MINUTES, min_size=rows * columns, max_size=rows * columns))
        return np.array(values).reshape(rows, columns)

    out, outside, back, found = table(n, k), table(k, k), table(k, n), table(n, n)
    np.fill_diagonal(found, 0.0)
    touched = np.zeros(n, dtype=int)
    for a in range(n):
        for b in range(n):
            least = min(
                out[a, first] + outside[first, last] + back[last, b]
                for first in range(k)
                for last in range(k)
            )
            if least < min(found[a, b], within or INF) - 1e-6:
                touched[[a, b]] += 1
    times = TravelTimes.from_matrix(found, range(n))
    pairs, by_point = in_doubt(out, outside, back, times, within)
    assert pairs * 2 == touched.sum()
    assert by_point.tolist() == touched.tolist()


def test_the_clipped_edge_of_south_east_hampshire_is_named(geodata):
    from zonedesign.scenario import read_scenario

    case = geodata.parent / "cases" / "se-hampshire-lsoa.toml"
    if not case.is_file():
        pytest.skip(f"the case {case} is not there")
    problem = read_scenario(case).problem()
    (edge,) = [each for each in findings(problem) if each.subject == "edge"]
    assert edge.state == "note"
    assert "roads.osm.pbf" in edge.says
    assert "take a larger extract: 30 minutes beyond the units" in edge.says
    assert edge.figures["doubtful_pairs"] > 0
    assert edge.says in problem.about.notes
    assert [each.says for each in findings(problem)].count(edge.says) == 1


def test_selsey_whose_road_leaves_the_file_is_named_with_a_larger_extract_as_the_way_out(geodata, tmp_path):
    from zonedesign.scenario import read_scenario

    case = geodata.parent / "cases" / "se-hampshire-lsoa.toml"
    if not case.is_file():
        pytest.skip(f"the case {case} is not there")
    text = re.sub(r"exclude = \[.*?\]", "", case.read_text(encoding="utf-8"), flags=re.DOTALL)
    scenario = tmp_path / "selsey.toml"
    scenario.write_text(text.replace("../geodata", geodata.as_posix()), encoding="utf-8")
    problem = read_scenario(scenario).problem()
    assert (
        "2 units farther than 1,000 m from the main roads of roads.osm.pbf, out of reach: "
        "E01031528 (3,220 m), E01031523 (2,681 m); the road to them leaves the file: "
        "take a larger extract, or exclude them"
    ) in problem.about.notes
    (snapping,) = [each for each in findings(problem) if each.subject == "snapping"]
    assert snapping.figures["beyond_file"] == ["E01031523", "E01031528"]
    assert snapping.says.endswith("; the road leaves the file on its way to E01031523, E01031528")
