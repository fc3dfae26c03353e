"""The statement of method, in plain English: how lots were made, what is proved, what is withheld."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from zonedesign.certificate import Status
from zonedesign.errors import counted
from zonedesign.maps.printing import pdf
from zonedesign.maps.words import level_limits, level_name, notes, objective_facts, percent
from zonedesign.measures import moved_share
from zonedesign.pack.drafts import Section, drafts, section
from zonedesign.pack.material import DEFINITIVE
from zonedesign.pack.meaning import meaning
from zonedesign.pack.schedule import units_csv
from zonedesign.provenance import versions
from zonedesign.verify import verify

if TYPE_CHECKING:
    from zonedesign.pack.material import Material
    from zonedesign.plan import Plan

TEMPLATE = "pages.typ"
Others = Mapping[str, "Plan"]

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
    """Return the statement of method; `others` are plans by name that the division was compared with."""
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
        *_meant(material),
        *_withheld(material),
        _limits(),
        _again(material),
        *drafts(material),
    ]


def _what(material: Material) -> Section:
    plan = material.plan
    by_level = ", ".join(
        f"{plan.levels.count(name):,} at {level_name(name)}" for name in sorted(set(plan.levels))
    )
    buyer = material.settings.get("buyer")
    mark = hashlib.sha256(units_csv(material).encode()).hexdigest()
    return section(
        "What this is",
        f"{f'{buyer} divides the area' if buyer else 'The area is divided'} into "
        f"{counted(len(plan.zone_ids), 'lot')} of home care ({by_level}), made of "
        f"{counted(len(plan.of_units), 'small area')}. Each small area is in exactly one lot. {DEFINITIVE} "
        f"That list is units.csv of version {material.version}, whose SHA-256 is {mark}.",
    )


def _data(material: Material) -> Section:
    about = material.problem.about
    travel = material.problem.times.provenance
    roads = (
        "Travel times are estimates from straight lines between neighbouring small areas (1.3 times the "
        "line at 40 km/h), because no road network was used."
        if about.sketch
        else f"Travel times follow the roads in {travel.get('source', 'the file given')} with the speeds "
        f"'{travel.get('profile', 'free-flow')}'."
    )
    total = material.published.total
    hours = "" if math.isnan(total["weekly_hours"]) else f"{total['weekly_hours']:,.0f} hours of care a week"
    people = total.get("customers", math.nan)
    both = hours if math.isnan(people) or not hours else f"{hours} for {people:,.0f} customers"
    dates = {
        "care": material.settings.get("demand_date"),
        "postcodes": None if material.postcodes is None else material.settings.get("postcodes_date"),
    }
    dated = [f"{what}, {day.day} {day:%B %Y}" for what, day in dates.items() if day]
    return section(
        "Data and dates",
        f"Demand in all: {both}." if both else "",
        f"Dates of the data: {'; '.join(dated)}." if dated else "",
        f"{roads} Minutes are from a lot's centre, which is one of its small areas, and weighted by hours.",
        " ".join(_stopped(f"{text[:1].upper()}{text[1:]}") for text in _notes(material)),
        f"Sources: {' '.join(_stopped(line) for line in material.sources)}" if material.sources else "",
        "Every file that went in is listed in manifest.json with its fingerprint (SHA-256).",
    )


def _stopped(line: str) -> str:
    return line if line.endswith((".", ")")) else f"{line}."


def _notes(material: Material) -> list[str]:
    return notes(material.plan, material.problem, public=not material.internal)


def _meant(material: Material) -> list[Section]:
    """Return what the lots' hours mean for providers, before bidders say so."""
    said = meaning(material)
    return [section("What the hours mean for providers", " ".join(said))] if said else []


def _rules(material: Material) -> Section:
    met, checks = material.checks
    asked = [
        _RULES[type(rule).__name__].format(name=getattr(rule, "name", "the border"))
        for rule in material.problem.all_rules
        if type(rule).__name__ in _RULES
    ]
    rows = [(level_name(level.name), _limits_of(level)) for level in material.problem.levels]
    said = f"All {checks:,} checks are met." if met == checks else f"{met:,} of {checks:,} checks are met."
    return section(
        "Rules",
        f"{' '.join(dict.fromkeys(asked))} {said} The checks are made by a part of the software that shares "
        "nothing with the part that designs lots.".strip(),
        head=("Level", "Every lot of the level"),
        rows=rows,
    )


def _limits_of(level: Any) -> str:
    # Zones, as the software calls them, are lots to whoever reads this.
    return level_limits(level).replace(" zone", " lot") or "no limits"


def _proof(material: Material) -> Section:
    proved = material.plan.certificate
    if proved is None or proved.bound is None:
        return section(
            "How good the division is",
            "The division keeps the rules above. Nothing is proved of how near it is to the best "
            "possible one.",
        )
    least = (
        "It is proved that no other division that keeps the rules has less."
        if proved.status == Status.OPTIMAL
        else "It is proved that none that keeps the rules can be more than "
        f"{percent(proved.gap or 0.0)} better."
    )
    facts = objective_facts(material.plan, material.problem, decimals=2)
    return section(
        "How good the division is",
        f"Lots were drawn by integer programming so that the objective below is least. {least} The proof is "
        "the plan's certificate, kept with the plan.",
        head=("Measure", "Value"),
        rows=facts,
    )


def _compared(material: Material, others: Others) -> Section:
    if not others:
        proved = material.plan.certificate
        bounded = proved is not None and proved.bound is not None
        return section(
            "Alternatives compared",
            "No other named plan was compared in this pack."
            + (" The proof above stands for every division that keeps the rules." if bounded else ""),
        )
    rows = [_measured(material, "this division", material.plan)]
    rows += [_measured(material, name, other) for name, other in others.items()]
    coarse = "" if material.internal else " Figures are coarse, so that none tells of a single small area."
    return section(
        "Alternatives compared",
        f"Each under the same data, rules and travel times.{coarse}",
        head=("Division", "Lots", "Mean minutes", "Checks of rules met", "Hours in another lot than here"),
        rows=rows,
    )


def _measured(material: Material, name: str, other: Plan) -> tuple[str, ...]:
    """Return a plan's row among the alternatives.

    A public row is coarse: where two plans differ by a small area, exact minutes or shares would tell its
    hours.
    """
    plan, hours = material.plan, np.asarray(material.plan.of_units.hours, dtype=np.float64)
    verdicts = verify(other, material.problem)
    met = f"{int(verdicts['passed'].sum()):,} of {len(verdicts):,}"
    moved = moved_share(hours, other.zone, plan.zone)
    mean = material.problem.terms(other)["mean_minutes"]
    if material.internal:
        return name, f"{len(other.zone_ids):,}", _minutes(mean, 2), met, percent(moved)
    few = _few_differ(material, other)
    return (
        name,
        f"{len(other.zone_ids):,}",
        "as here" if few else _minutes(mean, 1),
        met,
        "none" if other is plan else f"about {5 * round(20 * moved)} %" if moved >= 0.05 else "under 5 %",
    )


def _minutes(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if math.isfinite(value) else "out of reach"


def _few_differ(material: Material, other: Plan) -> bool:
    """Return whether a plan differs from this one by so few customers that minutes would tell of them."""
    plan, below = material.plan, material.published.below
    if other is plan:
        return False
    differs = np.abs(plan.units["minutes"].to_numpy() - other.units["minutes"].to_numpy()) > 1e-9
    units = plan.of_units
    if units.customers is None:
        return 0 < float(units.hours.to_numpy()[differs].sum()) < 24.0 * below
    return 0 < float(units.customers.to_numpy()[differs].sum()) < 2 * below


def _withheld(material: Material) -> list[Section]:
    if material.internal:
        return []
    tried = material.withheld.get("attack", {})
    said = (
        f"Every figure that is withheld, {tried['figures_tried']:,} in all, was tried by a program that adds "
        "and takes away all that is printed here and in packs named as published: none can be told."
        if tried.get("figures_tried") and tried.get("safe")
        else ""
    )
    report = " ".join(text.replace("zone", "lot") for text in material.published.report)
    return [
        section(
            "What is withheld",
            report
            or f"Nothing: no lot has so few customers (under {material.published.below}) that its figures "
            "could point to a person.",
            said,
        )
    ]


def _limits() -> Section:
    return section(
        "What the figures do not tell",
        items=(
            "Minutes are from a lot's centre to its small areas: not between two visits, nor a worker's day.",
            "Each small area counts as one point. Addresses in it may be nearer or farther.",
            "Hours are those of the date of the data, and no promise. They change with people's needs.",
            "Names, places and descriptions of boundaries are guides for readers.",
        ),
    )


def _again(material: Material) -> Section:
    found = versions()
    used = ", ".join(f"{name} {found[name]}" for name in ("zonedesign", "PuLP", "highspy", "python"))
    day = f"{material.date.isoformat()}T00:00:00Z"
    return section(
        "How to make it again",
        f"With the files named in manifest.json and the same versions ({used}), the command 'zonedesign "
        f"pack' writes this pack again, byte for byte with the date {day} in SOURCE_DATE_EPOCH. 'zonedesign "
        "verify' checks every rule for every lot.",
    )
