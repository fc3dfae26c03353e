"""Draws: how zones' customers come and go, many times over.

A package is one customer with his or her weekly hours. Today's packages end at random, a share of them every
year; new ones begin at random, just so many that their expected number follows the growth of demand. So the
number in a zone is Poisson in the long run (the immigration-death process, or M/G/infinity queue), and starts
from what it is today. A new package has the hours of one of the zone's own, drawn anew each time: the
bootstrap (Efron 1979). Zones are drawn apart, each from a stream of its own, so that draws do not depend on
the number of threads.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.questions.growth import Growth

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

STEPS_A_YEAR = 4
"""Zones are looked at once a quarter."""
AT_ONCE = 1_000_000
"""Packages that are drawn at once, so that memory stays bounded."""


@dataclass(frozen=True, eq=False)
class Packages:
    """Packages of one zone, all (p,).

    `hours` a week of each, the `number` of it there is today, whether it `counts` as a customer (1 or 0), and
    its `kind`, the class of growth.
    """

    hours: Floats
    number: Floats
    counts: Floats
    kind: Ints

    @property
    def total(self) -> Floats:
        """Hours and customers today (2,)."""
        return np.array([(self.hours * self.number).sum(), (self.counts * self.number).sum()])

    def expected(self, factors: Floats) -> Floats:
        """Return expected hours and customers (2, steps), for the factors (classes, steps) of growth."""
        grown = self.number[:, None] * factors[self.kind]
        return np.stack([self.hours @ grown, self.counts @ grown])


@dataclass(frozen=True, eq=False)
class Course:
    """How many packages stay and come, by class and step (classes, steps + 1).

    `alive` is the share of today's that still run, `coming` how many begin, as a share of today's number.
    """

    alive: Floats
    coming: Floats

    @classmethod
    def of(cls, growth: Growth, turnover: float, steps: int) -> Course:
        """Return the course of every class over quarters.

        Where demand shrinks faster than packages end by themselves, more of them end and none begin.
        """
        factors = growth.factors(np.arange(steps + 1) / STEPS_A_YEAR)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(factors[:, :-1] > 0, factors[:, 1:] / factors[:, :-1], 0.0)
        stay = np.minimum((1.0 - turnover) ** (1.0 / STEPS_A_YEAR), ratio)
        alive = np.concatenate([np.ones((len(factors), 1)), np.cumprod(stay, axis=1)], axis=1)
        begin = np.maximum(0.0, factors[:, 1:] - stay * factors[:, :-1])
        return cls(alive, np.concatenate([np.zeros((len(factors), 1)), begin], axis=1))


def drawn(
    zones: list[Packages], course: Course, draws: int, entropy: tuple[int, ...], threads: int | None
) -> list[Floats]:
    """Return hours and customers (draws, steps + 1, 2) of every zone.

    `entropy` begins every stream of random numbers; the zone's place and the block's number follow.
    """

    def of_zone(number: int) -> Floats:
        zone = zones[number]
        # About how many packages one draw has.
        each = max(1.0, float(zone.number.sum() * (1.0 + course.coming.sum(axis=1).max())))
        block = max(1, min(draws, int(AT_ONCE / each)))
        parts = []
        for place, first in enumerate(range(0, draws, block)):
            dice = np.random.default_rng([*entropy, number, place])
            parts.append(_block(zone, course, min(block, draws - first), dice))
        return np.concatenate(parts)

    with ThreadPoolExecutor(max_workers=threads or None) as pool:
        return list(pool.map(of_zone, range(len(zones))))


def _block(zone: Packages, course: Course, draws: int, dice: np.random.Generator) -> Floats:
    """Return hours and customers of one zone in some draws (draws, steps + 1, 2)."""
    found = np.zeros((draws, course.alive.shape[1], 2))
    for kind in np.unique(zone.kind):
        members = np.flatnonzero(zone.kind == kind)
        hours, counts = zone.hours[members], zone.counts[members]
        if zone.number[members].sum() <= 0:
            continue
        if (hours == hours[0]).all() and (counts == counts[0]).all():
            number = _alike(float(zone.number[members].sum()), course, int(kind), draws, dice)
            found += number[:, :, None] * np.array([hours[0], counts[0]])
        else:
            found += _unlike(zone, members, course, int(kind), draws, dice)
    return found


def _first(number: Floats, draws: int, dice: np.random.Generator) -> Ints:
    """Return whole numbers (draws, m) that are `number` (m,) on average, and next to it always."""
    whole = np.floor(number)
    return (whole + (dice.random((draws, len(number))) < number - whole)).astype(np.int64)


def _alike(number: float, course: Course, kind: int, draws: int, dice: np.random.Generator) -> Floats:
    """Return how many packages run (draws, steps + 1), where all are alike: it is enough to count them."""
    alive, coming = course.alive[kind], course.coming[kind]
    running = _first(np.array([number]), draws, dice)[:, 0]
    found = np.empty((draws, len(alive)))
    found[:, 0] = running
    for step in range(1, len(alive)):
        stay = alive[step] / alive[step - 1] if alive[step - 1] > 0 else 0.0
        running = dice.binomial(running, min(stay, 1.0)) + dice.poisson(number * coming[step], draws)
        found[:, step] = running
    return found


def _unlike(
    zone: Packages, members: Ints, course: Course, kind: int, draws: int, dice: np.random.Generator
) -> Floats:
    """Return hours and customers (draws, steps + 1, 2) of packages of one class, each followed to its end."""
    alive, number = course.alive[kind], zone.number[members]
    hours, counts = zone.hours[members], zone.counts[members]
    steps = len(alive)
    width = steps + 1  # one cell more for what ends beyond the last step
    rows = np.arange(draws) * width
    copies = _first(number, draws, dice)
    coming = dice.poisson(number.sum() * course.coming[kind], (draws, steps))
    each = int(coming.sum())
    if (number == number[0]).all():
        new = dice.integers(0, len(members), each)
    else:
        chosen = np.searchsorted(np.cumsum(number), dice.random(each) * number.sum(), side="right")
        new = np.minimum(chosen, len(members) - 1)

    def ends(row: Ints, begin: Ints | int, packages: int) -> Ints:
        """Return the cells in which packages end that begin at a step: draws' rows, and a random step."""
        left = dice.random(packages) * alive[begin]
        # A package runs at a step while what is left of its class's share there is above its own number.
        last = steps - np.searchsorted(alive[::-1], left, side="right")
        return np.asarray(row + np.maximum(last, np.add(begin, 1)), dtype=np.int64)

    today = np.repeat(np.tile(np.arange(len(members)), draws), copies.ravel())
    begin = np.repeat(np.tile(np.arange(steps), draws), coming.ravel())
    gone = [
        ends(np.repeat(rows, copies.sum(axis=1)), 0, len(today)),
        ends(np.repeat(rows, coming.sum(axis=1)), begin, each),
    ]
    found = np.zeros((draws, steps, 2))
    # New packages stand in the order of their cells, so sums over a cell are differences of running sums.
    last = np.cumsum(coming.ravel())
    for side, worth in enumerate((hours, counts)):
        change = np.zeros((draws, width))
        change[:, 0] = copies @ worth
        running = np.concatenate([[0.0], np.cumsum(worth[new])])
        change[:, :steps] += (running[last] - running[last - coming.ravel()]).reshape(draws, steps)
        alike = side == 1 and (worth == worth[0]).all()
        for cell, package in zip(gone, (today, new), strict=True):
            lost = np.bincount(cell, None if alike else worth[package], draws * width)
            change -= lost.reshape(draws, width) * (worth[0] if alike else 1.0)
        found[:, :, side] = np.cumsum(change, axis=1)[:, :-1]
    return found
