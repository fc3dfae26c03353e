"""Calibration: the speeds of a profile fitted to trips that were really driven."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from zonedesign import _robustfit as fitting
from zonedesign._observed import read_trips, reasons
from zonedesign._tripways import AS_GIVEN, GROUPS, groups_of
from zonedesign.errors import DataError, counted, require_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zonedesign._observed import Trips
    from zonedesign.profiles import Profile
    from zonedesign.roads import RoadNetwork
    from zonedesign.traveltimes import TravelTimes

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

_log = logging.getLogger(__name__)

FEWEST_ON_GROUP = 10
"""Trips that must spend a minute or more on a group of roads before it has a factor of its own."""

CROSS_BELOW = 120
"""With fewer trips each is held back once, in turn, instead of some of them for good."""

SETTLED = 0.005
"""Routes have settled when no trip has a way that is quicker by this share."""

ROUNDS = 10
"""Rounds of routing at most."""


@dataclass(frozen=True, eq=False, repr=False)
class Calibration:
    """A profile fitted to observed trips, and how far it may be believed.

    `profile`: drive it with `roads.with_profile(calibration.profile)`. `factors`, by group of roads: what
    multiplies its minutes (`factor`, with a 95 % interval from `low` to `high`), fitted `trips` with a minute
    or more there, all their `minutes`, and `basis`: `fitted`, or `common` where too few trips drive there.
    `errors`: of fitted and of held-back trips, before and after. `trips`: every trip used, with minutes
    `observed`, `before`, `after` (with `profile`) and `unseen` (with factors fitted without it; NaN where it
    was never held back), `held_back`, and `weight` (0: an outlier that counted for nothing). `set_aside`:
    every trip not used, with the `reason`. `improved`: whether held-back trips say that the new speeds are
    better than those before. `common`: the factor that groups are drawn towards. `scatter`: the usual error
    of a long trip, as a share. `folds`: 1 where some trips were held back for good; else each was held back
    once, in so many turns. `rounds` of routing, and whether routes had `settled` by then.
    """

    profile: Profile
    factors: pd.DataFrame
    errors: pd.DataFrame
    trips: pd.DataFrame
    set_aside: pd.DataFrame
    improved: bool
    common: float
    scatter: float
    folds: int
    rounds: int
    settled: bool
    seed: int

    def to_table(self) -> dict[str, Any]:
        """Return the profile as the table that a scenario's `roads.profile` takes."""
        return self.profile.to_table()

    def to_toml(self) -> str:
        """Return the profile as lines of a scenario file, the table `[roads.profile]`."""
        plain, tables = ["[roads.profile]"], list[str]()
        for key, value in self.to_table().items():
            if not isinstance(value, dict):
                plain.append(f"{key} = {json.dumps(value)}")
                continue
            tables += ["", f"[roads.profile.{key}]"]
            tables += [f"{name} = {json.dumps(part).replace(': ', ' = ')}" for name, part in value.items()]
        return "\n".join([*plain, *tables, ""])

    def __repr__(self) -> str:
        before, after = self.errors.loc["held back"]["median_error_minutes"].tolist()
        factors = ", ".join(f"{group} {factor:.2f}" for group, factor in self.factors["factor"].items())
        return (
            f"<Calibration: {self.profile.name}, {counted(len(self.trips), 'trip')} used, "
            f"{len(self.set_aside):,} set aside; minutes times: {factors}; held-back trips: median error "
            f"{before:.2f} -> {after:.2f} minutes, {'improved' if self.improved else 'not improved'}>"
        )


def calibrate(
    times: TravelTimes,
    observed: pd.DataFrame,
    *,
    held_back: float = 0.25,
    seed: int = 0,
) -> Calibration:
    """Return the profile of the roads under `times`, fitted to observed trips.

    `observed` has a trip a row: `from` and `to` (or `origin` and `destination`; ids of `times`) and
    `minutes`, of the same kind as `times`: from door to door where access and parking were added. Minutes
    are modelled as the sum over groups of roads of factor x minutes at present speeds, junctions included,
    on the way that is quickest with the factors; factors and ways are found in turn. A trip may be longer
    than the cutoff of `times`. Errors are measured on trips held back: the share `held_back` of them or,
    with fewer than 120 trips, each once, in turn; trips between the same ends stay together.

    Raises `DataError` for times without roads, roads that no profile changes, and trips that tell too
    little: fewer than 30, between fewer than 10 pairs of ends, all one way, or of another unit than minutes;
    `ScenarioError` for a share that cannot be.
    """
    require_number("held_back", held_back, "a share above 0 and up to 0.5", lambda share: 0 < share <= 0.5)
    if times.ways is None:
        raise DataError(
            f"travel times from {times.provenance.get('source', 'a matrix')} have no roads whose speeds "
            "could be fitted; calibrate times that travel_times worked out on roads"
        )
    speeds = _present(times.ways.roads)
    trips = read_trips(times, times.ways, observed)
    fold, folds = _folds(trips.pairs, held_back, seed)
    fitted, held = (np.ones(len(fold), dtype=np.bool_), fold >= 0) if folds > 1 else (fold < 0, fold >= 0)
    free = (trips.first[fitted, :-1] >= 1.0).sum(axis=0) >= FEWEST_ON_GROUP
    ways, found, rounds, settled = _fit(trips, fitted, free)
    spent, after = fitting.quickest(ways, found.factors)
    unseen = after if folds == 1 else _unseen(ways, trips.minutes, free, fold)
    unseen = np.where(held, unseen, np.nan)
    drawn = fitting.resampled(
        ways[fitted], trips.minutes[fitted], free, trips.pairs[fitted], seed, found.factors
    )
    before = trips.first.sum(axis=1)
    result = Calibration(
        _with_factors(speeds, found.factors, int(fitted.sum())),
        _factors(found, drawn, trips.first[fitted, :-1], free),
        pd.concat(
            [
                _errors("fitted", trips.minutes[fitted], before[fitted], after[fitted]),
                _errors("held back", trips.minutes[held], before[held], unseen[held]),
            ]
        ),
        trips.table.assign(
            before=before, after=after, unseen=unseen, held_back=held,
            weight=fitting.weights(spent, trips.minutes, found),
        ),
        trips.set_aside,
        _improved(trips.minutes[held], before[held], unseen[held]),
        found.common, found.scatter, folds, rounds, settled, seed,
    )  # fmt: skip
    _tell(result)
    return result


def _present(roads: RoadNetwork) -> Profile:
    """Return the profile that the roads are driven at, or raise `DataError` where no factor changes them."""
    if roads.speeds is None or roads.sketch or not np.isnan(roads.given_minutes).any():
        kind = "are a sketch" if roads.sketch else "came with their minutes"
        raise DataError(
            f"the roads {kind}, so there are no speeds to fit; read roads with their classes instead"
        )
    return roads.speeds


def _folds(pairs: Ints, held_back: float, seed: int) -> tuple[Ints, int]:
    """Return the turn (n,) in which each trip is held back (-1: never), and how many turns there are."""
    shuffled = np.random.default_rng(seed).permutation(int(pairs.max()) + 1)
    if len(pairs) < CROSS_BELOW:
        folds = min(max(2, round(1.0 / held_back)), 10)
        turn = np.empty(len(shuffled), dtype=np.int64)
        turn[shuffled] = np.arange(len(shuffled)) % folds
        return turn[pairs], folds
    sizes = np.bincount(pairs)[shuffled]
    chosen = shuffled[np.cumsum(sizes) - sizes / 2 <= held_back * len(pairs)]
    return np.where(np.isin(pairs, chosen if len(chosen) else shuffled[sizes.argmin()]), 0, -1), 1


def _fit(trips: Trips, fitted: Flags, free: Flags) -> tuple[Floats, fitting.Fit, int, bool]:
    """Return all ways that were found (n, k, groups + 1), the fit, rounds, and whether routes settled.

    Each round fits factors on the ways known so far, and asks the roads for quicker ways with them.
    """
    ways = trips.first[:, None, :]
    settled, rounds = False, 0
    while not settled and rounds < ROUNDS:
        rounds += 1
        found = fitting.fit(ways[fitted], trips.minutes[fitted], free)
        known = fitting.quickest(ways, found.factors)[1]
        new = trips.search.ways(found.factors, known)
        ways = np.concatenate([ways, new[:, None, :]], axis=1)
        quicker = 1.0 - fitting.quickest(ways, found.factors)[1] / known
        settled = bool(quicker.max() <= SETTLED)
    return ways, found, rounds, settled


def _unseen(ways: Floats, minutes: Floats, free: Flags, fold: Ints) -> Floats:
    """Return the minutes of each trip with factors fitted without the trips of its turn.

    Ways are those that the fit to all trips came by; the quickest with other factors is one, or as good as.
    """
    unseen = np.empty(len(minutes))
    for turn in np.unique(fold):
        rest, part = fold != turn, fold == turn
        own = fitting.fit(ways[rest], minutes[rest], free)
        unseen[part] = fitting.quickest(ways[part], own.factors)[1]
    return unseen


def _with_factors(speeds: Profile, factors: Floats, trips: int) -> Profile:
    """Return the profile with the minutes of every group multiplied: shares of the speed, over its factor."""
    factor = np.append(factors, 1.0)
    shares, sources = dict(speeds.shares), dict(speeds.sources)
    for road_class, (built_up, rural) in speeds.shares.items():
        town, country = groups_of(road_class)
        if town != AS_GIVEN:
            shares[road_class] = float(built_up / factor[town]), float(rural / factor[country])
            sources[road_class] = f"{sources.get(road_class, 'as given')}; fitted to {counted(trips, 'trip')}"
    return replace(speeds, name=f"{speeds.name}, calibrated", shares=shares, sources=sources)


def _factors(found: fitting.Fit, drawn: Floats, minutes: Floats, free: Flags) -> pd.DataFrame:
    """Return the table of factors, from fitted trips' minutes at present speeds (n, groups)."""
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    return pd.DataFrame(
        {
            "factor": found.factors,
            "low": low,
            "high": high,
            "trips": (minutes >= 1.0).sum(axis=0),
            "minutes": minutes.sum(axis=0),
            "basis": np.where(free, "fitted", "common"),
        },
        index=pd.Index(GROUPS, name="group"),
    )


def _errors(which: str, minutes: Floats, before: Floats, after: Floats) -> pd.DataFrame:
    """Return the errors of modelled minutes as two rows: before, after."""
    rows = []
    for modelled in (before, after):
        error = modelled - minutes
        rows.append(
            {
                "count": len(minutes),
                "median_error_minutes": float(np.median(np.abs(error))),
                "mean_error_share": float(np.mean(np.abs(error) / minutes)),
                "bias_minutes": float(np.median(error)),
                "within_3_minutes": float(np.mean(np.abs(error) <= 3.0)),
            }
        )
    return pd.DataFrame(
        rows, index=pd.MultiIndex.from_product([[which], ["before", "after"]], names=["trips", "speeds"])
    )


def _improved(minutes: Floats, before: Floats, after: Floats) -> bool:
    """Return whether the median error fell, and more trips came nearer than chance explains (1 in 20)."""
    old, new = np.abs(before - minutes), np.abs(after - minutes)
    nearer, farther = int((new < old).sum()), int((new > old).sum())
    if not nearer:
        return False
    chance = stats.binomtest(nearer, nearer + farther, alternative="greater").pvalue
    return bool(np.median(new) < np.median(old) and chance < 0.05)


def _tell(result: Calibration) -> None:
    """Log what a reader of the figures has to know."""
    if len(result.set_aside):
        _log.warning(
            "%s of %s set aside: %s",
            f"{len(result.set_aside):,}",
            counted(len(result.set_aside) + len(result.trips), "observed trip"),
            reasons(result.set_aside),
        )
    for group, row in result.factors[result.factors["basis"] == "common"].iterrows():
        _log.warning(
            "%s roads take the common factor %.2f: %s there for a minute or more, and %d are needed",
            group, row["factor"], counted(int(row["trips"]), "trip"), FEWEST_ON_GROUP,
        )  # fmt: skip
    if not result.settled:
        _log.warning("routes had not settled after %d rounds; factors may be a little off", result.rounds)
    if not result.improved:
        before, after = result.errors.loc["held back"]["median_error_minutes"].tolist()
        _log.warning(
            "held-back trips are not modelled better (median error %.2f minutes before, %.2f after); "
            "keep the present speeds, or add trips",
            before, after,
        )  # fmt: skip
