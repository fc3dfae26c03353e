"""How long a tender pack takes, and whether a second run gives the same bytes: docs/pack.md.

    python benchmarks/packs.py [--case NAME ...] [--write]

Runs `zonedesign pack` twice in processes of their own, as a user would, on plans that are there already:
those of South-East Hampshire and West Sussex that `make bench-solve` leaves in build/solving, with all of
their postcodes, and the example county's of `make demo`. The second run has another hash seed and one
thread. Seconds are from the command to its end, reading of roads and travel times included.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from measuring import BESIDE, CHECKOUT, CLOCK, ended, machine, table, write_block

WITHIN_S = 120.0
SOLVED, CASES = CHECKOUT / "build" / "solving", BESIDE.parent / "cases"
# Name: its plan, its scenario, its postcodes, where it has any.
PACKS = {
    "se-hampshire-lsoa": (SOLVED, CASES, BESIDE / "se-hampshire" / "postcodes.csv"),
    "se-hampshire-oa": (SOLVED, CASES, BESIDE / "se-hampshire" / "postcodes.csv"),
    "west-sussex-lsoa": (SOLVED, CASES, BESIDE / "west-sussex" / "postcodes.csv"),
    "west-sussex": (CHECKOUT / "demo", CHECKOUT / "scenarios", None),
}
PUBLISH = """
[publish]
buyer = "The council"
region = "UKJ3"
contract_start = 2027-04-01
contract_end = 2031-03-31

[lots.rate]
hourly = 22.0
"""


def measured(name: str, folder: Path) -> dict[str, Any]:
    """Return a case's figures: seconds of both runs, files, bytes, and whether the runs agree."""
    where, scenarios, postcodes = PACKS[name]
    plan = where / ("plan.csv" if where.name == "demo" else f"{name}.csv")
    for needed in (plan, scenarios / f"{name}.toml"):
        if not needed.is_file():
            raise SystemExit(f"{name}: there is no {needed}; see this file's first lines")
    scenario = folder / f"{name}.toml"
    stated = PUBLISH.replace("\n\n", f"\npostcodes = '{postcodes}'\n\n", 1) if postcodes else PUBLISH
    scenario.write_text(f"extends = '{scenarios / name}.toml'\n{stated}", encoding="utf-8")
    runs = [
        run([plan, "--scenario", scenario, "-o", folder / f"{name}-{number}"], more)
        for number, more in enumerate(({}, {"PYTHONHASHSEED": "7", "NUMBA_NUM_THREADS": "1"}))
    ]
    first, second = (hashes(folder / f"{name}-{number}") for number in (0, 1))
    size = sum(each.stat().st_size for each in (folder / f"{name}-0").rglob("*") if each.is_file())
    title = json.loads((folder / f"{name}-0" / "manifest.json").read_text(encoding="utf-8"))["name"]
    lots = sum(1 for file in first if file.startswith("maps/")) - 1
    return {
        "name": title, "lots": lots, "files": len(first), "bytes": size, "runs": runs,
        "same": first == second,
    }  # fmt: skip


def run(words: list[Any], more: dict[str, str]) -> tuple[float, float]:
    """Return the seconds and the processor's seconds of one run of the verb."""
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1790000000"} | more
    before, began = os.times(), CLOCK()
    subprocess.run(
        [sys.executable, "-m", "zonedesign.cli", "pack", *map(str, words), "-q"],
        env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return CLOCK() - began, spent


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a folder."""
    return {
        each.relative_to(folder).as_posix(): hashlib.sha256(each.read_bytes()).hexdigest()
        for each in sorted(folder.rglob("*"))
        if each.is_file()
    }


def told(found: list[dict[str, Any]]) -> str:
    """Return the table of all cases, and a sentence on the bar."""
    rows = [
        (
            each["name"], f"{each['lots']}", f"{each['files']}", f"{each['bytes'] / 1e6:.1f}",
            *(f"{seconds:.0f} ({spent:.0f})" for seconds, spent in each["runs"]),
            "yes" if each["same"] else "no",
        )
        for each in found
    ]  # fmt: skip
    late = [each["name"] for each in found if max(seconds for seconds, _ in each["runs"]) > WITHIN_S]
    said = f"Took more than {WITHIN_S:.0f} s: {', '.join(late)}." if late else f"None took {WITHIN_S:.0f} s."
    heads = (
        "plan", "lots", "files", "MB", "seconds (of the processor)", "again, one thread", "same bytes"
    )  # fmt: skip
    return f"{said}\n\n{table(heads, rows)}"


def main() -> None:
    reader = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    reader.add_argument("--case", nargs="+", choices=list(PACKS), default=list(PACKS))
    reader.add_argument("--write", action="store_true")
    options = reader.parse_args()
    began = machine(["zonedesign", "typst", "shapely"])
    with tempfile.TemporaryDirectory() as folder:
        found = [measured(name, Path(folder)) for name in options.case]
    text = f"{began} {ended()}\n\n{told(found)}"
    print(text)
    if options.write:
        write_block("packs", text, CHECKOUT / "docs" / "pack.md")


if __name__ == "__main__":
    sys.exit(main())
