"""The review map: zones by level, centres, units and roads on a Folium map, in a page that stands alone."""

from __future__ import annotations

from html import escape
from itertools import count
from typing import TYPE_CHECKING, Any

import folium
import numpy as np
import pandas as pd
import shapely
from folium.utilities import JsCode

from zonedesign.disclosure import Policy, page, publish
from zonedesign.errors import DataError, ScenarioError
from zonedesign.maps import background, palette, steady, words
from zonedesign.maps.shapes import Shapes, display, features
from zonedesign.maps.sheet import Page, ReviewMap

if TYPE_CHECKING:
    from zonedesign.disclosure import Publication
    from zonedesign.plan import Plan
    from zonedesign.portfolio import Portfolio
    from zonedesign.problem import Problem

_PANES = {"zones": 400, "roads": 410, "units": 420, "lines": 430, "centres": 440, "labels": 450}
"""Panes and their height, from the ground up; only zones and units answer the pointer."""
_STEADY_PANE = {"steady": 405}
"""One more, with units, where a portfolio is shown: roads stay above it."""

_CENTRE = (
    '<svg width="16" height="16" viewBox="0 0 18 18" aria-hidden="true">'
    '<path d="M9 1.5 16.5 9 9 16.5 1.5 9Z" fill="#fff" stroke="#1c2a33" stroke-width="2"/>'
    '<circle cx="9" cy="9" r="2.2" fill="#1c2a33"/></svg>'
)


def build(
    plan: Plan,
    problem: Problem,
    *,
    roads: Any,
    public: bool,
    base_map: str | None,
    portfolio: Portfolio | None = None,
) -> folium.Map:
    """Return the review map of a plan, in its page; the arguments are those of `review_map`."""
    if base_map not in (None, "osm"):
        raise ScenarioError(f"base_map is '{base_map}'; it is 'osm', or left out so that nothing is fetched")
    if not plan.of_units.ids.equals(problem.units.ids):
        raise DataError("the plan is not on the problem's units; read it with the problem's scenario")
    shapes = display(plan)
    shaded = None if portfolio is None else steady.Steady(plan, portfolio, public=public)
    made = _Drawing(plan, problem, shapes, public=public, shaded=shaded)
    context = made.context(base_map)
    if shapes is not None:
        roads = problem.about.roads if roads is None else roads
        made.draw(roads, base_map)
    Page(context).add_child(made.map)
    _name_in_order(made.map)
    return made.map


def _kept(plan: Plan, problem: Problem, *, public: bool) -> Publication:
    """Return what the page may print: everything, or what `[publish]` and customers' packages leave."""
    about = problem.about
    if not public:
        return publish({"plan": plan}, policy=Policy(below=0, dominance=None), levels=problem.levels)
    policy = Policy.stated(about.publish, plan.of_units.hours)
    packages = None if about.packages is None else about.packages()
    return publish({"plan": plan}, policy=policy, levels=problem.levels, packages=packages)


class _Drawing:
    """One map and the texts around it."""

    def __init__(
        self,
        plan: Plan,
        problem: Problem,
        shapes: Shapes | None,
        *,
        public: bool,
        shaded: steady.Steady | None,
    ) -> None:
        self.plan, self.problem, self.shapes, self.public = plan, problem, shapes, public
        self.shaded = shaded
        self.published = page(_kept(plan, problem, public=public), "plan", plan.zones)
        self.found = words.verdicts(plan, problem, public=public)
        self.colour = palette.colours(self._neighbours(), len(plan.zone_ids))
        order = list(self.published.levels.index)
        self.level = [order.index(name) for name in plan.levels]
        self.order = order
        whole = bool(np.allclose(plan.zones["weekly_hours"], plan.zones["weekly_hours"].round()))
        self.decimals = 0 if whole or public else 1
        self.cutoff = plan.times.max_minutes
        self.rows = words.zone_rows(self.published, self.found, self.decimals, self.cutoff)
        self.map = ReviewMap(
            tiles=None, control_scale=True, zoom_snap=0.1, zoom_delta=0.5, wheel_px_per_zoom_level=90,
            attribution_control=False, min_zoom=5, max_zoom=18,
        )  # fmt: skip

    def context(self, base_map: str | None) -> dict[str, Any]:
        """Return everything that the page's template prints; it escapes all of it."""
        about = self.problem.about
        shown = self.shapes is not None
        return {
            "title": about.name,
            "kind": "public" if self.public else "internal",
            "sketch": about.sketch,
            "shown": shown,
            "base_map": base_map if shown else None,
            "as_points": bool(self.shapes and self.shapes.as_points),
            "status": words.status_sentence(self.plan, self.found),
            "facts": words.objective_facts(self.plan, self.problem, decimals=1 if self.public else 2),
            "units": f"{len(self.plan.of_units):,}",
            "totals": words.total_rows(self.published, self.problem.levels, self.decimals),
            "zones": self.rows,
            "fills": [palette.fill(c, lv) for c, lv in zip(self.colour, self.level, strict=True)],
            "broken": self.found.broken,
            "hidden": self.published.report,
            "notes": words.notes(self.plan, self.problem, public=self.public),
            "sources": about.sources,
            "inputs": {} if self.public else dict(about.inputs),
            "steady": self.shaded,
            "patterns": palette.definitions(zip(self.colour, self.level, strict=True)),
            "data": self._data(),
        }

    def draw(self, roads: Any, base_map: str | None) -> None:
        """Put everything on the Folium map; texts reach it only as numbers into the page's data."""
        if base_map == "osm":
            self.map.options["attributionControl"] = True
            folium.TileLayer("OpenStreetMap", control=False).add_to(self.map)
        for name, height in (_PANES if self.shaded is None else _PANES | _STEADY_PANE).items():
            answers = name in ("zones", "units", *_STEADY_PANE)
            folium.map.CustomPane(name, z_index=height, pointer_events=answers).add_to(self.map)
        for number, level in enumerate(self.order):
            self._draw_level(number, level)
        if self.shaded is not None:
            self._draw_steady(self.shaded)
        self._draw_centres()
        self._draw_roads(roads)
        if not self.public:
            self._draw_units()
            self._draw_bridges()
        self._draw_excluded()
        folium.LayerControl(collapsed=False, sort_layers=False).add_to(self.map)

    def _draw_level(self, number: int, level: str) -> None:
        shapes, which = self._shapes, [k for k, at in enumerate(self.level) if at == number]
        swatch = _swatch(f'<rect width="26" height="16" fill="url(#level-{palette.pattern(number)})"/>')
        title = f"{escape(words.level_name(level))} <small>({palette.pattern_name(number)})</small>"
        group = folium.FeatureGroup(f"{swatch}{title}")
        fills = {str(k): palette.fill(self.colour[k], number) for k in which}
        folium.GeoJson(
            features(shapes.zones[which], which),
            style_function=lambda feature: {
                "fillColor": fills[feature["id"]], "fillOpacity": 1, "color": "#ffffff",
                "weight": 5, "opacity": 1,
            },
            on_each_feature=JsCode("zonedesign.zone"),
            smooth_factor=0.5,
            pane="zones",
            control=False,
        ).add_to(group)  # fmt: skip
        group.add_to(self.map)

    def _draw_steady(self, shaded: steady.Steady) -> None:
        folium.GeoJson(
            features(self._shapes.units),
            name=f"{_swatch(shaded.swatch)}{steady.TITLE}",
            style_function=lambda feature: {
                "color": palette.INK, "weight": 0.4, "opacity": 0.5,
                "fillColor": shaded.shades[int(feature["id"])], "fillOpacity": 1,
            },
            marker=folium.CircleMarker(radius=5) if self._shapes.as_points else None,
            on_each_feature=JsCode("zonedesign.unit"),
            pane="steady",
        ).add_to(self.map)  # fmt: skip

    def _draw_centres(self) -> None:
        shapes, name = self._shapes, f"{_swatch(_CENTRE, boxed=False)}Centres"
        points = shapely.points(shapes.points[self.plan.centres])
        folium.GeoJson(
            features(points),
            name=name,
            marker=folium.Marker(
                icon=folium.DivIcon(_CENTRE, (16, 16), (8, 8), class_name="centre"),
                interactive=False, keyboard=False, pane="centres",
            ),
        ).add_to(self.map)  # fmt: skip

    def _draw_roads(self, roads: Any) -> None:
        lines = background.road_lines(roads, self._shapes)
        if not lines:
            return
        mark = "".join(
            f'<path d="M0,{3 + 5 * k} h26" stroke="{road.colour}" stroke-width="{road.width}"/>'
            for k, road in enumerate(reversed(lines))
        )
        label = "Sketch roads" if roads.sketch else "Roads"
        group = folium.FeatureGroup(f"{_swatch(mark)}{label}")
        for road in lines:
            style = {"color": road.colour, "weight": road.width, "opacity": 0.75}
            folium.GeoJson(
                features(np.array([road.lines], dtype=object)),
                style_function=lambda _, style=style: style,
                pane="roads",
                interactive=False,
                control=False,
            ).add_to(group)
        group.add_to(self.map)

    def _draw_units(self) -> None:
        shapes = self._shapes
        mark = '<path d="M0,5 h26 M9,0 v16 M18,5 v11" stroke="#1c2a33" stroke-width="0.8" fill="none"/>'
        circle = folium.CircleMarker(radius=4) if shapes.as_points else None
        folium.GeoJson(
            features(shapes.units),
            name=f"{_swatch(mark)}Unit {'points' if shapes.as_points else 'outlines'}",
            style_function=lambda _: {
                "color": palette.INK, "weight": 0.8, "opacity": 0.75, "fillColor": "#ffffff",
                "fillOpacity": 0.9 if shapes.as_points else 0.01,
            },
            marker=circle,
            on_each_feature=JsCode("zonedesign.unit"),
            pane="units",
            show=False,
        ).add_to(self.map)  # fmt: skip

    def _draw_bridges(self) -> None:
        graph = self.plan.of_units.contiguity
        if graph is None or not graph.bridges:
            return
        at = self.plan.of_units.ids.get_indexer(pd.Index([unit for pair in graph.bridges for unit in pair]))
        lines = shapely.linestrings(
            self._shapes.points[at].reshape(-1, 2, 2)[(at.reshape(-1, 2) >= 0).all(axis=1)]
        )
        mark = '<path d="M1,8 h24" stroke="#1c2a33" stroke-width="2.5" stroke-dasharray="6 3"/>'
        folium.GeoJson(
            features(lines),
            name=f"{_swatch(mark)}Bridges (pieces joined on purpose)",
            style_function=lambda _: {"color": palette.INK, "weight": 2.5, "dashArray": "6 4"},
            pane="lines",
            interactive=False,
        ).add_to(self.map)

    def _draw_excluded(self) -> None:
        if not len(self._shapes.excluded):
            return
        mark = '<rect width="26" height="16" fill="url(#left-out)"/>'
        folium.GeoJson(
            features(self._shapes.excluded),
            name=f"{_swatch(mark)}Left out on purpose",
            style_function=lambda _: {
                "color": "#5f6b73", "weight": 1, "fillColor": "url(#left-out)", "fillOpacity": 1,
            },
            marker=folium.CircleMarker(radius=4) if self._shapes.as_points else None,
            pane="zones",
            interactive=False,
        ).add_to(self.map)  # fmt: skip

    def _data(self) -> dict[str, Any]:
        """Return what the page's script shows on pointing and choosing, as texts ready to print."""
        shapes, plan = self.shapes, self.plan
        rows = [dict(row) for row in self.rows]
        spots = [] if shapes is None else shapes.labels[:, ::-1].tolist()
        rooms = [] if shapes is None else shapes.room_m.round(0).tolist()
        for k, row in enumerate(rows):
            row["label"] = spots[k] if spots else None
            row["room"] = rooms[k] if rooms else 0
        data: dict[str, Any] = {"zones": rows, "bounds": None if shapes is None else shapes.bounds}
        if shapes is not None and not self.public:
            by_unit, units = plan.units, plan.of_units
            people = (
                [""] * len(units) if units.customers is None else [words.number(c) for c in units.customers]
            )
            names = (
                [""] * len(units) if units.name_column is None else units.frame[units.name_column].astype(str)
            )
            figures = zip(
                units.ids,
                names,
                plan.zone,
                people,
                units.hours,
                by_unit["minutes"],
                by_unit["reach_minutes"],
                strict=True,
            )
            data["units"] = [
                [
                    str(i),
                    str(n),
                    int(z),
                    c,
                    words.number(h, 1),
                    words.minutes(m, self.cutoff),
                    words.minutes(r, self.cutoff),
                    *steady.tip(self.shaded, k),
                ]
                for k, (i, n, z, c, h, m, r) in enumerate(figures)
            ]
        return data

    @property
    def _shapes(self) -> Shapes:
        if self.shapes is None:
            raise DataError("the units have no geometry with a CRS, so there is nothing to draw")
        return self.shapes

    def _neighbours(self) -> set[tuple[int, int]]:
        graph, plan = self.plan.of_units.contiguity, self.plan
        near = set() if graph is None else palette.zone_neighbours(graph.pairs, plan.zone)
        if self.shapes is not None:
            # Zones that touch on the page differ too, whatever the graph says.
            near_by = (self.shapes.bounds[2] - self.shapes.bounds[0]) / 2000
            tree = shapely.STRtree(self.shapes.zones)
            found = tree.query(shapely.buffer(self.shapes.zones, near_by), "intersects").T
            near |= {(int(min(p)), int(max(p))) for p in found if p[0] != p[1]}
        return near


def _swatch(drawing: str, *, boxed: bool = True) -> str:
    """Return a small picture for the layer list; `drawing` is a constant of this room, never data."""
    if not boxed:
        return f'<span class="swatch">{drawing}</span>'
    return f'<span class="swatch"><svg width="26" height="16" aria-hidden="true">{drawing}</svg></span>'


def _name_in_order(root: Any) -> None:
    """Give Folium's elements numbers for names: its own are random, and a page must be the same again."""
    numbers = count(1)

    def visit(element: Any) -> None:
        element._id = f"{next(numbers):04d}"  # noqa: SLF001  (Folium offers no other way)
        for child in element._children.values():  # noqa: SLF001
            visit(child)

    visit(root)
