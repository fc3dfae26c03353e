"""Stored travel times: worked out once, and used again only for exactly what they came from.

A file in the user's cache folder is named after the SHA-256 of everything the minutes depend on: the roads as
arrays, the points, the limits, the program and its libraries. It holds arrays of numbers and no objects, and
none is ever unpickled. Whatever is wrong with a file or the folder, the minutes are worked out instead.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import time
import zipfile
import zlib
from contextlib import suppress
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign._ends import SLACK_MINUTES
from zonedesign._routes import Ways
from zonedesign.errors import ScenarioError, ZoneDesignError
from zonedesign.progress import silent
from zonedesign.provenance import NO_CACHE, cache_folder, versions
from zonedesign.roads import coordinates
from zonedesign.snapping import Snapping
from zonedesign.swap import replace_file
from zonedesign.traveltimes import TravelTimes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import geopandas as gpd

    from zonedesign.progress import Progress
    from zonedesign.roads import RoadNetwork

log = logging.getLogger(__name__)

FORMAT = 1
LIMIT_MB = 500.0
"""Size of all stored travel times together, unless ZONEDESIGN_CACHE_MB says otherwise."""
LIMIT = "ZONEDESIGN_CACHE_MB"

_NO_MATTER = {"source", "sha256", "attribution", "counts", "shape", "kept"}
# Fields of a network that no minute depends on.
_UNREADABLE = (
    OSError, ValueError, LookupError, TypeError, EOFError, MemoryError, RuntimeError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def kept_times(
    roads: RoadNetwork,
    points: gpd.GeoSeries,
    limits: Mapping[str, Any],
    compute: Callable[[], TravelTimes],
    *,
    progress: Progress | None = None,
) -> TravelTimes:
    """Return what `compute` gives, from the user's cache folder where it is kept there.

    `compute` works out travel times over the roads between the points, and `limits` is all else that they
    depend on, by name. What is not kept is worked out and kept, the least recently used files making room.
    With ZONEDESIGN_NO_CACHE, or where the folder cannot be used, nothing is read or written. Raises what
    `compute` does, and `ScenarioError` where ZONEDESIGN_CACHE_MB is no size.
    """
    room = limit_bytes()
    key = None if os.environ.get(NO_CACHE) or not room else _key(roads, points, limits)
    if key is None:
        return compute()
    path = times_folder() / f"{key}.npz"
    found = _read(path, roads, points.index)
    if found is not None:
        (progress or silent)("travel times", 1.0, "as worked out before")
        return found
    times = compute()
    _write(path, times, roads, room)
    return times


def times_folder() -> Path:
    """Return where travel times are kept; it is not created here."""
    return cache_folder() / "times"


def limit_bytes() -> int:
    """Return how much all stored travel times may take together; `ScenarioError` where that is no size."""
    stated = os.environ.get(LIMIT, "").strip() or LIMIT_MB
    try:
        size = float(stated)
    except ValueError:
        size = math.nan
    if not 0 <= size < math.inf:
        raise ScenarioError(f"{LIMIT} is '{stated}'; set it to megabytes, 0 or more, or not at all")
    return int(size * 1e6)


def _key(roads: RoadNetwork, points: gpd.GeoSeries, limits: Mapping[str, Any]) -> str | None:
    """Return the SHA-256 of all that the minutes depend on; None where there will be no minutes."""
    try:
        x, y, _ = coordinates(points, roads.crs)
    except ZoneDesignError:  # said better where the points are used
        return None
    digest = hashlib.sha256()

    def add(name: str, value: Any) -> None:
        if isinstance(value, np.ndarray) and value.dtype != object:
            digest.update(f"{name} {value.dtype.str} {value.shape} ".encode())
            digest.update(np.ascontiguousarray(value).data)
        else:
            digest.update(f"{name} {value!r}\n".encode())

    add("program", _program())
    for each in fields(roads):
        if each.name not in _NO_MATTER:
            value = getattr(roads, each.name)
            add(each.name, value.to_wkt() if each.name == "crs" else value)
    add("x", x)
    add("y", y)
    add("ids", [str(each) for each in points.index])
    for name, value in limits.items():
        add(name, value)
    return digest.hexdigest()


@cache
def _program() -> tuple[Any, ...]:
    """Return what says which program works the minutes out: its format, libraries and source."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return FORMAT, sorted(versions().items()), digest.hexdigest()


def _read(path: Path, roads: RoadNetwork, ids: pd.Index[Any]) -> TravelTimes | None:
    """Return the stored times, or None where there are none or the file is damaged or another's."""
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        times = _unpacked(arrays, path.stem, roads, ids)
    except _UNREADABLE as error:
        log.info("stored travel times %s are not used: %s", path.name, error)
        return None
    with suppress(OSError):
        os.utime(path)
    log.info("travel times as worked out before: %s", path)
    return times


def _write(path: Path, times: TravelTimes, roads: RoadNetwork, room: int) -> None:
    """Store the times where they fit in, whole or not at all; a failure is logged and changes nothing."""
    try:
        arrays = _packed(times, path.stem)
        back = _unpacked(arrays, path.stem, roads, times.origins)
    except _UNREADABLE as error:
        log.info("travel times are not stored: %s", error)
        return
    size = sum(array.nbytes for array in arrays.values()) + 4096  # and what the container takes
    if size > room or dict(back.provenance) != dict(times.provenance):
        log.info("travel times are not stored: %s bytes, of which %s may be kept", f"{size:,}", f"{room:,}")
        return

    numbers: dict[str, Any] = arrays

    def save(part: Path) -> None:
        with part.open("wb") as file:
            np.savez(file, **numbers)

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _make_room(path.parent, room - size)
        replace_file(path, save)
    except OSError as error:
        log.info("travel times are not stored: %s", error)


def _make_room(folder: Path, room: int) -> None:
    """Delete the least recently used files until the rest fits in, and what killed runs left a day ago."""
    found = []
    for path in folder.iterdir():
        with suppress(OSError):  # another run may be making room too
            about = path.stat()
            if path.suffix == ".npz":
                found.append((about.st_mtime, about.st_size, path))
            elif ".npz." in path.name and about.st_mtime < time.time() - 86_400:
                path.unlink()
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found, key=lambda each: each[0]):
        if total <= room:
            return
        with suppress(OSError):  # in use, on Windows
            path.unlink()
            total -= size


def _packed(times: TravelTimes, key: str) -> dict[str, np.ndarray[Any, Any]]:
    """Return the times as arrays: ids are the caller's and not among them, points are named by position."""
    ways = times.ways
    if ways is None or ways.starts is not ways.ends or times.fixed_minutes is not None:
        raise ValueError("they are not from the same points to the same, over roads alone")
    told: list[tuple[str, str, Any]] = []
    for name, value in times.provenance.items():
        if isinstance(value, list):
            told.append((name, "ids", times.origins.get_indexer(pd.Index(value, dtype=object)).tolist()))
        elif name in _OF_ROADS:
            told.append((name, "roads", None))
        else:
            told.append((name, "plain", value))
    return {
        "key": np.frombuffer(key.encode(), dtype=np.uint8),
        "about": np.frombuffer(json.dumps([times.max_minutes, told, ways.turn_delays]).encode(), np.uint8),
        "indptr": times.indptr,
        "indices": times.indices.astype(np.int32),
        "minutes": times.minutes,
        **{name: getattr(ways.starts, name) for name in _STANDING},
    }


_STANDING = ("nodes", "edges", "backs", "shares", "distance_m")
_OF_ROADS = ("source", "sha256", "attribution", "profile", "sketch")


def _unpacked(
    arrays: Mapping[str, np.ndarray[Any, Any]], key: str, roads: RoadNetwork, ids: pd.Index[Any]
) -> TravelTimes:
    """Return the times in `arrays`; ValueError where they are not those of `key`, or hold what cannot be."""
    if arrays["key"].tobytes().decode() != key:
        raise ValueError("the file is of other travel times")
    cutoff, told, turn_delays = json.loads(arrays["about"].tobytes())
    provenance: dict[str, Any] = {}
    for name, kind, value in told:
        provenance[name] = getattr(roads, name) if kind == "roads" else value
        if kind == "ids":
            provenance[name] = [ids[at] for at in value]
    indptr, indices, minutes = (arrays[name] for name in ("indptr", "indices", "minutes"))
    indices = indices.astype(np.int64)
    n, counts = len(ids), np.diff(indptr)
    whole = (
        indptr.shape == (n + 1,)
        and indptr[0] == 0
        and bool((counts >= 0).all())
        and indptr[-1] == len(indices) == len(minutes)
        and all(arrays[name].shape == (n,) for name in _STANDING)
    )
    if not whole or (minutes.dtype, indptr.dtype) != (np.float64, np.int64):
        raise ValueError("the file is not whole")
    pair = np.repeat(np.arange(n, dtype=np.int64), counts) * n + indices
    inside = ((indices >= 0) & (indices < n)).all() and (pair[1:] > pair[:-1]).all()
    if not inside or not ((minutes >= 0) & (minutes <= cutoff + SLACK_MINUTES) & np.isfinite(minutes)).all():
        raise ValueError("the file holds what travel times cannot be")
    stands = Snapping(
        **{name: arrays[name] for name in _STANDING}, ids=ids, max_snap_m=provenance["max_snap_m"]
    )
    return TravelTimes(
        ids,
        ids,
        indptr,
        indices,
        minutes,
        max_minutes=cutoff,
        provenance=provenance,
        snapped_m=pd.Series(stands.distance_m, index=ids, name="snapped_m"),
        ways=Ways(roads, stands, stands, turn_delays),
    )
