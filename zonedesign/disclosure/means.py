"""Means: mean minutes that would tell of a unit's hours in a small zone.

Mean minutes from the centre are the units' hours weighed by minutes that anybody can work out from the
roads. In a zone of two units, hours and mean together give the hours of each; in one of many, little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zonedesign.disclosure.policy import HOURS_A_CUSTOMER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.disclosure.policy import Policy

    Floats = NDArray[np.float64]

DOUBT = HOURS_A_CUSTOMER
"""How many hours a small unit's range must be wide: so many that a customer more or fewer cannot be told."""
PRINTED = 0.05
"""Mean minutes are printed to one decimal, so that they are known to half of it."""


def tells(hours: Floats, customers: Floats | None, minutes: Floats, policy: Policy) -> bool:
    """Return whether a zone's mean minutes and hours tell some small unit's hours to within one customer's.

    The arrays are of the zone's units (n,). More is not asked than the zone's hours alone leave.
    """
    total = float(hours.sum())
    reached = np.isfinite(minutes)
    if total <= 0 or not reached.all() or policy.below == 0:
        return False
    mean = float(hours @ minutes) / total
    if customers is None:
        small = (hours > 0) & (hours < policy.least("weekly_hours"))
    else:
        small = (hours > 0) & (customers < policy.below)
    asked = min(DOUBT, total)
    return any(_range(total, mean, minutes, int(u)) < asked - 1e-6 for u in np.flatnonzero(small))


def _range(total: float, mean: float, minutes: Floats, unit: int) -> float:
    """Return how wide the range of one unit's hours is, given total and mean.

    What is left, total - h, has the mean (total x mean - h x its minutes) / (total - h), which must lie among
    the others' minutes: linear in h.
    """
    others = np.delete(minutes, unit)
    if not len(others):
        return total
    own = float(minutes[unit])
    low, high = 0.0, total
    # h x (end - own) <= total x (end - mean) at the far end of the others, and >= at the near end.
    for end, side, about in (
        (float(others.max()), 1.0, mean - PRINTED),
        (float(others.min()), -1.0, mean + PRINTED),
    ):
        slope, room = side * (end - own), side * total * (end - about)
        if slope > 0:
            high = min(high, room / slope)
        elif slope < 0:
            low = max(low, room / slope)
    return max(0.0, high - low)
