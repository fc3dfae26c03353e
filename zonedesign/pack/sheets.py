"""The map sheets of a pack: one for every lot, and the overview with the contents."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from zonedesign.maps import palette
from zonedesign.maps.printing import pdf
from zonedesign.maps.words import band, level_name
from zonedesign.pack.material import DEFINITIVE

if TYPE_CHECKING:
    from zonedesign.maps.sheets import Picture
    from zonedesign.pack.material import Material

TEMPLATE = "sheets.typ"
_LOT_MM, _INSET_MM = (186.0, 150.0), (50.0, 30.0)
_OVERVIEW_MM = {True: (396.0, 238.0), False: (273.0, 360.0)}
_FEW, _ROWS_HERE = 16, 13
"""Units in a large hand, and rows in a small one, that the list on a lot's first page has room for.

More are listed on pages of their own.
"""
_SHORT = 32
"""Letters of a code and its name that go in a third of the list's width, else in half of it."""
_ROWS = 56
"""Units one below the other that such a page has room for."""


def lot_pdf(material: Material, k: int) -> bytes:
    """Return the A4 sheet of the lot at position `k`."""
    return pdf(TEMPLATE, _document(material, k) | {"what": "lot", "lots": [_lot(material, k)]})


def overview_pdf(material: Material) -> bytes:
    """Return the A3 overview and the contents."""
    return pdf(TEMPLATE, _document(material, None) | {"what": "overview", "overview": _overview(material)})


def _document(material: Material, k: int | None) -> dict[str, Any]:
    what = "Overview of all lots" if k is None else f"Lot {material.plan.zone_ids[k]}"
    warning = " Internal: exact figures, not for publication." if material.internal else ""
    date = material.date
    return {
        "title": material.title,
        "document": f"{what}: {material.title}",
        "author": str(material.settings.get("buyer") or "zonedesign"),
        "about": f"{what}. {DEFINITIVE}{warning}",
        "date": [date.year, date.month, date.day],
        "day": material.day,
        "version": material.version,
        "kind": "Internal: not for publication" if material.internal else "Public",
        "definitive": DEFINITIVE,
        "sources": material.sources,
        "sheets": len(material.plan.zone_ids) + 1,
    }


def _picture(picture: Picture) -> dict[str, Any]:
    return {"svg": picture.svg, "words": picture.words, "width": picture.frame.width_mm}


def _lot(material: Material, k: int) -> dict[str, Any]:
    row, sheets = material.lots.iloc[k], material.sheets
    picture = sheets.lot(k, *_LOT_MM)
    here = material.units[material.units["lot"] == row["lot"]]
    units = [
        [number, unit, name]
        for number, (unit, name) in enumerate(zip(here["unit"], here["name"], strict=True), 1)
    ]
    named = any(name for _, _, name in units)
    longest = max((len(unit) + len(name) for _, unit, name in units), default=0)
    here = 2 if len(units) <= _FEW or longest > _SHORT else 3
    many = len(units) > here * _ROWS_HERE
    across = (4 if named else 7) if many else here
    return {
        "sheet": k + 2,
        "lot": row["lot"],
        "name": row["name"],
        "level": level_name(row["level"]),
        "map": _picture(picture),
        "inset": _picture(sheets.inset(k, *_INSET_MM)),
        "scale": f"{picture.frame.scale:,}",
        "shows": list(picture.shows),
        "facts": _facts(material, k),
        "boundary": material.boundaries[k],
        "heading": f"The lot is {'this unit' if len(units) == 1 else f'these {len(units):,} units'}",
        "many": many,
        "small": len(units) > _FEW,
        "places": ", ".join(material.places[k]),
        "pages": pages_of(units, across) if many else [_balanced(units, across)],
    }


def _facts(material: Material, k: int) -> list[list[str]]:
    row, figures = material.lots.iloc[k], material.published.figures
    hours, people = (_now(row[name], name in figures) for name in ("weekly_hours", "customers"))
    value = row["value_a_year"]
    facts = [
        ["Providers", row["providers"]],
        ["Hours, band", band(row["hours_low"], row["hours_high"])],
        ["Hours a week now", hours],
        ["Customers, band", band(row["customers_low"], row["customers_high"])],
        ["Customers now", people],
        ["Value a year", "" if math.isnan(value) else f"£{value:,.0f}"],
        ["Adjoining lots", row["adjoining"].replace("; ", ", ")],
    ]
    return [[what, said] for what, said in facts if said]


def _now(value: float, known: bool) -> str:  # noqa: FBT001
    """Return a figure of today; one that is known and not printed is withheld."""
    return f"{value:,.0f}" if not math.isnan(value) else "withheld" if known else ""


def pages_of(units: list[list[Any]], across: int) -> list[list[list[list[Any]]]]:
    """Return a long list as pages of columns, so that it is read down each column, page after page."""
    size = across * _ROWS
    return [_balanced(units[first : first + size], across) for first in range(0, len(units), size)]


def _balanced(units: list[list[Any]], across: int) -> list[list[list[Any]]]:
    """Return the list in columns of about the same length."""
    size = max(math.ceil(len(units) / across), 1)
    return [units[first : first + size] for first in range(0, len(units), size)]


def _overview(material: Material) -> dict[str, Any]:
    sheets, lots = material.sheets, material.lots
    west, south, east, north = sheets.bounds
    flipped = east - west > north - south
    picture = sheets.overview(*_OVERVIEW_MM[flipped])
    rows = [
        [row["lot"], row["name"], level_name(row["level"]), f"{row['units']:,}", str(k + 2), row["sheet"]]
        for k, row in enumerate(lots.to_dict("records"))
    ]
    return {
        "map": _picture(picture),
        "scale": f"{picture.frame.scale:,}",
        "flipped": flipped,
        "said": f"{len(lots):,} lots, {len(material.plan.of_units):,} units",
        "legend": [[level, svg, f"Pattern: {words}"] for level, svg, words in legend(material)],
        "shows": list(picture.shows),
        "columns": _balanced(rows, 3 if flipped else 2),
    }


def legend(material: Material) -> list[tuple[str, str, str]]:
    """Return every level, its pattern as a small picture, and what that looks like in words."""
    order = sorted(set(material.plan.levels))
    return [(level_name(name), _swatch(k), palette.pattern_name(k)) for k, name in enumerate(order)]


def _swatch(level: int) -> str:
    """Return a level's pattern as a small picture for the legend."""
    drawn = palette.pattern(level)
    fill = f'<rect width="8" height="3.4" fill="url(#hatch-{drawn})"/>' if drawn else ""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="8mm" height="3.4mm" viewBox="0 0 8 3.4">'
        f'<defs>{palette.hatching(0.28)}</defs><rect width="8" height="3.4" fill="#e7e7e7"/>{fill}'
        '<rect x="0.1" y="0.1" width="7.8" height="3.2" fill="none" stroke="#1c2a33" stroke-width="0.2"/>'
        "</svg>"
    )
