"""The pack as a page: what a lot is, every lot described in words, a search by postcode, the method."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from zonedesign.maps.alone import asset, rendered
from zonedesign.maps.words import HIDDEN, band, level_name
from zonedesign.pack.material import DEFINITIVE
from zonedesign.pack.meaning import meaning
from zonedesign.pack.method import sections
from zonedesign.pack.schedule import LOTS
from zonedesign.pack.sheets import legend

if TYPE_CHECKING:
    from zonedesign.pack.material import Material
    from zonedesign.pack.method import Others

_MAP_MM = 210.0


def index_html(material: Material, others: Others | None = None) -> str:
    """Return the page: one file that fetches nothing; links lead to the other files of the pack."""
    bounds = material.sheets.bounds
    high = _MAP_MM * (bounds[3] - bounds[1]) / max(bounds[2] - bounds[0], 1e-9)
    picture = material.sheets.overview(_MAP_MM, min(max(high, 0.4 * _MAP_MM), 1.4 * _MAP_MM))
    context: dict[str, Any] = {
        "title": material.title,
        "kind": material.kind,
        "version_of_pack": material.version,
        "day": material.day,
        "definitive": DEFINITIVE,
        "map": Markup(_fluid(picture.svg)),  # noqa: S704  (drawn by maps.drawing, which escapes texts)
        "map_words": picture.words,
        "legend": [
            (level, Markup(_fluid(svg)), words)  # noqa: S704  (drawn by this house)
            for level, svg, words in legend(material)
        ],
        "lots": [_lot(material, k) for k in range(len(material.lots))],
        "units": f"{len(material.units):,}",
        "sections": sections(material, others or {}),
        "report": [] if material.internal else list(material.published.report),
        "sources": material.problem.about.sources,
        "columns": LOTS,
        "meaning": meaning(material),
        "priced": bool(material.lots["value_a_year"].notna().any()),
        "postcodes": _dates(material),
        "data": _search(material),
        "page_css": Markup(asset("page.css") + asset("pack.css")),  # noqa: S704  (our own files)
        "pack_js": Markup(asset("pack.js")),  # noqa: S704  (our own file)
    }
    return rendered("pack.html", context)


def _lot(material: Material, k: int) -> dict[str, Any]:
    row = material.lots.iloc[k]
    here = material.units[material.units["lot"] == row["lot"]]
    return {
        "id": f"lot-{k + 1}",
        "lot": row["lot"],
        "name": row["name"],
        "level": level_name(row["level"]),
        "providers": row["providers"],
        "band": band(row["hours_low"], row["hours_high"]),
        "hours": _figure(row["weekly_hours"]),
        "customers": _figure(row["customers"]) if "customers" in material.published.figures else "",
        "value": "" if math.isnan(row["value_a_year"]) else f"£{row['value_a_year']:,.0f}",
        "workers": _figure(row["workers"]),
        "viability": row["viability"] or HIDDEN,
        "count": f"{row['units']:,}",
        "places": material.places[k],
        "boundary": material.boundaries[k],
        "units": list(zip(here["unit"], here["name"], strict=True)),
        "sheet": row["sheet"],
    }


def _figure(value: float) -> str:
    return HIDDEN if math.isnan(value) else f"{value:,.0f}"


def _fluid(svg: str) -> str:
    """Return a picture that is as wide as its column, hidden from readers who get its words instead."""
    head, _, rest = svg.partition(">")
    box = head[head.index("viewBox") :]
    return f'<svg xmlns="http://www.w3.org/2000/svg" aria-hidden="true" focusable="false" {box}>{rest}'


def _dates(material: Material) -> str:
    """Return what the search says of its postcodes; empty where there are none."""
    if material.postcodes is None or material.postcodes.empty:
        return ""
    date = str(material.postcodes["date"].iloc[0])
    return f"{len(material.postcodes):,} postcodes{f' of {date}' if date else ''}"


def _search(material: Material) -> dict[str, Any]:
    """Return the look-up for the page's search, by outward code so that it stays small."""
    found: dict[str, dict[str, list[int]]] = {}
    if material.postcodes is not None:
        at = {lot: k for k, lot in enumerate(material.plan.zone_ids)}
        rows = material.postcodes[["postcode", "lot", "other_lot"]].itertuples(index=False)
        for postcode, lot, other in rows:
            text = str(postcode).replace(" ", "")
            found.setdefault(text[:-3], {})[text[-3:]] = [at[lot], *([at[other]] if other else [])]
    named = enumerate(zip(material.lots["lot"], material.lots["name"], strict=True), start=1)
    names = [[lot, name, f"lot-{number}"] for number, (lot, name) in named]
    return {"lots": names, "postcodes": found}
