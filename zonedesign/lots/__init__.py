"""Lots and providers: what a plan means for procurement, and who wins what."""

from zonedesign.lots.awarding import Award, award
from zonedesign.lots.rates import Enhancement, Floor, FloorLine, Rate, Results
from zonedesign.lots.run import Lots, lots
from zonedesign.lots.terms import AwardRules, Step, Terms, Viability
from zonedesign.lots.viability import judged

__all__ = [
    "Award",
    "AwardRules",
    "Enhancement",
    "Floor",
    "FloorLine",
    "Lots",
    "Rate",
    "Results",
    "Step",
    "Terms",
    "Viability",
    "award",
    "judged",
    "lots",
]
