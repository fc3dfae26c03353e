"""What an editing page knows: units, minutes, levels, rules, terms and the plan it starts from, as data.

Units are named by their place in the problem, and every rule brings what it needs to be checked in the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign import rules as kinds
from zonedesign.certificate import plain
from zonedesign.errors import DataError, require_unique
from zonedesign.maps import background, palette, words
from zonedesign.maps.packing import packed_json, packed_shapes, packed_times
from zonedesign.maps.shapes import display
from zonedesign.names import places_of
from zonedesign.plan import Plan
from zonedesign.units import attribute_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]


def edit_data(plan: Plan, problem: Problem, roads: Any) -> dict[str, Any]:
    """Return everything that the page computes with; nothing in it tells more of a customer than unit totals.

    The plan may be on part of the units. Raises `DataError` where it is on others, and where two ids read
    alike.
    """
    units = problem.units
    ids = [str(unit) for unit in units.ids]
    require_unique(ids, "unit id", "the units")
    at = units.ids.get_indexer(plan.of_units.ids)
    if (at < 0).any():
        raise DataError("the plan is not on the problem's units; read it with the problem's scenario")
    zone = np.full(len(ids), -1, dtype=np.int64)
    zone[at] = plan.zone
    limits = [m for lv in problem.levels for m in (lv.max_minutes, lv.max_minutes_between) if m is not None]
    return {
        "name": problem.about.name,
        "ids": ids,
        "excluded": [] if units.excluded is None else [str(unit) for unit in units.excluded.index],
        "names": None if units.name_column is None else _texts(units.frame[units.name_column]),
        "places": None if units.name_column is None else _coded(places_of(units)),
        "hours": problem.hours.tolist(),
        "customers": None if problem.customers is None else plain(problem.customers),
        "rank": units.id_order.tolist(),
        "columns": _columns(problem),
        "levels": [_level(level) for level in problem.levels],
        "rules": [_rule(rule, problem) for rule in problem.all_rules],
        "objective": _objective(problem),
        "graph": _graph(problem),
        "points": _points(problem),
        "start": _start(plan, zone, at, problem),
        "times": packed_times(problem.times, units.ids, limits),
        "cutoff": plain(problem.times.max_minutes),
        "map": _map(problem, roads),
    }


def _texts(column: pd.Series[Any]) -> list[str]:
    return ["" if missing else str(v).strip() for v, missing in zip(column, column.isna(), strict=True)]


def _coded(texts: list[str]) -> dict[str, list[Any]]:
    """Return texts as their values, sorted, and the number of each."""
    codes, values = pd.factorize(np.array(texts, dtype=object), sort=True)
    return {"values": [str(value) for value in values], "codes": codes.tolist()}


def _columns(problem: Problem) -> list[dict[str, Any]]:
    """Return what units can be chosen by: text columns that some of them share, and the borders."""
    units = problem.units
    found: dict[str, list[str]] = {}
    for name in attribute_columns(units.frame):
        if not pd.api.types.is_numeric_dtype(units.frame[name].dtype):
            found[name] = _texts(units.frame[name])
    series = {rule.name: rule.border for rule in problem.all_rules if isinstance(rule, kinds.NestIn)}
    if problem.objective.border is not None:
        series["border to follow"] = problem.objective.border
    for name, border in series.items():
        if not isinstance(border, str):
            found.setdefault(str(name), _texts(pd.Series(border).reindex(units.ids)))
    return [{"name": name, **_coded(texts)} for name, texts in found.items() if len(set(texts)) < len(texts)]


def _level(level: Any) -> dict[str, Any]:
    zones = level.zones
    return {
        "name": level.name,
        "title": words.level_name(level.name),
        "says": words.level_limits(level),
        "weekly_hours": plain(level.weekly_hours),
        "customers": plain(level.customers),
        "max_minutes": plain(level.max_minutes),
        "max_minutes_between": plain(level.max_minutes_between),
        "max_miles": plain(level.max_miles),
        "zones": plain(zones if isinstance(zones, tuple) else (zones, zones)),
        "hours_share": plain(level.hours_share),
        "contiguous": level.contiguous,
    }


def _rule(rule: Any, problem: Problem) -> dict[str, Any]:
    """Return a rule as `verify` checks it: its name, its level, and its units by their places."""
    ids = problem.units.ids
    made: dict[str, Any] = {"rule": type(rule).__name__, "level": getattr(rule, "level", None)}

    def at(units: Any) -> list[int]:
        places: list[int] = ids.get_indexer(pd.Index(list(units), dtype=ids.dtype)).tolist()
        return places

    if isinstance(rule, kinds.Character):
        asked = next(level.character for level in problem.levels if level.name == rule.level)
        if asked is None:
            return made | {"meant": None}
        meant = [value in tuple(asked.values) for value in problem.units.frame[asked.column].tolist()]
        made |= {"meant": np.flatnonzero(meant).tolist(), "at_least": plain(asked.at_least)}
    elif isinstance(rule, kinds.Together):
        made |= {"units": at(rule.units), "quantity": f"zones of {', '.join(map(str, rule.units))}"}
    elif isinstance(rule, kinds.Apart):
        made |= {"units": at((rule.a, rule.b)), "quantity": f"zones of {rule.a}, {rule.b}"}
    elif isinstance(rule, kinds.CentreAt):
        made |= {"units": at((rule.unit,)), "quantity": f"zones with their centre at {rule.unit}"}
    elif isinstance(rule, (kinds.Fixed, kinds.Frozen)):
        made |= _of_anchor(rule, problem, at)
    elif isinstance(rule, kinds.NestIn):
        codes = problem.border_codes(rule.border, rule.name, rule.joint)
        made |= {"codes": codes.tolist(), "quantity": f"codes of {rule.name}"}
    return made


def _of_anchor(rule: Any, problem: Problem, at: Any) -> dict[str, Any]:
    labels, names = problem.anchor_zones or (np.zeros(0, dtype=np.int64), ())
    number = names.index(rule.zone)
    if isinstance(rule, kinds.Frozen):
        units = np.flatnonzero(labels == number).tolist()
        return {"units": units, "quantity": f"units that left or joined {rule.zone}"}
    centres = problem.anchor_centres
    centre = -1 if centres is None else int(centres[number])
    said = f"{rule.unit} with the centre of {rule.zone}, {problem.units.ids[centre]}"
    return {"units": at((rule.unit,)), "centre": centre, "quantity": said}


def _objective(problem: Problem) -> dict[str, Any]:
    goal, before = problem.objective, problem.baseline_zones
    return {
        "weights": plain(
            {
                "mean_minutes": goal.travel,
                "moved": goal.change,
                "crossing": goal.borders,
                "boundary": goal.cut,
            }
        ),
        "baseline": None if before is None else before[0].tolist(),
        "border": None if problem.border is None else problem.border.tolist(),
    }


def _graph(problem: Problem) -> dict[str, Any] | None:
    graph = problem.units.contiguity
    if graph is None:
        return None
    ends = problem.units.ids.get_indexer(pd.Index([unit for pair in graph.bridges for unit in pair]))
    bridges = [[int(a), int(b)] for a, b in ends.reshape(-1, 2) if a >= 0 and b >= 0]
    return {
        "pairs": graph.pairs.ravel().tolist(),
        "boundary_m": graph.boundary_m.tolist(),
        "bridges": bridges,
    }


def _points(problem: Problem) -> dict[str, Any] | None:
    """Return the units' points on a plane, and how many miles a unit of that plane is."""
    points = problem.units.points
    if points is None:
        return None
    if points.crs is not None and points.crs.is_geographic:
        points = points.to_crs(points.estimate_utm_crs())
    metres = 1.0 if points.crs is None else float(points.crs.axis_info[0].unit_conversion_factor)
    return {"x": points.x.tolist(), "y": points.y.tolist(), "metres": metres}


def _start(plan: Plan, zone: Ints, at: Ints, problem: Problem) -> dict[str, Any]:
    graph = problem.units.contiguity
    pairs = np.zeros((0, 2), dtype=np.int64) if graph is None else graph.pairs
    both = pairs[(zone[pairs] >= 0).all(axis=1)]
    colours = palette.colours(palette.zone_neighbours(both, zone), len(plan.zone_ids))
    centres = [int(at[c]) if 0 <= c < len(at) else None for c in plan.centres.tolist()]
    zones = zip(plan.zone_ids, plan.levels, centres, colours, strict=True)
    return {
        "zone": zone.tolist(),
        "zones": [{"id": i, "level": lv, "centre": c, "colour": k} for i, lv, c, k in zones],
    }


def _map(problem: Problem, roads: Any) -> dict[str, Any] | None:
    """Return outlines and roads, packed; None where the units have no geometry with a CRS."""
    n = len(problem.units)
    # Any plan on all units gives their shapes; the page draws zones itself.
    nothing = np.zeros(n, dtype=np.int64)
    whole = Plan(problem.units, problem.times, nothing, ("",), ("",), nothing[:1])
    shapes = display(whole)
    if shapes is None:
        return None
    west, south, _, _ = shapes.bounds
    origin = (west, south)
    lines = [
        {
            "colour": r.colour,
            "width": r.width,
            "lines": _flat(packed_shapes(np.array([r.lines], dtype=object), origin, shapes.decimals)),
        }
        for r in background.road_lines(roads, shapes)
    ]
    drawn = {
        "units": None if shapes.as_points else packed_shapes(shapes.units, origin, shapes.decimals),
        "excluded": [] if shapes.as_points else packed_shapes(shapes.excluded, origin, shapes.decimals),
        "points": np.rint((shapes.points - np.array(origin)) * 10**shapes.decimals).astype(int).tolist(),
        "roads": lines,
    }
    return {
        "origin": origin,
        "decimals": shapes.decimals,
        "bounds": shapes.bounds,
        "as_points": shapes.as_points,
        "sketch": bool(getattr(roads, "sketch", False)),
        "drawn": packed_json(drawn),
    }


def _flat(parts: list[Any]) -> list[Any]:
    return [line for part in parts for rings in part for line in rings]
