"""The scenario: a TOML file that says what to design, read strictly and made into a problem."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zonedesign.scenario.building import build
from zonedesign.scenario.findings import Finding, findings
from zonedesign.scenario.lots import terms_of
from zonedesign.scenario.reading import Parsed, changed, parse
from zonedesign.scenario.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zonedesign.levels import Level
    from zonedesign.lots import Terms
    from zonedesign.problem import Problem
    from zonedesign.progress import Progress

__all__ = ["Finding", "Scenario", "Settings", "read_scenario"]


@dataclass(frozen=True, repr=False)
class Scenario:
    """A scenario file as read: its `settings`, its `levels`, and the `files` it consists of, itself first."""

    path: Path
    name: str
    settings: Settings
    levels: tuple[Level, ...]
    files: tuple[Path, ...]

    def problem(
        self, progress: Progress | None = None, *, start: Any = None, judging: bool = False
    ) -> Problem:
        """Return the problem, with all that the scenario names read; `DataError` says what is wrong.

        `start` is the file of a plan, or a Plan: without a baseline, the locks `fixed` and `frozen` name its
        zones. With `judging`, travel times go three times as far as any rule asks, so that a plan that breaks
        a limit shows by how much.
        """
        return build(
            self.files, self.name, self.settings, self.levels, progress, start=start, judging=judging
        )

    @property
    def terms(self) -> Terms:
        """On what terms the scenario lets its lots: the table `[lots]`."""
        return terms_of(self.settings.lots)

    def with_(self, changes: Mapping[str, Any], *, source: str) -> Scenario:
        """Return the scenario with some keys replaced, such as `levels` or `roads.profile`.

        What they say is checked as a file is; `ScenarioError` names `source` and the key.
        """
        found = changed(Parsed(self.settings, self.files, self.levels), changes, source)
        return replace(self, settings=found.settings, levels=found.levels)

    def check(self, progress: Progress | None = None, *, problem: Problem | None = None) -> list[Finding]:
        """Return what lines up and what does not, as plain data; a problem that was built already is used."""
        return findings(problem or self.problem(progress))

    def __repr__(self) -> str:
        levels = ", ".join(level.name for level in self.levels)
        return f"<Scenario: {self.name}, levels {levels}, {self.path.name}>"


def read_scenario(path: str | Path) -> Scenario:
    """Return a scenario file with what it extends; `ScenarioError` names the file and the key of a fault."""
    path = Path(path)
    parsed = parse(path)
    return Scenario(path, parsed.settings.name or path.stem, parsed.settings, parsed.levels, parsed.files)
