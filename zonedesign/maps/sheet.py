"""The page: one HTML file with everything in it, that Folium's map is written into."""

from __future__ import annotations

from typing import Any

import folium
from branca.element import Figure
from folium.template import Template
from markupsafe import Markup

from zonedesign.maps import alone, leaflet


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
        parts = {
            "map_html": Markup(self.html.render(**kwargs) if shown else ""),  # noqa: S704  (Folium's own markup)
            "map_script": Markup(self.script.render(**kwargs) if shown else ""),  # noqa: S704
            "leaflet_css": Markup(leaflet.styles()),  # noqa: S704  (installed files)
            "leaflet_js": Markup(leaflet.script()),  # noqa: S704
            "page_css": Markup(alone.asset("page.css")),  # noqa: S704  (our own files)
            "page_js": Markup(alone.asset("page.js")),  # noqa: S704
        }
        return alone.rendered("page.html", self.context | parts, tiles=bool(self.context["base_map"]))
