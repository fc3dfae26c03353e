"""The peers that travel times are measured against: how each prepares, and how it answers, given its best.

Every peer gets the same directed graph, the quickest of parallel roads only, and positions of nodes without
repeats, and returns minutes (sources, targets) as float64 with inf for none. A peer that knows no cutoff
answers all pairs. The slow ones answer a sample of origins, or of pairs, which is scaled up.
"""

from __future__ import annotations

import math
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    Ints = np.ndarray[Any, np.dtype[np.int64]]
    Floats = np.ndarray[Any, np.dtype[np.float64]]

ROWS = 8
"""Origins that scipy is asked for at a time: each row is as long as the graph, and 8 were quickest."""

WORKERS = 2

MILLIONTHS = 1000.0
"""pandana counts thousandths of its unit, so minutes times this are counted to a millionth of a minute."""


@dataclass(frozen=True)
class Graph:
    """A directed graph with minutes: `tails`, `heads`, `minutes` (m,), `x`, `y` (n,); and its file."""

    tails: Ints
    heads: Ints
    minutes: Floats
    x: Floats
    y: Floats
    path: str

    @classmethod
    def read(cls, path: str) -> Graph:
        """Return the graph in an npz file."""
        with np.load(Path(path)) as arrays:
            return cls(*(arrays[name] for name in ("tails", "heads", "minutes", "x", "y")), path=path)

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Peer:
    """How a peer works: `prepare(graph)`, then `query(prepared, sources, targets, limit)`.

    `cutoff` says whether it stops there; `sample` how many origins (or `pairs`) it is asked for, if not all;
    `tolerance` how many minutes it may differ by. `start` is called before any clock runs.
    """

    title: str
    prepare: Callable[[Graph], Any]
    query: Callable[[Any, Ints, Ints, float], Floats]
    cutoff: bool
    sample: int | None = None
    pairs: bool = False
    tolerance: float = 1e-6
    start: Callable[[Graph], Any] | None = None


def _table(graph: Graph) -> Any:
    from scipy import sparse

    return sparse.csr_array((graph.minutes, (graph.tails, graph.heads)), shape=(len(graph), len(graph)))


def _scipy(table: Any, sources: Ints, targets: Ints, limit: float) -> Floats:
    from scipy.sparse import csgraph

    found = np.empty((len(sources), len(targets)))
    for first in range(0, len(sources), ROWS):
        rows = csgraph.dijkstra(table, indices=sources[first : first + ROWS], limit=limit)
        found[first : first + ROWS] = rows[:, targets]
    return found


_KEPT: dict[str, Any] = {}  # what a process keeps: its pool, or a worker its table


def _begin_worker(path: str) -> None:
    _KEPT["table"] = _table(Graph.read(path))


def _worker(sources: Ints, targets: Ints, limit: float) -> Floats:
    return _scipy(_KEPT["table"], sources, targets, limit)


def _start_workers(graph: Graph) -> None:
    pool = ProcessPoolExecutor(WORKERS, get_context("spawn"), _begin_worker, (graph.path,))
    few = np.arange(1)
    list(pool.map(_worker, [few] * 8, [few] * 8, [0.1] * 8))
    _KEPT["pool"] = pool


def _scipy_workers(_table: Any, sources: Ints, targets: Ints, limit: float) -> Floats:
    parts = np.array_split(sources, max(1, len(sources) // 32))
    ask = partial(_worker, targets=targets, limit=limit)
    return np.concatenate(list(_KEPT["pool"].map(ask, parts)))


def _pandana_network(graph: Graph) -> Any:
    import pandana
    import pandas as pd

    ends = pd.Series(graph.tails), pd.Series(graph.heads)
    weights = pd.DataFrame({"minutes": graph.minutes * MILLIONTHS})
    return pandana.Network(pd.Series(graph.x), pd.Series(graph.y), *ends, weights, twoway=False)


def _pandana_pairs(network: Any, sources: Ints, targets: Ints, _limit: float) -> Floats:
    pairs = np.repeat(sources, len(targets)), np.tile(targets, len(sources))
    found = np.asarray(network.shortest_path_lengths(*pairs), dtype=np.float64)
    found[found >= 2**32 / 1000 - 1] = np.inf  # its mark for no way
    return found.reshape(len(sources), len(targets)) / MILLIONTHS


def _pandana_range(network: Any, sources: Ints, targets: Ints, limit: float) -> Floats:
    near = network.nodes_in_range(sources, limit * MILLIONTHS)
    place = np.full(len(network.nodes_df), -1)
    place[targets] = np.arange(len(targets))
    column = place[near["destination"].to_numpy()]
    row = np.searchsorted(sources, near["source"].to_numpy())
    found = np.full((len(sources), len(targets)), np.inf)
    found[row[column >= 0], column[column >= 0]] = near["minutes"].to_numpy()[column >= 0] / MILLIONTHS
    return found


def _networkit_graph(graph: Graph) -> Any:
    import networkit

    networkit.setNumberOfThreads(WORKERS)
    edges = graph.minutes, (graph.tails, graph.heads)
    return networkit.GraphFromCoo(edges, n=len(graph), weighted=True, directed=True)


def _networkit(network: Any, sources: Ints, targets: Ints, _limit: float) -> Floats:
    from networkit.distance import SPSP

    search = SPSP(network, sources.tolist())
    search.setTargets(targets.tolist())
    found = np.asarray(search.run().getDistances(), dtype=np.float64)
    return np.where(found < np.finfo(np.float64).max, found, np.inf)


def _igraph_graph(graph: Graph) -> Any:
    import igraph

    network = igraph.Graph(len(graph), np.column_stack([graph.tails, graph.heads]), directed=True)
    network.es["minutes"] = graph.minutes
    return network


def _igraph(network: Any, sources: Ints, targets: Ints, _limit: float) -> Floats:
    ends = sources.tolist(), targets.tolist()
    return np.array(network.distances(*ends, weights="minutes", mode="out"), dtype=np.float64)


def _networkx_graph(graph: Graph, multi: bool = False) -> Any:  # noqa: FBT001, FBT002
    import networkx as nx

    network = nx.MultiDiGraph(crs="EPSG:27700") if multi else nx.DiGraph()
    places = zip(graph.x.tolist(), graph.y.tolist(), strict=True)
    network.add_nodes_from((node, {"x": x, "y": y}) for node, (x, y) in enumerate(places))
    edges = zip(graph.tails.tolist(), graph.heads.tolist(), graph.minutes.tolist(), strict=True)
    network.add_weighted_edges_from(edges, weight="minutes")
    return network


def _networkx(network: Any, sources: Ints, targets: Ints, limit: float) -> Floats:
    from networkx import single_source_dijkstra_path_length as search

    found = np.full((len(sources), len(targets)), np.inf)
    for row, source in enumerate(sources.tolist()):
        lengths = search(network, source, cutoff=limit, weight="minutes")
        found[row] = [lengths.get(target, math.inf) for target in targets.tolist()]
    return found


def _osmnx(network: Any, sources: Ints, targets: Ints, _limit: float) -> Floats:
    """Return minutes (pairs,): its searches are of one origin and one destination.

    With more processes it sends the whole graph to each, which a sample would not make good.
    """
    import osmnx

    paths = osmnx.routing.shortest_path(network, sources.tolist(), targets.tolist(), weight="minutes", cpus=1)
    ways = [[] if path is None else list(pairwise(path)) for path in paths]
    sums = [sum(network.edges[u, v, 0]["minutes"] for u, v in way) for way in ways]
    return np.array([math.inf if path is None else own for path, own in zip(paths, sums, strict=True)])


PEERS = {
    "scipy": Peer("scipy `dijkstra(limit=)`, 1 process", _table, _scipy, cutoff=True),
    "scipy-2": Peer(
        f"scipy `dijkstra(limit=)`, {WORKERS} processes", _table, _scipy_workers, cutoff=True,
        start=_start_workers,
    ),
    "pandana": Peer(
        "pandana `shortest_path_lengths`", _pandana_network, _pandana_pairs, cutoff=False, tolerance=1e-3
    ),
    "pandana-range": Peer(
        "pandana `nodes_in_range`", _pandana_network, _pandana_range, cutoff=True, sample=48, tolerance=1e-3
    ),
    "networkit": Peer(
        f"networkit `SPSP`, {WORKERS} threads", _networkit_graph, _networkit, cutoff=False
    ),
    "igraph": Peer("igraph `distances`", _igraph_graph, _igraph, cutoff=False, sample=32),
    "networkx": Peer(
        "networkx `single_source_dijkstra_path_length`", _networkx_graph, _networkx, cutoff=True, sample=6
    ),
    "osmnx": Peer(
        "OSMnx `shortest_path`", partial(_networkx_graph, multi=True), _osmnx,
        cutoff=False, sample=24, pairs=True,
    ),
}  # fmt: skip
