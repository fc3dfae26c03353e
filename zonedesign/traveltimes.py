"""Travel times: minutes between points, within a cutoff; absent is out of reach."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from zonedesign import _matrices, _timefiles
from zonedesign._ends import SLACK_MINUTES, cores, limit_of, points_of, snapped
from zonedesign._graphs import spread
from zonedesign._manytomany import many_to_many
from zonedesign._routes import Ways
from zonedesign.errors import DataError, ScenarioError, listed
from zonedesign.progress import silent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import NDArray

    from zonedesign._routes import Route
    from zonedesign.progress import Progress
    from zonedesign.roads import RoadNetwork

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, repr=False)
class TravelTimes:
    """Minutes from every origin to every destination in reach, as rows of a sparse table.

    Row `o` holds `minutes[indptr[o]:indptr[o + 1]]` to the destinations at `indices[...]`, ascending. A pair
    that is absent is out of reach, and every accessor says `inf`; a stored zero is a travel time of zero.
    `max_minutes` is the cutoff, inclusive (inf: none). `provenance` says where the minutes come from (file
    hash, profile, cutoff, points out of reach). `snapped_m` is how far each origin lies from the road, by id,
    where roads were used, and `destinations_snapped_m` the same for destinations that are other points.
    `fixed_minutes` is what access and parking added to a pair of two points, at its origin and at its
    destination, by id, and `ways` what `route` searches.
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
    fixed_minutes: tuple[pd.Series[float], pd.Series[float]] | None = None
    ways: Ways | None = None

    @classmethod
    def from_matrix(
        cls,
        matrix: Any,
        ids: Sequence[Any] | pd.Index[Any],
        destinations: Sequence[Any] | pd.Index[Any] | None = None,
        *,
        seconds: bool = False,
        zero_is_unreachable: bool = False,
        **provenance: Any,
    ) -> TravelTimes:
        """Return the travel times in a dense or sparse matrix, rows being origins, as float64 minutes.

        NaN, inf, None and the figures that engines write for no route (`_matrices.MARKERS`) are out of reach,
        and so is what a sparse matrix does not store: counted by kind in `provenance["out_of_reach"]`, and
        logged. Zeros are real, dense or stored, unless `zero_is_unreachable`, where those between two
        different points count as no route. With one set of ids an absent diagonal is 0. `seconds` says that
        the matrix holds seconds (OSRM, Valhalla, OpenRouteService). Raises `DataError` for a wrong shape, ids
        that repeat, a frame labelled in another order, text, and negative minutes.
        """
        rows = pd.Index(ids)
        columns = rows if destinations is None else pd.Index(destinations)
        triples, gone = _matrices.from_matrix(
            matrix, rows, columns, seconds=seconds, zero_is_unreachable=zero_is_unreachable
        )
        about = {"source": "matrix", "out_of_reach": gone, **provenance}
        return cls._from_triples(rows, columns, triples, about)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        origin: str | None = None,
        destination: str | None = None,
        minutes: str | None = None,
        ids: Sequence[Any] | pd.Index[Any] | None = None,
        seconds: bool = False,
        zero_is_unreachable: bool = False,
    ) -> TravelTimes:
        """Return the travel times in a long table, a row for each pair; a pair without a row is out of reach.

        Columns that are not named are found by their names (origin, destination, minutes; from, to; from_id,
        to_id, travel_time). With `ids` the times are square, on these ids in their order; without, the ids
        are those in the table, origins and destinations one set where they are the same. Everything else is
        as in `from_matrix`. Raises `DataError` for columns that are not found or may be several, ids that are
        missing or not among `ids`, and pairs that stand twice with different minutes.
        """
        rows, columns, triples, gone = _matrices.from_frame(
            frame,
            (origin, destination, minutes),
            None if ids is None else pd.Index(ids),
            seconds=seconds,
            zero_is_unreachable=zero_is_unreachable,
        )
        return cls._from_triples(rows, columns, triples, {"source": "table", "out_of_reach": gone})

    @classmethod
    def from_parquet(cls, path: str | Path) -> TravelTimes:
        """Return the travel times that `to_parquet` wrote; `DataError` for a missing or another's file."""
        (rows, columns), triples, about = _timefiles.read(path)
        cutoff = about["max_minutes"]
        times = cls._from_triples(rows, columns, triples, about["provenance"])
        leaving, arriving = _by_id(about["leaving"], rows), _by_id(about["arriving"], columns)
        known = leaving is not None and arriving is not None
        return replace(
            times,
            max_minutes=math.inf if cutoff is None else cutoff,
            snapped_m=_by_id(about["snapped_m"], rows, "snapped_m"),
            destinations_snapped_m=_by_id(about["destinations_snapped_m"], columns, "snapped_m"),
            fixed_minutes=(leaving, arriving) if known else None,
        )

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
        pair = start * len(destinations) + end
        if not (pair[1:] > pair[:-1]).all():
            order = np.lexsort((minutes, pair))
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

    def to_parquet(self, path: str | Path) -> Path:
        """Write `to_frame()` to a Parquet file, whole or not at all, and return where it is.

        Ids keep their type; the cutoff, the provenance and the distances from the road are in the metadata.
        Raises `DataError` for ids that are neither text nor numbers, and for a place that cannot be written.
        """
        rows = np.repeat(np.arange(len(self.origins)), np.diff(self.indptr))
        about = {
            "max_minutes": self.max_minutes,
            "provenance": self.provenance,
            "snapped_m": _in_order(self.snapped_m, self.origins),
            "destinations_snapped_m": _in_order(self.destinations_snapped_m, self.destinations),
            "leaving": _in_order(self.fixed_minutes and self.fixed_minutes[0], self.origins),
            "arriving": _in_order(self.fixed_minutes and self.fixed_minutes[1], self.destinations),
        }
        ends = self.origins, self.destinations
        return _timefiles.write(path, ends, (rows, self.indices, self.minutes), about)

    def out_of_reach(self) -> pd.DataFrame:
        """Return the points that reach no other point or that none reaches, with the reason in words.

        Indexed by id: `reaches` and `reached_by` (how many other points; NA for one that is no origin, or no
        destination) and `reason`.
        """
        rows = np.repeat(np.arange(len(self.origins)), np.diff(self.indptr))
        twin = np.asarray(self.destinations.get_indexer(self.origins), dtype=np.int64)
        other = self.indices != twin[rows]
        reaches = np.bincount(rows[other], minlength=len(self.origins))
        reached = np.bincount(self.indices[other], minlength=len(self.destinations))
        ids = self.origins.union(self.destinations, sort=False)
        found = pd.DataFrame(
            {
                "reaches": pd.Series(reaches, index=self.origins).reindex(ids).astype("Int64"),
                "reached_by": pd.Series(reached, index=self.destinations).reindex(ids).astype("Int64"),
            },
            index=ids,
        )
        no_way_out, no_way_in = ((found[name] == 0).fillna(value=False) for name in found.columns)
        found = found[no_way_out | no_way_in] if len(ids) > 1 else found.iloc[:0]
        return found.assign(reason=[self._reason(unit, *row) for unit, *row in found.itertuples()])

    def _reason(self, unit: Any, reaches: Any, reached_by: Any) -> str:
        """Return why a point reaches no other, or none reaches it."""
        limit = self.provenance.get("max_snap_m", math.inf)
        for far in (self.snapped_m, self.destinations_snapped_m):
            if far is not None and unit in far.index and far[unit] > limit:
                return f"no road within {limit:,g} m ({far[unit]:,.0f} m)"
        ways = [way for way, count in (("out", reaches), ("in", reached_by)) if count is pd.NA or count == 0]
        said = "cut off" if len(ways) == 2 else f"no way {ways[0]}"
        return said if math.isinf(self.max_minutes) else f"{said} within {self.max_minutes:g} minutes"

    def on(self, ids: pd.Index[Any]) -> TravelTimes:
        """Return the square part on `ids`, in their order; `DataError` names ids that are not in it.

        In times that come from a matrix or a table, what they do not say of a point and itself is 0.
        """
        rows, columns = self.origins.get_indexer(ids), self.destinations.get_indexer(ids)
        missing = ids[(rows < 0) | (columns < 0)]
        if len(missing):
            raise DataError(f"no travel times for {len(missing):,} of {len(ids):,} units: {listed(missing)}")
        new = np.full(len(self.destinations), -1, dtype=np.int64)
        new[columns] = np.arange(len(ids))
        at, start = spread(self.indptr, rows)
        end = new[self.indices[at]]
        keep = end >= 0
        start, end, minutes = start[keep], end[keep], self.minutes[at][keep]
        if self.ways is None and self.snapped_m is None:
            start, end, minutes = _matrices.with_selves(start, end, minutes, len(ids))
        part = self._from_triples(ids, ids, (start, end, minutes), self.provenance)
        kept = ("max_minutes", "snapped_m", "destinations_snapped_m", "fixed_minutes", "ways")
        return replace(part, **{name: getattr(self, name) for name in kept})

    def route(self, origin: Any, destination: Any) -> Route:
        """Return the quickest way between two points, also where it is longer than the cutoff.

        Raises `KeyError` for an unknown id, and `DataError` where there is no way, or no roads to search.
        """
        from zonedesign import _routes  # noqa: PLC0415  (brings GeoPandas)

        if self.ways is None:
            raise DataError(
                "these travel times come without their roads (from a matrix, a table or a file), "
                "so they have no routes; make them with travel_times(roads, points)"
            )
        fixed = 0.0
        if self.fixed_minutes is not None and not self._one_point(origin, destination):
            fixed = float(self.fixed_minutes[0][origin] + self.fixed_minutes[1][destination])
        known = self.between(origin, destination) - fixed
        found = _routes.route(self.ways, origin, destination, limit=known + SLACK_MINUTES)
        return replace(found, access_minutes=fixed)

    def _one_point(self, origin: Any, destination: Any) -> bool:
        return bool(self.destinations_snapped_m is None and origin == destination)

    def __repr__(self) -> str:
        cutoff = "no cutoff" if math.isinf(self.max_minutes) else f"within {self.max_minutes:g} minutes"
        source = self.provenance.get("source", "unknown source")
        share = len(self.minutes) / max(1, len(self.origins) * len(self.destinations))
        return (
            f"<TravelTimes: {len(self.origins):,} x {len(self.destinations):,}, "
            f"{len(self.minutes):,} pairs in reach ({share:.1%}), {cutoff}, {source}>"
        )


def travel_times(
    roads: RoadNetwork,
    origins: gpd.GeoSeries | gpd.GeoDataFrame,
    destinations: gpd.GeoSeries | gpd.GeoDataFrame | None = None,
    *,
    max_minutes: float | None = None,
    max_snap_m: float = 1000.0,
    turn_delays: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
) -> TravelTimes:
    """Return minutes from every origin to every destination (the origins, unless given) over the roads.

    Points may be in any CRS and keep their index as ids; each stands where it is nearest to a road of the
    main part, at a node or part of the way along an edge. Minutes are shortest paths, exact to rounding, of
    at most `max_minutes` (inclusive, + 1e-6; None: no cutoff); with `turn_delays` every turn counts too
    (`_turns`). What is prepared of a network is kept with it: asking again costs a search alone, and another
    profile of the same roads little more. A point farther than `max_snap_m` from a road is out of reach, from
    itself apart: it is named in the log and counted in `provenance`.

    Raises `DataError` for ids that repeat, points without a place or CRS, and a network that none or fewer
    than half of the points are near; `ScenarioError` for a cutoff, limit or number of threads that cannot be.
    """
    limit = limit_of(max_minutes, max_snap_m, threads)
    others = destinations is not None and destinations is not origins
    starts, ends = points_of(origins, "origin" if others else "point"), None
    if others:
        ends = points_of(destinations, "destination")
        if ends.index.equals(starts.index) and ends.crs == starts.crs and ends.geom_equals(starts).all():
            ends = None
    snapped_from = snapped(roads, starts, max_snap_m, "point" if ends is None else "origin")
    snapped_to = snapped_from if ends is None else snapped(roads, ends, max_snap_m, "destination")
    table = many_to_many(
        roads, snapped_from, snapped_to,
        limit=limit, turn_delays=turn_delays, threads=threads or cores(), tell=progress or silent,
    )  # fmt: skip
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
            "turn_delays": turn_delays,
            "beyond_snap": snapped_from.lost.tolist(),
            "beyond_snap_destinations": [] if ends is None else snapped_to.lost.tolist(),
        },
        snapped_m=pd.Series(snapped_from.distance_m, index=starts.index, name="snapped_m"),
        destinations_snapped_m=None
        if ends is None
        else pd.Series(snapped_to.distance_m, index=ends.index, name="snapped_m"),
        ways=Ways(roads, snapped_from, snapped_to, turn_delays),
    )


def with_access(
    times: TravelTimes, *, access_kph: float | None = None, parking_minutes: float = 0.0
) -> TravelTimes:
    """Return the times with the way between point and road at both ends, at `access_kph`, and parking added.

    The straight line from point to road is counted; without `access_kph` it takes no time. A unit stays 0
    from itself, and what is then beyond the cutoff is out of reach. Raises `ScenarioError` for a speed that
    is not positive or negative parking, `DataError` for times that have both already, and where access is
    asked for of times that do not come from roads.
    """
    if not (access_kph is None or access_kph > 0) or not 0 <= parking_minutes < math.inf:
        raise ScenarioError(
            f"access_kph = {access_kph}, parking_minutes = {parking_minutes}: "
            "give a speed above 0, and 0 minutes or more"
        )
    if times.fixed_minutes is not None:
        raise DataError("these travel times have access and parking already; start from those without")
    rows = np.repeat(np.arange(len(times.origins), dtype=np.int64), np.diff(times.indptr))
    leaving = pd.Series(0.0, index=times.origins, name="minutes")
    arriving = pd.Series(float(parking_minutes), index=times.destinations, name="minutes")
    if access_kph is not None:
        if times.snapped_m is None:
            raise DataError("travel times that do not come from roads have no way to the road to add")
        ends = times.snapped_m if times.destinations_snapped_m is None else times.destinations_snapped_m
        leaving += times.snapped_m.reindex(times.origins).to_numpy() * 0.06 / access_kph
        arriving += ends.reindex(times.destinations).to_numpy() * 0.06 / access_kph
    extra = leaving.to_numpy()[rows] + arriving.to_numpy()[times.indices]
    if times.destinations_snapped_m is None and times.origins.equals(times.destinations):
        extra[rows == times.indices] = 0.0
    minutes = times.minutes + extra
    keep = minutes <= times.max_minutes + SLACK_MINUTES
    indptr = np.zeros(len(times.origins) + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows[keep], minlength=len(times.origins)), out=indptr[1:])
    told = {**times.provenance, "access_kph": access_kph, "parking_minutes": float(parking_minutes)}
    return replace(
        times, indptr=indptr, indices=times.indices[keep], minutes=minutes[keep], provenance=told,
        fixed_minutes=(leaving, arriving),
    )  # fmt: skip


def _in_order(figures: pd.Series[float] | None, ids: pd.Index[Any]) -> list[float] | None:
    return None if figures is None else figures.reindex(ids).tolist()


def _by_id(figures: list[float] | None, ids: pd.Index[Any], name: str = "minutes") -> Any:
    return None if figures is None else pd.Series(figures, index=ids, dtype=np.float64, name=name)
