"""Random problems of a 9 x 9 square whose nine squares of nine units are nearly always a plan."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import Point

import zonedesign as zd
from zonedesign.levels import CharacterShare
from zonedesign.rules import Apart, CentreAt, Contiguous, Together
from zonedesign.solve.improve import Draft

SIDE = 9
ROW, COLUMN = np.divmod(np.arange(SIDE * SIDE), SIDE)
SQUARE = ROW // 3 * 3 + COLUMN // 3
IDS = [f"u{k}" for k in range(SIDE * SIDE)]


def problem_and_draft(seed: int) -> tuple[zd.Problem, Draft]:
    """Return a problem with rules, levels and terms drawn by `seed`, and its nine squares as a draft."""
    random = np.random.default_rng(seed)
    frame = _frame(random)
    minutes = np.abs(np.subtract.outer(ROW, ROW)) + np.abs(np.subtract.outer(COLUMN, COLUMN))
    minutes = minutes + 0.5 * random.random(minutes.shape)
    np.fill_diagonal(minutes, 0.0)
    touching = np.argwhere(
        np.triu(
            np.abs(np.subtract.outer(ROW, ROW)) + np.abs(np.subtract.outer(COLUMN, COLUMN)) == 1,
        )
    )
    units = zd.Units.from_frame(
        frame,
        hours="hours",
        customers="customers",
        contiguity=[(IDS[a], IDS[b]) for a, b in touching],
        authority="council" if random.random() < 0.3 else None,
    )
    two = random.random() < 0.6
    maybe = [Together((IDS[0], IDS[1])), Apart(IDS[0], IDS[-1]), CentreAt(IDS[40])]
    problem = zd.Problem(
        units,
        zd.TravelTimes.from_matrix(minutes, IDS),
        levels=_levels(frame, random, two=two),
        rules=[Contiguous(), *(rule for rule in maybe if random.random() < 0.3)],
        objective=zd.Objective(
            travel=float(random.choice([1.0, 0.5, 0.0])),
            change=float(random.choice([0.0, 3.0])),
            borders=float(random.choice([0.0, 2.0])),
            cut=float(random.choice([0.0, 1.5])),
            baseline=frame["today"],
            border=frame["district"],
        ),
    )
    level = np.repeat([0, 1], [5, 4]) if two else np.zeros(9, dtype=np.int64)
    square = np.arange(9)
    middle = (square // 3 * 3 + 1) * SIDE + square % 3 * 3 + 1
    return problem, Draft(SQUARE.astype(np.int64), level.astype(np.int64), middle.astype(np.int64))


def _frame(random: np.random.Generator) -> gpd.GeoDataFrame:
    count = len(IDS)
    some = random.choice([0.0, 0.01, 1.0, 3.7, 8.0], count)
    return gpd.GeoDataFrame(
        {
            "hours": some if random.random() < 0.8 else np.zeros(count),
            "customers": random.integers(0, 4, count),
            "ruc": random.choice(["Urban", "Rural"], count),
            "council": np.where(COLUMN < 3, "A", "B"),
            "district": np.where(ROW < 4, "x", "y"),
            "today": [f"t{k}" for k in random.permutation(9)[ROW // 3 * 3 + (COLUMN + 1) % SIDE // 3]],
        },
        index=pd.Index(IDS),
        geometry=[Point(1000 * x, 1000 * y) for x, y in zip(COLUMN, ROW, strict=True)],
        crs=27700,
    )


def _levels(frame: gpd.GeoDataFrame, random: np.random.Generator, *, two: bool) -> list[zd.Level]:
    hours = np.bincount(SQUARE, weights=frame["hours"])
    people = np.bincount(SQUARE, weights=frame["customers"])
    share = hours[:5].sum() / hours.sum() if two and hours.sum() > 0 and random.random() < 0.5 else None

    def level(name: str, squares: slice, zones: object) -> zd.Level:
        own, many = hours[squares], people[squares]
        maybe = {
            "weekly_hours": (0.6 * own.min(), 1.5 * own.max() + 0.1),
            "customers": (int(0.6 * many.min()), int(1.5 * many.max()) + 1),
            "max_minutes": float(random.choice([4.0, 6.0])),
            "max_minutes_between": 7.0,
            "character": CharacterShare("ruc", ("Urban",), 0.2),
            "contiguous": False,
        }
        chance = np.array([0.6, 0.4, 0.7, 0.3, 0.3, 0.2])
        drawn = dict(pair for pair, on in zip(maybe.items(), random.random(6) < chance, strict=True) if on)
        if share is not None and name == "1":
            drawn["hours_share"] = (max(0.0, share - 0.1), min(1.0, share + 0.1))
        return zd.Level(name, zones=zones, **drawn)

    if not two:
        return [level("1", slice(0, 9), 9 if random.random() < 0.5 else (7, 11))]
    return [
        level("1", slice(0, 5), 5 if random.random() < 0.5 else (3, 6)),
        level("2", slice(5, 9), 4 if random.random() < 0.5 else (2, None)),
    ]
