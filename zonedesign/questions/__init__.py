"""Questions: what a choice costs, how little need change, whether a plan will last."""

from zonedesign.questions.frontier import Frontier, Repair, frontier
from zonedesign.questions.stress import Outlook, Stress, stress
from zonedesign.questions.traffic import TrafficSensitivity, label_of, traffic_sensitivity

__all__ = [
    "Frontier",
    "Outlook",
    "Repair",
    "Stress",
    "TrafficSensitivity",
    "frontier",
    "label_of",
    "stress",
    "traffic_sensitivity",
]
