"""Price: what each choice costs, the objective with and without it, both with bounds.

Let v be the least objective of the problem as it stands, and w that of the problem without one of its
choices. A plan of the first is a plan of the second and costs no more there, so w <= v: a price is never
negative. With plans found, of values V and W, and bounds proved, L <= v and l <= w,

    max(0, L - W)  <=  v - w  <=  V - l,

and the estimate is V - W. Every plan found with the choice is offered to the problem without, so that W <= V;
and every bound l is a bound of v too, so that L counts as the largest of them.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from zonedesign.certificate import StoppedBy
from zonedesign.errors import InfeasibleError, NoPlanError, ScenarioError, counted, require_number
from zonedesign.plan import Plan
from zonedesign.progress import Progress, silent
from zonedesign.questions.choices import Choice, choices, pinned
from zonedesign.solve import solve
from zonedesign.verify import verify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zonedesign.problem import Problem

BASE_SHARES = 2.0
"""How many shares of the time the problem as it stands has; every choice has one."""
PRICED, BLOCKED, IMPOSSIBLE, UNKNOWN = "priced", "rules out every plan", "impossible either way", "unknown"


@dataclass(frozen=True, eq=False, repr=False)
class Price:
    """What choices cost.

    `prices` has a row for each choice: `choice`, `kind`, `says`, `status` (`priced`; `rules out every plan`:
    impossible with it, possible without; `impossible either way`; `unknown`), `objective_with`, `bound_with`,
    `objective_without`, `bound_without`, `price` (the estimate), `price_low` and `price_high` (what is
    proved), and every term of the objective, with and without, of the plans found. `plan` is the best plan
    with all choices (None: none found), `plans` the best without each.
    """

    prices: pd.DataFrame
    plan: Plan | None
    plans: dict[str, Plan]
    causes: tuple[str, ...] = ()
    seconds: float = 0.0
    seed: int = 0

    def __repr__(self) -> str:
        done = self.prices[self.prices["status"] == PRICED]
        dearest = "" if done.empty else f", dearest {done.sort_values('price')['choice'].iloc[-1]}"
        return f"<Price: {counted(len(self.prices), 'choice')}, {len(done)} priced{dearest}>"


@dataclass(eq=False)
class _Side:
    """What is known of one problem: its best plan with its value, and the bound of all its plans."""

    problem: Problem
    plan: Plan | None = None
    value: float = math.inf
    bound: float = 0.0  # no term is negative
    causes: tuple[str, ...] = ()

    @property
    def impossible(self) -> bool:
        return math.isinf(self.bound)

    def offer(self, plan: Plan) -> bool:
        """Keep a plan that meets the rules where it is better; return whether it was."""
        value = self.problem.value(self.problem.terms(plan))
        if value < self.value and bool(verify(plan, self.problem)["passed"].all()):
            self.plan, self.value = plan, value
            return True
        return False

    def solve(self, seconds: float, seed: int, threads: int | None, start: Plan | None) -> bool:
        """Look for a better plan, from a plan where one is known, and for a bound; False: interrupted."""
        try:
            plan = solve(self.problem, time_limit=seconds, seed=seed, threads=threads, start=start)
        except InfeasibleError as error:
            self.bound, self.causes = math.inf, error.causes
            return True
        except NoPlanError:
            return True
        self.offer(plan)
        if plan.certificate is None:
            return True
        if plan.certificate.bound is not None:
            self.bound = max(self.bound, plan.certificate.bound)
        return plan.certificate.stopped_by is not StoppedBy.INTERRUPT


@dataclass(frozen=True, eq=False)
class _Asked:
    """How every side is solved; `began` and `time_limit` share the time among those still to come."""

    time_limit: float
    seed: int
    threads: int | None
    tell: Progress
    began: float = field(default_factory=time.monotonic)

    def run(self, side: _Side, says: str, shares: float, to_come: float, start: Plan | None) -> bool:
        """Solve one side in its share of what is left of the time; return False where it was interrupted."""
        gone = time.monotonic() - self.began
        self.tell("price", min(1.0, gone / self.time_limit), says)
        left = max(0.0, self.time_limit - gone)
        # What one side leaves over, for it was proved early, the others share.
        return side.solve(max(0.2, left * shares / to_come), self.seed, self.threads, start)


def price(
    problem: Problem,
    *,
    of: Sequence[str] | None = None,
    time_limit: float = 300.0,
    seed: int = 0,
    threads: int | None = None,
    start: Plan | None = None,
    progress: Progress | None = None,
) -> Price:
    """Return what each choice of a problem costs: locks, borders, prices of terms, and limits of levels.

    `of` names choices, or patterns of names (`1.*`); all unless said. `time_limit` covers all solves
    together; Ctrl-C ends with what is known. `start` is a plan to begin from. Raises `ScenarioError` for
    names that are no choice, `NoPlanError` where no plan was found at all, with or without any choice, and
    `InfeasibleError` where it is proved that there is none.
    """
    require_number("time_limit", time_limit, "a number of seconds above 0", lambda value: value > 0)
    asked = pinned(problem)
    every = choices(asked, of)
    if not every:
        raise ScenarioError("there is nothing to price: the problem has no lock, border, price or limit")
    runs = _Asked(time_limit, seed, threads, progress or silent)
    base = _Side(asked)
    first = start if start is not None else (asked.start if isinstance(asked.start, Plan) else None)
    going = runs.run(base, "the problem as it stands", BASE_SHARES, BASE_SHARES + len(every), first)
    sides = [_Side(choice.without) for choice in every]
    for number, (choice, side) in enumerate(zip(every, sides, strict=True)):
        if base.plan is not None:
            side.offer(base.plan)
        # Ctrl-C ends with what is known: of the other choices the bounds that hold without any search.
        going = going and runs.run(side, f"without {choice.name}", 1.0, len(every) - number, side.plan)
        if side.plan is not None and base.offer(side.plan):
            # What does not use the freedom it has is a plan of the problem as it stands.
            runs.tell("price", None, f"a better plan as it stands: {base.value:.5g}")
    for side in sides:
        if base.plan is not None:
            side.offer(base.plan)
        if not side.impossible:
            base.bound = max(base.bound, side.bound)
        else:  # without a choice no plan exists, so with it none does
            base.bound, base.causes = math.inf, base.causes or side.causes
    if base.plan is None and all(side.plan is None and not side.impossible for side in sides):
        raise NoPlanError(
            f"no plan found in {time.monotonic() - runs.began:.0f} s, with or without any choice; "
            "give it more time, or see what explain says"
        )
    if all(side.impossible for side in sides):
        causes = base.causes or ("no plan exists, with or without any one choice",)
        raise InfeasibleError(causes[0], causes)
    rows = [_row(choice, base, side) for choice, side in zip(every, sides, strict=True)]
    plans = {
        choice.name: side.plan for choice, side in zip(every, sides, strict=True) if side.plan is not None
    }
    return Price(
        _frame(rows), base.plan, plans, base.causes if base.impossible else (),
        time.monotonic() - runs.began, seed,
    )  # fmt: skip


def _row(choice: Choice, base: _Side, side: _Side) -> dict[str, Any]:
    """Return the row of a choice."""
    row: dict[str, Any] = {"choice": choice.name, "kind": choice.kind, "says": choice.says}
    row["status"] = _status(base, side)
    for name, each in (("with", base), ("without", side)):
        known = each.plan is not None
        # Rounding in the last digits must not put a bound above a plan.
        bound = min(each.bound, each.value)
        row |= {
            f"objective_{name}": each.value if known else math.nan,
            f"bound_{name}": bound if math.isfinite(bound) else math.nan,
        }
        terms = {} if each.plan is None else each.problem.terms(each.plan)
        row |= {f"{term}_{name}": value for term, value in terms.items()}
    if row["status"] == PRICED:
        low = max(0.0, row["bound_with"] - side.value)
        high = base.value - row["bound_without"]
        row |= {
            "price": base.value - side.value,
            "price_low": min(low, base.value - side.value),
            "price_high": max(high, base.value - side.value),
        }
    return row


def _status(base: _Side, side: _Side) -> str:
    if side.impossible:
        return IMPOSSIBLE
    if base.plan is not None and side.plan is not None:
        return PRICED
    return BLOCKED if base.impossible and side.plan is not None else UNKNOWN


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    first = [
        "choice", "kind", "says", "status", "price", "price_low", "price_high",
        "objective_with", "bound_with", "objective_without", "bound_without",
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    terms = [name for name in ("mean_minutes", "moved", "crossing", "boundary") if f"{name}_with" in frame
             or f"{name}_without" in frame]  # fmt: skip
    both = [f"{term}_{side}" for term in terms for side in ("with", "without")]
    return frame.reindex(columns=[*first, *both])
