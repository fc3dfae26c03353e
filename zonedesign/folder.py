"""The output folder: plan, zones, GeoPackage, certificate, map and manifest, written whole or not at all.

A folder is ours when its `manifest.json` says so and nothing else stands in it; only such a folder, or an
empty one, is ever replaced. How far the promise goes that a kill leaves the old folder or the new one stands
in `swap`.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zonedesign._comparisontables import comparison_csvs, comparison_workbook
from zonedesign._geopackage import has_shapes, write_geopackage
from zonedesign._plantables import plan_csv, read_labels, read_plan, zones_csv
from zonedesign._portfoliotables import portfolio_facts, steadiness_csv, together_csv
from zonedesign.certificate import Certificate, Status, StoppedBy, plain, status_of
from zonedesign.errors import DataError, ScenarioError, SolverError, counted, listed
from zonedesign.provenance import now, sha256_of, versions
from zonedesign.swap import recover, replace_folder, try_place
from zonedesign.verify import broken, verdicts_as_rows, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from zonedesign.compare import Comparison
    from zonedesign.plan import Plan
    from zonedesign.portfolio import Portfolio
    from zonedesign.problem import Problem

    Writer = Callable[[Path], None]

__all__ = [
    "certificate_beside",
    "check_folder",
    "read_labels",
    "read_plan",
    "write_comparison",
    "write_files",
    "write_folder",
    "write_portfolio",
]

MANIFEST = "manifest.json"
MAKER = "zonedesign"

_NAMES = frozenset({"plan.csv", "zones.csv", "plan.gpkg", "certificate.json", "review.html", MANIFEST})
# What other programs leave in a folder that somebody only looked at.
_HARMLESS = frozenset(
    {"plan.gpkg-wal", "plan.gpkg-shm", "plan.gpkg-journal", ".DS_Store", "Thumbs.db", "desktop.ini"}
)


def write_folder(
    out: str | Path,
    plan: Plan,
    problem: Problem,
    *,
    review_html: str | None = None,
    extra: Mapping[str, str | bytes] | None = None,
) -> Path:
    """Write the output folder of a plan that meets every rule, and return where it is.

    `review_html` is the review map's page; `extra` are more files by name. The plan is verified first. Raises
    `SolverError` naming the broken rules, `ScenarioError` for a place that is not ours, and `DataError` where
    the disk is full or not writable; nothing is changed then.
    """
    verdicts = _passed(plan, problem)
    more = dict(extra or {})
    strange = [name for name in more if name in _NAMES or Path(name).name != name or not name.strip(". ")]
    if strange:
        raise ScenarioError(f"extra files need names of their own, without folders; not {listed(strange)}")
    target = check_folder(out)
    texts: dict[str, str | bytes] = {"plan.csv": plan_csv(plan), "zones.csv": zones_csv(plan)}
    texts["certificate.json"] = _json(certificate_of(plan, problem, verdicts).as_dict())
    if review_html is not None:
        texts["review.html"] = review_html

    def build(folder: Path) -> None:
        _fill(folder, texts | more)
        if has_shapes(problem):
            write_geopackage(folder / "plan.gpkg", plan, problem)
        (folder / MANIFEST).write_bytes(_json(_manifest(folder, problem)).encode())

    _put(target, build, out)
    return target


def write_portfolio(
    out: str | Path, found: Portfolio, problem: Problem, *, review_html: str | None = None
) -> Path:
    """Write the folder of a portfolio whose plans meet every rule, and return where it is.

    It has `plan-1.csv` and `certificate-1.json`, the best plan first, and so on for all; `together.csv`,
    `steadiness.csv`, `portfolio.json` and a manifest. Each plan is verified first. Raises as `write_folder`.
    """
    texts: dict[str, str | bytes | Writer] = {"portfolio.json": _json(portfolio_facts(found))}
    for number, plan in enumerate(found.plans, start=1):
        verdicts = _passed(plan, problem)
        texts[f"plan-{number}.csv"] = plan_csv(plan)
        texts[f"certificate-{number}.json"] = _json(certificate_of(plan, problem, verdicts).as_dict())
    texts |= {"together.csv": together_csv(found), "steadiness.csv": steadiness_csv(found)}
    if review_html is not None:
        texts["review.html"] = review_html
    return write_files(out, texts, problem)


def write_comparison(out: str | Path, found: Comparison, *, compare_html: str | None = None) -> Path:
    """Write the folder of a comparison and return where it is: CSVs, a workbook, the page and a manifest.

    Plans may break rules: the files say which. Raises `ScenarioError` for a place that is not ours, and
    `DataError` where the disk is full or not writable; nothing is changed then.
    """
    texts: dict[str, str | bytes | Writer] = {
        **comparison_csvs(found),
        "compare.xlsx": comparison_workbook(found),
    }
    if compare_html is not None:
        texts["compare.html"] = compare_html
    return write_files(out, texts, found.problem)


def write_files(
    out: str | Path,
    files: Mapping[str, str | bytes | Writer],
    problem: Problem,
    *,
    kind: str = "internal",
    told: Mapping[str, Any] | None = None,
) -> Path:
    """Write a folder of files and its manifest, whole or not at all, and return where it is.

    `files` maps names, which may begin with the name of one folder (`maps/1-01.pdf`), to texts, bytes, or
    functions that write to the path they are given. `kind` says who may see them, `told` what else the
    manifest says, or says in other words than the problem. Raises as `write_folder`.
    """
    strange = [name for name in files if not _is_name(name)]
    if strange:
        raise ScenarioError(f"files need names with one folder at most; not {listed(strange)}")
    target = check_folder(out)

    def build(folder: Path) -> None:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            if callable(content):
                content(path)
            else:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        manifest = _manifest(folder, problem) | {"kind": kind, **(told or {})}
        (folder / MANIFEST).write_bytes(_json(manifest).encode())

    _put(target, build, out)
    return target


def _is_name(name: str) -> bool:
    """Return whether a name is that of a file in the folder, or in one folder within it, on any system."""
    parts = name.split("/")
    plain = all(part.strip(". ") and not re.search(r'[\\:*?"<>|\x00-\x1f]', part) for part in parts)
    return len(parts) <= 2 and plain and name != MANIFEST


def _passed(plan: Plan, problem: Problem) -> pd.DataFrame:
    """Return the verdicts of a plan; `SolverError` where one fails."""
    verdicts = verify(plan, problem)
    failed = int((~verdicts["passed"]).sum())
    if failed:
        raise SolverError(f"the plan fails {counted(failed, 'check')} and is not written: {broken(verdicts)}")
    return verdicts


def _fill(folder: Path, texts: Mapping[str, str | bytes]) -> None:
    for name, text in texts.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())


def _put(target: Path, build: Callable[[Path], None], out: str | Path) -> None:
    """Put what `build` writes in the place of `target`, whole; `DataError` where the disk refuses it."""
    try:
        replace_folder(target, build)
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(
            f"cannot write {out}: {reason}; nothing there was changed; make room, or choose another place"
        ) from error


def certificate_beside(path: str | Path, problem: Problem) -> Certificate | None:
    """Return the certificate that `solve` or `portfolio` wrote beside a plan, or None where it is of another.

    The plan's file must be as the folder's manifest has it, and the certificate's inputs those of `problem`.
    """
    file = Path(path) / "plan.csv" if Path(path).is_dir() else Path(path)
    folder, proof = file.parent, file.name.replace("plan", "certificate", 1).replace(".csv", ".json")
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        proved = json.loads((folder / proof).read_text(encoding="utf-8"))
        written = manifest["made_by"] == MAKER and manifest["files"]
        same = written and all(
            written[name]["sha256"] == sha256_of(folder / name) for name in (file.name, proof)
        )
        if not same or proved["inputs"] != dict(problem.about.inputs):
            return None
        return Certificate(
            status=Status(proved["status"]),
            objective=proved["objective"],
            terms=proved["terms"],
            bound=proved["bound"],
            seconds=proved["seconds"],
            stopped_by=None if proved["stopped_by"] is None else StoppedBy(proved["stopped_by"]),
            seed=proved["seed"],
            bridges=tuple((a, b) for a, b in proved["bridges"]),
            inputs=proved["inputs"],
            versions=proved["versions"],
            rules=tuple(proved["rules"]),
            details=proved["details"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def check_folder(out: str | Path) -> Path:
    """Return where `out` is, links followed, having made sure that the output folder can be written there.

    Raises `ScenarioError` for a file, for a folder that is not ours or holds files of somebody else's, and
    for a place where nothing can be written. Puts back a folder that a killed run left moved aside.
    """
    try:
        path = Path(out).expanduser().resolve()
        recover(path)
        if path.exists() and not path.is_dir():
            raise ScenarioError(f"{out} is a file; name a folder to write")
        if path.is_dir():
            _require_ours(path, out)
        try_place(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ScenarioError(f"cannot write {out}: {reason}; choose another place") from error
    return path


def certificate_of(plan: Plan, problem: Problem, verdicts: pd.DataFrame) -> Certificate:
    """Return the plan's certificate with these verdicts; a plan nobody solved has one without a bound."""
    terms = problem.terms(plan)
    objective = problem.value(terms)
    found = plan.certificate or Certificate(
        status=status_of(objective, None), objective=objective, terms=terms
    )
    graph = problem.units.contiguity
    return replace(
        found,
        rules=tuple(verdicts_as_rows(verdicts)),
        bridges=found.bridges or (() if graph is None else graph.bridges),
        inputs=found.inputs or problem.about.inputs,
        versions=found.versions or versions(),
        details={**found.details, "travel": _travel(problem)},
    )


def _travel(problem: Problem) -> dict[str, Any]:
    """Return what the minutes are: from which roads, at which speeds, what they include, what is in doubt."""
    told = problem.times.provenance
    named = ("source", "profile", "sketch", "max_minutes", "max_snap_m", "turn_delays", "access_kph")
    more = ("parking_minutes", "doubtful_pairs", "out_of_reach")
    return {name: told[name] for name in (*named, *more) if name in told}


def _require_ours(path: Path, out: str | Path) -> None:
    if not any(path.iterdir()):
        return
    files = None
    with suppress(OSError, ValueError):
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        if isinstance(manifest, dict) and manifest.get("made_by") == MAKER:
            files = set(manifest.get("files") or ())
    if files is None:
        raise ScenarioError(
            f"{out} exists and zonedesign did not write it; choose another folder, or move it out of the way"
        )
    # Only a folder with our manifest is looked through, for a stranger's may be as large as a disk.
    inside = {each.relative_to(path).as_posix() for each in path.rglob("*") if not each.is_dir()}
    inside |= {each.name for each in path.iterdir() if each.is_dir() and not any(each.iterdir())}
    strange = sorted(name for name in inside - files - {MANIFEST} if name.rpartition("/")[2] not in _HARMLESS)
    if strange:
        raise ScenarioError(
            f"{out} holds {counted(len(strange), 'file')} that zonedesign did not write: {listed(strange)}; "
            "move what is yours, or choose another folder"
        )


def _manifest(folder: Path, problem: Problem) -> dict[str, Any]:
    """Return what is in a folder, from what and by what it was made, and who may see it."""
    return {
        "made_by": MAKER,
        "kind": "internal",
        "name": problem.about.name,
        "date": now().date().isoformat(),
        "sketch": problem.about.sketch,
        "sources": [list(source) for source in problem.about.sources],
        "notes": [*problem.about.notes],
        "versions": versions(),
        "files": {
            path.relative_to(folder).as_posix(): {"sha256": sha256_of(path), "bytes": path.stat().st_size}
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        },
    }


def _json(value: Any) -> str:
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, indent=1) + "\n"
