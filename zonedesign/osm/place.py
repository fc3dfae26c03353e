"""Places by name: their roads fetched through OSMnx from Overpass, and kept as GraphML."""

from __future__ import annotations

import gzip
import socket
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zonedesign.errors import DataError
from zonedesign.osm.modes import traveller

if TYPE_CHECKING:
    from collections.abc import Iterator

# what OSMnx drops unless asked to keep it
_WAY_TAGS = (
    "highway", "access", "vehicle", "motor_vehicle", "motorcar", "oneway", "junction", "area", "name", "ref",
    "lit", "abutters", "sidewalk", "maxspeed", "maxspeed:forward", "maxspeed:backward", "maxspeed:type",
    "source:maxspeed", "zone:maxspeed", "dual_carriageway", "bridge", "tunnel",
    "foot", "bicycle", "motorroad", "oneway:foot", "oneway:bicycle", "cycleway", "cycleway:left",
    "cycleway:right", "cycleway:both", "cycleway:left:oneway", "cycleway:right:oneway",
)  # fmt: skip
_NODE_TAGS = ("highway", "barrier", "junction", "ref", "crossing")


def fetch_place(place: str, mode: str = "car") -> Any:
    """Return the unsimplified OSMnx graph of the roads in a place that Nominatim knows by name.

    `mode` is who uses them: car, foot or cycle.

    Needs the internet; OSMnx's settings are as before afterwards, and nothing is written to a cache. Raises
    `DataError` when the place is not known, has no roads, or nobody answers.
    """
    import networkx as nx  # noqa: PLC0415
    import osmnx as ox  # noqa: PLC0415

    if not place.strip():
        raise DataError("the place to fetch roads of has no name; say which, such as 'Rutland, England'")
    wanted = f'["highway"~"^({"|".join(sorted(traveller(mode).codes))})$"]["area"!~"yes"]'
    try:
        with _osmnx_settings(ox.settings):
            return ox.graph_from_place(place, custom_filter=wanted, simplify=False, retain_all=True)
    except (OSError, ValueError, TypeError, RuntimeError, KeyError, nx.NetworkXException) as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(
            f"cannot fetch the roads of '{place}' through OSMnx ({why}); check the name and the internet, "
            "or give a file of roads instead"
        ) from error


def save_place(place: str, path: str | Path, *, mode: str = "car") -> Path:
    """Fetch the roads of a place and write them as GraphML (`.graphml`, `.graphml.gz`); return where.

    `mode` is who uses them: car, foot or cycle.

    Raises `DataError` as `fetch_place` does, and for another ending or a folder that cannot be written to.
    """
    import osmnx as ox  # noqa: PLC0415

    target = Path(path)
    if not target.name.lower().endswith((".graphml", ".graphml.gz")):
        raise DataError(
            f"{target.name}: roads of a place are kept as GraphML; end the name in .graphml or .graphml.gz"
        )
    if not target.parent.is_dir():
        raise DataError(f"no such folder: {target.parent}; make it first")
    graph = fetch_place(place, mode)
    part, packed = target.with_name(f".{target.name}.part"), target.with_name(f".{target.name}.packed")
    try:
        ox.save_graphml(graph, filepath=part)
        if target.suffix.lower() == ".gz":
            # no time stamp: the same roads are the same bytes
            packed.write_bytes(gzip.compress(part.read_bytes(), mtime=0))
            packed.replace(target)
        else:
            part.replace(target)
    except OSError as error:
        raise DataError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
        packed.unlink(missing_ok=True)
    return target


@contextmanager
def _osmnx_settings(settings: Any) -> Iterator[None]:
    """Set OSMnx up for one fetch, then put back what it and we changed, its hold on name look-ups too."""
    ours = {
        "use_cache": False,
        "log_file": False,
        "log_console": False,
        "useful_tags_way": sorted({*settings.useful_tags_way, *_WAY_TAGS}),
        "useful_tags_node": sorted({*settings.useful_tags_node, *_NODE_TAGS}),
    }
    before = {name: getattr(settings, name) for name in ours}
    resolver = socket.getaddrinfo
    for name, value in ours.items():
        setattr(settings, name, value)
    try:
        yield
    finally:
        socket.getaddrinfo = resolver
        for name, value in before.items():
            setattr(settings, name, value)
