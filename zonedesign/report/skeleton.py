"""Skeleton: what every page of figures has, head, look and foot, around a body of its own.

A page's template stands in `assets` and extends `skeleton.html`: blocks `head`, `main` and `foot`.
"""

from __future__ import annotations

from importlib import metadata, resources
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from zonedesign import provenance
from zonedesign.maps import alone

if TYPE_CHECKING:
    from collections.abc import Mapping

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""The browser itself refuses to fetch anything, and to run anything."""


def rendered(template: str, title: str, what: str, context: Mapping[str, Any]) -> str:
    """Return a page from a template of the assets; what the context holds is escaped.

    `what` says what kind of page it is, after its title. Templates see `title`, `what`, `date` and `version`.
    """
    return (
        alone.environment(_template)
        .get_template(template)
        .render(
            {
                "kind": "internal",
                "title": title,
                "what": what,
                "date": provenance.today(),
                "version": metadata.version("zonedesign"),
                "policy": Markup(POLICY),  # noqa: S704  (constants)
                "css": Markup(alone.asset("page.css") + _asset("report.css")),  # noqa: S704  (our own files)
                **context,
            }
        )
    )


def _template(name: str) -> str:
    """Return a template of this room, or how every page begins."""
    return alone.asset(name) if name == "head.html" else _asset(name)


def _asset(name: str) -> str:
    return resources.files("zonedesign.report").joinpath("assets", name).read_text(encoding="utf-8")
