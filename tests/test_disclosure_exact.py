"""The attacker's ends are those of all tables that could be true, and no cheaper hiding would be safe."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zonedesign.disclosure import Policy, Publication, Table, attack, hiding, publish
from zonedesign.disclosure.asking import Trial, asks_of, meets, reader_of
from zonedesign.disclosure.hiding import loss
from zonedesign.levels import Level

MOST = 7


def tables(*labels: str) -> dict[str, Table]:
    """Tables of one level, each a word of a letter a unit."""
    return {
        str(k): Table(pd.Series(list(word), index=range(len(word))), dict.fromkeys(word, "3"))
        for k, word in enumerate(labels)
    }


def people(*counts: int) -> pd.DataFrame:
    return pd.DataFrame({"customers": [float(c) for c in counts], "weekly_hours": [12.0 * c for c in counts]})


def could_be(made: Publication, *, band: tuple[int, int] | None = None) -> list[tuple[int, ...]]:
    """Every table of units that agrees with all that is printed, by plain enumeration."""
    figures, hidden = made.figures, made.hidden.figures
    found = []
    for values in itertools.product(range(MOST + 1), repeat=len(figures.truth["customers"])):
        sums = figures.covers @ np.array(values)
        agrees = np.where(hidden, sums >= 1, sums == figures.value["customers"])
        if band is not None:
            for entry in figures.entries:
                if entry.kind == "zone" and hidden[entry.figure]:
                    agrees[entry.figure] &= band[0] <= sums[entry.figure] <= band[1]
        if agrees.all():
            found.append(values)
    return found


CASES = [
    (("abcde",), (2, 4, 5, 3, 6)),
    (("aabcd", "abbcd"), (5, 1, 6, 7, 5)),
    (("aabbc", "abbcc"), (3, 2, 4, 1, 6)),
    (("aabbc", "abbcc", "abcab"), (3, 2, 4, 1, 6)),
]


@pytest.mark.parametrize(("words", "counts"), CASES)
@pytest.mark.parametrize("band", [None, (1, 9)])
def test_the_attack_finds_the_ends_of_all_tables_that_could_be_true(
    words: tuple[str, ...], counts: tuple[int, ...], band: tuple[int, int] | None
) -> None:
    living = pd.Series(float(MOST), index=range(len(counts)))
    levels = [] if band is None else [Level("3", customers=band)]
    made = publish(tables(*words), people(*counts), policy=Policy(below=3), levels=levels, residents=living)
    held = None
    if band is not None:
        value = made.figures.value["customers"]
        zones = [e.figure for e in made.figures.entries if e.kind == "zone"]
        assert all(value[f] <= band[1] for f in zones if made.hidden.figures[f])
        held = band
    every = np.array(could_be(made, band=held))
    found = attack(made)
    found = found[found["figure"] == "customers"]
    asks = [
        ask
        for ask in made.hidden.asks["customers"]
        if ask.figure < 0 or (made.hidden.figures | made.figures.must)[ask.figure]
    ]
    assert len(asks) == len(found)
    for ask, row in zip(asks, found.itertuples(), strict=True):
        sums = every @ ask.goal
        assert (row.low, row.high) == (sums.min(), sums.max())


def safe(figures: object, policy: Policy, hidden: np.ndarray, first: Publication) -> bool:
    """Whether a choice meets every ask, tried without witnesses or cuts, and the count of three holds."""
    for quantity in figures.quantities:
        trial = Trial(figures, quantity, first.hidden.asks[quantity], reader_of(figures, quantity, policy))
        for k, ask in enumerate(trial.asks):
            if ask.figure >= 0 and not (hidden | figures.must)[ask.figure]:
                continue
            if not meets(ask, *trial.limits(k, hidden)):
                return False
    zones = [e for e in figures.entries if e.kind == "zone"]
    for total in figures.entries:
        if total.kind == "zone" or hidden[total.figure]:
            continue
        behind = [
            z
            for z in zones
            if z.table == total.table and hidden[z.figure] and total.kind in ("total", "level")
        ]
        if 0 < len(behind) < 3:
            return False
    return True


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=5, max_size=5), st.sampled_from(["abcde", "aabcd"]))
def test_no_choice_that_loses_fewer_hours_would_be_safe(counts: list[int], word: str) -> None:
    policy = Policy(below=4)
    made = publish(tables(word), people(*counts), policy=policy)
    figures = made.figures
    assert made.hidden.least
    cost = loss(figures)
    places = np.flatnonzero(figures.free & ~figures.must)
    for more in itertools.product([False, True], repeat=len(places)):
        hidden = figures.must & figures.free
        hidden[places] = more
        if cost[hidden].sum() < cost[made.hidden.figures].sum() - 1e-6:
            assert not safe(figures, policy, hidden, made)
    assert safe(figures, policy, made.hidden.figures, made)


def test_asks_are_for_hidden_figures_and_for_small_parts_between_plans() -> None:
    made = publish(tables("aabcd", "abbcd"), people(5, 1, 6, 7, 5), policy=Policy(below=3))
    asks = asks_of(made.figures, made.policy)["customers"]
    assert [(ask.width, ask.high) for ask in asks if ask.figure < 0] == [(2.0, 3.0)]


def test_a_choice_that_is_not_proved_the_least_is_safe_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    plans, counts = tables("aabcdefg", "abbcdefg"), people(5, 1, 6, 7, 5, 9, 8, 3)
    best = publish(plans, counts)
    monkeypatch.setattr(hiding, "ROUNDS", 1)
    grown = publish(plans, counts)
    cost = loss(best.figures)
    assert best.hidden.least
    assert not grown.hidden.least
    assert attack(grown)["safe"].all()
    assert cost[grown.hidden.figures].sum() >= cost[best.hidden.figures].sum() >= grown.hidden.bound
