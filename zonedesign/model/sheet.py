"""The sheet: columns and rows of an integer program, written down in PuLP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Numbers = Sequence[Any] | NDArray[Any]


class Sheet:
    """A PuLP problem that is written column by column and row by row, each known by its number."""

    def __init__(self) -> None:
        import pulp  # noqa: PLC0415

        self._pulp = pulp
        self.problem = pulp.LpProblem("zones", pulp.LpMinimize)
        # PuLP 4 makes columns by the problem; PuLP 3.0 knows only the class.
        self._make = getattr(self.problem, "add_variable", pulp.LpVariable)
        self._columns: list[Any] = []
        self._cost: list[float] = []
        self._most: list[float] = []
        self.height = 0

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self._columns)

    @property
    def most(self) -> NDArray[np.float64]:
        """The upper bound of every column (columns,)."""
        return np.array(self._most)

    def column(self, what: str, *, most: float = 1.0, cost: float = 0.0, whole: bool = False) -> int:
        """Return the number of a new column between 0 and `most`; `what` is part of its name in PuLP."""
        # PuLP sorts its columns by name: the number in front keeps them in our order.
        name = f"c{len(self._columns):09d}_{what}"
        kind = self._pulp.LpInteger if whole else self._pulp.LpContinuous
        self._columns.append(self._make(name, 0, most, kind))
        self._cost.append(cost)
        self._most.append(most)
        return len(self._columns) - 1

    def charge(self, columns: Numbers, costs: Numbers) -> None:
        """Add costs to columns."""
        for column, cost in zip(columns, costs, strict=True):
            self._cost[int(column)] += float(cost)

    def row(
        self, columns: Numbers, values: Numbers, *, least: float | None = None, most: float | None = None
    ) -> None:
        """Write `least` <= sum of `values` x `columns` <= `most`; columns named twice count together."""
        sums: dict[int, float] = {}
        for column, value in zip(columns, values, strict=True):
            sums[int(column)] = sums.get(int(column), 0.0) + float(value)
        pairs = [(self._columns[column], value) for column, value in sums.items() if value != 0.0]
        pulp = self._pulp
        ends = (
            [(pulp.LpConstraintEQ, least)]
            if least is not None and least == most
            else [(pulp.LpConstraintGE, least), (pulp.LpConstraintLE, most)]
        )
        for sense, end in ends:
            if end is not None:
                expression = pulp.LpAffineExpression(pairs)
                name = f"r{self.height}"
                self.problem.addConstraint(pulp.LpConstraint(expression, sense, name, float(end)), name)
                self.height += 1

    def finish(self, scale: float) -> None:
        """Write the objective, costs times `scale`; columns without cost too, or PuLP loses them."""
        cost = np.array(self._cost) * scale
        pairs = list(zip(self._columns, cost.tolist(), strict=True))
        self.problem.setObjective(self._pulp.LpAffineExpression(pairs))
