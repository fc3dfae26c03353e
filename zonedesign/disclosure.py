"""Disclosure: hides figures that could point to a person, and the figures that would give them back."""

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
"""Weekly hours that stand for one customer where none are counted (West Sussex 2019: 23,572 / 1,907)."""

LEAST_HIDDEN = 3
"""Hidden zones behind any sum that is printed: with two, whoever knows one could work out the other."""

FIGURES = ("customers", "weekly_hours")


@dataclass(frozen=True, eq=False)
class Published:
    """What may be printed of a plan: NaN is hidden.

    `zones` is the zones' frame with `hidden` (empty, `small` or `partner`: which of the two is not for
    printing). `levels` has a row per level with `zones`, `customers`, `weekly_hours` and `hidden`; `total`
    the same overall. `floor` and `ceiling` are what anybody may assume of a zone's figures, from the levels'
    bands. `report` says in plain words what was hidden and why, and is fit to print.
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
        return tuple(figure for figure in FIGURES if figure in self.levels.columns)


def suppress(zones: pd.DataFrame, below: int = 5, *, levels: Sequence[Level] = ()) -> Published:
    """Return the figures of `plan.zones` that may be printed together, with totals by level and overall.

    Small: 1 or more customers but fewer than `below` (zero is printed: there is nobody to find); where
    customers are not counted, hours above zero but below `below` x 12. A hidden zone's customers, hours and
    mean minutes (of one customer, the way to that door) go together; worst minutes depend on no customer.
    Partners are hidden, least customers first, and after them totals, until `attack` leaves every hidden
    figure an interval as wide as `protection`, and no printed sum has fewer than three hidden zones behind it
    (complementary cell suppression, audited by linear programming: Fischetti and Salazar-Gonzalez, Journal of
    the American Statistical Association 95, 2000). Raises `ScenarioError` for a negative `below`.
    """
    if below < 0:
        raise ScenarioError(f"suppress_below is {below}; it is a number of customers that is not negative")
    small = _small(zones, below)
    state = _State(zones, small, levels, below)
    while group := state.unsafe_sum():
        state.hide_one_more(group)
    return state.published()


def attack(published: Published, figure: str) -> pd.DataFrame:
    """Return `low` and `high` of what a reader can work out for the `figure` of every hidden zone.

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
            ends[i, side] = sign * answer.fun if answer.status == 0 else (np.inf if side else 0.0)
    return pd.DataFrame(ends, index=pd.Index(names), columns=["low", "high"])


def protection(published: Published, figure: str) -> pd.Series[float]:
    """Return how wide `attack`'s interval must be for every hidden zone: as wide as all that `below` hides.

    That is `below` - 1 customers, or 12 weekly hours for each, unless the level's band alone says more.
    """
    hidden = published.zones.index[published.zones["hidden"] != ""]
    width = max(0, published.below - 1) * (HOURS_A_CUSTOMER if figure == "weekly_hours" else 1.0)
    known: pd.Series[float] = published.ceiling.loc[hidden, figure] - published.floor.loc[hidden, figure]
    return known.clip(upper=width)


class _State:
    """Which figures are hidden so far; hiding one more never shows another."""

    def __init__(
        self, zones: pd.DataFrame, small: pd.Series[bool], levels: Sequence[Level], below: int
    ) -> None:
        self.zones, self.below = zones, below
        self.hidden = pd.Series(np.where(small, "small", ""), index=zones.index, dtype=object)
        known = {level.name: level for level in levels}
        present = list(dict.fromkeys(zones["level"]))
        self.order = [name for name in known if name in present] + [
            name for name in present if name not in known
        ]
        self.level_hidden = dict.fromkeys(self.order, False)
        self.total_hidden = False
        bands = [
            pd.DataFrame({f: _known(zones, f, known, side) for f in _figures(zones)}, index=zones.index)
            for side in (0, 1)
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

    def unsafe_sum(self) -> list[str] | None:
        """Return the first group of levels whose sum is printed and gives its hidden zones away, or None."""
        return next((group for group in self._sums() if not self._holds(group)), None)

    def hide_one_more(self, group: list[str]) -> None:
        """Hide a partner in the group, else its total, else another level's total, else the overall total."""
        if self._hide_partner(self.zones["level"].isin(group)):
            return
        shown = [name for name in self.order if not self.level_hidden[name]]
        if len(group) == 1 and not self.level_hidden[group[0]]:
            self.level_hidden[group[0]] = True
        elif shown:
            self.level_hidden[min(shown, key=self._size)] = True
        else:
            self.total_hidden = True

    def _size(self, level: str) -> float:
        return float(self.zones.loc[self.zones["level"] == level, _figures(self.zones)[0]].sum())

    def _sums(self) -> list[list[str]]:
        """Return the groups of levels whose sum is printed, or follows from what is printed."""
        groups = [[name] for name in self.order if not self.level_hidden[name]]
        rest = [name for name in self.order if self.level_hidden[name]]
        return groups if self.total_hidden or not rest else [*groups, rest]

    def _holds(self, group: list[str]) -> bool:
        """Return whether the zones hidden behind a printed sum are safe; no two sums share a zone."""
        keep = self.zones["level"].isin(group)
        behind = int((self.hidden[keep] != "").sum())
        if behind < LEAST_HIDDEN:
            return behind == 0
        part = _State(self.zones[keep], self.hidden[keep] == "small", (), self.below)
        part.hidden, part.floor, part.ceiling = self.hidden[keep], self.floor[keep], self.ceiling[keep]
        part.level_hidden = dict.fromkeys(part.order, len(group) > 1)
        page = part.published()
        found = [(attack(page, figure), protection(page, figure)) for figure in page.figures]
        return not any((ends["high"] - ends["low"] < need - 1e-6).any() for ends, need in found)

    def _hide_partner(self, inside: pd.Series[bool]) -> bool:
        figures = list(_figures(self.zones))
        shown = self.zones[inside & (self.hidden == "")]
        shown = shown[shown[figures[0]].astype(float) > 0]
        if shown.empty:
            return False
        self.hidden[shown.sort_values(figures, kind="stable").index[0]] = "partner"
        return True

    def _report(self) -> tuple[str, ...]:
        # How many are small and how many are partners is not said: with the threshold it would narrow both.
        number = int((self.hidden != "").sum())
        if not number:
            return ()
        what = (
            "customers" if "customers" in _figures(self.zones) else f"times {HOURS_A_CUSTOMER:g} weekly hours"
        )
        reason = f"there are fewer than {self.below} {what}, or because a total would give such a zone away"
        said = [f"{counted(number, 'zone')}: customers, hours and mean minutes are hidden, because {reason}."]
        gone = [name for name in self.order if self.level_hidden[name]]
        if gone:
            said.append(f"Totals of level {', '.join(gone)}: hidden for the same reason.")
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
    """Return the end of what anybody may assume of each zone: its level's band, where it holds."""
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
