"""Place names that sound English and mean nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

COUNTY = "Westmarch"

FIRST = (
    "Ald", "Amber", "Ashel", "Barrow", "Birken", "Brox", "Calder", "Carn", "Chel", "Corfe", "Crane",
    "Dapple", "Elder", "Esken", "Fallow", "Fother", "Galt", "Hather", "Heron", "Hollen", "Ingle",
    "Jessa", "Kell", "Lark", "Linder", "Mallow", "Merrow", "Nether", "Oaken", "Orl", "Pippin", "Pottle",
    "Quarr", "Raven", "Rushel", "Sallow", "Sedge", "Tarn", "Thistle", "Till", "Ulver", "Vann", "Wander",
    "Whin", "Wren", "Yarrow",
)  # fmt: skip
LAST = (
    "bourne", "bridge", "bury", "combe", "den", "field", "ford", "ham", "hurst", "ley", "mere", "stead",
    "ton", "well", "wick", "worth",
)  # fmt: skip
GIVEN = ("Great", "Little", "Upper", "Lower", "West", "East", "Kings", "Nether")
ADDED = ("Green", "Common", "St Mary", "Cross", "End", "Street", "Hatch", "Abbas")

# Pairs that name a real place, or nearly.
REAL = frozenset([
    "Aldbourne", "Aldbury", "Aldfield", "Aldford", "Aldham", "Aldwick", "Aldworth", "Amberfield",
    "Amberham", "Amberley", "Ashelford", "Barrowden", "Barrowford", "Calderbridge", "Calderfield",
    "Caldermere", "Calderwell", "Carnbury", "Carnham", "Carnwell", "Chelford", "Chelham", "Chelmere",
    "Chelwell", "Chelworth", "Corfeham", "Craneford", "Craneham", "Elderden", "Elderfield", "Elderton",
    "Elderwell", "Fallowfield", "Hatherden", "Hatherley", "Hatherton", "Heronbridge", "Heronfield",
    "Hollenbury", "Hollenden", "Ingleford", "Ingleham", "Ingleton", "Inglewick", "Kellham", "Larkfield",
    "Larkhurst", "Larkton", "Linderfield", "Netherbury", "Nethercombe", "Netherfield", "Netherford",
    "Netherham", "Netherhurst", "Netherstead", "Netherton", "Netherwell", "Netherwick", "Oakenden",
    "Oakenford", "Oakenhurst", "Orlton", "Quarrwell", "Ravenbury", "Ravenfield", "Ravenham", "Ravenley",
    "Ravenstead", "Ravenwick", "Rushelden", "Sedgefield", "Sedgeford", "Sedgeham", "Sedgeley",
    "Sedgemere", "Sedgewell", "Sedgewick", "Tarnworth", "Thistleham", "Thistleton", "Tillbury",
    "Tillwick", "Ulverley", "Ulverton", "Wanderwick", "Whinfield", "Wrenbury",
])  # fmt: skip


def place_names(count: int, rng: np.random.Generator) -> list[str]:
    """Return `count` different simple names, such as "Merrowhurst"; first parts recur as late as can be."""
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
