"""Comparing: two plans side by side, as a small table for the page and as the comparison's own page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zonedesign.certificate import plain
from zonedesign.compare import compare
from zonedesign.errors import ScenarioError
from zonedesign.studio.lines import plan_of

if TYPE_CHECKING:
    from zonedesign.compare import Comparison
    from zonedesign.studio.desk import Desk

MOST_MOVES = 200
"""Lines of what moves that the table shows; the page has all."""


def compared(desk: Desk, a: str | int, b: str | int) -> Comparison:
    """Return the comparison of two plans, judged by the rules as they are set now."""
    if a == b:
        raise ScenarioError("that is the same plan twice; choose two")
    problem = desk.setting.problem
    (first, before), (second, after) = desk.rows(a), desk.rows(b)
    if first == second:
        second = f"{second} (2)"
    return compare({first: plan_of(before, problem), second: plan_of(after, problem)}, problem)


def side_by_side(desk: Desk, a: str | int, b: str | int) -> dict[str, Any]:
    """Return the figures of two plans, and what moves from which zone to which, most hours first."""
    found = compared(desk, a, b)
    moves = found.realignment.sort_values("weekly_hours", ascending=False, kind="stable")
    told: dict[str, Any] = plain(
        {
            "names": list(found.names),
            "figures": found.plans.to_dict("records"),
            "moves": moves.head(MOST_MOVES).to_dict("records"),
            "all_moves": len(moves),
            "notes": list(found.notes),
        }
    )
    return told
