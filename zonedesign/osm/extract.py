"""OSM extracts, read with pyosmium in two passes: the ways that one may use, then the nodes they need."""

from __future__ import annotations

import logging
from array import array
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from pyproj import CRS

from zonedesign import _roadshape
from zonedesign._roadcolumns import EdgeColumns, NodeColumns
from zonedesign.errors import DataError
from zonedesign.osm import bans
from zonedesign.osm import tags as osm_tags
from zonedesign.osm.cuts import where_roads_leave
from zonedesign.osm.modes import PATHS_READ, is_path
from zonedesign.profiles import JUNCTIONS, ROAD_CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from zonedesign.osm.modes import Traveller

log = logging.getLogger(__name__)

_SIGNALS, _MINI, _CLOSED, _PRIVATE, _END, _CROSSING = 1, 2, 4, 8, 16, 32
_MEANT_TO_END = frozenset({"turning_circle", "turning_loop", "mini_roundabout"})


class _Ways:
    """The ways of a file that the traveller may use, as they are found, and counts of the rest."""

    def __init__(self, traveller: Traveller, *, private: bool, ferries: bool) -> None:
        self.traveller, self.private, self.ferries = traveller, private, ferries
        self.restrictions: list[bans.Restriction] = []
        self.other_ends = array("q")  # where ways that are left out begin and end
        self.counts: Counter[str] = Counter()
        self.paths = 0
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
            if len(way.nodes):
                self.other_ends.extend((way.nodes[0].ref, way.nodes[-1].ref))
            return
        if way.id in self.place:
            self.counts["roads given more than once, read once"] += 1
            return
        forward, backward, odd = self.traveller.direction(tags, ROAD_CLASSES[kind])
        if odd == "reversible":
            self.counts["reversible roads left out"] += 1
            return
        if odd:
            self.counts["one-way tags not understood"] += 1
        self.counts["one-way roads"] += forward != backward
        along, against, lamps = self._driven(tags, kind) if self.traveller.drives else (None, None, False)
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

    def _driven(self, tags: dict[str, str], kind: int) -> tuple[float | None, float | None, bool | None]:
        """Return the limits along and against, and whether the road is built up, as far as tags say."""
        along, against, junk = osm_tags.limits(tags, ROAD_CLASSES[kind])
        if junk:
            self.counts["speed limits not understood"] += 1
        self.counts["roads with a speed limit"] += along is not None or against is not None
        self.counts["roads open at certain hours only, kept"] += _by_the_hour(tags)
        stated = [limit for limit in (along, against) if limit is not None]
        return along, against, osm_tags.built_up(tags, min(stated, default=None))

    def _class(self, tags: dict[str, str]) -> int | None:
        traveller = self.traveller
        self.paths += is_path((tags.get("highway", ""),))
        kind = traveller.codes.get(tags.get("highway", ""))
        if tags.get("route") == "ferry" and kind is None:
            if not self.ferries:
                self.counts["ferries left out"] += 1
                return None
            if traveller.ferry(tags) == "closed":
                self.counts[f"ferries that take no {traveller.who} left out"] += 1
                return None
            self.counts["ferries kept"] += 1
            return osm_tags.FERRY
        if kind is None:
            what = "drivable road" if traveller.drives else f"way for {traveller.who}"
            self.counts[f"ways that are no {what} left out"] += 1
            return None
        reason = {
            "closed": f"roads closed to {traveller.who} left out",
            "private": None if self.private else "private roads left out",
        }.get(traveller.access(tags))
        if reason is None and tags.get("area") in {"yes", "true"}:
            if traveller.drives:
                reason = "areas left out"
            else:
                self.counts["areas kept as the way round them"] += 1
        if reason:
            self.counts[reason] += 1
            return None
        return kind


def _by_the_hour(tags: dict[str, str]) -> bool:
    return any(f"{key}:conditional" in tags for key in ("access", "vehicle", "motor_vehicle", "motorcar"))


def _or_nan(value: float | None) -> float:
    return value if value is not None and value != float("inf") else float("nan")


def read_extract(
    path: Path, traveller: Traveller, *, private: bool, ferries: bool, crs: CRS | None
) -> tuple[NodeColumns, EdgeColumns, dict[str, int]]:
    """Return the nodes, the edges and the counts of an OSM file; nodes may come after ways, ids be negative.

    Raises `DataError` for a file that cannot be read to its end, or that has no drivable road.
    """
    import osmium  # noqa: PLC0415

    ways = _Ways(traveller, private=private, ferries=ferries)
    # one pass for both; a relation without a key of ours is passed over before Python sees it
    kinds, keys = osmium.osm.WAY, ["highway", "route"]
    if traveller.drives:
        kinds, keys = kinds | osmium.osm.RELATION, [*keys, *bans.KEYS, "restriction:conditional"]
    for found in _objects(path, kinds, osmium.filter.KeyFilter(*keys)):
        if found.deleted:
            continue
        if found.is_way():
            ways.add(found)
        elif (ban := bans.restriction(found, ways.counts)) is not None:
            ways.restrictions.append(ban)
    ways.counts["roads read"] = len(ways.size)
    if not ways.size:
        other = sum(ways.counts.values())
        raise DataError(
            f"{path.name} has no {'drivable road' if traveller.drives else 'way for ' + traveller.who}"
            + (f"; {other:,} other ways are in it" if other else "")
            + "; is it an extract with highway=* ways?"
        )
    if not traveller.drives:
        ways.counts[PATHS_READ] = ways.paths
    refs = np.frombuffer(ways.refs, dtype=np.int64)
    ids, lon, lat, flags = _nodes(path, set(ways.refs), ways)
    log.info("%s: %d roads, %d nodes", path.name, len(ways.size), len(ids))
    return _columns(ways, refs, (ids, lon, lat, flags), path, crs)


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


def _header_box(path: Path) -> tuple[float, float, float, float] | None:
    """Return the box that the file says it holds, in degrees: west, south, east, north; None without one."""
    import osmium  # noqa: PLC0415

    reader = osmium.io.Reader(osmium.io.File(str(path), _format(path)), osmium.osm.NOTHING)
    box = reader.header().box()
    reader.close()
    if not box.valid():
        return None
    low, high = box.bottom_left, box.top_right
    return low.lon, low.lat, high.lon, high.lat


def _format(path: Path) -> str:
    name = path.name.lower()
    packing = next((ending for ending in (".gz", ".bz2") if name.endswith(ending)), "")
    kind = name.removesuffix(packing).rpartition(".")[2]
    return ("osm" if kind == "xml" else kind) + packing


def _nodes(path: Path, needed: set[int], ways: _Ways) -> tuple[Any, ...]:
    import osmium  # noqa: PLC0415

    counts = ways.counts
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
        flags.append(_node_flags(node.tags, ways.traveller) if len(node.tags) else 0)
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


def _node_flags(tags: Any, traveller: Traveller) -> int:
    highway = tags.get("highway")
    flag = {"traffic_signals": _SIGNALS, "mini_roundabout": _MINI}.get(highway, 0)
    if highway == "crossing" and not traveller.drives:
        flag = _SIGNALS if tags.get("crossing") == "traffic_signals" else _CROSSING
    if highway in _MEANT_TO_END or tags.get("noexit") == "yes":
        flag |= _END
    if "barrier" in tags:
        closes = traveller.barrier({tag.k: tag.v for tag in tags})
        flag |= {"closed": _CLOSED, "private": _PRIVATE}.get(closes, 0)
    return flag


def _columns(
    ways: _Ways, refs: NDArray[np.int64], nodes: tuple[Any, ...], path: Path, crs: CRS | None
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
    broken = np.zeros(len(ids), dtype=np.bool_)  # here a road goes on to a node that is not in the file
    broken[np.maximum(a, b)[~whole & (np.maximum(a, b) >= 0)]] = True
    loops = whole & (a == b)
    counts["self-loops left out"] = int(loops.sum())
    a, b, way = (part[whole & ~loops] for part in (a, b, way))
    free = _past_barriers(a, b, flags, ways)
    meant = (flags & _END) != 0
    meant[a[~free]] = meant[b[~free]] = True
    meant |= np.isin(ids, np.frombuffer(ways.other_ends, dtype=np.int64)) if ways.other_ends else False
    a, b, way = a[free], b[free], way[free]
    if not len(a):
        raise DataError(
            f"{path.name} has {len(ways.size):,} roads, but none has two of its nodes in the file"
        )
    metres = _roadshape.ground_metres(lon, lat, a, b)
    counts["stretches of no length kept"] = int((metres == 0).sum())
    used, compact = np.unique(np.concatenate([a, b]), return_inverse=True)
    a, b = compact[: len(a)], compact[len(a) :]
    lon, lat, flags = lon[used], lat[used], flags[used]
    x, y, metric = _roadshape.to_metres(lon, lat, CRS.from_epsg(4326), crs)
    edges, line = _edges(ways, (a, b, way, metres), (x, y, flags))
    ends = edges.tails, edges.heads
    known = broken[used], meant[used]
    cut = where_roads_leave((lon, lat), (x, y), (*ends, edges.road_class), known, _header_box(path))
    turns = bans.banned_turns(ways.restrictions, ways.place, ids[used], (*ends, line), counts)
    return NodeColumns(ids[used], x, y, metric, cut, turns), edges, dict(counts)


def _past_barriers(
    a: NDArray[np.int64], b: NDArray[np.int64], flags: NDArray[np.int8], ways: _Ways
) -> NDArray[np.bool_]:
    """Return which stretches are free of a bollard and the like at either end, which no car passes.

    One that stands where roads meet is left alone: which of them it closes is not known.
    """
    shut = (flags & (_CLOSED if ways.private else _CLOSED | _PRIVATE)) != 0
    passed = np.bincount(a, minlength=len(flags)) + np.bincount(b, minlength=len(flags))
    ways.counts["barriers where roads meet, taken as open"] = int((shut & (passed > 2)).sum())
    shut &= passed == 2  # at the end of a road it closes nothing
    ways.counts["barriers that close a road"] = int(shut.sum())
    free: NDArray[np.bool_] = ~(shut[a] | shut[b])
    ways.counts["stretches of road at a barrier left out"] = int((~free).sum())
    return free


def _edges(
    ways: _Ways, stretches: tuple[NDArray[Any], ...], nodes: tuple[NDArray[Any], ...]
) -> tuple[EdgeColumns, NDArray[np.int64]]:
    """Return the edges, and the way (m,) that each is part of."""
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
    road_metres = np.bincount(way, weights=metres, minlength=len(ways.size))[line]
    # a ferry that states how long it takes is not delayed by a profile
    share = np.divide(length_m, road_metres, out=np.zeros_like(length_m), where=road_metres > 0)
    minutes = np.frombuffer(ways.minutes)[line] * share
    if ways.traveller.drives:
        built_up = _built_up(ways, line, _roadshape.built_up_edges(x, y, tails, heads, rank))
        junction = _roadshape.junction_codes(
            len(x), tails, heads, rank,
            signals=(flags & _SIGNALS) != 0,
            mini_roundabout=(flags & _MINI) != 0,
            roundabout_edge=np.array(ways.circular, dtype=np.bool_)[line],
        )  # fmt: skip
    else:
        built_up, junction = np.zeros(len(own), dtype=np.bool_), _waits(flags)[heads]
    return EdgeColumns(tails, heads, length_m, rank, limit, built_up, junction, minutes), line


def _built_up(ways: _Ways, line: NDArray[np.int64], by_streets: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which edges are built up: by their tags, and where those are silent by the streets around."""
    said = np.array(ways.lamps, dtype=np.int8)[line]
    guessed = by_streets & (said < 0)
    ways.counts["edges built up or rural by their tags"] = int((said >= 0).sum())
    ways.counts["edges built up by the streets around them"] = int(guessed.sum())
    built_up: NDArray[np.bool_] = guessed | (said > 0)
    return built_up


def _waits(flags: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return what a walker or cyclist meets at each node: signals, a crossing, or nothing to wait for."""
    codes = np.zeros(len(flags), dtype=np.int8)
    codes[(flags & _CROSSING) != 0] = JUNCTIONS.index("crossing")
    codes[(flags & _SIGNALS) != 0] = JUNCTIONS.index("signals")
    return codes
