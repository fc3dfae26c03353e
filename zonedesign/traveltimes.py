"""Travel times: minutes between points, within a cutoff; absent is out of reach."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from zonedesign.errors import DataError, listed, require_unique

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class TravelTimes:
    """Minutes from every origin to every destination in reach, as rows of a sparse table.

    Row `o` holds `minutes[indptr[o]:indptr[o + 1]]` to the destinations at `indices[...]`, ascending. A pair that
    is absent is out of reach, and every accessor says `inf`; a stored zero is a travel time of zero. `max_minutes`
    is the cutoff, inclusive (inf: none). `provenance` says where the minutes come from (file hash, profile,
    cutoff), `snapped_m` how far each point lies from the road, by id, where roads were used.
    """

    origins: pd.Index[Any]
    destinations: pd.Index[Any]
    indptr: Ints
    indices: Ints
    minutes: Floats
    max_minutes: float = math.inf
    provenance: Mapping[str, Any] = field(default_factory=dict)
    snapped_m: pd.Series[float] | None = None

    @classmethod
    def from_matrix(
        cls,
        matrix: Any,
        ids: Sequence[Any] | pd.Index[Any],
        destinations: Sequence[Any] | pd.Index[Any] | None = None,
        **provenance: Any,
    ) -> TravelTimes:
        """Return the travel times in a dense or sparse matrix of minutes, rows being origins, kept as float64.

        NaN and inf are out of reach. Zeros are real, dense or stored; what a sparse matrix does not store is out of
        reach. With one set of ids an absent diagonal is 0. Raises `DataError` for a wrong shape, ids that repeat,
        and negative minutes.
        """
        rows = pd.Index(ids)
        columns = rows if destinations is None else pd.Index(destinations)
        for index, what in ((rows, "origin"), (columns, "destination")):
            require_unique(index, f"{what} id", "the matrix of minutes")
        shape = (len(rows), len(columns))
        if tuple(matrix.shape) != shape:
            raise DataError(f"the matrix of minutes is {matrix.shape}; {shape[0]} x {shape[1]} ids need {shape}")
        if sparse.issparse(matrix):
            table = sparse.coo_array(matrix)
            start, end = (np.asarray(side, dtype=np.int64) for side in table.coords)
            minutes = np.asarray(table.data, dtype=np.float64)
        else:
            dense = np.asarray(matrix, dtype=np.float64)
            start, end = (side.astype(np.int64) for side in np.nonzero(np.isfinite(dense)))
            minutes = dense[start, end]
        keep = np.isfinite(minutes)
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
        """Return times from (origin, destination, minutes) arrays; the quickest of several for a pair counts."""
        start, end, minutes = triples
        order = np.lexsort((minutes, end, start))
        start, end, minutes = start[order], end[order], minutes[order]
        first = np.ones(len(start), dtype=bool)
        first[1:] = (start[1:] != start[:-1]) | (end[1:] != end[:-1])
        indptr = np.zeros(len(origins) + 1, dtype=np.int64)
        np.cumsum(np.bincount(start[first], minlength=len(origins)), out=indptr[1:])
        return cls(origins, destinations, indptr, end[first], minutes[first], provenance=dict(provenance))

    def between(self, origin: Any, destination: Any) -> float:
        """Return minutes from one origin to one destination, `inf` where out of reach; KeyError for a strange id."""
        row, column = self.origins.get_loc(origin), self.destinations.get_loc(destination)
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
        """Return one row per pair in reach: `origin`, `destination`, `minutes`; a pair not there is out of reach."""
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
        counts = np.diff(self.indptr)[rows]
        start = np.repeat(np.arange(len(ids), dtype=np.int64), counts)
        first = np.repeat(self.indptr[rows] - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
        at = first + np.arange(len(start))
        end = new[self.indices[at]]
        keep = end >= 0
        part = self._from_triples(ids, ids, (start[keep], end[keep], self.minutes[at][keep]), self.provenance)
        return replace(part, max_minutes=self.max_minutes, snapped_m=self.snapped_m)

    def __repr__(self) -> str:
        cutoff = "no cutoff" if math.isinf(self.max_minutes) else f"within {self.max_minutes:g} minutes"
        return (
            f"<TravelTimes: {len(self.origins):,} x {len(self.destinations):,}, {len(self.minutes):,} pairs in reach, "
            f"{cutoff}, {self.provenance.get('source', 'unknown source')}>"
        )
