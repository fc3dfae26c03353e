"""The plan the county is built around: 35 areas that meet the published bands, so that one is known to exist.

The areas are drawn before anybody lives in them; `people` then gives every area the customers and hours of
one row of the published table, drawn in by a quarter towards the mean of its level, which puts every row
inside the bands of the text. The plan is written to no file: solvers have to find one of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from zonedesign.examples.places import MARKETS, TOWNS, remote_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.examples.places import Settlement
    from zonedesign.examples.streets import Drawing
    from zonedesign.examples.tiles import Tiles

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


KPH = {
    "motorway": 108.0, "trunk": 92.0, "primary": 62.0, "secondary": 56.0, "tertiary": 50.0,
    "unclassified": 46.0, "residential": 30.0,
}  # fmt: skip
"""Rough speeds, for planning only."""


@dataclass(frozen=True)
class Areas:
    """Every unit's area (n,), and every area's level, 1 to 3; the areas of a level are consecutive."""

    area: Ints
    level: Ints


def areas(units: Tiles, places: list[Settlement], roads: Drawing) -> Areas:
    """Return 20 areas of towns, 9 of market towns and 6 of remote hamlets, each of them connected."""
    level = np.repeat([1, 2, 3], [sum(town[2] for town in TOWNS), len(MARKETS), 6])
    first_market = int((level == 1).sum())
    area = np.full(len(units.points), -1)
    first = 0
    for i, place in enumerate(places):
        mine = np.flatnonzero(units.settlement == i)
        if place.areas:
            area[mine] = first + _sectors(units.points[mine], place)
            first += place.areas
        elif place.radius_m:
            area[mine] = first_market + i - len(TOWNS)
    _join_villages(area, units, places, roads, first_market)
    _mend(area, units.pairs)
    return Areas(area, level)


def _sectors(points: Floats, place: Settlement) -> Ints:
    """Return which of a town's equal parts each point lies in: slices along a coast, wedges inland."""
    if place.stretch > 1.3 or place.areas == 2:
        rank = np.argsort(np.argsort(points[:, 0], kind="stable"), kind="stable")
    else:
        angle = np.arctan2(points[:, 1] - place.y, points[:, 0] - place.x)
        rank = np.argsort(np.argsort(angle, kind="stable"), kind="stable")
    return np.asarray(rank * place.areas // len(points))


def _join_villages(
    area: Ints, units: Tiles, places: list[Settlement], roads: Drawing, first_market: int
) -> None:
    """Give every village and hamlet to the town edge, market town or remote corner nearest by road."""
    markets = np.asarray([(p.x, p.y) for p in places[len(TOWNS) : len(TOWNS) + len(MARKETS)]])
    corners = np.vstack([markets, remote_points(places)])
    town_units = np.flatnonzero((area >= 0) & (area < first_market))
    villages = np.flatnonzero(area < 0)
    far = _road_minutes(roads, units.points[villages], np.vstack([units.points[town_units], corners]))
    to_town, to_corner = far[:, : len(town_units)], far[:, len(town_units) :]
    remote = to_corner.min(axis=1) < 1.7 * to_town.min(axis=1)
    area[villages] = np.where(
        remote, first_market + to_corner.argmin(axis=1), area[town_units[to_town.argmin(axis=1)]]
    )


def _road_minutes(roads: Drawing, start: Floats, end: Floats) -> Floats:
    """Return rough minutes by road between points, directions and junctions aside."""
    spots = np.asarray(roads.nodes)
    links = np.asarray([pair for way in roads.ways for pair in pairwise(way.nodes)])
    kph = np.asarray([KPH[way.tags["highway"]] for way in roads.ways for _ in way.nodes[1:]])
    minutes = np.hypot(*(spots[links[:, 0]] - spots[links[:, 1]]).T) * 0.06 / kph
    graph = coo_array((minutes, (links[:, 0], links[:, 1])), (len(spots), len(spots))).tocsr()
    used = np.unique(links)
    nodes = shapely.STRtree(shapely.points(spots[used]))
    near = [used[nodes.nearest(shapely.points(points))] for points in (start, end)]
    return np.asarray(dijkstra(graph, directed=False, indices=near[0])[:, near[1]])


def _mend(area: Ints, pairs: Ints) -> None:
    """Give whatever is cut off from the largest piece of its area to the area it touches most."""
    graph = nx.Graph(pairs.tolist())
    graph.add_nodes_from(range(len(area)))
    for _ in range(10):
        strays = 0
        for number in range(int(area.max()) + 1):
            mine = graph.subgraph(np.flatnonzero(area == number).tolist())
            pieces = sorted(nx.connected_components(mine), key=lambda piece: (-len(piece), min(piece)))
            for piece in pieces[1:]:
                beside = [int(area[b]) for a in piece for b in graph[a] if area[b] != number]
                if beside:
                    area[sorted(piece)] = max(sorted(set(beside)), key=beside.count)
                    strays += 1
        if not strays:
            return
