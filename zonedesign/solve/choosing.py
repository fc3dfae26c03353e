"""Choosing: the cheapest centres under the zone counts, given what a zone at each would add."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

FAR = 1e30
MANY, PASSES = 400, 30
"""Zones above which centres are chosen by prices, and passes over the levels' prices at most."""
ROUNDING = 1e-13
"""What adding up may lose, as a share of what is added up."""


def choose_centres(worth: Floats, least: Ints, most: Ints) -> tuple[Ints, Ints, float] | None:
    """Return (centres, levels, total worth) of the cheapest choice of centres under the zone counts, or None.

    A centre has one level; level l is used between `least[l]` and `most[l]` times. An assignment problem
    between centres and places, of which `most - least` of each level may stay empty at no cost; only the best
    few centres of a level can matter.
    """
    count = worth.shape[1]
    places = [
        (level, required)
        for level in range(count)
        for required in _places(least[level], most[level], worth[:, level])
    ]
    few: set[int] = set()
    need = len(places)
    if need > MANY:
        return choose_many(worth, least, most)
    for level in range(count):
        finite = np.flatnonzero(np.isfinite(worth[:, level]))
        best = finite[np.argsort(worth[finite, level], kind="stable")][:need]
        few.update(int(c) for c in best)
    candidates = np.array(sorted(few), dtype=np.int64)
    if need == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), 0.0
    optional = [k for k, (_, required) in enumerate(places) if not required]
    table = np.full((len(candidates) + len(optional), need), FAR)
    for k, (level, _) in enumerate(places):
        column = worth[candidates, level]
        table[: len(candidates), k] = np.where(np.isfinite(column), column, FAR)
    for spare, k in enumerate(optional):
        table[len(candidates) + spare, k] = 0.0
    if table.shape[0] < need:
        return None
    rows, columns = linear_sum_assignment(table)
    if (table[rows, columns] >= FAR / 2).any():
        return None
    used = rows < len(candidates)
    total = float(table[rows, columns].sum())
    levels = np.array([places[k][0] for k in columns[used]], dtype=np.int64)
    return candidates[rows[used]], levels, total


def choose_many(worth: Floats, least: Ints, most: Ints) -> tuple[Ints, Ints, float] | None:
    """Return a choice of many centres by pricing the zone counts, and a total that no choice is below.

    With a price a level, each centre takes the level that pays most, if any does. The prices climb one after
    the other, each to its best while the others stay: a bound at any of them, and few passes come near the
    exact one. The choice may miss a count by ties.
    """
    if (np.isfinite(worth).sum(axis=0) < least).any():
        return None
    count = worth.shape[1]
    price, order = np.zeros(count), np.arange(count)
    best, chosen = -math.inf, np.zeros(count)
    for _ in range(PASSES):
        for level in range(count):
            others = worth[:, order != level] - price[order != level]
            other = np.minimum(0.0, others.min(axis=1)) if count > 1 else np.zeros(len(worth))
            rank = np.sort(worth[:, level] - other)
            paying = int((rank < 0).sum())
            if paying < least[level]:
                price[level] = rank[least[level] - 1]
            elif paying > most[level]:
                price[level] = rank[most[level] - 1] if most[level] else rank[0]
            else:
                price[level] = 0.0
        found = float(np.minimum(0.0, (worth - price).min(axis=1)).sum())
        found += float(np.where(price > 0, price * least, price * most).sum())
        if found <= best + ROUNDING * abs(best):
            break
        best, chosen = found, price.copy()
    reduced = worth - chosen
    levels = reduced.argmin(axis=1)
    centres = np.flatnonzero(reduced.min(axis=1) <= 0.0)
    return centres.astype(np.int64), levels[centres].astype(np.int64), best


@dataclass(frozen=True, eq=False)
class Cells:
    """Parts of the map, each with so many centres: `of` (n,) is the part of every centre, -1 for none."""

    of: Ints
    counts: Ints

    def choose(self, worth: Floats) -> tuple[Ints, Ints, float] | None:
        """Return what `choose_centres` does for one level (n, 1), under the counts of the parts."""
        chosen, total = [], 0.0
        for cell, count in enumerate(self.counts):
            members = np.flatnonzero((self.of == cell) & np.isfinite(worth[:, 0]))
            if len(members) < count:
                return None
            best = members[np.argsort(worth[members, 0], kind="stable")[:count]]
            chosen.append(best)
            total += float(worth[best, 0].sum())
        centres = np.concatenate(chosen)
        return centres, np.zeros(len(centres), dtype=np.int64), total

    def with_centre(self, worth: Floats) -> Floats:
        """Return (n,): the least total worth of a choice that has this centre, inf where there is none."""
        found = np.full(len(worth), np.inf)
        ends = [
            [cheapest(worth[self.of == cell, 0], count - less, count - less) for less in (0, 1)]
            for cell, count in enumerate(self.counts.tolist())
        ]
        for cell, (_, fewer) in enumerate(ends):
            others = sum(each[0] for k, each in enumerate(ends) if k != cell)
            inside = self.of == cell
            found[inside] = others + fewer + worth[inside, 0]
        return found


def _places(least: int, most: int, worth: Floats) -> list[bool]:
    """Return one entry a zone that a level may have: whether it must; optional ones only while they pay."""
    paying = int((worth < 0).sum())
    return [True] * int(least) + [False] * max(0, min(int(most), paying) - int(least))


def cheapest(worth: Floats, least: int, most: int) -> float:
    """Return the least total of between `least` and `most` of these, -inf or inf never mixed in."""
    ranked = np.sort(worth[np.isfinite(worth)])
    if len(ranked) < least:
        return math.inf
    return float(ranked[:least].sum() + np.minimum(ranked[least:most], 0.0).sum())
