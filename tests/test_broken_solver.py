"""A solver that forgets a rule is caught: verify says which, solve refuses the plan, and no folder is written.

Six units a to f stand in a row, a minute from one to the next. In every case the cheapest plan breaks just one
rule. The program that should keep that rule is made to forget it where it is written; the search is given a problem
that lacks it.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import every_plan
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Point
from tiny_problems import by_search

import zonedesign as zd
from zonedesign import rules as kinds
from zonedesign.certificate import Status
from zonedesign.folder import write_folder
from zonedesign.solve.certify import Limits, certify
from zonedesign.solve.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zonedesign.model import Locks

run = importlib.import_module("zonedesign.solve.run")  # zonedesign.solve is the function
prove = importlib.import_module("zonedesign.solve.prove")
fixing = importlib.import_module("zonedesign.solve.fixing")
cuts = importlib.import_module("zonedesign.solve.cuts")
program = importlib.import_module("zonedesign.model.program")

IDS = list("abcdef")
ROW = list(itertools.pairwise(IDS))
HALVES = {"a": "west", "b": "west", "c": "west", "d": "east", "e": "east", "f": "east"}
SHORT = {"a": "west", "b": "west", "c": "east", "d": "east", "e": "east", "f": "east"}
TWO = zd.Level("1", zones=2)


def row(
    *levels: zd.Level,
    rules: Sequence[Any] = (),
    hours: Sequence[float] = (1, 1, 1, 1, 1, 1),
    near: Sequence[tuple[str, str]] = ROW,
    far: dict[tuple[str, str], float] | None = None,
    authority: dict[str, str] | None = None,
    baseline: dict[str, str] | None = None,
) -> zd.Problem:
    """Six units in a row; `far` are pairs that are farther from each other than they look, both ways."""
    frame = gpd.GeoDataFrame(
        {"hours": hours, "customers": 1, "ruc": ["Urban"] * 3 + ["Rural"] * 3},
        index=pd.Index(IDS),
        geometry=[Point(1609.344 * k, 0) for k in range(6)],
        crs=27700,
    )
    frame["council"] = pd.Series(authority or dict.fromkeys(IDS, "one"))
    minutes = np.abs(np.subtract.outer(np.arange(6.0), np.arange(6.0)))
    for (a, b), longer in (far or {}).items():
        minutes[IDS.index(a), IDS.index(b)] = minutes[IDS.index(b), IDS.index(a)] = longer
    units = zd.Units.from_frame(
        frame,
        hours="hours",
        customers="customers",
        contiguity=near,
        authority="council" if authority else None,
    )
    objective = zd.Objective(baseline=None if baseline is None else pd.Series(baseline))
    return zd.Problem(units, zd.TravelTimes.from_matrix(minutes, IDS), levels, rules, objective)


# How the integer program forgets: rows that are not written, cuts that are not found, pairs that are not closed.


def nothing(*_: Any, **__: Any) -> None:
    """Write no row."""


def no_cuts(*_: Any, **__: Any) -> list[Any]:
    return []


def all_pairs(_problem: Any, mask: Any, *_: Any, **__: Any) -> Any:
    return mask.copy()


def without_limit(**limits: None) -> Callable[[pytest.MonkeyPatch, zd.Problem], None]:
    """Forget a limit on centre and unit: the pairs of the problem are those of levels without it."""

    def forget(patch: pytest.MonkeyPatch, problem: zd.Problem) -> None:
        loose = problem.with_(levels=[replace(level, **limits) for level in problem.levels])
        patch.setitem(problem.__dict__, "arcs", loose.arcs)

    return forget


def without_lock(**parts: Any) -> Callable[[pytest.MonkeyPatch, zd.Problem], None]:
    """Forget a part of the locks."""

    def forget(patch: pytest.MonkeyPatch, problem: zd.Problem) -> None:
        def locks_of(problem: zd.Problem) -> Locks:
            return replace(whole(problem), **parts)

        whole = program.locks_of
        for room in (program, fixing):
            patch.setattr(room, "locks_of", locks_of)

    return forget


def without_writers(*places: tuple[Any, str, Any]) -> Callable[[pytest.MonkeyPatch, zd.Problem], None]:
    return lambda patch, _: [patch.setattr(room, name, broken) for room, name, broken in places]


def without_borders(patch: pytest.MonkeyPatch, problem: zd.Problem) -> None:
    patch.setitem(problem.__dict__, "nests", ())


ALONE = np.arange(6)  # every unit a group of its own


@dataclass(frozen=True)
class Case:
    """A rule, a problem whose cheapest plan breaks it, and how program and search forget it."""

    rule: str
    problem: zd.Problem
    forget: Callable[[pytest.MonkeyPatch, zd.Problem], Any]
    loose: dict[str, Any] = field(default_factory=dict)
    """What the problem's levels lack, or its `rules` and `units`, for a search that does not know of the rule."""


def cases() -> dict[str, Case]:
    sizes = {"write": (program, "write_volumes", nothing), "cut": (cuts, "_out_of_band", no_cuts)}
    volume = without_writers(*sizes.values(), (fixing, "_within_volume", all_pairs))
    four, two = {"weekly_hours": (4, 4)}, {"weekly_hours": (2, 2)}
    heavy_end = (9, 1, 1, 1, 1, 1)
    urban = zd.CharacterShare("ruc", "Urban", 0.25)
    together, apart = kinds.Together("a", "f"), kinds.Apart("a", "b")
    frozen, fixed, at_end = kinds.Frozen("west"), kinds.Fixed("c", "east"), kinds.CentreAt("a")
    nest = kinds.NestIn(SHORT, name="district")
    mixed = row(TWO, authority=SHORT)
    of_one_council = replace(mixed.units, authority=None)
    return {
        "hours": Case(
            "Volume",
            row(zd.Level("1", zones=1, **four), zd.Level("2", zones=1, **two)),
            volume,
            {"weekly_hours": None},
        ),
        "customers": Case(
            "Volume",
            row(zd.Level("1", zones=1, customers=(4, 4)), zd.Level("2", zones=1, customers=(2, 2))),
            volume,
            {"customers": None},
        ),
        "reach": Case(
            "Reach",
            row(zd.Level("1", zones=1, max_minutes=3), hours=heavy_end),
            without_limit(max_minutes=None),
            {"max_minutes": None},
        ),
        "miles": Case(
            "MaxMiles",
            row(zd.Level("1", zones=1, max_miles=3), hours=heavy_end),
            without_limit(max_miles=None),
            {"max_miles": None},
        ),
        "diameter": Case(
            "Diameter",
            row(zd.Level("1", zones=2, max_minutes_between=4), far={("a", "c"): 9}),
            without_writers((cuts, "_too_far", no_cuts)),
            {"max_minutes_between": None},
        ),
        "zones": Case(
            "ZoneCount", row(TWO), without_writers((program, "_write_counts", nothing)), {"zones": None}
        ),
        "share": Case(
            "HoursShare",
            row(zd.Level("1", zones=1, hours_share=(0.6, 0.7)), zd.Level("2", zones=1)),
            without_writers((program, "write_shares", nothing), (cuts, "_out_of_share", no_cuts)),
            {"hours_share": None},
        ),
        "character": Case(
            "Character",
            row(zd.Level("1", zones=2, character=urban)),
            without_writers((program, "write_character", nothing), (cuts, "_out_of_character", no_cuts)),
            {"character": None},
        ),
        "contiguous": Case(
            "Contiguous",
            row(TWO, rules=[kinds.Contiguous()], near=[pair for pair in ROW if pair != ("b", "c")]),
            without_writers(
                (cuts, "_separators", no_cuts),
                (cuts, "_vertex_cuts", no_cuts),
                (fixing, "_within_volume", all_pairs),
            ),
            {"contiguous": False},
        ),
        "together": Case("Together", row(TWO, rules=[together]), without_lock(group=ALONE), {"rules": ()}),
        "apart": Case(
            "Apart",
            row(TWO, rules=[apart]),
            without_lock(apart=np.zeros((0, 2), dtype=np.int64)),
            {"rules": ()},
        ),
        "centre": Case(
            "CentreAt",
            row(TWO, rules=[at_end]),
            without_lock(centres=np.zeros(0, dtype=np.int64)),
            {"rules": ()},
        ),
        "fixed": Case(
            "Fixed", row(TWO, rules=[fixed], baseline=HALVES), without_lock(group=ALONE), {"rules": ()}
        ),
        "frozen": Case(
            "Frozen",
            row(TWO, rules=[frozen], baseline=SHORT),
            without_lock(group=ALONE, frozen=()),
            {"rules": ()},
        ),
        "nest": Case("NestIn", row(TWO, rules=[nest]), without_borders, {"rules": ()}),
        "authority": Case("NestIn", mixed, without_borders, {"units": of_one_council}),
    }


@pytest.fixture(params=cases())
def case(request) -> Case:
    return cases()[request.param]


def test_every_rule_there_is_has_a_case():
    rules = {rule.__name__ for rule in kinds.Rule.__args__}
    assert {each.rule for each in cases().values()} == rules


def test_a_whole_solver_keeps_the_rule(case):
    plan = zd.solve(case.problem, threads=1)
    assert plan.certificate.status is Status.OPTIMAL
    assert zd.verify(plan, case.problem)["passed"].all()


def test_a_program_that_forgets_a_rule_is_caught_and_its_plan_refused(case, monkeypatch, tmp_path):
    case.forget(monkeypatch, case.problem)
    for without_program in ("choose_zones", "choose_cheap_zones"):
        monkeypatch.setattr(prove, without_program, lambda *_, **__: None)
    outcome = certify(case.problem, limits=Limits(threads=1))
    assert outcome.plan is not None
    assert every_plan.names_broken(zd.verify(outcome.plan, case.problem)) == {case.rule}
    with pytest.raises(zd.SolverError, match=case.rule):
        zd.solve(case.problem, threads=1)
    with pytest.raises(zd.SolverError, match=case.rule):
        write_folder(tmp_path / "zones", outcome.plan, case.problem)
    assert not (tmp_path / "zones").exists()


def test_a_search_that_forgets_a_rule_is_caught_and_its_plan_refused(case, monkeypatch, caplog):
    by_search(monkeypatch, whole=False)
    monkeypatch.setattr(Standing, "enough", -np.inf)  # the true bound does not end it
    search_of = run.Search.of
    monkeypatch.setattr(run.Search, "of", lambda *_: search_of(loose, fixing.possible_arcs(loose)))
    parts = {name: value for name, value in case.loose.items() if name in {"rules", "units"}}
    limits = {name: value for name, value in case.loose.items() if name not in parts}
    levels = [replace(level, **limits) for level in case.problem.levels]
    loose = case.problem.with_(levels=levels, **parts)
    with contextlib.suppress(zd.NoPlanError):  # unless some plan keeps the rule by chance, or is the baseline
        plan = zd.solve(case.problem, work=1, threads=1)
        assert zd.verify(plan, case.problem)["passed"].all()
    assert f"breaks {case.rule} and is not used" in caplog.text


# What holds of any plan: every unit in a zone, a centre in its own zone, a level that the problem has.


def lost_unit(plan: zd.Plan, problem: zd.Problem) -> zd.Plan:
    frame = problem.units.frame.drop("f")
    fewer = zd.Units.from_frame(frame, hours="hours", customers="customers")
    labels = plan.units["zone"].drop("f")
    return zd.Plan.from_labels(fewer, problem.times, labels, levels=problem.levels)


def other_centre(plan: zd.Plan, problem: zd.Problem) -> zd.Plan:
    return replace(plan, centres=plan.centres[::-1].copy())


def unknown_level(plan: zd.Plan, problem: zd.Problem) -> zd.Plan:
    return replace(plan, levels=("nine", *plan.levels[1:]))


@pytest.mark.parametrize(
    ("caught", "spoil"),
    [({"Cover"}, lost_unit), ({"Centre"}, other_centre), ({"Level"}, unknown_level)],
    ids=["cover", "centre", "level"],
)
def test_a_solver_that_returns_no_proper_plan_is_caught_and_its_plan_refused(
    caught, spoil, monkeypatch, tmp_path
):
    problem = row(zd.Level("1", max_minutes=9, zones=(1, 2)), zd.Level("2", zones=0))
    proper = certify(problem, limits=Limits(threads=1))
    plan = spoil(proper.plan, problem)
    assert every_plan.names_broken(zd.verify(plan, problem)) == caught
    monkeypatch.setattr(prove, "certify", lambda *_, **__: replace(proper, plan=plan))
    with pytest.raises(zd.SolverError, match="gave no proper plan: "):
        zd.solve(problem, threads=1)
    with pytest.raises(zd.SolverError):
        write_folder(tmp_path / "zones", plan, problem)
    assert not (tmp_path / "zones").exists()


def one_zone_a_unit_only(sheet: Any, locks: Locks, *arrays: Any) -> Any:
    """Write the assignment rows and none that ties a unit to its centre or a centre to its level."""
    _, unit, x, _, _ = arrays
    for i in range(len(locks.group)):
        columns = x[(unit == i) & (x >= 0)]
        sheet.row(columns, np.ones(len(columns)), least=1.0, most=1.0)
    return np.zeros(sheet.height, dtype=bool)


def test_a_program_without_the_rows_that_tie_units_to_centres_is_caught(monkeypatch):
    problem = row(zd.Level("1", zones=(1, 2)))
    monkeypatch.setattr(program, "_write_assignment", one_zone_a_unit_only)
    outcome = certify(problem, limits=Limits(threads=1))
    assert "Centre" in every_plan.names_broken(zd.verify(outcome.plan, problem))
    with pytest.raises(zd.SolverError, match="gave no proper plan: "):
        zd.solve(problem, threads=1)


def test_a_program_without_the_rows_of_assignment_is_caught(monkeypatch):
    def of_one_unit_fewer(sheet: Any, locks: Locks, *arrays: Any) -> Any:
        group = locks.group.copy()
        group[5] = -1  # the last unit's row is not written
        return whole(sheet, replace(locks, group=group), *arrays)

    whole = program._write_assignment
    problem = row(TWO)
    monkeypatch.setattr(program, "_write_assignment", of_one_unit_fewer)
    with pytest.raises(zd.SolverError, match="gave no proper plan: "):
        zd.solve(problem, threads=1)
