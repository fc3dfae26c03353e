"""Edges of the data: pairs of points that roads outside the file may join quicker than those inside.

A way that leaves the data at one cut road and comes back at another takes at least the minutes to the first,
the straight line between the two at the speed of the fastest road there may be, and the minutes from the
second. Only where that is less than the minutes found can these be too long.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
from scipy.spatial import cKDTree

from zonedesign._ends import SLACK_MINUTES
from zonedesign.errors import counted, listed
from zonedesign.roads import coordinates
from zonedesign.traveltimes import TravelTimes, travel_times

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.roads import RoadNetwork

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

MOTORWAY_KPH = 70 * 1.609344
"""The national limit of motorways: no car outside the data is lawfully driven faster."""

ROWS_AT_ONCE = 64

BEYOND = 1.25
"""The road to a unit leaves the file where a cut node is at most so many times as far as the main roads are.

In South-East Hampshire that is 0.05 to 0.38 at Selsey, whose streets are in the file without the road to
them, and 1.0 where the nearest road ends at the edge; elsewhere 1.1 and mostly 5 and more.
"""


def with_doubts(
    times: TravelTimes, roads: RoadNetwork, points: gpd.GeoSeries, *, within: float | None
) -> TravelTimes:
    """Return the times, with what is in doubt for want of roads beyond the points in their provenance.

    `cut_nodes` is how many nodes roads leave the data at, `doubtful_pairs` how many pairs of points may be
    quicker than found, or in reach though found out of it, and `doubtful` the ids in such pairs, those in
    most of them first; `beyond_file` are the ids beyond the snapping limit that a road leads to which leaves
    the file (`BEYOND`). What is longer than `within` minutes (None: no limit) is out of reach here. The times
    are the same; they are those of `travel_times(roads, points)`.
    """
    cut = np.flatnonzero(roads.cut)
    pairs, at = 0, np.zeros(0, dtype=np.int64)
    lost = points.index.isin(times.provenance.get("beyond_snap", ()))
    near = points[~lost]
    if len(cut) and len(near):
        ends = gpd.GeoSeries.from_xy(roads.x[cut], roads.y[cut], index=cut, crs=roads.crs)
        limits: dict[str, Any] = {
            "max_minutes": within,
            "max_snap_m": times.provenance.get("max_snap_m", 1000.0),
        }
        out = travel_times(roads, near, ends, **limits).to_array()
        back = travel_times(roads, ends, near, **limits).to_array()
        pairs, touched = in_doubt(out, across(roads, cut), back, times.on(near.index), within)
        order = np.argsort(-touched, kind="stable")
        at = order[touched[order] > 0]
    told = {
        "cut_nodes": len(cut),
        "doubtful_within": within,
        "doubtful_pairs": pairs,
        "doubtful": near.index[at].tolist(),
        "beyond_file": _beyond_file(times, roads, points[lost], cut),
    }
    return replace(times, provenance={**times.provenance, **told})


def _beyond_file(times: TravelTimes, roads: RoadNetwork, lost: gpd.GeoSeries, cut: Ints) -> list[Any]:
    """Return the ids of the points that a cut node is hardly farther from than the main roads are."""
    if not len(lost) or not len(cut) or times.snapped_m is None:
        return []
    x, y, _ = coordinates(lost, roads.crs)
    ends = cKDTree(np.column_stack([roads.x[cut], roads.y[cut]]))
    away, _ = ends.query(np.column_stack([x, y]))
    leaves = away <= BEYOND * times.snapped_m[lost.index].to_numpy()
    return list(lost.index[leaves])


def doubts_said(times: TravelTimes) -> str | None:
    """Return what `with_doubts` found as a sentence with the way out, or None where nothing is in doubt."""
    pairs, n = times.provenance.get("doubtful_pairs", 0), len(times.origins)
    every = n * (n - 1)
    if not pairs:
        return None
    within = times.provenance["doubtful_within"]
    beyond = "well" if within is None else f"{within:g} minutes"
    units = times.provenance["doubtful"]
    share = f"{pairs / every:.1%}" if pairs * 1000 >= every else "under 0.1%"
    file = Path(str(times.provenance.get("source"))).name
    return (
        f"{pairs:,} of {every:,} pairs of units ({share}) may be quicker than their "
        f"minutes say, over roads beyond the edge of {file}, which cuts off "
        f"{counted(times.provenance['cut_nodes'], 'road')}; {counted(len(units), 'unit')} in such pairs, "
        f"the most affected first: {listed(units, 8)}; take a larger extract: {beyond} beyond the units"
    )


def across(roads: RoadNetwork, cut: Ints) -> Floats:
    """Return the least minutes (k, k) between cut nodes outside the data, inf from one to itself.

    They are those of the straight line at the speed of the fastest road in the data, and for cars of no less
    than the national limit.
    """
    driven = roads.length_m[roads.length_m > 0], (roads.minutes - roads.junction_minutes)[roads.length_m > 0]
    with np.errstate(divide="ignore"):
        fastest = float((driven[0] / driven[1]).max(initial=0.0)) * 0.06
    kph = max(fastest, MOTORWAY_KPH) if roads.mode == "car" else fastest
    metres = np.hypot(roads.x[cut][:, None] - roads.x[cut], roads.y[cut][:, None] - roads.y[cut])
    minutes: Floats = metres * 0.06 / kph if kph > 0 else np.zeros_like(metres)
    np.fill_diagonal(minutes, np.inf)
    return minutes


def in_doubt(
    out: Floats, outside: Floats, back: Floats, times: TravelTimes, within: float | None = None
) -> tuple[int, Ints]:
    """Return how many pairs may be too long, and in how many of them each point (n,) is.

    `out` (n, k) are minutes from the points to the cut nodes, `outside` (k, k) the least between these, and
    `back` (k, n) from them to the points; `times` are those found. Pairs out of reach count where they may
    be in it: within the cutoff of the times, or fewer minutes `within`.
    """
    n, k = out.shape
    home = np.full((k, n), np.inf)  # the least minutes from leaving at a cut node to a point
    for via in range(k):
        np.minimum(home, outside[:, via, None] + back[via], out=home)
    cutoff = times.max_minutes if within is None else min(within, times.max_minutes)
    pairs, touched = 0, np.zeros(n, dtype=np.int64)
    for first in range(0, n, ROWS_AT_ONCE):
        rows = slice(first, min(first + ROWS_AT_ONCE, n))
        found = np.minimum(_dense(times, rows), cutoff)
        most, least = found.max(initial=0.0), np.full(found.shape, np.inf)
        for via in range(k):
            soonest = out[rows, via].min()
            columns = np.flatnonzero(soonest + home[via] < most)  # elsewhere nothing can come of it
            if 2 * len(columns) > n:
                np.minimum(least, out[rows, via, None] + home[via], out=least)
            elif len(columns):
                least[:, columns] = np.minimum(least[:, columns], out[rows, via, None] + home[via, columns])
        doubtful = least < found - SLACK_MINUTES
        pairs += int(doubtful.sum())
        touched[rows] += doubtful.sum(axis=1)
        touched += doubtful.sum(axis=0)
    return pairs, touched


def _dense(times: TravelTimes, rows: slice) -> Floats:
    """Return minutes of some rows, inf out of reach."""
    found = np.full((rows.stop - rows.start, len(times.destinations)), np.inf)
    bounds = times.indptr[rows.start : rows.stop + 1]
    at = np.repeat(np.arange(len(found)), np.diff(bounds))
    part = slice(bounds[0], bounds[-1])
    found[at, times.indices[part]] = times.minutes[part]
    return found
