"""Scan: the best plans found, and what any plan costs at least, where only so much may change zone.

Let g be the objective without its price of change, and m the share of hours that change zone. For any weight
w of 0 or more, let L be a proven bound of g + w m over all plans. Every plan with m <= s then has

    g >= L - w m >= L - w s,

so that each weight gives a line below the frontier, and the highest line at s is the bound there (Everett
1963: the Lagrangian of the cap; what it cannot reach are points above the convex hull). A plan under one cap
is a plan under any larger one, and a bound under one cap is a bound under any smaller one.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from zonedesign.certificate import StoppedBy
from zonedesign.errors import NoPlanError
from zonedesign.levels import SLACK
from zonedesign.questions.walks import Walks
from zonedesign.solve import solve
from zonedesign.solve._account import Limits
from zonedesign.solve.certify import certify
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.moving import Moving, least_by_bands, least_unmoved
from zonedesign.solve.run import SMALL_ARCS, SMALL_UNITS
from zonedesign.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem
    from zonedesign.solve.tolls import Prices


BOUND_SHARE = 0.3
"""Share of the time that is kept for bounds, where problems are not small."""
LEAST_SECONDS = 0.5
"""Seconds that one solve has at least."""
FAR, NEAR = 64.0, 1.02
"""The first bracket of weights, beside the usual one, and how narrow it is searched."""
WALK_SHARE = 0.06
"""Share of what is left of the time that one walk has."""
LITTLE = 1e-9
"""Shares that differ by less are the same."""
MOST_COMBINED = 10
"""Known plans whose zones are put together anew."""
COMBINE_SHARE = 0.3
"""Share of the search's time for that."""
HOPELESS = 1
"""Tries of a cap under which no plan is known."""
WEIGHT_STEPS = (1.0, 0.5, 2.0, 0.25, 4.0)
"""Weights that bounds are sought at, as multiples of the frontier's own slope."""


@dataclass(frozen=True, eq=False)
class Kept:
    """A plan that keeps every rule: its share of hours moved, its objective without the price of change."""

    moved: float
    value: float
    plan: Plan


@dataclass(eq=False)
class Scan:
    """The plans and bounds known so far of a `problem` with a baseline, whose own price of change is zero.

    `lines` are (weight, bound), `floors` (share, bound) bounds of one cap, `impossible` the largest share
    that is proved to allow no plan (-1: none), `least_moved` what moves at least in any plan.
    """

    problem: Problem
    shares: Sequence[float]
    deadline: float
    seed: int = 0
    threads: int | None = None
    tell: Callable[[str], None] = lambda _said: None
    kept: list[Kept] = field(default_factory=list)
    lines: list[tuple[float, float]] = field(default_factory=lambda: [(0.0, 0.0)])
    floors: list[tuple[float, float]] = field(default_factory=list)
    impossible: float = -1.0
    least_moved: float = 0.0

    def __post_init__(self) -> None:
        self.possible = possible_arcs(self.problem)
        hours = self.problem.hours
        total = float(hours.sum())
        self.one_unit = float(hours[hours > 0].min()) / total if total > 0 else math.inf
        # Where less than the smallest unit may move, nothing moves.
        self.unmoved = self.problem.objective.travel * least_unmoved(self.problem, self.possible)
        self.least_moved = max(self.least_moved, least_by_bands(self.problem))
        self.tried: dict[float, int] = {}
        self.turns = 0
        self._rows: Moving | None = None
        self._walks: Walks | None = None
        self._prices: Prices | None = None

    @property
    def small(self) -> bool:
        """Whether the integer program settles every cap by itself."""
        return len(self.problem.units) <= SMALL_UNITS and int(self.possible.sum()) <= SMALL_ARCS

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.deadline - time.monotonic()

    # Plans.

    def offer(self, plan: Plan) -> Kept | None:
        """Keep a plan if it meets every rule, and return what was kept."""
        if not verify(plan, self.problem)["passed"].all():
            return None
        terms = self.problem.terms(plan)
        found = Kept(terms["moved"], self.problem.value(terms), plan)
        self.kept.append(found)
        return found

    def best(self, share: float) -> Kept | None:
        """Return the best plan known in which at most that share of hours moves; the one that moves least."""
        under = [each for each in self.kept if each.moved <= share + SLACK]
        return min(under, key=lambda each: (each.value, each.moved), default=None)

    def closest(self, by_units: Callable[[Plan], int] | None = None) -> Kept:
        """Return the plan in which least moves, of these the one that moves fewest units or costs least."""
        least = min(each.moved for each in self.kept)
        near = [each for each in self.kept if each.moved <= least + LITTLE]
        if by_units is None:
            return min(near, key=lambda each: each.value)
        return min(near, key=lambda each: (by_units(each.plan), each.value))

    # Bounds.

    def bound(self, share: float) -> float:
        """Return what any plan with at most that share moved costs at least; inf where there is none."""
        if share <= self.impossible or share < self.least_moved - SLACK:
            return math.inf
        lines = [bound - weight * share for weight, bound in self.lines]
        floors = [bound for cap, bound in self.floors if cap >= share]
        # Moved shares count with the slack: nothing else is proved of what stays within it.
        unmoved = [self.unmoved] if share + SLACK < self.one_unit else []
        return max(0.0, *lines, *floors, *unmoved)

    def _line(self, weight: float, bound: float | None) -> None:
        """Keep a line; it is lowered by what the slack of a cap may be worth."""
        if bound is not None:
            self.lines.append((weight, bound - weight * SLACK))

    # The integer program under each cap, of small problems.

    def settle(self) -> None:
        """Solve the integer program under every cap in turn, from the largest down.

        What it proves of a cap holds for plans within the slack of it, which is written into its row.
        """
        shares = sorted(self.shares, reverse=True)
        until = self.deadline - 0.2 * self.left  # some is kept for bounds by prices, of what is not settled
        for number, share in enumerate(shares):
            left = min(until, self.deadline) - time.monotonic()
            if share <= self.impossible or left <= 0:
                continue
            self.tell(f"at most {share:.0%} of hours moved")
            start = self.best(share)
            outcome = certify(
                self.problem,
                start=None if start is None else start.plan,
                bound=self.bound(share),
                limits=Limits(seconds=max(LEAST_SECONDS, left / (len(shares) - number)), threads=1),
                most_moved=share + SLACK,
            )
            self.heed(outcome.stopped_by)
            if outcome.plan is not None:
                self.offer(outcome.plan)
            if outcome.status == "infeasible":
                self.impossible = max(self.impossible, share)
            elif outcome.bound is not None:
                self.floors.append((share, outcome.bound))

    # Weights of change, of all others.

    def weigh(self, weight: float, seconds: float) -> Kept | None:
        """Look for the plan with the least g + w m, and keep it with the bound that was proved of it."""
        start = min(self.kept, key=lambda each: each.value + weight * each.moved, default=None)
        priced = self.problem.with_(objective=replace(self.problem.objective, change=weight))
        try:
            plan = solve(
                priced,
                time_limit=max(LEAST_SECONDS, seconds),
                seed=self.seed,
                threads=self.threads,
                start=None if start is None else start.plan,
            )
        except NoPlanError:
            return None
        assert plan.certificate is not None  # noqa: S101
        self._line(weight, plan.certificate.bound)
        self.heed(plan.certificate.stopped_by)
        return self.offer(plan)

    def heed(self, stopped_by: StoppedBy | None) -> None:
        """End the time where the user asked for an end: what is known then is told."""
        if stopped_by is StoppedBy.INTERRUPT:
            self.deadline = time.monotonic()

    def scan(self, today: Plan) -> None:
        """Look for plans under every cap: by weights of change, and then by putting their zones together."""
        whole = self.deadline - BOUND_SHARE * self.left
        until = whole - COMBINE_SHARE * (whole - time.monotonic())
        self._by_weights(until)
        caps = [share for share in sorted(self.shares) if self.best(share) is not None]
        for number, share in enumerate(caps):
            self.tell(f"zones put together where at most {share:.0%} of hours move")
            self.recombine(share, (whole - time.monotonic()) / (len(caps) - number), today)

    def _by_weights(self, until: float) -> None:
        """Look for plans at weights between one that moves too much for a cap and one that does not."""
        brackets = {share: (0.0, self.dear()) for share in self.shares}
        turn = 0
        while time.monotonic() < min(until, self.deadline):
            share = self._widest(brackets)
            if share is None:
                return
            low, high = brackets[share]
            weight = self._slope(share)
            # The slope between the plans on both sides of the cap is the weight at which they cost the same.
            if not low < weight < high or turn % 2:
                weight = math.sqrt(max(low, high / FAR**2) * high)
            turn += 1
            self.tell(f"plans in which about {share:.0%} of hours move")
            found = self.walk(weight, max(WALK_SHARE * self.left, LEAST_SECONDS))
            too_much = found is not None and found.moved > share + SLACK
            low, high = (weight, high) if too_much else (low, weight)
            brackets[share] = low, high
            if low > 0 and high / low < NEAR:
                del brackets[share]

    def walk(self, weight: float, seconds: float) -> Kept | None:
        """Look for plans with less g + w m near the two best known; return the best of all."""

        def value(each: Kept) -> float:
            return each.value + weight * each.moved

        if self._walks is None:
            self._walks = Walks.of(self.problem, self.possible)
        starts = [(each.plan, value(each)) for each in sorted(self.kept, key=value)[:2]]
        end = min(time.monotonic() + seconds, self.deadline)
        self.turns += 1
        try:
            for plan, _ in self._walks.near(
                starts, weight, self.seed + 10**6 * self.turns, self.threads, end
            ):
                self.offer(plan)
        except KeyboardInterrupt:
            self.heed(StoppedBy.INTERRUPT)
        return min(self.kept, key=value, default=None)

    def recombine(self, share: float | None, seconds: float, today: Plan) -> None:
        """Look for the best plan made of what known plans, today's among them, and their borders offer.

        An integer program over few pairs of centre and unit: the best plan under a cap, or, without one, the
        plan in which least moves. It proves nothing of other plans.
        """
        best = self.closest() if share is None else self.best(share)
        if best is None or seconds < LEAST_SECONDS:
            return
        goal = self.problem.objective
        only = replace(goal, travel=0.0, change=1.0, borders=0.0, cut=0.0)
        problem = self.problem if share is not None else self.problem.with_(objective=only)
        ranked = sorted(self.kept, key=lambda each: (abs(each.moved - best.moved), each.value))
        outcome = certify(
            problem,
            start=best.plan,
            fixed=~self._offered([best.plan, today, *(each.plan for each in ranked[:MOST_COMBINED])]),
            limits=Limits(seconds=min(seconds, max(self.left, LEAST_SECONDS)), threads=1),
            most_moved=None if share is None else share + SLACK,
        )
        self.heed(outcome.stopped_by)
        if outcome.plan is not None:
            self.offer(outcome.plan)

    def _offered(self, plans: Sequence[Plan]) -> NDArray[np.bool_]:
        """Return the pairs (arcs,) of some plans, and of units of the first two that join a neighbour."""
        arcs, n = self.problem.arcs, len(self.problem.units)
        graph = self.problem.units.contiguity
        keys = [plan.centres[plan.zone] * n + np.arange(n) for plan in plans]
        if graph is not None:
            for plan in plans[:2]:
                a, b = graph.pairs.T
                keys += [plan.centres[plan.zone[b]] * n + a, plan.centres[plan.zone[a]] * n + b]
        row = np.repeat(np.arange(n), np.diff(arcs.indptr))
        return np.isin(row * n + arcs.units, np.concatenate(keys))

    def dear(self) -> float:
        """Return a weight at which hardly anything is worth moving."""
        return FAR * max(1e-9, *(each.value for each in self.kept), 1e-9)

    def _slope(self, share: float) -> float:
        """Return what a share of hours moved saves between the best plan under a cap and the best beyond."""
        here = self.best(share)
        beyond = [each for each in self.kept if each.moved > share + SLACK]
        if here is None or not beyond:
            return 0.0
        return max((here.value - each.value) / (each.moved - here.moved) for each in beyond)

    def _widest(self, brackets: dict[float, tuple[float, float]]) -> float | None:
        """Return the cap whose plan is farthest from its bound; None where nothing is left to look for."""

        def gap(share: float) -> float:
            here = self.best(share)
            if here is None:
                return math.inf
            # What was sought often and not found is left for what may still be found.
            room = here.value - max(self.bound(share), min(each.value for each in self.kept))
            return room / (1 + self.tried.get(share, 0))

        open_ = {
            share: gap(share)
            for share in brackets
            if not math.isinf(self.bound(share)) and (self.best(share) or self.tried.get(share, 0) < HOPELESS)
        }
        share = max(open_, key=lambda each: open_[each], default=None)
        if share is None or open_[share] <= SLACK:
            return None
        self.tried[share] = self.tried.get(share, 0) + 1
        return share

    # Bounds of large problems.

    def raise_bounds(self) -> None:
        """Raise the lines at weights around the frontier's slope at every cap that is not settled yet."""
        began, time_left = time.monotonic(), self.left
        for number, share in enumerate(sorted(self.shares), start=1):
            end = began + time_left * number / len(self.shares)
            here = self.best(share)
            if share <= self.impossible or (here and here.value - self.bound(share) <= SLACK):
                continue
            self.tell(f"a bound where at most {share:.0%} of hours move")
            slope = self._slope(share) or self.dear() / FAR
            for factor in WEIGHT_STEPS:
                if time.monotonic() < end:
                    self._price(factor * slope, end)

    def least(self, seconds: float) -> None:
        """Raise what moves at least in any plan: the bound of m alone."""
        found, _ = self._moving.bound(0.0, 1.0, deadline=time.monotonic() + seconds, threads=self.threads)
        if math.isfinite(found):
            self.least_moved = max(self.least_moved, found)

    def _price(self, weight: float, end: float) -> None:
        """Add the line of a weight, from the prices of the last one."""
        travel = self.problem.objective.travel
        if self._prices is None:
            least = min((each.value for each in self.kept), default=None)
            half = time.monotonic() + 0.3 * (end - time.monotonic())
            self._prices = self._moving.first_prices(travel, least, half)
        target = min((each.value + weight * each.moved for each in self.kept), default=None)
        found, self._prices = self._moving.bound(
            travel, weight, target=target, start=self._prices, deadline=end, threads=self.threads
        )
        if math.isfinite(found):
            self._line(weight, found)

    @property
    def _moving(self) -> Moving:
        if self._rows is None:
            self._rows = Moving.of(self.problem, self.possible)
        return self._rows
