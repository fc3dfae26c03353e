"""Six units in a row with two zones in them, and causes planted one by one that leave no plan.

::

    a  b  c  d  e  f      10 hours and a customer each, a mile and five minutes to the next, which it touches

Two zones of three, around b and e, keep every rule.
"""

from __future__ import annotations

import itertools
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import Point

import zonedesign as zd

IDS = list("abcdef")
MILE = 1609.344
TODAY = pd.Series(["W", "W", "W", "W", "E", "E"], index=IDS)
"""A zone in the west that is too long to be run from one place, and one in the east."""


def row(
    *rules: Any,
    links: list[tuple[str, str]] | None = None,
    authority: str | None = None,
    columns: dict[str, list[Any]] | None = None,
    **level: Any,
) -> zd.Problem:
    """The row, with a level changed, rules added, other links or a council's border."""
    frame = gpd.GeoDataFrame(
        {
            "hours": 10.0,
            "customers": 1,
            "ruc": ["Urban", "Urban", "Rural", "Urban", "Rural", "Rural"],
            "side": ["w", "w", "e", "e", "e", "e"],
            **(columns or {}),
        },
        index=pd.Index(IDS),
        geometry=[Point(450_000 + k * MILE, 120_000) for k in range(6)],
        crs=27700,
    )
    units = zd.Units.from_frame(
        frame,
        hours="hours",
        customers="customers",
        contiguity=list(itertools.pairwise(IDS)) if links is None else links,
        authority=authority,
    )
    minutes = 5.0 * np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
    bands = {"weekly_hours": (20, 40), "customers": (2, 4), "max_minutes": 5, "zones": 2} | level
    return zd.Problem(
        units,
        zd.TravelTimes.from_matrix(minutes, IDS),
        levels=[zd.Level("1", **bands)],
        rules=[zd.Contiguous(), *rules],
        objective=zd.Objective(baseline=TODAY),
    )
