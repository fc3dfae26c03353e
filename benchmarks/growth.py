"""How the time and memory of travel times grow with nodes, origins and cutoff: docs/travel-times.md.

    python benchmarks/growth.py [--write] [--quick]

South-East Hampshire's main part (from the folder of real data beside the checkout, or named in
ZONEDESIGN_GEODATA), circles cut from it, and copies of it side by side, joined by border links, up to 1.2
million nodes; and two graphs that no map looks like: a grid of a million nodes and a random graph where
every node has three neighbours. Each network has a process of its own, and a few rows of every answer are
compared with scipy's `dijkstra`. Points are origins and destinations at once, spread over the nodes by a
seed. `--quick` leaves the large ones out, `--write` puts the tables on the page.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import sys
import tempfile
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from measuring import (
    CLOCK,
    above,
    child,
    ended,
    figure,
    forget_peak,
    held_mb,
    machine,
    median,
    se_hampshire,
    standing_nodes,
    table,
    timed,
    write_block,
)
from scipy import sparse
from scipy.sparse import csgraph

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from zonedesign.roads import RoadNetwork

SLACK = 1e-6
SEED = 3
POINTS = 2000
CHECKED = 6
"""Rows of each answer that are compared with scipy's."""
LINKS = 5
"""Border links between copies side by side."""
ENOUGH = 3.0
"""Seconds after which a call is not repeated."""
GIVEN_UP = 240.0
GIGABYTES = 12
COSTS = ("first", "again", "traffic", "above")
SHOWN = ("first", "again", "traffic", "scipy", "above")


@dataclass(frozen=True)
class Case:
    """A network to be, by kind and size, and what it is asked: (points, cutoff) in the order of memory."""

    kind: str
    size: int
    asked: tuple[tuple[int, float | None], ...]


USUAL = ((POINTS, 15), (POINTS, None))
CUTOFFS = (5, 15, 30, 60, None)
CASES = (
    *(Case("circle", size, USUAL) for size in (5_000, 10_000, 20_000, 40_000)),
    Case("copies", 1, USUAL),
    Case("copies", 2, USUAL),
    Case("copies", 4, tuple((POINTS, cutoff) for cutoff in CUTOFFS)),
    Case("copies", 9, USUAL),
    Case("copies", 16, ((500, 15), *USUAL, (8_000, 15), (35_000, 15), (35_000, 30))),
    Case("grid", 1_000, ((POINTS, 15),)),
    Case("three neighbours", 20_000, ((500, 5), (500, 15))),
    Case("three neighbours", 100_000, ((500, 5), (500, 15))),
)
QUICK = tuple(
    case for case in CASES if case.size in {5_000, 20_000} or (case.kind, case.size) == ("copies", 1)
)


def base_frames(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return nodes (and whether a point may stand there) and edges of the main part, by position."""
    with np.load(path) as arrays:
        nodes = pd.DataFrame({name: arrays[name] for name in ("x", "y", "stands")})
        names = ("from", "to", "length_m", "maxspeed_kph", "built_up")
        edges = pd.DataFrame({name: arrays[name] for name in names})
        edges["road_class"] = arrays["class_names"][arrays["road_class"]]
    return nodes, edges


def write_base(path: Path) -> None:
    """Write the main part of the real roads for the children."""
    import zonedesign as zd

    roads = zd.read_roads(se_hampshire() / "roads.osm.pbf")
    inside, edges = roads.main, roads.main[roads.tails] & roads.main[roads.heads]
    new = np.cumsum(inside) - 1
    stands = np.isin(np.arange(len(roads.x)), standing_nodes(roads))
    columns = {
        name: getattr(roads, name)[edges] for name in ("length_m", "road_class", "maxspeed_kph", "built_up")
    }
    columns |= {
        "from": new[roads.tails[edges]],
        "to": new[roads.heads[edges]],
        "class_names": np.array(roads.class_names),
    }
    np.savez(path, x=roads.x[inside], y=roads.y[inside], stands=stands[inside], **columns)


def circle(base: tuple[pd.DataFrame, pd.DataFrame], size: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the part within a circle of about so many nodes around the middle of the built-up south."""
    nodes, edges = base
    away = np.hypot(nodes["x"] - nodes["x"].median(), nodes["y"] - nodes["y"].median())
    near = (away <= np.sort(away)[min(size, len(away)) - 1]).to_numpy()
    kept = edges[near[edges["from"]] & near[edges["to"]]]
    ends = np.ones(len(kept)), (kept["from"], kept["to"])
    _, part = csgraph.connected_components(
        sparse.csr_array(ends, shape=(len(nodes),) * 2), connection="strong"
    )
    main = part == np.bincount(part[near]).argmax()
    return nodes[main], kept[main[kept["from"]] & main[kept["to"]]]


def copies(base: tuple[pd.DataFrame, pd.DataFrame], count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return copies side by side in rows, joined to the next in row and column by a few links."""
    nodes, edges = base
    across = math.ceil(math.sqrt(count))
    step = np.ptp(nodes[["x", "y"]].to_numpy(), axis=0) + 200.0
    places = [(copy % across, copy // across) for copy in range(count)]
    all_nodes = [nodes.assign(x=nodes["x"] + i * step[0], y=nodes["y"] + j * step[1]) for i, j in places]
    all_edges = [
        edges.assign(**{end: edges[end] + k * len(nodes) for end in ("from", "to")}) for k in range(count)
    ]
    whole = pd.concat(all_nodes, ignore_index=True)
    for axis, other in (("x", "y"), ("y", "x")):
        last, initial = _border(nodes, axis, other)
        for copy, (i, j) in enumerate(places):
            beside = (i + 1, j) if axis == "x" else (i, j + 1)
            if beside in places:
                pair = last + copy * len(nodes), initial + places.index(beside) * len(nodes)
                all_edges += [_links(whole, *pair), _links(whole, *pair[::-1])]
    return whole, pd.concat(all_edges, ignore_index=True)


def _border(nodes: pd.DataFrame, axis: str, other: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the nodes of several strips that lie farthest along an axis, and those that lie least far."""
    strip = pd.qcut(nodes[other], LINKS, labels=False)
    along = nodes[axis].groupby(strip)
    return along.idxmax().to_numpy(), along.idxmin().to_numpy()


def _links(nodes: pd.DataFrame, start: np.ndarray, end: np.ndarray) -> pd.DataFrame:
    places = nodes[["x", "y"]].to_numpy()
    length = np.hypot(*(places[start] - places[end]).T)
    about = {"length_m": length, "maxspeed_kph": np.nan, "built_up": False, "road_class": "primary"}
    return pd.DataFrame({"from": start, "to": end, **about})


def grid(_base: object, side: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a square grid with streets of 100 to 200 m: many ways are nearly alike."""
    at = np.arange(side * side).reshape(side, side)
    pairs = np.concatenate([np.column_stack([at[:, :-1].ravel(), at[:, 1:].ravel()]),
                            np.column_stack([at[:-1].ravel(), at[1:].ravel()])])  # fmt: skip
    length = np.random.default_rng(SEED).uniform(100.0, 200.0, len(pairs))
    nodes = pd.DataFrame(
        {"x": 100.0 * (at % side).ravel(), "y": 100.0 * (at // side).ravel(), "stands": True}
    )
    about = {"length_m": np.tile(length, 2), "road_class": "residential", "built_up": True}
    both = np.concatenate([pairs, pairs[:, ::-1]])
    return nodes, pd.DataFrame({"from": both[:, 0], "to": both[:, 1], **about})


def three_neighbours(_base: object, size: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a random graph of three matchings, 0.5 to 1.5 minutes an edge: it has no small cut."""
    chance = np.random.default_rng(SEED)
    pairs = np.concatenate([chance.permutation(size).reshape(-1, 2) for _ in range(3)])
    both = np.concatenate([pairs, pairs[:, ::-1]])
    minutes = np.tile(chance.uniform(0.5, 1.5, len(pairs)), 2)
    side = math.ceil(math.sqrt(size))
    places = {"x": 100.0 * (np.arange(size) % side), "y": 100.0 * (np.arange(size) // side), "stands": True}
    edges = {"from": both[:, 0], "to": both[:, 1], "minutes": minutes, "road_class": "residential"}
    return pd.DataFrame(places), pd.DataFrame(edges)


MADE: dict[str, Callable[[Any, int], tuple[pd.DataFrame, pd.DataFrame]]] = {
    "circle": circle,
    "copies": copies,
    "grid": grid,
    "three neighbours": three_neighbours,
}


def one(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a network of a kind costs, case by case."""
    import geopandas as gpd

    import zonedesign as zd

    logging.getLogger("zonedesign").setLevel(logging.ERROR)
    base = base_frames(Path(task["base"])) if task["kind"] in {"circle", "copies"} else None
    nodes, edges = MADE[task["kind"]](base, task["size"])
    standing = nodes.index[nodes["stands"].astype(bool)].to_numpy()
    places = nodes[["x", "y"]].add([400_000.0, 100_000.0]) if base is None else nodes[["x", "y"]]
    roads = zd.RoadNetwork.from_frames(places, edges, crs=27700)
    del base, nodes, edges, places
    _limit_memory()
    position = pd.Series(np.arange(len(roads.node_ids)), index=roads.node_ids)
    told: dict[str, Any] = {"nodes": len(roads.node_ids), "edges": len(roads.heads), "rows": []}
    few = gpd.GeoSeries.from_xy(roads.x[:2], roads.y[:2], crs=roads.crs)
    if task.get("warm"):
        zd.travel_times(deepcopy(roads), few, max_minutes=0)  # machine code is read or made here
    for count, cutoff in task["asked"]:
        ids = np.random.default_rng(SEED).choice(standing, min(count, len(standing)), replace=False)
        at = position[ids].to_numpy()
        points = gpd.GeoSeries.from_xy(roads.x[at], roads.y[at], crs=roads.crs, index=ids)
        row = {"points": len(ids), "cutoff": cutoff, **_calls(roads, points, cutoff)}
        row["pairs"], row["scipy"] = _checked(roads, at[::-1], row.pop("times"), cutoff)
        told["rows"].append(row)
    return told


def _calls(roads: RoadNetwork, points: Any, cutoff: float | None) -> dict[str, Any]:
    """Return the seconds of a first call, on roads as they were made, of another, and the most memory.

    The other has the points in another order, so that its answer can be no kept one.
    """
    import zonedesign as zd

    fresh, before, seconds = deepcopy(roads), None, []
    while len(seconds) < 3 and sum(seconds) < ENOUGH:
        if seconds:
            fresh = None  # so that two are never held together
            fresh = deepcopy(roads)
        else:
            forget_peak()
            before = held_mb()
        began = CLOCK()
        zd.travel_times(fresh, points, max_minutes=cutoff)
        seconds.append(CLOCK() - began)
    times, again = timed(lambda: zd.travel_times(fresh, points[::-1], max_minutes=cutoff), 3, ENOUGH)
    told = {"first": median(seconds), "again": median(again), "above": above(before), "times": times}
    if np.isnan(roads.given_minutes).any():
        hours = iter(("am-peak", "midday", "pm-peak"))
        _, changed = timed(
            lambda: zd.travel_times(fresh.with_profile(next(hours)), points, max_minutes=cutoff), 3, ENOUGH
        )
        told["traffic"] = median(changed)
    return told


def _checked(roads: RoadNetwork, at: np.ndarray, times: Any, cutoff: float | None) -> tuple[int, float]:
    """Return the pairs in reach, and scipy's seconds, scaled from a few rows; raise where they differ."""
    kept, limit, seconds = roads.quickest, np.inf if cutoff is None else cutoff + SLACK, []
    ways = roads.minutes[kept], (roads.tails[kept], roads.heads[kept])
    graph = sparse.csr_array(ways, shape=(len(roads.x), len(roads.x)))
    for row in np.linspace(0, len(at) - 1, CHECKED).astype(int):
        span = slice(times.indptr[row], times.indptr[row + 1])
        found = np.full(len(at), np.inf)
        found[times.indices[span]] = times.minutes[span]
        began = CLOCK()
        expected = csgraph.dijkstra(graph, indices=at[row], limit=limit)[at]
        seconds.append(CLOCK() - began)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    return len(times.minutes), median(seconds) * len(at)


def _limit_memory() -> None:
    """Let a hostile graph fail rather than take the machine, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (GIGABYTES * 10**9, resource.RLIM_INFINITY))


def measured(cases: Sequence[Case], folder: Path) -> dict[Case, dict[str, Any]]:
    """Return what every case says, each in a process of its own."""
    write_base(folder / "base.npz")
    code = {"ZONEDESIGN_CACHE": str(folder / "code")}
    found: dict[Case, dict[str, Any]] = {}
    warm = {
        "base": str(folder / "base.npz"),
        "kind": "circle",
        "size": 1000,
        "asked": [(100, 5)],
        "warm": True,
    }
    child(__file__, warm, **code)
    for case in cases:
        task = {**warm, "kind": case.kind, "size": case.size, "asked": case.asked}
        hostile = case.kind not in {"circle", "copies"}
        found[case] = child(__file__, task, GIVEN_UP if hostile else 900.0, **code)
        print(case.kind, f"{case.size:,}", json.dumps(found[case])[:600], flush=True)
    return found


def slope(sizes: Sequence[float], values: Sequence[float | None]) -> str:
    """Return the exponent that fits best: the slope of logarithm on logarithm, by least squares."""
    good = [(size, value) for size, value in zip(sizes, values, strict=True) if value and value > 0]
    if len(good) < 3:
        return ""
    x, y = np.log(np.array(good, dtype=np.float64)).T
    return f"{np.polyfit(x, y, 1)[0]:.2f}"


def text_of(found: Mapping[Case, Mapping[str, Any]], where: str) -> str:
    """Return the block of the page."""
    lines = [line for case, told in found.items() for line in _rows(case, told)]
    heads = (
        "network", "nodes", "edges", "points", "cutoff", "pairs in reach", "first call s", "again s",
        "other traffic s", "scipy s, scaled", "memory MB",
    )  # fmt: skip
    parts = [where, table(heads, lines)]
    fits = list(_fits(found))
    if fits:
        parts.append("Exponents, the slope of logarithm on logarithm (1: twice as much for twice the size):")
        parts.append(
            table(("grows with", "from", "to", "first call", "again", "other traffic", "memory"), fits)
        )
    return "\n\n".join(parts)


def _rows(case: Case, told: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    titles = {"circle": "a circle", "copies": "whole" if case.size == 1 else f"{case.size} copies",
              "grid": f"grid {case.size:,} x {case.size:,}"}  # fmt: skip
    title = titles.get(case.kind, case.kind)
    if "failed" in told:
        yield (title, f"{case.size:,}", *[""] * 4, told["failed"], *[""] * 4)
        return
    for row in told["rows"]:
        cutoff = "none" if row["cutoff"] is None else f"{row['cutoff']:g}"
        sizes = (f"{value:,}" for value in (told["nodes"], told["edges"], row["points"]))
        costs = (figure(row.get(name)) for name in SHOWN)
        yield title, *sizes, cutoff, f"{row['pairs']:,}", *costs


def _fits(found: Mapping[Case, Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    rows = [
        {**row, "nodes": told["nodes"], "case": case}
        for case, told in found.items() if case.kind == "copies"
        for row in told.get("rows", ())
    ]  # fmt: skip
    largest = max((row["case"].size for row in rows), default=0)
    series = [
        (f"nodes, {POINTS:,} points {said}", "nodes",
         [row for row in rows if row["points"] == POINTS and row["cutoff"] == cutoff])
        for cutoff, said in ((15, "within 15 minutes"), (None, "without a cutoff"))
    ]  # fmt: skip
    of_largest = [row for row in rows if row["case"] == Case("copies", largest, row["case"].asked)]
    series.append(("points, within 15 minutes", "points", [row for row in of_largest if row["cutoff"] == 15]))
    several = [
        row for row in rows if row["case"].asked[-1][1] is None and len(row["case"].asked) > len(USUAL)
    ]
    series.append(("cutoff", "cutoff", [row for row in several if row["cutoff"]]))
    for title, by, some in series:
        sizes = [row[by] for row in some]
        if len(set(sizes)) > 2:
            fitted = (slope(sizes, [row.get(name) for row in some]) for name in COSTS)
            yield title, f"{min(sizes):,}", f"{max(sizes):,}", *fitted


def main() -> None:
    """Measure, print, and write the block where asked to."""
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(one(json.loads(sys.argv[2]))))
        return
    parser = argparse.ArgumentParser(description="How travel times grow with nodes, origins and cutoff.")
    parser.add_argument("--quick", action="store_true", help="a few small networks only")
    parser.add_argument("--write", action="store_true", help="write the tables on the page")
    asked = parser.parse_args()
    os.environ.pop("ZONEDESIGN_NO_CACHE", None)
    began = CLOCK()
    where = machine(("numpy", "scipy", "numba"))
    with tempfile.TemporaryDirectory() as scratch:
        found = measured(QUICK if asked.quick else CASES, Path(scratch))
    text = text_of(found, f"{where} {ended()}")
    print(f"\n{text}\n\nall equal; {CLOCK() - began:,.0f} s in all")
    if asked.write:
        write_block("growth", text)


if __name__ == "__main__":
    main()
