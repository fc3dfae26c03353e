"""Asking: how much doubt each figure, and each part between two tables, asks for, and whether it has it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.disclosure.reader import SLACK, Found, Reader, is_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from zonedesign.disclosure.figures import Figures
    from zonedesign.disclosure.policy import Policy

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

_BATCHES = 6
"""Programs that try many figures at once, before each that is left is tried alone."""
_ALONE = 6
"""As few figures as this are tried one by one at once."""


@dataclass(frozen=True, eq=False)
class Ask:
    """What is asked for one sum of atoms `goal` (n,): a range `width` wide that reaches up to `high`.

    `figure` is the printed figure that it is, or -1 for a part between tables, `atom`.
    """

    quantity: str
    goal: Floats
    figure: int
    atom: int
    width: float
    high: float


@dataclass(frozen=True, eq=False)
class Cut:
    """A good choice y has `price` @ y >= `need`, times y of `when` where that is not -1."""

    price: Floats
    need: float
    when: int

    @property
    def row(self) -> Floats:
        """The condition's row over y, with `when` brought to its side."""
        row = self.price.copy()
        if self.when >= 0:
            row[self.when] -= self.need
        return row

    def met(self, hidden: Flags) -> bool:
        """Return whether a choice meets it."""
        return bool(self.row @ hidden >= (self.need if self.when < 0 else 0.0) - SLACK)


def asks_of(figures: Figures, policy: Policy) -> dict[str, list[Ask]]:
    """Return what is asked, by quantity: of every figure while it is hidden, and of parts that are small.

    A small sum must seem to be `below` or more: then no small union of parts can be told either, for it
    would keep each small part of it under the threshold. The same holds for dominated hours.
    """
    size = len(next(iter(figures.truth.values())))
    # A rounded figure is printed: that it is small may be guessed, and only how small is hidden.
    counted = figures.quantities[0] if policy.rounding is None else None
    found: dict[str, list[Ask]] = {}
    for quantity in figures.quantities:
        width, asks = policy.width(quantity), []
        for f in np.flatnonzero(figures.must | figures.free | figures.gone):
            high = policy.least(quantity) if quantity == counted and figures.small[f] else 0.0
            if quantity == "weekly_hours" and figures.dominant[f]:
                high = max(high, float(figures.figure_needs[f]))
            asks.append(Ask(quantity, figures.covers[f].astype(np.float64), int(f), -1, width, high))
        printed = {row.tobytes() for row in figures.covers}
        for a in np.flatnonzero(figures.atom_small | (figures.needs > 0)):
            goal = np.zeros(size)
            goal[a] = 1.0
            if (goal > 0).tobytes() in printed:
                continue
            high = policy.least(quantity) if quantity == counted and figures.atom_small[a] else 0.0
            if quantity == "weekly_hours":
                high = max(high, float(figures.needs[a]))
            needed = width if figures.atom_small[a] else 0.0
            if needed > 0 or high > 0:
                asks.append(Ask(quantity, goal, -1, int(a), needed, high))
        found[quantity] = asks
    return found


def reader_of(figures: Figures, quantity: str, policy: Policy) -> Reader:
    """Return the reader of one quantity, who knows the levels' bands and how figures are hidden."""
    value, floor = figures.value[quantity], figures.floor[quantity]
    if policy.rounding is None and figures.whole_numbers(quantity):
        # Zero is printed, so a hidden whole number is 1 at least.
        floor = np.maximum(floor, np.where(value >= 1, 1.0, 0.0))
    return Reader.of(
        figures.covers, value, floor, figures.ceiling[quantity], figures.most[quantity],
        whole=figures.whole_numbers(quantity),
    )  # fmt: skip


class Trial:
    """The asks of one quantity, tried on one choice of hidden figures after another."""

    def __init__(self, figures: Figures, quantity: str, asks: list[Ask], reader: Reader) -> None:
        self.figures, self.quantity, self.reader = figures, quantity, reader
        self.asks = list(asks)
        self.lowered: dict[int, Ask] = {}
        """Asks that could not be met whatever is hidden, as they were first."""
        size = len(figures.truth[quantity])
        self.goals = np.array([ask.goal for ask in asks]).reshape(len(asks), size)
        self.truth = figures.truth[quantity]
        self.points: list[Floats] = []

    def cuts(self, hidden: Flags) -> Iterator[Cut]:
        """Yield what is wrong with a choice, each as a condition that every good choice meets."""
        self._begin(hidden)
        self._together(hidden)
        for k in np.flatnonzero(self._open()):
            if not self._met(int(k)):
                yield from self._alone(int(k), hidden)

    def _begin(self, hidden: Flags) -> None:
        """Start from the truth and the points that are still possible."""
        self.points = [point for point in self.points[-400:] if self.reader.can_be(point, hidden)]
        self.high = self.goals @ self.truth
        self.low = self.high.copy()
        for point in self.points:
            self._see(point)
        must = self.figures.must
        self.active = np.array(
            [ask.figure < 0 or bool(hidden[ask.figure] or must[ask.figure]) for ask in self.asks], dtype=bool
        )

    def _see(self, point: Floats) -> None:
        values = self.goals @ point
        self.high, self.low = np.maximum(self.high, values), np.minimum(self.low, values)

    def _take(self, point: Floats | None) -> bool:
        """Keep a possible point; in whole numbers, where those are known to be whole."""
        if point is None or (self.reader.whole and not is_whole(point)):
            return False
        point = np.round(point) if self.reader.whole else point
        self.points.append(point)
        self._see(point)
        return True

    def _met(self, k: int) -> bool:
        ask = self.asks[k]
        return meets(ask, float(self.low[k]), float(self.high[k]))

    def _open(self) -> Flags:
        met = [self._met(k) for k in range(len(self.asks))]
        return np.asarray(self.active & ~np.array(met, dtype=bool), dtype=bool)

    def _together(self, hidden: Flags) -> None:
        """Look for points that meet many asks at once."""
        sign = 1.0
        for _ in range(_BATCHES):
            left = np.flatnonzero(self._open())
            if len(left) <= _ALONE:
                return
            goals, start = self.goals[left], self.goals[left] @ self.truth
            asked = [self.asks[k] for k in left]
            need = np.array(
                [
                    max(ask.width, ask.high - at if sign > 0 else 0.0)
                    for ask, at in zip(asked, start, strict=True)
                ]
            )
            self._take(self.reader.wide_apart(goals, start, hidden, np.maximum(need, 1.0), sign))
            sign = -sign

    def _alone(self, k: int, hidden: Flags) -> Iterator[Cut]:
        """Try one ask by its own two programs; yield the cuts where it is not met."""
        reader, goal = self.reader, self.goals[k]
        up = reader.furthest(goal, hidden, 1.0)
        self._take(up.point)
        if self._met(k):
            return
        down = reader.furthest(goal, hidden, -1.0)
        self._take(down.point)
        if self._met(k):
            return
        if meets(self.asks[k], -down.value, up.value):
            # Fractions meet it; whole numbers may not.
            for sign in (1.0, -1.0):
                self._take(reader.furthest_whole(goal, hidden, sign).point)
            if self._met(k) or self._lower(k):
                return
            yield self._one_more(k, hidden)
        elif not self._lower(k):
            yield from self._priced(k, up, down, hidden)

    def _lower(self, k: int) -> bool:
        """Ask for no more than is left where all is hidden that can be; return whether that is met."""
        if k in self.lowered:
            return False
        ask = self.asks[k]
        low, high = self.limits(k, self.figures.free | self.figures.gone)
        if meets(ask, low, high):
            return False
        self.lowered[k] = ask
        self.asks[k] = replace(ask, width=min(ask.width, high - low), high=min(ask.high, high))
        return self._met(k)

    def limits(self, k: int, hidden: Flags) -> tuple[float, float]:
        """Return what a reader can narrow an ask's sum to, exactly."""
        return (
            self.reader.end(self.goals[k], hidden, -1.0)[0],
            self.reader.end(self.goals[k], hidden, 1.0)[0],
        )

    def _priced(self, k: int, up: Found, down: Found, hidden: Flags) -> Iterator[Cut]:
        ask = self.asks[k]
        when = -1 if ask.figure < 0 or self.figures.must[ask.figure] else ask.figure
        price, base = up.price + down.price, up.base + down.base
        cuts = []
        if up.value < ask.high - _near(ask.high):
            cuts.append((up.price, ask.high - up.base))
        if up.value + down.value < ask.width - _near(ask.width):
            cuts.append((price, ask.width - base))
        for asked, need in cuts:
            fair = np.where(self.figures.free, np.minimum(asked, need), 0.0)
            already = float(np.minimum(asked, need)[self.figures.gone].sum())
            if need - already > SLACK and (fair > _near(need)).any():
                yield Cut(fair / need, (need - already) / need, when)
            else:
                yield self._one_more(k, hidden)

    def _one_more(self, k: int, hidden: Flags) -> Cut:
        """Return the plain condition: something else must be hidden too."""
        ask = self.asks[k]
        when = -1 if ask.figure < 0 or self.figures.must[ask.figure] else ask.figure
        return Cut((self.figures.free & ~hidden).astype(np.float64), 1.0, when)


def meets(ask: Ask, low: float, high: float) -> bool:
    """Return whether a range meets an ask, to rounding."""
    return bool(high >= ask.high - _near(ask.high) and high - low >= ask.width - _near(ask.width))


def _near(value: float) -> float:
    return SLACK * (1.0 + abs(value))
