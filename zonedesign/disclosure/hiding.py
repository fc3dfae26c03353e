"""Hiding: the figures that must go so that the rest gives none of them back, with least hours lost.

Complementary cell suppression as an integer program over the choice of hidden figures (Fischetti and
Salazar-Gonzalez 2000, 2001): choose the cheapest, let the reader attack it, and turn every figure that he
narrows too far into a condition on the choice (the dual of his program), until he fails.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg, sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from zonedesign.disclosure.asking import Ask, Cut, Trial, asks_of, reader_of
from zonedesign.disclosure.policy import LEAST_HIDDEN
from zonedesign.errors import SolverError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from zonedesign.disclosure.figures import Entry, Figures, Table
    from zonedesign.disclosure.policy import Policy

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

NODES = 20_000
"""Branches of the program a round: a limit that any machine reaches alike."""
ROUNDS = 15
"""Rounds that look for the cheapest choice of all; after them what is hidden stays, and more goes with it."""
ROUGH = 0.2
"""How far from the cheapest choice the first rounds may stay: conditions are found there too, and sooner."""


@dataclass(frozen=True, eq=False)
class Hidden:
    """What is hidden (f,), what was asked, and how it was found.

    `least` where no choice loses fewer hours; else none loses fewer than `bound`, a figure counting as one
    hour more. `lowered` are the asks, as first made, that no choice could meet.
    """

    figures: Flags
    asks: Mapping[str, list[Ask]] = field(repr=False)
    lowered: Mapping[str, Mapping[int, Ask]] = field(repr=False)
    rounds: int = 0
    cuts: int = 0
    least: bool = True
    bound: float = 0.0


def hide(figures: Figures, tables: Mapping[str, Table], policy: Policy) -> Hidden:
    """Return the figures to hide, with least hours lost; those of tables that are out stay as they are."""
    asks = asks_of(figures, policy)
    hidden = (figures.must & figures.free) | figures.gone
    if not figures.must.any() and not any(ask.figure < 0 for each in asks.values() for ask in each):
        return Hidden(hidden, asks, {q: {} for q in asks})
    search = _Search(
        figures, tables, [Trial(figures, q, asks[q], reader_of(figures, q, policy)) for q in asks]
    )
    hidden, least = search.run()
    return Hidden(
        hidden,
        {trial.quantity: trial.asks for trial in search.trials},
        {trial.quantity: trial.lowered for trial in search.trials},
        search.rounds, len(search.cuts), least, search.bound,
    )  # fmt: skip


class _Search:
    """Rounds of choosing and attacking; `cuts` are the conditions so far, `bound` what is lost at least."""

    def __init__(self, figures: Figures, tables: Mapping[str, Table], trials: list[Trial]) -> None:
        self.figures, self.tables, self.trials = figures, tables, trials
        self.cuts = list(_counting(figures, tables))
        self.rounds, self.bound = 0, 0.0

    def run(self) -> tuple[Flags, bool]:
        """Return the choice that the reader fails on, and whether no other loses fewer hours."""
        gap, tried = ROUGH, set[bytes]()
        while self.rounds < ROUNDS:
            hidden, proved = self._cheapest(gap)
            found = self._wrong(hidden)
            if not found and gap == 0:
                return hidden, proved
            if not found:
                gap = 0.0
            elif hidden.tobytes() in tried:
                # A condition that its own cause meets, by rounding: the plain one cannot fail.
                found += [Cut((self.figures.free & ~hidden).astype(float), 1.0, cut.when) for cut in found]
            tried.add(hidden.tobytes())
            self.cuts += found
        return self._grown(hidden), False

    def _grown(self, hidden: Flags) -> Flags:
        """Return a safe choice grown from a given one, then less what proves needless."""
        while found := self._wrong(hidden):
            self.cuts += found
            more, _ = self._cheapest(0.0, hidden)
            if (more == hidden).all():
                self.cuts += [
                    Cut((self.figures.free & ~hidden).astype(float), 1.0, cut.when) for cut in found
                ]
            hidden = more
        spare = np.flatnonzero(hidden & self.figures.free & ~self.figures.must)
        for f in sorted(spare, key=lambda f: -loss(self.figures)[f]):
            fewer = hidden.copy()
            fewer[f] = False
            if all(cut.met(fewer) for cut in self.cuts) and not self._wrong(fewer):
                hidden = fewer
        return hidden

    def _wrong(self, hidden: Flags) -> list[Cut]:
        """Return the conditions that a choice breaks; none where the reader fails."""
        self.rounds += 1
        found = [cut for trial in self.trials for cut in trial.cuts(hidden)]
        return found + list(_known_by_one(self.figures, self.tables, hidden))

    def _cheapest(self, gap: float, kept: Flags | None = None) -> tuple[Flags, bool]:
        """Return the choice that loses least under the conditions, within `gap`, and whether that is proved.

        What is `kept` hidden stays hidden.
        """
        figures = self.figures
        number = len(figures.free)
        low = ((figures.must & figures.free) | figures.gone).astype(float)
        if kept is not None:
            low = np.maximum(low, kept)
        high = (figures.free | figures.gone).astype(float)
        rows: list[LinearConstraint] = []
        if self.cuts:
            matrix = np.array([cut.row for cut in self.cuts])
            need = np.array([cut.need if cut.when < 0 else 0.0 for cut in self.cuts])
            rows.append(LinearConstraint(sparse.csr_array(matrix), need - 1e-9, np.inf))
        answer = milp(
            loss(figures), integrality=np.ones(number), bounds=Bounds(low, high), constraints=rows,
            options={"mip_rel_gap": gap, "node_limit": NODES},
        )  # fmt: skip
        if answer.x is None:
            raise SolverError(f"no choice of hidden figures was found: {answer.message}")
        if kept is None and answer.mip_dual_bound is not None:
            self.bound = max(self.bound, float(answer.mip_dual_bound))
        return np.asarray(answer.x > 0.5), answer.status == 0


def loss(figures: Figures) -> Floats:
    """Return what hiding each figure costs (f,): its hours, and a little for being one more."""
    return np.asarray(figures.value["weekly_hours"] + 1.0)


def _fewest(rows: Floats, goal: Floats) -> Floats:
    """Return weights of rows (m,) that add up to a goal, with the least sum, so that few rows have any."""
    twice = sparse.csr_array(np.vstack([rows, -rows]).T)
    found = linprog(np.ones(2 * len(rows)), A_eq=twice, b_eq=goal, method="highs")
    if found.status != 0:
        raise SolverError(f"two hidden zones were tied by no sum: {found.message}")
    weights: Floats = found.x[: len(rows)] - found.x[len(rows) :]
    return weights


def _zones(figures: Figures, table: str) -> list[Entry]:
    return [entry for entry in figures.entries if entry.table == table and entry.kind == "zone"]


def _counting(figures: Figures, tables: Mapping[str, Table]) -> Iterator[Cut]:
    """Yield, for tables not yet out, that three zones at least are hidden behind each printed total."""
    for name, table in tables.items():
        if table.hidden is not None:
            continue
        zones = [entry for entry in _zones(figures, name) if (figures.free | figures.gone)[entry.figure]]
        for total in figures.entries:
            if total.table != name or total.kind not in ("level", "total"):
                continue
            inside = [z for z in zones if total.kind == "total" or z.level == total.level]
            for zone in inside:
                if zone.figure == total.figure:
                    continue
                price = np.zeros(len(figures.free))
                others = sorted({z.figure for z in inside} - {zone.figure})
                price[others] = 1.0
                if figures.free[total.figure]:
                    price[total.figure] = LEAST_HIDDEN - 1.0
                elif len(others) < LEAST_HIDDEN - 1:
                    continue  # the total is out already, and too few zones stand behind it
                yield Cut(price, LEAST_HIDDEN - 1.0, zone.figure)


def _known_by_one(figures: Figures, tables: Mapping[str, Table], hidden: Flags) -> Iterator[Cut]:
    """Yield what keeps whoever knows one hidden zone from another of the same table, whatever the numbers.

    Two hidden zones are then tied by printed sums of any tables alone, not by one that `_counting` saw.
    """
    open_ = figures.free | figures.gone
    shown = figures.covers[~hidden].astype(np.float64)
    places = np.flatnonzero(~hidden)
    base, triangle, _ = linalg.qr(shown.T, mode="economic", pivoting=True)
    rank = int((np.abs(np.diag(triangle)) > 1e-9).sum())
    base = base[:, :rank]
    for name, table in tables.items():
        if table.hidden is not None:
            continue
        zones = sorted({z.figure for z in _zones(figures, name) if hidden[z.figure]})
        rows = figures.covers[zones].astype(np.float64)
        left = rows - (rows @ base) @ base.T
        size = np.linalg.norm(left, axis=1)
        for i, k in combinations(range(len(zones)), 2):
            if size[i] < 1e-9 or size[k] < 1e-9:
                continue
            if abs(abs(left[i] @ left[k]) - size[i] * size[k]) > 1e-9 * size[i] * size[k]:
                continue
            weights = _fewest(np.vstack([shown, rows[k]]), rows[i])[:-1]
            price = np.zeros(len(hidden))
            price[places[np.abs(weights) > 1e-7]] = 1.0
            price[~open_] = 0.0
            if price.any():
                # One of these goes too where both zones do: price @ y >= y of one + y of the other - 1.
                price[[zones[i], zones[k]]] -= 1.0
                yield Cut(price, -1.0, -1)
