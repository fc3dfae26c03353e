"""Files of travel times: a Parquet table that anything reads, with what else we know in its metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign.errors import DataError, listed
from zonedesign.swap import replace_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

KEY = b"zonedesign.travel_times"
FORMAT = 1
KINDS = (str, int, float)
"""Ids that a file gives back as they were."""


def write(
    path: str | Path,
    ends: tuple[pd.Index[Any], pd.Index[Any]],
    pairs: tuple[Ints, Ints, NDArray[np.float64]],
    about: Mapping[str, Any],
) -> Path:
    """Write pairs (positions of origin and destination, minutes) as rows of ids, and return where they are.

    The file appears whole or not at all. `about` is kept as JSON in the metadata. Raises `DataError` for ids
    that are not all text or all numbers, and where the file cannot be written.
    """
    import pyarrow as pa  # noqa: PLC0415  (slow to import, and seldom needed)
    from pyarrow import parquet  # noqa: PLC0415

    path = Path(path)
    one = ends[1].equals(ends[0])
    told = {
        "format": FORMAT,
        "origins": _ids(ends[0]),
        "destinations": None if one else _ids(ends[1]),
        **{name: plain(value) for name, value in about.items()},
    }
    try:
        columns = {
            name: pa.DictionaryArray.from_arrays(pa.array(at.astype(np.int32)), pa.array(ids.tolist()))
            for name, ids, at in zip(("origin", "destination"), ends, pairs[:2], strict=True)
        }
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        raise DataError("ids of several types cannot be kept in one column; make them all text") from None
    table = pa.table({**columns, "minutes": pa.array(pairs[2])})
    table = table.replace_schema_metadata({KEY: json.dumps(told, allow_nan=False).encode()})
    try:
        replace_file(path, lambda part: parquet.write_table(table, part, compression="zstd"))
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}; nothing was changed") from error
    return path


def read(
    path: str | Path,
) -> tuple[tuple[pd.Index[Any], pd.Index[Any]], tuple[Ints, Ints, NDArray[np.float64]], dict[str, Any]]:
    """Return what `write` was given; `DataError` for a file that is missing, damaged or another's."""
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    path = Path(path)
    if not path.is_file():
        raise DataError(f"there is no file {path}; TravelTimes.to_parquet writes one")
    try:
        table = parquet.read_table(path)
        told = json.loads((table.schema.metadata or {}).get(KEY, b"null"))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(f"{path.name} cannot be read: {error}; write it again") from None
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise DataError(
            f"{path.name} was not written by TravelTimes.to_parquet of this version; read its table with "
            "pandas and give it to TravelTimes.from_frame"
        )
    rows = _index(told.pop("origins"))
    stated = told.pop("destinations")
    columns = rows if stated is None else _index(stated)
    start, end = _positions(table.column("origin"), rows), _positions(table.column("destination"), columns)
    minutes = np.array(table.column("minutes").to_numpy(), dtype=np.float64)
    if (start < 0).any() or (end < 0).any() or not (minutes >= 0).all() or not np.isfinite(minutes).all():
        raise DataError(f"{path.name} holds pairs that it has no ids or minutes for; write it again")
    del told["format"]
    return (rows, columns), (start, end, minutes), told


def plain(value: Any) -> Any:
    """Return a value as JSON holds it: numbers as Python's, not finite as None, what JSON lacks as text."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if hasattr(value, "items"):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, np.ndarray, pd.Index)):
        return [plain(each) for each in value]
    return str(value)


def _ids(index: pd.Index[Any]) -> dict[str, Any]:
    values = index.tolist()
    strange = [each for each in values if not isinstance(each, KINDS)]
    if strange:
        raise DataError(
            f"ids such as {listed(strange, 1)} ({type(strange[0]).__name__}) cannot be kept in a file; use "
            "text or numbers"
        )
    return {"values": values, "dtype": str(index.dtype), "name": plain(index.name)}


def _index(told: dict[str, Any]) -> pd.Index[Any]:
    index: pd.Index[Any] = pd.Index(told["values"], dtype=told["dtype"], name=told["name"])
    return index


def _positions(column: Any, ids: pd.Index[Any]) -> Ints:
    """Return the position (rows,) among the ids of what each row names, -1 where it is none of them."""
    if not len(column):
        return np.zeros(0, dtype=np.int64)
    whole = column.dictionary_encode().unify_dictionaries().combine_chunks()
    known = np.asarray(ids.get_indexer(pd.Index(whole.dictionary.to_pylist())), dtype=np.int64)
    found: Ints = known[whole.indices.to_numpy()]
    return found
