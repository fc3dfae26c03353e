"""Packing: what a scenario has for the tender pack besides the plan, such as landmarks, postcodes, values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from zonedesign.progress import silent

if TYPE_CHECKING:
    from zonedesign.plan import Plan
    from zonedesign.progress import Progress
    from zonedesign.scenario import Scenario
    from zonedesign.scenario.settings import Settings


def material_of(scenario: Scenario, plan: Plan, tell: Progress = silent) -> dict[str, Any]:
    """Return what `pack.gather` takes besides plan and problem, as far as the scenario names it."""
    return _background(scenario.settings, plan, tell) | _figures(scenario, plan)


def _background(settings: Settings, plan: Plan, tell: Progress) -> dict[str, Any]:
    """Return the landmarks of the road file, and the postcodes, where the scenario names them."""
    from zonedesign.osm.landmarks import has_landmarks, read_landmarks  # noqa: PLC0415
    from zonedesign.pack.lookup import postcode_lots  # noqa: PLC0415

    found: dict[str, Any] = {}
    roads = settings.roads.path
    if roads is not None and has_landmarks(Path(roads)):
        tell("landmarks", None, Path(roads).name)
        found["landmarks"] = read_landmarks(Path(roads))
    postcodes = settings.publish.postcodes or settings.demand.postcodes
    if postcodes is not None:
        tell("postcodes", None, Path(postcodes).name)
        date = settings.publish.postcodes_date
        found["postcodes"] = postcode_lots(plan, Path(postcodes), "" if date is None else date.isoformat())
    return found


def _figures(scenario: Scenario, plan: Plan) -> dict[str, Any]:
    """Return customers' hours by unit, and the forecast values of lots, where the scenario has them."""
    from zonedesign.demand import packages_of  # noqa: PLC0415
    from zonedesign.lots.money import money_frame  # noqa: PLC0415

    found: dict[str, Any] = {}
    stated = scenario.settings.demand
    if stated.customers is not None:
        rows = packages_of(plan.of_units, stated.customers, postcodes=stated.postcodes)
        found["packages"] = rows.set_index("unit")["weekly_hours"]
    values = money_frame(plan, scenario.terms)["value_a_year"] if scenario.terms else None
    if values is not None and values.notna().any():
        found["values"] = values
    return found
