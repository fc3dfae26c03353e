"""Palette: a colour for every zone, unlike its neighbours', and a pattern for every level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

COLOURS = ("#a0c4e7", "#f3e7ac", "#ffc4cf", "#7ccfb8", "#f3ac94", "#cfdb70", "#b8e7ff", "#e7e7e7")
"""Paul Tol's light scheme for labelled areas, 70 % on white: distinct in every kind of colour vision."""

INK = "#1c2a33"

_PATTERNS = (
    "",
    '<path d="M-2,2 l4,-4 M0,8 l8,-8 M6,10 l4,-4" {stroke}/>',
    '<circle cx="2" cy="2" r="1.1" {fill}/><circle cx="6" cy="6" r="1.1" {fill}/>',
    '<path d="M0,0 l8,8 M8,0 l-8,8" {stroke}/>',
    '<path d="M0,4 h8" {stroke}/>',
    '<path d="M4,0 v8" {stroke}/>',
)
_NAMES = ("plain", "diagonal lines", "dots", "crossed lines", "level lines", "upright lines")


def colours(pairs: Iterable[tuple[int, int]], number: int) -> list[int]:
    """Return a colour (position in `COLOURS`) for every zone so that zones in one of `pairs` differ.

    Most constrained zone first, the colour used least so far (DSATUR: Brelaz 1979, Comm. ACM 22).
    Colours repeat among neighbours only where more than eight touch one another.
    """
    near: list[set[int]] = [set() for _ in range(number)]
    for a, b in pairs:
        near[a].add(b)
        near[b].add(a)
    chosen = [-1] * number
    used = [0] * len(COLOURS)
    for _ in range(number):
        taken = [{chosen[b] for b in near[a] if chosen[b] >= 0} for a in range(number)]
        zone = max(
            (a for a in range(number) if chosen[a] < 0), key=lambda a: (len(taken[a]), len(near[a]), -a)
        )
        free = [c for c in range(len(COLOURS)) if c not in taken[zone]] or list(range(len(COLOURS)))
        chosen[zone] = min(free, key=lambda c: (used[c], c))
        used[chosen[zone]] += 1
    return chosen


def pattern(level: int) -> int:
    """Return the number of a level's pattern; patterns start again after the sixth level."""
    return level % len(_PATTERNS)


def pattern_name(level: int) -> str:
    """Return what a level's pattern looks like, in words."""
    return _NAMES[pattern(level)]


def fill(colour: int, level: int) -> str:
    """Return the reference to a zone's fill, as an SVG paint."""
    return f"url(#zone-{colour}-{pattern(level)})"


def definitions(used: Iterable[tuple[int, int]]) -> Markup:
    """Return the SVG patterns for (colour, level) pairs, and each level's on white for the legend."""
    made = []
    pairs = sorted({(c, pattern(level)) for c, level in used})
    plain = sorted({(-1, p) for _, p in pairs})
    for colour, drawn in [*pairs, *plain]:
        ground = COLOURS[colour] if colour >= 0 else "#ffffff"
        lines = _PATTERNS[drawn].format(
            stroke=f'stroke="{INK}" stroke-width="1" stroke-opacity="0.75"',
            fill=f'fill="{INK}" fill-opacity="0.85"',
        )
        name = f"zone-{colour}-{drawn}" if colour >= 0 else f"level-{drawn}"
        made.append(
            f'<pattern id="{name}" width="8" height="8" patternUnits="userSpaceOnUse">'
            f'<rect width="8" height="8" fill="{ground}"/>{lines}</pattern>'
        )
    return Markup("".join(made))  # noqa: S704  (numbers and constants of this module only)


def hatching(scale: float) -> str:
    """Return the levels' patterns without a ground, as SVG patterns `hatch-1` and on; 8 units x `scale` wide.

    On paper the ground is filled on its own: where a pattern holds it too, its tiles show seams.
    """
    look = {
        "stroke": f'stroke="{INK}" stroke-width="0.7" stroke-opacity="0.6"',
        "fill": f'fill="{INK}" fill-opacity="0.6"',
    }
    return "".join(
        f'<pattern id="hatch-{number}" width="8" height="8" patternUnits="userSpaceOnUse" '
        f'patternTransform="scale({scale:g})">{drawn.format(**look)}</pattern>'
        for number, drawn in enumerate(_PATTERNS)
        if drawn
    )


def zone_neighbours(pairs: NDArray[np.int64], zone: NDArray[np.int64]) -> set[tuple[int, int]]:
    """Return the pairs of zones that have neighbouring units, smaller first, from pairs of unit positions."""
    ends = ((int(zone[a]), int(zone[b])) for a, b in pairs)
    return {(min(a, b), max(a, b)) for a, b in ends if a != b}
