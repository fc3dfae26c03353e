"""Frames: rows as a frame with the same columns and types whether there are rows or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

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
    rows: Iterable[Mapping[str, Any]], columns: Sequence[str], people: NDArray[Any] | None = None
) -> pd.DataFrame:
    """Return rows as a frame: text (None where there is none), whole numbers, and everything else as floats.

    `people` are the customers of every unit: where they are whole numbers their sums are, and where they are
    not known, all NaN, no sum of them is.
    """
    table = list(rows)
    whole = people is not None and np.issubdtype(people.dtype, np.integer)
    unknown = people is not None and not whole and bool(np.isnan(people).all())
    frame = {}
    for name in columns:
        values = [np.nan if unknown and name in PEOPLE else row[name] for row in table]
        counts = name in WHOLE or (whole and name in PEOPLE)
        kind: Any = object if name in TEXT else np.int64 if counts else np.float64
        frame[name] = pd.Series(values, dtype=kind)
    return pd.DataFrame(frame)
