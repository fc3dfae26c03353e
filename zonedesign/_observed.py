"""The table of observed trips: which of them can be used, which not, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign import _robustfit as fitting
from zonedesign._tripways import GROUPS, TripSearch
from zonedesign.errors import DataError, counted, listed, require_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign._routes import Ways
    from zonedesign.roads import RoadNetwork
    from zonedesign.snapping import Snapping
    from zonedesign.traveltimes import TravelTimes

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

FEWEST_TRIPS = 30
FEWEST_PAIRS = 10

SHORTEST_MINUTES = 2.0
"""Trips that take less by road tell of lights and parking, not of speeds."""

FASTEST_KPH = {"car": 130.0, "cycle": 45.0, "foot": 12.0}
"""Straight-line speeds beyond these are faults of the table."""

SAME_HEADING = 0.9
"""Mean length of the trips' headings, as unit vectors, from which on they all go one way."""


@dataclass(frozen=True, eq=False)
class Trips:
    """Observed trips that can be used (n,), and those `set_aside`, a frame with the `reason` of each.

    `table` has `from`, `to` and `observed` minutes on the caller's index, `pairs` the number of the pair of
    ends in either direction, `search` the trips on the roads, and `first` (n, groups + 1) their minutes at
    present speeds.
    """

    table: pd.DataFrame
    set_aside: pd.DataFrame
    pairs: Ints
    search: TripSearch
    first: Floats

    @property
    def minutes(self) -> Floats:
        """The observed minutes (n,)."""
        return self.table["observed"].to_numpy(np.float64)


def read_trips(times: TravelTimes, ways: Ways, observed: pd.DataFrame) -> Trips:
    """Return the trips that can be used on the roads of the times, and those that cannot.

    Raises `DataError` for a column that is absent, and where what can be used tells too little: fewer than
    30 trips, or 10 pairs of ends, trips that all head one way, or of another unit than minutes.
    """
    table = _columns(observed)
    known = table["from"].isin(times.origins) & table["to"].isin(times.destinations)
    rows = ways.starts.ids.get_indexer(pd.Index(table["from"]))  # times may be a part of what was snapped
    columns = ways.ends.ids.get_indexer(pd.Index(table["to"]))
    start, end = _places(ways.roads, ways.starts)[rows], _places(ways.roads, ways.ends)[columns]
    reason = _faults(table, known.to_numpy(np.bool_), start, end, FASTEST_KPH[ways.roads.mode])
    left = np.flatnonzero(reason == "")
    ends = rows[left].astype(np.int64), columns[left].astype(np.int64)
    search = TripSearch.of(ways, ends, _off_road(times, table.iloc[left]))
    first = search.ways(np.ones(len(GROUPS)), np.full(len(left), np.inf))
    on_road = first.sum(axis=1) - search.added
    reason[left[on_road < SHORTEST_MINUTES]] = f"under {SHORTEST_MINUTES:g} minutes by road"
    reason[left[np.isinf(on_road)]] = "no way by road"
    kept = np.flatnonzero(reason[left] == "")
    used = left[kept]
    trips = Trips(
        table.iloc[used].rename(columns={"minutes": "observed"}),
        table.assign(reason=reason)[reason != ""],
        _pairs(table.iloc[used]),
        search.of_trips(kept),
        first[kept],
    )
    _refuse(trips, end[used] - start[used], times.origins)
    return trips


def _columns(observed: pd.DataFrame) -> pd.DataFrame:
    """Return the columns `from`, `to` and `minutes` (NaN where it is no number) of the table."""
    own = {"origin", "destination"} <= set(observed.columns)
    names = ("origin", "destination") if own else ("from", "to")
    require_columns(observed.columns, (*names, "minutes"), "the table of observed trips")
    numbers = pd.to_numeric(observed["minutes"], errors="coerce")
    return pd.DataFrame(
        {"from": observed[names[0]], "to": observed[names[1]], "minutes": numbers.astype(np.float64)}
    )


def _faults(
    table: pd.DataFrame, known: NDArray[np.bool_], start: Floats, end: Floats, fastest_kph: float
) -> NDArray[np.object_]:
    """Return why each trip is set aside before any road is looked at, "" where it is not."""
    minutes = table["minutes"].to_numpy(np.float64)
    straight_m = np.hypot(*(end - start).T)
    with np.errstate(divide="ignore", invalid="ignore"):
        flown = straight_m * 0.06 / minutes > fastest_kph
    return np.asarray(
        np.select(
            [
                ~np.isfinite(minutes),
                minutes <= 0,
                ~known,
                table["from"].to_numpy(object) == table["to"].to_numpy(object),
                np.isnan(straight_m),
                flown,
            ],
            [
                "without minutes",
                "of zero minutes or less",
                "with an id that the travel times do not have",
                "from a place to itself",
                "with an end too far from any road",
                f"faster than {fastest_kph:g} km/h in a straight line",
            ],
            default="",
        ),
        dtype=object,
    )


def _places(roads: RoadNetwork, snapped: Snapping) -> Floats:
    """Return (k + 1, 2) where points meet the roads, NaN where they do not; the last row is of no point."""
    xy = np.column_stack([roads.x, roads.y])
    along = snapped.shares[:, None]
    places = (1 - along) * xy[roads.tails[snapped.edges]] + along * xy[roads.heads[snapped.edges]]
    places = np.where((snapped.nodes >= 0)[:, None], xy[snapped.nodes], places)
    places[(snapped.nodes < 0) & (snapped.edges < 0)] = np.nan
    return np.vstack([places, [np.nan, np.nan]])


def _off_road(times: TravelTimes, trips: pd.DataFrame) -> Floats:
    """Return the minutes of access and parking in the times, which no factor reaches."""
    if times.fixed_minutes is None:
        return np.zeros(len(trips))
    start, end = times.fixed_minutes
    added = start.reindex(trips["from"]).to_numpy(np.float64) + end.reindex(trips["to"]).to_numpy(np.float64)
    return np.asarray(added)


def _pairs(trips: pd.DataFrame) -> Ints:
    ends = [tuple(sorted(map(str, pair))) for pair in zip(trips["from"], trips["to"], strict=True)]
    return np.asarray(pd.factorize(pd.Series(ends, dtype=object))[0], dtype=np.int64)


def reasons(set_aside: pd.DataFrame) -> str:
    """Return the reasons in words, each with how many trips and the first of their rows."""
    by_reason = set_aside.groupby("reason", sort=False)
    return "; ".join(f"{len(part):,} {why} (rows {listed(part.index)})" for why, part in by_reason)


def _refuse(trips: Trips, run: Floats, ids: pd.Index[Any]) -> None:
    """Raise `DataError` where the trips, `run` metres east and north of their start, tell too little."""
    n, aside = len(trips.table), trips.set_aside
    told = f"; set aside: {reasons(aside)}" if len(aside) else ""
    if n < FEWEST_TRIPS:
        if len(aside) and aside["reason"].str.contains(" an id that ").all():
            told += f"; their ids are such as {listed(ids, 3)}"
        raise DataError(
            f"{n:,} of {counted(n + len(aside), 'observed trip')} can be used, and fewer than {FEWEST_TRIPS} "
            f"say too little of speeds; add trips{told}"
        )
    pairs = len(np.unique(trips.pairs))
    if pairs < FEWEST_PAIRS:
        raise DataError(
            f"the {n:,} trips run between {counted(pairs, 'pair')} of ends, and fewer than {FEWEST_PAIRS} "
            f"say too little of the roads elsewhere; add trips between other places{told}"
        )
    heading = run / np.maximum(np.hypot(*run.T), 1e-9)[:, None]
    if np.hypot(*heading.mean(axis=0)) > SAME_HEADING:
        raise DataError(
            f"all {n:,} trips head one way, and traffic may be quicker the other way; "
            f"add trips back, or across{told}"
        )
    ratio = float(np.median(trips.minutes / trips.first.sum(axis=1)))
    if not fitting.SMALLEST < ratio < fitting.LARGEST:
        raise DataError(
            f"observed trips take {ratio:,.3g} times the modelled minutes (the median of {n:,}); "
            "are their minutes seconds or hours, or are they trips of another mode?"
        )
