"""Stress: whether a plan will last, as demand grows, customers come and go, and traffic slows."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign.errors import DataError, counted, listed, require_columns, require_number
from zonedesign.levels import SLACK
from zonedesign.questions.chance import wilson
from zonedesign.questions.draws import STEPS_A_YEAR, Course, Packages, drawn
from zonedesign.questions.growth import Growth, growth_of
from zonedesign.questions.sentences import assumptions, zone_says
from zonedesign.questions.traffic import TrafficSensitivity, label_of, traffic_sensitivity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

SIDES = ("hours_below", "hours_above", "customers_below", "customers_above")
"""The ways to leave a band."""
GROWTH, CUSTOMERS, BOTH = "growth", "customers", "growth and customers"
"""Causes: expected demand alone, chance alone, and the two together."""
MOST_DRAWS = 100_000


@dataclass(frozen=True, eq=False)
class Outlook:
    """What is assumed of the years to come.

    `growth` is a table by district (see `growth_of`), a frame or a file; None is none. `packages` has a row
    for each customer: `unit` and `weekly_hours`; None makes packages from the problem's own totals, all alike
    within a zone, of `mean_package` hours a week where customers are not counted. `turnover` is the share of
    packages that end within a year.
    """

    growth: Any = None
    packages: pd.DataFrame | None = None
    mean_package: float = 12.0
    turnover: float = 0.5

    def __post_init__(self) -> None:
        require_number("mean_package", self.mean_package, "hours a week above 0", lambda v: v > 0)
        require_number("turnover", self.turnover, "a share from 0 up to 1", lambda v: 0 <= v < 1)


@dataclass(frozen=True, eq=False, repr=False)
class Stress:
    """The chance that zones leave their bands or their reach, by year and cause.

    `chances` has a row for each zone, year and cause: the `chance` that the zone was outside at the end of
    some quarter by then, with the error bar of the draws (`low`, `high`: 95 %), and the chance of each way
    out (`hours_below` and so on, `reach`); `outside_then` is the chance to be outside just then. Growth alone
    and traffic are certain: 0 or 1, without error bar. `zones` sums every zone up: figures and bands,
    `expected_hours` at the end, the chance by each year, when and how it leaves first, `order` of failing,
    and `says`, a sentence or two. `years_of_plan` has the chance that any zone is outside by each year.
    """

    chances: pd.DataFrame
    zones: pd.DataFrame
    years_of_plan: pd.DataFrame
    traffic: TrafficSensitivity
    years: tuple[float, ...]
    draws: int
    seed: int
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        last = self.years_of_plan.iloc[-1]
        return (
            f"<Stress: {counted(len(self.zones), 'zone')}, {self.draws:,} draws, some zone outside within "
            f"{last['years']:g} years: {last['chance']:.0%}>"
        )


def stress(
    plan: Plan,
    problem: Problem,
    outlook: Outlook | None = None,
    *,
    years: Sequence[float] = (1, 3, 5),
    slower: Sequence[float] = (0.1, 0.2, 0.3),
    draws: int = 2000,
    seed: int = 0,
    threads: int | None = None,
) -> Stress:
    """Return the chance that each zone of a plan leaves its bands or its reach, and which is first.

    Bands are those of the zone's level. The same seed gives the same draws at any number of threads. Raises
    `DataError` for a plan of other units, and where growth or packages do not fit them.
    """
    asked = _years(years)
    require_number(
        "draws", draws, "a whole number from 100 up", lambda v: 100 <= v <= MOST_DRAWS and v % 1 == 0
    )
    require_number("seed", seed, "a whole number, 0 or more", lambda v: v >= 0 and v % 1 == 0)
    if not plan.of_units.ids.equals(problem.units.ids):
        raise DataError("the plan is not on the problem's units; read it with the problem's scenario")
    outlook = outlook or Outlook()
    growth = growth_of(problem.units, outlook.growth)
    steps = math.ceil(asked[-1] * STEPS_A_YEAR)
    zones = _packages(plan, problem, outlook, growth)
    bands = _bands(plan, problem)
    traffic = traffic_sensitivity(plan, problem, slower)
    factors = growth.factors(np.arange(steps + 1) / STEPS_A_YEAR)
    expected = np.stack([zone.expected(factors) for zone in zones])  # zones, hours or customers, steps
    still = Course.of(growth.still, outlook.turnover, steps)
    causes = {GROWTH: _out(expected.transpose(0, 2, 1)[:, None], bands)}
    # Two streams: what chance does alone, and what it does beside growth.
    causes[CUSTOMERS] = _all_out(drawn(zones, still, draws, (seed, 0), threads), bands)
    if outlook.growth is not None:
        grown = Course.of(growth, outlook.turnover, steps)
        causes[BOTH] = _all_out(drawn(zones, grown, draws, (seed, 1), threads), bands)
    else:
        causes[BOTH] = causes[CUSTOMERS]
    made = _Told(plan, problem, asked, draws, causes, traffic, expected, bands)
    frame = made.zones()
    return Stress(
        made.chances(), frame, made.of_plan(), traffic, asked, draws, seed,
        tuple(assumptions(outlook, growth, draws)),
    )  # fmt: skip


def _years(years: Sequence[float]) -> tuple[float, ...]:
    found = tuple(sorted({float(year) for year in years}))
    for year in found:
        require_number(
            "years", year, "years from 0.25 up to 50, such as 1, 3 and 5", lambda v: 0.25 <= v <= 50
        )
    if not found:
        raise DataError("years is empty; give one at least, such as 5")
    return found


# Demand, as packages.


def _packages(plan: Plan, problem: Problem, outlook: Outlook, growth: Growth) -> list[Packages]:
    """Return the packages of every zone: those given, or else some that make up the zone's totals."""
    if outlook.packages is not None:
        return _given(plan, problem, outlook.packages, growth)
    people, found = problem.customers, []
    for zone in range(len(plan.zone_ids)):
        hours, number, counts, kinds = [], [], [], []
        for kind in np.unique(growth.of_unit[plan.zone == zone]):
            members = (plan.zone == zone) & (growth.of_unit == kind)
            total = float(problem.hours[members].sum())
            customers = total / outlook.mean_package if people is None else float(people[members].sum())
            many = max(round(customers), 1 if total > 0 or customers > 0 else 0)
            if not many:
                continue
            # Hours without a customer are a package all the same, which counts as nobody.
            share = customers / many if customers > 0 else 1.0
            hours.append(total / (many * share))
            number.append(many * share)
            counts.append(1.0 if customers > 0 else 0.0)
            kinds.append(kind)
        found.append(
            Packages(np.array(hours), np.array(number), np.array(counts), np.array(kinds, dtype=np.int64))
        )
    return found


def _given(plan: Plan, problem: Problem, table: pd.DataFrame, growth: Growth) -> list[Packages]:
    """Return the packages of a table by zone, each so often that every unit has the problem's hours."""
    require_columns(table.columns, ["unit", "weekly_hours"], "packages")
    at = problem.units.ids.get_indexer(pd.Index(table["unit"]))
    if (at < 0).any():
        lost = table["unit"][at < 0]
        raise DataError(f"packages name {counted(len(lost), 'unit')} that are not there: {listed(lost)}")
    hours = table["weekly_hours"].to_numpy(np.float64)
    if not (np.isfinite(hours) & (hours >= 0)).all():
        raise DataError("packages have weekly_hours that are missing or negative; correct these rows")
    n = len(problem.units)
    held = np.bincount(at, weights=hours, minlength=n)
    off = (problem.hours > SLACK) & (held <= 0)
    if off.any():
        raise DataError(
            f"packages leave {counted(int(off.sum()), 'unit')} with hours empty: "
            f"{listed(problem.units.ids[off])}; give all packages, or none"
        )
    times = np.where(held > 0, problem.hours / np.where(held > 0, held, 1.0), 1.0)
    times = np.where(np.abs(times - 1.0) < 1e-9, 1.0, times)
    found = []
    for zone in range(len(plan.zone_ids)):
        mine = np.flatnonzero(plan.zone[at] == zone)
        units = at[mine]
        found.append(Packages(hours[mine], times[units], np.ones(len(mine)), growth.of_unit[units]))
    return found


# Bands, and what is outside them.


def _bands(plan: Plan, problem: Problem) -> Floats:
    """Return (zones, 4): least and most hours, least and most customers; open ends are infinite."""
    levels = {level.name: level for level in problem.levels}
    rows = []
    for name in plan.levels:
        level = levels.get(name)
        hours = (level.weekly_hours if level else None) or (None, None)
        people = (level.customers if level else None) or (None, None)
        rows.append([-np.inf if end is None else end for end in (hours[0],)]
                    + [np.inf if hours[1] is None else hours[1]]
                    + [-np.inf if people[0] is None else people[0]]
                    + [np.inf if people[1] is None else people[1]])  # fmt: skip
    return np.array(rows, dtype=np.float64)


def _out(course: Floats, bands: Floats) -> Bools:
    """Return which of `SIDES` are outside (zones, draws, steps, 4) in a course (zones, draws, steps, 2)."""
    ends = bands[:, None, None, :]
    return np.stack(
        [
            course[..., 0] < ends[..., 0] - SLACK,
            course[..., 0] > ends[..., 1] + SLACK,
            course[..., 1] < ends[..., 2] - SLACK,
            course[..., 1] > ends[..., 3] + SLACK,
        ],
        axis=-1,
    )


def _all_out(courses: list[Floats], bands: Floats) -> Bools:
    return np.concatenate([_out(each[None], bands[k : k + 1]) for k, each in enumerate(courses)])


# What is told.


@dataclass(eq=False)
class _Told:
    """Frames of what the draws say; `causes` are (zones, draws, steps, sides) by name."""

    plan: Plan
    problem: Problem
    years: tuple[float, ...]
    draws: int
    causes: dict[str, Bools]
    traffic: TrafficSensitivity
    expected: Floats
    bands: Floats
    first: Floats = field(init=False)

    def __post_init__(self) -> None:
        # The present is as the plan says, whatever whole packages a draw begins with.
        self.now = self.causes[GROWTH][:, :, :1]
        for name in (CUSTOMERS, BOTH):
            self.causes[name][:, :, :1] = self.now
        out = self.causes[BOTH].any(axis=-1)
        steps = out.shape[-1]
        self.first = np.where(out.any(axis=-1), out.argmax(axis=-1), steps) / STEPS_A_YEAR

    def _at(self, year: float) -> int:
        return min(math.floor(year * STEPS_A_YEAR + 1e-9), int(self.expected.shape[-1]) - 1)

    def chances(self) -> pd.DataFrame:
        """Return a row for every zone, year and cause."""
        rows: list[dict[str, Any]] = []
        for cause, out in self.causes.items():
            certain = cause == GROWTH
            for year in self.years:
                by_then = out[:, :, : self._at(year) + 1].any(axis=2)  # zones, draws, sides
                hits = by_then.any(axis=-1).sum(axis=1)
                low, high = wilson(hits, out.shape[1])
                then = out[:, :, self._at(year)].any(axis=-1).mean(axis=1)
                sides = by_then.mean(axis=1)
                for k, zone in enumerate(self.plan.zone_ids):
                    share = float(hits[k] / out.shape[1])
                    rows.append(
                        {
                            "zone": zone, "level": self.plan.levels[k], "years": year, "cause": cause,
                            "chance": share,
                            "low": share if certain else float(low[k]),
                            "high": share if certain else float(high[k]),
                            "outside_then": float(then[k]),
                            **dict(zip(SIDES, sides[k].tolist(), strict=True)),
                            "reach": math.nan,
                        }
                    )  # fmt: skip
        beyond = {share: self._beyond(share) for share in self.traffic.slower}
        rows += [
            {
                "zone": zone, "level": self.plan.levels[k], "years": year, "cause": label,
                "chance": gone, "low": gone, "high": gone, "outside_then": gone,
                **dict.fromkeys(SIDES, math.nan), "reach": gone,
            }
            for share in self.traffic.slower
            for label in [f"traffic {label_of(share)}"]
            for year in self.years
            for k, zone in enumerate(self.plan.zone_ids)
            for gone in [float(beyond[share][zone])]
        ]  # fmt: skip
        frame = pd.DataFrame(rows)
        place = {zone: k for k, zone in enumerate(self.plan.zone_ids)}
        order = np.lexsort((np.arange(len(frame)), frame["years"], frame["zone"].map(place)))
        return frame.iloc[order].reset_index(drop=True)

    def _beyond(self, share: float) -> dict[str, bool]:
        """Return which zones have a unit, or a pair of units, out of reach at a share."""
        rows = self.traffic.zones[self.traffic.zones["slower"] == share]
        gone = (rows["units"] > 0) | (rows["pairs"].fillna(0) > 0)
        return dict(zip(rows["zone"], gone, strict=True))

    def zones(self) -> pd.DataFrame:
        """Return a row for every zone, in the order of the plan's zones."""
        frame = self.plan.zones[["zone", "name", "level", "units", "weekly_hours", "customers"]].copy()
        frame["least_hours"], frame["most_hours"] = _finite(self.bands[:, 0]), _finite(self.bands[:, 1])
        frame["least_customers"], frame["most_customers"] = (
            _finite(self.bands[:, 2]),
            _finite(self.bands[:, 3]),
        )
        frame["expected_hours"] = self.expected[:, 0, self._at(self.years[-1])]
        out = self.causes[BOTH]
        for year in self.years:
            hits = out[:, :, : self._at(year) + 1].any(axis=(2, 3)).sum(axis=1)
            frame[f"chance_{year:g}"] = hits / out.shape[1]
            frame[f"low_{year:g}"], frame[f"high_{year:g}"] = wilson(hits, out.shape[1])
        frame["outside_today"] = np.asarray(self.now.any(axis=(1, 2, 3)))
        frame["first_side"] = [self._side(k) for k in range(len(frame))]
        frame["first_chance"], frame["first_low"], frame["first_high"] = self._first()
        median = np.quantile(self.first, 0.5, axis=1, method="higher")
        frame["median_years"] = np.where(median <= self.years[-1], median, np.nan)
        frame["order"] = self._order()
        frame["traffic_leaves_at"] = self._leaves_at()
        frame["says"] = [
            zone_says({str(k): v for k, v in row.items()}, self.years) for row in frame.to_dict("records")
        ]
        return frame

    def _side(self, zone: int) -> str:
        """Return the way by which a zone leaves first in most draws, empty where it never does."""
        out = self.causes[BOTH][zone]
        gone = out.any(axis=(1, 2))
        if not gone.any():
            return ""
        at = out.any(axis=-1).argmax(axis=1)[gone]
        return SIDES[int(out[gone, at].sum(axis=0).argmax())]

    def _first(self) -> tuple[Floats, Floats, Floats]:
        """Return the chance that a zone is the first outside; zones that leave in one quarter share it."""
        soonest = self.first.min(axis=0)
        leads = (self.first == soonest) & (soonest <= self.years[-1])
        hits = (leads / np.maximum(leads.sum(axis=0), 1)).sum(axis=1)
        return (hits / self.first.shape[1], *wilson(hits, self.first.shape[1]))

    def _order(self) -> Ints:
        """Return the order (1 first) in which zones are expected to leave: by their mean time inside."""
        mean = np.minimum(self.first, self.years[-1] + 1 / STEPS_A_YEAR).mean(axis=1)
        order = np.empty(len(mean), dtype=np.int64)
        order[np.argsort(mean, kind="stable")] = np.arange(1, len(mean) + 1)
        return order

    def _leaves_at(self) -> list[float]:
        """Return the smallest share of slower traffic at which a zone leaves its reach; NaN: none asked."""
        shares = (0.0, *self.traffic.slower)
        gone = {share: self._beyond(share) for share in shares}
        return [
            next((share for share in shares if gone[share][zone]), math.nan) for zone in self.plan.zone_ids
        ]

    def of_plan(self) -> pd.DataFrame:
        """Return the chance that any zone is outside by each year, and how many are on average."""
        out = self.causes[BOTH]
        rows = []
        for year in self.years:
            by_then = out[:, :, : self._at(year) + 1].any(axis=(2, 3))
            hits = int(by_then.any(axis=0).sum())
            low, high = wilson(hits, out.shape[1])
            rows.append(
                {
                    "years": year, "chance": hits / out.shape[1], "low": float(low), "high": float(high),
                    "zones_by_then": float(by_then.sum(axis=0).mean()),
                    "zones_outside_then": float(out[:, :, self._at(year)].any(axis=-1).sum(axis=0).mean()),
                }
            )  # fmt: skip
        return pd.DataFrame(rows)


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)
