"""The published rules of the Open Contracting Data Standard for what a pack writes, without the network.

Learned from the schema of releases 1.1 (packages, releases, tenders, items, periods, values) and from its
extensions for lots and locations: required fields, types, closed lists, and no field that is not in them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

DATE = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(Z|[+-]\d\d:\d\d)"
)
TENDER_STATUS = {"planning", "planned", "active", "cancelled", "unsuccessful", "complete", "withdrawn"}
TAGS = {"planning", "planningUpdate", "tender", "tenderAmendment", "tenderUpdate", "tenderCancellation"}
ADDRESS = {"streetAddress", "locality", "region", "postalCode", "countryName"}

# Object: its fields, and of what kind they are. Kinds that are objects here are looked into in turn.
SHAPES: dict[str, dict[str, str]] = {
    "package": {
        "uri": "uri!", "version": "version!", "extensions": "uri[]", "publishedDate": "date!",
        "publisher": "publisher!", "license": "uri", "publicationPolicy": "uri", "releases": "release[]!",
    },
    "publisher": {"name": "text!", "scheme": "text", "uid": "text", "uri": "uri"},
    "release": {
        "ocid": "ocid!", "id": "text!", "date": "date!", "tag": "tag[]!", "initiationType": "initiation!",
        "parties": "party[]", "buyer": "reference", "tender": "tender", "language": "text",
    },
    "party": {"id": "text!", "name": "text", "roles": "text[]"},
    "reference": {"id": "text!", "name": "text"},
    "tender": {
        "id": "text!", "title": "text", "description": "text", "status": "status", "value": "value",
        "mainProcurementCategory": "category", "lots": "lot[]", "items": "item[]", "lotDetails": "details",
        "contractPeriod": "period",
    },
    "details": {"maximumLotsAwardedPerSupplier": "whole", "maximumLotsBidPerSupplier": "whole"},
    "lot": {
        "id": "text!", "title": "text", "description": "text", "status": "status", "value": "value",
        "contractPeriod": "period",
    },
    "item": {
        "id": "text!", "description": "text", "classification": "classification", "relatedLot": "text",
        "deliveryAddress": "address",
    },
    "classification": {"scheme": "text", "id": "text", "description": "text", "uri": "uri"},
    "address": dict.fromkeys(ADDRESS, "text"),
    "value": {"amount": "number", "currency": "currency"},
    "period": {"startDate": "date", "endDate": "date", "maxExtentDate": "date", "durationInDays": "whole"},
}  # fmt: skip


def faults(package: dict[str, Any]) -> list[str]:
    """Return what is wrong with a release package, each with its place; empty where nothing is."""
    return [*_looked_into(package, "package", ""), *(f for r in package["releases"] for f in _together(r))]


def _looked_into(value: Any, kind: str, place: str) -> Iterator[str]:
    if kind not in SHAPES:
        if not _is(value, kind):
            yield f"{place} is {value!r}, no {kind}"
        return
    if not isinstance(value, dict):
        yield f"{place} is no object"
        return
    shape = SHAPES[kind]
    yield from (f"{place}.{name} is in no schema" for name in value if name not in shape)
    yield from (f"{place}.{n} is missing" for n, k in shape.items() if k.endswith("!") and n not in value)
    for name, told in value.items():
        inner = shape.get(name, "anything").rstrip("!")
        if inner.endswith("[]"):
            if not isinstance(told, list) or not told:
                yield f"{place}.{name} is no list with something in it"
                continue
            for number, each in enumerate(told):
                yield from _looked_into(each, inner[:-2], f"{place}.{name}[{number}]")
        else:
            yield from _looked_into(told, inner, f"{place}.{name}")


def _is(value: Any, kind: str) -> bool:
    text = isinstance(value, str) and bool(value.strip())
    checks = {
        "text": text,
        "uri": text and re.match(r"[a-z][a-z0-9+.-]*:\S+$", value) is not None,
        "version": text and re.fullmatch(r"\d+(\.\d+)?", value) is not None,
        "ocid": text and re.fullmatch(r"ocds-[a-z0-9]{6}-\S+", value) is not None,
        "date": text and DATE.fullmatch(value) is not None,
        "tag": value in TAGS,
        "initiation": value == "tender",
        "status": value in TENDER_STATUS,
        "category": value in {"goods", "works", "services"},
        "currency": text and re.fullmatch(r"[A-Z]{3}", value) is not None,
        "number": isinstance(value, (int, float)) and not isinstance(value, bool),
        "whole": isinstance(value, int) and not isinstance(value, bool),
    }
    return checks.get(kind, True)


def _together(release: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong between the parts of a release: ids, references, sums and spans."""
    tender = release["tender"]
    lots, items = tender.get("lots", []), tender.get("items", [])
    for what, found in (("lots", lots), ("items", items), ("parties", release["parties"])):
        ids = [each["id"] for each in found]
        if len(set(ids)) < len(ids):
            yield f"{what} have ids twice"
    if release["buyer"]["id"] not in {p["id"] for p in release["parties"] if "buyer" in p["roles"]}:
        yield "the buyer is no party"
    related = [item.get("relatedLot") for item in items]
    if sorted(map(str, related)) != sorted(lot["id"] for lot in lots):
        yield "items and lots do not go together"
    for item in items:
        code = item["classification"]
        if code["scheme"] != "CPV" or not re.fullmatch(r"\d{8}(-\d)?", code["id"]):
            yield f"{item['id']} has no code of the CPV"
    for lot in lots:
        period = lot.get("contractPeriod", {})
        days = [period[k] for k in ("startDate", "endDate", "maxExtentDate") if k in period]
        if days != sorted(days):
            yield f"{lot['id']} ends before it begins"
    if "value" in tender and tender["value"]["amount"] != sum(lot["value"]["amount"] for lot in lots):
        yield "the tender's value is not that of its lots"
