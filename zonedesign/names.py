"""Names: what people call a zone, from the places where its hours are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from zonedesign.units import Units

PLACES = (
    r"place(_?name)?|town|settlement|locality|neighbourhood",
    r"ward\d*(_?na?me?)?|wd\d\dnm",
    r"parish(_?name)?|par(nc)?p?\d\dnm",
    r"msoa\d\dhclnm",
    r"oa\d*_?na?me?|lsoa\d*_?na?me?|msoa\d*_?na?me?",
    r"(unit_?)?name",
)
"""Names of columns that hold the names of places, the likeliest first."""

_NUMBERED = re.compile(r"[lm]soa\d*_?na?me?")
_CODE = re.compile(r"\s\d{3}[A-Z]?$")


def place_column(frame: pd.DataFrame) -> str | None:
    """Return the column of a frame whose name says that it holds the names of places, or None."""
    for pattern in PLACES:
        for column in frame.columns:
            looks_right = re.fullmatch(pattern, str(column).strip().lower()) is not None
            if (
                looks_right
                and not pd.api.types.is_numeric_dtype(frame[column])
                and frame[column].notna().any()
            ):
                return str(column)
    return None


def zone_names(of_units: Units, members: Iterable[NDArray[np.int64]]) -> list[str]:
    """Return a unique name for every zone: the place with most of its hours, and the next if two are alike.

    Zones that are still alike are numbered in their order. The number of a census area ("Portsmouth 001A") is
    no part of a place's name. Empty where the units have no column of names.
    """
    zones = list(members)
    if of_units.name_column is None:
        return ["" for _ in zones]
    places = np.array(places_of(of_units), dtype=object)
    hours = of_units.hours.to_numpy()
    candidates = [_by_hours(places[units], hours[units]) for units in zones]
    first = [places[0] if places else "" for places in candidates]
    names = [
        f"{name} and {places[1]}" if first.count(name) > 1 and len(places) > 1 else name
        for name, places in zip(first, candidates, strict=True)
    ]
    return _numbered(names)


def has_census_names(of_units: Units) -> bool:
    """Return whether units are named after their district and a number: no name of a place on a map."""
    column = of_units.name_column
    return column is not None and _NUMBERED.fullmatch(column.strip().lower()) is not None


def places_of(of_units: Units) -> list[str]:
    """Return the place that every unit lies in, by its column of names; empty where there is none."""
    if of_units.name_column is None:
        return [""] * len(of_units)
    places = of_units.frame[of_units.name_column].astype(object)
    places = places.where(places.notna(), "").astype(str).str.strip()
    if has_census_names(of_units):
        places = places.str.replace(_CODE, "", regex=True)
    return [str(place) for place in places]


def _by_hours(places: NDArray[np.object_], hours: NDArray[np.floating[Any]]) -> list[str]:
    """Return the named places of a zone, most hours first, then most units, then by name."""
    found = pd.DataFrame({"place": places, "hours": hours, "units": 1}).groupby("place", as_index=False).sum()
    found = found[found["place"] != ""].sort_values(
        ["hours", "units", "place"], ascending=[False, False, True]
    )
    return [str(place) for place in found["place"]]


def _numbered(names: list[str]) -> list[str]:
    """Return the names with a number after each that occurs more than once, skipping names that are taken."""
    taken = {name for name in names if names.count(name) == 1}
    unique = []
    for name in names:
        if not name or names.count(name) == 1:
            unique.append(name)
            continue
        number = 1
        while f"{name} {number}" in taken:
            number += 1
        taken.add(f"{name} {number}")
        unique.append(f"{name} {number}")
    return unique
