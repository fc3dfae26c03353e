"""Steps: the way of prices and tolls to the best bound, and how long each step is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zonedesign.solve.tolls import Tolls

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.solve.bound import Bound, Priced
    from zonedesign.solve.tolls import Prices

    Floats = NDArray[np.float64]


class Steps:
    """Prices and tolls on their way (Held, Wolfe and Crowder 1974).

    Steps shorten after `stale` ones without a better bound. Where no plan says how high the bound may rise,
    they aim at what is hoped for: `hope` above the best.
    """

    def __init__(self, priced: Priced, start: Prices | None) -> None:
        self.prices = first_prices(priced) if start is None else start.units.copy()
        toll = None if start is None else start.toll
        self.tolls = Tolls(priced.shares, priced.demand, len(priced.low), toll)
        # Multipliers are of the size of hours: steps in proportion serve big and small units alike.
        self.scale = np.where(priced.hours > 0, priced.hours, float(priced.hours.mean()))
        self.direction = np.zeros(len(priced.demand))
        self.theta, self.stale, self.hope = 1.0, 0, 0.0

    def look(self, value: float, best: float) -> None:
        """See what the last step brought; where that is what was hoped for, hope for twice as much."""
        self.stale = 0 if value > best + 1e-5 * abs(value) else self.stale + 1
        if value > best and not value - best < 0.5 * self.hope:
            self.hope = 2.0 * self.hope if self.hope > 0 else 0.05 * abs(value) + 1e-9

    def shorter(self, best: Bound, *, hoping: bool) -> bool:
        """Begin again from the best prices with shorter steps; return whether they are still of use."""
        self.theta, self.stale, self.prices = 0.8 * self.theta, 0, best.multipliers.copy()
        self.direction[:] = 0.0
        self.tolls.back_to(best.toll)
        if hoping:
            self.theta, self.hope = max(self.theta, 0.5), 0.5 * self.hope
        return not (self.theta < 1e-3 or (hoping and self.hope < 1e-6 * abs(best.value)))

    def take(self, slope: Floats, room: float) -> bool:
        """Take a step along a slope, `room` below the goal; return whether there was anywhere to go."""
        # Camerini, Fratta and Maffioli (1975): a direction that remembers the last one does not zigzag.
        turn, length = float(slope @ self.direction), float(self.direction @ self.direction)
        back = 1.5 * turn / length if turn < 0 and length > 0 else 0.0
        self.direction = slope - back * self.direction
        norm = float(((self.direction**2) * self.scale).sum()) + self.tolls.turned(back)
        if norm <= 1e-15:
            return False
        self.prices = self.prices + self.theta * room / norm * self.direction * self.scale
        self.tolls.step(self.theta * room / norm)
        return True


def first_prices(priced: Priced) -> Floats:
    """Return first multipliers: what every unit costs from the centre that is some 15th nearest to it."""
    n = len(priced.demand)
    order = np.lexsort((priced.cost, priced.units))
    units = priced.units[order]
    begin = np.searchsorted(units, np.arange(n))
    end = np.searchsorted(units, np.arange(n), side="right")
    zones = max(1, int(priced.least.sum()) or 1)
    at = np.minimum(begin + max(1, n // (2 * zones)), np.maximum(end - 1, 0))
    if not len(order):
        return np.zeros(n)
    return np.where(end > begin, priced.cost[order][np.minimum(at, len(order) - 1)], 0.0)
