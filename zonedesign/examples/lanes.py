"""Roads between places: winding lanes, dual carriageways, roundabouts and bridges."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from zonedesign.examples.coast import roughen
from zonedesign.examples.streets import Drawing, draw_grid, draw_village, grid, through_town

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.examples.coast import Outline
    from zonedesign.examples.network import Network
    from zonedesign.examples.places import Settlement
    from zonedesign.examples.streets import Grid
    from zonedesign.examples.tiles import Tiles

    Floats = NDArray[np.float64]

ROUGHNESS = {"motorway": 0.035, "trunk": 0.04, "primary": 0.055, "secondary": 0.07, "tertiary": 0.085}
RING_M = 32.0
CARRIAGEWAY_M = 11.0
NEAR_M = 220.0


def drawn_roads(
    outline: Outline, places: list[Settlement], units: Tiles, roads: Network, seed: int
) -> Drawing:
    """Return every road of the county, one of them within `NEAR_M` of every unit's point."""
    rng = np.random.default_rng([seed, 5])
    drawing = Drawing()
    dry = outline.land.buffer(-15.0)
    grids = {i: grid(drawing, outline, places, i, rng) for i, place in enumerate(places) if place.radius_m}
    hubs = _hub_nodes(drawing, roads, grids)
    for (a, b), road in roads.links.items():
        start, end = _end(drawing, roads, grids, hubs, a, b), _end(drawing, roads, grids, hubs, b, a)
        for hub, gate in ((a, start), (b, end)):
            if hub in grids:
                through_town(grids[hub], gate, road)
        name = f"{places[b if b < len(places) else a].name} Road" if a < len(places) else ""
        _link(drawing, dry, (start, end), road, name, (a, b) in roads.bridged, rng)
    for i, place in enumerate(places):
        if i in grids:
            draw_grid(drawing, grids[i], place, rng)
        else:
            draw_village(drawing, hubs[i][0], place, outline.land, rng)
    _reach(drawing, outline, units.points)
    return drawing


def _reach(drawing: Drawing, outline: Outline, points: Floats) -> None:
    """Add a street over dry land to every unit's point that is still far from all streets."""
    used = sorted({node for way in drawing.ways for node in way.nodes})
    spots = np.asarray(drawing.nodes)[used]
    for x, y in points:
        far = np.hypot(*(spots - (x, y)).T)
        if far.min() <= NEAR_M:
            continue
        for i in np.flatnonzero(far < 3000.0)[np.argsort(far[far < 3000.0], kind="stable")]:
            if outline.land.contains(shapely.LineString([spots[i], (x, y)])):
                drawing.line([used[i], drawing.point(x, y)], highway="residential")
                break


def _hub_nodes(drawing: Drawing, roads: Network, grids: dict[int, Grid]) -> dict[int, list[int]]:
    """Return the nodes of every hub outside the towns: one, or six around a roundabout."""
    degree = dict.fromkeys(range(len(roads.hubs)), 0)
    for link in roads.links:
        for hub in link:
            degree[hub] += 1
    nodes: dict[int, list[int]] = {}
    for hub, (x, y) in enumerate(roads.hubs):
        if hub in grids or not degree[hub]:
            continue
        if hub in roads.junctions and degree[hub] > 2:
            turns = [math.tau * k / 6 for k in range(6)]  # drawn clockwise, as Britain drives
            ring = [drawing.point(x + RING_M * math.cos(-a), y + RING_M * math.sin(-a)) for a in turns]
            drawing.line([*ring, ring[0]], highway="trunk", junction="roundabout")
            nodes[hub] = ring
        else:
            nodes[hub] = [drawing.point(x, y)]
    return nodes


def _end(
    drawing: Drawing,
    roads: Network,
    grids: dict[int, Grid],
    hubs: dict[int, list[int]],
    hub: int,
    towards: int,
) -> int:
    """Return the node where a link ends: nearest to where it comes from, on a roundabout or a town's edge."""
    choices = list(grids[hub].graph) if hub in grids else hubs[hub]
    spots = np.asarray([drawing.nodes[node] for node in choices])
    return choices[int(np.argmin(np.hypot(*(spots - roads.hubs[towards]).T)))]


def _link(
    drawing: Drawing,
    dry: Any,
    ends: tuple[int, int],
    road: str,
    name: str,
    bridged: bool,  # noqa: FBT001
    rng: np.random.Generator,
) -> None:
    """Draw one link: straight over a bridge, two carriageways where dual, winding otherwise."""
    straight = np.asarray([drawing.nodes[end] for end in ends])
    tags = {"highway": road} | (
        {"name": name} if name and road in ("primary", "secondary", "tertiary") else {}
    )
    if bridged:
        _bridge(drawing, dry, ends, tags)
        return
    path = roughen(straight, ROUGHNESS.get(road, 0.11), 260.0, rng)
    if not dry.contains(shapely.LineString(path)):
        path = straight
    if road not in ("motorway", "trunk"):
        limit = {"primary": "50 mph", "secondary": "50 mph", "tertiary": "40 mph"}.get(road, "")
        if limit and rng.random() < 0.3:
            tags["maxspeed"] = limit
        drawing.line([ends[0], *(drawing.point(*p) for p in path[1:-1]), ends[1]], **tags)
        return
    tags |= {"oneway": "yes", "maxspeed": "70 mph", "ref": "M92" if road == "motorway" else "A927"}
    across = np.gradient(path, axis=0) @ np.array([[0.0, -1.0], [1.0, 0.0]])  # to the left of travel
    across *= CARRIAGEWAY_M / np.hypot(across[:, 0], across[:, 1])[:, None]
    there, back = path + across, (path - across)[::-1]
    drawing.line([ends[0], *(drawing.point(*p) for p in there[1:-1]), ends[1]], **tags)
    drawing.line([ends[1], *(drawing.point(*p) for p in back[1:-1]), ends[0]], **tags)


def _bridge(drawing: Drawing, dry: Any, ends: tuple[int, int], tags: dict[str, str]) -> None:
    """Draw a straight road whose part over water is a bridge."""
    line = shapely.LineString([drawing.nodes[end] for end in ends])
    wet = shapely.line_locate_point(line, shapely.points(shapely.get_coordinates(line.difference(dry))))
    shores = [drawing.point(*line.interpolate(far).coords[0]) for far in (wet.min(), wet.max())]
    drawing.line([ends[0], shores[0]], **tags)
    drawing.line(shores, bridge="yes", layer="1", **tags)
    drawing.line([shores[1], ends[1]], **tags)
