"""Cuts: rows that a plan without its rules breaks and every plan with them meets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.levels import SLACK, within
from zonedesign.model import Cut
from zonedesign.solve.fixing import has_demand

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from zonedesign.model import Program
    from zonedesign.solve._separators import Graph

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

MOST_PER_PIECE = 40
"""Cuts for one stray piece of a zone, at most: one a unit, those with most hours first."""
WHOLE = 1_000_000
"""One unit of flow: flows are whole numbers."""


@dataclass(frozen=True, eq=False)
class Ground:
    """What separation looks up: neighbours, columns by centre and unit, the most a connected zone holds."""

    program: Program

    @cached_property
    def near(self) -> list[list[int]]:
        """The neighbours of every unit; none where the problem has no graph."""
        graph = self.program.problem.units.contiguity
        if graph is None:
            return [[] for _ in range(len(self.program.problem.units))]
        indptr, neighbours, _ = graph.csr
        return [neighbours[indptr[i] : indptr[i + 1]].tolist() for i in range(len(indptr) - 1)]

    @cached_property
    def graph(self) -> Graph:
        """The same as kernels see it."""
        from zonedesign.solve._separators import graph_of, no_graph  # noqa: PLC0415  (numba is slow to import)

        graph = self.program.problem.units.contiguity
        return no_graph(len(self.program.problem.units)) if graph is None else graph_of(graph)

    @cached_property
    def column_of(self) -> list[dict[int, int]]:
        """For every centre: unit -> column, at levels whose zones must be connected."""
        program = self.program
        asked = program.possible[:, list(program.problem.contiguous)].any(axis=1) & (program.x >= 0)
        found: list[dict[int, int]] = [{} for _ in range(len(program.problem.units))]
        for arc in np.flatnonzero(asked):
            found[program.centre[arc]][int(program.unit[arc])] = int(program.x[arc])
        return found

    @cached_property
    def waivers(self) -> list[list[int]]:
        """For every centre: the columns of the levels whose zones need not be connected."""
        free = [k for k, asked in enumerate(self.program.problem.contiguous) if not asked]
        return [[int(c) for c in row[free] if c >= 0] for row in self.program.y]

    @cached_property
    def most_hours(self) -> float:
        """The most hours of any connected zone."""
        problem = self.program.problem
        tops = [
            np.inf
            if level.weekly_hours is None or level.weekly_hours[1] is None
            else level.weekly_hours[1] + SLACK
            for level, asked in zip(problem.levels, problem.contiguous, strict=True)
            if asked
        ]
        return float(max(tops, default=np.inf))

    @cached_property
    def pair_keys(self) -> tuple[Ints, Floats]:
        """Ordered pairs in reach as origin * n + destination, ascending, with their minutes."""
        times, n = self.program.problem.travel, len(self.program.problem.units)
        return np.repeat(np.arange(n), np.diff(times.indptr)) * n + times.indices, times.minutes

    def apart(self, units: Ints) -> Floats:
        """Return minutes between units, the longer way (m, m), inf where out of reach."""
        keys, minutes = self.pair_keys
        wanted = units[:, None] * len(self.program.problem.units) + units[None, :]
        at = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
        one_way = np.where(keys[at] == wanted, minutes[at], np.inf)
        return np.asarray(np.maximum(one_way, one_way.T))


def cuts_of(ground: Ground, centre_of: Ints, level_of: Ints) -> list[Cut]:
    """Return cuts that a whole assignment breaks; none where its zones keep their rules and shares hold.

    `centre_of` and `level_of` (n,) are every unit's centre and number of level.
    """
    found: list[Cut] = []
    problem = ground.program.problem
    for j in np.unique(centre_of):
        members = np.flatnonzero(centre_of == j)
        level = int(level_of[j])
        if problem.contiguous[level]:
            found += _separators(ground, int(j), members)
        if problem.levels[level].max_minutes_between is not None:
            found += _too_far(ground, level, members)
        if problem.levels[level].character is not None:
            found += _out_of_character(ground, int(j), level, members)
        found += _out_of_band(ground, int(j), level, members)
    return found + _out_of_share(ground, centre_of, level_of)


def _separators(ground: Ground, j: int, members: Ints) -> list[Cut]:
    """Return a,b-separator cuts (Fischetti et al. 2017, Oehrlein and Haunert 2017) for a zone's stray pieces.

    Each piece is cut off twice, by the minimal separator nearest to it and by that nearest to the centre's
    piece.
    """
    pieces = _pieces(set(members.tolist()), ground.near)
    home = next(piece for piece in pieces if j in piece)
    hours = ground.program.problem.hours
    inside = set(ground.column_of[j])
    found: list[Cut] = []
    for piece in pieces:
        if j in piece:
            continue
        chosen = sorted(piece, key=lambda i: (-hours[i], i))[:MOST_PER_PIECE]
        around_piece = _minimal(ground, inside, _border(piece, inside, ground.near), piece, home)
        around_home = _minimal(ground, inside, _border(home, inside, ground.near), piece, home)
        for separator in {frozenset(around_piece), frozenset(around_home)}:
            found += [separator_cut(ground, j, i, separator) for i in chosen]
    return found


def separator_cut(ground: Ground, j: int, i: int, separator: Iterable[int]) -> Cut:
    """Return that i is in j's zone only with a unit of the separator, or at a level that may be loose.

    Units that no zone could hold together with both ends are left out of the separator (length-bounded,
    Validi, Buchanan and Lykhovyd 2022).
    """
    columns = ground.column_of[j]
    kept = _shortened(ground, j, i, sorted(separator))
    behind = sorted({columns[c] for c in kept} | set(ground.waivers[j]))
    return merged([columns[i], *behind], [1.0, *(-1.0 for _ in behind)], 0.0)


def _shortened(ground: Ground, j: int, i: int, separator: list[int]) -> list[int]:
    """Return a separator without the units that every zone of j and i is too small to pass through."""
    if not np.isfinite(ground.most_hours):
        return separator
    from zonedesign.solve._paths import needed  # noqa: PLC0415  (numba is slow to import)

    problem = ground.program.problem
    graph = problem.units.contiguity
    assert graph is not None  # noqa: S101  (the problem was checked when made)
    indptr, near, _ = graph.csr
    inside = np.zeros(len(problem.units), dtype=np.bool_)
    inside[list(ground.column_of[j])] = True
    units = np.array(separator, dtype=np.int64)
    kept = needed(indptr, near, inside, units, (j, i), problem.hours, ground.most_hours)
    return [int(c) for c in units[kept]]


def ready() -> None:
    """Have the kernels of separators compiled, on a path of three units."""
    from zonedesign.solve._paths import needed  # noqa: PLC0415  (numba is slow to import)
    from zonedesign.solve._separators import Graph, vertex_cut  # noqa: PLC0415

    ends, indptr, near = (0, 2), np.array([0, 1, 3, 4]), np.array([1, 0, 2, 1])
    needed(indptr, near, np.ones(3, dtype=np.bool_), np.array([1]), ends, np.ones(3), 3.0)
    vertex_cut(Graph(indptr, near, np.array([1, 0, 3, 2])), np.ones(3, dtype=np.int64), ends, 1)


def _pieces(members: set[int], near: list[list[int]]) -> list[set[int]]:
    """Return the connected pieces of a set of units, in the order of their first units."""
    left, found = set(members), []
    for start in sorted(members):
        if start in left:
            piece = _spread(start, left, near)
            left -= piece
            found.append(piece)
    return found


def _spread(start: int, allowed: set[int], near: list[list[int]]) -> set[int]:
    """Return the units that can be reached from `start` within `allowed`, `start` among them."""
    seen, stack = {start}, [start]
    while stack:
        for other in near[stack.pop()]:
            if other in allowed and other not in seen:
                seen.add(other)
                stack.append(other)
    return seen


def _border(piece: set[int], inside: set[int], near: list[list[int]]) -> set[int]:
    return {other for unit in piece for other in near[unit] if other in inside and other not in piece}


def _minimal(
    ground: Ground, inside: set[int], separator: set[int], piece: set[int], home: set[int]
) -> set[int]:
    """Return a minimal separator of a piece and the centre's piece within one that separates them."""
    open_ = inside - separator
    this_side = _spread(next(iter(piece)), open_, ground.near)
    other_side = _spread(next(iter(home)), open_, ground.near)
    return {
        unit
        for unit in separator
        if any(o in this_side for o in ground.near[unit]) and any(o in other_side for o in ground.near[unit])
    }


def _too_far(ground: Ground, level: int, members: Ints) -> list[Cut]:
    """Return cuts that units with demand too far apart share no zone, at every centre they could share.

    The units are gathered greedily into sets in which all are too far from each other.
    """
    program = ground.program
    limit = program.problem.levels[level].max_minutes_between
    units = members[has_demand(program.problem)[members]]
    if limit is None or len(units) < 2:
        return []
    minutes = ground.apart(units)
    far = minutes > limit + SLACK
    left = {(int(a), int(b)) for a, b in zip(*np.nonzero(np.triu(far, 1)), strict=True)}
    found: list[Cut] = []
    while left:
        clique = list(min(left))
        for other in range(len(units)):
            if other not in clique and far[other, clique].all():
                clique.append(other)
        left -= {(a, b) for a in clique for b in clique}
        apart = ground.apart(units[clique])
        for j in range(len(program.y)):
            found += _conflict(
                program, j, units[clique], float(apart[~np.eye(len(clique), dtype=bool)].min())
            )
    return found


def _conflict(program: Program, j: int, units: Ints, nearest: float) -> list[Cut]:
    """Return the cut that a centre holds one of the units unless its level allows more, if it could."""
    indptr = program.problem.arcs.indptr
    span = np.arange(indptr[j], indptr[j + 1])
    # Units that are locked together share a column, which then counts twice.
    columns = program.x[span][np.isin(program.unit[span], units) & (program.x[span] >= 0)]
    if len(columns) < 2:
        return []
    row: list[int] = [int(c) for c in columns]
    values = [1.0] * len(row)
    for level, mark in enumerate(program.y[j]):
        limit = program.problem.levels[level].max_minutes_between
        if mark >= 0:
            row.append(int(mark))
            values.append(-1.0 if limit is not None and nearest > limit + SLACK else -float(len(columns)))
    return [merged(row, values, 0.0)]


def merged(columns: list[int], values: list[float], most: float) -> Cut:
    """Return a cut in which every column is named once."""
    sums: dict[int, float] = {}
    for column, value in zip(columns, values, strict=True):
        sums[column] = sums.get(column, 0.0) + value
    return Cut(np.array(list(sums), dtype=np.int64), np.array(list(sums.values())), most)


def _out_of_band(ground: Ground, j: int, level: int, members: Ints) -> list[Cut]:
    """Return cover cuts for a zone that the engine's tolerance let out of band: some join, or one leaves."""
    problem, program = ground.program.problem, ground.program
    each = problem.levels[level]
    demands = [(problem.hours, each.weekly_hours)]
    if problem.customers is not None:
        demands.append((problem.customers, each.customers))
    span = np.arange(problem.arcs.indptr[j], problem.arcs.indptr[j + 1])
    span = span[program.x[span] >= 0]
    member = np.isin(program.unit[span], members)
    mark = int(program.y[j, level])
    found = []
    for weight, band in demands:
        held = float(weight[members].sum())
        if within(held, band):
            continue
        low = band[0] if band is not None else None
        if low is not None and held < low:
            others = np.unique(program.x[span[~member]])
            found.append(merged([mark, *others.tolist()], [1.0, *(-1.0 for _ in others)], 0.0))
        else:
            own = np.unique(program.x[span[member]])
            found.append(merged([mark, *own.tolist()], [1.0, *(1.0 for _ in own)], float(len(own))))
    return found


def _out_of_character(ground: Ground, j: int, level: int, members: Ints) -> list[Cut]:
    """Return the cut for a zone that the engine let miss its class: one of it joins, or another leaves."""
    problem, program = ground.program.problem, ground.program
    character = problem.levels[level].character
    hours = problem.hours[members]
    if character is None or hours.sum() <= 0:
        return []
    of_class = problem.units.frame[character.column].isin(character.values).to_numpy()
    if float(hours[of_class[members]].sum() / hours.sum()) >= character.at_least - SLACK:
        return []
    span = np.arange(problem.arcs.indptr[j], problem.arcs.indptr[j + 1])
    span = span[program.x[span] >= 0]
    member, meant = np.isin(program.unit[span], members), of_class[program.unit[span]]
    leaving, joining = program.x[span[member & ~meant]], program.x[span[~member & meant]]
    row = [int(program.y[j, level]), *leaving.tolist(), *joining.tolist()]
    values = [1.0, *(1.0 for _ in leaving), *(-1.0 for _ in joining)]
    return [merged(row, values, float(len(leaving)))]


def _out_of_share(ground: Ground, centre_of: Ints, level_of: Ints) -> list[Cut]:
    """Return the cut for a level that the engine let miss its share of hours: some zone or unit changes.

    With too many hours not all of its zones stay with all of their units, with too few not all of the others.
    """
    problem, program = ground.program.problem, ground.program
    total = float(problem.hours.sum())
    found: list[Cut] = []
    for k, level in enumerate(problem.levels):
        here = level_of == k
        share = float(problem.hours[here].sum()) / total if total > 0 else 0.0
        if level.hours_share is None or total <= 0 or within(share, level.hours_share):
            continue
        low = level.hours_share[0]
        staying = ~here if low is not None and share < low else here
        centres = np.unique(centre_of[staying])
        chosen = staying[program.unit] & (centre_of[program.unit] == program.centre) & (program.x >= 0)
        columns = np.unique(program.x[chosen & (problem.hours[program.unit] > 0)])
        levels = [k] if staying is here else [other for other in range(len(problem.levels)) if other != k]
        marks = [[int(mark) for mark in program.y[j][levels] if mark >= 0] for j in centres]
        row = [*columns.tolist(), *(mark for each in marks for mark in each)]
        found.append(merged(row, [1.0] * len(row), float(len(columns) + len(centres) - 1)))
    return found


def fractional_cuts(ground: Ground, values: Floats, *, least: float = 0.05) -> list[Cut]:
    """Return separator cuts that a relaxed solution breaks by `least` at least, by minimum vertex cuts."""
    found: list[Cut] = []
    for j, columns in enumerate(ground.column_of):
        if not columns or j not in columns or values[columns[j]] <= least:
            continue
        waived = float(sum(values[c] for c in ground.waivers[j]))
        wanted = [
            i for i, c in columns.items() if values[c] - waived > least and i != j and i not in ground.near[j]
        ]
        if wanted:
            found += _vertex_cuts(ground, j, wanted, values, least + waived)
    return found


def _vertex_cuts(ground: Ground, j: int, wanted: list[int], values: Floats, least: float) -> list[Cut]:
    """Return broken separator cuts of one centre, by flow over units split in two."""
    from zonedesign.solve._separators import vertex_cut  # noqa: PLC0415  (numba is slow to import)

    columns = ground.column_of[j]
    units = list(columns)
    room = np.full(len(ground.near), -1, dtype=np.int64)
    room[units] = np.round(WHOLE * np.clip(values[list(columns.values())], 0.0, 1.0))
    found: list[Cut] = []
    for i in wanted:
        most = int(WHOLE * (values[columns[i]] - least))
        separator, held = vertex_cut(ground.graph, room, (j, i), most)
        if held <= most:
            kept = _minimal(ground, set(units), set(separator.tolist()), {i}, {j})
            found.append(separator_cut(ground, j, i, kept))
    return found
