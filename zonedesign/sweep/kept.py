"""Kept: the folder of a sweep, where every run that is done stays whole, to go on from where it stopped."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zonedesign._plantables import as_csv
from zonedesign.certificate import plain
from zonedesign.errors import DataError, ScenarioError, counted, listed
from zonedesign.folder import certificate_beside, check_folder, read_labels, write_folder
from zonedesign.maps import page as review_page
from zonedesign.provenance import now, sha256_of, versions
from zonedesign.report.sweep import page
from zonedesign.scenario.building import input_files
from zonedesign.swap import recover, replace_file, replace_folder, try_place
from zonedesign.sweep.carried import Zones
from zonedesign.sweep.rows import Row, columns_of
from zonedesign.sweep.written import toml_of, with_paths

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem
    from zonedesign.sweep.variants import Variant
    from zonedesign.sweep.work import Options

MAKER, MANIFEST, RUNS = "zonedesign", "manifest.json", "runs"
TABLE, PAGE, RUN, NO_PLAN, SCENARIO = (
    "sweep.csv",
    "sweep.html",
    "run.json",
    "infeasible.json",
    "scenario.toml",
)
_HARMLESS = {".DS_Store", "Thumbs.db", "desktop.ini"}
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{k}" for port in ("com", "lpt") for k in range(1, 10))}
"""Names that Windows keeps for itself."""
LONGEST = 60


class Kept:
    """The folder of a sweep: what is done in it, and where what is done next goes.

    Raises `ScenarioError` for a place that holds something else, or where nothing can be written. Nothing is
    written before there is something to keep.
    """

    def __init__(self, out: str | Path, variants: Sequence[Variant], options: Options) -> None:
        self.path = _checked(out)
        self.options = options
        self.slugs = _slugs([variant.name for variant in variants])
        hashes: dict[Path, str] = {}
        self.identities = {each.name: identity(each, options, hashes) for each in variants}
        self.names = list(dict.fromkeys(variant.of for variant in variants))

    def done(self, variant: Variant) -> Row | None:
        """Return the row of a run that is here already, for exactly these inputs and options, else None."""
        slug = self.slugs[variant.name]
        folder = self.path / RUNS / slug
        with suppress(OSError):
            recover(folder)
        try:
            facts = json.loads((folder / RUN).read_text(encoding="utf-8"))
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            whole = all((folder / name).is_file() for name in manifest["files"])
            if not whole or facts["identity"] != self.identities[variant.name]:
                return None
            return replace(Row.of_dict(facts["row"]), run=slug)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def keep(self, row: Row, variant: Variant, problem: Problem | None, plan: Plan | None) -> Row:
        """Write the folder of a run that has its answer, whole or not at all, and return its row.

        A plan that breaks a rule is not written: SolverError. DataError where the disk refuses.
        """
        slug = self.slugs[variant.name]
        row, folder = replace(row, run=slug), self.path / RUNS / slug
        more = {
            RUN: _json({"identity": self.identities[variant.name], "row": row.as_dict()}),
            SCENARIO: toml_of(variant.scenario, folder),
        }
        if plan is not None and problem is not None:
            html = review_page(plan, problem, roads=problem.about.roads)
            write_folder(folder, plan, problem, review_html=html, extra=more)
        else:
            if row.causes:
                more[NO_PLAN] = _json(_why_not(row))
            check_folder(folder)
            self._put(folder, more, variant.scenario.name)
        return row

    def plan_of(self, variant: Variant, problem: Problem) -> Plan | None:
        """Return the plan that a run left here, with what was proved of it; None where it cannot be read."""
        path = self.path / RUNS / self.slugs[variant.name] / "plan.csv"
        try:
            plan = Zones.of_labels(read_labels(path, problem.units)).on(problem)
        except DataError:
            return None
        proved = certificate_beside(path, problem)
        return plan if plan is None or proved is None else plan.with_certificate(proved)

    def tell(self, rows: Sequence[Row]) -> None:
        """Write the table, the page and the manifest of the sweep as it stands; each file whole."""
        lines = [row.flat() for row in rows]
        columns = columns_of(lines)
        title = " and ".join(self.names) if len(self.names) < 3 else f"{len(self.names)} scenarios"
        texts = {
            TABLE: as_csv(columns, [[line.get(column) for column in columns] for line in lines]),
            PAGE: page(title, [row.as_dict() for row in rows], self.about()),
        }
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for name, text in texts.items():
                self._write(name, text)
            self._write(MANIFEST, _json(self._manifest(rows)))
        except OSError as error:
            raise _refused(self.path, error) from error

    def about(self) -> list[str]:
        """Return how every run was solved, in words."""
        chosen = self.options
        limit = f"{chosen.time_limit:g} seconds" if chosen.work is None else f"work {chosen.work:,}"
        gap = f", or a gap of {chosen.gap:.2%}" if chosen.gap else ""
        return [f"Every run had {limit} at most{gap}, and began from seed {chosen.seed}."]

    def _manifest(self, rows: Sequence[Row]) -> dict[str, Any]:
        return {
            "made_by": MAKER,
            "what": "sweep",
            "kind": "internal",
            "name": self.names,
            "date": now().date().isoformat(),
            "options": vars(self.options),
            "versions": versions(),
            "runs": {
                row.run: {"name": row.name, "status": row.status, "identity": self.identities[row.name]}
                for row in rows
                if row.run
            },
            "files": {
                name: {"sha256": sha256_of(self.path / name), "bytes": (self.path / name).stat().st_size}
                for name in (TABLE, PAGE)
            },
        }

    def _write(self, name: str, text: str) -> None:
        replace_file(self.path / name, lambda part: _into(part, text))

    def _put(self, folder: Path, texts: Mapping[str, str], name: str) -> None:
        """Write the folder of a run without a plan, in the place of an earlier one of that name."""

        def build(new: Path) -> None:
            for file, text in texts.items():
                _into(new / file, text)
            files = {
                path.name: {"sha256": sha256_of(path), "bytes": path.stat().st_size}
                for path in sorted(new.iterdir())
            }
            _into(new / MANIFEST, _json({"made_by": MAKER, "kind": "internal", "name": name, "files": files}))

        try:
            replace_folder(folder, build)
        except OSError as error:
            raise _refused(folder, error) from error

    def others(self) -> int:
        """Return how many runs stand in the folder that are none of this sweep's."""
        runs = self.path / RUNS
        if not runs.is_dir():
            return 0
        ours = set(self.slugs.values())
        return sum(
            each.is_dir() and not each.name.startswith(".") and each.name not in ours
            for each in runs.iterdir()
        )


def identity(variant: Variant, options: Options, hashes: dict[Path, str] | None = None) -> str:
    """Return the SHA-256 of all a run's answer depends on: settings, files' bytes, options, version.

    Paths count by the names and contents of the files that they lead to. `hashes` keeps those of files.
    """
    known = {} if hashes is None else hashes

    def contents(path: str) -> list[list[str]]:
        found = []
        for part in input_files(Path(path)):
            if part not in known and part.is_file():
                known[part] = sha256_of(part)
            found.append([part.name, known.get(part, "")])
        return found

    settings = with_paths(variant.scenario.settings.model_dump(exclude={"extends"}), contents)
    whole = {
        "name": variant.scenario.name,
        "settings": settings,
        "options": vars(options),
        "version": versions()["zonedesign"],
    }
    return hashlib.sha256(json.dumps(plain(whole), sort_keys=True).encode()).hexdigest()


def _why_not(row: Row) -> dict[str, Any]:
    return {"status": row.status, "proved": row.proved, "causes": list(row.causes), "said": list(row.said)}


def _slugs(names: Sequence[str]) -> dict[str, str]:
    """Return a folder's name for each run: letters, digits and hyphens, each once."""
    found: dict[str, str] = {}
    for name in names:
        plain_name = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:LONGEST].strip("-") or "run"
        stem = f"run-{plain_name}" if plain_name in _DEVICES else plain_name
        slug, number = stem, 1
        while slug in found.values():
            number += 1
            slug = f"{stem}-{number}"
        found[name] = slug
    return found


def _checked(out: str | Path) -> Path:
    """Return where `out` is, having made sure that it is a sweep's folder, an empty one, or none yet."""
    try:
        path = Path(out).expanduser().resolve()
        if path.exists() and not path.is_dir():
            raise ScenarioError(f"{out} is a file; name a folder to write")
        if path.is_dir():
            _require_sweep(path, out)
        try_place(path)
    except OSError as error:
        raise ScenarioError(f"cannot write {out}: {error.strerror or error}; choose another place") from error
    return path


def _require_sweep(path: Path, out: str | Path) -> None:
    inside = {each.name for each in path.iterdir()} - _HARMLESS
    # A run that was killed while it wrote leaves a hidden part of a file behind.
    parts = {name for name in inside if name.startswith(".") and ".zonedesign-" in name}
    strange = sorted(inside - parts - {MANIFEST, TABLE, PAGE, RUNS})
    if not inside - parts:
        return
    ours = False
    with suppress(OSError, ValueError, AttributeError):
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        ours = manifest.get("made_by") == MAKER and manifest.get("what") == "sweep"
    # Killed after its first run and before its first manifest, a sweep's folder holds runs and nothing else.
    ours = ours or (inside - parts == {RUNS} and _only_runs(path / RUNS))
    if strange or not ours:
        what = (
            f"{counted(len(strange), 'file')} that no sweep wrote: {listed(strange)}"
            if strange
            else "no sweep"
        )
        raise ScenarioError(f"{out} holds {what}; choose another folder, or move it out of the way")
    for part in parts:
        with suppress(OSError):
            (path / part).unlink()


def _only_runs(folder: Path) -> bool:
    return folder.is_dir() and all(
        each.name.startswith(".") or (each / RUN).is_file() for each in folder.iterdir()
    )


def _into(path: Path, text: str) -> None:
    path.write_bytes(text.encode())


def _refused(place: Path, error: OSError) -> DataError:
    reason = error.strerror or str(error)
    return DataError(f"cannot write {place}: {reason}; what is done is kept; make room, and run it again")


def _json(value: Any) -> str:
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, indent=1) + "\n"
