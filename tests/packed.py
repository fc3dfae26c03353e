"""A tender pack of the tiny county, made on the command line, for the tests that read its files."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pypdf
import tiny_county

from zonedesign.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd

POSTCODES = """postcode,easting,northing
TE1 1AA,450500,110500
te1 1ab,451990,110500
TE1 1AC,453500,113500
TE9 9ZZ,490000,190000
"""
PUBLISH = """
[publish]
buyer = "Tiny Council"
version = "3"
region = "UKJ3"
contract_start = 2027-04-01
contract_end = 2031-03-31
demand_date = 2026-06-30
postcodes = "postcodes.csv"
postcodes_date = 2026-08-31
"""


def folder_of(
    tmp_path: Path, *more: str, publish: str = PUBLISH, units: gpd.GeoDataFrame | None = None
) -> Path:
    """Make the pack of the tiny county's four quarters."""
    path = tiny_county.write_tiny(tmp_path, units=units)
    path.write_text(path.read_text() + publish)
    (tmp_path / "postcodes.csv").write_text(POSTCODES)
    tiny_county.quarters().to_csv(tmp_path / "plan.csv", index=False)
    out = tmp_path / "pack"
    assert (
        main(["pack", str(tmp_path / "plan.csv"), "--scenario", str(path), "-o", str(out), "-q", *more]) == 0
    )
    return out


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def words_of(path: Path) -> str:
    return " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(path).pages).split())
