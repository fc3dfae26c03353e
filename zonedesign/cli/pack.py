"""The verb `pack`: everything that a tender attaches, from one plan, in one go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from zonedesign.cli.answer import Answer
from zonedesign.cli.screen import bar, no_interrupt
from zonedesign.errors import ScenarioError, counted

if TYPE_CHECKING:
    import argparse

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem
    from zonedesign.progress import Progress
    from zonedesign.scenario import Scenario, Settings

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
        others = {name: problem.terms(read_plan(path, problem, **columns)) for name, path in names.items()}
        more = _background(scenario.settings, plan, tell) | _figures(scenario, plan)
        earlier = {str(folder): read_published(folder, plan.of_units) for folder in options.published}
        material = gather(plan, problem, internal=options.internal, earlier=earlier, **more)
        with no_interrupt():
            write_pack(options.out, material, others=others, progress=tell)
    return _answer(options, material.kind, len(plan.zone_ids), problem)


def _named(text: str) -> tuple[str, Path]:
    """Return a plan's name and file, of `NAME=PLAN.csv` or of a file alone."""
    name, equals, file = text.partition("=")
    if not equals:
        return Path(text).stem, Path(text)
    if not name.strip() or not file:
        raise ScenarioError(f"'{text}' is no named plan; write it as today=today.csv")
    return name.strip(), Path(file)


def _background(settings: Settings, plan: Plan, tell: Progress) -> dict[str, Any]:
    """Return the landmarks of the road file, and the postcodes, where the scenario names them."""
    from zonedesign.osm.landmarks import has_landmarks, read_landmarks  # noqa: PLC0415
    from zonedesign.pack.lookup import postcode_lots  # noqa: PLC0415

    found: dict[str, Any] = {}
    roads = settings.roads.path
    if roads is not None and has_landmarks(Path(roads)):
        tell("landmarks", None, Path(roads).name)
        found["landmarks"] = read_landmarks(Path(roads))
    postcodes = settings.publish.postcodes or settings.demand.postcodes
    if postcodes is not None:
        tell("postcodes", None, Path(postcodes).name)
        date = settings.publish.postcodes_date
        found["postcodes"] = postcode_lots(plan, Path(postcodes), "" if date is None else date.isoformat())
    return found


def _figures(scenario: Scenario, plan: Plan) -> dict[str, Any]:
    """Return customers' hours by unit, and the forecast values of lots, where the scenario has them."""
    from zonedesign.demand import packages_of  # noqa: PLC0415
    from zonedesign.lots.money import money_frame  # noqa: PLC0415

    found: dict[str, Any] = {}
    stated = scenario.settings.demand
    if stated.customers is not None:
        rows = packages_of(plan.of_units, stated.customers, postcodes=stated.postcodes)
        found["packages"] = rows.set_index("unit")["weekly_hours"]
    values = money_frame(plan, scenario.terms)["value_a_year"] if scenario.terms else None
    if values is not None and values.notna().any():
        found["values"] = values
    return found


def _answer(options: argparse.Namespace, kind: str, lots: int, problem: Problem) -> Answer:
    files = sorted(
        each.relative_to(options.out).as_posix() for each in options.out.rglob("*") if each.is_file()
    )
    data = {"verb": "pack", "folder": str(options.out), "kind": kind, "lots": lots, "files": files}
    sheets = sum(name.startswith("maps/") for name in files)
    said = f"wrote {options.out}: {kind}, {counted(lots, 'lot')}, {counted(sheets, 'map sheet')}"
    lines = [f"{said}; look at {options.out / 'index.html'}"]
    return Answer(data, lines, remarks=[f"note: {note}" for note in problem.about.notes])
