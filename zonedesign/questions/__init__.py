"""Questions asked of a problem or a plan: what a choice costs, how little need change, whether it will last."""

from zonedesign.questions.traffic import TrafficSensitivity, label_of, traffic_sensitivity

__all__ = ["TrafficSensitivity", "label_of", "traffic_sensitivity"]
