"""Telling: what was hidden and why, in plain words and as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zonedesign.disclosure.figures import TOTAL
from zonedesign.disclosure.hiding import loss
from zonedesign.disclosure.policy import HOURS_A_CUSTOMER, LEAST_HIDDEN
from zonedesign.disclosure.publication import attack_all
from zonedesign.errors import counted, listed

if TYPE_CHECKING:
    from zonedesign.disclosure.publication import Publication

METHODS = {
    "hide": "primary and secondary suppression, least hours hidden, checked by an attacker's linear program",
    "round": "rounding, checked by an attacker's linear program",
}

NOT_CHECKED = "not checked: customers' own hours are not given"


def sentences(publication: Publication, table: str) -> tuple[str, ...]:
    """Return what was hidden in a table and why, fit to print: not which figures are the small ones."""
    policy, figures = publication.policy, publication.figures
    if policy.rounding is not None:
        return (f"Figures are rounded so that nobody can be found: {policy.rounding}.",)
    # How many are small and how many are partners is not said: with the threshold it would narrow both.
    hidden = publication.hidden.figures
    places = [entry for entry in figures.entries if entry.table == table and hidden[entry.figure]]
    zones = [entry for entry in places if entry.kind == "zone"]
    if not zones:
        return ()
    what = "customers" if "customers" in figures.quantities else f"times {HOURS_A_CUSTOMER:g} weekly hours"
    dominated = (
        f", because {policy.dominance.reason}"
        if publication.packages and policy.dominance is not None
        else ""
    )
    together = "" if len(publication.tables) == 1 else " or another table published with this one"
    reason = (
        f"there are fewer than {policy.below} {what}{dominated}, or because a total{together} would give "
        "such a zone away"
    )
    said = [f"{counted(len(zones), 'zone')}: customers, hours and mean minutes are hidden, because {reason}."]
    gone = [entry.level for entry in places if entry.kind == "level"]
    if gone:
        said.append(f"Totals of level {', '.join(gone)}: hidden for the same reason.")
    if any(entry.kind == "total" for entry in places):
        said.append("The overall total: hidden for the same reason.")
    return tuple(said)


def means_said(zones: int) -> tuple[str, ...]:
    """Return that mean minutes of some zones are hidden although their figures are printed."""
    if not zones:
        return ()
    why = "because they would tell the hours of one small area"
    return (f"{counted(zones, 'zone')}: mean minutes are hidden, {why}.",)


def report(publication: Publication, *, internal: bool = False) -> dict[str, Any]:
    """Return what was asked, hidden and found out, as data for `disclosure.json`.

    Public data say what is hidden, and not which figures are the small ones: with the threshold that would
    narrow them. `internal` adds the reason of each, and what a reader reaches for each.
    """
    found = attack_all(publication)
    policy, figures = publication.policy, publication.figures
    hidden = publication.hidden.figures
    lost = figures.value["weekly_hours"]
    zones = sorted({e.figure for e in figures.entries if e.kind == "zone"})
    told: dict[str, Any] = {
        "kind": "internal" if internal else "public",
        "tables": list(publication.tables),
        "method": METHODS["hide" if policy.rounding is None else "round"],
        "threshold_customers": policy.below,
        "dominance": dominance_said(publication),
        "protection_interval": {q: policy.width(q) for q in figures.quantities},
        "least_zones_behind_a_total": LEAST_HIDDEN,
        "rounding": None if policy.rounding is None else str(policy.rounding),
        "reader_knows": reader_knows(publication),
        "figures": len(figures.covers),
        "hidden": [
            {"table": e.table, "kind": e.kind, "name": e.name}
            | ({"why": why(publication, e.figure)} if internal else {})
            for e in figures.entries
            if hidden[e.figure]
        ],
        "attack": {
            "figures_tried": len(found),
            "given_away": int((~found["safe"]).sum()),
            "safe": bool(found["safe"].all()),
        },
        "notes": notes(publication, safe=bool(found["safe"].all())),
    }
    if internal:
        told["hours_hidden"] = float(lost[[f for f in zones if hidden[f]]].sum())
        told["hours"] = float(
            max((lost[e.figure] for e in figures.entries if e.kind == "total"), default=0.0)
        )
        told["loss"] = float(loss(figures)[hidden].sum())
        told["least_loss"] = told["loss"] if publication.hidden.least else publication.hidden.bound
        told["least_loss_proved"] = publication.hidden.least
        told["rounds"], told["conditions"] = publication.hidden.rounds, publication.hidden.cuts
        told["attack"]["rows"] = [
            {key: None if value in (np.inf, -np.inf) else value for key, value in row.items()}
            for row in found.to_dict("records")
        ]
    return told


def dominance_said(publication: Publication) -> str:
    """Return the dominance rule in words, or that it is not checked."""
    if publication.policy.dominance is None:
        return "none"
    return str(publication.policy.dominance) if publication.packages else NOT_CHECKED


def reader_knows(publication: Publication) -> list[str]:
    """Return what the attacker was taken to know, beside every printed figure."""
    whole = publication.figures.whole and "customers" in publication.figures.quantities
    said = ["every figure printed in any of the tables, and which zones, levels and totals add up to which"]
    said.append("customers are whole numbers, and nothing is negative" if whole else "nothing is negative")
    if any(level.weekly_hours or level.customers for level in publication.levels):
        said.append("the bands of hours and customers that each level states, where they hold")
    if publication.residents:
        said.append("published counts of the people who live in each unit")
    if publication.policy.rounding is None:
        said.append("a figure of zero is never hidden")
    else:
        said.append("the rule of rounding, but not its dice")
    return said


def why(publication: Publication, figure: int) -> str:
    """Return why a figure is hidden, with the word of the trade for it."""
    figures = publication.figures
    if figures.small[figure]:
        return f"primary: fewer than {publication.policy.below} customers"
    if figures.dominant[figure]:
        return "primary: its hours are those of too few customers"
    return "secondary: with it, a hidden figure could be worked out"


def notes(publication: Publication, *, safe: bool) -> list[str]:
    """Return what whoever signs off a publication must know."""
    said = []
    if publication.figures.modelled:
        said.append(
            "Hours are the same share of residents in every unit: they were modelled from a published "
            "figure, so anybody can work out every hidden one, and none of them tells of a real customer."
        )
    out = [name for name, table in publication.tables.items() if table.hidden is not None]
    if out and not safe:
        said.append(
            f"What is out already ({listed(out)}) gives figures away that nothing hidden now can take back."
        )
    if publication.policy.rounding is not None and not publication.policy.rounding.controlled:
        said.append("Rounded figures need not add up to their totals.")
    total = [e for e in publication.figures.entries if e.name == TOTAL]
    if any(publication.hidden.figures[e.figure] for e in total):
        said.append("The overall total had to be hidden: the table has too few zones to stand behind it.")
    return said
