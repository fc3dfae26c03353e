"""The verb `pack`: everything that a tender attaches, from one plan, in one go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zonedesign.cli.answer import Answer
from zonedesign.cli.screen import bar, no_interrupt
from zonedesign.errors import ScenarioError, counted

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

HELP = "write the tender pack of a plan: map sheets, schedule, look-ups, method"


def options_of(sub: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    sub.add_argument("plan", metavar="PLAN.csv", type=Path, help="table with a zone for every unit")
    sub.add_argument("--scenario", metavar="SCENARIO", type=Path, required=True, help="scenario file (TOML)")
    sub.add_argument("--unit", metavar="COLUMN", help="column of unit ids (default: unit)")
    sub.add_argument("--zone", metavar="COLUMN", help="column of zones (default: zone)")
    sub.add_argument(
        "--start", metavar="PLAN.csv", type=Path, help="plan whose zones locks name, without a baseline"
    )
    sub.add_argument("-o", "--out", metavar="OUT", type=Path, required=True, help="folder to write")
    sub.add_argument(
        "--internal", action="store_true", help="exact figures: the pack is marked as not for publication"
    )
    sub.add_argument(
        "--compared",
        metavar="NAME=PLAN.csv",
        nargs="+",
        default=[],
        help="plans to name in the statement of method, such as today's",
    )
    sub.add_argument(
        "--published",
        metavar="PACK",
        type=Path,
        nargs="+",
        default=[],
        help="packs that are out already: nothing may be given away together with them",
    )


def run(options: argparse.Namespace) -> Answer:
    """Write the tender pack of a plan that meets every rule."""
    from zonedesign.folder import certificate_beside, check_folder, read_plan  # noqa: PLC0415
    from zonedesign.pack import gather, read_published, write_pack  # noqa: PLC0415
    from zonedesign.scenario import read_scenario  # noqa: PLC0415
    from zonedesign.scenario.packing import material_of  # noqa: PLC0415

    check_folder(options.out)
    names = dict(_named(text) for text in options.compared)
    with bar(quiet=options.quiet) as tell:
        scenario = read_scenario(options.scenario)
        problem = scenario.problem(tell, start=options.start, judging=True)
        columns = {name: getattr(options, name) for name in ("unit", "zone") if getattr(options, name)}
        plan = read_plan(options.plan, problem, **columns)
        proved = certificate_beside(options.plan, problem)
        if proved is not None:
            plan = plan.with_certificate(proved)
        others = _today(problem) | {name: read_plan(path, problem, **columns) for name, path in names.items()}
        more = material_of(scenario, plan, tell)
        earlier = {str(folder): read_published(folder, plan.of_units) for folder in options.published}
        inputs = _hashes([options.plan, *names.values(), *options.published], options.scenario.parent)
        material = gather(plan, problem, internal=options.internal, earlier=earlier, inputs=inputs, **more)
        with no_interrupt():
            write_pack(options.out, material, others=others, progress=tell)
    return _answer(options, material.kind, len(plan.zone_ids), problem)


def _today(problem: Problem) -> dict[str, Plan]:
    """Return the baseline as a plan to compare with, where there is one."""
    import pandas as pd  # noqa: PLC0415

    from zonedesign.plan import Plan  # noqa: PLC0415

    found = problem.baseline_zones
    if found is None:
        return {}
    labels = pd.Series([found[1][k] for k in found[0]], index=problem.units.ids)
    return {"today's areas": Plan.from_labels(problem.units, problem.times, labels, levels=problem.levels)}


def _hashes(paths: Sequence[Path], folder: Path) -> dict[str, str | None]:
    """Return the SHA-256 of plans, and of what is published by its units and what it withholds."""
    from zonedesign.provenance import sha256_of  # noqa: PLC0415
    from zonedesign.scenario.building import path_from  # noqa: PLC0415

    files = [
        file for path in paths
        for file in ([path / "units.csv", path / "disclosure.json"] if path.is_dir() else [path])
    ]  # fmt: skip
    return {path_from(file, folder): sha256_of(file) for file in files}


def _named(text: str) -> tuple[str, Path]:
    """Return a plan's name and file, of `NAME=PLAN.csv` or of a file alone."""
    name, equals, file = text.partition("=")
    if not equals:
        return Path(text).stem, Path(text)
    if not name.strip() or not file:
        raise ScenarioError(f"'{text}' is no named plan; write it as today=today.csv")
    return name.strip(), Path(file)


def _answer(options: argparse.Namespace, kind: str, lots: int, problem: Problem) -> Answer:
    files = sorted(
        each.relative_to(options.out).as_posix() for each in options.out.rglob("*") if each.is_file()
    )
    data = {"verb": "pack", "folder": str(options.out), "kind": kind, "lots": lots, "files": files}
    sheets = sum(name.startswith("maps/") for name in files)
    said = f"wrote {options.out}: {kind}, {counted(lots, 'lot')}, {counted(sheets, 'map sheet')}"
    lines = [f"{said}; look at {options.out / 'index.html'}"]
    return Answer(data, lines, remarks=[f"note: {note}" for note in problem.about.notes])
