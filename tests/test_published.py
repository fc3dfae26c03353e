"""Published instances: the optimum that others printed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import zonedesign as zd
from zonedesign.certificate import Status
from zonedesign.solve.certify import Limits, certify

CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def published() -> Path:
    """Folder of published instances, beside that of real data."""
    geodata = Path(os.environ.get("ZONEDESIGN_GEODATA", CHECKOUT.parent / "shared" / "geodata"))
    folder = geodata.parent / "published"
    if not folder.is_dir():
        pytest.skip(
            f"published instances not found at {folder}: they stand beside the folder in ZONEDESIGN_GEODATA"
        )
    return folder


def districting(path: Path, *, contiguous: bool) -> tuple[zd.Problem, float]:
    """Counties to districts: the problem, and what turns its objective into the published figure."""
    told = json.loads(path.read_text())
    frame = pd.DataFrame(told["nodes"]).set_index("id")
    units = zd.Units.from_frame(frame, hours="pop", contiguity=[tuple(edge) for edge in told["edges"]])
    times = zd.TravelTimes.from_matrix((np.array(told["dist_km"]) / 1000.0) ** 2, ids=frame.index)
    level = zd.Level("district", weekly_hours=(told["L"], told["U"]), zones=told["k"])
    return zd.Problem(units, times, levels=[level], rules=[zd.Contiguous()] if contiguous else []), float(
        frame["pop"].sum()
    )


@pytest.mark.parametrize(
    ("state", "contiguous", "optimum"),
    [("ID", False, 61232.58), ("ID", True, 61232.58), ("NM", False, 32847.05), ("NM", True, 32944.25)],
)
def test_counties_to_districts_reach_the_published_optimum(published, state, contiguous, optimum):
    problem, people = districting(published / f"{state}.json", contiguous=contiguous)
    outcome = certify(problem, limits=Limits(seconds=120, threads=1))
    assert outcome.status is Status.OPTIMAL
    assert outcome.objective * people == pytest.approx(optimum, abs=0.005)
    assert zd.verify(outcome.plan, problem)["passed"].all()


@pytest.mark.parametrize(
    ("state", "contiguous", "optimum"),
    [
        ("ID", True, 61232.58),
        ("NM", True, 32944.25),
        ("OK", False, 21527.57),
        ("OK", True, 21756.50),
    ],
)
def test_the_public_door_proves_the_published_optimum(published, state, contiguous, optimum):
    problem, people = districting(published / f"{state}.json", contiguous=contiguous)
    plan = zd.solve(problem, time_limit=400, gap=0.0)
    assert plan.certificate.status is Status.OPTIMAL
    assert plan.certificate.objective * people == pytest.approx(optimum, abs=0.005)
