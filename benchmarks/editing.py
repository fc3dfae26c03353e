"""How long an edit takes to be on screen in the editing page, at a county's output areas: docs/editing.md.

    python benchmarks/editing.py [PLAN.csv --scenario SCENARIO] [--edits N] [--page FILE] [--write]

Builds the page (South-East Hampshire's output areas, unless a plan and its scenario are named), opens it in
headless Chromium at 1440 x 900, and makes N random edits with everything that follows: figures, rules,
tables, map. Half move one to eight neighbouring units to a zone beside them; the others merge, split, set
centres and levels, undo and do again. Milliseconds are from the edit's beginning to the frame after the one
that shows it. `--page` opens a page that is there already, `--write` puts the table on the page of docs.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from measuring import BESIDE, CHECKOUT, CLOCK, ended, machine, table, write_block

CASE = BESIDE.parent / "cases" / "se-hampshire-oa.toml"
PLAN = CHECKOUT / "build" / "solving" / "se-hampshire-oa.csv"
WITHIN_MS = 100.0

DRIVE = """async ({ edits, seed }) => {
  let state = seed;
  const random = (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 4294967296 * n);
  };
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const found = [], api = zonedesignEdit;
  for (let k = 0; found.length < edits; k++) {
    const now = api.plan(), at = random(now.length), zone = (u) => now[u].zone, id = (u) => now[u].unit;
    const beside = (u) => rules.near[u].filter((v) => zone(v) !== zone(u)), kind = random(10);
    let what = "move units", run = null;
    if (kind < 5) {
      const border = now.map((_, u) => u).filter((u) => beside(u).length);
      const unit = border[random(border.length)];
      const some = [unit, ...rules.near[unit].filter((v) => zone(v) === zone(unit))].slice(0, 1 + random(8));
      run = () => api.edit.move(some.map(id), zone(beside(unit)[0]), "");
    } else if (kind === 5) {
      what = "merge two zones";
      if (beside(at).length) { run = () => api.edit.merge(zone(at), zone(beside(at)[0]), ""); }
    } else if (kind === 6) {
      what = "split a zone";
      run = () => api.edit.split(zone(at), [], "");
    } else if (kind === 7) {
      what = "set a centre";
      run = () => api.edit.recentre(zone(at), id(at), "");
    } else if (kind === 8) {
      what = "set a level";
      run = () => api.edit.relevel(zone(at), data.levels[random(data.levels.length)].name, "");
    } else {
      what = "undo or do again";
      run = () => (random(2) ? api.undo() : api.redo());
    }
    if (!run) { continue; }
    await frame();
    const began = performance.now();
    let worked = false;
    try { worked = run() !== false; } catch (error) { worked = false; }
    const computed = performance.now();
    await frame();
    await frame();
    if (worked) { found.push({ what, computed: computed - began, shown: performance.now() - began }); }
    if (k % 10 === 0) { await new Promise((done) => setTimeout(done, 50)); }
  }
  return found;
}"""
FACTS = "({ units: data.ids.length, zones: data.start.zones.length, pairs: data.times.pairs })"


def page_of(plan: Path, scenario: Path, out: Path) -> dict[str, Any]:
    """Write the page of a plan, and return what it is made of."""
    from zonedesign.folder import read_plan
    from zonedesign.maps import edit_page
    from zonedesign.scenario import read_scenario

    problem = read_scenario(scenario).problem(judging=True)
    read = read_plan(plan, problem)
    began = CLOCK()
    out.write_text(edit_page(read, problem), encoding="utf-8", newline="\n")
    return {"name": problem.about.name, "seconds": CLOCK() - began}


def driven(page: Path, edits: int, seed: int) -> dict[str, Any]:
    """Return the milliseconds of random edits in a page, and the seconds until it is ready."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        raise SystemExit("no browser found: install chromium or google-chrome")
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        tab = chromium.new_page(viewport={"width": 1440, "height": 900})
        began = CLOCK()
        tab.goto(page.resolve().as_uri())
        tab.evaluate("zonedesignEdit.ready")
        ready = CLOCK() - began
        facts = tab.evaluate(FACTS)
        busy = tab.context.new_cdp_session(tab)
        busy.send("Performance.enable", {"timeDomain": "threadTicks"})
        before = _spent(busy)
        rows = tab.evaluate(DRIVE, {"edits": edits, "seed": seed})
        after = _spent(busy)
        version = chromium.version
        chromium.close()
    cpu = {name: 1000 * (after[name] - before[name]) / edits for name in after}
    return {**facts, "rows": rows, "ready": ready, "browser": f"Chromium {version}", "cpu": cpu}


def _spent(session: Any) -> dict[str, float]:
    """Return the seconds that the page's main thread has worked, whatever else the machine does."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    names = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration", "TaskDuration")
    return {each["name"]: each["value"] for each in metrics if each["name"] in names}


def _high(values: list[float]) -> float:
    return sorted(values)[max(0, round(0.95 * len(values)) - 1)]


def told(found: dict[str, Any], megabytes: float) -> str:
    """Return the paragraphs and the table of a run."""
    rows = found["rows"]
    kinds = ["all edits", *sorted({row["what"] for row in rows})]
    lines = []
    for kind in kinds:
        mine = [row for row in rows if kind in ("all edits", row["what"])]
        shown, computed = ([row[key] for row in mine] for key in ("shown", "computed"))
        lines.append(
            (kind, f"{len(mine)}", f"{statistics.median(computed):.0f}", f"{_high(computed):.0f}",
             f"{statistics.median(shown):.0f}", f"{_high(shown):.0f}")
        )  # fmt: skip
    late = sum(row["shown"] > WITHIN_MS for row in rows)
    heads = (
        "edit", "edits", "computed, median ms", "95th percentile", "on screen, median ms", "95th percentile"
    )  # fmt: skip
    about = (
        f"{found.get('name', 'The page')}: {found['units']:,} units in {found['zones']} zones, "
        f"{found['pairs']:,} pairs of travel times, a file of {megabytes:.1f} MB, ready after "
        f"{found['ready']:.1f} s in headless {found['browser']} without a graphics card. "
        f"{late} of {len(rows)} edits took more than {WITHIN_MS:.0f} ms to be on screen. The page's main "
        f"thread worked {found['cpu']['TaskDuration']:.0f} ms for an edit: processor time, whatever else the "
        f"machine does, the choosing of edits included."
    )
    return f"{about}\n\n{table(heads, lines)}"


def main() -> None:
    reader = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    reader.add_argument("plan", nargs="?", type=Path, default=PLAN)
    reader.add_argument("--scenario", type=Path, default=CASE)
    reader.add_argument("--edits", type=int, default=300)
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument("--page", type=Path)
    reader.add_argument("--write", action="store_true")
    options = reader.parse_args()
    began = machine(["zonedesign"])
    with tempfile.TemporaryDirectory() as folder:
        page, known = options.page, {}
        if page is None:
            page = Path(folder) / "page.html"
            known = page_of(options.plan, options.scenario, page)
        found = known | driven(page, options.edits, options.seed)
        text = f"{began} {ended()}\n\n{told(found, page.stat().st_size / 1e6)}"
    print(text)
    if options.write:
        write_block("editing", text, CHECKOUT / "docs" / "editing.md")


if __name__ == "__main__":
    sys.exit(main())
