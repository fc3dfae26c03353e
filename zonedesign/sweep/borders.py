"""Borders: which areas of a border set could be a zone as they are, and why the others cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign.contiguity import Contiguity, components
from zonedesign.errors import counted, listed
from zonedesign.levels import within
from zonedesign.rules import NestIn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zonedesign.levels import Level
    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Area:
    """One area of a border set that zones nest in, and whether it could be one zone just as it is.

    `pieces` are the units of each piece that it falls into, the largest first; `by_edges` the same where only
    units that share a length of boundary touch, not a corner, a gap or a bridge. `level` is the first level
    that could have it as one zone, or None.
    """

    border: str
    code: str
    units: int
    weekly_hours: float
    pieces: tuple[int, ...]
    by_edges: tuple[int, ...]
    level: str | None


def areas(problem: Problem) -> list[Area]:
    """Return every area of every border set that a problem's zones nest in, in the order of their codes."""
    graph = problem.units.contiguity if any(problem.contiguous) else None
    edges = None if graph is None or not graph.boundary_m.any() else _with_edges(graph)
    found = []
    for rule in problem.all_rules:
        if not isinstance(rule, NestIn):
            continue
        codes = problem.border_codes(rule.border, rule.name, rule.joint)
        names, said = _names(problem, rule)
        for number in range(int(codes.max(initial=-1)) + 1):
            members = np.flatnonzero(codes == number)
            pieces = (len(members),) if graph is None else _sizes(graph, members)
            found.append(
                Area(
                    said,
                    listed(dict.fromkeys(names[members].tolist()), 3),
                    len(members),
                    float(problem.hours[members].sum()),
                    pieces,
                    pieces if edges is None else _sizes(edges, members),
                    _level_of(problem, members, whole=len(pieces) == 1),
                )
            )
    return sorted(found, key=lambda area: (area.border, area.code))


def border_lines(found: Sequence[Area]) -> list[str]:
    """Return what areas say of their border sets before anything is solved, in sentences."""
    lines = []
    for border in dict.fromkeys(area.border for area in found):
        those = [area for area in found if area.border == border]
        cut = [area for area in those if len(area.pieces) > 1]
        if cut:
            named = listed((f"{area.code} ({_plus(area.pieces)} units)" for area in cut), 20)
            lines.append(
                f"{len(cut)} of {counted(len(those), 'area')} of {border} cannot be one connected zone, "
                f"being in pieces: {named}; each piece needs a zone of its own"
            )
        thin = [area for area in those if len(area.pieces) == 1 < len(area.by_edges)]
        if thin:
            named = listed((f"{area.code} ({_plus(area.by_edges)} units)" for area in thin), 20)
            more, hang = " more" if cut else "", "hangs" if len(thin) == 1 else "hang"
            lines.append(
                f"{len(thin)}{more} of {counted(len(those), 'area')} of {border} {hang} together only at a "
                f"corner, across a gap or by a bridge: {named}"
            )
        fit = sum(area.level is not None for area in those)
        lines.append(
            f"{fit} of {counted(len(those), 'area')} of {border} could be a zone just as "
            f"{'it is' if fit == 1 else 'they are'}; {_rest(those)}"
        )
    return lines


def _rest(those: list[Area]) -> str:
    hours = [area.weekly_hours for area in those]
    return f"they have {min(hours):,.0f} to {max(hours):,.0f} hours a week each"


def _plus(sizes: tuple[int, ...]) -> str:
    return " + ".join(f"{size:,}" for size in sizes)


def _names(problem: Problem, rule: NestIn) -> tuple[NDArray[np.object_], str]:
    """Return the code of every unit as text, and what to call the border set: its column and its file."""
    border: Any = problem.units.frame[rule.border] if isinstance(rule.border, str) else rule.border
    codes = pd.Series(border).reindex(problem.units.ids)
    said = rule.name if codes.name in {None, rule.name} else f"{codes.name} ({rule.name})"
    return codes.astype(str).to_numpy(dtype=object), said


def _with_edges(graph: Contiguity) -> Contiguity:
    """Return the graph of units that share a length of boundary."""
    long = graph.boundary_m > 0
    return Contiguity(graph.ids, graph.pairs[long], graph.boundary_m[long])


def _sizes(graph: Contiguity, members: Ints) -> tuple[int, ...]:
    return tuple(sorted(np.bincount(components(graph, members)).tolist(), reverse=True))


def _level_of(problem: Problem, members: Ints, *, whole: bool) -> str | None:
    """Return the first level that could have these units as one zone, or None."""
    hours = float(problem.hours[members].sum())
    people = None if problem.customers is None else float(problem.customers[members].sum())
    reached = _reaching_all(problem, members)
    for k, level in enumerate(problem.levels):
        asked = whole or not problem.contiguous[k]
        banded = within(hours, level.weekly_hours) and (people is None or within(people, level.customers))
        if asked and banded and reached[k] and _near(problem, members, level):
            return level.name
    return None


def _reaching_all(problem: Problem, members: Ints) -> NDArray[np.bool_]:
    """Return for every level whether some unit, as the centre, reaches all the others."""
    arcs, inside = problem.arcs, np.zeros(len(problem.units), dtype=bool)
    inside[members] = True
    found = np.zeros(len(problem.levels), dtype=bool)
    for centre in members.tolist():
        row = slice(arcs.indptr[centre], arcs.indptr[centre + 1])
        found |= arcs.allowed[row][inside[arcs.units[row]]].sum(axis=0) == len(members)
    return found


def _near(problem: Problem, members: Ints, level: Level) -> bool:
    """Return whether any two of the units with demand are near enough to each other for a level."""
    if level.max_minutes_between is None:
        return True
    needed = problem.hours[members] > 0
    if problem.customers is not None:
        needed |= problem.customers[members] > 0
    minutes = problem.times.on(problem.units.ids[members[needed]]).to_array()
    return within(float(minutes.max(initial=0.0)), (None, level.max_minutes_between))
