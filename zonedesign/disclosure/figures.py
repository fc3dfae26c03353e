"""Figures: everything that several tables would print of the same customers, over the parts they share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from zonedesign.disclosure.policy import FIGURES, Policy, no_end
from zonedesign.errors import DataError, ScenarioError, counted, listed, nearest_name
from zonedesign.levels import within

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from zonedesign.levels import Band, Level

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

TOTAL = "All levels"


@dataclass(frozen=True, eq=False)
class Table:
    """One plan's table: `zone` by unit, and the `level` of every zone.

    A table that is to be published has `hidden` None. One that is out already has the names of what is
    hidden in it (zones; `Level 3` and `All levels` for totals): nothing can be hidden in it any more.
    `minutes` from the centre, by unit, are only needed where mean minutes are printed.
    """

    zone: pd.Series[Any]
    level: Mapping[str, str]
    hidden: frozenset[str] | None = None
    minutes: pd.Series[float] | None = None

    @classmethod
    def of(cls, plan: Any, hidden: frozenset[str] | None = None) -> Table:
        """Return the table of a plan."""
        zones = np.array(plan.zone_ids, dtype=object)[plan.zone]
        level = dict(zip(plan.zone_ids, plan.levels, strict=True))
        return cls(pd.Series(zones, index=plan.of_units.ids), level, hidden, plan.units["minutes"])


class Entry(NamedTuple):
    """One printed place of a figure: in which table or border, what it is, and its name."""

    table: str
    kind: str
    name: str
    level: str
    figure: int


@dataclass(frozen=True, eq=False)
class Figures:
    """All figures (f,) over the atoms (n,): the parts of the map that no table divides.

    `covers` (f, n) says which atoms a figure adds up; two places that cover the same are one figure. By
    quantity: `truth` (n,) of atoms, `value` (f,), `floor` and `ceiling` (f,) of what anybody knows of one
    from the levels' bands, `most` (n,) of what an atom can hold. `small` and `dominant` (f,) must be hidden,
    `free` (f,) can be, `gone` (f,) were hidden in a table that is out already. `atom_small`, `needs` (n,)
    and `figure_needs` (f,) say what atoms and dominated hours ask for.
    """

    covers: Flags
    entries: tuple[Entry, ...]
    quantities: tuple[str, ...]
    whole: bool
    truth: Mapping[str, Floats]
    value: Mapping[str, Floats]
    floor: Mapping[str, Floats]
    ceiling: Mapping[str, Floats]
    most: Mapping[str, Floats]
    small: Flags
    dominant: Flags
    free: Flags
    gone: Flags
    atom_small: Flags
    atom_of: NDArray[np.int64] = field(repr=False)
    units: pd.Index[Any] = field(repr=False)
    needs: Floats = field(repr=False)
    figure_needs: Floats = field(repr=False)
    modelled: bool = False

    @property
    def must(self) -> Flags:
        """Figures that disclose by themselves."""
        found: Flags = self.small | self.dominant
        return found

    @property
    def fixed(self) -> Flags:
        """Figures (f,) that are out in the open already."""
        found: Flags = ~self.free & ~self.gone
        return found

    def whole_numbers(self, quantity: str) -> bool:
        """Whether anybody knows that the quantity is whole in every atom."""
        return self.whole and quantity == "customers"


def lay_out(
    tables: Mapping[str, Table],
    demand: pd.DataFrame,
    policy: Policy,
    *,
    levels: Sequence[Level] = (),
    borders: Mapping[str, pd.Series[Any]] | None = None,
    packages: pd.Series[float] | None = None,
    residents: pd.Series[float] | None = None,
) -> Figures:
    """Return the figures of several tables over the atoms of their overlay; the arguments are `publish`'s."""
    borders = borders or {}
    _require(tables, demand, borders)
    labels = _labels(tables, borders, demand.index)
    atom_of: NDArray[np.int64] = np.asarray(
        labels.groupby(list(labels.columns), dropna=False, sort=False).ngroup(), dtype=np.int64
    )
    number = int(atom_of.max()) + 1 if len(atom_of) else 0
    first = np.unique(atom_of, return_index=True)[1]
    atoms = labels.iloc[first]
    quantities = (
        FIGURES if demand.get("customers") is not None and demand["customers"].notna().all() else FIGURES[1:]
    )
    truth: dict[str, Floats] = {
        q: np.bincount(atom_of, demand[q].to_numpy(np.float64), number).astype(np.float64) for q in quantities
    }
    covers, entries = _gathered(tables, borders, atoms)
    value: dict[str, Floats] = {q: (covers @ truth[q]).astype(np.float64) for q in quantities}
    whole = "customers" in truth and bool((demand["customers"] == demand["customers"].round()).all())
    most = {q: np.full(number, np.inf) for q in quantities}
    modelled = False
    if residents is not None:
        living: Floats = np.asarray(residents.reindex(demand.index).fillna(np.inf), dtype=np.float64)
        if "customers" in most:
            people = np.bincount(atom_of, weights=living, minlength=number)
            # A customer whom the census does not know is there all the same.
            most["customers"] = np.maximum(people, truth["customers"])
        modelled = _follows(demand["weekly_hours"].to_numpy(np.float64), living)
    floor, ceiling = _known(entries, value, {each.name: each for each in levels})
    empty = np.all([value[q] == 0 for q in quantities], axis=0)
    out, gone = _out_already(tables, entries, len(covers))
    parcels = _parcels(packages, demand.index, atom_of, number)
    rule = policy.dominance
    needs = np.zeros(number) if rule is None else np.array([rule.needs(each) for each in parcels])
    figure_needs = np.array([_joint_needs(policy, parcels, row) for row in covers])
    return Figures(
        covers, tuple(entries), quantities, whole, truth, value, floor, ceiling, most,
        small=_small(value, policy) & ~empty,
        dominant=figure_needs > value["weekly_hours"] + 1e-6,
        free=~empty & ~out, gone=gone & ~empty,
        atom_small=_small(truth, policy),
        atom_of=atom_of, units=demand.index,
        needs=np.where(needs > truth["weekly_hours"] + 1e-6, needs, 0.0), figure_needs=figure_needs,
        modelled=modelled,
    )  # fmt: skip


def _require(tables: Mapping[str, Table], demand: pd.DataFrame, borders: Mapping[str, Any]) -> None:
    """Raise where a table or border speaks of units without demand, or there is nothing to publish."""
    if not tables:
        raise ScenarioError("there is no table to publish; give one at least")
    if "weekly_hours" not in demand.columns or demand["weekly_hours"].isna().any():
        raise DataError("the demand has units without weekly_hours; give a number for each")
    said = {name: table.zone for name, table in tables.items()} | dict(borders)
    for name, series in said.items():
        strange = series.index[demand.index.get_indexer(series.index) < 0]
        if len(strange):
            raise DataError(
                f"table '{name}' has {counted(len(strange), 'unit')} without demand: {listed(strange)}"
                f"{nearest_name(strange[0], demand.index)}"
            )
    for name, table in tables.items():
        without = sorted({str(zone) for zone in table.zone.dropna()} - set(table.level))
        if without:
            raise DataError(
                f"table '{name}' gives no level to {counted(len(without), 'zone')}: {listed(without)}"
            )


def _labels(
    tables: Mapping[str, Table], borders: Mapping[str, pd.Series[Any]], units: pd.Index[Any]
) -> pd.DataFrame:
    """Return what each table and border calls every unit, one column each."""
    columns = {("table", name): table.zone.reindex(units) for name, table in tables.items()}
    columns |= {("border", name): codes.reindex(units) for name, codes in borders.items()}
    named = {key: column.map(str, na_action="ignore").astype(object) for key, column in columns.items()}
    frame = pd.DataFrame(named, index=units)
    frame.columns = pd.Index(range(len(named)))
    return frame


def _gathered(
    tables: Mapping[str, Table], borders: Mapping[str, Any], atoms: pd.DataFrame
) -> tuple[Flags, list[Entry]]:
    """Return the figures of every table and border, those that cover the same atoms once."""
    number: dict[bytes, int] = {}
    covers: list[Flags] = []
    entries: list[Entry] = []

    def add(table: str, kind: str, name: str, level: str, members: Flags) -> None:
        key = members.tobytes()
        if key not in number:
            number[key] = len(covers)
            covers.append(members)
        entries.append(Entry(table, kind, name, level, number[key]))

    for column, (name, table) in enumerate(tables.items()):
        zone = atoms[column].to_numpy(dtype=object)
        level = np.array([table.level.get(z, "") if isinstance(z, str) else "" for z in zone], dtype=object)
        for each in table.level:
            members = zone == each
            if members.any():
                add(name, "zone", each, table.level[each], members)
        for each in dict.fromkeys(table.level.values()):
            if (level == each).any():
                add(name, "level", level_key(each), each, level == each)
        add(name, "total", TOTAL, "", level != "")
    for column, name in enumerate(borders, len(tables)):
        code = atoms[column].to_numpy(dtype=object)
        for each in sorted({c for c in code if isinstance(c, str)}):
            add(name, "border", each, "", code == each)
    return np.array(covers, dtype=bool).reshape(len(covers), len(atoms)), entries


def level_key(level: str) -> str:
    """Return the name of a level's total."""
    return f"Level {level}"


def _known(
    entries: list[Entry], value: Mapping[str, Floats], levels: Mapping[str, Level]
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return the ends of what anybody may assume of each figure: its level's band, where it holds."""
    floor, ceiling = {}, {}
    for quantity, values in value.items():
        least, most = np.zeros(len(values)), np.full(len(values), np.inf)
        for entry in entries:
            level = levels.get(entry.level)
            band: Band | None = None if entry.kind != "zone" else getattr(level, quantity, None)
            if band is not None and within(float(values[entry.figure]), band):
                f = entry.figure
                least[f] = max(least[f], min(no_end(band[0], 0.0), values[f]))
                most[f] = min(most[f], max(no_end(band[1], np.inf), values[f]))
        floor[quantity], ceiling[quantity] = least, most
    return floor, ceiling


def _out_already(tables: Mapping[str, Table], entries: list[Entry], number: int) -> tuple[Flags, Flags]:
    """Return which figures stand in a table that is out, and which of these are hidden wherever they do."""
    out, shown, hidden = (np.zeros(number, dtype=bool) for _ in range(3))
    for entry in entries:
        table = tables.get(entry.table)
        if table is None or table.hidden is None or entry.kind == "border":
            continue
        out[entry.figure] = True
        (hidden if entry.name in table.hidden else shown)[entry.figure] = True
    return out, hidden & ~shown


def _small(value: Mapping[str, Floats], policy: Policy) -> Flags:
    """Return which figures are above zero and below the threshold, by hours where nobody is counted."""
    hours = value["weekly_hours"]
    found: Flags = (hours > 0) & (hours < policy.least("weekly_hours"))
    if "customers" in value:
        people = value["customers"]
        # Hours without a customer are a customer who was not counted.
        uncounted = (people == 0) & (hours > 0) & (policy.below > 0)
        found = ((people > 0) & (people < policy.below)) | uncounted
    return found


def _parcels(
    packages: pd.Series[float] | None, units: pd.Index[Any], atom_of: NDArray[np.int64], number: int
) -> list[Floats]:
    """Return the customers' hours of every atom, the largest first; none where they are not given."""
    if packages is None:
        return [np.zeros(0)] * number
    at = units.get_indexer(packages.index)
    strange = packages.index[at < 0]
    if len(strange):
        raise DataError(
            f"packages name {counted(len(strange), 'unit')} without demand: {listed(strange.unique())}"
        )
    frame = pd.DataFrame({"atom": atom_of[at], "hours": packages.to_numpy(np.float64)})
    groups: dict[int, Floats] = {
        int(str(atom)): -np.sort(-hours.to_numpy()) for atom, hours in frame.groupby("atom")["hours"]
    }
    return [groups.get(k, np.zeros(0)) for k in range(number)]


def _joint_needs(policy: Policy, parcels: list[Floats], members: Flags) -> float:
    """Return the hours that a figure must reach to hide its largest customers; zero where none are known."""
    if policy.dominance is None:
        return 0.0
    # More than the few largest of an atom can never be among the few largest of a figure.
    few = getattr(policy.dominance, "customers", 2)
    largest = np.concatenate([parcels[a][:few] for a in np.flatnonzero(members)] or [np.zeros(0)])
    return policy.dominance.needs(-np.sort(-largest))


def _follows(hours: Floats, living: Floats) -> bool:
    """Return whether hours are the same share of residents everywhere: modelled from a published figure."""
    known = np.isfinite(living) & (living > 0)
    if known.sum() < 3 or hours[known].sum() <= 0:
        return False
    share = hours[known] / living[known]
    return bool(np.ptp(share) <= 1e-6 * share.max())


def in_order(figures: Figures, table: str) -> Iterator[Entry]:
    """Yield the places of a table, in the order of its zones, levels and total."""
    return (entry for entry in figures.entries if entry.table == table)
