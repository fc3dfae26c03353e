"""The picture of the README: the example county solved, its review map opened in a browser and photographed.

    python benchmarks/pictures.py

Needs playwright, Pillow, and chromium or google-chrome; writes docs/images. Work is limited rather than
time, so that the plan is the same on any machine.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import zonedesign as zd
from zonedesign.maps import page

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
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit("no browser found: install chromium or google-chrome")
    problem = zd.read_scenario(SCENARIO).problem()
    plan = zd.solve(problem, work=WORK)
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as driver:
        file = Path(scratch) / "review.html"
        file.write_text(page(plan, problem, roads=problem.about.roads), encoding="utf-8")
        chromium = driver.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        tab = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT}, reduced_motion="reduce")
        tab.goto(file.as_uri())
        tab.locator(".label").first.wait_for()
        taken = tab.screenshot()
        chromium.close()
    few = (
        Image.open(io.BytesIO(taken)).convert("RGB").quantize(COLOURS)
    )  # a fraction of the bytes, looks the same
    few.save(IMAGES / "plan.png", optimize=True)


if __name__ == "__main__":
    main()
