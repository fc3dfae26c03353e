"""Charts as inline SVG: lengths in per cent and letters in pixels, so that they fit a phone.

Nothing depends on colour: a plan is a dot, what is proved is a tick, and what lies between is a bar.
"""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Sequence

LETTERS, LINES = 40, 2
"""How many letters of a name fit a phone, and lines of them that are shown; the table has all."""
LINE_PX, BAR_PX, HEAD_PX, LETTER_PX = 17, 14, 26, 12
EDGE = 3.0
"""Per cent left free at either side, for what stands at the ends."""


@dataclass(frozen=True)
class Interval:
    """One line of a chart: its name, from where to where its bar goes, and what stands under it.

    `low` is what is proved and `high` what was found; a line without `high` has words only, and one without
    `low` a dot alone. Where what was found lies within what is proved, the bar goes on to `beyond`.
    """

    name: str
    high: float | None
    low: float | None
    says: str
    beyond: float | None = None


def intervals(lines: Sequence[Interval], *, label: str, title: str, says: str) -> Markup:
    """Return a chart of lines under one another on one axis, `label`led; `title` and `says` are its text."""
    known = [each for line in lines for each in (line.low, line.high, line.beyond) if each is not None]
    scale = _Scale.over(known)
    body, top = [], float(HEAD_PX if known else 0)
    for line in lines:
        drawn, high = _line(line, scale, top)
        body.append(drawn)
        top += high
    axis = [_tick(value, scale, top) for value in scale.ticks] if known else []
    below = textwrap.wrap(label, LETTERS) if known else []
    height = top + LINE_PX * (len(below) + 1 if below else 0)
    under = Markup("").join(
        _text(50, top + LINE_PX * (k + 1.5), line, "quiet", anchor="middle") for k, line in enumerate(below)
    )
    return Markup(
        '<svg class="chart" height="{}" role="img" aria-labelledby="chart-title" '
        'aria-describedby="chart-says"><title id="chart-title">{}</title>'
        '<desc id="chart-says">{}</desc>{}</svg>'
    ).format(f"{height:.0f}", title, says, Markup("").join([*axis, *body, under]))


@dataclass(frozen=True)
class _Scale:
    """Where figures stand, in per cent of the width, and which have a tick."""

    low: float
    high: float
    ticks: tuple[float, ...]

    @classmethod
    def over(cls, values: Sequence[float]) -> _Scale:
        """Return a scale whose ends are round and hold all values; it need not begin at zero."""
        low, high = (min(values), max(values)) if values else (0.0, 1.0)
        span = (high - low) or abs(high) * 0.1 or 1.0
        step = round_step(span / 4)
        first, last = math.floor(low / step), math.ceil(high / step)
        if first == last:
            last += 1
        return cls(first * step, last * step, tuple(k * step for k in range(first, last + 1)))

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return EDGE + share * (100 - 2 * EDGE)


def round_step(least: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is not under `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next((times * power for times in (1, 2, 5) if times * power >= least * (1 - 1e-9)), 10 * power)


def _tick(value: float, scale: _Scale, bottom: float) -> Markup:
    at = scale.at(value)
    text = _text(at, 14, f"{value:,.6g}", "quiet", anchor="middle")
    return Markup('<line class="grid" x1="{0}%" x2="{0}%" y1="20" y2="{1}"/>{2}').format(
        f"{at:.2f}", f"{bottom:.0f}", text
    )


def _line(line: Interval, scale: _Scale, top: float) -> tuple[Markup, float]:
    """Return a line of the chart from `top` down, and how high it is."""
    names = textwrap.wrap(line.name, LETTERS, max_lines=LINES, placeholder=" \N{HORIZONTAL ELLIPSIS}") or [""]
    parts = [Markup('<line class="row" x1="0" x2="100%" y1="{0}" y2="{0}"/>').format(f"{top:.0f}")]
    parts += [_text(0, top + LINE_PX * (k + 1), name, "name") for k, name in enumerate(names)]
    y = top + LINE_PX * len(names) + 8
    if line.high is not None:
        parts.append(_bar(line.low, line.high, line.beyond, scale, y))
        y += BAR_PX + 2
    parts.append(_text(0, y + LINE_PX - 4, line.says, "quiet"))
    return Markup("").join(parts), y + LINE_PX + 4 - top


def _bar(low: float | None, high: float, beyond: float | None, scale: _Scale, top: float) -> Markup:
    middle, dot = top + BAR_PX / 2, scale.at(high)
    parts = []
    if low is not None:
        begin, end = scale.at(low), dot if beyond is None else scale.at(beyond)
        parts.append(
            Markup('<rect class="interval" x="{}%" y="{}" width="{}%" height="{}"/>').format(
                f"{begin:.2f}", f"{top + 3:.1f}", f"{max(end - begin, 0.0):.2f}", BAR_PX - 6
            )
        )
        parts += [
            Markup('<line class="end" x1="{0}%" x2="{0}%" y1="{1}" y2="{2}"/>').format(
                f"{at:.2f}", f"{top:.1f}", f"{top + BAR_PX:.1f}"
            )
            for at in ((begin,) if beyond is None else (begin, end))
        ]
    parts.append(
        Markup('<circle class="dot" cx="{}%" cy="{}" r="5.5"/>').format(f"{dot:.2f}", f"{middle:.1f}")
    )
    return Markup("").join(parts)


def _text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> Markup:
    return Markup('<text class="{}" x="{}%" y="{}" text-anchor="{}">{}</text>').format(
        kind, f"{x:.2f}", f"{y:.1f}", anchor, escape(words)
    )
