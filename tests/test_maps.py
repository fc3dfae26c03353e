"""The review map is one page that stands alone, says what it is, and shows text as text."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace

import folium
import numpy as np
import pandas as pd
import pytest
import toy
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

import zonedesign as zd
from zonedesign.certificate import Certificate, Status, StoppedBy
from zonedesign.maps import background, leaflet, page, palette, review_map, shapes, words

HOSTILE = "</script><script>alert(1)</script>{{ 7*7 }}\"'`${1}\u2028&<img src=x onerror=alert(2)>"
LOADS = re.compile(
    r"<(?:script|img|iframe|object|embed)[^>]+src=|<link[^>]+stylesheet|@import|\burl\((?!#)", re.IGNORECASE
)


@pytest.fixture(scope="module")
def toy_page() -> str:
    return page(toy.plan(), toy.problem())


def text_of(source: str) -> str:
    """What a reader sees of the page's body: tags and scripts gone."""
    body = source[source.index("<body") :]
    body = re.sub(r"<script.*?</script>|<svg.*?</svg>", "", body, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body)))


def data_of(source: str) -> dict:
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', source, re.DOTALL)[1]
    )


def with_about(**about: object) -> zd.Problem:
    return toy.problem(about=zd.About(**about))


def test_the_page_loads_nothing_from_anywhere(toy_page: str) -> None:
    assert LOADS.search(toy_page) is None
    assert "default-src 'none'" in toy_page
    assert "cdn" not in toy_page.lower()
    assert "sourceMappingURL" not in toy_page


def test_the_page_is_in_british_english_and_says_its_kind_to_people_and_machines(toy_page: str) -> None:
    assert '<html lang="en-GB">' in toy_page
    assert '<meta name="zonedesign:kind" content="internal">' in toy_page
    assert "Internal. Exact figures: not for publication." in text_of(toy_page)


def test_a_public_page_says_that_it_is_public() -> None:
    made = page(toy.plan(), toy.problem(), public=True)
    assert '<meta name="zonedesign:kind" content="public">' in made
    assert "Public. Figures of zones only" in text_of(made)


def test_the_same_plan_gives_the_same_page_byte_for_byte(toy_page: str) -> None:
    assert page(toy.plan(), toy.problem()) == toy_page


def test_the_page_is_dated_by_source_date_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1565136000")
    assert "7 August 2019" in text_of(page(toy.plan(), toy.problem()))


def test_the_review_map_is_a_folium_map_that_shows_and_saves_as_the_page(toy_page: str, tmp_path) -> None:
    made = review_map(toy.plan(), toy.problem())
    assert isinstance(made, folium.Map)
    assert html.unescape(re.search(r'srcdoc="(.*?)"', made._repr_html_(), re.DOTALL)[1]) == toy_page
    made.save(str(tmp_path / "map.html"))
    assert (tmp_path / "map.html").read_text(encoding="utf-8") == toy_page


def test_the_tables_hold_every_zone_and_the_totals(toy_page: str) -> None:
    said = text_of(toy_page)
    assert "east Burton" in said
    assert "west Ashby" in said
    assert "All levels 2 12 120 100.0 %" in said


def test_a_plan_without_certificate_is_checked_and_said_to_be_unproved(toy_page: str) -> None:
    assert "checks of the rules are met. No certificate came with the plan" in text_of(toy_page)


def test_what_is_proved_is_said_in_plain_words() -> None:
    problem, plan = toy.problem(), toy.plan()
    value = problem.value(problem.terms(plan))
    stopped = Certificate(Status.FEASIBLE, value, bound=value * 0.95, stopped_by=StoppedBy.TIME)
    said = text_of(page(plan.with_certificate(stopped), problem))
    assert "Feasible: no plan can be more than 5.0 % better (the search stopped at its time limit)." in said
    best = Certificate(Status.OPTIMAL, value, bound=value)
    assert "no plan that meets the rules has a better objective" in text_of(
        page(plan.with_certificate(best), problem)
    )


def test_a_broken_rule_is_named_with_its_zone_value_and_limit() -> None:
    problem = toy.problem(level={"weekly_hours": (70, 80)})
    made = page(toy.plan(problem), problem)
    assert "Zone east: Volume (weekly hours) is 60; allowed is 70 to 80" in text_of(made)
    assert "is 60" not in text_of(page(toy.plan(problem), problem, public=True))


def test_sketch_roads_sources_and_notes_are_printed() -> None:
    about = {"sketch": True, "sources": (("Units", "Crown copyright"),), "notes": ("Two units were moved.",)}
    said = text_of(page(toy.plan(), with_about(name="Toyshire", **about)))
    for words_there in ("Toyshire", "sketch roads", "Units : Crown copyright", "Two units were moved."):
        assert words_there in said


def test_units_left_out_and_bridges_are_named_inside_and_only_counted_outside() -> None:
    area = toy.units()
    graph = replace(area.contiguity, bridges=(("A3", "B1"),))
    left = toy.frame().set_index(pd.Index([f"X{k}" for k in range(12)])).iloc[:1]
    area = replace(area, contiguity=graph, excluded=left)
    problem = toy.problem(units=area)
    inside = text_of(page(toy.plan(problem), problem))
    assert "1 unit left out on purpose: X0." in inside
    assert "1 bridge joins pieces of the map that do not touch: A3 to B1." in inside
    outside = page(toy.plan(problem), problem, public=True)
    assert "1 unit left out on purpose." in text_of(outside)
    assert "X0" not in outside


def test_a_public_page_holds_no_unit_and_hides_what_is_small() -> None:
    area = replace(
        toy.units(), customers=pd.Series([1, 1, 1] + [0] * 9, index=pd.Index(toy.IDS), dtype=float)
    )
    problem = toy.problem(units=area, level={"customers": (0, 9)})
    made = page(toy.plan(problem), problem, public=True)
    assert "units" not in data_of(made)
    assert not [unit for unit in toy.IDS if re.search(rf"\b{unit}\b", text_of(made))]
    assert data_of(made)["zones"][1]["customers"] == "[c]"
    assert data_of(made)["zones"][1]["mean"] == "[c]"
    assert "[c] is confidential." in text_of(made)


def test_the_threshold_is_the_scenario_s() -> None:
    problem = toy.problem(about=zd.About(publish={"suppress_below": 7}))
    assert "[c]" in text_of(page(toy.plan(problem), problem, public=True))
    problem = toy.problem(about=zd.About(publish={"suppress_below": 6}))
    assert "[c]" not in text_of(page(toy.plan(problem), problem, public=True))


def test_text_from_data_is_never_markup() -> None:
    frame = toy.frame().assign(place=HOSTILE)
    area = zd.Units.from_frame(
        frame, hours="hours", customers="customers", contiguity=toy.neighbours(), name="place"
    )
    about = zd.About(name=HOSTILE, notes=(HOSTILE,), sources=((HOSTILE, HOSTILE),), inputs={HOSTILE: HOSTILE})
    level = zd.Level(HOSTILE, weekly_hours=(50, 70))
    problem = toy.problem(units=area, about=about, levels=[level])
    labels = toy.labels().map(lambda side: side + HOSTILE)
    made = page(zd.Plan.from_labels(area, problem.times, labels, levels=[level]), problem)
    assert "alert(1)</script>" not in made
    assert "<img src=x" not in made
    assert "7*7" in text_of(made)
    assert "\u2028" not in "".join(re.findall(r"<script.*?</script>", made, re.DOTALL))
    assert data_of(made)["zones"][0]["name"].startswith(HOSTILE)


def test_units_without_geometry_give_a_page_of_tables() -> None:
    frame = pd.DataFrame(toy.frame().drop(columns="geometry"))
    area = zd.Units.from_frame(frame, hours="hours", customers="customers", contiguity=toy.neighbours())
    problem = toy.problem(units=area)
    made = page(toy.plan(problem), problem)
    assert "There is no map: the units have no geometry" in text_of(made)
    assert "Leaflet 1" not in made


def test_units_that_are_points_are_drawn_as_circles_in_zones_around_them() -> None:
    frame = toy.frame()
    frame = frame.set_geometry(frame.geometry.centroid)
    area = zd.Units.from_frame(frame, hours="hours", customers="customers", contiguity=toy.neighbours())
    problem = toy.problem(units=area)
    drawn = shapes.display(toy.plan(problem))
    assert drawn.as_points
    assert drawn.zones[0].intersection(drawn.zones[1]).area == pytest.approx(0, abs=1e-9)
    assert "L.CircleMarker" in page(toy.plan(problem), problem).replace("L.circleMarker", "L.CircleMarker")


def test_zones_have_neither_cracks_nor_holes_where_their_units_do_not_quite_meet() -> None:
    frame = toy.frame()
    frame.geometry = [shape.buffer(-0.2) for shape in frame.geometry]
    area = zd.Units.from_frame(frame, hours="hours", customers="customers", contiguity=toy.neighbours())
    problem = toy.problem(units=area)
    assert [zone.geom_type for zone in shapes.display(toy.plan(problem)).zones] == ["Polygon", "Polygon"]


def test_a_zone_keeps_the_hole_that_another_zone_lies_in() -> None:
    frame = toy.frame()
    x, y = toy.X, toy.Y
    ring = box(x, y, x + 9000, y + 9000).difference(box(x + 3000, y + 3000, x + 6000, y + 6000))
    frame = frame.iloc[:2].set_geometry([ring, box(x + 3000, y + 3000, x + 6000, y + 6000)], crs=27700)
    area = zd.Units.from_frame(frame, hours="hours")
    level = zd.Level("1")
    plan = zd.Plan.from_labels(area, zd.TravelTimes.from_matrix(np.zeros((2, 2)), frame.index),
                               pd.Series(["a", "b"], index=frame.index), levels=[level])  # fmt: skip
    assert len(shapes.display(plan).zones[0].interiors) == 1


def test_roads_are_drawn_by_class_and_every_stretch_once() -> None:
    nodes = pd.DataFrame({"x": [toy.X, toy.X + 2000, toy.X + 4000], "y": [toy.Y] * 3}, index=[1, 2, 3])
    edges = pd.DataFrame({"from": [1, 2, 2, 3], "to": [2, 1, 3, 2], "minutes": 2.0,
                          "road_class": ["primary", "primary", "residential", "residential"]})  # fmt: skip
    roads = zd.RoadNetwork.from_frames(nodes, edges, crs=27700)
    lines = background.road_lines(roads, shapes.display(toy.plan()))
    assert [(line.name, len(line.lines.geoms)) for line in lines] == [("other", 1), ("main", 1)]
    assert "Roads" in page(toy.plan(), toy.problem(), roads=roads)


def test_a_base_map_is_fetched_only_when_asked_for() -> None:
    made = page(toy.plan(), toy.problem(), base_map="osm")
    assert "img-src data: https://tile.openstreetmap.org" in made
    assert "OpenStreetMap contributors" in text_of(made)


def test_another_base_map_is_refused_by_name() -> None:
    with pytest.raises(zd.ScenarioError, match="base_map is 'bing'; it is 'osm'"):
        page(toy.plan(), toy.problem(), base_map="bing")


def test_a_plan_on_other_units_is_refused() -> None:
    other = toy.problem(
        units=zd.Units.from_frame(toy.frame().iloc[:6], hours="hours"), rules=[], levels=[zd.Level("1")]
    )
    with pytest.raises(zd.DataError, match="not on the problem's units"):
        page(toy.plan(), other)


def test_leaflet_stands_in_the_page_with_its_licence() -> None:
    assert "Copyright (c) 2010-2022, Vladimir Agafonkin" in leaflet.script()
    assert "url(" not in leaflet.styles()


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 30).flatmap(lambda n: st.tuples(
    st.just(n), st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda p: p[0] != p[1]), max_size=3 * n)
)))  # fmt: skip
def test_neighbours_differ_in_colour_wherever_eight_colours_allow(
    graph: tuple[int, set[tuple[int, int]]],
) -> None:
    number, pairs = graph
    chosen = palette.colours(pairs, number)
    degree = np.bincount(
        np.array(sorted({tuple(sorted(p)) for p in pairs}), dtype=int).ravel(), minlength=number
    )
    if degree.max(initial=0) < len(palette.COLOURS):
        assert all(chosen[a] != chosen[b] for a, b in pairs)


def test_levels_differ_in_pattern_so_that_no_level_is_told_by_colour() -> None:
    assert [palette.pattern_name(k) for k in range(3)] == ["plain", "diagonal lines", "dots"]


@pytest.mark.parametrize(
    ("value", "decimals", "said"),
    [(1907.0, 0, "1,907"), (7.25, 1, "7.2"), (float("inf"), 1, "out of reach"), (None, 0, "\N{EN DASH}")],
)
def test_figures_are_printed_plainly(value: float | None, decimals: int, said: str) -> None:
    assert words.number(value, decimals) == said


def test_a_gap_is_never_rounded_down_to_nothing() -> None:
    assert words.percent(0.00002) == "0.01 %"
    assert words.percent(0.0) == "0.00 %"
    assert words.percent(0.0324) == "3.2 %"


def test_a_unit_of_no_area_does_not_break_the_page() -> None:
    frame = toy.frame()
    frame.loc["A1", "geometry"] = Point(toy.X + 10, toy.Y + 10)
    area = zd.Units.from_frame(frame, hours="hours", customers="customers", contiguity=toy.neighbours())
    problem = toy.problem(units=area)
    assert "east" in text_of(page(toy.plan(problem), problem))


def test_minutes_beyond_the_cutoff_are_said_to_be_over_it() -> None:
    assert words.minutes(float("inf"), 15.0) == "over 15"
    assert words.minutes(float("inf")) == "out of reach"


def test_a_zone_that_does_not_reach_its_units_has_no_mean_but_a_page() -> None:
    minutes = toy.minutes()
    minutes[0, :] = minutes[:, 0] = np.inf
    problem = toy.problem(times=zd.TravelTimes.from_matrix(minutes, toy.IDS))
    made = page(toy.plan(problem), problem)
    assert data_of(made)["zones"][1]["mean"] == "\N{EN DASH}"
    assert "Zone west: Reach (reach minutes) is out of reach; allowed is up to 8" in text_of(made)
