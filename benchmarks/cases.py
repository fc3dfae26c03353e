"""Every real case solved, each in a process of its own, and the table of what came out: docs/cases.md.

    python benchmarks/cases.py [FOLDER] [--limit 120] [--limit-large 200] [--out docs/cases.md]
                               [--results FILE.json] [--only NAME ...]

FOLDER holds scenario files (by default ZONEDESIGN_CASES, or `shared/cases` beside the checkout); the three of
the example county are added. West Sussex is solved once more with the bands of its published table, and the
primary care networks of 2022 are judged by the scenario `west-sussex-lsoa` where that is there. With
`--results`, outcomes are kept in that file and used again, those that `--only` names excepted; so a table can
be written anew in seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from telling import BASE, WIDENED, document

CHECKOUT = Path(__file__).resolve().parents[1]
BESIDE = CHECKOUT.parent / "shared" / "cases"
EXAMPLE = CHECKOUT / "scenarios"
LARGE = 1000
"""Above so many units a case has the longer limit."""
TABLE_BANDS = (("1", (731, 1335), (50, 113), 20), ("2", (228, 454), (18, 42), 9), ("3", (8, 153), (1, 11), 6))
"""Level, weekly hours, customers and zones of the table of 35 areas that West Sussex published in 2019."""


@dataclass
class Stages:
    """Seconds by stage, told by the progress that the product reports."""

    seconds: dict[str, float] = field(default_factory=dict)
    stage: str = ""
    since: float = field(default_factory=time.perf_counter)

    def __call__(self, stage: str, _share: float | None, _message: str) -> None:
        """Take what the product reports."""
        self.begin({"units": "read", "rules": "read"}.get(stage, stage))

    def begin(self, stage: str) -> None:
        """End the stage that runs, and begin another."""
        now = time.perf_counter()
        if self.stage:
            self.seconds[self.stage] = self.seconds.get(self.stage, 0.0) + now - self.since
        self.stage, self.since = stage, now


def solve_one(scenario: Path, out: Path, limits: tuple[float, float]) -> dict[str, Any]:
    """Solve a scenario and write its folder, and return what there is to tell."""
    import zonedesign as zd
    from zonedesign.maps import page

    stages, told = Stages(), {"name": scenario.stem, "limit": limits[0]}
    try:
        problem = zd.read_scenario(scenario).problem(stages)
        roads = problem.about.roads
        told |= {"title": problem.about.name, "units": len(problem.units), "sketch": problem.about.sketch}
        told |= {"nodes": len(roads.node_ids), "edges": len(roads.heads)}
        told["limit"] = limits[0] if len(problem.units) <= LARGE else limits[1]
        stages.begin("solve")
        plan = zd.solve(problem, time_limit=told["limit"])
        stages.begin("verify")
        told |= _figures(plan, zd.verify(plan, problem))
        stages.begin("write")
        zd.write_folder(out, plan, problem, review_html=page(plan, problem, roads=roads))
        told["exit"] = 0
    except zd.InfeasibleError as error:
        told |= {"exit": 3, "status": "infeasible", "causes": list(error.causes)}
    except (zd.NoPlanError, zd.SolverError) as error:
        told |= {"exit": 4, "status": "no plan", "causes": [str(error)]}
    except zd.ZoneDesignError as error:
        told |= {"exit": 2, "status": "bad input", "causes": [str(error)]}
    stages.begin("")
    return told | {"seconds": stages.seconds, "peak_mb": _peak_mb()}


def _figures(plan: Any, verdicts: Any) -> dict[str, Any]:
    proved, zones = plan.certificate, plan.zones
    levels = sorted(set(plan.levels))
    return {
        "status": str(proved.status),
        "stopped_by": None if proved.stopped_by is None else str(proved.stopped_by),
        "objective": proved.objective,
        "bound": proved.bound,
        "gap": proved.gap,
        "zones": {level: plan.levels.count(level) for level in levels},
        "hours": {level: float(zones.loc[zones["level"] == level, "weekly_hours"].sum()) for level in levels},
        "worst_minutes": float(zones["max_minutes"].max()),
        "checks": len(verdicts),
        "broken": int((~verdicts["passed"]).sum()),
    }


def _peak_mb() -> float | None:
    """Return the most memory this process has held, where the system tells."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most / 1e3


def child(scenario: Path, out: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Run `solve_one` in a process of its own, which is given up when it overruns its limit by far."""
    limits = [str(asked.limit), str(asked.limit_large)]
    command = [sys.executable, __file__, "--one", str(scenario), str(out), *limits]
    began, most = time.perf_counter(), 600 + 3 * asked.limit_large
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=most)
        told = json.loads(done.stdout.splitlines()[-1]) if done.stdout else None
        fault = done.stderr.strip().splitlines()[-1:]
    except subprocess.TimeoutExpired:
        told, fault = None, ["did not end in time"]
    if told is None:
        told = {"name": scenario.stem, "exit": None, "status": "failed", "causes": fault, "seconds": {}}
    return told | {"wall": time.perf_counter() - began}


def widened(base: Path, folder: Path) -> Path:
    """Write the scenario with the bands of the published table, and return where."""
    text = 'name = "West Sussex, LSOAs: bands of the published table"\n'
    text += f'extends = "{base.resolve().as_posix()}"\n'
    for name, hours, customers, zones in TABLE_BANDS:
        text += f'\n[[levels]]\nname = "{name}"\nmax_minutes = 15\nzones = {zones}\n'
        text += f"weekly_hours = {list(hours)}\ncustomers = {list(customers)}\n"
    path = folder / f"{WIDENED}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def moved(base: Path, a: Path, b: Path) -> float | None:
    """Return the share of hours in another zone in plan `b` than in plan `a`, zones matched to keep most."""
    if not (a / "plan.csv").is_file() or not (b / "plan.csv").is_file():
        return None
    import zonedesign as zd

    problem = zd.read_scenario(base).problem()
    before = zd.read_plan(a, problem).units["zone"].astype(str)
    return problem.with_(objective=zd.Objective(baseline=before)).terms(zd.read_plan(b, problem))["moved"]


def judged(base: Path, lookup: Path, folder: Path) -> list[dict[str, Any]]:
    """Return the verdicts on the networks of 2022, by the scenario and with units that must share an edge."""
    strict = folder / "shared-edges.toml"
    text = f'extends = "{base.resolve().as_posix()}"\n[units]\ncontiguity_tolerance_m = 0\n'
    strict.write_text(text, encoding="utf-8")
    found = []
    for scenario, tolerance in ((base, "the scenario's"), (strict, "0 m")):
        command = [sys.executable, "-m", "zonedesign.cli", "verify", str(lookup), "--scenario", str(scenario)]
        command += ["--unit", "lsoa11cd", "--zone", "pcn_code", "--json", "--quiet"]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        found.append(json.loads(done.stdout) | {"exit": done.returncode, "tolerance": tolerance})
    names = dict(line.split(",")[-2:] for line in lookup.read_text(encoding="utf-8").splitlines()[1:])
    found[0]["names"] = names
    return found


def machine() -> dict[str, Any]:
    """Return what the run is measured on, and how busy it is with other things now."""
    load = os.getloadavg()[1] if hasattr(os, "getloadavg") else None
    found = {"cores": os.cpu_count(), "python": sys.version.split()[0], "system": sys.platform, "load": load}
    git = ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty"]
    commit = subprocess.run(git, check=False, capture_output=True, text=True).stdout.strip()
    return found | {"commit": commit or "unknown"}


def run(asked: argparse.Namespace) -> dict[str, Any]:
    """Run what is not known yet, one case after another, and return everything."""
    known = json.loads(asked.results.read_text()) if asked.results and asked.results.is_file() else {}
    cases = {path.stem: path for path in sorted(asked.folder.glob("*.toml"))}
    cases |= {
        f"example: {path.stem}": path for path in sorted(EXAMPLE.glob("*.toml")) if path.stem != "what-if"
    }
    base = asked.folder / f"{BASE}.toml"
    rows = known.setdefault("rows", {})
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if base.is_file():
            cases[WIDENED] = widened(base, folder)
        plans = asked.results.with_suffix("") if asked.results else folder
        plans.mkdir(exist_ok=True)
        for name, path in cases.items():
            if name in rows and name not in asked.only:
                continue
            told = child(path, plans / name.replace(": ", "-"), asked)
            rows[name] = told | {"name": name, "machine": machine()}
            print(f"{name}: {rows[name]['status']} in {rows[name]['wall']:.0f} s", flush=True)
            _keep(asked, known)
        lookup = asked.folder.parent / "geodata" / "west-sussex" / "lsoa_to_pcn_2022.csv"
        if base.is_file():
            known["moved"] = moved(base, plans / base.stem, plans / WIDENED)
            if lookup.is_file():
                known["judged"] = judged(base, lookup, folder)
    known["order"] = list(cases)
    _keep(asked, known)
    return known


def _keep(asked: argparse.Namespace, known: dict[str, Any]) -> None:
    if asked.results:
        asked.results.write_text(json.dumps(known, indent=1), encoding="utf-8")


def main() -> None:
    """Write the document."""
    if sys.argv[1:2] == ["--one"]:
        scenario, out, limit, large = sys.argv[2:]
        print(json.dumps(solve_one(Path(scenario), Path(out), (float(limit), float(large)))))
        return
    parser = argparse.ArgumentParser(description="every real case solved, and the table of what came out")
    beside = Path(os.environ.get("ZONEDESIGN_CASES", BESIDE))
    parser.add_argument("folder", nargs="?", type=Path, default=beside)
    parser.add_argument(
        "--limit", type=float, default=120.0, help=f"seconds to solve {LARGE:,} units or fewer"
    )
    parser.add_argument("--limit-large", type=float, default=200.0, help="seconds to solve more units")
    parser.add_argument("--out", type=Path, default=CHECKOUT / "docs" / "cases.md")
    parser.add_argument("--results", type=Path, help="file to keep outcomes in and take them from")
    parser.add_argument("--only", nargs="*", default=[], help="names of cases to run anew")
    asked = parser.parse_args()
    if not asked.folder.is_dir():
        raise SystemExit(f"there is no folder {asked.folder}; name one that holds scenario files")
    asked.out.write_text(document(run(asked)), encoding="utf-8", newline="\n")
    print(f"wrote {asked.out}")


if __name__ == "__main__":
    main()
