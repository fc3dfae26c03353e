"""Where people live: towns, market towns, villages and hamlets, placed on the county's plan."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from zonedesign.examples.coast import ORIGIN
from zonedesign.examples.names import dressed, place_names

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.examples.coast import Outline

    Floats = NDArray[np.float64]

# Kilometres from ORIGIN; how many Level 1 areas the town carries; how much it stretches along the coast.
TOWNS = [
    (12.6, 15.8, 4, 1.25), (31.2, 8.9, 3, 1.6), (27.0, 20.0, 3, 1.0), (47.0, 28.6, 3, 1.1),
    (41.6, 8.9, 2, 1.4), (51.4, 7.6, 2, 1.2), (22.8, 5.0, 1, 1.2), (13.0, 27.8, 1, 1.0), (36.0, 29.0, 1, 1.0),
]  # fmt: skip
MARKETS = [
    (12.4, 8.0), (4.6, 17.0), (21.4, 12.6), (36.4, 16.6), (46.4, 18.0), (5.6, 28.6), (21.0, 26.8),
    (29.2, 28.6), (51.4, 20.8),
]  # fmt: skip
REMOTE = [(19.6, 32.4), (41.4, 23.0), (5.4, 22.8), (29.6, 13.9), (51.8, 14.4), (40.8, 32.8)]
SEATS = (0, 1, 2, 3, 5, 7)
"""The towns that a district is named after."""


@dataclass(frozen=True)
class Settlement:
    """One place: its class, its centre (EPSG:27700), and the built-up ellipse around it.

    `areas` is how many Level 1 areas a town carries (0 for a smaller place).
    """

    name: str
    kind: str
    x: float
    y: float
    areas: int = 0
    radius_m: float = 0.0
    stretch: float = 1.0

    def depth(self, points: Floats) -> Floats:
        """Return how far out `points` (n, 2) lie: 0 at the centre, 1 at the edge of the built-up part."""
        dx, dy = points[:, 0] - self.x, points[:, 1] - self.y
        angle = np.arctan2(dy, dx)
        ragged = 1 + 0.10 * np.sin(3 * angle + self.x / 700) + 0.07 * np.sin(5 * angle + self.y / 500)
        edge = self.radius_m * ragged
        return np.asarray(np.hypot(dx / self.stretch, dy * math.sqrt(self.stretch)) / edge)


def scatter(
    land: Any, apart_m: float, taken: Floats, rng: np.random.Generator, tries: int = 6000
) -> list[tuple[float, float]]:
    """Return random points on `land`, no two and none of `taken` nearer than `apart_m` (dart throwing)."""
    west, south, east, north = land.bounds
    darts = np.round(rng.uniform((west, south), (east, north), (tries, 2)))
    darts = darts[shapely.contains_xy(land, darts)]
    kept = np.vstack([taken, np.empty((len(darts), 2))])
    count = len(taken)
    for dart in darts:
        if not count or np.min(np.hypot(*(kept[:count] - dart).T)) >= apart_m:
            kept[count] = dart
            count += 1
    return [(float(x), float(y)) for x, y in kept[len(taken) : count]]


def settlements(outline: Outline, seed: int) -> list[Settlement]:
    """Return every place of the county: towns first, then market towns, then villages and hamlets."""
    rng = np.random.default_rng([seed, 2])
    names = place_names(200, rng)[::-1]
    places = [
        Settlement(
            names.pop(),
            "town",
            *_spot(outline.land, x, y, 900.0, rng),
            areas,
            1800.0 * math.sqrt(areas),
            stretch,
        )
        for x, y, areas, stretch in TOWNS
    ]
    places += [
        Settlement(names.pop(), "market town", *_spot(outline.land, x, y, 700.0, rng), 0, 1000.0)
        for x, y in MARKETS
    ]
    remote = [_spot(outline.land, x, y, 500.0, rng) for x, y in REMOTE]
    open_country = shapely.union_all([outline.land.buffer(-350.0)]).difference(
        shapely.union_all([_built_up(place).buffer(900.0) for place in places])
    )
    spots = remote + scatter(open_country, 2900.0, np.asarray(remote), rng)
    hamlets = np.asarray(remote)
    for x, y in spots:
        lonely = np.min(np.hypot(hamlets[:, 0] - x, hamlets[:, 1] - y)) < 3600.0
        kind = "hamlet" if lonely or rng.random() < 0.35 else "village"
        places.append(Settlement(dressed(names.pop(), rng), kind, x, y))
    return places


def remote_points(places: list[Settlement]) -> Floats:
    """Return the middles (6, 2) of the remote corners: the first places after the towns and market towns."""
    first = len(TOWNS) + len(MARKETS)
    return np.asarray([(place.x, place.y) for place in places[first : first + len(REMOTE)]])


def _spot(
    land: Any, x_km: float, y_km: float, stray_m: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Return a point on dry land near the planned one."""
    dry = land.buffer(-500.0)
    while True:
        angle, far = rng.uniform(0, 2 * math.pi), stray_m * math.sqrt(rng.random())
        x = round(ORIGIN[0] + x_km * 1000 + far * math.cos(angle))
        y = round(ORIGIN[1] + y_km * 1000 + far * math.sin(angle))
        if shapely.contains_xy(dry, x, y):
            return float(x), float(y)


def _built_up(place: Settlement) -> Any:
    """Return the ellipse of a town, for keeping villages out of it."""
    disc = shapely.get_coordinates(shapely.Point(0, 0).buffer(place.radius_m * 1.15))
    return shapely.Polygon(disc * [place.stretch, 1 / math.sqrt(place.stretch)] + [place.x, place.y])
