"""Published instances: our optimum beside the printed one, and the seconds to prove it.

python benchmarks/published.py [FOLDER] [--limit SECONDS] [--threads N]

FOLDER holds ID.json, NM.json, OK.json and SJC1.dat (by default `published` beside the folder in
ZONEDESIGN_GEODATA).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd

import zonedesign as zd
from zonedesign.solve.certify import Limits, certify

PRINTED = {
    ("ID", False): 61232.58,
    ("ID", True): 61232.58,
    ("NM", False): 32847.05,
    ("NM", True): 32944.25,
    ("OK", False): 21527.57,
    ("OK", True): 21756.50,
    ("SJC1", False): 17288.99,
}


def districting(path: Path, *, contiguous: bool) -> tuple[zd.Problem, float]:
    """Return counties to be made districts, and what turns the objective into the printed figure."""
    told = json.loads(path.read_text())
    frame = pd.DataFrame(told["nodes"]).set_index("id")
    units = zd.Units.from_frame(frame, hours="pop", contiguity=[tuple(edge) for edge in told["edges"]])
    times = zd.TravelTimes.from_matrix((np.array(told["dist_km"]) / 1000.0) ** 2, ids=frame.index)
    level = zd.Level("district", weekly_hours=(told["L"], told["U"]), zones=told["k"])
    rules = [zd.Contiguous()] if contiguous else []
    return zd.Problem(units, times, levels=[level], rules=rules), float(frame["pop"].sum())


def medians(path: Path) -> tuple[zd.Problem, float]:
    """Return a capacitated p-median: an hour a unit weighs the distance, demand are the customers."""
    lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
    n, p = int(lines[0][0]), int(lines[0][1])
    x, y, capacity, demand = np.array(lines[1 : n + 1], dtype=float).T
    if len(set(capacity)) > 1:
        raise SystemExit(f"{path.name}: capacities differ; a level has one")
    frame = pd.DataFrame({"hours": 1.0, "demand": demand})
    units = zd.Units.from_frame(frame, hours="hours", customers="demand")
    times = zd.TravelTimes.from_matrix(np.hypot(x[:, None] - x, y[:, None] - y), ids=frame.index)
    return zd.Problem(units, times, levels=[zd.Level("1", customers=(0, capacity[0]), zones=p)]), float(n)


def main() -> None:
    """Print a row for every instance."""
    beside = Path(
        os.environ.get("ZONEDESIGN_GEODATA", Path(__file__).resolve().parents[2] / "shared" / "geodata")
    )
    parser = argparse.ArgumentParser(description="published instances: optimum, printed value, seconds")
    parser.add_argument("folder", nargs="?", type=Path, default=beside.parent / "published")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds for each instance")
    parser.add_argument("--threads", type=int, default=None)
    asked = parser.parse_args()
    print("| instance | contiguous | status | objective | printed | bound | rounds | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for (name, contiguous), printed in PRINTED.items():
        path = asked.folder / f"{name}{'.dat' if name == 'SJC1' else '.json'}"
        problem, factor = medians(path) if name == "SJC1" else districting(path, contiguous=contiguous)
        began = time.perf_counter()
        outcome = certify(problem, limits=Limits(seconds=asked.limit, threads=asked.threads))
        seconds = time.perf_counter() - began
        ours, bound = (
            "-" if value is None else f"{value * factor:.2f}" for value in (outcome.objective, outcome.bound)
        )
        yes = "yes" if contiguous else "no"
        print(
            f"| {name} | {yes} | {outcome.status} | {ours} | {printed:.2f} | {bound} | {outcome.rounds} "
            f"| {seconds:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
