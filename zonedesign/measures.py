"""Measures of a plan: pure functions of arrays and labels.

`zone` is (n,) with the number of every unit's zone, 0 to k - 1; `hours` is (n,) weekly hours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

METRES_PER_MILE = 1609.344


def mean_minutes(hours: Floats, minutes: Floats) -> float:
    """Return mean minutes from the centre, weighted by hours; 0 where there are no hours."""
    total = float(hours.sum())
    used = hours > 0
    return float((hours[used] * minutes[used]).sum() / total) if total > 0 else 0.0


def zone_sums(values: Floats, zone: Ints, zones: int) -> Floats:
    """Return the sum of `values` in every zone (k,)."""
    return np.bincount(zone, weights=values, minlength=zones).astype(np.float64)


def matched_zones(hours: Floats, zone: Ints, before: Ints) -> list[tuple[int, int]]:
    """Return the one-to-one matching of zones, as (zone, zone before), that keeps most hours in place.

    The assignment problem on shared hours (Kuhn 1955, as solved by scipy).
    """
    shared = shared_hours(hours, zone, before)
    rows, columns = linear_sum_assignment(shared, maximize=True)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True)]


def shared_hours(hours: Floats, zone: Ints, before: Ints) -> Floats:
    """Return hours in common as a table (zones, zones before)."""
    table = np.zeros((int(zone.max(initial=-1)) + 1, int(before.max(initial=-1)) + 1))
    np.add.at(table, (zone, before), hours)
    return table


def moved_share(hours: Floats, zone: Ints, before: Ints) -> float:
    """Return the share of hours that change zone under the matching that keeps most hours."""
    total = float(hours.sum())
    if total <= 0:
        return 0.0
    was = np.full(int(zone.max(initial=-1)) + 1, -1, dtype=np.int64)
    for mine, theirs in matched_zones(hours, zone, before):
        was[mine] = theirs
    # The hours that move are added up, not those that stay taken away: nothing moved is then exactly zero.
    return float(hours[was[zone] != before].sum() / total)


def crossing_share(hours: Floats, zone: Ints, border: Ints) -> float:
    """Return the share of hours that lie on the minority side of a border in their zone."""
    total = float(hours.sum())
    if total <= 0:
        return 0.0
    majority = shared_hours(hours, zone, border).argmax(axis=1)
    return float(hours[majority[zone] != border].sum() / total)


def boundary_share(pairs: Ints, boundary_m: Floats, zone: Ints) -> float:
    """Return cut boundary length / all internal boundary length; without lengths every pair counts one."""
    lengths = boundary_m if boundary_m.sum() > 0 else np.ones(len(pairs))
    total = float(lengths.sum())
    cut = zone[pairs[:, 0]] != zone[pairs[:, 1]]
    return float(lengths[cut].sum()) / total if total > 0 else 0.0


def best_centre(
    members: Ints, hours: Floats, minutes: Floats, reach: Floats, max_minutes: float | None, rank: Ints
) -> int:
    """Return the unit that serves a zone best: most units in reach, then least hours x minutes, then id.

    `minutes` and `reach` are (m, m) over the zone's `members`, rows being centres, inf where out of reach.
    """
    limit = np.inf if max_minutes is None else max_minutes + 1e-6
    beyond = (~np.isfinite(reach) | (reach > limit)).sum(axis=1)
    used = hours[members] > 0
    total = (minutes[:, used] * hours[members][used]).sum(axis=1)
    order = np.lexsort((rank[members], total, beyond))
    return int(members[order[0]])


def looked_up(indptr: Ints, indices: Ints, minutes: Floats, row: Ints, column: Ints) -> Floats:
    """Return the minutes at (row, column) pairs of a sparse table with sorted rows, inf where absent.

    Bisects all rows at once, so it needs no memory beyond the answer; a row or column of -1 is absent.
    """
    if not len(indices):
        return np.full(len(row), np.inf)
    safe = np.maximum(row, 0)
    low, end = indptr[safe], indptr[safe + 1]
    high = end.copy()
    while (low < high).any():
        middle = (low + high) // 2
        before = (low < high) & (indices[np.minimum(middle, len(indices) - 1)] < column)
        low, high = np.where(before, middle + 1, low), np.where(before | (low >= high), high, middle)
    at = np.minimum(low, len(indices) - 1)
    found = (low < end) & (indices[at] == column) & (row >= 0) & (column >= 0)
    return np.where(found, minutes[at], np.inf)


def miles_between(points: gpd.GeoSeries, a: Ints, b: Ints) -> Floats:
    """Return straight-line miles between the points at positions `a` and `b`, on a projected plane.

    Degrees are projected to their UTM zone; other CRSs are measured as they are, in their own unit of length.
    """
    if points.crs is not None and points.crs.is_geographic:
        points = points.to_crs(points.estimate_utm_crs())
    metres = 1.0 if points.crs is None else float(points.crs.axis_info[0].unit_conversion_factor)
    x, y = points.x.to_numpy(), points.y.to_numpy()
    return np.asarray(np.hypot(x[a] - x[b], y[a] - y[b]) * metres / METRES_PER_MILE, dtype=np.float64)
