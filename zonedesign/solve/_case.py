"""The problem as arrays and records for the search, made from its nouns."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from zonedesign.levels import SLACK
from zonedesign.rules import Apart, CentreAt, Fixed, Frozen, Together
from zonedesign.solve._ground import anchor_zone
from zonedesign.solve._state import CASE_LEVEL, CASE_LINK, CASE_PAIR, CASE_UNIT, Case
from zonedesign.solve.fixing import has_demand

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.levels import Band
    from zonedesign.problem import Problem
    from zonedesign.solve._state import Bits, Floats, Ints, Records


def case_of(problem: Problem, possible: NDArray[np.bool_]) -> Case:
    """Return the arrays of a problem; `possible` is (arcs, levels), from `fixing.possible_arcs`."""
    n, arcs, weights = len(problem.units), problem.arcs, problem.objective
    centre = np.repeat(np.arange(n), np.diff(arcs.indptr))
    # Out of reach costs more than anything within, so that a penalty is not the only reason to come back.
    minutes = np.full((n, n), 1.5 * float(arcs.minutes.max(initial=0.0)) + 1e-6, dtype=np.float32)
    minutes[arcs.units, centre] = arcs.minutes
    allowed = np.zeros((n, n), dtype=np.uint8)
    for k in range(len(problem.levels)):
        allowed[arcs.units, centre] |= np.where(possible[:, k], 1 << k, 0).astype(np.uint8)
    indptr, pairs = _pairs(problem, allowed)
    link_ptr, links = _links(problem)
    return Case(
        minutes=minutes,
        allowed=allowed,
        conflict=_conflicts(problem),
        urban=np.array([_urban(problem, k) for k in range(len(problem.levels))]),
        units=_units(problem),
        indptr=indptr,
        pairs=pairs,
        link_ptr=link_ptr,
        links=links,
        levels=_levels(problem),
        weights=np.array([weights.travel, weights.change, weights.borders]),
    )


def _units(problem: Problem) -> Records:
    """Return demand, codes and locks of every unit (n,) as records."""
    n = len(problem.units)
    codes = np.zeros(n, dtype=np.int64)
    for _, nest in problem.nests:
        codes = pd.factorize(codes * (int(nest.max()) + 1) + nest)[0].astype(np.int64)
    units = np.zeros(n, dtype=CASE_UNIT)
    units["hours"] = problem.hours
    units["customers"] = 0.0 if problem.customers is None else problem.customers
    units["nest"] = codes
    units["border"] = 0 if problem.border is None else problem.border
    units["before"] = 0 if problem.baseline_zones is None else problem.baseline_zones[0]
    units["fixed"] = _frozen(problem)
    wanted = [rule.unit for rule in problem.rules if isinstance(rule, CentreAt)]
    units["wanted"] = problem.units.ids.isin(wanted)
    return units


def _pairs(problem: Problem, allowed: Bits) -> tuple[Ints, Records]:
    """Return contiguity as rows by unit (n + 1,), and what a cut of every pair costs, in hour-minutes.

    Without a graph units are neighbours where one may serve the other: the search moves along neighbours.
    """
    n, graph = len(problem.units), problem.units.contiguity
    if graph is None:
        rows, columns = np.nonzero(allowed | allowed.T)
        keep = rows != columns
        indptr = np.zeros(n + 1, dtype=np.int64)
        np.cumsum(np.bincount(rows[keep], minlength=n), out=indptr[1:])
        near, lengths = columns[keep], np.zeros(int(keep.sum()))
    else:
        indptr, near, lengths = graph.csr
        if lengths.sum() <= 0:
            lengths = np.ones(len(lengths))
    pairs = np.zeros(len(near), dtype=CASE_PAIR)
    pairs["to"] = near
    each = problem.objective.cut * _total(problem) * lengths
    pairs["cost"] = each / max(float(lengths.sum()) / 2, 1e-12)
    return indptr.astype(np.int64), pairs


def _total(problem: Problem) -> float:
    """Return all hours, 1 where there are none."""
    return float(problem.hours.sum()) or 1.0


def _levels(problem: Problem) -> Records:
    """Return bands, shares (in hours) and counts of every level as records; open ends are 0 and infinite."""
    n, total = len(problem.units), _total(problem)
    records = np.zeros(len(problem.levels), dtype=CASE_LEVEL)
    for record, level, contiguous in zip(records, problem.levels, problem.contiguous, strict=True):
        record["low"], record["high"] = _ends(level.weekly_hours)
        record["few"], record["many"] = _ends(level.customers)
        share_low, share_high = _ends(level.hours_share)
        record["share_low"], record["share_high"] = share_low * total, share_high * total
        record["character"] = 0.0 if level.character is None else level.character.at_least
        record["loose"] = not contiguous
        least, most = level.zone_range
        room = n if record["low"] <= 0 else int(total / record["low"]) + 1
        record["least"], record["most"] = least, min(n, room if most is None else most, max(room, least))
    return records


def _ends(band: Band | tuple[float | None, float | None] | None) -> tuple[float, float]:
    low, high = band or (None, None)
    return 0.0 if low is None else low, math.inf if high is None else high


def _urban(problem: Problem, level: int) -> Floats:
    """Return the hours of every unit (n,) that count for a level's character."""
    character = problem.levels[level].character
    if character is None:
        return np.zeros(len(problem.units))
    inside = problem.units.frame[character.column].isin(character.values).to_numpy()
    return np.where(inside, problem.hours, 0.0)


def _conflicts(problem: Problem) -> Bits:
    """Return which pairs of units with demand each level forbids, bits (n, n), or (1, 1) where none does."""
    if all(level.max_minutes_between is None for level in problem.levels):
        return np.zeros((1, 1), dtype=np.uint8)
    table = problem.travel.to_array()
    longer = np.maximum(table, table.T)
    bits = np.zeros(longer.shape, dtype=np.uint8)
    for k, level in enumerate(problem.levels):
        if level.max_minutes_between is not None:
            bits[longer > level.max_minutes_between + SLACK] |= 1 << k
    demand = has_demand(problem)
    bits[~demand, :] = 0
    bits[:, ~demand] = 0
    return bits


def _links(problem: Problem) -> tuple[Ints, Records]:
    """Return pairs of units that must be together (1) or apart (-1), both ways, as rows by unit."""
    at = {unit: place for place, unit in enumerate(problem.units.ids)}
    pairs: list[tuple[int, int, int]] = []
    for rule in problem.rules:
        if isinstance(rule, Together):
            pairs += [(at[a], at[b], 1) for a, b in itertools.pairwise(rule.units)]
        elif isinstance(rule, Apart):
            pairs.append((at[rule.a], at[rule.b], -1))
        elif isinstance(rule, Fixed):
            pairs.append((at[rule.unit], anchor_zone(problem, rule.zone)[1], 1))
    both = sorted({(a, b, w) for a, b, w in pairs if a != b} | {(b, a, w) for a, b, w in pairs if a != b})
    table = np.array(both, dtype=np.int64).reshape(-1, 3)
    indptr = np.zeros(len(problem.units) + 1, dtype=np.int64)
    np.cumsum(np.bincount(table[:, 0], minlength=len(problem.units)), out=indptr[1:])
    links = np.zeros(len(table), dtype=CASE_LINK)
    links["to"], links["weight"] = table[:, 1], table[:, 2]
    return indptr, links


def _frozen(problem: Problem) -> Ints:
    """Return the number, from 1, of the frozen zone that every unit (n,) belongs to, 0 for none."""
    fixed = np.zeros(len(problem.units), dtype=np.int64)
    for number, rule in enumerate((r for r in problem.rules if isinstance(r, Frozen)), start=1):
        fixed[anchor_zone(problem, rule.zone)[0]] = number
    return fixed
