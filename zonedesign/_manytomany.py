"""Many to many: the search over a road network, prepared once, and asked for any points and any traffic."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zonedesign._graphs import road_graph
from zonedesign._turns import turn_graph

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from zonedesign._graphs import Graph
    from zonedesign.progress import Progress
    from zonedesign.roads import RoadNetwork
    from zonedesign.snapping import Snapping

    Ints = NDArray[np.int64]
    Nodes = NDArray[np.int32]
    Floats = NDArray[np.float64]
    Table = tuple[Ints, Ints, Floats]
    Found = tuple[Ints, Nodes, Floats]


def graph_of(roads: RoadNetwork, *, turn_delays: bool = False) -> Graph:
    """Return what is searched on these roads."""
    return turn_graph(roads) if turn_delays else road_graph(roads)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A graph eliminated (`shape`, which no traffic changes) and its minutes along the upper edges."""

    graph: Graph
    core: int
    number: Nodes
    parent: Nodes
    after: Nodes
    indptr: Ints
    upper: Nodes
    up: Floats
    down: Floats


def prepared(roads: RoadNetwork, *, turn_delays: bool = False) -> Prepared:
    """Return the roads ready to be searched; what was worked out for the same roads before is used again.

    The elimination is kept for all profiles of the same roads, and its minutes for this one.
    """
    from zonedesign import _elimination as kernels  # noqa: PLC0415  (brings numba)

    key = f"prepared, turn delays {turn_delays}"
    if key not in roads.kept:
        graph = graph_of(roads, turn_delays=turn_delays)
        if key not in roads.shape:
            shape = _eliminated(graph)
            _, number, _, _, indptr, upper = shape
            roads.shape[key] = shape, kernels.slots(graph.indptr, graph.heads, number, indptr, upper)
        shape, slot = roads.shape[key]
        core, number, parent, after, indptr, upper = shape
        up, down = kernels.customise(slot, graph.minutes, core, indptr, upper)
        roads.kept[key] = Prepared(graph, core, number, parent, after, indptr, upper, up, down)
    ready: Prepared = roads.kept[key]
    return ready


def _eliminated(graph: Graph) -> tuple[Any, ...]:
    """Return the graph eliminated: to the last node, or where that is too much work, to its core."""
    from zonedesign import _elimination as kernels  # noqa: PLC0415  (brings numba)

    n = len(graph.indptr) - 1
    work = float(max(kernels.WORK_ALWAYS, kernels.WORK_PER_NODE * n))
    shape: tuple[Any, ...] = kernels.eliminate(*kernels.neighbours(graph.indptr, graph.heads), n, work)
    if shape[0]:
        joined = kernels.neighbours(graph.indptr, graph.heads)
        shape = kernels.eliminate(*joined, kernels.CORE_NEIGHBOURS, np.inf)
    return shape


def many_to_many(
    roads: RoadNetwork,
    starts: Snapping,
    ends: Snapping,
    *,
    limit: float,
    turn_delays: bool,
    threads: int,
    tell: Progress,
) -> tuple[Ints, Ints, Floats]:
    """Return minutes up to `limit`, sparse: `indptr` by start, `indices` of ends, `minutes`."""
    from zonedesign import _elimination, _kernels  # noqa: PLC0415  (bring numba)

    tell("travel times", None, f"{len(roads.node_ids):,} road nodes")
    ready = prepared(roads, turn_delays=turn_delays)
    tree, number = (ready.core, ready.parent, ready.after), ready.number
    doors = ready.graph.ways_out(starts)
    out, inward = doors.on(number), ready.graph.ways_in(ends).on(number)
    along = ready.graph.beside(starts, ends)
    near = along.indptr, along.nodes, along.minutes
    way = _kernels.descent(tree, (ready.indptr, ready.upper, ready.down), inward)
    up = ready.indptr, ready.upper, ready.up
    core = _elimination.core_edges(ready.core, *up, ready.down)
    deepest = np.full(len(starts.nodes), -1, dtype=np.int64)
    np.maximum.at(deepest, np.repeat(np.arange(len(deepest)), np.diff(doors.indptr)), out[1])
    order = np.argsort(
        deepest, kind="stable"
    )  # neighbours share their ancestors, and the ways down from them

    def chunk(first: int) -> tuple[Ints, Nodes, Floats]:
        some = order[first : first + size]
        return _kernels.within(out, some, tree, up, core, way, near, len(ends.nodes), limit)

    size = max(1, min(-(-len(order) // (4 * threads)), 512))
    size = -(-size // _kernels.LANES) * _kernels.LANES
    parts = _in_threads(chunk, range(0, len(order), size), threads, tell)
    bounds = np.zeros(len(order) + 1, dtype=np.int64)
    np.cumsum(np.concatenate([part[0] for part in parts]), out=bounds[1:])
    rows = np.empty(len(order), dtype=np.int64)
    rows[order] = np.arange(len(order))
    indices = np.concatenate([part[1] for part in parts])
    minutes = np.concatenate([part[2] for part in parts])
    table: Table = _kernels.gathered(bounds, indices, minutes, rows)
    return table


def _in_threads(chunk: Callable[[int], Found], firsts: range, threads: int, tell: Progress) -> list[Found]:
    """Return `chunk(first)` for every first, in their order; an interrupt waits for running chunks only."""
    pool = ThreadPoolExecutor(max_workers=threads)
    try:
        running = [pool.submit(chunk, first) for first in firsts]
        for done, _ in enumerate(as_completed(running), start=1):
            tell("travel times", done / len(running), f"{threads} threads" if threads > 1 else "1 thread")
        return [future.result() for future in running]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
