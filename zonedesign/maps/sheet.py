"""The page: one HTML file with everything in it, that Folium's map is written into."""

from __future__ import annotations

import json
from functools import cache
from importlib import metadata, resources
from typing import Any

import folium
import jinja2
from branca.element import Figure
from folium.template import Template
from markupsafe import Markup

from zonedesign import provenance
from zonedesign.maps import leaflet

_TILES = "https://tile.openstreetmap.org"


class ReviewMap(folium.Map):
    """A Folium map that links to nothing: the page around it holds Leaflet, and nothing else is used."""

    default_js: list[tuple[str, str]] = []  # noqa: RUF012  (Folium's own attribute)
    default_css: list[tuple[str, str]] = []  # noqa: RUF012

    # Folium's own template forbids zooming on a phone and gives the map the whole window.
    _template = Template("""
        {% macro html(this, kwargs) %}
        <div class="folium-map" id={{ this.get_name()|tojson }}></div>
        {% endmacro %}
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = L.map({{ this.get_name()|tojson }}, {
            center: {{ this.location|tojson }}, crs: L.CRS.{{ this.crs }}, ...{{ this.options|tojavascript }}
        });
        L.control.scale().addTo({{ this.get_name() }});
        zonedesign.open({{ this.get_name() }});
        {% endmacro %}
        """)


class Page(Figure):
    """A page whose texts are escaped by its template; it renders to the same bytes every time."""

    def __init__(self, context: dict[str, Any]) -> None:
        super().__init__(height="820px")
        self.context = context

    def render(self, **kwargs: Any) -> str:
        """Return the page as HTML."""
        # Folium writes into these while rendering, and would write everything again the next time.
        for part in (self.header, self.html, self.script):
            part._children.clear()  # noqa: SLF001  (Folium offers no other way)
        for child in self._children.values():
            child.render(**kwargs)
        shown = self.context["shown"]
        return _template().render(
            self.context,
            data=_json(self.context["data"]),
            map_html=Markup(self.html.render(**kwargs) if shown else ""),  # noqa: S704  (Folium's own markup)
            map_script=Markup(self.script.render(**kwargs) if shown else ""),  # noqa: S704
            date=provenance.today(),
            version=metadata.version("zonedesign"),
            policy=Markup(_policy(self.context["base_map"])),  # noqa: S704  (constants)
            leaflet_css=Markup(leaflet.styles()),  # noqa: S704  (installed files)
            leaflet_js=Markup(leaflet.script()),  # noqa: S704
            page_css=Markup(_asset("page.css")),  # noqa: S704  (our own files)
            page_js=Markup(_asset("page.js")),  # noqa: S704
        )


def _policy(base_map: str | None) -> str:
    """Return the content security policy: the browser itself refuses to fetch anything."""
    pictures = f"data: {_TILES}" if base_map else "data:"
    inline = "script-src 'unsafe-inline'; style-src 'unsafe-inline'"
    return f"default-src 'none'; {inline}; img-src {pictures}; base-uri 'none'; form-action 'none'"


def _json(data: Any) -> Markup:
    """Return data for a script element: nothing in it can end the element or a line."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704  (escaped above)


@cache
def _template() -> jinja2.Template:
    return jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    ).from_string(_asset("page.html"))


def _asset(name: str) -> str:
    return resources.files("zonedesign.maps").joinpath("assets", name).read_text(encoding="utf-8")
