"""Exactness: every rule and term, in any combination, beside all the plans that there are."""

from __future__ import annotations

import gc
import importlib
import itertools
import weakref
from typing import TYPE_CHECKING

import brute
import every_plan
import numpy as np
import pandas as pd
import pytest
from every_plan import EveryPlan
from hypothesis import given
from hypothesis import strategies as st
from tiny_problems import by_search, examples, problem_of, recipes

import zonedesign as zd
from zonedesign.certificate import Status
from zonedesign.model import Engine, state
from zonedesign.plan import Plan
from zonedesign.solve.bound import Priced, closed_by, lagrangian
from zonedesign.solve.certify import Limits, certify
from zonedesign.solve.closing import Near, close_in
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.preflight import preflight
from zonedesign.solve.reduced import closed_by as closed_by_duals
from zonedesign.verify import verify

if TYPE_CHECKING:
    from zonedesign.model import Cut
    from zonedesign.problem import Problem
    from zonedesign.solve.bound import Bound

certifying = importlib.import_module("zonedesign.solve.certify")
cutting = importlib.import_module("zonedesign.solve.cuts")
proving = importlib.import_module("zonedesign.solve.prove")


def labels_of(plan: Plan, problem: Problem) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return zone, levels and centres of a plan as numbers."""
    names = [level.name for level in problem.levels]
    return plan.zone, np.array([names.index(level) for level in plan.levels]), plan.centres


def check(plan: Plan, problem: Problem, best: float) -> None:
    """What holds of every plan that a run gives: no rule is broken, and nothing is claimed that is not so."""
    oracle, told = EveryPlan(problem), plan.certificate
    assert oracle.broken(*labels_of(plan, problem)) == set()
    assert verify(plan, problem)["passed"].all()
    assert told.objective == pytest.approx(oracle.value_of(plan), rel=1e-9, abs=1e-9)
    assert told.objective >= best - 1e-9 * max(1.0, best)
    assert told.bound is None or told.bound <= best + 1e-9 * max(1.0, best)
    if told.status is Status.OPTIMAL:
        assert told.objective == pytest.approx(best, rel=1e-6, abs=1e-6)


def pairs_of(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Return centre and unit of every arc."""
    return np.repeat(np.arange(len(problem.units)), np.diff(problem.arcs.indptr)), problem.arcs.units


@examples(60)
@given(seed=st.integers(0, 10**9))
def test_two_ways_of_trying_every_plan_agree(seed):
    problem = brute.tiny(seed)
    best = brute.best_objective(problem)
    assert EveryPlan(problem).best == (None if best is None else pytest.approx(best, rel=1e-9, abs=1e-9))


@examples(170)
@given(recipe=recipes())
def test_solve_finds_the_best_of_all_plans_and_no_plan_where_there_is_none(recipe):
    problem = problem_of(recipe)
    best = EveryPlan(problem).best
    if best is None:
        with pytest.raises(zd.InfeasibleError):
            zd.solve(problem, threads=1)
        return
    plan = zd.solve(problem, threads=1)
    check(plan, problem, best)
    assert plan.certificate.status is Status.OPTIMAL
    assert plan.certificate.objective == pytest.approx(best, rel=1e-6, abs=1e-6)


@examples(120)
@given(recipe=recipes())
def test_preflight_and_fixing_leave_every_plan_possible(recipe):
    problem = problem_of(recipe)
    oracle = EveryPlan(problem)
    mask = possible_arcs(problem)
    if oracle.best is not None:
        assert preflight(problem) == []
    centre, unit = pairs_of(problem)
    used = np.isfinite(oracle.least_with)
    kept = np.zeros_like(used)
    kept[centre, unit] = mask
    assert not (used & ~kept).any()


@examples(80)
@given(recipe=recipes(), above=st.sampled_from([0.0, 1e-4, 0.1, 1.0]))
def test_the_bound_and_what_it_closes_leave_every_plan_below_its_target(recipe, above):
    problem = problem_of(recipe)
    oracle = EveryPlan(problem)
    priced = Priced.of(problem, possible_arcs(problem))
    bound = lagrangian(priced, threads=1, iterations=120, target=oracle.best if above else None)
    if oracle.best is None:
        return
    assert not bound.infeasible
    assert bound.value <= oracle.best + 1e-9 * max(1.0, oracle.best)
    target = oracle.best * (1 + above) + above
    closed = closed_by(priced, bound, target, len(problem.arcs.units))
    least = oracle.least_with[pairs_of(problem)]
    assert (least[closed] >= target - 1e-9 * max(1.0, target)).all()


@examples(60)
@given(recipe=recipes(), above=st.sampled_from([0.0, 1e-4, 0.1, 1.0]))
def test_prices_of_the_relaxation_bound_and_close_no_better_plan(recipe, above):
    problem = problem_of(recipe)
    oracle = EveryPlan(problem)
    if oracle.best is None:
        return
    program = state(problem, possible_arcs(problem))
    engine = Engine(program, threads=1)
    relaxed = engine.relax(30)
    assert relaxed.duals is not None
    constant, cost = engine.priced(relaxed.duals)
    target = oracle.best * (1 + above) + above
    bound, columns = closed_by_duals(program, constant, cost, program.scaled(target))
    assert program.unscaled(bound) <= oracle.best + 1e-6 * max(1.0, oracle.best)
    closed = np.zeros(program.sheet.width, dtype=bool)
    closed[columns] = True
    centre, unit = pairs_of(problem)
    least = oracle.least_with[centre, unit]
    of_pair = (program.x >= 0) & closed[program.x]
    assert (least[of_pair].min(axis=1, initial=np.inf) >= target - 1e-6 * max(1.0, target)).all()
    of_level = (program.y >= 0) & closed[program.y]
    own = oracle.least_with[np.arange(oracle.n), np.arange(oracle.n)]
    assert (own[of_level] >= target - 1e-6 * max(1.0, target)).all()


LIMITS = {
    "none": Limits(threads=1),
    "flows": Limits(threads=1),
    "nodes": Limits(threads=1, nodes=1),
    "gap": Limits(threads=1, gap=0.3),
}


@examples(80)
@given(
    recipe=recipes(),
    dice=st.integers(0, 2**32 - 1),
    limit=st.sampled_from(sorted(LIMITS)),
    near=st.booleans(),
)
def test_the_program_proves_what_it_says_from_any_plan_with_what_the_bound_closed(recipe, dice, limit, near):
    problem = problem_of(recipe)
    oracle = EveryPlan(problem)
    if oracle.best is None:
        return
    start = some_plan(oracle, np.random.default_rng(dice))
    worth = problem.value(problem.terms(start))
    possible = possible_arcs(problem)
    priced = Priced.of(problem, possible)
    bound = lagrangian(priced, threads=1, iterations=120, target=worth)
    fixed = closed_by(priced, bound, worth, len(problem.arcs.units))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certifying, "FLOW_AFTER", 0 if limit == "flows" else 10)
        if near:
            nearby = Near(problem, priced, bound, possible)
            outcome = close_in(nearby, start=start, limits=LIMITS[limit], pairs=(3, 10**9))
        else:
            outcome = certify(problem, start=start, bound=bound.value, fixed=fixed, limits=LIMITS[limit])
    assert verify(outcome.plan, problem)["passed"].all()
    assert oracle.best - 1e-9 * max(1.0, oracle.best) <= outcome.objective <= worth
    assert outcome.bound is None or outcome.bound <= oracle.best + 1e-9 * max(1.0, oracle.best)
    if limit in {"none", "flows"}:
        assert outcome.status is Status.OPTIMAL
    if outcome.status is Status.OPTIMAL:
        assert outcome.objective == pytest.approx(oracle.best, rel=1e-6, abs=1e-6)


def some_plan(oracle: EveryPlan, dice: np.random.Generator) -> Plan:
    """Return any plan that keeps every rule, the best no likelier than others."""
    every = every_plan.choices(oracle.n, len(oracle.problem.levels))
    at = int(dice.choice(np.flatnonzero(np.isfinite(oracle.values))))
    centre_of, level_of = np.zeros(oracle.n, dtype=np.int64), {}
    for some, level in zip(every.sets[at], every.levels[at], strict=True):
        if some < 2**oracle.n:
            centre = int(dice.choice(np.flatnonzero(np.isfinite(oracle.costs[some, level]))))
            centre_of[oracle.inside[some]] = centre
            level_of[centre] = oracle.problem.levels[level].name
    return Plan.of(oracle.problem.units, oracle.problem.times, centre_of, level_of)


def any_plan(problem: Problem, dice: np.random.Generator) -> Plan:
    """Return any zones, centres and levels, broken rules and all."""
    n = len(problem.units)
    zone = np.unique(dice.integers(0, int(dice.integers(1, n + 1)), n), return_inverse=True)[1]
    centres = [int(dice.choice(np.flatnonzero(zone == z))) for z in range(int(zone.max()) + 1)]
    names = {j: str(dice.choice([level.name for level in problem.levels])) for j in centres}
    return Plan.of(problem.units, problem.times, np.array(centres)[zone], names)


@examples(150)
@given(recipe=recipes(), dice=st.integers(0, 2**32 - 1))
def test_verify_sees_in_any_plan_just_the_rules_that_are_broken(recipe, dice):
    problem = problem_of(recipe)
    oracle, rng = EveryPlan(problem), np.random.default_rng(dice)
    if oracle.best is None or rng.random() < 0.3:
        plan = any_plan(problem, rng)
    else:  # a plan with something changed
        plan = some_plan(oracle, rng)
        unit, zone = rng.choice(oracle.n), str(rng.choice(plan.zone_ids))
        plan = plan.move(oracle.ids[unit], zone) if rng.random() < 0.5 else plan
        zone = str(rng.choice(plan.zone_ids))
        plan = plan.recentre(zone, oracle.ids[int(rng.choice(np.flatnonzero(plan.units["zone"] == zone)))])
    verdicts = verify(plan, problem)
    assert every_plan.names_broken(verdicts) == oracle.broken(*labels_of(plan, problem))
    value = problem.value(problem.terms(plan))
    if np.isfinite(value):
        assert value == pytest.approx(oracle.value_of(plan), rel=1e-9, abs=1e-9)


@examples(25)
@given(recipe=recipes(), whole=st.booleans(), begin=st.booleans(), threads=st.integers(1, 2))
def test_the_search_claims_nothing_that_is_not_so(recipe, whole, begin, threads):
    problem = problem_of(recipe)
    best = EveryPlan(problem).best
    options = {"time_limit": 60} if whole else {"work": 1}
    if begin and problem.objective.baseline is not None:  # else locks would name its zones
        options["start"] = any_plan(problem, np.random.default_rng(recipe.seed))
    with pytest.MonkeyPatch.context() as patch:
        by_search(patch, whole=whole)
        claimed = told_bounds(patch)
        try:
            plan = zd.solve(problem, threads=threads, **options)
        except zd.InfeasibleError:
            assert best is None
            return
        except zd.NoPlanError:
            assert not whole
            return
    assert best is not None
    check(plan, problem, best)
    assert max(claimed, default=-np.inf) <= best + 1e-9 * max(1.0, best)
    if whole:
        assert plan.certificate.status is Status.OPTIMAL


def told_bounds(patch: pytest.MonkeyPatch) -> list[float]:
    """Return where every Lagrangian bound of a run will be put, before a plan that it meets hides what it claims."""

    def bounded(*given: object, **options: object) -> Bound:
        found = whole(*given, **options)
        told.append(found.value)
        return found

    told: list[float] = []
    whole = proving.lagrangian
    patch.setattr(proving, "lagrangian", bounded)
    return told


@examples(8)
@given(recipe=recipes(least=8, most=12, luck=("planted",)), begin=st.booleans())
def test_search_and_program_agree_where_plans_are_too_many_to_try(recipe, begin):
    problem = problem_of(recipe)
    best = zd.solve(problem, threads=1, time_limit=60).certificate
    options = {"start": any_plan(problem, np.random.default_rng(recipe.seed))} if begin else {}
    if problem.objective.baseline is None:
        options = {}
    with pytest.MonkeyPatch.context() as patch:
        by_search(patch, whole=False)
        try:
            plan = zd.solve(problem, threads=1, work=2, **options)
        except zd.NoPlanError:
            return
    assert verify(plan, problem)["passed"].all()
    assert plan.certificate.objective >= best.bound - 1e-9 * max(1.0, best.objective)
    assert plan.certificate.bound <= best.objective + 1e-9 * max(1.0, best.objective)


# Found by the above, at its smallest: limits that hold only by their slack.


def one_or_two(*levels: zd.Level, hours: tuple[float, ...]) -> Problem:
    """Units a and b, as many as have hours, at one point; a is urban."""
    ids = list("ab")[: len(hours)]
    frame = pd.DataFrame({"hours": hours, "ruc": ["Urban", "Rural"][: len(hours)]}, index=ids)
    times = zd.TravelTimes.from_matrix(np.zeros((len(ids), len(ids))), ids)
    return zd.Problem(zd.Units.from_frame(frame, hours="hours"), times, levels)


WITHIN, BEYOND = 4e-7, 4e-6


@pytest.mark.parametrize("end", [1000.0, 8000.0, 1e6])
def test_bands_have_their_slack_however_many_hours_they_are_of(end):
    for band, sign in (((None, end), 1), ((end, None), -1)):
        level = zd.Level("1", weekly_hours=band)
        plan = zd.solve(one_or_two(level, hours=(end + sign * WITHIN,)))
        assert plan.certificate.status is Status.OPTIMAL
        with pytest.raises(zd.InfeasibleError):
            zd.solve(one_or_two(level, hours=(end + sign * BEYOND,)))


def halves(low: float, high: float) -> Problem:
    """Two zones of half the hours each, the first with a share from `low` to `high`."""
    levels = zd.Level("1", zones=1, hours_share=(low, high)), zd.Level("2", zones=1)
    return one_or_two(*levels, hours=(1.0, 1.0))


def test_a_level_of_all_hours_may_have_all_but_the_slack():
    level = zd.Level("1", hours_share=(0.8, 1 - WITHIN))
    assert zd.solve(one_or_two(level, hours=(8.0,))).certificate.status is Status.OPTIMAL
    with pytest.raises(zd.InfeasibleError):
        zd.solve(one_or_two(zd.Level("1", hours_share=(0.8, 1 - BEYOND)), hours=(8.0,)))


def test_a_share_of_hours_has_its_slack_and_no_more():
    for low, high in ((0.5 + WITHIN, 1), (0, 0.5 - WITHIN)):
        assert zd.solve(halves(low, high)).certificate.status is Status.OPTIMAL
    for low, high in ((0.5 + BEYOND, 1), (0, 0.5 - BEYOND)):
        with pytest.raises(zd.InfeasibleError):
            zd.solve(halves(low, high))


def test_a_class_has_its_slack_and_no_more():
    for off, fits in ((WITHIN, True), (BEYOND, False)):
        level = zd.Level("1", zones=1, character=zd.CharacterShare("ruc", "Urban", 0.5 + off))
        problem = one_or_two(level, hours=(1.0, 1.0))
        if fits:
            assert zd.solve(problem).certificate.status is Status.OPTIMAL
        else:
            with pytest.raises(zd.InfeasibleError):
                zd.solve(problem)


def met(cut: Cut, point: np.ndarray) -> float:
    return sum(value * point[column] for column, value in zip(cut.columns, cut.values, strict=True))


@pytest.mark.parametrize("over", [True, False])
def test_cuts_for_a_share_forbid_what_is_beyond_it_and_nothing_else(over):
    problem = halves(0, 0.5 - BEYOND) if over else halves(0.5 + BEYOND, 1)
    program = state(problem)
    oracle = EveryPlan(problem.with_(levels=[zd.Level("1"), zd.Level("2")]))
    ground = cutting.Ground(program)
    for zone, levels in itertools.product(([0, 0], [0, 1]), itertools.product(range(2), repeat=2)):
        centre_of, level_of = np.array(zone), np.array(levels)[zone]
        values = np.zeros(program.sheet.width)
        values[program.binaries] = program.values(centre_of, level_of)
        found = cutting._out_of_share(ground, centre_of, level_of)
        share = oracle.hours[level_of == 0].sum() / 2
        assert bool(found) == (share > 0.5 - BEYOND / 2 if over else share < 0.5 + BEYOND / 2)
        for cut in found:
            assert met(cut, values) > cut.most + 0.5
            for other, of in itertools.product(([0, 0], [0, 1]), itertools.product(range(2), repeat=2)):
                here = np.array(of)[other]
                part = oracle.hours[here == 0].sum() / 2
                if part <= 0.4 if over else part >= 0.6:
                    kept = np.zeros(program.sheet.width)
                    kept[program.binaries] = program.values(np.array(other), here)
                    assert met(cut, kept) <= cut.most


def test_engines_are_freed_with_the_programs_they_hold():
    problem = one_or_two(zd.Level("1", zones=1), hours=(1.0, 1.0))
    engine = Engine(state(problem), threads=1)
    engine.run(10)
    model = weakref.ref(engine._model)
    del engine
    gc.collect()
    assert model() is None
