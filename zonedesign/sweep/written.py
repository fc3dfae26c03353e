"""A scenario written out: the TOML file of a variant, so that every other verb can go on with it."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zonedesign.scenario.settings import PATHS

if TYPE_CHECKING:
    from collections.abc import Callable

    from zonedesign.scenario import Scenario

WHOLE = 1e15
"""Up to here a whole number is written without its point."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml_of(scenario: Scenario, folder: Path) -> str:
    """Return a scenario as a TOML file that stands in `folder` and extends nothing."""
    data: dict[str, Any] = scenario.settings.model_dump(exclude_none=True)
    data = _stated(with_paths(data, lambda path: _from(path, folder))) | {"name": scenario.name}
    data.pop("extends", None)
    levels = data.pop("levels")
    tables = {key: value for key, value in data.items() if isinstance(value, dict)}
    lines = [f"{key} = {_toml(value)}" for key, value in data.items() if key not in tables]
    for key, table in tables.items():
        if table:
            lines += ["", f"[{key}]", *[f"{_key(name)} = {_toml(value)}" for name, value in table.items()]]
    for level in levels:
        lines += ["", "[[levels]]", *[f"{_key(name)} = {_toml(value)}" for name, value in level.items()]]
    return "\n".join(lines) + "\n"


def with_paths(data: Any, change: Callable[[str], Any], key: tuple[str, ...] = ()) -> Any:
    """Return the tables of a scenario with every path in them replaced by what `change` says of it."""
    if isinstance(data, dict):
        return {name: with_paths(each, change, (*key, name)) for name, each in data.items()}
    if isinstance(data, list):
        return [with_paths(each, change, key) for each in data]
    return change(data) if ".".join(key) in PATHS and isinstance(data, str) else data


def _stated(value: Any) -> Any:
    """Return tables without the lists and tables in them that are empty, and so state nothing."""
    if isinstance(value, dict):
        return {name: _stated(each) for name, each in value.items() if each not in ({}, [])}
    return [_stated(each) for each in value] if isinstance(value, list) else value


def _from(path: str, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return Path(path).resolve().as_posix()


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    # JSON and TOML escape alike but for the one control character that JSON lets stand.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _toml(value: Any) -> str:
    """Return a value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dt.date | dt.time):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(str(name))} = {_toml(each)}" for name, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    if isinstance(value, float) and value.is_integer() and abs(value) < WHOLE:
        return str(int(value))
    return repr(value)
