"""Trips on the roads: the quickest way of each, as minutes by group of roads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from zonedesign import _manytomany as search
from zonedesign._figures import MAIN, STRATEGIC, UNHURRIED
from zonedesign._roadshape import legs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign._routes import Ways
    from zonedesign.roads import RoadNetwork

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

GROUPS = ("strategic", "main built-up", "main rural", "minor built-up", "minor rural")
"""The roads that share a factor, as they share the time of day in a profile."""

AS_GIVEN = len(GROUPS)
"""The column of minutes that no factor reaches: living streets, ferries, turns, minutes given as they are."""

_LEAST = 1e-12  # a way of no minutes is a way; sparse graphs may take a zero for none


def groups_of(road_class: str) -> tuple[int, int]:
    """Return the positions in `GROUPS` of a class of road, (built up, rural)."""
    if road_class in UNHURRIED:
        return AS_GIVEN, AS_GIVEN
    if road_class in STRATEGIC:
        return 0, 0
    return (1, 2) if road_class in MAIN else (3, 4)


def edge_groups(roads: RoadNetwork) -> Ints:
    """Return the group (m,) of every edge."""
    table = np.array([groups_of(name) for name in roads.class_names], dtype=np.int64)
    group = table[roads.road_class, (~roads.built_up).astype(np.intp)]
    return np.where(np.isnan(roads.given_minutes), group, AS_GIVEN)


@dataclass(frozen=True, eq=False)
class TripSearch:
    """A search graph in which the ends of trips are nodes of their own, and no node is merely passed.

    Edges by `tails` and `heads` among `nodes` nodes, with their `minutes` by group (m, groups + 1), between
    two nodes more than one where none is always the quickest. Trip `t` goes from node `sources[t]` to
    `targets[t]`, and spends `added[t]` minutes off the road.
    """

    nodes: int
    tails: Ints
    heads: Ints
    minutes: Floats
    sources: Ints
    targets: Ints
    added: Floats

    @classmethod
    def of(cls, ways: Ways, pairs: tuple[Ints, Ints], added: Floats) -> TripSearch:
        """Return the search for trips, by positions among the starts and among the ends of `ways`."""
        roads = ways.roads
        graph = search.graph_of(roads, turn_delays=ways.turn_delays)
        (origins, first), (goals, last) = (np.unique(side, return_inverse=True) for side in pairs)
        starts, ends = ways.starts.take(origins), ways.ends.take(goals)
        inner, k = len(graph.indptr) - 1, len(origins)
        out, into, along = graph.ways_out(starts), graph.ways_in(ends), graph.beside(starts, ends)
        start, end = inner + _rows(out.indptr), inner + k + _rows(into.indptr)
        edges = np.concatenate([graph.edges, out.edges, into.edges, along.edges])
        cost = np.concatenate([graph.minutes, out.minutes, into.minutes, along.minutes])
        group = np.where(edges < 0, AS_GIVEN, edge_groups(roads)[edges])
        scaled = np.minimum(cost, roads.minutes[edges])  # what an edge takes beyond its road is a turn
        minutes = np.zeros((len(cost), AS_GIVEN + 1))
        minutes[np.arange(len(cost)), group] = scaled
        minutes[:, AS_GIVEN] += np.where(edges < 0, 0.0, cost - scaled)
        tails = np.concatenate([_rows(graph.indptr), start, into.nodes, inner + _rows(along.indptr)])
        heads = np.concatenate([graph.heads, out.nodes, end, inner + k + along.nodes]).astype(np.int64)
        size = inner + k + len(goals)
        tails, heads, minutes = without_passing(size, tails, heads, minutes, np.arange(size) >= inner)
        left = np.union1d(np.union1d(tails, heads), np.arange(inner, size))
        tails, heads = np.searchsorted(left, tails), np.searchsorted(left, heads)
        sources, targets = np.searchsorted(left, inner + first), np.searchsorted(left, inner + k + last)
        return cls(len(left), tails, heads, minutes, sources, targets, added)

    def of_trips(self, chosen: Ints) -> TripSearch:
        """Return the search for some of the trips."""
        return replace(
            self, sources=self.sources[chosen], targets=self.targets[chosen], added=self.added[chosen]
        )

    def ways(self, factors: Floats, at_most: Floats) -> Floats:
        """Return minutes (trips, groups + 1) at present speeds on the way that is quickest with `factors`.

        `at_most` (trips,) is what no quickest way exceeds with these factors (inf: not known). A trip
        without a way is inf in every column.
        """
        price = self.minutes @ np.append(factors, 1.0)
        key = self.tails * self.nodes + self.heads
        order = np.lexsort((price, key))
        quickest = order[np.concatenate([[True], np.diff(key[order]) > 0])]
        indptr = np.zeros(self.nodes + 1, dtype=np.int32)
        np.cumsum(np.bincount(self.tails[quickest], minlength=self.nodes), out=indptr[1:])
        table = np.maximum(price[quickest], _LEAST), self.heads[quickest].astype(np.int32), indptr
        graph = sparse.csr_array(table, shape=(self.nodes, self.nodes))
        trips: list[int] = []
        steps: list[int] = []
        for source in np.unique(self.sources):
            rows = np.flatnonzero(self.sources == source)
            limit = float(at_most[rows].max()) * (1 + 1e-9) + 1e-6
            _, before = csgraph.dijkstra(graph, indices=int(source), limit=limit, return_predecessors=True)
            for row in rows.tolist():
                way = _steps_back(before, int(source), int(self.targets[row]), self.nodes)
                steps += way
                trips += [row] * len(way)
        used = quickest[np.searchsorted(key[quickest], np.array(steps, dtype=np.int64))]
        at = np.array(trips, dtype=np.int64)
        spent = np.zeros((len(self.sources), AS_GIVEN + 1))
        np.add.at(spent, at, self.minutes[used])
        spent[:, AS_GIVEN] += self.added
        spent[np.bincount(at, minlength=len(spent)) == 0] = np.inf
        return spent


def without_passing(
    nodes: int, tails: Ints, heads: Ints, minutes: Floats, kept: Flags
) -> tuple[Ints, Ints, Floats]:
    """Return `tails`, `heads` and `minutes` (m, k) of a graph without the nodes that are merely passed.

    They are those with at most two neighbours, three quarters of a road network; nodes that are `kept` stay.
    Between the others, every minute of every way is what it was.
    """
    rank = np.random.default_rng(0).permutation(nodes)
    while True:
        apart = tails != heads
        tails, heads, minutes = tails[apart], heads[apart], minutes[apart]
        passed = (legs(nodes, tails, heads) <= 2) & ~kept
        for side in (tails, heads):
            passed &= np.bincount(side, minlength=nodes) <= 4  # parallel edges multiply
        both = passed[tails] & passed[heads]  # of two neighbours one goes first
        passed[np.where(rank[tails] > rank[heads], tails, heads)[both]] = False
        into, out = np.flatnonzero(passed[heads]), np.flatnonzero(passed[tails])
        if not len(into) and not len(out):
            return tails, heads, minutes
        out = out[np.argsort(tails[out], kind="stable")]
        first = np.searchsorted(tails[out], heads[into])
        count = np.searchsorted(tails[out], heads[into], side="right") - first
        came = np.repeat(into, count)
        went = out[np.arange(len(came)) + np.repeat(first - np.cumsum(count) + count, count)]
        rest = ~passed[tails] & ~passed[heads]
        tails = np.concatenate([tails[rest], tails[came]])
        heads = np.concatenate([heads[rest], heads[went]])
        minutes = np.concatenate([minutes[rest], minutes[came] + minutes[went]])


def _rows(indptr: Ints) -> Ints:
    return np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))


def _steps_back(before: NDArray[Any], source: int, target: int, nodes: int) -> list[int]:
    """Return the keys of the edges from source to target, last first; none where there is no way."""
    steps: list[int] = []
    node = target
    while node != source:
        tail = int(before[node])
        if tail < 0:
            return []
        steps.append(tail * nodes + node)
        node = tail
    return steps
