"""Measuring: work in a process of its own, its seconds and memory, and the tables that a page holds."""

from __future__ import annotations

import contextlib
import ctypes
import datetime as dt
import gc
import json
import math
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import numpy as np

    from zonedesign.roads import RoadNetwork

CHECKOUT = Path(__file__).resolve().parents[1]
BESIDE = CHECKOUT.parent / "shared" / "geodata"
PAGE = CHECKOUT / "docs" / "travel-times.md"

CLOCK = time.perf_counter
NO_DOORS = ("motorway", "motorway_link", "ferry")


def se_hampshire() -> Path:
    """Return the folder of South-East Hampshire's real data, or end the run where it is missing."""
    folder = Path(os.environ.get("ZONEDESIGN_GEODATA", BESIDE)) / "se-hampshire"
    if not folder.is_dir():
        raise SystemExit(f"there is no folder {folder}; set ZONEDESIGN_GEODATA to the folder of real data")
    return folder


def standing_nodes(roads: RoadNetwork) -> np.ndarray:
    """Return nodes that a point may stand at: in the main part, with doors, no other within a metre."""
    import numpy as np
    from scipy.spatial import cKDTree

    doors = ~np.isin(np.array(roads.class_names)[roads.road_class], NO_DOORS)
    stands = roads.main & np.isin(np.arange(len(roads.x)), [roads.tails[doors], roads.heads[doors]])
    close = cKDTree(np.column_stack([roads.x, roads.y])).query_pairs(1.0, output_type="ndarray")
    stands[close.ravel()] = False
    return np.flatnonzero(stands)


def timed(work: Callable[[], Any], rounds: int, enough: float = math.inf) -> tuple[Any, list[float]]:
    """Return the last result and the seconds of each round, fewer rounds once `enough` seconds are spent."""
    seconds: list[float] = []
    result = None
    while len(seconds) < rounds and sum(seconds) < enough:
        result = None  # so that two results are never held together
        began = CLOCK()
        result = work()
        seconds.append(CLOCK() - began)
    return result, seconds


def median(seconds: Iterable[float]) -> float:
    """Return the middle of the seconds of several rounds."""
    return statistics.median(seconds)


def forget_peak() -> None:
    """Give back what is free, and watch anew for the most memory held, where the system can (Linux)."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)  # else memory that is free would count as held before
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_mb() -> float | None:
    """Return the most memory this process has held (since the peak was forgotten), where the system tells."""
    status = Path("/proc/self/status")
    if status.is_file():
        found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text(encoding="ascii", errors="replace"))
        if found:
            return int(found[1]) * 1024 / 1e6
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6


def held_mb() -> float | None:
    """Return the memory this process holds now, where the system or psutil tells."""
    table = Path("/proc/self/statm")
    if table.is_file():
        return int(table.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    try:
        import psutil
    except ImportError:
        return None
    return psutil.Process().memory_info().rss / 1e6


def above(before: float | None) -> float | None:
    """Return how far memory has risen above what was held before; at most, where no peak can be forgotten."""
    now = peak_mb()
    return None if before is None or now is None else now - before


def child(script: str, task: Mapping[str, Any], most: float = 900.0, **environment: str) -> dict[str, Any]:
    """Return what a script says of its task, worked on in a process of its own, or why it came to no end."""
    command = [sys.executable, "-W", "ignore", script, "--child", json.dumps(task)]
    began = CLOCK()
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=most, env=os.environ | environment
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"not done in {most:,.0f} s"}
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        said = done.stderr.strip().splitlines()[-1:] or [f"ended with {done.returncode}"]
        return {"failed": said[0][:200]}
    return {**json.loads(lines[-1]), "process_seconds": CLOCK() - began}


def machine(packages: Sequence[str]) -> str:
    """Return one paragraph: when, on what, with which versions, of which commit, and how busy it is."""
    from importlib import metadata

    versions = ", ".join(f"{name} {metadata.version(name)}" for name in packages)
    today = dt.datetime.now(tz=dt.UTC)
    return (
        f"Measured on {today:%d %B %Y}, {os.cpu_count()} cores ({processor()}), "
        f"{platform.system()}, Python {platform.python_version()}, {versions}; commit {commit()}; "
        f"load when it began {_load()}."
    )


def ended() -> str:
    """Return one sentence: how busy the machine is at the end."""
    return f"Load when it ended, its own included, {_load()}."


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def commit() -> str:
    """Return what git calls this state of the checkout, whatever figures and pages were written since."""

    def git(*words: str) -> str:
        told = subprocess.run(
            ["git", "-C", str(CHECKOUT), *words], check=False, capture_output=True, text=True
        )
        return told.stdout.strip()

    changed = git("status", "--porcelain", "--", ".", ":!benchmarks/*.json", ":!docs")
    return (git("describe", "--always") or "unknown") + ("-dirty" if changed else "")


def processor() -> str:
    """Return what the processor is called, as far as the system tells."""
    about = Path("/proc/cpuinfo")
    if about.is_file():
        found = re.search(r"model name\s*:\s*(.+)", about.read_text(encoding="utf-8"))
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown: the first column of words, the others of figures."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def figure(value: float | None, digits: int = 3) -> str:
    """Return a figure with about so many digits that count, or nothing."""
    if value is None or not math.isfinite(value):
        return ""
    if value == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(places, 3)}f}"


def write_block(name: str, text: str, page_at: Path = PAGE) -> None:
    """Write the text between the marks of that name on a page."""
    page = page_at.read_text(encoding="utf-8")
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    if page.count(begin) != 1 or page.count(end) != 1:
        raise SystemExit(f"{page_at.name} needs the lines {begin} and {end}, once each")
    before, after = page.split(begin)[0], page.split(end)[1]
    page_at.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}", encoding="utf-8", newline="\n")
    print(f"wrote {page_at}")
