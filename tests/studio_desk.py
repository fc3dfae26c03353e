"""A studio over the county of sixteen squares, with a plain page in the place of the map: what tests ask."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tiny_county import IDS, quarters, write_plan, write_tiny

from zonedesign.studio.app import Studio
from zonedesign.studio.desk import open_desk
from zonedesign.studio.security import Gate

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # newer ones would rather have another client than httpx
    from starlette.testclient import TestClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HERE = "http://127.0.0.1:8765"
TOKEN = "a-token-of-enough-letters"  # noqa: S105
CHANGING = {"x-zonedesign": "studio", "origin": HERE}


def plain_page(plan: Any, problem: Any, studio: dict[str, Any]) -> str:
    return f"<!doctype html><title>{problem.about.name}</title><p>{len(plan.zone_ids)} zones<script>{studio['script']}</script>"


def lines(**zones: str | None) -> list[dict[str, Any]]:
    """The four quarters as a client sends them; `u05="1-02"` moves a unit."""
    zone = dict(zip(IDS, quarters()["zone"], strict=True)) | zones
    return [{"unit": unit, "zone": zone[unit], "level": None, "centre": None} for unit in IDS]


@contextmanager
def studio(
    folder: Path, *, changes: dict[str, str] | None = None, start: bool = True, **parts: Any
) -> Iterator[Studio]:
    scenario = folder / "tiny.toml"
    if not scenario.exists():
        write_tiny(folder, changes=changes)
    plan = write_plan(folder) if start else None
    desk, _ = open_desk(scenario, folder / "tiny.studio.sqlite", start=plan)
    made = Studio(desk, Gate("127.0.0.1", TOKEN), **({"page": plain_page} | parts))
    try:
        yield made
    finally:
        made.closing = True
        made.jobs.close(20)
        desk.store.close()


def client(of: Studio, *, enter: bool = True) -> TestClient:
    asks = TestClient(of.app, base_url=HERE, headers=CHANGING)
    if enter:
        assert asks.post("/session", json={"token": TOKEN}).status_code == 204
        asks.headers["x-zonedesign"] = of.gate.key
    return asks
