"""OSMnx graphs, in memory, as GraphML or as frames, turned into the columns of a road network."""

from __future__ import annotations

import ast
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

import numpy as np
import pandas as pd
from shapely import LineString, wkt
from shapely.errors import ShapelyError

from zonedesign import _roadshape
from zonedesign._roadcolumns import EdgeColumns, NodeColumns
from zonedesign._roadframes import crs_of
from zonedesign.errors import DataError, counted, listed
from zonedesign.osm import shapes
from zonedesign.osm import tags as osm_tags
from zonedesign.osm.modes import PATHS_READ, is_path
from zonedesign.profiles import JUNCTIONS, ROAD_CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray
    from pyproj import CRS

    from zonedesign.osm.modes import Traveller

    Link = tuple[Any, Any, dict[str, Any], bool]  # from, to, data, whether this is the way back

_ROAD = ROAD_CLASSES.index("road")


def read_graphml(path: Path) -> Any:
    """Return the graph of a GraphML file, gzipped or not, its values still text.

    Raises `DataError` for a file that cannot be read to its end.
    """
    import networkx as nx  # noqa: PLC0415

    try:
        return nx.read_graphml(path, force_multigraph=True)
    except (ParseError, nx.NetworkXException, OSError, EOFError, zlib.error, ValueError, KeyError) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path.name} cannot be read as GraphML ({why}); "
            "it is truncated or of another kind: save it again"
        ) from error


def from_graph(
    graph: Any, name: str, traveller: Traveller, *, private: bool, ferries: bool, crs: CRS | None
) -> tuple[NodeColumns, EdgeColumns, dict[str, int]]:
    """Return the nodes, edges and counts of a networkx graph as OSMnx makes it: `x`, `y`, `crs`, `highway`.

    Where the graph was simplified, the vertices of the geometries are nodes again, as in the file that it
    came from, and an edge is as many as it has pieces: together they have its length and its minutes, the
    junction at the end of the last. An edge is one direction of travel; in an undirected graph it is both,
    unless `oneway`. Walkers, and cyclists where tags let them, go both ways along a one-way edge. OSMnx's own
    speeds and travel times are not used: they know neither built-up from rural nor junctions.
    """
    places = dict(graph.nodes(data=True))
    without = [node for node, data in places.items() if "x" not in data or "y" not in data]
    if without:
        raise DataError(
            f"{name} has {counted(len(without), 'node')} without x and y: {listed(without)}; "
            "OSMnx graphs have them"
        )
    links: list[Link] = []
    for u, v, data in graph.edges(data=True):
        if graph.is_directed():
            links.append((u, v, data, False))
            continue
        # OSMnx keeps the direction of a one-way road in `from` and `to`
        turned = (data.get("from"), data.get("to")) == (v, u)
        start, end = (v, u) if turned else (u, v)
        links.append((start, end, data, False))
        if not _true(data.get("oneway")):
            links.append((end, start, data, True))
    nodes = pd.DataFrame.from_dict(places, orient="index")
    return _columns(
        nodes, links, crs_of(None, graph.graph.get("crs"), name), name, _How(traveller, private, ferries, crs)
    )


def from_osmnx_frames(
    nodes: pd.DataFrame,
    edges: pd.DataFrame,
    traveller: Traveller,
    *,
    private: bool,
    ferries: bool,
    crs: CRS | None,
) -> tuple[NodeColumns, EdgeColumns, dict[str, int]]:
    """Return the same from the two frames of `osmnx.graph_to_gdfs`: edges by (u, v, key), with `length`."""
    own = crs_of(nodes, None if getattr(nodes, "crs", None) is not None else crs, "nodes")
    theirs: Any = edges
    if getattr(edges, "crs", None) not in (None, own):
        edges = theirs.to_crs(own)
    ends = edges.index.to_frame(index=False) if {"u", "v"} <= set(edges.index.names) else edges[["u", "v"]]
    rows: list[dict[Any, Any]] = pd.DataFrame(edges).to_dict("records")
    links: list[Link] = [(u, v, data, False) for u, v, data in zip(ends["u"], ends["v"], rows, strict=True)]
    return _columns(pd.DataFrame(nodes), links, own, "frames", _How(traveller, private, ferries, crs))


@dataclass(frozen=True)
class _How:
    traveller: Traveller
    private: bool
    ferries: bool
    crs: CRS | None


def _columns(
    nodes: pd.DataFrame, links: list[Link], own: CRS, name: str, how: _How
) -> tuple[NodeColumns, EdgeColumns, dict[str, int]]:
    counts: Counter[str] = Counter({"edges read": len(links)})
    kept: list[
        tuple[Any, Any, dict[str, Any], int, dict[str, str], bool]
    ] = []  # ends, data, class, tags, back
    for u, v, data, back in links:
        tags = _tags(data)
        kind = _class(data, tags, counts, how)
        if kind is None:
            continue
        if u == v and not shapes.goes_round(data.get("geometry")):
            counts["self-loops left out"] += 1
            continue
        kept.append((u, v, data, kind, tags, back))
        if not how.traveller.drives and _back_too(data, tags, ROAD_CLASSES[kind], how.traveller):
            kept.append((v, u, data, kind, tags, not back))
            counts["one-way edges taken both ways"] += 1
    if not kept:
        what = "drivable road" if how.traveller.drives else f"way for {how.traveller.who}"
        raise DataError(f"{name} has no {what} among its {counted(len(links), 'edge')}")
    ids = pd.Index(list(dict.fromkeys(end for link in kept for end in link[:2])))
    strangers = ids.difference(nodes.index)
    if len(strangers):
        raise DataError(
            f"{name} has {counted(len(strangers), 'edge end')} not among its nodes: {listed(strangers)}"
        )
    used = nodes.loc[ids]
    x, y = (pd.to_numeric(used[axis], errors="coerce").to_numpy(np.float64) for axis in ("x", "y"))
    if not np.isfinite(x + y).all():
        bad = ids[~np.isfinite(x + y)]
        raise DataError(f"{name} has {counted(len(bad), 'node')} whose x or y is no number: {listed(bad)}")
    x, y, metric = _roadshape.to_metres(x, y, own, how.crs)
    number = {node: at for at, node in enumerate(ids)}
    tails = np.array([number[link[0]] for link in kept], dtype=np.int64)
    heads = np.array([number[link[1]] for link in kept], dtype=np.int64)
    edges = _edges(kept, (tails, heads), (x, y), used, counts, how.traveller, own)
    return *_unsimplified(NodeColumns(_whole_ids(ids, counts), x, y, metric), edges, kept, own, counts), dict(
        counts
    )


def _unsimplified(
    nodes: NodeColumns, edges: EdgeColumns, kept: list[Any], own: CRS, counts: Counter[str]
) -> tuple[NodeColumns, EdgeColumns]:
    """Return nodes at vertices of the edges' geometries too, numbered below all others, and the pieces."""
    lines, odd = shapes.lines_of(link[2].get("geometry") for link in kept)
    ends = edges.tails.astype(np.int64), edges.heads.astype(np.int64)
    cut, astray = shapes.pieces(lines, [link[5] for link in kept], ends, (nodes.x, nodes.y), (own, nodes.crs))
    counts["geometries that do not join their edge's nodes, taken as straight"] = int((odd | astray).sum())
    if cut is None:
        return nodes, edges
    left = np.bincount(cut.edge, minlength=len(kept))
    counts["self-loops left out"] += int((left == 0).sum())
    counts["edges split at the vertices of their geometry"] = int((left > 1).sum())
    counts["nodes made at vertices of geometries"] = len(cut.x)
    ids = min(0, int(nodes.node_ids.min())) - 1 - np.arange(len(cut.x), dtype=np.int64)
    x, y = np.concatenate([nodes.x, cut.x]), np.concatenate([nodes.y, cut.y])
    return NodeColumns(np.concatenate([nodes.node_ids, ids]), x, y, nodes.crs), edges.in_pieces(cut)


def _edges(
    kept: list[Any],
    ends: tuple[NDArray[np.int64], NDArray[np.int64]],
    places: tuple[NDArray[np.float64], NDArray[np.float64]],
    nodes: pd.DataFrame,
    counts: Counter[str],
    traveller: Traveller,
    own: CRS,
) -> EdgeColumns:
    (tails, heads), (x, y) = ends, places
    rank = np.array([link[3] for link in kept], dtype=np.int64)
    length_m = np.array([_length(link[2], geographic=own.is_geographic) for link in kept])
    straight = np.hypot(x[tails] - x[heads], y[tails] - y[heads])
    counts["edges without a length, taken as straight"] = int(np.isnan(length_m).sum())
    length_m = np.where(np.isnan(length_m), straight, length_m)
    counts["edges of no length kept"] = int((length_m == 0).sum())
    if (length_m < 0).any():
        raise DataError(
            f"{counted(int((length_m < 0).sum()), 'edge')} of negative length; lengths are in metres"
        )
    corner = nodes["highway"].astype(object) if "highway" in nodes else pd.Series(None, index=nodes.index)
    signals = (corner == "traffic_signals").to_numpy(np.bool_)
    minutes = [
        osm_tags.duration_minutes(link[4].get("duration")) if link[3] == osm_tags.FERRY else None
        for link in kept
    ]
    given = np.array([np.nan if v is None else v for v in minutes], dtype=np.float64)
    if not traveller.drives:
        waits = np.zeros(len(x), dtype=np.int8)
        waits[(corner == "crossing").to_numpy(np.bool_)] = JUNCTIONS.index("crossing")
        if "crossing" in nodes:
            signals |= (nodes["crossing"].astype(object) == "traffic_signals").to_numpy(np.bool_)
        waits[signals] = JUNCTIONS.index("signals")
        m = len(kept)
        silent = np.full(m, np.nan), np.zeros(m, dtype=np.bool_)
        return EdgeColumns(tails, heads, length_m, rank, *silent, waits[heads], given)
    limits = [_limit(link[4], link[2], ROAD_CLASSES[link[3]], counts) for link in kept]
    said = [osm_tags.built_up(link[4], limit) for link, limit in zip(kept, limits, strict=True)]
    told = np.array([-1 if answer is None else int(answer) for answer in said])
    guessed = _roadshape.built_up_edges(x, y, tails, heads, rank)
    return EdgeColumns(
        tails, heads, length_m, rank,
        np.array([np.nan if v is None or v == float("inf") else v for v in limits], dtype=np.float64),
        np.where(told < 0, guessed, told > 0),
        _roadshape.junction_codes(
            len(x), tails, heads, rank,
            signals=signals,
            mini_roundabout=(corner == "mini_roundabout").to_numpy(np.bool_),
            roundabout_edge=np.array([osm_tags.roundabout(link[4]) for link in kept], dtype=np.bool_),
        ),
        given,
    )  # fmt: skip


def _back_too(data: dict[str, Any], tags: dict[str, str], kind: str, traveller: Traveller) -> bool:
    """Return whether a traveller may go both ways along an edge that a graph holds for one way only."""
    if not _true(data.get("oneway")):
        return False
    # `oneway` is now OSMnx's word for its own edge; of the road's own tags only the particular ones are left
    along, against, _ = traveller.direction({**tags, "oneway": "yes"}, kind)
    return along and against


def _class(data: dict[str, Any], tags: dict[str, str], counts: Counter[str], how: _How) -> int | None:
    traveller, values = how.traveller, _values(data.get("highway"))
    if not traveller.drives:
        counts[PATHS_READ] += is_path(values)
    if not values and tags.get("route") == "ferry":
        reason = None if how.ferries and traveller.ferry(tags) == "open" else "ferries left out"
        kind: int | None = osm_tags.FERRY
    elif not values:
        counts["edges without a class, taken as road"] += 1
        return _ROAD
    else:
        # of the classes that simplifying has joined, the least important: the slowest
        codes = [traveller.codes[value] for value in values if value in traveller.codes]
        kind = max(codes) if codes else None
        what = "drivable road" if traveller.drives else f"way for {traveller.who}"
        reason = None if codes else f"edges that are no {what} left out"
    if reason is None:
        state = traveller.access(tags)
        if state == "closed" and kind != osm_tags.FERRY:
            reason = f"roads closed to {traveller.who} left out"
        elif state == "private" and not how.private:
            reason = "private roads left out"
    if reason:
        counts[reason] += 1
        return None
    return kind


def _limit(tags: dict[str, str], data: dict[str, Any], kind: str, counts: Counter[str]) -> float | None:
    along, against, junk = osm_tags.limits(tags, kind)
    counts["speed limits not understood"] += junk
    limit = against if _true(data.get("reversed")) else along
    counts["edges with a speed limit"] += limit is not None
    return limit


def _tags(data: dict[str, Any]) -> dict[str, str]:
    """Return the tags of an edge as text; the several values of a simplified edge are joined by `;`."""
    return {
        key: ";".join(_values(value)) for key, value in data.items() if key != "geometry" and _values(value)
    }


def _values(value: Any) -> list[str]:
    if isinstance(value, str) and value.startswith("[") and value.endswith("]"):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            return [value]
    if isinstance(value, list | tuple | set):
        return [str(item) for item in value]
    if value is None or value == "" or (isinstance(value, float) and np.isnan(value)):
        return []
    return [str(value)]


def _true(value: Any) -> bool:
    return str(value).strip().lower() in {"true", "yes", "1"}


def _length(data: dict[str, Any], *, geographic: bool) -> float:
    """Return `length` in metres, else the length of the geometry, else NaN."""
    try:
        length = float(data["length"])
    except (KeyError, TypeError, ValueError):
        length = float("nan")
    if np.isfinite(length):
        return length
    shape = data.get("geometry")
    try:
        shape = wkt.loads(shape) if isinstance(shape, str) else shape
        if not isinstance(shape, LineString):
            return float("nan")
        if not geographic:
            return float(shape.length)
        lon, lat = np.array(shape.coords, dtype=np.float64)[:, :2].T
        at = np.arange(len(lon))
        return float(_roadshape.ground_metres(lon, lat, at[:-1], at[1:]).sum())
    except ShapelyError:
        return float("nan")


def _whole_ids(ids: Iterable[Any], counts: Counter[str]) -> NDArray[np.int64]:
    """Return the ids as whole numbers; where they are none, numbers from 0 in the order they occur."""
    try:
        numbers = [int(str(node)) for node in ids]
        if len(set(numbers)) == len(numbers):
            return np.array(numbers, dtype=np.int64)
    except (ValueError, OverflowError):
        pass
    names = list(ids)
    counts["nodes numbered anew, their ids being no whole numbers"] = len(names)
    return np.arange(len(names), dtype=np.int64)
