"""Bids: a table of who offers what for which lot, read, checked and scored by the stated method."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from zonedesign import tables
from zonedesign.errors import DataError, counted, listed, nearest_name, require_columns
from zonedesign.lots.terms import SCORES, AwardRules

if TYPE_CHECKING:
    from collections.abc import Mapping

COLUMNS = (
    "provider",
    "lot",
    "price",
    "quality",
    "score",
    "capacity",
    "combination",
    "role",
    "cap",
    "members",
)


@dataclass(frozen=True)
class Bid:
    """An offer for one lot, or for all lots of a combination together; `rows` are its rows in the table.

    `why_not` says why it cannot win, empty where it can.
    """

    name: str
    provider: str
    combination: str
    role: str
    lots: tuple[str, ...]
    rows: tuple[int, ...]
    why_not: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Bids:
    """Bids as read: `table` has a row for every bid and lot, with its `score`; `bids` are the offers.

    `capacity` (hours a week) and `cap` (most lots) are what providers say of themselves, `members` who stands
    behind a provider that is a consortium.
    """

    table: pd.DataFrame
    bids: tuple[Bid, ...]
    capacity: Mapping[str, float]
    cap: Mapping[str, int]
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def names(self, provider: str) -> dict[str, float]:
        """Return whom a provider's places count for, and the part of their hours: itself, and its members."""
        members = self.members.get(provider, ())
        return {provider: 1.0} | {name: 1.0 / len(members) for name in members if name != provider}

    @cached_property
    def _values(self) -> dict[str, dict[int, float]]:
        rows = self.table.index.tolist()
        names = ("price", "quality", "score")
        return {name: dict(zip(rows, self.table[name].tolist(), strict=True)) for name in names}

    def value(self, row: int, name: str) -> float:
        """Return the price, quality or score of a row, NaN where not known."""
        return float(self._values[name][row])

    def __repr__(self) -> str:
        providers = self.table["provider"].nunique()
        return f"<Bids: {counted(len(self.bids), 'bid')} of {counted(providers, 'provider')}>"


def bids_of(bids: Any, roles: Mapping[str, Mapping[str, int]], rules: AwardRules) -> Bids:
    """Return bids read from a file or frame and scored; `roles` says how many of each role a lot has.

    Raises `DataError` for columns that are absent, and naming the rows whose figures cannot be, whose lot is
    not there, or which are there twice.
    """
    source = "the bids" if isinstance(bids, pd.DataFrame) else Path(bids).name
    raw = bids if isinstance(bids, pd.DataFrame) else tables.read_table(bids)
    table = raw.rename(columns=lambda name: str(name).strip().lower()).reset_index(drop=True)
    needed = ["provider", "lot", *(["score"] if rules.method == SCORES else ["price", "quality"])]
    require_columns(table.columns, needed, source)
    if table.empty:
        raise DataError(f"{source} has no bids; it needs a row for each bid and lot")
    table = table[[name for name in COLUMNS if name in table.columns]].copy()
    table.index = pd.RangeIndex(2, len(table) + 2)  # as a spreadsheet numbers its rows
    for name in ("provider", "lot", "combination", "role", "members"):
        table[name] = _texts(table[name]) if name in table.columns else ""
    for name in ("provider", "lot"):
        _refuse(table.index[table[name] == ""], f"without {name}", source)
    strange = table[~table["lot"].isin(list(roles))]
    if len(strange):
        lot = strange["lot"].iloc[0]
        raise DataError(
            f"{source}: {counted(len(strange), 'row')} for a lot that is not there: "
            f"{listed(strange['lot'].unique())}{nearest_name(lot, roles)}"
        )
    _figures(table, source, rules)
    members = _members(table, source)
    _refuse_names(table, members, source)
    twice = table.duplicated(["provider", "lot", "combination", "role"])
    _refuse(table.index[twice], "of a bid of the same provider, lot, combination and role again", source)
    found = [_bid(key, part, roles, rules, source) for key, part in _grouped(table)]
    scored = _scored(table, found, rules)
    own = {name: int(cap) for name, cap in _of_provider(table, "cap", source).items()}
    return Bids(scored, tuple(found), _of_provider(table, "capacity", source), own, members)


def _texts(column: pd.Series[Any]) -> pd.Series[Any]:
    known = column.astype(object).where(column.notna(), "")
    return known.map(lambda value: str(tables.as_text(value)).strip())


def _members(table: pd.DataFrame, source: str) -> dict[str, tuple[str, ...]]:
    """Return the members of every consortium; `DataError` for one of a single member, or of two kinds."""
    found: dict[str, tuple[str, ...]] = {}
    for provider, texts in table[table["members"] != ""].groupby("provider", sort=False)["members"]:
        sets = [tuple(dict.fromkeys(each.strip() for each in t.split(";") if each.strip())) for t in texts]
        if len({frozenset(each) for each in sets}) > 1:
            raise DataError(
                f"{source}: {provider} names its members in several ways; name the same in all rows"
            )
        if len(sets[0]) < 2:
            raise DataError(
                f"{source}: {provider} names {counted(len(sets[0]), 'member')}; a consortium has two or "
                "more, with semicolons between"
            )
        found[str(provider)] = sets[0]
    return found


def _refuse_names(table: pd.DataFrame, members: Mapping[str, tuple[str, ...]], source: str) -> None:
    """Refuse a provider written in two ways, whom caps would count as two, and a combination of roles."""
    written = [*table["provider"], *(name for names in members.values() for name in names)]
    names = pd.Series(written, dtype=object)
    ways = names.groupby(names.map(lambda name: " ".join(name.casefold().split()))).unique()
    several = [each for each in ways if len(each) > 1]
    if several:
        raise DataError(
            f"{source}: {counted(len(several), 'provider')} written in several ways: {listed(several[0])}; "
            "caps count by name, so write each in one way"
        )
    joined = table[table["combination"] != ""].groupby(["provider", "combination"])["role"].unique()
    for whose, roles in joined.items():
        if len(roles) > 1:
            provider, name = whose if isinstance(whose, tuple) else (whose, "")
            raise DataError(
                f"{source}: combination {name} of {provider} has the roles "
                f"{listed(role or 'any' for role in roles)}; its lots are won in one role: state one for all"
            )


def _refuse(rows: pd.Index[Any], what: str, source: str) -> None:
    if len(rows):
        raise DataError(f"{source}: {counted(len(rows), 'row')} {what}: {listed(rows)}; correct these rows")


def _figures(table: pd.DataFrame, source: str, rules: AwardRules) -> None:
    """Make figures numbers, in place on our own copy; `DataError` for those that cannot be."""
    needed = {"score"} if rules.method == SCORES else {"price", "quality"}
    limits = {
        "price": (0, np.inf),
        "quality": (0, 100),
        "score": (0, 100),
        "capacity": (0, np.inf),
        "cap": (1, np.inf),
    }
    for name, (least, most) in limits.items():
        if name not in table.columns:
            table[name] = np.nan
            continue
        table[name] = tables.as_numbers(table[name], name, source)
        if name in needed:
            _refuse(table.index[table[name].isna()], f"without {name}", source)
        values = table[name].dropna()
        whole = values % 1 != 0 if name == "cap" else values != values  # noqa: PLR0124
        wrong = values.index[(values < least) | (values > most) | ((values <= 0) & (name == "price")) | whole]
        said = {"price": "above 0", "cap": "a whole number, 1 or more"}.get(name, f"{least} or more")
        if np.isfinite(most):
            said = f"from {least} to {most:g}"
        _refuse(wrong, f"whose {name} is not {said}", source)


def _grouped(table: pd.DataFrame) -> list[tuple[tuple[str, str, str, str], pd.DataFrame]]:
    """Return rows by bid: a combination is one of its provider, any other row stands alone."""
    texts = [table[name].tolist() for name in ("provider", "lot", "combination", "role")]
    key = [(p, "" if c else lot, c, role) for p, lot, c, role in zip(*texts, strict=True)]
    found: dict[tuple[str, str, str, str], list[Any]] = {}
    for each, at in zip(key, table.index, strict=True):
        found.setdefault(each, []).append(at)
    return [(each, table.loc[at]) for each, at in found.items()]


def _bid(
    key: tuple[str, str, str, str], part: pd.DataFrame, roles: Mapping[str, Mapping[str, int]],
    rules: AwardRules, source: str,
) -> Bid:  # fmt: skip
    provider, lot, combination, role = key
    lots = tuple(part["lot"])
    why = ""
    without = [each for each in lots if not (roles[each].get(role, 0) if role else roles[each])]
    if role and without == list(lots) and not any(role in each for each in roles.values()):
        known = dict.fromkeys(name for each in roles.values() for name in each)
        raise DataError(
            f"{source}: {provider} bids for the role "
            f"'{role}'{nearest_name(role, known) or f'; there are {listed(known)}'}"
        )
    if without:
        why = f"lot {listed(without)} has no {role or 'provider but the reserve'}"
    low = part["quality"].dropna()
    if not why and len(low) and low.min() < rules.quality_least - 1e-9:
        why = f"quality {low.min():g} is under the least of {rules.quality_least:g}"
    name = f"{provider}: {combination or lot}" + (f" as {role}" if role else "")
    return Bid(name, provider, combination, role, lots, tuple(part.index), why)


def _scored(table: pd.DataFrame, found: list[Bid], rules: AwardRules) -> pd.DataFrame:
    """Return the table with each row's score, rounded as published; those that cannot win have none."""
    able = [row for bid in found if not bid.why_not for row in bid.rows]
    scored = table.copy()
    given = table["score"].round(rules.decimals) if rules.method == SCORES else None
    if given is None:
        lowest = table.loc[able].groupby("lot")["price"].min()
        least = table["lot"].map(lowest).astype(np.float64)
        points = rules.price * 100.0 * least / table["price"] + rules.quality * table["quality"]
        given = points.round(rules.decimals)
    scored["score"] = given.where(table.index.isin(able))
    return scored


def _of_provider(table: pd.DataFrame, name: str, source: str) -> dict[str, float]:
    """Return what providers say of themselves; `DataError` where one says two things."""
    found: dict[str, float] = {}
    for provider, values in table.groupby("provider", sort=False)[name]:
        known = values.dropna().unique()
        if len(known) > 1:
            stated = listed(f"{value:g}" for value in known)
            raise DataError(f"{source}: {provider} states {name} {stated}; state one for all its bids")
        if len(known):
            found[str(provider)] = float(known[0])
    return found
