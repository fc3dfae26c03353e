"""The public list is short and guarded, and importing the package does nothing but define names."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

import zonedesign as zd

PUBLIC = sorted(
    """
About Apart Calibration CentreAt Certificate Character CharacterShare Comparison Contiguity Contiguous DataError Diameter Explanation Fixed Frontier Frozen
HoursShare InfeasibleError Level MaxMiles NestIn NoPlanError Objective Outlook Plan Portfolio Price Problem Reach Relaxation RoadNetwork ScenarioError
SolverError Status Stress Sweep Together TrafficSensitivity TravelTimes Units Volume ZoneCount ZoneDesignError __version__ calibrate compare explain frontier portfolio price read_plan read_roads
read_scenario read_units review_map sketch_roads solve stress sweep touching traffic_sensitivity travel_times verify write_folder Award Lots Terms award lots
""".split()  # noqa: SIM905  (a list to read)
)


def test_the_public_list_is_this():
    assert zd.__all__ == PUBLIC
    assert dir(zd) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there(name):
    assert getattr(zd, name) is not None


def test_the_version_is_the_installed_one():
    assert zd.__version__ == version("zonedesign")


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'zonedesign' has no attribute 'solv'"):
        _ = zd.solv


def run(script: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_importing_loads_no_library_and_no_room():
    told = run(
        "import zonedesign, sys; print(sorted(m for m in sys.modules if m.startswith(('zonedesign.', 'numpy', 'pandas'))))"
    )
    assert told == "[]"


def test_designing_in_memory_loads_no_drawing_library():
    script = "import zonedesign as zd, sys; zd.Problem, zd.verify, zd.Units; print({'folium', 'matplotlib'} & set(sys.modules))"
    assert run(script) == "set()"


def test_a_verb_is_not_hidden_by_the_room_of_its_name():
    script = "import zonedesign.verify, zonedesign as zd; from zonedesign import verify; print(callable(zd.verify), verify is zd.verify)"
    assert run(script) == "True True"
