"""The tables of a scenario file: every key, its type, and what it must be in words."""

from __future__ import annotations

import datetime as dt  # noqa: TC003  (pydantic reads it)
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat

from zonedesign.scenario.lots import LOTS_MEANS, LOTS_TABLES, LotsTable
from zonedesign.scenario.table import Id, Table, Text, Weight

Pair = Annotated[list[float], Field(min_length=2, max_length=2)]
TwoIds = Annotated[list[Id], Field(min_length=2, max_length=2)]
Several = Annotated[list[Id], Field(min_length=2)]


class BorderTable(Table):
    """A boundary set: polygons with an id, or a table by the units' id with a column of codes."""

    path: Text
    id: Text
    layer: Text | None = None


class UnitsTable(Table):
    """`[units]`."""

    path: Text
    id: Text
    layer: Text | None = None
    point: Annotated[list[Text], Field(min_length=2, max_length=2)] | None = None
    name: Text | None = None
    attributes: list[Text] = []
    authority: Text | None = None
    joint: list[Several] = []
    contiguity: Literal["boundary", "road"] = "boundary"
    contiguity_tolerance_m: Weight = 30.0
    bridges: Literal["nearest", "none"] | list[TwoIds] = "nearest"
    exclude: list[Id] = []


class GrowthTable(Table):
    """Growth by border: a column of the units and a factor for every code, here or in a table."""

    column: Text
    by: dict[str, Weight] | None = None
    path: Text | None = None


class DemandTable(Table):
    """`[demand]`: customers, columns or totals."""

    customers: Text | None = None
    postcodes: Text | None = None
    hours_column: Text | None = None
    customers_column: Text | None = None
    total_hours: Annotated[FiniteFloat, Field(gt=0)] | None = None
    total_customers: Annotated[int, Field(ge=0)] | None = None
    spread_by: Text | None = None
    growth: Weight | Text | GrowthTable | None = None


class RoadsTable(Table):
    """`[roads]`: a file or a sketch; `attribution` is the line to print in the place of OpenStreetMap's."""

    path: Text | None = None
    sketch: bool = False
    profile: Text | dict[str, Any] = "free-flow"
    max_snap_m: Annotated[FiniteFloat, Field(gt=0)] = 1000.0
    turn_delays: bool = False
    access_kph: Annotated[FiniteFloat, Field(gt=0)] | None = None
    parking_minutes: Weight = 0.0
    attribution: Text | None = None


class CharacterTable(Table):
    """`character` of a level."""

    column: Text
    values: Annotated[list[Id | float | bool], Field(min_length=1)]
    at_least: Annotated[FiniteFloat, Field(ge=0, le=1)]


class LevelTable(Table):
    """`[[levels]]`."""

    name: Text | int
    weekly_hours: Pair | None = None
    customers: Pair | None = None
    max_minutes: Weight | None = None
    max_minutes_between: Weight | None = None
    max_miles: Weight | None = None
    zones: Annotated[int, Field(ge=0)] | Annotated[list[int], Field(min_length=2, max_length=2)] | None = None
    hours_share: Pair | None = None
    character: CharacterTable | None = None
    contiguous: bool = True
    providers: dict[str, Annotated[int, Field(ge=0)]] = {}


class ObjectiveTable(Table):
    """`[objective]`."""

    travel: Weight = 1.0
    change: Weight = 0.0
    borders: Weight = 0.0
    cut: Weight = 0.0
    baseline: Text | None = None
    border: BorderTable | Text | None = None


class LocksTable(Table):
    """`[locks]`."""

    together: list[Several] = []
    apart: list[TwoIds] = []
    centre_at: list[Id] = []
    fixed: dict[str, Id] = {}
    frozen: list[Id] = []
    nest_in: BorderTable | list[BorderTable] | None = None


class PublishTable(Table):
    """`[publish]`; `sources` are attribution lines to print, beside those that the files bring themselves."""

    suppress_below: Annotated[int, Field(ge=1)] = 5
    round_to: Annotated[int, Field(ge=2)] | None = None
    round_hours_to: Annotated[FiniteFloat, Field(gt=0)] | None = None
    sources: list[Text] = []
    buyer: Text | None = None
    version: Text = "1"
    region: Annotated[str, Field(pattern=r"^(UK|TL)([C-N][1-9A-Z]?[0-9A-Z]?)?$")] | None = None
    cpv: Annotated[str, Field(pattern=r"^\d{8}(-\d)?$")] = "85312000"
    ocid: Annotated[str, Field(pattern=r"^ocds-[a-z0-9]{6}-\S+$")] | None = None
    contract_start: dt.date | None = None
    contract_end: dt.date | None = None
    demand_date: dt.date | None = None
    postcodes: Text | None = None
    postcodes_date: dt.date | None = None


class Settings(Table):
    """A whole scenario."""

    name: Text | None = None
    extends: Text | None = None
    units: UnitsTable
    demand: DemandTable
    roads: RoadsTable
    levels: Annotated[list[LevelTable], Field(min_length=1)]
    objective: ObjectiveTable = ObjectiveTable()
    locks: LocksTable = LocksTable()
    publish: PublishTable = PublishTable()
    lots: LotsTable = LotsTable()


TABLES: dict[str, type[Table]] = {
    "": Settings,
    "units": UnitsTable,
    "demand": DemandTable,
    "demand.growth": GrowthTable,
    "roads": RoadsTable,
    "levels": LevelTable,
    "levels.character": CharacterTable,
    "objective": ObjectiveTable,
    "objective.border": BorderTable,
    "locks": LocksTable,
    "locks.nest_in": BorderTable,
    "publish": PublishTable,
    **LOTS_TABLES,
}
"""Which tables have fixed keys, by path; those of others (profile, providers, fixed, by) are the user's."""

PATHS = (
    "units.path", "units.attributes", "demand.customers", "demand.postcodes", "demand.growth.path",
    "roads.path",
    "objective.baseline", "objective.border.path", "locks.nest_in.path", "publish.postcodes",
)  # fmt: skip
"""The keys that name files, relative to the file they stand in."""

WAYS = {
    "customers": ("customers", "postcodes"),
    "hours_column": ("hours_column", "customers_column"),
    "total_hours": ("total_hours", "total_customers", "spread_by"),
}
"""The three ways to state demand: the key that says which, and the keys that belong to it."""

_FILE, _COLUMN, _NAME = "the path of a file, in quotes", "the name of a column, in quotes", "text in quotes"
_AMOUNT, _TABLE = "a number, 0 or more", "a table of keys"
_BAND = "[min, max], two numbers"
_DATE = "a date such as 2027-04-01, without quotes"
_BORDER = '{ path = "file", id = "column" }'

MEANS = {
    "name": _NAME,
    "extends": _FILE,
    "units": _TABLE,
    "demand": _TABLE,
    "roads": _TABLE,
    "objective": _TABLE,
    "locks": _TABLE,
    "publish": _TABLE,
    "levels": "one or more tables [[levels]]",
    "units.path": _FILE,
    "units.id": _COLUMN,
    "units.layer": _NAME,
    "units.name": _COLUMN,
    "units.point": "two columns, [x, y]",
    "units.attributes": "a list of paths",
    "units.authority": _COLUMN,
    "units.joint": "lists of two councils or more",
    "units.contiguity": "'boundary' or 'road'",
    "units.contiguity_tolerance_m": _AMOUNT,
    "units.bridges": "'nearest', 'none' or pairs of ids",
    "units.exclude": "a list of ids",
    "demand.customers": _FILE,
    "demand.postcodes": _FILE,
    "demand.hours_column": _COLUMN,
    "demand.customers_column": _COLUMN,
    "demand.total_hours": "a number above 0",
    "demand.total_customers": "a whole number, 0 or more",
    "demand.spread_by": _COLUMN,
    "demand.growth": "a factor, a column, or a table { column = ..., by = { code = factor } }",
    "demand.growth.column": _COLUMN,
    "demand.growth.path": _FILE,
    "demand.growth.by": "a table { code = factor }",
    "roads.path": _FILE,
    "roads.sketch": "true or false",
    "roads.profile": "a name, or a table of speeds",
    "roads.max_snap_m": "a number above 0",
    "roads.turn_delays": "true or false",
    "roads.access_kph": "a number above 0",
    "roads.parking_minutes": _AMOUNT,
    "roads.attribution": "the line that a map must print, in quotes",
    "levels.name": _NAME,
    "levels.weekly_hours": _BAND,
    "levels.customers": _BAND,
    "levels.max_minutes": _AMOUNT,
    "levels.max_minutes_between": _AMOUNT,
    "levels.max_miles": _AMOUNT,
    "levels.zones": "a whole number, 0 or more, or [min, max]",
    "levels.hours_share": "[min, max], two shares from 0 to 1",
    "levels.character": '{ column = "...", values = [...], at_least = 0.5 }',
    "levels.character.column": _COLUMN,
    "levels.character.values": "a list of one value or more",
    "levels.character.at_least": "a share from 0 to 1",
    "levels.contiguous": "true or false",
    "levels.providers": "a table { lead = 1, ... } of whole numbers",
    "objective.travel": _AMOUNT,
    "objective.change": _AMOUNT,
    "objective.borders": _AMOUNT,
    "objective.cut": _AMOUNT,
    "objective.baseline": _FILE,
    "objective.border": _BORDER,
    "objective.border.path": _FILE,
    "objective.border.id": _COLUMN,
    "objective.border.layer": _NAME,
    "locks.together": "lists of two ids or more",
    "locks.apart": "pairs of ids",
    "locks.centre_at": "a list of ids",
    "locks.fixed": 'a table { unit = "zone" }',
    "locks.frozen": "a list of zones",
    "locks.nest_in": _BORDER,
    "locks.nest_in.path": _FILE,
    "locks.nest_in.id": _COLUMN,
    "locks.nest_in.layer": _NAME,
    "publish.suppress_below": "a whole number, 1 or more",
    "publish.round_to": "a whole number, 2 or more",
    "publish.round_hours_to": "hours above 0",
    "publish.sources": "a list of lines, each in quotes",
    "publish.buyer": _NAME,
    "publish.version": _NAME,
    "publish.region": "a code of NUTS or ITL such as UKJ3 or TLJ3, in quotes",
    "publish.cpv": "a code of 8 digits, in quotes",
    "publish.ocid": "an identifier such as ocds-h6vhtk-04a1b2, in quotes",
    "publish.contract_start": _DATE,
    "publish.contract_end": _DATE,
    "publish.demand_date": _DATE,
    "publish.postcodes": _FILE,
    "publish.postcodes_date": _DATE,
    **LOTS_MEANS,
}
"""What each key must be, as an error message says it."""
