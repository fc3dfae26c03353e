"""Search graphs: what is searched of a road network, and how points along its edges are joined to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.roads import RoadNetwork
    from zonedesign.snapping import Snapping

    Ints = NDArray[np.int64]
    Nodes = NDArray[np.int32]
    Floats = NDArray[np.float64]
    Table = tuple[Ints, Ints, Floats]


@dataclass(frozen=True, eq=False)
class Doors:
    """How points are joined to a graph: for point `p`, the places `indptr[p]` up to `indptr[p + 1]`.

    By place `nodes` (of the graph), the `minutes` between node and point, and the road `edges` driven
    meanwhile (-1: none).
    """

    indptr: Ints
    nodes: Ints
    minutes: Floats
    edges: Ints

    @classmethod
    def of(cls, size: int, rows: Ints, nodes: Ints, minutes: Floats, edges: Ints) -> Doors:
        """Return the doors of `size` points, one for each of `rows`, which says whose it is."""
        order = np.lexsort((nodes, rows))
        indptr = np.zeros(size + 1, dtype=np.int64)
        np.cumsum(np.bincount(rows, minlength=size), out=indptr[1:])
        return cls(indptr, nodes[order].astype(np.int64), minutes[order], edges[order].astype(np.int64))

    def on(self, number: Nodes) -> Table:
        """Return what the kernels take, on other numbers of the nodes."""
        return self.indptr, number[self.nodes].astype(np.int64), self.minutes


@dataclass(frozen=True, eq=False)
class Graph:
    """What is searched, by tail: `indptr` (n + 1,), `heads`, `minutes`, and the road edge driven, `edges`.

    Its nodes are those of the roads; with turn delays, the roads' edges as they are about to be driven.
    `name` says which, `roads` what it was made from.
    """

    name: str
    roads: RoadNetwork
    indptr: Ints
    heads: Nodes
    minutes: Floats
    edges: Ints

    def ways_out(self, snapped: Snapping) -> Doors:
        """Return the nodes that points come to first, and after how many minutes."""
        rows, edges, shares = stands(snapped)
        at = np.flatnonzero(snapped.nodes >= 0)
        driven = (self.roads.minutes - self.roads.junction_minutes)[edges]
        left = self.roads.minutes[edges] - shares * driven
        return Doors.of(
            len(snapped.nodes),
            np.concatenate([at, rows]),
            np.concatenate([snapped.nodes[at], self.roads.heads[edges]]),
            np.concatenate([np.zeros(len(at)), left]),
            np.concatenate([np.full(len(at), -1), edges]),
        )

    def ways_in(self, snapped: Snapping) -> Doors:
        """Return the nodes that points are reached from, and the minutes that are left from there."""
        rows, edges, shares = stands(snapped)
        at = np.flatnonzero(snapped.nodes >= 0)
        driven = (self.roads.minutes - self.roads.junction_minutes)[edges]
        return Doors.of(
            len(snapped.nodes),
            np.concatenate([at, rows]),
            np.concatenate([snapped.nodes[at], self.roads.tails[edges]]),
            np.concatenate([np.zeros(len(at)), shares * driven]),
            np.concatenate([np.full(len(at), -1), edges]),
        )

    def beside(self, starts: Snapping, ends: Snapping) -> Doors:
        """Return the points that each start reaches without passing a node, as the `nodes` of its doors.

        They are at the same node, or farther along the same edge; where both are the same points, each
        reaches itself, also when it has no road.
        """
        return Doors.of(len(starts.nodes), *self._beside(starts, ends))

    def _beside(self, starts: Snapping, ends: Snapping) -> tuple[Ints, Ints, Floats, Ints]:
        """Return the columns of `beside`: starts, ends, minutes, edges."""
        driven = self.roads.minutes - self.roads.junction_minutes
        rows, columns = equal_pairs(starts.nodes, ends.nodes)
        if starts is ends:
            lost = np.flatnonzero((starts.nodes < 0) & (starts.edges < 0))
            rows, columns = np.concatenate([rows, lost]), np.concatenate([columns, lost])
        found = [(rows, columns, np.zeros(len(rows)), np.full(len(rows), -1))]
        for here, there, sign in ((starts.edges, ends.edges, 1.0), (starts.backs, ends.backs, -1.0)):
            rows, columns = equal_pairs(here, there)
            ahead = sign * (ends.shares[columns] - starts.shares[rows])
            keep = ahead >= 0
            rows, columns, edges = rows[keep], columns[keep], here[rows[keep]]
            found.append((rows, columns, ahead[keep] * driven[edges], edges))
        rows, columns, minutes, edges = (np.concatenate(part) for part in zip(*found, strict=True))
        return rows, columns, minutes, edges


def stands(snapped: Snapping) -> tuple[Ints, Ints, Floats]:
    """Return (points, edges, shares) of all edges that points stand along, the one back included."""
    there, back = np.flatnonzero(snapped.edges >= 0), np.flatnonzero(snapped.backs >= 0)
    return (
        np.concatenate([there, back]),
        np.concatenate([snapped.edges[there], snapped.backs[back]]),
        np.concatenate([snapped.shares[there], 1.0 - snapped.shares[back]]),
    )


def road_graph(roads: RoadNetwork) -> Graph:
    """Return the roads themselves as a graph."""
    heads, edges = roads.heads.astype(np.int32), np.arange(len(roads.heads))
    minutes = roads.minutes.astype(np.float64)
    return Graph("roads", roads, roads.indptr.astype(np.int64), heads, minutes, edges)


def equal_pairs(a: Ints, b: Ints) -> tuple[Ints, Ints]:
    """Return the positions in `a` and in `b` of all pairs that are equal, and not -1."""
    order = np.argsort(b, kind="stable")
    low = np.searchsorted(b[order], a, side="left")
    count = np.where(a >= 0, np.searchsorted(b[order], a, side="right") - low, 0)
    places, rows = _ranges(low, count)
    return rows, order[places]


def spread(indptr: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Return the places of the chosen rows of a sparse table, and whose (a position in `rows`) each is."""
    return _ranges(indptr[rows], np.diff(indptr)[rows])


def _ranges(first: Ints, count: Ints) -> tuple[Ints, Ints]:
    """Return the places from each `first` on, so many of them, one after another, and whose each is."""
    whose = np.repeat(np.arange(len(first)), count)
    step = np.arange(len(whose)) - np.repeat(np.cumsum(count) - count, count)
    return first[whose] + step, whose
