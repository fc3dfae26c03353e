"""Tiny random problems: any set of rules, terms and oddities of a world, with and without a plan in them.

A problem is grown from a recipe: how many units and levels, which traits, how lucky, and a seed for all numbers.
Hypothesis draws recipes, so that a failure comes down to the fewest units, levels and traits that show it.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
from every_plan import EveryPlan
from hypothesis import settings
from hypothesis import strategies as st
from shapely.geometry import Point

from zonedesign import rules as kinds
from zonedesign.contiguity import Contiguity
from zonedesign.levels import CharacterShare, Level
from zonedesign.plan import Plan
from zonedesign.problem import Objective, Problem
from zonedesign.traveltimes import TravelTimes
from zonedesign.units import Units

if TYPE_CHECKING:
    import pytest

MANY = int(os.environ.get("ZONEDESIGN_EXAMPLES", "1"))
"""How many times as many examples as usual; above 1 they are new ones in every run."""

RULES = (
    "hours", "customers", "minutes", "between", "miles", "zones", "share", "character", "contiguous", "loose",
    "authority", "joint", "nest", "together", "apart", "centre", "fixed", "frozen",
)  # fmt: skip
"""Traits that are rules; `loose` lets some levels' zones be in pieces, `joint` lets two councils share zones."""
TERMS = ("change", "borders", "cut", "no travel")
ODDITIES = (
    "open",  # any number of zones, so that mostly every unit is best alone
    "one way",  # minutes unlike in the two directions, with pairs that no road joins
    "pieces",  # a graph in pieces
    "idle",  # units without hours, now and then all of them
    "same point",  # units on top of each other
    "fine",  # hours and limits beside each other, by less than the slack and by a little more
    "large",  # thousands of hours a unit
    "start",  # a start plan that locks refer to, where there is no baseline
    "stated",  # the plan that locks refer to says its centres
    "numbers",  # ids are numbers
    "lengths",  # neighbours share boundaries of different lengths
    "uneven",  # weights of very different sizes
)
TRAITS = (*RULES, *TERMS, *ODDITIES)
LUCK = ("planted", "spoilt", "wild")


@dataclass(frozen=True)
class Recipe:
    """What a problem is grown from; `luck` is how its limits are drawn.

    `planted` reads them off a plan that is there first, `spoilt` too but tightens some, `wild` draws them.
    """

    units: int
    levels: int
    traits: frozenset[str]
    luck: str
    seed: int


@st.composite
def recipes(draw: st.DrawFn, *, least: int = 1, most: int = 6, luck: tuple[str, ...] = LUCK) -> Recipe:
    """Return any recipe of so many units; every number of traits up to 14 is as likely."""
    size = draw(st.integers(0, 14))
    return Recipe(
        draw(st.integers(least, most)),
        draw(st.integers(1, 3)),
        frozenset(draw(st.sets(st.sampled_from(TRAITS), min_size=size, max_size=size))),
        draw(st.sampled_from(luck)),
        draw(st.integers(0, 2**32 - 1)),
    )


def examples(usual: int) -> settings:
    """Return how often a test is run: the same examples always, or, with ZONEDESIGN_EXAMPLES, many new ones."""
    return settings(max_examples=usual * MANY, deadline=None, derandomize=MANY == 1, print_blob=MANY > 1)


def by_search(patch: pytest.MonkeyPatch, *, whole: bool) -> None:
    """Send small problems the way of large ones, in short rounds: the search, and then the `whole` program or not."""
    # zonedesign.solve is the function, so its rooms are asked for by name.
    run, rounds, prove = (
        importlib.import_module(f"zonedesign.solve.{room}") for room in ("run", "rounds", "prove")
    )
    patch.setattr(run, "SMALL_UNITS", -1)
    patch.setattr(rounds, "moves_of", lambda *_: 4000)
    patch.setattr(rounds, "SLOWER", 1.0)
    patch.setattr(rounds, "STALE_ROUNDS", 1)
    if not whole:
        patch.setattr(prove, "WHOLE_ARCS", -1)
        patch.setattr(prove, "CLOSING_UNITS", -1)


def problem_of(recipe: Recipe) -> Problem:
    """Grow the problem of a recipe."""
    return _Growing(recipe).problem()


class _Growing:
    def __init__(self, recipe: Recipe) -> None:
        self.recipe, self.traits, self.n = recipe, recipe.traits, recipe.units
        self.dice = np.random.default_rng(recipe.seed)
        self.planted = recipe.luck != "wild"
        names: list[Any] = (
            [k * 3 for k in range(self.n)] if "numbers" in self.traits else [f"u{k}" for k in range(self.n)]
        )
        self.ids = [names[k] for k in self.dice.permutation(self.n)]
        self._demand()
        self._graph()
        self._plan()
        self._minutes()

    def chance(self, p: float) -> bool:
        return bool(self.dice.random() < p)

    # The world.

    def _demand(self) -> None:
        dice, n = self.dice, self.n
        self.hours = dice.choice([1.0, 2.0, 3.7, 5.25, 8.0], n)
        if "large" in self.traits:
            self.hours = self.hours * 1000
        if "fine" in self.traits:
            self.hours = self.hours + dice.choice([0.0, 3.7e-7, 0.013579], n)
        if "idle" in self.traits:
            self.hours = np.where(dice.random(n) < (1.0 if self.chance(0.15) else 0.4), 0.0, self.hours)
        self.customers = dice.integers(0, 4, n)
        self.urban = dice.random(n) < 0.6
        places = dice.integers(0, 5, (n, 2))
        if "same point" in self.traits:
            places = places[dice.integers(0, 1 if self.chance(0.5) else 2, n) % n]
        self.places = places * 1000

    def _graph(self) -> None:
        dice, n = self.dice, self.n
        kept = 0.6 if "pieces" in self.traits else 1.0
        near = {(int(dice.integers(0, i)), i) for i in range(1, n) if self.chance(kept)}
        near |= {(a, b) for b in range(n) for a in range(b) if self.chance(0.2 if kept == 1 else 0.05)}
        self.near = sorted(near)

    def _plan(self) -> None:
        """Share units out at random: the plan that limits are read off."""
        dice, n = self.dice, self.n
        zone, wanted = np.arange(n), int(dice.integers(1, n + 1))
        linked = "contiguous" in self.traits
        for _ in range(3 * n):
            if len(np.unique(zone)) <= wanted:
                break
            pairs = self.near if linked else [(a, b) for a in range(n) for b in range(a)]
            if not pairs:
                break
            a, b = pairs[int(dice.integers(0, len(pairs)))]
            zone[zone == zone[a]] = zone[b]
        self.zone = np.unique(zone, return_inverse=True)[1]
        count = int(self.zone.max()) + 1
        self.level = dice.integers(0, self.recipe.levels, count)
        self.centre = np.array([int(dice.choice(np.flatnonzero(self.zone == z))) for z in range(count)])

    def _minutes(self) -> None:
        dice, n = self.dice, self.n
        if "one way" in self.traits:
            minutes = dice.integers(0, 12, (n, n)) + dice.choice([0.0, 0.5, 0.123], (n, n))
            minutes[dice.random((n, n)) < 0.15] = np.inf
            if self.planted:  # the planted plan's own ways stay open
                for i, j in enumerate(self.centre[self.zone]):
                    for way in ((i, j), (j, i)):
                        minutes[way] = min(minutes[way], 11.5)
        else:
            x, y = self.places.T / 1000
            minutes = 2.5 * np.hypot(x[:, None] - x, y[:, None] - y)
        np.fill_diagonal(minutes, 0.0)
        self.minutes = minutes
        self.longer = np.maximum(minutes, minutes.T)

    # Limits, read off the plan or drawn.

    def _levels(self) -> list[Level]:
        return [self._level(k) for k in range(self.recipe.levels)]

    def _asked(self, trait: str) -> bool:
        return trait in self.traits and self.chance(0.75)

    def _off(self, size: float) -> float:
        """Return how much room a limit has, less than none now and then where the recipe is spoilt."""
        if self.recipe.luck == "spoilt" and self.chance(0.5):
            return -size * float(self.dice.choice([0.01, 0.5, 2.0]))
        return size * float(self.dice.choice([0.0, 0.0, 0.5, 3.0]))

    def _band(self, sums: np.ndarray, size: float) -> tuple[float | None, float | None]:
        low, high = max(0.0, sums.min() - self._off(size)), max(0.0, sums.max() + self._off(size))
        # A multiple of a millionth: demand is a good part of the slack away from where the slack ends.
        low, high = round(float(min(low, high)), 6), round(float(max(low, high)), 6)
        return [(low, high), (low, high), (low, None), (None, high)][int(self.dice.integers(0, 4))]

    def _sums(self, weight: np.ndarray, k: int) -> np.ndarray:
        """Return what the zones of a level hold of something, in the plan or in any zones."""
        mine = np.flatnonzero(self.level == k)
        if self.planted and len(mine):
            return np.array([weight[self.zone == z].sum() for z in mine])
        return np.array([weight[self.dice.random(self.n) < 0.5].sum() for _ in range(3)])

    def _furthest(self, pairs: list[tuple[int, int]], table: np.ndarray, room: float = 2.0) -> float | None:
        """Return a limit on pairs of units that share a zone, with some room; None where it would say nothing."""
        if not self.planted or not pairs:
            pairs = [tuple(pair) for pair in self.dice.integers(0, self.n, (2, 2))]
        furthest = max(table[a, b] for a, b in pairs)
        limit = max(0.0, furthest + self._off(room))
        return (
            None if np.isinf(limit) else max(0.0, float(np.ceil(limit * 1000) / 1000) - self._within_slack())
        )

    def _within_slack(self) -> float:
        """Return by how much a limit is stricter than it looks, within the slack, where the recipe is fine."""
        return float(self.dice.choice([0.0, 4e-7])) if "fine" in self.traits else 0.0

    def _level(self, k: int) -> Level:
        mine = np.flatnonzero(self.level == k)
        inside = [(a, b) for a in range(self.n) for b in range(self.n) if self.zone[a] == self.zone[b]]
        inside = [(a, b) for a, b in inside if self.level[self.zone[a]] == k]
        served = [(a, b) for a, b in inside if a == self.centre[self.zone[a]]]
        busy = (self.hours > 0) | (self.customers > 0)
        x, y = self.places.T
        miles = np.hypot(x[:, None] - x, y[:, None] - y) / 1609.344
        asked = {trait: self._asked(trait) for trait in RULES}
        limits: dict[str, Any] = {}
        if asked["hours"]:
            limits["weekly_hours"] = self._band(
                self._sums(self.hours, k), 2000.0 if "large" in self.traits else 2.0
            )
        if asked["customers"]:
            limits["customers"] = self._band(self._sums(self.customers, k), 1.0)
        if asked["minutes"]:
            limits["max_minutes"] = self._furthest(served, self.longer)
        if asked["between"]:
            demand = [(a, b) for a, b in inside if busy[a] and busy[b]]
            limits["max_minutes_between"] = self._furthest(demand, self.longer)
        if asked["miles"]:
            limits["max_miles"] = self._furthest(served, miles, 0.4)
        if asked["zones"]:
            limits["zones"] = self._count(len(mine))
        elif "open" not in self.traits:
            limits["zones"] = (None, len(mine) if self.planted else int(self.dice.integers(1, 3)))
        if asked["share"]:
            limits["hours_share"] = self._share(k)
        if asked["character"]:
            limits["character"] = self._character(mine)
        return Level(f"L{k}", contiguous=not asked["loose"], **limits)

    def _count(self, planted: int) -> Any:
        count = planted if self.planted else int(self.dice.integers(0, 4))
        if self.recipe.luck == "spoilt" and self.chance(0.3):
            count = max(0, count + int(self.dice.choice([-1, 1])))
        return [count, (max(0, count - 1), count + 1), (None, count), (count, None)][
            int(self.dice.integers(0, 4))
        ]

    def _share(self, k: int) -> tuple[float, float]:
        total = self.hours.sum()
        held = self.hours[self.level[self.zone] == k].sum() / total if total > 0 else 0.0
        share = held if self.planted else float(self.dice.random())
        low, high = share - abs(self._off(0.1)), share + abs(self._off(0.1))
        if self.recipe.luck == "spoilt" and self.chance(0.2):
            low, high = low + 0.15, high + 0.15
        low, high = low + self._within_slack(), max(low, high - self._within_slack())
        low, high = (round(float(np.clip(end, 0, 1)), 9) for end in (low, high))
        return low, max(low, high)

    def _character(self, mine: np.ndarray) -> CharacterShare:
        shares = [
            (self.hours * self.urban)[self.zone == z].sum() / self.hours[self.zone == z].sum()
            for z in mine
            if self.hours[self.zone == z].sum() > 0
        ]
        least = min(shares, default=0.5) if self.planted else float(self.dice.choice([0.3, 0.5, 1.0]))
        least = float(np.clip(np.floor((least - self._off(0.1)) * 1e9) / 1e9 + self._within_slack(), 0, 1))
        return CharacterShare("ruc", ("Urban", "Town"), least)

    # Codes, locks and what the objective asks.

    def _codes(self, names: list[str]) -> list[str]:
        """Return a code for every unit: one a planted zone, or any."""
        if self.planted and not (self.recipe.luck == "spoilt" and self.chance(0.3)):
            of_zone = self.dice.choice(names, int(self.zone.max()) + 1)
            return of_zone[self.zone].tolist()
        return self.dice.choice(names, self.n).tolist()

    def _before(self) -> list[str]:
        """Return the zones of the plan in force: some as planted, some not."""
        names = [f"t{z}" for z in self.zone]
        return [name if self.chance(0.7) else f"t{int(self.dice.integers(0, 4))}" for name in names]

    def _locks(self, problem: Problem, before: list[str]) -> list[kinds.Rule]:
        """Return the locks asked, which the planted plan keeps where there is one."""
        dice, zone, ids = self.dice, self.zone, self.ids
        found: list[kinds.Rule] = []
        true = self.planted and not (self.recipe.luck == "spoilt" and self.chance(0.3))
        pairs = [(a, b) for a in range(self.n) for b in range(self.n) if a != b]

        def some(wanted: list[Any], most: int) -> list[Any]:
            number = min(len(wanted), int(dice.integers(1, most + 1)))
            return [wanted[int(k)] for k in dice.permutation(len(wanted))[:number]]

        if "together" in self.traits:
            alike = [(a, b) for a, b in pairs if zone[a] == zone[b] or not true]
            found += [kinds.Together(ids[a], ids[b]) for a, b in some(alike, 2)]
            whole = [np.flatnonzero(zone == z) for z in np.unique(zone) if (zone == z).sum() > 2]
            found += [
                kinds.Together([ids[i] for i in members]) for members in some(whole, 1) if self.chance(0.3)
            ]
        if "apart" in self.traits:
            unlike = [(a, b) for a, b in pairs if zone[a] != zone[b] or not true]
            found += [kinds.Apart(ids[a], ids[b]) for a, b in some(unlike, 2)]
        if "centre" in self.traits:
            found += [
                kinds.CentreAt(ids[i]) for i in some(self.centre.tolist() if true else list(range(self.n)), 2)
            ]
        if "fixed" in self.traits:
            oracle = EveryPlan(problem)
            homes = {name: oracle.anchor_centre(name) for name in sorted(set(before))}
            fits = [
                (i, name)
                for name, j in homes.items()
                for i in range(self.n)
                if zone[i] == zone[j] or not true
            ]
            found += [kinds.Fixed(ids[i], name) for i, name in some(fits, 2)]
        if "frozen" in self.traits:
            members = {name: {i for i, b in enumerate(before) if b == name} for name in sorted(set(before))}
            zones = [set(np.flatnonzero(zone == z).tolist()) for z in np.unique(zone)]
            exact = [name for name, some_units in members.items() if some_units in zones or not true]
            found += [kinds.Frozen(name) for name in some(exact, 2)]
        return found

    def _nest(self) -> kinds.NestIn:
        """Return a border to nest in: a column, or codes by unit, two of which count as one."""
        if self.chance(0.5):
            return kinds.NestIn("district")
        codes = dict(zip(self.ids, self._codes(["k", "l", "m"]), strict=True))
        some = sorted(set(codes.values()))[:2]
        return kinds.NestIn(
            codes if self.chance(0.5) else pd.Series(codes), "parish", [some] if len(some) > 1 else ()
        )

    def problem(self) -> Problem:
        ids, traits, dice = self.ids, self.traits, self.dice
        levels = self._levels()
        before = self._before()
        frame = gpd.GeoDataFrame(
            {
                "hours": self.hours,
                "customers": self.customers,
                "ruc": np.where(self.urban, dice.choice(["Urban", "Town"], self.n), "Rural"),
                "council": self._codes(["A", "B", "C"]),
                "district": self._codes(["x", "y"]),
                "pcn": dice.choice(["p", "q", "r"], self.n),
            },
            index=pd.Index(ids),
            geometry=[Point(x, y) for x, y in self.places],
            crs=27700,
        )
        needs_graph = {"contiguous", "cut"} & traits
        graph = Contiguity.from_pairs(frame.index, [(ids[a], ids[b]) for a, b in self.near])
        if "lengths" in traits:
            graph = Contiguity(graph.ids, graph.pairs, dice.integers(0, 3, len(graph.pairs)) * 150.0)
        units = Units.from_frame(
            frame,
            hours="hours",
            customers="customers" if "customers" in traits or self.chance(0.5) else None,
            contiguity=graph if needs_graph or self.chance(0.7) else None,
            authority="council" if {"authority", "joint"} & traits else None,
        )
        councils = sorted(set(frame["council"]))
        if "joint" in traits and len(councils) > 1:
            units = Units(**{**units.__dict__, "joint": (tuple(councils[:2]),)})
        times = TravelTimes.from_matrix(self.minutes, ids)
        anchor: Any = pd.Series(before, index=frame.index)
        if "stated" in traits:
            stated = {
                z: ids[int(dice.choice([i for i, b in enumerate(before) if b == z]))] for z in set(before)
            }
            anchor = Plan.from_labels(units, times, anchor, levels=levels, centre=stated)
        by_start = "start" in traits and "change" not in traits
        sizes = dice.choice([1e-3, 1.0, 1e3], 4) if "uneven" in traits else np.ones(4)
        weights = (sizes * [float(dice.choice([1.0, 0.5])), 3.0, 2.0, 1.5]).tolist()
        objective = Objective(
            travel=0.0 if "no travel" in traits else weights[0],
            change=weights[1] if "change" in traits else 0.0,
            borders=weights[2] if "borders" in traits else 0.0,
            cut=weights[3] if "cut" in traits else 0.0,
            baseline=None if by_start else anchor,
            border=frame["pcn"] if self.chance(0.5) else "pcn",
        )
        rules: list[kinds.Rule] = [kinds.Contiguous()] if "contiguous" in traits else []
        if "nest" in traits:
            rules.append(self._nest())
        bare = Problem(
            units, times, levels, rules, objective, start=anchor if by_start or self.chance(0.2) else None
        )
        return bare.with_(rules=[*rules, *self._locks(bare, before)])
