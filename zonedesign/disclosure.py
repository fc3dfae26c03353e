"""Disclosure: hides the figures of a published plan that could point to a person, and the figures that give them back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from zonedesign.errors import ScenarioError, counted
from zonedesign.levels import within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zonedesign.levels import Band, Level

    Floats = NDArray[np.float64]

HOURS_A_CUSTOMER = 12.0
"""Weekly hours that stand for one customer where customers are not counted (West Sussex 2019: 23,572 / 1,907 = 12.4)."""

LEAST_HIDDEN = 3
"""Hidden zones behind any sum that a page gives away: with two, whoever knows one of them could work out the other."""

FIGURES = ("customers", "weekly_hours")


@dataclass(frozen=True, eq=False)
class Published:
    """What may be printed of a plan: NaN is hidden.

    `zones` is the zones' frame with `hidden` (empty, `small` or `partner`); `levels` has a row per level, in the order of
    `levels` (or of the zones), with `zones`, `customers`, `weekly_hours` and `hidden`; `total` the same overall.
    `floor` and `ceiling` are what anybody may assume of a zone's figures, from the levels' bands. `report` says in
    plain words what was hidden and why, without any figure.
    """

    zones: pd.DataFrame
    levels: pd.DataFrame
    total: pd.Series[float]
    below: int
    floor: pd.DataFrame = field(repr=False)
    ceiling: pd.DataFrame = field(repr=False)
    report: tuple[str, ...] = ()

    @property
    def figures(self) -> tuple[str, ...]:
        """The columns that are published or hidden: customers where they are known, and hours."""
        return _figures(self.zones)


def suppress(zones: pd.DataFrame, below: int = 5, *, levels: Sequence[Level] = ()) -> Published:
    """Return the figures of `plan.zones` that may be printed together, with totals by level and overall.

    Small: 1 or more customers but fewer than `below` (zero is printed: there is nobody to find); where customers
    are not counted, hours above zero but below `below` x 12. A hidden zone's customers, hours and mean minutes
    (of one customer, the way to that customer's door) go together; its worst minutes depend on no customer and stay.
    Partners are hidden, least customers first, and after them totals, until `attack` leaves every hidden figure an interval as
    wide as `protection` and no sum has fewer than three hidden zones behind it (complementary cell
    suppression, audited by linear programming: Fischetti and Salazar 2000, doi:10.1057/palgrave.jors.2600887).
    """
    if below < 0:
        raise ScenarioError(f"suppress_below is {below}; it is a number of customers that is not negative")
    small = _small(zones, below)
    state = _State(zones, small, levels, below)
    while not state.safe():
        state.hide_one_more()
    return state.published()


def attack(published: Published, figure: str) -> pd.DataFrame:
    """Return `low` and `high`, the tightest interval that a reader can work out for every hidden zone's `figure`.

    The reader adds up all that is printed and knows the levels' bands: two linear programs a hidden zone.
    """
    zones = published.zones
    names = list(zones.index[zones["hidden"] != ""])
    low, high = (side.loc[names, figure].to_numpy() for side in (published.floor, published.ceiling))
    sums, parts = [], []
    level = zones["level"].to_numpy()
    groups = [(value, level == name) for name, value in published.levels[figure].items()]
    for value, members in [*groups, (published.total[figure], np.ones(len(zones), dtype=bool))]:
        if np.isfinite(value):
            shown = members & (zones["hidden"] == "").to_numpy()
            sums.append(value - zones.loc[shown, figure].sum())
            parts.append(members[zones["hidden"].to_numpy() != ""].astype(float))
    bounds = [(a, None if np.isinf(b) else b) for a, b in zip(low, high, strict=True)]
    equations = {"A_eq": np.array(parts), "b_eq": np.array(sums)} if sums else {}
    ends = np.empty((len(names), 2))
    for i in range(len(names)):
        for side, sign in enumerate((1.0, -1.0)):
            goal = np.zeros(len(names))
            goal[i] = sign
            answer = linprog(goal, bounds=bounds, method="highs", **equations)
            # Unbounded: nothing limits the figure on that side.
            ends[i, side] = sign * answer.fun if answer.status == 0 else (-sign * -np.inf if side else 0.0)
    return pd.DataFrame(ends, index=pd.Index(names), columns=["low", "high"])


def protection(published: Published, figure: str) -> pd.Series[float]:
    """Return how wide `attack`'s interval must be for every hidden zone: as wide as all that `below` hides.

    That is `below` - 1 customers, or 12 weekly hours for each of these, unless the level's band alone says more.
    """
    hidden = published.zones.index[published.zones["hidden"] != ""]
    width = max(0, published.below - 1) * (HOURS_A_CUSTOMER if figure == "weekly_hours" else 1.0)
    known = published.ceiling.loc[hidden, figure] - published.floor.loc[hidden, figure]
    return known.clip(upper=width)


class _State:
    """Which figures are hidden so far; hiding one more never shows another."""

    def __init__(self, zones: pd.DataFrame, small: pd.Series[bool], levels: Sequence[Level], below: int) -> None:
        self.zones, self.below = zones, below
        self.hidden = pd.Series(np.where(small, "small", ""), index=zones.index, dtype=object)
        known = {level.name: level for level in levels}
        present = list(dict.fromkeys(zones["level"]))
        self.order = [name for name in known if name in present] + [name for name in present if name not in known]
        self.level_hidden = dict.fromkeys(self.order, False)
        self.total_hidden = False
        bands = [
            pd.DataFrame({f: _known(zones, f, known, side) for f in _figures(zones)}, index=zones.index) for side in (0, 1)
        ]
        self.floor, self.ceiling = bands

    def published(self) -> Published:
        figures = list(_figures(self.zones))
        zones = self.zones.assign(hidden=self.hidden)
        levels = zones.groupby("level", sort=False)[figures].sum().reindex(self.order).astype(float)
        levels.insert(0, "zones", zones.groupby("level").size().reindex(self.order))
        levels["hidden"] = pd.Series(self.level_hidden)
        total = zones[figures].sum().astype(float)
        zones[figures] = zones[figures].astype(float)
        zones.loc[self.hidden != "", [*figures, "mean_minutes"]] = np.nan
        levels.loc[levels["hidden"], figures] = np.nan
        if self.total_hidden:
            total[:] = np.nan
        return Published(zones, levels, total, self.below, self.floor, self.ceiling, self._report())

    def safe(self) -> bool:
        """Return whether nothing hidden can be narrowed down too far."""
        if (self.hidden == "").all():
            return True
        page = self.published()
        behind = [int((self.hidden[self.zones["level"].isin(group)] != "").sum()) for group in self._sums()]
        if any(0 < number < LEAST_HIDDEN for number in behind):
            return False
        for figure in page.figures:
            found = attack(page, figure)
            if (found["high"] - found["low"] < protection(page, figure) - 1e-6).any():
                return False
        return True

    def hide_one_more(self) -> None:
        """Hide a partner in a level that gives its hidden zones away, else a total, else a partner elsewhere."""
        for group in self._sums():
            inside = self.zones["level"].isin(group)
            if not (self.hidden[inside] != "").any() or self._holds(group):
                continue
            if self._hide_partner(inside):
                return
            if len(group) == 1 and not self.level_hidden[group[0]]:
                self.level_hidden[group[0]] = True
                return
            shown = [name for name in self.order if not self.level_hidden[name]]
            if shown:
                self.level_hidden[min(shown, key=lambda name: self._size(name))] = True
                return
            self.total_hidden = True
            return

    def _size(self, level: str) -> float:
        return float(self.zones.loc[self.zones["level"] == level, _figures(self.zones)[0]].sum())

    def _sums(self) -> list[list[str]]:
        """Return the groups of levels whose sum is printed, or follows from what is printed."""
        groups = [[name] for name in self.order if not self.level_hidden[name]]
        rest = [name for name in self.order if self.level_hidden[name]]
        return groups if self.total_hidden or not rest else [*groups, rest]

    def _holds(self, group: list[str]) -> bool:
        """Return whether the hidden zones of one sum are safe on their own."""
        keep = self.zones["level"].isin(group)
        part = _State(self.zones[keep], self.hidden[keep] == "small", (), self.below)
        part.hidden = self.hidden[keep]
        part.floor, part.ceiling = self.floor[keep], self.ceiling[keep]
        if len(group) > 1:
            part.level_hidden = dict.fromkeys(part.order, True)
        return part.safe()

    def _hide_partner(self, inside: pd.Series[bool]) -> bool:
        figures = list(_figures(self.zones))
        shown = self.zones[inside & (self.hidden == "")]
        shown = shown[shown[figures[0]].astype(float) > 0]
        if shown.empty:
            return False
        self.hidden[shown.sort_values(figures, kind="stable").index[0]] = "partner"
        return True

    def _report(self) -> tuple[str, ...]:
        small, partners = int((self.hidden == "small").sum()), int((self.hidden == "partner").sum())
        if not small:
            return ()
        counted_by = "customers" if "customers" in _figures(self.zones) else f"times {HOURS_A_CUSTOMER:g} weekly hours"
        said = [f"{counted(small, 'zone')}: fewer than {self.below} {counted_by}, so customers, hours and mean minutes are hidden."]
        if partners:
            said.append(f"{counted(partners, 'zone')} more: hidden so that totals do not give the others away.")
        gone = [name for name in self.order if self.level_hidden[name]]
        if gone:
            said.append(f"Totals of {', '.join(gone)}: hidden for the same reason.")
        if self.total_hidden:
            said.append("The overall total: hidden for the same reason.")
        return tuple(said)


def _figures(zones: pd.DataFrame) -> tuple[str, ...]:
    return FIGURES if zones["customers"].notna().all() else FIGURES[1:]


def _small(zones: pd.DataFrame, below: int) -> pd.Series[bool]:
    hours = zones["weekly_hours"].astype(float)
    if "customers" not in _figures(zones):
        return (hours > 0) & (hours < below * HOURS_A_CUSTOMER)
    customers = zones["customers"].astype(float)
    # Hours without a customer are a customer who was not counted.
    return ((customers > 0) & (customers < below)) | ((customers == 0) & (hours > 0) & (below > 0))


def _known(zones: pd.DataFrame, figure: str, levels: dict[str, Level], side: int) -> list[float]:
    """Return the end of what anybody may assume of each zone: at least 1 customer, and the level's band where it holds."""
    values = zones[figure].astype(float)
    # Zero is printed, so a hidden whole number is 1 at least.
    whole = figure == "customers" and bool((values == values.round()).all())
    ends = []
    for value, name in zip(values, zones["level"], strict=True):
        band: Band | None = getattr(levels.get(name), figure, None)
        end = band[side] if band is not None and within(value, band) else None
        if side:
            ends.append(np.inf if end is None else float(end))
        else:
            least = 1.0 if whole and value >= 1 else 0.0
            ends.append(max(least, float(end or 0.0)))
    return ends
