"""A toy world of 12 units, small enough to work out by hand.

::

    A1 A2 A3 | B1 B2 B3      hours 10 each, customers 1 each; two urban columns (1 and 2), one rural (3)
    A4 A5 A6 | B4 B5 B6      two minutes to a neighbour's point, along rows and columns; a mile to the square

The toy plan has two zones, the A side centred at A2 (`west`) and the B side centred at B2 (`east`).
"""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import box

import zonedesign as zd

MILE = 1609.344
X, Y = 450_000, 120_000  # somewhere in Hampshire
IDS = ["A1", "A2", "A3", "B1", "B2", "B3", "A4", "A5", "A6", "B4", "B5", "B6"]
PLACES = [(i % 6, 1 - i // 6) for i in range(12)]


def frame() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "hours": 10.0,
            "customers": 1,
            "ruc": ["Rural" if unit[1] in "36" else "Urban" for unit in IDS],
            "council": [unit[0] for unit in IDS],
            "place": ["Ashby" if unit[0] == "A" else "Burton" for unit in IDS],
        },
        index=pd.Index(IDS, name="unit_id"),
        geometry=[box(X + x * MILE, Y + y * MILE, X + (x + 1) * MILE, Y + (y + 1) * MILE) for x, y in PLACES],
        crs=27700,
    )


def neighbours() -> list[tuple[str, str]]:
    place = dict(zip(IDS, PLACES, strict=True))
    return [(a, b) for a in IDS for b in IDS if a < b and np.abs(np.subtract(place[a], place[b])).sum() == 1]


def minutes() -> np.ndarray:
    xy = np.array(PLACES)
    return 2.0 * np.abs(xy[:, None, :] - xy[None, :, :]).sum(axis=2)


def units(**changes: object) -> zd.Units:
    options = {
        "hours": "hours",
        "customers": "customers",
        "contiguity": neighbours(),
        "name": "place",
    } | changes
    return zd.Units.from_frame(frame(), **options)


def problem(*rules: object, level: dict[str, object] | None = None, **changes: object) -> zd.Problem:
    """Two zones of 60 hours at level 1, which every rule of the toy plan meets with room to spare."""
    bands = {"weekly_hours": (50, 70), "customers": (5, 7), "max_minutes": 8, "zones": 2} | (level or {})
    parts = {
        "units": units(),
        "times": zd.TravelTimes.from_matrix(minutes(), IDS),
        "levels": [zd.Level("1", **bands)],
        "rules": rules or (zd.Contiguous(),),
    } | changes
    return zd.Problem(**parts)


def labels() -> pd.Series:
    return pd.Series(["west" if unit[0] == "A" else "east" for unit in IDS], index=IDS)


def plan(of: zd.Problem | None = None) -> zd.Plan:
    """`west` around A2 and `east` around B2."""
    of = of or problem()
    return zd.Plan.from_labels(
        of.units, of.times, labels(), levels=of.levels, centre={"west": "A2", "east": "B2"}
    )


def squares(side: int, seed: int = 1) -> tuple[pd.DataFrame, list[tuple[str, str]], np.ndarray]:
    """Square of units with random hours of 1 to 9: their frame, who touches whom, a minute to a neighbour."""
    dice = np.random.default_rng(seed)
    places = list(itertools.product(range(side), repeat=2))
    ids = [f"{a}-{b}" for a, b in places]
    frame = pd.DataFrame({"hours": dice.integers(1, 10, len(ids)).astype(float)}, index=pd.Index(ids))
    near = [
        (ids[i], ids[k])
        for i, k in itertools.combinations(range(len(ids)), 2)
        if abs(places[i][0] - places[k][0]) + abs(places[i][1] - places[k][1]) == 1
    ]
    xy = np.array(places)
    return frame, near, np.hypot(*(xy[:, None, :] - xy[None, :, :]).transpose(2, 0, 1))


def square_of(
    *levels: zd.Level,
    side: int = 3,
    seed: int = 0,
    most: int = 99,
    nothing: int = 0,
    rules: tuple[object, ...] = (),
) -> zd.Problem:
    """At most so many units of `squares`, the first ones without hours where asked for, zones connected."""
    frame, near, minutes = squares(side, seed)
    kept = frame.index[:most]
    frame = frame.loc[kept].copy()
    frame.iloc[:nothing, frame.columns.get_loc("hours")] = 0
    pairs = [(a, b) for a, b in near if a in kept and b in kept]
    return zd.Problem(
        zd.Units.from_frame(frame, hours="hours", contiguity=pairs),
        zd.TravelTimes.from_matrix(minutes[: len(kept), : len(kept)], kept),
        levels=levels,
        rules=[zd.Contiguous(), *rules],
    )
