"""Designs home-care zones: travel times, integer programs, proof and maps.

Every public name stands here and is loaded from its room when it is first asked for, so that importing the
package defines names and does nothing else.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zonedesign.calibrate import Calibration as Calibration
    from zonedesign.calibrate import calibrate as calibrate
    from zonedesign.certificate import Certificate as Certificate
    from zonedesign.certificate import Status as Status
    from zonedesign.compare import Comparison as Comparison
    from zonedesign.compare import compare as compare
    from zonedesign.contiguity import Contiguity as Contiguity
    from zonedesign.contiguity import touching as touching
    from zonedesign.errors import DataError as DataError
    from zonedesign.errors import InfeasibleError as InfeasibleError
    from zonedesign.errors import NoPlanError as NoPlanError
    from zonedesign.errors import ScenarioError as ScenarioError
    from zonedesign.errors import SolverError as SolverError
    from zonedesign.errors import ZoneDesignError as ZoneDesignError
    from zonedesign.explain import Explanation as Explanation
    from zonedesign.explain import Relaxation as Relaxation
    from zonedesign.explain import explain as explain
    from zonedesign.folder import read_plan as read_plan
    from zonedesign.folder import write_folder as write_folder
    from zonedesign.levels import CharacterShare as CharacterShare
    from zonedesign.levels import Level as Level
    from zonedesign.lots import Award as Award
    from zonedesign.lots import Lots as Lots
    from zonedesign.lots import Terms as Terms
    from zonedesign.lots import award as award
    from zonedesign.lots import lots as lots
    from zonedesign.maps import review_map as review_map
    from zonedesign.osm import read_roads as read_roads
    from zonedesign.plan import Plan as Plan
    from zonedesign.portfolio import Portfolio as Portfolio
    from zonedesign.portfolio import portfolio as portfolio
    from zonedesign.problem import About as About
    from zonedesign.problem import Objective as Objective
    from zonedesign.problem import Problem as Problem
    from zonedesign.questions import Frontier as Frontier
    from zonedesign.questions import Outlook as Outlook
    from zonedesign.questions import Price as Price
    from zonedesign.questions import Stress as Stress
    from zonedesign.questions import TrafficSensitivity as TrafficSensitivity
    from zonedesign.questions import traffic_sensitivity as traffic_sensitivity
    from zonedesign.questions.frontier import frontier as frontier
    from zonedesign.questions.price import price as price
    from zonedesign.questions.stress import stress as stress
    from zonedesign.roads import RoadNetwork as RoadNetwork
    from zonedesign.roads import sketch_roads as sketch_roads
    from zonedesign.rules import Apart as Apart
    from zonedesign.rules import CentreAt as CentreAt
    from zonedesign.rules import Character as Character
    from zonedesign.rules import Contiguous as Contiguous
    from zonedesign.rules import Diameter as Diameter
    from zonedesign.rules import Fixed as Fixed
    from zonedesign.rules import Frozen as Frozen
    from zonedesign.rules import HoursShare as HoursShare
    from zonedesign.rules import MaxMiles as MaxMiles
    from zonedesign.rules import NestIn as NestIn
    from zonedesign.rules import Reach as Reach
    from zonedesign.rules import Together as Together
    from zonedesign.rules import Volume as Volume
    from zonedesign.rules import ZoneCount as ZoneCount
    from zonedesign.scenario import read_scenario as read_scenario
    from zonedesign.solve import solve as solve
    from zonedesign.sweep import Sweep as Sweep
    from zonedesign.sweep import sweep as sweep
    from zonedesign.traveltimes import TravelTimes as TravelTimes
    from zonedesign.traveltimes import travel_times as travel_times
    from zonedesign.units import Units as Units
    from zonedesign.units import read_units as read_units
    from zonedesign.verify import verify as verify

    __version__: str

_ROOMS = {
    "calibrate": ("Calibration", "calibrate"),
    "certificate": ("Certificate", "Status"),
    "compare": ("Comparison", "compare"),
    "contiguity": ("Contiguity", "touching"),
    "errors": (
        "DataError",
        "InfeasibleError",
        "NoPlanError",
        "ScenarioError",
        "SolverError",
        "ZoneDesignError",
    ),
    "explain": ("Explanation", "Relaxation", "explain"),
    "folder": ("read_plan", "write_folder"),
    "levels": ("CharacterShare", "Level"),
    "lots": ("Award", "Lots", "Terms", "award", "lots"),
    "maps": ("review_map",),
    "osm": ("read_roads",),
    "plan": ("Plan",),
    "portfolio": ("Portfolio", "portfolio"),
    "problem": ("About", "Objective", "Problem"),
    "questions": (
        "Frontier",
        "Outlook",
        "Price",
        "Stress",
        "TrafficSensitivity",
        "frontier",
        "price",
        "stress",
        "traffic_sensitivity",
    ),
    "roads": ("RoadNetwork", "sketch_roads"),
    "rules": (
        "Apart",
        "CentreAt",
        "Character",
        "Contiguous",
        "Diameter",
        "Fixed",
        "Frozen",
        "HoursShare",
        "MaxMiles",
        "NestIn",
        "Reach",
        "Together",
        "Volume",
        "ZoneCount",
    ),
    "scenario": ("read_scenario",),
    "solve": ("solve",),
    "sweep": ("Sweep", "sweep"),
    "traveltimes": ("TravelTimes", "travel_times"),
    "units": ("Units", "read_units"),
    "verify": ("verify",),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = sorted([*_HOME, "__version__"])  # noqa: PLE0605  (the list is a list)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415

        found: Any = version(__name__)
    elif name in _HOME:
        found = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    else:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return list(__all__)


class _Door(ModuleType):
    """The package as a module: where a room and its verb share a name (`verify`), the verb stands."""

    def __setattr__(self, name: str, value: Any) -> None:
        # Importing a room sets it as an attribute of its package, which would hide the verb.
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Door
