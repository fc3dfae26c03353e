"""Fixing: which unit can be in a zone of which centre and level at all, proved before any solver runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.levels import SLACK
from zonedesign.model import locks_of, restricted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.levels import Band
    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]


def possible_arcs(problem: Problem, within: Mask | None = None) -> Mask:
    """Return which pairs of `problem.arcs` a plan may use at which level, as (arcs, levels); never too few.

    On top of reach and miles: locks and borders; a zone too small even with all it can reach; a unit that no
    connected zone can join without passing the volume band (shortest paths weighted by hours and by
    customers, after Validi, Buchanan and Lykhovyd 2022); units with demand too far from the centre's own; a
    class of unit that is not there; and what follows from these until nothing more does. A unit without any
    pair left, or a level with too few centres, proves that there is no plan. With `within` (arcs, levels),
    the plans are those that use no other pairs.
    """
    locks = locks_of(problem)
    arcs, n = problem.arcs, len(problem.units)
    centre = np.repeat(np.arange(n), np.diff(arcs.indptr))
    mask = restricted(problem, locks, arcs.allowed if within is None else arcs.allowed & within)
    needs = [_needs(problem, level) for level in range(len(problem.levels))]
    for level, each in enumerate(problem.levels):
        if each.zone_range[1] == 0:
            mask[:, level] = False
        if each.max_minutes_between is not None:
            in_demand = has_demand(problem)
            far = arcs.reach_minutes > each.max_minutes_between + SLACK
            mask[far & in_demand[centre] & in_demand[arcs.units], level] = False
    while True:
        before = int(mask.sum())
        for level, need in enumerate(needs):
            mask[:, level] &= _within_volume(
                problem, mask[:, level], need, connected=problem.contiguous[level]
            )
        mask = restricted(problem, locks, mask)
        mask &= ~_sole_centres(n, centre, arcs.units, mask)[:, None]
        if int(mask.sum()) == before:
            return mask


def has_demand(problem: Problem) -> Mask:
    """Return which units (n,) have hours or customers."""
    found = problem.hours > 0
    return found if problem.customers is None else found | (problem.customers > 0)


@dataclass(frozen=True, eq=False)
class _Need:
    """One demand that a zone of a level must hold: weights (n,), the least and the most of it."""

    weight: Floats
    least: float
    most: float


def _needs(problem: Problem, level: int) -> list[_Need]:
    """Return the volume bands of a level, and the least hours of its class, as demands on every zone."""
    each = problem.levels[level]
    hours_least, hours_most = _ends(each.weekly_hours)
    needs = [_Need(problem.hours, hours_least, hours_most)]
    if each.customers is not None and problem.customers is not None:
        needs.append(_Need(problem.customers, *_ends(each.customers)))
    if each.character is not None:
        of_class = problem.units.frame[each.character.column].isin(each.character.values).to_numpy()
        share = max(0.0, each.character.at_least - SLACK)
        needs.append(_Need(np.where(of_class, problem.hours, 0.0), share * hours_least, np.inf))
    return needs


def _ends(band: Band | None) -> tuple[float, float]:
    """Return a band's ends with the slack, open ends as 0 and inf."""
    low, high = band or (None, None)
    return max(0.0, (low or 0.0) - SLACK), np.inf if high is None else high + SLACK


def _within_volume(problem: Problem, mask: Mask, needs: list[_Need], *, connected: bool) -> Mask:
    """Return which arcs (arcs,) some zone could use, by what of each demand it can gather."""
    arcs, n = problem.arcs, len(problem.units)
    centre = np.repeat(np.arange(n), np.diff(arcs.indptr))
    found = mask.copy()
    from zonedesign.solve._paths import within_weight  # noqa: PLC0415  (numba is slow to import)

    for need in needs:
        if connected:
            graph = problem.units.contiguity
            assert graph is not None  # noqa: S101  (the problem was checked when made)
            indptr, neighbours, _ = graph.csr
            found &= within_weight(
                arcs.indptr, arcs.units, found, indptr, neighbours, need.weight, min(need.most, 1e300)
            )
        else:
            together = need.weight[centre] + np.where(arcs.units == centre, 0.0, need.weight[arcs.units])
            found &= together <= need.most
    for need in needs:
        held = np.bincount(centre, weights=np.where(found, need.weight[arcs.units], 0.0), minlength=n)
        # Sums in another order differ in their last digits; the allowance keeps this a proof.
        found &= (held >= need.least - 1e-9 * max(1.0, need.least))[centre]
    return found


def _sole_centres(n: int, centre: Ints, unit: Ints, mask: Mask) -> Mask:
    """Return the arcs (arcs,) that would take away the only centre that some unit has left."""
    usable = mask.any(axis=1)
    choices = np.bincount(unit[usable], minlength=n)
    only = np.zeros(n, dtype=bool)
    only[centre[usable & (choices[unit] == 1)]] = True
    return np.asarray(only[unit] & (unit != centre))
