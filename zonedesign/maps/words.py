"""Words: what the review map says of a plan, in plain English and figures ready to print."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zonedesign.certificate import OPTIMAL_GAP, Status
from zonedesign.errors import counted, listed
from zonedesign.provenance import minutes_include
from zonedesign.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from zonedesign.disclosure import Published
    from zonedesign.levels import Level
    from zonedesign.plan import Plan
    from zonedesign.problem import Problem

HIDDEN = "[c]"
"""Confidential: the mark that official statistics print in place of a figure."""

UNKNOWN = "\N{EN DASH}"

_STOPPED = {
    "gap": "the search stopped at the gap that was asked for",
    "time": "the search stopped at its time limit",
    "work": "the search stopped at its work limit",
    "interrupt": "the search was interrupted",
}


@dataclass(frozen=True)
class Verdicts:
    """How the rules came out: by zone (checks met, checks), in all, and what is broken, in words."""

    by_zone: Mapping[str, tuple[int, int]]
    met: int
    checks: int
    broken: tuple[str, ...]


def number(value: Any, decimals: int = 0) -> str:
    """Return a figure with thousands separated; unknown and out of reach are said in words."""
    if value is None or value != value:  # noqa: PLR0124  (NaN is not itself)
        return UNKNOWN
    if math.isinf(value):
        return "out of reach"
    return f"{value:,.{decimals}f}"


def minutes(value: float, cutoff: float = math.inf) -> str:
    """Return minutes; out of reach is said as over the cutoff of the travel times, where they have one."""
    if math.isinf(value) and math.isfinite(cutoff):
        return f"over {cutoff:g}"
    return number(value, 1)


def _mean(value: float, decimals: int = 1) -> str:
    """Return mean minutes; no mean is known where a unit is out of reach."""
    return number(value, decimals) if math.isfinite(value) else UNKNOWN


def level_name(name: str) -> str:
    """Return `Level 1` for the level 1; a level that has a name of its own keeps it."""
    return f"Level {name}" if name[:1].isdigit() else name


def level_limits(level: Level) -> str:
    """Return a level's limits in one line, nothing where it states none."""
    said = []
    if level.zones is not None:
        low, high = level.zone_range
        said.append(counted(low, "zone") if low == high else f"{band(low, high)} zones")
    if level.weekly_hours is not None:
        said.append(f"{band(*level.weekly_hours)} hours a week")
    if level.customers is not None:
        said.append(f"{band(*level.customers)} customers")
    if level.max_minutes is not None:
        said.append(f"{level.max_minutes:g} minutes at most")
    if level.max_miles is not None:
        said.append(f"{level.max_miles:g} miles at most")
    return ", ".join(said)


def band(low: float | None, high: float | None) -> str:
    """Return a band in words, nothing where both ends are open; None and NaN are open."""
    ends = ["" if end is None or math.isnan(end) else f"{end:,g}" for end in (low, high)]
    if ends[0] and ends[0] == ends[1]:
        return ends[0]
    if all(ends):
        return f"{ends[0]} to {ends[1]}"
    return f"{ends[0]} or more" if ends[0] else f"up to {ends[1]}" if ends[1] else ""


def verdicts(plan: Plan, problem: Problem, *, public: bool) -> Verdicts:
    """Return how every rule came out, from the certificate where it lists them, else checked now.

    Public words name the rule and the zone but no figure.
    """
    listed_rules = () if plan.certificate is None else plan.certificate.rules
    rows: Iterable[Mapping[Any, Any]] = listed_rules or verify(plan, problem).to_dict("records")
    by_zone: dict[str, tuple[int, int]] = {}
    broken, met, checks = [], 0, 0
    for row in rows:
        passed = bool(row["passed"])
        checks += 1
        met += passed
        zone = row["zone"] if isinstance(row["zone"], str) else None
        if zone is not None:
            good, every = by_zone.get(zone, (0, 0))
            by_zone[zone] = (good + passed, every + 1)
        if not passed:
            broken.append(_broken(row, zone, public=public))
    return Verdicts(by_zone, met, checks, tuple(broken))


def _broken(row: Mapping[Any, Any], zone: str | None, *, public: bool) -> str:
    level = row["level"] if isinstance(row["level"], str) else None
    where = f"Zone {zone}" if zone is not None else level_name(level) if level is not None else "The plan"
    quantity = str(row["quantity"] or "").replace("_", " ")
    said = f"{where}: {row['rule']}" + (f" ({quantity})" if quantity else "")
    value, limit = row["value"], row["limit"]
    if public or not isinstance(value, (int, float)) or limit is None:
        return said
    low, high = (None if end is None or end != end else end for end in limit)  # noqa: PLR0124
    allowed = "" if low is None and high is None else f"; allowed is {band(low, high)}"
    if value != value:  # noqa: PLR0124  (NaN is not itself)
        return said
    return f"{said} is {number(value, 0 if math.isinf(value) or value == round(value) else 2)}{allowed}"


def status_sentence(plan: Plan, found: Verdicts) -> str:
    """Return what is proved of the plan, in one or two plain sentences."""
    proved = plan.certificate
    rules = (
        f"All {found.checks:,} checks of the rules are met."
        if found.met == found.checks
        else f"{found.checks - found.met:,} of {found.checks:,} checks of the rules are not met."
    )
    if proved is None:
        return (
            f"{rules} No certificate came with the plan: nothing is proved about how near it is to the best."
        )
    if proved.status == Status.OPTIMAL:
        return f"{rules} Optimal: it is proved that no plan that meets the rules has a better objective."
    why = _STOPPED.get(str(proved.stopped_by), "the search was stopped")
    if proved.gap is None:
        return (
            f"{rules} Feasible; {why} before a bound was proved, so its distance from the best is not known."
        )
    return f"{rules} Feasible: no plan can be more than {percent(proved.gap)} better ({why})."


def percent(share: float) -> str:
    """Return a share as a percentage that is never rounded down to nothing."""
    value = share * 100
    if OPTIMAL_GAP * 100 < value < 0.01:
        return "0.01 %"
    return f"{value:.2f} %" if value < 1 else f"{value:.1f} %"


def objective_facts(plan: Plan, problem: Problem, *, decimals: int) -> list[tuple[str, str]]:
    """Return the objective, its terms, its bound and gap as (what, figure) pairs."""
    proved, weights = plan.certificate, problem.objective
    terms = dict(proved.terms) if proved is not None and proved.terms else problem.terms(plan)
    value = proved.objective if proved is not None and proved.objective is not None else problem.value(terms)
    facts = [("Mean minutes from the centre, weighted by hours", _mean(terms["mean_minutes"], decimals))]
    for name, weight, what in (
        ("moved", weights.change, "Share of hours that change zone"),
        ("crossing", weights.borders, "Share of hours across a border"),
        ("boundary", weights.cut, "Share of boundary that is cut"),
    ):
        if weight and name in terms:
            facts.append((f"{what} (weight {weight:g})", percent(terms[name])))
    if len(facts) > 1 or weights.travel != 1.0:
        facts.append(("Objective", number(value, decimals + 1)))
    if proved is not None:
        facts.append(("Status", str(proved.status)))
        facts.append(("Proven bound of the objective", number(proved.bound, decimals + 1)))
        facts.append(("Gap", UNKNOWN if proved.gap is None else percent(proved.gap)))
    else:
        facts.append(("Status", "not proved"))
    return facts


def notes(plan: Plan, problem: Problem, *, public: bool) -> list[str]:
    """Return what a reader must know of the data; public notes count units and name none."""
    said = []
    given = [*problem.about.notes, *plan.of_units.notes]
    if problem.about.sketch and (public or not any(str(note).startswith("sketch roads") for note in given)):
        said.append(
            "Sketch roads: travel times are 1.3 times the straight line between neighbouring units at "
            "40 km/h, not times by road."
        )
    gone = plan.of_units.excluded
    if gone is not None and len(gone):
        names = "" if public else f": {listed(gone.index, 20)}"
        said.append(f"{counted(len(gone), 'unit')} left out on purpose{names}.")
    graph = plan.of_units.contiguity
    if graph is not None and graph.bridges:
        pairs = "" if public else ": " + listed((f"{a} to {b}" for a, b in graph.bridges), 20)
        join = "bridge joins" if len(graph.bridges) == 1 else "bridges join"
        said.append(f"{len(graph.bridges)} {join} pieces of the map that do not touch{pairs}.")
    if public:
        return [*said, *minutes_include(problem.times.provenance)]
    more = [*given, *(graph.notes if graph is not None else ())]
    return [*said, *dict.fromkeys(str(note) for note in more)]


def total_rows(published: Published, levels: Sequence[Level], decimals: int) -> list[dict[str, str]]:
    """Return the rows of the table of totals by level, the overall total last."""
    limits = {level.name: level_limits(level) for level in levels}
    known = "customers" in published.figures
    every = published.total["weekly_hours"]
    rows = [
        {
            "level": level_name(str(name)),
            "limits": limits.get(str(name), ""),
            "zones": number(row["zones"]),
            "customers": _figure(row["customers"]) if known else UNKNOWN,
            "hours": _figure(row["weekly_hours"], decimals),
            "share": HIDDEN
            if _gone(row["weekly_hours"]) or _gone(every)
            else _share(row["weekly_hours"], every),
        }
        for name, row in published.levels.iterrows()
    ]
    rows.append(
        {
            "level": "All levels",
            "limits": "",
            "zones": number(published.levels["zones"].sum()),
            "customers": _figure(published.total["customers"]) if known else UNKNOWN,
            "hours": _figure(every, decimals),
            "share": HIDDEN if _gone(every) else _share(every, every),
        }
    )
    return rows


def zone_rows(
    published: Published, found: Verdicts, decimals: int, cutoff: float = math.inf
) -> list[dict[str, Any]]:
    """Return the rows of the zone table, ready to print; `cutoff` is that of the travel times."""
    known = "customers" in published.figures
    rows = []
    for row in published.zones.to_dict("records"):
        met, checks = found.by_zone.get(str(row["zone"]), (0, 0))
        hidden = bool(row["hidden"])
        rows.append(
            {
                "zone": str(row["zone"]),
                "name": str(row["name"]),
                "level": str(row["level"]),
                "level_name": level_name(str(row["level"])),
                "customers": (_figure(row["customers"]) if known else UNKNOWN),
                "hours": _figure(row["weekly_hours"], decimals),
                "mean": HIDDEN if hidden or _kept_back(row) else _mean(row["mean_minutes"]),
                "worst": minutes(row["max_minutes"], cutoff),
                "met": met == checks,
                "rules": f"{met} of {checks}" if checks else UNKNOWN,
            }
        )
    return rows


def _kept_back(row: Mapping[Any, Any]) -> bool:
    """Return whether a zone with hours has mean minutes that are not for printing."""
    return _gone(row["mean_minutes"]) and row["weekly_hours"] > 0


def _gone(value: float) -> bool:
    return bool(value != value)  # noqa: PLR0124  (NaN is not itself)


def _figure(value: float, decimals: int = 0) -> str:
    return HIDDEN if _gone(value) else number(value, decimals)


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else UNKNOWN
