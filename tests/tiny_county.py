"""A county of sixteen squares in a folder, with a scenario: what the command line is tried on.

::

    12 13 14 15        Squares of 1 km, hours 10 and customers 2 each: 160 h a week and 32 customers.
     8  9 10 11        Ids u00 to u15, west halves are Westham, east halves Eastham.
     4  5  6  7        Sketch roads; the four-zone plan `quarters` keeps every rule.
     0  1  2  3
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import shapely

if TYPE_CHECKING:
    from pathlib import Path

IDS = [f"u{k:02d}" for k in range(16)]

SCENARIO = """
name = "Tiny"

[units]
path = "units.gpkg"
id = "id"
name = "place"

[demand]
hours_column = "hours"
customers_column = "people"

[roads]
sketch = true

[[levels]]
name = "1"
weekly_hours = [30, 50]
customers = [4, 12]
max_minutes = 15
zones = 4
"""


def squares(**columns: Any) -> gpd.GeoDataFrame:
    """The sixteen units; `columns` replace or add."""
    x = [1000 * (k % 4) + 450_000 for k in range(16)]
    y = [1000 * (k // 4) + 110_000 for k in range(16)]
    frame = {
        "id": IDS,
        "hours": [10.0] * 16,
        "people": [2] * 16,
        "place": ["Westham" if k % 4 < 2 else "Eastham" for k in range(16)],
        "council": ["North" if k >= 8 else "South" for k in range(16)],
    }
    shapes = [shapely.box(a, b, a + 1000, b + 1000) for a, b in zip(x, y, strict=True)]
    return gpd.GeoDataFrame({**frame, **columns}, geometry=shapes, crs=27700)


def quarters() -> pd.DataFrame:
    """A plan that keeps every rule: four blocks of four units."""
    zone = [f"1-0{1 + (k % 4) // 2 + 2 * (k // 8)}" for k in range(16)]
    return pd.DataFrame({"unit": IDS, "zone": zone})


def write_tiny(
    folder: Path, *, changes: dict[str, str] | None = None, units: gpd.GeoDataFrame | None = None
) -> Path:
    """Write the units and a scenario with some of its text changed; return the scenario's path."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some tests want a file without CRS
        (squares() if units is None else units).to_file(folder / "units.gpkg", driver="GPKG")
    text = SCENARIO
    for old, new in (changes or {}).items():
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "tiny.toml"
    path.write_text(text, encoding="utf-8")
    return path


def write_plan(folder: Path, plan: pd.DataFrame | None = None) -> Path:
    """Write a plan, by default `quarters`; return its path."""
    path = folder / "plan-given.csv"
    (quarters() if plan is None else plan).to_csv(path, index=False)
    return path
