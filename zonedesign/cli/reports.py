"""Reports of the verbs: a certificate in five lines, findings, and verdicts with the broken ones first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from zonedesign.cli.answer import BROKEN, DONE, Answer, limit, number, table
from zonedesign.errors import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from zonedesign.plan import Plan
    from zonedesign.problem import Problem
    from zonedesign.questions import TrafficSensitivity
    from zonedesign.scenario import Finding

MARK = {"ok": "ok", "note": "note", "fault": "FAULT"}
COVER = "Cover"
BROKEN_AT_START = "broken at the start"
MOST_BROKEN = 5
"""Broken rules of a start plan that are shown."""


def certificate_lines(plan: Plan, verdicts: pd.DataFrame) -> list[str]:
    """Return what was proved of a plan in five lines: status, objective, bound, seconds, zones."""
    proved = plan.certificate
    if proved is None:
        return []
    terms = ", ".join(f"{name} {number(value, 4)}" for name, value in proved.terms.items())
    bound, gap = proved.bound, proved.gap
    stopped = "" if proved.stopped_by is None else f", stopped by {proved.stopped_by}"
    zones = ", ".join(f"{n} of level {name}" for name, n in zones_by_level(plan).items())
    return [
        f"status     {proved.status}",
        f"objective  {_or_unknown(proved.objective)} ({terms})",
        f"bound      {_or_unknown(bound)}, gap {'unknown' if gap is None else f'{gap:.2%}'}",
        f"seconds    {number(proved.seconds)}{stopped}",
        f"zones      {zones}; all {counted(len(verdicts), 'check')} of the rules passed",
        *start_lines(proved.details.get("repairs", ())),
    ]


def start_lines(repairs: Sequence[str]) -> list[str]:
    """Return what was broken in a start plan, the first few of it, and all that was repaired."""
    lines: list[str] = []
    broken = 0
    for said in repairs:
        broken += said.startswith(BROKEN_AT_START)
        if not said.startswith(BROKEN_AT_START) or broken <= MOST_BROKEN:
            lines.append(said)
        elif broken == MOST_BROKEN + 1:
            every = sum(each.startswith(BROKEN_AT_START) for each in repairs)
            lines.append(f"and {every - MOST_BROKEN:,} more broken at the start, in the certificate")
    return [f"{'' if k else 'start':11}{said}" for k, said in enumerate(lines)]


def _or_unknown(value: float | None) -> str:
    return "unknown" if value is None else number(value, 4)


def zones_by_level(plan: Plan) -> dict[str, int]:
    """Return how many zones of each level a plan has, levels in the order of their names."""
    return {name: plan.levels.count(name) for name in sorted(set(plan.levels))}


def solved(plan: Plan, verdicts: pd.DataFrame, out: Path) -> dict[str, Any]:
    """Return what a solve did, as data."""
    proved = {} if plan.certificate is None else plan.certificate.as_dict()
    proved.pop("rules", None)
    return {
        "verb": "solve",
        "folder": str(out),
        "files": sorted(str(path) for path in out.iterdir()) if out.is_dir() else [],
        **proved,
        "zones_by_level": zones_by_level(plan),
        "zones": plan.zones.to_dict("records"),
        "checks": len(verdicts),
        "broken": int((~verdicts["passed"]).sum()),
    }


def check_lines(name: str, findings: Sequence[Finding]) -> list[str]:
    """Return findings as lines: what lines up first, what makes a plan impossible last."""
    rows = [(MARK.get(each.state, each.state), each.subject, each.says) for each in findings]
    wide = max((len(subject) for _, subject, _ in rows), default=0)
    faults = sum(each.state == "fault" for each in findings)
    end = f"no plan can exist: {counted(faults, 'cause')}" if faults else "nothing seen that rules a plan out"
    return [name, *[f"{mark:5}  {subject:{wide}}  {says}" for mark, subject, says in rows], end]


def verdict_answer(plan: Plan, problem: Problem, verdicts: pd.DataFrame, source: str) -> Answer:
    """Return every verdict, the broken ones first; exit 1 where a rule is broken or a unit is missing."""
    from zonedesign.verify import verdicts_as_rows  # noqa: PLC0415

    failed = ~verdicts["passed"]
    broken, missing = int(failed.sum()), _missing(verdicts)
    rows = verdicts_as_rows(verdicts)
    broken_zones = sorted({str(row["zone"]) for row in rows if not row["passed"] and row["zone"] is not None})
    data = {
        "verb": "verify",
        "plan": source,
        "scenario": problem.about.name,
        "sketch": problem.about.sketch,
        "passed": not broken,
        "checks": len(rows),
        "broken": broken,
        "missing_units": missing,
        "broken_zones": broken_zones,
        "zones": len(plan.zone_ids),
        "rules": rows,
    }
    ordered = [*verdicts[failed].to_dict("records"), *verdicts[~failed].to_dict("records")]
    lines = [f"{source} on {problem.about.name}{', sketch roads' if problem.about.sketch else ''}"]
    lines += table(
        ("verdict", "rule", "level", "zone", "quantity", "value", "limit"), map(_cells, ordered), (5,)
    )
    if broken:
        of = f" in {counted(len(broken_zones), 'zone')} of {len(plan.zone_ids)}" if broken_zones else ""
        lines.append(
            f"{counted(broken, 'check')} of {len(rows):,} broken{of}; {counted(missing, 'unit')} missing"
        )
    else:
        lines.append(f"all {counted(len(rows), 'check')} passed, {counted(len(plan.zone_ids), 'zone')}")
    return Answer(data, lines, BROKEN if broken else DONE)


def traffic_answer(
    found: TrafficSensitivity, problem: Problem, source: str, remarks: Sequence[str]
) -> Answer:
    """Return what leaves reach where driving takes longer: by level, then every unit that does."""
    from zonedesign.questions import label_of  # noqa: PLC0415

    gone = found.units[found.units["leaves_at"].notna()]
    gone = gone.sort_values(["leaves_at", "spare", "zone"], kind="stable")
    units = [{"unit": str(unit), **row} for unit, row in zip(gone.index, _records(gone), strict=True)]
    data = {
        "verb": "traffic",
        "plan": source,
        "scenario": problem.about.name,
        "sketch": problem.about.sketch,
        "slower": list(found.slower),
        "levels": _records(found.levels),
        "zones": _records(found.zones),
        "units": units,
    }
    lines = [f"{source} on {problem.about.name}{', sketch roads' if problem.about.sketch else ''}"]
    by_level = _records(found.levels.sort_values(["level", "slower"], kind="stable"))
    heads: tuple[str, ...] = (
        "level", "driving", "units beyond reach", "hours", "customers", "pairs too far apart"
    )  # fmt: skip
    lines += table(heads, [_level_cells(row, label_of) for row in by_level], (2, 3, 4, 5))
    if units:
        heads = ("unit", "zone", "level", "minutes", "limit", "leaves at", "spare")
        lines += ["", *table(heads, [_unit_cells(row, label_of) for row in units], (3, 4, 6))]
    most = label_of(found.slower[-1])
    lines.append(f"{counted(len(units), 'unit')} of {len(found.units):,} beyond reach at {most}")
    return Answer(data, lines, remarks=remarks)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame, None where a value is not known."""
    import pandas as pd  # noqa: PLC0415  (help and usage errors do without)

    return [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


def _level_cells(row: Mapping[str, Any], label_of: Callable[[float], str]) -> tuple[str, ...]:
    people, pairs = row["customers"], row["pairs"]
    return (
        str(row["level"]), label_of(row["slower"]) if row["slower"] else "as it is",
        number(row["units"]), number(row["weekly_hours"]),
        "unknown" if people is None else number(people), "" if pairs is None else number(pairs),
    )  # fmt: skip


def _unit_cells(row: Mapping[str, Any], label_of: Callable[[float], str]) -> tuple[str, ...]:
    minutes, most = row["reach_minutes"], row["max_minutes"]
    return (
        row["unit"], str(row["zone"]), str(row["level"]),
        "out of reach" if math.isinf(minutes) else number(minutes, 2), "" if most is None else number(most),
        label_of(row["leaves_at"]) if row["leaves_at"] else "already",
        "" if row["spare"] is None else f"{row['spare']:+.1%}",
    )  # fmt: skip


def _missing(verdicts: pd.DataFrame) -> int:
    """Return how many units have no zone."""
    row = verdicts[(verdicts["rule"] == COVER) & (verdicts["quantity"] == "units without a zone")]
    return int(row["value"].iloc[0]) if len(row) else 0


def _cells(row: Mapping[Any, Any]) -> tuple[str, ...]:
    """Return one verdict as texts; a broken value that would look like its limit is given more digits."""
    value, band = float(row["value"]), row["limit"]
    digits = 3
    while not row["passed"] and digits < 9 and _looks_like_an_end(value, band, digits):
        digits += 1
    said = "unknown" if math.isnan(value) else "out of reach" if math.isinf(value) else number(value, digits)
    blank = ("" if row[name] is None else str(row[name]) for name in ("level", "zone"))
    verdict = "ok" if row["passed"] else "BROKEN"
    return (verdict, str(row["rule"]), *blank, str(row["quantity"]), said, limit(band, digits))


def _looks_like_an_end(value: float, band: tuple[float | None, float | None], digits: int) -> bool:
    return any(end is not None and number(value, digits) == number(end, digits) for end in band)
