"""Travel times against their peers on real roads, in one run, checked to be equal: docs/travel-times.md.

    python benchmarks/travel.py [--write] [--rounds 5] [--only PEER ...]

It needs the folder of real data beside the checkout, or named in ZONEDESIGN_GEODATA, and peers.txt
installed. All pairs of 430 LSOAs and of 2,184 OAs within 15 and 30 minutes, every unit's point moved to the
node of the main part nearest to it, so that all do the same work; ours through the public `travel_times`,
with all that it does (snapping, search, the sparse result). Each peer works in a process of its own, one
after another. Seconds are medians of the rounds. `--write` puts the tables on the page.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
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
    peak_mb,
    se_hampshire,
    standing_nodes,
    table,
    timed,
    write_block,
)  # fmt: skip
from peers import PEERS, Graph

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import geopandas as gpd
    from peers import Peer

    from zonedesign.roads import RoadNetwork
    from zonedesign.traveltimes import TravelTimes

LAYERS = ("lsoa", "oa")
CUTOFFS = (15, 30)
TRAFFIC = ("am-peak", "midday", "pm-peak", "evening")
SLACK = 1e-6
ROUNDS, ENOUGH = 3, 20.0
"""Rounds of a peer, and seconds after which it is given no further one; a sample has one."""
VERSIONS = ("numpy", "scipy", "numba", "pandana", "networkit", "igraph", "networkx", "osmnx")
QUIET = logging.getLogger("zonedesign")  # Selsey is out of reach, and that is known


def units_of(layer: str) -> gpd.GeoSeries:
    """Return the units' population points."""
    import geopandas as gpd

    units = gpd.read_file(se_hampshire() / f"{layer}.gpkg").set_index(f"{layer}11cd")
    places = units["point_easting"], units["point_northing"]
    return gpd.GeoSeries.from_xy(*places, crs=units.crs, index=units.index)


def points_at(roads: RoadNetwork, nodes: np.ndarray) -> gpd.GeoSeries:
    """Return points in the very places of nodes."""
    import geopandas as gpd

    return gpd.GeoSeries.from_xy(roads.x[nodes], roads.y[nodes], crs=roads.crs, index=range(len(nodes)))


def roads_of() -> RoadNetwork:
    """Return South-East Hampshire's roads."""
    import zonedesign as zd

    QUIET.setLevel(logging.ERROR)
    return zd.read_roads(se_hampshire() / "roads.osm.pbf")


def made_ready(folder: Path) -> dict[str, Any]:
    """Write the graph and the units' nodes for the children, and return what the roads are."""
    from scipy.spatial import cKDTree

    roads = roads_of()
    among = standing_nodes(roads)
    tree = cKDTree(np.column_stack([roads.x, roads.y])[among])
    nodes = {}
    for layer in LAYERS:
        points = units_of(layer)
        nodes[layer] = among[tree.query(np.column_stack([points.x, points.y]))[1]]
    kept = roads.quickest
    ways = {"tails": roads.tails[kept], "heads": roads.heads[kept], "minutes": roads.minutes[kept]}
    np.savez(folder / "graph.npz", x=roads.x, y=roads.y, **ways, **nodes)
    return {"roads": repr(roads), "main": int(roads.main.sum())}


def ours(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return our seconds, medians of the rounds, for every layer and cutoff."""
    import zonedesign as zd

    roads, folder = roads_of(), Path(task["scratch"])
    with np.load(folder / "graph.npz") as arrays:
        nodes = {layer: arrays[layer] for layer in LAYERS}
    standing = {layer: points_at(roads, nodes[layer]) for layer in LAYERS}
    actual = {layer: units_of(layer) for layer in LAYERS}
    zd.travel_times(deepcopy(roads), actual["lsoa"], max_minutes=15)  # machine code is read or made here
    told = {}
    for layer, cutoff in all_cases():
        rounds = []
        for turn in range(task["rounds"]):
            fresh = deepcopy(roads)  # as it was read: nothing more is kept of it
            times, seconds = one_round(fresh, standing, layer, cutoff)
            changed, speeds, call = other_traffic(
                fresh, standing[layer], TRAFFIC[turn % len(TRAFFIC)], cutoff
            )
            _, others = one_round(deepcopy(roads), actual, layer, cutoff)
            seconds |= {"speeds": speeds, "traffic": speeds + call}
            rounds.append(seconds | {f"actual {name}": spent for name, spent in others.items()})
            np.save(folder / f"ours-{layer}-{cutoff}.npy", times.to_array())
            check_sample(changed[0], nodes[layer], changed[1].to_array(), cutoff)
        told[f"{layer}-{cutoff}"] = {name: median(each[name] for each in rounds) for name in rounds[0]}
    return told


def one_round(
    fresh: RoadNetwork, points: Mapping[str, gpd.GeoSeries], layer: str, cutoff: int
) -> tuple[TravelTimes, dict[str, float]]:
    """Return the seconds of a first call on roads of which nothing is kept, and of another.

    In between they answer for other points, so that the second answer can be no kept one.
    """
    import zonedesign as zd

    first = timed(lambda: zd.travel_times(fresh, points[layer], max_minutes=cutoff), 1)[1][0]
    zd.travel_times(fresh, points[LAYERS[1 - LAYERS.index(layer)]], max_minutes=5)
    times, (again,) = timed(lambda: zd.travel_times(fresh, points[layer], max_minutes=cutoff), 1)
    return times, {"first": first, "again": again}


def other_traffic(
    known: RoadNetwork, points: gpd.GeoSeries, hour: str, cutoff: int
) -> tuple[tuple[RoadNetwork, TravelTimes], float, float]:
    """Return the roads at another hour and their travel times, the seconds of its speeds, and of the call."""
    import zonedesign as zd

    changed, (speeds,) = timed(lambda: known.with_profile(hour), 1)
    times, (call,) = timed(lambda: zd.travel_times(changed, points, max_minutes=cutoff), 1)
    return (changed, times), speeds, call


def all_cases() -> Iterator[tuple[str, int]]:
    """Yield every layer and cutoff."""
    return ((layer, cutoff) for layer in LAYERS for cutoff in CUTOFFS)


def check_sample(roads: RoadNetwork, nodes: np.ndarray, found: np.ndarray, cutoff: float) -> None:
    """Raise where a few rows are not scipy's."""
    from scipy import sparse
    from scipy.sparse import csgraph

    kept = roads.quickest
    ways = roads.minutes[kept], (roads.tails[kept], roads.heads[kept])
    graph = sparse.csr_array(ways, shape=(len(roads.x), len(roads.x)))
    rows = np.linspace(0, len(nodes) - 1, 16).astype(int)
    expected = csgraph.dijkstra(graph, indices=nodes[rows], limit=cutoff + SLACK)[:, nodes]
    np.testing.assert_allclose(found[rows], expected, rtol=1e-9, atol=1e-9)


def first(_task: Mapping[str, Any]) -> dict[str, Any]:
    """Return the seconds of a process that does one thing: the LSOAs within 15 minutes."""
    import zonedesign as zd

    began = CLOCK()
    roads, points = roads_of(), units_of("lsoa")
    ready = CLOCK()
    zd.travel_times(roads, points, max_minutes=15)
    return {"read": ready - began, "call": CLOCK() - ready}


def memory(_task: Mapping[str, Any]) -> dict[str, Any]:
    """Return the most memory that a process needs which does one thing: the OAs within 30 minutes."""
    import zonedesign as zd

    roads, points = roads_of(), units_of("oa")
    told = {"reading": peak_mb()}
    forget_peak()
    told["held"] = held_mb()
    times = zd.travel_times(roads, points, max_minutes=30)
    return {
        **told,
        "above": above(told["held"]),
        "peak": max(peak_mb() or 0.0, told["reading"] or 0.0),
        "pairs": len(times.minutes),
    }


def work_of(asked: Peer, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return what a peer is asked for, sources and targets, and how many times as much the whole is."""
    if asked.pairs:
        sources, targets = np.random.default_rng(1).choice(nodes, (2, asked.sample))
        return sources, targets, len(nodes) ** 2 / len(sources)
    count = min(asked.sample or len(nodes), len(nodes))
    sources = nodes[np.linspace(0, len(nodes) - 1, count).astype(int)]
    return sources, nodes, len(nodes) / count


def peer(task: Mapping[str, Any]) -> dict[str, Any]:
    """Return a peer's seconds and memory, leaving what it found in the folder."""
    folder, layer, asked = Path(task["scratch"]), task["layer"], PEERS[task["name"]]
    graph = Graph.read(str(folder / "graph.npz"))
    with np.load(folder / "graph.npz") as arrays:
        nodes = np.unique(arrays[layer])
    sources, targets, whole = work_of(asked, nodes)
    if asked.start:
        asked.start(graph)
    forget_peak()
    before = held_mb()
    prepared, seconds = timed(lambda: asked.prepare(graph), 1 if asked.sample else ROUNDS, ENOUGH)
    told: dict[str, Any] = {"prepare": median(seconds), "scale": whole, "sources": len(sources)}
    for cutoff in CUTOFFS if asked.cutoff else CUTOFFS[-1:]:
        limit = cutoff + SLACK
        found, seconds = timed(
            lambda: asked.query(prepared, sources, targets, limit),  # noqa: B023
            1 if asked.sample else ROUNDS,
            ENOUGH,
        )
        np.savez(
            folder / f"{task['name']}-{layer}-{cutoff}.npz", found=found, sources=sources, targets=targets
        )
        told[str(cutoff)] = median(seconds) * whole
        told["rounds"] = min(told.get("rounds", len(seconds)), len(seconds))
    return told | {"above": above(before)}


TASKS = {"ours": ours, "first": first, "memory": memory, "peer": peer}


def difference(folder: Path, name: str, layer: str, cutoff: int) -> float:
    """Return by how many minutes a peer differs from ours at most, or raise where that is too much.

    A pair that only one of the two has within the cutoff must lie on it, to the peer's tolerance.
    """
    asked = PEERS[name]
    with np.load(folder / "graph.npz") as arrays:
        nodes, places = np.unique(arrays[layer], return_index=True)
    with np.load(folder / f"{name}-{layer}-{cutoff if asked.cutoff else CUTOFFS[-1]}.npz") as arrays:
        theirs, sources, targets = arrays["found"], arrays["sources"], arrays["targets"]
    rows, columns = (places[np.searchsorted(nodes, each)] for each in (sources, targets))
    own = np.load(folder / f"ours-{layer}-{cutoff}.npy")
    own = own[rows, columns] if asked.pairs else own[np.ix_(rows, columns)]
    theirs = np.where(theirs <= cutoff + SLACK, theirs, np.inf)
    both = np.isfinite(own) & np.isfinite(theirs)
    alone = np.where(np.isfinite(own), own, theirs)[np.isfinite(own) != np.isfinite(theirs)]
    apart = float(np.abs(own[both] - theirs[both]).max(initial=0.0))
    if apart > asked.tolerance or (np.abs(alone - cutoff) > asked.tolerance + SLACK).any():
        raise SystemExit(
            f"{name} and ours differ by {apart} minutes, and on {len(alone)} pairs near the cutoff"
        )
    return apart


def measured(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return everything, one process after another."""
    about: dict[str, Any] = {"machine": machine(VERSIONS), **made_ready(folder)}
    code = {"ZONEDESIGN_CACHE": str(folder / "code")}
    task = {"scratch": str(folder), "rounds": asked.rounds}

    def tell(name: str, /, **more: Any) -> dict[str, Any]:
        told = child(__file__, {"task": name, **task, **more}, **code)
        print(name, *more.values(), json.dumps(told)[:300], flush=True)
        return told

    about["compiling"], about["cached"] = tell("first"), tell("first")
    about["memory"], about["ours"] = tell("memory"), tell("ours")
    if "failed" in about["ours"]:
        raise SystemExit(f"ours failed: {about['ours']['failed']}")
    about["peers"] = {}
    for name in asked.only or PEERS:
        for layer in LAYERS:
            told = tell("peer", name=name, layer=layer)
            if "failed" not in told:
                told["apart"] = max(difference(folder, name, layer, cutoff) for cutoff in CUTOFFS)
            about["peers"][name, layer] = told
    with np.load(folder / "graph.npz") as arrays:
        for layer in LAYERS:
            about[layer] = len(arrays[layer]), len(np.unique(arrays[layer]))
    for layer, cutoff in all_cases():
        about[layer, cutoff] = int(np.isfinite(np.load(folder / f"ours-{layer}-{cutoff}.npy")).sum())
    about["machine"] += f" {ended()}"
    return about


HEADS = (
    "", "prepare s", "query 15 min s", "query 30 min s", "query / ours, 15", "query / ours, 30",
    "prepare + query / ours, 15", "prepare + query / ours, 30", "memory MB", "differs by", "asked",
)  # fmt: skip


def text_of(about: Mapping[str, Any]) -> str:
    """Return the block of the page."""
    parts = [
        about["machine"],
        f"Roads: {about['roads'].strip('<>')}; {about['main']:,} nodes in the main part.",
    ]
    for layer in LAYERS:
        count, distinct = about[layer]
        pairs = ", ".join(f"{about[layer, cutoff]:,} within {cutoff} minutes" for cutoff in CUTOFFS)
        parts.append(f"**{count:,} {layer.upper()} points** at {distinct:,} nodes; pairs in reach: {pairs}.")
        parts.append(table(HEADS, [*_own_rows(about, layer), *_peer_rows(about, layer)]))
    parts.append(_own_text(about))
    return "\n\n".join(parts)


def _own_rows(about: Mapping[str, Any], layer: str) -> list[Sequence[str]]:
    own = [about["ours"][f"{layer}-{cutoff}"] for cutoff in CUTOFFS]
    prepare = median(each["first"] - each["again"] for each in own)
    memory = about["memory"].get("above") if layer == "oa" else None
    query = [figure(each["again"]) for each in own]
    traffic = [figure(each["traffic"]) for each in own]
    shares = [figure(each["traffic"] / each["first"]) for each in own]
    return [
        ("**zonedesign**", figure(max(prepare, 0.0)), *query, "1", "1", "1", "1", figure(memory), "", "all"),
        ("zonedesign, traffic changed", "", *traffic, "", "", *shares, "", "", "all"),
    ]


def _peer_rows(about: Mapping[str, Any], layer: str) -> Iterator[Sequence[str]]:
    own = [about["ours"][f"{layer}-{cutoff}"] for cutoff in CUTOFFS]
    for (name, of), told in about["peers"].items():
        if of != layer:
            continue
        asked = PEERS[name]
        if "failed" in told:
            yield (asked.title, *[""] * 9, told["failed"])
            continue
        query = [told.get(str(cutoff), told[str(CUTOFFS[-1])]) for cutoff in CUTOFFS]
        alone = [spent / each["again"] for spent, each in zip(query, own, strict=True)]
        whole = [(told["prepare"] + spent) / each["first"] for spent, each in zip(query, own, strict=True)]
        if asked.sample:
            said = f"{told['sources']} {'pairs' if asked.pairs else 'origins'}, scaled"
        else:
            said = f"all, {told['rounds']} round{'s' * (told['rounds'] > 1)}"
        yield (
            asked.title, *map(figure, (told["prepare"], *query, *alone, *whole)),
            "" if asked.sample or name == "scipy-2" else figure(told["above"]), f"{told['apart']:.0e}", said,
        )  # fmt: skip


def _own_text(about: Mapping[str, Any]) -> str:
    rows = []
    for layer, cutoff in all_cases():
        told = about["ours"][f"{layer}-{cutoff}"]
        kinds = "first", "again", "actual first", "actual again", "speeds", "traffic"
        rows.append((f"{layer.upper()}, {cutoff} minutes", *(figure(told[kind]) for kind in kinds)))
    heads = (
        "seconds of ours", "first call", "call again", "units' own points, first", "again",
        "speeds of another hour", "those and a call",
    )  # fmt: skip
    made, kept, memory = about["compiling"], about["cached"], about["memory"]
    called, compiled, read, whole = (
        figure(each) for each in (kept["call"], made["call"], kept["read"], kept["process_seconds"])
    )
    peak, above_held, held, reading = (figure(memory[key]) for key in ("peak", "above", "held", "reading"))
    said = (
        f"A fresh process, LSOAs within 15 minutes: {whole} s in all, of which {read} s to read the roads "
        f"and the points and {called} s for the first call, with machine code that an earlier process left; "
        f"{compiled} s for that call where it is compiled. Most memory of a process that does the OAs within "
        f"30 minutes ({memory['pairs']:,} pairs): {peak} MB in all, {above_held} MB above the {held} MB held "
        f"before the call (reading the roads had needed {reading} MB)."
    )
    return f"{table(heads, rows)}\n\n{said}"


def main() -> None:
    """Measure, print, and write the block where asked to."""
    if sys.argv[1:2] == ["--child"]:
        task = json.loads(sys.argv[2])
        print(json.dumps(TASKS[task["task"]](task)))
        return
    parser = argparse.ArgumentParser(description="Travel times against their peers on real roads.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of ours (default 5)")
    parser.add_argument("--only", nargs="*", choices=list(PEERS), help="peers to measure (default all)")
    parser.add_argument("--write", action="store_true", help="write the tables on the page")
    asked = parser.parse_args()
    os.environ.pop("ZONEDESIGN_NO_CACHE", None)
    began = CLOCK()
    with tempfile.TemporaryDirectory() as scratch:
        text = text_of(measured(asked, Path(scratch)))
    print(f"\n{text}\n\nall equal; {CLOCK() - began:,.0f} s in all")
    if asked.write:
        write_block("travel", text)


if __name__ == "__main__":
    main()
