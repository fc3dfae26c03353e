"""Frames of nodes and edges, checked and turned into the columns of a road network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pyproj import CRS
from pyproj.exceptions import CRSError

from zonedesign import _roadshape
from zonedesign.errors import DataError, counted, listed, nearest_name, require_columns, require_unique
from zonedesign.profiles import ROAD_CLASSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def crs_of(frame: object, crs: Any, what: str) -> CRS:
    """Return `crs`, or the CRS of the frame; raises `DataError` where there is neither, or no such CRS."""
    own = getattr(frame, "crs", None) or getattr(frame, "attrs", {}).get("crs")
    wanted = own if crs is None else crs
    if wanted is None:
        raise DataError(f"{what} have no CRS; say which one x and y are in, such as crs='EPSG:27700'")
    try:
        return CRS.from_user_input(wanted)
    except CRSError as error:
        raise DataError(f"no such CRS: {wanted!r}; name one such as 'EPSG:27700'") from error


def read_nodes(nodes: pd.DataFrame, crs: Any) -> tuple[pd.DataFrame, CRS]:
    """Return the nodes with whole-number ids, finite `x` and `y`, and `cut` where given; and their CRS.

    Raises `DataError` for ids that are missing, twice or no whole numbers, and for places that are no
    numbers.
    """
    own, cut = crs_of(nodes, crs, "nodes"), nodes.get("cut")
    if not {"x", "y"} <= set(nodes.columns) and getattr(nodes, "crs", None) is not None:
        nodes = pd.DataFrame({"x": nodes.geometry.x, "y": nodes.geometry.y}, index=nodes.index)
    require_columns(nodes.columns, ("x", "y"), "nodes")
    require_unique(nodes.index, "node id", "nodes")
    table = pd.DataFrame(
        {name: _numbers(nodes[name], f"{name} of nodes", negative=True) for name in ("x", "y")},
        index=_whole(nodes.index, "nodes", "node id"),
    )
    if table.empty:
        raise DataError("nodes are empty; a road network needs some")
    if cut is not None:
        table["cut"] = _flags(cut)
    return table, own


def read_edges(
    edges: pd.DataFrame, ids: pd.Index[Any], x: Floats, y: Floats
) -> tuple[dict[str, Any], tuple[str, ...], dict[str, int]]:
    """Return the columns of the edges, the names of their classes, and counts of what was found."""
    require_columns(edges.columns, ("from", "to"), "edges")
    if edges.empty:
        raise DataError("edges are empty; a road network needs some")
    tails, heads = (_positions(edges[name], ids, name) for name in ("from", "to"))
    straight = np.hypot(x[tails] - x[heads], y[tails] - y[heads])
    length_m = _numbers(edges["length_m"], "length_m of edges") if "length_m" in edges else straight
    with_minutes = "minutes" in edges
    minutes = _numbers(edges["minutes"], "minutes of edges") if with_minutes else np.full(len(edges), np.nan)
    if not with_minutes:
        require_columns(edges.columns, ("road_class",), "edges without minutes")
    road_class, class_names = _classes(edges, known_only=not with_minutes)
    limit = np.full(len(edges), np.nan)
    if "maxspeed_kph" in edges:
        limit = pd.to_numeric(edges["maxspeed_kph"], errors="coerce").to_numpy(np.float64, na_value=np.nan)
        limit = np.where(limit > 0, limit, np.nan)
    own = np.arange(len(edges))
    both = np.zeros(len(edges), dtype=np.bool_)
    if "oneway" in edges:
        both = ~_flags(edges["oneway"])
    tails, heads = np.concatenate([tails, heads[both]]), np.concatenate([heads, tails[both]])
    own = np.concatenate([own, own[both]])
    m = len(own)
    built_up, junction = np.zeros(m, dtype=np.bool_), np.zeros(m, dtype=np.int8)
    if not with_minutes:
        rank = road_class[own]
        junction = _roadshape.junction_codes(len(ids), tails, heads, rank)
        built_up = (
            _flags(edges["built_up"])[own]
            if "built_up" in edges
            else _roadshape.built_up_edges(x, y, tails, heads, rank)
        )
    columns = {
        "tails": tails,
        "heads": heads,
        "length_m": length_m[own],
        "road_class": road_class[own],
        "maxspeed_kph": limit[own],
        "built_up": built_up,
        "junction": junction,
        "given_minutes": minutes[own],
    }
    counts = {
        "rows read": len(edges),
        "rows counted both ways": int(both.sum()),
        "self-loops kept": int((tails == heads).sum()),
        "edges of no length kept": int((columns["length_m"] == 0).sum()),
    }
    return columns, class_names, counts


def _classes(edges: pd.DataFrame, *, known_only: bool) -> tuple[NDArray[np.int16], tuple[str, ...]]:
    if "road_class" not in edges:
        return np.zeros(len(edges), dtype=np.int16), ("road",)
    text = edges["road_class"].astype(object).where(edges["road_class"].notna(), "road").astype(str)
    names = ROAD_CLASSES if known_only else tuple(sorted(set(text)))
    strangers = sorted(set(text) - set(names))
    if strangers:
        raise DataError(
            f"edges have {counted(len(strangers), 'road class')} without a speed: {listed(strangers)}"
            f"{nearest_name(strangers[0], ROAD_CLASSES)}; use {listed(ROAD_CLASSES, 20)}, or give minutes"
        )
    return pd.Categorical(text, categories=list(names)).codes.astype(np.int16), names


def _numbers(column: pd.Series[Any], what: str, *, negative: bool = False) -> Floats:
    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    bad = ~np.isfinite(values)
    if bad.any():
        raise DataError(
            f"{what}: {counted(int(bad.sum()), 'row')} without a finite number, "
            f"first at {column.index[bad][0]!r}"
        )
    if not negative and (values < 0).any():
        low = values < 0
        raise DataError(
            f"{what}: {counted(int(low.sum()), 'row')} below zero, "
            f"first {values[low][0]:g} at {column.index[low][0]!r}"
        )
    return values


def _flags(column: pd.Series[Any]) -> NDArray[np.bool_]:
    text = column.astype(object).where(column.notna(), "no").astype(str).str.strip().str.lower()
    return text.isin(["true", "yes", "1", "1.0"]).to_numpy(np.bool_)


def _whole(values: Any, where: str, what: str) -> pd.Index[Any]:
    if pd.Index(values).dtype.kind in "iu":
        return pd.Index(np.asarray(values).astype(np.int64), name="node")
    numbers = pd.to_numeric(pd.Series(list(values), dtype=object), errors="coerce")
    as_float = numbers.to_numpy(np.float64, na_value=np.nan)
    # beyond 2^53 a float no longer tells one whole number from the next
    good = np.isfinite(as_float) & (as_float == np.floor(as_float)) & (np.abs(as_float) < 2.0**53)
    if not good.all():
        odd = [value for value, fine in zip(values, good, strict=True) if not fine]
        raise DataError(
            f"{where}: {counted(len(odd), what)} not a whole number: {listed(odd)}; number the nodes from 0"
        )
    return pd.Index(as_float.astype(np.int64), name="node")


def _positions(column: pd.Series[Any], ids: pd.Index[Any], name: str) -> NDArray[np.int64]:
    ends = _whole(column.to_numpy(), f"edges, column '{name}'", "node id")
    at = np.asarray(ids.get_indexer(ends), dtype=np.int64)
    if (at < 0).any():
        strangers = list(dict.fromkeys(ends[at < 0]))
        raise DataError(
            f"edges, column '{name}': {counted(len(strangers), 'id')} not among the nodes: "
            f"{listed(strangers)}; add the nodes or leave these edges out"
        )
    return at
