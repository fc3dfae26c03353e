"""Rates: what an hour is paid, what adds to it, and the floor under it, as values and plain arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zonedesign.errors import ScenarioError, require_number

ByLevel = float | Mapping[str, float]
"""One figure, or one for each level that is named; for the others it is 0."""

PAY, CONTACT_HOUR, COST = "pay", "contact hour", "cost"
"""What a line of the floor counts on: a share of pay, pounds a contact hour, a share of all lines above."""
BASES = (PAY, CONTACT_HOUR, COST)


def settled(value: Any) -> Any:
    """Return a table of our own, or the figure that it is."""
    return dict(value) if isinstance(value, Mapping) else value


def shares_settled(what: str, value: ByLevel) -> ByLevel:
    """Return shares from 0 to 1, by level where they are; `ScenarioError` for what is none."""
    each = value.items() if isinstance(value, Mapping) else [("", value)]
    for level, share in each:
        said = f"{what} of level {level}" if level else what
        require_number(said, share, "a share from 0 to 1", lambda v: 0 <= v <= 1)
    found: ByLevel = settled(value)
    return found


def at_level(value: ByLevel, level: str) -> float:
    """Return what a figure is at a level."""
    return float(value.get(level, 0.0)) if isinstance(value, Mapping) else float(value)


@dataclass(frozen=True)
class Enhancement:
    """What some hours are paid more: `adds` is a share of the rate, for a share of the hours.

    That share is stated (`hours`, by level where it differs), or it is of the hours in units whose `column`
    is one of `values`.
    """

    adds: float
    hours: ByLevel | None = None
    column: str | None = None
    values: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        require_number("lots: what an enhancement adds", self.adds, "a share, 0 or more", lambda v: v >= 0)
        if (self.hours is None) == (self.column is None):
            raise ScenarioError(
                "lots: an enhancement needs either hours, the share of hours that it is paid for, or a "
                "column "
                "of the units with values"
            )
        object.__setattr__(self, "values", tuple(self.values))
        if self.column is not None and not self.values:
            raise ScenarioError(f"lots: the enhancement by column '{self.column}' needs one value at least")
        if self.hours is not None:
            object.__setattr__(self, "hours", shares_settled("lots: hours of an enhancement", self.hours))


@dataclass(frozen=True)
class Rate:
    """Pounds for an hour of care, by level or lot where stated, with what adds to it.

    `vat` is the share that VAT would add, printed beside the value without; `rises` how much rates rise a
    year. Without `hourly`, and with nothing stated for a lot, its value is not known.
    """

    hourly: float | None = None
    by_level: Mapping[str, float] = field(default_factory=dict, hash=False)
    by_lot: Mapping[str, float] = field(default_factory=dict, hash=False)
    rural: Enhancement | None = None
    complex: Enhancement | None = None
    unsocial: Enhancement | None = None
    vat: float = 0.2
    rises: float = 0.0

    def __post_init__(self) -> None:
        every = {"hourly": self.hourly, **self.by_level, **self.by_lot}
        for what, pounds in every.items():
            if pounds is not None:
                require_number(f"lots: rate ({what})", pounds, "pounds above 0", lambda v: v > 0)
        require_number("lots: vat", self.vat, "a share from 0 to 1", lambda v: 0 <= v <= 1)
        require_number("lots: rises", self.rises, "a share a year, such as 0.03", lambda v: -1 < v <= 1)
        for what in ("by_level", "by_lot"):
            object.__setattr__(self, what, settled(getattr(self, what)))

    @property
    def enhancements(self) -> dict[str, Enhancement]:
        """Those that are stated, by name."""
        every = {"rural": self.rural, "complex": self.complex, "unsocial": self.unsocial}
        return {name: each for name, each in every.items() if each is not None}

    def of(self, lot: str, level: str) -> float | None:
        """Return pounds for an hour before enhancements, None where not known."""
        return self.by_lot.get(lot, self.by_level.get(level, self.hourly))


@dataclass(frozen=True)
class FloorLine:
    """A line of the rate's floor: `amount` is a share of pay or of cost, or pounds, as its basis says.

    `source` says where the figure is from, and "assumption" where it is from nowhere.
    """

    item: str
    basis: str
    amount: float
    source: str

    def __post_init__(self) -> None:
        for what in ("item", "source"):
            if not str(getattr(self, what)).strip():
                raise ScenarioError(
                    f"lots: a line of the floor has no {what}; write 'assumption' for a guess"
                )
        if self.basis not in BASES:
            raise ScenarioError(
                f"lots: the basis of '{self.item}' is '{self.basis}'; it is '{PAY}', '{CONTACT_HOUR}' or "
                f"'{COST}'"
            )
        require_number(f"lots: the amount of '{self.item}'", self.amount, "0 or more", lambda v: v >= 0)


@dataclass(frozen=True)
class Floor:
    """What an hour of care costs at the least: contact and travel time at the minimum wage, and more lines.

    `travel_share` is the paid hours of travel for each hour of contact, by level where it differs. `margin`
    is a simpler floor beside it: the minimum wage and so much more.
    """

    minimum_wage: float
    source: str = "assumption"
    travel_share: ByLevel = 0.0
    margin: float | None = None
    lines: tuple[FloorLine, ...] = ()

    def __post_init__(self) -> None:
        require_number("lots: minimum_wage", self.minimum_wage, "pounds above 0", lambda v: v > 0)
        if not self.source.strip():
            raise ScenarioError("lots: the minimum wage has no source; write 'assumption' for a guess")
        each = self.travel_share.values() if isinstance(self.travel_share, Mapping) else [self.travel_share]
        for share in each:
            require_number("lots: travel_share", share, "hours for an hour, 0 or more", lambda v: v >= 0)
        object.__setattr__(self, "travel_share", settled(self.travel_share))
        if self.margin is not None:
            require_number("lots: floor margin", self.margin, "a share, such as 0.2", lambda v: v >= 0)
        object.__setattr__(self, "lines", tuple(self.lines))

    @property
    def of_wage(self) -> float | None:
        """The minimum wage and the margin, None without one."""
        return None if self.margin is None else self.minimum_wage * (1 + self.margin)

    def rows(self, level: str) -> list[dict[str, Any]]:
        """Return the lines at a level, each with its pounds for an hour of contact, the floor in all."""
        share = at_level(self.travel_share, level)
        wage = self.minimum_wage
        travel = f"{self.source}; {share:g} h of travel for an hour of contact"
        rows = [
            _row("Pay for contact time", "hour paid", wage, self.source, wage),
            _row("Pay for travel time", "hour paid", wage, travel, wage * share),
        ]
        pay = wage * (1 + share)
        for line in self.lines:
            base = {PAY: pay, CONTACT_HOUR: 1.0, COST: sum(row["pounds"] for row in rows)}[line.basis]
            rows.append(_row(line.item, line.basis, line.amount, line.source, line.amount * base))
        return rows

    def pounds(self, level: str) -> float:
        """Return the floor at a level, pounds for an hour of contact."""
        return float(sum(row["pounds"] for row in self.rows(level)))


def _row(item: str, basis: str, amount: float, source: str, pounds: float) -> dict[str, Any]:
    return {"item": item, "basis": basis, "amount": amount, "pounds": pounds, "source": source}


@dataclass(frozen=True)
class Results:
    """Payment by results: the `share` of the rate that is paid by them, and for what (parts of 1)."""

    share: float
    parts: Mapping[str, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        require_number("lots: results share", self.share, "a share from 0 to 1", lambda v: 0 <= v <= 1)
        for what, part in self.parts.items():
            require_number(f"lots: results part {what}", part, "a share from 0 to 1", lambda v: 0 <= v <= 1)
        if self.parts and abs(sum(self.parts.values()) - 1) > 1e-9:
            raise ScenarioError(f"lots: parts of results add up to {sum(self.parts.values()):g}; they make 1")
        object.__setattr__(self, "parts", settled(self.parts))


def years_value(first: float, years: float, rises: float, grows: float = 0.0, begin: float = 0.0) -> float:
    """Return what `years` from `begin` on cost, where the first year costs `first` and each later one more.

    Rates rise once a year, at its beginning, and hours grow by the same steps; part of a year counts as such.
    """
    step, total, at = (1 + rises) * (1 + grows), 0.0, begin
    while at < begin + years - 1e-9:
        end = min(float(int(at + 1e-9)) + 1.0, begin + years)
        total += (end - at) * first * step ** int(at + 1e-9)
        at = end
    return total
