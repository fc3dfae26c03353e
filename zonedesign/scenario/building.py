"""Settings into a problem: units, demand, roads, travel times, rules, objective, and what pages say."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import geopandas as gpd

from zonedesign import demand, tables
from zonedesign._edges_of_data import doubts_said, with_doubts
from zonedesign._plantables import read_plan
from zonedesign.contiguity import bridged, joined_by_road
from zonedesign.errors import DataError, ScenarioError, counted, listed
from zonedesign.names import place_column
from zonedesign.osm import no_paths, read_roads
from zonedesign.problem import About, Objective, Problem
from zonedesign.progress import silent
from zonedesign.provenance import minutes_include, sha256_of
from zonedesign.roads import sketch_roads
from zonedesign.rules import Apart, CentreAt, Contiguous, Fixed, Frozen, NestIn, Rule, Together
from zonedesign.scenario.borders import baseline_of, border_of
from zonedesign.timestore import kept_times
from zonedesign.traveltimes import travel_times, with_access
from zonedesign.units import Units, joins_of, read_units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pandas as pd

    from zonedesign.levels import Level
    from zonedesign.progress import Progress
    from zonedesign.roads import RoadNetwork
    from zonedesign.scenario.settings import DemandTable, Settings, UnitsTable
    from zonedesign.traveltimes import TravelTimes

    Notes = list[str]

T = TypeVar("T")


def build(
    files: Sequence[Path],
    name: str,
    settings: Settings,
    levels: Sequence[Level],
    progress: Progress | None,
    *,
    start: Any = None,
    judging: bool = False,
    known: dict[str, Any] | None = None,
) -> Problem:
    """Return the problem that a scenario states; `files` are the scenario's own, first the one asked for.

    `start` is the file of a plan, or a Plan, to begin from; with `judging`, minutes are known farther
    out. `known` is filled with units, roads and minutes: handed on from one scenario to the next it has those
    that state the same read once. What is cheap to check is checked before the roads are read. Raises
    `DataError` and `ScenarioError`.
    """
    tell = progress or silent
    once = _Once({} if known is None else known)
    tell("units", None, Path(settings.units.path).name)
    units, named = once.made(lambda: _people(settings), "people", settings.units, settings.demand)
    notes: Notes = [*named]
    _require_room(units, levels, files[0].name)
    _require_customers(units, levels, settings, files[0].name)
    tell("rules", None, counted(len(levels), "level"))
    rules = _rules(settings, units, notes)
    border = None
    if settings.objective.border is not None:
        border = border_of(settings.objective.border, units, "objective.border", notes)
    baseline = None
    if settings.objective.baseline is not None:
        baseline = baseline_of(settings.objective.baseline, units, settings.locks, notes)
    way = (settings.units, settings.roads)
    roads = once.made(lambda: _roads(settings, units, progress), "roads", *way)
    units = once.made(lambda: _joined(units, roads, settings.units), "joined", *way, settings.demand)
    times = once.made(
        lambda: _times(settings, levels, units, roads, progress, judging=judging),
        "times", *way, cutoff(levels), judging,
    )  # fmt: skip
    tell("problem", 1.0, counted(len(units), "unit"))
    # A plan is read on a problem, and these locks name its zones: they follow once it is read.
    later = [] if start is None else [rule for rule in rules if isinstance(rule, (Fixed, Frozen))]
    problem = Problem(
        units=units,
        times=times,
        levels=levels,
        rules=[rule for rule in rules if rule not in later],
        objective=_objective(settings, baseline, border, units, times, levels),
        about=About(
            name=name,
            sources=_sources(settings, roads),
            inputs=_inputs(files, settings, start),
            notes=(*units.notes, *_graph_notes(units), *notes, *_road_notes(settings, roads, times)),
            sketch=roads.sketch,
            roads=roads,
            publish=settings.publish.model_dump(),
            packages=demand.packages_later(units, settings.demand.customers, settings.demand.postcodes),
        ),
    )
    if start is None:
        return problem
    # Units that it lacks are no reason to refuse it: solving completes it, and lists that among the repairs.
    plan = read_plan(start, problem, partial=True) if isinstance(start, (str, Path)) else start
    return problem.with_(rules=rules, start=plan)


JUDGING_FACTOR = 3.0
"""How much farther than rules ask travel times go where any plan may come, so that a break has its figure."""


def cutoff(levels: Iterable[Level]) -> float | None:
    """Return the most minutes that any rule asks about, or None where some level has no travel limit."""
    limits = []
    for level in levels:
        if level.max_minutes is None:
            return None
        limits += [level.max_minutes, level.max_minutes_between or 0.0]
    return max(limits)


def _units(table: UnitsTable) -> Units:
    return read_units(
        table.path,
        id=table.id,
        layer=table.layer,
        point=table.point,
        name=table.name,
        attributes=table.attributes,
        authority=table.authority,
        joint=table.joint,
        contiguity=table.contiguity,
        contiguity_tolerance_m=table.contiguity_tolerance_m,
        bridges=table.bridges,
        exclude=table.exclude,
    )


@dataclass(frozen=True)
class _Once:
    """What was made already, by what it was made from."""

    known: dict[str, Any]

    def made(self, make: Callable[[], T], what: str, *of: Any) -> T:
        """Return what `make` makes, or what it made before `of` the same tables and values."""
        key = " ".join([what, *(repr(each) for each in of)])
        if key not in self.known:
            self.known[key] = make()
        found: T = self.known[key]
        return found


def _people(settings: Settings) -> tuple[Units, Notes]:
    """Return the units with their demand, and notes of what zones are named after."""
    notes: Notes = []
    return _demanded(_named(_units(settings.units), notes), settings.demand), notes


def _named(units: Units, notes: Notes) -> Units:
    """Return the units with a column that zones are named after, where the scenario names none."""
    column = None if units.name_column is not None else place_column(units.frame)
    if column is None:
        return units
    notes.append(f"zones are named after '{column}' of the units; units.name in the scenario names another")
    return replace(units, name_column=column)


def _demanded(units: Units, table: DemandTable) -> Units:
    growth: demand.Growth = None
    if table.growth is not None:
        stated = table.growth
        growth = stated if isinstance(stated, (str, float, int)) else stated.model_dump(exclude_none=True)
    if table.customers is not None:
        return demand.from_customers(units, table.customers, postcodes=table.postcodes, growth=growth)
    if table.hours_column is not None:
        return demand.from_columns(
            units, hours=table.hours_column, customers=table.customers_column, growth=growth
        )
    return demand.from_totals(
        units,
        total_hours=float(table.total_hours or 0.0),
        spread_by=str(table.spread_by),
        total_customers=table.total_customers,
        growth=growth,
    )


def _require_room(units: Units, levels: Sequence[Level], file: str) -> None:
    """Refuse more zones than there are units: each needs one at least."""
    least = sum(level.zone_range[0] for level in levels)
    if least > len(units):
        raise ScenarioError(
            f"{file}: levels.zones ask for {counted(least, 'zone')} or more, and there are only "
            f"{counted(len(units), 'unit')}; every zone has one at least"
        )


def _require_customers(units: Units, levels: Sequence[Level], settings: Settings, file: str) -> None:
    banded = [level.name for level in levels if level.customers is not None]
    if banded and units.customers is None:
        key = "customers_column" if settings.demand.hours_column else "total_customers"
        raise DataError(
            f"{file}: level {banded[0]} has a band of customers, and [demand] gives none; "
            f"add demand.{key}, or leave the band out"
        )


def _rules(settings: Settings, units: Units, notes: Notes) -> list[Rule]:
    """Return the rules that a scenario adds to what its levels imply: connected zones, and the locks."""
    locks = settings.locks
    rules: list[Rule] = [Contiguous()]
    rules += [Together(_known(group, units, "locks.together")) for group in locks.together]
    rules += [Apart(*_known(pair, units, "locks.apart")) for pair in locks.apart]
    rules += [CentreAt(unit) for unit in _known(locks.centre_at, units, "locks.centre_at")]
    fixed = _known(list(locks.fixed), units, "locks.fixed")
    rules += [Fixed(unit, str(zone)) for unit, zone in zip(fixed, locks.fixed.values(), strict=True)]
    rules += [Frozen(str(zone)) for zone in locks.frozen]
    nests = locks.nest_in if isinstance(locks.nest_in, list) else [locks.nest_in]
    for table in nests:
        if table is not None:
            codes = border_of(table, units, "locks.nest_in", notes)
            rules.append(NestIn(codes, name=Path(table.path).stem))
    return rules


def _known(ids: Iterable[Any], units: Units, what: str) -> list[Any]:
    """Return ids in the units' own type; `DataError` for those that are no unit, or are left out."""
    found = tables.as_ids(ids, units.ids)
    gone = [] if units.excluded is None else [unit for unit in found if unit in units.excluded.index]
    if gone:
        raise DataError(
            f"{what} names {listed(gone)}, which units.exclude leaves out; take it out of one of them"
        )
    return tables.require_ids(found, units.ids, what)


def _roads(settings: Settings, units: Units, progress: Progress | None) -> RoadNetwork:
    tell = progress or silent
    if units.points is None:
        raise DataError("the units have no points, so no road leads to them")
    if settings.roads.path is None:
        tell("roads", None, "sketch roads")
        return sketch_roads(units.points)
    tell("roads", None, Path(settings.roads.path).name)
    return read_roads(
        settings.roads.path, profile=settings.roads.profile, attribution=settings.roads.attribution
    )


def _joined(units: Units, roads: RoadNetwork, table: UnitsTable) -> Units:
    """Return the units with the pairs that a road joins directly, and then the bridges that are left."""
    by_road = table.contiguity == "road"
    if not by_road or units.contiguity is None or not isinstance(units.frame, gpd.GeoDataFrame):
        return units
    shapes = units.frame.geometry
    graph = joined_by_road(units.contiguity, shapes, *roads.to_frames(), crs=roads.crs)
    return replace(units, contiguity=bridged(graph, shapes, joins_of(table.bridges, units.ids)))


def _times(
    settings: Settings,
    levels: Sequence[Level],
    units: Units,
    roads: RoadNetwork,
    progress: Progress | None,
    *,
    judging: bool,
) -> TravelTimes:
    """Return minutes between all units, as far as any rule asks, with access and parking where set."""
    table = settings.roads
    asked = cutoff(levels)
    farthest = asked * JUDGING_FACTOR if judging and asked is not None else asked
    limits: dict[str, Any] = {
        "max_minutes": farthest,
        "max_snap_m": table.max_snap_m,
        "turn_delays": table.turn_delays,
    }

    def compute() -> TravelTimes:
        try:
            found = travel_times(roads, units.points, progress=progress, **limits)
        except DataError as error:  # whose words are for any points
            raise DataError(re.sub(r"(?<=\d )point(s?)(?= lie)", r"unit\1", str(error))) from None
        return with_doubts(found, roads, units.points, within=asked)

    depends = {**limits, "doubtful_within": asked}
    times = kept_times(roads, units.points, depends, compute, progress=progress)
    if table.access_kph is None and not table.parking_minutes:
        return times
    return with_access(times, access_kph=table.access_kph, parking_minutes=table.parking_minutes)


def _objective(
    settings: Settings, baseline: Any, border: Any, units: Units, times: TravelTimes, levels: Sequence[Level]
) -> Objective:
    table = settings.objective
    if baseline is not None:
        baseline = baseline.on(units, times, levels)
    return Objective(table.travel, table.change, table.borders, table.cut, baseline=baseline, border=border)


def _sources(settings: Settings, roads: RoadNetwork) -> tuple[tuple[str, str], ...]:
    """Return (what, line) for every attribution to print."""
    stated = tuple((Path(settings.units.path).name, line) for line in settings.publish.sources)
    return (*stated, (Path(roads.source).name, roads.attribution)) if roads.attribution else stated


def _graph_notes(units: Units) -> tuple[str, ...]:
    return () if units.contiguity is None else units.contiguity.notes


def _road_notes(settings: Settings, roads: RoadNetwork, times: TravelTimes) -> Notes:
    """Return notes: that roads are sketched, which units they do not reach, what minutes include."""
    notes = []
    if roads.sketch:
        notes.append(
            "sketch roads: straight lines between neighbouring units x 1.3 at 40 km/h, no real roads"
        )
        if settings.roads.profile != "free-flow":
            notes.append("roads.profile is not used: sketch roads have one speed")
    said = no_paths(roads)
    if said is not None:
        notes.append(said)
    far = times.snapped_m
    if far is not None:
        lost = far[far > settings.roads.max_snap_m].sort_values(ascending=False, kind="stable")
        beyond_file = lost.index.isin(times.provenance.get("beyond_file", ()))
        notes += _lost_notes(lost[beyond_file], settings, roads, leaves=True)
        notes += _lost_notes(lost[~beyond_file], settings, roads, leaves=False)
    doubts = doubts_said(times)
    if doubts is not None:
        notes.append(doubts)
    notes += minutes_include(times.provenance)
    return notes


def _lost_notes(lost: pd.Series[float], settings: Settings, roads: RoadNetwork, *, leaves: bool) -> Notes:
    """Return which units no road is near, and the way out; `leaves`: the road to them leaves the file."""
    if not len(lost):
        return []
    file, it = Path(roads.source).name, "it" if len(lost) == 1 else "them"
    named = listed(f"{unit} ({metres:,.0f} m)" for unit, metres in lost.items())
    said = (
        f"{counted(len(lost), 'unit')} farther than {settings.roads.max_snap_m:,g} m from the main roads of "
        f"{file}, out of reach: {named}"
    )
    if leaves:
        return [f"{said}; the road to {it} leaves the file: take a larger extract, or exclude {it}"]
    return [f"{said}; exclude {it}, or raise roads.max_snap_m"]


def _inputs(files: Sequence[Path], settings: Settings, start: Any) -> dict[str, str | None]:
    """Return the SHA-256 of every file read, by its path from the scenario's folder."""
    begun = Path(start) if isinstance(start, (str, Path)) else None
    growth = settings.demand.growth
    border, nests = settings.objective.border, settings.locks.nest_in
    named: list[Any] = [
        *files,
        settings.units.path,
        *settings.units.attributes,
        settings.demand.customers,
        settings.demand.postcodes,
        getattr(growth, "path", None),
        settings.roads.path,
        settings.objective.baseline,
        getattr(border, "path", None),
        *[getattr(each, "path", None) for each in (nests if isinstance(nests, list) else [nests])],
        settings.publish.postcodes,
        begun / "plan.csv" if begun is not None and begun.is_dir() else begun,
    ]
    here = files[0].parent
    found: dict[str, str | None] = {}
    for path in (Path(each) for each in named if each is not None and Path(each).exists()):
        for part in input_files(path):
            found[path_from(part, here)] = sha256_of(part)
    return found


def input_files(path: Path) -> list[Path]:
    """Return the files that one input consists of: a shapefile is several, a geodatabase a folder."""
    if path.is_dir():
        return sorted(each for each in path.rglob("*") if each.is_file())
    if path.suffix.lower() == ".shp":
        kinds = {".shp", ".shx", ".dbf", ".prj", ".cpg"}
        return sorted(each for each in path.parent.glob(f"{path.stem}.*") if each.suffix.lower() in kinds)
    return [path]


def path_from(path: Path, folder: Path) -> str:
    """Return the way from a folder to a file, as a scenario would write it."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return path.name
