"""Paper: a piece of the ground on a sheet, at a true scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

SCALES = (
    1_000, 1_250, 2_000, 2_500, 4_000, 5_000, 7_500, 10_000, 12_500, 15_000, 20_000, 25_000, 30_000, 40_000,
    50_000, 60_000, 75_000, 100_000, 125_000, 150_000, 175_000, 200_000, 250_000, 300_000, 400_000, 500_000,
    750_000, 1_000_000, 1_500_000, 2_000_000, 3_000_000,
)  # fmt: skip
"""Scales that people have a feeling for, one in so many."""

EMPTY = 0.04
"""Share of the sheet that stays free on every side of what it shows."""


@dataclass(frozen=True)
class Frame:
    """A window on the ground: `width_mm` by `height_mm` at 1:`scale`, its top left corner in metres."""

    scale: int
    width_mm: float
    height_mm: float
    west: float
    north: float

    @classmethod
    def around(cls, bounds: Iterable[float], width_mm: float, height_mm: float) -> Frame:
        """Return the frame of the largest scale in `SCALES` that shows all within `bounds`, in the middle."""
        west, south, east, north = bounds
        needed = max((east - west) / width_mm, (north - south) / height_mm) * 1000.0 / (1.0 - 2.0 * EMPTY)
        scale = next((each for each in SCALES if each >= needed), SCALES[-1])
        across, up = width_mm * scale / 1000.0, height_mm * scale / 1000.0
        return cls(scale, width_mm, height_mm, (west + east - across) / 2.0, (south + north + up) / 2.0)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """West, south, east and north of the window, in metres."""
        metres = self.scale / 1000.0
        return (
            self.west,
            self.north - self.height_mm * metres,
            self.west + self.width_mm * metres,
            self.north,
        )

    def on_paper(self, shapes: Any) -> NDArray[np.object_]:
        """Return what of shapes the window shows, in millimetres from its top left corner, cut to it."""
        west, south, east, north = self.box
        margin = 0.02 * max(east - west, north - south)
        cut = shapely.clip_by_rect(shapes, west - margin, south - margin, east + margin, north + margin)
        # Of a county's roads a lot's window shows few.
        seen = np.atleast_1d(np.asarray(cut, dtype=object))
        seen = seen[~(shapely.is_empty(seen) | shapely.is_missing(seen))]
        return np.atleast_1d(np.asarray(shapely.transform(seen, self.mm)))

    def mm(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return places (n, 2) in metres as millimetres from the top left corner."""
        return np.column_stack([xy[:, 0] - self.west, self.north - xy[:, 1]]) * (1000.0 / self.scale)

    def bar(self) -> tuple[int, float]:
        """Return the scale bar, a quarter of the width at most: metres, and their length in millimetres."""
        most = self.width_mm * self.scale / 4000.0
        ten = 10.0 ** np.floor(np.log10(most))
        metres = int(max(step * ten for step in (1, 2, 5) if step * ten <= most))
        return metres, metres * 1000.0 / self.scale
