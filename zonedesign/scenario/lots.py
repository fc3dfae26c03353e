"""The table `[lots]`: how the lots of a plan are let; every key, its type, and what it must be in words."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from zonedesign.lots.rates import Enhancement, Floor, FloorLine, Rate, Results
from zonedesign.lots.terms import AwardRules, Step, Terms, Viability
from zonedesign.scenario.table import Above, Id, Share, Table, Text, Weight, Whole

SharesByLevel = Share | dict[str, Share]
Pair = Annotated[list[float], Field(min_length=2, max_length=2)]


class EnhancementTable(Table):
    """What some hours are paid more."""

    adds: Weight
    hours: SharesByLevel | None = None
    column: Text | None = None
    values: list[Id | float | bool] = []


class RateTable(Table):
    """`[lots.rate]`."""

    hourly: Above | None = None
    by_level: dict[str, Above] = {}
    by_lot: dict[str, Above] = {}
    rural: EnhancementTable | None = None
    complex: EnhancementTable | None = None
    unsocial: EnhancementTable | None = None
    vat: Share = 0.2
    rises: Annotated[float, Field(gt=-1, le=1)] = 0.0


class LineTable(Table):
    """A line of the rate's floor."""

    item: Text
    basis: Literal["pay", "contact hour", "cost"]
    amount: Weight
    source: Text


class FloorTable(Table):
    """`[lots.floor]`."""

    minimum_wage: Above
    source: Text = "assumption"
    travel_share: Weight | dict[str, Weight] = 0.0
    margin: Weight | None = None
    lines: list[LineTable] = []


class ResultsTable(Table):
    """`[lots.results]`."""

    share: Share
    parts: dict[str, Share] = {}


class ViabilityTable(Table):
    """`[lots.viability]`."""

    start_hours: Pair = [150.0, 175.0]
    established_hours: Pair = [750.0, 1000.0]
    start_customers: Weight = 10.0
    established_customers: Weight = 50.0
    worker_hours: Above = 30.0
    worker_time: Literal["contact", "paid"] = "contact"
    branch: dict[str, Weight] = {}


class StepTable(Table):
    """A step of the referral cascade."""

    role: Text
    accepts: SharesByLevel
    response_hours: Weight = 0.0


class AwardTable(Table):
    """`[lots.award]`."""

    method: Literal["weights", "scores"] = "weights"
    price: Share = 0.4
    quality: Share = 0.6
    decimals: Annotated[int, Field(ge=0, le=4)] = 2
    count_lots: Literal["hours", "alike"] = "hours"
    quality_least: Annotated[float, Field(ge=0, le=100)] = 0.0
    ties: list[Literal["quality", "price"]] = ["quality", "price"]


class LotsTable(Table):
    """`[lots]`."""

    term_years: Above = 1.0
    extension_years: Weight = 0.0
    ceiling: Above | None = None
    authority: Above | None = None
    extension_ceiling_a_year: Above | None = None
    cap: Whole | None = None
    cap_by_level: dict[str, Whole] = {}
    cap_hours_share: Annotated[float, Field(gt=0, le=1)] | None = None
    shares: dict[str, Share] = {}
    same_providers: bool = False
    expected_providers: Whole | None = None
    reserve_target: Share | None = None
    buyers: Annotated[list[Literal["council", "nhs", "self"]], Field(min_length=1)] = ["council"]
    guaranteed: SharesByLevel = 0.0
    spot: SharesByLevel = 0.0
    existing: Literal["stay", "some", "transfer"] = "stay"
    not_joining: list[Text] = []
    turnover: Annotated[float, Field(ge=0, lt=1)] = 0.5
    growth_a_year: Annotated[float, Field(gt=-1, le=10)] = 0.0
    months: Annotated[int, Field(ge=1, le=120)] = 36
    headroom: Weight = 0.2
    rate: RateTable = RateTable()
    floor: FloorTable | None = None
    results: ResultsTable | None = None
    viability: ViabilityTable = ViabilityTable()
    cascade: list[StepTable] = []
    award: AwardTable = AwardTable()


def terms_of(table: LotsTable) -> Terms:
    """Return the terms that a scenario states; `ScenarioError` for what contradicts itself."""
    plain: dict[str, Any] = {
        name: getattr(table, name)
        for name in LotsTable.model_fields
        if name not in ("rate", "floor", "results", "viability", "cascade", "award")
    }
    rate = {name: getattr(table.rate, name) for name in RateTable.model_fields}
    for name in ("rural", "complex", "unsocial"):
        rate[name] = None if rate[name] is None else Enhancement(**rate[name].model_dump())
    floor = None
    if table.floor is not None:
        stated = table.floor.model_dump(exclude={"lines"})
        floor = Floor(**stated, lines=tuple(FloorLine(**line.model_dump()) for line in table.floor.lines))
    return Terms(
        **plain,
        rate=Rate(**rate),
        floor=floor,
        results=None if table.results is None else Results(**table.results.model_dump()),
        viability=Viability(**table.viability.model_dump()),
        cascade=tuple(Step(**step.model_dump()) for step in table.cascade),
        award=AwardRules(**table.award.model_dump()),
    )


LOTS_TABLES: dict[str, type[Table]] = {
    "lots": LotsTable,
    "lots.rate": RateTable,
    "lots.rate.rural": EnhancementTable,
    "lots.rate.complex": EnhancementTable,
    "lots.rate.unsocial": EnhancementTable,
    "lots.floor": FloorTable,
    "lots.floor.lines": LineTable,
    "lots.results": ResultsTable,
    "lots.viability": ViabilityTable,
    "lots.cascade": StepTable,
    "lots.award": AwardTable,
}
"""Which tables of `[lots]` have fixed keys; roles, levels, lots and parts of results are the user's."""

_SHARE, _AMOUNT, _POUNDS = "a share from 0 to 1", "a number, 0 or more", "pounds, a number above 0"
_SHARES = "a share from 0 to 1, or a table { level = share }"
_BAND, _TABLE, _NAME = "[min, max], two numbers", "a table of keys", "text in quotes"
_ENHANCED = {
    "adds": "a share of the rate, such as 0.1",
    "hours": _SHARES,
    "column": "the name of a column, in quotes",
    "values": "a list of values of the column",
}

LOTS_MEANS = {
    "lots": _TABLE,
    "lots.term_years": "years, a number above 0",
    "lots.extension_years": "years, 0 or more",
    "lots.ceiling": _POUNDS,
    "lots.authority": _POUNDS,
    "lots.extension_ceiling_a_year": _POUNDS,
    "lots.cap": "a whole number of lots, 1 or more",
    "lots.cap_by_level": "a table { level = number of lots }",
    "lots.cap_hours_share": "a share above 0, 1 at most",
    "lots.shares": "a table { role = share } of 1 in all at most",
    "lots.same_providers": "true or false",
    "lots.expected_providers": "a whole number of providers, 1 or more",
    "lots.reserve_target": _SHARE,
    "lots.buyers": "a list of one or more of 'council', 'nhs' and 'self'",
    "lots.guaranteed": _SHARES,
    "lots.spot": _SHARES,
    "lots.existing": "'stay', 'some' or 'transfer'",
    "lots.not_joining": "a list of providers, each in quotes",
    "lots.turnover": "a share from 0 up to 1",
    "lots.growth_a_year": "a share above -1, such as 0.07",
    "lots.months": "a whole number from 1 to 120",
    "lots.headroom": "a share, 0 or more",
    "lots.rate": _TABLE,
    "lots.rate.hourly": _POUNDS,
    "lots.rate.by_level": "a table { level = pounds }",
    "lots.rate.by_lot": "a table { lot = pounds }",
    **{f"lots.rate.{name}": "a table { adds = 0.1, hours = 0.2 }, or with column and values"
       for name in ("rural", "complex", "unsocial")},
    **{f"lots.rate.{name}.{key}": what for name in ("rural", "complex", "unsocial")
       for key, what in _ENHANCED.items()},
    "lots.rate.vat": _SHARE,
    "lots.rate.rises": "a share a year, such as 0.03",
    "lots.floor": _TABLE,
    "lots.floor.minimum_wage": _POUNDS,
    "lots.floor.source": _NAME,
    "lots.floor.travel_share": "hours of travel for an hour of contact, or a table { level = hours }",
    "lots.floor.margin": "a share, such as 0.2",
    "lots.floor.lines": "one or more tables [[lots.floor.lines]]",
    "lots.floor.lines.item": _NAME,
    "lots.floor.lines.basis": "'pay', 'contact hour' or 'cost'",
    "lots.floor.lines.amount": _AMOUNT,
    "lots.floor.lines.source": "where the figure is from, or 'assumption'",
    "lots.results": _TABLE,
    "lots.results.share": _SHARE,
    "lots.results.parts": "a table { what = share } of 1 in all",
    "lots.viability": _TABLE,
    "lots.viability.start_hours": _BAND,
    "lots.viability.established_hours": _BAND,
    "lots.viability.start_customers": _AMOUNT,
    "lots.viability.established_customers": _AMOUNT,
    "lots.viability.worker_hours": "hours a week, a number above 0",
    "lots.viability.worker_time": "'contact' or 'paid'",
    "lots.viability.branch": "a table { private = 0.3, ... } of shares of the council's hours",
    "lots.cascade": "one or more tables [[lots.cascade]]",
    "lots.cascade.role": _NAME,
    "lots.cascade.accepts": _SHARES,
    "lots.cascade.response_hours": _AMOUNT,
    "lots.award": _TABLE,
    "lots.award.method": "'weights' or 'scores'",
    "lots.award.price": _SHARE,
    "lots.award.quality": _SHARE,
    "lots.award.decimals": "a whole number from 0 to 4",
    "lots.award.count_lots": "'hours' or 'alike'",
    "lots.award.quality_least": "a number from 0 to 100",
    "lots.award.ties": "a list of 'quality' and 'price', each once at most",
}  # fmt: skip
"""What each key of `[lots]` must be, as an error message says it."""
