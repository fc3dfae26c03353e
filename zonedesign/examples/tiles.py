"""The units' polygons: small cells grown together from one point each, so that they tile the land."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from zonedesign.examples.places import scatter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.examples.coast import Outline
    from zonedesign.examples.places import Settlement

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

UNITS_PER_AREA = 13.4
UNITS_PER_MARKET = 6


@dataclass(frozen=True)
class Tiles:
    """Units in the order of their places: polygons (n,), points (n, 2), each one's settlement (n,).

    `pairs` (k, 2) are the units that share a boundary.
    """

    polygons: NDArray[np.object_]
    points: Floats
    settlement: Ints
    pairs: Ints


def tiles(outline: Outline, places: list[Settlement], seed: int) -> Tiles:
    """Return the units: every town in many, every village and hamlet in one."""
    rng = np.random.default_rng([seed, 3])
    cells, owner_place = _cells(outline, places, rng)
    seeds, settlement = _unit_points(cells, owner_place, places, rng)
    faces = _faces(outline.land, cells)
    unit, pairs = _grow(faces, cells, owner_place, seeds, settlement, places)
    polygons = np.array([shapely.union_all(faces[unit == i]) for i in range(len(seeds))], dtype=object)
    return Tiles(polygons, cells[seeds], settlement, pairs)


def _cells(outline: Outline, places: list[Settlement], rng: np.random.Generator) -> tuple[Floats, Ints]:
    """Return the points of the small cells (m, 2) and the town each lies in (m,), -1 in open country.

    The centre of the i-th place that has no built-up ellipse is among them, with its own number.
    """
    inland = outline.land.buffer(-60.0)
    points: list[Floats] = []
    owners: list[Ints] = []
    towns = [i for i, place in enumerate(places) if place.radius_m]
    for i in towns:
        apart = 215.0 if places[i].kind == "town" else 170.0
        around = np.asarray(_box(places[i]))
        net = np.indices(np.ceil((around[2:] - around[:2]) / apart).astype(int)).reshape(2, -1).T
        net = around[:2] + (net + 0.5 * (net[:, [1]] % 2) * (1, 0)) * apart
        net = np.round(net + rng.uniform(-0.33, 0.33, net.shape) * apart)
        net = net[shapely.contains_xy(inland, net)]
        depths = np.stack([places[j].depth(net) for j in towns])
        net = net[(depths[towns.index(i)] <= 1.0) & (depths.argmin(axis=0) == towns.index(i))]
        points.append(net)
        owners.append(np.full(len(net), i))
    villages = [i for i, place in enumerate(places) if not place.radius_m]
    points.append(np.asarray([(places[i].x, places[i].y) for i in villages]))
    owners.append(np.asarray(villages))
    taken = np.vstack(points)
    fields = np.asarray(scatter(outline.land, 420.0, taken, rng, tries=11_000))
    return np.vstack([taken, fields]), np.concatenate([*owners, np.full(len(fields), -1)])


def _box(place: Settlement) -> tuple[float, float, float, float]:
    """Return bounds that hold the built-up part of a town, with room for its ragged edge."""
    wide = 1.2 * place.radius_m * place.stretch
    return place.x - wide, place.y - wide, place.x + wide, place.y + wide


def _unit_points(
    cells: Floats, owner: Ints, places: list[Settlement], rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Return the cell that each unit starts from and the unit's place; denser towards a town's middle."""
    starts: list[int] = []
    settlement: list[int] = []
    for i, place in enumerate(places):
        mine = np.flatnonzero(owner == i)
        count = round(place.areas * UNITS_PER_AREA) if place.areas else UNITS_PER_MARKET
        if not place.radius_m:
            count = 1
        weight = np.exp(-1.1 * place.depth(cells[mine])) if place.radius_m else np.ones(len(mine))
        chosen = _middles(cells[mine], weight, count, rng)
        starts += [int(mine[c]) for c in chosen]
        settlement += [i] * len(chosen)
    return np.asarray(starts), np.asarray(settlement)


def _middles(points: Floats, weight: Floats, count: int, rng: np.random.Generator) -> list[int]:
    """Return the positions of `count` points in the middle of their clusters (Lloyd's k-means)."""
    if count >= len(points):
        return list(range(len(points)))
    centres = points[rng.choice(len(points), count, replace=False, p=weight / weight.sum())]
    for _ in range(12):
        near = _nearest(points, centres)
        for c in range(count):
            if (near == c).any():
                centres[c] = np.average(points[near == c], axis=0, weights=weight[near == c])
    spots = dict.fromkeys(int(np.argmin(np.hypot(*(points - centre).T))) for centre in centres)
    return sorted(spots)


def _nearest(points: Floats, centres: Floats) -> Ints:
    """Return the position of the centre nearest to each point."""
    gaps = points[:, None, :] - centres[None, :, :]
    return np.asarray(np.argmin((gaps**2).sum(axis=2), axis=1))


def _faces(land: Any, cells: Floats) -> NDArray[np.object_]:
    """Return the cells' Voronoi polygons cut by the shore, noded together so that neighbours match."""
    edges = shapely.voronoi_polygons(shapely.multipoints(cells), extend_to=land, only_edges=True)
    lines = shapely.union_all([edges.intersection(land.buffer(50.0)), land.boundary], grid_size=0.1)
    pieces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    inside = shapely.contains(land.buffer(0.5), shapely.point_on_surface(pieces))
    return np.asarray(pieces[inside])


def _grow(
    faces: NDArray[np.object_],
    cells: Floats,
    owner: Ints,
    seeds: Ints,
    settlement: Ints,
    places: list[Settlement],
) -> tuple[Ints, Ints]:
    """Return each face's unit (the one that reaches it soonest over touching faces) and the touching units.

    A town's units spread easily over built-up cells and hardly over fields, a village's the other way round,
    so boundaries follow the edge of the town; a unit is connected because it grows from one face.
    """
    left, right = _touching(faces)
    middle = np.asarray(shapely.get_coordinates(shapely.centroid(faces)))
    tree = shapely.STRtree(shapely.points(cells))
    face_owner = owner[tree.nearest(shapely.points(middle))]
    steps = np.hypot(*(middle[left] - middle[right]).T)
    links: list[list[tuple[int, float]]] = [[] for _ in faces]
    for a, b, step in zip(left.tolist(), right.tolist(), steps.tolist(), strict=True):
        links[a].append((b, step))
        links[b].append((a, step))
    unit = np.full(len(faces), -1)
    home = shapely.STRtree(faces).query_nearest(shapely.points(cells[seeds]), all_matches=False)[1]
    queue = [(0.0, i, int(face)) for i, face in enumerate(home)]
    while queue:
        reached, i, face = heapq.heappop(queue)
        if unit[face] >= 0:
            continue
        unit[face] = i
        place = settlement[i]
        for other, step in links[face]:
            if unit[other] < 0:
                there = face_owner[other]
                fields = 3.2 if places[place].kind == "town" else 1.6 if places[place].radius_m else 1.0
                pace = 1.0 if there == place else fields if there < 0 else 12.0
                heapq.heappush(queue, (round(reached + step * pace, 3), i, other))
    couples = np.sort(np.column_stack([unit[left], unit[right]]), axis=1)
    return unit, np.unique(couples[(couples[:, 0] != couples[:, 1]) & (couples[:, 0] >= 0)], axis=0)


def _touching(faces: NDArray[np.object_]) -> tuple[Ints, Ints]:
    """Return the pairs of faces that share an edge (both its end points), smaller position first."""
    rings = shapely.get_exterior_ring(faces)
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    corner = np.round(coordinates * 10).astype(np.int64) @ np.array([1 << 30, 1])
    keys = np.sort(np.column_stack([corner[:-1], corner[1:]])[same], axis=1)
    owner = ring[:-1][same]
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    keys, owner = keys[order], owner[order]
    shared = np.flatnonzero((keys[1:] == keys[:-1]).all(axis=1))
    pairs = np.sort(np.column_stack([owner[shared], owner[shared + 1]]), axis=1)
    pairs = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
    return pairs[:, 0], pairs[:, 1]
