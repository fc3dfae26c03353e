"""The editing page: another boundary tried on the map or in the tables, and what it costs, in one file.

Everything is computed in the page from data inside it, as `verify` and `Problem.terms` compute it. The page
is internal: it holds exact figures of units, and never a customer's point. It fetches nothing; only the
studio's page may ask the server that it came from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from zonedesign.maps import alone, leaflet, palette, words
from zonedesign.maps.editdata import edit_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

CHAPTERS = (
    "exact", "times", "rules", "terms", "zones", "plan", "words", "files",
    "choosing", "map", "tables", "actions", "drawing", "page",
)  # fmt: skip
"""The page's script, chapter after chapter, in `assets/edit`."""


def edit_page(
    plan: Plan, problem: Problem, *, roads: Any = None, studio: Mapping[str, Any] | None = None
) -> str:
    """Return the page in which a plan is edited, as one HTML file.

    `roads` is a `RoadNetwork` for the background (else the problem's own). With `studio` its `script` runs
    once the page is ready, and all else in it stands in the page's data as `data.studio`. The plan may lack
    units: they are shown as being in no zone. Raises `DataError` where it is on other units.
    """
    own = dict(studio or {})
    script = str(own.pop("script", ""))
    data = edit_data(plan, problem, problem.about.roads if roads is None else roads)
    data["studio"] = None if studio is None else own
    everything = [(c, lv) for c in range(len(palette.COLOURS)) for lv in range(len(problem.levels) + 1)]
    context: dict[str, Any] = {
        "title": problem.about.name,
        "kind": "internal",
        "sketch": problem.about.sketch,
        "shown": data["map"] is not None,
        "as_points": bool(data["map"] and data["map"]["as_points"]),
        "units": f"{len(problem.units):,}",
        "legend": [
            (words.level_name(level.name), palette.pattern_name(number), f"level-{palette.pattern(number)}")
            for number, level in enumerate(problem.levels)
        ],
        "bridges": bool(data["graph"] and data["graph"]["bridges"]),
        "excluded": bool(data["excluded"]),
        "studio": studio is not None,
        "notes": words.notes(plan, problem, public=False),
        "sources": problem.about.sources,
        "inputs": dict(problem.about.inputs),
        "patterns": palette.definitions(everything),
        "data": data,
        "leaflet_css": Markup(leaflet.styles()),  # noqa: S704  (installed files)
        "leaflet_js": Markup(leaflet.script()),  # noqa: S704
        "page_css": Markup(alone.asset("page.css") + alone.asset("edit/edit.css")),  # noqa: S704  (our own files)
        "page_js": Markup("\n".join(alone.asset(f"edit/{name}.js") for name in CHAPTERS)),  # noqa: S704
        "studio_js": Markup(script),  # noqa: S704  (the studio's own file)
    }
    return alone.rendered("edit/edit.html", context, serving=studio is not None)
