"""Landmarks: places, water and named ways of an extract, the quiet background of printed maps."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from zonedesign.osm.extract import _objects

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

PLACES = ("city", "town", "suburb", "village", "neighbourhood", "hamlet", "island", "locality")
"""Kinds of place that are read, the largest first."""
ROADS = ("motorway", "trunk", "primary", "secondary", "tertiary")
RIVERS = ("river", "canal", "tidal_channel")
_WET = {
    "natural": {"water", "bay", "strait"},
    "waterway": {"riverbank", "dock"},
    "landuse": {"reservoir", "basin"},
}
_KEYS = ("highway", "waterway", "natural", "landuse", "railway")


@dataclass(frozen=True, eq=False, repr=False)
class Landmarks:
    """Frames in longitude and latitude: `places` (name, kind), `water` (name), `ways` (name, ref, kind).

    A way's kind is its class of road, `river`, `canal`, `coastline` or `railway`.
    """

    places: gpd.GeoDataFrame
    water: gpd.GeoDataFrame
    ways: gpd.GeoDataFrame

    def __repr__(self) -> str:
        return (
            f"<Landmarks: {len(self.places):,} places, {len(self.water):,} waters, {len(self.ways):,} ways>"
        )


@dataclass
class _Found:
    """Ways and relations as they come: references of nodes, to be turned into shapes once those are known."""

    refs: array[int] = field(default_factory=lambda: array("q"))
    span: dict[int, tuple[int, int]] = field(default_factory=dict)
    ways: list[tuple[int, str, str, str]] = field(default_factory=list)
    wet: list[tuple[int, str]] = field(default_factory=list)
    lakes: list[tuple[list[int], list[int], str]] = field(default_factory=list)

    def keep(self, way: Any) -> None:
        first = len(self.refs)
        self.refs.extend(node.ref for node in way.nodes)
        self.span[way.id] = (first, len(self.refs))


def has_landmarks(path: Path) -> bool:
    """Return whether a file of roads is an OSM extract: a graph holds neither places nor water."""
    name = path.name.lower()
    return ".osm" in name or name.endswith((".pbf", ".o5m"))


def read_landmarks(path: Path) -> Landmarks:
    """Return what an extract knows of places, water and named ways; empty frames where it knows nothing.

    Raises `DataError` for a file that cannot be read to its end.
    """
    import osmium  # noqa: PLC0415

    lakes = _lakes(path)
    members = {way for outer, inner, _ in lakes for way in (*outer, *inner)}
    found = _Found(lakes=lakes)
    for way in _objects(path, osmium.osm.WAY):
        if way.deleted:
            continue
        tags = {tag.k: tag.v for tag in way.tags if tag.k in _KEYS or tag.k in ("name", "ref")}
        kind = _kind(tags)
        closed = len(way.nodes) > 3 and way.nodes[0].ref == way.nodes[-1].ref
        if kind:
            found.ways.append((way.id, tags.get("name", ""), tags.get("ref", ""), kind))
        elif closed and _is_wet(tags):
            found.wet.append((way.id, tags.get("name", "")))
        elif way.id not in members:
            continue
        found.keep(way)
    places, xy = _places_and_nodes(path, found)
    return Landmarks(places, _water(found, xy), _ways(found, xy))


def _kind(tags: dict[str, str]) -> str:
    road = tags.get("highway", "").removesuffix("_link")
    if road in ROADS:
        return road
    if tags.get("waterway") in RIVERS:
        return "canal" if tags["waterway"] == "canal" else "river"
    if tags.get("natural") == "coastline":
        return "coastline"
    return "railway" if tags.get("railway") in ("rail", "light_rail") else ""


def _is_wet(tags: dict[str, str]) -> bool:
    return any(tags.get(key) in values for key, values in _WET.items())


def _lakes(path: Path) -> list[tuple[list[int], list[int], str]]:
    """Return the outer ways, the inner ways and the name of every water that is a relation."""
    import osmium  # noqa: PLC0415

    found = []
    for relation in _objects(path, osmium.osm.RELATION, osmium.filter.KeyFilter(*_WET)):
        tags = {tag.k: tag.v for tag in relation.tags}
        if relation.deleted or not _is_wet(tags):
            continue
        ways = [(member.ref, member.role) for member in relation.members if member.type == "w"]
        outer = [ref for ref, role in ways if role != "inner"]
        found.append((outer, [ref for ref, role in ways if role == "inner"], tags.get("name", "")))
    return found


def _places_and_nodes(path: Path, found: _Found) -> tuple[gpd.GeoDataFrame, NDArray[np.float64]]:
    """Return the places, and longitude and latitude of every node in `found.refs`, NaN where not there."""
    import osmium  # noqa: PLC0415

    needed = set(found.refs)
    ids, lon, lat = array("q"), array("d"), array("d")
    rows: list[tuple[str, str, float, float]] = []
    for node in _objects(path, osmium.osm.NODE):
        wanted = node.id in needed
        if not (wanted or len(node.tags)) or node.deleted or not node.location.valid():
            continue
        x, y = node.location.x / 1e7, node.location.y / 1e7
        if wanted:
            ids.append(node.id)
            lon.append(x)
            lat.append(y)
        if len(node.tags) and node.tags.get("place") in PLACES and node.tags.get("name"):
            rows.append((node.tags["name"], node.tags["place"], x, y))
    table = gpd.GeoDataFrame(
        {"name": [row[0] for row in rows], "kind": [row[1] for row in rows]},
        geometry=gpd.points_from_xy([row[2] for row in rows], [row[3] for row in rows]),
        crs=4326,
    )
    refs = np.array(found.refs, dtype=np.int64)
    known, first = np.unique(np.array(ids, dtype=np.int64), return_index=True)
    xy = np.full((len(refs), 2), np.nan)
    if len(known):
        at = np.minimum(np.searchsorted(known, refs), len(known) - 1)
        there = known[at] == refs
        xy[there] = np.column_stack([lon, lat])[first[at[there]]]
    return table, xy


def _line(found: _Found, xy: NDArray[np.float64], way: int) -> Any:
    """Return a way as a line through the nodes that are in the file, or None where fewer than two are."""
    first, last = found.span.get(way, (0, 0))
    points = xy[first:last]
    points = points[np.isfinite(points[:, 0])]
    return shapely.linestrings(points) if len(points) > 1 else None


def _areas(lines: Iterable[Any]) -> Any:
    """Return the area that lines enclose together."""
    whole = [line for line in lines if line is not None]
    return shapely.make_valid(shapely.union_all(shapely.get_parts(shapely.polygonize(whole))))


def _water(found: _Found, xy: NDArray[np.float64]) -> gpd.GeoDataFrame:
    shapes, names = [], []
    for outer, inner, name in found.lakes:
        whole = _areas(_line(found, xy, way) for way in outer)
        shapes.append(shapely.difference(whole, _areas(_line(found, xy, way) for way in inner)))
        names.append(name)
    for way, name in found.wet:
        shapes.append(_areas([_line(found, xy, way)]))
        names.append(name)
    frame = gpd.GeoDataFrame({"name": names}, geometry=np.array(shapes, dtype=object), crs=4326)
    return frame[~frame.geometry.is_empty].reset_index(drop=True)


def _ways(found: _Found, xy: NDArray[np.float64]) -> gpd.GeoDataFrame:
    lines = [(_line(found, xy, way), *told) for way, *told in found.ways]
    kept = [line for line in lines if line[0] is not None]
    shapes, names, refs, kinds = zip(*kept, strict=True) if kept else ((), (), (), ())
    columns = {"name": list(names), "ref": list(refs), "kind": list(kinds)}
    return gpd.GeoDataFrame(columns, geometry=np.array(shapes, dtype=object), crs=4326)
