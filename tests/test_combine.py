"""Plans put together: what one draft is good at, and what another is."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import zonedesign as zd
from zonedesign.model.engine import Ended, Solved
from zonedesign.problem import Objective
from zonedesign.progress import silent
from zonedesign.solve import combine, rounds
from zonedesign.solve.combine import ZonesMet
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.improve import Draft, Search
from zonedesign.solve.rounds import Rounds
from zonedesign.solve.standing import Standing

ROW = "abcdefgh"
"""Two islands of four units in a row, a minute from one to the next, most hours at the far ends; four zones."""


def search(objective: Objective | None = None) -> Search:
    minutes = np.abs(np.subtract.outer(np.arange(8.0), np.arange(8.0)))
    frame = pd.DataFrame({"hours": [3.0, 1, 1, 1, 1, 1, 1, 3]}, index=list(ROW))
    near = [(a, b) for a, b in itertools.pairwise(ROW) if (a, b) != ("d", "e")]
    problem = zd.Problem(
        zd.Units.from_frame(frame, hours="hours", contiguity=near),
        zd.TravelTimes.from_matrix(minutes, frame.index),
        levels=[zd.Level("1", weekly_hours=(1, 5), zones=4)],
        rules=[zd.Contiguous()],
        **({} if objective is None else {"objective": objective}),
    )
    return Search.of(problem, possible_arcs(problem))


def draft(zones: str) -> Draft:
    """A draft with a zone a letter, its second unit the centre where it has three."""
    zone = np.unique(list(zones), return_inverse=True)[1].astype(np.int64)
    members = [np.flatnonzero(zone == z) for z in range(zone.max() + 1)]
    centre = np.array([units[len(units) // 2] for units in members])
    return Draft(zone, np.zeros(len(members), dtype=np.int64), centre)


def row_of_eight() -> Search:
    """All eight in a row, nine hours at either end, and four zones of one unit or more."""
    minutes = np.abs(np.subtract.outer(np.arange(8.0), np.arange(8.0)))
    frame = pd.DataFrame({"hours": [9.0, 1, 1, 1, 1, 1, 1, 9]}, index=list(ROW))
    problem = zd.Problem(
        zd.Units.from_frame(frame, hours="hours", contiguity=list(itertools.pairwise(ROW))),
        zd.TravelTimes.from_matrix(minutes, frame.index),
        levels=[zd.Level("1", weekly_hours=(1, 20), zones=(3, 4))],
        rules=[zd.Contiguous()],
    )
    return Search.of(problem, possible_arcs(problem))


def west_and_east() -> tuple[Draft, Draft]:
    """One draft with a good west, whose last zone's centre is far from h, and one with a good east from d on."""
    west = replace(draft("12223444"), centre=np.array([0, 2, 4, 5]))
    return west, replace(draft("11122223"), centre=np.array([2, 5, 7]))


def zones_of(draft: Draft) -> set[str]:
    return {"".join(np.array(list(ROW))[draft.zone == z]) for z in np.unique(draft.zone)}


def nearly(met: ZonesMet) -> list[Draft]:
    return met.nearly(seconds=60.0, seed=0)


def test_a_unit_in_two_zones_keeps_the_nearer_centre():
    met = ZonesMet(row_of_eight())
    for each in west_and_east():
        met.add(each)
    assert zones_of(nearly(met)[0]) == {"a", "bcd", "efg", "h"}  # d is a minute from c, two from f


def test_a_unit_in_no_zone_takes_the_nearest_centre():
    met = ZonesMet(row_of_eight())
    met.add(west_and_east()[0])
    met.add(replace(draft("11111223"), centre=np.array([2, 5, 7])))
    assert zones_of(nearly(met)[0]) == {"a", "bcd", "efg", "h"}  # e is a minute from f, two from c


def test_zones_that_fit_together_have_no_misfits():
    met = ZonesMet(row_of_eight())
    met.add(west_and_east()[0])
    assert nearly(met) == []


def test_nothing_new_nearly_fits_together():
    met = ZonesMet(row_of_eight())
    for each in west_and_east():
        met.add(each)
    assert nearly(met)
    met.fitted_from = len(met.zones)
    assert nearly(met) == []


def test_a_choice_that_was_ended_early_and_costs_more_than_a_draft_is_left(monkeypatch):
    met = ZonesMet(row_of_eight())
    for each in west_and_east():
        met.add(each)

    def nothing_but_misfits(columns, **_):
        alone = np.zeros(len(columns.cost))
        alone[-16:-8] = 1.0  # every unit in no zone
        return Solved(Ended.LIMIT, 0.0, float(columns.cost @ alone), alone)

    monkeypatch.setattr(combine, "choose", nothing_but_misfits)
    assert nearly(met) == []


def test_what_nearly_fits_together_is_mended_and_kept():
    search = row_of_eight()
    standing = Standing(search.problem, 600.0, 0.0, None, silent)
    west, east = west_and_east()
    pool = [replace(west, price=21.0), replace(east, price=23.0)]
    under_way = Rounds(standing, search, pool, 0, 1, lambda _: west)
    under_way.looked, under_way.tried = [0] * 2, [0] * 2
    for each in pool:
        under_way.met.add(each)
    under_way._combine(1.0)
    assert min(each.price for each in under_way.pool) == pytest.approx(4.0)  # two of bcd, two of efg
    assert standing.objective * 24.0 == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("gain", "all_looked_at", "looked"), [(1e-4, False, 100), (1e-3, False, 0), (1e-4, True, 8_000)]
)
def test_a_small_gain_is_no_reason_to_look_all_over_again(monkeypatch, gain, all_looked_at, looked):
    monkeypatch.setattr(rounds, "LOOKS", 1000)
    search = row_of_eight()
    standing = Standing(search.problem, 600.0, 0.0, None, silent)
    west = replace(west_and_east()[0], price=21.0)
    under_way = Rounds(standing, search, [west], 0, 1, lambda _: west)
    under_way.looked, under_way.tried = [0], [0]
    under_way._return(0, replace(west, price=21.0 * (1 - gain)), all_looked_at=all_looked_at)
    assert (under_way.pool[0].price, under_way.looked[0]) == (21.0 * (1 - gain), looked)


def test_a_draft_that_was_best_when_it_settled_is_left_once_there_is_a_better_one(monkeypatch):
    search = row_of_eight()
    standing = Standing(search.problem, 600.0, 0.0, None, silent)
    fresh, west = replace(draft("11122233"), price=30.0), replace(west_and_east()[0], price=21.0)
    best = replace(draft("12223334"), price=4.0)
    under_way = Rounds(standing, search, [west, best], 0, 1, lambda _: fresh)
    under_way.looked, under_way.tried = [10**6] * 2, [0] * 2
    monkeypatch.setattr(under_way, "_picked", lambda: [1])
    under_way._round(1.0)
    assert under_way.pool[0] is fresh
    assert [draft.price for draft in under_way.pool] == [30.0, 4.0]
    assert under_way.looked[0] == 0


def best_of(met: ZonesMet) -> Draft | None:
    return met.best(seconds=60.0, seed=0)


def test_the_good_halves_of_two_drafts_make_one():
    met = ZonesMet(search())
    met.add(draft("12223444"))  # 2 hour-minutes in the west, 3 in the east
    assert best_of(met).price == pytest.approx(5.0)
    met.add(draft("11123334"))  # 3 and 2
    found = best_of(met)
    assert found.price == pytest.approx(4.0)
    assert {frozenset(np.flatnonzero(found.zone == z).tolist()) for z in range(4)} == {
        frozenset({0}), frozenset({1, 2, 3}), frozenset({4, 5, 6}), frozenset({7}),
    }  # fmt: skip


def test_a_zone_is_kept_with_its_cheapest_centre():
    met = ZonesMet(search())
    zones = draft("11123334")
    met.add(Draft(zones.zone, zones.level, np.array([2, 3, 5, 7])))
    met.add(Draft(zones.zone, zones.level, np.array([0, 3, 5, 7])))
    held = np.array([0, 1, 2], dtype=np.int32).tobytes()
    assert met.zones[held, 0] == (0, pytest.approx(3.0))


def test_nothing_new_gives_nothing():
    met = ZonesMet(search())
    met.add(draft("11223344"))
    assert best_of(met) is not None
    met.add(draft("11223344"))
    assert best_of(met) is None


def test_zones_that_make_no_plan_give_nothing():
    met = ZonesMet(search())
    met.add(draft("11123333"))  # three zones only
    assert best_of(met) is None


def test_costs_that_do_not_add_up_are_left_alone():
    today = pd.Series(list("11223344"), index=list(ROW))
    met = ZonesMet(search(Objective(change=0.5, baseline=today)))
    met.add(draft("11223344"))
    assert not met.zones
    assert best_of(met) is None


def shared(share: tuple[float, float], hours: tuple[float, ...]) -> Search:
    """Units in a row, a minute from one to the next; two levels, the first with a share of all hours."""
    places, names = np.arange(float(len(hours))), list(ROW[: len(hours)])
    first = zd.Level("1", weekly_hours=(1, 3), hours_share=share)
    problem = zd.Problem(
        zd.Units.from_frame(
            pd.DataFrame({"hours": hours}, index=names),
            hours="hours",
            contiguity=list(itertools.pairwise(names)),
        ),
        zd.TravelTimes.from_matrix(np.abs(np.subtract.outer(places, places)), names),
        levels=[first, zd.Level("2", weekly_hours=(1, 3))],
        rules=[zd.Contiguous()],
    )
    return Search.of(problem, possible_arcs(problem))


@pytest.mark.parametrize(
    ("share", "held"), [((0.0, 0.3), [0, 1, 1, 1]), ((0.7, 0.8), [0, 0, 0, 1]), ((0.5, 0.5), None)]
)
def test_levels_of_plans_put_together_keep_to_their_shares_of_hours(share, held):
    met = ZonesMet(shared(share, (1.0, 1.0, 1.0, 1.0)))
    met.add(Draft(np.array([0, 1, 1, 1]), np.array([1, 0]), np.array([0, 2])))  # bcd is of the first level
    met.add(Draft(np.array([0, 1, 1, 1]), np.array([0, 1]), np.array([0, 2])))  # a is
    met.add(Draft(np.array([0, 0, 0, 1]), np.array([0, 1]), np.array([1, 3])))  # abc is
    found = best_of(met)
    assert (found is None) == (held is None)
    if found is not None:
        assert math.isfinite(found.price)
        assert sorted(found.level[found.zone]) == held


@pytest.mark.parametrize(("share", "drafts"), [((0.5, 0.5), 1), ((0.0, 0.3), 0)])
def test_levels_of_what_nearly_fits_together_keep_to_their_shares_too(share, drafts):
    met = ZonesMet(shared(share, (1.0, 1.0, 0.0, 1.0, 1.0)))
    met.add(Draft(np.array([0, 0, 0, 1, 1]), np.array([0, 1]), np.array([2, 3])))  # de is cheap
    met.add(Draft(np.array([0, 0, 1, 1, 1]), np.array([0, 1]), np.array([0, 2])))  # ab is; then c is in none
    assert len(nearly(met)) == drafts
