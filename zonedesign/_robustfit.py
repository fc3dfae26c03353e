"""Factors fitted to trips, so that neither a stop on the way nor a road hardly driven misleads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

SMALLEST, LARGEST = 0.2, 5.0
"""Factors lie between these; beyond them the minutes are of another unit, or of another place."""

APART = 0.25
"""Spread (standard deviation of logs) expected between groups' factors before any trip is seen."""

SHORT_MINUTES = 3.0
"""Around so many minutes the error of a trip turns from a share of it into minutes (lights, rounding)."""

_SURE = 0.01  # the least scatter, as a share: data without any noise still weigh finitely against the prior
_HUBER, _TUKEY = 1.345, 4.685  # 95 % efficient where errors are normal
_STEPS = 60


@dataclass(frozen=True, eq=False)
class Fit:
    """Factors by group, the `common` one they are drawn to, and the `scatter` of a long trip's log error."""

    factors: Floats
    common: float
    scatter: float


def quickest(ways: Floats, factors: Floats) -> tuple[Floats, Floats]:
    """Return minutes by group (n, g + 1) of the quickest of ways (n, k, g + 1), and its minutes in all."""
    priced = ways @ np.append(factors, 1.0)
    best = priced.argmin(axis=1)
    rows = np.arange(len(ways))
    return ways[rows, best], priced[rows, best]


def errors(spent: Floats, observed: Floats, factors: Floats) -> Floats:
    """Return log errors, modelled over observed, in the scatter of a long trip."""
    modelled = spent @ np.append(factors, 1.0)
    return np.asarray(np.log(modelled / observed) / np.hypot(1.0, SHORT_MINUTES / spent.sum(axis=1)))


def fit(ways: Floats, observed: Floats, free: Flags, start: Floats | None = None) -> Fit:
    """Return the factors that suit the observed minutes, every trip on the quickest of its ways with them.

    Groups that are not `free` take the common factor. `start` is where factors are looked for first.
    """
    factors = np.ones(len(free)) if start is None else start
    for step in range(25):
        found = robust(quickest(ways, factors)[0], observed, free)
        change = np.log(found.factors / factors)
        if np.abs(change).max() < 5e-4:
            break
        factors = factors * np.exp(change if step < 5 else change / 2)  # two ways may take turns
    return found


def robust(spent: Floats, observed: Floats, free: Flags) -> Fit:
    """Return the factors for minutes by group (n, g + 1) that are spent where they are.

    An MM-estimate (Yohai 1987) on log errors: Huber's from the median ratio on, for the scatter, then
    Tukey's biweight, both by reweighted Gauss-Newton. The log of a group's factor is the common one plus a
    difference with a normal prior of standard deviation `APART`, which trips on that group outweigh.
    """
    groups = np.flatnonzero(free)
    narrow = np.hypot(1.0, SHORT_MINUTES / spent.sum(axis=1))
    state = np.zeros(1 + len(groups))
    state[0] = np.median(np.log(observed / spent.sum(axis=1)))
    prior = np.diag(np.append(0.0, np.full(len(groups), APART**-2.0)))
    polishing, scatter = False, np.inf
    for _ in range(_STEPS):
        factors = _factors(state, groups, len(free))
        error = errors(spent, observed, factors)
        if not polishing:
            scatter = max(1.4826 * float(np.median(np.abs(error))), _SURE)
        weight = _weights(error / scatter, redescending=polishing)
        by_group = spent[:, :-1] * factors
        slope = np.column_stack([by_group.sum(axis=1), by_group[:, groups]])
        slope /= ((by_group.sum(axis=1) + spent[:, -1]) * narrow)[:, None]
        pull = (slope * weight[:, None]).T / scatter**2
        information = pull @ slope + prior
        information[0, 0] += 1e-9  # where no road that a factor reaches is driven
        move = np.linalg.solve(information, -(pull @ error) - prior @ state)
        state = np.clip(state + move, np.log(SMALLEST), np.log(LARGEST))
        if np.abs(move).max() < 1e-5:
            if polishing:
                break
            polishing = True
    return Fit(_factors(state, groups, len(free)), float(np.exp(state[0])), scatter)


def weights(spent: Floats, observed: Floats, found: Fit) -> Floats:
    """Return what each trip counts for in the fit, from 0 (an outlier) to 1."""
    return _weights(errors(spent, observed, found.factors) / found.scatter, redescending=True)


def _factors(state: Floats, groups: Ints, size: int) -> Floats:
    logs = np.full(size, state[0])
    logs[groups] += state[1:]
    factors: Floats = np.exp(np.clip(logs, np.log(SMALLEST), np.log(LARGEST)))
    return factors


def _weights(error: Floats, *, redescending: bool) -> Floats:
    if redescending:
        return np.asarray(np.clip(1.0 - (error / _TUKEY) ** 2, 0.0, None) ** 2)
    return np.asarray(_HUBER / np.maximum(np.abs(error), _HUBER))


def resampled(ways: Floats, observed: Floats, free: Flags, pairs: Ints, seed: int, start: Floats) -> Floats:
    """Return factors (100, g), each fitted to as many pairs of ends, drawn with replacement.

    Trips between the same ends (`pairs` (n,), whole numbers) are drawn together: they share their way.
    """
    rng = np.random.default_rng(seed)
    order = np.argsort(pairs, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(pairs[order])) + 1)
    drawn = []
    for _ in range(100):
        rows = np.concatenate([members[pair] for pair in rng.integers(len(members), size=len(members))])
        drawn.append(fit(ways[rows], observed[rows], free, start).factors)
    return np.array(drawn)
