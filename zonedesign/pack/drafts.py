"""Drafts for legal check: reasons for lots, the duty to smaller suppliers, a clause on later changes.

They state what the plan shows and leave what only the authority knows in square brackets. Sections are those
of the Procurement Act 2023.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zonedesign.errors import counted
from zonedesign.maps.words import band, level_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zonedesign.pack.material import Material

Section = dict[str, Any]
START_HOURS = 175.0
"""Weekly hours that a new branch needs to start, where the scenario does not say (the market, 2019)."""


def section(
    heading: str,
    *paragraphs: str,
    items: Sequence[str] = (),
    head: Sequence[str] = (),
    rows: Sequence[Sequence[str]] = (),
    after: str = "",
    draft: bool = False,
) -> Section:
    """Return a section as the statement's template and the page print it."""
    return {
        "heading": heading,
        "paragraphs": [text for text in paragraphs if text],
        "list": list(items),
        "head": list(head),
        "rows": [list(row) for row in rows],
        "after": after,
        "draft": draft,
    }


def drafts(material: Material) -> list[Section]:
    """Return the three drafts."""
    return [_lots_reason(material), _small_firms(material), _later_changes(material)]


def _lots_reason(material: Material) -> Section:
    plan, cap = material.plan, None if material.terms is None else material.terms.cap
    limit = (
        f"No supplier may be awarded more than {counted(cap, 'lot')}."
        if cap
        else "[Limits on the lots that a supplier may bid for or be awarded: to be completed.]"
    )
    return section(
        "Reasons for the division into lots (Procurement Act 2023, section 18)",
        "Before publishing the tender notice the authority considered whether the services could reasonably "
        "be supplied under more than one contract, and whether such contracts could appropriately be awarded "
        f"by reference to lots. It found that they could, and divides them into "
        f"{counted(len(plan.zone_ids), 'lot')} by area:",
        items=(
            (
                "Travel. Care is given in people's homes, and travel between visits is time without care. "
                "Each lot can be reached from a centre of its own within the minutes stated under Rules."
            ),
            "Volume. Each lot's hours lie within its level's band, so that a supplier can keep a local team.",
            (
                "Resilience. If a supplier fails, only its lots are affected, and suppliers of adjoining "
                "lots are near."
            ),
            "Market. Lots of several sizes suit suppliers of several sizes.",
            f"{limit} [Reasons of the authority's own: to be completed.]",
        ),
        draft=True,
    )


def _small_firms(material: Material) -> Section:
    zones, terms = material.published.zones, material.terms
    start = START_HOURS if terms is None else terms.viability.start_hours[1]
    small = int((zones["weekly_hours"] < start).sum())
    few = (
        f" {counted(small, 'lot')} of those whose hours are published have under {start:g} hours a week, "
        "about what a new branch needs to start."
        if small
        else ""
    )
    bands = [
        f"{level_name(level.name)}, {band(*level.weekly_hours)}"
        for level in material.problem.levels
        if level.weekly_hours is not None and level.name in material.plan.levels
    ]
    sizes = f" Weekly hours of a lot: {'; '.join(bands)}." if bands else ""
    leadless = sorted({n for n in material.plan.levels if not any(material.levels[n].providers.values())})
    reserve = (
        f" Lots of {' and '.join(level_name(name) for name in leadless)} have no lead supplier; they are "
        "supplied through [a dynamic market (sections 34 to 40) / an open framework (section 49)], which "
        "suppliers may join during its life."
        if leadless and len(leadless) < len(set(material.plan.levels))
        else ""
    )
    return section(
        "Small and medium-sized enterprises (section 12(4))",
        "The authority had regard to the fact that small and medium-sized enterprises may face particular "
        "barriers to participation, and considered whether they can be removed or reduced. "
        f"Lots may be bid for one by one.{sizes}{few}{reserve} [Conditions of participation such as turnover "
        "and insurance, payment within 30 days, consortia and subcontracting: to be completed.]",
        draft=True,
    )


def _later_changes(material: Material) -> Section:
    return section(
        "Clause on later changes of boundaries",
        items=(
            (
                "The authority may move small areas between adjoining lots where a lot's hours have left its "
                "level's band for [two quarters] together, and not otherwise."
            ),
            (
                "The change keeps every rule in this statement, and is worked out by the same method. It "
                "moves no more than [10] % of a lot's hours in any 12 months, nor [20] % over the term."
            ),
            (
                "The authority consults the suppliers of the lots concerned for [28 days] and gives [three "
                "months'] notice."
            ),
            (
                "A change is made by a new list of unit codes, with a date, the version after "
                f"{material.version} and a fingerprint, which replaces the list in this pack. Nothing else "
                "defines a lot."
            ),
            (
                "It applies to new customers. Customers at the time stay with their supplier unless they "
                "choose otherwise. Rates do not change."
            ),
        ),
        after="[To be checked: whether this provides for the change unambiguously, as paragraph 1 of "
        "schedule 8 asks, and so must stand in the tender notice too; sections 74 to 77; and that a light "
        "touch contract may be changed more freely.]",
        draft=True,
    )
