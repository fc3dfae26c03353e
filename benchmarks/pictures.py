"""The pictures of the docs: the example county solved, its pages opened in a browser and photographed.

    python benchmarks/pictures.py

Needs playwright, Pillow, and chromium or google-chrome; writes docs/images. Work is limited rather than
time, so that the plan is the same on any machine.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import zonedesign as zd
from zonedesign.maps import compare_page, page

CHECKOUT = Path(__file__).resolve().parents[1]
SCENARIO = CHECKOUT / "scenarios" / "west-sussex.toml"
IMAGES = CHECKOUT / "docs" / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDTH, HEIGHT = 1440, 860
COLOURS = 200
WORK = 12
"""Rounds of search: enough for a plan within a few per cent of the bound."""


def main() -> None:
    """Solve, open and photograph."""
    problem = zd.read_scenario(SCENARIO).problem()
    plan = zd.solve(problem, work=WORK)
    IMAGES.mkdir(exist_ok=True)
    photograph(page(plan, problem, roads=problem.about.roads), "plan.png")
    plans = {"Solved": plan, "Everyone to the quickest centre": to_the_quickest(plan)}
    photograph(compare_page(zd.compare(plans, problem)), "compare.png")


def to_the_quickest(plan: zd.Plan) -> zd.Plan:
    """Return the plan on the same centres with every unit in the zone whose centre reaches it first."""
    minutes = plan.times.on(plan.of_units.ids).to_array()[plan.centres]
    return replace(plan, zone=minutes.argmin(axis=0), certificate=None)


def photograph(source: str, name: str) -> None:
    """Write a picture of the top of a page."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit("no browser found: install chromium or google-chrome")
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as driver:
        file = Path(scratch) / "page.html"
        file.write_text(source, encoding="utf-8")
        chromium = driver.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        tab = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT}, reduced_motion="reduce")
        tab.goto(file.as_uri())
        tab.locator(".label").first.wait_for()
        taken = tab.screenshot()
        chromium.close()
    # Few colours are a fraction of the bytes, and look the same.
    Image.open(io.BytesIO(taken)).convert("RGB").quantize(COLOURS).save(IMAGES / name, optimize=True)


if __name__ == "__main__":
    main()
