"""What touches what: the contiguity graph of the units, its components and its bridges."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign.errors import DataError, listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Contiguity:
    """An undirected graph over the units: which two are neighbours.

    `pairs` is (k, 2) positions into `ids`, smaller first, sorted, without repeats or loops; `boundary_m` (k,)
    is the length in metres that a pair shares (zero where it only touches, or where no geometry is known);
    `bridges` are the pairs of ids that were joined on purpose, in the order joined.
    """

    ids: pd.Index[Any]
    pairs: Ints
    boundary_m: Floats
    bridges: tuple[tuple[Any, Any], ...] = ()
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def from_pairs(
        cls,
        ids: pd.Index[Any],
        pairs: Iterable[tuple[Any, Any]],
        bridges: tuple[tuple[Any, Any], ...] = (),
    ) -> Contiguity:
        """Return the graph of `pairs` of ids; loops are dropped, repeats and reversals count once.

        Raises `DataError` for an id that is not in `ids`.
        """
        couples = [(a, b) for a, b in pairs]
        ends = pd.Index([a for a, _ in couples]), pd.Index([b for _, b in couples])
        if not couples:
            return cls(ids, np.zeros((0, 2), dtype=np.int64), np.zeros(0), bridges)
        left, right = (ids.get_indexer(end) for end in ends)
        strangers = [*ends[0][left < 0], *ends[1][right < 0]]
        if strangers:
            raise DataError(
                f"contiguity names {len(set(strangers)):,} ids that are no unit: {listed(dict.fromkeys(strangers))}"
            )
        both = np.column_stack([np.minimum(left, right), np.maximum(left, right)]).astype(np.int64)
        both = np.unique(both[both[:, 0] != both[:, 1]], axis=0)
        return cls(ids, both, np.zeros(len(both)), bridges)

    @classmethod
    def from_graph(cls, ids: pd.Index[Any], graph: Any) -> Contiguity:
        """Return the graph that the caller has: a `Contiguity`, a libpysal `Graph` or `W`, a networkx graph, or pairs.

        Raises `DataError` for an id that is not in `ids`, and for something that is none of these.
        """
        if isinstance(graph, Contiguity):
            return graph
        if hasattr(graph, "adjacency"):  # networkx has a method of that name, libpysal's Graph a Series
            edges = graph.edges() if callable(graph.adjacency) else graph.adjacency.index[graph.adjacency != 0]
            return cls.from_pairs(ids, ((edge[0], edge[1]) for edge in edges))
        if isinstance(getattr(graph, "neighbors", None), dict):  # libpysal W
            return cls.from_pairs(ids, ((a, b) for a, near in graph.neighbors.items() for b in near))
        try:
            return cls.from_pairs(ids, graph)
        except TypeError:
            raise DataError(
                f"contiguity is a {type(graph).__name__}; give a libpysal Graph or W, a networkx graph, or pairs of ids"
            ) from None

    @cached_property
    def csr(self) -> tuple[Ints, Ints, Floats]:
        """The graph both ways as `indptr` (n + 1,), `neighbours` (2k,) and `boundary_m` (2k,), rows sorted."""
        heads = np.concatenate([self.pairs[:, 0], self.pairs[:, 1]])
        tails = np.concatenate([self.pairs[:, 1], self.pairs[:, 0]])
        lengths = np.concatenate([self.boundary_m, self.boundary_m])
        order = np.lexsort((tails, heads))
        indptr = np.zeros(len(self.ids) + 1, dtype=np.int64)
        np.cumsum(np.bincount(heads, minlength=len(self.ids)), out=indptr[1:])
        return indptr, tails[order], lengths[order]

    @cached_property
    def component(self) -> Ints:
        """The component of every unit (n,), numbered from 0 in the order of their first unit."""
        indptr, neighbours, _ = self.csr
        label = np.full(len(self.ids), -1, dtype=np.int64)
        found = 0
        for start in range(len(self.ids)):
            if label[start] >= 0:
                continue
            label[start] = found
            stack = [start]
            while stack:
                unit = stack.pop()
                for other in neighbours[indptr[unit] : indptr[unit + 1]]:
                    if label[other] < 0:
                        label[other] = found
                        stack.append(int(other))
            found += 1
        return label

    def __repr__(self) -> str:
        parts = int(self.component.max(initial=-1)) + 1
        degree = np.bincount(self.pairs.ravel(), minlength=len(self.ids))
        return (
            f"<Contiguity: {len(self.ids):,} units, {len(self.pairs):,} pairs, {parts:,} components, "
            f"{int((degree == 0).sum()):,} isolates, {len(self.bridges):,} bridges>"
        )
