"""Standing alone: how a page holds everything it needs, and its browser refuses to fetch anything else."""

from __future__ import annotations

import json
from functools import cache
from importlib import metadata, resources
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from zonedesign import provenance

if TYPE_CHECKING:
    from collections.abc import Callable

_TILES = "https://tile.openstreetmap.org"


def rendered(template: str, context: dict[str, Any], *, tiles: bool = False, serving: bool = False) -> str:
    """Return a page from a template of the assets; what the context holds is escaped, `data` made safe.

    The template is given `date`, `version` and `policy` besides. With `tiles` the page may fetch those of
    OpenStreetMap; with `serving` it may ask the server that it came from.
    """
    return (
        environment(asset)
        .get_template(template)
        .render(
            context,
            data=for_script(context["data"]),
            date=provenance.today(),
            version=metadata.version("zonedesign"),
            policy=Markup(policy(tiles=tiles, serving=serving)),  # noqa: S704  (constants)
        )
    )


def policy(*, tiles: bool = False, serving: bool = False) -> str:
    """Return the content security policy: the browser itself refuses to fetch anything else."""
    pictures = f"data: {_TILES}" if tiles else "data:"
    asks = "; connect-src 'self'" if serving else ""
    inline = "script-src 'unsafe-inline'; style-src 'unsafe-inline'"
    return f"default-src 'none'; {inline}; img-src {pictures}{asks}; base-uri 'none'; form-action 'none'"


def for_script(data: Any) -> Markup:
    """Return data for a script element: nothing in it can end the element or a line."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704  (escaped above)


def asset(name: str) -> str:
    """Return one of our own files as text."""
    return resources.files("zonedesign.maps").joinpath("assets", name).read_text(encoding="utf-8")


@cache
def environment(load: Callable[[str], str]) -> jinja2.Environment:
    """Return what makes pages of templates that `load` gives by name; what a context holds is escaped."""
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(load),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
