"""Portfolio tables: `together.csv`, `steadiness.csv` and `portfolio.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zonedesign._plantables import as_csv

if TYPE_CHECKING:
    from zonedesign.portfolio import Portfolio

TOGETHER_COLUMNS = ("unit", "other", "share")
STEADINESS_COLUMNS = ("unit", "zone", "same_zone", "with_mates", "next_zone", "next_share")


def together_csv(found: Portfolio) -> str:
    """Return a line per pair of units that is ever in one zone: the share of good plans in which it is."""
    frame = found.together
    return as_csv(TOGETHER_COLUMNS, zip(*(frame[name].tolist() for name in TOGETHER_COLUMNS), strict=True))


def steadiness_csv(found: Portfolio) -> str:
    """Return a line per unit, in the units' order: how surely it stays where the best plan has it."""
    frame = found.steadiness
    columns = [frame[name].tolist() for name in STEADINESS_COLUMNS[1:]]
    return as_csv(STEADINESS_COLUMNS, zip(frame.index.tolist(), *columns, strict=True))


def portfolio_facts(found: Portfolio) -> dict[str, Any]:
    """Return what `portfolio.json` holds: how plans were chosen, and each with its objective and gap."""
    rows = found.summary.to_dict("records")
    return {
        "asked": found.asked,
        "found": len(found.plans),
        "complete": found.complete,
        "within": found.within,
        "apart": found.apart,
        "good_plans_met": found.met,
        "good_plans_counted": found.counted,
        "counted_apart": found.counted_apart,
        "bound": found.bound,
        "seconds": found.seconds,
        "stopped_by": None if found.stopped_by is None else str(found.stopped_by),
        "seed": found.seed,
        "plans": [
            {
                "plan": f"plan-{number}.csv",
                "certificate": f"certificate-{number}.json",
                **{str(name): value for name, value in row.items()},
                "terms": {} if plan.certificate is None else dict(plan.certificate.terms),
                "zones_by_level": {name: plan.levels.count(name) for name in sorted(set(plan.levels))},
            }
            for number, (plan, row) in enumerate(zip(found.plans, rows, strict=True), start=1)
        ],
        "distances": found.distances.to_numpy().tolist(),
    }
