"""Turns that relations of an extract forbid to cars, as three nodes: from, via, to."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    Ints = NDArray[np.integer[Any]]
    Sides = dict[tuple[int, int], list[int]]

# From the most to the least particular to a car (OSM wiki, "Relation:restriction").
KEYS = ("restriction:motorcar", "restriction:motor_vehicle", "restriction")
_OURS = frozenset({"motorcar", "motor_vehicle", "vehicle"})
_TURNS = frozenset(
    {"no_left_turn", "no_right_turn", "no_straight_on", "no_u_turn", "no_entry", "no_exit"}
    | {"only_left_turn", "only_right_turn", "only_straight_on", "only_u_turn"}
)
_HOURS = ("day_on", "day_off", "hour_on", "hour_off")


@dataclass(frozen=True)
class Restriction:
    """What one relation says: the ways and the node it names; whether the turn is the only one allowed."""

    froms: tuple[int, ...]
    via: int
    tos: tuple[int, ...]
    only: bool
    u_turn: bool


def restriction(relation: Any, counts: Counter[str]) -> Restriction | None:
    """Return what a relation forbids a car at all hours; None, and counted, where that is not to be said."""
    tags = {tag.k: tag.v for tag in relation.tags}
    if not tags.get("type", "").startswith("restriction"):
        return None  # a route that bears a key of ours
    kind = next((tags[key] for key in KEYS if key in tags), None)
    excepted = {part.strip().lower() for part in tags.get("except", "").split(";")}
    if excepted & _OURS:
        counts["turn bans that except cars left out"] += 1
        return None
    if kind is None or any(key in tags for key in _HOURS):
        counts["turn bans at certain hours or for others than cars left out"] += 1
        return None
    members: dict[tuple[str, str], list[int]] = defaultdict(list)
    for member in relation.members:
        members[member.role, member.type].append(member.ref)
    froms, tos, vias = (tuple(members[role]) for role in (("from", "w"), ("to", "w"), ("via", "n")))
    if members["via", "w"]:
        counts["turn bans by way of a road left out"] += 1
        return None
    if kind not in _TURNS or not froms or not tos or len(vias) != 1:
        counts["turn bans not understood left out"] += 1
        return None
    return Restriction(froms, vias[0], tos, kind.startswith("only_"), kind.endswith("u_turn"))


def banned_turns(
    restrictions: list[Restriction],
    place: Mapping[int, int],
    node_ids: NDArray[np.int64],
    edges: tuple[Ints, Ints, Ints],
    counts: Counter[str],
) -> NDArray[np.int32]:
    """Return the banned turns (k, 3) as node positions: the node before, the junction, the node after.

    `place` gives the number of a way by its id; `edges` are tails, heads and the way's number (m,). A
    restriction whose ways or node are not among the roads bans nothing, and one whose way runs on through
    the junction does not say which side is meant: both are counted.
    """
    counts["turn bans read"] = len(restrictions)
    if not restrictions:
        return np.zeros((0, 3), dtype=np.int32)
    vias = np.array([each.via for each in restrictions], dtype=np.int64)
    order = np.argsort(node_ids, kind="stable")
    at = order[np.minimum(np.searchsorted(node_ids, vias, sorter=order), len(node_ids) - 1)]
    at = np.where(node_ids[at] == vias, at, -1)
    before, after, exits = _around(at, edges)
    found: set[tuple[int, int, int]] = set()
    for each, via in zip(restrictions, at.tolist(), strict=True):
        ins = [before[place[way], via] for way in each.froms if (place.get(way, -1), via) in before]
        outs = [after[place[way], via] for way in each.tos if (place.get(way, -1), via) in after]
        if not ins or not outs:
            counts["turn bans on roads that are not here left out"] += 1
        elif each.u_turn and not each.only and each.froms == each.tos:
            found |= {(node, via, node) for node in ins[0] if node in outs[0]}
        elif any(len(side) > 1 for side in ins + outs):
            counts["turn bans on a road that runs on through the junction left out"] += 1
        elif each.only:
            allowed = {side[0] for side in outs}
            found |= {(side[0], via, out) for side in ins for out in exits[via] - allowed}
        else:
            found |= {(side[0], via, out[0]) for side in ins for out in outs}
    counts["turns banned"] = len(found)
    return np.array(sorted(found), dtype=np.int32).reshape(-1, 3)


def _around(at: Ints, edges: tuple[Ints, Ints, Ints]) -> tuple[Sides, Sides, dict[int, set[int]]]:
    """Return by (way, junction) the nodes before and after it, and by junction where one can leave to."""
    tails, heads, way = edges
    before: Sides = defaultdict(list)
    after: Sides = defaultdict(list)
    exits: dict[int, set[int]] = defaultdict(set)
    into, out_of = (np.flatnonzero(np.isin(ends, at)) for ends in (heads, tails))
    for tail, head, number in _rows(tails[into], heads[into], way[into]):
        before[number, head].append(tail)
    for tail, head, number in _rows(tails[out_of], heads[out_of], way[out_of]):
        after[number, tail].append(head)
        exits[tail].add(head)
    return before, after, exits


def _rows(*columns: Ints) -> Iterator[tuple[int, ...]]:
    return zip(*(column.tolist() for column in columns), strict=True)
