"""Report of a portfolio: how many plans, how good, how unlike, and how sure units are of a zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zonedesign.cli.answer import Answer, number, table
from zonedesign.cli.reports import start_lines
from zonedesign.errors import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from zonedesign.portfolio import Portfolio


def portfolio_answer(found: Portfolio, out: Path, remarks: Sequence[str]) -> Answer:
    """Return what a portfolio holds: a line per plan, then what units make of it."""
    from zonedesign._portfoliotables import portfolio_facts  # noqa: PLC0415

    files = sorted(str(path) for path in out.iterdir()) if out.is_dir() else []
    facts = portfolio_facts(found)
    data = {"verb": "portfolio", "folder": str(out), "files": files, **facts}
    lines = [f"wrote {out}: {len(files)} files; look at {out / 'review.html'}"]
    heads = ("plan", "objective", "above best", "gap", "hours moved from plan 1")
    rows = [
        (
            row["plan"],
            number(row["objective"], 4),
            f"{row['above_best']:.2%}",
            "unknown" if row["gap"] is None else f"{row['gap']:.2%}",
            f"{row['from_best']:.1%}",
        )
        for row in facts["plans"]
    ]
    lines += table(heads, rows, (1, 2, 3, 4))
    lines += [_proved(found), *_sentences(found)]
    told = found.plans[0].certificate
    lines += [] if told is None else start_lines(told.details.get("repairs", ()))
    return Answer(data, lines, remarks=remarks)


def _proved(found: Portfolio) -> str:
    """Return what no plan is better than, and what ended the search."""
    stopped = "" if found.stopped_by is None else f", stopped by {found.stopped_by}"
    bound = "unknown" if found.bound is None else number(found.bound, 4)
    return f"bound {bound}; {number(found.seconds)} seconds{stopped}"


def _sentences(found: Portfolio) -> list[str]:
    """Return how many plans there are of how many asked, and how steady the units."""
    plans = f"{counted(len(found.plans), 'plan')} of {found.asked} asked"
    alike = f"at most {found.within:.2%} above the best and {found.apart:.1%} of the hours apart"
    said = [f"{plans}, {alike}"]
    if len(found.plans) < found.asked:
        time = "" if found.complete else ", or give it more time"
        said[0] += f"; no more were found: raise --within or lower --apart{time}"
    said.append(_counted(found))
    if found.counted > 1:
        share = found.steadiness["same_zone"]
        said.append(
            f"{counted(int((share >= 0.95).sum()), 'unit')} of {len(share):,} in the same zone in 95 % of "
            f"these or more, {counted(int((share < 0.5).sum()), 'unit')} in under half"
        )
    return said


def _counted(found: Portfolio) -> str:
    """Return how many good plans there are or were met, and how many of them count."""
    which = "there is exactly" if found.met == 1 else "there are exactly"
    good = f"{which if found.complete else 'the search met'} {counted(found.met, 'good plan')}"
    if found.met == 1:
        return good
    if found.counted == 1:
        return f"{good}, less than {found.counted_apart:.1%} of the hours apart; one is counted"
    return f"{good}; {found.counted:,} of them, {found.counted_apart:.1%} of the hours apart, are counted"
