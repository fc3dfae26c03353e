"""Streets inside towns and villages, and the drawing that every road is put on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import shapely

from zonedesign.examples.network import CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zonedesign.examples.coast import Outline
    from zonedesign.examples.places import Settlement

TREES = (
    "Acacia", "Alder", "Ash", "Beech", "Birch", "Cedar", "Cherry", "Chestnut", "Elm", "Hazel", "Holly",
    "Laurel", "Lime", "Maple", "Oak", "Poplar", "Rowan",
)  # fmt: skip
STREETS = ("Road", "Avenue", "Close", "Drive", "Way", "Gardens", "Crescent", "Grove")
AVENUE_EVERY = 4


@dataclass(frozen=True)
class Way:
    """One way of the road file: positions of its nodes, in order, and its tags."""

    nodes: tuple[int, ...]
    tags: dict[str, str]


@dataclass(frozen=True)
class Drawing:
    """Roads as they are drawn: node coordinates in EPSG:27700 and ways over them; grows while it is drawn."""

    nodes: list[tuple[float, float]] = field(default_factory=list)
    ways: list[Way] = field(default_factory=list)

    def point(self, x: float, y: float) -> int:
        """Add a node and return its position."""
        self.nodes.append((round(float(x), 1), round(float(y), 1)))
        return len(self.nodes) - 1

    def line(self, nodes: Iterable[int], **tags: str) -> None:
        """Add a way."""
        self.ways.append(Way(tuple(nodes), tags))


@dataclass(frozen=True)
class Grid:
    """A town's streets: a graph over drawing nodes whose edges have `line` and `road`, and the middle node.

    `row` is the row of the grid that each node lies in.
    """

    graph: Any
    middle: int
    row: dict[int, int]


def grid(
    drawing: Drawing, outline: Outline, places: list[Settlement], town: int, rng: np.random.Generator
) -> Grid:
    """Return a town's street grid: turned, bent and with some streets left out, as towns are."""
    place = places[town]
    apart = 225.0 if place.kind == "town" else 175.0
    reach = int(1.2 * place.radius_m * place.stretch / apart) + 1
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1)
    turn = rng.uniform(-0.5, 0.5) if place.stretch == 1.0 else rng.uniform(-0.12, 0.12)
    along = (
        np.column_stack([columns, rows])
        * apart
        @ np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    )
    phase = rng.uniform(0, 6.28, 4)
    bend = np.column_stack(
        [
            np.sin(along[:, 1] / 620 + phase[0])
            + 0.7 * np.sin(along[:, 0] / 900 + along[:, 1] / 450 + phase[1]),
            np.sin(along[:, 0] / 640 + phase[2])
            + 0.7 * np.sin(along[:, 1] / 880 - along[:, 0] / 470 + phase[3]),
        ]
    )
    spots = np.round(
        along + 70 * bend + rng.uniform(-0.07, 0.07, along.shape) * apart + (place.x, place.y), 1
    )
    others = [other for other in places if other.radius_m]
    nearest = np.argmin([other.depth(spots) for other in others], axis=0)
    good = (place.depth(spots) <= 1.0) & (nearest == others.index(place))
    good &= shapely.contains_xy(outline.land.buffer(-45.0), spots)
    graph = nx.Graph()
    at = {(int(r), int(c)): i for i, (r, c) in enumerate(zip(rows, columns, strict=True)) if good[i]}
    for (r, c), i in at.items():
        for line, other in ((("row", r), (r, c + 1)), (("column", c), (r + 1, c))):
            avenue = line[1] % AVENUE_EVERY == 0
            if other in at and (avenue or rng.random() < 0.92):
                j = at[other]
                if outline.land.contains(shapely.LineString(spots[[i, j]])):
                    length = float(np.hypot(*(spots[i] - spots[j]))) * (0.6 if avenue else 1.0)
                    graph.add_edge(
                        i, j, line=line, length=length, road="tertiary" if avenue else "residential"
                    )
    main = max(nx.connected_components(graph), key=len)
    order = sorted(main)
    names = {i: drawing.point(*spots[i]) for i in order}
    kept = nx.Graph()
    kept.add_nodes_from(names[i] for i in order)
    kept.add_edges_from((names[i], names[j], graph.edges[i, j]) for i, j in sorted(graph.edges) if i in main)
    middle = order[int(np.argmin(np.hypot(*(spots[order] - (place.x, place.y)).T)))]
    return Grid(kept, names[middle], {names[i]: int(rows[i]) for i in order})


def through_town(grid: Grid, gate: int, road: str) -> None:
    """Carry a link's class on along the streets from the edge of a town to its middle."""
    path = nx.shortest_path(grid.graph, gate, grid.middle, weight="length")
    for a, b in pairwise(path):
        street = grid.graph.edges[a, b]
        street["length"] *= 0.8
        if street["road"] == "residential" or CLASSES.index(road) < CLASSES.index(street["road"]):
            street["road"] = "tertiary" if road == "unclassified" else road


def draw_grid(drawing: Drawing, grid: Grid, place: Settlement, rng: np.random.Generator) -> None:
    """Draw a town's streets, one way for every run of the same class along a line of the grid."""
    if place.areas > 1:
        _make_one_way(drawing, grid)
    lines: dict[Any, list[tuple[int, int]]] = {}
    for a, b in sorted((min(ends), max(ends)) for ends in grid.graph.edges):
        lines.setdefault(grid.graph.edges[a, b]["line"], []).append((a, b))
    for line in sorted(lines):
        runs: list[tuple[tuple[str, str], list[int]]] = []
        for a, b in lines[line]:
            street = grid.graph.edges[a, b]
            kind = (street["road"], street.get("oneway", ""))
            if runs and runs[-1][0] == kind and runs[-1][1][-1] == a:
                runs[-1][1].append(b)
            else:
                runs.append((kind, [a, b]))
        for (road, oneway), run in runs:
            drawing.line(run[::-1] if oneway == "back" else run, **_street_tags(road, oneway, rng))


def _make_one_way(drawing: Drawing, grid: Grid) -> None:
    """Turn the streets on either side of a town's middle into a one-way pair, four blocks long."""
    middle, (x, y) = grid.row[grid.middle], drawing.nodes[grid.middle]
    for row, oneway in ((middle - 1, "back"), (middle + 1, "on")):
        beside = sorted(
            (math.hypot(drawing.nodes[a][0] - x, drawing.nodes[a][1] - y), a, b)
            for a, b in ((min(ends), max(ends)) for ends in grid.graph.edges)
            if grid.graph.edges[a, b]["line"] == ("row", row)
            and grid.graph.edges[a, b]["road"] == "residential"
        )
        for _, a, b in beside[:4]:
            if min(grid.graph.degree[a], grid.graph.degree[b]) > 2:
                grid.graph.edges[a, b]["oneway"] = oneway


def _street_tags(road: str, oneway: str, rng: np.random.Generator) -> dict[str, str]:
    """Return a street's tags: limits are recorded on main roads and on some others, as in real extracts."""
    tags = {"highway": road}
    if road != "residential" or rng.random() < 0.3:
        tags["maxspeed"] = "30 mph" if road != "residential" or rng.random() < 0.5 else "20 mph"
    tags["name"] = f"{TREES[rng.integers(len(TREES))]} {STREETS[rng.integers(len(STREETS))]}"
    return tags | ({"oneway": "yes"} if oneway else {})


def draw_village(drawing: Drawing, node: int, place: Settlement, land: Any, rng: np.random.Generator) -> None:
    """Draw the few dead-end streets of a village or hamlet around its middle, those that stay on dry land."""
    x, y = drawing.nodes[node]
    count = 6 if place.kind == "village" else 2
    start = rng.uniform(0, math.tau)
    for k in range(count):
        angle = start + math.tau * (k + rng.uniform(-0.2, 0.2)) / count
        path = [node]
        for far in np.cumsum(rng.uniform(60, 110, 3 if place.kind == "village" else 2)):
            angle += rng.normal(0, 0.18)
            spot = (x + far * math.cos(angle), y + far * math.sin(angle))
            if land.contains(shapely.Point(spot).buffer(40.0)):
                path.append(drawing.point(*spot))
            else:
                break
        if len(path) > 1:
            drawing.line(path, **_street_tags("residential", "", rng))
