"""Travel times against scipy and networkx on real roads, in one run, checked to be equal.

Run it with the folder of real data beside the checkout, or named in ZONEDESIGN_GEODATA::

    python benchmarks/travel.py [--networkx 4] [--rounds 3]

It prints the seconds of `travel_times` (everything: snapping, preparing, searching, the sparse result), of
`scipy.sparse.csgraph.dijkstra(limit=)` from every distinct node, and of networkx from a sample of nodes,
scaled up; then how many times quicker ours is. The first call of all, with numba's machine code read or
compiled, is by itself.
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import networkx as nx
import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

import zonedesign as zd
from zonedesign.roads import snap

if TYPE_CHECKING:
    from zonedesign.roads import RoadNetwork
    from zonedesign.traveltimes import TravelTimes

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "geodata"


def points_of(folder: Path, layer: str) -> gpd.GeoSeries:
    """Return the units' population points."""
    units = gpd.read_file(folder / f"{layer}.gpkg").set_index(f"{layer}11cd")
    places = units["point_easting"], units["point_northing"]
    return gpd.GeoSeries.from_xy(*places, crs=units.crs, index=units.index)


def table_of(roads: RoadNetwork) -> Any:
    """Return scipy's table of the roads, the quickest of parallel edges only."""
    ends = roads.tails[roads.quickest], roads.heads[roads.quickest]
    size = len(roads.node_ids)
    return sparse.csr_array((roads.minutes[roads.quickest], ends), shape=(size, size))


def by_scipy(table: Any, sources: np.ndarray, targets: np.ndarray, limit: float) -> tuple[np.ndarray, float]:
    """Return minutes (sources, targets) and the seconds of the searches, a few rows at a time."""
    found, began = np.empty((len(sources), len(targets))), time.perf_counter()
    for first in range(0, len(sources), 64):
        some = sources[first : first + 64]
        found[first : first + 64] = csgraph.dijkstra(table, indices=some, limit=limit)[:, targets]
    return found, time.perf_counter() - began


def by_networkx(
    graph: nx.DiGraph, sources: np.ndarray, targets: np.ndarray, limit: float
) -> tuple[np.ndarray, float]:
    """Return minutes (sources, targets) and the seconds of the searches."""
    found, began = np.full((len(sources), len(targets)), np.inf), time.perf_counter()
    for row, source in enumerate(sources.tolist()):
        lengths = nx.single_source_dijkstra_path_length(graph, source, cutoff=limit)
        found[row] = [lengths.get(target, np.inf) for target in targets.tolist()]
    return found, time.perf_counter() - began


def timed(
    roads: RoadNetwork, points: gpd.GeoSeries, cutoff: float | None, rounds: int
) -> tuple[TravelTimes, float]:
    """Return the travel times and the least seconds of several rounds."""
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        times = zd.travel_times(roads, points, max_minutes=cutoff)
        seconds.append(time.perf_counter() - began)
    return times, min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description="Travel times against scipy and networkx on real roads.")
    parser.add_argument(
        "--networkx", type=int, default=4, help="origins that networkx is tried on (default 4)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="rounds of ours, the quickest of which counts")
    asked = parser.parse_args()
    logging.getLogger("zonedesign").setLevel(logging.ERROR)  # Selsey is out of reach, and that is known
    folder = Path(os.environ.get("ZONEDESIGN_GEODATA", BESIDE)) / "se-hampshire"
    roads = zd.read_roads(folder / "roads.osm.pbf")
    print(roads)
    table = table_of(roads)
    graph = nx.DiGraph()
    graph.add_weighted_edges_from(
        zip(roads.tails.tolist(), roads.heads.tolist(), roads.minutes.tolist(), strict=True)
    )
    for tail, head, minutes in zip(
        roads.tails, roads.heads, roads.minutes, strict=True
    ):  # the quickest of parallels
        edge = graph.edges[int(tail), int(head)]
        edge["weight"] = min(edge["weight"], float(minutes))
    _, first = timed(roads, points_of(folder, "lsoa"), 15, 1)
    print(f"first call in this process: {first:.2f} s")
    print(
        f"{'points':>12} {'minutes':>8} {'pairs':>10} {'ours s':>8} {'scipy s':>8} {'networkx s':>11} "
        f"{'x scipy':>8} {'x networkx':>11}"
    )
    for layer in ("lsoa", "oa"):
        points = points_of(folder, layer)
        snapped = snap(roads, points)
        near = np.flatnonzero(snapped.nodes >= 0)
        sources, row = np.unique(snapped.nodes[near], return_inverse=True)
        sample = sources[:: max(1, len(sources) // max(1, asked.networkx))][: asked.networkx]
        for cutoff in (15, 30, None):
            limit = math.inf if cutoff is None else cutoff + 1e-6
            times, ours = timed(roads, points, cutoff, asked.rounds)
            dense = times.to_array()[np.ix_(near, near)]
            expected, theirs = by_scipy(table, sources, sources, limit)
            np.testing.assert_allclose(dense, expected[np.ix_(row, row)], rtol=1e-9, atol=1e-9)
            some, seconds = by_networkx(graph, sample, sources, limit)
            np.testing.assert_allclose(some, expected[np.searchsorted(sources, sample)], rtol=1e-9, atol=1e-9)
            scaled = seconds * len(sources) / len(sample)
            print(
                f"{len(points):>7,} {layer:>4} {cutoff or 'all':>8} {len(times.minutes):>10,} {ours:>8.3f} "
                f"{theirs:>8.2f} {scaled:>11.1f} {theirs / ours:>8.1f} {scaled / ours:>11.0f}"
            )
    print("all equal")


if __name__ == "__main__":
    main()
