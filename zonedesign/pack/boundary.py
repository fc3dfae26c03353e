"""The boundary in words: which lots lie beside a lot, on which side, and the roads and rivers it follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zonedesign.maps.sheets import Sheets

STEP_M = 25.0
"""The boundary is walked in steps of this length, or longer where it has more than `MOST_STEPS`."""
MOST_STEPS = 8_000
BESIDE_M = 60.0
"""Another lot within this of the boundary is beside it: generalised outlines leave cracks."""
ALONG_M, ALONG_COAST_M = 20.0, 100.0
FOLLOWS_M = 300.0
"""A boundary follows what lies within `ALONG_M` of it for so long; a road that it crosses does not.

The line of the coast is drawn at this tide or at that, so it may lie farther away.
"""
COAST = "the coast"
APART = np.pi / 6
"""Stretches beside the same lot are told apart where so wide an angle, seen from the middle, lies between."""
_SIDES = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


@dataclass(frozen=True)
class Side:
    """A stretch of a lot's boundary: the lot `beside` it, or none; where it runs; how long; along what.

    It runs clockwise from one `side` to the other, `until`, of the lot's middle; they may be the same.
    """

    beside: str
    side: str
    until: str
    km: float
    follows: tuple[tuple[str, float], ...]

    @property
    def words(self) -> str:
        """The stretch as a clause of a sentence."""
        what = f"lot {self.beside}" if self.beside else "the edge of the whole area"
        along = _listed([f"{name} for {length:.1f} km" for name, length in self.follows])
        where = (
            f"to the {self.side}" if self.side == self.until else f"from the {self.side} to the {self.until}"
        )
        return f"{where} {what} ({self.km:.1f} km{f', along {along}' if along else ''})"


def sides(sheets: Sheets, ways: Any = None) -> list[list[Side]]:
    """Return the sides of every lot, clockwise from the north; `ways` are named lines (`Landmarks.ways`).

    Lengths are those of smoothed outlines, and say where a boundary runs, not where exactly.
    """
    tree = shapely.STRtree(sheets.shapes.zones)
    names, lines = _named(ways, sheets)
    along = shapely.STRtree(lines)
    return [_sides(sheets, k, tree, along, names) for k in range(len(sheets.plan.zone_ids))]


def described(found: Sequence[Side]) -> str:
    """Return a lot's boundary as one sentence."""
    said = _listed([side.words for side in found], "; ")
    return f"Clockwise from the north: {said}." if said else ""


def _sides(
    sheets: Sheets, k: int, tree: shapely.STRtree, along: shapely.STRtree, names: Sequence[str]
) -> list[Side]:
    shape = sheets.shapes.zones[k]
    step = max(STEP_M, shape.length / MOST_STEPS)
    spots = np.concatenate([_walked(part.exterior, step) for part in shapely.get_parts(shape)])
    points = shapely.points(spots)
    beside = _beside(points, k, tree)
    direction = _direction(spots, sheets.shapes.labels[k])
    followed = _followed(points, along, names)
    found = []
    for other in np.unique(beside):
        name = "" if other < 0 else sheets.plan.zone_ids[other]
        for at, (begin, middle, end) in _stretches(np.flatnonzero(beside == other), direction):
            km = len(at) * step / 1000.0
            if km < 0.05:
                continue
            own = {way: float(np.isin(at, where).sum()) * step / 1000.0 for way, where in followed.items()}
            kept = sorted(
                ((n, m) for n, m in own.items() if m * 1000.0 >= FOLLOWS_M), key=lambda p: (-p[1], p[0])
            )
            found.append((middle, Side(name, _side(begin), _side(end), km, tuple(kept[:4]))))
    return [side for _, side in sorted(found, key=lambda pair: (_order(pair[0]), pair[1].beside))]


def _stretches(
    at: NDArray[np.int64], direction: NDArray[np.float64]
) -> list[tuple[NDArray[np.int64], tuple[float, float, float]]]:
    """Return points (n,) of the boundary as stretches seen apart from the middle, each with its directions.

    These are where it begins, its middle and its end, clockwise; nine tenths of it lie between its ends.
    """
    turn = 2 * np.pi
    way = direction[at] % turn
    order = np.argsort(way, kind="stable")
    at, way = at[order], way[order]
    gaps = np.diff(np.append(way, way[0] + turn))
    # It begins after the widest gap, so that a stretch across the north is one.
    first = (int(np.argmax(gaps)) + 1) % len(at)
    at, way = np.roll(at, -first), np.roll(way, -first)
    way = np.where(way < way[0], way + turn, way)
    cuts = np.flatnonzero(np.diff(way) > APART) + 1
    found = []
    for part, seen in zip(np.split(at, cuts), np.split(way, cuts), strict=True):
        begin, middle, end = np.quantile(seen, [0.05, 0.5, 0.95])
        found.append((part, (float(begin), float(middle) % turn, float(end))))
    return found


def _walked(ring: Any, step: float) -> NDArray[np.float64]:
    steps = max(int(ring.length / step), 3)
    places = shapely.line_interpolate_point(ring, np.linspace(0.0, ring.length, steps, endpoint=False))
    return np.asarray(shapely.get_coordinates(places), dtype=np.float64)


def _beside(points: Any, k: int, tree: shapely.STRtree) -> NDArray[np.int64]:
    """Return the lot beside each point, -1 where there is none; of several the nearest, then the first."""
    at, other = tree.query(points, predicate="dwithin", distance=BESIDE_M)
    at, other = at[other != k], other[other != k]
    away = shapely.distance(points[at], tree.geometries[other])
    order = np.lexsort((other, np.round(away, 3), at))
    first = np.unique(at[order], return_index=True)[1]
    found = np.full(len(points), -1, dtype=np.int64)
    found[at[order][first]] = other[order][first]
    return found


def _direction(spots: NDArray[np.float64], middle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the direction of each place from the middle, in radians clockwise from north."""
    east, north = (spots - middle).T
    turned: NDArray[np.float64] = np.arctan2(east, north)
    return turned


def _side(direction: float) -> str:
    return _SIDES[int(np.round(direction / (np.pi / 4))) % 8]


def _order(direction: float) -> int:
    return int(np.round(direction / (np.pi / 4))) % 8


def _followed(points: Any, along: shapely.STRtree, names: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    """Return the points that lie along each named way."""
    at, way = along.query(points, predicate="dwithin", distance=ALONG_COAST_M)
    limit = np.array([ALONG_COAST_M if name == COAST else ALONG_M for name in names])
    near = shapely.distance(points[at], along.geometries[way]) <= limit[way]
    at, way = at[near], way[near]
    found: dict[str, set[int]] = {}
    for point, each in zip(at.tolist(), way.tolist(), strict=True):
        found.setdefault(names[each], set()).add(point)
    return {name: np.array(sorted(where), dtype=np.int64) for name, where in found.items()}


def _named(ways: Any, sheets: Sheets) -> tuple[list[str], NDArray[np.object_]]:
    """Return the names and lines of the ways that have a name or a number; a coast is `the coast`."""
    if ways is None or not len(ways):
        return [], np.array([], dtype=object)
    there = ways.to_crs(sheets.shapes.metric)
    rows = zip(there["name"], there["ref"], there["kind"], there.geometry, strict=True)
    told = [(_called(name, ref, kind), line) for name, ref, kind, line in rows]
    kept = [(name, line) for name, line in told if name]
    return [name for name, _ in kept], np.array([line for _, line in kept], dtype=object)


def _called(name: str, ref: str, kind: str) -> str:
    if kind == "coastline":
        return COAST
    if kind == "railway":
        return "the railway"
    if ref and kind not in ("river", "canal"):
        return f"the {ref.split(';', maxsplit=1)[0].strip()}"
    return f"the {name}" if kind in ("river", "canal") and name else name


def _listed(texts: Sequence[str], between: str = ", ") -> str:
    if len(texts) < 2:
        return "".join(texts)
    return f"{between.join(texts[:-1])}{';' if between == '; ' else ''} and {texts[-1]}"
