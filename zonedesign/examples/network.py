"""Which places the county's roads join, and what class each road has."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import shapely
from scipy.spatial import Delaunay

from zonedesign.examples.coast import ORIGIN
from zonedesign.examples.places import scatter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.examples.coast import Outline
    from zonedesign.examples.places import Settlement

    Floats = NDArray[np.float64]

# Dual carriageways, as kilometres from ORIGIN: a trunk road behind the coast and a motorway to the north.
TRUNK = [
    (1.9, 20.6), (8.0, 21.6), (15.0, 21.4), (22.0, 15.6), (29.6, 12.2), (36.4, 12.6), (42.2, 13.2),
    (48.2, 12.6), (54.0, 11.6),
]  # fmt: skip
MOTORWAY = [(42.2, 13.2), (42.0, 19.6), (42.4, 26.2), (43.4, 33.2)]

CLASSES = ("motorway", "trunk", "primary", "secondary", "tertiary", "unclassified")


@dataclass(frozen=True)
class Network:
    """The hubs (n, 2), places first, and the links between them: (hub, hub) -> class.

    `bridged` are the links that cross water, `junctions` the hubs where dual carriageways are met.
    """

    hubs: Floats
    links: dict[tuple[int, int], str]
    bridged: frozenset[tuple[int, int]]
    junctions: frozenset[int]


def network(outline: Outline, places: list[Settlement], seed: int) -> Network:
    """Return the roads between places, planned as who would drive where: towns first, hamlets last."""
    rng = np.random.default_rng([seed, 4])
    centres = np.asarray([(place.x, place.y) for place in places])
    fast = _fast_hubs(outline.land, places, rng)
    corners = np.asarray(list(fast))
    crossings = np.asarray(scatter(outline.land.buffer(-250.0), 1500.0, np.vstack([centres, corners]), rng))
    crossings = crossings[_open(crossings, places, 1.3)]
    hubs = np.vstack([centres, corners, crossings])
    lines = _lines(hubs, outline, places)
    graph = nx.Graph()
    graph.add_nodes_from(range(len(hubs)))
    for a, b in lines:
        graph.add_edge(a, b, length=float(np.hypot(*(hubs[a] - hubs[b]))))
    number = {plan: len(places) + i for i, plan in enumerate(fast.values())}
    dual = {
        (min(number[a], number[b]), max(number[a], number[b])): name
        for chain, name in ((TRUNK, "trunk"), (MOTORWAY, "motorway"))
        for a, b in pairwise(chain)
    }
    for a, b in dual:
        graph.add_edge(a, b, length=0.55 * float(np.hypot(*(hubs[a] - hubs[b]))))
    links = _classed(graph, places, sorted(number.values())) | dual
    bridged = frozenset(line for line, wet in lines.items() if wet)
    return Network(hubs, dict(sorted(links.items())), bridged, frozenset(number.values()))


def _fast_hubs(
    land: Any, places: list[Settlement], rng: np.random.Generator
) -> dict[tuple[float, float], tuple[float, float]]:
    """Return where the dual carriageways have junctions: near the plan, on land, out of every town."""
    found: dict[tuple[float, float], tuple[float, float]] = {}
    for point in dict.fromkeys(TRUNK + MOTORWAY):
        darts = (
            np.asarray(point) * 1000.0
            + ORIGIN
            + rng.normal(0, 1, (400, 2)) * np.linspace(150, 1500, 400)[:, None]
        )
        darts = np.round(darts)
        good = shapely.contains_xy(land.buffer(-150.0), darts) & _open(darts, places, 1.3)
        centres = np.asarray([(place.x, place.y) for place in places])
        good &= np.hypot(*(darts[:, None, :] - centres[None, :, :]).T).T.min(axis=1) > 700.0
        x, y = darts[np.argmax(good)]
        found[float(x), float(y)] = point
    return found


def _open(points: Floats, places: list[Settlement], depth: float) -> NDArray[np.bool_]:
    """Return which points lie outside every town, with room to spare."""
    towns = [place for place in places if place.radius_m]
    return np.asarray(np.min([town.depth(points) for town in towns], axis=0) > depth)


def _lines(hubs: Floats, outline: Outline, places: list[Settlement]) -> dict[tuple[int, int], float]:
    """Return the links that roads can take, with the metres of water they cross.

    They are the Gabriel graph of the hubs on dry land, what joins its pieces, the one bridge to the island
    and the two shortest bridges elsewhere.
    """
    corners = Delaunay(hubs).simplices
    pairs = np.unique(
        np.sort(np.vstack([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]]), axis=1), axis=0
    )
    middles = hubs[pairs].mean(axis=1)
    halves = np.hypot(*(hubs[pairs[:, 0]] - hubs[pairs[:, 1]]).T) / 2
    gaps = np.hypot(*(middles[:, None, :] - hubs[None, :, :]).transpose(2, 0, 1)).min(axis=1)
    gabriel = gaps > halves - 0.5
    wet = shapely.length(shapely.difference(shapely.linestrings(hubs[pairs]), outline.land.buffer(-25.0)))
    clear = _clear_of_towns(hubs, pairs, places)
    on_island = shapely.contains_xy(outline.island.buffer(10.0), hubs)
    crosses = on_island[pairs[:, 0]] != on_island[pairs[:, 1]]
    kept = {(int(a), int(b)): 0.0 for a, b in pairs[gabriel & (wet == 0) & clear]}
    joined = nx.Graph(list(kept))
    dry = np.flatnonzero((wet == 0) & clear)
    for i in dry[np.argsort(halves[dry], kind="stable")]:
        a, b = (int(hub) for hub in pairs[i])
        if a not in joined or b not in joined or not nx.has_path(joined, a, b):
            kept[a, b] = 0.0
            joined.add_edge(a, b)
    over = shapely.intersects(shapely.linestrings(hubs[pairs]), outline.water)  # not out of the county
    ways_over = np.flatnonzero((wet > 0) & (wet < 420.0) & over & gabriel & ~crosses & clear)
    for i in ways_over[np.argsort(wet[ways_over], kind="stable")][:2]:
        kept[int(pairs[i, 0]), int(pairs[i, 1])] = float(wet[i])
    city = 0
    island_hubs = np.flatnonzero(on_island)
    north = int(island_hubs[np.argmin(np.hypot(*(hubs[island_hubs] - hubs[city]).T))])
    kept[city, north] = 1.0
    return kept


def _clear_of_towns(hubs: Floats, pairs: NDArray[np.int64], places: list[Settlement]) -> NDArray[np.bool_]:
    """Return which links run through no town but those they end in."""
    along = np.linspace(0.0, 1.0, 25)[None, :, None]
    stations = hubs[pairs[:, 0]][:, None, :] * (1 - along) + hubs[pairs[:, 1]][:, None, :] * along
    clear = np.ones(len(pairs), dtype=bool)
    for i, place in enumerate(places):
        if place.radius_m:
            inside = (place.depth(stations.reshape(-1, 2)).reshape(len(pairs), -1) < 1.0).any(axis=1)
            clear &= ~inside | (pairs == i).any(axis=1)
    return clear


def _classed(graph: Any, places: list[Settlement], fast: list[int]) -> dict[tuple[int, int], str]:
    """Return a class for every link: the best of the journeys that use it."""
    kinds: dict[str, list[int]] = {}
    for i, place in enumerate(places):
        kinds.setdefault(place.kind, []).append(i)
    links = {(min(a, b), max(a, b)): "unclassified" for a, b in graph.edges}
    towns = kinds["town"]
    big = towns + kinds["market town"]
    journeys = [(a, b, "primary") for a in towns for b in _nearest(graph, a, towns, 3)]
    journeys += [(a, b, "primary") for a in towns for b in _nearest(graph, a, fast, 1)]
    journeys += [(a, b, "secondary") for a in kinds["market town"] for b in _nearest(graph, a, big, 3)]
    journeys += [(a, b, "secondary") for a in fast for b in _nearest(graph, a, big, 1)]
    journeys += [(a, b, "tertiary") for a in kinds["village"] for b in _nearest(graph, a, big, 2)]
    journeys += [(a, b, "tertiary") for a in kinds["hamlet"] for b in _nearest(graph, a, big, 1)]
    for a, b, name in journeys:
        path = nx.shortest_path(graph, a, b, weight="length")
        for link in pairwise(path):
            ends = (min(link), max(link))
            links[ends] = min(links[ends], name, key=CLASSES.index)
            graph.edges[link]["length"] *= 0.7 if name in ("primary", "secondary") else 1.0
    return links


def _nearest(graph: Any, start: int, others: list[int], count: int) -> list[int]:
    """Return the `count` hubs among `others` that are quickest to drive to."""
    far = nx.single_source_dijkstra_path_length(graph, start, weight="length")
    return sorted((hub for hub in others if hub != start and hub in far), key=lambda hub: (far[hub], hub))[
        :count
    ]
