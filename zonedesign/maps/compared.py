"""The comparison page: two maps that move together, and what changes from the one plan to the other."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from markupsafe import Markup

from zonedesign.maps import alone, background, leaflet, palette
from zonedesign.maps import comparedrows as rows
from zonedesign.maps.shapes import Shapes, display
from zonedesign.maps.words import level_name, minutes, number
from zonedesign.plan import Plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.compare import Comparison
    from zonedesign.compare.sides import Side
    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]

_ROADS = ("main", "through")
"""Kinds of roads that are drawn, to find one's way by."""
MOST_FOR_ALL_PAIRS = 5
"""Up to so many plans any two can be shown side by side; of more, each with the first."""


def build(found: Comparison) -> str:
    """Return the comparison as one HTML file that fetches nothing."""
    problem, about = found.problem, found.problem.about
    drawn = [_Drawn(side, problem) for side in found.sides]
    shown = all(each.shapes is not None for each in drawn)
    chosen = _pairs(len(found.names))
    pairs = [
        _Pair(found.between(found.names[a], found.names[b]), drawn[a], drawn[b], (a, b)) for a, b in chosen
    ]
    order = [level.name for level in problem.levels]
    order += sorted({name for side in found.sides for name in side.levels} - set(order))
    level = {name: k for k, name in enumerate(order)}
    used = {
        (colour, level[name])
        for pair in pairs
        for colours, side in zip((pair.left, pair.right), (found.sides[k] for k in pair.at), strict=True)
        for colour, name in zip(colours, side.levels, strict=True)
    }
    context = {
        "title": about.name,
        "names": found.names,
        "said_names": rows.names_in_order(found.names),
        "sketch": about.sketch,
        "shown": shown,
        "as_points": bool(shown and drawn[0].shapes and drawn[0].shapes.as_points),
        "roads": bool(shown and about.roads is not None and not about.sketch),
        "patterned": [
            (level_name(name), palette.pattern(k), palette.pattern_name(k))
            for name, k in level.items()
            if any(name in side.levels for side in found.sides)
        ],
        "totals": rows.total_rows(found),
        "levels": rows.level_rows(found),
        "rules": rows.rule_rows(found),
        "pairs": [pair.context() for pair in pairs],
        "excluded": bool(drawn[0].shapes and len(drawn[0].shapes.excluded)),
        "incomplete": any(len(side.without_zone) for side in found.sides),
        "notes": [*found.notes, *dict.fromkeys(about.notes)],
        "sources": about.sources,
        "inputs": dict(about.inputs),
        "patterns": palette.definitions(used),
        "data": _data(found, drawn, pairs, level) if shown else {"shown": False},
    }  # fmt: skip
    constants = {
        "leaflet_css": leaflet.styles(),
        "leaflet_js": leaflet.script(),
        "page_css": alone.asset("page.css") + alone.asset("compare.css"),
        "compare_js": alone.asset("compare.js"),
    }
    made = {name: Markup(text) for name, text in constants.items()}  # noqa: S704  (installed files, our own)
    return alone.rendered("compare.html", {"kind": "internal"} | context | made)


class _Drawn:
    """One plan's shapes; `place` (k,) is where a zone's shape stands among them, -1 where it has none."""

    def __init__(self, side: Side, problem: Problem) -> None:
        self.side = side
        present, compact = np.unique(side.zone, return_inverse=True)
        at = present.tolist()  # -1 among them, where units have no zone: they are drawn as one shape
        plan = Plan(
            problem.units,
            problem.times,
            compact.astype(np.int64),
            tuple(side.zone_ids[k] if k >= 0 else "" for k in at),
            tuple(side.levels[k] if k >= 0 else "" for k in at),
            np.zeros(len(at), dtype=np.int64),
        )
        self.shapes: Shapes | None = display(plan)
        self.place = [at.index(k) if k in at else -1 for k in range(len(side.zone_ids))]
        self.none = at.index(-1) if -1 in at else -1

    def near(self, problem: Problem) -> set[tuple[int, int]]:
        """Return the pairs of zones that touch, in the graph or on the page."""
        found: set[tuple[int, int]] = set()
        if problem.units.contiguity is not None:
            pairs = palette.zone_neighbours(problem.units.contiguity.pairs, self.side.zone)
            found |= {pair for pair in pairs if min(pair) >= 0}
        if self.shapes is not None:
            near_by = (self.shapes.bounds[2] - self.shapes.bounds[0]) / 2000
            zones = self.shapes.zones
            touching = shapely.STRtree(zones).query(shapely.buffer(zones, near_by), "intersects").T
            zone_at = {place: k for k, place in enumerate(self.place)}
            ends = ((zone_at.get(int(a), -1), zone_at.get(int(b), -1)) for a, b in touching)
            found |= {(min(pair), max(pair)) for pair in ends if min(pair) >= 0 and pair[0] != pair[1]}
        return found


class _Pair:
    """Two plans side by side: `left` and `right` are the zones' colours, one for zones that are matched."""

    def __init__(self, found: Comparison, left: _Drawn, right: _Drawn, at: tuple[int, int]) -> None:
        self.found, self.at = found, at
        match = found.match()
        first = len(left.side.zone_ids)
        new = iter(range(first, first + len(match)))
        key = [int(theirs) if theirs >= 0 else next(new) for theirs in match]
        near = left.near(found.problem)
        near |= {(min(key[a], key[b]), max(key[a], key[b])) for a, b in right.near(found.problem)}
        chosen = palette.colours(near, first + sum(theirs < 0 for theirs in match))
        self.left, self.right = chosen[:first], [chosen[k] for k in key]
        self.moved: list[int] = np.flatnonzero(found.moves["moved"].to_numpy()).tolist()
        self.ways = _ways(left, right, self.moved)

    def context(self) -> dict[str, Any]:
        """Return what the template prints of two plans."""
        moves, every = rows.move_rows(self.found)
        return {
            "before": self.found.names[0],
            "after": self.found.names[1],
            "summary": rows.summary(self.found),
            "zones": rows.zone_rows(self.found),
            "moves": moves,
            "every": every,
            "groups": rows.group_tables(self.found),
        }

    def data(self) -> dict[str, Any]:
        """Return what the script draws of two plans."""
        return {
            "at": self.at,
            "colours": [self.left, self.right],
            "moved": self.moved,
            "ways": [shapely.geometry.mapping(shape) for shape in self.ways],
        }


def _ways(left: _Drawn, right: _Drawn, moved: list[int]) -> list[Any]:
    """Return the units that move from one zone to another as one shape for each such way."""
    if left.shapes is None:
        return []
    ways: dict[tuple[int, int], list[int]] = {}
    for k in moved:
        ways.setdefault((int(left.side.zone[k]), int(right.side.zone[k])), []).append(k)
    return [shapely.union_all(left.shapes.units[units]) for _, units in sorted(ways.items())]


def _pairs(count: int) -> list[tuple[int, int]]:
    if count <= MOST_FOR_ALL_PAIRS:
        return list(combinations(range(count), 2))
    return [(0, k) for k in range(1, count)]


def _data(
    found: Comparison, drawn: list[_Drawn], pairs: list[_Pair], level: dict[str, int]
) -> dict[str, Any]:
    """Return what the page's script draws and tells: shapes as GeoJSON, figures as texts ready to print."""
    problem, shapes = found.problem, drawn[0].shapes
    if shapes is None:
        return {"shown": False}
    units = problem.units
    people = [""] * len(units) if units.customers is None else [number(c) for c in units.customers]
    named = [""] * len(units) if units.name_column is None else units.frame[units.name_column].astype(str)
    return {
        "shown": True,
        "points": shapes.as_points,
        "bounds": _around([each.shapes for each in drawn]),
        "units": {
            "id": [str(each) for each in units.ids],
            "name": list(named),
            "customers": people,
            "hours": [number(hours, 1) for hours in problem.hours],
            "at": shapes.points[:, ::-1].tolist(),
            "shape": [shapely.geometry.mapping(shape) for shape in shapes.units],
        },
        "plans": [_plan(each, problem, level) for each in drawn],
        "pairs": [pair.data() for pair in pairs],
        "excluded": [shapely.geometry.mapping(shape) for shape in shapes.excluded],
        "roads": [
            {"colour": road.colour, "width": road.width, "lines": shapely.geometry.mapping(road.lines)}
            for road in background.road_lines(problem.about.roads, shapes)
            if road.name in _ROADS
        ],
    }


def _plan(each: _Drawn, problem: Problem, level: dict[str, int]) -> dict[str, Any]:
    side, shapes, cutoff = each.side, each.shapes, problem.times.max_minutes
    if shapes is None:
        return {}
    zones = []
    for k, (zone, name, of_level) in enumerate(zip(side.zone_ids, side.zone_names, side.levels, strict=True)):
        place, centre = each.place[k], int(side.centres[k])
        there = place >= 0
        zones.append(
            {
                "zone": zone,
                "name": name,
                "level": level_name(of_level),
                "pattern": palette.pattern(level[of_level]),
                "shape": shapely.geometry.mapping(shapes.zones[place]) if there else None,
                "label": shapes.labels[place, ::-1].tolist() if there else None,
                "room": round(float(shapes.room_m[place])) if there else 0,
                "centre": shapes.points[centre, ::-1].tolist() if centre >= 0 else None,
            }
        )
    return {
        "name": side.name,
        "zone": side.zone.tolist(),
        "minutes": [minutes(value, cutoff) for value in side.minutes],
        "reach": [minutes(value, cutoff) for value in side.reach_minutes],
        "zones": zones,
        "none": shapely.geometry.mapping(shapes.zones[each.none]) if each.none >= 0 else None,
    }


def _around(drawn: list[Shapes | None]) -> list[float]:
    every = np.array([shapes.bounds for shapes in drawn if shapes is not None])
    return [*every[:, :2].min(axis=0).tolist(), *every[:, 2:].max(axis=0).tolist()]
