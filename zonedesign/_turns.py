"""Turn delays: the roads as a graph of turns, for travel times that count every turn.

Its nodes are the roads' edges, each as it is about to be driven; its edges are turns from one road edge into
the next, with the minutes of driving the first and of the turn.

What a turn costs is the profile's (`turn_seconds`): within `STRAIGHT_DEGREES` nothing but `straight`, from a
right angle on the whole of `left` or `right`, in between a part in proportion. It is added to what the
junction costs at the end of an edge, and counts where three roads or more meet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zonedesign._graphs import Doors, Graph, equal_pairs, spread, stands
from zonedesign._roadshape import legs
from zonedesign.profiles import profile as named_profile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.roads import RoadNetwork
    from zonedesign.snapping import Snapping

    Ints = NDArray[np.int64]
    Nodes = NDArray[np.int32]
    Flags = NDArray[np.bool_]
    Floats = NDArray[np.float64]

STRAIGHT_DEGREES = 30.0
"""A road that bends by no more than this goes straight on."""


class TurnGraph(Graph):
    """The roads as a graph of turns; a point at a node begins and ends with any edge there."""

    def ways_out(self, snapped: Snapping) -> Doors:
        """Return the edges that points can drive next, and after how many minutes."""
        rows, edges, shares = stands(snapped)
        driven = (self.roads.minutes - self.roads.junction_minutes)[edges]
        turns, whose = spread(self.indptr, edges)
        minutes = self.minutes[turns] - (shares * driven)[whose]
        at = np.flatnonzero(snapped.nodes >= 0)
        first, who = spread(self.roads.indptr, snapped.nodes[at])
        return Doors.of(
            len(snapped.nodes),
            np.concatenate([at[who], rows[whose]]),
            np.concatenate([first, self.heads[turns]]),
            np.concatenate([np.zeros(len(first)), minutes]),
            np.concatenate([np.full(len(first), -1), edges[whose]]),
        )

    def ways_in(self, snapped: Snapping) -> Doors:
        """Return the edges that points are reached along, and the minutes from where those begin."""
        rows, edges, shares = stands(snapped)
        driven = (self.roads.minutes - self.roads.junction_minutes)[edges]
        at = np.flatnonzero(snapped.nodes >= 0)
        order = np.argsort(self.roads.heads, kind="stable")
        into = np.searchsorted(self.roads.heads[order], np.arange(len(self.roads.node_ids) + 1))
        last, who = spread(into, snapped.nodes[at])
        last = order[last]
        return Doors.of(
            len(snapped.nodes),
            np.concatenate([at[who], rows]),
            np.concatenate([last, edges]),
            np.concatenate([self.roads.minutes[last], shares * driven]),
            np.concatenate([last, edges]),
        )

    def _beside(self, starts: Snapping, ends: Snapping) -> tuple[Ints, Ints, Floats, Ints]:
        """Return the columns of `beside`; the node at the end of an edge is reached without a turn."""
        rows, edges, shares = stands(starts)
        driven = (self.roads.minutes - self.roads.junction_minutes)[edges]
        at, columns = equal_pairs(self.roads.heads[edges].astype(np.int64), ends.nodes)
        left = self.roads.minutes[edges] - shares * driven
        more = rows[at], columns, left[at], edges[at]
        parts = zip(super()._beside(starts, ends), more, strict=True)
        rows, columns, minutes, edges = (np.concatenate(part) for part in parts)
        return rows, columns, minutes, edges


def turn_graph(roads: RoadNetwork) -> TurnGraph:
    """Return the roads as a graph of turns.

    Turning back is left out where another way leads on, but for dead ends and junctions; so are the turns
    that `banned_turns` names, and edges that end where they begin.
    """
    speeds = named_profile("free-flow") if roads.speeds is None else roads.speeds
    seconds_of = tuple(speeds.turn_seconds.get(turn, 0.0) for turn in ("straight", "left", "right", "u_turn"))
    if "turns" not in roads.shape:
        roads.shape["turns"] = _turns(roads)
    indptr, first, second, back = roads.shape["turns"]
    key = f"seconds of turns, {seconds_of}"
    if key not in roads.shape:
        roads.shape[key] = _seconds(roads, first, second, back, seconds_of)
    minutes = roads.minutes[first] + roads.shape[key] / 60.0
    return TurnGraph("turns", roads, indptr, second, minutes, first)


def _turns(roads: RoadNetwork) -> tuple[Ints, Ints, NDArray[np.int32], Flags]:
    """Return the turns by their first edge: `indptr` (edges + 1,), the two edges, which turn back."""
    tail, head = roads.tails.astype(np.int64), roads.heads.astype(np.int64)
    n, m = len(roads.node_ids), len(head)
    loop = tail == head
    second, first = spread(roads.indptr, head)
    keep = ~loop[first] & ~loop[second]
    second, first = second[keep], first[keep]
    back = head[second] == tail[first]
    onward = np.bincount(first[~back], minlength=m) > 0
    arms = legs(n, tail, head)
    keep = ~(back & onward[first] & (arms[head[first]] == 2))
    if len(roads.banned_turns):
        banned = _triples(*roads.banned_turns.astype(np.int64).T)
        keep &= ~np.isin(_triples(tail[first], head[first], head[second]), banned)
    second, first, back = second[keep], first[keep], back[keep]
    indptr = np.zeros(m + 1, dtype=np.int64)
    np.cumsum(np.bincount(first, minlength=m), out=indptr[1:])
    return indptr, first, second.astype(np.int32), back


def _triples(start: Ints, via: Ints, end: Ints) -> NDArray[np.void]:
    """Return three columns as one that can be compared."""
    return np.rec.fromarrays([start, via, end])


def _seconds(
    roads: RoadNetwork, first: Ints, second: Nodes, back: Flags, seconds_of: tuple[float, ...]
) -> Floats:
    """Return what each turn takes by its angle; `seconds_of` straight, left, right and u_turn."""
    straight, left, right, u_turn = seconds_of
    east = roads.x[roads.heads] - roads.x[roads.tails]
    north = roads.y[roads.heads] - roads.y[roads.tails]
    a_x, a_y, b_x, b_y = east[first], north[first], east[second], north[second]
    degrees = -np.degrees(np.arctan2(a_x * b_y - a_y * b_x, a_x * b_x + a_y * b_y))  # 90: to the right
    part = np.clip((np.abs(degrees) - STRAIGHT_DEGREES) / (90.0 - STRAIGHT_DEGREES), 0.0, 1.0)
    found = straight + part * (np.where(degrees > 0, right, left) - straight)
    arms = legs(len(roads.node_ids), roads.tails, roads.heads)
    found = np.where(arms[roads.heads[first]] > 2, found, 0.0)
    seconds: Floats = np.where(back, u_turn, found)
    return seconds
