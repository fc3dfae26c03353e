"""Drawing: map layers as SVG in millimetres, from shapes and texts; every text is escaped."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zonedesign.maps.paper import Frame

WIDTH_OF_A_LETTER = 0.5
"""Of the height of the type, on average; for keeping labels apart."""
_MILES = (100, 50, 20, 10, 5, 4, 2, 1, 0.5, 0.25, 0.2, 0.1, 0.05)
"""Lengths that a scale bar's miles may have."""


@dataclass
class Drawing:
    """An SVG picture that grows by layers, the lowest first; labels keep out of each other's way."""

    frame: Frame
    parts: list[str] = field(default_factory=list)
    taken: list[tuple[float, float, float, float]] = field(default_factory=list)

    def shapes(self, shapes: Any, **style: Any) -> None:
        """Add areas or lines, given in metres, drawn in one style: SVG attributes, `_` for `-`."""
        found = shapely.orient_polygons(self.frame.on_paper(np.atleast_1d(np.asarray(shapes, dtype=object))))
        d = "".join(_path(shape) for shape in found)
        if d:
            self.parts.append(f'<path d="{d}"{_attributes(style)}/>')

    def text(self, x: float, y: float, words: str, size: float, *, apart: bool = True, **style: Any) -> bool:
        """Add words centred at a place in millimetres, with a white edge; return whether they found room.

        With `apart`, nothing is added where a label is already, or where the words would leave the frame.
        """
        wide, high = len(words) * size * WIDTH_OF_A_LETTER, size
        box = (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
        if apart and (self._outside(box) or any(_overlap(box, other) for other in self.taken)):
            return False
        self.taken.append(box)
        look = {"text_anchor": "middle", "font_family": FONT, "fill": "#1c2a33"} | style
        edge = {"stroke": "#ffffff", "stroke_width": 0.22 * size, "stroke_linejoin": "round"}
        at = f'x="{x:.2f}" y="{y + 0.34 * size:.2f}" font-size="{size:g}"'
        # The edge is a text of its own: not every reader of SVG knows paint-order.
        self.parts.append(
            f'<g aria-hidden="true"><text {at}{_attributes(look | edge)}>{escape(words)}</text></g>'
            f"<text {at}{_attributes(look)}>{escape(words)}</text>"
        )
        return True

    def scale_bar(self) -> None:
        """Add the scale bar, in kilometres or metres and in miles, bottom left, and north, top right."""
        metres, long = self.frame.bar()
        high, wide = self.frame.height_mm, self.frame.width_mm
        miles = long * 1609.344 / metres
        steps = next(n for n in _MILES if n * miles <= long * 1.3)
        said = f"{metres // 1000:,} km" if metres >= 1000 else f"{metres:,} m"
        label = {"font_size": 2.8, "font_family": FONT, "fill": "#1c2a33"}
        x, y, mile = 4.0, high - 8.6, steps * miles
        back = (
            f'<rect x="2" y="{high - 12.6:.2f}" width="{max(long, mile) + 18:.2f}" height="10.6" fill="#fff" '
            'fill-opacity="0.9"/>'
        )
        unit = f"{steps:g} mile{'s' * (steps > 1)}"
        arrow = f"M{wide - 7:g} 4l2.6 8-2.6-1.8-2.6 1.8Z"
        self.parts.append(
            f'{back}<path d="M{x} {y - 1.4:.2f}v1.4h{long:.2f}v-1.4M{x} {y + 1.4:.2f}v-1.4h{mile:.2f}v1.4" '
            f'fill="none" stroke="#1c2a33" stroke-width="0.3"/>'
            f'<text x="{x + long + 1.5:.2f}" y="{y - 0.2:.2f}"{_attributes(label)}>{said}</text>'
            f'<text x="{x + mile + 1.5:.2f}" y="{y + 3:.2f}"{_attributes(label)}>{unit}</text>'
            f'<path d="{arrow}" fill="#1c2a33"/><text x="{wide - 7:g}" y="15.4" text-anchor="middle"'
            f"{_attributes(label)}>N</text>"
        )
        self.taken += [
            (0.0, high - 13.0, max(long, mile) + 22.0, high),
            (wide - 12.0, 0.0, wide, 17.0),
        ]

    def raw(self, svg: str) -> None:
        """Add SVG that this room or its callers wrote themselves, never text of data."""
        self.parts.append(svg)

    def svg(self) -> str:
        """Return the picture, cut to its frame, with a line around it."""
        wide, high = self.frame.width_mm, self.frame.height_mm
        edge = (
            f'<rect x="0.1" y="0.1" width="{wide - 0.2:g}" height="{high - 0.2:g}" fill="none" '
            'stroke="#1c2a33" stroke-width="0.2"/>'
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:g}mm" height="{high:g}mm" '
            f'viewBox="0 0 {wide:g} {high:g}"><clipPath id="frame"><rect width="{wide:g}" height="{high:g}"/>'
            f'</clipPath><g clip-path="url(#frame)">{"".join(self.parts)}</g>{edge}</svg>'
        )

    def _outside(self, box: tuple[float, float, float, float]) -> bool:
        return (
            box[0] < 1 or box[1] < 1 or box[2] > self.frame.width_mm - 1 or box[3] > self.frame.height_mm - 1
        )


FONT = "Source Sans Pro, Source Sans 3, Segoe UI, Helvetica, Arial, sans-serif"
"""On paper the first; on a page what the reader's system has."""


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _attributes(style: dict[str, Any]) -> str:
    return "".join(f' {name.replace("_", "-")}="{escape(str(value))}"' for name, value in style.items())


def _path(shape: Any) -> str:
    """Return a shape's outline as path commands, to a fiftieth of a millimetre."""
    if shape is None or shape.is_empty:
        return ""
    return "".join(_commands(ring, closed=closed) for ring, closed in _lines(shape))


def _lines(shape: Any) -> Iterable[tuple[Any, bool]]:
    for part in shapely.get_parts(shape):
        if part.geom_type == "Polygon":
            yield part.exterior, True
            yield from ((ring, True) for ring in part.interiors)
        elif part.geom_type in ("LineString", "LinearRing"):
            yield part, False
        elif part.geom_type.startswith(("Multi", "Geometry")):
            yield from _lines(part)


def _commands(line: Any, *, closed: bool) -> str:
    xy = shapely.get_coordinates(shapely.simplify(line, 0.02))
    if len(xy) < 2:
        return ""
    points = [f"{x:.2f} {y:.2f}" for x, y in (xy[:-1] if closed else xy)]
    return f"M{'L'.join(points)}{'Z' if closed else ''}"
