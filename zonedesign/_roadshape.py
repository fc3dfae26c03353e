"""What the bare shape of a road network tells: its CRS, its parts, its junctions, and what is built up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pyproj import CRS, Geod, Transformer
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import Delaunay, QhullError, cKDTree

from zonedesign.errors import DataError
from zonedesign.profiles import JUNCTIONS, ROAD_CLASSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.integer[Any]]
    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

BUILT_UP_WITHIN_M = 250.0
BUILT_UP_CORNERS = 2
"""From so many corners or ends of residential streets within that distance on, a road counts as built up.

Chosen against posted limits in an English extract (South-East Hampshire; by length, residential streets
and motorways aside): it finds 82 % of the roads with a limit of 30 mph, and leaves 85 % of those with 50
mph or more.
"""

_STREET_CODES = (ROAD_CLASSES.index("residential"), ROAD_CLASSES.index("living_street"))
_EQUAL_FROM = ROAD_CLASSES.index("primary")

SKETCH_DETOUR = 1.3
"""Metres by sketched road for each metre in a straight line."""

SKETCH_KPH = 40.0


def metre_crs(lon: Floats, lat: Floats) -> CRS:
    """Return EPSG:27700 where the middle of the points lies in Great Britain, else its UTM zone."""
    east, north = float(np.median(lon)), float(np.median(lat))
    britain = -9.0 <= east <= 2.0 and 49.75 <= north <= 61.0
    ireland = east < -5.4 and 51.2 < north < 55.45 and not (east > -6.6 and north > 55.2)  # Kintyre and Islay
    france = north < 51.05 and (east > 1.45 or (north < 50.25 and east > -3.0))
    if britain and not ireland and not france:
        return CRS.from_epsg(27700)
    zone = int((east + 180.0) // 6.0) % 60 + 1
    return CRS.from_epsg((32600 if north >= 0 else 32700) + zone)


def in_metres(crs: CRS) -> bool:
    """Return whether `crs` is projected in metres that are metres on the ground (web Mercator's are not)."""
    return bool(
        crs.is_projected
        and crs.to_epsg() != 3857
        and all(axis.unit_conversion_factor == 1.0 for axis in crs.axis_info[:2])
    )


def to_metres(x: Floats, y: Floats, crs: CRS, wanted: CRS | None = None) -> tuple[Floats, Floats, CRS]:
    """Return the points in `wanted`, or in `crs` itself where that is in metres, or in a CRS that suits them.

    Raises `DataError` when a point has no place there.
    """
    if wanted is None and in_metres(crs):
        return x, y, crs
    if wanted is None:
        degrees = crs if crs.is_geographic else CRS.from_epsg(4326)
        lon, lat = (x, y) if crs.is_geographic else _transformed(x, y, crs, degrees)
        if np.any((np.abs(lon) > 360.0) | (np.abs(lat) > 90.0)):
            raise DataError(
                f"coordinates are not degrees, as {crs.to_string()} says they are: "
                f"x up to {np.abs(lon).max():g}, y up to {np.abs(lat).max():g}; name the CRS they are in"
            )
        wanted = metre_crs(lon, lat)
    elif not in_metres(wanted):
        raise DataError(f"{wanted.to_string()} is not a CRS in metres on the ground; name a projected one")
    east, north = _transformed(x, y, crs, wanted)
    lost = int((~np.isfinite(east + north)).sum())
    if lost:
        raise DataError(
            f"{lost:,} of {len(x):,} road nodes have no place in {wanted.to_string()}; name another CRS"
        )
    return east, north, wanted


def _transformed(x: Floats, y: Floats, crs: CRS, wanted: CRS) -> tuple[Floats, Floats]:
    east, north = Transformer.from_crs(crs, wanted, always_xy=True).transform(x, y)
    return np.asarray(east, dtype=np.float64), np.asarray(north, dtype=np.float64)


def ground_metres(lon: Floats, lat: Floats, tails: Ints, heads: Ints) -> Floats:
    """Return the length in metres on the WGS 84 ellipsoid of the straight line tail to head, (m,)."""
    _, _, metres = Geod(ellps="WGS84").inv(lon[tails], lat[tails], lon[heads], lat[heads])
    return np.asarray(metres, dtype=np.float64)


def parts(nodes: int, tails: Ints, heads: Ints, connection: str) -> NDArray[np.int32]:
    """Return the part (n,) that every node is in: `connection` is `weak` (joined) or `strong` (both ways)."""
    # the weights do not matter here, and ones survive where minutes of zero could be taken for no edge
    graph = sparse.coo_matrix((np.ones(len(tails), dtype=np.int8), (tails, heads)), shape=(nodes, nodes))
    _, label = csgraph.connected_components(graph.tocsr() > 0, directed=True, connection=connection)
    return np.asarray(label, dtype=np.int32)


def largest(label: NDArray[np.int32]) -> Flags:
    """Return which nodes (n,) are in the largest part; of equals, the one met first."""
    if not len(label):
        return np.zeros(0, dtype=np.bool_)
    sizes = np.bincount(label)
    winner = label[np.flatnonzero(sizes[label] == sizes.max())[0]]
    mask: Flags = label == winner
    return mask


def legs(nodes: int, tails: Ints, heads: Ints) -> NDArray[np.int64]:
    """Return how many other nodes (n,) each node is joined to, in either direction."""
    apart = tails != heads
    low = np.minimum(tails, heads)[apart].astype(np.int64)
    high = np.maximum(tails, heads)[apart].astype(np.int64)
    pairs = np.unique(low * nodes + high)
    count: NDArray[np.int64] = np.bincount(pairs // max(nodes, 1), minlength=nodes)
    return count + np.bincount(pairs % max(nodes, 1), minlength=nodes)


def junction_codes(
    nodes: int,
    tails: Ints,
    heads: Ints,
    rank: Ints,
    *,
    signals: Flags | None = None,
    mini_roundabout: Flags | None = None,
    roundabout_edge: Flags | None = None,
) -> NDArray[np.int8]:
    """Return what each edge (m,) ends in, a position in `JUNCTIONS`.

    A junction is a node of three or more legs that can be entered from two or more. There, an edge gives
    way when a road of a more important class (a smaller `rank`, a position in `ROAD_CLASSES`) is at the
    node; where all are of one class, primary or below, everybody slows (`equal`); the more important road
    is not delayed, and neither are slip roads on to motorways. Entering a roundabout or a mini
    roundabout, and signals, count wherever they stand.
    """
    code = np.zeros(len(tails), dtype=np.int8)
    if not len(tails):
        return code
    best = np.full(nodes, len(ROAD_CLASSES), dtype=np.int64)
    worst = np.full(nodes, -1, dtype=np.int64)
    for ends in (tails, heads):
        np.minimum.at(best, ends, rank)
        np.maximum.at(worst, ends, rank)
    entries = np.unique(heads.astype(np.int64) * nodes + tails) // nodes
    meets = (legs(nodes, tails, heads) >= 3) & (np.bincount(entries, minlength=nodes) >= 2)
    circular = np.zeros(len(tails), dtype=np.bool_) if roundabout_edge is None else roundabout_edge
    on_circle = np.zeros(nodes, dtype=np.bool_)
    on_circle[tails[circular]] = on_circle[heads[circular]] = True
    crossing = meets[heads] & ~circular
    best_there, worst_there = best[heads], worst[heads]
    code[crossing & (best_there == worst_there) & (best_there >= _EQUAL_FROM)] = JUNCTIONS.index("equal")
    code[crossing & (rank > best_there) & (best_there > 0)] = JUNCTIONS.index("give_way")
    code[crossing & on_circle[heads]] = JUNCTIONS.index("roundabout")
    if mini_roundabout is not None:
        code[mini_roundabout[heads]] = JUNCTIONS.index("roundabout")
    if signals is not None:
        code[signals[heads]] = JUNCTIONS.index("signals")
    return code


def built_up_edges(x: Floats, y: Floats, tails: Ints, heads: Ints, rank: Ints) -> Flags:
    """Return which edges (m,) are in a built-up place, going by the residential streets around their middle.

    Motorways never are. This is for edges on which tags are silent; tags that say so come first.
    """
    street = np.isin(rank, _STREET_CODES)
    corner = np.zeros(len(x), dtype=np.bool_)
    corner[tails[street]] = corner[heads[street]] = True
    corner &= legs(len(x), tails, heads) != 2
    near = np.zeros(len(tails), dtype=np.int64)
    if corner.any():
        tree = cKDTree(np.column_stack([x[corner], y[corner]]))
        middle = np.column_stack([x[tails] + x[heads], y[tails] + y[heads]]) / 2.0
        near = tree.query_ball_point(middle, BUILT_UP_WITHIN_M, return_length=True)
    return np.asarray(
        (near >= BUILT_UP_CORNERS) & (rank > ROAD_CLASSES.index("motorway_link")), dtype=np.bool_
    )


def sketch_pairs(x: Floats, y: Floats) -> tuple[NDArray[np.int64], int]:
    """Return which points to join in a sketch, (k, 2) positions, and how many lie in the place of another.

    Delaunay's triangulation of the places; places on one line are joined in their order along it, points
    in one place to the first of them, and a place that the triangulation leaves out (Qhull: coplanar) to
    its nearest corner.
    """
    places, first, which = np.unique(np.column_stack([x, y]), axis=0, return_index=True, return_inverse=True)
    which = which.ravel()
    twins = np.flatnonzero(first[which] != np.arange(len(x)))
    pairs = first[_joined(places - places.mean(axis=0))]
    pairs = np.concatenate([pairs.reshape(-1, 2), np.column_stack([first[which[twins]], twins])])
    return np.unique(np.sort(pairs, axis=1), axis=0).astype(np.int64), len(twins)


def _joined(places: Floats) -> NDArray[np.int64]:
    if len(places) > 2:
        try:
            mesh = Delaunay(places)
        except QhullError:
            pass  # all on one line
        else:
            corners = np.concatenate(
                [mesh.simplices[:, [0, 1]], mesh.simplices[:, [1, 2]], mesh.simplices[:, [2, 0]]]
            )
            return np.concatenate([corners, mesh.coplanar[:, [0, 2]]]).astype(np.int64)
    # np.unique sorts by x and then y, which is the order along any line
    order = np.arange(len(places), dtype=np.int64)
    return np.column_stack([order[:-1], order[1:]])
