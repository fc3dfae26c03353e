"""A problem as large as England, tiled from real pieces, for the last row of docs/solving.md.

    python benchmarks/england.py [--units 33000] [--layer oa|lsoa] [--seed 0] [--check]

Tiles are South-East Hampshire (real roads) and West Sussex (sketched roads) in turn, in rows, whole, until
there are `units` or a little more. Tiles differ: hours of every unit are multiplied by a random factor from
0.8 to 1.2 and scaled back to the tile's total, minutes of every tile by one from 1 to 1.1. Tiles side by side
share a border: in each of six strips across it, the unit of either tile that lies nearest to it touches the
other, and a road of three minutes leads across. Minutes between tiles are those by the quickest of these
roads; ways that leave a tile and come back, or cross two borders, are left out.

Levels are West Sussex's recommendation of 2019, 35 zones for 505 LSOAs: 20, 9 and 6 zones for as many units,
5 % either way, so that some 2,300 zones are to be made of 33,000 units. With `layer="lsoa"` bands and reach
are its own: 700-1,300 h, 240-450 h, 10-150 h, 15 minutes. With `layer="oa"`, where a unit has a fifth of the
hours, bands are scaled with the mean hours of a zone, to 125-235, 43-80 and 2-27 h, and reach is 12 minutes.
Zones are connected. A tile of either piece and layer by itself has such a plan (found in two minutes with
counts as for its size); for the whole, `--check` says what is impossible by name, and shows no plan.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from bars import cases_folder
from measuring import CLOCK, peak_mb
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import zonedesign as zd

    Ints = np.ndarray[Any, np.dtype[np.int64]]
    Floats = np.ndarray[Any, np.dtype[np.float64]]
    Place = tuple[int, int]

PIECES = ("se-hampshire", "west-sussex")
STRIPS, LINK_MINUTES, BETWEEN_M = 6, 3.0, 500.0
"""Places where two tiles touch, minutes of the road across, and metres between the tiles."""
HOURS, TRAFFIC = (0.8, 1.2), (1.0, 1.1)
RECOMMENDED, OF_UNITS, EITHER_WAY = (20, 9, 6), 505, 0.05
BANDS = {
    "lsoa": ((700, 1300), (240, 450), (10, 150)),
    "oa": ((125, 235), (43, 80), (2, 27)),
}
REACH = {"lsoa": 15.0, "oa": 12.0}


@dataclass(frozen=True, eq=False)
class Piece:
    """A real piece, or a tile made of one: ids, hours, places, neighbours, and minutes as a table."""

    ids: pd.Index[Any]
    hours: Floats
    x: Floats
    y: Floats
    pairs: Ints
    boundary_m: Floats
    minutes: sparse.csr_array

    def __len__(self) -> int:
        return len(self.ids)


def real_piece(name: str) -> Piece:
    """Return a real case as a piece."""
    import zonedesign as zd

    found = zd.read_scenario(cases_folder() / f"{name}.toml").problem()
    graph, points, times = found.units.contiguity, found.units.points, found.travel
    if graph is None or points is None:
        raise SystemExit(f"{name} has no contiguity or no points, so it cannot be tiled")
    table = (times.minutes, times.indices, times.indptr)
    return Piece(
        ids=found.units.ids,
        hours=found.hours,
        x=points.x.to_numpy() - points.x.min(),
        y=points.y.to_numpy() - points.y.min(),
        pairs=graph.pairs,
        boundary_m=graph.boundary_m,
        minutes=sparse.csr_array(table, shape=(len(found.units),) * 2),
    )


def numbers_of(units: int, sizes: tuple[int, int]) -> tuple[int, int]:
    """Return how many tiles of either piece give `units` or a little more, the two numbers nearly equal."""
    most = math.ceil(units / sum(sizes)) + 1
    close = [(a, b) for a in range(most + 2) for b in range(most + 2) if abs(a - b) <= 2]
    return min(
        (pair for pair in close if np.dot(pair, sizes) >= units),
        key=lambda pair: (np.dot(pair, sizes), abs(pair[0] - pair[1])),
    )


def in_turn(numbers: tuple[int, int]) -> list[int]:
    """Return the pieces of all tiles, spread evenly."""
    places = [((k + 0.5) / number, piece) for piece, number in enumerate(numbers) for k in range(number)]
    return [piece for _, piece in sorted(places)]


def tile_of(piece: Piece, number: int, corner: tuple[float, float], limit: float, chance: Any) -> Piece:
    """Return a piece as one of many tiles: own ids and place, other hours, slower traffic, a cutoff."""
    hours = piece.hours * chance.uniform(*HOURS, len(piece))
    table = piece.minutes.tocoo()
    minutes = table.data * chance.uniform(*TRAFFIC)
    near = minutes <= limit  # stored zeros stay: a sparse comparison would drop them
    kept = minutes[near], (table.coords[0][near], table.coords[1][near])
    return replace(
        piece,
        ids=pd.Index([f"{number:03d}-{unit}" for unit in piece.ids]),
        hours=hours * (piece.hours.sum() / hours.sum()),
        x=piece.x + corner[0],
        y=piece.y + corner[1],
        minutes=sparse.csr_array(kept, shape=table.shape),
    )


def gates_of(tile: Piece, *, along_x: bool, last: bool) -> Ints:
    """Return the unit of each strip that lies farthest along an axis (or least far)."""
    along, across = (tile.x, tile.y) if along_x else (tile.y, tile.x)
    strip = pd.qcut(across, STRIPS, labels=False)
    grouped = pd.Series(along).groupby(strip)
    return np.asarray(grouped.idxmax() if last else grouped.idxmin(), dtype=np.int64)


def across(start: Piece, out: Ints, end: Piece, into: Ints, limit: float) -> sparse.coo_array:
    """Return minutes from every unit of one tile to every unit of the next by the quickest of the roads."""
    best = np.full((len(start), len(end)), np.inf)
    for a, b in zip(out, into, strict=True):
        leaving, arriving = _row(start.minutes.T.tocsr(), a), _row(end.minutes, b)
        near = np.flatnonzero(leaving + LINK_MINUTES <= limit)
        far = np.flatnonzero(arriving + LINK_MINUTES <= limit)
        block = leaving[near, None] + LINK_MINUTES + arriving[far]
        at = np.ix_(near, far)
        best[at] = np.minimum(best[at], block)
    rows, columns = np.nonzero(best <= limit)
    return sparse.coo_array((best[rows, columns], (rows, columns)), shape=best.shape)


def _row(table: sparse.csr_array, at: int) -> Floats:
    """Return a row of minutes, inf where absent."""
    found = np.full(table.shape[1], np.inf)
    span = slice(table.indptr[at], table.indptr[at + 1])
    found[table.indices[span]] = table.data[span]
    return found


def seams(tiles: Sequence[Piece], wide: int) -> Iterator[tuple[int, int, Ints, Ints]]:
    """Yield every two tiles side by side, and the units of either that touch."""
    places: dict[Place, int] = {(k % wide, k // wide): k for k in range(len(tiles))}
    for (i, j), k in places.items():
        for beside, along_x in (((i + 1, j), True), ((i, j + 1), False)):
            other = places.get(beside)
            if other is not None:
                last = gates_of(tiles[k], along_x=along_x, last=True)
                yield k, other, last, gates_of(tiles[other], along_x=along_x, last=False)


def laid_out(pieces: Sequence[Piece], units: int, limit: float, seed: int) -> tuple[list[Piece], int]:
    """Return the tiles in rows, and how many stand in a row."""
    chance = np.random.default_rng(seed)
    order = in_turn(numbers_of(units, (len(pieces[0]), len(pieces[1]))))
    wide = math.ceil(math.sqrt(len(order)))
    step = [max(np.ptp(getattr(piece, axis)) for piece in pieces) + BETWEEN_M for axis in ("x", "y")]
    corners = [(step[0] * (k % wide), step[1] * (k // wide)) for k in range(len(order))]
    tiles = [
        tile_of(pieces[piece], k, corner, limit, chance)
        for k, (piece, corner) in enumerate(zip(order, corners, strict=True))
    ]
    return tiles, wide


def levels_of(layer: str, units: int) -> list[zd.Level]:
    """Return the recommendation's three levels for so many units."""
    import zonedesign as zd

    levels = []
    for number, (band, zones) in enumerate(zip(BANDS[layer], RECOMMENDED, strict=True), start=1):
        expected = zones * units / OF_UNITS
        counts = math.floor(expected * (1 - EITHER_WAY)), math.ceil(expected * (1 + EITHER_WAY))
        levels.append(zd.Level(str(number), weekly_hours=band, max_minutes=REACH[layer], zones=counts))
    return levels


def problem(units: int = 33_000, seed: int = 0, layer: str = "oa") -> zd.Problem:
    """Return the problem of about so many units: the module's text says how it is made."""
    import geopandas as gpd

    import zonedesign as zd
    from zonedesign.contiguity import Contiguity

    pieces = [real_piece(f"{name}-{layer}") for name in PIECES]
    tiles, wide = laid_out(pieces, units, REACH[layer], seed)
    first = np.concatenate([[0], np.cumsum([len(tile) for tile in tiles])])
    pairs = [tile.pairs + start for tile, start in zip(tiles, first, strict=False)]
    lengths = [tile.boundary_m for tile in tiles]
    parts = [(tile.minutes.tocoo(), at, at) for tile, at in zip(tiles, first, strict=False)]
    for a, b, out, into in seams(tiles, wide):
        pairs.append(np.column_stack([out + first[a], into + first[b]]))
        lengths.append(np.zeros(len(out)))
        for (start, end), gates in (((a, b), (out, into)), ((b, a), (into, out))):
            links = across(tiles[start], gates[0], tiles[end], gates[1], REACH[layer])
            parts.append((links, first[start], first[end]))
    ids = pd.Index([unit for tile in tiles for unit in tile.ids], name="unit")
    together = np.vstack(pairs)
    order = np.lexsort((together[:, 1], together[:, 0]))
    hours = np.concatenate([tile.hours for tile in tiles])
    places = [np.concatenate([getattr(tile, axis) for tile in tiles]) for axis in ("x", "y")]
    frame = gpd.GeoDataFrame({"hours": hours}, geometry=gpd.points_from_xy(*places), index=ids, crs=27700)
    graph = Contiguity(ids, together[order], np.concatenate(lengths)[order])
    return zd.Problem(
        zd.Units.from_frame(frame, hours="hours", contiguity=graph),
        _times(ids, parts, REACH[layer]),
        levels=levels_of(layer, len(ids)),
        rules=[zd.Contiguous()],
        about=zd.About(name=f"England-sized: {len(ids):,} {layer.upper()}s in {len(tiles)} tiles"),
    )


def _times(ids: pd.Index[Any], parts: Sequence[tuple[Any, int, int]], limit: float) -> zd.TravelTimes:
    """Return the travel times of all blocks (a table, its first row, its first column)."""
    import zonedesign as zd

    rows = np.concatenate([block.coords[0].astype(np.int64) + row for block, row, _ in parts])
    columns = np.concatenate([block.coords[1].astype(np.int64) + column for block, _, column in parts])
    minutes = np.concatenate([block.data for block, _, _ in parts])
    order = np.lexsort((columns, rows))
    indptr = np.zeros(len(ids) + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=len(ids)), out=indptr[1:])
    about = {"source": "tiles"}
    return zd.TravelTimes(
        ids, ids, indptr, columns[order], minutes[order], max_minutes=limit, provenance=about
    )


def check(asked: argparse.Namespace) -> None:
    """Print what the problem is, what it took, and what is impossible by name."""
    from zonedesign.contiguity import is_connected
    from zonedesign.solve.preflight import preflight

    began = CLOCK()
    made = problem(asked.units, asked.seed, asked.layer)
    seconds, memory = CLOCK() - began, peak_mb()
    low, high = (sum(level.zone_range[end] or 0 for level in made.levels) for end in (0, 1))
    graph = made.units.contiguity
    connected = graph is not None and is_connected(graph, np.arange(len(made.units)))
    print(f"{made.about.name}; {len(made.times.minutes):,} pairs in reach; {made.hours.sum():,.0f} hours")
    print(f"zones expected: {len(made.units) * sum(RECOMMENDED) / OF_UNITS:,.0f} ({low:,} to {high:,})")
    for level in made.levels:
        print(f"  level {level.name}: {level.weekly_hours} h, {level.max_minutes:g} minutes, {level.zones}")
    print(f"all connected: {'yes' if connected else 'no'}; built in {seconds:.1f} s, {memory or 0:,.0f} MB")
    causes = preflight(made)
    print(f"arcs: {len(made.arcs.units):,}; {peak_mb() or 0:,.0f} MB with arcs and checks")
    print("impossible by name:", "; ".join(causes) or "nothing")


def main() -> None:
    """Build the problem, and say what it is where asked to."""
    parser = argparse.ArgumentParser(description="a problem as large as England, tiled from real pieces")
    parser.add_argument("--units", type=int, default=33_000)
    parser.add_argument("--layer", choices=list(BANDS), default="oa")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check", action="store_true", help="say what is impossible by name, too")
    asked = parser.parse_args()
    if asked.check:
        check(asked)
    else:
        print(problem(asked.units, asked.seed, asked.layer))


if __name__ == "__main__":
    main()
