"""Travel times: minutes between points, within a cutoff; absent is out of reach."""

from __future__ import annotations

import logging
import math
import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
from scipy import sparse

from zonedesign.errors import DataError, ScenarioError, counted, listed, require_unique
from zonedesign.progress import silent
from zonedesign.roads import snap

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from zonedesign.progress import Progress
    from zonedesign.roads import RoadNetwork, Snapping

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

_log = logging.getLogger(__name__)

SLACK_MINUTES = 1e-6
"""What a travel time may exceed the cutoff by, for rounding."""

CELLS_AT_ONCE = 2_000_000
"""Pairs that one thread works out at a time, reached or not: 16 MB."""


@dataclass(frozen=True, eq=False, repr=False)
class TravelTimes:
    """Minutes from every origin to every destination in reach, as rows of a sparse table.

    Row `o` holds `minutes[indptr[o]:indptr[o + 1]]` to the destinations at `indices[...]`, ascending. A pair
    that is absent is out of reach, and every accessor says `inf`; a stored zero is a travel time of zero.
    `max_minutes` is the cutoff, inclusive (inf: none). `provenance` says where the minutes come from (file
    hash, profile, cutoff, points out of reach). `snapped_m` is how far each origin lies from the road, by id,
    where roads were used, and `destinations_snapped_m` the same for destinations that are other points.
    """

    origins: pd.Index[Any]
    destinations: pd.Index[Any]
    indptr: Ints
    indices: Ints
    minutes: Floats
    max_minutes: float = math.inf
    provenance: Mapping[str, Any] = field(default_factory=dict)
    snapped_m: pd.Series[float] | None = None
    destinations_snapped_m: pd.Series[float] | None = None

    @classmethod
    def from_matrix(
        cls,
        matrix: Any,
        ids: Sequence[Any] | pd.Index[Any],
        destinations: Sequence[Any] | pd.Index[Any] | None = None,
        **provenance: Any,
    ) -> TravelTimes:
        """Return the travel times in a dense or sparse matrix of minutes, rows being origins, as float64.

        NaN and inf are out of reach. Zeros are real, dense or stored; what a sparse matrix does not store is
        out of reach. With one set of ids an absent diagonal is 0. Raises `DataError` for a wrong shape, ids
        that repeat, and negative minutes.
        """
        rows = pd.Index(ids)
        columns = rows if destinations is None else pd.Index(destinations)
        for index, what in ((rows, "origin"), (columns, "destination")):
            require_unique(index, f"{what} id", "the matrix of minutes")
        shape = (len(rows), len(columns))
        if not sparse.issparse(matrix):
            matrix = _dense(matrix)
        if tuple(matrix.shape) != shape:
            raise DataError(
                f"the matrix of minutes is {matrix.shape}; {shape[0]} x {shape[1]} ids need {shape}"
            )
        if sparse.issparse(matrix):
            table = sparse.coo_array(matrix)
            start, end = (np.asarray(side, dtype=np.int64) for side in table.coords)
            minutes = np.asarray(table.data, dtype=np.float64)
        else:
            start, end = (side.astype(np.int64) for side in np.nonzero(matrix < np.inf))
            minutes = matrix[start, end]
        keep = minutes < np.inf
        start, end, minutes = start[keep], end[keep], minutes[keep]
        if (minutes < 0).any():
            first = int(np.flatnonzero(minutes < 0)[0])
            raise DataError(
                f"{int((minutes < 0).sum()):,} travel times are negative, first {rows[start[first]]} to "
                f"{columns[end[first]]}: {minutes[first]}; out of reach is NaN or inf"
            )
        if destinations is None:
            alone = np.setdiff1d(np.arange(len(rows)), start[start == end])
            start, end = np.concatenate([start, alone]), np.concatenate([end, alone])
            minutes = np.concatenate([minutes, np.zeros(len(alone))])
        return cls._from_triples(rows, columns, (start, end, minutes), {"source": "matrix", **provenance})

    @classmethod
    def _from_triples(
        cls,
        origins: pd.Index[Any],
        destinations: pd.Index[Any],
        triples: tuple[Ints, Ints, Floats],
        provenance: Mapping[str, Any],
    ) -> TravelTimes:
        """Return times from (origin, destination, minutes) arrays; the quickest for a pair counts."""
        start, end, minutes = triples
        order = np.lexsort((minutes, end, start))
        start, end, minutes = start[order], end[order], minutes[order]
        first = np.ones(len(start), dtype=bool)
        first[1:] = (start[1:] != start[:-1]) | (end[1:] != end[:-1])
        indptr = np.zeros(len(origins) + 1, dtype=np.int64)
        np.cumsum(np.bincount(start[first], minlength=len(origins)), out=indptr[1:])
        return cls(origins, destinations, indptr, end[first], minutes[first], provenance=dict(provenance))

    def between(self, origin: Any, destination: Any) -> float:
        """Return minutes between two points, `inf` where out of reach; `KeyError` for an unknown id."""
        row = cast("int", self.origins.get_loc(origin))
        column = cast("int", self.destinations.get_loc(destination))
        span = slice(self.indptr[row], self.indptr[row + 1])
        at = int(np.searchsorted(self.indices[span], column))
        found = at < span.stop - span.start and self.indices[span][at] == column
        return float(self.minutes[span][at]) if found else math.inf

    def to_array(self) -> Floats:
        """Return minutes as a dense (origins, destinations) array, `inf` where out of reach."""
        dense = np.full((len(self.origins), len(self.destinations)), np.inf)
        rows = np.repeat(np.arange(len(self.origins)), np.diff(self.indptr))
        dense[rows, self.indices] = self.minutes
        return dense

    def to_frame(self) -> pd.DataFrame:
        """Return `origin`, `destination` and `minutes` of every pair in reach; others are out of it."""
        rows = np.repeat(np.arange(len(self.origins)), np.diff(self.indptr))
        return pd.DataFrame(
            {
                "origin": self.origins[rows],
                "destination": self.destinations[self.indices],
                "minutes": self.minutes,
            }
        )

    def on(self, ids: pd.Index[Any]) -> TravelTimes:
        """Return the square part on `ids`, in their order; `DataError` names ids that are not in it."""
        rows, columns = self.origins.get_indexer(ids), self.destinations.get_indexer(ids)
        missing = ids[(rows < 0) | (columns < 0)]
        if len(missing):
            raise DataError(f"no travel times for {len(missing):,} of {len(ids):,} units: {listed(missing)}")
        new = np.full(len(self.destinations), -1, dtype=np.int64)
        new[columns] = np.arange(len(ids))
        indptr, at = _rows(self.indptr, rows)
        start = np.repeat(np.arange(len(ids), dtype=np.int64), np.diff(indptr))
        end = new[self.indices[at]]
        keep = end >= 0
        part = self._from_triples(ids, ids, (start[keep], end[keep], self.minutes[at][keep]), self.provenance)
        return replace(part, max_minutes=self.max_minutes, snapped_m=self.snapped_m)

    def __repr__(self) -> str:
        cutoff = "no cutoff" if math.isinf(self.max_minutes) else f"within {self.max_minutes:g} minutes"
        source = self.provenance.get("source", "unknown source")
        return (
            f"<TravelTimes: {len(self.origins):,} x {len(self.destinations):,}, "
            f"{len(self.minutes):,} pairs in reach, {cutoff}, {source}>"
        )


def travel_times(
    roads: RoadNetwork,
    origins: gpd.GeoSeries | gpd.GeoDataFrame,
    destinations: gpd.GeoSeries | gpd.GeoDataFrame | None = None,
    *,
    max_minutes: float | None = None,
    max_snap_m: float = 1000.0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> TravelTimes:
    """Return minutes from every origin to every destination (the origins, unless given) over the roads.

    Points may be in any CRS and keep their index as ids; each stands at the nearest node of the main part.
    Minutes are shortest paths, exact to rounding, of at most `max_minutes` (inclusive, + 1e-6; None: no
    cutoff). A point farther than `max_snap_m` from a road is out of reach, from itself apart: it is named in
    the log and counted in `provenance`.

    Raises `DataError` for ids that repeat, points without a place or CRS, and a network that none or fewer
    than half of the points are near; `ScenarioError` for a cutoff, limit or number of threads that cannot be.
    """
    limit = _limit(max_minutes, max_snap_m, threads)
    tell = progress or silent
    starts, ends = _points(origins, "origin"), None
    if destinations is not None and destinations is not origins:
        ends = _points(destinations, "destination")
        if ends.index.equals(starts.index) and ends.crs == starts.crs and ends.geom_equals(starts).all():
            ends = None
    snapped_from = _snapped(roads, starts, max_snap_m, "origin")
    snapped_to = snapped_from if ends is None else _snapped(roads, ends, max_snap_m, "destination")
    tell("travel times", None, f"{len(roads.node_ids):,} road nodes")
    table = _many_to_many(roads, snapped_from.nodes, snapped_to.nodes, limit, threads or _cores(), tell)
    if ends is None:
        table = _with_selves(table, np.flatnonzero(snapped_from.nodes < 0))
    return TravelTimes(
        starts.index,
        starts.index if ends is None else ends.index,
        *table,
        max_minutes=math.inf if max_minutes is None else float(max_minutes),
        provenance={
            "source": roads.source,
            "sha256": roads.sha256,
            "attribution": roads.attribution,
            "profile": roads.profile,
            "sketch": roads.sketch,
            "max_minutes": max_minutes,
            "max_snap_m": float(max_snap_m),
            "beyond_snap": snapped_from.lost.tolist(),
            "beyond_snap_destinations": [] if ends is None else snapped_to.lost.tolist(),
        },
        snapped_m=pd.Series(snapped_from.distance_m, index=starts.index, name="snapped_m"),
        destinations_snapped_m=None
        if ends is None
        else pd.Series(snapped_to.distance_m, index=ends.index, name="snapped_m"),
    )


def with_access(
    times: TravelTimes, *, access_kph: float | None = None, parking_minutes: float = 0.0
) -> TravelTimes:
    """Return the times with the way between point and road at both ends, at `access_kph`, and parking added.

    The straight line from point to node is counted; without `access_kph` it takes no time. A unit stays 0
    from itself, and what is then beyond the cutoff is out of reach. Raises `ScenarioError` for a speed that
    is not positive or negative parking, `DataError` for times that do not come from roads.
    """
    if not (access_kph is None or access_kph > 0) or not 0 <= parking_minutes < math.inf:
        raise ScenarioError(
            f"access_kph = {access_kph}, parking_minutes = {parking_minutes}: "
            "give a speed above 0, and 0 minutes or more"
        )
    rows = np.repeat(np.arange(len(times.origins), dtype=np.int64), np.diff(times.indptr))
    extra = np.full(len(rows), float(parking_minutes))
    if access_kph is not None:
        if times.snapped_m is None:
            raise DataError("travel times that do not come from roads have no way to the road to add")
        ends = times.snapped_m if times.destinations_snapped_m is None else times.destinations_snapped_m
        walked_m = times.snapped_m.reindex(times.origins).to_numpy()[rows]
        extra += (walked_m + ends.reindex(times.destinations).to_numpy()[times.indices]) * 0.06 / access_kph
    if times.destinations_snapped_m is None and times.origins.equals(times.destinations):
        extra[rows == times.indices] = 0.0
    minutes = times.minutes + extra
    keep = minutes <= times.max_minutes + SLACK_MINUTES
    indptr = np.zeros(len(times.origins) + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows[keep], minlength=len(times.origins)), out=indptr[1:])
    told = {**times.provenance, "access_kph": access_kph, "parking_minutes": float(parking_minutes)}
    return replace(times, indptr=indptr, indices=times.indices[keep], minutes=minutes[keep], provenance=told)


def _dense(matrix: Any) -> Floats:
    """Return a matrix, a frame or nested lists as float64, or raise `DataError` where it holds no numbers."""
    try:
        return np.asarray(matrix, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(
            "the matrix of minutes does not hold numbers only; out of reach is NaN or inf"
        ) from None


def _limit(max_minutes: float | None, max_snap_m: float, threads: int | None) -> float:
    """Return the most minutes that count, slack included and always finite."""
    if max_minutes is not None and not max_minutes >= 0:
        raise ScenarioError(f"max_minutes is {max_minutes}; give 0 or more, or None for no cutoff")
    if not max_snap_m >= 0:
        raise ScenarioError(f"max_snap_m is {max_snap_m}; give 0 or more metres")
    if threads is not None and threads < 1:
        raise ScenarioError(f"threads is {threads}; give 1 or more, or None for all cores")
    most = float(np.finfo(np.float64).max)
    return most if max_minutes is None else min(float(max_minutes) + SLACK_MINUTES, most)


def _cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _points(points: gpd.GeoSeries | gpd.GeoDataFrame, what: str) -> gpd.GeoSeries:
    """Return the points themselves, or raise `DataError` for none, or ids that repeat."""
    places = getattr(points, "geometry", None)
    if places is None:
        raise DataError(f"the {what}s are a {type(points).__name__}; give a GeoSeries of points")
    if not len(places):
        raise DataError(f"there are no {what}s to travel between")
    require_unique(places.index, f"{what} id", f"the {what}s")
    return places


def _snapped(roads: RoadNetwork, points: gpd.GeoSeries, max_snap_m: float, what: str) -> Snapping:
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


def _many_to_many(
    roads: RoadNetwork, start: Ints, end: Ints, limit: float, threads: int, tell: Progress
) -> tuple[Ints, Ints, Floats]:
    """Return `indptr`, `indices` and `minutes` from nodes `start` to nodes `end`, -1 being out of reach."""
    from zonedesign import _kernels as kernels  # noqa: PLC0415  (brings numba)

    edges = roads.indptr.astype(np.int64), roads.heads.astype(np.int32), roads.minutes.astype(np.float64)
    rank, indptr, upper, up, down, parent = kernels.eliminate(*kernels.both_ways(*edges))
    near = np.flatnonzero(end >= 0)
    targets, column = np.unique(rank[end[near]], return_inverse=True)
    way_down = kernels.descent(parent, indptr, upper, down, targets)
    places = way_down[0][targets]
    sources, row = np.unique(start[start >= 0], return_inverse=True)

    def chunk(first: int) -> tuple[Ints, Ints, Floats]:
        some = rank[sources[first : first + size]]
        found = kernels.sweep(some, places, (parent, indptr, upper, up), way_down)
        counts, indices, minutes = kernels.within(found, column.astype(np.int64), limit)
        return counts, near[indices], minutes

    size = max(1, min(CELLS_AT_ONCE // max(1, len(targets)), -(-len(sources) // (4 * threads)), 256))
    size = -(-size // kernels.LANES) * kernels.LANES
    parts = _in_threads(chunk, range(0, len(sources), size), threads, tell)
    counts = np.concatenate([part[0] for part in parts])
    indices, minutes = (
        np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] for part in parts]),
    )
    bounds = np.zeros(len(counts) + 2, dtype=np.int64)  # the last row is empty: a point out of reach
    np.cumsum(counts, out=bounds[1:-1])
    bounds[-1] = bounds[-2]
    rows = np.full(len(start), len(counts), dtype=np.int64)
    rows[start >= 0] = row
    chosen, at = _rows(bounds, rows)
    return chosen, indices[at], minutes[at]


def _in_threads(
    chunk: Callable[[int], tuple[Ints, Ints, Floats]], firsts: range, threads: int, tell: Progress
) -> list[tuple[Ints, Ints, Floats]]:
    """Return `chunk(first)` for every first, in their order; an interrupt waits for running chunks only."""
    pool = ThreadPoolExecutor(max_workers=threads)
    try:
        running = [pool.submit(chunk, first) for first in firsts]
        for done, _ in enumerate(as_completed(running), start=1):
            tell("travel times", done / len(running), f"{threads} threads" if threads > 1 else "1 thread")
        return [future.result() for future in running]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _with_selves(table: tuple[Ints, Ints, Floats], lost: Ints) -> tuple[Ints, Ints, Floats]:
    """Return the square table with 0 minutes from each lost point, whose row is empty, to itself."""
    indptr, indices, minutes = table
    at = indptr[lost]
    extra = np.zeros(len(indptr), dtype=np.int64)
    extra[lost + 1] = 1
    return indptr + np.cumsum(extra), np.insert(indices, at, lost), np.insert(minutes, at, 0.0)


def _rows(indptr: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Return `indptr` of the chosen rows, in their order, and the positions of what they hold."""
    counts = np.diff(indptr)[rows]
    chosen = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum(counts, out=chosen[1:])
    return chosen, np.repeat(indptr[rows] - chosen[:-1], counts) + np.arange(chosen[-1])
