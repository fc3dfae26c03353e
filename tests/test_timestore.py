"""Stored travel times: used again only for what they came from, never damaged, never too many."""

from __future__ import annotations

import logging
import os
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from tiny_county import write_tiny

import zonedesign.compiled  # noqa: F401  (settles where machine code is kept, before tests move the cache)
from zonedesign import timestore
from zonedesign.cli import main
from zonedesign.errors import DataError, ScenarioError
from zonedesign.roads import RoadNetwork, sketch_roads
from zonedesign.scenario import read_scenario
from zonedesign.timestore import kept_times
from zonedesign.traveltimes import TravelTimes, travel_times

if TYPE_CHECKING:
    from pathlib import Path

LIMITS = {"max_minutes": 5.0, "max_snap_m": 1000.0, "turn_delays": False}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZONEDESIGN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ZONEDESIGN_NO_CACHE", raising=False)
    monkeypatch.delenv("ZONEDESIGN_CACHE_MB", raising=False)
    return tmp_path / "cache" / "times"


def places(ids: Any = ("a", "b", "c")) -> gpd.GeoSeries:
    """Three points on a line, the last 200 m beside the road."""
    return gpd.GeoSeries.from_xy(
        [450_000, 451_000, 453_000], [110_000, 110_000, 110_200], index=pd.Index(ids, name="unit"), crs=27700
    )


@pytest.fixture(scope="module")
def roads() -> RoadNetwork:
    return sketch_roads(gpd.GeoSeries.from_xy([450_000, 451_000, 452_000, 453_000], [110_000] * 4, crs=27700))


class Counted:
    """Works out travel times, and counts how often it was asked."""

    def __init__(self, roads: RoadNetwork, points: gpd.GeoSeries, **limits: Any) -> None:
        self.roads, self.points, self.limits, self.asked = roads, points, {**LIMITS, **limits}, 0

    def __call__(self) -> TravelTimes:
        self.asked += 1
        return travel_times(self.roads, self.points, **self.limits)

    def kept(self) -> TravelTimes:
        return kept_times(self.roads, self.points, self.limits, self)


def the_same(a: TravelTimes, b: TravelTimes) -> bool:
    return (
        all(
            getattr(a, name).tobytes() == getattr(b, name).tobytes()
            for name in ("indptr", "indices", "minutes")
        )
        and a.origins.equals(b.origins)
        and a.max_minutes == b.max_minutes
        and list(a.provenance.items()) == list(b.provenance.items())
        and a.snapped_m is not None
        and b.snapped_m is not None
        and a.snapped_m.equals(b.snapped_m)
    )


def test_times_are_worked_out_once_and_are_the_same_the_second_time(roads, folder):
    first, second = Counted(roads, places()), Counted(roads, places())
    assert the_same(first.kept(), second.kept())
    assert (first.asked, second.asked) == (1, 0)
    assert [path.suffix for path in folder.iterdir()] == [".npz"]
    assert len(next(folder.iterdir()).stem) == 64


def test_stored_times_still_know_their_routes(roads):
    compute = Counted(roads, places())
    fresh, kept = compute.kept(), compute.kept()
    assert compute.asked == 1
    assert kept.route("a", "b").minutes == fresh.route("a", "b").minutes == kept.between("a", "b")


def test_ids_are_the_callers_and_keep_their_type(roads):
    points = places((3, 1, 2))
    compute = Counted(roads, points)
    compute.kept()
    kept = compute.kept()
    assert kept.origins is points.index
    assert kept.origins.dtype == np.int64


@pytest.mark.parametrize(
    "other",
    [
        lambda roads: Counted(replace(roads, minutes=roads.minutes * 1.1), places()),
        lambda roads: Counted(replace(roads, junction_minutes=roads.junction_minutes + 0.01), places()),
        lambda roads: Counted(replace(roads, length_m=roads.length_m + 1.0), places()),
        lambda roads: Counted(replace(roads, x=roads.x + 1e-9 + 1.0), places()),
        lambda roads: Counted(replace(roads, cut=~roads.cut), places()),
        lambda roads: Counted(replace(roads, profile="am-peak"), places()),
        lambda roads: Counted(roads, places(("a", "b", "d"))),
        lambda roads: Counted(roads, places().translate(0.5)),
        lambda roads: Counted(roads, places(), max_minutes=4.0),
        lambda roads: Counted(roads, places(), max_minutes=None),
        lambda roads: Counted(roads, places(), max_snap_m=100.0),
        lambda roads: Counted(roads, places(), turn_delays=True),
    ],
)
def test_whatever_they_depend_on_makes_other_times(roads, other):
    Counted(roads, places()).kept()
    again = other(roads)
    found = again.kept()
    assert again.asked == 1
    anew = travel_times(deepcopy(again.roads), again.points, **again.limits)
    np.testing.assert_array_equal(found.to_array(), anew.to_array())


def test_another_version_of_the_program_works_them_out_anew(roads, monkeypatch):
    Counted(roads, places()).kept()
    monkeypatch.setattr(timestore, "_program", lambda: "another")
    again = Counted(roads, places())
    again.kept()
    assert again.asked == 1


def test_a_file_moved_elsewhere_changes_no_times_but_says_where_it_is(roads):
    Counted(roads, places()).kept()
    again = Counted(replace(roads, source="moved.osm.pbf", sha256="0" * 64), places())
    kept = again.kept()
    assert again.asked == 0
    assert kept.provenance["source"] == "moved.osm.pbf"


@pytest.mark.parametrize("keep", [0, 1, 100, -10, -1])
def test_a_truncated_file_is_ignored_said_and_written_again(roads, folder, keep, caplog):
    fresh = Counted(roads, places()).kept()
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:keep])
    again = Counted(roads, places())
    with caplog.at_level(logging.INFO):
        assert the_same(again.kept(), fresh)
    assert again.asked == 1
    assert "are not used" in caplog.text
    assert path.read_bytes() == whole


def test_no_damaged_byte_is_ever_believed(roads, folder):
    fresh = Counted(roads, places()).kept()
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    for at in range(0, len(whole), 211):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        assert the_same(Counted(roads, places()).kept(), fresh)


def test_a_file_of_other_times_under_this_name_is_not_used(roads, folder):
    fresh = Counted(roads, places()).kept()
    (mine,) = folder.iterdir()
    Counted(roads, places(), max_minutes=4.0).kept()
    (other,) = [path for path in folder.iterdir() if path != mine]
    other.replace(mine)
    assert the_same(Counted(roads, places()).kept(), fresh)


def test_what_is_not_arrays_of_numbers_is_never_unpickled(roads, folder):
    fresh = Counted(roads, places()).kept()
    (path,) = folder.iterdir()
    with path.open("wb") as file:
        np.savez(file, key=np.array([{"an": "object"}], dtype=object))
    assert the_same(Counted(roads, places()).kept(), fresh)
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    assert the_same(Counted(roads, places()).kept(), fresh)


def test_no_cache_neither_reads_nor_writes(roads, folder, monkeypatch):
    monkeypatch.setenv("ZONEDESIGN_NO_CACHE", "1")
    compute = Counted(roads, places())
    compute.kept()
    compute.kept()
    assert compute.asked == 2
    assert not folder.exists()


def test_a_folder_that_cannot_be_made_is_done_without(roads, tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ZONEDESIGN_CACHE", str(tmp_path / "file"))
    with caplog.at_level(logging.INFO):
        Counted(roads, places()).kept()
    assert "travel times are not stored" in caplog.text


def test_the_least_recently_used_make_room(roads, folder, monkeypatch):
    several = [Counted(roads, places(), max_minutes=minutes) for minutes in (3.0, 4.0, 5.0)]
    several[0].kept()
    (first,) = folder.iterdir()
    several[1].kept()
    (second,) = [path for path in folder.iterdir() if path != first]
    os.utime(first, (1000, 1000))
    os.utime(second, (2000, 2000))
    several[0].kept()  # used again, so the second is now the one that waited longest
    monkeypatch.setenv("ZONEDESIGN_CACHE_MB", str(3 * first.stat().st_size / 1e6))
    several[2].kept()
    left = list(folder.iterdir())
    assert len(left) == 2
    assert first in left
    assert second not in left


def test_times_larger_than_the_limit_are_not_stored(roads, folder, monkeypatch):
    for limit in ("0.001", "0"):
        monkeypatch.setenv("ZONEDESIGN_CACHE_MB", limit)
        Counted(roads, places()).kept()
    assert not folder.exists() or list(folder.iterdir()) == []


@pytest.mark.parametrize("wrong", ["much", "-1", "nan", "inf"])
def test_a_limit_that_is_no_size_is_refused(roads, monkeypatch, wrong):
    monkeypatch.setenv("ZONEDESIGN_CACHE_MB", wrong)
    with pytest.raises(ScenarioError, match=r"ZONEDESIGN_CACHE_MB is '.*'; set it to megabytes, 0 or more"):
        Counted(roads, places()).kept()


def test_what_a_killed_run_left_a_day_ago_is_cleared_away(roads, folder):
    folder.mkdir(parents=True)
    old, new = (folder / f".{name}.npz.zonedesign-part-1-0" for name in ("old", "new"))
    old.write_bytes(b"")
    new.write_bytes(b"")
    os.utime(old, (1000, 1000))
    Counted(roads, places()).kept()
    assert not old.exists()
    assert new.exists()


def test_points_that_cannot_be_are_refused_in_the_words_of_travel_times(roads):
    with pytest.raises(DataError, match="the points have no CRS"):
        Counted(roads, places().set_crs(None, allow_override=True)).kept()


# Scenarios.


def test_a_scenario_s_times_are_kept_and_its_findings_are_the_same(tmp_path, folder, capsys):
    scenario = str(write_tiny(tmp_path))
    said = []
    for options in ([], [], ["--no-cache"]):
        assert main(["check", scenario, *options, "--json"]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] == said[2]
    assert len(list(folder.iterdir())) == 1


def test_plans_are_the_same_bytes_with_and_without_kept_times(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    scenario = str(write_tiny(tmp_path))
    outs = [tmp_path / name for name in ("first", "kept", "without")]
    for out, options in zip(outs, ([], [], ["--no-cache"]), strict=True):
        assert main(["solve", scenario, "-o", str(out), "--work", "20", "-q", *options]) == 0
    for name in ("plan.csv", "zones.csv"):
        assert len({(out / name).read_bytes() for out in outs}) == 1
    seconds = [
        b"\n".join(
            line for line in (out / "certificate.json").read_bytes().split(b"\n") if b"seconds" not in line
        )
        for out in outs
    ]
    assert seconds[0] == seconds[1] == seconds[2]


def test_a_problem_of_kept_times_has_what_a_fresh_one_has(tmp_path):
    scenario = read_scenario(write_tiny(tmp_path))
    fresh, kept = scenario.problem(), scenario.problem()
    assert the_same(fresh.times, kept.times)
    assert fresh.about.inputs == kept.about.inputs
    assert fresh.about.notes == kept.about.notes
