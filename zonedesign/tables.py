"""Tables and layers: rows and shapes from files, with ids that stay what they are."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from zonedesign.errors import DataError, counted, listed, nearest_name

if TYPE_CHECKING:
    from collections.abc import Iterable

PLACES = (("easting", "northing", 27700), ("lon", "lat", 4326))
"""Names of coordinate columns, and the CRS (EPSG) that each pair is in."""

_TEXT_FILES = {".csv": ",", ".tsv": "\t", ".txt": ","}
_SHEETS = {".xlsx", ".ods"}
_CODE = re.compile(r"[+-]?0\d")
_PARQUET = "reading it needs the package pyarrow; install that, or save the file as CSV or GeoPackage"


def read_table(path: str | Path, layer: str | None = None) -> pd.DataFrame:
    """Return the rows of a CSV, spreadsheet, parquet or GDAL file, without geometry.

    In text files a column is numbers only where every value is one and none has a leading zero; only empty is
    missing. Raises `DataError` where the file is missing or is no table.
    """
    path = _existing(path)
    suffix = path.suffix.lower()
    if suffix in _TEXT_FILES:
        return _read_text(path, _TEXT_FILES[suffix])
    if suffix in {".parquet", ".pq"}:
        try:
            return pd.read_parquet(path)
        except ImportError:
            raise DataError(f"{path.name}: {_PARQUET}") from None
    options = {"HEADERS": "FORCE"} if suffix in _SHEETS else {}
    return pd.DataFrame(_gdal(path, layer, read_geometry=False, **options))


def read_layer(path: str | Path, layer: str | None = None) -> gpd.GeoDataFrame:
    """Return the rows and shapes of any file that GDAL reads, of GeoParquet, or of a CSV of points.

    A CSV has `easting` and `northing` (EPSG:27700) or `lon` and `lat` (EPSG:4326). Raises `DataError` where
    the file or the layer is missing, holds no shapes, or holds several layers and none is named.
    """
    path = _existing(path)
    suffix = path.suffix.lower()
    if suffix in _TEXT_FILES:
        table = _read_text(path, _TEXT_FILES[suffix])
        return gpd.GeoDataFrame(table, geometry=points_in(table, path.name))
    if suffix in {".parquet", ".pq"}:
        try:
            return gpd.read_parquet(path)
        except ImportError:
            raise DataError(f"{path.name}: {_PARQUET}") from None
    if layer is None:
        layer = _only_layer(path)
    frame = _gdal(path, layer)
    if not isinstance(frame, gpd.GeoDataFrame):
        raise DataError(f"{path.name} holds rows without shapes; give a file of polygons")
    return frame


def points_in(table: pd.DataFrame, source: str) -> gpd.GeoSeries:
    """Return the points in a table's coordinate columns, None where a row has none, with the columns' CRS.

    Raises `DataError` where no pair of columns of `PLACES` is there, or a coordinate is text.
    """
    columns = {str(name).strip().lower(): name for name in table.columns}
    for x_name, y_name, epsg in PLACES:
        if x_name in columns and y_name in columns:
            x, y = (as_numbers(table[columns[name]], name, source, "row") for name in (x_name, y_name))
            shapes = shapely.points(x.to_numpy(), y.to_numpy())
            shapes[(x.isna() | y.isna()).to_numpy()] = None
            return gpd.GeoSeries(shapes, index=table.index, crs=epsg)
    raise DataError(
        f"{source} has no easting and northing, nor lon and lat; it has {listed(table.columns, 8)}"
    )


def as_numbers(column: pd.Series[Any], what: str, source: str, row: str = "row") -> pd.Series[float]:
    """Return a column as float64, NaN where it is empty; `DataError` names the rows that hold text."""
    empty = column.isna() | (column.astype(str).str.strip() == "")
    values = pd.to_numeric(column, errors="coerce").astype(np.float64)
    wrong = column.index[values.isna() & ~empty]
    if len(wrong):
        raise DataError(
            f"{source}: {what} is not a number in {counted(len(wrong), row)}: {listed(wrong)} "
            f"(first: '{column[wrong[0]]}'); write digits only"
            if column.index.is_unique
            else f"{source}: {what} is not a number in {counted(len(wrong), row)}: {listed(wrong)}"
        )
    return values


def text_ids(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return ids as they are: text with its leading zeros, whole numbers as integers, empty as missing."""
    if pd.api.types.is_float_dtype(values.dtype):
        known = values.dropna()
        if len(known) == len(values) and (known == np.floor(known)).all():
            return values.astype(np.int64)
        return values
    if pd.api.types.is_integer_dtype(values.dtype):
        return values
    kept = values.where(values.isna(), values.astype(str).str.strip())
    return kept.where(kept != "", None)


def as_ids(values: Iterable[Any], ids: pd.Index[Any]) -> list[Any]:
    """Return `values` in the type of `ids`: whole numbers or text; what fits no id stays text."""
    if pd.api.types.is_integer_dtype(ids.dtype):
        return [_whole(value) for value in values]
    if ids.dtype == object and len(ids) and not isinstance(ids[0], str):
        known = {str(each): each for each in ids}
        return [known.get(str(value), value) for value in values]
    return [as_text(value) for value in values]


def require_ids(values: Iterable[Any], ids: pd.Index[Any], what: str) -> list[Any]:
    """Return `values` in the type of `ids`; `DataError` names those that are no unit, and the nearest one."""
    found = as_ids(values, ids)
    strange = [value for value in found if value not in ids]
    if strange:
        hint = nearest_name(strange[0], ids)
        raise DataError(
            f"{what} names {counted(len(strange), 'id')} that no unit has: {listed(strange)}{hint}"
        )
    return found


def as_text(value: Any) -> Any:
    """Return an id as text, 3.0 as 3; what is missing stays missing."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if pd.isna(value) else str(value).strip()


def _whole(value: Any) -> Any:
    try:
        return int(str(value).strip().removesuffix(".0"))
    except ValueError:
        return str(value)


def _existing(path: str | Path) -> Path:
    path = Path(path)
    if not path.exists():
        near = (
            nearest_name(path.name, [p.name for p in path.parent.glob("*")]) if path.parent.is_dir() else ""
        )
        raise DataError(f"there is no file {path}{near}")
    return path


def _read_text(path: Path, separator: str) -> pd.DataFrame:
    try:
        table = pd.read_csv(
            path,
            sep=separator,
            dtype=str,
            keep_default_na=False,
            na_values=[""],
            encoding="utf-8-sig",
            index_col=False,
            skipinitialspace=True,
        )
    except pd.errors.EmptyDataError:
        raise DataError(
            f"{path.name} is empty; it needs a line of column names and a row for each id"
        ) from None
    except UnicodeDecodeError:
        raise DataError(
            f"{path.name} cannot be read as a table: it is not UTF-8; save it as CSV UTF-8"
        ) from None
    except (pd.errors.ParserError, pd.errors.ParserWarning, OSError) as error:
        raise DataError(
            f"{path.name} cannot be read as a table: {str(error).strip().splitlines()[0]}"
        ) from None
    table.columns = [str(name).strip() for name in table.columns]
    for name in table.columns[~table.columns.duplicated(keep=False)]:
        text = table[name].str.strip()
        known = text.dropna()
        known = known[known != ""]
        numbers = pd.to_numeric(known, errors="coerce")
        if len(known) and numbers.notna().all() and not known.str.match(_CODE).any():
            table[name] = pd.to_numeric(text.where(text != "", None))
        else:
            table[name] = text.where(text != "", None)
    return table


def _only_layer(path: Path) -> str | None:
    try:
        layers = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    except (DataSourceError, DataLayerError) as error:
        raise DataError(_unreadable(path, error)) from None
    if len(layers) > 1:
        raise DataError(f"{path.name} has {len(layers)} layers: {listed(layers, 8)}; name one as layer")
    return layers[0] if layers else None


def _gdal(path: Path, layer: str | None, **options: Any) -> Any:
    try:
        with warnings.catch_warnings():
            # GDAL's remarks on metadata are nothing a user can act on; what matters is checked here
            warnings.simplefilter("ignore", RuntimeWarning)
            warnings.simplefilter("ignore", UserWarning)
            return pyogrio.read_dataframe(path, layer=layer, **options)
    except DataLayerError as error:
        layers = [str(name) for name, _ in pyogrio.list_layers(path)]
        if layer is None or layer in layers:
            raise DataError(_unreadable(path, error)) from None
        raise DataError(
            f"{path.name} has no layer '{layer}'"
            f"{nearest_name(layer, layers) or f'; it has {listed(layers, 8)}'}"
        ) from None
    except DataSourceError as error:
        raise DataError(_unreadable(path, error)) from None
    except (UnicodeDecodeError, shapely.errors.GEOSException) as error:
        raise DataError(_unreadable(path, error)) from None


def _unreadable(path: Path, error: Exception) -> str:
    reason = str(error).strip().splitlines()[0].replace(str(path), path.name)
    # what follows the first remark, or comes before the last failure, is for programmers
    reason = reason.partition(";")[0].rpartition("failed: ")[2].removeprefix(f"'{path.name}' ").rstrip(".")
    return f"{path.name} cannot be read ({reason[:160]}); it is damaged or of another kind, so save it again"
