"""Disclosure: hides figures that could point to a person, and the figures that would give them back."""

from __future__ import annotations

from zonedesign.disclosure.figures import Table
from zonedesign.disclosure.page import Published, attack, page, protection, suppress
from zonedesign.disclosure.policy import Dominance, Policy, PPercent, Rounding
from zonedesign.disclosure.publication import Publication, publish
from zonedesign.disclosure.telling import report

__all__ = [
    "Dominance",
    "PPercent",
    "Policy",
    "Publication",
    "Published",
    "Rounding",
    "Table",
    "attack",
    "page",
    "protection",
    "publish",
    "report",
    "suppress",
]
