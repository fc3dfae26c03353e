"""Solving against its bars and its peers, in one run on two cores: docs/solving.md.

    python benchmarks/solving.py [--case NAME ...] [--who NAME ...] [--no-peers] [--again]
                                 [--seconds-scale F] [--results FILE.json] [--doc docs/solving.md]

It needs the real data beside the checkout, or named in ZONEDESIGN_GEODATA and ZONEDESIGN_CASES, and peers.txt
installed. Every run has a process of its own; ours and the whole model have both cores, the other peers one
each, two at a time, timed by the processor's work for them. Results are kept as they come and used again, so
a run goes on where it stopped; `--again` does those anew that `--case` and `--who` choose, `--who` without
names writes the page alone. The whole takes some six hours, two without peers. `--seconds-scale 0.02` tries
everything out: such runs count as not measured.
"""

from __future__ import annotations

import _thread
import argparse
import datetime as dt
import json
import os
import platform
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from asking import Asked, most_zones
from bars import CARRIED, CASES, OURS, key_of
from barspage import document
from measuring import CHECKOUT, CLOCK, child, commit, peak_mb, processor
from solvepeers import PEERS, make_ready, work

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import zonedesign as zd

    Row = Mapping[str, Any]

THREADS = 2
RESULTS = CHECKOUT / "benchmarks" / "solving.json"
"""Figures of all runs, which stay with the checkout; plans stay in `build`."""
LEAST = 20.0
"""Seconds that a peer has at least, where ours proved the optimum sooner."""
GIGABYTES = {True: 8, False: 16}
"""What a peer's process may take: one that has half of the machine, and one that has it all."""
BESIDES = 600.0
"""Seconds besides its limit that a process has to read, verify and write."""
AGAIN, OVERDUE = 10.0, 2.0
"""Seconds after which a peer is told again that its time is up, and times its limit that end it."""
PATIENCE = 60
"""Times its limit that a peer's process may last: one that is timed by its work waits while others work."""
VERSIONS = ("highspy", "PuLP", "scikit-learn", "spopt", "gerrychain", "numba", "numpy", "scipy")
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}


def judged(plan: zd.Plan, problem: zd.Problem, factor: float) -> dict[str, Any]:
    """Return what a plan is by our objective and `verify`: zones, objective, and the rules that it breaks."""
    import zonedesign as zd

    verdicts = zd.verify(plan, problem)
    failed = verdicts[~verdicts["passed"]]
    limits = {level.name: level.max_minutes for level in problem.levels}
    limit = plan.units["level"].map(limits).astype(np.float64).fillna(np.finfo(np.float64).max)
    objective = problem.value(problem.terms(plan)) * factor
    named = {"bands": "Volume", "pieces": "Contiguous"}
    breaks: dict[str, Any] = {
        what: int(failed.loc[failed["rule"] == rule, "zone"].nunique()) for what, rule in named.items()
    }
    breaks["reach"] = int((~(plan.units["reach_minutes"] <= limit + 1e-6)).sum())
    counts = failed[failed["rule"] == "ZoneCount"]
    breaks["counts"] = [
        [str(level), int(value), *limit]
        for level, value, limit in zip(counts["level"], counts["value"], counts["limit"], strict=True)
    ]
    known = {"Volume", "Contiguous", "Reach", "ZoneCount"}
    breaks["others"] = int((~failed["rule"].isin(known)).sum())
    return {
        "zones": {level.name: plan.levels.count(level.name) for level in problem.levels},
        "objective": objective if np.isfinite(objective) else None,
        "verified": not len(failed),
        "breaks": breaks,
    }


def ours(task: Mapping[str, Any]) -> dict[str, Any]:
    """Solve a case, and keep the plan."""
    import zonedesign as zd

    loaded = CASES[task["case"]].load(False)  # noqa: FBT003
    problem, factor = loaded.problem, loaded.factor
    told: dict[str, Any] = {"units": len(problem.units), "objective": None, "bound": None, "gap": None}
    began = CLOCK()
    try:
        plan = zd.solve(problem, time_limit=task["limit"], gap=0.0, threads=THREADS)
    except (zd.InfeasibleError, zd.NoPlanError, zd.SolverError) as error:
        wall = CLOCK() - began
        status = "infeasible" if isinstance(error, zd.InfeasibleError) else "no plan"
        told |= {"status": status, "verified": False, "note": str(error)[:300]}
        return told | {"seconds": wall, "wall": wall, "peak_mb": peak_mb()}
    wall, peak, proved = CLOCK() - began, peak_mb(), plan.certificate
    if proved is None:
        raise SystemExit("a plan of the solver without a certificate")
    told |= judged(plan, problem, factor)
    plan.units[["zone", "level"]].to_csv(task["plan"], index_label="unit")
    return told | {
        "status": str(proved.status),
        "bound": None if proved.bound is None else proved.bound * factor,
        "gap": proved.gap,
        "seconds": proved.seconds,
        "wall": wall,
        "peak_mb": peak,
    }


def carried(task: Mapping[str, Any]) -> dict[str, Any]:
    """Judge the plan of the LSOAs on their OAs: each takes its LSOA's zone, centres are chosen anew."""
    import zonedesign as zd

    loaded = CASES[task["case"]].load(True)  # noqa: FBT003
    problem = loaded.problem
    known = pd.read_csv(task["plan"], dtype=str).set_index("unit")
    lsoa = problem.units.frame["lsoa11cd"].astype(str)
    levels = dict(zip(known["zone"], known["level"], strict=True))
    labels = lsoa.map(known["zone"])
    plan = zd.Plan.from_labels(problem.units, problem.times, labels, levels=problem.levels, level=levels)
    return {"units": len(problem.units), **judged(plan, problem, loaded.factor)}


def peer(task: Mapping[str, Any]) -> dict[str, Any]:
    """Let a peer work, and leave its best labels in the folder."""
    asked_peer, labels = PEERS[task["who"]], Path(task["labels"])
    _limit_memory(GIGABYTES[asked_peer.one_core])
    loaded = CASES[task["case"]].load(True)  # noqa: FBT003
    reason = asked_peer.cannot(loaded.problem, loaded.places)
    if reason:
        return {"cannot": reason}
    make_ready(asked_peer)

    def keep(found: np.ndarray) -> None:
        np.save(labels.with_suffix(".new.npy"), found)
        labels.with_suffix(".new.npy").replace(labels)

    clock = time.process_time if asked_peer.one_core else CLOCK
    asked = Asked(
        problem=loaded.problem,
        places=loaded.places,
        zones=most_zones(loaded.problem),
        seconds=task["limit"],
        threads=1 if asked_peer.one_core else THREADS,
        keep=keep,
        clock=clock,
        began=clock(),
    )
    # The whole model keeps its own time once it is written, for which it has as long again.
    most = task["limit"] if asked_peer.one_core else 2 * task["limit"] + 60
    done = threading.Event()

    def watch() -> None:
        due = most
        while not done.wait(0.1):
            if asked.spent > due:
                _thread.interrupt_main()
                due += AGAIN  # some swallow the first
            if asked.spent > OVERDUE * most:
                told = {"note": "did not end when told to", "seconds": asked.spent, "peak_mb": peak_mb()}
                print(json.dumps(told), flush=True)
                os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    told = work(asked_peer, asked)
    done.set()
    seconds = asked.spent - told.pop("written", 0.0)
    bound = told.pop("bound", None)
    return told | {
        "seconds": seconds,
        "peak_mb": peak_mb(),
        "asked_zones": asked.zones,
        "bound": None if bound is None else bound * loaded.factor,
    }


def judge(task: Mapping[str, Any]) -> dict[str, Any]:
    """Judge the labels that a peer left: levels are the first whose bands hold, centres the best."""
    import zonedesign as zd

    loaded = CASES[task["case"]].load(True)  # noqa: FBT003
    problem = loaded.problem
    labels = pd.Series(np.load(task["labels"]), index=problem.units.ids).astype(str)
    plan = zd.Plan.from_labels(problem.units, problem.times, labels, levels=problem.levels)
    return judged(plan, problem, loaded.factor)


def _limit_memory(gigabytes: int) -> None:
    """Let a peer fail rather than take the machine, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (gigabytes * 10**9, resource.RLIM_INFINITY))


TASKS = {"ours": ours, "carried": carried, "peer": peer, "judge": judge}


def plan_of(results: Path, case: str) -> Path:
    """Return where our plan of a case is kept, beside the results."""
    folder = (CHECKOUT / "build" / "solving") if results == RESULTS else results.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{case.replace(', ', '-').replace(' ', '-')}.csv"


def one(case: str, who: str, limit: float, results: Path) -> dict[str, Any]:
    """Return the row of one run."""
    task: dict[str, Any] = {"case": case, "who": who, "limit": limit}
    if who == OURS:
        told = child(__file__, task | {"task": "ours", "plan": str(plan_of(results, case))}, limit + BESIDES)
    elif who == CARRIED:
        plan = plan_of(results, str(CASES[case].lsoas))
        if not plan.is_file():
            told = {"failed": f"needs our plan of {CASES[case].lsoas}, which was not kept"}
            return told | {"limit": limit} | where()
        told = child(__file__, task | {"task": "carried", "plan": str(plan)}, BESIDES)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            labels = Path(scratch) / "labels.npy"
            task["labels"] = str(labels)
            environment = ONE_THREAD if PEERS[who].one_core else {}
            told = child(__file__, task | {"task": "peer"}, PATIENCE * limit + BESIDES, **environment)
            if labels.is_file():
                told |= child(__file__, task | {"task": "judge"}, BESIDES)
                told.pop("process_seconds", None)
            elif "cannot" not in told:
                told |= {"verified": False, "objective": None}
    return told | {"limit": limit} | where()


def where() -> dict[str, Any]:
    """Return when and of which commit a row was measured, and how busy the machine was at its end."""
    load = os.getloadavg()[1] if hasattr(os, "getloadavg") else None
    return {"day": f"{dt.datetime.now(tz=dt.UTC):%Y-%m-%d}", "commit": commit(), "load": load}


def machine() -> dict[str, Any]:
    """Return what all rows are measured on."""
    return {
        "cores": os.cpu_count(),
        "processor": processor(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in VERSIONS if _is_here(name)},
    }


def _is_here(name: str) -> bool:
    """Return whether a package is installed: without peers, theirs are not."""
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def wanted(asked: argparse.Namespace, rows: Mapping[str, Mapping[str, Row]]) -> list[tuple[str, str, float]]:
    """Return the runs to do: case, who, and nominal seconds."""
    runs = []
    for name in asked.case or CASES:
        case = CASES[name]
        runs += [(name, OURS, seconds) for seconds in case.limits]
        runs += [(name, CARRIED, case.limits[-1])] if case.lsoas else []
        runs += [(name, who, case.limits[-1]) for who in PEERS] if asked.peers else []

    def known(name: str, who: str, seconds: float) -> bool:
        row = rows.get(name, {}).get(key_of(who, seconds))
        return row is not None and row["limit"] >= asked.seconds_scale * limit(name, who, seconds, rows)

    return [
        run for run in runs
        if (asked.who is None or run[1] in asked.who) and (asked.again or not known(*run))
    ]  # fmt: skip


def limit(name: str, who: str, seconds: float, rows: Mapping[str, Mapping[str, Row]]) -> float:
    """Return the seconds of a run: ours has those of its bar, a peer its share of those that ours took."""
    if who not in PEERS:
        return seconds
    own = rows.get(name, {}).get(key_of(OURS, seconds), {})
    return PEERS[who].share * max(LEAST, min(seconds, own.get("seconds", seconds)))


def run(asked: argparse.Namespace) -> dict[str, Any]:
    """Do what is not known yet, keep every row as it comes, and return everything."""
    known = json.loads(asked.results.read_text()) if asked.results.is_file() else {"rows": {}}
    runs = wanted(asked, known["rows"])
    if runs:
        known["machine"] = machine()
    lock, stopping = threading.Lock(), threading.Event()

    def do(case: str, who: str, seconds: float) -> None:
        if stopping.is_set():
            return
        most = asked.seconds_scale * limit(case, who, seconds, known["rows"])
        row = one(case, who, most, asked.results)
        with lock:
            if stopping.is_set():  # Ctrl-C ended the child as well: that is no result
                return
            known["rows"].setdefault(case, {})[key_of(who, seconds)] = row
            _keep(asked.results, known)
            said = {name: row[name] for name in ("objective", "gap", "verified", "note") if name in row}
            print(case, who, f"{seconds:g} s:", row.get("failed") or row.get("cannot") or said, flush=True)

    alone = [each for each in runs if each[1] not in PEERS or not PEERS[each[1]].one_core]
    for each in alone:
        do(*each)
    with ThreadPoolExecutor(THREADS) as pool:
        try:
            list(pool.map(lambda each: do(*each), [each for each in runs if each not in alone]))
        except KeyboardInterrupt:
            stopping.set()
            raise
    return known


def _keep(path: Path, known: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(known, indent=1), encoding="utf-8")
    new.replace(path)


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what is asked for on the command line."""
    parser = argparse.ArgumentParser(description="solving against its bars and its peers")
    parser.add_argument("--case", nargs="+", choices=list(CASES), help="cases to run (all)")
    parser.add_argument(
        "--who", nargs="*", choices=[OURS, CARRIED, *PEERS], help="whom to run (all); none: the page alone"
    )
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--again", action="store_true", help="do anew what is known, too")
    parser.add_argument("--seconds-scale", type=float, default=1.0, help="all limits times this")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--doc", type=Path, default=CHECKOUT / "docs" / "solving.md")
    return parser.parse_args(arguments)


def main() -> None:
    """Run what is asked for, and write the page."""
    if sys.argv[1:2] == ["--child"]:
        task = json.loads(sys.argv[2])
        print(json.dumps(TASKS[task["task"]](task)))
        return
    asked = options()
    asked.doc.write_text(document(run(asked)), encoding="utf-8", newline="\n")
    print(f"wrote {asked.doc}")


if __name__ == "__main__":
    main()
