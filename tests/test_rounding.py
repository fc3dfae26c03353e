"""Rounding off: relaxations whose centres are placed become plans that keep every rule."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import toy
from every_plan import EveryPlan
from hypothesis import given, settings
from hypothesis import strategies as st

import zonedesign as zd
from zonedesign.certificate import Status
from zonedesign.solve import rounding
from zonedesign.solve._parts import Part, placed
from zonedesign.solve._repair import repaired
from zonedesign.solve.bound import Priced, lagrangian
from zonedesign.solve.branching import branch
from zonedesign.solve.certify import Limits, certify
from zonedesign.solve.closing import Near
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.improve import Search
from zonedesign.solve.rounding import Rounding


def near_of(problem: zd.Problem) -> Near:
    possible = possible_arcs(problem)
    priced = Priced.of(problem, possible)
    return Near(problem, priced, lagrangian(priced, iterations=100, threads=1), possible)


def of_four(seed: int = 5) -> zd.Problem:
    """25 units in four connected zones of nearly the same hours."""
    return toy.square_of(zd.Level("1", weekly_hours=(24, 29), zones=4), side=5, seed=seed)


def plan_of(problem: zd.Problem, centre_of: list[int]) -> zd.Plan:
    centres = np.array(centre_of)
    return zd.Plan.of(problem.units, problem.times, centres, dict.fromkeys(np.unique(centres).tolist(), "1"))


def moved_centre(problem: zd.Problem, plan: zd.Plan) -> zd.Plan:
    """The same zones with another centre in the first."""
    other = next(int(i) for i in np.flatnonzero(plan.zone == 0) if i != plan.centres[0])
    return plan_of(problem, np.where(plan.zone == 0, other, plan.centres[plan.zone]).tolist())


def mending(problem: zd.Problem):
    search = Search.of(problem, possible_arcs(problem))

    def mend(plan: zd.Plan) -> zd.Plan | None:
        found = repaired(search, plan, seed=1)
        return found if found is not None and verified(found, problem) else None

    return mend


def verified(plan: zd.Plan, problem: zd.Problem) -> bool:
    return bool(zd.verify(plan, problem)["passed"].all())


def own_part(near: Near, plan: zd.Plan) -> Part:
    """The part of the map that has a plan's centres."""
    centre = np.repeat(np.arange(len(near.problem.units)), np.diff(near.priced.indptr))
    priced = near.priced.only(np.isin(centre, plan.centres))
    cells = [(plan.centres[k : k + 1], 1) for k in range(len(plan.centres))]
    part = placed(Part(near.bound.value, 0, cells, priced, np.zeros(len(centre))), priced, np.inf, np.inf)
    assert part is not None
    return part


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    low=st.integers(0, 20),
    width=st.integers(0, 12),
    zones=st.integers(2, 3),
    nothing=st.integers(0, 2),
    threads=st.integers(1, 2),
)
def test_beside_rounding_off_the_optimum_is_still_that_of_trying_every_plan(
    seed, low, width, zones, nothing, threads
):
    level = zd.Level("1", weekly_hours=(low, low + width), zones=zones)
    problem = toy.square_of(level, seed=seed, most=6, nothing=nothing)
    best = EveryPlan(problem)
    if best.best is None:
        return
    start = certify(problem, limits=Limits(threads=1)).plan
    outcome = branch(near_of(problem), start=start, repair=mending(problem), limits=Limits(threads=threads))
    assert outcome.status is Status.OPTIMAL
    assert outcome.objective == pytest.approx(best.best, rel=1e-9, abs=1e-9)


def test_a_zone_in_pieces_is_mended_to_connected_ones():
    """Two shores that meet at one end only; one zone has the other end of both, whose shores do not touch."""
    shores = [(x, y) for y in (0, 1) for x in range(8)]
    ids = [f"{'ab'[y]}{x}" for x, y in shores]
    along = [(ids[k], ids[k + 1]) for k in range(15) if k != 7]
    minutes = np.abs(np.subtract(np.array(shores)[:, None], shores)).sum(axis=2).astype(float)
    units = zd.Units.from_frame(
        pd.DataFrame({"hours": 10.0}, index=ids), hours="hours", contiguity=[*along, ("a7", "b7")]
    )
    level = zd.Level("1", weekly_hours=(40, 70), zones=3)
    times = zd.TravelTimes.from_matrix(minutes, units.ids)
    problem = zd.Problem(units, times, levels=[level], rules=[zd.Contiguous()])
    centre = ["a1" if x < 3 else "a4" if y == 0 and x < 7 else "b4" for x, y in shores]
    broken = plan_of(problem, [ids.index(each) for each in centre])
    found = repaired(Search.of(problem, possible_arcs(problem)), broken, seed=1)
    assert not verified(broken, problem)
    assert found is not None
    assert verified(found, problem)


@pytest.mark.parametrize("seed", [2, 3, 5, 8])
def test_without_rounds_the_relaxation_bounds_its_program_and_its_plan_is_kept(seed):
    problem = of_four(seed)
    near, best = near_of(problem), certify(problem, limits=Limits(threads=1))
    part, met = own_part(near, best.plan), []

    def mend(plan: zd.Plan) -> zd.Plan | None:
        met.append(plan)
        return best.plan

    within = rounding.near_placed(near, part).within
    whole = certify(problem, within=within, placed=True, limits=Limits(threads=1))
    alone = certify(problem, within=within, placed=True, rounds=False, repair=mend, limits=Limits(threads=1))
    assert (alone.rounds, alone.nodes) == (0, 0)
    assert alone.plan is best.plan
    assert set(met[0].centres.tolist()) == set(best.plan.centres.tolist())
    assert 0 < alone.bound <= whole.objective * (1 + 1e-9)


def test_where_centres_are_placed_rounds_of_cuts_go_on_though_some_bring_nothing():
    """Four rows of units of ten hours, the upper two and the lower two beside each other at one end only."""
    places = [(x, y) for y in range(4) for x in range(8)]
    unit = {(x, y): f"u{y}{x}" for x, y in places}
    beside = [(unit[x, y], unit[x + 1, y]) for x, y in places if x < 7]
    beside += [(unit[x, y], unit[x, y + 1]) for x, y in places if y < 3 and (y != 1 or x == 7)]
    units = zd.Units.from_frame(
        pd.DataFrame({"hours": 10.0}, index=list(unit.values())), hours="hours", contiguity=beside
    )
    minutes = np.abs(np.subtract(np.array(places)[:, None], places)).sum(axis=2).astype(float)
    level = zd.Level("1", weekly_hours=(100, 110), zones=3)
    times = zd.TravelTimes.from_matrix(minutes, units.ids)
    problem = zd.Problem(units, times, levels=[level], rules=[zd.Contiguous()])
    centres = units.ids.get_indexer(["u04", "u14", "u36"])
    arcs, centre = problem.arcs, np.repeat(np.arange(32), np.diff(problem.arcs.indptr))
    within = np.isin(centre, centres) & (~np.isin(arcs.units, centres) | (arcs.units == centre))

    def relaxed(*, placed: bool) -> float:
        limits = Limits(threads=1)
        return certify(problem, within=within[:, None], placed=placed, rounds=False, limits=limits).bound

    assert relaxed(placed=False) == pytest.approx(2.4375)
    assert relaxed(placed=True) > 2.59
    assert certify(problem, within=within[:, None], limits=Limits(threads=1)).objective > 2.59


def test_the_best_plan_s_centres_come_first_and_none_comes_twice():
    problem = of_four()
    near, best = near_of(problem), certify(problem, limits=Limits(threads=1)).plan
    others = moved_centre(problem, best).centres
    waiting = Part(near.bound.value, 1, [], near.priced, np.zeros(25), chosen=others)
    rounds = Rounding(near, Limits(threads=1), lambda plan: plan, lambda *_: None, lambda _: True)
    parts = [rounds.part(best, [waiting], np.inf, np.inf) for _ in range(3)]
    assert parts[0].centres == set(best.centres.tolist())
    assert parts[1].centres == set(others.tolist())
    assert parts[2] is None


def test_it_ends_after_so_many_tries_in_vain_and_goes_on_after_a_better_plan():
    problem = of_four()
    plan = certify(problem, limits=Limits(threads=1)).plan
    better = [False] * rounding.IN_VAIN + [True]
    rounds = Rounding(
        near_of(problem), Limits(threads=1), lambda plan: plan, lambda *_: None, lambda _: better.pop(0)
    )
    assert rounds.due(1.0, threads=1)
    for _ in range(rounding.IN_VAIN):
        assert rounds.mended(plan) is plan
    assert not rounds.due(1.0, threads=1)
    assert rounds.mended(plan) is plan
    assert rounds.due(1.0, threads=1)


def test_a_relaxation_that_needs_no_mending_was_in_vain():
    problem = of_four()
    near, best = near_of(problem), certify(problem, limits=Limits(threads=1))
    part = own_part(near, best.plan)
    rounds = Rounding(near, Limits(threads=1), lambda plan: plan, lambda *_: None, lambda _: True)
    rounds.off(part, best.plan, part.bound, 100.0)  # no plan is below its bound
    assert (rounds.mends, rounds.in_vain) == (0, 1)


def test_it_takes_its_share_of_the_time_and_no_more():
    problem = of_four()
    rounds = Rounding(near_of(problem), Limits(threads=2), lambda plan: plan, lambda *_: None, lambda _: True)
    rounds.seconds = 10.0
    assert not rounds.due(10.0 / (2 * rounding.SHARE) - 0.1, threads=2)
    assert rounds.due(10.0 / (2 * rounding.SHARE) + 0.1, threads=2)


def test_a_failure_while_rounding_off_is_told_and_costs_the_proof_nothing(monkeypatch):
    problem = of_four()
    best = certify(problem, limits=Limits(threads=1))
    told: list[str] = []

    def fails(*_: object) -> None:
        raise RuntimeError("the chain fell over")

    monkeypatch.setattr(Rounding, "off", fails)
    outcome = branch(
        near_of(problem),
        start=moved_centre(problem, best.plan),
        repair=lambda _: None,
        limits=Limits(threads=2, seconds=600),
        failed=lambda what, error: told.append(f"{what}: {error}"),
    )
    assert told == ["rounding off a relaxation: the chain fell over"]
    assert outcome.status is Status.OPTIMAL
    assert outcome.objective == pytest.approx(best.objective, rel=1e-9)


def test_nobody_waits_for_a_part_that_is_rounded_off_once_the_proof_is_there(monkeypatch):
    problem = of_four()
    start = moved_centre(problem, certify(problem, limits=Limits(threads=1)).plan)
    ended: list[bool] = []

    def waits(own: Rounding, *_: object) -> None:
        ended.append(own.ended.wait(300))

    monkeypatch.setattr(Rounding, "off", waits)
    limits = Limits(threads=2, seconds=600)
    outcome = branch(near_of(problem), start=start, repair=lambda _: None, limits=limits)
    assert outcome.status is Status.OPTIMAL
    assert ended == [True]
