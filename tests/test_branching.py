"""Branching: few zones, whose centres are looked for part by part, are the best there are."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import toy
from every_plan import EveryPlan
from hypothesis import given, settings
from hypothesis import strategies as st

import zonedesign as zd
from zonedesign.certificate import Status
from zonedesign.model.transport import transport
from zonedesign.solve import _parts, branching, prove
from zonedesign.solve import certify as certifying
from zonedesign.solve._account import Outcome
from zonedesign.solve._pricing import few_at
from zonedesign.solve.bound import Bound, Priced, closed_by, lagrangian
from zonedesign.solve.branching import branch, suits
from zonedesign.solve.certify import Limits, certify
from zonedesign.solve.choosing import Cells
from zonedesign.solve.closing import Near
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.halves import Halves
from zonedesign.solve.standing import Standing
from zonedesign.verify import verify


def near_of(problem: zd.Problem, *, written: bool = True) -> Near:
    """The problem with its pairs and the bound of its prices; all its zones are written out where they are few."""
    possible = possible_arcs(problem)
    priced = Priced.of(problem, possible)
    if not written:
        priced = replace(priced, small=())
    return Near(problem, priced, lagrangian(priced, iterations=100, threads=1), possible)


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    low=st.integers(0, 20),
    width=st.integers(0, 12),
    zones=st.integers(2, 3),
    nothing=st.integers(0, 2),
    known=st.booleans(),
    written=st.booleans(),
)
def test_optimum_and_infeasibility_are_those_of_trying_every_plan(
    seed, low, width, zones, nothing, known, written
):
    level = zd.Level("1", weekly_hours=(low, low + width), zones=zones)
    problem = toy.square_of(level, seed=seed, most=6, nothing=nothing)
    best, near = EveryPlan(problem), near_of(problem, written=written)
    if near.bound.infeasible:
        assert best.best is None
        return
    start = certify(problem, limits=Limits(threads=1)).plan if known else None
    outcome = branch(near, start=start, limits=Limits(threads=1))
    if best.best is None:
        assert outcome.status is Status.INFEASIBLE
    else:
        assert outcome.status is Status.OPTIMAL
        assert outcome.objective == pytest.approx(best.best, rel=1e-9, abs=1e-9)
        assert verify(outcome.plan, problem)["passed"].all()


@pytest.mark.parametrize("written", [True, False])
@pytest.mark.parametrize(("zones", "band", "threads"), [(2, (51, 56), 1), (4, (24, 29), 2)])
def test_it_agrees_with_the_integer_program_on_more_units(zones, band, threads, written):
    problem = toy.square_of(zd.Level("1", weekly_hours=band, zones=zones), side=5, seed=5)
    told: list[float] = []
    near = near_of(problem, written=written)
    outcome = branch(near, limits=Limits(threads=threads, heard=told.append))
    whole = certify(problem, limits=Limits(threads=1))
    assert outcome.status is whole.status is Status.OPTIMAL
    assert outcome.objective == pytest.approx(whole.objective, rel=1e-9)
    assert max(told) <= whole.objective * (1 + 1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_with_a_gap_asked_for_the_bound_stays_below_the_optimum(seed):
    problem = toy.square_of(zd.Level("1", weekly_hours=(18, 30), zones=2), seed=seed)
    near, best = near_of(problem), certify(problem, limits=Limits(threads=1))
    for centre in np.flatnonzero(best.plan.zone == 0):
        centres = np.where(best.plan.zone == 0, centre, best.plan.centres[1])
        worse = zd.Plan.of(
            problem.units, problem.times, centres, dict.fromkeys(np.unique(centres).tolist(), "1")
        )
        value = problem.value(problem.terms(worse))
        # Parts are left alone above a value between the bound and the optimum.
        gap = 1 - (near.bound.value + 3 * best.objective) / 4 / value
        outcome = branch(near, start=worse, limits=Limits(threads=1, gap=gap))
        assert near.bound.value < best.objective
        assert outcome.bound <= best.objective * (1 + 1e-9)


def test_the_best_plan_is_told_after_every_part_that_is_settled(monkeypatch):
    problem = toy.square_of(zd.Level("1", weekly_hours=(24, 29), zones=4), side=5, seed=5)
    found: list[tuple[zd.Plan, bool]] = []
    settled: list[bool] = []
    finished = branching._Tree._finished

    def noted(tree: branching._Tree, part: branching.Part) -> Outcome:
        outcome = finished(tree, part)
        settled.append(outcome.settled)
        return outcome

    monkeypatch.setattr(branching._Tree, "_finished", noted)
    outcome = branch(
        near_of(problem, written=False),
        limits=Limits(threads=1),
        found=lambda plan, known: found.append((plan, known)),
    )
    values = [problem.value(problem.terms(plan)) for plan, _ in found]
    assert len(found) == sum(settled) > 1
    assert values == sorted(values, reverse=True)
    assert values[-1] == outcome.objective
    centre = np.repeat(np.arange(25), np.diff(problem.arcs.indptr))
    known = [(plan, value) for (plan, known), value in zip(found, values, strict=True) if known]
    assert 0 < len(known) < len(found)
    for plan, value in known:
        within = problem.arcs.allowed & np.isin(centre, plan.centres)[:, None]
        assert certify(problem, within=within, limits=Limits(threads=1)).objective == pytest.approx(value)


def test_no_time_and_a_stop_leave_the_bound():
    near = near_of(toy.square_of(zd.Level("1", weekly_hours=(24, 29), zones=4), side=5, seed=5))
    for limits in (Limits(seconds=0.0), Limits(stop=lambda: True)):
        outcome = branch(near, limits=limits)
        assert outcome.status is Status.UNKNOWN
        assert outcome.bound == pytest.approx(near.bound.value)
        assert outcome.stopped_by is not None


def test_it_suits_one_level_of_few_zones():
    def fits(*levels: zd.Level) -> bool:
        problem = toy.square_of(levels[0], side=5).with_(levels=levels)
        return suits(problem, Priced.of(problem, possible_arcs(problem)))

    assert fits(zd.Level("1", weekly_hours=(25, 35), zones=4))
    assert not fits(zd.Level("1", weekly_hours=(25, 35), zones=(3, 4)))
    assert fits(zd.Level("1", weekly_hours=(1, 35), zones=20))
    assert not fits(zd.Level("1", weekly_hours=(1, 35), zones=21))
    assert not fits(zd.Level("1", weekly_hours=(1, 35), max_minutes_between=9, zones=9))
    assert not fits(zd.Level("1", zones=2), zd.Level("2", zones=2))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_cells_choose_the_cheapest_centres_of_each(seed):
    dice = np.random.default_rng(seed)
    worth = dice.normal(size=(7, 1))
    worth[dice.random(7) < 0.2] = np.inf
    cells = Cells(dice.integers(-1, 2, 7), dice.integers(0, 3, 2))
    totals = {
        chosen: sum(worth[c, 0] for c in chosen)
        for chosen in itertools.combinations(
            np.flatnonzero(np.isfinite(worth[:, 0])), int(cells.counts.sum())
        )
        if all(sum(cells.of[c] == cell for c in chosen) == count for cell, count in enumerate(cells.counts))
    }
    found, forced = cells.choose(worth), cells.with_centre(worth)
    if not totals:
        assert found is None
        return
    assert found[2] == pytest.approx(min(totals.values()))
    for centre in range(7):
        with_it = [total for chosen, total in totals.items() if centre in chosen]
        assert forced[centre] <= min(with_it, default=np.inf) + 1e-9


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), one=st.integers(0, 8), other=st.integers(0, 8), width=st.integers(2, 10))
def test_prices_at_given_centres_prove_the_linear_program(seed, one, other, width):
    from scipy.optimize import linprog

    if one == other:
        return
    dice, own = np.random.default_rng(seed), np.array([one, other])
    hours, cost = dice.integers(1, 9, 9).astype(float), dice.uniform(0, 5, (9, 2))
    band = np.array([hours.sum() / 2 - width, hours.sum() / 2 + width])
    free = cost.copy()
    free[own] = np.inf
    free[own, [0, 1]] = cost[own, [0, 1]]
    columns = [(i, z) for i, z in np.ndindex(9, 2) if np.isfinite(free[i, z])]
    each = np.array([[float(i == u) for i, _ in columns] for u in range(9)])
    held = np.array([[hours[i] * (z == at) for i, z in columns] for at in range(2)])
    solved = linprog(
        [free[c] for c in columns], A_ub=np.vstack([held, -held]), A_eq=each, b_eq=np.ones(9),
        b_ub=np.concatenate([[band[1]] * 2, [-band[0]] * 2]),
    )  # fmt: skip
    price = transport(cost, own, hours, (band[0], band[1]))
    if solved.status == 2:
        assert price is None
        return
    value, _ = few_at(cost, own, hours, band, price)
    assert value == pytest.approx(solved.fun)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), above=st.floats(0.0, 0.3))
def test_pairs_of_the_best_plan_stay_open_where_its_cells_are_known(seed, above):
    problem = toy.square_of(zd.Level("1", weekly_hours=(10, 60), zones=2), seed=seed)
    near, best = near_of(problem), certify(problem, limits=Limits(threads=1))
    if best.plan is None:
        return
    centres = best.plan.centres
    of = np.zeros(9, dtype=np.int64)
    of[centres[1]] = 1
    cells = Cells(of, np.array([1, 1]))
    bound = lagrangian(near.priced, iterations=30, threads=1, cells=cells)
    closed = closed_by(near.priced, bound, best.objective * (1 + above) + 1e-9, len(near.possible), cells)
    arcs = problem.arcs
    rows = np.repeat(np.arange(9), np.diff(arcs.indptr))
    used = rows == centres[best.plan.zone][arcs.units]
    assert bound.value <= best.objective + 1e-9
    assert not closed[used].any()


@pytest.mark.parametrize("seed", [54, 86, 89, 222, 238, 245])
def test_with_a_gap_asked_for_and_no_plan_to_start_with_the_bound_stays_below_the_optimum(seed):
    """Parts are left at a bound that was enough for the plan of then, and others later lie above them."""
    dice = np.random.default_rng(seed)
    zones, hours = int(dice.integers(2, 5)), float(toy.squares(4, seed)[0]["hours"].sum())
    apart, gap = float(dice.choice([0.08, 0.15, 0.3])), float(dice.choice([0.02, 0.05, 0.1]))
    band = (hours / zones * (1 - apart), hours / zones * (1 + apart))
    problem = toy.square_of(zd.Level("1", weekly_hours=band, zones=zones), side=4, seed=seed)
    outcome = branch(near_of(problem), limits=Limits(threads=1, gap=gap))
    best = certify(problem, limits=Limits(threads=1))
    assert outcome.bound <= best.objective * (1 + 1e-9)
    assert outcome.gap <= gap + 1e-9


def test_a_worker_that_fails_costs_no_plan_that_others_found(monkeypatch):
    problem = toy.square_of(zd.Level("1", weekly_hours=(24, 29), zones=4), side=5, seed=8)
    found: list[zd.Plan] = []
    solved = branching.close_in

    def fails_once_there_is_a_plan(*args, **options):
        if found:
            raise RuntimeError("the engine fell over")
        return solved(*args, **options)

    monkeypatch.setattr(branching, "close_in", fails_once_there_is_a_plan)
    with pytest.raises(RuntimeError, match="fell over"):
        branch(near_of(problem), limits=Limits(threads=2), found=lambda plan, _: found.append(plan))
    assert len(found) == 1


def test_an_interrupt_ends_the_workers_too(monkeypatch):
    problem = toy.square_of(zd.Level("1", weekly_hours=(24, 29), zones=4), side=5, seed=5)
    asked = []

    def works_until_it_is_told_to_stop(_near, *, limits, **_options):
        while not limits.stop():
            time.sleep(0.01)
        asked.append(True)
        return Outcome(Status.UNKNOWN)

    hear = branching._Tree._hear

    def interrupted(tree: branching._Tree, *how: object) -> None:
        if any(part.placed is not None for part in tree.at_work.values()):
            raise KeyboardInterrupt
        hear(tree, *how)

    monkeypatch.setattr(branching, "close_in", works_until_it_is_told_to_stop)
    monkeypatch.setattr(branching._Tree, "_hear", interrupted)
    with pytest.raises(KeyboardInterrupt):
        branch(near_of(problem), limits=Limits(threads=2, seconds=600))
    assert asked == [True]


def test_where_no_part_has_a_plan_each_is_closed_by_a_program_of_its_own_pairs(monkeypatch):
    """Whole hours, an odd number of them, and a band around the half that holds no whole number."""
    total = float(toy.squares(5, 5)[0]["hours"].sum())
    assert total % 2 == 1
    half = (total / 2 - 0.4, total / 2 + 0.4)
    problem = toy.square_of(zd.Level("1", weekly_hours=half, zones=2), side=5, seed=5)
    sizes = []
    stated = certifying.possible_arcs

    def counted(problem, within=None):
        mask = stated(problem, within)
        if within is not None:
            sizes.append(int(mask.sum()))
        return mask

    monkeypatch.setattr(certifying, "possible_arcs", counted)
    outcome = branch(near_of(problem), limits=Limits(threads=1))
    assert outcome.status is Status.INFEASIBLE
    assert 0 < max(sizes) <= 2 * 25


def test_workers_are_told_to_stop_where_the_main_thread_fails(monkeypatch):
    flags = []

    def fails(tree: branching._Tree) -> None:
        flags.append(tree.flag)
        raise ValueError("no more")

    monkeypatch.setattr(branching._Tree, "grow", fails)
    problem = toy.square_of(zd.Level("1", weekly_hours=(24, 29), zones=4), side=5, seed=5)
    with pytest.raises(ValueError, match="no more"):
        branch(near_of(problem), limits=Limits(threads=1))
    assert flags[0].tolist() == [1]


@pytest.mark.parametrize(("zones", "expected"), [(3, True), ((2, 4), False)])
def test_only_few_zones_are_proved_where_pairs_are_very_many(zones, expected, monkeypatch):
    monkeypatch.setattr(prove, "WHOLE_ARCS", 0)
    monkeypatch.setattr(prove, "CLOSING_UNITS", 0)
    problem = toy.square_of(zd.Level("1", weekly_hours=(70, 85), zones=zones), side=7, seed=5)
    possible = possible_arcs(problem)
    standing = Standing(problem, 60.0, 0.0, None, branching.silent)
    assert prove.Proof(standing, possible, Priced.of(problem, possible)).whole is expected


def test_the_bound_rises_anew_from_full_steps_until_that_brings_nothing(monkeypatch):
    problem = toy.square_of(zd.Level("1", weekly_hours=(70, 85), zones=3), side=7, seed=5)
    possible, values = possible_arcs(problem), [1.0, 2.0, 2.5, 2.5, 9.0]
    near = near_of(problem)

    def next_bound(*_: object, **__: object) -> Bound:
        return replace(near.bound, value=values.pop(0), converged=True)

    monkeypatch.setattr(prove, "lagrangian", next_bound)
    standing = Standing(problem, 60.0, 0.0, None, branching.silent)
    proof = prove.Proof(standing, possible, near.priced)
    proof.first(0.1)
    proof.rise(1.0)
    assert (standing.bound, values) == (2.5, [9.0])


def test_where_parts_fill_the_memory_it_ends_without_a_proof(monkeypatch):
    monkeypatch.setattr(_parts, "MOST_KEPT", 100)
    problem = toy.square_of(zd.Level("1", weekly_hours=(24, 29), zones=4), side=5, seed=5)
    outcome = branch(near_of(problem), limits=Limits(threads=1))
    assert (outcome.status, outcome.settled) == (Status.UNKNOWN, False)


def test_both_halves_of_a_cell_have_centres_where_a_pole_is_far_from_itself():
    """All are nearer to `a` than to `c`, even `c`: nothing would be divided, for ever."""
    minutes = np.array([[0.0, 1.0, 6.0], [1.0, 0.0, 2.0], [6.0, 2.0, 9.0]])
    frame = pd.DataFrame({"hours": 1.0}, index=pd.Index(["a", "b", "c"]))
    problem = zd.Problem(
        zd.Units.from_frame(frame, hours="hours", contiguity=[("a", "b"), ("b", "c")]),
        zd.TravelTimes.from_matrix(minutes, frame.index),
        levels=[zd.Level("1", zones=1)],
        rules=[zd.Contiguous()],
    )
    for first, second in itertools.product(range(3), repeat=2):
        one, other = Halves(problem).halves(np.arange(3), first, second)
        assert len(one) > 0
        assert len(other) > 0


def test_a_program_begins_again_where_others_find_a_much_better_plan(monkeypatch):
    problem = toy.square_of(zd.Level("1", weekly_hours=(24, 29), zones=4), side=5, seed=5)
    best = certify(problem, limits=Limits(threads=1)).plan
    starts: list[zd.Plan | None] = []
    real = branching.close_in

    def close_in(near, *, start, limits, **named):
        starts.append(start)
        if len(starts) == 1:
            assert limits.stop()  # the better plan is known by now
            return Outcome(Status.UNKNOWN)
        return real(near, start=start, limits=limits, **named)

    monkeypatch.setattr(branching, "close_in", close_in)
    outcome = branch(near_of(problem), limits=Limits(threads=1), known=lambda: best if starts else None)
    assert starts[0] is None
    assert all(start is best for start in starts[1:])
    assert outcome.status is Status.OPTIMAL
    assert outcome.objective == problem.value(problem.terms(best))


def test_only_the_first_program_begins_with_few_pairs_near_the_bound(monkeypatch):
    problem, _, worse = of_four()
    real, first = branching.close_in, []

    def noted(near, *, pairs, **options):
        first.append(pairs[0])
        return real(near, pairs=pairs, **options)

    monkeypatch.setattr(branching, "close_in", noted)
    branch(near_of(problem, written=False), start=worse, limits=Limits(threads=1))
    assert first[0] == branching.FIRST_PAIRS == 150
    assert set(first[1:]) == {len(problem.arcs.units)}


@pytest.mark.parametrize(("others", "most"), [(0, 2), (1, 1)])
def test_it_leaves_alone_the_threads_that_others_have_in_use(others, most, monkeypatch):
    problem = toy.square_of(zd.Level("1", weekly_hours=(24, 29), zones=4), side=5, seed=5)
    at_once: list[int] = []
    hear = branching._Tree._hear

    def counted(tree: branching._Tree, *how: object) -> None:
        at_once.append(len(tree.at_work))
        hear(tree, *how)

    monkeypatch.setattr(branching._Tree, "_hear", counted)
    branch(near_of(problem, written=False), limits=Limits(threads=2), others=lambda: others)
    assert max(at_once) == most


def of_four() -> tuple[zd.Problem, zd.Plan, zd.Plan]:
    """A problem of four zones, its best plan, and one with another centre that is worse."""
    problem = toy.square_of(zd.Level("1", weekly_hours=(24, 29), zones=4), side=5, seed=5)
    best = certify(problem, limits=Limits(threads=1)).plan
    other = next(i for i in np.flatnonzero(best.zone == 0) if i != best.centres[0])
    centre = np.where(best.zone == 0, other, best.centres[best.zone])
    names = dict.fromkeys(np.unique(centre).tolist(), "1")
    return problem, best, zd.Plan.of(problem.units, problem.times, centre, names)


@pytest.mark.parametrize("in_use", [0, 3], ids=["free all along", "free after a while"])
def test_a_long_program_keeps_no_free_thread_from_the_other_parts(in_use, monkeypatch):
    problem, _, worse = of_four()
    real, bounded = branching.close_in, branching._Tree._bounded
    meanwhile, at_work, asked = threading.Event(), threading.Event(), []

    def long(*args, **options):
        at_work.set()
        assert meanwhile.wait(60), "no other part was looked at"
        return real(*args, **options)

    def noted(tree: branching._Tree, part: branching.Part) -> branching.Part | None:
        if at_work.is_set():
            meanwhile.set()
        return bounded(tree, part)

    def others() -> int:
        """One thread, until it was asked for so often beside the program."""
        asked.extend([True] * at_work.is_set())
        return int(len(asked) < in_use)

    monkeypatch.setattr(branching, "close_in", long)
    monkeypatch.setattr(branching._Tree, "_bounded", noted)
    near = near_of(problem, written=False)
    assert branch(near, start=worse, limits=Limits(threads=2), others=others).status is Status.OPTIMAL


def test_without_a_plan_nothing_is_begun_beside_the_first_program(monkeypatch):
    problem, _, _ = of_four()
    real, following, begun = branching.close_in, branching._Tree._next, []

    def slow(*args, **options):
        time.sleep(0.3)
        return real(*args, **options)

    def noted(tree: branching._Tree) -> branching.Part | None:
        part = following(tree)
        program = any(each.placed is not None for each in tree.at_work.values())
        if program and tree.programs.seconds == 0.0 and np.isinf(tree.objective):
            begun.append(part)
        return part

    monkeypatch.setattr(branching, "close_in", slow)
    monkeypatch.setattr(branching._Tree, "_next", noted)
    outcome = branch(near_of(problem, written=False), limits=Limits(threads=2))
    assert outcome.status is Status.OPTIMAL
    assert begun
    assert set(begun) == {None}


def test_where_memory_is_full_parts_of_no_use_are_forgotten_and_none_is_divided(monkeypatch):
    priced = near_of(of_four()[0]).priced
    both, one = [(np.array([0, 1]), 1)], [(np.array([0]), 1)]
    known = _parts.Placed(Bound(5.0, *[np.zeros(0)] * 4), np.zeros(0))
    wide = [_parts.Part(bound, int(bound), both, priced, np.zeros(0)) for bound in (1.0, 2.0, 9.0)]
    ready = _parts.Part(5.0, 5, one, priced, np.zeros(0), placed=known)
    waiting, pairs = _parts.Waiting(), len(priced.units)
    for part in (*wide, ready):
        waiting.keep(part)
    monkeypatch.setattr(_parts, "MOST_KEPT", 2 * pairs)
    assert waiting.take(8.0, beside=False, first=False) is ready
    assert (len(waiting), waiting.kept) == (2, 2 * pairs)
    assert waiting.take(8.0, beside=False, first=False) is wide[0]
    assert waiting.take(2.0, beside=False, first=False) is None


def test_what_a_worker_has_found_is_told_where_another_fails(monkeypatch):
    problem, plan, worse = of_four()
    bounded, at_work, found = branching._Tree._bounded, threading.Event(), []

    def works_until_it_is_told_to_stop(_near, *, limits, **_options):
        at_work.set()
        while not limits.stop():
            time.sleep(0.01)
        return Outcome(Status.FEASIBLE, plan=plan)

    def fails_beside_a_program(tree: branching._Tree, part: branching.Part) -> branching.Part | None:
        if at_work.is_set():
            raise RuntimeError("the kernel fell over")
        return bounded(tree, part)

    monkeypatch.setattr(branching, "close_in", works_until_it_is_told_to_stop)
    monkeypatch.setattr(branching._Tree, "_bounded", fails_beside_a_program)
    near, limits = near_of(problem, written=False), Limits(threads=2, seconds=600)
    with pytest.raises(RuntimeError, match="fell over"):
        branch(near, start=worse, limits=limits, found=lambda plan, _: found.append(plan))
    assert found == [plan]
