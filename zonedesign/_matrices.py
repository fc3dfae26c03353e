"""Matrices: minutes as other engines write them, read into (origin, destination, minutes) arrays.

What an engine puts where there is no route is out of reach here, counted by kind and logged, so that no pair
is silently long: nothing (OSRM, Valhalla and OpenRouteService: null), NaN (r5py), inf (networkx, scipy),
4294967.295 (pandana) and the largest whole numbers of 32 bits.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from zonedesign.errors import DataError, counted, listed, nearest_name, require_unique

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Triples = tuple[Ints, Ints, Floats]

log = logging.getLogger(__name__)

MARKERS = {
    name: (figure, float(np.float32(figure)), figure / 60.0, float(np.float32(figure / 60.0)))
    for name, figure in (
        ("4294967.295", 4294967.295),
        ("4294967295", 4294967295.0),
        ("2147483647", 2147483647.0),
    )
}
"""Figures that engines write for no route: exactly, as 32 bits round it (4294967.5, 2**32, 2**31), and so
too where somebody has divided seconds by 60."""

A_MONTH = 30 * 24 * 60.0
"""Minutes beyond which a travel time is more likely the marker of an engine that is not known here."""

ORIGINS = ("origin", "from", "from_id", "origin_id", "source")
DESTINATIONS = ("destination", "to", "to_id", "destination_id", "target")
MINUTES = ("minutes", "travel_time", "weight")
"""Names of columns in a long table: our own, r5py's and pandana's among them."""
SECONDS = ("seconds", "duration")
"""Names of columns that are read only where it is said that they hold seconds."""


@dataclass
class _Gone:
    """Pairs out of reach, counted by kind; `kinds` keeps the order in which they were met."""

    pairs: int
    kinds: dict[str, int] = field(default_factory=dict)
    loud: set[str] = field(default_factory=set)

    def count(self, kind: str, number: int, *, loud: bool = False) -> None:
        if number:
            self.kinds[kind] = self.kinds.get(kind, 0) + number
            if loud:
                self.loud.add(kind)

    def tell(self, source: str) -> dict[str, int]:
        """Log what was counted, markers as warnings, and return it."""
        for kind, number in self.kinds.items():
            log.log(
                logging.WARNING if kind in self.loud else logging.INFO,
                "%s: %s of %s out of reach (%s)", source, counted(number, "pair"), f"{self.pairs:,}", kind,
            )  # fmt: skip
        return dict(self.kinds)


def from_matrix(
    matrix: Any, rows: pd.Index[Any], columns: pd.Index[Any], *, seconds: bool, zero_is_unreachable: bool
) -> tuple[Triples, dict[str, int]]:
    """Return the pairs in reach of a dense or sparse matrix, and how many others there are of each kind.

    Where `columns` is `rows`, the diagonal is 0 unless it is stated. Raises `DataError` for a wrong shape, a
    frame whose labels are in another order, text, and negative minutes.
    """
    source, shape = "the matrix of minutes", (len(rows), len(columns))
    for index, what in ((rows, "origin"), (columns, "destination")):
        require_unique(index, f"{what} id", source)
    if isinstance(matrix, pd.DataFrame):
        _require_order(matrix, rows, columns)
    if not sparse.issparse(matrix):
        matrix = _unmasked(matrix)
    if tuple(matrix.shape) != shape:
        raise DataError(f"{source} is {matrix.shape}; {shape[0]} x {shape[1]} ids need {shape}")
    if sparse.issparse(matrix):
        table = sparse.coo_array(matrix)
        start, end = (np.asarray(side, dtype=np.int64) for side in table.coords)
        values = table.data
    else:
        start, end = (side.ravel() for side in np.indices(shape, dtype=np.int64))
        values = matrix.ravel()
    same = start == end if columns is rows else _same(rows, columns, start, end)
    gone = _Gone(shape[0] * shape[1])
    minutes = _cleaned(values, same, gone, seconds=seconds, zero_is_unreachable=zero_is_unreachable)
    _require_not_negative(minutes, start, end, rows, columns)
    triples = _kept(start, end, minutes, rows, columns)
    if sparse.issparse(matrix):
        stored = np.unique(start * shape[1] + end).size
        selves = 0 if columns is not rows else len(rows) - np.unique(start[same]).size
        gone.count("not stored", gone.pairs - stored - selves)
    return triples, gone.tell(source)


def from_frame(
    frame: pd.DataFrame,
    names: tuple[str | None, str | None, str | None],
    ids: pd.Index[Any] | None,
    *,
    seconds: bool,
    zero_is_unreachable: bool,
) -> tuple[pd.Index[Any], pd.Index[Any], Triples, dict[str, int]]:
    """Return origins, destinations, the pairs in reach of a long table, and how many others of each kind.

    `names` are the columns of origins, destinations and minutes, None to find them by name. Without `ids`,
    origins and destinations that share an id are one set of ids, in the order of their first row. Raises
    `DataError` for columns that are not found, ids that are missing or not among `ids`, pairs that stand
    twice with different minutes, text, and negative minutes.
    """
    source = "the table of minutes"
    at = [_column(frame, *each, seconds=seconds) for each in zip(_ROLES, names, strict=True)]
    ends = [pd.Series(frame[name]) for name in at[:2]]
    for name, column in zip(at[:2], ends, strict=True):
        missing = int(column.isna().sum())
        if missing:
            raise DataError(f"{source} has {counted(missing, 'row')} without '{name}'; every row needs one")
    rows, columns = _ids_of(ends, ids, source)
    start, end = (
        np.asarray(index.get_indexer(pd.Index(column)), dtype=np.int64)
        for index, column in zip((rows, columns), ends, strict=True)
    )
    same = start == end if columns is rows else _same(rows, columns, start, end)
    gone = _Gone(len(rows) * len(columns))
    start, end, values, same = _once(start, end, _unmasked(frame[at[2]]), same, rows, columns)
    minutes = _cleaned(values, same, gone, seconds=seconds, zero_is_unreachable=zero_is_unreachable)
    _require_not_negative(minutes, start, end, rows, columns)
    selves = 0 if columns is not rows else len(rows) - int(same.sum())
    gone.count("no row", gone.pairs - len(start) - selves)
    return rows, columns, _kept(start, end, minutes, rows, columns), gone.tell(source)


_ROLES = (("origin", ORIGINS), ("destination", DESTINATIONS), ("minutes", MINUTES))


def _column(
    frame: pd.DataFrame, role: tuple[str, tuple[str, ...]], given: str | None, *, seconds: bool
) -> Any:
    """Return the column of a role: the one given, or the only one that has a name for it."""
    what, known = role
    present = {str(name): name for name in frame.columns}
    if given is not None:
        if given not in present:
            hint = nearest_name(given, present) or f"; it has {listed(present, 8)}"
            raise DataError(f"the table of minutes has no column '{given}'{hint}")
        return present[given]
    if what == "minutes" and seconds:
        known = (*known, *SECONDS)
    if what in present:
        return present[what]
    found = [name for text, name in present.items() if text.strip().lower() in known]
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(
            f"the table of minutes has {listed(found)}, each of which may be the {what}; say {what}='column'"
        )
    unsaid = [name for text, name in present.items() if text.strip().lower() in SECONDS]
    if what == "minutes" and unsaid:
        raise DataError(
            f"the table of minutes has '{unsaid[0]}'; if these are seconds say seconds=True, else "
            f"minutes='{unsaid[0]}'"
        )
    raise DataError(
        f"the table of minutes has no column of the {what}: it has {listed(present, 8)}; say {what}='column'"
    )


def _ids_of(
    ends: list[pd.Series[Any]], ids: pd.Index[Any] | None, source: str
) -> tuple[pd.Index[Any], pd.Index[Any]]:
    """Return the ids of rows and of columns; one and the same index where they are one set."""
    if ids is None:
        rows, columns = (pd.Index(column.unique()) for column in ends)
        if not columns.isin(rows).any():
            return rows, columns
        every = rows.append(columns[~columns.isin(rows)])  # an engine leaves out rows that reach nothing
        return every, every
    require_unique(ids, "id", "ids")
    for column in ends:
        strange = column[~column.isin(ids)]
        if len(strange):
            names = strange.unique()
            raise DataError(
                f"{source} has {counted(len(strange), 'row')} of {counted(len(names), f'{column.name}')} "
                f"not among the ids: {listed(names)}{nearest_name(names[0], ids)}; leave them out, or give "
                "their ids too"
            )
    return ids, ids


def _once(
    start: Ints, end: Ints, values: Any, same: NDArray[np.bool_], rows: pd.Index[Any], columns: pd.Index[Any]
) -> tuple[Ints, Ints, Any, NDArray[np.bool_]]:
    """Return every pair once; `DataError` names pairs that stand twice and differ."""
    pairs = pd.DataFrame({"pair": start * max(len(columns), 1) + end, "value": values})
    again = pairs["pair"].duplicated().to_numpy()
    if not again.any():
        return start, end, values, same
    differ = pairs.drop_duplicates()
    twice = differ["pair"].duplicated().to_numpy()
    if twice.any():
        at = differ.index[twice]
        names = dict.fromkeys(f"{rows[start[i]]} to {columns[end[i]]}" for i in at)
        raise DataError(
            f"the table of minutes has {counted(len(names), 'pair')} twice, with different minutes: "
            f"{listed(names)}; keep one row of each"
        )
    log.info("the table of minutes: %s said twice, the same each time", counted(int(again.sum()), "pair"))
    keep = ~again
    return start[keep], end[keep], values[keep], same[keep]


def _require_order(matrix: pd.DataFrame, rows: pd.Index[Any], columns: pd.Index[Any]) -> None:
    """Refuse a frame with the ids for labels, but in another order: minutes would go to others."""
    for labels, ids, what in ((matrix.index, rows, "rows"), (matrix.columns, columns, "columns")):
        if len(labels) == len(ids) and not labels.equals(ids) and set(labels) == set(ids):
            raise DataError(
                f"the {what} of the matrix of minutes are the ids in another order; give "
                "matrix.loc[ids, ids], or its own labels as ids"
            )


def _unmasked(values: Any) -> Any:
    """Return an array, a frame, a column or nested lists as an array; what is masked as None.

    Raises `DataError` for lengths of time, whose unit numpy keeps to itself.
    """
    kinds = values.dtypes if isinstance(values, pd.DataFrame) else [getattr(values, "dtype", "")]
    if any("timedelta" in str(kind) or "duration" in str(kind) for kind in kinds):
        raise DataError(
            "travel times are lengths of time (timedelta); give minutes: column.dt.total_seconds() / 60"
        )
    if isinstance(values, np.ma.MaskedArray):
        bare = np.asarray(values.data).astype(object)
        bare[np.ma.getmaskarray(values)] = None
        return bare
    if isinstance(values, (pd.Series, pd.DataFrame)):
        return values.to_numpy()
    try:
        return np.asarray(values)
    except ValueError:
        raise DataError(
            "the matrix of minutes has rows of different lengths; it needs one for each id"
        ) from None


def _cleaned(
    values: Any, same: NDArray[np.bool_], gone: _Gone, *, seconds: bool, zero_is_unreachable: bool
) -> Floats:
    """Return values as minutes, inf where out of reach; pairs of a point and itself are counted nowhere."""
    minutes, empty = _numbers(values)
    apart = ~same
    gone.count("null", int((empty & apart).sum()))
    gone.count("NaN", int((np.isnan(minutes) & ~empty & apart).sum()))
    gone.count("inf", int((np.isposinf(minutes) & apart).sum()))
    for name, figures in MARKERS.items():
        marked = np.isin(minutes, figures)
        gone.count(f"marker {name}", int((marked & apart).sum()), loud=True)
        minutes[marked] = np.inf
    minutes[np.isnan(minutes)] = np.inf
    if zero_is_unreachable:
        nought = (minutes == 0) & apart
        gone.count("zero", int(nought.sum()))
        minutes[nought] = np.inf
    if seconds:
        minutes /= 60.0
    long = np.isfinite(minutes) & (minutes > A_MONTH)
    if long.any():
        log.warning(
            "%s of more than a month, the first of %s minutes: if an engine says so that there is no route, "
            "put NaN in its place",
            counted(int(long.sum()), "pair"), f"{minutes[long][0]:,.10g}",
        )  # fmt: skip
    return minutes


def _numbers(values: Any) -> tuple[Floats, NDArray[np.bool_]]:
    """Return values as float64 of their own, NaN where empty, and which are empty: None or NA."""
    empty = np.zeros(len(values), dtype=np.bool_)
    if values.dtype == object:
        empty = np.fromiter((each is None or each is pd.NA for each in values), np.bool_, len(values))
        values = np.where(empty, np.nan, values)
    try:
        return np.array(values, dtype=np.float64), empty
    except (TypeError, ValueError):
        raise DataError(
            "what should be minutes does not hold numbers only; out of reach is NaN or inf"
        ) from None


def _same(rows: pd.Index[Any], columns: pd.Index[Any], start: Ints, end: Ints) -> NDArray[np.bool_]:
    """Return which pairs are of a point and itself, where origins and destinations are two sets of ids."""
    twin = np.asarray(columns.get_indexer(rows), dtype=np.int64)
    found: NDArray[np.bool_] = twin[start] == end
    return found


def _require_not_negative(
    minutes: Floats, start: Ints, end: Ints, rows: pd.Index[Any], columns: pd.Index[Any]
) -> None:
    wrong = np.flatnonzero(minutes < 0)
    if len(wrong):
        first = int(wrong[0])
        raise DataError(
            f"{len(wrong):,} travel times are negative, first {rows[start[first]]} to "
            f"{columns[end[first]]}: {minutes[first]}; out of reach is NaN or inf"
        )


def _kept(
    start: Ints, end: Ints, minutes: Floats, rows: pd.Index[Any], columns: pd.Index[Any]
) -> tuple[Ints, Ints, Floats]:
    """Return the pairs in reach, with 0 from every point to itself that has no figure."""
    keep = minutes < np.inf
    start, end, minutes = start[keep], end[keep], minutes[keep]
    return with_selves(start, end, minutes, len(rows)) if columns is rows else (start, end, minutes)


def with_selves(start: Ints, end: Ints, minutes: Floats, points: int) -> tuple[Ints, Ints, Floats]:
    """Return the pairs of a square table, with 0 from every point to itself that has no figure."""
    alone = np.setdiff1d(np.arange(points), start[start == end])
    return (
        np.concatenate([start, alone]),
        np.concatenate([end, alone]),
        np.concatenate([minutes, np.zeros(len(alone))]),
    )
