"""What `explain` answers, and what a `solve` that proves there is no plan says of the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zonedesign.cli.answer import INFEASIBLE, NO_PLAN, Answer
from zonedesign.cli.screen import error_line, impossible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zonedesign.explain import Explanation

AFTER_SOLVE = 20.0
"""Seconds that a solve which proves there is no plan looks for repairs, at most."""


def explained(found: Explanation, scenario: str, name: str, remarks: Sequence[str]) -> Answer:
    """Return an explanation: exit 0 where there is a plan, 3 where it is proved that none is, else 4."""
    data = {"verb": "explain", "scenario": scenario, "name": name, **found.as_dict()}
    lines = [name, *found.lines()]
    if found.feasible:
        return Answer(data, lines, remarks=remarks)
    if found.feasible is None:
        return Answer(data, lines, NO_PLAN, remarks, error_line(found.verdict))
    said = impossible(found.causes) if found.causes else "no plan can exist"
    return Answer(data, lines, INFEASIBLE, remarks, error_line(said))


def with_repairs(causes: Sequence[str], found: Explanation | None) -> Answer:
    """Return what a solve without a plan says: the causes, what would give a plan, and the error last."""
    line = impossible(causes)
    repairs = [] if found is None else list(found.repairs())
    data = {
        "verb": "solve",
        "exit": INFEASIBLE,
        "error": " ".join(line.split()),
        "causes": list(causes),
        "relaxations": [] if found is None else found.as_dict()["relaxations"],
        "notes": [] if found is None else list(found.notes),
    }
    said = [f"- {' '.join(cause.split())}" for cause in causes]
    return Answer(data, (), INFEASIBLE, error="\n".join([*said, *repairs, error_line(line)]))
