"""Plans at the ends of what there is: one unit, one zone, no hours, one point, no roads, maps in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from every_plan import EveryPlan
from shapely.geometry import Point
from tiny_problems import by_search

import zonedesign as zd
from zonedesign.certificate import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_ROADS = np.where(np.eye(4, dtype=bool), 0.0, np.inf)
TODAY = {"a": "west", "b": "west", "c": "east", "d": "east"}


def world(
    level: dict[str, Any] | None = None,
    *,
    hours: Sequence[float] = (3, 1, 1, 3),
    near: Sequence[tuple[str, str]] | None = (("a", "b"), ("b", "c"), ("c", "d")),
    minutes: np.ndarray | None = None,
    at: Sequence[float] = (0, 1, 2, 3),
    rules: Sequence[Any] = (zd.Contiguous(),),
    **weights: float,
) -> zd.Problem:
    """Up to four units a to d in a row, a mile and a minute from one to the next, at one level."""
    ids = list("abcd")[: len(hours)]
    frame = gpd.GeoDataFrame(
        {"hours": hours, "ruc": "Urban", "side": [TODAY[unit] for unit in ids]},
        index=pd.Index(ids),
        geometry=[Point(1609.344 * x, 0) for x in at[: len(ids)]],
        crs=27700,
    )
    if minutes is None:
        minutes = np.abs(np.subtract.outer(at[: len(ids)], at[: len(ids)])).astype(float)
    pairs = None if near is None else [(a, b) for a, b in near if a in ids and b in ids]
    today = pd.Series({unit: TODAY[unit] for unit in ids})
    return zd.Problem(
        zd.Units.from_frame(frame, hours="hours", contiguity=pairs),
        zd.TravelTimes.from_matrix(minutes, ids),
        levels=[zd.Level("1", **(level or {}))],
        rules=rules,
        objective=zd.Objective(baseline=today, border="side", **weights),
    )


ONE, IDLE, SAME = (5,), (0, 0, 0, 0), (0, 0, 0, 0)
APART = (("a", "b"), ("c", "d"))
WEIGHED = {"travel": 1.0, "change": 3.0, "borders": 2.0, "cut": 1.5}
URBAN = zd.CharacterShare("ruc", "Urban", 1.0)
RURAL = zd.CharacterShare("ruc", "Rural", 1.0)

# The problem, and the least objective and number of zones of a plan, or None where there is no plan.
CASES = {
    "one unit": (world(hours=ONE), (0.0, 1)),
    "one unit, every limit": (
        world(
            {"weekly_hours": (5, 5), "max_minutes": 0, "max_minutes_between": 0, "max_miles": 0, "zones": 1,
             "hours_share": (1, 1), "character": URBAN},
            hours=ONE,
            rules=[zd.Contiguous(), zd.CentreAt("a"), zd.Fixed("a", "west"), zd.Frozen("west"), zd.NestIn("side")],
            **WEIGHED,
        ),
        (0.0, 1),
    ),
    "one unit, too small": (world({"weekly_hours": (6, 9)}, hours=ONE), None),
    "one unit, two zones": (world({"zones": 2}, hours=ONE), None),
    "one unit, not of its class": (world({"character": RURAL}, hours=ONE), None),
    "one unit without hours": (world({"hours_share": (0, 0), "character": RURAL}, hours=(0,)), (0.0, 1)),
    "one unit without hours, which a zone must have": (world({"weekly_hours": (1, 9)}, hours=(0,)), None),
    # From b, a is a minute away, c one and d two: 3 + 1 + 6 of 8 hour-minutes; as much from c.
    "one zone": (world({"zones": 1}), (10 / 8, 1)),
    # East's hours and those of west's that go with them: 4 of 8 are moved, 4 on the minority side; nothing is cut.
    "one zone, every term": (world({"zones": 1}, **WEIGHED), (10 / 8 + 3 * 0.5 + 2 * 0.5, 1)),
    "as many zones as units": (world({"zones": 4}), (0.0, 4)),
    # Two units keep their zone's place, a and d with their 6 hours; all three boundaries are cut.
    "as many zones as units, every term": (world({"zones": 4}, **WEIGHED), (3 * 2 / 8 + 1.5, 4)),
    "more zones than units": (world({"zones": 5}), None),
    "no limit at all": (world(), (0.0, 4)),
    "no hours at all": (world({"zones": 2}, hours=IDLE), (0.0, 2)),
    # With no hours no share of them moves or crosses, and one of three boundaries is cut.
    "no hours at all, every term": (world({"zones": 2}, hours=IDLE, **WEIGHED), (0.5, 2)),
    "no hours at all, shares and class": (
        world({"zones": 3, "hours_share": (0.3, 0.4), "character": RURAL}, hours=IDLE), (0.0, 3)
    ),
    "no hours at all, which zones must have": (world({"weekly_hours": (1, 9)}, hours=IDLE), None),
    "some without hours": (world({"zones": 2, "weekly_hours": (3, 3)}, hours=(3, 0, 0, 3)), (0.0, 2)),
    "one point": (world({"zones": 2, "weekly_hours": (4, 4), "max_minutes": 0, "max_miles": 0}, at=SAME), (0.0, 2)),
    "one point, in reach of nothing else": (world({"zones": 1, "max_miles": 0.5, "max_minutes": 0.5}), None),
    "no roads": (world(minutes=NO_ROADS), (0.0, 4)),
    "no roads, fewer zones than units": (world({"zones": 3}, minutes=NO_ROADS), None),
    "a map in pieces": (world({"zones": 2}, near=APART), (2 / 8, 2)),
    "a map in pieces, fewer zones": (world({"zones": 1}, near=APART), None),
    "a map in pieces that may be joined": (world({"zones": 1, "contiguous": False}, near=APART), (10 / 8, 1)),
    "nothing touches": (world(near=()), (0.0, 4)),
    "nothing touches, fewer zones than units": (world({"zones": 3}, near=()), None),
    "nothing touches and nothing need": (world({"zones": 2}, near=(), rules=()), (2 / 8, 2)),
    "no graph": (world({"zones": 2}, near=None, rules=()), (2 / 8, 2)),
}  # fmt: skip


@pytest.mark.parametrize("way", ["search", "whole"])
@pytest.mark.parametrize("name", CASES)
def test_the_best_plan_is_found_or_none_where_there_is_none(name, way, monkeypatch):
    problem, expected = CASES[name]
    if way == "search":
        by_search(monkeypatch, whole=True)
    if expected is None:
        with pytest.raises(zd.InfeasibleError):
            zd.solve(problem, time_limit=60, threads=1)
        return
    plan = zd.solve(problem, time_limit=60, threads=1)
    assert zd.verify(plan, problem)["passed"].all()
    assert plan.certificate.status is Status.OPTIMAL
    assert (plan.certificate.objective, len(plan.zone_ids)) == (pytest.approx(expected[0]), expected[1])


@pytest.mark.parametrize("name", CASES)
def test_trying_every_plan_agrees(name):
    problem, expected = CASES[name]
    assert EveryPlan(problem).best == (None if expected is None else pytest.approx(expected[0]))
