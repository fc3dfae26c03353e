"""OSM extracts, read with pyosmium in two passes: the ways that a car may use, then the nodes they need."""

from __future__ import annotations

import logging
from array import array
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from pyproj import CRS

from zonedesign import _roadshape
from zonedesign.errors import DataError
from zonedesign.osm import tags as osm_tags
from zonedesign.profiles import ROAD_CLASSES
from zonedesign.roads import EdgeColumns, NodeColumns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

log = logging.getLogger(__name__)

_SIGNALS, _MINI, _CLOSED, _PRIVATE = 1, 2, 4, 8


class _Ways:
    """The drivable ways of a file as they are found, and counts of the rest."""

    def __init__(self, *, private: bool, ferries: bool) -> None:
        self.private, self.ferries = private, ferries
        self.counts: Counter[str] = Counter()
        self.place: dict[int, int] = {}
        self.refs = array("q")
        self.size = array("q")
        self.kind = array("b")
        self.along, self.against, self.circular = array("b"), array("b"), array("b")
        self.limit_along, self.limit_against = array("d"), array("d")
        self.lamps = array("b")  # built up: 1 yes, 0 no, -1 the tags are silent
        self.minutes = array("d")

    def add(self, way: Any) -> None:
        tags = {tag.k: tag.v for tag in way.tags}
        kind = self._class(tags)
        if kind is None:
            return
        if way.id in self.place:
            self.counts["roads given more than once, read once"] += 1
            return
        forward, backward, odd = osm_tags.direction(tags, ROAD_CLASSES[kind])
        if odd == "reversible":
            self.counts["reversible roads left out"] += 1
            return
        if odd:
            self.counts["one-way tags not understood"] += 1
        along, against, junk = osm_tags.limits(tags, ROAD_CLASSES[kind])
        if junk:
            self.counts["speed limits not understood"] += 1
        self.counts["roads with a speed limit"] += along is not None or against is not None
        self.counts["one-way roads"] += forward != backward
        self.counts["roads open at certain hours only, kept"] += _by_the_hour(tags)
        stated = [limit for limit in (along, against) if limit is not None]
        lamps = osm_tags.built_up(tags, min(stated, default=None))
        before = len(self.refs)
        self.refs.extend(node.ref for node in way.nodes)
        self.place[way.id] = len(self.size)
        self.size.append(len(self.refs) - before)
        self.kind.append(kind)
        self.along.append(forward)
        self.against.append(backward)
        self.circular.append(osm_tags.roundabout(tags))
        self.limit_along.append(_or_nan(along))
        self.limit_against.append(_or_nan(against))
        self.lamps.append(-1 if lamps is None else int(lamps))
        minutes = osm_tags.duration_minutes(tags.get("duration")) if kind == osm_tags.FERRY else None
        self.minutes.append(_or_nan(minutes))

    def _class(self, tags: dict[str, str]) -> int | None:
        if tags.get("route") == "ferry" and tags.get("highway") not in osm_tags.CLASS_CODE:
            if not self.ferries:
                self.counts["ferries left out"] += 1
                return None
            if osm_tags.ferry_access(tags) == "closed":
                self.counts["ferries that take no cars left out"] += 1
                return None
            self.counts["ferries kept"] += 1
            return osm_tags.FERRY
        kind = osm_tags.CLASS_CODE.get(tags.get("highway", ""))
        if kind is None:
            self.counts["ways that are no drivable road left out"] += 1
            return None
        reason = {
            "closed": "roads closed to cars left out",
            "private": None if self.private else "private roads left out",
        }.get(osm_tags.access(tags))
        if reason is None and tags.get("area") in {"yes", "true"}:
            reason = "areas left out"
        if reason:
            self.counts[reason] += 1
            return None
        return kind


def _by_the_hour(tags: dict[str, str]) -> bool:
    return any(f"{key}:conditional" in tags for key in ("access", "vehicle", "motor_vehicle", "motorcar"))


def _or_nan(value: float | None) -> float:
    return value if value is not None and value != float("inf") else float("nan")


def read_extract(
    path: Path, *, private: bool, ferries: bool, crs: CRS | None
) -> tuple[NodeColumns, EdgeColumns, dict[str, int]]:
    """Return the nodes, the edges and the counts of an OSM file; nodes may come after ways, ids be negative.

    Raises `DataError` for a file that cannot be read to its end, or that has no drivable road.
    """
    import osmium  # noqa: PLC0415

    ways = _Ways(private=private, ferries=ferries)
    wanted = osmium.filter.KeyFilter("highway", "route")
    for way in _objects(path, osmium.osm.WAY, wanted):
        if not way.deleted:
            ways.add(way)
    ways.counts["roads read"] = len(ways.size)
    if not ways.size:
        other = sum(ways.counts.values())
        raise DataError(
            f"{path.name} has no drivable road"
            + (f"; {other:,} other ways are in it" if other else "")
            + "; is it an extract with highway=* ways?"
        )
    refs = np.frombuffer(ways.refs, dtype=np.int64)
    ids, lon, lat, flags = _nodes(path, set(ways.refs), ways.counts)
    log.info("%s: %d roads, %d nodes", path.name, len(ways.size), len(ids))
    return _columns(ways, refs, (ids, lon, lat, flags), path.name, crs)


def _objects(path: Path, entities: Any, only: Any = None) -> Iterator[Any]:
    """Yield the objects of a file; what goes wrong in pyosmium is told in one line."""
    import osmium  # noqa: PLC0415

    try:
        # the format is named, since pyosmium knows endings in small letters only
        objects = osmium.FileProcessor(osmium.io.File(str(path), _format(path)), entities)
        yield from objects if only is None else objects.with_filter(only)
    except (RuntimeError, OSError, UnicodeDecodeError) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path.name} cannot be read to its end ({why}); it is truncated or no OSM file: fetch it again"
        ) from error


def _format(path: Path) -> str:
    name = path.name.lower()
    packing = next((ending for ending in (".gz", ".bz2") if name.endswith(ending)), "")
    kind = name.removesuffix(packing).rpartition(".")[2]
    return ("osm" if kind == "xml" else kind) + packing


def _nodes(path: Path, needed: set[int], counts: Counter[str]) -> tuple[Any, ...]:
    import osmium  # noqa: PLC0415

    ids, xs, ys, flags = array("q"), array("q"), array("q"), array("b")
    for node in _objects(path, osmium.osm.NODE):
        key = node.id
        if key not in needed or node.deleted:
            continue
        place = node.location
        if not place.valid():
            counts["nodes with an impossible place left out"] += 1
            continue
        ids.append(key)
        xs.append(place.x)
        ys.append(place.y)
        flags.append(_node_flags(node.tags) if len(node.tags) else 0)
    numbers = np.frombuffer(ids, dtype=np.int64) if ids else np.zeros(0, dtype=np.int64)
    # of a node given twice the last counts: sort stably, and keep the last of each
    order = np.argsort(numbers, kind="stable")
    last = np.ones(len(order), dtype=np.bool_)
    last[:-1] = numbers[order][1:] != numbers[order][:-1]
    keep = order[last]
    counts["nodes given more than once, read once"] += len(order) - len(keep)
    counts["road nodes read"] = len(keep)
    # whole 1e-7 degrees, the precision that OSM keeps
    lon, lat = (np.array(axis, dtype=np.float64)[keep] / 1e7 for axis in (xs, ys))
    return numbers[keep], lon, lat, np.array(flags, dtype=np.int8)[keep]


def _node_flags(tags: Any) -> int:
    highway = tags.get("highway")
    flag = {"traffic_signals": _SIGNALS, "mini_roundabout": _MINI}.get(highway, 0)
    if "barrier" in tags:
        closes = osm_tags.barrier_closes({tag.k: tag.v for tag in tags})
        flag |= {"closed": _CLOSED, "private": _PRIVATE}.get(closes, 0)
    return flag


def _columns(
    ways: _Ways, refs: NDArray[np.int64], nodes: tuple[Any, ...], name: str, crs: CRS | None
) -> tuple[NodeColumns, EdgeColumns, dict[str, int]]:
    ids, lon, lat, flags = nodes
    counts = ways.counts
    place = np.searchsorted(ids, refs)
    if len(ids):
        place = np.where(ids[np.minimum(place, len(ids) - 1)] == refs, np.minimum(place, len(ids) - 1), -1)
    else:
        place = np.full(len(refs), -1)
    counts["road nodes that are not in the file"] = len(np.unique(refs[place < 0]))
    way = np.repeat(np.arange(len(ways.size)), np.frombuffer(ways.size, dtype=np.int64))
    step = way[1:] == way[:-1]
    a, b, way = place[:-1][step], place[1:][step], way[1:][step]
    whole = (a >= 0) & (b >= 0)
    counts["stretches of road without a node left out"] = int((~whole).sum())
    loops = whole & (a == b)
    counts["self-loops left out"] = int(loops.sum())
    a, b, way = (part[whole & ~loops] for part in (a, b, way))
    a, b, way = _barriers_closed(a, b, way, flags, ways)
    if not len(a):
        raise DataError(f"{name} has {len(ways.size):,} roads, but none has two of its nodes in the file")
    metres = _roadshape.ground_metres(lon, lat, a, b)
    counts["stretches of no length kept"] = int((metres == 0).sum())
    used, compact = np.unique(np.concatenate([a, b]), return_inverse=True)
    a, b = compact[: len(a)], compact[len(a) :]
    lon, lat, flags = lon[used], lat[used], flags[used]
    x, y, metric = _roadshape.to_metres(lon, lat, CRS.from_epsg(4326), crs)
    edges = _edges(ways, (a, b, way, metres), (x, y, flags))
    counts["edges built up or rural by their tags"] = edges[1]
    counts["edges built up by the streets around them"] = edges[2]
    return NodeColumns(ids[used], x, y, metric), edges[0], dict(counts)


def _barriers_closed(
    a: NDArray[np.int64], b: NDArray[np.int64], way: NDArray[np.int64], flags: NDArray[np.int8], ways: _Ways
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Leave out the stretches on either side of a bollard and the like, which no car passes.

    One that stands where roads meet is left alone: which of them it closes is not known.
    """
    shut = (flags & (_CLOSED if ways.private else _CLOSED | _PRIVATE)) != 0
    passed = np.bincount(a, minlength=len(flags)) + np.bincount(b, minlength=len(flags))
    ways.counts["barriers where roads meet, taken as open"] = int((shut & (passed > 2)).sum())
    shut &= passed == 2  # at the end of a road it closes nothing
    ways.counts["barriers that close a road"] = int(shut.sum())
    free = ~(shut[a] | shut[b])
    ways.counts["stretches of road at a barrier left out"] = int((~free).sum())
    return a[free], b[free], way[free]


def _edges(
    ways: _Ways, stretches: tuple[NDArray[Any], ...], nodes: tuple[NDArray[Any], ...]
) -> tuple[EdgeColumns, int, int]:
    a, b, way, metres = stretches
    x, y, flags = nodes
    along = np.array(ways.along, dtype=np.bool_)[way]
    against = np.array(ways.against, dtype=np.bool_)[way]
    own = np.concatenate([np.flatnonzero(along), np.flatnonzero(against)])
    backward = np.arange(len(own)) >= int(along.sum())
    tails, heads = np.where(backward, b[own], a[own]), np.where(backward, a[own], b[own])
    line, length_m = way[own], metres[own]
    rank = np.array(ways.kind, dtype=np.int64)[line]
    limit = np.where(backward, np.frombuffer(ways.limit_against)[line], np.frombuffer(ways.limit_along)[line])
    said = np.array(ways.lamps, dtype=np.int8)[line]
    guessed = _roadshape.built_up_edges(x, y, tails, heads, rank) & (said < 0)
    built_up = guessed | (said > 0)
    road_metres = np.bincount(way, weights=metres, minlength=len(ways.size))[line]
    # a ferry that states how long it takes is not delayed by a profile
    share = np.divide(length_m, road_metres, out=np.zeros_like(length_m), where=road_metres > 0)
    edges = EdgeColumns(
        tails, heads, length_m, rank, limit, built_up,
        _roadshape.junction_codes(
            len(x), tails, heads, rank,
            signals=(flags & _SIGNALS) != 0,
            mini_roundabout=(flags & _MINI) != 0,
            roundabout_edge=np.array(ways.circular, dtype=np.bool_)[line],
        ),
        np.frombuffer(ways.minutes)[line] * share,
    )  # fmt: skip
    return edges, int((said >= 0).sum()), int(guessed.sum())
