"""Sheets: the printed map of every lot and of all together, as pictures at a true scale."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from zonedesign.errors import DataError
from zonedesign.maps import palette
from zonedesign.maps.drawing import Drawing
from zonedesign.maps.paper import Frame
from zonedesign.maps.quiet import Quiet, quiet
from zonedesign.maps.shapes import Ground, ground

if TYPE_CHECKING:
    from zonedesign.plan import Plan

BEYOND, LAND, LOT, LEFT_OUT = "#eaeef0", "#ffffff", "#d5e6ee", "#9aa4aa"
FINEST_M = 5.0
"""Outlines on paper are smoothed by this much at most: a fifth of a millimetre at 1:25,000."""
_NUMBER_MM = (2.2, 1.5)
"""Heights of the type of a unit's number; a unit without room for either is in the list only."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A map as SVG, the frame that it shows, what a reader who does not see it is told, and its legend.

    `shows` are the kinds of background that the legend has to name.
    """

    svg: str
    frame: Frame
    words: str
    shows: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Sheets:
    """The maps of a plan's lots: everything in metres, worked out once."""

    plan: Plan
    shapes: Ground
    background: Quiet

    @classmethod
    def of(cls, plan: Plan, landmarks: Any = None, roads: Any = None) -> Sheets:
        """Return the maps of a plan; `DataError` where its units have no outlines to draw."""
        shapes = ground(plan, most_detail_m=FINEST_M)
        if shapes is None:
            raise DataError("the units have no geometry with a CRS, so no map sheet can be drawn")
        return cls(plan, shapes, quiet(plan, shapes, landmarks, roads))

    def lot(self, k: int, width_mm: float, height_mm: float) -> Picture:
        """Return the map of the lot at position `k`, its units numbered in the order of their ids."""
        shapes, here = self.shapes, self.shapes.zones[k]
        frame = Frame.around(here.bounds, width_mm, height_mm)
        drawing = self._land(frame)
        drawing.shapes(here, fill=LOT)
        self.background.draw_land(drawing)
        self.background.draw_roads(drawing)
        inside = {"fill": "none", "stroke": "#5f7480", "stroke_width": 0.12}
        drawing.shapes(shapes.units[self.members(k)], **inside)
        others = {"fill": "none", "stroke": "#5f6b73", "stroke_width": 0.35, "stroke_dasharray": "1.6 0.8"}
        drawing.shapes(self.borders, **others)
        drawing.shapes(here, fill="none", stroke="#ffffff", stroke_width=1.9, stroke_linejoin="round")
        drawing.shapes(here, fill="none", stroke=palette.INK, stroke_width=0.95, stroke_linejoin="round")
        drawing.scale_bar()
        self._neighbours(drawing, k)
        self._numbers(drawing, k)
        self.background.draw_places(drawing, most=30)
        near = self.adjoining(k)
        beside = f"It adjoins {', '.join(near)}." if near else "It adjoins no other lot."
        words = f"Map of lot {self.plan.zone_ids[k]} at 1:{frame.scale:,}, north up. {beside}"
        return Picture(drawing.svg(), frame, words, self._shows(frame))

    def overview(self, width_mm: float, height_mm: float) -> Picture:
        """Return the map of all lots, in the colours and patterns of the review map."""
        shapes, plan = self.shapes, self.plan
        frame = Frame.around(self.bounds, width_mm, height_mm)
        drawing = self._land(frame)
        order = sorted(set(plan.levels))
        fills = [
            (colour, order.index(level)) for colour, level in zip(self.colours, plan.levels, strict=True)
        ]
        drawing.raw(f"<defs>{palette.hatching(0.28)}</defs>")
        for shape, (colour, level) in zip(shapes.zones, fills, strict=True):
            drawing.shapes(shape, fill=palette.COLOURS[colour])
            if palette.pattern(level):
                drawing.shapes(shape, fill=f"url(#hatch-{palette.pattern(level)})")
        self.background.draw_land(drawing)
        self.background.draw_roads(drawing)
        drawing.shapes(shapes.zones, fill="none", stroke="#ffffff", stroke_width=1.1, stroke_linejoin="round")
        look = {"fill": "none", "stroke": palette.INK, "stroke_width": 0.45, "stroke_linejoin": "round"}
        drawing.shapes(shapes.zones, **look)
        drawing.scale_bar()
        for k in np.argsort(-shapes.room_m, kind="stable"):
            x, y = frame.mm(shapes.labels[k][None])[0]
            drawing.text(x, y, plan.zone_ids[k], 3.4, apart=False, font_weight=700)
        self.background.draw_places(drawing, most=60, larger=1.0)
        words = f"Map of all {len(plan.zone_ids):,} lots at 1:{frame.scale:,}, north up."
        return Picture(drawing.svg(), frame, words, self._shows(frame))

    def inset(self, k: int, width_mm: float, height_mm: float) -> Picture:
        """Return where the lot at position `k` lies among all lots."""
        frame = Frame.around(self.bounds, width_mm, height_mm)
        drawing = Drawing(frame)
        drawing.raw(f'<rect width="{width_mm:g}" height="{height_mm:g}" fill="{BEYOND}"/>')
        drawing.shapes(self.shapes.zones, fill=LAND, stroke="#8a949b", stroke_width=0.1)
        drawing.shapes(self.shapes.zones[k], fill=palette.INK, stroke=palette.INK, stroke_width=0.5)
        return Picture(drawing.svg(), frame, "Where the lot lies within the whole area.")

    def members(self, k: int) -> Any:
        """Return the positions of a lot's units, in the order of their ids."""
        at = np.flatnonzero(self.plan.zone == k)
        return at[np.argsort(self.plan.of_units.id_order[at], kind="stable")]

    def adjoining(self, k: int) -> list[str]:
        """Return the ids of the lots that touch a lot on the map."""
        return [self.plan.zone_ids[b if a == k else a] for a, b in self.touching if k in (a, b)]

    @cached_property
    def touching(self) -> list[tuple[int, int]]:
        """Pairs of lots that touch on the map, or whose units do in the contiguity graph."""
        near = max(4.0 * self.shapes.detail_m, 1.0)
        tree = shapely.STRtree(self.shapes.zones)
        found = tree.query(shapely.buffer(self.shapes.zones, near), "intersects").T
        pairs = {(int(min(p)), int(max(p))) for p in found if p[0] != p[1]}
        return sorted(pairs)

    @cached_property
    def colours(self) -> list[int]:
        """The colour of every lot, unlike its neighbours'."""
        return palette.colours(self.touching, len(self.plan.zone_ids))

    @cached_property
    def borders(self) -> Any:
        """The boundaries of all lots as lines, each once: a dashed line drawn twice is none."""
        edges = shapely.boundary(shapely.set_precision(self.shapes.zones, self.shapes.detail_m / 10))
        return shapely.get_parts(shapely.line_merge(shapely.union_all(edges)))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north of all lots, in metres."""
        west, south, east, north = shapely.total_bounds(self.shapes.zones)
        return float(west), float(south), float(east), float(north)

    def _shows(self, frame: Frame) -> tuple[str, ...]:
        """Return what a legend has to name, of this window."""
        inside, out = (
            shapely.clip_by_rect(each, *frame.box) for each in (self.shapes.zones, self.shapes.excluded)
        )
        known, left = (float(shapely.area(each).sum()) if len(each) else 0.0 for each in (inside, out))
        whole = shapely.box(*frame.box).area
        found = self.background.seen(frame)
        if left > 0:
            found.append("left out")
        if known + left < 0.995 * whole:
            found.append("beyond")
        return tuple(found)

    def _land(self, frame: Frame) -> Drawing:
        drawing = Drawing(frame)
        drawing.raw(f'<rect width="{frame.width_mm:g}" height="{frame.height_mm:g}" fill="{BEYOND}"/>')
        drawing.shapes(self.shapes.zones, fill=LAND)
        if len(self.shapes.excluded):
            drawing.raw(
                '<defs><pattern id="left-out" width="2" height="2" patternUnits="userSpaceOnUse">'
                f'<path d="M0 2L2 0" stroke="{LEFT_OUT}" stroke-width="0.2"/></pattern></defs>'
            )
            drawing.shapes(self.shapes.excluded, fill="url(#left-out)", stroke=LEFT_OUT, stroke_width=0.1)
        return drawing

    def _neighbours(self, drawing: Drawing, k: int) -> None:
        """Write the ids of other lots inside what is seen of them."""
        window = shapely.box(*drawing.frame.box)
        for other, shape in enumerate(self.shapes.zones):
            seen = shapely.intersection(shape, window)
            if other == k or seen.is_empty:
                continue
            part = max(shapely.get_parts(seen), key=lambda each: each.area)
            circle = shapely.maximum_inscribed_circle(part, tolerance=drawing.frame.scale / 2000.0)
            x, y = drawing.frame.mm(shapely.get_coordinates(circle)[:1])[0]
            drawing.text(x, y, self.plan.zone_ids[other], 3.2, fill="#3c4850", font_style="italic")

    def _numbers(self, drawing: Drawing, k: int) -> None:
        """Write the number of every unit that has room for it, in the order of the sheet's list."""
        metres = drawing.frame.scale / 1000.0
        for number, unit in enumerate(self.members(k), start=1):
            part = max(shapely.get_parts(self.shapes.units[unit]), key=lambda each: each.area)
            circle = shapely.maximum_inscribed_circle(part, tolerance=metres / 4)
            room = float(shapely.length(circle)) / metres
            size = next((each for each in _NUMBER_MM if room >= 0.75 * each), None)
            if size is None:
                continue
            x, y = drawing.frame.mm(shapely.get_coordinates(circle)[:1])[0]
            drawing.text(x, y, str(number), size, fill="#33505e")
