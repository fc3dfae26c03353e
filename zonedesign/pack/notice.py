"""The lots for the notice, as JSON in the shape of the Open Contracting Data Standard."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from zonedesign.maps.words import level_name
from zonedesign.pack.material import DEFINITIVE
from zonedesign.provenance import now

if TYPE_CHECKING:
    from zonedesign.pack.material import Material

CPV = ("85312000", "Social work services without accommodation")
"""Common Procurement Vocabulary: what councils' home-care notices use."""
LOTS_EXTENSION = (
    "https://raw.githubusercontent.com/open-contracting-extensions/ocds_lots_extension/v1.1.5/extension.json"
)


def ocds(material: Material) -> str:
    """Return a release package (OCDS 1.1) with one planning release: the tender, its lots and their items.

    `[publish]` gives `buyer`, `ocid`, `cpv`, `region`, `contract_start` and `contract_end` where the notice
    has them already; the `ocid` else has a prefix to be replaced by the publisher's own.
    """
    stated, stamp = material.settings, now().strftime("%Y-%m-%dT%H:%M:%SZ")
    slug = re.sub(r"[^a-z0-9]+", "-", material.title.lower()).strip("-") or "lots"
    ocid = str(stated.get("ocid") or f"ocds-000000-{slug}")
    buyer = {"name": str(stated.get("buyer") or "The contracting authority"), "id": "buyer"}
    release = {
        "ocid": ocid,
        "id": f"{ocid}-{material.version}",
        "date": stamp,
        "tag": ["planning"],
        "initiationType": "tender",
        "language": "en",
        "parties": [buyer | {"roles": ["buyer"]}],
        "buyer": buyer,
        "tender": _tender(material, slug),
    }
    package = {
        "uri": f"urn:zonedesign:{slug}:{material.version}",
        "version": "1.1",
        "extensions": [LOTS_EXTENSION],
        "publishedDate": stamp,
        "publisher": {"name": buyer["name"]},
        "releases": [release],
    }
    return json.dumps(package, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _tender(material: Material, slug: str) -> dict[str, Any]:
    tender: dict[str, Any] = {
        "id": slug,
        "title": material.title,
        "description": f"Home care in {len(material.lots):,} lots. {DEFINITIVE}",
        "status": "planning",
        "mainProcurementCategory": "services",
        "lots": [_lot(material, k) for k in range(len(material.lots))],
        "items": [_item(material, row) for row in material.lots.to_dict("records")],
    }
    values = material.lots["value_a_year"]
    if values.notna().all() and len(values):
        tender["value"] = {"amount": float(values.sum()), "currency": "GBP"}
    return tender


def _lot(material: Material, k: int) -> dict[str, Any]:
    row = material.lots.iloc[k]
    lot: dict[str, Any] = {
        "id": str(row["lot"]),
        "title": f"Lot {row['lot']}: {row['name']}" if row["name"] else f"Lot {row['lot']}",
        "description": _description(material, k),
        "status": "planning",
    }
    if row["value_a_year"] == row["value_a_year"]:  # NaN is not itself
        lot["value"] = {"amount": float(row["value_a_year"]), "currency": "GBP"}
    period = {
        name: f"{material.settings[key]}T00:00:00Z"
        for name, key in (("startDate", "contract_start"), ("endDate", "contract_end"))
        if material.settings.get(key)
    }
    return lot | ({"contractPeriod": period} if period else {})


def _description(material: Material, k: int) -> str:
    row = material.lots.iloc[k]
    said = [level_name(row["level"])]
    if row["providers"]:
        said.append(row["providers"])
    said.append(f"{row['units']:,} small areas, listed in units.csv")
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
        item["deliveryAddresses"] = [
            {"region": str(material.settings["region"]), "countryName": "United Kingdom"}
        ]
    return item
