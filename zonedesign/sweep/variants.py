"""Variants: the scenarios of a sweep, each one whole, checked, and named in words."""

from __future__ import annotations

import itertools
import tomllib
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zonedesign.errors import ScenarioError, counted, listed, nearest_name
from zonedesign.scenario import read_scenario
from zonedesign.scenario.settings import LevelTable, Settings
from zonedesign.sweep.keys import ABSENT, Key, found_from, in_words, key_of, laid_on, set_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from zonedesign.scenario import Scenario

SWEEP_KEYS = ("base", "with_base")
VARIANT_KEYS = ("name", "leave_out")
MOST = 1000
"""Runs of a sweep: more are a slip of the keyboard."""


@dataclass(frozen=True, eq=False)
class Variant:
    """One scenario of a sweep: its `name` in words, what it varies (`settings`, in words), and the scenario.

    `of` is the name of the scenario that it varies, and `files` are those it was read from beside that one's.
    """

    name: str
    settings: str
    of: str
    scenario: Scenario
    files: tuple[Path, ...] = ()
    changes: Mapping[Key, Any] = field(default_factory=dict)


def read_variants(paths: Sequence[str | Path], sets: Iterable[str] = ()) -> tuple[Variant, ...]:
    """Return the variants in scenario files and sweep files, each with every combination of `sets`.

    A set is `KEY=VALUE[,VALUE...]`. Raises `ScenarioError` for files and keys that are wrong, and for names
    that stand twice.
    """
    found = [variant for path in paths for variant in _in_file(Path(path))]
    varied = [set_of(text) for text in sets]
    keys = [key for key, _ in varied]
    twice = [key for key, times in Counter(keys).items() if times > 1]
    if twice:
        raise ScenarioError(f"--set {'.'.join(twice[0])} stands twice; write its values in one, with commas")
    number = len(found)
    for _, values in varied:
        number *= len(values)
    if number > MOST:
        raise ScenarioError(f"this is a sweep of {counted(number, 'run')}; {MOST:,} are the most")
    if varied:
        grid = list(itertools.product(*(values for _, values in varied)))
        here = Path.cwd()
        found = [
            _further(each, {key: found_from(key, v, here) for key, v in zip(keys, row, strict=True)})
            for each in found
            for row in grid
        ]
    return _told_apart(found)


def _in_file(path: Path) -> list[Variant]:
    data = _sweep_tables(path)
    if data is None:
        scenario = read_scenario(path)
        return [Variant(scenario.name, "", scenario.name, scenario)]
    _require_known(data, ("sweep", "variant"), path.name, "")
    head, tables = data.get("sweep"), data.get("variant", [])
    if not isinstance(head, dict) or not isinstance(head.get("base"), str):
        raise ScenarioError(f'{path.name}: [sweep] needs base: the scenario to vary, base = "today.toml"')
    _require_known(head, SWEEP_KEYS, path.name, "sweep.")
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise ScenarioError(f"{path.name}: write each variant as a table of its own, [[variant]]")
    with_base = head.get("with_base", True)
    if not isinstance(with_base, bool):
        raise ScenarioError(f"{path.name}: sweep.with_base is {with_base!r}; it must be true or false")
    base = read_scenario(path.parent / head["base"])
    start = Variant(base.name, "", base.name, base, files=(path,))
    found = [start] if with_base else []
    found += [_stated(start, table, number, path) for number, table in enumerate(tables, 1)]
    if not found:
        raise ScenarioError(
            f"{path.name} has no [[variant]] and leaves out its base, so nothing is to be done"
        )
    return found


def _sweep_tables(path: Path) -> dict[str, Any] | None:
    """Return the tables of a sweep file, None for any other, which the scenario's reader judges."""
    try:
        data = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return None
    return data if "sweep" in data or "variant" in data else None


def _require_known(table: Mapping[str, Any], known: Sequence[str], file: str, where: str) -> None:
    for key in table:
        if key not in known:
            hint = nearest_name(key, known) or f"; known are {', '.join(known)}"
            raise ScenarioError(f"{file}: unknown key '{where}{key}'{hint}")


def _stated(base: Variant, table: Mapping[str, Any], number: int, path: Path) -> Variant:
    """Return the variant that a table of a sweep file states."""
    name, gone = table.get("name"), table.get("leave_out", [])
    source = f"{path.name}: variant {name or number}"
    if name is not None and (not isinstance(name, str) or not name.strip()):
        raise ScenarioError(f"{source}: name is {name!r}; it must be text in quotes")
    if not isinstance(gone, list) or not all(isinstance(each, str) for each in gone):
        raise ScenarioError(f"{source}: leave_out is {gone!r}; it must be a list of keys")
    _require_known(table, (*VARIANT_KEYS, *Settings.model_fields), source, "")
    changes: dict[Key, Any] = {key_of(each): ABSENT for each in gone}
    for top, value in table.items():
        if top not in VARIANT_KEYS:
            changes |= {key: found_from(key, each, path.parent) for key, each in _parts((top,), value)}
    if not changes:
        raise ScenarioError(f"{source} changes nothing; set a key, or leave it out: the base runs by itself")
    return _varied(base, changes, source, name)


def _parts(key: Key, value: Any) -> list[tuple[Key, Any]]:
    """Return what a table of a variant changes, key by key; tables within tables are changed whole."""
    if not isinstance(value, dict):
        return [(key, value)]
    found: list[tuple[Key, Any]] = []
    for name, each in value.items():
        if key == ("levels",) and isinstance(each, dict) and name not in LevelTable.model_fields:
            found += [((*key, name, inner), part) for inner, part in each.items()]
        else:
            found.append(((*key, name), each))
    return found


def _further(variant: Variant, changes: Mapping[Key, Any]) -> Variant:
    """Return a variant varied once more, from the command line."""
    named = None if not variant.settings else f"{variant.name}: {in_words(changes)}"
    return _varied(variant, changes, "--set", named)


def _varied(variant: Variant, changes: Mapping[Key, Any], source: str, name: str | None) -> Variant:
    said = in_words(changes)
    title = name or said
    scenario = variant.scenario
    made = scenario.with_(laid_on(scenario.settings, changes, source), source=source)
    return replace(
        variant,
        name=title,
        settings=", ".join(filter(None, [variant.settings, said])),
        scenario=replace(made, name=f"{variant.of}: {title}"),
        changes={**variant.changes, **changes},
    )


def _told_apart(found: list[Variant]) -> tuple[Variant, ...]:
    """Return the variants with the scenario's name before theirs where several scenarios are varied."""
    if len({id_of(each) for each in found}) > 1:
        found = [
            each if not each.settings else replace(each, name=f"{each.of}: {each.name}") for each in found
        ]
    twice = [name for name, times in Counter(each.name for each in found).items() if times > 1]
    if twice:
        raise ScenarioError(
            f"{counted(len(twice), 'name')} of runs stand twice or more: {listed(twice)}; give each one once"
        )
    return tuple(found)


def id_of(variant: Variant) -> str:
    """Return which scenario a variant varies."""
    return str(variant.scenario.path.resolve())
