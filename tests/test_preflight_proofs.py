"""What preflight refuses has no plan: random problems with a plan in them, all plans of tiny ones, plain counting."""

from __future__ import annotations

from typing import Any

import brute
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zonedesign.contiguity import Contiguity
from zonedesign.levels import CharacterShare, Level
from zonedesign.problem import Objective, Problem
from zonedesign.rules import Apart, CentreAt, Contiguous, Frozen, NestIn, Together
from zonedesign.solve._counts import Amount, can_add_up, count_vectors
from zonedesign.solve.preflight import preflight
from zonedesign.traveltimes import TravelTimes
from zonedesign.units import Units


@st.composite
def feasible(draw: st.DrawFn) -> Problem:
    """A problem whose bands, counts, reach and locks are read off a plan that was there first."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    side = int(rng.integers(2, 6))
    n, zones = side * side, int(rng.integers(1, 5))
    ids = [f"u{k:02d}" for k in range(n)]
    x, y = np.arange(n) % side, np.arange(n) // side
    pairs = [(i, j) for i in range(n) for j in range(i) if abs(x[i] - x[j]) + abs(y[i] - y[j]) == 1]
    near = {i: [b if a == i else a for a, b in pairs if i in (a, b)] for i in range(n)}
    zone = np.full(n, -1)
    zone[rng.choice(n, min(zones, n), replace=False)] = np.arange(min(zones, n))
    while (zone < 0).any():
        unit = int(rng.choice(np.flatnonzero(zone < 0)))
        taken = [zone[j] for j in near[unit] if zone[j] >= 0]
        if taken:
            zone[unit] = rng.choice(taken)
    hours = rng.choice([0.0, 1.0, 2.5, 7.0, 30.0], n) + rng.integers(0, 2, n) * rng.random(n)
    people = np.floor(hours / 3)
    minutes = np.hypot(x[:, None] - x[None, :], y[:, None] - y[None, :]) * 3 + rng.random((n, n)) * (
        1 - np.eye(n)
    )
    if rng.random() < 0.3:  # parts that do not touch
        pairs = [(i, j) for i, j in pairs if zone[i] == zone[j]]
    if rng.random() < 0.3:  # parts that no road joins
        minutes[zone[:, None] != zone[None, :]] = np.inf
    count, urban = int(zone.max()) + 1, rng.random(n) < 0.5
    level_of = rng.integers(0, 2, count)
    centre = [int(rng.choice(np.flatnonzero(zone == z))) for z in range(count)]
    levels = []
    for k in range(2):
        mine = [z for z in range(count) if level_of[z] == k]
        if not mine:
            levels.append(Level(str(k), zones=(0, 1), weekly_hours=(hours.sum() + 1, None)))
            continue
        h = [hours[zone == z].sum() for z in mine]
        c = [people[zone == z].sum() for z in mine]
        way = np.maximum(minutes, minutes.T)
        reach = max(way[centre[z], zone == z].max() for z in mine)
        wide = max(
            way[np.ix_((zone == z) & (hours > 0), (zone == z) & (hours > 0))].max(initial=0) for z in mine
        )
        share = min(hours[(zone == z) & urban].sum() / max(hours[zone == z].sum(), 1e-12) for z in mine)
        total = sum(h) / hours.sum() if hours.sum() else 0.0
        levels.append(
            Level(
                str(k),
                weekly_hours=(min(h), max(h)),
                customers=(min(c), max(c)) if rng.random() < 0.5 else None,
                max_minutes=reach if rng.random() < 0.7 else None,
                max_minutes_between=wide if rng.random() < 0.4 else None,
                zones=len(mine) if rng.random() < 0.6 else None,
                hours_share=(min(total, 1.0), min(total, 1.0)) if rng.random() < 0.3 else None,
                character=CharacterShare("urban", (True,), share)
                if rng.random() < 0.4 and min(h) > 0
                else None,
                contiguous=bool(rng.random() < 0.8),
            )
        )
    rules: list[Any] = [Contiguous()] if rng.random() < 0.8 else []
    labels = pd.Series([f"z{z}" for z in zone], index=ids)
    biggest = int(np.argmax(np.bincount(zone)))
    members = [ids[i] for i in np.flatnonzero(zone == biggest)]
    if len(members) > 1 and rng.random() < 0.5:
        rules.append(Together(members[:3]))
    if count > 1 and rng.random() < 0.5:
        rules.append(Apart(ids[np.flatnonzero(zone == 0)[0]], ids[np.flatnonzero(zone == 1)[0]]))
    if rng.random() < 0.4:
        rules.append(CentreAt(ids[centre[0]]))
    if rng.random() < 0.3:
        rules.append(Frozen("z0"))
    if rng.random() < 0.3:
        rules.append(
            NestIn({u: "west" if zone[i] < count / 2 else "east" for i, u in enumerate(ids)}, "side")
        )
    frame = pd.DataFrame({"h": hours, "c": people, "urban": urban}, index=pd.Index(ids))
    units = Units.from_frame(
        frame,
        hours="h",
        customers="c",
        contiguity=Contiguity.from_pairs(frame.index, [(ids[a], ids[b]) for a, b in pairs]),
    )
    return Problem(units, TravelTimes.from_matrix(minutes, ids), levels, rules, Objective(baseline=labels))


@settings(max_examples=120, deadline=None, derandomize=True)
@given(feasible())
def test_preflight_never_refuses_a_problem_that_has_a_plan(problem: Problem) -> None:
    assert preflight(problem) == []


@pytest.mark.parametrize("seed", range(0, 400, 4))
def test_what_preflight_refuses_has_no_plan_among_all_there_are(seed: int) -> None:
    problem = brute.tiny(seed)
    if preflight(problem):
        assert brute.best_objective(problem) is None


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    shapes=st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 5), st.integers(0, 2), st.integers(0, 3)),
        min_size=1,
        max_size=3,
    ),
    totals=st.lists(st.integers(0, 25), min_size=1, max_size=3),
    open_ended=st.booleans(),
)
def test_counts_that_can_add_up_are_those_that_plain_search_finds(
    shapes: list[tuple[int, int, int, int]], totals: list[int], *, open_ended: bool
) -> None:
    bands = tuple((float(low), float(low + wide)) for low, wide, _, _ in shapes)
    ranges = [
        (least, None if open_ended and k == 0 else least + more)
        for k, (_, _, least, more) in enumerate(shapes)
    ]
    units = 8

    def holds(total: int, counts: tuple[int, ...]) -> bool:
        low = sum(k * b[0] for k, b in zip(counts, bands, strict=True))
        high = sum(k * b[1] for k, b in zip(counts, bands, strict=True))
        return low <= total <= high and 1 <= sum(counts) <= units

    grids = list(np.ndindex(*[units + 1] * len(bands)))
    free = [(0, high) for _, high in ranges]
    sums = {tuple([0] * len(bands))}
    for total in totals:
        fit = [
            g
            for g in grids
            if holds(total, g) and all(h is None or k <= h for k, (_, h) in zip(g, free, strict=True))
        ]
        sums = {tuple(a + b for a, b in zip(s, g, strict=True)) for s in sums for g in fit}
    expected = any(
        all(low <= k and (high is None or k <= high) for k, (low, high) in zip(s, ranges, strict=True))
        for s in sums
    )
    pieces = [count_vectors([Amount(float(total), bands)], free, units) for total in totals]
    assert all(piece is not None for piece in pieces)
    assert can_add_up([piece for piece in pieces if piece is not None], ranges) == expected
