"""Roads from whatever holds them: an extract, GraphML, a graph in memory, frames, or a place by name."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pyproj import CRS
from pyproj.exceptions import CRSError

from zonedesign.errors import DataError, ScenarioError
from zonedesign.osm.extract import read_extract
from zonedesign.osm.graphs import from_graph, from_osmnx_frames, read_graphml
from zonedesign.osm.modes import PATHS_READ, traveller
from zonedesign.osm.place import fetch_place
from zonedesign.profiles import CAR_CLASSES, ROAD_CLASSES
from zonedesign.profiles import profile as named_profile
from zonedesign.provenance import sha256_of
from zonedesign.roads import RoadNetwork, assemble

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zonedesign.profiles import Profile

_log = logging.getLogger(__name__)

OSM_ATTRIBUTION = "© OpenStreetMap contributors"

_GRAPHML = (".graphml", ".graphml.gz", ".graphml.bz2")
_EXTRACTS = (".osm.pbf", ".pbf", ".osm", ".osm.bz2", ".osm.gz", ".osm.xml", ".o5m")


def read_roads(
    source: Any = None,
    *,
    profile: str | Mapping[str, Any] | Profile = "free-flow",
    place: str | None = None,
    private: bool = False,
    ferries: bool = False,
    crs: Any = None,
    attribution: str | None = None,
) -> RoadNetwork:
    """Return the road network that a car may use; or a walker or cyclist, where the profile is for them.

    `source` is a file (`.osm.pbf`, `.osm`, `.osm.bz2`, `.osm.gz`, OSMnx GraphML, also gzipped), an OSMnx
    graph, or (nodes, edges) as `RoadNetwork.to_frames` or `osmnx.graph_to_gdfs` give them; or `place` is
    a name to fetch through OSMnx. Roads are motorway to residential, living streets, links and
    `highway=road`; no service roads or tracks. Profiles for walkers and cyclists read these but motorways,
    and the service roads, tracks and paths that are open to them; one-way roads bind cyclists only.
    `private` keeps private roads; `ferries` keeps the ferries that take cars (or walkers, or cyclists).
    `crs` is the projected CRS to work in (for frames without a CRS, the one they are in); EPSG:27700 in
    Great Britain, else UTM, unless said. Graphs that were simplified are not so here: vertices of
    geometries are nodes again. What was left out, repaired or not understood is in `counts`.

    Raises `DataError` for a source that is missing, truncated, empty, of another kind or without roads.
    """
    speeds = named_profile(profile)
    who, wanted = traveller(speeds.mode), _crs(crs)
    if (source is None) == (place is None):
        raise ScenarioError("read_roads takes a source or place=..., one of the two")
    if isinstance(source, tuple | list):
        return _frames(source, speeds, {"private": private, "ferries": ferries, "crs": wanted}, attribution)
    name, digest = f"{place} (OSMnx)" if place else type(source).__name__, None
    if place is not None:
        source = fetch_place(place, speeds.mode)
    if isinstance(source, str | Path):
        path = _existing(Path(source))
        name, digest = path.name, sha256_of(path)
        if not path.name.lower().endswith(_GRAPHML):
            columns = read_extract(path, who, private=private, ferries=ferries, crs=wanted)
        else:
            columns = from_graph(read_graphml(path), name, who, private=private, ferries=ferries, crs=wanted)
    elif hasattr(source, "nodes") and hasattr(source, "edges") and hasattr(source, "graph"):
        name = name if place else str(source.graph.get("name") or "OSMnx graph")
        columns = from_graph(source, name, who, private=private, ferries=ferries, crs=wanted)
    else:
        raise DataError(
            f"cannot read roads from a {type(source).__name__}; give a path, an OSMnx graph or (nodes, edges)"
        )
    nodes, edges, counts = columns
    return _told(assemble(
        nodes, edges, CAR_CLASSES if who.drives else ROAD_CLASSES, speeds,
        counts=counts, source=name, sha256=digest, attribution=attribution or OSM_ATTRIBUTION,
    ))  # fmt: skip


def no_paths(roads: RoadNetwork) -> str | None:
    """Return a sentence where roads read for walkers or cyclists hold no path, open or not; else None."""
    if roads.counts.get(PATHS_READ) != 0:
        return None
    return (
        f"no footways or cycleways in {roads.source}: it may hold car roads only; take a file of all ways, "
        f"or fetch them with 'zonedesign roads PLACE --mode {roads.mode}'"
    )


def _told(roads: RoadNetwork) -> RoadNetwork:
    said = no_paths(roads)
    if said is not None:
        _log.warning("%s", said)
    return roads


def _frames(
    source: tuple[Any, ...] | list[Any],
    speeds: Profile,
    how: dict[str, Any],
    attribution: str | None,
) -> RoadNetwork:
    if len(source) != 2 or not all(isinstance(frame, pd.DataFrame) for frame in source):
        raise DataError("frames of roads come as two: (nodes, edges), in this order")
    nodes, edges = source
    osmnx_made = {"u", "v"} <= set(edges.index.names) or {"u", "v"} <= set(edges.columns)
    if not osmnx_made:
        return RoadNetwork.from_frames(nodes, edges, crs=how["crs"], profile=speeds, attribution=attribution)
    who = traveller(speeds.mode)
    found = from_osmnx_frames(nodes, edges, who, **how)
    return _told(assemble(
        found[0], found[1], CAR_CLASSES if who.drives else ROAD_CLASSES, speeds,
        counts=found[2], source="frames", attribution=attribution or OSM_ATTRIBUTION,
    ))  # fmt: skip


def _crs(crs: Any) -> CRS | None:
    if crs is None:
        return None
    try:
        return CRS.from_user_input(crs)
    except CRSError as error:
        raise DataError(f"no such CRS: {crs!r}; name one such as 'EPSG:27700'") from error


def _existing(path: Path) -> Path:
    if not path.exists():
        raise DataError(f"no such file: {path}; the roads are read from it")
    if not path.is_file():
        raise DataError(f"{path} is a folder; name the file of roads in it")
    if path.stat().st_size == 0:
        raise DataError(f"{path.name} is empty; fetch it again")
    if not path.name.lower().endswith(_GRAPHML + _EXTRACTS):
        raise DataError(
            f"{path.name} is no kind of road file that is read here; "
            "it must end in .osm.pbf, .osm, .osm.bz2, .osm.gz or .graphml (also .gz)"
        )
    return path
