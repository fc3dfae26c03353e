"""Awards beside every award there is of tiny contests, and what is said of caps, ties and bids that lose."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lots_world import row

import zonedesign as zd
from zonedesign.lots import AwardRules, Terms

ALIKE = AwardRules(count_lots="alike")
NEAR = 1e-7


@cache
def world(hours: tuple[float, ...], roles: tuple[str, ...]) -> zd.Lots:
    plan, problem = row(list(hours), providers={"1": dict.fromkeys(roles, 1)})
    return zd.lots(plan, problem, draws=100)


def lots_of(hours, terms=None, roles=("lead",)):
    return replace(world(tuple(hours), tuple(roles)), terms=terms or Terms(award=ALIKE))


def bids(*rows: tuple, **more: object) -> pd.DataFrame:
    """Bids as (provider, lot, price, quality)."""
    return pd.DataFrame(rows, columns=["provider", "lot", "price", "quality"]).assign(**more)


def winners(won: zd.Award) -> dict[tuple[str, str], str]:
    return {(r["lot"], r["role"]): r["provider"] for r in won.award.to_dict("records")}


# Beside every award.


class Everything:
    """Every award of a tiny contest, worked out without the room's own figures."""

    def __init__(self, table: pd.DataFrame, found: zd.Lots, *, caps: bool = True) -> None:
        self.hours = dict(zip(found.plan.zone_ids, found.lots["weekly_hours"], strict=True))
        self.roles = [role for role, number in found.problem.levels[0].providers.items() if number]
        terms, rules = found.terms, found.terms.award
        total = sum(self.hours.values())
        counts = {
            lot: (h / total if rules.count_lots == "hours" else 1 / len(self.hours))
            for lot, h in self.hours.items()
        }
        lowest = table.groupby("lot")["price"].min()
        groups: dict[tuple, list] = {}
        for at, each in enumerate(table.to_dict("records")):
            key = (each["provider"], each["combination"] or at)
            groups.setdefault(key, []).append(each)
        options = [(rows, place) for rows in groups.values() for place in range(len(self.roles))]
        share = 1 / len(self.roles)  # all providers of a lot alike, for nothing else is stated
        self.best: list[tuple[float, ...]] = []
        for size in range(len(options) + 1):
            for chosen in itertools.combinations(options, size):
                seats = [(each["lot"], place) for rows, place in chosen for each in rows]
                held = [(each["lot"], each["provider"]) for rows, _ in chosen for each in rows]
                if len(set(seats)) < len(seats) or len(set(held)) < len(held):
                    continue
                if not self._allowed(held, table, terms, share, caps=caps):
                    continue
                figures = [0.0, 0.0, 0.0, 0.0]
                for rows, place in chosen:
                    for each in rows:
                        weight = counts[each["lot"]] / (place + 1)
                        score = rules.price * 100 * lowest[each["lot"]] / each["price"]
                        score = round(score + rules.quality * each["quality"], 2)
                        for k, value in enumerate((1.0, score, each["quality"], -each["price"])):
                            figures[k] += weight * value
                self.best.append(tuple(figures))

    def _allowed(self, held, table, terms, share, *, caps) -> bool:
        for provider in {name for _, name in held}:
            mine = [lot for lot, name in held if name == provider]
            hours = share * sum(self.hours[lot] for lot in mine)
            stated = table.loc[table["provider"] == provider, "capacity"].iloc[0]
            if hours > stated + 1e-6:
                return False
            if caps and terms.cap is not None and len(mine) > terms.cap:
                return False
            most = terms.cap_hours_share
            if caps and most is not None and hours > most * sum(self.hours.values()) + 1e-6:
                return False
        return True

    def optima(self, figures: int) -> list[tuple[float, ...]]:
        """Return the awards that are best by the first so many figures in their order."""
        left = self.best
        for k in range(figures):
            top = max(each[k] for each in left)
            left = [each for each in left if each[k] > top - NEAR]
        return left


@st.composite
def contests(draw):
    many = draw(st.integers(1, 3))
    roles = draw(st.sampled_from([("lead",), ("lead", "secondary")])) if many < 3 else ("lead",)
    hours = tuple(float(draw(st.sampled_from([20, 30, 50, 100]))) for _ in range(many))
    names = "abc"[:many]
    rows = []
    for provider in ("P", "Q", "R")[: draw(st.integers(1, 3))]:
        capacity = draw(st.sampled_from([1000.0, 60.0, 30.0]))
        bidding = [lot for lot in names if draw(st.booleans())]
        price, quality = st.sampled_from([18.0, 20.0, 24.0]), st.sampled_from([50.0, 70.0, 90.0])
        rows += [(provider, lot, draw(price), draw(quality), capacity, "") for lot in bidding]
        if many > 1 and len(roles) == 1 and draw(st.booleans()):
            together = draw(st.sampled_from([17.0, 20.0]))
            rows += [(provider, lot, together, 70.0, capacity, "both") for lot in names[:2]]
    if not rows:
        rows = [("P", "a", 20.0, 50.0, 1000.0, "")]
    table = pd.DataFrame(rows, columns=["provider", "lot", "price", "quality", "capacity", "combination"])
    terms = Terms(
        cap=draw(st.sampled_from([None, 1, 2])),
        cap_hours_share=draw(st.sampled_from([None, 0.4])),
        award=AwardRules(count_lots=draw(st.sampled_from(["hours", "alike"]))),
    )
    return table, lots_of(hours, terms, roles)


@settings(max_examples=250, deadline=None)
@given(contests())
def test_no_award_at_all_is_better_than_the_one_given(contest):
    table, found = contest
    won = zd.award(table, found)
    every = Everything(table, found)
    top = every.optima(4)[0]
    given_ = [won.figures[name] for name in ("filled", "score", "quality")] + [-won.figures["price"]]
    assert given_ == pytest.approx(list(top), abs=1e-6)
    assert won.tied == (len(every.optima(2)) > 1)


@settings(max_examples=60, deadline=None)
@given(contests())
def test_the_award_without_caps_is_the_best_there_is_too(contest):
    table, found = contest
    won = zd.award(table, found)
    top = Everything(table, found, caps=False).optima(2)[0]
    without = won.without_caps or won.figures
    assert [without["filled"], without["score"]] == pytest.approx(list(top[:2]), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(contests())
def test_the_order_of_the_bids_decides_nothing(contest):
    table, found = contest
    once, again = zd.award(table, found), zd.award(table.iloc[::-1], found)
    assert winners(once) == winners(again)


# By hand.


def test_price_and_quality_are_weighed_as_stated():
    rules = AwardRules(price=0.3, quality=0.7, count_lots="alike")
    won = zd.award(bids(("Ash", "a", 20.0, 60), ("Birch", "a", 25.0, 80)), lots_of([10]), rules)
    # Ash: 30 + 42 = 72. Birch: 0.3 x 100 x 20 / 25 = 24, and 56: 80.
    assert won.bids["score"].tolist() == [72.0, 80.0]
    assert winners(won) == {("a", "lead"): "Birch"}
    assert won.bids["why_not"].tolist() == ["others score more in the lot", ""]


def test_scores_are_taken_as_given():
    table = pd.DataFrame({"provider": ["Ash", "Birch"], "lot": ["a", "a"], "score": [61.5, 61.4]})
    won = zd.award(table, lots_of([10]), AwardRules(method="scores"))
    assert winners(won) == {("a", "lead"): "Ash"}


def test_the_better_of_two_leads_and_the_other_is_secondary():
    found = lots_of([10], roles=("lead", "secondary"))
    won = zd.award(bids(("Ash", "a", 20.0, 60), ("Birch", "a", 20.0, 80)), found)
    assert winners(won) == {("a", "lead"): "Birch", ("a", "secondary"): "Ash"}


def test_the_price_of_a_cap_is_the_difference_of_two_awards_that_are_both_best():
    table = bids(
        ("Ash", "a", 20.0, 90), ("Ash", "b", 20.0, 90), ("Birch", "a", 20.0, 50), ("Birch", "b", 20.0, 60)
    )
    won = zd.award(table, lots_of([10, 10], Terms(cap=1, award=ALIKE)))
    # Scores 94 and 94 for Ash, 70 and 76 for Birch: one of each, (94 + 76) / 2 = 85 instead of 94.
    assert winners(won) == {("a", "lead"): "Ash", ("b", "lead"): "Birch"}
    assert won.figures["score"] == pytest.approx(85)
    assert won.without_caps is not None
    assert won.without_caps["score"] == pytest.approx(94)
    assert any(
        line.startswith("The caps cost 9.0000 points of score (94.0000 without them)") for line in won.says
    )
    assert won.bids["why_not"].tolist()[1] == "kept out: the cap of 1 lot; it wins a"
    assert won.award["why"].tolist()[1] == "Ash: b scores 94, and is kept out: the cap of 1 lot; it wins a"


def test_a_combination_wins_all_its_lots_or_none():
    table = bids(
        ("Ash", "a", 20.0, 70), ("Birch", "a", 16.0, 70), ("Birch", "b", 16.0, 70), ("Cedar", "b", 20.0, 95)
    ).assign(combination=["", "both", "both", ""])
    won = zd.award(table, lots_of([10, 10]))
    # Together 82 and 82; apart 0.4 x 100 x 16 / 20 + 42 = 74, and 32 + 57 = 89: 163 < 164.
    assert winners(won) == {("a", "lead"): "Birch", ("b", "lead"): "Birch"}
    assert won.award["combination"].tolist() == ["both", "both"]


def test_a_tie_is_settled_by_quality_then_price_then_name_and_that_is_said():
    rules = AwardRules(price=0.5, quality=0.5, count_lots="alike")
    # Ash: 50 x 18 / 20 + 40 = 85. Birch: 50 + 35 = 85.
    won = zd.award(bids(("Birch", "a", 18.0, 70), ("Ash", "a", 20.0, 80)), lots_of([10]), rules)
    assert winners(won) == {("a", "lead"): "Ash"}
    assert won.tied
    assert won.unique
    assert (
        "Another award has the same score; the tie rule decides, and after it no other is as good."
        in won.says
    )
    assert won.bids["why_not"].tolist()[0] == "same score as the winner; the tie rule decides"


def test_bids_alike_in_everything_go_by_the_alphabet():
    won = zd.award(
        bids(("Zoe", "a", 20.0, 70), ("ash", "a", 20.0, 70), ("Birch", "a", 20.0, 70)), lots_of([10])
    )
    assert winners(won) == {("a", "lead"): "ash"}
    assert won.unique


def test_a_lot_without_a_bid_stays_empty_and_is_named():
    won = zd.award(bids(("Ash", "a", 20.0, 70)), lots_of([10, 10]))
    assert winners(won)["b", "lead"] == ""
    assert won.award["why"].tolist()[1] == "no bid"
    assert "No bid for a place in 1 lot: b." in won.says


def test_a_bid_under_the_least_quality_cannot_win_and_is_told_why():
    rules = AwardRules(quality_least=60, count_lots="alike")
    won = zd.award(bids(("Ash", "a", 10.0, 50)), lots_of([10]), rules)
    assert winners(won) == {("a", "lead"): ""}
    assert won.award["why"].tolist() == ["no bid can win: Ash: a: quality 50 is under the least of 60"]


def test_capacity_keeps_a_provider_from_winning_more_than_it_can_do():
    table = bids(("Ash", "a", 20.0, 90), ("Ash", "b", 20.0, 90)).assign(capacity=15.0)
    won = zd.award(table, lots_of([10, 10]))
    assert won.award["why"].tolist()[1] == "Ash: b: its capacity of 15 h is too little for 20.0 h; it wins a"


def test_a_provider_may_say_how_many_lots_it_would_take():
    table = bids(("Ash", "a", 20.0, 90), ("Ash", "b", 20.0, 90)).assign(cap=1)
    won = zd.award(table, lots_of([10, 10]))
    assert won.bids["why_not"].tolist()[1] == "kept out: the provider takes 1 lot at most; it wins a"


def test_a_consortium_s_lots_count_for_its_members_too():
    table = bids(("Ash", "a", 20.0, 90), ("Team", "b", 20.0, 90), ("Dale", "b", 20.0, 30)).assign(
        members=["", "Ash; Birch", ""]
    )
    won = zd.award(table, lots_of([10, 10], Terms(cap=1, award=ALIKE)))
    # Team scores 94 in b, but Ash has a: with both it would have two lots.
    assert winners(won) == {("a", "lead"): "Ash", ("b", "lead"): "Dale"}
    assert won.bids["why_not"].tolist()[1] == "kept out: its member Ash: the cap of 1 lot; it wins a"
    assert won.providers.set_index("provider")["members"]["Team"] == "Ash; Birch"


def test_nobody_holds_two_places_in_a_lot_by_a_consortium():
    table = bids(("Ash", "a", 20.0, 90), ("Team", "a", 20.0, 80), ("Dale", "a", 20.0, 30)).assign(
        members=["", "Ash; Birch", ""]
    )
    won = zd.award(table, lots_of([10], roles=("lead", "secondary")))
    assert winners(won) == {("a", "lead"): "Ash", ("a", "secondary"): "Dale"}
    assert (
        won.bids["why_not"].tolist()[1].startswith("kept out: one of its members, or a consortium of it, has")
    )


def test_a_member_s_hours_are_its_part_of_the_consortium_s():
    table = bids(("Team", "a", 20.0, 90), ("Team", "b", 20.0, 90)).assign(members="Ash; Birch")
    terms = Terms(cap_hours_share=0.5, award=ALIKE)
    # Together they may hold half of 100 h as a provider: one lot of 40 h, 20 for each.
    won = zd.award(table, lots_of([40, 60], terms))
    assert sorted(winners(won).values()) == ["", "Team"]


def test_most_places_are_filled_before_scores_count():
    table = bids(("Ash", "a", 20.0, 90), ("Ash", "b", 20.0, 30), ("Birch", "a", 20.0, 40))
    won = zd.award(table, lots_of([10, 10], Terms(cap=1, award=ALIKE)))
    assert winners(won) == {("a", "lead"): "Birch", ("b", "lead"): "Ash"}
    assert won.award["why"].tolist()[0].startswith("Ash: a scores 94, and is kept out: the cap of 1 lot")


def test_the_award_is_an_allocation_for_the_lots():
    found = lots_of([10, 20])
    won = zd.award(bids(("Ash", "a", 20.0, 90), ("Ash", "b", 20.0, 90)), found)
    again = zd.lots(found.plan, found.problem, found.terms, allocation=won, draws=100)
    assert again.providers.set_index("provider").loc["Ash", "weekly_hours"] == pytest.approx(30)


def test_the_method_is_printed_as_it_would_be_published():
    terms = Terms(cap=2, cap_hours_share=0.25)
    said = " ".join(zd.award(bids(("Ash", "a", 20.0, 90)), lots_of([10], terms)).method)
    assert "0.4 x 100 x the lowest price bid for that lot / its price, plus 0.6 x its quality" in said
    assert "No provider wins more than 2 lots in any role, nor more than 25.0% of all weekly hours." in said
    assert "in this order: the higher total quality; the lower total price; lot by lot in their order" in said


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (bids(("Ash", "aa", 20.0, 50)), "1 row for a lot that is not there: aa; did you mean 'a'?"),
        (bids(("Ash", "a", 0.0, 50)), "1 row whose price is not above 0: 2; correct these rows"),
        (bids(("Ash", "a", 20.0, 150)), "1 row whose quality is not from 0 to 100: 2"),
        (
            bids(("Ash", "a", 20.0, 50), ("Ash", "a", 21.0, 50)),
            "1 row of a bid of the same provider, lot, combination and role again: 3",
        ),
        (bids(("", "a", 20.0, 50)), "1 row without provider: 2"),
        (bids(("Ash", "a", None, 50)), "1 row without price: 2"),
        (bids(("Ash", "a", 20.0, 50)).drop(columns="price"), "the bids has no column 'price'"),
        (bids(("Ash", "a", 20.0, 50), role="boss"), "Ash bids for the role 'boss'; there are lead"),
        (
            bids(("Ash", "a", 2.0, 50), ("Ash", "b", 2.0, 50)).assign(capacity=[1, 2]),
            "Ash states capacity 1, 2; state one",
        ),
        (bids(("Team", "a", 20.0, 50), members="Ash"), "Team names 1 member; a consortium has two or more"),
        (
            bids(("Team", "a", 20.0, 50), ("Team", "b", 20.0, 50)).assign(members=["Ash; Elm", "Ash; Oak"]),
            "Team names its members in several ways",
        ),
        (
            bids(("ash", "a", 20.0, 50), ("Team", "b", 20.0, 50)).assign(members=["", "Ash; Elm"]),
            "1 provider written in several ways: ash, Ash",
        ),
        (bids(("Ash", "a", 20.0, 50), cap=1.5), "1 row whose cap is not a whole number, 1 or more: 2"),
        (
            bids(("Ash", "a", 20.0, 50), ("ASH ", "b", 20.0, 50)),
            "1 provider written in several ways: Ash, ASH; caps count by name",
        ),
    ],
)
def test_bids_that_cannot_be_read_are_refused_in_words(table, says):
    with pytest.raises(zd.DataError) as refused:
        zd.award(table, lots_of([10, 10]))
    assert says in str(refused.value)


def test_a_combination_of_two_roles_is_refused_and_not_taken_apart():
    table = bids(("Ash", "a", 20.0, 50), ("Ash", "b", 20.0, 50), combination="both").assign(
        role=["lead", "secondary"]
    )
    with pytest.raises(
        zd.DataError, match="combination both of Ash has the roles lead, secondary; its lots are"
    ):
        zd.award(table, lots_of([10, 10], roles=("lead", "secondary")))


def test_without_the_caps_neither_award_nor_method_knows_of_them():
    found = lots_of([10, 10], Terms(cap=1, award=ALIKE))
    won = zd.award(bids(("Ash", "a", 20.0, 90), ("Ash", "b", 20.0, 90)), found, caps=False)
    assert set(winners(won).values()) == {"Ash"}
    assert "The council sets no cap on what one provider may win." in won.method
    assert any(line.startswith("The council's caps are left out") for line in won.says)


def test_the_alphabet_decides_among_many_alike_too():
    names = [f"P{k:02}" for k in range(45)]
    table = bids(*((name, "a", 20.0, 70) for name in reversed(names)))
    plan, problem = row([100.0], providers={"1": {"framework": 41}})
    won = zd.award(table, zd.lots(plan, problem, draws=100))
    assert sorted(won.award["provider"]) == names[:41]
    assert won.unique


def test_lots_without_any_place_to_award_are_refused():
    plan, problem = row([10.0], levels=["3"])
    with pytest.raises(zd.ScenarioError, match="no level has providers to award"):
        zd.award(bids(("Ash", "a", 20.0, 50)), zd.lots(plan, problem, draws=100))


def test_a_better_bid_in_a_lesser_role_is_told_why_it_is_not_in_the_first():
    table = bids(("Ash", "a", 20.0, 90), ("Birch", "a", 20.0, 50)).assign(capacity=[50.0, 1000.0])
    terms = Terms(shares={"lead": 0.8, "secondary": 0.1}, award=ALIKE)
    won = zd.award(table, lots_of([100], terms, roles=("lead", "secondary")))
    # As lead Ash would have 80 h, as secondary 10.
    assert winners(won) == {("a", "lead"): "Birch", ("a", "secondary"): "Ash"}
    assert won.award["why"].tolist()[0] == (
        "Ash: a scores 94, and is secondary here: as lead, its capacity of 50 h is too little for 80.0 h; it "
        "wins nothing else"
    )
