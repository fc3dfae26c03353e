"""Lots to let: a row of units, each a zone of its own, so that every lot's hours can be chosen."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd

import zonedesign as zd


def row(
    hours: list[float],
    *,
    levels: list[str] | None = None,
    providers: dict[str, dict[str, int]] | None = None,
    customers: list[float] | None = None,
    **columns: Any,
) -> tuple[zd.Plan, zd.Problem]:
    """Return a plan whose lots a, b, c ... have these hours, each touching the next, and its problem."""
    names = [chr(ord("a") + k) for k in range(len(hours))]
    of_level = levels or ["1"] * len(hours)
    given = {"1": {"lead": 1, "secondary": 1}} | (providers or {})
    frame = pd.DataFrame(
        {"hours": np.array(hours, dtype=float), **columns}, index=pd.Index(names, name="unit")
    )
    if customers is not None:
        frame["people"] = np.array(customers, dtype=float)
    units = zd.Units.from_frame(
        frame,
        hours="hours",
        customers=None if customers is None else "people",
        contiguity=list(itertools.pairwise(names)),
    )
    minutes = 5.0 * np.abs(np.subtract.outer(np.arange(len(hours)), np.arange(len(hours))))
    stated = [zd.Level(name, providers=given.get(name, {})) for name in dict.fromkeys(of_level)]
    problem = zd.Problem(units, zd.TravelTimes.from_matrix(minutes, names), levels=stated)
    plan = zd.Plan.from_labels(
        problem.units,
        problem.times,
        pd.Series(names, index=names),
        levels=stated,
        level=dict(zip(names, of_level, strict=True)),
    )
    return plan, problem
