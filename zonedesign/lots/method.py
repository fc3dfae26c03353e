"""The method of an award in words, as it would have to be published before bids are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zonedesign.lots.terms import HOURS, SCORES

if TYPE_CHECKING:
    from zonedesign.lots.terms import AwardRules, Terms


def method_says(rules: AwardRules, terms: Terms, *, capped: bool) -> tuple[str, ...]:
    """Return the method, a sentence or two for each step, in the order in which it is applied."""
    places = f"{rules.decimals} decimal{'' if rules.decimals == 1 else 's'}"
    if rules.method == SCORES:
        scored = (
            "Each bid for a lot has the score that the evaluation of the most advantageous tender gave it "
            "(0 to "
            f"100), rounded to {places}."
        )
    else:
        scored = (
            f"Each bid for a lot scores {rules.price:g} x 100 x the lowest price bid for that lot / its "
            "price, plus "
            f"{rules.quality:g} x its quality (0 to 100), rounded to {places}. The lowest price is that of "
            "any bid "
            "that can win, combined ones too."
        )
    said = [scored]
    if rules.quality_least > 0:
        said.append(f"A bid whose quality is under {rules.quality_least:g} in any of its lots cannot win.")
    by = "its share of the weekly hours of the lots awarded" if rules.count_lots == HOURS else "the same"
    said += [
        (
            f"Each lot counts {by}. In a lot the first role counts whole, the second half, the third a "
            "third, "
            "and so on."
        ),
        (
            "First as many places as possible are filled, so counted; among all awards that fill as many, "
            "the one with "
            "the highest total score so counted wins."
        ),
        (
            "A provider holds one place at most in a lot. Bids that one provider combines under a name win "
            "in all their "
            "lots, in the same role, or in none."
        ),
        (
            "No provider wins more hours than the capacity it states, nor more lots than it says it would "
            "take. Hours "
            "are what a place may expect of its lot."
        ),
    ]
    said.append(
        "A consortium bids under a name of its own and names its members. What is said of a provider holds "
        "for it and for each member too: each lot counts whole for a member, hours in equal parts."
    )
    said.append(_caps(terms) if capped else "The council sets no cap on what one provider may win.")
    words = {"quality": "higher total quality", "price": "lower total price"}
    steps = [
        *(f"the {words[each]}" for each in rules.ties),
        (
            "lot by lot in their order, the first of the providers' names in the alphabet, a place filled "
            "before one left empty"
        ),
    ]
    said.append(
        "Awards within a millionth of the scale are equal; among equal ones decide, in this order: "
        f"{'; '.join(steps)}."
    )
    said.append(
        "The award is found by integer programming, and each step is proved best before the next is taken."
    )
    return tuple(said)


def _caps(terms: Terms) -> str:
    said = []
    if terms.cap is not None:
        said.append(f"{terms.cap} lot{'' if terms.cap == 1 else 's'} in any role")
    said += [f"{cap} of level {level}" for level, cap in terms.cap_by_level.items()]
    if terms.cap_hours_share is not None:
        said.append(f"{terms.cap_hours_share:.1%} of all weekly hours")
    return f"No provider wins more than {', nor more than '.join(said)}."
