"""Portfolio: several good plans that differ, and how sure each unit is of its zone among them."""

from __future__ import annotations

from zonedesign.portfolio.gather import portfolio
from zonedesign.portfolio.kept import Portfolio

__all__ = ["Portfolio", "portfolio"]
