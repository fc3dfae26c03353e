"""The studio: the editable map served on this machine, with solving, saved plans and rules to try."""

from __future__ import annotations

from zonedesign.studio.store import purge

__all__ = ["purge"]
