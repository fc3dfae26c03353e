"""The curve of a frontier as inline SVG: plans as dots, and the band in which the best possible lies."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from zonedesign.report.chart import round_step

if TYPE_CHECKING:
    from collections.abc import Sequence

HEIGHT, TOP, BOTTOM, LABEL_PX = 380, 34, 44, 14
LEFT, RIGHT = 9.0, 98.0
"""Per cent of the width at which the axis begins and ends."""
TICKS = 5


def curve(
    plans: Sequence[tuple[float, float]],
    bounds: Sequence[tuple[float, float | None]],
    *,
    labels: tuple[str, str],
    title: str,
    says: str,
) -> Markup:
    """Return the chart of a frontier, its value upwards and the share of hours moved to the right.

    `plans` are (share moved, value), `bounds` (cap, bound; None: no plan is possible under it), `labels`
    those of the two axes. A plan serves from the share that it moves on, and the bound of a cap holds for all
    smaller ones: the best possible lies in the band between.
    """
    best = _falling(plans)
    values = [value for _, value in best] + [bound for _, bound in bounds if bound is not None]
    if not values:
        return Markup("")
    end = max([share for share, _ in best] + [cap for cap, _ in bounds])
    across, up = _Axis.over(0.0, end), _Axis.over(min(values), max(values))
    cuts = sorted({0.0, *(share for share, _ in best), *(cap for cap, _ in bounds)})
    bands, strokes = [], []
    for begin, to in itertools.pairwise(cuts):
        value = min((each for share, each in best if share <= begin), default=None)
        bound = next((each for cap, each in sorted(bounds) if cap >= to), None)
        if value is not None and bound is not None:
            bands.append(_band((begin, to), value, bound, across, up))
        if bound is not None:
            strokes.append(_stroke("bound", begin, to, bound, across, up))
        if value is not None:
            strokes.append(_stroke("step", begin, to, value, across, up))
    dots = [
        Markup('<circle class="dot" cx="{}%" cy="{}" r="5.5"/>').format(across.x(share), up.y(value))
        for share, value in best
    ]
    named = [
        _text((LEFT + RIGHT) / 2, HEIGHT - 6, labels[0], "middle"),
        _text(0, LABEL_PX, labels[1], "start"),
    ]
    return Markup(
        '<svg class="chart curve" height="{}" role="img" aria-labelledby="chart-title" '
        'aria-describedby="chart-says"><title id="chart-title">{}</title><desc id="chart-says">{}</desc>{}'
        "</svg>"
    ).format(HEIGHT, title, says, Markup("").join([*_grid(across, up), *bands, *strokes, *dots, *named]))


def _falling(plans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the plans that are better than all that move as little, in the order of what they move."""
    found: list[tuple[float, float]] = []
    for share, value in sorted(set(plans)):
        if not found or value < found[-1][1]:
            found.append((share, value))
    return found


@dataclass(frozen=True)
class _Axis:
    """Where figures stand between two round ends, and which have a tick."""

    low: float
    high: float
    ticks: tuple[float, ...]

    @classmethod
    def over(cls, low: float, high: float) -> _Axis:
        step = round_step(((high - low) or abs(high) * 0.1 or 1.0) / TICKS)
        first, last = int(low // step), -int(-high // step)
        last = max(last, first + 1)
        return cls(first * step, last * step, tuple(k * step for k in range(first, last + 1)))

    def x(self, value: float) -> str:
        return f"{LEFT + (value - self.low) / (self.high - self.low) * (RIGHT - LEFT):.2f}"

    def y(self, value: float) -> str:
        share = (value - self.low) / (self.high - self.low)
        return f"{HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP):.1f}"


def _grid(across: _Axis, up: _Axis) -> list[Markup]:
    parts = []
    for value in up.ticks:
        parts.append(
            Markup('<line class="grid" x1="{}%" x2="{}%" y1="{y}" y2="{y}"/>').format(
                LEFT, RIGHT, y=up.y(value)
            )
        )
        parts.append(_text(LEFT - 1, float(up.y(value)) + 4, f"{value:,.6g}", "end"))
    for value in across.ticks:
        parts.append(
            Markup('<line class="grid" x1="{x}%" x2="{x}%" y1="{}" y2="{}"/>').format(
                HEIGHT - BOTTOM, HEIGHT - BOTTOM + 5, x=across.x(value)
            )
        )
        parts.append(_text(float(across.x(value)), HEIGHT - BOTTOM + 18, f"{value * 100:.4g} %", "middle"))
    return parts


def _band(span: tuple[float, float], high: float, low: float, across: _Axis, up: _Axis) -> Markup:
    top, bottom = float(up.y(max(high, low))), float(up.y(low))
    x, to = (float(across.x(each)) for each in span)
    return Markup('<rect class="interval bare" x="{}%" y="{}" width="{}%" height="{}"/>').format(
        f"{x:.2f}", f"{top:.1f}", f"{to - x:.2f}", f"{max(0.0, bottom - top):.1f}"
    )


def _stroke(kind: str, begin: float, end: float, value: float, across: _Axis, up: _Axis) -> Markup:
    return Markup('<line class="{}" x1="{}%" x2="{}%" y1="{y}" y2="{y}"/>').format(
        kind, across.x(begin), across.x(end), y=up.y(value)
    )


def _text(x: float, y: float, words: str, anchor: str) -> Markup:
    return Markup('<text class="quiet" x="{}%" y="{}" text-anchor="{}">{}</text>').format(
        f"{x:.2f}", f"{y:.1f}", anchor, escape(words)
    )
