"""The reader: an attacker's linear program over everything that is printed and everything that is known.

Whoever reads the tables knows every printed figure, that each is the sum of its parts, that customers are
whole and nothing is negative, the levels' bands, and how many people live where. What he can work out of a
hidden figure is the least and the most that it can be under all of this: two programs a figure (the
attacker's problems of Fischetti and Salazar-Gonzalez, Management Science 47, 2001).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from zonedesign.errors import SolverError

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

    Hidden ones lie between `floor` and `ceiling` (f,), atoms between 0 and `most` (n,); `whole` numbers or not.
    """

    covers: sparse.csr_array
    value: Floats
    floor: Floats
    ceiling: Floats
    most: Floats
    whole: bool
    big: float

    @classmethod
    def of(
        cls, covers: Flags, value: Floats, floor: Floats, ceiling: Floats, most: Floats, *, whole: bool
    ) -> Reader:
        """Return the reader; what nothing limits is taken to be at most `big`, far above every figure."""
        finite = ceiling[np.isfinite(ceiling)]
        big = 10.0 * (float(value.max(initial=0.0)) + float(finite.max(initial=0.0)) + 1000.0)
        rows = sparse.csr_array(covers.astype(np.float64))
        return cls(rows, value, floor, ceiling, np.minimum(most, big), whole, big)

    def furthest(self, goal: Floats, hidden: Flags, sign: float) -> Found:
        """Return how far `sign` x goal @ x can go, where the figures in `hidden` (f,) are not printed."""
        shown, top, bottom = self._rows(hidden)
        given: dict[str, Any] = {}
        if len(shown):
            given = {"A_eq": self.covers[shown], "b_eq": self.value[shown]}
        if len(top) + len(bottom):
            given["A_ub"] = sparse.vstack([self.covers[top], -self.covers[bottom]], format="csr")
            given["b_ub"] = np.concatenate([self.ceiling[top], -self.floor[bottom]])
        ends = np.column_stack([np.zeros(len(self.most)), self.most])
        answer = linprog(-sign * goal, bounds=ends, method="highs", **given)
        if answer.status != 0:
            raise SolverError(f"the attacker's program ended without an answer: {answer.message}")
        price = np.zeros(len(self.value))
        if len(shown):
            price[shown] = self._relaxed(shown, -answer.eqlin.marginals)
        pulls = -answer.ineqlin.marginals if len(top) + len(bottom) else np.zeros(0)
        high, low = pulls[: len(top)], pulls[len(top) :]
        np.add.at(price, top, np.maximum(high, 0) * (self.ceiling - self.value)[top])
        np.add.at(price, bottom, np.maximum(low, 0) * (self.value - self.floor)[bottom])
        value = -float(answer.fun)
        return Found(value, np.asarray(answer.x), value - float(price[hidden].sum()), price)

    def furthest_whole(self, goal: Floats, hidden: Flags, sign: float) -> Found:
        """Return the same in whole numbers: exact, and without a price."""
        shown, top, bottom = self._rows(hidden)
        low, high = np.full(len(self.value), -np.inf), np.full(len(self.value), np.inf)
        low[shown] = high[shown] = self.value[shown]
        high[top], low[bottom] = self.ceiling[top], self.floor[bottom]
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
        """Return the exact end of what goal @ x can be (upper for sign 1, lower for -1), and who reaches it."""
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

    def wide_apart(
        self, goals: Floats, start: Floats, hidden: Flags, need: Floats, sign: float
    ) -> Floats:
        """Return a point in which as many goals (k, n) as possible are `need` (k,) beyond their `start` (k,).

        One program for all of them, so that few must be tried one by one.
        """
        number, size = goals.shape
        shown, top, bottom = self._rows(hidden)
        parts = [sparse.hstack([sparse.csr_array(-sign * goals), sparse.eye_array(number)])]
        ends = [-sign * start]
        blank = sparse.csr_array((len(top) + len(bottom), number))
        if len(top) + len(bottom):
            rows = sparse.vstack([self.covers[top], -self.covers[bottom]])
            parts.append(sparse.hstack([rows, blank]))
            ends.append(np.concatenate([self.ceiling[top], -self.floor[bottom]]))
        given: dict[str, Any] = {
            "A_ub": sparse.vstack(parts, format="csr"),
            "b_ub": np.concatenate(ends),
        }
        if len(shown):
            given["A_eq"] = sparse.hstack(
                [self.covers[shown], sparse.csr_array((len(shown), number))], format="csr"
            )
            given["b_eq"] = self.value[shown]
        high = np.concatenate([self.most, need])
        cost = np.concatenate([np.zeros(size), -1.0 / np.maximum(need, SLACK)])
        answer = linprog(cost, bounds=np.column_stack([np.zeros(size + number), high]), method="highs", **given)
        if answer.status != 0:
            raise SolverError(f"the attacker's program ended without an answer: {answer.message}")
        return np.asarray(answer.x[:size])

    def _rows(self, hidden: Flags) -> tuple[Any, Any, Any]:
        """Return the rows that are printed, and the hidden ones that something is known of from above, below."""
        return (
            np.flatnonzero(~hidden),
            np.flatnonzero(hidden & np.isfinite(self.ceiling)),
            np.flatnonzero(hidden & (self.floor > 0)),
        )

    def _relaxed(self, rows: Any, pulls: Floats) -> Floats:
        """Return by how much hiding each printed row would let the goal go further, at most."""
        price = np.zeros(len(rows))
        up, down = pulls > _DUAL, pulls < -_DUAL
        price[up] = pulls[up] * (self.ceiling - self.value)[rows[up]]
        price[down] = -pulls[down] * (self.value - self.floor)[rows[down]]
        return price


def is_whole(point: Floats | None) -> bool:
    """Return whether a point is in whole numbers."""
    return point is not None and bool((np.abs(point - np.round(point)) <= SLACK).all())
