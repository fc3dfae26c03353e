"""Calibration: factors that were planted are found again, errors are those of unseen trips, too little is refused."""

from __future__ import annotations

import ast
import itertools
import logging
import re
import tomllib
from pathlib import Path

import geopandas as gpd
import nbformat
import numpy as np
import pandas as pd
import pytest

from zonedesign._tripways import edge_groups
from zonedesign.calibrate import Calibration, calibrate
from zonedesign.errors import DataError, ScenarioError
from zonedesign.profiles import Profile, profile
from zonedesign.roads import RoadNetwork, sketch_roads
from zonedesign.traveltimes import TravelTimes, travel_times, with_access

NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "calibrate.ipynb"
SIDE, STEP_M = 24, 500.0
PLANTED = {
    "strategic": 1.10, "main built-up": 1.50, "main rural": 1.25, "minor built-up": 1.40, "minor rural": 0.90,
}  # fmt: skip


def road_class(line: int) -> str:
    return {0: "trunk", 12: "trunk", 4: "primary", 8: "primary", 16: "secondary", 20: "secondary"}.get(
        line, "residential"
    )


@pytest.fixture(scope="module")
def roads() -> RoadNetwork:
    """A grid of 24 x 24 corners, 500 m apart; built up in the west; every other small street is one-way."""
    corner = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    nodes = pd.DataFrame(
        {
            "x": 400_000.0 + STEP_M * (corner % SIDE).ravel(),
            "y": 100_000.0 + STEP_M * (corner // SIDE).ravel(),
        }
    )
    rows = []
    for line in range(SIDE):
        kind = road_class(line)
        one_way = kind == "residential" and line % 2 == 1
        for way in (corner[line], corner[:, line]):
            ends = itertools.pairwise(way) if line % 4 == 1 else zip(way[1:], way[:-1], strict=True)
            rows += [(a, b, kind, one_way, a % SIDE < SIDE // 2) for a, b in ends]
    edges = pd.DataFrame(rows, columns=["from", "to", "road_class", "oneway", "built_up"])
    return RoadNetwork.from_frames(nodes, edges, crs=27700, profile="midday")


@pytest.fixture(scope="module")
def points() -> gpd.GeoSeries:
    rng = np.random.default_rng(5)
    xy = rng.uniform(0, STEP_M * (SIDE - 1), (80, 2))
    return gpd.GeoSeries.from_xy(
        400_000 + xy[:, 0], 100_000 + xy[:, 1], index=[f"P{i}" for i in range(80)], crs=27700
    )


@pytest.fixture(scope="module")
def times(roads: RoadNetwork, points: gpd.GeoSeries) -> TravelTimes:
    return travel_times(roads, points, max_minutes=12)


def slower(speeds: Profile, factors: dict[str, float]) -> dict[str, object]:
    """The profile as a table whose shares are divided by the factors: written out, not by calibrate."""
    shares = {}
    for kind, (town, country) in speeds.shares.items():
        if kind.startswith(("motorway", "trunk")):
            by = ("strategic", "strategic")
        elif kind.startswith(("primary", "secondary")):
            by = ("main built-up", "main rural")
        else:
            by = ("minor built-up", "minor rural")
        if kind not in ("living_street", "ferry"):
            shares[kind] = {"built_up": town / factors[by[0]], "rural": country / factors[by[1]]}
    return {"base": speeds.name, "shares": shares}


@pytest.fixture(scope="module")
def truth(roads: RoadNetwork, points: gpd.GeoSeries) -> pd.DataFrame:
    """Minutes of all pairs with the planted factors."""
    planted = roads.with_profile(slower(profile("midday"), PLANTED))
    frame = travel_times(planted, points).to_frame().rename(columns={"origin": "from", "destination": "to"})
    return frame[frame["minutes"] > 4].reset_index(drop=True)


def trips(
    truth: pd.DataFrame, n: int, *, noise: float = 0.1, outliers: float = 0.1, seed: int = 3
) -> pd.DataFrame:
    """Trips drawn from all pairs; outliers take three times as long, or 0.55 times."""
    rng = np.random.default_rng(seed)
    drawn = truth.sample(n, random_state=seed).reset_index(drop=True)
    minutes = drawn["minutes"] * np.exp(rng.normal(0.0, noise, n))
    wild = rng.random(n) < outliers
    return drawn.assign(minutes=minutes * np.where(wild, rng.choice([3.0, 0.55], n), 1.0), wild=wild)


@pytest.fixture(scope="module")
def fitted(times: TravelTimes, truth: pd.DataFrame) -> Calibration:
    return calibrate(times, trips(truth, 800))


def off(found: Calibration) -> pd.Series:
    return (found.factors["factor"] / pd.Series(PLANTED) - 1.0).abs()


def test_planted_factors_are_found_through_noise_and_a_tenth_of_gross_outliers(fitted):
    assert fitted.factors.index.tolist() == list(PLANTED)
    assert off(fitted).max() < 0.05
    assert set(fitted.factors["basis"]) == {"fitted"}
    assert fitted.settled


def test_the_interval_of_each_factor_holds_the_planted_one(fitted):
    planted = pd.Series(PLANTED)
    assert ((fitted.factors["low"] < planted) & (planted < fitted.factors["high"])).sum() >= 4


def test_trips_without_noise_give_the_planted_factors_themselves(times, truth):
    assert off(calibrate(times, trips(truth, 300, noise=0.0, outliers=0.0))).max() < 0.005


def test_the_error_of_trips_that_were_held_back_falls(fitted):
    before, after = (fitted.errors.loc[("held back", when)] for when in ("before", "after"))
    assert before["count"] == after["count"] == 200
    assert after["median_error_minutes"] < 0.6 * before["median_error_minutes"]
    assert abs(after["bias_minutes"]) < 0.4 < abs(before["bias_minutes"])
    assert after["within_3_minutes"] > before["within_3_minutes"]
    assert after["mean_error_share"] < before["mean_error_share"]
    assert fitted.improved


def test_errors_are_those_of_the_table_of_trips(fitted):
    unseen = fitted.trips[fitted.trips["held_back"]]
    error = (unseen["unseen"] - unseen["observed"]).abs()
    assert fitted.errors.loc[("held back", "after"), "median_error_minutes"] == pytest.approx(error.median())
    assert (fitted.trips["unseen"].isna() == ~fitted.trips["held_back"]).all()


def test_outliers_count_for_nothing(times, truth, fitted):
    wild = trips(truth, 800)["wild"]
    assert fitted.trips.loc[wild, "weight"].median() == 0
    assert fitted.trips.loc[~wild, "weight"].median() > 0.8


def test_the_profile_multiplies_the_minutes_of_every_group_by_its_factor(roads, fitted):
    new = roads.with_profile(fitted.profile)
    factor = np.append(fitted.factors["factor"].to_numpy(), 1.0)[edge_groups(roads)]
    np.testing.assert_allclose(new.minutes, roads.minutes * factor, rtol=1e-12)
    assert new.profile == "midday, calibrated"
    assert "fitted to 600 trips" in fitted.profile.sources["primary"]


def test_the_table_for_a_scenario_is_read_back_as_the_same_speeds(roads, fitted):
    again = roads.with_profile(fitted.to_table())
    np.testing.assert_allclose(again.minutes, roads.with_profile(fitted.profile).minutes, rtol=1e-12)


def test_the_lines_for_a_scenario_file_say_the_same(fitted):
    assert tomllib.loads(fitted.to_toml()) == {"roads": {"profile": fitted.to_table()}}
    assert fitted.to_toml().startswith('[roads.profile]\nname = "midday, calibrated"\nmode = "car"\n')


def test_minutes_before_and_after_are_the_travel_times_of_both_profiles(roads, points, fitted):
    for column, speeds in (("before", "midday"), ("after", fitted.profile)):
        table = travel_times(roads.with_profile(speeds), points)
        there = [table.between(a, b) for a, b in zip(fitted.trips["from"], fitted.trips["to"], strict=True)]
        np.testing.assert_allclose(fitted.trips[column], there, rtol=1e-9)


@pytest.mark.parametrize("way", ["turn delays", "access and parking"])
def test_turns_access_and_parking_are_counted_and_no_factor_reaches_them(roads, points, truth, way):
    plain = travel_times(roads, points, turn_delays=way == "turn delays")
    times = plain if way == "turn delays" else with_access(plain, access_kph=5, parking_minutes=2.5)
    observed = trips(truth, 100, outliers=0.0)
    found = calibrate(times, observed)
    there = [times.between(a, b) for a, b in zip(found.trips["from"], found.trips["to"], strict=True)]
    np.testing.assert_allclose(found.trips["before"], there, rtol=1e-9)
    new = travel_times(roads.with_profile(found.profile), points, turn_delays=way == "turn delays")
    new = new if way == "turn delays" else with_access(new, access_kph=5, parking_minutes=2.5)
    there = [new.between(a, b) for a, b in zip(found.trips["from"], found.trips["to"], strict=True)]
    np.testing.assert_allclose(found.trips["after"], there, rtol=0.01 if way == "turn delays" else 1e-9)


def test_trips_beyond_the_cutoff_count_too(times, fitted):
    beyond = [
        np.isinf(times.between(a, b)) for a, b in zip(fitted.trips["from"], fitted.trips["to"], strict=True)
    ]
    assert sum(beyond) > 100


def test_the_same_seed_gives_the_same_and_another_holds_others_back(times, truth, fitted):
    again, other = calibrate(times, trips(truth, 800)), calibrate(times, trips(truth, 800), seed=1)
    pd.testing.assert_frame_equal(again.factors, fitted.factors)
    pd.testing.assert_frame_equal(again.trips, fitted.trips)
    pd.testing.assert_frame_equal(again.errors, fitted.errors)
    assert (other.trips["held_back"] != fitted.trips["held_back"]).any()


def test_nothing_is_changed_in_place(times, truth, roads):
    observed = trips(truth, 100)
    copy, minutes, speeds = observed.copy(), roads.minutes.copy(), dict(roads.speeds.shares)
    calibrate(times, observed)
    pd.testing.assert_frame_equal(observed, copy)
    assert (roads.minutes == minutes).all()
    assert dict(roads.speeds.shares) == speeds


def test_with_few_trips_each_is_held_back_once_in_turn(times, truth):
    found = calibrate(times, trips(truth, 60), held_back=0.2)
    assert found.folds == 5
    assert found.trips["held_back"].all()
    assert (found.trips["unseen"] != found.trips["after"]).any()
    assert found.errors["count"].tolist() == [60, 60, 60, 60]


def test_trips_between_the_same_ends_are_held_back_together(times, truth):
    once = trips(truth, 120)
    back = once.rename(columns={"from": "to", "to": "from"})
    found = calibrate(times, pd.concat([once, back, once], ignore_index=True)).trips
    pair = [frozenset(ends) for ends in zip(found["from"], found["to"], strict=True)]
    assert found.groupby(pair)["held_back"].nunique().eq(1).all()
    assert 0.2 < found["held_back"].mean() < 0.3


def test_columns_may_be_named_as_in_a_frame_of_travel_times(times, truth):
    observed = trips(truth, 60)
    named = observed.rename(columns={"from": "origin", "to": "destination"})
    pd.testing.assert_frame_equal(calibrate(times, named).factors, calibrate(times, observed).factors)


def test_speeds_that_are_right_already_are_not_called_improved(times, roads, points, caplog):
    right = travel_times(roads, points).to_frame().rename(columns={"origin": "from", "destination": "to"})
    with caplog.at_level(logging.WARNING):
        found = calibrate(times, trips(right[right["minutes"] > 4], 200))
    assert not found.improved
    assert (found.factors["factor"] - 1.0).abs().max() < 0.1
    assert "held-back trips are not modelled better" in caplog.text
    assert "not improved" in repr(found)


def test_a_group_hardly_driven_takes_the_common_factor_and_is_named(roads, points, truth, caplog):
    west = points[points.x < 400_000 + STEP_M * 10]  # all built up
    with caplog.at_level(logging.WARNING):
        inside = truth["from"].isin(west.index) & truth["to"].isin(west.index)
        found = calibrate(travel_times(roads, west), trips(truth[inside], 150))
    assert found.factors["basis"].tolist() == ["fitted", "fitted", "common", "fitted", "common"]
    assert found.factors.loc[["main rural", "minor rural"], "factor"].tolist() == [found.common] * 2
    assert re.search(r"minor rural roads take the common factor 1\.\d\d: \d trips? there", caplog.text)


def test_what_is_set_aside_is_named_and_counted_with_its_reason(times, truth, caplog):
    good = trips(truth, 60, outliers=0.0)
    bad = pd.DataFrame(
        [
            ("P1", "P2", None), ("P1", "P2", "soon"), ("P1", "P2", np.inf), ("P1", "P2", 0), ("P1", "P2", -3),
            ("Q", "P2", 9), ("P1", None, 9), ("P3", "P3", 9), ("P1", "P2", 0.01),
        ],
        columns=["from", "to", "minutes"], index=[f"row {i}" for i in range(9)],
    )  # fmt: skip
    with caplog.at_level(logging.WARNING):
        found = calibrate(times, pd.concat([bad, good]))
    assert found.set_aside["reason"].to_dict() == {
        **dict.fromkeys(["row 0", "row 1", "row 2"], "without minutes"),
        **dict.fromkeys(["row 3", "row 4"], "of zero minutes or less"),
        **dict.fromkeys(["row 5", "row 6"], "with an id that the travel times do not have"),
        "row 7": "from a place to itself",
        "row 8": "faster than 130 km/h in a straight line",
    }
    assert len(found.trips) == 60
    assert (
        "9 of 69 observed trips set aside: 3 without minutes (rows row 0, row 1, row 2); 2 of zero"
        in caplog.text
    )


def test_places_off_the_roads_without_a_way_or_next_door_are_set_aside(truth):
    nodes = pd.DataFrame({"x": 1000.0 * np.arange(40), "y": 0.0})
    edges = pd.DataFrame(
        {"from": np.arange(38), "to": np.arange(1, 39), "road_class": "primary", "oneway": False}
    )
    island = pd.DataFrame({"from": [39], "to": [39], "road_class": ["primary"], "oneway": [True]})
    roads = RoadNetwork.from_frames(nodes, pd.concat([edges, island]), crs=27700)
    places = gpd.GeoSeries.from_xy(
        [*nodes["x"], 5000.0, 5300.0], [0.0] * 40 + [4000.0, 0.0], index=[*range(40), 40, 41], crs=27700
    )
    times = travel_times(roads, places)
    away = pd.DataFrame({"from": [5, 5, 5], "to": [40, 39, 41], "minutes": [9.0, 60.0, 3.0]}, index=[7, 8, 9])
    rng = np.random.default_rng(0)
    ends = rng.permuted(np.tile(np.arange(39), (60, 1)), axis=1)[:, :2]
    minutes = [2 * times.between(*pair) for pair in ends]
    observed = pd.DataFrame({"from": ends[:, 0], "to": ends[:, 1], "minutes": minutes}, index=range(100, 160))
    found = calibrate(times, pd.concat([away, observed[np.abs(ends[:, 0] - ends[:, 1]) > 4]]))
    assert found.set_aside["reason"].to_dict() == {
        7: "with an end too far from any road", 8: "no way by road", 9: "under 2 minutes by road",
    }  # fmt: skip
    assert found.factors.loc["main rural", "factor"] == pytest.approx(2.0, rel=0.01)


def test_too_few_trips_are_refused_with_the_reason(times, truth):
    observed = trips(truth, 33)
    observed.loc[:3, "to"] = ["Q1", "Q2", "Q3", "Q4"]
    with pytest.raises(
        DataError,
        match=r"29 of 33 observed trips can be used, and fewer than 30 say too little .*add trips; set aside: "
        r"4 with an id that the travel times do not have \(rows 0, 1, 2, 3\); their ids are such as P0, P1, P2",
    ):
        calibrate(times, observed)
    with pytest.raises(DataError, match="0 of 0 observed trips can be used"):
        calibrate(times, observed[:0])


def test_trips_that_all_head_one_way_are_refused(times, truth, points):
    east = points.x.reindex(truth["to"]).to_numpy() - points.x.reindex(truth["from"]).to_numpy()
    north = points.y.reindex(truth["to"]).to_numpy() - points.y.reindex(truth["from"]).to_numpy()
    with pytest.raises(DataError, match="all 40 trips head one way"):
        calibrate(times, trips(truth[east > 4 * np.abs(north)], 40))


def test_trips_between_a_few_places_are_refused(times, truth):
    few = pd.concat([truth[::700]] * 10, ignore_index=True)
    with pytest.raises(DataError, match=r"trips run between 9 pairs of ends, and fewer than 10"):
        calibrate(times, few)


def test_minutes_that_are_seconds_are_refused(times, truth):
    observed = trips(truth, 60)
    with pytest.raises(DataError, match=r"times the modelled minutes .* seconds or hours"):
        calibrate(times, observed.assign(minutes=observed["minutes"] * 60))


def test_times_and_roads_without_speeds_are_refused(truth, points):
    observed = trips(truth, 60)
    matrix = TravelTimes.from_matrix(np.zeros((80, 80)), ids=points.index)
    with pytest.raises(DataError, match="from matrix have no roads whose speeds could be fitted"):
        calibrate(matrix, observed)
    sketched = travel_times(sketch_roads(points), points)
    with pytest.raises(DataError, match="the roads are a sketch, so there are no speeds to fit"):
        calibrate(sketched, observed)


def test_calls_that_cannot_be_are_refused(times, truth):
    for share in (0, 0.6, -1, "half"):
        with pytest.raises(ScenarioError, match=r"held_back is .*a share above 0 and up to 0.5"):
            calibrate(times, trips(truth, 60), held_back=share)
    with pytest.raises(DataError, match="observed trips has no column 'minutes'"):
        calibrate(times, trips(truth, 60).rename(columns={"minutes": "time"}))


def test_walks_are_calibrated_like_drives(roads, points):
    walking = roads.with_profile("walking")
    times = travel_times(walking, points)
    observed = times.to_frame().rename(columns={"origin": "from", "destination": "to"}).query("minutes > 9")
    drawn = observed.sample(150, random_state=0)
    found = calibrate(times, drawn.assign(minutes=drawn["minutes"] * 1.2))
    assert found.profile.mode == "foot"
    assert found.factors["factor"].tolist() == pytest.approx([1.2] * 5, rel=0.01)


def test_it_says_what_it_found(fitted):
    assert re.fullmatch(
        r"<Calibration: midday, calibrated, 800 trips used, 0 set aside; minutes times: strategic 1\.\d\d, "
        r"main built-up 1\.\d\d, main rural 1\.\d\d, minor built-up 1\.\d\d, minor rural 0\.\d\d; "
        r"held-back trips: median error \d\.\d\d -> \d\.\d\d minutes, improved>",
        repr(fitted),
    )


@pytest.mark.filterwarnings("default")  # what Jupyter's own parts complain of is not ours
def test_the_notebook_runs_and_finds_what_it_planted(tmp_path):
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "id": "last"}
    look = "list((calibration.factors['factor'] / found.assign(p=pd.Series(planted)).p.fillna(1.0) - 1).round(3))"
    notebook.cells.append(nbformat.from_dict(cell | {"source": look}))
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [cell.outputs[-1].data["text/plain"] for cell in notebook.cells if cell.get("outputs")]
    assert max(abs(each) for each in ast.literal_eval(shown[-1])) < 0.1
    assert "26 of 30 observed trips can be used" in shown[-2]
