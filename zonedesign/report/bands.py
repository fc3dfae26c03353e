"""Bars against bands as inline SVG: what each lot has alone, what it could have, and where a band begins.

Nothing depends on colour: the filled bar is what there is, the outlined one what may be added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from zonedesign.report.chart import round_step

if TYPE_CHECKING:
    from collections.abc import Sequence

ROW_PX, BAR_PX, HEAD_PX, FOOT_PX = 40, 12, 40, 24
LETTERS = 46
LEFT, RIGHT = 0.5, 97.0
"""Per cent of the width at which bars begin and the axis ends."""


@dataclass(frozen=True)
class Bar:
    """One line: its name, what it has, what it has with others, and what is said beside its name."""

    name: str
    alone: float
    with_others: float
    says: str


def bars(
    lines: Sequence[Bar], marks: Sequence[tuple[float, str]], *, label: str, title: str, says: str
) -> Markup:
    """Return a chart of lines under one another; `marks` are values with a line of their own, named."""
    most = max([line.with_others for line in lines] + [at for at, _ in marks] + [1.0])
    step = round_step(most / 4)
    end = step * -(-most // step)

    def x(value: float) -> float:
        return LEFT + (RIGHT - LEFT) * value / end

    bottom = HEAD_PX + ROW_PX * len(lines)
    parts = [
        _text(x(k * step), bottom + 16, f"{k * step:,.6g}", "quiet", "middle" if k else "start")
        for k in range(round(end / step) + 1)
    ]
    for place, (at, name) in enumerate(marks):
        parts.append(
            Markup('<line class="mark-line" x1="{0}%" x2="{0}%" y1="{1}" y2="{2}"/>').format(
                f"{x(at):.2f}", 18 + 14 * (place % 2), bottom
            )
        )
        anchor = "start" if x(at) < 70 else "end"
        parts.append(_text(x(at), 12 + 14 * (place % 2), f"{name}: {at:,.6g}", "quiet", anchor))
    for k, line in enumerate(lines):
        top = HEAD_PX + ROW_PX * k
        name = (
            line.name if len(line.name) <= LETTERS else f"{line.name[: LETTERS - 1]}\N{HORIZONTAL ELLIPSIS}"
        )
        parts.append(_text(LEFT, top + 13, f"{name}: {line.says}", "name"))
        if line.with_others > line.alone:
            parts.append(_rect("more", x(0.0), top + 19, x(line.with_others) - x(0.0)))
        parts.append(_rect("have", x(0.0), top + 19, x(line.alone) - x(0.0)))
    foot = _text(50, bottom + 16 + FOOT_PX - 6, label, "quiet", "middle")
    return Markup(
        '<svg class="chart bars" height="{}" role="img" aria-labelledby="bars-title" '
        'aria-describedby="bars-says"><title id="bars-title">{}</title>'
        '<desc id="bars-says">{}</desc>{}</svg>'
    ).format(bottom + 16 + FOOT_PX, title, says, Markup("").join([*parts, foot]))


def _rect(kind: str, left: float, top: float, width: float) -> Markup:
    return Markup('<rect class="{}" x="{}%" y="{}" width="{}%" height="{}"/>').format(
        kind, f"{left:.2f}", top, f"{max(width, 0.0):.2f}", BAR_PX
    )


def _text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> Markup:
    return Markup('<text class="{}" x="{}%" y="{}" text-anchor="{}">{}</text>').format(
        kind, f"{x:.2f}", f"{y:.0f}", anchor, escape(words)
    )
