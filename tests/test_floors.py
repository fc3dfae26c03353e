"""The house stands: a room imports rooms on lower floors, and rooms to its left on its own floor."""

from __future__ import annotations

import ast
from pathlib import Path

import zonedesign

HOUSE = Path(zonedesign.__file__).parent
FLOORS = """
errors provenance progress interrupts compiled swap
profiles tables roads snapping osm traveltimes timestore calibrate contiguity units demand
levels rules certificate measures names plan
problem verify model
solve explain portfolio
compare questions lots rounds disclosure
workbook maps report folder pack
scenario examples sweep studio cli
"""
PLACE = {
    room: (floor, place)
    for floor, rooms in enumerate(FLOORS.strip().split("\n"))
    for place, room in enumerate(rooms.split())
}


def room_of(path: Path) -> str:
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """The rooms that a module names in its imports, wherever they stand in it."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    froms = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    named = [f"{node.module}.{each.name}" for node in froms for each in node.names]
    named += [each.name for node in nodes if isinstance(node, ast.Import) for each in node.names]
    return {name.split(".")[1] for name in named if name.startswith("zonedesign.")}


MODULES = {
    path: imports(path) - {room_of(path)} for path in HOUSE.rglob("*.py") if path.parent.name != "files"
}
del MODULES[HOUSE / "__init__.py"]  # the door, which names every room and enters none


def place_of(room: str) -> tuple[int, float]:
    """Where a room stands; a private one (`_kernels`) just left of the leftmost room that uses it."""
    if not room.startswith("_"):
        return PLACE[room]
    floor, place = min(place_of(room_of(path)) for path, others in MODULES.items() if room in others)
    return floor, place - 0.1


def test_every_room_has_its_place():
    assert {room_of(path) for path in MODULES if not room_of(path).startswith("_")} <= set(PLACE)


def test_imports_only_go_down_and_to_the_left():
    climbing = [
        f"{path.relative_to(HOUSE)} imports {other}"
        for path, others in MODULES.items()
        for other in others
        if place_of(other) > place_of(room_of(path))
    ]
    assert climbing == []
