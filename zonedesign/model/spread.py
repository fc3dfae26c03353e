"""Spread: as many hours as possible from places that lose their provider to others who can take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from zonedesign.errors import SolverError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]


def spread(hours: Floats, headroom: Floats, pairs: Ints, new: Bools, kinds: Floats, room: Floats) -> Floats:
    """Return the hours of every pair (pairs,) that go that way, as many in all as the limits allow.

    `hours` (places,) are to be spread over takers with `headroom` (takers,), along `pairs`
    (pairs, 2) of place and taker. Where a pair is `new` to its taker it counts among those that `room`
    (kinds, takers) limits; `kinds` (kinds, places) says as how much it counts for each limit.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp  # noqa: PLC0415

    count = len(pairs)
    if not count:
        return np.zeros(0)
    place, taker = pairs[:, 0], pairs[:, 1]
    most = np.minimum(hours[place], headroom[taker])
    at = np.arange(count)
    # Columns: hours of every pair, then whether the pair is used at all.
    entries: list[tuple[Ints, Ints, Floats, Floats]] = []
    for rows, of, limits in ((len(hours), place, hours), (len(headroom), taker, headroom)):
        entries.append((of, at, np.ones(count), np.asarray(limits[:rows], dtype=np.float64)))
    entries.append(
        (np.tile(at, 2), np.arange(2 * count), np.concatenate([np.ones(count), -most]), np.zeros(count))
    )
    for weight, limit in zip(kinds, room, strict=True):
        entries.append((taker, at + count, weight[place] * new, limit))
    blocks = [
        sparse.csr_array((values, (row, column)), shape=(len(limits), 2 * count))
        for row, column, values, limits in entries
    ]
    ends = np.concatenate([limits for *_, limits in entries])
    found = milp(
        np.concatenate([-np.ones(count), np.full(count, 1e-9)]),
        constraints=LinearConstraint(sparse.vstack(blocks), ub=np.where(np.isfinite(ends), ends, np.inf)),
        bounds=Bounds(np.zeros(2 * count), np.concatenate([most, np.ones(count)])),
        integrality=np.concatenate([np.zeros(count), np.ones(count)]),
        options={"mip_rel_gap": 0.0, "time_limit": 60.0},
    )
    if found.x is None:
        raise SolverError(f"hours could not be spread: {found.message}")
    return np.maximum(0.0, np.asarray(found.x[:count], dtype=np.float64))
