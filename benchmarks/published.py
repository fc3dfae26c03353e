"""Published instances: our optimum beside the printed one, and the seconds to prove it.

python benchmarks/published.py [FOLDER] [--limit SECONDS] [--threads N] [--only NAME]

FOLDER holds ID.json, NM.json, OK.json and SJC1.dat (by default `published` beside the folder in
ZONEDESIGN_GEODATA). Others like them are made from the LSOAs there. Every row is one call of `zd.solve`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import zonedesign as zd

if TYPE_CHECKING:
    from collections.abc import Callable

PRINTED = {
    ("ID", False): 61232.58,
    ("ID", True): 61232.58,
    ("NM", False): 32847.05,
    ("NM", True): 32944.25,
    ("OK", False): 21527.57,
    ("OK", True): 21756.50,
    ("SJC1", False): 17288.99,
}
LIKE_THEM = [
    (county, zones) for zones in (2, 3, 4, 5, 7) for county in ("rutland", "se-hampshire", "west-sussex")
    if zones < 4 or county != "rutland"
]  # fmt: skip
"""Real LSOAs made into as many zones: 23, 430 and 505 of them."""


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


def small_areas(county: str, zones: int) -> tuple[zd.Problem, float]:
    """Return real LSOAs by their people as a published instance: 0.5 % either side, whole kilometres."""
    import geopandas as gpd

    shapes = gpd.read_file(_geodata() / county / "lsoa.gpkg").set_index("lsoa11cd").sort_index()
    places = shapes[["point_easting", "point_northing"]].to_numpy() / 1000.0
    away = np.round(np.hypot(*(places[:, None] - places).transpose(2, 0, 1)))
    people = shapes["population"]
    mean = float(people.sum()) / zones
    units = zd.Units.from_frame(
        people.to_frame(), hours="population", contiguity=zd.touching(shapes.geometry)
    )
    times = zd.TravelTimes.from_matrix((away / 1000.0) ** 2, ids=people.index)
    band = int(np.ceil(0.995 * mean)), int(np.floor(1.005 * mean))
    level = zd.Level("district", weekly_hours=band, zones=zones)
    return zd.Problem(units, times, levels=[level], rules=[zd.Contiguous()]), float(people.sum())


def _geodata() -> Path:
    beside = Path(__file__).resolve().parents[2] / "shared" / "geodata"
    return Path(os.environ.get("ZONEDESIGN_GEODATA", beside))


def answered(problem: zd.Problem, factor: float, limit: float, threads: int | None) -> list[str]:
    """Return status, objective, bound, rounds of cuts and seconds of one call of `solve`, as a user would."""
    began = time.perf_counter()
    try:
        found = zd.solve(problem, gap=0.0, time_limit=limit, threads=threads).certificate
    except zd.InfeasibleError:
        told = ["infeasible", "-", "-", "-"]
    except zd.NoPlanError:
        told = ["no plan", "-", "-", "-"]
    else:
        values = (found.objective, found.bound)
        ours = ["-" if value is None else f"{value * factor:.2f}" for value in values]
        told = [str(found.status), *ours, str(found.details.get("rounds_of_cuts", "-"))]
    return [*told, f"{time.perf_counter() - began:.1f}"]


def main() -> None:
    """Print a row for every instance."""
    parser = argparse.ArgumentParser(description="published instances: optimum, printed value, seconds")
    parser.add_argument("folder", nargs="?", type=Path, default=_geodata().parent / "published")
    parser.add_argument("--limit", type=float, default=100.0, help="seconds for each instance")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--only", default="", help="names with this in them")
    asked = parser.parse_args()
    print("| instance | contiguous | printed | status | objective | bound | rounds | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    makers: dict[tuple[str, bool, str], Callable[[], tuple[zd.Problem, float]]] = {}
    for (name, contiguous), printed in PRINTED.items():
        path = asked.folder / f"{name}{'.dat' if name == 'SJC1' else '.json'}"
        make = partial(medians, path) if name == "SJC1" else partial(districting, path, contiguous=contiguous)
        makers[name, contiguous, f"{printed:.2f}"] = make
    for county, zones in LIKE_THEM:
        makers[f"{county} LSOAs, {zones} zones", True, "-"] = partial(small_areas, county, zones)
    for (name, contiguous, printed), make in makers.items():
        if asked.only in name:
            told = answered(*make(), asked.limit, asked.threads)
            print(
                f"| {name} | {'yes' if contiguous else 'no'} | {printed} | {' | '.join(told)} |", flush=True
            )


if __name__ == "__main__":
    main()
