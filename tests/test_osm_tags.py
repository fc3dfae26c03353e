"""What OSM tags say to a car."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zonedesign.osm import tags as osm_tags
from zonedesign.profiles import MPH


@pytest.mark.parametrize(
    ("text", "kph"),
    [
        ("30 mph", 30 * MPH),
        ("30mph", 30 * MPH),
        ("50", 50.0),
        ("50 km/h", 50.0),
        ("50 kmh", 50.0),
        ("national", 60 * MPH),
        ("GB:nsl_single", 60 * MPH),
        ("UK:nsl_dual", 70 * MPH),
        ("GB:motorway", 70 * MPH),
        ("GB:urban", 30 * MPH),
        ("GB:zone20", 20 * MPH),
        ("none", float("inf")),
        ("walk", 6.0),
        ("20;30", 20.0),
        ("20 mph; 30 mph", 20 * MPH),
        ("variable", None),
        ("signals", None),
        ("30 knots", None),
        ("0", None),
        ("999", None),
        ("", None),
        ("30 mph;junk", None),
    ],
)
def test_speed_limits_are_understood_or_said_not_to_be(text, kph):
    assert osm_tags.limit_kph(text) == (pytest.approx(kph) if kph is not None else None)


def test_the_national_limit_depends_on_the_road():
    assert osm_tags.limit_kph("national", "motorway") == pytest.approx(70 * MPH)
    assert osm_tags.limit_kph("national", dual=True) == pytest.approx(70 * MPH)
    assert osm_tags.limits({"source:maxspeed": "UK:nsl_single"}, "primary") == (60 * MPH, 60 * MPH, False)


@settings(max_examples=50)
@given(
    st.dictionaries(
        st.sampled_from(["maxspeed", "oneway", "motorcar", "access", "lit", "junction"]), st.text()
    )
)
def test_any_text_in_a_tag_is_survived(tags):
    along, against, _ = osm_tags.limits(tags, "primary")
    assert all(value is None or value > 0 for value in (along, against))
    assert osm_tags.access(tags) in {"open", "private", "closed"}
    assert osm_tags.direction(tags, "primary")[2] in {None, "reversible", "unknown"}
    assert osm_tags.built_up(tags, along) in {True, False, None}


@given(st.integers(3, 93))
def test_mph_are_read_as_mph(mph):
    assert osm_tags.limit_kph(f"{mph} mph") == pytest.approx(mph * 1.609344)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("20", 20), ("00:20", 20), ("1:05", 65), ("PT45M", 45), ("PT1H", 60), ("soon", None)],
)
def test_ferry_durations(text, minutes):
    assert osm_tags.duration_minutes(text) == minutes
