"""Mending: a plan that breaks rules at its seams keeps them again with the fewest hours moved."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pandas as pd
import pytest

import zonedesign as zd
from zonedesign.certificate import Status, StoppedBy
from zonedesign.solve import mending
from zonedesign.solve._account import Limits, Outcome
from zonedesign.solve.mending import mended

LEVELS = [zd.Level("big", weekly_hours=(18, 30)), zd.Level("small", weekly_hours=(6, 14))]
TOO_MANY = np.array([6.0, 6, 6, 6, 6, 6, 6, 6, 4, 4, 4, 3])
CENTRES = {"a": 0, "b": 3, "c": 10}


def grid(hours: np.ndarray, labels: list[str], **changes: object) -> tuple[zd.Problem, zd.Plan]:
    """Units in three rows of four, a minute from one to the next, and their plan with stated centres."""
    at = np.array([(k // 4, k % 4) for k in range(12)], dtype=float)
    ids = [f"u{k}" for k in range(12)]
    pairs = [
        (ids[i], ids[j]) for i, j in itertools.combinations(range(12), 2) if np.abs(at[i] - at[j]).sum() == 1
    ]
    units = zd.Units.from_frame(
        pd.DataFrame({"hours": hours}, index=pd.Index(ids)), hours="hours", contiguity=pairs
    )
    times = zd.TravelTimes.from_matrix(np.abs(at[:, None] - at).sum(axis=2), ids)
    problem = zd.Problem(units, times, levels=LEVELS, rules=[zd.Contiguous()], **changes)
    plan = zd.Plan.from_labels(
        units, times, pd.Series(labels, index=ids), levels=LEVELS,
        level={"a": "big", "b": "big", "c": "small"}, centre={z: ids[k] for z, k in CENTRES.items()},
    )  # fmt: skip
    return problem, plan


def fewest_hours(problem: zd.Problem, plan: zd.Plan) -> float | None:
    """Return the fewest hours that any plan with these centres and levels moves, by trying all."""
    graph = nx.Graph(problem.units.contiguity.pairs.tolist())
    hours, bands = problem.hours, {0: (18, 30), 1: (18, 30), 2: (6, 14)}
    fixed = {unit: z for z, unit in enumerate(CENTRES.values())}
    choices = [[fixed[k]] if k in fixed else [0, 1, 2] for k in range(12)]
    best = None
    for zones in itertools.product(*choices):
        zone = np.array(zones)
        held = np.bincount(zone, weights=hours, minlength=3)
        moved = float(hours[zone != plan.zone].sum())
        if (best is not None and moved >= best) or any(
            not lo <= held[z] <= hi for z, (lo, hi) in bands.items()
        ):
            continue
        if all(nx.is_connected(graph.subgraph(np.flatnonzero(zone == z).tolist())) for z in range(3)):
            best = moved
    return best


@pytest.mark.parametrize("seed", range(6))
def test_no_plan_with_the_same_centres_moves_fewer_hours(seed, monkeypatch):
    monkeypatch.setattr(mending, "HOPS", ((3, 12),))
    hours = np.random.default_rng(seed).integers(2, 9, 12).astype(float)
    problem, plan = grid(hours, list("aabbaabbcccb"))
    found, fewest = mended(problem, plan), fewest_hours(problem, plan)
    assert (found is None) == (fewest is None)
    if found is not None:
        assert bool(zd.verify(found, problem)["passed"].all())
        assert found.centres.tolist() == plan.centres.tolist()
        assert hours[found.zone != plan.zone].sum() == fewest


def test_the_one_unit_too_many_goes_to_the_zone_beside():
    problem, plan = grid(TOO_MANY, list("aabbaabbcccc"))
    found = mended(problem, plan)  # c holds 15 where 14 are the most
    assert [f"u{k}" for k in np.flatnonzero(found.zone != plan.zone)] == ["u11"]


def test_too_few_zones_are_not_mended():
    level = zd.Level("big", weekly_hours=(18, 30), zones=3)
    problem, plan = grid(np.full(12, 4.0), list("aabbaabbcccb"))
    assert mended(problem.with_(levels=[level, LEVELS[1]]), plan) is None


def test_no_time_left_mends_nothing():
    problem, plan = grid(TOO_MANY, list("aabbaabbcccc"))
    assert mended(problem, plan, deadline=0.0) is None


def test_without_a_deadline_it_ends_by_work_and_not_by_the_clock(monkeypatch):
    asked = []

    def certify(*_: object, limits: Limits, **__: object) -> Outcome:
        asked.append(limits)
        return Outcome(Status.UNKNOWN)

    monkeypatch.setattr(mending, "certify", certify)
    problem, plan = grid(TOO_MANY, list("aabbaabbcccc"))
    assert mended(problem, plan) is None
    assert {(each.seconds, each.nodes) for each in asked} == {(np.inf, mending.NODES)}


def test_an_interrupt_is_not_lost(monkeypatch):
    stopped = Outcome(Status.UNKNOWN, stopped_by=StoppedBy.INTERRUPT)
    monkeypatch.setattr(mending, "certify", lambda *_, **__: stopped)
    problem, plan = grid(TOO_MANY, list("aabbaabbcccc"))
    with pytest.raises(KeyboardInterrupt):
        mended(problem, plan)
