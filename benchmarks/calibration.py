"""Calibration on planted factors: how near it comes, and how long it takes, by the number of trips.

Run it with the folder of real data beside the checkout, or named in ZONEDESIGN_GEODATA. Trips between output
areas of South-East Hampshire are invented: each group of roads is slower by a known factor, every trip has
12 % noise and is rounded to whole minutes, and a tenth are grossly wrong, most of them slow.
"""

from __future__ import annotations

import argparse
import logging
import time

import geopandas as gpd
import numpy as np
import pandas as pd
from measuring import PAGE, machine, se_hampshire, table, write_block

import zonedesign as zd
from zonedesign._tripways import GROUPS, groups_of

PLANTED = (1.10, 1.60, 1.25, 1.35, 1.10)
"""By group of roads, in the order of `GROUPS`."""


def planted_roads(roads: zd.RoadNetwork) -> zd.RoadNetwork:
    """Return the roads with every group slower by its factor."""
    stated = roads.speeds.to_table()
    for kind, share in stated["shares"].items():
        for place, group in zip(("built_up", "rural"), groups_of(kind), strict=True):
            share[place] /= PLANTED[group] if group < len(PLANTED) else 1.0
    return roads.with_profile(stated)


def invented(times: zd.TravelTimes, trips: int, seed: int) -> pd.DataFrame:
    """Return that many trips, `from`, `to` and `minutes`, as they would be driven at the planted speeds."""
    dice = np.random.default_rng(seed)
    pairs = times.to_frame().query("minutes > 3")
    chosen = pairs.iloc[dice.choice(len(pairs), trips, replace=False)]
    minutes = chosen["minutes"].to_numpy() * np.exp(dice.normal(0.0, 0.12, trips))
    wrong = dice.random(trips) < 0.1
    minutes[wrong] *= np.where(dice.random(wrong.sum()) < 0.8, dice.uniform(1.5, 3.0, wrong.sum()), 0.5)
    return pd.DataFrame(
        {"from": chosen["origin"].array, "to": chosen["destination"].array, "minutes": minutes.round()}
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the table into docs/calibration.md")
    asked = parser.parse_args()
    logging.getLogger("zonedesign").setLevel(logging.ERROR)
    folder = se_hampshire()
    roads = zd.read_roads(folder / "roads.osm.pbf")
    units = gpd.read_file(folder / "oa.gpkg").set_index("oa11cd")
    places = units["point_easting"], units["point_northing"]
    points = gpd.GeoSeries.from_xy(*places, crs=units.crs, index=units.index)
    times = zd.travel_times(roads, points, max_minutes=60)
    truth = zd.travel_times(planted_roads(roads), points, max_minutes=60)
    rows, held, intervals = [], 0, 0
    for trips, draws in ((100, 5), (400, 5), (1000, 5), (4000, 2)):
        seconds, off, before, after = [], [], [], []
        for draw in range(draws):
            began = time.process_time()
            found = zd.calibrate(times, invented(truth, trips, draw))
            seconds.append(time.process_time() - began)
            factors = found.factors.loc[list(GROUPS)]
            off.append(np.abs(factors["factor"].to_numpy() / PLANTED - 1.0))
            low, high = factors["low"].to_numpy(), factors["high"].to_numpy()
            held += int(((low <= PLANTED) & (high >= PLANTED)).sum())
            intervals += len(PLANTED)
            errors = found.errors.loc["held back", "median_error_minutes"]
            before.append(errors["before"])
            after.append(errors["after"])
        rows.append(
            [
                f"{trips:,}", str(draws), f"{np.mean(seconds):.1f}", f"{np.mean(off):.1%}",
                f"{np.max(off, axis=1).mean():.1%}", f"{np.mean(before):.1f} -> {np.mean(after):.1f}",
            ]
        )  # fmt: skip
        print(rows[-1], flush=True)
    heads = [
        "trips", "draws", "processor seconds", "factors off by, mean", "the worst of five, mean",
        "held-back median error, minutes",
    ]  # fmt: skip
    held_said = f"{held} of {intervals} intervals held the planted factor."
    said = "\n\n".join([machine(["numpy", "scipy"]), table(heads, rows), held_said])
    print(said)
    if asked.write:
        write_block("calibration", said, PAGE.with_name("calibration.md"))


if __name__ == "__main__":
    main()
