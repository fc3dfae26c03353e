"""Progress: how long work tells whoever waits how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float | None, str], None]
"""Called as `progress(stage, share, message)`: share done from 0 to 1, or None where it cannot be known."""


def silent(stage: str, share: float | None, message: str) -> None:
    """Tell nobody."""
