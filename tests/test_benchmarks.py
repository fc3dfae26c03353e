"""The benchmarks of solving tell the truth: bars met or not, the best row, what a plan breaks, what is run."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import zonedesign as zd

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    """The benchmarks' modules, which import one another by name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = set(sys.modules)
    import asking
    import bars
    import barspage
    import england
    import solving

    yield SimpleNamespace(asking=asking, bars=bars, page=barspage, england=england, solving=solving)
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").parent == BENCHMARKS:
            del sys.modules[name]


def row(**changes):
    """A run of ours of 300 s with a gap of 1.5 %."""
    told = {"limit": 300.0, "seconds": 300.2, "wall": 303.0, "peak_mb": 500.0, "status": "feasible"}
    told |= {"objective": 4.0, "bound": 3.94, "gap": 0.015, "verified": True, "zones": {"1": 17}}
    told |= {"breaks": {"bands": 0, "pieces": 0, "reach": 0, "others": 0, "counts": []}}
    return told | {"day": "2026-11-20", "commit": "abc", "load": 0.1} | changes


# Bars.


@pytest.mark.parametrize(
    ("changes", "met"),
    [
        ({}, True),
        ({"gap": 0.021}, False),
        ({"gap": None}, False),
        ({"verified": False}, False),
        ({"seconds": 310.0}, False),
        ({"limit": 30.0, "seconds": 30.0}, None),
    ],
)
def test_a_gap_is_met_by_a_verified_plan_with_it_in_time(bench, changes, met):
    assert bench.bars.Bar(300, gap=0.02).met(row(**changes)) is met


def test_a_run_that_failed_meets_nothing_and_one_not_run_is_not_judged(bench):
    bar = bench.bars.Bar(300)
    assert bar.met({"limit": 300.0, "failed": "ended with 1"}) is False
    assert bar.met(None) is None


@pytest.mark.parametrize(
    ("changes", "met"),
    [
        ({"status": "optimal", "objective": 61232.58000012, "wall": 99.0}, True),
        ({"status": "optimal", "objective": 61232.60, "wall": 99.0}, False),
        ({"status": "feasible", "objective": 61232.58, "wall": 99.0}, False),
        ({"status": "optimal", "objective": 61232.58, "wall": 101.0}, False),
    ],
)
def test_a_published_value_is_met_by_its_proof_in_time(bench, changes, met):
    bar = bench.bars.Bar(100, proof=True, printed=61232.58, within=100)
    assert bar.met(row(limit=100.0, seconds=50.0, **changes)) is met


def test_infeasibility_proved_is_a_proof_unless_an_optimum_was_printed(bench):
    proved = row(limit=100.0, status="infeasible", verified=False, objective=None, wall=3.0)
    assert bench.bars.Bar(100, proof=True, within=100).met(proved) is True
    assert bench.bars.Bar(100, proof=True, within=2).met(proved) is False
    assert bench.bars.Bar(100, proof=True, within=100, printed=5.0).met(proved) is False


def test_memory_counts_where_the_bar_has_it(bench):
    bar = bench.bars.Bar(300, memory_mb=8000)
    assert [bar.met(row(peak_mb=mb)) for mb in (7999.0, 8000.0, None)] == [True, False, None]


@pytest.mark.parametrize(
    ("other", "met"),
    [
        ({"verified": True, "objective": 4.0}, True),
        ({"verified": True, "objective": 3.9}, False),
        ({"verified": False, "objective": 3.9}, True),
        ({"failed": "not done in 600 s"}, None),
        (None, None),
    ],
)
def test_ours_must_be_as_good_as_the_plan_carried_over_where_that_verifies(bench, other, met):
    assert bench.bars.Bar(300, carried=True).met(row(), other) is met


# The page.


def of_case(bench, **peers):
    """Results of `se-hampshire-17` alone."""
    rows = {bench.bars.key_of(who, 300): told for who, told in peers.items()}
    about = {"cores": 2, "processor": "one", "system": "Linux", "python": "3.11.7", "versions": {"PuLP": "3"}}
    return {"machine": about, "rows": {"se-hampshire-17": rows}}


def line_of(text, title):
    """The line of the table beside peers, its cells."""
    table = text.split("### `se-hampshire-17`")[1].split("###")[0]
    (found,) = [line for line in table.splitlines() if title in line]
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_the_page_has_every_case_and_says_what_is_not_measured(bench):
    text = bench.page.document({"rows": {}})
    unmeasured = text.split("Not measured side by side yet:")[1]
    assert all(f"`{name}`" in unmeasured for name in bench.bars.CASES)
    assert "Nothing is measured yet." in text
    assert "| yes |" not in text


def test_the_best_row_is_the_least_objective_among_plans_that_meet_every_rule(bench):
    better = row(objective=3.5, verified=False, breaks=row()["breaks"] | {"bands": 2, "reach": 1})
    text = bench.page.document(of_case(bench, zonedesign=row(), skater=better, azp=row(objective=4.2)))
    assert line_of(text, "zonedesign")[:2] == ["**zonedesign**", "**4.0000**"]
    assert line_of(text, "Skater")[1] == "3.5000"
    assert line_of(text, "Skater")[4] == "2 zones out of band; 1 unit out of reach"
    assert "Ours has it in 1 of 1 cases." in " ".join(text.split())


def test_a_peer_that_is_better_is_marked_and_named(bench):
    text = bench.page.document(of_case(bench, zonedesign=row(), azp=row(objective=3.99)))
    assert line_of(text, "AZP")[1] == "**3.9900**"
    assert line_of(text, "zonedesign")[1] == "4.0000"
    assert "Ours has it in 0 of 1 cases; not in `se-hampshire-17` (azp)." in " ".join(text.split())


def test_peers_that_cannot_or_fail_say_why(bench):
    failed = {"limit": 300.0, "verified": False, "objective": None, "note": "stopped | at\nthe limit"}
    failed |= {"day": "2026-11-20", "commit": "abc", "load": None}
    none = {"limit": 300.0, "cannot": "it works on places", "day": "2026-11-21", "commit": "abd", "load": 2.0}
    text = bench.page.document(of_case(bench, zonedesign=row(), skater=failed, maxp=none))
    assert line_of(text, "Skater")[1::6] == ["no plan", "stopped / at the limit"]
    assert line_of(text, "MaxP")[1::6] == ["cannot", "it works on places"]
    assert "Measured 2026-11-20 to 2026-11-21" in " ".join(text.split())


def test_runs_cut_short_are_said_loudly_and_meet_no_bar(bench):
    text = bench.page.document(of_case(bench, zonedesign=row(limit=6.0, seconds=6.0)))
    assert "**1 of 1 runs had less than their time, to try things out.**" in " ".join(text.split())
    (line,) = [line for line in text.splitlines() if line.startswith("| `se-hampshire-17`")]
    assert line.count("not measured") == 2


def test_counts_of_levels_are_told_as_they_are_asked(bench):
    counts = [["1", 35, 20, 20], ["2", 0, 2, 12], ["3", 4, 5, None]]
    said = bench.page.broken(row(breaks=row()["breaks"] | {"counts": counts, "pieces": 1}))
    assert said == (
        "1 zone not connected; 35 zones of level 1 for 20; 0 zones of level 2 for 2 to 12; "
        "4 zones of level 3 for 5 or more"
    )


# What is run, and how it is judged.


def test_what_is_known_is_not_run_again_unless_asked_or_longer(bench):
    options = bench.solving.options
    rows = {"se-hampshire-17": {"zonedesign 300": {"limit": 300.0}, "azp 300": {"limit": 6.0}}}
    case = ["--case", "se-hampshire-17", "--who", "zonedesign", "azp"]
    assert bench.solving.wanted(options(case), rows) == [("se-hampshire-17", "azp", 300)]
    assert len(bench.solving.wanted(options([*case, "--again"]), rows)) == 2
    assert bench.solving.wanted(options([*case, "--seconds-scale", "0.02"]), rows) == []
    assert bench.solving.wanted(options([*case[:2], "--no-peers"]), rows) == []
    assert bench.solving.wanted(options(["--who"]), {}) == []


@pytest.mark.parametrize(
    ("who", "ours", "seconds"),
    [
        ("zonedesign", 280.0, 300.0),
        ("azp", 280.0, 280.0),
        ("azp", 302.0, 300.0),
        ("bursts", 270.0, 180.0),
        ("azp", 1.5, 20.0),
        ("azp", None, 300.0),
    ],
)
def test_a_peer_has_its_share_of_the_time_that_ours_took_and_twenty_seconds(bench, who, ours, seconds):
    rows = {} if ours is None else {"se-hampshire-17": {"zonedesign 300": {"seconds": ours}}}
    assert bench.solving.limit("se-hampshire-17", who, 300, rows) == pytest.approx(seconds)


def test_cases_of_oas_run_for_each_limit_and_carry_the_plan_of_lsoas(bench):
    asked = bench.solving.options(["--case", "west-sussex-oa", "--no-peers"])
    assert bench.solving.wanted(asked, {}) == [
        ("west-sussex-oa", "zonedesign", 60),
        ("west-sussex-oa", "zonedesign", 600),
        ("west-sussex-oa", "carried", 600),
    ]


def line_of_units(hours, **level):
    """Units in a line, a minute apart, each beside the next."""
    n = len(hours)
    frame = pd.DataFrame({"hours": hours}, index=[f"u{i}" for i in range(n)])
    pairs = list(zip(frame.index[:-1], frame.index[1:], strict=True))
    units = zd.Units.from_frame(frame, hours="hours", contiguity=pairs)
    at = np.arange(n, dtype=float)
    times = zd.TravelTimes.from_matrix(np.abs(at[:, None] - at), ids=frame.index)
    return zd.Problem(units, times, levels=[zd.Level("1", **level)], rules=[zd.Contiguous()])


def test_a_plan_is_judged_by_what_it_breaks(bench):
    problem = line_of_units([1.0] * 6, weekly_hours=(2, 3), max_minutes=1, zones=3)
    labels = pd.Series(list("aaaabc"), index=problem.units.ids)
    plan = zd.Plan.from_labels(problem.units, problem.times, labels, levels=problem.levels)
    told = bench.solving.judged(plan, problem, 6.0)
    assert told["breaks"] == {"bands": 3, "pieces": 0, "reach": 1, "counts": [], "others": 0}
    assert told["objective"] == pytest.approx(4.0)  # minutes 1, 0, 1, 2 and 0, 0
    assert not told["verified"]


@pytest.mark.parametrize(
    ("labels", "broken", "minutes"),
    [
        ([0, 0, 0, 1, 1, 1], 0, 4 / 6),
        ([0, 0, 1, 0, 1, 1], 4, 6 / 6),  # both zones in two pieces, a unit of each out of reach
        ([0, 0, 0, 0, 1, 1], 2, 5 / 6),  # four hours, and one out of reach
        ([0, 0, 1, 1, 2, 2], 1, 3 / 6),  # three zones for two
    ],
)
def test_labels_are_judged_roughly_as_verify_would(bench, labels, broken, minutes):
    problem = line_of_units([1.0] * 6, weekly_hours=(2, 3), max_minutes=1, zones=2)
    rules = bench.asking.Rules(problem)
    found = rules.judge(np.array(labels), problem.units.contiguity.pairs)
    assert found == (broken, pytest.approx(minutes))
    names = pd.Series(labels, index=problem.units.ids).astype(str)
    plan = zd.Plan.from_labels(problem.units, problem.times, names, levels=problem.levels)
    assert problem.terms(plan)["mean_minutes"] == pytest.approx(minutes)
    assert bool(zd.verify(plan, problem)["passed"].all()) is (broken == 0)


def test_minutes_beyond_what_is_known_do_not_pass_for_in_reach(bench):
    problem = line_of_units([1.0] * 4, weekly_hours=(1, 4), zones=1)
    far = problem.times.to_array()
    far[far > 2] = np.inf
    problem = problem.with_(times=zd.TravelTimes.from_matrix(far, ids=problem.units.ids))
    assert bench.asking.Rules(problem).zone(np.arange(4))[1] == 0  # from the middle all are known
    assert bench.asking.Rules(problem).zone(np.array([0, 3]))[1] == 1


def test_peers_get_as_many_zones_as_counts_allow(bench):
    assert bench.asking.most_zones(line_of_units([5.0] * 4, weekly_hours=(5, 9), zones=(2, 3))) == 3
    assert bench.asking.most_zones(line_of_units([5.0] * 4, weekly_hours=(8, 9))) == 2


def test_peers_get_as_many_zones_as_shares_of_hours_allow(bench):
    problem = line_of_units([5.0] * 20, weekly_hours=(5, 9))
    large = zd.Level("1", weekly_hours=(20, 40), hours_share=(0.6, None))
    small = zd.Level("2", weekly_hours=(5, 10), hours_share=(0.1, 0.25))
    # At most 25 of 100 hours are in zones of 5, and the other 75 in zones of 20.
    assert bench.asking.most_zones(problem.with_(levels=[large, small])) == 5 + 3
    assert bench.asking.most_zones(line_of_units([100.0, 1.0], weekly_hours=(1, None))) == 2


def test_peers_get_no_zones_for_hours_that_counted_levels_need(bench):
    problem = line_of_units([5.0] * 20, weekly_hours=(5, 9))
    counted = zd.Level("1", weekly_hours=(20, 40), zones=(3, 4))
    small = zd.Level("2", weekly_hours=(10, 20))
    # Of 100 hours three zones need 60, and the other 40 make four of 10; a fourth of 20 would cost two of them.
    assert bench.asking.most_zones(problem.with_(levels=[counted, small])) == 3 + 4


# The case as large as England.


@pytest.mark.parametrize(
    ("units", "sizes", "numbers"),
    [(33_000, (2174, 2645), (8, 6)), (4_000, (2174, 2645), (2, 0)), (1, (2174, 2645), (1, 0))],
)
def test_tiles_give_the_units_asked_for_or_a_little_more(bench, units, sizes, numbers):
    assert bench.england.numbers_of(units, sizes) == numbers


def test_a_way_between_tiles_is_the_quickest_of_its_roads(bench):
    from scipy import sparse

    england, at = bench.england, np.arange(7.0)
    minutes = np.abs(at[:, None] - at)
    stored = sparse.csr_array((minutes.ravel(), np.nonzero(np.ones((7, 7)))), shape=(7, 7))
    empty = np.zeros(0)
    piece = england.Piece(pd.RangeIndex(7), empty, at, at, empty, empty, stored)
    found = england.across(piece, np.array([0, 6]), piece, np.array([0, 6]), 7.0).toarray()
    assert found[0, 0] == 3.0
    assert found[5, 6] == 4.0
    assert found[3, 0] == 6.0
    assert found[3, 3] == 0.0  # nine minutes by either road: beyond the limit, so absent
    assert (found[found > 0] <= 7.0).all()
