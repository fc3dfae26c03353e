"""Routes: the way a travel time stands for, its line, its length, and minutes by class of road."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from zonedesign.errors import DataError
from zonedesign.roads import RoadNetwork
from zonedesign.traveltimes import TravelTimes, travel_times, with_access

# 0 --primary, 2 min-- 1 --residential, 1 min-- 2, a kilometre each, to the east; 3 can be left and not entered.
PLACES = pd.DataFrame({"x": [0.0, 1000.0, 2000.0, 3000.0], "y": 0.0})
EDGES = pd.DataFrame(
    [(0, 1, 2.0, "primary"), (1, 0, 2.0, "primary"), (1, 2, 1.0, "residential"), (2, 1, 1.0, "residential"), (3, 2, 1.0, "residential")],
    columns=["from", "to", "minutes", "road_class"],
)  # fmt: skip
ROADS = RoadNetwork.from_frames(PLACES, EDGES, crs=27700)


def points(**places: tuple[float, float]) -> gpd.GeoSeries:
    x, y = zip(*places.values(), strict=True)
    return gpd.GeoSeries.from_xy(x, y, crs=27700, index=list(places))


def test_a_route_has_the_line_the_length_and_the_minutes_of_the_quickest_way():
    times = travel_times(ROADS, points(a=(500, 30), b=(1750, 0)))
    route = times.route("a", "b")
    assert route.minutes == pytest.approx(1.75)
    assert route.minutes == times.between("a", "b")
    assert route.length_m == pytest.approx(1250.0)
    assert list(route.line.coords) == [(500.0, 0.0), (1000.0, 0.0), (1750.0, 0.0)]
    assert route.by_class.to_dict() == pytest.approx({"primary": 1.0, "residential": 0.75})
    assert repr(route) == "<Route: a to b, 1.2 km, 1.8 minutes>"


def test_a_route_backwards_is_driven_on_the_other_side_of_the_road():
    route = travel_times(ROADS, points(a=(500, 30), b=(1750, 0))).route("b", "a")
    assert list(route.line.coords) == [(1750.0, 0.0), (1000.0, 0.0), (500.0, 0.0)]


def test_a_route_along_one_edge_passes_no_node():
    times = travel_times(ROADS, points(a=(200, 0), b=(700, 0)))
    assert times.between("a", "b") == pytest.approx(1.0)
    assert list(times.route("b", "a").line.coords) == [(700.0, 0.0), (200.0, 0.0)]
    assert times.route("b", "a").length_m == pytest.approx(500.0)


def test_a_route_to_itself_has_no_length():
    route = travel_times(ROADS, points(a=(200, 0), node=(0, 0))).route("node", "node")
    assert (route.minutes, route.length_m, route.line.length) == (0.0, 0.0, 0.0)


def test_a_pair_beyond_the_cutoff_has_its_route_all_the_same():
    times = travel_times(ROADS, points(a=(0, 0), b=(2000, 0)), max_minutes=1)
    assert times.between("a", "b") == np.inf
    assert times.route("a", "b").minutes == pytest.approx(3.0)


def test_access_and_parking_stand_by_themselves():
    plain = travel_times(ROADS, points(a=(500, 100), b=(1750, 0)))
    times = with_access(plain, access_kph=6.0, parking_minutes=2.0)
    route = times.route("a", "b")
    assert route.minutes == pytest.approx(times.between("a", "b"))
    assert route.by_class.to_dict() == pytest.approx({"primary": 1.0, "residential": 0.75, "access": 3.0})
    assert times.route("a", "a").minutes == 0.0


def test_a_route_as_a_frame_has_a_row_for_each_stretch_of_one_class():
    frame = travel_times(ROADS, points(a=(500, 30), b=(1750, 0))).route("a", "b").to_frame()
    assert frame[["road_class", "length_m", "minutes"]].to_numpy().tolist() == [
        ["primary", 500.0, 1.0],
        ["residential", 750.0, 0.75],
    ]
    assert frame.length.tolist() == [500.0, 750.0]
    assert frame.crs == ROADS.crs


def test_where_no_way_leads_there_is_no_route():
    nodes = points(a=(0, 0), gone=(3000, 0), far=(0, 5000), b=(1000, 0))
    times = travel_times(ROADS, nodes)
    assert times.between("gone", "a") == 4.0  # a node is that node, also where no road leads back to it
    with pytest.raises(DataError, match="no way leads from a to gone"):
        times.route("a", "gone")
    with pytest.raises(DataError, match=r"far is 5,000 m from roads in frames, farther than 1,000 m"):
        times.route("a", "far")
    with pytest.raises(KeyError):
        times.route("a", "nobody")


def test_a_matrix_holds_no_routes():
    with pytest.raises(DataError, match=r"without their roads.*travel_times\(roads, points\)"):
        TravelTimes.from_matrix(np.zeros((1, 1)), ["a"]).route("a", "a")


@pytest.mark.parametrize("turn_delays", [False, True])
def test_routes_take_as_long_as_the_travel_times_say_on_random_roads(turn_delays):
    rng = np.random.default_rng(11)
    places = pd.DataFrame(rng.random((80, 2)) * 5000.0, columns=["x", "y"])
    table = pd.DataFrame(rng.integers(0, 80, (240, 2)), columns=["from", "to"]).assign(
        minutes=rng.random(240)
    )
    roads = RoadNetwork.from_frames(places, table, crs=27700)
    times = travel_times(
        roads, gpd.GeoSeries.from_xy(*(rng.random((2, 25)) * 5000.0), crs=27700), turn_delays=turn_delays
    )
    for pair in times.to_frame().itertuples():
        route = times.route(pair.origin, pair.destination)
        assert route.minutes == pytest.approx(pair.minutes, abs=1e-9)
        assert route.line.length == pytest.approx(
            np.sum(
                np.hypot(*(places.to_numpy()[roads.heads] - places.to_numpy()[roads.tails]).T)[route.edges]
                * (route.ended - route.begun)
            )
        )
