"""The problem as arrays and records for the search, made from its nouns."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from zonedesign import measures
from zonedesign.errors import ScenarioError
from zonedesign.levels import SLACK
from zonedesign.rules import Apart, CentreAt, Fixed, Frozen, Together
from zonedesign.solve._ground import anchor_zone
from zonedesign.solve._state import CASE_LEVEL, CASE_LINK, CASE_PAIR, CASE_TABLE, CASE_UNIT, WIDE_TABLE, Case
from zonedesign.solve._tiles import by_place, place_of, spans, tiled
from zonedesign.solve.fixing import has_demand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from zonedesign.levels import Band
    from zonedesign.problem import Problem
    from zonedesign.solve._state import Ints, Records
    from zonedesign.solve._tiles import Indices

    Pairs = Iterator[tuple[Ints, Ints]]

CLASH_BIT, WIDE_CLASH_BIT = 15, 31
"""Bits of a pair that are left to the levels' reach; as many follow for what they forbid."""


def case_of(problem: Problem, possible: NDArray[np.bool_]) -> tuple[Case, Ints]:
    """Return the arrays of a problem, and where it has the units (n,) that they number by place.

    `possible` is (arcs, levels), from `fixing.possible_arcs`. No array of all pairs is made on the way.
    """
    order = by_place(problem)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    tile, table = _table(problem, possible, rank)
    units = _units(problem)[order]
    pairs = _pairs(problem, possible, rank, units)
    links = _links(problem, rank, units)
    goal = problem.objective
    weights = np.array([goal.travel, goal.change, goal.borders, goal.cut])
    return Case(tile, table, units, pairs, links, _levels(problem), weights), order


def _table(problem: Problem, possible: NDArray[np.bool_], rank: Ints) -> tuple[Indices, Records]:
    """Return minutes and bits of all pairs of units as tiles."""
    arcs, levels = problem.arcs, problem.levels
    if len(levels) > WIDE_CLASH_BIT:
        raise ScenarioError(
            f"{len(levels)} levels are more than the search can tell apart; keep to {WIDE_CLASH_BIT}"
        )
    tile, size = tiled(len(rank), _near_pairs(problem, rank))
    table = np.zeros(size, dtype=CASE_TABLE if len(levels) <= CLASH_BIT else WIDE_TABLE)
    # Out of reach costs more than anything within, so that a penalty is not the only reason to come back.
    table["minutes"] = 1.5 * float(arcs.minutes.max(initial=0.0)) + 1e-6
    limits = [level.max_minutes_between for level in levels]
    clash = [0 if limit is None else 1 << _clash_bit(problem, k) for k, limit in enumerate(limits)]
    if any(clash):
        table["bits"] = sum(clash)
        times = problem.travel
        for first, last, begin, end in spans(times.indptr):
            rows, columns = _rows(times.indptr, first, last), times.indices[begin:end]
            back = measures.looked_up(times.indptr, times.indices, times.minutes, columns, rows)
            longer = np.maximum(times.minutes[begin:end], back)
            bits = np.zeros(end - begin, dtype=np.int64)
            for limit, bit in zip(limits, clash, strict=True):
                if limit is not None:
                    bits[longer > limit + SLACK] |= bit
            table["bits"][place_of(tile, rank[rows], rank[columns])] = bits
    for first, last, begin, end in spans(arcs.indptr):
        place = place_of(tile, rank[arcs.units[begin:end]], rank[_rows(arcs.indptr, first, last)])
        bits = np.zeros(end - begin, dtype=table["bits"].dtype)
        for k in range(len(levels)):
            bits |= np.where(possible[begin:end, k], 1 << k, 0).astype(bits.dtype)
        table["minutes"][place] = arcs.minutes[begin:end]
        table["bits"][place] |= bits
    return tile, table


def _clash_bit(problem: Problem, level: int) -> int:
    """Return the bit that says whether a level forbids a pair."""
    return level + (CLASH_BIT if len(problem.levels) <= CLASH_BIT else WIDE_CLASH_BIT)


def _rows(indptr: Ints, first: int, last: int) -> Ints:
    """Return the row of every entry of rows `first` to `last` of a sparse table."""
    return np.repeat(np.arange(first, last), np.diff(indptr[first : last + 1]))


def _near_pairs(problem: Problem, rank: Ints) -> Pairs:
    """Yield the pairs of units that some tile must hold, as [unit, centre], in pieces."""
    arcs = problem.arcs
    for first, last, begin, end in spans(arcs.indptr):
        yield rank[arcs.units[begin:end]], rank[_rows(arcs.indptr, first, last)]
    if any(level.max_minutes_between is not None for level in problem.levels):
        times = problem.travel
        for first, last, begin, end in spans(times.indptr):
            start, finish = rank[_rows(times.indptr, first, last)], rank[times.indices[begin:end]]
            yield start, finish
            yield finish, start


def _units(problem: Problem) -> Records:
    """Return demand, codes and locks of every unit (n,) of the problem as records."""
    n = len(problem.units)
    codes = np.zeros(n, dtype=np.int64)
    for _, nest in problem.nests:
        codes = pd.factorize(codes * (int(nest.max()) + 1) + nest)[0].astype(np.int64)
    units = np.zeros(n, dtype=CASE_UNIT)
    units["hours"] = problem.hours
    units["customers"] = 0.0 if problem.customers is None else problem.customers
    units["nest"] = codes
    goal = problem.objective
    if problem.border is not None and goal.borders:
        units["border"] = problem.border
    if problem.baseline_zones is not None and goal.change:
        units["before"] = problem.baseline_zones[0]
    arcs = problem.arcs
    for _, _, begin, end in spans(arcs.indptr):
        np.maximum.at(units["longest"], arcs.units[begin:end], arcs.minutes[begin:end].astype(np.float32))
    units["demand"] = has_demand(problem)
    for k, level in enumerate(problem.levels):
        if level.character is not None:
            inside = problem.units.frame[level.character.column].isin(level.character.values)
            units["classes"] |= np.where(inside, 1 << k, 0).astype(np.int32)
    units["fixed"] = _frozen(problem)
    wanted = [rule.unit for rule in problem.rules if isinstance(rule, CentreAt)]
    units["wanted"] = problem.units.ids.isin(wanted)
    return units


def _pairs(problem: Problem, possible: NDArray[np.bool_], rank: Ints, units: Records) -> Records:
    """Return contiguity as rows by unit, which `units` are told, and what a cut costs, in hour-minutes.

    Without a graph units are neighbours where one may serve the other: the search moves along neighbours.
    """
    n, graph = len(rank), problem.units.contiguity
    if graph is None:
        arcs = problem.arcs
        usable = possible.any(axis=1)
        centre, unit = rank[_rows(arcs.indptr, 0, n)[usable]], rank[arcs.units[usable]]
        key = np.unique(np.concatenate([centre * n + unit, unit * n + centre]))
        rows, near = key // n, key % n
        keep = rows != near
        rows, near, lengths = rows[keep], near[keep], np.zeros(int(keep.sum()))
    else:
        indptr, neighbours, lengths = graph.csr
        rows, near = rank[_rows(indptr, 0, n)], rank[neighbours]
        by_row = np.lexsort((near, rows))
        rows, near, lengths = rows[by_row], near[by_row], lengths[by_row]
        if lengths.sum() <= 0:
            lengths = np.ones(len(lengths))
    _tell(units, "pairs", rows)
    pairs = np.zeros(len(near), dtype=CASE_PAIR)
    pairs["to"] = near
    each = problem.objective.cut * _total(problem) * lengths
    pairs["cost"] = each / max(float(lengths.sum()) / 2, 1e-12)
    return pairs


def _tell(units: Records, what: str, rows: Ints) -> None:
    """Note with the units where their rows begin and end."""
    ends = np.cumsum(np.bincount(rows, minlength=len(units)))
    units[f"{what}_to"] = ends
    units[f"{what}_from"][1:] = ends[:-1]


def _total(problem: Problem) -> float:
    """Return all hours, 1 where there are none."""
    return float(problem.hours.sum()) or 1.0


def _levels(problem: Problem) -> Records:
    """Return bands, shares (in hours) and counts of every level as records; open ends are 0 and infinite."""
    n, total = len(problem.units), _total(problem)
    records = np.zeros(len(problem.levels), dtype=CASE_LEVEL)
    for number, (record, level) in enumerate(zip(records, problem.levels, strict=True)):
        record["low"], record["high"] = _ends(level.weekly_hours)
        record["few"], record["many"] = _ends(level.customers)
        share_low, share_high = _ends(level.hours_share)
        record["share_low"], record["share_high"] = share_low * total, share_high * total
        record["character"] = 0.0 if level.character is None else level.character.at_least
        record["loose"] = not problem.contiguous[number]
        record["clash"] = 0 if level.max_minutes_between is None else _clash_bit(problem, number)
        least, most = level.zone_range
        room = n if record["low"] <= 0 else int(total / record["low"]) + 1
        record["least"], record["most"] = least, min(n, room if most is None else most, max(room, least))
    return records


def _ends(band: Band | tuple[float | None, float | None] | None) -> tuple[float, float]:
    low, high = band or (None, None)
    return 0.0 if low is None else low, math.inf if high is None else high


def _links(problem: Problem, rank: Ints, units: Records) -> Records:
    """Return pairs of units that must be together (1) or apart (-1), as rows that `units` are told."""
    at = {unit: int(rank[place]) for place, unit in enumerate(problem.units.ids)}
    pairs: list[tuple[int, int, int]] = []
    for rule in problem.rules:
        if isinstance(rule, Together):
            pairs += [(at[a], at[b], 1) for a, b in itertools.pairwise(rule.units)]
        elif isinstance(rule, Apart):
            pairs.append((at[rule.a], at[rule.b], -1))
        elif isinstance(rule, Fixed):
            pairs.append((at[rule.unit], int(rank[anchor_zone(problem, rule.zone)[1]]), 1))
    both = sorted({(a, b, w) for a, b, w in pairs if a != b} | {(b, a, w) for a, b, w in pairs if a != b})
    table = np.array(both, dtype=np.int64).reshape(-1, 3)
    _tell(units, "links", table[:, 0])
    links = np.zeros(len(table), dtype=CASE_LINK)
    links["to"], links["weight"] = table[:, 1], table[:, 2]
    return links


def _frozen(problem: Problem) -> Ints:
    """Return the number, from 1, of the frozen zone that every unit (n,) belongs to, 0 for none."""
    fixed = np.zeros(len(problem.units), dtype=np.int64)
    for number, rule in enumerate((r for r in problem.rules if isinstance(r, Frozen)), start=1):
        fixed[anchor_zone(problem, rule.zone)[0]] = number
    return fixed
