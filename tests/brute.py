"""Tiny random problems and their optimum by trying every plan: every partition, centre and level, by plain arithmetic."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import Point

from zonedesign import rules as kinds
from zonedesign.levels import CharacterShare, Level
from zonedesign.problem import Objective, Problem
from zonedesign.traveltimes import TravelTimes
from zonedesign.units import Units

if TYPE_CHECKING:
    from collections.abc import Iterator

EPS = 1e-6


def tiny(seed: int) -> Problem:
    """Return a random problem of up to six units; every rule, term and combination comes up over the seeds."""
    dice = np.random.default_rng(seed)

    def chance(p: float) -> bool:
        return bool(dice.random() < p)

    n = int(dice.integers(1, 7))
    ids = [f"u{i}" for i in range(n)]
    hours = dice.choice([0.0, 1.0, 2.0, 3.7, 5.25, 8.0], n)
    if chance(0.2):  # beside the grid that bands lie on, within their slack and just beyond
        hours = hours + dice.choice([0.0, 4e-7, 0.013579], n)
    customers = dice.integers(0, 4, n)
    frame = gpd.GeoDataFrame(
        {
            "hours": hours,
            "customers": customers,
            "ruc": dice.choice(["Urban", "Rural"], n),
            "council": dice.choice(["A", "B"], n, p=[0.7, 0.3]),
            "district": dice.choice(["x", "y"], n, p=[0.8, 0.2]),
            "today": dice.choice(["t1", "t2", "t3"], n),
        },
        index=pd.Index(ids),
        geometry=[Point(x, y) for x, y in dice.integers(0, 6000, (n, 2))],
        crs=27700,
    )
    minutes = dice.integers(0, 12, (n, n)) + dice.choice([0.0, 0.5, 0.123], (n, n))
    minutes[dice.random((n, n)) < 0.1] = np.inf
    np.fill_diagonal(minutes, 0.0)
    tree = [(ids[int(dice.integers(0, i))], ids[i]) for i in range(1, n) if chance(0.93)]
    more = [(a, b) for a, b in itertools.combinations(ids, 2) if chance(0.2)]
    units = Units.from_frame(
        frame,
        hours="hours",
        customers="customers",
        contiguity=tree + more,
        authority="council" if chance(0.15) else None,
    )
    total, people = float(hours.sum()), int(customers.sum())
    levels = []
    for k in range(int(dice.choice([1, 1, 2, 3]))):
        low = float(dice.integers(0, max(1, int(total / 2)) + 1))
        count = int(dice.integers(1, 4))
        share = sorted(dice.random(2))
        levels.append(
            Level(
                f"{k + 1}",
                weekly_hours=(low, low + float(dice.choice([2.0, 8.0, 20.0]))) if chance(0.6) else None,
                customers=(int(dice.integers(0, 3)), max(3, people if chance(0.5) else people // 2))
                if chance(0.25)
                else None,
                max_minutes=float(dice.choice([6.0, 9.0, 12.0])) if chance(0.6) else None,
                max_minutes_between=float(dice.choice([7.0, 10.0])) if chance(0.25) else None,
                max_miles=float(dice.choice([1.5, 3.0])) if chance(0.2) else None,
                zones=[None, None, count, (1, count)][int(dice.integers(0, 4))],
                hours_share=(share[0] * 0.7, min(1.0, share[1] * 1.5)) if chance(0.15) else None,
                character=CharacterShare("ruc", ("Urban",), 0.4) if chance(0.2) else None,
                contiguous=chance(0.75),
            )
        )
    rules: list[kinds.Rule] = [kinds.Contiguous()] if chance(0.8) else []
    if n > 2:
        a, b, c = (str(unit) for unit in dice.permutation(ids)[:3])
        if chance(0.15):
            rules.append(kinds.Together((a, b)))
        if chance(0.15):
            rules.append(kinds.Apart(b, c))
        if chance(0.15):
            rules.append(kinds.CentreAt(a))
        if chance(0.1):
            rules.append(kinds.NestIn("district"))
        names = sorted(set(frame["today"]))
        if chance(0.1):
            rules.append(kinds.Fixed(c, names[0]))
        if chance(0.1):
            rules.append(kinds.Frozen(names[-1]))
    objective = Objective(
        travel=float(dice.choice([1.0, 1.0, 0.5, 0.0])),
        change=float(dice.choice([0.0, 0.0, 3.0])),
        borders=float(dice.choice([0.0, 0.0, 2.0])),
        cut=float(dice.choice([0.0, 0.0, 1.5])),
        baseline=frame["today"],
        border=frame["district"],
    )
    return Problem(
        units, TravelTimes.from_matrix(minutes, ids), levels=levels, rules=rules, objective=objective
    )


def partitions(items: list[int]) -> Iterator[list[list[int]]]:
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for size in range(len(rest) + 1):
        for others in itertools.combinations(rest, size):
            left = [i for i in rest if i not in others]
            for more in partitions(left):
                yield [[first, *others], *more]


def best_objective(problem: Problem) -> float | None:
    """Return the least objective of all plans that meet every rule, None where there is no plan."""
    n = len(problem.units)
    world = _World(problem)
    best = None
    for blocks in partitions(list(range(n))):
        if not world.blocks_allowed(blocks):
            continue
        options = [world.options(tuple(block)) for block in blocks]
        if not all(options):
            continue
        apart = world.terms_of_blocks(blocks)
        for chosen in itertools.product(*options):
            if world.counts_hold(blocks, [level for level, _ in chosen]):
                value = apart + sum(cost for _, cost in chosen)
                best = value if best is None or value < best else best
    return best


class _World:
    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.ids = problem.units.ids.tolist()
        self.frame = problem.units.frame
        self.hours = self.frame["hours"].tolist()
        self.customers = self.frame["customers"].tolist()
        self.total = sum(self.hours)
        self.minutes = problem.times.to_array().tolist()
        self.near = {frozenset(pair) for pair in problem.units.contiguity.pairs.tolist()}
        self.known: dict[tuple[int, ...], list[tuple[int, float]]] = {}
        self.today = self.frame["today"].tolist()

    def longer(self, a: int, b: int) -> float:
        return max(self.minutes[a][b], self.minutes[b][a])

    def connected(self, block: tuple[int, ...]) -> bool:
        seen, stack = {block[0]}, [block[0]]
        while stack:
            here = stack.pop()
            for other in block:
                if other not in seen and frozenset((here, other)) in self.near:
                    seen.add(other)
                    stack.append(other)
        return len(seen) == len(block)

    def options(self, block: tuple[int, ...]) -> list[tuple[int, float]]:
        """Return (level, least travel) of every level that the block may have."""
        if block not in self.known:
            self.known[block] = [
                (k, min(costs))
                for k, level in enumerate(self.problem.levels)
                if self.level_holds(level, block) and (costs := self.costs(level, block))
            ]
        return self.known[block]

    def level_holds(self, level: Level, block: tuple[int, ...]) -> bool:
        hours = sum(self.hours[i] for i in block)
        for held, band in (
            (hours, level.weekly_hours),
            (sum(self.customers[i] for i in block), level.customers),
        ):
            low, high = band or (None, None)
            if (low is not None and held < low - EPS) or (high is not None and held > high + EPS):
                return False
        if level.max_minutes_between is not None:
            busy = [i for i in block if self.hours[i] > 0 or self.customers[i] > 0]
            if any(
                self.longer(a, b) > level.max_minutes_between + EPS
                for a, b in itertools.combinations(busy, 2)
            ):
                return False
        if level.character is not None and hours > 0:
            urban = sum(self.hours[i] for i in block if self.frame["ruc"].iloc[i] == "Urban")
            if urban / hours < level.character.at_least - EPS:
                return False
        asked = any(isinstance(rule, kinds.Contiguous) for rule in self.problem.rules) and level.contiguous
        return not asked or self.connected(block)

    def costs(self, level: Level, block: tuple[int, ...]) -> list[float]:
        """Return the travel term of every centre that serves the block at the level."""
        must = [self.ids.index(rule.unit) for rule in self.problem.rules if isinstance(rule, kinds.CentreAt)]
        inside = [unit for unit in must if unit in block]
        if len(inside) > 1:
            return []
        found = []
        for j in inside or block:
            if all(self.serves(level, j, i) for i in block):
                minutes = sum(self.hours[i] * self.minutes[j][i] for i in block if self.hours[i] > 0)
                found.append(self.problem.objective.travel * minutes / self.total if self.total else 0.0)
        return found

    def serves(self, level: Level, j: int, i: int) -> bool:
        longest = self.longer(j, i)
        if math.isinf(longest) or (level.max_minutes is not None and longest > level.max_minutes + EPS):
            return False
        a, b = self.frame.geometry.iloc[i], self.frame.geometry.iloc[j]
        return level.max_miles is None or a.distance(b) / 1609.344 <= level.max_miles + EPS

    def blocks_allowed(self, blocks: list[list[int]]) -> bool:
        block_of = {i: k for k, block in enumerate(blocks) for i in block}
        of = {unit: block_of[i] for i, unit in enumerate(self.ids)}
        for rule in self.problem.rules:
            if isinstance(rule, kinds.Together) and len({of[unit] for unit in rule.units}) > 1:
                return False
            if isinstance(rule, kinds.Apart) and of[rule.a] == of[rule.b]:
                return False
            if isinstance(rule, kinds.NestIn) and not self.nests(blocks, "district"):
                return False
            if isinstance(rule, kinds.Fixed):
                zone = self.problem.anchor_zones[1].index(rule.zone)
                if of[rule.unit] != block_of[int(self.problem.anchor_centres[zone])]:
                    return False
            if isinstance(rule, kinds.Frozen):
                before = [i for i, zone in enumerate(self.today) if zone == rule.zone]
                if sorted(before) not in [sorted(block) for block in blocks]:
                    return False
        return self.problem.units.authority is None or self.nests(blocks, "council")

    def nests(self, blocks: list[list[int]], column: str) -> bool:
        codes = self.frame[column].tolist()
        return all(len({codes[i] for i in block}) == 1 for block in blocks)

    def counts_hold(self, blocks: list[list[int]], levels: list[int]) -> bool:
        for k, level in enumerate(self.problem.levels):
            low, high = level.zone_range
            if levels.count(k) < low or (high is not None and levels.count(k) > high):
                return False
            if level.hours_share is not None and self.total > 0:
                held = sum(
                    self.hours[i]
                    for block, chosen in zip(blocks, levels, strict=True)
                    if chosen == k
                    for i in block
                )
                low_share, high_share = level.hours_share
                if not low_share - EPS <= held / self.total <= high_share + EPS:
                    return False
        return True

    def terms_of_blocks(self, blocks: list[list[int]]) -> float:
        """Return change, borders and cut of a partition, weighted."""
        weights = self.problem.objective
        value = 0.0
        if weights.change and self.total:
            names = sorted(set(self.today))
            shared = [
                [sum(self.hours[i] for i in b if self.today[i] == name) for name in names] for b in blocks
            ]
            width = max(len(names), len(blocks))
            table = [[*row, *[0.0] * (width - len(names))] for row in shared] + [[0.0] * width] * (
                width - len(blocks)
            )
            kept = max(
                sum(table[r][c] for r, c in enumerate(p)) for p in itertools.permutations(range(width))
            )
            value += weights.change * (1 - kept / self.total)
        if weights.borders and self.total:
            codes = self.frame["district"].tolist()
            major = sum(
                max(sum(self.hours[i] for i in b if codes[i] == code) for code in set(codes)) for b in blocks
            )
            value += weights.borders * (1 - major / self.total)
        if weights.cut and self.near:
            block_of = {i: k for k, block in enumerate(blocks) for i in block}
            value += (
                weights.cut * sum(len({block_of[i] for i in pair}) > 1 for pair in self.near) / len(self.near)
            )
        return value
