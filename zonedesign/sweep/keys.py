"""Keys of a scenario set anew: `levels.1.max_minutes = 12`, checked as far as a key can be, and in words."""

from __future__ import annotations

import copy
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zonedesign.errors import ScenarioError, listed, nearest_name
from zonedesign.scenario.settings import PATHS, LevelTable, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Key = tuple[str, ...]
"""A key as its steps: ("levels", "1", "max_minutes"), or ("levels", "max_minutes") for every level."""

NOT_VARIED = ("name", "extends")
ABSENT = object()
"""The value of a key that is left out."""

_STEP = re.compile(r'"([^"]*)"|([^."]+)')
_BARE = re.compile(r"[A-Za-z./\\][\w .+:/\\-]*")


def key_of(text: str) -> Key:
    """Return a dotted key as its steps; a step with a dot in it stands in double quotes."""
    steps = tuple(quoted or plain for quoted, plain in _STEP.findall(text))
    if not steps or ".".join(f'"{step}"' if f'"{step}"' in text else step for step in steps) != text:
        raise ScenarioError(f"'{text}' is no key of a scenario; write one such as levels.1.max_minutes")
    return steps


def set_of(text: str) -> tuple[Key, list[Any]]:
    """Return `KEY=VALUE[,VALUE...]` as the key and its values, as TOML has them, or bare words as text."""
    key, sign, values = text.partition("=")
    if not sign or not values.strip():
        raise ScenarioError(
            f"--set {text}: write KEY=VALUE[,VALUE...], such as levels.1.max_minutes=12,15,20"
        )
    try:
        found: list[Any] = tomllib.loads(f"v = [{values}]")["v"]
    except tomllib.TOMLDecodeError:
        found = [_value(each.strip(), text) for each in _parted(values)]
    if not found:
        raise ScenarioError(f"--set {text} has no value; give one or more, with commas between")
    return key_of(key.strip()), found


def _parted(text: str) -> list[str]:
    """Return what stands between the commas that are in no quotes and no brackets."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        else:
            depth += (letter in "[{") - (letter in "]}")
        if letter == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _value(text: str, whole: str) -> Any:
    """Return one value as TOML has it, or a bare word as text."""
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        if _BARE.fullmatch(text):
            return text
        raise ScenarioError(
            f"--set {whole}: '{text}' is no value; write a number, true, [min, max] or text in quotes"
        ) from None


def found_from(key: Key, value: Any, folder: Path) -> Any:
    """Return a value with the paths in it taken from `folder`."""
    if isinstance(value, dict):
        return {name: found_from((*key, name), each, folder) for name, each in value.items()}
    if isinstance(value, list):
        return [found_from(key, each, folder) for each in value]
    is_path = ".".join(key) in PATHS and isinstance(value, str) and value
    return str(folder / value) if is_path else value


def laid_on(settings: Settings, changes: Mapping[Key, Any], source: str) -> dict[str, Any]:
    """Return the tables of a scenario that changes touch, whole and changed, by their names.

    Raises `ScenarioError`, naming `source`, for a key that no scenario has and a level that this one lacks;
    what values may be is the reader's to say.
    """
    data: dict[str, Any] = settings.model_dump(exclude_none=True)
    touched = {}
    for key, value in changes.items():
        top = key[0]
        if top not in Settings.model_fields or top in NOT_VARIED:
            hint = (
                nearest_name(top, Settings.model_fields) or f"; there are {', '.join(Settings.model_fields)}"
            )
            raise ScenarioError(f"{source}: '{'.'.join(key)}' is nothing that a sweep can vary{hint}")
        if top == "levels" and len(key) > 1:
            for level, rest in _levels(data["levels"], key, source):
                _put(level, rest, value, source)
        else:
            _put(data, key, value, source)
        touched[top] = data.get(top, {})
    return copy.deepcopy(touched)


def _levels(levels: list[dict[str, Any]], key: Key, source: str) -> list[tuple[dict[str, Any], Key]]:
    """Return the tables of the levels that a key names, one or all, each with the rest of the key."""
    named = [level for level in levels if str(level["name"]) == key[1]]
    if named and len(key) > 2:
        return [(level, key[2:]) for level in named]
    if key[1] in LevelTable.model_fields:
        return [(level, key[1:]) for level in levels]
    names = [str(level["name"]) for level in levels]
    if named:
        raise ScenarioError(f"{source}: '{'.'.join(key)}' names no key of that level; add one: .max_minutes")
    known = [*names, *LevelTable.model_fields]
    hint = nearest_name(key[1], known) or f"; the levels are {listed(names)}"
    raise ScenarioError(f"{source}: '{'.'.join(key)}' names no level and no key of levels{hint}")


def _put(table: dict[str, Any], key: Key, value: Any, source: str) -> None:
    """Put a value at a key of a table, in place, or take it away."""
    for step in key[:-1]:
        inner = table.setdefault(step, {})
        if not isinstance(inner, dict):
            raise ScenarioError(
                f"{source}: '{'.'.join(key)}' goes into '{step}', which is no table here; set '{step}' whole"
            )
        table = inner
    if value is ABSENT:
        table.pop(key[-1], None)
    else:
        table[key[-1]] = value


# In words.


def in_words(changes: Mapping[Key, Any]) -> str:
    """Return changes as people say them: "max_minutes 12 at level 1, demand.growth 1.1"."""
    return ", ".join(_said(key, value) for key, value in changes.items())


def _said(key: Key, value: Any) -> str:
    if key == ("levels",):
        return f"levels {listed([each.get('name', '?') for each in value], 8)}"
    what, where = ".".join(key), ""
    if key[0] == "levels":
        every = len(key) == 2 or (key[1] in LevelTable.model_fields and key[1] != "name")
        what = ".".join(key[1:] if every else key[2:])
        where = " at every level" if every else f" at level {key[1]}"
    return f"no {what}{where}" if value is ABSENT else f"{what} {_shown(key, value)}{where}"


def _shown(key: Sequence[str], value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"{value:,.10g}"
    if isinstance(value, dict) and "path" in value and "id" in value:
        return f"{Path(str(value['path'])).name} ({value['id']})"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown((*key, name), each)}" for name, each in value.items())
    if isinstance(value, list):
        numbers = len(value) == 2 and all(isinstance(each, (int, float)) for each in value)
        shown = [_shown(key, each) for each in value]
        return " to ".join(shown) if numbers else listed(shown, 4)
    return Path(str(value)).name if ".".join(key) in PATHS else str(value)
