"""Solving: from a problem to a plan that is verified and carries what was proved of it."""

from __future__ import annotations

from zonedesign.solve.run import solve

__all__ = ["solve"]
