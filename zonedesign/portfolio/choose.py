"""Choose: how far plans are apart, and which of many are far enough from one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zonedesign import measures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

COUNTED = 0.2
"""How far apart plans are that count as different, as a share of how far apart those chosen are."""
SLACK = 1e-9
"""Sums of hours in another order differ in their last digits."""
MOST_COMPARED, MOST_TRIES = 300, 20_000
"""How many plans, and how many steps, a search for more plans apart may take."""
MOST_UNITS_COMPARED = 200_000_000
"""Units of all pairs of plans that it may compare: some ten seconds."""


def distance(hours: Floats, one: Ints, other: Ints) -> float:
    """Return the share of hours in different zones, under the one-to-one matching that keeps most hours.

    Where every zone has most of its hours in a zone of its own, that is the matching; else
    `measures.moved_share` works it out.
    """
    total = float(hours.sum())
    if total <= 0:
        return 0.0
    width = int(other.max(initial=-1)) + 1
    pairs, at = np.unique(one * width + other, return_inverse=True)
    shared = np.bincount(at, weights=hours, minlength=len(pairs))
    order = np.lexsort((-shared, pairs // width))
    rows = (pairs // width)[order]
    first = order[np.concatenate([[True], rows[1:] != rows[:-1]])]
    if len(np.unique(pairs[first] % width)) < len(first):
        return measures.moved_share(hours, one, other)
    stays = np.zeros(len(pairs), dtype=bool)
    stays[first] = True
    return float(hours[~stays[at]].sum() / total)


class Apart:
    """Plans by number, best first, with the distances asked for so far; `zones` are (n,) each."""

    def __init__(self, hours: Floats, zones: Sequence[Ints], least: float) -> None:
        self.hours, self.zones, self.least = hours, list(zones), least
        self._known: dict[tuple[int, int], float] = {}

    def between(self, a: int, b: int) -> float:
        """Return the distance of two plans."""
        key = (min(a, b), max(a, b))
        if a == b:
            return 0.0
        if key not in self._known:
            self._known[key] = distance(self.hours, self.zones[key[0]], self.zones[key[1]])
        return self._known[key]

    def holds(self, a: int, b: int) -> bool:
        """Return whether two plans are far enough apart."""
        return self.between(a, b) >= self.least - SLACK

    def is_apart(self, zone: Ints) -> bool:
        """Return whether one more plan would be far enough from all."""
        return all(distance(self.hours, other, zone) >= self.least - SLACK for other in self.zones)

    def add_if_apart(self, zone: Ints) -> bool:
        """Add a plan where it is far enough from all others, and return whether it was."""
        if not self.is_apart(zone):
            return False
        self.zones.append(zone)
        return True

    def chosen(self, number: int) -> list[int]:
        """Return at most `number` plans pairwise apart, the best first, the others as unlike as can be.

        Each next is the one farthest from those before (Gonzalez 1985: farthest-first traversal). Where that
        ends early, sets of more are looked for by trying.
        """
        found = [0]
        nearest = {k: self.between(0, k) for k in range(1, len(self.zones))} if number > 1 else {}
        while nearest and len(found) < number:
            far = max(nearest, key=lambda k: (nearest[k], -k))
            if nearest[far] < self.least - SLACK:
                break
            found.append(far)
            del nearest[far]
            nearest = {k: min(d, self.between(far, k)) for k, d in nearest.items() if d >= self.least - SLACK}
        most = min(MOST_COMPARED, int((MOST_UNITS_COMPARED / max(1, len(self.hours))) ** 0.5))
        pool = range(1, min(len(self.zones), max(len(found), most)))
        first = [k for k in pool if self.holds(0, k)]
        for size in range(number, len(found), -1):
            self._tries = MOST_TRIES
            more = self._extended([0], first, size)
            if more is not None:
                return [0, *sorted(more[1:])]
        return [0, *sorted(found[1:])]

    def _extended(self, so_far: list[int], left: list[int], size: int) -> list[int] | None:
        """Return plans pairwise apart that extend `so_far` by some of `left` to `size`, or None."""
        if len(so_far) == size:
            return so_far
        for place, k in enumerate(left):
            self._tries -= 1
            if self._tries < 0 or len(so_far) + len(left) - place < size:
                return None
            after = [other for other in left[place + 1 :] if self.holds(k, other)]
            more = self._extended([*so_far, k], after, size)
            if more is not None:
                return more
        return None
