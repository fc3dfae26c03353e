"""The page: what may be printed of one plan's zones, with totals by level and overall."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from zonedesign.disclosure.figures import TOTAL, Entry, Table, level_key
from zonedesign.disclosure.means import tells
from zonedesign.disclosure.policy import FIGURES, Policy
from zonedesign.disclosure.publication import Publication, attack_all, publish
from zonedesign.disclosure.telling import means_said, sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zonedesign.levels import Level


@dataclass(frozen=True, eq=False)
class Published:
    """What may be printed of a plan: NaN is hidden.

    `zones` is the zones' frame with `hidden` (empty, `small` or `partner`: which of the two is not for
    printing). `levels` has a row per level with `zones`, `customers`, `weekly_hours` and `hidden`; `total`
    the same overall. `floor` and `ceiling` are what anybody may assume of a zone's figures, from the levels'
    bands. `report` says in plain words what was hidden and why, and is fit to print. `publication` is what
    the page was taken from.
    """

    zones: pd.DataFrame
    levels: pd.DataFrame
    total: pd.Series[float]
    below: int
    floor: pd.DataFrame = field(repr=False)
    ceiling: pd.DataFrame = field(repr=False)
    report: tuple[str, ...] = ()
    publication: Publication | None = field(default=None, repr=False)
    table: str = ""

    @property
    def figures(self) -> tuple[str, ...]:
        """The columns that are published or hidden: customers where they are known, and hours."""
        return tuple(figure for figure in FIGURES if figure in self.levels.columns)


def suppress(
    zones: pd.DataFrame, below: int = 5, *, levels: Sequence[Level] = (), policy: Policy | None = None
) -> Published:
    """Return the figures of `plan.zones` that may be printed together, with totals by level and overall.

    Small: 1 or more customers but fewer than `below` (zero is printed: there is nobody to find); where
    customers are not counted, hours above zero but below `below` x 12. A hidden zone's customers, hours and
    mean minutes (of one customer, the way to that door) go together; worst minutes depend on no customer.
    Other figures go with them, as few hours as possible, until `attack` leaves every hidden figure an
    interval as wide as `protection`, and no printed sum has fewer than three hidden zones behind it. Several
    plans, customers' packages and rounding: `publish`. Raises `ScenarioError` for a negative `below`.
    """
    policy = policy or Policy(below=below)
    names = pd.Series(zones.index.astype(str), index=zones.index)
    table = Table(names, dict(zip(names, zones["level"].astype(str), strict=True)))
    return page(publish({TABLE: table}, zones, policy=policy, levels=levels), TABLE, zones)


TABLE = "zones"
"""What a plan's only table is called."""


def page(publication: Publication, table: str, zones: pd.DataFrame) -> Published:
    """Return one plan's page of a publication; `zones` is `plan.zones`.

    Mean minutes go with hidden figures, and where they would tell of a small unit's hours (`means`).
    """
    figures = publication.figures
    places = {(e.kind, e.name): e for e in figures.entries if e.table == table}
    by_zone = [places["zone", str(name)] for name in zones.index]
    quantities = list(figures.quantities)
    shown = zones.copy()
    shown["hidden"] = [_why(publication, entry) for entry in by_zone]
    at = [entry.figure for entry in by_zone]
    for quantity in quantities:
        shown[quantity] = publication.printed[quantity][at]
    gone = np.zeros(len(zones), dtype=bool)
    if "mean_minutes" in shown.columns:
        shown["mean_minutes"] = shown["mean_minutes"].astype(float)
        gone = np.array([_hides_mean(publication, table, str(name)) for name in zones.index], dtype=bool)
        shown.loc[(shown["hidden"] != "") | gone, "mean_minutes"] = np.nan
    order = _order(publication, list(dict.fromkeys(zones["level"].astype(str))))
    levels = [places["level", level_key(name)] for name in order]
    totals = pd.DataFrame(
        {"zones": [int((zones["level"].astype(str) == name).sum()) for name in order]}
        | {q: [float(publication.printed[q][e.figure]) for e in levels] for q in quantities}
        | {"hidden": [bool(publication.hidden.figures[e.figure]) for e in levels]},
        index=pd.Index(order, name="level"),
    )
    whole = places["total", TOTAL].figure
    total = pd.Series({q: float(publication.printed[q][whole]) for q in quantities})
    floor, ceiling = (
        pd.DataFrame({q: _ends(publication, q, at, side) for q in quantities}, index=zones.index)
        for side in (0, 1)
    )
    report = (*sentences(publication, table), *means_said(int(((shown["hidden"] == "") & gone).sum())))
    return Published(
        shown, totals, total, publication.policy.below, floor, ceiling, report, publication, table
    )


def attack(published: Publication | Published, figure: str | None = None) -> pd.DataFrame:
    """Return what a reader can narrow figures to, exactly.

    Of a publication: a row for every quantity and figure that is hidden, small or dominated, and for every
    such part between two tables, with `table`, `kind`, `name`, `figure`, `low`, `high`, `asked_width`,
    `asked_high` and `safe`. Of one plan's page and a `figure`: `low` and `high` by hidden zone. The reader
    adds up and takes away all that is printed, knows the levels' bands, the threshold's zeros, whole numbers,
    published counts of residents and the rule of rounding. Frames say which figures are small: not for print.
    """
    if isinstance(published, Publication):
        return attack_all(published)
    if published.publication is None:
        return pd.DataFrame(columns=["low", "high"])
    found = attack_all(published.publication)
    return found if figure is None else _of_zones(published, found, figure)[["low", "high"]]


def protection(published: Published, figure: str) -> pd.Series[float]:
    """Return how wide `attack`'s interval must be for every hidden zone: as wide as all that `below` hides.

    That is `below` - 1 customers, or 12 weekly hours for each, unless the level's band alone says more.
    """
    hidden = published.zones.index[published.zones["hidden"] != ""]
    width = Policy(below=published.below).width(figure)
    known: pd.Series[float] = published.ceiling.loc[hidden, figure] - published.floor.loc[hidden, figure]
    return known.clip(upper=width)


def _of_zones(published: Published, found: pd.DataFrame, figure: str) -> pd.DataFrame:
    """Return the rows of a page's hidden zones, on the index of its zones."""
    publication = published.publication
    if publication is None:
        return found
    rows = {(row.table, row.kind, row.name): row for row in found.itertuples() if row.figure == figure}
    # A figure that stands in several places has its row under the first.
    first: dict[int, Entry] = {}
    for entry in publication.figures.entries:
        first.setdefault(entry.figure, entry)
    zone = {
        e.name: e.figure
        for e in publication.figures.entries
        if (e.table, e.kind) == (published.table, "zone")
    }
    names = list(published.zones.index[published.zones["hidden"] != ""])
    chosen = [first[zone[str(name)]] for name in names]
    ends = [rows[entry.table, entry.kind, entry.name] for entry in chosen]
    return pd.DataFrame(
        {"low": [row.low for row in ends], "high": [row.high for row in ends]},
        index=pd.Index(names),
        dtype=float,
    )


def _why(publication: Publication, entry: Entry) -> str:
    if not publication.hidden.figures[entry.figure]:
        return ""
    return "small" if publication.figures.must[entry.figure] else "partner"


def _hides_mean(publication: Publication, table: str, zone: str) -> bool:
    """Return whether a zone's mean minutes would tell of a unit's hours, where minutes are given."""
    given = publication.tables[table]
    if given.minutes is None or publication.policy.below == 0:
        return False
    units = given.zone.index[given.zone.astype(str) == zone]
    rows = publication.demand.loc[units]
    counted = "customers" in publication.figures.quantities
    people = np.asarray(rows["customers"], dtype=np.float64) if counted else None
    minutes = np.asarray(given.minutes.loc[units], dtype=np.float64)
    return tells(np.asarray(rows["weekly_hours"], dtype=np.float64), people, minutes, publication.policy)


def _order(publication: Publication, present: list[str]) -> list[str]:
    """Return the levels in their own order, those that are not known last."""
    known = [level.name for level in publication.levels]
    return [name for name in known if name in present] + [name for name in present if name not in known]


def _ends(publication: Publication, quantity: str, at: list[int], side: int) -> list[float]:
    """Return what anybody may assume of each zone: whole and hidden is 1 at least, for zero is printed."""
    figures = publication.figures
    if side:
        return [float(figures.ceiling[quantity][f]) for f in at]
    floor, value = figures.floor[quantity], figures.value[quantity]
    whole = figures.whole_numbers(quantity)
    return [max(float(floor[f]), 1.0 if whole and value[f] >= 1 else 0.0) for f in at]
