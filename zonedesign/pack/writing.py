"""Writing: all files of a pack, in a folder that appears whole or not at all."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from zonedesign.certificate import plain
from zonedesign.errors import SolverError
from zonedesign.folder import check_folder, write_files
from zonedesign.maps.words import notes
from zonedesign.pack import layers, notice, page, schedule
from zonedesign.pack.method import method_pdf
from zonedesign.pack.sheets import lot_pdf, overview_pdf
from zonedesign.verify import broken, verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from zonedesign.pack.material import Material
    from zonedesign.pack.method import Others
    from zonedesign.progress import Progress


def write_pack(
    out: str | Path, material: Material, *, others: Others | None = None, progress: Progress | None = None
) -> Path:
    """Write the pack of a plan that meets every rule, and return where it is.

    `others` are plans by name to compare with in the statement of method. Raises `SolverError`
    naming broken rules, `ScenarioError` for a place that is not ours, `DataError` where the disk refuses.
    """
    check_folder(out)
    verdicts = verify(material.plan, material.problem)
    if not verdicts["passed"].all():
        raise SolverError(f"the plan breaks rules, so no pack is made of it: {broken(verdicts)}")
    tell: Callable[..., None] = progress or (lambda *_: None)
    files: dict[str, Any] = {}
    for k, name in enumerate(material.sheet_names):
        tell("sheet", None, material.plan.zone_ids[k])
        files[name] = lot_pdf(material, k)
    tell("sheet", None, "overview, method, tables")
    files["maps/overview.pdf"] = overview_pdf(material)
    files["method.pdf"] = method_pdf(material, others)
    files["lots.csv"] = schedule.lots_csv(material)
    files["units.csv"] = schedule.units_csv(material)
    files["lots.xlsx"] = schedule.lots_xlsx(material)
    looked_up = schedule.postcodes_csv(material)
    if looked_up is not None:
        files["postcodes.csv"] = looked_up
    files["lots.gpkg"] = partial(layers.write_geopackage, material=material)
    files["lots.geojson"] = layers.geojson(material)
    files["lots.kml"] = layers.kml(material)
    files["lots.ocds.json"] = notice.ocds(material)
    files["disclosure.json"] = json.dumps(plain(material.withheld), ensure_ascii=False, indent=1) + "\n"
    files["index.html"] = page.index_html(material, others)
    return write_files(out, files, material.problem, kind=material.kind, told=_told(material))


def _told(material: Material) -> dict[str, Any]:
    """Return what the manifest says: every input's hash, and of the notes what may be public."""
    about = material.problem.about
    public = notes(material.plan, material.problem, public=True)
    return {
        "title": material.title,
        "version": material.version,
        "inputs": dict(sorted((dict(about.inputs) | material.inputs).items())),
        "notes": list(about.notes) if material.internal else public,
    }
