"""The example county: an invented English one, generated from a seed, ready to solve."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from zonedesign.errors import ScenarioError, counted, listed

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from zonedesign.examples.county import County

TITLE = "# Example data: the county of Westmarch"
README = "geodata/README.md"
DATA = ("geodata/units.gpkg", "geodata/customers.csv", "geodata/roads.osm.pbf")
QUOTED = "geodata/published_areas_2019.csv"
SCENARIOS = ("scenarios/west-sussex.toml", "scenarios/hampshire.toml", "scenarios/infeasible.toml")
SYSTEMS = tuple(
    f"scenarios/systems/{name}.toml"
    for name in (
        "assumed", "west-sussex-2019", "hampshire-2014", "hampshire-2014-reablement",
        "essex-2020-tendring", "essex-2020-basildon", "essex-2020-uttlesford", "essex-2020-dengie",
        "somerset-blocks", "somerset-tiers", "brighton-and-hove", "oxford", "coventry", "kent",
    )
)  # fmt: skip
"""How councils of the public record let their lots, and first what all of these assume."""
WHAT_IF = "scenarios/what-if.toml"
"""A sweep: the first scenario with a limit or a border changed, one at a time."""


def write_example(folder: Path | str, seed: int = 2019) -> list[Path]:
    """Write the example county of `seed` into `folder` and return the files written, scenarios first.

    Data go to `geodata/`, scenarios to `scenarios/`. An earlier example is replaced while its files are as
    they were written. Raises `ScenarioError` for a folder that holds anything else or cannot be written.
    """
    from zonedesign.examples.county import county  # noqa: PLC0415  (geopandas is heavy)

    folder = Path(folder)
    _refuse_strangers(folder)
    if seed < 0:
        raise ScenarioError(f"seed is {seed}; it must be a whole number from 0 up")
    new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".zonedesign-", dir=folder) as staging:
            names = _stage(Path(staging), county(seed), seed)
            for name in names:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (Path(staging) / name).replace(folder / name)
    except (OSError, RuntimeError) as error:  # GDAL and osmium raise the latter where a disk is full
        if new:
            shutil.rmtree(folder, ignore_errors=True)
        # What GDAL says of a full disk speaks of its tables and helps nobody.
        why = getattr(error, "strerror", None) or "a file could not be written whole"
        raise ScenarioError(
            f"the example cannot be written to {folder}: {why}; make room, or choose another folder"
        ) from error
    return [folder / name for name in names]


def _refuse_strangers(folder: Path) -> None:
    """Raise `ScenarioError` unless `folder` is absent, empty, or an example nobody has changed."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ScenarioError(f"{folder} is a file, not a folder; choose another name for the example")
    others = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    if not others:
        return
    readme = folder / README
    text = readme.read_text(encoding="utf-8", errors="replace") if readme.is_file() else ""
    if not text.startswith(TITLE):
        raise ScenarioError(
            f"{folder} holds files that are not an example of ours ({listed(others, 3)}); "
            "choose a new or empty folder"
        )
    known = {
        name: digest for digest, name in re.findall(r"^- `([0-9a-f]{64})` `([^`]+)`$", text, re.MULTILINE)
    }
    changed = [
        name
        for name in (*SCENARIOS, *SYSTEMS, WHAT_IF, *DATA, QUOTED)
        if (folder / name).exists() and _digest(folder / name) != known.get(name)
    ]
    if changed:
        raise ScenarioError(
            f"{folder} holds an example with {counted(len(changed), 'file')} changed since "
            f"({listed(changed, 3)}); move the changes away, or choose a new folder"
        )


def _stage(staging: Path, made: County, seed: int) -> list[str]:
    """Write every file under `staging` and return their names, scenarios first and the README last."""
    from zonedesign.examples.write import write_customers, write_roads, write_units  # noqa: PLC0415

    for name in ("geodata", "scenarios", "scenarios/systems"):
        (staging / name).mkdir()
    for name in (*SCENARIOS, *SYSTEMS, WHAT_IF, QUOTED):
        (staging / name).write_bytes(_packaged(name).read_bytes())
    for name, write in zip(DATA, (write_units, write_customers, write_roads), strict=True):
        write(made, staging / name)
    names = [*SCENARIOS, *SYSTEMS, WHAT_IF, *DATA, QUOTED]
    text = (
        _packaged(README)
        .read_text(encoding="utf-8")
        .format(
            seed=seed,
            units=f"{len(made.units):,}",
            customers=f"{len(made.customers):,}",
            hours=f"{made.customers['weekly_hours'].sum():,.0f}",
            checksums="\n".join(f"- `{_digest(staging / name)}` `{name}`" for name in names),
        )
    )
    (staging / README).write_text(text, encoding="utf-8", newline="\n")
    return [*names, README]


def _packaged(name: str) -> Traversable:
    """Return the file of this package that a written file is made from."""
    return files(__name__).joinpath("files").joinpath(name.partition("/")[2])


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
