"""Sweep: many scenarios solved side by side, each kept when it is done, and what was found in one table."""

from __future__ import annotations

from zonedesign.sweep.rows import Row, Sweep
from zonedesign.sweep.run import Said, check_scenarios, sweep, sweep_scenarios
from zonedesign.sweep.variants import Variant, read_variants
from zonedesign.sweep.work import Options

__all__ = [
    "Options",
    "Row",
    "Said",
    "Sweep",
    "Variant",
    "check_scenarios",
    "read_variants",
    "sweep",
    "sweep_scenarios",
]
