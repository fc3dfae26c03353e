"""Place names that sound English and mean nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

COUNTY = "Westmarch"

FIRST = (
    "Ald Amber Ashel Barrow Birken Brox Calder Carn Chel Corfe Crane Dapple Dun Elder Esken Fallow Fother Galt "
    "Hather Heron Hollen Ingle Jessa Kell Lark Linder Mallow Merrow Nether Oaken Orl Pippin Pottle Quarr Raven "
    "Rushel Sallow Sedge Tarn Thistle Till Ulver Vann Wander Whin Wren Yarrow"
).split()
LAST = "bourne bridge bury combe den field ford ham hurst ley mere stead ton well wick worth".split()
GIVEN = ("Great", "Little", "Upper", "Lower", "West", "East", "Kings", "Nether")
ADDED = ("Green", "Common", "St Mary", "Cross", "End", "Street", "Hatch", "Abbas")

# Pairs that a stranger would look up and find.
REAL = frozenset(
    "Aldbourne Aldbury Aldham Aldford Aldwick Aldworth Aldfield Aldridge Brandon Carnwell Chelsworth Chelwood "
    "Chelford Chelham Chelmere Chelworth Chelwell Corfeham Craneham Galton Garnham Harleston Harlton Harlwick "
    "Ingleby Ingleton Larkfield Larkhurst Marlbury Marlow Nethercombe Netherfield Netherton Netherbury "
    "Nethercote Netherwick Orlton Oakenden Quarrwell Ravenfield Ravenstead Ravenwick Tarnworth Elderfield "
    "Elderton Sedgefield Sedgeley Sedgewick Sedgeford Sellingham Tillingham Ulverton Ulverley Whinfield "
    "Wrenbury Fallowfield Hollenbury Barrowby Barrowford Barrowden Bellingham Brandham Pellingbourne".split()
)


def place_names(count: int, rng: np.random.Generator) -> list[str]:
    """Return `count` different simple names, such as "Merrowhurst"; no first part recurs before all are used."""
    rounds: list[str] = []
    order = rng.permutation(len(FIRST))
    lasts = {first: rng.permutation(len(LAST)) for first in order}
    for turn in range(len(LAST)):
        for first in order:
            name = FIRST[first] + LAST[lasts[first][turn]]
            if name not in REAL and FIRST[first][-1] != LAST[lasts[first][turn]][0]:
                rounds.append(name)
    return rounds[:count]


def dressed(name: str, rng: np.random.Generator) -> str:
    """Return a village's name, at times with a word before or behind ("Little Merrowhurst")."""
    draw = rng.random()
    if draw < 0.16:
        return f"{GIVEN[rng.integers(len(GIVEN))]} {name}"
    if draw < 0.34:
        return f"{name} {ADDED[rng.integers(len(ADDED))]}"
    return name
