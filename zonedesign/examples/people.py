"""The people of the county, all invented: residents of every unit, and 1,907 customers of home care."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign.examples.areas import Areas
    from zonedesign.examples.places import Settlement
    from zonedesign.examples.streets import Drawing
    from zonedesign.examples.tiles import Tiles

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

DRAWN_IN = 0.75
"""How much of its distance from the mean of its level a published row keeps."""

HOURS_A_HEAD = 23_572 / 97_915
"""Weekly hours for every person of 75 and over in West Sussex, 2019 (hours) and mid-2020 (people)."""

OLDER_SHARE = {"town": 0.105, "market town": 0.135, "village": 0.14, "hamlet": 0.13}
WEIGHT = {"town": 1.0, "market town": 1.0, "village": 0.62, "hamlet": 0.3}

VISITS = ((3, 5, 7, 10, 14, 21, 28), (0.04, 0.06, 0.20, 0.10, 0.28, 0.17, 0.15))
MINUTES = ((30, 45, 60), (0.52, 0.33, 0.15))
GROUPS = (
    ("older people", "physical disability", "learning disability", "mental health"),
    (0.80, 0.12, 0.04, 0.04),
)
FUNDING = (("council", "nhs", "self"), (0.82, 0.08, 0.10))
PROVIDERS = (
    "Applecart Care", "Brightwater Homecare", "Copperfield Care", "Dovetail Support", "Evergreen at Home",
    "Fernlea Homecare", "Greywillow Care", "Harbourlight", "Ivyhouse Care", "Kestrel Homecare",
    "Lanternway Care", "Meadowgate Support",
)  # fmt: skip


@dataclass(frozen=True)
class People:
    """Residents by unit (n,), and the customers as a frame; `unit` is the position of each one's unit."""

    population: Ints
    pop_65_plus: Ints
    pop_75_plus: Ints
    customers: pd.DataFrame
    unit: Ints


def published() -> pd.DataFrame:
    """Return the 35 areas that West Sussex published: `level`, `area_name`, `customers`, `weekly_hours`."""
    text = files("zonedesign.examples").joinpath("files/published_areas_2019.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    numbers = {"level": int, "customers": int, "weekly_hours": int}
    return pd.DataFrame(rows).astype(numbers)


def people(units: Tiles, plan: Areas, places: list[Settlement], roads: Drawing, seed: int) -> People:
    """Return who lives where and who is cared for, area by area from the published table."""
    rng = np.random.default_rng([seed, 6])
    kinds = [places[i].kind for i in units.settlement]
    hours, counts = _targets(rng)
    older = np.zeros(len(kinds), dtype=np.int64)
    rows: list[dict[str, object]] = []
    homes = _homes(units, roads)
    inner = shapely.buffer(units.polygons, -4.0)  # a customer on a boundary would be anybody's
    for area in range(len(plan.level)):
        mine = np.flatnonzero(plan.area == area)
        share = np.array([WEIGHT[kinds[i]] for i in mine]) * rng.lognormal(0.0, 0.16, len(mine))
        share /= share.sum()
        older[mine] = np.round(hours[area] / HOURS_A_HEAD * rng.uniform(0.95, 1.05) * share).astype(np.int64)
        where = rng.permutation(np.repeat(mine, rng.multinomial(counts[area], share)))
        used = rng.dirichlet(np.full(len(PROVIDERS), 0.35))
        for unit, package in zip(where, _packages(hours[area], int(counts[area]), rng), strict=True):
            rows.append(_customer(int(unit), package, used, homes[unit], inner[unit], rng))
    order = rng.permutation(len(rows))
    frame = pd.DataFrame([rows[i] for i in order])
    unit_of = frame.pop("unit").to_numpy()
    frame.insert(0, "id", [f"C{i:04d}" for i in range(1, len(frame) + 1)])
    everyone = np.round(older / np.array([OLDER_SHARE[k] for k in kinds]) * rng.lognormal(0, 0.1, len(kinds)))
    over_65 = np.round(older * rng.uniform(2.0, 2.25, len(kinds)))
    return People(everyone.astype(np.int64), over_65.astype(np.int64), older, frame, unit_of)


def _targets(rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Return hours and customers of each of the 35 areas, whole, with the published totals by level."""
    table = published()
    hours, counts = [], []
    for _, group in table.groupby("level", sort=True):
        rows = group.iloc[rng.permutation(len(group))]
        hours.append(_drawn_in(rows["weekly_hours"].to_numpy()))
        counts.append(_drawn_in(rows["customers"].to_numpy()))
    return np.concatenate(hours), np.concatenate(counts)


def _drawn_in(values: NDArray[np.int64]) -> Ints:
    """Return `values` moved towards their mean, rounded by largest remainder so that the sum stays."""
    moved = values.mean() + DRAWN_IN * (values - values.mean())
    whole: Ints = np.floor(moved + 1e-9).astype(np.int64)
    most = np.argsort(-(moved - whole), kind="stable")
    whole[most[: int(values.sum() - whole.sum())]] += 1
    return whole


def _packages(hours: int, count: int, rng: np.random.Generator) -> list[tuple[int, int, int]]:
    """Return (visits a week, minutes a visit, carers a visit) of `count` customers that add up to `hours`.

    Packages are drawn as they are common, then redrawn one at a time, mostly where that brings the sum
    nearer, until one last package can make up exactly what is left.
    """
    drawn = [_package(rng) for _ in range(count)]
    minutes = np.array([math.prod(package) for package in drawn])
    while minutes.sum() != 60 * hours:
        i = int(rng.integers(count))
        exact = _exactly(int(60 * hours - minutes.sum() + minutes[i]))
        trial = exact or _package(rng)
        change = math.prod(trial) - minutes[i]
        nearer = abs(minutes.sum() + change - 60 * hours) < abs(minutes.sum() - 60 * hours)
        if exact or nearer or rng.random() < 0.05:  # a few customers can be stuck where no redraw is nearer
            drawn[i] = trial
            minutes[i] += change
    return drawn


def _package(rng: np.random.Generator) -> tuple[int, int, int]:
    """Return one package of care as it might be: mostly daily, mostly half an hour, some double-handed."""
    visits = int(rng.choice(VISITS[0], p=VISITS[1]))
    minutes = int(rng.choice(MINUTES[0], p=MINUTES[1]))
    return visits, minutes, 2 if visits >= 14 and rng.random() < 0.2 else 1


def _exactly(weekly_minutes: int) -> tuple[int, int, int] | None:
    """Return the package of two to 28 visits that comes to so many minutes a week, if there is one."""
    for minutes in (30, 45, 60):
        visits, rest = divmod(weekly_minutes, minutes)
        if rest == 0 and 2 <= visits <= 28:
            return visits, minutes, 1
    return None


def _customer(
    unit: int,
    package: tuple[int, int, int],
    providers: Floats,
    homes: Floats,
    inner: object,
    rng: np.random.Generator,
) -> dict[str, object]:
    """Return one invented customer: a home near a street of the unit, and the package of care."""
    visits, minutes, carers = package
    x, y = homes[0]
    for _ in range(40):
        spot = homes[rng.integers(len(homes))] + rng.normal(0, 32.0, 2)
        if shapely.contains_xy(inner, *np.round(spot)):
            x, y = spot
            break
    return {
        "unit": unit,
        "weekly_hours": math.prod(package) / 60,
        "easting": round(float(x)),
        "northing": round(float(y)),
        "client_group": str(rng.choice(GROUPS[0], p=GROUPS[1])),
        "visits_per_week": visits,
        "minutes_per_visit": minutes,
        "carers_per_visit": carers,
        "time_critical": bool(rng.random() < 0.25),
        "funding": str(rng.choice(FUNDING[0], p=FUNDING[1])),
        "provider": str(rng.choice(PROVIDERS, p=providers)),
    }


def _homes(units: Tiles, roads: Drawing) -> list[Floats]:
    """Return, for every unit, its own point and the street nodes inside it that houses may stand near."""
    built = sorted({
        node for way in roads.ways if way.tags["highway"] in ("residential", "tertiary") for node in way.nodes
    })  # fmt: skip
    spots = np.asarray(roads.nodes)[built]
    unit, node = shapely.STRtree(shapely.points(spots)).query(units.polygons, predicate="contains")
    return [np.vstack([units.points[i], spots[node[unit == i]]]) for i in range(len(units.points))]
