"""Where the roads of an extract go on outside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import cKDTree

from zonedesign import _roadshape
from zonedesign.profiles import ROAD_CLASSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.integer[Any]]
    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

THROUGH_ROADS = ROAD_CLASSES.index("tertiary_link")
"""Roads up to this class join places: hardly one of them ends in the country without meeting another road."""

VIEW_M = 3500.0
EMPTY_M = 1700.0
"""Such an end is where the data ends if a place with no road within `EMPTY_M` lies within `VIEW_M` of it.

Measured on South-East Hampshire and Rutland: inland gaps, where the road beyond is missing or not joined,
have no place farther than 1.4 km from a road within that view; ends at the edge of the file, one of 1.9 km
and more.
"""

EDGE_M = 100.0
"""A road of any class that ends no farther than this from the edge of the file, or beyond it, goes on: the
nodes of a lane stand some 20 to 60 m apart, so that its last one inside is seldom farther."""

_STEP_M = 500.0
_DEGREE_M = 111_320.0  # of latitude


def where_roads_leave(
    degrees: tuple[Floats, Floats],
    metres: tuple[Floats, Floats],
    edges: tuple[Ints, Ints, Ints],
    known: tuple[Flags, Flags],
    box: tuple[float, float, float, float] | None,
) -> Flags:
    """Return the nodes (n,) where a road goes on outside the data; `known` are `broken` and `meant` (n,).

    Those are: where the next node of a road is not in the file (`broken`); where a road ends, joined to one
    other node, that is of a class which joins places, on the outskirts of the data; and where any road ends
    at the edge of the file's `box` (west, south, east, north, in `degrees`). Ends that something explains
    (`meant`) are not: a turning circle, `noexit`, a bollard, or a way that is left out (a ferry, a private
    road, a path) and begins there.
    """
    (lon, lat), (tails, heads, rank), (broken, meant) = degrees, edges, known
    best = np.full(len(lon), len(ROAD_CLASSES), dtype=np.int64)
    for ends in (tails, heads):
        np.minimum.at(best, ends, rank)
    dead = (_roadshape.legs(len(lon), tails, heads) == 1) & ~meant
    through = np.flatnonzero(dead & (best <= THROUGH_ROADS))
    cut = broken.copy()
    cut[through[_outskirts(np.column_stack(metres), through)]] = True
    if box is not None:
        west, south, east, north = box
        across = np.minimum(lon - west, east - lon) * np.cos(np.radians(lat))
        inside = np.minimum(across, np.minimum(lat - south, north - lat)) * _DEGREE_M
        cut |= dead & (inside <= EDGE_M)
    return cut


def _outskirts(places: Floats, ends: NDArray[np.intp]) -> Flags:
    """Return which of the nodes have a place within view that no road comes near."""
    reach = np.arange(-VIEW_M, VIEW_M + 1.0, _STEP_M)
    view = np.stack(np.meshgrid(reach, reach), axis=-1).reshape(-1, 2)
    view = view[np.hypot(*view.T) <= VIEW_M]
    seen = (places[ends][:, None, :] + view).reshape(-1, 2)
    nearest, _ = cKDTree(places).query(seen, distance_upper_bound=EMPTY_M)
    empty: Flags = np.isinf(nearest).reshape(len(ends), len(view)).any(axis=1)
    return empty
