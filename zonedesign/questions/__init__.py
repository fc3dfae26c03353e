"""Questions: what a choice costs, how little need change, whether a plan will last."""

from zonedesign.questions.frontier import Frontier, Repair, frontier, smallest_repair
from zonedesign.questions.price import Price, price
from zonedesign.questions.stress import Outlook, Stress, stress
from zonedesign.questions.traffic import TrafficSensitivity, label_of, traffic_sensitivity

__all__ = [
    "Frontier",
    "Outlook",
    "Price",
    "Repair",
    "Stress",
    "TrafficSensitivity",
    "frontier",
    "label_of",
    "price",
    "smallest_repair",
    "stress",
    "traffic_sensitivity",
]
