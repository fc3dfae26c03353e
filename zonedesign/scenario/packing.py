"""Packing: what a scenario has for the tender pack besides the plan, such as landmarks, postcodes, values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zonedesign.errors import ScenarioError
from zonedesign.progress import silent

if TYPE_CHECKING:
    from zonedesign.lots.terms import Terms
    from zonedesign.plan import Plan
    from zonedesign.progress import Progress
    from zonedesign.scenario import Scenario
    from zonedesign.scenario.settings import Settings

DAYS_A_YEAR = 365.25
_NEAR = 0.05
"""Years by which a stated term and the contract's dates may differ: dates fall on ends of months."""


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
    """Return what lots are worth, and on what terms they are let, where the scenario says."""
    from zonedesign.lots.money import money_frame  # noqa: PLC0415

    terms = _terms(scenario)
    money = money_frame(plan, scenario.terms if terms is None else terms)
    found: dict[str, Any] = {"stated": scenario.terms} | ({} if terms is None else {"terms": terms})
    return found | ({"money": money} if money["value_a_year"].notna().any() else {})


def _terms(scenario: Scenario) -> Terms | None:
    """Return the terms with how long contracts run, by their dates or as stated; None where neither says.

    Raises `ScenarioError` where the two differ.
    """
    publish, stated = scenario.settings.publish, "term_years" in scenario.settings.lots.model_fields_set
    if publish.contract_start is None or publish.contract_end is None:
        return scenario.terms if stated else None
    years = round(((publish.contract_end - publish.contract_start).days + 1) / DAYS_A_YEAR, 2)
    if not stated:
        return replace(scenario.terms, term_years=max(years, 0.01))
    if abs(years - scenario.terms.term_years) > _NEAR:
        raise ScenarioError(
            f"publish.contract_start to contract_end are {years:g} years, and lots.term_years is "
            f"{scenario.terms.term_years:g}; make them agree, or leave one out"
        )
    return scenario.terms
