"""The editing page's data: minutes packed and unpacked to the last place, limits never crossed, nothing of customers."""

from __future__ import annotations

import base64
import json
import re
import zlib

import numpy as np
import pandas as pd
import pytest
import shapely
import toy
from hypothesis import given, settings
from hypothesis import strategies as st

import zonedesign as zd
from zonedesign.cli import main
from zonedesign.errors import DataError
from zonedesign.levels import SLACK
from zonedesign.maps import edit_page, packing
from zonedesign.maps.editdata import edit_data


def inflated(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text), wbits=-15)


def unpacked(packed: dict[str, object]) -> np.ndarray:
    """Minutes as a dense table, read back number by number from what a page holds."""
    n, pairs, scale = packed["units"], packed["pairs"], packed["scale"]
    bits = np.unpackbits(np.frombuffer(inflated(packed["present"]), dtype=np.uint8).reshape(n, -1), axis=1)
    planes = np.frombuffer(inflated(packed["minutes"]), dtype=np.uint8).reshape(packed["planes"], pairs)
    table = np.full((n, n), np.inf)
    if scale == 0:
        table[bits[:, :n] == 1] = np.ascontiguousarray(planes.T).view("<f8").ravel()
        return table
    zigzag = sum(planes[k].astype(np.int64) << (8 * k) for k in range(len(planes)))
    added = iter(((zigzag >> 1) ^ -(zigzag & 1)).tolist())
    above = [0] * n
    for i in range(n):
        longer = 0
        for j in range(n):
            if bits[i, j]:
                longer += next(added)
                above[j] += longer
                table[i, j] = above[j] / scale
            else:
                above[j] = min(max(above[j] + longer, 0), packed["most"])
    return table


@st.composite
def tables(draw: st.DrawFn) -> np.ndarray:
    n = draw(st.integers(1, 9))
    dice = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    minutes = dice.random((n, n)) * draw(st.sampled_from([1e-5, 1.0, 45.0, 5e3, 3e8, 1e12]))
    minutes[dice.random((n, n)) < draw(st.sampled_from([0.0, 0.3, 0.95]))] = np.inf
    return minutes


@given(tables())
@settings(max_examples=60, deadline=None)
def test_few_minutes_come_back_to_the_last_bit(minutes):
    times = zd.TravelTimes.from_matrix(minutes, range(len(minutes)))
    assert (unpacked(packing.packed_times(times, times.origins, [15.0])) == times.to_array()).all()


@given(tables(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_minutes_follow_the_order_of_the_units_whatever_that_of_the_table(minutes, dice):
    order = dice.sample(range(len(minutes)), len(minutes))
    times = zd.TravelTimes.from_matrix(minutes, range(len(minutes)))
    back = unpacked(packing.packed_times(times, pd.Index(order), [15.0]))
    assert (back == times.to_array()[np.ix_(order, order)]).all()


def test_shapes_are_parts_rings_and_steps_in_whole_numbers():
    square = shapely.box(1, 1, 1.3, 1.2)
    ring = shapely.Polygon(square.exterior.coords, [[(1.1, 1.1), (1.2, 1.1), (1.2, 1.15), (1.1, 1.1)]])
    shapes = np.array([shapely.MultiPolygon([ring, shapely.box(2, 1, 2.1, 1.1)]), square], dtype=object)
    around, hole = [30, 0, 0, 20, -30, 0, 0, -20, 30, 0], [10, 10, 10, 0, 0, 5, -10, -5]
    assert packing.packed_shapes(shapes, (1.0, 1.0), 2) == [
        [[around, hole], [[110, 0, 0, 10, -10, 0, 0, -10, 10, 0]]],
        [[around]],
    ]


def test_lines_and_nothing_are_shapes_too():
    roads = np.array([shapely.MultiLineString([[(1, 1), (1.5, 1)], [(2, 2), (2, 1)]])], dtype=object)
    assert packing.packed_shapes(roads, (1.0, 1.0), 1) == [[[[0, 0, 5, 0]], [[10, 10, 0, -10]]]]
    assert packing.packed_shapes(np.array([], dtype=object), (0.0, 0.0), 1) == []
    assert packing.packed_shapes(np.array([shapely.MultiLineString()], dtype=object), (0.0, 0.0), 1) == [[]]


@given(tables(), st.lists(st.floats(0, 60), max_size=3))
@settings(max_examples=120, deadline=None)
def test_many_minutes_come_back_within_their_grid(minutes, limits):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "EXACT_PAIRS", -1)
        times = zd.TravelTimes.from_matrix(minutes, range(len(minutes)))
        packed = packing.packed_times(times, times.origins, limits)
    there, back = times.to_array(), unpacked(packed)
    assert (np.isfinite(there) == np.isfinite(back)).all()
    step = 1 / packed["scale"] if packed["scale"] else 0.0
    finite = np.isfinite(there)
    assert (np.abs(there[finite] - back[finite]) <= step * 1.0001).all()


@given(
    st.lists(st.floats(0, 60), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), st.floats(-3e-6, 3e-6)), min_size=1, max_size=40),
)
@settings(max_examples=300, deadline=None)
def test_no_minute_crosses_a_limit(limits, near):
    """Minutes a hair on either side of every limit are on the same side after packing."""
    ends = np.array([limits[k % len(limits)] + SLACK + by for k, by in near])
    minutes = np.concatenate([ends, np.nextafter(ends, 0), np.nextafter(ends, 99)]).clip(0)
    found = packing.on_grid(minutes, limits)
    if found is None:  # limits that no grid tells apart: then minutes are kept as they are
        assert min(np.diff(np.unique(limits)), default=1.0) < 1e-5
        return
    scale, numbers = found
    for limit in limits:
        assert ((numbers / scale <= limit + SLACK) == (minutes <= limit + SLACK)).all()
    assert (np.abs(numbers / scale - minutes) <= 1.0001 / scale).all()


def test_a_grid_is_as_fine_as_numbers_of_four_bytes_allow():
    assert packing.on_grid(np.array([45.0]), [15.0])[0] == 1_000_000
    assert packing.on_grid(np.array([45_000.0]), [15.0])[0] == 10_000
    assert packing.on_grid(np.array([1e12]), [15.0]) is None


def test_two_limits_closer_than_the_grid_leave_minutes_as_they_are():
    assert packing.on_grid(np.array([15.00000022]), [15.0000002 - SLACK, 15.0000003 - SLACK]) is None


def the_data(problem=None, plan=None) -> dict:
    problem = problem or toy.problem(about=zd.About(name="Toyshire"))
    html = edit_page(plan or toy.plan(problem), problem)
    return json.loads(re.search(r'id="data">(.*?)</script>', html, flags=re.DOTALL)[1])


def test_the_page_says_that_it_is_internal_and_allows_nothing_to_be_fetched():
    html = edit_page(toy.plan(), toy.problem())
    assert '<meta name="zonedesign:kind" content="internal">' in html
    assert "<strong>Internal.</strong>" in html
    assert "default-src 'none'" in html
    assert "connect-src" not in html


def test_hours_stand_in_the_data_to_the_last_bit():
    frame = toy.frame().assign(hours=[0.1 + 0.2 * k for k in range(12)])
    units = zd.Units.from_frame(frame, hours="hours", contiguity=toy.neighbours())
    problem = toy.problem(units=units, level={"customers": None})
    assert the_data(problem, toy.plan(problem))["hours"] == frame["hours"].tolist()


def test_units_can_be_chosen_by_every_text_column_that_some_of_them_share():
    columns = {column["name"]: column["values"] for column in the_data()["columns"]}
    assert columns == {
        "ruc": ["Rural", "Urban"],
        "council": ["A", "B"],
        "place": ["Ashby", "Burton"],
    }


def test_units_can_be_chosen_by_a_border_that_is_no_column():
    border = pd.Series(["north"] * 6 + ["south"] * 6, index=toy.IDS)
    problem = toy.problem(zd.NestIn(border, "PCN"), objective=zd.Objective(border=border))
    names = [column["name"] for column in the_data(problem, toy.plan(problem))["columns"]]
    assert names == ["ruc", "council", "place", "PCN", "border to follow"]


def test_a_plan_that_lacks_units_leaves_them_in_no_zone():
    problem = toy.problem()
    part = zd.Units.from_frame(toy.frame().iloc[:10], hours="hours", customers="customers")
    plan = zd.Plan.from_labels(part, problem.times, toy.labels()[:10], levels=problem.levels)
    assert edit_data(plan, problem, None)["start"]["zone"][-2:] == [-1, -1]


def test_a_plan_on_other_units_is_refused():
    other = zd.Units.from_frame(toy.frame().rename(index={"A1": "Z1"}), hours="hours")
    times = zd.TravelTimes.from_matrix(toy.minutes(), other.ids)
    plan = zd.Plan.from_labels(other, times, pd.Series("all", index=other.ids), levels=toy.problem().levels)
    with pytest.raises(DataError, match="not on the problem's units"):
        edit_page(plan, toy.problem())


def test_hostile_text_cannot_end_the_page_s_script():
    hostile = "</script><script>alert(1)</script>&<!--"
    units = toy.units(name="place")
    frame = units.frame.assign(place=hostile)
    units = zd.Units.from_frame(
        frame, hours="hours", customers="customers", contiguity=toy.neighbours(), name="place"
    )
    problem = toy.problem(units=units, about=zd.About(name=hostile, notes=(hostile,)))
    html = edit_page(toy.plan(problem), problem, studio={"script": "", "note": hostile})
    assert "<script>alert" not in html
    data = json.loads(re.search(r'id="data">(.*?)</script>', html, flags=re.DOTALL)[1])
    assert data["studio"] == {"note": hostile}


def test_the_studio_s_page_may_ask_its_own_server_and_no_other():
    html = edit_page(toy.plan(), toy.problem(), studio={"script": "const studio = 1;"})
    assert "connect-src 'self'" in html
    assert "const studio = 1;" in html


def test_the_same_plan_gives_the_same_page_byte_for_byte():
    assert edit_page(toy.plan(), toy.problem()) == edit_page(toy.plan(), toy.problem())


def test_no_public_page_can_be_edited(capsys, tmp_path):
    import tiny_county

    scenario, plan = tiny_county.write_tiny(tmp_path), tiny_county.write_plan(tmp_path)
    out = tmp_path / "page.html"
    words = ["map", str(plan), "--scenario", str(scenario), "-o", str(out), "--edit", "--public", "-q"]
    assert main(words) == 2
    assert capsys.readouterr().err == (
        "error: --edit and --public exclude each other: on a page that can be edited a single move would give a "
        "count of customers away; leave one out\n"
    )
    assert not out.exists()


def test_customers_points_are_not_in_the_page_that_the_command_writes(tmp_path):
    import tiny_county

    changes = {'hours_column = "hours"\ncustomers_column = "people"': 'customers = "clients.csv"'}
    scenario = tiny_county.write_tiny(tmp_path, changes=changes)
    rows = [{"id": f"secret-{k}", "weekly_hours": 10.0, "easting": 450_123.456 + 1000 * (k % 4),
             "northing": 110_321.654 + 1000 * (k // 4 % 4)} for k in range(32)]  # fmt: skip
    pd.DataFrame(rows).to_csv(tmp_path / "clients.csv", index=False)
    out = tmp_path / "page.html"
    words = [
        "map",
        str(tiny_county.write_plan(tmp_path)),
        "--scenario",
        str(scenario),
        "-o",
        str(out),
        "--edit",
    ]
    assert main([*words, "-q"]) == 0
    html = out.read_text(encoding="utf-8")
    assert "secret-" not in html
    assert "123.456" not in html
    assert "321.654" not in html
    assert (
        json.loads(re.search(r'id="data">(.*?)</script>', html, flags=re.DOTALL)[1])["hours"] == [20.0] * 16
    )
