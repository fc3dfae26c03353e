"""Comparison tables: the CSVs and the workbook of a comparison, and what every column means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zonedesign._plantables import as_csv
from zonedesign.provenance import now
from zonedesign.workbook import Notes, workbook_bytes

if TYPE_CHECKING:
    import pandas as pd

    from zonedesign.compare import Comparison

_PLAN = "the plan that the row is of"
_AGAINST = "the plan that the row is of, compared with the first plan"
_MATCH = "zones are matched one to one so that most hours stay in place"

MEANINGS: dict[str, dict[str, str]] = {
    "plans": {
        "plan": _PLAN,
        "zones": "zones of the plan",
        "units": "units of the problem that have a zone in the plan",
        "units_without_zone": "units of the problem that have none",
        "strange_units": "units of the plan that the problem does not have; they count nowhere",
        "customers": "people cared for in the units that have a zone; empty where not known",
        "weekly_hours": "care hours a week in the units that have a zone",
        "objective": "what a plan minimises: the weighted sum of its terms; empty where units have no zone",
        "mean_minutes": "minutes from the centre to the units, weighted by hours",
        "moved_from_baseline": "term: share of hours that change zone from the baseline; empty without one",
        "crossing": "term: share of hours on the minority side of the objective's border; empty without one",
        "boundary": "term: boundary between zones / all internal boundary; empty where not known",
        "max_minutes": "worst minutes: the most of reach minutes, the longer way between centre and unit",
        "units_moved": f"units in another zone than in the first plan; {_MATCH}",
        "customers_moved": "customers in the units moved",
        "hours_moved": "hours a week in the units moved",
        "share_moved": "hours moved / all hours",
        "checks": "checks of the rules: every rule, zone and quantity",
        "broken": "checks that fail",
        "broken_rules": "the rules of these, with how many checks of each fail",
    },
    "levels": {
        "plan": _PLAN,
        "level": "the level: the scenario's, then those that only a plan has",
        "zones": "zones of the level",
        "units": "units in them",
        "customers": "customers in them",
        "weekly_hours": "hours a week in them",
        "hours_share": "these hours / all hours",
        "mean_minutes": "minutes from the centre to the units, weighted by hours",
        "max_minutes": "worst minutes: the longer way to the farthest unit",
        "least_zone_hours": "hours a week of the smallest zone of the level",
        "most_zone_hours": "hours a week of the largest zone of the level",
    },
    "rules": {
        "plan": _PLAN,
        "rule": "the rule",
        "level": "the level that it is checked for; empty where it is of no level",
        "checks": "checks of the rule",
        "broken": "checks that fail",
        "in_zones": "the zones in which they fail",
    },
    "zones": {
        "plan": _AGAINST,
        "status": f"same units, changed, new (only in this plan) or closed (only in the first); {_MATCH}",
        "from_zone": "the zone in the first plan; empty for a new zone",
        "from_name": "its name",
        "from_level": "its level",
        "to_zone": "the zone that it is matched with; empty for a closed zone",
        "to_name": "its name",
        "to_level": "its level",
        "from_units": "units of the zone in the first plan",
        "to_units": "units of the zone in this plan",
        "units_in_common": "units in both",
        "from_customers": "customers of the zone in the first plan",
        "to_customers": "customers of the zone in this plan",
        "from_hours": "hours a week of the zone in the first plan",
        "to_hours": "hours a week of the zone in this plan",
        "hours_in_common": "hours a week of the units in both",
        "share_kept": "hours in common / hours of the zone in the first plan",
        "share_of_new": "hours in common / hours of the zone in this plan",
        "from_mean_minutes": "mean minutes of the zone in the first plan",
        "to_mean_minutes": "mean minutes of the zone in this plan",
        "from_max_minutes": "worst minutes of the zone in the first plan",
        "to_max_minutes": "worst minutes of the zone in this plan",
        "mostly": "of a new zone, the zone that most of its hours come from; of a closed one, where most go",
    },
    "moves": {
        "plan": _AGAINST,
        "unit": "the unit",
        "from_zone": "its zone in the first plan; empty where it has none",
        "from_level": "the level of that zone",
        "to_zone": "its zone in this plan; empty where it has none",
        "to_level": "the level of that zone",
        "moved": f"whether it changes zone; {_MATCH}, and a unit that stays in a matched zone has not moved",
        "customers": "customers in the unit",
        "weekly_hours": "hours a week in the unit",
        "minutes_before": "minutes from the centre of its zone in the first plan",
        "minutes_after": "minutes from the centre of its zone in this plan",
        "change": "minutes after - minutes before",
    },
    "realignment": {
        "plan": _AGAINST,
        "from_zone": "the zone of the first plan that units leave; empty where they had none",
        "from_name": "its name",
        "to_zone": "the zone of this plan that they join; empty where they have none",
        "to_name": "its name",
        "units": "units that move this way",
        "customers": "customers in them",
        "weekly_hours": "hours a week in them; the sum over all rows is hours_moved of the plan",
        "mean_minutes_before": "mean minutes of these units in the first plan",
        "mean_minutes_after": "mean minutes of these units in this plan",
        "change": "after - before",
    },
    "minutes_by": {
        "plan": _AGAINST,
        "by": "the column or border by which units are told apart",
        "value": "its value; empty for units without one",
        "units": "units with that value",
        "customers": "customers in them",
        "weekly_hours": "hours a week in them",
        "hours_share": "these hours / all hours",
        "mean_minutes_before": "mean minutes in the first plan, by hours, of units with a zone in both",
        "mean_minutes_after": "mean minutes of the same units in this plan",
        "change": "after - before: above 0, these customers pay for the average",
        "max_minutes_before": "worst minutes of the same units in the first plan",
        "max_minutes_after": "worst minutes of the same units in this plan",
        "hours_moved": "hours a week in units of this value that move",
    },
}
"""What every column of every frame means, in the order in which columns are written."""


def frame_of(found: Comparison, name: str) -> pd.DataFrame:
    """Return a frame as it is written: ids as text, the unit a column."""
    frame: pd.DataFrame = getattr(found, name)
    if name == "moves":
        frame = frame.assign(unit=[str(each) for each in frame.index]).reset_index(drop=True)
    return frame[list(MEANINGS[name])]


def comparison_csvs(found: Comparison) -> dict[str, str]:
    """Return each frame as a CSV by the name of its file; yes and no are 1 and 0."""
    texts = {}
    for name in MEANINGS:
        frame = frame_of(found, name)
        texts[f"{name}.csv"] = as_csv(frame.columns, zip(*(frame[c].tolist() for c in frame), strict=True))
    return texts


def comparison_workbook(found: Comparison) -> bytes:
    """Return all frames as one workbook, with notes."""
    about = found.problem.about
    said = [
        "Internal: exact figures, not for publication.",
        f"{', '.join(found.names)}, made {now():%d %B %Y}.",
        f"{found.names[0]} is what the others are compared with.",
        *(["Sketch roads: minutes are not by road."] if about.sketch else []),
        *found.notes,
        *(f"{what}: {line}" for what, line in about.sources),
        "Empty: not known. Hours are a week's, minutes driving as the scenario's roads and profile have it.",
    ]
    notes = Notes(f"Plans compared: {about.name}", said, MEANINGS)
    return workbook_bytes({name: frame_of(found, name) for name in MEANINGS}, notes)


def comparison_facts(found: Comparison) -> dict[str, Any]:
    """Return what `--json` prints: all frames as rows, of the units those that move only."""
    facts: dict[str, Any] = {"names": list(found.names), "notes": list(found.notes)}
    for name in MEANINGS:
        frame = frame_of(found, name)
        rows = frame[frame["moved"]] if name == "moves" else frame
        facts[name] = rows.to_dict("records")
    return facts
