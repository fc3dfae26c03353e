"""Downloads: a plan as tables, certificate, map, page to edit, and folder and tender pack in a zip file."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zonedesign._geopackage import has_shapes, write_geopackage
from zonedesign._plantables import as_csv, plan_csv, zones_csv
from zonedesign.certificate import plain
from zonedesign.errors import ScenarioError, counted, listed, nearest_name
from zonedesign.folder import certificate_of, write_folder
from zonedesign.maps import page
from zonedesign.pack import gather, write_pack
from zonedesign.provenance import now
from zonedesign.scenario.packing import material_of
from zonedesign.studio.lines import COLUMNS, plan_of
from zonedesign.verify import broken, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem
    from zonedesign.scenario import Scenario
    from zonedesign.studio.store import Row

OLDEST = 1980
"""The first year that a zip file can tell."""


def download(name: str, rows: Sequence[Row], problem: Problem, scenario: Scenario) -> tuple[bytes, str]:
    """Return a file by the name that the studio gives it, and its media type.

    Raises `ScenarioError` for any other name, and where a plan breaks rules that the file may not break, or
    lacks units that it needs.
    """
    if name not in FILES:
        raise ScenarioError(
            f"there is no download '{name}'{nearest_name(name, FILES)}; there are {listed(FILES, 9)}"
        )
    make, kind = FILES[name]
    plan = plan_of(rows, problem)
    lacking = len(problem.units) - len(plan.of_units)
    if name == "plan.csv" and lacking:
        return as_csv(COLUMNS, rows).encode(), kind
    if lacking and name != "edit.html":
        lack = f"{counted(lacking, 'unit')} {'has' if lacking == 1 else 'have'} no zone yet"
        raise ScenarioError(f"{lack}, and {name} needs all to have one; give it first")
    return make(plan, problem, scenario), kind


def _plan(plan: Plan, *_: Any) -> bytes:
    return plan_csv(plan).encode()


def _zones(plan: Plan, *_: Any) -> bytes:
    return zones_csv(plan).encode()


def _geopackage(plan: Plan, problem: Problem, *_: Any) -> bytes:
    if not has_shapes(problem):
        raise ScenarioError("the units have no shapes to write; take plan.csv and zones.csv")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plan.gpkg"
        write_geopackage(path, plan, problem)
        return path.read_bytes()


def _certificate(plan: Plan, problem: Problem, *_: Any) -> bytes:
    """Return every verdict on a plan, the objective and its terms; of an edited plan nothing is proved."""
    told = certificate_of(plan, problem, verify(plan, problem)).as_dict()
    return f"{json.dumps(plain(told), indent=1, ensure_ascii=False)}\n".encode()


def _review(plan: Plan, problem: Problem, *_: Any) -> bytes:
    return page(plan, problem, roads=problem.about.roads).encode()


def _edit(plan: Plan, problem: Problem, *_: Any) -> bytes:
    from zonedesign.maps.editing import edit_page  # noqa: PLC0415  (drawing is heavy)

    return edit_page(plan, problem, roads=problem.about.roads).encode()


def _folder(plan: Plan, problem: Problem, *_: Any) -> bytes:
    """Return the output folder of a plan that keeps every rule."""
    _require_kept(plan, problem, "the folder")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "zones"
        write_folder(out, plan, problem, review_html=page(plan, problem, roads=problem.about.roads))
        return _zipped(out)


def _pack(plan: Plan, problem: Problem, scenario: Scenario) -> bytes:
    """Return the tender pack of a plan that keeps every rule, with what may be published in it."""
    _require_kept(plan, problem, "the tender pack")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "pack"
        write_pack(out, gather(plan, problem, **material_of(scenario, plan)))
        return _zipped(out)


def _require_kept(plan: Plan, problem: Problem, what: str) -> None:
    verdicts = verify(plan, problem)
    if not verdicts["passed"].all():
        raise ScenarioError(f"{what} is made only of a plan that keeps every rule: {broken(verdicts, 3)}")


def _zipped(folder: Path) -> bytes:
    """Return a folder as a zip, the same bytes for the same files and date."""
    date = now()
    at = (max(date.year, OLDEST), date.month, date.day, date.hour, date.minute, date.second // 2 * 2)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(each for each in folder.rglob("*") if each.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(folder.parent).as_posix(), at)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, file.read_bytes())
    return packed.getvalue()


FILES: dict[str, tuple[Callable[[Plan, Problem, Scenario], bytes], str]] = {
    "plan.csv": (_plan, "text/csv; charset=utf-8"),
    "zones.csv": (_zones, "text/csv; charset=utf-8"),
    "plan.gpkg": (_geopackage, "application/geopackage+sqlite3"),
    "certificate.json": (_certificate, "application/json"),
    "review.html": (_review, "text/html; charset=utf-8"),
    "edit.html": (_edit, "text/html; charset=utf-8"),
    "folder.zip": (_folder, "application/zip"),
    "pack.zip": (_pack, "application/zip"),
}
"""Every file that can be had, by its name: what makes it, and its media type."""
