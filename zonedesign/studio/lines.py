"""Lines: a plan as rows of text, in which it travels between page, store and worker, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from zonedesign._plantables import plan_of_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem
    from zonedesign.studio.store import Row

COLUMNS = ("unit", "zone", "level", "centre")


def rows_of(plan: Plan) -> list[Row]:
    """Return a plan as rows of unit, zone, level and centre, every id as text, in the units' order."""
    ids = [str(unit) for unit in plan.of_units.ids]
    zones = plan.zone.tolist()
    return [
        (unit, plan.zone_ids[k], plan.levels[k], ids[int(plan.centres[k])])
        for unit, k in zip(ids, zones, strict=True)
    ]


def plan_of(rows: Sequence[Row], problem: Problem) -> Plan:
    """Return the plan in rows; units without zone are left out of it. `DataError` says what is wrong."""
    table = pd.DataFrame(
        [["" if cell is None else cell for cell in row] for row in rows], columns=list(COLUMNS), dtype=object
    )
    return plan_of_rows(table, problem, source="the plan", partial=True)


def in_order(rows: Sequence[Row], units: Sequence[str]) -> list[Row]:
    """Return rows in the units' order, a row for each; so that the same plan is the same text."""
    by_unit = {row[0]: row for row in rows}
    return [by_unit.get(unit, (unit, None, None, None)) for unit in units]
