"""Explaining: why there is no plan, in plain words, and the smallest changes that give one."""

from __future__ import annotations

from zonedesign.explain.answer import Change, Explanation, Relaxation
from zonedesign.explain.run import explain

__all__ = ["Change", "Explanation", "Relaxation", "explain"]
