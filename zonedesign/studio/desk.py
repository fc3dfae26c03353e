"""The desk: a scenario as it is being tried, its problem, the plan it began with, and the store beside."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign import measures
from zonedesign.certificate import plain
from zonedesign.errors import (
    InfeasibleError,
    NoPlanError,
    ScenarioError,
    SolverError,
    ZoneDesignError,
    counted,
    listed,
)
from zonedesign.plan import Plan
from zonedesign.profiles import profile_names
from zonedesign.progress import silent
from zonedesign.scenario import read_scenario
from zonedesign.scenario.building import build, cutoff
from zonedesign.studio.lines import in_order, plan_of, rows_of
from zonedesign.studio.store import Store
from zonedesign.verify import broken, verify

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from zonedesign.problem import Problem
    from zonedesign.progress import Progress
    from zonedesign.scenario import Scenario
    from zonedesign.studio.settings import Lines
    from zonedesign.studio.store import Row

FIRST_SECONDS, FIRST_GAP = 60.0, 0.05
"""How long the first plan of a scenario without one is sought, and how good it need be."""
NEAR_PLANS = 8
"""How many of the newest steps and plans a repair is looked for near to."""
SOURCE = "the studio"
"""What messages call the place where levels and profile were set."""


@dataclass(frozen=True, eq=False)
class Setting:
    """A scenario as it is being tried: its problem, and the plan to begin with on it."""

    scenario: Scenario
    problem: Problem
    start: Plan


class Desk:
    """What the studio works on. `setting` is replaced whole, so whoever read it goes on with what it read."""

    def __init__(
        self,
        setting: Setting,
        store: Store,
        *,
        start: Path | None = None,
        known: dict[str, Any] | None = None,
    ) -> None:
        self.setting, self.store, self._file, self._start = setting, store, setting.scenario, start
        self._known = known or {}
        self.units = [str(unit) for unit in setting.problem.units.ids]
        self.changing = threading.Lock()

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self.setting.scenario.name

    # Rules: levels and the profile of traffic.

    def rules(self) -> dict[str, Any]:
        """Return the levels as `[[levels]]` has them, the profile, and which there are to choose from."""
        settings = self.setting.scenario.settings
        profile = settings.roads.profile
        return {
            "levels": _levels_of(self.setting.scenario),
            "profile": profile if isinstance(profile, str) else None,
            "profiles": [] if settings.roads.sketch else list(profile_names()),
            "as_in_file": self._changes() == {},
            "file": self._file.path.name,
        }

    def _changes(self) -> dict[str, Any]:
        """Return what differs from the scenario's file, as the store keeps it."""
        mine, filed = self.setting.scenario, self._file
        changes: dict[str, Any] = {}
        if _levels_of(mine) != _levels_of(filed):
            changes["levels"] = _levels_of(mine)
        if mine.settings.roads.profile != filed.settings.roads.profile:
            changes["roads.profile"] = mine.settings.roads.profile
        return changes

    def change(
        self, levels: Sequence[Mapping[str, Any]], profile: str | None, tell: Progress = silent
    ) -> None:
        """Set levels and profile, checked as a scenario is; the plan in hand stays, and is judged by them.

        Raises `ScenarioError` or `DataError`, and then nothing is changed.
        """
        with self.changing:
            changes: dict[str, Any] = {"levels": [dict(level) for level in levels]}
            if profile is not None:
                changes["roads.profile"] = profile
            scenario = self._file.with_(changes, source=SOURCE)
            names = [level.name for level in self._file.levels]
            if [level.name for level in scenario.levels] != names:
                raise ScenarioError(f"levels keep their names and their order in the studio: {listed(names)}")
            self.setting = self._settled(scenario, tell)
            self.store.note("rules", {"file": _levels_of(self._file), "changes": self._changes()})

    def _settled(self, scenario: Scenario, tell: Progress) -> Setting:
        """Return another scenario with its problem; travel times are worked out anew where that is needed."""
        before = self.setting
        roads, roads_before = scenario.settings.roads, before.scenario.settings.roads
        asked, reached = cutoff(scenario.levels), before.problem.times.max_minutes
        if roads == roads_before and asked is not None and asked <= reached:
            problem = before.problem.with_(levels=scenario.levels)
        else:
            # The units stay; roads and minutes of one profile at a time are all that memory should hold.
            known = {key: made for key, made in self._known.items() if key.startswith("people ")}
            problem = _built(scenario, self._start, tell, known)
            self._known = known
        return Setting(scenario, problem, plan_of(rows_of(before.start), problem))

    def restore_rules(self, tell: Progress = silent) -> str | None:
        """Set what was set in the studio last time; return what there is to say of it.

        What was set is left alone where the scenario's file has other levels by now.
        """
        noted = self.store.fact("rules")
        if not noted or not noted["changes"]:
            return None
        if noted["file"] != _levels_of(self._file):
            return (
                f"{self._file.path.name} has other levels than when they were changed in the studio: "
                "the file's are used"
            )
        changes = noted["changes"]
        try:
            self.change(changes.get("levels", noted["file"]), changes.get("roads.profile"), tell)
        except ZoneDesignError as error:
            return f"the levels set in the studio do not fit any more ({error}): the file's are used"
        return "levels and profile are as they were set in the studio"

    # Plans.

    def lines(self, given: Lines) -> list[Row]:
        """Return rows from a client in the units' order; `ScenarioError` for units unknown or given twice."""
        rows: list[Row] = [(line.unit, line.zone, line.level, line.centre) for line in given]
        units = {row[0] for row in rows}
        if len(units) < len(rows):
            raise ScenarioError(
                f"the plan gives {counted(len(rows) - len(units), 'unit')} twice; each occurs once"
            )
        strange = units.difference(self.units)
        if strange:
            raise ScenarioError(
                f"the plan names {counted(len(strange), 'unit')} that the scenario lacks: {listed(strange)}"
            )
        if not any(row[1] for row in rows):
            raise ScenarioError("the plan gives no unit a zone; give one at least")
        ordered = in_order(rows, self.units)
        plan_of(ordered, self.setting.problem)  # levels and centres, checked as in a file
        return ordered

    def rows(self, ref: str | int) -> tuple[str, list[Row]]:
        """Return what a plan is called, and its rows: `working`, `start`, or the number of a saved one."""
        if ref == "start":
            return "The plan begun with", rows_of(self.setting.start)
        if ref == "working":
            working = self.store.working()
            return "The plan in hand", rows_of(self.setting.start) if working is None else working[1]
        kept, rows = self.store.plan(int(ref))
        return kept.name, rows

    def near(self) -> list[list[Row]]:
        """Return plans that may be near the one in hand: begun with, saved of late, before the last edits."""
        store = self.store
        found = [rows_of(self.setting.start)]
        found += [store.plan(kept.id)[1] for kept in store.plans()[:NEAR_PLANS]]
        return found + [store.plan_after(step.id) for step in store.steps(NEAR_PLANS)]

    def figures(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Return what is to be said of a plan: its terms, totals by level, and which rules it breaks."""
        problem, start = self.setting.problem, self.setting.start
        plan = plan_of(rows, problem)
        verdicts = verify(plan, problem)
        whole = len(plan.of_units) == len(problem.units)
        terms = problem.terms(plan) if whole else {}
        failed = int((~verdicts["passed"]).sum())
        moved = (
            measures.moved_share(problem.hours, np.asarray(plan.zone), np.asarray(start.zone))
            if whole
            else None
        )
        facts = {
            "zones": len(plan.zone_ids),
            "without_zone": len(problem.units) - len(plan.of_units),
            "broken": failed,
            "breaks": broken(verdicts, most=8) if failed else "",
            "objective": problem.value(terms) if whole else None,
            "terms": terms,
            "moved_from_start": moved,
            "levels": self._by_level(plan),
        }
        found: dict[str, Any] = plain(facts)
        return found

    def _by_level(self, plan: Plan) -> list[dict[str, Any]]:
        zones = plan.zones
        found = []
        for level in self.setting.problem.levels:
            mine = zones[zones["level"] == level.name]
            people = pd.to_numeric(mine["customers"], errors="coerce")
            found.append(
                {
                    "level": level.name,
                    "zones": len(mine),
                    "weekly_hours": float(mine["weekly_hours"].sum()),
                    "customers": None if people.isna().any() else float(people.sum()),
                    "worst_minutes": float(mine["max_minutes"].max()) if len(mine) else None,
                }
            )
        return found


def _levels_of(scenario: Scenario) -> list[dict[str, Any]]:
    """Return levels as a scenario file writes them, as JSON holds them."""
    return [level.model_dump(exclude_none=True) for level in scenario.settings.levels]


def open_desk(
    scenario: Path, store: Path, *, start: Path | None = None, tell: Progress = silent
) -> tuple[Desk, list[str]]:
    """Return the desk as it was left, and remarks on where its plan comes from.

    The plan to begin with is the one given, else the one that the store began with, else the baseline, else
    one that is designed now. Another start than last time becomes the plan in hand, as one more step.
    """
    read = read_scenario(scenario)
    known: dict[str, Any] = {}
    problem = _built(read, start, tell, known)
    kept = Store(store, scenario=read.name, units=[str(unit) for unit in problem.units.ids])
    try:
        begun = kept.fact("start")
        said: list[str] = []
        if start is None and begun is not None:
            plan = plan_of([tuple(row) for row in begun], problem)
        else:
            plan, said = _first_plan(problem, tell)
        desk = Desk(Setting(read, problem, plan), kept, start=start, known=known)
        rows = rows_of(plan)
        if kept.working() is None or [list(row) for row in rows] != begun:
            kept.step(rows, "Began" if start is None else f"Began with {start.name}")
            kept.note("start", rows)
        restored = desk.restore_rules(tell)
    except BaseException:
        kept.close()
        raise
    return desk, said if restored is None else [*said, restored]


def _built(scenario: Scenario, start: Path | None, tell: Progress, known: dict[str, Any]) -> Problem:
    """Return a scenario's problem, with minutes far enough to judge plans that break a limit."""
    settings, levels = scenario.settings, scenario.levels
    return build(
        scenario.files, scenario.name, settings, levels, tell, start=start, judging=True, known=known
    )


def _first_plan(problem: Problem, tell: Progress) -> tuple[Plan, list[str]]:
    from zonedesign.solve.start import completed  # noqa: PLC0415  (solving is slow to import)

    if isinstance(problem.start, Plan):
        return completed(problem, problem.start)
    today = problem.baseline_zones
    if today is not None:
        given = problem.objective.baseline
        if isinstance(given, Plan):
            return completed(problem, given)
        labels = pd.Series(np.array(today[1], dtype=object)[today[0]], index=problem.units.ids, dtype=object)
        plan = Plan.from_labels(problem.units, problem.times, labels, levels=problem.levels)
        return plan, ["it begins with the scenario's baseline"]
    return _designed(problem, tell)


def _designed(problem: Problem, tell: Progress) -> tuple[Plan, list[str]]:
    """Return a plan found in a minute at most; where there is none, one zone of everything, to be divided."""
    from zonedesign.solve import solve  # noqa: PLC0415  (solving is slow to import)

    try:
        plan = solve(problem, time_limit=FIRST_SECONDS, gap=FIRST_GAP, progress=tell)
    except (InfeasibleError, NoPlanError, SolverError) as error:
        labels = pd.Series("all", index=problem.units.ids, dtype=object)
        plan = Plan.from_labels(problem.units, problem.times, labels, levels=problem.levels)
        return plan, [f"no plan was found to begin with ({error}): all units begin in one zone"]
    return plan, ["no plan was given to begin with (--start PLAN.csv), so one was designed"]
