"""The reader: an attacker's linear program over everything that is printed and everything that is known.

Whoever reads the tables knows every printed figure, that each is the sum of its parts, that customers are
whole and nothing is negative, the levels' bands, and how many people live where. What he can work out of a
hidden figure is the least and the most that it can be under all of this: two programs a figure (the
attacker's problems of Fischetti and Salazar-Gonzalez, Management Science 47, 2001).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from zonedesign.errors import SolverError
from zonedesign.model.linear import Linear

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

SLACK = 1e-6
_DUAL = 1e-9


@dataclass(frozen=True, eq=False)
class Found:
    """The most that `sign` x goal can be: `value`, and the `point` (n,) that reaches it, None at no end.

    For any other choice of hidden figures y it is at most `base` + `price` @ y, by duality.
    """

    value: float
    point: Floats | None
    base: float
    price: Floats


@dataclass(frozen=True, eq=False)
class Reader:
    """What he knows of one quantity: figures `covers` (f, n) of `value` (f,) where they are printed.

    Hidden ones lie between `floor` and `ceiling` (f,), atoms between 0 and `most` (n,), in `whole` numbers or
    not. `kept` is the last program that was asked.
    """

    covers: sparse.csr_array
    value: Floats
    floor: Floats
    ceiling: Floats
    most: Floats
    whole: bool
    big: float
    kept: dict[bytes, Linear] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, covers: Flags, value: Floats, floor: Floats, ceiling: Floats, most: Floats, *, whole: bool
    ) -> Reader:
        """Return the reader; what nothing limits is taken to be at most `big`, far above every figure."""
        finite = ceiling[np.isfinite(ceiling)]
        big = 10.0 * (float(value.max(initial=0.0)) + float(finite.max(initial=0.0)) + 1000.0)
        rows = sparse.csr_array(covers.astype(np.float64))
        rows.indptr, rows.indices = rows.indptr.astype(np.int32), rows.indices.astype(np.int32)
        return cls(rows, value, floor, ceiling, np.minimum(most, big), whole, big)

    def furthest(self, goal: Floats, hidden: Flags, sign: float) -> Found:
        """Return how far `sign` x goal @ x can go, where the figures in `hidden` (f,) are not printed."""
        value, point, pulls = self._linear(hidden).furthest(sign * goal)
        price = np.zeros(len(self.value))
        up, down = pulls > _DUAL, pulls < -_DUAL
        price[up] = pulls[up] * (self.ceiling - self.value)[up]
        price[down] = -pulls[down] * (self.value - self.floor)[down]
        return Found(value, point, value - float(price[hidden].sum()), price)

    def furthest_whole(self, goal: Floats, hidden: Flags, sign: float) -> Found:
        """Return the same in whole numbers: exact, and without a price."""
        low, high = self._ends(hidden)
        answer = milp(
            -sign * goal,
            integrality=np.ones(len(goal)),
            bounds=Bounds(0, self.most),
            constraints=LinearConstraint(self.covers, low, high),
            options={"mip_rel_gap": 0.0},
        )
        if answer.status != 0:
            raise SolverError(f"the attacker's whole numbers ended without an answer: {answer.message}")
        return Found(-float(answer.fun), np.round(answer.x), 0.0, np.zeros(len(self.value)))

    def end(self, goal: Floats, hidden: Flags, sign: float) -> tuple[float, Floats | None]:
        """Return the exact end of what goal @ x can be (upper for sign 1, lower for -1), and where."""
        found = self.furthest(goal, hidden, sign)
        if self.whole and not is_whole(found.point):
            found = self.furthest_whole(goal, hidden, sign)
        value = found.value * sign
        if self.whole and abs(value - round(value)) < SLACK:
            value = round(value)
        return (np.inf if sign > 0 and value >= self.big - SLACK else float(value)), found.point

    def can_be(self, point: Floats, hidden: Flags) -> bool:
        """Return whether the reader must take a point (n,) for possible."""
        values = self.covers @ point
        near = SLACK * (1.0 + np.abs(self.value))
        printed = np.abs(values - self.value) <= near
        between = (values >= self.floor - near) & (values <= self.ceiling + near)
        return bool(np.where(hidden, between, printed).all())

    def wide_apart(self, goals: Floats, start: Floats, hidden: Flags, need: Floats, sign: float) -> Floats:
        """Return a point in which as many goals (k, n) as possible are `need` (k,) beyond their `start` (k,).

        One program for all of them, so that few must be tried one by one.
        """
        number, size = goals.shape
        low, high = self._ends(hidden)
        rows = sparse.block_array(
            [[self.covers, None], [sparse.csr_array(sign * goals), -sparse.eye_array(number)]], format="csr"
        )
        program = Linear(
            rows,
            np.concatenate([low, sign * start]),
            np.concatenate([high, np.full(number, np.inf)]),
            np.concatenate([self.most, need]),
        )
        _, point, _ = program.furthest(np.concatenate([np.zeros(size), 1.0 / np.maximum(need, SLACK)]))
        return point[:size]

    def _ends(self, hidden: Flags) -> tuple[Floats, Floats]:
        """Return the least and the most (f,) that he must take each figure for."""
        return np.where(hidden, self.floor, self.value), np.where(hidden, self.ceiling, self.value)

    def _linear(self, hidden: Flags) -> Linear:
        """Return his program where `hidden` is not printed; the last one is kept, to go on from."""
        key = hidden.tobytes()
        if key not in self.kept:
            self.kept.clear()
            self.kept[key] = Linear(self.covers, *self._ends(hidden), self.most)
        return self.kept[key]


def is_whole(point: Floats | None) -> bool:
    """Return whether a point is in whole numbers."""
    return point is not None and bool((np.abs(point - np.round(point)) <= SLACK).all())
