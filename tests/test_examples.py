"""The example county: what it promises, and that the checkout's own copy is what its code writes."""

from __future__ import annotations

import itertools
import re
import shutil
import tomllib
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from zonedesign.errors import ScenarioError
from zonedesign.examples import DATA, QUOTED, README, SCENARIOS, SYSTEMS, WHAT_IF, write_example
from zonedesign.examples.county import county
from zonedesign.examples.people import HOURS_A_HEAD, _packages, published
from zonedesign.osm import read_roads
from zonedesign.traveltimes import travel_times

CHECKOUT = Path(__file__).resolve().parents[1]
BANDS = {1: (700, 1300, 50, 110), 2: (240, 450, 18, 42), 3: (10, 150, 1, 11)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("example") / "westmarch"
    write_example(made)
    return made


@pytest.fixture(scope="module")
def units(folder):
    return gpd.read_file(folder / "geodata/units.gpkg", layer="units")


@pytest.fixture(scope="module")
def customers(folder):
    return pd.read_csv(folder / "geodata/customers.csv")


@pytest.fixture(scope="module")
def roads(folder):
    return read_roads(folder / "geodata/roads.osm.pbf", profile="free-flow")


@pytest.fixture(scope="module")
def built():
    return county(2019)


@pytest.fixture(scope="module")
def lived_in(units, customers):
    """Hours and customers of every unit."""
    points = gpd.GeoDataFrame(
        customers, geometry=gpd.points_from_xy(customers.easting, customers.northing), crs=units.crs
    )
    inside = points.sjoin(units[["unit", "geometry"]], predicate="within")
    assert len(inside) == len(customers)
    return inside.groupby("unit")["weekly_hours"].agg(["sum", "size"]).reindex(units["unit"], fill_value=0)


def units_that_touch(units):
    left, right = shapely.STRtree(units.geometry).query(units.geometry, predicate="dwithin", distance=30)
    graph = nx.Graph(zip(left.tolist(), right.tolist(), strict=True))
    graph.remove_edges_from([(i, i) for i in range(len(units))])
    return graph


def test_the_units_are_some_four_hundred_with_unique_ids_and_names(units):
    assert 380 <= len(units) <= 450
    assert units["unit"].is_unique
    assert units["name"].is_unique
    assert set(units["settlement_class"]) == {"town", "market town", "village", "hamlet"}
    assert set(units["ruc11"]) == {"Urban", "Rural"}
    assert units.crs.to_epsg() == 27700
    assert not units.drop(columns="geometry").isna().any(axis=None)


def test_the_polygons_tile_the_county_without_gaps_or_overlaps(units):
    assert units.geometry.is_valid.all()
    assert set(units.geom_type) == {"Polygon"}
    assert shapely.coverage_is_valid(units.geometry.to_numpy())
    whole = shapely.get_parts(shapely.union_all(units.geometry.to_numpy()))
    assert len(whole) == 2  # the mainland and the island
    assert shapely.area(whole).sum() == pytest.approx(units.area.sum(), abs=1)
    assert all(len(part.interiors) == 0 for part in whole)


def test_every_unit_has_its_point_inside_it(units):
    points = shapely.points(units["point_easting"], units["point_northing"])
    assert shapely.contains(units.geometry.to_numpy(), points).all()


def test_the_county_lies_where_there_is_only_sea(units):
    west, south, east, north = units.total_bounds
    assert 490_000 < west < east < 550_000
    assert 40_000 < south < north < 90_000  # the coast of Sussex is north of 92,000


def test_the_customers_add_up_to_the_published_totals(customers):
    assert len(customers) == 1907
    assert customers["weekly_hours"].sum() == 23_572
    assert customers["id"].is_unique
    made_up = (
        customers["visits_per_week"] * customers["minutes_per_visit"] * customers["carers_per_visit"] / 60
    )
    assert (customers["weekly_hours"] == made_up).all()
    assert set(customers["funding"]) == {"council", "nhs", "self"}
    assert not customers.isna().any(axis=None)


def test_the_older_people_are_as_many_as_in_west_sussex(units):
    assert units["pop_75_plus"].sum() == pytest.approx(23_572 / HOURS_A_HEAD, rel=0.03)
    assert (units["pop_75_plus"] <= units["pop_65_plus"]).all()
    assert (units["pop_65_plus"] < units["population"]).all()


def test_the_published_table_adds_up_level_by_level(folder):
    table = pd.read_csv(folder / QUOTED)
    pd.testing.assert_frame_equal(table, published(), check_dtype=False)
    sums = table.groupby("level")[["customers", "weekly_hours"]].sum()
    assert sums.to_numpy().tolist() == [[1620, 20_121], [253, 3028], [34, 423]]


def test_a_plan_within_the_bands_is_known_to_exist(units, lived_in, built, roads):
    points = gpd.GeoSeries(
        gpd.points_from_xy(units["point_easting"], units["point_northing"]),
        index=units["unit"],
        crs=units.crs,
    )
    minutes = travel_times(roads, points, max_minutes=15).to_array()
    longer = np.maximum(minutes, minutes.T)
    touching = units_that_touch(units)
    assert np.bincount(built.plan.level).tolist() == [0, 20, 9, 6]
    for number, level in enumerate(built.plan.level):
        mine = np.flatnonzero(built.plan.area == number)
        hours, people = lived_in.iloc[mine].sum()
        low, high, fewest, most = BANDS[level]
        assert low <= hours <= high
        assert fewest <= people <= most
        assert nx.is_connected(touching.subgraph(mine.tolist()))
        assert longer[np.ix_(mine, mine)].max(axis=1).min() <= 13  # two minutes to spare


def test_the_roads_are_one_network_that_reaches_every_unit(folder, units, built):
    ways = built.roads.ways
    steps = [
        pair
        for way in ways
        for a, b in itertools.pairwise(way.nodes)
        for pair in ([(a, b)] if "oneway" in way.tags or "junction" in way.tags else [(a, b), (b, a)])
    ]
    start, end = np.asarray(steps).T
    count = len(built.roads.nodes)
    graph = coo_array((np.ones(len(start)), (start, end)), (count, count))
    assert connected_components(graph, connection="strong")[0] == 1
    nodes = shapely.STRtree(shapely.points(built.roads.nodes))
    points = shapely.points(units["point_easting"], units["point_northing"])
    assert nodes.query_nearest(points, return_distance=True, all_matches=False)[1].max() < 300
    assert (folder / "geodata/roads.osm.pbf").stat().st_size < 500_000


def test_the_roads_show_what_a_reader_must_cope_with(built):
    tags = [way.tags for way in built.roads.ways]
    classes = {tag["highway"] for tag in tags}
    assert classes >= {
        "motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "residential"
    }  # fmt: skip
    assert sum("junction" in tag for tag in tags) >= 3
    assert sum(tag.get("oneway") == "yes" and tag["highway"] == "residential" for tag in tags) >= 2
    assert sum("bridge" in tag for tag in tags) >= 1
    assert {"20 mph", "30 mph", "70 mph"} <= {tag["maxspeed"] for tag in tags if "maxspeed" in tag}
    assert any("maxspeed" not in tag for tag in tags)


def test_the_island_is_joined_by_a_bridge_alone_and_is_too_small_for_level_1(units, lived_in):
    pieces = sorted(nx.connected_components(units_that_touch(units)), key=len)
    assert len(pieces) == 2
    assert 150 < lived_in["sum"].iloc[sorted(pieces[0])].sum() < 700


def test_the_same_seed_writes_the_same_bytes(folder, tmp_path):
    again = tmp_path / "again"
    write_example(again)
    for name in (*SCENARIOS, *SYSTEMS, WHAT_IF, *DATA, QUOTED, README):
        assert (again / name).read_bytes() == (folder / name).read_bytes(), name


def test_the_scenarios_write_their_levels_out_in_full(folder):
    levels = {}
    for name in SCENARIOS:
        scenario = tomllib.loads((folder / name).read_text(encoding="utf-8"))
        levels[name] = scenario["levels"]
        for data in (scenario.get("units", {}).get("path"), scenario.get("demand", {}).get("customers")):
            assert data is None or (folder / "scenarios" / data).is_file()
    recommended, hampshire, impossible = (levels[name] for name in SCENARIOS)
    assert [level["zones"] for level in recommended] == [20, 9, 6]
    assert [tuple(level["weekly_hours"] + level["customers"]) for level in recommended] == list(
        BANDS.values()
    )
    assert [level["zones"] for level in hampshire] == [4]
    assert hampshire[0]["weekly_hours"] == [5304, 6482]
    assert impossible[0]["weekly_hours"][0] == 700


def test_packages_of_even_a_handful_of_customers_add_up_exactly_whatever_the_seed():
    for seed in range(300):
        drawn = _packages(40, 3, np.random.default_rng(seed))  # once stuck for one seed in sixty
        assert len(drawn) == 3
        assert sum(visits * minutes * carers for visits, minutes, carers in drawn) == 40 * 60


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(ScenarioError, match=r"thesis\.docx.*choose a new or empty folder"):
        write_example(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.docx"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(ScenarioError, match="is a file, not a folder"):
        write_example(tmp_path / "taken")


def test_an_untouched_example_is_replaced_by_another_seed_and_an_edited_one_is_refused(
    folder, units, tmp_path
):
    example = shutil.copytree(folder, tmp_path / "example")
    (example / "my-plan").mkdir()
    written = write_example(example, seed=5)
    assert sorted(written) == sorted(
        example / name for name in (*SCENARIOS, *SYSTEMS, WHAT_IF, *DATA, QUOTED, README)
    )
    other = pd.read_csv(example / "geodata/customers.csv")
    assert len(other) == 1907
    assert other["weekly_hours"].sum() == 23_572
    assert set(gpd.read_file(example / "geodata/units.gpkg")["settlement"]) != set(units["settlement"])
    scenario = example / "scenarios/hampshire.toml"
    scenario.write_text(scenario.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"1 file changed since \(scenarios/hampshire\.toml\)"):
        write_example(example)
    assert scenario.read_text(encoding="utf-8").endswith("# mine\n")


def test_a_negative_seed_is_refused(tmp_path):
    with pytest.raises(ScenarioError, match="seed is -1"):
        write_example(tmp_path / "new", seed=-1)
    assert not (tmp_path / "new").exists()


def test_the_checkout_holds_what_the_code_writes(folder):
    if not (CHECKOUT / "geodata").is_dir():
        pytest.skip("not run from a checkout: there is no geodata/ beside tests/")
    for name in (*SCENARIOS, *SYSTEMS, WHAT_IF, DATA[1], QUOTED):
        assert (CHECKOUT / name).read_text(encoding="utf-8") == (folder / name).read_text(encoding="utf-8"), (
            name
        )
    ours, theirs = (gpd.read_file(place / DATA[0]) for place in (folder, CHECKOUT))
    pd.testing.assert_frame_equal(ours.drop(columns="geometry"), theirs.drop(columns="geometry"))
    assert ours.geometry.geom_equals_exact(theirs.geometry.normalize(), 0.2).all() or (
        ours.symmetric_difference(theirs).area.max() < 1
    )
    here, there = (read_roads(place / DATA[2]) for place in (folder, CHECKOUT))
    for mine, other in zip(here.to_frames(), there.to_frames(), strict=True):
        pd.testing.assert_frame_equal(
            mine.drop(columns="geometry", errors="ignore"), other.drop(columns="geometry", errors="ignore")
        )
    sums = re.compile(r"`[0-9a-f]{64}`")  # a GeoPackage differs in bytes from one GDAL to the next
    texts = [(place / README).read_text(encoding="utf-8") for place in (folder, CHECKOUT)]
    assert sums.sub("", texts[0]) == sums.sub("", texts[1])
