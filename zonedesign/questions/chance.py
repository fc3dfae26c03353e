"""Chance: shares of draws with their error bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

Z95 = 1.959963984540054
"""The normal deviate that 2.5 % lie beyond: intervals cover 95 %."""


def wilson(hits: ArrayLike, draws: int, z: float = Z95) -> tuple[Floats, Floats]:
    """Return both ends of the score interval of a share of draws (Wilson 1927, JASA 22).

    It stays within 0 and 1, and says something also where no draw hit, or all did: there the usual interval
    has no width (Brown, Cai and DasGupta 2001, Statistical Science 16). The draws are the error bar of the
    simulation alone; they know nothing of whether its assumptions hold.
    """
    share = np.asarray(hits, dtype=np.float64) / draws
    middle = share + z * z / (2 * draws)
    half = z * np.sqrt(share * (1 - share) / draws + z * z / (4 * draws * draws))
    scale = 1 + z * z / draws
    # The ends are exactly 0 and 1 where no draw hit and where all did; rounding must not say otherwise.
    low = np.where(share <= 0, 0.0, np.maximum(0.0, (middle - half) / scale))
    high = np.where(share >= 1, 1.0, np.minimum(1.0, (middle + half) / scale))
    return low, high
