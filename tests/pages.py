"""Pages in a real browser: opened from a file, and held to fetch nothing and to complain of nothing."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-default-apps", "--disable-sync", "--no-first-run"]  # fmt: skip


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless Chromium; the test is skipped where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("no browser found: install chromium or google-chrome to try the pages")
    with sync_api.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=path, args=QUIET)
        yield running
        running.close()


@contextmanager
def opened(browser: Any, folder: Path, *, memory: bool = False) -> Iterator[Callable[..., Any]]:
    """Give what opens a page's source at a width; with `memory`, a page may fetch what it made itself (`blob:`)."""
    wrong: list[str] = []
    tabs: list[Any] = []

    def show(source: str, width: int = 1440, height: int = 900, **options: Any) -> Any:
        file = folder / f"page-{len(tabs)}.html"
        file.write_text(source, encoding="utf-8")
        own = file.as_uri()
        # What moves would be measured on its way.
        tab = browser.new_page(
            viewport={"width": width, "height": height}, reduced_motion="reduce", **options
        )
        tabs.append(tab)

        def said(message: Any) -> None:
            if message.type in {"error", "warning"}:
                wrong.append(f"{message.type}: {message.text}")

        def asked(request: Any) -> None:
            if request.url != own and not (memory and request.url.startswith("blob:")):
                wrong.append(request.url)

        tab.on("console", said)
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("request", asked)
        tab.goto(own)
        return tab

    yield show
    for tab in tabs:
        tab.close()
    assert wrong == []
