"""Leaflet: its script and styles from the installed package, made fit to stand inside a page."""

from __future__ import annotations

import re
from functools import cache
from importlib import metadata, resources

PACKAGE = "xstatic-leaflet"


@cache
def script() -> str:
    """Return Leaflet's script, its licence first, without the link to a source map that is not there."""
    text = re.sub(r"\n?//# sourceMappingURL=\S*", "", _asset("leaflet.js"))
    if "</script" in text.lower():
        raise RuntimeError(
            f"{PACKAGE}'s leaflet.js would end the page's script element; install another version"
        )
    licence = resources.files("zonedesign.maps").joinpath("assets", "leaflet-licence.txt")
    return f"/*\n{licence.read_text(encoding='utf-8')}*/\n{text}"


@cache
def styles() -> str:
    """Return Leaflet's styles without the pictures that they would fetch: nothing on the page uses them."""
    text = re.sub(r"[\w-]+\s*:\s*url\([^)]*\)\s*;?", "", _asset("leaflet.css"))
    return text.replace("</style", "")


def _asset(name: str) -> str:
    # Read in place, not imported: a namespace package of old style warns on import.
    path = metadata.distribution(PACKAGE).locate_file(f"xstatic/pkg/leaflet/data/{name}")
    with open(str(path), encoding="utf-8") as file:  # noqa: PTH123  (a SimplePath is not a Path)
        return file.read()
