"""The tender pack: maps, schedules, look-ups and a statement of method, made from one plan in one go."""
