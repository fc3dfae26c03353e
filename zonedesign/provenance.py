"""Provenance: hashes of what went in, versions of what ran, today's date, and the user's cache folder."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zonedesign.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_CACHE = "ZONEDESIGN_NO_CACHE"
"""The environment variable that, set, has nothing kept in the cache folder and nothing taken from it."""

ENGINES = ("zonedesign", "PuLP", "highspy", "numpy", "scipy", "pandas", "geopandas", "shapely", "numba")


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes, read in pieces."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of Python, zonedesign and the libraries whose answers it relies on."""
    found = {"python": platform.python_version()}
    for name in ENGINES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def minutes_include(told: Mapping[str, Any]) -> list[str]:
    """Return what minutes include beside driving, as sentences, from the provenance of travel times."""
    said = []
    if told.get("turn_delays"):
        said.append("minutes include the time that turning takes, and keep to banned turns")
    if told.get("access_kph") is not None:
        said.append(
            f"minutes include the way between point and road at {told['access_kph']:g} km/h, both ends"
        )
    if told.get("parking_minutes"):
        said.append(f"minutes include {told['parking_minutes']:g} for parking at the end of each way")
    return said


def now() -> dt.datetime:
    """Return the time to write down, UTC: SOURCE_DATE_EPOCH (seconds since 1970) where it is set, else now.

    Raises `ScenarioError` where SOURCE_DATE_EPOCH is set to something else.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "").strip()
    if not epoch:
        return dt.datetime.now(tz=dt.UTC)
    try:
        return dt.datetime.fromtimestamp(int(epoch), tz=dt.UTC)
    except (ValueError, OverflowError, OSError):
        raise ScenarioError(
            f"SOURCE_DATE_EPOCH is '{epoch}'; set it to whole seconds since 1970, or not at all"
        ) from None


def today() -> dt.date:
    """Return the date to print: that of SOURCE_DATE_EPOCH where it is set, else today's."""
    return now().date()


def cache_folder() -> Path:
    """Return the user's cache folder for zonedesign on this system; it is not created here."""
    if override := os.environ.get("ZONEDESIGN_CACHE"):
        return Path(override)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "zonedesign"
