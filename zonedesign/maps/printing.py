"""Printing: data and a template into a tagged PDF with its fonts in it; the only room that knows Typst."""

from __future__ import annotations

import json
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

FONTS = "font-source-sans-pro"
"""The package that brings Source Sans, under the SIL Open Font License."""


def pdf(template: str, data: Mapping[str, Any]) -> bytes:
    """Return the PDF/UA of a template of this house with its data; same data, same bytes.

    The template reads the data as JSON, so that no text in it can be taken for markup.
    """
    import typst  # noqa: PLC0415  (loaded where something is printed)

    compiled: Any = typst.compile
    source = resources.files("zonedesign.maps").joinpath("assets", template).read_bytes()
    made: bytes = compiled(
        source,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False, allow_nan=False)},
        font_paths=[_fonts()],
        ignore_system_fonts=True,
        pdf_standards=["ua-1"],
    )
    return made


@cache
def _fonts() -> Path:
    # Read in place, not imported: the package's module needs nothing that is still there.
    return Path(str(metadata.distribution(FONTS).locate_file("font_source_sans_pro/files")))
