"""Meaning: what the hours that a pack prints mean for who provides them, worked out from these hours alone.

Nothing here knows more than the page does, so that nothing is given away beside it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from zonedesign.lots.money import WEEKS_A_YEAR
from zonedesign.lots.rates import at_level
from zonedesign.lots.seats import roles_of
from zonedesign.lots.terms import RESERVE, Viability
from zonedesign.lots.viability import branch_hours, sentences, standing, workers
from zonedesign.maps.words import level_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zonedesign.levels import Level
    from zonedesign.lots.terms import Terms
    from zonedesign.pack.material import Material

BY = "by the hours of this schedule alone"


def meant(hours: float, level: Level | None, terms: Terms | None) -> dict[str, Any]:
    """Return a lot's hours a year, workers and viability; empty where its hours are not printed."""
    view = Viability() if terms is None else terms.viability
    if math.isnan(hours):
        return {"hours_a_year": math.nan, "workers": math.nan, "viability": ""}
    year = hours * WEEKS_A_YEAR
    floor = None if terms is None else terms.floor
    travel = 0.0 if floor is None or level is None else at_level(floor.travel_share, level.name)
    return {
        "hours_a_year": float(round(year)) if hours.is_integer() else year,
        "workers": float(workers(hours, view, travel)),
        "viability": standing(hours, view) if roles_of(level) else RESERVE,
    }


def meaning(material: Material) -> list[str]:
    """Return how lots stand against what keeps a branch alive, and what the market may expect, in words."""
    view = Viability() if material.stated is None else material.stated.viability
    shown = material.lots[material.lots["weekly_hours"].notna()]
    if shown.empty:
        return []
    hours = shown["weekly_hours"].tolist()
    let = [name for name, level in material.levels.items() if roles_of(level)]
    said: list[str] = []
    if let:
        more = [branch_hours(each, each, view) for each in hours]
        said += sentences(shown["level"].tolist(), hours, more, view, let=let, by=BY)
    hidden = len(material.lots) - len(shown)
    if hidden:
        said.append("Lots whose hours are withheld are not counted here.")
    return [*said, *_expected(material, hours, view, complete=not hidden)]


def _expected(material: Material, hours: Sequence[float], view: Viability, *, complete: bool) -> list[str]:
    """Return workers, guaranteed hours and values, as far as they are stated."""
    lots, terms = material.lots, material.stated
    of = "the lots" if complete else "lots whose hours are published"
    said = [
        (
            f"Workers needed in {of}: {lots['workers'].sum():,.0f}, at {view.worker_hours:g} hours a week of "
            f"{view.worker_time} time each, for {sum(hours) * WEEKS_A_YEAR:,.0f} hours a year."
        )
    ]
    if terms is not None:
        names = list(dict.fromkeys(lots["level"]))
        shares = {name: at_level(terms.guaranteed, name) for name in names}
        kept = [f"{level_name(name)}, {share:.0%}" for name, share in shares.items() if share]
        if kept:
            said.append(f"Of a lot's hours are guaranteed: {'; '.join(kept)}. No other volume is promised.")
    if lots["value_a_year"].notna().any():
        plain, taxed = lots["value_a_year"].sum(), lots["value_a_year_with_vat"].sum()
        said.append(
            f"Forecast value a year of {of}: £{plain:,.0f} without VAT and £{taxed:,.0f} with it, where any "
            "is due; for all hours, whoever pays for them."
        )
    return said
