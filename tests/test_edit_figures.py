"""The editing page beside Python: after random edits its figures and verdicts are those of the plan it exports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import tiny_county
import tiny_problems
from edit_pages import agree, edit_at_random, show

import zonedesign as zd
from zonedesign import rules as kinds
from zonedesign.maps import edit_page, packing
from zonedesign.scenario import read_scenario

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["show"]
pytestmark = pytest.mark.browser

PARTS, PROBLEMS, EDITS = 4, 7, 10
EVERY_RULE = {
    kinds.Volume, kinds.Reach, kinds.Diameter, kinds.MaxMiles, kinds.ZoneCount, kinds.HoursShare, kinds.Character,
    kinds.Contiguous, kinds.Together, kinds.Apart, kinds.CentreAt, kinds.Fixed, kinds.Frozen, kinds.NestIn,
}  # fmt: skip


def grown(seed: int) -> zd.Problem:
    """A random tiny problem with many rules and terms."""
    dice = np.random.default_rng(seed)
    traits = dice.permutation(tiny_problems.TRAITS)[: int(dice.integers(8, 20))].tolist()
    luck = str(dice.choice(tiny_problems.LUCK))
    return tiny_problems.problem_of(
        tiny_problems.Recipe(
            int(dice.integers(4, 13)), int(dice.integers(1, 4)), frozenset(traits), luck, seed
        )
    )


def any_plan(problem: zd.Problem, dice: np.random.Generator) -> zd.Plan:
    zones = int(dice.integers(1, 5))
    labels = pd.Series(
        [f"z{int(dice.integers(0, zones))}" for _ in range(len(problem.units))], index=problem.units.ids
    )
    return zd.Plan.from_labels(problem.units, problem.times, labels, levels=problem.levels)


def drive(
    tab: Any,
    problem: zd.Problem,
    dice: np.random.Generator,
    folder: Path,
    *,
    edits: int = EDITS,
    within: float = 0.0,
) -> None:
    agree(tab, problem, folder, within)
    for _ in range(edits):
        edit_at_random(tab, problem, dice)
        agree(tab, problem, folder, within)


def test_the_problems_tried_have_every_rule_and_every_term_between_them():
    problems = [grown(100 * part + k) for part in range(PARTS) for k in range(PROBLEMS)]
    assert {type(rule) for problem in problems for rule in problem.all_rules} == EVERY_RULE
    terms = {
        name for problem in problems for name in problem.terms(any_plan(problem, np.random.default_rng(0)))
    }
    assert terms == {"mean_minutes", "moved", "crossing", "boundary"}


@pytest.mark.parametrize("part", range(PARTS))
def test_any_edits_of_any_problem_give_the_figures_and_verdicts_that_python_gives(
    show, tmp_path: Path, part: int
):
    for k in range(PROBLEMS):
        dice = np.random.default_rng(1000 * part + k)
        problem = grown(100 * part + k)
        tab = show(edit_page(any_plan(problem, dice), problem))
        drive(tab, problem, dice, tmp_path)
        tab.close()


def test_minutes_on_the_grid_change_no_verdict_and_no_figure_by_more_than_it(
    show, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(packing, "EXACT_PAIRS", -1)
    for seed in range(6):
        dice = np.random.default_rng(seed)
        problem = grown(500 + seed)
        drive(show(edit_page(any_plan(problem, dice), problem)), problem, dice, tmp_path, within=1e-6)


def test_a_county_in_files_agrees_through_many_edits(show, tmp_path: Path):
    changes = {
        'name = "place"': 'name = "place"\nauthority = "council"',
        "zones = 4\n": 'zones = [3, 5]\nmax_minutes_between = 9\nmax_miles = 1.5\nhours_share = [0.4, 1.0]\n'
        'character = { column = "place", values = ["Westham"], at_least = 0.5 }\n'
        '[[levels]]\nname = "2"\nmax_minutes = 4\ncontiguous = false\n'
        '[objective]\ntravel = 1.0\nchange = 0.5\nborders = 0.25\ncut = 0.1\nbaseline = "plan-given.csv"\n'
        'border = "place"\n'
        '[locks]\ntogether = [["u00", "u01"]]\napart = [["u00", "u15"]]\ncentre_at = ["u05"]\n'
        'fixed = { u02 = "1-02" }\nfrozen = ["1-04"]\n',
    }  # fmt: skip
    scenario = tiny_county.write_tiny(tmp_path, changes=changes)
    given = tiny_county.write_plan(tmp_path)
    problem = read_scenario(scenario).problem(judging=True)
    assert {type(rule) for rule in problem.all_rules} == EVERY_RULE
    tab = show(edit_page(zd.read_plan(given, problem), problem))
    drive(tab, problem, np.random.default_rng(5), tmp_path, edits=40)


def test_the_best_centre_is_the_one_that_python_takes(show):
    for seed in range(8):
        dice = np.random.default_rng(seed)
        problem = grown(700 + seed)
        plan = any_plan(problem, dice)
        tab = show(edit_page(plan, problem))
        tab.evaluate(
            "rows => zonedesignEdit.setPlan(rows.map(([unit, zone, level]) => ({ unit, zone, level, centre: null })), 'mine')",
            [[str(unit), f"new {row.zone}", row.level] for unit, row in plan.units.iterrows()],
        )
        found = {row["unit"]: row["centre"] for row in tab.evaluate("zonedesignEdit.plan()")}
        assert found == {str(unit): str(centre) for unit, centre in plan.units["centre"].items()}
        tab.close()


def test_sums_are_those_of_python_to_the_last_bit(show):
    import math

    import toy

    dice = np.random.default_rng(0)
    problem = toy.problem()
    tab = show(edit_page(toy.plan(problem), problem))
    for size in (0, 1, 7, 8, 100, 129, 1000, 2645):
        values = (dice.random(size) * 10.0 ** dice.integers(-8, 8, size)).tolist()
        assert tab.evaluate("values => exact.fsum(values)", values) == math.fsum(values)
        assert tab.evaluate("values => exact.pairwise(values)", values) == float(np.array(values).sum())
        texts = tab.evaluate("values => values.map(exact.written)", values)
        assert texts == [repr(value) for value in values]


@pytest.mark.parametrize("case", ["se-hampshire-lsoa", "se-hampshire-oa"])
def test_a_real_county_agrees(show, geodata: Path, tmp_path: Path, case: str):
    scenario = geodata.parent / "cases" / f"{case}.toml"
    if not scenario.is_file():
        pytest.skip(f"no scenario {scenario}")
    problem = read_scenario(scenario).problem(judging=True)
    ids = problem.units.ids.sort_values()
    labels = pd.Series([f"z{30 * k // len(ids):02d}" for k in range(len(ids))], index=ids)
    plan = zd.Plan.from_labels(problem.units, problem.times, labels, levels=problem.levels)
    source = edit_page(plan, problem)
    assert len(source) < 10_000_000
    tab = show(source)
    drive(tab, problem, np.random.default_rng(3), tmp_path, edits=6, within=1e-6 if len(ids) > 450 else 0.0)
