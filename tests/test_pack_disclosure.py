"""What a pack gives away: rounding in place of hiding, dominated hours, and an outsider with two packs' files."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import packed
import pandas as pd
import pytest
import tiny_county
from scipy.optimize import linprog

import zonedesign as zd
from zonedesign.cli import main
from zonedesign.pack import gather, read_published, write_pack
from zonedesign.pack.method import sections

if TYPE_CHECKING:
    from pathlib import Path

WIDE = {
    "weekly_hours = [30, 50]": "weekly_hours = [0, 4000]",
    "customers = [4, 12]": "customers = [0, 400]",
}
CUSTOMERS = {'hours_column = "hours"\ncustomers_column = "people"': 'customers = "customers.csv"'}
ROUND = packed.PUBLISH + "round_to = 5\nround_hours_to = 20\n\n[lots.rate]\nhourly = 20.0\n"


@pytest.fixture(scope="module")
def rounded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed.folder_of(tmp_path_factory.mktemp("rounded"), publish=ROUND)


def test_rounded_figures_are_multiples_that_add_up(rounded: Path) -> None:
    """160 hours and 32 customers in all: a multiple of 20, and 30 or 35."""
    rows = packed.rows(rounded / "lots.csv")
    people, hours = ([float(row[name]) for row in rows] for name in ("customers", "weekly_hours"))
    assert all(each % 5 == 0 for each in people)
    assert all(each % 20 == 0 for each in hours)
    said = packed.words_of(rounded / "method.pdf")
    total = re.search(r"([\d,]+) hours of care a week for ([\d,]+) customers", said)
    assert total is not None
    assert [float(total[1]), float(total[2])] == [sum(hours), sum(people)]
    assert "customers are rounded to multiples of 5" in said


def test_a_value_is_that_of_the_rounded_hours(rounded: Path) -> None:
    for row in packed.rows(rounded / "lots.csv"):
        worth = float(row["weekly_hours"]) * 365 / 7 * 20
        assert float(row["value_a_year"]) == pytest.approx(worth, abs=500)


def test_a_rounded_pack_says_so_and_is_not_read_beside_another(rounded: Path) -> None:
    told = json.loads((rounded / "disclosure.json").read_text())
    assert told["method"] == "rounding, checked by an attacker's linear program"
    assert told["attack"]["safe"]
    problem = zd.read_scenario(rounded.parent / "tiny.toml").problem()
    with pytest.raises(zd.DataError, match="are rounded"):
        read_published(rounded, problem.units)


def test_what_is_out_already_cannot_be_rounded_with(
    rounded: Path, pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = rounded.parent
    asked = [folder / "plan.csv", "--scenario", folder / "tiny.toml", "-o", folder / "more", "-q"]
    assert main(["pack", *map(str, asked), "--published", str(pack)]) == 2
    assert "publish.round_to cannot be kept beside what is out already" in capsys.readouterr().err


def dominated(folder: Path) -> Path:
    """A scenario of 8 customers a lot, where one of lot 1-01 has 26 of its 40 hours."""
    squares = tiny_county.squares()
    middle = squares.geometry.centroid
    rows = []
    for k in range(16):
        for nth in range(2):
            hours = 26.0 if (k, nth) == (0, 0) else 2.0 if k in (0, 1, 4, 5) else 5.0
            rows.append((f"c{k}-{nth}", hours, middle[k].x + nth, middle[k].y))
    table = pd.DataFrame(rows, columns=["id", "weekly_hours", "easting", "northing"])
    table.to_csv(folder / "customers.csv", index=False)
    return tiny_county.write_tiny(folder, changes=CUSTOMERS)


def test_hours_that_are_mostly_one_customers_are_withheld_in_pack_and_public_map(tmp_path: Path) -> None:
    path = dominated(tmp_path)
    plan = tiny_county.write_plan(tmp_path)
    out, page = tmp_path / "pack", tmp_path / "map.html"
    scenario = ["--scenario", str(path), "-q"]
    assert main(["pack", str(plan), *scenario, "-o", str(out)]) == 0
    assert main(["map", str(plan), *scenario, "-o", str(page), "--public"]) == 0
    assert packed.rows(out / "lots.csv")[0]["weekly_hours"] == ""
    assert (
        "one customer has more than 50% of the hours"
        in json.loads((out / "disclosure.json").read_text())["dominance"]
    )
    text = page.read_text(encoding="utf-8")
    assert "one customer has more than 50% of the hours" in text
    assert "[c]" in text


def told_by_both(folders: list[Path]) -> dict[str, tuple[float, float]]:
    """The least and most customers of every unit by all that two packs' files say, to a linear program.

    An outsider's reading, with none of the product's own arithmetic: which units make a lot, the printed
    figures, each level's band, and nothing below zero. Units are those that no pack divides.
    """
    lots = [{row["unit"]: row["lot"] for row in packed.rows(each / "units.csv")} for each in folders]
    units = sorted(lots[0])
    parts = sorted({tuple(lot[unit] for lot in lots) for unit in units})
    rows, low, high = [], [], []
    for number, folder in enumerate(folders):
        for row in packed.rows(folder / "lots.csv"):
            rows.append([float(part[number] == row["lot"]) for part in parts])
            known = row["customers"] != ""
            low.append(float(row["customers"] if known else row["customers_low"] or 0))
            high.append(float(row["customers"] if known else row["customers_high"] or 1e6))
    matrix = np.array(rows)
    found = {}
    for at, part in enumerate(parts):
        goal = np.eye(len(parts))[at]
        ends = []
        for sign in (1.0, -1.0):
            answer = linprog(
                sign * goal, A_ub=np.vstack([matrix, -matrix]), b_ub=np.concatenate([high, np.negative(low)])
            )
            ends.append(float(answer.x @ goal))
        found[" and ".join(part)] = (ends[0], ends[1])
    return found


def test_an_outsider_with_the_files_of_two_packs_cannot_tell_a_small_part(tmp_path: Path) -> None:
    """Unit u05, one customer, changes lots: the difference of two printed figures would be him."""
    people = [12] * 16
    people[5], people[4] = 1, 23
    units = tiny_county.squares(people=people, hours=[12.0 * each for each in people])
    path = tiny_county.write_tiny(tmp_path, changes=WIDE, units=units)
    problem = zd.read_scenario(path).problem()
    labels = tiny_county.quarters().set_index("unit")["zone"]
    first = zd.Plan.from_labels(problem.units, problem.times, labels, levels=problem.levels)
    moved = first.move("u05", "1-02")

    def made(name: str, plan: zd.Plan, earlier: dict[str, Any] | None = None) -> Path:
        return write_pack(tmp_path / name, gather(plan, problem, earlier=earlier))

    before = made("first", first)
    alone, beside = (
        made("alone", moved),
        made("beside", moved, {"first": read_published(before, problem.units)}),
    )
    assert told_by_both([before, alone])["1-01 and 1-02"] == pytest.approx((1, 1))
    low, high = told_by_both([before, beside])["1-01 and 1-02"]
    assert high >= 5
    assert high - low >= 4


def compared(folder: Path, *, internal: bool, people: list[int]) -> list[list[str]]:
    """The rows of alternatives: the quarters, and the same with unit u05 in another lot."""
    units = tiny_county.squares(people=people, hours=[12.0 * each for each in people])
    problem = zd.read_scenario(tiny_county.write_tiny(folder, changes=WIDE, units=units)).problem()
    labels = tiny_county.quarters().set_index("unit")["zone"]
    plan = zd.Plan.from_labels(problem.units, problem.times, labels, levels=problem.levels)
    material = gather(plan, problem, internal=internal)
    said = {each["heading"]: each for each in sections(material, {"other": plan.move("u05", "1-02")})}
    rows: list[list[str]] = said["Alternatives compared"]["rows"]
    return rows


def test_alternatives_are_compared_coarsely_in_public(tmp_path: Path) -> None:
    """12 of 192 hours-holders move, 6.25 %: in public about 5 %, and minutes to one decimal."""
    mine, other = compared(tmp_path, internal=False, people=[12] * 16)
    assert re.fullmatch(r"\d+\.\d", mine[2])
    assert re.fullmatch(r"\d+\.\d", other[2])
    assert mine[4] == "none"
    assert other[4] == "about 5 %"


def test_an_alternative_that_differs_by_one_customer_has_no_minutes_of_its_own(tmp_path: Path) -> None:
    people = [12] * 16
    people[5] = 1
    _, other = compared(tmp_path, internal=False, people=people)
    assert other[2:] == ["as here", other[3], "under 5 %"]


def test_alternatives_are_exact_inside(tmp_path: Path) -> None:
    _, other = compared(tmp_path, internal=True, people=[12] * 16)
    assert re.fullmatch(r"\d+\.\d\d", other[2])
    assert other[4] == "6.2 %"
