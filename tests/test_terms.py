"""Terms of the objective: priced alike by the search and the problem, told apart, and worth what their weights say."""

from __future__ import annotations

import importlib
import itertools

import numpy as np
import pandas as pd
import pytest
import toy

import zonedesign as zd
from zonedesign import rules as kinds
from zonedesign.problem import Objective, Problem
from zonedesign.solve.bound import Bound
from zonedesign.solve.construct import drafts
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.improve import Draft, Search
from zonedesign.solve.start import from_baseline

run = importlib.import_module("zonedesign.solve.run")
GOALS = [
    {"change": 2.0},
    {"borders": 3.0},
    {"cut": 5.0},
    {"change": 2.0, "borders": 3.0, "cut": 5.0},
    {"travel": 0.0, "change": 2.0, "borders": 1.0, "cut": 2.0},
]


def world(side: int = 6, **weights: float) -> Problem:
    """A square of units in four zones; its baseline are quarters, its border runs along a diagonal."""
    frame, near, minutes = toy.squares(side)
    row, column = np.divmod(np.arange(side * side), side)
    quarter = pd.Series(
        [f"q{r}{c}" for r, c in zip(row * 2 // side, column * 2 // side, strict=True)], frame.index
    )
    border = pd.Series(np.where(row + column < side - 1, "north", "south"), frame.index)
    total = frame["hours"].sum()
    return Problem(
        zd.Units.from_frame(frame, hours="hours", contiguity=near),
        zd.TravelTimes.from_matrix(minutes, frame.index),
        levels=[zd.Level("1", weekly_hours=(total / 9, total / 2.5), zones=4)],
        rules=[kinds.Contiguous()],
        objective=Objective(baseline=quarter, border=border, **weights),
    )


def plan_of(search: Search, draft: Draft) -> zd.Plan:
    problem = search.problem
    levels = {int(c): problem.levels[int(k)].name for c, k in zip(draft.centre, draft.level, strict=True)}
    plan = zd.Plan.of(problem.units, problem.times, draft.centre[draft.zone], levels)
    assert zd.verify(plan, problem)["passed"].all()
    return plan


def check_prices(problem: Problem, start: zd.Plan) -> None:
    """A draft's price is the objective times all hours, hours that change included."""
    search = Search.of(problem, possible_arcs(problem))
    total = problem.hours.sum()
    for seed in range(2):
        draft = search.improve(search.draft_of(start), moves=20_000, seed=seed, heat=0.5)
        assert draft.price / total == pytest.approx(
            problem.value(problem.terms(plan_of(search, draft))), abs=1e-6
        )


@pytest.mark.parametrize("weights", GOALS, ids=str)
def test_the_search_s_price_is_the_problem_s_objective(weights: dict[str, float]) -> None:
    problem = world(**weights)
    check_prices(problem, zd.solve(world(), work=1))


@pytest.mark.parametrize("weights", [GOALS[3]], ids=str)
def test_the_search_s_price_is_the_objective_on_a_real_county(geodata, weights: dict[str, float]) -> None:
    scenario = geodata.parent / "cases" / "west-sussex-lsoa.toml"
    if not scenario.is_file():
        pytest.skip(f"real case not found at {scenario}")
    easy = [zd.Level("1", weekly_hours=(200, 1600), zones=35)]
    problem = zd.read_scenario(scenario).problem().with_(levels=easy)
    search = Search.of(problem, possible_arcs(problem))
    nothing = np.zeros(0, dtype=np.int64)
    none = Bound(0.0, np.zeros(0), np.zeros((0, 0)), nothing, nothing)
    first = search.improve(drafts(search, none, number=2, seed=0)[1], moves=100_000, seed=0, heat=1.0)
    frame = problem.units.frame
    goal = Objective(baseline=frame["lad_code"], border=frame["msoa11cd"], **weights)
    check_prices(problem.with_(objective=goal), plan_of(search, first))


@pytest.mark.parametrize("weights", GOALS, ids=str)
def test_the_certificate_tells_each_term_and_they_add_up(monkeypatch, weights: dict[str, float]) -> None:
    monkeypatch.setattr(run, "SMALL_UNITS", -1)
    told = zd.solve(world(**weights), work=1).certificate
    assert list(told.terms) == ["mean_minutes", "moved", "crossing", "boundary"]
    factors = {"travel": 1.0, "change": 0.0, "borders": 0.0, "cut": 0.0} | weights
    added = sum(weight * term for weight, term in zip(factors.values(), told.terms.values(), strict=True))
    assert told.objective == pytest.approx(added)


@pytest.mark.parametrize(
    ("weight", "term"), [("change", "moved"), ("borders", "crossing"), ("cut", "boundary")]
)
def test_the_dearer_a_term_the_less_there_is_of_it(weight: str, term: str) -> None:
    found = [zd.solve(world(3, **{weight: value}), time_limit=60).certificate for value in (0.0, 1.0, 99.0)]
    assert [told.status for told in found] == ["optimal"] * 3
    of_term = [told.terms[term] for told in found]
    travel = [told.terms["mean_minutes"] for told in found]
    assert all(later <= earlier + 1e-7 for earlier, later in itertools.pairwise(of_term))
    assert all(later >= earlier - 1e-7 for earlier, later in itertools.pairwise(travel))
    assert of_term[-1] < of_term[0]


def test_the_baseline_is_a_plan_to_begin_from_where_change_counts() -> None:
    assert from_baseline(world()) is None
    begun = from_baseline(world(change=1.0))
    assert begun is not None
    assert sorted(set(begun.zone_ids)) == ["q00", "q01", "q10", "q11"]
    plan = zd.solve(world(5), work=1)
    assert from_baseline(world(5).with_(objective=Objective(change=1.0, baseline=plan))) is plan


def test_the_search_stays_with_the_baseline_where_change_is_dear(monkeypatch) -> None:
    monkeypatch.setattr(run, "SMALL_UNITS", -1)
    plan = zd.solve(world(change=300.0), work=1)
    assert plan.certificate.terms["moved"] == 0.0
    assert "repairs" not in plan.certificate.details
