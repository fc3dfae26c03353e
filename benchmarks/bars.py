"""The cases that solving is measured on, and the bar that each has to meet.

Scenario files stand in ZONEDESIGN_CASES, or `shared/cases` beside the checkout; published instances in
`published` beside the folder in ZONEDESIGN_GEODATA; the largest case is tiled from real pieces by `england`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import zonedesign as zd

    Row = Mapping[str, Any]

BESIDE = Path(__file__).resolve().parents[2] / "shared"
PRINTED_DIGITS = 0.005
"""How far a value may lie from one that was printed with two digits."""
EQUAL = 1e-9
OVERRUN = 1.02
"""A run that ends this much after its limit still counts: the clock is looked at between steps."""
SHARES = ((0.80, 0.90), (0.10, 0.16), (0.0, 0.04))
"""Shares of all hours around those of the text of 2019: 85, 13 and 2 %."""
OURS, CARRIED = "zonedesign", "carried"


@dataclass(frozen=True)
class Bar:
    """What a run of so many seconds has to reach; every plan has to pass verification as well.

    `gap` at most; with `proof`, gap 0 or infeasibility proved, at the `printed` value where there is one;
    `within` seconds of the call; under `memory_mb`; with `carried`, at least as good as the plan of the LSOAs
    carried over, where that one verifies.
    """

    seconds: float
    gap: float | None = None
    proof: bool = False
    printed: float | None = None
    within: float | None = None
    memory_mb: float | None = None
    carried: bool = False

    def __str__(self) -> str:
        if self.carried:
            return "as good as the LSOA plan carried over"
        said = f"verified plan in {self.seconds:,g} s"
        if self.gap is not None:
            said = f"gap <= {100 * self.gap:g} % in {self.seconds:,g} s"
        elif self.proof:
            value = "optimum" if self.printed is None else f"{self.printed:,.2f}"
            said = f"{value} proved in {self.within:,g} s"
        return said if self.memory_mb is None else f"{said}, under {self.memory_mb:,.0f} MB"

    def met(self, row: Row | None, carried: Row | None = None) -> bool | None:
        """Return whether a run meets the bar, None where it was not run, or not for as long."""
        if row is None or row["limit"] < self.seconds:
            return None
        if self.proof and row.get("status") == "infeasible":
            return self.printed is None and row["wall"] <= (self.within or row["limit"])
        if "failed" in row or not row["verified"] or row["seconds"] > OVERRUN * row["limit"]:
            return False
        if self.carried:
            if carried is None or "failed" in carried:
                return None
            return not carried.get("verified") or row["objective"] <= carried["objective"] + EQUAL
        reached = [True]
        if self.gap is not None:
            reached.append(row["gap"] is not None and row["gap"] <= self.gap)
        if self.proof:
            reached.append(row["status"] == "optimal")
        if self.printed is not None:
            reached.append(abs(row["objective"] - self.printed) <= PRINTED_DIGITS)
        if self.within is not None:
            reached.append(row["wall"] <= self.within)
        if self.memory_mb is not None:
            if row["peak_mb"] is None:
                return None
            reached.append(row["peak_mb"] < self.memory_mb)
        return all(reached)


@dataclass(frozen=True, eq=False)
class Loaded:
    """A case read: its problem, what turns its objective into the published figure, and units' places (n, 2).

    Places are for the peers that work on them; None where the data have none.
    """

    problem: zd.Problem
    factor: float = 1.0
    places: np.ndarray | None = None


@dataclass(frozen=True)
class Case:
    """A problem, its bars and stretches; `load(judging)` reads it, with longer travel times to judge by.

    `lsoas` names the case whose plan is carried over.
    """

    name: str
    words: str
    load: Callable[[bool], Loaded]
    bars: tuple[Bar, ...]
    stretch: tuple[Bar, ...] = ()
    lsoas: str | None = None

    @property
    def limits(self) -> list[float]:
        """Seconds of our runs, ascending; the last is what peers have."""
        return sorted({bar.seconds for bar in (*self.bars, *self.stretch)})


def key_of(who: str, seconds: float) -> str:
    """Return the key of a run among those of its case in the results."""
    return f"{who} {seconds:g}"


def cases_folder() -> Path:
    """Return the folder of the real cases, or end the run where it is missing."""
    folder = Path(os.environ.get("ZONEDESIGN_CASES", BESIDE / "cases"))
    if not folder.is_dir():
        raise SystemExit(f"there is no folder {folder}; set ZONEDESIGN_CASES to the folder of cases")
    return folder


def _published_file(name: str) -> Path:
    beside = Path(os.environ.get("ZONEDESIGN_GEODATA", BESIDE / "geodata")).parent
    path = beside / "published" / name
    if not path.is_file():
        raise SystemExit(f"there is no file {path}; it stands beside the folder in ZONEDESIGN_GEODATA")
    return path


def scenario(name: str, judging: bool) -> Loaded:  # noqa: FBT001
    """Return a real case."""
    import zonedesign as zd

    found = zd.read_scenario(cases_folder() / f"{name}.toml").problem(judging=judging)
    return Loaded(found, places=_places(found))


def _places(problem: zd.Problem) -> np.ndarray | None:
    points = problem.units.points
    return None if points is None else np.column_stack([points.x, points.y])


def counties(name: str, contiguous: bool, _judging: bool) -> Loaded:  # noqa: FBT001
    """Return a published instance of counties to be made districts."""
    from published import districting

    found, people = districting(_published_file(f"{name}.json"), contiguous=contiguous)
    frame = found.units.frame
    east = frame["lon"] * np.cos(np.radians(frame["lat"].mean()))
    return Loaded(found, people, np.column_stack([east, frame["lat"]]))


def medians(name: str, _judging: bool) -> Loaded:  # noqa: FBT001
    """Return a published capacitated p-median problem."""
    from published import medians as read

    path = _published_file(f"{name}.dat")
    found, number = read(path)
    lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
    return Loaded(found, number, np.array([line[:2] for line in lines[1:]], dtype=np.float64))


def tracts(name: str, zones: int, _judging: bool) -> Loaded:  # noqa: FBT001
    """Return LSOAs by their people as the published instances are: 0.5 % either side, squared kilometres."""
    import zonedesign as zd

    base = zd.read_scenario(cases_folder() / f"{name}.toml").problem()
    people, found_at = base.units.frame["population"], _places(base)
    if found_at is None:
        raise SystemExit(f"{name} has no points")
    places = found_at / 1000.0
    away = np.round(np.hypot(*(places[:, None] - places).transpose(2, 0, 1)), 1)
    units = zd.Units.from_frame(people.to_frame(), hours="population", contiguity=base.units.contiguity)
    times = zd.TravelTimes.from_matrix((away / 1000.0) ** 2, ids=people.index)
    mean = people.sum() / zones
    band = int(np.ceil(0.995 * mean)), int(np.floor(1.005 * mean))
    level = zd.Level("district", weekly_hours=band, zones=zones)
    found = zd.Problem(units, times, levels=[level], rules=[zd.Contiguous()])
    return Loaded(found, float(people.sum()), places)


def shares(name: str, judging: bool) -> Loaded:  # noqa: FBT001
    """Return a real case in which any counts will do, and each level has a share of all hours instead."""
    base = scenario(name, judging)
    stated = zip(base.problem.levels, SHARES, strict=True)
    levels = [replace(level, zones=None, hours_share=share) for level, share in stated]
    return replace(base, problem=base.problem.with_(levels=levels))


def england(layer: str, _judging: bool, units: int = 33_000) -> Loaded:  # noqa: FBT001
    """Return the case as large as England."""
    from england import problem

    found = problem(units, layer=layer)
    return Loaded(found, places=_places(found))


Bars = tuple[tuple[Bar, ...], tuple[Bar, ...]]


def _gaps(seconds: float, bar: float, stretch: float) -> Bars:
    return (Bar(seconds, gap=bar),), (Bar(seconds, gap=stretch),)


def _proved(printed: float | None = None) -> Bars:
    bar, stretch = (Bar(100, proof=True, printed=printed, within=most) for most in (100, 20))
    return (bar,), (stretch,)


def _of_oas(county: str, words: str) -> Case:
    return Case(
        f"{county}-oa", words, partial(scenario, f"{county}-oa"),
        bars=(Bar(60), Bar(600, gap=0.05), Bar(600, carried=True)),
        stretch=(Bar(600, gap=0.02),),
        lsoas=f"{county}-lsoa",
    )  # fmt: skip


def _of_england(layer: str) -> Case:
    return Case(
        f"england-{layer}", f"33,000 {layer.upper()}s in tiles, three levels, some 2,300 zones",
        partial(england, layer),
        bars=(Bar(1800, memory_mb=8000),), stretch=(Bar(1800, gap=0.05),),
    )  # fmt: skip


def _all_cases() -> list[Case]:
    cases = [
        Case(name, words, partial(scenario, name), *_gaps(300, 0.02, stretch))
        for name, words, stretch in (
            ("se-hampshire-17", "410 LSOAs, real roads, 17 zones", 0.01),
            ("se-hampshire-lsoa", "428 LSOAs, real roads, three levels, open counts", 0.01),
            ("west-sussex-lsoa", "505 LSOAs, sketched roads, 20, 9 and 6 zones, hours and customers", 0.01),
        )
    ]
    cases += [
        _of_oas("se-hampshire", "2,174 OAs, real roads, three levels, open counts"),
        _of_oas("west-sussex", "2,645 OAs, sketched roads, 20, 9 and 6 zones"),
        Case(
            "west-sussex-four", "2,645 OAs, sketched roads, 4 zones within 5 %",
            partial(scenario, "west-sussex-four"), *_gaps(300, 0.02, 0.005),
        ),
    ]  # fmt: skip
    for name, loose, tight, size in (
        ("ID", 61232.58, 61232.58, "44 counties, 2 zones"),
        ("NM", 32847.05, 32944.25, "33 counties, 3 zones"),
        ("OK", 21527.57, 21756.50, "77 counties, 5 zones"),
    ):
        for contiguous, printed in ((False, loose), (True, tight)):
            said = f"{size}, {'' if contiguous else 'not '}contiguous, published"
            load = partial(counties, name, contiguous)
            of = f"{name}-contiguous" if contiguous else name
            cases.append(Case(of, said, load, *_proved(printed)))
    words = "100 points, 10 medians with a capacity, published"
    cases.append(Case("SJC1", words, partial(medians, "SJC1"), *_proved(17288.99)))
    for county, zones, lsoas in (("se-hampshire", 3, 428), ("west-sussex", 5, 505), ("west-sussex", 7, 505)):
        words = f"{lsoas} LSOAs, {zones} zones within 0.5 % by people, squared distance, contiguous"
        load = partial(tracts, f"{county}-lsoa", zones)
        cases.append(Case(f"{county}-people-{zones}", words, load, *_proved()))
    words = "428 LSOAs, real roads, three levels by their shares of hours, any counts"
    load = partial(shares, "se-hampshire-lsoa")
    return [*cases, Case("se-hampshire-shares", words, load, bars=(Bar(300),)), _of_england("lsoa")]


CASES = {case.name: case for case in _all_cases()}
