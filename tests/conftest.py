"""Fixtures that several test files share."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import packed
import pages
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# The user's own store of travel times is no place for those of tests; compiled code is kept all the same.
os.environ.setdefault("ZONEDESIGN_CACHE_MB", "0")

# A shell that starts tests in the background has them ignore Ctrl-C, and what they start with them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def geodata() -> Path:
    """Folder of real data, from ZONEDESIGN_GEODATA or beside the checkout; skips where there is none."""
    folder = Path(os.environ.get("ZONEDESIGN_GEODATA", CHECKOUT.parent / "shared" / "geodata"))
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}: set ZONEDESIGN_GEODATA to the folder that holds them")
    return folder


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A public tender pack of the tiny county; not to be written to."""
    return packed.folder_of(tmp_path_factory.mktemp("tender"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for the tests of a file."""
    with pages.chromium() as running:
        yield running


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open a page's source at a width; at the end nothing may have been fetched and nothing complained of."""
    with pages.opened(browser, tmp_path) as show_page:
        yield show_page
