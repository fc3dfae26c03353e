"""The county put together: units, roads and customers as frames, all from one seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np

from zonedesign.examples.areas import areas
from zonedesign.examples.coast import CRS, outline
from zonedesign.examples.lanes import drawn_roads
from zonedesign.examples.names import COUNTY
from zonedesign.examples.network import network
from zonedesign.examples.people import people
from zonedesign.examples.places import SEATS, settlements
from zonedesign.examples.tiles import tiles

if TYPE_CHECKING:
    import pandas as pd

    from zonedesign.examples.areas import Areas
    from zonedesign.examples.people import People
    from zonedesign.examples.places import Settlement
    from zonedesign.examples.streets import Drawing
    from zonedesign.examples.tiles import Tiles


@dataclass(frozen=True, eq=False)
class County:
    """An invented county.

    `units` and `customers` are the frames that are written; `roads` is the drawing of the road file; `plan`
    is what the county was built around (by position of the unit), and is written nowhere.
    """

    units: gpd.GeoDataFrame
    customers: pd.DataFrame
    roads: Drawing
    plan: Areas


def county(seed: int) -> County:
    """Return the county of a seed: the same on every machine, to the rounding of its coordinates."""
    shape = outline(seed)
    places = settlements(shape, seed)
    units = tiles(shape, places, seed)
    roads = drawn_roads(shape, places, units, network(shape, places, seed), seed)
    plan = areas(units, places, roads)
    folk = people(units, plan, places, roads, seed)
    return County(_frame(units, places, folk), folk.customers, roads, plan)


def _frame(units: Tiles, places: list[Settlement], folk: People) -> gpd.GeoDataFrame:
    """Return the units as they are written, one row each."""
    homes = [places[i] for i in units.settlement]
    quarter = _quarters(units, places)
    seats = np.asarray([(places[i].x, places[i].y) for i in SEATS])
    seat = np.argmin([[math.hypot(home.x - x, home.y - y) for x, y in seats] for home in homes], axis=1)
    return gpd.GeoDataFrame(
        {
            "unit": [f"W{i:04d}" for i in range(1, len(homes) + 1)],
            "name": _numbered(quarter),
            "place": quarter,
            "settlement": [home.name for home in homes],
            "settlement_class": [home.kind for home in homes],
            "ruc11": ["Urban" if home.kind == "town" else "Rural" for home in homes],
            "district_code": [f"WD{i + 1:02d}" for i in seat],
            "district": [places[SEATS[i]].name for i in seat],
            "authority": f"{COUNTY} County Council",
            "population": folk.population,
            "pop_65_plus": folk.pop_65_plus,
            "pop_75_plus": folk.pop_75_plus,
            "point_easting": units.points[:, 0].astype(np.int64),
            "point_northing": units.points[:, 1].astype(np.int64),
        },
        geometry=list(units.polygons),
        crs=CRS,
    )


def _quarters(units: Tiles, places: list[Settlement]) -> list[str]:
    """Return the name people would say: a town's quarter where the town is large, else the settlement."""
    names = []
    depths = np.zeros(len(units.points))
    for i, place in enumerate(places):
        if place.radius_m:
            mine = units.settlement == i
            depths[mine] = place.depth(units.points[mine])
    for point, depth, i in zip(units.points, depths, units.settlement, strict=True):
        place = places[i]
        if place.areas < 2:
            names.append(place.name)
        elif depth < 0.4:
            names.append(f"{place.name} Central")
        else:
            angle = math.atan2((point[1] - place.y) * place.stretch, (point[0] - place.x) / place.stretch)
            side = ("East", "North", "West", "South")[round(angle / (math.pi / 2)) % 4]
            names.append(f"{place.name} {side}")
    return names


def _numbered(names: list[str]) -> list[str]:
    """Return `names` made unique: the units of one place are numbered from 1."""
    count: dict[str, int] = {}
    numbered = []
    for name in names:
        count[name] = count.get(name, 0) + 1
        numbered.append(f"{name} {count[name]}" if names.count(name) > 1 else name)
    return numbered
