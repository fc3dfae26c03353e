"""The outcomes of `cases.py` as a page: docs/cases.md, every figure from the run."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Row = Mapping[str, Any]

WIDENED, BASE = "west-sussex-lsoa, bands of the table", "west-sussex-lsoa"
STAGES = ("read", "roads", "travel times", "problem", "solve", "verify", "write")
OF_SOLVE = ("check", "search", "certify")
SHARE, BUSY = 100.0, 1.0

HEAD = """# Cases

Written by `benchmarks/cases.py` (`make bench-cases`); no figure of an outcome was typed by hand. The
real cases need the data beside the checkout. Each case ran in a process of its own, one after another,
on {cores} cores ({system}, Python {python}, zonedesign at commit {commits}), with {limits} seconds of
solving at most (the longer limit above 1,000 units).{busy}

Where roads are `sketch`, they are straight lines between neighbouring units, no real roads. The
objective is mean minutes from the centre, weighted by hours; "worst minutes" is the longer way between
a centre and the farthest unit of any zone. Gap = (objective - bound) / objective."""

LOADED = """ Other work ran at the same time: after each case the system's load over five minutes was between
{low} and {high}, so seconds are not those of an idle machine, and gaps not the smallest."""

SECONDS = """## Seconds by stage, and memory

"read" is units, demand and what touches what; "solve" includes the checks before it and getting
compiled code ready, which the time limit does not; "write" is the folder with its map; "all" is the
whole process.
"""

BANDS = """## West Sussex with the bands of its own table

The text of 2019 rounds: 700-1,300 h and 50-110 customers, 240-450 h and 18-42, 10-150 h and 1-11. The
council's own table of the 35 areas spans others: 731-1,335 h and 50-113 customers, 228-454 h and 18-42,
8-153 h and 1-11. Neither set holds the other. The same county with each:
"""

JUDGED = """## A real plan judged: the primary care networks of 2022

The {zones} primary care networks (PCNs) of West Sussex of February 2022, as a plan, through `zonedesign
verify` by the scenario `{base}`. **A PCN is a health footprint, made around GP practices. It is not
today's home-care plan, and nobody meant it to keep these rules**: this shows how any plan is judged,
not that the networks are wrong. Levels are the first whose bands hold, else the nearest; centres are
each zone's best; roads are sketched.

{broken} of {checks} checks are broken, in {broken_zones} of {zones} zones (exit {exit}). Of no single
zone: {counts}.

Not connected are {loose} where units touch within the scenario's tolerance of 30 m, and {strict} where
they must share an edge or a corner (`contiguity_tolerance_m = 0`).
"""


def document(known: Mapping[str, Any]) -> str:
    """Return the whole page."""
    rows = [known["rows"][name] for name in known["order"]]
    parts = [_head(rows), _outcomes(rows), _causes(rows), _seconds(rows), _widened(known), _judged(known)]
    paragraphs = "\n\n".join(part.strip() for part in parts if part).split("\n\n")
    return "\n\n".join(map(folded, paragraphs)) + "\n"


def folded(paragraph: str) -> str:
    """Return a paragraph in lines of one width; titles, lists and tables as they are."""
    if paragraph.startswith(("#", "|", "* ")):
        return paragraph
    return textwrap.fill(" ".join(paragraph.split()), 120, break_long_words=False, break_on_hyphens=False)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _number(value: float | None, digits: int = 1) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _percent(share: float | None, digits: int = 1) -> str:
    return "" if share is None else f"{SHARE * share:.{digits}f} %"


def _head(rows: Sequence[Row]) -> str:
    limits = sorted({row["limit"] for row in rows if "limit" in row})
    loads = [row["machine"]["load"] for row in rows if row["machine"]["load"] is not None]
    busy = ""
    if loads and max(loads) > BUSY:
        busy = LOADED.format(low=_number(min(loads)), high=_number(max(loads)))
    said = " or ".join(f"{limit:g}" for limit in limits)
    commits = ", ".join(dict.fromkeys(row["machine"]["commit"] for row in rows))
    return HEAD.format(**rows[0]["machine"], commits=commits, limits=said, busy=busy)


def _outcomes(rows: Sequence[Row]) -> str:
    heads = (
        "case, units, roads, nodes, edges, status, exit, objective, bound, gap, zones by level, worst minutes"
    )
    lines = [
        (
            row["name"],
            _number(row.get("units"), 0),
            ("sketch" if row["sketch"] else "file") if "sketch" in row else "",
            _number(row.get("nodes"), 0),
            _number(row.get("edges"), 0),
            row["status"] + (f", stopped by {row['stopped_by']}" if row.get("stopped_by") else ""),
            str(row["exit"]),
            _number(row.get("objective"), 4),
            _number(row.get("bound"), 4),
            _percent(row.get("gap"), 2),
            ", ".join(f"{number} of {level}" for level, number in row.get("zones", {}).items()),
            _number(row.get("worst_minutes"), 1),
            f"{row['checks'] - row['broken']:,} of {row['checks']:,}" if "checks" in row else "",
        )
        for row in rows
    ]
    return "## Outcomes\n\n" + _table((*heads.split(", "), "checks passed"), lines)


def _causes(rows: Sequence[Row]) -> str:
    """Return what was said where there is no plan."""
    said = [
        f"* {row['name']} (exit {row['exit']}): {cause}" for row in rows for cause in row.get("causes", ())
    ]
    if not said:
        return ""
    how = "Where there is no plan, zonedesign said why. Exit 3 is a proof that none can exist; exit 4 is not."
    return "\n".join([how, "", *said])


def _seconds(rows: Sequence[Row]) -> str:
    lines = []
    for row in rows:
        spent = dict(row["seconds"])
        if "solve" in spent:
            spent["solve"] = sum(spent.pop(stage, 0.0) for stage in ("solve", *OF_SOLVE))
        stages = [_number(spent.get(stage), 1 if spent.get(stage, 0.0) >= 1 else 2) for stage in STAGES]
        lines.append((row["name"], *stages, _number(row["wall"], 0), _number(row.get("peak_mb"), 0)))
    return f"{SECONDS}\n" + _table(("case", *STAGES, "all", "peak MB"), lines)


def _widened(known: Mapping[str, Any]) -> str:
    rows = known["rows"]
    if WIDENED not in rows or BASE not in rows:
        return ""
    pair = [rows[BASE], rows[WIDENED]]
    lines = [("status", *[row["status"] for row in pair])]
    lines += [(what, *[_number(row.get(what), 4) for row in pair]) for what in ("objective", "bound")]
    lines.append(("gap", *[_percent(row.get("gap"), 2) for row in pair]))
    lines.append(("worst minutes", *[_number(row.get("worst_minutes")) for row in pair]))
    for level in ("1", "2", "3"):
        hours = [row.get("hours", {}) for row in pair]
        shares = [each[level] / sum(each.values()) if level in each else None for each in hours]
        lines.append((f"share of hours, level {level}", *map(_percent, shares)))
    text = f"{BANDS}\n" + _table(("", "bands of the text", "bands of the table"), lines)
    if known.get("moved") is None:
        return text
    moved = f"{_percent(known['moved'])} of hours are in another zone (zones matched to keep most)"
    return f"{text}\n\nBetween the two plans {moved}. {_better(*pair)}"


def _better(text: Row, table: Row) -> str:
    """Return what the two bounds prove: neither set of bands holds the other, so either may be better."""
    if table["objective"] < text["bound"]:
        return "The table's bands are proved to allow a better plan than the text's can."
    if text["objective"] < table["bound"]:
        return "The text's bands are proved to allow a better plan than the table's can."
    return "The gaps are too wide to prove that either set of bands allows the better plan."


def _judged(known: Mapping[str, Any]) -> str:
    found = known.get("judged")
    if not found:
        return ""
    given, names = found[0], found[0]["names"]
    broken: dict[str | None, list[str]] = {}
    for row in given["rules"]:
        if not row["passed"]:
            level = f" at level {row['level']}" if row["zone"] is None else ""
            broken.setdefault(row["zone"], []).append(_verdict(row) + level)
    levels = {row["zone"]: row["level"] for row in given["rules"] if row["rule"] == "Level"}
    lines = [
        (f"{zone} {names[zone]}", levels[zone], "; ".join(broken.get(zone, ["none"])))
        for zone in sorted(levels)
    ]
    loose, strict = (_in_pieces(each) for each in found)
    facts = {key: given[key] for key in ("zones", "broken", "checks", "exit")}
    facts |= {"base": BASE, "broken_zones": len(given["broken_zones"]), "loose": loose, "strict": strict}
    text = JUDGED.format(**facts, counts="; ".join(broken.get(None, ["nothing"])))
    return f"{text}\n" + _table(("network", "level given", "rules broken"), lines)


def _in_pieces(verdicts: Mapping[str, Any]) -> str:
    zones = [row["zone"] for row in verdicts["rules"] if row["rule"] == "Contiguous" and not row["passed"]]
    return f"{len(zones)} of {verdicts['zones']} ({', '.join(sorted(zones))})"


def _verdict(row: Row) -> str:
    (low, high), value = row["limit"], row["value"]
    said = "out of reach" if value is None else f"{value:,.{0 if value == int(value) else 1}f}"
    if low == high:
        band = f"{low:,g}"
    elif high is None:
        band = f"{low:,g} or more"
    else:
        band = f"at most {high:,g}" if low is None else f"{low:,g} to {high:,g}"
    return f"{row['quantity'].replace('_', ' ')} {said} ({band})"
