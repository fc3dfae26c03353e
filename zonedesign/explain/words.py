"""Words: what was loosened, as sentences with numbers, and how large a change it is."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from zonedesign.errors import counted, listed
from zonedesign.explain.answer import Change, Relaxation
from zonedesign.explain.dials import MIN, Dial, level_of, stated
from zonedesign.explain.scene import Scene, number, several
from zonedesign.explain.writing import written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zonedesign.explain.loosen import Loosened
    from zonedesign.problem import Problem

ENOUGH = "; that is enough, and less may be"


class _Said(NamedTuple):
    """One change in parts, so that changes of one level in the same zones become one sentence."""

    subject: str
    what: str
    where: str


def told(problem: Problem, found: Loosened) -> Relaxation:
    """Return a loosening as a relaxation: its changes in sentences, and its size."""
    tight = stated(problem, {dial: turn for dial, turn in found.settings.items() if dial.lets_go})
    scene = Scene(problem, tight, found.plan)
    parts, changes, size = [], [], 0.0
    for dial, turn in found.settings.items():
        said, change = _change(scene, dial, turn, found.problem)
        parts.append(said)
        changes.append(change)
        size += _size(scene, dial, turn, change)
    sentence = _sentence(parts) + ("" if found.least else ENOUGH)
    return Relaxation(sentence, tuple(changes), found.problem, found.plan, found.least, size)


def contradiction(dials: Sequence[Dial], *, certain: bool) -> str:
    """Return as a cause that some limits cannot all be met."""
    asked = [dial for dial in dials if dial.rule not in {"Bridge", "Exclude"}]
    if not asked:
        return "no limit or lock by itself stands in the way: units must be left out, or data corrected"
    other = {dial.rule for dial in dials if dial not in asked}
    # The map stands in the way as well, so that the rules are not to blame by themselves.
    unless = {"Bridge": " without a bridge", "Exclude": " with every unit in"}
    as_it_is = "".join(words for rule, words in unless.items() if rule in other)
    said = "; ".join(dial.says for dial in asked)
    if len(asked) == 1:
        sure = ", whatever else is allowed" if certain else ""
        return f"no plan meets this{as_it_is}{sure}: {said}"
    others = (
        ", though without any one of them the others can be"
        if certain
        else ", though not each of them need have a part in it"
    )
    return f"these {counted(len(asked), 'rule')} cannot all be met{as_it_is}{others}: {said}"


def _change(scene: Scene, dial: Dial, turn: float, loose: Problem) -> tuple[_Said, Change]:
    setting = written(dial, loose)
    if dial.lets_go:
        said, zones, units = _let_go(scene, dial)
        what = (dial.rule, dial.level, dial.quantity)
        return said, Change(*what, None, None, zones, units, setting, _sentence([said]))
    zones, units, where = scene.zones(dial), (), ""
    if dial.quantity in {"reach_minutes", "miles"}:
        far = scene.far(dial)
        units = tuple(scene.plan.of_units.ids[list(far)])
        where = f" for {number(len(far), 'unit')} near {scene.near(far)}" if far else ""
    elif zones:
        where = f" in {number(len(zones), 'zone')} around {scene.around(zones)}"
    after = dial.at(turn)
    said = _Said(
        f"{dial.subject} need{'' if dial.levels else 's'} ", _amounts(scene.problem, dial, after), where
    )
    what = (dial.rule, dial.level, dial.quantity)
    return said, Change(*what, dial.before, after, zones, units, setting, _sentence([said]))


def _sentence(parts: Sequence[_Said]) -> str:
    """Return changes as one sentence; those of one level and of the same zones are said together."""
    said = []
    for subject, of_level in groupby(parts, key=lambda part: part.subject):
        whole = [
            " and ".join(part.what for part in together) + where
            for where, together in groupby(of_level, key=lambda part: part.where)
        ]
        # Places may hold an `and` of their own, so that a comma says where the next change begins.
        said.append(subject + ", and ".join(whole))
    text = "; ".join(said)
    return text[:1].upper() + text[1:]


def _amounts(problem: Problem, dial: Dial, after: float) -> str:
    """Return what a limit would be instead of what it is, with its unit of measure."""
    end = "a minimum of" if dial.side == MIN else "a maximum of"
    least = "at least" if dial.side == MIN else "at most"
    new, old = f"{after:,.6g}", f"{dial.before:,.6g}"
    if dial.quantity == "weekly_hours":
        return f"{end} {new} h instead of {old} h"
    if dial.quantity == "customers":
        return f"{end} {new} customer{'' if after == 1 else 's'} instead of {old}"
    if dial.quantity == "reach_minutes":
        return f"{new} minute{'' if after == 1 else 's'} instead of {old}"
    if dial.quantity == "minutes_between":
        return f"{new} minutes between any two units instead of {old}"
    if dial.quantity == "miles":
        return f"{new} mile{'' if after == 1 else 's'} instead of {old}"
    if dial.quantity == "zones":
        band: Any = level_of(problem, str(dial.level)).zones
        limit = old if band[0] == band[1] else f"{least} {old}"
        return f"{new} zone{'' if after == 1 else 's'} instead of {limit}"
    shares = f"{100 * after:.5g}%", f"{100 * dial.before:.5g}%"
    if dial.quantity == "hours_share":
        return f"{shares[0]} of all hours instead of {least} {shares[1]}"
    asked: Any = level_of(problem, str(dial.level)).character
    where = f"{asked.column} is {listed(asked.values)}"
    return f"only {shares[0]} of a zone's hours where {where} instead of {shares[1]}"


def _let_go(scene: Scene, dial: Dial) -> tuple[_Said, tuple[str, ...], tuple[Any, ...]]:
    """Return what is let go in words, the zones and the units that it concerns."""
    ids = scene.problem.units.ids
    units: tuple[Any, ...]
    if dial.rule == "Bridge":
        units = tuple(ids[unit] for pair in dial.parts for unit in pair)
        joins = several([f"from {ids[a]} to {ids[b]}" for a, b in dial.parts])
        return _Said(number(len(dial.parts), "bridge"), f" {joins}", ""), scene.zones_of(units), units
    if dial.rule == "Exclude":
        units = tuple(ids[list(dial.parts)])
        return _Said(number(len(units), "unit"), f" left out: {listed(units)}", ""), (), units
    zones = scene.zones(dial)
    where = f": {number(len(zones), 'zone')} around {scene.around(zones)}" if zones else ""
    if dial.rule == "Contiguous":
        return _Said(f"level {dial.level}'s zones ", "need not be connected", where), zones, ()
    if dial.rule == "NestIn":
        parts = dial.parts if dial.used is None else dial.used(scene.plan) or dial.parts
        name = dial.quantity.removeprefix("codes of ")
        sides = several([f"{a} and {b}" for a, b in parts])
        return _Said("zones ", f"may cross {name} between {sides}", where), zones, ()
    return _Said(dial.waived, "", ""), scene.zones_of(dial.units), dial.units


def _size(scene: Scene, dial: Dial, turn: float, change: Change) -> float:
    """Return how large a change is: the share of the limit, or of hours that a lock or border concerns.

    To leave people out is no small change, however few they are.
    """
    if not dial.lets_go:
        return turn / (abs(dial.before) or abs(dial.at(turn)) or 1.0)
    if dial.rule == "Exclude":
        return 1.0 + len(change.units) / len(scene.problem.units)
    if dial.rule in {"Contiguous", "NestIn"}:
        return scene.hours(scene.members(change.zones))
    return scene.hours(change.units)
