"""The results of `solving.py` as a page: docs/solving.md, every figure from the runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bars import CARRIED, CASES, EQUAL, OURS, key_of
from measuring import figure, table
from solvepeers import PEERS
from telling import folded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bars import Bar, Case

    Row = Mapping[str, Any]
    Rows = Mapping[str, Mapping[str, Row]]

NOT_MEASURED = "not measured"
SHARE = 100.0

HEAD = """# Solving

How good plans are, how far from the best they can be at most, and what other tools make of the same
problems. Written by `benchmarks/solving.py`; no figure was typed by hand. `make bench-solve` installs
the peers (`benchmarks/peers.txt`) into `.venv`, runs everything and writes this page; it takes some six
hours on two cores, two without peers (`--no-peers`), and goes on where it stopped.

{machine}

## Bars

Every run has a process of its own. "s" is the time limit, "seconds" the certificate's, "call s" all of
`zd.solve`, with the checks before the search and getting compiled code ready, which the limit leaves
out. Objectives are mean minutes from the centre, weighted by hours, or the published figure where an
instance has one. "MB" is the most memory that the process held. A bar is met where `verify` passes
every rule, in a run that had the bar's time.
"""

CARRIED_OVER = """## The plan of the LSOAs, carried over

Every OA takes the zone of its LSOA in our plan of the LSOAs, and centres are chosen anew among the OAs.
"""

SIDE_BY_SIDE = """## Side by side

Our objective for the plan of every tool, with the best centre of each of its zones, and what `verify`
says of it. In bold: the least objective among the plans that meet every rule. {winners}

Peers have the time that our longest run took, 20 s at least. The whole model has both cores and 16 GB. The
others use one core each, in at most 8 GB, and their seconds are the processor's work for them, so that what
else a machine does costs them nothing; each of GerryChain's three ways has two thirds of the time, so that
together they have both cores as long as ours. Levels are the first whose bands hold. Where a
problem has several levels, a peer makes as many zones as all counts allow, for more zones mean fewer
minutes; the whole model knows levels.

What each is told:

{told}
"""


def document(known: Mapping[str, Any]) -> str:
    """Return the whole page."""
    rows: Rows = known["rows"]
    told = "\n".join(f"* **{peer.title}**: {peer.words}." for peer in PEERS.values())
    by_case = [(case, rows.get(case.name, {})) for case in CASES.values()]
    parts = [
        HEAD.format(machine=_machine(known)),
        table(BAR_HEADS, [line for each in by_case for line in bar_lines(*each)]),
        CARRIED_OVER,
        table(CARRIED_HEADS, [_carried(*each) for each in by_case if each[0].lsoas]),
        SIDE_BY_SIDE.format(told=told, winners=winners(rows)),
        *(_beside(*each) for each in by_case if len(_compared(*each)) > 1),
        _not_beside(by_case),
    ]
    paragraphs = "\n\n".join(part.strip() for part in parts if part).split("\n\n")
    return "\n\n".join(map(folded, paragraphs)) + "\n"


def _machine(known: Mapping[str, Any]) -> str:
    """Return where and when it was measured, and loudly where limits were cut short."""
    every = [row for of in known["rows"].values() for row in of.values()]
    if not every:
        return "Nothing is measured yet."
    on, days, loads = (
        known["machine"],
        sorted({row["day"] for row in every}),
        [row["load"] for row in every if row["load"] is not None],
    )
    versions = ", ".join(f"{name} {version}" for name, version in on["versions"].items())
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    busy = f"; load over five minutes {min(loads):.1f} to {max(loads):.1f}" if loads else ""
    said = (
        f"Measured {when}, {on['cores']} cores ({on['processor']}), {on['system']}, Python {on['python']}, "
        f"{versions}; commit {', '.join(sorted({row['commit'] for row in every}))}{busy}."
    )
    short = sum(
        row["limit"] < _nominal(key)
        for of in known["rows"].values()
        for key, row in of.items()
        if key.startswith(OURS)
    )
    if short:
        said += f" **{short} of {len(every)} runs had less than their time, to try things out.**"
    return said


def _nominal(key: str) -> float:
    return float(key.rsplit(" ", 1)[1])


BAR_HEADS = (
    "case", "s", "objective", "bound", "gap", "seconds", "call s", "MB", "verified",
    "bar", "met", "stretch", "met",
)  # fmt: skip


def bar_lines(case: Case, rows: Mapping[str, Row]) -> Iterator[Sequence[str]]:
    """Yield a line for each of our runs of a case, with the bars that it has to meet."""
    carried = rows.get(key_of(CARRIED, case.limits[-1]))
    for seconds in case.limits:
        row = rows.get(key_of(OURS, seconds))
        marks = []
        for bars in (case.bars, case.stretch):
            due = [bar for bar in bars if bar.seconds == seconds]
            marks += ["; ".join(map(str, due)), "; ".join(_met(bar, row, carried) for bar in due)]
        yield (f"`{case.name}`: {case.words}", f"{seconds:,g}", *_figures(row), *marks)


def _figures(row: Row | None) -> Sequence[str]:
    if row is None:
        return (NOT_MEASURED, *[""] * 6)
    if "failed" in row:
        return (row["failed"], *[""] * 6)
    if row["objective"] is None:
        verified = "proved" if row["status"] == "infeasible" else "no"
        return (row["status"], "", "", *_spent(row), verified)
    gap = "" if row["gap"] is None else f"{SHARE * row['gap']:.2f} %"
    verified = "yes" if row["verified"] else "**no**"
    return (_value(row["objective"]), _value(row["bound"]), gap, *_spent(row), verified)


def _spent(row: Row) -> Sequence[str]:
    return tuple(figure(row.get(name)) for name in ("seconds", "wall", "peak_mb"))


def _value(value: float | None) -> str:
    """Return an objective: minutes with four digits, published values as they are printed."""
    return "" if value is None else f"{value:,.{4 if abs(value) < 1000 else 2}f}"


def _met(bar: Bar, row: Row | None, carried: Row | None) -> str:
    return {True: "yes", False: "**no**", None: NOT_MEASURED}[bar.met(row, carried)]


CARRIED_HEADS = ("case", "carried over", "verified", "rules broken", "ours")


def _carried(case: Case, rows: Mapping[str, Row]) -> Sequence[str]:
    row, own = (rows.get(key_of(who, case.limits[-1])) for who in (CARRIED, OURS))
    value = NOT_MEASURED if own is None else _value(own.get("objective")) or "no plan"
    if row is None or "failed" in row:
        return (f"`{case.name}`", NOT_MEASURED if row is None else row["failed"], "", "", value)
    verified = "yes" if row["verified"] else "no"
    return (f"`{case.name}`", _value(row["objective"]), verified, broken(row), value)


def broken(row: Row) -> str:
    """Return in words which rules a plan breaks."""
    found = row["breaks"]
    said = [
        f"{found[what]:,} {one if found[what] == 1 else several}"
        for what, one, several in (
            ("bands", "zone out of band", "zones out of band"),
            ("reach", "unit out of reach", "units out of reach"),
            ("pieces", "zone not connected", "zones not connected"),
            ("others", "other check", "other checks"),
        )
        if found[what]
    ]
    for level, number, low, high in found["counts"]:
        asked = (
            f"{low:g}" if low == high else f"{low or 0:g} or more" if high is None else f"{low:g} to {high:g}"
        )
        said.append(f"{number:,} zones of level {level} for {asked}")
    return "; ".join(said) or "none"


def best_of(rows: Mapping[str, Row]) -> list[str]:
    """Return the keys of the runs with the least objective among the plans that meet every rule."""
    sound = {key: row["objective"] for key, row in rows.items() if row.get("verified")}
    least = min(sound.values(), default=0.0)
    return [key for key, value in sound.items() if value <= least + EQUAL * abs(least)]


def _compared(case: Case, rows: Mapping[str, Row]) -> dict[str, Row]:
    """Return our longest run and those of the peers, as far as they are measured."""
    keys = [key_of(who, case.limits[-1]) for who in (OURS, *PEERS)]
    return {key: rows[key] for key in keys if key in rows}


def winners(rows: Rows) -> str:
    """Return in how many cases ours is the best, and the cases where it is not."""
    lost, measured = [], 0
    for case in CASES.values():
        compared = _compared(case, rows.get(case.name, {}))
        own = key_of(OURS, case.limits[-1])
        if own not in compared or len(compared) == 1:
            continue
        measured += 1
        if own not in best_of(compared):
            best = [key.rsplit(" ", 1)[0] for key in best_of(compared)]
            lost.append(f"`{case.name}` ({' and '.join(best) or 'no plan meets every rule'})")
    if not measured:
        return "No case is measured side by side yet."
    said = f"Ours has it in {measured - len(lost)} of {measured} cases"
    return f"{said}{'; not in ' + ', '.join(lost) if lost else ''}."


BESIDE_HEADS = ("", "objective", "bound", "zones", "rules broken", "seconds", "MB", "note")


def _beside(case: Case, rows: Mapping[str, Row]) -> str:
    """Return the table of a case: ours and every peer."""
    compared = _compared(case, rows)
    best, lines = best_of(compared), []
    for who in (OURS, *PEERS):
        key = key_of(who, case.limits[-1])
        title = "zonedesign" if who == OURS else PEERS[who].title
        lines.append(_line(title, compared.get(key), best=key in best))
    return f"### `{case.name}`: {case.words}\n\n{table(BESIDE_HEADS, lines)}"


def _not_beside(by_case: Sequence[tuple[Case, Mapping[str, Row]]]) -> str:
    """Return a sentence that names the cases of which no peer is measured yet."""
    names = [f"`{case.name}`" for case, rows in by_case if len(_compared(case, rows)) < 2]
    return f"Not measured side by side yet: {', '.join(names)}." if names else ""


def _line(title: str, row: Row | None, *, best: bool) -> Sequence[str]:
    if row is None:
        return (title, NOT_MEASURED, *[""] * 6)
    if "cannot" in row:
        return (title, "cannot", *[""] * 5, row["cannot"])
    if "failed" in row:
        return (title, "no plan", *[""] * 5, row["failed"])
    note = " ".join(row.get("note", "").replace("|", "/").split())
    spent = (figure(row.get("seconds")), figure(row.get("peak_mb")))
    if "breaks" not in row:
        return (title, row.get("status", "no plan"), _value(row.get("bound")), "", "", *spent, note)
    value = _value(row["objective"]) or "out of reach"
    zones = " + ".join(f"{number:,}" for number in row["zones"].values())
    mark = "**" if best else ""
    marked = (f"{mark}{title}{mark}", f"{mark}{value}{mark}")
    return (*marked, _value(row.get("bound")), zones, broken(row), *spent, note)
