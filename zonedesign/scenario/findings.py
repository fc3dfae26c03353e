"""What lines up in a problem and what does not: findings for `check`, as plain data."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from zonedesign._edges_of_data import doubts_said
from zonedesign.errors import counted, listed
from zonedesign.solve.preflight import preflight

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from zonedesign.problem import Problem


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `state` is "ok", "note" (worth reading) or "fault" (no plan can exist).

    `figures` are plain numbers, texts and lists.
    """

    subject: str
    state: str
    says: str
    figures: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the finding for JSON."""
        return asdict(self)


def findings(problem: Problem) -> list[Finding]:
    """Return what lines up and what does not: figures, then notes, then what makes a plan impossible."""
    parts: tuple[Callable[[Problem], list[Finding]], ...] = (
        _units, _demand, _contiguity, _roads, _snapping, _edges, _reach, _levels
    )  # fmt: skip
    found = [each for part in parts for each in part(problem)]
    said = {each.says for each in found}
    found += [Finding("notes", "note", note) for note in problem.about.notes if note not in said]
    return found + [Finding("preflight", "fault", cause) for cause in preflight(problem)]


def _units(problem: Problem) -> list[Finding]:
    units = problem.units
    excluded = [] if units.excluded is None else [str(each) for each in units.excluded.index]
    said = f", {counted(len(excluded), 'unit')} left out on purpose" if excluded else ""
    figures: dict[str, Any] = {"units": len(units), "excluded": excluded}
    if units.authority is not None:
        figures["authorities"] = {str(k): int(v) for k, v in units.authority.value_counts(sort=False).items()}
        said += f", {counted(len(figures['authorities']), 'commissioning council')}"
    return [Finding("units", "ok", f"{counted(len(units), 'unit')}{said}", figures)]


def _demand(problem: Problem) -> list[Finding]:
    hours, people = problem.hours, problem.customers
    total = float(hours.sum())
    empty = int((hours == 0).sum())
    said = f"{total:,.1f} hours a week"
    figures: dict[str, Any] = {"weekly_hours": total, "customers": None, "units_without_hours": empty}
    figures["most_hours_in_a_unit"] = float(hours.max())
    if people is not None:
        figures["customers"] = float(people.sum())
        said += f", {people.sum():,.0f} customers"
    if empty:
        said += f", {counted(empty, 'unit')} without hours"
    return [Finding("demand", "ok" if total > 0 else "note", said, figures)]


def _contiguity(problem: Problem) -> list[Finding]:
    graph = problem.units.contiguity
    if graph is None:
        return [Finding("contiguity", "note", "no contiguity graph: what touches is not known")]
    sizes = np.bincount(graph.component)
    bridges = [[str(a), str(b)] for a, b in graph.bridges]
    said = f"{counted(len(graph.pairs), 'pair')} of neighbours, {counted(len(sizes), 'component')}"
    if len(sizes) > 1:
        said += f" of {listed(np.sort(sizes)[::-1])} units; a zone cannot cross from one to another"
    if bridges:
        said += f", {counted(len(bridges), 'bridge')}: {listed(f'{a} to {b}' for a, b in bridges)}"
    figures = {"pairs": len(graph.pairs), "components": [int(n) for n in sizes], "bridges": bridges}
    return [Finding("contiguity", "note" if len(sizes) > 1 else "ok", said, figures)]


def _roads(problem: Problem) -> list[Finding]:
    roads = problem.about.roads
    if roads is None:
        return []
    kind = "sketch roads" if roads.sketch else f"speeds {roads.profile}"
    said = f"{len(roads.node_ids):,} nodes, {len(roads.heads):,} edges, {roads.km:,.0f} km, {kind}"
    figures = {
        "nodes": len(roads.node_ids), "edges": len(roads.heads), "km": float(roads.km),
        "sketch": roads.sketch, "profile": roads.profile,
        "counts": {str(k): int(v) for k, v in roads.counts.items()},
    }  # fmt: skip
    return [Finding("roads", "ok", said, figures)]


def _snapping(problem: Problem) -> list[Finding]:
    far = problem.times.snapped_m
    limit = problem.times.provenance.get("max_snap_m")
    if far is None or limit is None or problem.times.provenance.get("sketch"):
        return []  # a sketch runs through the points themselves
    lost = far[far > limit]
    worst = far.sort_values(ascending=False, kind="stable").head(5)
    said = f"points lie {far.median():,.0f} m from a road (median), {worst.index[0]} {far.max():,.0f} m"
    if len(lost):
        said += f"; {counted(len(lost), 'unit')} beyond {limit:,g} m: {listed(lost.index)}"
    beyond_file = problem.times.provenance.get("beyond_file", ())
    if beyond_file:
        said += f"; the road leaves the file on its way to {listed(beyond_file)}"
    figures = {
        "median_m": float(far.median()), "worst": {str(k): float(v) for k, v in worst.items()},
        "beyond": [str(unit) for unit in lost.index], "max_snap_m": float(limit),
        "beyond_file": [str(unit) for unit in beyond_file],
    }  # fmt: skip
    return [Finding("snapping", "note" if len(lost) else "ok", said, figures)]


def _edges(problem: Problem) -> list[Finding]:
    """Return whether roads reach far enough beyond the units; nothing where that is not known."""
    about = problem.times.provenance
    if "doubtful_pairs" not in about or about.get("sketch"):
        return []
    figures = {
        "cut_nodes": about["cut_nodes"], "doubtful_pairs": about["doubtful_pairs"],
        "doubtful": [str(unit) for unit in about["doubtful"]],
    }  # fmt: skip
    said = doubts_said(problem.times)
    if said is not None:
        return [Finding("edge", "note", said, figures)]
    cut = counted(about["cut_nodes"], "road")
    said = f"{cut} cut off at the edge, too far from the units for any pair to be quicker beyond it"
    return [Finding("edge", "ok", said if about["cut_nodes"] else "no road is cut off", figures)]


def _reach(problem: Problem) -> list[Finding]:
    arcs = problem.arcs
    inside = np.diff(arcs.indptr)
    limits = _limits(problem)
    minutes, miles = (max(each) for each in zip(*limits, strict=True))
    alone = problem.units.ids[inside <= 1]
    why = problem.travel.out_of_reach()["reason"]
    parts = [_limit_words(*limit) for limit in limits]
    within = f" within {', or '.join(parts)}" if all(parts) else ""
    said = f"a centre reaches {np.median(inside):,.0f} of {len(inside):,} units{within} (median), both ways"
    if len(alone) and len(inside) > 1:
        named = [f"{unit} ({why[unit]})" if unit in why.index else str(unit) for unit in alone]
        said += f"; {counted(len(alone), 'unit')} with no other in reach: {listed(named)}"
    figures = {
        "max_minutes": None if math.isinf(minutes) else float(minutes),
        "max_miles": None if math.isinf(miles) else float(miles), "pairs": len(arcs.units),
        "median_units_in_reach": float(np.median(inside)), "alone": [str(unit) for unit in alone],
        "share_of_pairs": len(arcs.units) / len(inside) ** 2,
        "out_of_reach": {str(unit): reason for unit, reason in why.items()},
    }  # fmt: skip
    return [Finding("reach", "note" if len(alone) and len(inside) > 1 else "ok", said, figures)]


def _limits(problem: Problem) -> list[tuple[float, float]]:
    """Return minutes and miles (inf: no limit) that a pair is in reach within: those of one level or another.

    A level's limits that lie within another's add no pair, and are left out.
    """
    farthest = problem.times.max_minutes  # of what lies beyond nothing is known
    own = {
        (
            farthest if level.max_minutes is None else min(level.max_minutes, farthest),
            math.inf if level.max_miles is None else level.max_miles,
        )
        for level in problem.levels
    }
    return sorted(
        one
        for one in own
        if not any(other != one and other[0] >= one[0] and other[1] >= one[1] for other in own)
    )


def _limit_words(minutes: float, miles: float) -> str:
    said = [] if math.isinf(minutes) else [f"{minutes:g} minutes"]
    return " and ".join(said if math.isinf(miles) else [*said, f"{miles:g} miles"])


def _levels(problem: Problem) -> list[Finding]:
    """Return one finding a level, in the words of the scenario."""
    found = []
    for level in problem.levels:
        low, high = level.zone_range
        zones = f"{low}" if low == high else f"{low} or more" if high is None else f"{low} to {high}"
        parts = [f"{zones} zones"]
        parts += [f"{_band(level.weekly_hours)} hours a week"] if level.weekly_hours else []
        parts += [f"{_band(level.customers)} customers"] if level.customers else []
        parts += [f"at most {level.max_minutes:g} minutes"] if level.max_minutes is not None else []
        parts += [] if level.contiguous else ["need not be connected"]
        figures = {
            "zones": [low, high], "weekly_hours": level.weekly_hours, "customers": level.customers,
            "max_minutes": level.max_minutes, "contiguous": level.contiguous,
            "providers": dict(level.providers),
        }  # fmt: skip
        found.append(Finding(f"level {level.name}", "ok", ", ".join(parts), figures))
    return found


def _band(band: tuple[float | None, float | None]) -> str:
    low, high = band
    if low is None:
        return f"up to {high:,g}"
    return f"{low:,g} or more" if high is None else f"{low:,g} to {high:,g}"
