"""Failure: a provider hands back all that it holds, and what others in reach could take within the caps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign.lots.cascade import NOT_SOURCED
from zonedesign.lots.terms import RESERVE
from zonedesign.model.spread import spread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from zonedesign.lots.seats import Seat
    from zonedesign.lots.terms import Terms
    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

COLUMNS = (
    "provider", "placeholder", "lots", "lot_ids", "customers", "weekly_hours", "absorbed_hours",
    "absorbed_by", "takers_in_reach", "left_hours", "left_share", "left_lots",
)  # fmt: skip


def beside(plan: Plan, problem: Problem) -> Bools:
    """Return which lots touch (lots, lots), each itself too; where nothing is known to touch, only itself."""
    count = len(plan.zone_ids)
    found = np.eye(count, dtype=np.bool_)
    graph = problem.units.contiguity
    if graph is not None and plan.of_units.ids.equals(problem.units.ids):
        a, b = plan.zone[graph.pairs[:, 0]], plan.zone[graph.pairs[:, 1]]
        found[a, b] = found[b, a] = True
    return found


def failure_frame(
    seats: Sequence[Seat],
    plan: Plan,
    problem: Problem,
    terms: Terms,
    capacity: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Return a row for every provider: what it would hand back, who could take how much, what is left.

    Takers hold a place in the same lot or in one beside it. Each takes up to its headroom, a share of its own
    hours or what its capacity leaves, enters no more lots than its caps allow, and customers of a lot may go
    to several; as many hours as possible are taken. The rest is for the reserve.
    """
    held = [seat for seat in seats if seat.provider not in (RESERVE, NOT_SOURCED)]
    names = list(dict.fromkeys(seat.provider for seat in held))
    lots = {lot: k for k, lot in enumerate(plan.zone_ids)}
    zones = plan.zones
    weekly = zones["weekly_hours"].to_numpy(np.float64)
    people = pd.to_numeric(zones["customers"], errors="coerce").to_numpy(np.float64)
    hours, place = np.zeros((len(names), len(lots))), {name: k for k, name in enumerate(names)}
    holds = np.zeros_like(hours, dtype=np.bool_)
    shares = np.zeros_like(hours)
    for seat in held:
        at = (place[seat.provider], lots[seat.lot])
        shares[at] += seat.share
        hours[at] += seat.share * weekly[at[1]]
        holds[at] = True
    near = holds @ beside(plan, problem)
    own = hours.sum(axis=1)
    headroom = _headroom(names, own, float(weekly.sum()), terms, capacity)
    kinds, room = _room(holds, plan, terms)
    rows: list[dict[str, Any]] = []
    for k, name in enumerate(names):
        gone = np.flatnonzero(holds[k])
        takers = [t for t in range(len(names)) if t != k and near[t, gone].any()]
        pairs = np.array(
            [(g, t) for g, lot in enumerate(gone) for t in takers if near[t, lot]], dtype=np.int64
        ).reshape(-1, 2)
        new = ~holds[pairs[:, 1], gone[pairs[:, 0]]]
        way = spread(hours[k, gone], headroom, pairs, new, kinds[:, gone], room)
        by = np.bincount(pairs[:, 1], weights=way, minlength=len(names)).astype(np.float64)
        into = np.bincount(pairs[:, 0], weights=way, minlength=len(gone))
        left = np.maximum(0.0, hours[k, gone] - into)
        short = [str(plan.zone_ids[lot]) for lot, rest in zip(gone, left, strict=True) if rest > 1e-6]
        rows.append(
            {
                "provider": name,
                "placeholder": all(seat.placeholder for seat in held if seat.provider == name),
                "lots": len(gone),
                "lot_ids": ", ".join(plan.zone_ids[lot] for lot in gone),
                "customers": float((shares[k, gone] * people[gone]).sum()),
                "weekly_hours": float(own[k]),
                "absorbed_hours": float(own[k] - left.sum()),
                "absorbed_by": _takers(names, by),
                "takers_in_reach": len(takers),
                "left_hours": float(left.sum()),
                "left_share": float(left.sum() / own[k]) if own[k] > 0 else 0.0,
                "left_lots": ", ".join(short),
            }
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _takers(names: Sequence[str], by: Floats) -> str:
    """Return who takes how many hours, most first."""
    order = [k for k in np.argsort(-by, kind="stable") if by[k] > 1e-6]
    return "; ".join(f"{names[k]}: {by[k]:,.1f} h" for k in order)


def _headroom(
    names: Sequence[str], own: Floats, total: float, terms: Terms, capacity: Mapping[str, float] | None
) -> Floats:
    """Return the hours that each provider could add (providers,)."""
    found = terms.headroom * own
    for k, name in enumerate(names):
        most = (capacity or {}).get(name)
        if most is not None and most == most:  # noqa: PLR0124  (NaN is not itself)
            found[k] = max(0.0, most - own[k])
    if terms.cap_hours_share is not None:
        found = np.minimum(found, np.maximum(0.0, terms.cap_hours_share * total - own))
    return np.asarray(found)


def _room(holds: Bools, plan: Plan, terms: Terms) -> tuple[Floats, Floats]:
    """Return what lots count as for each cap (caps, lots), and how many more each provider may enter."""
    kinds, room = [], []
    if terms.cap is not None:
        kinds.append(np.ones(len(plan.zone_ids)))
        room.append(np.maximum(0.0, terms.cap - holds.sum(axis=1)))
    for level, cap in terms.cap_by_level.items():
        of_level = np.array([each == level for each in plan.levels], dtype=np.float64)
        kinds.append(of_level)
        room.append(np.maximum(0.0, cap - holds @ of_level))
    count = len(plan.zone_ids)
    shape = len(kinds)
    return np.array(kinds).reshape(shape, count), np.array(room).reshape(shape, len(holds))
