"""The columns of a road network to be: its nodes, its edges in any order, and the order they are kept in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyproj import CRS

    Ints = NDArray[np.integer[Any]]
    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]


def no_turns() -> NDArray[np.int32]:
    """Return an empty list of banned turns, (0, 3)."""
    return np.zeros((0, 3), dtype=np.int32)


@dataclass(frozen=True, eq=False)
class NodeColumns:
    """The nodes of a network to be: ids, places in metres in `crs`, where roads leave, banned turns."""

    node_ids: NDArray[np.int64]
    x: Floats
    y: Floats
    crs: CRS
    cut: Flags | None = None
    banned_turns: NDArray[np.int32] = field(default_factory=no_turns)


@dataclass(frozen=True, eq=False)
class Pieces:
    """The pieces (p,) that edges are cut into: those of one edge one after another, the way it is travelled.

    `edge` is the edge that each is part of, `share` the part of its length; `tails` and `heads` are node
    positions, the new nodes at `x` and `y` (k,) coming after those known before.
    """

    edge: NDArray[np.int64]
    tails: NDArray[np.int64]
    heads: NDArray[np.int64]
    share: Floats
    x: Floats
    y: Floats


@dataclass(frozen=True, eq=False)
class EdgeColumns:
    """The edges of a network to be, in any order; the columns are those of `RoadNetwork`."""

    tails: Ints
    heads: Ints
    length_m: Floats
    road_class: Ints
    maxspeed_kph: Floats
    built_up: Flags
    junction: NDArray[np.int8]
    given_minutes: Floats

    def in_pieces(self, pieces: Pieces) -> EdgeColumns:
        """Return the pieces as edges: length and given minutes shared out, the junction at the last one."""
        edge, share = pieces.edge, pieces.share
        last = np.ones(len(edge), dtype=np.bool_)
        last[:-1] = edge[1:] != edge[:-1]
        return EdgeColumns(
            pieces.tails,
            pieces.heads,
            self.length_m[edge] * share,
            self.road_class[edge],
            self.maxspeed_kph[edge],
            self.built_up[edge],
            np.where(last, self.junction[edge], 0).astype(np.int8),
            self.given_minutes[edge] * share,
        )

    def in_order(self, nodes: int) -> dict[str, Any]:
        """Return `indptr` and the edges by tail and head; parallels stay in the order they came in."""
        order = np.lexsort((self.heads, self.tails))
        indptr = np.zeros(nodes + 1, dtype=np.int64)
        np.cumsum(np.bincount(self.tails, minlength=nodes), out=indptr[1:])
        return {
            "indptr": indptr,
            "heads": self.heads[order].astype(np.int32),
            "length_m": self.length_m[order],
            "road_class": self.road_class[order].astype(np.int16),
            "maxspeed_kph": self.maxspeed_kph[order],
            "built_up": self.built_up[order],
            "junction": self.junction[order],
            "given_minutes": self.given_minutes[order],
        }


def quickest(tails: Ints, heads: Ints, minutes: Floats) -> Flags:
    """Return which edges (m,), sorted by tail and head, are the quickest between their ends: one a pair.

    Of parallels that take equally long, the first.
    """
    again = np.zeros(len(heads), dtype=np.bool_)
    again[1:] = (tails[1:] == tails[:-1]) & (heads[1:] == heads[:-1])
    kept = ~again
    if again.any():
        rivals = again.copy()
        rivals[:-1] |= again[1:]
        at = np.flatnonzero(rivals)
        pair = np.cumsum(~again[at])
        order = np.lexsort((at, minutes[at], pair))
        best = np.ones(len(at), dtype=np.bool_)
        best[1:] = pair[order][1:] != pair[order][:-1]
        kept[at] = False
        kept[at[order[best]]] = True
    return kept
