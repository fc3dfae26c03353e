"""Seams: exact programs near the seams of a plan, with its own centres, find what is better there."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest
import toy
from hypothesis import given, settings
from hypothesis import strategies as st

import zonedesign as zd
from zonedesign.certificate import Status
from zonedesign.model import Ended, Engine, state
from zonedesign.rules import Together
from zonedesign.solve import seams
from zonedesign.solve._account import Limits
from zonedesign.solve.certify import certify
from zonedesign.solve.cuts import Ground, cuts_of
from zonedesign.solve.fixing import possible_arcs

SIDE = 4


def square(low: int, high: int, seed: int, zones: int = 2) -> zd.Problem:
    return toy.square_of(zd.Level("1", weekly_hours=(low, high), zones=zones), side=SIDE, seed=seed)


def halves(problem: zd.Problem) -> zd.Plan:
    """The left half around its first unit, the right half around its last."""
    left = np.arange(SIDE * SIDE) % SIDE < SIDE // 2
    return zd.Plan.of(
        problem.units, problem.times, np.where(left, 0, SIDE * SIDE - 1), {0: "1", SIDE * SIDE - 1: "1"}
    )


def balanced(seed: int) -> tuple[zd.Problem, zd.Plan]:
    """The halves as a plan that keeps its band, two hours to spare on either side."""
    problem = square(1, 1000, seed)
    plan = halves(problem)
    held = np.bincount(plan.zone, weights=problem.hours)
    problem = square(int(held.min() - 2), int(held.max() + 2), seed)
    return problem, halves(problem)


def best_of(problem: zd.Problem, plan: zd.Plan, free: np.ndarray) -> float:
    """Return the least that any plan costs with these centres in which only `free` units may move, trying all."""
    graph = nx.Graph(problem.units.contiguity.pairs.tolist())
    (low, high), best = problem.levels[0].weekly_hours, np.inf
    for choice in itertools.product([0, 1], repeat=len(free)):
        zone = plan.zone.copy()
        zone[free] = choice
        held = np.bincount(zone, weights=problem.hours, minlength=2)
        if held.min() < low or held.max() > high:
            continue
        if not all(nx.is_connected(graph.subgraph(np.flatnonzero(zone == z).tolist())) for z in (0, 1)):
            continue
        other = zd.Plan.of(
            problem.units, problem.times, plan.centres[zone], dict.fromkeys(plan.centres.tolist(), "1")
        )
        best = min(best, problem.value(problem.terms(other)))
    return best


@pytest.mark.parametrize("seed", range(6))
def test_no_plan_with_the_same_centres_that_moves_units_at_the_seam_is_better(seed, monkeypatch):
    monkeypatch.setattr(seams, "DEPTHS", (1,))
    monkeypatch.setattr(seams, "certify", once := Once())
    problem, plan = balanced(seed)
    seams.improved(
        problem, plan, recentred=lambda found: found, limits=Limits(threads=1), found=lambda _: None
    )
    middle = np.flatnonzero(np.isin(np.arange(SIDE * SIDE) % SIDE, [SIDE // 2 - 1, SIDE // 2]))
    assert once.objective == pytest.approx(best_of(problem, plan, middle), rel=1e-9)


class Once:
    """Certify, and what its first outcome cost."""

    objective: float | None = None

    def __call__(self, *given: object, **named: object) -> object:
        outcome = certify(*given, **named)
        if self.objective is None:
            self.objective = outcome.objective
        return outcome


def test_every_better_plan_is_told_and_the_last_is_returned():
    problem, plan = balanced(1)
    told: list[zd.Plan] = []
    found = seams.improved(
        problem, plan, recentred=lambda each: each, limits=Limits(threads=1), found=told.append
    )
    values = [problem.value(problem.terms(each)) for each in [plan, *told]]
    assert told[-1] is found
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == len(values) > 1
    assert all(zd.verify(each, problem)["passed"].all() for each in told)


def test_centres_are_chosen_anew_after_every_program():
    problem, plan = balanced(1)
    away = np.full((SIDE * SIDE, SIDE * SIDE), np.inf)
    arcs = problem.arcs
    away[np.repeat(np.arange(len(away)), np.diff(arcs.indptr)), arcs.units] = arcs.minutes
    costs = away * problem.hours

    def recentred(each: zd.Plan) -> zd.Plan:
        best = [
            members[costs[np.ix_(members, members)].sum(axis=1).argmin()]
            for members in (np.flatnonzero(each.zone == z) for z in (0, 1))
        ]
        centre = np.array(best)[each.zone]
        return zd.Plan.of(problem.units, problem.times, centre, {int(j): "1" for j in best})

    found = seams.improved(problem, plan, recentred=recentred, limits=Limits(threads=1), found=lambda _: None)
    value = problem.value(problem.terms(found))
    assert value == pytest.approx(problem.value(problem.terms(recentred(found))), rel=1e-12)
    again = certify(
        problem, start=found, limits=Limits(threads=1),
        within=seams.pairs_at(problem, found, np.ones(2, dtype=np.bool_), around=0, deep=2),
    )  # fmt: skip
    assert again.objective == pytest.approx(value, rel=1e-9)


def test_who_is_told_to_stop_and_who_has_no_time_begin_no_program(monkeypatch):
    problem, plan = balanced(1)
    monkeypatch.setattr(seams, "certify", None)
    for limits in (Limits(stop=lambda: True), Limits(seconds=0.0)):
        found = seams.improved(
            problem, plan, recentred=lambda each: each, limits=limits, found=lambda _: None
        )
        assert found is plan


@pytest.mark.parametrize(("deep", "columns"), [(1, {1, 2}), (2, {0, 1, 2, 3})])
def test_units_so_many_deep_may_go_beyond_a_seam(deep, columns):
    problem = square(1, 1000, 0)
    plan = halves(problem)
    pairs = seams.pairs_at(problem, plan, np.ones(2, dtype=np.bool_), around=0, deep=deep)
    open_units = problem.arcs.units[pairs[:, 0]]
    twice = np.flatnonzero(np.bincount(open_units, minlength=SIDE * SIDE) == 2)
    assert set((twice % SIDE).tolist()) == columns
    assert (np.bincount(open_units, minlength=SIDE * SIDE) >= 1).all()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    width=st.integers(3, 30),
    zones=st.integers(2, 3),
    shut=st.floats(0.0, 0.9),
    more=st.integers(0, 2),
    placed=st.booleans(),
    free=st.booleans(),
    locked=st.booleans(),
)
def test_flows_over_what_is_open_connect_zones_and_shut_out_no_plan(
    seed, width, zones, shut, more, placed, free, locked
):
    """Units that can be in one zone only are one source with its centre where they are connected to it."""
    dice, n = np.random.default_rng(seed), SIDE * SIDE
    total = square(1, 1000, seed).hours.sum()
    band = (max(0, int(total / zones - width)), int(total / zones + width))
    problem = square(*band, seed, zones)
    if free:
        loose = zd.Level("2", weekly_hours=(band[0] / 2, band[1]), zones=(0, 2), contiguous=False)
        problem = problem.with_(levels=[zd.Level("1", weekly_hours=band, zones=(0, zones)), loose])
    if locked:
        pair = dice.choice(n, 2, replace=False)
        problem = problem.with_(rules=[*problem.rules, Together(tuple(problem.units.ids[pair]))])
    arcs = problem.arcs
    centre = np.repeat(np.arange(n), np.diff(arcs.indptr))
    chosen = dice.choice(n, zones + more, replace=False)
    kept = np.isin(centre, chosen) & ((dice.random(len(centre)) > shut) | (centre == arcs.units))
    lost = np.setdiff1d(np.arange(n), arcs.units[kept])
    kept |= np.isin(arcs.units, lost) & np.isin(centre, chosen)
    if placed:
        kept &= ~np.isin(arcs.units, chosen[:zones]) | (centre == arcs.units)
    mask = np.repeat(kept[:, None], len(problem.levels), axis=1)
    expected = certify(problem, within=mask, limits=Limits(threads=1))
    program = state(problem, possible_arcs(problem, mask), flow=True)
    found = None if len(program.homeless) else Engine(program, threads=1).run(60)
    if found is None or found.ended is Ended.INFEASIBLE:
        assert expected.status is Status.INFEASIBLE
        return
    assert found.ended is Ended.OPTIMAL
    assert cuts_of(Ground(program), *program.read(found.values)) == []
    assert program.unscaled(found.objective) == pytest.approx(expected.objective, rel=1e-6)
