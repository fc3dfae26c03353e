"""The tender pack: maps, schedules, look-ups and a statement of method, made from one plan in one go."""

from __future__ import annotations

from zonedesign.pack.earlier import read_published
from zonedesign.pack.material import Material, gather
from zonedesign.pack.writing import write_pack

__all__ = ["Material", "gather", "read_published", "write_pack"]
