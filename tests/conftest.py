"""Fixtures that several test files share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# The user's own store of travel times is no place for those of tests; compiled code is kept all the same.
os.environ.setdefault("ZONEDESIGN_CACHE_MB", "0")

CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def geodata() -> Path:
    """Folder of real data, from ZONEDESIGN_GEODATA or beside the checkout; skips where there is none."""
    folder = Path(os.environ.get("ZONEDESIGN_GEODATA", CHECKOUT.parent / "shared" / "geodata"))
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}: set ZONEDESIGN_GEODATA to the folder that holds them")
    return folder
