"""The pictures of the docs: the example county solved, its pages opened in a browser and photographed.

    python benchmarks/pictures.py

Needs playwright, Pillow, and chromium or google-chrome; writes docs/images. Work is limited rather than
time, so that the plan is the same on any machine.
"""

from __future__ import annotations

import io
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import zonedesign as zd
from zonedesign._plantables import plan_csv
from zonedesign.examples import WHAT_IF
from zonedesign.maps import compare_page, edit_page, page
from zonedesign.sweep import Options, read_variants, sweep_scenarios

CHECKOUT = Path(__file__).resolve().parents[1]
SCENARIO = CHECKOUT / "scenarios" / "west-sussex.toml"
IMAGES = CHECKOUT / "docs" / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDTH, HEIGHT = 1440, 860
COLOURS = 200
WORK = 12
"""Rounds of search: enough for a plan within a few per cent of the bound."""
TRY = """() => zonedesignEdit.ready.then(() => {
  const rows = zonedesignEdit.plan(), zone = (k) => rows[k].zone;
  const beside = (k) => rules.near[k].filter((j) => zone(j) !== zone(k));
  const three = (at) => [at, ...rules.near[at]].filter((k) => zone(k) === zone(at)).slice(0, 3);
  const left = (at) => zonedesignEdit.figures().zones.find((each) => each.zone === zone(at)).weekly_hours
    - three(at).reduce((sum, k) => sum + data.hours[k], 0);
  const least = (at) => rules.levels.get(rows[at].level).weekly_hours[0];
  const at = rows.findIndex((_, k) => beside(k).length > 2 && left(k) < least(k));
  const into = zone(beside(at)[0]), some = three(at);
  zonedesignEdit.edit.move(some.map((k) => rows[k].unit), into, "the school run");
  zonedesignEdit.select(some.map((k) => rows[k].unit));
  zonedesignEdit.edit.lock(into, true, "");
})"""
"""What the picture of the editing page shows: three units moved and selected, their old zone
short of hours, and a zone locked."""


def main() -> None:
    """Solve, open and photograph."""
    problem = zd.read_scenario(SCENARIO).problem()
    plan = zd.solve(problem, work=WORK)
    IMAGES.mkdir(exist_ok=True)
    photograph(page(plan, problem, roads=problem.about.roads), "plan.png")
    photograph(edit_page(plan, problem), "edit.png", script=TRY)
    plans = {"Solved": plan, "Everyone to the quickest centre": to_the_quickest(plan)}
    photograph(compare_page(zd.compare(plans, problem)), "compare.png")
    photograph(what_if(), "sweep.png", ready=".chart")
    photograph_studio(plan)


def photograph_studio(plan: zd.Plan) -> None:
    """Write a picture of the studio once it has repaired what the edit of the editing page broke."""
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as driver:
        start = Path(scratch) / "plan.csv"
        start.write_text(plan_csv(plan), encoding="utf-8")
        command = [sys.executable, "-m", "zonedesign.cli", "studio", str(SCENARIO), "--start", str(start)]
        command += ["--store", f"{scratch}/kept.sqlite", "--port", "0", "--no-browser"]
        served = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        address = next(
            found[1] for line in served.stderr or () if (found := re.match(r"studio: (\S+)", line))
        )
        chromium = driver.chromium.launch(executable_path=chosen(), args=["--no-sandbox", "--disable-gpu"])
        tab = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT}, reduced_motion="reduce")
        tab.goto(address)
        tab.locator("html[data-studio=ready]").wait_for()
        tab.evaluate(TRY)
        tab.evaluate(
            "zonedesignEdit.locks().zones.forEach((zone) => zonedesignEdit.edit.lock(zone, false, ''))"
        )
        tab.locator("#studio-seconds").select_option("20")
        tab.locator("#studio-repair").click()
        tab.locator("#studio-outcome h3").wait_for(timeout=120_000)
        tab.locator("#panel-studio-solving").evaluate("panel => panel.scrollIntoView()")
        keep(tab.screenshot(), "studio.png")
        chromium.close()
        served.send_signal(signal.SIGINT)
        served.communicate()


def to_the_quickest(plan: zd.Plan) -> zd.Plan:
    """Return the plan on the same centres with every unit in the zone whose centre reaches it first."""
    minutes = plan.times.on(plan.of_units.ids).to_array()[plan.centres]
    return replace(plan, zone=minutes.argmin(axis=0), certificate=None)


def what_if() -> str:
    """Return the page of the example county's sweep."""
    with tempfile.TemporaryDirectory() as scratch:
        sweep_scenarios(read_variants([CHECKOUT / WHAT_IF]), Path(scratch) / "out", Options(work=WORK))
        return (Path(scratch) / "out" / "sweep.html").read_text(encoding="utf-8")


def photograph(source: str, name: str, ready: str = ".label", script: str | None = None) -> None:
    """Write a picture of the top of a page, once what `ready` selects is there and a script has run."""
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as driver:
        file = Path(scratch) / "page.html"
        file.write_text(source, encoding="utf-8")
        chromium = driver.chromium.launch(executable_path=chosen(), args=["--no-sandbox", "--disable-gpu"])
        tab = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT}, reduced_motion="reduce")
        tab.goto(file.as_uri())
        tab.locator(ready).first.wait_for()
        if script is not None:
            tab.evaluate(script)
        taken = tab.screenshot()
        chromium.close()
    keep(taken, name)


def chosen() -> str:
    """Return where the browser is."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit("no browser found: install chromium or google-chrome")
    return browser


def keep(taken: bytes, name: str) -> None:
    """Write a picture; few colours are a fraction of the bytes, and look the same."""
    Image.open(io.BytesIO(taken)).convert("RGB").quantize(COLOURS).save(IMAGES / name, optimize=True)


if __name__ == "__main__":
    main()
