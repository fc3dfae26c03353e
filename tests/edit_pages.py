"""Editing pages in a browser: opened, driven at random, and held beside `verify` and `Problem.terms`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pages
import pytest
import toy

import zonedesign as zd
from zonedesign.folder import read_plan
from zonedesign.maps import edit_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """Open a page's source and wait until it is ready; at the end nothing was fetched and nothing complained of."""
    with pages.opened(browser, tmp_path, memory=True) as show_page:

        def when_ready(*page: Any, **options: Any) -> Any:
            tab = show_page(*page, **options)
            tab.evaluate("zonedesignEdit.ready")
            return tab

        yield when_ready


def toy_page(*rules: object, **changes: Any) -> str:
    problem = toy.problem(*rules, about=zd.About(name="Toyshire"), **changes)
    return edit_page(toy.plan(problem), problem, roads=zd.sketch_roads(problem.units.points))


def zone_of(tab: Any, unit: str) -> str | None:
    return tab.evaluate("unit => zonedesignEdit.plan().find(row => row.unit === unit).zone", unit)


def choose(tab: Any, *units: str) -> None:
    """Select units in the table of units, as anyone can by keyboard."""
    for unit in units:
        tab.get_by_label(f"Select {unit}", exact=True).check()


def edit_at_random(tab: Any, problem: zd.Problem, dice: np.random.Generator) -> str:
    """Make one edit through the page's API, any of its verbs; return what was said where it was refused."""
    plan = tab.evaluate("zonedesignEdit.plan()")
    zones = sorted({row["zone"] for row in plan if row["zone"] is not None})
    units = [row["unit"] for row in plan]
    levels = [level.name for level in problem.levels]

    def some(pool: list[str], most: int) -> list[str]:
        return [str(each) for each in dice.permutation(pool)[: int(dice.integers(1, most + 1))]]

    def one(pool: list[str]) -> str:
        return str(dice.choice(pool))

    verb = one(
        [
            "move",
            "move",
            "move",
            "makeOf",
            "splitOf",
            "merge",
            "recentre",
            "relevel",
            "takeOut",
            "undo",
            "redo",
        ]
    )
    if verb in ("undo", "redo"):
        tab.evaluate(f"zonedesignEdit.{verb}()")
        return ""
    if not zones:
        verb = "makeOf"
    zone = one(zones) if zones else ""
    inside = [row["unit"] for row in plan if row["zone"] == zone]
    call: list[Any] = {
        "move": lambda: ["move", some(units, 4), zone, "tried"],
        "takeOut": lambda: ["takeOut", some(units, 2), ""],
        "makeOf": lambda: ["make", some(units, 4), one(levels), "=1+1"],
        "splitOf": lambda: ["split", zone, some(inside, 3) if dice.random() < 0.5 else [], ""],
        "merge": lambda: ["merge", zone, one(zones), ""],
        "recentre": lambda: ["recentre", zone, one(inside) if dice.random() < 0.7 else None, ""],
        "relevel": lambda: ["relevel", zone, one(levels), ""],
    }[verb]()
    return tab.evaluate(
        "([verb, ...given]) => { try { zonedesignEdit.edit[verb](...given); return ''; }"
        " catch (error) { return error.message; } }",
        call,
    )  # type: ignore[no-any-return]


def agree(tab: Any, problem: zd.Problem, folder: Path, within: float = 0.0) -> None:
    """Hold the page's verdicts, terms and zones beside those of the plan that it exports.

    Minutes may differ by `within`, on its grid; nothing else may, and no verdict.
    """
    path = folder / "edited.csv"
    path.write_text(tab.evaluate("zonedesignEdit.csv()"), encoding="utf-8", newline="")
    figures, verdicts = tab.evaluate("[zonedesignEdit.figures(), zonedesignEdit.verdicts()]")
    if all(row["zone"] is None for row in tab.evaluate("zonedesignEdit.plan()")):
        return
    plan = read_plan(path, problem, partial=True)
    expected = zd.verify(plan, problem).to_dict("records")
    ours = [_key(row) for row in verdicts]
    assert sorted(ours) == sorted(_key(row) for row in expected)
    values = dict(zip(ours, verdicts, strict=True))
    for row in expected:
        found, value = values[_key(row)]["value"], row["value"]
        assert (math.isnan(found) and math.isnan(value)) or found == pytest.approx(
            value, abs=within, rel=1e-15
        ), row
    if len(plan.of_units) < len(problem.units):
        assert figures["objective"] is None
        return
    terms = problem.terms(plan)
    assert set(figures["terms"]) == set(terms)
    for name, value in terms.items():
        assert figures["terms"][name] == pytest.approx(
            value, abs=within if name == "mean_minutes" else 0, rel=1e-12
        ), name
    slack = within * problem.objective.travel
    assert figures["objective"] == pytest.approx(problem.value(terms), abs=slack, rel=1e-12)
    zones = plan.zones.set_index("zone")
    assert [row["zone"] for row in figures["zones"]] == list(zones.index)
    for row in figures["zones"]:
        same = zones.loc[row["zone"]]
        assert (row["name"], row["level"], row["centre"], row["units"]) == (
            same["name"], same["level"], str(same["centre"]), same["units"],
        )  # fmt: skip
        assert row["weekly_hours"] == pytest.approx(same["weekly_hours"], rel=1e-12)
        for name in ("mean_minutes", "max_minutes"):
            assert row[name] == pytest.approx(same[name], abs=within, rel=1e-12, nan_ok=True)


def _key(row: dict[str, Any]) -> tuple[str, ...]:
    low, high = row["limit"]
    bounds = [None if end is None else float(end) for end in (low, high)]
    return tuple(
        map(str, (row["rule"], row["zone"], row["level"], row["quantity"], bounds, bool(row["passed"])))
    )
