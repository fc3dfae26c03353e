"""The statement of method, in plain English: how lots were made, what is proved, drafts of reasons."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zonedesign.certificate import Status
from zonedesign.errors import counted
from zonedesign.maps.printing import pdf
from zonedesign.maps.words import level_limits, level_name, notes, objective_facts, percent
from zonedesign.pack.material import DEFINITIVE
from zonedesign.provenance import versions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zonedesign.pack.material import Material

TEMPLATE = "pages.typ"
Section = dict[str, Any]
Others = Mapping[str, Mapping[str, float]]

_RULES = {
    "Contiguous": "Every lot is in one piece: its small areas touch, or are joined by a bridge that is "
    "named.",
    "NestIn": "No lot crosses the boundary of {name}.",
    "Together": "Some small areas had to stay together.",
    "Apart": "Some small areas had to be in different lots.",
    "CentreAt": "Some centres were given.",
    "Fixed": "Some small areas were fixed to a lot of today.",
    "Frozen": "Some lots of today were kept as they are.",
}


def method_pdf(material: Material, others: Others | None = None) -> bytes:
    """Return the statement of method; `others` are the objective's terms of plans it was compared with."""
    date = material.date
    return pdf(
        TEMPLATE,
        {
            "document": f"Statement of method: {material.title}",
            "heading": "Statement of method",
            "title": material.title,
            "author": str(material.settings.get("buyer") or "zonedesign"),
            "about": "How the lots were made, what is proved of them, and what they do not tell.",
            "date": [date.year, date.month, date.day],
            "day": material.day,
            "version": material.version,
            "kind": "Internal: not for publication" if material.internal else "Public",
            "sections": sections(material, others or {}),
        },
    )


def sections(material: Material, others: Others) -> list[Section]:
    """Return the statement's sections, as the PDF and the page print them."""
    return [
        _what(material),
        _data(material),
        _rules(material),
        _proof(material),
        _compared(material, others),
        _limits(material),
        _again(material),
        _lots_reason(material),
        _small_firms(material),
        _later_changes(material),
    ]


def _section(
    heading: str,
    *paragraphs: str,
    items: Sequence[str] = (),
    head: Sequence[str] = (),
    rows: Sequence[Sequence[str]] = (),
    draft: bool = False,
) -> Section:
    return {
        "heading": heading,
        "paragraphs": [text for text in paragraphs if text],
        "list": list(items),
        "head": list(head),
        "rows": [list(row) for row in rows],
        "draft": draft,
    }


def _what(material: Material) -> Section:
    plan = material.plan
    by_level = ", ".join(
        f"{plan.levels.count(name):,} at {level_name(name)}" for name in sorted(set(plan.levels))
    )
    return _section(
        "What this is",
        f"The area is divided into {counted(len(plan.zone_ids), 'lot')} of home care ({by_level}), made of "
        f"{counted(len(plan.of_units), 'small area')}. Each small area is in exactly one lot. {DEFINITIVE}",
    )


def _data(material: Material) -> Section:
    about = material.problem.about
    travel = material.problem.times.provenance
    roads = (
        "Travel times are estimates from straight lines between neighbouring small areas (1.3 times the "
        "line at "
        "40 km/h), because no road network was used."
        if about.sketch
        else f"Travel times follow the roads in {travel.get('source', 'the file given')} with the speeds "
        f"'{travel.get('profile', 'free-flow')}'."
    )
    total = material.published.total
    hours = "" if math.isnan(total["weekly_hours"]) else f"{total['weekly_hours']:,.0f} hours of care a week"
    people = total.get("customers", math.nan)
    both = hours if math.isnan(people) or not hours else f"{hours} for {people:,.0f} customers"
    return _section(
        "Data and dates",
        f"Demand in all: {both}." if both else "",
        f"{roads} Minutes are from a lot's centre, which is one of its small areas, and weighted by hours.",
        *(f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}" for text in _notes(material)),
        "Files and their fingerprints (SHA-256) are listed in manifest.json.",
    )


def _notes(material: Material) -> list[str]:
    return notes(material.plan, material.problem, public=not material.internal)


def _rules(material: Material) -> Section:
    met, checks = material.checks
    asked = [
        _RULES[type(rule).__name__].format(name=getattr(rule, "name", "the border"))
        for rule in material.problem.all_rules
        if type(rule).__name__ in _RULES
    ]
    rows = [(level_name(level.name), level_limits(level) or "no limits") for level in material.problem.levels]
    said = f"All {checks:,} checks are met." if met == checks else f"{met:,} of {checks:,} checks are met."
    return _section(
        "Rules",
        f"{' '.join(dict.fromkeys(asked))} {said} The checks are made by a part of the software that shares "
        "nothing with the part that designs lots.".strip(),
        head=("Level", "Every lot of the level"),
        rows=rows,
    )


def _proof(material: Material) -> Section:
    proved = material.plan.certificate
    if proved is None or proved.bound is None:
        return _section(
            "How good the division is",
            "The division keeps the rules above. Nothing is proved of how near it is to the best "
            "possible one.",
        )
    gap = proved.gap
    least = (
        "It is proved that no other division that keeps the rules has fewer."
        if proved.status == Status.OPTIMAL
        else f"It is proved that none that keeps the rules can be more than {percent(gap or 0.0)} better."
    )
    facts = objective_facts(material.plan, material.problem, decimals=2)
    return _section(
        "How good the division is",
        f"Lots were drawn by integer programming so that travel is least. {least} The proof is the "
        "certificate "
        "of the plan, kept with the manifest of the plan's folder.",
        head=("Measure", "Value"),
        rows=facts,
    )


def _compared(material: Material, others: Others) -> Section:
    if not others:
        proved = material.plan.certificate
        bounded = proved is not None and proved.bound is not None
        return _section(
            "Alternatives compared",
            "No other named plan was compared in this pack."
            + (" The proof above stands for every division that keeps the rules." if bounded else ""),
        )
    mine = material.problem.terms(material.plan)
    rows = [("this division", f"{mine['mean_minutes']:.2f}")]
    rows += [(name, f"{terms['mean_minutes']:.2f}") for name, terms in others.items()]
    return _section(
        "Alternatives compared",
        "Mean minutes from the centre, weighted by hours, under the same travel times:",
        head=("Division", "Mean minutes"),
        rows=rows,
    )


def _limits(_material: Material) -> Section:
    return _section(
        "What the figures do not tell",
        items=(
            "Minutes are from a lot's centre to its small areas: not between two visits, nor a worker's day.",
            "Each small area counts as one point. Addresses in it may be nearer or farther.",
            "Hours are those of the date of the data. They change with people's needs.",
            "Names, places and descriptions of boundaries are guides for readers.",
        ),
    )


def _again(material: Material) -> Section:
    found = versions()
    used = ", ".join(f"{name} {found[name]}" for name in ("zonedesign", "PuLP", "highspy", "python"))
    return _section(
        "How to make it again",
        f"With the files named in manifest.json and the same versions ({used}), the command 'zonedesign "
        "pack' "
        "writes this pack again, byte for byte on the same date (SOURCE_DATE_EPOCH sets it). 'zonedesign "
        "verify' "
        "checks every rule for every lot.",
        *(() if material.internal else tuple(material.published.report)),
    )


def _lots_reason(material: Material) -> Section:
    plan = material.plan
    return _section(
        "Reasons for the division into lots (Procurement Act 2023, section 18)",
        "The authority considered whether the services could reasonably be supplied under more than one "
        "contract "
        f"and whether such contracts could be awarded by reference to lots. It divides the contract into "
        f"{counted(len(plan.zone_ids), 'lot')}. Home care is delivered in people's homes: travel between "
        "visits "
        "is time without care, and lots that can be reached from a centre within the stated minutes keep it "
        "short. The volume of each lot lies within the stated band, so that a provider can keep a local "
        "team. "
        "[Reasons of the authority's own: to be completed.]",
        draft=True,
    )


def _small_firms(material: Material) -> Section:
    zones = material.published.zones
    small = int((zones["weekly_hours"] < 175).sum())
    lowest = [level.weekly_hours[0] for level in material.problem.levels if level.weekly_hours is not None]
    least = [value for value in lowest if value is not None]
    band = f" Bands begin at {min(least):,g} hours a week." if least else ""
    few = (
        f" {counted(small, 'lot')} of those whose hours are published have under 175 hours a week."
        if small
        else ""
    )
    return _section(
        "Small and medium-sized enterprises (section 12)",
        "The authority had regard to the fact that small and medium-sized enterprises may face particular "
        f"barriers to participation, and considered whether they can be removed or reduced.{band}{few} "
        "Lots may be bid for one by one. [Turnover requirements, payment terms, consortia: to be completed.]",
        draft=True,
    )


def _later_changes(_material: Material) -> Section:
    return _section(
        "Later changes of boundaries",
        "The authority may move small areas between adjoining lots where a lot leaves its stated band of "
        "volume, "
        "after consulting the providers concerned and with [three months'] notice. A change is made by a "
        "new list "
        "of unit codes, which replaces the list in this pack; customers at the time of the change may "
        "stay with "
        "their provider. [Limits under sections 74 and 75 and schedule 8: to be checked.]",
        draft=True,
    )
