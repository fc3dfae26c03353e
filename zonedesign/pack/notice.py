"""The lots for the notice, as JSON in the shape of the Open Contracting Data Standard."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from typing import TYPE_CHECKING, Any

from zonedesign.errors import counted
from zonedesign.maps.words import level_name
from zonedesign.pack.material import DEFINITIVE
from zonedesign.provenance import now

if TYPE_CHECKING:
    from zonedesign.pack.material import Material

CPV = ("85312000", "Social work services without accommodation")
"""Common Procurement Vocabulary: what councils' home-care notices use."""
_EXTENSION = (
    "https://raw.githubusercontent.com/open-contracting-extensions/ocds_{}_extension/v1.1.5/extension.json"
)
LOTS_EXTENSION, LOCATION_EXTENSION = _EXTENSION.format("lots"), _EXTENSION.format("location")
DAYS_A_YEAR = 365.25


def ocds(material: Material) -> str:
    """Return a release package (OCDS 1.1) with one planning release: the tender, its lots and their items.

    `[publish]` gives `buyer`, `ocid`, `cpv`, `region`, `contract_start` and `contract_end` where the notice
    has them already; the `ocid` else has a prefix to be replaced by the publisher's own.
    """
    stated, stamp = material.settings, now().strftime("%Y-%m-%dT%H:%M:%SZ")
    slug = re.sub(r"[^a-z0-9]+", "-", material.title.lower()).strip("-") or "lots"
    ocid = str(stated.get("ocid") or f"ocds-000000-{slug}")
    buyer = {"name": str(stated.get("buyer") or "The contracting authority"), "id": "buyer"}
    version = re.sub(r"[^A-Za-z0-9.]+", "-", material.version).strip("-") or "1"
    release = {
        "ocid": ocid,
        "id": f"{ocid}-{version}",
        "date": stamp,
        "tag": ["planning"],
        "initiationType": "tender",
        "language": "en",
        "parties": [buyer | {"roles": ["buyer"]}],
        "buyer": buyer,
        "tender": _tender(material, slug),
    }
    package = {
        "uri": f"urn:zonedesign:{slug}:{version}",
        "version": "1.1",
        "extensions": [LOTS_EXTENSION, LOCATION_EXTENSION],
        "publishedDate": stamp,
        "publisher": {"name": buyer["name"]},
        "releases": [release],
    }
    return json.dumps(package, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _tender(material: Material, slug: str) -> dict[str, Any]:
    lots = [_lot(material, k) for k in range(len(material.lots))]
    said = [f"Home care in {counted(len(lots), 'lot')}. {DEFINITIVE}"]
    if any("value" in lot for lot in lots):
        said.append(_values_are(material))
    tender: dict[str, Any] = {
        "id": slug,
        "title": material.title,
        "description": " ".join(said),
        "status": "planning",
        "mainProcurementCategory": "services",
        "lots": lots,
        "items": [_item(material, row) for row in material.lots.to_dict("records")],
    }
    if lots and all("value" in lot for lot in lots):
        whole = sum(lot["value"]["amount"] for lot in lots)
        tender["value"] = {"amount": whole, "currency": "GBP"}
    if material.terms is not None and material.terms.cap is not None:
        tender["lotDetails"] = {"maximumLotsAwardedPerSupplier": int(material.terms.cap)}
    return tender


def _values_are(material: Material) -> str:
    """Return what a value covers: a lot's is its most, so whatever may be added at the end is in it."""
    terms = material.terms
    if terms is None:
        return ""
    longer = f" and an extension of {_years(terms.extension_years)}" if terms.extension_years else ""
    return f"Values are forecasts over {_years(terms.term_years)}{longer}, without VAT."


def _years(years: float) -> str:
    return "1 year" if years == 1 else f"{years:g} years"


def _lot(material: Material, k: int) -> dict[str, Any]:
    row = material.lots.iloc[k]
    lot: dict[str, Any] = {
        "id": str(row["lot"]),
        "title": f"Lot {row['lot']}: {row['name']}" if row["name"] else f"Lot {row['lot']}",
        "description": _description(material, k),
        "status": "planning",
    }
    # The standard's value is a contract's, so there is none where nobody says how long it runs.
    if material.terms is not None:
        whole = [material.value(k, name) for name in ("value_term", "value_extension")]
        if not any(math.isnan(value) for value in whole):
            lot["value"] = {"amount": float(sum(whole)), "currency": "GBP"}
    period = _period(material)
    return lot | ({"contractPeriod": period} if period else {})


def _period(material: Material) -> dict[str, Any]:
    """Return the contracts' first and last day as stated, or from how long they run; both ends counted."""
    start, end, terms = (
        *(material.settings.get(f"contract_{which}") for which in ("start", "end")),
        material.terms,
    )
    if start and not end and terms is not None:
        end = _later(start, terms.term_years) - dt.timedelta(days=1)
    period: dict[str, Any] = {}
    if start:
        period["startDate"] = f"{start.isoformat()}T00:00:00Z"
    if end:
        period["endDate"] = f"{end.isoformat()}T23:59:59Z"
        if terms is not None and terms.extension_years:
            last = _later(end + dt.timedelta(days=1), terms.extension_years) - dt.timedelta(days=1)
            period["maxExtentDate"] = f"{last.isoformat()}T23:59:59Z"
    if start and end:
        period["durationInDays"] = (end - start).days + 1
    elif terms is not None:
        period["durationInDays"] = round(terms.term_years * DAYS_A_YEAR)
    return period


def _later(day: dt.date, years: float) -> dt.date:
    """Return the same day so many years later, to whole months; the last of a shorter month."""
    months = day.year * 12 + day.month - 1 + round(years * 12)
    first = dt.date(months // 12, months % 12 + 1, 1)
    after = dt.date((months + 1) // 12, (months + 1) % 12 + 1, 1)
    return min(first + dt.timedelta(days=day.day - 1), after - dt.timedelta(days=1))


def _description(material: Material, k: int) -> str:
    row = material.lots.iloc[k]
    said = [level_name(row["level"])]
    if row["providers"]:
        said.append(row["providers"])
    said.append(f"{counted(row['units'], 'small area')}, listed in units.csv")
    if material.places[k]:
        said.append(f"takes in {', '.join(material.places[k])}")
    return f"{'; '.join(said)}. {material.boundaries[k]}".strip()


def _item(material: Material, row: dict[Any, Any]) -> dict[str, Any]:
    number, words = str(material.settings.get("cpv") or CPV[0]), CPV[1]
    classification = {"scheme": "CPV", "id": number}
    if number == CPV[0]:
        classification["description"] = words
    item: dict[str, Any] = {
        "id": f"item-{row['lot']}",
        "description": f"Home care in lot {row['lot']}",
        "classification": classification,
        "relatedLot": str(row["lot"]),
    }
    if material.settings.get("region"):
        address = {"region": str(material.settings["region"]), "countryName": "United Kingdom"}
        item["deliveryAddress"] = address
    return item
