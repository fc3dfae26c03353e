"""Totals against counts and bands, for all units and for every part of the map that no zone crosses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zonedesign.errors import counted
from zonedesign.rules import Apart
from zonedesign.solve._counts import Amount, Counts, can_add_up, count_vectors, nearest_totals
from zonedesign.solve._ground import code_names, positions
from zonedesign.solve._remedies import out_of_it
from zonedesign.solve._words import amount, band, bands_in_words, number, units_in_words, zones_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zonedesign.problem import Problem
    from zonedesign.solve._ground import Ground

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

MOST_PARTS_NAMED = 4


def amounts_of(problem: Problem, units: Ints | None = None, *, shares: bool = False) -> dict[str, Amount]:
    """Return the demand of some units, or all, with the levels' bands: hours, and customers if they count."""
    levels = problem.levels
    here = np.arange(len(problem.units)) if units is None else units
    share = tuple(level.hours_share for level in levels) if shares else ()
    found = {
        "h": Amount(float(problem.hours[here].sum()), tuple(level.weekly_hours for level in levels), share)
    }
    if problem.customers is not None and any(level.customers is not None for level in levels):
        found["customers"] = Amount(
            float(problem.customers[here].sum()), tuple(level.customers for level in levels)
        )
    return found


def total_causes(parts: Ground) -> list[str]:
    """Return why the totals fit no numbers of zones that the levels allow; the first reason that suffices."""
    problem = parts.problem
    ranges = [level.zone_range for level in problem.levels]
    items = len(parts.item_size)
    least, most = sum(low for low, _ in ranges), [high for _, high in ranges]
    if least > items:
        return [
            (
                f"the levels need at least {counted(least, 'zone')} and there are {counted(items, 'unit')} "
                "to make them of; ask for fewer zones"
            )
        ]
    pieces = int(parts.piece.max()) + 1
    if None not in most and sum(high or 0 for high in most) < pieces:
        return [
            (
                f"the map has {counted(pieces, 'part')} that no zone may cross and the levels allow "
                f"{counted(sum(high or 0 for high in most), 'zone')}: {_parts_in_words(parts)}; allow more "
                "zones, or join the parts by a bridge or joint authorities"
            )
        ]
    amounts = amounts_of(problem)
    alone = [_one_total(problem, what, each, ranges, items) for what, each in amounts.items()]
    if found := [sentence for sentence in alone if sentence]:
        return found
    # A share of no hours at all is not known, and no rule.
    shares = [level.hours_share for level in problem.levels] if amounts["h"].total > 0 else []
    if any(shares):
        low = sum((s[0] or 0.0) if s else 0.0 for s in shares)
        high = sum(1.0 if s is None or s[1] is None else s[1] for s in shares)
        if low > 1 + 1e-5 or high < 1 - 1e-5:
            end, value = ("minima", low) if low > 1 else ("maxima", high)
            return [
                (
                    f"the {end} of the levels' hours_share add up to {value:.3g}, so shares cannot add up "
                    "to 1; change hours_share"
                )
            ]
    if _empty(count_vectors(list(amounts.values()), ranges, items)):
        both = " and ".join(f"{number(each.total)} {what}" for what, each in amounts.items())
        return [
            (
                f"no numbers of zones hold {both} at once, with {_asked(problem)}; widen a band or range of "
                "zones"
            )
        ]
    if any(shares) and _empty(count_vectors(list(amounts_of(problem, shares=True).values()), ranges, items)):
        asked = ", ".join(
            f"level {level.name} {band(level.hours_share)}" for level in problem.levels if level.hours_share
        )
        return [
            (
                f"no numbers of zones give levels their shares of hours ({asked}), with {_asked(problem)}; "
                "widen hours_share, a band or a range of zones"
            )
        ]
    return []


def _one_total(
    problem: Problem, what: str, each: Amount, ranges: Sequence[tuple[int, int | None]], items: int
) -> str | None:
    """Return why one total fits no numbers of zones, or None."""
    if not _empty(count_vectors([each], ranges, items)):
        return None
    under, over = nearest_totals(each, ranges, items)
    has = f"all units together have {number(each.total)} {what}"
    if under is None and over is not None:
        return (
            f"{has}, and the fewest zones allowed ({zones_in_words(problem, over[1])}) need "
            f"{number(over[0])}; ask for fewer zones or lower a band's minimum"
        )
    if over is None and under is not None:
        return (
            f"{has}, and the most zones allowed ({zones_in_words(problem, under[1])}) hold "
            f"{number(under[0])}; allow more zones or raise a band's maximum"
        )
    if under is None or over is None:
        return (
            f"{has}, which no numbers of zones can hold, with {_asked(problem)}; widen a band or range of "
            "zones"
        )
    return (
        f"{has}, which falls in a gap: {zones_in_words(problem, under[1])} hold at most {number(under[0])}, "
        "and "
        f"{zones_in_words(problem, over[1])} need at least {number(over[0])}; widen a band or range of "
        "zones"
    )


def piece_causes(parts: Ground, to_explain: Bools, *, together: bool) -> tuple[list[str], Ints]:
    """Return why parts of the map cannot be made of allowed zones, and the units (positions) of these parts.

    A part without a unit `to_explain` (n,) is passed over; with `together` all parts are also tried at once.
    """
    problem = parts.problem
    count = int(parts.piece.max()) + 1
    said: list[Ints] = [np.zeros(0, dtype=np.int64)]
    if count == 1:
        return [], said[0]
    ranges = [level.zone_range for level in problem.levels]
    free = [(0, high) for _, high in ranges]
    causes, every = [], []
    for piece in range(count):
        units = np.flatnonzero(parts.piece == piece)
        items = len(np.unique(parts.item[units]))
        found = count_vectors(
            list(amounts_of(problem, units).values()), free, items, _least_zones(parts, units)
        )
        every.append(found)
        # Units that are named already, and frozen zones, are not explained twice.
        if _empty(found) and to_explain[units].any() and parts.frozen[units[0]] < 0:
            causes.append(_piece_sentence(parts, units))
            said.append(units)
    known = [found for found in every if found is not None]
    if together and all(known) and len(known) == count and not can_add_up(known, ranges):
        causes.append(
            f"the map has {counted(count, 'part')} that no zone may cross ({_parts_in_words(parts)}), and "
            "no numbers of zones "
            f"suit all of them at once, with {_asked(problem)}; {_way_together(parts)}"
        )
    return causes, np.concatenate(said)


def _way_together(parts: Ground) -> str:
    """Return what to do where parts suit no numbers of zones at once."""
    pieces = [np.flatnonzero(parts.piece == piece) for piece in range(int(parts.piece.max()) + 1)]
    reach = [f"raise {' or '.join(stated)}" for stated in [_reach_stated(parts)] if stated]
    far = reach if any(_by_reach(parts, units) for units in pieces) else []
    return out_of_it("widen a range of zones", far, "join the parts by a bridge or joint authorities")


def _reach_stated(parts: Ground) -> list[str]:
    """Return the limits of reach that some level states."""
    levels = [parts.problem.levels[k] for k in parts.usable]
    limits = ("max_minutes", "max_miles")
    return [limit for limit in limits if any(getattr(level, limit) is not None for level in levels)]


def _least_zones(parts: Ground, units: Ints) -> int:
    """Return how many zones a part must have at least: its forced centres, two where units are apart."""
    centres = len(np.unique(parts.item[np.intersect1d(parts.forced_centres, units)]))
    apart = [rule for rule in parts.problem.all_rules if isinstance(rule, Apart)]
    inside = set(units.tolist())
    divided = any(inside.issuperset(positions(parts.problem, [rule.a, rule.b]).tolist()) for rule in apart)
    return max(1, centres, 2 if divided else 1)


def _piece_sentence(parts: Ground, units: Ints) -> str:
    problem = parts.problem
    people = None if problem.customers is None else float(problem.customers[units].sum())
    has = amount(problem, float(problem.hours[units].sum()), people)
    verb = "has" if len(units) == 1 else "have together"
    return (
        f"{counted(len(units), 'unit')} {why_a_part(parts, units)} {verb} {has}, which no allowed zones can "
        "hold: "
        f"{units_in_words(problem, units)}, with {bands_in_words(problem, parts.usable)}; "
        f"{_way_out(parts, units)}"
    )


def why_a_part(parts: Ground, units: Ints) -> str:
    """Return what keeps a part of the map to itself."""
    problem = parts.problem
    cells = np.flatnonzero(parts.cell == parts.cell[units[0]])
    where = ", ".join(
        f"{name} {code_names(problem, k)[codes[units[0]]]}" for k, (name, codes) in enumerate(problem.nests)
    )
    if len(cells) == len(units):
        return f"of {where}" if where else "beside the frozen zones"
    cut_off = "out of reach of all others" if _by_reach(parts, units) else "cut off from all others"
    return f"of {where} {cut_off}" if where else cut_off


def _by_reach(parts: Ground, units: Ints) -> bool:
    """Return whether it is reach that keeps a part to itself: on the map it touches others."""
    graph = parts.problem.units.contiguity
    if graph is None or not parts.contiguous_everywhere:
        return True
    inside = np.isin(graph.pairs, units)
    leaving = graph.pairs[inside.sum(axis=1) == 1]
    return bool((parts.cell[leaving[:, 0]] == parts.cell[leaving[:, 1]]).any())


def _way_out(parts: Ground, units: Ints) -> str:
    """Return what to do about a part: cross a border that makes it one, or join it to others inside."""
    problem = parts.problem
    by_authority = problem.units.authority is not None
    ways = [f"let zones cross {name}" for name, _ in problem.nests[: len(problem.nests) - by_authority]]
    ways += ["declare joint authorities"] if by_authority else []
    if len(np.flatnonzero(parts.cell == parts.cell[units[0]])) == len(units):
        return out_of_it("widen a band", ways)
    if _by_reach(parts, units):
        stated = _reach_stated(parts)
        if stated:
            return out_of_it(f"raise {' or '.join(stated)}", ways, "exclude them", "widen a band")
    return out_of_it("add a bridge", ways, "exclude them", "widen a band")


def _parts_in_words(parts: Ground) -> str:
    """Return the smallest parts of the map, for a message."""
    problem = parts.problem
    size = np.bincount(parts.piece)
    said = []
    for piece in np.argsort(size, kind="stable")[:MOST_PARTS_NAMED]:
        units = np.flatnonzero(parts.piece == piece)
        said.append(
            f"{counted(len(units), 'unit')} {why_a_part(parts, units)} "
            f"({units_in_words(problem, units[:2])}{', ...' if len(units) > 2 else ''})"
        )
    more = len(size) - len(said)
    return "; ".join(said) + (f"; and {more} more" if more else "")


def _asked(problem: Problem) -> str:
    """Return the levels' ranges of zones and bands."""
    said = []
    for k, level in enumerate(problem.levels):
        low, high = level.zone_range
        zones = "any number of zones" if high is None and not low else f"{band((low or None, high))} zones"
        said.append(f"{zones} of {bands_in_words(problem, [k])}")
    return "; ".join(said)


def _empty(found: Counts | None) -> bool:
    return found is not None and not found
