"""Sixteen squares in a folder, a scenario of them, and roads along their rows: what scenarios are tried on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
from shapely.geometry import box

if TYPE_CHECKING:
    from pathlib import Path

EAST, NORTH = 450_000.0, 100_000.0

BASE = """
name = "Sixteen squares"

[units]
path = "units.gpkg"
id = "code"

[demand]
hours_column = "weekly_hours"
customers_column = "customers"

[roads]
sketch = true

[[levels]]
name = "1"
weekly_hours = [40, 100]
max_minutes = 15
zones = [2, 4]
"""


def write_squares(folder: Path) -> Path:
    """Write sixteen squares of 1 km, U00 to U15, 10 hours and 1 customer in each."""
    shapes = [
        box(EAST + c * 1000, NORTH + r * 1000, EAST + (c + 1) * 1000, NORTH + (r + 1) * 1000)
        for r in range(4)
        for c in range(4)
    ]
    gpd.GeoDataFrame(
        {
            "code": [f"U{k:02d}" for k in range(16)],
            "weekly_hours": 10.0,
            "customers": 1,
            "council": ["West", "West", "East", "East"] * 4,
        },
        geometry=shapes,
        crs=27700,
    ).to_file(folder / "units.gpkg")
    return folder


def scenario(folder: Path, text: str = BASE, name: str = "s.toml") -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def changed(old: str, new: str) -> str:
    assert BASE.count(old) == 1
    return BASE.replace(old, new)


def osm(folder: Path, reach: int = 4) -> None:
    """Write roads along the middles of the rows and of the first column of squares, `reach` squares wide."""
    at = gpd.GeoSeries.from_xy(
        [EAST + 500 + 1000 * c for r in range(4) for c in range(reach)],
        [NORTH + 600 + 1000 * r for r in range(4) for c in range(reach)],
        crs=27700,
    ).to_crs(4326)
    nodes = "".join(f'<node id="{k + 1}" lat="{p.y:.7f}" lon="{p.x:.7f}"/>' for k, p in enumerate(at))
    lines = [[r * reach + c + 1 for c in range(reach)] for r in range(4)]
    lines.append([r * reach + 1 for r in range(4)])
    ways = "".join(
        f'<way id="{k}">'
        + "".join(f'<nd ref="{n}"/>' for n in line)
        + '<tag k="highway" v="residential"/></way>'
        for k, line in enumerate(lines, 1)
    )
    (folder / "roads.osm").write_text(f'<?xml version="1.0"?><osm version="0.6">{nodes}{ways}</osm>')


def on_roads(more: str = "") -> str:
    return changed("sketch = true", f'path = "roads.osm"\n{more}')
