"""A scenario file into settings: TOML, what it extends, and every fault named by file and key."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from zonedesign import profiles
from zonedesign.errors import ScenarioError, counted, nearest_name
from zonedesign.levels import CharacterShare, Level
from zonedesign.scenario.lots import terms_of
from zonedesign.scenario.settings import MEANS, PATHS, TABLES, WAYS, LevelTable, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Parsed:
    """The settings of a scenario, the files they come from (first the one asked for), and its levels."""

    settings: Settings
    files: tuple[Path, ...]
    levels: tuple[Level, ...]


@dataclass
class _Merged:
    """Tables merged so far, which file set each key, and the files in the order read."""

    data: dict[str, Any] = field(default_factory=dict)
    origin: dict[str, str] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)

    def file_of(self, key: str) -> str:
        """Return the name of the file that set a key, or the table it is in, or else the scenario."""
        while key and key not in self.origin:
            key = key.rpartition(".")[0]
        return self.origin.get(key, self.files[0].name)


def parse(path: str | Path) -> Parsed:
    """Return what a scenario file says, with what it extends; `ScenarioError` names file and key."""
    return _checked(_read(Path(path), ()))


def changed(parsed: Parsed, changes: Mapping[str, Any], source: str) -> Parsed:
    """Return what a scenario says with some of its keys replaced, checked as a file is.

    `changes` are by key, such as `levels` or `roads.profile`; `ScenarioError` names `source` and the key.
    """
    data = parsed.settings.model_dump(exclude_none=True)
    merged = _Merged(data, dict.fromkeys(changes, source), list(parsed.files))
    for dotted, value in changes.items():
        *above, key = dotted.split(".")
        table = data
        for step in above:
            table = table[step]
        table[key] = value
    _require_known(data, "", source)
    return _checked(merged)


def _checked(merged: _Merged) -> Parsed:
    """Return merged tables as settings and levels; `ScenarioError` for the first thing that cannot be."""
    try:
        settings = Settings.model_validate(merged.data)
    except ValidationError as error:
        raise ScenarioError(_said(error, merged)) from None
    _require_one_way(settings, merged.file_of("demand"))
    _require_roads(settings, merged)
    for weight, needed, what in (
        ("change", "baseline", "today's plan"),
        ("borders", "border", "a boundary set"),
    ):
        if getattr(settings.objective, weight) and getattr(settings.objective, needed) is None:
            file = merged.file_of(f"objective.{weight}")
            raise ScenarioError(f"{file}: objective.{weight} needs objective.{needed}: {what}")
    levels = _levels(settings, merged.file_of("levels"))
    try:
        terms_of(settings.lots).require_levels([level.name for level in levels])
    except ScenarioError as error:
        raise ScenarioError(f"{merged.file_of('lots')}: {error}") from None
    return Parsed(settings, tuple(merged.files), levels)


def _read(path: Path, above: tuple[Path, ...]) -> _Merged:
    here = path.resolve()
    if here in above:
        chain = " -> ".join(each.name for each in (*above[above.index(here) :], here))
        raise ScenarioError(f"{path.name}: extends goes in a circle: {chain}; one of them must not extend")
    data = _toml(path, above)
    _require_known(data, "", path.name)
    base = data.get("extends")
    if base is not None and not isinstance(base, str):
        raise ScenarioError(f"{path.name}: extends is {base!r}; it must be {MEANS['extends']}")
    for key in PATHS:
        _resolve(data, key.split("."), path.parent)
    merged = _read(path.parent / base, (*above, here)) if base else _Merged()
    _give_way(merged.data, data)
    _merge(merged.data, data, merged.origin, path.name, "")
    merged.files.insert(0, path)
    return merged


def _toml(path: Path, above: tuple[Path, ...]) -> dict[str, Any]:
    said = f"{above[-1].name} extends {path}, but " if above else ""
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        near = nearest_name(path.name, [each.name for each in path.parent.glob("*.toml")])
        raise ScenarioError(f"{said}there is no scenario file {path}{near}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path.name}: not a TOML file: {error}") from None
    except OSError as error:
        raise ScenarioError(f"{path.name}: the file cannot be read: {error.strerror}") from None


def _require_known(table: Any, where: str, file: str, level: str = "") -> None:
    """Refuse keys that are not in the contract, with the nearest that is."""
    if isinstance(table, list):
        for number, each in enumerate(table, 1):
            named = each.get("name", number) if isinstance(each, dict) and where == "levels" else number
            _require_known(each, where, file, f" of level '{named}'" if where == "levels" else level)
        return
    if where not in TABLES or not isinstance(table, dict):
        return
    known = TABLES[where].model_fields
    for key, value in table.items():
        dotted = f"{where}.{key}" if where else key
        if key not in known:
            near = nearest_name(key, known) or _elsewhere(key) or f"; known are {', '.join(known)}"
            raise ScenarioError(f"{file}: unknown key '{dotted}'{level}{near}")
        _require_known(value, dotted, file, level)


def _elsewhere(key: str) -> str:
    """Return where a key belongs that stands in the wrong table."""
    homes = [table for table, model in TABLES.items() if table and key in model.model_fields]
    return f"; '{key}' belongs in [{homes[0]}]" if homes else ""


def _resolve(data: Any, steps: list[str], folder: Path) -> None:
    """Make the paths at a key absolute by the folder of the file that names them, in place."""
    if isinstance(data, list):
        for each in data:
            _resolve(each, steps, folder)
        return
    step, *more = steps
    if not isinstance(data, dict) or step not in data:
        return
    value = data[step]
    if more:
        _resolve(value, more, folder)
    elif isinstance(value, str) and value:
        data[step] = str(folder / value)
    elif isinstance(value, list):
        data[step] = [str(folder / each) if isinstance(each, str) and each else each for each in value]


def _give_way(base: dict[str, Any], over: dict[str, Any]) -> None:
    """Drop from `base` what cannot stand beside `over`: another way to state demand, other roads."""
    demand, roads = over.get("demand"), over.get("roads")
    if isinstance(demand, dict) and isinstance(base.get("demand"), dict) and WAYS.keys() & demand.keys():
        for way, keys in WAYS.items():
            if way not in demand:
                for key in keys:
                    base["demand"].pop(key, None)
    if isinstance(roads, dict) and isinstance(base.get("roads"), dict):
        if roads.get("sketch") is True:
            base["roads"].pop("path", None)
        elif "path" in roads:
            base["roads"].pop("sketch", None)


def _merge(base: dict[str, Any], over: dict[str, Any], origin: dict[str, str], file: str, where: str) -> None:
    """Lay `over` on `base` in place: tables key by key, everything else replaced."""
    for key, value in over.items():
        dotted = f"{where}.{key}" if where else key
        origin[dotted] = file
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value, origin, file, dotted)
        else:
            base[key] = value


def _said(error: ValidationError, merged: _Merged) -> str:
    """Return the first fault as one line: file, key, what it is and what it must be."""
    first = error.errors()[0]
    value: Any = merged.data
    keys: list[str] = []
    level = ""
    for step in first["loc"]:
        if isinstance(value, dict) and isinstance(step, str) and step in value:
            value = value[step]
            keys.append(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
            if keys == ["levels"] and isinstance(value, dict):
                level = f" of level '{value.get('name', step + 1)}'"
        else:
            break
    if first["type"] == "missing":
        where, key = ".".join(keys), str(first["loc"][-1])
        dotted = f"{where}.{key}" if where else key
        table = where or "the scenario"
        return f"{merged.file_of(where)}: '{dotted}' is missing{level}; {table} needs {MEANS[dotted]}"
    dotted = ".".join(keys)
    while dotted not in MEANS and "." in dotted:
        dotted = dotted.rpartition(".")[0]
    shown = repr(value) if not isinstance(value, (dict, list)) or len(repr(value)) < 60 else "not right"
    return f"{merged.file_of(dotted)}: {dotted}{level} is {shown}; it must be {MEANS.get(dotted, 'right')}"


def _require_one_way(settings: Settings, file: str) -> None:
    demand = settings.demand
    given = [way for way in WAYS if getattr(demand, way) is not None]
    if len(given) != 1:
        said = f"both {given[0]} and {given[1]}" if given else "no demand"
        raise ScenarioError(
            f"{file}: [demand] has {said}; give one of customers (a file), hours_column, or total_hours "
            "with spread_by"
        )
    for way, keys in WAYS.items():
        for key in keys[1:]:
            if way != given[0] and getattr(demand, key) is not None:
                raise ScenarioError(
                    f"{file}: demand.{key} goes with {way}, not with {given[0]}; leave one out"
                )
    if demand.total_hours is not None and demand.spread_by is None:
        raise ScenarioError(
            f"{file}: 'demand.spread_by' is missing; total_hours is spread by a column of the units"
        )
    growth = demand.growth
    if (
        growth is not None
        and not isinstance(growth, (str, float, int))
        and (growth.by is None) == (growth.path is None)
    ):
        raise ScenarioError(f"{file}: demand.growth needs either by or path, beside column")


def _require_roads(settings: Settings, merged: _Merged) -> None:
    roads = settings.roads
    file = merged.file_of("roads")
    if (roads.path is None) == (not roads.sketch):
        said = "both path and sketch" if roads.sketch else "neither a path nor sketch"
        raise ScenarioError(f'{file}: [roads] has {said}; give one: path = "roads.osm.pbf" or sketch = true')
    try:
        profiles.profile(roads.profile)
    except ScenarioError as error:
        raise ScenarioError(f"{merged.file_of('roads.profile')}: roads.profile: {error}") from None


def _levels(settings: Settings, file: str) -> tuple[Level, ...]:
    """Return the levels; `ScenarioError` for bands, names and counts that cannot be."""
    try:
        levels = tuple(_level(table) for table in settings.levels)
    except ScenarioError as error:
        raise ScenarioError(f"{file}: levels: {error}") from None
    names = [level.name for level in levels]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ScenarioError(
            f"{file}: levels.name '{twice[0]}' stands {names.count(twice[0])} times; name each once"
        )
    if all(level.zone_range[1] == 0 for level in levels):
        raise ScenarioError(
            f"{file}: levels.zones allow no zone at all: every unit must be in one; raise a count"
        )
    low = sum((level.hours_share or (0, None))[0] or 0.0 for level in levels)
    high = sum(
        1.0 if level.hours_share is None or level.hours_share[1] is None else level.hours_share[1]
        for level in levels
    )
    if low > 1 + 1e-9 or high < 1 - 1e-9:
        raise ScenarioError(
            f"{file}: levels.hours_share of {counted(len(levels), 'level')} add up to {low:g} to {high:g}; "
            "1 must lie between"
        )
    return levels


def _level(table: LevelTable) -> Level:
    stated: dict[str, Any] = table.model_dump(exclude={"character", "name"}, exclude_none=True)
    bands: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in stated.items()
    }
    character = table.character
    share = (
        None
        if character is None
        else CharacterShare(character.column, tuple(character.values), character.at_least)
    )
    return Level(str(table.name), **bands, character=share)
