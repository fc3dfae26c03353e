"""Plans put together: what one draft is good at, and what another is."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import zonedesign as zd
from zonedesign.problem import Objective
from zonedesign.solve.combine import ZonesMet
from zonedesign.solve.fixing import possible_arcs
from zonedesign.solve.improve import Draft, Search

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
