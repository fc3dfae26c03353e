"""Frames: rows as a frame with the same columns and types whether there are rows or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

WHOLE = frozenset(
    {
        "zones", "units", "units_without_zone", "strange_units", "from_units", "to_units",
        "units_in_common", "units_moved", "checks", "broken",
    }
)  # fmt: skip
TEXT = frozenset(
    {
        "plan", "level", "rule", "status", "from_zone", "from_name", "from_level", "to_zone", "to_name",
        "to_level", "mostly", "by", "value", "in_zones", "broken_rules",
    }
)  # fmt: skip
PEOPLE = frozenset({"customers", "from_customers", "to_customers", "customers_moved"})


def framed(
    rows: Iterable[Mapping[str, Any]], columns: Sequence[str], people: Any = np.float64
) -> pd.DataFrame:
    """Return rows as a frame: text (None where there is none), whole numbers, and everything else as floats.

    `people` is the type of customers: whole numbers, or floats where they are not, or are not known.
    """
    table = list(rows)
    frame = {}
    for name in columns:
        values = [row[name] for row in table]
        kind = (
            object
            if name in TEXT
            else np.int64
            if name in WHOLE
            else people
            if name in PEOPLE
            else np.float64
        )
        frame[name] = pd.Series(values, dtype=kind)
    return pd.DataFrame(frame)
