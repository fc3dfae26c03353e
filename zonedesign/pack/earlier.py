"""Earlier packs: what of them is out already, so that nothing printed now gives it away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd

from zonedesign.disclosure import Table
from zonedesign.errors import DataError, counted, listed
from zonedesign.pack.material import TABLE

if TYPE_CHECKING:
    from pathlib import Path

    from zonedesign.units import Units


def read_published(folder: Path, units: Units) -> Table:
    """Return the table of a pack that is out: the lot of every unit, and what was withheld in it.

    Raises `DataError` for a folder that is no public pack, and for a pack of other units.
    """
    try:
        told = json.loads((folder / "disclosure.json").read_text(encoding="utf-8"))
        rows = pd.read_csv(folder / "units.csv", dtype=str, keep_default_na=False)
        zone = rows.set_index("unit")["lot"]
        level = dict(zip(rows["lot"], rows["level"], strict=True))
        # It also lists what was hidden in packs before it: only its own figures count as hidden here.
        hidden = frozenset(str(each["name"]) for each in told["hidden"] if each["table"] == TABLE)
        public, rounded = told["kind"] == "public", told["rounding"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{folder} is no pack of ours ({error}); name the folder that 'pack' wrote"
        ) from error
    if not public:
        raise DataError(f"{folder} is an internal pack; it must not be out")
    if rounded:
        raise DataError(
            f"the figures of {folder} are rounded ({rounded}), and only packs that withhold figures can be "
            "read together; withdraw it, or make this pack --internal"
        )
    ids = {str(each): each for each in units.ids}
    missing = [name for name in ids if name not in zone.index]
    if missing:
        raise DataError(
            f"{folder} gives no lot to {counted(len(missing), 'unit')} of the plan: {listed(missing)}; "
            "only packs of the same units can be read together"
        )
    kept = zone[zone.index.isin(list(ids))]
    return Table(kept.rename(index=ids).reindex(units.ids), level, hidden)
