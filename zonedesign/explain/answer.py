"""Answers: why there is no plan, and what would have to change, as values to read and to print."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from zonedesign.errors import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

COLUMNS = (
    "rank", "rule", "level", "quantity", "before", "after", "zones", "units", "least", "setting", "sentence"
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Change:
    """One limit as it stands (`before`) and as it would have to be (`after`), and whom that concerns.

    `rule` and `quantity` are those of `verify`, or `Bridge` and `Exclude`; a lock, a border or a connection
    that is let go has no numbers. `zones` are ids of the plan's zones, `units` those beyond the limit as it
    stands; `setting` is what to write in the scenario.
    """

    rule: str
    level: str | None
    quantity: str
    before: float | None
    after: float | None
    zones: tuple[str, ...]
    units: tuple[Any, ...]
    setting: str
    sentence: str


@dataclass(frozen=True, eq=False, repr=False)
class Relaxation:
    """One or more changes with which there is a plan; `plan` proves it, for it keeps every rule of `problem`.

    `problem` is the one asked about with the changes made. `least` says whether it is proved that nothing
    smaller does: no limit here can be any nearer to what it was while the others stay, and none of several
    changes can be left out. `size` ranks: how far limits move, as a share of each, or which share of hours a
    lock or border concerns.
    """

    sentence: str
    changes: tuple[Change, ...]
    problem: Problem
    plan: Plan
    least: bool
    size: float

    @property
    def rule(self) -> str:
        """The rule of the first change."""
        return self.changes[0].rule

    @property
    def level(self) -> str | None:
        """The level of the first change, or None."""
        return self.changes[0].level

    @property
    def before(self) -> float | None:
        """The first change's limit as it stands."""
        return self.changes[0].before

    @property
    def after(self) -> float | None:
        """The first change's limit as it would have to be."""
        return self.changes[0].after

    def __repr__(self) -> str:
        return f"<Relaxation: {self.sentence}>"


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Why a problem has no plan, and the smallest changes found that give it one.

    `feasible` is True where `plan` meets every rule, False where it is proved that none does, None where
    neither was found in time. `causes` are proofs in words, `relaxations` are ranked, the smallest first;
    `notes` say what could not be looked into. Nothing is blamed where there is a plan.
    """

    feasible: bool | None
    causes: tuple[str, ...] = ()
    relaxations: tuple[Relaxation, ...] = ()
    plan: Plan | None = None
    notes: tuple[str, ...] = field(default=())
    seconds: float = 0.0

    @property
    def verdict(self) -> str:
        """Whether there is a plan, in one sentence."""
        if self.feasible:
            return "a plan exists: there is nothing to explain"
        if self.feasible is None:
            return (
                f"neither a plan nor a proof that there is none was found in {self.seconds:.0f} s: "
                "a plan may exist"
            )
        return (
            f"no plan can exist: {counted(len(self.causes), 'cause')}" if self.causes else "no plan can exist"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a row for every change of every relaxation, `rank` 1 being the smallest relaxation."""
        rows = [
            (
                rank, each.rule, each.level, each.quantity, each.before, each.after,
                each.zones, each.units, found.least, each.setting, each.sentence,
            )
            for rank, found in enumerate(self.relaxations, start=1)
            for each in found.changes
        ]  # fmt: skip
        frame = pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)
        return frame.astype({"rank": "int64", "before": "float64", "after": "float64", "least": bool})

    def as_dict(self) -> dict[str, Any]:
        """Return the explanation as JSON holds it."""
        return {
            "feasible": self.feasible,
            "verdict": self.verdict,
            "causes": list(self.causes),
            "relaxations": [_as_dict(found) for found in self.relaxations],
            "notes": list(self.notes),
            "seconds": self.seconds,
        }

    def lines(self) -> list[str]:
        """Return the explanation as lines of text: the verdict, the causes, the relaxations by number."""
        said = [self.verdict, *(f"- {cause}" for cause in self.causes), *self.repairs()]
        return said + [f"note: {note}" for note in self.notes]

    def repairs(self) -> list[str]:
        """Return the relaxations as lines of text, each by its number, with what to write in the scenario."""
        if self.feasible:
            return []
        if not self.relaxations:
            return ["no change of the rules was found in time that gives a plan"]
        said = ["with any one of these there is a plan, the smallest change first:"]
        for rank, found in enumerate(self.relaxations, start=1):
            said.append(f"{rank}. {found.sentence}")
            said += [f"   {each}" for each in dict.fromkeys(change.setting for change in found.changes)]
        return said

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def __repr__(self) -> str:
        return str(self)


def _as_dict(found: Relaxation) -> Mapping[str, Any]:
    return {
        "sentence": found.sentence,
        "least": found.least,
        "size": found.size,
        "changes": [
            {
                "rule": each.rule,
                "level": each.level,
                "quantity": each.quantity,
                "before": each.before,
                "after": each.after,
                "zones": list(each.zones),
                "units": [str(unit) for unit in each.units],
                "setting": each.setting,
                "sentence": each.sentence,
            }
            for each in found.changes
        ],
    }
