"""Comparing: what moves between plans, what it costs, and who pays for the average."""

from __future__ import annotations

from zonedesign.compare.comparison import Comparison, compare

__all__ = ["Comparison", "compare"]
