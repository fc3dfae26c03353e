"""Roads read from OSMnx graphs, in memory and as GraphML, and fetched by the name of a place."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import networkx as nx
import osmnx as ox
import pandas as pd
import pytest
from shapely.geometry import LineString

from zonedesign.cli import main
from zonedesign.errors import DataError
from zonedesign.osm import read_roads, save_place
from zonedesign.profiles import JUNCTIONS, MPH

# Six nodes on a line going east from Oakham, some 68 m apart.
PLACES = {i: (-0.7300 + 0.001 * i, 52.67) for i in range(1, 7)}


def links(roads):
    _, edges = roads.to_frames()
    return sorted(map(tuple, edges[["from", "to"]].to_numpy().tolist()))


def osmnx_graph():
    """Three nodes at Oakham as OSMnx makes them: a primary road both ways, a one-way street with a bend."""
    graph = nx.MultiDiGraph(crs="epsg:4326", name="Oakham")
    for key in (1, 2, 3):
        graph.add_node(key, x=PLACES[key][0], y=PLACES[key][1], street_count=2)
    graph.nodes[2]["highway"] = "traffic_signals"
    primary = {"highway": "primary", "maxspeed": "60 mph", "length": 67.6, "oneway": False}
    graph.add_edge(1, 2, 0, osmid=10, reversed=False, **primary)
    graph.add_edge(2, 1, 0, osmid=10, reversed=True, **primary)
    bend = LineString([PLACES[2], (PLACES[3][0], 52.671), PLACES[3]])
    graph.add_edge(
        2, 3, 0, osmid=[11, 12], highway=["residential", "unclassified"], maxspeed=["20 mph", "30 mph"],
        length=250.0, geometry=bend, oneway=True, reversed=False,
    )  # fmt: skip
    graph.add_edge(3, 1, 0, osmid=13, highway="service", length=140.0, oneway=True, reversed=False)
    return graph


def test_an_osmnx_graph_keeps_its_nodes_the_lengths_of_its_edges_and_the_bends_of_its_geometry():
    roads = read_roads(osmnx_graph())
    assert links(roads) == [(-1, 3), (1, 2), (2, -1), (2, 1)]
    nodes, edges = roads.to_frames()
    assert nodes.index.tolist() == [1, 2, 3, -1]
    edges = edges.set_index(["from", "to"])
    assert edges["length_m"][[(1, 2), (2, 1)]].tolist() == [67.6, 67.6]
    assert edges["length_m"][[(2, -1), (-1, 3)]].sum() == pytest.approx(250.0)
    assert edges["road_class"].tolist() == ["primary", "primary", "residential", "residential"]
    assert roads.maxspeed_kph[2:].tolist() == pytest.approx([20 * MPH] * 2)
    assert [JUNCTIONS[code] for code in roads.junction] == ["signals", "none", "none", "none"]
    assert roads.counts["edges that are no drivable road left out"] == 1
    assert (roads.source, roads.crs.to_epsg()) == ("Oakham", 27700)


@pytest.mark.parametrize("ending", [".graphml", ".graphml.gz"])
def test_graphml_gives_what_the_graph_gives(tmp_path, ending):
    path = tmp_path / "oakham.graphml"
    ox.save_graphml(osmnx_graph(), path)
    if ending.endswith(".gz"):
        packed = tmp_path / "oakham.graphml.gz"
        packed.write_bytes(gzip.compress(path.read_bytes()))
        path = packed
    roads, expected = read_roads(path), read_roads(osmnx_graph())
    pd.testing.assert_frame_equal(roads.to_frames()[1], expected.to_frames()[1])
    pd.testing.assert_frame_equal(roads.to_frames()[0], expected.to_frames()[0])
    assert roads.sha256


def test_osmnx_frames_give_what_the_graph_gives():
    graph = osmnx_graph()
    roads = read_roads(ox.graph_to_gdfs(graph))
    pd.testing.assert_frame_equal(roads.to_frames()[1], read_roads(graph).to_frames()[1])


def test_a_graph_is_not_changed_by_reading_it():
    graph = osmnx_graph()
    read_roads(graph)
    assert nx.utils.graphs_equal(graph, osmnx_graph())


def test_an_undirected_graph_is_driven_both_ways_unless_one_way():
    graph = nx.MultiGraph(crs="epsg:4326")
    for key in (1, 2, 3):
        graph.add_node(key, x=PLACES[key][0], y=PLACES[key][1])
    graph.add_edge(1, 2, highway="primary", length=70.0)
    graph.add_edge(2, 3, highway="primary", length=70.0, oneway=True, **{"from": 3, "to": 2})
    assert links(read_roads(graph)) == [(1, 2), (2, 1), (3, 2)]


def test_a_projected_graph_keeps_its_crs():
    roads = read_roads(ox.project_graph(osmnx_graph(), to_crs="EPSG:32630"))
    assert roads.crs.to_epsg() == 32630
    assert roads.length_m.sum() == pytest.approx(2 * 67.6 + 250.0)


def test_graphs_that_lack_what_they_need_are_refused():
    graph = osmnx_graph()
    del graph.graph["crs"]
    with pytest.raises(DataError, match="have no CRS"):
        read_roads(graph)
    graph = osmnx_graph()
    del graph.nodes[3]["x"]
    with pytest.raises(DataError, match="1 node without x and y: 3"):
        read_roads(graph)
    graph = osmnx_graph()
    graph.remove_edges_from([(1, 2), (2, 1), (2, 3)])
    with pytest.raises(DataError, match="no drivable road"):
        read_roads(graph)


def test_nodes_with_names_are_numbered_and_counted():
    graph = nx.relabel_nodes(osmnx_graph(), {1: "a", 2: "b", 3: "c"})
    roads = read_roads(graph)
    assert roads.node_ids.tolist() == [0, 1, 2, -1]
    assert roads.counts["nodes numbered anew, their ids being no whole numbers"] == 3


SQUARE = [[-0.74, 52.66], [-0.70, 52.66], [-0.70, 52.68], [-0.74, 52.68], [-0.74, 52.66]]
FOUND = [{
    "place_id": 1, "osm_type": "relation", "osm_id": 1, "lat": "52.67", "lon": "-0.72", "class": "boundary",
    "type": "administrative", "importance": 0.5, "name": "Toytown", "display_name": "Toytown",
    "boundingbox": ["52.66", "52.68", "-0.74", "-0.70"], "geojson": {"type": "Polygon", "coordinates": [SQUARE]},
}]  # fmt: skip
ROADS = {
    "elements": [
        *({"type": "node", "id": key, "lon": lon, "lat": lat} for key, (lon, lat) in PLACES.items()),
        {"type": "way", "id": 10, "nodes": [1, 2, 3], "tags": {"highway": "primary", "maxspeed": "60 mph"}},
        {"type": "way", "id": 11, "nodes": [3, 4], "tags": {"highway": "residential", "oneway": "yes"}},
        {"type": "way", "id": 12, "nodes": [4, 5], "tags": {"highway": "residential", "motor_vehicle": "no"}},
    ]
}


class Answering(BaseHTTPRequestHandler):
    """Speaks as much Nominatim and Overpass as OSMnx asks for."""

    def do_GET(self):
        if "/search" in self.path:
            self.answer(FOUND if "Toytown" in self.path else [])
        else:
            self.answer("Connected as: 1\nCurrent time: now\n\n\n2 slots available now.\n")

    def do_POST(self):
        self.server.asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.answer(ROADS)

    def answer(self, content):
        body = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def overpass(monkeypatch, tmp_path):
    """A loopback server in the place of Nominatim and Overpass."""
    server = HTTPServer(("127.0.0.1", 0), Answering)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(ox.settings, "nominatim_url", address)
    monkeypatch.setattr(ox.settings, "overpass_url", f"{address}/api")
    monkeypatch.setattr(ox.settings, "cache_folder", tmp_path / "cache")
    monkeypatch.chdir(tmp_path)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_place_is_fetched_saved_and_read_again(overpass, tmp_path):
    before = {name: getattr(ox.settings, name) for name in dir(ox.settings) if not name.startswith("_")}
    resolver = socket.getaddrinfo
    path = save_place("Toytown", tmp_path / "toytown.graphml.gz")
    assert {name: getattr(ox.settings, name) for name in before} == before
    assert socket.getaddrinfo is resolver
    assert sorted(item.name for item in tmp_path.iterdir()) == ["toytown.graphml.gz"]
    roads = read_roads(path)
    assert links(roads) == [(1, 2), (2, 1), (2, 3), (3, 2), (3, 4)]
    assert roads.counts["roads closed to cars left out"] == 2


def test_roads_of_a_place_are_read_directly(overpass):
    roads = read_roads(place="Toytown", profile="am-peak")
    assert links(roads) == [(1, 2), (2, 1), (2, 3), (3, 2), (3, 4)]
    assert roads.source == "Toytown (OSMnx)"
    assert roads.profile == "am-peak"


@pytest.mark.parametrize(
    ("options", "mode", "profile", "paths"),
    [
        ([], "car", "free-flow", False),
        (["--mode", "foot"], "foot", "walking", True),
        (["--mode", "cycle"], "cycle", "cycling", True),
    ],
)
def test_the_roads_verb_fetches_what_the_mode_uses(overpass, tmp_path, capsys, options, mode, profile, paths):
    out = tmp_path / "toytown.graphml"
    assert main(["roads", "Toytown", "-o", str(out), "--json", *options]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["mode"], answer["profile"]) == (mode, profile)
    assert answer["edges"] == len(read_roads(out, profile=profile).heads)
    assert ("footway" in overpass.asked[-1]) is paths


def test_the_roads_verb_knows_no_other_mode(capsys):
    assert main(["roads", "Toytown", "-o", "toytown.graphml", "--mode", "horse"]) == 2
    assert "invalid choice: 'horse'" in capsys.readouterr().err.splitlines()[-1]


def test_an_unknown_place_is_refused(overpass):
    with pytest.raises(DataError, match="cannot fetch the roads of 'Nowhere' through OSMnx"):
        read_roads(place="Nowhere")
    with pytest.raises(DataError, match="has no name"):
        read_roads(place=" ")


def test_without_a_connection_the_way_out_is_named(overpass, monkeypatch):
    with socket.socket() as closed:  # bound and not listening: nobody answers
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setattr(ox.settings, "nominatim_url", f"http://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(DataError, match="give a file of roads instead"):
            read_roads(place="Toytown")


def test_places_are_kept_as_graphml_in_a_folder_that_exists(tmp_path):
    with pytest.raises(DataError, match=r"end the name in \.graphml"):
        save_place("Toytown", tmp_path / "toytown.osm")
    with pytest.raises(DataError, match="no such folder"):
        save_place("Toytown", tmp_path / "nowhere" / "toytown.graphml")
