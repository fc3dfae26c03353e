"""Steady: how surely each unit stays in its zone among good plans, as shades and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zonedesign.errors import DataError, ScenarioError, counted

if TYPE_CHECKING:
    from zonedesign.plan import Plan
    from zonedesign.portfolio import Portfolio

TITLE = "In the same zone in N % of good plans"

_CLASSES = (
    (0.95, "95 % or more", "#f2f0f7"),
    (0.80, "80 to 95 %", "#cbc9e2"),
    (0.60, "60 to 80 %", "#9e9ac8"),
    (0.40, "40 to 60 %", "#756bb1"),
    (0.0, "under 40 %", "#54278f"),
)
"""Least share, words and colour: Brewer's purples, one hue whose lightness alone tells (Brewer 1994)."""


class Steady:
    """What the layer shows of every unit of a plan, in the units' order: a shade and two texts."""

    def __init__(self, plan: Plan, portfolio: Portfolio, *, public: bool) -> None:
        if public:
            raise ScenarioError("a public map has figures of zones only; leave the portfolio out")
        if not portfolio.plans[0].of_units.ids.equals(plan.of_units.ids):
            raise DataError("the portfolio is not on the plan's units; take the one of the same problem")
        frame = portfolio.steadiness_of(plan)
        self.shades = [shade(share) for share in frame["same_zone"]]
        self.shares = [percent(share) for share in frame["same_zone"]]
        self.others = [
            "" if zone is None else f"{zone} ({percent(share)})"
            for zone, share in zip(frame["next_zone"], frame["next_share"], strict=True)
        ]
        self.says = _says(portfolio)
        self.swatch = _scale()
        self.classes = [{"words": words, "colour": colour} for _, words, colour in _CLASSES]


def shade(share: float) -> str:
    """Return the colour of a share: the lighter, the steadier."""
    return next(colour for least, _, colour in _CLASSES if share >= least - 1e-9)


def percent(share: float) -> str:
    """Return a share in whole per cent; only nothing is 0 %, and only everything 100 %."""
    if 0 < share < 0.005:
        return "under 1 %"
    return "over 99 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %"


def _says(portfolio: Portfolio) -> str:
    """Return what good plans are, how many there are, and what a shade means."""
    which = "all the plans there are" if portfolio.complete else "the plans that the search met"
    number = portfolio.counted
    found = f"{counted(number, 'good plan')} {'is' if number == 1 else 'are'} counted"
    apart = f"any two of them have {percent(portfolio.counted_apart)} or more of the hours in different zones"
    alike = "" if number == 1 else f", and {apart}"
    return (
        f"{found}: of {which}, those that keep every rule and are at most {percent(portfolio.within)} worse "
        f"than the best one found{alike}. A unit is the darker, the fewer of them have it in the zone that "
        "this map shows, zones being matched so that most hours stay."
    )


def _scale() -> str:
    """Return the drawing of the layer's swatch: all shades side by side; constants only."""
    width = 26 / len(_CLASSES)
    return "".join(
        f'<rect x="{k * width:.1f}" width="{width:.1f}" height="16" fill="{colour}"/>'
        for k, (_, _, colour) in enumerate(_CLASSES)
    )


def tip(steady: Steady | None, unit: int) -> list[Any]:
    """Return the two texts that a unit's figures gain, or none."""
    return [] if steady is None else [steady.shares[unit], steady.others[unit]]
