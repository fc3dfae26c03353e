"""The command line's contract, tried from outside: other processes, other folders, other people's text."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from tiny_county import quarters, squares, write_plan, write_tiny

from zonedesign.cli import main

if TYPE_CHECKING:
    from pathlib import Path

FILES = ["certificate.json", "manifest.json", "plan.csv", "plan.gpkg", "review.html", "zones.csv"]
LOCKS = '\n[locks]\nfrozen = ["1-01"]\nfixed = { u15 = "1-02" }\n'
HOSTILE = [
    "=1+1", "+2", "-3", "@x", "<script>alert(1)</script>", 'a"b', "o'h", "x,y", "l\nm", "é漢", "</title>",
    "&amp;", "`${x}`", " sp ", "u;v", "\ttab",
]  # fmt: skip


def run(*words: Any, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command line of its own, in a folder, as another process."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "zonedesign.cli", *map(str, words)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=folder,
        env=os.environ | environment,
        check=False,
    )


def strict(text: str) -> Any:
    """JSON without NaN or infinity."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    return json.loads(text, parse_constant=refuse)


def inside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def solve(scenario: Path, *more: Any) -> Path:
    """Solve in this process and return where the folder is."""
    out = scenario.parent / "zones"
    assert main(["solve", str(scenario), "-o", str(out), "--time-limit", "30", *map(str, more)]) == 0
    return out


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("error: ")
    return said


# The output folder.


def test_the_folder_holds_what_is_promised_and_nothing_else(tmp_path: Path) -> None:
    out = solve(write_tiny(tmp_path))
    assert inside(out) == FILES
    assert inside(tmp_path) == ["tiny.toml", "units.gpkg", "zones"]
    plan = pd.read_csv(out / "plan.csv", dtype=str)
    assert list(plan) == ["unit", "zone", "level", "centre", "minutes", "reach_minutes"]
    assert list(pd.read_csv(out / "zones.csv")) == [
        "zone", "name", "level", "centre", "units", "customers", "weekly_hours", "mean_minutes", "max_minutes"
    ]  # fmt: skip
    assert sorted(set(plan["zone"])) == ["1-01", "1-02", "1-03", "1-04"]
    assert {"units", "zones", "centres"} <= {name for name, _ in pyogrio.list_layers(out / "plan.gpkg")}


def test_the_certificate_has_every_field_and_a_row_for_every_verdict(tmp_path: Path) -> None:
    found = strict((solve(write_tiny(tmp_path)) / "certificate.json").read_text(encoding="utf-8"))
    assert {
        "status", "objective", "terms", "bound", "gap", "seconds", "stopped_by", "seed", "bridges", "inputs",
        "versions", "rules",
    } <= set(found)  # fmt: skip
    assert found["status"] == "optimal"
    assert found["gap"] <= 1e-6
    assert found["stopped_by"] is None
    assert set(found["inputs"]) == {"tiny.toml", "units.gpkg"}
    for row in found["rules"]:
        assert set(row) == {"rule", "zone", "level", "quantity", "limit", "value", "passed"}
        assert len(row["limit"]) == 2
        assert row["passed"] is True


def test_ids_keep_their_leading_zeros(tmp_path: Path) -> None:
    ids = [f"{k:03d}" for k in range(16)]
    scenario = write_tiny(tmp_path, units=squares(id=ids))
    out = solve(scenario)
    plan = pd.read_csv(out / "plan.csv", dtype=str)
    assert plan["unit"].tolist() == ids
    assert set(plan["centre"]) <= set(ids)
    assert main(["verify", str(out / "plan.csv"), "--scenario", str(scenario)]) == 0


def test_units_left_out_are_named_and_have_an_empty_zone(tmp_path: Path) -> None:
    changes = {'name = "place"': 'exclude = ["u00"]', "[30, 50]": "[20, 50]"}
    out = solve(write_tiny(tmp_path, changes=changes))
    assert "u00" not in set(pd.read_csv(out / "plan.csv")["unit"])
    layer = gpd.read_file(out / "plan.gpkg", layer="units")
    assert len(layer) == 16
    zone = layer.set_index(layer.columns[0])["zone"]
    assert pd.isna(zone["u00"]) or zone["u00"] == ""
    for name in ("manifest.json", "review.html"):
        assert "u00" in (out / name).read_text(encoding="utf-8")


def test_hostile_text_reaches_no_page_and_no_cell_as_what_it_pretends_to_be(tmp_path: Path) -> None:
    units = squares(
        place=[f"{text} town" for text in HOSTILE], id=[f"{text}{k}" for k, text in enumerate(HOSTILE)]
    )
    scenario = write_tiny(tmp_path, units=units, changes={'"Tiny"': '"<b>=Evil</b> & \\"x\\""'})
    out = solve(scenario)
    public = tmp_path / "public.html"
    plan = ["map", str(out / "plan.csv"), "--scenario", str(scenario)]
    assert main([*plan, "-o", str(public), "--public"]) == 0
    for page in (out / "review.html", public):
        text = page.read_text(encoding="utf-8")
        for bad in ("<script>alert", "<b>=Evil", "</title> town"):
            assert bad not in text
    for name in ("plan.csv", "zones.csv"):
        with (out / name).open(encoding="utf-8", newline="") as file:
            cells = [cell for row in list(csv.reader(file))[1:] for cell in row]
        risky = [cell for cell in cells if cell[:1] in set("=+-@\t\r\n")]
        assert all(cell[1:].replace(".", "").isdigit() for cell in risky), risky
    assert main(["verify", str(out / "plan.csv"), "--scenario", str(scenario)]) == 0


def test_dates_are_those_that_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    out = solve(write_tiny(tmp_path))
    assert strict((out / "manifest.json").read_text(encoding="utf-8"))["date"] == "1970-01-02"
    assert "1970-01-02" in (out / "review.html").read_text(encoding="utf-8")


# The same again.


def test_work_makes_the_same_bytes_at_any_threads_and_hash_seed(tmp_path: Path) -> None:
    scenario = write_tiny(tmp_path)
    found = set()
    for number, (threads, seed) in enumerate([("1", "0"), ("2", "1")]):
        out = tmp_path / f"zones{number}"
        done = run(
            "solve", scenario, "-o", out, "--work", 1, "--threads", threads,
            folder=tmp_path, PYTHONHASHSEED=seed,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found.add(((out / "plan.csv").read_bytes(), (out / "zones.csv").read_bytes()))
    assert len(found) == 1


# Files elsewhere.


def test_nothing_is_written_at_home_without_a_cache(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    scenario = write_tiny(tmp_path)
    verbs = [
        ("solve", scenario, "-o", tmp_path / "zones", "--time-limit", 30),
        ("roads", " ", "-o", tmp_path / "roads.graphml"),
    ]
    codes = []
    for verb in verbs:
        done = run(*verb, "--no-cache", folder=home, HOME=str(home), XDG_CACHE_HOME=str(home / "c"))
        codes.append(done.returncode)
        assert "Traceback" not in done.stderr
    assert codes == [0, 2]
    assert inside(home) == []


@pytest.mark.parametrize("verb", ["example", "check", "solve", "verify", "map", "roads"])
def test_every_verb_can_do_without_a_cache_and_print_json(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb, "--help"]) == 0
    printed = capsys.readouterr().out
    assert "--no-cache" in printed
    assert "--json" in printed


def test_the_environment_is_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZONEDESIGN_NO_CACHE", raising=False)
    assert main(["check", str(write_tiny(tmp_path)), "--no-cache"]) == 0
    assert "ZONEDESIGN_NO_CACHE" not in os.environ


# A plan to start from.


def locked(folder: Path) -> Path:
    scenario = write_tiny(folder)
    scenario.write_text(scenario.read_text(encoding="utf-8") + LOCKS, encoding="utf-8")
    return scenario


def test_locks_name_zones_of_the_start_plan_where_there_is_no_baseline(tmp_path: Path) -> None:
    scenario, start = locked(tmp_path), write_plan(tmp_path)
    out = solve(scenario, "--start", start)
    zone = pd.read_csv(out / "plan.csv").set_index("unit")["zone"]
    before = quarters().set_index("unit")["zone"]
    kept = before.index[before == "1-01"]
    assert len(set(zone[kept])) == 1
    assert (zone == zone[kept[0]]).sum() == len(kept)
    found = strict((out / "certificate.json").read_text(encoding="utf-8"))
    assert {"Frozen", "Fixed"} <= {row["rule"] for row in found["rules"]}
    assert start.name in found["inputs"]
    for verb in (["verify", str(out / "plan.csv"), "--scenario", str(scenario)], ["check", str(scenario)]):
        assert main([*verb, "--start", str(start)]) == 0


def test_locks_without_any_plan_to_name_zones_of_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["solve", str(locked(tmp_path)), "-o", str(tmp_path / "zones")]) == 2
    assert "start plan" in last_line(capsys)
    assert not (tmp_path / "zones").exists()


def test_a_start_plan_that_is_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["-o", str(tmp_path / "zones"), "--start", str(tmp_path / "none.csv")]
    assert main(["solve", str(write_tiny(tmp_path)), *words]) == 2
    assert "none.csv" in last_line(capsys)
    assert not (tmp_path / "zones").exists()


# Plans of others.


def test_a_plan_of_units_and_zones_is_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario, plan = write_tiny(tmp_path), write_plan(tmp_path)
    assert main(["verify", str(plan), "--scenario", str(scenario), "--json"]) == 0
    found = strict(capsys.readouterr().out)
    assert found["passed"] is True
    assert {row["level"] for row in found["rules"]} == {None, "1"}


def test_a_plan_that_lacks_a_unit_or_breaks_a_band_is_exit_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = write_tiny(tmp_path)
    broken = quarters().replace({"zone": {"1-04": "1-03"}})
    for plan in (quarters().iloc[1:], broken):
        path = write_plan(tmp_path, plan)
        assert main(["verify", str(path), "--scenario", str(scenario), "--json"]) == 1
        found = strict(capsys.readouterr().out)
        assert found["passed"] is False
        assert any(not row["passed"] for row in found["rules"])
    assert inside(tmp_path) == ["plan-given.csv", "tiny.toml", "units.gpkg"]


# A stop.


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_an_interrupt_ends_in_one_line_and_no_half_folder(tmp_path: Path) -> None:
    assert main(["example", str(tmp_path / "county")]) == 0
    out = tmp_path / "zones"
    scenario = tmp_path / "county" / "scenarios" / "west-sussex.toml"
    words = ["solve", str(scenario), "-o", str(out), "--time-limit", "60"]
    with subprocess.Popen(
        [sys.executable, "-m", "zonedesign.cli", *words], stdout=-1, stderr=-1, text=True
    ) as solving:
        time.sleep(3)
        solving.send_signal(signal.SIGINT)
        said = solving.communicate(timeout=300)[1]
    assert "Traceback" not in said
    assert solving.returncode in {0, 4}
    if solving.returncode == 0:
        proved = strict((out / "certificate.json").read_text(encoding="utf-8"))
        assert proved["stopped_by"] == "interrupt"
    else:
        assert said.strip().splitlines()[-1].startswith("error: ")
        assert not out.exists()


# What a map and a verdict say of a plan that was made elsewhere.


def test_a_map_says_what_was_proved_where_the_plan_stands_beside_its_certificate(tmp_path: Path) -> None:
    scenario = write_tiny(tmp_path)
    out, page = solve(scenario), tmp_path / "map.html"
    assert main(["map", str(out / "plan.csv"), "--scenario", str(scenario), "-o", str(page)]) == 0
    assert "Optimal: it is proved" in page.read_text(encoding="utf-8")


def test_a_map_of_a_changed_plan_claims_no_proof(tmp_path: Path) -> None:
    scenario = write_tiny(tmp_path)
    out, page = solve(scenario), tmp_path / "map.html"
    with (out / "plan.csv").open("a", encoding="utf-8") as file:
        file.write("\n")
    assert main(["map", str(out / "plan.csv"), "--scenario", str(scenario), "-o", str(page)]) == 0
    assert "nothing is proved" in page.read_text(encoding="utf-8")


def test_what_a_plan_is_can_be_said_on_its_verdict_and_its_map(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario, said = write_tiny(tmp_path), "a health footprint, not today's plan"
    plan, page = solve(scenario) / "plan.csv", tmp_path / "map.html"
    capsys.readouterr()
    assert main(["verify", str(plan), "--scenario", str(scenario), "--about", said]) == 0
    assert said in capsys.readouterr().err
    assert main(["map", str(plan), "--scenario", str(scenario), "-o", str(page), "--about", said]) == 0
    assert "a health footprint" in page.read_text(encoding="utf-8")
