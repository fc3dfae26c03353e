"""The ends of travel: points and limits, checked and brought to the roads before any search."""

from __future__ import annotations

import logging
import math
import os
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.errors import DataError, counted, listed, require_number, require_unique
from zonedesign.snapping import snap

if TYPE_CHECKING:
    import geopandas as gpd

    from zonedesign.roads import RoadNetwork
    from zonedesign.snapping import Snapping

_log = logging.getLogger("zonedesign.traveltimes")

SLACK_MINUTES = 1e-6
"""What a travel time may exceed the cutoff by, for rounding."""


def limit_of(max_minutes: float | None, max_snap_m: float, threads: int | None) -> float:
    """Return the most minutes that count, slack included and always finite."""
    if max_minutes is not None and max_minutes != math.inf:
        require_number("max_minutes", max_minutes, "0 or more, or None for no cutoff", lambda v: v >= 0)
    if max_snap_m != math.inf:
        require_number("max_snap_m", max_snap_m, "0 or more metres", lambda v: v >= 0)
    if threads is not None:
        require_number(
            "threads", threads, "1 or more, or None for all cores", lambda v: v >= 1 and v % 1 == 0
        )
    most = float(np.finfo(np.float64).max)
    return most if max_minutes is None else min(float(max_minutes) + SLACK_MINUTES, most)


def cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def points_of(points: gpd.GeoSeries | gpd.GeoDataFrame, what: str) -> gpd.GeoSeries:
    """Return the points themselves, or raise `DataError` for none, or ids that repeat."""
    places = getattr(points, "geometry", None)
    if places is None:
        raise DataError(f"the {what}s are a {type(points).__name__}; give a GeoSeries of points")
    if not len(places):
        raise DataError(f"there are no {what}s to travel between")
    require_unique(places.index, f"{what} id", f"the index of {what}s")
    return places


def snapped(roads: RoadNetwork, points: gpd.GeoSeries, max_snap_m: float, what: str) -> Snapping:
    """Return where the points meet the roads, or raise `DataError` where most do not."""
    snapping = snap(roads, points, max_snap_m=max_snap_m, fragments=True)
    lost, place = snapping.lost, f"within {max_snap_m:,g} m of the roads in {roads.source}"
    near = len(points) - len(lost)
    if near < len(lost):
        raise DataError(
            f"{near:,} of {counted(len(points), what)} lie {place}, first not near: {listed(lost)}; "
            "is it a road file of another place, or is the CRS of the points wrong?"
        )
    if len(lost):
        worst = snapping.distance_m.max()
        _log.warning(
            "%s not %s (up to %s m away), so out of reach: %s",
            counted(len(lost), what), place, f"{worst:,.0f}", listed(lost, 20),
        )  # fmt: skip
    return snapping
