"""The schedule of lots and the look-ups, as CSV and as a workbook that defines every column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zonedesign._plantables import as_csv
from zonedesign.pack.material import DEFINITIVE
from zonedesign.pack.meaning import meaning
from zonedesign.workbook import Notes, workbook_bytes

if TYPE_CHECKING:
    import pandas as pd

    from zonedesign.pack.material import Material

LOTS = {
    "lot": "Reference of the lot: its level, and its number within the level.",
    "name": "The place with most of the lot's hours; a help for readers, not part of what a lot is.",
    "level": "Level of the lot: its band of volume, its limit of travel, its providers.",
    "providers": "How many providers of each role the lot has.",
    "hours_low": "Least weekly hours of a lot of this level.",
    "hours_high": "Most weekly hours of a lot of this level.",
    "weekly_hours": "Weekly hours of care in the lot on the date of the data; empty where they are withheld.",
    "customers_low": "Fewest customers of a lot of this level.",
    "customers_high": "Most customers of a lot of this level.",
    "customers": "Customers in the lot on the date of the data; empty where they are withheld.",
    "hours_a_year": "The same hours in a year of 365 days.",
    "workers": "Workers that these hours need, whole ones, at the hours a week each that the notes say.",
    "viability": "Where these hours stand against what keeps a branch alive: under the start, can start, "
    "established; reserve: the lot has no provider of its own.",
    "value_a_year": "Forecast value of a year's hours in pounds, whoever pays for them, as rates begin, "
    "without VAT; empty without a rate or where withheld.",
    "value_a_year_with_vat": "The same with VAT, where any is due.",
    "value_term": "Forecast value over the contract's term, extensions left out, as rates rise and hours "
    "grow, without VAT; empty where the term is not stated.",
    "units": "Number of small areas that make up the lot; the sheet 'units' lists them and is definitive.",
    "places": "Larger places inside the lot, as a guide.",
    "adjoining": "Lots that touch this lot.",
    "sheet": "File of the lot's map sheet within the pack.",
}
UNITS = {
    "unit": "Code of the small area. The list of codes is definitive.",
    "name": "Name of the small area, where it has one.",
    "lot": "The lot that the small area belongs to.",
    "level": "Level of that lot.",
}
POSTCODES = {
    "postcode": "Postcode, as of the date stated.",
    "lot": "The lot that the postcode's point lies in.",
    "unit": "The small area that the postcode's point lies in.",
    "straddles": "yes: the postcode lies at its lot's boundary; addresses in it may be in the other lot.",
    "other_lot": "The lot on the other side, where the postcode straddles.",
    "date": "Date of the postcodes.",
}


def lots_csv(material: Material) -> str:
    """Return the schedule of lots; what is withheld or not known is empty."""
    return _csv(material.lots)


def units_csv(material: Material) -> str:
    """Return the lot of every unit."""
    return _csv(material.units)


def postcodes_csv(material: Material) -> str | None:
    """Return the lot of every postcode, or None where no postcodes are given."""
    return None if material.postcodes is None else _csv(material.postcodes)


def lots_xlsx(material: Material) -> bytes:
    """Return the workbook: notes, lots, units, and postcodes where they are given."""
    sheets = {"lots": material.lots, "units": material.units}
    columns = {"lots": LOTS, "units": UNITS}
    if material.postcodes is not None:
        sheets["postcodes"], columns["postcodes"] = material.postcodes, POSTCODES
    return workbook_bytes(sheets, Notes(material.title, notes(material), columns, kind=material.kind))


def notes(material: Material) -> list[str]:
    """Return what a reader of any of the pack's tables has to know."""
    said = [
        DEFINITIVE,
        f"Version {material.version}, {material.day}.",
        *meaning(material),
        *material.published.report,
        *(("Internal: exact figures, not for publication.",) if material.internal else ()),
    ]
    return [*said, *material.sources]


def _csv(frame: pd.DataFrame) -> str:
    rows = frame.astype(object).where(frame.notna(), None).itertuples(index=False)
    return as_csv([str(name) for name in frame.columns], ([_plain(cell) for cell in row] for row in rows))


def _plain(cell: Any) -> Any:
    """Return a whole number without its decimals: counts and bands read better so."""
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell
