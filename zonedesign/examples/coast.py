"""The outline of the example county: a south coast with a harbour, an island, a spit and an estuary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ORIGIN = (492_000.0, 46_000.0)
"""South-west corner in EPSG:27700: open water in the English Channel, so no real place lies underneath."""

CRS = "EPSG:27700"

# Control points in kilometres from ORIGIN. The plan of the county is drawn by hand, the seed roughens it.
COAST = [
    (0.0, 9.6), (4.0, 7.7), (8.0, 6.4), (12.5, 4.9), (17.0, 5.9), (20.0, 4.4), (22.6, 2.6), (25.4, 5.3),
    (30.0, 7.0), (36.0, 7.5), (42.0, 6.9), (47.0, 6.0), (51.2, 4.6), (53.2, 6.2), (56.0, 7.2),
]  # fmt: skip
BORDER = [
    (56.0, 7.2), (54.2, 12.5), (55.8, 18.0), (53.4, 23.5), (55.2, 29.5), (51.5, 34.8), (44.5, 33.4),
    (38.0, 36.2), (31.0, 34.6), (24.0, 36.6), (15.5, 33.6), (8.0, 35.2), (2.4, 31.5), (3.4, 25.0),
    (1.0, 19.5), (2.2, 13.5), (0.0, 9.6),
]  # fmt: skip

# Water that is cut out of the land: a centre line and the half width in metres at each of its points.
WATERS: list[list[tuple[float, float, float]]] = [
    [(8.3, 5.0, 520), (8.5, 6.8, 380), (8.2, 8.6, 800), (7.7, 10.4, 620), (8.6, 12.3, 240)],
    [(7.9, 10.2, 420), (6.4, 11.6, 200), (5.4, 12.7, 60)],
    [(16.9, 4.6, 560), (16.8, 6.4, 480), (16.6, 8.4, 900), (17.3, 10.2, 680), (16.2, 12.2, 240)],
    [(17.2, 9.6, 480), (18.8, 11.0, 230), (19.9, 11.6, 60)],
    [(16.4, 11.4, 260), (17.6, 13.2, 140), (17.9, 14.6, 50)],
    [(8.6, 12.2, 190), (10.6, 12.0, 170), (12.6, 12.3, 150), (14.4, 12.1, 170), (16.3, 12.1, 210)],
    [(46.7, 5.2, 300), (46.9, 7.0, 230), (46.3, 8.6, 170), (46.8, 10.2, 90), (46.5, 11.2, 40)],
]
SPIT = [(18.4, 4.9), (17.6, 5.1), (17.05, 5.6), (16.95, 6.3)]


@dataclass(frozen=True)
class Outline:
    """The land of the county, the island that only a bridge joins to it, and the inlets (EPSG:27700)."""

    land: Any
    island: Any
    water: Any


def roughen(line: Floats, roughness: float, shortest_m: float, rng: np.random.Generator) -> Floats:
    """Return `line` (n, 2) with midpoints displaced sideways until no leg is longer than `shortest_m`.

    A leg's midpoint moves by a normal draw of `roughness` times its length (fractal midpoint displacement).
    """
    while True:
        legs = np.diff(line, axis=0)
        lengths = np.hypot(legs[:, 0], legs[:, 1])
        if not (lengths > shortest_m).any():
            return line
        sideways = np.column_stack([-legs[:, 1], legs[:, 0]]) * rng.normal(0.0, roughness, (len(legs), 1))
        middles = (line[:-1] + line[1:]) / 2 + np.clip(sideways, -lengths[:, None] / 4, lengths[:, None] / 4)
        keep = np.ones(2 * len(line) - 1, dtype=bool)
        keep[1::2] = lengths > shortest_m
        both = np.empty((2 * len(line) - 1, 2))
        both[0::2], both[1::2] = line, middles
        line = both[keep]


def outline(seed: int) -> Outline:
    """Return the county's outline for a seed."""
    rng = np.random.default_rng([seed, 1])
    shore = roughen(_metres(COAST), 0.075, 220.0, rng)
    border = roughen(_metres(BORDER), 0.10, 420.0, rng)
    water = shapely.union_all([_channel(points, rng) for points in WATERS])
    spit = shapely.LineString(roughen(_metres(SPIT), 0.05, 250.0, rng)).buffer(105.0, quad_segs=3)
    body = shapely.Polygon(np.vstack([shore, border[1:-1]])).buffer(0).difference(water).union(spit)
    pieces = sorted(shapely.get_parts(shapely.set_precision(body, 1.0)), key=lambda piece: -piece.area)
    mainland, island = (shapely.Polygon(piece.exterior) for piece in pieces[:2])
    return Outline(shapely.union_all([mainland, island]), island, water)


def _metres(points: list[tuple[float, float]]) -> Floats:
    """Return control points in kilometres as metres in EPSG:27700."""
    return np.asarray(points) * 1000.0 + ORIGIN


def _channel(points: list[tuple[float, float, float]], rng: np.random.Generator) -> Any:
    """Return a stretch of water: a rough centre line swollen by the half width along it."""
    line = np.asarray(points)
    stations = roughen(_metres([(x, y) for x, y, _ in points]), 0.06, 300.0, rng)
    along = shapely.line_locate_point(
        shapely.LineString(_metres([(x, y) for x, y, _ in points])), shapely.points(stations)
    )
    legs = np.hypot(*np.diff(line[:, :2] * 1000.0, axis=0).T)
    widths = np.interp(along, np.concatenate([[0.0], np.cumsum(legs)]), line[:, 2])
    widths = widths * rng.uniform(0.8, 1.25, len(widths))
    discs = shapely.buffer(shapely.points(stations), widths, quad_segs=3)
    hulls = [shapely.union_all(discs[i : i + 2]).convex_hull for i in range(len(discs) - 1)]
    return shapely.union_all(hulls)
